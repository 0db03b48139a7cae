"""Random vectors and matrices."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, ShapeError
from eshkol.xla import powers
from eshkol.xla.arguments import static_int, static_shape
from eshkol.xla.draw_limits import Limit, Parameter, hold
from eshkol.xla.dtypes import FLOAT64, default_dtype, parse_dtype, wide
from eshkol.xla.key_stream import next_key
from eshkol.xla.roundings import hidden
from eshkol.xla.samplers import checked, float_kind
from eshkol.xla.tensors import as_tensor, cast, describe

_RANDOM = jax.random


def multivariate_normal(mean: Any, covariance: Any, *sizes: Any, dtype: Any = None) -> Any:
    """Vectors of a normal distribution with a matrix of covariances."""
    who = "random-multivariate-normal"
    m, c = as_tensor(mean, who), as_tensor(covariance, who)
    if len(m.shape) != 1 or c.shape != m.shape * 2:
        raise ShapeError(
            f"{who}: expected a mean [n] and covariances [n, n], got {describe(m)}, {describe(c)}"
        )
    kind = float_kind(who, dtype, m)
    shape = static_shape(sizes, who)
    # Narrow floats have no decomposition.
    computed = kind if kind == FLOAT64 else np.dtype("float32")
    hold(who, _COVARIANCES, (covariance, c))
    with wide():
        m, c = cast(m, computed), cast(c, computed)
        return cast(_multivariate_normal(next_key(), m, c, shape, computed), kind)


def _draw_vectors(key: Any, mean: Any, matrix: Any, shape: tuple[int, ...], kind: Any) -> Any:
    m, c = hidden(key, mean, matrix)
    normal = _RANDOM.normal(key, (*shape, *m.shape), kind)
    return m + jnp.einsum("ij,...j->...i", _root(c), normal)


_multivariate_normal = jax.jit(_draw_vectors, static_argnums=(3, 4))


def _root(covariance: Any) -> Any:
    """A matrix whose product with its transpose is a matrix of covariances.

    It is Cholesky's. Where there is none, since the matrix is only semidefinite, it is the
    symmetric root, which depends on no choice of eigenvectors. It is NaN where there is none.
    """
    factor = jnp.linalg.cholesky(covariance)
    is_definite = jnp.all(jnp.isfinite(factor))

    def symmetric() -> Any:
        size = covariance.shape[0]
        # In lanes both are computed; these numbers have a derivative.
        plain = jnp.diag(1 + jnp.arange(size, dtype=covariance.dtype))
        values, vectors = jnp.linalg.eigh(jnp.where(is_definite, plain, covariance))
        limit = _tolerance(values, 2 * SLACK)
        is_positive = values > limit
        roots = jnp.where(is_positive, jnp.sqrt(jnp.where(is_positive, values, 1)), 0)
        root = (vectors * roots) @ vectors.T
        return jnp.where(jnp.all(values >= -limit), root, jnp.nan)

    return lax.cond(is_definite, lambda: factor, symmetric)


SLACK = 8
"""So many roundings of the greatest eigenvalue, for each dimension, others may be below 0."""


def _tolerance(eigenvalues: Any, slack: float) -> Any:
    """How far eigenvalues may be from 0 that would be it without rounding to float32, or double."""
    dtype = eigenvalues.dtype
    return slack * eigenvalues.shape[0] * np.finfo(dtype).eps * abs(eigenvalues).max(initial=0)


def _are_covariances(xp: Any, matrix: Any) -> Any:
    """Whether a matrix is symmetric and has no negative eigenvalues, up to rounding."""
    if not matrix.shape[0]:
        return xp.ones((), bool)
    kind = np.float64 if matrix.dtype == FLOAT64 else np.float32
    given = matrix.astype(kind)
    is_symmetric = xp.allclose(given, given.T)
    # What is not finite has no eigenvalues.
    eigenvalues = xp.linalg.eigvalsh(xp.where(xp.isfinite(given), given, 0))
    is_positive = xp.all(eigenvalues >= -_tolerance(eigenvalues, SLACK))
    return xp.all(xp.isfinite(given)) & is_symmetric & is_positive


_COVARIANCES = Limit(
    "covariances, a symmetric matrix without negative eigenvalues", _are_covariances
)


def ball(dimension: Any, *sizes: Any, order: Any = 2, dtype: Any = None) -> Any:
    """Points evenly from the unit ball of a p-norm, along the last axis."""
    who = "random-ball"
    size = static_int(dimension, who, "a dimension")
    norm = checked(who, Parameter("order", "positive"), order)
    kind = parse_dtype(dtype, who) or default_dtype()
    if size < 1:
        raise BadValue(f"{who}: expected a dimension of at least 1, got {size}")
    if norm.shape:
        raise ShapeError(f"{who}: expected one order, got {describe(order)}")
    if kind.kind not in "fV":
        raise BadValue(f"{who}: expected a floating dtype, got {kind.name}")
    with wide():
        norm = cast(norm, kind if kind == FLOAT64 else np.dtype("float32"))
        return _ball(next_key(), norm, size, static_shape(sizes, who), kind)


def _draw_points(key: Any, order: Any, size: int, shape: tuple[int, ...], kind: Any) -> Any:
    (p,) = hidden(key, order)
    return powers.ball(key, p, size, shape, kind)


_ball = jax.jit(_draw_points, static_argnums=(2, 3, 4))


def orthogonal(size: Any, *sizes: Any, dtype: Any = None) -> Any:
    """Orthogonal matrices, evenly from all."""
    who = "random-orthogonal"
    count = static_int(size, who, "a size")
    kind = parse_dtype(dtype, who) or default_dtype()
    if count < 1 or kind.kind not in "fV":
        raise BadValue(
            f"{who}: expected a size of at least 1 and a floating dtype, got {count}, {kind.name}"
        )
    computed = kind if kind == FLOAT64 else np.dtype("float32")
    with wide():
        drawn = _RANDOM.orthogonal(next_key(), count, static_shape(sizes, who), computed)
        return cast(drawn, kind)

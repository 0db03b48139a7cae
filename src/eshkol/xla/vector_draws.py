"""Random vectors and matrices."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from eshkol.base.errors import BadValue, ShapeError
from eshkol.xla import powers
from eshkol.xla.arguments import static_int, static_shape
from eshkol.xla.draw_limits import Parameter
from eshkol.xla.dtypes import FLOAT64, default_dtype, parse_dtype, wide
from eshkol.xla.key_stream import next_key
from eshkol.xla.roundings import hidden
from eshkol.xla.samplers import checked, float_kind
from eshkol.xla.tensors import Tracer, as_tensor, cast, describe

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
    _check_covariances(who, c)
    with wide():
        m, c = cast(m, computed), cast(c, computed)
        return cast(_multivariate_normal(next_key(), m, c, shape, computed), kind)


def _draw_vectors(key: Any, mean: Any, matrix: Any, shape: tuple[int, ...], kind: Any) -> Any:
    m, c = hidden(key, mean, matrix)
    return _RANDOM.multivariate_normal(key, m, c, shape, kind)


_multivariate_normal = jax.jit(_draw_vectors, static_argnums=(3, 4))


def _check_covariances(who: str, matrix: Any) -> None:
    """Refuse what is no matrix of covariances, if it is known."""
    if isinstance(matrix, Tracer):
        return
    known = np.asarray(matrix, np.float64)
    try:
        np.linalg.cholesky(known)
        is_fit = np.allclose(known, known.T)
    except np.linalg.LinAlgError:
        is_fit = False
    if not is_fit:
        raise BadValue(
            f"{who}: expected covariances, a symmetric matrix that is positive definite, "
            f"got {describe(matrix)}"
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

"""Methods on matrices beside factorizations: iterations, norms with a name, Kronecker and cross
products.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.sparse.linalg
from jax import lax

from eshkol.base.errors import BadValue, ShapeError
from eshkol.datum.pairs import scheme_list
from eshkol.primitives.calling import callee
from eshkol.xla.arguments import number, static_axes, static_int
from eshkol.xla.decompositions import equations, matrix, matrix_kernel
from eshkol.xla.dtypes import inexact_dtype, result_dtype, wide
from eshkol.xla.rules import broadcast_shape
from eshkol.xla.tensors import as_tensor, cast, compiled, describe


def power_iteration(tensor: Any, iterations: Any = 100) -> Any:
    """The list (value vector) of the eigenvalue of largest magnitude."""
    x = matrix("power-iteration", tensor, square=True)
    if len(x.shape) > 2 or x.shape[0] == 0:
        raise ShapeError(f"power-iteration: expected one square matrix, got {describe(x)}")
    count = static_int(iterations, "power-iteration", "the number of iterations")
    if count < 0:
        raise BadValue(f"power-iteration: expected at least 0 iterations, got {count}")
    return scheme_list(_iterate(x, count=count))


@matrix_kernel("count")
def _iterate(x: Any, count: int) -> Any:
    """Start from a vector without any pattern that a matrix may be blind to."""

    def step(_: Any, vector: Any) -> Any:
        product = x @ vector
        length = jnp.linalg.norm(product)
        return jnp.where(length > 0, product / jnp.where(length > 0, length, 1), vector)

    start = jax.random.normal(jax.random.key(0), x.shape[-1:], jnp.float32).astype(x.dtype)
    vector = lax.fori_loop(0, count, step, start / jnp.linalg.norm(start))
    return vector @ (x @ vector), vector


def conjugate_gradients(
    a: Any, b: Any, tolerance: Any = 1e-5, iterations: Any = None, start: Any = None
) -> Any:
    """The solution of ``a x = b`` by conjugate gradients; a matrix, or a procedure that is one."""
    who = "conjugate-gradient-solve"
    y = as_tensor(b, who)
    y = cast(y, inexact_dtype(y.dtype, 1))
    count = None if iterations is None else static_int(iterations, who, "iterations")
    first = None if start is None else cast(as_tensor(start, who), y.dtype)
    if first is not None and first.shape != y.shape:
        raise ShapeError(f"{who}: the start {describe(first)} is no {describe(y)}")
    limit = number(who, tolerance, "a tolerance", y.dtype)
    with wide():
        if callable(a):
            operator = callee(a)
            apply = _operator(who, operator, y)
        else:
            x, y = equations(who, a, y, square=True)
            apply = functools.partial(jnp.matmul, x)
        return _iterated(apply, y, first, limit, count)


def _iterated(apply: Callable[[Any], Any], y: Any, first: Any, limit: Any, count: Any) -> Any:
    """What JAX's ``cg`` gives, with derivatives of all orders.

    A start that carries a derivative, be it zero, would keep JAX from the second order.
    """
    limit = lax.stop_gradient(limit)
    start = None if first is None else lax.stop_gradient(first)

    def search(start: Any, matvec: Callable[[Any], Any], right: Any) -> Any:
        return jax.scipy.sparse.linalg.cg(matvec, right, start, tol=limit, maxiter=count)[0]

    forwards, backwards = (functools.partial(search, place) for place in (start, None))
    return lax.custom_linear_solve(apply, y, forwards, backwards)


def _operator(who: str, procedure: Callable[[Any], Any], like: Any) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        result = as_tensor(procedure(x), who, like.dtype)
        if result.shape != like.shape:
            raise ShapeError(f"{who}: of {describe(like)} the procedure makes {describe(result)}")
        return result

    return apply


def kronecker(a: Any, b: Any) -> Any:
    """The Kronecker product."""
    x, y = _same("kron", a, b)
    return _kronecker(x, y)


@compiled()
def _kronecker(x: Any, y: Any) -> Any:
    return jnp.kron(x, y)


def cross(a: Any, b: Any) -> Any:
    """The cross product over last axes of three."""
    x, y = _same("cross", a, b)
    for side in (x, y):
        if not side.shape or side.shape[-1] != 3:
            raise ShapeError(
                f"cross: expected vectors of three, got {describe(side)}",
                hint="it multiplies the last axes, of size 3; other products are dot and outer",
            )
    broadcast_shape("cross", x, y)
    return _cross(x, y)


@compiled()
def _cross(x: Any, y: Any) -> Any:
    return jnp.cross(x, y)


def _same(who: str, a: Any, b: Any) -> tuple[Any, Any]:
    x, y = as_tensor(a, who), as_tensor(b, who)
    dtype = result_dtype([x, y])
    return cast(x, dtype), cast(y, dtype)


_NORMS = {"fro": "fro", "frobenius": "fro", "nuc": "nuc", "nuclear": "nuc", "spectral": 2}


def matrix_norm(tensor: Any, kind: str, axis: Any = None, *, keepdims: Any = False) -> Any:
    """The norm of matrices with a name: Frobenius', the nuclear or the spectral one."""
    x = matrix("norm", tensor)
    if kind not in _NORMS:
        known = "'fro, 'nuclear, 'spectral, or a real number"
        raise BadValue(f"norm: unknown order {kind}", hint=f"the orders are {known}")
    axes = (-2, -1) if axis is None else static_axes(axis, x, "norm")
    if len(axes) != 2:
        raise BadValue(f"norm: the order {kind} takes the two axes of matrices, got {len(axes)}")
    return _matrix_norm(x, order=_NORMS[kind], axes=axes, keepdims=keepdims is not False)


@matrix_kernel("order", "axes", "keepdims")
def _matrix_norm(x: Any, order: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.linalg.norm(x, order, axis=axes, keepdims=keepdims)

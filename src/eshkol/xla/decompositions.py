"""Linear algebra: determinants, inverses, systems of equations, factorizations, eigenvalues.

All take stacks of matrices, whose last two axes are the rows and columns. Integers compute in the
default float dtype, and 16-bit floats in float32. In eager code a matrix that has no answer is an
error; a compiled program gives infinities or not-a-number there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, ShapeError
from eshkol.datum.pairs import scheme_list
from eshkol.xla._compat import ArrayImpl
from eshkol.xla.arguments import static_flag, static_int
from eshkol.xla.dtypes import (
    COMPLEX64,
    COMPLEX128,
    FLOAT32,
    FLOAT64,
    HALF_FLOATS,
    NARROW_FLOATS,
    inexact_dtype,
    result_dtype,
)
from eshkol.xla.tensors import as_tensor, cast, compiled, describe

Rule = Callable[..., Any]

_LEAST_SQUARES = "for the least-squares answer take lstsq or pinv"
_SQUARE = "the last two axes have equal sizes; (matmul (transpose a) a) is square for any matrix a"
_FOR_OTHERS = {
    "tensor-inverse": "for any other matrix take pinv",
    "tensor-solve": _LEAST_SQUARES,
    "tensor-eig": "for any other matrix take svd",
    "tensor-eigh": "for any other matrix take svd",
}
"""What helps with a matrix that is not square, by the procedure that wants a square one."""


def matrix(who: str, value: Any, square: bool = False) -> Any:
    """``value`` as a floating tensor of rank 2 or more, with square matrices if asked."""
    x = value if value.__class__ is ArrayImpl else as_tensor(value, who)
    shape = x.shape
    if len(shape) < 2:
        raise ShapeError(
            f"{who}: expected a matrix, got {describe(x)}",
            hint="a matrix has two axes, and before them any that count matrices: (reshape t n m)",
        )
    if square and shape[-1] != shape[-2]:
        raise ShapeError(
            f"{who}: expected a square matrix, got {describe(x)}",
            hint=_FOR_OTHERS.get(who, _SQUARE),
        )
    return x if x.dtype in NARROW_FLOATS else cast(x, inexact_dtype(x.dtype, len(shape)))


def matrix_kernel(*static: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function of matrices; those of 16-bit floats are computed in float32."""

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:
            dtype = arguments[0].dtype
            if dtype not in HALF_FLOATS:
                return function(*arguments, **options)
            wider = (cast(x, FLOAT32) if isinstance(x, jax.Array) else x for x in arguments)
            results = function(*wider, **options)
            return jax.tree.map(lambda r: cast(r, dtype) if r.dtype == FLOAT32 else r, results)

        return compiled(*static, inline=False)(run)

    return wrap


def _answered(who: str, kernel: Rule, given: Sequence[Any], wanted: str, hint: str) -> Any:
    """What ``kernel`` gives, unless it is known to hold infinities where the matrix holds none."""
    result = kernel(*given)
    if result.__class__ is not ArrayImpl or _is_finite(result) or not _is_finite(given[0]):
        return result
    raise BadValue(f"{who}: expected {wanted}, got {describe(given[0])}", hint=hint)


MOST_LOOKED_AT = 4096
"""NumPy looks at so many numbers in place, which is quicker than a program that does."""

_LOOKED_AT = frozenset({FLOAT32, FLOAT64, COMPLEX64, COMPLEX128})


def _is_finite(array: Any) -> bool:
    """Whether known numbers are finite: the sum of their squares tells, unless it overflows."""
    if array.size <= MOST_LOOKED_AT and array.dtype in _LOOKED_AT:
        try:
            numbers = np.asarray(array)
        except RuntimeError:  # Parts of it are on other hosts.
            return bool(_all_finite(array))
        if math.isfinite(np.vdot(numbers, numbers).real):
            return True
    return bool(_all_finite(array))


_all_finite = compiled()(lambda array: jnp.isfinite(array).all())


def _squares(who: str, run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The rule of an operation on square matrices alone."""

    def rule(tensor: Any) -> Any:
        return run(matrix(who, tensor, square=True))

    rule.__name__ = rule.__qualname__ = who
    return rule


@matrix_kernel()
def _determinant(x: Any) -> Any:
    return jnp.linalg.det(x)


@matrix_kernel()
def _sign_and_log(x: Any) -> Any:
    return tuple(jnp.linalg.slogdet(x))


@matrix_kernel()
def _inverse(x: Any) -> Any:
    return jnp.linalg.inv(x)


@matrix_kernel()
def _cholesky(x: Any) -> Any:
    return jnp.linalg.cholesky(x)


@matrix_kernel()
def _exponential(x: Any) -> Any:
    return jax.scipy.linalg.expm(x)


determinant = _squares("tensor-det", _determinant)
exponential = _squares("expm", _exponential)


def sign_and_log_determinant(tensor: Any) -> Any:
    """The list of the sign of a determinant and the logarithm of its magnitude."""
    return scheme_list(_sign_and_log(matrix("slogdet", tensor, square=True)))


def inverse(tensor: Any) -> Any:
    """The inverse of each matrix."""
    x = matrix("tensor-inverse", tensor, square=True)
    wanted = "a matrix that has an inverse"
    return _answered("tensor-inverse", _inverse, [x], wanted, _LEAST_SQUARES)


def cholesky(tensor: Any) -> Any:
    """The lower triangular L with ``L Lᵀ`` the matrix."""
    x = matrix("tensor-cholesky", tensor, square=True)
    wanted = "a positive-definite matrix"
    hint = "of a symmetric matrix the eigenvalues, see eigh, must all be greater than 0"
    return _answered("tensor-cholesky", _cholesky, [x], wanted, hint)


def solve(a: Any, b: Any) -> Any:
    """The x with ``a x = b``; b is a vector, or a matrix of columns."""
    x, y = equations("tensor-solve", a, b, square=True)
    wanted = "equations that have one solution"
    return _answered("tensor-solve", _solve, [x, y], wanted, _LEAST_SQUARES)


@matrix_kernel()
def _solve(a: Any, b: Any) -> Any:
    if len(b.shape) == 1:
        return jnp.linalg.solve(a, b[:, None])[..., 0]
    return jnp.linalg.solve(a, b)


def solve_triangular(
    a: Any, b: Any, *, lower: Any = False, transpose: Any = False, unit_diagonal: Any = False
) -> Any:
    """The x with ``a x = b`` for a triangle ``a``; of the other triangle nothing is read."""
    who = "solve-triangular"
    x, y = equations(who, a, b, square=True)
    wanted = "a triangle without zeros on its diagonal"
    kernel = functools.partial(
        _solve_triangular,
        lower=static_flag(lower, who, "lower"),
        transposed=static_flag(transpose, who, "transpose"),
        unit_diagonal=static_flag(unit_diagonal, who, "unit-diagonal"),
    )
    return _answered(who, kernel, [x, y], wanted, _LEAST_SQUARES)


@matrix_kernel("lower", "transposed", "unit_diagonal")
def _solve_triangular(a: Any, b: Any, **how: Any) -> Any:
    return _of_triangle(a, b, **how)


def cholesky_solve(factor: Any, b: Any) -> Any:
    """The x with ``L Lᴴ x = b``, where L is what ``cholesky`` gives."""
    who = "cholesky-solve"
    x, y = equations(who, factor, b, square=True)
    wanted = "a triangle without zeros on its diagonal"
    return _answered(who, _cholesky_solve, [x, y], wanted, "the factor is what cholesky gives")


@matrix_kernel()
def _cholesky_solve(factor: Any, b: Any) -> Any:
    half = _of_triangle(factor, b, lower=True)
    return _of_triangle(factor.conj(), half, lower=True, transposed=True)


def _of_triangle(
    a: Any, b: Any, lower: bool = False, transposed: bool = False, unit_diagonal: bool = False
) -> Any:
    columns = b[:, None] if len(b.shape) == 1 else b
    stack = jnp.broadcast_shapes(a.shape[:-2], columns.shape[:-2])
    a = jnp.broadcast_to(a, stack + a.shape[-2:])
    columns = jnp.broadcast_to(columns, stack + columns.shape[-2:])
    x = lax.linalg.triangular_solve(
        a,
        columns,
        left_side=True,
        lower=lower,
        transpose_a=transposed,
        unit_diagonal=unit_diagonal,
    )
    return x[..., 0] if len(b.shape) == 1 else x


def equations(who: str, a: Any, b: Any, square: bool = False) -> tuple[Any, Any]:
    """The matrix and right side of equations, in one floating dtype."""
    x, y = matrix(who, a, square), as_tensor(b, who)
    if not y.shape or y.shape[0 if len(y.shape) == 1 else -2] != x.shape[-2]:
        raise ShapeError(
            f"{who}: the right side {describe(y)} does not fit the matrix {describe(x)}",
            hint="expected a[n, m] and b[n], or b[n, k] for k right sides",
        )
    if x.dtype is y.dtype:
        return x, y
    dtype = inexact_dtype(result_dtype([x, y]), 2)
    return cast(x, dtype), cast(y, dtype)


def least_squares(a: Any, b: Any) -> Any:
    """The x with the smallest ``‖a x - b‖``, and of several the shortest."""
    return _least_squares(*equations("lstsq", a, b))


@matrix_kernel()
def _least_squares(a: Any, b: Any) -> Any:
    return jnp.matmul(jnp.linalg.pinv(a), b)


def pseudo_inverse(tensor: Any) -> Any:
    """The Moore-Penrose inverse."""
    return _pseudo_inverse(matrix("pinv", tensor))


@matrix_kernel()
def _pseudo_inverse(x: Any) -> Any:
    return jnp.linalg.pinv(x)


def qr(tensor: Any) -> Any:
    """The list (Q R): orthonormal columns and an upper triangle, whose product is the matrix."""
    return scheme_list(_qr(matrix("tensor-qr", tensor)))


@matrix_kernel()
def _qr(x: Any) -> Any:
    return tuple(jnp.linalg.qr(x))


def svd(tensor: Any) -> Any:
    """The list (U S V): the matrix is ``U diag(S) Vᵀ``, S falling."""
    return scheme_list(_svd(matrix("tensor-svd", tensor)))


@matrix_kernel()
def _svd(x: Any) -> Any:
    left, values, right = jnp.linalg.svd(x, full_matrices=False)
    return left, values, jnp.swapaxes(right.conj(), -1, -2)


def lu(tensor: Any) -> Any:
    """The list (LU pivots sign)."""
    return scheme_list(_lu(matrix("tensor-lu", tensor)))


@matrix_kernel()
def _lu(x: Any) -> Any:
    factors, pivots, _ = lax.linalg.lu(x)
    kept = pivots == jnp.arange(pivots.shape[-1], dtype=pivots.dtype)
    signs = jnp.where(kept, 1, -1).astype(pivots.dtype)
    return factors, pivots, jnp.prod(signs, axis=-1, dtype=pivots.dtype)


def eigenvalues(tensor: Any) -> Any:
    """The list (values vectors) of a general matrix, complex."""
    return scheme_list(_eig(matrix("tensor-eig", tensor, square=True)))


@matrix_kernel()
def _eig(x: Any) -> Any:
    # Vectors are of length 1, their largest numbers real, so they have derivatives.
    return tuple(lax.linalg.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True))


def symmetric_eigenvalues(tensor: Any) -> Any:
    """The list (values vectors) of a symmetric matrix, values rising."""
    return scheme_list(_eigh(matrix("tensor-eigh", tensor, square=True)))


@matrix_kernel()
def _eigh(x: Any) -> Any:
    return tuple(jnp.linalg.eigh(x))


def rank(tensor: Any) -> Any:
    """How many singular values are not negligible beside the largest."""
    x = matrix("matrix-rank", tensor)
    if 0 in x.shape[-2:]:
        return jnp.zeros(x.shape[:-2], "int32")
    return _rank(x)


@matrix_kernel()
def _rank(x: Any) -> Any:
    return jnp.linalg.matrix_rank(x).astype("int32")


def condition(tensor: Any) -> Any:
    """The largest singular value over the smallest."""
    x = matrix("condition-number", tensor)
    if 0 in x.shape[-2:]:
        raise BadValue(f"condition-number: expected a matrix with elements, got {describe(x)}")
    return _condition(x)


@matrix_kernel()
def _condition(x: Any) -> Any:
    values = jnp.linalg.svd(x, compute_uv=False)
    return values[..., 0] / values[..., -1]


def power(tensor: Any, exponent: Any) -> Any:
    """The matrix multiplied by itself; negative exponents take the inverse."""
    x = matrix("matrix-power", tensor, square=True)
    n = static_int(exponent, "matrix-power", "exponent")
    given = as_tensor(tensor, "matrix-power")
    if given.dtype.kind in "iu" and n >= 0:
        return _power(given, count=n)
    return _power(x if n >= 0 else inverse(x), count=abs(n))


@matrix_kernel("count")
def _power(x: Any, count: int) -> Any:
    return jnp.linalg.matrix_power(x, count)

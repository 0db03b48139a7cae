"""Products of tensors: matrix products of any rank, inner, outer and Einstein sums, traces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.base.errors import BadValue, EshkolError, ShapeError, WrongType
from eshkol.xla._compat import ArrayImpl
from eshkol.xla.arguments import is_sequence, static_axis, static_int
from eshkol.xla.dtypes import BOOL, INT32, NARROW_FLOATS, result_dtype
from eshkol.xla.elementwise import multiply
from eshkol.xla.precision import product
from eshkol.xla.tensors import as_tensor, compiled, describe


def _operands(who: str, *values: Any) -> list[Any]:
    """Tensors of one dtype; booleans count as integers."""
    arrays = [as_tensor(value, who) for value in values]
    if all(array.dtype == arrays[0].dtype != BOOL for array in arrays):
        return arrays
    dtype = result_dtype(arrays)
    return [as_tensor(array, who, INT32 if dtype == BOOL else dtype) for array in arrays]


def _are_alike(a: Any, b: Any) -> bool:
    """Whether these are tensors of one narrow dtype, as most are."""
    if a.__class__ is b.__class__ is ArrayImpl:
        dtype = a.aval.dtype
        return dtype is b.aval.dtype and dtype in NARROW_FLOATS
    dtype = getattr(a, "dtype", None)
    return dtype in NARROW_FLOATS and dtype is getattr(b, "dtype", None)


def _are_matrices(a: Any, b: Any) -> bool:
    return a.__class__ is b.__class__ is ArrayImpl and len(a.shape) == len(b.shape) == 2


def matmul(a: Any, b: Any) -> Any:
    """The matrix product over the last axis of ``a`` and the one but last of ``b``.

    A tensor of rank 1 is a row on the left and a column on the right; axes before the last two
    broadcast.
    """
    if not _are_alike(a, b):
        a, b = _operands("matmul", a, b)
    elif _are_matrices(a, b) and a.shape[1] == b.shape[0]:
        return _product_of_matrices(a, b)
    rank_a, rank_b = len(a.shape), len(b.shape)
    if not rank_a or not rank_b:
        scalar = a if not rank_a else b
        raise ShapeError(
            f"matmul: expected tensors of rank 1 or more, got {describe(scalar)}",
            hint="multiply by a number with *",
        )
    if a.shape[-1] != b.shape[-2 if rank_b > 1 else 0]:
        raise _inner_sizes(a, b)
    if rank_a <= 2 and rank_b <= 2:
        return _dot(a, b)
    return _batched(a, b)


def _inner_sizes(a: Any, b: Any) -> EshkolError:
    return ShapeError(
        f"matmul: inner sizes differ, a is {describe(a)} and b is {describe(b)}",
        hint=_expected(b),
    )


def _expected(b: Any) -> str:
    return "expected a[.., k] and b[k, n]" if len(b.shape) > 1 else "expected a[.., k] and b[k]"


def _batched(a: Any, b: Any) -> Any:
    try:
        return _matmul(a, b)
    except (TypeError, ValueError):
        raise ShapeError(
            f"matmul: batch sizes don't fit, a is {describe(a)} and b is {describe(b)}",
            hint="the axes before the last two are matched from the right, equal or 1",
        ) from None


@compiled()
@product
def _dot(a: Any, b: Any) -> Any:
    contracted = ((len(a.shape) - 1,), (max(len(b.shape) - 2, 0),))
    return lax.dot_general(a, b, (contracted, ((), ())), preferred_element_type=a.dtype)


_product_of_matrices = jax.jit(_dot.__wrapped__)  # type: ignore[attr-defined]


@compiled()
@product
def _matmul(a: Any, b: Any) -> Any:
    return jnp.matmul(a, b)


def dot(a: Any, b: Any) -> Any:
    """The inner product of two tensors of rank 1; of higher rank, the last axis of ``a`` with the
    one but last of ``b``; with a number, the product by it."""
    a, b = _operands("tensor-dot", a, b)
    rank_a, rank_b = len(a.shape), len(b.shape)
    if not rank_a or not rank_b:
        return multiply(a, b)
    if a.shape[-1] != b.shape[-2 if rank_b > 1 else 0]:
        raise ShapeError(
            f"tensor-dot: inner sizes differ, a is {describe(a)} and b is {describe(b)}",
            hint=_expected(b),
        )
    return _dot(a, b)


def batch_matmul(a: Any, b: Any) -> Any:
    """Matrix products of two stacks of matrices, one by one."""
    a, b = _operands("batch-matmul", a, b)
    for value in (a, b):
        if len(value.shape) < 3:
            raise ShapeError(
                f"batch-matmul: expected tensors of rank 3 or more, got {describe(value)}",
                hint="of single matrices take matmul",
            )
    return matmul(a, b)


def outer(a: Any, b: Any) -> Any:
    """All products of an element of ``a`` with one of ``b``, both in row order."""
    if not _are_alike(a, b):
        a, b = _operands("outer", a, b)
    return _outer(a, b)


@compiled()
def _outer(a: Any, b: Any) -> Any:
    return lax.mul(lax.expand_dims(a.reshape(-1), (1,)), lax.expand_dims(b.reshape(-1), (0,)))


def einsum(equation: Any, *tensors: Any) -> Any:
    """The Einstein sum that ``equation`` (such as ``"bij,bjk->bik"``) writes down."""
    if not isinstance(equation, str):
        raise WrongType(f"einsum: expected an equation string first, got {describe(equation)}")
    if len(tensors) == 1 and _is_list_of_tensors(tensors[0], equation):
        tensors = tuple(tensors[0])
    if not tensors:
        raise BadValue(f"einsum: {equation!r} needs tensors, got none")
    arrays = _operands("einsum", *tensors)
    try:
        _check_letters(equation)
        return _einsum(equation.replace(" ", ""), *arrays)
    except (TypeError, ValueError) as error:
        shown = ", ".join(describe(array) for array in arrays)
        raise ShapeError(
            f"einsum: {equation!r} does not fit {shown}",
            hint=einsum_misfit(equation.replace(" ", ""), arrays) or str(error).split("\n")[0],
        ) from None


_EQUATION = re.compile(r"[a-zA-Z.,\s]*(->[a-zA-Z.\s]*)?")


def _check_letters(equation: str) -> None:
    """Refuse signs that mean nothing, which would be taken as axes."""
    if not _EQUATION.fullmatch(equation):
        raise ValueError("axes are letters, commas stand between tensors: ij,jk->ik")


def einsum_misfit(equation: str, arrays: Sequence[Any]) -> str:
    """What is wrong with an equation and its tensors, in words; empty if that isn't clear."""
    if not _EQUATION.fullmatch(equation):
        return ""
    left, _, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(arrays):
        return f"the equation is for {len(terms)} tensors, and {len(arrays)} came"
    sizes: dict[str, tuple[int, int]] = {}
    for number, (term, array) in enumerate(zip(terms, arrays, strict=True), 1):
        if "." in term:
            continue
        if len(term) != len(array.shape):
            return f"{term} has {len(term)} letters, and tensor {number} is {describe(array)}"
        for letter, size in zip(term, array.shape, strict=True):
            known, first = sizes.setdefault(letter, (size, number))
            if size != known and 1 not in (size, known):
                return f"{letter} is {known} in tensor {first} and {size} in tensor {number}"
    twice = sorted({letter for letter in right if right.count(letter) > 1 and letter != "."})
    if twice:
        return f"{', '.join(twice)} stands twice in the result"
    strange = sorted({letter for letter in right if letter not in left and letter != "."})
    return f"{', '.join(strange)} of the result is in none of the tensors" if strange else ""


def _is_list_of_tensors(value: Any, equation: str) -> bool:
    """Whether one argument is a list of operands rather than an operand given as a list."""
    if not is_sequence(value) or hasattr(value, "dtype"):
        return False
    operands = equation.split("->")[0].count(",") + 1
    return operands > 1 or any(hasattr(item, "dtype") for item in value)


def _einsum(equation: str, *arrays: Any) -> Any:
    return _sum_of_products(*arrays, equation=equation)


@compiled("equation")
@product
def _sum_of_products(*arrays: Any, equation: str) -> Any:
    return jnp.einsum(equation, *arrays)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Products summed over ``axes``: how many (last of ``a``, first of ``b``), or two lists."""
    a, b = _operands("tensordot", a, b)
    if not is_sequence(axes):
        count = static_int(axes, "tensordot", "the number of axes")
        if count < 0:
            raise BadValue(f"tensordot: expected at least 0 axes, got {count}")
        last = len(a.shape)
        if count > min(last, len(b.shape)):
            raise ShapeError(
                f"tensordot: {count} axes are more than {describe(a)} and {describe(b)} have",
                hint="a number says how many axes are summed over: the last of the first tensor,\n"
                "the first of the second",
            )
        pairs = (tuple(range(last - count, last)), tuple(range(count)))
    else:
        pairs = _axis_pairs(a, b, list(axes))
    different = all(len(set(side)) == len(side) for side in pairs)
    fits = (
        different
        and len(pairs[0]) == len(pairs[1])
        and all(
            0 <= i < len(a.shape) and j < len(b.shape) and a.shape[i] == b.shape[j]
            for i, j in zip(*pairs, strict=True)
        )
    )
    if not fits:
        raise ShapeError(
            f"tensordot: axes {pairs[0]} of {describe(a)} and {pairs[1]} of {describe(b)} "
            "don't fit together",
            hint="the axes that are summed over have equal sizes, pair by pair: a number says how "
            "many (last of\nthe first tensor, first of the second), two lists say which",
        )
    return _tensordot(a, b, pairs)


def _axis_pairs(a: Any, b: Any, axes: list[Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if len(axes) != 2:
        raise BadValue("tensordot: expected two lists of axes, one per tensor")
    sides = [list(side) if is_sequence(side) else [side] for side in axes]
    first, second = (
        tuple(static_axis(axis, len(x.shape), "tensordot", x) for axis in side)
        for side, x in zip(sides, (a, b), strict=True)
    )
    return first, second


@compiled("axes")
@product
def _tensordot(a: Any, b: Any, axes: tuple[tuple[int, ...], tuple[int, ...]]) -> Any:
    return lax.dot_general(a, b, (axes, ((), ())), preferred_element_type=a.dtype)


SUM_OF_ALL = "the sum of all elements is tensor-sum"


def trace(matrix: Any) -> Any:
    """The sum of the diagonal of the last two axes."""
    x = as_tensor(matrix, "trace")
    if len(x.shape) < 2:
        raise ShapeError(f"trace: expected a matrix, got {describe(x)}", hint=SUM_OF_ALL)
    return _trace(as_tensor(x, "trace", INT32) if x.dtype == BOOL else x)


@compiled()
def _trace(x: Any) -> Any:
    return jnp.trace(x, axis1=-2, axis2=-1, dtype=x.dtype)


def diagonal(matrix: Any) -> Any:
    """The diagonal of the last two axes; of a tensor of rank 1, the matrix with that diagonal."""
    x = as_tensor(matrix, "diagonal")
    if not x.shape:
        raise ShapeError(f"diagonal: expected a tensor of rank 1 or more, got {describe(x)}")
    return _diagonal(x)


@compiled()
def _diagonal(x: Any) -> Any:
    return jnp.diag(x) if len(x.shape) == 1 else jnp.diagonal(x, axis1=-2, axis2=-1)

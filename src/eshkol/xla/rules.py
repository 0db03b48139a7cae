"""How element-by-element operations are made: one XLA operation behind a fast path.

Operands of one narrow float dtype, and such a tensor with a Python number, go straight to the XLA
operation: under a trace as one equation, in eager code as one compiled kernel. Everything else is
first brought to the dtype that ``dtypes.result_dtype`` decides, inside ``wide()`` where it must.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax

from eshkol.autodiff.plain import to_float, to_inexact
from eshkol.base.errors import EshkolError, ShapeError, WrongType
from eshkol.xla._compat import ArrayImpl
from eshkol.xla.dtypes import (
    BOOL,
    COMPLEX128,
    FLOAT32,
    HALF_FLOATS,
    INT32,
    INT64,
    NARROW_FLOATS,
    WIDE,
    inexact_dtype,
    result_dtype,
    wide,
)
from eshkol.xla.refusals import is_complex, not_real, refuse
from eshkol.xla.tensors import (
    Tracer,
    as_tensor,
    as_tensors,
    cast,
    check_fits,
    describe,
    dimensions,
    for_doubles,
)
from eshkol.xla.witness import Witness, exact_result, is_exact

Rule = Callable[..., Any]

_REAL = frozenset({int, float})
_LARGEST = float(np.finfo(np.float32).max)
_MODERATE = float(np.finfo(np.float16).max)


def binary_rule(
    who: str,
    operation: Rule,
    dtype_of: Callable[[list[Any]], np.dtype],
    exact: Rule | None = None,
    *,
    is_apart: bool = False,
) -> Rule:
    """The rule of an operation on two tensors.

    Args:
        who: its Scheme name, for errors.
        operation: it on operands of one dtype and rank, or one of them a number.
        dtype_of: the dtype in which it computes, by its operands.
        exact: it on Python integers, if it is exact on them: witnesses then give a witness.
        is_apart: whether JAX can't differentiate it where there are no doubles.
    """
    traced = _broadcasting(operation)
    kernel = jax.jit(traced)
    # Python's floats reach a kernel sooner than NumPy's, and round to float32 alike.
    with_number = jax.jit(lambda x, y: operation(x, lax.convert_element_type(y, x.dtype)))
    number_with = jax.jit(lambda x, y: operation(lax.convert_element_type(x, y.dtype), y))

    def run(x: Any, y: Any, dtype: np.dtype | None, spelled: Rule = traced) -> Any:
        """Of operands of one dtype, which is given where one of them may be a number."""
        try:
            if dtype is None:
                return kernel(x, y)
            # A Python number would be typed by the x64 flag; NumPy's is a literal of its own dtype.
            x = x if hasattr(x, "dtype") else _literal(x, dtype)
            y = y if hasattr(y, "dtype") else _literal(y, dtype)
            if isinstance(x, Tracer) or isinstance(y, Tracer):
                return spelled(x, y)
            return kernel(x, y)
        except (TypeError, ValueError) as error:
            if _fits(x, y):
                refuse(who, error, (x, y))
                raise
            raise shape_mismatch(who, x, y) from None

    def rule(x: Any, y: Any) -> Any:
        if x.__class__ is ArrayImpl:
            if y.__class__ is ArrayImpl and x.dtype in NARROW_FLOATS and x.dtype is y.dtype:
                return run(x, y, None)
            if y.__class__ in _REAL and x.dtype is FLOAT32 and -_LARGEST < y < _LARGEST:
                return with_number(x, float(y))
        elif y.__class__ is ArrayImpl and x.__class__ in _REAL and y.dtype is FLOAT32:
            if -_LARGEST < x < _LARGEST:
                return number_with(float(x), y)
        dtype_x = getattr(x, "dtype", None)
        dtype_y = getattr(y, "dtype", None)
        if dtype_x in NARROW_FLOATS:
            if dtype_x is dtype_y or y.__class__ is float:
                return run(x, y, dtype_x)
            if y.__class__ is int:
                return run(x, to_float(y), dtype_x)
        elif dtype_y in NARROW_FLOATS:
            if x.__class__ is float:
                return run(x, y, dtype_y)
            if x.__class__ is int:
                return run(to_float(x), y, dtype_y)
        if exact is not None and Witness in (x.__class__, y.__class__):
            known = exact_result(exact, rule, x, y)
            if known is not None:
                return known
        operands = as_tensors(who, x, y)
        dtype = dtype_of(operands)
        x, y = (_at_dtype(who, operand, dtype) for operand in operands)
        if not (hasattr(x, "dtype") or hasattr(y, "dtype")):
            x = as_tensor(x, who, dtype)
        if dtype not in WIDE:
            return run(x, y, dtype)
        spelled = for_doubles(traced, (x, y), traced) if is_apart else traced
        with wide():
            return run(x, y, dtype, spelled)

    rule.__name__ = rule.__qualname__ = operation.__name__
    rule.__doc__ = f"``({who} x y)``, element by element."
    return rule


def _literal(number: Any, dtype: np.dtype) -> Any:
    """A Python number as NumPy's; what is beyond the dtype is infinite."""
    if number.__class__ is not float or -_MODERATE < number < _MODERATE:
        return dtype.type(number)
    with np.errstate(over="ignore"):
        return dtype.type(number)


def _broadcasting(operation: Rule) -> Rule:
    def aligned(x: Any, y: Any) -> Any:
        return operation(*_align(x, y))

    aligned.__name__ = operation.__name__
    return aligned


def _align(x: Any, y: Any) -> tuple[Any, Any]:
    """Give the operand of lower rank leading axes of size 1; a number needs none."""
    rank_x, rank_y = np.ndim(x), np.ndim(y)
    if rank_x == rank_y or not rank_x or not rank_y:
        return x, y
    if rank_x < rank_y:
        return _raise_rank(x, rank_x, rank_y), y
    return x, _raise_rank(y, rank_y, rank_x)


def _raise_rank(x: Any, rank: int, goal: int) -> Any:
    extra = goal - rank
    return lax.broadcast_in_dim(x, (1,) * extra + x.shape, range(extra, goal))


def _at_dtype(who: str, operand: Any, dtype: np.dtype) -> Any:
    """An operand of ``dtype``; a Python number stays one, but of the fitting kind."""
    if hasattr(operand, "dtype"):
        return cast(operand, dtype)
    if dtype.kind in "iu":
        check_fits(who, operand, dtype, "an inexact number makes the result a tensor of floats")
        return operand
    if dtype.kind == "c":
        return complex(to_inexact(operand))
    return to_float(operand)


def shape_mismatch(who: str, x: Any, y: Any) -> EshkolError:
    """The error for shapes that don't broadcast together."""
    pairs = zip(reversed(np.shape(x)), reversed(np.shape(y)), strict=False)
    sizes = next(((m, n) for m, n in pairs if m != n and 1 not in (m, n)), None)
    of = f" ({sizes[0]} meets {sizes[1]})" if sizes else ""
    return ShapeError(
        f"{who}: shapes don't fit together, a is {describe(x)} and b is {describe(y)}{of}",
        hint="sizes are matched from the last axis; they must be equal, or one of them 1",
    )


def _fits(x: Any, y: Any) -> bool:
    try:
        np.broadcast_shapes(np.shape(x), np.shape(y))
    except ValueError:
        return False
    return True


def broadcast_shape(who: str, *arrays: Any) -> tuple[int, ...]:
    """The shape to which all ``arrays`` broadcast."""
    try:
        return np.broadcast_shapes(*(np.shape(array) for array in arrays))
    except ValueError:
        shown = ", ".join(f"[{dimensions(np.shape(array))}]" for array in arrays)
        raise ShapeError(
            f"{who}: shapes don't fit together: {shown}",
            hint="sizes are matched from the last axis; they must be equal, or one of them 1",
        ) from None


def precise(operation: Rule) -> Rule:
    """An operation on arrays of one dtype, which 16-bit floats do in float32."""

    @functools.wraps(operation)
    def run(*operands: Any) -> Any:
        dtype = operands[0].dtype
        if dtype not in HALF_FLOATS:
            return operation(*operands)
        wider = (lax.convert_element_type(operand, FLOAT32) for operand in operands)
        return lax.convert_element_type(operation(*wider), dtype)

    return run


def unary_rule(
    who: str,
    operation: Rule,
    dtype_of: Callable[[np.dtype, int], np.dtype],
    exact: Rule | None = None,
    *,
    inline: bool = True,
    is_apart: bool = False,
) -> Rule:
    """The rule of an operation on one tensor.

    Args:
        who: its Scheme name, for errors.
        operation: it on an array.
        dtype_of: the dtype in which it computes, by the dtype and rank of the operand.
        exact: it on a Python integer, if it is exact on it: a witness then gives a witness.
        inline: whether it is spelled out under a trace, as for ``compiled``.
        is_apart: whether JAX can't differentiate it where there are no doubles.
    """
    kernel = jax.jit(operation)
    traced = operation if inline else kernel

    def rule(x: Any) -> Any:
        if x.__class__ is ArrayImpl and x.dtype in NARROW_FLOATS:
            return kernel(x)
        if getattr(x, "dtype", None) in NARROW_FLOATS:
            return traced(x) if isinstance(x, Tracer) else kernel(x)
        if exact is not None and x.__class__ is Witness:
            known = exact_result(exact, rule, x)
            if known is not None:
                return known
        given, x = x, number_tensor(who, x)
        x = cast(x, dtype_of(x.dtype, len(x.shape)))
        run = traced if isinstance(x, Tracer) else kernel
        if x.dtype == COMPLEX128 or (is_apart and x.dtype in WIDE):
            run = for_doubles(run, (x,), operation)
        try:
            with wide():
                return run(x)
        except TypeError as error:
            refuse(who, error, (given,))
            raise

    rule.__name__ = rule.__qualname__ = operation.__name__
    rule.__doc__ = f"``({who} x)``, element by element."
    return rule


def rounding_rule(who: str, operation: Rule) -> Rule:
    """The rule of a rounding, which leaves integers as they are."""
    on_floats = unary_rule(who, operation, number_dtype)

    def rule(x: Any) -> Any:
        if is_exact(x):
            return x
        x = number_tensor(who, x)
        if x.dtype == BOOL:
            return cast(x, INT32)
        return x if x.dtype.kind in "iu" else on_floats(x)

    rule.__name__ = rule.__qualname__ = who
    rule.__doc__ = f"``({who} x)``, element by element; integers stay as they are."
    return rule


def number_tensor(who: str, x: Any) -> Any:
    """``x`` as a tensor where a number will do but a truth value will not."""
    if x.__class__ is bool:
        raise WrongType(f"{who}: expected a number or a tensor, got {describe(x)}")
    return as_tensor(x, who)


def inexact_result(operands: list[Any]) -> np.dtype:
    """The dtype of a division and the like: integers become floats."""
    rank = max(np.ndim(operand) for operand in operands)
    return inexact_dtype(result_dtype(operands), rank)


def of_reals(
    who: str, kind: Callable[[list[Any]], np.dtype] = result_dtype
) -> Callable[[list[Any]], np.dtype]:
    """The dtype, such as ``kind`` gives it, of a result of numbers that must be real ones."""

    def dtype_of(operands: list[Any]) -> np.dtype:
        dtype = kind(operands)
        if dtype.kind == "c":
            raise not_real(who, next(x for x in operands if is_complex(x)))
        return dtype

    return dtype_of


def comparison_dtype(operands: list[Any]) -> np.dtype:
    """The dtype in which operands are compared; booleans are compared as such."""
    if all(getattr(operand, "dtype", None) == BOOL for operand in operands):
        return BOOL
    return order_dtype(operands)


def order_dtype(operands: list[Any]) -> np.dtype:
    """The dtype in which numbers are compared by size.

    An integer that the dtype of a tensor may not have is compared with its elements all the same.
    """
    dtype = result_dtype(operands)
    is_narrow = dtype.kind in "iu" and dtype not in WIDE
    return INT64 if is_narrow and any(_is_beyond(x, dtype) for x in operands) else dtype


def _is_beyond(operand: Any, dtype: np.dtype) -> bool:
    """Whether an operand may be an integer that a dtype of integers has not."""
    if hasattr(operand, "dtype"):
        return bool(operand.dtype == INT64)
    limits = np.iinfo(dtype)
    return not limits.min <= operand <= limits.max


def number_dtype(dtype: np.dtype, rank: int) -> np.dtype:
    """The dtype itself, but booleans count as int32."""
    return INT32 if dtype == BOOL else dtype


def same_dtype(dtype: np.dtype, rank: int) -> np.dtype:
    """The dtype itself."""
    return dtype

"""Arguments that a compiled program must know: sizes, axes, shapes; and indices, which it need not.

A static integer may come as a Python int, a rank-0 concrete array, or a traced exact integer,
which becomes static by being asked for its value.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.config import CONFIG
from eshkol.base.errors import BadValue, OutOfRange, ShapeError, StagingError, WrongType
from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.primitives.arguments import list_argument
from eshkol.primitives.declare import load
from eshkol.xla._compat import ArrayImpl
from eshkol.xla.dtypes import BOOL, INT32, INT64, is_dtype_name
from eshkol.xla.tensors import (
    Array,
    Tracer,
    as_tensor,
    cast,
    describe,
    fitted,
    known_numbers,
    wide,
)


def static_int(value: Any, who: str, what: str = "argument") -> int:
    """``value`` as a Python int; ``what`` says in messages which argument it is.

    Raises:
        WrongType: it is no exact integer.
        StagingError: it is known only when the compiled program runs.
    """
    if value.__class__ is int:
        if -_BEYOND < value < _BEYOND or what == "seed":
            return value
        raise OutOfRange(f"{who}: {what} is too large for a tensor, got {describe(value)}")
    if not isinstance(value, bool) and getattr(value, "dtype", INT64).kind in "iu":
        try:
            return operator.index(value)
        except TypeError:
            if isinstance(value, Tracer):
                raise _not_static(value, who, what) from None
    if isinstance(value, Tracer) and value.shape == () and value.dtype != bool:
        raise _not_static(value, who, what)
    raise WrongType(f"{who}: expected an exact integer as {what}, got {describe(value)}")


_BEYOND = 1 << 63
"""No size, axis or index is that large."""

_BEYOND_INT32 = 1 << 31
"""Indices are 32-bit integers."""

_INSTEAD = {
    "tensor-slice": ": (dynamic-slice t starts sizes) takes traced starts",
    "zeros": ": take the largest size, and where to mask what is beyond",
    "ones": ": take the largest size, and where to mask what is beyond",
    "arange": ": take the largest size, and where to mask what is beyond",
}
"""What to do with a traced value instead, by the procedure that was given one."""


def _not_static(value: Any, who: str, what: str) -> StagingError:
    return StagingError(
        f"{who}: {what} must be known when the program is compiled, got a traced {describe(value)}",
        hint="compute it from exact integers or shapes; what is computed from tensors or inexact\n"
        "numbers is known only when the program runs" + _INSTEAD.get(who, ""),
    )


def is_sequence(value: Any) -> bool:
    """Whether ``value`` is a list, vector or tuple, or an array of rank 1 or more."""
    if isinstance(value, Pair | list | tuple) or value is NIL:
        return True
    return bool(getattr(value, "shape", ()))


def items_of(value: Any, who: str) -> list[Any]:
    """The elements of a list, vector or tuple.

    Raises:
        WrongType: it is no proper list.
    """
    return list_argument(who, value) if value.__class__ is Pair else list(value)


def static_ints(value: Any, who: str, what: str) -> tuple[int, ...]:
    """One integer, or a list or vector of them, as a tuple."""
    if not is_sequence(value):
        return (static_int(value, who, what),)
    if isinstance(value, Array | np.ndarray):
        if isinstance(value, Tracer):
            raise _not_static(value, who, what)
        value = np.asarray(value).tolist()
    try:
        return tuple(static_int(item, who, what) for item in items_of(value, who))
    except TypeError as error:
        if isinstance(error, WrongType | StagingError):
            raise
        raise WrongType(f"{who}: expected a list of {what}, got {describe(value)}") from None


def static_flag(value: Any, who: str, what: str = "keepdims") -> bool:
    """The option ``what`` as a truth value that is known at compile time."""
    if value is True or value is False:
        return value
    if getattr(value, "shape", ()):
        raise WrongType(f"{who}: expected #t or #f as {what}, got {describe(value)}")
    try:
        return bool(value)
    except TypeError:
        message = f"{who}: {what} must be known when the program is compiled"
        raise StagingError(message) from None


def static_shape(dims: Sequence[Any], who: str) -> tuple[int, ...]:
    """The shape that the arguments ``dims`` give: sizes, or one list or vector of them."""
    if dims and dims[-1].__class__ is Symbol and is_dtype_name(dims[-1].name):
        raise WrongType(
            f"{who}: expected an exact integer as a size, got {dims[-1]}",
            hint=f"a dtype is an option: #:dtype '{dims[-1]}",
        )
    if len(dims) == 1 and is_sequence(dims[0]):
        dims = static_ints(dims[0], who, "sizes")
    shape = tuple(static_int(size, who, "a size") for size in dims)
    for size in shape:
        if size < 0:
            raise BadValue(f"{who}: expected sizes of at least 0, got {size}")
    return shape


def static_axis(value: Any, rank: int, who: str, tensor: Any = None) -> int:
    """An axis of a tensor of ``rank``; negative ones count from the end."""
    if value.__class__ is int and -rank <= value < rank:
        return value % rank
    axis = static_int(value, who, "axis")
    if -rank <= axis < rank:
        return axis % rank
    of = f" of {describe(tensor)}" if tensor is not None else f" for rank {rank}"
    raise OutOfRange(
        f"{who}: axis {axis} is out of range{of}",
        hint=f"the axes are {-rank} to {rank - 1}" if rank else "a number has no axes",
    )


def static_axes(value: Any, tensor: Any, who: str) -> tuple[int, ...]:
    """The axes that ``value`` names: all for None, one, or a list of different ones."""
    rank = len(tensor.shape)
    if value is None:
        return tuple(range(rank))
    if value.__class__ is int and -rank <= value < rank:
        return (value % rank,)
    axes = tuple(static_axis(axis, rank, who, tensor) for axis in static_ints(value, who, "axis"))
    if len(set(axes)) < len(axes):
        shown = scheme_list(value) if isinstance(value, tuple | list) else value
        raise BadValue(
            f"{who}: expected different axes, got {describe(shown)}",
            hint="each axis is named once; negative ones count from the end",
        )
    return axes


def number_of(count: int, one: str, several: str) -> str:
    """How many there are, in words: ``1 axis``, ``2 axes``."""
    return f"{count} {one if count == 1 else several}"


_EXACTLY = "a real number becomes an index by (exact (floor x)), or round"


def index_operand(value: Any, who: str) -> Any:
    """An element index: a Python int, or an integer array of rank 0 (traced or not)."""
    if value.__class__ is int:
        if -_BEYOND_INT32 < value < _BEYOND_INT32:
            return value
        raise OutOfRange(f"{who}: there is no index {describe(value)}")
    array = value if isinstance(value, Array) else _index_array(value, who)
    if array.shape != () or array.dtype.kind not in "iu":
        is_real = array.shape == () and array.dtype.kind == "f"
        hint = _SELECTING if array.dtype == bool else _EXACTLY if is_real else ""
        raise WrongType(f"{who}: expected an exact integer index, got {describe(value)}", hint=hint)
    return cast(array, INT32)


def _index_array(value: Any, who: str) -> Array:
    if isinstance(value, float | bool | complex):
        raise WrongType(f"{who}: expected an exact integer index, got {describe(value)}")
    return as_tensor(value, who)


def index_tensor(value: Any, who: str, size: int | None = None) -> Array:
    """Indices of any shape as an integer tensor; checked against ``size`` where they are known.

    Numbers in lists and vectors must be whole. Where the size is given, negative indices count from
    the end.
    """
    if value.__class__ is ArrayImpl and value.dtype is INT32 and size and _are_below(value, size):
        return value
    if isinstance(value, Tracer):
        return _counted(_checked_indices(value, value, who), who, size)
    traced = getattr(value, "__eshkol_traced__", None)
    if traced is not None:
        return cast(_counted(traced, who, size), INT32)
    known = _known_indices(value, who)
    if isinstance(known, Tracer):
        return _counted(known, who, size)
    if size is not None and known.size and (known.min() < -size or known.max() >= size):
        bad = int(known.max() if known.max() >= size else known.min())
        raise OutOfRange(
            f"{who}: index {bad} is out of range for an axis of size {size}",
            hint=indices_of(size, -size),
        )
    if size is not None:
        known = np.where(known < 0, known + size, known)
    with wide():
        return jnp.asarray(known, INT32)


def indices_of(size: int, first: int = 0) -> str:
    """What indices an axis has, in words."""
    return f"the indices are {first} to {size - 1}" if size else "the axis is empty"


def _are_below(indices: Array, size: int) -> bool:
    """Whether known indices are at least 0 and less than ``size``."""
    known = np.asarray(indices)
    if known.size > 64:
        return bool(known.min() >= 0 and known.max() < size)
    values = known.ravel().tolist()
    return not values or (min(values) >= 0 and max(values) < size)


def _counted(indices: Array, who: str, size: int | None) -> Array:
    """Traced indices, counted from the start; ``with-checks`` checks them when the program runs."""
    if size is None:
        return indices
    indices = cast(indices, INT32) if indices.dtype.itemsize < 4 else indices
    kind = indices.dtype.type
    with wide():
        counted = indices
        if indices.dtype.kind == "i":
            from_end = lax.add(indices, kind(size))
            counted = lax.select(lax.lt(indices, kind(0)), from_end, indices)
        if CONFIG.checked:
            # What lies before the start is told as it was given.
            told = lax.select(lax.lt(counted, kind(0)), indices, counted)
            load("eshkol.xla.checks:check_index")(who, told, size, f"an axis of size {size}")
    return counted


def _known_indices(value: Any, who: str) -> Any:
    if isinstance(value, Array | np.ndarray):
        array = value
    else:
        known = None if _has_truths(value) else known_numbers(value, who)
        if known is None:
            with wide():
                array = as_tensor(value, who, None if _has_truths(value) else np.dtype("float64"))
            if array.dtype == BOOL:
                return _checked_indices(array, value, who)
            if isinstance(array, Tracer):
                return cast(array, INT32)
            known = np.asarray(array)
        array = known
        if array.dtype.kind == "c" or not (np.isfinite(array) & (array == np.trunc(array))).all():
            raise WrongType(f"{who}: expected exact integer indices, got {describe(value)}")
        # Of more than 64 bits no index is in range, and the nearest one is as far out.
        array = np.clip(array, -(2.0**62), 2.0**62).astype(INT64)
    return np.asarray(_checked_indices(array, value, who))


def _has_truths(nest: Any) -> bool:
    """Whether the first element of a nest is a truth value, so that all should be."""
    while isinstance(nest, Pair | list | tuple):
        nest = next(iter(nest), None)
    return nest.__class__ is bool or getattr(nest, "dtype", INT32) == BOOL


def _checked_indices(array: Any, value: Any, who: str) -> Any:
    if array.dtype.kind not in "iu":
        is_mask = array.dtype == BOOL
        raise WrongType(
            f"{who}: expected a tensor of integer indices, got {describe(value)}",
            hint=_SELECTING if is_mask else "convert with (tensor-cast t 'int32)",
        )
    return array


_SELECTING = "what a tensor of truth values selects: (boolean-mask t mask), or (where mask t 0)"


def number(who: str, value: Any, what: str, dtype: np.dtype | None = None) -> Array:
    """A number as an array of rank 0; ``what`` says in messages which argument it is."""
    array = as_tensor(value, who) if dtype is None else fitted(value, who, dtype)
    if array.shape:
        raise WrongType(f"{who}: expected a number as {what}, got {describe(value)}")
    return array


def same_shape(who: str, a: Any, b: Any) -> None:
    """Raise ShapeError unless ``a`` and ``b`` have one shape."""
    if a.shape != b.shape:
        raise ShapeError(
            f"{who}: shapes differ, {describe(a)} and {describe(b)}",
            hint="both have one shape here; reshape, unsqueeze or broadcast-to makes one fit",
        )

"""Joining tensors along an axis, old or new, and splitting them into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.xla.arguments import is_sequence, static_axis, static_int, static_ints
from eshkol.xla.dtypes import default_dtype, is_scalar_born, result_dtype
from eshkol.xla.tensors import as_tensor, cast, compiled, describe


def _tensors_and_axis(who: str, arguments: Sequence[Any], axis: Any) -> tuple[list[Any], Any]:
    """Both orders of joining: ``(tensors axis)``, and ``(axis tensor …)``."""
    first, *rest = arguments
    if rest and not is_sequence(first):
        return rest, first
    listed = isinstance(first, Pair | list | tuple) or first is NIL
    if listed and not rest:
        return _elements(first, who), axis
    if listed and len(rest) == 1 and not is_sequence(rest[0]):
        return _elements(first, who), rest[0]
    return list(arguments), axis


def _elements(value: Any, who: str) -> list[Any]:
    try:
        return list(value)
    except TypeError:
        raise WrongType(f"{who}: expected a list of tensors, got {describe(value)}") from None


def _joined(who: str, tensors: list[Any]) -> list[Any]:
    """Tensors to be joined as arrays of one dtype; numbers alone make the default one."""
    if not tensors:
        raise BadValue(f"{who}: expected at least one tensor, got none")
    arrays = [as_tensor(value, who) for value in tensors]
    dtype = arrays[0].dtype
    if any(array.dtype != dtype for array in arrays):
        dtype = result_dtype(arrays)
    if all(map(is_scalar_born, arrays)):
        dtype = default_dtype()
    return [cast(array, dtype) for array in arrays]


def concatenate(*arguments: Any, axis: Any = 0) -> Any:
    """Tensors joined along an axis that they have; their other sizes are equal."""
    if not arguments:
        raise BadValue("concatenate: expected a list of tensors and an axis")
    tensors, where = _tensors_and_axis("concatenate", arguments, axis)
    arrays = _joined("concatenate", tensors)
    rank = len(arrays[0].shape)
    along = static_axis(where, rank, "concatenate", arrays[0])
    for array in arrays[1:]:
        if not _alike(array.shape, arrays[0].shape, along):
            raise ShapeError(
                f"concatenate: sizes differ off axis {along}: "
                f"{describe(arrays[0])} and {describe(array)}",
                hint="all sizes but that of the axis must be equal; stack adds a new axis",
            )
    return arrays[0] if len(arrays) == 1 else _concatenate(*arrays, axis=along)


def _alike(a: tuple[int, ...], b: tuple[int, ...], axis: int) -> bool:
    return len(a) == len(b) and a[:axis] == b[:axis] and a[axis + 1 :] == b[axis + 1 :]


@compiled("axis")
def _concatenate(*arrays: Any, axis: int) -> Any:
    return lax.concatenate(arrays, axis)


def stack(*arguments: Any, axis: Any = 0) -> Any:
    """Tensors of one shape joined along a new axis."""
    if not arguments:
        raise BadValue("stack: expected a list of tensors and an axis")
    tensors, where = _tensors_and_axis("stack", arguments, axis)
    arrays = _joined("stack", tensors)
    for array in arrays[1:]:
        if array.shape != arrays[0].shape:
            raise ShapeError(
                f"stack: shapes differ, {describe(arrays[0])} and {describe(array)}",
                hint="stacked tensors have one shape; concatenate joins along an old axis",
            )
    return _stack(*arrays, axis=static_axis(where, len(arrays[0].shape) + 1, "stack"))


@compiled("axis")
def _stack(*arrays: Any, axis: int) -> Any:
    return jnp.stack(arrays, axis)


def split(tensor: Any, sizes: Any, axis: Any = 0) -> Any:
    """Pieces along ``axis`` of size ``sizes`` (the last may be smaller), or of the sizes listed."""
    x, along, length = _splittable("split", tensor, axis)
    if is_sequence(sizes):
        return _pieces(x, _sections("split", sizes, length, x, along), along)
    size = static_int(sizes, "split", "the size of a piece")
    if size < 1:
        raise BadValue(f"split: expected pieces of at least 1, got {size}")
    full, rest = divmod(length, size)
    return _pieces(x, [size] * full + [rest] * (rest > 0), along)


def split_into(tensor: Any, count: Any, axis: Any = 0) -> Any:
    """``count`` pieces along ``axis``; where that does not divide, the first are larger by one."""
    x, along, length = _splittable("tensor-split", tensor, axis)
    if is_sequence(count):
        return _pieces(x, _sections("tensor-split", count, length, x, along), along)
    number = static_int(count, "tensor-split", "the number of pieces")
    if number < 1:
        raise BadValue(f"tensor-split: expected at least 1 piece, got {number}")
    if number > max(MOST_PIECES, length):
        raise BadValue(f"tensor-split: {number} pieces of {describe(x)} are too many")
    size, larger = divmod(length, number)
    return _pieces(x, [size + 1] * larger + [size] * (number - larger), along)


MOST_PIECES = 1 << 20
"""A list of more pieces is a mistake."""


def _splittable(who: str, tensor: Any, axis: Any) -> tuple[Any, int, int]:
    x = as_tensor(tensor, who)
    along = static_axis(axis, len(x.shape), who, x)
    return x, along, x.shape[along]


def _sections(who: str, sizes: Any, length: int, x: Any, axis: int) -> list[int]:
    sections = list(static_ints(sizes, who, "sizes"))
    if sum(sections) != length or min(sections, default=0) < 0:
        raise ShapeError(
            f"{who}: sizes {sections} do not add up to {length}, axis {axis} of {describe(x)}"
        )
    return sections


def _pieces(x: Any, sizes: list[int], axis: int) -> Any:
    return scheme_list(_cut(x, tuple(sizes), axis))


@compiled("sizes", "axis")
def _cut(x: Any, sizes: tuple[int, ...], axis: int) -> list[Any]:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(lax.slice_in_dim(x, start, start + size, axis=axis))
        start += size
    return pieces

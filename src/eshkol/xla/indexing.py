"""Elements and parts of tensors: reading, functional updates, slices, gathering, sorting.

Indices may be traced. An index that is known is checked; one that is traced is clamped to the
tensor by XLA when it reads, and an update out of range is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.config import CONFIG
from eshkol.base.errors import BadValue, OutOfRange, ShapeError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.primitives.declare import load
from eshkol.xla.arguments import (
    index_operand,
    index_tensor,
    indices_of,
    is_sequence,
    number_of,
    static_axis,
    static_flag,
    static_int,
)
from eshkol.xla.dtypes import INT32
from eshkol.xla.refusals import not_real
from eshkol.xla.scattering import scattered
from eshkol.xla.selection import broadcast
from eshkol.xla.slicing import are_slices, replaced
from eshkol.xla.tensors import Tracer, as_tensor, compiled, describe, fitted

_IN_BOUNDS = lax.GatherScatterMode.PROMISE_IN_BOUNDS


def _indices(who: str, arguments: Sequence[Any]) -> list[Any]:
    """Element indices, given one by one or as one list."""
    if len(arguments) == 1 and is_sequence(arguments[0]):
        arguments = list(arguments[0])
    return [index_operand(index, who) for index in arguments]


def _checked(who: str, x: Any, indices: Sequence[Any]) -> None:
    """Raise OutOfRange where a known index lies outside its axis."""
    if len(indices) > len(x.shape):
        axes = number_of(len(x.shape), "axis", "axes")
        got = number_of(len(indices), "index", "indices")
        raise ShapeError(
            f"{who}: {describe(x)} has {axes}, got {got}",
            hint="one index per axis selects an element; fewer select a part"
            if x.shape
            else "a number has no axes, it is the element itself",
        )
    if CONFIG.checked:
        check = load("eshkol.xla.checks:check_index")
        for axis, (index, size) in enumerate(zip(indices, x.shape, strict=False)):
            if index.__class__ is not int:
                check(who, index, size, f"axis {axis} of {describe(x)}")
    for axis, (index, size) in enumerate(zip(indices, x.shape, strict=False)):
        if not size and index.__class__ is not int:
            raise empty_axis(who, x, axis)
        if index.__class__ is int and not 0 <= index < size:
            raise OutOfRange(
                f"{who}: index {index} is out of range for axis {axis} of {describe(x)}",
                hint=_indices_there(index, size),
            )


def _indices_there(index: int, size: int) -> str:
    from_the_end = "; tensor-slice and gather count negative ones from the end"
    return indices_of(size) + (from_the_end if -size <= index < 0 else "")


def sub_tensor(tensor: Any, *indices: Any, who: str = "tensor-get") -> Any:
    """The element at the indices, or with fewer of them the sub-tensor."""
    x = as_tensor(tensor, who)
    places = _indices(who, indices)
    _checked(who, x, places)
    return _element(x, *places) if places else x


def reference(tensor: Any, *indices: Any) -> Any:
    """Like ``sub_tensor``, but one index counts elements in row order."""
    x = as_tensor(tensor, "tensor-ref")
    if len(indices) == 1 and not is_sequence(indices[0]) and len(x.shape) > 1:
        x = x.reshape(-1)
    return sub_tensor(x, *indices, who="tensor-ref")


@compiled()
def _element(x: Any, *indices: Any) -> Any:
    """Known indices under a trace make a slice; in eager code they are operands of one kernel."""
    if all(index.__class__ is int for index in indices):
        starts = (*indices, *(0,) * (len(x.shape) - len(indices)))
        ends = (*(i + 1 for i in indices), *x.shape[len(indices) :])
        part = lax.slice(x, starts, ends)
    else:
        sizes = (1,) * len(indices) + x.shape[len(indices) :]
        part = _dynamic_slice(x, indices, sizes)
    return lax.squeeze(part, range(len(indices)))


def _starts(x: Any, indices: Sequence[Any]) -> list[Any]:
    """Start indices of one dtype for every axis of ``x``."""
    places = [*indices, *(0,) * (len(x.shape) - len(indices))]
    return [jnp.asarray(place, INT32) for place in places]


def _dynamic_slice(x: Any, indices: Sequence[Any], sizes: tuple[int, ...]) -> Any:
    return lax.dynamic_slice(x, _starts(x, indices), sizes, allow_negative_indices=False)


def nearest_row(x: Any, place: Any) -> Any:
    """The row of ``x`` at a place, the nearest one where there is none.

    The place becomes an index of 32 bits, which means the same under the x64 flag on and off: JAX
    may lower the transpose of a program where no wider one exists.
    """
    if place.__class__ is int:
        index: Any = np.int32(min(max(place, 0), x.shape[0] - 1))
    else:
        inside = lax.clamp(place.dtype.type(0), place, place.dtype.type(x.shape[0] - 1))
        index = lax.convert_element_type(inside, INT32)
    return lax.dynamic_index_in_dim(x, index, 0, False, allow_negative_indices=False)


def vector_ref(tensor: Any, index: Any) -> Any:
    """``(vector-ref tensor i)``: the element, or the row, at ``index`` of the first axis."""
    return sub_tensor(tensor, index, who="vector-ref")


def vector_length(tensor: Any) -> int:
    """``(vector-length tensor)``: the size of the first axis."""
    x = as_tensor(tensor, "vector-length")
    if not x.shape:
        raise WrongType(f"vector-length: expected a vector or a tensor, got {describe(tensor)}")
    return x.shape[0]


def update(tensor: Any, *indices_and_value: Any, who: str = "tensor-set") -> Any:
    """The tensor with the element (or sub-tensor) at the indices replaced by the last argument.

    One index into a tensor of higher rank counts elements in row order if the value is a number.
    With a tensor and a value alone, all elements are replaced; with a list of slices in place of
    the indices, the part that they give.
    """
    x = as_tensor(tensor, who)
    if not indices_and_value:
        raise WrongType(f"{who}: expected indices and a value, got none")
    *indices, new = indices_and_value
    value = fitted(new, who, x.dtype)
    if len(indices) == 1 and are_slices(indices[0]):
        return replaced(x, indices[0], value, who)
    places = _indices(who, indices)
    if len(places) == 1 and len(x.shape) > 1 and not value.shape and not is_sequence(indices[0]):
        return _updated(x.reshape(-1), places, value, who).reshape(x.shape)
    return _updated(x, places, value, who)


def _updated(x: Any, places: list[Any], value: Any, who: str) -> Any:
    _checked(who, x, places)
    target = x.shape[len(places) :]
    if value.shape and value.shape != target:
        raise ShapeError(
            f"{who}: expected a value of shape {list(target)}, got {describe(value)}",
            hint=f"the part of {describe(x)} there has that shape"
            if places
            else f"all of {describe(x)} is replaced",
        )
    return _write(x, value, *places)


@compiled()
def _write(x: Any, value: Any, *indices: Any) -> Any:
    target = (1,) * len(indices) + x.shape[len(indices) :]
    if value.shape:
        value = lax.reshape(value, target)
    part = broadcast(value, target)
    if not indices:
        return part
    return lax.dynamic_update_slice(x, part, _starts(x, indices), allow_negative_indices=False)


def dynamic_slice(tensor: Any, starts: Any, sizes: Any) -> Any:
    """A part of the given ``sizes`` that begins at ``starts``, which may be traced.

    A part that would reach beyond the tensor is moved inside it.
    """
    x = as_tensor(tensor, "dynamic-slice")
    extent = tuple(static_int(size, "dynamic-slice", "a size") for size in _listed(sizes))
    places = _start_indices(starts)
    if not len(extent) == len(places) == len(x.shape):
        raise ShapeError(
            f"dynamic-slice: {describe(x)} needs {len(x.shape)} starts and sizes, "
            f"got {len(places)} and {len(extent)}"
        )
    for axis, (size, whole) in enumerate(zip(extent, x.shape, strict=True)):
        if not 0 <= size <= whole:
            raise OutOfRange(
                f"dynamic-slice: size {size} is out of range for axis {axis} of {describe(x)}",
                hint=f"the sizes there are 0 to {whole}",
            )
        if CONFIG.checked and places[axis].__class__ is not int:
            what = f"a part of {size} along axis {axis} of {describe(x)}"
            load("eshkol.xla.checks:check_index")(
                "dynamic-slice", places[axis], whole - size + 1, what
            )
    return _dynamic_part(x, *places, sizes=extent)


@compiled("sizes")
def _dynamic_part(x: Any, *starts: Any, sizes: tuple[int, ...]) -> Any:
    return _dynamic_slice(x, starts, sizes)


def _listed(value: Any) -> list[Any]:
    return list(value) if is_sequence(value) else [value]


def _start_indices(starts: Any) -> list[Any]:
    if isinstance(starts, Tracer) and starts.shape:
        return [lax.index_in_dim(starts, i, keepdims=False) for i in range(starts.shape[0])]
    return [index_operand(start, "dynamic-slice") for start in _listed(starts)]


def gather(tensor: Any, indices: Any, axis: Any = 0, *, mode: Any = None, fill: Any = None) -> Any:
    """The slices at ``indices`` along ``axis``; the axes of ``indices`` stand in its place."""
    x = as_tensor(tensor, "gather")
    shape = x.shape
    along = static_axis(axis, len(shape), "gather", x)
    size = shape[along]
    if mode is None:
        return _gather(x, _inside("gather", x, indices, along), along)
    name = _mode("gather", mode, ("clip", "wrap", "fill"))
    places = index_tensor(indices, "gather")
    if name == "fill":
        filler = fill
        if fill is None:
            filler = np.nan if x.dtype.kind == "f" else 0
        return _gather_or(x, places, fitted(filler, "gather", x.dtype), along)
    if not size:
        raise empty_axis("gather", x, along)
    return _gather(x, _brought_inside(places, size, name), along)


def _inside(who: str, x: Any, indices: Any, axis: int) -> Any:
    """Indices along an axis of ``x``, which has elements if there are any."""
    size = x.shape[axis]
    places = index_tensor(indices, who, size)
    if not size and places.size:
        raise empty_axis(who, x, axis)
    return places


def empty_axis(who: str, x: Any, axis: int) -> OutOfRange:
    """The error for an index of an axis that has no elements, whatever the index is."""
    return OutOfRange(
        f"{who}: axis {axis} of {describe(x)} has no elements",
        hint="gather with #:mode 'fill gives something else where there is nothing",
    )


def _mode(who: str, mode: Any, known: tuple[str, ...]) -> str:
    name = str(getattr(mode, "name", mode))
    if name not in known:
        raise BadValue(
            f"{who}: unknown mode {describe(mode)}", hint=f"the modes are {' '.join(known)}"
        )
    return name


@compiled("size", "mode")
def _brought_inside(indices: Any, size: int, mode: str) -> Any:
    return jnp.clip(indices, 0, size - 1) if mode == "clip" else jnp.mod(indices, size)


@compiled("axis")
def _gather_or(x: Any, indices: Any, filler: Any, axis: int) -> Any:
    """The slices at ``indices``, and ``filler`` where there are none."""
    size = x.shape[axis]
    there = (indices >= 0) & (indices < size)
    found = _gather(x, jnp.clip(indices, 0, max(size - 1, 0)), axis) if size else filler
    trailing = (1,) * (len(x.shape) - axis - 1)
    return jnp.where(there.reshape(*there.shape, *trailing), found, filler)


@compiled("axis")
def _gather(x: Any, indices: Any, axis: int) -> Any:
    rank = len(indices.shape)
    others = tuple(a for a in range(len(x.shape) + rank - 1) if not axis <= a < axis + rank)
    numbers = lax.GatherDimensionNumbers(
        offset_dims=others, collapsed_slice_dims=(axis,), start_index_map=(axis,)
    )
    sizes = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    starts = lax.expand_dims(indices, (rank,))
    return lax.gather(x, starts, numbers, sizes, mode=_IN_BOUNDS)


def take_along_axis(tensor: Any, indices: Any, axis: Any = -1) -> Any:
    """For every place in ``indices``, the element at that index along ``axis``.

    ``indices`` has the tensor's rank, and its sizes (or 1) off the axis.
    """
    x = as_tensor(tensor, "take-along-axis")
    along = static_axis(axis, len(x.shape), "take-along-axis", x)
    places = _inside("take-along-axis", x, indices, along)
    if len(places.shape) == len(x.shape):
        pairs = zip(x.shape, places.shape, strict=True)
        off = [n for n, (size, count) in enumerate(pairs) if n != along and count not in (1, size)]
        if off and all(x.shape[n] != 1 for n in off):
            raise ShapeError(
                f"take-along-axis: {describe(x)} and indices {describe(places)} differ off axis "
                f"{along}",
                hint="off the axis, the sizes of the indices are the tensor's, or 1",
            )
    else:
        raise ShapeError(
            f"take-along-axis: ranks differ, {describe(x)} and indices {describe(places)}",
            hint="the indices have an axis for each of the tensor's; to take whole rows: gather",
        )
    return _take_along(x, places, along)


@compiled("axis")
def _take_along(x: Any, indices: Any, axis: int) -> Any:
    return jnp.take_along_axis(x, indices, axis, mode="promise_in_bounds")


def scatter(tensor: Any, indices: Any, values: Any, axis: Any = 0, *, mode: Any = "set") -> Any:
    """The tensor with the slices at ``indices`` along ``axis`` replaced by those of ``values``.

    Where an index comes twice, one of its values wins. Other modes combine the slices with those
    that stand there.
    """
    x = as_tensor(tensor, "scatter")
    name = scatter_mode("scatter", mode, x)
    along = static_axis(axis, len(x.shape), "scatter", x)
    places = index_tensor(indices, "scatter", x.shape[along])
    new = fitted(values, "scatter", x.dtype)
    target = (*x.shape[:along], *places.shape, *x.shape[along + 1 :])
    if new.shape and new.shape != target:
        raise ShapeError(
            f"scatter: expected values of shape {list(target)}, got {describe(new)}",
            hint=f"indices {describe(places)} along axis {along} of {describe(x)}",
        )
    return _scatter(x, places, new, along, name)


def scatter_mode(who: str, mode: Any, x: Any) -> str:
    """The name of a way to put values where others stand in ``x``."""
    name = _mode(who, mode, ("set", "add", "multiply", "min", "max"))
    if name in ("min", "max") and x.dtype.kind == "c":
        raise not_real(who, x)
    return name


@compiled("axis", "how")
def _scatter(x: Any, indices: Any, values: Any, axis: int, how: str) -> Any:
    return scattered(x, (slice(None),) * axis + (indices,), values, how)


def topk(tensor: Any, count: Any, axis: Any = -1) -> Any:
    """The ``count`` largest elements along ``axis``, largest first, and their indices: a list."""
    x = as_tensor(tensor, "topk")
    along = static_axis(axis, len(x.shape), "topk", x)
    number = static_int(count, "topk", "count")
    if x.dtype.kind == "c":
        raise not_real("topk", x)
    if not 0 <= number <= x.shape[along]:
        raise OutOfRange(
            f"topk: {number} is out of range for axis {along} of {describe(x)}",
            hint=f"the counts are 0 to {x.shape[along]}",
        )
    return scheme_list(_topk(x, number, along))


@compiled("count", "axis")
def _topk(x: Any, count: int, axis: int) -> Any:
    return lax.top_k(x, count, axis=axis)


def sort(tensor: Any, axis: Any = -1, *, descending: bool = False) -> Any:
    """The elements in order along ``axis``."""
    x = as_tensor(tensor, "tensor-sort")
    along = static_axis(axis, len(x.shape), "tensor-sort", x)
    if x.dtype.kind == "c":
        raise not_real("tensor-sort", x)
    return _sort(x, along, static_flag(descending, "tensor-sort", "descending"))


@compiled("axis", "descending")
def _sort(x: Any, axis: int, descending: bool) -> Any:
    ordered = lax.sort(x, dimension=axis)
    return lax.rev(ordered, (axis,)) if descending else ordered


def argsort(tensor: Any, axis: Any = -1, *, descending: bool = False) -> Any:
    """The indices that would put the elements in order along ``axis``; equal ones stay in order."""
    x = as_tensor(tensor, "argsort")
    along = static_axis(axis, len(x.shape), "argsort", x)
    if x.dtype.kind == "c":
        raise not_real("argsort", x)
    return _argsort(x, along, static_flag(descending, "argsort", "descending"))


@compiled("axis", "descending")
def _argsort(x: Any, axis: int, descending: bool) -> Any:
    places = lax.broadcasted_iota(INT32, x.shape, axis)
    if not descending:
        return lax.sort((x, places), dimension=axis, num_keys=1, is_stable=True)[1]
    # Reversed twice, equal elements keep their order, and NaN comes first, as where values are.
    last = np.int32(x.shape[axis] - 1)
    backwards = lax.sort((lax.rev(x, (axis,)), places), dimension=axis, num_keys=1, is_stable=True)
    return lax.rev(lax.sub(last, backwards[1]), (axis,))

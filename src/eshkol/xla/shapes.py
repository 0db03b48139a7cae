"""Shapes: reshaping, permuting, joining, splitting, broadcasting, padding. Nothing is computed."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, ShapeError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import Vector
from eshkol.xla.arguments import (
    index_operand,
    is_sequence,
    items_of,
    number,
    static_axes,
    static_axis,
    static_int,
    static_ints,
    static_shape,
)
from eshkol.xla.dtypes import NARROW_FLOATS
from eshkol.xla.rules import broadcast_shape
from eshkol.xla.selection import broadcast
from eshkol.xla.tensors import as_tensor, compiled, describe, dimensions


@compiled("shape")
def _reshape(x: Any, shape: tuple[int, ...]) -> Any:
    return lax.reshape(x, shape)


def reshape(tensor: Any, *dims: Any) -> Any:
    """The same elements in row order with other sizes; one size may be -1."""
    x = as_tensor(tensor, "reshape")
    sizes = dims[0] if len(dims) == 1 and is_sequence(dims[0]) else Vector(dims)
    shape = _filled_in(x, static_ints(sizes, "reshape", "sizes"))
    return x if shape == x.shape else _reshape(x, shape)


def _filled_in(x: Any, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """``sizes`` with a -1 replaced by what makes the count right."""
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        raise BadValue(
            f"reshape: expected sizes of at least 0 and one -1 at most, got {list(sizes)}",
            hint="the size -1 is computed from the others; several are not determined",
        )
    count = math.prod(x.shape)
    rest = math.prod(size for size in sizes if size != -1)
    if -1 in sizes and rest and count % rest == 0:
        return tuple(count // rest if size == -1 else size for size in sizes)
    if -1 in sizes or rest != count:
        raise ShapeError(
            f"reshape: {describe(x)} has {count} elements, which do not fill [{dimensions(sizes)}]",
            hint="the product of the sizes is the number of elements; one size may be -1",
        )
    return sizes


def flatten(tensor: Any) -> Any:
    """All elements in row order, as one axis."""
    x = as_tensor(tensor, "flatten")
    return x if len(x.shape) == 1 else _flatten(x)


_flatten = compiled()(lambda x: lax.reshape(x, (math.prod(x.shape),)))


@compiled("order")
def _transpose(x: Any, order: tuple[int, ...]) -> Any:
    return lax.transpose(x, order)


def transpose(tensor: Any, *axes: Any) -> Any:
    """Axes reversed; permuted by a list; or two of them exchanged."""
    x = as_tensor(tensor, "transpose")
    rank = len(x.shape)
    if not axes:
        order = tuple(reversed(range(rank)))
    elif len(axes) == 1 and is_sequence(axes[0]):
        order = _permutation(axes[0], x, "transpose")
    elif len(axes) == 2:
        order = _exchange(x, axes[0], axes[1], "transpose")
    else:
        order = _permutation(Vector(axes), x, "transpose")
    return _permuted(x, order)


def permute(tensor: Any, *axes: Any) -> Any:
    """Axes in the order that ``axes`` (a list, or one by one) name."""
    x = as_tensor(tensor, "permute")
    one_list = len(axes) == 1 and is_sequence(axes[0])
    return _permuted(x, _permutation(axes[0] if one_list else Vector(axes), x, "permute"))


def _permuted(x: Any, order: tuple[int, ...]) -> Any:
    return x if order == tuple(range(len(order))) else _transpose(x, order)


def _permutation(axes: Any, x: Any, who: str) -> tuple[int, ...]:
    order = static_axes(axes, x, who)
    if len(order) != len(x.shape):
        raise ShapeError(
            f"{who}: {describe(x)} needs {len(x.shape)} axes, got {list(order)}",
            hint="each axis is named once, in the new order; two are exchanged by swap-axes",
        )
    return order


def _exchange(x: Any, first: Any, second: Any, who: str) -> tuple[int, ...]:
    order = list(range(len(x.shape)))
    a, b = (static_axis(axis, len(order), who, x) for axis in (first, second))
    order[a], order[b] = b, a
    return tuple(order)


def swap_axes(tensor: Any, first: Any, second: Any) -> Any:
    """Two axes exchanged."""
    x = as_tensor(tensor, "swap-axes")
    return _permuted(x, _exchange(x, first, second, "swap-axes"))


def move_axis(tensor: Any, source: Any, destination: Any) -> Any:
    """One axis moved to another place; the others keep their order."""
    x = as_tensor(tensor, "move-axis")
    rank = len(x.shape)
    start = static_axis(source, rank, "move-axis", x)
    end = static_axis(destination, rank, "move-axis", x)
    order = [axis for axis in range(rank) if axis != start]
    order.insert(end, start)
    return _permuted(x, tuple(order))


def squeeze(tensor: Any, axis: Any = None) -> Any:
    """Axes of size 1 dropped: all of them, or those that ``axis`` names."""
    x = as_tensor(tensor, "squeeze")
    if axis is None:
        axes = tuple(a for a, size in enumerate(x.shape) if size == 1)
    else:
        axes = static_axes(axis, x, "squeeze")
    for a in axes:
        if x.shape[a] != 1:
            raise ShapeError(
                f"squeeze: axis {a} of {describe(x)} has size {x.shape[a]}, not 1",
                hint="only axes of size 1 can be dropped: select an element with tensor-ref, or "
                "reduce the axis, as in (tensor-sum t #:axis 0)",
            )
    return _squeeze(x, axes) if axes else x


@compiled("axes")
def _squeeze(x: Any, axes: tuple[int, ...]) -> Any:
    return lax.squeeze(x, axes)


def unsqueeze(tensor: Any, axis: Any) -> Any:
    """A new axis of size 1 at ``axis`` (a list: several), counted in the result."""
    x = as_tensor(tensor, "unsqueeze")
    wanted = static_ints(axis, "unsqueeze", "axis")
    rank = len(x.shape) + len(wanted)
    axes = tuple(static_axis(a, rank, "unsqueeze") for a in wanted)
    if len(set(axes)) < len(axes):
        raise BadValue(f"unsqueeze: expected different axes, got {list(axes)}")
    return _unsqueeze(x, axes)


@compiled("axes")
def _unsqueeze(x: Any, axes: tuple[int, ...]) -> Any:
    return lax.expand_dims(x, axes)


def broadcast_to(tensor: Any, *dims: Any) -> Any:
    """The tensor repeated along axes of size 1 and new leading axes, to the given shape."""
    x = as_tensor(tensor, "broadcast-to")
    shape = static_shape(dims, "broadcast-to")
    if not _broadcasts(x.shape, shape):
        raise ShapeError(
            f"broadcast-to: {describe(x)} does not broadcast to [{dimensions(shape)}]",
            hint="from the last axis on, sizes must be equal or the tensor's 1",
        )
    return _broadcast(x, shape)


def _broadcasts(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    pairs = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(m in (1, n) for m, n in pairs)


_broadcast = compiled("shape")(broadcast)


def broadcast_reduced(tensor: Any, *dims: Any) -> Any:
    """``broadcast-to``, which also puts back an axis that a reduction dropped.

    The sizes are matched from the last axis; where that fails, a tensor of one axis less gets a
    new axis at the last place where it fits.
    """
    x = as_tensor(tensor, "tensor-broadcast")
    shape = static_shape(dims, "tensor-broadcast")
    if len(x.shape) == len(shape) - 1 and not _broadcasts(x.shape, shape):
        for axis in reversed(range(len(shape))):
            if _broadcasts((*x.shape[:axis], 1, *x.shape[axis:]), shape):
                return _broadcast(_unsqueeze(x, (axis,)), shape)
    return broadcast_to(x, shape)


def tile(tensor: Any, *repeats: Any) -> Any:
    """The whole tensor repeated along each axis as often as ``repeats`` says."""
    x = as_tensor(tensor, "tile")
    return _tile(x, static_shape(repeats, "tile"))


_tile = compiled("repeats")(lambda x, repeats: jnp.tile(x, repeats))


def repeat(tensor: Any, count: Any, axis: Any = None) -> Any:
    """Each element (with an axis: each slice) repeated ``count`` times in place.

    ``count`` may be a list of how often for each.
    """
    x = as_tensor(tensor, "repeat")
    times = static_ints(count, "repeat", "the number of repeats")
    if min(times, default=0) < 0:
        raise BadValue(f"repeat: expected at least 0 repeats, got {min(times)}")
    along = None if axis is None else static_axis(axis, len(x.shape), "repeat", x)
    if not is_sequence(count):
        return _repeat(x, times[0], along)
    size = math.prod(x.shape) if along is None else x.shape[along]
    if len(times) != size:
        raise ShapeError(f"repeat: expected {size} numbers of repeats, got {len(times)}")
    return _repeat_each(x, times, along)


_repeat = compiled("count", "axis")(lambda x, count, axis: jnp.repeat(x, count, axis))


@compiled("counts", "axis")
def _repeat_each(x: Any, counts: tuple[int, ...], axis: int | None) -> Any:
    places = np.repeat(np.arange(len(counts)), counts)
    return jnp.take(x.reshape(-1) if axis is None else x, places, axis or 0)


def flip(tensor: Any, axis: Any = None) -> Any:
    """The order of elements reversed along ``axis`` (all axes without one)."""
    x = as_tensor(tensor, "tensor-flip")
    return _flip(x, static_axes(axis, x, "tensor-flip"))


_flip = compiled("axes")(lambda x, axes: lax.rev(x, axes))


def roll(tensor: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved by ``shift`` places along ``axis``; those that fall off come in in front."""
    x = as_tensor(tensor, "roll")
    if is_sequence(axis):
        return _rolled(x, shift, static_axes(axis, x, "roll"))
    along = None if axis is None else static_axis(axis, len(x.shape), "roll", x)
    return _roll(x, index_operand(shift, "roll"), along)


def _rolled(x: Any, shift: Any, axes: tuple[int, ...]) -> Any:
    """``x`` rolled along several axes, by as many shifts or by one."""
    shifts = items_of(shift, "roll") if is_sequence(shift) else [shift] * len(axes)
    if len(shifts) != len(axes):
        raise ShapeError(f"roll: expected {len(axes)} shifts, got {describe(shift)}")
    for by, axis in zip(shifts, axes, strict=True):
        x = _roll(x, index_operand(by, "roll"), axis)
    return x


_roll = compiled("axis")(lambda x, shift, axis: jnp.roll(x, shift, axis))


def pad(tensor: Any, width: Any, value: Any = 0) -> Any:
    """``value`` put around a tensor.

    ``width`` is one number for all sides, a list of one number per axis, or a list of
    ``(before after)`` per axis.
    """
    x = as_tensor(tensor, "pad")
    widths = _widths(x, width)
    if value.__class__ in (int, float) and x.dtype in NARROW_FLOATS:
        return _pad(x, x.dtype.type(value), widths)
    filler = number("pad", value, "what is put around", x.dtype)
    return _pad(x, filler, widths)


@compiled("widths")
def _pad(x: Any, filler: Any, widths: tuple[tuple[int, int], ...]) -> Any:
    return lax.pad(x, filler, [(before, after, 0) for before, after in widths])


def _widths(x: Any, width: Any) -> tuple[tuple[int, int], ...]:
    widths = _given_widths(x, width)
    if any(count < 0 for side in widths for count in side):
        raise BadValue(
            f"pad: expected widths of at least 0, got {describe(width)}",
            hint="a part of a tensor is (tensor-slice t start end)",
        )
    return widths


def _given_widths(x: Any, width: Any) -> tuple[tuple[int, int], ...]:
    rank = len(x.shape)
    if not is_sequence(width):
        return ((static_int(width, "pad", "width"),) * 2,) * rank
    sides = [static_ints(side, "pad", "widths") for side in items_of(width, "pad")]
    if len(sides) != rank or any(len(side) > 2 for side in sides):
        raise ShapeError(
            f"pad: {describe(x)} needs widths for {rank} axes, got {describe(width)}",
            hint="one number, a list of numbers, or a list of (before after), one per axis",
        )
    return tuple((side[0], side[-1]) for side in sides)


def broadcast_tensors(*tensors: Any) -> Any:
    """The tensors broadcast against one another, as a list."""
    arrays = [as_tensor(value, "broadcast-tensors") for value in tensors]
    shape = broadcast_shape("broadcast-tensors", *arrays)
    return scheme_list([_broadcast(array, shape) for array in arrays])

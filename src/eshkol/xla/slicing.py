"""``slice``, ``tensor-slice``: parts of a tensor by bounds that the program knows; other parts.

A part is given by a start and an end along one axis, or by one specification per axis in the
manner of NumPy: ``'(0:10 : 3 ::2 ::-1)``. From Python come its slices, and ``...`` for whole axes.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

from jax import lax

from eshkol.base.errors import BadValue, OutOfRange, ShapeError, WrongType
from eshkol.datum.symbols import Symbol
from eshkol.xla.arguments import is_sequence, number_of, static_axis, static_int
from eshkol.xla.selection import broadcast
from eshkol.xla.tensors import as_tensor, compiled, describe


def part(tensor: Any, start: Any, end: Any = None, *, axis: Any = 0) -> Any:
    """``(tensor-slice t start end)``, or ``(tensor-slice t '(0:10 : 3))``."""
    x = as_tensor(tensor, "tensor-slice")
    if is_sequence(start) or start.__class__ in _OF_PYTHON:
        if end is not None:
            raise WrongType(
                f"tensor-slice: expected one list of slices, got {describe(start)} and "
                f"{describe(end)}",
                hint="a list has an index or a slice for each axis: (tensor-slice t '(0:10 : 3))",
            )
        return _by_specifications(x, _listed(start))
    along = static_axis(axis, len(x.shape), "tensor-slice", x)
    bounds: list[Any] = [slice(None)] * len(x.shape)
    last = x.shape[along] if end is None else _bound(end)
    bounds[along] = _checked(x, along, _bound(start), last)
    return _slice(x, tuple(_normal(b, n) for b, n in zip(bounds, x.shape, strict=True)), ())


_OF_PYTHON = frozenset({slice, types.EllipsisType})
"""The classes of what Python writes between brackets, beside integers."""


def _listed(specifications: Any) -> list[Any]:
    return list(specifications) if is_sequence(specifications) else [specifications]


def _bound(value: Any) -> int:
    return static_int(value, "tensor-slice", "a bound")


def _checked(x: Any, axis: int, start: int, end: int) -> slice:
    size = x.shape[axis]
    low = start + size if start < 0 else start
    high = end + size if end < 0 else end
    if not 0 <= low <= high <= size:
        raise OutOfRange(
            f"tensor-slice: {start} to {end} is out of range for axis {axis} of {describe(x)}",
            hint=f"the bounds are {-size} to {size}, the first not beyond the second",
        )
    return slice(low, high)


def _normal(bounds: slice, size: int) -> tuple[int, int, int]:
    """The start, end and step of a slice; with a negative step, of the slice to be reversed."""
    start, end, step = bounds.indices(size)
    if step > 0:
        return start, max(start, end), step
    count = len(range(start, end, step))
    return (start + (count - 1) * step, start + 1, step) if count else (0, 0, step)


def _by_specifications(x: Any, specifications: Sequence[Any]) -> Any:
    return _slice(x, *_places("tensor-slice", x, specifications))


Bounds = tuple[tuple[int, int, int], ...]
"""For each axis a start, an end and a step."""


def _places(who: str, x: Any, specifications: Sequence[Any]) -> tuple[Bounds, tuple[int, ...]]:
    """The bounds of a part, and the axes that it has not since an index was given."""
    specifications = _spelled_out(specifications, len(x.shape))
    if len(specifications) > len(x.shape):
        raise ShapeError(
            f"{who}: {describe(x)} has {number_of(len(x.shape), 'axis', 'axes')}, "
            f"got {number_of(len(specifications), 'specification', 'specifications')}",
            hint="each says an index or a slice for an axis, from the first one on",
        )
    bounds, dropped = [], []
    for axis, size in enumerate(x.shape):
        given = axis < len(specifications)
        bound = _specified(who, specifications[axis], x, axis) if given else slice(None)
        if isinstance(bound, int):
            dropped.append(axis)
            bound = slice(bound, bound + 1)
        bounds.append(_normal(bound, size))
    return tuple(bounds), tuple(dropped)


def _spelled_out(specifications: Sequence[Any], rank: int) -> Sequence[Any]:
    """Python's ``...`` as the whole axes for which it stands."""
    places = [place for place, item in enumerate(specifications) if item is ...]
    if len(places) != 1:
        return specifications
    before, after = specifications[: places[0]], specifications[places[0] + 1 :]
    whole = [slice(None)] * (rank - len(before) - len(after))
    return [*before, *whole, *after]


def _specified(who: str, item: Any, x: Any, axis: int) -> slice | int:
    """``a:b``, ``a:b:step``, ``:`` or an index, as Python has them."""
    if isinstance(item, Symbol | str):
        return _parsed(who, item.name if isinstance(item, Symbol) else item)
    if item.__class__ is slice:
        return _bounded(who, item)
    index = static_int(item, who, "an index")
    size = x.shape[axis]
    if not -size <= index < size:
        raise OutOfRange(
            f"{who}: index {index} is out of range for axis {axis} of {describe(x)}",
            hint=f"the indices are {-size} to {size - 1}" if size else "the axis is empty",
        )
    return index % size


def _bounded(who: str, given: slice) -> slice:
    """A slice of Python's, of integers that are known."""
    parts = (given.start, given.stop, given.step)
    start, end, step = (p if p is None else static_int(p, who, "a bound") for p in parts)
    if step == 0:
        raise BadValue(f"{who}: expected a step other than 0 in a slice, got {given}")
    return slice(start, end, step)


def _parsed(who: str, text: str) -> slice:
    parts = text.split(":")
    try:
        numbers = [int(part) if part else None for part in parts]
        if len(parts) not in (2, 3) or 0 in numbers[2:]:
            raise ValueError
    except ValueError:
        raise BadValue(f"{who}: expected a slice such as 0:10, : or ::2, got {text}") from None
    return slice(*numbers)


@compiled("bounds", "dropped")
def _slice(x: Any, bounds: Bounds, dropped: tuple[int, ...]) -> Any:
    starts, ends, steps = zip(*bounds, strict=True) if bounds else ((), (), ())
    if starts == (0,) * len(starts) and ends == x.shape and set(steps) <= {1}:
        return x
    strides = None if set(steps) == {1} else [abs(step) for step in steps]
    result = lax.slice(x, starts, ends, strides)
    backwards = [axis for axis, step in enumerate(steps) if step < 0]
    if backwards:
        result = lax.rev(result, backwards)
    return lax.squeeze(result, dropped) if dropped else result


def are_slices(indices: Any) -> bool:
    """Whether ``indices`` are a list in which a slice is, or an index from the end."""
    if indices.__class__ in _OF_PYTHON:
        return True
    return is_sequence(indices) and any(map(_is_of_slices, indices))


def _is_of_slices(item: Any) -> bool:
    if isinstance(item, Symbol | str) or item.__class__ in _OF_PYTHON:
        return True
    return item.__class__ is int and item < 0


def replaced(x: Any, specifications: Any, value: Any, who: str) -> Any:
    """A tensor like ``x`` whose part by slices is ``value``, broadcast to its shape."""
    bounds, dropped = _places(who, x, _listed(specifications))
    sizes = [len(range(low, high, abs(step))) for low, high, step in bounds]
    shape = tuple(size for axis, size in enumerate(sizes) if axis not in dropped)
    pairs = zip(value.shape[::-1], shape[::-1], strict=False)
    if len(value.shape) > len(shape) or any(own not in (1, size) for own, size in pairs):
        raise ShapeError(
            f"{who}: the part has the shape {list(shape)}, which {describe(value)} does not fit",
            hint="sizes are matched from the last axis; the value's are equal, or 1",
        )
    return _replace(x, broadcast(value, shape), bounds, dropped)


@compiled("bounds", "dropped")
def _replace(x: Any, value: Any, bounds: Bounds, dropped: tuple[int, ...]) -> Any:
    part = lax.expand_dims(value, dropped)
    part = lax.rev(part, [axis for axis, (_, _, step) in enumerate(bounds) if step < 0])
    if all(abs(step) == 1 for _, _, step in bounds):
        return lax.dynamic_update_slice(x, part, [low for low, _, _ in bounds])
    places = tuple(slice(low, high, abs(step)) for low, high, step in bounds)
    return x.at[places].set(part, indices_are_sorted=True, unique_indices=True)

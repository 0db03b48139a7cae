"""Where the way back through a loop keeps states, from which it runs the loop again.

States are kept one behind the other and taken away in the reverse order. Of arrays in which trips
change places (``loop_changes``) only the part is kept that was written since the start of the loop:
of a stack, what is as high as it ever was. So their room is shared by many states of a shallow
recursion or a few of a deep one, and memory that no state needs is not even touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from eshkol.xla.loop_backward import Backward
from eshkol.xla.loop_changes import PARTS, Changes

State = Sequence[Any]


def new_shelf(state: State, places: int) -> list[Any]:
    """Room for so many states."""
    return [jnp.broadcast_to(leaf, (places, *leaf.shape)) for leaf in state]


def read(shelf: State, index: Any) -> list[Any]:
    return [lax.dynamic_index_in_dim(leaf, index, 0, keepdims=False) for leaf in shelf]


def write(shelf: State, index: Any, state: State) -> list[Any]:
    return [
        lax.dynamic_update_index_in_dim(kept, leaf, index, 0)
        for kept, leaf in zip(shelf, state, strict=True)
    ]


def apart(changes: Changes, state: State) -> tuple[list[Any], list[Any]]:
    """What a trip changes as a whole, and that of which it changes few places."""
    pairs = list(zip(state, changes.has_places, strict=True))
    return [x for x, flag in pairs if not flag], [x for x, flag in pairs if flag]


def together(changes: Changes, kept: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    """The state of these two."""
    parts = iter(kept), iter(arrays)
    return [next(parts[flag]) for flag in changes.has_places]


class Whole:
    """States that are kept as they are.

    The shelf has one place more than there are: what is to be kept nowhere is written there, since
    a write that may not happen would copy the shelf.
    """

    def __init__(self, back: Backward, start: State, places: int) -> None:
        self.back = back
        self.start = list(start)
        self.places = places

    def new(self) -> Any:
        """A shelf with the start in its first place."""
        return new_shelf(self.start, self.places + 1)

    def begin(self) -> Any:
        """What is left of a position before there was one."""
        return ()

    def free(self, shelf: Any, top: Any, position: Any) -> Any:
        """How many positions such as this one can be kept above place ``top``."""
        return self.places - 1 - top

    def put(self, shelf: Any, top: Any, position: Any, wanted: Any) -> Any:
        """The shelf with the position above ``top``, if that is wanted."""
        return write(shelf, jnp.where(wanted, top + 1, self.places), position)

    def take(self, shelf: Any, top: Any, left: Any) -> Any:
        """The position at place ``top``; ``left`` is what is left of the last one."""
        return read(shelf, top)

    def advance(self, position: Any) -> Any:
        """The position a trip later."""
        return self.back.advance(position)


class Partial:
    """States of which arrays are kept as far as they were written to.

    A position is a state, and how far from the start of an array its trips have written, in parts
    of which an array has ``PARTS``. All arrays count alike.
    """

    def __init__(self, back: Backward, start: State, places: int, arrays: int) -> None:
        assert back.changes is not None
        self.back = back
        self.changes: Changes = back.changes
        self.kept, self.arrays = apart(self.changes, start)
        self.places = places
        self.parts = PARTS * arrays
        """Parts of arrays for which there is room."""

    def new(self) -> Any:
        rooms = []
        for array, (axis, length) in zip(self.arrays, self.changes.part_sizes, strict=True):
            shape = list(array.shape)
            shape[axis] = length
            rooms.append(jnp.zeros((self.parts, *shape), array.dtype))
        ends = jnp.zeros(self.places + 1, jnp.int32)
        return new_shelf(self.kept, self.places + 1), rooms, ends

    def begin(self) -> Any:
        return self.arrays, jnp.int32(0)

    def free(self, shelf: Any, top: Any, position: Any) -> Any:
        by_parts = (self.parts - shelf[2][top]) // jnp.maximum(position[1], 1)
        return jnp.minimum(self.places - 1 - top, by_parts)

    def put(self, shelf: Any, top: Any, position: Any, wanted: Any) -> Any:
        kept, rooms, ends = shelf
        state, extent = position
        own, arrays = apart(self.changes, state)
        place = jnp.where(wanted, top + 1, self.places)
        first, count = ends[top], jnp.where(wanted, extent, 0)

        def copy(part: Any, rooms: Any) -> Any:
            return write(rooms, first + part, self._parts(arrays, part))

        rooms = lax.fori_loop(jnp.int32(0), count, copy, rooms)
        ends = lax.dynamic_update_index_in_dim(ends, first + count, place, 0)
        return write(kept, place, own), rooms, ends

    def take(self, shelf: Any, top: Any, left: Any) -> Any:
        kept, rooms, ends = shelf
        arrays, dirty = left
        first = jnp.where(top == 0, 0, ends[top - 1])
        extent = ends[top] - first

        def restore(part: Any, arrays: Any) -> Any:
            there = read(rooms, jnp.minimum(first + part, self.parts - 1))
            pairs = zip(there, self._parts(self.arrays, part), strict=True)
            parts = [lax.select(part < extent, *pair) for pair in pairs]
            return [
                lax.dynamic_update_slice_in_dim(array, new, part * length, axis)
                for array, new, (axis, length) in zip(
                    arrays, parts, self.changes.part_sizes, strict=True
                )
            ]

        arrays = lax.fori_loop(jnp.int32(0), dirty, restore, list(arrays))
        return together(self.changes, read(kept, top), arrays), extent

    def advance(self, position: Any) -> Any:
        state, extent = position
        after, reach = self.back.advance_reaching(state)
        return after, jnp.maximum(extent, reach)

    def _parts(self, arrays: Sequence[Any], part: Any) -> list[Any]:
        sizes = self.changes.part_sizes
        return [
            lax.dynamic_slice_in_dim(array, part * length, length, axis)
            for array, (axis, length) in zip(arrays, sizes, strict=True)
        ]

"""Going backwards through the trips of a loop that has been run.

The backward pass needs the state before each trip, last first. It is given the state at the start
and the number of trips, and has room for some states only. The trips are taken in blocks: the
states within one block are all kept while it is gone back through, and of the starts of the blocks
some are kept on a shelf. From the last one kept the loop is run again up to the block wanted, and
on the way there the free places of the shelf are filled where that saves most.

Where a trip changes a few places of an array the array is not kept for each trip of a block, but
what was in those places (``loop_changes``): the trips are taken back, last first.

Since the number of trips is known by then, the places are those of the binomial schedule: with
``s`` places and no trip run again more than ``r`` times, ``C(s + r, s)`` blocks can be gone back
through, and no schedule does better. For 16 places and blocks of 16 trips ``r`` is 3 up to 15,000
trips and 6 for a million. References: Griewank and Walther, "Algorithm 799: revolve", ACM TOMS 26
(2000); Griewank, "Achieving logarithmic growth", Optim. Methods Softw. 1 (1992).

Nothing here is ever differentiated or batched: the loop's derivatives are primitives, closed under
both, and this is how they run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from eshkol.xla.loop_backward import Backward, Carry, chunk_of
from eshkol.xla.loop_changes import Changes
from eshkol.xla.loop_shelves import Partial, Whole, apart, new_shelf, read, together, write

State = Sequence[Any]
Advance = Callable[[State], State]
"""One trip forwards."""

FEWEST_SLOTS = 32
"""States that are kept in any case: enough for any number of trips that 32 bits count."""

MOST_SLOTS = 4096
SMALL = 1 << 20
"""Small states may take so many bytes together: a cache holds them, and few trips are run again."""

ROOM = 1 << 22
"""Arrays in which trips change few places may take so many bytes on the shelf, or as many as one
state; what is overwritten within a block as many as a state, or half of ``SMALL``."""


def _bytes(state: State) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in state)


def default_slots(state: State) -> int:
    """How many states are kept where the program does not say."""
    size = _bytes(state)
    return max(FEWEST_SLOTS, min(SMALL // max(size, 1), MOST_SLOTS))


def reverse_through(
    back: Backward,
    start: State,
    trips: Any,
    carry: Carry,
    slots: int | None,
    most: int | None = None,
) -> Carry:
    """Go back through ``trips`` trips with room for ``slots`` states.

    Args:
        back: the trips.
        start: the state before the first trip.
        trips: an int32 scalar, traced.
        carry: what the last trip is pulled back from.
        slots: how many states are kept; half of them within a block. None: as many as is best.
        most: there is no use for room for more trips.
    """
    given = default_slots(start) if slots is None else slots
    block = _at_most(most, given // 2)
    places = max(1, given - given // 2)
    if back.changes is None:
        places = _at_most(_blocks(most, block), places)
        return _Walk(back, Whole(back, start, places), trips, block).to_start(start, carry)
    size, entry = _bytes(start), _entry_bytes(back.changes, start)
    room = max(SMALL // 2, size) if slots is None else block * size
    block = _at_most(most, max(block, min(room // entry, MOST_SLOTS)))
    places = _at_most(_blocks(most, block), places)
    states = min(places, max(1, ROOM // size if slots is None else places - 1))
    return _Walk(back, Partial(back, start, places, states), trips, block).to_start(start, carry)


def _blocks(most: int | None, block: int) -> int | None:
    return None if most is None else -(-most // block)


def _at_most(most: int | None, number: int) -> int:
    return max(1, number if most is None else min(number, most))


def reverse_noted(back: Backward, start: State, trips: Any, carry: Carry, room: int) -> Carry:
    """Go back through at most ``room`` trips, noting what each overwrites."""
    shelves = Partial(back, start, 1, 1)
    position = list(start), jnp.int32(0)
    entries = _new_entries(back, start, room)
    return _reverse_block(back, shelves, entries, position, trips, carry)[-1]


def reverse_recorded(back: Backward, record: State, trips: Any, carry: Carry) -> Carry:
    """Go back through trips whose states are all in ``record``, stacked."""
    if back.chunk:
        return _reverse_chunks(back, record, trips, carry)
    return lax.fori_loop(
        jnp.int32(0),
        trips,
        lambda done, carry: back.pull(_recorded(record, trips - 1 - done), carry),
        carry,
    )


def _reverse_chunks(back: Backward, record: State, trips: Any, carry: Carry) -> Carry:
    """The same chunk by chunk, where large constants get the cotangents of a chunk at once."""
    places = record[0].shape[0]
    size = min(back.chunk, places)
    chunks = (trips + (size - 1)) // size

    def chunk(done: Any, carry: Carry) -> Carry:
        first = (chunks - 1 - done) * size
        last = jnp.minimum(first + size, trips) - 1
        # The last chunk may reach beyond the record; what is read instead has cotangents of zero.
        start = jnp.minimum(first, places - size)
        prepared, begin = back.prepared(record, start, size)

        def trip(done: Any, inner: Any) -> Any:
            kept, carry = inner
            kept = write(kept, last - done - start, carry[1])
            return kept, back.pull_prepared(_recorded(prepared, last - done - begin), carry)

        kept = [jnp.zeros((size, *leaf.shape), leaf.dtype) for leaf in carry[1]]
        kept, carry = lax.fori_loop(jnp.int32(0), last + 1 - first, trip, (kept, carry))
        return back.gather(chunk_of(record, start, size), kept, carry)

    return lax.fori_loop(jnp.int32(0), chunks, chunk, carry)


def _recorded(record: State, index: Any) -> list[Any]:
    # Without the barrier XLA reads the record again for each element of a larger cotangent.
    return lax.optimization_barrier(read(record, index))


def record_states(advance: Advance, shelf: State, start: State, trips: Any) -> State:
    """The states before each of the trips, written into the first places of ``shelf``."""

    def trip(index: Any, carry: Any) -> Any:
        state, shelf = carry
        state = advance(state)
        return state, write(shelf, index, state)

    shelf = write(shelf, jnp.int32(0), start)
    return lax.fori_loop(jnp.int32(1), trips, trip, (list(start), shelf))[1]


def _entry_bytes(changes: Changes, state: State) -> int:
    """How much is kept of one trip."""
    kept = [leaf for leaf, flag in zip(state, changes.has_places, strict=True) if not flag]
    return max(1, _bytes(kept) + changes.entry_size)


def _new_entries(back: Backward, state: State, trips: int) -> list[Any]:
    """Room for what is kept of the trips of a block: states, or what trips overwrite of them."""
    if back.changes is None:
        return new_shelf(state, trips)
    kept, _ = apart(back.changes, state)
    return [*new_shelf(kept, trips), *back.changes.new_entries(trips)]


def _reverse_block(
    back: Backward,
    shelves: Whole | Partial,
    entries: State,
    position: Any,
    trips: Any,
    carry: Carry,
) -> tuple[State, Any, Carry]:
    """Go back through trips of which there is room for all in ``entries``.

    Returns:
        The entries, what is left of the position, and the cotangents.
    """
    if isinstance(shelves, Whole):
        entries = record_states(back.advance, entries, position, trips)
        return entries, (), reverse_recorded(back, entries, trips, carry)
    changes = shelves.changes

    def note(index: Any, carried: Any) -> Any:
        (state, extent), entries = carried
        after, entry = back.advance_noting(state)
        entries = write(entries, index, [*apart(changes, state)[0], *entry])
        return (after, jnp.maximum(extent, changes.reach(entry))), entries

    (end, extent), entries = lax.fori_loop(jnp.int32(0), trips, note, (position, list(entries)))
    count = changes.has_places.count(False)

    def pull(done: Any, both: Any) -> Any:
        arrays, carry = both
        entry = _recorded(entries, trips - 1 - done)
        arrays = changes.undone(arrays, entry[count:])
        return arrays, back.pull(together(changes, entry[:count], arrays), carry)

    arrays = apart(changes, end)[1]
    arrays, carry = lax.fori_loop(jnp.int32(0), trips, pull, (arrays, carry))
    return entries, (arrays, extent), carry


class _Walk:
    """The way back, block by block."""

    def __init__(self, back: Backward, shelves: Whole | Partial, trips: Any, block: int) -> None:
        self.walked = back
        self.shelves = shelves
        self.trips = trips
        self.block = block

    def to_start(self, start: State, cotangents: Carry) -> Carry:
        """The cotangents of the start of the loop."""
        blocks = (self.trips + (self.block - 1)) // self.block
        marks = jnp.zeros(self.shelves.places + 1, jnp.int32)
        within = _new_entries(self.walked, start, self.block)
        shelf = self.shelves.new(), marks, jnp.int32(0)
        carry = (blocks, shelf, self.shelves.begin(), within, cotangents)
        return lax.while_loop(lambda carry: carry[0] > 0, self._one_block, carry)[-1]

    def _one_block(self, carry: Any) -> Any:
        """Go back through the last of the blocks that are left."""
        left, shelf, rest, within, cotangents = carry
        last = left - 1
        position, shelf = self._climb(last, shelf, rest)
        trips = jnp.minimum(self.block, self.trips - last * self.block)
        within, rest, cotangents = _reverse_block(
            self.walked, self.shelves, within, position, trips, cotangents
        )
        kept, marks, top = shelf
        # The start of this block is of no more use.
        top = jnp.where(marks[top] == last, top - 1, top)
        return last, (kept, marks, top), rest, within, cotangents

    def _climb(self, last: Any, shelf: Any, rest: Any) -> Any:
        """Run the loop from the topmost state on the shelf to block ``last``, keeping some."""
        shelves = self.shelves

        def stretch(carry: Any) -> Any:
            here, position, (kept, marks, top) = carry
            free = shelves.free(kept, top, position)
            length = jnp.where(free > 0, split(last - here + 1, free + 1), last - here)
            position = self._run(length * self.block, position)
            here = here + length
            is_kept = (free > 0) & (shelves.free(kept, top, position) > 0)
            kept = shelves.put(kept, top, position, is_kept)
            place = jnp.where(is_kept, top + 1, shelves.places)
            marks = lax.dynamic_update_index_in_dim(marks, here, place, 0)
            return here, position, (kept, marks, jnp.where(is_kept, top + 1, top))

        kept, marks, top = shelf
        carry = (marks[top], shelves.take(kept, top, rest), shelf)
        return lax.while_loop(lambda carry: carry[0] < last, stretch, carry)[1:]

    def _run(self, trips: Any, position: Any) -> Any:
        return lax.fori_loop(
            jnp.int32(0), trips, lambda _, position: self.shelves.advance(position), position
        )


def split(length: Any, places: Any) -> Any:
    """How far from the start of ``length`` blocks the next state is best kept.

    With ``b(s, r) = C(s + r, s)`` and ``b(s, r - 1) < length <= b(s, r)`` every split is best that
    leaves at most ``b(s, r - 1)`` blocks before it and ``b(s - 1, r)`` after it.

    Args:
        length: int32, at least 2.
        places: int32, at least 2; the start has one of them.

    Returns:
        int32 between 1 and ``length - 1``.
    """
    size, s = jnp.asarray(length, jnp.float32), jnp.asarray(places, jnp.float32)

    def grow(carry: Any) -> Any:
        repeats, reach = carry
        return repeats + 1, reach * (s + repeats + 1) / (repeats + 1)

    zero, one = jnp.float32(0), jnp.float32(1)
    r, reach = lax.while_loop(lambda carry: carry[1] < size, grow, (zero, one))
    before = reach * r / (s + r)
    after = reach * s / (s + r)
    after_less = after * r / jnp.maximum(s + r - 1, one)
    best = jnp.minimum(before, size - after_less)
    return jnp.clip(jnp.round(best).astype(jnp.int32), 1, length - 1)


def zeros_like(values: State) -> list[Any]:
    """Zeros of the same shapes and dtypes."""
    return [jnp.zeros_like(value) for value in values]

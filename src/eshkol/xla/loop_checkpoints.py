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

from eshkol.xla.loop_backward import Backward, Carry
from eshkol.xla.loop_changes import Changes

State = Sequence[Any]
Advance = Callable[[State], State]
"""One trip forwards."""

FEWEST_SLOTS = 32
"""States that are kept in any case: enough for any number of trips that 32 bits count."""

MOST_SLOTS = 4096
SMALL = 1 << 20
"""Small states may take so many bytes together: a cache holds them, and few trips are run again."""

FEWEST_PLACES = 4
ROOM = 1 << 23
"""Where trips change few places of large states so many bytes of states are kept, but so many
states in any case; what trips overwrite between two of them takes as much room as one, or half
of ``SMALL``."""


def _bytes(state: State) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in state)


def default_slots(state: State) -> int:
    """How many states are kept where the program does not say."""
    size = _bytes(state)
    return max(FEWEST_SLOTS, min(SMALL // max(size, 1), MOST_SLOTS))


def reverse_through(
    back: Backward, start: State, trips: Any, carry: Carry, slots: int | None
) -> Carry:
    """Go back through ``trips`` trips with room for ``slots`` states.

    Args:
        back: the trips.
        start: the state before the first trip.
        trips: an int32 scalar, traced.
        carry: what the last trip is pulled back from.
        slots: how many states are kept; half of them within a block. None: as many as is best.
    """
    given = default_slots(start) if slots is None else slots
    block = max(1, given // 2)
    places = max(1, given - block)
    if back.changes is not None:
        size, entry = _bytes(start), _entry_bytes(back.changes, start)
        room = max(SMALL // 2, size) if slots is None else block * size
        block = max(block, min(room // entry, MOST_SLOTS))
        if slots is None:
            places = max(FEWEST_PLACES, min(ROOM // size, places))
    return _Walk(back, trips, block, places).to_start(list(start), carry)


def reverse_noted(back: Backward, start: State, trips: Any, carry: Carry, room: int) -> Carry:
    """Go back through at most ``room`` trips, noting what each overwrites."""
    return _reverse_block(back, _new_entries(back, start, room), start, trips, carry)[1]


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

        def trip(done: Any, inner: Any) -> Any:
            kept, carry = inner
            kept = write(kept, last - done - start, carry[1])
            return kept, back.pull(_recorded(record, last - done), carry)

        kept = [jnp.zeros((size, *leaf.shape), leaf.dtype) for leaf in carry[1]]
        kept, carry = lax.fori_loop(jnp.int32(0), last + 1 - first, trip, (kept, carry))
        states = [lax.dynamic_slice_in_dim(leaf, start, size) for leaf in record]
        return back.gather(states, kept, carry)

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
    kept, _ = _apart(back.changes, state)
    return [*new_shelf(kept, trips), *back.changes.new_entries(trips)]


def _apart(changes: Changes, state: State) -> tuple[list[Any], list[Any]]:
    """What a trip changes as a whole, and that of which it changes few places."""
    pairs = list(zip(state, changes.has_places, strict=True))
    return [x for x, flag in pairs if not flag], [x for x, flag in pairs if flag]


def _reverse_block(
    back: Backward, entries: State, start: State, trips: Any, carry: Carry
) -> tuple[list[Any], Carry]:
    """Go back through trips of which there is room for all in ``entries``."""
    changes = back.changes
    if changes is None:
        entries = record_states(back.advance, entries, start, trips)
        return list(entries), reverse_recorded(back, entries, trips, carry)

    def note(index: Any, both: Any) -> Any:
        state, entries = both
        after, entry = back.advance_noting(state)
        return after, write(entries, index, [*_apart(changes, state)[0], *entry])

    end, entries = lax.fori_loop(jnp.int32(0), trips, note, (list(start), list(entries)))
    count = changes.has_places.count(False)

    def pull(done: Any, both: Any) -> Any:
        arrays, carry = both
        entry = _recorded(entries, trips - 1 - done)
        arrays = changes.undone(arrays, entry[count:])
        parts = iter(entry), iter(arrays)
        state = [next(parts[flag]) for flag in changes.has_places]
        return arrays, back.pull(state, carry)

    arrays = _apart(changes, end)[1]
    return list(entries), lax.fori_loop(jnp.int32(0), trips, pull, (arrays, carry))[1]


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


class _Walk:
    """The way back, block by block.

    The shelf has one place more than there are: what is to be kept nowhere is written there, since
    a write that may not happen would copy the shelf.
    """

    def __init__(self, back: Backward, trips: Any, block: int, places: int) -> None:
        self.walked = back
        self.trips = trips
        self.block = block
        self.places = places

    def to_start(self, start: list[Any], cotangents: Carry) -> Carry:
        """The cotangents of the start of the loop."""
        blocks = (self.trips + (self.block - 1)) // self.block
        shelf = new_shelf(start, self.places + 1)
        marks = jnp.zeros(self.places + 1, jnp.int32)
        top = jnp.int32(0)
        within = _new_entries(self.walked, start, self.block)
        carry = (blocks, top, marks, shelf, within, cotangents)
        return lax.while_loop(lambda carry: carry[0] > 0, self._one_block, carry)[-1]

    def _one_block(self, carry: Any) -> Any:
        """Go back through the last of the blocks that are left."""
        left, top, marks, shelf, within, cotangents = carry
        last = left - 1
        state, top, marks, shelf = self._climb(last, top, marks, shelf)
        trips = jnp.minimum(self.block, self.trips - last * self.block)
        within, cotangents = _reverse_block(self.walked, within, state, trips, cotangents)
        # The start of this block is of no more use.
        top = jnp.where(marks[top] == last, top - 1, top)
        return last, top, marks, shelf, within, cotangents

    def _climb(self, last: Any, top: Any, marks: Any, shelf: Any) -> Any:
        """Run the loop from the topmost state on the shelf to block ``last``, keeping some."""

        def stretch(carry: Any) -> Any:
            here, state, top, marks, shelf = carry
            free = self.places - 1 - top
            length = jnp.where(free > 0, split(last - here + 1, free + 1), last - here)
            state = self._run(length * self.block, state)
            here = here + length
            place = jnp.where(free > 0, top + 1, self.places)
            top = jnp.where(free > 0, top + 1, top)
            marks = lax.dynamic_update_index_in_dim(marks, here, place, 0)
            return here, state, top, marks, write(shelf, place, state)

        carry = (marks[top], read(shelf, top), top, marks, shelf)
        return lax.while_loop(lambda carry: carry[0] < last, stretch, carry)[1:]

    def _run(self, trips: Any, state: list[Any]) -> Any:
        return lax.fori_loop(
            jnp.int32(0), trips, lambda _, state: self.walked.advance(state), state
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

"""The draws of a stream by their paths and the trips of loops around them, as eager code counts.

Outside of loops the draws with one path are numbered. A run of a loop counts as one of these draws,
the first time that something is drawn in it; the key of that draw, folded with the number of a
trip, is the key from which the draws in the trip are numbered anew. So what one trip draws changes
nothing for another, nor for what comes after the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import numpy as np

from eshkol.autodiff.attempts import ATTEMPTS
from eshkol.runtime.draw_paths import Trips
from eshkol.xla.seeds import MASK, fold, fold_twice, folded_words

Words = tuple[int, int]


class Counted:
    """Draws that are numbered: those with one path, outside of loops.

    Attributes:
        run: of a loop, the last one in which something was drawn.
        blocks: by kind, the number of the first of some scalars drawn in advance, and they.
    """

    def __init__(self) -> None:
        self.run: Run | None = None
        self.blocks: dict[str, tuple[int, list[float]]] = {}
        self._count = 0
        self._place: tuple[Any, int] | None = None

    @property
    def key(self) -> Any:
        """Their key."""
        raise NotImplementedError

    @property
    def words(self) -> Words:
        """The key as two numbers."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """How many draws there were, modulo 2**32; waits for a program that counts them."""
        if self._place is not None:
            counts, number = self._place
            self._count, self._place = int(counts[number]), None
        return self._count

    def at(self, trips: Trips) -> Counted:
        """The draws in the trips of loops that are going on, outermost first."""
        level = self
        for own, number in trips:
            run = level.run
            if run is None or not run.goes_on(own, number):
                run = Run(level, own)
            trip = run.trip
            level = trip if trip is not None and trip.number == number else Trip(run, number)
        return level

    def upcoming_key(self) -> Any:
        """The key of the next draw, which stays the next."""
        return fold(self.key, np.uint32((self.count + 1) & MASK))

    def advance(self, draws: int) -> None:
        """Leave out ``draws`` numbers."""
        if not draws:
            return
        self._begin()
        self._count = (self.count + draws) & MASK

    def next(self) -> int:
        """The number of the next draw, which counts as drawn."""
        self._begin()
        self._count = (self.count + 1) & MASK
        return self._count

    def go_to(self, counts: Any, number: int) -> None:
        """Go on where a program has stopped, which gives ``counts``."""
        if not self.is_certain and int(counts[number]) == self.count:
            return
        self._begin()
        self._place = counts, number

    @property
    def is_certain(self) -> bool:
        """Whether a draw changes nothing outside, so that a program need not be waited for."""
        return True

    def is_at(self, counts: Any, number: int) -> bool:
        """Whether ``counts`` tell at ``number`` how many draws there were."""
        return self._place is not None and self._place[0] is counts and self._place[1] == number

    @property
    def counts(self) -> Any:
        """What a program that has not been waited for gave as its counts; None if there is none."""
        return None if self._place is None else self._place[0]

    def _begin(self) -> None:
        """Something is drawn."""
        if ATTEMPTS.undo is not None:
            ATTEMPTS.undo.append(self._back())

    def _back(self) -> Callable[[], None]:
        """What goes back to where the draws are now."""
        count, place, run = self._count, self._place, self.run

        def back() -> None:
            self._count, self._place, self.run = count, place, run

        return back


class CountedPath(Counted):
    """The draws with one path of the stream.

    Attributes:
        key: of the path.
    """

    def __init__(self, key: Any) -> None:
        super().__init__()
        self._key = key

    @property
    def key(self) -> Any:
        return self._key

    @cached_property
    def words(self) -> Words:
        first, second = np.asarray(jax.random.key_data(self._key)).tolist()
        return first, second


class Run:
    """A run of a loop, which counts as one of the draws around it.

    Attributes:
        around: these.
        own: what tells it from other runs: an object of its own, or a number (``Trips``).
        number: among the draws around.
        trip: the last one in which something was drawn.
        blocks: by kind and number in a trip, the first trip of some scalars drawn in advance, and
            they.
    """

    def __init__(self, around: Counted, own: Any) -> None:
        self.around = around
        self.own = own
        self.number = (around.count + 1) & MASK
        self.trip: Trip | None = None
        self.blocks: dict[tuple[Any, ...], tuple[int, list[Any]]] = {}

    def goes_on(self, own: Any, trip: int) -> bool:
        """Whether it is the run that ``own`` tells, and has come to a trip.

        What is drawn counts as another run after something was drawn around it, and after a
        continuation has led back to an earlier trip.
        """
        is_own = own is self.own or (own.__class__ is int and own == self.own)
        is_back = self.trip is not None and self.trip.number > trip
        return is_own and not is_back and self.number == self.around.count

    @cached_property
    def key(self) -> Any:
        """The key of the draw that it counts as."""
        return fold(self.around.key, np.uint32(self.number))

    @cached_property
    def words(self) -> Words:
        """The same as two numbers."""
        return folded_words(self.around.words, self.number)


class Trip(Counted):
    """The draws in one trip of a loop.

    Attributes:
        loop: its run.
        number: of the trip, from 0 on.
    """

    def __init__(self, loop: Run, number: int) -> None:
        super().__init__()
        self.loop = loop
        self.number = number

    @cached_property
    def key(self) -> Any:
        return fold(self.loop.key, np.uint32(self.number & MASK))

    def upcoming_key(self) -> Any:
        return fold_twice(self.loop.key, self.number & MASK, (self.count + 1) & MASK)

    @cached_property
    def words(self) -> Words:
        return folded_words(self.loop.words, self.number & MASK)

    @property
    def is_certain(self) -> bool:
        return self.loop.trip is not None

    def _begin(self) -> None:
        super()._begin()
        loop = self.loop
        if loop.trip is self:
            return
        before, is_first = loop.trip, loop.trip is None
        if ATTEMPTS.undo is not None:
            ATTEMPTS.undo.append(lambda: setattr(loop, "trip", before))
        loop.trip = self
        if is_first:
            loop.around.advance(1)
            loop.around.run = loop

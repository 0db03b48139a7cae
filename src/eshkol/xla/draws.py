"""The draws with one path in a program that is being traced, whose counts may be traced.

They are counted as eager code counts them (``counted_draws``): what was drawn in the last run of a
loop, and in its last trip, is a state of variables, which branches and loops carry like any other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from jax import lax

from eshkol.autodiff.attempts import ATTEMPTS
from eshkol.runtime.draw_paths import Trips
from eshkol.xla import journal
from eshkol.xla._compat_traces import current_trace
from eshkol.xla.dtypes import wide
from eshkol.xla.seeds import as_long, as_word, fold, fold_all, sum_of_counts
from eshkol.xla.tensors import Tracer
from eshkol.xla.witness import tracer_of

Box = list[Any]
"""A variable."""


class Level(NamedTuple):
    """What is known of the draws in a loop: variables, all of which hold 0 before the first.

    Attributes:
        run: the last one in which something was drawn.
        number: which of the draws around it counts as.
        trip: the last one of it in which something was drawn.
        drawn: how many draws there were in that.
    """

    run: Box
    number: Box
    trip: Box
    drawn: Box


def boxes_of_level(number: int) -> range:
    """The numbers of the variables of a level, one of which has this number (see ``Draws.box``)."""
    size = len(Level._fields)
    first = 1 + (number - 1) // size * size
    return range(first, first + size)


class Draws:
    """The draws with one path in a program that is being traced.

    Attributes:
        count: a variable that holds the number of draws outside of loops.
        get_key: gives the key of the path, for the trace that asks.
        get_first: gives how many draws came before those of the program, known or traced.
        levels: of loops in one another, the outermost first.
        known_trip: in which the latest draw in loops was made, if its key is known.

    Args:
        new_box: makes a variable as old as the source of the keys, given its number.
    """

    __slots__ = ("_new_box", "count", "get_first", "get_key", "known_trip", "levels")

    def __init__(
        self,
        new_box: Callable[[int], Box],
        get_key: Callable[[], Any],
        get_first: Callable[[], Any],
    ) -> None:
        self._new_box = new_box
        self.count = new_box(0)
        self.get_key = get_key
        self.get_first = get_first
        self.levels: list[Level] = []
        self.known_trip: KnownTrip | None = None

    def level(self, index: int) -> Level:
        """The state of loops in so many others."""
        while len(self.levels) <= index:
            numbers = boxes_of_level(1 + len(Level._fields) * len(self.levels))
            self.levels.append(Level(*map(self._new_box, numbers)))
        return self.levels[index]

    def box(self, number: int) -> Box:
        """The variable with a number: 0 has the count outside of loops."""
        if number == 0:
            return self.count
        level, field = divmod(number - 1, len(Level._fields))
        return self.level(level)[field]

    def at(self, trips: Trips) -> Place:
        """The draws in the trips of loops that are going on, outermost first."""
        return Place(self, trips)

    @property
    def has_drawn(self) -> bool:
        """Whether there may have been a draw."""
        return self.count[0].__class__ is not int or self.count[0] != 0


class Step(NamedTuple):
    """What a draw finds in a loop.

    Attributes:
        level: the variables.
        run: which one goes on, …
        number: … which of the draws around it counts as, …
        trip: … the trip that goes on, …
        drawn: … and how many draws there were in that.
        is_same_run: whether something was drawn in the run, known or traced.
    """

    level: Level
    run: Any
    number: Any
    trip: Any
    drawn: Any
    is_same_run: Any


class Found(NamedTuple):
    """What a draw finds.

    Attributes:
        steps: in each loop, from without.
        key: the one that is to be folded with what follows; …
        numbers: … these, and the number of the draw.
    """

    steps: list[Step]
    key: Any
    numbers: list[Any]


class KnownTrip(NamedTuple):
    """The key of the trip that drew last, for as long as the state is that which it left.

    Attributes:
        trace: in which it was made.
        contents: of the variables, and the numbers of runs and trips.
        key: of the trip.
    """

    trace: Any
    contents: list[Any]
    key: Any


class Place:
    """Where draws are made: those with one path, in the trips of loops that are going on."""

    __slots__ = ("_trips", "draws")

    def __init__(self, draws: Draws, trips: Trips) -> None:
        self.draws = draws
        self._trips = [_known(tracer_of(number)) for trip in trips for number in trip]

    @property
    def position(self) -> Any:
        """How many draws came before the next one there, modulo 2**32."""
        return as_word(self._count(self._find().steps))

    def get_key(self) -> Any:
        """The key that is folded with the number of the draw."""
        _, key, numbers = self._find()
        return _folded(key, numbers)[-1] if numbers else key

    def upcoming_key(self) -> Any:
        """The next key, which stays the next."""
        steps, key, numbers = self._find()
        return _folded(key, [*numbers, self._next_number(steps)])[-1]

    def next_key(self) -> Any:
        """The next key."""
        steps, key, numbers = self._find()
        folded = _folded(key, [*numbers, self._next_number(steps)])
        trip_key, key = [key, *folded][-2:]
        self._advance(steps, 1)
        if steps:
            self.draws.known_trip = KnownTrip(current_trace(), self._contents(), trip_key)
        return key

    def advance(self, draws: Any) -> None:
        """Leave out ``draws`` keys."""
        more = _known(tracer_of(draws))
        if more.__class__ is not int or more:
            self._advance(self._find().steps, more)

    def _next_number(self, steps: list[Step]) -> Any:
        return sum_of_counts(self._count(steps), 1)

    def _count(self, steps: list[Step]) -> Any:
        return steps[-1].drawn if steps else self._count_outside

    @property
    def _count_outside(self) -> Any:
        draws = self.draws
        return _known(sum_of_counts(draws.get_first(), tracer_of(draws.count[0])))

    def _contents(self) -> list[Any]:
        levels = self.draws.levels[: len(self._trips) // 2]
        boxes = [self.draws.count, *(box for level in levels for box in level)]
        return [*self._trips, *(_known(tracer_of(box[0])) for box in boxes)]

    def _find(self) -> Found:
        """What a draw finds; nothing has to be asked where the trip has drawn before."""
        known_trip = self.draws.known_trip
        if self._trips and known_trip is not None and known_trip.trace is current_trace():
            contents = self._contents()
            if len(contents) == len(known_trip.contents) and all(
                _is_same(a, b) for a, b in zip(contents, known_trip.contents, strict=True)
            ):
                return Found(self._steps(is_known=True), known_trip.key, [])
        steps = self._steps()
        numbers = [number for step in steps for number in (step.number, step.trip)]
        return Found(steps, self.draws.get_key(), numbers)

    def _steps(self, is_known: bool = False) -> list[Step]:
        """What a draw finds in each loop, where the trip may be known to have drawn before."""
        steps: list[Step] = []
        count, is_same = None if is_known else self._count_outside, True
        with wide():
            for index, (run, trip) in enumerate(
                zip(self._trips[::2], self._trips[1::2], strict=True)
            ):
                level = self.draws.level(index)
                before = Level(*(_known(tracer_of(box[0])) for box in level))
                if is_known:
                    steps.append(Step(level, *before, True))
                    continue
                is_last = _both(_equal(before.run, run), _equal(before.number, count))
                is_same_run = _both(is_same, is_last)
                number = _chosen(is_same_run, before.number, _known(sum_of_counts(count, 1)))
                is_same = _both(is_same_run, _equal(before.trip, trip))
                count = _chosen(is_same, before.drawn, 0)
                steps.append(Step(level, run, number, trip, count, is_same_run))
        return steps

    def _advance(self, steps: list[Step], draws: Any) -> None:
        more = draws
        with wide():
            is_known = draws.__class__ is int
            is_drawn: Any = True if is_known else lax.ne(as_long(draws), as_long(0))
            for step in reversed(steps):
                after = step.run, step.number, step.trip, _sum(step.drawn, more)
                for box, value in zip(step.level, after, strict=True):
                    before = _known(tracer_of(box[0]))
                    if not _is_same(before, value):
                        _write(box, _chosen(is_drawn, value, before))
                more = _chosen(_both(is_drawn, _negated(step.is_same_run)), 1, 0)
            if more.__class__ is not int or more:
                _write(self.draws.count, _sum(_known(tracer_of(self.draws.count[0])), more))


def _folded(key: Any, numbers: list[Any]) -> list[Any]:
    """The keys that a key becomes as it is folded with numbers that are known or traced."""
    known = [_known(number) for number in numbers]
    if len(known) > 1 and any(number.__class__ is not int for number in known):
        return fold_all(key, known)
    return list(itertools.accumulate(map(as_word, known), fold, initial=key))[1:]


def _write(box: Box, value: Any) -> None:
    if ATTEMPTS.undo is not None:
        ATTEMPTS.undo.append(partial(journal.set_box, box, box[0]))
    journal.set_box(box, value)


# ---- counts and conditions that are known or traced


def _known(value: Any) -> Any:
    """A number that is known as an int."""
    is_known = hasattr(value, "dtype") and not isinstance(value, Tracer)
    return int(value) if is_known else value


def _sum(a: Any, b: Any) -> Any:
    if a.__class__ is int and b.__class__ is int:
        return a + b
    return lax.add(as_long(a), as_long(b))


def _is_same(a: Any, b: Any) -> bool:
    """Whether two numbers are known to be equal."""
    return a is b or (a.__class__ is b.__class__ is int and a == b)


def _equal(a: Any, b: Any) -> Any:
    if _is_same(a, b) or not (isinstance(a, Tracer) or isinstance(b, Tracer)):
        return _is_same(a, b)
    return lax.eq(as_long(a), as_long(b))


def _both(a: Any, b: Any) -> Any:
    if a is True or b is False:
        return b
    if b is True or a is False:
        return a
    return lax.bitwise_and(a, b)


def _negated(a: Any) -> Any:
    return not a if a.__class__ is bool else lax.bitwise_not(a)


def _chosen(condition: Any, a: Any, b: Any) -> Any:
    if condition.__class__ is bool:
        return a if condition else b
    if a.__class__ is int and b.__class__ is int and a == b:
        return a
    return lax.select(condition, as_long(a), as_long(b))

"""The staging runtime: loops.

A loop is followed trip by trip while its test is known; a loop that counts a known number of trips
becomes ``lax.scan`` unless it is short (``counted_loops``); a loop with a traced test becomes
``loop``, a while loop that has every derivative. Loop variables are widened until their types hold
from trip to trip (``carries``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from eshkol.base.errors import EshkolError, SchemeError, StagingError
from eshkol.primitives.dynamic import Escape
from eshkol.xla import journal
from eshkol.xla.carries import ChangingVariable, Site, Values
from eshkol.xla.conditions import Condition
from eshkol.xla.control import known_truth, staged_if
from eshkol.xla.counted_loops import UNKNOWN_TRIPS, Count, Leaving, scan, trips_of
from eshkol.xla.effects import muted
from eshkol.xla.extents import abandon_rests, rest_count
from eshkol.xla.loop_memory import UNKNOWN, Loop
from eshkol.xla.loop_states import Keep
from eshkol.xla.notes import forget, mark, note, unrolled_trip
from eshkol.xla.parting_loops import again, part, parted
from eshkol.xla.recursion import decide
from eshkol.xla.shrinking_loops import unroll
from eshkol.xla.steps import Parting, Step, done
from eshkol.xla.traced_loops import traced_loop, traced_while
from eshkol.xla.trees import PART
from eshkol.xla.unions import Union, dispatch
from eshkol.xla.witness import Witness

UNROLLED_TRIPS = 8
"""A counting loop of at most so many trips is unrolled, …"""

MOST_COPIES = 32
"""… unless it stands in unrolled loops, and a trip would be compiled more often than that."""

FOLLOWED_TRIPS = 1_000_000
"""A loop whose trips are all known ends with an error after so many."""


class _Copies(threading.local):
    """How often the code that is being traced in this thread is compiled for unrolled loops."""

    number = 1


_COPIES = _Copies()


@contextmanager
def _copies(number: int) -> Iterator[None]:
    """This block is traced so often for the unrolled loops around it."""
    saved = _COPIES.number
    _COPIES.number = number
    try:
        yield
    finally:
        _COPIES.number = saved


# ---- loops of the shape of `while`


def staged_while(
    site: Site,
    values: Values,
    test: Callable[..., Any],
    step: Callable[..., Values],
    leaves_when: bool,
    count: Count | None,
) -> Values:
    """Run ``values = step(*values)`` until the truth of ``test(*values)`` is ``leaves_when``.

    Args:
        site: names for messages.
        values: the loop variables at the start.
        test: the condition, of the loop variables.
        step: one trip.
        leaves_when: the truth of the test at which the loop is left.
        count: of a counting loop.

    Returns:
        The loop variables at the end.
    """
    counter, most, are_many = (
        UNKNOWN_TRIPS if count is None else trips_of(values, count, leaves_when)
    )
    trips = None if counter is None else counter.trips
    is_long = trips is not None and (trips > UNROLLED_TRIPS or _COPIES.number * trips > MOST_COPIES)
    if is_long and counter is not None:
        told = mark()
        try:
            with _copies(1):
                scanned = scan(site, values, step, counter)
        except Leaving:
            forget(told)
            return _compiled(site, values, test, step, leaves_when, ("all", trips))
        if scanned is not None:
            return scanned
        forget(told)
    is_followed = trips is not None
    keep: Keep | None = None if most is None or is_followed else ("log", most)
    loop = None if is_followed else Loop.met(values, test, step, leaves_when)
    if loop is not None and (known_value := loop.known_value()) is not UNKNOWN:
        return known_value
    for trip in range(FOLLOWED_TRIPS):
        rests = rest_count()
        with muted() as path, journal.Frame() as frame:
            holds = test(*values)
            is_more = rest_count() > rests or bool(frame.before)
            abandon_rests(rests)
        if is_more:
            # It may escape, or assigns something.
            return staged_loop(site, values, _with_test(test, step, leaves_when))
        known = None if are_many else known_truth(holds)
        if known is None and not (is_followed and holds.__class__ is Witness):
            compiled = partial(_compiled, site, values, test, step, leaves_when, keep)
            told = mark()
            try:
                return compiled() if loop is None or trip else loop.value(compiled)
            except EshkolError as error:
                if holds.__class__ is Witness:
                    # What can't be a compiled loop can be followed, since its test is known.
                    is_followed = True
                elif isinstance(error, ChangingVariable) and _holds_union(values):
                    forget(told)
                    return _of_each_kind(
                        values,
                        lambda start: staged_while(site, start, test, step, leaves_when, count),
                    )
                else:
                    raise
        if path.left_out:
            holds = test(*values)
        if (holds.for_trips() if known is None else known) is leaves_when:
            note("unrolled", site=site, trips=trip)
            return values
        with unrolled_trip(trip), _copies(_COPIES.number * (trips or 1)):
            values = step(*values)
        if rest_count() > rests and not is_followed:
            try:
                return _compiled(site, values, test, step, leaves_when, keep)
            except EshkolError:
                is_followed = True
    raise _endless(site)


def _compiled(
    site: Site,
    values: Values,
    test: Callable[..., Any],
    step: Callable[..., Values],
    leaves_when: bool,
    keep: Keep | None = None,
) -> Values:
    """The loop variables after a loop with a traced test, to which its own trips may come back."""

    def run() -> Values:
        with _copies(1):
            return traced_while(site, values, test, step, leaves_when, keep)

    for function in (test, step):
        function.eshkol_transparent = PART  # type: ignore[union-attr]
    return decide(Condition(True, run, step), _value)


def _value(condition: Condition) -> Any:
    """The value of a loop that is met, or of a condition on how its calls went."""
    if condition.test is True:
        return condition.then()
    return staged_if(condition.test, condition.then, condition.otherwise)


def _with_test(
    test: Callable[..., Any], step: Callable[..., Values], leaves_when: bool
) -> Callable[..., Step]:
    """The trip of a loop that asks its test first."""

    def trip(*values: Any) -> Step:
        ways = (lambda: again(step(*values)), lambda: done(values))
        return staged_if(test(*values), *(reversed(ways) if leaves_when else ways))

    return trip


def _endless(site: Site) -> StagingError:
    return StagingError(
        f"{site[0]}: this loop has made {FOLLOWED_TRIPS} trips while the program was compiled",
        hint="does its test ever change? make it depend on a traced value to run it compiled",
    )


# ---- loops with several exits


def staged_loop(site: Site, values: Values, step: Callable[..., Step]) -> Any:
    """Run trips until one ends the loop.

    Args:
        site: names for messages.
        values: the loop variables at the start.
        step: one trip, which ends with :func:`again` or :func:`done`.
    """
    if (here := parted(step)) is not None:
        return here.value(values, step)
    is_followed = False
    loop = Loop.met(values, step)
    if loop is not None and (known_value := loop.known_value()) is not UNKNOWN:
        return known_value
    for trip in range(FOLLOWED_TRIPS):
        told = mark()
        try:
            with unrolled_trip(trip):
                tried = _try_trip(step, values)
        except Parting as problem:
            forget(told)
            return part(values, step, problem)
        goes_on = None if tried is None else tried.result.goes_on
        known = None if tried is None else known_truth(goes_on)
        if known is None and not (is_followed and goes_on.__class__ in _FOLLOWABLE):
            forget(told)
            try:
                if loop is not None and not trip:
                    return loop.value(partial(traced_loop, site, values, step))
                return traced_loop(site, values, step)
            except EshkolError as error:
                if isinstance(error, Parting):
                    return part(values, step, error)
                if goes_on.__class__ not in _FOLLOWABLE:
                    if not isinstance(error, ChangingVariable):
                        raise
                    if _holds_union(values):
                        forget(told)
                        return _of_each_kind(values, lambda start: staged_loop(site, start, step))
                    return unroll(site, values, step, error)
                # What can't be a compiled loop can be followed, since its end is known.
                is_followed = True
        with unrolled_trip(trip):
            result = step(*values) if tried is None else tried.make(step, values)
        if known is None:
            known = known_truth(result.goes_on)
            known = result.goes_on.item() if known is None else known
        if not known:
            note("unrolled", site=site, trips=trip + 1)
            return result.value
        values = result.values
    raise _endless(site)


def _holds_union(values: Values) -> bool:
    return any(value.__class__ is Union for value in values)


def _of_each_kind(values: Values, run: Callable[[Values], Any]) -> Any:
    """What a loop gives for each value that the first union is, a list of each length, say.

    Args:
        values: the loop variables at the start.
        run: the loop, of these.
    """
    place = next(place for place, value in enumerate(values) if value.__class__ is Union)
    before, after = values[:place], values[place + 1 :]
    return dispatch(values[place], lambda item: run((*before, item, *after)))


_FOLLOWABLE = (Witness, type(None))
"""What whether a loop goes on may be where it can be followed: known, or not asked yet."""


@dataclass
class _Trip:
    """A trip that was tried.

    Attributes:
        result: what it gave.
        places: that it would write,
        contents: and what.
        left_out: whether it has effects, which are left out so far.
    """

    result: Step
    places: list[Any]
    contents: tuple[Any, ...]
    left_out: bool

    def make(self, step: Callable[..., Step], values: Values) -> Step:
        """What it gave, now that the trip is made in earnest."""
        if self.left_out:
            return step(*values)
        journal.write(self.places, self.contents)
        return self.result


def _try_trip(step: Callable[..., Step], values: Values) -> _Trip | None:
    """What a trip does; nothing is written yet. None if it may end by an escape."""
    try:
        with muted() as path, journal.Frame() as frame:
            rests = rest_count()
            try:
                result = step(*values)
            finally:
                is_leaving = rest_count() > rests
                abandon_rests(rests)
            places = frame.written()
            made = _Trip(result, places, journal.contents(places), path.left_out)
            return None if is_leaving else made
    except (Escape, SchemeError):
        # It does so in any case, after its effects.
        step(*values)
        raise

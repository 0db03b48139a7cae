"""The staging runtime: loops.

A loop is followed trip by trip while its test is known; a loop that counts a known number of trips
becomes ``lax.scan`` unless it is short (``counted_loops``); a loop with a traced test becomes
``loop``, a while loop that has every derivative. Loop variables are widened until their types hold
from trip to trip (``carries``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.base.errors import EshkolError, SchemeError, StagingError
from eshkol.primitives.dynamic import Escape
from eshkol.xla import journal
from eshkol.xla.carries import Carry, Site, Values, enter, leave, settle
from eshkol.xla.control import known_truth, staged_if
from eshkol.xla.counted_loops import Leaving, known_trips, scan
from eshkol.xla.dtypes import BOOL
from eshkol.xla.effects import muted, under
from eshkol.xla.extents import (
    Exit,
    Unreachable,
    abandon_rests,
    any_taken,
    depart,
    or_bottom,
    rest_count,
    trace_part,
)
from eshkol.xla.notes import forget, mark, note, unrolled_trip
from eshkol.xla.parts import (
    ABSENT,
    ABSENT_STRUCTURE,
    BOTTOM,
    BOTTOM_STRUCTURE,
    Joined,
    Output,
    Part,
    leaf_count,
    leaf_type,
    make_outputs,
)
from eshkol.xla.recursion_loops import run_trips
from eshkol.xla.trees import unflatten
from eshkol.xla.witness import Witness, tracer_of

UNROLLED_TRIPS = 8
"""A counting loop of at most so many trips is unrolled."""

FOLLOWED_TRIPS = 1_000_000
"""A loop whose trips are all known ends with an error after so many."""


# ---- loops of the shape of `while`


def staged_while(
    site: Site,
    values: Values,
    test: Callable[..., Any],
    step: Callable[..., Values],
    leaves_when: bool,
    count: tuple[int, str, Callable[[], Any], int] | None,
) -> Values:
    """Run ``values = step(*values)`` until the truth of ``test(*values)`` is ``leaves_when``.

    Args:
        site: names for messages.
        values: the loop variables at the start.
        test: the condition, of the loop variables.
        step: one trip.
        leaves_when: the truth of the test at which the loop is left.
        count: for a counting loop ``(index of the counter, comparison, bound, step)``.

    Returns:
        The loop variables at the end.
    """
    trips = None if count is None else known_trips(values, count, leaves_when)
    if trips is not None and trips > UNROLLED_TRIPS and count is not None:
        told = mark()
        try:
            scanned = scan(site, values, step, count, trips)
        except Leaving:
            forget(told)
            return _traced_while(site, values, test, step, leaves_when, trips)
        if scanned is not None:
            return scanned
        forget(told)
    is_followed = trips is not None
    for trip in range(FOLLOWED_TRIPS):
        rests = rest_count()
        with muted() as path:
            holds = test(*values)
        if rest_count() > rests:
            abandon_rests(rests)
            return staged_loop(site, values, _with_test(test, step, leaves_when))
        known = known_truth(holds)
        if known is None and not (is_followed and holds.__class__ is Witness):
            try:
                return _traced_while(site, values, test, step, leaves_when)
            except EshkolError:
                if holds.__class__ is not Witness:
                    raise
                # What can't be a compiled loop can be followed, since its test is known.
                is_followed = True
        if path.left_out:
            holds = test(*values)
        if (holds.item() if known is None else known) is leaves_when:
            note("unrolled", site=site, trips=trip)
            return values
        with unrolled_trip(trip):
            values = step(*values)
        if rest_count() > rests and not is_followed:
            try:
                return _traced_while(site, values, test, step, leaves_when)
            except EshkolError:
                is_followed = True
    raise _endless(site)


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


# ---- loops with a traced test


def _traced_while(
    site: Site,
    values: Values,
    test: Callable[..., Any],
    step: Callable[..., Values],
    leaves_when: bool,
    most_trips: int | None = None,
) -> Values:
    guard = _Guard()

    def trace(carry: Carry) -> Part:
        def trip(runs: Any, *arrays: Any) -> Values:
            now, contents = carry.value(arrays)
            enter(carry, contents)
            with guard.trip(runs):
                return or_bottom(step)(*now)

        return trace_part(trip, [_TRUTH, *carry.shapes], carry.places)

    carry, part, leaves = settle(site, values, trace)

    def goes_on(arrays: Sequence[Any]) -> Any:
        now, contents = carry.value(arrays)
        with journal.Frame():
            enter(carry, contents)
            result = test(*now)
        known = known_truth(result)
        if known is not None:
            return jnp.asarray(known is not leaves_when)
        traced = tracer_of(result)
        return ~traced if leaves_when else traced

    def outputs_of(arrays: Sequence[Any]) -> list[Any]:
        runs = jnp.asarray(True)
        if guard.is_used:
            with muted():
                runs = goes_on(arrays)
        return part.run(runs, *arrays)

    note("loop", site=site, carried=carry.shapes)

    def body(arrays: Sequence[Any]) -> list[Any]:
        return make_outputs(leaves, "second", outputs_of(arrays))

    if not part.targets:
        return leave(carry, run_trips(goes_on, body, carry.arrays))
    ways = _Ways(part)

    def leaving_body(state: Any) -> Any:
        outputs = outputs_of(state[1])
        following = make_outputs(leaves, "second", outputs)
        stays, taken = ways.of(outputs)
        return stays, following, taken

    # A test may fail on what a trip leaves behind that has not come to its end.
    _, arrays, taken = run_trips(
        lambda state: lax.cond(state[0], lambda: goes_on(state[1]), lambda: jnp.asarray(False)),
        leaving_body,
        (jnp.asarray(True), carry.arrays, ways.start),
        most_trips,
    )
    result = leave(carry, arrays)
    depart(ways.exits(taken))
    return result


_TRUTH = jax.ShapeDtypeStruct((), BOOL)


class _Guard:
    """Tells the effects in a trip whether it is really made; notes whether any asked."""

    def __init__(self) -> None:
        self.is_used = False

    @contextmanager
    def trip(self, runs: Any) -> Iterator[None]:
        """Trace a trip that is made if ``runs`` holds."""

        def condition() -> Any:
            self.is_used = True
            return runs

        with under(condition):
            yield


class _Ways:
    """The exits of a trip, as a part of the state of its loop.

    Attributes:
        start: before the first trip.
    """

    def __init__(self, part: Part) -> None:
        self._targets = part.targets
        self._structure, leaves = part.exits
        self._joined = [Joined(leaf, leaf, *leaf_type(leaf)) for leaf in leaves]
        self.start = [jnp.zeros(leaf.shape, leaf.dtype) for leaf in self._joined]

    def of(self, outputs: list[Any]) -> tuple[Any, list[Any]]:
        """Whether the loop isn't left, and the exits, after a trip with these results."""
        taken = make_outputs(self._joined, "second", outputs)
        exits = self.exits(taken)
        return (~any_taken(exits) if exits else jnp.asarray(True)), taken

    def exits(self, taken: list[Any]) -> list[Exit]:
        """The exits, of that part of the state."""
        ends = unflatten(self._structure, taken)
        return [Exit(t, *end) for t, end in zip(self._targets, ends, strict=True)]


# ---- loops with several exits


class Step:
    """What a trip of a loop ends with: the next values, or the loop's value."""

    __slots__ = ("goes_on", "value", "values")

    def __init__(self, goes_on: Any, values: Any, value: Any) -> None:
        self.goes_on = goes_on
        self.values = values
        self.value = value


jax.tree_util.register_pytree_node(
    Step,
    lambda step: ((step.goes_on, step.values, step.value), None),
    lambda _, parts: Step(*parts),
)


def again(values: Values) -> Step:
    """A trip that goes on with ``values``."""
    return Step(True, values, ABSENT)


def done(value: Any) -> Step:
    """A trip that ends the loop with ``value``."""
    return Step(False, ABSENT, value)


def staged_loop(site: Site, values: Values, step: Callable[..., Step]) -> Any:
    """Run trips until one ends the loop.

    Args:
        site: names for messages.
        values: the loop variables at the start.
        step: one trip, which ends with :func:`again` or :func:`done`.
    """
    is_followed = False
    for trip in range(FOLLOWED_TRIPS):
        told = mark()
        with unrolled_trip(trip):
            tried = _try_trip(step, values)
        goes_on = None if tried is None else tried.result.goes_on
        known = None if tried is None else known_truth(goes_on)
        if known is None and not (is_followed and goes_on.__class__ in _FOLLOWABLE):
            forget(told)
            try:
                return _traced_loop(site, values, step)
            except EshkolError:
                if goes_on.__class__ not in _FOLLOWABLE:
                    raise
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


def _traced_loop(site: Site, values: Values, step: Callable[..., Step]) -> Any:
    """A loop whose end is traced: its state, whether it goes on, and its value so far."""

    guard = _Guard()

    def trace(carry: Carry) -> Part:
        def trip(runs: Any, *arrays: Any) -> Step:
            now, contents = carry.value(arrays)
            enter(carry, contents)
            with guard.trip(runs):
                return step(*now)

        return trace_part(trip, [_TRUTH, *carry.shapes], carry.places)

    carry, part, leaves = settle(site, values, trace, lambda part: _Ending(part).state)
    ending, ways = _Ending(part), _Ways(part)

    def body(state: Any) -> Any:
        outputs = part.run(*state[:1], *state[1])
        following = make_outputs(leaves, "second", outputs)
        stays, taken = ways.of(outputs)
        goes_on = ending.goes_on(outputs) & stays
        return goes_on, following, make_outputs(ending.value, "second", outputs), taken

    note("loop", site=site, carried=carry.shapes)
    start = [jnp.zeros(leaf.shape, leaf.dtype) for leaf in ending.value]
    state = (jnp.asarray(True), carry.arrays, start, ways.start)
    _, arrays, result, taken = run_trips(lambda state: state[0], body, state)
    leave(carry, arrays)
    depart(ways.exits(taken))
    value = unflatten(ending.structure, result)
    if value is BOTTOM:
        raise Unreachable
    return value


class _Ending:
    """The parts of a traced trip that gives a :class:`Step`.

    Attributes:
        state: the next loop variables and the contents of places.
        structure: of the loop's value.
        value: the leaves of the loop's value.
    """

    def __init__(self, part: Part) -> None:
        (_, _, (step, contents)), leaves = part.result
        if step == BOTTOM_STRUCTURE:
            # The trip always leaves, or fails.
            values, self.structure, self._flag = ABSENT_STRUCTURE, BOTTOM_STRUCTURE, None
        else:
            _, values, self.structure = step[2]
            self._flag, *leaves = leaves
        rest = iter(leaves)
        next_values = [next(rest) for _ in range(leaf_count(values))]
        value = [next(rest) for _ in range(leaf_count(self.structure))]
        self.value = [Joined(leaf, leaf, *leaf_type(leaf)) for leaf in value]
        self.state = (("tuple", None, (values, contents)), [*next_values, *rest])

    def goes_on(self, outputs: list[Any]) -> Any:
        """Whether the loop goes on after a trip with these results."""
        if isinstance(self._flag, Output):
            return outputs[self._flag.index]
        return jnp.asarray(self._flag is True)

"""The staging runtime: loops.

A loop is followed trip by trip while its test is known; a loop that counts a known number of trips
becomes ``lax.scan`` unless it is short (``counted_loops``); a loop with a traced test becomes
``loop``, a while loop that has every derivative. Loop variables are widened until their types hold
from trip to trip (``carries``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.base.errors import EshkolError, StagingError
from eshkol.xla import journal
from eshkol.xla.carries import Carry, Site, Values, enter, leaf_count, leave, settle
from eshkol.xla.control import known_truth
from eshkol.xla.counted_loops import known_trips, scan
from eshkol.xla.dtypes import BOOL
from eshkol.xla.effects import muted, under
from eshkol.xla.notes import forget, mark, note, unrolled_trip
from eshkol.xla.parts import ABSENT, Joined, Part, leaf_type, make_outputs, or_bottom, trace_part
from eshkol.xla.recursion_loops import run_trips
from eshkol.xla.trees import unflatten
from eshkol.xla.witness import Witness

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
        scanned = scan(site, values, step, count, trips)
        if scanned is not None:
            return scanned
        forget(told)
    is_followed = trips is not None
    for trip in range(FOLLOWED_TRIPS):
        with muted() as path:
            holds = test(*values)
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
    raise _endless(site)


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
        traced = result.__eshkol_traced__ if result.__class__ is Witness else result
        return ~traced if leaves_when else traced

    def body(arrays: Sequence[Any]) -> list[Any]:
        runs = jnp.asarray(True)
        if guard.is_used:
            with muted():
                runs = goes_on(arrays)
        return make_outputs(leaves, "second", part.run(runs, *arrays))

    note("loop", site=site, carried=carry.shapes)
    return leave(carry, run_trips(goes_on, body, carry.arrays))


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
        with muted() as path, unrolled_trip(trip):
            result, frame, contents = _try_trip(step, values)
        goes_on = result.goes_on
        known = known_truth(goes_on)
        if known is None and not (is_followed and goes_on.__class__ is Witness):
            forget(told)
            try:
                return _traced_loop(site, values, step)
            except EshkolError:
                if goes_on.__class__ is not Witness:
                    raise
                # What can't be a compiled loop can be followed, since its end is known.
                is_followed = True
        if path.left_out:
            with unrolled_trip(trip):
                result, frame, contents = _try_trip(step, values)
        journal.write(frame.written(), contents)
        if not (goes_on.item() if known is None else known):
            note("unrolled", site=site, trips=trip + 1)
            return result.value
        values = result.values
    raise _endless(site)


def _try_trip(
    step: Callable[..., Step], values: Values
) -> tuple[Step, journal.Frame, tuple[Any, ...]]:
    """A trip, the frame of what it writes, and what it writes there; nothing is written yet."""
    with journal.Frame() as frame:
        result = step(*values)
        return result, frame, journal.contents(frame.written())


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
    ending = _Ending(part)

    def body(state: Any) -> Any:
        outputs = part.run(*state[:1], *state[1])
        following = make_outputs(leaves, "second", outputs)
        return outputs[ending.flag.index], following, make_outputs(ending.value, "second", outputs)

    note("loop", site=site, carried=carry.shapes)
    start = [jnp.zeros(leaf.shape, leaf.dtype) for leaf in ending.value]
    state = (jnp.asarray(True), carry.arrays, start)
    _, arrays, result = run_trips(lambda state: state[0], body, state)
    leave(carry, arrays)
    return unflatten(ending.structure, result)


class _Ending:
    """The parts of a traced trip that gives a :class:`Step`.

    Attributes:
        flag: whether the loop goes on.
        state: the next loop variables and the contents of places.
        structure: of the loop's value.
        value: the leaves of the loop's value.
    """

    def __init__(self, part: Part) -> None:
        step, contents = part.structure[2]
        _, values, self.structure = step[2]
        leaves = iter(part.leaves)
        self.flag = next(leaves)
        next_values = [next(leaves) for _ in range(leaf_count(values))]
        value = [next(leaves) for _ in range(leaf_count(self.structure))]
        self.value = [Joined(leaf, leaf, *leaf_type(leaf)) for leaf in value]
        self.state = (("tuple", None, (values, contents)), [*next_values, *leaves])

"""Loops whose end is traced: their state, whether they go on, and the exits of their trips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.xla import journal
from eshkol.xla.alternatives import Exit, Unreachable, any_taken, or_bottom
from eshkol.xla.carries import Carry, Site, Values, enter, leave, settle
from eshkol.xla.control import is_true, known_truth
from eshkol.xla.dtypes import BOOL
from eshkol.xla.effects import muted, trip_condition, under
from eshkol.xla.extents import depart, trace_part
from eshkol.xla.graphs import Node, detach
from eshkol.xla.loop_states import Keep
from eshkol.xla.merging import (
    ABSENT_STRUCTURE,
    BOTTOM,
    BOTTOM_STRUCTURE,
    Joined,
    Output,
    leaf_type,
)
from eshkol.xla.notes import note
from eshkol.xla.parts import Part, leaf_count, make_outputs, put_together
from eshkol.xla.recursion_loops import run_trips
from eshkol.xla.steps import Step
from eshkol.xla.trees import unflatten
from eshkol.xla.witness import tracer_of


def traced_while(
    site: Site,
    values: Values,
    test: Callable[..., Any],
    step: Callable[..., Values],
    leaves_when: bool,
    keep: Keep | None = None,
) -> Values:
    """The loop variables after a loop with a traced test; for the arguments see ``staged_while``.

    ``keep`` says what it keeps for the way back where the program does not.
    """
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
        with journal.Frame():
            now, contents = carry.value(arrays)
            enter(carry, contents)
            result = is_true(test(*now))
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
        return leave(carry, run_trips(goes_on, body, carry.arrays, keep))
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
        keep,
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

        with under(trip_condition(condition)):
            yield


class _Ways:
    """The exits of a trip, as a part of the state of its loop.

    Attributes:
        start: before the first trip.
    """

    def __init__(self, part: Part) -> None:
        self._targets = part.targets
        self._structure, leaves = part.exits
        self._leaves: list[Any] = []
        for exit_structure in self._structure[2]:
            flag, *value = leaves[len(self._leaves) :][: leaf_count(exit_structure)]
            self._leaves += [_joined(flag), *map(_but_booleans, value)]
        self.start = _zeros(self._leaves)

    def of(self, outputs: list[Any]) -> tuple[Any, list[Any]]:
        """Whether the loop isn't left, and the exits, after a trip with these results."""
        taken = make_outputs(self._leaves, "second", outputs)
        with journal.Frame():
            exits = self.exits(taken)
        return (~any_taken(exits) if exits else jnp.asarray(True)), taken

    def exits(self, taken: list[Any]) -> list[Exit]:
        """The exits, of that part of the state."""
        ends = unflatten(self._structure, put_together(self._leaves, taken))
        return [Exit(t, *end) for t, end in zip(self._targets, ends, strict=True)]


def _joined(leaf: Any) -> Joined:
    """A leaf that a trip gives, as a part of the state of its loop."""
    return Joined(leaf, leaf, *leaf_type(leaf))


def _but_booleans(leaf: Any) -> Any:
    """The same; a known boolean is no part of the state, since ``#f`` may stand beside anything."""
    return leaf if leaf.__class__ is bool else _joined(leaf)


def _zeros(leaves: list[Any]) -> list[Any]:
    """The state before the first trip."""
    return [jnp.zeros(leaf.shape, leaf.dtype) for leaf in leaves if isinstance(leaf, Joined)]


# ---- loops with several exits


def traced_loop(site: Site, values: Values, step: Callable[..., Step]) -> Any:
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
    state = (jnp.asarray(True), carry.arrays, _zeros(ending.value), ways.start)
    _, arrays, result, taken = run_trips(lambda state: state[0], body, state)
    leave(carry, arrays)
    depart(ways.exits(taken))
    made: list[Any] = []
    value = unflatten(ending.structure, put_together(ending.value, result), made)
    carry.doubt(made)
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
        step, contents, _ = part.graph.children
        if step.has(BOTTOM_STRUCTURE):
            # The trip always leaves, or fails.
            values, value = Node(*ABSENT_STRUCTURE), step
            self._flag = None
        else:
            flag, values, value = step.children
            self._flag = flag.details
        (self.structure,), leaves = detach(value)
        self.value = list(map(_but_booleans, leaves))
        (state,), leaves = detach(Node("tuple", None, [values, contents]))
        self.state = state, leaves

    def goes_on(self, outputs: list[Any]) -> Any:
        """Whether the loop goes on after a trip with these results."""
        if isinstance(self._flag, Output):
            return outputs[self._flag.index]
        return jnp.asarray(self._flag is True)

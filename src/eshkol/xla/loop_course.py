"""A loop and the loop of its derivatives: what is known of them, and what they are run with."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import jax

from eshkol.xla._compat import ClosedJaxpr, jaxpr_as_fun, jvp_jaxpr, weakref_lru_cache
from eshkol.xla.loop_lanes import Flags
from eshkol.xla.loop_lanes_apart import Apart
from eshkol.xla.silence import silenced

Values = list[Any]


RESULTS = ("state", "trips", "record")
"""What the primitive gives: the state, and the number of trips, and the states before them."""


@dataclass(frozen=True)
class Loop:
    """The parameters of the primitive; its operands are the constants and the state.

    Attributes:
        cond_jaxpr: of its constants and the state.
        body_jaxpr: of its constants and the state.
        guarded_jaxpr: the body that derivatives are taken of, where it is another one.
        cond_nconsts: the number of constants of the condition.
        body_nconsts: the number of constants of the body.
        checkpoint: how many states the way back keeps: ``"all"``, ``"log"`` or a number.
        max_trips: a bound on the trips, or None.
        results: one of ``RESULTS``; each gives what those before it give, and more.
        idles: whether trips behind the end change nothing that is asked for.
        apart: how it is run if it has lanes that end by themselves.
    """

    cond_jaxpr: ClosedJaxpr
    body_jaxpr: ClosedJaxpr
    guarded_jaxpr: ClosedJaxpr | None
    cond_nconsts: int
    body_nconsts: int
    checkpoint: str | int
    max_trips: int | None
    results: str
    idles: bool = False
    apart: Apart | None = None

    @functools.cached_property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the primitive."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def width(self) -> int:
        """The number of parts of the state."""
        return len(self.body_jaxpr.out_avals)

    @property
    def conditions(self) -> Values:
        """All forms of the condition."""
        return [self.cond_jaxpr, *([self.apart.cond] if self.apart else [])]

    @property
    def bodies(self) -> Values:
        """All forms of the body."""
        bodies = [self.body_jaxpr, *([self.guarded_jaxpr] if self.guarded_jaxpr else [])]
        return [*bodies, *([self.apart.body] if self.apart else [])]

    def take(self, operands: Sequence[Any]) -> list[Values]:
        """The constants of the condition, those of the body, and the state."""
        (for_cond, constants), state = split(operands, (self.cond_nconsts, self.body_nconsts))
        return [for_cond, constants, state]

    @property
    def differentiated(self) -> ClosedJaxpr:
        """The body that derivatives are taken of."""
        return silenced(self.guarded_jaxpr or self.body_jaxpr)


@dataclass(frozen=True)
class Course:
    """What is known of a differentiated loop before it runs: the parameters of its derivatives.

    Attributes:
        cond_jaxpr: of its constants and the state.
        body_jaxpr: of its constants and the state.
        cond_nconsts: the number of constants of the condition.
        body_nconsts: the number of constants of the body.
        active: which constants of the body, then which parts of the state, have derivatives.
        checkpoint: how many states the way back keeps: ``"all"``, ``"log"`` or a number.
        max_trips: a bound on the trips, or None.
        is_recorded: whether the states before all trips are operands too.
        idles: whether trips behind the end change nothing that is asked for.
    """

    cond_jaxpr: ClosedJaxpr
    body_jaxpr: ClosedJaxpr
    cond_nconsts: int
    body_nconsts: int
    active: Flags
    checkpoint: str | int
    max_trips: int | None
    is_recorded: bool
    idles: bool = False

    @functools.cached_property
    def parameters(self) -> dict[str, Any]:
        """The parameters of a primitive."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def avals(self) -> Sequence[Any]:
        """The types of the constants of the body and of the state."""
        return self.body_jaxpr.in_avals

    @property
    def active_constants(self) -> Flags:
        return self.active[: self.body_nconsts]

    @property
    def active_state(self) -> Flags:
        return self.active[self.body_nconsts :]

    @property
    def shared(self) -> int:
        """How many operands the derivatives share."""
        records = len(self.active_state) if self.is_recorded else 0
        return self.cond_nconsts + len(self.active) + 1 + records

    def take(self, operands: Sequence[Any]) -> tuple[Trajectory, Values]:
        """The operands that the derivatives share, and the others."""
        counts = (self.cond_nconsts, self.body_nconsts, len(self.active_state), 1)
        parts, rest = split(operands[: self.shared], counts)
        for_cond, constants, state, [trips] = parts
        return Trajectory(for_cond, constants, state, trips, rest), list(operands[self.shared :])

    def tangents(self, values: Sequence[Any]) -> tuple[Values, Values]:
        """Values for the active constants, and for the active parts of the state."""
        count = sum(self.active_constants)
        return list(values[:count]), list(values[count:])

    def curvature_operands(self, values: Sequence[Any]) -> tuple[Values, Values, Values, Values]:
        """What the curvature is given: cotangents, and directions in the constants, the state and
        the cotangents."""
        state = sum(self.active_state)
        counts = (state, sum(self.active_constants), state, state)
        cotangents, of_constants, of_state, of_cotangents = split(values, counts)[0]
        return cotangents, of_constants, of_state, of_cotangents

    def unrecorded(self) -> Course:
        """The same without the record among the operands."""
        return replace(self, is_recorded=False)


@dataclass(frozen=True)
class Trajectory:
    """The run that is differentiated: the values that determine it.

    Attributes:
        for_cond: the constants of the condition.
        constants: the constants of the body.
        state: at the start.
        trips: how many it makes, int32; in lanes, the most of any.
        record: the states before each trip, stacked; or empty.
    """

    for_cond: Values
    constants: Values
    state: Values
    trips: Any
    record: Values

    @property
    def operands(self) -> Values:
        return [*self.for_cond, *self.constants, *self.state, self.trips, *self.record]

    def unrecorded(self) -> Trajectory:
        """The same without the record."""
        return replace(self, record=[])


def split(values: Sequence[Any], counts: Sequence[int]) -> tuple[list[Values], Values]:
    parts, start = [], 0
    for count in counts:
        parts.append(list(values[start : start + count]))
        start += count
    return parts, list(values[start:])


def select(values: Sequence[Any], flags: Sequence[bool]) -> Values:
    """Those of the values whose flag is set."""
    return [value for value, flag in zip(values, flags, strict=True) if flag]


def fill(flags: Sequence[bool], given: Sequence[Any], others: Sequence[Any]) -> Values:
    """``given`` in order where the flag is set, elsewhere those of ``others``."""
    values = iter(given)
    return [next(values) if flag else x for flag, x in zip(flags, others, strict=True)]


# ---- the trips of derivatives


def active_pattern(body: ClosedJaxpr, body_nconsts: int, start: Sequence[bool]) -> Flags:
    """Which constants and parts of the state have tangents after any number of trips.

    Args:
        body: the body of the loop.
        body_nconsts: the number of its constants.
        start: which have tangents before the first trip.
    """
    active = tuple(start)
    while True:
        state = active[body_nconsts:]
        _, after = jvp_jaxpr(body, active, state)
        joined = active[:body_nconsts] + tuple(a or b for a, b in zip(state, after, strict=True))
        if joined == active:
            return active
        active = joined


def tangent_trip(course: Course) -> ClosedJaxpr:
    """``(constants, state, their tangents)`` to the next state and its tangents."""
    return jvp_jaxpr(course.body_jaxpr, course.active, course.active_state)[0]


def doubled(course: Course) -> Course:
    """The loop on the state and a tangent of it, of whose state both are differentiated."""
    cond, body = _doubled_jaxprs(
        course.body_jaxpr,
        course.cond_jaxpr,
        course.cond_nconsts,
        course.body_nconsts,
        course.active,
    )
    tangents = sum(course.active_constants)
    active = (
        *course.active_constants,
        *[False] * tangents,
        *course.active_state,
        *[True] * sum(course.active_state),
    )
    return replace(
        course.unrecorded(),
        cond_jaxpr=cond,
        body_jaxpr=body,
        body_nconsts=course.body_nconsts + tangents,
        active=active,
    )


@weakref_lru_cache
def _doubled_jaxprs(
    body: ClosedJaxpr, cond: ClosedJaxpr, cond_nconsts: int, body_nconsts: int, active: Flags
) -> tuple[ClosedJaxpr, ClosedJaxpr]:
    wide_state = active[body_nconsts:]
    push = jvp_jaxpr(body, active, wide_state)[0]
    counts = (body_nconsts, len(wide_state), sum(active[:body_nconsts]))
    (constants, state, of_constants), of_state = split(push.in_avals, counts)
    test, trip = jaxpr_as_fun(cond), jaxpr_as_fun(push)
    of_test = jax.make_jaxpr(lambda given, state, _: test(*given, *state))
    of_trip = jax.make_jaxpr(lambda c, dc, s, ds: trip(*c, *s, *dc, *ds))
    return (
        of_test(list(cond.in_avals[:cond_nconsts]), state, of_state),
        of_trip(constants, of_constants, state, of_state),
    )

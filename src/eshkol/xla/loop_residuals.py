"""A trip of a loop, apart: what is computed of the states alone, and what is linear beside it.

Going back through a trip takes what its linear part needs of the state before it, its *residuals*.
Those of many trips are computed at once: products of a matrix with a vector become one product of
matrices, which takes a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from eshkol.xla._compat import Literal, jaxpr_as_fun, jvp_jaxpr, partial_eval_jaxpr_nounits
from eshkol.xla.loop_course import Course, Values, fill, select

Flags = Sequence[bool]


class Residuals:
    """What the trips of a loop leave for the way back.

    Args:
        course: the loop.
        constants: which constants of the body get cotangents. All active parts of the state do.

    Attributes:
        size: how many bytes those of one trip take that differ from trip to trip.
    """

    def __init__(self, course: Course, constants: Flags) -> None:
        active = tuple(constants) + course.active_state
        push, _ = jvp_jaxpr(course.body_jaxpr, active, course.active_state)
        self._width = len(course.active_state)
        is_linear = [False] * len(active) + [True] * sum(active)
        wanted = [False] * self._width + [True] * sum(course.active_state)
        known, linear, *_ = partial_eval_jaxpr_nounits(push, is_linear, wanted)
        self._known, self._linear = jaxpr_as_fun(known), jaxpr_as_fun(linear)
        self._vary = _depend(known, course.body_nconsts)[self._width :]
        self._directions = linear.in_avals[len(self._vary) :]
        kept = select(linear.in_avals[: len(self._vary)], self._vary)
        self.size = sum(aval.size * aval.dtype.itemsize for aval in kept)

    def of_trips(self, constants: Values, states: Values) -> Values:
        """The residuals that differ from trip to trip, stacked.

        Args:
            constants: of the body.
            states: before the trips, stacked.
        """

        def trip(state: Values) -> Values:
            return select(self._known(*constants, *state)[self._width :], self._vary)

        return list(jax.vmap(trip)(states))

    def pull(
        self, constants: Values, start: Values, own: Sequence[Any], cotangents: Values
    ) -> Sequence[Any]:
        """What one trip gives to the constants and to the active state.

        Args:
            constants: of the body.
            start: any state.
            own: the residuals that differ from trip to trip.
            cotangents: of the active state after the trip.
        """
        # Of these only those are computed that depend on no state, before the first trip.
        shared = self._known(*constants, *start)[self._width :]
        residuals = fill(self._vary, own, shared)

        def push(*directions: Any) -> Values:
            return list(self._linear(*residuals, *directions))

        return jax.linear_transpose(push, *self._directions)(list(cotangents))


def _depend(jaxpr: Any, constants: int) -> list[bool]:
    """Which results depend on more than so many constants, the first inputs."""
    inner = getattr(jaxpr, "jaxpr", jaxpr)
    moving = set(inner.invars[constants:])
    for equation in inner.eqns:
        if any(not isinstance(v, Literal) and v in moving for v in equation.invars):
            moving.update(equation.outvars)
    return [not isinstance(v, Literal) and v in moving for v in inner.outvars]

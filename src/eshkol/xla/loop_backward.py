"""Trips of a loop backwards: one by one, and what many of them together give to large constants.

The cotangent of a constant is a sum over all trips. Where the constant is large, such as a matrix
of weights, adding to it on each trip costs more than the trip. So the cotangents of the state are
kept for a chunk of trips, and those of large constants are computed for the chunk at once: the
products of a vector with a vector become one product of matrices. Where trips multiply, what their
way back needs of the states is computed for the chunk at once too (``loop_residuals``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.xla._compat import jaxpr_as_fun
from eshkol.xla.loop_changes import changes_of
from eshkol.xla.loop_course import Course, Trajectory, Values, fill, select
from eshkol.xla.loop_residuals import Residuals
from eshkol.xla.silence import inner_jaxprs
from eshkol.xla.sparse_sums import has_places, has_primitives, with_sparse_sums

LARGE = 1 << 12
"""Constants of at least so many bytes get the cotangents of many trips at once."""

MOST_TRIPS = 128
ROOM = 1 << 20
"""A chunk has at most so many trips, and their states at most so many bytes."""

LONG = 64
"""The cotangents of arrays of so many numbers are added to where a trip has read them."""

MOST_RESIDUALS = 1 << 22
"""What the way back needs of the states of a chunk is kept if it takes no more bytes than this."""

FEWEST_TRIPS = 4
"""With fewer trips in a chunk it does not pay."""

CALLS = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call", "checkpoint")
"""Primitives that only call what is in them."""

PRODUCTS = ("dot_general", "conv_general_dilated")
"""What costs much less for many trips at once."""

Carry = tuple[Values, Values]
"""The cotangents of the active constants so far, and of the active state."""


class Backward:
    """The trips of a loop, forwards and backwards.

    Attributes:
        chunk: how many trips are best gone back through together; 0 if one by one.
        changes: what trips change in few places, if that is worth while.
    """

    def __init__(self, course: Course, at: Trajectory) -> None:
        self.course = course
        self.at = at
        self.run = jaxpr_as_fun(course.body_jaxpr)
        constants = select(at.constants, course.active_constants)
        size = sum(_bytes(leaf) for leaf in at.state)
        self.chunk = min(MOST_TRIPS, ROOM // max(size, 1))
        if self.chunk < FEWEST_TRIPS or not _is_straight(course.body_jaxpr):
            self.chunk = 0
        self.is_large = [bool(self.chunk) and _bytes(leaf) >= LARGE for leaf in constants]
        if not any(self.is_large):
            self.chunk = 0
        self.changes = None if self.chunk else changes_of(course.body_jaxpr, course.body_nconsts)
        arrays = [*constants, *select(at.state, course.active_state)]
        is_long = any(leaf.size >= LONG for leaf in arrays)
        self.has_sparse_sums = is_long and has_places(course.body_jaxpr)
        self.is_small = [not flag for flag in self.is_large]
        self.residuals = self._residuals()

    def _residuals(self) -> Residuals | None:
        """How those of a chunk are computed at once, where that pays."""
        course = self.course
        multiplies = self.chunk and has_primitives(PRODUCTS, course.body_jaxpr)
        if not multiplies or self.has_sparse_sums:
            return None
        pulled = fill(course.active_constants, self.is_small, course.active_constants)
        residuals = Residuals(course, pulled)
        return residuals if residuals.size * self.chunk <= MOST_RESIDUALS else None

    def start(self, cotangents: Sequence[Any]) -> Carry:
        """What the way back starts with."""
        constants = select(self.at.constants, self.course.active_constants)
        return [jnp.zeros_like(leaf) for leaf in constants], list(cotangents)

    def advance(self, state: Sequence[Any]) -> Values:
        """One trip forwards."""
        return self.run(*self.at.constants, *state)

    def advance_noting(self, state: Sequence[Any]) -> tuple[Values, Values]:
        """The same, and what the trip overwrites."""
        assert self.changes is not None
        return self.changes.advance(self.at.constants, state, self.at.trips < 0)

    def advance_reaching(self, state: Sequence[Any]) -> tuple[Values, Any]:
        """The same, and how far into arrays the trip writes."""
        assert self.changes is not None
        return self.changes.advance_reaching(self.at.constants, state)

    def pull(self, state: Sequence[Any], carry: Carry) -> Carry:
        """One trip backwards, from the state before it; large constants are left to ``gather``."""
        if self.has_sparse_sums:
            never = None if self.changes is None else self.at.trips < 0
            return with_sparse_sums(self._pull, never, list(state), carry)
        return self._pull(state, carry)

    def prepared(self, record: Sequence[Any], start: Any, size: int) -> tuple[Sequence[Any], Any]:
        """What ``pull_prepared`` needs of the trips of a chunk, stacked.

        Args:
            record: the states before all trips, stacked.
            start: the first trip of the chunk.
            size: how many trips it has.

        Returns:
            That of a chunk, or where nothing is prepared the record; and the trip it begins with.
        """
        if self.residuals is None:
            return record, jnp.int32(0)
        return self.residuals.of_trips(self.at.constants, chunk_of(record, start, size)), start

    def pull_prepared(self, own: Sequence[Any], carry: Carry) -> Carry:
        """One trip of a chunk backwards, from what was prepared for it."""
        if self.residuals is None:
            return self.pull(own, carry)
        gathered, cotangents = carry
        at = self.at
        found = list(self.residuals.pull(at.constants, at.state, own, cotangents))
        count = sum(self.is_small)
        return _added(gathered, self.is_small, found[:count]), found[count:]

    def _pull(self, state: Sequence[Any], carry: Carry) -> Carry:
        gathered, cotangents = carry
        small = self.is_small
        values = select(self.at.constants, self.course.active_constants)

        def trip(constants: Values, active: Values) -> Values:
            return self._active(fill(small, constants, values), state, active)

        of_state = select(state, self.course.active_state)
        _, transpose = jax.vjp(trip, select(values, small), of_state)
        found, cotangents = transpose(cotangents)
        return _added(gathered, small, found), cotangents

    def gather(self, states: Sequence[Any], cotangents: Sequence[Any], carry: Carry) -> Carry:
        """Add what a chunk of trips gives to the large constants.

        Args:
            states: before each trip, stacked.
            cotangents: of the active state after each, stacked; zero where no trip was made.
            carry: what there is so far.
        """
        gathered, last = carry
        values = select(self.at.constants, self.course.active_constants)

        def trips(constants: Values) -> Any:
            whole = fill(self.is_large, constants, values)

            def trip(state: Values) -> Values:
                return self._active(whole, state, select(state, self.course.active_state))

            return jax.vmap(trip)(list(states))

        _, transpose = jax.vjp(trips, select(values, self.is_large))
        [found] = transpose(list(cotangents))
        return _added(gathered, self.is_large, found), last

    def _active(self, constants: Values, state: Sequence[Any], active: Values) -> Values:
        """The active state after a trip, by the active constants and the active state."""
        course = self.course
        constants = fill(course.active_constants, constants, self.at.constants)
        after = self.run(*constants, *fill(course.active_state, active, state))
        return select(after, course.active_state)


def _added(sums: Values, flags: Sequence[bool], found: Sequence[Any]) -> Values:
    """The sums, with what was found added to those whose flag is set."""
    return fill(flags, list(map(lax.add, select(sums, flags), found)), sums)


def chunk_of(record: Sequence[Any], start: Any, size: int) -> Values:
    """``size`` trips of what is recorded of all."""
    return [lax.dynamic_slice_in_dim(leaf, start, size) for leaf in record]


def _bytes(leaf: Any) -> int:
    return leaf.size * leaf.dtype.itemsize


def _is_straight(jaxpr: Any) -> bool:
    """Whether a trip has neither branches nor loops, which in lanes would take longer."""
    return not jaxpr.effects and all(
        equation.primitive.name in CALLS and all(map(_is_straight, inner))
        for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns
        if (inner := list(inner_jaxprs(equation)))
    )

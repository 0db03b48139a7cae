"""Loops that go down a list while their end is traced.

A compiled loop keeps the structure of its variables, so a loop whose list gets shorter can't be
one. But such a list has an end, and the trips that it has elements for can be compiled one after
the other, each under the condition that no trip before has ended the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jax import lax

from eshkol.base.errors import StagingError
from eshkol.xla.alternatives import Unreachable, join
from eshkol.xla.carries import ChangingVariable, Site, Values
from eshkol.xla.control import known_truth, trace_branches
from eshkol.xla.extents import depart, either
from eshkol.xla.merging import ABSENT, BOTTOM, Mismatch
from eshkol.xla.notes import note, unrolled_trip
from eshkol.xla.steps import Step
from eshkol.xla.trees import Structure, flatten
from eshkol.xla.truth import conjunction

MOST_TRIPS = 64
"""So many trips whose end is traced are compiled one after the other."""


def unroll(site: Site, values: Values, step: Callable[..., Step], problem: ChangingVariable) -> Any:
    """The value of a loop whose trips are compiled one after the other.

    Args:
        site: names for messages.
        values: the loop variables at the start.
        step: one trip.
        problem: why it can't be a compiled loop.

    Raises:
        ChangingVariable: the problem, if the loop does not go down a list either.
    """
    runs: Any = True
    value: Any = ABSENT
    for trip in range(MOST_TRIPS):
        with unrolled_trip(trip):
            result, goes_on = _trip_if(runs, step, values)
        following = runs if goes_on is not None else conjunction(runs, result.goes_on)
        if goes_on is not True:
            ends = runs if goes_on is False else conjunction(runs, lax.bitwise_not(following))
            value = _value(site, ends, result.value, value)
        if goes_on is False:
            note("unrolled", site=site, trips=trip + 1)
            if value is BOTTOM:
                raise Unreachable
            return value
        if not _is_shorter(result.values, values):
            raise problem
        values, runs = result.values, following
    raise ChangingVariable(
        problem.message,
        hint=f"a loop whose end is traced goes down at most {MOST_TRIPS} elements of a list: make "
        "it a tensor,\nand let a counter go over its rows",
    )


def _value(site: Site, ends: Any, value: Any, so_far: Any) -> Any:
    """The value of the loop, if it is ``value`` where ``ends`` holds."""
    if ends is True:
        return value
    try:
        return either(ends, value, so_far)
    except Mismatch as mismatch:
        raise StagingError(
            f"{site[0]}: this loop may end with {mismatch.second} and with {mismatch.first}",
            hint="how often it runs is known only when the compiled program does: let it give "
            "values of one kind and shape",
        ) from None


def _trip_if(runs: Any, step: Callable[..., Step], values: Values) -> tuple[Any, Any]:
    """What a trip gives that is made if ``runs`` holds, and whether the loop goes on, if known."""
    known: list[bool | None] = []

    def trip() -> Step:
        result = step(*values)
        known.append(known_truth(result.goes_on))
        return result

    if runs is True:
        return trip(), known[-1]
    value, exits = join(runs, *trace_branches(runs, trip, lambda: BOTTOM))
    depart(exits)
    if value is BOTTOM:
        return Step(False, ABSENT, BOTTOM), False
    return value, known[-1]


def _is_shorter(values: Values, before: Values) -> bool:
    """Whether a loop variable is a part of what it was."""
    return any(map(_is_smaller, values, before))


def _is_smaller(value: Any, before: Any) -> bool:
    return _size(flatten(value)[1]) < _size(flatten(before)[1])


def _size(structure: Structure) -> int:
    return 1 if structure.__class__ is str else 1 + sum(map(_size, structure[2]))

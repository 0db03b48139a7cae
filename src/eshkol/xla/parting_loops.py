"""Loops that go on in different ways by a traced condition.

An interpreter ends with a call of itself on one of several parts of the program that it runs; which
one may be traced, and there is no variable that could be either part. So each branch goes on with
the rest of the loop on its own, and its value is that of the whole loop. Where the loop comes back
to itself it is recognized at the condition, like any recursion (``recursion``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any

from eshkol.xla.carries import Values
from eshkol.xla.control import known_truth
from eshkol.xla.effects import PATH
from eshkol.xla.merging import ABSENT
from eshkol.xla.steps import Parting, Step, done
from eshkol.xla.trees import PART
from eshkol.xla.unions import narrowed

MOST_BRANCHES = 512
"""So many branches of trips go on with the rest of their loop."""

MOST_TRIPS = 100_000
"""So many trips go on without a branch."""


@dataclass
class Parted:
    """A loop whose branches go on on their own.

    Attributes:
        problem: why it is no ordinary loop.
        branches: how many have done so.
        depth: how many conditions there were around the trip that goes on.
    """

    problem: Parting
    branches: int = 0
    depth: int = 0

    def value(self, values: Values, step: Callable[..., Step]) -> Any:
        """The value of the loop from here on."""
        before, self.depth = self.depth, len(PATH.conditions)
        try:
            for _ in range(MOST_TRIPS):
                result = step(*values)
                known = known_truth(result.goes_on)
                if known is False:
                    return result.value
                if known is None:
                    break
                values = result.values
            raise self.problem
        finally:
            self.depth = before

    def in_branch(self, values: Values, step: Callable[..., Step]) -> Step:
        """The end of a trip that goes on with ``values``."""
        if len(PATH.conditions) <= self.depth:
            return Step(True, values, ABSENT)
        self.branches += 1
        if self.branches > MOST_BRANCHES:
            raise self.problem
        return done(self.value(values, step))


class PartedLoops(threading.local):
    """The loops of this thread that are parted, by the codes of their trips."""

    def __init__(self) -> None:
        self.by_code: dict[CodeType, Parted] = {}


PARTED = PartedLoops()


def again(values: Values, step: Callable[..., Step] | None = None) -> Step:
    """A trip that goes on with ``values``, as what they are known to be where it ends.

    Args:
        values: the loop variables.
        step: the trip, of a loop that may be parted.
    """
    values = tuple(map(narrowed, values))
    if step is None or (parted := PARTED.by_code.get(step.__code__)) is None:
        return Step(True, values, ABSENT)
    return parted.in_branch(values, step)


def parted(step: Callable[..., Step]) -> Parted | None:
    """How a loop is parted, by its trip; None if it isn't."""
    step.eshkol_transparent = PART  # type: ignore[attr-defined]
    return PARTED.by_code.get(step.__code__)


def part(values: Values, step: Callable[..., Step], problem: Parting) -> Any:
    """The value of a loop that is parted.

    Args:
        values: the loop variables at the start.
        step: one trip.
        problem: why it is no ordinary loop.

    Raises:
        Parting: the problem, if it can't be parted either.
    """
    loops = PARTED.by_code
    if problem.is_final:
        raise problem
    problem.is_final = True
    loops[step.__code__] = found = Parted(problem)
    try:
        return found.value(values, step)
    except Parting:
        raise problem from None
    finally:
        del loops[step.__code__]

"""Conditions that are being traced, by which a recursion is recognized.

A recursion that is traced comes back, inside of a branch, to the ``if`` that the branch belongs to.
So what is called again is that ``if``, and its arguments are all that its branches capture.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eshkol.primitives.dynamic import STATE
from eshkol.runtime.draw_paths import path_to
from eshkol.xla import journal
from eshkol.xla.keys import may_draw
from eshkol.xla.notes import note
from eshkol.xla.trees import PART, Structure, flatten_with_containers

MOST_LEVELS = 64
"""A recursion on exact integers is followed so many levels deep, …"""

MOST_VISITS = 256
"""… and through so many calls; what goes on longer becomes a recursion of the program."""


class Condition:
    """An ``if`` with a traced test, as it is met.

    Attributes:
        test: traced.
        then: a branch, a function without parameters.
        otherwise: the other one.
        site: the same whenever the same form of the program is met.
        bindings: those that ``parameterize`` had made then; a part that is called again takes them
            for constants.
        path: to the random draws of its branches, if they may draw: a part that is called again
            has one path to each.
    """

    __slots__ = ("bindings", "otherwise", "path", "site", "test", "then")

    def __init__(self, test: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> None:
        self.test = test
        self.then = then
        self.otherwise = otherwise
        self.site = id(otherwise.__code__)
        self.bindings = {key: cell[0] for key, cell in STATE.parameters.items()}
        self.path = path_to(sys._getframe(1), is_draw=False) if may_draw() else ()

    @property
    def name(self) -> str:
        """The procedure that it stands in."""
        return self.otherwise.__code__.co_name

    def has_bindings_of(self, other: Condition) -> bool:
        """Whether all parameters have the values that they have at another condition."""
        own, others = self.bindings, other.bindings
        return own.keys() == others.keys() and all(
            value is others[key] or (value.__class__ is float and value == others[key])
            for key, value in own.items()
        )

    def follow(self) -> Any:
        """The value of the branch that is known to be taken; what the test depends on is used."""
        self.test.item()
        return self.follow_unused()

    def follow_unused(self) -> Any:
        """The same as an attempt: what the test depends on doesn't count as used."""
        note("followed", taken=self.test.known)
        return self.then() if self.test.known else self.otherwise()

    def environment(self, places: list[Any]) -> tuple[list[Any], Structure, list[Any]]:
        """Leaves, structure and containers of all that it depends on.

        Args:
            places: those outside, whose contents it depends on too.
        """
        for branch in (self.then, self.otherwise):
            branch.eshkol_transparent = PART  # type: ignore[attr-defined]
        whole = (self.test, self.then, self.otherwise, journal.contents(places))
        return flatten_with_containers(whole)


@dataclass
class Following:
    """A recursion on exact integers that is followed.

    Attributes:
        first: its first condition, which becomes a program with calls if the recursion is a long
            one; None where it can't.
        level: how deep it is followed.
        tests: those that were followed.
    """

    first: Condition | None
    level: int = 0
    tests: list[Any] = field(default_factory=list)


class Conditions(threading.local):
    """The conditions whose branches are being traced in this thread.

    Attributes:
        active: outermost first.
        followed: the recursions on exact integers that are followed, by their sites.
        visits: how often each site was met since it was first entered.
        constructions: the recursive parts that are being traced, outermost first.
        returns: how often a condition was met inside of its own branches.
    """

    def __init__(self) -> None:
        self.active: list[Condition] = []
        self.followed: dict[int, Following] = {}
        self.visits: Counter[int] = Counter()
        self.constructions: list[Any] = []
        self.returns = 0


CONDITIONS = Conditions()

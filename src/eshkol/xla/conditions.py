"""Conditions that are being traced, by which a recursion is recognized.

A recursion that is traced comes back, inside of a branch, to the ``if`` that the branch belongs to.
So what is called again is that ``if``, and its arguments are all that its branches capture. Where
the last call is in tail position, and so a loop, it comes back inside of a trip to the loop.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eshkol.primitives.dynamic import STATE
from eshkol.runtime.draw_paths import Path, path_to
from eshkol.xla import journal
from eshkol.xla.held import none_held
from eshkol.xla.keys import KEY_SOURCE, may_draw
from eshkol.xla.notes import note
from eshkol.xla.trees import PART, Structure, flatten_with_containers

MOST_LEVELS = 64
"""A recursion on exact integers is followed so many levels deep, …"""

MOST_VISITS = 256
"""… and through so many calls; what goes on longer becomes a recursion of the program."""


@dataclass(frozen=True)
class CountPlace:
    """A variable with which draws are counted, in the source of keys that a condition is met with.

    Attributes:
        path: of the draws, from the beginning of the source on; None: it counts the runs of loops.
        number: see ``Draws.box``.
    """

    path: Path | None
    number: int


class Condition:
    """An ``if`` with a traced test, as it is met; or a loop, whose trips may come back to it.

    Attributes:
        test: traced; True of a loop.
        then: a branch, a function without parameters; what runs the loop.
        otherwise: the other one; a trip of the loop, which tells which loop it is.
        site: the same whenever the same form of the program is met.
        bindings: those that ``parameterize`` had made then; a part that is called again takes them
            for constants.
        source: where the keys of random draws come from.
        is_followed: whether its branches came back to it with another exact integer.

    Args:
        path: see :attr:`path`; None if the calls that are going on tell.
    """

    __slots__ = (
        "__weakref__",
        "_caller",
        "_path",
        "bindings",
        "is_followed",
        "otherwise",
        "site",
        "source",
        "test",
        "then",
    )

    def __init__(
        self,
        test: Any,
        then: Callable[[], Any],
        otherwise: Callable[[], Any],
        path: Path | None = None,
    ) -> None:
        self.test = test
        self.then = then
        self.otherwise = otherwise
        self.site = id(otherwise.__code__)
        self.bindings = {key: cell[0] for key, cell in STATE.parameters.items()}
        self.source = KEY_SOURCE.draw
        self.is_followed = False
        self._path = path if may_draw() else ()
        self._caller = sys._getframe(1) if self._path is None else None

    @property
    def path(self) -> Path:
        """The path to the random draws of its branches, if they may draw.

        A part that is called again has one path to each. The calls that are going on tell it, and
        these are the same as long as the condition is being decided.
        """
        if self._path is None:
            self._path = path_to(self._caller, is_draw=False)
        return self._path

    def decided(self) -> None:
        """It was decided: from now on it keeps no frame alive."""
        self._caller = None

    @property
    def name(self) -> str:
        """The procedure that it stands in."""
        return self.otherwise.__code__.co_name

    def can_be_called_at(self, other: Condition) -> bool:
        """Whether a part that begins here has the same surroundings at another condition.

        All parameters have the same values there, and keys come from the same source, or
        ``with-rng`` gives them here and there.
        """
        own, others = self.bindings, other.bindings
        return (
            own.keys() == others.keys()
            and all(
                value is others[key] or (value.__class__ is float and value == others[key])
                for key, value in own.items()
            )
            and (
                self.source is other.source
                or (self._key_kind is not None and self._key_kind == other._key_kind)
            )
        )

    @property
    def _key_kind(self) -> Any:
        """What tells how ``with-rng`` makes the keys here; None where it doesn't."""
        source = self.source
        return None if source is None else source.key_kind

    def follow(self) -> Any:
        """The value of the branch that is known to be taken; what the test depends on is used."""
        self.test.item()
        return self.follow_unused()

    def follow_unused(self) -> Any:
        """The same as an attempt: what the test depends on doesn't count as used."""
        note("followed", taken=self.test.known)
        return self.then() if self.test.known else self.otherwise()

    def environment(
        self, places: list[Any], with_key: bool = False
    ) -> tuple[list[Any], Structure, list[Any]]:
        """Leaves, structure and containers of all that it depends on.

        Args:
            places: those outside, whose contents it depends on too.
            with_key: whether it depends on the key that ``with-rng`` gives.
        """
        for branch in (self.then, self.otherwise):
            branch.eshkol_transparent = PART  # type: ignore[attr-defined]
        words = self.source.key_words if with_key and self.source is not None else ()
        contents = journal.contents(self.present(places))
        with none_held():
            return flatten_with_containers((self.test, self.then, self.otherwise, words, contents))

    def present(self, places: list[Any]) -> list[Any]:
        """The places that these are here."""
        source = self.source
        return [
            source.box(place.path, place.number)
            if place.__class__ is CountPlace and source is not None
            else place
            for place in places
        ]


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
        follows: whether every condition that is traced and known is followed.
    """

    def __init__(self) -> None:
        self.active: list[Condition] = []
        self.followed: dict[int, Following] = {}
        self.visits: Counter[int] = Counter()
        self.constructions: list[Any] = []
        self.returns = 0
        self.follows = False


CONDITIONS = Conditions()

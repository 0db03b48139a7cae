"""Groups of procedures that call each other, which random draws are numbered by.

Calls within a group leave no trace in the path to a draw (``runtime/draw_paths.py``), so neither
the depth of a recursion nor where one enters it matters. A procedure is in a group with those that
it mentions, by a top-level name or as a local procedure, directly or through others, if they
mention it likewise. Which procedures top-level names mean is looked up when something is drawn,
and again after one of them is defined anew. A library can't mention who imports it, so a group is
one of procedures of a single namespace.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from functools import partial
from types import FunctionType
from typing import Any

from eshkol.core.surroundings import text_of
from eshkol.runtime.procedures import SITES, PartSites, procedure_of

_FOLLOWING: weakref.WeakSet[Any] = weakref.WeakSet()

_LOCK = threading.RLock()


def follow(sites: Any) -> None:
    """Call ``sites.forget`` whenever groups may have changed."""
    with _LOCK:
        _FOLLOWING.add(sites)


class Changes:
    """How often groups may have changed.

    Attributes:
        count: the number.
    """

    count = 0


class Member:
    """A procedure in the text of a program; there is one of each.

    Attributes:
        sites: of its unit.
        text: tells it from the others there.
    """

    __slots__ = ("sites", "text")

    def __init__(self, sites: Any, text: str) -> None:
        self.sites = sites
        self.text = text


class Groups:
    """The groups of a namespace.

    Attributes:
        namespace: it.
    """

    def __init__(self, namespace: Any) -> None:
        self.namespace = namespace
        self._meanings: dict[str, Any] = {}
        self._numbers: dict[Member, int] = {}

    def is_primitive(self, name: str) -> bool:
        """Whether a top-level name means a primitive."""
        return self._meaning(name) is _PRIMITIVE

    def procedure(self, name: str) -> Member | None:
        """The procedure of this namespace that a top-level name means; None if it means none."""
        meaning = self._meaning(name)
        return meaning if meaning.__class__ is Member else None

    def are_together(self, one: Member, other: Member) -> bool:
        """Whether two procedures are in one group, or are the same."""
        return one is other or self._number(one) == self._number(other)

    def _meaning(self, name: str) -> Any:
        if name not in self._meanings:
            self._meanings[name] = self._look_up(name)
            self.namespace.watch(name, partial(_redefined, weakref.ref(self), name))
        return self._meanings[name]

    def _look_up(self, name: str) -> Any:
        value = self.namespace.variables.get(name, self)
        if value is self:
            return _PRIMITIVE if name in self.namespace.builtins else None
        return _member_of(value, self.namespace)

    def redefined(self, name: str) -> None:
        """A top-level name was defined or assigned."""
        with _LOCK:
            if name not in self._meanings:
                return
            if self._look_up(name) is self._meanings[name]:
                self.namespace.watch(name, partial(_redefined, weakref.ref(self), name))
                return
            self._meanings, self._numbers = {}, {}
            _tell_all()

    def _number(self, member: Member) -> int:
        with _LOCK:
            if member not in self._numbers:
                self._find_from(member)
            return self._numbers[member]

    def _find_from(self, start: Member) -> None:
        """Number the groups that can be reached from a procedure.

        Tarjan (1972), "Depth-first search and linear graph algorithms".
        """
        order: dict[Member, int] = {start: 0}
        lowest: dict[Member, int] = {start: 0}
        waiting = [start]
        path: list[tuple[Member, Iterator[Member]]] = [(start, self._mentioned_by(start))]
        while path:
            member, others = path[-1]
            for other in others:
                if other in self._numbers:
                    continue
                if other in order:
                    lowest[member] = min(lowest[member], order[other])
                    continue
                order[other] = lowest[other] = len(order)
                waiting.append(other)
                path.append((other, self._mentioned_by(other)))
                break
            else:
                path.pop()
                if path:
                    outer = path[-1][0]
                    lowest[outer] = min(lowest[outer], lowest[member])
                if lowest[member] == order[member]:
                    number = len(self._numbers)
                    while member not in self._numbers:
                        self._numbers[waiting.pop()] = number

    def _mentioned_by(self, member: Member) -> Iterator[Member]:
        for mentioned in member.sites.mentioned_by(member.text):
            found = self.procedure(mentioned) if mentioned.__class__ is str else mentioned
            if found is not None:
                yield found


_PRIMITIVE = object()


def of_namespace(namespace: Any) -> Groups:
    """The groups of a namespace."""
    if namespace.groups is None:
        with _LOCK:
            namespace.groups = namespace.groups or Groups(namespace)
    groups: Groups = namespace.groups
    return groups


def _redefined(groups: weakref.ref[Groups], name: str) -> None:
    known = groups()
    if known is not None:
        known.redefined(name)


def _member_of(value: Any, namespace: Any) -> Member | None:
    """The procedure of a namespace that a value is; None for any other."""
    while hasattr(value, "eshkol_jit"):
        value = value.__wrapped__
    if value.__class__ is not FunctionType:
        return None
    closure = getattr(value, "eshkol_cek", None)
    if closure is not None and hasattr(closure, "environment"):  # or it is a continuation
        activation = closure.environment.activation
        if activation.namespace is not namespace:
            return None
        return activation.forms.sites.member(text_of(closure.node.span))
    known = procedure_of(value)
    if known is None or value.__globals__ is not namespace.variables:
        return None
    return known.unit.call_sites.member(text_of(known.node.span))


def _tell_all() -> None:
    """Forget what followed from the groups as they were."""
    Changes.count += 1
    for sites in list(_FOLLOWING):
        sites.forget()
    for known in list(SITES.values()):
        if known.__class__ is dict or known.__class__ is PartSites:
            known.clear()

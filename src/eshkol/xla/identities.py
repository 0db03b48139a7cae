"""Places of which only the running program knows whether they are one.

A *copy* stands for one of several places: the vector that a traced condition has chosen, say, or
the row at a traced index. A *tie* tells the condition under which it is which of them. Two copies
are the same where both are the same third place, and two places that are no copies never are.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Container, Iterator
from typing import Any

from eshkol.xla.rebuilding import parts_of
from eshkol.xla.truth import conjunction, disjunction

MANY = 64
"""From so many copies on it is looked whether they are all still there."""


class Reference:
    """Gives a place, None when it is gone; boxes stay. There is one of each place."""

    __slots__ = ("_get",)

    def __init__(self, place: Any) -> None:
        self._get: Callable[[], Any]
        try:
            self._get = weakref.ref(place)
        except TypeError:
            self._get = lambda: place

    def __call__(self) -> Any:
        return self._get()


class Ties:
    """The ties that are known; the parts being traced forget theirs when they end."""

    def __init__(self) -> None:
        self._ties: dict[Reference, dict[Reference, Any]] = {}
        self._references: dict[int, Reference] = {}
        self._chosen: set[Reference] = set()
        self._most = MANY
        # What was found out, in each of the parts being traced: a condition belongs to a trace.
        self._found: list[dict[Any, Any]] = [{}]

    def __bool__(self) -> bool:
        return bool(self._ties)

    def enter(self) -> int:
        """A part begins: the number of copies before it."""
        self._found.append({})
        return len(self._ties)

    def leave(self, start: int) -> None:
        """A part ends that began with this number of copies."""
        self._found.pop()
        if len(self._ties) > start:
            while len(self._ties) > start:
                self._ties.popitem()
            self._tidy()

    def copy(self) -> Ties:
        """The ties that are known now."""
        ties = Ties()
        ties._ties = {copy: dict(known) for copy, known in self._ties.items()}
        ties._references, ties._chosen = dict(self._references), set(self._chosen)
        ties._found = [dict(found) for found in self._found]
        return ties

    def add(self, copy: Any, condition: Any, other: Any) -> None:
        """Note that ``copy``, which was just made, is ``other`` where a condition holds.

        Args:
            copy: a place; of lists each pair is the other's.
            condition: known or traced.
            other: a place; what it is, ``copy`` is then too.
        """
        if condition is False:
            return
        for one, same in zip(parts_of(copy), parts_of(other), strict=False):
            known = self._ties.setdefault(self._reference(one), {})
            reference = self._reference(same)
            known[reference] = disjunction(known.get(reference, False), condition)

    def choose(self, copy: Any) -> None:
        """Note that ``copy`` is always one of those that it is tied to."""
        self._chosen.update(map(self._reference, parts_of(copy)))

    def copies(self, start: int) -> set[int]:
        """The identities of the copies from this number on."""
        return {id(copy()) for copy in list(self._ties)[start:]}

    def let_go(self, start: int) -> None:
        """Forget copies from this number on that are gone, if there are many by now."""
        if len(self._ties) < self._most:
            return
        copies = list(self._ties)
        used = set(copies[:start])
        stack = [copy for copy in copies if copy in used or copy() is not None]
        while stack:
            copy = stack.pop()
            used.add(copy)
            stack += [other for other in self._ties[copy] if other in self._ties.keys() - used]
        for copy in copies[start:]:
            if copy not in used:
                del self._ties[copy]
        self._most = 2 * max(len(self._ties), MANY // 2)
        self._tidy()

    def is_tied(self, place: Any) -> bool:
        """Whether a place may be another one that is still there."""
        return any(True for _ in self._candidates(place)) if self._ties else False

    def partners(self, place: Any, ends: Container[int] = ()) -> list[tuple[Any, Any]]:
        """The places that one may be, and the condition of each.

        Args:
            place: a box, a container, or a variable for a tensor.
            ends: the identities of places through which copies are not compared.
        """
        if not self._ties:
            return []
        own = self._reference(place)
        return [(other(), self._is_same(own, other, ends)) for other in self._candidates(place)]

    def _candidates(self, place: Any) -> Iterator[Reference]:
        own = self._reference(place)
        targets = self._reach(own)
        for target in targets:
            if target is not own and target not in self._chosen and target() is not None:
                yield target
        for copy in list(self._ties):
            is_new = copy is not own and (copy not in targets or copy in self._chosen)
            if is_new and copy() is not None and not targets.keys().isdisjoint(self._reach(copy)):
                yield copy

    def _reach(self, place: Reference) -> dict[Reference, None]:
        """The places that one may be, itself among them unless it is always another one.

        They are in order, so that equal programs are traced alike.
        """
        key = (place,)
        for found in self._found:
            if key in found:
                return found[key]
        reach: dict[Reference, None] = {} if place in self._chosen else {place: None}
        for other in self._ties.get(place, ()):
            reach |= self._reach(other)
        self._found[-1][key] = reach
        return reach

    def _identity(self, place: Reference) -> dict[Reference, Any]:
        """The conditions under which one is each of those that are never one another."""
        for found in self._found:
            if place in found:
                return found[place]
        identity: dict[Reference, Any] = {} if place in self._chosen else {place: True}
        for other, condition in self._ties.get(place, {}).items():
            for target, inner in self._identity(other).items():
                known = identity.get(target, False)
                identity[target] = disjunction(known, conjunction(condition, inner))
        self._found[-1][place] = identity
        return identity

    def _is_same(self, one: Reference, other: Reference, ends: Container[int]) -> Any:
        """The condition under which two places are the same."""
        key = (one, other) if id(one) < id(other) else (other, one)
        if not ends:
            for found in self._found:
                if key in found:
                    return found[key]
        first, second = self._identity(one), self._identity(other)
        condition: Any = False
        for target, held in first.items():
            is_end = target not in key and target() is not None and id(target()) in ends
            if target in second and not is_end:
                condition = disjunction(condition, conjunction(held, second[target]))
        if not ends:
            self._found[-1][key] = condition
        return condition

    def _reference(self, place: Any) -> Reference:
        known = self._references.get(id(place))
        if known is None or known() is not place:
            known = self._references[id(place)] = Reference(place)
        return known

    def _tidy(self) -> None:
        """Forget what is no tie's."""
        tied = {*self._ties, *(other for known in self._ties.values() for other in known)}
        self._chosen &= tied
        self._references = {id(r()): r for r in tied if r() is not None}

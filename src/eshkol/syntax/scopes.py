"""Sets of scopes, and changes of them that are still to be made.

Both are linked lists that share their tails and are made once each: equal ones are one object. So
a scope that is added to a program costs one object, however many identifiers get it, however deep
they stand and however many scopes they have; and what was found out about a set is known for all
identifiers that have it.

Older scopes stand further down in the list of a set. A set or a list of changes is kept by its
newest scope, so none lives longer than its scopes do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeVar

_ages = itertools.count()


class Scope:
    """A region of the program in which bindings are visible.

    Attributes:
        age: tells which of two scopes is newer.
        bindings: what is bound under sets whose newest scope this is, by name.
        module: whose program it marks, if it marks all of a program.
    """

    __slots__ = ("_added", "_flipped", "_sets", "age", "bindings", "module")

    def __init__(self, module: Any = None) -> None:
        self.age = next(_ages)
        self.bindings: dict[str, list[tuple[ScopeSet, Any]]] = {}
        self.module = module
        self._sets: dict[ScopeSet, ScopeSet] = {}
        self._added: dict[Changes, Changes] = {}
        self._flipped: dict[Changes, Changes] = {}


class Changeable(Protocol):
    """What scopes can be added to: a set, or other changes."""

    def changed(self, scope: Scope, is_flip: bool) -> Any:
        """This with ``scope`` added, or flipped: added if absent, removed if present."""


Target = TypeVar("Target", bound=Changeable)


class ScopeSet:
    """A set of scopes. Make one by :meth:`of` or :meth:`changed` only.

    Attributes:
        newest: its newest scope; None if it is empty.
        rest: the set without that one.
        count: how many they are.
        module: whose program it comes from, if its scopes tell.
        found: what names mean in it, as far as somebody asked.
    """

    __slots__ = ("count", "found", "module", "newest", "rest")

    def __init__(self, newest: Any, rest: Any) -> None:
        self.newest: Any = newest
        self.rest: Any = rest
        self.count: int = 0 if newest is None else rest.count + 1
        self.module: Any = None if newest is None else newest.module
        if newest is not None and newest.module is None:
            self.module = rest.module
        self.found: dict[str, Any] = {}

    @staticmethod
    def of(scopes: Iterable[Scope]) -> ScopeSet:
        """The set of these scopes."""
        result = NO_SCOPES
        for scope in scopes:
            result = result.changed(scope, False)
        return result

    def changed(self, scope: Scope, is_flip: bool = False) -> ScopeSet:
        """This set with ``scope`` added, or flipped: added if absent, removed if present."""
        above = []
        base = self
        while base.newest is not None and base.newest.age > scope.age:
            above.append(base.newest)
            base = base.rest
        if base.newest is not scope:
            known = scope._sets.get(base)
            if known is None:
                known = scope._sets[base] = ScopeSet(scope, base)
            base = known
        elif is_flip:
            base = base.rest
        else:
            return self
        for newer in reversed(above):
            base = base.changed(newer)
        return base

    def __iter__(self) -> Iterator[Scope]:
        """The scopes, the newest first."""
        at = self
        while at.newest is not None:
            yield at.newest
            at = at.rest

    def __le__(self, other: ScopeSet) -> bool:
        """Whether ``other`` has all scopes of this one."""
        mine = self
        while mine is not other and mine.newest is not None:
            while other.newest is not None and other.newest.age > mine.newest.age:
                other = other.rest
            if other.newest is not mine.newest:
                return False
            mine, other = mine.rest, other.rest
        return True


NO_SCOPES = ScopeSet(None, None)


class Changes:
    """Scopes to be added or flipped, one after another.

    Attributes:
        before: the changes before the last; None if there are none.
        scope: the scope of the last.
        is_flip: whether the last flips.
    """

    __slots__ = ("_results", "before", "is_flip", "scope")

    def __init__(self, before: Any, scope: Any, is_flip: bool) -> None:
        self.before: Any = before
        self.scope: Any = scope
        self.is_flip = is_flip
        self._results: dict[Any, Any] = {}

    def changed(self, scope: Scope, is_flip: bool) -> Changes:
        """These changes, and then this one."""
        if self.scope is scope and self.is_flip == is_flip:
            return self.before if is_flip else self
        if self.scope is not None and self.scope.age > scope.age:
            return Changes(self, scope, is_flip)
        kept = scope._flipped if is_flip else scope._added
        known = kept.get(self)
        if known is None:
            known = kept[self] = Changes(self, scope, is_flip)
        return known

    def apply(self, target: Target) -> Target:
        """``target`` with all changes made."""
        known = self._results.get(target)
        if known is not None:
            return known
        missing = []
        at = self
        while at.before is not None and known is None:
            missing.append(at)
            at = at.before
            known = at._results.get(target)
        result = target if known is None else known
        for change in reversed(missing):
            result = result.changed(change.scope, change.is_flip)
            change._results[target] = result
        return result


NO_CHANGES = Changes(None, None, False)

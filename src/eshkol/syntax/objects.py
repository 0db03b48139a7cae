"""Syntax objects.

A :class:`Syntax` wraps a datum together with its source span and its set of scopes. Its datum is

* a :class:`~eshkol.datum.symbols.Symbol` (then it is an *identifier*),
* a ``tuple`` of syntax objects (a proper list),
* :class:`Dotted` (an improper list), :class:`VectorForm` (``#(…)``),
* :class:`Keyword` (``#:name``), or
* an atom: number, ``bool``, ``str``, ``Char``, ``bytes``.

Scopes are pushed into the parts of a compound form only when the parts are asked for
(:attr:`Syntax.parts`), so adding a scope costs the same for a file as for a symbol.
Module ``scopes`` has the sets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from eshkol.base.spans import NOWHERE, Span
from eshkol.datum.pairs import NIL, scheme_list, spine
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector
from eshkol.syntax.scopes import NO_CHANGES, NO_SCOPES, Changes, Scope, ScopeSet

Trail = tuple[tuple[str, Span], ...]
"""The macro uses that syntax was introduced by, innermost first: ``(macro, span of the use)``."""


class Keyword(NamedTuple):
    """``#:name``: names an argument in a call or a parameter list."""

    name: str

    def __repr__(self) -> str:
        return f"#:{self.name}"


class Dotted(NamedTuple):
    """``(items … . tail)``."""

    items: tuple[Syntax, ...]
    tail: Syntax


class VectorForm(NamedTuple):
    """``#(items …)``."""

    items: tuple[Syntax, ...]


COMPOUND = (tuple, Dotted, VectorForm)


class Syntax:
    """A datum with its span and scopes. Immutable; scope changes give new objects."""

    __slots__ = ("_pending", "datum", "scopes", "span", "trail")

    def __init__(
        self,
        datum: Any,
        span: Span = NOWHERE,
        scopes: ScopeSet = NO_SCOPES,
        trail: Trail = (),
        _pending: Changes = NO_CHANGES,
    ) -> None:
        self.datum = datum
        self.span = span
        self.scopes = scopes
        self.trail = trail
        self._pending = _pending

    def _changed(self, scope: Scope, is_flip: bool) -> Syntax:
        datum = self.datum
        if isinstance(datum, Symbol):
            scopes = self.scopes.changed(scope, is_flip)
            return Syntax(datum, self.span, scopes, self.trail)
        if type(datum) in COMPOUND:
            pending = self._pending.changed(scope, is_flip)
            return Syntax(datum, self.span, self.scopes, self.trail, pending)
        return self

    def add_scope(self, scope: Scope) -> Syntax:
        """This syntax with ``scope`` on each of its identifiers."""
        return self._changed(scope, False)

    def flip_scope(self, scope: Scope) -> Syntax:
        """This syntax with ``scope`` added where it is absent and removed where it is present."""
        return self._changed(scope, True)

    def _settled(self) -> Any:
        """The datum with all pending scope changes pushed one level down."""
        changes = self._pending
        if changes is not NO_CHANGES:
            self.datum = _with_changes(self.datum, changes)
            self._pending = NO_CHANGES
        return self.datum

    @property
    def is_identifier(self) -> bool:
        """Whether this is an identifier."""
        return isinstance(self.datum, Symbol)

    @property
    def is_list(self) -> bool:
        """Whether this is a proper list form."""
        return type(self.datum) is tuple

    @property
    def parts(self) -> tuple[Syntax, ...]:
        """The parts of a proper list form."""
        return self._settled()

    @property
    def content(self) -> Any:
        """The datum, with scopes settled on its parts."""
        return self._settled()

    @property
    def name(self) -> str:
        """The name of an identifier."""
        return self.datum.name

    def __repr__(self) -> str:
        from eshkol.datum.write import write_string

        return f"#<syntax {write_string(to_datum(self))}>"


def _with_changes(datum: Any, changes: Changes) -> Any:
    """A compound datum with scope changes made in its parts, or left pending there."""
    if isinstance(datum, Dotted):
        *items, tail = _changed_parts((*datum.items, datum.tail), changes)
        return Dotted(tuple(items), tail)
    if isinstance(datum, VectorForm):
        return VectorForm(tuple(_changed_parts(datum.items, changes)))
    return tuple(_changed_parts(datum, changes))


def _changed_parts(parts: tuple[Syntax, ...], changes: Changes) -> list[Syntax]:
    changed = []
    for part in parts:
        datum = part.datum
        if isinstance(datum, Symbol):
            part = Syntax(datum, part.span, changes.apply(part.scopes), part.trail)
        elif type(datum) in COMPOUND:
            pending = changes.apply(part._pending)
            part = Syntax(datum, part.span, part.scopes, part.trail, pending)
        changed.append(part)
    return changed


def to_datum(syntax: Syntax) -> Any:
    """The plain Scheme datum of a syntax object: pairs, vectors, symbols and atoms."""
    done: list[Any] = []
    rest: list[Any] = [syntax]  # syntax to convert, and contents whose parts are done
    while rest:
        item = rest.pop()
        if item.__class__ is not Syntax:
            done.append(_assemble(item, done))
        elif type(item.datum) in COMPOUND:
            content = item.content
            rest.append(content)
            rest += content if type(content) is tuple else content.items
            if isinstance(content, Dotted):
                rest.append(content.tail)
        else:
            done.append(item.datum)
    return done[0]


def _assemble(content: Any, done: list[Any]) -> Any:
    """The datum of a compound content whose converted parts end ``done``, the last one first."""
    items = content if type(content) is tuple else content.items
    start = len(done) - len(items)
    data = done[start:]
    data.reverse()
    del done[start:]
    if isinstance(content, VectorForm):
        return Vector(data)
    return scheme_list(data, done.pop() if isinstance(content, Dotted) else NIL)


def to_syntax(datum: Any, context: Syntax) -> Syntax:
    """A syntax object of a plain datum, with the span and scopes of ``context``."""
    if isinstance(datum, Syntax):
        return datum
    items, tail = spine(datum)
    if items:
        parts = tuple(to_syntax(item, context) for item in items)
        content: Any = parts if tail is NIL else Dotted(parts, to_syntax(tail, context))
    elif isinstance(datum, Vector):
        content = VectorForm(tuple(to_syntax(item, context) for item in datum))
    else:
        content = () if datum is NIL else datum
    scopes = context.scopes if isinstance(content, Symbol) else NO_SCOPES
    return Syntax(content, context.span, scopes, context.trail)

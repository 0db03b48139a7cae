"""Syntax objects.

A :class:`Syntax` wraps a datum together with its source span and its set of scopes. Its datum is

* a :class:`~eshkol.datum.symbols.Symbol` (then it is an *identifier*),
* a ``tuple`` of syntax objects (a proper list),
* :class:`Dotted` (an improper list), :class:`VectorForm` (``#(…)``),
* :class:`Keyword` (``#:name``), or
* an atom: number, ``bool``, ``str``, ``Char``, ``bytes``.

Scopes are pushed into the parts of a compound form only when the parts are asked for
(:attr:`Syntax.parts`), so adding a scope costs the same for a file as for a symbol.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from eshkol.base.spans import NOWHERE, Span
from eshkol.datum.pairs import NIL, scheme_list, spine
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector

Scopes = frozenset[Any]
"""A set of scopes; a scope is any object that is hashed by identity."""

NO_SCOPES: Scopes = frozenset()

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
        scopes: Scopes = NO_SCOPES,
        trail: Trail = (),
        _pending: tuple[tuple[Any, bool], ...] = (),
    ) -> None:
        self.datum = datum
        self.span = span
        self.scopes = scopes
        self.trail = trail
        self._pending = _pending

    def _changed(self, scope: Any, flip: bool) -> Syntax:
        if isinstance(self.datum, Symbol):
            present = scope in self.scopes
            if present and not flip:
                return self
            scopes = self.scopes - {scope} if present else self.scopes | {scope}
            return Syntax(self.datum, self.span, scopes, self.trail)
        if type(self.datum) in COMPOUND:
            pending = (*self._pending, (scope, flip))
            return Syntax(self.datum, self.span, self.scopes, self.trail, pending)
        return self

    def add_scope(self, scope: Any) -> Syntax:
        """This syntax with ``scope`` on each of its identifiers."""
        return self._changed(scope, False)

    def flip_scope(self, scope: Any) -> Syntax:
        """This syntax with ``scope`` added where it is absent and removed where it is present."""
        return self._changed(scope, True)

    def _settled(self) -> Any:
        """The datum with all pending scope changes pushed one level down."""
        if self._pending:
            self.datum = _map_parts(self.datum, self._apply_pending)
            self._pending = ()
        return self.datum

    def _apply_pending(self, part: Syntax) -> Syntax:
        for scope, flip in self._pending:
            part = part._changed(scope, flip)
        return part

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


def _map_parts(datum: Any, change: Any) -> Any:
    if isinstance(datum, Dotted):
        return Dotted(tuple(change(part) for part in datum.items), change(datum.tail))
    if isinstance(datum, VectorForm):
        return VectorForm(tuple(change(part) for part in datum.items))
    return tuple(change(part) for part in datum)


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

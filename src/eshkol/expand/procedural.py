"""Macros whose transformers are procedures: ``defmacro`` and ``er-macro-transformer``.

A transformer runs while the program is expanded, on plain data. It may use what the session has
defined, what ``define-for-syntax`` and ``begin-for-syntax`` define, and the procedures that stand
before it at top level in the same program.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from eshkol.base.errors import EshkolError, ExpandError, WrongType
from eshkol.core.free import free_variables, global_names
from eshkol.core.nodes import Const, Define, Lambda, Node
from eshkol.datum.pairs import NIL, Pair, cons
from eshkol.datum.signatures import usage_text
from eshkol.datum.spelling import python_name
from eshkol.datum.symbols import Symbol, gensym, intern
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.expand.expander import Expander, core_form, derived_form, named
from eshkol.expand.grammar import match_form, parts_with_tail, shown
from eshkol.expand.scopes import Macro, Scope, same_binding
from eshkol.expand.syntax_rules import expansion_trail
from eshkol.expand.templates import fill
from eshkol.syntax.objects import Dotted, Keyword, Syntax, VectorForm

DEFMACRO = "(defmacro name (parameter ...) body ...+)"


@derived_form(DEFMACRO)
def rewrite_defmacro(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """``(defmacro name (parameter …) body …)`` or ``(defmacro (name parameter …) body …)``."""
    parts = form.parts
    if len(parts) > 1 and not parts[1].is_identifier and parts[1].datum != ():
        captures = match_form("(defmacro target body ...+)", form, usage)
        target = captures.pop("target")
        items, tail = parts_with_tail(target)
        if not items or not items[0].is_identifier:
            raise ExpandError(
                f"defmacro: expected a name, got {shown(target)}",
                span=target.span,
                hint=f"use: {usage}",
                trail=form.trail,
            )
        captures["name"] = items[0]
        captures["formals"] = _list(items[1:], tail, target)
    else:
        captures = match_form("(defmacro name:id formals body ...+)", form, usage)
    return fill("(define-syntax name (data-transformer (lambda formals body ...)))", form, captures)


def _list(items: tuple[Syntax, ...], tail: Syntax | None, at: Syntax) -> Syntax:
    if tail is None:
        return Syntax(items, at.span)
    return Syntax(Dotted(items, tail), at.span) if items else tail


@core_form("(data-transformer procedure)")
def expand_data_transformer(expander: Expander, form: Syntax, usage: str) -> Node:
    raise _misplaced(form)


@core_form("(er-macro-transformer procedure)")
def expand_er_macro_transformer(expander: Expander, form: Syntax, usage: str) -> Node:
    raise _misplaced(form)


def _misplaced(form: Syntax) -> ExpandError:
    return ExpandError(
        f"{form.parts[0].name} stands only as the transformer of a define-syntax",
        span=form.span,
        trail=form.trail,
    )


# ---- what runs early


@derived_form("(define-for-syntax name value)")
def rewrite_define_for_syntax(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """A definition that macros of the rest of the program can use while they are expanded."""
    parts = match_form("(define-for-syntax part ...)", form)["part"]
    return fill("(begin-for-syntax (define part ...))", form, {"part": parts})


@derived_form("(begin-for-syntax form ...)")
def rewrite_begin_for_syntax(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Evaluate forms while the program is expanded; definitions hold when it runs too."""
    if expander.body is not expander.scope:
        raise ExpandError(
            f"{form.parts[0].name} stands only at top level", span=form.span, trail=form.trail
        )
    kept = []
    for part in match_form(usage, form)["form"]:
        nodes: list[Node] = []
        expander.expand_top(part, nodes)
        for node in nodes:
            run_early(expander, node)
            if isinstance(node, Define):
                kept.append(part)
    return fill("(begin part ...)", form, {"part": kept})


def run_early(expander: Expander, node: Node) -> Any:
    """The value of a form, with the procedures that it needs of the program before it."""
    _define_needed(expander, node, set())
    return expander.surroundings.evaluate_early(node)


def _define_needed(expander: Expander, node: Node, seen: set[str]) -> None:
    """Define the procedures and constants of this program, still to run, that ``node`` needs."""
    for name in global_names(node):
        if name in seen:
            continue
        seen.add(name)
        definition = _last_definition(expander, name)
        if definition is not None and isinstance(definition.value, Lambda | Const):
            _define_needed(expander, definition.value, seen)
            expander.surroundings.evaluate_early(definition)


def _last_definition(expander: Expander, name: str) -> Define | None:
    """The last definition of a name in the program so far, in the form being expanded or before."""
    for parts in reversed(expander.waiting):
        for part in reversed(parts):
            if part.name == name:
                node = part.node()
                return node if isinstance(node, Define) else None
    for node in reversed(expander.pending):
        if isinstance(node, Define) and node.name == name:
            return node
    return None


# ---- transformers


def procedural_macro(expander: Expander, form: Syntax, name: str, kind: str) -> Macro:
    """The macro of a ``data-transformer`` or ``er-macro-transformer`` form."""
    (procedure,) = match_form(f"({kind} procedure)", form).values()
    node = named(expander.expand(procedure), name)
    for variable in free_variables(node):
        raise ExpandError(
            f"{name}: a macro runs before the program does, so it can't use the local variable "
            f"{variable.name}",
            span=procedure.span,
            trail=form.trail,
        )
    function = run_early(expander, node)
    if not callable(function):
        raise ExpandError(
            f"{name}: expected a procedure as transformer, got {shown(procedure)}",
            span=procedure.span,
            trail=form.trail,
        )
    if kind == "er-macro-transformer" and not _takes(function, 3):
        raise ExpandError(
            f"{name}: expected a procedure that takes 3 arguments, got {shown(procedure)}",
            span=procedure.span,
            hint="use: (er-macro-transformer (lambda (form rename compare) …))",
            trail=form.trail,
        )
    transform = _data_transform if kind == "data-transformer" else _renaming_transform
    definition = form.parts[0]

    def expand(use: Syntax, expander: Any) -> Syntax:
        return transform(name, function, use, definition)

    return Macro(name, expand, expander.body)


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a procedure can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def _data_transform(
    name: str, function: Callable[..., Any], use: Syntax, definition: Syntax
) -> Syntax:
    """Call the procedure with the parts of the use as data; symbols mean what they do there."""
    origins = Origins(use)
    if not use.is_list:
        raise ExpandError(f"{name}: a dotted tail does not belong here", span=use.span)
    arguments, keywords = _arguments(name, use, origins)
    try:
        inspect.signature(function).bind(*arguments, **keywords)
    except TypeError:
        raise ExpandError(
            f"{name}: this use does not fit the macro's parameters",
            span=use.span,
            hint=f"use: {_usage(name, function)}",
            trail=use.trail,
        ) from None
    return origins.syntax(_called(name, use, function, *arguments, **keywords), use)


def _arguments(name: str, use: Syntax, origins: Origins) -> tuple[list[Any], dict[str, Any]]:
    """The parts of a use as data: those that are not named, and the others."""
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    parts = iter(use.parts[1:])
    for part in parts:
        if not isinstance(part.datum, Keyword):
            arguments.append(origins.datum(part))
            continue
        value = next(parts, None)
        if value is None:
            raise ExpandError(f"{part.datum!r} has no value", span=part.span, trail=use.trail)
        keywords[python_name(part.datum.name)] = origins.datum(value)
    return arguments, keywords


def _usage(name: str, function: Callable[..., Any]) -> str:
    return usage_text(name, inspect.signature(function))


def _renaming_transform(
    name: str, function: Callable[..., Any], use: Syntax, definition: Syntax
) -> Syntax:
    """Call ``(procedure form rename compare)``: explicit renaming (Clinger 1991)."""
    origins = Origins(use)

    def rename(symbol: Any) -> Symbol:
        """What a symbol means where the macro is defined."""
        if symbol.__class__ is not Symbol:
            raise WrongType(f"rename: expected a symbol, got {short_string(symbol)}")
        return origins.renamed(symbol, definition)

    def compare(a: Any, b: Any) -> bool:
        """Whether two symbols mean the same."""
        if a.__class__ is not Symbol or b.__class__ is not Symbol:
            return a is b
        return same_binding(origins.syntax(a, use), origins.syntax(b, use))

    result = _called(name, use, function, origins.datum(use), rename, compare)
    return origins.syntax(result, use)


def _called(
    name: str, use: Syntax, function: Callable[..., Any], *arguments: Any, **keywords: Any
) -> Any:
    """What a transformer gives; an error in it tells of the use of the macro."""
    try:
        return function(*arguments, **keywords)
    except EshkolError as error:
        error.trail = (*error.trail, *expansion_trail(name, use))
        raise


SCOPES: WeakKeyDictionary[Symbol, Scope] = WeakKeyDictionary()
"""The scope that each symbol which is not the one of its name has as an identifier."""


class Origins:
    """The way from syntax to data and back: data that a transformer passes on keeps its syntax.

    A symbol of the result means what it means at the use: what a symbol of this name there does,
    or else the macro's name.
    """

    def __init__(self, use: Syntax) -> None:
        head = use.parts[0] if use.is_list else use
        self.scopes = head.scopes
        self.kept: dict[int, tuple[Any, Syntax]] = {}
        self.identifiers: dict[Symbol, Syntax] = {}
        self.open: set[int] = set()

    def datum(self, form: Syntax) -> Any:
        """The datum of a form, whose parts are remembered."""
        if form.is_identifier:
            self.identifiers.setdefault(form.datum, form)
            return form.datum
        content = form.content
        if isinstance(content, VectorForm):
            return self._keep(Vector(self.datum(item) for item in content.items), form)
        if isinstance(content, Dotted):
            return self._keep(self._pairs(content.items, self.datum(content.tail)), form)
        if form.is_list:
            return self._keep(self._pairs(form.parts, NIL), form)
        return self._keep(content, form) if isinstance(content, Pair | Vector) else content

    def _pairs(self, items: tuple[Syntax, ...], tail: Any) -> Any:
        for item in reversed(items):
            tail = cons(self.datum(item), tail)
        return tail

    def _keep(self, datum: Any, form: Syntax) -> Any:
        if datum is not NIL:
            self.kept[id(datum)] = (datum, form)
        return datum

    def renamed(self, symbol: Any, definition: Syntax) -> Symbol:
        """A symbol of its own that means what ``symbol`` means at the definition of the macro."""
        for alias, syntax in self.identifiers.items():
            if syntax.datum is symbol and alias is not symbol:
                return alias
        alias = gensym(symbol.name)
        self.identifiers[alias] = Syntax(symbol, definition.span, definition.scopes)
        return alias

    def syntax(self, datum: Any, use: Syntax) -> Syntax:
        """The syntax of a datum that a transformer gave.

        Raises:
            ExpandError: if it holds what no program can be made of.
        """
        kept = self.kept.get(id(datum))
        if kept is not None and kept[0] is datum:
            return kept[1]
        if datum.__class__ is Symbol:
            return self.identifiers.get(datum) or self._identifier(datum, use)
        if datum.__class__ is not Pair and not isinstance(datum, Vector):
            return Syntax(() if datum is NIL else datum, use.span, trail=use.trail)
        if id(datum) in self.open:
            raise ExpandError("this macro gives a list that contains itself", span=use.span)
        self.open.add(id(datum))
        content = self._content(datum, use)
        self.open.discard(id(datum))
        return Syntax(content, use.span, trail=use.trail)

    def _content(self, datum: Any, use: Syntax) -> Any:
        """The parts of a pair or vector as syntax."""
        if isinstance(datum, Vector):
            return VectorForm(tuple(self.syntax(item, use) for item in datum))
        parts: list[Syntax] = []
        seen: set[int] = set()
        while datum.__class__ is Pair and id(datum) not in self.kept and id(datum) not in seen:
            seen.add(id(datum))
            parts.append(self.syntax(datum.car, use))
            datum = datum.cdr
        tail = self.syntax(datum, use)
        if id(datum) in seen:
            raise ExpandError("this macro gives a list that contains itself", span=use.span)
        rest = tail.content
        if tail.is_list:
            return (*parts, *rest)
        if isinstance(rest, Dotted):
            return Dotted((*parts, *rest.items), rest.tail)
        return Dotted(tuple(parts), tail)

    def _identifier(self, symbol: Symbol, use: Syntax) -> Syntax:
        """A symbol that the transformer came up with; that of ``gensym`` is like no other."""
        scopes = self.scopes
        if intern(symbol.name) is not symbol:
            scopes = scopes.changed(SCOPES.setdefault(symbol, Scope()))
        return Syntax(symbol, use.span, scopes, use.trail)

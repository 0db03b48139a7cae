"""``quote`` and ``quasiquote`` with nesting, splicing and vectors."""

from __future__ import annotations

from typing import TypeGuard

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import Call, Const, GlobalRef, Node
from eshkol.datum.pairs import NIL, cons
from eshkol.datum.symbols import intern
from eshkol.datum.values import Vector
from eshkol.expand.conditional_forms import is_keyword
from eshkol.expand.expander import Expander, core_form
from eshkol.expand.grammar import match_form
from eshkol.syntax.objects import Dotted, Syntax, VectorForm, to_datum


@core_form("(quote datum)")
def expand_quote(expander: Expander, form: Syntax, usage: str) -> Node:
    return Const(form.span, to_datum(match_form(usage, form)["datum"]))


@core_form("(unquote expression)")
def expand_unquote(expander: Expander, form: Syntax, usage: str) -> Node:
    raise ExpandError(
        "unquote (,) stands only inside a quasiquote (`)",
        span=form.span,
        hint="arguments and elements are separated by spaces alone",
    )


@core_form("(unquote-splicing expression)")
def expand_unquote_splicing(expander: Expander, form: Syntax, usage: str) -> Node:
    raise ExpandError("unquote-splicing (,@) stands only inside a quasiquote (`)", span=form.span)


@core_form("(quasiquote template)")
def expand_quasiquote(expander: Expander, form: Syntax, usage: str) -> Node:
    return _template(expander, match_form(usage, form)["template"], 1)


def _call(name: str, form: Syntax, *arguments: Node) -> Node:
    return Call(form.span, GlobalRef(form.span, name), arguments)


def _is_constant(node: Node) -> TypeGuard[Const]:
    return isinstance(node, Const)


def _template(expander: Expander, form: Syntax, depth: int) -> Node:
    content = form.content
    if isinstance(content, VectorForm):
        items = Syntax(content.items, form.span)
        node = _items(expander, content.items, None, depth, items)
        if _is_constant(node):
            return Const(form.span, Vector(node.value))
        return _call(" list->vector", form, node)
    if isinstance(content, Dotted):
        return _items(expander, content.items, content.tail, depth, form)
    if not form.is_list:
        return Const(form.span, to_datum(form))
    for keyword, change in CHANGES_OF_DEPTH.items():
        if len(form.parts) == 2 and is_keyword(form.parts[0], keyword):
            return _nested(expander, form, keyword, depth + change)
    return _items(expander, form.parts, None, depth, form)


CHANGES_OF_DEPTH = {"unquote": -1, "unquote-splicing": -1, "quasiquote": 1}


def _nested(expander: Expander, form: Syntax, keyword: str, depth: int) -> Node:
    """A form that changes the depth to ``depth``, where it does not stand among list items."""
    if depth > 0:
        return _rebuilt(form, keyword, _items(expander, form.parts[1:], None, depth, form))
    if keyword == "unquote-splicing":
        raise ExpandError(
            "unquote-splicing (,@) stands only inside a list or vector", span=form.span
        )
    return expander.expand(form.parts[1])


def _rebuilt(form: Syntax, keyword: str, rest: Node) -> Node:
    """The list of ``keyword`` and the list ``rest``."""
    if _is_constant(rest):
        return Const(form.span, cons(intern(keyword), rest.value))
    return _call(" cons", form, Const(form.span, intern(keyword)), rest)


def _is_dotted_abbreviation(item: Syntax) -> bool:
    """Whether a list that ends in this and one more item is ``(… . ,x)`` or ``(… . `x)``."""
    return is_keyword(item, "unquote") or is_keyword(item, "quasiquote")


def _items(
    expander: Expander,
    items: tuple[Syntax, ...],
    tail: Syntax | None,
    depth: int,
    form: Syntax,
) -> Node:
    """The list of ``items`` ending in ``tail``, built from its end."""
    if tail is None and len(items) >= 2 and _is_dotted_abbreviation(items[-2]):
        items, tail = items[:-2], Syntax(items[-2:], form.span)
    node = Const(form.span, NIL) if tail is None else _template(expander, tail, depth)
    constant = True
    for item in reversed(items):
        spliced = item.is_list and len(item.parts) == 2
        if spliced and is_keyword(item.parts[0], "unquote-splicing"):
            node = _splice(expander, item, node, depth)
            constant = False
            continue
        first = _template(expander, item, depth)
        if constant and _is_constant(first) and _is_constant(node):
            node = Const(form.span, cons(first.value, node.value))
        else:
            node = _call(" cons", form, first, node)
    return node


def _splice(expander: Expander, item: Syntax, rest: Node, depth: int) -> Node:
    if depth == 1:
        return _call(" append", item, expander.expand(item.parts[1]), rest)
    return _call(" cons", item, _nested(expander, item, "unquote-splicing", depth - 1), rest)

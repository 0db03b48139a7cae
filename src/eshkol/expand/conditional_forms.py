"""Conditionals on top of ``if``: ``cond``, ``case``, ``and``, ``or``, ``when``, ``unless``."""

from __future__ import annotations

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import Call, Const, GlobalRef, If, Let, LocalRef, Node, Variable
from eshkol.expand.expander import Expander, core_form, sequence, unspecified
from eshkol.expand.grammar import match_form, shown
from eshkol.expand.scopes import CoreForm, resolve
from eshkol.syntax.objects import Syntax, to_datum


@core_form("(else)")
def expand_else(expander: Expander, form: Syntax, usage: str) -> Node:
    raise ExpandError("else stands only last in cond, case and guard", span=form.span)


@core_form("(=>)")
def expand_arrow(expander: Expander, form: Syntax, usage: str) -> Node:
    raise ExpandError("=> stands only inside a clause of cond or case", span=form.span)


def is_keyword(form: Syntax, name: str) -> bool:
    """Whether ``form`` is the auxiliary keyword ``name`` (and nothing shadows it)."""
    if not form.is_identifier:
        return False
    binding = resolve(form)
    return isinstance(binding, CoreForm) and binding.name == name


@core_form("(when test body ...+)")
def expand_when(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    body = sequence([expander.expand(part) for part in captures["body"]], form)
    return If(form.span, expander.expand(captures["test"]), body, unspecified(form))


@core_form("(unless test body ...+)")
def expand_unless(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    body = sequence([expander.expand(part) for part in captures["body"]], form)
    return If(form.span, expander.expand(captures["test"]), unspecified(form), body)


@core_form("(and expression ...)")
def expand_and(expander: Expander, form: Syntax, usage: str) -> Node:
    parts = [expander.expand(part) for part in match_form(usage, form)["expression"]]
    if not parts:
        return Const(form.span, True)
    node = parts.pop()
    while parts:
        node = If(form.span, parts.pop(), node, Const(form.span, False))
    return node


@core_form("(or expression ...)")
def expand_or(expander: Expander, form: Syntax, usage: str) -> Node:
    parts = [expander.expand(part) for part in match_form(usage, form)["expression"]]
    if not parts:
        return Const(form.span, False)
    node = parts.pop()
    while parts:
        node = _or_else(form, parts.pop(), node)
    return node


def _or_else(form: Syntax, first: Node, second: Node) -> Node:
    variable = Variable("or")
    value = LocalRef(form.span, variable)
    return Let(form.span, (variable,), (first,), If(form.span, value, value, second))


@core_form("(cond clause ...+)")
def expand_cond(expander: Expander, form: Syntax, usage: str) -> Node:
    clauses = match_form(usage, form)["clause"]
    node: Node = unspecified(form)
    for index in range(len(clauses) - 1, -1, -1):
        node = _cond_clause(expander, form, clauses[index], node, index == len(clauses) - 1)
    return node


def _clause_parts(form: Syntax, clause: Syntax, usage: str) -> tuple[Syntax, ...]:
    if not clause.is_list or not clause.parts:
        raise ExpandError(
            f"{form.parts[0].name}: expected a clause {usage}, got {shown(clause)}",
            span=clause.span,
            trail=form.trail,
        )
    return clause.parts


def _cond_clause(
    expander: Expander, form: Syntax, clause: Syntax, rest: Node, is_last: bool
) -> Node:
    test, *body = _clause_parts(form, clause, "(test expression …) or (else expression …)")
    if is_keyword(test, "else"):
        _check_else(form, clause, is_last, body)
        return sequence([expander.expand(part) for part in body], clause)
    condition = expander.expand(test)
    if not body:
        return _or_else(clause, condition, rest)
    if is_keyword(body[0], "=>"):
        receiver = _receiver(expander, form, clause, body)
        variable = Variable("cond")
        value = LocalRef(test.span, variable)
        call = Call(clause.span, receiver, (value,))
        return Let(clause.span, (variable,), (condition,), If(clause.span, value, call, rest))
    then = sequence([expander.expand(part) for part in body], clause)
    return If(clause.span, condition, then, rest)


def _check_else(form: Syntax, clause: Syntax, is_last: bool, body: list[Syntax]) -> None:
    keyword = form.parts[0].name
    if not is_last:
        raise ExpandError(
            f"{keyword}: else must be the last clause", span=clause.span, trail=form.trail
        )
    if not body:
        raise ExpandError(
            f"{keyword}: the else clause has no expression", span=clause.span, trail=form.trail
        )


def _receiver(expander: Expander, form: Syntax, clause: Syntax, body: list[Syntax]) -> Node:
    if len(body) != 2:
        raise ExpandError(
            f"{form.parts[0].name}: => takes one procedure",
            span=clause.span,
            hint="use: (test => procedure)",
            trail=form.trail,
        )
    return expander.expand(body[1])


@core_form("(case key clause ...+)")
def expand_case(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    variable = Variable("key")
    clauses = captures["clause"]
    node: Node = unspecified(form)
    for index in range(len(clauses) - 1, -1, -1):
        is_last = index == len(clauses) - 1
        node = _case_clause(expander, form, clauses[index], variable, node, is_last)
    return Let(form.span, (variable,), (expander.expand(captures["key"]),), node)


def _case_clause(
    expander: Expander, form: Syntax, clause: Syntax, key: Variable, rest: Node, is_last: bool
) -> Node:
    data, *body = _clause_parts(form, clause, "((datum …) expression …)")
    value = LocalRef(form.span, key)
    if not body:
        raise ExpandError("case: this clause has no expression", span=clause.span, trail=form.trail)
    if is_keyword(body[0], "=>"):
        then: Node = Call(clause.span, _receiver(expander, form, clause, body), (value,))
    else:
        then = sequence([expander.expand(part) for part in body], clause)
    if is_keyword(data, "else"):
        _check_else(form, clause, is_last, body)
        return then
    if not data.is_list:
        raise ExpandError(
            f"case: expected a list of data, got {shown(data)}",
            span=data.span,
            hint="use: ((datum …) expression …)",
            trail=form.trail,
        )
    if not data.parts:
        return rest
    test: Node = Const(data.span, False)
    for part in reversed(data.parts):
        datum = Const(part.span, to_datum(part))
        same = Call(data.span, GlobalRef(data.span, " eqv?"), (value, datum))
        last = part is data.parts[-1]
        test = same if last else If(data.span, same, Const(data.span, True), test)
    return If(clause.span, test, then, rest)

"""Forms that bind multiple values: ``let-values``, ``let*-values``, ``define-values``, ``receive``.

The values are taken apart where they are bound, and the body stays in tail position.
"""

from __future__ import annotations

from typing import NamedTuple

from eshkol.base.errors import ExpandError
from eshkol.datum.symbols import intern
from eshkol.expand.expander import CORE_SCOPES, Expander, derived_form
from eshkol.expand.grammar import match_form, parts_with_tail, shown
from eshkol.expand.parameters import check_distinct
from eshkol.expand.templates import fill, template_form
from eshkol.syntax.objects import Syntax

template_form(
    "(receive formals expression body ...+)", "(let-values ((formals expression)) body ...)"
)


class Formals(NamedTuple):
    """The variables that take the values of one expression."""

    names: list[Syntax]
    rest: Syntax | None

    @property
    def all(self) -> list[Syntax]:
        """All variables, that of the rest last."""
        return self.names if self.rest is None else [*self.names, self.rest]


def _formals(form: Syntax, shape: Syntax) -> Formals:
    names, rest = parts_with_tail(shape)
    for name in (*names, *([] if rest is None else [rest])):
        if not name.is_identifier:
            raise ExpandError(
                f"{form.parts[0].name}: expected a name, got {shown(name)}",
                span=name.span,
                hint="values are bound by (name …), (name … . rest) or rest",
                trail=form.trail,
            )
    return Formals(list(names), rest)


def _introduced(form: Syntax, name: str) -> Syntax:
    return Syntax(intern(name), form.span, CORE_SCOPES, form.trail)


def _taken(form: Syntax, formals: Formals, expression: Syntax) -> Syntax:
    """The expression whose value is the tuple of the values of the variables."""
    captures = {
        "expression": expression,
        "count": Syntax(len(formals.names), form.span),
        "rest": Syntax(formals.rest is not None, form.span),
        "who": Syntax(form.parts[0].name, form.span),
    }
    return fill("(| take_values| expression count rest who)", form, captures)


def _item(form: Syntax, values: Syntax, index: int) -> Syntax:
    captures = {"values": values, "index": Syntax(index, form.span)}
    return fill("(| item| values index)", form, captures)


@derived_form("(let-values ((formals expression) ...) body ...+)")
def rewrite_let_values(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Bind the values of expressions, which are computed outside of the scope (R7RS 4.2.2)."""
    captures = match_form(usage, form)
    groups = [_formals(form, shape) for shape in captures["formals"]]
    check_distinct([name for formals in groups for name in formals.all], form)
    tuples = [_introduced(form, f"values {index}") for index in range(len(groups))]
    taken = [
        _taken(form, formals, expression)
        for formals, expression in zip(groups, captures["expression"], strict=True)
    ]
    names = [name for formals in groups for name in formals.all]
    items = [
        _item(form, values, index)
        for values, formals in zip(tuples, groups, strict=True)
        for index in range(len(formals.all))
    ]
    return fill(
        "(let ((tuple taken) ...) (let ((name item) ...) body ...))",
        form,
        {"tuple": tuples, "taken": taken, "name": names, "item": items, "body": captures["body"]},
    )


@derived_form("(let*-values ((formals expression) ...) body ...+)")
def rewrite_let_star_values(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Bind the values of expressions one after another, each in the scope of those before."""
    captures = match_form(usage, form)
    result = fill("(let () body ...)", form, {"body": captures["body"]})
    pairs = list(zip(captures["formals"], captures["expression"], strict=True))
    for formals, expression in reversed(pairs):
        result = fill(
            "(let-values ((formals expression)) body)",
            form,
            {"formals": formals, "expression": expression, "body": result},
        )
    return result


@derived_form("(define-values formals expression)")
def rewrite_define_values(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Define variables by the values of an expression (R7RS 5.3.3)."""
    captures = match_form(usage, form)
    formals = _formals(form, captures["formals"])
    check_distinct(formals.all, form)
    values = _introduced(form, "values")
    items = [_item(form, values, index) for index in range(len(formals.all))]
    return fill(
        "(begin (define values taken) (define name item) ...)",
        form,
        {
            "values": values,
            "taken": _taken(form, formals, captures["expression"]),
            "name": formals.all,
            "item": items,
        },
    )

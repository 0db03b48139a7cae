"""Forms about control: ``guard``, ``parameterize``, ``delay`` and its kin, ``let/cc``."""

from __future__ import annotations

from eshkol.base.errors import ExpandError
from eshkol.expand.conditional_forms import is_keyword
from eshkol.expand.expander import Expander, derived_form
from eshkol.expand.grammar import match_form, shown
from eshkol.expand.templates import fill, template_form
from eshkol.syntax.objects import Syntax

template_form("(delay expression)", "(| delay| (lambda () expression))")
template_form("(delay-force expression)", "(| delay-force| (lambda () expression))")
template_form("(cons-stream first rest)", "(cons first (delay rest))")
template_form("(with-checks body ...+)", "(| with_checks| (lambda () body ...))")
template_form(
    "(with-max-depth calls body ...+)", "(call-with-max-depth calls (lambda () body ...))"
)
template_form("(with-rng key body ...+)", "(call-with-rng key (lambda () body ...))")
template_form(
    "(with-precision precision body ...+)", "(| with_precision| precision (lambda () body ...))"
)
template_form("(let/cc name:id body ...+)", "(| call/cc| (lambda (name) body ...))")
template_form("(let/ec name:id body ...+)", "(| call/cc| (lambda (name) body ...))")


@derived_form("(parameterize ((parameter value) ...) body ...+)")
def rewrite_parameterize(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Parameters have other values while a body runs (R7RS 4.2.6)."""
    captures = match_form(usage, form)
    pairs = zip(captures["parameter"], captures["value"], strict=True)
    captures["operand"] = [part for pair in pairs for part in pair]
    return fill("(| parameterize| (lambda () body ...) operand ...)", form, captures)


# ---- guard

CLAUSE_USAGE = "(test expression …), (test => procedure) or (else expression …)"


@derived_form("(guard (name:id clause ...) body ...+)")
def rewrite_guard(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Run a body; the clauses handle what is raised meanwhile (R7RS 4.2.7).

    The tests only select a clause: they run before it is known whether the stack is left for good.
    The procedure that they give runs the clause afterwards, in tail position.
    """
    captures = match_form(usage, form)
    clauses = captures["clause"]
    has_else = bool(clauses) and _is_else(clauses[-1])
    selecting = [
        _selecting_clause(form, clause, clause is clauses[-1], usage) for clause in clauses
    ]
    captures["clause"] = selecting if has_else else [*selecting, fill("(else #f)", form, {})]
    return fill(
        "((| guard| (lambda () body ...) (lambda (name) (cond clause ...))))", form, captures
    )


def _is_else(clause: Syntax) -> bool:
    return clause.is_list and bool(clause.parts) and is_keyword(clause.parts[0], "else")


def _selecting_clause(form: Syntax, clause: Syntax, is_last: bool, usage: str) -> Syntax:
    """A clause of ``guard`` as one of ``cond`` that gives a procedure to run it."""
    if not clause.is_list or not clause.parts:
        raise ExpandError(
            f"guard: expected a clause {CLAUSE_USAGE}, got {shown(clause)}",
            span=clause.span,
            hint=f"use: {usage.replace(':id', '')}",
            trail=form.trail,
        )
    test, *body = clause.parts
    captures = {"test": test, "body": body}
    if _is_else(clause):
        _check_else(form, clause, is_last)
        return fill("(test (lambda () body ...))", form, captures)
    if not body:
        return fill("(test => (lambda (value) (lambda () value)))", form, captures)
    if is_keyword(body[0], "=>"):
        if len(body) != 2:
            raise ExpandError(
                "guard: => takes one procedure",
                span=clause.span,
                hint="use: (test => procedure)",
                trail=form.trail,
            )
        captures = {"test": test, "arrow": body[0], "receiver": body[1]}
        return fill("(test arrow (lambda (value) (lambda () (receiver value))))", form, captures)
    return fill("(test (lambda () body ...))", form, captures)


def _check_else(form: Syntax, clause: Syntax, is_last: bool) -> None:
    if not is_last or len(clause.parts) < 2:
        problem = "must be the last clause" if not is_last else "has no expression"
        raise ExpandError(f"guard: else {problem}", span=clause.span, trail=form.trail)

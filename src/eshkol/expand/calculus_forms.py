"""``diff``: the derivative of an expression that is written as it is, without a quote."""

from __future__ import annotations

from collections.abc import Iterator

from eshkol.expand.expander import Expander, derived_form
from eshkol.expand.grammar import match_form, misfit
from eshkol.expand.templates import fill
from eshkol.syntax.objects import Syntax

_EVALUATED = ("quote", "quasiquote", "lambda", "symbolic-derivative", "diff", "differentiate")
"""An expression with one of these at its head gives the expression or procedure that is meant."""

_ARITHMETIC = frozenset(
    "+ - * / expt pow sqrt square cube exp log sin cos tan asin acos atan sinh cosh tanh "
    "asinh acosh atanh".split()
)
"""With one of these at its head it is meant itself, however the variable is written."""


@derived_form("(diff expression variable ...)")
def rewrite_diff(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """The derivative of an expression with respect to variables, as a simplified expression.

    The expression may be quoted or not; one that gives a procedure stands for its body, and so
    does a call without the variables that gives one. A variable may be followed by how often to
    differentiate.
    """
    return _differentiated(form, usage)


@derived_form("(differentiate expression variable ...)")
def rewrite_differentiate(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Another name of ``diff``."""
    return _differentiated(form, usage)


def _differentiated(form: Syntax, usage: str) -> Syntax:
    captures = match_form(usage, form)
    expression, variables = captures["expression"], captures["variable"]
    given = [_variable(part, form, usage) for part in variables]
    is_named = bool(variables) and variables[0].is_identifier
    words = {"expression": expression, "variable": given}
    if expression.is_identifier or _may_be_procedure(expression, variables):
        return fill(
            """(symbolic-derivative (differentiand (lambda () expression) 'expression)
                                    variable ...)""",
            form,
            words,
        )
    if _is_meant_itself(expression, is_named):
        return fill("(symbolic-derivative 'expression variable ...)", form, words)
    return fill("(symbolic-derivative expression variable ...)", form, words)


def _variable(part: Syntax, form: Syntax, usage: str) -> Syntax:
    """A variable as a quoted symbol; a count, or what is quoted already, as it is."""
    if part.is_identifier:
        return fill("'name", form, {"name": part})
    if part.datum.__class__ is int or _head(part) == "quote":
        return part
    raise misfit(usage, form, "expected a variable", part)


def _head(part: Syntax) -> str:
    if not part.is_list or not part.parts or not part.parts[0].is_identifier:
        return ""
    return part.parts[0].name


def _may_be_procedure(expression: Syntax, variables: tuple[Syntax, ...]) -> bool:
    """Whether it is a call that is no expression of numbers, or one without the variables.

    What it gives tells: a procedure or an expression, else it is a constant.
    """
    head = _head(expression)
    if not variables or not head or head in _ARITHMETIC or head in _EVALUATED:
        return False
    names = {name for part in variables for name in _identifiers(part)} - {"quote"}
    found = set(_identifiers(expression))
    return not found & names or bool(found & {"quote", "lambda"})


def _identifiers(form: Syntax) -> Iterator[str]:
    if form.is_identifier:
        yield form.name
    elif form.is_list:
        for part in form.parts:
            yield from _identifiers(part)


def _is_meant_itself(expression: Syntax, is_named: bool) -> bool:
    head = _head(expression)
    if head in _ARITHMETIC:
        return True
    return is_named and head not in _EVALUATED

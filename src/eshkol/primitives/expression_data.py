"""Expressions as data.

An *expression* is a number, a symbol, or a tuple of an operator and its arguments; the operator is
the name of a procedure, or any expression.
"""

from __future__ import annotations

from typing import Any

from eshkol.autodiff.plain import EXACT, PLAIN
from eshkol.base.errors import WrongType
from eshkol.datum.pairs import NIL, Pair, scheme_list, spine
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.write import short_string, write_string
from eshkol.primitives.declare import load

Expression = Any


def expression_of(who: str, datum: Any) -> Expression:
    """A datum as an expression.

    Raises:
        WrongType: naming ``who``, for what is no expression.
    """
    if datum.__class__ in PLAIN or datum.__class__ is bool or isinstance(datum, Symbol):
        return datum
    if datum.__class__ is Pair:
        items, tail = spine(datum)
        if tail is NIL:
            head, *arguments = items
            operator = head.name if isinstance(head, Symbol) else expression_of(who, head)
            return _plainly((operator, *(expression_of(who, argument) for argument in arguments)))
    raise WrongType(
        f"{who}: expected an expression of numbers, got {short_string(datum)}",
        hint="an expression is a number, a symbol or a list such as '(* x (sin x))",
    )


def _plainly(expression: Expression) -> Expression:
    """A ``cond`` as conditionals, the call of a ``lambda`` as a ``let``; else as it is."""
    head, *arguments = expression
    if head == "cond" and all(map(_is_clause, arguments)):
        return _conditionals(arguments) if arguments else expression
    if _is_lambda(head) and arguments and not any(map(_is_lambda, arguments)):
        _, names, body = head
        if len(names) == len(arguments):
            bindings = zip(map(_name, names), arguments, strict=True)
            return ("let", tuple(bindings), body)
    return expression


def _is_clause(clause: Expression) -> bool:
    return isinstance(clause, tuple) and len(clause) > 1 and clause[1] is not intern("=>")


def _conditionals(clauses: list[Expression]) -> Expression:
    (test, *body), *rest = clauses
    value = body[0] if len(body) == 1 else ("begin", *body)
    if test == "else":
        return value
    others = [_conditionals(rest)] if rest else []
    return ("if", intern(test) if isinstance(test, str) else test, value, *others)


def _is_lambda(expression: Expression) -> bool:
    """Whether it is a ``lambda`` with a list of parameters and a body of one expression."""
    is_lambda = isinstance(expression, tuple) and expression[0] == "lambda"
    return is_lambda and len(expression) == 3 and isinstance(expression[1], tuple)


def _name(name: Any) -> str:
    return name.name if isinstance(name, Symbol) else name


Source = tuple[Expression, list[Symbol]]
"""What a procedure computes, as an expression, and the parameters in it."""


def source_of(who: str, procedure: Any, name: Symbol | None = None) -> Source:
    """What a procedure computes, as an expression of its parameters.

    The only parameter of one whose own name for it is not known is called ``name``.
    """
    return load("eshkol.runtime.expressions:expression_of_procedure")(who, procedure, name)


def executed_source_of(procedure: Any, name: Symbol | None = None) -> Source | None:
    """The same as it is found by calling the procedure with symbols; None if that fails."""
    return load("eshkol.runtime.expressions:executed_expression")(procedure, name)


def meant(who: str, value: Any) -> Expression:
    """The expression that a datum is, or that a procedure computes."""
    return source_of(who, value)[0] if callable(value) else expression_of(who, value)


def datum_of(expression: Expression) -> Any:
    """An expression as a datum."""
    if not isinstance(expression, tuple):
        return expression
    head, *arguments = expression
    operator = intern(head) if isinstance(head, str) else datum_of(head)
    return scheme_list([operator, *map(datum_of, arguments)])


def key_of(expression: Expression) -> str:
    """A text that is the same for expressions that differ in the order of sums and products."""
    if not isinstance(expression, tuple):
        return write_string(expression)
    head, *arguments = expression
    keys = list(map(key_of, arguments))
    if head in ("+", "*"):
        keys.sort()
    return f"({head if isinstance(head, str) else key_of(head)} {' '.join(keys)})"


def is_number(expression: Expression, value: Any = None) -> bool:
    """Whether an expression is a number; or exactly the exact number ``value``."""
    if expression.__class__ not in PLAIN:
        return False
    return value is None or (expression.__class__ in EXACT and expression == value)


def size_of(expression: Expression) -> int:
    """The number of symbols and numbers in an expression."""
    return sum(map(size_of, expression)) if isinstance(expression, tuple) else 1


def substituted(expression: Expression, values: dict[str, Expression]) -> Expression:
    """An expression with other expressions in place of variables."""
    if isinstance(expression, Symbol):
        return values.get(expression.name, expression)
    if not isinstance(expression, tuple):
        return expression
    head, *arguments = expression
    if isinstance(head, str):
        operator = values.get(head, head)
        operator = operator.name if isinstance(operator, Symbol) else operator
    else:
        operator = substituted(head, values)
    return _plainly((operator, *(substituted(part, values) for part in arguments)))


def without_lets(expression: Expression) -> Expression:
    """An expression with the values of each ``let`` and ``let*`` in place of their names.

    The innermost come first, so no value gets into the scope of another name like one of its own.
    """
    if not isinstance(expression, tuple):
        return expression
    head, *arguments = expression
    is_let = head in ("let", "let*") and len(arguments) == 2 and isinstance(arguments[0], tuple)
    if not is_let:
        operator = without_lets(head) if isinstance(head, tuple) else head
        return (operator, *map(without_lets, arguments))
    body = without_lets(arguments[1])
    bindings = [(name, without_lets(value)) for name, value in arguments[0]]
    if head == "let":
        body = substituted(body, dict(bindings))
    else:
        for name, value in reversed(bindings):
            body = substituted(body, {name: value})
    return without_lets(body) if any(_is_lambda(value) for _, value in bindings) else body

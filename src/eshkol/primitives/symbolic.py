"""Symbolic derivatives: of expressions as data, and of procedures through their source.

``diff`` and ``differentiate`` are forms (see ``expand``) short for ``symbolic-derivative``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.pairs import Pair, scheme_list
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import list_argument, size_argument, symbol_argument
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.expansions import simplest
from eshkol.primitives.expression_data import Expression, datum_of, expression_of, is_number
from eshkol.primitives.simplification import simplified

WHO = "diff"

UNARY: dict[str, Callable[[Expression], Expression]] = {
    "sin": lambda u: ("cos", u),
    "cos": lambda u: ("-", ("sin", u)),
    "tan": lambda u: ("+", 1, ("expt", ("tan", u), 2)),
    "exp": lambda u: ("exp", u),
    "expm1": lambda u: ("exp", u),
    "log": lambda u: ("/", 1, u),
    "log1p": lambda u: ("/", 1, ("+", 1, u)),
    "asin": lambda u: ("/", 1, ("sqrt", ("-", 1, ("expt", u, 2)))),
    "acos": lambda u: ("-", ("/", 1, ("sqrt", ("-", 1, ("expt", u, 2))))),
    "atan": lambda u: ("/", 1, ("+", 1, ("expt", u, 2))),
    "sinh": lambda u: ("cosh", u),
    "cosh": lambda u: ("sinh", u),
    "tanh": lambda u: ("-", 1, ("expt", ("tanh", u), 2)),
    "asinh": lambda u: ("/", 1, ("sqrt", ("+", ("expt", u, 2), 1))),
    "acosh": lambda u: ("/", 1, ("*", ("sqrt", ("-", u, 1)), ("sqrt", ("+", u, 1)))),
    "atanh": lambda u: ("/", 1, ("-", 1, ("expt", u, 2))),
    "sqrt": lambda u: ("/", 1, ("*", 2, ("sqrt", u))),
    "square": lambda u: ("*", 2, u),
    "cube": lambda u: ("*", 3, ("expt", u, 2)),
    "abs": lambda u: ("sign", u),
    "magnitude": lambda u: ("sign", u),
    "sigmoid": lambda u: ("*", ("sigmoid", u), ("-", 1, ("sigmoid", u))),
    "relu": lambda u: ("if", (">", u, 0), 1, 0),
    "softplus": lambda u: ("sigmoid", u),
    "erf": lambda u: ("*", 2 / math.sqrt(math.pi), ("exp", ("-", ("expt", u, 2)))),
    "reciprocal": lambda u: ("-", ("/", 1, ("expt", u, 2))),
    "1+": lambda u: 1,
    "add1": lambda u: 1,
    "-1+": lambda u: 1,
    "sub1": lambda u: 1,
    "1-": lambda u: 1,
    "exact->inexact": lambda u: 1,
    "inexact": lambda u: 1,
    "exact": lambda u: 1,
    "inexact->exact": lambda u: 1,
    "identity": lambda u: 1,
}
"""The derivative of each function of one number, as an expression of its argument."""

CONSTANT = frozenset(
    "floor ceiling round truncate sign quotient floor-quotient truncate-quotient "
    "stop-gradient".split()
)
"""Functions whose derivative is zero wherever they have one."""


def derivative_of(expression: Expression, x: Symbol) -> Expression:
    """The derivative of an expression with respect to a variable, not simplified yet."""
    if not isinstance(expression, tuple):
        return 1 if expression is x else 0
    if not _occurs(x, expression):
        return 0
    head, *arguments = expression
    if head in CONSTANT:
        return 0
    if head in UNARY and len(arguments) == 1:
        (u,) = arguments
        return ("*", UNARY[head](u), derivative_of(u, x))
    rule = _RULES.get(head) if isinstance(head, str) else None
    return _unknown(expression, x) if rule is None else rule(arguments, x)


def _occurs(x: Symbol, expression: Expression) -> bool:
    if isinstance(expression, tuple):
        return any(_occurs(x, part) for part in expression)
    return expression is x


def _unknown(expression: Expression, x: Symbol) -> Expression:
    """By the chain rule, where the derivative of the function itself is left to ``derivative``."""
    head, *arguments = expression
    if len(arguments) != 1 or not isinstance(head, str | tuple) or head in _SYNTAX:
        raise BadValue(
            f"{WHO}: no rule for the derivative of {short_string(datum_of(expression))}",
            hint="derivative and gradient differentiate any procedure at a point",
        )
    (u,) = arguments
    function = intern(head) if isinstance(head, str) else head
    return ("*", (("derivative", function), u), derivative_of(u, x))


_SYNTAX = frozenset(
    "lambda define set! do case when unless named-lambda letrec letrec* and or not".split()
)


def _sum_rule(arguments: list[Expression], x: Symbol) -> Expression:
    return ("+", *(derivative_of(u, x) for u in arguments))


def _difference_rule(arguments: list[Expression], x: Symbol) -> Expression:
    return ("-", *(derivative_of(u, x) for u in arguments))


def _product_rule(arguments: list[Expression], x: Symbol) -> Expression:
    terms = []
    for index, u in enumerate(arguments):
        slope = derivative_of(u, x)
        if not is_number(slope, 0):
            terms.append(("*", *arguments[:index], slope, *arguments[index + 1 :]))
    return ("+", *terms)


def _quotient_rule(arguments: list[Expression], x: Symbol) -> Expression:
    if len(arguments) == 1:
        arguments = [1, *arguments]
    u, *divisors = arguments
    v = divisors[0] if len(divisors) == 1 else ("*", *divisors)
    du, dv = simplified(derivative_of(u, x)), simplified(derivative_of(v, x))
    if is_number(dv, 0):
        return ("/", du, v)
    if is_number(du, 0):
        return ("-", ("/", ("*", u, dv), ("expt", v, 2)))
    return ("/", ("-", ("*", du, v), ("*", u, dv)), ("expt", v, 2))


def _power_rule(arguments: list[Expression], x: Symbol) -> Expression:
    u, v = arguments
    if not _occurs(x, v):
        lower = simplified(("-", v, 1))
        return ("*", v, ("expt", u, lower), derivative_of(u, x))
    if not _occurs(x, u):
        return ("*", ("expt", u, v), ("log", u), derivative_of(v, x))
    inner = ("+", ("*", derivative_of(v, x), ("log", u)), ("/", ("*", v, derivative_of(u, x)), u))
    return ("*", ("expt", u, v), inner)


def _logarithm_rule(arguments: list[Expression], x: Symbol) -> Expression:
    u, base = arguments
    return derivative_of(("/", ("log", u), ("log", base)), x)


def _angle_rule(arguments: list[Expression], x: Symbol) -> Expression:
    v, u = arguments
    radius = ("+", ("expt", u, 2), ("expt", v, 2))
    slope = ("-", ("*", u, derivative_of(v, x)), ("*", v, derivative_of(u, x)))
    return ("/", slope, radius)


def _remainder_rule(rounding: str) -> Callable[[list[Expression], Symbol], Expression]:
    def rule(arguments: list[Expression], x: Symbol) -> Expression:
        u, v = arguments
        whole = (rounding, ("/", u, v))
        return ("-", derivative_of(u, x), ("*", whole, derivative_of(v, x)))

    return rule


def _choice_rule(comparison: str) -> Callable[[list[Expression], Symbol], Expression]:
    def rule(arguments: list[Expression], x: Symbol) -> Expression:
        *others, last = arguments
        if not others:
            return derivative_of(last, x)
        head = "max" if comparison == ">=" else "min"
        rest = others[0] if len(others) == 1 else (head, *others)
        return ("if", (comparison, rest, last), derivative_of(rest, x), derivative_of(last, x))

    return rule


def _condition_rule(arguments: list[Expression], x: Symbol) -> Expression:
    if len(arguments) != 3:
        raise BadValue(
            f"{WHO}: a conditional without an else has no value to differentiate",
            hint="use: (if test then else)",
        )
    test, then, otherwise = arguments
    return ("if", test, derivative_of(then, x), derivative_of(otherwise, x))


def _clauses_rule(arguments: list[Expression], x: Symbol) -> Expression:
    (test, *body), *rest = arguments
    if test == "else":
        return derivative_of(body[-1], x)
    if len(body) != 1 or not rest:
        return _unknown(("cond", *arguments), x)
    return ("if", _head_as_symbol(test), derivative_of(body[0], x), _clauses_rule(rest, x))


def _head_as_symbol(part: Expression) -> Expression:
    return intern(part) if isinstance(part, str) else part


def _let_rule(arguments: list[Expression], x: Symbol) -> Expression:
    """A ``let`` is what its body is with the values in place of the names."""
    bindings, *body = arguments
    if isinstance(bindings, Symbol) or len(body) != 1:
        return _unknown(("let", *arguments), x)
    values = dict(map(_binding, bindings))
    return derivative_of(substituted(body[0], values), x)


def _lets_rule(arguments: list[Expression], x: Symbol) -> Expression:
    bindings, *body = arguments
    values: dict[str, Expression] = {}
    for binding in bindings:
        name, value = _binding(binding)
        values[name] = substituted(value, values)
    return derivative_of(substituted(body[-1], values), x)


def _binding(binding: Expression) -> tuple[str, Expression]:
    name, value = binding
    return name, value


def substituted(expression: Expression, values: dict[str, Expression]) -> Expression:
    """An expression with other expressions in place of variables."""
    if isinstance(expression, Symbol):
        return values.get(expression.name, expression)
    if not isinstance(expression, tuple):
        return expression
    head, *arguments = expression
    if head in ("let", "let*") and isinstance(arguments[0], tuple):
        own = {name for name, _ in map(_binding, arguments[0])}
        bindings = tuple((name, substituted(value, values)) for name, value in arguments[0])
        inner = {name: value for name, value in values.items() if name not in own}
        return (head, bindings, *(substituted(part, inner) for part in arguments[1:]))
    return (head, *(substituted(part, values) for part in arguments))


_RULES: dict[str, Callable[[list[Expression], Symbol], Expression]] = {
    "+": _sum_rule,
    "-": _difference_rule,
    "*": _product_rule,
    "/": _quotient_rule,
    "expt": _power_rule,
    "pow": _power_rule,
    "log": _logarithm_rule,
    "atan": _angle_rule,
    "atan2": _angle_rule,
    "modulo": _remainder_rule("floor"),
    "floor-remainder": _remainder_rule("floor"),
    "remainder": _remainder_rule("truncate"),
    "max": _choice_rule(">="),
    "min": _choice_rule("<="),
    "if": _condition_rule,
    "cond": _clauses_rule,
    "let": _let_rule,
    "let*": _lets_rule,
    "begin": lambda arguments, x: derivative_of(arguments[-1], x),
}


# ---- procedures


@primitive("symbolic-derivative")
def symbolic_derivative(expression, *variables):
    """The derivative of an expression, as a simplified expression.

    Args:
        expression: a number, a symbol, a list such as ``'(* x (sin x))``; or a procedure, whose
            source is differentiated.
        variables: symbols; one may be followed by how often to differentiate. Left out, the
            parameter of the procedure, or the only variable of the expression.

    Raises:
        BadValue: there is no rule for something in it.

    Example:
        ``(symbolic-derivative '(* x (sin x)) 'x)`` ⇒ ``(+ (sin x) (* x (cos x)))``;
        ``(symbolic-derivative (lambda (t) (exp (* 2 t))))`` ⇒ ``(* (exp (* 2 t)) 2)``;
        ``(symbolic-derivative '(expt x 5) 'x 3)`` ⇒ ``(* 60 (expt x 2))``.
    """
    parameters: list[Symbol] = []
    if callable(expression):
        expression, parameters = load("eshkol.runtime.expressions:expression_of_procedure")(
            WHO, expression
        )
    else:
        expression = expression_of(WHO, expression)
    for x in _orders(variables) or [_only_variable(expression, parameters)]:
        expression = simplified(derivative_of(expression, x))
    return datum_of(expression)


def _orders(variables: tuple[Any, ...]) -> list[Symbol]:
    """Each variable as often as to differentiate with respect to it."""
    found: list[Symbol] = []
    for part in variables:
        if isinstance(part, Symbol) or not found:
            found.append(symbol_argument(WHO, part))
        else:
            times = size_argument(WHO, part)
            found[-1:] = [found[-1]] * times
    return found


def _only_variable(expression: Expression, parameters: list[Symbol]) -> Symbol:
    names = parameters or sorted(_variables(expression), key=lambda symbol: symbol.name)
    if len(names) != 1:
        shown = " ".join(symbol.name for symbol in names) or "no variables"
        raise BadValue(
            f"{WHO}: with respect to which variable? the expression has {shown}",
            hint=f"use: ({WHO} expression variable)",
        )
    return names[0]


def _variables(expression: Expression) -> set[Symbol]:
    if isinstance(expression, tuple):
        return set().union(*map(_variables, expression))
    return {expression} if isinstance(expression, Symbol) else set()


@primitive("differentiand")
def differentiand(get, name):
    """What ``(diff name x)`` differentiates: the expression or procedure that a variable holds.

    A variable that holds something else, or is not defined, is a symbol of the expression.

    Args:
        get: a procedure without parameters that gives the value of the variable.
        name: the symbol.

    Example: ``(differentiand (lambda () 5) 'a)`` ⇒ ``a``.
    """
    try:
        value = get()
    except NameError:
        return name
    return value if value.__class__ is Pair or callable(value) else name


@primitive("simplify")
def simplify(expression):
    """An equal expression that is simpler: like terms and factors are collected.

    Numbers are computed exactly. Where it makes the expression shorter, products of sums are
    multiplied out.

    Args:
        expression: as for ``symbolic-derivative``.

    Example:
        ``(simplify '(+ x (* 2 x) (expt (sin y) 2) (expt (cos y) 2)))`` ⇒ ``(+ (* 3 x) 1)``;
        ``(simplify '(- (* (+ x 1) (+ x 1)) (* x x)))`` ⇒ ``(+ (* 2 x) 1)``.
    """
    return datum_of(simplest(expression_of("simplify", expression)))


@primitive("symbolic->procedure")
def symbolic_to_procedure(expression, variables):
    """The procedure that computes an expression.

    Args:
        expression: as a datum; its other variables are those of the program.
        variables: the list of symbols that are the parameters.

    Example:
        ``((symbolic->procedure '(* x (+ x y)) '(x y)) 2 3)`` ⇒ ``10``.
    """
    who = "symbolic->procedure"
    names = [symbol_argument(who, name) for name in list_argument(who, variables)]
    datum = datum_of(expression_of(who, expression))
    lambda_form = scheme_list([intern("lambda"), scheme_list(names), datum])
    return load("eshkol.api.environments:program_of")(lambda_form)()

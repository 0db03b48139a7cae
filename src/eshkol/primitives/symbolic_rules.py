"""The rules by which expressions are differentiated."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from eshkol.base.errors import BadValue
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.write import short_string
from eshkol.primitives.activations import SELU_ALPHA, SELU_SCALE
from eshkol.primitives.expression_data import Expression, datum_of, is_number, without_lets
from eshkol.primitives.simplification import simplified

WHO = "diff"
Rule = Callable[[list[Expression], Symbol], Expression]
"""Of the arguments of a call, the derivative of its value with respect to a variable."""

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
    "erfc": lambda u: ("*", -2 / math.sqrt(math.pi), ("exp", ("-", ("expt", u, 2)))),
    "ndtr": lambda u: ("*", 1 / math.sqrt(2 * math.pi), ("exp", ("/", ("expt", u, 2), -2))),
    "gamma": lambda u: ("*", ("gamma", u), ("digamma", u)),
    "log-gamma": lambda u: ("digamma", u),
    "digamma": lambda u: ("polygamma", 1, u),
    "exp2": lambda u: ("*", ("log", 2), ("exp2", u)),
    "log2": lambda u: ("/", 1, ("*", ("log", 2), u)),
    "log10": lambda u: ("/", 1, ("*", ("log", 10), u)),
    "cbrt": lambda u: ("/", 1, ("*", 3, ("expt", ("cbrt", u), 2))),
    "logit": lambda u: ("/", 1, ("*", u, ("-", 1, u))),
    "rsqrt": lambda u: ("-", ("/", 1, ("*", 2, ("expt", u, Fraction(3, 2))))),
    "log-sigmoid": lambda u: ("sigmoid", ("-", u)),
    "relu6": lambda u: ("if", (">", u, 0), ("if", ("<", u, 6), 1, 0), 0),
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


_SAME = {
    "logistic": "sigmoid",
    "tanh-activation": "tanh",
    "negative": "-",
    "maximum": "max",
    "minimum": "min",
    "truncate-remainder": "remainder",
    "clamp": "clip",
    "lgamma": "log-gamma",
    "gammaln": "log-gamma",
    "tensor-sub": "-",
    "tensor-scale": "*",
    "tensor-neg": "-",
    "tensor-pow": "expt",
    **{f"tensor-{name}": name for name in "abs square exp log sqrt sin cos tanh".split()},
    **{f"tensor-{name}": name for name in "maximum minimum clip where".split()},
    **{f"tensor-{name}": sign for name, sign in zip(("add", "mul", "div"), "+*/", strict=True)},
}
"""Other names of functions that have a rule."""


def _clipped(u: Expression, low: Expression, high: Expression) -> Expression:
    raised = u if low is False else ("max", u, low)
    return raised if high is False else ("min", raised, high)


def _scaled_sigmoid(u: Expression, beta: Expression = 1) -> Expression:
    return ("*", u, ("sigmoid", ("*", beta, u)))


def _gelu(u: Expression) -> Expression:
    inner = ("*", math.sqrt(2 / math.pi), ("+", u, ("*", 0.044715, ("expt", u, 3))))
    return ("*", 0.5, u, ("+", 1, ("tanh", inner)))


def _hard_sigmoid(u: Expression) -> Expression:
    return ("/", ("min", ("max", ("+", u, 3), 0), 6), 6)


def _from_zero(u: Expression, below: Expression) -> Expression:
    return ("if", (">", u, 0), u, below)


def _elu(u: Expression, alpha: Expression = 1.0) -> Expression:
    return _from_zero(u, ("*", alpha, ("expm1", u)))


_DEFINITIONS: dict[str, Callable[..., Expression]] = {
    "clip": _clipped,
    "hypot": lambda x, y: ("sqrt", ("+", ("expt", x, 2), ("expt", y, 2))),
    "logaddexp": lambda x, y: ("log", ("+", ("exp", x), ("exp", y))),
    "xlogy": lambda x, y: ("*", x, ("log", y)),
    "xlog1py": lambda x, y: ("*", x, ("log1p", y)),
    "silu": _scaled_sigmoid,
    "swish": _scaled_sigmoid,
    "gelu": _gelu,
    "mish": lambda u: ("*", u, ("tanh", ("softplus", u))),
    "hard-sigmoid": _hard_sigmoid,
    "hard-swish": lambda u: ("*", u, _hard_sigmoid(u)),
    "leaky-relu": lambda u, alpha=0.01: _from_zero(u, ("*", alpha, u)),
    "elu": _elu,
    "celu": lambda u, alpha=1.0: _from_zero(u, ("*", alpha, ("expm1", ("/", u, alpha)))),
    "selu": lambda u: ("*", SELU_SCALE, _elu(u, SELU_ALPHA)),
    "softplus": lambda u, beta: ("/", ("softplus", ("*", beta, u)), beta),
}
"""What functions are in the words of others."""


def in_common_words(expression: Expression) -> Expression:
    """A call of a function that has another name, or a definition, in words that have rules."""
    head, *arguments = expression
    name = _SAME.get(head, head) if isinstance(head, str) else head
    name = _SAME.get(name, name) if isinstance(name, str) else name
    definition = _DEFINITIONS.get(name) if isinstance(name, str) else None
    if definition is None or (name in UNARY and len(arguments) == 1):
        return (name, *arguments)
    try:
        return definition(*arguments)
    except TypeError:
        return expression


_OF_NUMBERS = frozenset([*UNARY, "-", "/", "expt", "pow", "atan2", "max", "min"])
"""Functions of at least one number."""


def checked(who: str, expression: Expression) -> Expression:
    """An expression whose calls of functions of numbers have such arguments.

    Raises:
        BadValue: naming the call that has none, or a truth value.
    """
    if not isinstance(expression, tuple):
        return expression
    head, *arguments = expression
    if head in _OF_NUMBERS and not arguments:
        shown = short_string(datum_of(expression))
        raise BadValue(f"{who}: {head} takes at least 1 argument, in {shown} it has none")
    if head in _OF_NUMBERS or head in ("+", "*"):
        for argument in arguments:
            if argument.__class__ is bool:
                raise BadValue(
                    f"{who}: expected numbers as arguments of {head}, "
                    f"got {short_string(argument)} in {short_string(datum_of(expression))}"
                )
    for part in expression:
        checked(who, part)
    return expression


def derivative_of(expression: Expression, x: Symbol) -> Expression:
    """The derivative of an expression with respect to a variable, not simplified yet."""
    if not isinstance(expression, tuple):
        return 1 if expression is x else 0
    if not _occurs(x, expression):
        return 0
    head, *arguments = in_common_words(expression)
    if head in CONSTANT:
        return 0
    if head in UNARY and len(arguments) == 1:
        (u,) = arguments
        return ("*", UNARY[head](u), derivative_of(u, x))
    rule = _rule_of(head, len(arguments)) if isinstance(head, str) else None
    return _unknown(expression, x) if rule is None else rule(arguments, x)


def _rule_of(head: str, count: int) -> Rule | None:
    return _OF_TWO.get(head) if count == 2 and head in _OF_TWO else _OF_ANY.get(head)


def _occurs(x: Symbol, expression: Expression) -> bool:
    if isinstance(expression, tuple):
        return any(_occurs(x, part) for part in expression)
    return expression is x


def _unknown(expression: Expression, x: Symbol) -> Expression:
    """By the chain rule, where the derivative of the function itself is left to ``derivative``."""
    head, *arguments = expression
    is_function = isinstance(head, str | tuple) and not _occurs(x, head)
    if len(arguments) != 1 or not is_function or head in _SYNTAX or head in _OF_TWO:
        raise BadValue(
            f"{WHO}: no rule for the derivative of {short_string(datum_of(expression))}",
            hint="derivative and gradient differentiate any procedure at a point",
        )
    (u,) = arguments
    function = intern(head) if isinstance(head, str) else head
    return ("*", (("derivative", function), u), derivative_of(u, x))


_SYNTAX = frozenset(
    "quote lambda define set! do case cond when unless named-lambda letrec letrec* and or "
    "not".split()
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


def _remainder_rule(rounding: str) -> Rule:
    def rule(arguments: list[Expression], x: Symbol) -> Expression:
        u, v = arguments
        whole = (rounding, ("/", u, v))
        return ("-", derivative_of(u, x), ("*", whole, derivative_of(v, x)))

    return rule


def _choice_rule(comparison: str) -> Rule:
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


def _let_rule(arguments: list[Expression], x: Symbol) -> Expression:
    """A ``let`` is what its body is with the values in place of the names."""
    meant = without_lets(("let", *arguments))
    return _unknown(meant, x) if _is_let(meant) else derivative_of(meant, x)


def _lets_rule(arguments: list[Expression], x: Symbol) -> Expression:
    meant = without_lets(("let*", *arguments))
    return _unknown(meant, x) if _is_let(meant) else derivative_of(meant, x)


def _is_let(expression: Expression) -> bool:
    return isinstance(expression, tuple) and expression[0] in ("let", "let*")


_OF_TWO: dict[str, Rule] = {
    "expt": _power_rule,
    "pow": _power_rule,
    "log": _logarithm_rule,
    "atan": _angle_rule,
    "atan2": _angle_rule,
    "modulo": _remainder_rule("floor"),
    "floor-remainder": _remainder_rule("floor"),
    "remainder": _remainder_rule("truncate"),
}
_OF_ANY: dict[str, Rule] = {
    "+": _sum_rule,
    "-": _difference_rule,
    "*": _product_rule,
    "/": _quotient_rule,
    "max": _choice_rule(">="),
    "min": _choice_rule("<="),
    "if": _condition_rule,
    "where": _condition_rule,
    "let": _let_rule,
    "let*": _lets_rule,
    "begin": lambda arguments, x: derivative_of(arguments[-1], x),
}
"""How calls with two arguments are differentiated, and those with any number."""

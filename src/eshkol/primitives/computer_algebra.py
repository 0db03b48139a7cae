"""Computer algebra: SymPy behind a thin door.

Expressions go in and come out as data. SymPy is optional, and imported when it is first asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

from eshkol.base.errors import BadValue, FileProblem
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import symbol_argument
from eshkol.primitives.declare import PRIMITIVES, primitive
from eshkol.primitives.expression_data import (
    Expression,
    datum_of,
    expression_of,
    meant,
    without_lets,
)
from eshkol.primitives.latex import formula
from eshkol.primitives.simplification import simplified
from eshkol.primitives.symbolic_rules import in_common_words


@primitive("symbolic-expand")
def symbolic_expand(expression):
    """An equal expression in which products of sums are multiplied out.

    Args:
        expression: as for ``symbolic-derivative``.

    Raises:
        FileProblem: SymPy is not installed; it comes with ``eshkol[symbolic]``.

    Example: ``(symbolic-expand '(* (+ x 1) (- x 2)))`` ⇒ ``(- (expt x 2) x 2)``.
    """
    who = "symbolic-expand"
    return formula(datum_of(_through(who, _sympy(who).expand, meant(who, expression))))


@primitive("symbolic-factor")
def symbolic_factor(expression):
    """An equal expression that is a product, over the rationals, where it can be one.

    Args:
        expression: as for ``symbolic-derivative``.

    Raises:
        FileProblem: SymPy is not installed; it comes with ``eshkol[symbolic]``.

    Example: ``(symbolic-factor '(- (expt x 2) 1))`` ⇒ ``(* (- x 1) (+ x 1))``.
    """
    who = "symbolic-factor"
    return formula(datum_of(_through(who, _sympy(who).factor, meant(who, expression))))


@primitive("symbolic-integral")
def symbolic_integral(expression, variable, low=None, high=None):
    """An antiderivative of an expression; with bounds, its integral from one to the other.

    Args:
        expression: as for ``symbolic-derivative``.
        variable: a symbol.
        low: a number or expression; ``-inf.0`` too.
        high: likewise.

    Raises:
        BadValue: none is known in closed form.
        FileProblem: SymPy is not installed; it comes with ``eshkol[symbolic]``.

    Example: ``(symbolic-integral '(* 3 x x) 'x)`` ⇒ ``(expt x 3)``;
        ``(symbolic-integral '(sin x) 'x 0 'pi)`` ⇒ ``2``.
    """
    who = "symbolic-integral"
    sympy = _sympy(who)
    x = _variable(who, variable)
    if (low is None) != (high is None):
        raise BadValue(f"{who}: expected both bounds or none, got one", hint=_INTEGRAL_USAGE)
    bounds = () if low is None else (_bound(who, low), _bound(who, high))
    source = meant(who, expression)

    def integral(expression: Any) -> Any:
        found = sympy.integrate(expression, (x, *bounds) if bounds else x)
        if found.has(sympy.Integral):
            raise BadValue(
                f"{who}: no integral of {short_string(datum_of(source))} is known in closed form",
                hint="as a number: (integrate (lambda (x) …) low high)",
            )
        return found

    return formula(datum_of(_through(who, integral, source)))


_INTEGRAL_USAGE = "use: (symbolic-integral expression variable low high)"


def _bound(who: str, value: Any) -> Any:
    return to_sympy(who, expression_of(who, value))


@primitive("symbolic-solve")
def symbolic_solve(expression, variable, *, domain="real"):
    """For which values of a variable an expression is zero, or an equation holds.

    Args:
        expression: as for ``symbolic-derivative``, or an equation: ``'(= left right)``.
        variable: a symbol.
        domain: ``'real``, or ``'complex`` for all solutions.

    Returns:
        The list of solutions, each an expression; those of one period where the expression repeats
        itself, as ``(sin x)`` does.

    Raises:
        BadValue: none are known in closed form, or everything is one.
        FileProblem: SymPy is not installed; it comes with ``eshkol[symbolic]``.

    Example: ``(symbolic-solve '(- (* x x) 4) 'x)`` ⇒ ``(-2 2)``;
        ``(symbolic-solve '(= (+ (* a x) b) 0) 'x)`` ⇒ ``((- (/ b a)))``.
    """
    who = "symbolic-solve"
    sympy = _sympy(who)
    if getattr(domain, "name", domain) not in ("real", "complex"):
        raise BadValue(f"{who}: expected 'real or 'complex as #:domain, got {short_string(domain)}")
    is_real = getattr(domain, "name", domain) == "real"
    source = meant(who, expression)
    if isinstance(source, tuple) and source[0] == "=" and len(source) == 3:
        source = ("-", *source[1:])
    x = _variable(who, variable, is_real)
    zero = to_sympy(who, source, is_real)
    if zero.is_Boolean or zero.is_Relational:
        raise BadValue(
            f"{who}: expected an expression or an equation, got {short_string(datum_of(source))}",
            hint="use: (symbolic-solve '(= left right) variable)",
        )
    try:
        found = sympy.solve(zero, x)
    except NotImplementedError:
        raise BadValue(
            f"{who}: no solutions of {short_string(datum_of(source))} are known in closed form"
        ) from None
    if not found and sympy.simplify(zero) == 0:
        raise BadValue(f"{who}: it holds for every {short_string(variable)}")
    return scheme_list([formula(datum_of(simplified(from_sympy(who, each)))) for each in found])


def simplify(who: str, expression: Expression) -> Expression:
    """An expression as SymPy simplifies it."""
    return _through(who, _sympy(who).simplify, expression)


def _through(who: str, function: Callable[[Any], Any], expression: Expression) -> Expression:
    return simplified(from_sympy(who, function(to_sympy(who, expression))))


def _sympy(who: str) -> ModuleType:
    """The module.

    Raises:
        FileProblem: it is not installed.
    """
    try:
        import sympy
    except ImportError:
        raise FileProblem(
            f"{who}: SymPy is not installed", hint="pip install 'eshkol[symbolic]'"
        ) from None
    return sympy


def _variable(who: str, variable: Any, is_real: bool = True) -> Any:
    return to_sympy(who, symbol_argument(who, variable), is_real)


# ---- in


@functools.cache
def _functions() -> dict[str, Callable[..., Any]]:
    """What functions are in SymPy."""
    import sympy

    same = "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp sqrt erf sign floor"
    special = "erfc gamma digamma polygamma factorial"
    return {
        **{name: getattr(sympy, name) for name in f"{same} atan2 {special}".split()},
        "+": lambda *parts: sympy.Add(*parts),
        "*": lambda *parts: sympy.Mul(*parts),
        "-": lambda first, *rest: first - sympy.Add(*rest) if rest else -first,
        "/": lambda first, *rest: first / sympy.Mul(*rest) if rest else 1 / first,
        "expt": sympy.Pow,
        "pow": sympy.Pow,
        "log": sympy.log,
        "atan": lambda y, x=None: sympy.atan(y) if x is None else sympy.atan2(y, x),
        "ceiling": sympy.ceiling,
        "abs": sympy.Abs,
        "magnitude": sympy.Abs,
        "max": sympy.Max,
        "min": sympy.Min,
        "modulo": sympy.Mod,
        "square": lambda u: u**2,
        "cube": lambda u: u**3,
        "reciprocal": lambda u: 1 / u,
        "rsqrt": lambda u: 1 / sympy.sqrt(u),
        "1+": lambda u: u + 1,
        "add1": lambda u: u + 1,
        "-1+": lambda u: u - 1,
        "sub1": lambda u: u - 1,
        "log-gamma": sympy.loggamma,
        "exp2": lambda u: 2**u,
        "log2": lambda u: sympy.log(u, 2),
        "log10": lambda u: sympy.log(u, 10),
        "cbrt": sympy.cbrt,
        "logit": lambda u: sympy.log(u / (1 - u)),
        "ndtr": lambda u: sympy.erfc(-u / sympy.sqrt(2)) / 2,
        "expm1": lambda u: sympy.exp(u) - 1,
        "log1p": lambda u: sympy.log(1 + u),
        "sigmoid": lambda u: 1 / (1 + sympy.exp(-u)),
        "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
        "relu": lambda u: sympy.Max(0, u),
        "exact->inexact": lambda u: u,
        "inexact": lambda u: u,
        "exact": lambda u: u,
        "if": lambda test, then, other: sympy.Piecewise((then, test), (other, True)),
        "<": sympy.Lt,
        ">": sympy.Gt,
        "<=": sympy.Le,
        ">=": sympy.Ge,
        "=": sympy.Eq,
        "and": sympy.And,
        "or": sympy.Or,
        "not": sympy.Not,
    }


def to_sympy(who: str, expression: Expression, is_real: bool = True) -> Any:
    """An expression as SymPy's; ``is_real`` tells what its variables are.

    Raises:
        BadValue: a function is called in a way that SymPy does not know.
    """
    import sympy

    if isinstance(expression, Symbol):
        if expression.name == "pi":
            return sympy.pi
        return sympy.Symbol(expression.name, **({"real": True} if is_real else {}))
    if not isinstance(expression, tuple):
        return _number_to_sympy(expression)
    expression = in_common_words(without_lets(expression))
    if not isinstance(expression, tuple):
        return to_sympy(who, expression, is_real)
    head, *parts = expression
    if not isinstance(head, str):
        raise _refused(who, expression)
    arguments = [to_sympy(who, part, is_real) for part in parts]
    try:
        return _functions().get(head, sympy.Function(head))(*arguments)
    except TypeError:
        raise _refused(who, expression) from None


def _refused(who: str, expression: Expression) -> BadValue:
    return BadValue(f"{who}: SymPy can't take {short_string(datum_of(expression))}")


def _number_to_sympy(number: Any) -> Any:
    import sympy

    if number.__class__ is Fraction:
        return sympy.Rational(number.numerator, number.denominator)
    if number.__class__ is complex:
        return sympy.Float(number.real) + sympy.I * sympy.Float(number.imag)
    return sympy.sympify(number)


# ---- out

_NAMES = {"Abs": "abs", "Max": "max", "Min": "min", "Mod": "modulo", "loggamma": "log-gamma"}
_RELATIONS = {
    "StrictLessThan": "<",
    "StrictGreaterThan": ">",
    "LessThan": "<=",
    "GreaterThan": ">=",
    "Equality": "=",
    "And": "and",
    "Or": "or",
    "Not": "not",
}


def from_sympy(who: str, value: Any) -> Expression:
    """SymPy's expression as one of ours.

    Raises:
        BadValue: it is something that no expression says.
    """
    import sympy

    if value.is_Symbol:
        return intern(value.name)
    if value in _constants():
        return _constants()[value]
    if value.is_Integer:
        return int(value)
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    if value.is_Float:
        return float(value)
    if value.is_Add:
        return ("+", *(from_sympy(who, term) for term in value.as_ordered_terms()))
    if value.is_Mul:
        return _product_from_sympy(who, value)
    if value.is_Pow:
        return _power_from_sympy(who, *value.args)
    if isinstance(value, sympy.Piecewise):
        return _cases_from_sympy(who, list(value.args))
    return _call_from_sympy(who, value)


@functools.cache
def _constants() -> dict[Any, Expression]:
    import sympy

    return {
        sympy.pi: intern("pi"),
        sympy.E: ("exp", 1),
        sympy.I: ("sqrt", -1),
        sympy.oo: float("inf"),
        -sympy.oo: float("-inf"),
        sympy.true: True,
        sympy.false: False,
    }


def _product_from_sympy(who: str, value: Any) -> Expression:
    above, below = value.as_numer_denom()
    if below != 1:
        return ("/", from_sympy(who, above), from_sympy(who, below))
    return ("*", *(from_sympy(who, factor) for factor in value.as_ordered_factors()))


def _power_from_sympy(who: str, base: Any, exponent: Any) -> Expression:
    if exponent.is_Rational and exponent < 0:
        return ("/", 1, from_sympy(who, base**-exponent))
    if exponent.is_Rational and exponent.p == 1 and exponent.q == 2:
        return ("sqrt", from_sympy(who, base))
    return ("expt", from_sympy(who, base), from_sympy(who, exponent))


def _cases_from_sympy(who: str, cases: list[Any]) -> Expression:
    (value, test), *others = cases
    if test == True or not others:  # noqa: E712 (SymPy's truth is not Python's)
        return from_sympy(who, value)
    return ("if", from_sympy(who, test), from_sympy(who, value), _cases_from_sympy(who, others))


def _call_from_sympy(who: str, value: Any) -> Expression:
    from sympy.core.function import AppliedUndef

    name = value.func.__name__
    if name == "Unequality":
        return ("not", ("=", *(from_sympy(who, side) for side in value.args)))
    known = _RELATIONS.get(name) or _NAMES.get(name, name)
    is_function = value.is_Function or name in _RELATIONS
    if not is_function or not value.args:
        raise BadValue(f"{who}: there is no expression for SymPy's {short_string(str(value))}")
    is_given = isinstance(value, AppliedUndef) or known in _functions() or name in _RELATIONS
    if not is_given and known not in PRIMITIVES:
        raise BadValue(
            f"{who}: the result has the function {known}, which is no procedure of the language",
            hint="as a number: (integrate (lambda (x) …) low high)",
        )
    return (known, *(from_sympy(who, argument) for argument in value.args))

"""The smooth operations on numbers: what each is on plain numbers, how it is differentiated.

A :class:`Rule` is the value of an operation on plain numbers, its partial derivatives (written
with these same operations, so that they can be differentiated again), and a recurrence for power
series where there is one better than integrating the partials.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eshkol.autodiff import plain, series
from eshkol.autodiff.perturbations import TAGGED, primal, refuse
from eshkol.autodiff.plain import PLAIN, add, divide, multiply, negate, subtract
from eshkol.autodiff.series import finite_or_infinite, is_zero

Operation = Callable[..., Any]


class Rule:
    """A smooth operation.

    Attributes:
        name: its Scheme name, for errors.
        plain: its value on plain numbers.
        partials: for each argument, the partial derivative as a function of the arguments and
            the value. The value is None for a rule without ``series``.
        series: the recurrence for power series (see ``series``), or None.
        operation: the operation itself, on any mix of numbers.
    """

    __slots__ = ("name", "operation", "partials", "plain", "series")

    def __init__(
        self,
        name: str,
        plain: Operation,
        partials: tuple[Operation, ...],
        series: Operation | None = None,
    ) -> None:
        self.name = name
        self.plain = plain
        self.partials = partials
        self.series = series
        self.operation: Operation = (_unary if len(partials) == 1 else _binary)(self)


def _unary(rule: Rule) -> Operation:
    value_of = rule.plain

    def operation(x: Any) -> Any:
        if x.__class__ in PLAIN:
            return value_of(x)
        if x.__class__ in TAGGED:
            return x.through(rule)
        return refuse(rule.name, (x,))

    return operation


def _binary(rule: Rule) -> Operation:
    value_of = rule.plain

    def operation(x: Any, y: Any) -> Any:
        if x.__class__ in TAGGED:
            if y.__class__ in PLAIN:
                return x.before(rule, y)
            if y.__class__ in TAGGED:
                if x.tag == y.tag:
                    return x.with_peer(rule, y)
                return x.before(rule, y) if x.tag > y.tag else y.after(rule, x)
        elif x.__class__ in PLAIN:
            if y.__class__ in TAGGED:
                return y.after(rule, x)
            if y.__class__ in PLAIN:
                return value_of(x, y)
        return refuse(rule.name, (x, y))

    return operation


def _reciprocal_slope(x: Any) -> Any:
    """``1 / x`` as a slope: infinite at zero, even at an exact zero."""
    return finite_or_infinite(1, x)


def _square(x: Any) -> Any:
    return multiply(x, x)


# --- Arithmetic ---

ADD = Rule("+", plain.add, (lambda x, y, r: 1, lambda x, y, r: 1), series.sum_of)
SUBTRACT = Rule("-", plain.subtract, (lambda x, y, r: 1, lambda x, y, r: -1), series.difference)
MULTIPLY = Rule("*", plain.multiply, (lambda x, y, r: y, lambda x, y, r: x), series.product)
DIVIDE = Rule(
    "/",
    plain.divide,
    (lambda x, y, r: _reciprocal_slope(y), lambda x, y, r: negate(divide(r, y))),
    series.ratio,
)
NEGATE = Rule("-", plain.negate, (lambda x, r: -1,), series.negated)


def _power_slope_of_base(x: Any, y: Any, r: Any) -> Any:
    return 0 if is_zero(y) else multiply(y, power(x, subtract(y, 1)))


def _power_slope_of_exponent(x: Any, y: Any, r: Any) -> Any:
    # Zero to the power y is constant where y > 0, the only place where it has a slope.
    return 0 if primal(x) == 0 else multiply(r, log(x))


def _power_series(slope: Any, order: int, value: Any, a: Any, b: Any) -> Any:
    if len(b) > 1:
        if primal(a[0]) == 0:
            return [value] if len(a) == 1 else _power_of_zero(order, value, a, b)
        logarithms = logarithm_series(order, a)
        exponent = series.product(slope, order, multiply(b[0], logarithms[0]), b, logarithms)
        return series.exponential_of(order, value, exponent)
    p = b[0]
    if p.__class__ is int and p >= 0:
        return [value, *series.integer_power(order, a, p)[1:]]
    if p.__class__ is int:
        inverse = series.integer_power(order, a, -p)
        return series.ratio(slope, order, value, (1,), inverse)
    if primal(a[0]) == 0:
        return series.composed(order, [value, *_binomial_at_zero(a[0], p, order)], a)
    return series.fixed_power(order, value, a, p)


def _power_of_zero(order: int, value: Any, a: Any, b: Any) -> list[Any]:
    """A variable power of a variable that is zero: the logarithm there leaves no number."""
    return [value, *[math.nan] * order]


def _binomial_at_zero(zero: Any, p: Any, order: int) -> list[Any]:
    """The Taylor coefficients from the first on of ``x`` to the power ``p`` at ``x = zero``."""
    coefficients, binomial = [], 1
    for k in range(1, order + 1):
        binomial = divide(multiply(binomial, subtract(p, k - 1)), k)
        if is_zero(binomial):
            coefficients.append(0)
        else:
            coefficients.append(multiply(binomial, power(zero, subtract(p, k))))
    return coefficients


def logarithm_series(order: int, a: Any) -> list[Any]:
    """The power series of the logarithm of the series ``a``."""
    inverse = series.ratio(_reciprocal_slope, order, _reciprocal_slope(a[0]), (1,), a)
    rest = (series.chain_term(a, inverse, k) for k in range(1, order + 1 if len(a) > 1 else 1))
    return [log(a[0]), *rest]


POWER = Rule("expt", plain.power, (_power_slope_of_base, _power_slope_of_exponent), _power_series)
power = POWER.operation

# --- Elementary functions ---

SQRT = Rule(
    "sqrt", plain.sqrt, (lambda x, r: finite_or_infinite(1, multiply(2, r)),), series.square_root
)
EXP = Rule("exp", plain.exp, (lambda x, r: r,), series.riccati(0, 1, 0))
EXPM1 = Rule("expm1", plain.expm1, (lambda x, r: add(r, 1),), series.riccati(1, 1, 0))
LOG = Rule("log", plain.log, (lambda x, r: _reciprocal_slope(x),))
LOG1P = Rule("log1p", plain.log1p, (lambda x, r: _reciprocal_slope(add(1, x)),))
SIN = Rule("sin", plain.sin, (lambda x, r: cos(x),), series.oscillation(-1))
COS = Rule("cos", plain.cos, (lambda x, r: negate(sin(x)),), series.oscillation(-1))
TAN = Rule("tan", plain.tan, (lambda x, r: add(1, _square(r)),), series.riccati(1, 0, 1))
SINH = Rule("sinh", plain.sinh, (lambda x, r: cosh(x),), series.oscillation(1))
COSH = Rule("cosh", plain.cosh, (lambda x, r: sinh(x),), series.oscillation(1))
TANH = Rule("tanh", plain.tanh, (lambda x, r: subtract(1, _square(r)),), series.riccati(1, 0, -1))
SIGMOID = Rule(
    "sigmoid",
    plain.sigmoid,
    (lambda x, r: multiply(r, subtract(1, r)),),
    series.riccati(0, 1, -1),
)

sqrt: Operation = SQRT.operation
exp: Operation = EXP.operation
log: Operation = LOG.operation
sin: Operation = SIN.operation
cos: Operation = COS.operation
sinh: Operation = SINH.operation
cosh: Operation = COSH.operation


def _one_over_root(radicand: Any) -> Any:
    return _reciprocal_slope(sqrt(radicand))


# 1 - x², without cancellation near 1. Its slope is not that of the product, one of whose factors
# is zero at 1, where slopes that come backwards are infinite.
ONE_LESS_SQUARE = Rule(
    "1 - x²",
    lambda x: plain.multiply(plain.subtract(1, x), plain.add(1, x)),
    (lambda x, r: multiply(-2, x),),
)
_one_less_square = ONE_LESS_SQUARE.operation


def _is_real_from(x: Any, least: int) -> bool:
    number = primal(x)
    return number.__class__ is not complex and bool(number >= least)


def _asin_slope(x: Any) -> Any:
    """``1 / √(1 - x²)``; of a real number above 1 the other root, since asin is its limit there
    from the upper half-plane."""
    slope = _one_over_root(_one_less_square(x))
    return negate(slope) if _is_real_from(x, 1) and primal(x) != 1 else slope


def _acosh_slope(x: Any) -> Any:
    """``1 / (√(x - 1) √(x + 1))``, in which the roots are one only where x is not on the left."""
    if _is_real_from(x, 0):
        # Not the negative, whose root would be that of -0.0 at 1.
        return _one_over_root(subtract(0, _one_less_square(x)))
    return _reciprocal_slope(multiply(sqrt(subtract(x, 1)), sqrt(add(x, 1))))


ASIN = Rule("asin", plain.asin, (lambda x, r: _asin_slope(x),))
ACOS = Rule("acos", plain.acos, (lambda x, r: negate(_asin_slope(x)),))
ATAN = Rule("atan", plain.atan, (lambda x, r: _reciprocal_slope(add(1, _square(x))),))
ASINH = Rule("asinh", plain.asinh, (lambda x, r: _one_over_root(add(1, _square(x))),))
ACOSH = Rule("acosh", plain.acosh, (lambda x, r: _acosh_slope(x),))
ATANH = Rule("atanh", plain.atanh, (lambda x, r: _reciprocal_slope(_one_less_square(x)),))
ERF = Rule(
    "erf", plain.erf, (lambda x, r: multiply(2 / math.sqrt(math.pi), exp(negate(_square(x)))),)
)


def _squared_radius(y: Any, x: Any) -> Any:
    return add(_square(x), _square(y))


ATAN2 = Rule(
    "atan",
    plain.atan2,
    (
        lambda y, x, r: finite_or_infinite(x, _squared_radius(y, x)),
        lambda y, x, r: negate(finite_or_infinite(y, _squared_radius(y, x))),
    ),
)
MODULO = Rule(
    "modulo",
    plain.modulo,
    (lambda x, y, r: 1, lambda x, y, r: negate(plain.floor(divide(primal(x), primal(y))))),
)
REMAINDER = Rule(
    "remainder",
    plain.remainder,
    (lambda x, y, r: 1, lambda x, y, r: negate(plain.truncate(divide(primal(x), primal(y))))),
)
INEXACT = Rule("exact->inexact", plain.to_inexact, (lambda x, r: 1.0,), series.linear)
EXACTLY = Rule("inexact->exact", plain.to_exact, (lambda x, r: 1,), series.linear)

inexact = INEXACT.operation

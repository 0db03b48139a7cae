"""Taylor coefficients of elementary functions, as intervals.

At an interval, the coefficient of order k encloses ``f⁽ᵏ⁾(x) / k!`` for all x in it: what the
remainder of Taylor's theorem needs. The recurrences are those of automatic differentiation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from eshkol.validated import functions
from eshkol.validated.intervals import (
    ONE,
    ZERO,
    Interval,
    add,
    divide,
    multiply,
    negate,
    square,
)

Series = list[Interval]

_TWO = Interval(2.0, 2.0)


def coefficients(name: str, at: Interval, order: int) -> Series:
    """The Taylor coefficients up to ``order`` of the function ``name`` at all points of ``at``."""
    return _SERIES[name](at, order)


def power_coefficients(exponent: Fraction, at: Interval, order: int) -> Series:
    """Those of a real power: binomial coefficients times lower powers."""
    binomial, found = Fraction(1), []
    for k in range(order + 1):
        factor = functions.power("expt", at, exponent - k) if binomial else ZERO
        found.append(multiply(functions.constant(binomial), factor))
        binomial = binomial * (exponent - k) / (k + 1)
    return found


def _over_factorials(derivatives: Callable[[int], Interval], order: int) -> Series:
    return [
        divide(derivatives(k), functions.constant(Fraction(math.factorial(k))))
        for k in range(order + 1)
    ]


def _exp(at: Interval, order: int) -> Series:
    value = functions.exp(at)
    return _over_factorials(lambda k: value, order)


def _cyclic(*names: str) -> Callable[[Interval, int], Series]:
    """Of a function whose derivatives are functions in turn, ``-`` for the negative of one."""

    def series(at: Interval, order: int) -> Series:
        values = []
        for name in names:
            value = getattr(functions, name.lstrip("-"))(at)
            values.append(negate(value) if name.startswith("-") else value)
        return _over_factorials(lambda k: values[k % len(values)], order)

    return series


def _shifted(
    series: Callable[..., Series], value: Callable[[Interval], Interval], shift: Interval
) -> Callable[[Interval, int], Series]:
    """Of ``f(x + shift)``, whose own value is computed more sharply by ``value``."""

    def shifted(at: Interval, order: int) -> Series:
        return [value(at), *series(add(at, shift), order)[1:]]

    return shifted


def _log(at: Interval, order: int) -> Series:
    return [functions.log(at), *_integrated(power_coefficients(Fraction(-1), at, order - 1))]


def _integrated(series: Series) -> Series:
    """The coefficients from order 1 of a function with these coefficients of its derivative."""
    return [divide(c, functions.constant(Fraction(k))) for k, c in enumerate(series, 1)]


def _by_square(
    value: Callable[[Interval], Interval], constant: Interval, linear: Interval, factor: Interval
) -> Callable[[Interval, int], Series]:
    """Of a function with ``f' = constant + linear f + factor f²``."""

    def series(at: Interval, order: int) -> Series:
        found = [value(at)]
        for k in range(order):
            total = add(multiply(linear, found[k]), multiply(factor, _convolved(found, k)))
            total = add(total, constant) if k == 0 else total
            found.append(divide(total, functions.constant(Fraction(k + 1))))
        return found

    return series


def _convolved(series: Series, k: int) -> Interval:
    """The coefficient of order k of the square of a series."""
    total = ZERO
    for i in range((k + 1) // 2):
        total = add(total, multiply(_TWO, multiply(series[i], series[k - i])))
    return add(total, square(series[k // 2])) if k % 2 == 0 else total


def _with_slope(
    value: Callable[[Interval], Interval], quadratic: tuple[int, int], exponent: Fraction
) -> Callable[[Interval, int], Series]:
    """Of a function whose derivative is ``(a + b x²) ** exponent``, ``quadratic`` being (a, b)."""
    a, b = (functions.constant(number) for number in quadratic)

    def series(at: Interval, order: int) -> Series:
        base = [add(a, multiply(b, square(at))), multiply(multiply(_TWO, b), at), b]
        slope = _power_of_series(base, exponent, order - 1)
        return [value(at), *_integrated(slope)]

    return series


def _power_of_series(base: Series, exponent: Fraction, order: int) -> Series:
    """A power of a polynomial of degree 2, by ``f g' = exponent g f'``."""
    found = [functions.power("expt", base[0], exponent)]
    for k in range(1, order + 1):
        total = ZERO
        for i in range(1, min(k, 2) + 1):
            weight = functions.constant(exponent * i - (k - i))
            total = add(total, multiply(weight, multiply(base[i], found[k - i])))
        found.append(divide(total, multiply(functions.constant(k), base[0])))
    return found[: order + 1]


def _erf(at: Interval, order: int) -> Series:
    exponent = [negate(square(at)), negate(multiply(_TWO, at)), negate(ONE)]
    scale = divide(_TWO, functions.sqrt(multiply(_TWO, functions.HALF_PI)))
    slope = [multiply(scale, functions.exp(exponent[0]))]
    for k in range(1, order):
        total = ZERO
        for i in range(1, min(k, 2) + 1):
            total = add(total, multiply(functions.constant(i), multiply(exponent[i], slope[k - i])))
        slope.append(divide(total, functions.constant(k)))
    return [functions.erf(at), *_integrated(slope[:order])]


def _acos(at: Interval, order: int) -> Series:
    return [functions.acos(at), *(negate(c) for c in _SERIES["asin"](at, order)[1:])]


_HALF = Fraction(1, 2)

_SERIES: dict[str, Callable[[Interval, int], Series]] = {
    "exp": _exp,
    "expm1": _shifted(_exp, functions.expm1, ZERO),
    "log": _log,
    "log1p": _shifted(_log, functions.log1p, ONE),
    "sin": _cyclic("sin", "cos", "-sin", "-cos"),
    "cos": _cyclic("cos", "-sin", "-cos", "sin"),
    "sinh": _cyclic("sinh", "cosh"),
    "cosh": _cyclic("cosh", "sinh"),
    "tan": _by_square(functions.tan, ONE, ZERO, ONE),
    "tanh": _by_square(functions.tanh, ONE, ZERO, negate(ONE)),
    "sigmoid": _by_square(functions.sigmoid, ZERO, ONE, negate(ONE)),
    "atan": _with_slope(functions.atan, (1, 1), Fraction(-1)),
    "asin": _with_slope(functions.asin, (1, -1), -_HALF),
    "acos": _acos,
    "asinh": _with_slope(functions.asinh, (1, 1), -_HALF),
    "acosh": _with_slope(functions.acosh, (-1, 1), -_HALF),
    "atanh": _with_slope(functions.atanh, (1, -1), Fraction(-1)),
    "erf": _erf,
    "sqrt": lambda at, order: power_coefficients(_HALF, at, order),
    "rsqrt": lambda at, order: power_coefficients(-_HALF, at, order),
    "reciprocal": lambda at, order: power_coefficients(Fraction(-1), at, order),
}

SMOOTH = frozenset(_SERIES)
"""The functions that have a series."""

"""Elementary functions of intervals: enclosures of all their values there.

The C library does not round its functions correctly. The largest errors known of the libraries in
use are below 1 unit in the last place for exp, log, the trigonometric functions, their inverses and
pow, and below 4 for the hyperbolic functions, their inverses and erf (Gladman, Innocente, Mather
and Zimmermann, "Accuracy of mathematical functions in single, double, double extended, and
quadruple precision", 2024). We allow several times that. Where a function is monotone the values at
the bounds are enough; known extrema, limits and exact values cut off what the margins add.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from eshkol.base.errors import BadValue, DivideByZero
from eshkol.validated import intervals
from eshkol.validated.intervals import ENTIRE, ONE, ZERO, Interval, interval_of
from eshkol.validated.rounding import INFINITY, above, bounds, sqrt_down, sqrt_up, widened

CLOSE, WIDE = 4, 16
"""How many units in the last place a function of the C library may be off, by its kind."""

Function = Callable[[Interval], Interval]


def out_of_domain(who: str, x: Any, domain: str) -> BadValue:
    """The error for an interval where the function has values that are not real."""
    return BadValue(
        f"{who}: expected an interval within {domain}, got {x!r}",
        hint="elsewhere its values are not real; interval-intersection cuts off a part",
    )


def increasing(
    name: str,
    computed: Callable[[float], float],
    units: int,
    low: float = -INFINITY,
    high: float = INFINITY,
    domain: tuple[float, float] = (-INFINITY, INFINITY),
) -> Function:
    """The enclosure of an increasing function with values between ``low`` and ``high``."""

    def at(x: float) -> tuple[float, float]:
        if x == 0 and name in _AT_ZERO:
            return _AT_ZERO[name], _AT_ZERO[name]
        try:
            return widened(computed(x), units)
        except OverflowError:
            return widened(math.copysign(INFINITY, x), units)

    def function(x: Interval) -> Interval:
        if x.inf < domain[0] or x.sup > domain[1]:
            raise out_of_domain(name, x, Interval(*domain).text)
        return Interval(max(at(x.inf)[0], low), min(at(x.sup)[1], high))

    return function


_AT_ZERO = {
    "exp": 1.0,
    **dict.fromkeys("expm1 log1p asin atan sinh tanh asinh atanh erf".split(), 0.0),
}
"""Exact values, which the C standard (annex F) promises."""

HALF_PI = Interval(math.pi / 2, above(math.pi / 2))  # the double nearest to π is below it

exp = increasing("exp", math.exp, CLOSE, low=0.0)
expm1 = increasing("expm1", math.expm1, CLOSE, low=-1.0)
asin = increasing("asin", math.asin, CLOSE, -HALF_PI.sup, HALF_PI.sup, (-1.0, 1.0))
atan = increasing("atan", math.atan, CLOSE, -HALF_PI.sup, HALF_PI.sup)
sinh = increasing("sinh", math.sinh, WIDE)
tanh = increasing("tanh", math.tanh, WIDE, -1.0, 1.0)
asinh = increasing("asinh", math.asinh, WIDE)
acosh = increasing("acosh", math.acosh, WIDE, low=0.0, domain=(1.0, INFINITY))
erf = increasing("erf", math.erf, WIDE, -1.0, 1.0)


def _log(x: float) -> float:
    return -INFINITY if x == 0 else math.log(x)


def _log1p(x: float) -> float:
    return -INFINITY if x == -1 else math.log1p(x)


def _atanh(x: float) -> float:
    return math.copysign(INFINITY, x) if abs(x) == 1 else math.atanh(x)


_logarithm = increasing("log", _log, CLOSE, domain=(0.0, INFINITY))
log1p = increasing("log1p", _log1p, CLOSE, domain=(-1.0, INFINITY))
atanh = increasing("atanh", _atanh, WIDE, domain=(-1.0, 1.0))


def log(x: Interval) -> Interval:
    """The natural logarithm."""
    found = _logarithm(x)
    low = 0.0 if x.inf == 1 else found.inf
    return Interval(low, 0.0 if x.sup == 1 else found.sup)


def acos(x: Interval) -> Interval:
    """The angle of a cosine, which decreases."""
    if x.inf < -1 or x.sup > 1:
        raise out_of_domain("acos", x, "[-1.0, 1.0]")
    low = 0.0 if x.sup == 1 else max(widened(math.acos(x.sup), CLOSE)[0], 0.0)
    return Interval(low, min(widened(math.acos(x.inf), CLOSE)[1], 2 * HALF_PI.sup))


def sqrt(x: Interval) -> Interval:
    """The square root, rounded to the last bit."""
    if x.inf < 0:
        raise out_of_domain("sqrt", x, "[0.0, +inf.0]")
    return Interval(sqrt_down(x.inf), sqrt_up(x.sup))


def cosh(x: Interval) -> Interval:
    """The hyperbolic cosine, which is even."""
    low, high = x.mignitude(), x.magnitude()
    try:
        top = widened(math.cosh(high), WIDE)[1]
    except OverflowError:
        top = INFINITY
    if low == 0:
        return Interval(1.0, top)
    try:
        return Interval(max(widened(math.cosh(low), WIDE)[0], 1.0), top)
    except OverflowError:
        return Interval(widened(INFINITY, WIDE)[0], top)


# ---- periodic functions

_BITS = 1300
"""Of 2/π behind the point: a double times it is off by less than 2^-270, far less than any double
but zero is away from a multiple of π/2 (about 2^-60 of a quarter)."""


@functools.cache
def _quarters_per_radian() -> int:
    """2/π as an integer over ``2 ** _BITS``, by Machin's formula."""
    one = 1 << (_BITS + 64)

    def arctangent_of_reciprocal(n: int) -> int:
        term = total = one // n
        k = 1
        while term:
            term //= n * n
            k += 2
            total += term // k if k % 4 == 1 else -(term // k)
        return total

    pi = 4 * (4 * arctangent_of_reciprocal(5) - arctangent_of_reciprocal(239))
    return (2 << (2 * _BITS + 64)) // pi


def quarter_of(x: float) -> int:
    """In which quarter of a turn an angle is: the integer part of ``x / (π/2)``."""
    numerator, denominator = x.as_integer_ratio()
    return (numerator * _quarters_per_radian()) >> (_BITS + denominator.bit_length() - 1)


def _quarters_inside(x: Interval) -> range:
    """The multiples of π/2 in an interval of finite bounds, in units of π/2."""
    first, last = quarter_of(x.inf), quarter_of(x.sup)
    if last - first > 8:
        last = first + 8
    return range(first if x.inf == 0 else first + 1, last + 1)


def _wave(computed: Callable[[float], float], top: int) -> Function:
    """The sine or cosine, whose maxima are at the multiples ``top`` modulo 4 of π/2."""

    def function(x: Interval) -> Interval:
        if math.isinf(x.inf) or math.isinf(x.sup):
            return Interval(-1.0, 1.0)
        ends = [
            widened(computed(bound), CLOSE) if bound else (computed(bound), computed(bound))
            for bound in (x.inf, x.sup)
        ]
        low, high = min(ends[0][0], ends[1][0]), max(ends[0][1], ends[1][1])
        phases = {quarter % 4 for quarter in _quarters_inside(x)}
        return Interval(
            -1.0 if (top + 2) % 4 in phases else max(low, -1.0),
            1.0 if top in phases else min(high, 1.0),
        )

    return function


cos = _wave(math.cos, 0)
sin = _wave(math.sin, 1)


def tan(x: Interval) -> Interval:
    """The tangent; all reals where there is a pole inside."""
    if x == ZERO:
        return ZERO
    if math.isinf(x.inf) or math.isinf(x.sup) or any(q % 2 for q in _quarters_inside(x)):
        return ENTIRE
    low, high = widened(math.tan(x.inf), CLOSE)[0], widened(math.tan(x.sup), CLOSE)[1]
    return Interval(0.0 if x.inf == 0 else low, 0.0 if x.sup == 0 else high)


# ---- powers


def power(who: str, base: Any, exponent: Any) -> Interval:
    """``base ** exponent``; the exponent is a number or an interval.

    With an integer exponent every base has a power; with others the base must not be negative.

    Raises:
        BadValue: some powers are not real.
        DivideByZero: the base is zero and the exponent negative.
    """
    x = interval_of(who, base)
    whole = _as_integer(exponent)
    if whole is not None:
        return intervals.integer_power(x, whole)
    y = interval_of(who, exponent)
    if x.inf < 0:
        raise out_of_domain(who, x, "[0.0, +inf.0] for an exponent that is no integer")
    if x == ZERO and y.sup < 0:
        raise DivideByZero(
            f"{who}: zero to the negative power {y!r}",
            hint="only a base that holds other numbers has negative powers",
        )
    # Monotone in each of the two, so the extrema are at the corners.
    corners = [_corner(a, b) for a in (x.inf, x.sup) for b in (y.inf, y.sup)]
    return Interval(max(min(low for low, _ in corners), 0.0), max(high for _, high in corners))


def _as_integer(exponent: Any) -> int | None:
    if exponent.__class__ is Interval:
        exponent = exponent.inf if exponent.is_point else None
    if exponent.__class__ is float and exponent.is_integer():
        return int(exponent)
    if exponent.__class__ is Fraction and exponent.denominator == 1:
        return exponent.numerator
    return exponent if exponent.__class__ is int else None


def _corner(a: float, b: float) -> tuple[float, float]:
    if a == 1 or b == 0:
        # Of an unbounded other side the limit is anything.
        return (0.0, INFINITY) if math.isinf(a) or math.isinf(b) else (1.0, 1.0)
    try:
        value = math.pow(a, b)
    except OverflowError:
        value = INFINITY
    except ValueError:  # zero to a negative power
        return (INFINITY, INFINITY)
    return (0.0, 0.0) if a == 0 else widened(value, CLOSE)


# ---- what is piecewise


def absolute(x: Interval) -> Interval:
    """The absolute values."""
    return Interval(x.mignitude(), x.magnitude())


def stepwise(computed: Callable[[Any], float]) -> Function:
    """A function that rounds to integers, exact at the bounds and increasing."""

    def at(bound: float) -> float:
        return bound if math.isinf(bound) else float(computed(bound))

    return lambda x: Interval(at(x.inf), at(x.sup))


def sign(x: Interval) -> Interval:
    """-1, 0 or 1."""
    low, high = ((bound > 0) - (bound < 0) for bound in (x.inf, x.sup))
    return Interval(float(low), float(high))


def maximum(x: Interval, y: Interval) -> Interval:
    """The greater of two numbers."""
    return Interval(max(x.inf, y.inf), max(x.sup, y.sup))


def minimum(x: Interval, y: Interval) -> Interval:
    """The lesser of two numbers."""
    return Interval(min(x.inf, y.inf), min(x.sup, y.sup))


def angle(who: str, y: Interval, x: Interval) -> Interval:
    """The angle of the point (x, y), in (-π, π], off the half-line where it jumps."""
    if x.inf > 0:
        return atan(intervals.divide(y, x))
    if y.inf > 0:
        return intervals.subtract(HALF_PI, atan(intervals.divide(x, y)))
    if y.sup < 0:
        return intervals.subtract(intervals.negate(HALF_PI), atan(intervals.divide(x, y)))
    raise BadValue(
        f"{who}: expected points off the half-line of negative x, got x in {x.text}, y in {y.text}",
        hint="the angle jumps there, and the origin has none",
    )


def sigmoid(x: Interval) -> Interval:
    """``1 / (1 + exp(-x))``, increasing."""

    def at(bound: float) -> Interval:
        if math.isinf(bound):
            return ZERO if bound < 0 else ONE
        e = exp(Interval(-bound, -bound))
        return intervals.divide(ONE, intervals.add(ONE, e))

    return Interval(max(at(x.inf).inf, 0.0), min(at(x.sup).sup, 1.0))


def constant(number: Fraction | float) -> Interval:
    """A number as an interval."""
    return Interval(*bounds(number))

"""Intervals of reals with doubles as bounds, rounded outwards (IEEE 1788, its set-based flavor)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from eshkol.base.errors import BadValue, DivideByZero, WrongType
from eshkol.datum.number_text import real_text
from eshkol.datum.write import short_string
from eshkol.validated import rounding
from eshkol.validated.enclosures import Enclosure
from eshkol.validated.rounding import (
    INFINITY,
    add_down,
    add_up,
    divide_down,
    divide_up,
    multiply_down,
    multiply_up,
)

REAL = frozenset({int, float, Fraction})


class Interval(Enclosure):
    """All reals from ``inf`` to ``sup``; never empty, and infinite bounds are open.

    Attributes:
        inf: the lower bound, a double.
        sup: the upper bound, a double.

    Example:
        >>> Interval(1.0, 2.0) + 0.5
        #<interval [1.5, 2.5]>
    """

    __slots__ = ("inf", "sup")

    def __init__(self, inf: float, sup: float) -> None:
        self.inf = inf + 0.0  # a zero has no sign as a bound
        self.sup = sup + 0.0

    def __repr__(self) -> str:
        return f"#<interval {self.text}>"

    @property
    def text(self) -> str:
        """The bounds as IEEE 1788 writes them."""
        return f"[{_bound_text(self.inf)}, {_bound_text(self.sup)}]"

    def _repr_latex_(self) -> str:
        low, high = (_bound_text(b).replace("inf.0", r"\infty") for b in (self.inf, self.sup))
        return rf"$\displaystyle \left[{low}, {high}\right]$"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Interval) and (self.inf, self.sup) == (other.inf, other.sup)

    def __hash__(self) -> int:
        return hash((self.inf, self.sup))

    def __contains__(self, number: Any) -> bool:
        return bool(self.inf <= number <= self.sup)

    @property
    def is_point(self) -> bool:
        """Whether there is only one number in it."""
        return self.inf == self.sup

    def midpoint(self) -> float:
        """A double inside, near the middle; of an unbounded interval a finite one."""
        if self.inf == -INFINITY:
            return 0.0 if self.sup == INFINITY else -rounding.LARGEST
        if self.sup == INFINITY:
            return rounding.LARGEST
        middle = (self.inf + self.sup) / 2
        if math.isinf(middle):
            middle = self.inf / 2 + self.sup / 2
        return min(max(middle, self.inf), self.sup)

    def radius(self) -> float:
        """How far its bounds are from its midpoint at most, rounded up."""
        middle = self.midpoint()
        return max(add_up(middle, -self.inf), add_up(self.sup, -middle))

    def magnitude(self) -> float:
        """The largest absolute value in it."""
        return max(abs(self.inf), abs(self.sup))

    def mignitude(self) -> float:
        """The smallest absolute value in it."""
        if self.inf <= 0 <= self.sup:
            return 0.0
        return min(abs(self.inf), abs(self.sup))


def _bound_text(bound: float) -> str:
    return real_text(repr(bound))


ENTIRE = Interval(-INFINITY, INFINITY)
ZERO = Interval(0.0, 0.0)
ONE = Interval(1.0, 1.0)


def interval_of(who: str, value: Any) -> Interval:
    """A number or interval as an interval.

    Raises:
        WrongType: it is neither. BadValue: it is an infinity, or not a number.
    """
    if value.__class__ is Interval:
        return value
    if value.__class__ in REAL:
        low, high = rounding.bounds(value)
        if low == low and not math.isinf(low + high if low == high else 0.0):
            return Interval(low, high)
        raise BadValue(f"{who}: expected a finite number or an interval, got {short_string(value)}")
    raise WrongType(f"{who}: expected a real number or an interval, got {short_string(value)}")


def hull(intervals: Iterable[Interval]) -> Interval:
    """The smallest interval that contains all of these."""
    parts = list(intervals)
    return Interval(min(part.inf for part in parts), max(part.sup for part in parts))


def add(x: Interval, y: Interval) -> Interval:
    """``x + y``."""
    return Interval(add_down(x.inf, y.inf), add_up(x.sup, y.sup))


def subtract(x: Interval, y: Interval) -> Interval:
    """``x - y``."""
    return Interval(add_down(x.inf, -y.sup), add_up(x.sup, -y.inf))


def negate(x: Interval) -> Interval:
    """``-x``."""
    return Interval(-x.sup, -x.inf)


def multiply(x: Interval, y: Interval) -> Interval:
    """``x * y``: of the four products of bounds the least and the greatest."""
    if x.inf >= 0 and y.inf >= 0:
        return Interval(multiply_down(x.inf, y.inf), multiply_up(x.sup, y.sup))
    pairs = [(a, b) for a in (x.inf, x.sup) for b in (y.inf, y.sup)]
    return Interval(
        min(multiply_down(a, b) for a, b in pairs), max(multiply_up(a, b) for a, b in pairs)
    )


def divide(x: Interval, y: Interval) -> Interval:
    """``x / y``: all quotients that there are.

    If there is a zero in ``y``, they are unbounded, on one side if the zero is its bound.

    Raises:
        DivideByZero: there is nothing but zero in ``y``.
    """
    if y.inf == y.sup == 0:
        raise DivideByZero(
            f"/: {x!r} divided by zero",
            hint="only a divisor that holds other numbers has quotients",
        )
    if y.sup <= 0:
        return divide(negate(x), negate(y))
    if y.inf < 0:
        return x if x == ZERO else ENTIRE
    if x == ZERO:
        return ZERO
    if y.inf == 0:
        low = divide_down(x.inf, y.sup) if x.inf >= 0 else -INFINITY
        return Interval(low, divide_up(x.sup, y.sup) if x.sup <= 0 else INFINITY)
    low = divide_down(x.inf, y.sup if x.inf >= 0 else y.inf)
    return Interval(low, divide_up(x.sup, y.inf if x.sup >= 0 else y.sup))


def square(x: Interval) -> Interval:
    """``x²``, in which both factors are the same number."""
    low, high = x.mignitude(), x.magnitude()
    return Interval(multiply_down(low, low), multiply_up(high, high))


def integer_power(x: Interval, exponent: int) -> Interval:
    """``x`` to an integer power, in which all factors are the same number."""
    if exponent < 0:
        return divide(ONE, integer_power(x, -exponent))
    if exponent == 0:
        return ONE
    if exponent % 2 == 0:
        low, high = x.mignitude(), x.magnitude()
        return Interval(_power(low, exponent).inf, _power(high, exponent).sup)
    return Interval(_power(x.inf, exponent).inf, _power(x.sup, exponent).sup)


_EXACT_POWERS = 64
"""Up to this exponent a power of a double is computed exactly and then rounded."""


def _power(bound: float, exponent: int) -> Interval:
    if math.isinf(bound):
        return Interval(bound ** (exponent % 2 or 2), bound ** (exponent % 2 or 2))
    if exponent <= _EXACT_POWERS:
        return Interval(*rounding.bounds(Fraction(bound) ** exponent))
    if bound < 0:
        found = _power(-bound, exponent)
        return negate(found) if exponent % 2 else found
    half = _power(bound, exponent // 2)
    found = multiply(half, half)
    return multiply(found, Interval(bound, bound)) if exponent % 2 else found

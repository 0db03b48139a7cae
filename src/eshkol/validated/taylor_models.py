"""Taylor models: a polynomial and an interval that holds what it misses.

K. Makino and M. Berz, "Taylor models and other validated functional inclusion methods", Int. J. of
Pure and Applied Mathematics 4 (2003). A model says of a function on a domain that its value at
each ``x`` there lies in ``Σ cₖ (x - center)ᵏ + remainder``. The coefficients are doubles; what is
rounded off goes into the remainder, as do terms of higher orders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.number_text import real_text
from eshkol.validated import functions, intervals
from eshkol.validated.enclosures import Enclosure
from eshkol.validated.intervals import (
    ZERO,
    Interval,
    add,
    integer_power,
    interval_of,
    multiply,
    negate,
    subtract,
)
from eshkol.validated.rounding import add_down, add_up
from eshkol.validated.series import SMOOTH, coefficients, power_coefficients

_PIECES = 32
"""Into so many parts a domain is split to bound a polynomial on it."""


class Domain:
    """Where models are good: around ``center``, and up to which order they go.

    Attributes:
        center: a double.
        interval: the domain, as an interval of doubles.
        offsets: the interval of ``x - center``.
        powers: enclosures of the powers of the offsets, up to what a product needs.
    """

    def __init__(self, center: float, interval: Interval, order: int) -> None:
        self.center = center
        self.interval = interval
        self.order = order
        self.offsets = Interval(add_down(interval.inf, -center), add_up(interval.sup, -center))
        self.powers = [integer_power(self.offsets, k) for k in range(2 * order + 2)]

    def is_same(self, other: Domain) -> bool:
        """Whether models on both go together."""
        mine = (self.center, self.interval, self.order)
        return self is other or mine == (other.center, other.interval, other.order)


class TaylorModel(Enclosure):
    """A polynomial of ``x - center`` with a remainder.

    Attributes:
        domain: where it is good.
        coefficients: of the powers from 0 up to the order, doubles.
        remainder: holds the function less the polynomial, at each point of the domain.
    """

    __slots__ = ("coefficients", "domain", "remainder")

    def __init__(self, domain: Domain, numbers: Sequence[float], remainder: Interval) -> None:
        self.domain = domain
        self.coefficients = list(numbers)
        self.remainder = remainder

    def __repr__(self) -> str:
        return (
            f"#<taylor-model of order {self.domain.order} on {self.domain.interval.text}, "
            f"remainder {self.remainder.text}>"
        )

    def _repr_latex_(self) -> str:
        center = self.domain.center
        offset = "x" if center == 0 else rf"\left(x - {_text(center)}\right)"
        terms = [
            _text(c) + (f" {offset}" if k else "") + (f"^{{{k}}}" if k > 1 else "")
            for k, c in enumerate(self.coefficients)
            if c
        ]
        shown = " + ".join(terms or ["0"]).replace("+ -", "- ")
        return rf"$\displaystyle {shown} + {self.remainder._repr_latex_()[15:-1]}$"

    def polynomial_range(self, offsets: Interval) -> Interval:
        """An enclosure of the polynomial over offsets from the center, by Horner's rule."""
        total = ZERO
        for coefficient in reversed(self.coefficients):
            total = add(multiply(total, offsets), Interval(coefficient, coefficient))
        return total

    def range(self) -> Interval:
        """A quick enclosure of all values on the domain."""
        total = self.remainder
        for coefficient, power in zip(self.coefficients, self.domain.powers, strict=False):
            total = add(total, multiply(Interval(coefficient, coefficient), power))
        return total

    def sharp_range(self) -> Interval:
        """An enclosure of all values on the domain, by parts of it."""
        low, high = self.domain.offsets.inf, self.domain.offsets.sup
        ends = [low + (high - low) * (k / _PIECES) for k in range(_PIECES)]
        ends = [max(low, min(end, high)) for end in ends] + [high]
        parts = [Interval(a, b) for a, b in pairwise(ends)]
        return add(intervals.hull(map(self.polynomial_range, parts)), self.remainder)

    def at(self, x: Interval) -> Interval:
        """An enclosure of the function over a part of the domain."""
        return add(self.polynomial_range(self._offsets_of(x)), self.remainder)

    def _offsets_of(self, x: Interval) -> Interval:
        center = self.domain.center
        return Interval(add_down(x.inf, -center), add_up(x.sup, -center))

    def antiderivative(self) -> TaylorModel:
        """The model of the integral from the center."""
        shifted = [ZERO] + [
            functions.constant(Fraction(c) / k) for k, c in enumerate(self.coefficients, 1)
        ]
        remainder = multiply(self.remainder, self.domain.offsets)
        return _swept(self.domain, shifted, remainder)

    def integral(self, low: Interval, high: Interval) -> Interval:
        """An enclosure of the integral between two points of the domain."""
        total = multiply(self.remainder, subtract(high, low))
        ends = self._offsets_of(low), self._offsets_of(high)
        for k, coefficient in enumerate(self.coefficients, 1):
            first, last = (integer_power(end, k) for end in ends)
            weight = functions.constant(Fraction(coefficient) / k)
            total = add(total, multiply(weight, subtract(last, first)))
        return total


def _text(number: float) -> str:
    return real_text(repr(number))


def variable(center: float, radius: Any, order: int) -> TaylorModel:
    """The model of ``x`` itself on ``center ± radius``; the bounds are rounded outwards."""
    reach = functions.constant(radius).sup
    interval = Interval(add_down(center, -reach), add_up(center, reach))
    domain = Domain(center, interval, order)
    numbers = [center, 1.0, *[0.0] * (order - 1)]
    if order == 0:
        return TaylorModel(domain, [center], domain.offsets)
    return TaylorModel(domain, numbers, ZERO)


def constant(domain: Domain, value: Interval) -> TaylorModel:
    """The model of a number that is known to lie in an interval."""
    return _swept(domain, [value], ZERO)


def _swept(domain: Domain, series: Sequence[Interval], remainder: Interval) -> TaylorModel:
    """The model with interval coefficients: their midpoints, the rest goes into the remainder."""
    numbers = []
    for k, coefficient in enumerate(series):
        middle = coefficient.midpoint() if k <= domain.order else 0.0
        rest = subtract(coefficient, Interval(middle, middle))
        if rest != ZERO:
            remainder = add(remainder, multiply(rest, domain.powers[k]))
        if k <= domain.order:
            numbers.append(middle)
    return TaylorModel(domain, numbers + [0.0] * (domain.order + 1 - len(numbers)), remainder)


def _points(model: TaylorModel) -> list[Interval]:
    return [Interval(c, c) for c in model.coefficients]


def _sum(x: TaylorModel, y: TaylorModel) -> TaylorModel:
    series = list(map(add, _points(x), _points(y)))
    return _swept(x.domain, series, add(x.remainder, y.remainder))


def _negated(x: TaylorModel) -> TaylorModel:
    return TaylorModel(x.domain, [-c for c in x.coefficients], negate(x.remainder))


def _product(x: TaylorModel, y: TaylorModel) -> TaylorModel:
    domain = x.domain
    series = [ZERO] * (2 * domain.order + 1)
    for i, a in enumerate(_points(x)):
        for j, b in enumerate(_points(y)):
            if a != ZERO and b != ZERO:
                series[i + j] = add(series[i + j], multiply(a, b))
    # (P + r)(Q + s) = P Q + r (Q + s) + s P
    remainder = multiply(x.remainder, y.range())
    remainder = add(remainder, multiply(y.remainder, x.polynomial_range(domain.offsets)))
    return _swept(domain, series, remainder)


def _composed(series: Callable[[Interval, int], list[Interval]], x: TaylorModel) -> TaylorModel:
    """A function of a model: Taylor's theorem with Lagrange's remainder.

    Around the value ``c`` of the polynomial at the center, the function of ``c + h`` is a
    polynomial of the model ``h``, and a coefficient of the next order, taken at all values of the
    model, times the next power of ``h``.
    """
    domain, order = x.domain, x.domain.order
    center = Interval(x.coefficients[0], x.coefficients[0])
    values = intervals.hull([x.range(), center])
    offset = TaylorModel(domain, [0.0, *x.coefficients[1:]], x.remainder)
    last = series(values, order + 1)[order + 1]
    local = series(center, order)
    result = constant(domain, local[order])
    for coefficient in reversed(local[:order]):
        result = _sum(_product(result, offset), constant(domain, coefficient))
    rest = multiply(last, integer_power(offset.range(), order + 1))
    return TaylorModel(domain, result.coefficients, add(result.remainder, rest))


def _smooth(name: str) -> Callable[[str, TaylorModel], TaylorModel]:
    def operation(who: str, x: TaylorModel) -> TaylorModel:
        return _composed(lambda at, order: coefficients(name, at, order), x)

    return operation


def _negative_power(who: str, x: TaylorModel, exponent: int) -> TaylorModel:
    values = x.range()
    if values.inf <= 0 <= values.sup:
        raise BadValue(
            f"{who}: the divisor may be zero, its values are within {values.text}",
            hint="a smaller radius or a higher order may keep it away from zero",
        )
    return _composed(lambda at, order: power_coefficients(Fraction(exponent), at, order), x)


def _reciprocal(who: str, x: TaylorModel) -> TaylorModel:
    return _negative_power(who, x, -1)


def _power(who: str, x: TaylorModel, exponent: Any) -> TaylorModel:
    if exponent.__class__ is float and exponent.is_integer():
        exponent = int(exponent)
    if exponent.__class__ is int:
        return _whole_power(x, exponent) if exponent >= 0 else _negative_power(who, x, exponent)
    if exponent.__class__ in (float, Fraction) and math.isfinite(exponent):
        return _composed(lambda at, order: power_coefficients(Fraction(exponent), at, order), x)
    return _variable_power(who, x, _model(who, x.domain, exponent))


def _variable_power(who: str, base: TaylorModel, exponent: TaylorModel) -> TaylorModel:
    values = base.range()
    if values.inf <= 0:
        raise BadValue(
            f"{who}: expected a positive base where the exponent varies, its values are within "
            f"{values.text}"
        )
    return _smooth("exp")(who, _product(exponent, _smooth("log")(who, base)))


def _angle(who: str, y: TaylorModel, x: TaylorModel) -> TaylorModel:
    """The angle of the point (x, y), as ``functions.angle`` has it."""
    heights, widths = y.range(), x.range()
    arctangent = _smooth("atan")
    if widths.inf > 0:
        return arctangent(who, _product(y, _reciprocal(who, x)))
    quarter = functions.HALF_PI if heights.inf > 0 else negate(functions.HALF_PI)
    functions.angle(who, heights, widths)
    turned = _negated(arctangent(who, _product(x, _reciprocal(who, y))))
    return _sum(constant(x.domain, quarter), turned)


def _whole_power(x: TaylorModel, exponent: int) -> TaylorModel:
    if exponent == 0:
        return constant(x.domain, intervals.ONE)
    half = _whole_power(x, exponent // 2) if exponent > 1 else None
    if half is None:
        return x
    found = _product(half, half)
    return _product(found, x) if exponent % 2 else found


def _absolute(who: str, x: TaylorModel) -> TaylorModel:
    values = x.range()
    if values.inf >= 0:
        return x
    return _negated(x) if values.sup <= 0 else constant(x.domain, functions.absolute(values))


def _maximum(who: str, x: TaylorModel, y: TaylorModel) -> TaylorModel:
    difference = _sum(x, _negated(y))
    values = difference.range()
    if values.inf >= 0:
        return x
    if values.sup <= 0:
        return y
    return constant(x.domain, functions.maximum(x.range(), y.range()))


def _minimum(who: str, x: TaylorModel, y: TaylorModel) -> TaylorModel:
    return _negated(_maximum(who, _negated(x), _negated(y)))


_UNARY: dict[str, Callable[[str, TaylorModel], TaylorModel]] = {
    **{name: _smooth(name) for name in SMOOTH},
    "negate": lambda who, x: _negated(x),
    "square": lambda who, x: _product(x, x),
    "reciprocal": _reciprocal,
    "abs": _absolute,
    "relu": lambda who, x: _maximum(who, x, constant(x.domain, ZERO)),
}

_BINARY: dict[str, Callable[[str, TaylorModel, TaylorModel], TaylorModel]] = {
    "add": lambda who, x, y: _sum(x, y),
    "subtract": lambda who, x, y: _sum(x, _negated(y)),
    "multiply": lambda who, x, y: _product(x, y),
    "divide": lambda who, x, y: _product(x, _reciprocal(who, y)),
    "max": _maximum,
    "min": _minimum,
    "power": _variable_power,
    "atan2": _angle,
}


def apply(who: str, rule: str, arguments: Sequence[Any]) -> TaylorModel:
    """The operation ``rule`` on Taylor models on one domain, intervals and numbers.

    Raises:
        BadValue: no model of it is known, or the models are on different domains.
        WrongType: an argument is neither a real number nor an enclosure.
    """
    domain = next(a.domain for a in arguments if a.__class__ is TaylorModel)
    if rule == "power" and arguments[0].__class__ is TaylorModel:
        return _power(who, *arguments)
    models = [_model(who, domain, argument) for argument in arguments]
    operation: Any = _UNARY.get(rule) if len(models) == 1 else _BINARY.get(rule)
    if operation is None:
        raise BadValue(f"{who}: no Taylor model of it is known")
    return operation(who, *models)


def _model(who: str, domain: Domain, value: Any) -> TaylorModel:
    if value.__class__ is not TaylorModel:
        return constant(domain, interval_of(who, value))
    if not value.domain.is_same(domain):
        raise BadValue(
            f"{who}: expected Taylor models of one domain and order, got ones on "
            f"{domain.interval.text} and {value.domain.interval.text}"
        )
    return value

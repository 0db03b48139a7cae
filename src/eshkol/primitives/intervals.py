"""Intervals: numbers of which it is only known between which bounds they lie (IEEE 1788).

``+ - * / expt sqrt exp sin …`` take intervals like other numbers, and give intervals that hold
every result: bounds are rounded outwards. The names here are those of the standard.
"""

from __future__ import annotations

from typing import Any

from eshkol.autodiff import Differentiable, settled
from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.write import short_string
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.numbers import known

Interval = Any
"""An interval; where one is taken, a number is too, as the interval around it."""

_RULES = "eshkol.validated.intervals:"


def interval_argument(who: str, value: Any) -> Any:
    """``value``, an interval or a number, as an interval."""
    return load(_RULES + "interval_of")(who, without_derivative(who, value))


def _compared(who: str, *values: Any) -> list[Any]:
    """Numbers or intervals of which something is asked, as intervals."""
    return [load(_RULES + "interval_of")(who, known(value)) for value in values]


def without_derivative(who: str, value: Any) -> Any:
    """``value`` as a plain number if it is one; one that is differentiated is refused."""
    if isinstance(settled(value), Differentiable):
        raise WrongType(
            f"{who}: expected a number that carries no derivative, got {short_string(value)}",
            hint="intervals have no derivatives; (stop-gradient x) is the number alone",
        )
    return known(value)


@primitive("interval")
def interval(low, high=None):
    """The interval from one bound to the other; of one number, the smallest one around it.

    Bounds that are no doubles are rounded outwards.

    Args:
        low: a real number; ``-inf.0`` for an interval without a lower bound.
        high: a real number that is not less, ``+inf.0`` for none; ``low`` if left out.

    Raises:
        BadValue: the bounds are in the wrong order, or not numbers.
        WrongType: a bound is not a real number.

    Example: ``(interval 1 2)`` ⇒ ``#<interval [1.0, 2.0]>``;
        ``(interval 1/10)`` ⇒ ``#<interval [0.09999999999999999, 0.1]>``.
    """
    if high is None:
        return interval_argument("interval", low)
    first, last = _bound(low), _bound(high)
    if not first[0] <= last[1] or first[0] == float("inf") or last[1] == float("-inf"):
        raise BadValue(
            f"interval: expected a lower and an upper bound, got {short_string(low)} and "
            f"{short_string(high)}"
        )
    return load(_RULES + "Interval")(first[0], last[1])


def _bound(value: Any) -> tuple[float, float]:
    number = without_derivative("interval", value)
    if number.__class__ is float and number == number:
        return number, number
    found = load(_RULES + "interval_of")("interval", number)
    return found.inf, found.sup


@primitive("interval?")
def is_interval(value):
    """Whether the value is an interval. Example: ``(interval? (interval 1 2))`` ⇒ ``#t``."""
    return value.__class__ is load(_RULES + "Interval")


@primitive("interval-inf")
def interval_inf(interval):
    """The lower bound. Example: ``(interval-inf (interval 1 2))`` ⇒ ``1.0``."""
    return interval_argument("interval-inf", interval).inf


@primitive("interval-sup")
def interval_sup(interval):
    """The upper bound. Example: ``(interval-sup (interval 1 2))`` ⇒ ``2.0``."""
    return interval_argument("interval-sup", interval).sup


@primitive("interval-mid")
def interval_mid(interval):
    """A number in the middle. Example: ``(interval-mid (interval 1 2))`` ⇒ ``1.5``."""
    return interval_argument("interval-mid", interval).midpoint()


@primitive("interval-rad")
def interval_rad(interval):
    """How far the bounds are from the middle at most, rounded up.

    Example: ``(interval-rad (interval 1 2))`` ⇒ ``0.5``.
    """
    return interval_argument("interval-rad", interval).radius()


@primitive("interval-wid")
def interval_wid(interval):
    """The width, rounded up. Example: ``(interval-wid (interval 1 3))`` ⇒ ``2.0``."""
    x = interval_argument("interval-wid", interval)
    return load("eshkol.validated.rounding:add_up")(x.sup, -x.inf)


@primitive("interval-mag")
def interval_mag(interval):
    """The largest absolute value. Example: ``(interval-mag (interval -3 2))`` ⇒ ``3.0``."""
    return interval_argument("interval-mag", interval).magnitude()


@primitive("interval-mig")
def interval_mig(interval):
    """The smallest absolute value. Example: ``(interval-mig (interval -3 2))`` ⇒ ``0.0``."""
    return interval_argument("interval-mig", interval).mignitude()


@primitive("interval-member?")
def is_member(number, interval):
    """Whether a number lies in an interval, compared exactly.

    Example: ``(interval-member? 1/3 (interval 0 1))`` ⇒ ``#t``.
    """
    who = "interval-member?"
    x, y = _compared(who, number, interval)
    value = known(number)
    return is_subset(x, y) if value.__class__ is x.__class__ else value in y


@primitive("interval-subset?")
def is_subset(inner, outer):
    """Whether all of the first interval lies in the second.

    Example: ``(interval-subset? (interval 1 2) (interval 1 3))`` ⇒ ``#t``.
    """
    x, y = _compared("interval-subset?", inner, outer)
    return y.inf <= x.inf and x.sup <= y.sup


@primitive("interval-interior?")
def is_interior(inner, outer):
    """Whether all of the first interval lies between the bounds of the second.

    Example: ``(interval-interior? (interval 1 2) (interval 1 3))`` ⇒ ``#f``.
    """
    x, y = _compared("interval-interior?", inner, outer)
    left = y.inf < x.inf or y.inf == float("-inf")
    return left and (x.sup < y.sup or y.sup == float("inf"))


@primitive("interval-disjoint?")
def is_disjoint(first, second):
    """Whether no number lies in both.

    Example: ``(interval-disjoint? (interval 1 2) (interval 3 4))`` ⇒ ``#t``.
    """
    x, y = _compared("interval-disjoint?", first, second)
    return x.sup < y.inf or y.sup < x.inf


@primitive("interval-equal?")
def is_equal_interval(first, second):
    """Whether two intervals have the same bounds.

    Example: ``(interval-equal? (interval 1 2) (+ (interval 0 1) 1))`` ⇒ ``#t``.
    """
    x, y = _compared("interval-equal?", first, second)
    return x == y


@primitive("interval-hull")
def interval_hull(interval, *intervals):
    """The smallest interval that holds all of these.

    Example: ``(interval-hull (interval 1 2) 5)`` ⇒ ``#<interval [1.0, 5.0]>``.
    """
    parts = [interval_argument("interval-hull", value) for value in (interval, *intervals)]
    return load(_RULES + "hull")(parts)


@primitive("interval-intersection")
def interval_intersection(interval, *intervals):
    """What lies in all of the intervals, as an interval; ``#f`` if nothing does.

    Example: ``(interval-intersection (interval 1 3) (interval 2 4))`` ⇒
        ``#<interval [2.0, 3.0]>``.
    """
    parts = [interval_argument("interval-intersection", value) for value in (interval, *intervals)]
    low, high = max(part.inf for part in parts), min(part.sup for part in parts)
    return load(_RULES + "Interval")(low, high) if low <= high else False


@primitive("interval-bisect")
def interval_bisect(interval):
    """The two halves of an interval, as a list.

    Example: ``(interval-bisect (interval 0 2))`` ⇒
        ``(#<interval [0.0, 1.0]> #<interval [1.0, 2.0]>)``.
    """
    x = interval_argument("interval-bisect", interval)
    make, middle = load(_RULES + "Interval"), x.midpoint()
    return scheme_list([make(x.inf, middle), make(middle, x.sup)])


def _declare_unary(name: str, rule: str, what: str, shown: str) -> None:
    def operation(interval: Interval) -> Interval:
        argument = interval_argument(name, interval)
        return load("eshkol.validated.operations:apply")(name, rule, argument)

    operation.__doc__ = (
        f"{what} of a number in an interval, or of a number, as an interval. "
        f"Example: ``({name} (interval 0.25 0.5))`` ⇒ ``#<interval {shown}>``."
    )
    primitive(name)(operation)


def _declare_binary(name: str, rule: str, what: str, shown: str) -> None:
    def operation(a: Interval, b: Interval) -> Interval:
        x = interval_argument(name, a)
        y = known(b) if rule == "power" else interval_argument(name, b)
        return load("eshkol.validated.operations:apply")(name, rule, x, y)

    other = "3" if rule == "power" else "(interval 3 4)"
    operation.__doc__ = (
        f"{what} of numbers in two intervals, or of numbers, as an interval. "
        f"Example: ``({name} (interval 1 2) {other})`` ⇒ ``#<interval {shown}>``."
    )
    primitive(name)(operation)


for _name, _rule, _what, _shown in (
    ("neg", "negate", "The negative", "[-0.5, -0.25]"),
    ("recip", "reciprocal", "The reciprocal", "[2.0, 4.0]"),
    ("sqr", "square", "The square", "[0.0625, 0.25]"),
    ("sqrt", "sqrt", "The square root", "[0.5, 0.7071067811865476]"),
    ("exp", "exp", "e to the power", "[1.2840254166877403, 1.6487212707001293]"),
    ("log", "log", "The natural logarithm", "[-1.3862943611198917, -0.6931471805599447]"),
    ("sin", "sin", "The sine", "[0.2474039592545228, 0.4794255386042033]"),
    ("cos", "cos", "The cosine", "[0.8775825618903722, 0.9689124217106453]"),
    ("tan", "tan", "The tangent", "[0.255341921221036, 0.546302489843791]"),
    ("asin", "asin", "The arc sine", "[0.25268025514207837, 0.5235987755982995]"),
    ("acos", "acos", "The arc cosine", "[1.0471975511965967, 1.318116071652819]"),
    ("atan", "atan", "The arc tangent", "[0.244978663126864, 0.46364760900080637]"),
    ("sinh", "sinh", "The hyperbolic sine", "[0.25261231680816737, 0.5210953054937493]"),
    ("cosh", "cosh", "The hyperbolic cosine", "[1.0314130998795694, 1.1276259652063845]"),
    ("tanh", "tanh", "The hyperbolic tangent", "[0.24491866240370866, 0.4621171572600107]"),
    ("abs", "abs", "The absolute value", "[0.25, 0.5]"),
):
    _declare_unary(f"interval-{_name}", _rule, _what, _shown)

for _name, _rule, _what, _shown in (
    ("add", "add", "The sum", "[4.0, 6.0]"),
    ("sub", "subtract", "The difference", "[-3.0, -1.0]"),
    ("mul", "multiply", "The product", "[3.0, 8.0]"),
    ("div", "divide", "The quotient", "[0.25, 0.6666666666666667]"),
    ("pow", "power", "The power", "[1.0, 8.0]"),
    ("min", "min", "The lesser", "[1.0, 2.0]"),
    ("max", "max", "The greater", "[3.0, 4.0]"),
):
    _declare_binary(f"interval-{_name}", _rule, _what, _shown)

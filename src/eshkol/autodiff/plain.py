"""Elementary functions of plain numbers, with Scheme's meaning instead of Python's.

A plain number is an ``int``, ``Fraction``, ``float`` or ``complex``. Exact arithmetic stays exact
(whole fractions become integers), what overflows becomes an infinity, an inexact division by zero
goes as IEEE 754 says, and a real function leaves the reals where its value does
(``(sqrt -4.0)`` is ``+2.0i``).

:func:`add`, :func:`subtract`, :func:`multiply` and :func:`divide` lean on Python's operators, so
they also take :class:`~eshkol.autodiff.numbers.Differentiable` numbers: the series, tape and
rules compute their coefficients with them.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from eshkol.base.errors import BadValue, DivideByZero

PLAIN = frozenset({int, float, Fraction, complex})
EXACT = frozenset({int, Fraction})

Function = Callable[..., Any]


def whole(number: Any) -> Any:
    """``number`` with a whole fraction as the integer it is."""
    if number.__class__ is Fraction and number.denominator == 1:
        return number.numerator
    return number


def to_float(number: Any) -> float:
    """A plain real as a double; what is too large becomes an infinity."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def to_inexact(number: Any) -> float | complex:
    """A plain number as a double or a complex of doubles."""
    return number if number.__class__ is complex else to_float(number)


def to_exact(number: Any) -> Any:
    """A plain number as an exact one: an integer where it is whole.

    Raises:
        BadValue: it is infinite, not a number, or not real.
    """
    if number.__class__ is int:
        return number
    try:
        return whole(Fraction(number))
    except (OverflowError, TypeError, ValueError):
        raise BadValue(f"exact: expected a finite real number, got {number}") from None


def add(x: Any, y: Any) -> Any:
    """``x + y``."""
    try:
        result = x + y
    except OverflowError:
        return to_inexact(x) + to_inexact(y)
    return result if result.__class__ is not Fraction else whole(result)


def subtract(x: Any, y: Any) -> Any:
    """``x - y``."""
    try:
        result = x - y
    except OverflowError:
        return to_inexact(x) - to_inexact(y)
    return result if result.__class__ is not Fraction else whole(result)


def multiply(x: Any, y: Any) -> Any:
    """``x * y``."""
    try:
        result = x * y
    except OverflowError:
        return to_inexact(x) * to_inexact(y)
    return result if result.__class__ is not Fraction else whole(result)


def negate(x: Any) -> Any:
    """``-x``."""
    return -x


def divide(x: Any, y: Any) -> Any:
    """``x / y``; an integer or Fraction if both are exact.

    Raises:
        DivideByZero: both are exact and ``y`` is zero.
    """
    if x.__class__ in EXACT and y.__class__ in EXACT:
        if not y:
            raise DivideByZero(
                f"/: exact {x} divided by exact zero",
                hint="an inexact zero gives an infinity: (/ 1 0.0)",
            )
        return whole(Fraction(x, y))
    try:
        return x / y
    except DivideByZero:
        raise
    except ZeroDivisionError:
        return _over_zero(to_inexact(x), to_inexact(y))
    except OverflowError:
        return divide(to_inexact(x), to_inexact(y))


def _over_zero(x: Any, zero: Any) -> Any:
    if x.__class__ is complex:
        return complex(_over_zero(x.real, zero), _over_zero(x.imag, zero))
    if x == 0 or x != x:
        return math.nan
    sign = math.copysign(1.0, zero) if zero.__class__ is float else 1.0
    return math.copysign(math.inf, x) * sign


def reals_to_reals(real: Function, elsewhere: Function) -> Function:
    """``real`` of a float in its domain, its limit at what is too large, else ``elsewhere``."""

    def function(x: Any) -> Any:
        if x.__class__ is complex:
            return _complex_value(elsewhere, x)
        try:
            return real(x)
        except OverflowError:
            return function(math.inf if x > 0 else -math.inf)
        except ValueError:
            return elsewhere(to_float(x))

    return function


def _complex_value(function: Function, z: complex) -> complex:
    try:
        return function(z)
    except (OverflowError, ValueError, ZeroDivisionError):
        return complex(math.nan, math.nan)


def periodic(real: Function, complex_function: Function) -> Function:
    """A function of all finite reals that has no limit at the infinities."""

    def elsewhere(x: Any) -> Any:
        return complex_function(x) if x.__class__ is complex else math.nan

    return reals_to_reals(real, elsewhere)


def _log_elsewhere(x: Any) -> Any:
    if x == 0:
        return -math.inf
    return cmath.log(x)


def _atanh_elsewhere(x: Any) -> Any:
    if x in (1, -1):
        return math.copysign(math.inf, x.real)
    return cmath.atanh(x)


def _log1p_elsewhere(x: Any) -> Any:
    return _log_elsewhere(1 + x)


def _expm1_elsewhere(z: Any) -> Any:
    return cmath.exp(z) - 1


sin = periodic(math.sin, cmath.sin)
cos = periodic(math.cos, cmath.cos)
tan = periodic(math.tan, cmath.tan)
asin = reals_to_reals(math.asin, cmath.asin)
acos = reals_to_reals(math.acos, cmath.acos)
atan = reals_to_reals(math.atan, cmath.atan)
sinh = reals_to_reals(math.sinh, cmath.sinh)
cosh = reals_to_reals(math.cosh, cmath.cosh)
tanh = reals_to_reals(math.tanh, cmath.tanh)
asinh = reals_to_reals(math.asinh, cmath.asinh)
acosh = reals_to_reals(math.acosh, cmath.acosh)
atanh = reals_to_reals(math.atanh, _atanh_elsewhere)
exp = reals_to_reals(math.exp, cmath.exp)
expm1 = reals_to_reals(math.expm1, _expm1_elsewhere)
log = reals_to_reals(math.log, _log_elsewhere)
log1p = reals_to_reals(math.log1p, _log1p_elsewhere)
_sqrt = reals_to_reals(math.sqrt, cmath.sqrt)


def sqrt(x: Any) -> Any:
    """The square root: exact where it is rational, complex of a negative number."""
    if x.__class__ in EXACT and x >= 0:
        numerator, denominator = math.isqrt(x.numerator), math.isqrt(x.denominator)
        if numerator**2 == x.numerator and denominator**2 == x.denominator:
            return whole(Fraction(numerator, denominator))
        if x.__class__ is int and x.bit_length() > 1000:
            return to_float(numerator)
    return _sqrt(x)


def power(x: Any, y: Any) -> Any:
    """``x`` to the power ``y``: exact of exact arguments where ``y`` is an integer, or half of one
    and ``x`` a square.

    Raises:
        DivideByZero: exact zero to a negative exact integer.
    """
    if y.__class__ is int:
        return _integer_power(x, y)
    if y.__class__ is Fraction and y.denominator == 2 and x.__class__ in EXACT:
        root = sqrt(x)
        if root.__class__ in EXACT and (root or y > 0):
            return _integer_power(root, y.numerator)
        if y.numerator == 1:
            return root
    if x == 0 and y.__class__ is not complex and y < 0:
        return math.inf
    try:
        return to_inexact(x) ** to_inexact(y)
    except OverflowError:
        return _huge_power(to_inexact(x), to_inexact(y))
    except ZeroDivisionError:
        return complex(math.nan, math.nan)


def _integer_power(x: Any, n: int) -> Any:
    if x.__class__ is int and n < 0:
        if not x:
            raise DivideByZero(
                f"expt: exact zero to the negative power {n}",
                hint="an inexact zero gives an infinity: (expt 0.0 -1)",
            )
        return divide(1, x**-n)
    try:
        return whole(x**n)
    except ZeroDivisionError:
        if x.__class__ is not float:
            return divide(1, x)
        return math.copysign(math.inf, x) if n % 2 else math.inf
    except OverflowError:
        return _huge_power(to_inexact(x), n)


def _huge_power(x: Any, y: Any) -> Any:
    if x.__class__ is complex or y.__class__ is complex:
        return complex(math.nan, math.nan)
    if (y > 0 and abs(x) < 1) or (y < 0 and abs(x) > 1):
        return 0.0
    return -math.inf if x < 0 and y % 2 == 1 else math.inf


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + exp(-x)), without overflow on either side."""
    if x.__class__ is complex:
        return divide(1.0, 1 + exp(-x))
    if x < 0:
        return exp(x) / (1.0 + exp(x))
    return 1.0 / (1.0 + exp(-x))


def erf(x: Any) -> float:
    """The error function of a real."""
    return math.erf(to_float(x))


def atan2(y: Any, x: Any) -> float:
    """The angle of the point (x, y), from -π to π."""
    return math.atan2(to_float(y), to_float(x))


def modulo(x: Any, y: Any) -> Any:
    """``x - y * floor(x / y)``; it has the sign of ``y``."""
    x, y = _of_one_kind("modulo", x, y)
    return whole(x % y)


def remainder(x: Any, y: Any) -> Any:
    """``x - y * truncate(x / y)``; it has the sign of ``x``."""
    x, y = _of_one_kind("remainder", x, y)
    if x.__class__ is float:
        return math.nan if math.isinf(x) else math.fmod(x, y)
    return x - y * math.trunc(Fraction(x) / y)


def quotient(x: Any, y: Any) -> Any:
    """The ratio without its fractional part."""
    return truncate(divide(_nonzero("quotient", x, y), y))


def floor_quotient(x: Any, y: Any) -> Any:
    """The ratio rounded down: the largest that, times ``y``, leaves a remainder of its sign."""
    x, y = _of_one_kind("floor-quotient", x, y)
    return x // y


def _of_one_kind(name: str, x: Any, y: Any) -> tuple[Any, Any]:
    """Both numbers as doubles, if one is."""
    _nonzero(name, x, y)
    is_inexact = x.__class__ is float or y.__class__ is float
    return (to_float(x), to_float(y)) if is_inexact else (x, y)


WHOLE_DIVISION = "test the divisor before: (if (= n 0) … …)"
"""What helps where an integer is divided by zero."""


def _nonzero(name: str, x: Any, y: Any) -> Any:
    if y == 0:
        raise DivideByZero(f"{name}: division of {x} by zero", hint=WHOLE_DIVISION)
    return x


def _rounding(python: Function) -> Function:
    def function(x: Any) -> Any:
        if x.__class__ is not float:
            return python(x)
        return math.copysign(float(python(x)), x) if math.isfinite(x) else x

    return function


floor = _rounding(math.floor)
ceiling = _rounding(math.ceil)
truncate = _rounding(math.trunc)
nearest = _rounding(round)


def sign(x: Any) -> Any:
    """-1, 0 or 1, as exact as ``x``; not a number of what is not a number.

    Of a complex number it is the one of magnitude 1 in its direction, and 0 of 0.
    """
    if x.__class__ is float:
        return x if x != x or x == 0 else math.copysign(1.0, x)
    if x.__class__ is complex:
        size = max(abs(x.real), abs(x.imag))
        return x if size == 0 else x / size / abs(x / size)
    return (x > 0) - (x < 0)

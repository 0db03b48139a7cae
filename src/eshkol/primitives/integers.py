"""Division with a whole quotient, divisors, and parity.

Division is defined for exact integers and for all other reals too, as on tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial, reduce
from typing import Any

from eshkol.autodiff import plain
from eshkol.base.errors import BadValue
from eshkol.datum.values import MultipleValues
from eshkol.primitives.arguments import is_tracer, is_witness
from eshkol.primitives.comparison import Truth, equal_to
from eshkol.primitives.declare import apply_rule, primitive
from eshkol.primitives.numbers import (
    REAL,
    is_host_number,
    is_tensor_like,
    known,
    not_known,
    real_argument,
)
from eshkol.primitives.operations import Number, beyond_plain

WHOLE_NUMBERS = "eshkol.xla.whole_numbers:"
"""Where the tensor rules of integers are."""


def _division(name: str, of_plain: Callable[[Any, Any], Any]) -> Callable[[Number, Number], Number]:
    def divide(a: Number, b: Number) -> Number:
        if a.__class__ in REAL and b.__class__ in REAL:
            return of_plain(a, b)
        return beyond_plain(name, name, divide, a, b, "a real number")

    return divide


_quotient = _division("quotient", plain.quotient)
_remainder = _division("remainder", plain.remainder)
_modulo = _division("modulo", plain.modulo)
_floor_quotient = _division("floor-quotient", plain.floor_quotient)


@primitive("quotient", "truncate-quotient")
def quotient(dividend: Number, divisor: Number) -> Number:
    """The quotient of two numbers, rounded towards zero.

    Raises:
        DivideByZero: the divisor is zero. WrongType: an argument is not a real number.

    Example: ``(quotient -7 2)`` ⇒ ``-3``; ``(quotient 7.0 2)`` ⇒ ``3.0``.
    """
    if dividend.__class__ is int and divisor.__class__ is int and divisor > 0 <= dividend:
        return dividend // divisor
    return _quotient(dividend, divisor)


@primitive("remainder", "truncate-remainder")
def remainder(dividend: Number, divisor: Number) -> Number:
    """What ``quotient`` leaves; has the sign of the dividend.

    Example: ``(remainder -7 2)`` ⇒ ``-1``.
    """
    if dividend.__class__ is int and divisor.__class__ is int and divisor > 0 <= dividend:
        return dividend % divisor
    return _remainder(dividend, divisor)


@primitive("modulo", "floor-remainder", "mod")
def modulo(dividend: Number, divisor: Number) -> Number:
    """What division rounded down leaves; has the sign of the divisor.

    Example: ``(modulo -7 2)`` ⇒ ``1``.
    """
    if dividend.__class__ is int and divisor.__class__ is int and divisor:
        return dividend % divisor
    return _modulo(dividend, divisor)


@primitive("floor-quotient")
def floor_quotient(dividend: Number, divisor: Number) -> Number:
    """The quotient of two numbers, rounded down. Example: ``(floor-quotient -7 2)`` ⇒ ``-4``."""
    if dividend.__class__ is int and divisor.__class__ is int and divisor:
        return dividend // divisor
    return _floor_quotient(dividend, divisor)


@primitive("floor/")
def floor_division(dividend: Number, divisor: Number) -> MultipleValues:
    """Two values: ``floor-quotient`` and ``floor-remainder``.

    Example: ``(call-with-values (lambda () (floor/ -7 2)) list)`` ⇒ ``(-4 1)``.
    """
    return MultipleValues((floor_quotient(dividend, divisor), modulo(dividend, divisor)))


@primitive("truncate/")
def truncate_division(dividend: Number, divisor: Number) -> MultipleValues:
    """Two values: ``quotient`` and ``remainder``.

    Example: ``(call-with-values (lambda () (truncate/ -7 2)) list)`` ⇒ ``(-3 -1)``.
    """
    return MultipleValues((quotient(dividend, divisor), remainder(dividend, divisor)))


def _whole(who: str, value: Any) -> int:
    """A number that is an integer, exact or not, as a Python integer."""
    number = known(value)
    if number.__class__ is int or (number.__class__ is float and number.is_integer()):
        return int(number)
    raise not_known(who, value, "an integer")


def _of_integers(
    who: str, operation: Callable[..., int], rule: str, numbers: tuple[Number, ...]
) -> Number:
    if all(number.__class__ is int for number in numbers):
        return operation(*numbers)
    if any(is_tensor_like(number) for number in numbers):
        for number in numbers:
            if not is_tensor_like(number):
                _whole(who, number)
        pair = partial(apply_rule, WHOLE_NUMBERS + rule, who)
        return reduce(pair, numbers) if len(numbers) > 1 else pair(*numbers, operation())
    result = operation(*(_whole(who, number) for number in numbers))
    return float(result) if any(known(n).__class__ is float for n in numbers) else result


@primitive("gcd")
def greatest_common_divisor(*numbers: Number) -> Number:
    """The greatest common divisor of integers; ``0`` of none. Example: ``(gcd 32 -36)`` ⇒ ``4``.

    Tensors are taken element by element: ``(gcd (tensor 12 20 #:dtype 'int32) 8)`` ⇒ ``#(4 4)``.
    """
    return _of_integers("gcd", math.gcd, "greatest_common_divisor", numbers)


@primitive("lcm")
def least_common_multiple(*numbers: Number) -> Number:
    """The least common multiple of integers; ``1`` of none. Example: ``(lcm 32 -36)`` ⇒ ``288``.

    Tensors are taken element by element: ``(lcm (tensor 12 20 #:dtype 'int32) 8)`` ⇒ ``#(24 40)``.
    """
    return _of_integers("lcm", math.lcm, "least_common_multiple", numbers)


@primitive("even?")
def is_even(number: Number) -> Truth:
    """Whether the integer is divisible by two. Example: ``(even? -2)`` ⇒ ``#t``."""
    if number.__class__ is int:
        return number & 1 == 0
    if is_host_number(number):
        return _whole("even?", number) % 2 == 0
    return equal_to(beyond_plain("even?", "modulo", _modulo, number, 2, "an integer"), 0)


@primitive("odd?")
def is_odd(number: Number) -> Truth:
    """Whether the integer is not divisible by two. Example: ``(odd? 3)`` ⇒ ``#t``."""
    if number.__class__ is int:
        return number & 1 == 1
    if is_host_number(number):
        return _whole("odd?", number) % 2 == 1
    return equal_to(beyond_plain("odd?", "modulo", _modulo, number, 2, "an integer"), 1)


@primitive("exact-integer-sqrt")
def exact_integer_square_root(number: Number) -> MultipleValues:
    """Two values: the whole part of the square root of an exact integer ≥ 0, and the rest.

    Example: ``(call-with-values (lambda () (exact-integer-sqrt 17)) list)`` ⇒ ``(4 1)``.
    """
    if is_tracer(number) or is_witness(number):
        path = WHOLE_NUMBERS + "whole_square_root"
        return MultipleValues(apply_rule(path, "exact-integer-sqrt", number))
    value = known(number)
    if value.__class__ is not int:
        raise not_known("exact-integer-sqrt", number, "an exact integer")
    if value < 0:
        raise BadValue(f"exact-integer-sqrt: expected a non-negative integer, got {value}")
    root = math.isqrt(value)
    return MultipleValues((root, value - root * root))


def _ratio(who: str, number: Number) -> tuple[int, int, bool]:
    """Numerator, denominator, and whether the number is exact."""
    value = real_argument(who, number)
    if value.__class__ is not float:
        return value.numerator, value.denominator, True
    if not math.isfinite(value):
        raise not_known(who, number, "a rational number")
    return *value.as_integer_ratio(), False


@primitive("numerator")
def numerator(number: Number) -> int | float:
    """The numerator in lowest terms. Example: ``(numerator 6/4)`` ⇒ ``3``."""
    above, _, exact = _ratio("numerator", number)
    return above if exact else float(above)


@primitive("denominator")
def denominator(number: Number) -> int | float:
    """The denominator in lowest terms, positive. Example: ``(denominator 0.5)`` ⇒ ``2.0``."""
    _, below, exact = _ratio("denominator", number)
    return below if exact else float(below)


@primitive("rationalize")
def rationalize(number: Number, tolerance: Number) -> Number:
    """The simplest rational number that differs from the number by no more than the tolerance.

    One rational is simpler than another if neither its numerator nor its denominator is larger.

    Example: ``(rationalize 3/10 1/10)`` ⇒ ``1/3``; ``(rationalize .3 1/10)`` ⇒
    ``0.3333333333333333``.
    """
    x = real_argument("rationalize", number)
    y = real_argument("rationalize", tolerance)
    if x.__class__ is not float and y.__class__ is not float:
        simplest = _simplest(Fraction(x) - abs(y), Fraction(x) + abs(y))
        return simplest.numerator if simplest.denominator == 1 else simplest
    if math.isfinite(x) and math.isfinite(y):
        x, y = Fraction(x), abs(Fraction(y))
        return float(_simplest(x - y, x + y))
    if math.isnan(x) or math.isnan(y) or (math.isinf(x) and math.isinf(y)):
        return math.nan
    return float(x) if math.isinf(x) else 0.0


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The simplest fraction in an interval (by continued fractions; Stern 1858)."""
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -_simplest(-high, -low)
    terms = []
    while (whole := math.ceil(low)) > high:
        whole -= 1
        terms.append(whole)
        low, high = 1 / (high - whole), 1 / (low - whole)
    result = Fraction(whole)
    for term in reversed(terms):
        result = term + 1 / result
    return result

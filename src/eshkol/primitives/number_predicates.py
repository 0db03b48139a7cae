"""Which kind of number a value is, and where it lies."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from eshkol.datum.equality import is_array
from eshkol.primitives.arguments import is_witness
from eshkol.primitives.arithmetic import subtract
from eshkol.primitives.comparison import Truth, equal_to, greater, less
from eshkol.primitives.declare import call_rule, load, primitive
from eshkol.primitives.equality import logical_not
from eshkol.primitives.numbers import REAL, is_exact, is_number, known, not_a_number
from eshkol.primitives.operations import Number
from eshkol.primitives.rounding import absolute, floor


@primitive("number?", "complex?")
def is_any_number(value: Any) -> bool:
    """Whether the value is a number; a tensor of rank 0 is. Example: ``(number? 1/2)`` ⇒ ``#t``."""
    return is_number(value)


@primitive("real?")
def is_real(value: Any) -> bool:
    """Whether the value is a real number. Example: ``(real? 1.5)`` ⇒ ``#t``."""
    if is_array(value):
        return is_number(value) and not str(value.dtype).startswith("complex")
    return is_number(value) and known(value).__class__ is not complex


@primitive("rational?")
def is_rational(value: Any) -> Truth:
    """Whether the value is a finite real number. Example: ``(rational? 0.5)`` ⇒ ``#t``."""
    return is_real(value) and is_finite(value)


@primitive("integer?")
def is_integer(value: Any) -> Truth:
    """Whether the value is a whole number, exact or not. Example: ``(integer? 3.0)`` ⇒ ``#t``."""
    if value.__class__ is int or is_witness(value):
        return True
    if not is_real(value):
        return False
    number = known(value)
    if number.__class__ in REAL:
        return number.__class__ is int or (number.__class__ is float and number.is_integer())
    return is_exact(number) or equal_to(subtract(number, floor(number)), 0)


def _number(who: str, value: Any) -> Any:
    """``value``, a number or a tensor, as a plain number where it has a known value."""
    if is_number(value) or is_array(value):
        return known(value)
    raise not_a_number(who, value)


@primitive("exact?")
def is_exact_number(number: Number) -> bool:
    """Whether the number is exact; of a tensor, whether its dtype is one of integers.

    Example: ``(exact? 1/2)`` ⇒ ``#t``; ``(exact? 0.5)`` ⇒ ``#f``.
    """
    if is_number(number) or is_array(number):
        return is_exact(number)
    raise not_a_number("exact?", number)


@primitive("inexact?")
def is_inexact_number(number: Number) -> bool:
    """Whether the number is not exact. Example: ``(inexact? 0.5)`` ⇒ ``#t``."""
    if is_number(number) or is_array(number):
        return not is_exact(number)
    raise not_a_number("inexact?", number)


@primitive("exact-rational?")
def is_exact_rational(value: Any) -> bool:
    """Whether the value is an exact integer or ratio. Example: ``(exact-rational? 2)`` ⇒ ``#t``."""
    return is_number(value) and is_exact(value)


@primitive("exact-integer?")
def is_exact_integer(value: Any) -> bool:
    """Whether the value is an exact integer. Example: ``(exact-integer? 2.0)`` ⇒ ``#f``."""
    if value.__class__ is int or is_witness(value):
        return True
    return is_exact_rational(value) and known(value).__class__ is not Fraction


@primitive("exact-nonnegative-integer?", "index?")
def is_index(value: Any) -> Truth:
    """Whether the value is an exact integer ≥ 0. Example: ``(index? 0)`` ⇒ ``#t``."""
    return is_exact_integer(value) and logical_not(less(value, 0))


@primitive("nan?")
def is_nan(number: Number) -> Truth:
    """Whether the number is not a number. Example: ``(nan? (/ 0.0 0.0))`` ⇒ ``#t``."""
    value = _number("nan?", number)
    return (
        call_rule(load("eshkol.xla.selection:is_nan"), value) if is_array(value) else value != value
    )


@primitive("infinite?")
def is_infinite(number: Number) -> Truth:
    """Whether the number is an infinity. Example: ``(infinite? (/ 1.0 0.0))`` ⇒ ``#t``."""
    value = _number("infinite?", number)
    if value.__class__ is complex:
        return math.isinf(value.real) or math.isinf(value.imag)
    return equal_to(absolute(value), math.inf)


@primitive("finite?")
def is_finite(number: Number) -> Truth:
    """Whether the number is neither an infinity nor not a number.

    Example: ``(finite? 1/2)`` ⇒ ``#t``; ``(finite? +inf.0)`` ⇒ ``#f``.
    """
    value = _number("finite?", number)
    if value.__class__ is complex:
        return math.isfinite(value.real) and math.isfinite(value.imag)
    if is_array(value):
        return call_rule(load("eshkol.xla.selection:is_finite"), value)
    return value.__class__ is not float or math.isfinite(value)


@primitive("zero?")
def is_zero(number: Number) -> Truth:
    """Whether the number equals zero. Example: ``(zero? -0.0)`` ⇒ ``#t``."""
    if number.__class__ is int or number.__class__ is float:
        return number == 0
    return equal_to(number, 0, who="zero?")


@primitive("positive?")
def is_positive(number: Number) -> Truth:
    """Whether the number is greater than zero. Example: ``(positive? 1/2)`` ⇒ ``#t``."""
    if number.__class__ is int or number.__class__ is float:
        return number > 0
    return greater(number, 0, who="positive?")


@primitive("negative?")
def is_negative(number: Number) -> Truth:
    """Whether the number is less than zero. Example: ``(negative? -1)`` ⇒ ``#t``."""
    if number.__class__ is int or number.__class__ is float:
        return number < 0
    return less(number, 0, who="negative?")

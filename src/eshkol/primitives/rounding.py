"""Rounding, absolute values, and conversion between exact and inexact numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eshkol.autodiff import apply, plain
from eshkol.autodiff.plain import PLAIN
from eshkol.base.errors import BadValue
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.primitives.declare import primitive
from eshkol.primitives.numbers import is_host_number, is_tensor_like, known, not_a_number
from eshkol.primitives.operations import TENSOR_RULES, Number, unary
from eshkol.validated.enclosures import Enclosure

_floor = unary("floor", plain.floor, "floor")
_ceiling = unary("ceiling", plain.ceiling, "ceiling")
_truncate = unary("truncate", plain.truncate, "truncate")
_round = unary("round", plain.nearest, "round")
_absolute = unary("abs", abs, "abs")


@primitive("floor", tensor=TENSOR_RULES + "floor")
def floor(number: Number) -> Number:
    """The largest integer not above the number, exact if the number is.

    Example: ``(floor -4.3)`` ⇒ ``-5.0``; ``(floor 7/2)`` ⇒ ``3``.
    """
    return _floor(number)


@primitive("ceiling", tensor=TENSOR_RULES + "ceiling")
def ceiling(number: Number) -> Number:
    """The smallest integer not below the number. Example: ``(ceiling -4.3)`` ⇒ ``-4.0``."""
    return _ceiling(number)


@primitive("truncate", tensor=TENSOR_RULES + "truncate")
def truncate(number: Number) -> Number:
    """The nearest integer towards zero. Example: ``(truncate -4.7)`` ⇒ ``-4.0``."""
    return _truncate(number)


@primitive("round", tensor=TENSOR_RULES + "round")
def round_to_even(number: Number) -> Number:
    """The nearest integer; of two equally near, the even one (IEEE 754).

    Example: ``(round 2.5)`` ⇒ ``2.0``; ``(round 7/2)`` ⇒ ``4``.
    """
    return _round(number)


@primitive("abs", tensor=TENSOR_RULES + "abs")
def absolute(number: Number) -> Number:
    """The absolute value of a real number or of each element.

    Example: ``(abs -1/2)`` ⇒ ``1/2``; ``(abs #(-1 2))`` ⇒ ``#(1 2)``.
    """
    return _absolute(number)


@primitive("exact", "inexact->exact", tensor=TENSOR_RULES + "exact")
def exact(number: Number) -> Number:
    """The exact number of the same value: every finite double is a rational.

    A number that is traced becomes an integer, rounded towards zero, since compiled code has no
    rationals; ``with-checks`` refuses one that is not whole.

    Raises:
        BadValue: an infinity or what is not a number.

    Example: ``(exact 2.5)`` ⇒ ``5/2``; ``(exact 2.0)`` ⇒ ``2``.
    """
    if number.__class__ is float and number.is_integer():
        return int(number)
    if not is_host_number(number):
        return _converted("exact", exact, number)
    value = known(number)
    if value.__class__ is complex:
        if value.imag != 0:
            raise not_a_number("exact", number, "a real number")
        number = value = value.real
    if value.__class__ is float and not math.isfinite(value):
        raise BadValue(f"exact: {short_string(value)} has no exact value")
    return plain.to_exact(value) if number is value else apply("exact", number)


@primitive("inexact", "exact->inexact", tensor=TENSOR_RULES + "inexact")
def inexact(number: Number) -> Number:
    """The double nearest to the number; derivatives pass through unchanged.

    Example: ``(inexact 1/3)`` ⇒ ``0.3333333333333333``.
    """
    if number.__class__ in PLAIN:
        return plain.to_inexact(number)
    if isinstance(number, Enclosure):
        return number
    if is_host_number(number):
        return apply("inexact", number)
    return _converted("inexact", inexact, number)


def _converted(who: str, convert: Callable[[Any], Any], number: Number) -> Number:
    if isinstance(number, Vector):
        return Vector(map(convert, number))
    if is_tensor_like(number):
        return NotImplemented
    raise not_a_number(who, number)

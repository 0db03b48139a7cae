"""Arithmetic on doubles rounded down and up, to the very last bit wherever that is cheap to know.

Python can't switch the rounding mode of the processor. So each operation is done to nearest, and
then its error is computed, which is itself a double (Knuth's TwoSum, Dekker's product): where it
is zero the result is exact, else its sign tells which neighbour is the other bound. Where an
exponent is so extreme that the error may not be a double, the result is moved outwards in any case.
"""

from __future__ import annotations

import math
from typing import Any

INFINITY = math.inf
LARGEST = math.nextafter(INFINITY, 0.0)

_SPLITTER = 134217729.0  # 2^27 + 1
_SMALL, _LARGE = 2.0**-960, 2.0**990
"""Between these, products of doubles and their errors neither overflow nor underflow."""


def below(x: float) -> float:
    """The next double below."""
    return math.nextafter(x, -INFINITY)


def above(x: float) -> float:
    """The next double above."""
    return math.nextafter(x, INFINITY)


def add_down(a: float, b: float) -> float:
    """The largest double that is not greater than ``a + b``."""
    total = a + b
    if math.isinf(total):
        return LARGEST if total > 0 and not (math.isinf(a) or math.isinf(b)) else total
    error = _sum_error(a, b, total)
    return total if error >= 0 else below(total)


def _sum_error(a: float, b: float, total: float) -> float:
    """``a + b - total``; NaN, which is neither sign, where it overflows on the way."""
    part = total - a
    return (a - (total - part)) + (b - part)


def add_up(a: float, b: float) -> float:
    """The smallest double that is not less than ``a + b``."""
    return -add_down(-a, -b)


def _product_error(a: float, b: float, product: float) -> float:
    """``a * b - product``; NaN where it may be no double."""
    if not (_SMALL < abs(product) < _LARGE and abs(a) < _LARGE and abs(b) < _LARGE):
        return math.nan
    scaled = _SPLITTER * a
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    scaled = _SPLITTER * b
    b_high = scaled - (scaled - b)
    b_low = b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def multiply_down(a: float, b: float) -> float:
    """The largest double that is not greater than ``a * b``; zero times an infinity is zero.

    That is what the product of a bound that is zero and one that is open takes (IEEE 1788).
    """
    if a == 0 or b == 0:
        return 0.0
    product = a * b
    if product == 0:
        return _zero_down(a, b)
    if math.isinf(product):
        return LARGEST if product > 0 and not (math.isinf(a) or math.isinf(b)) else product
    error = _product_error(a, b, product)
    return product if error >= 0 else below(product)


def _zero_down(a: float, b: float) -> float:
    """What is a lower bound of a product or quotient that was too small for a double."""
    return 0.0 if (a > 0) == (b > 0) else below(0.0)


def multiply_up(a: float, b: float) -> float:
    """The smallest double that is not less than ``a * b``."""
    return -multiply_down(-a, b)


def divide_down(a: float, b: float) -> float:
    """The largest double that is not greater than ``a / b``, for ``b`` that is not zero.

    A finite number divided by an infinity is zero.
    """
    if a == 0 or math.isinf(b):
        return 0.0
    quotient = a / b
    if quotient == 0:
        return _zero_down(a, b)
    if math.isinf(quotient):
        return LARGEST if quotient > 0 and not math.isinf(a) else quotient
    product = quotient * b
    error = _product_error(quotient, b, product)
    # The remainder of a division rounded to nearest is a double, and so is the first difference.
    remainder = (a - product) - error
    is_below = remainder * math.copysign(1.0, b) < 0
    return quotient if not is_below and remainder == remainder else below(quotient)


def divide_up(a: float, b: float) -> float:
    """The smallest double that is not less than ``a / b``, for ``b`` that is not zero."""
    return -divide_down(-a, b)


def sqrt_down(a: float) -> float:
    """The largest double that is not greater than the root of ``a ≥ 0``."""
    root = math.sqrt(a)
    if root == 0 or math.isinf(root):
        return root
    return root if _root_remainder(a, root) >= 0 else below(root)


def sqrt_up(a: float) -> float:
    """The smallest double that is not less than the root of ``a ≥ 0``."""
    root = math.sqrt(a)
    if root == 0 or math.isinf(root):
        return root
    return root if _root_remainder(a, root) <= 0 else above(root)


def _root_remainder(a: float, root: float) -> float:
    product = root * root
    return (a - product) - _product_error(root, root, product)


def bounds(number: Any) -> tuple[float, float]:
    """The nearest doubles around a plain real number, equal where it is a double."""
    try:
        nearest = float(number)
    except OverflowError:
        return (LARGEST, INFINITY) if number > 0 else (-INFINITY, -LARGEST)
    if number.__class__ is float or nearest == number:
        return nearest, nearest
    if nearest > number:
        return below(nearest), nearest
    return nearest, above(nearest)


def widened(value: float, units: int) -> tuple[float, float]:
    """Bounds of what a function really is whose computed ``value`` is off by so many units.

    Units in the last place of ``value``; since they are halved below a power of two, and the
    difference is rounded, one more double goes to each side.
    """
    if math.isinf(value):
        # What is a little less than the largest double may have been computed as an infinity.
        least = LARGEST - units * math.ulp(LARGEST)
        return (least, value) if value > 0 else (value, -least)
    margin = units * math.ulp(value)
    return below(value - margin), above(value + margin)

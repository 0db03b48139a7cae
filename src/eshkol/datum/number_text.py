"""Numbers as text: what ``number->string``, ``display`` and ``write`` show."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SPECIAL = {"inf": "+inf.0", "-inf": "-inf.0", "nan": "+nan.0", "-nan": "+nan.0"}
_WHOLE = 1e15  # below this, the digits of a double are those of an integer


class FloatFormat:
    """How inexact numbers are laid out where they are shown to people; for the whole process.

    Attributes:
        name: ``"scheme"``: as the reader reads them; ``"native"``: as the programs in C++ show
            them, with integral values as if they were exact.
    """

    name = "scheme"


FLOAT_FORMAT = FloatFormat()


def number_text(value: Any, radix: int = 10) -> str:
    """The shortest text that reads back as the number ``value``; or its text in the float format
    that is chosen.

    Floats of other widths (NumPy's scalars) get the digits of their own precision. In a radix
    other than 10 inexact numbers are fractions with the prefix ``#i``.

    Example:
        >>> number_text(0.1), number_text(1e21), number_text(255, 16), number_text(0.5, 2)
        ('0.1', '1e21', 'ff', '#i1/10')
    """
    lay_out = real_text if FLOAT_FORMAT.name == "scheme" else native_text
    return _text(value, radix, lay_out)


def readable_text(value: Any) -> str:
    """The shortest text that reads back as the number ``value``, whatever the float format."""
    return _text(value, 10, real_text)


def _text(value: Any, radix: int, lay_out: Callable[[str], str]) -> str:
    kind = value.__class__
    if kind is int:
        return integer_text(value, radix)
    if kind is Fraction:
        return f"{integer_text(value.numerator, radix)}/{integer_text(value.denominator, radix)}"
    is_complex = isinstance(value, complex) or kind.__name__.startswith("complex")
    if radix != 10 and (is_complex or math.isfinite(value)):
        return f"#i{_in_radix(value, radix, is_complex)}"
    if is_complex:
        return _complex_text(value, lay_out)
    return lay_out(repr(value) if kind is float else str(value))


def _in_radix(value: Any, radix: int, is_complex: bool) -> str:
    """The digits of an inexact number as a fraction."""
    if is_complex:
        parts = [_in_radix(part, radix, False) for part in (value.real, value.imag)]
        return f"{parts[0]}{'' if parts[1][0] in '+-' else '+'}{parts[1]}i"
    if not math.isfinite(value):
        return real_text(repr(float(value)))
    above, below = float(value).as_integer_ratio()
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    digits = integer_text(abs(above), radix)
    return f"{sign}{digits}" if below == 1 else f"{sign}{digits}/{integer_text(below, radix)}"


def integer_text(value: int, radix: int = 10) -> str:
    """The digits of an exact integer, however long."""
    if radix == 10:
        try:
            return str(value)
        except ValueError:  # more digits than Python lets str() make; Decimal has no such limit
            from decimal import Decimal

            return format(Decimal(value), "f")
    if radix in (2, 8, 16):
        return format(value, {2: "b", 8: "o", 16: "x"}[radix])
    digits, rest = [], abs(value)
    while True:
        rest, digit = divmod(rest, radix)
        digits.append(_DIGITS[digit])
        if not rest:
            return "-" * (value < 0) + "".join(reversed(digits))


def real_text(python: str) -> str:
    """Python's text of a float as Scheme writes it."""
    if python in _SPECIAL:
        return _SPECIAL[python]
    mantissa, e, exponent = python.partition("e")
    if e:
        return f"{mantissa}e{int(exponent)}"
    return python if "." in python else f"{python}.0"


def native_text(python: str) -> str:
    """Python's text of a float in fixed or scientific form, whichever is shorter.

    Example:
        >>> native_text("1.0"), native_text("1e+21"), native_text("0.0001"), native_text("2.5")
        ('1', '1e+21', '1e-04', '2.5')
    """
    if python in _SPECIAL:
        return _SPECIAL[python]
    mantissa, _, exponent = python.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits.strip("0"):
        return "-0.0" if python.startswith("-") else "0"
    point = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    fixed = _fixed(digits, point)
    more = f".{digits[1:]}" if len(digits) > 1 else ""
    scientific = f"{digits[0]}{more}e{point - 1:+03d}"
    return "-" * python.startswith("-") + min(fixed, scientific, key=len)


def _fixed(digits: str, point: int) -> str:
    """Digits without an exponent; the decimal point stands before ``digits[point]``."""
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point < len(digits):
        return f"{digits[:point]}.{digits[point:]}"
    return digits.ljust(point, "0")


def _complex_text(value: Any, lay_out: Callable[[str], str]) -> str:
    real, imaginary = value.real, value.imag
    if imaginary and _is_whole(real) and _is_whole(imaginary):
        first = str(int(real)) if real else ""
        second = "" if abs(imaginary) == 1 else str(abs(int(imaginary)))
        return f"{first}{'-' if imaginary < 0 else '+'}{second}i"
    first, second = _text(real, 10, lay_out), _text(imaginary, 10, lay_out)
    sign = "" if second[0] in "+-" else "+"
    return f"{'' if first in ('0', '0.0') and imaginary else first}{sign}{second}i"


def _is_whole(value: Any) -> bool:
    """Whether the digits of an integer say all there is to say about the float ``value``."""
    return abs(value) < _WHOLE and value == int(value) and not str(value).startswith("-0")

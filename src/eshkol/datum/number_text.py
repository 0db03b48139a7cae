"""Numbers as text: what ``number->string``, ``display`` and ``write`` show."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SPECIAL = {"inf": "+inf.0", "-inf": "-inf.0", "nan": "+nan.0", "-nan": "+nan.0"}
_WHOLE = 1e15  # below this, the digits of a double are those of an integer


def number_text(value: Any, radix: int = 10) -> str:
    """The shortest text that reads back as the number ``value``.

    Floats of other widths (NumPy's scalars) get the digits of their own precision. A radix other
    than 10 is for exact numbers; inexact ones are shown in radix 10.

    Example:
        >>> number_text(0.1), number_text(1e21), number_text(255, 16)
        ('0.1', '1e21', 'ff')
    """
    kind = value.__class__
    if kind is int:
        return integer_text(value, radix)
    if kind is Fraction:
        return f"{integer_text(value.numerator, radix)}/{integer_text(value.denominator, radix)}"
    if isinstance(value, complex) or kind.__name__.startswith("complex"):
        return _complex_text(value)
    return real_text(repr(value) if kind is float else str(value))


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


def _complex_text(value: Any) -> str:
    real, imaginary = value.real, value.imag
    if imaginary and _is_whole(real) and _is_whole(imaginary):
        first = str(int(real)) if real else ""
        second = "" if abs(imaginary) == 1 else str(abs(int(imaginary)))
        return f"{first}{'-' if imaginary < 0 else '+'}{second}i"
    first, second = number_text(real), number_text(imaginary)
    sign = "" if second[0] in "+-" else "+"
    return f"{'' if first == '0.0' and imaginary else first}{sign}{second}i"


def _is_whole(value: Any) -> bool:
    """Whether the digits of an integer say all there is to say about the float ``value``."""
    return abs(value) < _WHOLE and value == int(value) and not str(value).startswith("-0")

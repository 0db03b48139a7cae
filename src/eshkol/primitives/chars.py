"""Characters: Unicode code points."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import OutOfRange
from eshkol.datum.values import Char
from eshkol.primitives.arguments import char_argument, index_argument
from eshkol.primitives.declare import primitive

_ASCII = {chr(code): Char(chr(code)) for code in range(128)}

_SEPARATORS = "\x1c\x1d\x1e\x1f"
"""Python counts these controls as spaces; Unicode's White_Space does not."""


def char_of(character: str) -> Char:
    """The char of a string of length 1; of ASCII, without making a new one."""
    return _ASCII.get(character) or Char(character)


@primitive("char?")
def is_char(value: Any) -> bool:
    """Whether the value is a char. Example: ``(char? #\\a)`` ⇒ ``#t``."""
    return value.__class__ is Char


@primitive("char->integer")
def char_to_integer(char: Char) -> int:
    """The code point of a char. Example: ``(char->integer #\\A)`` ⇒ ``65``."""
    return ord(char_argument("char->integer", char).value)


@primitive("integer->char")
def integer_to_char(code: int) -> Char:
    """The char of a code point.

    Raises:
        OutOfRange: there is none: it is negative, above #x10FFFF, or a surrogate.

    Example: ``(integer->char 955)`` ⇒ ``#\\λ``.
    """
    number = index_argument("integer->char", code)
    if not 0 <= number <= 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise OutOfRange(f"integer->char: {number} is not a Unicode code point")
    return Char(chr(number))


def single_character(text: str, otherwise: str) -> str:
    """``text`` if it is one character, as the conversions of a single char must be."""
    return text if len(text) == 1 else otherwise


@primitive("char-upcase")
def char_upcase(char: Char) -> Char:
    """The upper-case char, if there is one. Example: ``(char-upcase #\\a)`` ⇒ ``#\\A``."""
    value = char_argument("char-upcase", char).value
    return Char(single_character(value.upper(), value))


@primitive("char-downcase")
def char_downcase(char: Char) -> Char:
    """The lower-case char, if there is one. Example: ``(char-downcase #\\A)`` ⇒ ``#\\a``."""
    value = char_argument("char-downcase", char).value
    return Char(single_character(value.lower(), value))


@primitive("char-foldcase")
def char_foldcase(char: Char) -> Char:
    """The char that stands for all its cases. Example: ``(char-foldcase #\\A)`` ⇒ ``#\\a``."""
    value = char_argument("char-foldcase", char).value
    return Char(single_character(value.casefold(), value))


def _property(name: str, holds: Callable[[str], bool], documentation: str) -> None:
    def test(char: Char) -> bool:
        return holds(char_argument(name, char).value)

    test.__doc__ = documentation
    primitive(name)(test)


_property(
    "char-alphabetic?",
    str.isalpha,
    "Whether a char is a letter. Example: ``(char-alphabetic? #\\λ)`` ⇒ ``#t``.",
)
_property(
    "char-numeric?",
    str.isdecimal,
    "Whether a char is a decimal digit. Example: ``(char-numeric? #\\7)`` ⇒ ``#t``.",
)
_property(
    "char-whitespace?",
    lambda value: value.isspace() and value not in _SEPARATORS,
    "Whether a char is white space. Example: ``(char-whitespace? #\\tab)`` ⇒ ``#t``.",
)
_property(
    "char-upper-case?",
    str.isupper,
    "Whether a char is upper-case. Example: ``(char-upper-case? #\\A)`` ⇒ ``#t``.",
)
_property(
    "char-lower-case?",
    str.islower,
    "Whether a char is lower-case. Example: ``(char-lower-case? #\\a)`` ⇒ ``#t``.",
)


@primitive("digit-value")
def digit_value(char: Char) -> Any:
    r"""The value of a decimal digit of any script, else ``#f``.

    Example: ``(digit-value #\7)`` ⇒ ``7``; ``(digit-value #\x)`` ⇒ ``#f``.
    """
    return unicodedata.decimal(char_argument("digit-value", char).value, False)


_ORDERS: dict[str, tuple[Callable[[str, str], bool], str, str]] = {
    "=": (operator.eq, "equal", "a a"),
    "<": (operator.lt, "increasing", "a b"),
    ">": (operator.gt, "decreasing", "b a"),
    "<=": (operator.le, "not decreasing", "a a b"),
    ">=": (operator.ge, "not increasing", "b a a"),
}
"""By its sign: the order, what arguments in order are, and an example of such."""


def declare_orders(
    kind: str, text_of: Callable[[str, Any], str], fold: Callable[[str], str], literal: str
) -> None:
    """Declare ``<kind>=?``, ``<kind><?`` … and their case-insensitive ``<kind>-ci`` variants.

    Args:
        text_of: the text of an argument; called with the primitive's name and the argument.
        fold: the text of the characters that stand for all their cases.
        literal: how a letter is written as a datum.
    """
    for suffix, key in (("", str), ("-ci", fold)):
        for sign, (holds, words, letters) in _ORDERS.items():
            name = f"{kind}{suffix}{sign}?"
            first, rest = letters[0].upper() if suffix else letters[0], letters[1:]
            given = " ".join(literal.format(letter) for letter in (first + rest).split())
            case = ", whatever their case" if suffix else ""
            _declare_order(name, holds, key, text_of).__doc__ = (
                f"Whether the arguments are {words} by their code points{case}. "
                f"Example: ``({name} {given})`` ⇒ ``#t``."
            )


def _declare_order(
    name: str,
    holds: Callable[[str, str], bool],
    key: Callable[[str], str],
    text_of: Callable[[str, Any], str],
) -> Callable[..., bool]:
    def compare(first: Any, *others: Any) -> bool:
        a, result = key(text_of(name, first)), True
        for other in others:
            b = key(text_of(name, other))
            result = result and holds(a, b)
            a = b
        return result

    primitive(name)(compare)
    return compare


declare_orders("char", lambda who, value: char_argument(who, value).value, str.casefold, "#\\{}")

"""Number literals (R7RS section 7.1.1)."""

from __future__ import annotations

import cmath
import re
from fractions import Fraction

from eshkol.datum.spelling import RADICES, is_decimal_numeral, number_grammar

Real = int | Fraction | float
Number = Real | complex

LARGEST_EXPONENT = 100_000
"""``#e1e100000`` is the largest power of ten that is read exactly: a few characters must not be
able to fill the memory."""

_RADIX = {"b": 2, "o": 8, "d": 10, "x": 16}
_SPECIAL = {
    "+inf.0": float("inf"),
    "-inf.0": float("-inf"),
    "+nan.0": float("nan"),
    "-nan.0": float("nan"),
}
_SIMPLE = re.compile(r"[+-]?(?:([0-9]{1,4000})|[0-9]+\.[0-9]*)")
_PREFIXES = re.compile(r"(?:#[bodx](?:#[ei])?|#[ei](?:#[bodx])?)?", re.IGNORECASE)
_EXACT_DECIMAL = re.compile(r"([+-]?)([0-9]*)\.?([0-9]*)(?:e([+-]?[0-9]+))?")


def parse_number(text: str, radix: int = 10) -> Number | None:
    """The number that ``text`` spells, or None if it spells none.

    Args:
        text: a numeral with optional prefixes (``#x``, ``#e``, …); no spaces around it.
        radix: the radix if no prefix names one, 2 to 36; beyond 16 only exact reals are read.

    Returns:
        An ``int``, ``Fraction``, ``float`` or ``complex``. Complex numbers are inexact: ``1+2i``
        and ``1.0+2.0i`` are the same number, ``1+0i`` is 1, and ``#e1+2i`` is None, as are a
        division by exact zero and an exact number that is too large to be built.

    Example:
        >>> parse_number("#xff"), parse_number("1/2"), parse_number("1e3"), parse_number("1+")
        (255, Fraction(1, 2), 1000.0, None)
    """
    if radix == 10 and (simple := _SIMPLE.fullmatch(text)):
        return int(text) if simple[1] else float(text)
    body, radix, exactness = _without_prefixes(text, radix)
    try:
        return _unprefixed(body, radix, exactness)
    except ZeroDivisionError:
        return None


def is_numeral(text: str) -> bool:
    """Whether ``text`` has the form of a number, even if it stands for none, as ``1/0``."""
    body, radix, _ = _without_prefixes(text, 10)
    if radix == 10:
        return is_decimal_numeral(body)
    return number_grammar(radix).fullmatch(body) is not None


def _without_prefixes(text: str, radix: int) -> tuple[str, int, str]:
    """``text`` in lower case without its prefixes, its radix, and "e", "i" or "" for exactness."""
    if not text.isascii():
        return text, radix, ""
    prefixes = _PREFIXES.match(text)[0].lower()  # type: ignore[index]
    for letter in prefixes:
        radix = _RADIX.get(letter, radix)
    exactness = "e" if "e" in prefixes else "i" if "i" in prefixes else ""
    return text[len(prefixes) :].lower(), radix, exactness


def _unprefixed(text: str, radix: int, exactness: str) -> Number | None:
    if radix not in RADICES:
        return _other_radix(text, radix, exactness)
    if radix == 10 and not is_decimal_numeral(text):
        return None
    match = number_grammar(radix).fullmatch(text)
    if match is None:
        return None
    if match["real"]:
        return _real(match["real"], radix, exactness)
    if match["magnitude"]:
        magnitude = _real(match["magnitude"], radix, exactness)
        return _polar(magnitude, _real(match["angle"], radix, exactness), exactness)
    imaginary = match["im"] if len(match["im"]) > 1 else f"{match['im']}1"
    first = _real(match["re"] or "0", radix, exactness)
    return _rectangular(first, _real(imaginary, radix, exactness), exactness)


def _other_radix(text: str, radix: int, exactness: str) -> Number | None:
    """An exact real, or an infinity, in a radix that has no grammar of its own, such as 36."""
    if text in _SPECIAL:
        return None if exactness == "e" else _SPECIAL[text]
    if not re.fullmatch(r"[+-]?[0-9a-z]+(?:/[0-9a-z]+)?", text):
        return None
    try:
        return _rational(text, radix, exactness)
    except ValueError:  # a digit that the radix does not have
        return None


def _real(text: str, radix: int, exactness: str) -> Real | None:
    if text in _SPECIAL:
        return None if exactness == "e" else _SPECIAL[text]
    if radix == 10 and "/" not in text and ("." in text or "e" in text or exactness == "i"):
        return _exact_decimal(text) if exactness == "e" else float(text)
    return _rational(text, radix, exactness)


def _rational(text: str, radix: int, exactness: str) -> Real:
    numerator, slash, denominator = text.partition("/")
    value: int | Fraction = _integer(numerator, radix)
    if slash:
        value = _normal(Fraction(value, _integer(denominator, radix)))
    if exactness != "i":
        return value
    return -0.0 if value == 0 and text.startswith("-") else _inexact(value)


def _integer(text: str, radix: int) -> int:
    try:
        return int(text, radix)
    except ValueError:
        if radix != 10:
            raise
        from decimal import Decimal  # which has no limit on digits, as int() has

        return int(Decimal(text))


def _normal(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _inexact(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _exact_decimal(text: str) -> int | Fraction | None:
    match = _EXACT_DECIMAL.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction, exponent = match.groups()
    scale = int((exponent or "0")[:12]) - len(fraction)
    if abs(scale) > LARGEST_EXPONENT:
        return None
    digits = _integer(f"{sign}{whole}{fraction}", 10)
    return digits * 10**scale if scale >= 0 else _normal(Fraction(digits, 10**-scale))


def _polar(magnitude: Real | None, angle: Real | None, exactness: str) -> Number | None:
    if magnitude is None or angle is None:
        return None
    if angle.__class__ is int and angle == 0:
        return magnitude
    if angle.__class__ is not float and magnitude.__class__ is not float and magnitude == 0:
        return 0
    if exactness == "e":
        return None
    try:
        return cmath.rect(_inexact(magnitude), _inexact(angle))
    except ValueError:  # an infinite angle
        return complex("nan+nanj")


def _rectangular(real: Real | None, imaginary: Real | None, exactness: str) -> Number | None:
    if real is None or imaginary is None:
        return None
    if imaginary.__class__ is int and imaginary == 0:
        return real
    return None if exactness == "e" else complex(_inexact(real), _inexact(imaginary))

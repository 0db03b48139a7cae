"""Escapes in strings and symbols, and the names of characters (R7RS sections 6.6 and 6.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from eshkol.datum.spelling import CHARACTER_NAMES, ESCAPES

Fail = Callable[[str, int, int, str], NoReturn]
"""Raises a read error: message, offsets of the text at fault from and to, hint."""

_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]+);|([ \t]*\n[ \t]*)|(.))", re.DOTALL)
_UNREADABLE = re.compile("[\0\ud800-\udfff]")

_NAMES = {**CHARACTER_NAMES, "nul": "\0", "linefeed": "\n", "page": "\f", "vtab": "\v"}


def unescape(body: str, offset: int, fail: Fail) -> str:
    """What ``body``, the text between quotes or bars that begins at ``offset``, stands for."""
    check_readable(body, offset, fail)
    if "\\" not in body:
        return body

    def replace(match: re.Match[str]) -> str:
        digits, continuation, letter = match.groups()
        start, end = offset + match.start(), offset + match.end()
        if digits:
            return scalar_value(digits, start, end, fail)
        if continuation:
            return ""
        if letter not in ESCAPES:
            return fail(f"unknown escape `\\{letter}`", start, end, _hint(letter))
        return ESCAPES[letter]

    return _ESCAPE.sub(replace, body)


def _hint(letter: str) -> str:
    if letter == "x":
        return r"a character by its number: \x3bb;"
    return r"known are \a \b \t \n \r \" \\ \| \x41; and \ at the end of a line; a backslash is \\"


def check_readable(body: str, offset: int, fail: Fail) -> None:
    """Fail if ``body`` holds what no text may hold: NUL or half a surrogate pair."""
    match = _UNREADABLE.search(body)
    if match:
        start = offset + match.start()
        code = ord(match[0])
        hint = f"it can be written as \\x{code:x};" if code == 0 else ""
        fail(f"the character U+{code:04X} in a text", start, start + 1, hint)


def scalar_value(digits: str, start: int, end: int, fail: Fail) -> str:
    """The character whose number is written in hexadecimal ``digits``."""
    digits = digits.lstrip("0") or "0"
    code = int(digits[:7], 16)
    if len(digits) > 6 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        fail(f"no character has the number x{digits[:12]}", start, end, "")
    return chr(code)


def named_character(name: str, start: int, end: int, fold: bool, fail: Fail) -> str:
    """The character that ``#\\`` and ``name`` denote."""
    if len(name) == 1:
        check_readable(name, start + 2, fail)
        return name
    if name[0] in "xX" and all(digit in "0123456789abcdefABCDEF" for digit in name[1:]):
        return scalar_value(name[1:], start, end, fail)
    known = _NAMES.get(name.casefold() if fold else name)
    if known is None:
        hint = f"known names are {' '.join(CHARACTER_NAMES)}; by number: #\\x3bb"
        fail(f"unknown character name `#\\{name}`", start, end, hint)
    return known

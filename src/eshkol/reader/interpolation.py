"""Strings with expressions in them: ``"x=~{x}"``, in texts that ask for it by ``#!interpolate``.

Such a string is read as a form of the language, whose parts are strings and expressions with their
own positions. ``~~{`` stands for ``~{`` itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import IncompleteInput, ReadError
from eshkol.base.spans import Span
from eshkol.datum.symbols import intern
from eshkol.datum.values import EOF
from eshkol.reader.lexer import Lexer
from eshkol.reader.strings import unescape
from eshkol.syntax.objects import Syntax

FORM = "string~{}"
"""The name of the form, which no program writes by accident."""

_MARK = re.compile(r"\\.|~~\{|~\{", re.DOTALL)
_QUOTE = re.compile(r'\\"')

ReadPart = Callable[[Lexer], tuple[Any, int]]


def interpolated(lexer: Lexer, read_part: ReadPart, start: int, end: int, span: Span) -> Syntax:
    """The form of the string whose text stands between two offsets.

    Args:
        lexer: of the whole text.
        read_part: reads a datum, and tells the offset behind it.
        start: behind the opening quote.
        end: before the closing one.
        span: of the string with its quotes.

    Raises:
        ReadError: if an expression is missing or not followed by ``}``.
    """
    parts = [Syntax(intern(FORM), span)]
    text = _with_plain_quotes(lexer.text[:end], start)
    position, piece = start, ""
    begin = start
    while found := _MARK.search(lexer.text, position, end):
        position = found.end()
        if found[0] == "~~{":
            piece += lexer.text[begin : found.start()] + "~{"
            begin = position
        elif found[0] == "~{":
            piece += lexer.text[begin : found.start()]
            parts += _literal(lexer, piece, begin, span)
            datum, position = _expression(lexer.part(text, position), read_part, found, end)
            parts.append(datum)
            begin, piece = position, ""
    parts += _literal(lexer, piece + lexer.text[begin:end], begin, span)
    return Syntax(tuple(parts), span)


def _literal(lexer: Lexer, piece: str, offset: int, span: Span) -> list[Syntax]:
    return [Syntax(unescape(piece, offset, lexer.fail), span)] if piece else []


def _expression(
    lexer: Lexer, read_part: ReadPart, mark: re.Match[str], end: int
) -> tuple[Syntax, int]:
    """The expression at the lexer's position and the offset behind the brace that closes it."""
    at = lexer.span(mark.start(), mark.end())
    if lexer.text[lexer.position : end].lstrip()[:1] in ("", "}"):
        raise ReadError("`~{` is followed by no expression", span=at, hint=_HINT)
    try:
        datum, position = read_part(lexer)
    except IncompleteInput as error:
        # The string ends; more text would not complete what is in it.
        raise ReadError(error.message, span=error.span) from None
    if datum is EOF:
        raise ReadError("`~{` is followed by no expression", span=at, hint=_HINT)
    while position < end and lexer.text[position].isspace():
        position += 1
    if not lexer.text.startswith("}", position):
        raise ReadError("this `~{` is never closed", span=at, hint=_HINT)
    return datum, position + 1


_HINT = "write ~{expression}, or ~~{ for the two characters themselves"


def _with_plain_quotes(text: str, start: int) -> str:
    """``text`` with the quotes written ``\\"`` behind ``start`` as plain ones, at their places.

    A blank takes the place of a backslash; it stands outside of the inner string.
    """
    is_open = False

    def replace(found: re.Match[str]) -> str:
        nonlocal is_open
        is_open = not is_open
        return ' "' if is_open else '" '

    return text[:start] + _QUOTE.sub(replace, text[start:])

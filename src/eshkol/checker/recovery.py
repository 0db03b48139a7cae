"""Reading on after an error.

After a form that can't be read, the next one is taken to begin where a parenthesis opens in the
first column of a line, as forms at top level do.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from eshkol.base import sources
from eshkol.base.errors import ReadError
from eshkol.base.spans import NOWHERE
from eshkol.checker.problems import Problem, of_error
from eshkol.datum.values import EndOfFile
from eshkol.reader.lexer import Lexer
from eshkol.reader.parser import Reader
from eshkol.syntax.objects import Syntax

_FORM = re.compile(r"^[(\[]", re.MULTILINE)
_DEFINITION = re.compile(r"[(\[]define[^\s()]*\s+[(\[]*([^\s()\[\]\"';]+)")


class Reading(NamedTuple):
    """What could be read of a text.

    Attributes:
        forms: the well-formed forms at top level.
        problems: what is wrong with the others.
        lost: names that those seem to define.
    """

    forms: list[Syntax]
    problems: list[Problem]
    lost: set[str]


def read_forms(text: str, file: str) -> Reading:
    """All forms of ``text`` that are well-formed, and all errors.

    Example:
        >>> reading = read_forms("(f\\n(g)\\n(h)", "x")
        >>> len(reading.forms), [str(problem.span) for problem in reading.problems]
        (2, ['x:1:1'])
    """
    result = Reading([], [], set())
    text = Lexer(text, file).text
    sources.register(file, text)
    start = 0
    while start >= 0:
        start = _read_until_error(text, file, start, result)
    return result


def _read_until_error(text: str, file: str, start: int, result: Reading) -> int:
    """Read from the offset ``start``; where to go on, or -1 at the end."""
    reader, shift = _reader_from(text, file, start, len(text))
    end = start
    try:
        while not isinstance(form := reader.read(), EndOfFile):
            result.forms.append(form)
            end = reader.position + shift
    except ReadError as error:
        problem = of_error(error, "read", NOWHERE)
    else:
        return -1
    begin = _next_datum(text, end)
    found = _FORM.search(text, begin + 1)
    stop = found.start() if found else len(text)
    result.problems.append(_of_form(text, file, begin, stop) or problem)
    result.lost.update(_DEFINITION.findall(text, begin, stop))
    return stop if found else -1


def _of_form(text: str, file: str, begin: int, stop: int) -> Problem | None:
    """What is wrong with the form from ``begin``, if the next one begins at ``stop``.

    The reader looks further for a parenthesis that is missing, and may meet another error first.
    """
    try:
        _reader_from(text, file, begin, stop)[0].read()
    except ReadError as error:
        return of_error(error, "read", NOWHERE)
    return None


def _reader_from(text: str, file: str, start: int, stop: int) -> tuple[Reader, int]:
    """A reader of a part of ``text``, and how much its offsets are too small.

    What comes before becomes empty lines, so that positions are those in the whole text.
    """
    lines = text.count("\n", 0, start)
    column = start - text.rfind("\n", 0, start) - 1
    return Reader("\n" * lines + " " * column + text[start:stop], file), start - lines - column


def _next_datum(text: str, start: int) -> int:
    """The offset of the datum that can't be read, or of the comment before it that isn't closed."""
    lexer = Lexer(text, "")
    lexer.position = start
    try:
        _, _, span = next(lexer.tokens())
    except ReadError as error:
        span = error.span or NOWHERE
    offset = 0
    for _ in range(span.line - 1):
        offset = text.find("\n", offset) + 1
    return offset + span.column

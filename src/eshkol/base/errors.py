"""Errors: the user's program (:class:`EshkolError`) or our own bug (:class:`InternalError`).

A user error says where, what was expected, what came and how to fix it. Its text is rendered when
it is shown, so that an error raised without a position finds the running Scheme form through its
traceback. Each class also derives from the Python builtin that a Python user would catch.
"""

from __future__ import annotations

from collections.abc import Iterable

from eshkol.base import sources
from eshkol.base.spans import Span


class EshkolError(Exception):
    """An error in the user's program.

    Args:
        message: what was expected and what came, on one line, without a position.
        span: the form at fault; found through the traceback if it is left out.
        label: a few words shown behind the carets.
        hint: how to fix it; lines shown below the source line.
        trail: where macros were used on the way to the form, innermost first, as
            ``(macro name, span of the use)``.

    Example:
        >>> from eshkol.base.errors import WrongType
        >>> str(WrongType("car: expected a pair, got 5"))
        'car: expected a pair, got 5'
    """

    def __init__(
        self,
        message: str,
        *,
        span: Span | None = None,
        label: str = "",
        hint: str = "",
        trail: Iterable[tuple[str, Span]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.label = label
        self.hint = hint
        self.trail = tuple(trail)
        self._span = span

    @property
    def span(self) -> Span | None:
        """The form at fault: the one given, else the innermost running Scheme form."""
        return self._span or sources.span_of_traceback(self.__traceback__)

    def __str__(self) -> str:
        return render(self)


def render(error: EshkolError) -> str:
    """The full text of a user error: position, message, source line with carets, trail, hint."""
    span = error.span
    lines = [f"{span}: {error.message}" if span else error.message]
    if span:
        lines += excerpt(span, error.label)
    return "\n".join([*lines, *remarks(error)])


def remarks(error: EshkolError) -> list[str]:
    """The lines below the source line of a user error: where macros were used, and the hint."""
    trail, span = error.trail, error.span
    if not trail and span and (macro := sources.macro_at(span)):
        trail = ((macro, span),)
    lines = [f"in the expansion of {name}, used at {use}" for name, use in trail]
    return [f"  {line}" for line in lines + error.hint.splitlines()]


def excerpt(span: Span, label: str = "") -> list[str]:
    """The first source line of ``span`` and a line of carets under it; nothing if unknown."""
    content = sources.line(span.file, span.line)
    if not content.strip():
        return []
    number = str(span.line)
    column = span.column
    end = span.end_column if span.end_line == span.line else len(content)
    if len(content) > LONGEST_LINE:
        content, column, end = _part_of_line(content, column, end)
    carets = " " * column + "^" * max(1, end - column)
    margin = " " * (len(number) + 3)
    return [
        f"  {number} | {content.expandtabs(1)}",
        f"{margin}| {carets} {label}".rstrip(),
    ]


LONGEST_LINE = 300
"""A longer source line is shown in part."""


def _part_of_line(content: str, column: int, end: int) -> tuple[str, int, int]:
    """What is shown of a long line, and the columns there."""
    start = max(0, min(column - LONGEST_LINE // 4, len(content) - LONGEST_LINE))
    part = content[start : start + LONGEST_LINE]
    before = "… " if start else ""
    after = " …" if start + LONGEST_LINE < len(content) else ""
    column += len(before) - start
    end = min(end + len(before) - start, len(before) + len(part))
    return before + part + after, column, end


class ReadError(EshkolError, SyntaxError):
    """The text is not well-formed data."""


class IncompleteInput(ReadError):
    """The text stops too early: more input could complete it."""


class ExpandError(EshkolError, SyntaxError):
    """A form does not fit its grammar, or a macro use fits none of its rules."""


class UnboundVariable(EshkolError, NameError):
    """A variable that has no value is read or set."""


class ArityError(EshkolError, TypeError):
    """A procedure was called with the wrong number of arguments."""


class NotAProcedure(EshkolError, TypeError):
    """Something that is not a procedure was called."""


class WrongType(EshkolError, TypeError):
    """An argument has the wrong type."""


class EmptyList(WrongType):
    """A part was asked for of a list that has no elements."""


class OutOfRange(EshkolError, IndexError):
    """An index or another number lies outside its range."""


class BadValue(EshkolError, ValueError):
    """An argument has the right type and a value that makes no sense."""


class ShapeError(EshkolError, ValueError):
    """Shapes of tensors do not fit together."""


class MissingKey(EshkolError, KeyError):
    """A hash table has no such key."""


class MissingAttribute(EshkolError, AttributeError):
    """A Python object has no such attribute."""


class DivideByZero(EshkolError, ZeroDivisionError):
    """An exact number was divided by exact zero."""


class TooDeep(EshkolError, RecursionError):
    """A recursion nests deeper than there is room for."""


class StagingError(EshkolError, TypeError):
    """A staged program does what can't be staged."""


class Donated(EshkolError, RuntimeError):
    """A tensor is read whose memory was given to a compiled call."""


class OutOfMemory(EshkolError, MemoryError):
    """A device has no room for a tensor."""


class FileProblem(EshkolError, OSError):
    """A file is missing, corrupt, unwritable or of another kind than expected."""


class SchemeError(EshkolError, RuntimeError):
    """Raised by the Scheme procedure ``error``: a message and irritants."""

    def __init__(self, message: str, irritants: tuple = (), shown: str | None = None) -> None:
        super().__init__(message if shown is None else shown)
        self.condition_message = message
        self.irritants = irritants


class Raised(SchemeError):
    """An object that is no exception, raised by the Scheme procedure ``raise``.

    Attributes:
        payload: the object.
        is_continuable: whether a compiled program raised it by ``raise-continuable`` for a handler
            outside, whose value it can't wait for.

    Args:
        payload: the object.
        text: how messages show it.
    """

    def __init__(self, payload: object, text: str) -> None:
        super().__init__("uncaught:", (payload,), f"uncaught: {text}")
        self.payload = payload
        self.is_continuable = False


class InternalError(Exception):
    """A bug in Eshkol itself; never the fault of the user's program."""

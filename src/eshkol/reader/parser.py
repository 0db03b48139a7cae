"""Tokens to syntax objects, with a stack of its own: data may be nested as deep as memory is."""

from __future__ import annotations

import copy
import re
from typing import Any, NoReturn

from eshkol.base import sources
from eshkol.base.config import CONFIG
from eshkol.base.errors import IncompleteInput, ReadError
from eshkol.base.spans import Span
from eshkol.datum.symbols import intern
from eshkol.datum.values import EOF, EndOfFile
from eshkol.reader.frames import CLOSER, Frame, Prefix, Spliced
from eshkol.reader.labels import Label, Labels
from eshkol.reader.lexer import (
    CLOSE,
    DATUM,
    DOT,
    END,
    INTERPOLATED,
    OPEN,
    PREFIX,
    REFERENCE,
    Lexer,
)
from eshkol.reader.strings import unescape
from eshkol.syntax.objects import Syntax

Open = Frame | Prefix | Label
_QUOTE = intern("quote")
_SHOWN_CLOSERS = 12


def read_all(
    text: str,
    file: str = "<text>",
    *,
    fold_case: bool = False,
    interpolate: bool | None = None,
) -> list[Syntax]:
    """All data in ``text``, which becomes the source known as ``file``.

    Args:
        text: the program; a byte order mark and ``\\r\\n`` or ``\\r`` as line ends do no harm.
        file: the name shown in positions.
        fold_case: whether ``text`` is read as if it began with ``#!fold-case``.
        interpolate: whether it is read as if it began with ``#!interpolate``; left out, the
            setting of the process says so.

    Raises:
        ReadError: ``text`` is not well-formed; the error's span is the text at fault.
        IncompleteInput: ``text`` is well-formed as far as it goes, but stops too early. The span
            is what was never finished, such as the opening parenthesis.

    Example:
        >>> [form.span.end_column for form in read_all("(car x) 12")]
        [7, 10]
    """
    if interpolate is None:
        interpolate = CONFIG.interpolate
    reader = Reader(text, file, fold_case=fold_case, interpolate=interpolate)
    sources.register(file, reader.text)
    forms = []
    while not isinstance(form := reader.read(), EndOfFile):
        forms.append(form)
    return forms


class Reader:
    """Reads a text datum by datum.

    After an error the rest of the text is not read: :meth:`read` gives ``EOF``.

    Args:
        text: the text to read.
        file: the name shown in positions.
        is_data: whether the text holds data rather than a program, as the procedure ``read``
            expects it. Then datum labels preserve identity everywhere, not only under a quote.
        fold_case: whether the text is read as if it began with ``#!fold-case``.
        interpolate: whether the text is read as if it began with ``#!interpolate``.

    Attributes:
        text: the text with ``\\n`` as line ends and without a byte order mark.

    Example:
        >>> reader = Reader("1 (2)")
        >>> reader.read().datum, reader.position
        (1, 1)
    """

    def __init__(
        self,
        text: str,
        file: str = "<text>",
        *,
        is_data: bool = False,
        fold_case: bool = False,
        interpolate: bool = False,
    ) -> None:
        self._lexer = Lexer(text, file, fold_case, interpolate)
        self._tokens = self._lexer.tokens()
        self._is_data = is_data
        self._stack: list[Open] = []
        self._labels = Labels()
        self.text = self._lexer.text

    @property
    def position(self) -> int:
        """The offset in :attr:`text` behind the last datum read."""
        return self._lexer.position

    @property
    def folds_case(self) -> bool:
        """Whether what comes next is read with its case folded, as the last directive says."""
        return self._lexer.folds_case

    def read(self) -> Syntax | EndOfFile:
        """The next datum; ``EOF`` if there is none.

        Raises:
            ReadError: the text is not well-formed.
            IncompleteInput: the text ends within a datum.
        """
        self._labels = Labels()
        self._stack = []
        try:
            return self._read()
        except ReadError:
            self._tokens.close()  # type: ignore[attr-defined]
            raise

    def _read(self) -> Syntax | EndOfFile:
        stack = self._stack
        frame: Any = None
        for kind, value, span in self._tokens:
            if kind is DATUM:
                datum = Syntax(value, span)
            elif kind is OPEN:
                stack.append(frame)
                splices = frame.__class__ in (Frame, Spliced) and frame.dot and value in CLOSER
                if splices and frame.tail is None:
                    frame = Spliced(value, span, frame)
                else:
                    frame = Frame(value, span)
                continue
            elif kind is CLOSE:
                datum = self._close(frame, value, span)
                frame = stack.pop()
            elif kind is INTERPOLATED:
                datum = self._interpolated(value[0], value[1], span)
            elif kind is REFERENCE:
                datum = self._labels.refer(value, span)
            elif kind is END:
                return self._end(frame, span)
            else:
                frame = self._begin(frame, kind, value, span)
                continue
            while frame is not None and frame.takes_one:
                datum = frame.finish(datum)
                frame = stack.pop()
                if datum is None:
                    break
            else:
                if frame is None:
                    return datum
                frame.add(datum)
        return EOF

    def _interpolated(self, start: int, end: int, span: Span) -> Syntax:
        """The datum of a string with expressions in it, or of the text itself in quoted data."""
        from eshkol.reader.interpolation import interpolated

        if self._is_data or self._is_quoted():
            return Syntax(unescape(self.text[start:end], start, self._lexer.fail), span)
        return interpolated(self._lexer, self._read_part, start, end, span)

    def _read_part(self, lexer: Lexer) -> tuple[Syntax | EndOfFile, int]:
        """A datum that stands inside of a string, and the offset behind it."""
        reader = copy.copy(self)
        reader._lexer, reader._tokens, reader._stack = lexer, lexer.tokens(), []
        return reader._read(), lexer.position

    def _begin(self, frame: Any, kind: str, value: Any, span: Span) -> Any:
        """The frame after a token that is no datum yet."""
        if kind is DOT:
            self._dot(frame, span)
            return frame
        self._stack.append(frame)
        if kind is PREFIX:
            return Prefix(value, span)
        return self._labels.open(value, span, self._is_data or self._is_quoted())

    def _is_quoted(self) -> bool:
        """Whether what comes next is inside a ``quote``, in either spelling."""
        return any(
            frame.opener == "'"
            or (isinstance(frame, Frame) and frame.items and frame.items[0].datum is _QUOTE)
            for frame in self._stack
            if frame
        )

    def _dot(self, frame: Any, span: Span) -> None:
        if frame is None:
            raise ReadError("`.` outside of a list", span=span)
        if frame.takes_one:
            _nothing_follows(frame, "`.`", span)
        frame.read_dot(span)

    def _close(self, frame: Any, closer: str, span: Span) -> Syntax:
        """The datum that the parenthesis ``closer`` completes."""
        if frame is None:
            raise ReadError(f"unexpected `{closer}`: no list is open here", span=span)
        if frame.takes_one:
            _nothing_follows(frame, f"`{closer}`", span)
        if frame.closer != closer:
            message = f"`{closer}` closes a list that `{frame.opener}` opened at {frame.span}"
            raise ReadError(message, span=span, hint=f"`{frame.closer}` is expected here")
        return frame.complete(span)

    def _end(self, frame: Any, span: Span) -> EndOfFile:
        """The end of the text, which must not be inside a datum."""
        if frame is None:
            return EOF
        if frame.takes_one:
            raise IncompleteInput(f"`{frame.opener}` is followed by no datum", span=frame.span)
        closers = [
            each.closer for each in (frame, *reversed(self._stack)) if isinstance(each, Frame)
        ]
        shown = "".join(closers[:_SHOWN_CLOSERS]) + "…" * (len(closers) > _SHOWN_CLOSERS)
        hint = f"`{shown}` is missing at the end, {span}{self._suspect(frame.span)}"
        raise IncompleteInput(f"this `{frame.opener}` is never closed", span=frame.span, hint=hint)

    def _suspect(self, opened: Span) -> str:
        """Where the next form begins in the first column: the list should be closed before it."""
        lines = self.text.split("\n")
        for number in range(opened.line, len(lines)):
            if re.match(r"[(\[]", lines[number]):
                return f",\nor before {opened._replace(line=number + 1, column=0)}"
        return ""


def _nothing_follows(frame: Any, what: str, span: Span) -> NoReturn:
    message = f"`{frame.opener}` must be followed by a datum, but {what} comes"
    raise ReadError(message, span=span)

"""Where the next line of an unfinished text begins."""

from __future__ import annotations

from typing import NamedTuple

from eshkol.base.errors import IncompleteInput, ReadError
from eshkol.base.spans import Span
from eshkol.formatter.styles import header_of
from eshkol.reader.lexer import CLOSE, END, OPEN, PREFIX, Lexer


class _Open:
    """A parenthesis that is not closed: where what follows it stands."""

    def __init__(self, opener: str, span: Span, is_quoted: bool) -> None:
        self.opener = opener
        self.inner = span.end_column
        self.column = span.column
        self.line = span.line
        self.is_quoted = is_quoted
        self.places: list[_Place] = []

    def next_column(self) -> int:
        places = self.places
        head = places[0].word if places else ""
        if not head or self.is_quoted or self.opener not in ("(", "["):
            return self.inner
        first_is_atom = len(places) > 1 and places[1].word != ""
        header = header_of(head, first_is_atom)
        if header is not None:
            return self.column + (4 if len(places) <= header else 2)
        beside = len(places) > 1 and places[1].line == places[0].line
        return places[1].column if beside else self.inner


class _Place(NamedTuple):
    """Where a datum begins; its spelling if it is an atom."""

    line: int
    column: int
    word: str


def indentation(text: str) -> int:
    """The column at which the line after ``text`` begins; 0 inside a string or comment.

    Example:
        >>> indentation("(define (f x)"), indentation("(list 1"), indentation("(f)")
        (2, 6, 0)
    """
    opened: list[_Open] = []
    quotes = 0
    lexer = Lexer(text, "<input>")
    lines = lexer.text.split("\n")
    try:
        for kind, _, span in lexer.tokens():
            if kind is END:
                break
            if kind is CLOSE:
                if opened:
                    opened.pop()
                continue
            word = "" if kind in (OPEN, PREFIX) else lines[span.line - 1][span.column :]
            word = word[: max(1, span.end_column - span.column)] if word else ""
            if opened and quotes == 0:
                opened[-1].places.append(_Place(span.line, span.column, word))
            is_quoted = (bool(opened) and opened[-1].is_quoted) or quotes > 0
            quotes = quotes + 1 if kind is PREFIX else 0
            if kind is OPEN:
                opener = lines[span.line - 1][span.column : span.end_column]
                opened.append(_Open(opener, span, is_quoted))
    except IncompleteInput:
        return 0
    except ReadError:
        pass  # what is wrong is told when the input is entered
    return opened[-1].next_column() if opened else 0

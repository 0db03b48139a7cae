"""Regions of a source text."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A half-open region of a source text.

    Lines count from 1; columns count characters from 0 (as Python's ``ast`` does for ASCII text).
    A rendered position (``file:line:column``) counts columns from 1, as editors do.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column + 1}"

    def to(self, end: Span) -> Span:
        """The region from the start of this span to the end of ``end``."""
        return Span(self.file, self.line, self.column, end.end_line, end.end_column)


NOWHERE = Span("<nowhere>", 1, 0, 1, 0)

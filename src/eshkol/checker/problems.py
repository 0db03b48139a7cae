"""What a check finds."""

from __future__ import annotations

from typing import Any, NamedTuple

from eshkol.base.errors import EshkolError, remarks
from eshkol.base.spans import Span

ERROR = "error"
"""The program can't run, or fails when it gets there."""
WARNING = "warning"
"""The program runs, but probably means something else."""


class Problem(NamedTuple):
    """Something wrong with a program.

    Attributes:
        span: where.
        severity: :data:`ERROR` or :data:`WARNING`.
        kind: a word for programs: ``read``, ``expand``, ``unbound``, ``arity``, ``unused``, …
        message: one line.
        notes: more lines: how to fix it, and the macros that it comes from.
    """

    span: Span
    severity: str
    kind: str
    message: str
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The problem as a compiler prints it: ``file:line:column: error: message``."""
        words = [(self.severity, self.message), *(("note", note) for note in self.notes)]
        return [f"{self.span}: {label}: {text}" for label, text in words]

    def as_data(self) -> dict[str, Any]:
        """The problem for a program to read; lines and columns count from 1."""
        span = self.span
        return {
            "file": span.file,
            "line": span.line,
            "column": span.column + 1,
            "end_line": span.end_line,
            "end_column": span.end_column + 1,
            "severity": self.severity,
            "kind": self.kind,
            "message": self.message,
            "notes": list(self.notes),
        }


def of_error(error: EshkolError, kind: str, place: Span) -> Problem:
    """The problem that an error tells; it is at ``place`` if the error doesn't know where it is."""
    message, *more = error.message.splitlines() or [""]
    notes = (*more, *(line.strip() for line in remarks(error)))
    return Problem(error.span or place, ERROR, kind, message, notes)

"""What staging decides, told to whoever listens: how each form is compiled, and why.

The staging runtime calls :func:`note` at its decisions. That does nothing unless a recorder
listens in this thread (:mod:`eshkol.xla.explanation`). The form that a note is about is the one
that is being traced, found through Python's frames.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from eshkol.base.frames import scheme_frame, span_of_frame
from eshkol.base.spans import Span


class Recorder(Protocol):
    """Listens to decisions."""

    def add(self, kind: str, span: Span | None, facts: dict[str, Any]) -> None:
        """A form is staged as ``kind``, one of ``KINDS``."""

    def used(self, index: int, span: Span | None) -> None:
        """The form at ``span`` needs the value of a leaf of what the program takes."""


KINDS = {
    "followed": "a conditional whose condition is known: ``taken``",
    "cond": "a conditional that became lax.cond",
    "select": "a conditional whose branches compute nothing: a select",
    "agreed": "a conditional whose branches give the same",
    "scan": "a loop of a known number of ``trips``, compiled once: lax.scan",
    "unrolled": "a loop whose ``trips`` are compiled one after the other",
    "counter": "a form that needs the value of a loop's counter, so its ``trips`` are unrolled",
    "loop": "a loop that ends by a traced test",
    "stack": "a recursion on traced values, with an explicit stack",
    "vmap": "a procedure mapped over ``lanes``",
    "gradient": "a procedure that is differentiated",
}
"""The kinds of notes and what they tell."""


class Notes(threading.local):
    """Who listens in this thread."""

    recorder: Recorder | None = None


NOTES = Notes()


@contextmanager
def told_to(recorder: Recorder) -> Iterator[None]:
    """In this block ``recorder`` hears what staging decides."""
    saved, NOTES.recorder = NOTES.recorder, recorder
    try:
        yield
    finally:
        NOTES.recorder = saved


def note(kind: str, **facts: Any) -> None:
    """Tell how the form that is being traced is staged.

    Args:
        kind: one of ``KINDS``.
        facts: what else is known, such as ``trips`` and the ``site`` of a loop.
    """
    recorder = NOTES.recorder
    if recorder is not None:
        recorder.add(kind, span_of_frame(scheme_frame()), facts)


def note_use(index: int) -> None:
    """Tell that the form that is being traced needs the value of an exact leaf."""
    recorder = NOTES.recorder
    if recorder is not None:
        recorder.used(index, span_of_frame(scheme_frame()))


def stack(**facts: Any) -> None:
    """Tell that the call that is being traced recurses on a stack of its own.

    Args:
        facts: ``name`` of the procedure, and ``depth``, how deep it may go.
    """
    note("stack", **facts)

"""What staging decides, told to whoever listens: how each form is compiled, and why.

The staging runtime calls :func:`note` at its decisions. That does nothing unless a recorder
listens in this thread (:mod:`eshkol.xla.explanation`). The form that a note is about is the one
that is being traced, found through Python's frames.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Any, Protocol

import jax


class Recorder(Protocol):
    """Listens to decisions."""

    def add(self, kind: str, frame: FrameType, facts: dict[str, Any]) -> None:
        """The form that is traced under ``frame`` is staged as ``kind``, one of ``KINDS``."""

    def used(self, index: int, frame: FrameType) -> None:
        """The form needs the value of a leaf of what the program takes."""

    def unrolling(self, frame: FrameType) -> int:
        """The loop that is traced under ``frame`` is unrolled; a number for it."""

    def mark(self) -> Any:
        """What was heard so far, for :meth:`forget`."""

    def forget(self, mark: Any) -> None:
        """What was heard since comes of an attempt that was given up, except why it was."""


KINDS = {
    "followed": "a conditional whose condition is known: ``taken``",
    "cond": "a conditional that became lax.cond",
    "select": "a conditional whose branches compute little: both are computed, and one is selected",
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


COMPILED_ALONE = frozenset({"scan", "loop", "stack"})
"""The kinds of forms that XLA compiles on their own where nothing around them is compiled."""


class Notes(threading.local):
    """Who listens in this thread.

    Attributes:
        recorder: who listens; None if nobody does.
        met: called where a form becomes a program of its own (see ``COMPILED_ALONE``).
    """

    recorder: Recorder | None = None
    met: Callable[[], None] | None = None


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
    if NOTES.met is not None and kind in COMPILED_ALONE:
        NOTES.met()
    recorder = NOTES.recorder
    if recorder is not None:
        recorder.add(kind, sys._getframe(1), facts)


def mark() -> Any:
    """What was told so far; an attempt follows that may be given up (:func:`forget`)."""
    recorder = NOTES.recorder
    return None if recorder is None else recorder.mark()


def forget(mark: Any) -> None:
    """What was told since ``mark`` was about an attempt that is given up."""
    recorder = NOTES.recorder
    if recorder is not None:
        recorder.forget(mark)


TRIP = "trip {} of unrolled loop {}"
"""How the scopes are called in which the trips of unrolled loops are traced for a recorder."""


def unrolled_trip(number: int) -> AbstractContextManager[Any]:
    """In this block a trip of a loop is traced that is unrolled."""
    recorder = NOTES.recorder
    if recorder is None:
        return nullcontext()
    return jax.named_scope(TRIP.format(number, recorder.unrolling(sys._getframe(1))))


def note_use(index: int) -> None:
    """Tell that the form that is being traced needs the value of an exact leaf."""
    recorder = NOTES.recorder
    if recorder is not None:
        recorder.used(index, sys._getframe(1))


def stack(**facts: Any) -> None:
    """Tell that the call that is being traced recurses on a stack of its own.

    Args:
        facts: ``name`` of the procedure, and ``depth``, how deep it may go.
    """
    note("stack", **facts)

"""Attempts: what is drawn in one that fails was not drawn.

A derivative is tried on Python numbers. If a tensor turns up, the procedure is called again by
JAX. It draws the same random numbers then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from eshkol.autodiff.perturbations import NeedsTensors


class Attempts(threading.local):
    """The attempts of this thread.

    Attributes:
        undo: takes back what was drawn in the innermost, step by step; None outside of all.
    """

    def __init__(self) -> None:
        self.undo: list[Callable[[], Any]] | None = None


class Drawing:
    """What draws.

    Attributes:
        undo_all: takes back all that was ever drawn; None before anything could be.
    """

    undo_all: Callable[[], None] | None = None


ATTEMPTS = Attempts()


class attempt:
    """A block whose draws are taken back if it needs tensors."""

    __slots__ = ("_outer",)

    def __enter__(self) -> None:
        self._outer = ATTEMPTS.undo
        ATTEMPTS.undo = []

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        done, outer = ATTEMPTS.undo, self._outer
        ATTEMPTS.undo = outer
        if not done:
            return
        if kind is not None and issubclass(kind, NeedsTensors):
            for undo in reversed(done):
                undo()
        elif outer is not None:
            outer += done


def attempted(call: Callable[..., Any], *arguments: Any) -> Any:
    """``call(*arguments)`` as an attempt; it costs next to nothing in programs that don't draw."""
    if Drawing.undo_all is not None:
        with attempt():
            return call(*arguments)
    try:
        return call(*arguments)
    except NeedsTensors:
        if Drawing.undo_all is not None:  # it was the first to draw
            Drawing.undo_all()
        raise

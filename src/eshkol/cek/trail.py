"""Where an error was, for people: the calls that were running, as frames of a Python traceback.

The machine leaves no trace of the program on Python's stack. What leaves it with an error is a
traceback made of its own stack, so that reports, ``pdb`` and Python show the same as for compiled
code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING

from eshkol.base.sources import is_source, span_at, span_of_traceback
from eshkol.base.spans import Span
from eshkol.runtime.tracebacks import entry_at

if TYPE_CHECKING:
    from eshkol.cek.environment import Activation
    from eshkol.cek.machine import Machine

Place = tuple["Activation", Span]
"""A running call and the form in it that it has come to."""

SHOWN = 1_000
"""So many calls at each end of the trail are kept."""


def locate(machine: Machine, error: BaseException) -> None:
    """Let ``error`` know the form at which it happens, unless it does."""
    if span_of_traceback(error.__traceback__) is None:
        for activation, span in calls(machine):
            error.__traceback__ = _entry(activation, span, error.__traceback__)
            return


def add_trail(machine: Machine, error: BaseException) -> None:
    """Put the calls that were running into the traceback of ``error``, outside of what is there."""
    traceback = error.__traceback__
    running = _ends(calls(machine))
    known = first_place(traceback)
    if running and known == (running[0][0].name or "lambda", running[0][1]):
        del running[0]
    for activation, span in running:
        traceback = _entry(activation, span, traceback)
    error.__traceback__ = traceback


def _ends(places: Iterator[Place]) -> list[Place]:
    """The first and the last of many places."""
    first = list(islice(places, SHOWN))
    return [*first, *deque(places, SHOWN)]


def calls(machine: Machine) -> Iterator[Place]:
    """The calls of the program that are running, innermost first, and where each of them is."""
    node, activation = machine.site
    if activation is None:
        return
    innermost = _in_program(activation, node.span)
    yield innermost
    last = innermost[0]
    frame = machine.stack
    while frame is not None:
        if frame.place is not None:
            activation, span = _in_program(*frame.place)
            if activation is not last:
                yield activation, span
                last = activation
        frame = frame.outer


def _in_program(activation: Activation, span: Span) -> Place:
    """The place itself, or the call in the program that led to a procedure of the prelude."""
    if activation.site is None:
        return activation, span
    node, caller = activation.site
    return caller, node.span


# ---- tracebacks


def first_place(traceback: TracebackType | None) -> tuple[str, Span] | None:
    """The name of the outermost procedure of a program in a traceback, and where it is."""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_source(code.co_filename):
            span = span_at(code, traceback.tb_lasti)
            if span is not None:
                return code.co_name, span
        traceback = traceback.tb_next
    return None


def _entry(activation: Activation, span: Span, inner: TracebackType | None) -> TracebackType:
    """The entry of a traceback for a call that is at ``span``."""
    return entry_at(activation.name or "lambda", span, activation.namespace.variables, inner)

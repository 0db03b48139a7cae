"""Tensors that were donated to compiled calls, and who reads them afterwards.

A donated tensor has no elements any more. Whoever computes with it gets an error from deep inside;
:func:`explain_deleted` finds the variable that still holds it, and the call that it was donated to.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FrameType
from typing import Any, NamedTuple

from eshkol.base import sources
from eshkol.base.errors import Donated, EshkolError
from eshkol.base.sources import PACKAGE
from eshkol.base.spans import Span
from eshkol.primitives.declare import load
from eshkol.reader.parser import read_all
from eshkol.runtime.foreign import LIBRARIES, MACHINE
from eshkol.syntax.objects import Syntax

MOST_DONATIONS = 1 << 16
"""After so many tensors the calls that took them are forgotten."""


def any_donated() -> bool:
    """Whether any tensor was donated in this process."""
    return bool(_TAKEN)


class Call(NamedTuple):
    """Where a call stands that took tensors: an instruction of the code that made it."""

    code: CodeType
    instruction: int
    line: int

    def shown(self) -> tuple[str, str]:
        """Its text and its place."""
        file = self.code.co_filename
        span = sources.span_at(self.code, self.instruction) if sources.is_source(file) else None
        if span is not None:
            return _shown(span)
        return linecache.getline(file, self.line).strip() or file, f"{file}:{self.line}"


def _shown(span: Span) -> tuple[str, str]:
    return " ".join(sources.text_of(span).split()), str(span)


_TAKEN: dict[int, Call | Span] = {}
"""The calls that took tensors, by the identities of the tensors."""


def donated(tensors: Sequence[Any]) -> None:
    """Remember that the running call of the user's program has taken these tensors."""
    if len(_TAKEN) > MOST_DONATIONS:
        _TAKEN.clear()
    call = _running_call()
    if call is not None:
        _TAKEN.update(dict.fromkeys(map(id, tensors), call))


def _running_call() -> Call | Span | None:
    """The innermost call of the user's program."""
    frame: Any = sys._getframe(2)
    while frame is not None and _is_ours(frame):
        if frame.f_code.co_filename.startswith(MACHINE):
            machine = frame.f_locals.get("machine") or frame.f_locals.get("self")
            if hasattr(machine, "site"):
                return machine.site[0].span
        frame = frame.f_back
    return None if frame is None else Call(frame.f_code, frame.f_lasti, frame.f_lineno)


def _is_ours(frame: FrameType) -> bool:
    """Whether a frame is no part of the user's program."""
    file = frame.f_code.co_filename
    if sources.is_source(file):
        return False
    return file.startswith((PACKAGE, *LIBRARIES))


# ---- who reads one


_COMPLAINTS = re.compile(r"(Array|Buffer) has been deleted")


def explain_deleted(error: Exception) -> EshkolError | None:
    """The error for a donated tensor that is read; None if ``error`` is about something else."""
    if not isinstance(error, RuntimeError | ValueError) or not _COMPLAINTS.search(str(error)):
        return None
    first: Span | None = None
    for frame, instruction in _frames(error):
        span = None
        if sources.is_source(frame.f_code.co_filename):
            span = sources.span_at(frame.f_code, instruction)
            first = first or span
        for name, tensor in _holders(frame, span):
            return _read(name, tensor, first)
    return Donated(
        "a tensor is read that was donated to a compiled call: it has no elements any more",
        span=first,
        hint="keep what the call gives instead, or leave the argument out of #:donate",
    )


def _frames(error: Exception) -> Iterator[tuple[FrameType, int]]:
    """The frames of the user's program and what they were doing, innermost first."""
    traceback = error.__traceback__
    outer = None if traceback is None else traceback.tb_frame.f_back
    inner = []
    while traceback is not None:
        inner.append((traceback.tb_frame, traceback.tb_lasti))
        traceback = traceback.tb_next
    yield from (place for place in reversed(inner) if not _is_ours(place[0]))
    while outer is not None:
        if not _is_ours(outer):
            yield outer, outer.f_lasti
        outer = outer.f_back


def _holders(frame: FrameType, span: Span | None) -> Iterator[tuple[str, Any]]:
    """The variables in the form that ``frame`` evaluates that hold a tensor without elements."""
    find = load("eshkol.xla.deleted:deleted_in")
    names = _names_in(sources.text_of(span)) if span else list(frame.f_locals)
    for name in names:
        for value in _values(frame, name):
            found = find(name, value)
            if found is not None:
                yield found


def _names_in(text: str) -> list[str]:
    """The identifiers in the text of a form, in order."""
    try:
        pending: list[Syntax] = list(read_all(text, "<form>"))
    except EshkolError:
        return []
    names: dict[str, None] = {}
    while pending:
        form = pending.pop(0)
        if form.is_identifier:
            names[form.name] = None
        elif form.is_list:
            pending[:0] = form.parts
    return list(names)


def _values(frame: FrameType, name: str) -> Iterator[Any]:
    """What a variable called ``name`` may hold in a frame; boxes are opened."""
    key = _letters(name)
    for local, value in frame.f_locals.items():
        if key in (_letters(local), _letters(re.sub(r"_\d+$", "", local))):
            yield value[0] if value.__class__ is list and len(value) == 1 else value
    if name in frame.f_globals:
        yield frame.f_globals[name]


def _letters(name: str) -> str:
    return re.sub(r"\W|_", "", name)


def _read(name: str, tensor: Any, span: Span | None) -> EshkolError:
    """The error for reading the variable ``name``."""
    text, place = _call_of(tensor)
    taken = f"{text}, {place}, was given it to use its memory again\n" if place else ""
    keep = "keep what the call gives"
    if text.startswith("(") and len(text) < 60 and name in _names_in(text)[1:]:
        keep += f", as in (set! {name} {text})"
    return Donated(
        f"{name} was donated to a compiled call: it has no elements any more",
        span=span,
        hint=f"{taken}{keep}, or leave it out of #:donate",
    )


def _call_of(tensor: Any) -> tuple[str, str]:
    """The text of the call that took a tensor and where it stands; empty if unknown."""
    call = _TAKEN.get(id(tensor))
    if call is None:
        return "", ""
    return call.shown() if isinstance(call, Call) else _shown(call)

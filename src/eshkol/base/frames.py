"""The Scheme forms that are running, found through Python's frames, and the variables they see."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

from eshkol.base import sources
from eshkol.base.spans import Span


def scheme_frame(frame: FrameType | None = None) -> FrameType | None:
    """The innermost frame of a Scheme program, from ``frame`` (that of the caller) outwards."""
    frame = frame or sys._getframe(1)
    found: FrameType | None = frame
    while found is not None and not sources.is_source(found.f_code.co_filename):
        found = found.f_back
    return found


def span_of_frame(frame: FrameType | None) -> Span | None:
    """The form that a frame is at."""
    return None if frame is None else sources.span_at(frame.f_code, frame.f_lasti)


def running_forms(frame: FrameType | None) -> list[tuple[str, Span]]:
    """The procedures that are running and the forms that they are at, innermost first.

    The parts of one procedure, which are functions of their own in staged code, count once.
    """
    found: list[tuple[str, Span]] = []
    inner: CodeType | None = None
    frame = scheme_frame(frame)
    while frame is not None:
        span = span_of_frame(frame)
        if span is not None and (inner is None or not _holds(frame.f_code, inner)):
            found.append((frame.f_code.co_name, span))
            inner = frame.f_code
        frame = None if frame.f_back is None else scheme_frame(frame.f_back)
    return found


def visible_variables(frame: FrameType | None) -> dict[str, Any]:
    """The local variables that the form of a frame sees, and their values, inner ones first.

    An assigned variable holds a box, whose content is given.
    """
    found: dict[str, Any] = {}
    inner: CodeType | None = None
    while frame is not None:
        code = frame.f_code
        if sources.is_source(code.co_filename) and (inner is None or _holds(code, inner)):
            for name, value in frame.f_locals.items():
                if not name.startswith((" ", "__")):
                    found.setdefault(name, _content(value))
            inner = code
        frame = frame.f_back
    return found


def _holds(code: CodeType, inner: CodeType) -> bool:
    """Whether ``inner`` is a function that stands inside ``code``."""
    constants = [each for each in code.co_consts if isinstance(each, CodeType)]
    return any(each is inner or _holds(each, inner) for each in constants)


def _content(value: Any) -> Any:
    return value[0] if value.__class__ is list and len(value) == 1 else value

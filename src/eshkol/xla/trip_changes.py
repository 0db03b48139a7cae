"""Where the trips of a loop make another kind of value of a variable: the forms, for messages."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from eshkol.base import sources
from eshkol.base.spans import Span
from eshkol.core.nodes import BoxRef, BoxSet, Continue, LocalRef, Loop, Node, SetGlobal
from eshkol.core.walk import everything
from eshkol.runtime.procedures import unit_of_code


def forms_of_next(number: int) -> list[Span]:
    """The forms that give the loop variable of this number its next values.

    Asked where the runtime compiles the loop; what a trip passes on as it is, is left out.
    """
    loop = _loop_here()
    if loop is None or number >= len(loop.variables):
        return []
    variable = loop.variables[number]
    values = (
        part.arguments[number]
        for part in everything(loop.body)
        if isinstance(part, Continue) and part.label is loop.label
    )
    changing = (
        value
        for value in values
        if not (isinstance(value, LocalRef | BoxRef) and value.variable is variable)
    )
    return _spans(changing)


def forms_of_assignments(name: str) -> list[Span]:
    """The forms in the trips that assign an outer variable of this name; asked as above."""
    loop = _loop_here()
    if loop is None:
        return []
    return _spans(
        part
        for part in everything(loop.body)
        if (isinstance(part, BoxSet) and part.variable.name == name)
        or (isinstance(part, SetGlobal) and part.name == name)
    )


def _loop_here() -> Loop | None:
    """The loop that the innermost running Scheme form is, if it is one of the program's."""
    frame = sys._getframe()
    while not sources.is_source(frame.f_code.co_filename):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    span = sources.span_at(frame.f_code, frame.f_lasti)
    if span is None or sources.is_library(span.file):
        return None
    whole = unit_of_code(frame.f_code).whole
    parts = () if whole is None else everything(whole)
    return next((part for part in parts if isinstance(part, Loop) and part.span == span), None)


def _spans(nodes: Iterator[Node]) -> list[Span]:
    return list(dict.fromkeys(node.span for node in nodes))

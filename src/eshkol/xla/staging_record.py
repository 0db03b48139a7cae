"""What is heard while a program is traced for an explanation.

Staging tells its decisions (:mod:`eshkol.xla.notes`). The values of forms are seen by Python's
profiler: whenever a call that stands in the program returns, it tells what the form gave.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import jax

from eshkol.base.spans import Span
from eshkol.datum.pairs import Pair
from eshkol.datum.records import Record
from eshkol.datum.values import MultipleValues
from eshkol.datum.write import short_string
from eshkol.runtime import dialects
from eshkol.runtime.procedures import procedure_of
from eshkol.xla import globals as top_level
from eshkol.xla import journal, loops
from eshkol.xla.equations import Positions
from eshkol.xla.notes import told_to
from eshkol.xla.tensors import describe
from eshkol.xla.trees import flatten
from eshkol.xla.witness import Witness

_HELPERS = frozenset(
    function.__code__
    for function in (
        dialects.staged,
        top_level.read_global,
        journal.make_box,
        journal.set_box,
        loops.again,
        loops.done,
        loops.staged_while,
    )
)
"""Functions that compiled code calls and that are no procedures of the program."""

_CONTAINERS = Pair | Record | MultipleValues | list | tuple


class Seen:
    """What a form gave while it was traced.

    Attributes:
        times: how often it was traced.
        traced: the types of the traced values that it gave.
        known: the values that were known.
    """

    def __init__(self) -> None:
        self.times = 0
        self.traced: dict[str, None] = {}
        self.known: dict[str, None] = {}

    def add(self, value: Any) -> None:
        """Note a value."""
        self.times += 1
        is_traced, words = type_of(value)
        (self.traced if is_traced else self.known)[words] = None


def type_of(value: Any) -> tuple[bool, str]:
    """Whether a value is traced, and how it is shown: the type of what is, else the value."""
    if value.__class__ is Witness:
        return True, f"{describe(value.__eshkol_traced__)} = {short_string(value.known)}"
    if isinstance(value, jax.core.Tracer):
        return True, describe(value)
    if isinstance(value, _CONTAINERS) or procedure_of(value) is not None:
        leaves, _ = flatten(value)
        if any(isinstance(leaf, jax.core.Tracer | Witness) for leaf in leaves):
            shown = [describe(leaf) for leaf in leaves if hasattr(leaf, "dtype")]
            return True, f"({' '.join(shown[:MOST_SHOWN])}{' …' * (len(shown) > MOST_SHOWN)})"
    return False, describe(value)


MOST_SHOWN = 4
"""So many types of a structure are shown."""


class Heard:
    """A recorder.

    Attributes:
        notes: the kinds and facts of decisions by the forms they are about, each once.
        seen: what forms gave.
        uses: the forms that need the value of an exact leaf, by the index of the leaf.
        unrolled: the loops that were unrolled, by their numbers.
    """

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.notes: dict[Span, list[tuple[str, dict[str, Any]]]] = {}
        self.seen: dict[Span, Seen] = {}
        self.uses: dict[int, list[Span | None]] = {}
        self.unrolled: list[Span | None] = []
        self._by_instruction: dict[tuple[CodeType, int], Seen] = {}

    def add(self, kind: str, frame: FrameType, facts: dict[str, Any]) -> None:
        """A decision of staging."""
        span = self.positions.of_frame(frame)
        if span is not None:
            known = self.notes.setdefault(span, [])
            if (kind, facts) not in known:
                known.append((kind, facts))

    def unrolling(self, frame: FrameType) -> int:
        """The number of a loop that is unrolled."""
        span = self.positions.of_frame(frame)
        if span not in self.unrolled:
            self.unrolled.append(span)
        return self.unrolled.index(span)

    def mark(self) -> dict[Span, int]:
        """How many decisions each form has."""
        return {span: len(decisions) for span, decisions in self.notes.items()}

    def forget(self, mark: dict[Span, int]) -> None:
        """Take back decisions, but not that a counter's value was needed."""
        for span, decisions in list(self.notes.items()):
            count = mark.get(span, 0)
            decisions[count:] = [each for each in decisions[count:] if each[0] == "counter"]
            if not decisions:
                del self.notes[span]

    def used(self, index: int, frame: FrameType) -> None:
        """The form under ``frame`` needs the value of a leaf."""
        span = self.positions.of_frame(frame)
        forms = self.uses.setdefault(index, [])
        if span not in forms:
            forms.append(span)

    def needed(self, labels: Sequence[str]) -> Iterator[tuple[Span, str]]:
        """The forms that need the value of a leaf, and what the leaf is called."""
        for index, spans in self.uses.items():
            label = labels[index].removeprefix("argument ")
            yield from ((span, label) for span in spans if span is not None)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In this block programs are traced that are listened to."""
        saved = sys.getprofile()
        with told_to(self):
            sys.setprofile(self._returned)
            try:
                yield
            finally:
                sys.setprofile(saved)

    def _returned(self, frame: FrameType, event: str, value: Any) -> None:
        if event != "return" or value is None:
            return
        caller = frame.f_back
        if caller is None or not self.positions.counts(caller.f_code):
            return
        if frame.f_code in _HELPERS:
            return
        key = caller.f_code, caller.f_lasti
        seen = self._by_instruction.get(key)
        if seen is None:
            span = self.positions.at(*key)
            if span is None:
                return
            seen = self.seen.setdefault(span, Seen())
            self._by_instruction[key] = seen
        seen.add(value)

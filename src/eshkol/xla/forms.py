"""The forms of a program by numbers: equal meaning is equal Core, wherever it was written.

A program may be compiled of procedures that stood elsewhere, in another process or before somebody
edited the file. What tells its forms by numbers finds them in the procedures of today.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from eshkol.base.errors import EshkolError
from eshkol.base.spans import Span
from eshkol.core.walk import bound_variables, everything
from eshkol.runtime.procedures import procedure_of
from eshkol.xla.reach import closures_of
from eshkol.xla.trees import Structure


class Forms:
    """The forms and the names in procedures, by numbers.

    Args:
        procedures: functions that may have come from Scheme.
    """

    def __init__(self, procedures: Sequence[Any]) -> None:
        self.procedures = procedures
        self._spans: dict[int, list[Span]] = {}

    def spans(self, number: int) -> list[Span]:
        """Where the nodes of a procedure come from, outermost first."""
        spans = self._spans.get(number)
        if spans is None:
            procedure = procedure_of(self.procedures[number])
            nodes = () if procedure is None else everything(procedure.node)
            spans = self._spans[number] = [node.span for node in nodes]
        return spans

    def number(self, span: Span) -> tuple[int, int] | None:
        """The procedure and the node of a form; None if it is in none of the procedures."""
        for number in range(len(self.procedures)):
            if span in self.spans(number):
                return number, self.spans(number).index(span)
        return None

    def names(self) -> Iterator[tuple[int, int, str]]:
        """The names of the procedures and of their variables: procedure, number, and name."""
        for number, function in enumerate(self.procedures):
            procedure = procedure_of(function)
            if procedure is not None:
                bound = map(bound_variables, everything(procedure.node))
                names = [function.__name__, *(v.name for variables in bound for v in variables)]
                yield from ((number, index, name) for index, name in enumerate(names))


def tell_present_form(
    error: EshkolError, compiled: Sequence[Structure], present: Sequence[Structure]
) -> None:
    """Let an error point at the form in procedures that mean the same as those compiled.

    Args:
        error: of a program.
        compiled: the structures that the program was compiled of.
        present: those of the call.
    """
    before, now = (
        [function for structure in structures for function in closures_of(structure)]
        for structures in (compiled, present)
    )
    span = error.span
    is_same = [a.__code__ for a in before] == [b.__code__ for b in now]
    if span is None or is_same or len(before) != len(now):
        return
    place = Forms(before).number(span)
    if place is not None:
        number, node = place
        error._span = Forms(now).spans(number)[node]


def point_at_call(error: EshkolError, structures: Sequence[Structure]) -> None:
    """Let an error that points at no form of these procedures point at the call that runs.

    A program that eager code runs for one form may have been compiled for another one.
    """
    functions = [function for structure in structures for function in closures_of(structure)]
    if error._span is not None and Forms(functions).number(error._span) is None:
        error._span = None

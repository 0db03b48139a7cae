"""Which program is called in a thread, and which ones are being traced."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from eshkol.xla.notes import note_use
from eshkol.xla.value_uses import Uses

if TYPE_CHECKING:
    from eshkol.xla.programs import Program


class Unprepared(Exception):
    """A program is traced on a way of a call that does not tell the values of exact inputs."""


class Tracing(threading.local):
    """What is traced, or may be, in this thread.

    Attributes:
        program: the program that is called.
        leaves: the values of its inputs.
        used: what the trace has used of those.
        procedures: the procedure of each program that is being traced, and the leaves of it and
            of the top-level variables.
    """

    def __init__(self) -> None:
        self.program: Program | None = None
        self.leaves: Any = None
        self.used: Uses | None = None
        self.procedures: dict[Program, tuple[Any, list[Any]]] = {}


TRACING = Tracing()


def is_drawing() -> bool:
    """Whether the program that is called is known to draw, so that JAX lowers it with 64 bits."""
    program = TRACING.program
    return program is not None and program.wants_key


def note_own_use(program: Program, index: int) -> None:
    """Tell that the value of an exact leaf is needed, of the outermost program being traced."""
    if next(iter(TRACING.procedures), program) is program:
        note_use(index)


@contextmanager
def being_traced(program: Program, procedure: Any, leaves: list[Any]) -> Iterator[None]:
    """In this block a program traces its procedure, given these leaves."""
    saved = TRACING.procedures.get(program)
    TRACING.procedures[program] = procedure, leaves
    try:
        yield
    finally:
        TRACING.procedures.pop(program)
        if saved is not None:
            TRACING.procedures[program] = saved


def procedure_being_traced(program: Program, leaves: Sequence[Any]) -> Any:
    """The procedure of a program that calls itself while it is traced; None for any other.

    Args:
        program: is called.
        leaves: of what goes in, those of the procedure and of the top-level variables in front.
    """
    procedure, own = TRACING.procedures.get(program, (None, []))
    return procedure if all(a is b for a, b in zip(leaves, own, strict=False)) else None

"""What is left to do: a continuation is a linked list of frames, None at its end.

A frame is never changed, so a continuation can be entered any number of times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eshkol.base.spans import Span
    from eshkol.cek.environment import Activation
    from eshkol.cek.machine import Machine
    from eshkol.core.nodes import Node


@dataclass(slots=True, eq=False)
class Frame:
    """One thing that is left to do; ``outer`` is the rest."""

    outer: Frame | None

    def resume(self, machine: Machine, value: Any) -> None:
        """Go on with the value that was waited for; ``machine.stack`` is already ``outer``."""
        raise TypeError("a frame says itself how to go on")

    @property
    def hole(self) -> tuple[Node, Activation] | None:
        """The form whose value is waited for, and the call that waits; None if no program does."""
        return None

    @property
    def place(self) -> tuple[Activation, Span] | None:
        """The call that waits, and where the form is; None if no program waits."""
        hole = self.hole
        return None if hole is None else (hole[1], hole[0].span)


@dataclass(slots=True, eq=False)
class Then(Frame):
    """``do`` says how to go on; it must not change what it refers to.

    ``site`` is the call of the primitive that waits.
    """

    do: Callable[[Machine, Any], None]
    site: tuple[Node, Activation | None]

    def resume(self, machine: Machine, value: Any) -> None:
        machine.site = self.site
        self.do(machine, value)

    @property
    def hole(self) -> tuple[Node, Activation] | None:
        node, activation = self.site
        return None if activation is None else (node, activation)

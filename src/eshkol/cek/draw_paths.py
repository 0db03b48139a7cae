"""The calls on the machine that lead to a random draw (see ``runtime/draw_paths.py``)."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

from eshkol.runtime.draw_paths import Engine, Site
from eshkol.runtime.procedures import SITES

if TYPE_CHECKING:
    from eshkol.cek.environment import Activation
    from eshkol.core.nodes import Node


def calls_of(frame: FrameType) -> Iterator[Site]:
    """The calls that the machine of this frame is running, innermost first.

    A call in tail position has left nothing on the stack.
    """
    machine = frame.f_locals["self"]
    if machine.site[1] is not None:
        yield _site(*machine.site)
    waiting = machine.stack
    while waiting is not None:
        hole = waiting.hole
        if hole is not None:
            yield _site(*hole)
        waiting = waiting.outer


def _site(node: Node, activation: Activation) -> Site:
    """The call at a node; for one of the prelude, the one that led to it."""
    if activation.site is not None:
        node, activation = activation.site
    return activation.forms.site(node)


def install(code_of_machine: int) -> None:
    """Let paths to draws go through the machine, whose loop has the code with this ``id``."""
    SITES[code_of_machine] = Engine(calls_of)

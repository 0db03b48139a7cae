"""The calls on the machine that lead to a random draw (see ``runtime/draw_paths.py``)."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType

from eshkol.cek.environment import Activation
from eshkol.cek.frames import Then
from eshkol.core.nodes import Node
from eshkol.core.surroundings import Hole
from eshkol.runtime.draw_paths import Engine, Site, Trips
from eshkol.runtime.procedures import SITES


def calls_of(frame: FrameType) -> Iterator[tuple[Site, Trips]]:
    """The calls that the machine of this frame is running, innermost first, and their trips.

    A call in tail position has left nothing on the stack. Of holes within one another, all of which
    are on the stack, only the innermost tells what is called.
    """
    machine = frame.f_locals["self"]
    known: Hole | None = None
    if machine.site[1] is not None:
        activation = _in_program(machine.site)[1]
        site, known = _call(machine.site)
        if site is not None:
            yield site, activation.trips[: len(site.trip_variables)]
    waiting = machine.stack
    while waiting is not None:
        at = waiting.hole
        if at is not None:
            node, activation = _in_program(at)
            if isinstance(waiting, Then) or at[1].site is not None:
                site, known = _call(at)
            else:
                site, hole = activation.forms.sites.of_hole(node, activation.namespace)
                if hole is not None and hole is known:
                    site = None
                known = None if hole is None else hole.outer
            if site is not None:
                yield site, activation.trips[: len(site.trip_variables)]
        waiting = waiting.outer


def _call(at: tuple[Node, Activation]) -> tuple[Site | None, Hole | None]:
    """A call and the hole it stands in; for a call in the prelude, the one that led to it."""
    node, activation = _in_program(at)
    return activation.forms.sites.of_call(node, activation.namespace)


def _in_program(at: tuple[Node, Activation]) -> tuple[Node, Activation]:
    """Where something stands in the program: for a part of the prelude, the call that led to it."""
    return at[1].site or at


def install(code_of_machine: int) -> None:
    """Let paths to draws go through the machine, whose loop has the code with this ``id``."""
    SITES[code_of_machine] = Engine(calls_of)

"""``debug-print`` and ``breakpoint`` in compiled programs: callbacks with the values of a run."""

from __future__ import annotations

from types import FrameType
from typing import Any

import jax

from eshkol.base.frames import running_forms, visible_variables
from eshkol.primitives.declare import load
from eshkol.xla.effects import PATH, call_back, output
from eshkol.xla.host_calls import HostFunction
from eshkol.xla.trees import flatten
from eshkol.xla.witness import Witness


def is_traced(values: Any) -> bool:
    """Whether a leaf of ``values`` is traced, by whatever of JAX."""
    return any(isinstance(leaf, jax.core.Tracer | Witness) for leaf in flatten(values)[0])


def print_later(template: str, label: Any, *values: Any, **named: Any) -> None:
    """Show the line of a ``debug-print`` when the compiled program gets here."""
    output(HostFunction("debug-print"), template, label, *values, **named)


def stop_later(label: Any, frame: FrameType | None) -> None:
    """Open the prompt of a breakpoint when the compiled program gets here.

    Args:
        label: of the breakpoint.
        frame: of the form, while it is traced.
    """
    forms = running_forms(frame)
    namespace = None if frame is None else frame.f_globals.get(" namespace")

    def stop(variables: dict[str, Any]) -> None:
        load("eshkol.repl.debugger:Prompt")(label, forms, variables, namespace).run()

    PATH.seen += 1
    call_back(stop, visible_variables(frame), may_fail=True)

"""Running top-level forms on the machine."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from eshkol.base.spans import Span
from eshkol.cek.environment import Activation, Environment, Forms, TopLevel
from eshkol.cek.evaluate import gather
from eshkol.cek.machine import Machine, run
from eshkol.core.check import check
from eshkol.core.free import assigned_variables
from eshkol.core.nodes import Const, Node
from eshkol.datum.values import UNSPECIFIED

if TYPE_CHECKING:
    from eshkol.runtime.namespace import Namespace

ENTRY = "<top level>"


def run_program(nodes: Iterable[Node], span: Span, namespace: Namespace) -> Any:
    """Evaluate expanded top-level forms; the value of the last.

    A continuation captured in one form includes the forms after it.

    Args:
        nodes: the forms, in order.
        span: the whole text they come from.
        namespace: where they define and find top-level variables.
    """
    forms = [check(node, boxes=False) for node in nodes]
    return evaluate(forms or [Const(span, UNSPECIFIED)], namespace)


def evaluate(nodes: Sequence[Node], namespace: Namespace) -> Any:
    """The value of the last of some nodes of Core, which are evaluated in order at top level.

    Args:
        nodes: as the expander gives them, or after any pass; at least one.
        namespace: their top-level variables.
    """
    prepare()
    environment = _top_level(nodes, namespace)
    return run(lambda machine: gather(machine, nodes[0], environment, tuple(nodes), [], _give_last))


def evaluate_here(machine: Machine, nodes: Sequence[Node], namespace: Namespace) -> None:
    """Let a machine that runs evaluate nodes at top level, the last of them in tail position."""
    environment = _top_level(nodes, namespace)
    *first, last = nodes

    def finish(machine: Machine, *rest: Any) -> None:
        machine.evaluate(last, environment)

    gather(machine, last, environment, tuple(first), [], finish)


def _top_level(nodes: Sequence[Node], namespace: Namespace) -> TopLevel:
    assigned = {variable for node in nodes for variable in assigned_variables(node)}
    return TopLevel(Activation(ENTRY, namespace, Forms(nodes)), assigned)


def _give_last(machine: Machine, node: Node, environment: Environment, values: list[Any]) -> None:
    machine.value = values[-1]


@functools.cache
def prepare() -> None:
    """Make the machine ready, once."""
    from eshkol.cek import control, draw_paths
    from eshkol.cek.prelude import load_prelude

    control.install()
    draw_paths.install(id(Machine._go.__code__))
    load_prelude()

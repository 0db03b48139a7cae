"""Variables whose lists are never made: they hold Python lists instead.

A variable of a ``let`` does if its list is only asked for its elements; a variable of a loop does
if the loop conses the list together and uses it where it ends, as in ``(reverse parts)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eshkol.codegen.kinds import trips
from eshkol.codegen.traversals import TAKING, TRAVERSALS, is_traversal
from eshkol.core.nodes import (
    Call,
    Const,
    Continue,
    GlobalRef,
    If,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    Node,
    Sequence,
    Variable,
)
from eshkol.core.walk import children, everything
from eshkol.datum.pairs import NIL

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter

IsPrimitive = Callable[[Node], bool]


def is_only_taken(emitter: EagerEmitter, variable: Variable, node: Node) -> bool:
    """Whether ``node`` asks the list in ``variable`` for its elements and nothing else."""
    if isinstance(node, LocalRef):
        return node.variable is not variable
    taken = _taken_argument(emitter, node)
    for child in children(node):
        if child is taken and isinstance(child, LocalRef):
            continue
        is_inlined = isinstance(node, Call) and taken is not None and child is node.arguments[0]
        if isinstance(child, Lambda) and not is_inlined:
            if _count(child, variable):
                return False
        elif not is_only_taken(emitter, variable, child):
            return False
    return True


def _taken_argument(emitter: EagerEmitter, node: Node) -> Node | None:
    """The argument of a call that is only asked for its elements."""
    if not isinstance(node, Call) or not emitter.is_primitive(node.procedure) or node.keywords:
        return None
    assert isinstance(node.procedure, GlobalRef)
    name = node.procedure.name
    if name in TRAVERSALS:
        return node.arguments[-1] if is_traversal(emitter, node) else None
    is_taking = (name in TAKING or name == "reverse") and node.arguments
    return node.arguments[0] if is_taking else None


def _count(node: Node, variable: Variable) -> int:
    return sum(isinstance(p, LocalRef) and p.variable is variable for p in everything(node))


def accumulated(loop: Loop, is_primitive: IsPrimitive) -> set[Variable]:
    """The variables of ``loop`` that start empty, grow by ``cons``, and are used when it ends.

    They are held as Python lists, the last element first.
    """
    return {
        variable
        for index, variable in enumerate(loop.variables)
        if _is_nil(loop.values[index])
        and all(
            grown(trip.arguments[index], variable, is_primitive) is not None for trip in trips(loop)
        )
        and any(isinstance(trip.arguments[index], Call) for trip in trips(loop))
        and _is_used_at_ends(loop, index, variable)
    }


def grown(value: Node, variable: Variable, is_primitive: IsPrimitive) -> list[Node] | None:
    """What ``value`` conses to ``variable``, the first element first; None if it is no such."""
    items = []
    while isinstance(value, Call) and is_primitive(value.procedure) and not value.keywords:
        assert isinstance(value.procedure, GlobalRef)
        if value.procedure.name != "cons" or len(value.arguments) != 2:
            return None
        items.append(value.arguments[0])
        value = value.arguments[1]
    is_base = isinstance(value, LocalRef) and value.variable is variable
    return items if is_base else None


def _is_nil(node: Node) -> bool:
    return isinstance(node, Const) and node.value is NIL


def _is_used_at_ends(loop: Loop, index: int, variable: Variable) -> bool:
    """Whether the loop mentions the list elsewhere only where it ends, and once in each end."""

    def count(node: Node) -> int:
        return _count(node, variable)

    def is_right(node: Node) -> bool:
        match node:
            case If():
                return not count(node.test) and is_right(node.then) and is_right(node.otherwise)
            case Let() | Letrec():
                return not any(map(count, node.values)) and is_right(node.body)
            case Sequence():
                return not any(map(count, node.steps[:-1])) and is_right(node.steps[-1])
            case Continue(label=loop.label):
                others = [a for i, a in enumerate(node.arguments) if i != index]
                return count(node.arguments[index]) == 1 and not any(map(count, others))
        inside = any(isinstance(p, Lambda | Loop | Continue) for p in everything(node))
        return count(node) == 0 or (count(node) == 1 and not inside)

    return is_right(loop.body)

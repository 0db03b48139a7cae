"""Free variables of a node and the global names it mentions."""

from __future__ import annotations

from typing import Any

from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Define,
    GlobalRef,
    Lambda,
    Let,
    LocalRef,
    Loop,
    Node,
    SetGlobal,
    SetLocal,
    Variable,
)
from eshkol.core.walk import bound_variables, children, everything


def free_variables(node: Node) -> dict[Variable, None]:
    """The variables that ``node`` uses and does not bind, in order of first use."""
    found: dict[Variable, None] = {}
    bound: dict[Variable, int] = {}  # how often each is, around what comes next
    rest: list[Node | tuple[int, tuple[Variable, ...]]] = [node]
    while rest:
        part = rest.pop()
        if isinstance(part, tuple):
            change, variables = part
            for variable in variables:
                bound[variable] = bound.get(variable, 0) + change
            continue
        if isinstance(part, LocalRef | BoxRef | SetLocal | BoxSet) and not bound.get(part.variable):
            found.setdefault(part.variable)
        parts: list[Any] = list(children(part))
        variables = bound_variables(part)
        if variables:
            at = len(part.values) if isinstance(part, Let | Loop) else 0
            parts.insert(at, (1, variables))
            parts.append((-1, variables))
        parts.reverse()
        rest += parts
    return found


def assigned_variables(node: Node) -> set[Variable]:
    """The variables that some ``SetLocal`` in ``node`` assigns."""
    return {part.variable for part in everything(node) if isinstance(part, SetLocal)}


def global_names(node: Node) -> dict[str, None]:
    """The global names that ``node`` reads or sets, in order of first use."""
    return {
        part.name: None
        for part in everything(node)
        if isinstance(part, GlobalRef | SetGlobal | Define)
    }


def contains_lambda(node: Node) -> bool:
    """Whether a procedure is made somewhere in ``node``."""
    return any(isinstance(part, Lambda) for part in everything(node))

"""Free variables of a node and the global names it mentions."""

from __future__ import annotations

from collections.abc import Iterator

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
    for variable in _uses(node, frozenset()):
        found.setdefault(variable)
    return found


def _uses(node: Node, bound: frozenset[Variable]) -> Iterator[Variable]:
    match node:
        case LocalRef() | BoxRef():
            if node.variable not in bound:
                yield node.variable
        case SetLocal() | BoxSet():
            if node.variable not in bound:
                yield node.variable
            yield from _uses(node.value, bound)
        case Let() | Loop():
            for value in node.values:
                yield from _uses(value, bound)
            yield from _uses(node.body, bound.union(node.variables))
        case _:
            inner = bound.union(bound_variables(node))
            for child in children(node):
                yield from _uses(child, inner)


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

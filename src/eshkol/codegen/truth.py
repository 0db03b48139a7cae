"""What stands where only its truth is asked, in the staged dialect.

``(if (or found (> i 9)) …)`` asks whether the ``or`` is true and not what it gives; so its branches
may give values that no program can treat as one, an index and a boolean.
"""

from __future__ import annotations

from collections.abc import Callable

from eshkol.core.nodes import Call, Const, GlobalRef, If, Let, LocalRef, Node, Sequence

_COMPARISONS = frozenset("= < > <= >= not".split())


def as_test(node: Node, is_primitive: Callable[[Node], bool]) -> Node:
    """A node for a test: the branches of conditionals in it give their truth.

    Args:
        node: stands where its truth is asked.
        is_primitive: whether a procedure is one that is built in.
    """
    match node:
        case If():
            is_itself = _is_same_variable(node.test, node.then)
            then = Const(node.then.span, True) if is_itself else _truth(node.then, is_primitive)
            return If(node.span, node.test, then, _truth(node.otherwise, is_primitive))
        case Let():
            return Let(node.span, node.variables, node.values, as_test(node.body, is_primitive))
        case Sequence():
            *steps, last = node.steps
            return Sequence(node.span, (*steps, as_test(last, is_primitive)))
    return node


def _truth(node: Node, is_primitive: Callable[[Node], bool]) -> Node:
    match node:
        case If() | Let() | Sequence():
            return as_test(node, is_primitive)
        case Const():
            return Const(node.span, node.value is not False)
        case Call() if _is_predicate(node.procedure, is_primitive):
            return node
    return Call(node.span, GlobalRef(node.span, " is_true"), (node,))


def _is_predicate(node: Node, is_primitive: Callable[[Node], bool]) -> bool:
    """Whether a primitive gives booleans."""
    if not isinstance(node, GlobalRef) or not is_primitive(node):
        return False
    return node.name.endswith("?") or node.name in _COMPARISONS


def _is_same_variable(first: Node, second: Node) -> bool:
    return (
        isinstance(first, LocalRef)
        and isinstance(second, LocalRef)
        and first.variable is second.variable
    )

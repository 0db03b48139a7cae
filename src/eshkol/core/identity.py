"""A hash of what a procedure means: its Core with the names of variables and all spans left out.

Two procedures with the same hash behave the same in the same namespace, whatever their variables
are called and wherever they were written. The names of optional parameters are part of the
meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from eshkol.core import nodes
from eshkol.core.free import free_variables
from eshkol.core.walk import bound_variables, children
from eshkol.datum.write import readable_string


def identity(node: nodes.Node, order: list[nodes.Variable] | None = None) -> str:
    """The hash of ``node`` as hexadecimal text.

    Args:
        node: usually a ``Lambda``.
        order: the free variables in the order in which they are captured; the order of first use
            if left out.
    """
    free = list(free_variables(node)) if order is None else order
    numbers: dict[object, int] = {variable: index for index, variable in enumerate(free)}
    digest = hashlib.blake2b(digest_size=16)
    for word in _words(node, numbers):
        digest.update(word.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _words(node: nodes.Node, numbers: dict[object, int]) -> Iterator[str]:
    """The node in prefix order, variables and labels numbered as they are bound."""
    rest: list[nodes.Node | None] = [node]
    while rest:
        part = rest.pop()
        if part is None:
            yield ")"
            continue
        yield type(part).__name__
        for variable in bound_variables(part):
            yield str(numbers.setdefault(variable, len(numbers)))
        yield from _own_words(part, numbers)
        rest.append(None)
        rest += reversed(list(children(part)))


def _own_words(node: nodes.Node, numbers: dict[object, int]) -> Iterator[str]:
    """What tells the node from others of its class with the same children."""
    match node:
        case nodes.Const():
            yield readable_string(node.value)
        case nodes.LocalRef() | nodes.BoxRef() | nodes.BoxSet() | nodes.SetLocal():
            yield str(numbers[node.variable])
        case nodes.GlobalRef() | nodes.SetGlobal() | nodes.Define():
            yield node.name
        case nodes.Loop() | nodes.Continue():
            yield str(numbers.setdefault(node.label, len(numbers)))
        case nodes.Lambda():
            # Callers give optional parameters by name.
            optional = [p.default and p.variable.name for p in node.parameters]
            yield f"{optional} {[p.keyword for p in node.parameters]} {node.rest is not None}"
        case nodes.Call():
            yield f"{len(node.arguments)} {[name for name, _ in node.keywords]}"
        case nodes.Sequence():
            yield str(len(node.steps))

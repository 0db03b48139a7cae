"""A Python name for each variable.

A name differs from those of all other variables that its Python function and the functions inside
it mention. It differs from the global names they mention too (a global keeps its Scheme name),
except for a parameter: its name is what callers write before a keyword argument, so there the
global is read another way. Both dialects of a procedure use the same names, so their closures fit
each other.
"""

from __future__ import annotations

from collections.abc import Collection

from eshkol.core.nodes import BoxRef, BoxSet, GlobalRef, Lambda, LocalRef, Node, Variable
from eshkol.core.walk import bound_variables, children
from eshkol.datum.spelling import is_reserved as is_reserved
from eshkol.datum.spelling import python_name as python_name

Names = dict[Variable, str]

Mentions = set[Variable | str]
"""Local variables, and the names of global ones."""


def assign_names(node: Node, reserved: Collection[str]) -> Names:
    """A name for each variable bound in ``node``; ``reserved`` holds the global names."""
    names: Names = {}
    mentions: dict[Lambda, Mentions] = {}
    _note_mentions(node, set(), mentions)
    _visit(node, names, set(reserved), mentions)
    return names


def _note_mentions(node: Node, found: Mentions, mentions: dict[Lambda, Mentions]) -> None:
    """Add what ``node`` mentions to ``found``; note it for each procedure in it."""
    if isinstance(node, Lambda):
        outer, found = found, set()
        mentions[node] = found
    if isinstance(node, LocalRef | BoxRef | BoxSet):
        found.add(node.variable)
    elif isinstance(node, GlobalRef):
        found.add(node.name)
    for child in children(node):
        _note_mentions(child, found, mentions)
    if isinstance(node, Lambda):
        outer |= found


def _visit(node: Node, names: Names, taken: set[str], mentions: dict[Lambda, Mentions]) -> None:
    if isinstance(node, Lambda):
        mentioned = mentions[node]
        captured = {names[v] for v in mentioned if isinstance(v, Variable) and v in names}
        _bind(node, names, captured)
        taken = captured.union(name for name in mentioned if isinstance(name, str))
    else:
        _bind(node, names, taken)
    for child in children(node):
        _visit(child, names, taken, mentions)


def _bind(node: Node, names: Names, taken: set[str]) -> None:
    """Name the variables that ``node`` binds, and take the names."""
    for variable in bound_variables(node):
        names[variable] = name = _fresh(python_name(variable.name), taken)
        taken.add(name)


def _fresh(base: str, taken: set[str]) -> str:
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name

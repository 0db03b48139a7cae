"""Which part of a value is a tensor that has no elements any more, since it was donated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eshkol.datum.variables import value_of
from eshkol.xla.leaf_names import structure_names
from eshkol.xla.reach import Reach
from eshkol.xla.trees import ArrayImpl, flatten


def deleted_in(name: str, value: Any) -> tuple[str, Any] | None:
    """The deleted tensor in a value, or in what a procedure reads, and the variable that holds it.

    Args:
        name: of the variable that holds the value.
        value: any.

    Returns:
        ``(name, tensor)``: ``name`` itself for a tensor, ``name.weight`` for a tensor that a
        closure captures, ``weight`` for one that a procedure reads from the top level.
    """
    if value.__class__ is ArrayImpl:
        return (name, value) if value.is_deleted() else None
    leaves, structure = flatten(value)
    for path, leaf in zip(structure_names(structure), leaves, strict=True):
        if _is_deleted(leaf):
            return name if structure.__class__ is str else f"{name}.{path}", leaf
    if not callable(value):
        return None
    reach = Reach(structure)
    for variable, place in zip(_names(reach), reach.leaves, strict=True):
        leaf = value_of(place)
        if _is_deleted(leaf):
            return variable, leaf
    return None


def _is_deleted(leaf: Any) -> bool:
    return leaf.__class__ is ArrayImpl and leaf.is_deleted()


def _names(reach: Reach) -> Iterator[str]:
    """The names of the leaves of top-level variables."""
    for (_, variable), structure in zip(reach.variables, reach.values, strict=True):
        for path in structure_names(structure):
            yield variable if structure.__class__ is str else f"{variable}.{path}"

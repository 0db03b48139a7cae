"""What a procedure reaches: the top-level variables that its program depends on."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from eshkol.core.free import global_names
from eshkol.datum.variables import TensorVariable
from eshkol.primitives.declare import PRIMITIVES
from eshkol.runtime.procedures import procedure_of
from eshkol.runtime.recursive_groups import Changes
from eshkol.xla.code_keys import CodeKey
from eshkol.xla.globals import LIFTED
from eshkol.xla.trees import Structure, flatten_with_variables


def closures_of(structure: Structure) -> Iterator[Any]:
    """One function of each closure in a structure."""
    if structure.__class__ is str:
        return
    if structure[0] == "closure" and structure[1][0].__class__ is CodeKey:
        yield structure[1][0].prototype
    for child in structure[2]:
        yield from closures_of(child)


def global_names_of(function: Any) -> tuple[str, ...]:
    procedure = procedure_of(function)
    assert procedure is not None
    names = procedure.facts.get("globals")
    if names is None:
        names = procedure.facts["globals"] = tuple(global_names(procedure.node))
    return names


class Reach:
    """The top-level variables that procedures read, directly or through procedures they name.

    Attributes:
        variables: ``(namespace, name)`` in the order they were met.
        absent: the same of names that are primitives, or not defined yet.
        found: the values of the variables.
        leaves: the leaves of their values; the places of tensors where there are any.
        places: these, after those that were known before.
        structure: their names and the structures of their values.
    """

    def __init__(self, structure: Structure, places: Sequence[TensorVariable] = ()) -> None:
        self.places = list(places)
        self.variables: list[tuple[Any, str]] = []
        self.absent: list[tuple[Any, str]] = []
        self.leaves: list[Any] = []
        self.values: list[Structure] = []
        self.seen: set[tuple[int, str]] = set()
        self.found: list[Any] = []
        self._visit(structure)
        names = tuple((id(namespace), name) for namespace, name in self.variables)
        self.structure = ("globals", names, tuple(self.values))

    def _visit(self, structure: Structure) -> None:
        for function in closures_of(structure):
            namespace = function.__globals__.get(" namespace")
            for name in global_names_of(function):
                key = (id(namespace), name)
                if namespace is None or key in self.seen or name.startswith(" "):
                    continue
                self.seen.add(key)
                if name not in namespace.variables:
                    self.absent.append((namespace, name))
                    continue
                value = namespace.variables[name]
                held = LIFTED.values.get(key, value)
                leaves, inner, self.places = flatten_with_variables(held, self.places)
                self.variables.append((namespace, name))
                self.found.append(value)
                self.leaves += leaves
                self.values.append(inner)
                self._visit(inner)

    def holds(self) -> bool:
        """Whether the variables still have the values that were read."""
        return all(
            namespace.variables.get(name, self) is value
            for (namespace, name), value in zip(self.variables, self.found, strict=True)
        ) and not any(name in namespace.variables for namespace, name in self.absent)


_MUTABLE = frozenset(
    "box vector table list dotted python-list dict record promise MutableString bytearray".split()
)


def is_mutable(structure: Structure) -> bool:
    """Whether something in a structure can change without a definition or assignment."""
    if structure.__class__ is str:
        return False
    return structure[0] in _MUTABLE or any(map(is_mutable, structure[2]))


# ---- randomness

_DRAWING_RULES = tuple(
    f"eshkol.xla.{rules}"
    for rules in (
        "random:",
        "initializers:",
        "class_draws:",
        "distributions:",
        "vector_draws:",
        "augmentation:",
        "normalization:dropout",
        "in_place:xavier",
        "in_place:kaiming",
        "in_place:lecun",
    )
)
"""What the tensor rules begin with that draw random numbers."""


@functools.cache
def drawing_names() -> frozenset[str]:
    """The names of the primitives that draw from the hidden stream of random numbers."""
    known = PRIMITIVES.items()
    return frozenset(name for name, p in known if (p.tensor or "").startswith(_DRAWING_RULES))


@functools.cache
def _drawing_functions() -> frozenset[int]:
    return frozenset(id(PRIMITIVES[name].function) for name in drawing_names())


def _may_draw(structure: Structure) -> bool:
    """Whether a procedure in a structure may draw random numbers."""
    return any(
        name in drawing_names()
        for function in closures_of(structure)
        for name in global_names_of(function)
    ) or _holds_drawing(structure)


def names_drawn_for(*structures: Structure) -> tuple[Any, ...] | None:
    """What decides how the draws of procedures in structures are numbered: the names in them.

    None if they don't draw.
    """
    if not any(map(_may_draw, structures)):
        return None
    return tuple(
        [_names_in(function) for structure in structures for function in closures_of(structure)]
    )


def _names_in(function: Any) -> Any:
    procedure = procedure_of(function)
    assert procedure is not None
    known, names = procedure.facts.get("names drawn for", (-1, ()))
    if known != Changes.count:
        namespace = function.__globals__.get(" namespace")
        known, names = Changes.count, procedure.unit.call_sites.names_in(procedure.node, namespace)
        procedure.facts["names drawn for"] = known, names
    return names


def _holds_drawing(structure: Structure) -> bool:
    """Whether a primitive that draws is among the values that a structure is made of."""
    if structure.__class__ is str:
        return False
    if structure[0] == "static":
        return id(structure[1].value) in _drawing_functions()
    return any(map(_holds_drawing, structure[2]))

"""The parameters of a recursive part: what its calls change, and what they leave as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from eshkol.xla.conditions import Condition
from eshkol.xla.merging import Joined, Mismatch, Output, merge
from eshkol.xla.parts import as_leaf_array
from eshkol.xla.trees import Structure
from eshkol.xla.witness import Witness, tracer_of


@dataclass(frozen=True)
class Parameters:
    """What a recursive part depends on.

    Attributes:
        structure: of its environment.
        leaves: of the environment at the first call.
        types: for each leaf that calls change its shape and dtype; None for what they leave as
            it is.
    """

    structure: Structure
    leaves: list[Any]
    types: tuple[Any, ...]

    @staticmethod
    def of(condition: Condition, places: list[Any], with_key: bool = False) -> Parameters:
        leaves, structure, _ = condition.environment(places, with_key)
        return Parameters(structure, leaves, (None,) * len(leaves))

    @property
    def varying(self) -> list[Any]:
        """The types of the leaves that calls change."""
        return [kind for kind in self.types if kind is not None]

    def filled(self, arrays: Sequence[Any]) -> list[Any]:
        """All leaves, with these arrays for those that vary."""
        given = iter(arrays)
        pairs = zip(self.leaves, self.types, strict=True)
        return [leaf if kind is None else next(given) for leaf, kind in pairs]

    def widened(self, leaves: list[Any], structure: Structure) -> Parameters | None:
        """Parameters for this environment as well; None if it has another structure."""
        if len(leaves) != len(self.leaves):
            return None
        own = [
            _described(i, leaf if kind is None else kind)
            for i, (leaf, kind) in enumerate(zip(self.leaves, self.types, strict=True))
        ]
        given = [_described(i, leaf) for i, leaf in enumerate(leaves)]
        try:
            merged, joined = merge((self.structure, own), (structure, given))
        except Mismatch:
            return None
        if len(joined) != len(leaves):
            return None
        types = [
            kind
            if kind is None and (leaf.__class__ is not Joined or before is now)
            else type_of(leaf)
            for leaf, kind, before, now in zip(joined, self.types, self.leaves, leaves, strict=True)
        ]
        return Parameters(merged, self.leaves, tuple(types))

    def counts(self, leaves: Sequence[Any]) -> bool:
        """Whether known exact integers differ between this environment and another one's leaves."""
        if len(leaves) != len(self.leaves):
            return False
        known = [(_known(a), _known(b)) for a, b in zip(self.leaves, leaves, strict=True)]
        return any(a.__class__ is int and b.__class__ is int and a != b for a, b in known)

    def operands(self, leaves: Sequence[Any], who: str) -> list[Any]:
        """The leaves that vary as arrays of their types."""
        pairs = zip(leaves, self.types, strict=True)
        return [_array(leaf, kind, who) for leaf, kind in pairs if kind is not None]


def _known(leaf: Any) -> Any:
    return leaf.known if leaf.__class__ is Witness else leaf


def _described(index: int, leaf: Any) -> Any:
    """A leaf as ``merge`` takes it: a number that is known, or what is known of an array."""
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return Output(index, leaf.shape, leaf.dtype)
    array = tracer_of(leaf)
    if not hasattr(array, "dtype"):
        return leaf
    return Output(index, tuple(array.shape), np.dtype(array.dtype))


def type_of(leaf: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)


def _array(leaf: Any, kind: jax.ShapeDtypeStruct, who: str) -> Any:
    array = as_leaf_array(leaf, who)
    return array if array.dtype == kind.dtype else array.astype(kind.dtype)

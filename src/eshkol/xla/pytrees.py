"""Closures as JAX pytrees, for optax, ``jax.tree`` and whoever else knows nothing of Scheme."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax

from eshkol.base.errors import NotAProcedure
from eshkol.datum.write import short_string
from eshkol.xla.leaf_names import structure_names
from eshkol.xla.transforms import differentiable
from eshkol.xla.trees import Structure, flatten, unflatten
from eshkol.xla.witness import Witness


class Shape:
    """What of a tree is not its children.

    Attributes:
        structure: of the whole value.
        indices: of the leaves that are children.
        fixed: all leaves, with None for the children.
    """

    __slots__ = ("fixed", "indices", "structure")

    def __init__(
        self, structure: Structure, indices: tuple[int, ...], fixed: tuple[Any, ...]
    ) -> None:
        self.structure = structure
        self.indices = indices
        self.fixed = fixed

    def __hash__(self) -> int:
        return hash((self.structure, self.indices))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and (
            self.structure == other.structure
            and self.indices == other.indices
            and all(map(_is_same, self.fixed, other.fixed))
        )

    def __repr__(self) -> str:
        return short_string(self.value([None] * len(self.indices)))

    def value(self, children: Sequence[Any]) -> Any:
        """The value with these children."""
        leaves = list(self.fixed)
        for index, child in zip(self.indices, children, strict=True):
            leaves[index] = child
        return unflatten(self.structure, leaves)


def _is_same(a: Any, b: Any) -> bool:
    """Whether two leaves that are no children are equal.

    Arrays of one type are: they belong to the model that the tree was made of. So is a number that
    a program being compiled has as an argument, which can't be compared.
    """
    if a is b or _is_traced(a) or _is_traced(b):
        return True
    if hasattr(a, "dtype") and hasattr(b, "dtype"):
        return a.shape == b.shape and a.dtype == b.dtype
    return a.__class__ is b.__class__ and bool(a == b)


def _is_traced(leaf: Any) -> bool:
    return isinstance(leaf, jax.core.Tracer | Witness)


class Tree:
    """A value as a pytree: its children are the inexact tensors that it captures or holds.

    Captured reals, exact integers and exact tensors are no children; they stay as they are.

    Attributes:
        children: the inexact tensors, in a fixed order.
    """

    __slots__ = ("children", "shape")

    def __init__(self, shape: Shape, children: Sequence[Any]) -> None:
        self.shape = shape
        self.children = children

    @property
    def value(self) -> Any:
        """The value with the children as they are now: a closure for a closure."""
        return self.shape.value(self.children)

    @property
    def names(self) -> list[str]:
        """A name for each child: the variables that lead to it, joined by dots."""
        names = structure_names(self.shape.structure)
        return [names[index] for index in self.shape.indices]

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        value = self.value
        if not callable(value):
            raise NotAProcedure(f"{short_string(value)} is not a procedure")
        return value(*arguments, **options)

    def __repr__(self) -> str:
        return f"#<tree of {self.shape!r}>"


def tree(value: Any) -> Tree:
    """``value`` as a pytree."""
    if isinstance(value, Tree):
        return value
    leaves, structure = flatten(value)
    indices = tuple(differentiable(structure, leaves))
    children = [leaves[index] for index in indices]
    fixed = list(leaves)
    for index in indices:
        fixed[index] = None
    return Tree(Shape(structure, indices, tuple(fixed)), children)


def _flatten(node: Tree) -> tuple[Sequence[Any], Shape]:
    return node.children, node.shape


def _flatten_with_keys(node: Tree) -> tuple[list[tuple[Any, Any]], Shape]:
    keys: Callable[[str], Any] = jax.tree_util.GetAttrKey
    return [(keys(n), c) for n, c in zip(node.names, node.children, strict=True)], node.shape


def _unflatten(shape: Shape, children: Iterable[Any]) -> Tree:
    return Tree(shape, list(children))


jax.tree_util.register_pytree_with_keys(Tree, _flatten_with_keys, _unflatten, _flatten)

"""Values as graphs, whose nodes keep their identity.

A value is a structure and its leaves (``trees``), in which what stands in it twice is told by a
number the second time. In a graph of :class:`Node` a closure, the cell of a captured variable, a
promise, and a place that can be changed are one node each, however many ways lead there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from eshkol.xla.leaving import MADE, Kept
from eshkol.xla.trees import KINDS, Structure

Value = tuple[Structure, list[Any]]
"""A structure and its leaves."""


class Node:
    """A part of a value.

    Attributes:
        tag: that of its structure; of a leaf its kind; ``cell`` for that of a captured variable.
        details: those of its structure; of a leaf the leaf.
        children: its parts. Of a place its contents; then, for each place that it is tied to, the
            condition and that place.
    """

    __slots__ = ("children", "details", "tag")

    def __init__(self, tag: str, details: Any, children: Sequence[Node] = ()) -> None:
        self.tag = tag
        self.details = details
        self.children = children

    @property
    def is_leaf(self) -> bool:
        return self.tag in KINDS

    @property
    def is_told(self) -> bool:
        """Whether a place is told by its details alone."""
        return self.details is not None and self.details.is_told

    @property
    def ties(self) -> Iterator[tuple[Node, Node]]:
        """The conditions and the places that a place is tied to."""
        return zip(self.children[1::2], self.children[2::2], strict=True)

    def has(self, structure: Structure) -> bool:
        """Whether this is known data, given as a structure."""
        return self.tag == structure[0] and self.details == structure[1]


_REFERENCES = {
    "shared": 0,
    "shared-cell": 0,
    "shared-box": 1,
    "shared-variable": 2,
    "shared-place": 3,
}
UNION = "Union"
"""The tag of the structures of unions."""

PLACES = {"box": 1, "variable": 2, "place": 3}


def attach(structure: Structure, leaves: Iterable[Any], has_containers: bool = True) -> Node:
    """The graph of a value; which containers it holds may be left out."""
    return _Attaching(iter(leaves), has_containers).node(structure)


class _Attaching:
    """One pass over a structure, which numbers things as ``flatten`` does."""

    def __init__(self, leaves: Iterator[Any], has_containers: bool) -> None:
        self.leaves = leaves
        self.has_containers = has_containers
        self.known: tuple[list[Node], ...] = ([], [], [], [])

    def node(self, structure: Structure) -> Node:
        if structure.__class__ is str:
            return Node(structure, next(self.leaves))
        tag, details, children = structure
        if tag in _REFERENCES:
            known = self.known[_REFERENCES[tag]]
            return known[details] if details < len(known) else Node(tag, details)
        node = Node(tag, details)
        if tag == "place":
            return self._container(node, children)
        if tag == "closure":
            self.known[0].append(node)
            node.children = [self._cell(child) for child in children]
            return node
        if tag == "promise":
            self.known[0].append(node)
        elif tag in PLACES and not node.is_told:
            self.known[PLACES[tag]].append(node)
        node.children = [self.node(child) for child in children]
        return node

    def _container(self, node: Node, children: Sequence[Structure]) -> Node:
        known, number = self.known[3], len(self.known[3])
        known.append(node)
        node.children = [self.node(child) for child in children]
        if not self.has_containers:
            known[number] = node.children[0]
            return node.children[0]
        present = node.details.present
        node.details = MADE if present is None else Kept(present)
        return node

    def _cell(self, structure: Structure) -> Node:
        if structure[0] == "shared-cell":
            return self.node(structure)
        cell = Node("cell", None)
        self.known[0].append(cell)
        cell.children = (self.node(structure),)
        return cell


def detach(*nodes: Node) -> tuple[tuple[Structure, ...], list[Any]]:
    """The structures of some nodes and the leaves of them all."""
    pass_ = _Detaching()
    return tuple([pass_.structure(node) for node in nodes]), pass_.leaves


class _Detaching:
    def __init__(self) -> None:
        self.leaves: list[Any] = []
        self.numbers: tuple[dict[int, int], ...] = ({}, {}, {}, {})

    def structure(self, node: Node) -> Structure:
        tag = node.tag
        if tag in KINDS:
            self.leaves.append(node.details)
            return tag
        if tag in ("closure", "promise"):
            number = self._number(node, 0)
            if number is not None:
                return ("shared", number, ())
        elif tag == "cell":
            number = self._number(node, 0)
            return self.structure(node.children[0]) if number is None else _cell_reference(number)
        elif tag in PLACES and (tag == "place" or not node.is_told):
            number = self._number(node, PLACES[tag])
            if number is not None:
                return (f"shared-{tag}", number, ())
        return (tag, node.details, tuple([self.structure(child) for child in node.children]))

    def _number(self, node: Node, row: int) -> int | None:
        """The number of a node that was met before."""
        numbers = self.numbers[row]
        count = len(numbers)
        number = numbers.setdefault(id(node), count)
        return None if number == count else number


def _cell_reference(number: int) -> Structure:
    return ("shared-cell", number, ())

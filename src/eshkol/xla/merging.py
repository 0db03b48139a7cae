"""Unifying the values of parts of a program that are alternatives of each other.

Values are unified as graphs (``graphs``), so that places keep their identity: one that was there
before both alternatives is the one that it is; what each alternative has made becomes one place,
whose contents are unified. A place that is one in the first alternative and another in the second
is a new one that is *tied* to both: a traced condition tells where it is the same as each
(``ties``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eshkol.autodiff.plain import to_float
from eshkol.datum.equality import is_eqv
from eshkol.datum.pairs import NIL
from eshkol.datum.values import ABSENT as ABSENT
from eshkol.datum.values import UNSPECIFIED
from eshkol.xla.code_keys import Static
from eshkol.xla.dtypes import BOOL, INT64, result_dtype
from eshkol.xla.graphs import PLACES, UNION, Node, Value, attach, detach
from eshkol.xla.kind_words import leaf_words, words_of
from eshkol.xla.leaving import CHOSEN, MADE
from eshkol.xla.trees import BUFFER, EXACT, REAL, TENSOR, TRUTH, Structure
from eshkol.xla.witness import Witness


class Bottom:
    """The value of what never gives one, since it raises; it unifies with any other."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"


BOTTOM = Bottom()
ABSENT_STRUCTURE = ("static", Static(ABSENT), ())
BOTTOM_STRUCTURE = ("static", Static(BOTTOM), ())
FALSE_STRUCTURE = ("static", Static(False), ())
_UNSPECIFIED = ("static", Static(UNSPECIFIED), ())
_EMPTY = ("static", Static(NIL), ())


class Mismatch(Exception):
    """Two alternatives have values that no program can treat as one."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")
        self.first = first
        self.second = second


# ---- leaves


@dataclass(frozen=True)
class Output:
    """A leaf that the part computes: its index among the jaxpr's results, shape and dtype.

    Of an exact leaf that is known as well, ``witness`` is what was known inside of the part.
    """

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype
    witness: Witness | None = None


@dataclass(frozen=True)
class Joined:
    """A leaf of the unified value: how each alternative makes it."""

    first: Any
    second: Any
    shape: tuple[int, ...]
    dtype: np.dtype


class _Zero:
    """Stands for any value of an alternative that has none."""


ZERO = _Zero()


@dataclass(frozen=True)
class Renumbered:
    """The tag of a union, by the numbers that its alternatives have in a larger one."""

    tag: Output
    table: tuple[int, ...]


def leaf_type(leaf: Any) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and dtype of a leaf; a number has rank 0 and 64 bits."""
    if isinstance(leaf, Output | Joined):
        return leaf.shape, leaf.dtype
    if leaf.__class__ is bool:
        return (), BOOL
    return (), INT64 if leaf.__class__ is int else result_dtype((leaf,))


def joined_type(a: Any, b: Any) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and dtype of a leaf that is one of two."""
    (first, second) = leaf_type(a), leaf_type(b)
    if first[0] != second[0] or (first[1] == BOOL) != (second[1] == BOOL):
        raise Mismatch(leaf_words(a), leaf_words(b))
    if first[1] == second[1]:
        return first
    zeros = [np.zeros(shape, dtype) for shape, dtype in (first, second)]
    return first[0], result_dtype(zeros)


def _with_leaves(a: Node, b: Node) -> tuple[Node, Node]:
    """Two nodes; rationals and long integers are leaves beside other numbers.

    They are part of a structure where they stay what they are, since no array holds them exactly.
    """
    first, second = _is_exact(a), _is_exact(b)
    if not (first or second) or (first and second and a.details == b.details):
        return a, b
    if not ((first or a.is_leaf) and (second or b.is_leaf)):
        return a, b
    return (
        Node(REAL, to_float(a.details.value)) if first else a,
        Node(REAL, to_float(b.details.value)) if second else b,
    )


def _is_exact(node: Node) -> bool:
    return node.tag == "static" and node.details.is_exact


def _sided(leaf: Any, side: int) -> Joined:
    """A leaf that only the alternative ``side`` has."""
    one, other = (ZERO, leaf) if side else (leaf, ZERO)
    return Joined(one, other, *leaf_type(leaf))


# ---- unifying


def merge(
    first: Value,
    second: Value,
    is_growing: bool = False,
    is_exact: bool = False,
    mixes: bool = False,
    begins_empty: bool = False,
) -> tuple[Structure, list[Any]]:
    """Unify two values, given as structures and leaves.

    Args:
        first: one of them.
        second: the other one.
        is_growing: whether the second comes of the first again and again, so that a list that is
            not empty any more is one that grows.
        begins_empty: whether of the lists that one value may be, it may nevertheless be the empty
            one at first and one of another length later.
        is_exact: whether what stands once in one of them must stand once in the other.
        mixes: whether values of any two kinds have a union, as a number and a list.

    Returns:
        The structure of the unified value and its leaves: a number that both share, or a
        :class:`Joined`.

    Raises:
        Mismatch: naming what differs.
    """
    merging = _Merging(is_growing, is_exact, mixes, begins_empty)
    graphs = [attach(*value, has_containers=not is_growing) for value in (first, second)]
    (structure,), leaves = detach(merging.visit(*graphs))
    return structure, leaves


def mismatched(
    first: tuple[Sequence[Structure], list[Any]],
    second: tuple[Sequence[Structure], list[Any]],
    is_growing: bool = False,
) -> int | None:
    """Of two rows of values, the index of the first pair that can't be unified."""
    merging = _Merging(is_growing)
    rows = [
        attach(("tuple", None, tuple(row)), leaves, not is_growing).children
        for row, leaves in (first, second)
    ]
    for index, pair in enumerate(zip(*rows, strict=False)):
        try:
            merging.visit(*pair)
        except Mismatch:
            return index
    return None


class _Merging:
    """Two graphs becoming one.

    Attributes:
        is_strict: whether different kinds are no union, unless they were one before.
        pairs: the results for pairs of closures, cells and places, by their identities.
        bound: for both sides the result of each place that was made there.
        partners: for both sides whose partner a closure or cell is, if that must be one.
    """

    def __init__(
        self,
        is_growing: bool = False,
        is_exact: bool = False,
        mixes: bool = False,
        begins_empty: bool = False,
    ) -> None:
        self.mixes = mixes
        self.is_strict = False
        self.is_growing = is_growing
        self.begins_empty = begins_empty
        self.is_exact = is_exact
        self.pairs: dict[tuple[int, int], Node] = {}
        self.bound: tuple[dict[int, Node], ...] = ({}, {})
        self.partners: tuple[dict[int, int], ...] = ({}, {})

    def visit(self, a: Node, b: Node) -> Node:
        known = self.pairs.get((id(a), id(b)))
        if known is not None:
            return known
        if (a.tag == BUFFER[0]) != (b.tag == BUFFER[0]):
            # What may be trained or not is a tensor like any other.
            a, b = (side.children[0] if side.tag == BUFFER[0] else side for side in (a, b))
        a, b = _with_leaves(a, b)
        if a.is_leaf and b.is_leaf:
            return self._leaf(a, b)
        alone = self._alone(a, b)
        if alone is not None:
            return alone
        if a.has(_UNSPECIFIED) or b.has(_UNSPECIFIED):
            return self._unspecified(a, b)
        if a.tag == b.tag and a.tag in PLACES:
            if self.mixes and _hold_different_kinds(a, b):
                return self._union(a, b)
            return self._place(a, b)
        if a.tag == b.tag == "promise":
            return self._promise(a, b)
        if (a.is_leaf and b.has(FALSE_STRUCTURE)) or (b.is_leaf and a.has(FALSE_STRUCTURE)):
            return self._false(a, b)
        if (
            a.is_leaf
            or b.is_leaf
            or UNION in (a.tag, b.tag)
            or a.tag != b.tag
            or a.details != b.details
            or len(a.children) != len(b.children)
        ):
            return self._union(a, b)
        result = Node(a.tag, a.details)
        if a.tag in ("closure", "cell"):
            self._pair(a, b, result)
        pairs = zip(a.children, b.children, strict=True)
        result.children = [self.visit(one, other) for one, other in pairs]
        return result

    def _pair(self, a: Node, b: Node, result: Node) -> None:
        """Remember the result for two nodes."""
        self.pairs[id(a), id(b)] = result
        if self.is_exact:
            partner = self.partners[0].setdefault(id(a), id(b))
            other = self.partners[1].setdefault(id(b), id(a))
            if (partner, other) != (id(b), id(a)):
                raise Mismatch(words_of(a), words_of(b))

    def _alone(self, a: Node, b: Node) -> Node | None:
        """The result where one alternative has no value."""
        if b.has(ABSENT_STRUCTURE) or b.has(BOTTOM_STRUCTURE):
            return self._one_sided(a, 0, keeps_known=True)
        if a.has(ABSENT_STRUCTURE) or a.has(BOTTOM_STRUCTURE):
            return self._one_sided(b, 1, keeps_known=True)
        return None

    def _leaf(self, a: Node, b: Node) -> Node:
        first, second = a.details, b.details
        is_known = not isinstance(first, Output) and not isinstance(second, Output)
        if is_known and is_eqv(first, second):
            return Node(a.tag, first)
        if (isinstance(first, bool) or isinstance(second, bool)) and (
            (leaf_type(first)[1] == BOOL) != (leaf_type(second)[1] == BOOL)
        ):
            return self._union(a, b)
        joined = Joined(first, second, *joined_type(first, second))
        return Node(a.tag if a.tag == b.tag else TENSOR, joined)

    def _false(self, a: Node, b: Node) -> Node:
        """A leaf, and #f that is none: a boolean or a union."""
        leaf = (a if a.is_leaf else b).details
        if leaf_type(leaf) == ((), BOOL):
            one, other = (leaf, False) if a.is_leaf else (False, leaf)
            return Node(TRUTH, Joined(one, other, (), BOOL))
        tensor = Node(TENSOR, leaf)
        return self._union(tensor, b) if a.is_leaf else self._union(a, tensor)

    def _unspecified(self, a: Node, b: Node) -> Node:
        """The unspecified value, and something else: unspecified where that is no union."""
        if a.has(_UNSPECIFIED) and b.has(_UNSPECIFIED):
            return Node(*_UNSPECIFIED)
        try:
            return self._union(a, b)
        except Mismatch:
            if self.is_strict:
                raise
            return Node(*_UNSPECIFIED)

    # ---- places

    def _place(self, a: Node, b: Node) -> Node:
        if a.details == b.details and (a.details is None or a.is_told):
            result = Node(a.tag, a.details)
            self._pair(a, b, result)
            contents = a.tag != "place" and min(len(a.children), len(b.children))
            result.children = [self.visit(a.children[0], b.children[0])] if contents else []
            return result
        result = Node(a.tag, MADE)
        self._pair(a, b, result)
        ties: dict[Any, list[Any]] = {}
        for side, place in enumerate((a, b)):
            for condition, target in self._origins(place, side, result):
                ties.setdefault(_identity(target), [False, False, target])[side] = condition
        if all(any(tie[side] is True for tie in ties.values()) for side in (0, 1)):
            result.details = CHOSEN
        children = [self.visit(a.children[0], b.children[0])]
        for first, second, target in ties.values():
            children += [_condition(first, second), target]
        result.children = children
        return result

    def _promise(self, a: Node, b: Node) -> Node:
        """A promise that was there before stays the one it is; of others one is made."""
        is_same = a.details == b.details
        result = Node(a.tag, a.details if is_same else MADE)
        self._pair(a, b, result)
        if not (is_same and a.is_told):
            pairs = zip(a.children, b.children, strict=True)
            result.children = [self.visit(one, other) for one, other in pairs]
        return result

    def _origins(self, place: Node, side: int, result: Node) -> list[tuple[Any, Node]]:
        """What ``result`` is the same as where the program goes this side, and in which cases."""
        if place.is_told:
            return [(True, _reference(place))]
        known = self.bound[side].get(id(place))
        if known is not None:
            return [(True, known)]
        self.bound[side][id(place)] = result
        return [(test.details, self._image(target, side)) for test, target in place.ties]

    def _image(self, place: Node, side: int) -> Node:
        """The place of the result that one of a side is."""
        return _reference(place) if place.is_told else self._one_sided(place, side)

    def _one_sided(self, node: Node, side: int, keeps_known: bool = False) -> Node:
        """The value of an alternative, where the other has none."""
        if node.is_leaf:
            is_kept = keeps_known and not isinstance(node.details, Output)
            return Node(node.tag, node.details if is_kept else _sided(node.details, side))
        known = self.bound[side].get(id(node))
        if known is not None:
            return known
        result = Node(node.tag, node.details)
        is_identity = node.tag in ("closure", "cell", "promise") or (
            node.tag in PLACES and not node.is_told
        )
        if is_identity:
            self.bound[side][id(node)] = result
        children = node.children
        result.children = [self._one_sided(child, side, keeps_known) for child in children]
        return result

    # ---- alternatives of different kinds

    def _union(self, a: Node, b: Node) -> Node:
        """A union of two values that are of different kinds, or unions themselves.

        Raises:
            Mismatch: a program can't tell them apart in any use; or they are unions of unions, and
                so on, or many: each level may double what is compiled.
        """
        (own, tag), (others, other_tag) = _alternatives(a), _alternatives(b)
        may_be_one = a.tag == b.tag == UNION if self.is_strict else self._are_kinds(own, others)
        if not may_be_one or max(map(_levels, [*own, *others])) == MOST_LEVELS:
            raise Mismatch(words_of(a), words_of(b))
        table: list[int] = []
        merged: list[Node | None] = [None] * len(own)
        for node in others:
            place, both = self._fitting(own, node)
            if both is not None:
                merged[place] = both
            elif self.is_strict:
                raise Mismatch(words_of(a), words_of(b))
            else:
                merged.append(self._one_sided(node, 1))
            table.append(len(merged) - 1 if both is None else place)
        alternatives = [
            self._one_sided(own[index], 0) if both is None else both
            for index, both in enumerate(merged)
        ]
        if _leaf_count(alternatives) > MOST_LEAVES:
            also = "together of more kinds than a program can tell apart"
            raise Mismatch(words_of(a), f"{words_of(b)}, {also}")
        joined = Joined(tag, _renumbered(other_tag, table), (), INT64)
        return Node(UNION, None, [Node(EXACT, joined), *alternatives])

    def _are_kinds(self, own: list[Node], others: list[Node]) -> bool:
        """Whether a program can tell these apart by what they are, and may want to.

        Those are procedures and known data, in loops beside numbers and tensors; ``#f``, ``()``
        and what nobody specified stand beside anything.
        """
        nodes = [*own, *others]
        if self.mixes:
            return not any(node.tag in _ASIDE for node in nodes)
        if self.is_growing and _may_grow(own, others, self.begins_empty):
            return False
        may_be_leaves = self.is_growing
        return any(map(_is_nothing, nodes)) or all(
            _is_known(node) or (may_be_leaves and node.is_leaf) for node in nodes
        )

    def _fitting(self, own: list[Node], other: Node) -> tuple[int, Node | None]:
        """The place among ``own`` of a value of the same kind, and both unified."""
        growing, strict = self.is_growing, self.is_strict
        for place, node in enumerate(own):
            saved = self.pairs, self.bound, self.partners
            self.pairs = dict(self.pairs)
            self.bound = (dict(self.bound[0]), dict(self.bound[1]))
            self.partners = (dict(self.partners[0]), dict(self.partners[1]))
            self.is_strict, self.is_growing = True, False
            try:
                return place, self.visit(node, other)
            except Mismatch:
                self.pairs, self.bound, self.partners = saved
            finally:
                self.is_strict, self.is_growing = strict, growing
        return 0, None


def _identity(place: Node) -> Any:
    return place.details if place.is_told else id(place)


def _reference(place: Node) -> Node:
    """A place that is told, without its contents."""
    return Node(place.tag, place.details)


def _condition(first: Any, second: Any) -> Node:
    """The leaf of a condition for a tie."""
    if not isinstance(first, Output) and not isinstance(second, Output) and first is second:
        return Node(TENSOR, first)
    return Node(TENSOR, Joined(first, second, (), BOOL))


def _renumbered(tag: Any, table: list[int]) -> Any:
    if not isinstance(tag, Output):
        return table[tag]
    return tag if table == list(range(len(table))) else Renumbered(tag, tuple(table))


def _alternatives(node: Node) -> tuple[list[Node], Any]:
    """The alternatives that a value has, itself if it is no union, and its tag."""
    if node.is_leaf and node.details is False:
        return [Node(*FALSE_STRUCTURE)], 0
    if node.tag != UNION:
        return [node], 0
    tag, *alternatives = node.children
    return alternatives, tag.details


MOST_LEVELS = 8
"""So deep unions may stand in one another."""


MOST_LEAVES = 2_000
"""The alternatives of a union that branches give hold so many numbers and tensors."""


def _leaf_count(nodes: list[Node]) -> int:
    """How many leaves are in the nodes, as far as that is of interest."""
    count, waiting, met = 0, list(nodes), set()
    while waiting and count <= MOST_LEAVES:
        node = waiting.pop()
        if id(node) not in met:
            met.add(id(node))
            count += node.is_leaf
            waiting += node.children
    return count


def _levels(node: Node, met: dict[int, int] | None = None) -> int:
    """How deep unions stand in one another; ``met`` are the nodes that were asked before."""
    levels = {} if met is None else met
    if id(node) not in levels:
        levels[id(node)] = 0  # in itself it counts nothing
        inner = max((_levels(child, levels) for child in node.children), default=0)
        levels[id(node)] = inner + (node.tag == UNION)
    return levels[id(node)]


def _may_grow(own: list[Node], others: list[Node], begins_empty: bool) -> bool:
    """Whether there are lists of several lengths; ``#f`` is none.

    With ``begins_empty``, that of the value at first may be 0.
    """
    lists = [n for n in (*own, *others) if n.tag in ("list", "dotted") or n.has(_EMPTY)]
    kinds = {(node.tag, len(node.children)) for node in lists}
    is_empty = begins_empty and any(node.has(_EMPTY) for node in own)
    return len(kinds) > 1 + is_empty


_ASIDE = ("values", "variable", "box", "cell", "dict", BUFFER[0])
"""What is no value that a program can ask for its kind."""


def _hold_different_kinds(a: Node, b: Node) -> bool:
    """Whether two containers can't be one place, since one is a list, say, and one a record."""
    if a.tag != "place" or (a.is_told and a.details == b.details):
        return False
    one, other = a.children[0], b.children[0]
    return (one.tag, one.details, len(one.children)) != (
        other.tag,
        other.details,
        len(other.children),
    )


def _is_nothing(node: Node) -> bool:
    return any(map(node.has, (FALSE_STRUCTURE, _EMPTY, _UNSPECIFIED)))


def _is_known(node: Node) -> bool:
    return node.tag in ("static", "closure", "wrapped")

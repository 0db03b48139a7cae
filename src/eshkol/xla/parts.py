"""The parts of a program that were traced apart: a branch, a loop's body.

A :class:`Part` is the jaxpr of its traced results, the structure of its value, and the numbers in
it that are known while tracing (``extents`` traces them). :func:`merge` unifies the values of parts
that are alternatives of each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.base.errors import StagingError
from eshkol.datum.equality import is_eqv
from eshkol.datum.pairs import NIL
from eshkol.datum.values import UNSPECIFIED
from eshkol.xla._compat import ClosedJaxpr
from eshkol.xla._compat_traces import inline
from eshkol.xla.code_keys import Static
from eshkol.xla.dtypes import BOOL, FLOAT64, INT64, result_dtype
from eshkol.xla.journal import Copied
from eshkol.xla.tensors import describe
from eshkol.xla.trees import BUFFER, EXACT, TENSOR, TRUTH, Structure
from eshkol.xla.witness import Source, Witness, tracer_of


class Absent:
    """A value that is not there yet; it unifies with any other."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"


class Bottom:
    """The value of what never gives one, since it raises; it unifies with any other."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()
BOTTOM = Bottom()
ABSENT_STRUCTURE = ("static", Static(ABSENT), ())
BOTTOM_STRUCTURE = ("static", Static(BOTTOM), ())
_UNSPECIFIED = ("static", Static(UNSPECIFIED), ())
FALSE_STRUCTURE = ("static", Static(False), ())
_EMPTY = ("static", Static(NIL), ())


@dataclass(frozen=True)
class Output:
    """A leaf that the part computes: its index among the jaxpr's results, shape and dtype.

    Of an exact leaf that is known as well, ``witness`` is what was known inside of the part.
    """

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype
    witness: Witness | None = None


@dataclass
class Part:
    """A part of a program, traced apart.

    Attributes:
        jaxpr: computes the leaves that are arrays; constants include tracers from outside.
        structure: the structure of ``(value, contents of the places written, exits)``, of which
            an exit is whether it is taken and its value.
        leaves: for each leaf an ``Output``, or the number that it is.
        written: the places outside of the part that it writes.
        targets: where its exits lead.
    """

    jaxpr: ClosedJaxpr
    structure: Structure
    leaves: list[Any]
    written: list[Any]
    targets: list[Any]

    def run(self, *arrays: Any) -> list[Any]:
        """The jaxpr's results; to be called under a trace."""
        return inline(self.jaxpr, arrays)

    @property
    def result(self) -> tuple[Structure, list[Any]]:
        """Structure and leaves of ``(value, contents of the places written)``."""
        *others, exits = self.structure[2]
        return ("tuple", None, tuple(others)), self.leaves[: -leaf_count(exits) or None]

    @property
    def exits(self) -> tuple[Structure, list[Any]]:
        """Structure and leaves of the exits."""
        exits = self.structure[2][-1]
        return exits, self.leaves[len(self.leaves) - leaf_count(exits) :]

    def keeping(self, kept: Sequence[bool]) -> Part:
        """The part without the contents of those places written that are not ``kept``."""
        value, (tag, details, contents), exits = self.structure[2]
        given = iter(self.leaves)
        leaves = list(_take(value, given))
        for content, flag in zip(contents, kept, strict=True):
            taken = list(_take(content, given))
            leaves += taken if flag else []
        remaining = (tag, details, tuple(itertools.compress(contents, kept)))
        return replace(
            self,
            structure=("tuple", None, (value, remaining, exits)),
            leaves=[*leaves, *given],
            written=list(itertools.compress(self.written, kept)),
        )

    def with_targets(self, targets: list[Any]) -> Part:
        """The part with exits to all of ``targets``, which begin with its own."""
        missing = len(targets) - len(self.targets)
        *others, (tag, details, exits) = self.structure[2]
        never = ("tuple", None, (TRUTH, ABSENT_STRUCTURE))
        structure = ("tuple", None, (*others, (tag, details, exits + (never,) * missing)))
        return replace(
            self, structure=structure, leaves=self.leaves + [False] * missing, targets=targets
        )


def leaf_count(structure: Structure) -> int:
    """How many leaves a value of this structure has."""
    return 1 if structure.__class__ is str else sum(map(leaf_count, structure[2]))


# ---- unifying


class Mismatch(Exception):
    """Two alternatives have values that no program can treat as one."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")
        self.first = first
        self.second = second


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


def merge(
    first: tuple[Structure, list[Any]],
    second: tuple[Structure, list[Any]],
    is_growing: bool = False,
) -> tuple[Structure, list[Any]]:
    """Unify two values, given as structures and leaves.

    Args:
        first: one of them.
        second: the other one.
        is_growing: whether the second comes of the first again and again, so that a list that is
            not empty any more is one that grows.

    Returns:
        The structure of the unified value and its leaves: a number that both share, or a
        :class:`Joined`.

    Raises:
        Mismatch: naming what differs.
    """
    merging = _Merging(iter(first[1]), iter(second[1]), is_growing=is_growing)
    structure = merging.visit(first[0], second[0])
    return structure, merging.leaves


def mismatched(
    first: tuple[Sequence[Structure], list[Any]],
    second: tuple[Sequence[Structure], list[Any]],
    is_growing: bool = False,
) -> int | None:
    """Of two rows of values, the index of the first pair that can't be unified."""
    ends = iter(first[1]), iter(second[1])
    for index, pair in enumerate(zip(first[0], second[0], strict=False)):
        taken = [list(_take(s, leaves)) for s, leaves in zip(pair, ends, strict=True)]
        try:
            merge((pair[0], taken[0]), (pair[1], taken[1]), is_growing)
        except Mismatch:
            return index
    return None


class _Merging:
    def __init__(
        self,
        first: Iterator[Any],
        second: Iterator[Any],
        is_strict: bool = False,
        is_growing: bool = False,
    ) -> None:
        self.first = first
        self.second = second
        self.is_strict = is_strict
        self.is_growing = is_growing
        self.leaves: list[Any] = []

    def visit(self, first: Structure, second: Structure) -> Structure:
        if (first == BUFFER) != (second == BUFFER):
            # What may be trained or not is a tensor like any other.
            first, second = (TENSOR if side == BUFFER else side for side in (first, second))
        first_leaf, second_leaf = first.__class__ is str, second.__class__ is str
        if first_leaf and second_leaf:
            return self._leaf(first, second)
        if second == ABSENT_STRUCTURE:
            return self._one_side(first, self.first, is_first=True)
        if first == ABSENT_STRUCTURE:
            return self._one_side(second, self.second, is_first=False)
        if second == BOTTOM_STRUCTURE:
            return self._other_side(first, self.first, is_first=True)
        if first == BOTTOM_STRUCTURE:
            return self._other_side(second, self.second, is_first=False)
        if _UNSPECIFIED in (first, second):
            _skip(first, self.first)
            _skip(second, self.second)
            return _UNSPECIFIED
        if first[0] == second[0] and first[0] in ("box", "variable"):
            details = first[1] if first[1] == second[1] else Copied()
            return (first[0], details, (self.visit(first[2][0], second[2][0]),))
        if (first_leaf and second == FALSE_STRUCTURE) or (second_leaf and first == FALSE_STRUCTURE):
            return self._false(first, second)
        if (
            first_leaf
            or second_leaf
            or UNION in (first[0], second[0])
            or first[0] != second[0]
            or first[1] != second[1]
            or len(first[2]) != len(second[2])
        ):
            one = first, list(_take(first, self.first))
            return self._union(one, (second, list(_take(second, self.second))))
        children = zip(first[2], second[2], strict=True)
        return (first[0], first[1], tuple(self.visit(a, b) for a, b in children))

    def _leaf(self, first: str, second: str) -> str:
        a, b = next(self.first), next(self.second)
        if not isinstance(a, Output) and not isinstance(b, Output) and is_eqv(a, b):
            self.leaves.append(a)
            return first
        if (a is False or b is False) and (leaf_type(a)[1] == BOOL) != (leaf_type(b)[1] == BOOL):
            return self._union((first, [a]), (second, [b]))
        shape, dtype = joined_type(a, b)
        self.leaves.append(Joined(a, b, shape, dtype))
        return first if first == second else "tensor"

    def _false(self, first: Structure, second: Structure) -> Structure:
        """A leaf, and #f that is none: a boolean or a union."""
        is_first = first.__class__ is str
        leaf = next(self.first if is_first else self.second)
        if leaf_type(leaf) == ((), BOOL):
            one, other = (leaf, False) if is_first else (False, leaf)
            self.leaves.append(Joined(one, other, (), BOOL))
            return TRUTH
        known: Value = (FALSE_STRUCTURE, [])
        value: Value = (TENSOR, [leaf])
        return self._union(value, known) if is_first else self._union(known, value)

    def _union(self, first: Value, second: Value) -> Structure:
        """A union of two values that are of different kinds, or unions themselves.

        Raises:
            Mismatch: a program can't tell them apart in any use.
        """
        (own, tag), (others, other_tag) = _alternatives(first), _alternatives(second)
        if self.is_strict or not _are_kinds([*own, *others], self.is_growing):
            raise Mismatch(_words(first[0], iter(first[1])), _words(second[0], iter(second[1])))
        table: list[int] = []
        merged: list[Value] = [_one_sided(value, is_first=True) for value in own]
        for value in others:
            place, both = _fitting(own, value)
            if both is None:
                merged.append(_one_sided(value, is_first=False))
            else:
                merged[place] = both
            table.append(len(merged) - 1 if both is None else place)
        self.leaves.append(Joined(tag, _renumbered(other_tag, table), (), INT64))
        for _, leaves in merged:
            self.leaves += leaves
        return (UNION, None, (EXACT, *(structure for structure, _ in merged)))

    def _other_side(self, structure: Structure, leaves: Iterator[Any], is_first: bool) -> Structure:
        """The value of the alternative that has one, where the other never ends."""
        for leaf in _take(structure, leaves):
            if isinstance(leaf, Output):
                one, other = (leaf, ZERO) if is_first else (ZERO, leaf)
                leaf = Joined(one, other, leaf.shape, leaf.dtype)
            self.leaves.append(leaf)
        return structure

    def _one_side(self, structure: Structure, leaves: Iterator[Any], is_first: bool) -> Structure:
        for leaf in _take(structure, leaves):
            shape, dtype = leaf_type(leaf)
            one, other = (leaf, ZERO) if is_first else (ZERO, leaf)
            self.leaves.append(Joined(one, other, shape, dtype))
        return structure


# ---- alternatives of different kinds

UNION = "Union"
"""The tag of the structures of unions."""

Value = tuple[Structure, list[Any]]


@dataclass(frozen=True)
class Renumbered:
    """The tag of a union, by the numbers that its alternatives have in a larger one."""

    tag: Output
    table: tuple[int, ...]


def _renumbered(tag: Any, table: list[int]) -> Any:
    if not isinstance(tag, Output):
        return table[tag]
    return tag if table == list(range(len(table))) else Renumbered(tag, tuple(table))


def _alternatives(value: Value) -> tuple[list[Value], Any]:
    """The alternatives that a value has, itself if it is no union, and its tag."""
    structure, leaves = value
    if structure.__class__ is str and leaves[0] is False:
        return [(FALSE_STRUCTURE, [])], 0
    if structure.__class__ is str or structure[0] != UNION:
        return [value], 0
    tag, *rest = leaves
    given = iter(rest)
    return [(child, list(_take(child, given))) for child in structure[2][1:]], tag


def _are_kinds(values: list[Value], is_growing: bool) -> bool:
    """Whether a program can tell these apart by what they are, and may want to.

    Those are procedures and known data; ``#f`` and ``()`` stand beside anything.
    """
    if any(_has_shared(structure) for structure, _ in values):
        return False
    others = [value for value in values if not _is_nothing(value)]
    if is_growing and any(structure[0] in ("list", "dotted") for structure, _ in others):
        return False
    return len(others) < len(values) or all(map(_is_known, others))


def _is_nothing(value: Value) -> bool:
    structure, _ = value
    return structure in (FALSE_STRUCTURE, _EMPTY)


def _is_known(value: Value) -> bool:
    structure, _ = value
    return structure.__class__ is not str and structure[0] in ("static", "closure", "wrapped")


def refers_back(
    structure: Structure, tags: Sequence[str] = ("shared", "shared-cell", "shared-variable")
) -> bool:
    """Whether a part of a value is one that was met before, which is told by its number."""
    if structure.__class__ is str:
        return False
    return structure[0] in tags or any(refers_back(child, tags) for child in structure[2])


def _has_shared(structure: Structure) -> bool:
    """Whether a value refers to what was met before, which it can't where it may not be there."""
    if structure.__class__ is str:
        return False
    tag, details, children = structure
    if tag == "variable":
        return details is None or not details.is_told
    return tag in _TOLD_BY_NUMBER or any(map(_has_shared, children))


_TOLD_BY_NUMBER = ("shared", "shared-cell", "shared-variable", "box")


def _fitting(own: list[Value], value: Value) -> tuple[int, Value | None]:
    """The place among ``own`` of a value of the same kind, and both unified."""
    for place, (structure, leaves) in enumerate(own):
        merging = _Merging(iter(leaves), iter(value[1]), is_strict=True)
        try:
            return place, (merging.visit(structure, value[0]), merging.leaves)
        except Mismatch:
            continue
    return 0, None


def _one_sided(value: Value, is_first: bool) -> Value:
    structure, leaves = value
    merging = _Merging(iter(()), iter(()))
    merging._one_side(structure, iter(leaves), is_first)
    return structure, merging.leaves


def _take(structure: Structure, leaves: Iterator[Any]) -> Iterator[Any]:
    if structure.__class__ is str:
        yield next(leaves)
    else:
        for child in structure[2]:
            yield from _take(child, leaves)


def _skip(structure: Structure, leaves: Iterator[Any]) -> None:
    for _ in _take(structure, leaves):
        pass


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
        raise Mismatch(_leaf_words(a), _leaf_words(b))
    if first[1] == second[1]:
        return first
    zeros = [np.zeros(shape, dtype) for shape, dtype in (first, second)]
    return first[0], result_dtype(zeros)


def _leaf_words(leaf: Any) -> str:
    if isinstance(leaf, Output | Joined):
        shape, dtype = leaf.shape, leaf.dtype
        return describe(jax.ShapeDtypeStruct(shape, dtype)) if shape else _scalar_words(dtype)
    return repr(leaf) if leaf.__class__ is not bool else ("#t" if leaf else "#f")


def _scalar_words(dtype: np.dtype) -> str:
    return {"b": "a boolean", "i": "an exact integer", "u": "an exact integer"}.get(
        dtype.kind, "a number"
    )


def _words(structure: Structure, leaves: Iterator[Any]) -> str:
    """How a message shows a value of this structure."""
    if structure.__class__ is str:
        return _leaf_words(next(leaves))
    tag, details, children = structure
    names = {
        "list": f"a list of {len(children)}",
        "vector": f"a vector of {len(children)}",
        "dotted": "a pair",
        "table": "a hash table",
        "closure": "a procedure",
        "variable": "a variable",
        "values": f"{len(children)} values",
        UNION: f"one of {len(children) - 1} values of different kinds",
    }
    if tag == "record":
        return f"a record of type {details.__scheme_name__}"
    if tag == "static":
        from eshkol.datum.write import short_string

        return short_string(details.value)
    return names.get(tag, f"a {tag}")


def put_together(joined: list[Any], outputs: list[Any], side: str | None = None) -> list[Any]:
    """The leaves of a unified value: numbers as they are, ``Joined`` from ``outputs`` in order."""
    results = iter(outputs)
    return [next(results) if isinstance(leaf, Joined) else leaf for leaf in joined]


def with_witnesses(
    joined: list[Any], outputs: list[Any], side: str, sources: frozenset[Source]
) -> list[Any]:
    """``outputs``, exact ones as witnesses, if it is known that ``side`` is the alternative taken.

    Args:
        joined: the leaves of the unified value.
        outputs: the arrays of those that are ``Joined``.
        side: ``first`` or ``second``.
        sources: what the choice of the side depends on.
    """
    taken = [getattr(leaf, side) for leaf in joined if isinstance(leaf, Joined)]
    return [_witness(*pair, sources) for pair in zip(taken, outputs, strict=True)]


def _witness(source: Any, output: Any, sources: frozenset[Source]) -> Any:
    if isinstance(source, Output) and source.witness is not None:
        sources |= source.witness.sources
        source = source.witness.known
    is_exact = source.__class__ in (int, bool) and output.dtype in (INT64, BOOL)
    return Witness(source, output, sources) if is_exact else output


def make_outputs(leaves: list[Any], side: str, results: list[Any]) -> list[Any]:
    """The arrays for the ``Joined`` leaves from one alternative's results."""
    made = []
    for leaf in leaves:
        if isinstance(leaf, Joined):
            made.append(_make(getattr(leaf, side), leaf, results))
    return made


def _make(source: Any, leaf: Joined, results: list[Any]) -> Any:
    if source is ZERO:
        return jnp.zeros(leaf.shape, leaf.dtype)
    if isinstance(source, Renumbered):
        return jnp.asarray(source.table, leaf.dtype)[results[source.tag.index]]
    if isinstance(source, Output):
        value = results[source.index]
        return value if value.dtype == leaf.dtype else value.astype(leaf.dtype)
    return jnp.asarray(_as_python(source), leaf.dtype)


def _as_python(number: Any) -> Any:
    return float(number) if isinstance(number, Fraction) else number


def array_leaves(leaves: Sequence[Any], who: str) -> list[Any]:
    """The leaves as arrays of the dtypes that a compiled program gives them."""
    return [as_leaf_array(leaf, who) for leaf in leaves]


def as_leaf_array(leaf: Any, who: str) -> Any:
    """A leaf as an array: a float is float64, an exact integer int64, a boolean bool."""
    leaf = tracer_of(leaf)
    if isinstance(leaf, jax.Array):
        return leaf
    if hasattr(leaf, "dtype"):
        return jnp.asarray(leaf)
    if leaf.__class__ is bool:
        return jnp.asarray(leaf, BOOL)
    if leaf.__class__ is int:
        if not -(2**63) <= leaf < 2**63:
            raise StagingError(f"{who}: an exact integer of a compiled program has 64 bits")
        return jnp.asarray(leaf, INT64)
    return jnp.asarray(leaf, FLOAT64 if leaf.__class__ is float else None)

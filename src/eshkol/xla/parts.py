"""The parts of a program that were traced apart: a branch, a loop's body.

A :class:`Part` is the jaxpr of its traced results, the structure of its value, and the numbers in
it that are known while tracing (``extents`` traces them). :func:`merge` unifies the values of parts
that are alternatives of each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr

from eshkol.base.errors import StagingError
from eshkol.datum.equality import is_eqv
from eshkol.datum.values import UNSPECIFIED
from eshkol.xla._compat_traces import inline
from eshkol.xla.code_keys import Static
from eshkol.xla.dtypes import BOOL, FLOAT64, INT64, result_dtype
from eshkol.xla.journal import Copied
from eshkol.xla.tensors import describe
from eshkol.xla.trees import BUFFER, TENSOR, TRUTH, Structure
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
    first: tuple[Structure, list[Any]], second: tuple[Structure, list[Any]]
) -> tuple[Structure, list[Any]]:
    """Unify two values, given as structures and leaves.

    Returns:
        The structure of the unified value and its leaves: a number that both share, or a
        :class:`Joined`.

    Raises:
        Mismatch: naming what differs.
    """
    merging = _Merging(iter(first[1]), iter(second[1]))
    structure = merging.visit(first[0], second[0])
    return structure, merging.leaves


def mismatched(
    first: tuple[Sequence[Structure], list[Any]], second: tuple[Sequence[Structure], list[Any]]
) -> int | None:
    """Of two rows of values, the index of the first pair that can't be unified."""
    ends = iter(first[1]), iter(second[1])
    for index, pair in enumerate(zip(first[0], second[0], strict=False)):
        taken = [list(_take(s, leaves)) for s, leaves in zip(pair, ends, strict=True)]
        try:
            merge((pair[0], taken[0]), (pair[1], taken[1]))
        except Mismatch:
            return index
    return None


class _Merging:
    def __init__(self, first: Iterator[Any], second: Iterator[Any]) -> None:
        self.first = first
        self.second = second
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
        if first_leaf or second_leaf:
            raise Mismatch(_words(first, self.first), _words(second, self.second))
        if first[0] == second[0] == "box":
            details = first[1] if first[1] == second[1] else Copied()
            return ("box", details, (self.visit(first[2][0], second[2][0]),))
        if first[0] != second[0] or first[1] != second[1] or len(first[2]) != len(second[2]):
            raise Mismatch(_words(first, self.first), _words(second, self.second))
        children = zip(first[2], second[2], strict=True)
        return (first[0], first[1], tuple(self.visit(a, b) for a, b in children))

    def _leaf(self, first: str, second: str) -> str:
        a, b = next(self.first), next(self.second)
        if not isinstance(a, Output) and not isinstance(b, Output) and is_eqv(a, b):
            self.leaves.append(a)
            return first
        shape, dtype = joined_type(a, b)
        self.leaves.append(Joined(a, b, shape, dtype))
        return first if first == second else "tensor"

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
        "values": f"{len(children)} values",
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
    if hasattr(leaf, "dtype"):
        return jnp.asarray(leaf)
    if leaf.__class__ is bool:
        return jnp.asarray(leaf, BOOL)
    if leaf.__class__ is int:
        if not -(2**63) <= leaf < 2**63:
            raise StagingError(f"{who}: an exact integer of a compiled program has 64 bits")
        return jnp.asarray(leaf, INT64)
    return jnp.asarray(leaf, FLOAT64 if leaf.__class__ is float else None)

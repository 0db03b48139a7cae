"""The parts of a program that were traced apart: a branch, a loop's body.

A :class:`Part` is the jaxpr of its traced results, the structure of its value, and the numbers in
it that are known while tracing (``extents`` traces them). ``merging`` unifies the values of parts
that are alternatives of each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import StagingError
from eshkol.xla._compat import ClosedJaxpr
from eshkol.xla._compat_traces import inline
from eshkol.xla.dtypes import BOOL, COMPLEX128, FLOAT64, INT64
from eshkol.xla.graphs import Node, Value, attach, detach
from eshkol.xla.merging import ABSENT_STRUCTURE, ZERO, Joined, Output, Renumbered
from eshkol.xla.trees import TRUTH, Structure
from eshkol.xla.witness import Source, Witness, tracer_of


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
    def graph(self) -> Node:
        """All that it ends with."""
        return attach(self.structure, self.leaves)

    def without_containers(self) -> Part:
        """The part, whose containers are new ones whenever its value is made."""
        (structure,), leaves = detach(attach(self.structure, self.leaves, has_containers=False))
        return replace(self, structure=structure, leaves=leaves)

    @property
    def exits(self) -> Value:
        """Structure and leaves of the exits."""
        (structure,), leaves = detach(self.graph.children[-1])
        return structure, leaves

    def keeping(self, kept: Sequence[bool]) -> Part:
        """The part without the contents of those places written that are not ``kept``.

        It forgets these itself, so that what its value holds of them is not there any more.
        """
        self.written[:] = itertools.compress(self.written, kept)
        value, contents, exits = self.graph.children
        contents.children = list(itertools.compress(contents.children, kept))
        (structure,), leaves = detach(Node("tuple", None, [value, contents, exits]))
        return replace(self, structure=structure, leaves=leaves)

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


def _renumbered_tag(tag: Any, table: Sequence[int]) -> Any:
    """The number that a table has for a tag; an array of it would be a constant of the branch."""
    result = tag
    for number, place in enumerate(table):
        result = lax.select(lax.eq(tag, np.int64(number)), np.int64(place), result)
    return result


def _make(source: Any, leaf: Joined, results: list[Any]) -> Any:
    if source is ZERO:
        return jnp.zeros(leaf.shape, leaf.dtype)
    if isinstance(source, Renumbered):
        return _renumbered_tag(results[source.tag.index], source.table)
    if isinstance(source, Output):
        value = results[source.index]
        return value if value.dtype == leaf.dtype else value.astype(leaf.dtype)
    return jnp.asarray(source, leaf.dtype)


def array_leaves(leaves: Sequence[Any], who: str) -> list[Any]:
    """The leaves as arrays of the dtypes that a compiled program gives them."""
    return [as_leaf_array(leaf, who) for leaf in leaves]


def as_leaf_array(leaf: Any, who: str) -> Any:
    """A leaf as an array: a number is one of 64 bits, complex of twice as many, a boolean bool."""
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
    return jnp.asarray(leaf, {float: FLOAT64, complex: COMPLEX128}.get(leaf.__class__))

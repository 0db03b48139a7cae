"""What a compiled program gives: arrays, and the plan to make a value of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.datum.variables import TensorVariable
from eshkol.runtime.draw_paths import Path
from eshkol.xla import journal, key_stream
from eshkol.xla.keys import ProgramSource, Source
from eshkol.xla.straight_line import Constant, Maker, maker
from eshkol.xla.ties import write_tied
from eshkol.xla.trees import TENSOR, Structure, flatten, unflatten
from eshkol.xla.witness import Witness, tracer_of


class Results:
    """The arrays that a compiled program gives, and the plan to make its value of them."""

    __slots__ = ("arrays", "plan")

    def __init__(self, arrays: Any, plan: Plan) -> None:
        self.arrays = arrays
        self.plan = plan

    def value(self, inputs: Sequence[Any]) -> Any:
        """The value of the call that was made with these leaves."""
        arrays, plan = self.arrays, self.plan
        if plan.sites:
            draws: Any = plan.draws
            if draws is None:
                *arrays, draws = arrays
            key_stream.finish(sys._getframe(1), plan.sites, draws)
        if plan.writes:
            count = len(arrays) - len(plan.writes)
            for index, tensor in zip(plan.writes, arrays[count:], strict=True):
                journal.note(inputs[index])
                inputs[index].tensor = tensor
                write_tied("jit", inputs[index])
            arrays = arrays[:count]
        return plan.value(arrays, inputs)


class Passed:
    """A leaf of a result that is a number, or a variable, of the call's input, unchanged."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Plan:
    """The structure of a result, and where its leaves come from.

    A leaf is computed, passed on from the input, or a number known when the program was traced.
    Passing on keeps a number that a model captures what it was: an exact integer that decides a
    shape, a real that is not trained.

    Attributes:
        sites: the paths to random draws.
        draws: how many there are at each; None: another array tells where they are counted now.
        writes: the inputs that are variables and are given the last arrays.
    """

    __slots__ = ("calls", "draws", "leaves", "make", "sites", "structure", "writes")

    def __init__(
        self,
        structure: Structure,
        leaves: list[Any],
        sites: tuple[Path, ...] = (),
        draws: tuple[int, ...] | None = (),
        writes: tuple[int, ...] = (),
    ) -> None:
        self.structure = structure
        self.leaves = leaves
        self.sites = sites
        self.draws = draws
        self.writes = writes
        self.calls = 0
        self.make: Maker | None = None

    def value(self, arrays: Any, inputs: Sequence[Any]) -> Any:
        """The result with these computed arrays, for a call with these inputs."""
        if self.make is not None:
            return self.make(arrays, inputs)
        self.calls += 1
        if self.calls == CALLS_TO_PAY:
            self.make = maker(self.structure, [_origin(leaf) for leaf in self.leaves])
        given = iter(arrays)
        leaves = [
            next(given)
            if leaf is COMPUTED
            else inputs[leaf.index]
            if leaf.__class__ is Passed
            else leaf
            for leaf in self.leaves
        ]
        return unflatten(self.structure, leaves)


COMPUTED = object()
"""A leaf of a plan that is the next array."""

CALLS_TO_PAY = 4
"""After so many calls it pays to write straight-line code for what goes in and out."""


def _origin(leaf: Any) -> Any:
    """Where a leaf of a plan comes from, as ``maker`` wants it."""
    if leaf is COMPUTED:
        return None
    return leaf.index if leaf.__class__ is Passed else Constant(leaf)


jax.tree_util.register_pytree_node(
    Results, lambda r: (r.arrays, r.plan), lambda plan, arrays: Results(arrays, plan)
)


class State:
    """The variables that came into a program that is traced.

    Args:
        leaves: what came in.
        places: the variables, which hold some of these.
    """

    def __init__(self, leaves: Sequence[Any], places: Sequence[TensorVariable]) -> None:
        indices = {id(leaf): index for index, leaf in enumerate(leaves)}
        self.places = [(indices[id(place.tensor)], place) for place in places]
        self.inputs = list(leaves)
        for index, place in self.places:
            self.inputs[index] = place
        self._leaves = leaves

    def indices(self) -> dict[int, int]:
        """Which inputs the variables are, by their identities."""
        return {id(place): index for index, place in self.places}

    def written(self) -> list[tuple[int, Any]]:
        """The inputs that hold another tensor by now, and these tensors."""
        return [
            (index, place.tensor)
            for index, place in self.places
            if place.tensor is not self._leaves[index]
        ]


def results_of(value: Any, numbers: dict[int, int], source: Source, state: State) -> Any:
    """What the traced function returns for ``value``: one array, or :class:`Results`.

    Args:
        value: of the staged procedure.
        numbers: the indices of the inputs that are numbers, by the identities of their leaves.
        source: what it has drawn random numbers from.
        state: the variables that it was given.
    """
    places = state.indices()
    leaves, structure = flatten(value, whole=places)
    numbers = {**numbers, **places}
    arrays: list[Any] = []
    plan: list[Any] = []
    for leaf in leaves:
        if id(leaf) in numbers:
            plan.append(Passed(numbers[id(leaf)]))
            continue
        traced = leaf.__eshkol_traced__ if leaf.__class__ is Witness else leaf
        if hasattr(traced, "dtype"):
            arrays.append(traced)
            plan.append(COMPUTED)
        else:
            plan.append(leaf)
    written = state.written()
    arrays += [tensor for _, tensor in written]
    writes = tuple([index for index, _ in written])
    if not isinstance(source, ProgramSource):
        is_one = structure == TENSOR and arrays and not writes
        return arrays[0] if is_one else Results(arrays, Plan(structure, plan, writes=writes))
    counts = [tracer_of(draws.count[0]) for draws in source.in_order()]
    draws: tuple[int, ...] | None = tuple(counts)
    if any(count.__class__ is not int for count in counts):
        arrays.append(_counted(source.counts, counts))
        draws = None
    return Results(arrays, Plan(structure, plan, tuple(source.sites), draws, writes))


def _counted(before: Any, draws: list[Any]) -> Any:
    """The counts after so many draws."""
    words = [lax.convert_element_type(count, np.uint32) for count in draws]
    rest = jnp.zeros(before.shape[0] - len(words), np.uint32)
    return lax.add(before, jnp.concatenate([jnp.stack(words), rest]))

"""Arrays of which a trip of a loop changes a few places, and how such a trip is taken back.

A trip of a recursion writes one row of its stack; other loops fill a table, or count into one. To
go back through such trips the arrays need not be kept for each: what was in the places before, and
where they are, is enough. Trip by trip it is put back, last first. So going back takes as long for
a stack of 10,000 rows as for one of ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.xla._compat import ClosedJaxpr, JaxprEqn, Literal, evaluate, weakref_lru_cache
from eshkol.xla.place_order import SCATTERS, WRITING, read_first, written_after
from eshkol.xla.sparse_sums import ENTERED, has_primitives

Values = list[Any]

FRACTION = 4
"""What a trip writes into an array is at most one part of so many, else the array is kept."""


PARTS = 64
"""How far into an array was written is told in so many parts of it."""


class Changes:
    """What the trips of a loop change in few places.

    Attributes:
        has_places: which parts of the state are arrays of which a trip changes few places.
        part_sizes: of these arrays, an axis and the length of one of ``PARTS`` parts along it.
        entry_types: of what a trip overwrites, write by write, and of what says where it does.
    """

    def __init__(self, body: ClosedJaxpr, body_nconsts: int) -> None:
        self.body = _opened(body)
        jaxpr = self.body.jaxpr
        makers = {variable: equation for equation in jaxpr.eqns for variable in equation.outvars}
        chains = [
            _writes(before, after, makers)
            for before, after in zip(jaxpr.invars[body_nconsts:], jaxpr.outvars, strict=True)
        ]
        self.has_places = [bool(chain) for chain in chains]
        self.chains = [chain for chain in chains if chain]
        arrays = [x for x, chain in zip(jaxpr.invars[body_nconsts:], chains, strict=True) if chain]
        self.part_sizes = [
            _part_size(array.aval, chain) for array, chain in zip(arrays, self.chains, strict=True)
        ]
        self.writes = [write for chain in self.chains for write in chain]
        self.places = list(dict.fromkeys(x for write in self.writes for x in _places(write)))
        self.entry_types = [_old_type(x) for x in self.writes] + [x.aval for x in self.places]

    @property
    def entry_size(self) -> int:
        """How many bytes say what a trip overwrites."""
        return sum(_size(aval) for aval in self.entry_types)

    def new_entries(self, trips: int) -> Values:
        """Room for what so many trips overwrite."""
        return [jnp.zeros((trips, *aval.shape), aval.dtype) for aval in self.entry_types]

    def advance(
        self, constants: Sequence[Any], state: Sequence[Any], never: Any
    ) -> tuple[Values, Values]:
        """One trip: the state after it, and what it overwrote; ``never`` is false."""
        old: dict[int, Any] = dict.fromkeys(map(id, self.writes))
        after, known = _evaluated(self.body, [*constants, *state], old, never)
        return after, [*old.values(), *(known[variable] for variable in self.places)]

    def advance_reaching(
        self, constants: Sequence[Any], state: Sequence[Any]
    ) -> tuple[Values, Any]:
        """One trip: the state after it, and how far into arrays it wrote, in parts."""
        after, known = _evaluated(self.body, [*constants, *state], {})
        return after, self._reach(known)

    def reach(self, entry: Sequence[Any]) -> Any:
        """How far into arrays a trip wrote, in parts, by what it overwrote."""
        return self._reach(dict(zip(self.places, entry[len(self.writes) :], strict=True)))

    def _reach(self, known: dict[Any, Any]) -> Any:
        reach = jnp.int32(0)
        for (axis, length), chain in zip(self.part_sizes, self.chains, strict=True):
            for write in chain:
                end = _end(write, axis, known)
                reach = jnp.maximum(reach, (end + (length - 1)) // length)
        return reach

    def undone(self, arrays: Sequence[Any], entry: Sequence[Any]) -> Values:
        """The arrays before a trip, from those after it and what it overwrote."""
        count = len(self.writes)
        old = dict(zip(map(id, self.writes), entry[:count], strict=True))
        places = dict(zip(self.places, entry[count:], strict=True))
        before = []
        for array, chain in zip(arrays, self.chains, strict=True):
            for write in reversed(chain):
                array = _put_back(write, array, old[id(write)], places)
            before.append(array)
        return before


@weakref_lru_cache
def changes_of(body: ClosedJaxpr, body_nconsts: int) -> Changes | None:
    """What trips of a loop change in few places, if most of its state is changed so."""
    if not has_primitives(WRITING, body):
        return None
    changes = Changes(body, body_nconsts)
    state = body.in_avals[body_nconsts:]
    size = sum(map(_size, state))
    kept = sum(_size(x) for x, flag in zip(state, changes.has_places, strict=True) if not flag)
    return changes if FRACTION * (kept + changes.entry_size) <= size else None


@weakref_lru_cache
def _opened(body: ClosedJaxpr) -> ClosedJaxpr:
    """The same without calls."""
    return jax.make_jaxpr(lambda *values: _evaluated(body, values, {})[0])(*body.in_avals)


def _evaluated(
    jaxpr: ClosedJaxpr, arguments: Sequence[Any], old: dict[int, Any], never: Any = None
) -> tuple[Values, dict[Any, Any]]:
    """The results, and the values of variables.

    Args:
        jaxpr: a program.
        arguments: of it.
        old: gets what the equations whose numbers it has overwrite.
        never: false, if anything is to be in ``old``.
    """
    known: dict[Any, Any] = dict(zip(jaxpr.jaxpr.constvars, jaxpr.consts, strict=True))
    known |= zip(jaxpr.jaxpr.invars, arguments, strict=True)
    for equation in jaxpr.jaxpr.eqns:
        inputs = [_value(atom, known) for atom in equation.invars]
        if id(equation) in old:
            reads = read_first([_overwritten(equation, inputs)], never)
            [old[id(equation)]] = reads
            inputs = written_after(equation, inputs, reads, never)
        if equation.primitive.name in ENTERED:
            results, _ = _evaluated(equation.params["jaxpr"], inputs, old)
        else:
            results = evaluate(equation, inputs)
        known |= zip(equation.outvars, results, strict=True)
    return [_value(atom, known) for atom in jaxpr.jaxpr.outvars], known


def _value(atom: Any, known: dict[Any, Any]) -> Any:
    return atom.val if isinstance(atom, Literal) else known[atom]


# ---- writes


def _writes(before: Any, after: Any, makers: dict[Any, JaxprEqn]) -> list[JaxprEqn] | None:
    """What changes an array from one variable to another, in order; None if it isn't little."""
    chain: list[JaxprEqn] = []
    variable = after
    while variable is not before:
        equation = None if isinstance(variable, Literal) else makers.get(variable)
        if equation is None or equation.primitive.name not in WRITING:
            return None
        chain.append(equation)
        variable = equation.invars[0]
    if not chain or not isinstance(before.aval.dtype, np.dtype):
        return None
    written = sum(_size(_old_type(equation)) for equation in chain)
    return chain[::-1] if FRACTION * written <= _size(before.aval) else None


def _is_scatter(equation: JaxprEqn) -> bool:
    return equation.primitive.name in SCATTERS


def _size(aval: Any) -> int:
    return aval.size * aval.dtype.itemsize


def _operands(equation: JaxprEqn) -> tuple[Any, list[Any]]:
    """What is written, and the operands that say where."""
    _, *rest = equation.invars
    return (rest[1], rest[:1]) if _is_scatter(equation) else (rest[0], rest[1:])


def _places(equation: JaxprEqn) -> list[Any]:
    return [atom for atom in _operands(equation)[1] if not isinstance(atom, Literal)]


def _old_type(equation: JaxprEqn) -> Any:
    array: Any = equation.invars[0].aval
    return _operands(equation)[0].aval.update(dtype=array.dtype)


def _part_size(array: Any, chain: Sequence[JaxprEqn]) -> tuple[int, int]:
    """The longest axis along which all writes are shorter, and the length of a part along it."""
    shorter = [
        axis
        for axis in range(array.ndim)
        if all(_window(write, axis) < array.shape[axis] for write in chain)
    ]
    axis = max(shorter or range(array.ndim), key=lambda axis: array.shape[axis])
    return axis, -(-array.shape[axis] // PARTS)


def _window(equation: JaxprEqn, axis: int) -> int:
    """How many places along an axis are written together."""
    array: Any = equation.invars[0].aval
    new = _operands(equation)[0].aval
    if not _is_scatter(equation):
        return int(new.shape[axis])
    numbers = equation.params["dimension_numbers"]
    if axis in numbers.operand_batching_dims:
        return int(array.shape[axis])
    return int(_windows(equation, array.ndim, new.shape)[1][axis])


def _end(equation: JaxprEqn, axis: int, known: dict[Any, Any]) -> Any:
    """Behind the last place along an axis that is written, or later."""
    array: Any = equation.invars[0].aval
    window = _window(equation, axis)
    places = [jnp.asarray(_value(atom, known)) for atom in _operands(equation)[1]]
    if not _is_scatter(equation):
        first = places[axis]
    else:
        axes = equation.params["dimension_numbers"].scatter_dims_to_operand_dims
        first = places[0][..., axes.index(axis)] if axis in axes else jnp.int32(0)
    wide = lax.convert_element_type(first, np.dtype("int64"))
    first = lax.clamp(np.int64(0), wide, np.int64(array.shape[axis] - window))
    return jnp.max(lax.convert_element_type(first, np.dtype("int32")), initial=0) + window


def _overwritten(equation: JaxprEqn, inputs: Values) -> Any:
    array, *rest = inputs
    if not _is_scatter(equation):
        return lax.dynamic_slice(array, rest[1:], jnp.shape(rest[0]))
    places, new = rest
    numbers, sizes = _windows(equation, array.ndim, jnp.shape(new))
    return lax.gather(array, places, numbers, sizes, mode=equation.params["mode"])


def _put_back(equation: JaxprEqn, array: Any, old: Any, known: dict[Any, Any]) -> Any:
    places = [_value(atom, known) for atom in _operands(equation)[1]]
    if not _is_scatter(equation):
        return lax.dynamic_update_slice(array, old, places)
    params = equation.params
    return lax.scatter(
        array,
        places[0],
        old,
        params["dimension_numbers"],
        indices_are_sorted=params["indices_are_sorted"],
        unique_indices=params["unique_indices"],
        mode=params["mode"],
    )


def _windows(equation: JaxprEqn, rank: int, shape: Sequence[int]) -> tuple[Any, list[int]]:
    """How what a scatter overwrites is gathered: what its axes are, and sizes of the slices."""
    numbers = equation.params["dimension_numbers"]
    single = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    of_windows = iter(numbers.update_window_dims)
    sizes = [1 if axis in single else shape[next(of_windows)] for axis in range(rank)]
    gathering = lax.GatherDimensionNumbers(
        offset_dims=numbers.update_window_dims,
        collapsed_slice_dims=numbers.inserted_window_dims,
        start_index_map=numbers.scatter_dims_to_operand_dims,
        operand_batching_dims=numbers.operand_batching_dims,
        start_indices_batching_dims=numbers.scatter_indices_batching_dims,
    )
    return gathering, sizes

"""Compiled programs: one for each structure of everything that a staged procedure takes.

An exact integer or boolean is traced and known at once (:mod:`eshkol.xla.witness`); where a trace
uses its value, the value joins the key of what is compiled.
"""

from __future__ import annotations

import itertools
import threading
import warnings
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.autodiff import Differentiable, NeedsTensors
from eshkol.base.errors import SchemeError
from eshkol.datum.values import UNSPECIFIED
from eshkol.runtime.dialects import staged
from eshkol.xla import journal, keys
from eshkol.xla.compilations import REMEMBERED, Compilation
from eshkol.xla.control import staging
from eshkol.xla.dtypes import FLOAT64, INT64, wide
from eshkol.xla.effects import PATH, fail, failures, own_path, settle
from eshkol.xla.globals import LIFTED
from eshkol.xla.keys import Source, drawing_from
from eshkol.xla.leaf_names import argument_names, reach_names, structure_names
from eshkol.xla.notes import NOTES, note_use
from eshkol.xla.parts import Unreachable
from eshkol.xla.reach import may_draw
from eshkol.xla.straight_line import Constant, Maker, maker
from eshkol.xla.trees import (
    EXACT,
    REAL,
    TENSOR,
    TRUTH,
    Structure,
    flatten,
    leaf_kinds,
    unflatten,
)
from eshkol.xla.witness import Source as WitnessSource
from eshkol.xla.witness import Witness, tracer_of

MANY_STATIC_VALUES = 16
"""After so many compilations for values of exact arguments a warning names them."""


class CompilationWarning(UserWarning):
    """A procedure is compiled again and again for different values of an argument."""


# ---- results


class Results:
    """The arrays that a compiled program gives, and the plan to make its value of them."""

    __slots__ = ("arrays", "plan")

    def __init__(self, arrays: Any, plan: Plan) -> None:
        self.arrays = arrays
        self.plan = plan

    def value(self, inputs: Sequence[Any]) -> Any:
        """The value of the call that was made with these leaves."""
        arrays, draws = self.arrays, self.plan.draws
        if draws is None:
            *arrays, draws = arrays
        if draws.__class__ is not int or draws:
            keys.advance(draws)
        return self.plan.value(arrays, inputs)


class Passed:
    """A leaf of a result that is a number of the call's input, unchanged."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Plan:
    """The structure of a result, and where its leaves come from.

    A leaf is computed, passed on from the input, or a number known when the program was traced.
    Passing on keeps a number that a model captures what it was: an exact integer that decides a
    shape, a real that is not trained.
    """

    __slots__ = ("calls", "draws", "leaves", "make", "structure")

    def __init__(self, structure: Structure, leaves: list[Any], draws: int | None) -> None:
        self.structure = structure
        self.leaves = leaves
        self.draws = draws
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
            if leaf is _COMPUTED
            else inputs[leaf.index]
            if leaf.__class__ is Passed
            else leaf
            for leaf in self.leaves
        ]
        return unflatten(self.structure, leaves)


_COMPUTED = object()

CALLS_TO_PAY = 4
"""After so many calls it pays to write straight-line code for what goes in and out."""


def _origin(leaf: Any) -> Any:
    """Where a leaf of a plan comes from, as ``maker`` wants it."""
    if leaf is _COMPUTED:
        return None
    return leaf.index if leaf.__class__ is Passed else Constant(leaf)


jax.tree_util.register_pytree_node(
    Results, lambda r: (r.arrays, r.plan), lambda plan, arrays: Results(arrays, plan)
)


def _results(value: Any, numbers: dict[int, int], draws: Any) -> Any:
    """What the traced function returns for ``value``: one array, or :class:`Results`.

    Args:
        value: of the staged procedure.
        numbers: the indices of the inputs that are numbers, by the identities of their leaves.
        draws: how many random numbers it has drawn.
    """
    leaves, structure = flatten(value)
    arrays: list[Any] = []
    plan: list[Any] = []
    for leaf in leaves:
        if id(leaf) in numbers:
            plan.append(Passed(numbers[id(leaf)]))
            continue
        traced = leaf.__eshkol_traced__ if leaf.__class__ is Witness else leaf
        if hasattr(traced, "dtype"):
            arrays.append(traced)
            plan.append(_COMPUTED)
        else:
            plan.append(leaf)
    if draws.__class__ is not int:
        return Results([*arrays, tracer_of(draws)], Plan(structure, plan, None))
    if structure == TENSOR and arrays and not draws:
        return arrays[0]
    return Results(arrays, Plan(structure, plan, draws))


# ---- programs


class Tracing(threading.local):
    """The values of the call that is being traced in this thread."""

    leaves: Any = None
    used: set[int] | None = None


TRACING = Tracing()


class Program:
    """A procedure compiled for one structure of everything it takes.

    Attributes:
        procedure: the structure of the procedure.
        arguments: the structure of ``(arguments, options)``.
        reach: names and structures of the top-level variables it reads.
        kinds: of all leaves: of the procedure, of the top-level variables, of the arguments.
        statics: the indices of leaves whose values are part of what was compiled.
        variants: the compiled functions by those values.
        baked: top-level variables whose values were compiled in, see :class:`Lifted`.
    """

    def __init__(
        self, name: str, procedure: Structure, arguments: Structure, reach: Structure
    ) -> None:
        self.name = name
        self.procedure = procedure
        self.arguments = arguments
        self.reach = reach
        self.wants_key = may_draw(procedure) or may_draw(arguments) or may_draw(reach)
        kinds = [tuple(leaf_kinds(part)) for part in (procedure, reach, arguments)]
        self.kinds = tuple(itertools.chain(*kinds))
        self.ends = len(kinds[0]), len(kinds[0]) + len(kinds[1])
        self.statics: tuple[int, ...] = ()
        self.variants: dict[tuple[Any, ...], jax.stages.Wrapped] = {}
        self.baked: list[tuple[Any, str, Any]] = []
        self.compilations = 0
        self.history: deque[Compilation] = deque(maxlen=REMEMBERED)
        self.may_fail = False
        self.lock = threading.RLock()

    def run(self, leaves: list[Any], inputs: list[Any]) -> Any:
        """The value of the program.

        Args:
            leaves: what goes in; reals that go in with every call may be arrays already.
            inputs: the same leaves as they were.
        """
        if any(isinstance(leaf, Differentiable) for leaf in leaves):
            raise NeedsTensors
        if NOTES.recorder is not None:
            return self._run_anew(leaves, inputs)
        with self.lock:
            if any(space.variables.get(name) is not value for space, name, value in self.baked):
                self.variants.clear()
                self.baked.clear()
            key = self._static_key(leaves)
            function = self.variants.get(key)
            if function is None:
                function = self.variants[key] = self._new_variant()
                if len(self.variants) > MOST_VARIANTS:
                    del self.variants[next(iter(self.variants))]
            with self._call(leaves) as arrays, failures():
                result = function(*arrays)
                if self.may_fail:
                    PATH.may_fail = True
                    settle(result)
                used = TRACING.used
                if used and not used.issubset(self.statics):
                    self._make_static(used, leaves, function)
        if LIFTED.baked is not None:
            LIFTED.baked.extend(self.baked)
        return result.value(inputs) if result.__class__ is Results else result

    def _run_anew(self, leaves: list[Any], inputs: list[Any]) -> Any:
        """The value of the program, traced anew inside of another that somebody listens to."""
        with self._call(leaves) as arrays:
            result = self.renewed()._new_variant()(*arrays)
        return result.value(inputs) if result.__class__ is Results else result

    def lowered(self, leaves: list[Any]) -> jax.stages.Lowered:
        """The program traced and lowered anew for these leaves, not compiled."""
        with self._call(leaves) as arrays:
            return self._new_variant().trace(*arrays).lower()

    def jaxpr(self, leaves: list[Any]) -> Any:
        """What the program computes of these leaves, traced anew."""
        with self._call(leaves) as arrays:
            return self._new_variant().trace(*arrays).jaxpr

    def renewed(self) -> Program:
        """The same program, of which nothing is compiled."""
        return Program(self.name, self.procedure, self.arguments, self.reach)

    @contextmanager
    def _call(self, leaves: list[Any]) -> Iterator[list[Any]]:
        """A call with these leaves, in which the program may be traced: the arrays to pass."""
        arrays = [leaf.__eshkol_traced__ if leaf.__class__ is Witness else leaf for leaf in leaves]
        if self.wants_key:
            arrays += keys.position()
        with self.lock:
            saved = TRACING.leaves, TRACING.used
            TRACING.leaves, TRACING.used = leaves, set()
            has_python = any(array.__class__ in _PYTHON for array in arrays)
            try:
                with wide() if self.wants_key or has_python else nullcontext():
                    yield arrays
            finally:
                TRACING.leaves, TRACING.used = saved

    def _static_key(self, leaves: list[Any]) -> tuple[Any, ...]:
        return tuple([_known(leaves[index]) for index in self.statics])

    def _make_static(self, used: set[int], leaves: list[Any], function: Any) -> None:
        """A trace used more values than are in the key: they join it."""
        self.statics = tuple(sorted(used.union(self.statics)))
        self.variants = {self._static_key(leaves): function}

    def _new_variant(self) -> jax.stages.Wrapped:
        if len(self.variants) == MANY_STATIC_VALUES:
            warnings.warn(
                f"{self.name}: compiled for {MANY_STATIC_VALUES} different values of "
                f"{self._static_names()}, whose value decides a shape, an axis or a number of "
                "trips; pass a tensor or an inexact number where the value need not be known",
                CompilationWarning,
                stacklevel=4,
            )

        def traced(*arrays: Any) -> Any:
            return self._trace(arrays)

        traced.__name__ = traced.__qualname__ = self.name
        return jax.jit(traced)

    def _static_names(self) -> str:
        """What a message calls the leaves whose values are part of what is compiled."""
        names = [*structure_names(self.procedure), *reach_names(self.reach)]
        names += argument_names(self.procedure, self.arguments)
        return " and ".join(names[index] for index in self.statics)

    def _trace(self, arrays: tuple[Any, ...]) -> Any:
        self.compilations += 1
        PROGRAMS.compilations += 1
        self.history.append(self.compilation(arrays, TRACING.leaves))
        source = Source(*arrays[len(self.kinds) :]) if self.wants_key else Source(None)
        saved = LIFTED.values, LIFTED.baked
        with wide():
            leaves = [
                self._argument(index, kind, array)
                for index, (kind, array) in enumerate(zip(self.kinds, arrays, strict=False))
            ]
            try:
                first, second = self.ends
                made: list[Any] = []
                LIFTED.values, LIFTED.baked = self._lifted(leaves[first:second], made), self.baked
                procedure = unflatten(self.procedure, leaves[:first], made)
                arguments, options = unflatten(self.arguments, leaves[second:], made)
                with drawing_from(source), journal.outside(made), own_path() as path:
                    value = _attempt(staged(procedure), arguments, options)
                    self.may_fail = path.may_fail
                numbers = {
                    id(leaf): index
                    for index, leaf in enumerate(leaves)
                    if self.kinds[index] != TENSOR
                }
                return _results(value, numbers, source.count[0] if self.wants_key else 0)
            finally:
                LIFTED.values, LIFTED.baked = saved

    def compilation(self, arrays: Sequence[Any], leaves: Sequence[Any]) -> Compilation:
        """What is remembered of a compilation for these arrays, to tell later what caused it."""
        types = tuple((np.shape(array), getattr(array, "dtype", None)) for array in arrays)
        known = {}
        for index, kind in enumerate(self.kinds):
            if kind in (EXACT, TRUTH):
                leaf = leaves[index]
                known[index] = leaf.known if leaf.__class__ is Witness else leaf
        structures = self.procedure, self.arguments, self.reach
        return Compilation(PROGRAMS.compilations, *structures, types, known, weakref.ref(self))

    def _argument(self, index: int, kind: str, array: Any) -> Any:
        """The leaf that the staged procedure sees."""
        if kind == TENSOR:
            return array
        if kind == REAL:
            return jnp.asarray(array, FLOAT64)
        traced = jnp.asarray(array, INT64) if kind == EXACT else array
        used, leaf = TRACING.used, TRACING.leaves[index]

        def use() -> None:
            note_use(index)
            if used is not None:
                used.add(index)
            if leaf.__class__ is Witness:
                leaf.item()

        known = leaf.known if leaf.__class__ is Witness else leaf
        return Witness(known, traced, frozenset([WitnessSource(use)]))

    def _lifted(self, leaves: list[Any], made: list[Any]) -> dict[tuple[int, str], Any]:
        values = unflatten(("tuple", None, self.reach[2]), leaves, made)
        return dict(zip(self.reach[1], values, strict=True))


def _attempt(procedure: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """The value of a staged procedure; nothing if it ends with an error of traced values."""
    try:
        return staging(procedure, *arguments, **options)
    except SchemeError as error:
        leaves, _ = flatten(tuple(error.irritants))
        if not any(isinstance(leaf, Witness | jax.core.Tracer) for leaf in leaves):
            raise
        fail(error)
    except Unreachable:
        pass
    return UNSPECIFIED


def _known(leaf: Any) -> Any:
    """The value of an exact leaf, as part of a key."""
    return leaf.item() if leaf.__class__ is Witness else leaf


_PYTHON = (float, int, bool)

MOST_PROGRAMS = 4096
"""So many programs are kept for who means the same by other procedures; those in use stay."""

MOST_VARIANTS = 1024
"""So many compiled functions for different static values are kept of one program."""


class ProgramTable:
    """The programs of this process by what they mean, without those not asked for longest.

    Attributes:
        compilations: how often a program has been traced in this process.
    """

    def __init__(self) -> None:
        self.compilations = 0
        self._programs: OrderedDict[tuple[Structure, ...], Program] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._programs)

    def find(
        self, name: str, procedure: Structure, arguments: Structure, reach: Structure
    ) -> Program:
        """The program of this meaning; a new one is called ``name``."""
        key = procedure, arguments, reach
        with self._lock:
            program = self._programs.get(key)
            if program is None:
                program = self._programs[key] = Program(name, *key)
                if len(self._programs) > MOST_PROGRAMS:
                    self._programs.popitem(last=False)
            else:
                self._programs.move_to_end(key)
        return program


PROGRAMS = ProgramTable()

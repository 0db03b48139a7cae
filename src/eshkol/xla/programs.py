"""Compiled programs: one for each structure of everything that a staged procedure takes.

An exact integer or boolean is traced and known at once (:mod:`eshkol.xla.witness`); where a trace
uses its value, the value joins the key of what is compiled.
"""

from __future__ import annotations

import itertools
import sys
import threading
import warnings
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.autodiff import Differentiable, NeedsTensors
from eshkol.base.config import CONFIG
from eshkol.base.errors import EshkolError
from eshkol.base.sources import PACKAGE
from eshkol.datum.variables import HOME, TensorVariable
from eshkol.datum.write import short_string
from eshkol.runtime.dialects import staged
from eshkol.runtime.draw_paths import Path
from eshkol.runtime.foreign import LIBRARIES
from eshkol.xla import journal, key_stream
from eshkol.xla.call_options import (
    NO_OPTIONS,
    CallOptions,
    Donation,
    check_present,
    distinct,
    quiet_donation,
    without_use,
)
from eshkol.xla.compilations import REMEMBERED, Compilation
from eshkol.xla.control import attempt, settled_lanes
from eshkol.xla.devices import placed, running_on
from eshkol.xla.draw_sites import DrawSites
from eshkol.xla.dtypes import COMPLEX128, FLOAT64, INT64, wide
from eshkol.xla.effects import PATH, failures, own_path, settle
from eshkol.xla.globals import LIFTED
from eshkol.xla.keys import SitesCoincide, drawing_from
from eshkol.xla.leaf_names import argument_names, reach_names, structure_names
from eshkol.xla.loop_memory import own_memory
from eshkol.xla.notes import NOTES
from eshkol.xla.reach import names_drawn_for
from eshkol.xla.recursion import own_conditions
from eshkol.xla.recursion_depth import room_for
from eshkol.xla.results import CALLS_TO_PAY as CALLS_TO_PAY
from eshkol.xla.results import Results as Results
from eshkol.xla.results import State, results_of
from eshkol.xla.single_trip import in_one_trip, may_be_needed
from eshkol.xla.stored import Description, StoredFunction, described
from eshkol.xla.traced_programs import TRACING, Unprepared, being_traced, note_own_use
from eshkol.xla.trees import (
    COMPLEX,
    EXACT,
    REAL,
    TENSOR,
    TRUTH,
    Structure,
    leaf_kinds,
    unflatten,
)
from eshkol.xla.unions import TooManyKinds
from eshkol.xla.value_uses import (
    MANY_STATIC_VALUES,
    OTHERS,
    TRIPS,
    UNKNOWN,
    Uses,
    note_uses,
    often_other_trips,
)
from eshkol.xla.witness import Source as WitnessSource
from eshkol.xla.witness import Witness, value_of


class CompilationWarning(UserWarning):
    """A procedure is compiled again and again for different values of an argument."""


# ---- programs


def _warn(message: str) -> None:
    """Warn where a program, or Python, calls what is compiled."""
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith((PACKAGE, *LIBRARIES)):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, CompilationWarning, stacklevel=level)


class Program:
    """A procedure compiled for one structure of everything it takes.

    Attributes:
        procedure: the structure of the procedure.
        arguments: the structure of ``(arguments, options)``.
        reach: names and structures of the top-level variables it reads.
        kinds: of all leaves: of the procedure, of the top-level variables, of the arguments.
        names: the names in it that number its random draws; None if it draws none.
        statics: the indices of leaves whose values are part of what was compiled.
        uses: what those that it was compiled for were used for.
        has_warned: whether it was said that there are many of them.
        general: the indices of exact leaves that are compiled for all values.
        follows: whether it follows all that exact leaves decide: it has too many ways else.
        variants: the compiled functions by those values, and by whether JAX may transform them by
            its own rules, without doubles.
        baked: top-level variables whose values were compiled in, see :class:`Lifted`.
        compilations: how often it was traced in this process.
        traces: how often that succeeded.
        loads: how often a compiled function was found in the store.
        description: what it is to other processes, or why it is nothing to them.
        newest: the last of its functions that the store may have.
        sites: where it draws random numbers.
        after: the same program where these paths lead to it, if draws at different sites are the
            same there.
        home: the program that it is the same as.
        donated: the indices of leaves that are given up.
        device: where it runs; None: where its tensors are.
    """

    def __init__(
        self,
        name: str,
        procedure: Structure,
        arguments: Structure,
        reach: Structure,
        names: tuple[Any, ...] | None,
        options: CallOptions = NO_OPTIONS,
    ) -> None:
        self.name = name
        self.procedure = procedure
        self.arguments = arguments
        self.reach = reach
        self.options = options
        self.names = names
        self.wants_key = names is not None
        kinds = [tuple(leaf_kinds(part)) for part in (procedure, reach, arguments)]
        self.kinds = tuple(itertools.chain(*kinds))
        self.ends = len(kinds[0]), len(kinds[0]) + len(kinds[1])
        self.device = options.device
        donated = options.donated_leaves(arguments)
        self.donated = tuple([self.ends[1] + number for number in donated])
        self.statics: tuple[int, ...] = ()
        self.uses: Uses = {}
        self.has_warned = False
        self.follows = False
        self.general: frozenset[int] = frozenset()
        self.variants: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self.baked: list[tuple[Any, str, Any]] = []
        self.compilations = 0
        self.traces = 0
        self.history: deque[Compilation] = deque(maxlen=REMEMBERED)
        self.loads = 0
        self.may_fail = False
        self.lock = threading.RLock()
        self.description: Description | str | None = None
        self.newest: StoredFunction | None = None
        self.sites = DrawSites()
        self.after: dict[Path, Program] = {}
        self.home = self

    def run(self, leaves: list[Any], inputs: list[Any]) -> Any:
        """The value of the program.

        Args:
            leaves: what goes in; reals that go in with every call may be arrays already.
            inputs: the same leaves as they were.
        """
        try:
            with key_stream.counting() if self.wants_key else nullcontext():
                return self._run(leaves, inputs)
        except SitesCoincide as found:
            return self._after(found.prefix).run(leaves, inputs)
        except TooManyKinds:
            if not self._follows_anew():
                raise
        return self.run(leaves, inputs)

    def _follows_anew(self) -> bool:
        """Follow all that exact leaves decide; whether that is anything, and is new."""
        is_new = not (self.follows or _EXACT_KINDS.isdisjoint(self.kinds))
        self.follows |= is_new
        return is_new

    def _after(self, prefix: Path) -> Program:
        """The same program where this path leads to it, by which some of its draws are the same."""
        program = self.after.get(prefix)
        if program is None:
            program = self.after[prefix] = self.renewed()
            program.home, program.sites = self, DrawSites()
            program.sites.prefix = prefix
        return program

    def _run(self, leaves: list[Any], inputs: list[Any]) -> Any:
        if any(isinstance(leaf, Differentiable) for leaf in leaves):
            raise NeedsTensors
        if NOTES.recorder is not None:
            return self._run_anew(leaves, inputs)
        with self.lock:
            if any(space.variables.get(name) is not value for space, name, value in self.baked):
                self.variants.clear()
                self.baked.clear()
            is_apart = TRACING.program is None and may_be_needed(leaves)
            function = self.variants.get(key := self._key(leaves, is_apart))
            is_new = function is None
            if function is None and len(self.variants) >= MANY_STATIC_VALUES:
                index = often_other_trips(self.uses, self.statics, [k[:-1] for k in self.variants])
                if index is not None:
                    return self._run_generally(index, leaves, inputs)
            if function is None:
                function = self._new_variant(is_apart)
                function = self.variants[key] = function if is_apart else self._stored(function)
                if len(self.variants) > MOST_VARIANTS:
                    del self.variants[next(iter(self.variants))]
            quiet = quiet_donation() if is_new and self.donated else nullcontext()
            donation = Donation(leaves, self.donated) if self.donated else nullcontext()
            with self._call(leaves) as arrays, failures(), quiet:
                with donation:
                    result = self._called(function, arrays, is_new)
                if self.may_fail:
                    PATH.may_fail = True
                    settle(result)
                used = TRACING.used
                if used:
                    self._make_static(used, leaves, is_apart, function)
        if LIFTED.baked is not None:
            LIFTED.baked.extend(self.baked)
        return result.value(inputs) if result.__class__ is Results else result

    def _run_generally(self, index: int, leaves: list[Any], inputs: list[Any]) -> Any:
        """The value of the program, compiled for all values of a leaf if it can be."""
        saved = self.statics, self.variants, self.description, self.general
        self.statics = tuple([other for other in self.statics if other != index])
        self.variants, self.description = {}, None
        self.general |= {index}
        traces, loads = self.traces, self.loads
        try:
            return self._run(leaves, inputs)
        except BaseException as problem:
            if (self.traces, self.loads) != (traces, loads):
                raise
            self.statics, self.variants, self.description, self.general = saved
            if not isinstance(problem, EshkolError):
                raise
        self.uses[index] = OTHERS
        return self._run(leaves, inputs)

    def _run_anew(self, leaves: list[Any], inputs: list[Any]) -> Any:
        """The value of the program, traced anew inside of another that somebody listens to."""
        program = self.renewed()
        with program._call(leaves) as arrays:
            result = program._called(program._new_variant(), arrays, True)
        return result.value(inputs) if result.__class__ is Results else result

    def staged(self, leaves: list[Any]) -> tuple[Any, jax.stages.Lowered]:
        """The program for these leaves traced anew, and lowered, not compiled."""
        return self._anew(leaves, lambda traced, arrays: (traced, traced.lower()))

    def lowered(self, leaves: list[Any]) -> jax.stages.Lowered:
        """The program traced and lowered anew for these leaves, not compiled."""
        return self.staged(leaves)[1]

    def jaxpr(self, leaves: list[Any]) -> Any:
        """What the program computes of these leaves, traced anew."""
        return self.traced(leaves)[0]

    def traced(self, leaves: list[Any]) -> tuple[Any, list[Any]]:
        """What the program computes of these leaves, traced anew, and the arrays it is given."""
        return self._anew(leaves, lambda traced, arrays: (traced.jaxpr, list(arrays)))

    def _anew(self, leaves: list[Any], result: Callable[[Any, list[Any]], Any]) -> Any:
        """``result`` of the program traced anew and the arrays it is given."""
        try:
            with self._call(leaves) as arrays:
                return result(self.sites.traced(self._new_variant(), arrays), arrays)
        except SitesCoincide as found:
            return self._after(found.prefix)._anew(leaves, result)
        except TooManyKinds:
            if not self._follows_anew():
                raise
        return self._anew(leaves, result)

    def renewed(self, present: tuple[Structure, Structure, Structure] | None = None) -> Program:
        """The same program, of which nothing is compiled.

        Args:
            present: the structures of the procedure, the arguments and the top-level variables of
                a call, which are equal to those that the program was made of, and may have been
                written elsewhere; default: these.
        """
        procedure, arguments, reach = present or (self.procedure, self.arguments, self.reach)
        program = Program(self.name, procedure, arguments, reach, self.names, self.options)
        program.home, program.sites = self.home, self.sites
        program.general, program.follows = self.general, self.follows
        return program

    def variant(self, leaves: Sequence[Any]) -> Callable[..., Any] | None:
        """The function that was compiled for the values that these leaves have, as it is used
        where JAX has doubles or there is nothing to transform; None if none was."""
        return self.variants.get(self._key(leaves))

    @contextmanager
    def _call(self, leaves: list[Any]) -> Iterator[list[Any]]:
        """A call with these leaves, in which the program may be traced: the arrays to pass."""
        arrays = [
            leaf.__eshkol_traced__ if leaf.__class__ is Witness else settled_lanes(leaf)
            for leaf in leaves
        ]
        if self.wants_key:
            arrays += self.sites.keys(sys._getframe())
        check_present(arrays)
        arrays = distinct(arrays, self.donated)
        has_python = any(array.__class__ in PYTHON_NUMBERS for array in arrays)
        with self.lock:
            saved = TRACING.program, TRACING.leaves, TRACING.used
            TRACING.program, TRACING.leaves, TRACING.used = self, leaves, {}
            try:
                with (
                    wide() if self.wants_key or has_python else nullcontext(),
                    running_on(self.device),
                ):
                    yield placed(arrays, self.device)
            finally:
                TRACING.program, TRACING.leaves, TRACING.used = saved

    def _called(self, function: Any, arrays: list[Any], is_new: bool) -> Any:
        if not self.wants_key:
            return function(*arrays)
        newest = self.newest
        traceable = newest if newest is not None and newest.call is function else function
        return self.sites.called(function, arrays, traceable if is_new else None)

    def _key(self, leaves: Sequence[Any], is_apart: bool = False) -> tuple[Any, ...]:
        return (*[value_of(leaves[index]) for index in self.statics], is_apart)

    def _make_static(self, used: Uses, leaves: list[Any], is_apart: bool, function: Any) -> None:
        """Values that a trace used join the key, if they are none of it."""
        note_uses(self.uses, used)
        if not used.keys() <= {*self.statics}:
            self.statics = tuple(sorted({*self.statics, *used}))
            self.variants = {self._key(leaves, is_apart): function}

    def _new_variant(self, is_apart: bool = False) -> jax.stages.Wrapped:
        is_often = len(self.variants) >= MANY_STATIC_VALUES
        if is_often and OTHERS in self.uses.values() and not self.has_warned:
            self.has_warned = True
            _warn(
                f"{self.name}: compiled for {MANY_STATIC_VALUES} different values of "
                f"{self._static_names()}, whose value decides a shape, an axis or a number of "
                "trips; pass a tensor or an inexact number where the value need not be known"
            )

        def plain(*arrays: Any) -> Any:
            return self._trace(arrays)

        traced = in_one_trip(plain) if is_apart else plain
        traced.__name__ = traced.__qualname__ = self.name
        return jax.jit(traced, donate_argnums=self.donated or None)

    def _stored(self, function: jax.stages.Wrapped) -> Callable[..., Any]:
        """A variant that looks into the store before it is traced, if programs are stored."""
        if not CONFIG.store or self.sites.prefix:
            return function
        if self.description is None:
            self.description = described(self)
        if isinstance(self.description, str):
            return function
        self.newest = StoredFunction(self, self.description, function)
        return self.newest.call

    @property
    def why_not_stored(self) -> str:
        """Why the store has nothing of it; empty if it has, or if programs are not stored."""
        if isinstance(self.description, str):
            return self.description
        return "" if self.newest is None else self.newest.reason

    def check_prepared(self) -> None:
        """See that the values of exact inputs are known, if there are any.

        Raises:
            Unprepared: the program runs on a way that does not tell them.
        """
        if TRACING.program is not self and not _EXACT_KINDS.isdisjoint(self.kinds):
            raise Unprepared

    def used(self) -> tuple[int, ...]:
        """The leaves whose values the trace of the running call has used."""
        return tuple(sorted(TRACING.used or ()))

    def learn(self, sites: Sequence[Path]) -> bool:
        """Know where a function from the store draws; whether that fits what is known."""
        return self.sites.learn(sites)

    def note_load(self, indices: Sequence[int]) -> None:
        """The running call takes from the store what was compiled for these leaves' values."""
        self.loads += 1
        PROGRAMS.loads += 1
        if TRACING.leaves is not None:
            now = self.compilation(TRACING.leaves, TRACING.leaves)
            self.history.append(replace(now, is_load=True))
        if TRACING.used is not None:
            note_uses(TRACING.used, dict.fromkeys(indices, UNKNOWN))

    def replace(self, function: Callable[..., Any], other: Callable[..., Any]) -> None:
        """Call ``other`` instead of a function that turned out not to be stored."""
        for key, known in self.variants.items():
            if known is function:
                self.variants[key] = other

    def values_of(self, indices: Sequence[int]) -> list[Any]:
        """The values of leaves in the running call."""
        return [value_of(TRACING.leaves[index]) for index in indices]

    def _static_names(self) -> str:
        """What a message calls the leaves whose values are part of what is compiled."""
        names = self._names()
        return " and ".join(names[index] for index in self.statics)

    def _names(self) -> list[str]:
        """What messages call the leaves."""
        names = [*structure_names(self.procedure), *reach_names(self.reach)]
        return [*names, *argument_names(self.procedure, self.arguments)]

    def _trace(self, arrays: tuple[Any, ...]) -> Any:
        self.check_prepared()
        self.compilations += 1
        PROGRAMS.compilations += 1
        self.history.append(self.compilation(arrays, TRACING.leaves))
        source = self.sites.source(arrays[len(self.kinds) :])
        saved, token = (LIFTED.values, LIFTED.baked, HOME.token), object()
        with wide():
            try:
                HOME.token = token
                leaves = [
                    self._argument(index, kind, array)
                    for index, (kind, array) in enumerate(zip(self.kinds, arrays, strict=False))
                ]
                first, second = self.ends
                made: list[Any] = []
                places: list[TensorVariable] = []
                procedure = unflatten(self.procedure, leaves[:first], made, None, places)
                arguments, options = unflatten(self.arguments, leaves[second:], made, None, places)
                lifted = self._lifted(leaves[first:second], made, places)
                LIFTED.values, LIFTED.baked = lifted, self.baked
                state = State(leaves, places)
                with (
                    journal.outside([x for x in made if x.__class__ is not TensorVariable]),
                    own_conditions(self.follows),
                    own_memory([*arrays, *leaves]),
                    room_for(self.options.max_depth),
                    being_traced(self.home, procedure, state.inputs[:second]),
                    own_path() as path,
                ):
                    value = drawing_from(
                        source, lambda: attempt(staged(procedure), arguments, options)
                    )
                    self.may_fail = self.may_fail or path.may_fail
                numbers = {
                    id(leaf): index
                    for index, leaf in enumerate(leaves)
                    if self.kinds[index] != TENSOR
                }
                result = results_of(value, numbers, source, state)
                self.sites.check(source)
                self.traces += 1
                if self.donated:
                    self._warn_of_donations(arrays, jax.tree.leaves(result))
                return result
            finally:
                LIFTED.values, LIFTED.baked, HOME.token = saved

    def compilation(self, arrays: Sequence[Any], leaves: Sequence[Any]) -> Compilation:
        """What is remembered of a compilation for these arrays, to tell later what caused it."""
        types = tuple((np.shape(array), getattr(array, "dtype", None)) for array in arrays)
        known = {}
        for index, kind in enumerate(self.kinds):
            if kind in (EXACT, TRUTH):
                leaf = leaves[index]
                known[index] = leaf.known if leaf.__class__ is Witness else leaf
        structures = self.procedure, self.arguments, self.reach
        return Compilation(
            PROGRAMS.compilations, *structures, types, known, weakref.ref(self), self.general
        )

    def _warn_of_donations(self, arrays: Sequence[Any], results: list[Any]) -> None:
        """Tell which donated tensors no result can use the memory of."""
        given = without_use([arrays[index] for index in self.donated], results)
        if given:
            names = self._names()
            shown = " and ".join(
                f"{names[self.donated[number]]} ({short_string(arrays[self.donated[number]])})"
                for number in given
            )
            _warn(
                f"{self.name}: {shown} is donated, but no result has that shape and dtype, "
                "so nothing is gained"
            )

    def _argument(self, index: int, kind: str, array: Any) -> Any:
        """The leaf that the staged procedure sees."""
        if kind == TENSOR:
            return array
        if kind == REAL:
            return jnp.asarray(array, FLOAT64)
        if kind == COMPLEX:
            return jnp.asarray(array, COMPLEX128)
        traced = jnp.asarray(array, INT64) if kind == EXACT else array
        if index in self.general:
            return traced
        used, leaf = TRACING.used, TRACING.leaves[index]

        def use(purpose: int) -> None:
            note_own_use(self.home, index)
            if used is not None:
                note_uses(used, {index: purpose})
            if leaf.__class__ is Witness:
                leaf.item() if purpose == OTHERS else leaf.for_trips()

        known = leaf.known if leaf.__class__ is Witness else leaf
        source = WitnessSource(partial(use, OTHERS), partial(use, TRIPS))
        return Witness(known, traced, frozenset([source]))

    def _lifted(
        self, leaves: list[Any], made: list[Any], places: list[TensorVariable]
    ) -> dict[tuple[int, str], Any]:
        values = unflatten(("tuple", None, self.reach[2]), leaves, made, None, places)
        return dict(zip(self.reach[1], values, strict=True))


PYTHON_NUMBERS = (float, complex, int, bool)
_EXACT_KINDS = frozenset([EXACT, TRUTH])

MOST_PROGRAMS = 4096
"""So many programs are kept for who means the same by other procedures; those in use stay."""

MOST_VARIANTS = 1024
"""So many compiled functions for different static values are kept of one program."""


class ProgramTable:
    """The programs of this process by what they mean, without those not asked for longest.

    Attributes:
        compilations: how often a program has been traced in this process.
        loads: how often one was found in the store.
    """

    def __init__(self) -> None:
        self.compilations = 0
        self.loads = 0
        self._programs: OrderedDict[tuple[Any, ...], Program] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._programs)

    def clear(self) -> None:
        """Let go of all programs; those in use stay with who uses them."""
        with self._lock:
            self._programs.clear()

    def find(
        self,
        name: str,
        procedure: Structure,
        arguments: Structure,
        reach: Structure,
        options: CallOptions = NO_OPTIONS,
    ) -> Program:
        """The program of this meaning; a new one is called ``name``."""
        names = names_drawn_for(procedure, arguments, reach)
        key = procedure, arguments, reach, options, CONFIG.mode, names
        with self._lock:
            program = self._programs.get(key)
            if program is None:
                program = Program(name, procedure, arguments, reach, names, options)
                self._programs[key] = program
                if len(self._programs) > MOST_PROGRAMS:
                    self._programs.popitem(last=False)
            else:
                self._programs.move_to_end(key)
        return program


PROGRAMS = ProgramTable()

"""``jit``: staged procedures compiled by XLA, found again by what they mean.

The key of a compiled program is the meaning of the procedure's code, of the top-level definitions
that it reaches, and the structure of its arguments and captured values; tensors and reals in any
of those are arguments of the program. An exact integer or boolean is traced and known at once
(:mod:`eshkol.xla.witness`); where a trace uses its value, the value joins the key.

The path of a call: is something stale? are all arguments arrays? then call ``jax.jit``'s object
with the lifted values in front.
"""

from __future__ import annotations

import inspect
import itertools
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.autodiff import Differentiable, NeedsTensors
from eshkol.base.errors import WrongType
from eshkol.core.free import global_names
from eshkol.datum.write import short_string
from eshkol.primitives.calling import DIALECT
from eshkol.runtime.dialects import staged
from eshkol.runtime.procedures import procedure_of
from eshkol.runtime.report import Boundary
from eshkol.xla import journal
from eshkol.xla.dtypes import FLOAT64, INT64, wide
from eshkol.xla.globals import LIFTED
from eshkol.xla.keys import next_key, staged_draws
from eshkol.xla.trees import (
    EXACT,
    REAL,
    TENSOR,
    TRUTH,
    WRAPPERS,
    ArrayImpl,
    CodeKey,
    Structure,
    flatten,
    leaf_kinds,
    unflatten,
)
from eshkol.xla.witness import Source, Witness

MANY_STATIC_VALUES = 16
"""After so many compilations for values of exact arguments a warning names them."""


class CompilationWarning(UserWarning):
    """A procedure is compiled again and again for different values of an argument."""


# ---- what a procedure reaches


def _closures(structure: Structure) -> Iterator[Any]:
    """One function of each closure in a structure."""
    if structure.__class__ is str:
        return
    if structure[0] == "closure" and structure[1][0].__class__ is CodeKey:
        yield structure[1][0].prototype
    for child in structure[2]:
        yield from _closures(child)


def _global_names(function: Any) -> tuple[str, ...]:
    procedure = procedure_of(function)
    assert procedure is not None
    names = procedure.facts.get("globals")
    if names is None:
        names = procedure.facts["globals"] = tuple(global_names(procedure.node))
    return names


class Reach:
    """The top-level variables that procedures read, directly or through procedures they name.

    Attributes:
        variables: ``(namespace, name)`` in the order they were met.
        leaves: the leaves of their values.
        structure: their names and the structures of their values.
    """

    def __init__(self, structure: Structure) -> None:
        self.variables: list[tuple[Any, str]] = []
        self.leaves: list[Any] = []
        self.values: list[Structure] = []
        self.seen: set[tuple[int, str]] = set()
        self._visit(structure)
        names = tuple((id(namespace), name) for namespace, name in self.variables)
        self.structure = ("globals", names, tuple(self.values))

    def _visit(self, structure: Structure) -> None:
        for function in _closures(structure):
            namespace = function.__globals__.get(" namespace")
            for name in _global_names(function):
                key = (id(namespace), name)
                if namespace is None or key in self.seen or name not in namespace.variables:
                    continue
                if name.startswith(" "):
                    continue
                self.seen.add(key)
                value = namespace.variables[name]
                leaves, inner = flatten(LIFTED.values.get(key, value))
                self.variables.append((namespace, name))
                self.leaves += leaves
                self.values.append(inner)
                self._visit(inner)


_MUTABLE = frozenset(["box", "vector", "table", "list", "dotted", "python-list", "dict"])


def _is_mutable(structure: Structure) -> bool:
    """Whether something in a structure can change without a definition or assignment."""
    if structure.__class__ is str:
        return False
    return structure[0] in _MUTABLE or any(map(_is_mutable, structure[2]))


# ---- results


class Results:
    """The arrays that a compiled program gives, and the plan to make its value of them."""

    __slots__ = ("arrays", "plan")

    def __init__(self, arrays: Any, plan: Plan) -> None:
        self.arrays = arrays
        self.plan = plan

    def value(self, inputs: Sequence[Any]) -> Any:
        """The value of the call that was made with these leaves."""
        return self.plan.value(self.arrays, inputs)


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

    __slots__ = ("leaves", "structure")

    def __init__(self, structure: Structure, leaves: list[Any]) -> None:
        self.structure = structure
        self.leaves = leaves

    def value(self, arrays: Any, inputs: Sequence[Any]) -> Any:
        """The result with these computed arrays, for a call with these inputs."""
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

jax.tree_util.register_pytree_node(
    Results, lambda r: (r.arrays, r.plan), lambda plan, arrays: Results(arrays, plan)
)


def _results(value: Any, numbers: dict[int, int]) -> Any:
    """What the traced function returns for ``value``: one array, or :class:`Results`.

    Args:
        value: of the staged procedure.
        numbers: the indices of the inputs that are numbers, by the identities of their leaves.
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
    if structure == TENSOR and arrays:
        return arrays[0]
    return Results(arrays, Plan(structure, plan))


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
        kinds: of all leaves: those of the three structures, in this order.
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
        self.wants_key = _draws(procedure) or _draws(arguments) or _draws(reach)
        kinds = [tuple(leaf_kinds(part)) for part in (procedure, arguments, reach)]
        self.kinds = tuple(itertools.chain(*kinds))
        self.ends = len(kinds[0]), len(kinds[0]) + len(kinds[1])
        self.statics: tuple[int, ...] = ()
        self.variants: dict[tuple[Any, ...], jax.stages.Wrapped] = {}
        self.baked: list[tuple[Any, str, Any]] = []
        self.compilations = 0
        self.lock = threading.RLock()

    def run(self, leaves: list[Any], inputs: list[Any]) -> Any:
        """The value of the program.

        Args:
            leaves: what goes in; reals that go in with every call may be arrays already.
            inputs: the same leaves as they were.
        """
        if any(isinstance(leaf, Differentiable) for leaf in leaves):
            raise NeedsTensors
        if any(space.variables.get(name) is not value for space, name, value in self.baked):
            self.variants.clear()
            self.baked.clear()
        key = self._static_key(leaves)
        function = self.variants.get(key)
        if function is None:
            function = self.variants[key] = self._new_variant()
        with self._call(leaves) as arrays:
            result = function(*arrays)
            used = TRACING.used
            if used and not used.issubset(self.statics):
                self._make_static(used, leaves, function)
        if LIFTED.baked is not None:
            LIFTED.baked.extend(self.baked)
        return result.value(inputs) if result.__class__ is Results else result

    def lowered(self, leaves: list[Any]) -> jax.stages.Lowered:
        """The program traced and lowered anew for these leaves, not compiled."""
        with self._call(leaves) as arrays:
            return self._new_variant().trace(*arrays).lower()

    def renewed(self) -> Program:
        """The same program, of which nothing is compiled."""
        return Program(self.name, self.procedure, self.arguments, self.reach)

    @contextmanager
    def _call(self, leaves: list[Any]) -> Iterator[list[Any]]:
        """A call with these leaves, in which the program may be traced: the arrays to pass."""
        arrays = [leaf.__eshkol_traced__ if leaf.__class__ is Witness else leaf for leaf in leaves]
        if self.wants_key:
            arrays.append(next_key())
        with self.lock:
            saved = TRACING.leaves, TRACING.used
            TRACING.leaves, TRACING.used = leaves, set()
            try:
                with wide() if any(a.__class__ in _PYTHON for a in arrays) else nullcontext():
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
                f"{self.name}: compiled for {MANY_STATIC_VALUES} different values of exact "
                f"arguments whose values decide a shape, an axis or a number of trips; "
                "pass a tensor or an inexact number where the value need not be known",
                CompilationWarning,
                stacklevel=4,
            )

        def traced(*arrays: Any) -> Any:
            return self._trace(arrays)

        traced.__name__ = traced.__qualname__ = self.name
        return jax.jit(traced)

    def _trace(self, arrays: tuple[Any, ...]) -> Any:
        self.compilations += 1
        key = arrays[len(self.kinds)] if self.wants_key else None
        saved = LIFTED.values, LIFTED.baked, DIALECT.resolve
        with wide():
            leaves = [
                self._argument(index, kind, array)
                for index, (kind, array) in enumerate(zip(self.kinds, arrays, strict=False))
            ]
            DIALECT.resolve = staged
            try:
                first, second = self.ends
                LIFTED.values, LIFTED.baked = self._lifted(leaves[second:]), self.baked
                made: list[Any] = []
                procedure = unflatten(self.procedure, leaves[:first], made)
                arguments, options = unflatten(self.arguments, leaves[first:second], made)
                with staged_draws(key), journal.outside(made):
                    value = staged(procedure)(*arguments, **options)
                numbers = {
                    id(leaf): index
                    for index, leaf in enumerate(leaves)
                    if self.kinds[index] != TENSOR
                }
                return _results(value, numbers)
            finally:
                LIFTED.values, LIFTED.baked, DIALECT.resolve = saved

    def _argument(self, index: int, kind: str, array: Any) -> Any:
        """The leaf that the staged procedure sees."""
        if kind == TENSOR:
            return array
        if kind == REAL:
            return jnp.asarray(array, FLOAT64)
        traced = jnp.asarray(array, INT64) if kind == EXACT else array
        used, leaf = TRACING.used, TRACING.leaves[index]

        def use() -> None:
            if used is not None:
                used.add(index)
            if leaf.__class__ is Witness:
                leaf.item()

        known = leaf.known if leaf.__class__ is Witness else leaf
        return Witness(known, traced, frozenset([Source(use)]))

    def _lifted(self, leaves: list[Any]) -> dict[tuple[int, str], Any]:
        values = unflatten(("tuple", None, self.reach[2]), leaves)
        return dict(zip(self.reach[1], values, strict=True))


def _known(leaf: Any) -> Any:
    """The value of an exact leaf, as part of a key."""
    return leaf.item() if leaf.__class__ is Witness else leaf


_PYTHON = (float, int, bool)

PROGRAMS: dict[tuple[Structure, Structure, Structure], Program] = {}
"""All programs of this process by what they mean."""

RANDOM_NAMES = frozenset(
    (
        "random random-uniform random-normal random-int rand randn randint random-permutation "
        "shuffle bernoulli dropout random-tensor xavier-uniform xavier-normal he-uniform "
        "he-normal lecun-normal uniform-init normal-init orthogonal-init"
    ).split()
)
"""Primitives that draw from the hidden stream of random numbers."""


def _draws(structure: Structure) -> bool:
    """Whether a procedure in a structure may draw random numbers."""
    return any(
        name in RANDOM_NAMES
        for function in _closures(structure)
        for name in _global_names(function)
    )


_NO_OPTIONS = ("dict", (), ())


def _arrays_structure(count: int) -> Structure:
    return ("tuple", None, (TENSOR,) * count)


class Entry:
    """A program for arguments of one structure, and what goes behind them."""

    __slots__ = ("is_mutable", "lifted", "program", "reach")

    def __init__(self, name: str, procedure: Structure, arguments: Structure) -> None:
        self.reach = Reach(("tuple", None, (procedure, arguments)))
        self.lifted = [_as_argument(leaf) for leaf in self.reach.leaves]
        key = (procedure, arguments, self.reach.structure)
        program = PROGRAMS.get(key)
        if program is None:
            program = PROGRAMS.setdefault(key, Program(name, *key))
        self.program = program
        self.is_mutable = _is_mutable(self.reach.structure)


def _as_argument(leaf: Any) -> Any:
    """A real that goes with every call becomes an array once."""
    if leaf.__class__ is float:
        with wide():
            return jnp.asarray(leaf, FLOAT64)
    return leaf


Fast = tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]
"""A compiled function of arrays, and what goes before and behind its arguments."""


class Jitted:
    """The state of one jitted procedure.

    Attributes:
        entries: by the structure of the arguments.
        fast: for a number of arguments that are all arrays, the compiled function and what goes
            before and behind them.
    """

    def __init__(self, function: Any) -> None:
        self.function = function
        self.name = getattr(function, "__name__", "lambda")
        self.is_stale = False
        self.entries: dict[Structure, Entry] = {}
        self.watched: set[tuple[Any, str]] = set()
        self.fast: dict[int, Fast] = {}
        self._take_apart()
        self.is_mutable = _is_mutable(self.structure)

    def _take_apart(self) -> None:
        self.leaves, self.structure = flatten(self.function)
        self.front = [_as_argument(leaf) for leaf in self.leaves]

    def stale(self, variable: tuple[Any, str]) -> None:
        """Forget what was found out, since a variable that was read is defined again."""
        self.watched.discard(variable)
        self.is_stale = True
        self.fast.clear()

    def call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The general path of a call."""
        entry, leaves = self._entry(arguments, options)
        inputs = [*self.leaves, *leaves, *entry.reach.leaves]
        result = entry.program.run([*self.front, *leaves, *entry.lifted], inputs)
        if not _is_inside_a_trace():
            self._remember(arguments, options, entry)
        return result

    def lower(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> jax.stages.Lowered:
        """The program of a call, traced and lowered as if it were met for the first time."""
        entry, leaves = self._entry(arguments, options)
        return entry.program.renewed().lowered([*self.front, *leaves, *entry.lifted])

    def _entry(
        self, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[Entry, list[Any]]:
        """What is known of calls like this one, and the leaves of the arguments."""
        if self.is_stale:
            self.is_stale = False
            self.entries.clear()
        if self.is_mutable:
            known = self.structure
            self._take_apart()
            if self.structure != known:
                self.entries.clear()
        leaves, structure = flatten((arguments, options))
        is_inside = _is_inside_a_trace()
        entry = None if is_inside else self.entries.get(structure)
        if entry is None or entry.is_mutable:
            entry = Entry(self.name, self.structure, structure)
            if not is_inside:
                self._keep(structure, entry)
        return entry, leaves

    def inputs(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """The leaves of a call on the short path, as they were."""
        entry = self.entries[("tuple", None, (_arrays_structure(len(arguments)), _NO_OPTIONS))]
        return (*self.leaves, *arguments, *entry.reach.leaves)

    def _keep(self, structure: Structure, entry: Entry) -> None:
        """Use ``entry`` again until one of the variables that it reads is defined again."""
        for namespace, name in entry.reach.variables:
            if (namespace, name) not in self.watched:
                self.watched.add((namespace, name))
                namespace.watch(name, partial(_tell, weakref.ref(self), (namespace, name)))
        self.entries[structure] = entry

    def _remember(self, arguments: tuple[Any, ...], options: Any, entry: Entry) -> None:
        """Take the short path next time, if nothing but arrays goes in."""
        program = entry.program
        if options or self.is_mutable or entry.is_mutable or program.wants_key or program.baked:
            return
        exact = EXACT in program.kinds or TRUTH in program.kinds
        if exact or not all(argument.__class__ is ArrayImpl for argument in arguments):
            return
        (function,) = program.variants.values()
        self.fast[len(arguments)] = (function, tuple(self.front), tuple(entry.lifted))


def _is_inside_a_trace() -> bool:
    """Whether a program is being traced whose top-level variables are that trace's own."""
    return bool(LIFTED.values)


def _tell(jitted: weakref.ref[Jitted], variable: tuple[Any, str]) -> None:
    """Tell a jitted procedure, if it is still there, that a variable has changed."""
    state = jitted()
    if state is not None:
        state.stale(variable)


def jit(function: Any) -> Any:
    """The procedure that computes what ``function`` computes, compiled by XLA.

    It is compiled when it is first called with arguments of a new structure, shapes or dtypes.

    Raises:
        WrongType: if ``function`` can't be called.
    """
    if not callable(function):
        raise WrongType(f"jit: expected a procedure, got {short_string(function)}")
    state = Jitted(function)
    fast = state.fast

    def compiled(*arguments: Any, **options: Any) -> Any:
        if fast and not options:
            for argument in arguments:
                if argument.__class__ is not ArrayImpl:
                    break
            else:
                known = fast.get(len(arguments))
                if known is not None:
                    call, front, lifted = known
                    result = call(*front, *arguments, *lifted)
                    if result.__class__ is ArrayImpl:
                        return result
                    return result.value(state.inputs(arguments))
        try:
            return state.call(arguments, options)
        except Exception as error:
            with Boundary(), Boundary():
                raise error

    name = getattr(function, "__name__", "lambda")
    compiled.__name__ = compiled.__qualname__ = name
    compiled.__doc__ = getattr(function, "__doc__", None)
    procedure: Any = compiled
    procedure.__wrapped__ = function
    with suppress(TypeError, ValueError):
        procedure.__signature__ = inspect.signature(function)
    procedure.eshkol_jit = state
    procedure.eshkol_wrapper = "jit"
    return compiled


WRAPPERS["jit"] = jit

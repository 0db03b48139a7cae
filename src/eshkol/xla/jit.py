"""``jit``: staged procedures compiled by XLA, found again by what they mean.

The key of a compiled program is the meaning of the procedure's code, of the top-level definitions
that it reaches, and the structure of its arguments and captured values; tensors and reals in any
of those are arguments of the program. An exact integer or boolean is traced and known at once
(:mod:`eshkol.xla.witness`); where a trace uses its value, the value joins the key.

The path of a call: is something stale? are all arguments arrays? then call ``jax.jit``'s object
with the lifted values in front. If they have a structure that was met before, straight-line code
takes them apart; else they are taken apart by the general pass.
"""

from __future__ import annotations

import functools
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
from eshkol.base.errors import SchemeError, WrongType
from eshkol.core.free import global_names
from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import short_string
from eshkol.primitives.calling import DIALECT
from eshkol.primitives.declare import PRIMITIVES
from eshkol.runtime.dialects import staged
from eshkol.runtime.procedures import procedure_of
from eshkol.runtime.report import Boundary
from eshkol.xla import journal, keys
from eshkol.xla.dtypes import FLOAT64, INT64, wide
from eshkol.xla.effects import PATH, fail, failures, own_path, settle
from eshkol.xla.globals import LIFTED
from eshkol.xla.keys import Source, drawing_from
from eshkol.xla.parts import Unreachable
from eshkol.xla.straight_line import Constant, Maker, Taker, entrance, maker, taker
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
    structure_names,
    unflatten,
)
from eshkol.xla.witness import Source as WitnessSource
from eshkol.xla.witness import Witness, tracer_of

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
        absent: the same of names that are primitives, or not defined yet.
        leaves: the leaves of their values.
        structure: their names and the structures of their values.
    """

    def __init__(self, structure: Structure) -> None:
        self.variables: list[tuple[Any, str]] = []
        self.absent: list[tuple[Any, str]] = []
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
                if namespace is None or key in self.seen or name.startswith(" "):
                    continue
                self.seen.add(key)
                if name not in namespace.variables:
                    self.absent.append((namespace, name))
                    continue
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

MOST_SHORTCUTS = 4
"""A procedure keeps so many ways for arguments of different structures."""


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
        self.wants_key = _draws(procedure) or _draws(arguments) or _draws(reach)
        kinds = [tuple(leaf_kinds(part)) for part in (procedure, reach, arguments)]
        self.kinds = tuple(itertools.chain(*kinds))
        self.ends = len(kinds[0]), len(kinds[0]) + len(kinds[1])
        self.statics: tuple[int, ...] = ()
        self.variants: dict[tuple[Any, ...], jax.stages.Wrapped] = {}
        self.baked: list[tuple[Any, str, Any]] = []
        self.compilations = 0
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
        if any(space.variables.get(name) is not value for space, name, value in self.baked):
            self.variants.clear()
            self.baked.clear()
        key = self._static_key(leaves)
        function = self.variants.get(key)
        if function is None:
            function = self.variants[key] = self._new_variant()
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
        names = [*structure_names(self.procedure), *_reach_names(self.reach)]
        names += _argument_names(self.procedure, self.arguments)
        return " and ".join(names[index] for index in self.statics)

    def _trace(self, arrays: tuple[Any, ...]) -> Any:
        self.compilations += 1
        source = Source(*arrays[len(self.kinds) :]) if self.wants_key else Source(None)
        saved = LIFTED.values, LIFTED.baked, DIALECT.resolve
        with wide():
            leaves = [
                self._argument(index, kind, array)
                for index, (kind, array) in enumerate(zip(self.kinds, arrays, strict=False))
            ]
            DIALECT.resolve = staged
            try:
                first, second = self.ends
                LIFTED.values, LIFTED.baked = self._lifted(leaves[first:second]), self.baked
                made: list[Any] = []
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
        return Witness(known, traced, frozenset([WitnessSource(use)]))

    def _lifted(self, leaves: list[Any]) -> dict[tuple[int, str], Any]:
        values = unflatten(("tuple", None, self.reach[2]), leaves)
        return dict(zip(self.reach[1], values, strict=True))


def _reach_names(reach: Structure) -> Iterator[str]:
    """Names of the leaves of top-level variables."""
    for (_, variable), structure in zip(reach[1], reach[2], strict=True):
        yield from _names_under(variable, structure)


def _argument_names(procedure: Structure, arguments: Structure) -> Iterator[str]:
    """Names of the leaves of a call's arguments, after the parameters of the procedure."""
    function = next(_closures(procedure), None)
    known = None if function is None else procedure_of(function)
    parameters = [] if known is None else [p.variable.name for p in known.node.parameters]
    positional, options = arguments[2]
    for index, structure in enumerate(positional[2]):
        given = index < len(parameters)
        yield from _names_under(parameters[index] if given else f"argument {index}", structure)
    for option, structure in zip(options[1], options[2], strict=True):
        yield from _names_under(option, structure)


def _names_under(base: str, structure: Structure) -> Iterator[str]:
    if structure.__class__ is str:
        yield base
    else:
        yield from (f"{base}.{name}" for name in structure_names(structure))


def _attempt(procedure: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """The value of a staged procedure; nothing if it ends with an error of traced values."""
    try:
        return procedure(*arguments, **options)
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

PROGRAMS: dict[tuple[Structure, Structure, Structure], Program] = {}
"""All programs of this process by what they mean."""

_DRAWING_ROOMS = ("eshkol.xla.random:", "eshkol.xla.initializers:")


@functools.cache
def drawing_names() -> frozenset[str]:
    """The names of the primitives that draw from the hidden stream of random numbers."""
    known = PRIMITIVES.items()
    return frozenset(name for name, p in known if (p.tensor or "").startswith(_DRAWING_ROOMS))


@functools.cache
def _drawing_functions() -> frozenset[int]:
    return frozenset(id(PRIMITIVES[name].function) for name in drawing_names())


def _draws(structure: Structure) -> bool:
    """Whether a procedure in a structure may draw random numbers."""
    return any(
        name in drawing_names()
        for function in _closures(structure)
        for name in _global_names(function)
    ) or _holds_drawing(structure)


def _holds_drawing(structure: Structure) -> bool:
    """Whether a primitive that draws is among the values that a structure is made of."""
    if structure.__class__ is str:
        return False
    if structure[0] == "static":
        return id(structure[1].value) in _drawing_functions()
    return any(map(_holds_drawing, structure[2]))


_NO_OPTIONS = ("dict", (), ())


def _arrays_structure(count: int) -> Structure:
    return ("tuple", None, (TENSOR,) * count)


class Entry:
    """A program for arguments of one structure, and what goes in front of them."""

    __slots__ = ("calls", "is_mutable", "lifted", "program", "reach")

    def __init__(self, name: str, procedure: Structure, arguments: Structure) -> None:
        self.reach = Reach(("tuple", None, (procedure, arguments)))
        self.lifted = [_as_argument(leaf) for leaf in self.reach.leaves]
        key = (procedure, arguments, self.reach.structure)
        program = PROGRAMS.get(key)
        if program is None:
            program = PROGRAMS.setdefault(key, Program(name, *key))
        self.program = program
        self.is_mutable = _is_mutable(self.reach.structure)
        self.calls = 0


def _as_argument(leaf: Any) -> Any:
    """A real that goes with every call becomes an array once."""
    if leaf.__class__ is float:
        with wide():
            return jnp.asarray(leaf, FLOAT64)
    return leaf


class Shortcut:
    """The way of a call whose arguments have one structure and only arrays as leaves."""

    __slots__ = ("front", "function", "inputs", "take", "wants_key")

    def __init__(self, take: Taker, jitted: Jitted, entry: Entry) -> None:
        self.take = take
        (self.function,) = entry.program.variants.values()
        self.front = (*jitted.front, *entry.lifted)
        self.inputs = (*jitted.leaves, *entry.reach.leaves)
        self.wants_key = entry.program.wants_key

    def call(self, leaves: list[Any]) -> Any:
        """The value of a call with these leaves of the arguments."""
        if self.wants_key:
            with wide():
                result = self.function(*self.front, *leaves, *keys.position())
        else:
            result = self.function(*self.front, *leaves)
        if result.__class__ is not Results:
            return result
        return result.value([*self.inputs, *leaves])


class Jitted:
    """The state of one jitted procedure.

    Attributes:
        entries: by the structure of the arguments.
        shortcuts: for arguments of structures that were met more than once.
        fast: for a number of arguments that are all arrays, the compiled function of them.
    """

    def __init__(self, function: Any) -> None:
        self.function = function
        self.name = getattr(function, "__name__", "lambda")
        self.is_stale = False
        self.entries: dict[Structure, Entry] = {}
        self.watched: set[tuple[Any, str]] = set()
        self.fast: dict[int, Callable[..., Any]] = {}
        self.shortcuts: list[Shortcut] = []
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
        self.shortcuts.clear()

    def call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The path of a call of which something is no array."""
        try:
            return self._call(arguments, options)
        except Exception as error:
            with Boundary(), Boundary():
                raise error

    def _call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if self.shortcuts and not options and not _is_inside_a_trace():
            for shortcut in self.shortcuts:
                taken = shortcut.take(arguments)
                if taken is not None:
                    return shortcut.call(taken)
        entry, leaves = self._entry(arguments, options)
        inputs = [*self.leaves, *entry.reach.leaves, *leaves]
        result = entry.program.run([*self.front, *entry.lifted, *leaves], inputs)
        if not _is_inside_a_trace():
            self._remember(arguments, options, entry)
        return result

    def lower(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> jax.stages.Lowered:
        """The program of a call, traced and lowered as if it were met for the first time."""
        entry, leaves = self._entry(arguments, options)
        return entry.program.renewed().lowered([*self.front, *entry.lifted, *leaves])

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

    def finish(self, results: Results, arguments: tuple[Any, ...]) -> Any:
        """The value of a call on the path for arrays, if it is not one array."""
        entry = self.entries[("tuple", None, (_arrays_structure(len(arguments)), _NO_OPTIONS))]
        return results.value((*self.leaves, *entry.reach.leaves, *arguments))

    def _keep(self, structure: Structure, entry: Entry) -> None:
        """Use ``entry`` again until one of the variables that it reads is defined again."""
        for namespace, name in (*entry.reach.variables, *entry.reach.absent):
            if (namespace, name) not in self.watched:
                self.watched.add((namespace, name))
                _follow(self, namespace, name)
        self.entries[structure] = entry

    def _remember(self, arguments: tuple[Any, ...], options: Any, entry: Entry) -> None:
        """Take a short path next time, if nothing but arrays goes in."""
        program = entry.program
        changes = self.is_mutable or entry.is_mutable or program.baked
        if options or changes or program.may_fail:
            return
        if EXACT in program.kinds or TRUTH in program.kinds:
            return
        if not program.wants_key and all(a.__class__ is ArrayImpl for a in arguments):
            (function,) = program.variants.values()
            front = (*self.front, *entry.lifted)
            self.fast[len(arguments)] = partial(function, *front) if front else function
            return
        entry.calls += 1
        if _is_time(entry.calls) and REAL not in leaf_kinds(program.arguments):
            take = taker(flatten(arguments)[1])
            if take is not None and take(arguments) is not None:
                self.shortcuts.insert(0, Shortcut(take, self, entry))
                del self.shortcuts[MOST_SHORTCUTS:]


def _is_time(calls: int) -> bool:
    """Whether to try to write straight-line code: ever more seldom, should it not be used."""
    return calls >= CALLS_TO_PAY and calls & (calls - 1) == 0


def _is_inside_a_trace() -> bool:
    """Whether a program is being traced whose top-level variables are that trace's own."""
    return bool(LIFTED.values)


_FOLLOWERS: weakref.WeakKeyDictionary[Any, dict[str, weakref.WeakSet[Jitted]]]
_FOLLOWERS = weakref.WeakKeyDictionary()
"""By namespace and name: the jitted procedures to tell when the variable is defined again."""


def _follow(jitted: Jitted, namespace: Any, name: str) -> None:
    """Tell ``jitted``, while it is there, when a variable is defined or assigned next."""
    names = _FOLLOWERS.setdefault(namespace, {})
    if name not in names:
        names[name] = weakref.WeakSet()
        namespace.watch(name, partial(_tell, weakref.ref(namespace), name))
    names[name].add(jitted)


def _tell(reference: weakref.ref[Any], name: str) -> None:
    """Tell the jitted procedures that follow a variable that it has changed."""
    namespace = reference()
    if namespace is not None:
        for jitted in list(_FOLLOWERS[namespace].pop(name)):
            jitted.stale((namespace, name))


def jit(function: Any) -> Any:
    """The procedure that computes what ``function`` computes, compiled by XLA.

    It is compiled when it is first called with arguments of a new structure, shapes or dtypes.

    Raises:
        WrongType: if ``function`` can't be called.
    """
    if not callable(function):
        raise WrongType(f"jit: expected a procedure, got {short_string(function)}")
    state = Jitted(function)
    count = _fixed_count(function)
    if count:
        compiled = entrance(count, state.fast, state.finish, state.call)
    else:
        compiled = _entrance_of_any(state)
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


def _fixed_count(function: Any) -> int:
    """The number of arguments of a procedure that takes so many and no others; else 0."""
    if procedure_of(function) is None or function.__defaults__:
        return 0
    code = function.__code__
    has_others = code.co_kwonlyargcount or code.co_flags & (
        inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    )
    return 0 if has_others else code.co_argcount


def _entrance_of_any(state: Jitted) -> Callable[..., Any]:
    """The function that a procedure of any number of arguments becomes."""
    fast = state.fast

    def compiled(*arguments: Any, **options: Any) -> Any:
        if fast and not options and all(a.__class__ is ArrayImpl for a in arguments):
            call = fast.get(len(arguments))
            if call is not None:
                result = call(*arguments)
                if result.__class__ is ArrayImpl:
                    return result
                return state.finish(result, arguments)
        return state.call(arguments, options)

    return compiled


WRAPPERS["jit"] = jit

"""``jit``: staged procedures compiled by XLA, found again by what they mean.

The key of a compiled program is the meaning of the procedure's code, of the top-level definitions
that it reaches, and the structure of its arguments and captured values; tensors and reals in any
of those are arguments of the program. An exact integer or boolean is traced and known at once
(:mod:`eshkol.xla.witness`); where a trace uses its value, the value joins the key.

The path of a call: is something stale? are all arguments arrays? then call ``jax.jit``'s object
with the lifted values in front. If they have a structure that was met before, a way written for it
takes them apart (:mod:`eshkol.xla.ways`); else they are taken apart by the general pass.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import jax
import numpy as np

from eshkol.base.config import CONFIG, Mode
from eshkol.base.errors import EshkolError, WrongType
from eshkol.core.nodes import Lambda
from eshkol.datum.variables import TensorVariable
from eshkol.datum.write import short_string
from eshkol.primitives.calling import DIALECT, is_traced
from eshkol.runtime.dialects import staged, start_caller_again
from eshkol.runtime.interrupts import KeepingWidth
from eshkol.runtime.procedures import procedure_of
from eshkol.runtime.report import Boundary
from eshkol.xla.call_options import NO_OPTIONS, CallOptions, call_options
from eshkol.xla.compilations import REMEMBERED, Compilation
from eshkol.xla.dtypes import FLOAT64
from eshkol.xla.forms import tell_present_form
from eshkol.xla.globals import LIFTED
from eshkol.xla.host_arrays import on_device
from eshkol.xla.modes import FOLLOWERS
from eshkol.xla.outlived import open_traces, settled
from eshkol.xla.programs import (
    CALLS_TO_PAY,
    PROGRAMS,
    Program,
    Results,
)
from eshkol.xla.reach import Reach, closures_of, is_mutable
from eshkol.xla.straight_line import MISS, entrance, fail
from eshkol.xla.traced_programs import procedure_being_traced
from eshkol.xla.trees import (
    BUFFERS,
    WRAPPERS,
    ArrayImpl,
    Structure,
    flatten_with_variables,
)
from eshkol.xla.unions import is_undecided
from eshkol.xla.ways import Way, is_plain, way

MOST_WAYS = 4
"""A procedure keeps so many short ways, for arguments of different structures."""


class Entry:
    """A program for arguments of one structure, and what goes in front of them."""

    __slots__ = ("_lifted", "_structures", "calls", "is_mutable", "program", "reach")

    def __init__(
        self,
        name: str,
        procedure: Structure,
        arguments: Structure,
        options: CallOptions = NO_OPTIONS,
        places: Sequence[TensorVariable] = (),
        are_places_given: bool = False,
    ) -> None:
        self.reach = Reach(("tuple", None, (procedure, arguments)), places)
        self._lifted = [_as_argument(leaf) for leaf in self.reach.leaves]
        self._structures = procedure, arguments
        self.program = PROGRAMS.find(name, procedure, arguments, self.reach.structure, options)
        # Which of the places that are given are also reached is known of one call only.
        self.is_mutable = is_mutable(self.reach.structure) or are_places_given
        self.calls = 0

    @property
    def lifted(self) -> list[Any]:
        """What goes in of the top-level variables."""
        return held(self._lifted) if self.reach.places else self._lifted

    def renewed(self) -> Program:
        """The program, of which nothing is compiled, made of the procedures of this call."""
        return self.program.renewed((*self._structures, self.reach.structure))


def held(leaves: Sequence[Any]) -> list[Any]:
    """The leaves with what places hold instead of these."""
    return [_held(leaf) if leaf.__class__ is TensorVariable else leaf for leaf in leaves]


def _held(place: TensorVariable) -> Any:
    """The tensor in a place, without the derivative of what is over."""
    tensor = place.tensor
    return tensor if tensor.__class__ is ArrayImpl else settled(tensor, open_traces())


def _as_argument(leaf: Any) -> Any:
    """A real that goes with every call becomes an array once."""
    if leaf.__class__ is float:
        return on_device(np.asarray(leaf, FLOAT64))
    return leaf


class Jitted:
    """The state of one jitted procedure.

    Attributes:
        entries: by the structure of the arguments and the mode.
        histories: the compilations of the programs that it has used.
        fast: for a number of arguments that are all arrays, the compiled function of them.
        ways: for arguments of structures that were met more than once.
        keyword_ways: the same for calls with keywords, by the number of the other arguments and
            the keywords.
        changes: how often one of the variables that its programs read was defined again. What was
            found out before a change, by a thread that is slow, is not kept after it.
        lock: held by who changes any of these.
    """

    def __init__(self, function: Any, options: CallOptions = NO_OPTIONS) -> None:
        self.function = function
        self.options = options
        self.name = getattr(function, "__name__", "lambda")
        self.lock = threading.RLock()
        self.changes = 0
        self.entries: dict[tuple[Structure, Mode], Entry] = {}
        self.watched: set[tuple[Any, str]] = set()
        self.fast: dict[int, Callable[..., Any]] = {}
        self.ways: list[Way] = []
        self.keyword_ways: dict[tuple[int, tuple[str, ...]], list[Way]] = {}
        self.histories: deque[deque[Compilation]] = deque(maxlen=REMEMBERED)
        self._take_apart()
        self.is_mutable = is_mutable(self.structure)
        FOLLOWERS.add(self)

    def _take_apart(self) -> None:
        self.leaves, self.structure, self.places = flatten_with_variables(self.function)
        self._front = [_as_argument(leaf) for leaf in self.leaves]

    @property
    def front(self) -> list[Any]:
        """What goes in of the procedure."""
        return held(self._front) if self.places else self._front

    def stale(self, variable: tuple[Any, str]) -> None:
        """Forget what was found out, since a variable that was read is defined again."""
        with self.lock:
            self.watched.discard(variable)
            self.entries.clear()
            self.forget()

    def forget(self) -> None:
        """Forget the short ways, which hold for one mode."""
        with self.lock:
            self.changes += 1
            # Another thread may just have seen that there is one, and call it.
            self.fast.update(dict.fromkeys(self.fast, self._again))
            self.ways.clear()
            self.keyword_ways.clear()

    def _again(self, *arguments: Any) -> Any:
        return self.call(arguments, {})

    def call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The path of a call of which something is no array."""
        try:
            with KeepingWidth():
                return self._call(arguments, options)
        except Exception as error:
            return fail(error)

    def _call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        changes = self.changes
        if options and self.keyword_ways:
            for way in self.keyword_ways.get((len(arguments), tuple(options)), ()):
                result = way(*arguments, **options)
                if result is not MISS:
                    return result
        entry, whole = self._found(arguments, options)
        leaves = held(whole) if entry.reach.places else whole
        inputs = [*self.leaves, *entry.reach.leaves, *whole]
        procedure = procedure_being_traced(entry.program, inputs)
        if procedure is not None:
            return staged(procedure)(*arguments, **options)
        try:
            result = entry.program.run([*self.front, *entry.lifted, *leaves], inputs)
        except EshkolError as error:
            self._tell_present_form(error, entry.program, arguments, options)
            raise
        if DIALECT.resolve is None and is_traced() and is_undecided(result):
            start_caller_again(sys._getframe(), result)
        if not _is_inside_a_trace():
            with self.lock:
                if changes == self.changes:
                    self._remember(arguments, options, entry, leaves, result)
        return result

    def _tell_present_form(
        self,
        error: EshkolError,
        program: Program,
        arguments: tuple[Any, ...],
        options: dict[str, Any],
    ) -> None:
        """Let an error point at the procedures of this call, not at equal ones before them."""
        compiled = program.procedure, program.arguments, program.reach
        tell_present_form(error, compiled, self.structures(arguments, options))

    def structures(
        self, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[Structure, Structure, Structure]:
        """Those of the procedure, the arguments of a call, and what they reach."""
        given = self.options.fix(arguments, options)
        _, structure, places = flatten_with_variables(given, self.places)
        reach = Reach(("tuple", None, (self.structure, structure)), places)
        return self.structure, structure, reach.structure

    def lower(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> jax.stages.Lowered:
        """The program of a call, traced and lowered as if it were met for the first time."""
        entry, leaves = self.entry(arguments, options)
        return entry.renewed().lowered([*self.front, *entry.lifted, *leaves])

    def jaxpr(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The jaxpr of the program of a call."""
        entry, leaves = self.entry(arguments, options)
        return entry.renewed().jaxpr([*self.front, *entry.lifted, *leaves])

    def entry(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[Entry, list[Any]]:
        """What is known of calls like this one, and the leaves of the arguments."""
        entry, whole = self._found(arguments, options)
        return entry, held(whole)

    def _found(
        self, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[Entry, list[Any]]:
        """The same, with places of tensors as leaves."""
        if self.is_mutable:
            known = self.structure, list(map(id, self.places))
            self._take_apart()
            if (self.structure, list(map(id, self.places))) != known:
                self.entries.clear()
        leaves, structure, places = flatten_with_variables(
            self.options.fix(arguments, options), self.places
        )
        is_inside = _is_inside_a_trace()
        entry = None if is_inside else self.entries.get((structure, CONFIG.mode))
        if entry is None or entry.is_mutable:
            given = self.options.inside_a_trace if _has_tracer(held(leaves)) else self.options
            are_given = len(places) > len(self.places)
            entry = Entry(self.name, self.structure, structure, given, places, are_given)
            if not is_inside:
                self._keep(structure, entry)
        return entry, leaves

    def _keep(self, structure: Structure, entry: Entry) -> None:
        """Use ``entry`` again until one of the variables that it reads is defined again."""
        with self.lock:
            for namespace, name in (*entry.reach.variables, *entry.reach.absent):
                if (namespace, name) not in self.watched:
                    self.watched.add((namespace, name))
                    _follow(self, namespace, name)
            if entry.reach.holds():  # another thread may have defined one before it was watched
                self.entries[structure, CONFIG.mode] = entry
            if not any(history is entry.program.history for history in self.histories):
                self.histories.append(entry.program.history)

    def _reading(
        self, function: Callable[..., Any], front: Sequence[Any], inputs: Sequence[Any]
    ) -> Callable[..., Any]:
        """A compiled function of arrays, given what places hold when it is called."""

        def call(*arguments: Any) -> Any:
            if LIFTED.baked is not None:
                return self.call(arguments, {})
            result = function(*held(front), *arguments)
            return result.value((*inputs, *arguments)) if result.__class__ is Results else result

        return call

    def compilations(self) -> list[Compilation]:
        """The compilations of all programs that this procedure has used, oldest first."""
        with self.lock:
            found = list(itertools.chain.from_iterable(self.histories))
        return sorted(found, key=lambda compilation: compilation.number)

    def _remember(
        self,
        arguments: tuple[Any, ...],
        options: Any,
        entry: Entry,
        leaves: list[Any],
        result: Any,
    ) -> None:
        """Take a short path next time, if it is known what goes in."""
        program = entry.program
        changes = self.is_mutable or entry.is_mutable or program.baked
        if changes or program.may_fail or self.options.device is not None:
            return
        if FOLLOWERS.extents:
            return
        front = (*self._front, *entry._lifted)
        are_arrays = all(a.__class__ is ArrayImpl for a in arguments) and not BUFFERS
        if are_arrays and not options and is_plain(program):
            function = program.variant([*front, *leaves])
            if function is None:
                return
            inputs = (*self.leaves, *entry.reach.leaves)
            if entry.reach.places:
                function = self._reading(function, front, inputs)
            else:
                function = partial(function, *front) if front else function
                if result.__class__ is not ArrayImpl:
                    function = _finished(function, inputs)
            self.fast[len(arguments)] = function
            return
        if entry.reach.places:
            return
        entry.calls += 1
        if _is_time(entry.calls):
            found = way(program, front, (*self.leaves, *entry.reach.leaves), leaves)
            if found is None:
                return
            ways = self.ways
            if options:
                ways = self.keyword_ways.setdefault((len(arguments), tuple(options)), [])
            ways.insert(0, found)
            del ways[MOST_WAYS:]


def main_procedure(jitted: Jitted) -> Lambda | None:
    """The Core of a jitted procedure; if Python made it of procedures, that of the first."""
    known = procedure_of(jitted.function)
    if known is None:
        function = next(closures_of(jitted.structure), None)
        known = None if function is None else procedure_of(function)
    return None if known is None else known.node


def _finished(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Callable[..., Any]:
    """A compiled function whose results are more than one array, giving the value of the call."""

    def call(*arguments: Any) -> Any:
        return function(*arguments).value((*inputs, *arguments))

    return call


def _is_time(calls: int) -> bool:
    """Whether to try to write straight-line code: ever more seldom, should it not be used."""
    return calls >= CALLS_TO_PAY and calls & (calls - 1) == 0


def _has_tracer(leaves: list[Any]) -> bool:
    return any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)


def _is_inside_a_trace() -> bool:
    """Whether a program is being traced whose top-level variables are that trace's own."""
    return bool(LIFTED.values)


_FOLLOWING = threading.RLock()
_FOLLOWERS: weakref.WeakKeyDictionary[Any, dict[str, weakref.WeakSet[Jitted]]]
_FOLLOWERS = weakref.WeakKeyDictionary()
"""By namespace and name: the jitted procedures to tell when the variable is defined again."""


def _follow(jitted: Jitted, namespace: Any, name: str) -> None:
    """Tell ``jitted``, while it is there, when a variable is defined or assigned next."""
    with _FOLLOWING:
        names = _FOLLOWERS.setdefault(namespace, {})
        if name not in names:
            names[name] = weakref.WeakSet()
            namespace.watch(name, partial(_tell, weakref.ref(namespace), name))
        names[name].add(jitted)


def _tell(reference: weakref.ref[Any], name: str) -> None:
    """Tell the jitted procedures that follow a variable that it has changed."""
    namespace = reference()
    if namespace is None:
        return
    with _FOLLOWING:
        followers = list(_FOLLOWERS[namespace].pop(name, ()))
    for jitted in followers:
        jitted.stale((namespace, name))


def jit(
    function: Any,
    static: Any = None,
    donate: Any = None,
    device: Any = None,
    backend: Any = None,
    max_depth: Any = None,
) -> Any:
    """The procedure that computes what ``function`` computes, compiled by XLA.

    It is compiled when it is first called with arguments of a new structure, shapes or dtypes.

    Raises:
        WrongType: if ``function`` can't be called.
        EshkolError: if an option names what there is not (see ``call_options``).
    """
    if not callable(function):
        raise WrongType(f"jit: expected a procedure, got {short_string(function)}")
    options = call_options("jit", function, static, donate, device, backend, max_depth)
    if hasattr(function, "eshkol_jit"):
        if not options:
            return function
        function = function.__wrapped__
    return _compiled(function, options)


def _compiled(function: Any, options: CallOptions = NO_OPTIONS) -> Any:
    """A procedure with these options, under the name and with the signature of ``function``."""
    state = Jitted(function, options)
    count = _fixed_count(function)
    if count:
        compiled = entrance(count, state.fast, state.ways, state.call)
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
    procedure.eshkol_wrapper = ("jit", options) if options else ("jit",)
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
    fast, ways = state.fast, state.ways

    def compiled(*arguments: Any, **options: Any) -> Any:
        try:
            if fast and not options and all(a.__class__ is ArrayImpl for a in arguments):
                call = fast.get(len(arguments))
                if call is not None:
                    return call(*arguments)
            if ways and not options:
                for way in ways:
                    result = way(*arguments)
                    if result is not MISS:
                        return result
        except Exception as error:
            return fail(error)
        with Boundary():
            return state.call(arguments, options)

    return compiled


WRAPPERS["jit"] = _compiled

"""Compiled programs that outlive the process: the way from a program to the store and back.

A program whose structures have words (``descriptions``) has a key that every process finds. Where
``jax.jit`` would trace, lower and compile, a stored program looks for an entry first; the results
of the executable in it are put together by the plan that stands beside. What can't be told in
words, or does not run on one device, is compiled as ever.

Which exact arguments are part of what was compiled is known only when something has been traced. So
a second entry tells, for a program, the sets of arguments that were; the key of an executable has
their values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxlib.lapack import _lapack
from jaxlib.mlir import ir

from eshkol.base.store import Store, key_of, user_store
from eshkol.core.surroundings import Surroundings
from eshkol.runtime.draw_paths import Path
from eshkol.xla._compat import (
    ArrayImpl,
    Loaded,
    are_only_callbacks,
    callback_within,
    deserialized,
    dispatcher,
    has_default_layout,
    host_callbacks,
    trace_context,
    trace_state_clean,
)
from eshkol.xla.descriptions import Reader, Undescribable, Writer
from eshkol.xla.executables import without_bodies
from eshkol.xla.host_calls import HostCall
from eshkol.xla.operation_store import COMPILER
from eshkol.xla.results import COMPUTED, Passed, Plan, Results
from eshkol.xla.store_keys import default_device, environment
from eshkol.xla.stored_calls import calls_in_words, calls_of
from eshkol.xla.trees import EXACT, TRUTH

if TYPE_CHECKING:
    from eshkol.xla.kernels import Kernel
    from eshkol.xla.programs import Program

MOST_SETS = 8
"""A program is looked for under so many sets of static arguments."""

LARGE = 1 << 15
"""So many bytes of an executable for the processor are worth to be made fewer."""

ALLOWED_CALLS = ("lapack_", "xla_ffi_python_")
"""What the names of functions outside of XLA begin with that a fresh process has too."""

CALLING_BY_NUMBERS = ("cpu", "gpu", "cuda", "rocm")
"""The platforms whose executables know what they call in the host by numbers."""


class Description:
    """What a program is, in words.

    Attributes:
        writer: which has met all that the program takes.
        key: of the words.
    """

    def __init__(self, writer: Writer, kinds: Sequence[str]) -> None:
        self.writer = writer
        self.key = key_of(_packed(writer.words), _packed(list(kinds)))
        writer.words.clear()


def described(program: Program) -> Description | str:
    """A program in words, or why it has none."""
    writer = Writer()
    try:
        for part in (program.procedure, program.arguments, program.reach):
            writer.structure(part)
        writer.add(json.dumps(program.names), program.options.max_depth)
        writer.add(*sorted(program.general))
    except Undescribable as problem:
        return f"it depends on {problem}"
    return Description(writer, program.kinds)


def named(words: Sequence[str]) -> Description:
    """A program of our own, which its name tells."""
    writer = Writer()
    writer.add("kernel", *words)
    return Description(writer, ())


def _packed(words: Any) -> bytes:
    return json.dumps(words, separators=(",", ":")).encode()


class StoredFunction:
    """A variant of a program as a function: loaded if it can be, else compiled and stored.

    Attributes:
        call: the function, quick like one that ``jax.jit`` makes.
        reason: why nothing of it is stored, if so.
        loaded: what runs, by the places where it is stored.
        calling: what runs of that and calls the host, for which there is no quick way, by what
            JAX tells calls apart by.
    """

    def __init__(self, program: Program | Kernel, description: Description, jitted: Any) -> None:
        self.program = program
        self.description = description
        self.jitted = jitted
        self.reason = ""
        self.loaded: dict[bytes, Loaded] = {}
        self.calling: dict[tuple[Any, ...], Loaded] = {}
        self.call: Callable[..., Any] = dispatcher(program.name, jitted.__wrapped__, self._miss)

    def _miss(self, *arrays: Any) -> tuple[Any, Any, bool]:
        """A call with arrays of a new kind, or of a program for which there is no quick way."""
        loaded = None
        if self.calling and trace_state_clean():
            loaded = self.calling.get(_signature(arrays))
        if loaded is None:
            loaded = self._loaded(arrays)
            if loaded is None:
                if self.reason:
                    self.program.replace(self.call, self.jitted)
                return self.jitted(*arrays), None, False
            if loaded.has_callbacks:
                self.calling[_signature(arrays)] = loaded
        return *loaded.call(arrays), False

    def trace(self, *arrays: Any) -> None:
        """Load it, or compile it, for arrays of this kind, ahead of a call with such."""
        if self._loaded(arrays) is None:
            self.jitted.trace(*arrays)

    def _loaded(self, arrays: Sequence[Any]) -> Loaded | None:
        """What runs for arrays of this kind; None if ``jax.jit`` has to be asked."""
        self.program.check_prepared()
        place = None if self.reason or not trace_state_clean() else self._place(arrays)
        if place is None:
            return None
        loaded = self.loaded.get(place.key) or place.load() or self._compiled(place, arrays)
        if loaded is not None:
            self.loaded[place.key] = loaded
        return loaded

    def _place(self, arrays: Sequence[Any]) -> Place | None:
        """Where a program for such arrays would be stored."""
        store, device = user_store(), default_device()
        if store is None or device is None:
            return None
        device = self.program.device or device
        try:
            signature = [_kind_of(array, device) for array in arrays]
            around = environment(device)
            options = _packed(_options(self.jitted))
        except Undescribable as problem:
            self.reason = str(problem)
            return None
        base = key_of(self.description.key, around, options)
        return Place(self, store, device, base, signature, arrays)

    def _compiled(self, place: Place, arrays: Sequence[Any]) -> Loaded | None:
        """The program traced, lowered and compiled, and stored if that can be."""
        traced = self.jitted.trace(*arrays)
        if not are_only_callbacks(traced.jaxpr.effects):
            self.reason = "it has effects"
            return None
        lowered = traced.lower()
        try:
            callbacks = self._callbacks(lowered, place.device)
        except Undescribable as problem:
            self.reason = f"it depends on {problem}"
            return None
        with COMPILER.fresh() as is_fresh:
            compiled = lowered.compile()
        if compiled._params.const_args:
            self.reason = "it holds on to arrays"
            return None
        program = self.program
        loaded = Loaded(compiled._executable, compiled.out_tree, program.may_fail)
        if loaded.parts is None:
            return None
        calls = _outside_calls(lowered)
        try:
            reason = loaded.obstacle(place.device) or _obstacle_of_calls(calls)
            if program.baked:
                reason = "it was compiled for the value of a top-level variable or parameter"
            if not all(is_fresh):
                reason = "it comes from JAX's own cache of compiled programs"
            if not reason:
                place.save(loaded, callbacks, any(call.startswith("lapack_") for call in calls))
        except Undescribable as problem:
            reason = str(problem)
        self.reason = reason
        return loaded

    def _callbacks(self, lowered: jax.stages.Lowered, device: jax.Device) -> list[Any] | None:
        """What a program calls in the host, in words; None if it calls nothing.

        Raises:
            Undescribable: something of it has no words.
        """
        calls = [callback_within(each, HostCall) for each in host_callbacks(lowered)]
        if None in calls:
            raise Undescribable("a Python function that it calls when it runs")
        if calls and device.platform not in CALLING_BY_NUMBERS:
            raise Undescribable(f"how a program calls the host on {device}")
        return calls_in_words(calls, self.description.writer) if calls else None


def _options(jitted: Any) -> list[Any]:
    """What else ``jax.jit`` was told.

    Raises:
        Undescribable: it was told where the program has to run.
    """
    known = jitted._jit_info
    if known.device is not None or known.backend is not None or known.compiler_options_kvs:
        raise Undescribable("where it has to run, or how it has to be compiled")
    return [list(known.donate_argnums), list(known.static_argnums), known.keep_unused]


def _kind_of(array: Any, device: jax.Device) -> list[Any]:
    """What an argument is to the compiler.

    Raises:
        Undescribable: it does not lie on the one device as arrays do.
    """
    aval = jax.api_util.shaped_abstractify(array)
    is_committed = bool(getattr(array, "committed", False))
    if isinstance(array, jax.Array):
        place, is_plain = array.sharding, isinstance(aval.dtype, np.dtype)
        if place.device_set != {device} or place.memory_kind not in _kinds(device):
            raise Undescribable(f"arguments elsewhere than on {device}")
        if is_committed and is_plain and not has_default_layout(array):
            raise Undescribable("arguments with layouts of their own")
    return [str(aval.dtype), list(aval.shape), bool(aval.weak_type), is_committed]


def _signature(arrays: Sequence[Any]) -> tuple[Any, ...]:
    """What decides, in one process, which compiled program runs for such arrays."""
    return (trace_context(), *map(_quick_kind, arrays))


def _quick_kind(array: Any) -> Any:
    if array.__class__ is not ArrayImpl:
        return jax.api_util.shaped_abstractify(array)
    if not array.committed:
        return array.aval
    return array.aval, array.sharding, array.format.layout


def _kinds(device: jax.Device) -> tuple[str | None, ...]:
    return None, device.default_memory().kind


def _outside_calls(lowered: jax.stages.Lowered) -> set[str]:
    """The names of the functions outside of XLA that a program calls."""
    names: set[str] = set()
    module: Any = lowered.compiler_ir("stablehlo")

    def visit(operation: Any) -> Any:
        if operation.name == "stablehlo.custom_call":
            names.add(str(operation.attributes["call_target_name"]).strip('"'))
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    return names


def _obstacle_of_calls(names: set[str]) -> str:
    for name in sorted(names):
        if not name.startswith(ALLOWED_CALLS):
            return f"it calls {name}, which a fresh process may lack"
    return ""


# ---- entries


class Place:
    """Where a program for arrays of one kind is stored.

    Args:
        function: the variant of the program.
        store: where entries are.
        device: it runs on.
        base: the key of all but the values of static arguments and the arrays.
        signature: the kinds of the arrays.
        arrays: those of the call.
    """

    def __init__(
        self,
        function: StoredFunction,
        store: Store,
        device: jax.Device,
        base: bytes,
        signature: list[Any],
        arrays: Sequence[Any],
    ) -> None:
        self.program = function.program
        self.writer = function.description.writer
        self.store = store
        self.device = device
        self.base = base
        self.signature = _packed(signature)
        self.arrays = arrays
        self.key = key_of(base, self.signature)
        self.has_exact = EXACT in self.program.kinds or TRUTH in self.program.kinds

    def load(self) -> Loaded | None:
        """The program, if it is stored."""
        for static in self._sets():
            content = self.store.read(self._entry(static))
            if content is None:
                continue
            try:
                loaded = self._unpacked(content)
            except Exception:
                # Whatever is wrong with an entry, the program can still be compiled.
                continue
            sites = _sites_of(loaded)
            if sites and not self.program.learn(sites):
                continue
            self.program.may_fail = self.program.may_fail or loaded.may_fail
            self.program.note_load(static)
            return loaded
        return None

    def save(self, loaded: Loaded, callbacks: list[Any] | None, calls_lapack: bool) -> None:
        """Store a program that was just traced.

        Args:
            loaded: the program.
            callbacks: what it calls in the host, in words.
            calls_lapack: whether it needs LAPACK.

        Raises:
            Undescribable: its results have no words.
        """
        static = self.program.used()
        sets = self._sets()
        if static not in sets:
            if len(sets) == MOST_SETS:
                return
            self.store.write(self._sets_key(), _packed([*sets, static]))
        self.store.write(self._entry(static), self._content(loaded, callbacks, calls_lapack))

    def _entry(self, static: tuple[int, ...]) -> bytes:
        values = [repr(value) for value in self.program.values_of(static)]
        return key_of(self.base, self.signature, _packed([static, values]))

    def _sets_key(self) -> bytes:
        return key_of(self.base, b"static arguments")

    def _sets(self) -> list[tuple[int, ...]]:
        """The sets of static arguments under which programs were stored."""
        if not self.has_exact:
            return [()]
        content = self.store.read(self._sets_key())
        if content is None:
            return []
        try:
            found = [tuple(static) for static in json.loads(content)][:MOST_SETS]
        except (ValueError, TypeError):
            return []
        numbers = range(len(self.program.kinds))
        return [s for s in found if all(index.__class__ is int and index in numbers for index in s)]

    def _content(self, loaded: Loaded, callbacks: list[Any] | None, calls_lapack: bool) -> bytes:
        parts = loaded.parts
        results = []
        for aval in parts.output_avals:
            if not isinstance(aval.dtype, np.dtype) and str(aval.dtype) != _KEY_DTYPE:
                raise Undescribable(f"a result of dtype {aval.dtype}")
            results.append([str(aval.dtype), list(aval.shape), bool(aval.weak_type)])
        kept = sorted(parts.kept_var_idx)
        plan = _plan_words(loaded, self.writer)
        effects = callbacks and [loaded.may_fail, *callbacks]
        head = _packed([kept, results, bool(parts.committed), calls_lapack, plan, effects])
        return len(head).to_bytes(8, "big") + head + _serialized(loaded, self.device)

    def _unpacked(self, content: bytes) -> Loaded:
        start = 8 + int.from_bytes(content[:8], "big")
        kept, results, is_committed, calls_lapack, plan, effects = json.loads(content[8:start])
        may_fail, *callbacks = effects or [False]
        if calls_lapack:
            _lapack.initialize()
        out_avals = [
            jax.core.ShapedArray(tuple(shape), _dtype(dtype), weak_type=is_weak)
            for dtype, shape, is_weak in results
        ]
        return Loaded.from_bytes(
            content[start:],
            self.device,
            self.program.name,
            [jax.api_util.shaped_abstractify(array) for array in self.arrays],
            out_avals,
            kept,
            is_committed,
            _out_tree(plan, len(results), self.writer),
            calls_of(callbacks, self.writer) if callbacks else (),
            may_fail,
        )


def _serialized(loaded: Loaded, device: jax.Device) -> bytes:
    """The executable as bytes, on the processor without what it takes long to read."""
    whole = loaded.to_bytes()
    if device.platform != "cpu" or len(whole) < LARGE:
        return whole
    try:
        smaller = without_bodies(whole)
        deserialized(smaller, device, [print] * len(loaded.parts.host_callbacks))
    except Exception:
        # What XLA writes looks different in another version, and its own bytes are always good.
        return whole
    return smaller


# ---- results

_KEY_DTYPE = "key<fry>"


def _dtype(name: str) -> Any:
    return _key_dtype() if name == _KEY_DTYPE else jnp.dtype(name)


@cache
def _key_dtype() -> Any:
    """The dtype of the keys of random numbers."""
    words: Any = np.zeros(2, np.uint32)
    return jax.random.wrap_key_data(words, impl="threefry2x32").dtype


_COMPUTED, _PASSED, _KNOWN = "computed", "passed", "known"


def _plan_words(loaded: Loaded, known: Writer) -> list[Any] | None:
    """The plan to make a value of the results; None where they are one array."""
    results = jax.tree_util.tree_unflatten(loaded.out_tree, loaded.parts.output_avals)
    if not isinstance(results, Results):
        return None
    plan, writer = results.plan, known.continued("its result")
    counted = json.dumps([plan.sites, plan.draws])
    writer.add(counted, len(plan.writes), *plan.writes, len(plan.leaves))
    for leaf in plan.leaves:
        if leaf is COMPUTED:
            writer.add(_COMPUTED)
        elif leaf.__class__ is Passed:
            writer.add(_PASSED, leaf.index)
        else:
            writer.add(_KNOWN)
            writer.value(leaf)
    writer.structure(plan.structure)
    return writer.words


def _sites_of(loaded: Loaded) -> Sequence[Path]:
    """The paths to the random draws of a program."""
    parts = loaded.parts
    results = parts and jax.tree_util.tree_unflatten(loaded.out_tree, parts.output_avals)
    return results.plan.sites if isinstance(results, Results) else ()


def _out_tree(words: list[Any] | None, count: int, known: Writer) -> Any:
    """What makes the results of ``count`` arrays."""
    if words is None:
        return jax.tree_util.tree_structure(0)
    reader = Reader(words, known)
    sites, draws = json.loads(reader.word())
    writes = [reader.word() for _ in range(reader.word())]
    leaves = [_leaf(reader) for _ in range(reader.word())]
    paths = tuple([tuple([_surroundings(*words) for words in path]) for path in sites])
    counted = None if draws is None else tuple(draws)
    plan = Plan(reader.structure(), leaves, paths, counted, tuple(writes))
    return jax.tree_util.tree_structure(Results([0] * count, plan))


def _surroundings(procedure: str, top: str, name: str, names: Sequence[str]) -> Surroundings:
    return Surroundings(procedure, top, name, tuple(names))


def _leaf(reader: Reader) -> Any:
    origin = reader.word()
    if origin == _COMPUTED:
        return COMPUTED
    return Passed(reader.word()) if origin == _PASSED else reader.value()

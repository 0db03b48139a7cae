"""The names of JAX's inside that can't be avoided: all of them, here and in ``_compat_traces``.

They are the same in jax 0.10.2 and 0.12, or these modules make them so.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from types import FrameType, FunctionType
from typing import Any

import jax
import numpy as np
from jax._src import compilation_cache, source_info_util
from jax._src.array import ArrayImpl
from jax._src.compilation_cache_interface import CacheInterface
from jax._src.config import (
    ExplicitX64Mode,
    config_ext,
    default_device,
    enable_x64,
    explicit_x64_dtypes,
    trace_context,
)
from jax._src.core import (
    AxisEnv,
    Jaxpr,
    JaxprEqn,
    Literal,
    Primitive,
    concrete_or_error,
    is_concrete,
    jaxpr_as_fun,
    no_axis_name,
    trace_state_clean,
)
from jax._src.debugging import debug_callback_p, ordered_debug_effect
from jax._src.dispatch import apply_primitive
from jax._src.effects import JaxprInputEffect, control_flow_allowed_effects
from jax._src.interpreters import partial_eval, pxla
from jax._src.interpreters.ad import jvp_jaxpr
from jax._src.interpreters.batching import batch_jaxpr
from jax._src.interpreters.partial_eval import (
    convert_constvars_jaxpr,
    dce_jaxpr,
    partial_eval_jaxpr_nounits,
)
from jax._src.lib import _jax, xla_client
from jax._src.pjit import _get_fastpath_data
from jax._src.random import PRNGSpec
from jax._src.tree_util import dispatch_registry
from jax._src.util import weakref_lru_cache
from jax.sharding import SingleDeviceSharding

# ``jax.extend.core`` has these too, but brings all of Pallas along.
try:
    from jax._src.core import ClosedJaxpr
except ImportError:
    ClosedJaxpr = Jaxpr  # type: ignore[misc, assignment]

__all__ = [
    "ArrayImpl",
    "AxisEnv",
    "CacheInterface",
    "ClosedJaxpr",
    "ExplicitX64Mode",
    "Jaxpr",
    "JaxprEqn",
    "JaxprInputEffect",
    "Literal",
    "Loaded",
    "Primitive",
    "apply_primitive",
    "are_only_callbacks",
    "batch_jaxpr",
    "callback_within",
    "control_flow_allowed_effects",
    "default_device",
    "deserialized",
    "detach_constants",
    "dispatcher",
    "eliminate",
    "enable_x64",
    "evaluate",
    "explicit_x64_dtypes",
    "has_default_layout",
    "has_name",
    "host_callbacks",
    "install_cache",
    "is_concrete",
    "is_tracing",
    "jaxpr_as_fun",
    "jvp_jaxpr",
    "must_be_concrete",
    "partial_eval_jaxpr_nounits",
    "put_on_device",
    "scan_counts",
    "set_thread_width",
    "spelled_out",
    "topology_fingerprint",
    "trace_context",
    "trace_state_clean",
    "weakref_lru_cache",
    "with_results",
]


def is_tracing() -> bool:
    """Whether JAX is tracing something in this thread."""
    return not trace_state_clean()


def set_thread_width(width: bool | None) -> None:
    """Let 64-bit numbers exist in this thread or not; None if the process-wide flag is to say."""
    is_default = width is None or width is enable_x64.get_global()
    enable_x64.set_local(config_ext.unset if is_default else width)


def must_be_concrete(frame: FrameType) -> bool:
    """Whether the frame is of the function by which JAX asks for a value that it needs."""
    return frame.f_code is concrete_or_error.__code__


def has_name(axis: Any) -> bool:
    """Whether an axis of a ``vmap`` has a name, which collective operations refer to."""
    return axis.name is not no_axis_name


def detach_constants(jaxpr: ClosedJaxpr) -> tuple[ClosedJaxpr, list[Any]]:
    """The jaxpr with its constants as its first arguments, and the constants."""
    constants = list(jaxpr.consts)
    if hasattr(jaxpr, "with_consts"):
        return jaxpr.with_consts(()), constants
    return ClosedJaxpr(convert_constvars_jaxpr(jaxpr.jaxpr), ()), constants


def eliminate(
    jaxpr: ClosedJaxpr, used: Sequence[bool], keep: Sequence[bool]
) -> tuple[ClosedJaxpr, list[bool]]:
    """The jaxpr without what only unused results need, and which arguments it still has.

    Args:
        jaxpr: any.
        used: for each result whether it is used.
        keep: for each argument whether it stays in any case.
    """
    smaller: Any
    smaller, reads = dce_jaxpr(jaxpr.jaxpr, list(used), list(keep))
    is_closed = hasattr(smaller, "with_consts")
    return smaller if is_closed else ClosedJaxpr(smaller, jaxpr.consts), list(reads)


def scan_counts(equation: Any) -> tuple[int, int]:
    """How many operands of a ``scan`` equation are constants, and how many are carried."""
    parameters = equation.params
    if "num_consts" in parameters:
        return parameters["num_consts"], parameters["num_carry"]
    constants, carry, _ = parameters["ft_in"].update(equation.invars).unpack()
    return len(list(constants)), len(list(carry))


_lowered = getattr(partial_eval, "lower_jaxpr2", None)


def spelled_out(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of arrays gives, in operations that are kept until compilation as they are.

    JAX 0.12 keeps some operations whole, such as ``nonzero``, and spells them out when it compiles;
    whether 64-bit numbers exist, which is a matter of the place where they were traced, is then
    forgotten.
    """
    if _lowered is None or not is_tracing():
        return function(*arguments)
    whole, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
    parts = jaxpr_as_fun(_lowered(whole))(*jax.tree.leaves(arguments))
    return jax.tree.unflatten(jax.tree.structure(shapes), parts)


def with_results(jaxpr: Any, variables: Sequence[Any]) -> Any:
    """An open jaxpr that gives these of its variables."""
    names = jaxpr.debug_info._replace(result_paths=("",) * len(variables))
    return jaxpr.replace(outvars=list(variables), debug_info=names)


def evaluate(equation: JaxprEqn, values: Sequence[Any]) -> list[Any]:
    """The results of an equation, computed as if where it was written."""
    parameters = equation.primitive.get_bind_params(equation.params)
    stack = source_info_util.current_name_stack() + equation.source_info.name_stack
    origin = source_info_util.user_context(equation.source_info.traceback, name_stack=stack)
    with origin, equation.ctx.manager:
        results = equation.primitive.bind(*values, **parameters)
    return list(results) if equation.primitive.multiple_results else [results]


# ---- compiled programs apart from what was traced


Miss = Callable[..., tuple[Any, Any, bool]]


def dispatcher(name: str, function: Callable[..., Any], miss: Miss) -> Callable[..., Any]:
    """A function that is as quick to call as what ``jax.jit`` makes.

    Args:
        name: of the function.
        function: called instead while ``jax.disable_jit`` holds.
        miss: called with arguments of a kind that was not met before, gives the results, what
            :meth:`Loaded.call` gives as the quick way for later calls, and False.
    """
    keys = pxla.JitGlobalCppCacheKeys()
    return _jax.pjit(name, function, miss, [], [], keys, dispatch_registry, pxla.cc_shard_arg)


def topology_fingerprint(device: jax.Device) -> int:
    """Tells the kind of the device, and of the processor, from others that need other code."""
    return xla_client.get_topology_for_devices([device]).fingerprint()


def deserialized(
    data: bytes, device: jax.Device, callbacks: Sequence[Callable[..., Any]] = ()
) -> Any:
    """XLA's executable, read from the bytes that it was serialized to.

    Args:
        data: the bytes.
        device: to run on.
        callbacks: what it calls in the host, by the numbers that the executable knows them by.
    """
    client: Any = device.client
    devices = xla_client.DeviceList((device,))
    return client.deserialize_executable(
        data, executable_devices=devices, host_callbacks=[_ordered(call) for call in callbacks]
    )


def _ordered(call: Callable[..., Any]) -> Callable[..., Any]:
    """What XLA calls for an ordered callback, as JAX lowers one."""

    def run(token: Any, *values: Any) -> tuple[Any]:
        debug_callback_p.impl(
            *values, callback=call, effect=ordered_debug_effect, partitioned=False
        )
        return (token,)

    return run


def host_callbacks(lowered: jax.stages.Lowered) -> list[Callable[..., Any]]:
    """What a lowered program calls in the host, in the order of the numbers it knows them by."""
    whole: Any = lowered
    return list(whole._lowering.compile_args["host_callbacks"])


def callback_within(function: Callable[..., Any], kind: type) -> Any:
    """The one callable of a class that a callback was made of; None if there is no such."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    stack: list[Any] = [function]
    while stack:
        each = stack.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, kind):
            found[id(each)] = each
        elif each.__class__ is FunctionType:
            stack += [cell.cell_contents for cell in each.__closure__ or ()]
    return found.popitem()[1] if len(found) == 1 else None


def are_only_callbacks(effects: Iterable[Any]) -> bool:
    """Whether effects are those of ordered callbacks without results, or none."""
    return all(effect is ordered_debug_effect for effect in effects)


class Loaded:
    """A compiled program on one device, with default layouts, and no effects but callbacks.

    Args:
        executable: JAX's, which has been compiled or put together here.
        out_tree: of its results.
        may_fail: whether its callbacks can end it.
    """

    def __init__(self, executable: Any, out_tree: Any, may_fail: bool = False) -> None:
        self.executable = executable
        self.out_tree = out_tree
        self.may_fail = may_fail

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        device: jax.Device,
        name: str,
        in_avals: Sequence[Any],
        out_avals: Sequence[Any],
        kept: Sequence[int],
        is_committed: bool,
        out_tree: Any,
        callbacks: Sequence[Callable[..., Any]] = (),
        may_fail: bool = False,
    ) -> Loaded:
        """The program that XLA made these bytes of.

        Args:
            data: what :meth:`to_bytes` gave on a device of the same kind, by the same version.
            device: to run on.
            name: of the program.
            in_avals: of all arguments.
            out_avals: of the results.
            kept: the indices of the arguments that the program reads.
            is_committed: whether the results are bound to the device.
            out_tree: of the results.
            callbacks: what the program calls in the host, in order.
            may_fail: whether they can end it.
        """
        devices = xla_client.DeviceList((device,))
        here = SingleDeviceSharding(device, memory_kind=device.default_memory().kind)
        kept_avals = [in_avals[index] for index in kept]
        parts = {
            "xla_executable": deserialized(data, device, callbacks),
            "device_list": devices,
            "backend": device.client,
            "input_avals": kept_avals,
            "input_shardings": [here] * len(kept_avals),
            "output_avals": list(out_avals),
            "output_shardings": [here] * len(out_avals),
            "committed": is_committed,
            "name": name,
            "unordered_effects": [],
            "ordered_effects": [ordered_debug_effect] if callbacks else [],
            "keepalive": [],
            "host_callbacks": list(callbacks),
            "kept_var_idx": set(kept),
            "xla_in_layouts": [None] * len(kept_avals),
            "dispatch_in_layouts": [None] * len(kept_avals),
            "xla_out_layouts": [None] * len(out_avals),
        }
        names = [field.name for field in dataclasses.fields(pxla.UnloadedMeshExecutable)]
        make: Any = pxla.UnloadedMeshExecutable
        whole = make(**{name: parts.get(name) for name in names})
        return cls(whole.load(), out_tree, may_fail)

    @property
    def parts(self) -> Any:
        """What JAX knows of the program."""
        return self.executable._unloaded_executable

    @property
    def has_callbacks(self) -> bool:
        """Whether it calls something in the host, which no quick way knows how to do."""
        return bool(self.parts.ordered_effects)

    def to_bytes(self) -> bytes:
        """What XLA compiled, as bytes."""
        return self.parts.xla_executable.serialize()

    def obstacle(self, device: jax.Device) -> str:
        """Why the program can't be kept as bytes; nothing if it can."""
        parts = self.parts
        if parts is None or parts.mut is not None:
            return "it holds on to arrays"
        if parts.unordered_effects or not are_only_callbacks(parts.ordered_effects):
            return "it has effects"
        if parts.keepalive:
            return "it calls Python"
        kind = device.default_memory().kind
        for sharding in (*parts.input_shardings, *parts.output_shardings):
            if sharding.__class__ is not SingleDeviceSharding or sharding.device_set != {device}:
                return "it runs on several devices"
            if sharding.memory_kind not in (None, kind):
                return "it uses another memory"
        layouts = zip(
            parts.xla_out_layouts, parts.output_shardings, parts.output_avals, strict=True
        )
        if any(layout is not None for layout in parts.dispatch_in_layouts) or not all(
            pxla.is_default_layout(*each) for each in layouts
        ):
            return "its arrays have layouts of their own"
        return ""

    def call(self, arguments: Sequence[Any]) -> tuple[Any, Any]:
        """The results, and the quick way for later calls, if there is one."""
        results = self.executable.unsafe_call(*arguments)
        if self.has_callbacks:
            return jax.tree_util.tree_unflatten(self.out_tree, results), None
        quick = _get_fastpath_data(
            self.executable, self.out_tree, arguments, results, frozenset(), [], None, []
        )
        return jax.tree_util.tree_unflatten(self.out_tree, results), quick


def has_default_layout(array: Any) -> bool:
    """Whether an array lies in memory as arrays do."""
    return pxla.is_default_layout(array.format.layout, array.sharding, array.aval)


def put_on_device(array: np.ndarray, sharding: SingleDeviceSharding) -> Any:
    """A NumPy array, which nobody changes afterwards, as an array that is bound to no device."""
    aval = jax.core.ShapedArray(array.shape, array.dtype)
    devices = list(sharding.device_set)
    return pxla.batched_device_put(aval, sharding, [array], devices, False, True)


def install_cache(cache: CacheInterface) -> None:
    """Let JAX look into ``cache`` before it compiles anything, from now on."""
    compilation_cache.reset_cache()
    compilation_cache._cache = cache
    compilation_cache._cache_initialized = True


@functools.cache
def wide_key_kind(kind: Any) -> PRNGSpec:
    """How keys are made that draw as those of the dtype ``kind`` do, 64 bits too where JAX lowers a
    program without such numbers."""
    own = kind._impl

    def random_bits(key: Any, bit_width: int, shape: tuple[int, ...]) -> Any:
        with jax.enable_x64(True):
            return own.random_bits(key, bit_width, shape)

    return PRNGSpec(own._replace(random_bits=random_bits, name=_WIDE + own.name))


_WIDE = "wide_"


def is_wide_key(key: Any) -> bool:
    """Whether a key is of a kind that ``wide_key_kind`` gave."""
    return bool(key.dtype._impl.name.startswith(_WIDE))


def own_primitive(name: str) -> Primitive:
    """A primitive with several results, in whose jaxprs JAX may have primitives of a higher level.

    Before a program is lowered these are replaced by what they are made of; derivatives and lanes
    have their own rules.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True

    def to_lojax(*operands: Any, **parameters: Any) -> Any:
        lower = {key: _without_high(value) for key, value in parameters.items()}
        return primitive.bind(*operands, **lower)

    primitive.to_lojax = to_lojax  # type: ignore[method-assign]
    return primitive


def _without_high(value: Any) -> Any:
    """A jaxpr without primitives of a higher level; so are those in a dataclass."""
    if isinstance(value, ClosedJaxpr):
        return partial_eval.lower_jaxpr2(value) if value.is_high else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _without_high(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value

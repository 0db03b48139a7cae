"""Procedures whose derivatives are given by rules of their own, and rematerialised ones, traced.

A call is traced apart, together with its rule, and becomes a primitive (``custom_primitive``).
Outside of any trace the procedure is simply called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.ad_checkpoint import checkpoint_name as name_for_checkpoints

from eshkol.autodiff import NeedsTensors
from eshkol.base.errors import ShapeError, StagingError, WrongType
from eshkol.datum.write import short_string
from eshkol.primitives.calling import DIALECT
from eshkol.runtime.dialects import staged
from eshkol.xla import journal
from eshkol.xla._compat import detach_constants, jaxpr_as_fun
from eshkol.xla.arguments import is_sequence
from eshkol.xla.control import staging
from eshkol.xla.custom_primitive import Call, call_p
from eshkol.xla.dtypes import wide
from eshkol.xla.extents import refuse_exit, trace_part
from eshkol.xla.merging import Output
from eshkol.xla.parts import Part
from eshkol.xla.tensors import Tracer, as_tensor, cast, describe
from eshkol.xla.transforms import is_inexact
from eshkol.xla.trees import Structure, flatten, leaf_kinds, unflatten
from eshkol.xla.witness import tracer_of

Procedure = Callable[..., Any]


class Arguments:
    """The arguments of a call, taken apart.

    Attributes:
        leaves: of all arguments.
        structure: of the tuple of them.
        places: which leaves are arrays, the operands of what the call becomes.
        active: for each operand whether it is of inexact numbers.
    """

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self.leaves, self.structure = flatten(arguments)
        self.places = [
            index for index, leaf in enumerate(self.leaves) if isinstance(leaf, jax.Array)
        ]
        self.operands = [self.leaves[place] for place in self.places]
        self.active = tuple(map(is_inexact, self.operands))

    @property
    def is_traced(self) -> bool:
        """Whether some argument is traced."""
        return any(isinstance(operand, Tracer) for operand in self.operands)

    @property
    def shapes(self) -> list[Any]:
        """Shapes and dtypes of the operands."""
        return [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in self.operands]

    @property
    def active_shapes(self) -> list[Any]:
        """Shapes and dtypes of the operands that the rule differentiates."""
        return [x for x, flag in zip(self.shapes, self.active, strict=True) if flag]

    def rebuilt(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments with these operands."""
        leaves = list(self.leaves)
        for place, array in zip(self.places, arrays, strict=True):
            leaves[place] = array
        return unflatten(self.structure, leaves)

    def directions(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Something of the structure of the arguments with these active operands, else zeros."""
        given = iter(arrays)
        leaves = [
            0.0 if leaf.__class__ is float else leaf if leaf.__class__ is bool else 0
            for leaf in self.leaves
        ]
        for place, flag, operand in zip(self.places, self.active, self.operands, strict=True):
            leaves[place] = next(given) if flag else jnp.zeros_like(operand)
        return unflatten(self.structure, leaves)


class Traced:
    """A call traced apart: ``(value, residuals)`` of some arguments.

    Attributes:
        part: the traced call.
        structure: of the value.
        count: how many leaves the value has.
    """

    def __init__(self, function: Procedure, arguments: Arguments) -> None:
        self.part = trace_part(
            lambda *arrays: function(*arguments.rebuilt(arrays)), arguments.shapes
        )
        if self.part.targets:
            refuse_exit()
        self.result = self.part.structure[2][0]
        self.structure = self.result[2][0]
        self.count = len(list(leaf_kinds(self.structure)))

    @property
    def outputs(self) -> list[Output]:
        """The leaves of the value that are arrays."""
        return [leaf for leaf in self.part.leaves[: self.count] if isinstance(leaf, Output)]

    @property
    def ruled(self) -> list[Output]:
        """Those of inexact numbers."""
        return [output for output in self.outputs if jnp.issubdtype(output.dtype, jnp.inexact)]

    def pair(self, results: Sequence[Any]) -> tuple[Any, Any]:
        """The value and the residuals, made of these results."""
        return self._whole(results)[0]

    def finish(self, results: Sequence[Any]) -> Any:
        """The value made of these results; what the call has written is written."""
        (value, _), contents, _ = self._whole(results)
        journal.write(self.part.written, contents)
        return value

    def _whole(self, results: Sequence[Any]) -> Any:
        leaves = [x if not isinstance(x, Output) else results[x.index] for x in self.part.leaves]
        return unflatten(self.part.structure, leaves)

    def factors(self, arrays: Sequence[Any]) -> Any:
        """Something of the structure of the value with these ruled leaves, else zeros."""
        given = iter(arrays)
        leaves = []
        for leaf in self.part.leaves[: self.count]:
            is_ruled = isinstance(leaf, Output) and jnp.issubdtype(leaf.dtype, jnp.inexact)
            leaves.append(next(given) if is_ruled else 0)
        return unflatten(self.structure, leaves)


def apply_custom(
    who: str,
    forward: Procedure,
    push: Procedure | None,
    pull: Procedure | None,
    arguments: tuple[Any, ...],
) -> Any:
    """Call a procedure whose derivative with respect to its arguments is given by a rule.

    Args:
        who: the primitive that made it, for errors.
        forward: gives the value and the residuals for the arguments.
        push: gives the direction of the value for the arguments and their directions.
        pull: gives a list of factors of the arguments for ``(arguments, value, residuals,
            factor)``.
        arguments: of the call.
    """
    taken = Arguments(arguments)
    if not taken.is_traced:
        return forward(*arguments)[0]
    with wide():
        traced = Traced(lambda *own: staging(forward, *own), taken)
        if push is not None:
            rule = _traced_push(who, push, taken, traced)
        else:
            assert pull is not None
            rule = _traced_pull(who, pull, taken, traced)
        results = _bind(taken, traced, rule, push is None)
        return traced.finish(results)


def _bind(arguments: Arguments, traced: Traced, rule: Part, is_backward: bool) -> list[Any]:
    call_jaxpr, call_constants = detach_constants(traced.part.jaxpr)
    rule_jaxpr, rule_constants = detach_constants(rule.jaxpr)
    ruled = {output.index for output in traced.ruled}
    call = Call(
        call_jaxpr,
        rule_jaxpr,
        is_backward,
        len(call_constants),
        len(rule_constants),
        arguments.active,
        tuple(index in ruled for index in range(len(call_jaxpr.out_avals))),
    )
    operands = [*call_constants, *rule_constants, *arguments.operands]
    return call_p.bind(*operands, **call.parameters)


def _traced_push(who: str, push: Procedure, arguments: Arguments, traced: Traced) -> Part:
    count = len(arguments.shapes)

    def run(*arrays: Any) -> tuple[Any, ...]:
        points = arguments.rebuilt(arrays[:count])
        directions = arguments.directions(arrays[count:])
        given = staging(push, points, directions)
        return _like_outputs(who, given, traced)

    return _rule(who, run, [*arguments.shapes, *arguments.active_shapes])


def _like_outputs(who: str, given: Any, traced: Traced) -> tuple[Any, ...]:
    leaves = _leaves_like(who, "the direction of the value", given, traced.structure)
    flags = [
        isinstance(leaf, Output) and jnp.issubdtype(leaf.dtype, jnp.inexact)
        for leaf in traced.part.leaves[: traced.count]
    ]
    chosen = [leaf for leaf, flag in zip(leaves, flags, strict=True) if flag]
    what = "the direction of the value"
    return tuple(_as(who, what, *pair) for pair in zip(chosen, traced.ruled, strict=True))


def _traced_pull(who: str, pull: Procedure, arguments: Arguments, traced: Traced) -> Part:
    count = len(arguments.shapes)
    results = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in traced.part.jaxpr.out_avals]
    factors = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in traced.ruled]

    def run(*arrays: Any) -> tuple[Any, ...]:
        points = arguments.rebuilt(arrays[:count])
        value, residuals = traced.pair(arrays[count : count + len(results)])
        factor = traced.factors(arrays[count + len(results) :])
        given = staging(pull, points, value, residuals, factor)
        return _like_arguments(who, given, arguments)

    return _rule(who, run, [*arguments.shapes, *results, *factors])


def _like_arguments(who: str, given: Sequence[Any], arguments: Arguments) -> tuple[Any, ...]:
    structures = arguments.structure[2]
    leaves: list[Any] = []
    for number, (part, structure) in enumerate(zip(given, structures, strict=True)):
        what = "the gradient" if len(structures) == 1 else f"gradient {number + 1}"
        leaves += _leaves_like(who, what, part, structure)
    found = []
    for place, flag, operand in zip(
        arguments.places, arguments.active, arguments.operands, strict=True
    ):
        if flag:
            found.append(_as(who, "the gradient", leaves[place], operand))
    return tuple(found)


def _leaves_like(who: str, what: str, given: Any, structure: Structure) -> list[Any]:
    """The leaves of ``given``, which has this structure; zeros for ``#f``."""
    kinds = list(leaf_kinds(structure))
    if given is False:
        return [0] * len(kinds)
    if structure.__class__ is str:
        return [as_tensor(given, who) if is_sequence(given) else tracer_of(given)]
    leaves, _ = flatten(given)
    if len(leaves) != len(kinds):
        raise WrongType(
            f"{who}: the rule gives {short_string(given)} for {what}, which has {len(kinds)} parts"
        )
    return [tracer_of(leaf) for leaf in leaves]


def _as(who: str, what: str, leaf: Any, model: Any) -> Any:
    """A leaf that a rule gives as an array like ``model``; a number stands for all elements."""
    array = as_tensor(leaf, who)
    if array.shape == ():
        array = jnp.broadcast_to(array, model.shape)
    if array.shape != tuple(model.shape):
        expected = describe(jnp.zeros(model.shape, model.dtype))
        raise ShapeError(f"{who}: the rule gives {describe(leaf)} for {what}, which is {expected}")
    if jnp.issubdtype(array.dtype, jnp.complexfloating) and not jnp.issubdtype(
        model.dtype, jnp.complexfloating
    ):
        array = lax.real(array)
    return cast(array, model.dtype)


def _rule(who: str, run: Procedure, shapes: Sequence[Any]) -> Part:
    part = trace_part(run, shapes)
    if part.written:
        raise StagingError(
            f"{who}: the rule changes what was made outside of it, or draws random numbers",
            hint="a rule only computes: the procedure can pass on what the rule needs",
        )
    return part


# ---- stop-gradient


def stop_gradient(value: Any) -> Any:
    """The value, all of whose tensors and numbers count as constants for derivatives."""
    if isinstance(value, jax.Array):
        return _stopped(value)
    leaves, structure = flatten(value)
    stopped = [_stopped(leaf) if isinstance(leaf, Tracer) else leaf for leaf in leaves]
    if all(new is old for new, old in zip(stopped, leaves, strict=True)):
        return value
    return unflatten(structure, stopped)


def _stopped(array: Any) -> Any:
    if not isinstance(array, Tracer) or not is_inexact(array):
        return array
    with wide():
        return lax.stop_gradient(array)


# ---- remat


def remat(function: Procedure, policy: Any, arguments: tuple[Any, ...], options: Any) -> Any:
    """Call a procedure; what it computes is computed again where its derivative needs it."""
    if DIALECT.resolve is None and not _is_under_a_trace((function, arguments, options)):
        return function(*arguments, **options)
    taken = Arguments((*arguments, options))

    def run(*own: Any) -> tuple[Any, Any]:
        *positional, named = own
        return staging(staged(function), *positional, **named), None

    with wide():
        traced = Traced(run, taken)
        jaxpr, constants = detach_constants(traced.part.jaxpr)
        again = jax.checkpoint(jaxpr_as_fun(jaxpr), policy=_policy(policy))
        return traced.finish(again(*constants, *taken.operands))


def _is_under_a_trace(value: Any) -> bool:
    """Whether something in ``value`` is traced; numbers under a derivative of the host are not."""
    try:
        return any(isinstance(tracer_of(leaf), Tracer) for leaf in flatten(value)[0])
    except NeedsTensors:
        return False


@functools.cache
def _policy(policy: str | tuple[str, ...]) -> Any:
    """What of JAX says which values are kept."""
    policies = jax.checkpoint_policies
    if not isinstance(policy, str):
        return policies.save_only_these_names(*policy)
    return {
        "nothing": policies.nothing_saveable,
        "everything": policies.everything_saveable,
        "dots": policies.dots_saveable,
        "dots-with-no-batch-dims": policies.dots_with_no_batch_dims_saveable,
    }[policy]


def checkpoint_name(value: Any, name: str) -> Any:
    """The value, whose tensors have a name for policies of ``remat``."""
    if not _is_under_a_trace(value):
        return value
    leaves, structure = flatten(value)
    with wide():
        named = [
            name_for_checkpoints(leaf, name) if isinstance(leaf, Tracer) else leaf
            for leaf in leaves
        ]
    return unflatten(structure, named)

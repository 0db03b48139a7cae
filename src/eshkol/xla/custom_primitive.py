"""Calls whose derivatives are given by rules of their own, as JAX primitives.

``jax.custom_vjp`` has no forward mode, and its rules are traced when a derivative is taken, where
what the program around them knew is gone. Here the procedure and its rule are traced together:

* *custom_call* computes a procedure. Its tangent is what the rule says of the arguments, plus the
  usual one of what the procedure captured.
* *custom_pull* is the linear map whose transpose is a rule that goes backwards. So both modes
  work, in any nesting: forwards it is the transpose of that rule's derivative at zero, which is the
  rule's own transpose where the rule is linear, as it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import ad, batching, mlir

from eshkol.xla._compat import (
    ClosedJaxpr,
    control_flow_allowed_effects,
    jaxpr_as_fun,
    own_primitive,
)
from eshkol.xla.dtypes import wide
from eshkol.xla.loop_course import Values, select
from eshkol.xla.loop_derivative_rules import is_nonzero, no_tangents


@dataclass(frozen=True)
class Call:
    """The parameters of *custom_call*.

    Its operands are the constants of the procedure, those of the rule, and the arguments.

    Attributes:
        call_jaxpr: from the procedure's constants and the arguments to the results.
        rule_jaxpr: from the rule's constants, the arguments and, forwards, the directions of the
            active arguments to those of the active results; backwards the results and the factors
            of the active ones follow the arguments, and it gives the factors of active arguments.
        is_backward: which of both the rule is.
        call_nconsts: how many constants the procedure has.
        rule_nconsts: how many constants the rule has.
        active: for each argument whether the rule differentiates it.
        ruled: for each result whether the rule gives its derivative.
    """

    call_jaxpr: ClosedJaxpr
    rule_jaxpr: ClosedJaxpr
    is_backward: bool
    call_nconsts: int
    rule_nconsts: int
    active: tuple[bool, ...]
    ruled: tuple[bool, ...]

    @property
    def parameters(self) -> dict[str, Any]:
        """What the primitive is bound with."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def take(self, operands: Sequence[Any]) -> tuple[Values, Values, Values]:
        """The constants of the procedure, those of the rule, and the arguments."""
        first, second = self.call_nconsts, self.call_nconsts + self.rule_nconsts
        return list(operands[:first]), list(operands[first:second]), list(operands[second:])


call_p = own_primitive("custom_call")
pull_p = own_primitive("custom_pull")


def _strong(avals: Sequence[Any]) -> Values:
    return [aval.update(weak_type=False) for aval in avals]


# ---- the call


@call_p.def_effectful_abstract_eval
def _types(*_: Any, **parameters: Any) -> tuple[Values, Any]:
    jaxpr = Call(**parameters).call_jaxpr
    if unknown := control_flow_allowed_effects.filter_not_in(jaxpr.effects):
        raise NotImplementedError(f"custom_call: these effects can't happen here: {unknown}")
    return _strong(jaxpr.out_avals), frozenset(jaxpr.effects)


def _run(*operands: Any, **parameters: Any) -> Values:
    call = Call(**parameters)
    constants, _, arguments = call.take(operands)
    with wide():
        return jaxpr_as_fun(call.call_jaxpr)(*constants, *arguments)


call_p.def_impl(_run)
mlir.register_lowering(call_p, mlir.lower_fun(_run, multiple_results=True))


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    with wide():
        call = Call(**parameters)
        results = call_p.bind(*primals, **parameters)
        moved = _usual_tangents(call, primals, tangents, results)
        if any(not isinstance(t, ad.Zero) for t in select(call.take(tangents)[2], call.active)):
            ruled = iter(_ruled_tangents(call, primals, tangents, results))
            moved = [
                ad.add_tangents(tangent, next(ruled)) if is_ruled else tangent
                for tangent, is_ruled in zip(moved, call.ruled, strict=True)
            ]
        return results, moved


def _ruled_tangents(
    call: Call, primals: Sequence[Any], tangents: Sequence[Any], results: Values
) -> Values:
    """What the rule gives for the directions of the arguments."""
    _, constants, arguments = call.take(primals)
    directions = select(call.take(tangents)[2], call.active)
    given = [ad.instantiate_zeros(direction) for direction in directions]
    if not call.is_backward:
        return jaxpr_as_fun(call.rule_jaxpr)(*constants, *arguments, *given)
    residuals = [*constants, *arguments, *results]
    return pull_p.bind(*residuals, *given, rule_jaxpr=call.rule_jaxpr, count=len(residuals))


def _usual_tangents(
    call: Call, primals: Sequence[Any], tangents: Sequence[Any], results: Values
) -> Values:
    """The tangents of the results without those that the rule gives.

    Ruled results move with what the procedure captured, others with everything.
    """
    constants, _, arguments = call.take(primals)
    of_constants, _, of_arguments = call.take(tangents)
    inputs, directions = [*constants, *arguments], [*of_constants, *of_arguments]
    captured = [*[True] * len(constants), *[not flag for flag in call.active]]
    moving = list(map(is_nonzero, inputs, directions))
    of_captured = [a and b for a, b in zip(moving, captured, strict=True)]
    found = no_tangents(results)
    for wanted, chosen in ((True, of_captured), (False, moving)):
        if any(chosen) and wanted in call.ruled and (wanted or _has_free(call, results)):
            own = _tangents(call.call_jaxpr, inputs, directions, chosen)
            found = [
                new if is_ruled is wanted and jnp.issubdtype(result.dtype, jnp.inexact) else old
                for old, new, is_ruled, result in zip(found, own, call.ruled, results, strict=True)
            ]
    return found


def _has_free(call: Call, results: Values) -> bool:
    """Whether some result of inexact numbers has no rule."""
    pairs = zip(results, call.ruled, strict=True)
    return any(jnp.issubdtype(x.dtype, jnp.inexact) and not is_ruled for x, is_ruled in pairs)


def _tangents(
    jaxpr: ClosedJaxpr, inputs: Values, directions: Values, moving: Sequence[bool]
) -> Values:
    def run(*moved: Any) -> Values:
        given = iter(moved)
        whole = [next(given) if flag else x for x, flag in zip(inputs, moving, strict=True)]
        return jaxpr_as_fun(jaxpr)(*whole)

    return jax.jvp(run, tuple(select(inputs, moving)), tuple(select(directions, moving)))[1]


ad.primitive_jvps[call_p] = _jvp


def _batch(
    operands: Sequence[Any], dims: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    with wide():
        call = Call(**parameters)
        placed = _lanes_first(operands, dims)
        size = _lane_count(placed, dims)
        mapped = [dim is not None for dim in dims]
        of_call, of_rule, of_arguments = call.take(mapped)
        of_active = select(of_arguments, call.active)
        call_jaxpr = _in_lanes(call.call_jaxpr, [*of_call, *of_arguments], size)
        if call.is_backward:
            count = len(call.rule_jaxpr.in_avals) - len(of_rule) - len(of_arguments)
            flags = [*of_rule, *of_arguments, *[True] * count]
            rule_jaxpr = _in_lanes(call.rule_jaxpr, flags, size, of_active)
        else:
            flags = [*of_rule, *of_arguments, *of_active]
            rule_jaxpr = _in_lanes(call.rule_jaxpr, flags, size)
        parameters |= {"call_jaxpr": call_jaxpr, "rule_jaxpr": rule_jaxpr}
        results = call_p.bind(*placed, **parameters)
        return results, [0] * len(results)


def _lanes_first(operands: Sequence[Any], dims: Sequence[Any]) -> Values:
    pairs = zip(operands, dims, strict=True)
    return [x if dim is None else jnp.moveaxis(x, dim, 0) for x, dim in pairs]


def _lane_count(placed: Values, dims: Sequence[Any]) -> int:
    return next(x.shape[0] for x, dim in zip(placed, dims, strict=True) if dim is not None)


def _in_lanes(
    jaxpr: ClosedJaxpr, mapped: Sequence[bool], size: int, kept: Sequence[bool] | None = None
) -> ClosedJaxpr:
    """The jaxpr for all lanes at once, whose results have a first axis of lanes.

    Args:
        jaxpr: of one lane.
        mapped: which of its arguments differ from lane to lane.
        size: how many lanes there are.
        kept: which results have lanes; the others, if any, are summed over them.
    """
    run = jaxpr_as_fun(jaxpr)
    axes = tuple(0 if flag else None for flag in mapped)
    avals = [
        jax.ShapeDtypeStruct((size, *aval.shape) if flag else aval.shape, aval.dtype)
        for aval, flag in zip(jaxpr.in_avals, mapped, strict=True)
    ]

    def lanes(*inputs: Any) -> Values:
        results = jax.vmap(run, axes, 0, axis_size=size)(*inputs)
        if kept is None:
            return results
        return [x if flag else x.sum(0) for x, flag in zip(results, kept, strict=True)]

    return jax.make_jaxpr(lanes)(*avals)


batching.primitive_batchers[call_p] = _batch


# ---- the linear map of a rule that goes backwards


@pull_p.def_abstract_eval
def _pull_types(*operands: Any, rule_jaxpr: ClosedJaxpr, count: int) -> Values:
    return _strong(rule_jaxpr.in_avals[count:])


def _run_pull(*operands: Any, rule_jaxpr: ClosedJaxpr, count: int) -> Values:
    residuals, directions = operands[:count], operands[count:]
    zeros = [jnp.zeros(aval.shape, aval.dtype) for aval in rule_jaxpr.in_avals[count:]]
    with wide():
        _, transposed = jax.vjp(lambda fs: jaxpr_as_fun(rule_jaxpr)(*residuals, *fs), zeros)
        return transposed(list(directions))[0]


pull_p.def_impl(_run_pull)
mlir.register_lowering(pull_p, mlir.lower_fun(_run_pull, multiple_results=True))


def _pull_jvp(
    primals: Sequence[Any], tangents: Sequence[Any], rule_jaxpr: ClosedJaxpr, count: int
) -> tuple[Values, Values]:
    with wide():
        parameters: dict[str, Any] = {"rule_jaxpr": rule_jaxpr, "count": count}
        residuals, directions = list(primals[:count]), list(primals[count:])
        results = pull_p.bind(*primals, **parameters)
        moved = no_tangents(results)
        if any(not isinstance(t, ad.Zero) for t in tangents[count:]):
            given = [ad.instantiate_zeros(t) for t in tangents[count:]]
            moved = pull_p.bind(*residuals, *given, **parameters)
        moving = list(map(is_nonzero, residuals, tangents[:count]))
        if any(moving):

            def run(*moved: Any) -> Values:
                given = iter(moved)
                pairs = zip(residuals, moving, strict=True)
                whole = [next(given) if flag else x for x, flag in pairs]
                return _run_pull(*whole, *directions, **parameters)

            chosen = tuple(select(residuals, moving)), tuple(select(tangents[:count], moving))
            moved = list(map(ad.add_tangents, moved, jax.jvp(run, *chosen)[1]))
        return results, moved


ad.primitive_jvps[pull_p] = _pull_jvp


def _pull_transpose(
    cotangents: Sequence[Any], *operands: Any, rule_jaxpr: ClosedJaxpr, count: int
) -> Values:
    with wide():
        factors = [ad.instantiate_zeros(cotangent) for cotangent in cotangents]
        found = jaxpr_as_fun(rule_jaxpr)(*operands[:count], *factors)
        pairs = zip(operands[count:], found, strict=True)
        return [None] * count + [x if ad.is_undefined_primal(own) else None for own, x in pairs]


ad.primitive_transposes[pull_p] = _pull_transpose


def _pull_batch(
    operands: Sequence[Any], dims: Sequence[Any], rule_jaxpr: ClosedJaxpr, count: int
) -> tuple[Values, Values]:
    with wide():
        placed = _lanes_first(operands, dims)
        size = _lane_count(placed, dims)
        mapped = [dim is not None for dim in dims]
        flags = [*mapped[:count], *[True] * (len(rule_jaxpr.in_avals) - count)]
        lanes = _in_lanes(rule_jaxpr, flags, size, mapped[count:])
        results = pull_p.bind(*placed, rule_jaxpr=lanes, count=count)
        return results, [0] * len(results)


batching.primitive_batchers[pull_p] = _pull_batch

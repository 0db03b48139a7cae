"""Loops under ``vmap``: one loop runs the trips of all lanes.

A loop whose condition differs from lane to lane goes on while it holds in any of them, and a lane
whose own condition has ended keeps its state. Where it holds in all lanes alike nothing is masked,
and constants and variables that are the same in all lanes stay so.

Trips that a lane does not make are computed all the same, on a state for which the program was
not written: it may be NaN there, and a cotangent of zero times NaN is NaN, which reaches whatever
the lanes share. So the derivative of a loop is that of its *guarded* body, in which such a lane
computes with the values of one that goes on.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.xla._compat import ClosedJaxpr, JaxprEqn, batch_jaxpr, jaxpr_as_fun, weakref_lru_cache
from eshkol.xla.silence import inner_jaxprs

Flags = tuple[bool, ...]


@dataclass(frozen=True)
class Lanes:
    """A loop over all lanes, whose axis is the first one of what differs between them.

    Attributes:
        cond: of its constants and the state.
        body: of its constants and the state; those of the condition come first if it ``masks``.
        state: which parts of the state differ between lanes.
        masks: whether the condition differs between lanes.
    """

    cond: ClosedJaxpr
    body: ClosedJaxpr
    state: Flags
    masks: bool


def over_lanes(
    cond: ClosedJaxpr,
    body: ClosedJaxpr,
    axis: Any,
    mapped: tuple[Sequence[bool], Sequence[bool], Sequence[bool]],
    guards: bool,
    idles: bool,
) -> Lanes:
    """The loop over all lanes of a batched axis.

    Args:
        cond: the condition.
        body: what a trip does.
        axis: JAX's description of the axis.
        mapped: which of the constants of the condition, of the body, and of the state differ
            between lanes at the start.
        guards: whether lanes that have ended compute with the values of one that goes on. They
            do so in any case if the body has loops of its own, which else might never end; and
            never if it calls back, since a callback is to see the lane's own values.
        idles: whether trips that a lane does not make change nothing that is asked for; such a loop
            needs no masks.
    """
    of_cond, of_body, start = map(tuple, mapped)
    state = settled(body, axis, of_body, start)
    in_lanes, [masks] = batch_jaxpr(cond, axis, [*of_cond, *state], False)
    if masks and not idles:
        state = (True,) * len(state)
        in_lanes, _ = batch_jaxpr(cond, axis, [*of_cond, *state], False)
    run = batch_jaxpr(body, axis, [*of_body, *state], list(state))[0]
    if not masks:
        return Lanes(in_lanes, run, state, masks)
    if idles:
        return Lanes(_any_lane(in_lanes), run, state, masks=False)
    guards = not body.effects and (guards or has_loops(body))
    return Lanes(
        _any_lane(in_lanes), _masked(in_lanes, run, of_cond, of_body, guards), state, masks
    )


def settled(body: ClosedJaxpr, axis: Any, constants: Flags, state: Flags) -> Flags:
    """Which parts of the state differ between lanes after any number of trips."""
    while True:
        _, after = batch_jaxpr(body, axis, [*constants, *state], list(state))
        joined = tuple(map(operator.or_, state, after))
        if joined == state:
            return state
        state = joined


def has_loops(jaxpr: Any) -> bool:
    """Whether there is a loop in a jaxpr that ends by what it computes."""
    return any(map(is_loop, getattr(jaxpr, "jaxpr", jaxpr).eqns))


def is_loop(equation: JaxprEqn) -> bool:
    """Whether an equation is such a loop, or has one inside."""
    name = equation.primitive.name
    return name in ("while", "loop") or any(map(has_loops, inner_jaxprs(equation)))


@weakref_lru_cache
def _any_lane(cond: ClosedJaxpr) -> ClosedJaxpr:
    run = jaxpr_as_fun(cond)
    return jax.make_jaxpr(lambda *values: [jnp.any(run(*values)[0])])(*cond.in_avals)


@weakref_lru_cache
def _masked(
    cond: ClosedJaxpr, body: ClosedJaxpr, of_cond: Flags, of_body: Flags, guards: bool
) -> ClosedJaxpr:
    """A trip of the lanes in which the condition holds; the others keep their state."""
    split, count = len(of_cond), len(of_cond) + len(of_body)
    goes_on, run = jaxpr_as_fun(cond), jaxpr_as_fun(body)

    def trip(*values: Any) -> list[Any]:
        for_cond, constants, state = values[:split], values[split:count], values[count:]
        active = goes_on(*for_cond, *state)[0]
        given = [*constants, *state]
        if guards:
            given = guarded(active, given, [*of_body, *[True] * len(state)])
        return [choose(active, new, old) for new, old in zip(run(*given), state, strict=True)]

    return jax.make_jaxpr(trip)(*cond.in_avals[:split], *body.in_avals)


def guarded(active: Any, values: Sequence[Any], has_lanes: Sequence[bool]) -> list[Any]:
    """The values, of lanes that have ended those of one that goes on."""
    if not active.size:
        return list(values)
    # An index of 32 bits means the same under the x64 flag on and off.
    first = lax.argmax(active, 0, jnp.int32)
    return [
        choose(active, x, jnp.broadcast_to(x[first], x.shape)) if differs else x
        for x, differs in zip(values, has_lanes, strict=True)
    ]


def choose(active: Any, new: Any, old: Any) -> Any:
    """``new`` in the lanes that are active, ``old`` in the others."""
    return lax.select(lax.broadcast_in_dim(active, new.shape, (0,)), new, old)


def place_lanes(value: Any, dimension: int | None, wanted: bool, size: int, at: int = 0) -> Any:
    """The operand with its lanes along axis ``at``, repeated if it has none but they are wanted."""
    if dimension is not None:
        return jnp.moveaxis(value, dimension, at)
    if not wanted:
        return value
    shape = jnp.shape(value)
    return jnp.broadcast_to(jnp.expand_dims(value, at), (*shape[:at], size, *shape[at:]))

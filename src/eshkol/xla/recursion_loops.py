"""Loops whose trips call the recursive part that they stand in.

Such a loop is a procedure of the same program, which calls itself in tail position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.xla._compat_traces import trace
from eshkol.xla.conditions import CONDITIONS
from eshkol.xla.dtypes import BOOL
from eshkol.xla.effects import is_reached
from eshkol.xla.loop_states import Keep, run_loop
from eshkol.xla.recursion_calls import Callee, call, calls_in


def run_trips(
    goes_on: Callable[[Any], Any],
    body: Callable[[Any], Any],
    start: Any,
    keep: Keep | None = None,
) -> Any:
    """The state of a loop at its end, whose trips may be calls of what is being traced.

    Args:
        goes_on: the condition, of the state.
        body: one trip.
        start: the state before the first trip, a pytree.
        keep: what it keeps for the way back where the program does not say it.
    """
    reached = is_reached()

    def run_alone() -> Any:
        if reached is True:
            return run_loop(goes_on, body, start, keep)
        return run_loop(lambda state: lax.bitwise_and(goes_on(state), reached), body, start, keep)

    if not CONDITIONS.constructions:
        return run_alone()
    leaves, structure = jax.tree.flatten(start)
    values = [jnp.asarray(leaf) for leaf in leaves]
    types = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    callee = Callee("this loop")

    def again(values: Sequence[Any]) -> list[Any]:
        following = jax.tree.leaves(body(jax.tree.unflatten(structure, values)))
        pairs = zip(following, types, strict=True)
        return call(callee, [lax.convert_element_type(x, kind.dtype) for x, kind in pairs], types)

    def run(active: Any, *values: Any) -> list[Any]:
        callee.active = active
        holds = goes_on(jax.tree.unflatten(structure, values))
        return lax.cond(holds, again, list, list(values))

    callee.jaxpr = trace(run, [jax.ShapeDtypeStruct((), BOOL), *types])
    if all(equation.params["callee"] is callee for equation in calls_in(callee.jaxpr)):
        return run_alone()
    results = call(callee, [*values, *callee.jaxpr.consts], types, is_entry=True)
    return jax.tree.unflatten(structure, results)


def scan_trips(body: Callable[[Any, Any], Any], start: Any, counters: Any) -> Any:
    """The state after a trip for each counter; like ``lax.scan`` without outputs.

    Args:
        body: one trip, of the state and the counter.
        start: the state before the first trip, a pytree.
        counters: an array of rank 1.
    """
    if CONDITIONS.constructions:
        numbered = run_trips(
            lambda state: state[0] < counters.shape[0],
            lambda state: (state[0] + 1, body(state[1], counters[state[0]])),
            (jnp.int32(0), start),
        )
        return numbered[1]
    final, _ = lax.scan(lambda state, counter: (body(state, counter), None), start, counters)
    return final

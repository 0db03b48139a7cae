"""Blocks under ``vmap``: each is computed for all lanes as soon as one of them is in it.

A lane that is elsewhere has values there for which the block was not written. It computes with
those of a lane that is in the block, so that it comes to an end, does not fail, and puts no NaN
into a derivative. All that it borrows comes from one lane. What is the same in all lanes, such as
weights, stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import ad, batching, mlir

from eshkol.xla._compat import own_primitive
from eshkol.xla.loop_derivative_rules import no_tangents
from eshkol.xla.loop_lanes import guarded, place_lanes

guard_p = own_primitive("block_guard")


def guard(active: Any, values: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Whether any lane is active, the same in all of them, and the values to compute with.

    Args:
        active: whether this lane is; where there are lanes already, for each.
        values: of this lane.
    """
    is_any, *lent = guard_p.bind(active, *values, lanes=(0,) * len(values))
    return is_any, lent


def _guarded(active: Any, *values: Any, lanes: Sequence[int]) -> list[Any]:
    """With so many axes of ``lanes`` in front of each value, the outermost ones of ``active``.

    A lane borrows along the innermost axis if it can, so a value without that axis is the lender's.
    """
    results = list(values)
    while active.ndim:
        places = [place for place, depth in enumerate(lanes) if depth >= active.ndim]
        lent = _lending(active.ndim)(active, [results[place] for place in places])
        for place, value in zip(places, lent, strict=True):
            results[place] = value
        active = jnp.any(active, -1)
    return [active, *results]


def _lending(depth: int) -> Callable[[Any, list[Any]], list[Any]]:
    """Borrows along the last of ``depth`` axes."""
    if depth > 1:
        return jax.vmap(_lending(depth - 1))
    return lambda active, values: guarded(active, values, [True] * len(values))


guard_p.def_impl(_guarded)
mlir.register_lowering(guard_p, mlir.lower_fun(_guarded, multiple_results=True))


@guard_p.def_abstract_eval
def _types(active: Any, *values: Any, lanes: Sequence[int]) -> list[Any]:
    del lanes
    return [active.update(shape=()), *(value.update(weak_type=False) for value in values)]


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], lanes: Sequence[int]) -> tuple[Any, Any]:
    """Lanes that borrow have no share in the result, so their tangents don't matter."""
    results = guard_p.bind(*primals, lanes=lanes)
    return results, [*no_tangents(results[:1]), *tangents[1:]]


ad.primitive_jvps[guard_p] = _jvp


def _batch(
    axis: Any, operands: Sequence[Any], dims: Sequence[Any], lanes: Sequence[int]
) -> tuple[Any, Any]:
    differs = [bool(depth) or dim is not None for depth, dim in zip(lanes, dims[1:], strict=True)]
    pairs = zip(operands, dims, [True, *differs], strict=True)
    placed = [place_lanes(operand, dim, wanted, axis.size) for operand, dim, wanted in pairs]
    deeper = tuple(map(lambda depth, flag: depth + flag, lanes, differs))
    results = guard_p.bind(*placed, lanes=deeper)
    return results, [None, *(0 if flag else None for flag in differs)]


batching.fancy_primitive_batchers[guard_p] = _batch

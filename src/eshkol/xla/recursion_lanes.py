"""Blocks under ``vmap``: each is computed for all lanes as soon as one of them is in it.

A lane that is elsewhere has values there for which the block was not written. It computes with
those of a lane that is in the block, so that it neither fails nor puts a NaN into a derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.interpreters import ad, batching, mlir

from eshkol.xla._compat import Primitive
from eshkol.xla.loop_derivative_rules import no_tangents
from eshkol.xla.loop_lanes import place_lanes

guard_p = Primitive("block_guard")
guard_p.multiple_results = True


def guard(active: Any, values: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Whether any lane is active, the same in all of them, and the values to compute with.

    Args:
        active: whether this lane is; where there are lanes already, for each.
        values: of this lane.
    """
    is_any, *guarded = guard_p.bind(active, *values, rank=0)
    return is_any, guarded


def _guarded(active: Any, *values: Any, rank: int) -> list[Any]:
    """With ``rank`` axes of lanes in front of each value."""
    if rank == 0:
        return [active, *values]
    count = active.size
    flat = active.reshape(count)
    first = lax.argmax(flat, 0, jnp.int32)
    return [flat.any(), *(_borrow(flat, first, value, active.shape) for value in values)]


def _borrow(active: Any, first: Any, value: Any, lanes: tuple[int, ...]) -> Any:
    rows = value.reshape(active.size, *value.shape[len(lanes) :])
    lent = jnp.broadcast_to(lax.dynamic_index_in_dim(rows, first, 0), rows.shape)
    mask = lax.broadcast_in_dim(active, rows.shape, (0,))
    return lax.select(mask, rows, lent).reshape(value.shape)


guard_p.def_impl(_guarded)
mlir.register_lowering(guard_p, mlir.lower_fun(_guarded, multiple_results=True))


@guard_p.def_abstract_eval
def _types(active: Any, *values: Any, rank: int) -> list[Any]:
    del rank
    return [active.update(shape=()), *(value.update(weak_type=False) for value in values)]


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], rank: int) -> tuple[Any, Any]:
    """Lanes that borrow have no share in the result, so their tangents don't matter."""
    results = guard_p.bind(*primals, rank=rank)
    return results, [*no_tangents(results[:1]), *tangents[1:]]


ad.primitive_jvps[guard_p] = _jvp


def _batch(axis: Any, operands: Sequence[Any], dims: Sequence[Any], rank: int) -> tuple[Any, Any]:
    pairs = zip(operands, dims, strict=True)
    placed = [place_lanes(operand, dim, True, axis.size) for operand, dim in pairs]
    results = guard_p.bind(*placed, rank=rank + 1)
    return results, [None, *[0] * (len(results) - 1)]


batching.fancy_primitive_batchers[guard_p] = _batch

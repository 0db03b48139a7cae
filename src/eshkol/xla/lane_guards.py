"""No NaN in the gradients of what is not taken: guards around branches that lanes run both of.

Under ``vmap`` every lane computes both branches of an ``if``, and takes one. A lane whose branch
is not taken adds zero to gradients, but zero times the infinite slope of, say, a logarithm at zero
is no zero. So the values that a branch takes from outside go through two primitives, which are
nothing but names until ``vmap`` makes of the condition one for each lane:

* *guard* is the value where the condition holds; elsewhere it is that of a lane where it does, at
  which the program does compute this branch.
* *mask*, its tangent and also the transpose of that, is zero where the condition does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from eshkol.xla.dtypes import INT32, wide
from eshkol.xla.tensors import Tracer

guard_p = Primitive("guard")
mask_p = Primitive("mask")


def guard(condition: Any, value: Any) -> Any:
    """The value, for a branch that is taken if the rank-0 ``condition`` holds."""
    if not isinstance(value, Tracer) or not jnp.issubdtype(value.dtype, jnp.inexact):
        return value
    return guard_p.bind(condition, value)


def _itself(condition: Any, value: Any) -> Any:
    return value


def _type(condition: Any, value: Any) -> Any:
    return value.update(weak_type=False)


for primitive in (guard_p, mask_p):
    primitive.def_impl(_itself)
    primitive.def_abstract_eval(_type)
    mlir.register_lowering(primitive, lambda context, condition, value: [value])


def _masked(condition: Any, tangent: Any) -> Any:
    return tangent if isinstance(tangent, ad.Zero) else mask_p.bind(condition, tangent)


def _guard_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    return guard_p.bind(*primals), _masked(primals[0], tangents[1])


def _mask_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    return mask_p.bind(*primals), _masked(primals[0], tangents[1])


ad.primitive_jvps[guard_p] = _guard_jvp
ad.primitive_jvps[mask_p] = _mask_jvp
ad.primitive_transposes[mask_p] = lambda factor, condition, _: [None, _masked(condition, factor)]


def _over_lanes(primitive: Primitive, otherwise: Any) -> None:
    """How ``primitive`` is batched: ``otherwise(conditions, values)`` where lanes differ."""

    def batch(operands: Sequence[Any], dims: Sequence[Any]) -> tuple[Any, Any]:
        condition, value = operands
        of_condition, of_value = dims
        if of_condition is None:
            return primitive.bind(condition, value), of_value
        if of_value is None:
            # What all lanes share is computed with; the lanes' own values keep it from harm.
            return value, None
        with wide():
            value = jnp.moveaxis(value, of_value, 0)
            each = lax.broadcast_in_dim(condition, value.shape, (0,))
            return lax.select(each, value, otherwise(condition, value)), 0

    batching.primitive_batchers[primitive] = batch


def _of_a_lane_that_takes_it(conditions: Any, values: Any) -> Any:
    """The value of the first lane whose condition holds; ones if there is none."""
    if not values.shape[0]:
        return values
    place = lax.argmax(conditions, 0, INT32)
    start: list[Any] = [place, *[np.int32(0)] * (values.ndim - 1)]
    found = lax.dynamic_slice(values, start, (1, *values.shape[1:]))
    is_any = lax.broadcast(lax.reduce_or(conditions, (0,)), found.shape)
    regular = lax.select(is_any, found, lax.full_like(found, 1))
    return lax.stop_gradient(lax.broadcast_in_dim(regular, values.shape, range(values.ndim)))


_over_lanes(guard_p, _of_a_lane_that_takes_it)
_over_lanes(mask_p, lambda conditions, values: lax.full_like(values, 0))

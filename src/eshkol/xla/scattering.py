"""Values put where others stand in a tensor, with the derivatives that JAX leaves out."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.xla.dtypes import INT32


def scattered(x: Any, where: tuple[Any, ...], values: Any, how: str) -> Any:
    """The tensor with what stands at ``where`` replaced by values, or combined with them.

    Args:
        x: the tensor.
        where: an index for each of its first axes: whole slices, and then integer arrays of one
            shape. Those out of range are left out.
        values: broadcast to the shape of what stands there.
        how: ``set``, ``add``, ``multiply``, ``min`` or ``max``.
    """
    if how != "multiply" or x.dtype.kind not in "fcV":
        return getattr(x.at[where], how)(values, mode="drop")
    whole = sum(isinstance(index, slice) for index in where)
    first, last = range(whole), range(-whole, 0)
    places, sizes = where[whole:], x.shape[whole : len(where)]
    values = jnp.broadcast_to(values, (*x.shape[:whole], *places[0].shape, *x.shape[len(where) :]))
    front = jnp.moveaxis(x, first, last)
    rows = front.reshape(math.prod(sizes), *front.shape[len(places) :])
    numbers = _row_numbers(places, sizes).reshape(-1)
    factors = jnp.moveaxis(values, first, last).reshape(numbers.size, *rows.shape[1:])
    return jnp.moveaxis(_multiplied(rows, numbers, factors).reshape(front.shape), last, first)


def _row_numbers(places: tuple[Any, ...], sizes: tuple[int, ...]) -> Any:
    """Indices into several axes as one number each; behind the last one where there is nothing."""
    number, is_there = jnp.zeros_like(places[0]), jnp.ones(places[0].shape, bool)
    for place, size in zip(places, sizes, strict=True):
        place = jnp.where(place < 0, place + size, place)
        is_there = is_there & (place >= 0) & (place < size)
        number = number * size + place
    return jnp.where(is_there, number, math.prod(sizes)).astype(INT32)


@jax.custom_jvp
def _multiplied(rows: Any, places: Any, values: Any) -> Any:
    """Rows times all the values at their places."""
    return rows.at[places].multiply(values, mode="drop")


@_multiplied.defjvp
def _slope_of_multiplied(operands: Any, slopes: Any) -> Any:
    rows, places, values = operands
    along = functools.partial(_by_one_product, places=places)
    return jax.jvp(along, (rows, values), (slopes[0], slopes[2]))


def _by_one_product(rows: Any, values: Any, places: Any) -> Any:
    """``_multiplied``, by operations that have derivatives: each row gets at most one product."""
    order = jnp.argsort(places)
    places, values = places[order], values[order]
    is_other = places[1:] != places[:-1]
    edge = jnp.ones(min(places.size, 1), bool)
    is_first, is_last = (jnp.concatenate(parts) for parts in ((edge, is_other), (is_other, edge)))
    products = _products_from(is_first, values)
    targets = jnp.where(is_last, places, rows.shape[0])
    factors = jnp.ones_like(rows).at[targets].set(products, mode="drop")
    return rows * factors


def _products_from(is_first: Any, values: Any) -> Any:
    """The product of each value and those before it, from the last first one on."""
    marks = is_first.reshape(-1, *(1,) * (values.ndim - 1))

    def joined(left: Any, right: Any) -> Any:
        starts = left[0] | right[0]
        return starts, jnp.where(right[0], right[1], left[1] * right[1])

    return lax.associative_scan(joined, (marks, values))[1]

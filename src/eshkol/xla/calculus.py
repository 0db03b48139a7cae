"""Derivatives of all kinds of procedures on tensors and structures of them.

Each is what one would write with ``jax``: Jacobians come from one linearization, Hessians are
forward over reverse, higher orders are nested or Taylor mode (``jet``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations_with_replacement
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import jet

from eshkol.autodiff import NeedsTensors
from eshkol.base.errors import ShapeError
from eshkol.primitives.points import field_error
from eshkol.xla.directions import (
    Arrays,
    Function,
    Traced,
    basis,
    gradient_of,
    scalar_point,
    shown,
    split,
)
from eshkol.xla.directions import derivative as derivative
from eshkol.xla.directions import hvp as hvp
from eshkol.xla.directions import jvp as jvp
from eshkol.xla.directions import vjp as vjp
from eshkol.xla.dtypes import wide
from eshkol.xla.effects import completed
from eshkol.xla.transforms import Point, check_has_forward_mode
from eshkol.xla.trees import Structure, flatten, unflatten

# ---- matrices


def _blocks(traced: Traced) -> tuple[Arrays, list[Arrays]]:
    """The values and, for each of them, its derivative with respect to each array of the point.

    Forward for a tall Jacobian, backward for a wide one; the procedure is called once.
    """
    values, push = jax.linearize(traced, traced.arrays)
    if not values:
        return [], []
    is_wide = sum(value.size for value in values) < traced.size
    if is_wide and not _are_few_numbers(traced.arrays):
        try:
            rows = jax.vmap(jax.linear_transpose(push, traced.arrays))(basis(values))[0]
            return values, _divided_rows(rows, values)
        except ValueError as error:
            check_has_forward_mode(traced.who, error, traced.arrays)
    columns = _columns(push, traced.arrays)
    return values, [_divided_columns(column, traced.arrays) for column in columns]


FEW = 8
"""Up to so many numbers, that are no tensors, have products of their own."""


def _are_few_numbers(arrays: Arrays) -> bool:
    return len(arrays) <= FEW and not any(array.ndim for array in arrays)


def _columns(push: Callable[[Arrays], Arrays], arrays: Arrays) -> Arrays:
    """What a linear function gives for each unit direction of a point, along a first axis."""
    if not _are_few_numbers(arrays):
        return jax.vmap(push)(basis(arrays))
    # A linear function is its own slope, anywhere.
    zeros = [jnp.zeros_like(array) for array in arrays]
    products = [_varied(push, zeros, index) for index in range(len(arrays))]
    return [jnp.stack(parts) for parts in zip(*products, strict=True)]


def _varied(function: Function, arrays: Arrays, index: int) -> Any:
    """The derivative of a function of numbers with respect to one of them.

    The others don't vary, and are known to add nothing, also where a zero as their direction would
    meet an infinite slope.
    """

    def along(number: Any) -> Any:
        return function([*arrays[:index], number, *arrays[index + 1 :]])

    return jax.jvp(along, (arrays[index],), (jnp.ones_like(arrays[index]),))[1]


def _divided_rows(rows: Arrays, values: Arrays) -> list[Arrays]:
    start, blocks = 0, []
    for value in values:
        part = [row[start : start + value.size] for row in rows]
        blocks.append([own.reshape(*value.shape, *own.shape[1:]) for own in part])
        start += value.size
    return blocks


def _divided_columns(column: Any, arrays: Arrays) -> Arrays:
    start, blocks = 0, []
    for array in arrays:
        own = jnp.moveaxis(column[start : start + array.size], 0, -1)
        blocks.append(own.reshape(*own.shape[:-1], *array.shape))
        start += array.size
    return blocks


def jacobian(who: str, function: Function, value: Any) -> Any:
    """The derivative of each number of the value with respect to each number of the point.

    The structure of the value with that of the point in place of each number. If one of them is a
    tensor, and the other too or a nest of numbers, it is one tensor.
    """
    with wide(), completed():
        traced = Traced(who, function, value)
        values, blocks = _blocks(traced)
        point = traced.point
        shape_of_value = _nest_shape(traced.structure, iter(values))
        shape_of_point = _nest_shape(point.structure, iter(traced.arrays))
        has_tensor = any(array.ndim for array in (*values, *traced.arrays))
        if has_tensor and shape_of_value is not None and shape_of_point is not None:
            return _one_tensor(blocks, values, shape_of_value + shape_of_point)
        return unflatten(traced.structure, [point.gradient(row) for row in blocks])


def _nest_shape(structure: Structure, arrays: Iterator[Any]) -> tuple[int, ...] | None:
    """The shape of a tensor or of a regular nest of numbers; None for any other structure."""
    if structure.__class__ is str:
        return next(arrays).shape
    if structure[0] not in ("vector", "list", "python-list", "tuple"):
        return None
    if structure[2] and any(kind.__class__ is str for kind in structure[2]):
        if not all(kind.__class__ is str and next(arrays).shape == () for kind in structure[2]):
            return None
        return (len(structure[2]),)
    shapes = {_nest_shape(child, arrays) for child in structure[2]}
    if len(shapes) != 1 or None in shapes:
        return None
    (shape,) = shapes
    return None if shape is None else (len(structure[2]), *shape)


def _one_tensor(blocks: list[Arrays], values: Arrays, shape: tuple[int, ...]) -> Any:
    rows = []
    for value, row in zip(values, blocks, strict=True):
        parts = [_as_matrix(block, value.ndim) for block in row]
        rows.append(jnp.concatenate(parts, axis=1))
    return jnp.concatenate(rows, axis=0).reshape(shape)


def _as_matrix(array: Any, axes: int) -> Any:
    """An array as a matrix whose rows count its first axes; either size may be 0."""
    return array.reshape(math.prod(array.shape[:axes]), math.prod(array.shape[axes:]))


def hessian(who: str, function: Function, value: Any) -> Any:
    """The second derivatives, forward over reverse: the structure of the point, twice."""
    with wide(), completed():
        traced = Traced(who, function, value)
        _, push = jax.linearize(gradient_of(traced), traced.arrays)
        columns = _columns(push, traced.arrays)
        blocks = [_divided_columns(column, traced.arrays) for column in columns]
        return traced.point.filled([traced.point.gradient(row) for row in blocks])


def laplacian(who: str, function: Function, value: Any) -> Any:
    """The sum of the second derivatives along the axes, forward over forward if they are many."""
    with wide(), completed():
        traced = Traced(who, function, value)
        if _are_few_numbers(traced.arrays):
            _, push = jax.linearize(gradient_of(traced), traced.arrays)
            columns = _columns(push, traced.arrays)
            return shown(sum(column[index] for index, column in enumerate(columns)))

        def second(direction: Arrays) -> Any:
            def first(arrays: Arrays) -> Any:
                return jax.jvp(traced.scalar, (arrays,), (direction,))[1]

            return jax.jvp(first, (traced.arrays,), (direction,))[1]

        return shown(jax.vmap(second)(basis(traced.arrays)).sum())


def _field_matrix(who: str, function: Function, value: Any) -> tuple[Traced, Any]:
    """The Jacobian of a vector field as a square matrix."""
    traced = Traced(who, function, value)
    values, push = jax.linearize(traced, traced.arrays)
    size = sum(value.size for value in values)
    if size != traced.size:
        raise field_error(who, size, traced.size)
    columns = _columns(push, traced.arrays)
    flat = [_as_matrix(column, 1) for column in columns]
    return traced, jnp.concatenate(flat, axis=1).T


def divergence(who: str, function: Function, value: Any) -> Any:
    """The sum of the derivatives of each component along its axis."""
    with wide(), completed():
        _, matrix = _field_matrix(who, function, value)
        return shown(jnp.trace(matrix))


def curl(who: str, function: Function, value: Any) -> Any:
    """The curl of a field in three dimensions; the structure of the point."""
    with wide(), completed():
        traced, m = _field_matrix(who, function, value)
        if traced.size != 3:
            raise ShapeError(f"{who}: expected a point of 3 dimensions, got one of {traced.size}")
        parts = jnp.stack([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
        # No negative zeros: they come of the order of subtraction.
        return traced.point.gradient(split(parts + 0, traced.arrays))


# ---- higher orders

NESTED = 2
"""Up to so many orders are nested forward modes; higher ones go by Taylor mode."""


def derivatives(who: str, function: Function, x: Any, order: int) -> list[Any]:
    """The value of a procedure of one scalar and its derivatives up to ``order``."""
    with wide(), completed():
        point = scalar_point(who, x)
        traced = Traced(who, function, point)
        found = None if order <= NESTED else _by_taylor_mode(traced, point, order)
        if found is None:
            found = _by_nesting(traced, order)([point])
        return [traced.result(arrays) for arrays in found]


def _by_taylor_mode(traced: Traced, point: Any, order: int) -> list[Arrays] | None:
    """All derivatives by ``jet``; None where some operation has no rule for it."""
    series = [jnp.ones_like(point), *[jnp.zeros_like(point)] * (order - 1)]
    try:
        values, terms = jet.jet(lambda x: traced([x]), (point,), (series,))
    except NeedsTensors:
        raise
    except Exception:  # whatever it is, nesting finds it again or does without the rule
        return None
    return [values, *([term[k] for term in terms] for k in range(order))]


def _by_nesting(function: Function, order: int) -> Callable[[Arrays], list[Arrays]]:
    if order == 0:
        return lambda arrays: [function(arrays)]
    lower = _by_nesting(function, order - 1)

    def all_of_them(arrays: Arrays) -> list[Arrays]:
        ones = [jnp.ones_like(array) for array in arrays]
        values, slopes = jax.jvp(lower, (arrays,), (ones,))
        return [values[0], *slopes]

    return all_of_them


def taylor(who: str, function: Function, x: Any, order: int) -> list[Any]:
    """The Taylor coefficients of a procedure of one scalar."""
    found = derivatives(who, function, x, order)
    with wide(), completed():
        scaled = []
        for k, value in enumerate(found):
            leaves, structure = flatten(value)
            scaled.append(unflatten(structure, [leaf / math.factorial(k) for leaf in leaves]))
        return scaled


def mixed_partial(who: str, function: Function, value: Any, indices: Sequence[int]) -> Any:
    """The derivative with respect to several numbers of the point in turn, nested forward."""
    with wide(), completed():
        traced = Traced(who, function, value)
        along = traced.scalar
        for index in indices:
            along = _partial(along, traced.arrays, index)
        return shown(along(traced.arrays))


def _partial(function: Function, arrays: Arrays, index: int) -> Function:
    """The derivative of a function of arrays with respect to one number of them."""
    if _are_few_numbers(arrays):
        return lambda arrays: _varied(function, arrays, index)
    direction = [part[index] for part in basis(arrays)]
    return lambda arrays: jax.jvp(function, (arrays,), (direction,))[1]


def partials_of_order(
    who: str, function: Function, value: Any, order: int
) -> list[tuple[list[int], Any]]:
    """All mixed partials of one order: how often each number is varied, and the derivative."""
    count = size_of(who, value)
    found = []
    for indices in combinations_with_replacement(range(count - 1, -1, -1), order):
        times = [indices.count(index) for index in range(count)]
        found.append((times, mixed_partial(who, function, value, indices)))
    return found


def size_of(who: str, value: Any) -> int:
    """How many numbers of a point are differentiated."""
    with wide(), completed():
        return sum(array.size for array in Point(who, value).arrays())

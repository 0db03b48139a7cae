"""Derivatives of all kinds of procedures on tensors and structures of them.

Each is what one would write with ``jax``: Jacobian products and Jacobians come from one
linearization, Hessians are forward over reverse, higher orders are nested or Taylor mode (``jet``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations_with_replacement
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import jet

from eshkol.autodiff import Differentiable, NeedsTensors, settled
from eshkol.base.errors import ShapeError, WrongType
from eshkol.datum.pairs import NIL
from eshkol.datum.write import short_string
from eshkol.primitives.points import field_error
from eshkol.xla.arguments import is_sequence
from eshkol.xla.dtypes import COMPLEX128, FLOAT64, is_scalar_born, wide
from eshkol.xla.tensors import as_tensor, cast, describe, dimensions
from eshkol.xla.transforms import (
    Point,
    check_has_forward_mode,
    inexact_array,
    is_inexact,
    number_if_rank_0,
    scalar_result,
)
from eshkol.xla.trees import TENSOR, TRUTH, Structure, flatten, unflatten
from eshkol.xla.witness import tracer_of

Function = Callable[..., Any]
Arrays = list[Any]


class Traced:
    """A procedure as a function of the arrays of a point that are differentiated.

    Attributes:
        point: where.
        arrays: its arrays.
        structure: that of the procedure's value, once it was called.
    """

    def __init__(self, who: str, function: Function, value: Any) -> None:
        self.who = who
        self.function = function
        self.point = Point(who, value)
        self.arrays = self.point.arrays()
        self.structure: Structure = None

    @property
    def size(self) -> int:
        """How many numbers are differentiated."""
        return sum(array.size for array in self.arrays)

    def __call__(self, arrays: Arrays) -> Arrays:
        value = self.function(self.point.rebuilt(arrays))
        leaves, self.structure = flatten(value)
        if not _holds_numbers_only(self.structure):
            raise WrongType(
                f"{self.who}: expected a function that gives a number, this one gave "
                f"{short_string(value)}"
            )
        return [inexact_array(leaf) for leaf in leaves]

    def scalar(self, arrays: Arrays) -> Any:
        """The value as one array, which must be one number."""
        return scalar_result(self.who, self.function(self.point.rebuilt(arrays)))

    def result(self, arrays: Arrays) -> Any:
        """A value of the procedure's structure with these arrays as its leaves."""
        return unflatten(self.structure, [shown(array) for array in arrays])

    def direction(self, value: Any) -> Arrays:
        """The arrays of a direction, which has the structure of the point."""
        return _alike(
            self.who, "the point", value, self.point.structure, self.arrays, self.point.indices
        )


def _holds_numbers_only(structure: Structure) -> bool:
    if structure.__class__ is str:
        return structure is not TRUTH
    if structure[0] == "static":
        return structure[1].value is NIL
    return all(map(_holds_numbers_only, structure[2]))


def shown(array: Any) -> Any:
    """An array as the value of a program: a Scheme number that is known as a Python number."""
    return number_if_rank_0(array) if is_scalar_born(array) else array


def _alike(
    who: str,
    what: str,
    value: Any,
    structure: Structure,
    models: Arrays,
    indices: Sequence[int] | None = None,
) -> Arrays:
    """The leaves of ``value`` as arrays of the shapes and dtypes of ``models``.

    A tensor stands for a vector of numbers and the other way round.
    """
    is_nest = structure is TENSOR and is_sequence(value)
    leaves, own = flatten(as_tensor(value, who) if is_nest else value)
    if own is TENSOR and structure is not TENSOR and leaves[0].shape == (len(models),):
        leaves = list(leaves[0])
    elif indices is not None and len(leaves) > len(indices):
        leaves = [leaves[index] for index in indices]
    leaves = [tracer_of(leaf) for leaf in leaves]
    fits = len(leaves) == len(models) and all(
        jnp.shape(leaf) == model.shape for leaf, model in zip(leaves, models, strict=True)
    )
    if not fits:
        shapes = " ".join(f"[{dimensions(model.shape)}]" for model in models)
        raise WrongType(
            f"{who}: expected something like {what}, of shape {shapes}, got {describe(value)}"
        )
    return [
        cast(jnp.asarray(leaf), model.dtype) for leaf, model in zip(leaves, models, strict=True)
    ]


# ---- products


def jvp(who: str, function: Function, value: Any, direction: Any) -> tuple[Any, Any]:
    """The value of ``function`` and its derivative along ``direction``."""
    with wide():
        traced = Traced(who, function, value)
        along = traced.direction(direction)
        values, slopes = jax.jvp(traced, (traced.arrays,), (along,))
        return traced.result(values), traced.result(slopes)


def derivative(function: Function, x: Any) -> Any:
    """The derivative of a procedure of one scalar, by forward mode; any structure of results."""
    with wide():
        point = scalar_point("derivative", x)
        traced = Traced("derivative", function, point)
        _, slopes = jax.jvp(traced, ([point],), ([jnp.ones_like(point)],))
        shown = slopes if hasattr(x, "dtype") else [number_if_rank_0(slope) for slope in slopes]
        return unflatten(traced.structure, shown)


def scalar_point(who: str, x: Any) -> Any:
    """A number as an array of rank 0; inexact, a number of the host as a double."""
    leaf = settled(tracer_of(x))
    if isinstance(leaf, Differentiable):
        raise NeedsTensors
    if leaf.__class__ is complex:
        return jnp.asarray(leaf, COMPLEX128)
    point = jnp.asarray(leaf) if is_inexact(leaf) else jnp.asarray(leaf, FLOAT64)
    if point.shape != ():
        raise WrongType(
            f"{who}: expected a number, got the tensor {describe(point)}",
            hint="use gradient for a procedure of a tensor",
        )
    return point


def vjp(who: str, function: Function, value: Any) -> tuple[Any, Function]:
    """The value of ``function`` and what pulls a factor of it back to the point."""
    with wide():
        traced = Traced(who, function, value)
        values, pull = _pulled(traced)

    def pullback(factor: Any) -> Any:
        with wide():
            factors = _alike(who, "the value", factor, traced.structure, values)
            return traced.point.gradient(pull(factors))

    return traced.result(values), pullback


def _pulled(traced: Traced) -> tuple[Arrays, Callable[[Arrays], Arrays]]:
    """The value and the product of factors and the Jacobian."""
    values, push = jax.linearize(traced, traced.arrays)

    def pull(factors: Arrays) -> Arrays:
        try:
            (found,) = jax.linear_transpose(push, traced.arrays)(factors)
        except ValueError as error:
            check_has_forward_mode(traced.who, error, traced.arrays)
            columns = jax.vmap(push)(_basis(traced.arrays))
            weighed = [
                jnp.tensordot(column, factor, factor.ndim)
                for column, factor in zip(columns, factors, strict=True)
            ]
            found = split(sum(weighed), traced.arrays)
        return found

    return values, pull


def hvp(who: str, function: Function, value: Any, direction: Any) -> Any:
    """The product of the Hessian and ``direction``, forward over reverse."""
    with wide():
        traced = Traced(who, function, value)
        along = traced.direction(direction)
        _, products = jax.jvp(gradient_of(traced), (traced.arrays,), (along,))
        return traced.point.gradient(products)


def gradient_of(traced: Traced) -> Callable[[Arrays], Arrays]:
    """The gradient as a function of the arrays; in forward mode where a loop has no other."""

    def gradient(arrays: Arrays) -> Arrays:
        try:
            return jax.grad(traced.scalar)(arrays)
        except ValueError as error:
            check_has_forward_mode(traced.who, error, arrays)
            return jax.jacfwd(traced.scalar)(arrays)

    return gradient


# ---- matrices


def _basis(arrays: Arrays) -> Arrays:
    """All unit directions of a point, along a first axis."""
    count, start, basis = sum(array.size for array in arrays), 0, []
    for array in arrays:
        own = jnp.eye(count, array.size, -start, dtype=array.dtype)
        basis.append(own.reshape(count, *array.shape))
        start += array.size
    return basis


def split(vector: Any, arrays: Arrays) -> Arrays:
    """A vector of all numbers of a point as arrays like the point's."""
    start, parts = 0, []
    for array in arrays:
        parts.append(cast(vector[start : start + array.size].reshape(array.shape), array.dtype))
        start += array.size
    return parts


def _blocks(traced: Traced) -> tuple[Arrays, list[Arrays]]:
    """The values and, for each of them, its derivative with respect to each array of the point.

    Forward for a tall Jacobian, backward for a wide one; the procedure is called once.
    """
    values, push = jax.linearize(traced, traced.arrays)
    if sum(value.size for value in values) < traced.size:
        try:
            rows = jax.vmap(jax.linear_transpose(push, traced.arrays))(_basis(values))[0]
            return values, _divided_rows(rows, values)
        except ValueError as error:
            check_has_forward_mode(traced.who, error, traced.arrays)
    columns = jax.vmap(push)(_basis(traced.arrays))
    return values, [_divided_columns(column, traced.arrays) for column in columns]


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
    with wide():
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
        parts = [block.reshape(value.size, -1) for block in row]
        rows.append(jnp.concatenate(parts, axis=1))
    return jnp.concatenate(rows, axis=0).reshape(shape)


def hessian(who: str, function: Function, value: Any) -> Any:
    """The second derivatives, forward over reverse: the structure of the point, twice."""
    with wide():
        traced = Traced(who, function, value)
        blocks = jax.jacfwd(gradient_of(traced))(traced.arrays)
        return traced.point.rebuilt([traced.point.gradient(row) for row in blocks])


def laplacian(who: str, function: Function, value: Any) -> Any:
    """The sum of the second derivatives along the axes, forward over forward."""
    with wide():
        traced = Traced(who, function, value)

        def second(direction: Arrays) -> Any:
            def first(arrays: Arrays) -> Any:
                return jax.jvp(traced.scalar, (arrays,), (direction,))[1]

            return jax.jvp(first, (traced.arrays,), (direction,))[1]

        return shown(jax.vmap(second)(_basis(traced.arrays)).sum())


def _field_matrix(who: str, function: Function, value: Any) -> tuple[Traced, Any]:
    """The Jacobian of a vector field as a square matrix."""
    traced = Traced(who, function, value)
    values, push = jax.linearize(traced, traced.arrays)
    size = sum(value.size for value in values)
    if size != traced.size:
        raise field_error(who, size, traced.size)
    columns = jax.vmap(push)(_basis(traced.arrays))
    flat = [column.reshape(traced.size, -1) for column in columns]
    return traced, jnp.concatenate(flat, axis=1).T


def divergence(who: str, function: Function, value: Any) -> Any:
    """The sum of the derivatives of each component along its axis."""
    with wide():
        _, matrix = _field_matrix(who, function, value)
        return shown(jnp.trace(matrix))


def curl(who: str, function: Function, value: Any) -> Any:
    """The curl of a field in three dimensions; the structure of the point."""
    with wide():
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
    with wide():
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
    with wide():
        scaled = []
        for k, value in enumerate(found):
            leaves, structure = flatten(value)
            scaled.append(unflatten(structure, [leaf / math.factorial(k) for leaf in leaves]))
        return scaled


def mixed_partial(who: str, function: Function, value: Any, indices: Sequence[int]) -> Any:
    """The derivative with respect to several numbers of the point in turn, nested forward."""
    with wide():
        traced = Traced(who, function, value)
        basis = _basis(traced.arrays)
        along = traced.scalar
        for index in indices:
            along = _derivative_along(along, [part[index] for part in basis])
        return shown(along(traced.arrays))


def _derivative_along(function: Function, direction: Arrays) -> Function:
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
    with wide():
        return sum(array.size for array in Point(who, value).arrays())

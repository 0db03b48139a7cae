"""Products of directions with derivatives of procedures on tensors and structures of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.autodiff import Differentiable, NeedsTensors, settled
from eshkol.base.errors import WrongType
from eshkol.datum.pairs import NIL
from eshkol.datum.write import short_string
from eshkol.runtime.tracebacks import Shortened
from eshkol.xla.arguments import is_sequence
from eshkol.xla.dtypes import COMPLEX128, FLOAT64, is_scalar_born, wide
from eshkol.xla.effects import completed
from eshkol.xla.lasting import Lasting
from eshkol.xla.outlived import open_traces
from eshkol.xla.tensors import as_tensor, cast, describe, dimensions
from eshkol.xla.transforms import (
    Point,
    check_has_forward_mode,
    inexact_array,
    is_inexact,
    number_if_rank_0,
    outside_of_closures,
    pulled_back,
    rationals_as_leaves,
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

    Args:
        who: the operator, for messages.
        function: the procedure.
        value: the point.
        is_called_once: whether further calls repeat the first, so that what they write is undone.
    """

    def __init__(
        self, who: str, function: Function, value: Any, is_called_once: bool = True
    ) -> None:
        self.who = who
        self.function = function
        self.point = Point(who, value)
        self.arrays = self.point.arrays()
        self.structure: Structure = None
        self._traces = open_traces()
        self._is_called_once = is_called_once
        self._has_run = False

    @property
    def size(self) -> int:
        """How many numbers are differentiated."""
        return sum(array.size for array in self.arrays)

    def __call__(self, arrays: Arrays) -> Arrays:
        value = self._call(arrays)
        leaves, structure = rationals_as_leaves(*flatten(value))
        self.structure = outside_of_closures(structure)
        if not _holds_numbers_only(self.structure):
            raise WrongType(
                f"{self.who}: expected a function that gives a number, this one gave "
                f"{short_string(value)}",
                hint="it gives a number, a tensor, or a structure of them",
            )
        return [inexact_array(leaf) for leaf in leaves]

    def scalar(self, arrays: Arrays) -> Any:
        """The value as one array, which must be one number."""
        return scalar_result(self.who, self._call(arrays))

    def _call(self, arrays: Arrays) -> Any:
        lasting = Lasting(self.who, self._traces, not self._has_run)
        with self.point.given(arrays) as point, Shortened(), lasting:
            value = self.function(point)
        self._has_run = self._is_called_once
        return value

    def result(self, arrays: Arrays) -> Any:
        """A value of the procedure's structure with these arrays as its leaves."""
        return unflatten(self.structure, [shown(array) for array in arrays])

    def direction(self, value: Any) -> Arrays:
        """The arrays of a direction, which has the structure of the point."""
        return alike(
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


def alike(
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
            f"{who}: expected something like {what}, of shape {shapes}, got {describe(value)}",
            hint=f"it has one number for each number of {what}",
        )
    return [
        cast(jnp.asarray(leaf), model.dtype) for leaf, model in zip(leaves, models, strict=True)
    ]


def basis(arrays: Arrays) -> Arrays:
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


# ---- products


def jvp(who: str, function: Function, value: Any, direction: Any) -> tuple[Any, Any]:
    """The value of ``function`` and its derivative along ``direction``."""
    with wide(), completed():
        traced = Traced(who, function, value)
        along = traced.direction(direction)
        values, slopes = jax.jvp(traced, (traced.arrays,), (along,))
        return traced.result(values), traced.result(slopes)


def derivative(function: Function, x: Any) -> Any:
    """The derivative of a procedure of one scalar, by forward mode; any structure of results."""
    with wide(), completed():
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
    with wide(), completed():
        traced = Traced(who, function, value)
        values, pull = _pulled(traced)

    def pullback(factor: Any) -> Any:
        with wide(), completed():
            factors = alike(who, "the value", factor, traced.structure, values)
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
            columns = jax.vmap(push)(basis(traced.arrays))
            weighed = [
                jnp.tensordot(column, factor, factor.ndim)
                for column, factor in zip(columns, factors, strict=True)
            ]
            found = split(sum(weighed), traced.arrays)
        return found

    return values, pull


def pulled_through(who: str, value: Any, rows: Sequence[Arrays], factor: Any) -> list[Any]:
    """The product of a factor that holds tensors and a Jacobian of numbers.

    Args:
        who: the operator, for messages.
        value: what the procedure gave.
        rows: the partials of each number of it; None for those that are zero.
        factor: the structure of the value.
    """
    with wide(), completed():
        leaves, structure = rationals_as_leaves(*flatten(value))
        factors = alike(who, "the value", factor, structure, [inexact_array(x) for x in leaves])
        columns = zip(*rows, strict=True)
        parts = [[inexact_array(part or 0.0) for part in column] for column in columns]
        return [shown(sum(map(jnp.multiply, factors, column))) for column in parts]


def hvp(who: str, function: Function, value: Any, direction: Any) -> Any:
    """The product of the Hessian and ``direction``, forward over reverse."""
    with wide(), completed():
        traced = Traced(who, function, value)
        along = traced.direction(direction)
        _, products = jax.jvp(gradient_of(traced), (traced.arrays,), (along,))
        return traced.point.gradient(products)


def gradient_of(traced: Traced) -> Callable[[Arrays], Arrays]:
    """The gradient as a function of the arrays; in forward mode where a loop has no other."""

    def gradient(arrays: Arrays) -> Arrays:
        try:
            return pulled_back(*jax.vjp(traced.scalar, arrays))
        except ValueError as error:
            check_has_forward_mode(traced.who, error, arrays)
            return jax.jacfwd(traced.scalar)(arrays)

    return gradient

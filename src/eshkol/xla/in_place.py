"""The new values of tensors that are updated in place; what stores them is in ``primitives``.

Each rule answers its value (None: the first of the new values) and the new values. Vectors and
lists of numbers compute in doubles, since that is what their elements are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.primitives import arithmetic
from eshkol.primitives.numbers import is_host_number
from eshkol.xla.arguments import is_sequence, number
from eshkol.xla.dtypes import FLOAT64, inexact_dtype, is_scalar_born, wide
from eshkol.xla.elementwise import add, divide, multiply, subtract
from eshkol.xla.indexing import scatter, update
from eshkol.xla.random import random_normal, random_uniform
from eshkol.xla.tensors import (
    Array,
    Tracer,
    as_tensor,
    cast,
    check_holds,
    compiled,
    describe,
)
from eshkol.xla.trees import flatten, unflatten

New = tuple[Any, tuple[Any, ...]]


def operand(who: str, value: Any, beside: Any = None) -> Any:
    """``value`` as a tensor.

    Numbers in vectors and lists are doubles, but integers beside a tensor of integers.
    """
    if not is_sequence(value) or hasattr(value, "dtype"):
        return as_tensor(value, who)
    dtype = getattr(beside, "dtype", FLOAT64)
    return as_tensor(value, who, dtype if dtype.kind in "iu" else FLOAT64)


def _fitting(who: str, new: Any, old: Any) -> Any:
    """``new`` with the shape and dtype of ``old``; as it is in place of a number."""
    if new.shape != old.shape:
        raise ShapeError(
            f"{who}: the result {describe(new)} would not have the shape of {describe(old)}",
            hint="what is updated keeps its shape",
        )
    if is_scalar_born(old):
        return new
    kinds = "iuVfc"
    if kinds.find(new.dtype.kind) > max(kinds.find(old.dtype.kind), kinds.find("u")):
        kind = "complex64" if new.dtype.kind == "c" else "float32"
        raise WrongType(
            f"{who}: the result {describe(new)} does not fit in {describe(old)}",
            hint=f"what is updated keeps its dtype; convert it before: (tensor-cast t '{kind})",
        )
    check_holds(who, new, old.dtype)
    return cast(new, old.dtype)


def set_element(tensor: Any, *indices_and_value: Any) -> New:
    """Another element, or sub-tensor."""
    return None, (update(operand("tensor-set!", tensor), *indices_and_value, who="tensor-set!"),)


def scatter_in(tensor: Any, indices: Any, values: Any, axis: Any = 0) -> New:
    """Other slices."""
    return None, (scatter(operand("tensor-scatter!", tensor), indices, values, axis),)


def _arithmetic(
    who: str,
    of_numbers: Callable[..., Any],
    of_tensors: Callable[..., Any],
    of_structures: bool = False,
) -> Callable[[Any, Any], New]:
    """A rule of arithmetic; ``of_structures`` if a number may change all tensors of one."""

    def rule(tensor: Any, other: Any) -> New:
        if is_host_number(tensor):
            return None, (of_numbers(tensor, other),)
        if of_structures and not hasattr(tensor, "dtype") and not _is_numeric(tensor):
            factor = number(who, other, "what changes all tensors of a structure")
            leaves, rebuild = gradient_leaves(who, tensor)
            return None, (rebuild([_fitting(who, of_tensors(x, factor), x) for x in leaves]),)
        old = operand(who, tensor)
        right = other if is_host_number(other) else operand(who, other, tensor)
        return None, (_fitting(who, of_tensors(old, right), old),)

    rule.__name__ = rule.__qualname__ = who
    return rule


add_to = _arithmetic("tensor-add!", arithmetic.add, add)
subtract_from = _arithmetic("tensor-sub!", arithmetic.subtract, subtract)
multiply_by = _arithmetic("tensor-mul!", arithmetic.multiply, multiply, of_structures=True)
divide_by = _arithmetic("tensor-div!", arithmetic.divide, divide, of_structures=True)


def add_scaled(y: Any, a: Any, x: Any) -> New:
    """``a x + y``."""
    return _add_product(y, multiply(operand("tensor-axpy!", x, y), a))


_add_product = _arithmetic("tensor-axpy!", arithmetic.add, add)


# ---- gradients


def zero(gradient: Any) -> New:
    """Zeros of the same shapes."""
    leaves, rebuild = gradient_leaves("zero-grad!", gradient)
    with wide():
        return None, (rebuild([jnp.zeros_like(leaf) for leaf in leaves]),)


def gradient_leaves(who: str, gradients: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The tensors of gradients, and what puts such in their places."""
    if hasattr(gradients, "dtype") or _is_numeric(gradients):
        return [_floating(who, gradients)], lambda leaves: leaves[0]
    leaves, structure = flatten(gradients)
    places = [i for i, leaf in enumerate(leaves) if hasattr(leaf, "dtype")]
    if not places:
        raise WrongType(f"{who}: expected tensors, got {describe(gradients)}")

    def rebuild(news: list[Any]) -> Any:
        changed = dict(zip(places, news, strict=True))
        return unflatten(structure, [changed.get(i, leaf) for i, leaf in enumerate(leaves)])

    return [_floating(who, leaves[i]) for i in places], rebuild


def _is_numeric(value: Any) -> bool:
    """Whether ``value`` is a number, or a vector or list of numbers alone, possibly nested."""
    if is_sequence(value):
        return all(map(_is_numeric, value))
    return is_host_number(value)


def _floating(who: str, value: Any) -> Any:
    x = operand(who, value)
    return cast(x, inexact_dtype(x.dtype, len(x.shape)))


def clip_norm(gradients: Any, limit: Any) -> New:
    """The norm of all gradients, and gradients whose norm is at most ``limit``."""
    who = "clip-grad-norm!"
    leaves, rebuild = gradient_leaves(who, gradients)
    most = as_tensor(limit, who, FLOAT64)
    if most.shape or (not isinstance(most, Tracer) and not most.item() > 0):
        raise BadValue(f"{who}: expected a limit greater than 0, got {describe(limit)}")
    with wide():
        norm, news = _clipped(most, *leaves)
    return norm, (rebuild(list(news)),)


@compiled(inline=False)
def _clipped(limit: Any, *leaves: Any) -> Any:
    squares = [jnp.sum(jnp.abs(cast(leaf, _summed(leaf.dtype))) ** 2) for leaf in leaves]
    norm = jnp.sqrt(functools.reduce(jnp.add, squares))
    bound = cast(limit, norm.dtype)
    # Dividing by the norm where it is too large only, so that a norm of 0 needs no epsilon.
    scale = jnp.where(norm > bound, bound / jnp.where(norm > bound, norm, 1), 1)
    return norm, [leaf * cast(scale, leaf.dtype) for leaf in leaves]


def _summed(dtype: np.dtype) -> np.dtype:
    return dtype if dtype.itemsize > 2 else np.dtype("float32")


def gradient_health(gradients: Any) -> Any:
    """How many elements are infinite or not-a-number."""
    leaves, _ = gradient_leaves("check-grad-health", gradients)
    with wide():
        found = _unhealthy(*leaves)
    return found if isinstance(found, Tracer) else int(found)


@compiled(inline=False)
def _unhealthy(*leaves: Any) -> Any:
    counts = [jnp.sum(lax.bitwise_not(lax.is_finite(leaf)), dtype="int32") for leaf in leaves]
    return functools.reduce(jnp.add, counts)


# ---- initial weights


def _drawn(who: str, tensor: Any, draw: Callable[..., Any], *bounds: float) -> New:
    old = _floating(who, tensor)
    dtype = old.dtype if isinstance(tensor, Array | np.ndarray) else FLOAT64
    return None, (draw(list(old.shape), *bounds, dtype=dtype),)


def _fan(who: str, *fans: Any) -> float:
    total = sum(_one_fan(who, fan) for fan in fans)
    if not total > 0:
        raise BadValue(f"{who}: expected a fan greater than 0, got {describe(fans[0])}")
    return total


def _one_fan(who: str, fan: Any) -> float:
    if fan.__class__ in (int, float) and fan >= 0:
        return float(fan)
    raise WrongType(f"{who}: expected a number as fan, got {describe(fan)}")


def _evenly(who: str, tensor: Any, variance: float) -> New:
    limit = math.sqrt(3 * variance)
    return _drawn(who, tensor, random_uniform, -limit, limit)


def xavier_uniform(tensor: Any, fan_in: Any, fan_out: Any) -> New:
    """Evenly, with variance 2 / (fan-in + fan-out)."""
    return _evenly("xavier-uniform!", tensor, 2 / _fan("xavier-uniform!", fan_in, fan_out))


def kaiming_uniform(tensor: Any, fan_in: Any) -> New:
    """Evenly, with variance 2 / fan-in."""
    return _evenly("kaiming-uniform!", tensor, 2 / _fan("kaiming-uniform!", fan_in))


def _normally(who: str, tensor: Any, variance: float) -> New:
    return _drawn(who, tensor, random_normal, 0.0, math.sqrt(variance))


def xavier_normal(tensor: Any, fan_in: Any, fan_out: Any) -> New:
    """Normally, with variance 2 / (fan-in + fan-out)."""
    return _normally("xavier-normal!", tensor, 2 / _fan("xavier-normal!", fan_in, fan_out))


def kaiming_normal(tensor: Any, fan_in: Any) -> New:
    """Normally, with variance 2 / fan-in."""
    return _normally("kaiming-normal!", tensor, 2 / _fan("kaiming-normal!", fan_in))


def lecun_normal(tensor: Any, fan_in: Any) -> New:
    """Normally, with variance 1 / fan-in."""
    return _normally("lecun-normal!", tensor, 1 / _fan("lecun-normal!", fan_in))

"""Choosing element by element: where, clip, and logic on truth values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import lax

from eshkol.base.errors import WrongType
from eshkol.xla._compat import ArrayImpl
from eshkol.xla.dtypes import BOOL, FLOAT32, result_dtype
from eshkol.xla.elementwise import maximum, minimum, not_equal
from eshkol.xla.rules import binary_rule, broadcast_shape
from eshkol.xla.tensors import (
    Tracer,
    as_tensor,
    as_tensors,
    at_dtype,
    cast,
    compiled,
    describe,
)
from eshkol.xla.witness import Witness


def truth_tensor(value: Any, who: str) -> Any:
    """``value`` as a tensor of truth values; a number counts as true unless it is zero."""
    condition = as_tensor(value, who)
    return condition if condition.dtype == BOOL else not_equal(condition, 0)


def where(condition: Any, chosen: Any, other: Any) -> Any:
    """Elements of ``chosen`` where ``condition`` is true, else of ``other``; all broadcast."""
    which = truth_tensor(condition, "where")
    return _select(which, *_branches(chosen, other))


def _branches(chosen: Any, other: Any) -> Sequence[Any]:
    """Both branches as arrays of one dtype, booleans staying booleans."""
    are_arrays = chosen.__class__ is ArrayImpl and other.__class__ is ArrayImpl
    if are_arrays and chosen.dtype is other.dtype:
        return chosen, other
    values = [as_tensor(v, "where") if v.__class__ is bool else v for v in (chosen, other)]
    values = as_tensors("where", *values)
    truths = all(getattr(value, "dtype", None) == BOOL for value in values)
    return at_dtype("where", BOOL if truths else result_dtype(values), values)


@compiled()
def _select(which: Any, chosen: Any, other: Any) -> Any:
    shape = broadcast_shape("where", which, chosen, other)
    if which.shape:
        which = broadcast(which, shape)
    return lax.select_n(which, broadcast(other, shape), broadcast(chosen, shape))


def broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    """``x``, whose sizes are known to fit, broadcast to ``shape``."""
    if x.shape == shape:
        return x
    return lax.broadcast_in_dim(x, shape, range(len(shape) - len(x.shape), len(shape)))


@jax.jit
def _clamp(x: Any, low: Any, high: Any) -> Any:
    low, high = (lax.convert_element_type(bound, x.dtype) for bound in (low, high))
    return lax.min(lax.max(x, low), high)


def clip(tensor: Any, low: Any, high: Any) -> Any:
    """Elements below ``low`` raised to it, those above ``high`` lowered to it."""
    are_numbers = low.__class__ is float and high.__class__ is float
    if tensor.__class__ is ArrayImpl and are_numbers and tensor.dtype is FLOAT32:
        return _clamp(tensor, low, high)
    x = tensor if low is None or low is False else maximum(tensor, low)
    return x if high is None or high is False else minimum(x, high)


def _logic(who: str, operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    binary = binary_rule(who, operation, lambda operands: BOOL)

    def rule(*values: Any) -> Any:
        if not values:
            raise WrongType(f"{who}: expected at least one tensor, got none")
        truths = [truth_tensor(value, who) for value in values]
        return functools.reduce(binary, truths)

    rule.__name__ = rule.__qualname__ = who
    rule.__doc__ = f"``({who} x …)``, element by element."
    return rule


logical_and = _logic("logical-and", lax.bitwise_and)
logical_or = _logic("logical-or", lax.bitwise_or)
logical_xor = _logic("logical-xor", lax.bitwise_xor)


def logical_not(value: Any) -> Any:
    """``(logical-not x)``, element by element."""
    traced = _not(truth_tensor(value, "logical-not"))
    if value.__class__ is Witness and value.known.__class__ is bool:
        return Witness(not value.known, traced, value.sources)
    return traced


_not = compiled()(lax.bitwise_not)


def is_nan(value: Any) -> Any:
    """``(nan? x)``, element by element."""
    x = as_tensor(value, "nan?")
    return not_equal(x, x)


def is_finite(value: Any) -> Any:
    """``(finite? x)``, element by element; integers are."""
    x = as_tensor(value, "finite?")
    if x.dtype.kind in "iub":
        return lax.full(x.shape, True)
    return _finite(x)


@compiled()
def _finite(x: Any) -> Any:
    if x.dtype.kind != "c":
        return lax.is_finite(x)
    return lax.bitwise_and(lax.is_finite(lax.real(x)), lax.is_finite(lax.imag(x)))


def condition_value(value: Any, who: str) -> Any:
    """A rank-0 truth value as a condition; anything else is an error that says what to do."""
    array = as_tensor(value, who)
    if array.dtype != BOOL or array.shape:
        raise WrongType(
            f"{who}: expected a single truth value, got {describe(value)}",
            hint="for a choice per element use where; to reduce use tensor-all or tensor-any",
        )
    return array if isinstance(array, Tracer) else bool(np.asarray(array))


def scalar_cast(value: Any, who: str, dtype: np.dtype) -> Any:
    """A number as a rank-0 array of ``dtype``."""
    return cast(as_tensor(value, who), dtype)

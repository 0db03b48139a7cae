"""Operations on tensors of integers: their bits, their divisors, and whole square roots."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import WrongType
from eshkol.xla.dtypes import INT32, INT64, result_dtype, wide
from eshkol.xla.rules import Rule, binary_rule, same_dtype, unary_rule
from eshkol.xla.tensors import as_tensor, cast, describe
from eshkol.xla.witness import is_exact, tracer_of


def _on_bits(who: str, rule: Rule) -> Rule:
    """A rule whose operands must be integers."""

    def apply(*operands: Any) -> Any:
        return rule(*(_integers(who, operand) for operand in operands))

    functools.update_wrapper(apply, rule)
    return apply


def _integers(who: str, value: Any) -> Any:
    """An operand of integers; known and traced ones stay what they are.

    Raises:
        WrongType: it is of another dtype.
    """
    if not (is_exact(value) or hasattr(value, "dtype")):
        value = as_tensor(value, who)
    if getattr(value, "dtype", INT32).kind not in "iu":
        raise WrongType(
            f"{who}: expected integers, got {describe(value)}",
            hint="whole numbers become integers with (tensor-cast t 'int32), one with (exact x)",
        )
    return value


def _binary(who: str, operation: Rule, exact: Rule) -> Rule:
    return _on_bits(who, binary_rule(who, operation, result_dtype, exact))


def _unary(who: str, operation: Rule, exact: Rule | None = None) -> Rule:
    return _on_bits(who, unary_rule(who, operation, same_dtype, exact))


bitwise_not = _unary("bitwise-not", lax.bitwise_not, operator.invert)
bitwise_and = _binary("bitwise-and", lax.bitwise_and, operator.and_)
bitwise_or = _binary("bitwise-ior", lax.bitwise_or, operator.or_)
bitwise_xor = _binary("bitwise-xor", lax.bitwise_xor, operator.xor)


def _magnitude(x: Any) -> Any:
    """An integer without the endless bits of its sign."""
    return x if x.dtype.kind == "u" else jnp.where(x < 0, lax.bitwise_not(x), x)


def _bit_count(x: Any) -> Any:
    return lax.population_count(_magnitude(x))


def _integer_length(x: Any) -> Any:
    return lax.sub(lax.full_like(x, x.dtype.itemsize * 8), lax.clz(_magnitude(x)))


bit_count = _unary("bit-count", _bit_count)
integer_length = _unary("integer-length", _integer_length)


def _shift_right(x: Any, count: Any) -> Any:
    logical = x.dtype.kind == "u"
    return (lax.shift_right_logical if logical else lax.shift_right_arithmetic)(x, count)


def _shift(x: Any, count: Any) -> Any:
    x, count = jnp.broadcast_arrays(x, count)
    left = lax.shift_left(x, count)
    if x.dtype.kind == "u":
        return left
    zero = lax.full_like(count, 0)
    return jnp.where(count < 0, _shift_right(x, lax.max(lax.neg(count), zero)), left)


_shift_by = _on_bits("arithmetic-shift", binary_rule("arithmetic-shift", _shift, result_dtype))


@functools.cache
def _shift_by_known(count: int) -> Rule:
    """The rule of a shift by a known number of places; all are lost by as many as there are."""

    def shift(x: Any) -> Any:
        most = x.dtype.itemsize * 8
        places = lax.full_like(x, min(abs(count), most))
        return lax.shift_left(x, places) if count >= 0 else _shift_right(x, places)

    return _unary("arithmetic-shift", shift)


def arithmetic_shift(x: Any, count: Any) -> Any:
    """``(arithmetic-shift x count)``, element by element."""
    return _shift_by_known(count)(x) if count.__class__ is int else _shift_by(x, count)


def _on_integers(operation: Rule) -> Rule:
    """An operation on integers, on floats as well: NaN where one of them is not whole."""

    def operate(*operands: Any) -> Any:
        dtype = operands[0].dtype
        if dtype.kind in "iu":
            return operation(*operands)
        whole = INT64 if dtype.itemsize == 8 else INT32
        result = cast(operation(*(cast(x, whole) for x in operands)), dtype)
        for x in operands:
            is_whole = lax.bitwise_and(lax.is_finite(x), lax.eq(lax.floor(x), x))
            result = jnp.where(is_whole, result, jnp.nan)
        return result

    return operate


greatest_common_divisor = binary_rule("gcd", _on_integers(jnp.gcd), result_dtype, math.gcd)
least_common_multiple = binary_rule("lcm", _on_integers(jnp.lcm), result_dtype, math.lcm)

_LARGEST_ROOT = math.isqrt(2**63 - 1)


def whole_square_root(x: Any) -> tuple[Any, Any]:
    """The whole part of the square root of int64, and the rest: ``(exact-integer-sqrt x)``."""
    with wide():
        x = cast(tracer_of(_integers("exact-integer-sqrt", x)), INT64)
        root = cast(jnp.sqrt(cast(x, np.dtype(np.float64))), INT64)
        root = lax.min(root, lax.full_like(root, _LARGEST_ROOT))
        root = jnp.where(root * root > x, root - 1, root)
        root = jnp.where(x - root * root > 2 * root, root + 1, root)
        return root, x - root * root

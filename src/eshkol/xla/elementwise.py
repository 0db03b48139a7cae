"""Element-by-element operations: arithmetic, comparisons, elementary functions.

Every operation takes arrays, tracers, NumPy arrays, numeric vectors and lists, and Python numbers,
and broadcasts as NumPy does. Its dtype follows ``dtypes.result_dtype``.
"""

from __future__ import annotations

import functools
import operator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from eshkol.autodiff import plain
from eshkol.base.config import CONFIG
from eshkol.base.errors import DivideByZero, WrongType
from eshkol.primitives.declare import load
from eshkol.xla.dtypes import INT32, INT64, inexact_dtype, result_dtype
from eshkol.xla.rules import (
    Rule,
    binary_rule,
    comparison_dtype,
    inexact_result,
    number_dtype,
    number_tensor,
    of_reals,
    order_dtype,
    rounding_rule,
    unary_rule,
)
from eshkol.xla.tensors import Tracer, as_tensor, as_tensors, cast, describe
from eshkol.xla.witness import Witness, exact_result, is_exact


def _chosen(operation: Rule, comparison: Rule) -> Rule:
    """``max`` or ``min``, whose slope where both are equal is the first one's, as on the host.

    That of JAX is the mean of both.
    """
    choose = jax.custom_jvp(operation)

    @choose.defjvp
    def differentiate(operands: Any, slopes: Any) -> Any:
        x, y = operands
        is_first = lax.bitwise_or(comparison(x, y), lax.ne(x, x))
        return choose(x, y), jnp.where(is_first, *slopes)

    return choose


@jax.custom_jvp
def absolute_value(x: Any) -> Any:
    """``|x|``, whose slope at zero is 0."""
    return x if x.dtype.kind == "u" else lax.abs(x)


@absolute_value.defjvp
def _slope_of_absolute_value(operands: Any, slopes: Any) -> Any:
    (x,), (slope,) = operands, slopes
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return jax.jvp(lax.abs, operands, slopes)
    return absolute_value(x), slope * lax.sign(x)


@jax.custom_jvp
def _arc_hyperbolic_cosine(x: Any) -> Any:
    """``acosh x``, whose slope JAX gives the wrong sign left of the imaginary axis."""
    return lax.acosh(x)


@_arc_hyperbolic_cosine.defjvp
def _slope_of_arc_hyperbolic_cosine(operands: Any, slopes: Any) -> Any:
    (x,), (slope,) = operands, slopes
    roots = lax.mul(lax.sqrt(lax.sub(x, lax.full_like(x, 1))), lax.sqrt(_one_more(x)))
    return _arc_hyperbolic_cosine(x), lax.div(slope, roots)


def _one_more(x: Any) -> Any:
    return lax.add(x, lax.full_like(x, 1))


@jax.custom_jvp
def _raised(x: Any, y: Any) -> Any:
    """``xʸ``; at zero to the power zero its slopes are 0, as on the host, where JAX has NaN."""
    return lax.pow(x, y)


@functools.partial(_raised.defjvp, symbolic_zeros=True)
def _slope_of_power(operands: Any, slopes: Any) -> Any:
    """Of an exponent that has no slope no logarithm is taken: the base may be negative."""
    shape = jnp.broadcast_shapes(*map(jnp.shape, operands))
    x, y = (jnp.broadcast_to(operand, shape) for operand in operands)
    value = _raised(x, y)
    factors = (lambda: _by_base(x, y), lambda: _by_exponent(x, value))
    parts = [
        lax.mul(jnp.broadcast_to(slope, shape), factor())
        for slope, factor in zip(slopes, factors, strict=True)
        if not isinstance(slope, SymbolicZero)
    ]
    return value, functools.reduce(lax.add, parts)


def _by_base(x: Any, y: Any) -> Any:
    """``y xʸ⁻¹``, which is 0 where x and y are."""
    zero, one = lax.full_like(y, 0), lax.full_like(y, 1)
    is_one = lax.bitwise_and(lax.eq(x, zero), lax.eq(y, zero))
    return lax.mul(y, _raised(lax.select(is_one, one, x), lax.sub(y, one)))


def _by_exponent(x: Any, value: Any) -> Any:
    """``xʸ log x``, which is 0 where x is."""
    is_zero = lax.eq(x, lax.full_like(x, 0))
    return lax.mul(lax.log(lax.select(is_zero, lax.full_like(x, 1), x)), value)


@jax.custom_jvp
def angle_of(y: Any, x: Any) -> Any:
    """``atan2``, which JAX's Taylor mode takes of ``y / x``, where x may be 0."""
    return lax.atan2(y, x)


@angle_of.defjvp
def _slope_of_angle(operands: Any, slopes: Any) -> Any:
    (y, x), (dy, dx) = operands, slopes
    across = lax.sub(lax.mul(dy, x), lax.mul(dx, y))
    return angle_of(y, x), lax.div(across, lax.add(lax.square(x), lax.square(y)))


add = binary_rule("+", lax.add, result_dtype, operator.add)
subtract = binary_rule("-", lax.sub, result_dtype, operator.sub)
multiply = binary_rule("*", lax.mul, result_dtype, operator.mul)
divide = binary_rule("/", lax.div, inexact_result)
atan2 = binary_rule("atan2", angle_of, of_reals("atan2", inexact_result))
maximum = binary_rule("max", _chosen(lax.max, lax.ge), of_reals("max"), max)
minimum = binary_rule("min", _chosen(lax.min, lax.le), of_reals("min"), min)

equal = binary_rule("=", lax.eq, comparison_dtype, operator.eq)
not_equal = binary_rule("tensor-ne", lax.ne, comparison_dtype, operator.ne)
less = binary_rule("<", lax.lt, order_dtype, operator.lt)
greater = binary_rule(">", lax.gt, order_dtype, operator.gt)
less_equal = binary_rule("<=", lax.le, order_dtype, operator.le)
greater_equal = binary_rule(">=", lax.ge, order_dtype, operator.ge)


def _half_to_even(x: Any) -> Any:
    return lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)


def _toward_zero(x: Any) -> Any:
    return lax.select(lax.lt(x, lax.full_like(x, 0)), lax.ceil(x), lax.floor(x))


def _reciprocal(x: Any) -> Any:
    return lax.div(lax.full_like(x, 1), x)


exp = unary_rule("exp", lax.exp, inexact_dtype)
expm1 = unary_rule("expm1", lax.expm1, inexact_dtype)
log1p = unary_rule("log1p", lax.log1p, inexact_dtype)
sqrt = unary_rule("sqrt", lax.sqrt, inexact_dtype)
rsqrt = unary_rule("rsqrt", lax.rsqrt, inexact_dtype)
sin = unary_rule("sin", lax.sin, inexact_dtype)
cos = unary_rule("cos", lax.cos, inexact_dtype)
tan = unary_rule("tan", lax.tan, inexact_dtype)
asin = unary_rule("asin", lax.asin, inexact_dtype)
acos = unary_rule("acos", lax.acos, inexact_dtype)
sinh = unary_rule("sinh", lax.sinh, inexact_dtype)
cosh = unary_rule("cosh", lax.cosh, inexact_dtype)
tanh = unary_rule("tanh", lax.tanh, inexact_dtype)
asinh = unary_rule("asinh", lax.asinh, inexact_dtype)
acosh = unary_rule("acosh", _arc_hyperbolic_cosine, inexact_dtype)
atanh = unary_rule("atanh", lax.atanh, inexact_dtype)
erf = unary_rule("erf", lax.erf, inexact_dtype)
sigmoid = unary_rule("sigmoid", lax.logistic, inexact_dtype)
reciprocal = unary_rule("reciprocal", _reciprocal, inexact_dtype)
abs = unary_rule("abs", absolute_value, number_dtype, operator.abs)
negate = unary_rule("-", lax.neg, number_dtype, operator.neg)
sign = unary_rule("sign", lax.sign, number_dtype, lambda x: (x > 0) - (x < 0))
square = unary_rule("square", lax.square, number_dtype, lambda x: x * x)
floor = rounding_rule("floor", lax.floor)
ceiling = rounding_rule("ceiling", lax.ceil)
round = rounding_rule("round", _half_to_even)
truncate = rounding_rule("truncate", _toward_zero)

natural_log = unary_rule("log", lax.log, inexact_dtype)
_atan = unary_rule("atan", lax.atan, inexact_dtype)


def log(x: Any, base: Any = None) -> Any:
    """``(log x)``, the natural logarithm, or ``(log x base)``."""
    return natural_log(x) if base is None else divide(natural_log(x), natural_log(base))


def atan(y: Any, x: Any = None) -> Any:
    """``(atan y)``, or ``(atan y x)``: the angle of the point (x, y)."""
    return _atan(y) if x is None else atan2(y, x)


_power_of_floats = binary_rule("expt", _raised, inexact_result)


def _truncated_power(x: Any, y: Any) -> Any:
    if y.dtype.kind != "i":
        return jnp.power(x, y)
    power = jnp.power(x, jnp.abs(y))
    return jnp.where((y < 0) & (jnp.abs(x) != 1), jnp.zeros_like(power), power)


_power_of_integers = binary_rule("expt", _truncated_power, result_dtype)


def power(x: Any, y: Any) -> Any:
    """``(expt x y)``: an exact integer exponent multiplies out, else ``exp(y log x)``.

    Integers to a non-negative exact power stay integers; to a negative one that is known they
    become floats, to one that is traced they are rounded towards zero.
    """
    if is_exact(x) and is_exact(y):
        # Whether the result is exact is up to the sign of the exponent.
        y = operator.index(y)
        if y >= 0 and x.__class__ is Witness:
            return exact_result(lambda base: base**y, _power_by(y), x)
        if y >= 0:
            return x**y
    if y.__class__ is int:
        return _power_by(y)(as_tensor(x, "expt"))
    operands = as_tensors("expt", x, y)
    if result_dtype(operands).kind in "iu":
        return _whole_power(*operands)
    return _power_of_floats(*operands)


def _whole_power(x: Any, y: Any) -> Any:
    """Integers to powers of integers; to negative ones rounded towards zero, unless checked."""
    if y.dtype.kind == "i":
        load("eshkol.xla.checks:check_exponent")(x, y)
    return _power_of_integers(x, y)


@functools.cache
def _power_by(exponent: int) -> Rule:
    def integer_pow(x: Any) -> Any:
        return lax.integer_pow(x, exponent)

    return unary_rule("expt", integer_pow, number_dtype if exponent >= 0 else inexact_dtype)


def _truncated_quotient(x: Any, y: Any) -> Any:
    quotient = lax.div(x, y)
    return quotient if quotient.dtype.kind in "iu" else _toward_zero(quotient)


def _division(who: str, operation: Rule, exact: Rule) -> Rule:
    """The rule of a division with a whole quotient: by no number that is known to be zero."""
    rule = binary_rule(who, operation, result_dtype, exact)

    def divide(x: Any, y: Any) -> Any:
        if y.__class__ in plain.PLAIN and not y:
            raise DivideByZero(
                f"{who}: division of {describe(x)} by zero", hint=plain.WHOLE_DIVISION
            )
        if CONFIG.checked:
            load("eshkol.xla.checks:check_divisor")(who, y)
        return rule(x, y)

    functools.update_wrapper(divide, rule)
    return divide


quotient = _division("quotient", _truncated_quotient, plain.quotient)
remainder = _division("remainder", lax.rem, plain.remainder)
modulo = _division("modulo", jnp.remainder, plain.modulo)
floor_quotient = _division("floor-quotient", jnp.floor_divide, plain.floor_quotient)


def is_zero(x: Any) -> Any:
    """``(zero? x)``: where the elements are zero."""
    return equal(x, 0)


def is_positive(x: Any) -> Any:
    """``(positive? x)``: where the elements are greater than zero."""
    return greater(x, 0)


def is_negative(x: Any) -> Any:
    """``(negative? x)``: where the elements are less than zero."""
    return less(x, 0)


def is_odd(x: Any) -> Any:
    """``(odd? x)``: where the elements are odd."""
    return equal(modulo(x, 2), 1)


def is_even(x: Any) -> Any:
    """``(even? x)``: where the elements are even."""
    return equal(modulo(x, 2), 0)


def inexact(x: Any) -> Any:
    """``(inexact x)``: integers as floats; a rank-0 integer as a double."""
    x = number_tensor("inexact", x)
    return cast(x, inexact_dtype(x.dtype, len(x.shape)))


def exact(x: Any) -> Any:
    """``(exact x)``: as integers, toward zero.

    A known number of rank 0 gives the exact number that it is; a traced one, which must be whole,
    gives int64, and a tensor of rank 1 or more int32.
    """
    if is_exact(x):
        return x
    x = number_tensor("exact", x)
    if x.dtype.kind == "c" and x.shape:
        raise WrongType(f"exact: expected real numbers, got {describe(x)}")
    if x.shape == () and not isinstance(x, Tracer):
        return _exact_number(x)
    if x.dtype.kind in "iu":
        return x
    if CONFIG.checked and x.shape == ():
        load("eshkol.xla.checks:check_whole")("exact", x)
    return cast(x, INT64 if x.shape == () else INT32)


def _exact_number(x: Any) -> int | Fraction:
    value = x.item()
    try:
        fraction = Fraction(value)
    except (TypeError, ValueError, OverflowError):
        raise WrongType(f"exact: expected a finite real number, got {value}") from None
    return fraction.numerator if fraction.denominator == 1 else fraction

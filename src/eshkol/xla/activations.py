"""Activation functions on tensors, element by element; softmax along an axis.

Where a function has a kink, its slope there is that of the left side (``relu`` has slope 0 at 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax

from eshkol.base.errors import WrongType
from eshkol.xla._compat import ArrayImpl
from eshkol.xla.arguments import static_axis
from eshkol.xla.dtypes import NARROW_FLOATS, inexact_dtype
from eshkol.xla.elementwise import sigmoid, tanh
from eshkol.xla.rules import number_dtype, number_tensor, unary_rule
from eshkol.xla.tensors import as_tensor, cast, compiled, describe, kernels_of

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _zero(x: Any) -> Any:
    return lax.full_like(x, 0)


def _of(number: float, x: Any) -> Any:
    """A constant of the dtype of ``x``."""
    return x.dtype.type(number)


def _relu(x: Any) -> Any:
    # Selecting, and not max, because max splits the slope between equal arguments; and asking for
    # x <= 0, so that not-a-number stays what it is.
    return lax.select(lax.le(x, _of(0, x)), _zero(x), x)


def _relu6(x: Any) -> Any:
    return lax.clamp(_of(0, x), x, _of(6, x))


def _gelu(x: Any) -> Any:
    scale = math.sqrt(2 / math.pi)
    inner = lax.mul(x, lax.add(_of(scale, x), lax.mul(_of(scale * 0.044715, x), lax.square(x))))
    return lax.mul(lax.mul(_of(0.5, x), x), lax.add(_of(1, x), lax.tanh(inner)))


def _silu(x: Any) -> Any:
    return lax.mul(x, lax.logistic(x))


def _softplus(x: Any) -> Any:
    return jnp.logaddexp(x, _of(0, x))


def _mish(x: Any) -> Any:
    return lax.mul(x, lax.tanh(_softplus(x)))


def _hard_sigmoid(x: Any) -> Any:
    return lax.div(_relu6(lax.add(x, _of(3, x))), _of(6, x))


def _hard_swish(x: Any) -> Any:
    return lax.mul(x, _hard_sigmoid(x))


def _log_sigmoid(x: Any) -> Any:
    return lax.neg(_softplus(lax.neg(x)))


relu = unary_rule("relu", _relu, number_dtype, inline=False)
relu6 = unary_rule("relu6", _relu6, number_dtype, inline=False)
gelu = unary_rule("gelu", _gelu, inexact_dtype, inline=False)
silu = unary_rule("silu", _silu, inexact_dtype, inline=False)
mish = unary_rule("mish", _mish, inexact_dtype, inline=False)
hard_sigmoid = unary_rule("hard-sigmoid", _hard_sigmoid, inexact_dtype, inline=False)
hard_swish = unary_rule("hard-swish", _hard_swish, inexact_dtype, inline=False)
log_sigmoid = unary_rule("log-sigmoid", _log_sigmoid, inexact_dtype, inline=False)


def _with_parameter(who: str, kernel: Callable[[Any, Any], Any], default: float) -> Callable:
    """An activation of a tensor and one number, which may be traced."""
    run = compiled(inline=False)(kernel)

    def rule(tensor: Any, parameter: Any = default) -> Any:
        x = number_tensor(who, tensor)
        x = cast(x, inexact_dtype(x.dtype, len(x.shape)))
        return run(x, _parameter(who, parameter, x))

    rule.__name__ = rule.__qualname__ = who
    return rule


def _parameter(who: str, value: Any, x: Any) -> Any:
    if value.__class__ is float or value.__class__ is int:
        return x.dtype.type(value)
    array = as_tensor(value, who, x.dtype)
    if array.shape:
        raise WrongType(f"{who}: expected a number as parameter, got {describe(value)}")
    return array


def _leaky_relu(x: Any, alpha: Any) -> Any:
    return lax.select(lax.gt(x, _of(0, x)), x, lax.mul(x, alpha))


def _negative_part(x: Any) -> tuple[Any, Any]:
    """Where ``x`` is positive, and ``x`` with zeros there, so that exp does not overflow."""
    positive = lax.gt(x, _of(0, x))
    return positive, lax.select(positive, _zero(x), x)


def _elu(x: Any, alpha: Any) -> Any:
    positive, negative = _negative_part(x)
    return lax.select(positive, x, lax.mul(lax.expm1(negative), alpha))


def _celu(x: Any, alpha: Any) -> Any:
    positive, negative = _negative_part(x)
    return lax.select(positive, x, lax.mul(lax.expm1(lax.div(negative, alpha)), alpha))


def _selu(x: Any) -> Any:
    return lax.mul(_of(SELU_SCALE, x), _elu(x, _of(SELU_ALPHA, x)))


def _sharp_softplus(x: Any, beta: Any) -> Any:
    return lax.div(_softplus(lax.mul(x, beta)), beta)


def _swish(x: Any, beta: Any) -> Any:
    return lax.mul(x, lax.logistic(lax.mul(x, beta)))


leaky_relu = _with_parameter("leaky-relu", _leaky_relu, 0.01)
elu = _with_parameter("elu", _elu, 1.0)
celu = _with_parameter("celu", _celu, 1.0)
selu = unary_rule("selu", _selu, inexact_dtype, inline=False)
_softplus_by = _with_parameter("softplus", _sharp_softplus, 1.0)
_softplus_of = unary_rule("softplus", _softplus, inexact_dtype, inline=False)
_swish_by = _with_parameter("swish", _swish, 1.0)


def softplus(tensor: Any, beta: Any = 1.0) -> Any:
    """``log(1 + exp(beta x)) / beta``, without overflow."""
    return _softplus_of(tensor) if beta == 1.0 else _softplus_by(tensor, beta)


def swish(tensor: Any, beta: Any = 1.0) -> Any:
    """``x sigmoid(beta x)``."""
    return silu(tensor) if beta.__class__ is float and beta == 1.0 else _swish_by(tensor, beta)


def softmax_over(x: Any, axis: int) -> Any:
    """The softmax of a floating array along ``axis``."""
    largest = lax.stop_gradient(lax.reduce_max(x, (axis,)))
    terms = lax.exp(lax.sub(x, lax.expand_dims(largest, (axis,))))
    return lax.div(terms, lax.expand_dims(lax.reduce_sum(terms, (axis,)), (axis,)))


def log_softmax_over(x: Any, axis: int) -> Any:
    """The logarithm of the softmax of a floating array along ``axis``."""
    largest = lax.stop_gradient(lax.reduce_max(x, (axis,)))
    shifted = lax.sub(x, lax.expand_dims(largest, (axis,)))
    total = lax.reduce_sum(lax.exp(shifted), (axis,))
    return lax.sub(shifted, lax.expand_dims(lax.log(total), (axis,)))


def _along(who: str, kernel: Callable[[Any, int], Any]) -> Callable[..., Any]:
    run = compiled("axis", inline=False)(kernel)
    kernel_of = kernels_of(kernel)

    def rule(tensor: Any, axis: Any = -1) -> Any:
        if tensor.__class__ is ArrayImpl and axis.__class__ is int:
            known = tensor.aval
            rank = len(known.shape)
            if known.dtype in NARROW_FLOATS and -rank <= axis < rank and known.shape[axis]:
                return kernel_of(axis % rank)(tensor)
        x = number_tensor(who, tensor)
        x = cast(x, inexact_dtype(x.dtype, len(x.shape)))
        shape = x.shape
        along = static_axis(axis, len(shape), who, x)
        return x if shape[along] == 0 else run(x, along)

    rule.__name__ = rule.__qualname__ = who
    return rule


softmax = _along("softmax", softmax_over)
log_softmax = _along("log-softmax", log_softmax_over)

__all__ = [
    "celu",
    "elu",
    "gelu",
    "hard_sigmoid",
    "hard_swish",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "swish",
    "tanh",
]

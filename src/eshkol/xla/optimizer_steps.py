"""Single steps of optimizers: the new parameters and the new state, as ``in_place`` stores them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from eshkol.base.errors import BadValue, ShapeError
from eshkol.primitives.arithmetic import subtract
from eshkol.primitives.elementary import power
from eshkol.xla.dtypes import inexact_dtype, result_dtype
from eshkol.xla.in_place import New, operand
from eshkol.xla.tensors import as_tensor, cast, compiled, describe


def _tensors(who: str, *values: Any) -> list[Any]:
    """Parameters, gradients and state: floating tensors of one shape and dtype."""
    arrays = [operand(who, value) for value in values]
    first = arrays[0]
    for array, what in zip(arrays[1:], ("gradients", "state", "state"), strict=False):
        if array.shape != first.shape:
            raise ShapeError(
                f"{who}: the parameters are {describe(first)}, the {what} {describe(array)}",
                hint="each parameter has a gradient of its own shape, and state of that shape",
            )
    dtype = first.dtype
    if dtype.kind in "iub":
        dtype = inexact_dtype(result_dtype(arrays), len(first.shape))
    return [cast(array, dtype) for array in arrays]


def _numbers(who: str, like: Any, **settings: Any) -> dict[str, Any]:
    """Rates and decays in the dtype of the parameters."""
    numbers = {name: as_tensor(value, who, like.dtype) for name, value in settings.items()}
    for name, number in numbers.items():
        if number.shape:
            message = f"{who}: expected a number as {name.replace('_', '-')}, "
            raise ShapeError(f"{message}got {describe(settings[name])}")
    return numbers


def _run(who: str, kernel: Callable[..., Any], tensors: Any, **settings: Any) -> New:
    arrays = _tensors(who, *tensors)
    return None, tuple(kernel(*arrays, **_numbers(who, arrays[0], **settings)))


def sgd(
    parameters: Any, gradients: Any, rate: Any, momentum: Any = None, velocity: Any = None
) -> New:
    """``p - rate · g``; with momentum ``v = momentum · v + g`` and ``p - rate · v``."""
    if velocity is None:
        if momentum is not None:
            raise BadValue(
                "sgd-step: momentum needs a velocity to keep",
                hint="use: (sgd-step parameters gradients rate momentum velocity)",
            )
        return _run("sgd-step", _sgd, (parameters, gradients), rate=rate)
    tensors = (parameters, gradients, velocity)
    return _run("sgd-step", _momentum, tensors, rate=rate, momentum=momentum)


@compiled(inline=False)
def _sgd(p: Any, g: Any, *, rate: Any) -> Any:
    return (p - rate * g,)


@compiled(inline=False)
def _momentum(p: Any, g: Any, v: Any, *, rate: Any, momentum: Any) -> Any:
    v = momentum * v + g
    return p - rate * v, v


def adam(
    parameters: Any,
    gradients: Any,
    rate: Any,
    mean: Any,
    square: Any,
    step: Any,
    beta1: Any = 0.9,
    beta2: Any = 0.999,
    epsilon: Any = 1e-8,
) -> New:
    """Adam."""
    return _adam("adam-step", parameters, gradients, mean, square, rate=rate, step=step,
                 beta1=beta1, beta2=beta2, epsilon=epsilon, decay=0.0)  # fmt: skip


def adamw(
    parameters: Any,
    gradients: Any,
    rate: Any,
    mean: Any,
    square: Any,
    step: Any,
    beta1: Any = 0.9,
    beta2: Any = 0.999,
    epsilon: Any = 1e-8,
    decay: Any = 0.01,
) -> New:
    """Adam with decoupled weight decay."""
    return _adam("adamw-step", parameters, gradients, mean, square, rate=rate, step=step,
                 beta1=beta1, beta2=beta2, epsilon=epsilon, decay=decay)  # fmt: skip


def _adam(who: str, *tensors: Any, step: Any, beta1: Any, beta2: Any, **settings: Any) -> New:
    if step.__class__ in (int, float) and step < 1:
        raise BadValue(f"{who}: expected the number of the step, from 1 on, got {step}")
    # What is left of 1 is computed here, in doubles, since it is small.
    rest1, rest2 = subtract(1, beta1), subtract(1, beta2)
    due1, due2 = subtract(1, power(beta1, step)), subtract(1, power(beta2, step))
    decays = {"beta1": beta1, "rest1": rest1, "due1": due1}
    decays |= {"beta2": beta2, "rest2": rest2, "due2": due2}
    return _run(who, _adam_step, tensors, **decays, **settings)


@compiled(inline=False)
def _adam_step(
    p: Any, g: Any, m: Any, v: Any, *, rate: Any, epsilon: Any, decay: Any,
    beta1: Any, rest1: Any, due1: Any, beta2: Any, rest2: Any, due2: Any,
) -> Any:  # fmt: skip
    m = beta1 * m + rest1 * g
    v = beta2 * v + rest2 * g * g
    change = m / due1 / (jnp.sqrt(v / due2) + epsilon)
    return p * (1 - rate * decay) - rate * change, m, v


def rmsprop(
    parameters: Any, gradients: Any, rate: Any, square: Any, alpha: Any = 0.99, epsilon: Any = 1e-8
) -> New:
    """Gradients divided by the root of their decaying mean square."""
    tensors = (parameters, gradients, square)
    return _run("rmsprop-step", _rmsprop, tensors, rate=rate, alpha=alpha, epsilon=epsilon)


@compiled(inline=False)
def _rmsprop(p: Any, g: Any, v: Any, *, rate: Any, alpha: Any, epsilon: Any) -> Any:
    v = alpha * v + (1 - alpha) * g * g
    return p - rate * g / (jnp.sqrt(v) + epsilon), v


def adagrad(parameters: Any, gradients: Any, rate: Any, total: Any, epsilon: Any = 1e-8) -> New:
    """Gradients divided by the root of the sum of their squares."""
    tensors = (parameters, gradients, total)
    return _run("adagrad-step", _adagrad, tensors, rate=rate, epsilon=epsilon)


@compiled(inline=False)
def _adagrad(p: Any, g: Any, total: Any, *, rate: Any, epsilon: Any) -> Any:
    total = total + g * g
    return p - rate * g / (jnp.sqrt(total) + epsilon), total

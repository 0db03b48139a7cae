"""Learning rates as functions of the number of steps or epochs done.

They compute with plain numbers and tensors alike, so that a compiled step can take its own rate.
"""

from __future__ import annotations

import math
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.primitives.arguments import is_tracer, wrong_type
from eshkol.primitives.arithmetic import add, divide, multiply, subtract
from eshkol.primitives.comparison import maximum, minimum
from eshkol.primitives.declare import PRIMITIVES, primitive
from eshkol.primitives.elementary import power
from eshkol.primitives.numbers import is_host_number, is_tensor_like
from eshkol.primitives.rounding import floor

Number = Any
"""A real, or a tensor of rank 0."""

_cosine = PRIMITIVES["cos"].function


def _check(who: str, *values: Any) -> None:
    for value in values:
        if not (is_host_number(value) or is_tensor_like(value) or is_tracer(value)):
            raise wrong_type(who, "a number", value)


def _check_positive(who: str, what: str, value: Any) -> None:
    _check(who, value)
    if is_host_number(value) and not value > 0:
        raise BadValue(f"{who}: expected {what} greater than 0, got {value}")


def _fraction(who: str, step: Number, total: Number, what: str) -> Number:
    """How much of ``total`` is done after ``step`` steps, from 0.0 to 1.0."""
    _check(who, step)
    _check_positive(who, what, total)
    return minimum(1.0, maximum(0.0, divide(step, total)))


@primitive("cosine-annealing-lr")
def cosine_annealing_lr(base: Number, least: Number, step: Number, total: Number) -> Number:
    """Half a cosine from ``base`` at step 0 to ``least`` at step ``total`` and after it.

    Source: Loshchilov and Hutter 2017.

    Raises:
        BadValue: ``total`` is not greater than 0.

    Example: ``(cosine-annealing-lr 1.0 0.0 50 100)`` ⇒ ``0.5``.
    """
    _check("cosine-annealing-lr", base, least)
    done = _fraction("cosine-annealing-lr", step, total, "a number of steps")
    wave = add(1.0, _cosine(multiply(math.pi, done)))
    return add(least, multiply(multiply(0.5, subtract(base, least)), wave))


@primitive("step-decay-lr")
def step_decay_lr(base: Number, gamma: Number, epoch: Number, size: Number) -> Number:
    """``base`` times ``gamma`` once for each ``size`` whole epochs.

    Example: ``(step-decay-lr 1.0 0.5 25 10)`` ⇒ ``0.25``.
    """
    _check("step-decay-lr", base, gamma, epoch)
    _check_positive("step-decay-lr", "a number of epochs", size)
    return multiply(base, power(gamma, floor(divide(epoch, size))))


@primitive("exponential-decay-lr")
def exponential_decay_lr(base: Number, gamma: Number, epoch: Number) -> Number:
    """``base`` times ``gamma`` for each epoch.

    Example: ``(exponential-decay-lr 1.0 0.5 3)`` ⇒ ``0.125``.
    """
    _check("exponential-decay-lr", base, gamma, epoch)
    return multiply(base, power(gamma, epoch))


@primitive("linear-warmup-lr")
def linear_warmup_lr(base: Number, step: Number, warmup: Number) -> Number:
    """A line from 0 at step 0 to ``base`` at step ``warmup`` and after it (Goyal et al. 2017).

    Example: ``(linear-warmup-lr 0.5 50 100)`` ⇒ ``0.25``.
    """
    _check("linear-warmup-lr", base)
    return multiply(base, _fraction("linear-warmup-lr", step, warmup, "a number of steps"))

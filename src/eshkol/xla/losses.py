"""Losses: how far predictions are from targets.

Each takes ``(predictions targets …)`` and the option ``reduction``: ``mean`` (the default) or
``sum`` over all terms, or ``none`` for the terms themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, EshkolError, ShapeError
from eshkol.datum.symbols import Symbol
from eshkol.xla.dtypes import inexact_dtype, result_dtype
from eshkol.xla.elementwise import absolute_value
from eshkol.xla.tensors import as_tensor, as_tensors, at_dtype, compiled, describe


def reduction_name(value: Any, who: str) -> str:
    name = value.name if isinstance(value, Symbol) else value
    if name in ("mean", "sum", "none"):
        return name
    raise BadValue(f"{who}: expected the reduction 'mean, 'sum or 'none, got {describe(value)}")


def reduced(terms: Any, reduction: str) -> Any:
    axes = tuple(range(len(terms.shape)))
    if reduction == "none":
        return terms
    total = lax.reduce_sum(terms, axes)
    return total if reduction == "sum" else lax.div(total, _of(math.prod(terms.shape), total))


def _of(number: float, x: Any) -> Any:
    return x.dtype.type(number)


def floating(who: str, *values: Any) -> list[Any]:
    """Predictions and targets as floating arrays of one dtype."""
    operands = as_tensors(who, *values)
    rank = max(np.ndim(operand) for operand in operands)
    dtype = inexact_dtype(result_dtype(operands), rank)
    return [as_tensor(x, who) for x in at_dtype(who, dtype, operands)]


def _paired(who: str, predictions: Any, targets: Any) -> list[Any]:
    """Both as floating arrays of one shape; a number fits any shape."""
    p, t = floating(who, predictions, targets)
    if p.shape != t.shape and p.shape and t.shape:
        raise mismatch(who, p, t)
    shape = p.shape or t.shape
    return [x if x.shape else lax.broadcast(x, shape) for x in (p, t)]


def mismatch(who: str, predictions: Any, targets: Any) -> EshkolError:
    """The error for predictions and targets of different shapes."""
    return ShapeError(
        f"{who}: shapes differ, the predictions are {describe(predictions)} "
        f"and the targets {describe(targets)}",
        hint="one target per prediction; a missing axis of size 1 is put in with unsqueeze",
    )


def _loss(who: str, terms: Callable[..., Any], *defaults: float) -> Callable[..., Any]:
    """A loss whose terms belong to pairs of elements; ``defaults`` are its further parameters."""

    @compiled("reduction", inline=False)
    def kernel(p: Any, t: Any, *parameters: Any, reduction: str) -> Any:
        return reduced(terms(p, t, *parameters), reduction)

    def rule(predictions: Any, targets: Any, *given: Any, reduction: Any = "mean") -> Any:
        name = reduction_name(reduction, who)
        p, t = _paired(who, predictions, targets)
        values = [*given, *defaults[len(given) :]]
        if len(values) > len(defaults):
            raise BadValue(f"{who}: expected at most {len(defaults)} parameters, got {len(values)}")
        return kernel(p, t, *at_dtype(who, p.dtype, as_tensors(who, *values)), reduction=name)

    rule.__name__ = rule.__qualname__ = who
    return rule


def _square(p: Any, t: Any) -> Any:
    return lax.square(lax.sub(p, t))


def _absolute(p: Any, t: Any) -> Any:
    return absolute_value(lax.sub(p, t))


def _huber(p: Any, t: Any, delta: Any) -> Any:
    """Quadratic up to ``delta``, linear beyond (Huber 1964)."""
    error = lax.abs(lax.sub(p, t))
    near = lax.min(error, delta)
    return lax.mul(near, lax.sub(error, lax.mul(near, _of(0.5, p))))


def _smooth_l1(p: Any, t: Any, beta: Any) -> Any:
    return lax.div(_huber(p, t, beta), beta)


def _hinge(p: Any, t: Any) -> Any:
    margin = lax.sub(_of(1, p), lax.mul(p, t))
    return lax.select(lax.le(margin, _of(0, p)), lax.full_like(p, 0), margin)


def inside_probabilities(p: Any) -> Any:
    """Probabilities kept so far from 0 and 1 that their logarithms are finite."""
    margin = float(jnp.finfo(p.dtype).eps)
    return lax.clamp(_of(margin, p), p, _of(1 - margin, p))


def _binary_cross_entropy(p: Any, t: Any) -> Any:
    p, one = inside_probabilities(p), _of(1, p)
    missed = lax.mul(lax.sub(one, t), lax.log(lax.sub(one, p)))
    return lax.neg(lax.add(lax.mul(t, lax.log(p)), missed))


def _binary_cross_entropy_of_logits(x: Any, t: Any) -> Any:
    """``max(x, 0) - x t + log(1 + exp(-|x|))``, which overflows for no logit."""
    positive = lax.select(lax.le(x, _of(0, x)), lax.full_like(x, 0), x)
    rest = lax.log1p(lax.exp(lax.neg(lax.abs(x))))
    return lax.add(lax.sub(positive, lax.mul(x, t)), rest)


mse = _loss("mse-loss", _square)
mae = _loss("mae-loss", _absolute)
huber = _loss("huber-loss", _huber, 1.0)
smooth_l1 = _loss("smooth-l1-loss", _smooth_l1, 1.0)
hinge = _loss("hinge-loss", _hinge)
binary_cross_entropy = _loss("binary-cross-entropy", _binary_cross_entropy)
binary_cross_entropy_with_logits = _loss("bce-with-logits-loss", _binary_cross_entropy_of_logits)


def _focal(p: Any, t: Any, gamma: Any) -> Any:
    """Cross-entropy times ``(1 - p)^gamma`` of the true class (Lin et al. 2017)."""
    return lax.mul(_binary_cross_entropy(p, t), lax.pow(_wrongness(p, t), gamma))


def _balanced_focal(p: Any, t: Any, gamma: Any, alpha: Any) -> Any:
    one = _of(1, p)
    weight = lax.add(lax.mul(t, alpha), lax.mul(lax.sub(one, t), lax.sub(one, alpha)))
    return lax.mul(weight, _focal(p, t, gamma))


def _wrongness(p: Any, t: Any) -> Any:
    """One less the probability of the true class."""
    p, one = inside_probabilities(p), _of(1, p)
    return lax.add(lax.mul(t, lax.sub(one, p)), lax.mul(lax.sub(one, t), p))


_focal_loss = _loss("focal-loss", _focal, 2.0)
_balanced_focal_loss = _loss("focal-loss", _balanced_focal, 2.0, 0.25)


def focal(
    predictions: Any, targets: Any, gamma: Any = 2.0, alpha: Any = None, *, reduction: Any = "mean"
) -> Any:
    """The focal loss; with ``alpha`` the classes are weighted alpha and 1 - alpha."""
    if alpha is None:
        return _focal_loss(predictions, targets, gamma, reduction=reduction)
    return _balanced_focal_loss(predictions, targets, gamma, alpha, reduction=reduction)

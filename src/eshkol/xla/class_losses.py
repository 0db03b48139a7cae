"""Losses of distributions over classes, which lie along the last axis of the predictions.

Targets are class numbers (a tensor of one axis less) or distributions (of the same shape, such as
one-hot rows). Each row of the last axis makes one term; ``reduction`` is ``mean`` (the default) or
``sum`` over the rows, or ``none``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jax import lax

from eshkol.base.errors import ShapeError
from eshkol.xla.activations import log_softmax_over
from eshkol.xla.arguments import index_tensor
from eshkol.xla.dtypes import inexact_dtype
from eshkol.xla.losses import floating, inside_probabilities, mismatch, reduced, reduction_name
from eshkol.xla.reductions import logsumexp_over
from eshkol.xla.tensors import Array, as_tensor, cast, compiled, describe

Terms = Callable[[Any, Any], Any]


def _shape_of(value: Any, who: str) -> tuple[int, ...]:
    return value.shape if isinstance(value, Array | np.ndarray) else as_tensor(value, who).shape


def _class_loss(who: str, from_classes: Terms, from_distributions: Terms) -> Callable[..., Any]:
    """A loss of rows of scores against class numbers or distributions.

    Args:
        who: its Scheme name.
        from_classes: the term of each row, given scores and class numbers.
        from_distributions: the term of each row, given scores and distributions.
    """
    by_classes, by_distributions = _reducing(from_classes), _reducing(from_distributions)

    def rule(predictions: Any, targets: Any, *, reduction: Any = "mean") -> Any:
        name = reduction_name(reduction, who)
        scores = _scores(predictions, who)
        if _shape_of(targets, who) == scores.shape[:-1]:
            ids = index_tensor(targets, who, scores.shape[-1])
            return by_classes(scores, ids, reduction=name)
        scores, wanted = floating(who, scores, targets)
        if scores.shape != wanted.shape:
            raise mismatch(who, scores, wanted)
        return by_distributions(scores, wanted, reduction=name)

    rule.__name__ = rule.__qualname__ = who
    return rule


def _scores(predictions: Any, who: str) -> Any:
    scores = as_tensor(predictions, who)
    if not scores.shape:
        raise ShapeError(f"{who}: expected predictions of rank 1 or more, got {describe(scores)}")
    return cast(scores, inexact_dtype(scores.dtype, 1))


def _reducing(terms: Terms) -> Callable[..., Any]:
    @compiled("reduction", inline=False)
    def kernel(scores: Any, targets: Any, *, reduction: str) -> Any:
        return reduced(terms(scores, targets), reduction)

    return kernel


def _last(x: Any) -> int:
    return len(x.shape) - 1


def picked(scores: Any, ids: Any) -> Any:
    """For each row of the last axis, its element at the index in ``ids``."""
    shape = scores.shape[:-1]
    rows = lax.reshape(scores, (math.prod(shape), scores.shape[-1])) if len(shape) != 1 else scores
    columns = lax.reshape(ids, (math.prod(shape), 1))
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=(1,),
        start_index_map=(1,),
        operand_batching_dims=(0,),
        start_indices_batching_dims=(0,),
    )
    found = lax.gather(rows, columns, numbers, (1, 1), mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS)
    return found if len(shape) == 1 else lax.reshape(found, shape)


def _cross_entropy_of_classes(logits: Any, ids: Any) -> Any:
    return lax.sub(logsumexp_over(logits, (_last(logits),)), picked(logits, ids))


def _expected(wanted: Any, logarithms: Any) -> Any:
    """``-Σ wanted · logarithms`` along the last axis."""
    return lax.neg(lax.reduce_sum(lax.mul(wanted, logarithms), (_last(wanted),)))


def _cross_entropy_of_distributions(logits: Any, wanted: Any) -> Any:
    return _expected(wanted, log_softmax_over(logits, _last(logits)))


def _log_inside(probabilities: Any) -> Any:
    return lax.log(inside_probabilities(probabilities))


def _log_picked(probabilities: Any, ids: Any) -> Any:
    return lax.neg(_log_inside(picked(probabilities, ids)))


def _log_expected(probabilities: Any, wanted: Any) -> Any:
    return _expected(wanted, _log_inside(probabilities))


def _negative_picked(log_probabilities: Any, ids: Any) -> Any:
    return lax.neg(picked(log_probabilities, ids))


def _negative_expected(log_probabilities: Any, wanted: Any) -> Any:
    return _expected(wanted, log_probabilities)


cross_entropy = _class_loss(
    "cross-entropy", _cross_entropy_of_classes, _cross_entropy_of_distributions
)
categorical_cross_entropy = _class_loss("categorical-cross-entropy", _log_picked, _log_expected)
nll = _class_loss("nll-loss", _negative_picked, _negative_expected)


@compiled("reduction", inline=False)
def _divergence(p: Any, q: Any, *, reduction: str) -> Any:
    # A class of probability 0 contributes nothing; asking log for 1 there keeps slopes finite.
    absent = lax.le(p, p.dtype.type(0))
    safe = lax.select(absent, lax.full_like(p, 1), p)
    ratio = lax.sub(lax.log(safe), _log_inside(q))
    return reduced(lax.reduce_sum(lax.mul(p, ratio), (_last(p),)), reduction)


def kl_divergence(p: Any, q: Any, *, reduction: Any = "mean") -> Any:
    """``Σ p log(p / q)`` along the last axis: how far the distribution q is from p."""
    name = reduction_name(reduction, "kl-div-loss")
    first, second = floating("kl-div-loss", p, q)
    if first.shape != second.shape or not first.shape:
        raise mismatch("kl-div-loss", first, second)
    return _divergence(first, second, reduction=name)

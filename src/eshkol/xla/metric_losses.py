"""Losses on distances between embeddings, and cross-entropy with softened targets.

Embeddings lie along the last axis; each row makes one term. ``reduction`` is ``mean`` (the
default) or ``sum`` over the rows, or ``none``.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from eshkol.base.errors import BadValue, ShapeError
from eshkol.xla.activations import log_softmax_over
from eshkol.xla.arguments import index_tensor, static_int
from eshkol.xla.creation import one_hot
from eshkol.xla.dtypes import BOOL, FLOAT32
from eshkol.xla.losses import floating, mismatch, reduced, reduction_name
from eshkol.xla.tensors import as_tensor, cast, compiled, describe


def _rows(who: str, *values: Any) -> list[Any]:
    """Embeddings of one shape and dtype."""
    first, *others = floating(who, *values)
    for other in others:
        if other.shape != first.shape or not first.shape:
            raise mismatch(who, first, other)
    return [first, *others]


def _labels(who: str, labels: Any, like: Any) -> Any:
    """One label per row of ``like``, in its dtype; a number holds for all rows."""
    y = as_tensor(labels, who)
    y = cast(cast(y, FLOAT32) if y.dtype == BOOL else y, like.dtype)
    rows = like.shape[:-1]
    if y.shape not in ((), rows):
        raise ShapeError(
            f"{who}: expected labels of shape {list(rows)}, got {describe(labels)}",
            hint="one label per row of embeddings",
        )
    return y


def _number(who: str, value: Any, like: Any, what: str) -> Any:
    number = cast(as_tensor(value, who), like.dtype)
    if number.shape:
        raise ShapeError(f"{who}: expected a number as {what}, got {describe(value)}")
    return number


def _length(difference: Any) -> Any:
    """The Euclidean length of the last axis; its slope at length 0 is 0."""
    square = jnp.sum(difference * difference, axis=-1)
    apart = square > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, square, 1)), 0)


def _excess(x: Any) -> Any:
    """``max(x, 0)`` with slope 0 at 0."""
    return jnp.where(x > 0, x, 0)


def triplet(
    anchors: Any, positives: Any, negatives: Any, margin: Any = 1.0, *, reduction: Any = "mean"
) -> Any:
    """``max(0, ‖a - p‖ - ‖a - n‖ + margin)`` of each row."""
    who = "triplet-loss"
    a, p, n = _rows(who, anchors, positives, negatives)
    name = reduction_name(reduction, who)
    return _triplet(a, p, n, _number(who, margin, a, "margin"), reduction=name)


@compiled("reduction", inline=False)
def _triplet(a: Any, p: Any, n: Any, margin: Any, *, reduction: str) -> Any:
    return reduced(_excess(_length(a - p) - _length(a - n) + margin), reduction)


def contrastive(
    first: Any, second: Any, labels: Any, margin: Any = 1.0, *, reduction: Any = "mean"
) -> Any:
    """``y d² + (1 - y) max(0, margin - d)²`` of each row, d the distance."""
    who = "contrastive-loss"
    a, b = _rows(who, first, second)
    y, name = _labels(who, labels, a), reduction_name(reduction, who)
    return _contrastive(a, b, y, _number(who, margin, a, "margin"), reduction=name)


@compiled("reduction", inline=False)
def _contrastive(a: Any, b: Any, y: Any, margin: Any, *, reduction: str) -> Any:
    missing = _excess(margin - _length(a - b))
    square = jnp.sum((a - b) ** 2, axis=-1)
    return reduced(y * square + (1 - y) * missing * missing, reduction)


def cosine_embedding(
    first: Any, second: Any, labels: Any, margin: Any = 0.0, *, reduction: Any = "mean"
) -> Any:
    """``1 - cos`` of rows labelled 1, ``max(0, cos - margin)`` of those labelled -1."""
    who = "cosine-embedding-loss"
    a, b = _rows(who, first, second)
    y, name = _labels(who, labels, a), reduction_name(reduction, who)
    return _cosine_embedding(a, b, y, _number(who, margin, a, "margin"), reduction=name)


@compiled("reduction", inline=False)
def _cosine_embedding(a: Any, b: Any, y: Any, margin: Any, *, reduction: str) -> Any:
    product = _length(a) * _length(b)
    apart = product > 0
    cosine = jnp.where(apart, jnp.sum(a * b, axis=-1) / jnp.where(apart, product, 1), 0)
    return reduced(jnp.where(y > 0, 1 - cosine, _excess(cosine - margin)), reduction)


def label_smoothing(
    logits: Any, targets: Any, classes: Any = None, smoothing: Any = 0.1, *, reduction: Any = "mean"
) -> Any:
    """The cross-entropy against targets mixed with the even distribution."""
    who = "label-smoothing-loss"
    (x,) = floating(who, logits)
    if not x.shape:
        raise ShapeError(f"{who}: expected logits of rank 1 or more, got {describe(logits)}")
    count = x.shape[-1] if classes is None else static_int(classes, who, "the number of classes")
    if count != x.shape[-1]:
        raise BadValue(f"{who}: expected {count} classes, got logits {describe(x)}")
    wanted = _distributions(who, targets, x)
    amount = _number(who, smoothing, x, "smoothing")
    return _label_smoothing(x, wanted, amount, reduction=reduction_name(reduction, who))


def _distributions(who: str, targets: Any, logits: Any) -> Any:
    """Targets as distributions: they are such already, or class numbers."""
    t = as_tensor(targets, who)
    if t.shape == logits.shape:
        return cast(cast(t, FLOAT32) if t.dtype == BOOL else t, logits.dtype)
    if t.shape != logits.shape[:-1]:
        raise mismatch(who, logits, t)
    ids = index_tensor(targets, who, logits.shape[-1])
    return one_hot(ids, logits.shape[-1], dtype=logits.dtype)


@compiled("reduction", inline=False)
def _label_smoothing(x: Any, wanted: Any, amount: Any, *, reduction: str) -> Any:
    softened = (1 - amount) * wanted + amount / x.shape[-1]
    logarithms = log_softmax_over(x, len(x.shape) - 1)
    return reduced(lax.neg(jnp.sum(softened * logarithms, axis=-1)), reduction)

"""Losses. All take ``(predictions targets …)`` and ``#:reduction``.

The reduction is ``'mean`` (the default) or ``'sum`` over all terms, or ``'none`` for the terms. A
term belongs to an element, or for losses over classes to a row of the last axis. Predictions and
targets have one shape; where they have not, that is a ShapeError rather than a broadcast.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

Reduction = Any
"""``mean``, ``sum`` or ``none``, as a symbol or a string."""

_AT = "eshkol.xla.losses:"
_CLASSES = "eshkol.xla.class_losses:"


@tensor_primitive("mse-loss", "mse", at=_AT + "mse")
def mse(predictions: Tensor, targets: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """The squared error ``(p - t)²``. Example: ``(mse #(1 2) #(1 4))`` ⇒ ``2.0``."""


@tensor_primitive("mae-loss", "mae", "l1-loss", at=_AT + "mae")
def mae(predictions: Tensor, targets: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """The absolute error ``|p - t|``. Example: ``(mae #(1 2) #(1 4))`` ⇒ ``1.0``."""


@tensor_primitive("huber-loss", at=_AT + "huber")
def huber(
    predictions: Tensor, targets: Tensor, delta: Any = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """``e²/2`` where ``e = |p - t|`` is at most ``delta``, else ``delta (e - delta/2)``.

    Source: Huber 1964.

    Example: ``(huber-loss #(1 2) #(1 4))`` ⇒ ``0.75``.
    """


@tensor_primitive("smooth-l1-loss", at=_AT + "smooth_l1")
def smooth_l1(
    predictions: Tensor, targets: Tensor, beta: Any = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """The Huber loss divided by its threshold ``beta`` (Girshick 2015).

    Example: ``(smooth-l1-loss #(1.0 2.0) #(1.0 4.0))`` ⇒ ``0.75``.
    """


@tensor_primitive("hinge-loss", at=_AT + "hinge")
def hinge(predictions: Tensor, targets: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """``max(0, 1 - t p)`` for targets -1 and 1. Example: ``(hinge-loss #(0.5) #(1))`` ⇒ ``0.5``."""


@tensor_primitive(
    "binary-cross-entropy",
    "bce-loss",
    "binary-cross-entropy-loss",
    at=_AT + "binary_cross_entropy",
)
def binary_cross_entropy(
    predictions: Tensor, targets: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    """``-t log p - (1 - t) log(1 - p)`` of probabilities p.

    Probabilities are kept one rounding unit away from 0 and 1, so the loss is finite.

    Example: ``(binary-cross-entropy #(0.9 0.2) #(1 0))`` ⇒ ``0.16425204``.
    """


@tensor_primitive("bce-with-logits-loss", at=_AT + "binary_cross_entropy_with_logits")
def bce_with_logits(
    predictions: Tensor, targets: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    """The binary cross-entropy of ``sigmoid(predictions)``, precise for any logit.

    Example: ``(bce-with-logits-loss #(2.0 -1.0) #(1 0))`` ⇒ ``0.22009484``.
    """


@tensor_primitive("focal-loss", at=_AT + "focal")
def focal(
    predictions: Tensor,
    targets: Tensor,
    gamma: Any = 2.0,
    alpha: Any = None,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """The binary cross-entropy times ``(1 - q)^gamma``, q the probability of the true class.

    Args:
        predictions: probabilities.
        targets: 0 or 1.
        gamma: how much well-classified examples count less.
        alpha: the weight of class 1, against 1 - alpha for class 0; none if left out.

    Source: Lin et al. 2017.

    Example: ``(focal-loss #(0.9 0.2) #(1 0))`` ⇒ ``0.004989674``.
    """


@tensor_primitive("cross-entropy", "cross-entropy-loss", at=_CLASSES + "cross_entropy")
def cross_entropy(predictions: Tensor, targets: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """``-Σ t log softmax(x)`` of each row of logits.

    Args:
        predictions: logits, with the classes along the last axis.
        targets: class numbers, of one axis less; or distributions (one-hot rows), of equal shape.

    Example: ``(cross-entropy #(#(2.0 1.0 0.1)) '(0))`` ⇒ ``0.417…``.
    """


@tensor_primitive("categorical-cross-entropy", at=_CLASSES + "categorical_cross_entropy")
def categorical_cross_entropy(
    predictions: Tensor, targets: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    """``-Σ t log p`` of each row of probabilities p; targets as for ``cross-entropy``.

    Example: ``(categorical-cross-entropy #(#(0.7 0.3) #(0.2 0.8)) #(0 1))`` ⇒ ``0.28990924``.
    """


@tensor_primitive("nll-loss", at=_CLASSES + "nll")
def nll(predictions: Tensor, targets: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """``-Σ t l`` of each row of log-probabilities l; targets as for ``cross-entropy``.

    Example: ``(nll-loss (log #(#(0.7 0.3) #(0.2 0.8))) #(0 1))`` ⇒ ``0.28990924``.
    """


@tensor_primitive("kl-div-loss", at=_CLASSES + "kl_divergence")
def kl_divergence(p: Tensor, q: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """``Σ p log(p/q)`` of each row: how far the distribution q is from p (Kullback and Leibler).

    Example: ``(kl-div-loss #(0.5 0.5) #(0.5 0.5))`` ⇒ ``0.0``.
    """

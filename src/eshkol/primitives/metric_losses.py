"""Losses on distances between embeddings, and cross-entropy with softened targets.

Embeddings lie along the last axis; each row makes one term. ``#:reduction`` is ``'mean`` (the
default) or ``'sum`` over the rows, or ``'none``. Slopes are finite where embeddings coincide.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.losses import Reduction
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.metric_losses:"


@tensor_primitive("triplet-loss", at=_AT + "triplet")
def triplet(
    anchors: Tensor,
    positives: Tensor,
    negatives: Tensor,
    margin: Any = 1.0,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """``max(0, ‖a - p‖ - ‖a - n‖ + margin)``, distances Euclidean (Schroff et al. 2015).

    Args:
        anchors, positives, negatives: embeddings of one shape [.., d].

    Raises:
        ShapeError: the shapes differ.

    Example: ``(triplet-loss #(0 0) #(0 1) #(3 4))`` ⇒ ``0.0``; ``(triplet-loss #(0) #(2) #(1))`` ⇒
    ``2.0``.
    """


@tensor_primitive("contrastive-loss", at=_AT + "contrastive")
def contrastive(
    first: Tensor,
    second: Tensor,
    labels: Tensor,
    margin: Any = 1.0,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """``y d² + (1 - y) max(0, margin - d)²``, d the Euclidean distance (Hadsell et al. 2006).

    Args:
        first, second: embeddings of one shape [.., d].
        labels: 1 for a pair that belongs together, 0 for one that does not: [..] or a number.

    Example: ``(contrastive-loss #(#(0 0) #(0 0)) #(#(3 4) #(0.6 0)) '(1 0))`` ⇒ ``12.58``.
    """


@tensor_primitive("cosine-embedding-loss", at=_AT + "cosine_embedding")
def cosine_embedding(
    first: Tensor,
    second: Tensor,
    labels: Tensor,
    margin: Any = 0.0,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """``1 - cos`` of pairs labelled 1, ``max(0, cos - margin)`` of pairs labelled -1.

    Args:
        first, second: embeddings of one shape [.., d]; the cosine with a zero vector is 0.
        labels: 1 or -1 for each pair: [..] or a number.

    Example: ``(cosine-embedding-loss #(#(1 0) #(1 0)) #(#(0 1) #(1 0)) '(1 -1))`` ⇒ ``1.0``.
    """


@tensor_primitive("label-smoothing-loss", at=_AT + "label_smoothing")
def label_smoothing(
    logits: Tensor,
    targets: Tensor,
    classes: int | None = None,
    smoothing: Any = 0.1,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """The cross-entropy against ``(1 - smoothing) t + smoothing / classes`` (Szegedy et al. 2016).

    Args:
        logits: [.., classes].
        targets: class numbers [..], or distributions [.., classes].
        classes: how many there are; the size of the last axis if left out.

    Example: ``(label-smoothing-loss #(#(2.0 1.0 0.1)) '(0) 3 0.0)`` ⇒ ``0.417…``.
    """

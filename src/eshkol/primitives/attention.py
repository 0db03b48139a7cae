"""Attention and what transformers put around it: masks, positions, embeddings.

A mask is added to the scores: 0 where a key may be looked at, -inf where not. A mask of booleans
says the same by true and false. A query that may look at nothing looks at everything alike.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Dtype, Tensor

_AT = "eshkol.xla.attention:"


@tensor_primitive(
    "scaled-dot-attention", "scaled-dot-product-attention", at=_AT + "scaled_dot_attention"
)
def scaled_dot_attention(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None
) -> Tensor:
    """``softmax(Q Kᵀ / √d + mask) V`` (Vaswani et al. 2017).

    Args:
        queries: [.., n, d].
        keys: [.., m, d].
        values: [.., m, e].
        mask: broadcasts to [.., n, m].

    Returns:
        [.., n, e].

    Raises:
        ShapeError: the shapes don't fit.

    Example: ``(scaled-dot-attention (eye 2) (eye 2) #(#(1 2) #(3 4)))`` ⇒
    ``#((1.660… 2.660…) (2.339… 3.339…))``.
    """


@tensor_primitive("multi-head-attention", at=_AT + "multi_head_attention")
def multi_head_attention(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    heads: int,
    query_weights: Tensor,
    key_weights: Tensor,
    value_weights: Tensor,
    output_weights: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Attention of several heads, each on its part of the projected features, joined and projected.

    Args:
        queries, keys, values: [.., n, d], [.., m, d], [.., m, d].
        heads: how many; they divide the projected features.
        query_weights, key_weights, value_weights, output_weights: matrices that are multiplied
            from the right.
        mask: [n, m], or [batch, n, m] for all heads, or [batch, heads, n, m].

    Source: Vaswani et al. 2017.

    Example: ``(multi-head-attention (eye 2) (eye 2) (eye 2) 1 (eye 2) (eye 2) (eye 2) (eye 2))``
    ⇒ ``#((0.669… 0.330…) (0.330… 0.669…))``.
    """


@tensor_primitive("causal-mask", at=_AT + "causal_mask")
def causal_mask(size: int, *, dtype: Dtype = None) -> Tensor:
    """The mask by which position i looks at positions up to i; booleans with ``#:dtype 'bool``.

    Example: ``(causal-mask 2)`` ⇒ ``#((0.0 -inf.0) (0.0 0.0))``.
    """


@tensor_primitive("padding-mask", at=_AT + "padding_mask")
def padding_mask(lengths: Tensor, size: int, *, dtype: Dtype = None) -> Tensor:
    """The mask by which each example of a batch looks at its first ``length`` positions.

    Args:
        lengths: [batch].
        size: how many positions there are.

    Returns:
        [batch, size]; to mask scores [batch, n, size], put in an axis: ``(unsqueeze mask 1)``.

    Example: ``(padding-mask '(1 2) 2)`` ⇒ ``#((0.0 -inf.0) (0.0 0.0))``.
    """


@tensor_primitive("positional-encoding", at=_AT + "positional_encoding")
def positional_encoding(length: int, features: int, *, dtype: Dtype = None) -> Tensor:
    """Sines and cosines, in turn, of position / 10000^(2i/features): [length, features].

    Source: Vaswani et al. 2017.

    Example: ``(positional-encoding 2 2)`` ⇒ ``#((0.0 1.0) (0.841… 0.540…))``.
    """


@tensor_primitive("rotary-embedding", at=_AT + "rotary_embedding")
def rotary_embedding(tensor: Tensor, positions: Tensor, features: int | None = None) -> Tensor:
    """Pairs of neighbouring features turned by the angle position / 10000^(2i/features).

    Args:
        tensor: queries or keys [.., n, d].
        positions: [n].
        features: how many of the d features are turned, an even number; all if left out.

    Source: Su et al. 2021.

    Example: ``(rotary-embedding #(#(1 0) #(1 0)) '(0 1) 2)`` ⇒ ``#((1.0 0.0) (0.540… 0.841…))``.
    """


@tensor_primitive("feed-forward", at=_AT + "feed_forward")
def feed_forward(tensor: Tensor, *weights: Any, activation: Any = None) -> Tensor:
    """``activation(x W1 + b1) W2 + b2``, the activation relu unless ``#:activation`` is given.

    ``(feed-forward x W1 b1 W2 b2)``; sizes before the weights, as in ``(feed-forward x d-model d-ff
    W1 b1 W2 b2)``, are passed over.

    Example: ``(feed-forward #(#(1 -1)) (eye 2) 0 (eye 2) 1)`` ⇒ ``#((2.0 1.0))``.
    """


@tensor_primitive("embedding", at=_AT + "embedding")
def embedding(ids: Tensor, weights: Tensor) -> Tensor:
    """The row of a table for each id: [.., d] for ids [..] and weights [n, d].

    Raises:
        OutOfRange: an id that is known does not lie in 0 to n - 1.

    Example: ``(embedding #(0 2) #(#(1 2) #(3 4) #(5 6)))`` ⇒ ``#((1.0 2.0) (5.0 6.0))``.
    """

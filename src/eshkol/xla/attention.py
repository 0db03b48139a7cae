"""Attention, and what transformers put around it: masks, positions, embeddings."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, OutOfRange, ShapeError
from eshkol.primitives.calling import callee
from eshkol.xla.activations import relu
from eshkol.xla.arguments import index_tensor, static_int
from eshkol.xla.dtypes import (
    BOOL,
    FLOAT64,
    INT32,
    default_dtype,
    inexact_dtype,
    parse_dtype,
    result_dtype,
    wide,
)
from eshkol.xla.elementwise import add
from eshkol.xla.indexing import gather
from eshkol.xla.linear_algebra import matmul
from eshkol.xla.precision import product
from eshkol.xla.tensors import as_tensor, cast, compiled, describe

BASE = 10_000.0
"""The longest wavelength of positional encodings, over 2π (Vaswani et al. 2017)."""


def _floats(who: str, *values: Any) -> list[Any]:
    arrays = [as_tensor(value, who) for value in values]
    dtype = inexact_dtype(result_dtype(arrays), 1)
    return [cast(array, dtype) for array in arrays]


def scaled_dot_attention(queries: Any, keys: Any, values: Any, mask: Any = None) -> Any:
    """``softmax(Q Kᵀ / √d + mask) V`` over the last two axes."""
    who = "scaled-dot-attention"
    q, k, v = _floats(who, queries, keys, values)
    _check_attention(who, q, k, v)
    if mask is None:
        return _attention(q, k, v)
    bias = _bias(who, mask, q.dtype)
    scores = (*np.broadcast_shapes(q.shape[:-2], k.shape[:-2]), q.shape[-2], k.shape[-2])
    _check_mask(who, bias, scores)
    return _masked_attention(q, k, v, bias)


def _check_attention(who: str, q: Any, k: Any, v: Any) -> None:
    fits = (
        min(len(x.shape) for x in (q, k, v)) >= 2
        and q.shape[-1] == k.shape[-1]
        and k.shape[-2] == v.shape[-2]
        and len({x.shape[:-2] for x in (q, k, v)}) == 1
    )
    if not fits:
        raise ShapeError(
            f"{who}: shapes don't fit: queries {describe(q)}, keys {describe(k)}, "
            f"values {describe(v)}",
            hint="expected queries[.., n, d], keys[.., m, d] and values[.., m, e]",
        )


def _bias(who: str, mask: Any, dtype: np.dtype) -> Any:
    """What a mask adds to the scores: booleans are true where a key may be looked at."""
    m = as_tensor(mask, who)
    if m.dtype == BOOL:
        return lax.select(m, lax.full(m.shape, 0, dtype), lax.full(m.shape, -np.inf, dtype))
    return cast(m, dtype)


def _check_mask(who: str, bias: Any, scores: tuple[int, ...]) -> None:
    try:
        fits = np.broadcast_shapes(bias.shape, scores) == scores
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{who}: the mask {describe(bias)} does not fit scores of shape {list(scores)}",
            hint="a mask of keys, one row per example, needs axes of size 1: (unsqueeze mask 1)",
        )


_product = product(jnp.matmul)


def _scores(q: Any, k: Any) -> Any:
    return _product(q, jnp.swapaxes(k, -1, -2)) / q.dtype.type(math.sqrt(q.shape[-1]))


def _weights(scores: Any) -> Any:
    shifted = scores - lax.stop_gradient(scores.max(-1, keepdims=True))
    weights = lax.exp(shifted)
    return weights / weights.sum(-1, keepdims=True)


@compiled(inline=False)
def _attention(q: Any, k: Any, v: Any) -> Any:
    return _product(_weights(_scores(q, k)), v)


@compiled(inline=False)
def _masked_attention(q: Any, k: Any, v: Any, bias: Any) -> Any:
    # Infinite scores would make not-a-number of a row in which everything is masked.
    lowest = q.dtype.type(jnp.finfo(q.dtype).min)
    scores = _scores(q, k) + bias
    return _product(_weights(jnp.where(scores < lowest, lowest, scores)), v)


def multi_head_attention(
    queries: Any,
    keys: Any,
    values: Any,
    heads: Any,
    query_weights: Any,
    key_weights: Any,
    value_weights: Any,
    output_weights: Any,
    mask: Any = None,
) -> Any:
    """Attention of several heads, each on its part of the projected features."""
    who = "multi-head-attention"
    number = static_int(heads, who, "the number of heads")
    q = _split_heads(who, matmul(queries, query_weights), number)
    k = _split_heads(who, matmul(keys, key_weights), number)
    v = _split_heads(who, matmul(values, value_weights), number)
    if mask is not None:
        bias = _bias(who, mask, q.dtype)
        # The mask of a batch holds for all heads.
        mask = lax.expand_dims(bias, (1,)) if len(bias.shape) == 3 == len(q.shape) - 1 else bias
    joined = _join_heads(scaled_dot_attention(q, k, v, mask))
    return matmul(joined, output_weights)


def _split_heads(who: str, x: Any, heads: int) -> Any:
    """``[.., n, heads · d]`` as ``[.., heads, n, d]``."""
    if heads < 1 or len(x.shape) < 2 or x.shape[-1] % heads:
        raise ShapeError(
            f"{who}: {heads} heads do not divide the features of {describe(x)}",
            hint="the last axis must be a multiple of the number of heads",
        )
    parts = lax.reshape(x, (*x.shape[:-1], heads, x.shape[-1] // heads))
    return jnp.swapaxes(parts, -2, -3)


def _join_heads(x: Any) -> Any:
    parts = jnp.swapaxes(x, -2, -3)
    return lax.reshape(parts, (*parts.shape[:-2], parts.shape[-2] * parts.shape[-1]))


def causal_mask(size: Any, *, dtype: Any = None) -> Any:
    """The matrix of 0 on and below the diagonal, -inf above it."""
    n = _size("causal-mask", size)
    kind = parse_dtype(dtype, "causal-mask") or default_dtype()
    with wide():
        row, column = (lax.broadcasted_iota(INT32, (n, n), axis) for axis in (0, 1))
        return _additive(lax.ge(row, column), kind)


def padding_mask(lengths: Any, size: Any, *, dtype: Any = None) -> Any:
    """For each length, a row of 0 up to it and -inf from it on."""
    n = _size("padding-mask", size)
    kind = parse_dtype(dtype, "padding-mask") or default_dtype()
    counts = as_tensor(lengths, "padding-mask", INT32)
    with wide():
        places = lax.broadcasted_iota(INT32, (*counts.shape, n), len(counts.shape))
        ends = lax.broadcast_in_dim(counts, places.shape, range(len(counts.shape)))
        return _additive(lax.lt(places, ends), kind)


def _additive(kept: Any, dtype: np.dtype) -> Any:
    """0 where a place is kept, -inf elsewhere; booleans if asked for."""
    if dtype == BOOL:
        return kept
    return lax.select(kept, lax.full(kept.shape, 0, dtype), lax.full(kept.shape, -np.inf, dtype))


def _size(who: str, value: Any) -> int:
    size = static_int(value, who, "a size")
    if size < 0:
        raise BadValue(f"{who}: expected a size of at least 0, got {size}")
    return size


def _frequencies(count: int, features: int) -> np.ndarray:
    return BASE ** (-2 * np.arange(count, dtype=FLOAT64) / features)


def positional_encoding(length: Any, features: Any, *, dtype: Any = None) -> Any:
    """Sines and cosines of the positions, in turn."""
    who = "positional-encoding"
    rows, columns = _size(who, length), _size(who, features)
    kind = parse_dtype(dtype, who) or default_dtype()
    angles = np.outer(np.arange(rows), _frequencies(-(-columns // 2), max(columns, 1)))
    turns = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(rows, 2 * angles.shape[1])
    with wide():
        return jnp.asarray(turns[:, :columns], kind)


def rotary_embedding(tensor: Any, positions: Any, features: Any = None) -> Any:
    """Pairs of neighbouring features turned by an angle that grows with the position."""
    who = "rotary-embedding"
    (x,) = _floats(who, tensor)
    places = as_tensor(positions, who)
    if len(x.shape) < 2 or places.shape != x.shape[-2:-1]:
        raise ShapeError(
            f"{who}: the positions {describe(places)} do not fit {describe(x)}",
            hint="expected x[.., n, d] and positions[n]",
        )
    count = x.shape[-1] if features is None else static_int(features, who, "features")
    if not 0 <= count <= x.shape[-1] or count % 2:
        raise OutOfRange(f"{who}: {count} features of {describe(x)} do not make pairs")
    return _rotate(x, cast(places, x.dtype), features=count)


@compiled("features", inline=False)
def _rotate(x: Any, positions: Any, features: int) -> Any:
    # Angles of far positions need more digits than 16-bit floats have.
    exact = x.dtype if x.dtype.itemsize > 2 else np.dtype("float32")
    turning = _frequencies(features // 2, max(features, 1)).astype(exact)
    angles = cast(positions, exact)[:, None] * turning
    cosine, sine = lax.cos(angles).astype(x.dtype), lax.sin(angles).astype(x.dtype)
    even, odd = x[..., 0:features:2], x[..., 1:features:2]
    turned = jnp.stack([even * cosine - odd * sine, even * sine + odd * cosine], axis=-1)
    turned = lax.reshape(turned, (*x.shape[:-1], features))
    return jnp.concatenate([turned, x[..., features:]], axis=-1)


def feed_forward(tensor: Any, *weights: Any, activation: Any = None) -> Any:
    """``activation(x W1 + b1) W2 + b2``."""
    if len(weights) == 6:
        weights = weights[2:]
    if len(weights) != 4:
        raise BadValue(
            f"feed-forward: expected two weights and two biases, got {len(weights)} of them",
            hint="use: (feed-forward x W1 b1 W2 b2)",
        )
    first, first_bias, second, second_bias = weights
    hidden = (relu if activation is None else callee(activation))(
        add(matmul(tensor, first), first_bias)
    )
    return add(matmul(hidden, second), second_bias)


def embedding(ids: Any, weights: Any) -> Any:
    """The row of ``weights`` for each of ``ids``."""
    table = as_tensor(weights, "embedding")
    if len(table.shape) < 2:
        raise ShapeError(
            f"embedding: expected a table of rows, got {describe(table)}",
            hint="use: (embedding ids weights)",
        )
    return gather(table, index_tensor(ids, "embedding", table.shape[0]), 0)

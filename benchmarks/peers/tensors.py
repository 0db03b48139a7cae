"""The chain of ``tensors.esk`` in ``jax.numpy``."""

from __future__ import annotations

import jax
import jax.numpy as jnp

Array = jax.Array


def normalized(x: Array) -> Array:
    centered = x - jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.mean(centered * centered, axis=-1, keepdims=True)
    return centered / jnp.sqrt(variance + 1e-5)


def attended(x: Array, wq: Array, wk: Array, wv: Array) -> Array:
    scores = (x @ wq) @ (x @ wk).T / 8.0
    allowed = jnp.tril(jnp.ones_like(scores))
    weights = jax.nn.softmax(jnp.where(allowed > 0, scores, -1e9))
    return weights @ (x @ wv)


def chain(x: Array, wq: Array, wk: Array, wv: Array, w1: Array, w2: Array) -> Array:
    x = x + attended(normalized(x), wq, wk, wv)
    hidden = jax.nn.gelu(normalized(x) @ w1)
    half = hidden[:, 0:128]
    joined = jnp.concatenate([half, jnp.exp(-half)], axis=1)
    return jnp.max(jnp.reshape(x + joined @ w2, -1))

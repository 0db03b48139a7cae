"""By hand what ``deep.esk`` does."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from training import Params, apply, dense, train

WIDTH = 32
BLOCKS = 32


def make_norm() -> Params:
    """The parameters of a normalization."""
    return {"scale": jnp.ones(WIDTH), "shift": jnp.zeros(WIDTH)}


def norm(layer: Params, x: jax.Array) -> jax.Array:
    """The last axis with mean 0 and variance 1, scaled and shifted."""
    centered = x - x.mean(-1, keepdims=True)
    variance = (centered**2).mean(-1, keepdims=True)
    return centered * jax.lax.rsqrt(variance + 1e-5) * layer["scale"] + layer["shift"]


def make_block() -> Params:
    """The parameters of a block."""
    norm1 = make_norm()
    attention = {
        name: dense(WIDTH, WIDTH, f"make-block attention make-attention {name}")
        for name in ("query", "key", "value", "out")
    }
    norm2 = make_norm()
    wide = dense(WIDTH, 2 * WIDTH, "make-block wide")
    narrow = dense(2 * WIDTH, WIDTH, "make-block narrow")
    return {"norm1": norm1, "attention": attention, "norm2": norm2, "wide": wide, "narrow": narrow}


def attend(layer: Params, x: jax.Array) -> jax.Array:
    """Attention with one head."""
    scores = apply(layer["query"], x) @ apply(layer["key"], x).swapaxes(-1, -2)
    return apply(layer["out"], jax.nn.softmax(scores / WIDTH**0.5) @ apply(layer["value"], x))


def block(layer: Params, x: jax.Array) -> jax.Array:
    """Attention and a network for each position."""
    x = x + attend(layer["attention"], norm(layer["norm1"], x))
    hidden = jax.nn.gelu(apply(layer["wide"], norm(layer["norm2"], x)), approximate=True)
    return x + apply(layer["narrow"], hidden)


def model(params: Params, x: jax.Array) -> jax.Array:
    """All blocks."""
    for layer in params:
        x = block(layer, x)
    return x


params = [make_block() for _ in range(BLOCKS)]
train(model, params, (2, 16, WIDTH), (2, 16, WIDTH), 2)

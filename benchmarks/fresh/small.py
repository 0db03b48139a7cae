"""By hand what ``small.esk`` does."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from training import Params, apply, dense, train


def model(params: Params, x: jax.Array) -> jax.Array:
    """Three dense layers."""
    x = jnp.tanh(apply(params["one"], x))
    x = jnp.tanh(apply(params["two"], x))
    return apply(params["three"], x)


params = {
    "one": dense(16, 64, "make-model one"),
    "two": dense(64, 64, "make-model two"),
    "three": dense(64, 4, "make-model three"),
}
train(model, params, (32, 16), (32, 4), 20)

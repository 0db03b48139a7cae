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


params = {"one": dense(16, 64), "two": dense(64, 64), "three": dense(64, 4)}
train(model, params, (32, 16), (32, 4), 20)

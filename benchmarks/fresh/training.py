"""What the programs by hand share: JAX's persistent cache, keys, layers, and the training.

The cache is switched on as JAX's documentation says for programs of any size.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax

jax.config.update("jax_compilation_cache_dir", sys.argv[1])
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)

Params = Any


def make_keys(path: str) -> Iterator[jax.Array]:
    """The keys of the draws on a path, which the Scheme program tells by the names on it."""
    key = jax.random.key(0)
    for name in path.split():
        digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
        key = jax.random.fold_in(key, jnp.uint32(int.from_bytes(digest, "big")))
    for count in itertools.count(1):
        yield jax.random.fold_in(key, jnp.uint32(count))


KEYS: dict[str, Iterator[jax.Array]] = {}


def next_key(path: str) -> jax.Array:
    """The key of the next draw on a path."""
    return next(KEYS.setdefault(path, make_keys(path)))


he_normal = jax.nn.initializers.he_normal()


def dense(inputs: int, outputs: int, path: str) -> Params:
    """The parameters of a dense layer, drawn on a path."""
    return {
        "weight": he_normal(next_key(f"model {path} linear"), (inputs, outputs)),
        "bias": jnp.zeros(outputs),
    }


def apply(layer: Params, x: jax.Array) -> jax.Array:
    """A dense layer."""
    return x @ layer["weight"] + layer["bias"]


def train(
    model: Callable[[Params, jax.Array], jax.Array],
    params: Params,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    steps: int,
) -> None:
    """Print the last loss, and what the first step took longer than the others."""
    optimizer = optax.adam(0.001)

    def loss_fn(params: Params, x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.mean((model(params, x) - y) ** 2)

    @jax.jit
    def step(params: Params, state: Any, x: jax.Array, y: jax.Array) -> Any:
        loss, grads = jax.value_and_grad(loss_fn)(params, x, y)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    state = optimizer.init(params)
    x = jax.random.normal(next_key(""), input_shape)
    y = jax.random.normal(next_key(""), output_shape)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        params, state, loss = step(params, state, x, y)
        value = float(loss)
        seconds.append(time.perf_counter() - start)
    print(value)
    print(seconds[0] - min(seconds))

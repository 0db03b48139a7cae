"""By hand in jax and optax: a dictionary of parameters, pure functions, one jitted step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from peers import cnn_optimizer, cross_entropy, mlp_optimizer, random_shifts

Params = Mapping[str, Any]
Model = Callable[[Params, jax.Array], jax.Array]


def dense(layer: Params, x: jax.Array) -> jax.Array:
    """A dense layer."""
    return x @ layer["weight"] + layer["bias"]


def convolution(layer: Params, x: jax.Array) -> jax.Array:
    """A convolution that keeps the size, channels last."""
    y = jax.lax.conv_general_dilated(
        x, layer["weight"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return y + layer["bias"]


def max_pool(x: jax.Array) -> jax.Array:
    """The largest of each 2×2 window, by XLA's window operation."""
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def max_pool_of_slices(x: jax.Array) -> jax.Array:
    """The same from four strided slices, which has a quicker gradient on CPUs."""
    top = jnp.maximum(x[:, ::2, ::2], x[:, ::2, 1::2])
    bottom = jnp.maximum(x[:, 1::2, ::2], x[:, 1::2, 1::2])
    return jnp.maximum(top, bottom)


def cnn_with(pool: Callable[[jax.Array], jax.Array]) -> Model:
    """The network of ``examples/mnist.esk``."""

    def model(params: Params, images: jax.Array) -> jax.Array:
        x = pool(jax.nn.relu(convolution(params["conv1"], images)))
        x = pool(jax.nn.relu(convolution(params["conv2"], x)))
        x = x.reshape(x.shape[0], -1)
        x = jax.nn.relu(dense(params["dense1"], x))
        return dense(params["dense2"], x)

    return model


def mlp_model(params: Params, images: jax.Array) -> jax.Array:
    """Three dense layers."""
    x = images.reshape(images.shape[0], -1)
    x = jax.nn.relu(dense(params["dense1"], x))
    x = jax.nn.relu(dense(params["dense2"], x))
    return dense(params["dense3"], x)


def make_step(model: Model, optimizer: optax.GradientTransformation, shifted: bool) -> Any:
    """A fresh jitted step."""

    def loss_fn(
        params: Params, images: jax.Array, labels: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        if shifted:
            images = random_shifts(key, images)
        return cross_entropy(model(params, images), labels)

    @jax.jit
    def step(params: Params, state: Any, images: Any, labels: Any, key: Any) -> Any:
        (loss, correct), grads = jax.value_and_grad(loss_fn, has_aux=True)(
            params, images, labels, key
        )
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        return params, state, loss, correct

    return step


class Trainer:
    """Parameters, the optimizer's state and the step that changes both."""

    def __init__(
        self, model: Model, optimizer: optax.GradientTransformation, weights: Params, shifted: bool
    ) -> None:
        self.make = lambda: make_step(model, optimizer, shifted)
        self.jitted = self.make()
        self.params = jax.tree.map(jnp.asarray, weights)
        self.state = optimizer.init(self.params)

    def step(self, images: jax.Array, labels: jax.Array, key: jax.Array) -> jax.Array:
        """Train on a batch; the loss."""
        self.params, self.state, loss, _ = self.jitted(self.params, self.state, images, labels, key)
        return loss

    def lower(self, images: jax.Array, labels: jax.Array, key: jax.Array) -> Any:
        """The step of a fresh function, traced and lowered."""
        return self.make().trace(self.params, self.state, images, labels, key).lower()


def cnn(weights: Params, shifted: bool) -> Trainer:
    """Trains the network of ``examples/mnist.esk``."""
    return Trainer(cnn_with(max_pool), cnn_optimizer(), weights, shifted)


def cnn_of_slices(weights: Params, shifted: bool) -> Trainer:
    """The same with pooling made of slices."""
    return Trainer(cnn_with(max_pool_of_slices), cnn_optimizer(), weights, shifted)


def mlp(weights: Params) -> Trainer:
    """Trains three dense layers."""
    return Trainer(mlp_model, mlp_optimizer(), weights, False)

"""In Equinox, as its MNIST example does it: modules for one image, ``vmap``, ``filter_jit``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from peers import cnn_optimizer, cross_entropy, mlp_optimizer, random_shifts


class CNN(eqx.Module):
    """The network of ``examples/mnist.esk``, channels first."""

    conv1: eqx.nn.Conv2d
    conv2: eqx.nn.Conv2d
    pool: eqx.nn.MaxPool2d
    dense1: eqx.nn.Linear
    dense2: eqx.nn.Linear

    def __init__(self, key: jax.Array) -> None:
        keys = jax.random.split(key, 4)
        self.conv1 = eqx.nn.Conv2d(1, 16, 3, padding="SAME", key=keys[0])
        self.conv2 = eqx.nn.Conv2d(16, 32, 3, padding="SAME", key=keys[1])
        self.pool = eqx.nn.MaxPool2d(2, 2)
        self.dense1 = eqx.nn.Linear(1568, 128, key=keys[2])
        self.dense2 = eqx.nn.Linear(128, 10, key=keys[3])

    def __call__(self, image: jax.Array) -> jax.Array:
        x = jnp.transpose(image, (2, 0, 1))
        x = self.pool(jax.nn.relu(self.conv1(x)))
        x = self.pool(jax.nn.relu(self.conv2(x)))
        return self.dense2(jax.nn.relu(self.dense1(jnp.ravel(x))))


class MLP(eqx.Module):
    """Three dense layers."""

    dense1: eqx.nn.Linear
    dense2: eqx.nn.Linear
    dense3: eqx.nn.Linear

    def __init__(self, key: jax.Array) -> None:
        keys = jax.random.split(key, 3)
        self.dense1 = eqx.nn.Linear(784, 512, key=keys[0])
        self.dense2 = eqx.nn.Linear(512, 256, key=keys[1])
        self.dense3 = eqx.nn.Linear(256, 10, key=keys[2])

    def __call__(self, image: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.dense1(jnp.ravel(image)))
        return self.dense3(jax.nn.relu(self.dense2(x)))


def channels_first(name: str, weight: np.ndarray) -> np.ndarray:
    """A weight in Equinox's order of axes; the rows of the CNN's first dense layer too."""
    if weight.ndim == 4:
        return weight.transpose(3, 2, 0, 1)
    if len(weight) == 1568:
        weight = weight.reshape(7, 7, 32, -1).transpose(2, 0, 1, 3).reshape(1568, -1)
    return weight.T


def with_weights(model: Any, weights: Mapping[str, Any]) -> Any:
    """The model with these weights."""
    for name, given in weights.items():
        layer = getattr(model, name)
        weight = jnp.asarray(channels_first(name, np.asarray(given["weight"])))
        bias = jnp.asarray(given["bias"]).reshape(layer.bias.shape)
        layer = eqx.tree_at(lambda part: (part.weight, part.bias), layer, (weight, bias))
        model = eqx.tree_at(lambda model, name=name: getattr(model, name), model, layer)
    return model


def make_step(optimizer: optax.GradientTransformation, shifted: bool) -> Any:
    """A fresh jitted step."""

    def loss_fn(model: Any, images: Any, labels: Any, key: Any) -> Any:
        if shifted:
            images = random_shifts(key, images)
        return cross_entropy(jax.vmap(model)(images), labels)

    @eqx.filter_jit
    def make_step(model: Any, state: Any, images: Any, labels: Any, key: Any) -> Any:
        grad_fn = eqx.filter_value_and_grad(loss_fn, has_aux=True)
        (loss, correct), grads = grad_fn(model, images, labels, key)
        updates, state = optimizer.update(grads, state, eqx.filter(model, eqx.is_array))
        model = eqx.apply_updates(model, updates)
        return model, state, loss, correct

    return make_step


class Trainer:
    """A model, the optimizer's state and the step that changes both."""

    def __init__(
        self,
        model: Any,
        optimizer: optax.GradientTransformation,
        weights: Mapping[str, Any],
        shifted: bool,
    ) -> None:
        self.make = lambda: make_step(optimizer, shifted)
        self.jitted = self.make()
        self.model = with_weights(model, weights)
        self.state = optimizer.init(eqx.filter(self.model, eqx.is_array))

    def step(self, images: jax.Array, labels: jax.Array, key: jax.Array) -> jax.Array:
        """Train on a batch; the loss."""
        self.model, self.state, loss, _ = self.jitted(self.model, self.state, images, labels, key)
        return loss

    def lower(self, images: jax.Array, labels: jax.Array, key: jax.Array) -> Any:
        """The step of a fresh function, traced and lowered."""
        return self.make().lower(self.model, self.state, images, labels, key)


def cnn(weights: Mapping[str, Any], shifted: bool) -> Trainer:
    """Trains the network of ``examples/mnist.esk``."""
    return Trainer(CNN(jax.random.key(0)), cnn_optimizer(), weights, shifted)


def mlp(weights: Mapping[str, Any]) -> Trainer:
    """Trains three dense layers."""
    return Trainer(MLP(jax.random.key(0)), mlp_optimizer(), weights, False)

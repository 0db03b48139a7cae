"""In flax.nnx, as its MNIST tutorial does it: modules, ``nnx.Optimizer``, ``nnx.jit``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import optax
from flax import nnx

from peers import cnn_optimizer, cross_entropy, mlp_optimizer, random_shifts


class CNN(nnx.Module):
    """The network of ``examples/mnist.esk``."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 16, kernel_size=(3, 3), rngs=rngs)
        self.conv2 = nnx.Conv(16, 32, kernel_size=(3, 3), rngs=rngs)
        self.pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))
        self.dense1 = nnx.Linear(1568, 128, rngs=rngs)
        self.dense2 = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.pool(nnx.relu(self.conv1(x)))
        x = self.pool(nnx.relu(self.conv2(x)))
        x = x.reshape(x.shape[0], -1)
        return self.dense2(nnx.relu(self.dense1(x)))


class MLP(nnx.Module):
    """Three dense layers."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.dense1 = nnx.Linear(784, 512, rngs=rngs)
        self.dense2 = nnx.Linear(512, 256, rngs=rngs)
        self.dense3 = nnx.Linear(256, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.reshape(x.shape[0], -1)
        return self.dense3(nnx.relu(self.dense2(nnx.relu(self.dense1(x)))))


def make_step(shifted: bool) -> Any:
    """A fresh jitted step."""

    def loss_fn(model: Any, images: Any, labels: Any, key: Any) -> Any:
        if shifted:
            images = random_shifts(key, images)
        return cross_entropy(model(images), labels)

    @nnx.jit
    def train_step(model: Any, optimizer: Any, images: Any, labels: Any, key: Any) -> Any:
        grad_fn = nnx.value_and_grad(loss_fn, has_aux=True)
        (loss, correct), grads = grad_fn(model, images, labels, key)
        optimizer.update(model, grads)
        return loss, correct

    return train_step


class Trainer:
    """A model, its optimizer and the step that changes both in place."""

    def __init__(
        self,
        model: Any,
        transformation: optax.GradientTransformation,
        weights: Mapping[str, Any],
        shifted: bool,
    ) -> None:
        for name, layer in weights.items():
            getattr(model, name).kernel[...] = layer["weight"]
            getattr(model, name).bias[...] = layer["bias"]
        self.make = lambda: make_step(shifted)
        self.jitted = self.make()
        self.model = model
        self.optimizer = nnx.Optimizer(model, transformation, wrt=nnx.Param)

    def step(self, images: jax.Array, labels: jax.Array, key: jax.Array) -> jax.Array:
        """Train on a batch; the loss."""
        loss, _ = self.jitted(self.model, self.optimizer, images, labels, key)
        return loss

    def lower(self, images: jax.Array, labels: jax.Array, key: jax.Array) -> Any:
        """The step of a fresh function, traced and lowered."""
        return self.make().lower(self.model, self.optimizer, images, labels, key)


def cnn(weights: Mapping[str, Any], shifted: bool) -> Trainer:
    """Trains the network of ``examples/mnist.esk``."""
    return Trainer(CNN(nnx.Rngs(0)), cnn_optimizer(), weights, shifted)


def mlp(weights: Mapping[str, Any]) -> Trainer:
    """Trains three dense layers."""
    return Trainer(MLP(nnx.Rngs(0)), mlp_optimizer(), weights, False)

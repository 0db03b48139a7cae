"""The same training steps as others write them, each in the manner of its library's own docs.

A peer is a class with ``cnn(weights, shifted)`` and ``mlp(weights)``, which make a trainer:
``step(images, labels, key)`` trains on a batch and gives the loss; ``lower(images, labels, key)``
traces and lowers the step of a fresh function. Weights are those of the Scheme model, so that all
begin at the same place.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

STEPS = 12 * (8500 // 64)
"""The length of the cosine of learning rates in ``examples/mnist.esk``."""


def cnn_optimizer() -> optax.GradientTransformation:
    """Adam with the schedule of ``examples/mnist.esk``."""
    return optax.adam(optax.cosine_decay_schedule(0.002, STEPS))


def mlp_optimizer() -> optax.GradientTransformation:
    """Adam with a constant learning rate."""
    return optax.adam(0.001)


def random_shifts(key: jax.Array, images: jax.Array) -> jax.Array:
    """Each image [28, 28, 1] moved by up to two pixels in each direction."""
    offsets = jax.random.randint(key, (images.shape[0], 2), 0, 5)

    def shift(image: jax.Array, offset: jax.Array) -> jax.Array:
        padded = jnp.pad(image, ((2, 2), (2, 2), (0, 0)))
        return jax.lax.dynamic_slice(padded, (offset[0], offset[1], 0), (28, 28, 1))

    return jax.vmap(shift)(images, offsets)


def cross_entropy(logits: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The mean loss, and how many examples are right."""
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return losses.mean(), jnp.sum(jnp.argmax(logits, -1) == labels)

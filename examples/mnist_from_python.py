"""The network of mnist.esk, written in Scheme and trained from Python.

Models are Scheme closures. ``ek.value_and_grad`` differentiates with respect to one and gives the
same shape of thing; ``ek.tree`` shows it as a pytree, so optax trains it as it trains any model.

    python examples/mnist_from_python.py [--epochs N]
"""

import argparse
import time

import numpy as np
import optax

import eshkol as ek
from eshkol.datasets.mnist import load_mnist
from eshkol.train.batches import shuffled_batches

make_cnn = ek.eval("""
(import (eshkol nn))

(define (make-cnn)
  (let ((conv1 (conv2d 1 16 3 1 'same))
        (conv2 (conv2d 16 32 3 1 'same))
        (pool (max-pool2d 2))
        (flatten (flatten-layer))
        (dense1 (linear 1568 128))
        (dense2 (linear 128 10)))
    (lambda (images)
      (let* ((x (pool (relu (conv1 images))))
             (x (pool (relu (conv2 x)))))
        (dense2 (relu (dense1 (flatten x))))))))

make-cnn
""")


@ek.jit
def loss(model, images, labels):
    """(cross-entropy (model images) labels)"""


@ek.jit
def predict(model, images):
    """(tensor-argmax (model images) -1)"""


optimizer = optax.adam(1e-3)


@ek.jit
def step(model, state, images, labels):
    value, gradient = ek.value_and_grad(loss)(model, images, labels)
    updates, state = optimizer.update(ek.tree(gradient), state)
    return optax.apply_updates(ek.tree(model), updates).value, state, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    epochs = parser.parse_args().epochs

    data = load_mnist()
    images = (data.train_images[..., None] / 255).astype(np.float32)
    labels = data.train_labels.astype(np.int32)
    test_images = (data.test_images[..., None] / 255).astype(np.float32)

    ek.eval("(rng-seed 1)")
    model = make_cnn()
    state = optimizer.init(ek.tree(model))
    start = time.perf_counter()
    for epoch in range(epochs):
        for batch in shuffled_batches(len(labels), 64, epoch):
            model, state, value = step(model, state, images[batch], labels[batch])
        print(f"epoch {epoch + 1}: loss of the last batch {float(value):.4f}")
    accuracy = np.mean(np.asarray(predict(model, test_images)) == data.test_labels)
    print(f"trained in {time.perf_counter() - start:.1f} s")
    print(f"test accuracy: {100 * accuracy:.2f} %")


if __name__ == "__main__":
    main()

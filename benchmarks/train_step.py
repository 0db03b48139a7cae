"""Training steps against the same model by hand in jax and optax, in flax.nnx and in Equinox.

Prints the time of a step and of tracing and lowering it, each from one run in which all take turns.
All begin with the same weights, see the same batches, and must agree on the losses of the first
steps before anything is measured.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from eshkol.io.models import named_parameters
from eshkol.session import Session
from measure import Sample, comparison, interleaved, options, print_machine
from peers import by_hand, in_equinox, in_flax

ROOT = Path(__file__).parent.parent
AGREEMENT = 2e-4
"""How far the losses of the first steps may differ, relatively: the order of sums differs."""


class SchemeTrainer:
    """A Scheme model, the optimizer's state and the compiled step."""

    def __init__(self, session: Session, make_step: str, optimizer: str, model: Any) -> None:
        self.make = session.get(make_step)
        self.jitted = self.make()
        self.model = model
        self.state = session.evaluate("optimizer-init")(session.get(optimizer), model)

    def step(self, images: Any, labels: Any, key: Any) -> Any:
        """Train on a batch; the loss. Shifts are drawn from the session's own stream."""
        self.model, self.state, loss, _ = self.jitted(self.model, self.state, images, labels)
        return loss

    def lower(self, images: Any, labels: Any, key: Any) -> Any:
        """The step of a fresh procedure, traced and lowered."""
        return self.make().eshkol_jit.lower((self.model, self.state, images, labels), {})


@dataclass(frozen=True)
class Contest:
    """A model that all train.

    Attributes:
        title: what is trained.
        trainers: by name, ours first.
        batch: the size of a batch.
        repetitions: steps in a turn.
    """

    title: str
    trainers: Mapping[str, Any]
    batch: int
    repetitions: int


def nested(parameters: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """``{"conv1": {"weight": …}}`` from names such as ``conv1.weight``."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, value in parameters.items():
        layer, _, part = name.partition(".")
        layers.setdefault(layer, {})[part] = np.asarray(value)
    return layers


def contests(session: Session) -> list[Contest]:
    """The models to train, in the order in which they are printed."""
    return [cnn(session, False), cnn(session, True), mlp(session)]


def cnn(session: Session, shifted: bool) -> Contest:
    """The network of ``examples/mnist.esk``."""
    model = session.evaluate("(make-cnn)")
    weights = nested(named_parameters("benchmark", model))
    make_step = "make-shifted-cnn-step" if shifted else "make-cnn-step"
    trainers = {
        "eshkol": SchemeTrainer(session, make_step, "optimizer", model),
        "jax + optax by hand": by_hand.cnn(weights, shifted),
        "by hand, pooling by slices": by_hand.cnn_of_slices(weights, shifted),
        "flax.nnx": in_flax.cnn(weights, shifted),
        "equinox": in_equinox.cnn(weights, shifted),
    }
    title = f"CNN of examples/mnist.esk, batch 64, {'random' if shifted else 'no'} shifts"
    return Contest(title, trainers, 64, 4)


def mlp(session: Session) -> Contest:
    """Three dense layers."""
    model = session.evaluate("(make-mlp)")
    weights = nested(named_parameters("benchmark", model))
    trainers = {
        "eshkol": SchemeTrainer(session, "make-mlp-step", "mlp-optimizer", model),
        "jax + optax by hand": by_hand.mlp(weights),
        "flax.nnx": in_flax.mlp(weights),
        "equinox": in_equinox.mlp(weights),
    }
    return Contest("MLP 784-512-256-10, batch 128", trainers, 128, 10)


class Data:
    """Batches of digits on the device, and a key for each step."""

    def __init__(self, session: Session, batch: int, seed: int = 1) -> None:
        images, labels = session.get("train-images"), session.get("train-labels")
        self.images = [images[i * batch : (i + 1) * batch] for i in range(8)]
        self.labels = [labels[i * batch : (i + 1) * batch] for i in range(8)]
        self.session = session
        self.fold = jax.jit(jax.random.fold_in)
        self.restart(seed)

    def restart(self, seed: int) -> None:
        """Begin the streams of random numbers again: the session's and the peers'."""
        self.session.evaluate(f"(rng-seed {seed})")
        self.key = jax.random.key(seed)
        self.count = 0

    def next(self) -> tuple[Any, Any, Any]:
        """The images, labels and key of the next step."""
        self.count += 1
        index = self.count % len(self.images)
        return self.images[index], self.labels[index], self.fold(self.key, np.uint32(self.count))


def first_losses(trainer: Any, data: Data, steps: int = 5) -> list[float]:
    """The losses of the first steps, in which all draw the same shifts."""
    data.restart(1)
    losses = []
    for _ in range(steps):
        # A step draws once, with the seed's key folded with the number of the draw.
        losses.append(float(trainer.step(*data.next())))
    return losses


def check_agreement(contest: Contest, data: Data) -> None:
    """Refuse to compare trainers that do not compute the same.

    Raises:
        SystemExit: if the losses of two trainers differ.
    """
    losses = {name: first_losses(trainer, data) for name, trainer in contest.trainers.items()}
    expected = next(iter(losses.values()))
    for name, found in losses.items():
        if not np.allclose(found, expected, rtol=AGREEMENT, atol=0):
            sys.exit(f"{contest.title}: losses of {name} are {found}, expected {expected}")
    shown = ", ".join(f"{loss:.4f}" for loss in expected)
    print(f"\n{contest.title}: all agree on the losses {shown}")


def steps_of(trainer: Any, data: Data, repetitions: int) -> Sample:
    """So many steps, and waiting for the last."""

    def work() -> None:
        for _ in range(repetitions):
            loss = trainer.step(*data.next())
        loss.block_until_ready()

    return work


def measure(contest: Contest, data: Data, quick: bool) -> None:
    """Print the tables of a model."""
    check_agreement(contest, data)
    works = {
        name: steps_of(trainer, data, contest.repetitions)
        for name, trainer in contest.trainers.items()
    }
    measured = interleaved(works, 5 if quick else 60, scale=contest.repetitions)
    comparison(f"{contest.title}: one step", measured, {"jax + optax by hand": 1.02}, "ms")
    lowerings: dict[str, Callable[[], object]] = {
        name: lambda trainer=trainer: trainer.lower(*data.next())
        for name, trainer in contest.trainers.items()
    }
    measured = interleaved(lowerings, 3 if quick else 25)
    goals = {"jax + optax by hand": 1.15}
    comparison(f"{contest.title}: trace and lower", measured, goals, "ms")


def main() -> None:
    """Measure every model."""
    chosen = options(__doc__)
    print_machine("jax", "jaxlib", "optax", "flax", "equinox", "numpy")
    session = Session()
    session.load(ROOT / "examples" / "mnist.esk")
    session.load(ROOT / "benchmarks" / "models.esk")
    for contest in contests(session):
        measure(contest, Data(session, contest.batch), chosen.quick)


if __name__ == "__main__":
    main()

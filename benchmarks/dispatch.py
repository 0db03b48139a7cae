"""What it costs to call a compiled function, and to start a process.

Calls of small compiled functions against ``jax.jit`` on the same arrays: there is so little to
compute that the way in and out is what is measured. And ``eshkol run hello.esk`` as a whole process
against a Python process that prints.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.session import Session
from measure import Sample, comparison, interleaved, options, print_machine

HERE = Path(__file__).parent
CALLS = 500
"""Calls in a turn."""

PROGRAM = """
(define affine (jit (lambda (x y) (+ (* x y) y))))

(define weight (ones 4))
(define with-global (jit (lambda (x) (+ (* x weight) weight))))

(define (make-captured weight) (jit (lambda (x) (+ (* x weight) weight))))
(define with-captured (make-captured (ones 4)))

(define scaled (jit (lambda (x y scale) (+ (* x scale) y))))
(define shifted (jit (lambda (x y count) (+ (* x count) y))))

(define (make-layer size)
  (let ((weight (ones size size)) (bias (zeros size)))
    (lambda (x) (relu (+ (matmul x weight) bias)))))
(define model
  (let ((one (make-layer 4)) (two (make-layer 4)) (three (make-layer 4)))
    (lambda (x) (three (two (one x))))))
(define apply-model (jit (lambda (model x) (model x))))
"""


def calls(function: Callable[..., Any], *arguments: Any) -> Sample:
    """Many calls one after another, and waiting for the last."""

    def work() -> None:
        for _ in range(CALLS):
            result = function(*arguments)
        result.block_until_ready()

    return work


@jax.jit
def affine(x: jax.Array, y: jax.Array) -> jax.Array:
    """The peer of the functions of arrays."""
    return x * y + y


@jax.jit
def scaled(x: jax.Array, y: jax.Array, scale: float) -> jax.Array:
    """The peer of the functions of a number."""
    return x * scale + y


@jax.jit
def apply_layers(layers: list[dict[str, jax.Array]], x: jax.Array) -> jax.Array:
    """The peer of the model: its parameters are a list of dictionaries."""
    for layer in layers:
        x = jax.nn.relu(x @ layer["weight"] + layer["bias"])
    return x


def measure_calls(session: Session, quick: bool) -> None:
    """Print a table for each kind of call."""
    x, y = jnp.arange(4.0), jnp.ones(4)
    layers = [{"weight": jnp.ones((4, 4)), "bias": jnp.zeros(4)} for _ in range(3)]
    rows: list[tuple[str, str, tuple[Any, ...], Callable[..., Any], tuple[Any, ...], bool]] = [
        ("two arrays", "affine", (x, y), affine, (x, y), True),
        ("a captured array", "with-captured", (x,), affine, (x, y), True),
        ("an array at top level", "with-global", (x,), affine, (x, y), True),
        ("two arrays and a real", "scaled", (x, y, 2.0), scaled, (x, y, 2.0), True),
        ("two arrays and an exact integer", "shifted", (x, y, 2), scaled, (x, y, 2), True),
        (
            "a model of six arrays",
            "apply-model",
            (session.get("model"), x),
            apply_layers,
            (layers, x),
            False,
        ),
    ]
    for title, name, arguments, peer, peer_arguments, has_goal in rows:
        works = {
            "eshkol": calls(session.get(name), *arguments),
            "jax.jit": calls(peer, *peer_arguments),
        }
        measured = interleaved(works, 10 if quick else 200, scale=CALLS)
        goals = {"jax.jit": 1.10} if has_goal else {}
        comparison(f"a compiled call with {title}", measured, goals, "µs")


def process(*command: str | Path) -> Sample:
    """A whole process, from its start to its end."""

    def work() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    return work


def measure_processes(quick: bool) -> None:
    """Print what a process costs that says hello."""
    works = {
        "eshkol run hello.esk": process(
            Path(sys.executable).with_name("eshkol"), "run", HERE / "hello.esk"
        ),
        "python -c 'print()'": process(sys.executable, "-c", "print()"),
    }
    measured = interleaved(works, 5 if quick else 30)
    comparison("a whole process", measured, {}, "ms")
    pairs = zip(*measured.seconds.values(), strict=True)
    extra = statistics.median(own - other for own, other in pairs) * 1e3
    print(f"  eshkol takes {extra:.0f} ms more; goal: ≤ 100, {'met' if extra <= 100 else 'MISSED'}")


def main() -> None:
    """Measure calls, then processes."""
    chosen = options(__doc__)
    print_machine("jax", "jaxlib")
    session = Session()
    session.evaluate(PROGRAM)
    measure_calls(session, chosen.quick)
    measure_processes(chosen.quick)


if __name__ == "__main__":
    main()

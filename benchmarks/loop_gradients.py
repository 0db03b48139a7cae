"""What the gradient of a compiled loop costs, in runs of the loop.

The number of trips is known only when the program runs. The gradient is taken with all states kept
(`#:max-trips`), and with few (the default), whose goal counts the runs forwards that the binomial
schedule needs. Beside them the tangent of forward mode, and the gradient of the same loop by hand
with ``lax.scan``, which knows its trips when it is compiled and keeps what it needs of each.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.session import Session
from eshkol.xla.loop_checkpoints import default_slots
from measure import Ratio, Sample, interleaved, options, print_machine, table

GOAL = 4.0
"""Runs of the loop that a gradient with all states may take."""

NUMBERS = "(+ 0.1 (* w (sin x)))", lambda x, w: 0.1 + w * jnp.sin(x)
LAYER = "(tanh (matmul w x))", lambda x, w: jnp.tanh(w @ x)

LOOPS: list[tuple[str, tuple[str, Any], int, bool, tuple[int, ...]]] = [
    # what, the trip in Scheme and by hand, the size of x, whether w is differentiated too, trips
    ("one number", NUMBERS, 1, False, (100, 10_000, 1_000_000)),
    ("10,000 numbers", NUMBERS, 10_000, False, (100, 2_000)),
    ("a layer of 256 by x", LAYER, 256, False, (100, 10_000)),
    ("a layer of 256 by x and w", LAYER, 256, True, (100, 10_000)),
]


def compiled(session: Session, trip: str, both: bool, what: str) -> Any:
    """A loop of a traced number of trips in Scheme: its value, tangent or gradient."""
    run = f"(do ((i 0 (+ i 1)) (x x {trip})) ((>= i n) (tensor-sum x)))"
    bodies = {
        "value": run,
        "tangent": f"(derivative (lambda (t) (let ((x (* t x)) (w (* t w))) {run})) one)",
    }
    point = "(list x w)" if both else "(list x)"
    gradient = f"(gradient (lambda (p) (let ((x (car p)) (w {'(cadr p)' * both or 'w'})) {run}))"
    body = bodies.get(what, f"{gradient} {point} {what})")
    return session.evaluate(f"(jit (lambda (x w n one) {body}))")


def scanned(step: Any, trips: int, both: bool) -> Any:
    """The gradient by hand of a loop whose trips are known."""

    def run(x: jax.Array, w: jax.Array) -> jax.Array:
        return lax.scan(lambda x, _: (step(x, w), None), x, length=trips)[0].sum()

    return jax.jit(jax.grad(run, (0, 1) if both else 0))


def repeats(trips: int, slots: int) -> int:
    """How often the schedule runs a trip forwards again at most."""
    block = slots // 2
    blocks, places, times = -(-trips // block), slots - block, 0
    while math.comb(places + times, times) < blocks:
        times += 1
    return times


def call(function: Any, *arguments: Any) -> Sample:
    """One call, and waiting for its result."""
    return lambda: jax.block_until_ready(jax.tree.leaves(function(*arguments)))


def measure(session: Session, quick: bool) -> None:
    """Print the ratios to one run of the loop."""
    rows = []
    for title, (trip, step), size, both, counts in LOOPS:
        x, one = jnp.full(size, 0.5), jnp.asarray(1.0)
        w = jnp.eye(size) * 0.9 if step is LAYER[1] else jnp.asarray(0.9)
        for trips in counts:
            bound = f"#:max-trips {1 << (trips - 1).bit_length()}"
            kinds = {"few": "", "all": bound, "tangent": "tangent", "loop": "value"}
            arguments = (x, w, jnp.int32(trips), one)
            works = {
                name: call(compiled(session, trip, both, what), *arguments)
                for name, what in kinds.items()
            }
            works["scan"] = call(scanned(step, trips, both), x, w)
            rounds = 3 if quick else max(5, min(40, 200_000 // trips))
            measured = interleaved(works, rounds)
            runs = {
                name: Ratio(*_quartiles(measured.seconds[name], measured.seconds["loop"]))
                for name in ("all", "few", "tangent", "scan")
            }
            goal = GOAL + repeats(trips, default_slots([x]))
            rows.append(
                (
                    f"{title}, {trips:,} trips",
                    f"{measured.median('loop') * 1e3:.2f}",
                    f"{runs['all'].middle:.1f} {_met(runs['all'], GOAL)}",
                    f"{runs['few'].middle:.1f} {_met(runs['few'], goal)}",
                    f"{runs['tangent'].middle:.1f}",
                    f"{runs['scan'].middle:.1f}",
                )
            )
    header = ("", "loop ms", "all states", "few states", "tangent", "scan by hand")
    table("gradients of a loop of unknown trips, in runs of the loop", header, rows)


def _quartiles(own: list[float], other: list[float]) -> list[float]:
    import statistics

    return statistics.quantiles([a / b for a, b in zip(own, other, strict=True)], n=4)


def _met(ratio: Ratio, goal: float) -> str:
    return f"≤ {goal:.0f} {'met' if ratio.middle <= goal else 'MISSED'}"


def measure_memory(session: Session) -> None:
    """Print how the memory of a compiled gradient grows with a bound on the trips."""
    rows = []
    state = 10_000 * 4
    for trips in (10, 1_000, 100_000):
        cells = []
        for what in (f"#:max-trips {trips}", f"#:checkpoint 'log #:max-trips {trips}"):
            function = compiled(session, NUMBERS[0], False, what)
            shapes = (jnp.full(10_000, 0.5), jnp.asarray(0.9), jnp.int32(trips), jnp.asarray(1.0))
            memory = jax.jit(function).lower(*shapes).compile().memory_analysis()
            cells.append(f"{memory.temp_size_in_bytes / state:,.0f}")
        rows.append((f"up to {trips:,} trips", *cells))
    table("memory of the gradient, in states of the loop", ("", "all", "few"), rows)


def main() -> None:
    """Measure time, then memory."""
    chosen = options(__doc__)
    print_machine("jax", "jaxlib")
    session = Session()
    measure(session, chosen.quick)
    measure_memory(session)


if __name__ == "__main__":
    main()

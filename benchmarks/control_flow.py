"""Staged loops against the same by hand: time, lanes, gradients, recompilation, tracing.

Prints (a) the time of loops compiled from Scheme and by hand with ``lax``, (b) time and memory of
the gradient of a loop as its trips grow, with a picture, (c) the same for loops that every lane of
a ``vmap`` ends by itself, (d) how many programs are compiled where definitions are evaluated again,
(e) a fresh process with warm caches (``fresh_process.py``), (f) the time to trace and lower a
program of many conditions and loops.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.session import Session
from eshkol.xla.programs import PROGRAMS
from measure import Sample, comparison, interleaved, print_machine, table
from peers import control_flow as peers

HERE = Path(__file__).parent


def session() -> Session:
    """A session with the programs."""
    here = Session()
    here.load(HERE / "control_flow.esk")
    return here


def call(function: Any, *arguments: Any) -> Sample:
    """One call, and waiting for its result."""
    return lambda: jax.block_until_ready(jax.tree.leaves(function(*arguments)))


TURN = 0.005
"""The seconds that a turn of a short loop takes at least: of one call the noise is the larger."""


def repeated(work: Sample, times: int) -> Sample:
    """Some work, so many times in a turn."""

    def turn() -> None:
        for _ in range(times):
            work()

    return turn


def times_in_a_turn(work: Sample) -> int:
    """How often some work, done before, fits into a turn; at least once."""
    start = time.perf_counter()
    for _ in range(3):
        work()
    return max(1, round(TURN * 3 / (time.perf_counter() - start)))


def check(title: str, own: Any, peer: Any, *arguments: Any) -> None:
    """Both must compute the same, but for rounding that decides a comparison here and there.

    Raises:
        SystemExit: if they don't.
    """
    a, b = (np.asarray(function(*arguments)) for function in (own, peer))
    if a.shape != b.shape or np.mean(~np.isclose(a, b, rtol=1e-3)) > 0.001:
        raise SystemExit(f"{title}: {a} by Eshkol and {b} by hand")


# ---- (a) loops


def loops() -> list[tuple[str, str, str, tuple[Any, ...]]]:
    """What is timed: title, name in Scheme and by hand, arguments."""
    numbers = jnp.linspace(1.0, 100.0, 10_000)
    matrix = jnp.asarray(np.random.default_rng(0).normal(size=(64, 64)) ** 2, jnp.float32)
    return [
        ("Newton's iteration, 10,000 numbers", "newton", "newton", (numbers,)),
        ("power iteration, 64 by 64", "power-iteration", "power_iteration", (matrix, matrix[0])),
        (
            "Runge–Kutta, 10,000 steps",
            "lorenz",
            "lorenz",
            (jnp.asarray([1.0, 1.0, 1.0]), jnp.float32(0.01)),
        ),
        ("Collatz, integers", "collatz", "collatz", (jnp.int32(77031),)),
        ("a loop in a loop", "triangle", "triangle", (jnp.int32(300), jnp.float32(0.1))),
        (
            "two exits",
            "first-above",
            "first_above",
            (jnp.ones(20_000), jnp.float32(15_000.0)),
        ),
    ]


def measure_loops(here: Session, quick: bool) -> None:
    """Print the time of each loop and the ratio to the same by hand."""
    for title, name, peer, arguments in loops():
        own, theirs = here.evaluate(f"(jit {name})"), peers.jitted(peer)
        check(title, own, theirs, *arguments)
        works = {"Eshkol": call(own, *arguments), "lax by hand": call(theirs, *arguments)}
        times = times_in_a_turn(works["lax by hand"])
        turns = {name: repeated(work, times) for name, work in works.items()}
        measured = interleaved(turns, 3 if quick else 60, scale=times)
        comparison(f"(a) {title}", measured, {"lax by hand": 1.02}, "µs")


# ---- (b) gradients


def measure_gradients(here: Session, quick: bool, picture: Path | None) -> None:
    """Print, and draw, how time and memory of a loop's gradient grow with its trips."""
    trips = [10**k for k in range(1, 5 if quick else 7)]
    body = "(do ((i 0 (+ i 1)) (x x (+ 0.1 (* 0.9 (sin x))))) ((>= i n) (tensor-sum x)))"
    value = here.evaluate(f"(jit (lambda (x n) {body}))")
    few = here.evaluate(f"(jit (lambda (x n) (gradient (lambda (x) {body}) x)))")
    x, rows, points = jnp.full(1000, 0.5), [], []
    for count in trips:
        n = jnp.int32(count)
        works = {"gradient": call(few, x, n), "loop": call(value, x, n)}
        measured = interleaved(works, 3 if quick or count > 10**5 else 9)
        memory = jax.jit(few).lower(x, n).compile().memory_analysis().temp_size_in_bytes
        seconds = {name: measured.median(name) for name in works}
        points.append((count, seconds["loop"], seconds["gradient"], memory))
        rows.append(
            (
                f"{count:,} trips",
                f"{seconds['loop'] * 1e3:.2f}",
                f"{seconds['gradient'] * 1e3:.2f}",
                f"{measured.ratio('loop').middle:.1f}",
                f"{memory / x.nbytes:,.0f}",
            )
        )
    header = ("", "loop ms", "gradient ms", "ratio", "memory in states")
    table("(b) the gradient of a loop of unknown trips, few states kept", header, rows)
    if picture is not None:
        draw(points, picture)


def draw(points: list[tuple[int, float, float, int]], picture: Path) -> None:
    """Draw time against trips."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    trips = [count for count, *_ in points]
    axes.loglog(trips, [loop for _, loop, *_ in points], "o-", label="loop")
    axes.loglog(trips, [gradient for *_, gradient, _ in points], "o-", label="gradient")
    axes.set_xlabel("trips")
    axes.set_ylabel("seconds")
    axes.set_title(f"a loop and its gradient, which keeps {points[-1][3] / 4000:,.0f} states")
    axes.legend()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture)
    print(f"\n  drawn to {picture}")


# ---- (c) lanes


def measure_lanes(here: Session, quick: bool) -> None:
    """Print loops that every lane ends by itself."""
    side = 200
    a, b = np.meshgrid(np.linspace(-2, 0.6, side), np.linspace(-1.3, 1.3, side))
    plane = tuple(jnp.asarray(part.ravel(), jnp.float32) for part in (a, b))
    for title, name, peer, arguments in (
        ("Mandelbrot, 40,000 lanes", "escape", "escape", plane),
        ("Collatz, 10,000 lanes", "collatz", "collatz", (jnp.arange(1, 10_001),)),
    ):
        own = here.evaluate(f"(jit (vmap {name}))")
        theirs = jax.jit(jax.vmap(getattr(peers, peer)))
        check(title, own, theirs, *arguments)
        works = {"Eshkol": call(own, *arguments), "vmap by hand": call(theirs, *arguments)}
        measured = interleaved(works, 3 if quick else 15)
        comparison(f"(c) {title}", measured, {"vmap by hand": 1.02}, "ms")


# ---- (d) recompilation


REDEFINED = [
    ("1,000 times the same definition", "(define-jit (f x) (* x (sin x))) (f (ones 3))", 1000),
    ("1,000 times a lambda in a loop", "((jit (lambda (x) (+ 1 (* x x)))) (ones 3))", 1000),
    (
        "1,000 learning rates captured",
        "(let ((r {n}.5)) ((jit (lambda (x) (* r x))) (ones 3)))",
        1000,
    ),
    (
        "1,000 models of new weights",
        "(let ((w (* {n} (ones 3)))) ((jit (lambda (x) (* w x))) 2.0))",
        1000,
    ),
]


def measure_recompilation(here: Session) -> None:
    """Print how many programs are compiled."""
    rows = []
    for title, program, times in REDEFINED:
        before = PROGRAMS.compilations
        for number in range(times):
            here.evaluate(program.replace("{n}", str(number)))
        rows.append((title, str(PROGRAMS.compilations - before), "≤ 1"))
    table("(d) programs compiled", ("", "compiled", "goal"), rows)


# ---- (f) tracing


def measure_tracing(here: Session, quick: bool) -> None:
    """Print the time to trace and lower a program of 16 nests of conditions and loops."""
    x = jnp.float32(0.3)
    check("deep", here.evaluate("(jit deep)"), peers.jitted("deep"), x)

    def own() -> object:
        return here.evaluate("(jit deep)").eshkol_jit.lower((x,), {})

    def by_hand() -> object:
        # A new function, so that nothing is found that was traced before.
        return jax.jit(lambda x: peers.deep(x)).lower(x)

    works: dict[str, Callable[[], object]] = {"Eshkol": own, "lax by hand": by_hand}
    measured = interleaved(works, 3 if quick else 25)
    comparison("(f) trace and lower a deep program", measured, {"lax by hand": 1.15}, "ms")


def main() -> None:
    """Measure one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs")
    parser.add_argument("--picture", type=Path, help="where to draw the gradient's time")
    chosen = parser.parse_args()
    print_machine("jax", "jaxlib")
    here = session()
    measure_loops(here, chosen.quick)
    measure_gradients(here, chosen.quick, chosen.picture)
    measure_lanes(here, chosen.quick)
    measure_recompilation(here)
    arguments = ["--quick"] if chosen.quick else []
    subprocess.run([sys.executable, HERE / "fresh_process.py", *arguments], check=True)
    measure_tracing(here, chosen.quick)


if __name__ == "__main__":
    main()

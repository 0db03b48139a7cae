"""A fresh process with warm caches, against the same by hand with JAX's persistent cache.

Each program is a whole process that makes a model, trains it for some steps on one batch and prints
the last loss: ``fresh/*.esk`` by ``eshkol run``, ``fresh/*.py`` by Python. Both use what an earlier
process has left: ours the store of compiled programs, theirs ``jax_compilation_cache_dir``. Both
draw the same weights and must agree on the loss.

Printed are whole processes, and what the first step takes longer than a later one: tracing,
lowering and loading. On a shared machine the time of the processor tells more than that of the
clock; both are printed.
"""

from __future__ import annotations

import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from measure import options, print_machine, table

HERE = Path(__file__).parent / "fresh"
AGREEMENT = 1e-4
"""How far the losses may differ, relatively."""


@dataclass(frozen=True)
class Program:
    """What both sides run.

    Attributes:
        name: of the files.
        title: what it is.
        goal: the largest ratio of whole processes aimed at.
        rounds: how often both take their turns.
    """

    name: str
    title: str
    goal: float
    rounds: int


PROGRAMS = (
    Program("small", "three dense layers", 1.0, 15),
    Program("checked", "three dense layers that may fail", 1.0, 15),
    Program("deep", "a transformer of 32 blocks", 0.5, 7),
)

FIRST_STEP_GOAL = 0.5


@dataclass(frozen=True)
class Sample:
    """One process: its loss, and seconds of the clock, the processor, and its first step."""

    loss: float
    wall: float
    cpu: float
    first: float


def run(words: list[str], environment: Mapping[str, str]) -> Sample:
    """One process from start to end."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    loss, first = map(float, done.stdout.split())
    return Sample(loss, wall, cpu, first)


def contenders(program: Program, caches: Path) -> dict[str, tuple[list[str], Mapping[str, str]]]:
    """The command lines of both, ours first, and their environments."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ESHKOL_", "JAX_"))}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)
    ours = {**clean, "ESHKOL_STORE_DIR": str(caches / "eshkol")}
    python = sys.executable
    return {
        "eshkol": ([python, "-m", "eshkol", "run", str(HERE / f"{program.name}.esk")], ours),
        "jax by hand": (
            [python, str(HERE / f"{program.name}.py"), str(caches / "jax")],
            clean,
        ),
    }


def measure(program: Program, caches: Path, rounds: int) -> dict[str, list[Sample]]:
    """The samples of both; they take turns, and the first processes fill the caches."""
    both = contenders(program, caches)
    samples: dict[str, list[Sample]] = {name: [] for name in both}
    for number in range(-2, rounds):
        for name in list(both) if number % 2 else reversed(both):
            sample = run(*both[name])
            if number >= 0:
                samples[name].append(sample)
    losses = [found[0].loss for found in samples.values()]
    if not math.isclose(*losses, rel_tol=AGREEMENT):
        raise SystemExit(f"{program.title}: the losses differ, {losses}")
    return samples


def row(title: str, what: str, samples: dict[str, list[Sample]], goal: float) -> tuple[str, ...]:
    """A line of the table: medians of both and the ratio within a round."""
    ours, theirs = ([getattr(sample, what) for sample in found] for found in samples.values())
    ratios = [own / other for own, other in zip(ours, theirs, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    met = "met" if middle <= goal else "MISSED"
    medians = [f"{statistics.median(seconds) * 1e3:.0f}" for seconds in (ours, theirs)]
    return title, *medians, f"{middle:.2f} ({low:.2f}–{high:.2f})", f"≤ {goal:.2f} {met}"


def main() -> None:
    """Measure each program."""
    chosen = options(__doc__)
    print_machine("jax", "jaxlib", "optax")
    header = ("", "eshkol ms", "by hand ms", "eshkol / by hand", "goal")
    for program in PROGRAMS:
        with tempfile.TemporaryDirectory() as caches:
            samples = measure(program, Path(caches), 3 if chosen.quick else program.rounds)
        rows = [
            row("trace, lower and load", "first", samples, FIRST_STEP_GOAL),
            row("whole process", "wall", samples, program.goal),
            row("whole process, processor", "cpu", samples, program.goal),
        ]
        table(f"a fresh process, warm caches: {program.title}", header, rows)


if __name__ == "__main__":
    main()

"""How the benchmarks measure: rounds in which the contenders take turns, medians, paired ratios.

A shared machine drifts by more than the differences we look for. So every round visits all
contenders, in an order that rotates, and a ratio is taken within a round, where the machine was
the same for both; the median over the rounds is what is reported, with the quartiles as its spread.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Sample = Callable[[], object]
"""One sample's work: it ends when everything it started has ended."""


@dataclass(frozen=True)
class Measured:
    """The seconds of each contender in each round.

    Attributes:
        seconds: by contender, one entry per round, per repetition of the work.
        subject: the contender that the others are compared with.
    """

    seconds: Mapping[str, list[float]]
    subject: str

    def median(self, name: str) -> float:
        """The median seconds of a contender."""
        return statistics.median(self.seconds[name])

    def ratio(self, peer: str) -> Ratio:
        """How long the subject takes for each second of ``peer``."""
        pairs = zip(self.seconds[self.subject], self.seconds[peer], strict=True)
        return Ratio(*statistics.quantiles([own / other for own, other in pairs], n=4))


@dataclass(frozen=True)
class Ratio:
    """The quartiles of the ratio within a round."""

    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.3f} ({self.low:.3f}–{self.high:.3f})"


def interleaved(
    contenders: Mapping[str, Sample], rounds: int, scale: int = 1, warm_up: int = 2
) -> Measured:
    """Let contenders take turns; the first one is the subject.

    Args:
        contenders: the work of each, once.
        rounds: how often every contender has its turn.
        scale: how many times a turn does what is reported.
        warm_up: turns before anything counts.
    """
    names = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-warm_up, rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            taken = _turn(contenders[name])
            if number >= 0:
                seconds[name].append(taken / scale)
    return Measured(seconds, names[0])


def _turn(work: Sample) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def table(title: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print rows under a header, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print(f"\n{title}")
    for row in (header, tuple("-" * width for width in widths), *rows):
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        print("  " + "  ".join(cells).rstrip())


def comparison(title: str, measured: Measured, goals: Mapping[str, float], unit: str) -> None:
    """Print each contender's median and the subject's ratio to it.

    Args:
        title: above the table.
        measured: the numbers.
        goals: the largest ratio aimed at, by peer.
        unit: ``ms`` or ``µs``.
    """
    scale = {"ms": 1e3, "µs": 1e6}[unit]
    rows = [(measured.subject, f"{measured.median(measured.subject) * scale:.2f}", "", "")]
    for peer in list(measured.seconds)[1:]:
        ratio = measured.ratio(peer)
        rows.append(
            (
                peer,
                f"{measured.median(peer) * scale:.2f}",
                str(ratio),
                _goal(ratio, goals.get(peer)),
            )
        )
    table(title, ("", f"median {unit}", "eshkol / this", "goal"), rows)


def _goal(ratio: Ratio, goal: float | None) -> str:
    if goal is None:
        return ""
    return f"≤ {goal:.2f} {'met' if ratio.middle <= goal else 'MISSED'}"


def options(description: str) -> argparse.Namespace:
    """The command line that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs")
    return parser.parse_args()


def print_machine(*packages: str) -> None:
    """Print what the numbers depend on: the processor, Python, and versions of packages."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = os.getloadavg()[0]
    print(f"{_processor()}, {os.cpu_count()} cores, load {load:.1f}")
    print(f"Python {platform.python_version()}, {versions}")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = (line.partition(":")[2].strip() for line in lines if "model name" in line)
            return next(names, platform.machine())
    except OSError:
        return platform.processor() or platform.machine()

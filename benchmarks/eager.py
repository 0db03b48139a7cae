"""Eager Scheme against the same algorithms written by hand in Python.

Exact integers of any size, proper tail calls and errors at the form are included in our times. All
results are compared before anything is measured. The process is set up as ``eshkol run`` does.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import eager_peer as peer
from eshkol.datum.pairs import scheme_list
from eshkol.runtime.process import collect_seldom
from eshkol.session import Session
from measure import interleaved, options, print_machine, table

HERE = Path(__file__).parent
GOAL, GOAL_OF_MEAN = 2.0, 1.5


class Contest(NamedTuple):
    """One algorithm: its title, name in Scheme, peer, and the arguments of both."""

    title: str
    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    peer_arguments: tuple[Any, ...] | None = None


def contests() -> list[Contest]:
    """All algorithms, sized to take some milliseconds."""
    choose = random.Random(1)
    words = [f"word{int(choose.expovariate(0.01))}" for _ in range(20_000)]
    return [
        Contest("fib 20", "fib", peer.fib, (20,)),
        Contest("tak 12 8 4", "tak", peer.tak, (12, 8, 4)),
        Contest("6 queens", "queens", peer.queens, (6,)),
        Contest("string building", "build-string", peer.build_string, (10_000,)),
        Contest("closures and lists", "closures", peer.closures, (20_000,)),
        Contest(
            "words in a hash table",
            "count-words",
            peer.count_words,
            (scheme_list(words),),
            (words,),
        ),
        Contest("do loop over floats", "integrate", peer.integrate, (50_000,)),
        Contest("mutual tail calls", "even-number?", peer.even_number, (900,)),
        Contest("a small interpreter", "interpret", peer.interpret, (500,)),
    ]


def repeated(
    function: Callable[..., Any], arguments: tuple[Any, ...], times: int
) -> Callable[[], None]:
    """The work of a turn."""

    def work() -> None:
        for _ in range(times):
            function(*arguments)

    return work


def main() -> None:
    """Compare all results, then all times."""
    chosen = options(__doc__)
    print_machine("numpy")
    collect_seldom()
    session = Session()
    session.load(HERE / "eager.esk")
    rows, ratios = [], []
    for contest in contests():
        own = session.get(contest.name)
        theirs = contest.peer_arguments or contest.arguments
        found, expected = own(*contest.arguments), contest.function(*theirs)
        if found != expected:
            sys.exit(f"{contest.title}: {found}, expected {expected}")
        times = 50 if contest.name == "even-number?" else 1
        works = {
            "eshkol": repeated(own, contest.arguments, times),
            "python": repeated(contest.function, theirs, times),
        }
        measured = interleaved(works, 5 if chosen.quick else 60, scale=times)
        ratio = measured.ratio("python")
        ratios.append(ratio.middle)
        goal = "met" if ratio.middle <= GOAL else "MISSED"
        rows.append(
            (
                contest.title,
                f"{measured.median('eshkol') * 1e3:.2f}",
                f"{measured.median('python') * 1e3:.2f}",
                str(ratio),
                f"≤ {GOAL} {goal}",
            )
        )
    table("eager", ("", "eshkol ms", "python ms", "eshkol / python", "goal"), rows)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    goal = "met" if mean <= GOAL_OF_MEAN else "MISSED"
    print(f"  geometric mean {mean:.2f}; goal: ≤ {GOAL_OF_MEAN}, {goal}")


if __name__ == "__main__":
    main()

"""What holds for all tests, and for the processes that they start."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The user's own store of compiled programs is no part of a test.
os.environ["ESHKOL_STORE"] = "off"

# How long an example takes tells about the machine, and what it compiles for the first time.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

# There are no builds of torch for the newest Pythons; what is compared with it is tested on others.
HAS_TORCH = importlib.util.find_spec("torch") is not None
collect_ignore = [
    str(path)
    for path in ([] if HAS_TORCH else Path(__file__).parent.rglob("test_*.py"))
    if "\nimport torch" in path.read_text(encoding="utf-8")
]


SLOW = Path(__file__).parent / "slow.txt"
"""The names of tests that are slow besides those that say so themselves."""

NO_TESTS = pytest.StashKey[list[str]]()
"""Names of that list which are of no test, among the files that were collected."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that the list names, before any are left out."""
    lines = SLOW.read_text(encoding="utf-8").splitlines()
    names = {line for line in lines if line and not line.startswith("#")}
    by_name = {item.nodeid: item for item in items}
    for name in names & by_name.keys():
        by_name[name].add_marker(pytest.mark.slow)
    are_whole = not any("::" in argument for argument in config.args)
    files = {name.partition("::")[0] for name in by_name} if are_whole else set()
    config.stash[NO_TESTS] = sorted(
        name for name in names - by_name.keys() if name.partition("::")[0] in files
    )


@pytest.fixture(scope="session")
def slow_names_of_no_test(pytestconfig: pytest.Config) -> list[str]:
    """What the list of slow tests names although there is no such test any more."""
    return pytestconfig.stash[NO_TESTS]


class Memory:
    """The memory of this process, which lets go of what it compiled if it has grown too large.

    Attributes:
        most: it is too large with more; in bytes.
        looked: when its maps were counted last.
    """

    def __init__(self) -> None:
        self.most = max(3 * 2**30, _memory_of_machine() // 4)
        self.looked = time.monotonic()

    def bound(self, is_last_of_file: bool) -> None:
        """Let go of what was compiled, if there is too much."""
        if "jax" not in sys.modules:
            return
        if is_last_of_file and _memory() > self.most:
            _let_go()
            self.most = max(self.most, _memory() + 2**29)
        elif time.monotonic() > self.looked + SECONDS:
            if _memory_maps() > MOST_MAPS:
                _let_go()
            self.looked = time.monotonic()


MOST_MAPS = 40_000
"""Linux gives a process 65,530 memory maps; a compiled program takes six, and more if it is large.

XLA crashes where it gets none.
"""

SECONDS = 10
"""So often they are counted, which takes some 10 ms."""


def pytest_collection_finish() -> None:
    """Look for garbage seldom: some 30,000 tests and what is compiled are there to stay.

    With Python's own thresholds a sixth of the time would go there.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is not None:
        MEMORY.bound(nextitem.path != item.path)


def _memory() -> int:
    """How many bytes of memory this process takes; 0 where nothing tells."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _memory_of_machine() -> int:
    """How many bytes of memory there are; 0 where nothing tells."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def _memory_maps() -> int:
    """How many memory maps this process has; 0 where nothing tells."""
    try:
        with open("/proc/self/maps", "rb") as maps:
            return sum(1 for _ in maps)
    except OSError:
        return 0


MEMORY = Memory()


def _let_go() -> None:
    import jax

    programs: Any = sys.modules.get("eshkol.xla.programs")
    if programs is not None:
        programs.PROGRAMS.clear()
    jax.clear_caches()
    gc.collect()

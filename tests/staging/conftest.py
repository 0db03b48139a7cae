"""What these tests share: processes that have nothing but what others left stored, and doubles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from staged_sessions import value

from eshkol.base.config import CONFIG
from eshkol.session import Session
from eshkol.xla import jit as jit_module
from eshkol.xla import programs
from eshkol.xla.dtypes import wide


class Process:
    """What a fresh process would find: no program, and the store of ``directory``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table = programs.ProgramTable()
        monkeypatch.setattr(programs, "PROGRAMS", self.table)
        monkeypatch.setattr(jit_module, "PROGRAMS", self.table)
        self.session = Session()

    def value(self, text: str) -> Any:
        return value(self.session, text)

    @property
    def counts(self) -> tuple[int, int]:
        """How often something was traced, and loaded."""
        return self.table.compilations, self.table.loads

    @property
    def reasons(self) -> set[str]:
        """Why programs were not stored."""
        return {program.why_not_stored for program in self.table._programs.values()}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "store"
    monkeypatch.setattr(CONFIG, "store", True)
    monkeypatch.setattr(CONFIG, "store_directory", str(place))
    yield place


@pytest.fixture
def fresh(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Process]:
    return lambda: Process(monkeypatch)


@pytest.fixture
def doubles() -> Iterator[None]:
    """JAX's own functions, which these tests compare with, compute with 64 bits."""
    with wide():
        yield

"""Rows of programs and what they give, kept in text files.

A row starts at the margin and goes on over indented lines: forms, ``⇒`` and what is expected of
the last one. Lines that start with ``# `` or ``## `` are titles.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

INPUT = re.compile("«(.*?)»")
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?")


def one_in(count: int, rows: Iterable[Any], names: Iterable[str] | None = None) -> list[Any]:
    """The rows as parameters, of which one in ``count`` is run with the fast tests.

    Args:
        count: one of so many, the first among them.
        rows: what a test is given; a tuple is several arguments.
        names: of the rows.
    """
    rows = list(rows)
    return [
        pytest.param(
            *(row if isinstance(row, tuple) and not hasattr(row, "_fields") else (row,)),
            id=name,
            marks=[pytest.mark.slow] if number % count else [],
        )
        for number, (row, name) in enumerate(zip(rows, names or [None] * len(rows), strict=True))
    ]


class Row(NamedTuple):
    """Forms and what is expected of them."""

    name: str
    program: str
    expected: str

    @property
    def eager(self) -> str:
        return INPUT.sub(r"\1", self.program)

    @property
    def inputs(self) -> list[str]:
        return list(dict.fromkeys(INPUT.findall(self.program)))

    @property
    def staged(self) -> str:
        """The program as a jitted procedure that is called with its inputs."""
        inputs = self.inputs
        body = INPUT.sub(lambda found: f"input-{inputs.index(found[1])}", self.program)
        names = " ".join(f"input-{number}" for number in range(len(inputs)))
        return f"((jit (lambda ({names})\n{body})) {' '.join(inputs)})"


def rows_of(section: Path) -> Iterator[Row]:
    text = section.read_text(encoding="utf-8")
    for found in re.finditer(r"^\S.*\n(?:[ \t].*\n)*", text, re.MULTILINE):
        if re.match("#+ ", found[0]):
            continue
        program, arrow, expected = found[0].rpartition(" ⇒ ")
        line = text.count("\n", 0, found.start()) + 1
        assert arrow, f"{section.name}:{line} has no ⇒"
        yield Row(f"{section.stem}:{line}", program, expected.strip())


def same_text(shown: str, expected: str, tolerance: float) -> bool:
    """Whether two texts are equal but for the last digits of their numbers."""
    numbers, references = NUMBER.findall(shown), NUMBER.findall(expected)
    return NUMBER.sub("0", shown) == NUMBER.sub("0", expected) and all(
        math.isclose(float(a), float(b), rel_tol=tolerance, abs_tol=1e-15)
        for a, b in zip(numbers, references, strict=True)
    )

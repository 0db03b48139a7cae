"""The table of docs/numpy.md: each row's expressions give the same in NumPy and in Eshkol."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eshkol.datum.pairs import NIL, Pair
from eshkol.session import Session

PAGE = Path(__file__).parents[1] / "docs" / "numpy.md"
ROWS = [
    tuple(re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split(" | "))
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("| `")
]

A = np.array([[0.5, -1.5, 2.0], [3.5, 0.25, -2.5]])
B = np.array([[1.5, -1.5, 0.5], [-0.5, 2.25, 4.0]])
S = np.array([[4.0, 1.0, 0.5], [1.5, 3.0, -1.0], [0.0, 2.0, 5.0]])
V, W, INDICES = np.array([1.5, -0.5, 2.5]), np.array([0.5, 2.0, -1.0]), np.array([2, 0, 2])
VALUES = {"a": A, "b": B, "s": S, "v": V, "w": W, "i": INDICES}


@pytest.fixture(scope="module")
def session() -> Session:
    made = Session()
    for name, value in VALUES.items():
        made.define(name, value.astype("int32" if value is INDICES else "float32"))
    return made


def leaves(value: Any) -> list[Any]:
    """The arrays and numbers of a value, in order."""
    if isinstance(value, Pair | list | tuple) or value is NIL:
        return [leaf for item in value for leaf in leaves(item)]
    return [np.asarray(value)]


@pytest.mark.parametrize(("ours", "theirs"), [row[::-1] for row in ROWS], ids=lambda x: x[0])
def test_a_row(ours: list[str], theirs: list[str], session: Session) -> None:
    found = [leaves(session.evaluate(text)) for text in ours]
    names = {"np": np, **VALUES}
    wanted = [leaves(eval(text, names)) for text in theirs]
    for number in range(max(len(found), len(wanted))):
        pairs = zip(found[number % len(found)], wanted[number % len(wanted)], strict=True)
        for result, reference in pairs:
            assert result.shape == reference.shape
            if "random" not in theirs[0]:
                np.testing.assert_allclose(result, reference, rtol=1e-5, atol=1e-5)


def test_there_are_many_rows() -> None:
    assert len(ROWS) > 80

"""Programs written for native Eshkol give here what they give there, or what is right.

``native.txt`` holds them with what ``display`` shows of the last value, with numbers printed as
native programs print them and tensors of doubles, which is how such programs are run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eshkol.base.config import CONFIG
from eshkol.datum.write import display_string
from eshkol.session import Session
from rows import Row, rows_of, same_text

ROWS = list(rows_of(Path(__file__).with_name("native.txt")))


@pytest.fixture(scope="module", autouse=True)
def native() -> Iterator[None]:
    """Doubles without ``.0``, and tensors of doubles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CONFIG, "tensor_dtype", "float64")
        Session().evaluate("(set-float-format! 'native)")
        yield
        Session().evaluate("(set-float-format! 'scheme)")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("engine", [None, "cek"], ids=["compiled", "cek"])
def test_native(engine: str | None, row: Row) -> None:
    shown = display_string(Session(engine=engine).evaluate(row.program))
    assert same_text(shown.replace("\n", "\\n"), row.expected, 1e-9)


def test_no_row_is_lost() -> None:
    assert len(ROWS) >= 230

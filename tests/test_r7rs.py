"""Conformance to R7RS-small, by section of the report.

Each file of ``r7rs/`` is a section. A row starts at the margin and goes on over indented lines:
forms, ``⇒`` and the value of the last one as ``write`` shows it, or ``!`` and the class of the
error that they raise. Every row runs in a session of its own, on every engine. A row in which
numbers stand between « and » also runs staged, with those numbers as arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eshkol.base import errors
from eshkol.datum.write import write_string
from eshkol.session import Session
from rows import Row, rows_of, same_text

SECTIONS = sorted(Path(__file__).with_name("r7rs").glob("*.txt"))
ENGINES = {"compiled": None, "cek": "cek"}
"""Compiled code runs all but what comes back to a continuation whose extent has ended."""


ROWS = [row for section in SECTIONS for row in rows_of(section)]


@pytest.fixture(scope="module", autouse=True)
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The files that rows write go to a directory of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("r7rs"))
        yield


def check(session: Session, row: Row) -> None:
    if row.expected.startswith("! "):
        with pytest.raises(getattr(errors, row.expected[2:])):
            session.evaluate(row.eager)
    else:
        assert write_string(session.evaluate(row.eager)) == row.expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_report(engine: str | None, row: Row) -> None:
    check(Session(engine=engine), row)


@pytest.mark.parametrize("row", [r for r in ROWS if r.inputs], ids=lambda row: row.name)
def test_staged(row: Row) -> None:
    """As the report says, up to the rounding of doubles."""
    assert same_text(write_string(Session().evaluate(row.staged)), row.expected, 1e-12)


def test_the_suite_is_large() -> None:
    """A row that is read wrongly must not make others vanish."""
    arrows = sum(section.read_text(encoding="utf-8").count(" ⇒ ") for section in SECTIONS)
    assert len(ROWS) == arrows >= 1500
    assert len({row.name for row in ROWS}) == len(ROWS)

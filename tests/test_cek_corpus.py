"""Every program of the corpus gives the same value on the plain evaluator as compiled."""

from __future__ import annotations

import pytest

from corpus import Row, all_rows
from eshkol.datum.write import write_string
from eshkol.session import Session
from rows import one_in
from test_corpus import agree

ROWS = all_rows()


@pytest.mark.parametrize("row", one_in(2, ROWS, [row.name for row in ROWS]))
def test_the_evaluator_agrees_with_compiled_code(row: Row) -> None:
    sessions = [Session(engine=engine) for engine in ("python", "cek")]
    for session in sessions:
        session.evaluate(row.program)
    for call in row.calls:
        compiled, evaluated = (session.evaluate(f"(f {call})") for session in sessions)
        shown = f"{call}: {write_string(compiled)} and {write_string(evaluated)}"
        assert agree(compiled, evaluated, True), shown

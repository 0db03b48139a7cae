"""Tables of programs and their values, written as text.

A table's rows are separated by empty lines; a row is a program of one or more lines, `` ⇒ `` and
its value as ``write`` shows it.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

import eshkol
from eshkol.cek.program import evaluate
from eshkol.core.nodes import Node
from eshkol.datum.write import write_string
from eshkol.reader import read_all
from eshkol.session import Session

PACKAGE = str(Path(eshkol.__file__).parent)


def value(*texts: str) -> Any:
    """The value of the last of ``texts``, evaluated one after another in one session."""
    session = Session()
    return [session.evaluate(text) for text in texts][-1]


def our_frames(error: BaseException) -> list[str]:
    """The files of the frames of Eshkol in the traceback of an error."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return [file for file in files if file.startswith(PACKAGE) and not file.endswith(".esk")]


def shown(*texts: str) -> str:
    """The value of the last of ``texts`` as ``write`` shows it."""
    return write_string(value(*texts))


def core(text: str) -> list[Node]:
    """The Core of the top-level forms of ``text`` as the expander gives it."""
    return Session().expander.expand_program(read_all(text, "<core>"))


def evaluated(node: Node) -> Any:
    """The value of Core, after whichever passes, as the plain evaluator defines it."""
    return evaluate([node], Session().namespace)


def table(text: str) -> Any:
    """Parametrizes a test over ``program`` and ``expected``."""
    rows = [block.strip().rpartition("⇒") for block in text.strip().split("\n\n")]
    assert all(arrow for _, arrow, _ in rows)
    return pytest.mark.parametrize(
        ("program", "expected"),
        [
            pytest.param(program.strip(), expected.strip(), id=" ".join(program.split())[-60:])
            for program, _, expected in rows
        ],
    )

"""Whole programs, as people write them in any Scheme, print what they should."""

from __future__ import annotations

from pathlib import Path

import pytest

from eshkol.cli import main

PROGRAMS = sorted(Path(__file__).with_name("programs_portable").glob("*.scm"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
@pytest.mark.parametrize("options", [[], ["--engine", "cek"]], ids=["compiled", "cek"])
def test_output(options: list[str], program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *options, str(program)]) == 0
    assert capsys.readouterr() == (program.with_suffix(".out").read_text(encoding="utf-8"), "")


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 15

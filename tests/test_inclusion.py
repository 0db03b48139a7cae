"""Errors in included files are shown where they stand: the file, the line, the form."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import NamedTuple

import pytest

from eshkol.base import sources
from eshkol.base.errors import EshkolError
from eshkol.runtime.report import explain, report
from eshkol.session import Session


class Row(NamedTuple):
    """A program, the file that it includes, and what is reported; « and » mark the form."""

    program: str
    included: str
    message: str
    callers: tuple[str, ...] = ()


ROWS = {
    "in a procedure": Row(
        '(define (first x) x)\n(include "part.scm")\n(f 1)',
        ";; a part\n\n(define (f x)\n  «(car x)»)",
        "car: expected a pair, got 1",
        ("main.scm:3:1",),
    ),
    "in a form at top level": Row(
        '(define x 5)\n(include "part.scm")\n(display "never")',
        "(define y 1)\n(list y\n  «(car x)»)",
        "car: expected a pair, got 5",
    ),
    "in a call of the program's procedure": Row(
        '(define (f x) (car x))\n(include "part.scm")',
        "1\n2\n(f 5)",
        "car: expected a pair, got 5",
        ("part.scm:3:1",),
    ),
    "in the body of a procedure": Row(
        '(define (f x)\n  (include "part.scm"))\n(+ 1 (f "é"))',
        '(define é "é")\n(string-append é «(vector-ref x 1)»)',
        'vector-ref: expected a vector, got "é"',
        ("main.scm:3:6",),
    ),
    "in a loop in the body of a procedure": Row(
        '(define (f x)\n  (let loop ((i 3))\n    (include "part.scm")))\n(f 0)',
        "(if (= i 0)\n    «(car i)»\n    (loop (- i 1)))",
        "car: expected a pair, got 0",
        ("main.scm:4:1",),
    ),
    "where the file includes another": Row(
        '(include "middle.scm")\n(g 1)',
        "(define (f x)\n  (list «(car x)»))",
        "car: expected a pair, got 1",
        ("g, middle.scm:3:20", "main.scm:2:1"),
    ),
    "an unbound variable": Row(
        '(include "part.scm")',
        "(define (f)\n  (+ 1 «nonsense»))\n(f)",
        "nonsense is not defined",
        ("part.scm:3:1",),
    ),
    "a wrong number of arguments": Row(
        '(define (g a b) a)\n(include "part.scm")',
        "(define (f)\n  (list «(g 1)»))\n(f)",
        "g takes 2 arguments, got 1",
        ("part.scm:3:1",),
    ),
    "in the use of a macro": Row(
        '(define-syntax first (syntax-rules () ((_ x) (list (car x)))))\n(include "part.scm")',
        "1\n(define (f x) «(first x)»)\n(f 2)",
        "car: expected a pair, got 2",
        ("part.scm:3:1",),
    ),
    "in a branch that is compiled": Row(
        '(include "part.scm")\n((jit f) (ones 2))',
        "(define (f x)\n  (if (> (tensor-sum x) 0.0)\n      «(matmul x 5)»\n      x))",
        "matmul: expected tensors of rank 1 or more, got f32[]",
        ("part.scm:2:3", "main.scm:2:1"),
    ),
    "raised when a compiled program runs": Row(
        '(include "part.scm")\n((jit f) (ones 2))',
        '(define (f x)\n  (if (> (tensor-sum x) 0.0)\n      «(error "positive")»\n      x))',
        "error: positive",
    ),
    "a form": Row('(include "part.scm")', "(define x 1)\n«(if)»", ""),
}

MIDDLE = '(define z 1)\n(include "part.scm")\n(define (g x) (+ 1 (f x)))'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    return tmp_path


def write(row: Row) -> tuple[str, int, int, int]:
    """Write the files; the included text, and the line, column and width of the marked form."""
    start, end = (row.included.find(mark) for mark in "«»")
    text = row.included.replace("«", "").replace("»", "")
    Path("main.scm").write_text(row.program, encoding="utf-8")
    Path("part.scm").write_text(text, encoding="utf-8")
    Path("middle.scm").write_text(MIDDLE, encoding="utf-8")
    before = row.included[: max(start, 0)]
    return text, before.count("\n") + 1, start - before.rfind("\n"), end - start - 1


def failure(session: Session) -> Exception:
    with pytest.raises(EshkolError) as caught:
        session.load("main.scm")
    return explain(caught.value)


def check(row: Row, error: Exception) -> None:
    text, line, column, width = write(row)
    shown = report(error).splitlines()
    if width > 0:
        assert shown[0].startswith(f"part.scm:{line}:{column}: {row.message}")
        assert shown[1] == f"  {line} | {text.splitlines()[line - 1]}"
        assert shown[2] == f"    | {' ' * (column - 1)}{'^' * width}"
    else:
        assert row.message in shown[0]
    callers = tuple(entry.split()[-1] for entry in shown if entry.startswith("  called from"))
    assert callers == tuple(entry.split()[-1] for entry in row.callers) or width < 0


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("engine", [None, "cek"])
def test_an_error_in_an_included_file(folder, name, engine):
    write(ROWS[name])
    for _ in range(2):  # the second time, as it was kept compiled
        check(ROWS[name], failure(Session(engine=engine)))


RUNNING = [name for name in ROWS if not name.startswith("raised when")]
"""Those whose errors are raised where Python runs the form."""


@pytest.mark.parametrize("name", RUNNING)
def test_python_shows_the_same_place(folder, name):
    _, line, _, width = write(ROWS[name])
    if width < 0:
        line = 3
    error = failure(Session())
    if isinstance(error, SyntaxError):
        assert error.filename == "part.scm" and error.lineno == line
        return
    shown = traceback.extract_tb(error.__traceback__)
    files = {Path(entry.filename).name for entry in shown}
    assert files <= {Path(__file__).name, "main.scm", "middle.scm", "part.scm"}
    assert all(entry.lineno < 100_000 for entry in shown)
    assert ("part.scm", line) in [(entry.filename, entry.lineno) for entry in shown]


def test_a_library_that_includes_its_body(folder):
    Path("part.scm").write_text("(define (f x)\n  (car x))\n")
    Path("lib.esk").write_text(
        '(define-library (lib) (export f) (import (scheme base)) (include "part.scm"))'
    )
    Path("main.scm").write_text("(import (lib))\n(f 1)\n")
    for _ in range(2):
        assert report(failure(Session())).startswith("part.scm:2:3: car: expected a pair, got 1")


def test_a_program_that_is_run_from_elsewhere(folder, monkeypatch):
    write(ROWS["in a procedure"])
    (folder / "below").mkdir()
    for place, path in ((".", ""), ("below", "../"), ("..", f"{folder.name}/")):
        monkeypatch.chdir(folder / place)
        for _ in range(2):
            with pytest.raises(EshkolError) as caught:
                Session().load(f"{path}main.scm")
            shown = report(caught.value)
            assert shown.startswith(f"{path}part.scm:4:3: car: expected a pair, got 1")
            assert shown.endswith(f"called from {path}main.scm:3:1")


def test_files_included_in_another_order_after_a_change(folder):
    Path("a.scm").write_text("(define a 1)\n(define (f x) (car x))\n")
    Path("b.scm").write_text("(define b 1)\n\n(define (g x) (cdr x))\n(g 1)")
    for program in ('(include "a.scm")\n(include "b.scm")', '(include "b.scm")\n(include "a.scm")'):
        Path("main.scm").write_text(program)
        for _ in range(2):
            shown = report(failure(Session()))
            assert shown.startswith("b.scm:3:15: cdr: expected a pair, got 1")
            assert "called from b.scm:4:1" in shown


def test_included_files_that_mean_other_lines_make_a_kept_program_no_good(folder):
    assert sources.restore_inclusions("some.scm", ("a", "b"))
    assert sources.restore_inclusions("some.scm", ("a",))
    assert sources.restore_inclusions("some.scm", ("a", "b", "c"))
    assert not sources.restore_inclusions("some.scm", ("b",))
    assert sources.inclusions_in("some.scm") == ("a", "b", "c")

"""Checking programs without running them: what is found, where, and how it is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import eshkol
from corpus import all_rows
from eshkol.checker import check_text

ROOT = Path(eshkol.__file__).parents[2]
FILES = [*(ROOT / "examples").glob("*.esk"), *(ROOT / "src/eshkol/nn").glob("*.esk")]


def found(text):
    """The problems of a text as ``line:column severity: message``."""
    return [
        f"{p.span.line}:{p.span.column + 1} {p.severity}: {p.message}"
        for p in check_text(text, "x.esk")
    ]


# One problem each: a program, and where and what it is.

PROBLEMS = {
    # reading
    "(f": "1:1 error: this `(` is never closed",
    ")": "1:1 error: unexpected `)`: no list is open here",
    "(f]": "1:3 error: `]` closes a list that `(` opened at x.esk:1:1",
    '"a': "1:1 error: this string is never closed",
    "#| a": "1:1 error: this `#|` is never closed",
    "#\\wrong": "1:1 error: unknown character name `#\\wrong`",
    # expanding
    "(if)": "1:1 error: if: test is missing",
    "(let ((x 1)))": "1:1 error: let: body is missing",
    "(define-syntax m (syntax-rules ()))\n(m)": "2:1 error: m: this use fits none of its patterns",
    "(lambda (x x) x)": "1:12 error: the name x is bound twice",
    "(set! if 1)": "1:7 error: set!: if is syntax, not a variable",
    '(import "nowhere.esk")': '1:9 error: import: there is no library "nowhere.esk"',
    "(define x 1) (provide y)": "1:23 error: provide: y is neither defined nor imported here",
    # names
    "(f 1)": "1:2 error: f is not defined",
    "(lambda () (set! nothing 5))": "1:12 error: set!: nothing is not defined",
    "(define (f) (lenght '()))": "1:14 error: lenght is not defined",
    "(define a b) (define b 1)": "1:11 warning: b is used before it is defined, in line 1",
    # calls
    "(car)": "1:1 error: car takes 1 argument, got 0",
    "(car '(1) 2)": "1:1 error: car takes 1 argument, got 2",
    "(tensor-sum 1 #:axes 0)": "1:1 error: tensor-sum has no keyword argument #:axes",
    "(define (f x) x)\n(f)": "2:1 error: f takes 1 argument, got 0",
    "(define (f x (y 1)) x)\n(f 1 2 3)": "2:1 error: f takes 1 to 2 arguments, got 3",
    "(define (f x . y) x)\n(f)": "2:1 error: f takes at least 1 argument, got 0",
    "(let ((f (lambda (x) x))) (f 1 2))": "1:27 error: f takes 1 argument, got 2",
    "(define (g) (define (f) 1) (f 2))": "1:28 error: f takes 0 arguments, got 1",
    "(let loop ((i 0)) (if (< i 3) (loop)))": "1:31 error: loop takes 1 argument, got 0",
    "((lambda (x) x))": "1:1 error: this procedure takes 1 argument, got 0",
    "(1 2)": "1:2 error: expected a procedure to call, got 1",
    # unused variables
    "(let ((x 1)) 2)": "1:8 warning: x is never used",
    "(let* ((x 1) (x 2)) x)": "1:9 warning: x is never used",
    "(letrec ((f (lambda () 1))) 2)": "1:11 warning: f is never used",
    "(define (f) (define x 1) 2)": "1:21 warning: x is never used",
    "(define (f) (define (g) 1) 2)": "1:22 warning: g is never used",
    "(let ((x 1)) (set! x 2) 3)": "1:8 warning: x is set but never used",
    "(let ((x 1)) (let ((x 2)) x))": "1:8 warning: x is never used",
}


@pytest.mark.parametrize("text", PROBLEMS)
def test_a_problem(text):
    assert found(text) == [PROBLEMS[text]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "; nothing",
        "(define (f) (g)) (define (g) 1)",
        "(define (even n) (odd n)) (define (odd n) (even n))",
        "(define x 1) (define x 2) (display x)",
        "(define (f x) x) (define (f x y) y) (f 1 2)",
        "(define (f x) x) (set! f +) (f 1 2)",
        "(define (car x y) x) (car 1 2)",
        "(define car list) (car 1 2)",
        "(let ((f (lambda () 1))) (set! f car) (f '(1)))",
        "(define (f #:scale (scale 1)) scale) (f #:scale 2)",
        "(define (f x . rest) (list x rest)) (f 1 2 3)",
        "(define (f x unused) x) (f 1 2)",
        "(let ((_ 1)) 2)",
        "(let ((_unused 1)) 2)",
        "(define-syntax swap! (syntax-rules () ((_ a b) (let ((t a)) (set! a b) (set! b t)))))\n"
        "(define x 1) (define y 2) (swap! x y)",
        "(define-syntax ignore (syntax-rules () ((_ e) (let ((t e)) 0))))\n(ignore 1)",
        "(define-record-type point (make-point x y) point? (x get-x) (y get-y))\n"
        "(get-x (make-point 1 2))",
        "(define-values (a b) (values 1 2)) (list a b)",
        "(import (scheme base) (scheme write)) (display (map car '((1))))",
        "(define-library (a b) (export f) (import (scheme base)) (begin (define (f x) x)))\n"
        "(import (a b)) (f 1)",
        "(do ((i 0 (+ i 1))) ((= i 3)) (display 1))",
        "#!/usr/bin/env eshkol\n(display 1)",
    ],
)
def test_nothing_wrong(text):
    assert found(text) == []


def test_every_problem_is_told():
    text = """\
(define (f x) (car x x))
(define (g a
  (b c)

(if)
(define (h) #\\wrong)
(h) (g 1)
(let ((y 1))
  (undefined-thing))
(display "never closed)
(define (k x) (f x 1))
"""
    assert found(text) == [
        "1:15 error: car takes 1 argument, got 2",
        "2:9 error: this `(` is never closed",
        "5:1 error: if: test is missing",
        "6:13 error: unknown character name `#\\wrong`",
        "8:8 warning: y is never used",
        "9:4 error: undefined-thing is not defined",
        "10:10 error: this string is never closed",
        "11:15 error: f takes 1 argument, got 2",
    ]


def test_what_a_broken_form_defines_is_not_reported_missing():
    assert found("(define (f x) (if))\n(f 1)") == ["1:15 error: if: test is missing"]
    assert len(found("(define-record-type p (f z) p? (x g))\n(list f p? g)")) == 1
    assert found("(define-syntax m (syntax-rules))\n(m 1)")[1:] == []
    assert len(found("(define (f x) #\\wrong)\n(f 1)")) == 1


def test_what_a_missing_library_would_define_is_not_reported_missing():
    assert [line.split(":")[2] for line in found("(import (nowhere at all))\n(f (car))")] == [
        " import",
        " car takes 1 argument, got 0",
    ]


def test_a_program_that_loads_others_may_get_its_names_there():
    assert found('(load "other.esk") (f 1)') == ["1:21 warning: f is not defined"]


def test_hints_become_notes():
    (problem,) = check_text("(lenght '())", "x.esk")
    assert problem.lines() == [
        "x.esk:1:2: error: lenght is not defined",
        "x.esk:1:2: note: did you mean length?",
    ]
    (problem,) = check_text("(define (f x (y 2) . z) x) (f)", "x.esk")
    assert problem.notes == ("use: (f x (y 2) z …)",)


def test_problems_in_an_expansion_tell_the_macro():
    text = "(define-syntax m (syntax-rules () ((_ x) (car x x))))\n(m '(1))"
    (problem,) = check_text(text, "x.esk")
    assert str(problem.span) == "x.esk:2:1"


def test_nothing_is_run(tmp_path, capsys):
    (tmp_path / "library.esk").write_text('(display "ran") (define (f x) x) (provide f)')
    program = tmp_path / "program.esk"
    program.write_text('(import "library.esk") (display "ran") (f 1 2) (exit 3)')
    problems = check_text(program.read_text(), str(program))
    assert [p.message for p in problems] == ["f takes 1 argument, got 2"]
    assert capsys.readouterr().out == ""


def test_macros_of_libraries_are_known(tmp_path):
    (tmp_path / "library.esk").write_text(
        "(define-syntax twice (syntax-rules () ((_ e) (begin e e)))) (define (hidden) 1)"
    )
    program = str(tmp_path / "program.esk")
    problems = check_text('(import (only "library.esk" twice)) (twice (hidden))', program)
    assert {p.message for p in problems} == {"hidden is not defined"}


def test_libraries_that_import_each_other(tmp_path):
    (tmp_path / "a.esk").write_text('(import "b.esk")')
    (tmp_path / "b.esk").write_text('(import "a.esk") (define x 1)')
    problems = check_text('(import "a.esk")', str(tmp_path / "program.esk"))
    assert [p.severity for p in problems] in ([], ["error"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_files_of_the_project(path):
    assert check_text(path.read_text(encoding="utf-8"), str(path)) == []


def test_programs_that_run_have_no_problems():
    assert [
        (row.name, problem.lines()) for row in all_rows() for problem in check_text(row.program)
    ] == []


# The command


def check(*words, stdin="", cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "eshkol", "check", *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        timeout=60,
    )


def test_the_command(tmp_path):
    (tmp_path / "good.esk").write_text("(display 1)")
    (tmp_path / "bad.esk").write_text("(car)\n(let ((x 1)) (nothing))")
    result = check("good.esk", "bad.esk", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "")
    for line in result.stdout.splitlines():
        assert re.fullmatch(r"bad\.esk:\d+:\d+: (error|warning|note): .+", line)
    assert result.stdout.splitlines()[0] == "bad.esk:1:1: error: car takes 1 argument, got 0"
    assert check("good.esk", cwd=tmp_path).returncode == 0
    assert check(".", cwd=tmp_path).stdout == result.stdout


def test_warnings_count_if_asked(tmp_path):
    path = tmp_path / "x.esk"
    path.write_text("(let ((x 1)) 2)")
    assert check(path).returncode == 0
    assert check("--strict", path).returncode == 1


def test_json(tmp_path):
    result = check("--format", "json", "-", stdin="(lenght\n 1)", cwd=tmp_path)
    assert json.loads(result.stdout) == [
        {
            "file": "<stdin>",
            "line": 1,
            "column": 2,
            "end_line": 1,
            "end_column": 8,
            "severity": "error",
            "kind": "unbound",
            "message": "lenght is not defined",
            "notes": ["did you mean length?"],
        }
    ]
    assert json.loads(check("--format=json", "-", stdin="1").stdout) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        (b"\xff", "expected UTF-8 text, byte 0 is not UTF-8"),
    ],
)
def test_files_that_can_not_be_read(tmp_path, content, message):
    if content is not None:
        (tmp_path / "x.esk").write_bytes(content)
    result = check("x.esk", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == f"x.esk:1:1: error: {message}\n"


def test_libraries_in_other_places(tmp_path):
    os.mkdir(tmp_path / "lib")
    (tmp_path / "lib" / "tool.esk").write_text("(define (f x) x)")
    (tmp_path / "x.esk").write_text("(import (tool)) (f 1 2)")
    result = check("-I", tmp_path / "lib", tmp_path / "x.esk")
    assert "f takes 1 argument, got 2" in result.stdout

"""Whatever text comes, people get a value or an error of theirs, and soon."""

from __future__ import annotations

import random
import re
import string
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eshkol
from corpus import all_rows
from eshkol.base.errors import EshkolError, ExpandError
from eshkol.expand.forms import CORE_FORMS
from eshkol.reader import read_all
from eshkol.runtime.boundary import Boundary
from eshkol.session import Session

PACKAGE = Path(eshkol.__file__).parent
LIBRARIES = [path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.esk"))]
EXAMPLES = [
    path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[1] / "examples").glob("*.esk"))
]
FORMS = [
    '(match x ((list a b ...) a) (#(c) c) (`(d ,e) e) ((? f) 1) ((or \'a "b") 2) (else 3))',
    "(define-syntax my-or (syntax-rules () ((_) #f) ((_ a b ...) (let ((t a)) (if t t b ...)))))",
    "(defmacro m (a . b) `(list ,a ,@b)) (m 1 2)",
    "(define-record-type point (make-point x y) point? (x px set-px!))",
    "(define-library (a) (export b (rename c d)) (import (only (scheme base) +)) (begin b))",
    "(define (f x (y 2) #:key (k 3) . rest) : real (-> x (+ y) (* k)))",
    "(cond-expand ((and r7rs (not foo) (library (scheme base))) 1) (else 2))",
    "(guard (e ((symbol? e) 1) ((assq 'a e) => cdr)) (raise 'x))",
    "(let-values (((a b) (values 1 2)) ((c) (values 3))) (case a ((1 2) => f) (else c)))",
    "(do ((i 0 (+ i 1)) (s '() (cons i s))) ((= i 3) s) (let loop ((j i)) (loop j)))",
]
TEXTS = [row.program for row in all_rows()] + EXAMPLES + LIBRARIES + FORMS * 20

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[()\[\]]|\'|`|,@|,|[^\s()\[\]"\']+|\s+')
ODD = "( ) ... _ . #:k => #( #; ' ` , ,@ #0= #0# |x| #\\a 1/0 () #t #!fold-case #| |# \" \\ ~{"
ODD_WORDS = ODD.split()
COMMON = sorted({token for text in TEXTS for token in TOKEN.findall(text) if token.strip()})
WORDS = [*CORE_FORMS, *ODD_WORDS * 10, *COMMON]
CHARACTERS = "\0\n\r\x0c\"#()\\|~{};'`,\u03bb\u2028\ud7ff\ufeff"
LONGEST = 200


def mutated(choose: random.Random) -> str:
    """A text that is a program but for a few changes of its tokens and characters."""
    tokens = TOKEN.findall(choose.choice(TEXTS))
    if len(tokens) > LONGEST:
        start = choose.randrange(len(tokens))
        tokens = tokens[start : start + LONGEST]
    for _ in range(choose.randint(1, 5)):
        at, other = choose.randrange(len(tokens) + 1), choose.randrange(len(tokens) + 1)
        low, high = min(at, other), max(at, other)
        change = choose.randrange(6)
        if change == 0:
            del tokens[at : at + choose.randint(1, 5)]
        elif change == 1:
            tokens.insert(at, choose.choice(WORDS))
        elif change == 2:
            tokens[at : at + 1] = [choose.choice(WORDS)]
        elif change == 3:
            tokens[low:high] = tokens[low:high][::-1]
        elif change == 4:
            tokens[at:at] = tokens[other : other + choose.randint(1, 10)]
        else:
            text = "".join(tokens)
            place = choose.randrange(len(text) + 1)
            tokens = TOKEN.findall(text[:place] + choose.choice(CHARACTERS) + text[place:])
    return "".join(tokens)


def compile_text(text: str, interpolate: bool = False) -> None:
    """Read, expand and compile a text; an error of its author's is shown, any other one escapes."""
    session = Session(interpolate=interpolate)
    try:
        with Boundary():
            forms = read_all(text, "<mutated>", interpolate=interpolate)
            session.compile_nodes(*session.expand_forms(forms, "<mutated>"))
    except EshkolError as error:
        assert str(error)


def check_mutations(seed: int, count: int) -> None:
    for number in range(count):
        choose = random.Random(f"{seed} {number}")
        text = mutated(choose)
        try:
            compile_text(text, interpolate=choose.random() < 0.2)
        except BaseException as error:
            raise AssertionError(
                f"{type(error).__name__}: {error}, for the text\n{text!r}"
            ) from error


@pytest.mark.parametrize("seed", range(4))
def test_mutated_programs(seed):
    check_mutations(seed, 400)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_many_mutated_programs(seed):
    check_mutations(seed, 1000)


SETTINGS = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@SETTINGS
@given(st.text(st.characters() | st.sampled_from(string.punctuation + " \n"), max_size=80))
def test_any_text(text):
    compile_text(text)


DATA = st.recursive(
    st.sampled_from(WORDS[: len(CORE_FORMS)])
    | st.sampled_from(["x", "5", "#t", "...", '"s"', "_"]),
    lambda inner: st.lists(inner, max_size=5).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=25,
)


@SETTINGS
@given(st.lists(DATA, min_size=1, max_size=4))
def test_any_nesting_of_the_forms_of_the_language(forms):
    compile_text(" ".join(forms))


DEEP = 10_000


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("(", ")"), ("#(", ")"), ("'", ""), ("`(,", ")"), ("#;(", ")"), ("#|", "|#"), ("[", "]")],
)
def test_data_nests_deep(opening, closing):
    compile_text("'" + opening * DEEP + "a" + closing * DEEP)


NESTED = {
    "sum": ("(+ 1 ", "1", ")", DEEP),
    "list": ("(car (list ", "5", "))", 5),
    "let": ("(let ((x 1)) ", "x", ")", 1),
    "value": ("(let ((x ", "1", ")) x)", 1),
    "let*": ("(let* ((x 1) (y x)) ", "y", ")", 1),
    "let-syntax": ("(let-syntax ((m (syntax-rules () ((_) 1)))) ", "(m)", ")", 1),
    "named let": ("(let f ((i 0)) ", "1", ")", 1),
    "if": ("(if #f 1 ", "2", ")", 2),
    "test": ("(if ", "1", " 2 3)", 2),
    "cond": ("(cond (#f 1) (else ", "2", "))", 2),
    "case": ("(case 1 ((1) ", "2", ") (else 3))", 2),
    "and": ("(and 1 ", "2", ")", 2),
    "begin": ("(begin 1 ", "2", ")", 2),
    "quasiquote": ("(car `(,", "5", "))", 5),
}


LESS_DEEP = {
    (3, 12): {"test": 250, **dict.fromkeys(["if", "cond", "case", "and"], 1_000)},
    (3, 13): {"test": 2_000},
}
"""What the compilers of some versions of CPython take, as ``docs/differences.md`` says."""


@pytest.mark.parametrize("kind", NESTED)
def test_expressions_nest_deep(kind):
    """Some forms become several, so that fewer fit into one another."""
    opening, inner, closing, value = NESTED[kind]
    deep = DEEP - 1 if kind == "sum" else DEEP // 4
    deep = LESS_DEEP.get(sys.version_info[:2], {}).get(kind, deep)
    assert Session().evaluate(opening * deep + inner + closing * deep) == value


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("(+ 1 ", ")"), ("((lambda (x) x) ", ")"), ("(do ((i 0 1)) ((= i 1) ", "))")],
    ids=["sum", "call", "do"],
)
def test_expressions_that_nest_too_deep_are_refused(opening, closing):
    forms = read_all(opening * (DEEP + 1) + "1" + closing * (DEEP + 1))
    with pytest.raises(ExpandError, match="10,000 expressions stand inside one another"):
        Session().expand_forms(forms, "<deep>")


@pytest.mark.parametrize(
    ("opening", "closing", "count", "message"),
    [
        ("(lambda (x) ", ")", 1001, "more than 1000 procedures"),
        ("(do ((i 0 (+ i 1))) ((= i 1)) ", ")", 30, "more than 20 loops"),
    ],
)
def test_what_python_does_not_compile_is_refused(opening, closing, count, message):
    with pytest.raises(ExpandError, match=message):
        Session().evaluate(opening * count + "1" + closing * count)


def test_deep_programs_need_no_large_stack():
    """Whoever runs Scheme in a thread has a stack of some megabytes there."""
    program = "(+ 1 " * (DEEP // 2) + "0" + ")" * (DEEP // 2)
    given = []
    thread = threading.Thread(target=lambda: given.append(Session().evaluate(program)))
    thread.start()
    thread.join()
    assert given == [DEEP // 2]


def test_macros_that_grow_are_refused():
    with pytest.raises(ExpandError, match=r"larger and larger|never stops"):
        Session().evaluate(
            "(define-syntax boom (syntax-rules () ((_ a ...) (boom a ... a ...)))) (boom 1)"
        )


def test_macros_that_grow_without_end_are_refused_soon():
    """One more part with each use: five thousand uses would take minutes."""
    with pytest.raises(ExpandError, match="never stops expanding"):
        Session().evaluate(
            "(define-syntax more (syntax-rules () ((_ a b ...) (more a a b ...)))) (more 1)"
        )


# ---- files


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eshkol", "run", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("content", "status", "shown"),
    [
        (b"", 0, ""),
        (b"\xef\xbb\xbf(display 5)", 0, "5"),
        (b"(display 1)\r\n(display\r\n 2)\r\n", 0, "12"),
        (b"#!/usr/bin/env eshkol\n(display 3)", 0, "3"),
        (b"; a comment alone", 0, ""),
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe\x00", 1, "not UTF-8"),
        (b"(display 1)\0", 1, "U+0000"),
        (b"(display", 1, "never closed"),
    ],
    ids=["empty", "mark", "line ends", "script", "comment", "binary", "nul", "cut off"],
)
def test_files_of_all_kinds(tmp_path, content, status, shown):
    (tmp_path / "program.esk").write_bytes(content)
    result = run(tmp_path / "program.esk")
    assert result.returncode == status
    assert shown in (result.stderr if status else result.stdout)
    assert "Traceback" not in result.stderr


def test_a_directory_and_a_missing_file(tmp_path):
    for path, shown in ((tmp_path, "it is a directory"), (tmp_path / "none.esk", "no such file")):
        result = run(path)
        assert (result.returncode, result.stdout) == (1, "")
        assert shown in result.stderr and "Traceback" not in result.stderr


def test_main_gives_the_status(tmp_path):
    (tmp_path / "program.esk").write_text('(define (main) (display "main ") 3) (display "top ")')
    result = run(tmp_path / "program.esk")
    assert (result.returncode, result.stdout) == (3, "top main ")

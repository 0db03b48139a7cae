"""explain: how each form is staged, why, what it costs, and what caused a compilation."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from staged_sessions import assert_at_rest

import eshkol as ek
from eshkol.base.errors import EshkolError
from eshkol.datum.write import display_string, short_string
from eshkol.session import Session
from eshkol.xla.costs import amount
from eshkol.xla.notes import KINDS, NOTES


@pytest.fixture
def session() -> Session:
    return Session()


def explained(session: Session, call: str):
    return session.evaluate(f"(explain {call})")


def told(explanation):
    return [
        (note.kind, note.source.split()[0].strip("("), note.facts) for note in explanation.notes
    ]


NOTES_OF = [
    # program, call, the notes as (kind, how the form begins, facts that are looked at)
    ("(define (f x) (if (> x 0) (sin x) (cos x)))", "f 1.0", [("select", "if", {})]),
    ("(define (f x) (if (> (tensor-sum x) 0) (matmul x x) x))", "f (ones 2 2)",
     [("cond", "if", {})]),
    ("(define (f x) (if (> x 0) x 1.0))", "f 1.0", [("select", "if", {})]),
    ("(define (f x) (if (> x 0) 5 5))", "f 1.0", [("agreed", "if", {})]),
    ("(define (f x k) (if (eq? k 'a) (sin x) (cos x)))", "f 1.0 'a",
     [("followed", "if", {"taken": True}), ("unused", "cos", {})]),
    ("(define (f x k) (if (eq? k 'a) (sin x) (cos x)))", "f 1.0 'b",
     [("followed", "if", {"taken": False}), ("unused", "sin", {})]),
    ("(define (f x) (do ((i 0 (+ i 1)) (y x (* y x))) ((= i 3) y)))", "f 1.0",
     [("unrolled", "do", {"trips": 3})]),
    ("(define (f x) (do ((i 0 (+ i 1)) (y x (* y x))) ((= i 30) y)))", "f 1.0",
     [("scan", "do", {"trips": 30})]),
    ("(define (f x) (do ((i 0 (+ i 1))) ((= i 30) x) (set! x (* x 0.5))))", "f 1.0",
     [("scan", "do", {"trips": 30})]),
    ("(define (f x) (let ((v (vector x))) (do ((i 0 (+ i 1))) ((= i 30) v)"
     " (vector-set! v 0 (* x (vector-ref v 0))))))", "f 1.0", [("scan", "do", {"trips": 30})]),
    ("(define (f x) (do ((i 0 (+ i 1)) (y x (do ((j 0 (+ j 1)) (z y (* z x))) ((= j 7) z))))"
     " ((= i 5) y)))", "f 1.0", [("unrolled", "do", {"trips": 5}), ("scan", "do", {"trips": 7})]),
    ("(define (f x) (do ((i 0 (+ i 1)) (y x)) ((= i 30) y) (set! y (* y x))))", "f 1.0",
     [("scan", "do", {"trips": 30})]),
    ("(define (f x) (let ((y x)) (do ((i 0 (+ i 1))) ((= i 30) y) (set! y (sin y)))))", "f 1.0",
     [("scan", "do", {"trips": 30})]),
    ("(define (f x) (let loop ((y x)) (if (< y 9) (loop (* y 2)) y)))", "f 1.0",
     [("loop", "let", {})]),
    ("(define (f x) (let loop ((y x) (i 0)) (cond ((> y 9) y) ((> i 9) 0.0)"
     " (else (loop (* y 2) (+ i 1))))))", "f 1.0",
     [("loop", "let", {}), ("select", ">", {}), ("followed", ">", {"taken": False}),
      ("select", ">", {})]),
    ("(define (f x) (do ((i 0 (+ i 1)) (y x (+ y (tensor-sum (zeros i))))) ((= i 12) y)))",
     "f 1.0", [("unrolled", "do", {"trips": 12}), ("counter", "zeros", {"trips": 12})]),
    ("(define (f x n) (+ x (tensor-sum (zeros n))))", "f 1.0 4", [("static", "zeros", {})]),
    ("(define (f x n) (* x n))", "f 1.0 4", []),
    ("(define (f t) (fold + 0.0 t))", "f (ones 20)", [("scan", "fold", {"trips": 20})]),
    ("(define (f t) (map (lambda (x) (* x x)) t))", "f (ones 20)",
     [("vmap", "map", {"lanes": 20})]),
    ("(define (f t) (tensor-reduce t + 0.0))", "f (ones 20)", [("scan", "tensor-reduce", {})]),
    ("(define (f xs) ((vmap (lambda (x) (if (> x 0) (sin x) x))) xs))", "f (ones 7)",
     [("vmap", "vmap", {"lanes": 7}), ("select", "if", {})]),
    ("(define (f x) (gradient (lambda (y) (tensor-sum (* y y))) x))", "f (ones 3)",
     [("gradient", "gradient", {})]),
    ("(define (f x) (if (> x 9) x (+ (f (* 2 x)) (f (* 3 x)))))", "f 1.0",
     [("cond", "if", {}), ("stack", "if", {"name": "f", "depth": 10_000})]),
    ("(define (g x) (if (> x 0) (sin x) x)) (define h (jit g)) (define (f x) (h (* 2 x)))",
     "f 1.0", [("select", "if", {})]),
]  # fmt: skip


@pytest.mark.parametrize("way", ["f", "(jit f)"])
@pytest.mark.parametrize(("program", "call", "expected"), NOTES_OF)
def test_each_decision_is_told_at_its_form(session, way, program, call, expected):
    session.evaluate(f"{program} (define the {way})", "program.esk")
    found = told(explained(session, call.replace("f", "the", 1)))
    assert [(kind, form) for kind, form, _ in found if (kind, form) != ("vmap", "xs)")] == [
        (kind, form) for kind, form, _ in expected
    ]
    for (_, _, facts), (_, _, wanted) in zip(found, expected, strict=True):
        assert wanted.items() <= facts.items()
    assert NOTES.recorder is None and sys.getprofile() is None


def test_the_kinds_of_notes_are_met():
    met = {kind for _, _, notes in NOTES_OF for kind, _, _ in notes} - {"unused", "static"}
    assert met == set(KINDS)


def test_forms_tell_what_they_give(session):
    session.evaluate(
        "(define (f x n)\n  (let ((size (* 2 n)))\n"
        "    (+ (tensor-sum (zeros size)) (* x (+ 1 2)))))",
        "program.esk",
    )
    found = explained(session, "f (ones 3) 4")
    assert (found.form_at("(* 2 n)").state, found.form_at("(* 2 n)").value) == (
        "traced",
        "i64[] = 8",
    )
    assert found.form_at("(+ 1 2)").state == "static" and found.form_at("(+ 1 2)").value == "3"
    assert (found.form_at("(zeros").value, found.form_at("(* x").value) == ("f32[8]", "f32[3]")
    assert [(i.label, i.state, i.type) for i in found.inputs] == [
        ("argument x", "traced", "f32[3]"),
        ("argument n", "static", "4"),
    ]
    (form,) = found.inputs[1].because
    assert form.line == 3


def test_costs_are_those_of_the_equations(session):
    session.evaluate(
        "(define w (ones 16 32))\n(define (f x) (tensor-sum (matmul x w)))\n"
        "(define (g x) (do ((i 0 (+ i 1)) (y x (matmul y (ones 16 16)))) ((= i 20) y)))\n"
        "(define (h x) (let loop ((y x)) (if (< (tensor-sum y) 9) (loop (* 2 y)) y)))",
        "program.esk",
    )
    found = explained(session, "f (ones 8 16)")
    assert found.form_at("(matmul").flops == 2 * 8 * 16 * 32
    assert found.flops == 2 * 8 * 16 * 32 + 8 * 32 and not found.is_open
    assert found.form_at("(matmul").backward_flops == 0
    assert found.form_at("(matmul").bytes == 4 * (8 * 16 + 16 * 32 + 8 * 32)
    looped = explained(session, "g (ones 8 16)")
    assert looped.form_at("(matmul").flops == 20 * 2 * 8 * 16 * 16
    endless = explained(session, "h (ones 5)")
    assert endless.is_open and endless.form_at("(* 2 y)").flops == 5
    assert str(endless).startswith("h: at least ")
    session.evaluate(
        "(define (d w) (gradient (lambda (w) (tensor-sum (square (matmul (ones 8 16) w)))) w))"
    )
    pulled = explained(session, "d w").form_at("(matmul")
    assert pulled.flops == 2 * 2 * 8 * 16 * 32 and pulled.backward_flops == 2 * 8 * 16 * 32


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 FLOP"), (999, "999 FLOP"), (1e3, "1 kFLOP"), (2.5e9, "2.5 GFLOP"), (7e13, "70 TFLOP")],
)
def test_amounts(number, words):
    assert amount(number, "FLOP") == words


# ---- causes

PROGRAM = """
(define w (ones 3))
(define (g x) (* 2 x))
(define (f x n) (tensor-sum (+ (g x) (zeros n))))
(define j (jit f))
"""

CAUSES = [
    # what happens after (j w 3), the causes of a call's compilation
    ("", "j w 3", []),
    ("", "j (ones 1 3) 3", ["argument x: f32[3] before, f32[1,3] now"]),
    ("", "j (ones 3 #:dtype 'float16) 3", ["argument x: f32[3] before, f16[3] now"]),
    ("", "j 2.0 3", ["argument x: f32[3] before, a real now"]),
    ("", "j w 1", ["static n: 3 before, 1 now"]),
    ("(define (g x) (* 3 x))", "j w 3", ["definition of g changed"]),
    ("(define (g x) (* 2 x))", "j w 3", []),
    ("(define (g x) (* w x))", "j w 3", ["definition of g changed"]),
    ("(define (g x) (* 3 x))", "j (ones 1) 1",
     ["definition of g changed", "argument x: f32[3] before, f32[1] now"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "call", "causes"), CAUSES)
def test_what_a_compilation_is_caused_by_in_the_users_names(session, change, call, causes):
    session.evaluate(PROGRAM, "program.esk")
    assert explained(session, "j w 3").would_compile == ["first call"]
    session.evaluate("(j w 3)")
    session.evaluate(change)
    found = explained(session, call)
    assert (found.last_causes, found.would_compile) == (["first call"], causes)
    session.evaluate(f"({call})")
    found = explained(session, call)
    assert found.would_compile == []
    assert found.last_causes == (causes or ["first call"])
    shown = str(found)
    assert f"compiled last because: {'; '.join(causes) or 'first call'}" in shown


def test_top_level_and_captured_variables_have_their_names(session):
    session.evaluate(
        "(define w (ones 3)) (define (make b) (lambda (x) (tensor-sum (+ b (* w x)))))"
        "(define j (jit (make (ones 3)))) (j 1.0)"
    )
    session.evaluate("(define w (ones 1))")
    assert explained(session, "j 1.0").would_compile == ["top-level w: f32[3] before, f32[1] now"]
    labels = [each.label for each in explained(session, "j 1.0").inputs]
    assert labels == ["captured b", "top-level w", "argument x"]
    model = "(let ((w (ones {})) (b 1.0)) (lambda (x) (+ b (* w x))))"
    session.evaluate("(define (loss m x) (tensor-sum (m x))) (define j (jit loss))")
    session.evaluate(f"(define model {model.format(3)}) (j model 1.0)")
    session.evaluate(f"(define model {model.format(2)})")
    assert explained(session, "j model 1.0").would_compile == [
        "argument m.w: f32[3] before, f32[2] now"
    ]


# ---- what people see


def test_numbers_of_programs_inside_are_those_of_the_program_around(session):
    session.evaluate("""
        (define g (jit (lambda (x n) (* x (tensor-sum (ones n))))))
        (define h (jit (lambda (x m) (+ (g x 3) (g x m)))))""")
    shown = str(explained(session, "h 1.0 4"))
    assert "argument m   4                     static: (ones n) in line 2 needs it" in shown
    assert "needs the value of m, which is static" in shown


def test_the_text_is_the_source_with_notes_under_the_forms(session):
    session.evaluate(
        "(define (f x k)\n"
        "  (let loop ((i 0) (s x))\n"
        "    (if (= i 20)\n"
        "        (if (eq? k 'sum)\n"
        "            (tensor-sum s)\n"
        '            (error "no such kind"))\n'
        "        (loop (+ i 1) (* s x)))))",
        "model.esk",
    )
    lines = str(explained(session, "f (ones 4) 'sum")).splitlines()
    assert lines[0].startswith("f: 84 FLOP, ") and lines[0].endswith("(estimate)")
    assert "  argument x  f32[4]  traced" in lines
    start = next(i for i, line in enumerate(lines) if line.strip() == "model.esk")
    shown = [line[12:] for line in lines[start + 1 : start + 10]]
    assert shown == [
        "    1 │ (define (f x k)",
        "    2 │   (let loop ((i 0) (s x))",
        "      │   └ loop of 20 trips, compiled once (scan); carries s f32[4]",
        "    3 │     (if (= i 20)",
        "    4 │         (if (eq? k 'sum)",
        "      │         └ the condition is known: then",
        "    5 │             (tensor-sum s)",
        '    6 │             (error "no such kind"))',
        "    7 │         (loop (+ i 1) (* s x)))))",
    ]
    assert "×" in lines[start + 8] and "95%" in lines[start + 9]


class Tags(HTMLParser):
    """Checks that tags are closed in order; collects the texts and the titles."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.titles: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attributes):
        if tag != "br":
            self.open.append(tag)
        self.titles += [value for name, value in attributes if name == "title"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def test_a_notebook_shows_coloured_source(session):
    program = (
        "(define (f x n)\n  (let loop ((y x))\n    (if (< (tensor-sum y) 9)\n"
        '        (loop (* y\n   (+ 1 n)))\n        (if (> n 5) "a<b" y))))'
    )
    session.evaluate(program, "model.esk")
    page = Tags()
    found = explained(session, "f (ones 4) 3")
    page.feed(found._repr_html_())
    assert page.open == []
    for line in program.splitlines():
        assert line in page.text
    assert any("loop that ends by a traced test" in title for title in page.titles)
    assert any(title.startswith("traced: f32[4]") for title in page.titles)


def test_how_it_is_written(session, capsys):
    found = explained(session, "(lambda (x) (* 2 x)) 3.0")
    assert display_string(found) == str(found)
    assert short_string(found) == "#<explanation>"
    session.evaluate("(define e (explain (lambda (x) (if (> x 0) x 1.0)) 3.0))")
    assert display_string(session.evaluate("(explanation-notes e)")) == (
        "((select (if (> x 0) x 1.0) 1 traced condition: a choice between two values (select)))"
    )


def test_from_python():
    @ek.jit
    def scaled(x, n=3):
        """(* x (tensor-sum (ones n)))"""

    scaled(2.0)
    found = ek.explain(scaled, 2.0)
    assert found.last_causes == ["first call"]
    assert ek.explain("(lambda (x) (* x x))", np.ones(5, np.float32)).flops == 5
    assert ek.explain(lambda x: x * 2, 3.0).notes == []


def test_programs_go_on_as_if_nothing_had_been_explained(session):
    session.evaluate(PROGRAM)
    before = session.evaluate("(j w 3)")
    with pytest.raises(EshkolError):
        explained(session, "j (ones 2 2) 3")
    assert_at_rest()
    assert NOTES.recorder is None and sys.getprofile() is None
    assert session.evaluate("(j w 3)") == before


# ---- what was said in advance, and the store


def test_options_of_jit_are_reasons(session):
    session.evaluate(
        "(define (f x n) (* x (tensor-sum (zeros n))))"
        "(define j (jit f #:static '(n) #:donate '(x))) (j (ones 2) 3)"
    )
    found = explained(session, "j (ones 2) 4")
    assert found.would_compile == ["static n: 3 before, 4 now"]
    assert [(each.type, each.state, each.remark) for each in found.inputs] == [
        ("f32[2]", "traced", "#:donate"),
        ("4", "static", "#:static"),
    ]
    assert "  argument n  4       static: #:static says so" in str(found).splitlines()


STORED = """
import eshkol as ek
square = ek.jit("(lambda (x) (* x x))")
square(3.0)
found = ek.explain(square, 3.0)
print(found.is_loaded, found.last_causes, found.would_compile)
print(str(found).splitlines()[1])
"""


def test_a_program_from_the_store_was_not_compiled(tmp_path):
    shown = []
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", STORED],
            env={**os.environ, "ESHKOL_STORE": "on", "ESHKOL_STORE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        shown.append(result.stdout.splitlines())
    assert shown == [
        ["False ['first call'] []", "  compiled last because: first call"],
        ["True ['first call'] []", "  taken from the store last because: first call"],
    ]

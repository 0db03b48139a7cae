"""``eval``, ``load`` and environments (R7RS 6.12)."""

from __future__ import annotations

import pytest

from eshkol.base.errors import BadValue, ExpandError, FileProblem, UnboundVariable, WrongType
from eshkol.session import Session
from programs import shown, table, value


@table("""
(eval '(* 7 3) (environment '(scheme base))) ⇒ 21

(let ((f (eval '(lambda (f x) (f x x)) (null-environment 5)))) (f + 10)) ⇒ 20

(eval '(expt 2 10) (environment '(scheme base))) ⇒ 1024

(eval '(+ (expt 2 10) (sin 0.0)) (environment '(scheme base) '(scheme inexact))) ⇒ 1024.0

(eval '(exact->inexact 1/2) (scheme-report-environment 5)) ⇒ 0.5

(eval '(fold cons '() '(1 2)) (environment '(srfi 1))) ⇒ (2 1)

(eval '(b:car '(1)) (environment '(prefix (only (scheme base) car) b:))) ⇒ 1

(define x 5) (define (f) (eval '(* x 2))) (set! x 7) (f) ⇒ 14

(eval '(define y 6)) (+ y 1) ⇒ 7

(eval '(define y 6) (interaction-environment)) (eval 'y) ⇒ 6

(define e (environment '(scheme base))) (eval '(define z 9) e) (eval '(+ z 1) e) ⇒ 10

(eval '(define-syntax twice (syntax-rules () ((_ e) (list e e))))) (eval '(twice 1)) ⇒ (1 1)

(eval (list '+ 1 2)) ⇒ 3

(eval (list car ''(1 2))) ⇒ 1

(map eval '(1 (+ 1 2) 'a "s" #\\x #t)) ⇒ (1 3 a "s" #\\x #t)

(eval (list (quote quote) (list 1 "a")))
⇒ (1 "a")

(eval '(let loop ((n 5) (a 1)) (if (= n 0) a (loop (- n 1) (* a n))))) ⇒ 120

(eval `(let ((x ,(+ 1 2))) (* x x))) ⇒ 9
""")
def test_eval(program, expected):
    assert shown(program) == expected


def test_an_environment_keeps_its_definitions_to_itself():
    with pytest.raises(UnboundVariable):
        value("(eval '(define hidden 1) (environment '(scheme base))) hidden")


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        ("(eval '(car 5))", WrongType, "<eval>:1:1: car: expected a pair, got 5"),
        ("(eval '(if))", ExpandError, "<eval>:1:1: if: test is missing"),
        ("(eval 1 2)", WrongType, "eval: expected an environment, got 2"),
        ("(scheme-report-environment 6)", BadValue, "expected version 5 or 7, got 6"),
        ("(environment '(no such library))", ExpandError, "there is no library"),
        ('(load "no-such-file.esk")', FileProblem, "there is no such file"),
        ("(load 5)", WrongType, "load: expected a string, got 5"),
    ],
)
def test_errors(program, kind, message):
    with pytest.raises(kind, match=message):
        value(program)


def test_load(tmp_path):
    (tmp_path / "part.esk").write_text("(define (twice x) (* 2 x)) (define loaded 'yes)")
    main = tmp_path / "main.esk"
    main.write_text('(load "part.esk") (define result (twice 21))')
    session = Session()
    session.load(main)
    assert session.get("result") == 42
    session.define("path", str(tmp_path / "part.esk"))
    assert (
        session.evaluate(
            "(eval '(twice 1) (let ((e (environment '(scheme base)))) (load path e) e))"
        )
        == 2
    )


def test_sessions_evaluate_apart():
    first, second = Session(), Session()
    first.evaluate("(eval '(define x 1))")
    second.evaluate("(eval '(define x 2))")
    assert (first.get("x"), second.get("x")) == (1, 2)

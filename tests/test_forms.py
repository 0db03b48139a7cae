"""Threading, keyword parameters, types, regions, inclusion, libraries, strings, parallel calls."""

from __future__ import annotations

import pytest

from eshkol.base.errors import ArityError, EshkolError, ExpandError, ReadError
from eshkol.datum.write import write_string
from eshkol.session import Session
from programs import shown, table


@table(
    """
(-> 5 (- 1) (* 2) number->string) ⇒ "8"

(->> 5 (- 1) (* 2)) ⇒ -8

((rec (f n) (if (= n 0) 1 (* n (f (- n 1))))) 5) ⇒ 120

((named-lambda (foo x . r) (list x r)) 1 2) ⇒ (1 (2))

(define x 1) (define (g) x) (list (fluid-let ((x 5)) (g)) (g)) ⇒ (5 1)

(with-region 'a (define x 1) (+ x 2)) ⇒ 3

(with-region ('r 1024) 5) ⇒ 5

(: f (-> a b)) (define-type t (-> a b)) (the real 5) ⇒ 5

(define x : real 5) x ⇒ 5

(define (f (x : real) (y : (-> a b) 3)) : real (+ x y)) (list (f 2) (f 1 2)) ⇒ (5 3)

(define (f x (k 5)) (+ x k)) (list (f 1) (f 1 2)) ⇒ (6 3)

(define (g x #:k k) (+ x k)) (list (g 1 #:k 2) (g #:k 5 1)) ⇒ (3 6)

(define (f x #:scale (s 1.0)) (* x s)) (list (f 2) (f 2 #:scale 3)) ⇒ (2.0 6)

(define (f x (y 2) #:scale (s y) #:b (b (+ s 1)) . r) (list x y s b r))
(list (f 1) (f 1 5 6 7 #:b 3) (f 1 #:scale 9))
⇒ ((1 2 2 3 ()) (1 5 5 3 (6 7)) (1 2 9 10 ()))

(define (f #:k (k 5)) (set! k (+ k 1)) k) (list (f) (f #:k 1)) ⇒ (6 2)

(define (f x #:k (k 2.0)) (if (> x 0) (* k x) x)) (list ((jit f) 2.0 #:k 3.0) ((jit f) 2.0))
⇒ (6.0 4.0)

(list (cond-expand ((and r7rs (not nothing)) 1) (else 2)) (cond-expand (nothing 1) (else 2)))
⇒ (1 2)

(cond-expand ((library (scheme base)) (define x 1)) (else (define x 2))) x ⇒ 1

(cond-expand ((library (not there)) 1) ((or nothing eshkol) 3)) ⇒ 3

(pair? (memq 'r7rs (features))) ⇒ #t

(list (owned 1) (move '(2)) (borrow "s") (shared 'a) (weak-ref 2.5)) ⇒ (1 (2) "s" a 2.5)

(parallel-map + '(1 2 3) '(10 20 30)) ⇒ (11 22 33)

(list (parallel-filter odd? '(1 2 3)) (parallel-fold (lambda (a x) (cons x a)) '() '(1 2)))
⇒ ((1 3) (2 1))

(parallel-execute (lambda () 1) (lambda () 2)) ⇒ (1 2)

(let ((f (future (* 6 7)))) (list (force f) (force (future (lambda () 1))) (future-ready? f)))
⇒ (42 1 #t)

(define p (make-parameter 1)) (parameterize ((p 5)) (parallel-map (lambda (x) (+ x (p))) '(1 2)))
⇒ (6 7)

(define (f x) (apply + (parallel-map (lambda (y) (* x y)) '(1.0 2.0)))) ((jit f) 3.0) ⇒ 9.0

(require stdlib math core.list.sort "math") (sort '(2 1) <) ⇒ (1 2)
"""
)
def test_values(program, expected):
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        ("(define (g x #:k k) x) (g 1)", ArityError, "g needs the argument #:k"),
        ("(define (g x #:k k) x) (g 1 2)", ArityError, "g takes 1 argument, got 2"),
        ("(define (g x #:k k) x) (g 1 #:z 2)", ArityError, "no keyword argument #:z"),
        ("(list #:k 1 #:k 2)", ExpandError, "#:k is given twice"),
        ("(define (f #:k a #:k b) a)", ExpandError, "two parameters have the keyword #:k"),
        ("(define (f x #:k) a)", ExpandError, "expected a parameter after #:k"),
        ("(lambda ((x 1 2)) x)", ExpandError, "expected a parameter"),
        ("(-> 5 3)", ExpandError, "expected a step"),
        ("(cond-expand 5)", ExpandError, "expected a clause"),
        ("(cond-expand ((not) 1))", ExpandError, "expected a requirement"),
        ('(include "no such file")', ExpandError, "there is no such file"),
        ("(include 5)", ExpandError, "expected the name of a file"),
        ("(parallel-map car '(1 2))", EshkolError, "expected a pair, got 1"),
        ("(require nothing.there)", ExpandError, "there is no library"),
    ],
)
def test_errors(program, kind, message):
    with pytest.raises(kind, match=message):
        shown(program)


def test_files_are_included(tmp_path):
    (tmp_path / "a.esk").write_text(
        '(include "b.esk")\n'
        "(define-library (foo) (export f (rename g gg)) (import (scheme base))\n"
        '  (cond-expand (r7rs (include "c.esk")) (else (begin)))\n'
        '  (include-library-declarations "d.esk"))\n'
        "(import (foo))\n"
        '(define (local) (include "b.esk") x)\n'
        '(include-ci "e.esk")\n'
        "(list x (f 1) (gg 2) h (local) y)"
    )
    (tmp_path / "b.esk").write_text("(define x 41)")
    (tmp_path / "c.esk").write_text("(define (f x) (+ x 1)) (define (g x) (* x 2))")
    (tmp_path / "d.esk").write_text("(export h) (begin (define h 7))")
    (tmp_path / "e.esk").write_text("(DEFINE Y 3)")
    assert write_string(Session().load(tmp_path / "a.esk")) == "(41 2 4 7 41 3)"


def test_a_program_is_compiled_again_when_an_included_file_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    (tmp_path / "a.esk").write_text('(include "b.esk") x')
    (tmp_path / "b.esk").write_text("(define x 1)")
    assert [Session().load(tmp_path / "a.esk") for _ in range(2)] == [1, 1]
    (tmp_path / "b.esk").write_text("(define x 2)")
    assert Session().load(tmp_path / "a.esk") == 2


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(define x 5) "x=~{x} and ~{(+ x 1)}"', "x=5 and 6"),
        (r'"a~~{b} ~{(string-append \"p\" \"q r\")}!"', "a~{b} pq r!"),
        ('(define-syntax m (syntax-rules () ((_ v) "v is ~{v}"))) (m (+ 1 2))', "v is 3"),
        ('(let ((s "hi")) "~{s}~{s}")', "hihi"),
        ('(car \'("a~{x}" b))', "a~{x}"),
        ('"plain ~a"', "plain ~a"),
    ],
)
def test_expressions_in_strings(program, expected):
    assert Session(interpolate=True).evaluate(program) == expected
    assert Session().evaluate("#!interpolate\n" + program) == expected


def test_strings_are_plain_unless_asked_for():
    assert Session().evaluate('"~{x}"') == "~{x}"


@pytest.mark.parametrize("text", ['"~{}"', '"~{x"', '"~{(f"', '"~{x y}"', r'"\~{x}"'])
def test_malformed_expressions_in_strings(text):
    with pytest.raises(ReadError):
        Session(interpolate=True).evaluate(text)


def test_an_error_in_a_string_points_at_the_expression():
    with pytest.raises(EshkolError) as caught:
        Session(interpolate=True).evaluate('"text\n ~{(car 5)}"')
    assert (caught.value.span.line, caught.value.span.column) == (2, 3)

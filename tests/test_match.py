"""``match`` and its relatives: what fits, what is named, how a clause is left, what is compiled."""

from __future__ import annotations

import pytest

from eshkol.base.errors import BadValue, ExpandError
from eshkol.core.nodes import Lambda
from eshkol.core.walk import everything
from programs import core, shown, table

RECORD = "(define-record-type point (make-point x y) point? (x px) (y py))"


@table(
    """
(match '(1 (2 3)) ((list a (list b c)) (list a b c))) ⇒ (1 2 3)

(match 5 ((? number? n) (* n 2)) (_ 0)) ⇒ 10

(match 'x ((or 'x 'y) 'hit) (_ 'miss)) ⇒ hit

(match '(1 2 . 3) ((a b . c) (list a b c))) ⇒ (1 2 3)

(match '(1 . 2) ((cons a b) (+ a b))) ⇒ 3

(match (vector 1 2) (#(a b) (+ a b))) ⇒ 3

(match (vector 1 2) ((vector a 2) a)) ⇒ 1

(match (vector 1 2 3) (#(a ...) a)) ⇒ (1 2 3)

(match '(1 2 3 4 5) ((a b ... c) (list a b c))) ⇒ (1 (2 3 4) 5)

(match '() ((a ...) a)) ⇒ ()

(match '((a 1) (b 2)) (((k v) ...) (list k v))) ⇒ ((a b) (1 2))

(match '((a 1 2) (b 3)) (((k v ...) ...) (list k v))) ⇒ ((a b) ((1 2) (3)))

(match '(1 x) (((? number?) ...) 'numbers) (_ 'mixed)) ⇒ mixed

(match 5 (x #:when (> x 10) 'big) (x #:when (> x 3) 'mid) (else 'small)) ⇒ mid

(match 5 (x (=> fail) (if (> x 3) (fail) 'small)) (y (list 'next y))) ⇒ (next 5)

(match '(add 1 (mul 2 3)) (`(add ,a (mul ,b ,c)) (+ a (* b c)))) ⇒ 7

(match '(f 1 2 3) (`(f ,x ,@r) (list x r))) ⇒ (1 (2 3))

(match '(f 1 . 2) (`(f ,x . ,r) (list x r))) ⇒ (1 2)

(match '(b 5 6) ((or (list 'a x) (list 'b x _)) x)) ⇒ 5

(match 3 ((not 3) 'no) ((and n (? odd?)) n)) ⇒ 3

(match "abc" ("abc" 1)) ⇒ 1

(match '() (() 'nil)) ⇒ nil

(match 2.0 (2 'exact) (2.0 'inexact)) ⇒ inexact

(match 1 (x (define y (+ x 1)) (* y 10))) ⇒ 20

(define-record-type point (make-point x y) point? (x px) (y py))
(list (match (make-point 1 2) ((point a b) (list a b)))
      (match (make-point 1 2) (($ point a 2) a)) (match 5 ((point a b) 1) (_ 'no)))
⇒ ((1 2) 1 no)

(let-match (((list a b) '(1 2)) (c 3)) (list a b c)) ⇒ (1 2 3)

(match-let* (((list a b) '(1 2)) ((list c) (list a))) (list a b c)) ⇒ (1 2 1)

((match-lambda ((list a b) a) (x x)) '(1 2)) ⇒ 1

((match-lambda* ((a b) (- a b))) 5 3) ⇒ 2

(let ((list 3)) (match '(1 2) ((cons a b) (define z a) z))) ⇒ 1

(define car 5) (match '(1 2) ((list a b) b)) ⇒ 2
"""
)
def test_values(program, expected):
    assert shown(program) == expected


@table(
    """
(define (f l) (match l ((list a b) (* a b)) ((list a) (* 2 a))))
(list ((jit f) (list 2.0 3.0)) ((jit f) (list 2.0)) (gradient f (list 2.0 3.0)))
⇒ (6.0 4.0 (3.0 2.0))

(define (f x) (match x (0.0 1.0) ((? negative?) -1.0) (y #:when (> y 10.0) 10.0) (_ x)))
(map (jit f) '(0.0 -2.0 11.0 5.0))
⇒ (1.0 -1.0 10.0 5.0)

(define (f l) (match l ((list (? positive? a) ...) (apply + a)) (_ 0.0)))
(list ((jit f) (list 1.0 2.0)) ((jit f) (list 1.0 -2.0)))
⇒ (3.0 0.0)
"""
)
def test_patterns_on_traced_leaves(program, expected):
    assert shown(program) == expected


def test_no_procedure_is_made_for_a_pattern():
    (node,) = core("(match x ((list a (vector b _)) (+ a b)) ((cons a 5) a) (_ 0))")
    assert not any(isinstance(part, Lambda) for part in everything(node))


def test_a_value_that_fits_no_clause_is_shown_with_the_clauses():
    with pytest.raises(BadValue, match="no clause fits 7") as caught:
        shown("(match 7\n  (1 'a)\n  ((list b) 'b))")
    assert ":2:3" in caught.value.hint and ":3:3" in caught.value.hint


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(match '(1 1) ((list x x) x))", "names x twice"),
        ("(match 1 ((list a b)))", "expected a clause"),
        ("(match 1 (x #:foo 2 3))", "expected #:when, got #:foo"),
        ("(match 1 ((or a (list b)) 2))", "must name the same things"),
        ("(match 1 ((not x) 2))", "can't name x"),
        ("(match 1 ((a ... b ... c) 2))", "one `...` at most"),
        ("(match 1 (... 2))", "stands only behind a pattern"),
        ("(match 1 (else 2) (x 3))", "else must be the last clause"),
        ("(match 1 ((?) 2))", "use \\(\\? predicate"),
        ("(match 1)", "clause is missing"),
    ],
)
def test_malformed_clauses(program, message):
    with pytest.raises(ExpandError, match=message):
        shown(program)


def test_a_record_pattern_with_another_number_of_fields():
    with pytest.raises(BadValue, match="has 1 fields") as caught:
        shown(RECORD, "(match (make-point 1 2) (($ point a) a))")
    assert "x y" in caught.value.hint

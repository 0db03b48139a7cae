"""Macros that are procedures, what runs early, and what shows expansions."""

from __future__ import annotations

import pytest

from eshkol.base.errors import EshkolError, ExpandError
from eshkol.expand.stepper import expand_in_steps
from eshkol.reader import read_all
from eshkol.session import Session
from programs import shown, table


@table(
    """
(defmacro swap! (a b) (let ((t (gensym))) `(let ((,t ,a)) (set! ,a ,b) (set! ,b ,t))))
(define x 1) (define y 2) (swap! x y) (list x y)
⇒ (2 1)

(defmacro define-layer (name inputs)
  `(begin (define ,(symbol-append name '-in) ,inputs) (define ,(symbol-append name '-out) 0)))
(define-layer fc 3) (list fc-in fc-out)
⇒ (3 0)

(define (twice x) (list x x))
(define (helper l) (apply append (map twice l)))
(defmacro m args `(list ,@(helper args)))
(m 1 2)
⇒ (1 1 2 2)

(define-for-syntax (h x) (* x 2)) (defmacro (dbl n) (h n)) (list (dbl 4) (h 5)) ⇒ (8 10)

(begin-for-syntax (define (h x) (* x 3))) (defmacro (dbl n) (h n)) (dbl 4) ⇒ 12

(begin (begin-for-syntax (define (h x) (* x 3))) (defmacro (dbl n) (h n)) (define y (dbl 4))) y ⇒ 12

(begin (begin (define (g x) (* 3 x))) (defmacro m (x) (g x)) (list (m 2) (g 2))) ⇒ (6 6)

(define-syntax both (syntax-rules () ((_ m)
  (begin (define (h x) (list '+ x 1)) (defmacro m (x) (h x)) (define (k) (h 0)) (m 1)))))
(both inc)
⇒ 2

(define (f x) (defmacro k (n) `(+ ,n 1)) (k x)) (f 3) ⇒ 4

(defmacro m (#:k k) `(list ,k)) (m #:k 5) ⇒ (5)

(defmacro my-if (c (t 1) . r) `(if ,c ,t ,@r)) (list (my-if #t) (my-if #f 1 2)) ⇒ (1 2)

(define-syntax my-or (er-macro-transformer (lambda (form rename compare)
  (list (rename 'let) (list (list (rename 't) (cadr form)))
        (list (rename 'if) (rename 't) (rename 't) (caddr form))))))
(let ((t 5) (if list)) (my-or #f t))
⇒ 5

(define-syntax which (er-macro-transformer (lambda (f r c) (if (c (cadr f) (r 'else)) 1 2))))
(list (which else) (which foo) (let ((else 1)) (which else)))
⇒ (1 2 2)

(macroexpand '(-> x (f 1) g)) ⇒ (g (f x 1))

(define-syntax my-or (syntax-rules () ((_ a) a) ((_ a b ...) (let ((t a)) (if t t (my-or b ...))))))
(list (macroexpand-1 '(my-or 1)) (macroexpand '(my-or 1 2)) (macroexpand '(f my-or)))
⇒ (1 (let ((t 1)) (if t t (my-or 2))) (f my-or))

(define (f x) (match x 2)) (define (match a b) (+ a b)) (f 5) ⇒ 7
"""
)
def test_values(program, expected):
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(defmacro m (a b) a) (m 1)", "does not fit the macro's parameters"),
        ("(defmacro m (a) (car a)) (m 1)", "expected a pair, got 1"),
        ("(let ((z 1)) (defmacro m (a) z) (m 1))", "can't use the local variable z"),
        ("(defmacro m)", "formals is missing"),
        ("(defmacro m (a) (let ((l (list a))) (set-cdr! l l) l)) (m 1)", "contains itself"),
        ("(defmacro m (a) `(m ,a)) (m 1)", "never stops expanding"),
        ("(define-syntax m (er-macro-transformer car))", "takes 3 arguments"),
        ("(define-syntax m (er-macro-transformer 5))", "expected a procedure as transformer"),
        ('(syntax-error "no good:" (1 2))', r"no good: \(1 2\)"),
        ("(let () (begin-for-syntax 1) 2)", "stands only at top level"),
    ],
)
def test_errors(program, message):
    with pytest.raises(EshkolError, match=message):
        shown(program)


def test_an_error_in_a_macro_tells_of_its_use():
    with pytest.raises(EshkolError) as caught:
        shown('(defmacro m (a) (error "bad use" a))\n(define (f) (m 1))')
    assert caught.value.trail[-1][0] == "m"
    assert caught.value.trail[-1][1].line == 2


def test_steps():
    text = "(define-syntax two (syntax-rules () ((_ a) (list a a)))) (define (f x) (two (-> x g)))"
    steps, nodes, error = expand_in_steps(Session().expander, read_all(text))
    assert [step.macro for step in steps] == ["two", "->", "->"]
    assert error is None and len(nodes) == 1
    assert str(steps[1]) == "->: (-> x g)\n  → (g x)"


def test_steps_up_to_an_error():
    steps, _, error = expand_in_steps(Session().expander, read_all("(-> x g) (if)"))
    assert len(steps) == 1 and isinstance(error, ExpandError)

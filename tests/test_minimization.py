"""Minimizers reach the minima that are known, the same ones on the host and in compiled loops."""

from __future__ import annotations

import numpy as np
import pytest

from eshkol.datum.write import write_string
from eshkol.session import Session
from rows import one_in

FUNCTIONS = {
    "bowl": ("(+ (square (- x 3)) (* 2 (square (+ y 1))))", "0.0 0.0", [3, -1]),
    "tilted bowl": ("(+ (* x x) (* x y) (* y y) (* -3 x))", "1.0 1.0", [2, -1]),
    "Rosenbrock": ("(+ (square (- 1 x)) (* 100 (square (- y (* x x)))))", "-1.2 1.0", [1, 1]),
    "Booth": (
        "(+ (square (+ x (* 2 y) -7)) (square (+ (* 2 x) y -5)))",
        "0.0 0.0",
        [1, 3],
    ),
    "logarithmic": ("(- (+ x y) (log x) (* 2 (log y)))", "0.5 0.5", [1, 2]),
}
METHODS = {
    "l-bfgs": "",
    "conjugate-gradient": "5000",
    "gradient-descent": "0.05 5000",
    "adam": "0.03",
}
POINTS = {
    "vector": "({method} (lambda (x y) {body}) (vector {start}) {settings})",
    "list": "({method} (lambda (x y) {body}) (list {start}) {settings})",
    "tensor": "({method} {whole} (tensor '({start}) #:dtype 'float64) {settings})",
    "jitted": "((jit (lambda (p) ({method} {whole} p {settings}))) "
    "(tensor '({start}) #:dtype 'float64))",
}
EASY = ("bowl", "tilted bowl", "Booth")
CASES = [
    (method, name, point)
    for method in METHODS
    for name in FUNCTIONS
    for point in POINTS
    if method in ("l-bfgs", "conjugate-gradient") or name in EASY
    # Compiling takes longer than all the rest.
    if point in ("vector", "list") or method != "l-bfgs" or name not in EASY
]


@pytest.mark.parametrize("method, name, point", one_in(2, CASES))
def test_the_minimum_is_reached(method, name, point):
    body, start, minimum = FUNCTIONS[name]
    whole = f"(lambda (v) (let ((x (vref v 0)) (y (vref v 1))) {body}))"
    program = POINTS[point].format(
        method=method, body=body, start=start, whole=whole, settings=METHODS[method]
    )
    result = Session().evaluate(program)
    found = [float(part) for part in result]
    slack = 2e-2 if method == "adam" else 1e-6
    assert np.allclose(found, minimum, rtol=slack, atol=slack), found


SHOWN = """
(gradient-descent (lambda (v) (let ((d (- (vref v 0) 3.0))) (* d d))) (vector 0.0) 0.1 100) ⇒ #(2.9999999954468697)
(gradient-descent (lambda (x) (* x x)) 1.0 0.25 2) ⇒ 0.25
(gradient-descent (lambda (x) (* x x)) 1.0 0.25 0) ⇒ 1.0
(gradient-descent (lambda (x) (* x x)) 1.0 0.25 1000 10) ⇒ 1.0
(gradient-descent (lambda (x) (* x x)) 1 1/4 2 1/10) ⇒ 1/4
(gradient-descent (lambda (x) (square (- x 3))) 0 1/2) ⇒ 3
(line-search (lambda (v) (square (vref v 0))) #(1.0) #(-4.0) #(2.0)) ⇒ 0.25
(line-search square 1.0 -4.0 2.0 1.0 1e-4 0.1) ⇒ 0.1
(line-search square 1.0 -1.0 2.0) ⇒ 1.0
(line-search (lambda (v) (tensor-sum (square v))) (ones 2) #(-4 -4) #(2 2)) ⇒ 0.25
(l-bfgs (lambda (x) (cosh (- x 1))) 0.0) ⇒ 1.0
(l-bfgs (lambda (v) (tensor-sum (square (- v 3)))) (zeros 2)) ⇒ #(3.0 3.0)
((jit (lambda (v) (conjugate-gradient (lambda (v) (tensor-sum (square (- v 3)))) v))) (zeros 2)) ⇒ #(3.0 3.0)
((jit (lambda (x) (gradient-descent (lambda (v) (if (> v 3) (- v 3) (square (- v 3)))) x 0.25 2))) 0.0) ⇒ 2.25
(optimizer-init (adam 0.1) (zeros 2)) ⇒ (optimizer-init (adam 0.1 0.9 0.999 1e-8) (zeros 2))
(optimizer-init (adam (lambda (n) 0.1) #:beta1 0.9) (zeros 2)) ⇒ (optimizer-init (adam 0.1 0.9 0.999 1e-8) (zeros 2))
(let ((p (gradient-descent (lambda (p) (+ (square (car p)) (tensor-sum (square (cadr p))))) (list 8.0 (ones 2)) 0.25 3))) (list (car p) (cadr p))) ⇒ (1.0 #(0.125 0.125))
"""  # noqa: E501
ROWS = [line.rpartition(" ⇒ ")[::2] for line in SHOWN.strip().splitlines()]


@pytest.mark.parametrize("program, expected", ROWS, ids=[program for program, _ in ROWS])
def test_what_they_give(program, expected):
    found = write_string(Session().evaluate(program))
    if expected.startswith("(optimizer-init"):
        expected = write_string(Session().evaluate(expected))
    assert found == expected


def test_a_minimum_is_differentiable():
    program = (
        "(derivative (lambda (a) (gradient-descent (lambda (x) (square (- x a))) 0.0 0.25)) 5.0)"
    )
    assert Session().evaluate(program) == pytest.approx(1, abs=1e-7)


def test_what_a_minimizer_reaches_has_gradients_of_all_sizes():
    program = """
      (define (reached t)
        (gradient-descent (lambda (x) (tensor-sum (square (- x t)))) (zeros 100) 0.25 40))
      ((jit (lambda (t) (gradient (lambda (t) (tensor-sum (reached t))) t))) (ones 100))"""
    assert np.allclose(Session().evaluate(program), 1.0, atol=1e-4)

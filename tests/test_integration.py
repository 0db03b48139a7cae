"""Integrals: their values against mpmath, their derivatives, on the host and compiled."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import eshkol as ek
from eshkol.session import Session

INTEGRALS = {
    "polynomial": ("(* 3 x x)", "0", "2", lambda x: 3 * x * x),
    "whole periods": ("(sin x)", "0", "(* 2 pi)", mpmath.sin),
    "a root at the end": ("(/ 1.0 (sqrt x))", "0", "1", lambda x: 1 / mpmath.sqrt(x)),
    "a logarithm": ("(log x)", "0", "1", mpmath.log),
    "oscillation": ("(* x (cos (* 50 x)))", "0", "3", lambda x: x * mpmath.cos(50 * x)),
    "a narrow peak": ("(/ 1e-3 (+ 1e-6 (* x x)))", "-1", "1", lambda x: 1e-3 / (1e-6 + x * x)),
    "downwards": ("(exp x)", "1", "-1", mpmath.exp),
    "the bell": ("(exp (- (* x x)))", "-inf.0", "+inf.0", lambda x: mpmath.exp(-x * x)),
    "a tail": ("(/ 1 (* x x x))", "2", "+inf.0", lambda x: x**-3),
    "a heavy tail": (
        "(/ 1 (+ x (expt x 3/2)))",
        "1",
        "+inf.0",
        lambda x: 1 / (x + x * mpmath.sqrt(x)),
    ),
    "from afar": ("(exp x)", "-inf.0", "0.5", mpmath.exp),
}


@pytest.mark.parametrize("name", INTEGRALS)
def test_values(name):
    body, low, high, function = INTEGRALS[name]
    found = Session().evaluate(f"(integrate (lambda (x) {body}) {low} {high})")
    ends = [{"-inf.0": -mpmath.inf, "+inf.0": mpmath.inf}.get(end) for end in (low, high)]
    exact = [2 * mpmath.pi if "pi" in end else end for end in (low, high)]
    points = [a if a is not None else mpmath.mpf(b) for a, b in zip(ends, exact, strict=True)]
    if name in ("oscillation", "a narrow peak"):
        points = list(mpmath.linspace(*points, 41))
    expected = float(mpmath.quad(function, points))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("dtype", "factor"),
    [("float64", 1e-200), ("float64", 1e200), ("float32", 1e-30), ("float32", 1e30)],
)
def test_numbers_whose_squares_are_none(dtype, factor):
    found = Session().evaluate(
        "((jit (lambda (c) (integrate"
        "   (lambda (x) (let ((y (* c (abs (- x 0.3))))) (vector y y))) 0 1)))"
        f" (tensor-cast {factor} '{dtype}))"
    )
    assert np.asarray(found) / factor == pytest.approx(0.29, rel=1e-5)


# A program of the numbers k and b, and its value in closed form.
PARAMETERS = {
    "captured": (
        "(integrate (lambda (x) (exp (* k x))) 0 b)",
        lambda k, b: mpmath.expm1(k * b) / k,
    ),
    "powers": ("(integrate (lambda (x) (expt x k)) 0 b)", lambda k, b: b ** (k + 1) / (k + 1)),
    "the start": (
        "(integrate (lambda (x) (/ k (* x x))) b 5)",
        lambda k, b: k * (1 / b - mpmath.mpf(1) / 5),
    ),
    "to infinity": (
        "(integrate (lambda (x) (exp (- (* k x)))) b +inf.0)",
        lambda k, b: mpmath.exp(-k * b) / k,
    ),
    "a heavy tail": (
        "(integrate (lambda (x) (expt x (- k 2.5))) b +inf.0)",
        lambda k, b: b ** (k - 1.5) / (1.5 - k),
    ),
    "from infinity": (
        "(integrate (lambda (x) (exp (* k x))) -inf.0 b)",
        lambda k, b: mpmath.exp(k * b) / k,
    ),
    "a jump inside": (
        "(integrate (lambda (x) (if (> x 1/2) (* k x) 0.0)) 0 b)",
        lambda k, b: k * (b * b - mpmath.mpf(1) / 4) / 2,
    ),
}
K, B = 0.75, 2.0


def _derivatives(function):
    gradient = [float(mpmath.diff(function, (K, B), order)) for order in ((1, 0), (0, 1))]
    rows = [[(2, 0), (1, 1)], [(1, 1), (0, 2)]]
    hessian = [[float(mpmath.diff(function, (K, B), order)) for order in row] for row in rows]
    return gradient, hessian


def check(name, call):
    """The value, the gradient and the Hessian of a row, as ``call`` computes them."""
    program, function = PARAMETERS[name]
    session = Session()
    session.evaluate(f"(define (f k b) {program})")
    gradient, hessian = _derivatives(function)
    value, slopes, rows = session.evaluate(call)
    assert float(value) == pytest.approx(float(function(K, B)), rel=1e-9)
    assert [float(x) for x in slopes] == pytest.approx(gradient, rel=1e-8)
    found = [[float(x) for x in row] for row in rows]
    assert np.allclose(found, hessian, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", PARAMETERS)
def test_derivatives_on_numbers(name):
    check(name, f"(list (f {K} {B}) (gradient f {K} {B}) (hessian f {K} {B}))")


FAST = ("captured",)


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=[] if x in FAST else pytest.mark.slow) for x in PARAMETERS]
)
def test_derivatives_compiled(name):
    check(name, f"((jit (lambda (k b) (list (f k b) (gradient f k b) (hessian f k b)))) {K} {B})")


def test_derivatives_are_integrated_to_their_own_precision():
    # The integrand is 1 there, its derivative a logarithm.
    session = Session()
    session.evaluate("(define (f k) (integrate (lambda (x) (expt x k)) 0 1))")
    assert session.evaluate("(derivative f 0.0)") == pytest.approx(-1, rel=1e-10)
    assert session.evaluate("(derivative-n f 0.0 3)") == pytest.approx(-6, rel=1e-10)
    for operator in ("derivative", "gradient"):
        found = session.evaluate(f"((jit (lambda (k) ({operator} f k))) 0.0)")
        assert float(found) == pytest.approx(-1, rel=1e-10)


def test_tensors_and_structures():
    session = Session()
    assert session.evaluate("(integrate (lambda (x) (list x (vector 1 (* x x)))) 0 3)") == (
        session.evaluate("(list 4.5 #(3.0 9.0))")
    )
    session.evaluate("(define (f w) (integrate (lambda (x) (exp (* x w))) 0 1))")
    session.evaluate("(define w (tensor 1.0 2.0 #:dtype 'float64))")
    w = np.array([1.0, 2.0])
    value, matrix = session.evaluate("(list (f w) (jacobian f w))")
    assert np.allclose(value, np.expm1(w) / w, rtol=1e-12)
    slopes = (np.exp(w) * (w - 1) + 1) / w**2
    assert np.allclose(matrix, np.diag(slopes), rtol=1e-12)


def test_lanes():
    session = Session()
    session.evaluate("(define (f k b) (integrate (lambda (x) (exp (* k x))) 0 b))")
    session.evaluate("(define t (tensor 0.5 1.0 2.0 #:dtype 'float64))")
    t = np.array([0.5, 1.0, 2.0])
    found = session.evaluate(
        "((jit (lambda (t) (list ((vmap (lambda (k) (f k 1.0))) t)"
        " ((vmap (lambda (b) (f 1.0 b))) t)"
        " ((vmap (lambda (b) (gradient (lambda (k) (f k b)) 1.0))) t)))) t)"
    )
    of_k, of_b, slopes = (np.asarray(part) for part in found)
    assert np.allclose(of_k, np.expm1(t) / t, rtol=1e-12)
    assert np.allclose(of_b, np.expm1(t), rtol=1e-12)
    assert np.allclose(slopes, (t - 1) * np.exp(t) + 1, rtol=1e-12)


def test_integrals_of_integrals():
    session = Session()
    session.evaluate(
        "(define (f k) (integrate (lambda (x) (integrate (lambda (y) (* k x y)) 0 x)) 0 k))"
    )
    found = session.evaluate("(list (f 1.0) (gradient f 1.0))")
    assert list(found) == pytest.approx([1 / 8, 5 / 8], rel=1e-12)


@pytest.mark.slow
def test_integrals_of_integrals_compiled():
    session = Session()
    session.evaluate(
        "(define (f k) (integrate (lambda (x) (integrate (lambda (y) (* k x y)) 0 x)) 0 k))"
    )
    found = session.evaluate("((jit (lambda (k) (list (f k) (gradient f k)))) 1.0)")
    assert [float(x) for x in found] == pytest.approx([1 / 8, 5 / 8], rel=1e-12)


def test_from_python():
    assert ek.integrate(math.sin, 0, math.pi) == pytest.approx(2, rel=1e-14)
    assert ek.integrate("(lambda (x) (exp (- x)))", 0, math.inf) == pytest.approx(1, rel=1e-14)


def test_lanes_that_take_another_branch_cut_nothing():
    value, slope = Session().evaluate(
        "(define (f k a) (if (> a 0) (integrate (lambda (x) (* k (log (* a x)))) 0 1) 0.0))"
        "(define (lanes k t) ((vmap (lambda (a) (f k a))) t))"
        "((jit (lambda (t) (list (lanes 1.0 t)"
        "  (gradient (lambda (k) (tensor-sum (lanes k t))) 1.0))))"
        " (tensor 4.0 -4.0 #:dtype 'float64))"
    )
    assert np.allclose(value, [math.log(4) - 1, 0], rtol=1e-9)
    assert float(slope) == pytest.approx(math.log(4) - 1, rel=1e-9)

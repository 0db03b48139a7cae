"""Initial value problems: values and derivatives against closed forms and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.integrate

import eshkol as ek
from eshkol.primitives.runge_kutta import CHECKS, NODES, STAGES, WEIGHTS, course
from eshkol.session import Session

# A program of the parameter k that gives one number, its value and both derivatives.
PROBLEMS = {
    "growth": (
        "(vref (odeint (lambda (y t) (* k y)) 1.0 '(0 1)) 1)",
        math.exp,
        math.exp,
        math.exp,
    ),
    "the start": (
        "(vref (odeint (lambda (y) (* y (- 1 y))) k '(0 2)) 1)",
        lambda k: k * math.e**2 / (1 + k * (math.e**2 - 1)),
        lambda k: math.e**2 / (1 + k * (math.e**2 - 1)) ** 2,
        lambda k: -2 * math.e**2 * (math.e**2 - 1) / (1 + k * (math.e**2 - 1)) ** 3,
    ),
    "the last time": (
        "(vref (odeint (lambda (y t) (* t y)) 1.0 (list 0 k)) 1)",
        lambda k: math.exp(k * k / 2),
        lambda k: k * math.exp(k * k / 2),
        lambda k: (1 + k * k) * math.exp(k * k / 2),
    ),
    "the first time": (
        "(vref (odeint (lambda (y t) (* t y)) 1.0 (list k 1)) 1)",
        lambda k: math.exp((1 - k * k) / 2),
        lambda k: -k * math.exp((1 - k * k) / 2),
        lambda k: (k * k - 1) * math.exp((1 - k * k) / 2),
    ),
    "backwards": (
        "(vref (odeint (lambda (y t) (* k y)) 1.0 '(0 -1)) 1)",
        lambda k: math.exp(-k),
        lambda k: -math.exp(-k),
        lambda k: math.exp(-k),
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_values_and_derivatives(name):
    program, value, first, second = PROBLEMS[name]
    session = Session()
    session.evaluate(f"(define (f k) {program})")
    expected = [value(0.7), first(0.7), first(0.7), second(0.7)]
    found = session.evaluate("(list (f 0.7) (gradient f 0.7) (derivative f 0.7) (hessian f 0.7))")
    assert list(found) == pytest.approx(expected, rel=3e-6)


FAST = ("the last time",)


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=[] if x in FAST else pytest.mark.slow) for x in PROBLEMS]
)
def test_gradients_compiled(name):
    program, value, first, _ = PROBLEMS[name]
    session = Session()
    session.evaluate(f"(define (f k) {program})")
    found = session.evaluate("((jit (lambda (k) (list (f k) (gradient f k)))) 0.7)")
    assert [float(x) for x in found] == pytest.approx([value(0.7), first(0.7)], rel=3e-6)


@pytest.mark.slow
def test_second_derivatives_compiled():
    session = Session()
    session.evaluate("(define (f k y) (vref (odeint (lambda (y t) (* k t y)) y (quote (0 1))) 1))")
    rows = session.evaluate("((jit (lambda (k y) (hessian f k y))) 0.7 2.0)")
    e = math.exp(0.35)
    expected = [[2.0 * e / 4, e / 2], [e / 2, 0.0]]
    assert np.allclose([[float(x) for x in row] for row in rows], expected, rtol=1e-6, atol=1e-8)


def test_the_pair_has_the_orders_5_and_4():
    for node, weights in zip(NODES, STAGES, strict=True):
        assert sum(weights) == pytest.approx(node, abs=1e-14)
    # Quadrature conditions: the weights integrate powers of the time.
    for power in range(5):
        total = sum(w * c**power for w, c in zip(WEIGHTS, NODES, strict=True))
        assert total == pytest.approx(1 / (power + 1), abs=1e-14)
    for power in range(4):
        check = sum(e * c**power for e, c in zip(CHECKS, [*NODES, 1.0], strict=True))
        assert check == pytest.approx(0, abs=1e-14)


def test_errors_shrink_with_the_tolerance():
    def error(tolerance):
        states = course(lambda y, t: [y[1], -y[0]], [1.0, 0.0], [0.0, 6.0], tolerance, 10000)
        return abs(states.states[1][0] - math.cos(6.0)), states.steps

    (coarse, few), (fine, many) = error(1e-5), error(1e-10)
    assert coarse < 1e-4 and fine < 1e-9
    # Of a method of order 5 a tenth of the error takes 1.6 times the steps.
    assert 5 < many / few < 15


def test_a_state_of_no_numbers():
    assert Session().evaluate("(odeint (lambda (y) y) (zeros 0) '(0 1))").shape == (2, 0)


def test_lotka_and_volterra_as_scipy_has_them():
    session = Session()
    session.evaluate(
        "(define (field p t) (let ((x (car p)) (y (cadr p)))"
        "  (list (* x (- 1.1 (* 0.4 y))) (* y (- (* 0.1 x) 0.4)))))"
    )
    program = "(odeint field '(10.0 5.0) '(0 1 5 12) #:tolerance 1e-10)"
    expected = scipy.integrate.solve_ivp(
        lambda t, p: [p[0] * (1.1 - 0.4 * p[1]), p[1] * (0.1 * p[0] - 0.4)],
        (0, 12),
        [10.0, 5.0],
        "DOP853",
        [0, 1, 5, 12],
        rtol=1e-12,
        atol=1e-12,
    ).y.T
    for call in (program, f"((jit (lambda () {program})))"):
        found = [[float(x) for x in state] for state in session.evaluate(call)]
        assert np.allclose(found, expected, rtol=1e-7), call


def test_the_gradient_of_a_net_in_an_equation():
    session = Session()
    session.evaluate(
        "(define (end w) (ref (odeint (lambda (y t) (tanh (matmul w y)))"
        "  (tensor 1.0 0.5 #:dtype 'float64) '(0 0.5 1)) 2))"
        "(define (loss w) (tensor-sum (square (end w))))"
        "(define w (tensor '((0.5 -1.0) (1.5 0.3)) #:dtype 'float64))"
    )
    weights = np.array([[0.5, -1.0], [1.5, 0.3]])

    def loss(w):
        found = scipy.integrate.solve_ivp(
            lambda t, y: np.tanh(w @ y), (0, 1), [1.0, 0.5], rtol=1e-12, atol=1e-12
        )
        return (found.y[:, -1] ** 2).sum()

    found = np.asarray(session.evaluate("(gradient loss w)"))
    h = 1e-5
    for i in range(2):
        for j in range(2):
            step = np.zeros((2, 2))
            step[i, j] = h
            slope = (loss(weights + step) - loss(weights - step)) / (2 * h)
            assert found[i, j] == pytest.approx(slope, rel=1e-5)


def test_lanes_and_structures():
    session = Session()
    session.evaluate(
        "(define (f k) (vref (odeint (lambda (y t) (* k y)) 1.0 '(0 1 2)) 2))"
        "(define t (tensor 1.0 -1.0 0.0 #:dtype 'float64))"
    )
    values, slopes = session.evaluate("((jit (vmap (lambda (k) (list (f k) (gradient f k))))) t)")
    k = np.array([1.0, -1.0, 0.0])
    assert np.allclose(values, np.exp(2 * k), rtol=1e-7)
    assert np.allclose(slopes, 2 * np.exp(2 * k), rtol=1e-6)
    states = session.evaluate(
        "(odeint (lambda (s t) (list (tensor-sum (cadr s)) (- (cadr s)))) (list 0.0 (ones 2))"
        " '(0 1))"
    )
    assert states[0].car == 0.0 and states[1].car == pytest.approx(2 - 2 / math.e, rel=1e-4)
    assert np.allclose(states[1].cdr.car, [1 / math.e] * 2, rtol=1e-4)


@pytest.mark.slow
def test_steps_that_are_rejected_leave_nothing_behind():
    # Beyond the end of the solution, where a step that is too long looks, there is no root.
    session = Session()
    session.evaluate(
        "(define (f k) (vref (odeint (lambda (y t) (- (* k (sqrt y)))) 1.0 '(0 1.99)) 1))"
    )
    expected = [(1 - 0.995) ** 2, -1.99 * (1 - 0.995)]
    found = session.evaluate("((jit (lambda (k) (list (f k) (gradient f k)))) 1.0)")
    assert [float(x) for x in found] == pytest.approx(expected, rel=1e-3)


def test_a_boundary_value_problem_by_shooting():
    session = Session()
    session.evaluate(
        "(define (height v) (car (vector-ref (odeint (lambda (s t) (list (cadr s) -9.81))"
        "  (list 0.0 v) '(0 2)) 1)))"
        "(define (speed target) (root (lambda (v) (- (height v) target)) 1.0))"
    )
    found = session.evaluate("(list (speed 5.0) (gradient speed 5.0))")
    assert list(found) == pytest.approx([12.31, 0.5], rel=1e-9)


@pytest.mark.slow
def test_shooting_compiled():
    session = Session()
    session.evaluate(
        "(define (height v) (car (vector-ref (odeint (lambda (s t) (list (cadr s) -9.81))"
        "  (list 0.0 v) '(0 2)) 1)))"
        "(define (speed target) (root (lambda (v) (- (height v) target)) 1.0))"
    )
    found = session.evaluate("((jit (lambda (h) (list (speed h) (gradient speed h)))) 5.0)")
    assert [float(x) for x in found] == pytest.approx([12.31, 0.5], rel=1e-9)


def test_from_python():
    states = ek.odeint(lambda y, t: -y, 1.0, [0, 1])
    assert states[1] == pytest.approx(1 / math.e, rel=1e-7)

    import jax
    import jax.numpy as jnp

    def end(k):
        return ek.odeint(lambda y, t: k * y, jnp.ones(2), [0.0, 1.0])[-1].sum()

    assert float(jax.jit(jax.grad(end))(1.0)) == pytest.approx(2 * math.e, rel=1e-3)

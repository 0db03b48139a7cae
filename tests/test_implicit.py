"""Roots, fixed points and minima: their values and derivatives, on the host and compiled."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
import scipy.optimize

import eshkol as ek
from eshkol.session import Session

# A program of the parameter a, its value and its derivative in closed form.
SOLUTIONS = {
    "square root": (
        "(root (lambda (x) (- (* x x) a)) 1.0)",
        math.sqrt,
        lambda a: 0.5 / math.sqrt(a),
        lambda a: -0.25 * a**-1.5,
    ),
    "square root in a bracket": (
        "(root (lambda (x) (- (* x x) a)) #:bracket '(0 10))",
        math.sqrt,
        lambda a: 0.5 / math.sqrt(a),
        lambda a: -0.25 * a**-1.5,
    ),
    "logarithm": (
        "(root (lambda (x) (- (exp x) a)) 0.0 #:method 'broyden)",
        math.log,
        lambda a: 1 / a,
        lambda a: -1 / a**2,
    ),
    "Heron": (
        "(fixed-point (lambda (x) (/ (+ x (/ a x)) 2)) 1.0)",
        math.sqrt,
        lambda a: 0.5 / math.sqrt(a),
        lambda a: -0.25 * a**-1.5,
    ),
    "geometric series": (
        "(fixed-point (lambda (x) (+ 1 (/ x a))) 0.0 #:method 'iteration)",
        lambda a: a / (a - 1),
        lambda a: -1 / (a - 1) ** 2,
        lambda a: 2 / (a - 1) ** 3,
    ),
    "minimum": (
        "(argmin (lambda (x) (- (* a a x x 0.5) x)) 0.0)",
        lambda a: 1 / a**2,
        lambda a: -2 / a**3,
        lambda a: 6 / a**4,
    ),
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_values_and_derivatives_on_numbers(name):
    program, value, first, second = SOLUTIONS[name]
    session = Session()
    session.evaluate(f"(define (f a) {program})")
    for a in (2.5, 4.0):
        assert session.evaluate(f"(f {a})") == pytest.approx(value(a), rel=1e-9)
        for operator in ("derivative", "gradient"):
            assert session.evaluate(f"({operator} f {a})") == pytest.approx(first(a), rel=1e-8)
            found = session.evaluate(f"({operator} (lambda (b) ({operator} f b)) {a})")
            assert found == pytest.approx(second(a), rel=1e-7)
        assert session.evaluate(f"(derivative-n f {a} 2)") == pytest.approx(second(a), rel=1e-7)


FAST = ("square root", "minimum")


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=[] if x in FAST else pytest.mark.slow) for x in SOLUTIONS]
)
def test_compiled_as_on_numbers(name):
    program, value, first, second = SOLUTIONS[name]
    session = Session()
    session.evaluate(f"(define (f a) {program})")
    result = session.evaluate(
        "((jit (lambda (a) (list (f a) (gradient f a) (derivative f a) "
        "(gradient (lambda (b) (derivative f b)) a)))) 2.5)"
    )
    expected = [value(2.5), first(2.5), first(2.5), second(2.5)]
    assert [float(x) for x in result] == pytest.approx(expected, rel=1e-7)


def test_lanes_and_loops():
    session = Session()
    session.evaluate("(define (f a) (root (lambda (x) (- (* x x) a)) 1.0))")
    lanes = session.evaluate(
        "((jit (vmap (lambda (a) (list (f a) (gradient f a))))) (tensor 1 4 9 #:dtype 'float64))"
    )
    values, slopes = lanes
    assert np.allclose(values, [1, 2, 3], rtol=1e-12)
    assert np.allclose(slopes, [1 / 2, 1 / 4, 1 / 6], rtol=1e-12)
    nested = "(let loop ((i 0) (s a)) (if (= i 12) s (loop (+ i 1) (f (+ s 1)))))"
    session.evaluate(f"(define (nested a) {nested})")
    found = session.evaluate("((jit (lambda (a) (list (nested a) (gradient nested a)))) 3.0)")
    assert [float(x) for x in found] == pytest.approx(
        [session.evaluate("(nested 3.0)"), session.evaluate("(gradient nested 3.0)")], rel=1e-9
    )


SYSTEM = "(list (- (+ (* x x) (* y y)) a) (- (exp x) (* b y)))"


@pytest.mark.parametrize("method", ["newton", "broyden"])
def test_systems_as_scipy_solves_them(method):
    session = Session()
    session.evaluate(
        f"(define (f a b) (root (lambda (x y) {SYSTEM}) #(1.0 1.0) #:method '{method}))"
    )

    def solve(a, b):
        def equations(p):
            return [p[0] ** 2 + p[1] ** 2 - a, np.exp(p[0]) - b * p[1]]

        return scipy.optimize.root(equations, [1.0, 1.0], tol=1e-14).x

    assert list(session.evaluate("(f 4.0 1.0)")) == pytest.approx(solve(4.0, 1.0), rel=1e-10)
    rows = np.array([list(row) for row in session.evaluate("(jacobian f 4.0 1.0)")])
    h = 1e-6
    across = [
        (solve(4.0 + h, 1.0) - solve(4.0 - h, 1.0)) / (2 * h),
        (solve(4.0, 1.0 + h) - solve(4.0, 1.0 - h)) / (2 * h),
    ]
    assert np.allclose(rows, np.array(across).T, rtol=1e-6)


def test_weights_that_are_captured_have_gradients():
    session = Session()
    session.evaluate(
        "(define b (tensor 1.0 -0.5 0.25 #:dtype 'float64))"
        "(define (equilibrium w) (fixed-point (lambda (z) (tanh (+ (matmul w z) b)))"
        "  (zeros 3 #:dtype 'float64)))"
        "(define (loss w) (tensor-sum (square (equilibrium w))))"
        "(define w (tensor '((0.3 0.1 0.0) (-0.2 0.4 0.1) (0.0 0.2 -0.3)) #:dtype 'float64))"
    )
    weights = np.array([[0.3, 0.1, 0.0], [-0.2, 0.4, 0.1], [0.0, 0.2, -0.3]])
    bias = np.array([1.0, -0.5, 0.25])

    def loss(w):
        z = np.zeros(3)
        for _ in range(200):
            z = np.tanh(w @ z + bias)
        return (z**2).sum()

    found = np.asarray(session.evaluate("(gradient loss w)"))
    h = 1e-6
    for i in range(3):
        for j in range(3):
            step = np.zeros((3, 3))
            step[i, j] = h
            slope = (loss(weights + step) - loss(weights - step)) / (2 * h)
            assert found[i, j] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("method", ["l-bfgs", "conjugate-gradient"])
@pytest.mark.parametrize("start", ["0.5", "(parameter 0.5)", "(tensor 0.5 0.7)"])
def test_minima_of_functions_in_float32(method, start):
    # Near the minimum, the values of the function are the same in all their digits.
    found = ek.eval(
        "(let ((a (parameter 2.0)))"
        "  (argmin (lambda (x) (tensor-sum (+ 1 (square (- x a)) (expt x 4))))"
        f"         {start} #:method '{method}))"
    )
    assert np.asarray(found) == pytest.approx(0.8351223484813665, rel=1e-6)


def test_points_of_any_structure():
    session = Session()
    pair = session.evaluate(
        "(root (lambda (p) (list (- (car p) (tensor-sum (cadr p)) 2) (- (* 2 (cadr p)) 1)))"
        " (list 1.0 (ones 2)))"
    )
    assert pair.car == 3.0 and np.allclose(pair.cdr.car, 0.5)
    model = session.evaluate(
        "(argmin (lambda (m) (tensor-sum (square (- (m (ones 2)) (tensor 3.0 4.0)))))"
        " (let ((w (tensor 1.0 -2.0))) (lambda (x) (* w x))))"
    )
    assert np.allclose(model(np.ones(2, "float32")), [3, 4])


@pytest.mark.slow
def test_many_unknowns_are_solved_by_iteration(monkeypatch):
    monkeypatch.setattr("eshkol.xla.implicit.MOST_DIRECT", 2)
    session = Session()
    session.evaluate(
        "(define d (tensor 2.0 3.0 4.0 #:dtype 'float64))"
        "(define (f b) (root (lambda (x) (- (+ (* d x) (* 0.1 (roll x 1))) b))"
        "  (zeros 3 #:dtype 'float64)))"
        "(define (both b) (list (f b) (gradient (lambda (b) (tensor-sum (f b))) b)))"
    )
    values, slopes = session.evaluate("((jit both) (ones 3 #:dtype 'float64))")
    matrix = np.diag([2.0, 3.0, 4.0]) + 0.1 * np.roll(np.eye(3), 1, axis=0)
    assert np.allclose(values, np.linalg.solve(matrix, np.ones(3)), rtol=1e-9)
    assert np.allclose(slopes, np.linalg.solve(matrix.T, np.ones(3)), rtol=1e-9)


def test_complex_roots():
    assert Session().evaluate("(root (lambda (z) (+ (* z z) 1)) 1+1i)") == pytest.approx(1j)
    found = Session().evaluate("(root (lambda (z) (+ (* z z) 1)) (tensor '(1+1i 1-2i)))")
    assert np.allclose(found, [1j, -1j], atol=1e-6)


def test_the_smallest_of_a_tensor_is_still_its_index():
    session = Session()
    assert session.evaluate("(argmin #(4 1 5))") == 1
    assert session.evaluate("(argmin (tensor '((1 5 3) (4 2 6))) 0)").tolist() == [0, 1, 0]


def test_the_same_procedure_compiles_once():
    session = Session()
    session.evaluate(
        "(define (f a) (root (lambda (x) (- (* x x) a)) (ones 2)))(define compiled-before 0)"
    )
    from eshkol.xla.implicit import _root
    from eshkol.xla.own_programs import PROGRAMS

    session.evaluate("(f (tensor 4.0 9.0))")
    before = len(PROGRAMS[_root].compilations())
    assert np.allclose(session.evaluate("(f (tensor 16.0 25.0))"), [4, 5])
    assert len(PROGRAMS[_root].compilations()) == before


def test_from_python():
    assert ek.root(lambda x: x * x - 2.0, 1.0) == pytest.approx(math.sqrt(2), rel=1e-12)
    assert ek.root("(lambda (x) (- (* x x) 2.0))", bracket=(0, 2)) == pytest.approx(math.sqrt(2))
    assert ek.fixed_point(math.cos, 1.0) == pytest.approx(0.7390851332151607, rel=1e-12)
    assert ek.argmin("(lambda (x y) (+ (square (- x 1)) (square y)))", ek.eval("#(3.0 3.0)")) == [
        pytest.approx(1.0),
        pytest.approx(0.0, abs=1e-12),
    ]

    import jax
    import jax.numpy as jnp

    def smallest(t):
        return ek.argmin(lambda x: jnp.sum((x - t) ** 2 + 0.1 * x**4), jnp.zeros(2)).sum()

    found = jax.jit(jax.grad(smallest))(jnp.array([1.0, 2.0]))
    x = [scipy.optimize.brentq(lambda x, t=t: 2 * (x - t) + 0.4 * x**3, -5, 5) for t in (1.0, 2.0)]
    assert np.allclose(found, [2 / (2 + 1.2 * v**2) for v in x], rtol=1e-4)


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
@pytest.mark.parametrize("operator", [jax.hessian, lambda f: jax.jacfwd(jax.jacfwd(f))])
@pytest.mark.parametrize("compiled", [False, True])
def test_jax_differentiates_a_minimum_twice_at_a_python_number(operator, compiled):
    """JAX holds a Python float, which 64-bit code would take for a double, behind its tracers."""
    f = ek.eval(
        "(lambda (a) (let ((x (argmin (lambda (x) (expt (- (* x x) a) 2)) 1.0))) (* x x x)))"
    )
    found = operator(ek.jit(f) if compiled else f)(2.0)
    assert float(found) == pytest.approx(0.75 / math.sqrt(2.0), rel=1e-6)

"""No NaN comes into gradients from what a ``where`` or a branch in lanes has not chosen."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
from staged_sessions import assert_at_rest, value

from eshkol.session import Session
from rows import one_in

POINTS = [0.0, 1.0, -1.0, 0.25]
"""The condition ``(> x 0)`` holds for the second and the last."""

BRANCHES = {
    # what is computed, its derivative, its second derivative
    "(log x)": (lambda x: 1 / x, lambda x: -1 / x**2),
    "(sqrt x)": (lambda x: 0.5 / math.sqrt(x), lambda x: -0.25 * x**-1.5),
    "(/ 1 x)": (lambda x: -1 / x**2, lambda x: 2 / x**3),
    "(* x (log x))": (lambda x: math.log(x) + 1, lambda x: 1 / x),
    "(expt x 0.5)": (lambda x: 0.5 / math.sqrt(x), lambda x: -0.25 * x**-1.5),
    "(exp (/ -1 x))": (
        lambda x: math.exp(-1 / x) / x**2,
        lambda x: math.exp(-1 / x) * (1 - 2 * x) / x**4,
    ),
    "(rsqrt x)": (lambda x: -0.5 * x**-1.5, lambda x: 0.75 * x**-2.5),
    "(atan2 1.0 (sqrt x))": (
        lambda x: -0.5 / (math.sqrt(x) * (1 + x)),
        lambda x: (1 + 3 * x) / (4 * x**1.5 * (1 + x) ** 2),
    ),
    "(my-root x)": (lambda x: 0.5 / math.sqrt(x), lambda x: -0.25 * x**-1.5),
    "(let ((y (* 2 x))) (log y))": (lambda x: 1 / x, lambda x: -1 / x**2),
    "(max 0.0 (log (* x 9)))": (lambda x: 1 / x, lambda x: -1 / x**2),
}

CHOICES = {
    "where": "(where (> x 0) {} 0)",
    "where not": "(where (<= x 0) 0 {})",
    "nested": "(where (> x 0) (where (< x 9) {} (sqrt (- x 9))) 0)",
    "if in lanes": "((vmap (lambda (x) (if (> x 0) {} 0.0))) x)",
    "cond in lanes":
        "((vmap (lambda (x) (cond ((<= x 0) 0.0) ((> x 9) (sqrt (- x 9))) (else {})))) x)",
    "where in lanes": "((vmap (lambda (x) (where (> x 0) {} 0.0))) x)",
}  # fmt: skip

FIRST = {
    "gradient": "(gradient (lambda (x) (tensor-sum {})) x)",
    "gradient, compiled": "((jit (lambda (x) (gradient (lambda (x) (tensor-sum {})) x))) x)",
    "gradient of compiled": "(gradient (jit (lambda (x) (tensor-sum {}))) x)",
    "forward": "(cadr (jvp (lambda (x) {}) x (ones 4)))",
}

SECOND = {
    "gradient of gradient":
        "(gradient (lambda (x) (tensor-sum (gradient (lambda (x) (tensor-sum {})) x))) x)",
    "forward over reverse": "(hvp (lambda (x) (tensor-sum {})) x (ones 4))",
    "compiled":
        "((jit (lambda (x) (gradient (lambda (x) (tensor-sum (gradient (lambda (x) (tensor-sum {}))"
        " x))) x))) x)",
}  # fmt: skip


@pytest.fixture
def session() -> Session:
    session = Session()
    numbers = " ".join(map(str, POINTS))
    session.evaluate(f"(define x (tensor {numbers})) (define (my-root x) (if #t (sqrt x) x))")
    return session


CASES = [
    (branch, choice)
    for branch in BRANCHES
    for choice in CHOICES
    if choice in ("where", "if in lanes") or branch in ("(log x)", "(sqrt x)")
]


@pytest.mark.parametrize(("branch", "choice"), one_in(4, CASES))
def test_gradients_are_those_of_what_is_chosen(session: Session, branch: str, choice: str) -> None:
    expression = CHOICES[choice].format(branch)
    for order, operators in enumerate((FIRST, SECOND)):
        slope = BRANCHES[branch][order]
        expected = [slope(x) if x > 0 else 0.0 for x in POINTS]
        for name, operator in operators.items():
            found = value(session, operator.format(expression))
            assert found == pytest.approx(expected, rel=2e-4, abs=1e-6), name


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # A number and a tensor that all elements or lanes share.
        ("(tensor-sum (where (> x 0) (* p (log x)) 0))", math.log(0.25)),
        ("(tensor-sum (where (> x 0) (/ p x) 0))", 5.0),
        ("(tensor-sum ((vmap (lambda (x) (if (> x 0) (* p (log x)) 0.0))) x))", math.log(0.25)),
        ("(tensor-sum ((vmap (lambda (x) (if (> x 0) (/ p (sqrt x)) 0.0))) (zeros 3)))", 0.0),
        ("(tensor-sum ((vmap (lambda (x) (if (> x 0) (* p (log x)) (* 2 p)))) x))",
         math.log(0.25) + 4.0),
        # A branch of one number, which no element or some chooses.
        ("(tensor-sum (where (> x 9) (log (- p p)) 0))", 0.0),
        ("(tensor-sum (where (> x 0) (log p) 0))", 1.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrap", ["{}", "((jit (lambda (p) {})) p)"])
def test_what_is_shared_gets_the_gradient_of_what_is_chosen(
    session: Session, wrap: str, expression: str, expected: float
) -> None:
    program = wrap.format(f"(gradient (lambda (p) {expression}) p)")
    session.evaluate("(define p 2.0)")
    assert float(session.evaluate(program)) == pytest.approx(expected, rel=1e-6)


def test_elements_that_are_not_chosen_count_where_they_are_computed_with(session: Session) -> None:
    """A sum over all elements is no computation element by element."""
    session.evaluate("(define y (tensor 1.0 2.0 -0.5))")
    for chosen in ("(/ x (tensor-sum x))", "(* x (tensor-mean (* x x)))", "(cumsum x)"):
        written = f"(gradient (lambda (x) (tensor-sum (where (> x 0) {chosen} 0))) y)"
        outside = f"(gradient (lambda (x) (let ((c {chosen})) (tensor-sum (where (> x 0) c 0)))) y)"
        assert value(session, written) == pytest.approx(value(session, outside), rel=1e-6)


def test_values_are_as_ever(session: Session) -> None:
    assert value(session, "(where (> x 0) (log x) (/ 1 x))")[:3] == [math.inf, 0.0, -1.0]
    assert session.evaluate("(where #t (+ 1 1) (+ 1 2))") == 2
    program = "((jit (lambda (x) (where (> x 0) (begin (display 1) (* 2 x)) (+ x 1)))) x)"
    assert value(session, program) == [1.0, 2.0, 0.0, 0.5]
    session.evaluate("(define n 0)")
    assert value(session, "(where (> x 0) (begin (set! n (+ n 1)) x) 0)") == [0.0, 1.0, 0.0, 0.25]
    assert session.evaluate("n") == 1
    assert session.evaluate("(let ((where list)) (where (+ 1 1) (+ 2 2) 3))").car == 2
    assert_at_rest()


def test_a_branch_costs_nothing_more_where_there_are_no_lanes(session: Session) -> None:
    f = session.evaluate("(jit (lambda (x) (if (> x 0) (log x) (sin x))))")
    text = jax.jit(f).lower(1.0).compile().as_text()
    plain = jax.jit(lambda x: jax.numpy.where(x > 0, jax.numpy.log(x), jax.numpy.sin(x)))
    assert text.count("select") <= plain.lower(1.0).compile().as_text().count("select")


def test_python_takes_the_gradient(session: Session) -> None:
    f = session.evaluate("(lambda (x) (tensor-sum (where (> x 0) (log x) 0)))")
    points = np.array(POINTS, np.float32)
    assert jax.grad(f)(points).tolist() == [0.0, 1.0, 0.0, 4.0]
    g = session.evaluate("(lambda (x) (if (> x 0) (log x) 0.0))")
    assert jax.vmap(jax.grad(g))(points).tolist() == [0.0, 1.0, 0.0, 4.0]
    assert jax.jit(jax.vmap(jax.grad(jax.grad(g))))(points).tolist() == [0.0, -1.0, 0.0, -16.0]


def test_lanes_in_lanes(session: Session) -> None:
    f = session.evaluate("(lambda (p x) (if (> x 0) (* p (log x)) 0.0))")
    points = np.array([[0.0, 1.0], [-1.0, 0.0], [0.25, 4.0]], np.float32)
    lanes = jax.vmap(jax.vmap(f, (None, 0)), (None, 0))
    by_p, by_x = jax.grad(lambda p, x: lanes(p, x).sum(), (0, 1))(np.float32(2), points)
    assert float(by_p) == pytest.approx(0.0, abs=1e-6)
    expected = [[0.0, 2.0], [0.0, 0.0], [8.0, 0.5]]
    assert np.asarray(by_x).tolist() == expected
    inner = jax.vmap(lambda x: jax.grad(lambda x: jax.vmap(f, (None, 0))(2.0, x).sum())(x))
    assert np.asarray(inner(points)).tolist() == expected
    inside = jax.vmap(jax.vmap(jax.grad(f, 1), (None, 0)), (None, 0))(np.float32(2), points)
    assert np.asarray(inside).tolist() == expected

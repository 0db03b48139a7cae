"""Loops that a program meets many times: traced twice, and what depends on more than they tell."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from eshkol.session import Session
from eshkol.xla.loop_primitive import loop_p

SOLVE = """
(define (solve a b c)                ; until it is large: a captured tensor and a captured number
  (let loop ((x a) (n 0)) (if (> (+ x n) 20.0) (+ x n) (loop (+ b (* c x)) (+ n 1)))))
"""


@pytest.fixture(scope="module")
def session() -> Session:
    here = Session()
    here.evaluate(SOLVE)
    return here


def loops_in(jaxpr: Any) -> list[Any]:
    """The loops of a jaxpr and of its branches."""
    found = []
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        if equation.primitive is loop_p:
            found.append(equation)
        for branch in equation.params.get("branches", ()):
            found += loops_in(branch)
    return found


PROGRAMS = {
    "other tensors": "(+ (solve x y 2.0) (solve y x 2.0) (solve (+ x y) y 2.0) (solve x x 2.0))",
    "the same tensor twice": "(+ (solve x x 2.0) (solve y y 2.0) (solve x y 2.0) (solve y x 2.0))",
    "other numbers": "(+ (solve x y 2.0) (solve x y 1.5) (solve x y 2.0) (solve x y 3))",
    "other starts": "(+ (solve 1.0 y 2.0) (solve 2.0 y 2.0) (solve 1 y 2.0) (solve 1.0 y 2.0))",
    "known tensors": """
        (let ((a (tensor-sum (tensor '(1.0)))) (b (tensor-sum (tensor '(2.0))))
              (c (tensor-sum (tensor '(1.5 1.5)))))
          (+ (solve a y 2.0) (solve b y 2.0) (solve c y 2.0) (solve a y 2.0) (solve x b 2.0)
             (solve x a 2.0) (solve x c 2.0) (solve x b 2.0) (solve x b 2.0)))""",
    "in branches": """
        (define (layer z k) (if (> z k) (solve z y 1.5) (- z)))
        (+ (layer x 1.0) (layer y 2.0) (layer (+ x y) 3.0) (layer (* x y) 0.5))""",
    "in branches of branches": """
        (define (layer z k) (if (> z k) (if (> y k) (solve z y 1.5) (solve y z 1.5)) (solve z z 2)))
        (+ (layer x 1.0) (layer y 2.0) (layer (+ x y) 3.0) (layer (* x y) 0.5))""",
    "in loops": """
        (let loop ((z x) (n 0))
          (if (> n y) z (loop (- (solve z y 2.0) (solve x z 2.0)) (+ n 1))))""",
    "writes a variable": """
        (define count 0)
        (define (steps a)
          (let loop ((z a)) (when (< z 9.0) (set! count (+ count 1)) (loop (* 2 z)))))
        (steps x) (steps x) (steps y) (steps x) (+ count 0.0)""",
    "reads a variable": """
        (define scale 1.0)
        (define (grown a) (let loop ((z a)) (if (> z 9.0) z (loop (* (+ 1.0 scale) z)))))
        (let* ((a (grown x)) (b (grown x)))
          (set! scale (* 2 y))
          (+ a b (grown x) (grown x)))""",
    "reads a vector": """
        (define v (vector x y))
        (define (grown a) (let loop ((z a)) (if (> z 9.0) z (loop (+ 1.0 (vector-ref v 0) z)))))
        (let* ((a (grown x)) (b (grown x))) (vector-set! v 0 y) (+ a b (grown x) (grown x)))""",
    "escapes": """
        (define (found a)
          (call/ec (lambda (k) (let loop ((z a)) (if (> z 50.0) (k z) (loop (+ 1.0 (* 2 z))))))))
        (+ (found x) (found y) (found (+ x y)) (found x))""",
    "two exits": """
        (define (f a b)
          (let loop ((z a) (n 0))
            (cond ((> z 40.0) z) ((> n b) (- z)) (else (loop (* 2 z) (+ n 1))))))
        (+ (f x y) (f y x) (f x x) (f (+ x y) 1.0))""",
    "parameters": """
        (define p (make-parameter 1.0))
        (define (f a) (let loop ((z a)) (if (> z 40.0) z (loop (+ (p) (* 2 z))))))
        (+ (f x) (f y) (parameterize ((p 3.0)) (f x)) (parameterize ((p y)) (f x)) (f x))""",
    "procedures": """
        (define (f step a) (let loop ((z a)) (if (> z 40.0) z (loop (step z)))))
        (+ (f (lambda (z) (* 2 z)) x) (f (lambda (z) (+ y z)) x) (f (lambda (z) (+ x z)) y)
           (f (lambda (z) (+ y z)) x) (f (lambda (z) (+ x z)) x) (f (lambda (z) (* 2 z)) y))""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_loops_that_are_met_again(session: Session, name: str) -> None:
    f = session.evaluate(f"(lambda (x y) {PROGRAMS[name]})")
    staged = session.evaluate("(lambda (f) (jit f))")(f)
    points = [(1.5, 2.5), (3.0, 1.25)]
    expected = [float(f(*map(jnp.float32, point))) for point in points]
    for point, value in zip(points, expected, strict=True):
        assert_allclose(staged(*map(jnp.float32, point)), value, rtol=1e-5)
    lanes = session.evaluate("(lambda (f) (jit (vmap f)))")(f)
    assert_allclose(lanes(*np.transpose(points).astype("float32")), expected, rtol=1e-5)


def test_derivatives(session: Session) -> None:
    f = session.evaluate("(lambda (x y) (+ (solve x y 2.0) (solve y x 2.0) (solve (* x y) x 2.0)))")
    slopes = session.evaluate("(lambda (f) (jit (lambda (x y) (gradient f x y))))")(f)
    h = 1e-3
    found = slopes(1.5, 2.5)
    assert_allclose(found[0], (f(1.5 + h, 2.5) - f(1.5 - h, 2.5)) / (2 * h), rtol=1e-4)
    assert_allclose(found[1], (f(1.5, 2.5 + h) - f(1.5, 2.5 - h)) / (2 * h), rtol=1e-4)


def test_equal_loops_are_traced_twice(session: Session) -> None:
    f = session.evaluate(
        "(jit (lambda (x y) (do ((k 0 (+ k 1)) (z x (if (> z k) (* 0.1 (solve z y 2.0)) z)))"
        "                       ((= k 6) z))))"
    )
    jaxpr = jax.make_jaxpr(f)(jnp.float32(1.0), jnp.float32(2.0))
    [program] = [e for e in jaxpr.jaxpr.eqns if "jaxpr" in e.params]
    bodies = [id(e.params["body_jaxpr"]) for e in loops_in(program.params["jaxpr"])]
    assert (len(bodies), len(set(bodies))) == (6, 2)


def test_what_is_drawn_and_displayed_in_loops(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    program = """(lambda (x)
      (define (f) (let loop ((z x)) (if (> z 3.0) z (loop (+ z (random-uniform))))))
      (define (g) (let loop ((z x)) (if (> z 2.0) 0.0 (begin (display "*") (loop (+ z 1.0))))))
      (let* ((a (f)) (b (f)) (c (f))) (g) (g) (g) (list a b c)))"""
    told = []
    for wrapped in (program, f"(jit {program})"):
        session.evaluate("(set-random-seed! 7)")
        values = session.evaluate(f"({wrapped} 1.0)")
        jax.effects_barrier()
        told.append(([float(v) for v in values], capsys.readouterr().out))
    assert told[0][1] == told[1][1] == "******"
    assert_allclose(told[0][0], told[1][0], rtol=1e-6)
    assert len(set(told[0][0])) == 3

"""The saddle and the particle of Siskind and Pearlmutter (2008), in both modes of each derivative.

J. M. Siskind and B. A. Pearlmutter, "Using polyvariant union-free flow analysis to compile a
higher-order functional-programming language with a first-class derivative operator to efficient
Fortran-like code", Purdue ECE-TR-08-01. Both are minima found by gradient descent of what itself
needs derivatives: a maximum found by gradient descent, and the path of a particle in a potential.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from eshkol.session import Session

LIBRARY = """
(define (v+ u v) (map + u v))
(define (v- u v) (map - u v))
(define (k*v k v) (map (lambda (x) (* k x)) v))
(define (magnitude-squared v) (fold + 0.0 (map square v)))
(define (magnitude v) (sqrt (magnitude-squared v)))
(define (distance u v) (magnitude (v- u v)))

(define (add-at x i h) (map (lambda (y k) (if (= k i) (+ y h) y)) x (iota (length x))))
(define ((gradient-f f) x)
  (map (lambda (i) (derivative (lambda (h) (f (add-at x i h))) 0.0)) (iota (length x))))
(define ((gradient-r f) x) (car (gradient (lambda (p) (f (car p))) (list x))))

(define (argmin f x gradient)
  (let ((g (gradient f)))
    (let loop ((x x) (fx (f x)) (gx (g x)) (eta 1e-5) (i 0))
      (cond ((<= (magnitude gx) 1e-5) x)
            ((= i 10) (loop x fx gx (* 2 eta) 0))
            (else
              (let ((next (v- x (k*v eta gx))))
                (if (<= (distance x next) 1e-5)
                    x
                    (let ((fnext (f next)))
                      (if (< fnext fx)
                          (loop next fnext (g next) eta (+ i 1))
                          (loop x fx gx (/ eta 2) 0))))))))))
(define (argmax f x gradient) (argmin (lambda (x) (- (f x))) x gradient))
(define (maximum f x gradient) (f (argmax f x gradient)))
"""

SADDLE = """
(define (saddle outer inner)
  (lambda (start)
    (let* ((start (list start start))
           (f (lambda (u v) (- (magnitude-squared u) (magnitude-squared v))))
           (u (argmin (lambda (u) (maximum (lambda (v) (f u v)) start inner)) start outer))
           (v (argmax (lambda (v) (f u v)) start inner)))
      (append u v))))
"""

PARTICLE = """
(define (miss w gradient)
  (let* ((charges (list (list 10.0 (- 10.0 w)) (list 10.0 0.0)))
         (potential
           (lambda (x) (fold + 0.0 (map (lambda (charge) (/ 1.0 (distance x charge))) charges))))
         (force (gradient potential)))
    (let loop ((x (list 0.0 8.0)) (velocity (list 0.75 0.0)))
      (let* ((acceleration (k*v -1.0 (force x))) (next (v+ x (k*v 0.1 velocity))))
        (if (positive? (cadr next))
            (loop next (v+ velocity (k*v 0.1 acceleration)))
            (let* ((dt (/ (- (cadr x)) (cadr velocity))) (end (v+ x (k*v dt velocity))))
              (square (car end))))))))
(define (particle outer inner)
  (lambda (start) (argmin (lambda (w) (miss (car w) inner)) (list start) outer)))
"""

MODES = list(product("fr", repeat=2))


def results(source: str, name: str, start: str) -> dict[str, np.ndarray]:
    """What the program gives, compiled, for each way to differentiate outside and inside."""
    session = Session()
    session.evaluate(LIBRARY + source)
    return {
        outer + inner: np.array(
            list(session.evaluate(f"((jit ({name} gradient-{outer} gradient-{inner})) {start})")),
            float,
        )
        for outer, inner in MODES
    }


def miss(w: float) -> float:
    """The same path in NumPy, with the force written out."""
    charges = np.array([[10.0, 10.0 - w], [10.0, 0.0]])
    place, velocity = np.array([0.0, 8.0]), np.array([0.75, 0.0])
    while True:
        apart = place - charges
        acceleration = (apart / np.linalg.norm(apart, axis=1)[:, None] ** 3).sum(0)
        following = place + 0.1 * velocity
        if following[1] <= 0:
            return float((place - place[1] / velocity[1] * velocity)[0] ** 2)
        place, velocity = following, velocity + 0.1 * acceleration


def assert_same(found: dict[str, np.ndarray]) -> None:
    for mode in found:
        np.testing.assert_allclose(found[mode], found["ff"], rtol=1e-8, atol=1e-8, err_msg=mode)


def test_particle() -> None:
    """The force that makes the particle cross the axis where it should, to the tolerance."""
    found = results(PARTICLE, "particle", "0.0")
    assert_same(found)
    best = minimize_scalar(miss, bounds=(0, 1), method="bounded", options={"xatol": 1e-12}).x
    np.testing.assert_allclose(found["rr"], [best], atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("mode", "fr")
def test_slope_of_the_path(mode: str) -> None:
    """Where the particle crosses, differentiated with respect to the place of the charge."""
    session = Session()
    session.evaluate(LIBRARY + PARTICLE)
    session.evaluate(f"(define (slope w) (gradient (lambda (w) (miss w gradient-{mode})) w))")
    expected = [(miss(w + 1e-5) - miss(w - 1e-5)) / 2e-5 for w in (0.0, 0.3)]
    alone = [float(session.evaluate(f"((jit slope) {w})")) for w in (0.0, 0.3)]
    np.testing.assert_allclose(alone, expected, rtol=1e-6)
    lanes = session.evaluate("((jit (vmap slope)) (tensor 0.0 0.3 #:dtype 'float64))")
    np.testing.assert_allclose(np.asarray(lanes), expected, rtol=1e-6)


@pytest.mark.slow
def test_saddle() -> None:
    """The saddle is at zero; the steps towards it are the paper's, which ends with these digits."""
    found = results(SADDLE, "saddle", "1.0")
    assert_same(found)
    np.testing.assert_allclose(found["rr"], [8.246324826140356e-06] * 4, rtol=1e-8)

"""Well-known programs, compiled, in lanes, and differentiated twice, against what is known of them.

The references are closed forms, or the algorithm in Python with 40 digits, whose derivatives
are taken numerically with as many.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest

from eshkol.session import Session

mpmath.mp.dps = 40


class Named(NamedTuple):
    """A program of one number.

    Attributes:
        source: defines ``f``.
        points: where it is called. Between them nothing is said to be smooth.
        value: what it gives, computed with the numbers of mpmath.
        tolerance: relative and absolute, of the value and both derivatives.
        is_long: whether its derivatives take so long to compile that they are tested apart.
    """

    source: str
    points: str
    value: Callable[[Any], Any]
    tolerance: float = 1e-9
    is_long: bool = False


def collatz(n: int) -> int:
    return 0 if n == 1 else 1 + collatz(n // 2 if n % 2 == 0 else 3 * n + 1)


def escape(x: Any) -> Any:
    """The smooth count of trips until z² + c is large."""
    c = mpmath.mpc(x, 0.35)
    z, n = c, 0
    while abs(z) < 100:
        z, n = z * z + c, n + 1
    return n - mpmath.log(mpmath.log(abs(z)), 2)


def interpolated(x: Any) -> Any:
    """A line between the cubes of the integers around."""
    low = bisect_right(range(17), float(x)) - 1
    return low**3 + (x - low) * ((low + 1) ** 3 - low**3)


def tree_sum(x: Any) -> Any:
    return sum(mpmath.sin((x + 2 * m) / 16) for m in range(16))


STEP = mpmath.mpf(1) / 4


def leapfrog(place: Any, momentum: Any, direction: int) -> tuple[Any, Any]:
    """A step in the potential θ⁴/4."""
    step = direction * STEP
    momentum = momentum - step / 2 * place**3
    place = place + step * momentum
    return place, momentum - step / 2 * place**3


def build_tree(place: Any, momentum: Any, direction: int, depth: int) -> tuple[Any, ...]:
    """The ends, the sum of the places and the number of a trajectory of 2^depth steps."""
    if depth == 0:
        place, momentum = leapfrog(place, momentum, direction)
        return place, momentum, place, momentum, place, 1, True
    *low, first, count, goes_on = build_tree(place, momentum, direction, depth - 1)
    if not goes_on:
        return *low, first, count, False
    outer = low[:2] if direction < 0 else low[2:]
    *other, second, more, goes_on = build_tree(*outer, direction, depth - 1)
    ends = [*other[:2], *low[2:]] if direction < 0 else [*low[:2], *other[2:]]
    return *ends, first + second, count + more, goes_on and no_turn(*ends)


def no_turn(low: Any, low_momentum: Any, high: Any, high_momentum: Any) -> bool:
    return (high - low) * low_momentum >= 0 and (high - low) * high_momentum >= 0


def doubling(x: Any) -> Any:
    """The mean place of a trajectory that is doubled, forwards and backwards, until it turns."""
    ends, total, count, depth, goes_on = [x, mpmath.mpf(1)] * 2, x, 1, 0, True
    while goes_on and depth < 6:
        direction = 1 if depth % 2 == 0 else -1
        start = ends[:2] if direction < 0 else ends[2:]
        *other, more, steps, goes_on = build_tree(*start, direction, depth)
        ends = [*other[:2], *ends[2:]] if direction < 0 else [*ends[:2], *other[2:]]
        total, count = total + more, count + steps
        goes_on, depth = goes_on and no_turn(*ends), depth + 1
    return total / count


PROGRAMS = {
    "Newton's iteration to a tolerance": Named(
        """(define (newton g x)
             (let ((step (/ (g x) (derivative g x))))
               (if (< (abs step) 1e-10) (- x step) (newton g (- x step)))))
           (define (f a) (newton (lambda (x) (- (* x x x) a)) 2.0))""",
        "0.7 3.0 20.0",
        lambda a: mpmath.cbrt(a),
    ),
    "the Runge-Kutta method of Dormand and Prince with control of its step": Named(
        """(define (dormand-prince slope t y end tolerance)
             (let loop ((t t) (y y) (h 0.1))
               (if (>= t end)
                   y
                   (let* ((h (min h (- end t)))
                          (k1 (slope t y))
                          (k2 (slope (+ t (* 1/5 h)) (+ y (* h 1/5 k1))))
                          (k3 (slope (+ t (* 3/10 h)) (+ y (* h (+ (* 3/40 k1) (* 9/40 k2))))))
                          (k4 (slope (+ t (* 4/5 h))
                                     (+ y (* h (+ (* 44/45 k1) (* -56/15 k2) (* 32/9 k3))))))
                          (k5 (slope (+ t (* 8/9 h))
                                     (+ y (* h (+ (* 19372/6561 k1) (* -25360/2187 k2)
                                                  (* 64448/6561 k3) (* -212/729 k4))))))
                          (k6 (slope (+ t h)
                                     (+ y (* h (+ (* 9017/3168 k1) (* -355/33 k2) (* 46732/5247 k3)
                                                  (* 49/176 k4) (* -5103/18656 k5))))))
                          (next (+ y (* h (+ (* 35/384 k1) (* 500/1113 k3) (* 125/192 k4)
                                             (* -2187/6784 k5) (* 11/84 k6)))))
                          (k7 (slope (+ t h) next))
                          (miss (abs (* h (+ (* 71/57600 k1) (* -71/16695 k3) (* 71/1920 k4)
                                             (* -17253/339200 k5) (* 22/525 k6) (* -1/40 k7)))))
                          (ratio (* 0.9 (expt (/ tolerance (+ miss 1e-300)) 0.2)))
                          (factor (stop-gradient (min 5.0 (max 0.2 ratio)))))
                     (if (<= miss tolerance)
                         (loop (+ t h) next (* h factor))
                         (loop t y (* h factor)))))))
           (define (f x) (dormand-prince (lambda (t y) (* x (cos t) y)) 0.0 1.0 2.0 1e-10))""",
        "0.5 -1.5",
        lambda x: mpmath.exp(x * mpmath.sin(2)),
        tolerance=1e-7,
        is_long=True,
    ),
    "gradient descent": Named(
        """(define (descend loss x)
             (let ((step (* 0.3 (gradient loss x))))
               (if (< (abs step) 1e-13) x (descend loss (- x step)))))
           (define (f a) (descend (lambda (x) (- (* 0.5 a x x) x)) 0.0))""",
        "0.5 2.0",
        lambda a: 1 / a,
    ),
    "the continued fraction of the tangent by Lentz's method": Named(
        """(define (f x)
             (let* ((a (- (* x x))))
               (let loop ((k 0) (value 1e-30) (c 1e-30) (d 0.0))
                 (let* ((b (+ (* 2 k) 1.0))
                        (a (if (= k 0) x a))
                        (d (/ 1 (+ b (* a d))))
                        (c (+ b (/ a c)))
                        (next (* value c d)))
                   (if (and (> k 1) (< (abs (- next value)) 1e-15))
                       next
                       (loop (+ k 1) next c d))))))""",
        "0.5 1.2 -0.8",
        mpmath.tan,
    ),
    "escape to infinity in the Mandelbrot set": Named(
        """(define (f x)
             (let loop ((a x) (b 0.35) (n 0))
               (let ((size (+ (* a a) (* b b))))
                 (if (< size 10000.0)
                     (loop (+ x (- (* a a) (* b b))) (+ 0.35 (* 2 a b)) (+ n 1))
                     (- n (/ (log (* 0.5 (log size))) (log 2.0)))))))""",
        "0.8 0.6 -1.5",
        escape,
    ),
    "Collatz's sequence, whose length is flat": Named(
        """(define (collatz n steps)
             (cond ((= n 1.0) steps)
                   ((= 0.0 (- n (* 2 (floor (/ n 2))))) (collatz (/ n 2) (+ steps 1)))
                   (else (collatz (+ 1 (* 3 n)) (+ steps 1)))))
           (define (f x) (* x x (collatz (floor x) 0)))""",
        "6.5 7.25 27.75",
        lambda x: x * x * collatz(int(mpmath.floor(x))),
    ),
    "binary search, and a line between what it finds": Named(
        """(define cubes (tensor (map (lambda (k) (* 1.0 k k k)) (iota 17)) #:dtype 'float64))
           (define (f x)
             (let ((target (* x x x)))
               (let search ((low 0) (high 16))
                 (if (= (+ low 1) high)
                     (let ((a (tensor-ref cubes low)) (b (tensor-ref cubes high)))
                       (+ a (* (- x low) (- b a))))
                     (let ((middle (quotient (+ low high) 2)))
                       (if (> (tensor-ref cubes middle) target)
                           (search low middle)
                           (search middle high)))))))""",
        "0.5 7.25 15.9",
        interpolated,
    ),
    "adaptive quadrature by Simpson's rule": Named(
        """(define (simpson g a b) (* (/ (- b a) 6) (+ (g a) (* 4 (g (/ (+ a b) 2))) (g b))))
           (define (integral g a b tolerance)
             (let* ((m (/ (+ a b) 2))
                    (halves (+ (simpson g a m) (simpson g m b)))
                    (change (- halves (simpson g a b))))
               (if (< (abs change) (* 15 tolerance))
                   (+ halves (/ change 15))
                   (+ (integral g a m (/ tolerance 2)) (integral g m b (/ tolerance 2))))))
           (define (f x) (integral (lambda (t) (sin (* x t))) 0.0 2.0 1e-11))""",
        "0.5 3.0",
        lambda x: (1 - mpmath.cos(2 * x)) / x,
        tolerance=1e-8,
        is_long=True,
    ),
    "the sum over a tree": Named(
        """(define (tree-sum x depth)
             (if (< depth 1.0)
                 (sin x)
                 (+ (tree-sum (* 0.5 x) (- depth 1.0)) (tree-sum (+ 1 (* 0.5 x)) (- depth 1.0)))))
           (define (f x) (tree-sum x (floor (+ 4 (* 0.01 x)))))""",
        "0.5 3.0",
        tree_sum,
    ),
    "Ackermann's function, as deep as it gets": Named(
        """(define (ackermann m n)
             (cond ((< m 0.5) (+ n 1))
                   ((< n 0.5) (ackermann (- m 1) 1.0))
                   (else (ackermann (- m 1) (ackermann m (- n 1))))))
           (define (f x) (* (sin x) (ackermann 2.0 (floor x))))""",
        "0.5 3.25 7.5",
        lambda x: mpmath.sin(x) * (2 * mpmath.floor(x) + 3),
    ),
    "bisection, left early, whose derivative is that of Newton's steps after it": Named(
        """(define (bisect g low high)
             (call/ec
               (lambda (return)
                 (let loop ((low low) (high high))
                   (let ((middle (/ (+ low high) 2)))
                     (if (< (abs (g middle)) 1e-6) (return middle))
                     (if (> (g middle) 0.0) (loop low middle) (loop middle high)))))))
           (define (f a)
             (let* ((g (lambda (x) (- (* x x x) a)))
                    (polish (lambda (x) (- x (/ (g x) (* 3 x x))))))
               (polish (polish (bisect g 0.0 4.0)))))""",
        "0.7 3.0 20.0",
        lambda a: mpmath.cbrt(a),
    ),
    "doubling of a trajectory until it turns, as in the No-U-Turn sampler": Named(
        """(define (leapfrog place momentum direction)
             (let* ((step (* 0.25 direction))
                    (half (- momentum (* 0.5 step place place place)))
                    (place (+ place (* step half))))
               (values place (- half (* 0.5 step place place place)))))
           (define (no-turn? low low-momentum high high-momentum)
             (and (>= (* (- high low) low-momentum) 0.0) (>= (* (- high low) high-momentum) 0.0)))
           (define (build place momentum direction depth)
             (if (= depth 0)
                 (let-values (((q p) (leapfrog place momentum direction)))
                   (values q p q p q 1 #t))
                 (let*-values (((shallow) (- depth 1))
                               ((a pa b pb first count on?)
                                (build place momentum direction shallow)))
                   (if on?
                       (let*-values
                           (((q p) (if (< direction 0.0) (values a pa) (values b pb)))
                            ((c pc d pd second more on?) (build q p direction shallow))
                            ((a pa) (if (< direction 0.0) (values c pc) (values a pa)))
                            ((b pb) (if (< direction 0.0) (values b pb) (values d pd))))
                         (values a pa b pb (+ first second) (+ count more)
                                 (and on? (no-turn? a pa b pb))))
                       (values a pa b pb first count #f)))))
           (define (f x)
             (let loop ((a x) (pa 1.0) (b x) (pb 1.0) (total x) (count 1) (depth 0) (direction 1.0))
               (let*-values
                   (((q p) (if (< direction 0.0) (values a pa) (values b pb)))
                    ((c pc d pd more steps on?) (build q p direction depth))
                    ((a pa) (if (< direction 0.0) (values c pc) (values a pa)))
                    ((b pb) (if (< direction 0.0) (values b pb) (values d pd)))
                    ((total count) (values (+ total more) (+ count steps))))
                 (if (and on? (no-turn? a pa b pb) (< depth 5))
                     (loop a pa b pb total count (+ depth 1) (- direction))
                     (/ total count)))))""",
        "0.5 -1.25",
        doubling,
        is_long=True,
    ),
}

GRADIENT = "(lambda (x) (gradient f x))"
SECOND = "(lambda (x) (gradient (lambda (y) (gradient f y)) x))"

CASES = [
    pytest.param(
        name,
        order,
        id=f"{name}, order {order}",
        # A few are differentiated every time.
        marks=[pytest.mark.slow] if order and (row.is_long or number > 1) else [],
    )
    for number, (name, row) in enumerate(PROGRAMS.items())
    for order in range(3)
]


@pytest.mark.parametrize(("name", "order"), CASES)
def test_reference(name: str, order: int) -> None:
    """Compiled, alone and in lanes, the program and its derivatives are what they should be."""
    row = PROGRAMS[name]
    session = Session()
    session.evaluate(row.source)
    session.evaluate(f"(define whole {['f', GRADIENT, SECOND][order]})")
    points = row.points.split()
    expected = [float(mpmath.diff(row.value, mpmath.mpf(x), order)) for x in points]
    alone = [float(session.evaluate(f"((jit whole) {x})")) for x in points]
    near = {"rtol": row.tolerance, "atol": row.tolerance}
    np.testing.assert_allclose(alone, expected, **near)
    lanes = session.evaluate(f"((jit (vmap whole)) (tensor {row.points} #:dtype 'float64))")
    np.testing.assert_allclose(np.asarray(lanes), expected, **near)

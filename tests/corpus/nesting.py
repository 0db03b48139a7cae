"""Loops in loops, loops in branches, and loops with several exits."""

from __future__ import annotations

import math

from corpus import row


def _steps(x: float) -> int:
    total = 0
    for i in range(1, 7):
        y = x * i
        while y > 1:
            y, total = y / 3, total + 1
    return total


def _primes_below(n: int) -> int:
    return sum(all(k % d for d in range(2, k)) for k in range(2, n))


def _bisection(a: float) -> float:
    return a ** (1 / 3)


ROWS = [
    row(
        "inner traced trips are counted",
        """(define (f x)
             (do ((i 1 (+ i 1))
                  (n 0 (let inner ((y (* x i)) (n n)) (if (> y 1) (inner (/ y 3) (+ n 1)) n))))
                 ((= i 7) n)))""",
        "5.0",
        "0.4",
        to=_steps,
    ),
    row(
        "inner and outer trips are traced",
        """(define (f x)
             (let outer ((y x) (s 0.0))
               (if (< y 1.0)
                   s
                   (let inner ((z y) (s s))
                     (if (< z 0.5) (outer (- y 1.0) s) (inner (* 0.4 z) (+ s z)))))))""",
        "3.3",
        "1.7",
        "0.5",
        differentiable=True,
    ),
    row(
        "three loops deep",
        """(define (f x)
             (do ((i 0 (+ i 1))
                  (s 0.0 (do ((j 0 (+ j 1))
                              (s s (let deep ((y (+ x i j)) (s s))
                                     (if (< y 1) (+ s y) (deep (* 0.5 y) s)))))
                             ((= j 3) s))))
                 ((= i 4) s)))""",
        "0.3",
        "2.1",
        differentiable=True,
    ),
    row(
        "a loop in one branch",
        """(define (f x)
             (if (> x 1)
                 (let loop ((y x)) (if (> y 30) y (loop (* y x))))
                 (- 1 x)))""",
        "2.0",
        "0.25",
        "40.0",
        differentiable=True,
    ),
    row(
        "different loops in the branches",
        """(define (f x)
             (if (> x 0)
                 (do ((i 0 (+ i 1)) (y x (sqrt (+ 1 y)))) ((= i 12) y))
                 (let loop ((y x)) (if (> y 3) y (loop (+ y 1.25))))))""",
        "2.0",
        "-1.5",
        differentiable=True,
    ),
    row(
        "a branch in a branch in a loop",
        """(define (f x)
             (let loop ((i 0) (y x))
               (if (= i 15)
                   y
                   (loop (+ i 1)
                         (if (> y 2) (if (> y 4) (/ y 4) (- y 1.5)) (if (< y 0) (- y) (+ y 0.9)))))))""",
        "0.31",
        "-5.3",
        differentiable=True,
    ),
    row(
        "primes counted by trial division",
        """(define (prime? k)
             (let loop ((d 2)) (cond ((= d k) #t) ((= 0 (remainder k d)) #f) (else (loop (+ d 1))))))
           (define (f n)
             (let loop ((k 2) (count 0))
               (cond ((>= k n) count) ((prime? k) (loop (+ k 1) (+ count 1))) (else (loop (+ k 1) count)))))""",
        "12",
        to=_primes_below,
    ),
    row(
        "three exits with different values",
        """(define (f x)
             (let loop ((i 0) (y x))
               (cond ((> y 50) (* 2 y))
                     ((< y -50) (- y 1))
                     ((= i 12) (* y y))
                     (else (loop (+ i 1) (* y -1.5))))))""",
        "3.0",
        "-20.0",
        "0.01",
        differentiable=True,
    ),
    row(
        "an exit from the inner loop ends both",
        """(define (f x)
             (let outer ((i 1))
               (if (> i 6)
                   (list -1 -1)
                   (let inner ((j 1))
                     (cond ((> j 6) (outer (+ i 1)))
                           ((> (* i j x) 11.0) (list i j))
                           (else (inner (+ j 1))))))))""",
        "0.8",
        "2.5",
        "0.1",
        to=lambda x: next(
            ([i, j] for i in range(1, 7) for j in range(1, 7) if i * j * x > 11), [-1, -1]
        ),
    ),
    row(
        "exits with multiple values",
        """(define (f x)
             (call-with-values
               (lambda ()
                 (let loop ((i 0) (y x))
                   (cond ((> y 9) (values i y))
                         ((= i 20) (values -1 0.0))
                         (else (loop (+ i 1) (* 1.3 y))))))
               (lambda (i y) (list i (* 2 y)))))""",
        "1.0",
        "0.01",
        "30.0",
    ),
    row(
        "bisection",
        """(define (f a)
             (let loop ((low 0.0) (high (+ 1 a)))
               (let ((middle (/ (+ low high) 2)))
                 (cond ((< (- high low) 1e-9) middle)
                       ((< (* middle middle middle) a) (loop middle high))
                       (else (loop low middle))))))""",
        "2.0",
        "27.0",
        to=_bisection,
    ),
    row(
        "the secant method",
        """(define (f a)
             (let loop ((x0 1.0) (x1 (+ 0.5 a)))
               (let ((f0 (- (* x0 x0) a)) (f1 (- (* x1 x1) a)))
                 (if (< (abs f1) 1e-10) x1 (loop x1 (- x1 (* f1 (/ (- x1 x0) (- f1 f0)))))))))""",
        "2.0",
        "7.0",
        to=math.sqrt,
        differentiable=True,
    ),
    row(
        "a loop whose result is the next loop's trips",
        """(define (f x)
             (let* ((n (let loop ((y x) (n 0)) (if (< y 1) n (loop (/ y 2) (+ n 1))))))
               (let loop ((i 0) (s 0.0)) (if (= i n) s (loop (+ i 1) (+ s (* i x)))))))""",
        "9.0",
        "100.0",
        to=lambda x: x * sum(range(math.floor(math.log2(x)) + 1)),
        differentiable=True,
    ),
    row(
        "two loops one after the other share a variable",
        """(define (f x)
             (let ((y x))
               (do ((i 0 (+ i 1))) ((= i 10)) (set! y (* 0.8 y)))
               (let loop () (when (< y 1.0) (set! y (* 1.7 y)) (loop)))
               y))""",
        "0.5",
        "20.0",
        differentiable=True,
    ),
    row(
        "a loop counts up and down at once",
        """(define (f n x)
             (do ((i 0 (+ i 1)) (j n (- j 1)) (s 0.0 (+ s (* i j x)))) ((> i j) s)))""",
        "9 0.5",
        "9 2.0",
        to=lambda n, x: x * sum(i * (n - i) for i in range(n // 2 + 1)),
    ),
    row(
        "mutual tail calls are one loop",
        """(define (f x)
             (define (up y n) (if (> y 10) (list y n) (down (* 3 y) (+ n 1))))
             (define (down y n) (if (> y 20) (list (- y) n) (up (* 0.7 y) (+ n 1))))
             (up x 0))""",
        "1.0",
        "7.0",
        "15.0",
    ),
    row(
        "a loop of known length over vectors",
        """(define (f v w)
             (let loop ((i 0) (s 0.0))
               (if (= i (vector-length v))
                   s
                   (loop (+ i 1) (+ s (* (vector-ref v i) (vector-ref w i)))))))""",
        "(vector 1.0 2.0) (vector 3.0 0.5)",
        "(vector 0.5 -2.0) (vector 1.0 1.5)",
        to=lambda v, w: v[0] * w[0] + v[1] * w[1],
    ),
    row(
        "the sum of a series to a tolerance",
        """(define (f x)
             (let loop ((n 1) (term 1.0) (s 0.0))
               (if (< (abs term) 1e-14) s (loop (+ n 1) (/ (* term x) n) (+ s term)))))""",
        "0.5",
        "-2.0",
        to=math.exp,
        differentiable=True,
    ),
    row(
        "a loop that would not end where it is not entered",
        """(define (f x)
             (if (> x 1)
                 (let loop ((y x) (n 0)) (if (> y 30) (+ y n) (loop (* y x) (+ n 1))))
                 (* 2 x)))""",
        "0.5",
        "0.25",
        to=lambda x: 2 * x,
        differentiable=True,
    ),
    row(
        "a loop after an escape would not end",
        """(define (f x)
             (call/ec
               (lambda (return)
                 (when (< x 1) (return (- x)))
                 (let loop ((y x)) (if (> y 30) y (loop (* y x)))))))""",
        "0.5",
        "2.0",
        "0.25",
        differentiable=True,
    ),
    row(
        "a recursion that would not end where it is not entered",
        """(define (walk y x) (if (> y 30) y (+ 1 (walk (* y x) x))))
           (define (f x) (if (> x 1) (walk x x) (- 1 x)))""",
        "0.5",
        "2.0",
        "0.25",
        differentiable=True,
    ),
]

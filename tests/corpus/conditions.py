"""Conditions on traced values, and forms built on ``if``."""

from __future__ import annotations

import math

from corpus import row

ROWS = [
    row(
        "if on a traced value",
        "(define (f x) (if (> x 0) (* x x) (- x)))",
        "3.0",
        "-2.0",
        to=lambda x: x * x if x > 0 else -x,
        differentiable=True,
    ),
    row(
        "nested ifs",
        "(define (f x) (if (> x 0) (if (> x 10) 10.0 x) (if (< x -10) -10.0 (/ x 2))))",
        "3.0",
        "-2.0",
        "30.0",
        "-30.0",
        to=lambda x: min(x, 10.0) if x > 0 else max(x / 2, -10.0) if x >= -10 else -10.0,
        differentiable=True,
    ),
    row(
        "if without else is for its effect",
        "(define (f x) (let ((y x)) (if (< x 1) (set! y 1.0)) y))",
        "0.25",
        "5.0",
        to=lambda x: max(x, 1.0),
    ),
    row(
        "the value of a condition that has no else",
        """(define (f x)
             (list (if (> x 0) (* x x)) (case (if (> x 1) 1 2) ((1) x) ((2) 20)) (when (< x 9) 'a)))""",
        "3.0",
        "0.5",
        to=lambda x: [x * x, x if x > 1 else 20, "a"],
        loses_exactness=True,
        lanes=False,
    ),
    row(
        "mistakes in a branch that is not taken",
        """(define v (vector 1.0 2.0))
           (define (f x)
             (cond ((> x 9) (+ (vector-ref v 2) x))
                   ((> x 8) (car (cddr (list x 2.0))))
                   ((> x 7) (hash-table-ref (make-hash-table) 'k))
                   ((> x 6) (quotient 5 (length '())))
                   (else (* x x))))""",
        "3.0",
        "-2.0",
        to=lambda x: x * x,
        differentiable=True,
    ),
    row(
        "cond with several tests and else",
        "(define (f x) (cond ((< x 0) (- x)) ((< x 1) (* x x)) ((< x 2) (sqrt x)) (else 9.5)))",
        "-1.5",
        "0.5",
        "1.5",
        "7.0",
        to=lambda x: -x if x < 0 else x * x if x < 1 else math.sqrt(x) if x < 2 else 9.5,
        differentiable=True,
    ),
    row(
        "cond with =>",
        "(define (f x) (cond ((assv 2 (list (cons 1 x) (cons 2 (* x x)))) => cdr) (else 0.0)))",
        "3.0",
        "4.0",
        to=lambda x: x * x,
        differentiable=True,
    ),
    row(
        "case on an exact integer",
        "(define (f k x) (case k ((0) x) ((1 2 3) (* x 10)) ((4) (- x)) (else 0.5)))",
        "0 2.0",
        "2 2.0",
        "4 2.0",
        "9 2.0",
        to=lambda k, x: {0: x, 4: -x}.get(k, 10 * x if k in (1, 2, 3) else 0.5),
    ),
    row(
        "case on a symbol",
        "(define (f kind x) (case kind ((square sq) (* x x)) ((neg) (- x)) (else x)))",
        "'sq 3.0",
        "'sq 4.0",
        to=lambda kind, x: x * x,
    ),
    row(
        "case on the rest of a division",
        "(define (f n) (case (modulo n 3) ((0) 'fizz) ((1) 'one) (else 'two)))",
        "7",
        to=lambda n: ["fizz", "one", "two"][n % 3],
    ),
    row(
        "and, or, not of traced comparisons",
        "(define (f x y) (if (and (> x 0) (or (> y 0) (not (< x 5)))) (* x y) (+ x y)))",
        "3.0 2.0",
        "3.0 -2.0",
        "7.0 -2.0",
        "-1.0 1.0",
        to=lambda x, y: x * y if x > 0 and (y > 0 or not x < 5) else x + y,
        differentiable=True,
    ),
    row(
        "the value of and is its last",
        "(define (f x) (list (and) (and x) (and 1 (* 2 x)) (and #f x) (and x #f)))",
        "3.0",
        "4.0",
        to=lambda x: [True, x, 2 * x, False, False],
    ),
    row(
        "the value of or is its first that is true",
        "(define (f x) (list (or) (or #f x) (or x 1) (or #f #f)))",
        "3.0",
        "4.0",
        to=lambda x: [False, x, x, False],
    ),
    row(
        "a truth value as result",
        "(define (f x y) (and (< x y) (not (= x 0))))",
        "1.0 2.0",
        "0.0 2.0",
        "3.0 2.0",
        to=lambda x, y: x < y and x != 0,
    ),
    row(
        "when and unless",
        """(define (f x)
             (let ((n 0.0))
               (when (> x 1) (set! n (+ n x)) (set! n (* n 2)))
               (unless (> x 5) (set! n (+ n 100)))
               n))""",
        "3.0",
        "7.0",
        "0.5",
        to=lambda x: (2 * x if x > 1 else 0.0) + (100 if x <= 5 else 0),
    ),
    row(
        "branches give lists of one length",
        "(define (f x) (if (> x 0) (list x 'a (* x 2)) (list 0.0 'a 1.0)))",
        "3.0",
        "-7.0",
        to=lambda x: [x, "a", 2 * x] if x > 0 else [0.0, "a", 1.0],
    ),
    row(
        "branches give vectors",
        "(define (f x) (if (> x 0) (vector x (- x)) (vector 1.0 2.0)))",
        "3.0",
        "-7.0",
        to=lambda x: [x, -x] if x > 0 else [1.0, 2.0],
    ),
    row(
        "branches give tensors",
        "(define (f x) (if (> (tensor-sum x) 0) (* x 2) (zeros 3)))",
        "(tensor 1.0 2.0 3.0)",
        "(tensor -1.0 -2.0 -3.0)",
        to=lambda x: 2 * x if x.sum() > 0 else 0 * x,
    ),
    row(
        "branches give closures of the same code",
        """(define (scaler k) (lambda (y) (* k y)))
           (define (f x) ((if (> x 0) (scaler x) (scaler 10.0)) 2))""",
        "3.0",
        "-7.0",
        to=lambda x: 2 * x if x > 0 else 20.0,
        differentiable=True,
    ),
    row(
        "a branch gives an exact number, the other an inexact one",
        "(define (f x) (if (> x 0) 1 x))",
        "3.0",
        "-7.5",
        to=lambda x: 1 if x > 0 else x,
        loses_exactness=True,
    ),
    row(
        "the exact integer decides which branch there is",
        "(define (f n x) (if (> n 2) (reshape x n 2) (reshape x 2 n)))",
        "3 (arange 6.0)",
        "3 (ones 6)",
        to=lambda n, x: x.reshape(n, 2),
    ),
    row(
        "an exact integer that is only a number compiles once",
        "(define (f n x) (if (even? n) (* n x) (+ n x)))",
        "3 1.5",
        "4 1.5",
        "1001 2.5",
        to=lambda n, x: n * x if n % 2 == 0 else n + x,
    ),
    row(
        "the branch not taken may fail for an exact integer",
        "(define (f n) (let ((v (vector 1.5 2.5))) (if (< n 2) (vector-ref v n) -1.0)))",
        "1",
        to=lambda n: [1.5, 2.5][n] if n < 2 else -1.0,
    ),
    row(
        "an exact integer chosen by a known condition is a size",
        "(define (f n x) (let ((k (if (> n 2) n 4))) (* x (ones k))))",
        "3 2.0",
        "3 5.0",
        to=lambda n, x: [x] * n,
    ),
    row(
        "a boolean argument chooses",
        "(define (f flag x) (if flag (sin x) (cos x)))",
        "#t 1.0",
        "#f 1.0",
        to=lambda flag, x: math.sin(x) if flag else math.cos(x),
    ),
    row(
        "comparisons of several numbers",
        "(define (f x y z) (list (< x y z) (<= x y y) (> z y) (= x x x)))",
        "1.0 2.0 3.0",
        "3.0 2.0 1.0",
        to=lambda x, y, z: [x < y < z, x <= y, z > y, True],
    ),
    row(
        "max, min, abs and sign predicates",
        "(define (f x y) (list (max x y) (min x y 0) (abs x) (positive? x) (zero? y)))",
        "1.5 -2.0",
        "-3.5 0.0",
        to=lambda x, y: [max(x, y), min(x, y, 0.0), abs(x), x > 0, y == 0],
    ),
]

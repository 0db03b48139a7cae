"""``map``, ``for-each``, folds, ``any`` and ``every`` over tensors, and on traced conditions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from corpus import row

SHORT, LONG = "(tensor 1.0 2.0 3.0)", "(linspace 0.0 1.0 20)"


def _halving(t: Any) -> float:
    return functools.reduce(lambda s, y: 0.5 * s + y, t.tolist(), 0.0)


def _running(t: Any) -> list[float]:
    sums = np.cumsum(t)
    return [float(sums[-1]), *(sums * t).tolist()]


ROWS = [
    row(
        "map over the elements of a tensor",
        "(define (f t) (map (lambda (y) (if (> y 0.5) (* y y) 0.0)) t))",
        LONG,
        "(linspace 1.0 0.0 20)",
        to=lambda t: [y * y if y > 0.5 else 0.0 for y in t.tolist()],
    ),
    row(
        "map over the rows of a matrix and a list",
        "(define (f m) (map (lambda (r k) (* k (tensor-sum (* r r)))) m '(1.0 2.0)))",
        "(tensor '((1.0 2.0) (3.0 4.0) (5.0 6.0)))",
        "(tensor '((0.5 0.0) (2.0 1.0) (5.0 6.0)))",
        to=lambda m: [float((m[0] ** 2).sum()), 2 * float((m[1] ** 2).sum())],
    ),
    row(
        "map over two tensors",
        "(define (f t u) (map (lambda (a b) (list (* a b) (+ a b))) t u))",
        f"{LONG} (linspace 1.0 3.0 15)",
        f"{LONG} (linspace 2.0 0.0 15)",
        to=lambda t, u: [[a * b, a + b] for a, b in zip(t[:15], u, strict=True)],
    ),
    row(
        "map over a tensor with assignments",
        """(define (f t)
             (let* ((n 0.0) (l (map (lambda (y) (set! n (+ n y)) (* n y)) t)))
               (cons n l)))""",
        LONG,
        "(linspace 1.0 0.5 20)",
        to=_running,
    ),
    row(
        "for-each over a tensor",
        "(define (f t) (let ((s 0.0)) (for-each (lambda (y) (set! s (+ (* 0.5 s) y))) t) s))",
        LONG,
        "(linspace 1.0 0.5 20)",
        to=_halving,
    ),
    row(
        "a fold over a tensor",
        "(define (f t) (fold (lambda (s y) (+ (* 0.5 s) y)) 0 t))",
        LONG,
        "(linspace 1.0 0.5 20)",
        to=_halving,
    ),
    row(
        "a fold over a short tensor",
        "(define (f t) (fold (lambda (s y) (+ (* 0.5 s) y)) 0.0 t))",
        SHORT,
        "(tensor 3.0 2.0 -1.0)",
        to=_halving,
    ),
    row(
        "a fold from the right over a tensor",
        "(define (f t) (fold-right (lambda (y s) (+ (* 0.5 s) y)) 0.0 t))",
        LONG,
        "(linspace 1.0 0.5 20)",
        to=lambda t: _halving(t[::-1]),
    ),
    row(
        "a fold that makes a list of a tensor",
        "(define (f t) (fold (lambda (l y) (cons (* 2.0 y) l)) '() t))",
        "(linspace 0.0 1.0 10)",
        "(linspace 1.0 0.0 10)",
        to=lambda t: (2 * t[::-1]).tolist(),
    ),
    row(
        "reduce over a tensor",
        "(define (f t) (list (reduce + 0.0 t) (reduce max t)))",
        LONG,
        "(linspace 1.0 0.5 20)",
        to=lambda t: [float(t.sum()), float(t.max())],
    ),
    row(
        "the gradient of a fold over a tensor",
        """(define (f x)
             (fold (lambda (s y) (* x (+ s y))) 0.0 (linspace 0.0 1.0 12 #:dtype 'float64)))""",
        "0.7",
        "1.1",
        differentiable=True,
    ),
    row(
        "an escape out of for-each over a tensor",
        """(define (f t)
             (call/ec (lambda (k) (for-each (lambda (y) (if (> y 0.6) (k (* 10.0 y)))) t) -1.0)))""",
        LONG,
        "(linspace 0.0 0.5 20)",
        to=lambda t: next((10 * float(y) for y in t if y > 0.6), -1.0),
    ),
    row(
        "an escape out of a fold over a tensor",
        """(define (f x)
             (call/ec (lambda (k)
               (fold (lambda (s y) (if (> s 3.0) (k (- s)) (+ s (* x y))))
                     0.0 (linspace 0.0 1.0 11)))))""",
        "0.1",
        "2.0",
        to=lambda x: 0.55 if x < 1 else -4.2,
    ),
    row(
        "any and every on traced conditions",
        """(define (f x)
             (list (any (lambda (y) (> (* x y) 4.0)) '(1.0 2.0))
                   (every (lambda (y z) (> (* x y) z)) '(1.0 2.0) '(4.0 5.0))
                   (any odd? '(2 4)) (every even? '())))""",
        "3.0",
        "5.0",
        "-2.0",
        to=lambda x: [2 * x > 4, x > 4 and 2 * x > 5, False, True],
    ),
    row(
        "any stops at the first true result",
        """(define (f x)
             (let ((n 0.0))
               (any (lambda (y) (set! n (+ n 1.0)) (> y x)) '(1.0 2.0 3.0))
               (every (lambda (y) (set! n (+ n 10.0)) (> y x)) '(1.0 2.0 3.0))
               n))""",
        "0.5",
        "1.5",
        "2.5",
        "3.5",
        to=lambda x: {0: 31.0, 1: 12.0, 2: 13.0, 3: 13.0}[int(x)],
    ),
    row(
        "any and every over a tensor",
        """(define (f t)
             (list (any (lambda (y) (> y 0.6)) t) (every (lambda (y) (< y 0.9)) t)))""",
        LONG,
        "(linspace 0.0 0.5 20)",
        to=lambda t: [bool((t > 0.6).any()), bool((t < 0.9).all())],
    ),
    row(
        "the results of any and every over a tensor, and how many",
        """(define (f t)
             (list (or (any (lambda (y) (and (> y 0.6) 'large)) t) 'none)
                   (or (every (lambda (y) (and (< y 0.9) 'small)) t) 'not)
                   (count (lambda (y) (> y 0.3)) t)))""",
        LONG,
        "(linspace 0.0 0.5 20)",
        "(linspace 0.7 0.8 20)",
        to=lambda t: [
            "large" if (t > 0.6).any() else "none",
            "small" if (t < 0.9).all() else "not",
            int((t > 0.3).sum()),
        ],
        lanes=False,
    ),
    row(
        "the first number that a test gives, and the last",
        """(define (f x)
             (let ((product (lambda (y) (and (> y x) (* x y)))))
               (+ (or (any product '(1.0 2.0 3.0)) -1.0)
                  (if (every product '(1.5 0.75)) 10.0 20.0)
                  (or (every product '(1.5 0.75)) -1.0))))""",
        "0.5",
        "1.25",
        "2.5",
        "3.5",
        to=lambda x: (
            next((x * y for y in [1, 2, 3] if y > x), -1.0) + (10 + 0.75 * x if x < 0.75 else 19.0)
        ),
        differentiable=True,
    ),
    row(
        "vector-map over the rows of a tensor",
        """(define (f t)
             (let ((squares (vector-map (lambda (x) (* x x)) t)))
               (vector-for-each (lambda (x) (if (> x 2.0) (vector-set! squares 0 x))) t)
               (+ (vector-ref squares 0) (vector-ref squares 9))))""",
        "(linspace 0.0 3.0 10)",
        "(linspace 0.0 1.0 10)",
        to=lambda t: (3.0 if t[9] > 2 else 0.0) + t[9] ** 2,
    ),
    row(
        "long lists of numbers and of tensors",
        """(define (f x)
             (let ((numbers (iota 100 0.5)) (tensors (map (lambda (i) (* i (ones 2))) (iota 70))))
               (+ (fold (lambda (s y) (+ s (* x y))) 0.0 numbers)
                  (apply + (map (lambda (y) (sin (* x y))) numbers))
                  (tensor-sum (fold-right (lambda (t s) (+ (* 0.5 s) (* x t))) (zeros 2) tensors))
                  (length (map (lambda (y) (if (= y 1.5) (zeros 2) (zeros 3))) numbers)))))""",
        "0.1",
        "0.25",
    ),
    row(
        "the first element, its place, and how many, by a traced predicate",
        """(define (f x)
             (let ((large? (lambda (y) (> y x))) (items '(1.0 3.0 2.0 5.0)))
               (list (or (find large? items) 0.0)
                     (or (list-index large? items) -1)
                     (count large? items)
                     (count (lambda (y z) (> (+ y z) x)) items '(1.0 1.0 9.0))
                     (any large? items)
                     (every large? items))))""",
        "2.5",
        "7.0",
        "0.5",
        to=lambda x: [
            next((y for y in [1, 3, 2, 5] if y > x), 0),
            next((i for i, y in enumerate([1, 3, 2, 5]) if y > x), -1),
            sum(y > x for y in [1, 3, 2, 5]),
            sum(y > x for y in [2, 4, 11]),
            x < 5,
            x < 1,
        ],
    ),
    row(
        "a number is true to what asks a predicate",
        """(import (only (srfi 1) filter-map))
           (define (f x)
             (let ((double (lambda (y) (and (even? y) (* x y)))) (items '(1 2 3 4)))
               (list (apply + (filter-map double items)) (length (filter double items))
                     (length (remove double items)) (find-tail double items)
                     (apply + (take-while (lambda (y) x) items)))))""",
        "2.5",
        "-1.0",
        to=lambda x: [6 * x, 2, 2, [2, 3, 4], 10],
    ),
    row(
        "the rest of a list, and the entry of a key, by a traced predicate",
        """(define entries '((1.0 . 10) (2.0 . 20) (3.0 . 30)))
           (define (near? x y) (< (abs (- x y)) 0.5))
           (define (f x)
             (let ((part (member x '(1.0 2.0 3.0) <)) (entry (assoc x entries near?)))
               (list (if part (* (car part) (length part)) 0.0)
                     (if entry (* x (cdr entry)) -1.0)
                     (apply + (or (find-tail (lambda (y) (> y x)) '(1.0 2.0 4.0)) '(0.0)))
                     (alist-ref entries x 5)
                     (member? x '(1.0 2.0))
                     (if (memv x '(2.0 3.0)) 1 2))))""",
        "1.2",
        "2.0",
        "9.0",
        to=lambda x: {
            1.2: [4.0, 12.0, 6.0, 5, False, 2],
            2.0: [3.0, 40.0, 4.0, 20, True, 1],
            9.0: [0.0, -1.0, 0.0, 5, False, 2],
        }[x],
    ),
    row(
        "the name that is found, and what a table has and gets there",
        """(define (f x)
             (let ((table (make-hash)) (name (find (lambda (k) (> x 1.0)) '(a))))
               (hash-set! table 'a 1.0)
               (hash-set! table 'b 2.0)
               (let ((key (if (> x 2.0) 'a 'b)))
                 (hash-set! table key x)
                 (hash-update! table key (lambda (y) (* y x))))
               (list (if name 1 0) (hash-ref table 'a) (hash-ref table 'b))))""",
        "1.5",
        "3.0",
        "0.5",
        to=lambda x: [int(x > 1), x * x if x > 2 else 1, 2 if x > 2 else x * x],
    ),
]

"""Lists, vectors, hash tables, strings, quotations and numbers as arguments and results."""

from __future__ import annotations

import math

from corpus import row


def _looked_at(i: int, j: int) -> list[float]:
    return [
        int((i, j) in [(1, 2), (2, 0), (0, 0)]),
        0,
        {(0, 1): 5.0, (2, 0): 7.0}.get((i, j), 0.5),
        0.0 if (i, j) == (0, 1) else 5.0,
        20.0 if (i, j) == (2, 0) else 7.0,
        {(0, 1): 1.5, (2, 0): 3.5}.get((i, j), 0.0),
        {(2, 0): 2.5, (7, 7): 0.5}.get((i, j), 4.0),
    ]


ROWS = [
    row(
        "quasiquote with unquote and splicing",
        "(define (f x) `(a ,x ,@(list x (* 2 x)) #(b ,(+ x 1)) . end))",
        "1.5",
        "2.0",
        to=None,
    ),
    row(
        "a list of lists",
        "(define (f x) (list (list x) '() (list 'a (list (* x x)))))",
        "1.5",
        "2.0",
        to=lambda x: [[x], [], ["a", [x * x]]],
    ),
    row(
        "a list as argument",
        "(define (f l) (let ((a (car l)) (b (cadr l))) (list b (* a b) (length l))))",
        "(list 1.5 2.5 'c)",
        "(list 3.0 4.0 'c)",
        to=lambda p: [p[1], p[0] * p[1], 3],
    ),
    row(
        "an association list",
        "(define (f a) (* (cdr (assq 'w a)) (cdr (assq 'x a))))",
        "(list (cons 'w 2.0) (cons 'x 3.0))",
        "(list (cons 'w 4.0) (cons 'x 0.5))",
        to=lambda a: a[0][1] * a[1][1],
    ),
    row(
        "a vector as argument and result",
        "(define (f v) (vector (vector-ref v 1) (vector-length v) (* 2 (vector-ref v 0))))",
        "(vector 1.5 2.5)",
        "(vector 3.0 4.0)",
        to=lambda v: [v[1], 2, 2 * v[0]],
    ),
    row(
        "a hash table as argument",
        "(define (f t) (+ (hash-ref t 'a) (* 2 (hash-ref t 'b))))",
        "(make-hash-from-alist '((a . 1.0) (b . 2.0)))",
        "(make-hash-from-alist '((a . 3.0) (b . 0.5)))",
        to=lambda t: t["a"] + 2 * t["b"],
    ),
    row(
        "a hash table as result",
        """(define (f x)
             (let ((t (make-hash)))
               (hash-set! t 'one x)
               (hash-set! t 'two (* 2 x))
               t))""",
        "1.5",
        "4.0",
        to=lambda x: {"one": x, "two": 2 * x},
    ),
    row(
        "a hash table written in a branch",
        """(define (f x)
             (let ((t (make-hash)))
               (hash-set! t 'a x)
               (if (> x 1) (hash-set! t 'a (* 10 x)))
               (hash-ref t 'a)))""",
        "1.5",
        "0.5",
        to=lambda x: 10 * x if x > 1 else x,
    ),
    row(
        "a pair whose parts change",
        "(define (f x) (let ((p (cons x 1.0))) (set-cdr! p (* 2 x)) (if (> x 1) (set-car! p 0.0)) p))",
        "1.5",
        "0.5",
        to=None,
    ),
    row(
        "a vector written in a branch",
        "(define (f x) (let ((v (vector x x))) (when (> x 1) (vector-set! v 1 (- x))) v))",
        "1.5",
        "0.5",
        to=lambda x: [x, -x if x > 1 else x],
    ),
    row(
        "strings and symbols choose what is computed",
        '(define (f name x) (if (string=? name "double") (* 2 x) (/ x 2)))',
        '"double" 3.0',
        '"double" 0.5',
        to=lambda name, x: 2 * x,
    ),
    row(
        "strings and symbols as results",
        '(define (f x s) (list (string-append s "!") \'sym #\\c x))',
        '1.0 "hi"',
        '2.0 "hi"',
        to=None,
    ),
    row(
        "exact integers stay exact",
        "(define (f n) (list (+ n 1) (* n n) (quotient n 3) (remainder n 3) (modulo (- n) 3)))",
        "10",
        "11",
        to=lambda n: [n + 1, n * n, n // 3, n % 3, -n % 3],
    ),
    row(
        "exact and inexact numbers meet",
        "(define (f n x) (list (+ n x) (* n 2.5) (exact->inexact n) (- n)))",
        "3 0.5",
        "4 1.5",
        to=lambda n, x: [n + x, n * 2.5, float(n), -n],
    ),
    row(
        "exact constants and rationals in a formula",
        "(define (f x) (+ (* 1/3 x) (/ x 4) (expt 2 10) 1/2))",
        "3.0",
        "1.5",
        to=lambda x: x / 3 + x / 4 + 1024.5,
        differentiable=True,
    ),
    row(
        "rounding to exact",
        "(define (f x) (list (floor x) (round x) (truncate x) (exact (floor x))))",
        "2.5",
        "-3.5",
        to=lambda x: [float(x // 1), float(round(x)), float(int(x)), int(x // 1)],
    ),
    row(
        "constants among the results",
        "(define (f x) (list 1 2.5 #t 'a \"s\" '() (if #f #f 7) x))",
        "2.5",
        "-3.5",
        to=lambda x: [1, 2.5, True, "a", "s", [], 7, x],
    ),
    row(
        "a result that does not depend on the arguments",
        "(define (f x) 42)",
        "2.5",
        "-3.5",
        to=lambda x: 42,
    ),
    row(
        "an argument is given back",
        "(define (f x l) (list l x l))",
        "2.5 '(1.0 a)",
        "-3.5 '(2.0 a)",
        to=lambda x, p: [p, x, p],
    ),
    row(
        "eqv? and equal? of numbers",
        "(define (f x n) (list (eqv? x 2.0) (equal? n 3) (eqv? n 3.0) (eq? 'a 'a)))",
        "2.0 3",
        "1.0 4",
        to=lambda x, n: [x == 2.0, n == 3, False, True],
    ),
    row(
        "equal? of lists, vectors and tensors",
        """(define (f x n t)
             (list (equal? (list n 'a 1) '(3 a 1)) (if (equal? (vector x n) #(2.0 3)) 1 2)
                   (equal? (cons n x) (cons n 2.0)) (equal? (list x) (list n)) (equal? t x)
                   (equal? t (tensor 2.0 3.0)) (equal? (list t "b") (list (* 1 t) "b"))
                   (equal? t (ones 3)) (eqv? t (tensor 2.0 3.0))))""",
        "2.0 3 (tensor 2.0 3.0)",
        "1.0 4 (tensor 2.0 4.0)",
        "2.0 4 (tensor 1.0 3.0)",
        to=lambda x, n, t: [
            n == 3,
            1 if (x, n) == (2.0, 3) else 2,
            x == 2.0,
            False,
            False,
            list(t) == [2.0, 3.0],
            True,
            False,
            False,
        ],
    ),
    row(
        "eq?, equal? and boolean=? of conditions",
        """(define (f x y)
             (let ((a (> x 0)) (b (> y 0)))
               (list (eq? a b) (eqv? a #t) (equal? a #f) (boolean=? a b #t) (eq? a 1)
                     (if (equal? (list a b) '(#t #f)) 1 2))))""",
        "2.0 3.0",
        "2.0 -3.0",
        "-2.0 -3.0",
        to=lambda x, y: [
            (x > 0) == (y > 0),
            x > 0,
            x <= 0,
            x > 0 and y > 0,
            False,
            1 if x > 0 and y <= 0 else 2,
        ],
    ),
    row(
        "equal? of NaN and of zeros with a sign",
        """(define (f x t)
             (list (eqv? x +nan.0) (equal? x 0.0) (equal? x -0.0) (equal? (list x) '(0.0))
                   (equal? t (tensor 0.0 +nan.0)) (eqv? x 0.0+1i)))""",
        "+nan.0 (tensor 0.0 +nan.0)",
        "0.0 (tensor -0.0 +nan.0)",
        "-0.0 (tensor 0.0 1.0)",
    ),
    row(
        "an association list gets another value under a key",
        "(define (f x n) (alist-set '((1 . 2) (3 . 4)) n x))",
        "2.0 3",
        to=lambda x, n: [[1, 2], [3, 2.0]],
    ),
    row(
        "places of a grid, searched in lists and tables",
        """(define walls '((1 2) (2 0) (0 0)))
           (define costs '(((0 (1)) . 1.5) ((2 (0)) . 3.5)))
           (define prices '((#(2 0) . 2.5) (#(7 7) . 0.5)))
           (define (look i j)
             (let ((values (make-hash-table)) (found (assoc (list i (list j)) costs)))
               (hash-set! values '(0 1) 5.0)
               (hash-set! values '(2 0) 7.0)
               (let ((before (hash-ref values (list i j) 0.5)))
                 (when (member (list i j) '((0 1) (2 0)))
                   (hash-set! values (list i j) (* 10.0 i)))
                 (list (if (member (list i j) walls) 1 0) (if (memv (list i j) walls) 1 0) before
                       (hash-ref values '(0 1)) (hash-ref values '(2 0))
                       (if found (cdr found) 0.0) (cdr (or (assoc (vector i j) prices) '(#(0 0) . 4.0)))))))
           (define (f x y) (look (exact (floor x)) (exact (floor y))))""",
        "0.5 1.25",
        "2.5 0.25",
        "1.5 2.25",
        "7.5 7.25",
        to=lambda x, y: _looked_at(int(x), int(y)),
    ),
    row(
        "divisors and roots of integers",
        """(define (f n m)
             (let-values (((root rest) (exact-integer-sqrt (* n n n n))))
               (list (gcd n m) (lcm n (modulo m 100)) (gcd n 12 m) (gcd m) (gcd) (lcm n) root rest
                     (call-with-values (lambda () (exact-integer-sqrt (abs m))) list))))""",
        "12 -18",
        "-7 0",
        "30000 9223372036854775807",
        to=lambda n, m: [
            math.gcd(n, m),
            math.lcm(n, m % 100),
            math.gcd(n, 12, m),
            abs(m),
            0,
            abs(n),
            n * n,
            0,
            [math.isqrt(abs(m)), abs(m) - math.isqrt(abs(m)) ** 2],
        ],
    ),
    row(
        "whole numbers among doubles, and quotients of doubles rounded down",
        """(define (shown x) (if (nan? x) 0.125 x))
           (define (f x y)
             (list (integer? x) (integer? y) (rational? x) (shown (floor-quotient x y))
                   (shown (modulo x y)) (shown (remainder x y))))""",
        "1.0 0.1",
        "-7.5 2.0",
        "+inf.0 0.5",
        "5.0 -inf.0",
        to=lambda x, y: [
            x.is_integer(),
            y.is_integer(),
            math.isfinite(x),
            *([x // y, x % y, math.fmod(x, y)] if math.isfinite(x) else [0.125] * 3),
        ],
    ),
    row(
        "predicates of kinds",
        "(define (f x n) (list (number? x) (real? n) (integer? n) (exact? n) (exact? x) (pair? x)))",
        "2.0 3",
        "1.5 4",
        to=lambda x, n: [True, True, True, True, False, False],
    ),
]

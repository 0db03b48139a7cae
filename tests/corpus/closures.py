"""Procedures as values: chosen, returned, carried, kept in data."""

from __future__ import annotations

import math

from corpus import row

ROWS = [
    row(
        "a closure chosen by a traced condition",
        """(define (scaled k) (lambda (y) (* k y)))
           (define (f x) ((if (> x 0) (scaled x) (scaled 3.0)) (+ x 1)))""",
        "2.0",
        "-2.0",
        to=lambda x: x * (x + 1) if x > 0 else 3 * (x + 1),
        differentiable=True,
    ),
    row(
        "a closure that a loop carries",
        """(define (line a b) (lambda (y) (+ (* a y) b)))
           (define (f x)
             (let loop ((i 0) (g (line x 1.0)))
               (if (= i 12) (g 2.0) (loop (+ i 1) (line (* 0.5 (g 1.0)) (g 0.0))))))""",
        "2.0",
        "-0.5",
        differentiable=True,
    ),
    row(
        "a closure that a loop with a traced end carries",
        """(define (scaled k) (lambda (y) (* k y)))
           (define (f x)
             (let loop ((g (scaled x)))
               (if (> (g 1.0) 50.0) (g 0.5) (loop (scaled (+ 1 (g 2.0)))))))""",
        "2.0",
        "70.0",
        differentiable=True,
    ),
    row(
        "procedures in a list, all applied",
        """(define (f x)
             (let ((steps (list sin (lambda (y) (* y y)) (lambda (y) (+ y x)))))
               (fold (lambda (acc g) (g acc)) x steps)))""",
        "2.0",
        "-0.5",
        to=lambda x: math.sin(x) ** 2 + x,
        differentiable=True,
    ),
    row(
        "procedures in a hash table",
        """(define (f name x)
             (let ((t (make-hash)))
               (hash-set! t 'double (lambda (y) (* 2 y)))
               (hash-set! t 'square (lambda (y) (* y y x)))
               ((hash-ref t name) (+ x 1))))""",
        "'square 2.0",
        "'square -0.5",
        to=lambda name, x: (x + 1) ** 2 * x,
    ),
    row(
        "a composition of a known number of procedures",
        """(define (compose-all . procedures)
             (if (null? procedures)
                 (lambda (x) x)
                 (let ((rest (apply compose-all (cdr procedures))))
                   (lambda (x) ((car procedures) (rest x))))))
           (define (f x) ((compose-all exp sin (lambda (y) (* 2 y))) x))""",
        "0.5",
        "-0.25",
        to=lambda x: math.exp(math.sin(2 * x)),
        differentiable=True,
    ),
    row(
        "a power of a procedure",
        """(define (power g n) (if (= n 0) (lambda (x) x) (lambda (x) (g ((power g (- n 1)) x)))))
           (define (f x) ((power (lambda (y) (+ y (* 0.1 x (sin y)))) 5) x))""",
        "0.5",
        "2.0",
        differentiable=True,
    ),
    row(
        "Church numerals",
        """(define ((zero s) z) z)
           (define (((successor n) s) z) (s ((n s) z)))
           (define (((plus m) n) s) (lambda (z) ((m s) ((n s) z))))
           (define three (successor (successor (successor zero))))
           (define (f x) ((((plus three) three) (lambda (y) (* x y))) 1.0))""",
        "1.5",
        "-1.0",
        to=lambda x: x**6,
        differentiable=True,
    ),
    row(
        "a pair of closures over one variable",
        """(define (make-cell value) (cons (lambda () value) (lambda (new) (set! value new))))
           (define (f x)
             (let ((cell (make-cell x)))
               (if (> x 1.0) ((cdr cell) (* x x)))
               (do ((i 0 (+ i 1))) ((= i 10)) ((cdr cell) (* 0.9 ((car cell)))))
               ((car cell))))""",
        "2.0",
        "0.5",
        to=lambda x: (x * x if x > 1 else x) * 0.9**10,
        differentiable=True,
    ),
    row(
        "messages to an object",
        """(define (make-accumulator)
             (let ((sum 0.0) (count 0))
               (lambda (message . arguments)
                 (case message
                   ((add) (set! sum (+ sum (car arguments))) (set! count (+ count 1)))
                   ((mean) (/ sum count))))))
           (define (f x y)
             (let ((a (make-accumulator)))
               (a 'add x)
               (if (> y 0) (a 'add y))
               (a 'mean)))""",
        "1.0 4.0",
        "1.0 -4.0",
        to=lambda x, y: (x + y) / 2 if y > 0 else x,
        differentiable=True,
    ),
    row(
        "a closure is the result of let over lambda over a loop",
        """(define (f x)
             (let* ((s (let loop ((y x)) (if (> y 5) y (loop (* 2 y)))))
                    (g (lambda (k) (+ s (* k x)))))
               (+ (g 1.0) (g -2.0))))""",
        "0.7",
        "8.0",
        differentiable=True,
    ),
    row(
        "a procedure that is its own argument",
        """(define (f x)
             ((lambda (self n y) (self self n y))
              (lambda (self n y) (if (= n 0) y (self self (- n 1) (* y (+ x n)))))
              4 1.0))""",
        "0.5",
        "2.0",
        to=lambda x: (x + 1) * (x + 2) * (x + 3) * (x + 4),
        differentiable=True,
    ),
    row(
        "the fixed point combinator",
        """(define (fix g) ((lambda (h) (h h)) (lambda (h) (g (lambda (x) ((h h) x))))))
           (define halving (fix (lambda (again) (lambda (x) (if (< x 1.0) x (+ 1 (again (/ x 2))))))))
           (define (f x) (halving x))""",
        "7.0",
        "0.5",
        differentiable=True,
    ),
    row(
        "a closure over a closure over an argument",
        """(define (f a b)
             (let* ((g (lambda (x) (* a x))) (h (lambda (x) (g (+ x b)))) (k (lambda (x) (h (g x)))))
               (k (if (> a b) a b))))""",
        "2.0 3.0",
        "3.0 -1.0",
        to=lambda a, b: a * (a * max(a, b) + b),
        differentiable=True,
    ),
    row(
        "a thunk is evaluated in the branch only",
        """(define (choose test then else) (if test (then) (else)))
           (define (f x) (choose (> x 0) (lambda () (sqrt x)) (lambda () (* x x))))""",
        "4.0",
        "-4.0",
        to=lambda x: math.sqrt(x) if x > 0 else x * x,
        differentiable=True,
    ),
    row(
        "a loop's closure keeps the value of its trip",
        """(define (f x)
             (let loop ((i 0) (y x) (kept (lambda () 0.0)))
               (if (= i 12)
                   (+ y (kept))
                   (loop (+ i 1) (sin y) (let ((old y)) (lambda () (* 0.5 old)))))))""",
        "4.0",
        "-0.5",
        differentiable=True,
    ),
    row(
        "named let as a value of higher order",
        """(define (iterate g stop?)
             (lambda (x) (let loop ((x x)) (if (stop? x) x (loop (g x))))))
           (define (f x k) ((iterate (lambda (y) (* k y)) (lambda (y) (> y 20.0))) x))""",
        "1.5 3.0",
        "7.0 1.25",
        differentiable=True,
    ),
    row(
        "a branch gives a list with a closure",
        """(define (f x)
             (let ((p (if (> x 0) (list x (lambda (y) (* x y))) (list 1.0 (lambda (y) (* x y))))))
               ((cadr p) (car p))))""",
        "2.0",
        "-3.0",
        to=lambda x: x * x if x > 0 else x,
        differentiable=True,
    ),
    row(
        "a chosen closure assigns an outer variable",
        """(define (f x)
             (let* ((n 0.0)
                    (adder (lambda (k) (lambda (d) (set! n (+ n (* k d))))))
                    (add (if (> x 0) (begin (set! n 5.0) (adder 2.0)) (adder x))))
               (add x)
               (do ((i 0 (+ i 1))) ((= i 12)) (add 1.0))
               (if (> x 1) (add 1.0))
               n))""",
        "2.0",
        "-2.0",
        to=lambda x: 5.0 + 2 * x + 26 if x > 0 else x * x + 12 * x,
        differentiable=True,
    ),
    row(
        "a branch makes a counter",
        """(define (counter start) (let ((n start)) (lambda (d) (set! n (+ n d)) n)))
           (define (f x)
             (let ((a (if (> x 0) (counter x) (counter 1.0))) (b (counter 0.0)))
               (b (a x))
               (* (a 1.0) (b 1.0))))""",
        "2.0",
        "-3.0",
        to=lambda x: (2 * x + 1) ** 2 if x > 0 else (x + 2) ** 2,
        differentiable=True,
    ),
    row(
        "a recursion gives a closure that assigns",
        """(define (f x)
             (let ((n 0.0))
               (define (find z)
                 (if (> z 10)
                     (lambda (d) (set! n (+ n (* z d))))
                     (let ((add (find (* 2 z)))) (add 1.0) add)))
               ((find x) x)
               ((find x) 1.0)
               n))""",
        "1.5",
        "6.5",
        to=lambda x: 12 * (3 + x + 4) if x < 2 else 13 * (2 + x + 1),
    ),
]

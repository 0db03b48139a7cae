"""Loops whose variables and values are of several kinds, and what escapes and handlers bring out."""

from __future__ import annotations

import math

from corpus import row


def _best(x: float) -> list[float]:
    place = max(range(12), key=lambda i: math.sin(i * x))
    return [math.sin(place * x), place]


ROWS = [
    row(
        "a loop variable that is a symbol until it is a number",
        """(define (f x)
             (let loop ((i 0.0) (last 'none))
               (if (> i 5.0)
                   (if (number? last) (* 2 last) x)
                   (loop (+ i 1.0) (if (> (* x i) 2.5) (* x i) last)))))""",
        "0.7",
        "1.1",
        "0.3",
        to=lambda x: 10 * x if 5 * x > 2.5 else x,
        differentiable=True,
    ),
    row(
        "the best so far, at first #f",
        """(define (f x)
             (let loop ((best #f) (i 0))
               (if (< i 20)
                   (let ((v (sin (* x i))))
                     (loop (if (or (not best) (> v best)) v best) (+ i 1)))
                   (or best 0.0))))""",
        "0.7",
        "-0.4",
        to=lambda x: max(math.sin(x * i) for i in range(20)),
    ),
    row(
        "the best so far in a variable",
        """(define (f x)
             (let ((best #f))
               (do ((i 0 (+ i 1))) ((= i 20) (or best 0.0))
                 (let ((v (sin (* x i))))
                   (when (or (not best) (> v best)) (set! best v))))))""",
        "0.7",
        "-0.4",
        to=lambda x: max(math.sin(x * i) for i in range(20)),
    ),
    row(
        "the best so far and its place in a list, a pair and a vector, at first #f",
        """(define (best-of make score x)
             (let loop ((best #f) (i 0))
               (if (= i 12)
                   best
                   (let ((value (sin (* i x))))
                     (loop (if (or (not best) (> value (score best))) (make value i) best)
                           (+ i 1))))))
           (define (f x)
             (list (car (best-of list car x)) (cdr (best-of cons car x))
                   (vector-ref (best-of vector (lambda (v) (vector-ref v 0)) x) 1)))""",
        "0.7",
        "2.0",
        to=lambda x: [*_best(x), _best(x)[1]],
    ),
    row(
        "a list that is computed once, in the first trip that needs it",
        """(define (f x)
             (let ((count 0.0) (kept #f))
               (define (value)
                 (car (or kept (begin (set! count (+ count x)) (set! kept (list count)) kept))))
               (do ((i 0 (+ i 1))
                    (sum 0.0 (if (> (* i x) 0.5) (+ sum (value) (value)) sum)))
                   ((= i 12) (+ sum (* 100 count))))))""",
        "0.2",
        "-1.3",
        to=lambda x: (2 * sum(i * x > 0.5 for i in range(12)) + 100 * (11 * x > 0.5)) * x,
        differentiable=True,
    ),
    row(
        "a search that ends with an index or #f",
        """(define (f x)
             (let loop ((i 0) (found #f))
               (if (or found (> i 9))
                   (if found (* 1.0 found) -1.0)
                   (loop (+ i 1) (if (> (* x i) 4) i #f)))))""",
        "1.5",
        "0.1",
        to=lambda x: next((float(i) for i in range(10) if x * i > 4), -1.0),
    ),
    row(
        "a state machine with a traced end",
        """(define (f x)
             (let loop ((state 'start) (y x) (n 0))
               (if (or (eq? state 'done) (> n 30))
                   y
                   (loop (if (> y 50) 'done 'going) (* y 1.5) (+ n 1)))))""",
        "0.7",
        "40.0",
        differentiable=True,
    ),
    row(
        "a state machine that counts its trips",
        """(define (f x)
             (do ((i 0 (+ i 1))
                  (sum 0.0 (+ sum (case state ((up) x) ((down) (- x)) (else 1.0))))
                  (state 'up (case state
                               ((up) (if (> (* x i) 3) 'down 'up))
                               ((down) (if (< sum 1) 'rest 'down))
                               (else 'up))))
                 ((= i 40) sum)))""",
        "0.7",
        "0.23",
        differentiable=True,
    ),
    row(
        "a loop that carries one of several procedures",
        """(define (f x)
             (do ((i 0 (+ i 1)) (g sin (if (> (g x) 0.3) cos sin))) ((= i 12) (g x))))""",
        "0.7",
        "0.1",
        differentiable=True,
    ),
    row(
        "a loop that ends with a number or a list, and an escape that does",
        """(define (g x)
             (let loop ((l '(1.0 2.0 3.0)) (s x))
               (cond ((null? l) s) ((> s 9.0) (list s)) (else (loop (cdr l) (+ s (car l)))))))
           (define (h x) (call/ec (lambda (k) (if (> x 4.0) (k (list x x))) x)))
           (define (first y) (if (pair? y) (car y) (- y)))
           (define (f x) (+ (first (g x)) (* 10 (first (h x)))))""",
        "2.0",
        "7.0",
        to=lambda x: -(x + 6) - 10 * x if x < 4 else x + 3 + 10 * x,
        differentiable=True,
    ),
    row(
        "an escape out of a loop gives no value, else there is a sum",
        """(define (f x n)
             (let ((sum (call/ec (lambda (return)
                          (do ((i 0 (+ i 1)) (s 0.0 (+ s x))) ((= i n) s)
                            (if (> s 9.0) (return #f)))))))
               (if sum (* 2 sum) -1.0)))""",
        "0.2 30",
        "2.0 30",
        to=lambda x, n: -1.0 if x * (n - 1) > 9 else 2.0 * x * n,
    ),
    row(
        "a handler gives no value, else a loop gives a sum",
        """(define (f x n)
             (let ((sum (guard (e ((eq? e 'large) #f))
                          (let loop ((i 0) (s 0.0))
                            (cond ((> s 9.0) (raise 'large))
                                  ((= i n) s)
                                  (else (loop (+ i 1) (+ s x))))))))
               (if sum (* 2 sum) -1.0)))""",
        "2.0 3",
        "2.0 30",
        to=lambda x, n: -1.0 if x * n > 9 else 2.0 * x * n,
    ),
    row(
        "what a handler gives is not asked for",
        """(define (f x)
             (let ((failures 0))
               (do ((i 0 (+ i 1))) ((= i 5) (* x failures))
                 (guard (e (#t #f)) (if (> x i) (raise 'small)) x)
                 (guard (e (#t (set! failures (+ failures 1)))) (if (> x i) (raise 'small)) x))))""",
        "2.5",
        "-1.0",
        to=lambda x: x * sum(x > i for i in range(5)),
    ),
    row(
        "a loop that finds nothing, beside a number",
        """(define (f x)
             (let ((found (if (> x 0) (let loop ((i 0)) (if (> (* i x) 4) #f (loop (+ i 1)))) x)))
               (if found (* found found) 0.5)))""",
        "1.5",
        "-1.5",
        to=lambda x: 0.5 if x > 0 else x * x,
    ),
    row(
        "a loop keeps a list of what is one of two kinds",
        """(define (f x)
             (let ((last '()))
               (do ((t 0.0 (+ t 1.0 (abs x)))) ((> t 3.0))
                 (if (< x 0.5) (set! last (list (if (< x 0.2) 'low 2.0) t))))
               (cond ((null? last) 5.0)
                     ((symbol? (car last)) (cadr last))
                     (else (* (car last) (cadr last))))))""",
        "0.1",
        "0.3",
        "0.7",
        to=lambda x: 5.0 if x >= 0.5 else (math.floor(3 / (1 + x)) * (1 + x)) * (1 + (x >= 0.2)),
    ),
    row(
        "the best so far is an empty list at first",
        """(define (f x n)
             (let ((best '()))
               (do ((i 0 (+ i 1))) ((= i n) (if (null? best) (list 0.0 -1) best))
                 (let ((y (sin (* i x))))
                   (if (and (> y 0.5) (or (null? best) (> y (car best)))) (set! best (list y i)))))))""",
        "0.3 10",
        "0.01 10",
        to=lambda x, n: max(
            [[math.sin(i * x), i] for i in range(n) if math.sin(i * x) > 0.5], default=[0.0, -1]
        ),
    ),
    row(
        "a trip goes on with what a test has found to be a number",
        """(define (f x)
             (let loop ((last 0.0) (i 0))
               (let ((next (if (> i x) #f (* x i))))
                 (if next (loop next (+ i 1)) last))))""",
        "2.5",
        "0.3",
        "-1.0",
        to=lambda x: x * math.floor(x) if x >= 0 else 0.0,
        differentiable=True,
    ),
]

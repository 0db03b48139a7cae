"""Multiple values, records, ``case-lambda``, promises, parameters, and what only eager code throws."""

from __future__ import annotations

import math

from corpus import row

POINT = """(define-record-type point (make-point x y) point?
             (x point-x set-point-x!) (y point-y set-point-y!))"""


def _point_of_circle(r: float) -> float:
    x = math.sqrt((r + math.sqrt(r * r - 4)) / 2)
    return x + 10 / x + 1


ROWS = [
    row(
        "multiple values of a branch",
        """(define (f x)
             (let-values (((a b) (if (> x 0) (values x (* x x)) (values (- x) 1.0)))) (+ a b)))""",
        "3.0",
        "-2.0",
        to=lambda x: x + x * x if x > 0 else 1 - x,
        differentiable=True,
    ),
    row(
        "multiple values in a loop",
        """(define (f x)
             (let loop ((i 0) (a x) (b 1.0))
               (if (= i 12) (+ a b)
                   (let-values (((a b) (values (* 0.5 (+ a b)) (* 0.5 (- a b)))))
                     (loop (+ i 1) a b)))))""",
        "3.0",
        "-2.0",
        differentiable=True,
    ),
    row(
        "receive and define-values",
        """(define (f x)
             (define-values (s c) (values (sin x) (cos x)))
             (receive (first . rest) (values s c (* s c)) (apply + first rest)))""",
        "0.5",
        "1.5",
        to=lambda x: math.sin(x) + math.cos(x) + math.sin(x) * math.cos(x),
        differentiable=True,
    ),
    row(
        "a loop goes on in the procedure that takes values",
        """
        (define (newton at x y)
          (let loop ((x x) (y y) (trips 0))
            (call-with-values (lambda () (at x y))
              (lambda (u v . more)
                (if (or (< (+ (abs u) (abs v)) 1e-12) (= trips 200))
                    (+ x (* 10 y) (length more))
                    (let ((det (- (* 2 x x) (* 2 y y))))
                      (loop (- x (/ (- (* x u) (* 2 y v)) det))
                            (- y (/ (- (* 2 x v) (* y u)) det))
                            (+ trips 1))))))))
        (define (f r)
          (newton (lambda (x y) (values (- (+ (* x x) (* y y)) r) (- (* x y) 1) 'third)) 2.0 0.5))
        """,
        "4.0",
        "9.0",
        to=_point_of_circle,
        differentiable=True,
    ),
    row(
        "values taken by call-with-values",
        "(define (f x) (call-with-values (lambda () (values x 2.0 (* x x))) +))",
        "3.0",
        "-1.0",
        to=lambda x: x + 2 + x * x,
        differentiable=True,
    ),
    row(
        "case-lambda with clauses of several counts",
        """(define area
             (case-lambda ((r) (* 3.0 r r)) ((a b) (* a b)) ((a b . more) (apply * a b more))))
           (define (f x) (+ (area x) (area x 2.0) (area x x 2.0 0.5)))""",
        "2.0",
        "-1.5",
        to=lambda x: 3 * x * x + 2 * x + x * x,
        differentiable=True,
    ),
    row(
        "case-lambda that calls itself under a traced condition",
        """(define power (case-lambda ((x) (power x 5)) ((x n) (if (= n 0) 1.0 (* x (power x (- n 1)))))))
           (define (f x) (if (> x 0) (power x) (power x 2)))""",
        "2.0",
        "-1.5",
        to=lambda x: x**5 if x > 0 else x**2,
        differentiable=True,
    ),
    row(
        "a record as argument",
        POINT + "(define (f p) (* (point-x p) (+ 1.0 (point-y p))))",
        "(make-point 2.0 3.0)",
        "(make-point -1.0 0.5)",
    ),
    row(
        "a record that branches make",
        POINT
        + """(define (f x)
               (let ((p (if (> x 0) (make-point x 1.0) (make-point 2.0 x))))
                 (* (point-x p) (point-y p))))""",
        "3.0",
        "-2.0",
        to=lambda x: x if x > 0 else 2 * x,
        differentiable=True,
    ),
    row(
        "a record that a branch changes",
        POINT
        + """(define (f x)
               (let ((p (make-point x 1.0)))
                 (if (> x 0) (set-point-y! p (* x x)) (set-point-x! p 0.5))
                 (+ (point-x p) (point-y p))))""",
        "3.0",
        "-2.0",
        to=lambda x: x + x * x if x > 0 else 1.5,
        differentiable=True,
    ),
    row(
        "a record that a loop carries",
        POINT
        + """(define (f x)
               (let loop ((i 0) (p (make-point x 0.0)))
                 (if (= i 15) (point-y p)
                     (loop (+ i 1) (make-point (* 0.5 (point-x p))
                                               (+ (point-x p) (point-y p)))))))""",
        "3.0",
        "-2.0",
        to=lambda x: x * 2 * (1 - 0.5**15),
        differentiable=True,
    ),
    row(
        "a record that a loop changes",
        POINT
        + """(define (f x)
               (let ((p (make-point x 0.0)))
                 (do ((i 0 (+ i 1))) ((= i 15) (point-y p))
                   (set-point-y! p (+ (point-y p) (point-x p))))))""",
        "3.0",
        "-2.0",
        to=lambda x: 15 * x,
        differentiable=True,
    ),
    row(
        "what a promise does happens once, in a branch, a loop or after them",
        """(define (f x)
             (let* ((n 0) (p (delay (begin (set! n (+ n 1)) (* n x)))) (q (delay-force p)))
               (if (> x 0) (force q))
               (let loop ((s 0.0))
                 (if (< s 10) (loop (+ s (abs (force p)) 1)) (list n s (force q) n)))))""",
        "2.0",
        "-1.0",
        to=lambda x: [1, 12.0 if x == 2.0 else 10.0, x, 1],
    ),
    row(
        "a stream made of itself",
        """(define (powers x)
             (define s (cons-stream x (multiples s)))
             (define (multiples t) (cons-stream (* x (stream-car t)) (multiples (stream-cdr t))))
             s)
           (define (f x) (stream-ref (if (> x 0) (powers x) (powers (* 2 x))) 4))""",
        "2.0",
        "-1.0",
        to=lambda x: x**5 if x > 0 else (2 * x) ** 5,
        differentiable=True,
    ),
    row(
        "a promise forced in a branch and after it",
        """(define (f x)
             (let ((p (delay (* x x)))) (+ (if (> x 0) (force p) 1.0) (force p))))""",
        "3.0",
        "-2.0",
        to=lambda x: 2 * x * x if x > 0 else 1 + x * x,
        differentiable=True,
    ),
    row(
        "a promise that assigns a variable is computed once",
        """(define (f x)
             (let* ((y x) (p (delay (begin (set! y (+ y 1)) (list y)))))
               (define (value) (car (force p)))
               (let* ((a (if (> x 0) (value) 0.5)) (b (if (< x 9) (+ (value) (value)) 0.25)))
                 (+ a (* 10 b) (* 100 (value)) (* 1000 y)))))""",
        "3.0",
        "-2.0",
        "10.0",
        to=lambda x: (
            (x + 1 if x > 0 else 0.5) + 10 * (2 * x + 2 if x < 9 else 0.25) + 1100 * (x + 1)
        ),
        differentiable=True,
    ),
    row(
        "promises that assign a variable, forced in trips of a loop",
        """(define (f x)
             (let* ((y x) (p (delay (begin (set! y (* 2 y)) y)))
                    (q (delay-force (begin (set! y (+ y 1)) p))))
               (do ((i 0 (+ i 1))
                    (s 0.0 (if (> (* i x) 8) (+ s (force p) (force q)) s)))
                   ((= i 12) (+ s y)))))""",
        "3.0",
        "0.9",
        "-2.0",
        differentiable=True,
    ),
    row(
        "a stream",
        """(define (powers x) (let from ((y x)) (cons-stream y (from (* x y)))))
           (define (f x) (apply + (stream-head (powers x) 4)))""",
        "0.5",
        "-2.0",
        to=lambda x: x + x**2 + x**3 + x**4,
        differentiable=True,
    ),
    row(
        "streams made of streams",
        """(define (from n) (cons-stream n (from (+ n 1))))
           (define (f x)
             (let ((odd (stream-filter odd? (from 1))) (sum 0.0))
               (stream-for-each (lambda (n) (set! sum (+ sum n)))
                                (stream-map (lambda (a b) (* a b x)) odd (cons-stream x '())))
               (apply + sum (stream-head (stream-map (lambda (n) (* n x)) odd) 3))))""",
        "0.5",
        "-2.0",
        to=lambda x: 9 * x + x**2,
        differentiable=True,
    ),
    row(
        "a parameter bound to what is traced",
        """(define (f x)
             (let* ((scale (make-parameter 2.0)) (scaled (lambda (x) (* x (scale)))))
               (+ (scaled x) (parameterize ((scale (* x x))) (scaled x)))))""",
        "3.0",
        "-2.0",
        to=lambda x: 2 * x + x**3,
        differentiable=True,
    ),
    row(
        "an escape whose place is known",
        """(define (f x)
             (call/ec (lambda (return)
               (for-each (lambda (k) (if (= k 3) (return (* k x)))) '(1 2 3 4))
               0.0)))""",
        "3.0",
        "-2.0",
        to=lambda x: 3 * x,
        differentiable=True,
    ),
    row(
        "a condition whose place is known",
        """(define (f x)
             (guard (e ((symbol? e) (* 2.0 x)) ((number? e) (* e x)))
               (dynamic-wind void (lambda () (raise 5.0)) void)))""",
        "3.0",
        "-2.0",
        to=lambda x: 5 * x,
        differentiable=True,
    ),
    row(
        "a handler that goes on with a traced value",
        """(define (f x)
             (with-exception-handler (lambda (e) (* e x))
               (lambda () (+ 1.0 (raise-continuable 2.0) (raise-continuable x)))))""",
        "3.0",
        "-2.0",
        to=lambda x: 1 + 2 * x + x * x,
        differentiable=True,
    ),
    row(
        "a handler that goes on in a branch",
        """(define (f x)
             (with-exception-handler (lambda (e) (if (> e 4.0) (* e x) (- e)))
               (lambda () (if (> x 0.0) (+ 1.0 (raise-continuable x)) (* 2.0 x)))))""",
        "3.0",
        "5.0",
        "-2.0",
        to=lambda x: (1 + x * x if x > 4 else 1 - x) if x > 0 else 2 * x,
        differentiable=True,
    ),
    row(
        "a handler that goes on in the trips of a loop",
        """(define (f x)
             (with-exception-handler (lambda (e) (* 0.5 e))
               (lambda ()
                 (let loop ((y x) (s 0.0))
                   (if (> y 1.0) (loop (raise-continuable y) (+ s y)) s)))))""",
        "3.0",
        "10.0",
        "-2.0",
        to=lambda x: sum(x / 2**k for k in range(9) if x / 2**k > 1),
    ),
]

"""Higher-order procedures, optional and rest arguments, macros, recursion."""

from __future__ import annotations

import math

from corpus import row

ROWS = [
    row(
        "map over a list",
        "(define (f l k) (map (lambda (x) (* x k)) l))",
        "'(1.0 2.0 3.0) 2.0",
        "'(4.0 5.0 6.0) 0.5",
        to=lambda items, k: [x * k for x in items],
    ),
    row(
        "map over two lists",
        "(define (f a b) (map (lambda (x y) (- (* x x) y)) a b))",
        "'(1.0 2.0) '(3.0 4.0)",
        "'(0.5 1.5) '(2.5 3.5)",
        to=lambda a, b: [x * x - y for x, y in zip(a, b, strict=True)],
    ),
    row(
        "fold and fold-right",
        """(define (f l)
             (list (fold (lambda (acc x) (- x acc)) 0.0 l)
                   (fold-right (lambda (x acc) (- x acc)) 0.0 l)))""",
        "'(1.0 2.0 4.0)",
        "'(3.0 5.0 0.5)",
        to=lambda p: [p[2] - (p[1] - p[0]), p[0] - (p[1] - p[2])],
    ),
    row(
        "for-each with an effect on a variable",
        "(define (f l) (let ((s 0.0)) (for-each (lambda (x) (set! s (+ s (* x x)))) l) s))",
        "'(1.0 2.0 4.0)",
        "'(3.0 5.0 0.5)",
        to=lambda items: sum(x * x for x in items),
    ),
    row(
        "vector-map and vector-fold",
        """(define (f v)
             (let ((w (vector-map (lambda (x) (if (> x 1) x (* 10 x))) v)))
               (list w (vector-fold + 0.0 w))))""",
        "(vector 0.5 2.0)",
        "(vector 3.0 0.25)",
        to=lambda v: [[x if x > 1 else 10 * x for x in v], sum(x if x > 1 else 10 * x for x in v)],
    ),
    row(
        "filter by what is known",
        "(define (f x) (map (lambda (i) (* i x)) (filter odd? (iota 6))))",
        "2.0",
        "0.5",
        to=lambda x: [x, 3 * x, 5 * x],
    ),
    row(
        "apply with a list of arguments",
        "(define (f x . more) (apply + x 10 (map square more)))",
        "1.0 2.0 3.0",
        "0.5 1.0 2.0",
        to=lambda x, *more: x + 10 + sum(y * y for y in more),
        differentiable=True,
    ),
    row(
        "compose and partial application",
        """(define (adder k) (lambda (x) (+ x k)))
           (define (f x) ((compose (adder x) square (adder 1)) 2.0))""",
        "3.0",
        "0.5",
        to=lambda x: 9.0 + x,
        differentiable=True,
    ),
    row(
        "an optional argument that is left out",
        "(define (f x (alpha 0.01)) (if (> x 0) x (* alpha x)))",
        "-2.0",
        "3.0",
        to=lambda x: x if x > 0 else 0.01 * x,
        differentiable=True,
    ),
    row(
        "an optional argument that is given",
        "(define (f x (alpha 0.01)) (if (> x 0) x (* alpha x)))",
        "-2.0 0.5",
        "3.0 0.25",
        to=lambda x, alpha: x if x > 0 else alpha * x,
        differentiable=True,
    ),
    row(
        "a default that is computed from the arguments before",
        "(define (g x (y (* 2 x)) (z (+ x y))) (list x y z)) (define (f x) (append (g x) (g x 1.0)))",
        "3.0",
        "0.5",
        to=lambda x: [x, 2 * x, 3 * x, x, 1.0, x + 1],
    ),
    row(
        "keyword arguments by name",
        "(define (g x (scale 1.0) (shift 0.0)) (+ (* x scale) shift))"
        "(define (f x) (g x #:shift 5.0))",
        "3.0",
        "0.5",
        to=lambda x: x + 5.0,
        differentiable=True,
    ),
    row(
        "a keyword of the name of a captured variable",
        """(define (h #:scale scale)
             (define (g x #:scale (s scale)) (* x s scale))
             (+ (g 2.0) (g 1.0 #:scale (* 2 scale))))
           (define (f x) (h #:scale x))""",
        "3.0",
        "0.5",
        to=lambda x: 4 * x * x,
        differentiable=True,
    ),
    row(
        "rest arguments are a list",
        "(define (f x . more) (list x (length more) more))",
        "1.0 2.0 3.0",
        "4.0 5.0 6.0",
        to=lambda x, *more: [x, len(more), list(more)],
    ),
    row(
        "a procedure that takes any number of arguments",
        "(define (g . all) (fold max 0.0 all)) (define (f x) (g x (* x x) 1))",
        "3.0",
        "0.5",
        to=lambda x: max(x, x * x, 1.0),
        differentiable=True,
    ),
    row(
        "a procedure that gives a procedure",
        "(define ((curried a) b) (- a (* 2 b))) (define (f x y) ((curried x) y))",
        "3.0 1.0",
        "0.5 2.0",
        to=lambda x, y: x - 2 * y,
        differentiable=True,
    ),
    row(
        "recursion on an exact integer",
        "(define (f n) (if (= n 0) 1 (* n (f (- n 1)))))",
        "10",
        to=math.factorial,
    ),
    row(
        "tree recursion on an exact integer",
        "(define (f n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2)))))",
        "9",
        to=lambda n: [0, 1, 1, 2, 3, 5, 8, 13, 21, 34][n],
    ),
    row(
        "recursion on an exact integer over a traced number",
        "(define (f n x) (cond ((zero? n) 1.0) ((odd? n) (* x (f (- n 1) x)))"
        " (else (square (f (quotient n 2) x)))))",
        "10 1.5",
        "10 0.5",
        to=lambda n, x: x**n,
    ),
    row(
        "recursion over a list",
        """(define (f l)
             (if (null? l) '() (cons (* 2 (car l)) (f (cdr l)))))""",
        "'(1.0 2.0 3.0)",
        "'(4.0 5.0 6.0)",
        to=lambda items: [2 * x for x in items],
    ),
    row(
        "mutual recursion on an exact integer",
        """(define (f n) (letrec ((even (lambda (n) (if (= n 0) 'even (odd (- n 1)))))
                                 (odd (lambda (n) (if (= n 0) 'odd (even (- n 1))))))
             (even n)))""",
        "7",
        to=lambda n: "odd" if n % 2 else "even",
    ),
    row(
        "a macro that swaps",
        """(define-syntax swap!
             (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))
           (define (f x tmp) (let ((other x)) (swap! other tmp) (list other tmp)))""",
        "1.0 2.0",
        "3.0 4.0",
        to=lambda x, tmp: [tmp, x],
    ),
    row(
        "a macro that loops",
        """(define-syntax while
             (syntax-rules () ((_ test body ...) (let loop () (when test body ... (loop))))))
           (define (f x) (let ((n 0)) (while (> x 1) (set! x (/ x 2)) (set! n (+ n 1))) (list n x)))""",
        "10.0",
        "0.5",
        to=lambda x: _halvings(x),
    ),
    row(
        "a macro with nested ellipses",
        """(define-syntax sums
             (syntax-rules () ((_ (name x ...) ...) (list (cons 'name (+ x ...)) ...))))
           (define (f x) (map cdr (sums (a x 1) (b x x 2) (c))))""",
        "1.5",
        "2.5",
        to=lambda x: [x + 1, 2 * x + 2, 0],
    ),
    row(
        "a macro that counts with an accumulator",
        """(define-syntax horner
             (syntax-rules () ((_ x acc) acc) ((_ x acc c rest ...) (horner x (+ c (* x acc)) rest ...))))
           (define (f x) (horner x 0 1.0 -2.0 3.0 -4.0))""",
        "1.5",
        "2.5",
        to=lambda x: ((x - 2) * x + 3) * x - 4,
        differentiable=True,
    ),
    row(
        "sort what is known",
        "(define (f x) (map (lambda (p) (* x (cdr p))) (sort '((b . 2) (a . 1)) (lambda (p q) "
        "(symbol<? (car p) (car q))))))",
        "3.0",
        "0.5",
        to=lambda x: [x, 2 * x],
    ),
    row(
        "multiple values",
        "(define (f x) (call-with-values (lambda () (values x (* 2 x))) (lambda (a b) (- b a))))",
        "3.0",
        "0.5",
        to=lambda x: x,
        differentiable=True,
    ),
]


def _halvings(x: float) -> list[float]:
    n = 0
    while x > 1:
        x, n = x / 2, n + 1
    return [n, x]

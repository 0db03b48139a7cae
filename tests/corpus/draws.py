"""Random numbers from a key of their own, and vectors and lists of what is traced."""

from __future__ import annotations

from corpus import row

KEYED = "(define (f x) (call-with-rng 11 (lambda () {})))"

ROWS = [
    row("one draw", KEYED.format("(* x (random))"), "2.0", "-0.5", differentiable=True),
    row(
        "a draw in each branch",
        KEYED.format("(if (> x 0) (+ x (random)) (- x (* 2 (random))))"),
        "2.0",
        "-0.5",
        differentiable=True,
    ),
    row(
        "draws in a counting loop",
        KEYED.format("(do ((i 0 (+ i 1)) (y x (+ y (* 0.1 y (random))))) ((= i 12) y))"),
        "2.0",
        "-0.5",
        differentiable=True,
    ),
    row(
        "draws in a loop with a traced end",
        KEYED.format(
            "(let loop ((y x) (n 0)) (if (> y 5) (list n y) (loop (+ y (random)) (+ n 1))))"
        ),
        "2.0",
        "4.5",
        "7.0",
    ),
    row(
        "draws in a recursion",
        "(define (walk x) (if (< x 1.0) (random) (+ x (walk (- x 1.0)))))"
        + KEYED.format("(walk x)"),
        "2.5",
        "0.5",
        "4.5",
        differentiable=True,
    ),
    row(
        "a number of draws that depends on a branch",
        KEYED.format("(let ((a (if (> x 0) (+ (random) (random)) x))) (+ a (random)))"),
        "2.0",
        "-2.0",
    ),
    row(
        "rejection of draws",
        KEYED.format("(let again ((u (random))) (if (< u x) u (again (random))))"),
        "0.5",
        "0.1",
    ),
    row(
        "keys from a split",
        """(define (f x)
             (let* ((keys (split-rng 3 2)) (draw (lambda (key) (call-with-rng key random))))
               (- (* x (draw (car keys))) (draw (cadr keys)))))""",
        "2.0",
        "-0.5",
        differentiable=True,
    ),
    row(
        "a key for each trip, folded with its number",
        """(define (f x)
             (do ((i 0 (+ i 1)) (sum x (+ (* 0.5 sum) (with-rng (fold-in 7 i) (random)))))
                 ((= i 12) sum)))""",
        "2.0",
        "-0.5",
        differentiable=True,
    ),
    row(
        "a key that a traced loop carries",
        """(define (f x)
             (let loop ((key (fold-in 7 0)) (sum x))
               (if (> sum 4.0)
                   (* sum sum)
                   (let ((keys (split-rng key)))
                     (loop (car keys) (+ sum (with-rng (cadr keys) (random))))))))""",
        "2.0",
        "-0.5",
        differentiable=True,
    ),
    row(
        "vector-map with a condition",
        """(define (f a b)
             (vector-map (lambda (x) (cond ((> x 1) (- x 1)) ((< x -1) (+ x 1)) (else 0.0)))
                         (vector a b (* a b))))""",
        "2.0 0.5",
        "-3.0 4.0",
        to=lambda a, b: [max(x - 1, 0) + min(x + 1, 0) for x in (a, b, a * b)],
    ),
    row(
        "a vector reversed and folded",
        """(define (f a b)
             (let ((v (list->vector (reverse (vector->list (vector a b 3.0))))))
               (vector-fold (lambda (acc x) (+ x (* 2 acc))) 0.0 v)))""",
        "2.0 0.5",
        "-3.0 4.0",
        to=lambda a, b: 4 * 3.0 + 2 * b + a,
        differentiable=True,
    ),
    row(
        "the largest of a list with its place",
        """(define (f a b c)
             (let loop ((l (list a b c)) (i 0) (best -1e9) (at -1))
               (cond ((null? l) (list at best))
                     ((> (car l) best) (loop (cdr l) (+ i 1) (car l) i))
                     (else (loop (cdr l) (+ i 1) best at)))))""",
        "2.0 0.5 3.0",
        "4.0 5.0 1.0",
        to=lambda *v: [max(range(3), key=lambda i: v[i]), max(v)],
    ),
    row(
        "insertion sort of a list",
        """(define (insert x l)
             (if (null? l)
                 (list x)
                 (let ((first (car l)))
                   (if (< x first) (cons x l) (cons first (insert x (cdr l)))))))
           (define (f a b c) (fold (lambda (acc x) (insert x acc)) '() (list a b c)))""",
        "2.0 0.5 3.0",
        "4.0 5.0 1.0",
        to=lambda *v: sorted(v),
    ),
    row(
        "a polynomial's coefficients multiplied",
        """(define (f x)
             (let ((p (list 1.0 x)) (product (make-vector 3 0.0)))
               (for-each
                 (lambda (a i)
                   (for-each
                     (lambda (b j) (vector-set! product (+ i j) (+ (* a b) (vector-ref product (+ i j)))))
                     p '(0 1)))
                 p '(0 1))
               product))""",
        "2.0",
        "-0.5",
        to=lambda x: [1.0, 2 * x, x * x],
    ),
    row(
        "a matrix of lists times a vector",
        """(define (f a b)
             (map (lambda (row) (apply + (map * row (list a b)))) '((1.0 2.0) (3.0 -4.0))))""",
        "2.0 0.5",
        "-3.0 4.0",
        to=lambda a, b: [a + 2 * b, 3 * a - 4 * b],
    ),
    row(
        "partial sums of a list",
        """(define (f a b)
             (let loop ((l (list a b (* a b))) (s 0.0) (made '()))
               (if (null? l) (reverse made)
                   (let ((t (+ s (car l)))) (loop (cdr l) t (cons t made))))))""",
        "2.0 0.5",
        "-3.0 4.0",
        to=lambda a, b: [a, a + b, a + b + a * b],
    ),
    row(
        "Horner's rule on a vector",
        """(define (f x)
             (let ((c #(1.0 -2.0 0.5 3.0)))
               (do ((i 3 (- i 1)) (s 0.0 (+ (* s x) (vector-ref c i)))) ((< i 0) s))))""",
        "2.0",
        "-0.5",
        to=lambda x: 1 - 2 * x + 0.5 * x * x + 3 * x**3,
        differentiable=True,
    ),
]

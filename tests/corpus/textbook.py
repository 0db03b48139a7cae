"""Programs as textbooks have them: data structures at traced places, streams, sorts, tables."""

from __future__ import annotations

import math

import numpy as np

from corpus import row


def _binned(a: float, b: float, c: float) -> list[int]:
    return [sum(math.floor(x) == k for x in (a, b, c)) for k in range(3)]


def _harmonic(x: float) -> int:
    total, n = 0.0, 0
    while total <= x:
        n += 1
        total += 1 / n
    return n


def _rows_written(x: float) -> list[list[float]]:
    rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    k = math.floor(x)
    rows[k][1] = x * rows[k][0]
    rows[2 - k][0] = x
    return rows


def _evaluated(x: float) -> float:
    y = x if x < 1 else x * x
    return y + (1 if y < 2 else y if y < 3 else y * y)


_EVALUATOR = """
           (define (value e names)
             (cond ((number? e) e)
                   ((symbol? e) (cdr (assq e names)))
                   ((eq? (car e) 'if)
                    (if (value (cadr e) names) (value (caddr e) names) (value (cadddr e) names)))
                   ((eq? (car e) 'let)
                    (value (caddr e)
                           (cons (cons (caadr e) (value (cadadr e) names)) names)))
                   ((eq? (car e) 'lambda)
                    (lambda given (value (caddr e) (append (map cons (cadr e) given) names))))
                   (else
                    (apply (value (car e) names)
                           (map (lambda (part) (value part names)) (cdr e))))))
           (define names (list (cons '+ +) (cons '* *) (cons '- -) (cons '< <)))
           (define (run e x) (value e (cons (cons 'x x) names)))"""


ROWS = [
    row(
        "heap sort of a vector",
        """
        (define (swap! v i j)
          (let ((held (vector-ref v i)))
            (vector-set! v i (vector-ref v j))
            (vector-set! v j held)))
        (define (sift! v root end)
          (let ((child (+ (* 2 root) 1)))
            (if (< child end)
                (let* ((right (+ child 1))
                       (larger (if (and (< right end) (< (vector-ref v child) (vector-ref v right)))
                                   right
                                   child)))
                  (if (< (vector-ref v root) (vector-ref v larger))
                      (begin (swap! v root larger) (sift! v larger end)))))))
        (define (f t)
          (let* ((v (tensor->vector t)) (n (vector-length v)))
            (do ((i (- (quotient n 2) 1) (- i 1))) ((< i 0)) (sift! v i n))
            (do ((end (- n 1) (- end 1))) ((<= end 0) v) (swap! v 0 end) (sift! v 0 end))))
        """,
        "(tensor 3.0 1.0 2.0 5.0 4.0)",
        "(tensor 1.0 9.0 -2.0 5.0 0.0)",
        to=sorted,
    ),
    row(
        "records sorted by a field, and numbers",
        """
        (define (f a b c)
          (list (map cadr (sort (list (list a 10) (list b 20) (list c 30) (list a 40))
                                (lambda (p q) (> (car p) (car q)))))
                (sort (list a b c) <)))
        """,
        "1.0 3.0 2.0",
        "5.0 4.5 -1.0",
        to=lambda a, b, c: [
            [n for _, n in sorted([(a, 10), (b, 20), (c, 30), (a, 40)], key=lambda p: -p[0])],
            sorted([a, b, c]),
        ],
    ),
    row(
        "rows of a matrix of vectors at a place that is computed",
        """
        (define (f x)
          (let* ((rows (vector (vector 1.0 2.0) (vector 3.0 4.0) (vector 5.0 6.0)))
                 (k (exact (floor x)))
                 (row (vector-ref rows k)))
            (vector-set! row 1 (* x (vector-ref row 0)))
            (vector-set! (vector-ref rows (- 2 k)) 0 x)
            rows))
        """,
        "0.5",
        "1.5",
        "2.25",
        to=_rows_written,
    ),
    row(
        "elements of any kind at a place that is computed",
        """
        (define (f x)
          (let ((k (exact (floor x))))
            (list ((vector-ref (vector sin cos exp) k) x)
                  (symbol->string (list-ref '(low middle high) k))
                  (char-upcase (string-ref "abc" k))
                  (vector-ref #(1 20 300) k))))
        """,
        "0.5",
        "2.5",
        lanes=False,
    ),
    row(
        "counters in a hash table by computed integers",
        """
        (define (f a b c)
          (let ((counts (make-hash-table)))
            (for-each (lambda (k) (hash-set! counts k 0)) '(2 0 1))
            (for-each
             (lambda (x) (hash-update! counts (exact (floor x)) (lambda (n) (+ n 1))))
             (list a b c))
            (map cdr (hash->list counts))))
        """,
        "0.5 1.5 1.25",
        "2.5 0.5 0.75",
        to=lambda a, b, c: [_binned(a, b, c)[k] for k in (2, 0, 1)],
    ),
    row(
        "association lists and lists searched for a computed integer",
        """
        (define tariff '((1 . 10.0) (3 . 30.0)))
        (define (f x)
          (let* ((k (exact (floor x))) (found (assv k tariff)))
            (list (if found (* x (cdr found)) -1.0) (if (memv k '(2 3 5)) 1 0))))
        """,
        "1.5",
        "2.5",
        "3.5",
        to=lambda x: [
            {1: 10.0, 3: 30.0}.get(math.floor(x), -1 / x) * x,
            int(math.floor(x) in (2, 3, 5)),
        ],
    ),
    row(
        "an evaluator whose environment holds procedures that close in it",
        """
        (define (value e env)
          (cond ((number? e) e)
                ((symbol? e) (cdr (assq e (car env))))
                (else
                 (case (car e)
                   ((define)
                    (set-car! env (cons (cons (cadr e) (value (caddr e) env)) (car env))))
                   ((set!) (set-cdr! (assq (cadr e) (car env)) (value (caddr e) env)))
                   ((if) (if (value (cadr e) env) (value (caddr e) env) (value (cadddr e) env)))
                   ((begin) (last (map (lambda (part) (value part env)) (cdr e))))
                   ((lambda) (list (cadr e) (caddr e) env))
                   (else (called (value (car e) env)
                                 (map (lambda (part) (value part env)) (cdr e))))))))
        (define (called p given)
          (if (procedure? p)
              (apply p given)
              (value (cadr p) (list (append (map cons (car p) given) (car (caddr p)))))))
        (define (f x)
          (value '(begin
                    (define n 1)
                    (define count! (lambda (d) (begin (set! n (+ n d)) (* n x))))
                    (define twice (lambda (g d) (+ (g d) (g d))))
                    (if (< x 1) (twice count! 10) (count! x)))
                 (list (list (cons 'x x) (cons '+ +) (cons '* *) (cons '< <)))))
        """,
        "0.5",
        "2.0",
        to=lambda x: 32 * x if x < 1 else (1 + x) * x,
        differentiable=True,
    ),
    row(
        "a stream summed until it is large",
        """
        (define (integers n) (cons-stream n (integers (+ n 1))))
        (define (stream-map-one g s)
          (cons-stream (g (stream-car s)) (stream-map-one g (stream-cdr s))))
        (define (f x)
          (let loop ((s (stream-map-one (lambda (n) (/ 1.0 n)) (integers 1))) (n 0) (total 0.0))
            (if (> total x) n (loop (stream-cdr s) (+ n 1) (+ total (stream-car s))))))
        """,
        "1.2",
        "2.3",
        to=_harmonic,
    ),
    row(
        "a stream of traced numbers leaves the program",
        """
        (define (powers x n) (cons-stream (expt x n) (powers x (+ n 1))))
        (define tail (jit (lambda (x) (stream-cdr (powers x 1)))))
        (define (f x) (stream-head (tail x) 3))
        """,
        "2.0",
        "-0.5",
        to=lambda x: [x**2, x**3, x**4],
    ),
    row(
        "a vector that branches give and change stays the one it is",
        """
        (define (ordered! v i)
          (if (> (vector-ref v i) (vector-ref v (+ i 1)))
              (let ((held (vector-ref v i)))
                (vector-set! v i (vector-ref v (+ i 1)))
                (vector-set! v (+ i 1) held)
                v)
              v))
        (define (f a b c)
          (let* ((v (vector a b c)) (w (ordered! (ordered! v 0) 1)))
            (vector-set! (ordered! w 0) 2 (* 2 (vector-ref v 2)))
            (list v (eq? v w))))
        """,
        "1.0 3.0 2.0",
        "5.0 4.5 -1.0",
        to=lambda a, b, c: [[*sorted([a, b, c])[:2], 2 * max(a, b, c)], True],
    ),
    row(
        "a guard around what may be raised",
        """
        (define (root x)
          (cond ((< x 0) (raise 'negative)) ((> x 10) (error "too large" x)) (else (sqrt x))))
        (define (f x)
          (guard (e ((eq? e 'negative) -1.0)
                    ((error-object? e) (+ 100.0 (car (error-object-irritants e)))))
            (+ 1 (root x))))
        """,
        "4.0",
        "-4.0",
        "40.0",
        to=lambda x: -1 if x < 0 else 100 + x if x > 10 else 1 + math.sqrt(x),
        differentiable=True,
    ),
    row(
        "guards inside one another, out of a loop, and what primitives complain of",
        """
        (define (f t)
          (let ((left '()) (steps 0))
            (guard (e ((number? e) (list e steps)) ((error-object? e) (list -2.0 steps)))
              (for-each
               (lambda (x)
                 (guard (e ((symbol? e) #t))
                   (set! steps (+ steps 1))
                   (cond ((< x 0) (raise 'skip)) ((> x 4) (raise (* 2 x))))
                   (if (= x 1) (car left))))
               t)
              (list -1.0 steps))))
        """,
        "(tensor 2.0 -3.0 4.5 5.5)",
        "(tensor 2.0 -3.0 3.5 -5.5)",
        "(tensor 2.0 -3.0 1.0 -5.5)",
        to=lambda t: [9.0, 3] if t[2] > 4 else [-2.0, 3] if t[2] == 1 else [-1.0, 4],
    ),
    row(
        "a handler that leaves by a continuation",
        """
        (define (f x)
          (call/cc
           (lambda (k)
             (with-exception-handler
              (lambda (e) (k (* 10 e)))
              (lambda () (+ 1 (if (> x 0) (raise x) x)))))))
        """,
        "2.0",
        "-3.0",
        to=lambda x: 10 * x if x > 0 else 1 + x,
        differentiable=True,
    ),
    row(
        "a Turing machine of three states",
        """
        (define (f t)
          (let ((tape (tensor->vector t)))
            (let loop ((pos 0) (state 'a) (n 0))
              (if (or (eq? state 'halt) (= n 12))
                  (list (vector->list tape) n)
                  (let ((bit (vector-ref tape pos)))
                    (if (eq? state 'a)
                        (begin
                          (vector-set! tape pos 1)
                          (loop (modulo (+ pos (if (= bit 0) 1 3)) 4) 'b (+ n 1)))
                        (if (= bit 0)
                            (begin
                              (vector-set! tape pos 1)
                              (loop (modulo (+ pos 3) 4) 'a (+ n 1)))
                            (loop pos 'halt (+ n 1)))))))))
        """,
        "(tensor 0 0 0 0 #:dtype 'int64)",
        "(tensor 0 1 0 0 #:dtype 'int64)",
    ),
    row(
        "Gaussian elimination on a vector of rows, with the rows exchanged",
        """
        (define (exchange! m i j)
          (let ((row (vector-ref m i)))
            (vector-set! m i (vector-ref m j))
            (vector-set! m j row)))
        (define (pivot-row m k n)
          (let loop ((i (+ k 1)) (best k))
            (cond ((= i n) best)
                  ((> (abs (vector-ref (vector-ref m i) k))
                      (abs (vector-ref (vector-ref m best) k)))
                   (loop (+ i 1) i))
                  (else (loop (+ i 1) best)))))
        (define (eliminate! m k i n)
          (let* ((pivot (vector-ref m k))
                 (row (vector-ref m i))
                 (f (/ (vector-ref row k) (vector-ref pivot k))))
            (do ((j k (+ j 1))) ((> j n))
              (vector-set! row j (- (vector-ref row j) (* f (vector-ref pivot j)))))))
        (define (solve! m n)
          (do ((k 0 (+ k 1))) ((= k n))
            (exchange! m k (pivot-row m k n))
            (do ((i (+ k 1) (+ i 1))) ((= i n)) (eliminate! m k i n)))
          (let ((x (make-vector n 0.0)))
            (do ((i (- n 1) (- i 1))) ((< i 0) x)
              (let loop ((j (+ i 1)) (s (vector-ref (vector-ref m i) n)))
                (if (= j n)
                    (vector-set! x i (/ s (vector-ref (vector-ref m i) i)))
                    (loop (+ j 1)
                          (- s (* (vector-ref (vector-ref m i) j) (vector-ref x j)))))))))
        (define (f a)
          (let ((m (vector (vector a 2.0 1.0 1.0)
                           (vector 2.0 1.0 3.0 2.0)
                           (vector 1.0 1.0 4.0 3.0))))
            (apply + (vector->list (solve! m 3)))))
        """,
        "0.5",
        "5.0",
        "-3.0",
        to=lambda a: np.linalg.solve(
            [[float(a), 2.0, 1.0], [2.0, 1.0, 3.0], [1.0, 1.0, 4.0]], [1.0, 2.0, 3.0]
        ).sum(),
        differentiable=True,
    ),
    row(
        "a decision tree",
        """(define tree '(0.5 (0.2 1.0 2.0) (0.7 3.0 (0.9 4.0 5.0))))
           (define (f x)
             (let walk ((t tree))
               (if (number? t) (* x t) (if (< x (car t)) (walk (cadr t)) (walk (caddr t))))))""",
        "0.1",
        "0.75",
        "1.5",
        to=lambda x: x * [1, 2, 3, 4, 5][sum(x >= b for b in (0.2, 0.5, 0.7, 0.9))],
        differentiable=True,
    ),
    row(
        "a machine with a stack whose program branches",
        """(define (run program x)
             (let next ((program program) (stack (list x)))
               (cond ((null? program) (car stack))
                     ((number? (car program)) (next (cdr program) (cons (car program) stack)))
                     ((eq? (car program) 'copy)
                      (next (cdr program) (cons (car stack) stack)))
                     ((eq? (car program) 'if-positive)
                      (if (> (car stack) 0)
                          (next (cadr program) (cdr stack))
                          (next (caddr program) (cdr stack))))
                     (else
                      (next (cdr program)
                            (cons ((if (eq? (car program) 'add) + *) (car stack) (cadr stack))
                                  (cddr stack)))))))
           (define (f x)
             (run '(copy copy if-positive (copy multiply 2 add) (3 multiply)) x))""",
        "4.0",
        "-4.0",
        to=lambda x: x * x + 2 if x > 0 else 3 * x,
        differentiable=True,
    ),
    row(
        "an evaluator",
        _EVALUATOR
        + """
           (define (f x)
             (run '(let (y (if (< x 1) x (* x x)))
                     (+ y (if (< y 2) 1 (if (< y 3) y (* y y)))))
                  x))""",
        "0.5",
        "1.5",
        "2.5",
        to=_evaluated,
        differentiable=True,
    ),
    row(
        "a procedure that calls itself, in an evaluator",
        _EVALUATOR
        + """
           (define (f x)
             (let* ((cell (cons 'product #f))
                    (environment (cons (cons 'x x) (cons cell names))))
               (set-cdr! cell (value '(lambda (n) (if (< n 1) 1.0 (* n (product (- n 1)))))
                                     environment))
               (value '(product x) environment)))""",
        "3.5",
        "0.5",
        to=lambda x: 1.0 if x < 1 else math.prod(x - k for k in range(math.floor(x))),
        differentiable=True,
    ),
    row(
        "the least spanning tree by sets whose paths are compressed",
        """(define (f x)
             (define edges (list (list x 0 1) (list 1.5 1 2) (list 0.75 0 2)))
             (define parent (vector 0 1 2))
             (define (find node)
               (if (= (vector-ref parent node) node)
                   node
                   (let ((root (find (vector-ref parent node))))
                     (vector-set! parent node root)
                     root)))
             (fold-left
               (lambda (total edge)
                 (let ((one (find (cadr edge))) (other (find (caddr edge))))
                   (if (= one other)
                       total
                       (begin (vector-set! parent one other) (+ total (car edge))))))
               0.0
               (sort edges (lambda (a b) (< (car a) (car b))))))""",
        "0.5",
        "1.25",
        "2.0",
        to=lambda x: x + 2.25 - max(x, 1.5),
        differentiable=True,
    ),
]

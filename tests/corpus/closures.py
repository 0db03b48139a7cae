"""Procedures as values: chosen, returned, carried, kept in data."""

from __future__ import annotations

import math

from corpus import row

ROWS = [
    row(
        "closures that capture what nobody wants the value of",
        """(define (kept x y z) (lambda (w) (or x y) (if z 1 y) (lambda () z) y (* w x)))
           (define (f x) ((kept x (list x) (* 2 x)) 3.0))""",
        "2.0",
        "-0.5",
        to=lambda x: 3 * x,
        differentiable=True,
    ),
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
    row(
        "one of two counters",
        """(define (counter n) (lambda (d) (set! n (+ n d)) n))
           (define (f x)
             (let* ((a (counter x)) (b (counter 10.0)) (c (if (> x 0) a b)))
               (c x)
               (c 1.0)
               (- (a x) (* 2 (b (c 0.0))))))""",
        "2.0",
        "-3.0",
        to=lambda x: -3 * x - 21 if x > 0 else -2 * x - 44,
        differentiable=True,
    ),
    row(
        "two procedures over one variable, and over two",
        """(define (f x)
             (let* ((n x)
                    (m 5.0)
                    (up (lambda (d) (set! n (+ n (* d x)))))
                    (down (lambda (d) (set! n (- n d)) (set! m (* m n))))
                    (change (if (> x 0) up down)))
               (change 2.0)
               (if (> x -1) (change x))
               (* n m)))""",
        "2.0",
        "-3.0",
        "-0.5",
        to=lambda x: (
            (3 * x + x * x) * 5
            if x > 0
            else ((x - 2) ** 2 * 5 if x < -1 else -2 * ((x - 2) * 5 * -2))
        ),
        differentiable=True,
    ),
    row(
        "a counter from outside or one that the branch makes",
        """(define (counter n) (lambda () (set! n (* 2 n)) n))
           (define (f x)
             (let* ((a (counter x)) (c (if (> x 0) a (counter 3.0))))
               (c)
               (+ (* 100 (c)) (a))))""",
        "1.5",
        "-1.5",
        to=lambda x: 400 * x + 8 * x if x > 0 else 1200 + 2 * x,
        differentiable=True,
    ),
    row(
        "two procedures that a branch makes share a variable",
        """(define (up n) (list (lambda () n) (lambda (d) (set! n (+ n d)))))
           (define (down n) (list (lambda () (* 2 n)) (lambda (d) (set! n (- n d)))))
           (define (f x)
             (let ((cell (if (> x 0) (up x) (down (* x x)))))
               ((cadr cell) x)
               ((cadr cell) 1.0)
               ((car cell))))""",
        "2.0",
        "-3.0",
        to=lambda x: 2 * x + 1 if x > 0 else 2 * (x * x - x - 1),
        differentiable=True,
    ),
    row(
        "one procedure twice, or two",
        """(define (counter n) (lambda (d) (set! n (+ n d)) n))
           (define (f x)
             (let ((cs (if (> x 0)
                           (let ((c (counter x))) (list c c))
                           (list (counter x) (counter 1.0)))))
               ((car cs) x)
               (* ((cadr cs) 2.0) ((car cs) 3.0))))""",
        "2.0",
        "-3.0",
        to=lambda x: (2 * x + 2) * (2 * x + 5) if x > 0 else 3 * (2 * x + 3),
        differentiable=True,
    ),
    row(
        "a loop goes from one counter to the other",
        """(define (counter n) (lambda (d) (set! n (+ n d)) n))
           (define (f x)
             (let ((a (counter x)) (b (counter 1.0)))
               (let loop ((i 0) (this a) (that b))
                 (when (< i 11)
                   (this (* 0.5 x))
                   (loop (+ i 1) that this)))
               (* (a 0.0) (b 0.0))))""",
        "2.0",
        "-3.0",
        to=lambda x: (x + 3 * x) * (1 + 2.5 * x),
        differentiable=True,
    ),
    row(
        "a loop makes counters until one is large",
        """(define (counter n) (lambda () (set! n (* n 1.5)) n))
           (define (f x)
             (let ((first (counter x)))
               (let loop ((c first))
                 (if (> (c) 20.0) (+ (c) (* 1000 (first))) (loop (counter (+ 1 (c))))))))""",
        "2.0",
        "18.0",
        to=lambda x: 1000 * 1.5**3 * x + (1.5 * (1 + 1.5**2 * (1 + 1.5**2 * x))) * 1.5
        if x < 10
        else 1.5**2 * x + 1000 * 1.5**3 * x,
    ),
    row(
        "the test of a loop assigns",
        """(define (f x)
             (let ((n x))
               (let loop ((i 0.0))
                 (if (> (begin (set! n (* 1.5 n)) n) 20.0) (+ n i) (loop (+ i 1))))))""",
        "2.0",
        "9.0",
        to=lambda x: 2.0 * 1.5**6 + 5 if x < 3 else 9 * 1.5**2 + 1,
    ),
    row(
        "one of two variables for tensors",
        """(define (f x)
             (let* ((a (variable (ones 2))) (b (variable (zeros 2))) (c (if (> x 0) a b)))
               (tensor-add! c x)
               (if (> x 1) (tensor-mul! c 2))
               (list (tensor-sum a) (tensor-sum b) (tensor-sum c))))""",
        "2.0",
        "-3.0",
    ),
    row(
        "a procedure in the list that it looks into",
        """(define (f x)
             (let* ((cell (cons 'again #f)) (known (list (cons 'x x) cell)))
               (define (look name names) (cdr (assq name names)))
               (set-cdr! cell
                 (lambda (n)
                   (let ((names (cons (cons 'n n) known)))
                     (if (< (look 'n names) 1)
                         (look 'x names)
                         (* n ((look 'again names) (- n 1)))))))
               ((cdr cell) x)))""",
        "3.5",
        "0.5",
        differentiable=True,
    ),
]

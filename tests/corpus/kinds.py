"""Branches of a traced condition that give values of different kinds."""

from __future__ import annotations

import math

from corpus import row

ROWS = [
    row(
        "one of two primitives",
        "(define (f x) ((if (> x 0) sin cos) x))",
        "0.7",
        "-0.7",
        to=lambda x: math.sin(x) if x > 0 else math.cos(x),
        differentiable=True,
    ),
    row(
        "one of two closures of different code, called twice",
        """(define (f x)
             (let ((g (if (> x 0) (lambda (y) (* y x)) (lambda (y) (+ y x 1)))))
               (+ (g 1.0) (g 2.0))))""",
        "0.7",
        "-0.7",
        to=lambda x: 3 * x if x > 0 else 5 + 2 * x,
        differentiable=True,
    ),
    row(
        "a symbol that says what is done later",
        """(define (f x)
             (let ((what (cond ((> x 1) 'add) ((> x 0) 'multiply) (else 'keep))))
               (case what ((add) (+ x 10)) ((multiply) (* x 10)) (else x))))""",
        "1.5",
        "0.5",
        "-0.5",
        to=lambda x: x + 10 if x > 1 else x * 10 if x > 0 else x,
        differentiable=True,
    ),
    row(
        "a number or #f",
        """(define (f x)
             (let ((root (and (> x 0) (sqrt x))))
               (if root (+ root 1) -1.0)))""",
        "2.25",
        "-2.0",
        to=lambda x: math.sqrt(x) + 1 if x > 0 else -1.0,
        differentiable=True,
    ),
    row(
        "a truth value, a number or #f",
        """(define (f x)
             (let* ((low (and (< x 1.0) (* 2 x)))
                    (next (if low #t (and (< x 2.0) (* 3 x))))
                    (last (if next next (and (< x 3.0) (* 4 x)))))
               (+ (if next 10.0 20.0)
                  (cond ((not last) 1.0) ((number? last) last) (else x)))))""",
        "0.5",
        "1.5",
        "2.5",
        "3.5",
        to=lambda x: x + 10 if x < 1 else 3 * x + 10 if x < 2 else 4 * x + 20 if x < 3 else 21.0,
        differentiable=True,
    ),
    row(
        "a number or #t",
        """(define (f x)
             (let ((v (if (> x 1) #t (if (> x 0) (* 2 x) #f))))
               (cond ((eq? v #t) (* 3 x)) ((not v) 1.0) (else (+ v (if (boolean? v) 10 20))))))""",
        "1.5",
        "0.5",
        "-0.5",
        to=lambda x: 3 * x if x > 1 else 2 * x + 20 if x > 0 else 1.0,
        differentiable=True,
    ),
    row(
        "a list that holds one of two kinds, after a possible escape",
        """(define (f x)
             (let ((l (call/ec (lambda (k)
                        (if (> x 1.0) (k 3))
                        (list (if (> x 0) 'a x) x)))))
               (cond ((number? l) (* 10 x)) ((eq? (car l) 'a) (cadr l)) (else (- (car l))))))""",
        "1.5",
        "0.5",
        "-0.5",
        to=lambda x: 10 * x if x > 1 else abs(x),
        differentiable=True,
    ),
    row(
        "a hash table that is made after a possible escape",
        """(define (f x)
             (let ((h (call/ec (lambda (k)
                        (if (> x 1.0) (k x))
                        (let ((made (make-hash-table)))
                          (hash-set! made 'a (* 2 x))
                          made)))))
               (if (number? h) h (hash-ref h 'a))))""",
        "1.5",
        "0.5",
        to=lambda x: x if x > 1 else 2 * x,
        differentiable=True,
    ),
    row(
        "a clause of a guard that gives one of two kinds",
        """(define (f x)
             (let ((v (guard (e (#t (if (> x 0) 'up (* 3 x)))) (raise 'always))))
               (if (symbol? v) x v)))""",
        "0.5",
        "-0.5",
        to=lambda x: x if x > 0 else 3 * x,
        differentiable=True,
    ),
    row(
        "and, or and => with a number or #f",
        """(define (f x)
             (cond ((and (> x 0) (< x 1) (* x 5)) => (lambda (v) (+ v 1)))
                   (else (or (and (> x 1) (* 2 x)) 3.0))))""",
        "0.5",
        "1.5",
        "-1.5",
        to=lambda x: 5 * x + 1 if 0 < x < 1 else 2 * x if x > 1 else 3.0,
    ),
    row(
        "a procedure or #f",
        """(define (f x)
             (let ((g (if (> x 0) (lambda (y) (* x y y)) #f)))
               (if g (g 2.0) x)))""",
        "1.5",
        "-1.5",
        to=lambda x: 4 * x if x > 0 else x,
        differentiable=True,
    ),
    row(
        "a list or the empty list",
        """(define (f x)
             (let ((found (if (> x 0) (list x 1) '())))
               (if (null? found) 0.5 (* 2 (car found)))))""",
        "1.5",
        "-1.5",
        to=lambda x: 2 * x if x > 0 else 0.5,
        differentiable=True,
    ),
    row(
        "primitives that are passed around, of what is one of several",
        """(define (f x)
             (let ((found (if (> x 0) (list x 2) #f)) (word (if (> x 1) "ab" "c")) (take car))
               (list (if found (take found) 0.5) (if found (apply + found) 0.5)
                     (if found (fold + 0 (map car (list found '(1)))) 0.5)
                     (apply + (map string-length (list word "abc"))))))""",
        "2.0",
        "0.5",
        "-3.0",
        to=lambda x: [
            *([x, x + 2, x + 1] if x > 0 else [0.5] * 3),
            5 if x > 1 else 4,
        ],
    ),
    row(
        "a variable and a vector assigned symbols",
        """(define (f x)
             (let ((sign 'none) (v (vector 'a 'b)))
               (when (> x 0) (set! sign 'positive) (vector-set! v 0 'c))
               (* (if (eq? sign 'positive) x 2.0)
                  (case (vector-ref v 0) ((a) 1.0) ((c) 3.0)))))""",
        "0.7",
        "-0.7",
        to=lambda x: 3 * x if x > 0 else 2.0,
        differentiable=True,
    ),
    row(
        "keys of an association list and a hash table",
        """(define (f x)
             (let ((key (if (> x 0) 'a 'b)) (h (make-hash)))
               (hash-set! h 'a x)
               (hash-set! h 'b 2.0)
               (* (hash-ref h key) (cdr (assq key '((a . 3.0) (b . 5.0)))))))""",
        "0.7",
        "-0.7",
        to=lambda x: 3 * x if x > 0 else 10.0,
        differentiable=True,
    ),
    row(
        "strings and characters",
        """(define (f x)
             (let ((name (if (> x 0) "big" "little")) (c (if (> x 1) #\\a #\\b)))
               (+ (string-length (string-append name "!")) (if (char=? c #\\a) 100 0))))""",
        "1.7",
        "0.7",
        "-0.7",
        to=lambda x: (4 if x > 0 else 7) + (100 if x > 1 else 0),
    ),
    row(
        "structures that hold one of several symbols",
        """(define (f x)
             (let ((kinds (list (if (> x 0) 'a 'b) (if (> x 1) 'b 'c))))
               (+ (if (member 'b kinds) 1 2) (if (equal? kinds '(a c)) 10 20))))""",
        "1.5",
        "0.5",
        "-1.5",
        to=lambda x: 12 if 0 < x <= 1 else 21,
    ),
    row(
        "several values, one of them a symbol",
        """(define (f x)
             (call-with-values
               (lambda () (if (> x 0) (values 'positive x) (values 'negative (- x))))
               (lambda (sign size) (if (eq? sign 'positive) size (* 10 size)))))""",
        "0.7",
        "-0.7",
        to=lambda x: x if x > 0 else -10 * x,
        differentiable=True,
    ),
    row(
        "a record or nothing, asked by its predicate and read by its accessor",
        """(define-record-type circle (make-circle r) circle? (r radius set-radius!))
           (define (f x)
             (let ((s (if (> x 0) (make-circle x) #f)) (t (if (> x 1) (make-circle (* x x)) '())))
               (if (circle? t) (set-radius! t (+ x (radius t))))
               (+ (if (circle? s) (radius s) -1.0) (if (circle? t) (radius t) -2.0))))""",
        "3.0",
        "0.5",
        "-2.0",
        to=lambda x: (x if x > 0 else -1) + (x * x + x if x > 1 else -2),
        differentiable=True,
    ),
    row(
        "a record with a symbol",
        """(define-record-type shape (make-shape kind size) shape? (kind kind) (size size))
           (define (area s) (if (eq? (kind s) 'square) (* (size s) (size s)) (* 3.0 (size s))))
           (define (f x) (area (make-shape (if (> x 0) 'square 'bar) x)))""",
        "0.7",
        "-0.7",
        to=lambda x: x * x if x > 0 else 3 * x,
        differentiable=True,
    ),
    row(
        "a recursion that ends with a symbol or #f",
        """(define (f x)
             (define (search y)
               (if (> y 10) (if (> y 12) 'big #f) (or (search (* y 2)) (search (* y 3)))))
             (if (eq? (search x) 'big) 1.0 x))""",
        "1.5",
        "5.5",
        "1.3",
    ),
    row(
        "what a search for one of several symbols finds",
        """(define (f x)
             (let ((key (if (> x 0) 'a 'b)))
               (+ (* x (length (memq key '(c a b d))))
                  (if (eq? (car (member key '(a b))) 'b) 10 20)
                  (if (memv key '(b c)) 100 200))))""",
        "1.5",
        "-1.5",
        to=lambda x: 3 * x + 220 if x > 0 else 2 * x + 110,
    ),
    row(
        "#f at first beside a closure that assigns",
        """(define (f x)
             (let ((count 0))
               (let loop ((best #f) (add (lambda () (set! count (+ count 1)))) (i 0))
                 (add)
                 (if (< i 20)
                     (let ((v (* x i)))
                       (loop (if (or (not best) (> v best)) v best) add (+ i 1)))
                     (+ count (or best 0.0))))))""",
        "2.0",
        "-0.5",
        to=lambda x: 21 + max(x * i for i in range(20)),
    ),
    row(
        "rationals beside other numbers, in branches, loops and what is assigned",
        """(define (f x)
             (let ((start (cond ((> x 2) 1/2) ((> x 1) x) (else 2/3))) (bent 1/3))
               (if (> x 2.5) (set! bent (* x x)))
               (let loop ((w 1/4) (n 0))
                 (if (> w 3) (+ (* start w) bent) (loop (+ (* w 3/2) start) (+ n 1))))))""",
        "0.5",
        "1.5",
        "2.25",
        "3.0",
        to=lambda x: _bent(x),
        differentiable=True,
        loses_exactness=True,
    ),
    row(
        "a rational and an integer, and two rationals",
        "(define (f x) (list (if (> x 0) 1/2 1) (if (> x 1) 1/2 2/3) (if (> x 2) 1/2 1/2)))",
        "0.5",
        "1.5",
        "-1.5",
        to=lambda x: [0.5 if x > 0 else 1, 0.5 if x > 1 else 2 / 3, 1 / 2],
        loses_exactness=True,
    ),
    row(
        "complex numbers beside other numbers, in branches, loops and what is assigned",
        """(define (f x)
             (let ((start (if (> x 1) 1+2i x)) (turned +i) (other (if (> x 0) 1+i 2-i)))
               (if (> x 1.5) (set! turned (* x turned)))
               (let loop ((z 0.5+0.25i) (n 0))
                 (if (> (magnitude z) 3)
                     (+ (real-part (* start z)) (* 2 (imag-part (* turned z other))) n)
                     (loop (* z (+ 1.25+0.5i (/ x 10))) (+ n 1))))))""",
        "0.5",
        "1.25",
        "2.0",
        to=lambda x: _turned(x),
        differentiable=True,
    ),
    row(
        "complex numbers as arguments and results",
        "(define (f z x) (if (> (real-part z) x) (* z z) (list-ref (list z +i) 1)))",
        "1+2i 0.5",
        "3+0.5i 2.5",
        "3+0.5i 4.5",
        to=lambda z, x: z * z if z.real > x else 1j,
        lanes=False,
    ),
    row(
        "records of two types, told apart by their predicates",
        """(define-record-type circle (make-circle r) circle? (r radius))
           (define-record-type box (make-box width height) box? (width width) (height height))
           (define (area s)
             (cond ((circle? s) (* 3.0 (square (radius s)))) ((box? s) (* (width s) (height s)))))
           (define (f x)
             (let ((s (if (> x 1) (make-circle x) (make-box x 2.0))))
               (* x (area s))))""",
        "2.0",
        "0.5",
        to=lambda x: 3 * x**3 if x > 1 else 2 * x * x,
        differentiable=True,
    ),
    row(
        "lists of different lengths",
        """(define (f x)
             (let ((l (cond ((> x 1) (list x 2.0 (* x x))) ((> x 0) (list x)) (else (list x x)))))
               (list (length l) (apply + l) (car l) (if (> (length l) 1) (cadr l) 0.0)
                     (fold-left * 1.0 (map (lambda (y) (+ y 1)) l)))))""",
        "2.0",
        "0.5",
        "-1.5",
        to=lambda x: [
            [3, x + 2 + x * x, x, 2.0, (x + 1) * 3 * (x * x + 1)],
            [1, x, x, 0.0, x + 1],
            [2, 2 * x, x, x, (x + 1) ** 2],
        ][0 if x > 1 else 1 if x > 0 else 2],
    ),
    row(
        "an account that may answer with a string",
        """(define (withdraw balance amount)
             (if (> amount balance) "Insufficient funds" (- balance amount)))
           (define (f x)
             (let ((left (withdraw 5.0 x)))
               (if (string? left) (* x x) (* 2.0 left))))""",
        "2.0",
        "7.0",
        to=lambda x: x * x if x > 5 else 2 * (5 - x),
        differentiable=True,
    ),
    row(
        "a trampoline that bounces once",
        """(define (f x)
             (let ((next (if (> x 0) x (lambda () (* 3.0 x)))))
               (if (procedure? next) (next) next)))""",
        "2.0",
        "-2.0",
        to=lambda x: x if x > 0 else 3 * x,
        differentiable=True,
    ),
    row(
        "an error told by a symbol, and an element that becomes a string",
        """(define (f x)
             (let ((v (vector x 0.0))
                   (r (guard (e (#t 'bad)) (if (> x 1) (raise 'large) (* x x)))))
               (if (> x 1) (vector-set! v 1 "large"))
               (+ (if (symbol? r) -1.0 r) (if (string? (vector-ref v 1)) x (vector-ref v 1)))))""",
        "0.5",
        "3.0",
        to=lambda x: x - 1 if x > 1 else x * x,
        differentiable=True,
    ),
    row(
        "an element of a list of different kinds at a traced index",
        """(define (f x)
             (let ((item (list-ref (list x "a" 'b (list x x)) (exact (floor (abs x))))))
               (cond ((string? item) 10.0) ((symbol? item) 20.0) ((pair? item) (cadr item))
                     (else (- item)))))""",
        "0.5",
        "1.5",
        "2.5",
        "3.5",
        to=lambda x: [-x, 10.0, 20.0, x][math.floor(abs(x))],
    ),
    row(
        "a result of one of two kinds",
        "(define (f x) (list (if (> x 0) x 'none) (if (> x 1) (list x) x)))",
        "2.0",
        "0.5",
        "-1.0",
        to=lambda x: [x if x > 0 else "none", [x] if x > 1 else x],
        lanes=False,
    ),
]


def _bent(x: float) -> float:
    start = 0.5 if x > 2 else x if x > 1 else 2 / 3
    w = 0.25
    while w <= 3:
        w = w * 1.5 + start
    return start * w + (x * x if x > 2.5 else 1 / 3)


def _turned(x: float) -> float:
    start = 1 + 2j if x > 1 else x
    turned = 1j * x if x > 1.5 else 1j
    other = 1 + 1j if x > 0 else 2 - 1j
    z, n = 0.5 + 0.25j, 0
    while abs(z) <= 3:
        z, n = z * (1.25 + 0.5j + x / 10), n + 1
    return (start * z).real + 2 * (turned * z * other).imag + n

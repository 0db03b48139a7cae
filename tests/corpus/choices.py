"""What is known chooses the program; what is traced chooses among values."""

from __future__ import annotations

import math

from corpus import row

ACTIVATION = """(define (activation name)
                  (case name
                    ((tanh) tanh)
                    ((sigmoid) (lambda (x) (/ 1 (+ 1 (exp (- x))))))
                    (else (lambda (x) (if (> x 0) x 0.0)))))"""

ROWS = [
    row(
        "a symbol chooses a procedure",
        ACTIVATION + "(define (f name x) (* 2 ((activation name) x)))",
        "'relu 1.5",
        "'relu -0.5",
        to=lambda name, x: 2 * max(x, 0.0),
    ),
    row(
        "a list of symbols is a network",
        ACTIVATION
        + """(define (f x)
               (fold (lambda (y name) ((activation name) (+ y 0.5))) x '(tanh relu sigmoid)))""",
        "0.5",
        "-2.0",
        differentiable=True,
    ),
    row(
        "an interpreter of a known expression",
        """(define (value e x)
             (cond ((number? e) e)
                   ((symbol? e) x)
                   (else (let ((a (value (cadr e) x)) (b (value (caddr e) x)))
                           (case (car e) ((+) (+ a b)) ((*) (* a b)) (else (- a b)))))))
           (define (f x) (value '(+ (* x x) (- 3.0 (* 2.0 x))) x))""",
        "0.5",
        "-2.0",
        to=lambda x: x * x + 3 - 2 * x,
        differentiable=True,
    ),
    row(
        "a stack machine on known code",
        """(define (run code stack)
             (if (null? code)
                 (car stack)
                 (run (cdr code)
                      (case (car code)
                        ((dup) (cons (car stack) stack))
                        ((mul) (cons (* (car stack) (cadr stack)) (cddr stack)))
                        ((add) (cons (+ (car stack) (cadr stack)) (cddr stack)))
                        (else (cons (car code) stack))))))
           (define (f x) (run '(dup mul 3.0 add dup mul) (list x)))""",
        "0.5",
        "-2.0",
        to=lambda x: (x * x + 3) ** 2,
        differentiable=True,
    ),
    row(
        "a string is walked",
        """(define (f s x)
             (let loop ((chars (string->list s)) (y x))
               (cond ((null? chars) y)
                     ((char=? (car chars) #\\+) (loop (cdr chars) (+ y 1)))
                     ((char=? (car chars) #\\*) (loop (cdr chars) (* y 2)))
                     (else (loop (cdr chars) (- y))))))""",
        '"+*-*" 0.5',
        '"+*-*" 3.0',
        to=lambda s, x: -(x + 1) * 4,
    ),
    row(
        "the state of an automaton is a symbol",
        """(define (f x)
             (let loop ((i 0) (state 'up) (y x))
               (if (= i 6)
                   (list state y)
                   (case state
                     ((up) (loop (+ i 1) 'down (+ y 1)))
                     ((down) (loop (+ i 1) 'flat (* 0.5 y)))
                     (else (loop (+ i 1) 'up (- y 0.25)))))))""",
        "0.5",
        "3.0",
    ),
    row(
        "case with traced values in its clauses",
        """(define (f k x)
             (* 2 (case (quotient k 2) ((0) x) ((1) (* x x)) ((2 3) (if (> x 1) x 1.0)) (else 0.0))))""",
        "1 3.0",
        "2 3.0",
        "5 0.5",
        "9 3.0",
        to=lambda k, x: 2 * [x, x * x, max(x, 1.0), max(x, 1.0), 0.0][k // 2],
    ),
    row(
        "case with =>",
        """(define (f k x) (case k ((1) x) ((2 3) => (lambda (n) (* n x))) (else => (lambda (n) (- x n)))))""",
        "1 2.0",
        "3 2.0",
        "8 2.0",
        to=lambda k, x: {1: x, 3: 3 * x, 8: x - 8}[k],
    ),
    row(
        "cond with else that is a cond",
        """(define (f x y)
             (cond ((> x y) (cond ((> x 5) 5.0) (else x)))
                   ((= x y) 0.0)
                   (else (cond ((> y 5) -5.0) ((> y 1) (- y)) (else (* x y))))))""",
        "6.0 1.0",
        "2.0 1.0",
        "1.0 7.0",
        "1.0 3.0",
        "-1.0 0.5",
        to=lambda x, y: (
            (5.0 if x > 5 else x) if x > y else -5.0 if y > 5 else -y if y > 1 else x * y
        ),
        differentiable=True,
    ),
    row(
        "when with a loop inside",
        """(define (f x)
             (let ((y x))
               (when (> x 1) (do ((i 0 (+ i 1))) ((= i 10)) (set! y (* 0.7 y))))
               (unless (> y 0.5) (set! y (+ y 1)))
               y))""",
        "0.25",
        "2.0",
        "40.0",
        to=lambda x: (lambda y: y if y > 0.5 else y + 1)(x * 0.7**10 if x > 1 else x),
        differentiable=True,
    ),
    row(
        "let-values of branches in a loop",
        """(define (f x)
             (let loop ((i 0) (a x) (b 1.0))
               (if (= i 11)
                   (- a b)
                   (let-values (((small large) (if (< a b) (values a b) (values b a))))
                     (loop (+ i 1) (+ small 0.3) (* 0.9 large))))))""",
        "2.0",
        "0.2",
        differentiable=True,
    ),
    row(
        "let*-values and define-values in a branch",
        """(define (f x)
             (if (> x 0)
                 (let*-values (((a b) (values x (* 2 x))) ((c) (+ a b))) (* c a))
                 (let () (define-values (a . rest) (values x 1.0 2.0)) (+ a (apply * rest)))))""",
        "2.0",
        "-0.5",
        to=lambda x: 3 * x * x if x > 0 else x + 2,
        differentiable=True,
    ),
    row(
        "and and or as values of branches",
        """(define (f x y)
             (let ((a (and (> x 0) (> y x))) (b (or (< x 0) (< y 0))))
               (if (and a (not b)) (* 2 x) (if b (- y) (+ x y)))))""",
        "2.0 3.0",
        "3.0 1.0",
        "-1.0 4.0",
        to=lambda x, y: 2 * x if 0 < x < y else -y if x < 0 else x + y,
        differentiable=True,
    ),
    row(
        "not of not of a comparison",
        "(define (f x y) (if (not (not (<= x y))) (if (not (= x 0)) (/ y x) 1.0) (- x y)))",
        "2.0 3.0",
        "0.0 3.0",
        "3.0 2.0",
        to=lambda x, y: (y / x if x else 1.0) if x <= y else x - y,
    ),
    row(
        "a known condition around a traced one",
        """(define (f mode x)
             (if (eq? mode 'train) (if (> x 0) (* 2 x) (* 3 x)) x))""",
        "'train 2.0",
        "'train -2.0",
        to=lambda mode, x: 2 * x if x > 0 else 3 * x,
    ),
    row(
        "an association list of coefficients",
        """(define (f x)
             (let ((terms '((3 . 1.0) (1 . -2.0) (0 . 0.5))))
               (fold (lambda (s term) (+ s (* (cdr term) (expt x (car term))))) 0.0 terms)))""",
        "2.0",
        "-0.5",
        to=lambda x: x**3 - 2 * x + 0.5,
        differentiable=True,
    ),
    row(
        "a key of a hash table is known",
        """(define (f x)
             (let ((t (make-hash)))
               (for-each (lambda (k i) (hash-set! t k (* i x))) '(a b c) '(1 2 3))
               (+ (hash-ref t 'a) (* (hash-ref t 'b) (hash-ref t 'c 0.0)) (hash-ref t 'd 1.0))))""",
        "2.0",
        "-0.5",
        to=lambda x: x + 6 * x * x + 1,
        differentiable=True,
    ),
    row(
        "assert that holds",
        "(define (f x) (assert (> x -10)) (if (> x 0) (begin (assert (< x 100)) (sqrt x)) 0.0))",
        "4.0",
        "-1.0",
        to=lambda x: math.sqrt(x) if x > 0 else 0.0,
    ),
    row(
        "match on a list with traced parts",
        """(define (f x)
             (match (list 'move x 2.0) (('stay _) x) (('move a b) (- a b)) (_ 0.0)))""",
        "4.0",
        "-1.0",
        to=lambda x: x - 2,
        differentiable=True,
    ),
]

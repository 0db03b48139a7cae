"""``let`` and its kin, assignment, boxes and closures."""

from __future__ import annotations

import math

from corpus import row

ROWS = [
    row(
        "let binds in parallel",
        "(define (f x y) (let ((x y) (y x)) (- x (* 2 y))))",
        "3.0 4.0",
        "5.0 7.5",
        to=lambda x, y: y - 2 * x,
        differentiable=True,
    ),
    row(
        "let* binds in sequence",
        "(define (f x) (let* ((x (* x x)) (y (+ x 1)) (x (/ y x))) (+ x y)))",
        "3.0",
        "0.5",
        to=lambda x: (x * x + 1) / (x * x) + x * x + 1,
        differentiable=True,
    ),
    row(
        "letrec of procedures that call each other",
        """(define (f x)
             (letrec ((down (lambda (n y) (if (= n 0) y (up (- n 1) (* y x)))))
                      (up (lambda (n y) (if (= n 0) y (down (- n 1) (+ y x))))))
               (down 6 1.0)))""",
        "2.0",
        "-0.5",
        to=lambda x: ((1 * x + x) * x + x) * x + x,
        differentiable=True,
    ),
    row(
        "letrec* sees earlier values",
        "(define (f x) (letrec* ((a (+ x 1)) (g (lambda (y) (* a y))) (b (g 3))) (+ a b)))",
        "2.0",
        "4.0",
        to=lambda x: 4 * (x + 1),
        differentiable=True,
    ),
    row(
        "internal defines see each other",
        """(define (f x)
             (define a (* 2 x))
             (define (g y) (+ a (h y)))
             (define (h y) (* y y))
             (g (h x)))""",
        "1.5",
        "-2.0",
        to=lambda x: 2 * x + x**4,
        differentiable=True,
    ),
    row(
        "shadowing leaves the outer variable alone",
        "(define (f x) (let ((y x)) (let ((x (+ x 10))) (set! y (+ y x))) (* x y)))",
        "1.0",
        "2.5",
        to=lambda x: x * (x + x + 10),
        differentiable=True,
    ),
    row(
        "set! of a local variable in sequence",
        "(define (f x) (define s x) (set! s (* s 2)) (set! s (+ s x)) (list s x))",
        "1.25",
        "-3.0",
        to=lambda x: [3 * x, x],
    ),
    row(
        "set! of a parameter",
        "(define (f x) (set! x (+ x 1)) (set! x (* x x)) x)",
        "2.0",
        "0.25",
        to=lambda x: (x + 1) ** 2,
        differentiable=True,
    ),
    row(
        "set! in one branch of a traced condition",
        "(define (f x) (let ((y 1.0)) (if (> x 0) (set! y (* 3 x))) (+ y x)))",
        "2.0",
        "-2.0",
        to=lambda x: 4 * x if x > 0 else 1 + x,
        differentiable=True,
    ),
    row(
        "set! of different variables in the branches",
        """(define (f x)
             (let ((a 1.0) (b 2.0))
               (if (> x 0) (begin (set! a x) (set! b (* a x))) (set! b (- x)))
               (list a b)))""",
        "3.0",
        "-4.0",
        to=lambda x: [x, x * x] if x > 0 else [1.0, -x],
    ),
    row(
        "a counter shared by two closures",
        """(define (f x)
             (let* ((total 0.0)
                    (add! (lambda (y) (set! total (+ total y))))
                    (get (lambda () total)))
               (add! x)
               (add! (* 2 x))
               (get)))""",
        "1.5",
        "4.0",
        to=lambda x: 3 * x,
        differentiable=True,
    ),
    row(
        "each call of a maker has a box of its own",
        """(define (make-counter start)
             (lambda (step) (set! start (+ start step)) start))
           (define (f x)
             (let ((a (make-counter x)) (b (make-counter 10.0)))
               (a 1) (a 1) (b x)
               (list (a 1) (b 0))))""",
        "1.0",
        "2.0",
        to=lambda x: [x + 3, 10 + x],
    ),
    row(
        "a closure is called under a traced condition",
        """(define (f x)
             (let* ((n 0.0) (hit! (lambda (y) (set! n (+ n y)))))
               (if (> x 1) (begin (hit! x) (hit! 1)) (hit! -1))
               n))""",
        "2.0",
        "0.5",
        to=lambda x: x + 1 if x > 1 else -1.0,
    ),
    row(
        "closures made in a loop keep their own trip",
        """(define (f x)
             (let loop ((i 0) (made '()))
               (if (= i 3)
                   (map (lambda (g) (g x)) (reverse made))
                   (loop (+ i 1) (cons (lambda (y) (+ (* i 10) y)) made)))))""",
        "0.5",
        "2.0",
        to=lambda x: [x, 10 + x, 20 + x],
    ),
    row(
        "a closure over a top-level tensor",
        """(define weights (tensor 1.0 2.0 3.0))
           (define (f x) (dot weights (* x weights)))""",
        "2.0",
        "0.5",
        to=lambda x: 14 * x,
    ),
    row(
        "a closure over a tensor is an argument like another",
        """(define (layer w) (lambda (x) (matmul x w)))
           (define g (layer (tensor '((1.0 2.0) (3.0 4.0)))))
           (define (f x) (g (g x)))""",
        "(tensor '((1.0 0.0)))",
        "(tensor '((0.0 2.0)))",
        to=lambda x: x @ [[1.0, 2.0], [3.0, 4.0]] @ [[1.0, 2.0], [3.0, 4.0]],
    ),
    row(
        "a variable that shadows a primitive",
        "(define (f list) (let ((+ *)) (+ list 3)))",
        "2.0",
        "5.0",
        to=lambda x: x * 3,
        differentiable=True,
    ),
    row(
        "arguments are evaluated from left to right",
        """(define (f x)
             (let* ((trace '()) (note (lambda (y) (set! trace (cons y trace)) y)))
               (list (note x) (note (* 2 x)) (note (* 3 x)))
               trace))""",
        "1.0",
        "2.0",
        to=lambda x: [3 * x, 2 * x, x],
    ),
    row(
        "names that Python can't spell",
        """(define (f λ->y class)
             (let ((is-λ? (> λ->y 0)) (set-λ! (lambda (x) (set! class x))))
               (set-λ! (+ class 1))
               (if is-λ? (* λ->y class) class)))""",
        "2.0 3.0",
        "-1.0 5.0",
        to=lambda a, b: a * (b + 1) if a > 0 else b + 1,
        differentiable=True,
    ),
    row(
        "elementary functions of doubles",
        "(define (f x) (+ (sin x) (* (exp (- x)) (sqrt (+ 1 (* x x)))) (atan x 2) (expt x 3)))",
        "0.7",
        "1.3",
        to=lambda x: (math.sin(x) + math.exp(-x) * math.sqrt(1 + x * x) + math.atan2(x, 2) + x**3),
        differentiable=True,
    ),
]

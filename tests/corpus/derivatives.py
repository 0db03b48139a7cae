"""Derivatives inside of programs that are differentiated, run in lanes and compiled themselves."""

from __future__ import annotations

import math

from corpus import row


def _descent(a: float) -> float:
    x = 0.0
    for _ in range(8):
        x -= 0.2 * 2 * (x - a)
    return x


ROWS = [
    row(
        "the derivative of a loop with a traced end",
        """(define (g x) (let loop ((y x)) (if (> y 20) y (loop (* x y)))))
           (define (f x) (derivative g x))""",
        "2.0",
        "3.3",
        differentiable=True,
    ),
    row(
        "the gradient of a counting loop",
        """(define (f x)
             (gradient (lambda (y) (do ((i 0 (+ i 1)) (z y (sin z))) ((= i 12) z))) x))""",
        "0.5",
        "2.0",
        differentiable=True,
    ),
    row(
        "a derivative in each trip",
        """(define (f x)
             (do ((i 0 (+ i 1)) (y x (+ y (* 0.1 (derivative (lambda (z) (* z z (sin z))) y)))))
                 ((= i 5) y)))""",
        "0.5",
        "1.2",
        differentiable=True,
    ),
    row(
        "gradient descent differentiated",
        """(define (f a)
             (let loop ((i 0) (x 0.0))
               (if (= i 8) x (loop (+ i 1) (- x (* 0.2 (gradient (lambda (y) (square (- y a))) x)))))))""",
        "3.0",
        "-1.0",
        to=_descent,
        differentiable=True,
    ),
    row(
        "Newton's iteration with a derivative, to a tolerance",
        """(define (root g x)
             (let ((y (g x)))
               (if (< (abs y) 1e-11) x (root g (- x (/ y (derivative g x)))))))
           (define (f a) (root (lambda (x) (- (* x x x) a)) 2.0))""",
        "5.0",
        "20.0",
        to=lambda a: a ** (1 / 3),
        differentiable=True,
    ),
    row(
        "the derivative of a branch in a branch",
        """(define (f x)
             (if (> x 0)
                 (derivative (lambda (y) (if (> y 1) (* y y) (* 3 y y y))) x)
                 (- x)))""",
        "2.0",
        "0.5",
        "-1.0",
        to=lambda x: -x if x <= 0 else 2 * x if x > 1 else 9 * x * x,
        differentiable=True,
    ),
    row(
        "perturbations are not confused",
        """(define (f x) (derivative (lambda (y) (* y (derivative (lambda (z) (* y z z)) x))) 2.0))""",
        "3.0",
        "0.5",
        to=lambda x: 8 * x,
        differentiable=True,
    ),
    row(
        "forwards over backwards",
        "(define (f x) (derivative (lambda (y) (gradient (lambda (z) (* z z (exp z))) y)) x))",
        "0.5",
        "-1.0",
        to=lambda x: math.exp(x) * (x * x + 4 * x + 2),
        differentiable=True,
    ),
    row(
        "backwards over forwards",
        "(define (f x) (gradient (lambda (y) (derivative (lambda (z) (* z z (exp z))) y)) x))",
        "0.5",
        "-1.0",
        to=lambda x: math.exp(x) * (x * x + 4 * x + 2),
        differentiable=True,
    ),
    row(
        "a gradient with respect to what an assignment captured",
        """(define (f x)
             (let ((s 0.0))
               (define (add! y) (set! s (+ s (* y y))))
               (derivative (lambda (y) (set! s 0.0) (add! y) (add! (* 2 y)) s) x)))""",
        "0.5",
        "-1.0",
        to=lambda x: 10 * x,
        differentiable=True,
    ),
    row(
        "a derivative through a vector that is written",
        """(define (f x)
             (derivative
               (lambda (y)
                 (let ((v (make-vector 3 y)))
                   (do ((i 1 (+ i 1))) ((= i 3))
                     (vector-set! v i (* y (vector-ref v (- i 1)))))
                   (vector-ref v 2)))
               x))""",
        "0.5",
        "-1.0",
        to=lambda x: 3 * x * x,
        differentiable=True,
    ),
    row(
        "a derivative through a recursion",
        """(define (power x n) (if (< n 0.5) 1.0 (* x (power x (- n 1.0)))))
           (define (f x n) (derivative (lambda (y) (power y n)) x))""",
        "1.5 3.0",
        "-0.5 5.0",
        to=lambda x, n: n * x ** (n - 1),
    ),
    row(
        "the gradient of a number and of a list",
        """(define (f x)
             (let ((g (gradient (lambda (p) (* (car p) (car p) (cadr p))) (list x 3.0))))
               (+ (car g) (cadr g))))""",
        "0.5",
        "-1.0",
        to=lambda x: 6 * x + x * x,
        differentiable=True,
    ),
    row(
        "the derivative of a closure's parameter",
        """(define (line a) (lambda (x) (+ (* a a x) a)))
           (define (f a) (derivative (lambda (b) ((line b) 2.0)) a))""",
        "0.5",
        "-1.0",
        to=lambda a: 4 * a + 1,
        differentiable=True,
    ),
    row(
        "a derivative in lanes in a derivative",
        """(define (f x)
             (tensor-sum ((vmap (lambda (k) (derivative (lambda (y) (* y y k)) x)))
                          (tensor 1.0 2.0 #:dtype 'float64))))""",
        "0.5",
        "-1.0",
        to=lambda x: 6 * x,
        differentiable=True,
    ),
    row(
        "stop-gradient holds a factor",
        "(define (f x) (derivative (lambda (y) (* y y (stop-gradient y))) x))",
        "0.5",
        "-1.0",
        to=lambda x: 2 * x * x,
    ),
    row(
        "the tangent of a loop along a direction",
        """(define (f x y)
             (cadr (jvp (lambda (a b) (let loop ((a a)) (if (> a 9) (* a b) (loop (* a b)))))
                        (list x y) (list 1.0 0.5))))""",
        "0.5 2.0",
        "1.0 4.0",
        differentiable=True,
    ),
    row(
        "a second derivative of a loop in a branch",
        """(define (f x)
             (if (> x 1)
                 (derivative-n (lambda (y) (do ((i 0 (+ i 1)) (z 1.0 (* z y))) ((= i 4) z))) x 2)
                 0.0))""",
        "2.0",
        "0.5",
        to=lambda x: 12 * x * x if x > 1 else 0.0,
        differentiable=True,
    ),
    row(
        "an implicit root by a loop and one Newton step",
        """(define (f a)
             (let* ((g (lambda (x) (- (* x x) a)))
                    (x (let loop ((i 0) (x 2.0)) (if (= i 12) x (loop (+ i 1) (/ (+ x (/ a x)) 2))))))
               (- x (/ (g x) (derivative g x)))))""",
        "2.0",
        "9.0",
        to=math.sqrt,
        differentiable=True,
    ),
    row(
        "a variable assigned inside a gradient keeps the plain value",
        """(define (f x)
             (let* ((y 0.0) (g (gradient (lambda (z) (set! y (* 3 z z)) (* y z)) x)))
               (+ (* y y) g)))""",
        "2.0",
        "-0.5",
        to=lambda x: 9 * x**4 + 9 * x * x,
        differentiable=True,
    ),
    row(
        "the last loss of a descent",
        """(define (f t)
             (let loop ((i 0) (t t) (losses 0.0))
               (if (= i 12)
                   (+ losses (tensor-sum t))
                   (let* ((loss 0.0)
                          (g (gradient (lambda (u) (set! loss (tensor-sum (* u u))) loss) t)))
                     (loop (+ i 1) (- t (* 0.1 g)) (+ losses loss))))))""",
        "(tensor 1.0 2.0)",
        "(tensor 0.0 -2.0)",
        differentiable=True,
    ),
    row(
        "what derivatives of all kinds assign",
        """(define (f t)
             (let* ((kept '()) (keep (lambda (y) (set! kept (cons y kept)) y)))
               (derivative (lambda (x) (keep (* x x))) (tensor-sum t))
               (jvp (lambda (u) (keep (* 2 u))) t t)
               (hvp (lambda (u) (keep (tensor-sum (* u u u)))) t t)
               (jacobian (lambda (u) (keep (* u u))) t)
               (hessian (lambda (u) (keep (tensor-sum (* u u u)))) t)
               (apply + (map tensor-sum kept))))""",
        "(tensor 1.0 2.0)",
        "(tensor 0.5 -2.0)",
        to=lambda t: sum(t) ** 2 + 2 * sum(t) + 2 * sum(t**3) + sum(t**2),
    ),
    row(
        "an inner gradient assigns what the outer one depends on",
        """(define (f x)
             (gradient (lambda (w)
                         (let ((y 0.0))
                           (gradient (lambda (z) (set! y (* z z w)) (* z z)) w)
                           (* y x)))
                       x))""",
        "2.0",
        "-0.5",
        to=lambda x: 3 * x**3,
        differentiable=True,
    ),
    row(
        "the derivative of a recursion that assigns",
        """(define (f x)
             (let* ((sum 0.0)
                    (slope (derivative (lambda (z)
                                         (let go ((z z))
                                           (set! sum (+ sum z))
                                           (if (> z 10.0) z (* 3 (go (* z 2))))))
                                       x)))
               (+ sum slope)))""",
        "1.0",
        "4.0",
        to=lambda x: 31 * x + 6**4 if x < 2 else 7 * x + 36,
    ),
    row(
        "lanes of factors are pulled back to a number",
        """(define (f x)
             (let ((pull (cadr (vjp (lambda (y) (vector (sin y) (* x y))) x))))
               (tensor-sum ((vmap pull) (tensor '((1 0) (0 1) (2 3)) #:dtype 'float64)))))""",
        "0.5",
        "2.0",
        to=lambda x: 3 * math.cos(x) + 4 * x,
        differentiable=True,
    ),
    row(
        "a list is spread over the parameters of a procedure that needs all of it",
        """(define (g w b) (* b b (tensor-sum (square w))))
           (define (f w b)
             (list (gradient g (list w b))
                   (cadr (jvp g (list w b) (list w 1)))
                   (hvp g (vector w b) (list w 0.0))
                   (caadr (hessian g (list w b)))))""",
        "(tensor 1.0 2.0 #:dtype 'float64) 3.0",
        "(tensor 0.5 -1.0 #:dtype 'float64) 2.0",
        to=lambda w, b: [
            [2 * b * b * w, 2 * b * w @ w],
            2 * (b * b + b) * (w @ w),
            [2 * b * b * w, 4 * b * w @ w],
            4 * b * w,
        ],
    ),
    row(
        "some arguments are differentiated, the rest are data",
        """(define (f w x b)
             (tensor-sum
               (car (gradient (lambda (w x b) (+ (* b w x) (* x w w))) w x b #:wrt '(0 2)))))""",
        "2.0 3.0 0.5",
        "-1.0 2.0 1.5",
        to=lambda w, x, b: b * x + 2 * x * w,
        differentiable=True,
    ),
]

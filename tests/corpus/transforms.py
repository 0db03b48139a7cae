"""``gradient``, ``derivative``, ``vmap`` and ``jit`` inside each other."""

from __future__ import annotations

import math

import numpy as np

from corpus import row

DOUBLE = "#:dtype 'float64"


def _slope_of_powers(x: float, order: int) -> float:
    """The derivative of the first power of ``x`` above 30."""
    n = 1
    while x**n <= 30:
        n += 1
    return math.perm(n, order) * x ** (n - order)


ROWS = [
    row(
        "the derivative of a procedure of a number",
        "(define (f x) (derivative (lambda (y) (* y y y (sin y))) x))",
        "2.0",
        "0.5",
        to=lambda x: 3 * x * x * math.sin(x) + x**3 * math.cos(x),
        differentiable=True,
    ),
    row(
        "the second derivative",
        "(define (f x) (derivative (lambda (y) (derivative (lambda (z) (expt z 5)) y)) x))",
        "2.0",
        "0.5",
        to=lambda x: 20 * x**3,
        differentiable=True,
    ),
    row(
        "a root of what is captured",
        "(define (f x) (root (lambda (y) (- (* y y y) x)) 1.0))",
        "2.0",
        "0.5",
        to=lambda x: x ** (1 / 3),
        differentiable=True,
    ),
    row(
        "the gradient with respect to a tensor",
        "(define (f x) (gradient (lambda (y) (tensor-sum (* y y y))) x))",
        "(tensor 1.0 2.0)",
        "(tensor 3.0 0.5)",
        to=lambda x: 3 * x * x,
    ),
    row(
        "the gradient with respect to numbers",
        "(define (f x y) (gradient (lambda (a b) (* a a b)) x y))",
        "2.0 3.0",
        "0.5 4.0",
        to=lambda x, y: [2 * x * y, x * x],
    ),
    row(
        "the gradient with respect to a list of tensors",
        "(define (f w b) (gradient (lambda (p) (tensor-sum (* (car p) (cadr p)))) (list w b)))",
        "(tensor 1.0 2.0) (tensor 3.0 4.0)",
        "(tensor 0.5 2.5) (tensor 1.0 1.5)",
        to=lambda w, b: [b, w],
    ),
    row(
        "the gradient with respect to a closure",
        """(define (layer w b) (lambda (x) (+ (* w x) b)))
           (define (f w b)
             (let ((g (gradient (lambda (model) (tensor-sum (square (model 2.0)))) (layer w b))))
               (g 0.0)))""",
        "(tensor 1.0 2.0) (tensor 3.0 4.0)",
        "(tensor 0.5 2.5) (tensor 1.0 1.5)",
        to=lambda w, b: 2 * (2 * w + b),
    ),
    row(
        "the value and the gradient",
        "(define (f x) (value-and-gradient (lambda (y) (tensor-sum (exp y))) x))",
        "(tensor 0.0 1.0)",
        "(tensor 0.5 -1.0)",
        to=lambda x: [np.exp(x).sum(), np.exp(x)],
    ),
    row(
        "the gradient through a branch and a loop",
        """(define (g x n)
             (let loop ((i 0) (y x))
               (if (= i n) y (loop (+ i 1) (if (> y 1) (* y 0.5) (* y y y))))))
           (define (f x) (gradient (lambda (y) (g y 10)) x))""",
        "1.2",
        "0.9",
        to=lambda x: _slope(x),
    ),
    row(
        "a step of gradient descent",
        """(define (f w x y)
             (let ((loss (lambda (w) (tensor-mean (square (- (matmul x w) y))))))
               (- w (* 0.1 (gradient loss w)))))""",
        "(tensor 0.5 -0.5) (tensor '((1.0 2.0) (3.0 4.0))) (tensor 1.0 2.0)",
        "(tensor 0.1 0.2) (tensor '((1.0 0.0) (0.0 4.0))) (tensor 2.0 1.0)",
        to=lambda w, x, y: w - 0.1 * x.T @ (x @ w - y),
    ),
    row(
        "gradient descent in a loop",
        """(define (f w)
             (let ((loss (lambda (w) (tensor-sum (square (- w 3))))))
               (do ((i 0 (+ i 1)) (w w (- w (* 0.1 (gradient loss w))))) ((= i 20) w))))""",
        "(tensor 1.0 2.0)",
        "(tensor 5.0 -2.0)",
        to=lambda w: 3 + (w - 3) * np.float32(0.8) ** 20,
    ),
    row(
        "a Jacobian",
        "(define (f x) (jacobian (lambda (v) (* v v v)) x))",
        "(tensor 1.0 2.0)",
        "(tensor 0.5 3.0)",
        to=lambda x: np.diag(3 * x * x),
    ),
    row(
        "a Jacobian of numbers",
        "(define (f x y) (jacobian (lambda (a b) (vector (* a b) (sin a))) x y))",
        "2.0 3.0",
        "0.5 4.0",
        to=lambda x, y: [[y, x], [math.cos(x), 0]],
    ),
    row(
        "a Hessian",
        "(define (f x) (hessian (lambda (v) (tensor-sum (* v v v))) x))",
        "(tensor 1.0 2.0)",
        "(tensor 0.5 3.0)",
        to=lambda x: np.diag(6 * x),
    ),
    row(
        "the product of a Hessian and a direction",
        "(define (f x d) (hvp (lambda (v) (tensor-sum (* v v v))) x d))",
        "(tensor 1.0 2.0) (tensor 1.0 0.0)",
        "(tensor 0.5 3.0) (tensor 2.0 1.0)",
        to=lambda x, d: 6 * x * d,
    ),
    row(
        "products of a Jacobian, forward and backward",
        """(define (f x d)
             (append (jvp (lambda (v) (sin v)) x d) (vjp (lambda (v) (sin v)) x d)))""",
        "(tensor 1.0 2.0) (tensor 1.0 0.0)",
        "(tensor 0.5 3.0) (tensor 2.0 1.0)",
        to=lambda x, d: [np.sin(x), np.cos(x) * d] * 2,
    ),
    row(
        "a Laplacian and a divergence",
        """(define (f x)
             (+ (laplacian (lambda (v) (tensor-sum (* v v v))) x)
                (divergence (lambda (v) (* v v)) x)))""",
        "(tensor 1.0 2.0)",
        "(tensor 0.5 3.0)",
        to=lambda x: (8 * x).sum(),
    ),
    row(
        "a curl",
        "(define (f x y z) (curl (lambda (a b c) (vector (* b c) (* a a) (* a b))) x y z))",
        "1.0 2.0 3.0",
        "0.5 4.0 2.0",
        to=lambda x, y, z: [x, 0, 2 * x - z],
    ),
    row(
        "a Taylor series",
        "(define (f x) (taylor (lambda (y) (exp (* 2 y))) x 5))",
        "0.5",
        "-1.0",
        to=lambda x: [math.exp(2 * x) * 2**k / math.factorial(k) for k in range(6)],
    ),
    row(
        "a derivative of high order through a branch",
        "(define (f x) (derivative-n (lambda (y) (if (> y 0) (* y y y y) (* 2 y y y))) x 3))",
        "0.5",
        "-1.0",
        to=lambda x: 24 * x if x > 0 else 12,
    ),
    row(
        "a mixed partial derivative",
        "(define (f x y) (mixed-partial (lambda (a b) (* (sin a) b b)) (vector x y) '(0 1)))",
        "0.5 2.0",
        "-1.0 3.0",
        to=lambda x, y: 2 * y * math.cos(x),
    ),
    row(
        "a minimum",
        "(define (f a) (l-bfgs (lambda (x) (- (exp x) (* a x))) 1.0))",
        "2.0",
        "5.0",
        to=lambda a: math.log(a),
    ),
    row(
        "vmap of a procedure with a branch",
        "(define (f x) ((vmap (lambda (r) (if (> (tensor-sum r) 3) (* r 2) r))) x))",
        "(reshape (arange 6.0) 3 2)",
        "(ones 3 2)",
        to=lambda x: np.where(x.sum(1, keepdims=True) > 3, 2 * x, x),
    ),
    row(
        "vmap over two arguments, one of them fixed",
        "(define (f m v) ((vmap (lambda (row k) (* k (dot row row))) #:in-axes '(0 #f)) m v))",
        "(reshape (arange 6.0) 3 2) 2.0",
        "(ones 3 2) 0.5",
        to=lambda m, v: np.float32(v) * (m * m).sum(1),
    ),
    row(
        "axes of parts of lists, and of parts of the results",
        """(define (f m v)
             ((vmap (lambda (p k) (list (* k (car p)) (dot (car p) (caadr p))))
                    '((1 (#f)) 0)
                    '(1 0))
              (list m (list v)) v))""",
        "(tensor '((1.0 2.0) (3.0 4.0))) (tensor 1.0 -1.0)",
        "(tensor '((0.5 -2.0) (1.0 4.0))) (tensor 3.0 2.0)",
        to=lambda m, v: [m * v, v @ m],
    ),
    row(
        "vmap of a procedure with a loop",
        """(define (f x)
             ((vmap (lambda (y) (let loop ((y y) (n 0)) (if (< y 1) n (loop (/ y 2) (+ n 1)))))) x))""",
        "(tensor 1.0 5.0 30.0)",
        "(tensor 0.5 2.0 4.5)",
        to=lambda x: np.maximum(0, np.floor(np.log2(x)) + 1).astype(int),
    ),
    row(
        "vmap of gradient",
        "(define (f x) ((vmap (gradient (lambda (y) (tensor-sum (* y y y))))) x))",
        "(reshape (arange 4.0) 2 2)",
        "(ones 2 2)",
        to=lambda x: 3 * x * x,
    ),
    row(
        "gradient of vmap",
        """(define (f x)
             (gradient (lambda (x) (tensor-sum ((vmap (lambda (r) (square (tensor-sum r)))) x))) x))""",
        "(reshape (arange 4.0) 2 2)",
        "(ones 2 2)",
        to=lambda x: np.broadcast_to(2 * x.sum(1, keepdims=True), x.shape),
    ),
    row(
        "jit inside jit",
        "(define g (jit (lambda (x) (* x x)))) (define (f x) (+ (g x) (g (+ x 1))))",
        "2.0",
        "0.5",
        to=lambda x: x * x + (x + 1) ** 2,
        differentiable=True,
    ),
    row(
        "jit made where it is used",
        "(define (f x) ((jit (lambda (y) (if (> y x) y (* 2 x)))) 3.0))",
        "2.0",
        "5.0",
        to=lambda x: 3.0 if x < 3 else 2 * x,
    ),
    row(
        "gradient of a jitted procedure",
        "(define g (jit (lambda (x) (tensor-sum (sin (* x x)))))) (define (f x) (gradient g x))",
        "(tensor 0.5 1.0)",
        "(tensor 0.1 2.0)",
        to=lambda x: 2 * x * np.cos(x * x),
    ),
    row(
        "the hessian's diagonal by nesting",
        """(define (f x)
             (let ((g (lambda (y) (tensor-sum (gradient (lambda (z) (tensor-sum (* z z z z))) y)))))
               (gradient g x)))""",
        "(tensor 0.5 1.0)",
        "(tensor 0.1 2.0)",
        to=lambda x: 12 * x * x,
    ),
    row(
        "the gradient of a loop that a traced condition ends",
        """(define (f x) (gradient (lambda (x) (let loop ((y x)) (if (> y 30) y (loop (* x y))))) x))""",
        "2.0",
        "3.5",
        to=lambda x: _slope_of_powers(x, 1),
        differentiable=True,
    ),
    row(
        "the second derivative of a loop, backwards and forwards",
        """(define (g x) (do ((y x (* y x))) ((> y 30) y)))
           (define (f x) (list (gradient (gradient g) x) (derivative (gradient g) x)
             (gradient (derivative g) x) (derivative (derivative g) x)))""",
        "2.0",
        "3.5",
        to=lambda x: [_slope_of_powers(x, 2)] * 4,
    ),
    row(
        "the gradients of a loop in lanes",
        """(define (g x) (let loop ((y x)) (if (> y 30) y (loop (* x y)))))
           (define (f v) (list ((vmap (gradient g)) v)
             (gradient (lambda (v) (tensor-sum ((vmap g) v))) v)))""",
        f"(tensor 2.0 3.5 1.5 {DOUBLE})",
        f"(tensor 5.0 1.2 33.0 {DOUBLE})",
        to=lambda v: [np.array([_slope_of_powers(x, 1) for x in v])] * 2,
    ),
    row(
        "the gradient of a loop with several exits that assigns and writes",
        """(define (f x)
             (gradient
               (lambda (x)
                 (let ((v (vector 1.0 0.0)) (trips 0))
                   (let loop ((y x))
                     (set! trips (+ trips 1))
                     (vector-set! v 0 (* x (vector-ref v 0)))
                     (cond ((> y 20) (vector-ref v 0))
                           ((= trips 4) (* y (vector-ref v 0)))
                           (else (loop (* y 1.5)))))))
               x))""",
        "8.0",
        "2.0",
        to=lambda x: 4 * x**3 if x > 6 else 5 * x**4 * 1.5**3,
    ),
    row(
        "keyword arguments of what is differentiated, mapped or fused",
        f"""(define (g x #:scale (s 2.0) #:kind (kind 'square))
             (* s (if (eq? kind 'square) (* x x) x)))
           (define (f x y)
             (list ((gradient g) x #:scale y) ((derivative g) x #:kind 'line)
                   (gradient (lambda (y) ((derivative g) x #:scale (* y y))) y)
                   (tensor-sum ((vmap g) (tensor x x {DOUBLE}) #:scale (tensor y 1.0 {DOUBLE})))
                   ((fuse-ops (list g)) x #:kind 'line)))""",
        "2.0 3.0",
        "0.5 4.0",
        to=lambda x, y: [2 * x * y, 2.0, 4 * x * y, (y + 1) * x * x, 2 * x],
    ),
    row(
        "the gradient through lanes that each choose an element of a list",
        """(define (pick x i) (list-ref (list x (* x x) (* 3 x)) i))
           (define (f t)
             (gradient
               (lambda (t) (tensor-sum ((vmap pick) t (tensor 2 1 0 #:dtype 'int64))))
               t))""",
        f"(tensor 1.0 9.0 0.5 {DOUBLE})",
        f"(tensor 2.0 -1.0 3.0 {DOUBLE})",
        to=lambda t: np.array([3.0, 2 * t[1], 1.0]),
    ),
]


def _slope(x: float) -> float:
    slope, y = 1.0, x
    for _ in range(10):
        if y > 1:
            slope, y = slope * 0.5, y * 0.5
        else:
            slope, y = slope * 3 * y * y, y**3
    return slope

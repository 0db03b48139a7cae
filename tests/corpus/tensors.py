"""Tensors: making them, arithmetic, matrices, reductions, shapes, activations, convolution."""

from __future__ import annotations

import numpy as np
from scipy import linalg, signal, special

from corpus import row

DOUBLE = "#:dtype 'float64"


def _softmax(x, axis=-1):
    return special.softmax(x, axis=axis)


def _normalized(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def _put(x, places):
    result = x.copy()
    result[places] = 9.0
    return result


def _of_exponentials(a):
    total = 0.0
    for _ in range(3):
        total, a = total + linalg.expm(a).sum(), linalg.expm(0.25 * a)
    return total


def _convolved(x, w):
    """Cross-correlation of ``[batch, in, h, w]`` with ``[out, in, h, w]`` without padding."""
    return np.stack(
        [
            np.stack(
                [
                    sum(signal.correlate2d(image[c], kernel[c], "valid") for c in range(len(image)))
                    for kernel in w
                ]
            )
            for image in x
        ]
    )


ROWS = [
    row(
        "integers that tensors of fewer bits don't have, compared with their elements",
        """(define (f n)
             (let ((t (tensor 15 44 #:dtype 'uint8)) (s (tensor -7 7 #:dtype 'int8)))
               (list (< n t) (>= t n) (= t n) (> s n) (<= -300 s) (= s (- n 256)))))""",
        "-18",
        "300",
        "44",
        "263",
        to=lambda n: [
            [n < 15, n < 44],
            [n <= 15, n <= 44],
            [n == 15, n == 44],
            [n < -7, n < 7],
            [True, True],
            [n == 249, n == 263],
        ],
    ),
    row(
        "tensors made by size and value",
        "(define (f x) (+ (zeros 2 3) (* x (ones 2 3)) (full '(2 3) 4.0)))",
        "2.0",
        "0.5",
        to=lambda x: np.full((2, 3), x + 4, np.float32),
    ),
    row(
        "a size is an exact argument",
        "(define (f n x) (* x (tensor-sum (ones n (+ n 1)))))",
        "3 2.0",
        "3 0.5",
        to=lambda n, x: x * n * (n + 1),
    ),
    row(
        "a tensor of traced numbers",
        "(define (f x y) (tensor (list x y) (list y x)))",
        "1.0 2.0",
        "3.0 4.0",
        to=lambda x, y: np.float32([[x, y], [y, x]]),
    ),
    row(
        "a double times a tensor keeps the tensor's type",
        "(define (f x t) (* (+ x 1) t))",
        "0.5 (tensor 1.0 2.0)",
        "2.0 (tensor 3.0 4.0)",
        to=lambda x, t: (np.float32(x + 1) * t).astype(np.float32),
    ),
    row(
        "a range as long as an argument says",
        "(define (f n x) (* x (arange 1 n)))",
        "3 2.0",
        "3 0.5",
        to=lambda n, x: np.float32(x) * np.arange(1, n, dtype=np.float32),
    ),
    row(
        "negative indices count from the end",
        """(define (f t i)
             (list (gather t i) (scatter t i 9.0) (take-along-axis t i) (gather t i #:mode 'clip)))""",
        "(arange 4.0) (tensor '(-1 0 -4) #:dtype 'int32)",
        "(arange 4.0) (tensor '(3 -2 1) #:dtype 'int32)",
        to=lambda t, i: [t[i], _put(t, i), t[i], t[np.clip(i, 0, 3)]],
    ),
    row(
        "elementwise arithmetic broadcasts",
        "(define (f a b) (/ (- (* a b) a) (+ 1 (* b b))))",
        "(reshape (arange 6.0) 2 3) (tensor 1.0 2.0 3.0)",
        "(ones 2 3) (tensor 0.5 1.5 2.5)",
        to=lambda a, b: (a * b - a) / (1 + b * b),
    ),
    row(
        "elementwise functions",
        "(define (f x) (+ (sin x) (* (exp (- x)) (tanh x)) (log (+ 1 (square x))) (sqrt (abs x))))",
        "(tensor 0.5 1.0 2.0)",
        "(tensor 3.0 0.1 0.2)",
        to=lambda x: np.sin(x) + np.exp(-x) * np.tanh(x) + np.log1p(x * x) + np.sqrt(abs(x)),
    ),
    row(
        "the smooth sum of a tensor of doubles",
        "(define (f x) (tensor-sum (* (sin x) (exp (/ x 3)))))",
        f"(tensor '(0.5 1.0 2.0) {DOUBLE})",
        f"(tensor '(0.1 3.0 0.2) {DOUBLE})",
        to=lambda x: (np.sin(x) * np.exp(x / 3)).sum(),
        differentiable=True,
    ),
    row(
        "matmul of matrices and of a batch",
        "(define (f a b) (list (matmul a b) (matmul (stack (list a a)) b)))",
        "(reshape (arange 6.0) 2 3) (reshape (arange 12.0) 3 4)",
        "(ones 2 3) (ones 3 4)",
        to=lambda a, b: [a @ b, np.stack([a @ b, a @ b])],
    ),
    row(
        "a two-layer network",
        """(define (f w1 w2 x)
             (tensor-mean (square (matmul (tanh (matmul x w1)) w2))))""",
        f"(tensor '((0.1 0.2) (0.3 -0.4)) {DOUBLE}) (tensor '((1.0) (2.0)) {DOUBLE})"
        f" (tensor '((1.0 2.0) (3.0 4.0)) {DOUBLE})",
        f"(tensor '((0.5 0.2) (0.3 0.4)) {DOUBLE}) (tensor '((0.1) (0.2)) {DOUBLE})"
        f" (tensor '((0.3 0.2) (0.1 0.4)) {DOUBLE})",
        to=lambda w1, w2, x: ((np.tanh(x @ w1) @ w2) ** 2).mean(),
        differentiable=True,
    ),
    row(
        "reductions over all and over axes",
        """(define (f x)
             (list (tensor-sum x) (tensor-sum x #:axis 0) (tensor-mean x #:axis 1)
                   (tensor-max x) (tensor-min x #:axis -1) (tensor-prod x)))""",
        "(tensor '((1.0 2.0) (3.0 4.5)))",
        "(tensor '((0.5 0.25) (2.0 8.0)))",
        to=lambda x: [x.sum(), x.sum(0), x.mean(1), x.max(), x.min(-1), x.prod()],
    ),
    row(
        "a reduction that keeps its axis",
        "(define (f x) (/ x (tensor-sum x #:axis 1 #:keepdims #t)))",
        "(tensor '((1.0 3.0) (2.0 2.0)))",
        "(tensor '((1.0 4.0) (9.0 1.0)))",
        to=lambda x: x / x.sum(1, keepdims=True),
    ),
    row(
        "argmax is an exact index",
        "(define (f x) (list (argmax x) (argmax x #:axis 0)))",
        "(tensor '((1.0 3.0) (2.0 0.5)))",
        "(tensor '((1.0 0.0) (9.0 1.0)))",
        to=lambda x: [int(x.argmax()), x.argmax(0)],
    ),
    row(
        "reshape, transpose, expand and squeeze",
        """(define (f x)
             (list (reshape x 3 -1) (transpose x) (expand-dims x 0)
                   (squeeze (reshape x 1 6)) (tensor-shape (reshape x 6 1))))""",
        "(reshape (arange 6.0) 2 3)",
        "(ones 2 3)",
        to=lambda x: [x.reshape(3, -1), x.T, x[None], x.reshape(6), [6, 1]],
    ),
    row(
        "concatenate and stack",
        "(define (f a b) (list (concatenate (list a b) 0) (concatenate (list a b) 1) (stack (list a b))))",
        "(ones 2 2) (zeros 2 2)",
        "(zeros 2 2) (ones 2 2)",
        to=lambda a, b: [np.concatenate([a, b]), np.concatenate([a, b], 1), np.stack([a, b])],
    ),
    row(
        "slices and elements",
        "(define (f x) (list (slice x 1 3) (vector-ref x 0) (tensor-ref x 2 1)))",
        "(reshape (arange 8.0) 4 2)",
        "(ones 4 2)",
        to=lambda x: [x[1:3], x[0], x[2, 1]],
    ),
    row(
        "gather rows by traced indices",
        "(define (f table ids) (gather table ids))",
        "(reshape (arange 6.0) 3 2) (tensor 2 0 1 #:dtype 'int32)",
        "(ones 3 2) (tensor 1 0 1 #:dtype 'int32)",
        to=lambda table, ids: table[ids],
    ),
    row(
        "an element at a traced index",
        "(define (f x n) (tensor-ref x (modulo n 3)))",
        "(tensor 1.0 2.0 3.0) 7",
        "(tensor 1.0 2.0 3.0) 8",
        to=lambda x, n: x[n % 3],
    ),
    row(
        "where chooses element by element",
        "(define (f x) (where (> x 0) (* 2 x) (- x)))",
        "(tensor 1.0 -2.0 3.0)",
        "(tensor -1.0 2.0 -3.0)",
        to=lambda x: np.where(x > 0, 2 * x, -x),
    ),
    row(
        "softmax and its logarithm",
        "(define (f x) (list (softmax x) (log-softmax x) (logsumexp x)))",
        "(tensor '((1.0 2.0) (300.0 -1.0)))",
        "(tensor '((0.5 0.5) (3.0 -1.0)))",
        to=lambda x: [_softmax(x), special.log_softmax(x, -1), special.logsumexp(x)],
    ),
    row(
        "cross entropy of logits and labels",
        "(define (f logits labels) (cross-entropy logits labels))",
        "(tensor '((1.0 2.0 0.5) (0.1 -1.0 3.0))) (tensor 1 2 #:dtype 'int32)",
        "(tensor '((0.0 0.0 0.0) (0.1 -1.0 3.0))) (tensor 0 0 #:dtype 'int32)",
        to=lambda logits, labels: (
            -special.log_softmax(logits, -1)[np.arange(len(labels)), labels].mean()
        ),
    ),
    row(
        "activations",
        "(define (f x) (list (relu x) (sigmoid x) (leaky-relu x 0.1) (silu x) (softplus x)))",
        "(tensor -2.0 0.5 3.0)",
        "(tensor 1.0 -0.5 0.25)",
        to=lambda x: [
            np.maximum(x, 0),
            special.expit(x),
            np.where(x > 0, x, 0.1 * x),
            x * special.expit(x),
            np.log1p(np.exp(x)),
        ],
    ),
    row(
        "normalization written by hand",
        """(define (f x)
             (let* ((m (tensor-mean x #:axis -1 #:keepdims #t))
                    (d (- x m))
                    (v (tensor-mean (square d) #:axis -1 #:keepdims #t)))
               (/ d (sqrt (+ v 1e-5)))))""",
        "(tensor '((1.0 2.0 4.0) (0.5 0.0 1.0)))",
        "(tensor '((3.0 1.0 4.0) (1.5 9.0 2.0)))",
        to=_normalized,
    ),
    row(
        "a convolution",
        "(define (f x w) (convolution x w))",
        "(reshape (arange 32.0) 1 2 4 4) (reshape (arange 16.0) 2 2 2 2)",
        "(ones 1 2 4 4) (reshape (arange 16.0) 2 2 2 2)",
        to=_convolved,
    ),
    row(
        "pooling",
        "(define (f x) (list (max-pool x 2) (avg-pool x 2)))",
        "(reshape (arange 16.0) 1 1 4 4)",
        "(reshape (sin (arange 16.0)) 1 1 4 4)",
        to=lambda x: [
            x.reshape(1, 1, 2, 2, 2, 2).max((3, 5)),
            x.reshape(1, 1, 2, 2, 2, 2).mean((3, 5)),
        ],
    ),
    row(
        "comparisons give tensors of truth values",
        "(define (f x) (list (> x 1) (tensor-any (> x 1)) (tensor-all (> x 1))))",
        "(tensor 0.5 1.5)",
        "(tensor 2.5 1.5)",
        to=lambda x: [x > 1, bool((x > 1).any()), bool((x > 1).all())],
    ),
    row(
        "one-hot of traced labels",
        "(define (f labels) (one-hot labels 3))",
        "(tensor 0 2 #:dtype 'int32)",
        "(tensor 1 1 #:dtype 'int32)",
        to=lambda labels: np.eye(3, dtype=np.float32)[labels],
    ),
    row(
        "einsum, outer and diagonal",
        '(define (f a b) (list (einsum "ij,jk->ik" a b) (outer (vector-ref a 0) (vector-ref b 0))))',
        "(ones 2 2) (reshape (arange 4.0) 2 2)",
        "(reshape (arange 4.0) 2 2) (ones 2 2)",
        to=lambda a, b: [a @ b, np.outer(a[0], b[0])],
    ),
    row(
        "the shape decides the program",
        """(define (f x)
             (if (= (tensor-rank x) 2) (tensor-sum x #:axis 1) (* x (length (tensor-shape x)))))""",
        "(ones 2 3)",
        "(zeros 2 3)",
        to=lambda x: x.sum(1),
    ),
    row(
        "matrix exponentials in a loop",
        """(define (f a)
             (let loop ((i 0) (b a) (s 0.0))
               (if (or (= i 3) (> s 1e6))
                   s
                   (loop (+ i 1) (expm (* 0.25 b)) (+ s (tensor-sum (expm b)))))))""",
        "(tensor '((0.5 0.25) (0.0 0.75)))",
        "(tensor '((0.0 1.0) (-1.0 0.0)))",
        to=_of_exponentials,
    ),
]

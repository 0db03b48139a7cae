"""Covariances, quantiles, counts; and procedures applied to the elements of tensors."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from tensor_laws import (
    SCHEME,
    Case,
    check_batched,
    check_slopes,
    check_staged,
    check_value,
    ids,
    largest_of_each,
)

from eshkol.base.errors import EshkolError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.write import write_string
from eshkol.session import Session

RANDOM = np.random.default_rng(3)


def random(*shape):
    return RANDOM.normal(size=shape)


X, Y, M, T = random(7), random(7), random(3, 6), random(2, 3, 4)
ORDERED = np.sort(random(9))
COUNTS = np.int32([0, 2, 2, 5, 0, 2])
Q = np.array([0.1, 0.5, 0.9])


def c(name, *arguments, expected, **options):
    return Case(name, arguments, expected, options)


CASES = [
    c("tensor-cov", X, Y, expected=np.cov(X, Y, ddof=0)[0, 1]),
    c("tensor-cov", X, Y, correction=1, expected=np.cov(X, Y)[0, 1]),
    c("tensor-cov", M, expected=np.cov(M, ddof=0)),
    c("tensor-cov", M, M[:, ::-1].copy(), expected=np.cov(M.ravel(), M[:, ::-1].ravel(),
     ddof=0)[0, 1]),
    c("tensor-var", X, correction=1, expected=np.var(X, ddof=1)),
    c("tensor-std", T, 1, keepdims=True, correction=1, expected=T.std(1, ddof=1, keepdims=True)),
    c("tensor-std", T, scheme_list([0, 2]), correction=2, expected=T.std((0, 2), ddof=2)),
    c("tensor-corrcoef", X, Y, expected=np.corrcoef(X, Y)[0, 1]),
    c("tensor-corrcoef", M, expected=np.corrcoef(M)),
    c("tensor-median", X, expected=np.median(X)),
    c("tensor-median", M, 1, expected=np.median(M, 1)),
    c("tensor-median", np.array([-np.inf]), expected=-np.inf),
    c("tensor-median", np.array([np.inf, 1.0, np.inf]), expected=np.inf),
    c("tensor-median", T, -1, keepdims=True, expected=np.median(T, -1, keepdims=True)),
    c("tensor-median", T, scheme_list([0, 2]), expected=np.median(T, (0, 2))),
    c("tensor-quantile", X, 0.3, expected=np.quantile(X, 0.3)),
    c("tensor-quantile", M, 0.3, 0, expected=np.quantile(M, 0.3, 0)),
    c("tensor-quantile", M, Q, 1, expected=np.quantile(M, Q, 1)),
    *[c("tensor-quantile", X, 0.3, method=m, expected=np.quantile(X, 0.3, method=m))
      for m in ("lower", "higher", "nearest", "midpoint")],
    c("tensor-percentile", M, 30, -1, expected=np.percentile(M, 30, -1)),
    c("count-nonzero", np.float32([[1, 0], [2, 3]]), expected=3),
    c("count-nonzero", np.float32([[1, 0], [2, 3]]), 0, expected=np.array([2, 1])),
    c("count-nonzero", M > 0, 1, keepdims=True, expected=np.count_nonzero(M > 0, 1, keepdims=True)),
    c("count-nonzero", np.zeros((0, 2)), 0, expected=np.array([0, 0])),
    c("bincount", COUNTS, 8, expected=np.bincount(COUNTS, minlength=8)),
    c("bincount", COUNTS, 3, expected=np.array([2, 0, 3])),
    c("histogram", X, 4, expected=list(np.histogram(X, 4))),
    c("histogram", X, 5, -1.0, 1.0, expected=list(np.histogram(X, 5, (-1, 1)))),
    c("histogram", np.ones(3), 4, expected=list(np.histogram(np.ones(3), 4))),
    c("searchsorted", ORDERED, M, expected=np.searchsorted(ORDERED, M)),
    c("searchsorted", np.int32([1, 3, 3, 5]), np.int32([3]), side="right", expected=np.array([3])),
    c("tensor-diff", X, expected=np.diff(X)),
    c("tensor-diff", T, 1, expected=np.diff(T, axis=1)),
    c("tensor-diff", np.zeros((1, 3)), 0, expected=np.zeros((0, 3))),
]  # fmt: skip
SMOOTH = [
    case for case in largest_of_each(CASES) if case.name not in ("count-nonzero", "histogram")
]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values(case):
    check_value(case, "float32")


LARGEST = largest_of_each(CASES)


@pytest.mark.parametrize("case", LARGEST, ids=ids(LARGEST))
def test_doubles_and_staged(case):
    check_value(case, "float64")
    check_staged(case)


@pytest.mark.parametrize("case", SMOOTH, ids=ids(SMOOTH))
def test_batched_and_slopes(case):
    if case.name != "searchsorted":
        check_slopes(case)
        check_batched(case)


def test_counts_without_a_length():
    assert Session().evaluate("((jit (lambda () (bincount '(0 2 2)))))").tolist() == [1, 0, 2]
    assert SCHEME["bincount"](COUNTS).tolist() == np.bincount(COUNTS).tolist()
    assert SCHEME["bincount"](np.zeros(0, "int32")).shape == (0,)
    weights = np.float32([1, 2, 3, 4, 5, 6])
    result = SCHEME["bincount"](COUNTS, weights=weights)
    np.testing.assert_allclose(result, np.bincount(COUNTS, weights))


# ---- procedures over elements

MAPPED = [
    ("(tensor-apply (lambda (x) (* x x)) (tensor 1 2 3))", "#(1.0 4.0 9.0)"),
    ("(tensor-apply (tensor 1 4) sqrt)", "#(1.0 2.0)"),
    ("(tensor-apply (lambda (x) (if (> x 1) (* 2 x) 0.0)) (tensor 2 2 1 2 3 4))",
     "#((0.0 4.0) (6.0 8.0))"),
    ("(tensor-apply (lambda (x) (/ x 2)) '(1 (2 3)))", "(1/2 (1 3/2))"),
    ("(tensor-apply (lambda (x) (vector x (* x x))) #(3))", "#(#(3 9))"),
    ("(tensor-shape (tensor-apply (lambda (x) (* x (ones 2))) (ones 3 4)))", "(3 4 2)"),
    ("(tensor-shape (tensor-apply exp (zeros 0 3)))", "(0 3)"),
    ("(tensor-apply-indexed (lambda (i j v) (+ (* 10 i) j)) (zeros 2 2))", "#((0 1) (10 11))"),
    ("(tensor-apply-indexed (lambda (i v) (* i v)) #(5 6 7))", "#(0 6 14)"),
    ("(tensor-reduce #(1 2 3) (lambda (a x) (+ (* 10 a) x)) 0)", "123.0"),
    ("(tensor-reduce (tensor 2 2 1.0 2.0 3.0 4.0) (lambda (a x) (+ (* 10 a) x)) 0 0)",
     "#(13.0 24.0)"),
    ("(tensor-reduce (tensor 2 2 1.0 2.0 3.0 4.0) (lambda (a x) (+ (* 10 a) x)) 0 -1)",
     "#(12.0 34.0)"),
    ("(tensor-reduce #(1 2 3) + 0 0)", "6.0"),
    ("(tensor-reduce (lambda (a x) (+ (* 10 a) x)) 0 #(1 2 3))", "123.0"),
    ("(tensor-reduce (zeros 0 2) + 5 0)", "#(5.0 5.0)"),
    ("(tensor-reduce-all (tensor 2 2 1.0 5.0 3.0 4.0) max 0)", "5.0"),
    ("((jit (lambda (t) (tensor-reduce-all t (lambda (a x) (+ (* 10 a) x)) 0))) (tensor 1 2 3))",
     "123.0"),
    ("((jit (lambda (t) (tensor-apply (lambda (x) (if (> x 1) x 0.0)) t))) (tensor 1 2 3))",
     "#(0.0 2.0 3.0)"),
    ("((jit (lambda (t) (tensor-reduce t + 0 1))) (tensor 2 2 1.0 2.0 3.0 4.0))", "#(3.0 7.0)"),
    ("(gradient (lambda (t) (tensor-sum (tensor-apply (lambda (x) (* x x)) t))) (tensor 1 2))",
     "#(2.0 4.0)"),
    ("(gradient (lambda (t) (tensor-reduce t * 1)) (tensor 2 3 4))", "#(12.0 8.0 6.0)"),
    ("(define k 3) (tensor-apply (lambda (x) (* k x)) (tensor 1 2))", "#(3.0 6.0)"),
    ("(tensor-data #(#(1 2) #(3 4)))", "#(1.0 2.0 3.0 4.0)"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), MAPPED, ids=range(len(MAPPED)))
def test_procedures_over_elements(program, expected):
    assert write_string(Session().evaluate(program)) == expected


BAD = [
    ("(tensor-cov #(1 2) #(1 2 3))",
     "tensor-cov: expected tensors of one size, got f32[2], f32[3]"),
    ("(tensor-cov #(1 2))", "expected two tensors, or a matrix with a row for each variable"),
    ("(tensor-cov #(1) #(2) #:correction 1)", "1 observations do not allow this correction"),
    ("(tensor-std #(1) #:correction 1)", "tensor-std: f32[1] does not allow the correction 1"),
    ("(tensor-median (zeros 0))", "tensor-median: expected at least one element, got f32[0]"),
    ("(tensor-median (zeros 2) 1)", "tensor-median: axis 1 is out of range"),
    ("(tensor-quantile #(1 2) 1.5)", "tensor-quantile: expected numbers from 0 to 1, got 1.5"),
    ("(tensor-percentile #(1 2) -1)", "tensor-percentile: expected numbers from 0 to 100, got -1"),
    ("(tensor-quantile #(1 2) 0.5 #:method 'best)", "tensor-quantile: expected a method, got best"),
    ("(bincount '(-1 2))", "bincount: expected integers of at least 0, got -1"),
    ("(bincount #(0.5))", "bincount: expected exact integer indices"),
    ("(bincount '(1 2) #:weights #(1))",
     "bincount: expected a weight for each of i32[2], got f32[1]"),
    ("((jit (lambda (t) (bincount t))) (tensor-cast (ones 2) 'int32))",
     "the largest integer is not known while staging"),
    ("(histogram #(1 2) 0)", "histogram: expected at least 1 bin, got 0"),
    ("(histogram #())", "histogram: expected at least one element"),
    ("(histogram #(1 +nan.0))",
     "histogram: expected finite bounds that ascend, got +nan.0 and +nan.0"),
    ("(histogram #(1 2) 3 5 1)", "histogram: expected finite bounds that ascend, got 5.0 and 1.0"),
    ("(searchsorted (zeros 2 2) 1)", "searchsorted: expected a tensor of rank 1, got f32[2,2]"),
    ("(searchsorted #(1 2) 1 #:side 'up)", "expected the side 'left or 'right, got up"),
    ("(tensor-diff 5)", "tensor-diff: axis -1 is out of range"),
    ("(tensor-apply 5 6)", "tensor-apply: expected a procedure and a tensor, got 5"),
    ("(tensor-apply sqrt 'a)", "tensor-apply: expected a tensor or a number, got a"),
    ("(tensor-apply list (ones 2))", "tensor-apply: expected a procedure that gives a number"),
    ("((jit (lambda (t) (tensor-reduce-all t (lambda (a x) (zeros 2)) 0))) (ones 2))",
     "tensor-reduce: expected a number so far, got f32[2]"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "message"), BAD, ids=range(len(BAD)))
def test_bad_calls(program, message):
    with pytest.raises(EshkolError) as caught:
        Session().evaluate(program)
    assert message in str(caught.value)


def test_correlation_of_what_is_constant_is_nan():
    assert np.isnan(SCHEME["tensor-corrcoef"](jnp.ones(3), jnp.arange(3.0)))

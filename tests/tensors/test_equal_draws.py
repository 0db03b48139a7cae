"""What is drawn is the same to the last bit in eager code, in compiled code that is given the
parameters, and in compiled code that knows them."""

from __future__ import annotations

import numpy as np
import pytest
from test_sampler_statistics import samplers

from eshkol.datum.pairs import Pair
from eshkol.session import Session
from rows import one_in

OF_NUMBERS = {
    "random-uniform": "-1.3 2.9",
    "random-normal": "1.3 0.7",
    "random-exponential": "1.7",
    "random-gamma": "2.3 1.7",
    "beta": "2.3 1.7",
    "random-laplace": "1.3 0.7",
    "random-cauchy": "1.3 0.7",
    "random-gumbel": "1.3 0.7",
    "random-logistic": "1.3 0.7",
    "random-student-t": "3.3",
    "random-chi-square": "3.3",
    "random-f": "3.3 4.7",
    "random-lognormal": "1.3 0.7",
    "random-weibull": "1.3 0.7",
    "random-pareto": "1.3 0.7",
    "random-rayleigh": "1.7",
    "random-maxwell": "1.7",
    "random-double-sided-maxwell": "1.3 0.7",
    "random-generalized-normal": "1.3 0.7 1.1",
    "random-log-gamma": "2.3",
    "random-wald": "1.7",
    "random-truncated-normal": "-1.1 2.3 0.3 1.7",
    "random-triangular": "-1.1 0.3 2.7",
    "random-poisson": "3.3",
    "random-geometric": "0.3",
    "random-binomial": "10 0.3",
    "bernoulli": "0.3",
}
"""Samplers of numbers that take the sizes of a tensor after them."""

OF_OTHERS = {
    "random": ("(list (random) (random 100))", ""),
    "rand": ("(rand 100)", ""),
    "randn": ("(list (randn 100) (randn 100 #:dtype 'float64))", ""),
    "random-int": ("(list (random-int 3 17) (random-int 3 17 100))", ""),
    "random-int of many bits": ("(list (random-int 3 p0) (random-int (- p0) p0))", "999999999999"),
    "random-poisson of a great rate": (
        "(list (random-poisson p0) (random-poisson p0 30) (random-poisson p0 9 #:dtype 'int64))",
        "300000000.7",
    ),
    "random-binomial of many trials": (
        "(list (random-binomial p0 0.3) (random-binomial p0 0.3 30))", "3000000000"
    ),
    "random-bits": ("(random-bits 100)", ""),
    "random-rademacher": ("(random-rademacher 100)", ""),
    "random-permutation": ("(random-permutation 100)", ""),
    "shuffle": ("(shuffle p0)", "(arange 100)"),
    "categorical": ("(categorical p0 1000)", "(tensor 0.3 1.7 2.9)"),
    "random-choice": ("(random-choice p0 1000 #:weights p1)", "(tensor 1 2 3) #(0.3 1.7 2.9)"),
    "random-multinomial": ("(random-multinomial 20 p0 100)", "(tensor 0.3 1.7 2.9)"),
    "random-dirichlet": ("(random-dirichlet p0 100)", "(tensor 0.3 1.7 2.9)"),
    "random-multivariate-normal": (
        "(random-multivariate-normal p0 p1 100)", "(tensor 0.3 1.1) #(#(2.1 0.3) #(0.3 1.7))"
    ),
    "random-multivariate-normal of variables that depend on one another": (
        "(list (random-multivariate-normal p0 p1 100)"
        " (random-multivariate-normal p0 p1 9 #:dtype 'float64))",
        "(tensor 0.3 1.1 0.0) #(#(2.0 1.0 0.3) #(1.0 0.5 0.15) #(0.3 0.15 1.7))",
    ),
    "random-truncated-normal in a tail": (
        "(list (random-truncated-normal p0 6 0 1) (random-truncated-normal p0 6 0 1 100))", "5.1"
    ),
    "random-ball": ("(list (random-ball 3 100) (random-ball 3 100 #:order p0))", "1.7"),
    "random-ball of a great order": ("(random-ball 3 100 #:order p0)", "100.0"),
    "random-generalized-normal of a great power": (
        "(random-generalized-normal p0 1 2 100)", "100.0"
    ),
    "random-orthogonal": ("(random-orthogonal 5 20)", ""),
    "random-tensor": ("(random-tensor '(100) 'normal p0 p1)", "1.3 0.7"),
    "dropout-mask": ("(dropout-mask (zeros 1000) p0)", "0.3"),
    "xavier-uniform": ("(xavier-uniform 10 30)", ""),
    "xavier-normal": ("(xavier-normal 10 30)", ""),
    "he-uniform": ("(he-uniform 10 30)", ""),
    "he-normal": ("(he-normal 10 30)", ""),
    "lecun-uniform": ("(lecun-uniform 10 30)", ""),
    "lecun-normal": ("(lecun-normal 10 30)", ""),
    "uniform-init": ("(uniform-init '(10 30) p0 p1)", "-1.3 2.9"),
    "normal-init": ("(normal-init '(10 30) p0 p1)", "1.3 0.7"),
    "orthogonal-init": ("(orthogonal-init '(10 30) p0)", "0.7"),
}  # fmt: skip
"""Others: what is drawn, and the parameters."""


BOUNDS = "(list ({name} a b) ({name} a b 30) ({name} a b 30 #:dtype 'float64))"
OF_TENSORS = [
    f"(let ((a (tensor-ref p0 0)) (b (tensor-ref p0 1))) {BOUNDS})",
    f"(let ((a (tensor-slice p0 0 1)) (b (tensor-slice p0 1 2))) {BOUNDS})",
    "(list ({name} 0.1 p0) ({name} 0.1 p0 5 2))",
]
GIVEN = [
    "(tensor 0.1 290000.3)",
    "(tensor 0.1 290000.3 #:dtype 'float64)",
    "(tensor 0.1 3.3 #:dtype 'float16)",
    "(tensor 1 2000000000 #:dtype 'int32)",
]
"""Parameters that are tensors, or parts of one."""


def of_numbers(name: str, parameters: str) -> tuple[str, str]:
    names = "".join(f" p{number}" for number in range(len(parameters.split())))
    call = f"({name}{names}"
    drawn = f"(list {call}) {call}) {call} 100) {call} 100 #:dtype 'float64))"
    return drawn, parameters


ROWS = {name: of_numbers(name, given) for name, given in OF_NUMBERS.items()} | OF_OTHERS


def numbers(drawn: object) -> list[np.ndarray]:
    """All that was drawn."""
    parts = list(drawn) if isinstance(drawn, Pair) else [drawn]
    return [np.asarray(part) for part in parts]


@pytest.mark.parametrize("name", one_in(12, ROWS, ROWS))
def test_draws_are_equal(name: str) -> None:
    hold_equal(*ROWS[name])


@pytest.mark.parametrize("given", one_in(4, GIVEN, GIVEN))
@pytest.mark.parametrize("name", ["random-uniform", "random-normal"])
def test_draws_by_tensors_are_equal(name: str, given: str) -> None:
    # A tensor of integers that comes first is a shape.
    for drawn in OF_TENSORS[:1] if "int32" in given else OF_TENSORS:
        hold_equal(drawn.format(name=name), given)


def hold_equal(drawn: str, parameters: str) -> None:
    names = " ".join(f"p{number}" for number in range(4) if f"p{number}" in drawn)
    session = Session()
    session.evaluate(f"(define (f {names}) (with-rng 7 {drawn}))")
    eager = numbers(session.evaluate(f"(f {parameters})"))
    for compiled in (f"((jit f) {parameters})", f"((jit (lambda () (f {parameters}))))"):
        for found, wanted in zip(numbers(session.evaluate(compiled)), eager, strict=True):
            np.testing.assert_array_equal(found, wanted, err_msg=compiled)


def test_integers_of_many_bits_come_of_one_draw() -> None:
    drawn = "(list (random-int 0 (expt 2 40)) (random))"
    session = Session()
    eager = session.evaluate(f"(begin (rng-seed 1) {drawn})")
    compiled = session.evaluate(f"(begin (rng-seed 1) ((jit (lambda () {drawn}))))")
    assert [float(x) for x in compiled] == [float(x) for x in eager]
    assert session.evaluate("(< 0 (with-rng 7 (random-int 0 (expt 10 30))) (expt 10 30))")


@pytest.mark.parametrize(
    "drawn",
    [
        "(random-choice '(1 2 3))",
        "(random-choice '(a b c))",
        '(random-choice #(a "b" #t) 3 2)',
        "(random-choice '((1 a) (2 b)) #:weights '(1 2))",
        "(random-choice '(a b c d) 3 #:replace #f)",
    ],
)
def test_elements_of_any_kind_are_chosen(drawn: str) -> None:
    session = Session()
    session.evaluate(f"(define (f key) (with-rng key {drawn}))")
    assert session.evaluate("(equal? (map f '(1 2 3)) (map (jit f) '(1 2 3)))")


def test_every_sampler_has_a_row() -> None:
    assert {name.split()[0] for name in ROWS} == samplers()

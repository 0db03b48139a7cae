"""Every sampler has a row of statistics: a test of Kolmogorov and Smirnov, or of Pearson."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats as st
from tensor_laws import SCHEME
from test_distributions import CONTINUOUS, COUNT, WHOLE, drawn

from eshkol.base.errors import EshkolError
from eshkol.datum.pairs import scheme_list
from eshkol.primitives.declare import PRIMITIVES
from eshkol.session import Session
from rows import one_in


def fits(sample, reference):
    return st.kstest(np.asarray(sample, np.float64).reshape(-1), reference.cdf).pvalue


def even(counts, weights=None):
    counts = np.asarray(counts)
    shares = np.ones(len(counts)) if weights is None else np.asarray(weights, float)
    return st.chisquare(counts, shares / shares.sum() * counts.sum()).pvalue


def orders(draw):
    """How often each order of three things comes."""
    SCHEME["rng-seed"](5)
    found = [tuple(draw()) for _ in range(300)]
    return even([found.count(order) for order in itertools.permutations(range(3))])


def near_zero(name, variance):
    """Weights of a normal distribution that is cut at two deviations, with this variance."""
    deviation = np.sqrt(variance) / 0.87962566103423978
    return fits(drawn(name, 80, 50), st.truncnorm(-2, 2, scale=deviation))


def evenly(name, variance):
    limit = np.sqrt(3 * variance)
    return fits(drawn(name, 80, 50), st.uniform(-limit, 2 * limit))


COVARIANCE = np.array([[2.0, 0.5], [0.5, 1.0]])
L = scheme_list
OTHERS = {
    "categorical": lambda: even(np.bincount(drawn("categorical", [1, 2, 3], COUNT)), [1, 2, 3]),
    "random-multinomial": lambda: even(
        np.asarray(drawn("random-multinomial", 3, [1.0, 2.0, 3.0], COUNT)).sum(0), [1, 2, 3]
    ),
    "random-rademacher": lambda: even(
        np.bincount(np.asarray(drawn("random-rademacher", COUNT)) + 1)[[0, 2]]
    ),
    "random-choice": lambda: even(
        np.bincount(np.asarray(drawn("random-choice", 3, COUNT, weights=[1, 2, 3]))), [1, 2, 3]
    ),
    "random-dirichlet": lambda: fits(
        np.asarray(drawn("random-dirichlet", [1.0, 2.0, 5.0], COUNT))[:, 0], st.beta(1, 7)
    ),
    "random-multivariate-normal": lambda: fits(
        np.asarray(drawn("random-multivariate-normal", [1.0, -1.0], COVARIANCE, COUNT)).sum(-1),
        st.norm(0, 2),
    ),
    "random-ball": lambda: fits(
        np.linalg.norm(drawn("random-ball", 3, COUNT), axis=-1) ** 3, st.uniform()
    ),
    "random-orthogonal": lambda: fits(
        np.asarray(drawn("random-orthogonal", 3, 500))[:, 0, 0], st.uniform(-1, 2)
    ),
    "random-bits": lambda: even(
        np.bincount(np.asarray(drawn("random-bits", COUNT)).view("uint8"), minlength=256)
    ),
    "random-tensor": lambda: fits(drawn("random-tensor", L([COUNT]), "normal", 3, 0.5),
                                  st.norm(3, 0.5)),
    "random": lambda: fits(drawn("random", COUNT), st.uniform()),
    "rand": lambda: fits(drawn("rand", COUNT), st.uniform()),
    "randn": lambda: fits(drawn("randn", COUNT), st.norm()),
    "random-uniform": lambda: fits(drawn("random-uniform", 2, 5, COUNT), st.uniform(2, 3)),
    "random-normal": lambda: fits(drawn("random-normal", 1, 2, COUNT), st.norm(1, 2)),
    "random-int": lambda: even(np.bincount(drawn("random-int", 0, 5, COUNT))),
    "bernoulli": lambda: even(np.bincount(drawn("bernoulli", 0.3, COUNT, dtype="int32")),
                              [0.7, 0.3]),
    "random-permutation": lambda: orders(
        lambda: np.asarray(SCHEME["random-permutation"](3)).tolist()
    ),
    "shuffle": lambda: orders(lambda: SCHEME["shuffle"](L([0, 1, 2]))),
    "dropout-mask": lambda: even(
        np.bincount(np.asarray(drawn("dropout-mask", np.ones(COUNT), 0.2)) > 0), [0.2, 0.8]
    ),
    "xavier-uniform": lambda: evenly("xavier-uniform", 2 / 130),
    "he-uniform": lambda: evenly("he-uniform", 2 / 80),
    "lecun-uniform": lambda: evenly("lecun-uniform", 1 / 80),
    "xavier-normal": lambda: near_zero("xavier-normal", 2 / 130),
    "he-normal": lambda: near_zero("he-normal", 2 / 80),
    "lecun-normal": lambda: near_zero("lecun-normal", 1 / 80),
    "uniform-init": lambda: fits(drawn("uniform-init", L([COUNT]), -1, 1), st.uniform(-1, 2)),
    "normal-init": lambda: fits(drawn("normal-init", L([COUNT]), 1, 2), st.norm(1, 2)),
    "orthogonal-init": lambda: fits(
        [SCHEME["orthogonal-init"](L([3, 3]))[0, 0] for _ in range(200)], st.uniform(-1, 2)
    ),
}  # fmt: skip
NO_SAMPLERS = {"rng-seed", "call-with-rng", "split-rng", "fold-in", "constant-init"}
FAMILIES = ("random", "distributions", "initializers")


@pytest.mark.parametrize("name", one_in(3, OTHERS, OTHERS))
def test_a_sampler_follows_its_distribution(name):
    SCHEME["rng-seed"](5)
    assert OTHERS[name]() > 1e-3


def samplers():
    """The names of all samplers."""
    rooms = [f"eshkol.primitives.{family}" for family in FAMILIES]
    functions = [known.function for known in PRIMITIVES.values()]
    return {each.__name__ for each in functions if each.__module__ in rooms} - NO_SAMPLERS


def test_every_sampler_has_statistics():
    assert {name for name, *_ in [*CONTINUOUS, *WHOLE]} | set(OTHERS) == samplers()


# ---- shapes without elements, dtypes, parameters


@pytest.mark.parametrize(("name", "parameters"), [row[:2] for row in (*CONTINUOUS[::5], *WHOLE)])
def test_no_draws(name, parameters):
    for sizes in ((0,), (0, 3)):
        assert drawn(name, *parameters, L(list(sizes))).shape == sizes


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize(
    "program",
    [
        "(random-multivariate-normal #(0 0) (eye 2) 3 #:dtype '{})",
        "(random-orthogonal 3 2 #:dtype '{})",
        "(random-gamma 2.0 1.0 3 #:dtype '{})",
    ],
)
def test_narrow_and_wide(program, dtype):
    found = Session().evaluate(program.format(dtype))
    assert str(found.dtype) == dtype
    assert np.isfinite(np.asarray(found, np.float64)).all()


BAD = [
    ("(random-truncated-normal 3 1)", "expected low < high, got 3 and 1"),
    ("(random-triangular 0 4 3)", "expected low <= mode <= high, got 0 and 4 and 3"),
    ("(random-triangular 1 1 1)", "expected low <= mode <= high, got 1 and 1 and 1"),
    ("(random-poisson +inf.0)", "expected a rate of at least 0, got +inf.0"),
    ("(random-binomial 2.5 0.5)",
     "expected a number of trials that is an integer of at least 0, got 2.5"),
    ("(random-multinomial 1.5 #(1 2))", "expected a number of trials that is an integer"),
    ("(random-rademacher 3 #:dtype 'bool)", "expected a dtype of real numbers, got bool"),
    ("(random-poisson 3 3 #:dtype 'complex64)", "expected a dtype of real numbers, got complex64"),
    ("(bernoulli 0.5 3 #:dtype 'complex64)", "expected a dtype of real numbers, got complex64"),
    ("(bernoulli (tensor 0.5 2.0) 2)", "expected a probability from 0 to 1, got f32[2]"),
    ("(bernoulli +nan.0)", "expected a probability from 0 to 1, got +nan.0"),
    ("(categorical #(1 +inf.0))", "expected weights of at least 0, not all 0"),
    ("(random-dirichlet #())", "expected at least one class, got f32[0]"),
    ("(random-dirichlet #(1 2) #:dtype 'int32)", "expected a floating dtype, got int32"),
    ("(random-multivariate-normal #(0 0) #(#(1 2) #(2 1)))",
     "expected covariances, a symmetric matrix without negative eigenvalues, got"),
    ("(random-multivariate-normal #(0 0) (eye 2) #:dtype 'bool)", "expected a floating dtype"),
    ("(random-orthogonal 3 #:dtype 'int32)", "expected a size of at least 1 and a floating dtype"),
    ("(random-normal 1+2i 1)", "random-normal: expected real numbers, got 1+2i"),
    ("(random-uniform 0 (tensor 1+2i 2))", "random-uniform: expected real numbers, got c64[2]"),
    ("(random-uniform 0 (expt 10 400) 2)", "random-uniform: the integer 10000"),
    ("(random-normal 0 -1)", "random-normal: expected a deviation of at least 0, got -1"),
    ("(random-uniform +nan.0 1)", "random-uniform: expected finite bounds, got +nan.0"),
    ("(random-choice #(1 2) 2 #:weights #(1 0) #:replace #f)",
     "random-choice: 2 of 1 elements with a weight can't be chosen"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "message"), BAD, ids=[program for program, _ in BAD])
def test_bad_parameters(program, message):
    with pytest.raises(EshkolError) as caught:
        Session().evaluate(program)
    assert message in str(caught.value)


def test_no_weights_are_no_error():
    assert SCHEME["he-normal"](0, 3).shape == (0, 3)

"""Samplers follow their distributions, by the tests of Kolmogorov and Smirnov or of Pearson at a
fixed seed; they agree eager and staged, and are differentiable by their parameters."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st
from tensor_laws import SCHEME

from eshkol.base.errors import EshkolError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import Vector
from eshkol.session import Session
from rows import one_in


class DoubleMaxwell:
    """Maxwell's distribution to both sides of a location."""

    def __init__(self, location, scale):
        self.location, self.half = location, st.maxwell(scale=scale)

    def cdf(self, x):
        x = np.asarray(x) - self.location
        return (1 + np.sign(x) * self.half.cdf(np.abs(x))) / 2


CONTINUOUS = [
    ("random-exponential", (2.0,), st.expon(scale=0.5)),
    ("random-gamma", (2.5, 0.5), st.gamma(2.5, scale=0.5)),
    ("random-gamma", (0.3, 1.0), st.gamma(0.3)),
    ("beta", (2.0, 5.0), st.beta(2, 5)),
    ("random-laplace", (1.0, 2.0), st.laplace(1, 2)),
    ("random-cauchy", (1.0, 2.0), st.cauchy(1, 2)),
    ("random-gumbel", (1.0, 2.0), st.gumbel_r(1, 2)),
    ("random-logistic", (1.0, 2.0), st.logistic(1, 2)),
    ("random-student-t", (4.0,), st.t(4)),
    ("random-chi-square", (3.0,), st.chi2(3)),
    ("random-f", (3.0, 8.0), st.f(3, 8)),
    ("random-lognormal", (0.5, 0.25), st.lognorm(0.25, scale=np.exp(0.5))),
    ("random-weibull", (1.5, 2.0), st.weibull_min(1.5, scale=2)),
    ("random-pareto", (3.0, 2.0), st.pareto(3, scale=2)),
    ("random-rayleigh", (2.0,), st.rayleigh(scale=2)),
    ("random-maxwell", (2.0,), st.maxwell(scale=2)),
    ("random-double-sided-maxwell", (1.0, 2.0), DoubleMaxwell(1.0, 2.0)),
    ("random-generalized-normal", (1.5, 1.0, 2.0), st.gennorm(1.5, 1, 2)),
    ("random-generalized-normal", (100.0, 0.0, 1.0), st.gennorm(100)),
    ("random-log-gamma", (0.3,), st.loggamma(0.3)),
    ("random-wald", (2.0,), st.invgauss(2.0)),
    ("random-truncated-normal", (-1.0, 3.0, 0.5, 2.0), st.truncnorm(-0.75, 1.25, 0.5, 2)),
    ("random-truncated-normal", (5.0, 6.0, 0.0, 1.0), st.truncnorm(5, 6)),
    ("random-truncated-normal", (-11.0, -10.0, 0.0, 1.0), st.truncnorm(-11, -10)),
    ("random-truncated-normal", (2.0, np.inf, 0.0, 1.0), st.truncnorm(2, np.inf)),
    ("random-truncated-normal", (-np.inf, 2.0, 1.0, 2.0), st.truncnorm(-np.inf, 0.5, 1, 2)),
    ("random-triangular", (0.0, 1.0, 3.0), st.triang(1 / 3, 0, 3)),
]
WHOLE = [
    ("random-poisson", (3.5,), st.poisson(3.5)),
    ("random-geometric", (0.3,), st.geom(0.3)),
    ("random-binomial", (12, 0.3), st.binom(12, 0.3)),
]
COUNT = 4000


def titles(rows):
    return [f"{name}-{parameters}" for name, parameters, _ in rows]


def drawn(name, *arguments, seed=5, **options):
    SCHEME["rng-seed"](seed)
    return SCHEME[name](*arguments, **options)


@pytest.mark.parametrize(
    ("name", "parameters", "reference"), one_in(6, CONTINUOUS, titles(CONTINUOUS))
)
def test_continuous(name, parameters, reference):
    sample = np.asarray(drawn(name, *parameters, COUNT))
    assert (sample.dtype, sample.shape) == ("float32", (COUNT,))
    assert st.kstest(sample, reference.cdf).pvalue > 1e-3
    np.testing.assert_array_equal(sample, drawn(name, *parameters, COUNT))
    number = drawn(name, *parameters)
    assert isinstance(number, float)


@pytest.mark.parametrize(
    ("name", "parameters", "reference"), one_in(6, CONTINUOUS, titles(CONTINUOUS))
)
def test_tensors_of_parameters(name, parameters, reference):
    many = [np.float32([parameter, parameter]) for parameter in parameters]
    assert np.shape(drawn(name, *many)) == (2,)
    sample = np.asarray(drawn(name, *many, COUNT // 2, 2))
    assert sample.shape == (COUNT // 2, 2)
    assert st.kstest(sample.reshape(-1), reference.cdf).pvalue > 1e-3


GREAT = [
    ("random-poisson", (3e7,), st.poisson(3e7)),
    ("random-poisson", (1.9e9,), st.poisson(1.9e9)),
    ("random-binomial", (3000000000, 0.25), st.binom(3000000000, 0.25)),
]


@pytest.mark.parametrize(("name", "parameters", "reference"), GREAT)
def test_great_counts(name, parameters, reference):
    sample = np.asarray(drawn(name, *parameters, 5 * COUNT))
    assert sample.dtype == "int32"
    spread = (np.float64(sample) - reference.mean()) / reference.std()
    assert st.kstest(spread, "norm").pvalue > 1e-3
    assert np.std(spread) == pytest.approx(1, abs=0.02)
    assert len(set((sample % 8).tolist())) == 8


def test_variables_that_depend_on_one_another():
    covariances = np.float32([[1, 2, 0.5], [2, 4, 1], [0.5, 1, 3]])
    sample = np.asarray(drawn("random-multivariate-normal", np.zeros(3), covariances, 5 * COUNT))
    np.testing.assert_allclose(sample[:, 1], 2 * sample[:, 0], atol=1e-4)
    np.testing.assert_allclose(np.cov(sample.T), covariances, atol=0.15)


def test_counts_of_more_than_32_bits():
    for options in ({"dtype": "int64"}, {"dtype": "float64"}):
        sample = np.asarray(drawn("random-poisson", 1e12, 300, **options), np.float64)
        assert np.abs(sample - 1e12).max() < 5e6
    assert drawn("random-poisson", 1e12) > 2**39
    assert drawn("random-geometric", 1e-15) > 2**31


@pytest.mark.parametrize(("name", "parameters", "reference"), one_in(3, WHOLE, titles(WHOLE)))
def test_whole(name, parameters, reference):
    sample = np.asarray(drawn(name, *parameters, COUNT))
    assert sample.dtype == "int32"
    values = np.arange(sample.min(), sample.max() + 1)
    expected = reference.pmf(values) * COUNT
    common = expected > 5
    observed = np.bincount(sample - sample.min(), minlength=len(values))
    rest = COUNT - expected[common].sum(), COUNT - observed[common].sum()
    result = st.chisquare([*observed[common], rest[1]], [*expected[common], rest[0]])
    assert result.pvalue > 1e-3
    assert isinstance(drawn(name, *parameters), int)


def test_classes_and_signs():
    sample = np.asarray(drawn("categorical", [1, 0, 3], COUNT))
    counts = np.bincount(sample, minlength=3)
    assert counts[1] == 0
    assert st.chisquare(counts[[0, 2]], [COUNT / 4, 3 * COUNT / 4]).pvalue > 1e-3
    assert np.asarray(drawn("categorical", np.eye(4), 3, 4)).tolist() == [[0, 1, 2, 3]] * 3
    signs = np.asarray(drawn("random-rademacher", COUNT))
    assert set(signs.tolist()) == {-1, 1}
    assert abs(signs.mean()) < 0.05


def test_counts_of_classes():
    weights = [1.0, 0.0, 3.0]
    sample = np.asarray(drawn("random-multinomial", 12, weights, COUNT))
    assert (sample.dtype, sample.shape) == ("int32", (COUNT, 3))
    assert (sample.sum(-1) == 12).all()
    assert not sample[:, 1].any()
    values = np.arange(13)
    expected = st.binom(12, 0.25).pmf(values) * COUNT
    observed = np.bincount(sample[:, 0], minlength=13)
    common = expected > 5
    rest = COUNT - observed[common].sum(), COUNT - expected[common].sum()
    result = st.chisquare([*observed[common], rest[0]], [*expected[common], rest[1]])
    assert result.pvalue > 1e-3
    assert (
        np.asarray(drawn("random-multinomial", 5, np.eye(3))).tolist() == (5 * np.eye(3)).tolist()
    )


@pytest.mark.parametrize("order", [1.0, 2.0, 4.5, 100.0, np.inf])
def test_points_of_a_ball(order):
    sample = np.asarray(drawn("random-ball", 3, COUNT, order=order), np.float64)
    radii = np.linalg.norm(sample, order, axis=-1)
    assert sample.shape == (COUNT, 3)
    assert st.kstest(radii**3, st.uniform().cdf).pvalue > 1e-3
    assert np.abs(sample.mean(0)).max() < 0.03


def test_matrices_and_bits():
    sample = np.asarray(drawn("random-orthogonal", 3, 500))
    np.testing.assert_allclose(sample @ sample.swapaxes(1, 2), [np.eye(3)] * 500, atol=1e-5)
    # Of an orthogonal matrix that is drawn evenly, an element of three is even from -1 to 1.
    assert st.kstest(sample[:, 0, 0], st.uniform(-1, 2).cdf).pvalue > 1e-3
    ones = np.unpackbits(np.asarray(drawn("random-bits", COUNT)).view("uint8"))
    assert abs(ones.mean() - 0.5) < 0.005


def test_every_distribution_of_jax_has_its_sampler():
    import jax

    ours = {
        "ball": "random-ball",
        "bernoulli": "bernoulli",
        "beta": "beta",
        "binomial": "random-binomial",
        "bits": "random-bits",
        "categorical": "categorical",
        "cauchy": "random-cauchy",
        "chisquare": "random-chi-square",
        "choice": "random-choice",
        "dirichlet": "random-dirichlet",
        "double_sided_maxwell": "random-double-sided-maxwell",
        "exponential": "random-exponential",
        "f": "random-f",
        "gamma": "random-gamma",
        "generalized_normal": "random-generalized-normal",
        "geometric": "random-geometric",
        "gumbel": "random-gumbel",
        "laplace": "random-laplace",
        "loggamma": "random-log-gamma",
        "logistic": "random-logistic",
        "lognormal": "random-lognormal",
        "maxwell": "random-maxwell",
        "multinomial": "random-multinomial",
        "multivariate_normal": "random-multivariate-normal",
        "normal": "random-normal",
        "orthogonal": "random-orthogonal",
        "pareto": "random-pareto",
        "permutation": "random-permutation",
        "poisson": "random-poisson",
        "rademacher": "random-rademacher",
        "randint": "random-int",
        "rayleigh": "random-rayleigh",
        "t": "random-student-t",
        "triangular": "random-triangular",
        "truncated_normal": "random-truncated-normal",
        "uniform": "random-uniform",
        "wald": "random-wald",
        "weibull_min": "random-weibull",
    }
    offered = {name for name in dir(jax.random) if callable(getattr(jax.random, name))}
    about_keys = {"Key", "PRNGKey", "clone", "fold_in", "split"}
    about_keys |= {name for name in offered if "key" in name}
    assert offered - about_keys <= set(ours)
    assert all(name in SCHEME for name in ours.values())


def test_vectors():
    sample = np.asarray(drawn("random-dirichlet", [1.0, 2.0, 5.0], COUNT))
    np.testing.assert_allclose(sample.sum(-1), 1, rtol=1e-5)
    assert st.kstest(sample[:, 0], st.beta(1, 7).cdf).pvalue > 1e-3
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    sample = np.asarray(drawn("random-multivariate-normal", [1.0, -1.0], covariance, COUNT))
    assert sample.shape == (COUNT, 2)
    np.testing.assert_allclose(sample.mean(0), [1, -1], atol=0.1)
    np.testing.assert_allclose(np.cov(sample.T), covariance, atol=0.15)


def test_choice():
    items = scheme_list(["a", "b", "c"])
    found = drawn("random-choice", items, 300, weights=[1, 0, 1])
    assert isinstance(found, Vector)
    assert set(found) == {"a", "c"}
    assert drawn("random-choice", items) in ("a", "b", "c")
    taken = drawn("random-choice", 5, 5, replace=False)
    assert sorted(np.asarray(taken).tolist()) == [0, 1, 2, 3, 4]
    rows = np.asarray(drawn("random-choice", np.eye(3, dtype="float32"), 4))
    assert rows.shape == (4, 3)
    assert (rows.sum(1) == 1).all()


def test_parameters_broadcast():
    rates = np.float32([[1.0], [100.0]])
    sample = np.asarray(drawn("random-exponential", rates, 2, 1000))
    assert sample.shape == (2, 1000)
    assert sample[0].mean() > 20 * sample[1].mean()
    assert drawn("random-gamma", np.ones(3, "float32"), 2.0).shape == (3,)
    narrow = [np.ones(3, "float32").astype(dtype) for dtype in ("bfloat16", "float16")]
    for name in ("random-gamma", "random-normal", "beta"):
        assert drawn(name, *narrow).dtype == "float32"
    assert drawn("random-gumbel", 0, 1, 4, dtype="float64").dtype == "float64"
    assert drawn("random-gumbel", 0, 1, 4, dtype="bfloat16").dtype == "bfloat16"


@pytest.mark.parametrize(
    "call",
    [
        "(random-gamma 2.0 1.0 4)",
        "(random-poisson 3 4)",
        "(categorical #(1 2) 4)",
        "(dropout (ones 9) 0.5)",
        "(let ((w (zeros 4))) (kaiming-normal! w 4) w)",
    ],
)
def test_staged_draws_are_eager_draws(call):
    session = Session()
    eager = session.evaluate(f"(rng-seed 3) {call}")
    staged = session.evaluate(f"(rng-seed 3) ((jit (lambda (x) {call})) 1.0)")
    np.testing.assert_allclose(np.asarray(staged), np.asarray(eager), rtol=1e-6)


def test_slopes_by_parameters():
    program = (
        "(derivative (lambda (s) (begin (rng-seed 1) (tensor-mean (random-laplace 0 s 500)))) 2.0)"
    )
    session = Session()
    slope = session.evaluate(program)
    sample = session.evaluate("(rng-seed 1) (tensor-mean (random-laplace 0 1 500))")
    assert float(slope) == pytest.approx(float(sample), rel=1e-4)


@pytest.mark.parametrize("scale", ["1.0", "0.4"])
def test_slopes_of_tails(scale):
    # At a fixed key the numbers move with the bounds: x(s) = s x(1) where all but s is infinite.
    draw = "(with-rng 3 (tensor-sum (random-truncated-normal {} +inf.0 0 {} 20)))"
    session = Session()
    slope = session.evaluate(f"(derivative (lambda (s) {draw.format('(* 5 s)', 's')}) {scale})")
    assert float(slope) == pytest.approx(float(session.evaluate(draw.format(5, 1.0))), rel=1e-4)


def test_random_tensor():
    assert drawn("random-tensor", 2, 3).shape == (2, 3)
    assert drawn("random-tensor", scheme_list([2, 3])).shape == (2, 3)
    sample = np.asarray(drawn("random-tensor", [COUNT], "normal", [3, 0.5]))
    assert st.kstest(sample, st.norm(3, 0.5).cdf).pvalue > 1e-3
    sample = np.asarray(drawn("random-tensor", [COUNT], "gamma", 2.5, 0.5))
    assert st.kstest(sample, st.gamma(2.5, scale=0.5).cdf).pvalue > 1e-3
    assert drawn("random-tensor", [2], "constant", 7).tolist() == [7, 7]
    assert drawn("random-tensor", [2], "bernoulli", [1]).tolist() == [1, 1]
    assert drawn("random-tensor", [2], "categorical", [0, 0, 3]).tolist() == [2, 2]
    assert drawn("random-tensor", [2], "categorical", 0, 1).tolist() == [1, 1]
    assert drawn("random-tensor", [2], "int", 4, 5).tolist() == [4, 4]
    assert drawn("random-tensor", [2], "int", [4, 5], dtype="int8").dtype == "int8"


BAD = [
    ("(random-gamma)", "random-gamma"),
    ("(random-gamma -1)", "random-gamma: expected a shape parameter greater than 0, got -1"),
    ("(random-gamma 'a)", "random-gamma: expected a tensor or a number, got a"),
    ("(random-gamma #t)", "random-gamma: expected a number as shape parameter, got #t"),
    ("(random-laplace +nan.0)", "random-laplace: expected a location that is finite, got +nan.0"),
    ("(random-laplace 0 1 -2)", "random-laplace: expected sizes of at least 0, got -2"),
    ("(random-laplace 0 1 2 #:dtype 'int32)",
     "random-laplace: expected a floating dtype, got int32"),
    ("(random-laplace (zeros 3) 1 2)", "random-laplace: parameters of shape [3] do not fit [2]"),
    ("(random-laplace (zeros 3) (ones 2))", "random-laplace: shapes don't fit together"),
    ("(random-geometric 0)", "expected a probability greater than 0, at most 1, got 0"),
    ("(random-binomial 3 1.5)", "expected a probability from 0 to 1, got 1.5"),
    ("(random-poisson -1)", "expected a rate of at least 0, got -1"),
    ("(categorical #(0 0))", "categorical: expected weights of at least 0, not all 0"),
    ("(categorical (ones 3 2) 2)", "categorical: rows of weights of shape [3] do not fit [2]"),
    ("(categorical 1)", "categorical: expected weights of at least one class"),
    ("(random-choice '())", "random-choice: 1 of 0 elements can't be chosen"),
    ("(random-choice 3 4 #:replace #f)", "random-choice: 4 of 3 elements can't be chosen"),
    ("(random-choice 3 4 #:weights #(1))", "random-choice: 3 elements and weights f32[1]"),
    ("(random-dirichlet 1)", "random-dirichlet: expected a tensor of rank 1 or more"),
    ("(random-multivariate-normal #(0) (eye 2))", "expected a mean [n] and covariances [n, n]"),
    ("(random-tensor '(2) 'best 1)", "random-tensor: unknown distribution best"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "message"), BAD, ids=range(len(BAD)))
def test_bad_calls(program, message):
    with pytest.raises(EshkolError) as caught:
        Session().evaluate(program)
    assert message in str(caught.value)

"""Random numbers: reproducible, the same in every mode, and of the right distributions."""

from __future__ import annotations

import math
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from eshkol.base.errors import BadValue, OutOfRange, ShapeError, StagingError, WrongType
from eshkol.datum.pairs import NIL, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla.dtypes import wide
from eshkol.xla.keys import KEY_SOURCE
from eshkol.xla.seeds import key_of_seed

SCHEME = builtin_namespace()
L = scheme_list


@pytest.fixture(autouse=True)
def _seeded():
    SCHEME["rng-seed"](1234)


DRAWS = [
    ("random", ()),
    ("random", (3,)),
    ("random-uniform", (2.0, 5.0)),
    ("random-uniform", (2, 5, 3, 2)),
    ("random-uniform", (L([3]), 2, 5)),
    ("random-uniform", (L([3]),)),
    ("random-normal", (1.0, 2.0)),
    ("random-normal", (L([3]), 1.0, 2.0)),
    ("rand", (2, 3)),
    ("randn", (2, 3)),
    ("random-int", (0, 100)),
    ("random-int", (0, 10**30)),
    ("randint", (0, 100, 5)),
    ("random-permutation", (8,)),
    ("shuffle", (Vector([1, 2, 3, 4]),)),
    ("bernoulli", (0.5,)),
    ("bernoulli", (0.5, 9)),
    ("dropout-mask", (jnp.ones(9), 0.5)),
    ("xavier-uniform", (L([3, 2]),)),
    ("xavier-normal", (L([3, 2]),)),
    ("orthogonal-init", (L([3, 2]),)),
]


def plain(value):
    return np.asarray(value).tolist() if not isinstance(value, list) else list(value)


@pytest.mark.parametrize(("name", "arguments"), DRAWS)
def test_a_seed_determines_the_draws_in_every_mode(name, arguments):
    first = [SCHEME[name](*arguments) for _ in range(3)]
    SCHEME["rng-seed"](1234)
    again = [SCHEME[name](*arguments) for _ in range(3)]
    SCHEME["rng-seed"](1234)
    with wide():
        doubles = [SCHEME[name](*arguments) for _ in range(3)]
    assert list(map(plain, first)) == list(map(plain, again)) == list(map(plain, doubles))
    assert getattr(first[0], "dtype", None) == getattr(doubles[0], "dtype", None)
    SCHEME["rng-seed"](4321)
    other = [SCHEME[name](*arguments) for _ in range(3)]
    assert name == "bernoulli" or list(map(plain, first)) != list(map(plain, other))


def test_scalars_are_numbers_of_the_host():
    assert SCHEME["random"]().__class__ is float
    assert SCHEME["random-normal"](0, 1).__class__ is float
    assert SCHEME["random-uniform"](0, 1).__class__ is float
    assert SCHEME["random-int"](0, 9).__class__ is int
    assert SCHEME["bernoulli"](0.5).__class__ is int


def test_dtypes_of_tensors():
    assert SCHEME["rand"](2).dtype == np.float32
    assert SCHEME["randn"](2, dtype="bf16").dtype == jnp.bfloat16
    assert SCHEME["random"](2, dtype="f64").dtype == np.float64
    assert SCHEME["randint"](0, 9, 2).dtype == np.int32
    assert SCHEME["random-permutation"](3).dtype == np.int32
    assert SCHEME["bernoulli"](0.5, 3).dtype == np.float32
    assert SCHEME["bernoulli"](0.5, 3, dtype="bool").dtype == bool


def samples(name, *arguments, count=4000):
    return np.array([SCHEME[name](*arguments) for _ in range(count)])


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (lambda: samples("random"), scipy.stats.uniform()),
        (lambda: samples("random-uniform", 2.0, 5.0), scipy.stats.uniform(2, 3)),
        (lambda: samples("random-normal", 1.0, 2.0), scipy.stats.norm(1, 2)),
        (lambda: SCHEME["rand"](4000), scipy.stats.uniform()),
        (lambda: SCHEME["randn"](4000), scipy.stats.norm()),
        (lambda: SCHEME["random-uniform"](L([4000]), 2, 5), scipy.stats.uniform(2, 3)),
        (lambda: SCHEME["random-normal"](1, 2, 4000), scipy.stats.norm(1, 2)),
        (lambda: SCHEME["uniform-init"](L([4000]), -1, 1), scipy.stats.uniform(-1, 2)),
        (lambda: SCHEME["normal-init"](L([4000]), 1, 2), scipy.stats.norm(1, 2)),
        (
            lambda: SCHEME["xavier-uniform"](L([80, 50])).reshape(-1),
            scipy.stats.uniform(-math.sqrt(6 / 130), 2 * math.sqrt(6 / 130)),
        ),
        (
            lambda: SCHEME["he-uniform"](L([2, 2, 20, 50])).reshape(-1),
            scipy.stats.uniform(-math.sqrt(6 / 80), 2 * math.sqrt(6 / 80)),
        ),
        (
            lambda: SCHEME["he-uniform"](L([50, 20, 2, 2]), layout="OIHW").reshape(-1),
            scipy.stats.uniform(-math.sqrt(6 / 80), 2 * math.sqrt(6 / 80)),
        ),
        (
            lambda: SCHEME["lecun-uniform"](4000),
            scipy.stats.uniform(-math.sqrt(3 / 4000), 2 * math.sqrt(3 / 4000)),
        ),
    ],
)
def test_distributions(draw, distribution):
    assert scipy.stats.kstest(np.asarray(draw(), "float64"), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "shape", "variance"),
    [
        ("xavier-normal", (200, 100), 2 / 300),
        ("he-normal", (200, 100), 2 / 200),
        ("he-normal", (3, 3, 20, 100), 2 / 180),
        ("lecun-normal", (200, 100), 1 / 200),
    ],
)
def test_variances_of_normal_weights(name, shape, variance):
    weights = np.asarray(SCHEME[name](L(list(shape))))
    assert weights.shape == shape
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.var(), variance, rtol=0.05)
    deviation = math.sqrt(variance) / 0.87962566103423978
    assert np.abs(weights).max() <= 2 * deviation * 1.001


def test_integers_are_half_open_and_even():
    counts = np.bincount(samples("random-int", 0, 5, count=5000), minlength=5)
    assert len(counts) == 5
    assert scipy.stats.chisquare(counts).pvalue > 1e-3
    drawn = np.asarray(SCHEME["randint"](-2, 3, 5000))
    assert scipy.stats.chisquare(np.bincount(drawn + 2, minlength=5)).pvalue > 1e-3
    huge = [SCHEME["random-int"](-(10**40), 10**40) for _ in range(50)]
    assert all(-(10**40) <= number < 10**40 for number in huge)
    assert max(huge) > 10**39


def test_bernoulli():
    assert 0.25 < np.mean(samples("bernoulli", 0.3, count=2000)) < 0.35
    assert 0.25 < SCHEME["bernoulli"](0.3, 4000).mean() < 0.35
    assert set(samples("bernoulli", 1.0, count=50)) == {1}
    assert set(samples("bernoulli", 0, count=50)) == {0}


def test_permutations_and_shuffles():
    assert sorted(SCHEME["random-permutation"](9).tolist()) == list(range(9))
    shuffled = SCHEME["shuffle"](L(list(range(20))))
    assert sorted(shuffled) == list(range(20)) != list(shuffled)
    assert isinstance(SCHEME["shuffle"](Vector("abc")), Vector)
    assert SCHEME["shuffle"](NIL) is NIL
    rows = SCHEME["shuffle"](jnp.arange(12).reshape(6, 2))
    assert sorted(rows[:, 0].tolist()) == list(range(0, 12, 2))
    assert (rows[:, 1] == rows[:, 0] + 1).all()


def test_dropout():
    mask = SCHEME["dropout-mask"](jnp.ones((100, 50), "bfloat16"), 0.2)
    assert mask.dtype == jnp.bfloat16
    assert set(np.float32(mask).reshape(-1).tolist()) == {0.0, 1.25}
    assert abs(np.float32(mask).mean() - 1) < 0.05
    assert SCHEME["dropout-mask"](jnp.ones(9), 0).tolist() == [1] * 9
    assert SCHEME["dropout-mask"](jnp.ones(9), 1).tolist() == [0] * 9


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 3, 4)])
def test_orthogonal_weights(shape):
    matrix = np.asarray(SCHEME["orthogonal-init"](L(list(shape)))).reshape(-1, shape[-1])
    small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-5)
    np.testing.assert_allclose(
        np.linalg.norm(SCHEME["orthogonal-init"](L([4, 4]), 3.0), 2), 3, rtol=1e-5
    )


def test_other_initial_weights():
    assert SCHEME["constant-init"](L([2]), 0.5).tolist() == [0.5, 0.5]
    assert SCHEME["orthogonal-init"](L([2, 2]), dtype="bf16").dtype == jnp.bfloat16
    assert SCHEME["he-normal"](L([2, 2]), dtype="f64").dtype == np.float64


def test_a_key_of_their_own():
    call = SCHEME["call-with-rng"]
    draws = [call(7, lambda: [SCHEME["random"](), SCHEME["random"]()]) for _ in range(2)]
    assert draws[0] == draws[1]
    assert draws[0][0] != draws[0][1]
    assert call(8, SCHEME["random"]) != draws[0][0]
    first, second = SCHEME["split-rng"](7)
    assert call(first, SCHEME["random"]) != call(second, SCHEME["random"])
    assert call(jax.random.key_data(first), SCHEME["random"]) == call(first, SCHEME["random"])
    assert len(SCHEME["split-rng"](7, 5)) == 5


@pytest.mark.parametrize("number", [0, 5, 2**32 - 1, -1, -(2**31)])
def test_a_key_folded_with_a_number_is_jaxs(number):
    fold_in = SCHEME["fold-in"]
    wanted = jax.random.key_data(jax.random.fold_in(jax.random.key(7), np.uint32(number % 2**32)))
    with wide():
        staged = jax.jit(fold_in)(7, number)
    for found in (fold_in(7, number), fold_in(jax.random.key(7), number), staged):
        np.testing.assert_array_equal(found, wanted)


def test_keys_are_tensors():
    key = SCHEME["fold-in"](7, 1)
    assert (key.dtype, key.shape) == (np.uint32, (2,))
    assert [part.dtype for part in SCHEME["split-rng"](key)] == [np.uint32] * 2
    keys = SCHEME["stack"](SCHEME["split-rng"](key, 3))
    lanes = jax.vmap(lambda one: SCHEME["call-with-rng"](one, SCHEME["random"]))(keys)
    alone = [SCHEME["call-with-rng"](one, SCHEME["random"]) for one in keys]
    np.testing.assert_allclose(lanes, np.float32(alone), rtol=1e-6)


SINGLE = [
    ("random", (), {}),
    ("random-uniform", (2.0, 3.0), {}),
    ("random-normal", (1, 2), {}),
    ("random-gamma", (2.0,), {}),
    ("random-poisson", (3.0,), {"dtype": "int8"}),
    ("bernoulli", (0.5,), {"dtype": "int32"}),
    ("random-int", (3, 9), {"dtype": "uint8"}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), SINGLE)
def test_a_single_number_of_a_dtype_is_a_tensor(name, arguments, options):
    options = {"dtype": "float16"} | options

    def program(key):
        return SCHEME["call-with-rng"](key, lambda: SCHEME[name](*arguments, **options))

    eager = program(3)
    with wide():
        staged = jax.jit(program)(3)
    assert eager.shape == staged.shape == ()
    assert eager.dtype == staged.dtype == options["dtype"]
    np.testing.assert_allclose(float(eager), float(staged), rtol=2e-3)


def test_parameters_that_are_tensors_have_draws_of_their_own():
    both = SCHEME["call-with-rng"](3, lambda: SCHEME["random-normal"](0, L([1.0, 1.0])))
    assert both.dtype == np.float32
    assert both[0] != both[1]
    low = jnp.array([0.0, 10.0])
    drawn = SCHEME["random-uniform"](low, low + 1, 50, 2)
    assert ((drawn >= low) & (drawn < low + 1)).all()
    with wide():
        doubles = SCHEME["random-uniform"](jnp.array([0.0, 1.0], "float64"), 2)
    assert doubles.dtype == np.float64
    coins = SCHEME["bernoulli"](L([0.5] * 64))
    assert 0 < coins.sum() < 64
    dice = SCHEME["random-int"](L([0, 10]), jnp.array([5, 20]), 50, 2)
    assert ((dice >= np.array([0, 10])) & (dice < np.array([5, 20]))).all()


def test_integers_of_a_dtype():
    drawn = SCHEME["random-int"](0, 256, 400, dtype="uint8")
    assert drawn.dtype == np.uint8
    assert drawn.max() > 240
    assert SCHEME["random-int"](0, 2**62, 3, dtype="int64").dtype == np.int64
    assert SCHEME["random-int"](0, 2**31, 3).dtype == np.int32


def test_draws_inside_do_not_move_the_outer_stream():
    SCHEME["rng-seed"](5)
    wanted = SCHEME["rand"](1)
    SCHEME["rng-seed"](5)
    SCHEME["call-with-rng"](1, lambda: SCHEME["rand"](10))
    assert SCHEME["rand"](1) == wanted
    assert KEY_SOURCE.draw is None


def test_the_source_is_restored_after_an_error():
    with pytest.raises(BadValue):
        SCHEME["call-with-rng"](1, lambda: SCHEME["random-int"](1, 1))
    assert KEY_SOURCE.draw is None


@pytest.mark.parametrize("seed", [0, 7, 2**32 + 5, 2**64 - 1, -1])
def test_traced_seeds_are_the_same_seeds(seed):
    def program(key):
        return SCHEME["call-with-rng"](key, lambda: SCHEME["rand"](3))

    wanted = program(seed)
    if -(2**63) <= seed < 2**63:
        with wide():
            np.testing.assert_array_equal(jax.jit(program)(seed), wanted)
    else:
        assert wanted.shape == (3,)


def test_a_key_is_jaxs_key_of_the_seed():
    np.testing.assert_array_equal(
        jax.random.key_data(key_of_seed(42)), jax.random.key_data(jax.random.key(42))
    )


def test_staged_scalars_are_traced_doubles():
    def program(key):
        def draws():
            return (
                SCHEME["random"](),
                SCHEME["random-normal"](1.0, 2.0),
                SCHEME["random-int"](0, 10),
                SCHEME["random-uniform"](2.0, 3.0),
                SCHEME["bernoulli"](0.5),
            )

        return SCHEME["call-with-rng"](key, draws)

    with wide():
        staged = jax.jit(program)(3)
    eager = program(3)
    np.testing.assert_allclose([float(v) for v in staged], eager, rtol=1e-12)
    assert [str(v.dtype) for v in staged] == ["float64", "float64", "int64", "float64", "int64"]


def test_traced_parameters():
    def program(low, high, rate):
        return SCHEME["call-with-rng"](
            3,
            lambda: (
                SCHEME["random-uniform"](low, high, 5),
                SCHEME["random-normal"](L([5]), low, high),
                SCHEME["dropout-mask"](jnp.ones(5, "float32"), rate),
                SCHEME["bernoulli"](rate, 5),
            ),
        )

    with wide():
        staged = jax.jit(program)(2.0, 5.0, 0.5)
    for result, wanted in zip(staged, program(2.0, 5.0, 0.5), strict=True):
        assert result.dtype == wanted.dtype == np.float32
        np.testing.assert_allclose(result, wanted, rtol=1e-6)


def test_threads_share_the_stream():
    SCHEME["rng-seed"](3)
    alone = sorted(SCHEME["random"]() for _ in range(400))
    SCHEME["rng-seed"](3)
    drawn: list[float] = []
    threads = [
        threading.Thread(target=lambda: drawn.extend(SCHEME["random"]() for _ in range(100)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(drawn) == alone


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("rng-seed", (1.5,), WrongType, "rng-seed: expected an exact integer as seed, got 1.5"),
        ("call-with-rng", ("a", list), WrongType, "call-with-rng: expected an exact integer"),
        ("split-rng", (1, 0), BadValue, "split-rng: expected at least 1 key, got 0"),
        ("fold-in", (1, 2**32), OutOfRange, "fold-in: 4294967296 does not fit in 32 bits"),
        ("fold-in", (1, 0.5), WrongType, "fold-in: expected an exact integer as a number, got 0.5"),
        ("fold-in", ("a", 1), WrongType, "fold-in: expected an exact integer as seed"),
        ("random-int", (0, L([5, 0]), 2), BadValue, r"expected low < high, got 0 and \(5 0\)"),
        ("random-int", (0, L([0.5])), WrongType, "expected exact integers as bounds, got"),
        ("random-normal", (L([0.5, 1.0]), 1, 3), ShapeError, r"shape \[2\] do not fit \[3\]"),
        ("bernoulli", (L([0.5, 1.0]), 3), ShapeError, r"shape \[2\] do not fit \[3\]"),
        ("random-int", (5, 5), BadValue, "random-int: expected low < high, got 5 and 5"),
        ("random-int", (0, 2.5), WrongType, "random-int: expected an exact integer as a bound"),
        ("random-int", (0, 2**40, 3), OutOfRange, "does not fit in a tensor of int32"),
        ("random-uniform", (1,), WrongType, "random-uniform: expected two numbers, or a shape"),
        ("random-uniform", (True, 2), WrongType, "random-uniform: expected a number, got #t"),
        ("random-normal", ("a", 1), WrongType, "random-normal: expected a tensor or a number"),
        ("random-permutation", (-1,), BadValue, "expected a count of at least 0, got -1"),
        ("bernoulli", (1.5,), BadValue, "bernoulli: expected a probability from 0 to 1, got 1.5"),
        ("dropout-mask", (jnp.ones(2), -1), BadValue, "dropout-mask: expected a probability"),
        ("shuffle", ("abc",), WrongType, "shuffle: expected a tensor"),
        ("shuffle", (2.5,), WrongType, "shuffle: expected a list, vector or tensor"),
        ("xavier-uniform", (), BadValue, "xavier-uniform: expected a shape with at least one size"),
        ("orthogonal-init", (L([3]),), BadValue, "orthogonal-init: expected at least two sizes"),
    ],
)
def test_bad_arguments(name, arguments, error, message):
    with pytest.raises((error, ValueError), match=message):
        SCHEME[name](*arguments)


def test_bad_options():
    with pytest.raises(BadValue, match="random-int: expected a dtype of integers, got float32"):
        SCHEME["random-int"](0, 3, dtype="float32")
    with pytest.raises(OutOfRange, match="random-int: 300 does not fit in a tensor of uint8"):
        SCHEME["random-int"](0, 300, 2, dtype="uint8")
    with pytest.raises(WrongType, match="random-choice: expected #t or #f as replace, got no"):
        SCHEME["random-choice"](3, 2, replace=Symbol("no"))
    with pytest.raises(BadValue, match="rand: expected a floating dtype, got int32"):
        SCHEME["rand"](3, dtype="int32")
    with pytest.raises(BadValue, match="he-normal: expected a layout of 2 letters with I and O"):
        SCHEME["he-normal"](L([3, 2]), layout="OIHW")


def test_a_list_is_not_shuffled_in_a_compiled_program():
    def program(key):
        return SCHEME["call-with-rng"](key, lambda: SCHEME["shuffle"](L([1, 2, 3])).car)

    with pytest.raises(StagingError, match="shuffle: the order of a list or vector must be known"):
        jax.jit(program)(3)

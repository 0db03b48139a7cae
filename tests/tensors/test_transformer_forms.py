"""Convolutions, normalization, attention and what goes with it, against SciPy and plain NumPy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
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

from eshkol.base.errors import BadValue, EshkolError, OutOfRange, ShapeError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.primitives.declare import PRIMITIVES
from rows import one_in

RANDOM = np.random.default_rng(1)


def random(*shape):
    return RANDOM.normal(size=shape)


def correlated(images, kernel):
    """n×c×… with out×in×…: the sum over channels of the cross-correlations."""

    def over_channels(image, filters):
        pairs = zip(image, filters, strict=True)
        return sum(scipy.signal.correlate(x, w, "valid") for x, w in pairs)

    return np.stack([[over_channels(x, filters) for filters in kernel] for x in images])


def windows(x, size, stride, reduce):
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(-2, -1))
    return reduce(view[..., ::stride, ::stride, :, :], axis=(-2, -1))


def normalized(x, axes, scale=1.0, shift=0.0, epsilon=1e-5):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * scale + shift


def attended(q, k, v, bias=0.0):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]) + bias
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


def heads_attended(q, k, v, heads, wq, wk, wv, wo, bias=0.0):
    q, k, v = q @ wq, k @ wk, v @ wv
    parts = [np.split(x, heads, axis=-1) for x in (q, k, v)]
    return np.concatenate([attended(*head, bias) for head in zip(*parts, strict=True)], -1) @ wo


def causal(n):
    return np.where(np.tri(n, dtype=bool), 0.0, -np.inf)


def turned(x, positions, features):
    """Each pair of features as a complex number, turned."""
    rates = 10000.0 ** (-2 * np.arange(features // 2) / features)
    numbers = x[..., :features:2] + 1j * x[..., 1:features:2]
    numbers = numbers * np.exp(1j * positions[:, None] * rates)
    pairs = np.stack([numbers.real, numbers.imag], -1).reshape(*x.shape[:-1], features)
    return np.concatenate([pairs, x[..., features:]], -1)


def waves(length, features):
    i = np.arange(features)
    angles = np.arange(length)[:, None] / 10000 ** ((i - i % 2) / features)
    return np.where(i % 2, np.cos(angles), np.sin(angles))


SIGNAL, SIGNALS = random(9), random(2, 3, 9)
PICTURE, IMAGES = random(6, 5), random(2, 3, 6, 5)
VOLUME, VOLUMES = random(4, 4, 5), random(2, 2, 4, 4, 4)
K1, K2, K3 = random(3), random(2, 3), random(2, 2, 3)
KS1, KS2, KS3 = random(4, 3, 3), random(4, 3, 3, 2), random(3, 2, 2, 2, 2)
M, ROWS = random(5, 4), random(2, 5, 4)
G4, B4 = random(4), random(4)
Q, K, V = random(2, 5, 4), random(2, 6, 4), random(2, 6, 3)
X = random(2, 5, 4)
WEIGHTS = tuple(random(4, 4) for _ in range(4))
W1, C1, W2, C2 = random(4, 7), random(7), random(7, 3), random(3)
PLACES = np.arange(5.0)
TABLE = random(6, 3)


def c(name, *arguments, expected, **options):
    return Case(name, arguments, expected, options)


CASES = [
    c("conv1d", SIGNAL, K1, expected=scipy.signal.correlate(SIGNAL, K1, "valid")),
    c("conv1d", SIGNAL, K1, 2, expected=scipy.signal.correlate(SIGNAL, K1, "valid")[::2]),
    c("conv1d", SIGNAL, K1, 1, 1, expected=scipy.signal.correlate(SIGNAL, K1, "same")),
    c("conv1d", SIGNALS, KS1, expected=correlated(SIGNALS, KS1)),
    c("conv1d", SIGNALS[0], KS1, expected=correlated(SIGNALS, KS1)[0]),
    c("conv2d", PICTURE, K2, expected=scipy.signal.correlate(PICTURE, K2, "valid")),
    c("conv2d", PICTURE, K2, 2, expected=scipy.signal.correlate(PICTURE, K2, "valid")[::2, ::2]),
    c("conv2d", IMAGES, KS2, expected=correlated(IMAGES, KS2)),
    c("conv2d", IMAGES[0], KS2, expected=correlated(IMAGES, KS2)[0]),
    c("conv3d", VOLUME, K3, expected=scipy.signal.correlate(VOLUME, K3, "valid")),
    c("conv3d", VOLUMES, KS3, expected=correlated(VOLUMES, KS3)),
    c("conv3d", VOLUMES[0], KS3, expected=correlated(VOLUMES, KS3)[0]),
    c("max-pool2d", PICTURE, 2, expected=windows(PICTURE, 2, 2, np.max)),
    c("max-pool2d", IMAGES, 3, 1, expected=windows(IMAGES, 3, 1, np.max)),
    c("avg-pool2d", PICTURE, 2, 1, expected=windows(PICTURE, 2, 1, np.mean)),
    c("avg-pool2d", IMAGES, 2, expected=windows(IMAGES, 2, 2, np.mean)),
    c("layer-norm", SIGNAL, 1.0, 0.0, 1e-5, expected=normalized(SIGNAL, -1)),
    c("layer-norm", M, G4, B4, 1e-3, expected=normalized(M, -1, G4, B4, 1e-3)),
    c("layer-norm", M, 2.0, 1.0, 1e-3, 0, expected=normalized(M, 0, 2, 1, 1e-3)),
    c("layer-norm", ROWS, G4, B4, expected=normalized(ROWS, -1, G4, B4)),
    c("layer-norm", ROWS, 1, 0, 1e-5, scheme_list([1, 2]), expected=normalized(ROWS, (1, 2))),
    c("rms-norm", ROWS, G4, expected=ROWS / np.sqrt((ROWS**2).mean(-1, keepdims=True) + 1e-5) * G4),
    c("batch-norm", M, G4, B4, 1e-5, expected=normalized(M, 0, G4, B4)),
    c("batch-norm", M, 1.0, 0.0, 1e-5, 1, expected=normalized(M, 1)),
    c("batch-norm", IMAGES, np.ones(3), np.zeros(3), expected=normalized(IMAGES, (0, 2, 3))),
    c("scaled-dot-attention", Q[0], K[0], V[0], expected=attended(Q[0], K[0], V[0])),
    c("scaled-dot-attention", Q, K, V, expected=attended(Q, K, V)),
    c("scaled-dot-attention", X, X, X, causal(5), expected=attended(X, X, X, causal(5))),
    c("scaled-dot-attention", X, X, X, causal(5) == 0, expected=attended(X, X, X, causal(5))),
    c("multi-head-attention", M, M, M, 2, *WEIGHTS, expected=heads_attended(M, M, M, 2, *WEIGHTS)),
    c("multi-head-attention", X, X, X, 4, *WEIGHTS, expected=heads_attended(X, X, X, 4, *WEIGHTS)),
    c(
        "multi-head-attention", X, X, X, 2, *WEIGHTS, causal(5),
        expected=heads_attended(X, X, X, 2, *WEIGHTS, causal(5)),
    ),
    c(
        "multi-head-attention", X, X, X, 2, *WEIGHTS, np.stack([causal(5), 0 * np.eye(5)]),
        expected=heads_attended(X, X, X, 2, *WEIGHTS, np.stack([causal(5), 0 * np.eye(5)])),
    ),
    c("rotary-embedding", M, PLACES, expected=turned(M, PLACES, 4)),
    c("rotary-embedding", X, PLACES, 2, expected=turned(X, PLACES, 2)),
    c("feed-forward", X, W1, C1, W2, C2, expected=np.maximum(X @ W1 + C1, 0) @ W2 + C2),
    c("feed-forward", X, 4, 7, W1, C1, W2, C2, expected=np.maximum(X @ W1 + C1, 0) @ W2 + C2),
    c("embedding", np.int32([[0, 5], [2, 2]]), TABLE, expected=TABLE[[[0, 5], [2, 2]]]),
]  # fmt: skip
SLOPED = largest_of_each(CASES)


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values(case):
    check_value(case, "float32")


@pytest.mark.parametrize("case", SLOPED, ids=ids(SLOPED))
def test_doubles_and_staged(case):
    check_value(case, "float64")
    check_staged(case)


@pytest.mark.parametrize("case", SLOPED, ids=ids(SLOPED))
def test_batched(case):
    check_batched(case._replace(arguments=tuple(map(finite, case.arguments))))


@pytest.mark.parametrize("case", one_in(2, SLOPED, ids(SLOPED)))
def test_slopes(case):
    check_slopes(case._replace(arguments=tuple(map(finite, case.arguments))))


def finite(value):
    """Masks are no point to differentiate at."""
    masks = isinstance(value, np.ndarray) and np.isinf(value).any()
    return np.isfinite(value) if masks else value


def test_masks_and_positions():
    np.testing.assert_array_equal(SCHEME["causal-mask"](4), causal(4).astype("float32"))
    assert SCHEME["causal-mask"](2, dtype="bool").tolist() == [[True, False], [True, True]]
    mask = SCHEME["padding-mask"](jnp.asarray([0, 2, 3]), 3)
    wanted = np.where([[0, 0, 0], [1, 1, 0], [1, 1, 1]], 0, -np.inf)
    np.testing.assert_array_equal(mask, wanted)
    assert SCHEME["causal-mask"](0).shape == (0, 0)
    for shape in [(7, 6), (4, 5), (3, 1), (0, 4)]:
        result = SCHEME["positional-encoding"](*shape)
        assert result.dtype == "float32"
        np.testing.assert_allclose(result, waves(*shape), atol=1e-6)


def test_a_query_without_keys_looks_at_all_alike():
    mask = jnp.full((5, 6), -np.inf)
    result = SCHEME["scaled-dot-attention"](Q[0], K[0], V[0], mask)
    np.testing.assert_allclose(result, np.tile(V[0].mean(0), (5, 1)), atol=1e-6)


def test_positions_are_relative():
    """Only the distance of two turned vectors counts in their product."""
    q, k = random(1, 4), random(1, 4)

    def product(i, j):
        turn = SCHEME["rotary-embedding"]
        return float(jnp.sum(turn(q, jnp.asarray([i])) * turn(k, jnp.asarray([j]))))

    assert product(3.0, 1.0) == pytest.approx(product(7.0, 5.0), rel=1e-4)


def test_batch_norm_is_per_feature_without_an_axis():
    result = np.asarray(SCHEME["batch-norm"](M, 1.0, 0.0, 1e-8))
    np.testing.assert_allclose(result.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(result.std(0), 1, atol=1e-5)


def test_normalization_of_half_floats_is_computed_in_float32():
    x = jnp.asarray(1000 + np.arange(8.0), "float16")
    result = SCHEME["layer-norm"](x)
    assert result.dtype == "float16"
    np.testing.assert_allclose(result, normalized(np.arange(8.0), -1), atol=2e-3)


def test_dropout():
    SCHEME["rng-seed"](3)
    x = jnp.ones((100, 100))
    result = np.asarray(SCHEME["dropout"](x, 0.25))
    assert set(np.unique(result)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (result == 0).mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(SCHEME["dropout"](x, 0.0), x)
    np.testing.assert_array_equal(SCHEME["dropout"](x, 1.0), 0 * x)
    assert not np.isnan(SCHEME["dropout"](jnp.full(64, np.inf), 0.5)).any()


def test_feed_forward_takes_another_activation():
    result = SCHEME["feed-forward"](X, W1, C1, W2, C2, activation=PRIMITIVES["tanh"].function)
    np.testing.assert_allclose(result, np.tanh(X @ W1 + C1) @ W2 + C2, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("conv1d", (3, K1), ShapeError, "conv1d: expected a tensor and a kernel, got 3"),
        ("conv1d", ("x", K1), WrongType, "conv1d: expected a tensor or a number"),
        ("conv2d", (SIGNAL, K2), ShapeError, r"conv2d: expected images n×c×h×w and a kernel"),
        ("conv2d", (IMAGES, KS2[:, :2]), ShapeError, "has 3 channels and the kernel"),
        ("conv3d", (VOLUME, K2), ShapeError, r"conv3d: expected images n×c×d×h×w and a kernel"),
        ("max-pool2d", (SIGNAL, 2), ShapeError, r"max-pool2d: expected images n×c×h×w, got"),
        ("avg-pool2d", (PICTURE, 9), ShapeError, "a window of 9 does not fit"),
        ("layer-norm", (1.0,), ShapeError, "layer-norm: expected a tensor, got 1.0"),
        ("layer-norm", (M, C1), ShapeError, r"layer-norm: a parameter is f32\[7\], which does not"),
        ("layer-norm", (M, 1, 0, 1e-5, 2), OutOfRange, "layer-norm: axis 2 is out of range"),
        ("batch-norm", (M, C1), ShapeError, r"batch-norm: a parameter is f32\[7\], which does not"),
        ("dropout", (0.5, 0.5), ShapeError, "dropout: expected a tensor and a rate, got 0.5"),
        ("dropout", (M, 1.5), BadValue, "expected a probability from 0 to 1, got 1.5"),
        ("scaled-dot-attention", (Q, V, V), ShapeError, "scaled-dot-attention: shapes don't fit"),
        ("scaled-dot-attention", (X, X, X, causal(4)), ShapeError, r"mask f32\[4,4\] does not fit"),
        ("multi-head-attention", (X, X, X, 3, *WEIGHTS), ShapeError, "3 heads do not divide"),
        ("multi-head-attention", (X, X, X, 0, *WEIGHTS), ShapeError, "0 heads do not divide"),
        ("causal-mask", (-1,), BadValue, "causal-mask: expected a size of at least 0, got -1"),
        ("causal-mask", (2.5,), WrongType, "causal-mask: expected an exact integer as a size"),
        ("rotary-embedding", (M, PLACES, 3), OutOfRange, "3 features of .* do not make pairs"),
        ("rotary-embedding", (M, PLACES[:2]), ShapeError, r"the positions f32\[2\] do not fit"),
        ("feed-forward", (X, W1, C1), BadValue, "expected two weights and two biases, got 2"),
        ("embedding", (np.int32([6]), TABLE), OutOfRange, "embedding: index 6 is out of range"),
        ("embedding", (np.int32([0]), SIGNAL), ShapeError, "embedding: expected a table of rows"),
    ],
)  # fmt: skip
def test_bad_arguments(name, arguments, error, message):
    with pytest.raises(EshkolError, match=message) as caught:
        SCHEME[name](*arguments)
    assert type(caught.value) is error

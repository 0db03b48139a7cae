"""Every operation gives the same value and dtype with x64 off and on, eager, staged and batched."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest

from eshkol.datum.pairs import Pair, scheme_list
from eshkol.datum.symbols import intern
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla.dtypes import wide
from rows import one_in

SCHEME = builtin_namespace()

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(0.1, 0.9, (3, 4)).astype("float32")
Y = RANDOM.uniform(0.1, 0.9, (3, 4)).astype("float32")
ROW = RANDOM.uniform(0.1, 0.9, 4).astype("float32")
SQUARE = RANDOM.normal(size=(3, 3)).astype("float32")
IMAGE = RANDOM.normal(size=(2, 3, 6, 6)).astype("float32")
KERNEL = RANDOM.normal(size=(4, 3, 3, 3)).astype("float32")
IDS = np.int32([1, 0, 3])
WHOLE = np.int32([[3, -4, 5], [-1, 2, 7]])
MASK = X > 0.5

UNARY = """exp expm1 log log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh tanh asinh atanh erf
sigmoid
abs sign negative reciprocal square floor ceiling round truncate zero? positive? negative? exact
inexact relu relu6 gelu silu swish mish softplus log-sigmoid hard-sigmoid hard-swish selu elu celu
leaky-relu softmax log-softmax tensor-exp tensor-log tensor-sqrt tensor-abs tensor-neg
tensor-square tensor-sin tensor-cos tensor-tanh tensor-sum tensor-mean tensor-prod tensor-max
tensor-min tensor-var tensor-std tensor-argmax tensor-argmin tensor-all tensor-any sum mean prod
logsumexp norm cumsum cumprod flatten transpose squeeze zeros-like ones-like tensor-sort argsort
tensor-flip logical-not finite? nan?""".split()

BINARY = """+ - * / max min expt atan2 = < > <= >= tensor-add tensor-sub tensor-mul tensor-div
tensor-pow tensor-maximum tensor-minimum tensor-eq tensor-ne tensor-lt tensor-gt tensor-le tensor-ge
modulo remainder quotient floor-quotient logical-and logical-or logical-xor mse mae huber-loss
smooth-l1-loss hinge-loss binary-cross-entropy bce-with-logits-loss focal-loss cross-entropy
categorical-cross-entropy nll-loss kl-div-loss outer""".split()

AXIS_SUM = ("tensor-sum", (X, 0), {})

CALLS = (
    [(name, (X,), {}) for name in UNARY]
    + [(name, (X, Y), {}) for name in BINARY]
    + [(name, (X, ROW), {}) for name in BINARY[:20]]
    + [(name, (WHOLE,), {}) for name in ("exp", "abs", "relu", "tensor-sum", "tensor-mean", "odd?")]
    + [(name, (WHOLE, 2), {}) for name in ("+", "*", "/", "expt", "modulo", "quotient", "<")]
    + [(name, (WHOLE, 0.5), {}) for name in ("+", "*", "/", "max", "<")]
    + [(name, (0.5, X), {}) for name in ("+", "-", "*", "/", "max", "<", "expt")]
    + [(name, (X, 2), {}) for name in ("+", "-", "*", "/", "max", "<", "expt")]
    + [
        AXIS_SUM,
        ("tensor-mean", (X, -1), {"keepdims": True}),
        ("tensor-var", (X, scheme_list([0, 1])), {}),
        ("tensor-sum", (MASK,), {}),
        ("argmax", (X, 1), {}),
        ("norm", (X, 1), {"order": 1}),
        ("norm", (X,), {"order": 3.5}),
        ("reshape", (X, 2, -1), {}),
        ("transpose", (IMAGE, 1, 2), {}),
        ("unsqueeze", (X, -1), {}),
        ("concatenate", (scheme_list([X, Y]), 1), {}),
        ("stack", (scheme_list([X, Y]), 1), {}),
        ("split", (X, 3, 1), {}),
        ("tensor-split", (X, 3, 1), {}),
        ("broadcast-to", (ROW, 3, 4), {}),
        ("tile", (X, 2, 1), {}),
        ("repeat", (X, 2, 1), {}),
        ("roll", (X, 1, 1), {}),
        ("pad", (X, 1, 0.5), {}),
        ("tensor-get", (X, 1), {}),
        ("tensor-get", (X, 1, 2), {}),
        ("tensor-ref", (X, 7), {}),
        ("tensor-set", (X, 1, 2, 9.0), {}),
        ("tensor-set", (X, 7, 9), {}),
        ("vector-ref", (X, 1), {}),
        ("slice", (X, 1, 3), {}),
        ("gather", (X, IDS, 1), {}),
        ("take-along-axis", (X, IDS[:, None], 1), {}),
        ("dynamic-slice", (X, scheme_list([1, 1]), scheme_list([2, 2])), {}),
        ("scatter", (X, IDS, 0.5, 1), {}),
        ("topk", (X, 2), {}),
        ("where", (MASK, X, 0.0), {}),
        ("where", (MASK, 1, 0), {}),
        ("clip", (X, 0.2, 0.8), {}),
        ("matmul", (X, Y.T), {}),
        ("matmul", (SQUARE, ROW[:3]), {}),
        ("matmul", (WHOLE, SQUARE), {}),
        ("tensor-dot", (ROW, ROW), {}),
        ("einsum", ("ij,kj->ik", X, Y), {}),
        ("tensordot", (X, Y, scheme_list([scheme_list([0]), scheme_list([0])])), {}),
        ("batch-matmul", (IMAGE, IMAGE), {}),
        ("trace", (SQUARE,), {}),
        ("diagonal", (SQUARE,), {}),
        ("one-hot", (IDS, 4), {}),
        ("cross-entropy", (X, IDS), {}),
        ("cross-entropy", (X, IDS), {"reduction": intern("none")}),
        ("nll-loss", (X, IDS), {"reduction": "sum"}),
        ("leaky-relu", (X, 0.3), {}),
        ("elu", (X, 2), {}),
        ("softplus", (X, 2.0), {}),
        ("swish", (X, 1.5), {}),
        ("convolution", (IMAGE, KERNEL), {}),
        ("convolution", (IMAGE, KERNEL, 2, intern("same")), {}),
        ("max-pool", (IMAGE, 2), {}),
        ("max-pool", (IMAGE, 5, 1), {}),
        ("avg-pool", (IMAGE, 2), {}),
        ("avg-pool", (IMAGE, 3, 1, 1), {}),
        ("global-avg-pool", (IMAGE,), {}),
        ("tensor-cast", (X, "int32"), {}),
        ("full-like", (X, 2), {}),
    ]
)

TITLES = [f"{name}-{number}" for number, (name, _, _) in enumerate(CALLS)]


def leaves(value):
    """The arrays and numbers in a result, in order."""
    if isinstance(value, Pair | list):
        return [leaf for item in value for leaf in leaves(item)]
    return [np.asarray(value)]


def is_tensor(value):
    return isinstance(value, np.ndarray)


def on_device(value):
    if is_tensor(value):
        return jnp.asarray(value)
    if isinstance(value, Pair):
        return scheme_list([on_device(item) for item in value])
    return value


def tensors_in(arguments):
    found = []
    for argument in arguments:
        if isinstance(argument, Pair):
            found += [item for item in argument if is_tensor(item)]
        elif is_tensor(argument):
            found.append(argument)
    return found


def with_tensors(arguments, tensors):
    """``arguments`` with their tensors replaced by ``tensors``, in order."""
    rest = iter(tensors)

    def replaced(value):
        if is_tensor(value):
            return next(rest)
        if isinstance(value, Pair):
            return scheme_list([replaced(item) for item in value])
        return value

    return [replaced(argument) for argument in arguments]


def assert_same(results, expected, rtol=2e-6):
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert result.dtype == wanted.dtype
        np.testing.assert_allclose(result, wanted, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize(("name", "arguments", "options"), one_in(5, CALLS, TITLES))
def test_all_modes_agree(name, arguments, options):
    procedure = SCHEME[name]
    expected = leaves(procedure(*map(on_device, arguments), **options))

    with wide():
        assert_same(leaves(procedure(*map(on_device, arguments), **options)), expected)
    assert_same(leaves(procedure(*arguments, **options)), expected)

    def program(*tensors):
        result = procedure(*with_tensors(arguments, tensors), **options)
        return tuple(leaves_traced(result))

    with wide():
        staged = jax.jit(program)(*tensors_in(arguments))
    assert_same([np.asarray(leaf) for leaf in staged], expected)


def leaves_traced(value):
    if isinstance(value, Pair | list):
        return [leaf for item in value for leaf in leaves_traced(item)]
    return [value]


BATCHED = [row for row in CALLS if row[0] not in ("tensor-shape", "exact") and tensors_in(row[1])]


@pytest.mark.parametrize(
    ("name", "arguments", "options"), one_in(5, BATCHED, [row[0] for row in BATCHED])
)
def test_batching_is_mapping(name, arguments, options):
    def program(*tensors):
        result = SCHEME[name](*with_tensors(arguments, tensors), **options)
        return tuple(leaves_traced(result))

    tensors = tensors_in(arguments)
    rows = [[t, np.roll(t, 1, axis=-1)] for t in tensors]
    batched = jax.vmap(program)(*[np.stack(pair) for pair in rows])
    for place in range(2):
        single = program(*[jnp.asarray(pair[place]) for pair in rows])
        for row, wanted in zip(batched, single, strict=True):
            assert row.dtype == np.asarray(wanted).dtype
            np.testing.assert_allclose(row[place], wanted, rtol=2e-6, atol=1e-6)


DIFFERENTIABLE = """exp expm1 log log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh tanh asinh
atanh erf
sigmoid abs reciprocal square relu gelu silu mish softplus log-sigmoid hard-swish selu elu celu
leaky-relu softmax log-softmax tensor-mean tensor-prod tensor-var tensor-std logsumexp norm cumsum
cumprod tensor-sort tensor-max max-pool avg-pool""".split()


@pytest.mark.parametrize("name", one_in(6, DIFFERENTIABLE))
def test_gradients_are_finite_differences(name):
    weights = np.linspace(-1, 1, 16).reshape(4, 4)
    extra = (2,) if name.endswith("pool") else ()

    def program(x):
        # A NumPy array of doubles would enter as a float32 tensor.
        x = jnp.asarray(x)
        return jnp.sum(jnp.cos(SCHEME[name](x, *extra)) * jnp.sum(jnp.sin(x) * weights))

    with wide():
        x = jnp.asarray(RANDOM.permutation(16).reshape(4, 4) / 22 + 0.2)
        for order, mode in ((1, "fwd"), (2, "rev")):
            jax.test_util.check_grads(program, (x,), order, (mode,), 1e-4, 1e-4, 1e-5)

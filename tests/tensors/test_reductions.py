"""Reductions, against NumPy and SciPy."""

from __future__ import annotations

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from eshkol.base.errors import BadValue, OutOfRange, StagingError, WrongType
from eshkol.datum.pairs import NIL, scheme_list
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.session import Session
from eshkol.xla.dtypes import wide

SCHEME = builtin_namespace()
X = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")

REDUCTIONS = [
    ("tensor-sum", np.sum),
    ("tensor-mean", np.mean),
    ("tensor-prod", np.prod),
    ("tensor-max", np.max),
    ("tensor-min", np.min),
    ("tensor-var", np.var),
    ("tensor-std", np.std),
    ("logsumexp", scipy.special.logsumexp),
    ("norm", lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis, keepdims=keepdims))),
    ("tensor-all", lambda x, axis, keepdims: np.all(x > 0, axis, keepdims=keepdims)),
    ("tensor-any", lambda x, axis, keepdims: np.any(x > 0, axis, keepdims=keepdims)),
]

AXES = [(None, None), (0, 0), (-1, -1), (scheme_list([0, 2]), (0, 2)), (Vector([1]), 1)]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("axis", "reference_axis"), AXES)
@pytest.mark.parametrize(("name", "reference"), REDUCTIONS, ids=[row[0] for row in REDUCTIONS])
def test_reductions(name, reference, axis, reference_axis, keepdims):
    tensor = jnp.asarray(X) > 0 if name in ("tensor-all", "tensor-any") else jnp.asarray(X)
    result = SCHEME[name](tensor, axis, keepdims=keepdims)
    wanted = reference(X, axis=reference_axis, keepdims=keepdims)
    assert result.shape == np.shape(wanted)
    np.testing.assert_allclose(result, wanted, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_floats_are_summed_in_float32(dtype):
    many = jnp.full(4096, 0.1, dtype)
    assert SCHEME["tensor-sum"](many).dtype == many.dtype
    np.testing.assert_allclose(
        np.float32(SCHEME["tensor-sum"](many)), 4096 * np.float32(many[0]), rtol=0.01
    )
    np.testing.assert_allclose(np.float32(SCHEME["tensor-mean"](many)), 0.1, rtol=0.01)


def test_dtypes():
    whole = jnp.asarray([1, 2], "int32")
    assert SCHEME["tensor-sum"](whole).dtype == np.int32
    assert SCHEME["tensor-mean"](whole).dtype == np.float32
    assert SCHEME["tensor-sum"](whole > 1).dtype == np.int32
    assert SCHEME["tensor-max"](whole).dtype == np.int32
    with wide():
        doubles = jnp.asarray([0.1, 0.2])
    assert SCHEME["tensor-sum"](doubles).item() == 0.1 + 0.2


@pytest.mark.parametrize(("name", "reference"), [("argmax", np.argmax), ("argmin", np.argmin)])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_indices_of_extremes(name, reference, axis):
    result = SCHEME[name](jnp.asarray(X), axis)
    assert result.dtype == np.int32
    np.testing.assert_array_equal(result, reference(X, axis))
    kept = SCHEME[name](jnp.asarray(X), axis, keepdims=True)
    np.testing.assert_array_equal(kept, reference(X, axis, keepdims=True))


def test_the_first_of_equal_extremes():
    assert SCHEME["argmax"](Vector([1, 3, 3])).item() == 1


@pytest.mark.parametrize(
    ("order", "reference"), [(1, 1), (2, 2), (2.0, 2), (3, 3), (2.5, 2.5), (float("inf"), np.inf)]
)
def test_norms(order, reference):
    result = SCHEME["norm"](jnp.asarray(X), -1, order=order)
    np.testing.assert_allclose(result, np.linalg.norm(X, reference, -1), rtol=1e-5)


@pytest.mark.parametrize("order", [0, 0.5, 1, 2, 3, math.inf])
def test_norms_of_nothing_are_zero(order):
    assert SCHEME["norm"](jnp.zeros(0), order=order) == 0
    assert SCHEME["norm"](jnp.zeros((0, 2)), 0, order=order).tolist() == [0, 0]


@pytest.mark.parametrize(("name", "reference"), [("cumsum", np.cumsum), ("cumprod", np.cumprod)])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running(name, reference, axis):
    np.testing.assert_allclose(
        SCHEME[name](jnp.asarray(X), axis), reference(X, axis), rtol=1e-4, atol=1e-5
    )


def test_extremes_of_the_logarithm_of_a_sum():
    logsumexp = SCHEME["logsumexp"]
    assert logsumexp(Vector([1000.0, 1000.0])).item() == pytest.approx(1000 + np.log(2))
    assert logsumexp(jnp.asarray([-jnp.inf, -jnp.inf])).item() == -np.inf
    assert logsumexp(jnp.asarray([jnp.inf, 0.0])).item() == np.inf


def test_lists_of_numbers_keep_their_exactness():
    assert SCHEME["sum"](scheme_list([1, 2, Fraction(1, 2)])) == Fraction(7, 2)
    assert SCHEME["prod"](Vector([2, 3])) == 6
    assert SCHEME["mean"](scheme_list([1, 2])) == Fraction(3, 2)
    assert SCHEME["sum"](scheme_list([0.1, 0.2])) == 0.1 + 0.2
    assert SCHEME["sum"](NIL) == 0
    assert SCHEME["prod"](NIL) == 1
    np.testing.assert_array_equal(SCHEME["sum"](Vector([Vector([1, 2]), Vector([3, 4])])), 10)
    np.testing.assert_array_equal(
        SCHEME["sum"](Vector([Vector([1, 2]), Vector([3, 4])]), 0), [4, 6]
    )


def test_a_list_of_traced_numbers():
    with wide():
        total = jax.jit(lambda x: SCHEME["sum"](Vector([x, 1, 2.5])))(0.25)
    assert total.item() == 3.75
    assert total.dtype == np.float64


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("tensor-sum", (jnp.ones(3), 1), OutOfRange, r"axis 1 is out of range of f32\[3\]"),
        ("tensor-sum", (jnp.ones(3), 0.5), WrongType, "expected an exact integer as axis"),
        ("tensor-sum", (jnp.ones(3), scheme_list([0, 0])), BadValue, "expected different axes"),
        (
            "tensor-mean",
            (jnp.ones((0, 2)),),
            BadValue,
            "tensor-mean: expected at least one element",
        ),
        ("tensor-max", (Vector([]),), BadValue, "tensor-max: expected at least one element"),
        ("argmax", (Vector([]),), BadValue, "tensor-argmax: expected at least one element"),
        ("mean", (NIL,), BadValue, "mean: expected at least one element"),
        ("tensor-sum", ("abc",), WrongType, 'tensor-sum: expected a tensor or a number, got "abc"'),
        ("cumsum", (jnp.ones(3), 2), OutOfRange, "cumsum: axis 2 is out of range"),
    ],
)
def test_bad_arguments(name, arguments, error, message):
    with pytest.raises(error, match=message):
        SCHEME[name](*arguments)


@pytest.mark.parametrize("order", [True, 1j, float("nan")])
def test_bad_orders(order):
    with pytest.raises(BadValue, match="norm: expected a real number as order"):
        SCHEME["norm"](jnp.ones(3), order=order)


def test_traced_axes_and_flags_are_errors():
    with pytest.raises(StagingError, match="tensor-sum: axis must be known when"):
        jax.jit(lambda axis: SCHEME["tensor-sum"](jnp.ones(3), axis))(0)
    with pytest.raises(StagingError, match="tensor-sum: keepdims must be known when"):
        jax.jit(lambda keep: SCHEME["tensor-sum"](jnp.ones(3), keepdims=keep))(True)


@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_indices_of_extremes_of_64_bits_compile_alone(dtype):
    # The call has nothing but arrays, so JAX lowers it where no 64-bit numbers exist.
    session = Session()
    session.evaluate(f"(define t (tensor '((4 3 3) (1 9 12)) #:dtype '{dtype}))")
    found = session.evaluate("((jit (lambda (t) (list (argmin t 0) (argmax t 1) (argmin t)))) t)")
    low, high, all_of_them = (np.asarray(part) for part in found)
    assert low.tolist() == [1, 0, 0] and high.tolist() == [0, 2] and all_of_them == 3
    if dtype == "float64":
        found = session.evaluate("((jit argmax) (tensor 1.0 +nan.0 2.0 +nan.0 #:dtype 'float64))")
        assert found == 1


@pytest.mark.parametrize(
    ("text", "slopes"),
    [
        ("(lambda (t) (norm t #:order 1))", [0, 1, -1]),
        ("(lambda (t) (tensor-std (* 0 t)))", [0, 0, 0]),
        ("(lambda (t) (tensor-std (* 0 t) #:correction 1))", [0, 0, 0]),
        ("(lambda (t) (mae-loss t #(0 2 3) #:reduction 'sum))", [0, -1, -1]),
    ],
)
def test_slopes_at_kinks(text, slopes):
    session = Session()
    gradient = session.evaluate(f"(gradient {text})")
    np.testing.assert_array_equal(gradient(jnp.array([0.0, 1.0, -2.0], "float32")), slopes)


def test_settings_that_are_arguments_of_a_compiled_procedure():
    evaluate = Session().evaluate
    assert evaluate("((jit (lambda (order) (norm (ones 3) #:order order))) 1)") == 3
    chosen = evaluate("((jit (lambda (r) (tensor-sum (random-choice 5 5 #:replace r)))) #f)")
    assert int(chosen) == 10

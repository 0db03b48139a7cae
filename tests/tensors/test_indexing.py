"""Elements and parts of tensors, against NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eshkol.autodiff import derivative
from eshkol.base.errors import BadValue, OutOfRange, ShapeError, StagingError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace

SCHEME = builtin_namespace()
L = scheme_list
M = np.arange(12, dtype="float32").reshape(3, 4)
T = np.arange(24, dtype="float32").reshape(2, 3, 4)
V = Vector([Vector([1, 2]), Vector([3, 4])])


def slices(*texts):
    return L([intern(text) if isinstance(text, str) else text for text in texts])


ROWS = [
    ("tensor-get", (M, 1), M[1]),
    ("tensor-get", (M, 1, 2), M[1, 2]),
    ("tensor-get", (M,), M),
    ("tensor-get", (M, L([1, 2])), M[1, 2]),
    ("tensor-get", (T, 1, jnp.asarray(2)), T[1, 2]),
    ("tensor-ref", (M, 7), M.reshape(-1)[7]),
    ("tensor-ref", (M, 1, 2), M[1, 2]),
    ("tensor-ref", (M, L([1, 2])), M[1, 2]),
    ("tensor-ref", (M, L([1])), M[1]),
    ("vref", (M[0], 2), M[0, 2]),
    ("vector-ref", (M, 1), M[1]),
    ("slice", (M, 1, 3), M[1:3]),
    ("slice", (M, slice(1, None)), M[1:]),
    ("slice", (M, (slice(None, None, -1), 2)), M[::-1, 2]),
    ("slice", (M, [..., slice(np.int64(1), -1)]), M[..., 1:-1]),
    ("slice", (M, ...), M),
    ("slice", (M, 1), M[1:]),
    ("slice", (M, -2, -1), M[-2:-1]),
    ("tensor-slice", (M, slices("0:2", ":")), M[0:2]),
    ("tensor-slice", (M, slices("::2", "1:")), M[::2, 1:]),
    ("tensor-slice", (M, slices(1, ":3")), M[1, :3]),
    ("tensor-slice", (M, slices(-1)), M[-1]),
    ("tensor-slice", (M, slices("-2:", "0:9")), M[-2:, 0:9]),
    ("tensor-slice", (T, slices(":", 1, "::3")), T[:, 1, ::3]),
    ("tensor-slice", (M, slices("::-1", "::-2")), M[::-1, ::-2]),
    ("tensor-slice", (T, slices("-1:0:-1", -1, "2::-1")), T[-1:0:-1, -1, 2::-1]),
    ("tensor-slice", (M, slices("0:2:-1")), M[0:2:-1]),
    ("dynamic-slice", (M, L([1, 1]), L([2, 2])), M[1:3, 1:3]),
    ("dynamic-slice", (M, L([9, 0]), L([2, 4])), M[1:3]),
    ("gather", (M, L([2, 0]), 0), M[[2, 0]]),
    ("gather", (M, L([-1]), 1), M[:, [-1]]),
    ("gather", (M, np.array([[0, 1], [1, 2]])), M[[[0, 1], [1, 2]]]),
    ("gather", (T, L([1, 1]), 1), T[:, [1, 1]]),
    ("gather", (M, 1), M[1]),
    ("tensor-gather", (M, jnp.asarray([1.0]).astype("int32"), -1), M[:, [1]]),
    ("take-along-axis", (M, np.array([[1], [0], [3]]), 1), M[[0, 1, 2], [1, 0, 3]][:, None]),
    ("tensor-sort", (M[:, ::-1],), M),
    ("tensor-sort", (M, 0), M),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), ROWS)
def test_reading(name, arguments, expected):
    first, *rest = arguments
    result = SCHEME[name](jnp.asarray(first), *rest)
    assert result.dtype == np.float32
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


def test_a_slice_along_another_axis():
    np.testing.assert_array_equal(SCHEME["slice"](jnp.asarray(M), 1, 3, axis=1), M[:, 1:3])


def test_vectors_and_lists_give_what_they_hold():
    assert SCHEME["tensor-get"](L([2, 3, 4]), 2) == 4
    assert SCHEME["tensor-get"](V, 1) is V[1]
    assert SCHEME["tensor-get"](V, 1, 0) == 3
    assert SCHEME["tensor-ref"](V, 3) == 4
    assert SCHEME["tensor-ref"](V, 0, 1) == 2
    assert SCHEME["tensor-ref"](V, L([1, 1])) == 4
    assert SCHEME["vref"](Vector([0.5, 1.5]), 1) == 1.5


def test_vectors_of_numbers_that_carry_derivatives_are_read_on_the_host():
    assert derivative(lambda x: SCHEME["vref"](Vector([1, x * x]), 1), 3.0) == 6.0


@pytest.mark.parametrize("name", ["tensor-get", "tensor-ref", "vector-ref"])
def test_traced_indices(name):
    result = jax.jit(lambda x, i: SCHEME[name](x, i))(M[0], 2)
    assert result == M[0, 2]
    assert jax.jit(lambda i: SCHEME[name](Vector([5.0, 6.0]), i))(1) == 6.0


def test_a_traced_index_beyond_the_end_is_clamped():
    assert jax.jit(lambda i: SCHEME["tensor-ref"](M[0], i))(99) == M[0, -1]


@pytest.mark.parametrize(
    ("arguments", "where", "value"),
    [
        ((1, 2, 9.0), (1, 2), 9),
        ((1, Vector([9, 8, 7, 6])), 1, [9, 8, 7, 6]),
        ((L([1, 2]), 9), (1, 2), 9),
        ((L([1]), 9), 1, 9),
        ((9.0,), ..., 9),
        ((slices(":", 1), 9.0), (slice(None), 1), 9),
        ((slices("::2", "-1:0:-2"), M[:2, :2]), np.s_[::2, -1:0:-2], M[:2, :2]),
        ((slices("1:", "::-1"), M[0]), np.s_[1:, ::-1], M[0]),
        ((slices("5:"), 9.0), np.s_[5:], 9),
    ],
)
def test_updates(arguments, where, value):
    expected = M.copy()
    expected[where] = value
    tensor = jnp.asarray(M)
    result = SCHEME["tensor-set"](tensor, *arguments)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(tensor, M)


def test_one_index_of_an_update_counts_in_row_order():
    expected = M.reshape(-1).copy()
    expected[7] = 9
    result = SCHEME["tensor-update"](jnp.asarray(M), 7, 9)
    np.testing.assert_array_equal(result, expected.reshape(3, 4))


def test_an_update_at_a_traced_place():
    result = jax.jit(lambda i, v: SCHEME["tensor-set"](M, i, 0, v))(2, 5.0)
    assert result[2, 0] == 5


def test_the_gradient_of_an_update():
    def program(x, v):
        return jnp.sum(SCHEME["tensor-set"](x, 1, v) * jnp.asarray([1.0, 2.0, 3.0]))

    by_x, by_v = jax.grad(program, (0, 1))(jnp.ones(3), 5.0)
    np.testing.assert_array_equal(by_x, [1, 0, 3])
    assert by_v == 2.0


def test_scatter():
    scatter = SCHEME["scatter"]
    np.testing.assert_array_equal(scatter(jnp.zeros(3), L([2, 0]), Vector([7, 8]), 0), [8, 0, 7])
    expected = M.copy()
    expected[:, [0, 2]] = -1
    np.testing.assert_array_equal(scatter(jnp.asarray(M), L([0, 2]), -1, 1), expected)
    expected[[2, 1]] = [[1] * 4, [2] * 4]
    rows = jnp.asarray([[1.0] * 4, [2.0] * 4])
    np.testing.assert_array_equal(scatter(jnp.asarray(expected), L([-1, 1]), rows), expected)


def test_topk():
    values, places = SCHEME["topk"](jnp.asarray([[1.0, 5.0, 3.0], [9.0, 8.0, 7.0]]), 2)
    np.testing.assert_array_equal(values, [[5, 3], [9, 8]])
    np.testing.assert_array_equal(places, [[1, 2], [0, 1]])
    assert places.dtype == np.int32
    values, _ = SCHEME["topk"](jnp.asarray(M), 1, 0)
    np.testing.assert_array_equal(values, M[-1:])


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_sorting_is_stable_either_way(dtype):
    x = jnp.asarray([3, 1, 3, 0, 1], dtype)
    assert SCHEME["argsort"](x).tolist() == [3, 1, 4, 0, 2]
    assert SCHEME["argsort"](x, descending=True).tolist() == [0, 2, 1, 4, 3]
    assert SCHEME["tensor-sort"](x, descending=True).tolist() == [3, 3, 1, 1, 0]


def test_lengths():
    assert SCHEME["vector-length"](jnp.asarray(M)) == 3
    with pytest.raises(WrongType, match="vector-length: expected a vector"):
        SCHEME["vector-length"](jnp.asarray(1.0))


X = jnp.asarray(M)

ERRORS = [
    ("tensor-get", (X, 3), OutOfRange, r"index 3 is out of range for axis 0 of f32\[3,4\]"),
    ("tensor-get", (X, 0, 0, 0), ShapeError, r"tensor-get: f32\[3,4\] has 2 axes, got 3 indices"),
    ("tensor-get", (X, 1.0), WrongType, "tensor-get: expected an exact integer index, got 1.0"),
    ("tensor-get", (X, jnp.ones(2)), WrongType, "tensor-get: expected an exact integer index"),
    ("tensor-get", (X, True), WrongType, "tensor-get: expected an exact integer index, got #t"),
    ("tensor-get", ("abc", 0), WrongType, "tensor-get: expected a tensor"),
    ("tensor-get", (L([1, 2]), 2), OutOfRange, "tensor-get: index 2 is out of range"),
    ("tensor-ref", (X, 12), OutOfRange, r"index 12 is out of range for axis 0 of f32\[12\]"),
    ("tensor-ref", (V, 4), OutOfRange, "tensor-ref: index 4 is out of range"),
    ("tensor-ref", (X, -1), OutOfRange, "tensor-ref: index -1 is out of range"),
    ("vector-ref", (X, 3), OutOfRange, "vector-ref: index 3 is out of range for axis 0"),
    ("tensor-set", (X, 3, 0, 1.0), OutOfRange, "tensor-set: index 3 is out of range"),
    (
        "tensor-set",
        (X, 1, jnp.ones(3)),
        ShapeError,
        r"expected a value of shape \[4\], got f32\[3\]",
    ),
    ("tensor-set", (X,), WrongType, "tensor-set: expected indices and a value"),
    ("tensor-set", (X, slices(":", 4), 1.0), OutOfRange, "tensor-set: index 4 is out of range"),
    ("tensor-set", (X, slices(":", 0), X), ShapeError, r"the part has the shape \[3\], which"),
    ("tensor-set", (X, slices("a"), 1.0), BadValue, "tensor-set: expected a slice such as 0:10"),
    ("slice", (X, 2, 1), OutOfRange, r"tensor-slice: 2 to 1 is out of range for axis 0"),
    ("slice", (X, 0, 4), OutOfRange, r"tensor-slice: 0 to 4 is out of range for axis 0"),
    ("slice", (X, slices("a")), BadValue, "tensor-slice: expected a slice such as 0:10, .* got a"),
    ("slice", (X, slices("::0")), BadValue, "tensor-slice: expected a slice such as"),
    ("slice", (X, slice(0, 2, 0)), BadValue, "tensor-slice: expected a step other than 0"),
    ("slice", (X, slice("a")), WrongType, "tensor-slice: expected an exact integer as a bound"),
    ("slice", (X, slice(1), 2), WrongType, "tensor-slice: expected one list of slices, got"),
    ("slice", (X, slices(":", ":", ":")), ShapeError, "has 2 axes, got 3 specifications"),
    ("slice", (X, slices(5)), OutOfRange, "tensor-slice: index 5 is out of range for axis 0"),
    ("dynamic-slice", (X, L([0]), L([1])), ShapeError, "needs 2 starts and sizes, got 1 and 1"),
    ("dynamic-slice", (X, L([0, 0]), L([9, 1])), OutOfRange, "size 9 is out of range for axis 0"),
    ("gather", (X, L([3]), 0), OutOfRange, "gather: index 3 is out of range for an axis of size 3"),
    ("gather", (X, L([0.5]), 0), WrongType, "gather: expected exact integer indices"),
    ("gather", (X, jnp.ones(2), 0), WrongType, "gather: expected a tensor of integer indices"),
    ("gather", (X, L([0]), 2), OutOfRange, "gather: axis 2 is out of range"),
    ("take-along-axis", (X, L([0]), 0), ShapeError, "take-along-axis: ranks differ"),
    ("scatter", (X, L([0]), jnp.ones(3), 0), ShapeError, r"expected values of shape \[1, 4\]"),
    ("topk", (X, 5), OutOfRange, r"topk: 5 is out of range for axis 1 of f32\[3,4\]"),
    ("argsort", (X, 2), OutOfRange, "argsort: axis 2 is out of range"),
]


@pytest.mark.parametrize(("name", "arguments", "error", "message"), ERRORS)
def test_bad_indices(name, arguments, error, message):
    with pytest.raises(error, match=message):
        SCHEME[name](*arguments)


def test_a_traced_bound_of_a_slice_says_what_to_use():
    with pytest.raises(StagingError, match="tensor-slice: a bound must be known when the program"):
        jax.jit(lambda i: SCHEME["slice"](X, i, 3))(0)

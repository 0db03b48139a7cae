"""Making tensors, against NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eshkol.base.errors import BadValue, ShapeError, StagingError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.session import Session
from eshkol.xla.dtypes import wide

SCHEME = builtin_namespace()


def call(name, *arguments, **options):
    return SCHEME[name](*arguments, **options)


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize(
    ("name", "arguments", "options", "expected"),
    [
        ("tensor", (2, 2, 1.0, 2.0, 3.0, 4.0), {}, np.float32([[1, 2], [3, 4]])),
        ("tensor", (1, 2, 3), {}, np.float32([1, 2, 3])),
        ("tensor", (2, 5, 6), {}, np.float32([2, 5, 6])),
        ("tensor", (2, 1, 5, 6), {}, np.float32([[5], [6]])),
        ("tensor", (1.5, 2), {}, np.float32([1.5, 2])),
        ("tensor", (7,), {}, np.float32([7])),
        ("tensor", (), {}, np.zeros(0, "float32")),
        ("tensor", (Vector([Vector([1, 2]), Vector([3, 4])]),), {}, np.float32([[1, 2], [3, 4]])),
        ("tensor", (scheme_list([1, 2]),), {"dtype": "int32"}, np.int32([1, 2])),
        ("matrix", (2, 2, 1, 2, 3, 4), {}, np.float32([[1, 2], [3, 4]])),
        ("matrix", (1, 2, Vector([1, 2])), {}, np.float32([[1, 2]])),
        ("zeros", (2, 3), {}, np.zeros((2, 3), "float32")),
        ("zeros", (scheme_list([2, 3]),), {}, np.zeros((2, 3), "float32")),
        ("zeros", (), {}, np.float32(0)),
        ("zeros", (0,), {}, np.zeros(0, "float32")),
        ("ones", (Vector([2]),), {"dtype": intern("i64")}, np.ones(2, "int64")),
        ("full", (scheme_list([2]), 1.5), {}, np.float32([1.5, 1.5])),
        ("full", (3, True), {}, np.array([True] * 3)),
        ("full", (2, 7), {"dtype": "int32"}, np.int32([7, 7])),
        ("make-tensor", (scheme_list([2, 1]), 1.5), {}, np.float32([[1.5], [1.5]])),
        ("tensor-fill", (7, scheme_list([2])), {}, np.float32([7, 7])),
        ("zeros-like", (np.ones((2, 1), "int32"),), {}, np.zeros((2, 1), "int32")),
        ("ones-like", (Vector([5, 6]),), {}, np.ones(2, "float32")),
        ("full-like", (np.ones(2, "float16"), 3), {}, np.float16([3, 3])),
        ("eye", (2,), {}, np.eye(2, dtype="float32")),
        ("eye", (2, 3), {"dtype": "int32"}, np.eye(2, 3, dtype="int32")),
        ("arange", (3,), {}, np.arange(3, dtype="int32")),
        ("arange", (2, 8, 3), {}, np.arange(2, 8, 3, dtype="int32")),
        ("arange", (8, 2, -3), {}, np.arange(8, 2, -3, dtype="int32")),
        ("arange", (5, 2), {}, np.zeros(0, "int32")),
        ("arange", (0, 1, 0.25), {}, np.float32([0, 0.25, 0.5, 0.75])),
        ("arange", (3,), {"dtype": "float32"}, np.float32([0, 1, 2])),
        ("linspace", (0, 1, 5), {}, np.float32([0, 0.25, 0.5, 0.75, 1])),
        ("linspace", (2.0, 3.0, 1), {}, np.float32([2])),
        ("linspace", (0, 1, 0), {}, np.zeros(0, "float32")),
        ("one-hot", (scheme_list([0, 2]), 3), {}, np.float32([[1, 0, 0], [0, 0, 1]])),
        ("one-hot", (np.int32([[1]]), 2), {}, np.float32([[[0, 1]]])),
        ("one-hot", (1, 3), {}, np.float32([0, 1, 0])),
        ("one-hot", (Vector([5]), 3), {}, np.float32([[0, 0, 0]])),
    ],
)
def test_creation(name, arguments, options, expected, x64):
    with jax.enable_x64(x64):
        result = call(name, *arguments, **options)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def test_a_fine_sequence_rounds_only_once():
    np.testing.assert_array_equal(
        call("arange", 0, 100, 0.1), np.arange(0, 100, 0.1).astype("float32")
    )


def test_exact_fractions_bound_sequences():
    program = "(define (f) (arange 1/2 (+ 1 1/2) 1/4)) (list (f) ((jit f)))"
    for result in Session().evaluate(program):
        np.testing.assert_array_equal(result, np.arange(0.5, 1.5, 0.25))


def test_a_traced_fill_value_is_kept():
    with wide():
        result = jax.jit(lambda v: call("full", scheme_list([2, 2]), v))(1.5)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.full((2, 2), 1.5))


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("zeros", (2.5,), WrongType, "zeros: expected an exact integer as a size, got 2.5"),
        ("zeros", (-1,), BadValue, "zeros: expected sizes of at least 0, got -1"),
        ("zeros", ("a",), WrongType, 'zeros: expected an exact integer as a size, got "a"'),
        ("zeros", (True,), WrongType, "zeros: expected an exact integer"),
        ("full", (2, Vector([1, 2])), WrongType, "full: expected a number to fill with"),
        ("matrix", (2, 2, 1, 2, 3), ShapeError, "matrix: 2×2 takes 4 values, got 3"),
        ("arange", (0, 1, 0), BadValue, "arange: expected a step other than 0"),
        ("arange", (Vector([1]),), WrongType, "arange: expected a number"),
        ("arange", (1, 2, 3, 4), WrongType, "arange: expected an end"),
        ("linspace", (0, 1, -1), BadValue, "linspace: expected a count of at least 0"),
        ("tensor-cast", (Vector([1]), "f33"), BadValue, 'tensor-cast: unknown dtype "f33"'),
        ("tensor-cast", (Vector([1]), None), BadValue, "tensor-cast: expected a dtype"),
    ],
)
def test_bad_creation(name, arguments, error, message):
    with pytest.raises(error, match=message):
        call(name, *arguments)


def test_a_traced_size_is_an_error_that_says_what_to_do():
    with pytest.raises(StagingError, match="zeros: a size must be known when the program") as info:
        jax.jit(lambda n: call("zeros", n))(3)
    assert "compute it from exact integers or shapes" in info.value.hint


@pytest.mark.parametrize("value", [1 + 2j, np.complex64(1 + 2j), np.complex128(1 + 2j)])
def test_complex_numbers_fill_complex_tensors(value):
    for fill in (call("full", 2, value), call("tensor-fill", value, 2)):
        assert fill.dtype == np.complex64
        np.testing.assert_array_equal(fill, np.full(2, 1 + 2j))


def test_bfloat16_and_float64_defaults():
    from eshkol.base.config import CONFIG

    with CONFIG.precision("bfloat16"):
        assert call("linspace", 0, 1, 3).dtype == jnp.bfloat16
        assert call("tensor", 1, 2).dtype == jnp.bfloat16
    with CONFIG.precision("float64"):
        assert call("linspace", 0, 1, 4)[1].item() == 1 / 3
        assert call("tensor", 0.1).item() == 0.1

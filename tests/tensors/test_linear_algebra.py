"""Products of tensors, against NumPy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla.dtypes import wide

SCHEME = builtin_namespace()
RNG = np.random.default_rng(0)
L = scheme_list


def random(*shape):
    return RNG.normal(size=shape).astype("float32")


MATMULS = [
    ((2, 3), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((3,), (3,)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((7, 1, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((0, 3), (3, 4)),
]


@pytest.mark.parametrize(("a", "b"), MATMULS)
def test_matmul(a, b):
    x, y = random(*a), random(*b)
    result = SCHEME["matmul"](jnp.asarray(x), jnp.asarray(y))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, x @ y, rtol=1e-5, atol=1e-6)


def test_matmul_of_vectors_and_integers():
    m = Vector([Vector([1, 2]), Vector([3, 4])])
    assert SCHEME["matmul"](m, Vector([1, 1])).tolist() == [3, 7]
    whole = jnp.asarray([[1, 2], [3, 4]], "int32")
    assert SCHEME["matmul"](whole, whole).dtype == np.int32
    assert SCHEME["matmul"](whole, jnp.ones((2, 2))).dtype == np.float32
    truths = jnp.asarray([[True, True], [False, True]])
    assert SCHEME["matmul"](truths, truths).tolist() == [[1, 2], [0, 1]]


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
def test_matmul_keeps_the_dtype(dtype):
    with wide():
        x = jnp.asarray([[1, 2], [3, 4]], dtype)
    result = SCHEME["matmul"](x, x)
    assert result.dtype == x.dtype
    assert result.tolist() == [[7, 10], [15, 22]]


@pytest.mark.parametrize(("a", "b"), [((3,), (3,)), ((2, 3), (3, 4)), ((2, 3), (3,)), ((), (3,))])
def test_dot(a, b):
    x, y = random(*a), random(*b)
    np.testing.assert_allclose(
        SCHEME["tensor-dot"](jnp.asarray(x), jnp.asarray(y)), np.dot(x, y), rtol=1e-5, atol=1e-6
    )


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("bi,bj->bij", (2, 3), (2, 4)),
    ("ij->ji", (2, 3)),
    ("ii->", (3, 3)),
    ("ii->i", (3, 3)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("i,i->", (3,), (3,)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    ("i,ij,j->", (2,), (2, 3), (3,)),
]


@pytest.mark.parametrize(("equation", "shapes"), [(row[0], row[1:]) for row in EINSUMS])
def test_einsum(equation, shapes):
    tensors = [random(*shape) for shape in shapes]
    wanted = np.einsum(equation, *tensors)
    one_by_one = SCHEME["einsum"](equation, *map(jnp.asarray, tensors))
    np.testing.assert_allclose(one_by_one, wanted, rtol=1e-4, atol=1e-5)
    as_list = SCHEME["einsum"](equation, L(list(map(jnp.asarray, tensors))))
    np.testing.assert_allclose(as_list, wanted, rtol=1e-4, atol=1e-5)


def test_einsum_of_lists():
    assert SCHEME["einsum"]("ij->ji", Vector([Vector([1, 2])])).tolist() == [[1], [2]]
    assert SCHEME["einsum"]("i,i->", Vector([1, 2]), L([3, 4])).item() == 11


@pytest.mark.parametrize("axes", [0, 1, 2, ([1], [0]), ([0, 1], [1, 0]), (1, 0)])
def test_tensordot(axes):
    a, b = random(3, 3), random(3, 3)
    given = L([L(s) if isinstance(s, list) else s for s in axes]) if axes not in (0, 1, 2) else axes
    np.testing.assert_allclose(
        SCHEME["tensordot"](jnp.asarray(a), jnp.asarray(b), given),
        np.tensordot(a, b, axes),
        rtol=1e-5,
        atol=1e-6,
    )


def test_other_products():
    a, b = random(5, 2, 3), random(5, 3, 4)
    np.testing.assert_allclose(SCHEME["batch-matmul"](a, b), a @ b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        SCHEME["outer"](a[0, 0], b[0, 0]), np.outer(a[0, 0], b[0, 0]), rtol=1e-6
    )
    square = random(3, 3)
    np.testing.assert_allclose(SCHEME["trace"](square), np.trace(square), rtol=1e-6)
    np.testing.assert_array_equal(SCHEME["diagonal"](square), np.diag(square))
    np.testing.assert_array_equal(SCHEME["diag"](Vector([1, 2])), np.diag([1, 2]))
    np.testing.assert_allclose(
        SCHEME["trace"](random(2, 3, 3) * 0 + np.eye(3, dtype="float32")), [3, 3]
    )


X = jnp.ones((2, 3))


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        (
            "matmul",
            (jnp.ones((64, 785)), jnp.ones((784, 128))),
            ShapeError,
            r"matmul: inner sizes differ, a is f32\[64,785\] and b is f32\[784,128\]",
        ),
        ("matmul", (X, 2.0), ShapeError, r"matmul: expected tensors of rank 1 or more, got"),
        (
            "matmul",
            (jnp.ones((2, 2, 3)), jnp.ones((5, 3, 2))),
            ShapeError,
            "matmul: batch sizes don't fit",
        ),
        ("matmul", (X, "a"), WrongType, 'matmul: expected a tensor or a number, got "a"'),
        ("tensor-dot", (X, X), ShapeError, "tensor-dot: inner sizes differ"),
        ("batch-matmul", (X, X), ShapeError, r"expected tensors of rank 3 or more, got f32\[2,3\]"),
        ("einsum", (X, X), WrongType, "einsum: expected an equation string first"),
        ("einsum", ("ij->",), BadValue, "einsum: 'ij->' needs tensors, got none"),
        ("einsum", ("ij,jk->ik", X, X), ShapeError, r"einsum: 'ij,jk->ik' does not fit f32\[2,3\]"),
        ("einsum", ("ij,->", X), ShapeError, "einsum: 'ij,->' does not fit"),
        ("tensordot", (X, X, 1), ShapeError, "tensordot: axes"),
        ("tensordot", (X, X, 3), ShapeError, "tensordot: 3 axes are more than"),
        ("tensordot", (X, X, L([0])), BadValue, "tensordot: expected two lists of axes"),
        ("trace", (jnp.ones(3),), ShapeError, r"trace: expected a matrix, got f32\[3\]"),
        ("diagonal", (1.0,), ShapeError, "diagonal: expected a tensor of rank 1 or more"),
    ],
)
def test_bad_products(name, arguments, error, message):
    with pytest.raises(error, match=message):
        SCHEME[name](*arguments)

"""Determinants, equations, factorizations and eigenvalues against NumPy and SciPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
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

from eshkol.base.errors import BadValue, EshkolError, ShapeError, WrongType
from eshkol.session import Session
from rows import one_in

RANDOM = np.random.default_rng(0)


def random(*shape):
    return RANDOM.normal(size=shape)


def symmetric(*shape):
    x = random(*shape)
    return x + np.swapaxes(x, -1, -2)


def positive(*shape):
    x = random(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


A2, A3, STACK = random(2, 2) + 2 * np.eye(2), random(3, 3) + 3 * np.eye(3), random(4, 3, 3)
STACK = STACK + 3 * np.eye(3)
TALL, FLAT = random(5, 3), random(3, 5)
B3, B32 = random(3), random(3, 2)


def slogdet(x):
    return [np.linalg.slogdet(x)[0], np.linalg.slogdet(x)[1]]


SMOOTH = [
    *[Case("tensor-det", (x,), np.linalg.det(x)) for x in (A2, A3, STACK, random(1, 1))],
    Case("tensor-det", (np.zeros((0, 0)),), 1.0),
    *[Case("slogdet", (x,), slogdet(x)) for x in (A3, STACK)],
    *[Case("tensor-inverse", (x,), np.linalg.inv(x)) for x in (A2, A3, STACK)],
    Case("tensor-inverse", (np.zeros((0, 3, 3)),), np.zeros((0, 3, 3))),
    Case("tensor-solve", (A3, B3), np.linalg.solve(A3, B3)),
    Case("tensor-solve", (A3, B32), np.linalg.solve(A3, B32)),
    Case("tensor-solve", (STACK, B32), np.linalg.solve(STACK, B32)),
    Case("tensor-solve", (STACK, B3), np.linalg.solve(STACK, B3[:, None])[..., 0]),
    Case("tensor-lstsq", (TALL, random(5)), lambda: None),
    Case("pinv", (TALL,), np.linalg.pinv(TALL)),
    Case("pinv", (FLAT,), np.linalg.pinv(FLAT)),
    Case("matrix-power", (A2, 3), np.linalg.matrix_power(A2, 3)),
    Case("matrix-power", (A2, 0), np.eye(2)),
    Case("matrix-power", (A2, -2), np.linalg.matrix_power(A2, -2)),
    Case("expm", (A2,), scipy.linalg.expm(A2)),
    Case("expm", (A3 / 4,), scipy.linalg.expm(A3 / 4)),
    Case("kron", (A2, B32), np.kron(A2, B32)),
    Case("kron", (B3, B3), np.kron(B3, B3)),
    Case("cross", (B3, random(3)), lambda: None),
    Case("cross", (random(4, 3), B3), lambda: None),
    Case("condition-number", (A3,), np.linalg.cond(A3)),
]
REFERENCES = {
    "tensor-lstsq": lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
    "cross": np.cross,
}
SMOOTH = [
    case._replace(expected=REFERENCES[case.name](*case.arguments))
    if case.name in REFERENCES
    else case
    for case in SMOOTH
]
FULL = largest_of_each(SMOOTH)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", SMOOTH, ids=ids(SMOOTH))
def test_values(case, dtype):
    check_value(case, dtype)


@pytest.mark.parametrize("case", FULL, ids=ids(FULL))
def test_staged(case):
    check_staged(case)


@pytest.mark.parametrize("case", FULL, ids=ids(FULL))
def test_batched(case):
    check_batched(case)


@pytest.mark.parametrize("case", one_in(2, FULL, ids(FULL)))
def test_slopes(case):
    check_slopes(case)


# ---- factorizations: their product is the matrix


def dagger(x):
    return np.swapaxes(np.conj(x), -1, -2)


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 4), (1, 1)])
def test_qr_and_svd(shape):
    x = random(*shape).astype("float32")
    k = min(shape[-2:])
    q, r = map(np.asarray, SCHEME["tensor-qr"](x))
    np.testing.assert_allclose(q @ r, x, atol=1e-5)
    np.testing.assert_allclose(
        dagger(q) @ q, np.broadcast_to(np.eye(k), (*shape[:-2], k, k)), atol=1e-5
    )
    np.testing.assert_allclose(np.tril(r, -1), 0 * np.tril(r, -1), atol=1e-6)
    u, s, v = map(np.asarray, SCHEME["tensor-svd"](x))
    np.testing.assert_allclose((u * s[..., None, :]) @ dagger(v), x, atol=1e-5)
    np.testing.assert_allclose(s, np.linalg.svd(x, compute_uv=False), rtol=1e-4)


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 4)])
def test_lu(shape):
    x = random(*shape)
    factors, pivots, sign = map(np.asarray, SCHEME["tensor-lu"](x))
    for index in np.ndindex(shape[:-2]):
        reference, places = scipy.linalg.lu_factor(x[index])
        np.testing.assert_allclose(factors[index], reference, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(pivots[index], places)
        assert sign[index] == (-1) ** np.sum(places != np.arange(len(places)))


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4)])
def test_cholesky_and_eigenvalues(shape):
    x = positive(*shape).astype("float32")
    lower = np.asarray(SCHEME["tensor-cholesky"](x))
    np.testing.assert_allclose(lower, np.linalg.cholesky(x), rtol=1e-4, atol=1e-5)
    y = symmetric(*shape).astype("float32")
    values, vectors = map(np.asarray, SCHEME["tensor-eigh"](y))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(y), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(y @ vectors, vectors * values[..., None, :], atol=1e-4)
    z = random(*shape).astype("float32")
    values, vectors = map(np.asarray, SCHEME["tensor-eig"](z))
    assert values.dtype == "complex64"
    np.testing.assert_allclose(z @ vectors, vectors * values[..., None, :], atol=1e-4)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_rank(rank):
    x = (random(4, rank) @ random(rank, 3)).astype("float32")
    assert int(SCHEME["matrix-rank"](x)) == rank


def test_power_iteration():
    x = symmetric(5, 5)
    value, vector = map(np.asarray, SCHEME["power-iteration"](x, 400))
    values = np.linalg.eigvalsh(x)
    assert value == pytest.approx(values[np.argmax(abs(values))], rel=1e-4)
    np.testing.assert_allclose(x @ vector, value * vector, atol=1e-3)


def test_conjugate_gradients():
    a, b = positive(6, 6).astype("float32"), random(6).astype("float32")
    solve = SCHEME["conjugate-gradient-solve"]
    wanted = np.linalg.solve(a, b)
    np.testing.assert_allclose(solve(a, b), wanted, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(solve(lambda x: a @ x, b, 1e-6), wanted, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(solve(a, b, 1e-6, 0, wanted), wanted)
    slopes = jax.grad(lambda y: solve(jnp.asarray(a), y, 1e-7).sum())(jnp.asarray(b))
    np.testing.assert_allclose(slopes, np.linalg.solve(a, np.ones(6)), rtol=1e-2, atol=1e-3)
    curvature = jax.hessian(lambda y: solve(a, y, 1e-7, 20, b).sum())(jnp.asarray(b))
    np.testing.assert_array_equal(curvature, np.zeros((6, 6)))


SLOPED = ["tensor-qr", "tensor-cholesky", "tensor-eigh", "tensor-svd", "tensor-lu"]


@pytest.mark.parametrize("name", SLOPED)
def test_slopes_of_factorizations(name):
    case = Case(name, (positive(3, 3),), None)
    check_slopes(case)
    check_staged(case)


@pytest.mark.slow
def test_slopes_of_eigenvalues_and_their_vectors():
    session = Session()
    session.evaluate(
        "(define (f m) (let ((e (tensor-eig m)))"
        "  (tensor-sum (+ (* (arange 3) (square (real-part (cadr e)))) (magnitude (car e))))))"
        "(define m (tensor '((0.3 2.0 0.1) (-1.0 0.5 0.2) (0.4 0.1 1.5)) #:dtype 'float64))"
        "(define d (tensor '((0.2 0.1 -0.4) (0.3 -0.1 0.6) (0.5 0.7 0.2)) #:dtype 'float64))"
        "(define (along t) (f (+ m (* t d))))"
    )
    h = 1e-5
    for what in ("along", "(derivative along)"):
        low, high = (session.evaluate(f"({what} {t})") for t in (-h, h))
        slope = pytest.approx((float(high) - float(low)) / (2 * h), rel=1e-6)
        assert float(session.evaluate(f"(derivative {what} 0.0)")) == slope
        assert float(session.evaluate(f"(gradient {what} 0.0)")) == slope
        assert float(session.evaluate(f"((jit (gradient {what})) 0.0)")) == slope


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_floats_are_computed_in_float32(dtype):
    x = jnp.asarray(np.diag([2.0, 4.0]), dtype)
    inverse = SCHEME["tensor-inverse"](x)
    assert inverse.dtype == dtype
    assert inverse.tolist() == [[0.5, 0.0], [0.0, 0.25]]
    factors, pivots, _ = SCHEME["tensor-lu"](x)
    assert (factors.dtype, pivots.dtype) == (dtype, "int32")


def test_integers_become_floats():
    x = jnp.asarray([[2, 0], [0, 4]], "int32")
    assert SCHEME["tensor-det"](x).dtype == "float32"


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("tensor-inverse", (SINGULAR,), BadValue, "expected a matrix that has an inverse, got"),
        (
            "tensor-inverse",
            (TALL,),
            ShapeError,
            r"tensor-inverse: expected a square matrix, got f32\[5,3\]",
        ),
        ("tensor-inverse", ("a",), WrongType, "tensor-inverse: expected a tensor or a number"),
        ("tensor-inverse", (B3,), ShapeError, r"tensor-inverse: expected a matrix, got f32\[3\]"),
        ("tensor-det", (FLAT,), ShapeError, "tensor-det: expected a square matrix"),
        ("matrix-power", (SINGULAR, -1), BadValue, "expected a matrix that has an inverse"),
        (
            "matrix-power",
            (A2, 0.5),
            WrongType,
            "matrix-power: expected an exact integer as exponent",
        ),
        ("tensor-cholesky", (-np.eye(2),), BadValue, "expected a positive-definite matrix, got"),
        ("tensor-solve", (SINGULAR, np.ones(2)), BadValue, "equations that have one solution"),
        (
            "tensor-solve",
            (A2, B3),
            ShapeError,
            r"right side f32\[3\] does not fit the matrix f32\[2,2\]",
        ),
        ("tensor-solve", (A2, 1.0), ShapeError, "tensor-solve: the right side"),
        ("tensor-lstsq", (TALL, B3), ShapeError, "lstsq: the right side"),
        ("power-iteration", (STACK,), ShapeError, "power-iteration: expected one square matrix"),
        ("power-iteration", (A2, -1), BadValue, "power-iteration: expected at least 0 iterations"),
        ("conjugate-gradient-solve", (A2, B3), ShapeError, "conjugate-gradient-solve: the right"),
        ("conjugate-gradient-solve", (A2, B3[:2], 1e-5, 9, B3), ShapeError, r"the start f32\[3\]"),
        ("conjugate-gradient-solve", (lambda x: x[:1], B3), ShapeError, r"makes f32\[1\]"),
        ("cross", (B3, np.ones(2)), ShapeError, r"cross: expected vectors of three, got f32\[2\]"),
    ],
)
def test_bad_matrices(name, arguments, error, message):
    with pytest.raises(EshkolError, match=message) as caught:
        SCHEME[name](*arguments)
    assert type(caught.value) is error


def test_what_is_not_finite_is_not_called_singular():
    assert np.isnan(SCHEME["tensor-inverse"](np.full((2, 2), np.nan))).all()

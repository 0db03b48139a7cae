"""Elements by value, running extremes, norms, triangles and grids, and modes of gather and scatter,
against NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
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

from eshkol.base.errors import EshkolError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.write import write_string
from eshkol.session import Session
from rows import one_in

RANDOM = np.random.default_rng(4)


def random(*shape):
    return RANDOM.normal(size=shape)


X, M, T = random(6), random(3, 4), random(2, 3, 4)
PLACES = np.int32([[3, 0], [-1, 5]])
ROWS = np.int32([1, 0, 1])
NEW = random(3, 4)


def c(name, *arguments, expected, **options):
    return Case(name, arguments, expected, options)


def scattered(ufunc):
    result = M.copy()
    ufunc.at(result, ROWS, NEW)
    return result


PAIRS = np.int32([[1, 2], [0, 0], [1, 2]])


def summed():
    result = M.copy()
    np.add.at(result, tuple(PAIRS.T), X[:3])
    return result


def replaced():
    result = T.copy()
    result[tuple(PAIRS[:2].T)] = M[:2]
    return result


def inside(mode):
    return np.take(M, PLACES, 1, mode=mode)


FILLED = np.where(((PLACES >= 0) & (PLACES < 4))[None], np.take(M, PLACES, 1, mode="clip"), 7.0)
LOGS = np.logaddexp.accumulate

CASES = [
    c("cummax", X, expected=np.maximum.accumulate(X)),
    c("cummax", M, 1, expected=np.maximum.accumulate(M, 1)),
    c("cummin", M, expected=np.minimum.accumulate(M.ravel())),
    c("cummin", T, -2, expected=np.minimum.accumulate(T, 1)),
    c("cumlogsumexp", M, 0, expected=LOGS(M, 0)),
    c("cummax", np.zeros((0, 2)), 0, expected=np.zeros((0, 2))),
    *[c("norm", M, order=intern(name), expected=np.linalg.norm(M, kind))
      for name, kind in [("fro", "fro"), ("nuclear", "nuc"), ("spectral", 2)]],
    c("norm", T, order=intern("nuclear"), expected=np.linalg.norm(T, "nuc", axis=(1, 2))),
    c("norm", T, scheme_list([0, 2]), order=intern("spectral"), keepdims=True,
      expected=np.linalg.norm(T, 2, axis=(0, 2), keepdims=True)),
    *[c("norm", M, 1, order=p, expected=np.linalg.norm(M, p, axis=1))
      for p in (-np.inf, -1.5, 0.5, 1, 3, np.inf)],
    c("norm", np.array([0.0, 2.0, 0.0, 3.0]), order=0, expected=2.0),
    c("tril", M, expected=np.tril(M)),
    c("tril", T, 1, expected=np.tril(T, 1)),
    c("triu", M, -1, expected=np.triu(M, -1)),
    c("triu", T, 2, expected=np.triu(T, 2)),
    c("meshgrid", X, M[0], expected=np.meshgrid(X, M[0], indexing="ij")),
    c("meshgrid", X, M[0], indexing=intern("xy"), expected=np.meshgrid(X, M[0])),
    c("vander", X, expected=np.vander(X)),
    c("vander", X, 3, increasing=True, expected=np.vander(X, 3, True)),
    c("isclose", M, M + 1e-7, expected=np.isclose(M, M + 1e-7)),
    c("allclose", M, M[:1], expected=np.array(False)),
    c("gather", M, PLACES, 1, mode=intern("clip"), expected=inside("clip")),
    c("gather", M, PLACES, 1, mode=intern("wrap"), expected=inside("wrap")),
    c("gather", M, PLACES, 1, mode=intern("fill"), fill=7, expected=FILLED),
    c("gather", M, np.int32(9), 0, mode="fill", fill=1, expected=np.ones(4)),
    c("gather-nd", M, PAIRS, expected=M[tuple(PAIRS.T)]),
    c("gather-nd", T, PAIRS[:, :1], expected=T[PAIRS[:, 0]]),
    c("gather-nd", T, PAIRS[None], expected=T[tuple(PAIRS.T)][None]),
    c("scatter-nd", M, PAIRS, X[:3], mode=intern("add"), expected=summed()),
    c("scatter-nd", T, PAIRS[:2], M[:2], expected=replaced()),
    c("scatter", M, ROWS, NEW, mode=intern("add"), expected=scattered(np.add)),
    c("scatter", M, ROWS, NEW, mode=intern("multiply"), expected=scattered(np.multiply)),
    c("scatter", M, ROWS, NEW, mode=intern("min"), expected=scattered(np.minimum)),
    c("scatter", M, ROWS, NEW, mode=intern("max"), expected=scattered(np.maximum)),
]  # fmt: skip
LARGEST = largest_of_each(CASES)
SMOOTH = [case for case in LARGEST if not case.name.endswith("close")]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values(case):
    check_value(case, "float32")


@pytest.mark.parametrize("case", LARGEST, ids=ids(LARGEST))
def test_doubles_and_staged(case):
    check_value(case, "float64")
    check_staged(case)


@pytest.mark.parametrize("case", one_in(2, SMOOTH, ids(SMOOTH)))
def test_batched_and_slopes(case):
    check_batched(case)
    check_slopes(case)


def test_logspace():
    result = SCHEME["logspace"](-1, 2, 4)
    assert result.dtype == "float32"
    np.testing.assert_allclose(result, np.logspace(-1, 2, 4), rtol=1e-6)
    np.testing.assert_allclose(SCHEME["logspace"](0, 3, 4, 2), [1, 2, 4, 8], rtol=1e-6)


def test_close_with_nan():
    x = jnp.asarray([1.0, np.nan])
    assert SCHEME["isclose"](x, x).tolist() == [True, False]
    assert bool(SCHEME["allclose"](x, x, nan=True))


# ---- elements by value

WHOLE = np.int32([[3, 1, 3], [0, 1, 3]])


@pytest.mark.parametrize("tensor", [X, M, WHOLE, np.zeros((0,)), np.round(T)], ids=str)
def test_unique(tensor):
    tensor = tensor.astype("float32") if tensor.dtype.kind == "f" else tensor
    values, inverse, counts = SCHEME["unique"](tensor, inverse=True, counts=True)
    wanted = np.unique(tensor, return_inverse=True, return_counts=True)
    for result, reference in zip((values, inverse, counts), wanted, strict=True):
        np.testing.assert_array_equal(result, reference)
    np.testing.assert_array_equal(SCHEME["unique"](tensor), wanted[0])


def test_unique_slices_and_sizes():
    rows = np.float32([[1, 2], [1, 2], [0, 5]])
    np.testing.assert_array_equal(SCHEME["unique"](rows, axis=0), np.unique(rows, axis=0))
    assert SCHEME["unique"](WHOLE, size=5, fill=-1).tolist() == [0, 1, 3, -1, -1]
    assert jax.jit(lambda x: SCHEME["unique"](x, size=2))(WHOLE).tolist() == [0, 1]
    several = SCHEME["jit"](
        lambda x, y: SCHEME["unique"](x, size=4, fill=y, inverse=True, counts=True)
    )
    values, inverse, counts = several(np.float32([3, 1, 3]), 7.5)
    assert values.tolist() == [1, 3, 7.5, 7.5]
    assert inverse.tolist() == [1, 0, 1]
    assert counts.tolist() == [1, 2, 0, 0]


@pytest.mark.parametrize(
    "tensor", [np.float32([0, 5, 0, 7]), WHOLE, np.round(T), np.zeros(0)], ids=str
)
def test_nonzero(tensor):
    found = list(SCHEME["nonzero"](tensor))
    for result, reference in zip(found, np.nonzero(tensor), strict=True):
        assert result.dtype == "int32"
        np.testing.assert_array_equal(result, reference)
    staged = jax.jit(lambda x: list(SCHEME["nonzero"](x, size=30)))(tensor)
    for result, reference in zip(staged, np.nonzero(tensor), strict=True):
        np.testing.assert_array_equal(result, [*reference, *[-1] * (30 - len(reference))])


@pytest.mark.parametrize("tensor", [X, M, T])
def test_masks(tensor):
    tensor = tensor.astype("float32")
    np.testing.assert_array_equal(SCHEME["boolean-mask"](tensor, tensor > 0), tensor[tensor > 0])
    rows = tensor.reshape(len(tensor), -1).sum(1) > 0
    np.testing.assert_array_equal(SCHEME["boolean-mask"](tensor, rows), tensor[rows])
    staged = jax.jit(lambda x: SCHEME["boolean-mask"](x, x > 0, size=40, fill=-9))(tensor)
    wanted = tensor[tensor > 0]
    np.testing.assert_array_equal(staged, [*wanted, *[-9] * (40 - len(wanted))])


def test_nothing_is_filled_up_to_a_size():
    nothing = jnp.zeros((0, 2))
    assert SCHEME["unique"](nothing, size=2, fill=7).tolist() == [7, 7]
    assert SCHEME["boolean-mask"](nothing, nothing > 0, size=2, fill=7).tolist() == [7, 7]
    rows = SCHEME["boolean-mask"](nothing, nothing[:, 0] > 0, size=2, fill=7)
    assert rows.tolist() == [[7, 7], [7, 7]]


def test_slopes_go_through_masks():
    slopes = jax.grad(lambda x: SCHEME["boolean-mask"](x, x > 0, size=6).sum())(jnp.asarray(X))
    np.testing.assert_array_equal(slopes, X > 0)


PROGRAMS = [
    ("(let ((t (tensor 1 -2 3))) (boolean-mask t (> t 0)))", "#(1.0 3.0)"),
    ("(unique '(2 1 2) #:counts #t)", "(#(1.0 2.0) #(1 2))"),
    ("(let ((p (nonzero (tensor 0 5 7)))) (gather #(10 20 30) (car p)))", "#(20.0 30.0)"),
    ("((jit (lambda (t) (boolean-mask t (> t 1) #:size 2))) (tensor 1 2 3))", "#(2.0 3.0)"),
    ("(scatter (zeros 2) '(1 1) #(7 8) #:mode 'add)", "#(0.0 15.0)"),
    ("(norm #(#(3 0) #(0 4)) #:order 'spectral)", "4.0"),
    ("(gradient norm (tensor 0 0))", "#(0.0 0.0)"),
    ("(gradient norm (tensor 3 4))", "#(0.6 0.8)"),
    ("(gradient (lambda (v) (tensor-sum (normalize v))) (tensor 0 0))", "#(1.0 1.0)"),
    ("(norm (tensor 3 4+i))", "5.0990195"),
]


@pytest.mark.parametrize(("program", "expected"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs(program, expected):
    assert write_string(Session().evaluate(program)) == expected


BAD = [
    ("(unique (tensor 1 2) #:size -1)", "unique: expected a size of at least 0, got -1"),
    ("((jit (lambda (t) (unique t))) (tensor 1 2))", "is not known while staging"),
    ("((jit (lambda (t) (car (nonzero t)))) (tensor 1 2))", "is not known while staging"),
    ("((jit (lambda (t) (boolean-mask t (> t 0)))) (tensor 1 2))", "is not known while staging"),
    ("(nonzero 5)", "nonzero: expected a tensor of rank 1 or more, got 5"),
    ("(boolean-mask #(1 2) #(1 0))", "boolean-mask: expected a mask of booleans, got #(1 0)"),
    ("(boolean-mask #(1 2) #(#t))", "boolean-mask: the mask bool[1] does not fit f32[2]"),
    ("(tril #(1 2))", "tril: expected a matrix, got f32[2]"),
    ("(triu (eye 2) 0.5)", "triu: expected an exact integer as a diagonal, got 0.5"),
    ("(meshgrid (eye 2))", "meshgrid: expected tensors of rank 1, got f32[2,2]"),
    ("(meshgrid #(1) #:indexing 'ji)", "meshgrid: expected the indexing 'ij or 'xy, got ji"),
    ("(vander (eye 2))", "vander: expected a tensor of rank 1"),
    ("(isclose #(1 2) #(1 2 3))", "isclose: shapes don't fit together"),
    ("(norm #(#(3 0) #(0 4)) #:order 'best)", "norm: unknown order best"),
    ("(norm #(3 0) #:order 'nuclear)", "norm: expected a matrix, got f32[2]"),
    ("(norm (ones 2 2) 0 #:order 'nuclear)", "norm: the order nuclear takes the two axes"),
    ("(gather #(1 2) '(5))", "gather: index 5 is out of range for an axis of size 2"),
    ("(gather #(1 2) '(5) 0 #:mode 'loop)", "gather: unknown mode loop"),
    ("(gather #() '(5) 0 #:mode 'clip)", "gather: axis 0 of f32[0] has no elements"),
    ("(scatter #(1 2) '(0) #(1) 0 #:mode 'sub)", "scatter: unknown mode sub"),
    ("(gather-nd (eye 2) '((0 2)))", "gather-nd: there is nothing at [0, 2] in f32[2,2]"),
    (
        "(gather-nd (eye 2) '((0 1 0)))",
        "gather-nd: expected tuples of 1 to 2 indices, got i32[1,3]",
    ),
    (
        "(scatter-nd (eye 2) '((0 1)) #(1 2))",
        "scatter-nd: expected values of shape [1], got f32[2]",
    ),
    ("(scatter-nd (eye 2) '((0 1)) 1 #:mode 'sub)", "scatter-nd: unknown mode sub"),
    ("(cummax (eye 2) 2)", "cummax: axis 2 is out of range"),
]


@pytest.mark.parametrize(("program", "message"), BAD, ids=range(len(BAD)))
def test_bad_calls(program, message):
    with pytest.raises(EshkolError) as caught:
        Session().evaluate(program)
    assert message in str(caught.value)

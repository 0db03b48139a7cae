"""Shapes, joining and splitting, against NumPy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from eshkol.base.errors import BadValue, OutOfRange, ShapeError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace

SCHEME = builtin_namespace()
T = np.arange(24, dtype="float32").reshape(2, 3, 4)
M = np.arange(6, dtype="float32").reshape(2, 3)
L = scheme_list

ROWS = [
    ("reshape", (T, 4, 6), T.reshape(4, 6)),
    ("reshape", (T, -1), T.reshape(-1)),
    ("reshape", (T, L([2, -1])), T.reshape(2, -1)),
    ("reshape", (T, Vector([24])), T.reshape(24)),
    ("reshape", (T, np.array([6, 4])), T.reshape(6, 4)),
    ("reshape", (np.zeros((0, 3), "float32"), 3, -1), np.zeros((3, 0))),
    ("flatten", (T,), T.reshape(-1)),
    ("flatten", (np.zeros((0, 3), "float32"),), np.zeros(0)),
    ("transpose", (T,), T.T),
    ("transpose", (T, 1, 2), T.swapaxes(1, 2)),
    ("transpose", (T, L([2, 0, 1])), T.transpose(2, 0, 1)),
    ("transpose", (T, 2, 0, 1), T.transpose(2, 0, 1)),
    ("permute", (T, 2, 0, 1), T.transpose(2, 0, 1)),
    ("permute", (T, L([-1, 0, 1])), T.transpose(2, 0, 1)),
    ("swap-axes", (T, 0, -1), T.swapaxes(0, -1)),
    ("move-axis", (T, 0, -1), np.moveaxis(T, 0, -1)),
    ("move-axis", (T, 2, 0), np.moveaxis(T, 2, 0)),
    ("squeeze", (M[None, :, None],), M),
    ("squeeze", (M[None, :, None], 0), M[:, None]),
    ("squeeze", (M[None, :, None], L([0, 2])), M),
    ("squeeze", (M,), M),
    ("unsqueeze", (M, 0), M[None]),
    ("unsqueeze", (M, -1), M[..., None]),
    ("expand-dims", (M, L([0, 3])), M[None, ..., None]),
    ("concatenate", (L([M, M]), 0), np.concatenate([M, M], 0)),
    ("concatenate", (L([M, M]), -1), np.concatenate([M, M], -1)),
    ("concatenate", (L([M, M]),), np.concatenate([M, M])),
    ("concatenate", (1, M, M, M), np.concatenate([M, M, M], 1)),
    ("concatenate", (0, Vector([1, 2]), L([3])), np.float32([1, 2, 3])),
    ("concatenate", (L([M]), 0), M),
    ("stack", (L([M, M]), 2), np.stack([M, M], 2)),
    ("stack", (-1, M, M), np.stack([M, M], -1)),
    ("stack", (L([1.0, 2.0]),), np.float32([1, 2])),
    ("broadcast-to", (M, L([4, 2, 3])), np.broadcast_to(M, (4, 2, 3))),
    ("broadcast-to", (M[:1], 5, 3), np.broadcast_to(M[:1], (5, 3))),
    ("tensor-broadcast", (M.sum(1), 2, 3), np.broadcast_to(M.sum(1)[:, None], (2, 3))),
    ("tensor-broadcast", (M.sum(0), 2, 3), np.broadcast_to(M.sum(0), (2, 3))),
    ("tensor-broadcast", (T.sum(1), L([2, 3, 4])), np.broadcast_to(T.sum(1)[:, None], T.shape)),
    ("tile", (M, 2), np.tile(M, 2)),
    ("tile", (M, L([2, 1])), np.tile(M, (2, 1))),
    ("repeat", (M, 2), np.repeat(M, 2)),
    ("repeat", (M, 2, 1), np.repeat(M, 2, 1)),
    ("tensor-flip", (M,), np.flip(M)),
    ("tensor-flip", (M, 1), np.flip(M, 1)),
    ("roll", (M, 1), np.roll(M, 1)),
    ("roll", (M, -1, 1), np.roll(M, -1, 1)),
    ("pad", (M, 1), np.pad(M, 1)),
    ("pad", (M, L([1, 0]), 7), np.pad(M, ((1, 1), (0, 0)), constant_values=7)),
    ("pad", (M, L([L([1, 0]), L([0, 2])])), np.pad(M, ((1, 0), (0, 2)))),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), ROWS)
def test_shapes(name, arguments, expected):
    result = SCHEME[name](*arguments)
    assert result.dtype == np.float32
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


def test_an_axis_by_name():
    np.testing.assert_array_equal(
        SCHEME["concatenate"](jnp.asarray(M), jnp.asarray(M), axis=1), np.concatenate([M, M], 1)
    )


def test_joined_tensors_have_one_dtype():
    joined = SCHEME["concatenate"](L([jnp.ones(1), jnp.ones(1, "int32")]), 0)
    assert joined.dtype == np.float32


FIVE = np.arange(5, dtype="float32")


@pytest.mark.parametrize(
    ("name", "arguments", "sizes"),
    [
        ("split", (FIVE, 2), [2, 2, 1]),
        ("split", (FIVE, 5), [5]),
        ("split", (FIVE, 9), [5]),
        ("split", (FIVE, L([1, 4])), [1, 4]),
        ("tensor-split", (FIVE, 2), [3, 2]),
        ("tensor-split", (FIVE, 5), [1] * 5),
        ("tensor-split", (FIVE, 7), [1] * 5 + [0, 0]),
        ("tensor-split", (FIVE, Vector([2, 3])), [2, 3]),
    ],
)
def test_pieces(name, arguments, sizes):
    pieces = list(SCHEME[name](*arguments))
    assert [piece.shape[0] for piece in pieces] == sizes
    np.testing.assert_array_equal(np.concatenate(pieces), FIVE)


def test_pieces_along_an_axis():
    left, right = SCHEME["tensor-split"](jnp.asarray(T), 2, -1)
    np.testing.assert_array_equal(left, T[..., :2])
    np.testing.assert_array_equal(right, T[..., 2:])


def test_broadcast_tensors():
    a, b = SCHEME["broadcast-tensors"](jnp.ones((2, 1)), jnp.zeros(3))
    assert a.shape == b.shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("reshape", (M, 4), ShapeError, r"f32\[2,3\] has 6 elements, which do not fill \[4\]"),
        ("reshape", (M, -1, 4), ShapeError, "reshape: .* has 6 elements"),
        ("reshape", (M, -1, -1), BadValue, "reshape: expected sizes of at least 0 and one -1"),
        ("reshape", (M, -2), BadValue, "reshape: expected sizes of at least 0"),
        ("reshape", (M, 1.5), WrongType, "reshape: expected an exact integer as sizes, got 1.5"),
        ("transpose", (M, L([0])), ShapeError, r"transpose: f32\[2,3\] needs 2 axes, got \[0\]"),
        ("transpose", (M, L([0, 0])), BadValue, "transpose: expected different axes"),
        ("transpose", (M, 0, 2), OutOfRange, "transpose: axis 2 is out of range"),
        ("transpose", (M, 0), ShapeError, "transpose: .* needs 2 axes, got"),
        ("squeeze", (M, 0), ShapeError, r"squeeze: axis 0 of f32\[2,3\] has size 2, not 1"),
        ("unsqueeze", (M, 5), OutOfRange, "unsqueeze: axis 5 is out of range for rank 3"),
        ("concatenate", (L([M, M.T]), 0), ShapeError, "concatenate: sizes differ off axis 0"),
        ("concatenate", (), BadValue, "concatenate: expected a list of tensors"),
        ("concatenate", (L([]), 0), BadValue, "concatenate: expected at least one tensor"),
        ("stack", (L([M, M.T]), 0), ShapeError, r"stack: shapes differ, f32\[2,3\] and f32\[3,2\]"),
        ("stack", (), BadValue, "stack: expected a list of tensors"),
        ("split", (FIVE, 0), BadValue, "split: expected pieces of at least 1, got 0"),
        ("split", (FIVE, L([1, 1])), ShapeError, r"split: sizes \[1, 1\] do not add up to 5"),
        ("tensor-split", (FIVE, 0), BadValue, "tensor-split: expected at least 1 piece"),
        ("broadcast-to", (M, 3, 2), ShapeError, r"f32\[2,3\] does not broadcast to \[3,2\]"),
        ("tensor-broadcast", (M, 4, 4), ShapeError, "does not broadcast"),
        ("repeat", (M, -1), BadValue, "repeat: expected at least 0 repeats"),
        ("pad", (M, L([1])), ShapeError, r"pad: f32\[2,3\] needs widths for 2 axes"),
        ("pad", (M, "a"), WrongType, "pad: expected an exact integer as width"),
        ("flatten", ("a",), WrongType, "flatten: expected a tensor"),
        ("stack", (0, "a"), WrongType, "stack: expected a tensor"),
    ],
)
def test_bad_shapes(name, arguments, error, message):
    with pytest.raises(error, match=message):
        SCHEME[name](*arguments)

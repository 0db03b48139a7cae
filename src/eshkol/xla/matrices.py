"""Matrices and grids made of sequences, triangles of matrices, and whether tensors are close."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from eshkol.base.errors import BadValue, ShapeError
from eshkol.datum.pairs import scheme_list
from eshkol.xla.arguments import number, static_int
from eshkol.xla.creation import linspace
from eshkol.xla.dtypes import BOOL, INT32, default_dtype, inexact_dtype, parse_dtype, wide
from eshkol.xla.elementwise import power
from eshkol.xla.rules import broadcast_shape
from eshkol.xla.tensors import as_tensor, cast, compiled, describe, promote


def _triangle(who: str, tensor: Any, diagonal: Any) -> tuple[Any, int]:
    x = as_tensor(tensor, who)
    if len(x.shape) < 2:
        raise ShapeError(
            f"{who}: expected a matrix, got {describe(x)}",
            hint="a matrix has two axes: (reshape t n m); that of a vector: (diag t)",
        )
    place = static_int(diagonal, who, "a diagonal")
    return x, min(max(place, -x.shape[-2]), x.shape[-1])


def lower_triangle(tensor: Any, diagonal: Any = 0) -> Any:
    """The matrix with zeros above a diagonal."""
    return _lower(*_triangle("tril", tensor, diagonal))


def upper_triangle(tensor: Any, diagonal: Any = 0) -> Any:
    """The matrix with zeros below a diagonal."""
    return _upper(*_triangle("triu", tensor, diagonal))


_lower = compiled("diagonal")(lambda x, diagonal: jnp.tril(x, diagonal))
_upper = compiled("diagonal")(lambda x, diagonal: jnp.triu(x, diagonal))


def grids(*axes: Any, indexing: Any = "ij") -> Any:
    """The list of the coordinates of all points of a grid, one tensor per axis."""
    name = str(getattr(indexing, "name", indexing))
    if name not in ("ij", "xy"):
        raise BadValue(f"meshgrid: expected the indexing 'ij or 'xy, got {describe(indexing)}")
    lines = [as_tensor(axis, "meshgrid") for axis in axes]
    for line in lines:
        if len(line.shape) != 1:
            raise ShapeError(
                f"meshgrid: expected tensors of rank 1, got {describe(line)}",
                hint="each tensor holds the coordinates along one axis: (linspace 0 1 5)",
            )
    with wide():
        return scheme_list(jnp.meshgrid(*lines, indexing=name))


def logarithmic_space(
    start: Any, end: Any, count: Any = 50, base: Any = 10.0, *, dtype: Any = None
) -> Any:
    """``base`` to powers that are evenly spaced."""
    kind = parse_dtype(dtype, "logspace") or default_dtype()
    exponents = linspace(start, end, count, dtype="float64")
    return cast(power(as_tensor(base, "logspace", exponents.dtype), exponents), kind)


def vandermonde(values: Any, columns: Any = None, *, increasing: Any = False) -> Any:
    """The matrix of the powers of values."""
    x = as_tensor(values, "vander")
    if len(x.shape) != 1:
        raise ShapeError(f"vander: expected a tensor of rank 1, got {describe(x)}")
    count = x.shape[0] if columns is None else static_int(columns, "vander", "columns")
    if count < 0:
        raise BadValue(f"vander: expected at least 0 columns, got {count}")
    return _powers(cast(x, INT32) if x.dtype == BOOL else x, count, increasing is not False)


@compiled("count", "increasing")
def _powers(x: Any, count: int, increasing: bool) -> Any:
    return jnp.vander(x, count, increasing=increasing)


def is_close(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, *, nan: Any = False) -> Any:
    """Where ``|a - b| ≤ atol + rtol |b|``."""
    x, y = promote("isclose", a, b)
    x, y = as_tensor(x, "isclose"), as_tensor(y, "isclose")
    broadcast_shape("isclose", x, y)
    kind = inexact_dtype(x.dtype, 1)
    real = np.dtype(kind.type(0).real.dtype)
    bounds = [number("isclose", bound, "a tolerance", real) for bound in (rtol, atol)]
    return _close(cast(x, kind), cast(y, kind), *bounds, nan=nan is not False)


@compiled("nan")
def _close(x: Any, y: Any, rtol: Any, atol: Any, *, nan: bool) -> Any:
    return jnp.isclose(x, y, rtol, atol, equal_nan=nan)


def are_all_close(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, *, nan: Any = False) -> Any:
    """Whether all elements are close."""
    return is_close(a, b, rtol, atol, nan=nan).all()

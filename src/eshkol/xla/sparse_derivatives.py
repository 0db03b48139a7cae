"""Jacobians and Hessians that are mostly zero, by colouring.

Columns that share no row can be found with one product: those of one colour are added up, and each
row of the sum belongs to one of them (Curtis, Powell and Reid 1974). Finding few colours is a
greedy colouring of the graph of columns that share a row, those with most neighbours first (Welsh
and Powell 1967).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.base.errors import BadValue, OutOfRange, WrongType
from eshkol.datum.pairs import is_list, scheme_list
from eshkol.datum.write import short_string
from eshkol.xla.arguments import index_tensor, static_shape
from eshkol.xla.directions import Traced, gradient_of, split
from eshkol.xla.dtypes import wide
from eshkol.xla.sparsity import rows_of
from eshkol.xla.tensors import as_tensor

Pattern = list[int]
"""For each row the set of its columns, as an integer."""


def sparse_jacobian(who: str, function: Any, value: Any, sparsity: Any) -> Any:
    """Rows, columns and values of a Jacobian, and its shape."""
    with wide():
        traced = Traced(who, function, value)
        point, taken_apart = _as_vector(traced)

        def flat(vector: Any) -> Any:
            return _joined(traced(taken_apart(vector)))

        size = int(jax.eval_shape(flat, point).shape[0])
        pattern = _pattern(who, flat, point, sparsity, size)
        columns = _colours(_transposed(pattern, point.size))
        rows = _colours(pattern, point.size)
        if max(rows, default=0) < max(columns, default=0):
            values = _by_rows(flat, point, pattern, rows)
        else:
            values = _by_columns(flat, point, pattern, columns)
        return _result(pattern, values, point.size)


def sparse_hessian(who: str, function: Any, value: Any, sparsity: Any) -> Any:
    """Rows, columns and values of a Hessian, and its shape."""
    with wide():
        traced = Traced(who, function, value)
        point, taken_apart = _as_vector(traced)
        slope = gradient_of(traced)

        def flat(vector: Any) -> Any:
            return _joined(slope(taken_apart(vector)))

        pattern = _pattern(who, flat, point, sparsity, point.size)
        columns = _colours(_transposed(pattern, point.size))
        return _result(pattern, _by_columns(flat, point, pattern, columns), point.size)


def _as_vector(traced: Traced) -> tuple[Any, Callable[[Any], Any]]:
    """The numbers of a point as one vector, and the way back to its arrays."""
    arrays = traced.arrays
    point = _joined(arrays)

    def taken_apart(vector: Any) -> Any:
        return [part.astype(a.dtype) for part, a in zip(split(vector, arrays), arrays, strict=True)]

    return point, taken_apart


def _joined(arrays: Any) -> Any:
    kind = jnp.result_type(*arrays)
    return jnp.concatenate([jnp.ravel(array).astype(kind) for array in arrays])


# ---- patterns


def _pattern(who: str, flat: Any, point: Any, sparsity: Any, count: int) -> Pattern:
    if sparsity is None:
        return rows_of(flat, point)
    rows, columns = _given(who, sparsity)
    pattern = [0] * count
    for row, column in zip(rows, columns, strict=True):
        for index, size, what in ((row, count, "row"), (column, point.size, "column")):
            if not 0 <= index < size:
                raise OutOfRange(f"{who}: #:sparsity has {what} {index}, there are {size}")
        pattern[row] |= 1 << column
    return pattern


def _given(who: str, sparsity: Any) -> tuple[list[int], list[int]]:
    """The rows and columns of a pattern that was given."""
    expected = f"{who}: expected a list of rows and columns as #:sparsity, got "
    parts = list(sparsity) if is_list(sparsity) else []
    if len(parts) not in (2, 4):
        raise WrongType(
            expected + short_string(sparsity),
            hint="what sparse-jacobian gave at another point will do",
        )
    try:
        arrays = [np.asarray(list(part) if is_list(part) else part) for part in parts[:2]]
    except Exception:
        raise WrongType(expected + short_string(sparsity)) from None
    for array in arrays:
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise WrongType(expected + short_string(sparsity))
    if arrays[0].size != arrays[1].size:
        raise BadValue(f"{who}: #:sparsity has {arrays[0].size} rows and {arrays[1].size} columns")
    rows, columns = (array.astype(int).tolist() for array in arrays)
    return rows, columns


def _members(content: int) -> Iterator[int]:
    """The elements of a set, in order."""
    while content:
        lowest = content & -content
        yield lowest.bit_length() - 1
        content ^= lowest


def _transposed(pattern: Pattern, count: int) -> Pattern:
    columns = [0] * count
    for row, content in enumerate(pattern):
        for column in _members(content):
            columns[column] |= 1 << row
    return columns


def _colours(lines: Pattern, count: int | None = None) -> list[int]:
    """A colour from 1 up for each line, so that lines that meet have different ones.

    Colour 0 is that of empty lines.
    """
    crossing = _transposed(lines, _width(lines) if count is None else count)
    neighbours = []
    for content in lines:
        total = 0
        for place in _members(content):
            total |= crossing[place]
        neighbours.append(total)
    colours = [0] * len(lines)
    groups: list[int] = []
    order = sorted(range(len(lines)), key=lambda line: -neighbours[line].bit_count())
    for line in order:
        if not lines[line]:
            continue
        free = next((k for k, group in enumerate(groups) if not group & neighbours[line]), None)
        if free is None:
            free = len(groups)
            groups.append(0)
        groups[free] |= 1 << line
        colours[line] = free + 1
    return colours


def _width(lines: Pattern) -> int:
    return max((content.bit_length() for content in lines), default=0)


# ---- products


def _by_columns(flat: Any, point: Any, pattern: Pattern, colours: list[int]) -> Any:
    """The entries, from one product forwards for each colour of columns."""
    rows, columns = _places(pattern)
    _, push = jax.linearize(flat, point)
    sums = jax.vmap(push)(_seeds(colours, point.dtype))
    return sums[np.asarray(colours, np.int32)[columns] - 1, rows]


def _by_rows(flat: Any, point: Any, pattern: Pattern, colours: list[int]) -> Any:
    """The entries, from one product backwards for each colour of rows."""
    rows, columns = _places(pattern)
    value, pull = jax.vjp(flat, point)
    (sums,) = jax.vmap(pull)(_seeds(colours, value.dtype))
    return sums[np.asarray(colours, np.int32)[rows] - 1, columns]


def _seeds(colours: list[int], dtype: Any) -> Any:
    """One direction for each colour, which is 1 along all lines of that colour."""
    wanted = np.arange(1, max(colours, default=0) + 1)[:, None]
    return jnp.asarray(wanted == np.asarray(colours)[None, :], dtype)


def _places(pattern: Pattern) -> tuple[Any, Any]:
    pairs = [(row, column) for row, content in enumerate(pattern) for column in _members(content)]
    places = np.asarray(pairs, dtype=np.int32).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def _result(pattern: Pattern, values: Any, width: int) -> Any:
    rows, columns = _places(pattern)
    shape = scheme_list([len(pattern), width])
    return scheme_list([jnp.asarray(rows), jnp.asarray(columns), values, shape])


def sparse_to_dense(matrix: Any) -> Any:
    """A sparse matrix as a tensor of rank 2."""
    parts = list(matrix) if is_list(matrix) else []
    if len(parts) != 4 or not is_list(parts[3]) or len(parts[3]) != 2:
        raise WrongType(
            f"sparse->dense: expected a list of rows, columns, values and the shape, got "
            f"{short_string(matrix)}"
        )
    values = as_tensor(parts[2], "sparse->dense")
    shape = static_shape(parts[3:], "sparse->dense")
    places = [
        index_tensor(part, "sparse->dense", size) for part, size in zip(parts, shape, strict=False)
    ]
    with wide():
        return jnp.zeros(shape, values.dtype).at[tuple(places)].add(values)

"""Statistics: covariances, medians and quantiles, counts and histograms."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, OutOfRange, ShapeError, StagingError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.xla.arguments import (
    index_tensor,
    number,
    static_axes,
    static_axis,
    static_flag,
    static_int,
)
from eshkol.xla.dtypes import FLOAT64, INT32, inexact_dtype, result_dtype, wide
from eshkol.xla.elementwise import not_equal
from eshkol.xla.reductions import max as largest
from eshkol.xla.reductions import min as smallest
from eshkol.xla.refusals import not_real
from eshkol.xla.rules import inexact_result, of_reals
from eshkol.xla.tensors import (
    as_tensor,
    as_tensors,
    at_dtype,
    cast,
    compiled,
    describe,
    known_numbers,
)


def _floats(who: str, value: Any) -> Any:
    x = as_tensor(value, who)
    return cast(x, inexact_dtype(x.dtype, 1))


def _variables(who: str, first: Any, second: Any) -> Any:
    """The variables as rows: two tensors, or the rows of a matrix."""
    x = _floats(who, first)
    if second is None:
        if len(x.shape) != 2 or not x.shape[1]:
            raise ShapeError(
                f"{who}: expected two tensors, or a matrix with a row for each variable, "
                f"got {describe(x)}"
            )
        return x
    y = _floats(who, second)
    if x.shape != y.shape or not x.size:
        raise ShapeError(f"{who}: expected tensors of one size, got {describe(x)}, {describe(y)}")
    dtype = result_dtype([x, y])
    with wide():
        return jnp.stack([cast(z, dtype).reshape(-1) for z in (x, y)])


def covariance(first: Any, second: Any = None, *, correction: Any = 0) -> Any:
    """The covariance of two variables, or the matrix of covariances of rows."""
    who = "tensor-cov"
    x = _variables(who, first, second)
    count = x.shape[1] - static_int(correction, who, "the correction")
    if count <= 0:
        raise BadValue(f"{who}: {x.shape[1]} observations do not allow this correction")
    result = _covariance(x, count=count)
    return result if second is None else result[0, 1]


@compiled("count")
def _covariance(x: Any, *, count: int) -> Any:
    centered = x - x.mean(1, keepdims=True)
    return centered @ centered.conj().T / count


def correlation(first: Any, second: Any = None) -> Any:
    """Pearson's correlation of two variables, or the matrix of correlations of rows."""
    result = _correlation(_variables("tensor-corrcoef", first, second))
    return result if second is None else result[0, 1]


@compiled()
def _correlation(x: Any) -> Any:
    centered = x - x.mean(1, keepdims=True)
    scaled = centered / jnp.linalg.norm(centered, axis=1, keepdims=True)
    result = scaled @ scaled.conj().T
    if result.dtype.kind == "c":
        return lax.complex(jnp.clip(result.real, -1, 1), jnp.clip(result.imag, -1, 1))
    return jnp.clip(result, -1, 1)


_METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


def quantile(
    tensor: Any, fraction: Any, axis: Any = None, *, keepdims: Any = False, method: Any = "linear"
) -> Any:
    """The numbers below which the given fractions of the elements lie."""
    return _quantiles("tensor-quantile", tensor, fraction, 1, axis, keepdims, method)


def percentile(
    tensor: Any, percents: Any, axis: Any = None, *, keepdims: Any = False, method: Any = "linear"
) -> Any:
    """The numbers below which the given percents of the elements lie."""
    return _quantiles("tensor-percentile", tensor, percents, 100, axis, keepdims, method)


def median(tensor: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """The number that half of the elements lie below."""
    return _quantiles("tensor-median", tensor, 0.5, 1, axis, keepdims, "linear")


def _quantiles(
    who: str, tensor: Any, part: Any, whole: int, axis: Any, keepdims: Any, method: Any
) -> Any:
    x = _floats(who, tensor)
    axes = static_axes(axis, x, who)
    if x.dtype.kind == "c":
        raise not_real(who, x)
    if any(x.shape[a] == 0 for a in axes):
        raise BadValue(f"{who}: expected at least one element, got {describe(x)}")
    name = method.name if isinstance(method, Symbol) else method
    if name not in _METHODS:
        raise BadValue(
            f"{who}: expected a method, got {describe(method)}",
            hint=f"the methods are {' '.join(_METHODS)}",
        )
    q = as_tensor(part, who, FLOAT64)
    if len(q.shape) > 1:
        raise ShapeError(f"{who}: expected a number or a tensor of rank 1, got {describe(q)}")
    known = known_numbers(part, who)
    if known is not None and not ((known >= 0) & (known <= whole)).all():
        raise OutOfRange(f"{who}: expected numbers from 0 to {whole}, got {describe(part)}")
    q = cast(q, x.dtype if x.dtype.itemsize > 2 else np.dtype("float32"))
    return _quantile(x, q, whole, axes, static_flag(keepdims, who), name)


@compiled("whole", "axes", "keepdims", "method", inline=False)
def _quantile(x: Any, q: Any, whole: int, axes: Any, keepdims: bool, method: str) -> Any:
    wide_x = cast(x, q.dtype)

    def by(method: str) -> Any:
        return jnp.quantile(wide_x, q / whole, axis=axes, keepdims=keepdims, method=method)

    result = by(method)
    if method == "linear":
        # Between an infinity and itself, or with no weight, it makes a NaN.
        low = by("lower")
        result = jnp.where((result != result) & (low == by("higher")), low, result)
    return cast(result, x.dtype)


def count_nonzero(tensor: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """How many elements are true, or not zero."""
    who = "count-nonzero"
    x = as_tensor(tensor, who)
    truth = x if x.dtype == bool else not_equal(x, 0)
    return _count(truth, static_axes(axis, x, who), static_flag(keepdims, who))


@compiled("axes", "keepdims")
def _count(truth: Any, axes: Any, keepdims: bool) -> Any:
    return jnp.sum(truth, axis=axes, keepdims=keepdims, dtype=INT32)


def bincount(values: Any, length: Any = None, *, weights: Any = None) -> Any:
    """How often each integer from 0 on occurs, or the sum of its weights."""
    who = "bincount"
    ids = index_tensor(values, who).reshape(-1)
    known = known_numbers(values, who)
    size = _length(who, known) if length is None else static_int(length, who, "a length")
    if size < 0:
        raise BadValue(f"{who}: expected a length of at least 0, got {size}")
    if known is not None and known.size and known.min() < 0:
        raise OutOfRange(
            f"{who}: expected integers of at least 0, got {int(known.min())}",
            hint="negative ones have no place in the counts; (unique t #:counts #t) has all",
        )
    if weights is None:
        return _bincount(ids, jnp.ones(ids.shape, INT32), length=size)
    w = as_tensor(weights, who).reshape(-1)
    if w.shape != ids.shape:
        raise ShapeError(
            f"{who}: expected a weight for each of {describe(ids)}, got {describe(w)}",
            hint="the weights of equal integers are added up; both have the same size",
        )
    return _bincount(ids, w, length=size)


def _length(who: str, known: np.ndarray | None) -> int:
    if known is None:
        raise StagingError(
            f"{who}: the largest integer is not known while staging",
            hint="say how many there are: (bincount values length)",
        )
    return max(int(known.max()) + 1, 0) if known.size else 0


@compiled("length")
def _bincount(ids: Any, weights: Any, *, length: int) -> Any:
    return jnp.zeros(length, weights.dtype).at[ids].add(weights, mode="drop")


def histogram(values: Any, bins: Any = 10, low: Any = None, high: Any = None) -> Any:
    """The list of how many values lie in each bin, and the bounds of the bins."""
    who = "histogram"
    x = _floats(who, values).reshape(-1)
    count = static_int(bins, who, "the number of bins")
    if count < 1:
        raise BadValue(f"{who}: expected at least 1 bin, got {count}")
    if not x.size and (low is None or high is None):
        raise BadValue(f"{who}: expected at least one element, got {describe(x)}")
    if x.dtype.kind == "c":
        raise not_real(who, x)
    first = smallest(x) if low is None else number(who, low, "a bound", x.dtype)
    last = largest(x) if high is None else number(who, high, "a bound", x.dtype)
    _check_range(
        who,
        known_numbers(first if low is None else low, who),
        known_numbers(last if high is None else high, who),
    )
    return scheme_list(_histogram(x, first, last, bins=count))


def _check_range(who: str, low: np.ndarray | None, high: np.ndarray | None) -> None:
    """Refuse bounds between which there are no bins, as far as they are known."""
    known = [bound for bound in (low, high) if bound is not None]
    if not (all(map(np.isfinite, known)) and known[:1] <= known[-1:]):
        got = " and ".join(describe(float(bound)) for bound in known)
        raise BadValue(
            f"{who}: expected finite bounds that ascend, got {got}",
            hint="bounds that are left out are the smallest and the largest value",
        )


@compiled("bins", inline=False)
def _histogram(x: Any, low: Any, high: Any, *, bins: int) -> Any:
    # A range without extent is widened, so that what lies there falls into a bin.
    same = low == high
    low, high = jnp.where(same, low - 0.5, low), jnp.where(same, high + 0.5, high)
    edges = jnp.linspace(low, high, bins + 1).astype(x.dtype)
    places = jnp.searchsorted(edges, x, side="right").astype(INT32) - 1
    places = jnp.where(x == edges[-1], bins - 1, places)
    places = jnp.where((x < edges[0]) | (x > edges[-1]) | (x != x), bins, places)
    return jnp.zeros(bins, INT32).at[places].add(1, mode="drop"), edges


def search_sorted(ordered: Any, values: Any, *, side: Any = "left") -> Any:
    """Where values would be put into a rising tensor."""
    who = "searchsorted"
    x = as_tensor(ordered, who)
    if len(x.shape) != 1:
        raise ShapeError(f"{who}: expected a tensor of rank 1, got {describe(x)}")
    name = side.name if isinstance(side, Symbol) else side
    if name not in ("left", "right"):
        raise BadValue(f"{who}: expected the side 'left or 'right, got {describe(side)}")
    y = as_tensor(values, who)
    for given, array in ((ordered, x), (values, y)):
        if array.dtype.kind == "c":
            raise not_real(who, given)
    dtype = result_dtype([x, y])
    return _search_sorted(cast(x, dtype), cast(y, dtype), side=name)


@compiled("side")
def _search_sorted(x: Any, y: Any, *, side: str) -> Any:
    return jnp.searchsorted(x, y, side=side).astype(INT32)


def differences(tensor: Any, axis: Any = -1) -> Any:
    """What each element is more than the one before it along an axis."""
    who = "tensor-diff"
    x = as_tensor(tensor, who)
    if x.dtype == bool:
        raise WrongType(f"{who}: expected numbers, got {describe(x)}")
    return _differences(x, static_axis(axis, len(x.shape), who, x))


@compiled("axis")
def _differences(x: Any, axis: int) -> Any:
    size = x.shape[axis]
    if size < 2:
        return lax.slice_in_dim(x, 0, 0, axis=axis)
    later, earlier = (lax.slice_in_dim(x, i, size - 1 + i, axis=axis) for i in (1, 0))
    return lax.sub(later, earlier)


def interpolate(x: Any, places: Any, values: Any) -> Any:
    """The values at ``x`` of the lines between points."""
    who = "interp"
    operands = as_tensors(who, x, places, values)
    dtype = of_reals(who, inexact_result)(operands)
    ends = [np.shape(operand) for operand in operands[1:]]
    if ends[0] != ends[1] or len(ends[0]) != 1 or not ends[0][0]:
        raise ShapeError(
            f"{who}: expected places and values of one size, got {describe(places)} and "
            f"{describe(values)}",
            hint="both are of rank 1, and the places rise",
        )
    return _interpolate(*at_dtype(who, dtype, operands))


@compiled()
def _interpolate(x: Any, places: Any, values: Any) -> Any:
    count = places.shape[0]
    if count == 1:
        return jnp.broadcast_to(values[0], x.shape)
    after = jnp.clip(jnp.searchsorted(places, x, side="right"), 1, count - 1).astype(INT32)
    left, right = places[after - 1], places[after]
    width = jnp.where(right == left, 1, right - left)
    share = jnp.where(right == left, 0, (x - left) / width)
    between = values[after - 1] + share * (values[after] - values[after - 1])
    inside = jnp.where(x >= places[-1], values[-1], between)
    return jnp.where(x <= places[0], values[0], inside)


def trapezoid(tensor: Any, places: Any = None, *, axis: Any = -1) -> Any:
    """The integral along an axis of the lines between values."""
    who = "trapezoid"
    y = as_tensor(tensor, who)
    along = static_axis(axis, len(y.shape), who, y)
    operands = as_tensors(who, y, 1 if places is None else places)
    if np.shape(operands[1]) not in ((), y.shape[along : along + 1]):
        raise ShapeError(
            f"{who}: expected a place for each of {y.shape[along]} values, got {describe(places)}"
        )
    dtype = inexact_result(operands)
    return _trapezoid(*at_dtype(who, dtype, operands), axis=along)


@compiled("axis")
def _trapezoid(y: Any, x: Any, *, axis: int) -> Any:
    y = jnp.moveaxis(y, axis, -1)
    widths = x if not x.shape else x[1:] - x[:-1]
    return jnp.sum(widths * (y[..., 1:] + y[..., :-1]) / 2, -1)

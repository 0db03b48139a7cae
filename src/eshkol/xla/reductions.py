"""Reductions over axes: sums, extremes, moments, truth; and running sums.

Every reduction takes ``(tensor [axis])``: without an axis it reduces to rank 0; an axis may be
negative, or a list of axes. Reduced axes are dropped unless ``keepdims`` is true.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector
from eshkol.primitives.arithmetic import add, divide, multiply
from eshkol.xla._compat import ArrayImpl
from eshkol.xla.arguments import items_of, static_axes, static_axis, static_flag, static_int
from eshkol.xla.dtypes import (
    BOOL,
    FLOAT32,
    FLOAT64,
    HALF_FLOATS,
    INT32,
    NARROW_FLOATS,
    UINT32,
    WIDE,
    inexact_dtype,
)
from eshkol.xla.elementwise import absolute_value, not_equal
from eshkol.xla.matrix_methods import matrix_norm
from eshkol.xla.refusals import not_real
from eshkol.xla.tensors import as_tensor, cast, compiled, describe, kernels_of
from eshkol.xla.witness import Witness

Axes = tuple[int, ...]


def _reduction(
    who: str,
    operation: Callable[[Any, Axes], Any],
    prepare: Callable[[Any], Any],
    needs_elements: bool = False,
    inline: bool = True,
) -> Callable[..., Any]:
    """A reduction as users call it.

    Args:
        who: its Scheme name.
        operation: from an array and the axes to what is left when these are dropped.
        prepare: from the tensor to the array on which it computes.
        needs_elements: whether it has no value over an axis of size 0.
        inline: whether it is spelled out under a trace, as for ``compiled``.
    """
    kernel = _keeping(operation, inline)
    of_all = jax.jit(lambda x: operation(prepare(x), tuple(range(len(x.shape)))))

    def rule(tensor: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
        is_of_all = axis is None and keepdims is False and tensor.__class__ is ArrayImpl
        is_usual = is_of_all and tensor.dtype in NARROW_FLOATS
        if is_usual and not (needs_elements and 0 in tensor.shape):
            return of_all(tensor)
        x = prepare(as_tensor(tensor, who))
        axes = static_axes(axis, x, who)
        if needs_elements and 0 in x.shape and any(x.shape[a] == 0 for a in axes):
            raise BadValue(f"{who}: expected at least one element, got {describe(x)}")
        return kernel(x, axes, static_flag(keepdims, who))

    rule.__name__ = rule.__qualname__ = who
    rule.__doc__ = f"``({who} tensor [axis])``."
    return rule


def _keeping(operation: Callable[[Any, Axes], Any], inline: bool) -> Callable[..., Any]:
    def reduce(x: Any, axes: Axes, keepdims: bool) -> Any:
        result = operation(x, axes)
        return lax.expand_dims(result, axes) if keepdims else result

    return compiled("axes", "keepdims", inline=inline)(reduce)


def _countable(x: Any) -> Any:
    return cast(x, INT32) if x.dtype not in NARROW_FLOATS and x.dtype == BOOL else x


def _ordered(who: str) -> Callable[[Any], Any]:
    """Numbers that have an order; truth values count."""

    def prepare(x: Any) -> Any:
        if x.dtype in NARROW_FLOATS:
            return x
        if x.dtype.kind == "c":
            raise not_real(who, x)
        return _countable(x)

    return prepare


def _addable(x: Any) -> Any:
    """Truth values count, and integers of 8 and 16 bits get 32, or a few would not fit."""
    if x.dtype in NARROW_FLOATS or x.dtype.kind not in "iub" or x.dtype.itemsize > 2:
        return x
    return cast(x, UINT32 if x.dtype.kind == "u" else INT32)


def _inexact(x: Any) -> Any:
    return x if x.dtype in NARROW_FLOATS else cast(x, inexact_dtype(x.dtype, len(x.shape)))


def _truth(x: Any) -> Any:
    return x if x.dtype == BOOL else not_equal(x, 0)


def _in_float32(operation: Callable[[Any, Axes], Any]) -> Callable[[Any, Axes], Any]:
    """Sixteen-bit floats are summed in float32, or many small terms would vanish."""

    @functools.wraps(operation)
    def reduce(x: Any, axes: Axes) -> Any:
        if x.dtype in HALF_FLOATS:
            return cast(operation(cast(x, FLOAT32), axes), x.dtype)
        return operation(x, axes)

    return reduce


def count(x: Any, axes: Axes) -> int:
    """How many elements each result of reducing ``axes`` stands for."""
    return math.prod(x.shape[axis] for axis in axes)


def mean_over(x: Any, axes: Axes) -> Any:
    """The mean of a floating array over ``axes``, which are dropped."""
    return lax.div(lax.reduce_sum(x, axes), _constant(count(x, axes), x))


def _constant(value: float, like: Any) -> Any:
    """A number as a literal of the dtype of ``like``."""
    return like.dtype.type(value)


def _square_of_magnitude(x: Any) -> Any:
    if x.dtype.kind != "c":
        return lax.square(x)
    return lax.add(lax.square(lax.real(x)), lax.square(lax.imag(x)))


def variance_over(x: Any, axes: Axes, correction: int = 0) -> Any:
    """The variance over ``axes``: of a population, or with ``correction`` 1 from a sample."""
    centered = lax.sub(x, lax.expand_dims(mean_over(x, axes), axes))
    total = lax.reduce_sum(_square_of_magnitude(centered), axes)
    return lax.div(total, _constant(count(x, axes) - correction, total))


def deviation_over(x: Any, axes: Axes) -> Any:
    """The standard deviation of a population over ``axes``, whose slope at equal numbers is 0."""
    return _root(variance_over(x, axes))


def logsumexp_over(x: Any, axes: Axes) -> Any:
    """``log Σ exp x`` over ``axes``; the largest term is factored out, so nothing overflows."""
    largest = lax.reduce_max(lax.stop_gradient(x), axes)
    # An infinite maximum would make inf - inf; the sum is then that infinity anyway.
    largest = lax.select(lax.is_finite(largest), largest, lax.full_like(largest, 0))
    terms = lax.exp(lax.sub(x, lax.expand_dims(largest, axes)))
    return lax.add(lax.log(lax.reduce_sum(terms, axes)), largest)


def _norm_over(x: Any, axes: Axes) -> Any:
    """The Euclidean norm, whose slope at zeros is 0: the root of 0 is not taken."""
    return _root(lax.reduce_sum(_square_of_magnitude(x), axes))


@jax.custom_jvp
def _root(total: Any) -> Any:
    """The square root, whose slope at 0 is 0. The value alone costs no more than the root."""
    return lax.sqrt(total)


@_root.defjvp
def _slope_of_root(operands: Any, slopes: Any) -> Any:
    return jax.jvp(_guarded_root, operands, slopes)


def _guarded_root(total: Any) -> Any:
    """The square root, which is not taken of 0, so that all its derivatives there are 0."""
    nothing = lax.eq(total, _constant(0, total))
    root = lax.sqrt(lax.select(nothing, lax.full_like(total, 1), total))
    return lax.select(nothing, lax.full_like(total, 0), root)


def _and(x: Any, axes: Axes) -> Any:
    return lax.reduce_and(x, axes)


def _or(x: Any, axes: Axes) -> Any:
    return lax.reduce_or(x, axes)


sum = _reduction("tensor-sum", _in_float32(lax.reduce_sum), _addable)
prod = _reduction("tensor-prod", _in_float32(lax.reduce_prod), _addable)
max = _reduction("tensor-max", lax.reduce_max, _ordered("tensor-max"), needs_elements=True)
min = _reduction("tensor-min", lax.reduce_min, _ordered("tensor-min"), needs_elements=True)
mean = _reduction("tensor-mean", _in_float32(mean_over), _inexact, needs_elements=True)
_variance = _reduction("tensor-var", _in_float32(variance_over), _inexact, True, inline=False)
_deviation = _reduction("tensor-std", _in_float32(deviation_over), _inexact, True, inline=False)
logsumexp = _reduction("logsumexp", _in_float32(logsumexp_over), _inexact, True, inline=False)
all = _reduction("tensor-all", _and, _truth)
any_true = _reduction("tensor-any", _or, _truth)
euclidean_norm = _reduction("norm", _in_float32(_norm_over), _inexact)


@functools.cache
def _sample_rule(who: str, correction: int) -> Callable[..., Any]:
    """The variance or deviation of samples, divided by so many less than there are elements."""

    def over(x: Any, axes: Axes) -> Any:
        result = variance_over(x, axes, correction)
        return _root(result) if who == "tensor-std" else result

    return _reduction(who, _in_float32(over), _inexact, True, inline=False)


def _spread(who: str, of_population: Callable[..., Any]) -> Callable[..., Any]:
    def rule(tensor: Any, axis: Any = None, *, keepdims: Any = False, correction: Any = 0) -> Any:
        less = static_int(correction, who, "the correction")
        if not less:
            return of_population(tensor, axis, keepdims=keepdims)
        x = as_tensor(tensor, who)
        if count(x, static_axes(axis, x, who)) <= less:
            raise BadValue(f"{who}: {describe(x)} does not allow the correction {less}")
        return _sample_rule(who, less)(x, axis, keepdims=keepdims)

    rule.__name__ = rule.__qualname__ = who
    return rule


variance = _spread("tensor-var", _variance)
deviation = _spread("tensor-std", _deviation)


def _is_listed(who: str, values: Any) -> bool:
    """Whether ``values`` is a flat list or vector, whose elements host arithmetic can take."""
    if not (isinstance(values, Pair | Vector) or values is NIL):
        return False
    return not any(isinstance(value, Pair | list) for value in items_of(values, who))


def total(values: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """``(sum x [axis])``: of a list or vector of numbers their sum, else ``tensor-sum``."""
    if axis is None and _is_listed("sum", values):
        return functools.reduce(add, values) if len(values) else 0
    return sum(values, axis, keepdims=keepdims)


def product(values: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """``(prod x [axis])``: of a list or vector of numbers their product, else ``tensor-prod``."""
    if axis is None and _is_listed("prod", values):
        return functools.reduce(multiply, values) if len(values) else 1
    return prod(values, axis, keepdims=keepdims)


def average(values: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """``(mean x [axis])``: of a list or vector of numbers their mean, else ``tensor-mean``."""
    if axis is None and _is_listed("mean", values) and len(values):
        return divide(total(values), len(values))
    return mean(values, axis, keepdims=keepdims)


def _wide_index(x: Any, axis: int, is_largest: bool) -> Any:
    """As ``lax.argmax`` or ``argmin``, which JAX lowers where no 64-bit numbers exist."""
    if x.dtype == FLOAT64:
        worst: float = -math.inf if is_largest else math.inf
    else:
        worst = np.iinfo(x.dtype).min if is_largest else np.iinfo(x.dtype).max

    def better(first: Any, second: Any) -> Any:
        (x, i), (y, j) = first, second
        goes_before = lax.gt(y, x) if is_largest else lax.lt(y, x)
        goes_before |= lax.ne(y, y) & lax.eq(x, x)
        ties = lax.eq(x, y) | (lax.ne(x, x) & lax.ne(y, y))
        return lax.select(goes_before, y, x), lax.select(goes_before | (ties & (j < i)), j, i)

    places = lax.broadcasted_iota(INT32, x.shape, axis)
    start = np.asarray(worst, x.dtype), np.asarray(np.iinfo(INT32).max, INT32)
    return lax.reduce((lax.stop_gradient(x), places), start, better, (axis,))[1]


def _index_of(who: str, operation: Callable[..., Any]) -> Callable[..., Any]:
    """The index of an extreme along one axis, or in row order without an axis; int32."""

    def find(x: Any, axis: int | None) -> Any:
        if x.dtype.kind == "c":
            raise not_real(who, x)
        if axis is None:
            x, axis = lax.reshape(x, (math.prod(x.shape),)), 0
        if x.dtype in WIDE:
            return _wide_index(x, axis, operation is lax.argmax)
        return operation(x, axis, INT32)

    kernel = compiled("axis")(find)

    def rule(tensor: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
        x = as_tensor(tensor, who)
        if axis is not None:
            axis = static_axis(axis, len(x.shape), who, x)
        if (math.prod(x.shape) if axis is None else x.shape[axis]) == 0:
            raise BadValue(f"{who}: expected at least one element, got {describe(x)}")
        result = kernel(x, axis)
        if not static_flag(keepdims, who):
            return result
        return lax.expand_dims(result, range(len(x.shape)) if axis is None else (axis,))

    rule.__name__ = rule.__qualname__ = who
    rule.__doc__ = f"``({who} tensor [axis])``."
    return rule


argmax = _index_of("tensor-argmax", lax.argmax)
argmin = _index_of("tensor-argmin", lax.argmin)


def _running(
    who: str, operation: Callable[..., Any], prepare: Callable[[Any], Any] = _countable
) -> Callable[..., Any]:
    @compiled("axis")
    def kernel(x: Any, axis: int | None) -> Any:
        if axis is None:
            return operation(lax.reshape(x, (math.prod(x.shape),)), 0)
        return operation(x, axis)

    kernel_of = kernels_of(kernel)

    def rule(tensor: Any, axis: Any = None) -> Any:
        if tensor.__class__ is ArrayImpl and axis.__class__ is int:
            known = tensor.aval
            rank = len(known.shape)
            if known.dtype in NARROW_FLOATS and -rank <= axis < rank:
                return kernel_of(axis % rank)(tensor)
        x = prepare(as_tensor(tensor, who))
        return kernel(x, None if axis is None else static_axis(axis, len(x.shape), who, x))

    rule.__name__ = rule.__qualname__ = who
    rule.__doc__ = f"``({who} tensor [axis])``: of the whole in row order without an axis."
    return rule


cumsum = _running("cumsum", lax.cumsum, _addable)
cumprod = _running("cumprod", lax.cumprod, _addable)
cummax = _running("cummax", lax.cummax, _ordered("cummax"))
cummin = _running("cummin", lax.cummin, _ordered("cummin"))
cumlogsumexp = _running(
    "cumlogsumexp",
    lambda x, axis: lax.cumlogsumexp(_inexact(x), axis),
    _ordered("cumlogsumexp"),
)


def norm(tensor: Any, axis: Any = None, *, order: Any = 2, keepdims: Any = False) -> Any:
    """The p-norm over ``axis`` (all axes without one), or a norm of matrices by its name."""
    if axis is None and keepdims is False and order.__class__ is int and order == 2:
        return euclidean_norm(tensor)
    if axis.__class__ is Symbol:
        raise WrongType(
            f"norm: expected an exact integer as axis, got {describe(axis)}",
            hint=f"the order of a norm is told by its keyword: #:order '{axis}",
        )
    if order.__class__ is int and order == 2:
        return euclidean_norm(tensor, axis, keepdims=keepdims)
    if order.__class__ is Witness:
        order = order.item()
    if getattr(order, "shape", ()):
        raise BadValue(f"norm: expected a real number as order, got {describe(order)}")
    if isinstance(order, Symbol | str):
        return matrix_norm(tensor, str(getattr(order, "name", order)), axis, keepdims=keepdims)
    if order == 2:
        return euclidean_norm(tensor, axis, keepdims=keepdims)
    return _norm_rule(_checked_order(order))(tensor, axis, keepdims=keepdims)


def _checked_order(order: Any) -> float:
    if not isinstance(order, int | float) or isinstance(order, bool) or order != order:
        raise BadValue(
            f"norm: expected a real number as order, got {describe(order)}",
            hint="norms of matrices have names: 'fro, 'nuclear, 'spectral",
        )
    return float(order)


@functools.cache
def _norm_rule(order: float) -> Callable[..., Any]:
    def over(x: Any, axes: Axes) -> Any:
        magnitudes = absolute_value(x) if order in (1, np.inf, -np.inf) else lax.abs(x)
        if order == 1:
            return lax.reduce_sum(magnitudes, axes)
        if order == np.inf:
            # The norm of nothing is 0, as of every other order.
            largest = lax.reduce_max if count(x, axes) else lax.reduce_sum
            return largest(magnitudes, axes)
        if order == -np.inf:
            return lax.reduce_min(magnitudes, axes)
        if order == 0:
            present = lax.ne(magnitudes, lax.full_like(magnitudes, 0))
            return lax.reduce_sum(cast(present, magnitudes.dtype), axes)
        powers = lax.pow(magnitudes, _constant(order, magnitudes))
        total = lax.reduce_sum(powers, axes)
        return lax.pow(total, _constant(1 / order, total))

    return _reduction("norm", _in_float32(over), _inexact)

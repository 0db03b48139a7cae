"""Making tensors: from values, filled, in sequence; and taking them apart into Scheme data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.autodiff.plain import to_float
from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.values import Vector
from eshkol.xla._compat import trace_state_clean
from eshkol.xla.arguments import is_sequence, static_int, static_shape
from eshkol.xla.dtypes import (
    BOOL,
    COMPLEX128,
    FLOAT64,
    INT32,
    WIDE,
    default_dtype,
    parse_dtype,
    wide,
)
from eshkol.xla.host_arrays import on_device
from eshkol.xla.rules import broadcast_shape
from eshkol.xla.tensors import (
    Tracer,
    as_tensor,
    cast,
    check_fits,
    compiled,
    describe,
    fitted,
    known_numbers,
    result_dtype,
)
from eshkol.xla.witness import Witness


def tensor(*values: Any, dtype: Any = None) -> Any:
    """A tensor of the values; see the declaration for the rule of leading sizes."""
    kind = parse_dtype(dtype, "tensor")
    if len(values) == 1 and is_sequence(values[0]):
        return as_tensor(values[0], "tensor", kind)
    count = _leading_sizes(values)
    flat = as_tensor(list(values[count:]), "tensor", kind)
    return flat.reshape(values[:count]) if count else flat


def _leading_sizes(values: Sequence[Any]) -> int:
    """How many of ``values`` are sizes: their product is the number of the values after them.

    Among integers alone a single size is taken as an element: ``(tensor 2 5 6)`` has three.
    """
    product = 1
    for count, value in enumerate(values):
        if count and product == len(values) - count:
            integers = all(v.__class__ is int for v in values)
            return 0 if count == 1 and integers else count
        if value.__class__ is not int or value < 1:
            return 0
        product *= value
    return 0


def to_tensor(value: Any, *, dtype: Any = None) -> Any:
    """A list or vector of numbers, possibly nested, as a tensor."""
    return as_tensor(value, "list->tensor", parse_dtype(dtype, "list->tensor"))


def matrix(rows: Any, columns: Any, *values: Any, dtype: Any = None) -> Any:
    """A rows×columns matrix of the values in row order."""
    shape = static_shape((rows, columns), "matrix")
    if len(values) == 1 and is_sequence(values[0]):
        values = tuple(values[0])
    flat = as_tensor(list(values), "matrix", parse_dtype(dtype, "matrix"))
    if flat.size != math.prod(shape):
        raise ShapeError(
            f"matrix: {shape[0]}×{shape[1]} takes {math.prod(shape)} values, got {flat.size}"
        )
    return flat.reshape(shape)


SMALL = 1 << 16
"""Tensors of so many zeros or ones are filled by NumPy: that compiles nothing for their shape."""


def _filled(shape: tuple[int, ...], value: Any, dtype: np.dtype) -> Any:
    if value in (0, 1) and math.prod(shape) <= SMALL and trace_state_clean():
        return on_device(np.full(shape, value, dtype))
    with wide() if dtype in WIDE else nullcontext():
        return lax.full(shape, value, dtype)


def zeros(*dims: Any, dtype: Any = None) -> Any:
    """A tensor of zeros."""
    kind = parse_dtype(dtype, "zeros") or default_dtype()
    return _filled(static_shape(dims, "zeros"), 0, kind)


def ones(*dims: Any, dtype: Any = None) -> Any:
    """A tensor of ones."""
    kind = parse_dtype(dtype, "ones") or default_dtype()
    return _filled(static_shape(dims, "ones"), 1, kind)


def full(shape: Any, value: Any = 0.0, *, dtype: Any = None) -> Any:
    """A tensor of ``shape`` in which every element is ``value``."""
    sizes = static_shape((shape,), "full")
    kind = parse_dtype(dtype, "full") or _fill_dtype(value)
    if value.__class__ is int or value.__class__ is float:
        check_fits("full", value, kind)
        return _filled(sizes, value if kind.kind in "iu" else to_float(value), kind)
    return lax.broadcast(_rank_zero(value, "full", kind), sizes)


def fill(value: Any, shape: Any, *, dtype: Any = None) -> Any:
    """``(tensor-fill value shape)``: ``full`` with the value first."""
    return full(shape, value, dtype=dtype)


def _fill_dtype(value: Any) -> np.dtype:
    if value.__class__ is bool or getattr(value, "dtype", None) == BOOL:
        return BOOL
    of_number: np.dtype = COMPLEX128 if value.__class__ is complex else FLOAT64
    dtype = getattr(value, "dtype", of_number)
    if dtype == COMPLEX128:
        return result_dtype((np.zeros(1, default_dtype()), 1j))
    return dtype if dtype.kind in "fc" and dtype not in WIDE else default_dtype()


def _rank_zero(value: Any, who: str, dtype: np.dtype) -> Any:
    array = fitted(value, who, dtype)
    if array.shape:
        raise WrongType(f"{who}: expected a number to fill with, got {describe(value)}")
    return array


def zeros_like(value: Any, *, dtype: Any = None) -> Any:
    """Zeros of the shape and dtype of ``value``."""
    return _like("zeros-like", value, 0, dtype)


def ones_like(value: Any, *, dtype: Any = None) -> Any:
    """Ones of the shape and dtype of ``value``."""
    return _like("ones-like", value, 1, dtype)


def full_like(value: Any, element: Any, *, dtype: Any = None) -> Any:
    """A tensor of the shape and dtype of ``value`` in which every element is ``element``."""
    like = as_tensor(value, "full-like")
    return full(like.shape, element, dtype=parse_dtype(dtype, "full-like") or like.dtype)


def _like(who: str, value: Any, element: int, dtype: Any) -> Any:
    like = as_tensor(value, who)
    return _filled(like.shape, element, parse_dtype(dtype, who) or like.dtype)


def eye(rows: Any, columns: Any = None, *, dtype: Any = None) -> Any:
    """The identity matrix."""
    shape = static_shape((rows, rows if columns is None else columns), "eye")
    kind = parse_dtype(dtype, "eye") or default_dtype()
    with wide():
        row, column = (lax.broadcasted_iota(INT32, shape, axis) for axis in (0, 1))
        return lax.convert_element_type(lax.eq(row, column), kind)


def arange(*bounds: Any, dtype: Any = None) -> Any:
    """``(arange n)``, ``(arange start end)`` or ``(arange start end step)``."""
    if not 1 <= len(bounds) <= 3:
        raise WrongType(f"arange: expected an end, or start, end and step, got {len(bounds)}")
    start, end = (0, bounds[0]) if len(bounds) == 1 else bounds[:2]
    step = bounds[2] if len(bounds) == 3 else 1
    start, end, step = (_bound(bound, "arange") for bound in (start, end, step))
    if step == 0:
        raise BadValue("arange: expected a step other than 0")
    kind = parse_dtype(dtype, "arange")
    whole = all(bound.__class__ is int for bound in (start, end, step))
    kind = kind or (INT32 if whole else default_dtype())
    count = static_int(max(0, math.ceil((end - start) / step)), "arange", "the number of elements")
    for element in (start, start + step * (count - 1)) if whole and count else ():
        check_fits("arange", element, kind)
    with wide():
        if whole and start == 0 and step == 1:
            return lax.iota(kind, count)
        return _sequence(start, step, count, kind)


def _sequence(start: float, step: float, count: int, dtype: np.dtype) -> Any:
    """``start + step·i``, computed in doubles so that narrow dtypes round only once."""
    exact = start.__class__ is int and step.__class__ is int and dtype.kind in "iu"
    indices = lax.iota(dtype if exact else FLOAT64, count)
    return cast(indices * step + start, dtype)


def _bound(value: Any, who: str) -> Any:
    bound = _known_bound(value, who)
    if bound.__class__ not in (int, float) or not math.isfinite(bound):
        raise BadValue(f"{who}: expected finite real numbers as bounds, got {describe(value)}")
    return bound


def _known_bound(value: Any, who: str) -> Any:
    if value.__class__ is int or value.__class__ is float:
        return value
    if value.__class__ is Fraction:
        return to_float(value)
    if value.__class__ is Witness and value.known.__class__ is int:
        return value.item()
    array = as_tensor(value, who)
    if isinstance(array, Tracer):
        return static_int(array, who, "a bound")
    if array.shape:
        raise WrongType(f"{who}: expected a number, got {describe(value)}")
    return array.item()


def linspace(start: Any, end: Any, count: Any = 50, *, dtype: Any = None) -> Any:
    """``count`` numbers from ``start`` to ``end``, both included."""
    number = static_int(count, "linspace", "count")
    if number < 0:
        raise BadValue(f"linspace: expected a count of at least 0, got {number}")
    kind = parse_dtype(dtype, "linspace") or default_dtype()
    with wide():
        low, high = (_real(as_tensor(bound, "linspace")) for bound in (start, end))
        broadcast_shape("linspace", low, high)
        return jnp.linspace(low, high, number, dtype=FLOAT64).astype(kind)


def _real(bound: Any) -> Any:
    if bound.dtype.kind == "c":
        raise WrongType(f"linspace: expected real numbers, got {describe(bound)}")
    return cast(bound, FLOAT64)


def one_hot(labels: Any, classes: Any, *, dtype: Any = None) -> Any:
    """A last axis of ``classes`` with a one where the label is."""
    count = static_int(classes, "one-hot", "the number of classes")
    kind = parse_dtype(dtype, "one-hot") or default_dtype()
    if count < 0:
        raise BadValue(f"one-hot: expected at least 0 classes, got {count}")
    ids = cast(_whole(labels), INT32)
    if kind not in WIDE:
        return _hot(ids, count, kind)
    with wide():
        return _hot(ids, count, kind)


def _whole(given: Any) -> Any:
    """Labels, which may be floats if they are whole."""
    labels = as_tensor(given, "one-hot")
    if labels.dtype.kind in "iub":
        return labels
    known = known_numbers(given, "one-hot")
    is_whole = known is None or bool((known == np.round(known)).all())
    if labels.dtype.kind == "c" or not is_whole:
        raise WrongType(f"one-hot: expected exact integers as labels, got {describe(labels)}")
    return labels


@compiled("count", "kind")
def _hot(ids: Any, count: int, kind: np.dtype) -> Any:
    rank = len(ids.shape)
    classes_axis = lax.broadcasted_iota(INT32, (1,) * rank + (count,), rank)
    column = lax.broadcast_in_dim(ids, (*ids.shape, 1), range(rank))
    hot = lax.eq(column, classes_axis) if rank else lax.eq(classes_axis, ids)
    return lax.convert_element_type(hot.reshape(*ids.shape, count), kind)


def convert(value: Any, dtype: Any) -> Any:
    """``(tensor-cast t 'float32)``: the elements as numbers of another dtype."""
    kind = parse_dtype(dtype, "tensor-cast")
    if kind is None:
        raise BadValue("tensor-cast: expected a dtype, such as 'float32")
    array = as_tensor(value, "tensor-cast")
    is_nest = is_sequence(value) and not hasattr(value, "dtype")
    if is_nest and (kind.kind == "c" or (kind.kind in "fV" and array.dtype.kind != "c")):
        # Numbers that are no tensor yet are rounded once.
        return as_tensor(value, "tensor-cast", kind)
    return cast(array, kind)


def to_list(value: Any) -> Any:
    """A tensor as a list of numbers, nested as the tensor is."""
    return _nest(as_tensor(value, "tensor->list"), scheme_list)


def to_vector(value: Any) -> Any:
    """A tensor as a vector of numbers, nested as the tensor is."""
    return _nest(as_tensor(value, "tensor->vector"), Vector)


def _nest(array: Any, build: Any) -> Any:
    """The elements in nested containers; those of a traced tensor stay traced."""
    if isinstance(array, Tracer):
        return _unstack(array, build)
    return _rebuild(np.asarray(array).tolist(), build)


def _rebuild(value: Any, build: Any) -> Any:
    return build([_rebuild(v, build) for v in value]) if isinstance(value, list) else value


def _unstack(array: Any, build: Any) -> Any:
    if not array.shape:
        return array
    rows = [lax.index_in_dim(array, i, keepdims=False) for i in range(array.shape[0])]
    return build([_unstack(row, build) for row in rows])


def shape(value: Any) -> Any:
    """The sizes of a tensor as a list of exact integers."""
    return scheme_list(as_tensor(value, "tensor-shape").shape)


def rank(value: Any) -> int:
    """The number of axes of a tensor."""
    return len(as_tensor(value, "tensor-rank").shape)


def size(value: Any) -> int:
    """The number of elements of a tensor."""
    return math.prod(as_tensor(value, "tensor-size").shape)


def dtype(value: Any) -> Symbol:
    """The dtype of a tensor as a symbol: ``float32``."""
    return intern(as_tensor(value, "tensor-dtype").dtype.name)

"""Procedures of numbers applied to the elements of tensors: mapped over all, folded along an axis.

The elements of vectors and lists, and of a tensor that is folded in eager code, are given to the
procedure one after another as plain numbers. Otherwise the procedure is staged once for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import ShapeError, WrongType
from eshkol.datum.pairs import Pair, scheme_list
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.primitives.calling import DIALECT, callee, transparent
from eshkol.xla.arguments import is_sequence, static_axis
from eshkol.xla.dtypes import FLOAT64, INT32, INT64, wide
from eshkol.xla.notes import note
from eshkol.xla.repeated_lanes import mapped
from eshkol.xla.tensors import Tracer, as_tensor, cast, describe
from eshkol.xla.witness import tracer_of

Procedure = Callable[..., Any]


def _procedure_first(who: str, first: Any, second: Any) -> tuple[Procedure, Any]:
    """The procedure and the tensor, whichever comes first."""
    if callable(second) and not callable(first):
        first, second = second, first
    if not callable(first):
        raise WrongType(f"{who}: expected a procedure and a tensor, got {describe(first)}")
    return first, second


def apply(first: Any, second: Any) -> Any:
    """``(tensor-apply procedure tensor)``: what the procedure gives for each element."""
    who = "tensor-apply"
    procedure, tensor = _procedure_first(who, first, second)
    if isinstance(tensor, Pair | list):
        return _map_nest(callee(procedure), tensor, (), False)
    return _map_tensor(who, procedure, as_tensor(tensor, who), False)


def apply_indexed(first: Any, second: Any) -> Any:
    """``(tensor-apply-indexed procedure tensor)``: the procedure also gets the indices, first."""
    who = "tensor-apply-indexed"
    procedure, tensor = _procedure_first(who, first, second)
    if isinstance(tensor, Pair | list):
        return _map_nest(callee(procedure), tensor, (), True)
    return _map_tensor(who, procedure, as_tensor(tensor, who), True)


def _map_nest(call: Procedure, nest: Any, indices: tuple[int, ...], is_indexed: bool) -> Any:
    if not isinstance(nest, Pair | list):
        return call(*indices, nest) if is_indexed else call(nest)
    results = [_map_nest(call, x, (*indices, i), is_indexed) for i, x in enumerate(nest)]
    return scheme_list(results) if isinstance(nest, Pair) else Vector(results)


def _map_tensor(who: str, procedure: Procedure, x: Any, is_indexed: bool) -> Any:
    if not x.shape:
        return callee(procedure)(x)
    if not math.prod(x.shape):
        return x
    places = np.indices(x.shape, INT32).reshape(len(x.shape), -1) if is_indexed else ()
    flat = [jnp.asarray(place) for place in places] + [lax.reshape(x, (math.prod(x.shape),))]
    results = mapped(procedure, flat, None, 0)
    if not hasattr(results, "shape"):
        raise WrongType(
            f"{who}: expected a procedure that gives a number for each element of {describe(x)}, "
            f"this one gives {short_string(results)} for all",
            hint="map over a list gives a list of any values: (map f (tensor->list t))",
        )
    return lax.reshape(results, (*x.shape, *results.shape[1:]))


def reduce_all(tensor: Any, procedure: Any, initial: Any) -> Any:
    """``(tensor-reduce-all tensor procedure initial)``: all elements folded in row order."""
    procedure, tensor = _procedure_first("tensor-reduce-all", tensor, procedure)
    tensor, initial = _tensor_first(tensor, initial)
    x = as_tensor(tensor, "tensor-reduce-all")
    return _fold(procedure, initial, lax.reshape(x, (math.prod(x.shape),)))


def reduce(tensor: Any, procedure: Any, initial: Any, axis: Any = None) -> Any:
    """``(tensor-reduce tensor procedure initial [axis])``: elements folded along an axis."""
    who = "tensor-reduce"
    procedure, tensor = _procedure_first(who, tensor, procedure)
    tensor, initial = _tensor_first(tensor, initial)
    if axis is None:
        return reduce_all(tensor, procedure, initial)
    x = as_tensor(tensor, who)
    along = static_axis(axis, len(x.shape), who, x)
    last = jnp.moveaxis(x, along, -1)
    rows = last.reshape(math.prod(last.shape[:-1]), x.shape[along])
    if len(x.shape) == 1 or not rows.size:
        folded = [_fold(procedure, initial, row) for row in rows]
        return as_tensor(Vector(folded), who, x.dtype).reshape(last.shape[:-1])
    results = mapped(_row_by_row(procedure, initial), [rows], None, 0)
    return results.reshape(last.shape[:-1])


def _row_by_row(procedure: Procedure, initial: Any) -> Procedure:
    return transparent(lambda row: _scan(procedure, initial, row))


def _tensor_first(tensor: Any, initial: Any) -> tuple[Any, Any]:
    """The tensor and where to start, which may come in the order of ``fold`` too."""
    is_reversed = not is_sequence(tensor) and is_sequence(initial)
    return (initial, tensor) if is_reversed else (tensor, initial)


def _fold(procedure: Procedure, initial: Any, row: Any) -> Any:
    """A row folded from the left: ``(procedure so-far element)``."""
    if isinstance(row, Tracer) or DIALECT.resolve is not None:
        return _scan(procedure, initial, row)
    so_far, call = initial, callee(procedure)
    for element in np.asarray(row).tolist():
        so_far = call(so_far, element)
    return so_far


def _scan(procedure: Procedure, initial: Any, row: Any) -> Any:
    """The same in compiled code, where what is so far has the dtype of the elements."""
    call, start = callee(procedure), _number(initial, row.dtype)

    def step(so_far: Any, element: Any) -> tuple[Any, None]:
        return _number(call(so_far, element), row.dtype), None

    note("scan", site=("fold", "value"), trips=row.shape[0], carried=[start])
    with wide():
        return lax.scan(step, start, row)[0]


def _number(value: Any, dtype: np.dtype) -> Any:
    number = as_tensor(tracer_of(value), "tensor-reduce")
    if number.shape:
        raise ShapeError(f"tensor-reduce: expected a number so far, got {describe(number)}")
    kept = dtype if number.dtype in (FLOAT64, INT64) or dtype.kind in "fc" else number.dtype
    return cast(number, kept)

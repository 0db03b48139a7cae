"""What samplers of numbers have in common: parameters that are checked, sizes, dtypes.

A sampler takes its parameters, numbers or tensors that broadcast together, and then the sizes of
the result; without sizes the result has the shape of the parameters, and of numbers is a number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.base.errors import BadValue, WrongType
from eshkol.xla.arguments import static_shape
from eshkol.xla.draw_limits import Limit, Parameter, ascending, hold
from eshkol.xla.dtypes import (
    BOOL,
    FLOAT64,
    INT32,
    INT64,
    default_dtype,
    inexact_dtype,
    join,
    parse_dtype,
    wide,
)
from eshkol.xla.key_stream import next_key
from eshkol.xla.random import check_fits
from eshkol.xla.roundings import hidden
from eshkol.xla.rules import broadcast_shape
from eshkol.xla.tensors import Tracer, as_tensor, cast, describe

Draw = Callable[..., Any]


SAMPLERS: dict[str, tuple[Draw, tuple[Parameter, ...]]] = {}
"""The samplers of numbers by their Scheme names, with their parameters."""


def sampler(
    who: str,
    draw: Draw,
    *parameters: Parameter,
    whole: bool = False,
    ascends: int = 0,
    mean: Callable[..., Any] | None = None,
) -> Draw:
    """A sampler as users call it.

    Args:
        who: its Scheme name.
        draw: it of a key, a shape, a dtype and the parameters, which broadcast to the shape.
        parameters: what is known of each.
        whole: whether it gives integers (int32), not floats.
        ascends: so many parameters, the first ones, ascend; the last of them is greater than
            the first.
        mean: of counts that may be great, by the parameters.
    """

    def drawn(key: Any, shape: Any, dtype: Any, most: int | None, *values: Any) -> Any:
        result = draw(key, shape, dtype, *hidden(key, *values))
        return result if most is None else jnp.minimum(result, result.dtype.type(most))

    kernel = jax.jit(drawn, static_argnums=(1, 2, 3))
    order = ascending(*(p.name for p in parameters[:ascends])) if ascends else None

    def rule(*arguments: Any, dtype: Any = None) -> Any:
        given = arguments[: len(parameters)]
        values = [*given, *(p.default for p in parameters[len(given) :])]
        arrays = [checked(who, p, v) for p, v in zip(parameters, values, strict=True)]
        shape = broadcast_shape(who, *arrays)
        if order is not None:
            hold(who, order, *zip(values[:ascends], arrays[:ascends], strict=True))
        sizes = arguments[len(parameters) :]
        wanted = static_shape(sizes, who) if sizes else shape
        check_fits(who, "parameters", shape, wanted)
        kind = _asked_kind(who, dtype, whole) or _dtype(arrays, wanted)
        drawn_kind = _kind_of_counts(kind, wanted, dtype) if whole else kind
        most = None
        if mean is not None:
            most = _most(drawn_kind)
            limit = _mean_limit(mean, most, drawn_kind)
            hold(who, limit, *zip(values, arrays, strict=True))
        # Few samplers of narrow floats are exact in their tails, so these are rounded in the end.
        computed = kind if kind == FLOAT64 else np.dtype("float32")
        with wide():
            arrays = [cast(x, computed) for x in arrays]
            result = cast(kernel(next_key(), wanted, computed, most, *arrays), drawn_kind)
        if wanted or dtype is not None or isinstance(result, Tracer):
            return result
        return int(result) if whole else result.item()

    rule.__name__ = rule.__qualname__ = who
    SAMPLERS[who] = rule, parameters
    return rule


def _asked_kind(who: str, dtype: Any, whole: bool) -> np.dtype | None:
    """The dtype that is asked for, if one is.

    Raises:
        BadValue: it is none of real numbers, or of integers where floats are drawn.
    """
    kind = parse_dtype(dtype, who)
    if kind is not None and kind.kind not in "fV" and not whole:
        raise BadValue(f"{who}: expected a floating dtype, got {kind.name}")
    if kind is not None and kind.kind in "bc":
        raise BadValue(f"{who}: expected a dtype of real numbers, got {kind.name}")
    return kind


def _kind_of_counts(kind: np.dtype, shape: tuple[int, ...], dtype: Any) -> np.dtype:
    if dtype is not None:
        return kind
    return INT32 if shape else INT64


def _most(kind: np.dtype) -> int:
    """The greatest count: of the dtype, or of the integers that samplers count in."""
    return int(np.iinfo(kind if kind.kind in "iu" and kind.itemsize < 8 else INT64).max)


def _mean_limit(mean: Callable[..., Any], most: int, kind: np.dtype) -> Limit:
    words = f"counts of which most are at most {most}, as {kind.name} has them"
    hint = "#:dtype 'int64 has greater ones" if most < 2**32 else ""
    return Limit(words, lambda xp, *values: mean(*values) <= most, hint)


def checked(who: str, parameter: Parameter, value: Any) -> Any:
    """The array of a parameter's value, which is refused if it isn't what it has to be."""
    if value is None or value.__class__ is bool:
        got = "none" if value is None else describe(value)
        raise WrongType(f"{who}: expected a number as {parameter.name}, got {got}")
    array = as_tensor(value, who)
    if array.dtype == BOOL or array.dtype.kind == "c":
        raise WrongType(f"{who}: expected real numbers as {parameter.name}, got {describe(value)}")
    hold(who, parameter.limit, (value, array))
    return array


def _dtype(arrays: list[Any], shape: tuple[int, ...]) -> np.dtype:
    """Doubles for a number; for a tensor the dtype of its parameters that are tensors."""
    if not shape:
        return FLOAT64
    tensors = [array.dtype for array in arrays if array.shape]
    if not tensors:
        return default_dtype()
    return inexact_dtype(functools.reduce(join, tensors), 1)


def float_kind(who: str, dtype: Any, array: Any) -> np.dtype:
    """The floating dtype that is asked for, else that of a parameter."""
    kind = parse_dtype(dtype, who) or inexact_dtype(array.dtype, 1)
    if kind.kind not in "fV":
        raise BadValue(f"{who}: expected a floating dtype, got {kind.name}")
    return kind

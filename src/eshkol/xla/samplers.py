"""What samplers of numbers have in common: parameters that are checked, sizes, dtypes.

A sampler takes its parameters, numbers or tensors that broadcast together, and then the sizes of
the result; without sizes the result has the shape of the parameters, and of numbers is a number.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from eshkol.base.errors import BadValue, WrongType
from eshkol.xla.arguments import static_shape
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


class Parameter(NamedTuple):
    """A parameter of a distribution: its name, what it must be, and its value if left out."""

    name: str
    kind: str = "real"
    default: float | None = None


def _are_counts(x: Any) -> Any:
    return (x >= 0) & np.isfinite(x) & (x == np.trunc(x))


_LIMITS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "real": ("", np.isfinite),
    "bound": (" that is a number", lambda x: ~np.isnan(x)),
    "positive": (" greater than 0", lambda x: x > 0),
    "probability": (" from 0 to 1", lambda x: (x >= 0) & (x <= 1)),
    "chance": (" greater than 0, at most 1", lambda x: (x > 0) & (x <= 1)),
    "count": (" of at least 0", lambda x: (x >= 0) & np.isfinite(x)),
    "whole": (" that is an integer of at least 0", _are_counts),
}


def sampler(
    who: str, draw: Draw, *parameters: Parameter, whole: bool = False, ascending: int = 0
) -> Draw:
    """A sampler as users call it.

    Args:
        who: its Scheme name.
        draw: it of a key, a shape, a dtype and the parameters, which broadcast to the shape.
        parameters: what is known of each.
        whole: whether it gives integers (int32), not floats.
        ascending: so many parameters, the first ones, ascend; the last of them is greater than
            the first.
    """

    def drawn(key: Any, shape: Any, dtype: Any, *values: Any) -> Any:
        return draw(key, shape, dtype, *hidden(key, *values))

    kernel = jax.jit(drawn, static_argnums=(1, 2))

    def rule(*arguments: Any, dtype: Any = None) -> Any:
        given = arguments[: len(parameters)]
        values = [*given, *(p.default for p in parameters[len(given) :])]
        arrays = [checked(who, p, v) for p, v in zip(parameters, values, strict=True)]
        shape = broadcast_shape(who, *arrays)
        _check_ascending(who, parameters[:ascending], arrays, values)
        sizes = arguments[len(parameters) :]
        wanted = static_shape(sizes, who) if sizes else shape
        check_fits(who, "parameters", shape, wanted)
        kind = parse_dtype(dtype, who) or _dtype(arrays, wanted)
        if kind.kind not in "fV" and not whole:
            raise BadValue(f"{who}: expected a floating dtype, got {kind.name}")
        if kind.kind in "bc":
            raise BadValue(f"{who}: expected a dtype of real numbers, got {kind.name}")
        # Few samplers of narrow floats are exact in their tails, so these are rounded in the end.
        computed = kind if kind == FLOAT64 else np.dtype("float32")
        with wide():
            result = kernel(next_key(), wanted, computed, *(cast(x, computed) for x in arrays))
        return _result(result, wanted, whole, dtype, kind)

    rule.__name__ = rule.__qualname__ = who
    return rule


def _check_ascending(
    who: str, parameters: Sequence[Parameter], arrays: Sequence[Any], values: Sequence[Any]
) -> None:
    """Refuse bounds that don't ascend, as far as they are known."""
    if not parameters or any(isinstance(array, Tracer) for array in arrays):
        return
    known = [np.asarray(array) for array in arrays[: len(parameters)]]
    ascend = all(np.all(first <= second) for first, second in itertools.pairwise(known))
    if not ascend or not np.all(known[0] < known[-1]):
        names = " < ".join(parameter.name for parameter in parameters)
        shown = " and ".join(describe(value) for value in values[: len(parameters)])
        words = names if len(parameters) == 2 else names.replace(" < ", " <= ")
        raise BadValue(f"{who}: expected {words}, got {shown}")


def checked(who: str, parameter: Parameter, value: Any) -> Any:
    if value is None or value.__class__ is bool:
        got = "none" if value is None else describe(value)
        raise WrongType(f"{who}: expected a number as {parameter.name}, got {got}")
    array = as_tensor(value, who)
    if array.dtype == BOOL or array.dtype.kind == "c":
        raise WrongType(f"{who}: expected real numbers as {parameter.name}, got {describe(value)}")
    words, holds = _LIMITS[parameter.kind]
    if not isinstance(array, Tracer) and not np.all(holds(np.asarray(array))):
        raise BadValue(f"{who}: expected {_article(parameter.name)}{words}, got {describe(value)}")
    return array


def _dtype(arrays: list[Any], shape: tuple[int, ...]) -> np.dtype:
    """Doubles for a number; for a tensor the dtype of its parameters that are tensors."""
    if not shape:
        return FLOAT64
    tensors = [array.dtype for array in arrays if array.shape]
    if not tensors:
        return default_dtype()
    return inexact_dtype(functools.reduce(join, tensors), 1)


def _result(result: Any, shape: tuple[int, ...], whole: bool, dtype: Any, kind: np.dtype) -> Any:
    if whole:
        kind = kind if dtype is not None else INT32 if shape else INT64
    result = cast(result, kind)
    if shape or dtype is not None or isinstance(result, Tracer):
        return result
    return int(result) if whole else result.item()


def float_kind(who: str, dtype: Any, array: Any) -> np.dtype:
    """The floating dtype that is asked for, else that of a parameter."""
    kind = parse_dtype(dtype, who) or inexact_dtype(array.dtype, 1)
    if kind.kind not in "fV":
        raise BadValue(f"{who}: expected a floating dtype, got {kind.name}")
    return kind


def _article(name: str) -> str:
    """A name with its article: ``an order``, ``a rate``."""
    return f"an {name}" if name[0] in "aeio" else f"a {name}"

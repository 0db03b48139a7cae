"""Random numbers, drawn with threefry keys from ``keys.next_key``.

Every draw names its dtype, so the x64 flag changes nothing. Scalars of eager code come from
blocks, because a kernel per number would be slow.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import jax
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, OutOfRange, ShapeError, StagingError, WrongType
from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.datum.values import Vector
from eshkol.xla.arguments import index_tensor, is_sequence, static_int, static_shape
from eshkol.xla.draw_limits import (
    DEVIATION,
    FINITE_BOUNDS,
    INTEGER_BOUNDS,
    PROBABILITY,
    hold,
)
from eshkol.xla.dtypes import (
    BOOL,
    FLOAT64,
    INT32,
    INT64,
    WIDE,
    default_dtype,
    inexact_dtype,
    join,
    parse_dtype,
    wide,
)
from eshkol.xla.elementwise import add, divide, less, multiply, subtract
from eshkol.xla.kernels import call_kernel
from eshkol.xla.key_stream import next_key, next_scalar
from eshkol.xla.keys import KEY_SOURCE
from eshkol.xla.roundings import scaled
from eshkol.xla.rules import broadcast_shape
from eshkol.xla.scalar_draws import DRAWS
from eshkol.xla.tensors import Tracer, as_tensor, cast, describe
from eshkol.xla.witness import tracer_of


def _scalar(kind: str, *parameters: Any) -> Any:
    """A uniform or normal double; with an offset and a scale, scaled.

    It is a Python float, or traced where its key or a parameter is.
    """
    if KEY_SOURCE.draw is None:
        return _scaled_number(next_scalar(kind), *parameters)
    key = next_key()
    with wide():
        value = DRAWS[kind](key, (), FLOAT64)
        if not isinstance(value, Tracer):
            return _scaled_number(float(value), *parameters)
        arrays = [as_tensor(parameter, kind, FLOAT64) for parameter in parameters]
        return scaled(key, value, *arrays) if arrays else value


def _scaled_number(value: float, offset: Any = 0.0, scale: Any = 1.0) -> Any:
    if hasattr(offset, "dtype") or hasattr(scale, "dtype"):
        return add(multiply(value, scale), offset)
    return value * scale + offset


def _floats(kind: str, shape: tuple[int, ...], dtype: np.dtype, *parameters: Any) -> Any:
    """A tensor of uniform or normal draws; with an offset and a scale, scaled."""
    with wide() if dtype in WIDE else nullcontext():
        arrays = [as_tensor(parameter, kind, dtype) for parameter in parameters]
        return call_kernel(kind, _drawing, (kind, shape, dtype), next_key(), *arrays)


def _drawing(kind: str, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    def draw(key: Any, *parameters: Any) -> Any:
        values = DRAWS[kind](key, shape, dtype)
        return scaled(key, values, *parameters) if parameters else values

    return draw


def float_dtype(dtype: Any, who: str) -> np.dtype:
    """The floating dtype that is asked for, else the usual one."""
    kind = parse_dtype(dtype, who) or default_dtype()
    if kind.kind == "f" or kind.name == "bfloat16":
        return kind
    raise BadValue(f"{who}: expected a floating dtype, got {kind.name}")


def random(*dims: Any, dtype: Any = None) -> Any:
    """``(random)``: a real in [0, 1); with sizes, a tensor of them."""
    return _draw("random", "uniform", static_shape(dims, "random") if dims else None, dtype)


def _draw(who: str, kind: str, shape: tuple[int, ...] | None, dtype: Any, *parameters: Any) -> Any:
    """A double; or a tensor where there are sizes, a dtype, or tensors among the parameters.

    Args:
        who: the sampler's name.
        kind: ``uniform`` or ``normal``.
        shape: of the tensor; None for that of the parameters.
        dtype: of the tensor; None for the usual one.
        parameters: none, or an offset and a scale.
    """
    inner = broadcast_shape(who, *parameters)
    if shape is None and dtype is None and not inner:
        return _scalar(kind, *parameters)
    wanted = inner if shape is None else shape
    check_fits(who, "parameters", inner, wanted)
    return _floats(kind, wanted, _dtype_of_draw(who, dtype, parameters), *parameters)


def _dtype_of_draw(who: str, dtype: Any, parameters: Sequence[Any]) -> np.dtype:
    """The one asked for, else that of the parameters that are tensors."""
    kinds = [inexact_dtype(p.dtype, 1) for p in parameters if getattr(p, "shape", ())]
    if dtype is not None or not kinds:
        return float_dtype(dtype, who)
    return functools.reduce(join, kinds)


def check_fits(who: str, what: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Refuse what does not broadcast to the sizes of a result."""
    try:
        fits = np.broadcast_shapes(wanted, shape) == wanted
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{who}: {what} of shape {list(shape)} do not fit {list(wanted)}")


def _parameters_and_shape(
    who: str, arguments: Sequence[Any], defaults: tuple[float, float]
) -> tuple[Any, Any, tuple[int, ...] | None]:
    """``(a b [dims…])`` or ``(shape [a b])`` as the two parameters and the shape, or None."""
    if arguments and _is_shape(arguments[0]):
        shape = static_shape(arguments[:1], who)
        given = tuple(arguments[1:3])
        first, second = given + defaults[len(given) :]
        return first, second, shape
    if len(arguments) == 1:
        raise WrongType(f"{who}: expected two numbers, or a shape, got {describe(arguments[0])}")
    first, second = arguments[:2] if arguments else defaults
    return first, second, static_shape(arguments[2:], who) if len(arguments) > 2 else None


def _is_shape(value: Any) -> bool:
    """Whether it is a list of sizes; one of inexact numbers holds parameters."""
    if not is_sequence(value):
        return False
    if hasattr(value, "dtype"):
        return value.dtype.kind in "iu"
    return all(tracer_of(item).__class__ is int or hasattr(item, "dtype") for item in value)


def _number(value: Any, who: str) -> Any:
    """A parameter: a Python real, or a traced number."""
    if value.__class__ is float or value.__class__ is int:
        return value
    array = as_tensor(value, who)
    if array.dtype == BOOL:
        raise WrongType(f"{who}: expected a number, got {describe(value)}")
    if array.dtype.kind == "c":
        raise WrongType(f"{who}: expected real numbers, got {describe(value)}")
    return array if isinstance(array, Tracer) or array.shape else array.item()


def _double(value: Any, who: str) -> Any:
    """A parameter: a double, which may be traced, or a tensor of rank 1 or more."""
    number = _number(value, who)
    if hasattr(number, "dtype"):
        return number if number.shape else cast(number, FLOAT64)
    try:
        return float(number)
    except OverflowError:
        raise OutOfRange(
            f"{who}: the integer {describe(value)} is too large for a double"
        ) from None


def _span(low: Any, high: Any) -> Any:
    """The difference of bounds: of integers in doubles, where it does not overflow."""
    if low.__class__ is high.__class__ is float:
        return high - low
    arrays = [as_tensor(bound, "random-uniform") for bound in (high, low)]
    return subtract(*(cast(array, inexact_dtype(array.dtype, 0)) for array in arrays))


def random_uniform(*arguments: Any, dtype: Any = None) -> Any:
    """``(random-uniform low high [dims…])`` or ``(random-uniform shape [low high])``."""
    who = "random-uniform"
    low, high, shape = _parameters_and_shape(who, arguments, (0.0, 1.0))
    given = low, high
    low, high = _double(low, who), _double(high, who)
    for value, bound in zip(given, (low, high), strict=True):
        if bound.__class__ is not float or not abs(bound) < math.inf:
            hold(who, FINITE_BOUNDS, (value, bound))
    if low.__class__ is high.__class__ is float and low == 0 and high == 1:
        return _draw(who, "uniform", shape, dtype)
    broadcast_shape(who, low, high)
    return _draw(who, "uniform", shape, dtype, low, _span(low, high))


def random_normal(*arguments: Any, dtype: Any = None) -> Any:
    """``(random-normal mean deviation [dims…])`` or ``(random-normal shape [mean deviation])``."""
    who = "random-normal"
    mean, deviation, shape = _parameters_and_shape(who, arguments, (0.0, 1.0))
    given = deviation
    mean, deviation = _double(mean, who), _double(deviation, who)
    if deviation.__class__ is not float or not deviation >= 0:
        hold(who, DEVIATION, (given, deviation))
    return _draw(who, "normal", shape, dtype, mean, deviation)


def rand(*dims: Any, dtype: Any = None) -> Any:
    """A tensor of uniform draws from [0, 1)."""
    return _floats("uniform", static_shape(dims, "rand"), float_dtype(dtype, "rand"))


def randn(*dims: Any, dtype: Any = None) -> Any:
    """A tensor of draws from the standard normal distribution."""
    return _floats("normal", static_shape(dims, "randn"), float_dtype(dtype, "randn"))


def random_int(low: Any, high: Any, *dims: Any, dtype: Any = None) -> Any:
    """``(random-int low high [dims…])``: exact integers from [low, high)."""
    first, last = (_integer_bound(bound) for bound in (low, high))
    known = first.__class__ is int and last.__class__ is int
    inner = broadcast_shape("random-int", first, last)
    if not (known and first < last):
        hold("random-int", INTEGER_BOUNDS, (low, first), (high, last))
    if dims or dtype is not None or inner:
        shape = static_shape(dims, "random-int") if dims else inner
        check_fits("random-int", "bounds", inner, shape)
        return _integers(first, last, shape, _integer_dtype(dtype))
    if known and last - first <= 2**32:
        return _below_small(last - first, first)
    if not all(bound.__class__ is not int or -(2**63) <= bound < 2**63 for bound in (first, last)):
        return _beyond_words(first, last)
    with wide():
        value = jax.random.randint(next_key(), (), first, last, INT64)
    return value if isinstance(value, Tracer) else int(value)


def _integer_bound(value: Any) -> Any:
    if is_sequence(value):
        try:
            return index_tensor(value, "random-int")
        except WrongType:
            got = describe(value)
            raise WrongType(f"random-int: expected exact integers as bounds, got {got}") from None
    array = getattr(value, "__eshkol_traced__", value)
    if isinstance(array, Tracer) and array.dtype.kind in "iu":
        return array
    return value if value.__class__ is int else static_int(value, "random-int", "a bound")


def _integer_dtype(dtype: Any) -> np.dtype:
    kind = parse_dtype(dtype, "random-int") or INT32
    if kind.kind in "iu":
        return kind
    raise BadValue(f"random-int: expected a dtype of integers, got {kind.name}")


def _integers(low: Any, high: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    limits = np.iinfo(dtype)
    # The upper bound itself is not drawn.
    beyond = min(int(limits.max) + 1, 2**63 - 1)
    for bound, most in ((low, int(limits.max)), (high, beyond)):
        if bound.__class__ is int and not int(limits.min) <= bound <= most:
            raise OutOfRange(f"random-int: {bound} does not fit in a tensor of {dtype.name}")
    with wide():
        first, last = (np.int64(b) if b.__class__ is int else cast(b, INT64) for b in (low, high))
        return jax.random.randint(next_key(), shape, first, last, dtype)


def _below_small(span: int, low: int) -> Any:
    """An exact integer from [low, low + span), where the span has at most 32 bits."""
    draw = _scalar("uniform")
    if draw.__class__ is float:
        return low + math.floor(draw * span)
    with wide():
        return lax.convert_element_type(lax.floor(draw * span), INT64) + low


def _beyond_words(low: Any, high: Any) -> int:
    """An exact integer from [low, high), of any size, from as many doubles as that takes."""
    value = 0
    if low.__class__ is high.__class__ is int:
        span = high - low
        for _ in range(-(-(span.bit_length() + 64) // 32)):
            draw = _scalar("uniform")
            if draw.__class__ is not float:
                break
            value = value << 32 | math.floor(draw * 2**32)
        else:
            return low + value % span
    raise OutOfRange(
        "random-int: integers of compiled code have 64 bits, "
        f"got the bounds {describe(low)} and {describe(high)}",
        hint="draw it in eager code and pass it on, or give several draws of fewer bits",
    )


def random_permutation(what: Any) -> Any:
    """The integers below ``what`` in random order; of a tensor, its rows in random order."""
    if is_sequence(what):
        return shuffle(what)
    count = static_int(what, "random-permutation", "a count")
    if count < 0:
        raise BadValue(f"random-permutation: expected a count of at least 0, got {count}")
    return jax.random.permutation(next_key(), lax.iota(INT32, count))


def shuffle(value: Any) -> Any:
    """The elements of a list or vector, or the rows of a tensor, in random order."""
    if isinstance(value, Pair | list) or value is NIL:
        items = list(value)
        order = random_permutation(len(items))
        if isinstance(order, Tracer):
            raise StagingError(
                "shuffle: the order of a list or vector must be known when it is compiled",
                hint="shuffle a tensor, or a tensor of indices",
            )
        shuffled = [items[i] for i in np.asarray(order).tolist()]
        return Vector(shuffled) if isinstance(value, list) else scheme_list(shuffled)
    rows = as_tensor(value, "shuffle")
    if not rows.shape:
        raise WrongType(f"shuffle: expected a list, vector or tensor, got {describe(value)}")
    with wide():
        return jax.random.permutation(next_key(), rows)


def _probability(value: Any, who: str) -> Any:
    number = _number(value, who)
    hold(who, PROBABILITY, (value, number))
    return number


def bernoulli(probability: Any, *dims: Any, dtype: Any = None) -> Any:
    """``(bernoulli p)``: 1 with probability p, else 0; with sizes, a tensor of such numbers."""
    p = _probability(probability, "bernoulli")
    inner = np.shape(p)
    if dims or dtype is not None or inner:
        shape = static_shape(dims, "bernoulli") if dims else inner
        check_fits("bernoulli", "probabilities", inner, shape)
        kind = parse_dtype(dtype, "bernoulli") or default_dtype()
        if kind.kind == "c":
            raise BadValue(f"bernoulli: expected a dtype of real numbers, got {kind.name}")
        return cast(_coins(p, shape), kind)
    draw = _scalar("uniform")
    if draw.__class__ is float and not hasattr(p, "dtype"):
        return int(draw < p)
    return cast(less(draw, p), INT64)


def _coins(p: Any, shape: tuple[int, ...]) -> Any:
    """Truth values that are true with probability ``p``; float32 draws decide."""
    return less(_floats("uniform", shape, np.dtype("float32")), p)


def dropout_mask(like: Any, rate: Any) -> Any:
    """A tensor of the shape of ``like`` that is 0 with probability ``rate``, else 1/(1 - rate)."""
    x = as_tensor(like, "dropout-mask")
    dtype = inexact_dtype(x.dtype, len(x.shape))
    p = _probability(rate, "dropout-mask")
    keep = subtract(1.0, p) if hasattr(p, "dtype") else 1.0 - p
    mask = cast(_coins(keep, x.shape), dtype)
    return mask if not hasattr(keep, "dtype") and keep in (0.0, 1.0) else divide(mask, keep)

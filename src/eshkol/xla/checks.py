"""Checked arithmetic: what ``with-checks`` looks for in tensors and traced numbers.

The checks of values that are known raise at once, those of traced ones when the program runs, at
the form that computes them. They are a part of what is compiled only under ``with-checks``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.autodiff.plain import WHOLE_DIVISION
from eshkol.base.config import CONFIG
from eshkol.base.errors import BadValue, DivideByZero, EshkolError, OutOfRange
from eshkol.datum.write import short_string
from eshkol.xla.dtypes import FLOAT64, wide
from eshkol.xla.effects import Complaint, fail_with, under
from eshkol.xla.extents import trace_part
from eshkol.xla.host_calls import HostFunction
from eshkol.xla.tensors import as_tensor
from eshkol.xla.witness import tracer_of

Rule = Callable[..., Any]


def refuse(bad: Any, build: Complaint, *values: Any) -> None:
    """Raise ``build(*values)`` if the truth value ``bad`` holds, now or when the program runs."""
    try:
        if not bool(bad):
            return
    except jax.errors.TracerBoolConversionError:
        _refuse_when_run(bad, build, *values)
        return
    raise build(*values)


def _refuse_when_run(bad: Any, build: Complaint, *values: Any) -> None:
    def fail() -> None:
        with under(lambda: bad):
            fail_with(build, *values)

    with wide():
        part = trace_part(fail)
        lax.cond(bad, lambda: part.run(), list)


# ---- what is looked for


def check_divisor(who: str, divisor: Any) -> None:
    """Refuse zero among integers that are divided by."""
    array = tracer_of(divisor)
    if not CONFIG.checked or not hasattr(array, "dtype") or array.dtype.kind not in "iu":
        return
    with wide():
        is_zero = lax.eq(array, lax.full_like(array, 0))
        refuse(jnp.any(is_zero), HostFunction("divided by zero", who))


def divided_by_zero(who: str) -> EshkolError:
    """The error for a divisor of zero."""
    return DivideByZero(f"{who}: division by zero", hint=WHOLE_DIVISION)


def check_exponent(base: Any, exponent: Any) -> None:
    """Refuse a negative exponent of integers whose power is an integer, unless they are 1 or -1."""
    base_array, array = tracer_of(base), tracer_of(exponent)
    if not CONFIG.checked and any(isinstance(x, jax.core.Tracer) for x in (base_array, array)):
        return
    with wide():
        bad = jnp.any((array < 0) & (jnp.abs(base_array) != 1))
        refuse(bad, HostFunction("negative exponent", base if base.__class__ is int else None))


def negative_exponent(base: int | None) -> EshkolError:
    """The error for a power of an integer, which may be known, that is no integer."""
    shown, inexact = ("an integer", "(inexact base)") if base is None else (base, float(base))
    return BadValue(
        f"expt: {shown} to a negative power is no integer",
        hint="exact numbers of compiled code, and tensors of integers, hold integers alone;\n"
        f"an inexact base has such powers: (expt {inexact} n)",
    )


def check_whole(who: str, number: Any) -> None:
    """Refuse a float that no exact integer equals."""
    if not CONFIG.checked or number.dtype.kind != "f":
        return
    with wide():
        is_whole = lax.is_finite(number) & lax.eq(number, lax.floor(number))
        refuse(lax.bitwise_not(is_whole), HostFunction("no integer", who), number)


def no_integer(who: str, found: Any) -> EshkolError:
    """The error for a number that would have to be rounded."""
    return BadValue(
        f"{who}: {short_string(float(np.asarray(found)))} is no integer",
        hint="in compiled code exact numbers are integers: take round, floor or truncate first",
    )


def check_index(who: str, index: Any, size: int, what: str) -> None:
    """Refuse traced indices that are negative or not less than ``size``.

    Args:
        who: the primitive.
        index: an integer array of any shape.
        size: of the axis.
        what: the axis, for the message.
    """
    if not CONFIG.checked:
        return

    with wide():
        places = jnp.ravel(lax.convert_element_type(index, np.int64))
        if not places.shape[0]:
            return
        bad = (places < 0) | (places >= size)
        first = lax.argmax(bad, 0, np.int32)
        found = lax.dynamic_index_in_dim(places, first, keepdims=False)
        refuse(jnp.any(bad), HostFunction("index out of range", who, size, what), found)


def out_of_range(who: str, size: int, what: str, found: Any) -> EshkolError:
    """The error for an index of an axis of a size."""
    return OutOfRange(
        f"{who}: index {int(np.asarray(found))} is out of range for {what}",
        hint=f"the indices are 0 to {size - 1}" if size else "the axis is empty",
    )


def check_numbers(who: str, results: Any, arguments: Any) -> None:
    """Refuse NaN in results where no argument has one."""
    if not CONFIG.checked:
        return
    with wide():
        made = _has_nan(results)
        if made is None:
            return
        given = _has_nan(arguments)
        if given is not None:
            made = lax.bitwise_and(made, lax.bitwise_not(given))
        refuse(made, HostFunction("not a number", who))


def not_a_number(who: str) -> EshkolError:
    """The error for a result that is NaN."""
    return BadValue(
        f"{who}: the result is not a number (NaN), and no argument is",
        hint="it comes of something like 0/0, infinity minus infinity, or the root of a negative "
        "number",
    )


def _has_nan(values: Any) -> Any:
    """Whether NaN is among the arrays and numbers in ``values``; None if there are none."""
    found: Any = None
    for value in _leaves(values):
        own = jnp.any(lax.ne(value, value))
        found = own if found is None else lax.bitwise_or(found, own)
    return found


def _leaves(value: Any) -> list[Any]:
    value = tracer_of(value)
    if value.__class__ in (float, complex):
        return [np.asarray(value)]
    if hasattr(value, "dtype"):
        return [value] if jnp.issubdtype(value.dtype, jnp.inexact) else []
    if isinstance(value, list | tuple) or hasattr(value, "cdr"):
        return [leaf for item in value for leaf in _leaves(item)]
    return []


_ON_FLOATS: dict[str, Rule] = {
    "add": lax.add,
    "subtract": lax.sub,
    "multiply": lax.mul,
    "power": jnp.power,
    "negate": lax.neg,
    "abs": lax.abs,
    "square": lax.square,
}
"""The operations of integers that may overflow, as what they are on floats."""


def _check_overflow(who: str, name: str, result: Any, arguments: tuple[Any, ...]) -> None:
    """Refuse integers that are not what floats say they are, up to rounding."""
    array = tracer_of(result)
    dtype = getattr(array, "dtype", None)
    if dtype is None or dtype.kind not in "iu" or dtype.itemsize < 2:
        return
    with wide():
        floats = [
            lax.convert_element_type(as_tensor(argument, who), FLOAT64) for argument in arguments
        ]
        floats = list(jnp.broadcast_arrays(*floats))
        difference = lax.abs(_ON_FLOATS[name](*floats) - lax.convert_element_type(array, FLOAT64))
        bad = jnp.any(difference > 2.0 ** (8 * dtype.itemsize - 3))
        refuse(bad, HostFunction("too large", who, dtype.name))


def too_large(who: str, dtype: str) -> EshkolError:
    """The error for an integer that has no place in its dtype."""
    return OutOfRange(
        f"{who}: the result does not fit in {dtype}",
        hint="in compiled code exact integers have 64 bits; inexact numbers reach further",
    )


# ---- checked rules


@functools.cache
def checked(path: str, rule: Rule, who: str) -> Rule:
    """A tensor rule that looks at what it has computed.

    Args:
        path: where it is, ``"module:attribute"``.
        rule: the rule.
        who: the primitive.
    """
    module, _, name = path.partition(":")
    counts = module == "eshkol.xla.elementwise" and name in _ON_FLOATS

    def run(*arguments: Any, **options: Any) -> Any:
        result = rule(*arguments, **options)
        if counts:
            _check_overflow(who, name, result, arguments)
        check_numbers(who, result, arguments)
        return result

    return run

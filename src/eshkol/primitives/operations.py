"""How an operation on numbers goes by the kinds of its operands.

In this order: plain numbers; numbers that carry derivatives; vectors whose elements the host can
handle (see ``elements``); tensors, witnesses and other nests of numbers, by the tensor rule; else
an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from eshkol.autodiff import apply
from eshkol.autodiff.plain import PLAIN
from eshkol.datum.values import Vector
from eshkol.primitives.arguments import host_scalar
from eshkol.primitives.declare import ARRAYS, apply_rule, tensor_rule
from eshkol.primitives.elements import map_elements, stays_on_host
from eshkol.primitives.numbers import REAL, is_host_number, is_tensor_like, not_a_number
from eshkol.validated.enclosures import Enclosure, enclosed

Number = Any
"""A plain number, a Differentiable, a tensor, a witness, or a vector or list of numbers."""

TENSOR_RULES = "eshkol.xla.elementwise:"

_TENSOR_NAMES = {"max": "maximum", "min": "minimum"}


def beyond_plain(
    who: str,
    rule: str,
    binary: Callable[[Number, Number], Number],
    a: Number,
    b: Number,
    expected: str = "a number",
) -> Number:
    """``binary(a, b)`` where not both are plain numbers that it takes.

    Args:
        who: its name in errors.
        rule: its name among the operations of ``autodiff``, and of its tensor rule.
        binary: the generic operation itself, for the elements of vectors.
        expected: what its operands must be, for errors.

    Raises:
        WrongType: an operand is no such number.
    """
    if a.__class__ in ARRAYS:
        is_usual = b.__class__ in ARRAYS or b.__class__ in REAL
    else:
        is_usual = a.__class__ in REAL and b.__class__ in ARRAYS
    if is_usual:
        return tensor_rule(_tensor_path(rule), who)(a, b)
    x, y = host_scalar(a), host_scalar(b)
    if x is not a or y is not b:
        return binary(x, y)
    if isinstance(a, Enclosure) or isinstance(b, Enclosure):
        return enclosed(who, rule, a, b)
    for value in (a, b):
        unfit = value.__class__ in PLAIN and expected != "a number" and value.__class__ not in REAL
        if unfit or not (is_host_number(value) or is_tensor_like(value)):
            raise not_a_number(who, value, expected)
    if stays_on_host(a, b):
        return map_elements(who, binary, a, b)
    if is_host_number(a) and is_host_number(b):
        return apply(rule, a, b)
    return apply_rule(_tensor_path(rule), who, a, b)


@functools.cache
def _tensor_path(rule: str) -> str:
    """Where the tensor rule of one of ``autodiff``'s operations is."""
    return TENSOR_RULES + _TENSOR_NAMES.get(rule, rule.replace("-", "_"))


def unary(
    who: str, plain: Callable[[Any], Any], rule: str, expected: str = "a real number"
) -> Callable[[Number], Number]:
    """The host rule of the operation ``who``.

    Args:
        who: its name in errors.
        plain: it on plain numbers.
        rule: its name among the operations of ``autodiff``.
        expected: what its operand must be, for errors; real, or any number.
    """
    fitting = REAL if expected == "a real number" else PLAIN

    def host(number: Number) -> Number:
        if number.__class__ in fitting:
            return plain(number)
        number = host_scalar(number)
        if number.__class__ in fitting:
            return plain(number)
        if is_host_number(number) and number.__class__ is not complex:
            return apply(rule, number)
        if isinstance(number, Enclosure):
            return enclosed(who, rule, number)
        if stays_on_host(number):
            return Vector(host(element) for element in number)
        if is_tensor_like(number):
            return NotImplemented
        raise not_a_number(who, number, expected)

    return host

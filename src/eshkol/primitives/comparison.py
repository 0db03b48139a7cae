"""``= < > <= >=``, ``max`` and ``min``, exact between exact and inexact numbers.

``equal_to``, ``less``, ``greater``, ``less_equal`` and ``greater_equal`` are the generic binary
comparisons that compiled code falls back on. On tensors they give boolean tensors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from eshkol.autodiff.plain import EXACT, PLAIN, to_float
from eshkol.primitives.declare import ARRAYS, apply_rule, called_as, load, primitive
from eshkol.primitives.numbers import (
    REAL,
    is_host_number,
    is_number,
    is_tensor_like,
    known,
    not_a_number,
)
from eshkol.primitives.operations import TENSOR_RULES, Number, beyond_plain
from eshkol.validated.enclosures import Enclosure, compared

Truth = Any
"""A boolean, or a boolean tensor."""


def _compare(who: str, python: Callable[[Any, Any], Any], rule: str, a: Number, b: Number) -> Truth:
    """A comparison of what are not two plain real numbers; derivatives don't matter to it."""
    if a.__class__ in ARRAYS and (b.__class__ in ARRAYS or b.__class__ in REAL):
        return called_as(who, load(TENSOR_RULES + rule), a, b)
    if is_host_number(a) and is_host_number(b):
        a, b = known(a), known(b)
        if python is not operator.eq and complex in (a.__class__, b.__class__):
            raise not_a_number(who, a if a.__class__ is complex else b, "a real number")
        return python(a, b)
    if isinstance(a, Enclosure) or isinstance(b, Enclosure):
        return compared(who, rule, a, b)
    for value in (a, b):
        if not (is_number(value) or is_tensor_like(value)):
            raise _not_comparable(who, value)
    return apply_rule(TENSOR_RULES + rule, who, a, b)


def _not_comparable(who: str, value: Any) -> Exception:
    error = not_a_number(who, value)
    if who == "=" and not isinstance(value, bool):
        error.hint = "= compares numbers; for other values use equal?"  # type: ignore[attr-defined]
    return error


def equal_to(a: Number, b: Number, who: str = "=") -> Truth:
    """``(= a b)``: whether the numbers have the same value, exact or not."""
    if a.__class__ in PLAIN and b.__class__ in PLAIN:
        return a == b
    return _compare(who, operator.eq, "equal", a, b)


def less(a: Number, b: Number, who: str = "<") -> Truth:
    """``(< a b)``."""
    if a.__class__ in REAL and b.__class__ in REAL:
        return a < b
    return _compare(who, operator.lt, "less", a, b)


def greater(a: Number, b: Number, who: str = ">") -> Truth:
    """``(> a b)``."""
    if a.__class__ in REAL and b.__class__ in REAL:
        return a > b
    return _compare(who, operator.gt, "greater", a, b)


def less_equal(a: Number, b: Number) -> Truth:
    """``(<= a b)``."""
    if a.__class__ in REAL and b.__class__ in REAL:
        return a <= b
    return _compare("<=", operator.le, "less_equal", a, b)


def greater_equal(a: Number, b: Number) -> Truth:
    """``(>= a b)``."""
    if a.__class__ in REAL and b.__class__ in REAL:
        return a >= b
    return _compare(">=", operator.ge, "greater_equal", a, b)


def chain(
    who: str, compare: Callable[[Any, Any], Truth], first: Any, rest: tuple[Any, ...]
) -> Truth:
    """Whether ``compare`` holds between all neighbours; every argument is checked."""
    if not rest:
        compare(first, first)
        return True
    result: Truth = True
    for other in rest:
        outcome = compare(first, other)
        first = other
        if result is True or outcome is False:
            result = outcome
        elif result is not False and outcome is not True:
            result = apply_rule("eshkol.xla.selection:logical_and", who, result, outcome)
    return result


@primitive("=")
def equal(number: Number, *numbers: Number) -> Truth:
    """Whether the numbers all have the same value; of tensors, a boolean tensor.

    Raises:
        WrongType: an argument is not a number; use ``equal?`` for other values.

    Example: ``(= 2 2.0 4/2)`` ⇒ ``#t``.
    """
    if len(numbers) == 1:
        return equal_to(number, numbers[0])
    return chain("=", equal_to, number, numbers)


@primitive("<")
def increasing(number: Number, *numbers: Number) -> Truth:
    """Whether each number is less than the next; of tensors, a boolean tensor.

    Example: ``(< 1 3/2 2.0)`` ⇒ ``#t``.
    """
    if len(numbers) == 1:
        return less(number, numbers[0])
    return chain("<", less, number, numbers)


@primitive(">")
def decreasing(number: Number, *numbers: Number) -> Truth:
    """Whether each number is greater than the next. Example: ``(> 3 2 2)`` ⇒ ``#f``."""
    if len(numbers) == 1:
        return greater(number, numbers[0])
    return chain(">", greater, number, numbers)


@primitive("<=")
def not_decreasing(number: Number, *numbers: Number) -> Truth:
    """Whether no number is greater than the next. Example: ``(<= 1 1 2)`` ⇒ ``#t``."""
    if len(numbers) == 1:
        return less_equal(number, numbers[0])
    return chain("<=", less_equal, number, numbers)


@primitive(">=")
def not_increasing(number: Number, *numbers: Number) -> Truth:
    """Whether no number is less than the next. Example: ``(>= 2 2 1)`` ⇒ ``#t``."""
    if len(numbers) == 1:
        return greater_equal(number, numbers[0])
    return chain(">=", greater_equal, number, numbers)


def _larger(a: Number, b: Number) -> Number:
    if a.__class__ in REAL and b.__class__ in REAL:
        return _contagious(a if a > b or a != a else b, a, b)
    return beyond_plain("max", "max", _larger, a, b, "a real number")


def _smaller(a: Number, b: Number) -> Number:
    if a.__class__ in REAL and b.__class__ in REAL:
        return _contagious(a if a < b or a != a else b, a, b)
    return beyond_plain("min", "min", _smaller, a, b, "a real number")


def _contagious(chosen: Any, a: Any, b: Any) -> Any:
    """``chosen``, one of two plain reals, inexact if either of them is."""
    if a.__class__ in EXACT and b.__class__ in EXACT:
        return chosen
    return to_float(chosen)


@primitive("max")
def maximum(number: Number, *numbers: Number) -> Number:
    """The largest number, inexact if any is; of tensors, the largest element by element.

    Example: ``(max 1 2.0)`` ⇒ ``2.0``; ``(max 3 1/2)`` ⇒ ``3``.
    """
    for other in numbers or (number,):
        number = _larger(number, other)
    return number


@primitive("min")
def minimum(number: Number, *numbers: Number) -> Number:
    """The smallest number, inexact if any is; of tensors, the smallest element by element.

    Example: ``(min 1 2.0)`` ⇒ ``1.0``.
    """
    for other in numbers or (number,):
        number = _smaller(number, other)
    return number

"""Element-by-element operations beside the numeric tower's: named tensor forms, selection, logic.

All broadcast as NumPy does: sizes are matched from the last axis, and must be equal or one of them
1. Numbers take part without widening the tensor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from eshkol.autodiff import apply, primal
from eshkol.base.errors import WrongType
from eshkol.datum.write import short_string
from eshkol.primitives import arithmetic, comparison
from eshkol.primitives.arguments import wrong_type
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import called_as, load, primitive
from eshkol.primitives.elementary import power
from eshkol.primitives.numbers import is_host_number, is_tensor_like
from eshkol.primitives.operations import TENSOR_RULES, Number
from eshkol.primitives.tensors import Tensor
from eshkol.validated.enclosures import Enclosure, enclosed

Rule = Callable[..., Any]


def _binary(names: str, host: Rule, rule: str, documentation: str) -> None:
    """Declare a binary operation by its tensor names; two plain numbers go to ``host``."""

    who = names.split()[0]

    def operation(a: Tensor, b: Tensor) -> Tensor:
        if is_host_number(a) and is_host_number(b):
            return host(a, b)
        for value in (a, b):
            if not (is_host_number(value) or is_tensor_like(value)):
                raise wrong_type(who, "a tensor or a number", value)
        return NotImplemented

    operation.__doc__ = documentation
    primitive(*names.split(), tensor=TENSOR_RULES + rule)(operation)


_binary(
    "tensor-add",
    arithmetic.add,
    "add",
    "The sum, element by element. Example: ``(tensor-add #(1 2) #(10 20))`` ⇒ ``#(11.0 22.0)``.",
)
_binary(
    "tensor-sub",
    arithmetic.subtract,
    "subtract",
    "The difference, element by element. Example: ``(tensor-sub #(1 2) 1)`` ⇒ ``#(0.0 1.0)``.",
)
_binary(
    "tensor-mul tensor-scale",
    arithmetic.multiply,
    "multiply",
    "The product, element by element. Example: ``(tensor-mul #(1 2) 2)`` ⇒ ``#(2.0 4.0)``.",
)
_binary(
    "tensor-div",
    arithmetic.divide,
    "divide",
    "The quotient, element by element; of integers, a float. "
    "Example: ``(tensor-div #(1 2) 2)`` ⇒ ``#(0.5 1.0)``.",
)
_binary(
    "tensor-pow",
    power,
    "power",
    "``a`` to the power ``b``, element by element. "
    "Example: ``(tensor-pow #(1 2) 3)`` ⇒ ``#(1.0 8.0)``.",
)
_binary(
    "tensor-eq",
    comparison.equal_to,
    "equal",
    "Where the elements are equal: booleans. Example: ``(tensor-eq #(1 2) 1)`` ⇒ ``#(#t #f)``.",
)
_binary(
    "tensor-lt",
    comparison.less,
    "less",
    "Where ``a`` is less than ``b``: booleans. Example: ``(tensor-lt #(1 2) 2)`` ⇒ ``#(#t #f)``.",
)
_binary(
    "tensor-gt",
    comparison.greater,
    "greater",
    "Where ``a`` is greater than ``b``: booleans. "
    "Example: ``(tensor-gt #(1 2) 1)`` ⇒ ``#(#f #t)``.",
)
_binary(
    "tensor-le",
    comparison.less_equal,
    "less_equal",
    "Where ``a ≤ b``: booleans. Example: ``(tensor-le #(1 2) 1)`` ⇒ ``#(#t #f)``.",
)
_binary(
    "tensor-ge",
    comparison.greater_equal,
    "greater_equal",
    "Where ``a ≥ b``: booleans. Example: ``(tensor-ge #(1 2) 2)`` ⇒ ``#(#f #t)``.",
)


@primitive("tensor-ne", tensor=TENSOR_RULES + "not_equal")
def tensor_ne(a: Tensor, b: Tensor) -> Tensor:
    """Where the elements differ: booleans. Example: ``(tensor-ne #(1 2) 1)`` ⇒ ``#(#f #t)``."""
    if is_host_number(a) and is_host_number(b):
        return not comparison.equal_to(a, b)
    return NotImplemented


@primitive("maximum", "tensor-maximum")
def maximum(tensor: Tensor, *tensors: Tensor) -> Tensor:
    """The largest element at each place. Example: ``(maximum #(1.0 5.0) 3)`` ⇒ ``#(3.0 5.0)``."""
    return called_as("maximum", comparison.maximum, tensor, *tensors)


@primitive("minimum", "tensor-minimum")
def minimum(tensor: Tensor, *tensors: Tensor) -> Tensor:
    """The smallest element at each place. Example: ``(minimum #(1.0 5.0) 3)`` ⇒ ``#(1.0 3.0)``."""
    return called_as("minimum", comparison.minimum, tensor, *tensors)


def _unary(names: str, rule: str, documentation: str) -> None:
    """Declare a unary operation; ``rule`` names it among the host's operations and in XLA."""

    def operation(x: Number) -> Number:
        if isinstance(x, Enclosure):
            return enclosed(names.split()[0], rule, x)
        return apply(rule, x) if is_host_number(x) else NotImplemented

    operation.__doc__ = documentation
    primitive(*names.split(), tensor=TENSOR_RULES + rule)(operation)


_unary("log1p", "log1p", "``log(1 + x)``, exact near 0 too. Example: ``(log1p 0.0)`` ⇒ ``0.0``.")
_unary("expm1", "expm1", "``exp(x) - 1``, exact near 0 too. Example: ``(expm1 0.0)`` ⇒ ``0.0``.")
_unary(
    "erf", "erf", "The error function, ``2/√π ∫₀ˣ exp(-t²) dt``. Example: ``(erf 0.0)`` ⇒ ``0.0``."
)
_unary(
    "sign",
    "sign",
    """-1, 0 or 1, by the sign of the number.

    Of a complex number it is ``z/|z|``, and 0 of 0.

    Example: ``(sign -2.5)`` ⇒ ``-1.0``.
    """,
)
_unary("reciprocal", "reciprocal", "``1/x``. Example: ``(reciprocal 4)`` ⇒ ``1/4``.")
_unary("negative tensor-neg", "negate", "``-x``. Example: ``(negative 4)`` ⇒ ``-4``.")
_unary(
    "tensor-abs",
    "abs",
    "The absolute value of each element. Example: ``(tensor-abs #(-1 2))`` ⇒ ``#(1.0 2.0)``.",
)
_unary(
    "tensor-square",
    "square",
    "The square of each element. Example: ``(tensor-square #(-1 2))`` ⇒ ``#(1.0 4.0)``.",
)
_unary(
    "tensor-exp",
    "exp",
    "e to the power of each element. Example: ``(tensor-exp #(0))`` ⇒ ``#(1.0)``.",
)
_unary(
    "tensor-log",
    "log",
    "The natural logarithm of each element. Example: ``(tensor-log #(1))`` ⇒ ``#(0.0)``.",
)
_unary(
    "tensor-sqrt",
    "sqrt",
    "The square root of each element. Example: ``(tensor-sqrt #(4 9))`` ⇒ ``#(2.0 3.0)``.",
)
_unary(
    "tensor-sin",
    "sin",
    "The sine of each element, in radians. Example: ``(tensor-sin #(0))`` ⇒ ``#(0.0)``.",
)
_unary(
    "tensor-cos",
    "cos",
    "The cosine of each element, in radians. Example: ``(tensor-cos #(0))`` ⇒ ``#(1.0)``.",
)
_unary(
    "tensor-tanh",
    "tanh",
    "The hyperbolic tangent of each element. Example: ``(tensor-tanh #(0))`` ⇒ ``#(0.0)``.",
)


@primitive("rsqrt", tensor=TENSOR_RULES + "rsqrt")
def rsqrt(number: Number) -> Number:
    """One over the square root. Example: ``(rsqrt 4.0)`` ⇒ ``0.5``."""
    if isinstance(number, Enclosure):
        return enclosed("rsqrt", "rsqrt", number)
    if is_host_number(number):
        return apply("divide", 1, apply("sqrt", number))
    return NotImplemented


@primitive("atan2", tensor=TENSOR_RULES + "atan2")
def atan2(y: Number, x: Number) -> Number:
    """The angle of the point (x, y), in (-π, π]. Example: ``(atan2 1.0 1.0)`` ⇒ ``0.785…``."""
    if isinstance(y, Enclosure) or isinstance(x, Enclosure):
        return enclosed("atan2", "atan2", y, x)
    if is_host_number(y) and is_host_number(x):
        return apply("atan2", y, x)
    return NotImplemented


@primitive("clip", "clamp", "tensor-clip", tensor="eshkol.xla.selection:clip")
def clip(tensor: Tensor, low: Any, high: Any) -> Tensor:
    """Elements below ``low`` raised to it and those above ``high`` lowered to it.

    ``#f`` in place of a bound leaves that side open.

    Example: ``(clip #(-2 0.5 9) 0 1)`` ⇒ ``#(0.0 0.5 1.0)``.
    """
    bounds = [bound for bound in (low, high) if bound is not False]
    if not all(map(is_host_number, (tensor, *bounds))):
        return NotImplemented
    for number in (tensor, *bounds):
        if primal(number).__class__ is complex:
            raise WrongType(f"clip: expected a real number, got {short_string(primal(number))}")
    raised = tensor if low is False else apply("max", tensor, low)
    return raised if high is False else apply("min", raised, high)


@primitive("where", "tensor-where", tensor="eshkol.xla.selection:where")
def where(condition: Tensor, chosen: Tensor, other: Tensor) -> Tensor:
    """Elements of ``chosen`` where the condition is true, else of ``other``; all three broadcast.

    Both are computed. What is written in the call and computes element by element adds no NaN to
    gradients where it is not chosen: ``(where (> x 0) (log x) 0)`` has the slope 0 at zero.

    Args:
        condition: booleans; numbers count as true unless they are zero.

    Example: ``(where (> #(1 -2) 0) #(1 -2) 0)`` ⇒ ``#(1.0 0.0)``.
    """
    numbers = is_host_number(chosen) and is_host_number(other)
    if condition.__class__ is bool and numbers:
        return chosen if condition else other
    return NotImplemented


def where_computed(mask: int, condition: Tensor, chosen: Any, other: Any) -> Tensor:
    """``where``, some of whose branches are given as procedures that compute them.

    Under a derivative no NaN comes from what is computed and not chosen.

    Args:
        mask: 1 if ``chosen`` is such a procedure, and 2 if ``other`` is, added up.
        condition: as for ``where``.
        chosen: a branch.
        other: a branch.
    """
    if "eshkol.xla" in sys.modules and not load("eshkol.xla._compat:trace_state_clean")():
        run = load("eshkol.xla.guarded_where:guarded_where")
        return run(condition, chosen, other, bool(mask & 1), bool(mask & 2))
    first = callee(chosen)() if mask & 1 else chosen
    return where(condition, first, callee(other)() if mask & 2 else other)


def _all_booleans(values: tuple[Any, ...]) -> bool:
    return bool(values) and all(value.__class__ is bool for value in values)


@primitive("logical-and", "tensor-and", tensor="eshkol.xla.selection:logical_and")
def logical_and(*tensors: Tensor) -> Tensor:
    """Where all are true, element by element; numbers count as true unless they are zero.

    Example: ``(let ((x #(-1 5 20))) (logical-and (> x 0) (< x 9)))`` ⇒ ``#(#f #t #f)``.
    """
    return all(tensors) if _all_booleans(tensors) else NotImplemented


@primitive("logical-or", "tensor-or", tensor="eshkol.xla.selection:logical_or")
def logical_or(*tensors: Tensor) -> Tensor:
    """Where one is true, element by element.

    Example: ``(let ((x #(-1 5 20))) (logical-or (< x 0) (> x 9)))`` ⇒ ``#(#t #f #t)``.
    """
    return any(tensors) if _all_booleans(tensors) else NotImplemented


@primitive("logical-xor", "tensor-xor", tensor="eshkol.xla.selection:logical_xor")
def logical_xor(*tensors: Tensor) -> Tensor:
    """Where an odd number of them is true. Example: ``(logical-xor #t #t)`` ⇒ ``#f``."""
    return sum(tensors) % 2 == 1 if _all_booleans(tensors) else NotImplemented


@primitive("logical-not", "tensor-not", tensor="eshkol.xla.selection:logical_not")
def logical_not(tensor: Tensor) -> Tensor:
    """Where it is false, element by element.

    Example: ``(logical-not (> #(-1 5) 0))`` ⇒ ``#(#t #f)``.
    """
    return not tensor if tensor.__class__ is bool else NotImplemented

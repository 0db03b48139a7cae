"""``integrate``: definite integrals, with the derivatives that they have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eshkol import autodiff
from eshkol.autodiff.perturbations import TAGGED, primal, settled
from eshkol.autodiff.plain import to_float
from eshkol.autodiff.structures import Shape, flatten_result, unflatten
from eshkol.base.errors import BadValue, EshkolError, ShapeError
from eshkol.datum.write import rounded_string
from eshkol.primitives.arguments import size_argument
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.equations import total_order
from eshkol.primitives.implicit import TOLERANCE, default_tolerance, tolerance_argument
from eshkol.primitives.numbers import not_a_number
from eshkol.primitives.points import check_procedure, is_scalar
from eshkol.primitives.quadrature import (
    CHECKS,
    NODES,
    WEIGHTS,
    integral,
    substituted,
    substitution,
)

TENSOR_RULE = "eshkol.xla.integration:integrate"


@primitive("integrate")
def integrate(function, low, high, *, tolerance=None, max_intervals=200):
    """The integral of a procedure from one number to another, with its derivatives.

    Args:
        function: from a number to a number, tensor or structure of numbers. What it captures are
            parameters.
        low: where the integral begins; ``-inf.0`` for the whole half-line.
        high: where it ends, also ``+inf.0``; it may be less than ``low``.
        tolerance: of the error, as a part of the integral of the absolute value; by default about
            4e-11, or 2e-5 for float32.
        max_intervals: into how many intervals it is cut at most.

    Returns:
        The integral, in the structure of what ``function`` gives; inexact.

    Raises:
        BadValue: the error is not small enough, since the integral is infinite, say; in compiled
            code when the program runs.

    The derivative with respect to what is captured is the integral of the derivative, computed
    to the same tolerance; that with respect to an end is the value there (Leibniz). Method:
    adaptive Gauss-Kronrod quadrature of 21 points (Piessens et al., "QUADPACK", 1983).

    Example:
        ``(integrate (lambda (x) (* 3 x x)) 0 2)`` ⇒ ``8.0``;
        ``(gradient (lambda (b) (integrate exp -inf.0 b)) 0.0)`` ⇒ ``1.0``;
        ``(integrate (lambda (x) (vector 1 (* 2 x))) 0 3)`` ⇒ ``#(3.0 9.0)``.
    """
    who = "integrate"
    check_procedure(who, function)
    for end in (low, high):
        if not is_scalar(end) or primal(end).__class__ is complex:
            raise not_a_number(who, end, "a real number")
    most = size_argument(who, max_intervals)
    tolerance = tolerance_argument(who, tolerance)
    try:
        return autodiff.attempted(_on_host, function, low, high, tolerance, most)
    except autodiff.NeedsTensors:
        return load(TENSOR_RULE)(function, low, high, tolerance, most)


def _on_host(function: Any, low: Any, high: Any, tolerance: Any, most: int) -> Any:
    limit = default_tolerance(TOLERANCE) if tolerance is None else tolerance
    integrand = _Integrand(callee(function))
    first, last = _plain_end(low), _plain_end(high)
    if first > last:
        found = _between(integrand, last, first, limit, most)
        values = [-x for x in found]
    else:
        values = _between(integrand, first, last, limit, most)
    for end, at, sign in ((low, first, -1.0), (high, last, 1.0)):
        if settled(end).__class__ in TAGGED and math.isfinite(at):
            moved = _moved(integrand, end, at)
            values = [x + sign * y for x, y in zip(values, moved, strict=True)]
    return unflatten(integrand.structure, values)


def _plain_end(end: Any) -> float:
    number = primal(end)
    if hasattr(number, "dtype"):
        raise autodiff.NeedsTensors
    return to_float(number)


class _Integrand:
    """A procedure as a function that gives a list of numbers.

    Attributes:
        structure: of what it gives.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = autodiff.foreign(function)
        self.structure: Shape = None
        self.count: int | None = None

    def __call__(self, x: Any) -> list[Any]:
        numbers, self.structure = flatten_result("integrate", self.function(x))
        if self.count is None:
            self.count = len(numbers)
        if len(numbers) != self.count:
            raise varying_count(self.count, len(numbers))
        return numbers


def _between(
    integrand: _Integrand, low: float, high: float, tolerance: float, most: int
) -> list[Any]:
    kind = substitution(low, high)
    function: Callable[[float], list[Any]] = integrand
    ends = low, high
    if kind:
        ends = 0.0, 1.0

        def function(t: float) -> list[Any]:
            try:
                x, slope = substituted(kind, t, low, high)
            except ZeroDivisionError:
                # Cut so often that this is the infinite end itself.
                raise not_found(most, math.inf, math.nan) from None
            return [slope * y for y in integrand(x)]

    found = integral(function, *ends, tolerance, most)
    if not found.is_found:
        raise not_found(most, found.error, unflatten(integrand.structure, found.values))
    return found.values


def _moved(integrand: _Integrand, end: Any, at: float) -> list[Any]:
    """The integrals from the number ``at`` to the same one that carries derivatives.

    Gauss's rule has no error here, since their powers end.
    """
    way = end - at
    order = total_order([end])
    if order == 1:
        return [way * y for y in integrand(at)]
    totals: list[Any] = []
    for node, weight, check in zip(NODES, WEIGHTS, CHECKS, strict=True):
        if weight == check:
            continue
        row = integrand(at + way * (0.5 + 0.5 * node))
        terms = [0.5 * (weight - check) * way * y for y in row]
        totals = [x + y for x, y in zip(totals, terms, strict=True)] if totals else terms
    return totals


# ---- errors


def not_found(most: Any, error: Any, value: Any) -> EshkolError:
    """The error for an integral whose error stays too large."""
    return BadValue(
        f"integrate: expected a small error after at most {most} intervals, "
        f"got {rounded_string(error, 3)} for the integral {rounded_string(value, 8)}",
        hint="is the integral finite, and the procedure defined everywhere between the ends? "
        "integrate up to a jump and from there on, or allow more #:max-intervals or a larger "
        "#:tolerance",
    )


def derivative_not_found(most: Any, error: Any) -> EshkolError:
    """The error for a derivative of an integral whose error stays too large."""
    return BadValue(
        f"integrate: expected a small error of the derivative after at most {most} intervals, "
        f"got {rounded_string(error, 3)}",
        hint="is the derivative of what is integrated finite and without jumps between the ends? "
        "allow more #:max-intervals or a larger #:tolerance",
    )


def varying_count(expected: int, got: int) -> EshkolError:
    """The error for a procedure that gives more numbers here than there."""
    return ShapeError(
        f"integrate: expected a procedure that gives as many numbers everywhere, got {expected} "
        f"and {got}"
    )

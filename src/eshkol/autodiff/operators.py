"""Derivatives of Python functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from eshkol.autodiff.perturbations import (
    TAGGED,
    NeedsForward,
    NeedsTensors,
    perturbation,
    primal,
    settled,
)
from eshkol.autodiff.plain import EXACT, PLAIN, add, multiply
from eshkol.autodiff.rules import inexact
from eshkol.autodiff.structures import no_numbers, settled_parts
from eshkol.autodiff.tape import Tape, TapeNode, adjoints
from eshkol.autodiff.taylor import Taylor
from eshkol.base.errors import OutOfRange, WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair, scheme_list, spine
from eshkol.datum.values import Vector

Function = Callable[..., Any]
Number = Any
"""A plain number, or a Differentiable of an enclosing derivative."""


def derivative(function: Function, x: Number) -> Any:
    """The derivative of ``function`` at ``x``.

    Args:
        function: of one number; gives a number, or a vector, list or tuple of numbers.
        x: the point. The derivative is exact if ``x`` and the value of the function are.

    Returns:
        A number, or the container of the derivatives of its elements.

    Raises:
        WrongType: ``x`` is not a number, or the function gives something else than numbers.
        NeedsTensors: the function computes with tensors.

    Example:
        >>> from fractions import Fraction
        >>> derivative(lambda x: x * x, Fraction(1, 3))
        Fraction(2, 3)
    """
    result, tag, x = _expand("derivative", function, x, 1)
    return _coefficient("derivative", result, tag, 1, x)


def derivatives(function: Function, x: Number, order: int) -> list[Any]:
    """The value of ``function`` at ``x`` and its derivatives up to ``order``, in a list.

    Raises:
        OutOfRange: ``order`` is negative; and as for :func:`derivative`.

    Example:
        >>> derivatives(lambda x: x**3, 2, 4)
        [8, 12, 12, 6, 0]
    """
    result, tag, x = _expand("derivatives", function, x, order)
    return [
        _scaled(_coefficient("derivatives", result, tag, k, x), math.factorial(k))
        for k in range(order + 1)
    ]


def taylor_coefficients(function: Function, x: Number, order: int) -> list[Any]:
    """The coefficients of ``function(x + t)`` in powers of ``t`` up to ``order``, in a list.

    Example:
        >>> taylor_coefficients(lambda x: 1 / (1 - x), 0, 3)
        [1, 1, 1, 1]
    """
    result, tag, x = _expand("taylor", function, x, order)
    return [_coefficient("taylor", result, tag, k, x) for k in range(order + 1)]


def gradient(function: Function, arguments: Sequence[Number]) -> list[Any]:
    """The partial derivatives of ``function(*arguments)``, in reverse mode.

    Args:
        function: of as many numbers as there are arguments; gives one number.
        arguments: the point.

    Returns:
        A partial for each argument, exact if the argument and the value are.

    Raises:
        WrongType: an argument is not a number, or the function does not give a number.
        NeedsTensors: the function computes with tensors.

    Example:
        >>> gradient(lambda x, y: x * x * y, [3, 4])
        [24, 9]
    """
    return value_and_gradient(function, arguments)[1]


def value_and_gradient(function: Function, arguments: Sequence[Number]) -> tuple[Number, list[Any]]:
    """``function(*arguments)`` and its partial derivatives; as :func:`gradient`.

    Example:
        >>> value_and_gradient(lambda x, y: x * x * y, [3, 4])
        (36, [24, 9])
    """
    points = [point_number("gradient", argument) for argument in arguments]
    with perturbation() as tag:
        tape = Tape(tag)
        try:
            result = settled(function(*map(tape.variable, points)))
            check_scalar("gradient", result)
            if result.__class__ is TapeNode and result.tape is tape:
                partials = adjoints(tape.steps or [], {result.place: 1}, len(points))
                result = result.value
            else:
                partials = [None] * len(points)
        except NeedsForward as error:
            if error.tag != tag:
                raise
            return _forward(function, points)
        finally:
            tape.close()
    inexact_result = is_inexact(result)
    return result, [
        as_exact_as(point, inexact_result, partial)
        for point, partial in zip(points, partials, strict=True)
    ]


def value_aux_and_gradient(
    function: Function, arguments: Sequence[Number]
) -> tuple[tuple[Number, Any], list[Any]]:
    """As :func:`value_and_gradient`, of a function that gives a number and something else.

    Example:
        >>> value_aux_and_gradient(lambda x, y: (x * x * y, [x, "aux"]), [3, 4])
        ((36, [3, 'aux']), [24, 9])
    """
    aux: Any = None

    def number(*numbers: Number) -> Number:
        nonlocal aux
        value, aux = function(*numbers)
        return value

    value, partials = value_and_gradient(number, arguments)
    return (value, settled_parts(aux)), partials


def _forward(function: Function, points: list[Number]) -> tuple[Number, list[Any]]:
    """As :func:`value_and_gradient`, for functions that take complex numbers apart.

    At a complex point, where such a function has no complex derivative, it is the conjugate of
    the direction in which it grows most.
    """
    value: Any = function(*points)
    check_scalar("gradient", value)
    partials = []
    for index, point in enumerate(points):
        slope = _slope_along(function, points, index, 1)
        if primal(point).__class__ is complex:
            across = _slope_along(function, points, index, 1j)
            slope = add(slope, multiply(-1j, across))
        partials.append(slope)
    return value, partials


def _slope_along(function: Function, points: list[Number], index: int, seed: Any) -> Any:
    varied = list(points)
    with perturbation() as tag:
        varied[index] = Taylor(tag, 1, (points[index], seed))
        return _coefficient("gradient", settled(function(*varied)), tag, 1, points[index])


def check_scalar(name: str, result: Any) -> None:
    """Raise WrongType unless a function gave one number."""
    if result.__class__ in PLAIN or result.__class__ in TAGGED:
        return
    if is_array(result) and result.shape == () and str(result.dtype) != "bool":
        return
    from eshkol.datum.write import short_string

    raise WrongType(
        f"{name} is defined for procedures that give one number, got {short_string(result)}",
        hint="reduce several results to one number, or use jacobian",
    )


def _expand(name: str, function: Function, x: Any, order: Any) -> tuple[Any, int, Any]:
    """What ``function`` gives at the Taylor number of ``x``; its tag; the point."""
    x = point_number(name, x)
    if order.__class__ is not int or order < 0:
        from eshkol.datum.write import short_string

        kind = OutOfRange if order.__class__ is int else WrongType
        raise kind(f"{name}: expected an order of 0 or more, got {short_string(order)}")
    with perturbation() as tag:
        seed = 1.0 if is_inexact(x) else 1
        return function(Taylor(tag, order, (x, seed)) if order else x), tag, x


def point_number(name: str, x: Any) -> Any:
    """``x`` if it can be a point of a derivative; ``name`` is the operator, for errors."""
    if x.__class__ in PLAIN:
        return x
    if x.__class__ in TAGGED:
        return settled(x)
    from eshkol.datum.write import short_string

    if is_array(x):
        raise NeedsTensors(f"{name}: the point is {short_string(x)}")
    raise WrongType(f"{name}: expected a number as the point, got {short_string(x)}")


def is_inexact(number: Any) -> bool:
    """Whether a number is inexact; what it carries does not count."""
    return primal(number).__class__ not in EXACT


def as_exact_as(point: Any, inexact_result: bool, part: Any) -> Any:
    """``part`` of a derivative at ``point``, inexact unless everything about it is exact."""
    if part is None:
        part = 0
    if primal(part).__class__ in EXACT and (inexact_result or is_inexact(point)):
        return inexact(part)
    return part


def _coefficient(name: str, result: Any, tag: int, k: int, point: Any) -> Any:
    """Coefficient ``k`` of what a function of a Taylor number gave."""
    kind = result.__class__
    if kind is Taylor and result.tag == tag:
        listed = result.coefficients
        part = listed[k] if k < len(listed) else None
        return as_exact_as(point, is_inexact(listed[0]), part)
    if kind in PLAIN or kind in TAGGED or (is_array(result) and result.shape == ()):
        result = settled(result)
        return as_exact_as(point, is_inexact(result), None) if k else result
    if kind in (Vector, list, tuple):
        return kind(_coefficient(name, item, tag, k, point) for item in result)
    if kind is Pair or result is NIL:
        items, tail = spine(result)
        if tail is NIL:
            return scheme_list([_coefficient(name, item, tag, k, point) for item in items])
    raise no_numbers(name, result)


def _scaled(part: Any, factor: int) -> Any:
    if part.__class__ in (Vector, list, tuple):
        return part.__class__(_scaled(item, factor) for item in part)
    if part.__class__ is Pair:
        return scheme_list([_scaled(item, factor) for item in part])
    return part if part is NIL else multiply(part, factor)

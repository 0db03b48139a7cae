"""Derivatives of functions of several numbers: Jacobians, Hessians, products, mixed partials.

Each ``function`` is called with as many numbers as ``point`` has and gives a number or a structure
of numbers (see ``structures``). A derivative is exact where the point and the value are. Wherever
one evaluation is enough the function is called once, so what it prints is printed once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement
from typing import Any

from eshkol.autodiff.operators import (
    as_exact_as,
    check_scalar,
    is_inexact,
    point_number,
    value_and_gradient,
)
from eshkol.autodiff.perturbations import NeedsForward, perturbation, settled
from eshkol.autodiff.plain import add, multiply
from eshkol.autodiff.structures import Shape, flatten_result
from eshkol.autodiff.tape import Steps, Tape, TapeNode, adjoints, tangents
from eshkol.autodiff.taylor import Taylor

Function = Callable[..., Any]
Number = Any
Row = list[Number]


def jvp(
    name: str, function: Function, point: Sequence[Number], direction: Sequence[Number]
) -> tuple[Row, Row, Shape]:
    """The value of ``function`` and its derivative along ``direction``, in forward mode.

    Returns:
        The numbers of the value, those of the derivative, and their structure.

    Example:
        >>> jvp("jvp", lambda x, y: (x * y, x), [3, 4], [1, 0])[:2]
        ([12, 3], [4, 1])
    """
    points = [point_number(name, x) for x in point]
    factors = [point_number(name, v) for v in direction]
    is_exact = not any(map(is_inexact, [*points, *factors]))
    with perturbation() as tag:
        numbers = [Taylor(tag, 1, (x, v)) for x, v in zip(points, factors, strict=True)]
        results, structure = flatten_result(name, function(*numbers))
        values = [coefficient(result, tag, 0) for result in results]
        slopes = [
            as_exact_as(0 if is_exact else 0.0, is_inexact(value), coefficient(result, tag, 1))
            for value, result in zip(values, results, strict=True)
        ]
    return values, slopes, structure


def coefficient(result: Number, tag: int, k: int) -> Number:
    """Coefficient ``k`` of a number in the perturbation ``tag``; None for one that is zero."""
    if result.__class__ is not Taylor or result.tag != tag:
        return None if k else result
    listed = result.coefficients
    return listed[k] if k < len(listed) else None


class Linearization:
    """A function near a point: its value there and the tape of the evaluation.

    Attributes:
        values: the numbers of the value.
        structure: their structure.
    """

    def __init__(self, name: str, function: Function, point: Sequence[Number]) -> None:
        self.points = [point_number(name, x) for x in point]
        self.columns: list[Row] | None = None
        with perturbation() as tag:
            tape = Tape(tag)
            try:
                result = function(*map(tape.variable, self.points))
                results, self.structure = flatten_result(name, result)
                self.places = [_place(result, tape) for result in results]
                self.steps: Steps = tape.steps or []
                self.has_calls = tape.calls > 0
            except NeedsForward as error:
                if error.tag != tag:
                    raise
                self._go_forward(name, function)
                return
            finally:
                tape.close()
        self.values = [settled(result) for result in results]

    def _go_forward(self, name: str, function: Function) -> None:
        """Find the columns of the Jacobian by an evaluation each, for want of a tape."""
        self.columns = []
        for index in range(len(self.points)):
            direction = [int(place == index) for place in range(len(self.points))]
            self.values, column, self.structure = jvp(name, function, self.points, direction)
            self.columns.append(column)

    def rows(self) -> list[Row]:
        """The Jacobian: for each number of the value its partials.

        The tape is gone through backwards for each number of the value, or forwards for each of
        the point, whichever are fewer; backwards where a call has a rule of its own.
        """
        count = len(self.points)
        if self.columns is not None:
            return [list(row) for row in zip(*self.columns, strict=True)]
        if count >= len(self.places) or self.has_calls:
            rows = [
                [None] * count if place is None else adjoints(self.steps, {place: 1}, count)
                for place in self.places
            ]
        else:
            columns = [tangents(self.steps, {index: 1}) for index in range(count)]
            rows = [
                [None if place is None else column[place] for column in columns]
                for place in self.places
            ]
        return [
            [self._finished(value, *pair) for pair in zip(self.points, row, strict=True)]
            for value, row in zip(self.values, rows, strict=True)
        ]

    def pulled_back(self, factors: Sequence[Number]) -> Row:
        """The products of ``factors``, one for each number of the value, and the Jacobian."""
        if self.columns is not None:
            return [_dot(column, factors) for column in self.columns]
        seeds: dict[int, Any] = {}
        for place, factor in zip(self.places, factors, strict=True):
            if place is not None:
                seeds[place] = add(seeds[place], factor) if place in seeds else factor
        found = adjoints(self.steps, seeds, len(self.points))
        inexact = any(map(is_inexact, [*self.values, *factors]))
        return [as_exact_as(x, inexact, part) for x, part in zip(self.points, found, strict=True)]

    def _finished(self, value: Number, x: Number, part: Number) -> Number:
        return as_exact_as(x, is_inexact(value), part)


def _dot(column: Row, factors: Sequence[Number]) -> Number:
    total: Any = 0
    for part, factor in zip(column, factors, strict=True):
        total = add(total, multiply(part, factor))
    return total


def _place(result: Number, tape: Tape) -> int | None:
    return result.place if result.__class__ is TapeNode and result.tape is tape else None


def scalar(name: str, function: Function) -> Function:
    """``function``, which must give one number."""

    def checked(*numbers: Number) -> Number:
        result = settled(function(*numbers))
        check_scalar(name, result)
        return result

    return checked


def hessian(name: str, function: Function, point: Sequence[Number]) -> list[Row]:
    """The second partial derivatives of a function that gives one number, reverse over reverse.

    Example:
        >>> hessian("hessian", lambda x, y: x * x * y, [2, 3])
        [[6, 4], [4, 0]]
    """
    checked = scalar(name, function)
    return Linearization(name, lambda *xs: value_and_gradient(checked, xs)[1], point).rows()


def hvp(name: str, function: Function, point: Sequence[Number], direction: Sequence[Number]) -> Row:
    """The product of the Hessian and ``direction``, forward over reverse.

    Example:
        >>> hvp("hvp", lambda x, y: x * x * y, [2, 3], [1, 1])
        [10, 4]
    """
    checked = scalar(name, function)
    return jvp(name, lambda *xs: value_and_gradient(checked, xs)[1], point, direction)[1]


def laplacian(name: str, function: Function, point: Sequence[Number]) -> Number:
    """The sum of the second derivatives along the axes.

    Example:
        >>> laplacian("laplacian", lambda x, y: x * x * x + x * y * y, [2, 3])
        16
    """
    total: Any = 0
    for index in range(len(point)):
        total = add(total, mixed_partial(name, function, point, [index, index]))
    return total


def mixed_partial(
    name: str, function: Function, point: Sequence[Number], indices: Sequence[int]
) -> Number:
    """The derivative of a function of one number's value with respect to several numbers in turn.

    Each number that is varied has a perturbation of its own, of the order in which it is varied;
    one evaluation gives them all.

    Args:
        indices: those of the numbers, any number of times each, from 0.

    Example:
        >>> mixed_partial("mixed-partial", lambda x, y: x**3 * y**2, [2, 5], [0, 0, 1])
        120
    """
    points = [point_number(name, x) for x in point]
    orders = [(index, indices.count(index)) for index in sorted(set(indices))]
    checked = scalar(name, function)

    def vary(numbers: list[Any], rest: list[tuple[int, int]]) -> Number:
        if not rest:
            return checked(*numbers)
        (index, order), *others = rest
        with perturbation() as tag:
            seed = 1.0 if is_inexact(points[index]) else 1
            varied = list(numbers)
            varied[index] = Taylor(tag, order, (points[index], seed))
            result = vary(varied, others)
            found = coefficient(result, tag, order)
            found = as_exact_as(points[index], is_inexact(result), found)
        return multiply(found, math.factorial(order))

    return vary(points, orders)


def partials_of_order(
    name: str, function: Function, point: Sequence[Number], order: int
) -> list[tuple[list[int], Number]]:
    """All mixed partials of one order: how often each number is varied, and the derivative.

    Example:
        >>> partials_of_order("gradient-n", lambda x, y: x * x * y, [2, 3], 2)
        [([0, 2], 0), ([1, 1], 4), ([2, 0], 6)]
    """
    count = len(point)
    found = []
    for indices in combinations_with_replacement(range(count - 1, -1, -1), order):
        exponents = [indices.count(index) for index in range(count)]
        found.append((exponents, mixed_partial(name, function, point, indices)))
    return found

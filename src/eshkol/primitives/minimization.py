"""Minimizing a procedure that gives one number, by its gradient."""

from __future__ import annotations

from typing import Any

from eshkol import autodiff
from eshkol.autodiff.structures import unflatten
from eshkol.base.errors import OutOfRange
from eshkol.primitives import minimizers
from eshkol.primitives.arguments import size_argument
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.directions import factors_of
from eshkol.primitives.numbers import not_a_number
from eshkol.primitives.points import (
    check_numbers,
    check_procedure,
    is_scalar,
    point_of,
)

_XLA = "eshkol.xla.minimization:"


def _minimum(who: str, function: Any, start: Any, *settings: Any) -> Any:
    """Where the algorithm ``who`` gets to; on the host if it can be done there."""
    check_procedure(who, function)
    point = point_of(who, function, [start])
    algorithm = getattr(minimizers, who.replace("-", "_"))
    try:
        with autodiff.attempt():
            of_numbers, numbers, structure = point.taken_apart()
            check_numbers(who, point.value, numbers)
            arithmetic = minimizers.HostArithmetic(who, of_numbers)
            return unflatten(structure, algorithm(arithmetic, numbers, *settings))
    except autodiff.NeedsTensors:
        return load(_XLA + "minimum")(who, algorithm, point.function, point.value, settings)


def _real(who: str, value: Any) -> Any:
    if not is_scalar(value):
        raise not_a_number(who, value)
    return value


@primitive("gradient-descent")
def gradient_descent(function, start, rate=0.01, steps=1000, tolerance=1e-8):
    """Where steps against the gradient lead.

    Args:
        function: gives one number.
        start: a number, tensor or structure; a vector or list of numbers is spread over the
            parameters of a procedure that takes so many.
        rate: the length of a step, times the gradient.
        steps: how many at most.
        tolerance: it ends where the gradient is shorter.

    Returns:
        The point that is reached, in the structure of ``start``.

    Example:
        ``(gradient-descent (lambda (x) (square (- x 3))) 0.0 0.25 100)`` ⇒ ``3.0``.
    """
    who = "gradient-descent"
    steps = size_argument(who, steps)
    return _minimum(who, function, start, _real(who, rate), steps, _real(who, tolerance))


@primitive("l-bfgs")
def l_bfgs(function, start, steps=200, tolerance=1e-8, memory=10):
    """Where L-BFGS leads: quasi-Newton steps with a limited memory.

    Args:
        function: gives one number.
        start: as for ``gradient-descent``.
        steps: how many at most.
        tolerance: it ends where the gradient is shorter.
        memory: of how many steps the change of the gradient is remembered.

    Returns:
        The point that is reached, in the structure of ``start``.

    Example:
        ``(l-bfgs (lambda (x y) (+ (square (- x 3)) (* 10 (square (+ y 1))))) #(0.0 0.0))`` ⇒
        ``#(3.0 -1.0)``.
    """
    who = "l-bfgs"
    steps, memory = size_argument(who, steps), _positive(who, memory)
    return _minimum(who, function, start, steps, _real(who, tolerance), memory)


@primitive("conjugate-gradient")
def conjugate_gradient(function, start, steps=200, tolerance=1e-8, restart=None):
    """Where nonlinear conjugate gradients (Fletcher and Reeves) lead.

    Args:
        function: gives one number.
        start: as for ``gradient-descent``.
        steps: how many at most.
        tolerance: it ends where the gradient is shorter.
        restart: after so many steps it goes against the gradient again; default: as many as there
            are numbers in the point.

    Returns:
        The point that is reached, in the structure of ``start``.

    Example:
        ``(conjugate-gradient (lambda (x y) (+ (square (- x 3)) (* 2 (square y)))) #(0.0 1.0))`` ⇒
        ``#(3.0 0.0)``.
    """
    who = "conjugate-gradient"
    restart = 0 if restart is None else _positive(who, restart)
    steps = size_argument(who, steps)
    return _minimum(who, function, start, steps, _real(who, tolerance), restart)


def _positive(who: str, value: Any) -> int:
    number = size_argument(who, value)
    if number == 0:
        raise OutOfRange(f"{who}: expected an exact positive integer, got 0")
    return number


@primitive("line-search")
def line_search(function, point, direction, gradient, start=1.0, decrease=1e-4, shrink=0.5):
    """How far to go along a direction, by backtracking until the function decreases (Armijo).

    Args:
        function: gives one number.
        point: as for ``gradient-descent``.
        direction: where to go; the structure of the point.
        gradient: of the function at the point; the structure of the point.
        start: the first length that is tried.
        decrease: the part of the decrease that the gradient promises that is enough.
        shrink: each length is so many times the one before, for 30 lengths at most.

    Returns:
        The length, a number.

    Example: ``(line-search square 1.0 -4.0 2.0)`` ⇒ ``0.25``.
    """
    who = "line-search"
    check_procedure(who, function)
    where = point_of(who, function, [point])
    settings = [_real(who, number) for number in (start, decrease, shrink)]
    try:
        with autodiff.attempt():
            of_numbers, numbers, _ = where.taken_apart()
            check_numbers(who, where.value, numbers)
            others = [factors_of(who, part, len(numbers)) for part in (direction, gradient)]
            arithmetic = minimizers.HostArithmetic(who, of_numbers)
            return minimizers.line_search(arithmetic, numbers, *others, *settings)
    except autodiff.NeedsTensors:
        run = load(_XLA + "line_search")
        return run(where.function, where.value, direction, gradient, settings)


def minimize_by_adam(
    function: Any, start: Any, rate: Any = None, beta1: Any = None, beta2: Any = None
) -> Any:
    """Where at most 1,000 steps of Adam lead; the point, in the structure of ``start``."""
    defaults = (0.001, 0.9, 0.999)
    given = (rate, beta1, beta2)
    numbers = [
        default if number is None else _real("adam", number)
        for number, default in zip(given, defaults, strict=True)
    ]
    return _minimum("adam", function, start, *numbers, 1000, 1e-8)

"""Algorithms that minimize a function of many numbers, whatever computes with them.

Each works on an :class:`Arithmetic`: the host's, of lists of Python numbers, or that of tensors,
whose loops are compiled. A step is the same in both. Sources: Nocedal and Wright, "Numerical
Optimization", 2nd edition, algorithms 3.1, 5.4 and 7.4; Lewis and Overton, "Nonsmooth optimization
via quasi-Newton methods", 2013, for the line search of quasi-Newton steps; Kingma and Ba 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from eshkol import autodiff
from eshkol.autodiff import primal, rules
from eshkol.autodiff.plain import add, divide, multiply, whole
from eshkol.base.errors import BadValue
from eshkol.datum.write import short_string

Point = Any
"""The numbers of a point: a list, or a tensor of rank 1."""

State = tuple[Any, ...]

MOST_BACKTRACKS = 30
ENOUGH_DECREASE, ENOUGH_CURVATURE = 1e-4, 0.9
"""The constants of the Wolfe conditions."""

SMALLEST_CURVATURE = 1e-10


class Arithmetic(Protocol):
    """What an algorithm computes with."""

    def value(self, x: Point) -> Any:
        """The function at ``x``."""

    def gradient(self, x: Point) -> Point:
        """The gradient at ``x``."""

    def value_and_gradient(self, x: Point) -> tuple[Any, Point]:
        """Both."""

    def each(self, function: Callable[..., Any], *points: Point) -> Point:
        """``function`` of the elements, which may use ``+ - * /`` and ``sqrt``."""

    def sqrt(self, x: Any) -> Any:
        """The square root of an element."""

    def dot(self, x: Point, y: Point) -> Any:
        """The sum of the products of the elements."""

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """``x`` where the condition holds, else ``y``; both structures of numbers and points."""

    def repeat(self, test: Callable[..., Any], step: Callable[..., State], state: State) -> State:
        """The state after as many steps as ``test`` holds before."""

    def no_pairs(self, count: int, x: Point) -> Any:
        """A history for ``count`` pairs of points like ``x``."""

    def remember(self, history: Any, s: Point, y: Point, curvature: Any) -> Any:
        """The history with a pair in front if its curvature is positive."""

    def pairs(self, history: Any) -> Sequence[tuple[Point, Point, Any]]:
        """The pairs from the newest on, with the reciprocals of their curvatures."""


class HostArithmetic:
    """Arithmetic on lists of Python numbers, also of those that carry derivatives."""

    def __init__(self, who: str, procedure: Callable[..., Any]) -> None:
        self.who = who
        self.procedure = procedure

    def function(self, *x: Any) -> Any:
        """The value of the procedure.

        Raises:
            BadValue: it is no real number.
        """
        value = self.procedure(*x)
        if primal(value).__class__ is complex:
            at = " and ".join(short_string(primal(number)) for number in x)
            raise BadValue(
                f"{self.who}: expected a real number to minimize, got "
                f"{short_string(primal(value))} at {at}",
                hint="the steps have left where it is real: start elsewhere, or take smaller ones",
            )
        return value

    def value(self, x: Point) -> Any:
        return self.function(*x)

    def gradient(self, x: Point) -> Point:
        return autodiff.gradient(self.function, x)

    def value_and_gradient(self, x: Point) -> tuple[Any, Point]:
        return autodiff.value_and_gradient(self.function, x)

    def each(self, function: Callable[..., Any], *points: Point) -> Point:
        return [whole(function(*elements)) for elements in zip(*points, strict=True)]

    def sqrt(self, x: Any) -> Any:
        return rules.sqrt(x)

    def dot(self, x: Point, y: Point) -> Any:
        total: Any = 0.0
        for a, b in zip(x, y, strict=True):
            total = add(total, multiply(a, b))
        return total

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        return x if condition else y

    def repeat(self, test: Callable[..., Any], step: Callable[..., State], state: State) -> State:
        while test(*state):
            state = step(*state)
        return state

    def no_pairs(self, count: int, x: Point) -> Any:
        return count, ()

    def remember(self, history: Any, s: Point, y: Point, curvature: Any) -> Any:
        count, pairs = history
        if not curvature > SMALLEST_CURVATURE:
            return history
        return count, ((s, y, divide(1.0, curvature)), *pairs[: count - 1])

    def pairs(self, history: Any) -> Sequence[tuple[Point, Point, Any]]:
        return history[1]


def along(a: Arithmetic, x: Point, step: Any, direction: Point) -> Point:
    """``x`` moved along a direction."""
    return a.each(lambda u, v: u + step * v, x, direction)


def _is_far(a: Arithmetic, gradient: Point, tolerance: Any) -> Any:
    return a.sqrt(a.dot(gradient, gradient)) >= tolerance


def _opposite(a: Arithmetic, x: Point) -> Point:
    return a.each(lambda u: -1.0 * u, x)


def line_search(
    a: Arithmetic,
    x: Point,
    direction: Point,
    gradient: Point,
    start: Any = 1.0,
    decrease: Any = 1e-4,
    shrink: Any = 0.5,
) -> Any:
    """The first of ``start``, ``start * shrink`` … that decreases the function enough (Armijo)."""
    value = a.value(x)
    slope = decrease * a.dot(gradient, direction)

    def is_too_long(step: Any, count: Any) -> Any:
        reached = a.value(along(a, x, step, direction))
        # Written so that a function that is not a number there is not enough.
        return (count < MOST_BACKTRACKS) & ~_truth(reached <= value + step * slope)

    def shorter(step: Any, count: Any) -> State:
        return shrink * step, count + 1

    return a.repeat(is_too_long, shorter, (start, 0))[0]


def _wolfe_search(
    a: Arithmetic, x: Point, value: Any, direction: Point, gradient: Point
) -> tuple[Point, Any, Point]:
    """A point along a direction where the weak Wolfe conditions hold, by bisection.

    Returns:
        The point, and the value and the gradient there.
    """
    slope = a.dot(gradient, direction)

    def try_step(step: Any) -> tuple[Point, Any, Point, Any, Any]:
        moved = along(a, x, step, direction)
        reached, changed = a.value_and_gradient(moved)
        is_low = reached <= value + ENOUGH_DECREASE * step * slope
        is_flat = a.dot(changed, direction) >= ENOUGH_CURVATURE * slope
        return moved, reached, changed, is_low, is_flat

    def goes_on(step: Any, low: Any, high: Any, count: Any, *tried: Any) -> Any:
        is_low, is_flat = tried[3:]
        return (count < MOST_BACKTRACKS) & ~_truth(is_low & is_flat)

    def bisect(step: Any, low: Any, high: Any, count: Any, *tried: Any) -> State:
        is_low = tried[3]
        low, high = a.choose(is_low, step, low), a.choose(is_low, high, step)
        is_bounded = high < math.inf
        middle = 0.5 * (low + a.choose(is_bounded, high, low))
        step = a.choose(is_bounded, middle, 2.0 * step)
        return step, low, high, count + 1, *try_step(step)

    found = a.repeat(goes_on, bisect, (1.0, 0.0, math.inf, 0, *try_step(1.0)))
    return found[4:7]


def _truth(condition: Any) -> Any:
    """A condition for ``~``, which is no negation of Python's booleans."""
    return _Truth(condition) if condition.__class__ is bool else condition


class _Truth:
    """A truth value with the operators of arrays of them."""

    def __init__(self, value: bool) -> None:
        self.value = value

    def __invert__(self) -> bool:
        return not self.value


def gradient_descent(a: Arithmetic, x: Point, rate: Any, steps: int, tolerance: Any) -> Point:
    """Steps of ``rate`` against the gradient."""

    def goes_on(x: Point, gradient: Point, count: Any) -> Any:
        return (count < steps) & _is_far(a, gradient, tolerance)

    def step(x: Point, gradient: Point, count: Any) -> State:
        x = a.each(lambda u, g: u - rate * g, x, gradient)
        return x, a.gradient(x), count + 1

    return a.repeat(goes_on, step, (x, a.gradient(x), 0))[0]


def adam(
    a: Arithmetic, x: Point, rate: Any, beta1: Any, beta2: Any, steps: int, tolerance: Any
) -> Point:
    """Adam with its usual epsilon of 1e-8."""
    zeros = a.each(lambda u: 0.0 * u, x)

    def goes_on(x: Point, gradient: Point, m: Point, v: Point, p1: Any, p2: Any, n: Any) -> Any:
        return (n < steps) & _is_far(a, gradient, tolerance)

    def step(x: Point, gradient: Point, m: Point, v: Point, p1: Any, p2: Any, n: Any) -> State:
        m = a.each(lambda m, g: beta1 * m + (1.0 - beta1) * g, m, gradient)
        v = a.each(lambda v, g: beta2 * v + (1.0 - beta2) * (g * g), v, gradient)
        p1, p2 = p1 * beta1, p2 * beta2
        scale1, scale2 = 1.0 / (1.0 - p1), 1.0 / (1.0 - p2)
        x = a.each(lambda u, m, v: u - rate * ((scale1 * m) / (a.sqrt(scale2 * v) + 1e-8)), x, m, v)
        return x, a.gradient(x), m, v, p1, p2, n + 1

    return a.repeat(goes_on, step, (x, a.gradient(x), zeros, zeros, 1.0, 1.0, 0))[0]


def l_bfgs(a: Arithmetic, x: Point, steps: int, tolerance: Any, memory: int) -> Point:
    """L-BFGS; steepest descent where its direction does not descend."""

    def goes_on(x: Point, value: Any, gradient: Point, history: Any, count: Any) -> Any:
        return (count < steps) & _is_far(a, gradient, tolerance)

    def step(x: Point, value: Any, gradient: Point, history: Any, count: Any) -> State:
        found = _two_loops(a, gradient, a.pairs(history))
        direction = _descending(a, found, gradient)
        moved, reached, changed = _wolfe_search(a, x, value, direction, gradient)
        s = a.each(lambda u, v: u - v, moved, x)
        y = a.each(lambda u, v: u - v, changed, gradient)
        return moved, reached, changed, a.remember(history, s, y, a.dot(y, s)), count + 1

    start = (x, *a.value_and_gradient(x), a.no_pairs(memory, x), 0)
    return a.repeat(goes_on, step, start)[0]


def _descending(a: Arithmetic, direction: Point, gradient: Point) -> Point:
    """A direction, or the opposite of the gradient if it does not descend."""
    descends = a.dot(gradient, direction) < 0.0
    return a.choose(descends, direction, _opposite(a, gradient))


def _two_loops(a: Arithmetic, gradient: Point, pairs: Sequence[tuple[Point, Point, Any]]) -> Point:
    """The direction: minus the approximate inverse Hessian times the gradient."""
    q, factors = gradient, []
    for s, y, reciprocal in pairs:
        factor = reciprocal * a.dot(s, q)
        factors.append(factor)
        q = along(a, q, -1.0 * factor, y)
    if pairs:
        s, y, _ = pairs[0]
        length = a.dot(y, y)
        is_positive = length > SMALLEST_CURVATURE
        scale = a.dot(y, s) / a.choose(is_positive, length, 1.0)
        scale = a.choose(is_positive, scale, 1.0)
        q = a.each(lambda u: scale * u, q)
    for (s, y, reciprocal), factor in zip(reversed(pairs), reversed(factors), strict=True):
        q = along(a, q, factor - reciprocal * a.dot(y, q), s)
    return _opposite(a, q)


def conjugate_gradient(a: Arithmetic, x: Point, steps: int, tolerance: Any, restart: int) -> Point:
    """Nonlinear conjugate gradients (Fletcher and Reeves).

    It starts again every ``restart`` steps (0: as many as there are numbers), and where the
    direction does not descend.
    """

    def goes_on(x: Point, value: Any, gradient: Point, direction: Point, count: Any) -> Any:
        return (count < steps) & _is_far(a, gradient, tolerance)

    def step(x: Point, value: Any, gradient: Point, direction: Point, count: Any) -> State:
        direction = _descending(a, direction, gradient)
        moved, reached, changed = _wolfe_search(a, x, value, direction, gradient)
        before, after = a.dot(gradient, gradient), a.dot(changed, changed)
        is_fresh = (count + 1) % (restart or len(x)) == 0
        beta = a.choose(is_fresh, 0.0, after / a.choose(before > 0.0, before, 1.0))
        direction = a.each(lambda g, d: beta * d - g, changed, direction)
        return moved, reached, changed, direction, count + 1

    value, gradient = a.value_and_gradient(x)
    return a.repeat(goes_on, step, (x, value, gradient, _opposite(a, gradient), 0))[0]

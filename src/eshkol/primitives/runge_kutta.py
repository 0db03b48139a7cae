"""Initial value problems: an adaptive Runge-Kutta method, and how it runs on Python numbers.

The pair of orders 5 and 4 is that of Dormand and Prince, "A family of embedded Runge-Kutta
formulae", 1980; steps are controlled as in Hairer, Nørsett and Wanner, "Solving Ordinary
Differential Equations I", 2nd edition, sections II.4 and IV.2 (a PI controller). States are lists
of numbers that may carry derivatives: the lengths of the steps count as constants, but those that
end at a time that was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from eshkol.autodiff.perturbations import primal

Row = list[Any]
Field = Callable[[Row, Any], Row]
"""From the state and the time to the velocity."""

NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0)
"""When the stages are evaluated, as parts of the step."""


def _doubles(*fractions: str) -> tuple[float, ...]:
    return tuple(float(Fraction(fraction)) for fraction in fractions)


STAGES = (
    (),
    _doubles("1/5"),
    _doubles("3/40", "9/40"),
    _doubles("44/45", "-56/15", "32/9"),
    _doubles("19372/6561", "-25360/2187", "64448/6561", "-212/729"),
    _doubles("9017/3168", "-355/33", "46732/5247", "49/176", "-5103/18656"),
)
"""For each stage the weights of those before it."""

WEIGHTS = _doubles("35/384", "0", "500/1113", "125/192", "-2187/6784", "11/84")
"""Of the stages in the state after the step."""

CHECKS = _doubles("71/57600", "0", "-71/16695", "71/1920", "-17253/339200", "22/525", "-1/40")
"""Of the stages, and the velocity after the step, in the difference between both orders."""

SAFETY, LEAST_GROWTH, MOST_GROWTH = 0.9, 0.2, 10.0
PROPORTIONAL, INTEGRAL = 0.7 / 5, 0.4 / 5
SMALLEST_ERROR = 1e-10
FIRST_PART = 0.01
"""The first step moves the state by about this part of it."""

SMALLEST_STEP = 1e-14
"""A step that is so small a part of the time, or of the way, does not get on."""


class Course(NamedTuple):
    """What an integration ends with.

    Attributes:
        states: one for each time that was reached.
        steps: how many steps were tried.
        time: how far it got.
        is_done: whether that is the last time.
    """

    states: list[Row]
    steps: int
    time: float
    is_done: bool


def course(field: Field, start: Row, times: Sequence[Any], tolerance: float, most: int) -> Course:
    """The states at some times.

    Args:
        field: gives the velocity.
        start: the state at the first time.
        times: any; numbers that may carry derivatives.
        tolerance: of the error of a step, measured by one plus the size of each number.
        most: steps that are tried at most.

    Example:
        >>> states = course(lambda y, t: y, [1.0], [0.0, 1.0], 1e-8, 1000).states
        >>> round(states[1][0], 6)
        2.718282
    """
    y, t = [x + 0.0 for x in start], times[0] + 0.0
    velocity = field(y, t)
    size = first_step(_scaled(y, [y], tolerance), _scaled(velocity, [y], tolerance))
    states, steps, before = [y], 0, 1.0
    for target in times[1:]:
        way = abs(primal(target) - primal(t))
        is_there = False
        while not is_there:
            rest = target - t
            is_last = size >= abs(primal(rest))
            step = rest if is_last else math.copysign(size, primal(rest))
            if steps == most or not (is_last or size > smallest_step(primal(t), way)):
                return Course(states, steps, primal(t), False)
            moved, after, error = _step(field, y, t, step, velocity, tolerance)
            steps += 1
            is_good = error <= 1.0
            tried = abs(primal(step))
            grown = tried * growth(error, before, is_good)
            size = max(size, grown) if is_last and is_good else grown
            if is_good:
                y, velocity = moved, after
                t = target if is_last else t + step
                is_there = is_last
                before = max(error, SMALLEST_ERROR)
        states.append(y)
    return Course(states, steps, primal(t), True)


def first_step(state: float, velocity: float) -> float:
    """The length of the first step, given how large state and velocity are."""
    is_known = state > 1e-5 and velocity > 1e-5
    return FIRST_PART * state / velocity if is_known else 1e-6


def smallest_step(time: float, way: float) -> float:
    """The length that no step may fall below."""
    return SMALLEST_STEP * max(abs(time), way)


def growth(error: float, before: float, is_good: bool) -> float:
    """How many times as long the next step is.

    Args:
        error: of this step, as a part of the tolerance.
        before: of the last good one.
        is_good: whether this one is.
    """
    if not error < math.inf:
        return LEAST_GROWTH
    factor = SAFETY * max(error, SMALLEST_ERROR) ** -PROPORTIONAL * before**INTEGRAL
    return min(max(factor, LEAST_GROWTH), MOST_GROWTH if is_good else 1.0)


def _step(
    field: Field, y: Row, t: Any, step: Any, velocity: Row, tolerance: float
) -> tuple[Row, Row, float]:
    """The state after a step, the velocity there, and the error as a part of the tolerance."""
    slopes = [velocity]
    for node, weights in zip(NODES[1:], STAGES[1:], strict=True):
        slopes.append(field(_moved(y, step, weights, slopes), t + node * step))
    moved = _moved(y, step, WEIGHTS, slopes)
    after = field(moved, t + step)
    slopes.append(after)
    size = primal(step)
    errors = [
        size * sum(w * primal(k) for w, k in zip(CHECKS, column, strict=True))
        for column in zip(*slopes, strict=True)
    ]
    return moved, after, _scaled(errors, [y, moved], tolerance)


def _moved(y: Row, step: Any, weights: Sequence[float], slopes: Sequence[Row]) -> Row:
    """The state moved along a sum of velocities."""
    terms = [(w, slope) for w, slope in zip(weights, slopes, strict=True) if w]
    found = []
    for index, x in enumerate(y):
        total = terms[0][0] * terms[0][1][index]
        for weight, slope in terms[1:]:
            total = total + weight * slope[index]
        found.append(x + step * total)
    return found


def _scaled(row: Row, states: Sequence[Row], tolerance: float) -> float:
    """The root of the mean square of numbers, each measured by what is allowed for it."""
    total = 0.0
    for index, x in enumerate(row):
        size = max(abs(primal(state[index])) for state in states)
        part = abs(primal(x)) / (tolerance * (1.0 + size))
        total += part * part if part < 1e150 else math.inf
    return math.sqrt(total / len(row)) if total == total else math.inf

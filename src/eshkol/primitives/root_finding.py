"""Algorithms that solve equations, whatever computes with them.

Each works on :class:`Equations`: those of the host, on lists of Python numbers, or those of
tensors, whose loops are compiled. A step is the same in both. Sources: Nocedal and Wright,
"Numerical Optimization", 2nd edition, chapter 11 (damped Newton, Broyden); Press et al.,
"Numerical Recipes", 3rd edition, section 9.4 (Newton inside of a bracket); Walker and Ni,
"Anderson acceleration for fixed-point iterations", 2011.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

Point = Any
"""The unknowns: a list, or a tensor of rank 1."""

State = tuple[Any, ...]

MOST_HALVINGS = 16
"""How often a step that does not help is halved."""

ENOUGH_DECREASE = 1e-4
MEMORY = 5
"""Of how many steps Anderson acceleration remembers the changes."""


class Equations(Protocol):
    """As many equations as unknowns, and what an algorithm computes with."""

    def residual(self, x: Point) -> Point:
        """What is to become zero, at ``x``."""

    def newton_step(self, x: Point, residual: Point) -> Point:
        """The step to where the linearized equations hold."""

    def inverse_jacobian(self, x: Point) -> Any:
        """The inverse of the matrix of derivatives."""

    def apply(self, matrix: Any, x: Point) -> Point:
        """The product of a matrix and a point."""

    def updated(self, inverse: Any, move: Point, change: Point) -> Any:
        """Broyden's update of an approximate inverse after a move that changed the residual."""

    def mixed(self, history: Any, change: Point) -> Point:
        """What Anderson acceleration subtracts from ``change``, the step of an iteration."""

    def no_history(self, count: int, x: Point) -> Any:
        """A history with room for ``count`` moves from points like ``x``."""

    def remember(self, history: Any, move: Point, difference: Point) -> Any:
        """The history with one more pair of a move and how the step of the iteration changed."""

    def each(self, function: Callable[..., Any], *points: Point) -> Point:
        """``function`` of the elements, which may use ``+ - * /``."""

    def norm(self, x: Point) -> Any:
        """The Euclidean length."""

    def sign(self, x: Point) -> Any:
        """The sign of the only element."""

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """``x`` where the condition holds, else ``y``."""

    def repeat(self, test: Callable[..., Any], step: Callable[..., State], state: State) -> State:
        """The state after as many steps as ``test`` holds before."""


class Found(NamedTuple):
    """What an algorithm ends with.

    Attributes:
        x: the point.
        residual: the length of the residual there.
        is_found: whether it converged.
    """

    x: Point
    residual: Any
    is_found: Any


def negation(condition: Any) -> Any:
    """Whether a condition does not hold, also of an array."""
    return condition ^ True


def _along(a: Equations, x: Point, scale: Any, move: Point) -> Point:
    return a.each(lambda u, v: u + scale * v, x, move)


def _is_short(a: Equations, move: Point, x: Point, tolerance: Any) -> Any:
    size = a.norm(x)
    return (a.norm(move) <= tolerance * (1.0 + size)) & (size < math.inf)


def _is_endless(a: Equations, move: Point) -> Any:
    return negation(a.norm(move) < math.inf)


def newton(a: Equations, x: Point, tolerance: Any, steps: Any) -> Found:
    """Newton's method; a step that does not make the residual smaller is halved."""

    def goes_on(x: Point, r: Point, is_found: Any, is_lost: Any, count: Any) -> Any:
        return (count < steps) & negation(is_found | is_lost)

    def step(x: Point, r: Point, is_found: Any, is_lost: Any, count: Any) -> State:
        move = a.newton_step(x, r)
        is_last, is_lost = _is_short(a, move, x, tolerance), _is_endless(a, move)
        moved, found = _damped(a, x, r, move, is_last | is_lost)
        # A point that is lost is no use to whoever is told; the one before it is.
        x, r = a.choose(is_lost, x, moved), a.choose(is_lost, r, found)
        return x, r, is_last, is_lost, count + 1

    r = a.residual(x)
    x, r, is_found, _, _ = a.repeat(goes_on, step, (x, r, a.norm(r) <= 0.0, False, 0))
    return Found(x, a.norm(r), is_found)


def _damped(a: Equations, x: Point, r: Point, move: Point, is_last: Any) -> tuple[Point, Point]:
    """Where a step leads that is halved until it helps; the whole step if it is the last."""
    size = a.norm(r)

    def is_too_long(scale: Any, moved: Point, found: Point, count: Any) -> Any:
        helps = a.norm(found) <= (1.0 - ENOUGH_DECREASE * scale) * size
        return (count < MOST_HALVINGS) & negation(helps | is_last)

    def halve(scale: Any, moved: Point, found: Point, count: Any) -> State:
        scale = 0.5 * scale
        moved = _along(a, x, scale, move)
        return scale, moved, a.residual(moved), count + 1

    moved = _along(a, x, 1.0, move)
    return a.repeat(is_too_long, halve, (1.0, moved, a.residual(moved), 0))[1:3]


def broyden(a: Equations, x: Point, tolerance: Any, steps: Any) -> Found:
    """Broyden's first method: derivatives are taken at the start alone."""

    def goes_on(x: Point, r: Point, inverse: Any, is_found: Any, is_lost: Any, count: Any) -> Any:
        return (count < steps) & negation(is_found | is_lost)

    def step(x: Point, r: Point, inverse: Any, is_found: Any, is_lost: Any, count: Any) -> State:
        move = a.each(lambda u: -1.0 * u, a.apply(inverse, r))
        is_last, is_lost = _is_short(a, move, x, tolerance), _is_endless(a, move)
        moved, found = _damped(a, x, r, move, is_last | is_lost)
        taken = a.each(lambda u, v: u - v, moved, x)
        change = a.each(lambda u, v: u - v, found, r)
        inverse = a.updated(inverse, taken, change)
        x, r = a.choose(is_lost, x, moved), a.choose(is_lost, r, found)
        return x, r, inverse, is_last, is_lost, count + 1

    r = a.residual(x)
    start = (x, r, a.inverse_jacobian(x), a.norm(r) <= 0.0, False, 0)
    x, r, _, is_found, _, _ = a.repeat(goes_on, step, start)
    return Found(x, a.norm(r), is_found)


def bracketed(
    a: Equations, low: Point, high: Point, tolerance: Any, steps: Any, bisects: bool
) -> Found:
    """The root between two points where the only residual has different signs.

    Newton's steps are taken where they stay inside and get on; else, and everywhere if
    ``bisects``, the middle is tried.
    """

    def middle_of(low: Point, high: Point) -> Point:
        return a.each(lambda u, v: u + 0.5 * (v - u), low, high)

    def goes_on(x: Point, r: Point, low: Point, high: Point, size: Any, *rest: Any) -> Any:
        is_found, count = rest
        return (count < steps) & negation(is_found)

    def step(x: Point, r: Point, low: Point, high: Point, size: Any, *rest: Any) -> State:
        is_left = a.sign(r) * sign <= 0.0  # on the side of ``low``
        low, high = a.choose(is_left, x, low), a.choose(is_left, high, x)
        middle = middle_of(low, high)
        moved = middle
        if not bisects:
            tried = _along(a, x, 1.0, a.newton_step(x, r))
            inside = a.norm(a.each(lambda u, v: u - v, tried, middle)) <= 0.5 * width(low, high)
            gets_on = a.norm(a.each(lambda u, v: u - v, tried, x)) <= 0.5 * size
            moved = a.choose(inside & gets_on, tried, middle)
        taken = a.each(lambda u, v: u - v, moved, x)
        found = a.residual(moved)
        is_exact = a.norm(found) <= 0.0
        is_short = _is_short(a, taken, x, tolerance) | is_exact
        return moved, found, low, high, a.norm(taken), is_short, rest[1] + 1

    def width(low: Point, high: Point) -> Any:
        return a.norm(a.each(lambda u, v: u - v, high, low))

    first, last = a.residual(low), a.residual(high)
    # The sign at the upper end: times it, residuals grow from low to high.
    sign = a.sign(last)
    is_sound = a.sign(first) * sign <= 0.0
    is_low = (a.norm(first) <= 0.0) & is_sound
    is_end = is_low | ((a.norm(last) <= 0.0) & is_sound)
    end = a.choose(is_low, low, high)
    x = a.choose(is_end, end, middle_of(low, high))
    start = (x, a.residual(x), low, high, width(low, high), is_end | negation(is_sound), 0)
    x, r, _, _, _, is_found, _ = a.repeat(goes_on, step, start)
    # At a pole the sign changes too, and the residual grows.
    is_root = a.norm(r) <= a.norm(first) + a.norm(last)
    return Found(x, a.norm(r), is_found & is_sound & is_root)


def anderson(a: Equations, x: Point, tolerance: Any, steps: Any, memory: int = MEMORY) -> Found:
    """Fixed-point iteration with Anderson acceleration; without memory it is plain iteration.

    The residual is the point minus its image, the opposite of the iteration's step.
    """

    def goes_on(x: Point, r: Point, history: Any, is_found: Any, is_lost: Any, count: Any) -> Any:
        return (count < steps) & negation(is_found | is_lost)

    def step(x: Point, r: Point, history: Any, is_found: Any, is_lost: Any, count: Any) -> State:
        move = a.each(lambda u: -1.0 * u, r)
        if memory:
            move = a.each(lambda u, v: u - v, move, a.mixed(history, move))
        moved = _along(a, x, 1.0, move)
        found = a.residual(moved)
        if memory:
            difference = a.each(lambda u, v: u - v, r, found)
            history = a.remember(history, move, difference)
        is_last, is_lost = _is_short(a, found, moved, tolerance), _is_endless(a, found)
        x, r = a.choose(is_lost, x, moved), a.choose(is_lost, r, found)
        return x, r, history, is_last, is_lost, count + 1

    r = a.residual(x)
    history = a.no_history(memory, x)
    start = (x, r, history, _is_short(a, r, x, tolerance), False, 0)
    x, r, _, is_found, _, _ = a.repeat(goes_on, step, start)
    # The image is nearer to the fixed point than the point is.
    image = a.each(lambda u, v: u - v, x, r)
    return Found(a.choose(is_found, image, x), a.norm(r), is_found)


def iteration(a: Equations, x: Point, tolerance: Any, steps: Any) -> Found:
    """Plain fixed-point iteration."""
    return anderson(a, x, tolerance, steps, memory=0)

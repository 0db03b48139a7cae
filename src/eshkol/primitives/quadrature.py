"""Adaptive quadrature: the rule, and the algorithm on Python numbers.

An interval is measured by the 21 points of a Gauss-Kronrod rule; as long as the errors are too
large together, the interval with the largest one is halved. Source: Piessens et al., "QUADPACK",
1983 (``QAG``), with its estimate of the error. Numbers may carry derivatives: their errors are
kept small too.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eshkol.autodiff.perturbations import TAGGED, NeedsForward, settled
from eshkol.autodiff.taylor import Taylor

Row = list[Any]

_HALF = (
    # the point, its weight among 21, its weight among 10
    (0.995657163025808080735527280689003, 0.011694638867371874278064396062192, 0.0),
    (
        0.973906528517171720077964012084452,
        0.032558162307964727478818972459390,
        0.066671344308688137593568809893332,
    ),
    (0.930157491355708226001207180059508, 0.054755896574351996031381300244580, 0.0),
    (
        0.865063366688984510732096688423493,
        0.075039674810919952767043140916190,
        0.149451349150580593145776339657697,
    ),
    (0.780817726586416897063717578345042, 0.093125454583697605535065465083366, 0.0),
    (
        0.679409568299024406234327365114874,
        0.109387158802297641899210590325805,
        0.219086362515982043995534934228163,
    ),
    (0.562757134668604683339000099272694, 0.123491976262065851077958109831074, 0.0),
    (
        0.433395394129247190799265943165784,
        0.134709217311473325928054001771707,
        0.269266719309996355091226921569469,
    ),
    (0.294392862701460198131126603103866, 0.142775938577060080797094273138717, 0.0),
    (
        0.148874338981631210884826001129720,
        0.147739104901338491374841515972068,
        0.295524224714752870173892994651338,
    ),
)
_MIDDLE = (0.0, 0.149445554002916905664936468389821, 0.0)
_POINTS = (*((-x, v, w) for x, v, w in _HALF), _MIDDLE, *reversed(_HALF))

NODES = tuple(x for x, _, _ in _POINTS)
"""The points of the rule in the interval from -1 to 1."""

WEIGHTS = tuple(v for _, v, _ in _POINTS)
"""Their weights."""

CHECKS = tuple(v - w for _, v, w in _POINTS)
"""By how much they differ from those of Gauss's rule of 10 of the points."""

SHARPNESS = 200.0
"""In the estimate of errors: about where it begins to believe in convergence."""


class Sizes(NamedTuple):
    """Lengths: of numbers, and of the derivatives that they carry."""

    values: float
    slopes: float


class Panel(NamedTuple):
    """An interval that has been measured.

    Attributes:
        low, high: its ends.
        values: the integrals.
        error: how large their error is.
        whole: how large the integral of the absolute value is.
    """

    low: float
    high: float
    values: Row
    error: Sizes
    whole: Sizes


class Integral(NamedTuple):
    """An integral: its values, their error and whether that is small enough."""

    values: Row
    error: float
    is_found: bool


def integral(
    function: Callable[[float], Row], low: float, high: float, tolerance: float, most: int
) -> Integral:
    """The integrals of the numbers that a function of a plain number gives.

    Args:
        function: gives a list of numbers.
        low, high: the ends, finite.
        tolerance: of the error, as a part of the integral of the absolute value.
        most: into how many intervals it may be cut.

    Raises:
        NeedsForward: a number carries a derivative backwards, whose error is not known on the way.

    Example:
        >>> round(integral(lambda x: [x * x], 0.0, 3.0, 1e-10, 10).values[0], 9)
        9.0
    """
    first = _measured(function, low, high)
    panels = [(-sum(first.error), 0, first)]
    error, whole = first.error, first.whole
    count = 1
    while count < most and _goes_on(error, whole, tolerance):
        worst = heapq.heappop(panels)[2]
        middle = worst.low + 0.5 * (worst.high - worst.low)
        for ends in ((worst.low, middle), (middle, worst.high)):
            panel = _measured(function, *ends)
            heapq.heappush(panels, (-sum(panel.error), len(panels) + 2 * count, panel))
        count += 1
        error = _total([panel.error for _, _, panel in panels])
        whole = _total([panel.whole for _, _, panel in panels])
    rows = [panel.values for _, _, panel in panels]
    is_found = _is_small(error, whole, tolerance)
    return Integral([_sum(column) for column in zip(*rows, strict=True)], error.values, is_found)


def _measured(function: Callable[[float], Row], low: float, high: float) -> Panel:
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    rows = [function(middle + half * x) for x in NODES]
    columns = list(zip(*rows, strict=True))
    values = [half * _weighed(WEIGHTS, column) for column in columns]
    rough = sizes_of([half * _weighed(CHECKS, column) for column in columns])
    means = [0.5 * _weighed(WEIGHTS, column) for column in columns]
    spread = [sizes_of([x - mean for x, mean in zip(row, means, strict=True)]) for row in rows]
    wholes = [sizes_of(row) for row in rows]
    width = abs(half)
    error, whole = [], []
    for part in (0, 1):
        variation = width * _weighed(WEIGHTS, [sizes[part] for sizes in spread])
        error.append(believed(rough[part], variation))
        whole.append(width * _weighed(WEIGHTS, [sizes[part] for sizes in wholes]))
    return Panel(low, high, values, Sizes(*error), Sizes(*whole))


def believed(difference: float, variation: float) -> float:
    """The error of an interval where the rules differ and the function varies by so much."""
    if variation > 0 and difference > 0:
        return variation * min(1.0, (SHARPNESS * difference / variation) ** 1.5)
    return difference


def _goes_on(error: Sizes, whole: Sizes, tolerance: float) -> bool:
    """Whether it makes sense to cut an interval: a number that is none stays so."""
    return all(map(math.isfinite, error)) and not _is_small(error, whole, tolerance)


def _is_small(error: Sizes, whole: Sizes, tolerance: float) -> bool:
    return all(e <= tolerance * w < math.inf for e, w in zip(error, whole, strict=True))


def _total(sizes: Sequence[Sizes]) -> Sizes:
    return Sizes(math.fsum(s.values for s in sizes), math.fsum(s.slopes for s in sizes))


def _weighed(weights: Sequence[float], column: Sequence[Any]) -> Any:
    return _sum([weight * x for weight, x in zip(weights, column, strict=True)])


def _sum(numbers: Sequence[Any]) -> Any:
    if all(number.__class__ is float for number in numbers):
        return math.fsum(numbers)
    total: Any = 0.0
    for number in numbers:
        total = total + number
    return total


def sizes_of(numbers: Sequence[Any]) -> Sizes:
    """The lengths of some numbers and of the derivatives that they carry.

    Raises:
        NeedsForward: a number is on a tape.
    """
    values, slopes = [], []
    for number in numbers:
        inner = settled(number)
        while inner.__class__ in TAGGED:
            if not isinstance(inner, Taylor):
                raise NeedsForward(inner.tag)
            slopes += [_magnitude(term) for term in inner.coefficients[1:]]
            inner = settled(inner.value)
        values.append(abs(inner))
    return Sizes(math.hypot(*values), math.hypot(*slopes))


def _magnitude(number: Any) -> float:
    return math.hypot(*sizes_of([number]))


# ---- infinite intervals


def substitution(low: float, high: float) -> str:
    """How an interval from ``low`` to ``high`` is made finite; empty if it is."""
    ends = ("from " if math.isinf(low) else "") + ("to " if math.isinf(high) else "")
    return ends.strip()


def substituted(kind: str, t: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The point of an infinite interval that stands for ``t`` from 0 to 1, and its slope.

    Args:
        kind: of :func:`substitution`.
        t: the number.
        low: the lower end, if it is finite.
        high: the upper end, if it is finite.
    """
    # Near 0 there are far more doubles than near 1, so that is where the infinite end is.
    if kind == "to":
        return low + (1.0 - t) / t, 1.0 / (t * t)
    if kind == "from":
        return high - (1.0 - t) / t, 1.0 / (t * t)
    x = 2.0 * t - 1.0
    rest = 1.0 - x * x
    return x / rest, 2.0 * (1.0 + x * x) / (rest * rest)

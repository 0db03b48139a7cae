"""``odeint``: initial value problems of ordinary differential equations, with derivatives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from eshkol import autodiff
from eshkol.autodiff.structures import flatten, flatten_result, unflatten
from eshkol.base.errors import BadValue, EshkolError, ShapeError, WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.values import Vector
from eshkol.datum.write import rounded_string, short_string
from eshkol.primitives.arguments import size_argument
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.implicit import TOLERANCE, tolerance_argument
from eshkol.primitives.points import check_numbers, check_procedure, is_number_sequence
from eshkol.primitives.runge_kutta import course

TENSOR_RULE = "eshkol.xla.differential_equations:odeint"

WHO = "odeint"


@primitive("odeint")
def odeint(function, start, times, *, tolerance=None, max_steps=10000):
    """The states that a differential equation leads to at some times, with their derivatives.

    Args:
        function: called with the state and the time (or the state alone, if it takes one
            argument); gives the velocity, as many numbers as the state has. What it captures are
            parameters.
        start: the state at the first time: a number, tensor or structure.
        times: a vector, list or tensor of two numbers or more, the first of which is that of the
            start; they may go backwards.
        tolerance: of the error of a step, measured by one plus the size of each number; by default
            about 1.5e-8, or 3e-4 for float32.
        max_steps: how many steps are tried at most.

    Returns:
        A vector of the states at the times, in the structure of ``start``. The states of a tensor
        are one tensor, whose first axis is that of the times; so are those of a number in
        compiled code and where tensors take part. ``(vector-ref states i)`` is a state of all.

    Raises:
        BadValue: the last time is not reached, since the solution goes to infinity before, say;
            in compiled code when the program runs.
        ShapeError: the velocity has not as many numbers as the state.

    It has derivatives of all kinds and orders, with respect to the start, the times and what is
    captured: those of the steps that were made. Method: Dormand and Prince's pair of orders 5 and
    4 ("A family of embedded Runge-Kutta formulae", 1980) with a PI controller; not for stiff
    equations.

    Example:
        ``(round (* 1e6 (vref (odeint (lambda (y t) (- y)) 1.0 '(0 1)) 1)))`` ⇒ ``367879.0``;
        ``(round (* 1e6 (gradient (lambda (k) (vref (odeint (lambda (y) (* k y)) 1.0 '(0 1)) 1))
        1.0)))`` ⇒ ``2718282.0``.
    """
    check_procedure(WHO, function)
    most = size_argument(WHO, max_steps)
    tolerance = tolerance_argument(WHO, tolerance)
    _check_times(times)
    try:
        return autodiff.attempted(_on_host, function, start, times, tolerance, most)
    except autodiff.NeedsTensors:
        return load(TENSOR_RULE)(function, start, times, tolerance, most)


def _check_times(times: Any) -> None:
    if is_array(times):
        is_good = len(times.shape) == 1 and times.shape[0] > 1
    else:
        is_good = is_number_sequence(times) or isinstance(times, list | tuple)
        is_good = is_good and len(list(times)) > 1
    if not is_good:
        raise WrongType(
            f"{WHO}: expected a list of two times or more, got {short_string(times)}",
            hint="the first is the time of the start: (odeint f y0 '(0 1))",
        )


def _on_host(function: Any, start: Any, times: Any, tolerance: Any, most: int) -> Any:
    if is_array(times):
        raise autodiff.NeedsTensors
    moments, _ = flatten(Vector(times))
    numbers, structure = flatten(start)
    check_numbers(WHO, start, numbers)
    called = autodiff.foreign(with_time(function, callee(function)))

    def field(y: list[Any], t: Any) -> list[Any]:
        velocity, _ = flatten_result(WHO, called(unflatten(structure, y), t))
        if len(velocity) != len(y):
            raise velocity_count(len(velocity), len(y))
        return velocity

    limit = default_tolerance(TOLERANCE) if tolerance is None else tolerance
    found = course(field, numbers, moments, limit, most)
    if not found.is_done:
        raise not_reached(moments[-1], found.steps, found.time)
    return Vector(unflatten(structure, state) for state in found.states)


def default_tolerance(precision: float) -> float:
    """The tolerance for numbers of such a relative precision."""
    return precision**0.5


def with_time(function: Any, called: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """``called`` as a function of state and time, if ``function`` takes the state alone."""
    function = getattr(function, "eshkol_operand", function)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return called
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_rest = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if len(positional) == 1 and not takes_rest:
        return lambda y, t: called(y)
    return called


# ---- errors


def velocity_count(velocity: int, state: int) -> EshkolError:
    """The error for a velocity that has more or fewer numbers than the state."""
    return ShapeError(
        f"{WHO}: expected a velocity of as many numbers as the state has, {state}, got {velocity}"
    )


def not_reached(last: Any, steps: Any, time: Any) -> EshkolError:
    """The error for an integration that did not get to the end."""
    return BadValue(
        f"{WHO}: expected to reach the time {short_string(last)}, got to "
        f"{rounded_string(time, 7)} in {steps} steps",
        hint="does the solution go to infinity there? else allow more #:max-steps or a larger "
        "#:tolerance; a stiff equation takes an implicit method, such as root in a loop",
    )

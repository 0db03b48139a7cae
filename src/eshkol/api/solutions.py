"""Solutions from Python: ``root``, ``fixed_point``, ``argmin``, ``integrate``, ``odeint``.

The functions are those of Scheme programs; wherever one takes a procedure, it also takes Scheme
text that gives one. What a Python function captures is a parameter if JAX traces it.
"""

from __future__ import annotations

from typing import Any

from eshkol.api.derivatives import procedure
from eshkol.primitives import differential_equations as _equations
from eshkol.primitives import implicit as _implicit
from eshkol.primitives import integration as _integration
from eshkol.runtime.boundary import bounded


@bounded
def root(
    function: Any,
    start: Any = None,
    /,
    *,
    bracket: Any = None,
    method: str | None = None,
    tolerance: float | None = None,
    max_steps: int = 100,
) -> Any:
    """Where a function gives zero, with the derivatives of that point.

    Args:
        function: from the unknowns to as many numbers, which become zero.
        start: where to begin: a number, array or structure.
        bracket: instead, two numbers between which the sign changes, for one unknown.
        method: ``"newton"`` (default), ``"broyden"``, or with a bracket ``"bisection"``.
        tolerance: it ends with a step that is shorter, measured by one plus the length of the
            point; by default about 4e-11, or 2e-5 for float32.
        max_steps: how many at most.

    Raises:
        BadValue: it is not found.

    Example:
        >>> import eshkol as ek
        >>> ek.root(lambda x: x * x - 9.0, 1.0)
        3.0
    """
    return _implicit.root(
        procedure(function),
        start,
        bracket=bracket,
        method=method,
        tolerance=tolerance,
        max_steps=max_steps,
    )


@bounded
def fixed_point(
    function: Any,
    start: Any,
    /,
    *,
    method: str | None = None,
    tolerance: float | None = None,
    max_steps: int | None = None,
) -> Any:
    """Where a function gives its argument, with the derivatives of that point.

    Args:
        function: from the unknowns to something of their structure.
        start: as for :func:`root`.
        method: ``"anderson"`` (default), ``"iteration"`` or ``"newton"``.
        tolerance: as for :func:`root`, of the distance between the point and its image.
        max_steps: how many at most: by default 1000, for Newton's method 100.

    Raises:
        BadValue: it is not found.

    Example:
        >>> import eshkol as ek
        >>> ek.fixed_point(lambda x: (x + 4.0 / x) / 2, 1.0)
        2.0
    """
    return _implicit.fixed_point(
        procedure(function), start, method=method, tolerance=tolerance, max_steps=max_steps
    )


@bounded
def argmin(
    function: Any,
    start: Any,
    /,
    *,
    method: str | None = None,
    tolerance: float | None = None,
    max_steps: int = 200,
) -> Any:
    """Where a function is smallest near a point, with the derivatives of that place.

    Args:
        function: gives one number, twice differentiable there.
        start: as for :func:`root`; also a model.
        method: ``"l-bfgs"`` (default) or ``"conjugate-gradient"``.
        tolerance: as for :func:`root`.
        max_steps: how many at most before Newton's.

    Raises:
        BadValue: it is not found.

    Example:
        >>> import eshkol as ek
        >>> ek.argmin(lambda x: (x - 3.0) * (x - 3.0), 0.0)
        3.0
    """
    return _implicit.argmin(
        procedure(function), start, method=method, tolerance=tolerance, max_steps=max_steps
    )


@bounded
def integrate(
    function: Any,
    low: Any,
    high: Any,
    /,
    *,
    tolerance: float | None = None,
    max_intervals: int = 200,
) -> Any:
    """The integral of a function from one number to another, with its derivatives.

    Args:
        function: from a number to a number, array or structure of numbers.
        low: where the integral begins, also ``-math.inf``.
        high: where it ends, also ``math.inf``.
        tolerance: of the error, as a part of the integral of the absolute value; by default about
            4e-11, or 2e-5 for float32.
        max_intervals: into how many intervals it is cut at most.

    Raises:
        BadValue: the error is not small enough.

    Example:
        >>> import eshkol as ek
        >>> ek.integrate(lambda x: 3 * x * x, 0, 2)
        8.0
    """
    return _integration.integrate(
        procedure(function), low, high, tolerance=tolerance, max_intervals=max_intervals
    )


@bounded
def odeint(
    function: Any,
    start: Any,
    times: Any,
    /,
    *,
    tolerance: float | None = None,
    max_steps: int = 10000,
) -> Any:
    """The states that a differential equation leads to at some times, with their derivatives.

    Args:
        function: called with the state and the time, or the state alone if it takes one argument;
            gives the velocity.
        start: the state at the first time: a number, array or structure.
        times: two numbers or more, the first of which is that of the start.
        tolerance: of the error of a step, measured by one plus the size of each number; by default
            about 1.5e-8, or 3e-4 for float32.
        max_steps: how many steps are tried at most.

    Raises:
        BadValue: the last time is not reached.

    Example:
        >>> import eshkol as ek
        >>> [round(y, 6) for y in ek.odeint(lambda y, t: -y, 1.0, [0, 1, 2])]
        [1.0, 0.367879, 0.135335]
    """
    return _equations.odeint(
        procedure(function), start, times, tolerance=tolerance, max_steps=max_steps
    )

"""Solutions of equations: roots, fixed points, minima, with the derivatives they have.

The equations are what a procedure computes; what it captured are their parameters. A solution is
a function of these, and its derivatives are those of the implicit function theorem: how it was
found, from where and in how many steps does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol import autodiff
from eshkol.autodiff import multivariate
from eshkol.autodiff.perturbations import primal
from eshkol.autodiff.structures import flatten_result, unflatten
from eshkol.base.errors import ArityError, BadValue, EshkolError, ShapeError, WrongType
from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.primitives import minimizers, root_finding
from eshkol.primitives.arguments import size_argument
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.equations import HostEquations, Residuals, Row, moving_root, plain
from eshkol.primitives.numbers import not_a_number
from eshkol.primitives.points import check_numbers, check_procedure, is_scalar, point_of
from eshkol.primitives.tensor_reductions import argmin as tensor_argmin

XLA = "eshkol.xla.implicit:"

TOLERANCE = 2.0**-52
"""Of doubles; the default tolerance is this to the power of 2/3."""

DEFAULT_EXPONENT = 2 / 3


@primitive("root")
def root(function, start=None, *, bracket=None, method=None, tolerance=None, max_steps=100):
    """Where a procedure gives zero, with the derivatives of that point.

    Args:
        function: from the unknowns to as many numbers, which become zero. What it captures are
            parameters: the root has derivatives with respect to them.
        start: where to begin: a number, tensor or structure; a vector or list of numbers is spread
            over the parameters of a procedure that takes so many.
        bracket: instead, two numbers between which the sign changes, for one unknown.
        method: ``'newton`` (default), which halves steps that do not help and inside of a bracket
            falls back on bisection; ``'broyden``, which takes derivatives once; with a bracket
            also ``'bisection``.
        tolerance: it ends with a step that is shorter, measured by one plus the length of the
            point; by default about 4e-11, or 2e-5 for float32.
        max_steps: how many at most.

    Returns:
        The root, in the structure of ``start``; inexact.

    Raises:
        BadValue: it is not found; in compiled code when the program runs.
        ShapeError: there are not as many equations as unknowns.

    Derivatives of all kinds and orders are those of the implicit function theorem (Krantz and
    Parks, "The Implicit Function Theorem", 2002); they need a Jacobian that has an inverse there.

    Example:
        ``(root (lambda (x) (- (* x x) 9.0)) 1.0)`` ⇒ ``3.0``;
        ``(gradient (lambda (a) (root (lambda (x) (- (* x x) a)) 1.0)) 4.0)`` ⇒ ``0.25``;
        ``(root (lambda (x y) (list (- (+ x y) 3) (- x y 1))) #(0.0 0.0))`` ⇒ ``#(2.0 1.0)``.
    """
    who = "root"
    check_procedure(who, function)
    steps = size_argument(who, max_steps)
    tolerance = tolerance_argument(who, tolerance)
    methods = ("newton", "broyden") if bracket is None else ("newton", "bisection")
    method = _method(who, method, methods)
    if (start is None) is (bracket is None):
        raise ArityError(
            f"{who}: expected either a start or a #:bracket, got {_both_or_none(start)}",
            hint="use: (root f start) or (root f #:bracket '(low high))",
        )
    ends = None if bracket is None else _ends(who, bracket)

    def host() -> Any:
        if ends is None:
            return _solved(who, function, start, method, tolerance, steps)
        return _solved_between(who, function, ends, method, tolerance, steps)

    if ends is not None:
        start = Vector(ends)
    settings = (tolerance, steps)
    return _or_on_tensors(
        who, host, function, start, "bracketed " * (ends is not None) + method, *settings
    )


def _both_or_none(start: Any) -> str:
    return "neither" if start is None else "both"


@primitive("fixed-point")
def fixed_point(function, start, *, method=None, tolerance=None, max_steps=None):
    """Where a procedure gives its argument, with the derivatives of that point.

    Args:
        function: from the unknowns to something of their structure. What it captures are
            parameters, as for ``root``.
        start: as for ``root``.
        method: ``'anderson`` (default), iteration that learns from its last 5 steps;
            ``'iteration``, plain; ``'newton``, on the difference.
        tolerance: as for ``root``, of the distance between the point and its image.
        max_steps: how many at most: by default 1000, for Newton's method 100.

    Returns:
        The fixed point, in the structure of ``start``; inexact.

    Raises:
        BadValue: it is not found; in compiled code when the program runs.
        ShapeError: the procedure gives more or fewer numbers than it takes.

    Sources: Walker and Ni, "Anderson acceleration for fixed-point iterations", 2011; derivatives
    as for ``root``.

    Example:
        ``(fixed-point (lambda (x) (/ (+ x (/ 4.0 x)) 2)) 1.0)`` ⇒ ``2.0``;
        ``(gradient (lambda (a) (fixed-point (lambda (x) (+ (* a x) 1)) 0.0)) 0.5)`` ⇒ ``4.0``.
    """
    who = "fixed-point"
    check_procedure(who, function)
    method = _method(who, method, ("anderson", "iteration", "newton"))
    steps = (100 if method == "newton" else 1000) if max_steps is None else max_steps
    steps = size_argument(who, steps)
    tolerance = tolerance_argument(who, tolerance)

    def host() -> Any:
        return _solved(who, function, start, method, tolerance, steps)

    return _or_on_tensors(who, host, function, start, method, tolerance, steps)


@primitive("argmin")
def argmin(
    function,
    start=None,
    *,
    axis=None,
    keepdims=False,
    method=None,
    tolerance=None,
    max_steps=200,
):
    """Where a procedure is smallest near a point, with the derivatives of that place.

    Of a tensor it is ``tensor-argmin``: the index of the smallest element, along ``axis`` (which
    may stand in the place of the start) if there is one.

    Args:
        function: gives one number, twice differentiable there. What it captures are parameters,
            as for ``root``.
        start: as for ``root``; also a model or any structure that holds tensors.
        axis: of a tensor.
        keepdims: of a tensor, whether the axis stays, with size 1.
        method: ``'l-bfgs`` (default) or ``'conjugate-gradient``; both end with Newton's method.
        tolerance: as for ``root``, of the last of Newton's steps.
        max_steps: how many at most before Newton's.

    Returns:
        The place of the minimum, in the structure of ``start``; inexact.

    Raises:
        BadValue: it is not found; in compiled code when the program runs.
        WrongType: the procedure does not give one number.

    The derivatives are those of a root of the gradient (see ``root``).

    Example:
        ``(argmin (lambda (x) (square (- x 3.0))) 0.0)`` ⇒ ``3.0``;
        ``(gradient (lambda (a) (argmin (lambda (x) (square (- x (* a a)))) 0.0)) 3.0)`` ⇒ ``6.0``;
        ``(argmin #(4 1 5))`` ⇒ ``1``.
    """
    who = "argmin"
    if not callable(function):
        return tensor_argmin(function, start if axis is None else axis, keepdims=keepdims)
    if start is None:
        raise ArityError(f"{who} of a procedure takes a start", hint="use: (argmin f start)")
    method = _method(who, method, ("l-bfgs", "conjugate-gradient"))
    steps = size_argument(who, max_steps)
    tolerance = tolerance_argument(who, tolerance)

    def host() -> Any:
        return _smallest(who, function, start, method, tolerance, steps)

    return _or_on_tensors(who, host, function, start, method, tolerance, steps)


def _or_on_tensors(
    who: str, host: Callable[[], Any], function: Any, start: Any, *settings: Any
) -> Any:
    """What ``host`` computes; if a tensor turns up, what the tensor rule does."""
    try:
        return autodiff.attempted(host)
    except autodiff.NeedsTensors:
        return load(XLA + who.replace("-", "_"))(function, start, *settings)


# ---- settings


def _method(who: str, method: Any, known: tuple[str, ...]) -> str:
    if method is None:
        return known[0]
    if isinstance(method, Symbol | str) and str(method) in known:
        return str(method)
    shown = ", ".join(f"'{name}" for name in known)
    raise BadValue(
        f"{who}: unknown method {short_string(method)}", hint=f"the methods here are {shown}"
    )


def tolerance_argument(who: str, tolerance: Any) -> Any:
    """The option ``#:tolerance``; None where it is left out."""
    if tolerance is None:
        return None
    if not is_scalar(tolerance) or primal(tolerance).__class__ is complex:
        raise not_a_number(who, tolerance, "a positive real number as #:tolerance")
    if tolerance.__class__ in (int, float) and not tolerance > 0:
        raise BadValue(f"{who}: expected a positive #:tolerance, got {short_string(tolerance)}")
    return primal(tolerance)


def _ends(who: str, bracket: Any) -> list[Any]:
    if isinstance(bracket, Vector | Pair | tuple | list):
        ends = list(bracket)
        if len(ends) == 2 and all(map(is_scalar, ends)):
            return ends
    raise WrongType(f"{who}: expected two numbers as #:bracket, got {short_string(bracket)}")


def default_tolerance(precision: float) -> float:
    """The tolerance for numbers of such a relative precision."""
    return precision**DEFAULT_EXPONENT


# ---- on the host


def _residuals(who: str, function: Any, count: int) -> Residuals:
    """The residuals of the equations that ``who`` solves, of ``count`` unknowns."""

    def residuals(*x: Any) -> Row:
        values, _ = flatten_result(who, function(*x))
        if len(values) != count:
            raise equation_count(who, len(values), count)
        if who == "fixed-point":
            return [autodiff.apply("-", u, v) for u, v in zip(x, values, strict=True)]
        return values

    return residuals


def _solved(who: str, function: Any, start: Any, method: str, tolerance: Any, steps: int) -> Any:
    point = point_of(who, function, [start])
    of_numbers, numbers, structure = point.taken_apart()
    check_numbers(who, point.value, numbers)
    residuals = _residuals(who, of_numbers, len(numbers))
    equations = HostEquations(who, residuals)
    limit = default_tolerance(TOLERANCE) if tolerance is None else tolerance
    found = algorithm(method)(equations, plain(numbers), limit, steps)
    if not found.is_found:
        where = unflatten(structure, found.x)
        raise not_converged(who, steps, found.residual, where, hint_for(who, method))
    return unflatten(structure, moving_root(who, residuals, found.x))


def algorithm(method: str) -> Callable[..., root_finding.Found]:
    """The algorithm of a name; of equations, a start, the tolerance and the number of steps."""
    return getattr(root_finding, method)


def _solved_between(
    who: str, function: Any, ends: list[Any], method: str, tolerance: Any, steps: int
) -> Any:
    point = point_of(who, function, [ends[0]])
    of_numbers, _, _ = point.taken_apart()
    point_of(who, function, [ends[1]]).taken_apart()
    residuals = _residuals(who, of_numbers, 1)
    equations = HostEquations(who, residuals)
    limit = default_tolerance(TOLERANCE) if tolerance is None else tolerance
    low, high = ([end] for end in plain(ends))
    first, last = equations.residual(low)[0], equations.residual(high)[0]
    if not first * last <= 0:
        raise no_sign_change(who, low[0], high[0], first, last)
    found = root_finding.bracketed(equations, low, high, limit, steps, method == "bisection")
    if not found.is_found:
        raise not_converged(who, steps, found.residual, found.x[0], hint_for(who, "bracketed"))
    return moving_root(who, residuals, found.x)[0]


class _Minimand(minimizers.HostArithmetic):
    """A function of plain numbers, whatever derivatives it carries."""

    def value(self, x: Row) -> Any:
        return plain([super().value(x)])[0]

    def gradient(self, x: Row) -> Row:
        return plain(super().gradient(x))

    def value_and_gradient(self, x: Row) -> tuple[Any, Row]:
        value, gradient = super().value_and_gradient(x)
        return plain([value])[0], plain(gradient)


def _smallest(who: str, function: Any, start: Any, method: str, tolerance: Any, steps: int) -> Any:
    point = point_of(who, function, [start])
    of_numbers, numbers, structure = point.taken_apart()
    check_numbers(who, point.value, numbers)
    of_numbers = multivariate.scalar(who, of_numbers)

    def slopes(*x: Any) -> Row:
        return autodiff.gradient(of_numbers, x)

    equations = HostEquations(who, slopes)
    limit = default_tolerance(TOLERANCE) if tolerance is None else tolerance
    found = minimum(_Minimand(who, of_numbers), equations, plain(numbers), method, limit, steps)
    if not found.is_found:
        where = unflatten(structure, found.x)
        raise not_converged(who, steps, found.residual, where, hint_for(who, method))
    return unflatten(structure, moving_root(who, slopes, found.x))


NEWTON_STEPS = 30
"""How many of Newton's steps end a minimization at most."""

COARSE = 1e-5
"""A minimizer ends where the gradient is this part of the first one; Newton's method goes on."""


def minimum(
    a: minimizers.Arithmetic,
    equations: root_finding.Equations,
    x: Any,
    method: str,
    tolerance: Any,
    steps: Any,
) -> root_finding.Found:
    """The minimum that a minimizer comes near to and Newton's method finds.

    Args:
        a: what minimizers compute with.
        equations: that the gradient is zero.
        x: the start.
        method: of minimization.
        tolerance: of Newton's method.
        steps: of the minimizer, at most.
    """
    limit = COARSE * equations.norm(a.gradient(x)) + tolerance
    if method == "l-bfgs":
        near = minimizers.l_bfgs(a, x, steps, limit, 10)
    else:
        near = minimizers.conjugate_gradient(a, x, steps, limit, 0)
    found = root_finding.newton(equations, near, tolerance, NEWTON_STEPS)
    value, gradient = a.value_and_gradient(near)
    unseen = tolerance * (1.0 + abs(value))
    # Newton's method also finds what is no minimum.
    is_lower = a.value(found.x) <= value + unseen
    # A minimizer gets no nearer than to where values are the same in all their digits.
    way = a.each(lambda u, v: u - v, near, found.x)
    slope = equations.norm(gradient)
    is_near = (slope <= limit) | (slope * equations.norm(way) <= unseen)
    return found._replace(is_found=found.is_found & is_lower & is_near)


# ---- errors


def equation_count(who: str, equations: int, unknowns: int) -> ShapeError:
    """The error for a procedure that gives more or fewer numbers than there are unknowns."""
    return ShapeError(
        f"{who}: expected a procedure that gives as many numbers as there are unknowns, "
        f"got {equations} for {unknowns}"
    )


def not_converged(who: str, steps: Any, residual: Any, where: Any, hint: str) -> EshkolError:
    """The error for a search that did not end."""
    what = {
        "root": "a residual of zero",
        "fixed-point": "a point that is its own image",
        "argmin": "a minimum, where the gradient is zero",
    }[who]
    left = {"root": "residual", "fixed-point": "distance", "argmin": "gradient"}[who]
    count = int(steps)
    return BadValue(
        f"{who}: expected {what} after at most {count} step{'s' * (count != 1)}, got the {left} "
        f"{short_string(residual)} at {short_string(where)}",
        hint=hint,
    )


def search_not_ended(who: str, method: str, steps: Any, residual: Any, where: Any) -> EshkolError:
    """The same error, with what to do about it where this method was used."""
    return not_converged(who, steps, residual, where, hint_for(who, method))


def no_sign_change(who: str, low: Any, high: Any, first: Any, last: Any) -> EshkolError:
    """The error for two ends of a bracket where the signs are the same."""
    return BadValue(
        f"{who}: expected a #:bracket where the sign changes, got {short_string(first)} at "
        f"{short_string(low)} and {short_string(last)} at {short_string(high)}"
    )


def hint_for(who: str, method: str) -> str:
    """What to do if a search does not end."""
    if who == "argmin":
        return (
            "is there a minimum, and are there second derivatives? start nearer to it, or allow "
            "more #:max-steps or a larger #:tolerance"
        )
    if who == "fixed-point" and method != "newton":
        return (
            "start nearer to it, allow more #:max-steps or a larger #:tolerance, or use "
            "#:method 'newton"
        )
    if "bracketed" in method:
        return (
            "is it a pole? there the sign changes too; else allow more #:max-steps or a larger "
            "#:tolerance"
        )
    return (
        "start nearer to it, allow more #:max-steps or a larger #:tolerance; for one unknown a "
        "#:bracket makes it certain"
    )

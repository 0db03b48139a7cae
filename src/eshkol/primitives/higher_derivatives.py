"""Derivatives of any order: of one number by Taylor series, mixed ones of several numbers."""

from __future__ import annotations

from typing import Any

from eshkol import autodiff
from eshkol.autodiff import multivariate
from eshkol.base.errors import OutOfRange
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import scheme_list
from eshkol.primitives.arguments import index_argument, list_argument, position_argument
from eshkol.primitives.arithmetic import add, multiply, subtract
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.points import (
    XLA,
    Procedure,
    check_numbers,
    check_procedure,
    curried,
    is_number,
    missing,
    name_of,
    named,
    not_one_number,
    point_of,
)


@primitive("derivative-n")
def derivative_n(function, x=None, order=None):
    """The derivative of any order of a procedure of one number.

    Args:
        function: of one number; gives a number or a structure of numbers.
        x: where; exact at an exact point if the procedure is.
        order: how often to differentiate, an exact integer of 0 or more.

    Example:
        ``(derivative-n (lambda (x) (expt x 5)) 2 3)`` ⇒ ``240``;
        ``(derivative-n sin 0.0 9)`` ⇒ ``1.0``.
    """
    check_procedure("derivative-n", function)
    if x is None:
        return curried(derivative_n, function, {})
    order = _order("derivative-n", order)
    return _of_one_number("derivative-n", autodiff.derivatives, "derivatives", function, x, order)[
        order
    ]


@primitive("taylor")
def taylor(function, x=None, order=None):
    """The Taylor coefficients of a procedure of one number: of ``f(x + t)`` in powers of ``t``.

    Args:
        function: of one number; gives a number or a structure of numbers.
        x: where; exact at an exact point if the procedure is.
        order: the highest power, an exact integer of 0 or more.

    Returns:
        The list of the coefficients from the constant one on.

    Example:
        ``(taylor (lambda (x) (/ 1 (- 1 x))) 0 3)`` ⇒ ``(1 1 1 1)``;
        ``(taylor exp 0.0 3)`` ⇒ ``(1.0 1.0 0.5 0.16666666666666666)``.
    """
    check_procedure("taylor", function)
    if x is None:
        return curried(taylor, function, {})
    order = _order("taylor", order)
    found = _of_one_number("taylor", autodiff.taylor_coefficients, "taylor", function, x, order)
    return scheme_list(found)


@primitive("taylor-series")
def taylor_series(function, x=None, order=None):
    """The Taylor polynomial of a procedure at ``x``, as a procedure of a number near ``x``.

    Args:
        function: of one number; gives a number.
        x: the point of expansion.
        order: the degree, an exact integer of 0 or more.

    Example: ``((taylor-series (lambda (x) (/ 1 (- 1 x))) 0 3) 1/2)`` ⇒ ``15/8``.
    """
    check_procedure("taylor-series", function)
    if x is None:
        return curried(taylor_series, function, {})
    coefficients = list(taylor(function, x, order))

    def polynomial(y):
        result, t = 0, subtract(y, x)
        for coefficient in reversed(coefficients):
            result = add(coefficient, multiply(t, result))
        return result

    return named(polynomial, f"Taylor series of {name_of(function)}")


def _order(who: str, order: Any) -> int:
    if order is None:
        raise missing(who, f"({who} f x order)")
    number = index_argument(who, order, "an order of 0 or more")
    if number < 0:
        raise OutOfRange(f"{who}: expected an order of 0 or more, got {number}")
    return number


def _of_one_number(
    who: str, host: Procedure, rule: str, function: Procedure, x: Any, order: int
) -> Any:
    if is_number(x):
        try:
            return autodiff.attempted(host, autodiff.foreign(callee(function)), x, order)
        except autodiff.NeedsTensors:
            pass
    elif not is_array(x):
        raise not_one_number(who, x)
    return load(XLA + rule)(who, callee(function), x, order)


@primitive("mixed-partial")
def mixed_partial(function, point=None, indices=None):
    """The derivative with respect to several numbers of the point, one after the other.

    Args:
        function: gives one number.
        point: as for ``jvp``.
        indices: the list of the indices of the numbers, with repetition, from 0.

    Example:
        ``(mixed-partial (lambda (x y) (* x x x y y)) #(2 5) '(0 0 1))`` ⇒ ``120``.
    """
    check_procedure("mixed-partial", function)
    if point is None:
        return curried(mixed_partial, function, {})
    if indices is None:
        raise missing("mixed-partial", "(mixed-partial f point indices)")
    where = point_of("mixed-partial", function, [point])
    wanted = list_argument("mixed-partial", indices)

    def checked(count: int) -> list[int]:
        return [position_argument("mixed-partial", k, count, "point") for k in wanted]

    try:
        with autodiff.attempt():
            of_numbers, numbers, _ = where.taken_apart()
            check_numbers("mixed-partial", where.value, numbers)
            at = checked(len(numbers))
            return multivariate.mixed_partial("mixed-partial", of_numbers, numbers, at)
    except autodiff.NeedsTensors:
        at = checked(load(XLA + "size_of")("mixed-partial", where.value))
        run = load(XLA + "mixed_partial")
        return run("mixed-partial", where.function, where.value, at)


@primitive("gradient-n")
def gradient_n(function, point=None, order=None):
    """All partial derivatives of one order of a procedure that gives one number.

    Args:
        function: gives one number.
        point: as for ``jvp``.
        order: how often to differentiate, an exact integer of 0 or more.

    Returns:
        A list of pairs: how often each number is varied, and the derivative.

    Example:
        ``(gradient-n (lambda (x y) (* x x y)) #(2 3) 2)`` ⇒
        ``(((0 2) . 0) ((1 1) . 4) ((2 0) . 6))``.
    """
    check_procedure("gradient-n", function)
    if point is None:
        return curried(gradient_n, function, {})
    order = _order("gradient-n", order)
    where = point_of("gradient-n", function, [point])
    try:
        with autodiff.attempt():
            of_numbers, numbers, _ = where.taken_apart()
            check_numbers("gradient-n", where.value, numbers)
            found = multivariate.partials_of_order("gradient-n", of_numbers, numbers, order)
    except autodiff.NeedsTensors:
        found = load(XLA + "partials_of_order")("gradient-n", where.function, where.value, order)
    return scheme_list([scheme_list([scheme_list(times)], value) for times, value in found])

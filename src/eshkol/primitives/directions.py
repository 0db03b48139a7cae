"""Products of directions with Jacobians and Hessians: what costs no more than a few evaluations.

Their points are those of ``points``, except that one argument gives the whole point.
"""

from __future__ import annotations

from typing import Any

from eshkol import autodiff
from eshkol.autodiff import multivariate
from eshkol.autodiff.structures import flatten, unflatten
from eshkol.base.errors import WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.write import short_string
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.points import (
    XLA,
    Point,
    Procedure,
    check_numbers,
    check_procedure,
    curried,
    missing,
    on_host_or_not,
    point_of,
)


@primitive("jvp")
def jvp(function, point=None, direction=None):
    """The value of a procedure and its derivative along a direction (forward mode).

    Args:
        function: gives a number or a structure of numbers.
        point: a number, tensor or structure; a vector or list of numbers is spread over the
            parameters of a procedure that takes so many, one of anything and a tensor of rank 1
            over those of a procedure that needs as many.
        direction: the same structure.

    Returns:
        The list ``(value derivative)``.

    Example: ``(jvp (lambda (x y) (* x y)) #(2 3) #(1 0))`` ⇒ ``(6 3)``.
    """
    return _along("jvp", jvp, function, point, direction, scheme_list)


@primitive("directional-derivative")
def directional_derivative(function, point=None, direction=None):
    """The derivative of a procedure along a direction, which is not normalized.

    Args:
        function: gives a number or a structure of numbers.
        point: as for ``jvp``.
        direction: the structure of the point.

    Example:
        ``(directional-derivative (lambda (x y) (* x y)) #(2 3) #(1 0))`` ⇒ ``3``.
    """
    who = "directional-derivative"
    return _along(who, directional_derivative, function, point, direction, lambda pair: pair[1])


def _along(
    who: str, operator: Any, function: Any, point: Any, direction: Any, choose: Procedure
) -> Any:
    check_procedure(who, function)
    if point is None:
        return curried(operator, function, {})
    if direction is None:
        raise missing(who, f"({who} f point direction)")
    where = point_of(who, function, [point])

    def host(function, numbers, structure):
        factors = factors_of(who, direction, len(numbers))
        values, slopes, shape = multivariate.jvp(who, function, numbers, factors)
        return unflatten(shape, values), unflatten(shape, slopes)

    try:
        with autodiff.attempt():
            function, numbers, structure = where.taken_apart()
            check_numbers(who, where.value, numbers)
            return choose(host(function, numbers, structure))
    except autodiff.NeedsTensors:
        run = load(XLA + "jvp")
        return choose(run(who, where.function, where.value, direction))


def factors_of(who: str, direction: Any, count: int, what: str = "the point") -> list[Any]:
    """The numbers of a direction or of the factors of a value."""
    numbers, _ = flatten(direction)
    if len(numbers) != count:
        raise WrongType(
            f"{who}: expected something like {what}, of {count} number{'s' * (count != 1)}, "
            f"got {short_string(direction)}"
        )
    return numbers


@primitive("vjp")
def vjp(function, point=None, factor=None):
    """The value of a procedure and the product of a factor and its Jacobian (reverse mode).

    Args:
        function: gives a number or a structure of numbers.
        point: as for ``jvp``.
        factor: the structure of the value.

    Returns:
        The list ``(value product)``, the product in the structure of the point. Without a factor,
        ``(value procedure)``: the procedure gives the product for a factor, any number of times.

    Example: ``(vjp (lambda (x y) (vector (* x y) x)) #(2 3) #(1 10))`` ⇒ ``(#(6 2) #(13 2))``.
    """
    check_procedure("vjp", function)
    if point is None:
        return curried(vjp, function, {})
    value, pullback = _pulled_back(point_of("vjp", function, [point]))
    return scheme_list([value, pullback if factor is None else pullback(factor)])


def _pulled_back(where: Point) -> tuple[Any, Procedure]:
    try:
        with autodiff.attempt():
            function, numbers, structure = where.taken_apart()
            check_numbers("vjp", where.value, numbers)
            found = multivariate.Linearization("vjp", function, numbers)
    except autodiff.NeedsTensors:
        return load(XLA + "vjp")("vjp", where.function, where.value)

    value = unflatten(found.structure, found.values)

    def pullback(factor: Any) -> Any:
        try:
            factors = factors_of("vjp", factor, len(found.values), "the value")
        except autodiff.NeedsTensors:
            pull = load("eshkol.xla.directions:pulled_through")
            return unflatten(structure, pull("vjp", value, found.rows(), factor))
        return unflatten(structure, found.pulled_back(factors))

    return value, pullback


@primitive("hvp")
def hvp(function, point=None, direction=None):
    """The product of the Hessian of a procedure that gives one number and a direction.

    Args:
        function: gives one number.
        point: as for ``jvp``.
        direction: the structure of the point.

    Returns:
        The product, in the structure of the point.

    Example: ``(hvp (lambda (x y) (* x x y)) #(2 3) #(1 1))`` ⇒ ``#(10 4)``.
    """
    check_procedure("hvp", function)
    if point is None:
        return curried(hvp, function, {})
    if direction is None:
        raise missing("hvp", "(hvp f point direction)")

    def host(function, numbers, structure):
        factors = factors_of("hvp", direction, len(numbers))
        return unflatten(structure, multivariate.hvp("hvp", function, numbers, factors))

    return on_host_or_not("hvp", point_of("hvp", function, [point]), host, direction)

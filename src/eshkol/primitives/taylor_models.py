"""Taylor models: polynomials with an interval that holds what they miss (Makino and Berz)."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import size_argument
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.intervals import interval_argument, without_derivative
from eshkol.primitives.numbers import real_argument
from eshkol.primitives.points import check_procedure

_AT = "eshkol.validated.taylor_models:"
TaylorModel = Any


@primitive("taylor-model")
def taylor_model(function, center, radius, order):
    """A polynomial and an interval, in whose sum all values of a function lie on a domain.

    The procedure is called with a Taylor model in place of its argument. What it computes must be
    smooth there; ``abs``, ``max`` and ``min`` of what changes sign are bounded by constants, and a
    condition that is not the same everywhere is an error. What it computes of numbers alone is
    rounded as ever: ``(sqrt (interval 2))`` is an enclosure, ``(sqrt 2)`` a double.

    Args:
        function: a procedure of one number that gives a number.
        center: the middle of the domain, a real number; rounded to a double.
        radius: how far the domain reaches on both sides; its bounds are rounded outwards.
        order: the degree of the polynomial.

    Raises:
        BadValue: something has no real values there, or no model of it is known.
        WrongType: the procedure gives something else than a number.

    Source: K. Makino and M. Berz, "Taylor models and other validated functional inclusion
    methods", 2003.

    Example: ``(taylor-model-coefficients (taylor-model (lambda (x) (/ (- 1 x))) 0 1/4 3))`` ⇒
        ``(1.0 1.0 1.0 1.0)``;
        ``(interval-member? 1.6487 (taylor-model-range (taylor-model exp 0 0.5 9)))`` ⇒ ``#t``.
    """
    who = "taylor-model"
    check_procedure(who, function)
    exact_center = real_argument(who, center)
    middle, reach = interval_argument(who, exact_center).midpoint(), _radius(who, radius)
    degree = size_argument(who, order)
    if middle != exact_center:
        around = interval_argument(who, exact_center) - middle
        reach = (interval_argument(who, reach) + abs(around)).sup
    x = load(_AT + "variable")(middle, reach, degree)
    value = callee(function)(x)
    if value.__class__ is x.__class__:
        return value
    try:
        return load(_AT + "constant")(x.domain, interval_argument(who, value))
    except WrongType:
        raise WrongType(
            f"{who}: expected a procedure that gives a number, this one gave {short_string(value)}"
        ) from None


def _radius(who: str, radius: Any) -> Any:
    number = real_argument(who, without_derivative(who, radius))
    if not 0 <= number < float("inf"):
        raise BadValue(f"{who}: expected a finite radius of 0 or more, got {short_string(radius)}")
    return number


def _model(who: str, value: Any) -> Any:
    if value.__class__ is load(_AT + "TaylorModel"):
        return value
    raise WrongType(f"{who}: expected a Taylor model, got {short_string(value)}")


@primitive("taylor-model?")
def is_taylor_model(value):
    """Whether the value is a Taylor model. Example: ``(taylor-model? 1)`` ⇒ ``#f``."""
    return value.__class__ is load(_AT + "TaylorModel")


@primitive("taylor-model-coefficients")
def taylor_model_coefficients(model):
    """The coefficients of the powers of ``x - center``, from 0 up: doubles.

    Example: ``(taylor-model-coefficients (taylor-model square 1 1/2 2))`` ⇒ ``(1.0 2.0 1.0)``.
    """
    return scheme_list(_model("taylor-model-coefficients", model).coefficients)


@primitive("taylor-model-remainder")
def taylor_model_remainder(model):
    """The interval that holds what the polynomial misses, anywhere on the domain.

    Example: ``(taylor-model-remainder (taylor-model square 1 1/2 2))`` ⇒
        ``#<interval [0.0, 0.0]>``.
    """
    return _model("taylor-model-remainder", model).remainder


@primitive("taylor-model-center")
def taylor_model_center(model):
    """The middle of the domain.

    Example: ``(taylor-model-center (taylor-model square 1 1/2 2))`` ⇒ ``1.0``.
    """
    return _model("taylor-model-center", model).domain.center


@primitive("taylor-model-domain")
def taylor_model_domain(model):
    """Where the model is good, as an interval.

    Example: ``(taylor-model-domain (taylor-model square 1 1/2 2))`` ⇒ ``#<interval [0.5, 1.5]>``.
    """
    return _model("taylor-model-domain", model).domain.interval


@primitive("taylor-model-range")
def taylor_model_range(model):
    """An interval that holds all values of the function on the domain.

    Example: ``(taylor-model-range (taylor-model (lambda (x) (* 2 x)) 1 1/2 2))`` ⇒
        ``#<interval [1.0, 3.0]>``.
    """
    return _model("taylor-model-range", model).sharp_range()


@primitive("taylor-model-evaluate")
def taylor_model_evaluate(model, x):
    """An interval that holds the value of the function at a point, or all values over an interval.

    Args:
        model: a Taylor model.
        x: a number or an interval within the domain.

    Raises:
        BadValue: ``x`` reaches beyond the domain.

    Example: ``(taylor-model-evaluate (taylor-model square 1 1/2 2) 1.25)`` ⇒
        ``#<interval [1.5625, 1.5625]>``.
    """
    who = "taylor-model-evaluate"
    return _model(who, model).at(_within(who, model, x))


def _within(who: str, model: Any, x: Any) -> Any:
    point, domain = interval_argument(who, x), model.domain.interval
    if domain.inf <= point.inf and point.sup <= domain.sup:
        return point
    raise BadValue(
        f"{who}: expected a number or interval within {domain.text}, got {short_string(x)}"
    )


@primitive("taylor-model-antiderivative")
def taylor_model_antiderivative(model):
    """The Taylor model of the integral from the center.

    Example: ``(taylor-model-coefficients (taylor-model-antiderivative (taylor-model cos 0 1 3)))``
        ⇒ ``(0.0 1.0 0.0 -0.16666666666666666)``.
    """
    return _model("taylor-model-antiderivative", model).antiderivative()


@primitive("taylor-model-integral")
def taylor_model_integral(model, low, high):
    """An interval that holds the integral of the function from one point of the domain to another.

    Raises:
        BadValue: a bound is outside of the domain.

    Example: ``(taylor-model-integral (taylor-model (lambda (x) (* 3 x x)) 1 1 2) 0 2)`` ⇒
        ``#<interval [8.0, 8.0]>``.
    """
    who = "taylor-model-integral"
    return _model(who, model).integral(_within(who, model, low), _within(who, model, high))

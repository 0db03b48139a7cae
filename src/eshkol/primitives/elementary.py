"""Elementary functions: of exact arguments exact where R7RS has them so, else of doubles.

Outside its real domain a function is complex (``(log -1.0)``, ``(asin 2.0)``); a pole gives an
infinity, and what has no limit is not a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eshkol.autodiff import plain
from eshkol.autodiff.plain import EXACT, PLAIN
from eshkol.primitives.arithmetic import divide
from eshkol.primitives.declare import ARRAYS, apply_rule, primitive, tensor_rule
from eshkol.primitives.numbers import REAL
from eshkol.primitives.operations import TENSOR_RULES, Number, beyond_plain, unary

Plain = Callable[[Any], Any]
Point = tuple[int, int]
"""An exact argument and the exact value there."""


def _host(name: str, of_plain: Plain, exact: Point | None = None) -> Callable[[Number], Number]:
    """The host rule of an elementary function; ``exact`` is where it has an exact value."""
    general = unary(name, of_plain, name, "a number")

    def host(number: Number) -> Number:
        if number.__class__ is float:
            return of_plain(number)
        if exact is not None and number.__class__ is int and number == exact[0]:
            return exact[1]
        return general(number)

    return host


def _declare(name: str, of_plain: Plain, exact: Point | None, documentation: str) -> None:
    """Declare the elementary function ``name`` of one number or tensor."""
    host = _host(name, of_plain, exact)
    host.__doc__ = documentation
    primitive(name, tensor=TENSOR_RULES + name)(host)


_declare(
    "exp",
    plain.exp,
    (0, 1),
    "e to the power of a number. Example: ``(exp 0)`` ⇒ ``1``; ``(exp 1000.0)`` ⇒ ``+inf.0``.",
)
_declare(
    "sin",
    plain.sin,
    (0, 0),
    "The sine of an angle in radians. Example: ``(sin 0)`` ⇒ ``0``.",
)
_declare(
    "cos",
    plain.cos,
    (0, 1),
    "The cosine of an angle in radians. Example: ``(cos 0)`` ⇒ ``1``.",
)
_declare(
    "tan",
    plain.tan,
    (0, 0),
    "The tangent of an angle in radians. Example: ``(tan 0)`` ⇒ ``0``.",
)
_declare(
    "asin",
    plain.asin,
    (0, 0),
    "The angle in [-π/2, π/2] of a sine. Example: ``(asin 1.0)`` ⇒ ``1.5707963267948966``.",
)
_declare(
    "acos",
    plain.acos,
    (1, 0),
    "The angle in [0, π] of a cosine. Example: ``(acos 1)`` ⇒ ``0``.",
)
_declare(
    "sinh",
    plain.sinh,
    (0, 0),
    "The hyperbolic sine. Example: ``(sinh 0)`` ⇒ ``0``.",
)
_declare(
    "cosh",
    plain.cosh,
    (0, 1),
    "The hyperbolic cosine. Example: ``(cosh 0)`` ⇒ ``1``.",
)
_declare(
    "tanh",
    plain.tanh,
    (0, 0),
    "The hyperbolic tangent. Example: ``(tanh 1000.0)`` ⇒ ``1.0``.",
)
_declare(
    "asinh",
    plain.asinh,
    (0, 0),
    "The inverse of the hyperbolic sine. Example: ``(asinh 0)`` ⇒ ``0``.",
)
_declare(
    "acosh",
    plain.acosh,
    (1, 0),
    "The inverse of the hyperbolic cosine; complex below 1, of tensors NaN. "
    "Example: ``(acosh 1)`` ⇒ ``0``.",
)
_declare(
    "atanh",
    plain.atanh,
    (0, 0),
    "The inverse of the hyperbolic tangent; complex outside of [-1, 1], of tensors NaN. "
    "Example: ``(atanh 1.0)`` ⇒ ``+inf.0``.",
)
_declare(
    "sqrt",
    plain.sqrt,
    None,
    "The square root: exact of exact squares, complex of negative numbers; of tensors, of each "
    "element. Example: ``(sqrt 1/4)`` ⇒ ``1/2``; ``(sqrt -4.0)`` ⇒ ``+2i``.",
)

_natural_logarithm = _host("log", plain.log, (1, 0))
_arc_tangent = _host("atan", plain.atan, (0, 0))


def _or_tensor(host: Callable[[Number], Number], rule: str, number: Number) -> Number:
    result = NotImplemented if number.__class__ in ARRAYS else host(number)
    if result is not NotImplemented:
        return result
    return apply_rule(TENSOR_RULES + rule, rule, number)


_OF_TENSORS = TENSOR_RULES + "natural_log"


@primitive("log")
def logarithm(number: Number, base: Number = math.e) -> Number:
    """The logarithm to a base; complex of a negative number; of tensors, of each element.

    Example: ``(log 1)`` ⇒ ``0``; ``(log 8 2)`` ⇒ ``3.0``; ``(log 0.0)`` ⇒ ``-inf.0``.
    """
    if base is math.e and number.__class__ in ARRAYS:
        return tensor_rule(_OF_TENSORS, "log")(number)
    if base.__class__ is float and base == math.e:
        return _or_tensor(_natural_logarithm, "log", number)
    if number.__class__ in REAL and base.__class__ in REAL and number > 0 and base > 0:
        return _logarithm_to_base(number, base)
    return divide(logarithm(number), logarithm(base))


def _logarithm_to_base(number: Any, base: Any) -> Any:
    """Of positive reals; without rounding error where the number is a power of the base."""
    if base == 2 or base == 10:
        through = math.log2 if base == 2 else math.log10
        return plain.reals_to_reals(through, plain.log)(number)
    quotient = plain.divide(plain.log(number), plain.log(base))
    nearest = round(quotient) if math.isfinite(quotient) else 0
    if 1 < abs(nearest) < 1000 and plain.power(base, nearest) == number:
        return float(nearest)
    return quotient


@primitive("atan")
def arc_tangent(number: Number, adjacent: Number = 1) -> Number:
    """The angle of a tangent in (-π/2, π/2); of ``(atan y x)``, of the point (x, y) in (-π, π].

    Example: ``(atan 1.0)`` ⇒ ``0.7853981633974483``; ``(atan 1 -1)`` ⇒ ``2.356194490192345``.
    """
    if adjacent.__class__ is int and adjacent == 1:
        return _or_tensor(_arc_tangent, "atan", number)
    return _angle_of_point(number, adjacent)


def _angle_of_point(y: Number, x: Number) -> Number:
    if y.__class__ in REAL and x.__class__ in REAL:
        exactly_ahead = y.__class__ is int and y == 0 and x.__class__ in EXACT and x > 0
        return 0 if exactly_ahead else plain.atan2(y, x)
    return beyond_plain("atan", "atan2", _angle_of_point, y, x, "a real number")


@primitive("expt")
def power(base: Number, exponent: Number) -> Number:
    """A number to a power: exact of exact numbers where the exponent is an integer, or where it is
    half of one and the base is a square.

    Raises:
        DivideByZero: exact zero to a negative exact integer.

    Example: ``(expt 2 -1)`` ⇒ ``1/2``; ``(expt 4 -3/2)`` ⇒ ``1/8``;
    ``(expt 2.0 0.5)`` ⇒ ``1.4142135623730951``.
    """
    if base.__class__ in PLAIN and exponent.__class__ in PLAIN:
        return plain.power(base, exponent)
    return beyond_plain("expt", "power", power, base, exponent)

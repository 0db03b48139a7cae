"""The parts of complex numbers, whose parts are always doubles here."""

from __future__ import annotations

import math
from typing import Any

from eshkol.autodiff import Differentiable, apply, plain
from eshkol.datum.equality import is_array
from eshkol.primitives.arithmetic import subtract
from eshkol.primitives.declare import primitive
from eshkol.primitives.numbers import is_host_number, known, real_argument
from eshkol.primitives.operations import TENSOR_RULES, Number
from eshkol.primitives.rounding import absolute

_PARTS = "eshkol.xla.complex_parts:"


def _is_exact_zero(number: Any) -> bool:
    return number.__class__ is int and number == 0


@primitive("make-rectangular", tensor=_PARTS + "rectangular")
def make_rectangular(real: Number, imaginary: Number) -> Number:
    """The complex number of two parts; a real if the imaginary part is exact zero.

    Example: ``(make-rectangular 1 2)`` ⇒ ``1+2i``.
    """
    if is_array(real) or is_array(imaginary):
        return NotImplemented
    if isinstance(real, Differentiable) or isinstance(imaginary, Differentiable):
        return apply("make-rectangular", real, imaginary)
    x = real_argument("make-rectangular", real)
    y = real_argument("make-rectangular", imaginary)
    return x if _is_exact_zero(y) else complex(plain.to_float(x), plain.to_float(y))


@primitive("make-polar", tensor=_PARTS + "polar")
def make_polar(length: Number, angle: Number) -> Number:
    """The complex number of a magnitude and an angle in radians.

    Example: ``(make-polar 2 0)`` ⇒ ``2``.
    """
    if is_array(length) or is_array(angle):
        return NotImplemented
    if isinstance(length, Differentiable) or isinstance(angle, Differentiable):
        parts = apply("cos", angle), apply("sin", angle)
        return apply("*", length, apply("make-rectangular", *parts))
    size, turn = real_argument("make-polar", length), real_argument("make-polar", angle)
    if _is_exact_zero(turn):
        return size
    return complex(size * plain.cos(turn), size * plain.sin(turn))


@primitive("real-part", tensor=_PARTS + "real_part")
def real_part(number: Number) -> Number:
    """The real part of a number. Example: ``(real-part 1+2i)`` ⇒ ``1.0``."""
    if is_array(number):
        return NotImplemented
    if number.__class__ is complex:
        return number.real
    if is_host_number(number):
        return apply("real-part", number)
    return real_argument("real-part", number)


@primitive("imag-part", tensor=_PARTS + "imaginary_part")
def imaginary_part(number: Number) -> Number:
    """The imaginary part; exact ``0`` of a real. Example: ``(imag-part 1+2i)`` ⇒ ``2.0``."""
    if is_array(number):
        return NotImplemented
    if number.__class__ is complex:
        return number.imag
    if isinstance(number, Differentiable):
        return apply("imag-part", number)
    real_argument("imag-part", number)
    return 0


@primitive("magnitude", tensor=TENSOR_RULES + "abs")
def magnitude(number: Number) -> Number:
    """The distance of a number from zero in the complex plane.

    Example: ``(magnitude 3+4i)`` ⇒ ``5.0``.
    """
    if isinstance(number, Differentiable):
        return apply("magnitude", number)
    return abs(number) if number.__class__ is complex else absolute(number)


@primitive("conjugate", tensor=_PARTS + "conjugate")
def conjugate(number: Number) -> Number:
    """The number with its imaginary part negated. Example: ``(conjugate 1+2i)`` ⇒ ``1-2i``."""
    if is_array(number):
        return NotImplemented
    if number.__class__ is complex:
        return number.conjugate()
    return make_rectangular(real_part(number), subtract(0, imaginary_part(number)))


@primitive("angle", tensor=_PARTS + "angle")
def angle(number: Number) -> Number:
    """The angle of a number in the complex plane, in (-π, π]; ``0`` of a positive exact one.

    Example: ``(angle -1.0)`` ⇒ ``3.141592653589793``.
    """
    if is_array(number):
        return NotImplemented
    if isinstance(number, Differentiable):
        return apply("angle", number)
    value = known(number)
    if value.__class__ is complex:
        return math.atan2(value.imag, value.real)
    value = real_argument("angle", number)
    if value.__class__ is float:
        return math.atan2(0.0, value)
    return math.pi if value < 0 else 0

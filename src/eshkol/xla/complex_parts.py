"""The parts of complex tensors."""

from __future__ import annotations

from typing import Any

from jax import lax

from eshkol.xla.dtypes import FLOAT32, FLOAT64, inexact_dtype
from eshkol.xla.elementwise import angle_of, cos, multiply, sin
from eshkol.xla.rules import binary_rule, inexact_result, number_dtype, number_tensor, unary_rule


def _real(x: Any) -> Any:
    return lax.real(x) if x.dtype.kind == "c" else x


def _imaginary(x: Any) -> Any:
    return lax.imag(x) if x.dtype.kind == "c" else lax.full_like(x, 0)


def _angle(x: Any) -> Any:
    return angle_of(_imaginary(x), _real(x))


def _conjugate(x: Any) -> Any:
    return lax.conj(x) if x.dtype.kind == "c" else x


def _complex(x: Any, y: Any) -> Any:
    dtype = FLOAT64 if FLOAT64 in (x.dtype, y.dtype) else FLOAT32
    return lax.complex(*(x if x.dtype.kind == "c" else x.astype(dtype) for x in (x, y)))


real_part = unary_rule("real-part", _real, number_dtype)
angle = unary_rule("angle", _angle, inexact_dtype)
conjugate = unary_rule("conjugate", _conjugate, number_dtype)
_imaginary_part = unary_rule("imag-part", _imaginary, number_dtype)


def imaginary_part(x: Any) -> Any:
    """``(imag-part x)``, element by element; exact 0 of a real number."""
    tensor = number_tensor("imag-part", x)
    return 0 if tensor.shape == () and tensor.dtype.kind != "c" else _imaginary_part(tensor)


_rectangular = binary_rule("make-rectangular", _complex, inexact_result)


def rectangular(real: Any, imaginary: Any) -> Any:
    """``(make-rectangular x y)``, element by element; ``x`` where ``y`` is the exact 0."""
    if imaginary.__class__ is int and imaginary == 0:
        return number_tensor("make-rectangular", real)
    return _rectangular(real, imaginary)


def polar(length: Any, angle: Any) -> Any:
    """``(make-polar r a)``, element by element; ``r`` where ``a`` is the exact 0."""
    if angle.__class__ is int and angle == 0:
        return number_tensor("make-polar", length)
    return rectangular(multiply(length, cos(angle)), multiply(length, sin(angle)))

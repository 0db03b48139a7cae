"""The parts of complex tensors."""

from __future__ import annotations

from typing import Any

from jax import lax

from eshkol.xla.dtypes import inexact_dtype
from eshkol.xla.rules import number_dtype, number_tensor, unary_rule


def _real(x: Any) -> Any:
    return lax.real(x) if x.dtype.kind == "c" else x


def _imaginary(x: Any) -> Any:
    return lax.imag(x) if x.dtype.kind == "c" else lax.full_like(x, 0)


def _angle(x: Any) -> Any:
    return lax.atan2(_imaginary(x), _real(x))


def _conjugate(x: Any) -> Any:
    return lax.conj(x) if x.dtype.kind == "c" else x


real_part = unary_rule("real-part", _real, number_dtype)
angle = unary_rule("angle", _angle, inexact_dtype)
conjugate = unary_rule("conjugate", _conjugate, number_dtype)
_imaginary_part = unary_rule("imag-part", _imaginary, number_dtype)


def imaginary_part(x: Any) -> Any:
    """``(imag-part x)``, element by element; exact 0 of a real number."""
    tensor = number_tensor("imag-part", x)
    return 0 if tensor.shape == () and tensor.dtype.kind != "c" else _imaginary_part(tensor)

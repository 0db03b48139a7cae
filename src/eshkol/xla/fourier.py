"""Discrete Fourier transforms, of any length, along one axis or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.xla.arguments import number, static_axes, static_axis, static_int
from eshkol.xla.dtypes import FLOAT32, default_dtype, inexact_dtype, parse_dtype, wide
from eshkol.xla.tensors import as_tensor, cast, compiled, describe


def signal(who: str, tensor: Any) -> Any:
    """A tensor of rank 1 or more of numbers that XLA can transform."""
    x = as_tensor(tensor, who)
    if not x.shape:
        raise ShapeError(
            f"{who}: expected a tensor of rank 1 or more, got {describe(tensor)}",
            hint="a signal has an axis along which it is sampled: (reshape t 1)",
        )
    x = cast(x, inexact_dtype(x.dtype, len(x.shape)))
    return cast(x, FLOAT32) if x.dtype.itemsize < 4 else x


def _transform(who: str, operation: Callable[..., Any], takes_real: bool = False) -> Any:
    @compiled("count", "axis")
    def kernel(x: Any, count: int | None, axis: int) -> Any:
        return operation(x, count, axis)

    def rule(tensor: Any, count: Any = None, axis: Any = -1) -> Any:
        x = signal(who, tensor)
        if takes_real and x.dtype.kind == "c":
            raise WrongType(f"{who}: expected real numbers, got {describe(x)}", hint="use fft")
        along = static_axis(axis, len(x.shape), who, x)
        size = None if count is None else static_int(count, who, "a length")
        if (x.shape[along] if size is None else size) < 1:
            got = describe(x) if size is None else size
            raise BadValue(
                f"{who}: expected a length of at least 1, got {got}",
                hint="the length is cut off, or filled up with zeros, to the number that is given",
            )
        return kernel(x, size, along)

    rule.__name__ = rule.__qualname__ = who
    return rule


fft = _transform("fft", jnp.fft.fft)
ifft = _transform("ifft", jnp.fft.ifft)
rfft = _transform("rfft", jnp.fft.rfft, takes_real=True)


def irfft(tensor: Any, count: Any = None, axis: Any = -1) -> Any:
    """The real signal with the given half of a spectrum."""
    x = signal("irfft", tensor)
    along = static_axis(axis, len(x.shape), "irfft", x)
    size = 2 * (x.shape[along] - 1) if count is None else static_int(count, "irfft", "a length")
    if size < 1:
        raise BadValue(f"irfft: expected a length of at least 1, got {size}")
    return _irfft(x, size, along)


@compiled("count", "axis")
def _irfft(x: Any, count: int, axis: int) -> Any:
    return jnp.fft.irfft(x, count, axis)


def _of_images(who: str, operation: Callable[..., Any]) -> Callable[[Any], Any]:
    kernel = compiled()(lambda x: operation(x))

    def rule(tensor: Any) -> Any:
        x = signal(who, tensor)
        if len(x.shape) < 2 or 0 in x.shape[-2:]:
            raise ShapeError(
                f"{who}: expected a matrix that is not empty, got {describe(x)}",
                hint="it transforms the last two axes; fft and ifft transform one",
            )
        return kernel(x)

    rule.__name__ = rule.__qualname__ = who
    return rule


fft2 = _of_images("fft2", jnp.fft.fft2)
ifft2 = _of_images("ifft2", jnp.fft.ifft2)


def _frequencies(who: str, operation: Callable[..., Any]) -> Callable[..., Any]:
    def rule(count: Any, spacing: Any = 1.0, *, dtype: Any = None) -> Any:
        size = static_int(count, who, "a length")
        if size < 1:
            raise BadValue(f"{who}: expected a length of at least 1, got {size}")
        kind = parse_dtype(dtype, who) or default_dtype()
        steps = number(who, spacing, "a spacing", kind)
        with wide():
            return operation(size, dtype="float64").astype(kind) / steps

    rule.__name__ = rule.__qualname__ = who
    return rule


fft_frequencies = _frequencies("fftfreq", jnp.fft.fftfreq)
rfft_frequencies = _frequencies("rfftfreq", jnp.fft.rfftfreq)


def shift(tensor: Any, axis: Any = None) -> Any:
    """The frequency 0 moved to the middle."""
    x = as_tensor(tensor, "fftshift")
    return jnp.fft.fftshift(x, static_axes(axis, x, "fftshift"))


def unshift(tensor: Any, axis: Any = None) -> Any:
    """The frequency 0 moved back to the front."""
    x = as_tensor(tensor, "ifftshift")
    return jnp.fft.ifftshift(x, static_axes(axis, x, "ifftshift"))

"""Windows, convolution, and digital filters, along the last axis of signals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.signal
import numpy as np
from jax import lax

from eshkol.autodiff import Differentiable
from eshkol.base.errors import BadValue, ShapeError, StagingError, WrongType
from eshkol.datum.pairs import Pair, cons, scheme_list
from eshkol.xla.arguments import static_int
from eshkol.xla.dtypes import default_dtype, parse_dtype, result_dtype, wide
from eshkol.xla.elementwise import multiply
from eshkol.xla.fourier import signal
from eshkol.xla.tensors import Tracer, as_tensor, cast, compiled, describe


def _window(who: str, make: Callable[[int], np.ndarray]) -> Callable[..., Any]:
    def rule(length: Any, *, dtype: Any = None) -> Any:
        return _shaped(who, make, length, dtype)

    rule.__name__ = rule.__qualname__ = who
    return rule


def _shaped(who: str, make: Callable[[int], np.ndarray], length: Any, dtype: Any) -> Any:
    size = static_int(length, who, "a length")
    if size < 0:
        raise BadValue(f"{who}: expected a length of at least 0, got {size}")
    kind = parse_dtype(dtype, who) or default_dtype()
    with wide():
        return jnp.asarray(make(size), kind)


def _number(who: str, value: Any) -> float:
    if isinstance(value, Tracer):
        raise StagingError(
            f"{who}: a parameter must be known when the program is compiled, "
            f"got a traced {describe(value)}",
            hint="design the filter outside, or say (jit f #:static 'name)",
        )
    if value.__class__ in (int, float) or getattr(value, "shape", None) == ():
        return float(value)
    if isinstance(value, Differentiable):
        raise WrongType(
            f"{who}: expected a number that carries no derivative, got {describe(value)}",
            hint="the design has no derivatives; (stop-gradient x) is the number alone",
        )
    raise WrongType(f"{who}: expected a number, got {describe(value)}")


hamming = _window("hamming-window", np.hamming)
hann = _window("hann-window", np.hanning)
blackman = _window("blackman-window", np.blackman)


def kaiser(length: Any, beta: Any, *, dtype: Any = None) -> Any:
    """Kaiser's window."""
    shape = _number("kaiser-window", beta)
    return _shaped("kaiser-window", lambda size: np.kaiser(size, shape), length, dtype)


def apply_window(signals: Any, window: Any) -> Any:
    """Signals multiplied by a window."""
    x, w = as_tensor(signals, "apply-window"), as_tensor(window, "apply-window")
    if not x.shape or x.shape[-1:] != w.shape:
        raise ShapeError(
            f"apply-window: the window {describe(w)} does not fit the signals {describe(x)}",
            hint="a window has one number for each element of the signals' last axis",
        )
    return multiply(x, w)


def _pair(who: str, first: Any, second: Any) -> tuple[Any, Any]:
    """Two signals of one rank and dtype, neither empty."""
    a, b = signal(who, first), signal(who, second)
    if len(a.shape) != len(b.shape) or 0 in a.shape + b.shape:
        raise ShapeError(
            f"{who}: {describe(a)} and {describe(b)} have no convolution",
            hint="both have the same number of axes, and none is empty: one signal and one kernel, "
            "or a row for\neach of several; conv1d takes batches and channels",
        )
    dtype = result_dtype([a, b])
    return cast(a, dtype), cast(b, dtype)


def _convolution(who: str, operation: Callable[..., Any]) -> Callable[..., Any]:
    kernel = compiled("mode", inline=False)(lambda a, b, mode: operation(a, b, mode=mode))

    def rule(first: Any, second: Any, mode: Any = "full") -> Any:
        name = str(getattr(mode, "name", mode))
        if name not in ("full", "same", "valid"):
            raise BadValue(f"{who}: expected 'full, 'same or 'valid, got {describe(mode)}")
        a, b = _pair(who, first, second)
        if name == "valid" and not _holds(a, b) and not _holds(b, a):
            raise ShapeError(
                f"{who}: neither of {describe(a)} and {describe(b)} holds the other one",
                hint="'valid gives where they overlap wholly; 'full and 'same take any sizes",
            )
        return kernel(a, b, name)

    rule.__name__ = rule.__qualname__ = who
    return rule


def _holds(a: Any, b: Any) -> bool:
    """Whether ``a`` is as large as ``b`` along every axis."""
    return all(n >= m for n, m in zip(a.shape, b.shape, strict=True))


def _direct(a: Any, b: Any, mode: Any) -> Any:
    if mode != "valid" and not _holds(a, b):
        # JAX takes no two that hold each other neither way, and 'same has the larger one's size.
        after = [m - 1 if mode == "full" else (m - 1) // 2 for m in b.shape]
        before = [m - 1 if mode == "full" else m // 2 for m in b.shape]
        a, mode = jnp.pad(a, list(zip(before, after, strict=True))), "valid"
    if len(a.shape) == 1:
        return jnp.convolve(a, b, mode)
    return jax.scipy.signal.convolve(a, b, mode, method="direct")


convolve = _convolution("convolve", _direct)
fast_convolve = _convolution("fast-convolve", jax.scipy.signal.fftconvolve)


# ---- filters


def _coefficients(who: str, value: Any, dtype: np.dtype) -> Any:
    b = as_tensor(value, who)
    if len(b.shape) != 1 or not b.shape[0]:
        raise ShapeError(f"{who}: expected coefficients, got {describe(value)}")
    return cast(b, dtype)


def fir(coefficients: Any, signals: Any) -> Any:
    """``y[n] = Σ b[k] x[n - k]``; before a signal there is silence."""
    who = "fir-filter"
    x = signal(who, signals)
    return _fir(_coefficients(who, coefficients, x.dtype), x)


@compiled(inline=False)
def _fir(b: Any, x: Any) -> Any:
    if not x.size:
        return x
    rows = x.reshape(-1, x.shape[-1])
    return jax.vmap(lambda row: jnp.convolve(row, b)[: row.shape[0]])(rows).reshape(x.shape)


def iir(numerator: Any, denominator: Any, signals: Any) -> Any:
    """``a[0] y[n] = Σ b[k] x[n - k] - Σ a[k] y[n - k]``."""
    who = "iir-filter"
    x = signal(who, signals)
    b, a = (_coefficients(who, c, x.dtype) for c in (numerator, denominator))
    if not isinstance(a, Tracer) and np.asarray(a)[0] == 0:
        got = describe(denominator)
        raise BadValue(f"{who}: expected a first coefficient other than 0, got {got}")
    return _iir(b, a, x)


@compiled(inline=False)
def _iir(b: Any, a: Any, x: Any) -> Any:
    """The transposed direct form II: the state is what the past adds to the next results."""
    order = max(b.shape[0], a.shape[0])
    b, a = (jnp.pad(c / a[0], (0, order - c.shape[0])) for c in (b, a))

    def step(state: Any, value: Any) -> tuple[Any, Any]:
        result = b[0] * value + state[0]
        later = jnp.concatenate([state[1:], jnp.zeros((1, *value.shape), value.dtype)])
        column = (slice(None), *(None,) * value.ndim)
        return later + b[1:][column] * value - a[1:][column] * result, result

    times = jnp.moveaxis(x, -1, 0)
    if b.shape[0] == 1:
        return b[0] * x
    start = jnp.zeros((b.shape[0] - 1, *times.shape[1:]), x.dtype)
    return jnp.moveaxis(lax.scan(step, start, times)[1], 0, -1)


def _cutoff(who: str, value: Any) -> float:
    number = _number(who, value)
    if 0 < number < 1:
        return number
    raise BadValue(
        f"{who}: expected a cutoff between 0 and 1, got {describe(value)}",
        hint="1 is half the rate at which the signal was taken",
    )


def _designed(who: str, order: Any, cutoff: float, end: float) -> Pair:
    """Butterworth's filter by the bilinear transformation, with all its zeros at ``end``."""
    count = static_int(order, who, "an order")
    if count < 1:
        raise BadValue(f"{who}: expected an order of at least 1, got {count}")
    warped = math.tan(math.pi * cutoff / 2)
    angles = math.pi * (2 * np.arange(count) + count + 1) / (2 * count)
    unit = np.exp(1j * angles)
    poles = unit * warped if end < 0 else warped / unit
    denominator = np.poly((1 + poles) / (1 - poles)).real
    numerator = np.poly(np.full(count, end)).real
    # The gain is 1 at the end of the band that passes.
    powers = (-end) ** np.arange(count + 1)
    numerator = numerator * (denominator @ powers) / (numerator @ powers)
    with wide():
        b, a = (jnp.asarray(c, default_dtype()) for c in (numerator, denominator))
    return cons(b, a)


def lowpass(order: Any, cutoff: Any) -> Pair:
    """The pair (b . a) of a low-pass filter."""
    who = "butterworth-lowpass"
    return _designed(who, order, _cutoff(who, cutoff), -1.0)


def highpass(order: Any, cutoff: Any) -> Pair:
    """The pair (b . a) of a high-pass filter."""
    who = "butterworth-highpass"
    return _designed(who, order, _cutoff(who, cutoff), 1.0)


def bandpass(order: Any, low: Any, high: Any) -> Any:
    """The list of a low-pass and a high-pass filter, to be applied one after the other."""
    if not _cutoff("butterworth-bandpass", low) < _cutoff("butterworth-bandpass", high):
        raise BadValue(f"butterworth-bandpass: {describe(low)} is not below {describe(high)}")
    return scheme_list([lowpass(order, high), highpass(order, low)])


def frequency_response(numerator: Any, denominator: Any, count: Any = 512) -> Pair:
    """The pair of magnitudes and phases at frequencies from 0 to half the rate."""
    who = "frequency-response"
    dtype = signal(who, numerator).dtype
    b, a = (_coefficients(who, c, dtype) for c in (numerator, denominator))
    size = static_int(count, who, "a number of frequencies")
    if size < 1:
        raise BadValue(f"{who}: expected at least 1 frequency, got {size}")
    return cons(*_response(b, a, count=size))


@compiled("count")
def _response(b: Any, a: Any, *, count: int) -> Any:
    angles = jnp.linspace(0, math.pi, count, dtype=b.dtype)
    turns = jnp.exp(-1j * angles)
    response = jnp.polyval(b[::-1], turns) / jnp.polyval(a[::-1], turns)
    return jnp.abs(response), jnp.angle(response)

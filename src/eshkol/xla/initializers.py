"""Initial weights: new tensors whose scale follows from how many numbers a unit takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.base.errors import BadValue, ShapeError
from eshkol.datum.symbols import Symbol
from eshkol.xla.arguments import number, static_shape
from eshkol.xla.creation import full
from eshkol.xla.dtypes import WIDE, wide
from eshkol.xla.kernels import call_kernel
from eshkol.xla.key_stream import next_key
from eshkol.xla.random import float_dtype, random_normal, random_uniform
from eshkol.xla.tensors import cast, describe


def _axes(layout: Any, rank: int, who: str) -> tuple[int, int]:
    """The axes of inputs and outputs of a weight: the last two, or the first two of ``OIHW``."""
    if layout is None:
        return -2, -1
    name = layout.name if isinstance(layout, Symbol) else layout
    if isinstance(name, str) and len(name) == rank and {"I", "O"} <= set(name.upper()):
        return name.upper().index("I"), name.upper().index("O")
    raise BadValue(
        f"{who}: expected a layout of {rank} letters with I and O, got {describe(layout)}",
        hint="for example 'HWIO (the default), 'OIHW, 'IO",
    )


def _scaled(who: str, scale: float, mode: Any, distribution: Any) -> Callable[..., Any]:
    """An initializer of variance ``scale`` divided by a fan."""

    def rule(*dims: Any, layout: Any = None, dtype: Any = None) -> Any:
        shape = static_shape(dims, who)
        if not shape:
            raise ShapeError(f"{who}: expected a shape with at least one size, got ()")
        # A vector of n weights takes n numbers and gives one.
        fans = shape if len(shape) > 1 else (*shape, 1)
        inputs, outputs = _axes(layout, len(fans), who)
        static = (scale, mode, distribution, inputs, outputs, fans, shape)
        kind = float_dtype(dtype, who)
        if 0 in shape:
            # No weights have no fans.
            return cast(jnp.zeros(shape), kind)
        with wide() if kind in WIDE else nullcontext():
            return call_kernel(who, _initialization, (*static, kind), next_key())

    rule.__name__ = rule.__qualname__ = who
    return rule


def _initialization(
    scale: float,
    mode: Any,
    distribution: Any,
    inputs: Any,
    outputs: Any,
    fans: tuple[int, ...],
    shape: tuple[int, ...],
    dtype: np.dtype,
) -> Any:
    initializer = jax.nn.initializers.variance_scaling(scale, mode, distribution, inputs, outputs)
    return lambda key: initializer(key, fans, dtype).reshape(shape)


xavier_uniform = _scaled("xavier-uniform", 1.0, "fan_avg", "uniform")
xavier_normal = _scaled("xavier-normal", 1.0, "fan_avg", "truncated_normal")
he_uniform = _scaled("he-uniform", 2.0, "fan_in", "uniform")
he_normal = _scaled("he-normal", 2.0, "fan_in", "truncated_normal")
lecun_uniform = _scaled("lecun-uniform", 1.0, "fan_in", "uniform")
lecun_normal = _scaled("lecun-normal", 1.0, "fan_in", "truncated_normal")


def uniform_init(shape: Any, low: Any = 0.0, high: Any = 1.0, *, dtype: Any = None) -> Any:
    """Weights drawn evenly from [low, high)."""
    sizes = list(static_shape((shape,), "uniform-init"))
    kind = None if dtype is None else float_dtype(dtype, "uniform-init")
    return random_uniform(sizes, low, high, dtype=kind)


def normal_init(shape: Any, mean: Any = 0.0, deviation: Any = 1.0, *, dtype: Any = None) -> Any:
    """Weights drawn from a normal distribution."""
    sizes = list(static_shape((shape,), "normal-init"))
    kind = None if dtype is None else float_dtype(dtype, "normal-init")
    return random_normal(sizes, mean, deviation, dtype=kind)


def constant_init(shape: Any, value: Any = 0.0, *, dtype: Any = None) -> Any:
    """Weights that all have one value."""
    return full(list(static_shape((shape,), "constant-init")), value, dtype=dtype)


def orthogonal_init(shape: Any, scale: float = 1.0, *, dtype: Any = None) -> Any:
    """Weights whose matrix (the last axis against all others) has orthonormal rows or columns."""
    sizes = static_shape((shape,), "orthogonal-init")
    if len(sizes) < 2:
        raise ShapeError(f"orthogonal-init: expected at least two sizes, got {list(sizes)}")
    kind = float_dtype(dtype, "orthogonal-init")
    computed = kind if kind in WIDE else np.dtype("float32")
    with wide() if computed in WIDE else nullcontext():
        factor = number("orthogonal-init", scale, "scale", computed)
        weights = call_kernel("orthogonal", _orthogonal, (sizes, computed), next_key())
        return cast(factor * weights, kind)


def _orthogonal(shape: tuple[int, ...], dtype: np.dtype) -> Any:
    initializer = jax.nn.initializers.orthogonal()
    return lambda key: initializer(key, shape, dtype)

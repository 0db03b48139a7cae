"""Normalization over axes, and dropout."""

from __future__ import annotations

from typing import Any

from jax import lax

from eshkol.base.errors import ShapeError
from eshkol.xla.arguments import static_axes
from eshkol.xla.dtypes import FLOAT32, HALF_FLOATS, inexact_dtype, result_dtype
from eshkol.xla.random import dropout_mask
from eshkol.xla.reductions import mean_over
from eshkol.xla.rules import number_tensor
from eshkol.xla.tensors import as_tensor, as_tensors, at_dtype, cast, compiled, describe

Axes = tuple[int, ...]

_LAYER = "layers that keep their own parameters are in (import (eshkol nn))"


def _operands(who: str, tensor: Any, *parameters: Any) -> list[Any]:
    """The tensor and its parameters in its floating dtype."""
    x = as_tensor(tensor, who)
    if not x.shape:
        raise ShapeError(f"{who}: expected a tensor, got {describe(tensor)}", hint=_LAYER)
    x = cast(x, inexact_dtype(result_dtype(as_tensors(who, x, *parameters)), len(x.shape)))
    return [x, *(as_tensor(p, who) for p in at_dtype(who, x.dtype, as_tensors(who, *parameters)))]


def _placed(who: str, parameter: Any, x: Any, axes: Axes) -> Any:
    """A parameter with one number per place along ``axes``, shaped to broadcast against ``x``."""
    sizes = tuple(x.shape[axis] for axis in axes)
    wide = tuple(size if axis in axes else 1 for axis, size in enumerate(x.shape))
    if parameter.shape in ((), wide):
        return parameter
    if parameter.shape != sizes:
        raise ShapeError(
            f"{who}: a parameter is {describe(parameter)}, which does not fit {describe(x)}",
            hint=f"expected a number, or a tensor of shape {list(sizes)}",
        )
    return lax.reshape(parameter, wide)


@compiled("axes", inline=False)
def _normalized(x: Any, scale: Any, shift: Any, epsilon: Any, axes: Axes) -> Any:
    dtype = x.dtype
    wide = cast(x, FLOAT32) if dtype in HALF_FLOATS else x
    centered = lax.sub(wide, lax.expand_dims(mean_over(wide, axes), axes))
    variance = lax.expand_dims(mean_over(lax.square(centered), axes), axes)
    root = lax.rsqrt(lax.add(variance, cast(epsilon, wide.dtype)))
    return cast(lax.mul(centered, root), dtype) * scale + shift


def layer_norm(
    x: Any, scale: Any = 1.0, shift: Any = 0.0, epsilon: Any = 1e-5, axis: Any = -1
) -> Any:
    """Mean 0 and variance 1 over ``axis``, then ``scale`` and ``shift``."""
    x, scale, shift, epsilon = _operands("layer-norm", x, scale, shift, epsilon)
    axes = static_axes(axis, x, "layer-norm")
    scale, shift = (_placed("layer-norm", p, x, axes) for p in (scale, shift))
    return _normalized(x, scale, shift, epsilon, axes)


def rms_norm(x: Any, scale: Any = 1.0, epsilon: Any = 1e-5, axis: Any = -1) -> Any:
    """Mean square 1 over ``axis``, then ``scale``."""
    x, scale, epsilon = _operands("rms-norm", x, scale, epsilon)
    axes = static_axes(axis, x, "rms-norm")
    return _root_mean_square(x, _placed("rms-norm", scale, x, axes), epsilon, axes)


@compiled("axes", inline=False)
def _root_mean_square(x: Any, scale: Any, epsilon: Any, axes: Axes) -> Any:
    wide = cast(x, FLOAT32) if x.dtype in HALF_FLOATS else x
    mean = lax.expand_dims(mean_over(lax.square(wide), axes), axes)
    root = lax.rsqrt(lax.add(mean, cast(epsilon, wide.dtype)))
    return cast(lax.mul(wide, root), x.dtype) * scale


def batch_norm(
    x: Any, scale: Any = 1.0, shift: Any = 0.0, epsilon: Any = 1e-5, axis: Any = None
) -> Any:
    """Mean 0 and variance 1 of each feature over the batch, then ``scale`` and ``shift``."""
    x, scale, shift, epsilon = _operands("batch-norm", x, scale, shift, epsilon)
    rank = len(x.shape)
    axes = static_axes(axis, x, "batch-norm") if axis is not None else (0, *range(2, rank))
    features = tuple(a for a in range(rank) if a not in axes)
    scale, shift = (_placed("batch-norm", p, x, features) for p in (scale, shift))
    return _normalized(x, scale, shift, epsilon, axes)


def dropout(tensor: Any, rate: Any = None) -> Any:
    """The tensor with elements set to 0 at random, the others divided by how many are kept."""
    x = number_tensor("dropout", tensor)
    if rate is None or not x.shape:
        raise ShapeError(
            f"dropout: expected a tensor and a rate, got {describe(tensor)}",
            hint="the layer is (dropout-layer rate) of (import (eshkol nn))",
        )
    x = cast(x, inexact_dtype(x.dtype, len(x.shape)))
    # Selecting, and not multiplying: what is dropped is 0 even where it was infinite.
    mask = dropout_mask(x, rate)
    return lax.select(lax.ne(mask, lax.full_like(mask, 0)), lax.mul(x, mask), lax.full_like(x, 0))

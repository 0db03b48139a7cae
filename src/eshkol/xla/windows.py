"""Convolutions and poolings with a given number of spatial axes, batch and channels optional."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jax import lax

from eshkol.base.errors import ShapeError
from eshkol.xla.convolution import avg_pool, channels_last, convolution, max_pool
from eshkol.xla.tensors import as_tensor, describe

_LAYERS = "layers that make their own kernels are in (import (eshkol nn))"
_CHANNELS = {"NCW": "c×l", "NCHW": "c×h×w", "NCDHW": "c×d×h×w"}


def _convolution(who: str, spatial: int, layout: str) -> Callable[..., Any]:
    """The convolution with a number of spatial axes."""
    images, last = _CHANNELS[layout], layout.replace("C", "") + "C"

    def rule(
        tensor: Any,
        kernel: Any,
        stride: Any = 1,
        padding: Any = 0,
        *,
        dilation: Any = 1,
        groups: Any = 1,
        layout: Any = layout,
    ) -> Any:
        x, w = _images(who, tensor), _images(who, kernel)
        ranks = len(x.shape), len(w.shape)
        options = {"dilation": dilation, "groups": groups}
        if ranks == (spatial, spatial):
            x, w = lax.expand_dims(x, (0, spatial + 1)), lax.expand_dims(w, (spatial, spatial + 1))
            result = convolution(x, w, stride, padding, layout=last, **options)
            return lax.squeeze(result, (0, spatial + 1))
        if ranks[1] != spatial + 2 or ranks[0] not in (spatial + 1, spatial + 2):
            raise ShapeError(
                f"{who}: expected images n×{images} and a kernel out×in×window, "
                f"got {describe(x)} and {describe(w)}",
                hint=f"without batch and channels both have {spatial} axes",
            )
        return convolution(x, w, stride, padding, layout=layout, **options)

    rule.__name__ = rule.__qualname__ = who
    return rule


def _images(who: str, value: Any) -> Any:
    x = as_tensor(value, who)
    if not x.shape:
        message = f"{who}: expected a tensor and a kernel, got {describe(value)}"
        raise ShapeError(message, hint=_LAYERS)
    return x


conv1d = _convolution("conv1d", 1, "NCW")
conv2d = _convolution("conv2d", 2, "NCHW")
conv3d = _convolution("conv3d", 3, "NCDHW")


def _pooling(who: str, pool: Callable[..., Any]) -> Callable[..., Any]:
    def rule(
        tensor: Any, size: Any, stride: Any = None, padding: Any = 0, *, layout: Any = "NCHW"
    ) -> Any:
        x = as_tensor(tensor, who)
        if not 2 <= len(x.shape) <= 4:
            raise ShapeError(
                f"{who}: expected images n×c×h×w, got {describe(tensor)}",
                hint="a picture h×w and one c×h×w will do too" if x.shape else _LAYERS,
            )
        channels_last(layout, who)
        return pool(x, size, stride, padding, layout=layout)

    rule.__name__ = rule.__qualname__ = who
    return rule


max_pool2d = _pooling("max-pool2d", max_pool)
avg_pool2d = _pooling("avg-pool2d", avg_pool)

"""Convolution and pooling over any number of spatial axes, channels first or last."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, ShapeError
from eshkol.datum.symbols import Symbol
from eshkol.xla.arguments import is_sequence, static_int, static_ints
from eshkol.xla.dtypes import inexact_dtype, result_dtype
from eshkol.xla.precision import product
from eshkol.xla.tensors import as_tensor, cast, compiled, describe

Padding = tuple[tuple[int, int], ...]

UNROLLED_WINDOW = 16
"""Windows of up to so many elements are pooled as strided slices, one per element.

XLA's own window operation is differentiated by a scatter, which on a CPU takes some ten times as
long as the selections and pads that slices make.
"""


def channels_last(layout: Any, who: str) -> bool:
    """Whether ``layout`` (a symbol such as ``NCHW`` or ``NHWC``) has its channels last."""
    name = layout.name if isinstance(layout, Symbol) else layout
    if isinstance(name, str) and name.upper() in ("NCHW", "NHWC", "NCW", "NWC", "NCDHW", "NDHWC"):
        return name.upper()[-1] == "C"
    raise BadValue(f"{who}: expected the layout NCHW or NHWC, got {describe(layout)}")


def _per_axis(value: Any, count: int, who: str, what: str, least: int = 1) -> tuple[int, ...]:
    """One number for all spatial axes, or a list of one per axis."""
    numbers = static_ints(value, who, what)
    numbers = numbers * count if len(numbers) == 1 else numbers
    if len(numbers) != count or min(numbers, default=least) < least:
        raise BadValue(
            f"{who}: expected a {what} of at least {least}, or a list of {count}, "
            f"got {describe(value)}"
        )
    return numbers


def _padding(value: Any, sizes: Any, windows: Any, strides: Any, who: str) -> Padding:
    """The padding of each spatial axis: from a number, a list, ``same`` or ``valid``."""
    name = value.name if isinstance(value, Symbol) else value
    if isinstance(name, str):
        if name.upper() == "VALID":
            return ((0, 0),) * len(sizes)
        if name.upper() == "SAME":
            return tuple(map(_same, sizes, windows, strides))
        raise BadValue(f"{who}: expected the padding 'same, 'valid or a number, got {name!r}")
    if not is_sequence(value):
        return ((static_int(value, who, "padding"),) * 2,) * len(sizes)
    sides = [static_ints(side, who, "padding") for side in value]
    if len(sides) != len(sizes) or any(len(side) > 2 for side in sides):
        raise BadValue(f"{who}: expected a padding for {len(sizes)} axes, got {describe(value)}")
    return tuple((side[0], side[-1]) for side in sides)


def _same(size: int, window: int, stride: int) -> tuple[int, int]:
    """Padding that leaves ``size / stride`` (rounded up) results; an odd one goes behind."""
    total = max(0, (math.ceil(size / stride) - 1) * stride + window - size)
    return total // 2, total - total // 2


class _Plan(NamedTuple):
    """What XLA must know of a convolution."""

    strides: tuple[int, ...]
    padding: Padding
    dilation: tuple[int, ...]
    groups: int
    last: bool


def convolution(
    tensor: Any,
    kernel: Any,
    stride: Any = 1,
    padding: Any = 0,
    *,
    dilation: Any = 1,
    groups: Any = 1,
    layout: Any = "NCHW",
) -> Any:
    """The cross-correlation of ``tensor`` with ``kernel``; see the declaration."""
    x, w = _floats("convolution", tensor, kernel)
    last = channels_last(layout, "convolution")
    bare, single = len(x.shape) == len(w.shape) - 2, len(x.shape) == len(w.shape) - 1
    if len(x.shape) == len(w.shape) and len(w.shape) == 2:
        # A picture and a filter without batch and channels.
        x, w, bare = x[None, :, :, None], w[:, :, None, None], True
        last = True
    elif single:
        x = lax.expand_dims(x, (0,))
    plan = _planned(x, w, stride, padding, dilation, groups, last)
    result = _convolve(x, w, plan)
    if bare:
        return lax.squeeze(result, (0, 3))
    return lax.squeeze(result, (0,)) if single else result


def _floats(who: str, *values: Any) -> list[Any]:
    arrays = [as_tensor(value, who) for value in values]
    dtype = inexact_dtype(result_dtype(arrays), 1)
    return [cast(array, dtype) for array in arrays]


def _planned(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: Any, last: bool
) -> _Plan:
    spatial = len(w.shape) - 2
    if spatial < 1 or len(x.shape) != len(w.shape):
        raise ShapeError(
            f"convolution: ranks differ, the input is {describe(x)} and the kernel {describe(w)}",
            hint="an image batch n×c×h×w takes a kernel out×in×h×w "
            "(with #:layout 'NHWC: n×h×w×c and h×w×in×out)",
        )
    windows = w.shape[:spatial] if last else w.shape[2:]
    sizes = x.shape[1:-1] if last else x.shape[2:]
    count = static_int(groups, "convolution", "the number of groups")
    _check_channels(x, w, count, last)
    strides = _per_axis(stride, spatial, "convolution", "stride")
    dilations = _per_axis(dilation, spatial, "convolution", "dilation")
    reach = tuple((k - 1) * d + 1 for k, d in zip(windows, dilations, strict=True))
    pads = _padding(padding, sizes, reach, strides, "convolution")
    _check_reach("convolution", x, sizes, reach, pads)
    return _Plan(strides, pads, dilations, count, last)


def _check_channels(x: Any, w: Any, groups: int, last: bool) -> None:
    channels, takes = (x.shape[-1], w.shape[-2]) if last else (x.shape[1], w.shape[1])
    outputs = w.shape[-1] if last else w.shape[0]
    if groups < 1 or channels != takes * groups:
        raise ShapeError(
            f"convolution: the input {describe(x)} has {channels} channels and the kernel "
            f"{describe(w)} takes {takes}{f' in each of {groups} groups' if groups != 1 else ''}",
            hint="kernels are out×in×h×w for NCHW inputs and h×w×in×out for #:layout 'NHWC",
        )
    if outputs % groups:
        raise ShapeError(f"convolution: {groups} groups do not divide {outputs} output channels")


def _check_reach(who: str, x: Any, sizes: Any, windows: Any, pads: Padding) -> None:
    for size, window, (before, after) in zip(sizes, windows, pads, strict=True):
        if size + before + after < window:
            raise ShapeError(
                f"{who}: a window of {window} does not fit into {size + before + after} "
                f"elements of {describe(x)}",
                hint="add padding, or take a smaller window",
            )


@compiled("plan")
@product
def _convolve(x: Any, w: Any, plan: _Plan) -> Any:
    rank = len(x.shape)
    spatial = tuple(range(rank - 2))
    if plan.last:
        image = (0, rank - 1, *(a + 1 for a in spatial))
        filters = (rank - 1, rank - 2, *spatial)
    else:
        image = filters = tuple(range(rank))
    return lax.conv_general_dilated(
        x,
        w,
        plan.strides,
        plan.padding,
        rhs_dilation=plan.dilation,
        dimension_numbers=lax.ConvDimensionNumbers(image, filters, image),
        feature_group_count=plan.groups,
    )


def _pool(who: str, combine: Callable[..., Any]) -> Callable[..., Any]:
    """A pooling: ``combine`` takes the padded array, its windows and strides for all axes."""
    kernel = compiled("window", "strides", "pads", inline=False)(combine)

    def rule(
        tensor: Any, size: Any, stride: Any = None, padding: Any = 0, *, layout: Any = "NCHW"
    ) -> Any:
        x = as_tensor(tensor, who)
        x = cast(x, inexact_dtype(x.dtype, 1))
        last = channels_last(layout, who)
        spatial = _spatial_axes(x, last, who)
        windows = _per_axis(size, len(spatial), who, "window")
        strides = windows if stride is None else _per_axis(stride, len(spatial), who, "stride")
        sizes = [x.shape[a] for a in spatial]
        pads = _padding(padding, sizes, windows, strides, who)
        _check_reach(who, x, sizes, windows, pads)
        spread = functools.partial(_spread, spatial, len(x.shape))
        return kernel(x, spread(windows, 1), spread(strides, 1), spread(pads, (0, 0)))

    rule.__name__ = rule.__qualname__ = who
    return rule


def _spatial_axes(x: Any, last: bool, who: str) -> tuple[int, ...]:
    """The axes to pool: all of a matrix, else those that are neither batch nor channel."""
    rank = len(x.shape)
    if rank == 2:
        return (0, 1)
    if rank < 2:
        raise ShapeError(f"{who}: expected images n×c×h×w, got {describe(x)}")
    if rank == 3:
        return (0, 1) if last else (1, 2)
    return tuple(range(1, rank - 1)) if last else tuple(range(2, rank))


def _spread(axes: tuple[int, ...], rank: int, values: Any, other: Any) -> tuple[Any, ...]:
    """``values`` at ``axes``, ``other`` at the rest."""
    by_axis = dict(zip(axes, values, strict=True))
    return tuple(by_axis.get(a, other) for a in range(rank))


def _padded(x: Any, pads: Padding, value: float) -> Any:
    if not any(itertools.chain.from_iterable(pads)):
        return x
    return lax.pad(x, x.dtype.type(value), [(*sides, 0) for sides in pads])


def _shifts(x: Any, window: tuple[int, ...], strides: tuple[int, ...]) -> list[Any]:
    """For each place in the window, the elements at that place of every window."""
    counts = [(n - k) // s + 1 for n, k, s in zip(x.shape, window, strides, strict=True)]
    reach = [(count - 1) * s + 1 for count, s in zip(counts, strides, strict=True)]
    return [
        lax.slice(x, place, [p + r for p, r in zip(place, reach, strict=True)], strides)
        for place in itertools.product(*map(range, window))
    ]


def _larger(a: Any, b: Any) -> Any:
    """The larger element; of equal ones ``a`` alone gets the gradient. Not-a-number wins."""
    take_b = lax.bitwise_or(lax.lt(a, b), lax.ne(b, b))
    return lax.select(take_b, b, a)


def _max_windows(x: Any, window: Any, strides: Any, pads: Padding) -> Any:
    if math.prod(window) <= UNROLLED_WINDOW:
        return _tree(_larger, _shifts(_padded(x, pads, -np.inf), window, strides))
    return lax.reduce_window(x, x.dtype.type(-np.inf), lax.max, window, strides, pads)


def _mean_windows(x: Any, window: Any, strides: Any, pads: Padding) -> Any:
    count = math.prod(window)
    if count <= UNROLLED_WINDOW:
        total = _tree(lax.add, _shifts(_padded(x, pads, 0), window, strides))
    else:
        total = lax.reduce_window(x, x.dtype.type(0), lax.add, window, strides, pads)
    return lax.div(total, x.dtype.type(count))


def _tree(combine: Callable[[Any, Any], Any], items: list[Any]) -> Any:
    """Neighbours combined pairwise until one is left; the order of the items is kept."""
    while len(items) > 1:
        pairs = [combine(a, b) for a, b in zip(items[::2], items[1::2], strict=False)]
        items = pairs + items[len(pairs) * 2 :]
    return items[0]


max_pool = _pool("max-pool", _max_windows)
avg_pool = _pool("avg-pool", _mean_windows)


def global_mean(tensor: Any, *, layout: Any = "NCHW") -> Any:
    """The mean over all spatial axes: n×c of images n×c×h×w."""
    x = as_tensor(tensor, "global-avg-pool")
    axes = _spatial_axes(x, channels_last(layout, "global-avg-pool"), "global-avg-pool")
    return jnp.mean(cast(x, inexact_dtype(x.dtype, 1)), axes)

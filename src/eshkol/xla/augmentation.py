"""Random changes of one image, by which a network sees more pictures than there are."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.ndimage
from jax import lax

from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.xla.arguments import static_axis, static_int, static_ints
from eshkol.xla.dtypes import FLOAT32, INT32, inexact_dtype, wide
from eshkol.xla.key_stream import next_key
from eshkol.xla.tensors import as_tensor, cast, compiled, describe


def _image(who: str, value: Any) -> Any:
    x = as_tensor(value, who)
    if len(x.shape) not in (2, 3):
        raise ShapeError(
            f"{who}: expected an image h×w or h×w×c, got {describe(x)}",
            hint="of a batch take one image after another: ((vmap (lambda (image) …)) images)",
        )
    return x


def crop(image: Any, size: Any, padding: Any = 0) -> Any:
    """A part of an image at a random place."""
    who = "random-crop"
    x, border = _image(who, image), static_int(padding, who, "padding")
    sizes = static_ints(size, who, "size")
    if len(sizes) not in (1, 2):
        raise ShapeError(f"{who}: expected a height and a width, got {describe(size)}")
    height, width = (sizes * 2)[:2]
    if border < 0:
        raise BadValue(f"{who}: expected a padding of at least 0, got {border}")
    room = [n + 2 * border - k for n, k in zip(x.shape, (height, width), strict=False)]
    if min(room) < 0 or min(height, width) < 0:
        raise ShapeError(f"{who}: {describe(x)} holds no part of {height}×{width}")
    with wide():
        return _crop(next_key(), x, border, (height, width), tuple(room))


@compiled("border", "size", "room")
def _crop(key: Any, x: Any, border: int, size: tuple[int, int], room: tuple[int, ...]) -> Any:
    sides = [(border, border, 0)] * 2 + [(0, 0, 0)] * (len(x.shape) - 2)
    padded = lax.pad(x, x.dtype.type(0), sides)
    places = jax.random.randint(key, (2,), 0, jnp.asarray(room, INT32) + 1, INT32)
    starts = [places[0], places[1], *[jnp.int32(0)] * (len(x.shape) - 2)]
    return lax.dynamic_slice(padded, starts, (*size, *x.shape[2:]))


def flip(image: Any, axis: Any = 1) -> Any:
    """The image, or its mirror image along an axis, by the toss of a coin."""
    who = "random-flip"
    x = _image(who, image)
    with wide():
        return _flip(next_key(), x, static_axis(axis, len(x.shape), who, x))


@compiled("axis")
def _flip(key: Any, x: Any, axis: int) -> Any:
    return jnp.where(jax.random.bernoulli(key), lax.rev(x, (axis,)), x)


def rotate(image: Any, angle: Any) -> Any:
    """The image turned about its middle by at most ``angle`` degrees to either side."""
    who = "random-rotation"
    x = _image(who, image)
    most = as_tensor(angle, who, FLOAT32)
    if most.shape:
        raise WrongType(f"{who}: expected a number of degrees, got {describe(angle)}")
    x = cast(x, inexact_dtype(x.dtype, 2))
    with wide():
        return _rotate(next_key(), x, most)


@compiled(inline=False)
def _rotate(key: Any, x: Any, most: Any) -> Any:
    angle = jax.random.uniform(key, (), FLOAT32, -1, 1) * most * (math.pi / 180)
    middle = [(n - 1) / 2 for n in x.shape[:2]]
    rows, columns = jnp.meshgrid(
        *(jnp.arange(n, dtype=FLOAT32) - m for n, m in zip(x.shape, middle, strict=False)),
        indexing="ij",
    )
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    places = [
        cosine * rows - sine * columns + middle[0],
        sine * rows + cosine * columns + middle[1],
    ]

    def turned(picture: Any) -> Any:
        return jax.scipy.ndimage.map_coordinates(picture, places, order=1)

    if len(x.shape) == 2:
        return turned(x)
    return jax.vmap(turned, in_axes=2, out_axes=2)(x)

"""Random changes of one image h×w or h×w×c, by which a network sees more pictures than there are.

``vmap`` makes of them changes of a batch, each image by its own draw. Draws come from the stream
that ``rng-seed`` begins.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.augmentation:"


@tensor_primitive("random-crop", at=_AT + "crop")
def random_crop(image: Tensor, size: Any, padding: int = 0) -> Tensor:
    """A part of an image at a random place.

    Args:
        size: a number, or a list of height and width.
        padding: how many zeros are put around the image before.

    Raises:
        ShapeError: the part is larger than the image.

    Example: ``(tensor-shape (random-crop (ones 28 28 1) 24))`` ⇒ ``(24 24 1)``.
    """


@tensor_primitive("random-flip", at=_AT + "flip")
def random_flip(image: Tensor, axis: int = 1) -> Tensor:
    """An image or, every second time, its mirror image along an axis: 1 for left and right.

    Example: ``(random-flip (ones 2 2))`` ⇒ ``#((1.0 1.0) (1.0 1.0))``.
    """


@tensor_primitive("random-rotation", at=_AT + "rotate")
def random_rotation(image: Tensor, angle: Any) -> Tensor:
    """An image turned about its middle by up to ``angle`` degrees to either side.

    Between its elements it is interpolated linearly; what was outside is 0.

    Example: ``(random-rotation #(#(1 2) #(3 4)) 0)`` ⇒ ``#((1.0 2.0) (3.0 4.0))``.
    """

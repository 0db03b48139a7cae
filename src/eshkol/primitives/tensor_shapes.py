"""Shapes of tensors: reshaping, permuting, joining, splitting, broadcasting, padding.

Sizes and axes must be known when a program is compiled. Axes may be negative, counting from the
end. Results are new values: nothing shares storage.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Sizes, Tensor

_SHAPES = "eshkol.xla.shapes:"
_JOINING = "eshkol.xla.joining:"


@tensor_primitive("reshape", "tensor-reshape", at=_SHAPES + "reshape")
def reshape(tensor: Tensor, *sizes: Sizes) -> Tensor:
    """The same elements, in row order, with other sizes; one size may be -1.

    Raises:
        ShapeError: the sizes do not hold as many elements.

    Example: ``(reshape #(1 2 3 4) 2 -1)`` ⇒ ``#((1.0 2.0) (3.0 4.0))``.
    """


@tensor_primitive("flatten", "tensor-data", at=_SHAPES + "flatten")
def flatten(tensor: Tensor) -> Tensor:
    """All elements in row order as one axis.

    Example: ``(flatten (eye 2))`` ⇒ ``#(1.0 0.0 0.0 1.0)``.
    """


@tensor_primitive("transpose", "tensor-transpose", at=_SHAPES + "transpose")
def transpose(tensor: Tensor, *axes: Any) -> Tensor:
    """The axes in reverse order; two integers exchange two axes; a list permutes all.

    Example: ``(transpose #(#(1 2) #(3 4)))`` ⇒ ``#((1.0 3.0) (2.0 4.0))``; of shape (2 3 4),
    ``(transpose t 1 2)`` has shape (2 4 3), and ``(transpose t '(2 0 1))`` has (4 2 3).
    """


@tensor_primitive("permute", at=_SHAPES + "permute")
def permute(tensor: Tensor, *axes: Any) -> Tensor:
    """The axes in the given order, one by one or as a list.

    Example: ``(tensor-shape (permute (zeros 2 3 4) 2 0 1))`` ⇒ ``(4 2 3)``.
    """


@tensor_primitive("swap-axes", at=_SHAPES + "swap_axes")
def swap_axes(tensor: Tensor, first: int, second: int) -> Tensor:
    """Two axes exchanged.

    Example: ``(tensor-shape (swap-axes (zeros 2 3 4) 0 -1))`` ⇒ ``(4 3 2)``.
    """


@tensor_primitive("move-axis", at=_SHAPES + "move_axis")
def move_axis(tensor: Tensor, source: int, destination: int) -> Tensor:
    """One axis moved; the others keep their order.

    Example: ``(tensor-shape (move-axis (zeros 2 3 4) 0 -1))`` ⇒ ``(3 4 2)``.
    """


@tensor_primitive("squeeze", at=_SHAPES + "squeeze")
def squeeze(tensor: Tensor, axis: Any = None) -> Tensor:
    """Axes of size 1 dropped: all, or those named.

    Raises:
        ShapeError: a named axis has another size.

    Example: ``(squeeze (zeros 1 3))`` ⇒ ``#(0.0 0.0 0.0)``.
    """


@tensor_primitive("unsqueeze", "expand-dims", at=_SHAPES + "unsqueeze")
def unsqueeze(tensor: Tensor, axis: Any) -> Tensor:
    """A new axis of size 1, counted in the result.

    Example: ``(unsqueeze #(1 2) 0)`` ⇒ ``#((1.0 2.0))``.
    """


@tensor_primitive("concatenate", "tensor-concat", at=_JOINING + "concatenate")
def concatenate(*arguments: Any, axis: int = 0) -> Tensor:
    """Tensors joined along an axis that they have.

    ``(concatenate tensors [axis])`` or ``(concatenate axis tensor …)``; the axis is 0 if left out.

    Raises:
        ShapeError: sizes off the axis differ.

    Example: ``(concatenate (list #(1 2) #(3)) 0)`` ⇒ ``#(1.0 2.0 3.0)``.
    """


@tensor_primitive("stack", "tensor-stack", at=_JOINING + "stack")
def stack(*arguments: Any, axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    ``(stack tensors [axis])`` or ``(stack axis tensor …)``; the axis is 0 if left out.

    Example: ``(stack (list #(1 2) #(3 4)) 0)`` ⇒ ``#((1.0 2.0) (3.0 4.0))``.
    """


@tensor_primitive("split", at=_JOINING + "split")
def split(tensor: Tensor, sizes: Sizes, axis: int = 0) -> Pair:
    """A list of pieces along an axis: of one size (the last may be smaller), or of listed sizes.

    Example: ``(split #(1 2 3) 2)`` ⇒ ``(#(1.0 2.0) #(3.0))``.
    """


@tensor_primitive("tensor-split", at=_JOINING + "split_into")
def tensor_split(tensor: Tensor, count: Any, axis: int = 0) -> Pair:
    """A list of ``count`` pieces along an axis, the first ones larger by one where it must be so.

    Example: ``(tensor-split #(1 2 3) 2)`` ⇒ ``(#(1.0 2.0) #(3.0))``.
    """


@tensor_primitive("broadcast-to", at=_SHAPES + "broadcast_to")
def broadcast_to(tensor: Tensor, *sizes: Sizes) -> Tensor:
    """A tensor repeated along axes of size 1 and new leading axes.

    Raises:
        ShapeError: a size is neither 1 nor the one wanted.

    Example: ``(broadcast-to #(1 2) '(2 2))`` ⇒ ``#((1.0 2.0) (1.0 2.0))``.
    """


@tensor_primitive("tensor-broadcast", at=_SHAPES + "broadcast_reduced")
def tensor_broadcast(tensor: Tensor, *sizes: Sizes) -> Tensor:
    """``broadcast-to`` that puts back an axis which a reduction dropped.

    Where the sizes do not match from the last axis, the missing axis is the last one that fits.

    Example: ``(let ((m #(#(1 2) #(3 4)))) (tensor-broadcast (tensor-sum m 1) (tensor-shape m)))``
    ⇒ ``#((3.0 7.0) (3.0 7.0))``.
    """


@tensor_primitive("broadcast-tensors", at=_SHAPES + "broadcast_tensors")
def broadcast_tensors(*tensors: Tensor) -> Pair:
    """A list of the tensors, all broadcast to the shape they have together.

    Example: ``(broadcast-tensors #(1 2) #(#(3) #(4)))`` ⇒ ``(#((1.0 2.0) (1.0 2.0)) #((3.0 3.0)
    (4.0 4.0)))``.
    """


@tensor_primitive("tile", at=_SHAPES + "tile")
def tile(tensor: Tensor, *repeats: Sizes) -> Tensor:
    """The whole tensor repeated along each axis.

    Example: ``(tile #(1 2) 2)`` ⇒ ``#(1.0 2.0 1.0 2.0)``; ``(tile #(1 2) '(2 1))`` ⇒ ``#((1.0
    2.0) (1.0 2.0))``.
    """


@tensor_primitive("repeat", "tensor-repeat", at=_SHAPES + "repeat")
def repeat(tensor: Tensor, count: Any, axis: int | None = None) -> Tensor:
    """Each element, or with an axis each slice, ``count`` times in place.

    Args:
        count: a number, or a list with one for each element or slice.

    Example: ``(repeat #(1 2) 2)`` ⇒ ``#(1.0 1.0 2.0 2.0)``; ``(repeat #(1 2) '(0 3))`` ⇒
    ``#(2.0 2.0 2.0)``.
    """


@tensor_primitive("tensor-flip", at=_SHAPES + "flip")
def tensor_flip(tensor: Tensor, axis: Any = None) -> Tensor:
    """The order of elements reversed along an axis, or all.

    Example: ``(tensor-flip #(1 2))`` ⇒ ``#(2.0 1.0)``.
    """


@tensor_primitive("roll", at=_SHAPES + "roll")
def roll(tensor: Tensor, shift: Any, axis: Any = None) -> Tensor:
    """Elements moved by ``shift``, which may be traced; those that fall off come in in front.

    Along several axes, given as a list, by one shift or by a list of them.

    Example: ``(roll #(1 2 3) 1)`` ⇒ ``#(3.0 1.0 2.0)``.
    """


@tensor_primitive("pad", at=_SHAPES + "pad")
def pad(tensor: Tensor, width: Any, value: Any = 0) -> Tensor:
    """``value`` put around a tensor.

    Args:
        width: one number for all sides, a list of one per axis, or of ``(before after)`` per axis;
            at least 0.

    Example: ``(pad #(1 2) '((1 0)))`` ⇒ ``#(0.0 1.0 2.0)``.
    """

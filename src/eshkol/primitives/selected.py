"""Elements of tensors found by their values.

How many are found is known only when a program runs. Compiled code must say a size with
``#:size``: the results have that size, cut off or filled up behind what was found.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.selected:"


@tensor_primitive("unique", "tensor-unique", at=_AT + "unique")
def unique(
    tensor: Tensor,
    *,
    size: Any = None,
    fill: Any = None,
    axis: Any = None,
    inverse: bool = False,
    counts: bool = False,
) -> Any:
    """The different elements in rising order; with an axis, the different slices along it.

    Args:
        size: how many the result has; what fills it up is ``fill``, the smallest one if left out.
        inverse: also the index of each element among the different ones.
        counts: also how often each occurs.

    Returns:
        A tensor; with ``inverse`` or ``counts``, a list of tensors.

    Example: ``(unique #(3 1 3))`` ⇒ ``#(1.0 3.0)``; ``(unique #(3 1 3) #:counts #t)`` ⇒
    ``(#(1.0 3.0) #(1 2))``.
    """


@tensor_primitive("nonzero", at=_AT + "nonzero")
def nonzero(tensor: Tensor, *, size: Any = None, fill: int = -1) -> Pair:
    """The list of the indices (int32), one tensor per axis, of the elements that are not 0.

    Args:
        tensor: numbers, or booleans, of which the true ones are found.
        size: how many indices there are to be, filled up by ``fill``.

    Example: ``(nonzero #(#(0 5) #(6 0)))`` ⇒ ``(#(0 1) #(1 0))``.
    """


@tensor_primitive("boolean-mask", "masked-select", at=_AT + "masked")
def boolean_mask(tensor: Tensor, mask: Tensor, *, size: Any = None, fill: Any = 0) -> Tensor:
    """The elements at which a mask is true, in row order; with a mask of fewer axes, the slices.

    Args:
        mask: booleans, of the shape of the tensor or of its first axes.
        size: how many there are to be, filled up by ``fill``.

    Example: ``(boolean-mask #(1 -2 3) (> #(1 -2 3) 0))`` ⇒ ``#(1.0 3.0)``.
    """

"""Procedures of numbers applied to the elements of tensors.

The procedure is staged once and runs for all elements of a tensor together. The elements of a
vector or list are given to it one after another, and the result is a vector or list.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.mapping:"


@tensor_primitive("tensor-apply", "tensor-map", at=_AT + "apply")
def tensor_apply(procedure: Any, tensor: Any) -> Tensor:
    """What a procedure gives for each element; the two arguments may stand in either order.

    Where it gives tensors of one shape, their axes come last.

    Example: ``(tensor-apply (lambda (x) (if (> x 0) x 0.0)) (tensor -1 2))`` ⇒ ``#(0.0 2.0)``;
    ``(tensor-apply (lambda (x) (/ x 2)) #(1 4))`` ⇒ ``#(1/2 2)``.
    """


@tensor_primitive("tensor-apply-indexed", at=_AT + "apply_indexed")
def tensor_apply_indexed(procedure: Any, tensor: Any) -> Tensor:
    """What a procedure of the indices and the element gives for each element.

    Example: ``(tensor-apply-indexed (lambda (i j v) (if (<= j i) v 0.0)) (ones 2 2))`` ⇒
    ``#((1.0 0.0) (1.0 1.0))``.
    """


@tensor_primitive("tensor-reduce", at=_AT + "reduce")
def tensor_reduce(tensor: Tensor, procedure: Any, initial: Any, axis: Any = None) -> Tensor:
    """The elements along an axis folded: ``(procedure so-far element)``, from ``initial`` on.

    Without an axis all elements are folded, in row order. In compiled code, and with an axis of
    several, what is so far has the dtype of the tensor.

    Example: ``(tensor-reduce #(#(1 2) #(3 4)) + 0 0)`` ⇒ ``#(4.0 6.0)``;
    ``(tensor-reduce #(1 2 3) max 0)`` ⇒ ``3.0``.
    """


@tensor_primitive("tensor-reduce-all", at=_AT + "reduce_all")
def tensor_reduce_all(tensor: Tensor, procedure: Any, initial: Any) -> Any:
    """All elements folded in row order: ``(procedure so-far element)``, from ``initial`` on.

    Example: ``(tensor-reduce-all #(#(1 2) #(3 4)) * 1)`` ⇒ ``24.0``.
    """

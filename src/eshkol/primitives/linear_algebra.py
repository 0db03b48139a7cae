"""Products of tensors: matrix products, inner and outer products, Einstein sums."""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.linear_algebra:"


@tensor_primitive("matmul", "tensor-matmul", at=_AT + "matmul")
def matmul(a: Tensor, b: Tensor) -> Tensor:
    """The matrix product: the last axis of ``a`` with the last but one of ``b``.

    Axes before the last two broadcast. A tensor of rank 1 is a row on the left, a column on the
    right; two of them make a number.

    Raises:
        ShapeError: the inner sizes differ, or the batch sizes do not broadcast.

    Example: ``(matmul #(#(1 2) #(3 4)) #(1 1))`` ⇒ ``#(3.0 7.0)``.
    """


@tensor_primitive("tensor-dot", "dot", at=_AT + "dot")
def dot(a: Tensor, b: Tensor) -> Tensor:
    """The inner product of two tensors of rank 1; of higher rank, as NumPy's ``dot``.

    Example: ``(tensor-dot #(1 2 3) #(4 5 6))`` ⇒ ``32.0``.
    """


@tensor_primitive("batch-matmul", at=_AT + "batch_matmul")
def batch_matmul(a: Tensor, b: Tensor) -> Tensor:
    """Matrix products of two stacks of matrices, (… n k) and (… k m), one by one.

    Example: ``(tensor-shape (batch-matmul (ones 5 2 3) (ones 5 3 4)))`` ⇒ ``(5 2 4)``.
    """


@tensor_primitive("outer", at=_AT + "outer")
def outer(a: Tensor, b: Tensor) -> Tensor:
    """All products of an element of ``a`` and one of ``b``, in row order: a matrix.

    Example: ``(outer #(1 2) #(3 4))`` ⇒ ``#((3.0 4.0) (6.0 8.0))``.
    """


@tensor_primitive("einsum", at=_AT + "einsum")
def einsum(equation: str, *tensors: Any) -> Tensor:
    """The sum of products that an equation in Einstein's notation describes.

    The tensors come one by one or as one list.

    Raises:
        ShapeError: the equation does not fit the tensors.

    Example: ``(einsum "ij,jk->ik" #(#(1 2) #(3 4)) #(#(0 1) #(1 0)))`` ⇒ ``#((2.0 1.0) (4.0
    3.0))``; ``(einsum "ii->" (eye 3))`` ⇒ ``3.0``.
    """


@tensor_primitive("tensordot", at=_AT + "tensordot")
def tensordot(a: Tensor, b: Tensor, axes: Any = 2) -> Tensor:
    """Products summed over axes.

    Args:
        axes: how many: the last of ``a`` with the first of ``b``; or two lists of axes.

    Example: ``(tensordot #(#(1 2) #(3 4)) #(1 1) 1)`` ⇒ ``#(3.0 7.0)``.
    """


@tensor_primitive("diagonal", "diag", at=_AT + "diagonal")
def diagonal(matrix: Tensor) -> Tensor:
    """The diagonal of the last two axes; of rank 1, the matrix that has this diagonal.

    Example: ``(diagonal #(#(1 2) #(3 4)))`` ⇒ ``#(1.0 4.0)``.
    """

"""Making tensors. ``#:dtype`` names the dtype; without it tensors are of the default float dtype.

Sizes are given one by one, ``(zeros 2 3)``, or as one list or vector, ``(zeros '(2 3))``. They must
be known when a program is compiled; a traced one is a StagingError.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Dtype, Sizes, Tensor


@tensor_primitive("tensor", at="eshkol.xla.creation:tensor")
def tensor(*values: Any, dtype: Dtype = None) -> Tensor:
    """A tensor of the values.

    One list, vector or array gives a tensor of its shape. Several numbers give a tensor of rank 1,
    except that leading exact integers are its sizes where their product is the number of the
    values after them (among integers alone, at least two sizes are needed for that).

    Raises:
        ShapeError: rows of unequal shapes. WrongType: a value is no number.

    Example: ``(tensor 2 2 1.0 2.0 3.0 4.0)`` ⇒ ``#((1.0 2.0) (3.0 4.0))``; ``(tensor 1 2 3)`` ⇒
    ``#(1.0 2.0 3.0)``.
    """


@tensor_primitive("matrix", at="eshkol.xla.creation:matrix")
def matrix(rows: int, columns: int, *values: Any, dtype: Dtype = None) -> Tensor:
    """A matrix of the values in row order, which are given one by one or as one list.

    Raises:
        ShapeError: there are not ``rows`` × ``columns`` of them.

    Example: ``(matrix 2 2 1 2 3 4)`` ⇒ ``#((1.0 2.0) (3.0 4.0))``.
    """


@tensor_primitive("zeros", at="eshkol.xla.creation:zeros")
def zeros(*sizes: Sizes, dtype: Dtype = None) -> Tensor:
    """A tensor of zeros. Example: ``(zeros 3)`` ⇒ ``#(0.0 0.0 0.0)``."""


@tensor_primitive("ones", at="eshkol.xla.creation:ones")
def ones(*sizes: Sizes, dtype: Dtype = None) -> Tensor:
    """A tensor of ones. Example: ``(ones 2 #:dtype 'int32)`` ⇒ ``#(1 1)``."""


@tensor_primitive("full", "make-tensor", at="eshkol.xla.creation:full")
def full(shape: Sizes, value: Any = 0.0, *, dtype: Dtype = None) -> Tensor:
    """A tensor of ``shape`` in which every element is ``value``; a truth value makes booleans.

    Example: ``(full '(2) 1.5)`` ⇒ ``#(1.5 1.5)``.
    """


@tensor_primitive("tensor-fill", at="eshkol.xla.creation:fill")
def tensor_fill(value: Any, shape: Sizes, *, dtype: Dtype = None) -> Tensor:
    """``full`` with the value first. Example: ``(tensor-fill 7 '(2))`` ⇒ ``#(7.0 7.0)``."""


@tensor_primitive("zeros-like", at="eshkol.xla.creation:zeros_like")
def zeros_like(tensor: Tensor, *, dtype: Dtype = None) -> Tensor:
    """Zeros of the shape and dtype of a tensor.

    Example: ``(zeros-like (ones 2))`` ⇒ ``#(0.0 0.0)``.
    """


@tensor_primitive("ones-like", at="eshkol.xla.creation:ones_like")
def ones_like(tensor: Tensor, *, dtype: Dtype = None) -> Tensor:
    """Ones of the shape and dtype of a tensor.

    Example: ``(ones-like (zeros 2))`` ⇒ ``#(1.0 1.0)``.
    """


@tensor_primitive("full-like", at="eshkol.xla.creation:full_like")
def full_like(tensor: Tensor, value: Any, *, dtype: Dtype = None) -> Tensor:
    """A tensor of the shape and dtype of another in which every element is ``value``.

    Example: ``(full-like (zeros 2) 5)`` ⇒ ``#(5.0 5.0)``.
    """


@tensor_primitive("eye", "identity-matrix", at="eshkol.xla.creation:eye")
def eye(rows: int, columns: int | None = None, *, dtype: Dtype = None) -> Tensor:
    """The matrix with ones on its diagonal; square unless ``columns`` is given.

    Example: ``(eye 2)`` ⇒ ``#((1.0 0.0) (0.0 1.0))``.
    """


@tensor_primitive("arange", at="eshkol.xla.creation:arange")
def arange(*bounds: Any, dtype: Dtype = None) -> Tensor:
    """Numbers from 0 to before ``n``; or from a start to before an end, by a step.

    ``(arange n)``, ``(arange start end)``, ``(arange start end step)``. Exact integers make a
    tensor of int32, so that it can index; one inexact bound makes the default float dtype.

    Raises:
        BadValue: the step is 0.

    Example: ``(arange 3)`` ⇒ ``#(0 1 2)``; ``(arange 0 1 0.25)`` ⇒ ``#(0.0 0.25 0.5 0.75)``.
    """


@tensor_primitive("linspace", at="eshkol.xla.creation:linspace")
def linspace(start: Any, end: Any, count: int = 50, *, dtype: Dtype = None) -> Tensor:
    """``count`` numbers evenly from ``start`` to ``end``, both included.

    Example: ``(linspace 0 1 5)`` ⇒ ``#(0.0 0.25 0.5 0.75 1.0)``.
    """


@tensor_primitive("one-hot", at="eshkol.xla.creation:one_hot")
def one_hot(labels: Tensor, classes: int, *, dtype: Dtype = None) -> Tensor:
    """A new last axis of ``classes``, with 1 at the label and 0 elsewhere.

    A label outside 0 to ``classes`` - 1 gives zeros alone.

    Args:
        labels: class numbers, of any shape.
        classes: how many classes there are.

    Example: ``(one-hot '(0 2) 3)`` ⇒ ``#((1.0 0.0 0.0) (0.0 0.0 1.0))``.
    """

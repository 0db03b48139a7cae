"""What tensors are: predicates, shape, dtype, and conversion from and to Scheme data.

A tensor is a JAX array; NumPy arrays, numeric vectors and nested lists of numbers are taken as
tensors wherever one is expected. Tensors are float32 unless asked or configured otherwise.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.equality import is_array
from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector
from eshkol.datum.variables import value_of
from eshkol.primitives.declare import primitive, tensor_primitive

Tensor = Any
"""A tensor, or what is taken as one: an array, a numeric vector, a nested list of numbers."""

Nest = Pair | Vector
"""A list or vector, possibly of lists or vectors."""

Dtype = Any
"""A dtype by name: ``'float32`` or ``'f32``, as a symbol or a string."""

Sizes = Any
"""Exact integers one by one, or one list or vector of them."""


@primitive("tensor?")
def is_tensor(value: Any) -> bool:
    """Whether the value is a tensor: an array of rank 1 or more.

    An array of rank 0 is a number (``number?``), and ``#(1 2)`` is a vector. A variable is what it
    holds.

    Example: ``(tensor? (zeros 3))`` ⇒ ``#t``; ``(tensor? #(1 2))`` ⇒ ``#f``.
    """
    value = value_of(value)
    return is_array(value) and value.shape != ()


@tensor_primitive("tensor-shape", at="eshkol.xla.creation:shape")
def tensor_shape(tensor: Tensor) -> Pair:
    """The sizes of a tensor, outermost first, as a list of exact integers.

    Example: ``(tensor-shape (zeros 2 3))`` ⇒ ``(2 3)``.
    """


@tensor_primitive("tensor-rank", "tensor-ndim", at="eshkol.xla.creation:rank")
def tensor_rank(tensor: Tensor) -> int:
    """The number of axes of a tensor. Example: ``(tensor-rank (zeros 2 3))`` ⇒ ``2``."""


@tensor_primitive("tensor-size", "tensor-length", at="eshkol.xla.creation:size")
def tensor_size(tensor: Tensor) -> int:
    """The number of elements of a tensor. Example: ``(tensor-size (zeros 2 3))`` ⇒ ``6``."""


@tensor_primitive("tensor-dtype", at="eshkol.xla.creation:dtype")
def tensor_dtype(tensor: Tensor) -> Symbol:
    """The dtype of a tensor, as a symbol. Example: ``(tensor-dtype (zeros 3))`` ⇒ ``float32``."""


@tensor_primitive("tensor-cast", "astype", at="eshkol.xla.creation:convert")
def tensor_cast(tensor: Tensor, dtype: Dtype) -> Tensor:
    """The elements as numbers of another dtype; floats become integers toward zero.

    Raises:
        BadValue: there is no such dtype.

    Example: ``(tensor-cast #(1.5 -1.5) 'int32)`` ⇒ ``#(1 -1)``.
    """


@tensor_primitive("list->tensor", "vector->tensor", at="eshkol.xla.creation:to_tensor")
def to_tensor(nest: Tensor, *, dtype: Dtype = None) -> Tensor:
    """A list or vector of numbers, possibly nested, as a tensor of the default float dtype.

    Raises:
        ShapeError: rows of unequal shapes. WrongType: an element is no number.

    Example: ``(list->tensor '((1 2) (3 4)))`` ⇒ ``#((1.0 2.0) (3.0 4.0))``.
    """


@tensor_primitive("tensor->list", at="eshkol.xla.creation:to_list")
def tensor_to_list(tensor: Tensor) -> Pair:
    """A tensor as a list of numbers, nested as deeply as the tensor has axes.

    Example: ``(tensor->list (eye 2))`` ⇒ ``((1.0 0.0) (0.0 1.0))``.
    """


@tensor_primitive("tensor->vector", at="eshkol.xla.creation:to_vector")
def tensor_to_vector(tensor: Tensor) -> Vector:
    """A tensor as a vector of numbers, nested as deeply as the tensor has axes.

    Example: ``(tensor->vector (ones 2))`` ⇒ ``#(1.0 1.0)``.
    """

"""Matrices and grids made of sequences, triangles of matrices, and whether tensors are close."""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Dtype, Tensor

_AT = "eshkol.xla.matrices:"


@tensor_primitive("tril", "lower-triangle", at=_AT + "lower_triangle")
def tril(matrix: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix, or a stack of them, with zeros above a diagonal.

    Args:
        diagonal: 0 for the main one, 1 for the one above it, -1 for the one below it, …

    Example: ``(tril #(#(1 2) #(3 4)))`` ⇒ ``#((1.0 0.0) (3.0 4.0))``.
    """


@tensor_primitive("triu", "upper-triangle", at=_AT + "upper_triangle")
def triu(matrix: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix, or a stack of them, with zeros below a diagonal.

    Example: ``(triu #(#(1 2) #(3 4)) 1)`` ⇒ ``#((0.0 2.0) (0.0 0.0))``.
    """


@tensor_primitive("meshgrid", at=_AT + "grids")
def meshgrid(*axes: Tensor, indexing: Any = "ij") -> Pair:
    """The list of the coordinates of all points of a grid: one tensor for each axis.

    Args:
        axes: tensors of rank 1.
        indexing: ``'ij`` lets the first tensor vary along the first axis, ``'xy`` along the second.

    Example: ``(meshgrid #(1 2) #(3 4))`` ⇒ ``(#((1.0 1.0) (2.0 2.0)) #((3.0 4.0) (3.0 4.0)))``.
    """


@tensor_primitive("logspace", at=_AT + "logarithmic_space")
def logspace(
    start: Any, end: Any, count: int = 50, base: Any = 10.0, *, dtype: Dtype = None
) -> Tensor:
    """``count`` numbers from ``base^start`` to ``base^end``, each the same factor from the next.

    Example: ``(logspace 0 2 3)`` ⇒ ``#(1.0 10.0 100.0)``.
    """


@tensor_primitive("vander", at=_AT + "vandermonde")
def vander(values: Tensor, columns: Any = None, *, increasing: bool = False) -> Tensor:
    """The matrix of Vandermonde, whose columns are powers of the values, falling to 0.

    Example: ``(vander #(2 3) 3)`` ⇒ ``#((4.0 2.0 1.0) (9.0 3.0 1.0))``.
    """


@tensor_primitive("isclose", at=_AT + "is_close")
def isclose(a: Tensor, b: Tensor, rtol: Any = 1e-5, atol: Any = 1e-8, *, nan: bool = False) -> Any:
    """Where ``|a - b| ≤ atol + rtol |b|``, element by element.

    Args:
        nan: whether not-a-number is close to itself.

    Example: ``(isclose #(1 2) #(1.000001 3))`` ⇒ ``#(#t #f)``.
    """


@tensor_primitive("allclose", at=_AT + "are_all_close")
def allclose(a: Tensor, b: Tensor, rtol: Any = 1e-5, atol: Any = 1e-8, *, nan: bool = False) -> Any:
    """Whether all elements are close, as by ``isclose``. Example: ``(allclose #(1) #(1.000001))`` ⇒
    ``#t``.
    """

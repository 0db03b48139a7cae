"""Reductions of tensors.

All take ``(tensor [axis])``. Without an axis the whole tensor is reduced to a number (an array of
rank 0). An axis may be negative, counting from the end, or a list of axes. Reduced axes are dropped
unless ``#:keepdims #t``.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

Axis = Any
"""An axis, a list of axes, or None for all."""

_AT = "eshkol.xla.reductions:"


@tensor_primitive("tensor-sum", at=_AT + "sum")
def tensor_sum(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The sum over an axis, of the tensor's dtype.

    Integers of 8 and 16 bits add up in 32; truth values count as 0 and 1 (int32).

    Example: ``(tensor-sum #(#(1 2) #(3 4)) 0)`` ⇒ ``#(4.0 6.0)``.
    """


@tensor_primitive("tensor-mean", at=_AT + "mean")
def tensor_mean(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The arithmetic mean over an axis.

    Raises:
        BadValue: there is nothing to take the mean of.

    Example: ``(tensor-mean #(#(1 2) #(3 4)))`` ⇒ ``2.5``.
    """


@tensor_primitive("tensor-prod", at=_AT + "prod")
def tensor_prod(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The product over an axis; integers of 8 and 16 bits are multiplied in 32.

    Example: ``(tensor-prod #(2 3))`` ⇒ ``6.0``.
    """


@tensor_primitive("tensor-max", at=_AT + "max")
def tensor_max(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The largest element over an axis; truth values count as integers.

    Example: ``(tensor-max #(1 5 3))`` ⇒ ``5.0``.
    """


@tensor_primitive("tensor-min", at=_AT + "min")
def tensor_min(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The smallest element over an axis; truth values count as integers.

    Example: ``(tensor-min #(1 5 3))`` ⇒ ``1.0``.
    """


@tensor_primitive("tensor-var", "tensor-variance", at=_AT + "variance")
def tensor_var(
    tensor: Tensor, axis: Axis = None, *, keepdims: bool = False, correction: int = 0
) -> Tensor:
    """The variance over an axis, as of a whole population (divided by n).

    Args:
        correction: what is taken off n; 1 estimates the variance from a sample.

    Example: ``(tensor-var #(1 2 3 4))`` ⇒ ``1.25``; ``(tensor-var #(1 2 3) #:correction 1)`` ⇒
    ``1.0``.
    """


@tensor_primitive("tensor-std", at=_AT + "deviation")
def tensor_std(
    tensor: Tensor, axis: Axis = None, *, keepdims: bool = False, correction: int = 0
) -> Tensor:
    """The standard deviation over an axis, as of a whole population; see ``tensor-var``.

    Example: ``(tensor-std #(1 2 3 4))`` ⇒ ``1.118…``.
    """


@tensor_primitive("tensor-all", at=_AT + "all")
def tensor_all(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Whether all elements are true, or not zero.

    Example: ``(tensor-all (> #(1 2) 0))`` ⇒ ``#t``.
    """


@tensor_primitive("tensor-any", at=_AT + "any_true")
def tensor_any(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Whether some element is true, or not zero.

    Example: ``(tensor-any (> #(#(1 -1) #(-1 -1)) 0) 1)`` ⇒ ``#(#t #f)``.
    """


@tensor_primitive("tensor-argmax", "argmax", at=_AT + "argmax")
def argmax(tensor: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index (int32) of the largest element, the first of equal ones.

    Without an axis elements are counted in row order.

    Example: ``(argmax #(1 5 3))`` ⇒ ``1``.
    """


@tensor_primitive("tensor-argmin", at=_AT + "argmin")
def argmin(tensor: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index (int32) of the smallest element, the first of equal ones.

    Example: ``(tensor-argmin #(1 5 3))`` ⇒ ``0``.
    """


@tensor_primitive("sum", at=_AT + "total")
def total(values: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The sum of a list or vector of numbers, by ``+``, exact if they are; else ``tensor-sum``.

    Example: ``(sum '(1 2 1/2))`` ⇒ ``7/2``.
    """


@tensor_primitive("prod", "product", at=_AT + "product")
def product(values: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The product of a list or vector of numbers, by ``*``; else ``tensor-prod``.

    Example: ``(prod '(1 2 3))`` ⇒ ``6``.
    """


@tensor_primitive("mean", at=_AT + "average")
def average(values: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The mean of a list or vector of numbers, by ``+`` and ``/``; else ``tensor-mean``.

    Example: ``(mean '(1 2))`` ⇒ ``3/2``.
    """


@tensor_primitive("logsumexp", at=_AT + "logsumexp")
def logsumexp(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """``log Σ exp x`` over an axis, without overflow.

    Example: ``(logsumexp #(0 0))`` ⇒ ``0.693…``.
    """


@tensor_primitive("norm", "tensor-norm", at=_AT + "norm")
def norm(tensor: Tensor, axis: Axis = None, *, order: Any = 2, keepdims: bool = False) -> Tensor:
    """The p-norm ``(Σ |x|^p)^(1/p)`` over an axis; of a matrix without an axis, Frobenius'.

    Args:
        order: p; ``+inf.0`` gives the largest magnitude, ``-inf.0`` the smallest, 0 how many
            elements are not 0. Or a norm of matrices by its name, over the last two axes:
            ``'fro``, ``'nuclear`` (the sum of singular values), ``'spectral`` (the largest one).

    Example: ``(norm #(3 4))`` ⇒ ``5.0``; ``(norm #(#(3 0) #(0 4)) #:order 'nuclear)`` ⇒ ``7.0``.
    """


@tensor_primitive("cumsum", at=_AT + "cumsum")
def cumsum(tensor: Tensor, axis: int | None = None) -> Tensor:
    """Running sums along an axis; without one, of all elements in row order.

    Example: ``(cumsum #(1 2 3))`` ⇒ ``#(1.0 3.0 6.0)``.
    """


@tensor_primitive("cumprod", at=_AT + "cumprod")
def cumprod(tensor: Tensor, axis: int | None = None) -> Tensor:
    """Running products along an axis. Example: ``(cumprod #(1 2 3))`` ⇒ ``#(1.0 2.0 6.0)``."""


@tensor_primitive("cummax", at=_AT + "cummax")
def cummax(tensor: Tensor, axis: int | None = None) -> Tensor:
    """The largest element so far along an axis; truth values count as integers.

    Example: ``(cummax #(2 1 3))`` ⇒ ``#(2.0 2.0 3.0)``.
    """


@tensor_primitive("cummin", at=_AT + "cummin")
def cummin(tensor: Tensor, axis: int | None = None) -> Tensor:
    """The smallest element so far along an axis; truth values count as integers.

    Example: ``(cummin #(2 1 3))`` ⇒ ``#(2.0 1.0 1.0)``.
    """


@tensor_primitive("cumlogsumexp", at=_AT + "cumlogsumexp")
def cumlogsumexp(tensor: Tensor, axis: int | None = None) -> Tensor:
    """``log Σ exp x`` of the elements so far along an axis, without overflow.

    Example: ``(cumlogsumexp #(0 0))`` ⇒ ``#(0.0 0.693…)``.
    """

"""Normalization and dropout as functions of a tensor and its parameters.

The layers that keep their own parameters are in ``(eshkol nn)``.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.normalization:"


@tensor_primitive("layer-norm", at=_AT + "layer_norm")
def layer_norm(
    tensor: Tensor, scale: Any = 1.0, shift: Any = 0.0, epsilon: Any = 1e-5, axis: Any = -1
) -> Tensor:
    """``scale · (x - mean) / √(variance + epsilon) + shift`` over an axis (Ba et al. 2016).

    Args:
        tensor: of any shape; each example is normalized by itself.
        scale, shift: numbers, or tensors of the sizes of the normalized axes.
        epsilon: keeps the root away from 0.
        axis: what mean and variance are taken over: an axis, or a list of them.

    Raises:
        ShapeError: a parameter has another shape.

    Example: ``(layer-norm #(1 2 3 4) 1.0 0.0 1e-5)`` ⇒ ``#(-1.341… -0.447… 0.447… 1.341…)``.
    """


@tensor_primitive("rms-norm", at=_AT + "rms_norm")
def rms_norm(tensor: Tensor, scale: Any = 1.0, epsilon: Any = 1e-5, axis: Any = -1) -> Tensor:
    """``scale · x / √(mean of x² + epsilon)`` over an axis (Zhang and Sennrich 2019).

    Example: ``(rms-norm #(3 4) 1.0 0.0)`` ⇒ ``#(0.848… 1.131…)``.
    """


@tensor_primitive("batch-norm", at=_AT + "batch_norm")
def batch_norm(
    tensor: Tensor, scale: Any = 1.0, shift: Any = 0.0, epsilon: Any = 1e-5, axis: Any = None
) -> Tensor:
    """``scale · (x - mean) / √(variance + epsilon) + shift`` of each feature over the batch.

    Args:
        tensor: a batch [n, features], or images n×c×h×w.
        scale, shift: numbers, or tensors of one number per feature (or channel).
        epsilon: keeps the root away from 0.
        axis: what mean and variance are taken over: an axis, or a list of them; without it all
            but axis 1, which holds the features or channels.

    Source: Ioffe and Szegedy 2015.

    Raises:
        ShapeError: a parameter has another shape.

    Example: ``(batch-norm #(#(1 10) #(3 10)) 1.0 0.0 0.0001)`` ⇒
    ``#((-0.99995 0.0) (0.99995 0.0))``.
    """


@tensor_primitive("dropout", at=_AT + "dropout")
def dropout(tensor: Tensor, rate: Any) -> Tensor:
    """A tensor with each element 0 with probability ``rate``, else divided by 1 - ``rate``.

    It is for training; its mean is that of the tensor (Srivastava et al. 2014).

    Raises:
        BadValue: the rate does not lie in 0 to 1.

    Example: ``(dropout #(1 2 3) 0.0)`` ⇒ ``#(1.0 2.0 3.0)``.
    """

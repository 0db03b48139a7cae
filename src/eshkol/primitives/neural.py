"""Convolution and pooling, and the softmax family: operations on tensors that layers are made of.

Images are batch×channels×height×width; with ``#:layout 'NHWC`` batch×height×width×channels, which
is the layout that is fast on a CPU.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.convolution:"


@tensor_primitive("convolution", at=_AT + "convolution")
def convolution(
    tensor: Tensor,
    kernel: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    *,
    dilation: Any = 1,
    groups: int = 1,
    layout: Any = "NCHW",
) -> Tensor:
    """The cross-correlation of images with a kernel (what neural networks call a convolution).

    Args:
        tensor: n×c×h×w, or n×h×w×c with layout NHWC; without the batch axis, one image; and with
            one spatial axis or three in the same way.
        kernel: out×in×kh×kw, or kh×kw×in×out with layout NHWC. A matrix and a matrix kernel
            need neither batch nor channels.
        stride: a number, or a list of one per spatial axis.
        padding: ``'valid``, ``'same``, a number, a list of one per spatial axis, or of
            ``(before after)`` per spatial axis.
        dilation: the distance between neighbours in the window.
        groups: the number of groups into which channels are divided; ``in`` counts one group's.

    Raises:
        ShapeError: channels differ, or the window is larger than the padded image.

    Example: ``(tensor-shape (convolution (zeros 8 1 28 28) (zeros 16 1 3 3) 1 'same))`` ⇒ ``(8 16
    28 28)``.
    """


@tensor_primitive("max-pool", at=_AT + "max_pool")
def max_pool(
    tensor: Tensor, size: Any, stride: Any = None, padding: Any = 0, *, layout: Any = "NCHW"
) -> Tensor:
    """The largest element of each window; the first of equal ones gets the gradient.

    Args:
        tensor: images as for ``convolution``, or one matrix.
        size: the window: a number, or a list of one per spatial axis.
        stride: the distance between windows; the window's size if left out.
        padding: as for ``convolution``; what is put around never wins.

    Example: ``(max-pool (reshape (arange 16) 4 4) 2)`` ⇒ ``#((5.0 7.0) (13.0 15.0))``.
    """


@tensor_primitive("avg-pool", at=_AT + "avg_pool")
def avg_pool(
    tensor: Tensor, size: Any, stride: Any = None, padding: Any = 0, *, layout: Any = "NCHW"
) -> Tensor:
    """The mean of each window; padding counts as zeros. Arguments as for ``max-pool``.

    Example: ``(avg-pool (reshape (arange 16) 4 4) 2)`` ⇒ ``#((2.5 4.5) (10.5 12.5))``.
    """


@tensor_primitive("global-avg-pool", at=_AT + "global_mean")
def global_avg_pool(tensor: Tensor, *, layout: Any = "NCHW") -> Tensor:
    """The mean over all spatial axes: of images n×c×h×w, n×c.

    Example: ``(tensor-shape (global-avg-pool (zeros 8 16 7 7)))`` ⇒ ``(8 16)``.
    """


@tensor_primitive("softmax", "tensor-softmax", at="eshkol.xla.activations:softmax")
def softmax(tensor: Tensor, axis: int = -1) -> Tensor:
    """``exp(x) / Σ exp(x)`` along an axis, without overflow.

    Example: ``(softmax #(0 0))`` ⇒ ``#(0.5 0.5)``.
    """


@tensor_primitive("log-softmax", at="eshkol.xla.activations:log_softmax")
def log_softmax(tensor: Tensor, axis: int = -1) -> Tensor:
    """The logarithm of the softmax along an axis, precise where the softmax underflows.

    Example: ``(log-softmax #(0 0))`` ⇒ ``#(-0.693… -0.693…)``.
    """

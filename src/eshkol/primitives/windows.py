"""Convolutions and poolings as functions of a tensor and its kernel.

Batch and channels may be left out: ``(conv2d picture filter 1)``. The layers of the same names,
which make their own kernels, are in ``(eshkol nn)``.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.windows:"


@tensor_primitive("conv1d", at=_AT + "conv1d")
def conv1d(
    tensor: Tensor,
    kernel: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    *,
    dilation: Any = 1,
    groups: int = 1,
    layout: Any = "NCW",
) -> Tensor:
    """The cross-correlation of signals with a kernel.

    Args:
        tensor: n×c×l, c×l, or one signal [l]; with layout NWC, n×l×c.
        kernel: out×in×k, or [k] for one signal; with layout NWC, k×in×out.
        stride, padding, dilation, groups: as for ``convolution``.

    Raises:
        ShapeError: the shapes don't fit.

    Example: ``(conv1d #(1 2 3 4) #(1 1) 1)`` ⇒ ``#(3.0 5.0 7.0)``.
    """


@tensor_primitive("conv2d", at=_AT + "conv2d")
def conv2d(
    tensor: Tensor,
    kernel: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    *,
    dilation: Any = 1,
    groups: int = 1,
    layout: Any = "NCHW",
) -> Tensor:
    """The cross-correlation of images with a kernel.

    Args:
        tensor: n×c×h×w, c×h×w, or one picture h×w; with layout NHWC, n×h×w×c.
        kernel: out×in×kh×kw, or kh×kw for a picture; with layout NHWC, kh×kw×in×out.
        stride, padding, dilation, groups: as for ``convolution``.

    Raises:
        ShapeError: the shapes don't fit.

    Example: ``(conv2d (reshape (arange 9) 3 3) #(#(1 0) #(0 1)) 1)`` ⇒
    ``#((4.0 6.0) (10.0 12.0))``.
    """


@tensor_primitive("conv3d", at=_AT + "conv3d")
def conv3d(
    tensor: Tensor,
    kernel: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    *,
    dilation: Any = 1,
    groups: int = 1,
    layout: Any = "NCDHW",
) -> Tensor:
    """The cross-correlation of volumes with a kernel.

    Args:
        tensor: n×c×d×h×w, c×d×h×w, or one volume d×h×w; with layout NDHWC, n×d×h×w×c.
        kernel: out×in×kd×kh×kw, or kd×kh×kw for one volume; with layout NDHWC, kd×kh×kw×in×out.
        stride, padding, dilation, groups: as for ``convolution``.

    Raises:
        ShapeError: the shapes don't fit.

    Example: ``(conv3d (ones 2 2 2) (ones 2 2 2))`` ⇒ ``#(((8.0)))``.
    """


@tensor_primitive("max-pool2d", at=_AT + "max_pool2d")
def max_pool2d(
    tensor: Tensor, size: Any, stride: Any = None, padding: Any = 0, *, layout: Any = "NCHW"
) -> Tensor:
    """The largest element of each window of images n×c×h×w, c×h×w or h×w.

    Args:
        size: the window: a number, or a list of two.
        stride: the distance between windows; the window's size if left out.
        padding: as for ``convolution``; what is put around never wins.

    Example: ``(max-pool2d (reshape (arange 16) 4 4) 2 2)`` ⇒ ``#((5.0 7.0) (13.0 15.0))``.
    """


@tensor_primitive("avg-pool2d", at=_AT + "avg_pool2d")
def avg_pool2d(
    tensor: Tensor, size: Any, stride: Any = None, padding: Any = 0, *, layout: Any = "NCHW"
) -> Tensor:
    """The mean of each window of images n×c×h×w, c×h×w or h×w; padding counts as zeros.

    Example: ``(avg-pool2d (reshape (arange 16) 4 4) 2 2)`` ⇒ ``#((2.5 4.5) (10.5 12.5))``.
    """

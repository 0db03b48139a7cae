"""Data files: the IDX format and the digits that are included.

Their rules are in the room ``datasets``, which is imported when one is first called.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive


@tensor_primitive("read-idx", at="eshkol.datasets.idx:read_idx")
def _read_idx(path: Any) -> Any:
    """The array in an IDX file (MNIST's format), plain or compressed with gzip.

    Args:
        path: a string.

    Returns:
        A tensor in host memory, of the element type that the file tells.

    Raises:
        FileProblem: the file is missing, damaged or of another kind.

    Example: ``(write-idx "noise.idx.gz" (zeros 2 3)) (tensor-shape (read-idx
    "noise.idx.gz"))`` ⇒ ``(2 3)``.
    """


@tensor_primitive("write-idx", at="eshkol.datasets.idx:write_idx")
def _write_idx(path: Any, array: Any) -> Any:
    """Write a tensor to an IDX file, whole or not at all; ``.gz`` at the end compresses it.

    Args:
        path: a string.
        array: a tensor of uint8, int8, int16, int32, float32 or float64.

    Raises:
        FileProblem: the file can't be written.

    Example: ``(write-idx "noise.idx" (ones 2)) (read-idx "noise.idx")`` ⇒ ``#(1.0 1.0)``.
    """


@tensor_primitive("load-mnist", at="eshkol.datasets.mnist:load_mnist_list")
def _load_mnist(directory: Any = None) -> Any:
    """MNIST's handwritten digits: ``(train-images train-labels test-images test-labels)``.

    Images are uint8 ``[n, 28, 28]``, labels uint8 ``[n]``.

    Args:
        directory: holds MNIST's four files; left out, the 10,000 digits that are included
            (8,500 to train on, 1,500 to test).

    Raises:
        FileProblem: a file is missing or damaged, or images and labels do not belong together.

    Example: ``(tensor-shape (car (load-mnist)))`` ⇒ ``(8500 28 28)``.
    """

"""MNIST: handwritten digits, 28 by 28 pixels (LeCun, Cortes and Burges 1998)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from eshkol.base.errors import FileProblem
from eshkol.datasets.idx import read_idx
from eshkol.datum.pairs import scheme_list
from eshkol.io.files import path_argument

if TYPE_CHECKING:
    import numpy as np

INCLUDED = Path(__file__).parent / "mnist10k"
"""10,000 of the digits, 8,500 to train on and 1,500 to test; its README tells their origin."""


class Mnist(NamedTuple):
    """The four arrays of MNIST, all ``uint8``.

    Attributes:
        train_images: ``[n, 28, 28]``, 0 is the background and 255 the ink.
        train_labels: ``[n]``, the digits 0 to 9.
        test_images: ``[m, 28, 28]``.
        test_labels: ``[m]``.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_mnist(directory: str | Path | None = None) -> Mnist:
    """The digits in ``directory``, or the 10,000 that are included.

    Args:
        directory: holds MNIST's four files under their own names
            (``train-images-idx3-ubyte`` and so on), plain or with ``.gz``.

    Raises:
        FileProblem: a file is missing or damaged, or images and labels do not belong together;
            the message names the path and what was expected.

    Example:
        >>> load_mnist().train_images.shape
        (8500, 28, 28)
    """
    folder = INCLUDED if directory is None else path_argument("load-mnist", directory)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise FileProblem(
            f"load-mnist: expected a directory with MNIST's four files at {folder}, found {found}",
            hint="(load-mnist) without a directory loads the 10,000 digits that are included",
        )
    train = _images_and_labels(folder, "train")
    test = _images_and_labels(folder, "t10k")
    if train[0].shape[1:] != test[0].shape[1:]:
        raise FileProblem(
            f"load-mnist: expected training and test images of one size in {folder}, found "
            f"{train[0].shape[1:]} and {test[0].shape[1:]}"
        )
    return Mnist(*train, *test)


def load_mnist_list(directory: str | Path | None = None) -> Any:
    """The four arrays of :func:`load_mnist` as a Scheme list."""
    return scheme_list(load_mnist(directory))


def _images_and_labels(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    images_path = _file(folder, f"{part}-images-idx3-ubyte")
    labels_path = _file(folder, f"{part}-labels-idx1-ubyte")
    images = _bytes_of_rank(3, images_path, "images [count, rows, columns]")
    labels = _bytes_of_rank(1, labels_path, "labels [count]")
    if len(images) != len(labels):
        raise FileProblem(
            f"load-mnist: expected {len(images)} labels at {labels_path}, as many as there are "
            f"images at {images_path}, found {len(labels)}"
        )
    if len(labels) and labels.max() > 9:
        raise FileProblem(
            f"load-mnist: expected labels from 0 to 9 at {labels_path}, found {labels.max()}"
        )
    return images, labels


def _file(folder: Path, name: str) -> Path:
    """The file ``name`` in ``folder``, or its compressed form if only that is there."""
    plain = folder / name
    return plain if plain.exists() else folder / f"{name}.gz"


def _bytes_of_rank(rank: int, path: Path, what: str) -> np.ndarray:
    array = read_idx(path)
    if array.ndim != rank or array.dtype != "uint8":
        raise FileProblem(
            f"load-mnist: expected uint8 {what} at {path}, "
            f"found {array.dtype.name} of shape {array.shape}"
        )
    return array

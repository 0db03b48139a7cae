"""How well a classifier does: accuracy and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eshkol.base.errors import BadValue, OutOfRange, ShapeError, StagingError, WrongType
from eshkol.datum.write import display_string, short_string
from eshkol.io.files import host_array, is_tracer
from eshkol.primitives.output import display


def accuracy(predictions: Any, targets: Any) -> Any:
    """The fraction of predictions that are right.

    Args:
        predictions: ``[n]`` classes, or ``[n, c]`` scores, of which the largest counts.
        targets: ``[n]`` classes, or ``[n, c]`` one-hot rows.

    Returns:
        A real; a rank-0 ``float32`` tensor where a program is being staged.

    Raises:
        ShapeError: there are not as many predictions as targets, or there are none.

    Example:
        >>> accuracy([0, 1, 2, 2], [0, 1, 2, 1])
        0.75
    """
    predicted, actual = _paired_classes("accuracy", predictions, targets)
    right = predicted == actual
    return right.mean(dtype="float32") if is_tracer(right) else float(right.mean())


def confusion_matrix(predictions: Any, targets: Any, num_classes: int | None = None) -> Any:
    """How often each class was taken for each: rows are the true classes, columns the predicted.

    Args:
        predictions: ``[n]`` classes, or ``[n, c]`` scores, of which the largest counts.
        targets: ``[n]`` classes, or ``[n, c]`` one-hot rows.
        num_classes: the size of the matrix; left out, the largest class that occurs tells it.

    Returns:
        An ``int32`` matrix ``[num-classes, num-classes]`` whose elements sum to ``n``.

    Raises:
        OutOfRange: a class is negative or not below ``num_classes``.
        ShapeError: there are not as many predictions as targets, or there are none.

    Example:
        >>> confusion_matrix([0, 1, 1], [0, 1, 0])
        array([[1, 1],
               [0, 1]], dtype=int32)
    """
    who = "confusion-matrix"
    predicted, actual = _paired_classes(who, predictions, targets)
    if num_classes is not None and num_classes.__class__ is not int:
        raise WrongType(f"{who}: expected a number of classes, got {short_string(num_classes)}")
    if is_tracer(predicted) or is_tracer(actual):
        return _staged_counts(who, predicted, actual, num_classes)
    import numpy as np

    highest = int(max(predicted.max(), actual.max()))
    lowest = int(min(predicted.min(), actual.min()))
    size = highest + 1 if num_classes is None else num_classes
    if lowest < 0 or highest >= size:
        wrong = lowest if lowest < 0 else highest
        raise OutOfRange(f"{who}: expected classes from 0 to {size - 1}, got {wrong}")
    cells = actual.astype(np.int64) * size + predicted
    return np.bincount(cells, minlength=size * size).reshape(size, size).astype(np.int32)


def _staged_counts(who: str, predicted: Any, actual: Any, size: int | None) -> Any:
    import jax.numpy as jnp

    if size is None:
        raise StagingError(
            f"{who}: the number of classes is not known while staging",
            hint="give it: (confusion-matrix predictions targets num-classes)",
        )
    counts = jnp.zeros((size, size), jnp.int32)
    return counts.at[actual, predicted].add(1, mode="drop")


def confusion_matrix_text(matrix: Any, names: Sequence[Any] | None = None) -> str:
    """A confusion matrix as a table with the recall of each class behind its row.

    Args:
        matrix: ``[c, c]``, rows the true classes.
        names: what to call the classes; left out, their numbers.

    Example:
        >>> print(confusion_matrix_text([[9, 1], [0, 5]]), end="")
        true \\ predicted  0  1  recall
                       0  9  1   90.0%
                       1  0  5  100.0%
    """
    who = "display-confusion-matrix"
    counts = host_array(who, matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ShapeError(f"{who}: expected a square matrix, got one of shape {counts.shape}")
    labels = [display_string(name) for name in (range(len(counts)) if names is None else names)]
    if len(labels) != len(counts):
        raise BadValue(f"{who}: expected {len(counts)} names, got {len(labels)}")
    corner = "true \\ predicted"
    rows = [[corner, *labels, "recall"]]
    for label, row, correct in zip(labels, counts.tolist(), counts.diagonal(), strict=True):
        total = sum(row)
        recall = f"{100 * correct / total:.1f}%" if total else "-"
        rows.append([label, *map(str, row), recall])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(r, widths, strict=True)) for r in rows]
    return "\n".join(lines) + "\n"


def display_confusion_matrix(matrix: Any, names: Sequence[Any] | None = None) -> Any:
    """Show :func:`confusion_matrix_text` on the current output port."""
    return display(confusion_matrix_text(matrix, names))


def _paired_classes(who: str, predictions: Any, targets: Any) -> tuple[Any, Any]:
    predicted, actual = _classes(who, predictions), _classes(who, targets)
    if predicted.shape != actual.shape or predicted.size == 0:
        raise ShapeError(
            f"{who}: expected as many predictions as targets, at least one, "
            f"got {predicted.size} and {actual.size}"
        )
    return predicted, actual


def _classes(who: str, value: Any) -> Any:
    """``[n]`` classes from classes or from ``[n, c]`` scores."""
    array = value if is_tracer(value) else host_array(who, value)
    if array.ndim == 2 and array.shape[1] > 0:
        return array.argmax(axis=1)
    if array.ndim != 1:
        raise ShapeError(
            f"{who}: expected classes [n] or scores [n, c], got a tensor of shape {array.shape}"
        )
    return array if is_tracer(array) or array.dtype.kind in "iu" else _whole(who, array)


def _whole(who: str, array: Any) -> Any:
    """Classes that came as reals: ``3.0`` is class 3."""
    import numpy as np

    classes = array.astype(np.int64)
    if not np.array_equal(classes, array):
        wrong = array[classes != array][0]
        raise BadValue(f"{who}: expected whole numbers as classes, got {wrong}")
    return classes

"""What a training loop calls beside its model: batches, a progress bar, metrics.

Their rules are in the room ``train``, which is imported when one is first called.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive


@tensor_primitive("shuffled-batches", at="eshkol.train.batches:shuffled_batches_list")
def _shuffled_batches(count: Any, batch_size: Any, seed: Any = 0, *, drop_last: Any = True) -> Any:
    """The indices 0 to ``count - 1`` in random order, cut into a list of batches.

    Args:
        count: how many examples there are.
        batch_size: how many of them are in a batch.
        seed: an exact integer, not negative; the same one gives the same order everywhere.
        drop_last: leave out a last batch that is shorter, so that all have one shape.

    Returns:
        A list of int32 tensors in host memory.

    Example: ``(map tensor-length (shuffled-batches 10 4))`` ⇒ ``(4 4)``; ``(map tensor-length
    (shuffled-batches 10 4 #:drop-last #f))`` ⇒ ``(4 4 2)``.
    """


@tensor_primitive("progress-bar", at="eshkol.train.progress:progress_bar")
def _progress_bar(total: Any, description: Any = "") -> Any:
    """A progress bar of ``total`` steps on standard error.

    Example: ``(let ((bar (progress-bar 2 "epoch 1"))) (update-progress bar) (update-progress
    bar))`` ⇒ ``#<unspecified>``.
    """


@tensor_primitive("update-progress", at="eshkol.train.progress:update_progress")
def _update_progress(bar: Any, *current_and_metrics: Any, **metrics: Any) -> Any:
    """Move a progress bar: ``(update-progress bar [current] [metrics])``.

    Args:
        current: the step it is at; left out, one further.
        metrics: an association list, a hash table or keyword arguments; shown behind the bar. A
            tensor among them is only read when it is shown.

    Example: ``(let ((bar (progress-bar 132 "epoch 1"))) (update-progress bar 7 #:loss 0.25))`` ⇒
    ``#<unspecified>``.
    """


@tensor_primitive("accuracy", at="eshkol.train.metrics:accuracy")
def _accuracy(predictions: Any, targets: Any) -> Any:
    """The fraction of predictions that are right.

    Args:
        predictions: ``[n]`` classes, or ``[n, c]`` scores, of which the largest counts.
        targets: ``[n]`` classes, or ``[n, c]`` one-hot rows.

    Example: ``(accuracy #(0 1 2 2) #(0 1 2 1))`` ⇒ ``0.75``.
    """


@tensor_primitive("confusion-matrix", at="eshkol.train.metrics:confusion_matrix")
def _confusion_matrix(predictions: Any, targets: Any, num_classes: Any = None) -> Any:
    """How often each class was taken for each: rows are the true classes, columns the predicted.

    Args:
        predictions: ``[n]`` classes, or ``[n, c]`` scores, of which the largest counts.
        targets: ``[n]`` classes, or ``[n, c]`` one-hot rows.
        num_classes: the size of the matrix; left out, the largest class that occurs tells it.

    Returns:
        An int32 matrix ``[num-classes, num-classes]``.

    Example: ``(confusion-matrix #(0 1 1) #(0 1 0))`` ⇒ ``#((1 1) (0 1))``.
    """


@tensor_primitive("display-confusion-matrix", at="eshkol.train.metrics:display_confusion_matrix")
def _display_confusion_matrix(matrix: Any, names: Any = None) -> Any:
    """Show a confusion matrix as a table, with the recall of each class behind its row.

    Args:
        matrix: ``[c, c]``, rows the true classes.
        names: a list of what to call the classes; left out, their numbers.

    Example: ``(display-confusion-matrix (confusion-matrix #(0 1) #(0 1)))`` ⇒ ``#<unspecified>``.
    """

"""Datasets and data loaders, which go through examples batch by batch.

Their rules are in the room ``train``, which is imported when one is first called. A loader changes
as it is used, so compiled code can't use one: give batches to the compiled step.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.train.dataloaders:"


@tensor_primitive("make-dataset", at=_AT + "make_dataset")
def make_dataset(data: Any, labels: Any) -> Any:
    """The dataset of examples, the rows of ``data``, and as many labels.

    Both are tensors, vectors or lists. Labels that are a list or vector of exact integers are
    classes, and become a tensor of int32.

    Raises:
        ShapeError: there are not as many labels as examples.

    Example: ``(dataset-size (make-dataset #(#(1 2) #(3 4)) '(0 1)))`` ⇒ ``2``.
    """


@tensor_primitive("dataset-size", at=_AT + "dataset_size")
def dataset_size(dataset: Any) -> int:
    """How many examples a dataset has.

    Example: ``(dataset-size (make-dataset (zeros 10 3) (zeros 10)))`` ⇒ ``10``.
    """


@tensor_primitive("dataset-get-item", at=_AT + "dataset_get_item")
def dataset_get_item(dataset: Any, index: int) -> Pair:
    """The pair of an example and its label.

    Example: ``(dataset-get-item (make-dataset #(#(1 2) #(3 4)) '(0 1)) 1)`` ⇒
    ``(#(3.0 4.0) . 1)``.
    """


@tensor_primitive("dataset-slice", at=_AT + "dataset_slice")
def dataset_slice(dataset: Any, start: int, end: int) -> Any:
    """The dataset of the examples from ``start`` to before ``end``.

    Example: ``(dataset-size (dataset-slice (make-dataset '(1 2 3) '(0 1 0)) 1 3))`` ⇒ ``2``.
    """


@tensor_primitive("make-dataloader", "make-data-loader", at=_AT + "make_dataloader")
def make_dataloader(
    data: Any, batch_size: int, shuffle: Any = False, workers: Any = 0, *, drop_last: Any = False
) -> Any:
    """A loader of batches of the rows of data.

    Args:
        data: a tensor, a vector or list, or a dataset, whose batches are pairs of examples and
            labels.
        batch_size: how many rows are in a batch; the last batch may have fewer.
        shuffle: whether each time through takes the rows in another random order, which
            ``rng-seed`` reproduces.
        workers: taken for programs that name a number of them; rows are in memory already.
        drop_last: whether a last batch with fewer rows is left out.

    Example: ``(dataloader-next (make-dataloader #(1 2 3) 2))`` ⇒ ``#(1.0 2.0)``.
    """


@tensor_primitive("dataloader-next", at=_AT + "dataloader_next")
def dataloader_next(loader: Any) -> Any:
    """The next batch; the empty list when all were given.

    Example: ``(let ((d (make-dataloader #(1) 1))) (dataloader-next d) (dataloader-next d))`` ⇒
    ``()``.
    """


@tensor_primitive("dataloader-has-next", "dataloader-has-next?", at=_AT + "dataloader_has_next")
def dataloader_has_next(loader: Any) -> bool:
    """Whether a batch is left.

    Example: ``(dataloader-has-next (make-dataloader #() 2))`` ⇒ ``#f``.
    """


@tensor_primitive("dataloader-reset", "dataloader-reset!", at=_AT + "dataloader_reset")
def dataloader_reset(loader: Any) -> Any:
    """Begin again with the first batch, in another order if the rows are shuffled.

    Example: ``(let ((loader (make-dataloader #(1 2 3) 2))) (dataloader-next loader)
    (dataloader-next loader) (dataloader-reset loader) (dataloader-next loader))`` ⇒ ``#(1.0
    2.0)``.
    """


@tensor_primitive("dataloader-length", at=_AT + "dataloader_length")
def dataloader_length(loader: Any) -> int:
    """How many batches there are. Example: ``(dataloader-length (make-dataloader #(1 2 3) 2))`` ⇒
    ``2``.
    """


@tensor_primitive("train-test-split", at=_AT + "train_test_split")
def train_test_split(data: Any, ratio: Any, shuffle: Any = False) -> Pair:
    """The list of the first ``ratio`` of the rows of data, to the nearest row, and of the rest.

    Args:
        data: a tensor, a vector or list, or a dataset, which is split into two datasets.
        ratio: from 0 to 1.
        shuffle: whether the rows are taken in random order.

    Example: ``(train-test-split #(1 2 3 4) 0.75)`` ⇒ ``(#(1.0 2.0 3.0) #(4.0))``.
    """


@tensor_primitive("normalize", at=_AT + "normalize")
def normalize(data: Tensor, mean: Any = None, deviation: Any = None) -> Tensor:
    """``(data - mean) / deviation``; with the data alone, the vector of length 1 in its direction.

    Example: ``(normalize #(1 2) 1 2)`` ⇒ ``#(0.0 0.5)``; ``(normalize #(3 4))`` ⇒ ``#(0.6 0.8)``.
    """


@tensor_primitive("standardize", at=_AT + "standardize")
def standardize(data: Tensor) -> Tensor:
    """Each feature with mean 0 and deviation 1 over the first axis; one that is constant, with 0.

    Example: ``(standardize #(#(1 5) #(3 5)))`` ⇒ ``#((-1.0 0.0) (1.0 0.0))``.
    """

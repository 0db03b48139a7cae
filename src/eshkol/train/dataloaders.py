"""Datasets, and loaders that go through them batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from eshkol.base.errors import BadValue, OutOfRange, ShapeError, WrongType
from eshkol.datum.pairs import NIL, Pair, cons, scheme_list
from eshkol.datum.values import UNSPECIFIED, Vector
from eshkol.datum.write import short_string
from eshkol.primitives.calling import check_eager


class Dataset:
    """Examples and their labels: tensors with as many rows.

    Attributes:
        data: the examples along the first axis.
        labels: as many labels.
    """

    __slots__ = ("data", "labels")

    def __init__(self, data: Any, labels: Any) -> None:
        self.data, self.labels = data, labels

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"#<dataset of {len(self)} examples>"


Rows = Any
"""A NumPy array, or a vector of any values; what has rows that can be taken."""


def _rows(who: str, data: Any) -> Rows:
    """``data`` in host memory: numbers as an array, other values as a vector."""
    import numpy as np

    from eshkol.xla.tensors import as_tensor

    if hasattr(data, "dtype") or not isinstance(data, Pair | list):
        array = as_tensor(data, who)
        if not array.shape:
            raise ShapeError(f"{who}: expected a tensor, a vector or a list, got {_shown(data)}")
        return np.asarray(array)
    items = Vector(data)
    try:
        return np.asarray(as_tensor(items, who))
    except (WrongType, ShapeError):
        return items


def _labels(who: str, labels: Any) -> Rows:
    """``labels`` as rows; exact integers are classes, and stay integers."""
    import numpy as np

    if isinstance(labels, Pair | list) and all(label.__class__ is int for label in labels):
        return np.asarray(list(labels), np.int32)
    return _rows(who, labels)


def _shown(value: Any) -> str:
    from eshkol.xla.tensors import describe

    return describe(value)


def _taken(rows: Rows, places: Sequence[int]) -> Any:
    """The rows at the places, as a tensor or a vector."""
    if isinstance(rows, Vector):
        return Vector(rows[place] for place in places)
    return _tensor(rows[places])


def _tensor(array: Any) -> Any:
    from eshkol.xla.tensors import as_tensor

    return as_tensor(array, "dataloader-next", array.dtype)


def _check(who: str, value: Any, kind: type, wanted: str, hint: str) -> None:
    if not isinstance(value, kind):
        raise WrongType(f"{who}: expected {wanted}, got {_shown(value)}", hint=hint)


# ---- datasets


def make_dataset(data: Any, labels: Any) -> Dataset:
    """The dataset of examples and their labels."""
    examples, targets = _rows("make-dataset", data), _labels("make-dataset", labels)
    if len(examples) != len(targets):
        raise ShapeError(
            f"make-dataset: {len(examples)} examples and {len(targets)} labels",
            hint="the first axis of both counts the examples",
        )
    return Dataset(examples, targets)


def _check_dataset(who: str, dataset: Any) -> None:
    _check(who, dataset, Dataset, "a dataset", "make one with (make-dataset data labels)")


def dataset_size(dataset: Any) -> int:
    """How many examples there are."""
    _check_dataset("dataset-size", dataset)
    return len(dataset)


def dataset_get_item(dataset: Any, index: Any) -> Pair:
    """The pair of an example and its label."""
    _check_dataset("dataset-get-item", dataset)
    place = _place("dataset-get-item", index, len(dataset) - 1, "an index")
    return cons(_row(dataset.data, place), _row(dataset.labels, place))


def _row(rows: Rows, place: int) -> Any:
    if isinstance(rows, Vector):
        return rows[place]
    row = rows[place]
    return row.item() if row.shape == () else _tensor(row)


def _place(who: str, value: Any, last: int, what: str) -> int:
    from eshkol.xla.arguments import static_int

    place = static_int(value, who, what)
    if not 0 <= place <= last:
        raise OutOfRange(f"{who}: {what} of 0 to {last} is expected, got {place}")
    return place


def dataset_slice(dataset: Any, start: Any, end: Any) -> Dataset:
    """The examples from ``start`` to before ``end``."""
    who = "dataset-slice"
    _check_dataset(who, dataset)
    last = _place(who, end, len(dataset), "an end")
    first = _place(who, start, last, "a start")
    return Dataset(dataset.data[first:last], dataset.labels[first:last])


# ---- loaders


class DataLoader:
    """Goes through rows in batches; a Python iterator over what is left of them too.

    Args:
        parts: the rows of the data, or of examples and labels.
        batch_size: how many rows are in a batch; the last may have fewer.
        shuffle: whether each time through takes the rows in another order.
        drop_last: whether a last batch with fewer rows is left out.
    """

    def __init__(
        self, parts: tuple[Rows, ...], batch_size: int, shuffle: bool, drop_last: bool
    ) -> None:
        self.parts, self.batch_size = parts, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last
        self.reset()

    @property
    def rows(self) -> int:
        return len(self.parts[0])

    def __len__(self) -> int:
        """How many batches there are."""
        full, rest = divmod(self.rows, self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def reset(self) -> None:
        """Begin again, with another order if the rows are shuffled."""
        self.position = 0
        self.order = _permutation(self.rows) if self.shuffle else None

    def has_next(self) -> bool:
        """Whether there is a batch left."""
        return self.position < len(self)

    def next(self) -> Any:
        """The next batch: a tensor or vector, or the pair of examples and labels."""
        start = self.position * self.batch_size
        places = range(start, min(start + self.batch_size, self.rows))
        chosen = list(places) if self.order is None else self.order[places.start : places.stop]
        self.position += 1
        batch = [_taken(part, chosen) for part in self.parts]
        return cons(*batch) if len(batch) == 2 else batch[0]

    def __iter__(self) -> Iterator[Any]:
        while self.has_next():
            yield self.next()

    def __repr__(self) -> str:
        return f"#<dataloader of {len(self)} batches>"


def _permutation(count: int) -> Any:
    """The numbers below ``count`` in an order that ``rng-seed`` reproduces."""
    import numpy as np

    from eshkol.xla.random import random_permutation

    return np.asarray(random_permutation(count))


def make_dataloader(
    data: Any, batch_size: Any, shuffle: Any = False, workers: Any = 0, *, drop_last: Any = False
) -> DataLoader:
    """A loader of batches of a dataset, a tensor, a vector or a list."""
    from eshkol.xla.arguments import static_int

    who = "make-dataloader"
    check_eager(who)
    size = static_int(batch_size, who, "the size of a batch")
    if size < 1:
        raise BadValue(f"{who}: expected batches of at least 1, got {size}")
    is_dataset = isinstance(data, Dataset)
    parts = (data.data, data.labels) if is_dataset else (_rows(who, data),)
    return DataLoader(parts, size, shuffle is not False, drop_last is not False)


def _loader(who: str, value: Any) -> DataLoader:
    check_eager(who)
    hint = "make one with (make-dataloader data batch-size)"
    _check(who, value, DataLoader, "a data loader", hint)
    return value


def dataloader_next(loader: Any) -> Any:
    """The next batch; the empty list at the end."""
    found = _loader("dataloader-next", loader)
    return found.next() if found.has_next() else NIL


def dataloader_has_next(loader: Any) -> bool:
    """Whether there is a batch left."""
    return _loader("dataloader-has-next", loader).has_next()


def dataloader_reset(loader: Any) -> Any:
    """Begin again."""
    _loader("dataloader-reset", loader).reset()
    return UNSPECIFIED


def dataloader_length(loader: Any) -> int:
    """How many batches there are."""
    return len(_loader("dataloader-length", loader))


def train_test_split(data: Any, ratio: Any, shuffle: Any = False) -> Any:
    """The list of the first part of the rows, ``ratio`` of them, and of the rest."""
    who = "train-test-split"
    check_eager(who)
    if ratio.__class__ is bool or not hasattr(ratio, "__float__") or not 0 <= float(ratio) <= 1:
        raise BadValue(f"{who}: expected a ratio from 0 to 1, got {short_string(ratio)}")
    is_dataset = isinstance(data, Dataset)
    parts = (data.data, data.labels) if is_dataset else (_rows(who, data),)
    rows = len(parts[0])
    order = _permutation(rows) if shuffle is not False else list(range(rows))
    count = round(rows * ratio)
    sides = [[_taken(part, side) for part in parts] for side in (order[:count], order[count:])]
    if is_dataset:
        return scheme_list([make_dataset(*side) for side in sides])
    return scheme_list([side[0] for side in sides])


# ---- scaling


def normalize(data: Any, mean: Any = None, deviation: Any = None) -> Any:
    """``(x - mean) / deviation``; with the data alone, divided by their norm."""
    from eshkol.xla.elementwise import divide, subtract
    from eshkol.xla.reductions import norm

    if mean is None and deviation is None:
        length = norm(data)
        # Nothing has no direction: zeros stay zeros.
        return divide(data, _or_one(length))
    if deviation is None:
        raise BadValue(
            "normalize: expected a mean and a deviation, got the mean alone",
            hint="use: (normalize data mean deviation), or (normalize vector) for length 1",
        )
    return divide(subtract(data, mean), deviation)


def standardize(data: Any) -> Any:
    """Each feature with mean 0 and deviation 1 over the first axis."""
    from eshkol.xla.elementwise import divide, subtract
    from eshkol.xla.reductions import deviation, mean
    from eshkol.xla.tensors import as_tensor

    x = as_tensor(data, "standardize")
    centered = subtract(x, mean(x, 0, keepdims=True))
    return divide(centered, _or_one(deviation(x, 0, keepdims=True)))


def _or_one(scale: Any) -> Any:
    """``scale`` with 1 in place of 0."""
    from eshkol.xla.elementwise import is_zero
    from eshkol.xla.selection import where

    return where(is_zero(scale), 1.0, scale)

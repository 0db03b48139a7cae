"""Shuffled mini-batches, as index arrays in host memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.write import short_string

if TYPE_CHECKING:
    import numpy as np

_WHO = "shuffled-batches"


def shuffled_batches(
    count: int, batch_size: int, seed: int = 0, *, drop_last: bool = True
) -> list[np.ndarray]:
    """The indices 0 to ``count - 1`` in random order, cut into batches.

    The order depends on ``count`` and ``seed`` alone, whatever the machine and the version of
    NumPy: it sorts by the raw 64-bit output of PCG64 (O'Neill 2014), which NumPy keeps fixed.

    Args:
        count: how many examples there are.
        batch_size: how many of them are in a batch.
        seed: an exact integer, not negative; another one (the epoch, say) gives another order.
        drop_last: leave out a last batch that is shorter, so that all batches have one shape and
            a staged step is compiled once.

    Returns:
        Batches of ``int32`` indices; each index occurs at most once.

    Raises:
        WrongType: an argument is no exact integer.
        BadValue: one is negative, or the batch size is 0.

    Example:
        >>> [len(batch) for batch in shuffled_batches(10, 4)]
        [4, 4]
        >>> [len(batch) for batch in shuffled_batches(10, 4, drop_last=False)]
        [4, 4, 2]
    """
    import numpy as np

    _check("a number of examples", count, 0)
    _check("a batch size", batch_size, 1)
    _check("a seed", seed, 0)
    keys = np.random.PCG64(seed).random_raw(count)
    order = np.argsort(keys, kind="stable").astype(np.int32)
    end = count - count % batch_size if drop_last else count
    return [order[start : start + batch_size] for start in range(0, end, batch_size)]


def shuffled_batches_list(*arguments: Any, **options: Any) -> Any:
    """The batches of :func:`shuffled_batches` as a Scheme list."""
    return scheme_list(shuffled_batches(*arguments, **options))


def _check(what: str, value: Any, least: int) -> None:
    if value.__class__ is not int:
        raise WrongType(f"{_WHO}: expected {what} (an exact integer), got {short_string(value)}")
    if value < least:
        raise BadValue(f"{_WHO}: expected {what} of at least {least}, got {value}")

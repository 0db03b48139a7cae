"""Elements of Scheme's lists, vectors and strings at an index that only the running program knows.

What is read is one of the elements, unified as the branches of an ``if`` are: numbers and tensors
are stacked, rows of one length are chosen element by element. What is written is chosen for each
element: the new value where the index is its own. A sort computes where each element goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.config import CONFIG
from eshkol.base.errors import OutOfRange, StagingError
from eshkol.datum.pairs import Pair, is_list, scheme_list
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.primitives.comparison import decreasing, increasing
from eshkol.primitives.declare import load
from eshkol.xla.arguments import index_operand
from eshkol.xla.code_keys import is_short
from eshkol.xla.control import choose, is_true
from eshkol.xla.dtypes import BOOL, INT64, join, wide
from eshkol.xla.indexing import nearest_row
from eshkol.xla.leaving import CHOSEN
from eshkol.xla.parts import as_leaf_array
from eshkol.xla.witness import Witness, is_exact

MOST_SORTED = 64
"""A list of at most so many elements is sorted by a traced order: each is compared with each."""


def element(who: str, items: Sequence[Any], index: Any) -> Any:
    """``items[index]``; the nearest one where there is none."""
    if not items:
        raise OutOfRange(f"{who}: there is no element {short_string(index)}")
    with wide():
        return _element(who, items, _place(who, index, len(items)))


def set_element(who: str, items: Sequence[Any], index: Any, value: Any) -> list[Any]:
    """The elements after ``items[index] = value``; the same ones where there is none."""
    with wide():
        place = _place(who, index, len(items))
        return [
            _either(who, lax.eq(place, np.int64(number)), value, item)
            for number, item in enumerate(items)
        ]


def _place(who: str, index: Any, size: int) -> Any:
    index_operand(index, who)
    if CONFIG.checked:
        what = f"{size} elements"
        load("eshkol.xla.checks:check_index")(who, index, size, what)
    return lax.convert_element_type(index, INT64)


# ---- choosing


def _element(who: str, items: Sequence[Any], place: Any) -> Any:
    first = items[0]
    if all(item is first for item in items):
        return first
    if _are_plain(items):
        return nearest_row(_stacked(items), place)
    if _common_length(items) is None:
        return _one_of(who, items, place, 0)
    rows = [list(item) for item in items]
    chosen = [_element(who, column, place) for column in zip(*rows, strict=True)]
    value = Vector(chosen) if first.__class__ is Vector else scheme_list(chosen)
    for number, item in enumerate(items):
        CHOSEN.tie(value, lax.eq(place, np.int64(number)), item)
    return value


def _are_plain(items: Sequence[Any]) -> bool:
    """Whether the items are numbers or tensors of one shape."""
    shapes = {getattr(item, "shape", ()) for item in items}
    return len(shapes) == 1 and all(map(_is_plain, items))


def _is_plain(item: Any) -> bool:
    if item.__class__ is float or is_exact(item):
        return item.__class__ is not int or is_short(item)
    if isinstance(item, Witness) or not isinstance(item, jax.Array):
        return False
    return item.dtype != BOOL


def _stacked(items: Sequence[Any]) -> Any:
    if all(item.__class__ in (int, float) for item in items):
        is_real = any(item.__class__ is float for item in items)
        return jnp.asarray(np.asarray(items, np.float64 if is_real else np.int64))
    return jnp.stack(_of_one_dtype(items))


def _of_one_dtype(items: Sequence[Any]) -> list[Any]:
    arrays = [as_leaf_array(item, "an element") for item in items]
    dtype = reduce(join, [array.dtype for array in arrays])
    return [lax.convert_element_type(array, dtype) for array in arrays]


def _common_length(items: Sequence[Any]) -> int | None:
    """How long the items are, if they are vectors, or proper lists, of one length."""
    kind = items[0].__class__
    if kind not in (Vector, Pair) or any(item.__class__ is not kind for item in items):
        return None
    if kind is Pair and not all(map(is_list, items)):
        return None
    sizes = {len(item) for item in items}
    return sizes.pop() if len(sizes) == 1 else None


def _one_of(who: str, items: Sequence[Any], place: Any, first: int) -> Any:
    """The item at ``place`` of those that begin at index ``first``, halved by each condition."""
    if len(items) == 1:
        return items[0]
    half = len(items) // 2
    return _chosen(
        who,
        lax.lt(place, np.int64(first + half)),
        partial(_one_of, who, items[:half], place, first),
        partial(_one_of, who, items[half:], place, first + half),
    )


def _chosen(who: str, test: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    try:
        return choose(test, then, otherwise)
    except StagingError as error:
        _, _, kinds = error.message.partition(" give ")
        if not kinds:
            raise
        raise StagingError(
            f"{who}: which element this is, is known only when the program runs, and they are "
            f"{kinds}",
            hint="elements at an index that is computed from a traced value must be of one kind "
            "and shape",
        ) from None


def _either(who: str, test: Any, value: Any, item: Any) -> Any:
    if value is item:
        return item
    if _are_plain([value, item]):
        return lax.select(test, *_of_one_dtype([value, item]))
    return _chosen(who, test, lambda: value, lambda: item)


# ---- sorting


def ordered(who: str, items: list[Any], less: Any, precedes: Callable[..., Any]) -> list[Any]:
    """The items in a stable order that only the running program knows.

    Args:
        who: names the primitive.
        items: at most :data:`MOST_SORTED`, or numbers in the order ``<`` or ``>``.
        less: the order, as the program gave it.
        precedes: its staged form.
    """
    is_plain = (less is increasing or less is decreasing) and _are_plain(items)
    if not is_plain and len(items) > MOST_SORTED:
        raise StagingError(
            f"{who}: must decide by what is known only when the program runs, for each two of "
            f"{len(items)} elements",
            hint="tensors are sorted by tensor-sort, and argsort gives the order",
        )
    with wide():
        if is_plain:
            places = jnp.argsort(_stacked(items), stable=True, descending=less is decreasing)
        else:
            places = jnp.argsort(jnp.stack(_ranks(items, precedes)))
        places = lax.convert_element_type(places, INT64)
        return [_element(who, items, place) for place in places]


def _ranks(items: Sequence[Any], precedes: Callable[..., Any]) -> list[Any]:
    """How many other elements come before each."""
    ranks: list[Any] = [np.int64(0) for _ in items]
    for second in range(len(items)):
        for first in range(second):
            swapped = lax.convert_element_type(
                jnp.asarray(is_true(precedes(items[second], items[first]))), INT64
            )
            ranks[first] = lax.add(ranks[first], swapped)
            ranks[second] = lax.add(ranks[second], lax.sub(np.int64(1), swapped))
    return ranks

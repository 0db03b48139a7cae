"""Lists of which only the running program knows how many elements they have.

Such a list is one of several (:mod:`eshkol.xla.unions`), of each length that it can have. The
elements that a traced test keeps are moved to the front, so the lists of all lengths share them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.config import CONFIG
from eshkol.base.errors import StagingError
from eshkol.datum.pairs import scheme_list
from eshkol.primitives.declare import load
from eshkol.xla.arguments import index_operand
from eshkol.xla.chosen_elements import element
from eshkol.xla.control import is_true
from eshkol.xla.dtypes import BOOL, INT64, wide
from eshkol.xla.unions import Union, truth
from eshkol.xla.witness import Witness

MOST_LENGTHS = 64
"""A list has at most so many lengths to choose from."""


def kept(who: str, items: Sequence[Any], tests: Sequence[Any], wanted: bool = True) -> Any:
    """The list of the items whose tests, which may be traced, are true, or not.

    Raises:
        StagingError: they may be of too many numbers.
    """
    truths = [_truth(test) for test in tests]
    if all(truth.__class__ is bool for truth in truths):
        return scheme_list(
            [item for item, truth in zip(items, truths, strict=True) if truth is wanted]
        )
    possible = [
        (item, truth)
        for item, truth in zip(items, truths, strict=True)
        if truth.__class__ is not bool or truth is wanted
    ]
    left = [item for item, _ in possible]
    with wide():
        flags = jnp.stack([jnp.asarray(truth, BOOL) for _, truth in possible])
        if not wanted:
            known = np.array([truth.__class__ is bool for _, truth in possible])
            flags = lax.bitwise_or(lax.bitwise_not(flags), known)
        places = lax.convert_element_type(jnp.argsort(lax.bitwise_not(flags), stable=True), INT64)
        count = lax.reduce_sum(lax.convert_element_type(flags, INT64), (0,))
        moved = [element(who, left, places[number]) for number in range(len(left))]
    least = sum(truth.__class__ is bool for _, truth in possible)
    return _of_length(who, count, least, len(moved), lambda size: scheme_list(moved[:size]))


def _truth(test: Any) -> Any:
    """Whether a test holds, traced only if its value is not known."""
    truth = is_true(test)
    return truth.item() if truth.__class__ is Witness else truth


def true_results(who: str, results: Sequence[Any]) -> Any:
    """The list of the results that are true, as only the running program may know."""
    return kept(who, [_if_true(result) for result in results], results)


def _if_true(result: Any) -> Any:
    """What a result is where it is true."""
    possible = [result]
    if result.__class__ is Union:
        possible = [result.alternatives[tag] for tag in result.possible]
    items = [True if truth(item) is item else item for item in possible if item is not False]
    # What it is where it is false is never looked at.
    return items[0] if len(items) == 1 else result


def distinct(who: str, items: Sequence[Any], same: Callable[[Any, Any], Any]) -> Any:
    """The list of the items that are the same as no earlier one."""
    repeated: list[Any] = []
    for number, item in enumerate(items):
        truths = [_truth(same(earlier, item)) for earlier in items[:number]]
        repeated.append(_any(truths))
    return kept(who, items, repeated, False)


def _any(truths: Sequence[Any]) -> Any:
    if any(truth is True for truth in truths):
        return True
    traced = [truth for truth in truths if truth is not False]
    return reduce(lax.bitwise_or, traced) if traced else False


def first_of_list(who: str, items: Sequence[Any], count: Any) -> Any:
    """The list of the first items, as many as only the running program knows."""
    count = _checked_count(who, items, count)
    return _of_length(who, count, 0, len(items), lambda size: scheme_list(items[:size]))


def rest_of_list(who: str, items: Sequence[Any], parts: Sequence[Any], count: Any) -> Any:
    """The part of a list after as many items as only the running program knows.

    Args:
        who: names the primitive.
        items: of the list.
        parts: the list, what is left of it after one item, and so on.
        count: how many are left out.
    """
    return _of_length(
        who, _checked_count(who, items, count), 0, len(items), lambda size: parts[size]
    )


def _checked_count(who: str, items: Sequence[Any], count: Any) -> Any:
    index_operand(count, who)
    if CONFIG.checked:
        what = f"{len(items)} elements"
        load("eshkol.xla.checks:check_index")(who, count, len(items) + 1, what)
    with wide():
        return lax.clamp(np.int64(0), lax.convert_element_type(count, INT64), np.int64(len(items)))


def _of_length(who: str, count: Any, least: int, most: int, of: Callable[[int], Any]) -> Any:
    """One of the lists that ``of`` gives for the lengths from ``least`` to ``most``."""
    if most - least > MOST_LENGTHS:
        raise StagingError(
            f"{who}: how many of {most} elements there are is known only when the program runs",
            hint="a tensor and a mask do for many elements, as in (* mask t), or where",
        )
    with wide():
        return Union(lax.sub(count, np.int64(least)), [of(n) for n in range(least, most + 1)])

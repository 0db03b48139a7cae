"""Stable sorting of lists and vectors by an order that the program gives."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import EshkolError
from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.datum.values import UNSPECIFIED, Unspecified, Vector
from eshkol.primitives.arguments import (
    is_array,
    is_tracer,
    is_true,
    list_argument,
    procedure_argument,
    python_items,
    wrong_type,
)
from eshkol.primitives.calling import DIALECT, callee
from eshkol.primitives.comparison import decreasing, increasing
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.vectors import VectorOrTensor, elements, mutable

_MACHINE = frozenset({int, float})


MOST_NESTED = 10_000
"""So many sorts may run inside of each other; Python's takes some KiB of the machine's stack."""


class Nesting(threading.local):
    """How many sorts run inside of each other in this thread."""

    count = 0


NESTING = Nesting()


class _Key:
    """An element under the order ``precedes``."""

    __slots__ = ("precedes", "value")

    def __init__(self, value: Any, precedes: Callable[[Any, Any], Any]) -> None:
        self.value = value
        self.precedes = precedes

    def __lt__(self, other: _Key) -> bool:
        result = self.precedes(self.value, other.value)
        if is_tracer(result) and DIALECT.resolve is not None:
            raise _Traced
        return is_true(result)


class _Traced(Exception):
    """Which of two elements comes first is known only when the program runs."""


def ordered(who: str, items: list[Any], less: Any) -> list[Any]:
    """The elements in a stable order by ``less``."""
    precedes = callee(procedure_argument(who, less))
    if (less is increasing or less is decreasing) and _are_ordered_numbers(items):
        return sorted(items, reverse=less is decreasing)
    if NESTING.count == MOST_NESTED:
        raise RecursionError(f"{who}: the order sorts, which sorts, and so on")
    NESTING.count += 1
    try:
        return sorted(items, key=lambda value: _Key(value, precedes))
    except _Traced:
        return load("eshkol.xla.chosen_elements:ordered")(who, items, less, precedes)
    finally:
        NESTING.count -= 1


def _are_ordered_numbers(items: list[Any]) -> bool:
    """Whether Python compares the elements as ``<`` does: machine numbers, none a NaN."""
    return all(item.__class__ in _MACHINE and item == item for item in items)


def _swapped(sequence: Any, less: Any) -> tuple[Any, Any]:
    """Both arguments with the order last, whichever came first (SRFI 95 or R7RS-large)."""
    return (less, sequence) if callable(sequence) and not callable(less) else (sequence, less)


def _sorted(who: str, sequence: Any, less: Any) -> Any:
    sequence, less = _swapped(sequence, less)
    if sequence.__class__ is Pair or sequence is NIL:
        return scheme_list(ordered(who, list_argument(who, sequence), less))
    if isinstance(sequence, list):
        return Vector(ordered(who, sequence, less))
    others = python_items(sequence)
    if others is None:
        raise _not_sortable(who, sequence)
    return scheme_list(ordered(who, list(others), less))


def _not_sortable(who: str, value: Any) -> EshkolError:
    hint = "a tensor is sorted by (tensor-sort t)" if is_array(value) else f"use: ({who} items <)"
    return wrong_type(who, "a list or a vector", value, hint)


@primitive("sort", "list-sort")
def sort(items: Any, less: Any) -> Any:
    """A new list or vector of the elements, each one before those it is less than; stable.

    The order may also come first, as in R7RS-large.

    Args:
        items: a list or a vector.
        less: whether its first argument must come before its second.

    Example: ``(sort '(3 1 2) <)`` ⇒ ``(1 2 3)``.
    """
    return _sorted("sort", items, less)


@primitive("vector-sort")
def vector_sort(vector: VectorOrTensor, less: Any) -> Vector:
    """A new, stably sorted vector. Example: ``(vector-sort #(3 1 2) <)`` ⇒ ``#(1 2 3)``."""
    vector, less = _swapped(vector, less)
    return Vector(ordered("vector-sort", list(elements("vector-sort", vector)), less))


@primitive("sort!", "vector-sort!")
def vector_sort_in_place(vector: Vector, less: Any) -> Unspecified:
    """Sort the elements of a vector where they are; stable.

    Raises:
        WrongType: the argument is a list or a tensor; ``sort`` makes a new one.

    Example: ``(let ((v (vector 3 1 2))) (sort! v <) v)`` ⇒ ``#(1 2 3)``.
    """
    vector, less = _swapped(vector, less)
    items = mutable("vector-sort!", vector)
    items[:] = ordered("vector-sort!", items, less)
    return UNSPECIFIED


@primitive("sorted?")
def is_sorted(items: Any, less: Any) -> bool:
    """Whether no element is less than the one before it.

    Example: ``(sorted? '(1 2 2) <)`` ⇒ ``#t``.
    """
    items, less = _swapped(items, less)
    values = (
        list_argument("sorted?", items)
        if items.__class__ is Pair or items is NIL
        else elements("sorted?", items)
    )
    precedes = callee(procedure_argument("sorted?", less))
    return not any(is_true(precedes(b, a)) for a, b in itertools.pairwise(values))

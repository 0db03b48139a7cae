"""Procedures on lists that call a procedure on the elements: map, fold and their kin.

The folds take the accumulator first, ``(f accumulator element)``, except for ``fold-right``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair, is_list, scheme_list
from eshkol.datum.values import UNSPECIFIED, Unspecified, Vector
from eshkol.primitives.arguments import (
    elements_argument,
    is_true,
    list_argument,
    not_a_list,
    procedure_argument,
    python_items,
    size_argument,
)
from eshkol.primitives.calling import DIALECT, callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.list_search import predicate_argument
from eshkol.primitives.lists import List


def _elements(who: str, items: Any) -> Iterator[Any]:
    """The elements of a list that may be circular, one by one."""
    rest = items
    while rest.__class__ is Pair:
        yield rest.car
        rest = rest.cdr
    if rest is not NIL:
        raise not_a_list(who, items)


def rows(who: str, lists: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    """Tuples of corresponding elements, as many as the shortest list has.

    A circular list goes with others that end.
    """
    others = [
        iter(elements_argument(who, items)) if is_array(items) else python_items(items)
        for items in lists
    ]
    if not any(is_list(items) or other for items, other in zip(lists, others, strict=True)):
        raise not_a_list(who, next(items for items in lists if not is_list(items)))
    pairs = zip(lists, others, strict=True)
    return zip(*(other or _elements(who, items) for items, other in pairs), strict=False)


def _results(who: str, procedure: Any, items: Any, lists: tuple[Any, ...]) -> Iterable[Any]:
    """What ``procedure`` gives for each element, or for corresponding elements of several lists."""
    call = callee(procedure_argument(who, procedure))
    if not lists:
        return (call(item) for item in elements_argument(who, items))
    return (call(*row) for row in rows(who, (items, *lists)))


LONG = 64
"""Lists of more elements than that, which are alike, are traversed like tensors in staged code."""


def staged_traversal(name: str, who: str, procedure: Any, sequences: tuple[Any, ...]) -> Any:
    """The rule for staged code where a tensor takes part, or a long list of numbers; else None.

    Args:
        name: of the function in the staging runtime.
        who: the primitive.
        procedure: its first argument.
        sequences: its lists and tensors.
    """
    if DIALECT.resolve is None or not any(is_array(s) or _is_long(s) for s in sequences):
        return None
    call = callee(procedure_argument(who, procedure))
    return functools.partial(load(f"eshkol.xla.traversals:{name}"), call)


def _is_long(items: Any) -> bool:
    """Whether these may be many inexact numbers, or many tensors."""
    if items.__class__ is Vector:
        return len(items) > LONG and _is_inexact(items[0])
    return items.__class__ is Pair and _is_inexact(items.car) and _has_more_pairs(items, LONG)


def _is_inexact(item: Any) -> bool:
    return item.__class__ is float or is_array(item)


def _has_more_pairs(items: Any, count: int) -> bool:
    """Whether a list has more than ``count`` pairs."""
    while count and items.__class__ is Pair:
        count, items = count - 1, items.cdr
    return items.__class__ is Pair


@primitive("map")
def map_list(procedure: Any, items: List, *lists: List) -> List:
    """The list of what the procedure gives for each element, in order.

    With several lists it is called with one element of each, up to the end of the shortest. A
    tensor stands for the list of its rows. In staged code the procedure is traced once for all
    rows of long tensors.

    Example: ``(map + '(1 2) '(10 20))`` ⇒ ``(11 22)``; ``(map tensor-sum (tensor '((1 2) (3 4))))``
    ⇒ ``(3.0 7.0)``.
    """
    staged = staged_traversal("map_rows", "map", procedure, (items, *lists))
    results = None if staged is None else staged((items, *lists))
    if results is not None:
        return scheme_list(results)
    if lists:
        return scheme_list(list(_results("map", procedure, items, lists)))
    call = callee(procedure_argument("map", procedure))
    return scheme_list([call(item) for item in elements_argument("map", items)])


@primitive("for-each")
def for_each(procedure: Any, items: List, *lists: List) -> Unspecified:
    """Call the procedure on each element, or on corresponding elements of several lists.

    A tensor stands for the list of its rows.

    Example: ``(let ((sum 0)) (for-each (lambda (x) (set! sum (+ sum x))) '(1 2 3)) sum)`` ⇒
    ``6``.
    """
    staged = staged_traversal("for_each_row", "for-each", procedure, (items, *lists))
    if staged is not None:
        staged((items, *lists))
        return UNSPECIFIED
    call = callee(procedure_argument("for-each", procedure))
    if lists:
        for row in rows("for-each", (items, *lists)):
            call(*row)
    else:
        for item in elements_argument("for-each", items):
            call(item)
    return UNSPECIFIED


@primitive("append-map")
def append_map(procedure: Any, items: List, *lists: List) -> List:
    """All lists that the procedure gives, appended.

    Example: ``(append-map (lambda (x) (list x x)) '(1 2))`` ⇒ ``(1 1 2 2)``.
    """
    results = list(_results("append-map", procedure, items, lists))
    appended: Any = NIL
    for result in reversed(results):
        appended = scheme_list(list_argument("append-map", result), appended)
    return appended


@primitive("filter-map")
def filter_map(procedure: Any, items: List, *lists: List) -> List:
    """The list of the true results of the procedure.

    Example: ``(filter-map (lambda (x) (and (odd? x) (* x x))) '(1 2 3))`` ⇒ ``(1 9)``.
    """
    results = _results("filter-map", procedure, items, lists)
    if DIALECT.resolve is not None:
        return load("eshkol.xla.chosen_lists:true_results")("filter-map", list(results))
    return scheme_list([result for result in results if is_true(result)])


def _folded(who: str, procedure: Any, initial: Any, items: Any, lists: tuple[Any, ...]) -> Any:
    staged = staged_traversal("fold_rows", who, procedure, (items, *lists))
    if staged is not None:
        return staged(who, initial, (items, *lists))
    call = callee(procedure_argument(who, procedure))
    if not lists:
        return functools.reduce(call, elements_argument(who, items), initial)
    for row in rows(who, (items, *lists)):
        initial = call(initial, *row)
    return initial


@primitive("fold", "fold-left", "foldl")
def fold(procedure: Any, initial: Any, items: List, *lists: List) -> Any:
    """Combine the elements from the left: ``(f … (f (f initial first) second) …)``.

    SRFI 1's ``fold`` calls ``(f element accumulator)`` instead. A tensor stands for the list of its
    rows; in staged code the fold over a long one is a scan.

    Example: ``(fold - 0 '(1 2 3))`` ⇒ ``-6``; ``(fold cons '() '(1 2))`` ⇒ ``((() . 1) . 2)``.
    """
    return _folded("fold", procedure, initial, items, lists)


@primitive("fold-right", "foldr")
def fold_right(procedure: Any, initial: Any, items: List, *lists: List) -> Any:
    """Combine the elements from the right: ``(f first (f second … (f last initial)))``.

    Example: ``(fold-right cons '() '(1 2 3))`` ⇒ ``(1 2 3)``.
    """
    call = callee(procedure_argument("fold-right", procedure))
    staged = staged_traversal("fold_rows_right", "fold-right", procedure, (items, *lists))
    if staged is not None:
        return staged(initial, (items, *lists))
    if not lists:
        for item in reversed(list(elements_argument("fold-right", items))):
            initial = call(item, initial)
        return initial
    for row in reversed(list(rows("fold-right", (items, *lists)))):
        initial = call(*row, initial)
    return initial


@primitive("reduce", "reduce-left")
def reduce(procedure: Any, initial: Any, *items: List) -> Any:
    """Combine the elements from the left, starting with the first; of an empty list, ``initial``.

    Called as ``(reduce f list)`` or ``(reduce f initial list)``; without ``initial`` the list must
    have elements.

    Example: ``(reduce max 0 '(3 1 4))`` ⇒ ``4``; ``(reduce - '(10 2 3))`` ⇒ ``5``.
    """
    sequence = items[0] if items else initial
    staged = None
    if is_array(sequence):
        staged = staged_traversal("reduce_rows", "reduce", procedure, (sequence,))
    if staged is not None:
        return staged(sequence, *([initial] if items else ()))
    call = callee(procedure_argument("reduce", procedure))
    elements = list(elements_argument("reduce", sequence))
    if elements:
        return functools.reduce(call, elements)
    if items:
        return initial
    raise BadValue(
        "reduce: the list is empty and there is no initial value",
        hint="give one: (reduce f initial list)",
    )


@primitive("reduce-right")
def reduce_right(procedure: Any, initial: Any, items: List) -> Any:
    """Combine the elements from the right: ``(f first (f second … last))``; of none, ``initial``.

    Example: ``(reduce-right - 0 '(1 2 3 4))`` ⇒ ``-2``.
    """
    call = callee(procedure_argument("reduce-right", procedure))
    elements = list_argument("reduce-right", items)
    if not elements:
        return initial
    result = elements.pop()
    while elements:
        result = call(elements.pop(), result)
    return result


@primitive("any")
def any_of(predicate: Any, items: List, *lists: List) -> Any:
    """The first true result of the predicate on the elements, else ``#f``.

    Example: ``(any even? '(1 2 3))`` ⇒ ``#t``.
    """
    if DIALECT.resolve is not None:
        return _searched("any_of", "any", predicate, (items, *lists))
    for result in _results("any", predicate, items, lists):
        if is_true(result):
            return result
    return False


def _searched(name: str, who: str, predicate: Any, sequences: tuple[Any, ...]) -> Any:
    """``any``, ``every`` and ``count`` in staged code, where truth may be traced."""
    call = callee(procedure_argument(who, predicate))
    return load(f"eshkol.xla.traversals:{name}")(call, sequences, lambda: rows(who, sequences))


@primitive("every")
def every(predicate: Any, items: List, *lists: List) -> Any:
    """``#f`` if a result of the predicate is, else the last one; ``#t`` of the empty list.

    Example: ``(every even? '(2 4))`` ⇒ ``#t``.
    """
    if DIALECT.resolve is not None:
        return _searched("every", "every", predicate, (items, *lists))
    result: Any = True
    for result in _results("every", predicate, items, lists):
        if not is_true(result):
            return False
    return result


@primitive("count")
def count(predicate: Any, items: List, *lists: List) -> int:
    """How many results of the predicate are true. Example: ``(count odd? '(1 2 3))`` ⇒ ``2``."""
    if DIALECT.resolve is not None:
        return _searched("count", "count", predicate, (items, *lists))
    return sum(is_true(result) for result in _results("count", predicate, items, lists))


@primitive("unfold")
def unfold(stop: Any, value_of: Any, successor: Any, seed: Any, tail: Any = None) -> List:
    """The list of ``(value-of seed)`` for the seed and its successors until ``stop`` is true.

    Args:
        tail: called with the last seed, gives the tail of the list; else that is empty.

    Example: ``(unfold (lambda (x) (> x 3)) square 1+ 1)`` ⇒ ``(1 4 9)``.
    """
    is_last = predicate_argument("unfold", stop)
    value = callee(procedure_argument("unfold", value_of))
    following = callee(procedure_argument("unfold", successor))
    values = []
    while not is_last(seed):
        values.append(value(seed))
        seed = following(seed)
    end = NIL if tail is None else callee(procedure_argument("unfold", tail))(seed)
    return scheme_list(values, end)


@primitive("list-tabulate", "build-list")
def list_tabulate(count: int, procedure: Any) -> List:
    """The list of what the procedure gives for 0, 1, … ``count`` − 1.

    Example: ``(list-tabulate 3 square)`` ⇒ ``(0 1 4)``.
    """
    call = callee(procedure_argument("list-tabulate", procedure))
    return scheme_list([call(k) for k in range(size_argument("list-tabulate", count))])

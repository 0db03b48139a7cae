"""SRFI 1: lists as sets, whose elements are compared by a given procedure."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from eshkol.datum.pairs import cons, scheme_list
from eshkol.datum.values import MultipleValues
from eshkol.primitives.arguments import is_true, list_argument, procedure_argument
from eshkol.primitives.calling import callee
from eshkol.primitives.lists import List
from eshkol.primitives.srfi_1 import EXPORTS as EXPORTS
from eshkol.primitives.srfi_1 import exported

Test = Callable[[Any, Any], Any]


def _arguments(who: str, equal: Any, lists: tuple[Any, ...]) -> tuple[Test, list[list[Any]]]:
    test = callee(procedure_argument(who, equal))
    return test, [list_argument(who, items) for items in lists]


def _holds(items: list[Any], value: Any, test: Test) -> bool:
    """Whether an element of ``items`` is equal to ``value``; the element is the first argument."""
    return any(is_true(test(item, value)) for item in items)


def _is_subset(a: list[Any], b: list[Any], test: Test) -> bool:
    return all(any(is_true(test(x, y)) for y in b) for x in a)


@exported("lset<=")
def is_subset(equal: Any, *lists: List) -> bool:
    """Whether each list is a subset of the next."""
    test, sets = _arguments("lset<=", equal, lists)
    return all(_is_subset(a, b, test) for a, b in itertools.pairwise(sets))


@exported("lset=")
def is_same_set(equal: Any, *lists: List) -> bool:
    """Whether all lists have the same elements."""
    test, sets = _arguments("lset=", equal, lists)
    return all(
        _is_subset(a, b, test) and _is_subset(b, a, test) for a, b in itertools.pairwise(sets)
    )


@exported("lset-adjoin")
def adjoin(equal: Any, items: List, *values: Any) -> List:
    """The list with those of the values before it that it does not hold yet."""
    test, (known,) = _arguments("lset-adjoin", equal, (items,))
    result = items
    for value in values:
        if not _holds(known, value, test):
            known.append(value)
            result = cons(value, result)
    return result


@exported("lset-union", "lset-union!")
def union(equal: Any, *lists: List) -> List:
    """The elements of all lists: the first list, with what it lacks before it."""
    if not lists:
        return scheme_list([])
    test, sets = _arguments("lset-union", equal, lists)
    first, result = 0, lists[0]
    while first < len(sets) - 1 and not sets[first]:
        first += 1
        result = lists[first]
    known = list(sets[first])
    for items in sets[first + 1 :]:
        for value in items:
            if not _holds(known, value, test):
                known.append(value)
                result = cons(value, result)
    return result


@exported("lset-intersection", "lset-intersection!")
def intersection(equal: Any, items: List, *lists: List) -> List:
    """The elements of the first list that all others hold."""
    test, (first, *others) = _arguments("lset-intersection", equal, (items, *lists))
    kept = [x for x in first if all(any(is_true(test(x, y)) for y in b) for b in others)]
    return scheme_list(kept)


@exported("lset-difference", "lset-difference!")
def difference(equal: Any, items: List, *lists: List) -> List:
    """The elements of the first list that no other holds."""
    test, (first, *others) = _arguments("lset-difference", equal, (items, *lists))
    kept = [x for x in first if not any(is_true(test(x, y)) for b in others for y in b)]
    return scheme_list(kept)


@exported("lset-xor", "lset-xor!")
def exclusive_or(equal: Any, *lists: List) -> List:
    """The elements that an odd number of the lists hold."""
    test, sets = _arguments("lset-xor", equal, lists)
    result: list[Any] = []
    for items in sets:
        only_new = [y for y in items if not _holds(result, y, test)]
        only_old = [x for x in result if not any(is_true(test(x, y)) for y in items)]
        result = [*reversed(only_new), *only_old] if result else list(items)
    return scheme_list(result)


@exported("lset-diff+intersection", "lset-diff+intersection!")
def difference_and_intersection(equal: Any, items: List, *lists: List) -> MultipleValues:
    """Two values: the elements of the first list that no other holds, and those that some do."""
    test, (first, *others) = _arguments("lset-diff+intersection", equal, (items, *lists))
    sides: tuple[list[Any], list[Any]] = ([], [])
    for x in first:
        sides[any(is_true(test(x, y)) for b in others for y in b)].append(x)
    return MultipleValues((scheme_list(sides[0]), scheme_list(sides[1])))

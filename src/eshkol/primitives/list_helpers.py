"""List procedures that Eshkol's programs use beside those of SRFI 1."""

from __future__ import annotations

from typing import Any

from eshkol.datum.equality import Undecided
from eshkol.datum.pairs import NIL, Pair, cons, scheme_list
from eshkol.primitives.arguments import is_true, list_argument, wrong_type
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.equality import alike
from eshkol.primitives.list_procedures import count, map_list
from eshkol.primitives.list_search import association_value, member
from eshkol.primitives.lists import List, drop, iota, length, take


@primitive("take-right")
def take_right(items: List, number: int) -> List:
    """The last elements of a list. Example: ``(take-right '(a b c) 2)`` ⇒ ``(b c)``."""
    return drop(items, length(items) - number)


@primitive("drop-right")
def drop_right(items: List, number: int) -> List:
    """The list without its last elements. Example: ``(drop-right '(a b c) 2)`` ⇒ ``(a)``."""
    return take(items, length(items) - number)


@primitive("unzip")
def unzip(items: List) -> List:
    """The first and the second elements of lists, in two lists.

    Example: ``(unzip '((a 1) (b 2)))`` ⇒ ``((a b) (1 2))``.
    """
    columns: tuple[list[Any], list[Any]] = ([], [])
    for item in list_argument("unzip", items):
        row = list_argument("unzip", item)
        if len(row) < 2:
            raise wrong_type("unzip", "lists of two elements", item)
        columns[0].append(row[0])
        columns[1].append(row[1])
    return scheme_list([scheme_list(column) for column in columns])


@primitive("count-if")
def count_if(predicate: Any, items: List) -> int:
    """How many elements the predicate is true of. Example: ``(count-if odd? '(1 2 3))`` ⇒ ``2``."""
    return count(predicate, items)


@primitive("member?")
def is_member(value: Any, items: List) -> bool:
    """Whether a list has an element equal to the value.

    Example: ``(member? 3 '(1 2 3))`` ⇒ ``#t``.
    """
    part = member(value, items)
    if isinstance(part, Undecided):
        return load("eshkol.xla.unions:truth_of")(part)
    return part is not False


@primitive("alist-ref-or")
def association_value_or(entries: List, key: Any, default: Any) -> Any:
    """The value under a key of an association list, else the default.

    Example: ``(alist-ref-or '((a . 1)) 'b 0)`` ⇒ ``0``.
    """
    return association_value(entries, key, default)


@primitive("alist-set")
def association_set(entries: List, key: Any, value: Any) -> List:
    """An association list with another value under a key, which is added at the end if need be.

    Example: ``(alist-set '((a . 1) (b . 2)) 'a 9)`` ⇒ ``((a . 9) (b . 2))``.
    """
    new = cons(key, value)
    kept = list_argument("alist-set", entries)
    for index, entry in enumerate(kept):
        if entry.__class__ is Pair and is_true(alike(entry.car, key)):
            return scheme_list([*kept[:index], new, *kept[index + 1 :]])
    return scheme_list(kept, cons(new, NIL))


@primitive("map1")
def map_one(procedure: Any, items: List) -> List:
    """As ``map`` of one list. Example: ``(map1 square '(1 2 3))`` ⇒ ``(1 4 9)``."""
    return map_list(procedure, items)


@primitive("map2")
def map_two(procedure: Any, items: List, others: List) -> List:
    """As ``map`` of two lists. Example: ``(map2 + '(1 2) '(10 20))`` ⇒ ``(11 22)``."""
    return map_list(procedure, items, others)


@primitive("map3")
def map_three(procedure: Any, first: List, second: List, third: List) -> List:
    """As ``map`` of three lists.

    Example: ``(map3 + '(1 2) '(10 20) '(100 200))`` ⇒ ``(111 222)``.
    """
    return map_list(procedure, first, second, third)


@primitive("iota-from")
def iota_from(number: int, start: Any) -> List:
    """As ``iota`` with a start. Example: ``(iota-from 3 1)`` ⇒ ``(1 2 3)``."""
    return iota(number, start)


@primitive("iota-step")
def iota_step(number: int, start: Any, step: Any) -> List:
    """As ``iota`` with a start and a step. Example: ``(iota-step 3 0 2)`` ⇒ ``(0 2 4)``."""
    return iota(number, start, step)

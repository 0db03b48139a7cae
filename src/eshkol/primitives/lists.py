"""Lists: making them, and parts of them by position. Names and meanings are those of SRFI 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eshkol.base.errors import EshkolError, OutOfRange
from eshkol.datum import pairs
from eshkol.datum.pairs import NIL, Pair, cons, scheme_list, spine
from eshkol.datum.values import UNSPECIFIED, Unspecified
from eshkol.primitives.arguments import (
    foreign_list,
    has_python_items,
    index_argument,
    is_tracer,
    list_argument,
    no_such_position,
    not_a_list,
    python_items,
    size_argument,
    wrong_type,
)
from eshkol.primitives.arithmetic import add, multiply
from eshkol.primitives.calling import DIALECT
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.numbers import known, real_argument

List = Any
"""A Scheme list: pairs that end in the empty list."""

_ELEMENT = "eshkol.xla.chosen_elements:element"
_SET_ELEMENT = "eshkol.xla.chosen_elements:set_element"


@primitive("list")
def make_list_of(*items: Any) -> List:
    """A new list of the arguments. Example: ``(list 1 2)`` ⇒ ``(1 2)``."""
    result: Any = NIL
    for item in reversed(items):
        result = cons(item, result)
    return result


@primitive("cons*", "list*")
def list_with_tail(*items: Any) -> Any:
    """A list of all arguments but the last, which is its tail.

    Example: ``(cons* 1 2 '(3 4))`` ⇒ ``(1 2 3 4)``.
    """
    if not items:
        raise wrong_type("cons*", "at least one argument", NIL)
    return scheme_list(items[:-1], items[-1])


@primitive("make-list")
def make_list(count: int, fill: Any = UNSPECIFIED) -> List:
    """A list of ``count`` times the same value. Example: ``(make-list 2 'a)`` ⇒ ``(a a)``."""
    return scheme_list([fill] * size_argument("make-list", count))


@primitive("list?")
def is_list(value: Any) -> bool:
    """Whether the value is a list that ends. Example: ``(list? '(1 . 2))`` ⇒ ``#f``."""
    return pairs.is_list(value)


@primitive("length")
def length(items: List) -> int:
    """The number of elements of a list.

    Raises:
        WrongType: the argument is not a proper list; the length of a vector is
            ``vector-length``, of a string ``string-length``.

    Example: ``(length '(a b c))`` ⇒ ``3``.
    """
    count = 0
    rest = items
    while rest.__class__ is Pair:
        rest = rest.cdr
        count += 1
        if count == 1 << 16 and not pairs.is_list(rest):
            break
    if rest is NIL:
        return count
    if not has_python_items(items) or not hasattr(items, "__len__"):
        raise not_a_list("length", items)
    return len(items)


@primitive("append")
def append(*lists: Any) -> Any:
    """The elements of all lists in one; the last argument is its tail, and may be anything.

    Example: ``(append '(1 2) '(3) 4)`` ⇒ ``(1 2 3 . 4)``.
    """
    if not lists:
        return NIL
    result = lists[-1]
    for items in reversed(lists[:-1]):
        result = scheme_list(list_argument("append", items), result)
    return result


@primitive("reverse")
def reverse(items: List) -> List:
    """The list in reverse order. Example: ``(reverse '(1 2 3))`` ⇒ ``(3 2 1)``."""
    return scheme_list(list_argument("reverse", items)[::-1])


@primitive("list-copy")
def list_copy(value: Any) -> Any:
    """A new list of the same elements; what is not a pair, as it is.

    Raises:
        WrongType: a circular list.

    Example: ``(list-copy '(1 2))`` ⇒ ``(1 2)``.
    """
    items = []
    others = None if value.__class__ is Pair else python_items(value)
    if others is not None:
        return scheme_list(list(others))
    rest = slow = value
    while rest.__class__ is Pair:
        items.append(rest.car)
        rest = rest.cdr
        if len(items) % 2 == 0:
            slow = slow.cdr
            if rest is slow:
                raise not_a_list("list-copy", value)
    return scheme_list(items, rest)


def _too_short(who: str, index: int, items: Any, is_count: bool = False) -> EshkolError:
    """The error for an index, or a number of first elements, that a list has not."""
    elements, tail = spine(items)
    if tail is not NIL or (items.__class__ is not Pair and items is not NIL):
        return not_a_list(who, items)
    problem = no_such_position(who, index, len(elements), "list")
    if is_count:
        problem.hint = f"it has {len(elements)} elements, and no more can be taken off"
    return problem


def _tail(who: str, items: Any, k: Any, is_count: bool = True) -> Any:
    """What is left of a list after ``k`` elements; ``is_count``: for messages, or an index."""
    if DIALECT.resolve is not None and is_tracer(k):
        return _tail_in_staged_code(who, items, k)
    index = size_argument(who, k)
    if items.__class__ is not Pair and items is not NIL and index:
        items = foreign_list(who, items)
    rest = items
    for _ in range(index):
        if rest.__class__ is not Pair:
            raise _too_short(who, index, items, is_count)
        rest = rest.cdr
    return rest


def _tail_in_staged_code(who: str, items: Any, k: Any) -> Any:
    if items.__class__ is not Pair and items is not NIL:
        items = foreign_list(who, items)
    elements, parts = list_argument(who, items), [items]
    for _ in elements:
        parts.append(parts[-1].cdr)
    return load("eshkol.xla.chosen_lists:rest_of_list")(who, elements, parts, k)


@primitive("list-tail")
def list_tail(items: List, k: int) -> List:
    """The list without its first ``k`` elements; they are shared, not copied.

    Example: ``(list-tail '(a b c) 1)`` ⇒ ``(b c)``.
    """
    return _tail("list-tail", items, k)


def _cell(who: str, items: Any, k: Any) -> Pair:
    """The pair that holds element ``k`` of a list."""
    if items.__class__ is not Pair and items is not NIL:
        items = foreign_list(who, items, size_argument(who, k) + 1)
    cell = _tail(who, items, k, is_count=False)
    if cell.__class__ is Pair:
        return cell
    raise _too_short(who, index_argument(who, k), items)


@primitive("list-ref")
def list_ref(items: List, k: int) -> Any:
    """Element ``k`` of a list, from 0.

    Raises:
        OutOfRange: the list has no such element.

    Example: ``(list-ref '(a b c) 2)`` ⇒ ``c``.
    """
    if is_tracer(k):
        return load(_ELEMENT)("list-ref", list_argument("list-ref", items), k)
    return _cell("list-ref", items, k).car


@primitive("list-set!")
def list_set(items: List, k: int, value: Any) -> Unspecified:
    """Replace element ``k`` of a list.

    Example: ``(let ((items (list 1 2 3))) (list-set! items 1 'x) items)`` ⇒ ``(1 x 3)``.
    """
    if items.__class__ is not Pair and items is not NIL:
        raise not_a_list("list-set!", items)
    if is_tracer(k):
        changed = load(_SET_ELEMENT)("list-set!", list_argument("list-set!", items), k, value)
        for number, item in enumerate(changed):
            _cell("list-set!", items, number).car = item
        return UNSPECIFIED
    _cell("list-set!", items, k).car = value
    return UNSPECIFIED


@primitive("first")
def first(items: List) -> Any:
    """The first element of a list. Example: ``(first '(a b))`` ⇒ ``a``."""
    return _cell("first", items, 0).car


@primitive("second")
def second(items: List) -> Any:
    """The second element of a list. Example: ``(second '(a b))`` ⇒ ``b``."""
    return _cell("second", items, 1).car


@primitive("third")
def third(items: List) -> Any:
    """The third element of a list. Example: ``(third '(a b c d))`` ⇒ ``c``."""
    return _cell("third", items, 2).car


@primitive("fourth")
def fourth(items: List) -> Any:
    """The fourth element of a list. Example: ``(fourth '(a b c d))`` ⇒ ``d``."""
    return _cell("fourth", items, 3).car


@primitive("fifth")
def fifth(items: List) -> Any:
    """The fifth element of a list. Example: ``(fifth '(a b c d e))`` ⇒ ``e``."""
    return _cell("fifth", items, 4).car


@primitive("last-pair")
def last_pair(items: Any) -> Pair:
    """The last pair of a list, proper or not. Example: ``(last-pair '(1 2))`` ⇒ ``(2)``."""
    if items.__class__ is not Pair:
        raise wrong_type("last-pair", "a list with elements", items)
    while items.cdr.__class__ is Pair:
        items = items.cdr
    return items


@primitive("last")
def last(items: List) -> Any:
    """The last element of a list. Example: ``(last '(1 2 3))`` ⇒ ``3``."""
    if items.__class__ is not Pair and items is not NIL:
        items = foreign_list("last", items)
    if items is NIL:
        raise wrong_type("last", "a list with elements", items)
    return last_pair(items).car


@primitive("take", "list-head")
def take(items: List, count: int) -> List:
    """The first ``count`` elements of a list.

    Raises:
        OutOfRange: the list is shorter.

    Example: ``(take '(a b c) 2)`` ⇒ ``(a b)``.
    """
    if DIALECT.resolve is not None and is_tracer(count):
        elements = list_argument("take", items)
        return load("eshkol.xla.chosen_lists:first_of_list")("take", elements, count)
    size = size_argument("take", count)
    if items.__class__ is not Pair and items is not NIL:
        items = foreign_list("take", items, size)
    taken = []
    rest = items
    for _ in range(size):
        if rest.__class__ is not Pair:
            raise _too_short("take", index_argument("take", count), items, is_count=True)
        taken.append(rest.car)
        rest = rest.cdr
    return scheme_list(taken)


@primitive("drop")
def drop(items: List, count: int) -> List:
    """The list without its first ``count`` elements. Example: ``(drop '(a b c) 2)`` ⇒ ``(c)``."""
    return _tail("drop", items, count)


@primitive("sublist")
def sublist(items: List, start: int, end: int) -> List:
    """The elements from ``start`` to before ``end``.

    Example: ``(sublist '(a b c d) 1 3)`` ⇒ ``(b c)``.
    """
    if DIALECT.resolve is not None and (is_tracer(start) or is_tracer(end)):
        rest = _tail("sublist", items, start)
        return load("eshkol.xla.unions:call_primitive")("take", take, rest, end - start)
    first_one = size_argument("sublist", start)
    return take(_tail("sublist", items, start), index_argument("sublist", end) - first_one)


@primitive("iota")
def iota(count: int, start: Any = 0, step: Any = 1) -> List:
    """``count`` numbers from ``start``, ``step`` apart.

    Example: ``(iota 3)`` ⇒ ``(0 1 2)``; ``(iota 3 1 1/2)`` ⇒ ``(1 3/2 2)``.
    """
    return scheme_list(iota_items(count, start, step))


def iota_items(count: int, start: Any = 0, step: Any = 1) -> Sequence[Any]:
    """The elements of ``(iota count start step)``."""
    size = size_argument("iota", count)
    if start.__class__ is int and step.__class__ is int and step:
        return range(start, start + size * step, step)
    return [add(start, multiply(k, step)) for k in range(size)]


@primitive("range")
def number_range(start: Any, end: Any = None, step: Any = 1) -> List:
    """The numbers from ``start`` to before ``end``, ``step`` apart; of one argument, from 0 to it.

    Example: ``(range 2 5)`` ⇒ ``(2 3 4)``; ``(range 3)`` ⇒ ``(0 1 2)``.
    """
    if end is None:
        start, end = 0, start
    low, high, by = (real_argument("range", number) for number in (start, end, step))
    if by == 0:
        raise OutOfRange("range: the step must not be zero")
    count = max(0, -((low - high) // by))
    return iota(int(count), known(start), known(step))


@primitive("zip")
def zip_lists(items: List, *lists: List) -> List:
    """Lists of corresponding elements, as many as the shortest list has.

    Example: ``(zip '(1 2) '(a b))`` ⇒ ``((1 a) (2 b))``.
    """
    columns = [list_argument("zip", each) for each in (items, *lists)]
    return scheme_list([scheme_list(row) for row in zip(*columns, strict=False)])

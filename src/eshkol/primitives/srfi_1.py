"""SRFI 1, the list library: what it calls by the language's names and means otherwise, and more.

``fold`` and ``reduce`` call ``(f element accumulator)``; ``partition`` and its kin give two values.
The procedures whose names end in ``!`` may change their lists there; here they leave them alone.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from eshkol.base.errors import OutOfRange
from eshkol.datum.pairs import NIL, Pair, cons, is_list, scheme_list, spine
from eshkol.datum.values import UNSPECIFIED, MultipleValues, Unspecified
from eshkol.primitives.arguments import (
    index_argument,
    is_true,
    list_argument,
    procedure_argument,
    wrong_type,
)
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import PRIMITIVES
from eshkol.primitives.equality import alike
from eshkol.primitives.list_procedures import rows
from eshkol.primitives.list_search import predicate_argument
from eshkol.primitives.lists import List, append, drop, take

EXPORTS: dict[str, Any] = {}
"""The procedures by name; None for those that mean what they mean in the language."""


def exported(*names: str) -> Callable[[Any], Any]:
    """Let the library export the decorated procedure under these names."""

    def declare(function: Any) -> Any:
        function.__name__ = function.__qualname__ = names[0]
        EXPORTS.update(dict.fromkeys(names, function))
        return function

    return declare


def _call(who: str, procedure: Any) -> Callable[..., Any]:
    return callee(procedure_argument(who, procedure))


# ---- constructors and kinds


@exported("xcons")
def xcons(cdr: Any, car: Any) -> Pair:
    """The pair of ``car`` and ``cdr``, which come in the other order."""
    return cons(car, cdr)


@exported("circular-list")
def circular_list(*items: Any) -> Pair:
    """A list that repeats its elements for ever."""
    if not items:
        raise wrong_type("circular-list", "at least one element", NIL)
    result = scheme_list(items)
    last = result
    while last.cdr is not NIL:
        last = last.cdr
    last.cdr = result
    return result


@exported("circular-list?")
def is_circular(value: Any) -> bool:
    """Whether the value is a list that never ends."""
    slow = value
    while value.__class__ is Pair and value.cdr.__class__ is Pair:
        value, slow = value.cdr.cdr, slow.cdr
        if value is slow and value.__class__ is Pair:
            return True
    return False


@exported("dotted-list?")
def is_dotted(value: Any) -> bool:
    """Whether the value is neither a proper nor a circular list; what is no list at all is one."""
    return not is_list(value) and not is_circular(value)


@exported("not-pair?")
def is_no_pair(value: Any) -> bool:
    """Whether the value is no pair."""
    return value.__class__ is not Pair


@exported("null-list?")
def is_null_list(value: Any) -> bool:
    """Whether a list is empty."""
    if value is NIL or value.__class__ is Pair:
        return value is NIL
    raise wrong_type("null-list?", "a list", value)


@exported("list=")
def are_lists_equal(equal: Any, *lists: List) -> bool:
    """Whether all lists have the same elements by ``equal``, in the same order."""
    test = _call("list=", equal)
    columns = [list_argument("list=", items) for items in lists]
    return all(
        len(a) == len(b) and all(is_true(test(x, y)) for x, y in zip(a, b, strict=True))
        for a, b in itertools.pairwise(columns)
    )


# ---- selectors


def _declare_ordinals() -> None:
    for index, name in enumerate("sixth seventh eighth ninth tenth".split(), 5):

        def element(items: List, index: int = index) -> Any:
            return PRIMITIVES["list-ref"].function(items, index)

        element.__doc__ = f"The {name} element of a list."
        exported(name)(element)


_declare_ordinals()


@exported("car+cdr")
def car_and_cdr(pair: Pair) -> MultipleValues:
    """Two values: the parts of a pair."""
    if pair.__class__ is not Pair:
        raise wrong_type("car+cdr", "a pair", pair)
    return MultipleValues((pair.car, pair.cdr))


@exported("take-right")
def take_right(items: List, count: int) -> Any:
    """The last ``count`` elements with the tail; they are shared. Of (a b c) and 2: (b c)."""
    return drop(items, len(spine(items)[0]) - _count("take-right", items, count))


@exported("drop-right", "drop-right!")
def drop_right(items: List, count: int) -> List:
    """The list without its last ``count`` elements. Of (a b c) and 2: (a)."""
    return take(items, len(spine(items)[0]) - _count("drop-right", items, count))


def _count(who: str, items: Any, count: Any) -> int:
    """``count`` if the list has that many elements."""
    number, length = index_argument(who, count), len(spine(items)[0])
    if 0 <= number <= length:
        return number
    raise OutOfRange(f"{who}: {number} elements are out of range for a list of length {length}")


@exported("split-at", "split-at!")
def split_at(items: List, count: int) -> MultipleValues:
    """Two values: the first ``count`` elements, and the rest."""
    number = _count("split-at", items, count)
    return MultipleValues((take(items, number), drop(items, number)))


@exported("length+")
def length_if_it_ends(items: List) -> Any:
    """The number of elements; ``#f`` of a circular list."""
    return False if is_circular(items) else PRIMITIVES["length"].function(items)


# ---- joining


@exported("concatenate", "concatenate!")
def concatenate(lists: List) -> Any:
    """The elements of the lists in a list."""
    return append(*list_argument("concatenate", lists))


@exported("append-reverse", "append-reverse!")
def append_reverse(items: List, tail: Any) -> Any:
    """The elements in reverse order, before ``tail``."""
    for item in list_argument("append-reverse", items):
        tail = cons(item, tail)
    return tail


def _declare_unzips() -> None:
    for count in range(1, 6):

        def unzip(items: List, count: int = count) -> Any:
            columns: list[list[Any]] = [[] for _ in range(count)]
            for row in list_argument(f"unzip{count}", items):
                values = list_argument(f"unzip{count}", row)
                for column, value in zip(columns, values, strict=False):
                    column.append(value)
            lists = [scheme_list(column) for column in columns]
            return lists[0] if count == 1 else MultipleValues(lists)

        unzip.__doc__ = f"The first {count} elements of each list, each in a list of its own."
        exported(f"unzip{count}")(unzip)


_declare_unzips()


# ---- folding


@exported("fold")
def fold(procedure: Any, initial: Any, items: List, *lists: List) -> Any:
    """Combine the elements from the left with ``(f element accumulator)``."""
    call = _call("fold", procedure)
    for row in rows("fold", (items, *lists)):
        initial = call(*row, initial)
    return initial


@exported("reduce")
def reduce(procedure: Any, identity: Any, items: List) -> Any:
    """Combine the elements from the left with ``(f element accumulator)``, starting with the first;
    of an empty list, ``identity``.
    """
    call = _call("reduce", procedure)
    elements = list_argument("reduce", items)
    if not elements:
        return identity
    return functools.reduce(lambda accumulator, item: call(item, accumulator), elements)


def _pairs(who: str, items: Any) -> Iterator[Pair]:
    """The pairs of a list; each may be changed before the next one is asked for."""
    while items.__class__ is Pair:
        following = items.cdr
        yield items
        items = following


def _pair_rows(who: str, lists: tuple[Any, ...]) -> Iterator[tuple[Pair, ...]]:
    return zip(*(_pairs(who, items) for items in lists), strict=False)


@exported("pair-fold")
def pair_fold(procedure: Any, initial: Any, items: List, *lists: List) -> Any:
    """As ``fold``, with the pairs of the lists in place of their elements."""
    call = _call("pair-fold", procedure)
    for row in _pair_rows("pair-fold", (items, *lists)):
        initial = call(*row, initial)
    return initial


@exported("pair-fold-right")
def pair_fold_right(procedure: Any, initial: Any, items: List, *lists: List) -> Any:
    """As ``fold-right``, with the pairs of the lists in place of their elements."""
    call = _call("pair-fold-right", procedure)
    for row in reversed(list(_pair_rows("pair-fold-right", (items, *lists)))):
        initial = call(*row, initial)
    return initial


@exported("pair-for-each")
def pair_for_each(procedure: Any, items: List, *lists: List) -> Unspecified:
    """Call the procedure on each pair of a list; it may change the pair."""
    call = _call("pair-for-each", procedure)
    for row in _pair_rows("pair-for-each", (items, *lists)):
        call(*row)
    return UNSPECIFIED


@exported("unfold-right")
def unfold_right(stop: Any, value_of: Any, successor: Any, seed: Any, tail: Any = NIL) -> Any:
    """The list of the values of the seeds, the first one last, before ``tail``."""
    is_last = predicate_argument("unfold-right", stop)
    value, following = _call("unfold-right", value_of), _call("unfold-right", successor)
    while not is_last(seed):
        tail = cons(value(seed), tail)
        seed = following(seed)
    return tail


# ---- choosing


@exported("partition", "partition!")
def partition(predicate: Any, items: List) -> MultipleValues:
    """Two values: the elements of which the predicate is true, and the others."""
    both = PRIMITIVES["partition"].function(predicate, items)
    return MultipleValues(both)


def _split(who: str, predicate: Any, items: Any, wanted: bool) -> MultipleValues:
    """The first elements of which the predicate is ``wanted``, and the rest."""
    test = predicate_argument(who, predicate)
    taken = []
    while items.__class__ is Pair and test(items.car) is wanted:
        taken.append(items.car)
        items = items.cdr
    return MultipleValues((scheme_list(taken), items))


@exported("span", "span!")
def span(predicate: Any, items: List) -> MultipleValues:
    """Two values: the elements before the first of which the predicate is false, and the rest."""
    return _split("span", predicate, items, True)


@exported("break", "break!")
def break_list(predicate: Any, items: List) -> MultipleValues:
    """Two values: the elements before the first of which the predicate is true, and the rest."""
    return _split("break", predicate, items, False)


@exported("list-index")
def list_index(predicate: Any, items: List, *lists: List) -> Any:
    """The position of the first elements of which the predicate is true, else ``#f``."""
    test = _call("list-index", predicate)
    for index, row in enumerate(rows("list-index", (items, *lists))):
        if is_true(test(*row)):
            return index
    return False


# ---- association lists


@exported("alist-cons")
def association_cons(key: Any, value: Any, entries: List) -> Pair:
    """The association list with a pair of key and value before it."""
    return cons(cons(key, value), entries)


@exported("alist-copy")
def association_copy(entries: List) -> List:
    """A new association list of new pairs."""
    copied = [
        cons(entry.car, entry.cdr) if entry.__class__ is Pair else entry
        for entry in list_argument("alist-copy", entries)
    ]
    return scheme_list(copied)


@exported("alist-delete", "alist-delete!")
def association_delete(key: Any, entries: List, equal: Any = None) -> List:
    """The association list without the pairs whose car is equal to the key."""
    test = alike if equal is None else _call("alist-delete", equal)
    kept = []
    for entry in list_argument("alist-delete", entries):
        if entry.__class__ is not Pair:
            raise wrong_type("alist-delete", "a list of pairs", entries)
        if not is_true(test(key, entry.car)):
            kept.append(entry)
    return scheme_list(kept)


_SAME = """
cons list cons* make-list list-tabulate list-copy iota pair? null? first second third fourth fifth
car cdr take drop last last-pair length append reverse zip count unfold fold-right reduce-right
append-map filter-map filter remove find find-tail any every take-while drop-while delete
delete-duplicates map for-each member memq memv assoc assq assv list-ref set-car! set-cdr!
caar cadr cdar cddr caaar caadr cadar caddr cdaar cdadr cddar cdddr caaaar caaadr caadar caaddr
cadaar cadadr caddar cadddr cdaaar cdaadr cdadar cdaddr cddaar cddadr cdddar cddddr
"""
_RENAMED = {
    "proper-list?": "list?",
    "map-in-order": "map",
    "map!": "map",
    "append!": "append",
    "reverse!": "reverse",
    "append-map!": "append-map",
    "filter!": "filter",
    "remove!": "remove",
    "take!": "take",
    "take-while!": "take-while",
    "delete!": "delete",
    "delete-duplicates!": "delete-duplicates",
}

EXPORTS.update(dict.fromkeys(_SAME.split()))
EXPORTS.update({name: PRIMITIVES[own].function for name, own in _RENAMED.items()})

"""Finding, choosing and leaving out elements of lists; association lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.primitives.arguments import (
    elements_argument,
    foreign_list,
    is_true,
    list_argument,
    procedure_argument,
    wrong_type,
)
from eshkol.primitives.calling import DIALECT, callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.equality import alike, same
from eshkol.primitives.lists import List

Test = Callable[[Any, Any], Any]


def predicate_argument(who: str, predicate: Any) -> Callable[[Any], bool]:
    """The procedure ``predicate`` of one element as a Python test."""
    call = callee(procedure_argument(who, predicate))

    def test(value: Any) -> bool:
        result = call(value)
        return result if result is True or result is False else is_true(result)

    return test


def _comparison(who: str, procedure: Any) -> Test:
    if procedure is None:
        return alike
    return callee(procedure_argument(who, procedure))


def _member(who: str, value: Any, items: Any, equal: Test) -> Any:
    if DIALECT.resolve is not None:
        return _part_in_staged_code(who, lambda item: equal(value, item), items)
    rest = items
    while rest.__class__ is Pair:
        if is_true(equal(value, rest.car)):
            return rest
        rest = rest.cdr
    if rest is NIL:
        return False
    return _member(who, value, foreign_list(who, items), equal)


@primitive("memq", "memv")
def member_eqv(value: Any, items: List) -> Any:
    """The part of a list from the first element that is ``eqv?`` to the value, else ``#f``.

    Example: ``(memq 'c '(a b c d))`` ⇒ ``(c d)``.
    """
    return _member("memq", value, items, same)


@primitive("member")
def member(value: Any, items: List, equal: Any = None) -> Any:
    """The part of a list from the first element equal to the value, else ``#f``.

    Args:
        equal: called with the value and an element; ``equal?`` if it is left out.

    Example: ``(member 2.0 '(1 2 3) =)`` ⇒ ``(2 3)``.
    """
    return _member("member", value, items, _comparison("member", equal))


def _part_in_staged_code(
    who: str,
    test: Callable[[Any], Any],
    items: Any,
    result: Callable[[Any], Any] = lambda part: part,
    default: Any = False,
    wanted: bool = True,
) -> Any:
    """The result for the part of a list from the first element for which a test, which may be
    traced, holds; or, if that is wanted, does not hold."""
    part: Any = items
    found: Any = not wanted
    while part.__class__ is Pair and (found := test(part.car)) is not wanted:
        if found.__class__ is not bool:
            break
        part = part.cdr
    if part.__class__ is Pair:

        def here() -> Any:
            return result(part)

        def further() -> Any:
            return _part_in_staged_code(who, test, part.cdr, result, default, wanted)

        branches = (here, further) if wanted else (further, here)
        return load("eshkol.xla.control:staged_if")(found, *branches)
    if part is NIL:
        return default
    return _part_in_staged_code(who, test, foreign_list(who, items), result, default, wanted)


_KEPT = "eshkol.xla.chosen_lists:kept"
"""What chooses elements by tests that may be traced."""


def _kept_in_staged_code(
    who: str, test: Callable[[Any], Any], elements: list[Any], wanted: bool = True
) -> Any:
    """The list of the elements of which a test, which may be traced, is true, or not."""
    return load(_KEPT)(who, elements, list(map(test, elements)), wanted)


def _associated_in_staged_code(
    who: str, key: Any, entries: Any, equal: Test, result: Callable[[Any], Any], default: Any
) -> Any:
    """The result for the entry of a key, which may be traced."""

    def test(entry: Any) -> Any:
        return equal(key, _checked_entry(who, entry, entries).car)

    return _part_in_staged_code(who, test, entries, lambda part: result(part.car), default)


def _checked_entry(who: str, entry: Any, entries: Any) -> Any:
    if entry.__class__ is not Pair:
        raise wrong_type(who, "a list of pairs", entries, "an entry is (cons key value)")
    return entry


def _associated(who: str, key: Any, entries: Any, equal: Test) -> Any:
    if DIALECT.resolve is not None:
        return _associated_in_staged_code(who, key, entries, equal, lambda entry: entry, False)
    rest = entries
    while rest.__class__ is Pair:
        entry = _checked_entry(who, rest.car, entries)
        found = equal(key, entry.car)
        if found is True or (found is not False and is_true(found)):
            return entry
        rest = rest.cdr
    if rest is NIL:
        return False
    return _associated(who, key, foreign_list(who, entries), equal)


@primitive("assq", "assv")
def association_eqv(key: Any, entries: List) -> Any:
    """The first pair of a list whose car is ``eqv?`` to the key, else ``#f``.

    Example: ``(assq 'b '((a 1) (b 2)))`` ⇒ ``(b 2)``.
    """
    if key.__class__ is Symbol:
        rest = entries
        while rest.__class__ is Pair:
            entry = rest.car
            if entry.__class__ is not Pair:
                break
            if entry.car is key:
                return entry
            rest = rest.cdr
        if rest is NIL:
            return False
    return _associated("assq", key, entries, same)


@primitive("assoc")
def association(key: Any, entries: List, equal: Any = None) -> Any:
    """The first pair of a list whose car is equal to the key, else ``#f``.

    Args:
        equal: called with the key and a car; ``equal?`` if it is left out.

    Example: ``(assoc "b" '(("a" . 1) ("b" . 2)))`` ⇒ ``("b" . 2)``.
    """
    return _associated("assoc", key, entries, _comparison("assoc", equal))


@primitive("alist-ref", "assoc-ref")
def association_value(entries: List, key: Any, default: Any = False) -> Any:
    """The cdr of the first pair whose car is ``equal?`` to the key, else the default.

    Example: ``(alist-ref '((a . 1) (b . 2)) 'b)`` ⇒ ``2``.
    """
    if DIALECT.resolve is not None:
        return _associated_in_staged_code(
            "alist-ref", key, entries, alike, lambda entry: entry.cdr, default
        )
    entry = _associated("alist-ref", key, entries, alike)
    return entry.cdr if entry.__class__ is Pair else default


@primitive("filter")
def filter_list(predicate: Any, items: List) -> List:
    """The elements of which the predicate is true, in order.

    Example: ``(filter odd? '(1 2 3))`` ⇒ ``(1 3)``.
    """
    call = callee(procedure_argument("filter", predicate))
    if DIALECT.resolve is not None:
        return _kept_in_staged_code("filter", call, list(elements_argument("filter", items)))
    kept = []
    for item in elements_argument("filter", items):
        result = call(item)
        if result is True or (result is not False and is_true(result)):
            kept.append(item)
    return scheme_list(kept)


@primitive("remove")
def remove(predicate: Any, items: List) -> List:
    """The elements of which the predicate is false.

    Example: ``(remove odd? '(1 2 3))`` ⇒ ``(2)``.
    """
    if DIALECT.resolve is not None:
        call = callee(procedure_argument("remove", predicate))
        return _kept_in_staged_code("remove", call, list_argument("remove", items), False)
    test = predicate_argument("remove", predicate)
    return scheme_list([item for item in list_argument("remove", items) if not test(item)])


@primitive("partition")
def partition(predicate: Any, items: List) -> List:
    """A list of two lists: the elements of which the predicate is true, and the others.

    SRFI 1 gives them as two values instead.

    Example: ``(partition odd? '(1 2 3))`` ⇒ ``((1 3) (2))``.
    """
    if DIALECT.resolve is not None:
        call = callee(procedure_argument("partition", predicate))
        elements = list_argument("partition", items)
        tests = list(map(call, elements))
        kept = load(_KEPT)
        return scheme_list([kept("partition", elements, tests, wanted) for wanted in (True, False)])
    test = predicate_argument("partition", predicate)
    chosen: tuple[list[Any], list[Any]] = ([], [])
    for item in list_argument("partition", items):
        chosen[not test(item)].append(item)
    return scheme_list([scheme_list(chosen[0]), scheme_list(chosen[1])])


@primitive("delete")
def delete(value: Any, items: List, equal: Any = None) -> List:
    """The elements that are not equal to the value. Example: ``(delete 1 '(1 2 1))`` ⇒ ``(2)``."""
    same_as = _comparison("delete", equal)
    if DIALECT.resolve is not None:
        elements = list_argument("delete", items)
        return _kept_in_staged_code("delete", lambda x: same_as(value, x), elements, False)
    kept = [x for x in list_argument("delete", items) if not is_true(same_as(value, x))]
    return scheme_list(kept)


@primitive("delete-duplicates", "remove-duplicates")
def delete_duplicates(items: List, equal: Any = None) -> List:
    """The list without elements that are equal to an earlier one.

    Example: ``(delete-duplicates '(a b a c))`` ⇒ ``(a b c)``.
    """
    same_as = _comparison("delete-duplicates", equal)
    if DIALECT.resolve is not None:
        elements = list_argument("delete-duplicates", items)
        return load("eshkol.xla.chosen_lists:distinct")("delete-duplicates", elements, same_as)
    kept: list[Any] = []
    for item in list_argument("delete-duplicates", items):
        if not any(is_true(same_as(other, item)) for other in kept):
            kept.append(item)
    return scheme_list(kept)


@primitive("find")
def find(predicate: Any, items: List) -> Any:
    """The first element of which the predicate is true, else ``#f``.

    Example: ``(find even? '(1 2 3))`` ⇒ ``2``.
    """
    if DIALECT.resolve is not None:
        return _first_in_staged_code("find", predicate, items, list)
    cell = _first_cell("find", predicate, items)
    return cell.car if cell.__class__ is Pair else False


@primitive("find-tail", "memp")
def find_tail(predicate: Any, items: List) -> Any:
    """The list from the first element of which the predicate is true, else ``#f``.

    Example: ``(find-tail even? '(1 2 3))`` ⇒ ``(2 3)``.
    """
    if DIALECT.resolve is not None:
        call = callee(procedure_argument("find-tail", predicate))
        return _part_in_staged_code("find-tail", call, items)
    return _first_cell("find-tail", predicate, items)


def _first_cell(who: str, predicate: Any, items: Any) -> Any:
    test = predicate_argument(who, predicate)
    rest = items
    while rest.__class__ is Pair:
        if test(rest.car):
            return rest
        rest = rest.cdr
    if rest is NIL:
        return False
    return _first_cell(who, predicate, foreign_list(who, items))


def _first_in_staged_code(
    who: str, predicate: Any, items: Any, results: Callable[[list[Any]], Iterable[Any]]
) -> Any:
    """One of ``results`` of the elements, for the first of which the predicate, maybe traced, is
    true."""
    call = callee(procedure_argument(who, predicate))
    elements = list_argument(who, items)
    return load("eshkol.xla.traversals:first_of")(call, elements, list(results(elements)))


@primitive("list-index")
def list_index(predicate: Any, items: List) -> Any:
    """The position of the first element of which the predicate is true, else ``#f``.

    Example: ``(list-index even? '(1 3 4))`` ⇒ ``2``.
    """
    if DIALECT.resolve is not None:
        return _first_in_staged_code("list-index", predicate, items, lambda x: range(len(x)))
    test = predicate_argument("list-index", predicate)
    for index, item in enumerate(list_argument("list-index", items)):
        if test(item):
            return index
    return False


@primitive("take-while")
def take_while(predicate: Any, items: List) -> List:
    """The elements before the first of which the predicate is false.

    Example: ``(take-while odd? '(1 3 4 5))`` ⇒ ``(1 3)``.
    """
    if DIALECT.resolve is not None:
        call = callee(procedure_argument("take-while", predicate))
        elements = list_argument("take-while", items)

        def before(part: Any) -> Any:
            return scheme_list(elements[: len(elements) - len(list_argument("take-while", part))])

        whole = scheme_list(elements)
        return _part_in_staged_code("take-while", call, whole, before, whole, wanted=False)
    test = predicate_argument("take-while", predicate)
    taken = []
    for item in list_argument("take-while", items):
        if not test(item):
            break
        taken.append(item)
    return scheme_list(taken)


@primitive("drop-while")
def drop_while(predicate: Any, items: List) -> List:
    """The list from the first element of which the predicate is false.

    Example: ``(drop-while odd? '(1 3 4 5))`` ⇒ ``(4 5)``.
    """
    if DIALECT.resolve is not None:
        call = callee(procedure_argument("drop-while", predicate))
        return _part_in_staged_code("drop-while", call, items, default=NIL, wanted=False)
    test = predicate_argument("drop-while", predicate)
    rest = items
    while rest.__class__ is Pair and test(rest.car):
        rest = rest.cdr
    if rest.__class__ is Pair or rest is NIL:
        return rest
    return drop_while(predicate, foreign_list("drop-while", items))

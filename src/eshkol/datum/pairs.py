"""Pairs and lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from eshkol.base.errors import WrongType


class EmptyList:
    """The empty list, ``NIL``: the only instance of its class."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "()"

    def __reduce__(self):
        return "NIL"


NIL = EmptyList()


class Pair:
    """A mutable pair; a list is a chain of pairs that ends in ``NIL``.

    Python's ``==`` compares like ``equal?``. Iterating goes over the elements of a list and raises
    ``WrongType`` at a tail that is not a list. :func:`cons` makes a pair: the class has no
    ``__init__``, since a call of one takes longer than all the rest, so that compiled code can make
    a blank pair and fill it in place.
    """

    __slots__ = ("__weakref__", "car", "cdr")
    __hash__ = None  # type: ignore[assignment]

    car: Any
    cdr: Any

    def __iter__(self) -> Iterator[Any]:
        rest: Any = self
        while rest.__class__ is Pair:
            yield rest.car
            rest = rest.cdr
        if rest is not NIL:
            yield from _after_pairs(self, rest)

    def __len__(self) -> int:
        items, tail = spine(self)
        return len(items) if tail is NIL else sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        from eshkol.datum.equality import is_equal

        return isinstance(other, Pair) and is_equal(self, other)

    def __repr__(self) -> str:
        from eshkol.datum.write import write_string

        return write_string(self)

    def _repr_latex_(self) -> str | None:
        """What a notebook shows of a list that is a result of symbolic computation."""
        from eshkol.datum.mathematics import formula_of

        return formula_of(self)

    def __reduce__(self):
        return _rebuild, spine(self)


def _after_pairs(whole: Pair, tail: Any) -> Iterator[Any]:
    """The elements of what a list ends in, if it is known to be a list.

    Raises:
        WrongType: it is none.
    """
    from eshkol.datum.equality import Undecided
    from eshkol.datum.write import short_string

    if isinstance(tail, Undecided):
        tail = tail.decided()
        if tail is NIL or tail.__class__ is Pair:
            yield from tail
            return
    raise WrongType(
        f"expected a proper list, got {short_string(whole)}",
        hint=f"its last tail is {short_string(tail)} instead of ()",
    )


def _rebuild(items: list[Any], tail: Any) -> Any:
    return scheme_list(items, tail)


def spine(value: Any) -> tuple[list[Any], Any]:
    """The elements of a chain of pairs and what it ends in (``NIL`` for a proper list).

    Raises:
        WrongType: it contains itself.
    """
    items: list[Any] = []
    rest = value
    while rest.__class__ is Pair:
        items.append(rest.car)
        rest = rest.cdr
        if len(items) == _LONG:
            from eshkol.datum.write import refuse_cycles

            refuse_cycles(value)
    return items, rest


_LONG = 10_000
"""After so many pairs it is asked whether a chain ends."""


def cons(car: Any, cdr: Any) -> Pair:
    """A new pair.

    Example:
        >>> cons(1, cons(2, NIL))
        (1 2)
    """
    pair = Pair()
    pair.car = car
    pair.cdr = cdr
    return pair


def scheme_list(items: Iterable[Any], tail: Any = NIL) -> Any:
    """The Scheme list of ``items``, ending in ``tail``.

    Example:
        >>> scheme_list([1, 2])
        (1 2)
    """
    result = tail
    for item in reversed(items if isinstance(items, list | tuple | range) else list(items)):
        pair = Pair()
        pair.car = item
        pair.cdr = result
        result = pair
    return result


def is_list(value: Any) -> bool:
    """Whether ``value`` is a proper list (finite, ending in ``NIL``)."""
    slow = value
    while value.__class__ is Pair:
        value = value.cdr
        if value.__class__ is not Pair:
            break
        value = value.cdr
        slow = slow.cdr
        if value is slow:
            return False
    return value is NIL

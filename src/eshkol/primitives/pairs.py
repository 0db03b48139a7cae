"""Pairs: making them, taking them apart, changing them."""

from __future__ import annotations

import itertools
from operator import attrgetter
from typing import Any

from eshkol.base.errors import EmptyList, EshkolError, WrongType
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.values import UNSPECIFIED, Unspecified
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import OF_A_CONTAINER, has_python_items, wrong_type
from eshkol.primitives.declare import primitive


@primitive("cons")
def cons(car: Any, cdr: Any) -> Pair:
    """A new pair. Example: ``(cons 1 '(2 3))`` ⇒ ``(1 2 3)``; ``(cons 1 2)`` ⇒ ``(1 . 2)``."""
    pair = Pair()
    pair.car = car
    pair.cdr = cdr
    return pair


@primitive("car")
def car(pair: Pair) -> Any:
    """The first field of a pair: the first element of a list.

    Raises:
        WrongType: the argument is not a pair; the empty list has no first element.

    Example: ``(car '(1 2))`` ⇒ ``1``.
    """
    if pair.__class__ is Pair:
        return pair.car
    raise _not_a_pair("car", pair)


@primitive("cdr")
def cdr(pair: Pair) -> Any:
    """The second field of a pair: a list without its first element.

    Example: ``(cdr '(1 2))`` ⇒ ``(2)``.
    """
    if pair.__class__ is Pair:
        return pair.cdr
    raise _not_a_pair("cdr", pair)


def _not_a_pair(who: str, value: Any) -> EshkolError:
    if value is NIL:
        return EmptyList(
            f"{who}: expected a pair, got ()",
            hint="the list has no elements: test it with null? first",
        )
    return wrong_type(who, "a pair", value, OF_A_CONTAINER if has_python_items(value) else "")


def _accessor(path: str) -> None:
    """Declare ``c<path>r``: the composition of ``car`` (a) and ``cdr`` (d) from the right."""
    name = f"c{path}r"
    follow = attrgetter(".".join("car" if step == "a" else "cdr" for step in reversed(path)))

    def access(pair: Pair) -> Any:
        try:
            return follow(pair)
        except AttributeError:
            raise _broken_path(path, pair) from None

    nested = "x"
    for step in reversed(path):
        nested = f"(c{step}r {nested})"
    access.__doc__ = (
        f"``{nested}``. The argument is made of pairs; else a WrongType is raised. "
        f"Example: ``({name} '{_leading_to_x(path)})`` ⇒ ``x``."
    )
    primitive(name)(access)


def _leading_to_x(path: str) -> str:
    """A datum of pairs in which ``path`` leads to the symbol ``x``."""
    datum = "x"
    for step in path:
        inside = datum[1:-1] if datum.startswith("(") else f". {datum}"
        datum = f"({datum})" if step == "a" else f"(_ {inside})"
    return datum


def _broken_path(path: str, value: Any) -> EshkolError:
    """The error for a value that ``c<path>r`` can't be followed through."""
    who = f"c{path}r"
    if value.__class__ is not Pair:
        return _not_a_pair(who, value)
    reached, walked = value, ""
    while reached.__class__ is Pair:
        step = path[len(path) - len(walked) - 1]
        reached = reached.car if step == "a" else reached.cdr
        walked = step + walked
    return (EmptyList if reached is NIL else WrongType)(
        f"{who}: expected a pair as the c{walked}r of {short_string(value)}, "
        f"got {short_string(reached)}",
        hint="the list has too few elements for that: test it with null? or length first"
        if reached is NIL
        else "",
    )


for _length in (2, 3, 4):
    for _steps in itertools.product("ad", repeat=_length):
        _accessor("".join(_steps))


@primitive("set-car!")
def set_car(pair: Pair, value: Any) -> Unspecified:
    """Replace the first field of a pair.

    Example: ``(let ((p (list 1 2))) (set-car! p 9) p)`` ⇒ ``(9 2)``.
    """
    if pair.__class__ is not Pair:
        raise _not_a_pair("set-car!", pair)
    pair.car = value
    return UNSPECIFIED


@primitive("set-cdr!")
def set_cdr(pair: Pair, value: Any) -> Unspecified:
    """Replace the second field of a pair.

    Example: ``(let ((p (list 1 2))) (set-cdr! p '(3)) p)`` ⇒ ``(1 3)``.
    """
    if pair.__class__ is not Pair:
        raise _not_a_pair("set-cdr!", pair)
    pair.cdr = value
    return UNSPECIFIED


@primitive("pair?", "cons?")
def is_pair(value: Any) -> bool:
    """Whether the value is a pair. Example: ``(pair? '())`` ⇒ ``#f``."""
    return value.__class__ is Pair


@primitive("null?", "empty?")
def is_null(value: Any) -> bool:
    """Whether the value is the empty list. Example: ``(null? '())`` ⇒ ``#t``."""
    return value is NIL

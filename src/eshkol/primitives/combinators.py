"""Procedures made from procedures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.primitives.arguments import procedure_argument
from eshkol.primitives.calling import callee, transparent
from eshkol.primitives.declare import primitive
from eshkol.primitives.equality import is_false

Procedure = Callable[..., Any]


@primitive("identity")
def identity(value: Any) -> Any:
    """The argument. Example: ``(identity 5)`` ⇒ ``5``."""
    return value


@primitive("owned", "move", "borrow", "shared", "weak-ref")
def owned(value: Any) -> Any:
    """The argument: who owns a value, Python keeps account of. Example: ``(owned 5)`` ⇒ ``5``."""
    return value


@primitive("constantly")
def constantly(value: Any) -> Procedure:
    """A procedure that gives the value whatever its arguments. ``((constantly 5) 1 2)`` ⇒ ``5``."""

    def constant(*arguments: Any) -> Any:
        return value

    return transparent(constant)


@primitive("compose")
def compose(*procedures: Any) -> Procedure:
    """The procedure that calls the last one, then the others on what it gave, from right to left.

    Example: ``((compose 1+ square) 3)`` ⇒ ``10``.
    """
    for procedure in procedures:
        procedure_argument("compose", procedure)
    if not procedures:
        return identity
    *others, first = procedures

    def composed(*arguments: Any) -> Any:
        result = callee(first)(*arguments)
        for procedure in reversed(others):
            result = callee(procedure)(result)
        return result

    return transparent(composed)


@primitive("flip")
def flip(procedure: Any) -> Procedure:
    """The procedure with its first two arguments exchanged. ``((flip -) 1 10)`` ⇒ ``9``."""
    procedure_argument("flip", procedure)

    def flipped(first: Any, second: Any, *others: Any) -> Any:
        return callee(procedure)(second, first, *others)

    return transparent(flipped)


@primitive("curry2")
def curry2(procedure: Any) -> Procedure:
    """A procedure of two arguments as one that takes them one by one. ``(((curry2 +) 1) 2)``.

    Example: ``(((curry2 +) 1) 2)`` ⇒ ``3``.
    """
    procedure_argument("curry2", procedure)

    def take_first(first: Any) -> Procedure:
        def take_second(second: Any) -> Any:
            return callee(procedure)(first, second)

        return transparent(take_second)

    return transparent(take_first)


@primitive("partial")
def partial(procedure: Any, *first: Any) -> Procedure:
    """The procedure with its first arguments given. Example: ``((partial + 1 2) 3)`` ⇒ ``6``."""
    procedure_argument("partial", procedure)

    def applied(*others: Any) -> Any:
        return callee(procedure)(*first, *others)

    return transparent(applied)


@primitive("complement")
def complement(predicate: Any) -> Procedure:
    """The predicate that is true where the given one is false. ``((complement odd?) 2)`` ⇒ #t.

    Example: ``((complement odd?) 2)`` ⇒ ``#t``.
    """
    procedure_argument("complement", predicate)

    def opposite(*arguments: Any) -> Any:
        return is_false(callee(predicate)(*arguments))

    return transparent(opposite)

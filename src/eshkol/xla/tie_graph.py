"""Which places are tied to which, and under which conditions (``ties``)."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from jax import lax

from eshkol.xla import journal
from eshkol.xla.journal import FRAMES, Leaving
from eshkol.xla.trees import Structure, flatten_with_places
from eshkol.xla.witness import tracer_of


def tied_to(place: Any, ends: Container[int] = ()) -> list[tuple[Any, Any]]:
    """The places that one may be, and the condition of each.

    Two that are both no copies are never one, though ways through a copy join them.

    Args:
        place: a box, or a variable for a tensor.
        ends: the identities of places that no way leads through.
    """
    found: dict[int, list[Any]] = {}
    copies = {id(tie.copy) for tie in FRAMES.ties}
    for other, condition in _ways(place, True, (id(place),), ends):
        if id(place) in copies or id(other) in copies:
            known = found.setdefault(id(other), [other, False])
            known[1] = _or(known[1], condition)
    return [(other, condition) for other, condition in found.values()]


def _ways(
    place: Any, condition: Any, passed: tuple[int, ...], ends: Container[int]
) -> Iterator[tuple[Any, Any]]:
    """The ends of all ways along ties, and the conditions on the way."""
    for tie in FRAMES.ties:
        if tie.copy is place:
            other = tie.other
        elif tie.other is place:
            other = tie.copy
        else:
            continue
        if id(other) not in passed:
            both = _and(condition, tracer_of(tie.condition))
            yield other, both
            if id(other) not in ends:
                yield from _ways(other, both, (*passed, id(other)), ends)


def flatten_leaving(value: Any) -> tuple[list[Any], Structure]:
    """The leaves and the structure of a value that leaves the innermost part.

    Of the ties of places that the part has made those are told that lead to places which the value
    holds as well, or which were there before; ways through others are one tie.
    """
    leaving = Leaving()
    leaves, structure = flatten_with_places(value, leaving)
    if len(FRAMES.ties) == FRAMES.stack[-1].ties or not leaving.made:
        return leaves, structure
    order = {identity: number for number, identity in enumerate(leaving.made)}
    ties: dict[int, list[tuple[Any, Any]]] = {}
    for identity, place in leaving.made.items():
        ends = _Ends(order)
        ties[identity] = [
            (condition, other)
            for other, condition in tied_to(place, ends)
            if id(other) in ends and order.get(id(other), -1) < order[identity]
        ]
    return flatten_with_places(value, Leaving(ties))


class _Ends:
    """The places that are held by what leaves a part, and those that were there before."""

    def __init__(self, held: Container[int]) -> None:
        self.held = held

    def __contains__(self, identity: object) -> bool:
        return identity in self.held or identity not in journal.FRAMES.stack[-1].made


def _and(first: Any, second: Any) -> Any:
    if first is True or second is True:
        return second if first is True else first
    return lax.bitwise_and(first, second)


def _or(first: Any, second: Any) -> Any:
    if first is True or second is True:
        return True
    return second if first is False else lax.bitwise_or(first, second)

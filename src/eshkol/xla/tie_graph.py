"""What leaves a part that is traced apart, with the ties of its places (``identities``)."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from eshkol.xla import journal
from eshkol.xla.journal import FRAMES, Leaving
from eshkol.xla.trees import Structure, flatten_with_places


def flatten_leaving(value: Any) -> tuple[list[Any], Structure]:
    """The leaves and the structure of a value that leaves the innermost part.

    Of the ties of places that the part has made those are told that lead to places which the value
    holds as well, or which were there before; what two share of others is one tie.
    """
    leaving = Leaving()
    leaves, structure = flatten_with_places(value, leaving)
    if not leaving.made or not FRAMES.ties.copies(FRAMES.stack[-1].ties):
        return leaves, structure
    order = {identity: number for number, identity in enumerate(leaving.made)}
    ties: dict[int, list[tuple[Any, Any]]] = {}
    for identity, place in leaving.made.items():
        ends = _Ends(order)
        ties[identity] = [
            (condition, other)
            for other, condition in FRAMES.ties.partners(place, ends)
            if id(other) in ends and order.get(id(other), -1) < order[identity]
        ]
    try:
        return flatten_with_places(value, Leaving(ties))
    finally:
        # The details of places hold on to it, and who holds a place is looked at (``journal``).
        ties.clear()


class _Ends:
    """The places that are held by what leaves a part, and those that were there before."""

    def __init__(self, held: Container[int]) -> None:
        self.held = held

    def __contains__(self, identity: object) -> bool:
        return identity in self.held or identity not in journal.FRAMES.stack[-1].made

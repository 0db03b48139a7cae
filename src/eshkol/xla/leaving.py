"""What leaves a part that is traced apart: its places, and how they are tied (``identities``).

The details that the structure of a value has for a place tell what becomes of it where the program
goes on: it stays the one that it is, is one of those that the part was given, or is made anew.
"""

from __future__ import annotations

import weakref
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from eshkol.datum.equality import Undecided
from eshkol.datum.pairs import Pair, spine
from eshkol.datum.records import Record
from eshkol.datum.values import HashTable, Vector
from eshkol.datum.variables import TensorVariable
from eshkol.xla import journal
from eshkol.xla._compat_traces import is_usable
from eshkol.xla.journal import FRAMES
from eshkol.xla.rebuilding import parts_of
from eshkol.xla.trees import Structure, flatten_with_places
from eshkol.xla.witness import tracer_of


@dataclass(frozen=True)
class Kept:
    """A place that was there before the part: it stays the one that it is."""

    place: Any
    is_told = True

    @property
    def present(self) -> Any:
        return self.place

    def ties(self, place: Any) -> list[tuple[Any, Any]]:
        return []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kept) and other.place is self.place

    def __hash__(self) -> int:
        return id(self.place)


@dataclass(frozen=True)
class Given:
    """The place with this number of those that the part is given in each of its runs."""

    number: int
    is_told = True

    def ties(self, place: Any) -> list[tuple[Any, Any]]:
        return []


class Made:
    """A place that the part makes.

    Args:
        ties: for the identity of a place the conditions under which it is others, and these.
    """

    is_told = False
    present: Any = None

    def __init__(self, ties: dict[int, list[tuple[Any, Any]]] | None = None) -> None:
        self._ties = ties or {}

    def ties(self, place: Any) -> list[tuple[Any, Any]]:
        return self._ties.get(id(place), [])

    def box(self) -> list[Any]:
        return journal.make_box(None)

    def variable(self, tensor: Any, is_buffer: bool) -> TensorVariable:
        return journal.note_made(TensorVariable(tensor, is_buffer))

    def tie(self, place: Any, condition: Any, other: Any) -> None:
        journal.tie(place, condition, other)

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Made

    def __hash__(self) -> int:
        return hash(Made)


MADE = Made()


class Chosen(Made):
    """A place that stands for one of those that it is tied to, whichever way the program goes."""

    def tie(self, place: Any, condition: Any, other: Any) -> None:
        journal.tie(place, condition, other)
        FRAMES.ties.choose(place)


CHOSEN = Chosen()


class Found(Made):
    """A container that leaves a part: whether it was there before tells that it still is after it.

    Only what is reached from outside of the part outlives it, unless something remembers it that
    is no part of the program; then it may hold what belongs to the part.

    Args:
        container: that it is.
        ties: as those of a :class:`Made`.
    """

    def __init__(self, container: Any, ties: dict[int, list[tuple[Any, Any]]]) -> None:
        super().__init__(ties)
        self._container = weakref.ref(container)

    @property
    def present(self) -> Any:
        container = self._container()
        if container is None or all(is_usable(tracer_of(item)) for item in _items(container)):
            return container
        return None


class Leaving:
    """What becomes of the places that leave the innermost part.

    Attributes:
        made: those that the part made and that were asked for, in that order.
    """

    def __init__(self, ties: dict[int, list[tuple[Any, Any]]] | None = None) -> None:
        self.made: dict[int, Any] = {}
        self._ties = ties or {}
        self._is_made = Made(self._ties)
        self._new: set[int] = set()
        frame = FRAMES.stack[-1]
        self._copies = FRAMES.ties.copies(frame.ties)

    def __call__(self, place: Any) -> Kept | Made | Given:
        frame = FRAMES.stack[-1]
        if isinstance(place, Pair | Vector | HashTable | Record):
            return self._container(place, frame)
        if id(place) in frame.given:
            return Given(frame.given[id(place)])
        if id(place) not in frame.made:
            return Kept(place)
        self.made.setdefault(id(place), place)
        return self._is_made

    def _container(self, place: Any, frame: journal.Frame) -> Made:
        """The details of a container, which is asked for after what it holds."""
        if id(place) in self._copies:
            self.made.setdefault(id(place), place)
            return self._is_made
        is_given = any(
            id(part) in frame.before or id(part) in frame.carried for part in parts_of(place)
        )
        if not is_given and any(map(self._is_of_part, _items(place))):
            self._new.add(id(place))
            return self._is_made
        return Found(place, self._ties)

    def _is_of_part(self, item: Any) -> bool:
        """Whether what a container holds tells that the part has made it."""
        return id(item) in self._new or journal.is_of_trace(item)


def _items(container: Any) -> list[Any]:
    """What a container holds; a list its elements. Of one of several values it is the tag."""
    if container.__class__ is Pair:
        items, tail = spine(container)
        items.append(tail)
    else:
        items = journal.values_in(journal.contents_of(container))
    return [item.tag if isinstance(item, Undecided) else item for item in items]


def with_boxes(structure: Structure, boxes: list[Any]) -> Structure:
    """The structure of what a part gives, with the boxes that it was given in one of its runs."""
    if structure.__class__ is str:
        return structure
    tag, details, children = structure
    if details.__class__ is Given:
        details = Kept(boxes[details.number])
    return (tag, details, tuple([with_boxes(child, boxes) for child in children]))


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
        return identity in self.held or identity not in FRAMES.stack[-1].made

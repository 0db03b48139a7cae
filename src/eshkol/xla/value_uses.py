"""What the values of exact arguments are used for while a program is traced.

A value that is used becomes part of what is compiled. One that only tells how often loops go round
need not be: when there were many of them the program is compiled once more, for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

MANY_STATIC_VALUES = 16
"""After so many compilations for values of exact arguments one for all values is tried, if they
are numbers of trips; otherwise a warning names the arguments."""


class ValueUses:
    """The leaves of a program whose values were used, by their indices.

    Attributes:
        all: also those that are known from the store.
        trips: those that told how often a loop goes round.
        others: those that told something else, a shape, an axis or an index of a list.
    """

    __slots__ = ("all", "others", "trips")

    def __init__(self) -> None:
        self.all: set[int] = set()
        self.trips: set[int] = set()
        self.others: set[int] = set()

    def note(self, index: int, is_trips: bool) -> None:
        """A trace uses the value of a leaf."""
        self.all.add(index)
        (self.trips if is_trips else self.others).add(index)

    def join(self, other: ValueUses) -> None:
        """What another trace of the program has used was used as well."""
        self.all |= other.all
        self.trips |= other.trips
        self.others |= other.others

    def often_other_trips(
        self, statics: Sequence[int], keys: Iterable[tuple[Any, ...]]
    ) -> int | None:
        """A leaf that only told numbers of trips, and had many values; None if there is none.

        Args:
            statics: the leaves whose values are part of what was compiled.
            keys: the values that it was compiled for.
        """
        if self.trips <= self.others:
            return None
        for index, values in zip(statics, zip(*keys, strict=True), strict=True):
            if index in self.trips - self.others and len(set(values)) >= MANY_STATIC_VALUES:
                return index
        return None

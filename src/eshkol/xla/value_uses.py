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

Uses = dict[int, int]
"""The leaves of a program whose values were used, by their indices, and what for."""

UNKNOWN, TRIPS, OTHERS = range(3)
"""Uses: the store says so; how often a loop goes round; a shape, an axis, an index of a list."""


def note_uses(uses: Uses, more: Uses) -> None:
    """Values were used for something more."""
    for index, use in more.items():
        uses[index] = max(use, uses.get(index, UNKNOWN))


def often_other_trips(
    uses: Uses, statics: Sequence[int], keys: Iterable[Sequence[Any]]
) -> int | None:
    """A leaf that only told numbers of trips, and had many values; None if there is none.

    Args:
        uses: of the program.
        statics: the leaves whose values are part of what was compiled.
        keys: the values that it was compiled for.
    """
    for index, values in zip(statics, zip(*keys, strict=True), strict=True):
        if uses[index] == TRIPS and len(set(values)) >= MANY_STATIC_VALUES:
            return index
    return None

"""Assigning places of which it is traced whether they are one.

Where the branches of a traced condition give procedures that assign variables, and these are
different variables, the procedure that is chosen has a box of its own, a copy that is *tied* to
the variables: where the condition of a tie holds, both are one. Reading one needs nothing more.
What is assigned to one is assigned to all that it is tied to, directly or not, each under the
conditions on the way there. The same holds of variables for tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eshkol.base.errors import StagingError
from eshkol.datum.write import short_string
from eshkol.xla import journal
from eshkol.xla.extents import either
from eshkol.xla.journal import FRAMES
from eshkol.xla.merging import Mismatch


def set_box(box: list[Any], value: Any, name: str = "this variable") -> None:
    """Assign the variable ``name``, whatever box it is that holds it when the program runs.

    Raises:
        StagingError: one of these belongs to code outside of the compiled program, or holds
            what doesn't fit.
    """
    journal.set_box(box, value, name)
    if FRAMES.ties:
        for other, condition in FRAMES.ties.partners(box):
            held = _chosen(f"set!: {name}", condition, value, other[0])
            journal.set_box(other, held, name)


def write_tied(who: str, place: Any) -> None:
    """What a place holds now, all hold that it is tied to.

    Args:
        who: the primitive, for messages.
        place: a box, a variable for a tensor, or a container.
    """
    if FRAMES.ties:
        (now,) = journal.contents([place])
        unlike = dict.fromkeys(now, _UNLIKE) if now.__class__ is dict else (_UNLIKE,) * len(now)
        for other, condition in FRAMES.ties.partners(place):
            (before,) = journal.contents([other])
            if not _are_of_one_size(now, before):
                _refuse_size(who, place)
            journal.write_checked([other], (_changed(who, condition, now, unlike, before),))


_UNLIKE = object()
"""What no place holds."""


def change_tied(who: str, places: Sequence[Any], before: Sequence[Any]) -> None:
    """What was changed in containers is changed in all that they are tied to.

    Args:
        who: the primitive, for messages.
        places: the containers.
        before: what they held.
    """
    for place, held in zip(places, before, strict=True):
        (now,) = journal.contents([place])
        if not _are_of_one_size(now, held):
            _refuse_size(who, place)
        for other, condition in FRAMES.ties.partners(place):
            (others,) = journal.contents([other])
            journal.note_change(who, other, other)
            journal.put(other, _changed(who, condition, now, held, others))


def _are_of_one_size(now: Any, before: Any) -> bool:
    """Whether contents have as many parts as others, in a table by the same keys."""
    return now.keys() == before.keys() if now.__class__ is dict else len(now) == len(before)


def _changed(who: str, condition: Any, now: Any, held: Any, others: Any) -> Any:
    """The contents of a container of which something has changed in one that it may be."""
    if now.__class__ is dict:
        keys = list(now)
        rows = [[contents.get(key) for key in keys] for contents in (now, held, others)]
        return dict(zip(keys, _changed(who, condition, *map(tuple, rows)), strict=True))
    return tuple(
        [
            other if new is old else _chosen(f"{who}: a part", condition, new, other)
            for new, old, other in zip(now, held, others, strict=True)
        ]
    )


def _refuse_size(who: str, place: Any) -> None:
    if FRAMES.ties.is_tied(place):
        raise StagingError(
            f"{who}: {short_string(place)} may be the same as another one, and would get another "
            "size",
            hint="which of them it is was chosen by a traced condition: change it in the branches "
            "of the if, or\nchoose between what they hold",
        )


def write_all_tied(who: str, places: Sequence[Any], reached: Sequence[Any]) -> None:
    """What a call of a recursion has written, all places hold that are tied to these.

    Args:
        who: the procedure, for messages.
        places: that the call has written.
        reached: those that it can reach; it takes them for different ones.

    Raises:
        StagingError: it may have reached one of ``places`` in two ways.
    """
    if not FRAMES.ties:
        return
    others = {id(place) for place in (*reached, *places)}
    for place in places:
        if any(id(other) in others for other, _ in FRAMES.ties.partners(place)):
            raise StagingError(
                f"{who}: a recursion on traced values changes {journal.shown(place)}, which may be "
                "the same as another one that it uses",
                hint="which of them it is was chosen by a traced condition: choose it after the "
                "recursion, or pass\nwhat is changed once only",
            )
        write_tied(who, place)


def _chosen(who: str, condition: Any, value: Any, before: Any) -> Any:
    if condition is True or value is before:
        return value
    try:
        return either(condition, value, before)
    except Mismatch as mismatch:
        raise StagingError(
            f"{who} would be {mismatch.first} or stay {mismatch.second}: which of several "
            "variables this assigns is known only when the program runs",
            hint="let them hold values of one kind and shape, or call what assigns them in the "
            "branches of the if",
        ) from None

"""Following mutation while a branch or a loop body is traced apart.

A part of a program that is traced on its own must not change what exists outside of it: it may
never run, or run many times. While it is traced, a :class:`Frame` notes every location that it
writes and that was made before; when the part ends, the old contents come back and the new ones
become results of the part.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eshkol.base.errors import StagingError
from eshkol.datum.pairs import Pair
from eshkol.datum.records import Record, field_values, set_fields
from eshkol.datum.values import HashTable, Vector
from eshkol.datum.variables import TensorVariable
from eshkol.datum.write import short_string
from eshkol.xla._compat_traces import is_of_this_trace
from eshkol.xla.globals import OF_VARIABLES
from eshkol.xla.identities import Ties
from eshkol.xla.rebuilding import parts_of
from eshkol.xla.trees import OuterBox
from eshkol.xla.witness import tracer_of

MOST_NAMES = 1_000


class Frames(threading.local):
    """The frames of the parts that are being traced in this thread, innermost last.

    Attributes:
        names: what messages call the variables assigned last, by the identities of their boxes.
        replaced_false: whether the part that ended last assigned a variable that held ``#f``.
        ties: between places, of all parts.
        doubts: of all parts.
    """

    def __init__(self) -> None:
        self.stack: list[Frame] = []
        self.ties = Ties()
        self.doubts: list[Doubt] = []
        self.names: dict[int, str] = {}
        self.replaced_false = False


FRAMES = Frames()


def tie(copy: Any, condition: Any, other: Any) -> None:
    """Note that ``copy`` is ``other`` where a condition, known or traced, holds.

    Of lists each pair is then the other's.
    """
    FRAMES.ties.let_go(FRAMES.stack[-1].ties if FRAMES.stack else 0)
    FRAMES.ties.add(copy, condition, other)


@dataclass(frozen=True, eq=False)
class Doubt:
    """A container that may be the same as another one, and nothing tells whether it is.

    Attributes:
        place: what can't be changed while the other one is in use.
        other: that one.
    """

    place: Any
    other: Any


def doubt(place: Any, other: Any) -> None:
    """Note that ``place`` may be ``other``."""
    FRAMES.doubts.append(Doubt(place, other))


class Outside(threading.local):
    """The containers that came into the program being traced, by identity.

    Attributes:
        places: those that belong to the caller.
    """

    def __init__(self) -> None:
        self.places: dict[int, Any] = {}


OUTSIDE = Outside()


@contextmanager
def outside(places: list[Any]) -> Iterator[None]:
    """In this block ``places`` stand for containers of the caller, which can't be changed."""
    saved = OUTSIDE.places, FRAMES.ties, FRAMES.doubts
    OUTSIDE.places = {id(place): place for place in places}
    FRAMES.ties, FRAMES.doubts = Ties(), []
    try:
        yield
    finally:
        OUTSIDE.places, FRAMES.ties, FRAMES.doubts = saved


class Frame:
    """The writes of one part of a program.

    Attributes:
        before: the places that it wrote, by identity, and what they held.
        made: the boxes that it made.
        given: the numbers of the boxes that it was given as copies.
        carried: the identities of the containers that it was given as loop variables.
        ties: how many copies there were before it.
        doubts: how many doubts.
    """

    ties: int
    doubts: int

    def __init__(self) -> None:
        self.before: dict[int, tuple[Any, Any]] = {}
        self.made: dict[int, Any] = {}
        self.given: dict[int, int] = {}
        self.carried: set[int] = set()

    def __enter__(self) -> Frame:
        if len(FRAMES.names) > MOST_NAMES:
            FRAMES.names.clear()
        FRAMES.stack.append(self)
        self.ties, self.doubts = FRAMES.ties.enter(), len(FRAMES.doubts)
        return self

    def __exit__(self, *problem: object) -> None:
        self.leave()
        FRAMES.replaced_false = any(
            contents[0] is False for place, contents in self.before.values() if _is_box(place)
        )
        for place, contents in self.before.values():
            put(place, contents)
        # Whatever remembers the frame holds none of its places: who does is looked at.
        self.before, self.made = {}, {}

    def leave(self) -> None:
        """End the part, whose writes stay."""
        FRAMES.stack.pop()
        FRAMES.ties.leave(self.ties)
        del FRAMES.doubts[self.doubts :]

    def note(self, place: Any) -> None:
        """Remember the contents of ``place`` before its first write."""
        if id(place) not in self.made:
            self.before.setdefault(id(place), (place, contents_of(place)))

    def written(self) -> list[Any]:
        """The places outside of the part that it wrote."""
        return [place for place, _ in self.before.values()]

    def forget_own(self) -> None:
        """Forget what the part has surely made itself, if it is a trace of its own.

        That is what it tied to other places, and what held something of the trace before.
        """
        copies = FRAMES.ties.copies(self.ties)
        for place, held in list(self.before.values()):
            is_own = id(place) in copies or any(map(is_of_trace, values_in(held)))
            if is_own and id(place) not in self.given and id(place) not in self.carried:
                forget(place)


def contents_of(place: Any) -> Any:
    """The contents of a place as a value that can be flattened."""
    if isinstance(place, Pair):
        return (place.car, place.cdr)
    if isinstance(place, Record):
        return field_values(place)
    if isinstance(place, HashTable):
        return dict(zip(place.entries, place.items(), strict=True))
    return (place.tensor,) if isinstance(place, TensorVariable) else tuple(place)


def put(place: Any, contents: Any) -> None:
    """Give ``place`` new contents, which no part is told of."""
    if isinstance(place, Pair):
        place.car, place.cdr = contents
    elif isinstance(place, Record):
        set_fields(place, contents)
    elif isinstance(place, HashTable):
        place.restore(contents.items())
    elif isinstance(place, TensorVariable):
        (place.tensor,) = contents
    else:
        place[:] = contents


def contents(places: list[Any]) -> tuple[Any, ...]:
    """What the places hold now."""
    return tuple(contents_of(place) for place in places)


def write(places: list[Any], values: tuple[Any, ...]) -> None:
    """Write the results of a part that has ended; an enclosing part notes them."""
    for place, value in zip(places, values, strict=True):
        note(place)
        put(place, _in_order(place, value))


def _in_order(place: Any, value: Any) -> Any:
    """What a place is to hold: a hash table keeps the order of its keys."""
    if not isinstance(place, HashTable):
        return value
    return {key: value[key] for key in place.entries if key in value} | value


def write_checked(places: list[Any], values: tuple[Any, ...]) -> None:
    """Write the results of a part that may have been given places it can't change.

    Raises:
        StagingError: for a variable or a container from outside of the compiled program.
    """
    for place in places:
        if isinstance(place, OuterBox):
            raise _not_ours("this variable")
        _check_ours("this recursion", place, place)
    write(places, values)


def note(place: Any) -> None:
    """Tell all parts being traced that ``place`` is about to be written."""
    for frame in FRAMES.stack:
        frame.note(place)


def _is_box(place: Any) -> bool:
    return place.__class__ is list and len(place) == 1


def is_ours_alone(places: list[Any], index: int, others: int = 0) -> bool:
    """Whether nothing else holds the place at ``index`` than ``places`` and the parts being traced.

    What it may be the same as holds it too.

    Args:
        places: some places.
        index: of one of them.
        others: how often something else holds it, which is not counted.
    """
    place = id(places[index])
    frames = sum(place in frame.before for frame in FRAMES.stack)
    doubts = sum((id(d.place) == place) + (id(d.other) == place) for d in FRAMES.doubts)
    count = sys.getrefcount(places[index]) - frames - doubts - others
    return count <= _HELD_BY_A_LIST and not FRAMES.ties.is_tied(places[index])


_HELD_BY_A_LIST = 2
"""What ``sys.getrefcount`` says of an item that only a list holds."""


def forget(place: Any) -> None:
    """The parts being traced did not write this place: it was made inside of them."""
    for frame in FRAMES.stack:
        frame.before.pop(id(place), None)


def note_made(place: Any, frames: Sequence[Frame] | None = None) -> Any:
    """Tell the parts being traced that ``place`` is their own; only ``frames``, if given."""
    for frame in FRAMES.stack if frames is None else frames:
        frame.made[id(place)] = place
    return place


def note_given(places: list[Any]) -> None:
    """Tell the innermost part that these places are copies, made for each of its runs."""
    for frame in FRAMES.stack[:-1]:
        frame.made.update((id(place), place) for place in places)
    FRAMES.stack[-1].given.update((id(place), number) for number, place in enumerate(places))


def values_in(contents: Any) -> list[Any]:
    """The values in the contents of a place."""
    return list(contents.values() if contents.__class__ is dict else contents)


def is_of_trace(value: Any) -> bool:
    """Whether a value belongs to the trace that goes on."""
    return is_of_this_trace(tracer_of(value))


# ---- boxes of assigned variables


def set_box(box: list[Any], value: Any, name: str = "this variable") -> None:
    """Assign the variable ``name``.

    Raises:
        StagingError: for a variable that was captured outside of the compiled program, whose
            assignment would be lost.
    """
    if value.__class__ is TensorVariable and box[0] is value:
        return
    if isinstance(box, OuterBox):
        raise _not_ours(name)
    FRAMES.names[id(box)] = name
    note(box)
    box[0] = value


def _not_ours(name: str) -> StagingError:
    return StagingError(
        f"set!: {name} belongs to code outside of the compiled procedure",
        hint="return the new value, or bind the variable inside the compiled procedure\n"
        f"{OF_VARIABLES}",
    )


def shown(place: Any) -> str:
    """What a message calls a place that a part of the program has written."""
    if isinstance(place, TensorVariable | HashTable):
        return short_string(place)
    name = name_of(place)
    if name is None and _is_box(place):
        return "a variable"
    return f"the variable {name}" if name else f"a part of {short_string(place)}"


def name_of(place: Any) -> str | None:
    """The name of the variable that a place is the box of."""
    return FRAMES.names.get(id(place)) if place.__class__ is list else None


def make_box(value: Any) -> list[Any]:
    """A fresh box."""
    return note_made([value])


def mutate(primitive: Callable[..., Any], place: Any, *arguments: Any) -> Any:
    """Call a primitive that changes ``place``, its first argument.

    Raises:
        StagingError: for a container that the compiled program was given, since only its own copy
            of it would change.
    """
    for part in changed_by(primitive, place):
        note_change(primitive.__name__, part, place)
    return primitive(place, *arguments)


def note_change(who: str, place: Any, whole: Any) -> None:
    """Tell all parts being traced that ``who`` is about to write ``place``, a part of ``whole``.

    Raises:
        StagingError: the compiled program was given it.
    """
    _check_ours(who, place, whole)
    if FRAMES.doubts:
        _check_doubts(who, place, whole)
    note(place)


def _check_doubts(who: str, place: Any, whole: Any) -> None:
    others = [doubt.other for doubt in FRAMES.doubts if doubt.place is place]
    if any(not is_ours_alone(others, index) for index in range(len(others))):
        raise StagingError(
            f"{who}: {short_string(whole)} may be the same as another one",
            hint="whether a loop over traced values has exchanged it, is known only when the "
            "program runs: start\nthe loop with a copy, as in (vector-copy …)",
        )


def _check_ours(who: str, place: Any, whole: Any) -> None:
    if id(place) in OUTSIDE.places:
        raise StagingError(
            f"{who}: {short_string(whole)} was given to the compiled procedure, "
            "which can't change it",
            hint="return the new value, or change a copy: (vector-copy …), (list-copy …), "
            "(hash-copy …)",
        )


def changed_by(primitive: Callable[..., Any], place: Any) -> list[Any]:
    """What a primitive may write: its first argument, for ``list-set!`` any pair of the list."""
    if not isinstance(place, Pair | Vector | HashTable | Record):
        return []
    return list(parts_of(place)) if primitive.__name__ == "list-set!" else [place]

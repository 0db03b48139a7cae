"""The path to a random draw: the names in whose computation it takes place.

The calls that are going on lead to the draw. Each contributes its top-level procedure and, unless
that is the one that draws, the variables whose values are being computed there. A call in tail
position, of which nothing is left to do, contributes nothing, nor does one of a procedure by
itself. So the path is the same for compiled code, for staged code, whose calls are those of the
compiler, and on the evaluator; it does not depend on what else the program draws or defines.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

from eshkol.base.sources import byte_column, place_of
from eshkol.base.spans import Span
from eshkol.core.nodes import Call, Lambda, Node
from eshkol.core.surroundings import Surroundings, places
from eshkol.runtime.procedures import BORDER, SITES, unit_of_code

Path = tuple[Surroundings, ...]
"""The calls that lead to a draw, outermost first; none of the same procedure twice."""

Names = tuple[tuple[str, str], ...]
"""Names on a path, each with the top-level form it is in."""


class Site:
    """A call in a program; there is one of each.

    Attributes:
        around: what is around it.
        is_over: whether nothing is left to do of its procedure while it lasts.
        is_recursive: whether it calls a procedure that it stands in.
    """

    __slots__ = ("around", "is_over", "is_recursive")

    def __init__(self, around: Surroundings, is_over: bool, is_recursive: bool) -> None:
        self.around = around
        self.is_over = is_over
        self.is_recursive = is_recursive


class Engine:
    """The loop of an evaluator.

    Attributes:
        calls_of: gives the calls that it is running, innermost first, for its frame.
    """

    def __init__(self, calls_of: Callable[[FrameType], Iterable[Site]]) -> None:
        self.calls_of = calls_of


def calls_to(caller: FrameType | None) -> tuple[Site, ...]:
    """The calls that lead to what ``caller`` calls, innermost first.

    Of calls from one place that directly lead to one another there is only one.
    """
    found: list[Site] = []
    last: Site | None = None
    frame = caller
    while frame is not None:
        known = SITES.get(id(frame.f_code))
        if known is not None:
            if known.__class__ is dict:
                try:
                    site = known[frame.f_lasti]
                except KeyError:
                    site = known[frame.f_lasti] = _site(frame)
                if site is not None and site is not last:
                    found.append(site)
                    last = site
            elif known is BORDER:
                break
            else:
                found.extend(known.calls_of(frame))
                last = None
        frame = frame.f_back
    return tuple(found)


def _site(frame: FrameType) -> Site | None:
    """The call that a frame makes; None if there is none in the program."""
    return unit_of_code(frame.f_code).call_sites.at(frame.f_code, frame.f_lasti)


def path_to(caller: FrameType | None, is_draw: bool = True) -> Path:
    """The path to what ``caller`` calls: a draw, or a procedure that may draw."""
    return path_of(calls_to(caller), is_draw)


@lru_cache(4096)
def path_of(calls: tuple[Site, ...], is_draw: bool = True) -> Path:
    """The path of calls, given innermost first, without those that have nothing left to do.

    How deep a recursion is, leaves no trace.
    """
    path: list[Surroundings] = []
    for number in range(len(calls) - 1, -1, -1):
        call = calls[number]
        if call.is_recursive:
            _leave(path, call.around)
        elif not call.is_over or (is_draw and number == 0):
            _append(path, call.around)
    return tuple(path)


def _append(path: list[Surroundings], around: Surroundings) -> None:
    _leave(path, around)
    path.append(around)


def _leave(path: list[Surroundings], around: Surroundings) -> None:
    """Forget the calls of a procedure, and what they led to."""
    for index, known in enumerate(path):
        if known.procedure == around.procedure:
            del path[index:]
            break


def followed(path: Path, rest: Path) -> Path:
    """The path of calls that ``rest`` leads on from the last of ``path``."""
    if not path or not rest:
        return path or rest
    joined = list(path)
    for around in rest:
        _append(joined, around)
    return tuple(joined)


def names_of_forms(path: Path) -> Names:
    """The names on a path with the top-level forms they are in, outermost first, each once.

    Variables of the form that draws are none of them: its draws are numbered.
    """
    found: dict[tuple[str, str], None] = {}
    for around in path:
        if around.name:
            found[around.top, around.name] = None
        if around.top != path[-1].top:
            found.update(dict.fromkeys((around.top, name) for name in around.names))
    return tuple(found)


def names(path: Path) -> tuple[str, ...]:
    """The names on a path, outermost first."""
    return tuple([name for _, name in names_of_forms(path)])


class CallSites:
    """What is around the calls in a unit, found by the positions of Python's instructions.

    Args:
        forms: gives the top-level forms of the unit, which are asked for at the first draw.
        primitives: the global names that mean primitives in it.
        around: gives what is around the forms, if they don't stand at top level.
    """

    def __init__(
        self,
        forms: Callable[[], Iterable[Node]],
        primitives: Collection[str],
        around: Callable[[], Surroundings] | None = None,
    ) -> None:
        self.forms = forms
        self.primitives = primitives
        self.around = around
        self._by_position: dict[tuple[Any, ...], Site] | None = None
        self._around: dict[tuple[Any, ...], Surroundings] = {}

    def at(self, code: CodeType, instruction: int) -> Site | None:
        """The call that an instruction makes; None if there is none in the program."""
        return self._calls.get(_position(code, instruction))

    def names_in(self, procedure: Lambda) -> tuple[tuple[str, ...], ...]:
        """The names around each call in a procedure of the unit, in order."""
        outer = self._around.get(_key(procedure.span)) if self._calls else None
        inner = [p.around for p in places([procedure], outer) if isinstance(p.node, Call)]
        return tuple([(around.name, *around.names) for around in inner])

    @property
    def _calls(self) -> dict[tuple[Any, ...], Site]:
        if self._by_position is None:
            found: dict[tuple[Any, ...], Site] = {}
            outer = None if self.around is None else self.around()
            for place in places(self.forms(), outer):
                key = _key(place.node.span)
                if isinstance(place.node, Lambda):
                    self._around.setdefault(key, place.around)
                elif isinstance(place.node, Call):
                    is_over = place.leaves(self.primitives)
                    found.setdefault(key, Site(place.around, is_over, place.is_recursive))
            self._by_position = found
        return self._by_position


def _key(span: Span) -> tuple[Any, ...]:
    start = byte_column(span.file, span.line, span.column)
    end = byte_column(span.file, span.end_line, span.end_column)
    return span.file, span.line, span.end_line, start, end


def _position(code: CodeType, instruction: int) -> tuple[Any, ...]:
    """Where in which file the source of an instruction is; lines from 1, columns in bytes."""
    positions = islice(code.co_positions(), instruction // 2, None)
    start, end, *columns = next(positions, (None, None))
    if start is None or end is None:
        return ()
    file, line = place_of(code, start)
    return file, line, place_of(code, end)[1], *columns

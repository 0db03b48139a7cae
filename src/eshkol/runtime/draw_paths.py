"""The path to a random draw: the names in whose computation it takes place.

The calls that are going on lead to the draw. Each contributes its top-level procedure and, unless
that is the one that draws, the variables whose values are being computed there. Two kinds of calls
contribute nothing: those in tail position, of which nothing is left to do, and those that lead back
into their procedure, be it through others (``runtime/recursive_groups.py``). Of the calls of one
procedure only the last contributes. So the path is the same for compiled code, for staged code,
whose calls are those of the compiler, and on the evaluator; it does not depend on what else the
program draws or defines. The path of calls that follow others is found from the two paths alone.

Each call also tells the trips of the loops around it in its procedure, which hidden variables hold.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from types import CodeType, FrameType
from typing import Any, NamedTuple

from eshkol.base.sources import byte_column, place_of
from eshkol.base.spans import Span
from eshkol.core.nodes import Call, GlobalRef, Lambda, Node
from eshkol.core.surroundings import Hole, Layout, Looping, Loops, Surroundings, trip_names
from eshkol.core.walk import everything
from eshkol.runtime import recursive_groups
from eshkol.runtime.procedures import BORDER, SITES, PartSites, unit_of_code
from eshkol.runtime.recursive_groups import Groups, Member

Path = tuple[Surroundings, ...]
"""The calls that lead to a draw, outermost first; none of the same procedure twice."""

Trips = tuple[tuple[Any, Any], ...]
"""The loops that are going on, outermost first: what tells the run from others, and the trip.

A run is told by an object of its own in eager code and on the evaluator, and by a number, known or
traced, in compiled code.
"""


class Site:
    """A call in a program, or several that can't be told apart.

    Attributes:
        around: what is around it.
        is_silent: whether it contributes nothing to the paths of what it calls.
        trip_variables: for each loop around it in its procedure, the outermost first, the hidden
            variables that tell its trip.
        giver: the call that is given the procedure, if that stands there.
    """

    __slots__ = ("around", "giver", "is_silent", "trip_variables")

    def __init__(
        self, around: Surroundings, is_silent: bool, looping: Looping, giver: Site | None
    ) -> None:
        self.around = around
        self.is_silent = is_silent
        self.trip_variables = tuple(trip_names(looping.owner, n + 1) for n in range(looping.depth))
        self.giver = giver


class Engine:
    """The loop of an evaluator.

    Attributes:
        calls_of: gives the calls that it is running, innermost first, for its frame, and the trips
            of the loops around each in its procedure.
    """

    def __init__(self, calls_of: Callable[[FrameType], Iterable[tuple[Site, Trips]]]) -> None:
        self.calls_of = calls_of


class Calls(NamedTuple):
    """The calls that are going on, innermost first.

    Attributes:
        sites: all but the first contribute to paths. Of calls from one place that directly lead to
            one another there is only one.
        loops: those that are in loops: the place among them, the procedure, and its trips.
        lacks_trips: whether one is in a loop whose trips have no numbers.
    """

    sites: tuple[Site, ...]
    loops: tuple[tuple[int, str, Trips], ...] = ()
    lacks_trips: bool = False

    def trips(self, procedures: Collection[str] = (), is_draw: bool = True) -> Trips:
        """The trips that are going on, of procedures that are not called again after it.

        Args:
            procedures: those that are called afterwards.
            is_draw: see ``path_of``.
        """
        if not self.loops:
            return ()
        if is_draw and not procedures and len(self.loops) == 1 and self.loops[0][0] == 0:
            return self.loops[0][2]
        first = int(bool(self.sites) and self.sites[0].is_silent and not is_draw)
        known = set(procedures)
        found: list[Trips] = []
        at = first
        for place, procedure, trips in self.loops:
            known.update(site.around.procedure for site in self.sites[at:place])
            at = max(at, place)
            if place >= first and procedure not in known:
                known.add(procedure)
                found.append(trips)
        return tuple([trip for trips in reversed(found) for trip in trips])


NO_CALLS = Calls(())


def calls_to(caller: FrameType | None) -> Calls:
    """The calls that lead to what ``caller`` calls."""
    found: list[Site] = []
    loops: list[tuple[int, str, Trips]] = []
    lacks_trips = False
    last: Site | None = None
    is_part = False
    frame = caller
    while frame is not None:
        known = SITES.get(id(frame.f_code))
        if known is not None:
            if known is BORDER:
                break
            if is_part:  # where the procedure does not call, but has a part of it run
                is_part = known.__class__ is PartSites
            elif known.__class__ is Engine:
                for site, trips in known.calls_of(frame):
                    if site is not last and not (site.is_silent and found):
                        if trips:
                            loops.append((len(found), site.around.procedure, trips))
                        found.append(site)
                        last = site
            else:
                try:
                    site = known[frame.f_lasti]
                except KeyError:
                    site = known[frame.f_lasti] = _site(frame)
                if site is not None and site is not last and not (site.is_silent and found):
                    if site.trip_variables or site.giver is not None:
                        count = _note_trips(frame, site, len(found), loops)
                        lacks_trips = lacks_trips or count < len(site.trip_variables)
                    found.append(site)
                    last = site
                is_part = known.__class__ is PartSites
        frame = frame.f_back
    return Calls(tuple(found), tuple(loops), lacks_trips)


def _note_trips(
    frame: FrameType, site: Site, place: int, loops: list[tuple[int, str, Trips]]
) -> int:
    """Note the trips of the loops around a call in a frame; how many loops have some.

    A procedure that stands in a call may run in the frame that makes the call: then that is in the
    loops around there, too.
    """
    variables = frame.f_locals
    known = -1
    around: Site | None = site
    while around is not None:
        names = around.trip_variables
        trips = [(variables[run], variables[trip]) for run, trip in names if trip in variables]
        if trips and (around is site or not around.is_silent):
            loops.append((place, around.around.procedure, tuple(trips)))
        known = len(trips) if known < 0 else known
        around = around.giver
    if variables.__class__ is dict and sys.gettrace() is None:
        variables.clear()  # or the frame would keep what its variables hold now
    return known


def _site(frame: FrameType) -> Site | None:
    """The call that a frame makes; None if there is none in the program."""
    code, namespace = frame.f_code, frame.f_globals.get(" namespace")
    return unit_of_code(code).call_sites.at(code, frame.f_lasti, namespace)


def path_to(caller: FrameType | None, is_draw: bool = True) -> Path:
    """The path to what ``caller`` calls: a draw, or a procedure that may draw."""
    return path_of(calls_to(caller).sites, is_draw)


@lru_cache(4096)
def path_of(calls: tuple[Site, ...], is_draw: bool = True) -> Path:
    """The path of calls, given innermost first.

    Args:
        calls: all but the first contribute; it does if it is a draw, whatever call it is.
        is_draw: whether it is.
    """
    if calls and calls[0].is_silent and not is_draw:
        calls = calls[1:]
    return _last_of_each([call.around for call in reversed(calls)])


def _last_of_each(path: Iterable[Surroundings]) -> Path:
    """What is left of a path if a procedure counts only where it is met last."""
    found: dict[str, Surroundings] = {}
    for around in path:
        found.pop(around.procedure, None)
        found[around.procedure] = around
    return tuple(found.values())


def followed(path: Path, rest: Path) -> Path:
    """The path of calls that ``rest`` leads on from the last of ``path``."""
    if not path or not rest:
        return path or rest
    return _last_of_each((*path, *rest))


def names(path: Path) -> tuple[str, ...]:
    """The names on a path, outermost first, each once.

    Variables of the form that draws are none of them: its draws are numbered.
    """
    found: dict[str, None] = {}
    for around in path:
        if around.name:
            found[around.name] = None
        if around.top != path[-1].top:
            found.update(dict.fromkeys(around.names))
    return tuple(found)


class CallSites:
    """What is around the calls in a unit, found by the positions of Python's instructions.

    Args:
        forms: gives the top-level forms of the unit, which are asked for at the first draw.
        loops: what to know of them, if loops are not recognized in them yet (see ``Layout``).
    """

    def __init__(
        self,
        forms: Callable[[], Iterable[Node]],
        loops: Callable[[], Loops] | None = None,
    ) -> None:
        self.forms = forms
        self._loops = loops
        self._laid_out: tuple[Layout, dict[Any, _Alike], dict[int, _Alike]] | None = None
        self._sites: dict[_Alike, Site] = {}
        self._members: dict[str, Member] = {}
        recursive_groups.follow(self)

    def at(self, code: CodeType, instruction: int, namespace: Any) -> Site | None:
        """The call that an instruction makes; None if there is none in the program.

        Args:
            code: of the instruction.
            instruction: its offset.
            namespace: that of the code.
        """
        alike = self._known[1].get(_position(code, instruction))
        return None if alike is None else self._site(alike, namespace)

    def of_call(self, call: Node, namespace: Any) -> tuple[Site | None, Hole | None]:
        """A call of the forms, and the hole that it stands in, if one does."""
        alike = self._known[1].get(_key(call.span))
        site = None if alike is None else self._site(alike, namespace)
        return site, self._known[0].holes_of_calls.get(id(call))

    def of_hole(self, node: Node, namespace: Any) -> tuple[Site | None, Hole | None]:
        """What is going on in a hole of the forms: one of the calls that it waits for."""
        layout, _, by_hole = self._known
        hole = layout.holes.get(id(node))
        if hole is None:
            return None, None
        alike = by_hole.get(id(hole))
        return None if alike is None else self._site(alike, namespace), hole

    def member(self, procedure: str) -> Member:
        """A procedure of the unit as one of a group."""
        found = self._members.get(procedure)
        if found is None:
            found = self._members.setdefault(procedure, Member(self, procedure))
        return found

    def mentioned_by(self, procedure: str) -> Iterator[str | Member]:
        """What a procedure mentions: top-level names, and procedures of the unit."""
        layout = self._known[0]
        mentioned = layout.mentioned.get(procedure)
        if mentioned is not None:
            yield from mentioned.globals
            local = [p for v in mentioned.variables for p in layout.bound.get(v, ())]
            for other in (*local, *mentioned.procedures):
                yield self.member(other)

    def names_in(self, procedure: Lambda, namespace: Any) -> tuple[Any, ...]:
        """What decides about paths at the calls in a procedure of the unit, in order."""
        calls = (part for part in everything(procedure) if isinstance(part, Call))
        alikes = [self._known[1].get(_key(call.span)) for call in calls]
        sites = [self._site(alike, namespace) for alike in alikes if alike is not None]
        return tuple([(*site.around, site.is_silent, len(site.trip_variables)) for site in sites])

    def trips_begun(self, trips: Trips, call: Node, procedure: Lambda) -> Trips:
        """The trips of loops in a procedure, or in a part of one, that begins with a call.

        Args:
            trips: those that are going on where the call stands.
            call: it.
            procedure: what it calls.
        """
        layout = self._known[0]
        begun = layout.begun.get(id(call))
        if begun is None:
            return ((object(), 0),) if id(procedure) in layout.loops else ()
        if begun.is_next:
            *around, (run, trip) = trips[: begun.depth]
            return (*around, (run, trip + 1))
        around_first = trips[: begun.depth]
        return around_first if begun.is_once else (*around_first, (object(), 0))

    def forget(self) -> None:
        """What calls lead to may have changed."""
        self._sites = {}

    @property
    def _known(self) -> tuple[Layout, dict[Any, _Alike], dict[int, _Alike]]:
        if self._laid_out is None:
            layout = Layout(self.forms(), None if self._loops is None else self._loops())
            self._laid_out = layout, *_told_apart(layout)
        return self._laid_out

    def _site(self, alike: _Alike, namespace: Any) -> Site:
        known = self._sites
        site = known.get(alike)
        if site is None:
            groups = recursive_groups.of_namespace(namespace)
            silent = any(self._is_silent(call, hole, groups) for call, hole in alike.calls)
            giver = alike.looping.giver
            given = None if giver is None else self._known[1].get(_key(giver.span))
            if given is not None and given.looping.owner == alike.looping.owner:
                given = None  # A macro made both: none of them stands in the other's function.
            outer = None if given is None else self._site(given, namespace)
            site = known[alike] = Site(alike.around, silent, alike.looping, outer)
        return site

    def _is_silent(self, call: Call, hole: Hole, groups: Groups) -> bool:
        """Whether a call is all that is left to do of its procedure, or leads back into it."""
        callee = call.procedure
        if not hole.waits and not (
            isinstance(callee, GlobalRef)
            and callee.name not in PASSING_ON
            and groups.is_primitive(callee.name)
        ):
            return True
        own = self.member(hole.procedure)
        given = (callee, *call.arguments, *(value for _, value in call.keywords))
        return any(groups.are_together(own, other) for other in self._named(given, groups))

    def _named(self, nodes: Iterable[Node], groups: Groups) -> Iterator[Member]:
        """The procedures that nodes name or make."""
        for node in nodes:
            if isinstance(node, GlobalRef):
                member = groups.procedure(node.name)
                if member is not None:
                    yield member
            for procedure in self._known[0].procedures_of(node):
                yield self.member(procedure)


PASSING_ON = frozenset("apply call-with-values call/cc call-with-current-continuation eval".split())
"""Primitives that call what they are given in tail position."""


class _Alike:
    """Calls that can't be told apart by where they stand: a macro made them.

    Attributes:
        calls: each with the hole that it stands in.
        around: what is around all of them.
        looping: the loops around all of them.
    """

    def __init__(self, calls: list[tuple[Call, Hole]]) -> None:
        self.calls = calls
        self.around = min(hole.around for _, hole in calls)
        for _, hole in calls:
            if hole.around != self.around:
                self.around = _common(self.around, hole.around)
        self.looping = min((hole.looping for _, hole in calls), key=attrgetter("depth"))
        if any(hole.looping.owner != self.looping.owner for _, hole in calls):
            self.looping = Looping()


def _common(one: Surroundings, other: Surroundings) -> Surroundings:
    count = next(
        (i for i, pair in enumerate(zip(one.names, other.names, strict=False)) if len({*pair}) > 1),
        min(len(one.names), len(other.names)),
    )
    name = one.name if one.name == other.name else ""
    return one._replace(name=name, names=one.names[:count])


def _told_apart(layout: Layout) -> tuple[dict[Any, _Alike], dict[int, _Alike]]:
    """The calls of some forms by their positions, and by their holes.

    What one hole waits for is not told apart: the evaluator does not know which call it is.
    """
    parts: dict[int, list[tuple[Call, Hole]]] = {}
    by_key: dict[Any, list[tuple[Call, Hole]]] = {}
    for call, hole in layout.calls:
        own = parts.setdefault(id(hole), [])
        own.append((call, hole))
        known = by_key.setdefault(_key(call.span), own)
        if known is not own:  # join the two
            known += own
            for _, other in own:
                parts[id(other)] = known
            for each, _ in own:
                by_key[_key(each.span)] = known
    found: dict[int, _Alike] = {}

    def alike(calls: list[tuple[Call, Hole]]) -> _Alike:
        if id(calls) not in found:
            found[id(calls)] = _Alike(calls)
        return found[id(calls)]

    return (
        {key: alike(calls) for key, calls in by_key.items()},
        {hole: alike(calls) for hole, calls in parts.items()},
    )


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

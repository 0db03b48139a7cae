"""The path to a random draw: the names in whose computation it takes place.

The calls that are going on lead to the draw. Each contributes its top-level procedure and, unless
that is the one that draws, the variables whose values are being computed there. Two kinds of calls
contribute nothing: those in tail position, of which nothing is left to do, and those that lead back
into their procedure, be it through others (``runtime/recursive_groups.py``). Of the calls of one
procedure only the last contributes. So the path is the same for compiled code, for staged code,
whose calls are those of the compiler, and on the evaluator; it does not depend on what else the
program draws or defines. The path of calls that follow others is found from the two paths alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

from eshkol.base.sources import byte_column, place_of
from eshkol.base.spans import Span
from eshkol.core.nodes import Call, GlobalRef, Lambda, Node, Variable
from eshkol.core.surroundings import Hole, Layout, Surroundings
from eshkol.core.walk import everything
from eshkol.runtime import recursive_groups
from eshkol.runtime.procedures import BORDER, SITES, PartSites, unit_of_code
from eshkol.runtime.recursive_groups import Groups, Member

Path = tuple[Surroundings, ...]
"""The calls that lead to a draw, outermost first; none of the same procedure twice."""


class Site:
    """A call in a program, or several that can't be told apart.

    Attributes:
        around: what is around it.
        is_silent: whether it contributes nothing to the paths of what it calls.
    """

    __slots__ = ("around", "is_silent")

    def __init__(self, around: Surroundings, is_silent: bool) -> None:
        self.around = around
        self.is_silent = is_silent


class Engine:
    """The loop of an evaluator.

    Attributes:
        calls_of: gives the calls that it is running, innermost first, for its frame.
    """

    def __init__(self, calls_of: Callable[[FrameType], Iterable[Site]]) -> None:
        self.calls_of = calls_of


def calls_to(caller: FrameType | None) -> tuple[Site, ...]:
    """The calls that lead to what ``caller`` calls, innermost first.

    All but the innermost contribute to paths. Of calls from one place that directly lead to one
    another there is only one.
    """
    found: list[Site] = []
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
                for site in known.calls_of(frame):
                    if site is not last and not (site.is_silent and found):
                        found.append(site)
                        last = site
            else:
                try:
                    site = known[frame.f_lasti]
                except KeyError:
                    site = known[frame.f_lasti] = _site(frame)
                if site is not None and site is not last and not (site.is_silent and found):
                    found.append(site)
                    last = site
                is_part = known.__class__ is PartSites
        frame = frame.f_back
    return tuple(found)


def _site(frame: FrameType) -> Site | None:
    """The call that a frame makes; None if there is none in the program."""
    code, namespace = frame.f_code, frame.f_globals.get(" namespace")
    return unit_of_code(code).call_sites.at(code, frame.f_lasti, namespace)


def path_to(caller: FrameType | None, is_draw: bool = True) -> Path:
    """The path to what ``caller`` calls: a draw, or a procedure that may draw."""
    return path_of(calls_to(caller), is_draw)


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
        loops: Callable[[], Mapping[Variable, bool]] | None = None,
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
        return tuple([(*site.around, site.is_silent) for site in sites])

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
            site = known[alike] = Site(alike.around, silent)
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
    """

    def __init__(self, calls: list[tuple[Call, Hole]]) -> None:
        self.calls = calls
        self.around = min(hole.around for _, hole in calls)
        for _, hole in calls:
            if hole.around != self.around:
                self.around = _common(self.around, hole.around)


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

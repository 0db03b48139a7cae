"""Whose value is being computed where: for each call, the names of the variables around it.

The names tell the parts of a program apart for a reader, and stay when something is added beside
them. Random draws are numbered within them (``runtime/draw_paths.py``).

A program may be looked at as the expander gives it, or after loop recognition. What is found is the
same: a procedure that becomes a loop counts as a part of the procedure that enters it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from eshkol.base.spans import Span
from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Call,
    Const,
    Define,
    GlobalRef,
    If,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    MakeBox,
    Node,
    Sequence,
    SetGlobal,
    SetLocal,
    Variable,
)
from eshkol.core.walk import bound_variables, children, everything


class Surroundings(NamedTuple):
    """What is around a node.

    Nothing in it depends on where in its file the program stands, or when it was typed.

    Attributes:
        procedure: the innermost procedure: the top-level form, and its number there.
        top: the top-level form, by what it defines; empty if it defines nothing.
        name: of the procedure that this form defines; empty if it doesn't.
        names: the variables whose values are being computed, outermost first: a top-level one,
            then local ones. Procedures don't count.
    """

    procedure: str
    top: str
    name: str = ""
    names: tuple[str, ...] = ()


class Looping(NamedTuple):
    """The loops around a part of a procedure.

    Attributes:
        owner: what the names of their hidden variables tell the procedure by; empty at top level.
        depth: how many they are, in the procedure.
        giver: the call that is given the procedure, if that stands there.
    """

    owner: str = ""
    depth: int = 0
    giver: Call | None = None


def trip_names(owner: str, depth: int) -> tuple[str, str]:
    """The hidden variables that tell which run of a loop goes on, and which trip of it.

    Args:
        owner: see ``Looping``; of the procedure that the loop is in.
        depth: its place among the loops around one another there, from 1 on.
    """
    return f" run {depth} {owner}", f" trip {depth} {owner}"


def owner_of(node: Lambda) -> str:
    """What the hidden variables of the loops in a procedure tell it by."""
    return f"{node.span.line}:{node.span.column}"


class Hole:
    """A part of a procedure that is computed while the rest of the procedure waits for its value.

    Attributes:
        around: what is around it.
        procedure: the one it is a part of, by where it stands.
        outer: the hole that it is in.
        looping: the loops around it.
        calls: those in tail position of it.
        waits: false for what nothing waits for: a call in tail position of its procedure.
    """

    __slots__ = ("around", "calls", "looping", "outer", "procedure", "waits")

    def __init__(
        self,
        around: Surroundings,
        procedure: str,
        outer: Hole | None,
        looping: Looping,
        waits: bool = True,
    ) -> None:
        self.around = around
        self.procedure = procedure
        self.outer = outer
        self.looping = looping
        self.calls: list[Call] = []
        self.waits = waits


class Begun(NamedTuple):
    """What begins with a call of a part of the procedure that it stands in.

    Attributes:
        depth: how many loops there are around; of another trip, that in which it is.
        is_next: whether it is another trip of a loop, and not the first.
        is_once: whether it is no loop.
    """

    depth: int
    is_next: bool
    is_once: bool = False


class Mentioned:
    """What a procedure mentions.

    Attributes:
        globals: top-level names.
        variables: local ones.
        procedures: the procedures made in it, by where they stand.
    """

    __slots__ = ("globals", "procedures", "variables")

    def __init__(self) -> None:
        self.globals: dict[str, None] = {}
        self.variables: dict[Variable, None] = {}
        self.procedures: dict[str, None] = {}


class Layout:
    """Where the calls in some top-level forms stand.

    Args:
        forms: at top level.
        loops: what to know of the loops, if they are not recognized yet.

    Attributes:
        calls: each with the hole that it stands in, and whose value it gives.
        holes: by the ``id`` of their nodes.
        holes_of_calls: those that calls stand in, by the ``id`` of the calls.
        begun: what calls of parts of the procedure that they stand in begin, by their ``id``.
        loops: the procedures that are not recognized yet as going on with themselves, by their
            ``id``.
        mentioned: by procedures, what they mention.
        bound: the procedures that local variables may hold.
    """

    def __init__(self, forms: Iterable[Node], loops: Loops | None = None) -> None:
        self.calls: list[tuple[Call, Hole]] = []
        self.holes: dict[int, Hole] = {}
        self.holes_of_calls: dict[int, Hole] = {}
        self.mentioned: dict[str, Mentioned] = {}
        self.bound: dict[Variable, dict[str, None]] = {}
        self.begun: dict[int, Begun] = {}
        self.loops: set[int] = set()
        self._loops = loops or Loops({}, frozenset())
        self._bodies: dict[Variable, Lambda] = {}
        self._depths: dict[Variable, int] = {}
        for form in forms:
            top = _top(form)
            self._count = 0
            start = _Place(form, Surroundings(top, top), text_of(form.span))
            stack = [start.waited_for(form)]
            while stack:
                stack.extend(self._inside(stack.pop()))

    def procedures_of(self, node: Node) -> Iterable[str]:
        """The procedures that the value of a node may be, if that can be seen from it."""
        while isinstance(node, MakeBox):
            node = node.value
        if isinstance(node, Lambda):
            return (text_of(node.span),)
        return self.bound.get(node.variable, ()) if isinstance(node, LocalRef | BoxRef) else ()

    def _inside(self, place: _Place) -> Iterator[_Place]:
        node, around = place.node, place.around
        if place.is_new and place.hole is not None:
            self.holes[id(node)] = place.hole
        match node:
            case GlobalRef():
                self._mentions(place).globals[node.name] = None
            case LocalRef() | BoxRef():
                self._mentions(place).variables[node.variable] = None
            case Define() if isinstance(node.value, Lambda):
                named = around._replace(name=node.name)
                yield place.waited_for(node.value, named, (node.name,))
            case Define() | SetGlobal():
                yield place.waited_for(node.value, _of_value(around, node.name, node.value))
            case SetLocal() | BoxSet():
                self._bind(node.variable, node.value)
                inner = _of_value(around, node.variable.name, node.value)
                yield place.waited_for(node.value, inner)
            case Let() | Letrec():
                yield from self._values(place, node)
                yield place.at_tail(node.body)
            case Loop():
                yield from map(place.waited_for, node.values)
                yield place.at_tail(node.body).in_loop()
            case Lambda():
                yield from self._procedure(place, node)
            case If():
                yield place.waited_for(node.test)
                yield place.at_tail(node.then)
                yield place.at_tail(node.otherwise)
            case Sequence():
                yield from map(place.waited_for, node.steps[:-1])
                yield place.at_tail(node.steps[-1])
            case Call():
                yield from self._call(place, node)
            case _:
                yield from map(place.waited_for, children(node))

    def _values(self, place: _Place, node: Let | Letrec) -> Iterator[_Place]:
        for variable, value in zip(node.variables, node.values, strict=True):
            if variable in self._loops.parts and isinstance(value, Lambda):
                self._bodies[variable] = value
                continue
            self._bind(variable, value)
            inner = _of_value(place.around, variable.name, value)
            content = value.value if isinstance(value, MakeBox) else value
            yield place.waited_for(content, inner, (variable,))

    def _procedure(self, place: _Place, node: Lambda) -> Iterator[_Place]:
        own = text_of(node.span)
        self._mentions(place).procedures[own] = None
        self._count += 1
        inner = place.around._replace(procedure=f"{place.around.top} {self._count}")
        looping = Looping(owner_of(node), 0, place.giver)
        start = _Place(node, inner, own, looping)
        for parameter in node.parameters:
            if parameter.default is not None:
                yield start.waited_for(parameter.default)
        body = start.at_tail(node.body)._replace(own=place.own)
        if own in self._loops.procedures and _mentions_any(node.body, place.own):
            self.loops.add(id(node))
            body = body.in_loop()
        yield body

    def _call(self, place: _Place, node: Call) -> Iterator[_Place]:
        callee = node.procedure
        variable = callee.variable if isinstance(callee, LocalRef | BoxRef) else None
        if variable is not None and variable in self._loops.parts:
            yield from self._part_entered(place, node, variable)
            return
        name = callee.name if isinstance(callee, GlobalRef) else variable
        hole = place.hole
        if hole is None:
            hole = Hole(place.around, place.procedure, None, place.looping, waits=False)
        if hole.waits or name not in place.own or node.keywords:
            hole.calls.append(node)
            self.calls.append((node, hole))
            self.holes_of_calls[id(node)] = hole
        elif place.procedure in self._loops.procedures and place.looping.depth:
            self.begun[id(node)] = Begun(1, True)
        yield from (place.waited_for(child)._replace(giver=node) for child in children(node))

    def _part_entered(self, place: _Place, node: Call, variable: Variable) -> Iterator[_Place]:
        """A procedure that is a part of the one that calls it here."""
        body = self._bodies.pop(variable, None)
        if body is None:  # it goes on with the next trip
            self.begun[id(node)] = Begun(self._depths[variable], True)
            yield from map(place.waited_for, node.arguments)
            return
        is_once = self._loops.parts[variable]
        for parameter, value in zip(bound_variables(body), node.arguments, strict=True):
            named = _of_value(place.around, parameter.name, value)
            yield place.waited_for(value, named if is_once else place.around)
        inside = place.at_tail(body.body)
        inside = inside if is_once else inside.in_loop()
        self._depths[variable] = inside.looping.depth
        self.begun[id(node)] = Begun(place.looping.depth, False, is_once)
        yield inside

    def _bind(self, variable: Variable, value: Node) -> None:
        found = self.procedures_of(value)
        if found:
            self.bound.setdefault(variable, {}).update(dict.fromkeys(found))

    def _mentions(self, place: _Place) -> Mentioned:
        found = self.mentioned.get(place.procedure)
        if found is None:
            found = self.mentioned[place.procedure] = Mentioned()
        return found


class _Place(NamedTuple):
    """A node and where it stands.

    Attributes:
        node: the node.
        around: what is around it.
        procedure: the innermost one, by where it stands.
        looping: the loops around it.
        hole: that it stands in; None in tail position of its procedure.
        is_new: whether it is all that is in the hole.
        own: what the procedure is called whose tail position it is in.
        giver: the call that it is given to, if it is an argument itself.
    """

    node: Node
    around: Surroundings
    procedure: str
    looping: Looping = Looping()
    hole: Hole | None = None
    is_new: bool = False
    own: tuple[str | Variable, ...] = ()
    giver: Call | None = None

    def waited_for(
        self,
        node: Node,
        around: Surroundings | None = None,
        own: tuple[str | Variable, ...] = (),
    ) -> _Place:
        """A part whose value the rest waits for; ``own`` is what it is called, if a procedure."""
        around = around or self.around
        if isinstance(node, _IMMEDIATE):
            return _Place(node, around, self.procedure, self.looping, self.hole, own=own)
        hole = Hole(around, self.procedure, self.hole, self.looping)
        return _Place(node, around, self.procedure, self.looping, hole, True)

    def at_tail(self, node: Node) -> _Place:
        """A part whose value is the value of the whole."""
        return self._replace(node=node, is_new=False, giver=None)

    def in_loop(self) -> _Place:
        """The same as the body of a loop."""
        return self._replace(looping=self.looping._replace(depth=self.looping.depth + 1))


_IMMEDIATE = (Const, GlobalRef, LocalRef, BoxRef, Lambda)
"""What has a value at once."""


class Loops(NamedTuple):
    """What ``Layout`` has to know of forms before loop recognition.

    Attributes:
        parts: the local procedures that are parts of those which enter them, and whether each is
            entered just once: it only binds its parameters then.
        procedures: those that go on with themselves, by where they stand.
    """

    parts: Mapping[Variable, bool]
    procedures: frozenset[str]


def loops_of(forms: Iterable[Node], recognized: Iterable[Node]) -> Loops:
    """What is to be known of forms before loop recognition.

    Args:
        forms: as they were.
        recognized: as they are afterwards.
    """
    parts = [part for form in recognized for part in everything(form)]
    left = {variable for part in parts for variable in bound_variables(part)}
    procedures = [
        text_of(part.span)
        for part in parts
        if isinstance(part, Lambda) and isinstance(part.body, Loop) and part.body.label.is_procedure
    ]
    gone: dict[Variable, int] = {}
    for form in forms:
        for part in everything(form):
            if isinstance(part, Letrec):
                gone.update(dict.fromkeys((v for v in part.variables if v not in left), 0))
            elif isinstance(part, LocalRef) and part.variable in gone:
                gone[part.variable] += 1
    once = {variable: count == 1 for variable, count in gone.items()}
    return Loops(once, frozenset(procedures))


def _of_value(around: Surroundings, name: str, value: Node) -> Surroundings:
    """What is around the value of a variable."""
    while isinstance(value, MakeBox):
        value = value.value
    if isinstance(value, Lambda):
        return around
    return around._replace(names=(*around.names, name))


def _mentions_any(node: Node, own: tuple[str | Variable, ...]) -> bool:
    """Whether something in a node calls one of these names."""
    callees = (part.procedure for part in everything(node) if isinstance(part, Call))
    return any(
        (isinstance(callee, GlobalRef) and callee.name in own)
        or (isinstance(callee, LocalRef) and callee.variable in own)
        for callee in callees
    )


def _top(form: Node) -> str:
    """A top-level form as text: what it defines, and the name of its file if it is from one."""
    if not isinstance(form, Define):
        return ""
    file = "" if form.span.file.startswith("<") else os.path.basename(form.span.file)
    return f"{file} {form.name}"


def text_of(span: Span) -> str:
    """Where something stands, as text that tells it from others."""
    return f"{span.file}:{span.line}:{span.column}"

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


class Hole:
    """A part of a procedure that is computed while the rest of the procedure waits for its value.

    Attributes:
        around: what is around it.
        procedure: the one it is a part of, by where it stands.
        outer: the hole that it is in.
        calls: those in tail position of it.
        waits: false for what nothing waits for: a call in tail position of its procedure.
    """

    __slots__ = ("around", "calls", "outer", "procedure", "waits")

    def __init__(
        self, around: Surroundings, procedure: str, outer: Hole | None, waits: bool = True
    ) -> None:
        self.around = around
        self.procedure = procedure
        self.outer = outer
        self.calls: list[Call] = []
        self.waits = waits


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
        loops: the local procedures that are parts of those which enter them, and whether each is
            entered just once: it only binds its parameters then.

    Attributes:
        calls: each with the hole that it stands in, and whose value it gives.
        holes: by the ``id`` of their nodes.
        holes_of_calls: those that calls stand in, by the ``id`` of the calls.
        mentioned: by procedures, what they mention.
        bound: the procedures that local variables may hold.
    """

    def __init__(self, forms: Iterable[Node], loops: Mapping[Variable, bool] | None = None) -> None:
        self.calls: list[tuple[Call, Hole]] = []
        self.holes: dict[int, Hole] = {}
        self.holes_of_calls: dict[int, Hole] = {}
        self.mentioned: dict[str, Mentioned] = {}
        self.bound: dict[Variable, dict[str, None]] = {}
        self._loops = loops or {}
        self._bodies: dict[Variable, Lambda] = {}
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
                yield place.at_tail(node.body)
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
            if variable in self._loops and isinstance(value, Lambda):
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
        start = _Place(node, inner, own)
        for parameter in node.parameters:
            if parameter.default is not None:
                yield start.waited_for(parameter.default)
        yield start.at_tail(node.body)._replace(own=place.own)

    def _call(self, place: _Place, node: Call) -> Iterator[_Place]:
        callee = node.procedure
        variable = callee.variable if isinstance(callee, LocalRef | BoxRef) else None
        if variable is not None and variable in self._loops:
            yield from self._part_entered(place, node, variable)
            return
        name = callee.name if isinstance(callee, GlobalRef) else variable
        hole = place.hole
        if hole is None:
            hole = Hole(place.around, place.procedure, None, waits=False)
        if hole.waits or name not in place.own:
            hole.calls.append(node)
            self.calls.append((node, hole))
            self.holes_of_calls[id(node)] = hole
        yield from map(place.waited_for, children(node))

    def _part_entered(self, place: _Place, node: Call, variable: Variable) -> Iterator[_Place]:
        """A procedure that is a part of the one that calls it here."""
        body = self._bodies.pop(variable, None)
        if body is None:  # it goes on with the next trip
            yield from map(place.waited_for, node.arguments)
            return
        for parameter, value in zip(bound_variables(body), node.arguments, strict=True):
            named = _of_value(place.around, parameter.name, value)
            yield place.waited_for(value, named if self._loops[variable] else place.around)
        yield place.at_tail(body.body)

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
        hole: that it stands in; None in tail position of its procedure.
        is_new: whether it is all that is in the hole.
        own: what the procedure is called whose tail position it is in.
    """

    node: Node
    around: Surroundings
    procedure: str
    hole: Hole | None = None
    is_new: bool = False
    own: tuple[str | Variable, ...] = ()

    def waited_for(
        self,
        node: Node,
        around: Surroundings | None = None,
        own: tuple[str | Variable, ...] = (),
    ) -> _Place:
        """A part whose value the rest waits for; ``own`` is what it is called, if a procedure."""
        around = around or self.around
        if isinstance(node, _IMMEDIATE):
            return _Place(node, around, self.procedure, self.hole, own=own)
        hole = Hole(around, self.procedure, self.hole)
        return _Place(node, around, self.procedure, hole, True)

    def at_tail(self, node: Node) -> _Place:
        """A part whose value is the value of the whole."""
        return self._replace(node=node, is_new=False)


_IMMEDIATE = (Const, GlobalRef, LocalRef, BoxRef, Lambda)
"""What has a value at once."""


def loops_of(forms: Iterable[Node], recognized: Iterable[Node]) -> dict[Variable, bool]:
    """What ``Layout`` has to know of forms before loop recognition.

    Args:
        forms: as they were.
        recognized: as they are afterwards.
    """
    left = {v for form in recognized for part in everything(form) for v in bound_variables(part)}
    gone: dict[Variable, int] = {}
    for form in forms:
        for part in everything(form):
            if isinstance(part, Letrec):
                gone.update(dict.fromkeys((v for v in part.variables if v not in left), 0))
            elif isinstance(part, LocalRef) and part.variable in gone:
                gone[part.variable] += 1
    return {variable: count == 1 for variable, count in gone.items()}


def _of_value(around: Surroundings, name: str, value: Node) -> Surroundings:
    """What is around the value of a variable."""
    while isinstance(value, MakeBox):
        value = value.value
    if isinstance(value, Lambda):
        return around
    return around._replace(names=(*around.names, name))


def _top(form: Node) -> str:
    """A top-level form as text: what it defines, and the name of its file if it is from one."""
    if not isinstance(form, Define):
        return ""
    file = "" if form.span.file.startswith("<") else os.path.basename(form.span.file)
    return f"{file} {form.name}"


def text_of(span: Span) -> str:
    """Where something stands, as text that tells it from others."""
    return f"{span.file}:{span.line}:{span.column}"

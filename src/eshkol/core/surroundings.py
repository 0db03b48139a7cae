"""Whose value is being computed where: for each node, the names of the variables around it.

The names tell the parts of a program apart for a reader, and stay when something is added beside
them. Random draws are numbered within them (``runtime/draw_paths.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from eshkol.base.spans import Span
from eshkol.core.nodes import (
    BoxSet,
    Call,
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
from eshkol.core.walk import children


class Surroundings(NamedTuple):
    """What is around a node.

    Attributes:
        procedure: the innermost procedure, as text that tells it from others.
        top: the top-level form, likewise.
        name: of the procedure that this form defines; empty if it doesn't.
        names: the variables whose values are being computed, outermost first: a top-level one,
            then local ones. Procedures don't count.
    """

    procedure: str
    top: str
    name: str = ""
    names: tuple[str, ...] = ()


class Place(NamedTuple):
    """A node and where it stands.

    Attributes:
        node: the node.
        around: what is around it.
        is_tail: whether it stands in tail position of its procedure.
        procedures: what refers to the procedures around it: names of top-level ones, variables.
    """

    node: Node
    around: Surroundings
    is_tail: bool = False
    procedures: tuple[str | Variable, ...] = ()

    @property
    def is_recursive(self) -> bool:
        """Whether it is a call of a procedure that it stands in."""
        callee = self.node.procedure if isinstance(self.node, Call) else None
        if isinstance(callee, GlobalRef):
            return callee.name in self.procedures
        return isinstance(callee, LocalRef) and callee.variable in self.procedures

    def leaves(self, primitives: Collection[str]) -> bool:
        """Whether it is a call that is all that is left to do of its procedure.

        The procedure is gone while it lasts. A primitive that calls back is done inside of it.
        """
        if not self.is_tail or not isinstance(self.node, Call):
            return False
        callee = self.node.procedure
        name = callee.name if isinstance(callee, GlobalRef) else ""
        return name not in primitives or name in PASSING_ON


PASSING_ON = frozenset("apply call-with-values call/cc call-with-current-continuation eval".split())
"""Primitives that call what they are given in tail position."""


def places(forms: Iterable[Node], around: Surroundings | None = None) -> Iterator[Place]:
    """All nodes of forms, and where they stand.

    Args:
        forms: at top level, unless ``around`` tells where they are.
    """
    for form in forms:
        top = _text(form.span)
        stack = [Place(form, around or Surroundings(top, top))]
        while stack:
            place = stack.pop()
            yield place
            stack.extend(_inside(place))


def _inside(place: Place) -> Iterator[Place]:
    node, around, is_tail, procedures = place

    def value(node: Node, around: Surroundings = around) -> Place:
        return Place(node, around, False, procedures)

    def tail(node: Node) -> Place:
        return Place(node, around, is_tail, procedures)

    match node:
        case Define() if isinstance(node.value, Lambda):
            yield Place(node.value, around._replace(name=node.name), False, (node.name,))
        case Define() | SetGlobal():
            yield value(node.value, _of_value(around, node.name, node.value))
        case SetLocal() | BoxSet():
            yield value(node.value, _of_value(around, node.variable.name, node.value))
        case Let() | Letrec():
            for variable, bound in zip(node.variables, node.values, strict=True):
                part = value(bound, _of_value(around, variable.name, bound))
                if isinstance(bound, Lambda):
                    part = part._replace(procedures=(*procedures, variable))
                yield part
            yield tail(node.body)
        case Loop():
            yield from map(value, node.values)
            yield tail(node.body)
        case Lambda():
            inner = around._replace(procedure=_text(node.span))
            for parameter in node.parameters:
                if parameter.default is not None:
                    yield value(parameter.default, inner)
            yield Place(node.body, inner, True, procedures)
        case If():
            yield value(node.test)
            yield tail(node.then)
            yield tail(node.otherwise)
        case Sequence():
            yield from map(value, node.steps[:-1])
            yield tail(node.steps[-1])
        case _:
            yield from map(value, children(node))


def _of_value(around: Surroundings, name: str, value: Node) -> Surroundings:
    """What is around the value of a variable."""
    while isinstance(value, MakeBox):
        value = value.value
    if isinstance(value, Lambda):
        return around
    return around._replace(names=(*around.names, name))


def _text(span: Span) -> str:
    return f"{span.file}:{span.line}:{span.column}"

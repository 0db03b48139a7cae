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
    Loop,
    MakeBox,
    Node,
    Sequence,
    SetGlobal,
    SetLocal,
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


Place = tuple[Node, Surroundings, bool]
"""A node, what is around it, and whether it stands in tail position of its procedure."""


def places(forms: Iterable[Node], around: Surroundings | None = None) -> Iterator[Place]:
    """All nodes of forms, with what is around them, and whether they are tails.

    Args:
        forms: at top level, unless ``around`` tells where they are.
    """
    for form in forms:
        top = _text(form.span)
        stack: list[Place] = [(form, around or Surroundings(top, top), False)]
        while stack:
            place = stack.pop()
            yield place
            stack.extend(_inside(*place))


def _inside(node: Node, around: Surroundings, is_tail: bool) -> Iterator[Place]:
    match node:
        case Define() if isinstance(node.value, Lambda):
            yield node.value, around._replace(name=node.name), False
        case Define() | SetGlobal():
            yield node.value, _of_value(around, node.name, node.value), False
        case SetLocal() | BoxSet():
            yield node.value, _of_value(around, node.variable.name, node.value), False
        case Let() | Letrec():
            for variable, value in zip(node.variables, node.values, strict=True):
                yield value, _of_value(around, variable.name, value), False
            yield node.body, around, is_tail
        case Loop():
            yield from ((value, around, False) for value in node.values)
            yield node.body, around, is_tail
        case Lambda():
            inner = around._replace(procedure=_text(node.span))
            defaults = (p.default for p in node.parameters if p.default is not None)
            yield from ((default, inner, False) for default in defaults)
            yield node.body, inner, True
        case If():
            yield node.test, around, False
            yield node.then, around, is_tail
            yield node.otherwise, around, is_tail
        case Sequence():
            yield from ((step, around, False) for step in node.steps[:-1])
            yield node.steps[-1], around, is_tail
        case _:
            yield from ((child, around, False) for child in children(node))


def _of_value(around: Surroundings, name: str, value: Node) -> Surroundings:
    """What is around the value of a variable."""
    while isinstance(value, MakeBox):
        value = value.value
    if isinstance(value, Lambda):
        return around
    return around._replace(names=(*around.names, name))


def _text(span: Span) -> str:
    return f"{span.file}:{span.line}:{span.column}"


PASSING_ON = frozenset("apply call-with-values call/cc call-with-current-continuation eval".split())
"""Primitives that call what they are given in tail position."""


def leaves_its_procedure(node: Node, is_tail: bool, primitives: Collection[str]) -> bool:
    """Whether a call is all that is left to do of its procedure, which is gone while it lasts.

    A primitive that calls back is done inside of the procedure.
    """
    if not is_tail or not isinstance(node, Call):
        return False
    callee = node.procedure
    name = callee.name if isinstance(callee, GlobalRef) else ""
    return name not in primitives or name in PASSING_ON

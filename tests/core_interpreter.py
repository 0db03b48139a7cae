"""A plain interpreter of Core, which does what the definitions of its nodes say."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Call,
    Const,
    Continue,
    GlobalRef,
    If,
    Label,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    MakeBox,
    Node,
    Sequence,
    SetLocal,
    Variable,
)
from eshkol.datum.values import UNSPECIFIED


class Again(Exception):
    """The next trip of a loop."""

    def __init__(self, label: Label, values: list[Any]) -> None:
        self.label, self.values = label, values


PRIMITIVES: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "<": operator.lt,
    "=": operator.eq,
}

Environment = dict[Variable, list[Any]]


def interpret(node: Node, scope: Environment) -> Any:
    """The value of ``node``, as its definition says; every variable has a cell."""

    def inner(part: Node) -> Any:
        return interpret(part, scope)

    match node:
        case Const():
            return node.value
        case GlobalRef():
            return PRIMITIVES[node.name]
        case LocalRef():
            return scope[node.variable][0]
        case Lambda():
            return lambda *given: interpret(
                node.body,
                {**scope, **{p.variable: [x] for p, x in zip(node.parameters, given, strict=True)}},
            )
        case Let():
            bound = {v: [inner(x)] for v, x in zip(node.variables, node.values, strict=True)}
            return interpret(node.body, {**scope, **bound})
        case Letrec():
            scope = {**scope, **{variable: [None] for variable in node.variables}}
            for variable, part in zip(node.variables, node.values, strict=True):
                scope[variable][0] = interpret(part, scope)
            return interpret(node.body, scope)
        case If():
            return inner(node.otherwise if inner(node.test) is False else node.then)
        case Sequence():
            return [inner(step) for step in node.steps][-1]
        case Call():
            procedure, *arguments = [inner(part) for part in (node.procedure, *node.arguments)]
            return procedure(*arguments)
        case Loop():
            return _interpret_loop(node, scope)
        case Continue():
            raise Again(node.label, [inner(part) for part in node.arguments])
        case MakeBox():
            return [inner(node.value)]
        case BoxRef():
            return scope[node.variable][0][0]
        case BoxSet():
            scope[node.variable][0][0] = inner(node.value)
        case SetLocal():
            scope[node.variable][0] = inner(node.value)
        case _:
            raise AssertionError(node)
    return UNSPECIFIED


def _interpret_loop(node: Loop, scope: Environment) -> Any:
    values = [interpret(part, scope) for part in node.values]
    while True:
        trip = {v: [x] for v, x in zip(node.variables, values, strict=True)}
        try:
            return interpret(node.body, {**scope, **trip})
        except Again as jump:
            if jump.label is not node.label:
                raise
            values = jump.values

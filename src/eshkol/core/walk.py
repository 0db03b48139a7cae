"""Going over Core: the children of a node, and rebuilding a node with other children."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from eshkol.core.nodes import (
    BoxSet,
    Call,
    Continue,
    Define,
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
    Variable,
)

Change = Callable[[Node], Node]


def children(node: Node) -> Iterator[Node]:
    """The direct sub-nodes of ``node`` in order of evaluation."""
    match node:
        case Lambda():
            yield from (p.default for p in node.parameters if p.default is not None)
            yield node.body
        case Let() | Letrec() | Loop():
            yield from node.values
            yield node.body
        case If():
            yield node.test
            yield node.then
            yield node.otherwise
        case Sequence():
            yield from node.steps
        case Call():
            yield node.procedure
            yield from node.arguments
            yield from (value for _, value in node.keywords)
        case Continue():
            yield from node.arguments
        case SetLocal() | SetGlobal() | Define() | MakeBox() | BoxSet():
            yield node.value


def rebuild(node: Node, change: Change) -> Node:
    """``node`` with each direct sub-node replaced by ``change`` of it.

    Lists are built where a generator would do: ``change`` often comes back here, and Python bears
    deep recursion as long as no C function stands between.
    """
    match node:
        case Lambda():
            parameters = [
                p if p.default is None else replace(p, default=change(p.default))
                for p in node.parameters
            ]
            return replace(node, parameters=tuple(parameters), body=change(node.body))
        case Let() | Letrec() | Loop():
            values = [change(value) for value in node.values]
            return replace(node, values=tuple(values), body=change(node.body))
        case If():
            test, then = change(node.test), change(node.then)
            return replace(node, test=test, then=then, otherwise=change(node.otherwise))
        case Sequence():
            return replace(node, steps=tuple([change(step) for step in node.steps]))
        case Call():
            procedure = change(node.procedure)
            arguments = tuple([change(argument) for argument in node.arguments])
            keywords = tuple([(name, change(value)) for name, value in node.keywords])
            return replace(node, procedure=procedure, arguments=arguments, keywords=keywords)
        case Continue():
            return replace(node, arguments=tuple([change(item) for item in node.arguments]))
        case SetLocal() | SetGlobal() | Define() | MakeBox() | BoxSet():
            return replace(node, value=change(node.value))
    return node


def bound_variables(node: Node) -> tuple[Variable, ...]:
    """The variables that ``node`` itself binds."""
    match node:
        case Lambda():
            rest = () if node.rest is None else (node.rest,)
            return (*(p.variable for p in node.parameters), *rest)
        case Let() | Letrec() | Loop():
            return node.variables
    return ()


def everything(node: Node) -> Iterator[Node]:
    """``node`` and all nodes below it, outermost first."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(reversed(list(children(top))))

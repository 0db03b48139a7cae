"""The checker of Core, which is also its specification.

Each function below states what holds of well-formed Core. It runs after expansion and after each
pass; a violation is our bug, never the user's.
"""

from __future__ import annotations

from collections.abc import Iterable

from eshkol.base.errors import InternalError
from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Call,
    Const,
    Continue,
    Define,
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
    SetGlobal,
    SetLocal,
    Variable,
)
from eshkol.core.walk import bound_variables

Scope = set[Variable]
"""The variables that are bound here: one set for the whole walk, so depth costs nothing."""

Loops = dict[Label, int]


def check(node: Node, *, boxes: bool) -> Node:
    """``node`` itself, if it is well-formed.

    Args:
        node: one top-level form.
        boxes: whether assignment conversion has been done.

    Raises:
        InternalError: naming the first violation and its span.
    """
    _Checker(boxes).top(node)
    return node


class _Checker:
    def __init__(self, boxes: bool) -> None:
        self.boxes = boxes

    def require(self, condition: bool, node: Node, rule: str) -> None:
        if not condition:
            raise InternalError(f"{node.span}: malformed Core: {rule} ({type(node).__name__})")

    def top(self, node: Node) -> None:
        """A definition stands only at top level or in a top-level sequence."""
        match node:
            case Define():
                self.expression(node.value, set(), {}, False)
            case Sequence():
                self.require(len(node.steps) > 0, node, "empty sequence")
                for step in node.steps:
                    self.top(step)
            case _:
                self.expression(node, set(), {}, False)

    def all(self, nodes: Iterable[Node], scope: Scope) -> None:
        """Operands see no loop: they are not in tail position."""
        for node in nodes:
            self.expression(node, scope, {}, False)

    def variable(self, node: LocalRef | SetLocal | BoxRef | BoxSet, scope: Scope) -> None:
        """A local variable is used only where it is bound."""
        self.require(node.variable in scope, node, f"unbound local {node.variable.name}")

    def binder(self, node: Let | Letrec | Loop, scope: Scope) -> None:
        """As many values as variables, and no variable bound twice."""
        self.require(len(node.variables) == len(node.values), node, "values do not match")
        for variable in node.variables:
            self.require(variable not in scope, node, "bound twice")
            scope.add(variable)

    def expression(self, node: Node, scope: Scope, loops: Loops, tail: bool) -> None:
        """``loops`` are the loops whose tail position this is, with their numbers of variables."""
        loops = loops if tail else {}
        match node:
            case Const() | GlobalRef():
                pass
            case LocalRef():
                self.variable(node, scope)
            case Lambda():
                self.procedure(node, scope)
            case Let():
                self.all(node.values, scope)
                self.binder(node, scope)
                self.expression(node.body, scope, loops, True)
                scope.difference_update(node.variables)
            case Letrec():
                self.binder(node, scope)
                self.all(node.values, scope)
                self.expression(node.body, scope, loops, True)
                scope.difference_update(node.variables)
            case Loop():
                self.all(node.values, scope)
                own = {**loops, node.label: len(node.variables)}
                self.binder(node, scope)
                self.expression(node.body, scope, own, True)
                scope.difference_update(node.variables)
            case Continue():
                self.require(node.label in loops, node, "continue outside of its loop's tail")
                count = loops[node.label]
                self.require(len(node.arguments) == count, node, "continue with another count")
                self.all(node.arguments, scope)
            case If():
                self.all([node.test], scope)
                self.expression(node.then, scope, loops, True)
                self.expression(node.otherwise, scope, loops, True)
            case Sequence():
                self.require(len(node.steps) > 0, node, "empty sequence")
                self.all(node.steps[:-1], scope)
                self.expression(node.steps[-1], scope, loops, True)
            case Call():
                keywords = [value for _, value in node.keywords]
                self.all([node.procedure, *node.arguments, *keywords], scope)
            case SetGlobal():
                self.all([node.value], scope)
            case SetLocal():
                self.require(not self.boxes, node, "assignment left after conversion")
                self.variable(node, scope)
                self.all([node.value], scope)
            case MakeBox():
                self.require(self.boxes, node, "box before conversion")
                self.all([node.value], scope)
            case BoxRef():
                self.require(self.boxes, node, "box before conversion")
                self.variable(node, scope)
            case BoxSet():
                self.require(self.boxes, node, "box before conversion")
                self.variable(node, scope)
                self.all([node.value], scope)
            case _:
                self.require(False, node, "not an expression")

    def procedure(self, node: Lambda, scope: Scope) -> None:
        """A default sees the parameters before it; the body sees all, and no loop outside."""
        keywords = [bool(parameter.keyword) for parameter in node.parameters]
        self.require(keywords == sorted(keywords), node, "a parameter after one with a keyword")
        for parameter in node.parameters:
            if parameter.default is not None:
                self.expression(parameter.default, scope, {}, False)
            self.require(parameter.variable not in scope, node, "parameter bound twice")
            scope.add(parameter.variable)
        if node.rest is not None:
            self.require(node.rest not in scope, node, "parameter bound twice")
            scope.add(node.rest)
        self.expression(node.body, scope, {}, True)
        scope.difference_update(bound_variables(node))

"""Assignment conversion: a variable that is assigned somewhere holds a box instead.

After it no variable ever changes, so a closure may copy the variables it captures, and a branch
or a loop body that assigns a variable changes a box, which staging can follow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from eshkol.core.free import assigned_variables
from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Const,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    MakeBox,
    Node,
    Parameter,
    SetLocal,
    Variable,
)
from eshkol.core.walk import rebuild


def convert_assignments(node: Node) -> Node:
    """``node`` with every assigned variable turned into a variable that holds a box."""
    assigned = assigned_variables(node)
    return _convert(node, assigned) if assigned else node


def _convert(node: Node, assigned: set[Variable]) -> Node:
    def change(part: Node) -> Node:
        return _convert(part, assigned)

    match node:
        case LocalRef() if node.variable in assigned:
            return BoxRef(node.span, node.variable)
        case SetLocal():
            return BoxSet(node.span, node.variable, change(node.value))
        case Lambda():
            return _convert_lambda(cast(Lambda, rebuild(node, change)), assigned)
        case Let():
            values = tuple(
                MakeBox(value.span, change(value)) if variable in assigned else change(value)
                for variable, value in zip(node.variables, node.values, strict=True)
            )
            return replace(node, values=values, body=change(node.body))
        case Letrec() if assigned.intersection(node.variables):
            return _convert_letrec(node, assigned)
    return rebuild(node, change)


def _boxed(variables: list[tuple[Variable, Variable]], body: Node) -> Node:
    """``body`` with each ``(variable, source)`` bound to a box of what ``source`` holds."""
    if not variables:
        return body
    return Let(
        body.span,
        tuple(variable for variable, _ in variables),
        tuple(MakeBox(body.span, LocalRef(body.span, source)) for _, source in variables),
        body,
    )


def _convert_lambda(node: Lambda, assigned: set[Variable]) -> Lambda:
    boxes: list[tuple[Variable, Variable]] = []
    parameters = []
    for parameter in node.parameters:
        variable = _fresh_if_assigned(parameter.variable, assigned, boxes)
        parameters.append(Parameter(variable, parameter.default))
    rest = node.rest and _fresh_if_assigned(node.rest, assigned, boxes)
    body = _boxed(boxes, node.body)
    return replace(node, parameters=tuple(parameters), rest=rest, body=body)


def _fresh_if_assigned(
    variable: Variable, assigned: set[Variable], boxes: list[tuple[Variable, Variable]]
) -> Variable:
    if variable not in assigned:
        return variable
    fresh = Variable(variable.name)
    boxes.append((variable, fresh))
    return fresh


class Unassigned:
    """Fills the box of a ``letrec*`` variable until its value is there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "#<unassigned>"

    def __reduce__(self):
        return "UNASSIGNED"


UNASSIGNED = Unassigned()


def _convert_letrec(node: Letrec, assigned: set[Variable]) -> Node:
    """Boxes come first; a boxed variable's value is put in at its place among the others."""
    boxed = [variable for variable in node.variables if variable in assigned]
    variables: list[Variable] = []
    values: list[Node] = []
    for variable, value in zip(node.variables, node.values, strict=True):
        changed = _convert(value, assigned)
        if variable in assigned:
            variables.append(Variable(f"set-{variable.name}"))
            values.append(BoxSet(value.span, variable, changed))
        else:
            variables.append(variable)
            values.append(changed)
    inner = Letrec(node.span, tuple(variables), tuple(values), _convert(node.body, assigned))
    empty = tuple(MakeBox(node.span, Const(node.span, UNASSIGNED)) for _ in boxed)
    return Let(node.span, tuple(boxed), empty, inner)

"""Assignment conversion: a variable that is assigned somewhere holds a box instead.

After it no variable ever changes, so a closure may copy the variables it captures, and a branch
or a loop body that assigns a variable changes a box, which staging can follow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from eshkol.core.free import assigned_variables, free_variables
from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Call,
    Const,
    GlobalRef,
    If,
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
from eshkol.core.walk import bound_variables, everything, rebuild
from eshkol.datum.values import UNASSIGNED


def convert_assignments(node: Node) -> Node:
    """``node`` with every assigned variable turned into a variable that holds a box."""
    variables = assigned_variables(node)
    if not variables:
        return node
    late = _read_early(node, variables)
    return _convert(node, {variable: variable in late for variable in variables})


Assigned = dict[Variable, bool]
"""The assigned variables, and whether one may be read before its value is there."""


def _read_early(node: Node, assigned: set[Variable]) -> set[Variable]:
    """The assigned variables of ``letrec*`` that may be read before their values are there.

    Something is computed before, or for the value itself, that mentions the variable or can call
    a procedure which does.
    """
    found: set[Variable] = set()
    for part in everything(node):
        if not isinstance(part, Letrec) or assigned.isdisjoint(part.variables):
            continue
        pending = list(part.variables)
        procedures: set[Variable] = set()
        for value in part.values:
            if isinstance(value, Lambda):
                procedures.update(free_variables(value))
            elif not isinstance(value, Const):
                found |= assigned.intersection(pending) & procedures.union(free_variables(value))
            pending.pop(0)
    return found


def _convert(node: Node, assigned: Assigned) -> Node:
    def change(part: Node) -> Node:
        return _convert(part, assigned)

    match node:
        case LocalRef() if node.variable in assigned:
            return _read(node, assigned[node.variable])
        case SetLocal():
            return BoxSet(node.span, node.variable, change(node.value))
        case Lambda():
            return _convert_lambda(cast(Lambda, rebuild(node, change)), assigned)
        case Let():
            values = [
                MakeBox(value.span, change(value)) if variable in assigned else change(value)
                for variable, value in zip(node.variables, node.values, strict=True)
            ]
            return replace(node, values=tuple(values), body=change(node.body))
        case Letrec() if not assigned.keys().isdisjoint(node.variables):
            return _convert_letrec(node, assigned)
    return rebuild(node, change)


def _read(node: LocalRef, is_checked: bool) -> Node:
    """What an assigned variable holds."""
    content = BoxRef(node.span, node.variable)
    if not is_checked:
        return content
    check = GlobalRef(node.span, " assigned")
    return Call(node.span, check, (content, Const(node.span, node.variable.name)))


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


def _convert_lambda(node: Lambda, assigned: Assigned) -> Lambda:
    own = assigned.keys() & bound_variables(node)
    late = _first_default_with(own, node)
    boxes: list[tuple[Variable, Variable]] = []
    parameters = []
    for parameter in node.parameters[:late]:
        variable = _fresh_if_assigned(parameter.variable, assigned, boxes)
        parameters.append(replace(parameter, variable=variable))
    defaulted = []
    missing = GlobalRef(node.span, " missing")
    for parameter in node.parameters[late:]:
        if parameter.default is None:
            variable = _fresh_if_assigned(parameter.variable, assigned, boxes)
            parameters.append(replace(parameter, variable=variable))
        else:
            variable = Variable(parameter.variable.name)
            parameters.append(replace(parameter, variable=variable, default=missing))
            defaulted.append((parameter, variable))
    rest_boxes: list[tuple[Variable, Variable]] = []
    rest = node.rest and _fresh_if_assigned(node.rest, assigned, rest_boxes)
    body = _boxed(rest_boxes, node.body)
    for parameter, variable in reversed(defaulted):
        body = _with_default(parameter, variable, parameter.variable in assigned, body)
    body = _boxed(boxes, body)
    return replace(node, parameters=tuple(parameters), rest=rest, body=body)


def _first_default_with(variables: set[Variable], node: Lambda) -> int:
    """The index of the first parameter whose default mentions one of ``variables``."""
    for index, parameter in enumerate(node.parameters):
        default = parameter.default
        if default is not None and not variables.isdisjoint(free_variables(default)):
            return index
    return len(node.parameters)


def _with_default(parameter: Parameter, given: Variable, is_boxed: bool, body: Node) -> Let:
    """``body`` with a parameter bound to ``given``, or to its default, which may use boxes."""
    default = parameter.default
    assert default is not None
    span = default.span
    value, missing = LocalRef(span, given), GlobalRef(span, " missing")
    is_missing = Call(span, GlobalRef(span, " eqv?"), (value, missing))
    chosen: Node = If(span, is_missing, default, value)
    bound = MakeBox(span, chosen) if is_boxed else chosen
    return Let(span, (parameter.variable,), (bound,), body)


def _fresh_if_assigned(
    variable: Variable, assigned: Assigned, boxes: list[tuple[Variable, Variable]]
) -> Variable:
    if variable not in assigned:
        return variable
    fresh = Variable(variable.name)
    boxes.append((variable, fresh))
    return fresh


def _convert_letrec(node: Letrec, assigned: Assigned) -> Node:
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

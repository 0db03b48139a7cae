"""Loop recognition: tail recursion becomes ``Loop`` and ``Continue``.

Two cases, whatever form they were written in (named ``let`` and ``do`` are no special case):

* a ``letrec`` procedure that is entered at one place and called otherwise only in tail position
  of its own body *is* a loop: the entry becomes the loop;
* a procedure, local or at top level, that calls itself in tail position gets a loop as its body;
  its other calls of itself stay calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from eshkol.core.nodes import (
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
    Node,
    Parameter,
    Sequence,
    SetGlobal,
    Variable,
)
from eshkol.core.walk import everything, rebuild

IsSelf = Callable[[Node], bool]


def recognize_loops(node: Node) -> Node:
    """``node`` with its tail recursions turned into loops, innermost first."""
    node = rebuild(node, recognize_loops)
    match node:
        case Letrec():
            return _recognize_letrec(node)
        case Let(body=Loop() as loop):
            return _start_at_constants(node, loop)
        case Define(value=Lambda() as procedure) if not _is_set(node.name, procedure):
            name = node.name
            looping = _self_loop(
                procedure, lambda part: isinstance(part, GlobalRef) and part.name == name
            )
            return replace(node, value=looping)
    return node


def _start_at_constants(node: Let, loop: Loop) -> Node:
    """Let a loop start at the constants themselves that ``node`` binds to variables."""
    constants = {
        variable: value
        for variable, value in zip(node.variables, node.values, strict=True)
        if isinstance(value, Const)
    }
    starts = tuple(
        constants.get(value.variable, value) if isinstance(value, LocalRef) else value
        for value in loop.values
    )
    loop = replace(loop, values=starts)
    used = {part.variable for part in everything(loop) if isinstance(part, LocalRef)}
    kept = [
        (variable, value)
        for variable, value in zip(node.variables, node.values, strict=True)
        if variable in used or variable not in constants
    ]
    if not kept:
        return loop
    variables, values = zip(*kept, strict=True)
    return replace(node, variables=variables, values=values, body=loop)


def _is_set(name: str, node: Node) -> bool:
    return any(isinstance(part, SetGlobal) and part.name == name for part in everything(node))


def _refers_to(variable: Variable) -> IsSelf:
    return lambda part: isinstance(part, LocalRef) and part.variable is variable


def _recognize_letrec(node: Letrec) -> Node:
    if len(node.variables) == 1 and isinstance(node.values[0], Lambda):
        loop = _as_loop(node, node.variables[0], node.values[0])
        if loop is not None:
            return loop
    values = tuple(
        _self_loop(value, _refers_to(variable)) if isinstance(value, Lambda) else value
        for variable, value in zip(node.variables, node.values, strict=True)
    )
    return replace(node, values=values)


def _as_loop(node: Letrec, variable: Variable, procedure: Lambda) -> Node | None:
    is_self = _refers_to(variable)
    if not _is_simple(procedure) or procedure.documentation:
        return None
    inside = sum(is_self(part) for part in everything(procedure.body))
    outside = sum(is_self(part) for part in everything(node.body))
    tails = _tail_self_calls(procedure.body, is_self, len(procedure.parameters))
    if outside != 1 or inside != len(list(tails)):
        return None
    label = Label(variable.name)
    variables = tuple(p.variable for p in procedure.parameters)
    body = _with_continues(procedure.body, is_self, label, len(variables))
    return _replace_entry(node.body, is_self, lambda call: _enter(call, label, variables, body))


def _enter(call: Call, label: Label, variables: tuple[Variable, ...], body: Node) -> Node | None:
    if len(call.arguments) != len(variables) or call.keywords:
        return None
    return Loop(call.span, label, variables, call.arguments, body)


def _replace_entry(
    node: Node, is_self: IsSelf, enter: Callable[[Call], Node | None]
) -> Node | None:
    """``node`` with its one call of the procedure replaced; None if it isn't a plain call."""
    done: list[bool] = []

    def change(part: Node) -> Node:
        if isinstance(part, Lambda) or done:
            return part
        if isinstance(part, Call) and is_self(part.procedure):
            entered = enter(part)
            if entered is not None:
                done.append(True)
                return entered
            return part
        return rebuild(part, change)

    result = change(node)
    return result if done else None


def _is_simple(procedure: Lambda) -> bool:
    return procedure.rest is None and all(
        p.default is None and not p.keyword for p in procedure.parameters
    )


def _self_loop(procedure: Lambda, is_self: IsSelf) -> Lambda:
    if not _is_simple(procedure):
        return procedure
    count = len(procedure.parameters)
    if not any(True for _ in _tail_self_calls(procedure.body, is_self, count)):
        return procedure
    label = Label(procedure.name)
    outer = tuple(Variable(p.variable.name) for p in procedure.parameters)
    variables = tuple(p.variable for p in procedure.parameters)
    entry = tuple(LocalRef(procedure.span, variable) for variable in outer)
    body = _with_continues(procedure.body, is_self, label, count)
    loop = Loop(procedure.body.span, label, variables, entry, body)
    return replace(procedure, parameters=tuple(Parameter(v) for v in outer), body=loop)


def _tail_self_calls(node: Node, is_self: IsSelf, count: int) -> Iterator[Call]:
    """The calls of the procedure in tail position of ``node`` with ``count`` arguments."""
    match node:
        case Call() if is_self(node.procedure):
            if len(node.arguments) == count and not node.keywords:
                yield node
        case If():
            yield from _tail_self_calls(node.then, is_self, count)
            yield from _tail_self_calls(node.otherwise, is_self, count)
        case Sequence():
            yield from _tail_self_calls(node.steps[-1], is_self, count)
        case Let() | Letrec() | Loop():
            yield from _tail_self_calls(node.body, is_self, count)


def _with_continues(node: Node, is_self: IsSelf, label: Label, count: int) -> Node:
    """``node`` with its tail calls of the procedure replaced by ``Continue``."""

    def change(part: Node) -> Node:
        return _with_continues(part, is_self, label, count)

    match node:
        case Call() if any(True for _ in _tail_self_calls(node, is_self, count)):
            return Continue(node.span, label, node.arguments)
        case If():
            return replace(node, then=change(node.then), otherwise=change(node.otherwise))
        case Sequence():
            return replace(node, steps=(*node.steps[:-1], change(node.steps[-1])))
        case Let() | Letrec() | Loop():
            return replace(node, body=change(node.body))
    return node

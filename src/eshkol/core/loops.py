"""Loop recognition: tail recursion becomes ``Loop`` and ``Continue``.

Two cases, whatever form they were written in (named ``let`` and ``do`` are no special case):

* a ``letrec`` procedure that is entered at one place and called otherwise only in tail position
  of its own body *is* a loop: the entry becomes the loop;
* a procedure, local or at top level, that calls itself in tail position gets a loop as its body;
  its other calls of itself stay calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

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
    Parameter,
    Sequence,
    SetGlobal,
    Variable,
)
from eshkol.core.walk import everything, rebuild

IsSelf = Callable[[Node], bool]

Uses = dict[Variable, int]
"""How often each variable is mentioned; finding a loop changes that for no variable around it."""


def recognize_loops(node: Node) -> Node:
    """``node`` with its tail recursions turned into loops, innermost first."""
    return _recognize(node, _count_uses(node))


def _count_uses(node: Node) -> Uses:
    uses: Uses = {}
    for part in everything(node):
        if isinstance(part, LocalRef):
            uses[part.variable] = uses.get(part.variable, 0) + 1
    return uses


def _recognize(node: Node, uses: Uses) -> Node:
    node = rebuild(node, lambda part: _recognize(part, uses))
    match node:
        case Letrec():
            return _recognize_letrec(node, uses)
        case Let(body=Loop() as loop):
            return _start_at_constants(node, loop, uses)
        case Define(value=Lambda() as procedure) if not _is_set(node.name, procedure):
            name = node.name
            looping = _self_loop(
                procedure, lambda part: isinstance(part, GlobalRef) and part.name == name
            )
            return replace(node, value=looping)
    return node


def _start_at_constants(node: Let, loop: Loop, uses: Uses) -> Node:
    """Let a loop start at the constants themselves that ``node`` binds to variables."""
    constants = {
        variable: value
        for variable, value in zip(node.variables, node.values, strict=True)
        if isinstance(value, Const)
    }
    replaced = Counter(v.variable for v in loop.values if isinstance(v, LocalRef))
    starts = [
        constants.get(value.variable, value) if isinstance(value, LocalRef) else value
        for value in loop.values
    ]
    loop = replace(loop, values=tuple(starts))
    kept = [
        (variable, value)
        for variable, value in zip(node.variables, node.values, strict=True)
        if variable not in constants or uses.get(variable, 0) > replaced[variable]
    ]
    if not kept:
        return loop
    variables, values = zip(*kept, strict=True)
    return replace(node, variables=variables, values=values, body=loop)


def _is_set(name: str, node: Node) -> bool:
    return any(isinstance(part, SetGlobal) and part.name == name for part in everything(node))


def _refers_to(variable: Variable) -> IsSelf:
    return lambda part: isinstance(part, LocalRef) and part.variable is variable


def _recognize_letrec(node: Letrec, uses: Uses) -> Node:
    if len(node.variables) == 1 and isinstance(node.values[0], Lambda):
        loop = _as_loop(node, node.variables[0], node.values[0], uses)
        if loop is not None:
            return loop
    values = [
        _self_loop(value, _refers_to(variable))
        if isinstance(value, Lambda) and uses.get(variable)
        else value
        for variable, value in zip(node.variables, node.values, strict=True)
    ]
    return replace(node, values=tuple(values))


def _as_loop(node: Letrec, variable: Variable, procedure: Lambda, uses: Uses) -> Node | None:
    is_self = _refers_to(variable)
    count = uses.get(variable, 0)
    if not count or not _is_simple(procedure) or procedure.documentation:
        return None
    tails = _tail_self_calls(procedure.body, is_self, len(procedure.parameters), most=count - 1)
    if len(tails) != count - 1:
        return None
    label = Label(variable.name)
    variables = tuple(p.variable for p in procedure.parameters)
    if not tails:
        own = procedure.body
        return _replace_entry(node.body, is_self, lambda call: _enter_once(call, variables, own))
    body = _with_continues(_tests_first(procedure.body), is_self, label, len(variables))
    return _replace_entry(node.body, is_self, lambda call: _enter(call, label, variables, body))


def _enter(call: Call, label: Label, variables: tuple[Variable, ...], body: Node) -> Node | None:
    if len(call.arguments) != len(variables) or call.keywords:
        return None
    return Loop(call.span, label, variables, call.arguments, body)


def _enter_once(call: Call, variables: tuple[Variable, ...], body: Node) -> Node | None:
    """A loop without a second trip only binds its variables."""
    if len(call.arguments) != len(variables) or call.keywords:
        return None
    return Let(call.span, variables, call.arguments, body) if variables else body


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
    if not _tail_self_calls(procedure.body, is_self, count, most=1):
        return procedure
    label = Label(procedure.name, is_procedure=True)
    outer = tuple(Variable(p.variable.name) for p in procedure.parameters)
    variables = tuple(p.variable for p in procedure.parameters)
    entry = tuple(LocalRef(procedure.span, variable) for variable in outer)
    body = _with_continues(_tests_first(procedure.body), is_self, label, count)
    loop = Loop(procedure.body.span, label, variables, entry, body)
    return replace(procedure, parameters=tuple(Parameter(v) for v in outer), body=loop)


def _tail_self_calls(node: Node, is_self: IsSelf, count: int, most: int) -> list[Call]:
    """The first ``most`` calls of the procedure with ``count`` arguments in tail position."""
    found: list[Call] = []
    rest = [node]
    while rest and len(found) < most:
        part = rest.pop()
        match part:
            case Call() if _is_self_call(part, is_self, count):
                found.append(part)
            case If():
                rest += (part.otherwise, part.then)
            case Sequence():
                rest.append(part.steps[-1])
            case Let() | Letrec() | Loop():
                rest.append(part.body)
    return found


def _is_self_call(node: Call, is_self: IsSelf, count: int) -> bool:
    """Whether a call is one of the procedure, with ``count`` arguments."""
    return is_self(node.procedure) and len(node.arguments) == count and not node.keywords


def _with_continues(node: Node, is_self: IsSelf, label: Label, count: int) -> Node:
    """``node`` with its tail calls of the procedure replaced by ``Continue``."""

    def change(part: Node) -> Node:
        return _with_continues(part, is_self, label, count)

    match node:
        case Call() if _is_self_call(node, is_self, count):
            return Continue(node.span, label, node.arguments)
        case If():
            return replace(node, then=change(node.then), otherwise=change(node.otherwise))
        case Sequence():
            return replace(node, steps=(*node.steps[:-1], change(node.steps[-1])))
        case Let() | Letrec() | Loop():
            return replace(node, body=change(node.body))
    return node


# ---- loops that assign their variables


def _tests_first(body: Node) -> Node:
    """A trip in which the boxes of loop variables are made after the tests that only read them.

    Such a loop begins with its test, like one that assigns none of its variables.
    """
    match body:
        case Let(body=If() as choice):
            held = {
                variable: value.value
                for variable, value in zip(body.variables, body.values, strict=True)
                if isinstance(value, MakeBox) and isinstance(value.value, LocalRef)
            }
            if len(held) == len(body.variables) and _only_reads(choice.test, held):
                return replace(
                    choice,
                    test=_unboxed(choice.test, held),
                    then=_tests_first(replace(body, body=choice.then)),
                    otherwise=_tests_first(replace(body, body=choice.otherwise)),
                )
    return body


def _only_reads(node: Node, held: dict[Variable, LocalRef]) -> bool:
    """Whether what boxes hold is all that ``node`` wants of them."""
    return not any(
        isinstance(part, Lambda) or (isinstance(part, BoxSet) and part.variable in held)
        for part in everything(node)
    )


def _unboxed(node: Node, held: dict[Variable, LocalRef]) -> Node:
    """``node`` with what the boxes hold for reading them."""
    if isinstance(node, BoxRef) and node.variable in held:
        return replace(held[node.variable], span=node.span)
    return rebuild(node, lambda part: _unboxed(part, held))

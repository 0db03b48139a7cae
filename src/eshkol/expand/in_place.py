"""Calls of primitives that update their arguments in place.

Tensors don't change: ``(tensor-set! x i v)`` gives the variable x a new tensor, as ``(set! x …)``
would. So where such a primitive is called and an argument that it updates is a variable, the
variable is assigned what the primitive gives for it. A parameter of a procedure is not: the caller
would not see the new value, and the primitive says so when it meets a tensor there.
"""

from __future__ import annotations

from typing import Any

from eshkol.core.nodes import (
    Call,
    Const,
    Formal,
    GlobalRef,
    Let,
    LocalRef,
    Node,
    Sequence,
    SetGlobal,
    SetLocal,
    Variable,
)
from eshkol.expand.places import PLACES


def in_place(expander: Any, call: Call) -> Node:
    """The call, with the variables that it updates assigned if its procedure updates any."""
    procedure = call.procedure
    if not isinstance(procedure, GlobalRef) or procedure.name not in PLACES:
        return call
    if not expander.is_primitive(procedure.name):
        return call
    places = [
        place
        for place in PLACES[procedure.name]
        if place < len(call.arguments) and _is_assignable(expander, call.arguments[place])
    ]
    return _assigning(call, places) if places else call


def _is_assignable(expander: Any, node: Node) -> bool:
    if isinstance(node, LocalRef):
        return not isinstance(node.variable, Formal)
    return isinstance(node, GlobalRef) and not expander.is_primitive(node.name)


def _assigning(call: Call, places: list[int]) -> Node:
    """``(let ((news (| in_place| procedure places argument …))) (set! x (news 1)) … (news 0))``."""
    span, news = call.span, Variable("news")
    mask = Const(span, sum(1 << place for place in places))
    arguments = (call.procedure, mask, *call.arguments)
    update = Call(span, GlobalRef(span, " in_place"), arguments, call.keywords)

    def new(index: int) -> Node:
        item = GlobalRef(span, " item")
        return Call(span, item, (LocalRef(span, news), Const(span, index)), ())

    steps = [_assign(call, call.arguments[place], new(i + 1)) for i, place in enumerate(places)]
    return Let(span, (news,), (update,), Sequence(span, (*steps, new(0))))


def _assign(call: Call, variable: Node, value: Node) -> Node:
    if isinstance(variable, LocalRef):
        return SetLocal(call.span, variable.variable, value)
    assert isinstance(variable, GlobalRef)
    return SetGlobal(call.span, variable.name, value)

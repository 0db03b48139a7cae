"""``map``, ``for-each``, ``filter`` and ``fold`` of a procedure written in place, as Python loops.

``(for-each (lambda (x) body) items)`` calls nothing for an element: the body stands in a ``for``
statement. This is left to the primitive if the procedure makes procedures, which could keep the
variables of one trip, or is not written in place.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.core.nodes import Call, GlobalRef, Lambda, LocalRef, Node, Parameter, Variable
from eshkol.core.walk import bound_variables, everything

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter

Trip = Callable[["EagerEmitter", Lambda, str], None]
"""Emits what happens to an element; the string is the Python variable of the result."""


def inline_traversal(emitter: EagerEmitter, node: Call) -> ast.expr | None:
    """The expression for a traversal whose procedure is written in place; None if it is none."""
    procedure = node.procedure
    if not isinstance(procedure, GlobalRef) or not emitter.is_primitive(procedure):
        return None
    arity = TRAVERSALS.get(procedure.name)
    if arity is None or node.keywords or len(node.arguments) != arity + 1:
        return None
    function = _in_place(emitter, node.arguments[0], arity)
    if function is None:
        return None
    return _traversal(emitter, node, procedure.name, function)


TRAVERSALS = {"map": 1, "for-each": 1, "filter": 1, "fold": 2, "fold-left": 2, "foldl": 2}
"""How many arguments the procedure takes: the last one is the element."""


def _in_place(emitter: EagerEmitter, function: Node, arity: int) -> Lambda | None:
    """The procedure if its body can stand in the loop; for a primitive one that calls it."""
    if isinstance(function, GlobalRef) and arity == 2 and emitter.is_primitive(function):
        both = tuple(Variable(name) for name in ("result", "item"))
        span = function.span
        call = Call(span, function, tuple(LocalRef(span, variable) for variable in both))
        return Lambda(span, function.name, tuple(map(Parameter, both)), None, call)
    if not isinstance(function, Lambda) or function.rest is not None:
        return None
    if len(function.parameters) != arity or any(p.default for p in function.parameters):
        return None
    makes_procedures = any(isinstance(part, Lambda) for part in everything(function.body))
    return None if makes_procedures else function


def _traversal(emitter: EagerEmitter, node: Call, name: str, function: Lambda) -> ast.expr:
    span = node.span
    *initial, items = emitter.expressions(node.arguments[1:])
    _rename(emitter, function)
    emitter.note_inlined(function.body)
    parameters = [emitter.name(p.variable) for p in function.parameters]
    result = parameters[0] if initial else emitter.temporary()
    if initial:
        emitter.add(py.assign(span, result, initial[0]))
    elif name != "for-each":
        emitter.add(py.assign(span, result, py.at(span, ast.List([], py.LOAD))))
    listed = py.call(span, " list_argument", py.constant(span, name), items)
    trip, _ = emitter.in_block(lambda: _TRIPS[name](emitter, function, result))
    target = py.store(span, parameters[-1])
    trip = trip or [py.at(span, ast.Pass())]
    emitter.add(py.at(span, ast.For(target, listed, trip, [])))
    if name == "for-each":
        return emitter.unspecified(span)
    value = py.load(span, result)
    return value if initial else py.call(span, " scheme_list", value)


def _rename(emitter: EagerEmitter, function: Lambda) -> None:
    """Give the procedure's variables names that no other of the Python function has."""
    for part in everything(function):
        for variable in bound_variables(part):
            emitter.unit.names[variable] = emitter.temporary()


def _append(emitter: EagerEmitter, span: Span, result: str, value: ast.expr) -> ast.stmt:
    method = py.at(span, ast.Attribute(py.load(span, result), "append", py.LOAD))
    return py.at(span, ast.Expr(py.call(span, method, value)))


def _for_each(emitter: EagerEmitter, function: Lambda, result: str) -> None:
    emitter.effect(function.body)


def _map(emitter: EagerEmitter, function: Lambda, result: str) -> None:
    value = emitter.expression(function.body)
    emitter.add(_append(emitter, function.body.span, result, value))


def _filter(emitter: EagerEmitter, function: Lambda, result: str) -> None:
    span = function.body.span
    test = emitter.condition(function.body)
    item = py.load(span, emitter.name(function.parameters[0].variable))
    emitter.add(py.at(span, ast.If(test, [_append(emitter, span, result, item)], [])))


def _fold(emitter: EagerEmitter, function: Lambda, result: str) -> None:
    emitter.add(py.assign(function.body.span, result, emitter.expression(function.body)))


_TRIPS: dict[str, Trip] = {
    "for-each": _for_each,
    "map": _map,
    "filter": _filter,
    "fold": _fold,
    "fold-left": _fold,
    "foldl": _fold,
}

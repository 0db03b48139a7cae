"""Calls of ``call-with-values`` whose consumer is written in them.

They bind the values as ``let-values`` does, so the body of the consumer stays in tail position: a
call there of a loop around goes on with the loop.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from eshkol.core.nodes import Call, Const, GlobalRef, Lambda, Let, LocalRef, Node, Variable


def with_values_bound(expander: Any, call: Call) -> Node:
    """The call; of ``call-with-values`` with a procedure, its body with the variables bound."""
    procedure = call.procedure
    if not isinstance(procedure, GlobalRef) or procedure.name != "call-with-values":
        return call
    if len(call.arguments) != 2 or call.keywords or not expander.is_primitive(procedure.name):
        return call
    producer, consumer = call.arguments
    if not _takes_values(producer, 0) or not _takes_values(consumer):
        return call
    return _bound(call, producer.body, consumer)


def _takes_values(node: Node, most: int | None = None) -> TypeGuard[Lambda]:
    """Whether a node is a procedure whose parameters have no defaults, nor are given by name."""
    return (
        isinstance(node, Lambda)
        and all(p.default is None and not p.keyword for p in node.parameters)
        and (most is None or (len(node.parameters) <= most and node.rest is None))
    )


def _bound(call: Call, expression: Node, consumer: Lambda) -> Node:
    """The body of ``consumer`` where its variables are bound to what ``expression`` gives."""
    span, values = call.span, Variable("values 0")
    names = [parameter.variable for parameter in consumer.parameters]

    def constant(value: Any) -> Node:
        return Const(span, value)

    taken = Call(
        span,
        GlobalRef(span, " take_values"),
        (
            expression,
            constant(len(names)),
            constant(consumer.rest is not None),
            constant("call-with-values"),
        ),
        (),
    )
    variables = names if consumer.rest is None else [*names, consumer.rest]
    items = [
        Call(span, GlobalRef(span, " item"), (LocalRef(span, values), constant(index)), ())
        for index in range(len(variables))
    ]
    inner = Let(span, tuple(variables), tuple(items), consumer.body)
    return Let(span, (values,), (taken,), inner)

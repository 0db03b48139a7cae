"""Strings in place: ``string-append`` as one Python f-string, ``number->string`` of ints."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.guards import both, generic_call, guarded, is_moderate, is_of, operands_of
from eshkol.codegen.kinds import INT, STRING
from eshkol.core.nodes import Call, GlobalRef, Node

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter

AS_STRING = ord("s")
"""The conversion of a part of an f-string for which Python calls ``str``."""


def string_append(emitter: EagerEmitter, node: Call) -> ast.expr:
    """The strings in one; the primitive does it with strings that can be changed."""
    span = node.span
    if all(emitter.kinds.of(argument) == STRING for argument in node.arguments):
        numbers = [_number(emitter, argument) for argument in node.arguments]
        texts = emitter.expressions(
            [a if n is None else n for a, n in zip(node.arguments, numbers, strict=True)]
        )
        return _joined(span, texts, [AS_STRING if n else -1 for n in numbers])
    operands = operands_of(emitter, node)
    tests = [
        is_of(span, value, STRING)
        for argument, value in zip(node.arguments, operands, strict=True)
        if emitter.kinds.of(argument) != STRING
    ]
    fast = _joined(span, operands, [-1] * len(operands))
    return guarded(span, both(span, tests), fast, generic_call(emitter, node, operands))


def _number(emitter: EagerEmitter, node: Node) -> Node | None:
    """The int of which ``node`` makes a string, if Python makes the same of it."""
    match node:
        case Call(procedure=GlobalRef(name="number->string"), arguments=(number,), keywords=()):
            if emitter.is_primitive(node.procedure) and emitter.kinds.is_moderate(number):
                return number
    return None


def _joined(span: Span, texts: list[ast.expr], conversions: list[int]) -> ast.expr:
    parts: list[ast.expr] = [
        text
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
        else py.at(span, ast.FormattedValue(text, conversion, None))
        for text, conversion in zip(texts, conversions, strict=True)
    ]
    return py.at(span, ast.JoinedStr(parts))


def number_to_string(emitter: EagerEmitter, node: Call) -> ast.expr:
    """The digits of an int of no great size; Python refuses to write out very large ones."""
    span, operands = node.span, operands_of(emitter, node)
    number, kind = node.arguments[0], emitter.kinds.of(node.arguments[0])
    tests = [] if kind == INT else [is_of(span, operands[0], INT)]
    if not emitter.kinds.is_moderate(number):
        tests.append(is_moderate(span, operands[0]))
    fast = py.call(span, " str", operands[0])
    guard = both(span, tests)
    return guarded(span, guard, fast, generic_call(emitter, node, operands))


def string_length(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, operands = node.span, operands_of(emitter, node)
    guard = emitter.kinds.of(node.arguments[0]) == STRING or is_of(span, operands[0], STRING)
    fast = py.call(span, " len", operands[0])
    return guarded(span, guard, fast, generic_call(emitter, node, operands))

"""Primitives whose fast path is emitted in place.

``(+ a b)`` becomes ``a + b`` under a guard that both are Python ints or floats, with a call of the
generic primitive otherwise; likewise comparisons. ``null?``, ``pair?``, ``eq?``-like tests that
are one Python test are emitted as that test.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.core.nodes import Call, Const, GlobalRef, LocalRef, Node

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter

ARITHMETIC: dict[str, tuple[type[ast.operator], str]] = {
    "+": (ast.Add, " add"),
    "-": (ast.Sub, " subtract"),
    "*": (ast.Mult, " multiply"),
}

COMPARISONS: dict[str, tuple[type[ast.cmpop], str]] = {
    "=": (ast.Eq, " equal_to"),
    "<": (ast.Lt, " less"),
    ">": (ast.Gt, " greater"),
    "<=": (ast.LtE, " less_equal"),
    ">=": (ast.GtE, " greater_equal"),
}

BINARY_CALLS = {"/": " divide"}


def inline_call(emitter: EagerEmitter, node: Call) -> ast.expr | None:
    """The expression for a call of an inlined primitive; None if it is an ordinary call."""
    if not emitter.is_primitive(node.procedure) or node.keywords:
        return None
    assert isinstance(node.procedure, GlobalRef)
    name, count = node.procedure.name, len(node.arguments)
    if count == 2 and name in ARITHMETIC:
        operator, generic = ARITHMETIC[name]
        return _arithmetic(emitter, node, operator, generic)
    if count == 2 and name in COMPARISONS:
        comparison, generic = COMPARISONS[name]
        return _comparison(emitter, node, comparison, generic)
    if count == 2 and name in BINARY_CALLS:
        left, right = emitter.expressions(node.arguments)
        return py.call(node.span, BINARY_CALLS[name], left, right)
    return inline_test(emitter, node)


def inline_test(emitter: EagerEmitter, node: Node) -> ast.expr | None:
    """``null?``, ``pair?`` and ``not`` as Python tests that give a Python bool."""
    if not isinstance(node, Call) or len(node.arguments) != 1 or node.keywords:
        return None
    if emitter.is_primitive(node.procedure, "null?"):
        value = emitter.expression(node.arguments[0])
        return py.is_identical(node.span, value, py.load(node.span, " nil"))
    if emitter.is_primitive(node.procedure, "pair?"):
        value = emitter.expression(node.arguments[0])
        kind = py.class_of(node.span, value)
        return py.is_identical(node.span, kind, py.load(node.span, " Pair"))
    return None


def _operands(emitter: EagerEmitter, node: Call) -> list[ast.expr]:
    """The operands, each a Python name or constant, so that it can be read twice."""
    values = emitter.expressions(node.arguments)
    return [
        value
        if isinstance(argument, LocalRef) or _is_number(argument)
        else emitter.keep(argument.span, value)
        for argument, value in zip(node.arguments, values, strict=True)
    ]


def _is_number(node: Node) -> bool:
    return isinstance(node, Const) and node.value.__class__ in (int, float)


def _guard(emitter: EagerEmitter, node: Call, operands: list[ast.expr]) -> ast.expr | None:
    """The test that the operands are ints or floats; None if they are known to be."""
    tests = [
        _is_real(node.span, operand)
        for argument, operand in zip(node.arguments, operands, strict=True)
        if not _is_number(argument)
    ]
    same = len(operands) == 2 and ast.dump(operands[0]) == ast.dump(operands[1])
    tests = tests[:1] if same else tests
    if len(tests) < 2:
        return tests[0] if tests else None
    return py.at(node.span, ast.BoolOp(ast.And(), tests))


def _is_real(span: Span, operand: ast.expr) -> ast.expr:
    tests = [
        py.is_identical(span, py.class_of(span, operand), py.load(span, kind))
        for kind in (" float", " int")
    ]
    return py.at(span, ast.BoolOp(ast.Or(), tests))


def _arithmetic(
    emitter: EagerEmitter, node: Call, operator: type[ast.operator], generic: str
) -> ast.expr:
    operands = _operands(emitter, node)
    guard = _guard(emitter, node, operands)
    fast = py.at(node.span, ast.BinOp(operands[0], operator(), operands[1]))
    if guard is None:
        return fast
    return py.at(node.span, ast.IfExp(guard, fast, py.call(node.span, generic, *operands)))


def _comparison(
    emitter: EagerEmitter, node: Call, comparison: type[ast.cmpop], generic: str
) -> ast.expr:
    operands = _operands(emitter, node)
    guard = _guard(emitter, node, operands)
    fast = py.at(node.span, ast.Compare(operands[0], [comparison()], [operands[1]]))
    if guard is None:
        return fast
    return py.at(node.span, ast.IfExp(guard, fast, py.call(node.span, generic, *operands)))


def comparison_test(emitter: EagerEmitter, node: Node) -> ast.expr | None:
    """A comparison as a Python condition: the generic result goes through ``truth``."""
    if not isinstance(node, Call) or len(node.arguments) != 2 or node.keywords:
        return None
    procedure = node.procedure
    if not isinstance(procedure, GlobalRef) or procedure.name not in COMPARISONS:
        return None
    if not emitter.is_primitive(procedure):
        return None
    value = _comparison(emitter, node, *COMPARISONS[procedure.name])
    if isinstance(value, ast.IfExp):
        value.orelse = py.call(node.span, " truth", value.orelse)
    return value

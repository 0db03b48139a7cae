"""Arithmetic, comparisons and tests of numbers in place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from eshkol.codegen import python as py
from eshkol.codegen.guards import (
    both,
    generic_call,
    guarded,
    is_number_constant,
    is_of,
    known_int,
    number_guard,
    operands_of,
)
from eshkol.codegen.kinds import FLOAT, INT, is_small_constant
from eshkol.core.nodes import Call, Const, GlobalRef

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

SIGNS: dict[str, type[ast.cmpop]] = {"zero?": ast.Eq, "positive?": ast.Gt, "negative?": ast.Lt}

DIVISIONS: dict[str, type[ast.operator]] = {
    "quotient": ast.FloorDiv,
    "remainder": ast.Mod,
    "modulo": ast.Mod,
}

PARITIES = {"even?": 0, "odd?": 1}

EXTREMES: dict[str, type[ast.cmpop]] = {"max": ast.GtE, "min": ast.LtE}


def arithmetic(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    operator, generic = ARITHMETIC[node.procedure.name]
    operands = operands_of(emitter, node)
    fast = py.at(node.span, ast.BinOp(operands[0], operator(), operands[1]))
    guard: ast.expr | bool = False
    if not all(map(is_number_constant, node.arguments)) or any(
        map(is_small_constant, node.arguments)
    ):
        guard = number_guard(emitter, node, operands, mixes=False)
    return guarded(node.span, guard, fast, py.call(node.span, generic, *operands))


def comparison(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    comparison, generic = COMPARISONS[node.procedure.name]
    operands = operands_of(emitter, node)
    guard = number_guard(emitter, node, operands, mixes=True)
    fast = py.at(node.span, ast.Compare(operands[0], [comparison()], [operands[1]]))
    return guarded(node.span, guard, fast, py.call(node.span, generic, *operands))


def division(emitter: EagerEmitter, node: Call) -> ast.expr:
    """Floats are divided in place, unless by zero."""
    span, operands = node.span, operands_of(emitter, node)
    generic = py.call(span, " divide", *operands)
    kinds = [emitter.kinds.number(argument) for argument in node.arguments]
    if INT in kinds:
        return generic
    tests = [
        is_of(span, value, FLOAT)
        for value, kind in zip(operands, kinds, strict=True)
        if kind is None
    ]
    if not isinstance(node.arguments[1], Const) or node.arguments[1].value == 0.0:
        tests.append(operands[1])
    fast = py.at(span, ast.BinOp(operands[0], ast.Div(), operands[1]))
    return guarded(span, both(span, tests), fast, generic)


def sign(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    operands = operands_of(emitter, node)
    zero = py.constant(node.span, 0)
    comparison = SIGNS[node.procedure.name]()
    fast = py.at(node.span, ast.Compare(operands[0], [comparison], [zero]))
    is_known = emitter.kinds.number(node.arguments[0]) is not None
    guard = is_known or is_of(node.span, operands[0], INT, FLOAT)
    return guarded(node.span, guard, fast, generic_call(emitter, node, operands))


def parity(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    span, operands = node.span, operands_of(emitter, node)
    rest = py.at(span, ast.BinOp(operands[0], ast.Mod(), py.constant(span, 2)))
    expected = py.constant(span, PARITIES[node.procedure.name])
    fast = py.at(span, ast.Compare(rest, [ast.Eq()], [expected]))
    tests = known_int(emitter, node.arguments[0], operands[0])
    return guarded(span, both(span, tests), fast, generic_call(emitter, node, operands))


def integer_division(emitter: EagerEmitter, node: Call) -> ast.expr:
    """Python divides downwards: right for modulo, and for the others where nothing is negative."""
    assert isinstance(node.procedure, GlobalRef)
    name, span = node.procedure.name, node.span
    operands = operands_of(emitter, node)
    tests = [
        test
        for argument, value in zip(node.arguments, operands, strict=True)
        for test in known_int(emitter, argument, value)
    ]
    zero = py.constant(span, 0)
    divisor = node.arguments[1]
    if not (isinstance(divisor, Const) and divisor.value.__class__ is int and divisor.value > 0):
        tests.append(py.at(span, ast.Compare(operands[1], [ast.Gt()], [zero])))
    if name != "modulo":
        tests.append(py.at(span, ast.Compare(operands[0], [ast.GtE()], [zero])))
    fast = py.at(span, ast.BinOp(operands[0], DIVISIONS[name](), operands[1]))
    return guarded(span, both(span, tests), fast, generic_call(emitter, node, operands))


def extreme(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    span, operands = node.span, operands_of(emitter, node)
    tests = [
        test
        for argument, value in zip(node.arguments, operands, strict=True)
        for test in known_int(emitter, argument, value)
    ]
    comparison = EXTREMES[node.procedure.name]()
    is_first = py.at(span, ast.Compare(operands[0], [comparison], [operands[1]]))
    fast = py.at(span, ast.IfExp(is_first, operands[0], operands[1]))
    return guarded(span, both(span, tests), fast, generic_call(emitter, node, operands))


def absolute(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, operands = node.span, operands_of(emitter, node)
    positive = py.at(span, ast.Compare(operands[0], [ast.GtE()], [py.constant(span, 0)]))
    negated = py.at(span, ast.UnaryOp(ast.USub(), operands[0]))
    fast = py.at(span, ast.IfExp(positive, operands[0], negated))
    tests = known_int(emitter, node.arguments[0], operands[0])
    return guarded(span, both(span, tests), fast, generic_call(emitter, node, operands))

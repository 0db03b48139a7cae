"""Operands that can be read twice, and the tests under which a fast path is right."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.kinds import FLOAT, INT, is_small_constant
from eshkol.core.nodes import Call, Const, GlobalRef, LocalRef, Node

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter


def operands_of(emitter: EagerEmitter, node: Call) -> list[ast.expr]:
    """The operands, each a Python name or constant, so that it can be read twice."""
    values = emitter.expressions(node.arguments)
    return [
        value
        if isinstance(argument, LocalRef) or is_number_constant(argument)
        else emitter.keep(argument.span, value)
        for argument, value in zip(node.arguments, values, strict=True)
    ]


def is_number_constant(node: Node) -> bool:
    return isinstance(node, Const) and node.value.__class__ in (int, float)


def is_of(span: Span, value: ast.expr, *classes: str) -> ast.expr:
    """The test that a value is of one of these classes."""
    tests = [
        py.is_identical(span, py.class_of(span, value), py.load(span, name)) for name in classes
    ]
    return tests[0] if len(tests) == 1 else py.at(span, ast.BoolOp(ast.Or(), tests))


def both(span: Span, tests: list[ast.expr]) -> ast.expr | bool:
    """The test that all of ``tests`` hold; True if there are none."""
    if not tests:
        return True
    return tests[0] if len(tests) == 1 else py.at(span, ast.BoolOp(ast.And(), tests))


def generic_call(emitter: EagerEmitter, node: Call, operands: list[ast.expr]) -> ast.expr:
    """The call that does what the fast path can't."""
    assert isinstance(node.procedure, GlobalRef)
    return py.call(node.span, emitter.load_global(node.procedure), *operands)


def guarded(span: Span, guard: ast.expr | bool, fast: ast.expr, generic: ast.expr) -> ast.expr:
    if guard.__class__ is bool:
        return fast if guard else generic
    assert isinstance(guard, ast.expr)
    return py.at(span, ast.IfExp(guard, fast, generic))


def number_guard(
    emitter: EagerEmitter, node: Call, operands: list[ast.expr], mixes: bool
) -> ast.expr | bool:
    """The test that Python computes as the language does, where that is not known.

    Two values must be two ints or two floats: Python fails to add a float and an int that is out
    of the floats' range. ``mixes`` tells that the operator takes these too.
    """
    span = node.span
    kinds = [emitter.kinds.number(argument) for argument in node.arguments]
    small = [is_small_constant(argument) for argument in node.arguments]
    if None not in kinds:
        if mixes or kinds[0] == kinds[1] or any(small):
            return True
        index = kinds.index(INT)
        return emitter.kinds.is_moderate(node.arguments[index]) or is_moderate(
            span, operands[index]
        )
    unknown = [value for value, kind in zip(operands, kinds, strict=True) if kind is None]
    if len(unknown) == 1:
        known = next(kind for kind in kinds if kind is not None)
        classes = (INT, FLOAT) if mixes or any(small) else (known,)
        return is_of(span, unknown[0], *classes)
    if ast.dump(unknown[0]) == ast.dump(unknown[1]):
        return is_of(span, unknown[0], INT, FLOAT)
    name = emitter.temporary()
    kind = py.at(span, ast.NamedExpr(py.store(span, name), py.class_of(span, unknown[0])))
    same = py.is_identical(span, kind, py.class_of(span, unknown[1]))
    again = [
        py.is_identical(span, py.load(span, name), py.load(span, other)) for other in (INT, FLOAT)
    ]
    return both(span, [same, py.at(span, ast.BoolOp(ast.Or(), again))])


def is_moderate(span: Span, value: ast.expr) -> ast.expr:
    """The test that an int is one that floats can be computed with."""
    low, high = py.constant(span, -(2**53)), py.constant(span, 2**53)
    return py.at(span, ast.Compare(low, [ast.Lt(), ast.Lt()], [value, high]))


def known_int(emitter: EagerEmitter, node: Node, value: ast.expr) -> list[ast.expr]:
    """The tests needed to know that a value is an int."""
    return [] if emitter.kinds.of(node) == INT else [is_of(node.span, value, INT)]


def stored(
    emitter: EagerEmitter,
    node: Call,
    tests: list[ast.expr],
    target: ast.expr,
    value: ast.expr,
    operands: list[ast.expr],
) -> ast.expr:
    """An assignment in place under a guard."""
    span = node.span
    fast = py.at(span, ast.Assign([target], value))
    guard = both(span, tests)
    if isinstance(guard, bool):
        emitter.add(fast)
    else:
        generic = py.at(span, ast.Expr(generic_call(emitter, node, operands)))
        emitter.add(py.at(span, ast.If(guard, [fast], [generic])))
    return emitter.unspecified(span)

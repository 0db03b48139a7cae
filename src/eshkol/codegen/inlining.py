"""Primitives whose fast path is emitted in place.

``(+ a b)`` becomes ``a + b`` under a guard that both are Python ints or both floats, with a call of
the generic primitive otherwise; likewise comparisons. ``null?``, ``pair?``, ``eq?``-like tests that
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

TESTS = ("null?", "pair?", "not")

INLINED = frozenset([*ARITHMETIC, *COMPARISONS, *BINARY_CALLS, *TESTS])
"""The primitives that eager code doesn't look up when it runs."""

KINDS = (" int", " float")
"""The classes of which Python's own operators are known to be right."""


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


def _guard(
    emitter: EagerEmitter, node: Call, operands: list[ast.expr], mixes: bool
) -> ast.expr | None:
    """The test that Python computes as the language does; None if the operands are constants.

    Two variables must hold two ints or two floats: Python fails to add a float and an int that is
    out of the floats' range. ``mixes`` tells that the operator takes these too.
    """
    span = node.span
    unknown = [
        operand
        for argument, operand in zip(node.arguments, operands, strict=True)
        if not _is_number(argument)
    ]
    if not unknown:
        return None
    if len(unknown) == 1:
        known = next(filter(_is_number, node.arguments))
        kinds = KINDS if mixes or _is_small(known) else (_class_name(known),)
        return _is_real(span, py.class_of(span, unknown[0]), kinds)
    if ast.dump(unknown[0]) == ast.dump(unknown[1]):
        return _is_real(span, py.class_of(span, unknown[0]))
    name = emitter.temporary()
    kind = py.at(span, ast.NamedExpr(py.store(span, name), py.class_of(span, unknown[0])))
    same = py.is_identical(span, kind, py.class_of(span, unknown[1]))
    return py.at(span, ast.BoolOp(ast.And(), [same, _is_real(span, py.load(span, name))]))


def _class_name(node: Node) -> str:
    """The hidden name of the class of a constant number."""
    return " int" if isinstance(node, Const) and node.value.__class__ is int else " float"


def _is_small(node: Node) -> bool:
    """Whether ``node`` is an exact constant that can be added to every int and every float."""
    return isinstance(node, Const) and node.value.__class__ is int and abs(node.value) < 2**53


def _is_real(span: Span, kind: ast.expr, classes: tuple[str, ...] = KINDS) -> ast.expr:
    tests = [py.is_identical(span, kind, py.load(span, name)) for name in classes]
    return tests[0] if len(tests) == 1 else py.at(span, ast.BoolOp(ast.Or(), tests))


def _arithmetic(
    emitter: EagerEmitter, node: Call, operator: type[ast.operator], generic: str
) -> ast.expr:
    operands = _operands(emitter, node)
    guard = _guard(emitter, node, operands, mixes=False)
    fast = py.at(node.span, ast.BinOp(operands[0], operator(), operands[1]))
    if guard is None and not any(map(_is_small, node.arguments)):
        return py.call(node.span, generic, *operands)
    return _guarded(node.span, guard, fast, generic, operands)


def _comparison(
    emitter: EagerEmitter, node: Call, comparison: type[ast.cmpop], generic: str
) -> ast.expr:
    operands = _operands(emitter, node)
    guard = _guard(emitter, node, operands, mixes=True)
    fast = py.at(node.span, ast.Compare(operands[0], [comparison()], [operands[1]]))
    return _guarded(node.span, guard, fast, generic, operands)


def _guarded(
    span: Span, guard: ast.expr | None, fast: ast.expr, generic: str, operands: list[ast.expr]
) -> ast.expr:
    if guard is None:
        return fast
    return py.at(span, ast.IfExp(guard, fast, py.call(span, generic, *operands)))


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

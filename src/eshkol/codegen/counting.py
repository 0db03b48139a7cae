"""Loops that count, as ``for`` statements.

``(do ((i 0 (+ i 1))) ((= i n)) …)``, in whatever form it was written, is a loop whose first deed is
to compare a variable with something that doesn't change, and whose every trip steps the variable
by one. Python counts several times faster by itself than we by its arithmetic.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import NamedTuple

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.kinds import INT, Kinds, continues, trips
from eshkol.core.nodes import Call, Const, GlobalRef, If, LocalRef, Loop, Node, Variable
from eshkol.core.walk import everything

FLIPPED = {"=": "=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
NEGATED = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}
ENDINGS = {1: ("=", ">", ">="), -1: ("=", "<", "<=")}
"""Comparisons of the variable with the limit that end a loop of this step."""


class Counted(NamedTuple):
    """What there is to know of a loop that counts.

    Attributes:
        variable: goes up or down by ``step``, 1 or -1, until it compares so with ``limit``.
        trip: what a trip does.
        ending: what is done at the end.
    """

    variable: Variable
    step: int
    comparison: str
    limit: Node
    trip: Node
    ending: Node
    span: Span


def counted(loop: Loop, kinds: Kinds, is_primitive: Callable[[Node], bool]) -> Counted | None:
    """How ``loop`` counts; None if it does not, or its limit is not known to be an int."""
    if not isinstance(loop.body, If):
        return None
    goes_on = [
        bool(continues(branch, loop.label)) for branch in (loop.body.then, loop.body.otherwise)
    ]
    if goes_on[0] == goes_on[1]:
        return None
    test = _comparison(loop.body.test, is_primitive)
    if test is None:
        return None
    name, left, right = test
    if goes_on[0]:
        if name not in NEGATED:
            return None
        name = NEGATED[name]
    if not _is_loop_variable(left, loop):
        name, left, right = FLIPPED[name], right, left
    if not _is_loop_variable(left, loop) or _is_loop_variable(right, loop):
        return None
    assert isinstance(left, LocalRef)
    step = _step(loop, left.variable, is_primitive)
    is_int = kinds.of(left) == INT and kinds.of(right) == INT
    if step is None or not is_int or not isinstance(right, Const | LocalRef):
        return None
    if name not in ENDINGS[step]:
        return None
    trip, ending = (loop.body.then, loop.body.otherwise)[:: 1 if goes_on[0] else -1]
    return Counted(left.variable, step, name, right, trip, ending, loop.body.test.span)


def _comparison(test: Node, is_primitive: Callable[[Node], bool]) -> tuple[str, Node, Node] | None:
    match test:
        case Call(procedure=GlobalRef(name=name), arguments=(left, right), keywords=()):
            if name in FLIPPED and is_primitive(test.procedure):
                return name, left, right
        case Call(procedure=GlobalRef(name="zero?"), arguments=(value,), keywords=()):
            if is_primitive(test.procedure):
                return "=", value, Const(test.span, 0)
    return None


def _is_loop_variable(node: Node, loop: Loop) -> bool:
    return isinstance(node, LocalRef) and node.variable in loop.variables


def _step(loop: Loop, variable: Variable, is_primitive: Callable[[Node], bool]) -> int | None:
    """By how much every trip changes ``variable``, if that is 1 or -1."""
    index = loop.variables.index(variable)
    steps = {_step_of(trip.arguments[index], variable, is_primitive) for trip in trips(loop)}
    return steps.pop() if len(steps) == 1 else None


def _step_of(value: Node, variable: Variable, is_primitive: Callable[[Node], bool]) -> int | None:
    match value:
        case Call(procedure=GlobalRef(name="+" | "-" as name), arguments=(left, right)):
            if name == "+" and isinstance(left, Const):
                left, right = right, left
            is_stepped = isinstance(left, LocalRef) and left.variable is variable
            is_one = isinstance(right, Const) and right.value.__class__ is int and right.value == 1
            if is_stepped and is_one and is_primitive(value.procedure):
                return 1 if name == "+" else -1
    return None


def mentions(node: Node, variable: Variable) -> bool:
    """Whether ``node`` refers to ``variable``."""
    return any(isinstance(p, LocalRef) and p.variable is variable for p in everything(node))


def numbers(count: Counted, name: str, limit: ast.expr) -> ast.expr:
    """The values of the variable, whose Python name holds the first, as a Python iterable.

    A loop that waits for equality and starts beyond goes on for ever, as in every Scheme.
    """
    span = count.span
    start, step = py.load(span, name), py.constant(span, count.step)
    if count.comparison in "<>":
        limit = _beyond(count, limit)
    steps = [] if count.step == 1 else [step]
    found = py.call(span, " range", start, limit, *steps)
    if count.comparison != "=":
        return found
    ahead = ast.LtE() if count.step == 1 else ast.GtE()
    is_ahead = py.at(span, ast.Compare(start, [ahead], [limit]))
    return py.at(span, ast.IfExp(is_ahead, found, py.call(span, " count", start, *steps)))


def last_step(count: Counted, name: str, limit: ast.expr) -> ast.stmt:
    """After the last trip: the variable gets the value with which the loop ended."""
    span = count.span
    value = limit
    if count.comparison in "<>":
        value = _beyond(count, limit)
    if count.comparison == "=":
        return py.assign(span, name, value)
    short = {">=": ast.Lt, ">": ast.LtE, "<=": ast.Gt, "<": ast.GtE}[count.comparison]()
    is_short = py.at(span, ast.Compare(py.load(span, name), [short], [limit]))
    return py.at(span, ast.If(is_short, [py.assign(span, name, value)], []))


def _beyond(count: Counted, limit: ast.expr) -> ast.expr:
    operator = ast.Add() if count.step == 1 else ast.Sub()
    return py.at(count.span, ast.BinOp(limit, operator, py.constant(count.span, 1)))

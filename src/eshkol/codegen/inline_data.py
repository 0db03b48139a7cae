"""Slots of pairs, elements of vectors and hash tables, and tests of classes in place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.guards import both, generic_call, guarded, is_of, known_int, operands_of, stored
from eshkol.codegen.kinds import FLOAT, INT, PAIR, STRING, SYMBOL, TABLE, TESTED
from eshkol.core.nodes import Call, Const, GlobalRef, Node
from eshkol.datum.pairs import NIL
from eshkol.datum.symbols import Symbol

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter

LIKELY_CLASSES = {
    "number?": (INT, FLOAT),
    "string?": (" str",),
    "vector?": (" Vector",),
    "char?": (" Char",),
}
"""Predicates that hold of these classes and perhaps of other values."""

UNLIKELY_CLASSES = (" Pair", " Symbol")
"""Classes of which those predicates never hold."""

SAMENESS = frozenset(("eq?", "eqv?", "equal?", " eqv?"))


def null(emitter: EagerEmitter, node: Call) -> ast.expr:
    value = emitter.expression(node.arguments[0])
    return py.is_identical(node.span, value, py.load(node.span, " nil"))


def class_test(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    value = emitter.expression(node.arguments[0])
    return is_of(node.span, value, TESTED[node.procedure.name])


def likely_class(emitter: EagerEmitter, node: Call) -> ast.expr:
    """The class is asked for once; only a value of none of these needs the predicate itself."""
    assert isinstance(node.procedure, GlobalRef)
    operands = operands_of(emitter, node)
    span, name = node.span, emitter.temporary()
    kind = py.load(span, name)
    first, *others = LIKELY_CLASSES[node.procedure.name]
    kept = py.at(span, ast.NamedExpr(py.store(span, name), py.class_of(span, operands[0])))
    likely = [py.is_identical(span, kept, py.load(span, first))]
    likely += [py.is_identical(span, kind, py.load(span, other)) for other in others]
    perhaps = [
        py.at(span, ast.Compare(kind, [ast.IsNot()], [py.load(span, other)]))
        for other in UNLIKELY_CLASSES
    ]
    generic = generic_call(emitter, node, operands)
    if isinstance(generic, ast.Call):
        generic = py.call(span, " truth", generic)
    rest = py.at(span, ast.BoolOp(ast.And(), [*perhaps, generic]))
    return py.at(span, ast.BoolOp(ast.Or(), [*likely, rest]))


def same(emitter: EagerEmitter, node: Call) -> ast.expr | None:
    """Identity, where one side is a constant of which there is only one."""
    if not any(map(_is_unique, node.arguments)):
        return None
    left, right = emitter.expressions(node.arguments)
    return py.is_identical(node.span, left, right)


def _is_unique(node: Node) -> bool:
    return isinstance(node, Const) and (isinstance(node.value, Symbol) or node.value is NIL)


def cons(emitter: EagerEmitter, node: Call) -> ast.expr:
    car, cdr = emitter.expressions(node.arguments)
    return make_pair(emitter, node.span, car, cdr)


def make_list(emitter: EagerEmitter, node: Call) -> ast.expr | None:
    """``(list a b)``: pairs, the last one first."""
    if len(node.arguments) > LONGEST_LIST:
        return None
    values = operands_of(emitter, node)
    result = py.load(node.span, " nil")
    for value in reversed(values):
        result = make_pair(emitter, node.span, value, result)
    return result


LONGEST_LIST = 4
"""A longer list is made by the primitive."""


def make_pair(emitter: EagerEmitter, span: Span, car: ast.expr, cdr: ast.expr) -> ast.expr:
    """A blank pair, filled in place: half the price of a call that makes one."""
    pair = emitter.keep(span, py.call(span, " Pair"))
    for slot, value in (("car", car), ("cdr", cdr)):
        target = py.at(span, ast.Attribute(pair, slot, py.STORE))
        emitter.add(py.at(span, ast.Assign([target], value)))
    return pair


def accessor(emitter: EagerEmitter, node: Call) -> ast.expr:
    """``caddr``: three slots, each of a pair."""
    assert isinstance(node.procedure, GlobalRef)
    span, operands = node.span, operands_of(emitter, node)
    *path, last = reversed(node.procedure.name[1:-1])
    is_known = emitter.kinds.of(node.arguments[0]) == PAIR
    pair, tests = operands[0], [] if is_known else [is_of(span, operands[0], PAIR)]
    for step in path:
        name = emitter.temporary()
        kept = py.at(span, ast.NamedExpr(py.store(span, name), _slot(span, pair, step)))
        tests.append(is_of(span, kept, " Pair"))
        pair = py.load(span, name)
    fast = _slot(span, pair, last)
    return guarded(span, both(span, tests), fast, generic_call(emitter, node, operands))


def _slot(span: Span, pair: ast.expr, step: str) -> ast.expr:
    return py.at(span, ast.Attribute(pair, "car" if step == "a" else "cdr", py.LOAD))


def association(emitter: EagerEmitter, node: Call) -> ast.expr | None:
    """``(assq 'x entries)``: a loop that compares symbols; a key that may be none is left."""
    if emitter.kinds.of(node.arguments[0]) != SYMBOL:
        return None
    span, (key, entries) = node.span, operands_of(emitter, node)
    rest, entry = emitter.temporary(), emitter.temporary()
    is_other = py.at(
        span,
        ast.Compare(py.class_of(span, py.load(span, entry)), [ast.IsNot()], [py.load(span, PAIR)]),
    )
    is_key = py.is_identical(span, _slot(span, py.load(span, entry), "a"), key)
    ends = py.at(span, ast.BoolOp(ast.Or(), [is_other, is_key]))
    trip = [
        py.assign(span, entry, _slot(span, py.load(span, rest), "a")),
        py.at(span, ast.If(ends, [py.at(span, ast.Break())], [])),
        py.assign(span, rest, _slot(span, py.load(span, rest), "d")),
    ]
    emitter.add(py.assign(span, rest, entries))
    emitter.add(py.at(span, ast.While(is_of(span, py.load(span, rest), PAIR), trip, [])))
    found = both(span, [is_of(span, py.load(span, name), PAIR) for name in (rest, entry)])
    return guarded(span, found, py.load(span, entry), generic_call(emitter, node, [key, entries]))


def vector_ref(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, (vector, index) = node.span, operands_of(emitter, node)
    tests = [is_of(span, vector, " Vector"), *known_int(emitter, node.arguments[1], index)]
    length = py.call(span, " len", vector)
    ends = ast.Compare(py.constant(span, -1), [ast.Lt(), ast.Lt()], [index, length])
    fast = py.at(span, ast.Subscript(vector, index, py.LOAD))
    guard = both(span, [*tests, py.at(span, ends)])
    return guarded(span, guard, fast, generic_call(emitter, node, [vector, index]))


def vector_set(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, (vector, index, value) = node.span, operands_of(emitter, node)
    tests = [is_of(span, vector, " Vector"), *known_int(emitter, node.arguments[1], index)]
    length = py.call(span, " len", vector)
    ends = ast.Compare(py.constant(span, -1), [ast.Lt(), ast.Lt()], [index, length])
    target = py.at(span, ast.Subscript(vector, index, py.STORE))
    return stored(emitter, node, [*tests, py.at(span, ends)], target, value, [vector, index, value])


def pair_set(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    span, (pair, value) = node.span, operands_of(emitter, node)
    slot = "car" if node.procedure.name == "set-car!" else "cdr"
    target = py.at(span, ast.Attribute(pair, slot, py.STORE))
    return stored(emitter, node, [is_of(span, pair, " Pair")], target, value, [pair, value])


KEYS = (STRING, SYMBOL, INT)
"""Classes of which every value is its own hash key."""


def _plain_table(
    emitter: EagerEmitter, node: Call, table: ast.expr, key: ast.expr
) -> list[ast.expr]:
    """The tests needed to know that the table is an ordinary one and the key its own hash key."""
    kinds = [emitter.kinds.of(argument) for argument in node.arguments]
    tests = [] if kinds[0] == TABLE else [is_of(node.span, table, TABLE)]
    return tests if kinds[1] in KEYS else [*tests, is_of(node.span, key, *KEYS)]


def _entries(span: Span, table: ast.expr) -> ast.expr:
    return py.at(span, ast.Attribute(table, "entries", py.LOAD))


def hash_ref(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, operands = node.span, operands_of(emitter, node)
    table, key, default = operands
    get = py.at(span, ast.Attribute(_entries(span, table), "get", py.LOAD))
    guard = both(span, _plain_table(emitter, node, table, key))
    fast = py.call(span, get, key, default)
    return guarded(span, guard, fast, generic_call(emitter, node, operands))


def hash_set(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, (table, key, value) = node.span, operands_of(emitter, node)
    target = py.at(span, ast.Subscript(_entries(span, table), key, py.STORE))
    tests = _plain_table(emitter, node, table, key)
    return stored(emitter, node, tests, target, value, [table, key, value])

"""Primitives whose fast path is emitted in place.

``(+ a b)`` becomes ``a + b`` under a guard that Python computes it as the language does, with a
call of the generic primitive otherwise; likewise comparisons and integer division. Accessors read
a slot under a guard, predicates become class tests. What is known of an operand needs no guard.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.kinds import FLOAT, INT, is_small_constant
from eshkol.codegen.traversals import TRAVERSALS
from eshkol.core.nodes import Call, Const, GlobalRef, LocalRef, Node
from eshkol.datum.pairs import NIL
from eshkol.datum.symbols import Symbol

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter

Inliner = Callable[["EagerEmitter", Call], "ast.expr | None"]
"""Emits a call in place; None if this call is better made."""

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

ACCESSORS = frozenset("car cdr caar cadr cdar cddr caddr cdddr cadddr".split())

CLASS_TESTS = {"pair?": " Pair", "symbol?": " Symbol"}
"""Predicates that hold of one class and no other value."""

LIKELY_CLASSES = {
    "number?": (INT, FLOAT),
    "string?": (" str",),
    "vector?": (" Vector",),
    "char?": (" Char",),
}
"""Predicates that hold of these classes and perhaps of other values."""

SAMENESS = frozenset(("eq?", "eqv?", "equal?", " eqv?"))


def inline_call(emitter: EagerEmitter, node: Call) -> ast.expr | None:
    """The expression for a call of an inlined primitive; None if it is an ordinary call."""
    inliner = _inliner(emitter, node)
    return None if inliner is None else inliner(emitter, node)


def inline_test(emitter: EagerEmitter, node: Node) -> ast.expr | None:
    """A call of an inlined predicate as a Python condition; None if it is none."""
    if not isinstance(node, Call) or _inliner(emitter, node) is None:
        return None
    assert isinstance(node.procedure, GlobalRef)
    if node.procedure.name not in PREDICATES:
        return None
    value = inline_call(emitter, node)
    if value is None:
        return None
    for part in ast.walk(value):
        if isinstance(part, ast.IfExp) and isinstance(part.orelse, ast.Call):
            part.orelse = py.call(node.span, " truth", part.orelse)
    if isinstance(value, ast.BoolOp) and isinstance(value.values[-1], ast.Call):
        value.values[-1] = py.call(node.span, " truth", value.values[-1])
    return value


def _inliner(emitter: EagerEmitter, node: Call) -> Inliner | None:
    procedure = node.procedure
    if not isinstance(procedure, GlobalRef) or node.keywords:
        return None
    count, inliner = INLINERS.get(procedure.name, (0, None))
    if inliner is None or count != len(node.arguments):
        return None
    hidden = procedure.name.startswith(" ")
    return inliner if hidden or emitter.is_primitive(procedure) else None


# ---- operands and guards


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


def _is_of(span: Span, value: ast.expr, *classes: str) -> ast.expr:
    """The test that a value is of one of these classes."""
    tests = [
        py.is_identical(span, py.class_of(span, value), py.load(span, name)) for name in classes
    ]
    return tests[0] if len(tests) == 1 else py.at(span, ast.BoolOp(ast.Or(), tests))


def _both(span: Span, tests: list[ast.expr]) -> ast.expr:
    return tests[0] if len(tests) == 1 else py.at(span, ast.BoolOp(ast.And(), tests))


def _generic(emitter: EagerEmitter, node: Call, operands: list[ast.expr]) -> ast.expr:
    """The call that does what the fast path can't."""
    assert isinstance(node.procedure, GlobalRef)
    return py.call(node.span, emitter.load_global(node.procedure), *operands)


def _guarded(span: Span, guard: ast.expr | bool, fast: ast.expr, generic: ast.expr) -> ast.expr:
    if guard.__class__ is bool:
        return fast if guard else generic
    assert isinstance(guard, ast.expr)
    return py.at(span, ast.IfExp(guard, fast, generic))


def _number_guard(
    emitter: EagerEmitter, node: Call, operands: list[ast.expr], mixes: bool
) -> ast.expr | bool:
    """The test that Python computes as the language does, where that is not known.

    Two values must be two ints or two floats: Python fails to add a float and an int that is out
    of the floats' range. ``mixes`` tells that the operator takes these too.
    """
    span = node.span
    kinds = [emitter.kinds.of(argument) for argument in node.arguments]
    small = [is_small_constant(argument) for argument in node.arguments]
    if None not in kinds:
        if mixes or kinds[0] == kinds[1] or any(small):
            return True
        return _is_moderate(span, operands[kinds.index(INT)])
    unknown = [value for value, kind in zip(operands, kinds, strict=True) if kind is None]
    if len(unknown) == 1:
        known = next(kind for kind in kinds if kind is not None)
        classes = (INT, FLOAT) if mixes or any(small) else (known,)
        return _is_of(span, unknown[0], *classes)
    if ast.dump(unknown[0]) == ast.dump(unknown[1]):
        return _is_of(span, unknown[0], INT, FLOAT)
    name = emitter.temporary()
    kind = py.at(span, ast.NamedExpr(py.store(span, name), py.class_of(span, unknown[0])))
    same = py.is_identical(span, kind, py.class_of(span, unknown[1]))
    again = [
        py.is_identical(span, py.load(span, name), py.load(span, other)) for other in (INT, FLOAT)
    ]
    return _both(span, [same, py.at(span, ast.BoolOp(ast.Or(), again))])


def _is_moderate(span: Span, value: ast.expr) -> ast.expr:
    """The test that an int is one that floats can be computed with."""
    low, high = py.constant(span, -(2**53)), py.constant(span, 2**53)
    return py.at(span, ast.Compare(low, [ast.Lt(), ast.Lt()], [value, high]))


# ---- numbers


def _arithmetic(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    operator, generic = ARITHMETIC[node.procedure.name]
    operands = _operands(emitter, node)
    fast = py.at(node.span, ast.BinOp(operands[0], operator(), operands[1]))
    guard: ast.expr | bool = False
    if not all(map(_is_number, node.arguments)) or any(map(is_small_constant, node.arguments)):
        guard = _number_guard(emitter, node, operands, mixes=False)
    return _guarded(node.span, guard, fast, py.call(node.span, generic, *operands))


def _comparison(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    comparison, generic = COMPARISONS[node.procedure.name]
    operands = _operands(emitter, node)
    guard = _number_guard(emitter, node, operands, mixes=True)
    fast = py.at(node.span, ast.Compare(operands[0], [comparison()], [operands[1]]))
    return _guarded(node.span, guard, fast, py.call(node.span, generic, *operands))


def _division(emitter: EagerEmitter, node: Call) -> ast.expr:
    """Floats are divided in place, unless by zero."""
    span, operands = node.span, _operands(emitter, node)
    generic = py.call(span, " divide", *operands)
    kinds = [emitter.kinds.of(argument) for argument in node.arguments]
    if INT in kinds:
        return generic
    tests = [
        _is_of(span, value, FLOAT)
        for value, kind in zip(operands, kinds, strict=True)
        if kind is None
    ]
    if not isinstance(node.arguments[1], Const) or node.arguments[1].value == 0.0:
        tests.append(operands[1])
    fast = py.at(span, ast.BinOp(operands[0], ast.Div(), operands[1]))
    return _guarded(span, _both(span, tests) if tests else True, fast, generic)


def _known_int(emitter: EagerEmitter, node: Node, value: ast.expr) -> list[ast.expr]:
    """The tests needed to know that a value is an int."""
    return [] if emitter.kinds.of(node) == INT else [_is_of(node.span, value, INT)]


def _sign(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    operands = _operands(emitter, node)
    zero = py.constant(node.span, 0)
    comparison = SIGNS[node.procedure.name]()
    fast = py.at(node.span, ast.Compare(operands[0], [comparison], [zero]))
    is_known = emitter.kinds.of(node.arguments[0]) is not None
    guard = is_known or _is_of(node.span, operands[0], INT, FLOAT)
    return _guarded(node.span, guard, fast, _generic(emitter, node, operands))


def _parity(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    span, operands = node.span, _operands(emitter, node)
    rest = py.at(span, ast.BinOp(operands[0], ast.Mod(), py.constant(span, 2)))
    expected = py.constant(span, PARITIES[node.procedure.name])
    fast = py.at(span, ast.Compare(rest, [ast.Eq()], [expected]))
    tests = _known_int(emitter, node.arguments[0], operands[0])
    return _guarded(
        span, _both(span, tests) if tests else True, fast, _generic(emitter, node, operands)
    )


def _integer_division(emitter: EagerEmitter, node: Call) -> ast.expr:
    """Python divides downwards: right for modulo, and for the others where nothing is negative."""
    assert isinstance(node.procedure, GlobalRef)
    name, span = node.procedure.name, node.span
    operands = _operands(emitter, node)
    tests = [
        test
        for argument, value in zip(node.arguments, operands, strict=True)
        for test in _known_int(emitter, argument, value)
    ]
    zero = py.constant(span, 0)
    divisor = node.arguments[1]
    if not (isinstance(divisor, Const) and divisor.value.__class__ is int and divisor.value > 0):
        tests.append(py.at(span, ast.Compare(operands[1], [ast.Gt()], [zero])))
    if name != "modulo":
        tests.append(py.at(span, ast.Compare(operands[0], [ast.GtE()], [zero])))
    fast = py.at(span, ast.BinOp(operands[0], DIVISIONS[name](), operands[1]))
    return _guarded(
        span, _both(span, tests) if tests else True, fast, _generic(emitter, node, operands)
    )


def _extreme(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    span, operands = node.span, _operands(emitter, node)
    tests = [
        test
        for argument, value in zip(node.arguments, operands, strict=True)
        for test in _known_int(emitter, argument, value)
    ]
    comparison = EXTREMES[node.procedure.name]()
    is_first = py.at(span, ast.Compare(operands[0], [comparison], [operands[1]]))
    fast = py.at(span, ast.IfExp(is_first, operands[0], operands[1]))
    return _guarded(
        span, _both(span, tests) if tests else True, fast, _generic(emitter, node, operands)
    )


def _absolute(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, operands = node.span, _operands(emitter, node)
    positive = py.at(span, ast.Compare(operands[0], [ast.GtE()], [py.constant(span, 0)]))
    negated = py.at(span, ast.UnaryOp(ast.USub(), operands[0]))
    fast = py.at(span, ast.IfExp(positive, operands[0], negated))
    tests = _known_int(emitter, node.arguments[0], operands[0])
    return _guarded(
        span, _both(span, tests) if tests else True, fast, _generic(emitter, node, operands)
    )


# ---- data


def _null(emitter: EagerEmitter, node: Call) -> ast.expr:
    value = emitter.expression(node.arguments[0])
    return py.is_identical(node.span, value, py.load(node.span, " nil"))


def _class_test(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    value = emitter.expression(node.arguments[0])
    return _is_of(node.span, value, CLASS_TESTS[node.procedure.name])


def _likely_class(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    operands = _operands(emitter, node)
    likely = _is_of(node.span, operands[0], *LIKELY_CLASSES[node.procedure.name])
    generic = _generic(emitter, node, operands)
    return py.at(node.span, ast.BoolOp(ast.Or(), [likely, generic]))


def _same(emitter: EagerEmitter, node: Call) -> ast.expr | None:
    """Identity, where one side is a constant of which there is only one."""
    if not any(map(_is_unique, node.arguments)):
        return None
    left, right = emitter.expressions(node.arguments)
    return py.is_identical(node.span, left, right)


def _is_unique(node: Node) -> bool:
    return isinstance(node, Const) and (isinstance(node.value, Symbol) or node.value is NIL)


def _cons(emitter: EagerEmitter, node: Call) -> ast.expr:
    car, cdr = emitter.expressions(node.arguments)
    return py.call(node.span, " Pair", car, cdr)


def _accessor(emitter: EagerEmitter, node: Call) -> ast.expr:
    """``caddr``: three slots, each of a pair."""
    assert isinstance(node.procedure, GlobalRef)
    span, operands = node.span, _operands(emitter, node)
    *path, last = reversed(node.procedure.name[1:-1])
    pair, tests = operands[0], [_is_of(span, operands[0], " Pair")]
    for step in path:
        name = emitter.temporary()
        kept = py.at(span, ast.NamedExpr(py.store(span, name), _slot(span, pair, step)))
        tests.append(_is_of(span, kept, " Pair"))
        pair = py.load(span, name)
    fast = _slot(span, pair, last)
    return _guarded(span, _both(span, tests), fast, _generic(emitter, node, operands))


def _slot(span: Span, pair: ast.expr, step: str) -> ast.expr:
    return py.at(span, ast.Attribute(pair, "car" if step == "a" else "cdr", py.LOAD))


def _vector_ref(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, (vector, index) = node.span, _operands(emitter, node)
    tests = [_is_of(span, vector, " Vector"), *_known_int(emitter, node.arguments[1], index)]
    length = py.call(span, " len", vector)
    ends = ast.Compare(py.constant(span, -1), [ast.Lt(), ast.Lt()], [index, length])
    fast = py.at(span, ast.Subscript(vector, index, py.LOAD))
    guard = _both(span, [*tests, py.at(span, ends)])
    return _guarded(span, guard, fast, _generic(emitter, node, [vector, index]))


def _vector_set(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, (vector, index, value) = node.span, _operands(emitter, node)
    tests = [_is_of(span, vector, " Vector"), *_known_int(emitter, node.arguments[1], index)]
    length = py.call(span, " len", vector)
    ends = ast.Compare(py.constant(span, -1), [ast.Lt(), ast.Lt()], [index, length])
    target = py.at(span, ast.Subscript(vector, index, py.STORE))
    return _stored(
        emitter, node, [*tests, py.at(span, ends)], target, value, [vector, index, value]
    )


def _stored(
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
    generic = py.at(span, ast.Expr(_generic(emitter, node, operands)))
    emitter.add(py.at(span, ast.If(_both(span, tests), [fast], [generic])))
    return emitter.unspecified(span)


def _pair_set(emitter: EagerEmitter, node: Call) -> ast.expr:
    assert isinstance(node.procedure, GlobalRef)
    span, (pair, value) = node.span, _operands(emitter, node)
    slot = "car" if node.procedure.name == "set-car!" else "cdr"
    target = py.at(span, ast.Attribute(pair, slot, py.STORE))
    return _stored(emitter, node, [_is_of(span, pair, " Pair")], target, value, [pair, value])


KEYS = (" str", " Symbol", INT)
"""Classes of which every value is its own hash key."""


def _plain_table(span: Span, table: ast.expr, key: ast.expr) -> list[ast.expr]:
    return [_is_of(span, table, " HashTable"), _is_of(span, key, *KEYS)]


def _entries(span: Span, table: ast.expr) -> ast.expr:
    return py.at(span, ast.Attribute(table, "entries", py.LOAD))


def _hash_ref(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, operands = node.span, _operands(emitter, node)
    table, key, default = operands
    get = py.at(span, ast.Attribute(_entries(span, table), "get", py.LOAD))
    name = emitter.temporary()
    entry = py.at(span, ast.NamedExpr(py.store(span, name), py.call(span, get, key)))
    is_there = py.at(span, ast.Compare(entry, [ast.IsNot()], [py.constant(span, None)]))
    fast = py.at(span, ast.IfExp(is_there, py.item(span, py.load(span, name), 1), default))
    guard = _both(span, _plain_table(span, table, key))
    return _guarded(span, guard, fast, _generic(emitter, node, operands))


def _hash_set(emitter: EagerEmitter, node: Call) -> ast.expr:
    span, (table, key, value) = node.span, _operands(emitter, node)
    target = py.at(span, ast.Subscript(_entries(span, table), key, py.STORE))
    entry = py.tuple_of(span, [key, value])
    tests = _plain_table(span, table, key)
    return _stored(emitter, node, tests, target, entry, [table, key, value])


def _table() -> dict[str, tuple[int, Inliner]]:
    """The number of arguments and the inliner of each primitive."""
    families: list[tuple[int, Inliner, object]] = [
        (2, _arithmetic, ARITHMETIC),
        (2, _comparison, COMPARISONS),
        (2, _division, ["/"]),
        (1, _sign, SIGNS),
        (1, _parity, PARITIES),
        (2, _integer_division, DIVISIONS),
        (2, _extreme, EXTREMES),
        (1, _absolute, ["abs"]),
        (1, _null, ["null?"]),
        (1, _class_test, CLASS_TESTS),
        (1, _likely_class, LIKELY_CLASSES),
        (2, _same, SAMENESS),
        (2, _cons, ["cons"]),
        (1, _accessor, ACCESSORS),
        (2, _vector_ref, ["vector-ref"]),
        (3, _vector_set, ["vector-set!"]),
        (2, _pair_set, ["set-car!", "set-cdr!"]),
        (3, _hash_ref, ["hash-ref", "hash-table-ref/default"]),
        (3, _hash_set, ["hash-set!", "hash-table-set!"]),
    ]
    return {name: (count, inliner) for count, inliner, names in families for name in names}  # type: ignore[attr-defined]


INLINERS = _table()

PREDICATES = frozenset(
    [*COMPARISONS, *SIGNS, *PARITIES, "null?", *CLASS_TESTS, *LIKELY_CLASSES, *SAMENESS]
)
"""Inlined primitives that give a truth value."""

INLINED = frozenset([*INLINERS, *TRAVERSALS, "not"])
"""The primitives that eager code doesn't look up when it runs."""

"""``map``, ``for-each``, ``filter`` and ``fold`` as Python loops, and lists that are never made.

``(for-each (lambda (x) body) items)`` calls nothing for an element: the body stands in a ``for``
statement; a procedure that has a name is called there. This is left to the primitive if a procedure
written in place makes procedures, which could keep the variables of one trip.

``(fold + 0 (map f (filter p (iota n))))`` needs no pairs either: what a primitive only asks for its
elements is handed to it as a Python list. Nobody can tell, since nobody else gets hold of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeGuard

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.emitter import EFFECT
from eshkol.codegen.names import Names
from eshkol.core.nodes import Call, GlobalRef, Lambda, LocalRef, Node, Parameter, Variable
from eshkol.core.surroundings import owner_of
from eshkol.core.walk import bound_variables, everything

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter

Trip = Callable[["EagerEmitter", Lambda, str], None]
"""Emits what happens to an element; the string is the Python variable of the result."""

TRAVERSALS = {"map": 1, "for-each": 1, "filter": 1, "fold": 2, "fold-left": 2, "foldl": 2}
"""How many arguments the procedure takes: the last one is the element."""


LISTING = {"map", "filter"}
"""Traversals that give a list."""

ITEMS = {
    "iota": (3, " items of iota"),
    "hash-keys": (1, " items of hash-keys"),
    "hash-values": (1, " items of hash-values"),
    "string->list": (3, " items of string->list"),
    "vector->list": (3, " items of vector->list"),
}
"""Primitives that give a list, the most arguments they take, and what gives its elements."""

TAKING = {
    "length": (1, " len"),
    "list->vector": (1, " Vector"),
    "list->string": (1, " string of chars"),
    "string-join": (2, " joined texts"),
}
"""Primitives that ask a list, their first argument, for its elements, and what takes these."""


def _entry(table: dict[str, tuple[int, str]], node: Call) -> str | None:
    """What ``table`` says of the primitive that ``node`` calls rightly."""
    assert isinstance(node.procedure, GlobalRef)
    most, hidden = table.get(node.procedure.name, (0, ""))
    return hidden if 1 <= len(node.arguments) <= most else None


def is_traversal(emitter: EagerEmitter, node: Call) -> bool:
    """Whether ``node`` can be a Python loop."""
    procedure = node.procedure
    if not isinstance(procedure, GlobalRef) or not emitter.is_primitive(procedure):
        return False
    arity = TRAVERSALS.get(procedure.name)
    if arity is None or node.keywords or len(node.arguments) != arity + 1:
        return False
    function = node.arguments[0]
    if isinstance(function, GlobalRef | LocalRef):
        return True
    return _is_simple(function, arity) and owner_of(function) != emitter.owner


def _is_simple(function: Node, arity: int) -> TypeGuard[Lambda]:
    """Whether ``function`` is written in place and can stand in the loop."""
    if not isinstance(function, Lambda) or function.rest is not None:
        return False
    if len(function.parameters) != arity:
        return False
    if any(p.default or p.keyword for p in function.parameters):
        return False
    return not any(isinstance(part, Lambda) for part in everything(function.body))


def traverse(emitter: EagerEmitter, node: Call) -> ast.expr:
    """The value of a traversal, whose loop is emitted: a Python list for ``map`` and ``filter``."""
    assert isinstance(node.procedure, GlobalRef)
    name, span = node.procedure.name, node.span
    function = _in_place(emitter, name, node)
    *initial, items = _arguments(emitter, name, node)
    renamed = _rename(emitter, function)
    emitter.note_inlined(function.body)
    emitter.may_restart = emitter.may_restart or name == "filter"
    parameters = [emitter.name(p.variable) for p in function.parameters]
    result = parameters[0] if initial else emitter.temporary()
    if initial:
        emitter.add(py.assign(span, result, initial[0]))
    elif name != "for-each":
        emitter.add(py.assign(span, result, py.at(span, ast.List([], py.LOAD))))
    with emitter.standing_in(owner_of(function)):
        trip, _ = emitter.in_block(lambda: _TRIPS[name](emitter, function, result))
    target = py.store(span, parameters[-1])
    trip = trip or [py.at(span, ast.Pass())]
    emitter.add(py.at(span, ast.For(target, items, trip, [])))
    emitter.unit.names.update(renamed)
    return emitter.unspecified(span) if name == "for-each" else py.load(span, result)


def _arguments(emitter: EagerEmitter, name: str, node: Call) -> list[ast.expr]:
    """The initial value, if there is one, and a Python iterable of the elements."""
    items = node.arguments[-1]
    if gives_sequence(emitter, items):
        initial = [emitter.keep(n.span, emitter.expression(n)) for n in node.arguments[1:-1]]
        return [*initial, sequence(emitter, items)]
    *initial, listed = emitter.expressions(node.arguments[1:])
    return [*initial, py.call(node.span, " list_argument", py.constant(node.span, name), listed)]


def _in_place(emitter: EagerEmitter, name: str, node: Call) -> Lambda:
    """The procedure as one whose body can stand in the loop; it calls one that has a name."""
    function, span = node.arguments[0], node.span
    if isinstance(function, Lambda):
        return function
    if not emitter.is_primitive(function):
        procedure = Variable("procedure")
        emitter.unit.names[procedure] = emitter.temporary()
        who, arity = py.constant(span, name), py.constant(span, TRAVERSALS[name])
        value = py.call(span, " procedure_of_elements", who, emitter.expression(function), arity)
        emitter.add(py.assign(span, emitter.name(procedure), value))
        function = LocalRef(span, procedure)
    parameters = tuple(Variable(name) for name in ("result", "item")[-TRAVERSALS[name] :])
    call = Call(span, function, tuple(LocalRef(span, variable) for variable in parameters))
    return Lambda(span, "trip", tuple(map(Parameter, parameters)), None, call)


def _rename(emitter: EagerEmitter, function: Lambda) -> Names:
    """Give the procedure's variables names that no other of the Python function has.

    Returns:
        Their names so far, for where the procedure is a Python function again: in staged code, and
        once the program defines the name of the primitive. Temporaries of that function have the
        names which the variables have here.
    """
    names = emitter.unit.names
    variables = [v for part in everything(function) for v in bound_variables(part)]
    before = {variable: names[variable] for variable in variables if variable in names}
    for variable in variables:
        names[variable] = emitter.temporary()
    return before


def append(span: Span, result: str, value: ast.expr) -> ast.stmt:
    """The statement that adds a value to a Python list."""
    method = py.at(span, ast.Attribute(py.load(span, result), "append", py.LOAD))
    return py.at(span, ast.Expr(py.call(span, method, value)))


def _for_each(emitter: EagerEmitter, function: Lambda, result: str) -> None:
    emitter.tail_by_kinds(function.body, EFFECT)


def _map(emitter: EagerEmitter, function: Lambda, result: str) -> None:
    value = emitter.expression(function.body)
    emitter.add(append(function.body.span, result, value))


def _filter(emitter: EagerEmitter, function: Lambda, result: str) -> None:
    span = function.body.span
    test = emitter.condition(function.body)
    item = py.load(span, emitter.name(function.parameters[0].variable))
    emitter.add(py.at(span, ast.If(test, [append(span, result, item)], [])))


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


# ---- lists that are never made


def gives_sequence(emitter: EagerEmitter, node: Node) -> bool:
    """Whether :func:`sequence` can do with ``node``."""
    if isinstance(node, LocalRef):
        return node.variable in emitter.sequences or node.variable in emitter.accumulators
    if not isinstance(node, Call) or not emitter.is_primitive(node.procedure) or node.keywords:
        return False
    assert isinstance(node.procedure, GlobalRef)
    name = node.procedure.name
    if name == "reverse":
        return len(node.arguments) == 1 and gives_sequence(emitter, node.arguments[0])
    return _entry(ITEMS, node) is not None or (name in LISTING and is_traversal(emitter, node))


def sequence(emitter: EagerEmitter, node: Node) -> ast.expr:
    """A Python iterable of the elements of the list that ``node`` gives."""
    span = node.span
    if isinstance(node, LocalRef):
        name = py.load(span, emitter.name(node.variable))
        return _reversed(span, name) if node.variable in emitter.accumulators else name
    assert isinstance(node, Call) and isinstance(node.procedure, GlobalRef)
    items = _entry(ITEMS, node)
    if items is not None:
        return py.call(span, items, *emitter.expressions(node.arguments))
    if node.procedure.name == "reverse":
        return _reverse(emitter, span, node.arguments[0])
    return traverse(emitter, node)


def _reverse(emitter: EagerEmitter, span: Span, items: Node) -> ast.expr:
    if isinstance(items, LocalRef) and items.variable in emitter.accumulators:
        return py.load(span, emitter.name(items.variable))
    return _reversed(span, sequence(emitter, items))


def _reversed(span: Span, items: ast.expr) -> ast.expr:
    back = py.at(span, ast.UnaryOp(ast.USub(), py.constant(span, 1)))
    return py.at(span, ast.Subscript(items, py.at(span, ast.Slice(None, None, back)), py.LOAD))


def scheme_list(span: Span, items: ast.expr) -> ast.expr:
    """The Scheme list of the elements of a Python list."""
    return py.call(span, " scheme_list", items)


def inline_sequence(emitter: EagerEmitter, node: Call) -> ast.expr | None:
    """A call that gives or takes a list which needs not be made; None if it is another."""
    if not emitter.is_primitive(node.procedure) or node.keywords:
        return None
    assert isinstance(node.procedure, GlobalRef)
    name, span = node.procedure.name, node.span
    if name == "reverse" and gives_sequence(emitter, node):
        return scheme_list(span, sequence(emitter, node))
    taking = _entry(TAKING, node)
    if taking is not None and gives_sequence(emitter, node.arguments[0]):
        items = emitter.keep(span, sequence(emitter, node.arguments[0]))
        return py.call(span, taking, items, *emitter.expressions(node.arguments[1:]))
    if is_traversal(emitter, node):
        found = traverse(emitter, node)
        return scheme_list(span, found) if name in LISTING else found
    return None

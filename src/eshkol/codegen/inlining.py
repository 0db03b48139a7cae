"""Primitives whose fast path is emitted in place.

``(+ a b)`` becomes ``a + b`` under a guard that Python computes it as the language does, with a
call of the generic primitive otherwise; likewise comparisons and integer division. Accessors read
a slot under a guard, predicates become class tests. What is known of an operand needs no guard.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from eshkol.codegen import inline_data, inline_numbers, inline_text
from eshkol.codegen import python as py
from eshkol.codegen.kinds import PARTS_OF_PAIRS, RESULTS, TESTED
from eshkol.codegen.traversals import ITEMS, TAKING, TRAVERSALS
from eshkol.core.nodes import Call, GlobalRef, Node

if TYPE_CHECKING:
    from eshkol.codegen.eager import EagerEmitter

Inliner = Callable[["EagerEmitter", Call], "ast.expr | None"]
"""Emits a call in place; None if this call is better made."""


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
    if isinstance(value, ast.IfExp):
        value.orelse = py.call(node.span, " truth", value.orelse)
    return value


def _inliner(emitter: EagerEmitter, node: Call) -> Inliner | None:
    procedure = node.procedure
    if not isinstance(procedure, GlobalRef) or node.keywords:
        return None
    count, inliner = INLINERS.get(procedure.name, (0, None))
    if inliner is None or count not in (ANY, len(node.arguments)):
        return None
    hidden = procedure.name.startswith(" ")
    return inliner if hidden or emitter.is_primitive(procedure) else None


def _table() -> dict[str, tuple[int, Inliner]]:
    """The number of arguments and the inliner of each primitive."""
    families: list[tuple[int, Inliner, object]] = [
        (2, inline_numbers.arithmetic, inline_numbers.ARITHMETIC),
        (2, inline_numbers.comparison, inline_numbers.COMPARISONS),
        (2, inline_numbers.division, ["/"]),
        (1, inline_numbers.sign, inline_numbers.SIGNS),
        (1, inline_numbers.parity, inline_numbers.PARITIES),
        (2, inline_numbers.integer_division, inline_numbers.DIVISIONS),
        (2, inline_numbers.extreme, inline_numbers.EXTREMES),
        (1, inline_numbers.absolute, ["abs"]),
        (1, inline_data.null, ["null?"]),
        (1, inline_data.class_test, TESTED),
        (1, inline_data.likely_class, inline_data.LIKELY_CLASSES),
        (2, inline_data.same, inline_data.SAMENESS),
        (2, inline_data.cons, ["cons"]),
        (ANY, inline_data.make_list, ["list"]),
        (1, inline_data.accessor, PARTS_OF_PAIRS),
        (2, inline_data.association, ["assq", "assv"]),
        (2, inline_data.vector_ref, ["vector-ref"]),
        (3, inline_data.vector_set, ["vector-set!"]),
        (2, inline_data.pair_set, ["set-car!", "set-cdr!"]),
        (ANY, inline_text.string_append, ["string-append"]),
        (1, inline_text.number_to_string, ["number->string"]),
        (1, inline_text.string_length, ["string-length"]),
        (3, inline_data.hash_ref, ["hash-ref", "hash-table-ref/default"]),
        (3, inline_data.hash_set, ["hash-set!", "hash-table-set!"]),
    ]
    return {name: (count, inliner) for count, inliner, names in families for name in names}  # type: ignore[attr-defined]


ANY = -1
"""Stands for any number of arguments."""

INLINERS = _table()

PREDICATES = frozenset(
    [
        *inline_numbers.COMPARISONS,
        *inline_numbers.SIGNS,
        *inline_numbers.PARITIES,
        "null?",
        *TESTED,
        *inline_data.LIKELY_CLASSES,
        *inline_data.SAMENESS,
    ]
)
"""Inlined primitives that give a truth value."""

INLINED = frozenset([*INLINERS, *TRAVERSALS, *ITEMS, *TAKING, *RESULTS, "reverse", "not"])
"""The primitives that eager code doesn't look up when it runs."""

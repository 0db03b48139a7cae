"""The hidden names that compiled code uses.

They start with a space, which no program can write, and live among the builtins of every
namespace.
"""

from __future__ import annotations

import operator
from itertools import count
from typing import Any, NoReturn

from eshkol.base.errors import ArityError, UnboundVariable
from eshkol.datum.pairs import NIL, Pair, cons, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import UNASSIGNED, UNSPECIFIED, Char, HashTable, Vector
from eshkol.primitives import (
    arithmetic,
    comparison,
    conditions,
    equality,
    hash_tables,
    in_place,
    lists,
    matching,
    modes,
    multiple_values,
    parameters,
    promises,
    records,
    string_search,
    strings,
    tensor_elementwise,
    vectors,
)
from eshkol.primitives.arguments import elements_argument, list_argument
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.primitives.continuations import make
from eshkol.primitives.declare import PRIMITIVES, argument_count, load
from eshkol.primitives.dynamic import TailCall
from eshkol.runtime.dialects import NeedsStaging, crossing, restart, staged
from eshkol.runtime.elements import procedure_of_elements
from eshkol.runtime.namespace import Namespace
from eshkol.runtime.tail_calls import deep, tick
from eshkol.runtime.truth import decided, truth


class Missing:
    """Stands for an optional argument that was not given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "…"


MISSING = Missing()


def assigned(value: Any, name: str) -> Any:
    """What an assigned variable of a body holds, which may not have its value yet."""
    if value is UNASSIGNED:
        raise UnboundVariable(
            f"{name} is used before it has a value",
            hint="in a body, a definition can use only those before it (except inside a procedure)",
        )
    return value


def rest_list(arguments: Any) -> Any:
    """The Scheme list of a procedure's rest arguments."""
    return scheme_list(arguments) if arguments.__class__ is tuple else arguments


def splice(items: Any, rest: Any) -> Any:
    """What ``,@items`` makes of the rest of its list."""
    return scheme_list(list_argument("unquote-splicing (,@)", items), rest)


def is_missing(value: Any) -> bool:
    """Whether an optional argument was not given."""
    return value is MISSING


def is_empty(rest: Any) -> bool:
    """Whether a list of rest arguments is empty."""
    return rest is NIL


def no_clause(count: int) -> NoReturn:
    """Raise the error for a ``case-lambda`` that has no clause for so many arguments."""
    shown = argument_count(count, count)
    raise ArityError(f"no clause of this case-lambda takes {shown}")


FORMS: dict[str, Any] = {
    " is_missing": is_missing,
    " is_empty": is_empty,
    " no_clause": no_clause,
    " take_values": multiple_values.take_values,
    " item": operator.getitem,
    " guard": conditions.guard,
    " parameterize": parameters.parameterize,
    " delay": promises.delay,
    " delay-force": promises.delay_force,
    " in_place": in_place.update_variables,
    " where": tensor_elementwise.where_computed,
    " with_checks": modes.with_checks,
    " with_precision": modes.with_precision,
    " record_type": records.record_type,
    " record_constructor": records.constructor,
    " record_predicate": records.predicate,
    " record_accessor": records.accessor,
    " record_modifier": records.modifier,
}
"""What core forms call."""


STAGING = {
    "condition": "control",
    "staged_if": "control",
    "set_box": "control",
    "make_box": "control",
    "mutate": "control",
    "staged_while": "loops",
    "staged_loop": "loops",
    "again": "parting_loops",
    "done": "steps",
    "read_global": "globals",
    "set_top_level": "globals",
    "output": "effects",
    "formatted": "control",
    "check": "control",
    "is_true": "control",
    "call_primitive": "unions",
    "new_run": "keys",
    "next_trip": "keys",
}
"""The functions of the staging runtime that staged code calls, and their modules."""


def _staging(module: str, name: str) -> Any:
    """A function of the staging runtime, which loads JAX on first use."""
    path = f"eshkol.xla.{module}:{name}"

    def function(*arguments: Any) -> Any:
        return load(path)(*arguments)

    function.__name__ = name
    return function


def builtins() -> dict[str, Any]:
    """The ``__builtins__`` of compiled code: primitives and hidden names."""
    table = dict(builtin_namespace())
    table.update(FORMS)
    table[" call/cc"] = PRIMITIVES["call/cc"].function
    table.update(
        {
            " unspecified": UNSPECIFIED,
            " nil": NIL,
            " Pair": Pair,
            " int": int,
            " float": float,
            " str": str,
            " len": len,
            " range": range,
            " count": count,
            " Symbol": Symbol,
            " Vector": Vector,
            " Char": Char,
            " HashTable": HashTable,
            " missing": MISSING,
            " assigned": assigned,
            " rest_list": rest_list,
            " list_argument": elements_argument,
            " procedure_of_elements": procedure_of_elements,
            " scheme_list": scheme_list,
            " items of iota": lists.iota_items,
            " items of hash-keys": hash_tables.key_items,
            " items of hash-values": hash_tables.value_items,
            " items of string->list": strings.char_items,
            " items of vector->list": vectors.vector_copy,
            " string of chars": strings.string_of_chars,
            " joined texts": string_search.joined_texts,
            " truth": truth,
            " decided": decided,
            " NeedsStaging": NeedsStaging,
            " crossing": crossing,
            " restart": restart,
            " tick": tick,
            " deep": deep,
            " make": make,
            " TailCall": TailCall,
            " staged": staged,
            " define": Namespace.define,
            " set_global": Namespace.set,
            " eqv?": equality.same,
            " cons": cons,
            " list": PRIMITIVES["list"].function,
            " append": splice,
            " list->vector": PRIMITIVES["list->vector"].function,
            " add": arithmetic.add,
            " subtract": arithmetic.subtract,
            " multiply": arithmetic.multiply,
            " divide": arithmetic.divide,
            " equal_to": comparison.equal_to,
            " less": comparison.less,
            " greater": comparison.greater,
            " less_equal": comparison.less_equal,
            " greater_equal": comparison.greater_equal,
        }
    )
    table.update({f" {name}": _staging(module, name) for name, module in STAGING.items()})
    table.update({f" {name}": helper for name, helper in matching.HELPERS.items()})
    # What forms of the language mention, where a program gives the primitive's name to another.
    for name, value in builtin_namespace().items():
        table.setdefault(f" {name}", value)
    return table

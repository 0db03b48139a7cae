"""Record types: what ``define-record-type`` makes (R7RS 5.5).

A type is a Python class with a slot for each field. Its constructor, predicate, accessors and
modifiers are Python functions written for it: reading a field costs a test and an attribute.
"""

from __future__ import annotations

import sys
from typing import Any

from eshkol.base.errors import WrongType
from eshkol.datum.records import Record, make_record_class
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import short_string
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.dynamic import Procedure

Type = type[Record]


def record_type(namespace: Any, name: Symbol, *fields: Symbol) -> Type:
    """A new record type; the brackets of ``<name>`` are no part of how records are shown.

    Args:
        namespace: of a definition at top level, which gives the type back that the variable holds
            if that has the same fields: evaluating the definition again changes nothing. ``#f``
            for another definition.
        name: the type's variable.
        fields: their names.
    """
    text = name.name
    if len(text) > 2 and text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    names = tuple(field.name for field in fields)
    if namespace is not False:
        known = namespace.variables.get(name.name)
        if getattr(known, "__scheme_fields__", None) == names and known.__scheme_name__ == text:
            return known
    kind = make_record_class(text, names)
    if "eshkol.xla.containers" in sys.modules:
        load("eshkol.xla.containers:register_record")(kind)
    return kind


def constructor(kind: Type, name: Symbol, *given: int) -> Procedure:
    """A procedure that makes a record.

    Args:
        kind: its type.
        name: of the procedure.
        given: the positions of the fields that its arguments are for, in order.
    """
    parameters = [_parameter_name(kind, index) for index in given]
    lines = [f"def made({', '.join(parameters)}):", "    record = new(kind)"]
    for index, slot in enumerate(kind.__scheme_slots__):
        value = parameters[given.index(index)] if index in given else "unspecified"
        lines.append(f"    record.{slot} = {value}")
    lines.append("    return record")
    return _written(kind, name, lines)


_GIVEN = ("record", "new", "kind", "unspecified")


def _parameter_name(kind: Type, index: int) -> str:
    slot = kind.__scheme_slots__[index]
    return f"{slot}_" if slot in _GIVEN else slot


def predicate(kind: Type, name: Symbol) -> Procedure:
    """A procedure that tells the records of a type."""
    lines = ["def made(value):", "    return value.__class__ is kind"]
    return _of_each_kind(_written(kind, name, lines))


def accessor(kind: Type, name: Symbol, index: int) -> Procedure:
    """A procedure that gives a field of a record."""
    lines = [
        "def made(record):",
        "    if record.__class__ is kind:",
        f"        return record.{kind.__scheme_slots__[index]}",
        f"    raise mismatch(kind, name, {index}, record)",
    ]
    return _of_each_kind(_written(kind, name, lines))


def _of_each_kind(function: Any) -> Procedure:
    """A procedure that staged code calls for each value that its argument may be."""

    def staged_call(value: Any) -> Any:
        return load("eshkol.xla.unions:call_primitive")(function.__name__, function, value)

    function.eshkol_staged = staged_call
    return function


def modifier(kind: Type, name: Symbol, index: int) -> Procedure:
    """A procedure that changes a field of a record."""
    lines = [
        "def made(record, value):",
        "    if record.__class__ is not kind:",
        f"        raise mismatch(kind, name, {index}, record)",
        f"    record.{kind.__scheme_slots__[index]} = value",
        "    return unspecified",
    ]
    change: Any = _written(kind, name, lines)

    def staged_change(record: Any, value: Any) -> Any:
        return load("eshkol.xla.control:mutate")(change, record, value)

    change.eshkol_staged = staged_change
    return change


def _written(kind: Type, name: Symbol, lines: list[str]) -> Procedure:
    """The function ``made`` that Python source defines, under a Scheme name; written once."""
    source = "\n".join(lines)
    known = kind.__scheme_procedures__.get((name.name, source))
    if known is not None:
        return known
    names: dict[str, Any] = {
        "kind": kind,
        "name": name.name,
        "new": object.__new__,
        "mismatch": _mismatch,
        "unspecified": UNSPECIFIED,
    }
    exec(compile(source, __file__, "exec"), names)
    function = kind.__scheme_procedures__[name.name, source] = names["made"]
    function.__name__ = function.__qualname__ = name.name
    return function


def _mismatch(kind: Type, name: str, index: int, value: Any) -> WrongType:
    field, owner = kind.__scheme_fields__[index], kind.__scheme_name__
    hint = f"{name} is for the field {field} of records of type {owner}"
    if isinstance(value, Record) and value.__scheme_name__ == owner:
        hint += ";\nthis record was made before the type was defined again"
    return WrongType(f"{name}: expected a {owner}, got {short_string(value)}", hint=hint)


@primitive("record?")
def is_record(value: Any) -> bool:
    """Whether the value is a record of any type.

    Example: ``(define-record-type point (make-point x) point? (x point-x)) (record?
    (make-point 1))`` ⇒ ``#t``.
    """
    return isinstance(value, Record)

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


def record_type(name: Symbol, *fields: Symbol) -> Type:
    """A new record type; the brackets of ``<name>`` are no part of how records are shown."""
    text = name.name
    if len(text) > 2 and text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    kind = make_record_class(text, tuple(field.name for field in fields))
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
    slots = kind.__scheme_slots__
    parameters = [_parameter_name(kind, index) for index in given]
    lines = [f"def made({', '.join(parameters)}):", "    record = new(kind)"]
    for index, slot in enumerate(slots):
        value = parameters[given.index(index)] if index in given else "unspecified"
        lines.append(f"    record.{slot} = {value}")
    lines.append("    return record")
    names = {"new": object.__new__, "kind": kind, "unspecified": UNSPECIFIED}
    return _written(lines, names, name)


def _parameter_name(kind: Type, index: int) -> str:
    slot = kind.__scheme_slots__[index]
    return f"{slot}_" if slot in ("record", "new", "kind", "unspecified") else slot


def predicate(kind: Type, name: Symbol) -> Procedure:
    """A procedure that tells the records of a type."""
    return _written(
        ["def made(value):", "    return value.__class__ is kind"], {"kind": kind}, name
    )


def accessor(kind: Type, name: Symbol, index: int) -> Procedure:
    """A procedure that gives a field of a record."""
    slot = kind.__scheme_slots__[index]
    lines = [
        "def made(record):",
        "    if record.__class__ is kind:",
        f"        return record.{slot}",
        "    raise mismatch(kind, name, index, record)",
    ]
    return _written(lines, {"kind": kind, "index": index, "mismatch": _mismatch}, name)


def modifier(kind: Type, name: Symbol, index: int) -> Procedure:
    """A procedure that changes a field of a record."""
    slot = kind.__scheme_slots__[index]
    lines = [
        "def made(record, value):",
        "    if record.__class__ is not kind:",
        "        raise mismatch(kind, name, index, record)",
        f"    record.{slot} = value",
        "    return unspecified",
    ]
    names = {"kind": kind, "index": index, "mismatch": _mismatch, "unspecified": UNSPECIFIED}
    change = _written(lines, names, name)

    def staged_change(record: Any, value: Any) -> Any:
        return load("eshkol.xla.journal:mutate")(change, record, value)

    change.eshkol_staged = staged_change  # type: ignore[attr-defined]
    return change


def _written(lines: list[str], names: dict[str, Any], name: Symbol) -> Procedure:
    """The function ``made`` that Python source defines, under a Scheme name."""
    exec(compile("\n".join(lines), __file__, "exec"), names)
    function = names["made"]
    function.__name__ = function.__qualname__ = names["name"] = name.name
    return function


def _mismatch(kind: Type, name: str, index: int, value: Any) -> WrongType:
    field, owner = kind.__scheme_fields__[index], kind.__scheme_name__
    hint = f"{name} is for the field {field} of records of type {owner}"
    if isinstance(value, Record) and value.__scheme_name__ == owner:
        hint += ";\nthis record was made before the type was defined again"
    return WrongType(f"{name}: expected a {owner}, got {short_string(value)}", hint=hint)


@primitive("record?")
def is_record(value: Any) -> bool:
    """Whether the value is a record of any type."""
    return isinstance(value, Record)

"""Records and promises: the values of types that programs define, and of ``delay``."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import Any

from eshkol.datum.values import ABSENT
from eshkol.datum.write import Text, write_string

# ---- records


class Record:
    """A record; each ``define-record-type`` makes a subclass, with a slot for each field.

    The class attributes ``__scheme_name__`` and ``__scheme_fields__`` hold the names of the type
    and of its fields as the program wrote them, ``__scheme_slots__`` the Python attributes of the
    fields, ``__scheme_procedures__`` the procedures that were made for the type.
    """

    __slots__ = ("__weakref__",)

    __scheme_name__: str
    __scheme_fields__: tuple[str, ...]
    __scheme_slots__: tuple[str, ...]
    __scheme_procedures__: dict[Any, Any]

    def __scheme_parts__(self) -> Iterator[Any]:
        yield Text(f"#({self.__scheme_name__}")
        for value in field_values(self):
            yield Text(" ")
            yield value
        yield Text(")")

    def __repr__(self) -> str:
        return write_string(self)


def field_values(record: Record) -> tuple[Any, ...]:
    """The values of all fields, in the order of the definition."""
    return tuple([getattr(record, slot) for slot in record.__scheme_slots__])


def set_fields(record: Record, values: tuple[Any, ...]) -> None:
    """Give all fields these values."""
    for slot, value in zip(record.__scheme_slots__, values, strict=True):
        setattr(record, slot, value)


def make_record(kind: type[Record], values: Any) -> Record:
    """A record of a type, with the values of all its fields."""
    record = kind.__new__(kind)
    set_fields(record, tuple(values))
    return record


def make_record_class(name: str, fields: tuple[str, ...]) -> type[Record]:
    """A new record type.

    Example:
        >>> point = make_record_class("point", ("x", "y"))
        >>> make_record(point, (1, 2.5))
        #(point 1 2.5)
    """
    slots = slot_names(fields)
    namespace = {
        "__slots__": slots,
        "__scheme_name__": name,
        "__scheme_fields__": fields,
        "__scheme_slots__": slots,
        "__scheme_procedures__": {},
        "__match_args__": slots,
    }
    return type(name, (Record,), namespace)


def slot_names(fields: tuple[str, ...]) -> tuple[str, ...]:
    """The Python attribute of each field: its name with ``-`` as ``_`` where that can be one.

    Example:
        >>> slot_names(("first-name", "class", "!?"))
        ('first_name', 'field_1', 'field_2')
    """
    slots: list[str] = []
    for index, field in enumerate(fields):
        slot = field.replace("-", "_")
        fits = slot.isidentifier() and not keyword.iskeyword(slot) and not slot.startswith("__")
        slots.append(slot if fits and slot not in slots else f"field_{index}")
    return tuple(slots)


# ---- promises


class PromiseBox(list):
    """What is known of a promise, its value, and a procedure that gives it.

    Of the value and the procedure one is there; that of ``delay-force`` gives a promise of it.
    """

    __slots__ = ()


class Promise:
    """A promise (R7RS 4.2.5).

    Attributes:
        box: shared by all promises of one chain of ``delay-force``.
    """

    __slots__ = ("box",)

    VALUE, DELAYED, CHAINED = "value", "delayed", "chained"

    def __init__(self, state: str, content: Any) -> None:
        is_known = state is Promise.VALUE
        self.box = PromiseBox((state, content, ABSENT) if is_known else (state, ABSENT, content))

    def __repr__(self) -> str:
        return "#<promise>"

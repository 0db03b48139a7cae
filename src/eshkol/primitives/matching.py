"""What compiled forms, most of all ``match``, call beside the ordinary primitives."""

from __future__ import annotations

from typing import Any, NoReturn

from eshkol.base.errors import BadValue, StagingError, WrongType
from eshkol.datum.pairs import NIL, Pair, scheme_list, spine
from eshkol.datum.records import Record
from eshkol.datum.values import Vector
from eshkol.datum.write import display_string, short_string
from eshkol.primitives.arguments import is_tracer
from eshkol.primitives.parallel import make_future


def items_before(value: Any, count: int) -> Any:
    """The list of all items of a list or vector but the last ``count``; ``#f`` if it has fewer."""
    items = _items(value)
    if items is None or len(items) < count:
        return False
    return scheme_list(items[: len(items) - count])


def items_from(value: Any, count: int) -> Any:
    """The list of the last ``count`` items of a list or vector that has so many."""
    items = _items(value)
    assert items is not None
    return scheme_list(items[len(items) - count :])


def _items(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if value is not NIL and value.__class__ is not Pair:
        return None
    items, tail = spine(value)
    return items if tail is NIL else None


def is_vector_of(value: Any, length: int) -> bool:
    """Whether the value is a vector of this length."""
    return isinstance(value, Vector) and len(value) == length


def is_record_of(value: Any, kind: Any, count: int) -> bool:
    """Whether the value is a record of the type ``kind``, which must have ``count`` fields.

    Raises:
        WrongType: if ``kind`` is no record type.
        BadValue: if it has another number of fields.
    """
    if not isinstance(kind, type) or not issubclass(kind, Record):
        raise WrongType(f"match: expected a record type, got {short_string(kind)}")
    fields = kind.__scheme_fields__
    if len(fields) != count:
        raise BadValue(
            f"match: a pattern for records of type {kind.__scheme_name__} has {count} fields",
            hint=f"the fields are: {' '.join(fields) or 'none'}",
        )
    return value.__class__ is kind


def record_field(value: Any, index: int) -> Any:
    """The field of a record by its place in the declaration."""
    return getattr(value, value.__scheme_slots__[index])


def no_clause_fits(value: Any, clauses: str) -> NoReturn:
    """Raise the error that a value fits no clause of a ``match``, whose places are given."""
    raise BadValue(f"match: no clause fits {short_string(value)}", hint=clauses)


def interpolate(*parts: Any) -> str:
    """The parts of a string with expressions in it, one after another as ``display`` shows them."""
    for part in parts:
        if is_tracer(part):
            raise StagingError(
                f"the value of {short_string(part)} in this string is not known while staging",
                hint="show it by itself: (display value)",
            )
    return "".join([part if part.__class__ is str else display_string(part) for part in parts])


HELPERS = {
    "make_future": make_future,
    "items_before": items_before,
    "items_from": items_from,
    "is_vector_of": is_vector_of,
    "is_record_of": is_record_of,
    "record_field": record_field,
    "no_clause_fits": no_clause_fits,
    "interpolate": interpolate,
}
"""By the hidden names, without the space, under which compiled code finds them."""

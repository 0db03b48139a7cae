"""Multiple values (R7RS 6.10)."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import ArityError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import MultipleValues
from eshkol.primitives.arguments import procedure_argument
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import primitive


@primitive("values")
def values(*items: Any) -> Any:
    """Several values at once; one value is just itself. ``call-with-values`` takes them apart.

    Example: ``(call-with-values (lambda () (values 1 2)) list)`` ⇒ ``(1 2)``.
    """
    return items[0] if len(items) == 1 else MultipleValues(items)


@primitive("call-with-values")
def call_with_values(producer: Any, consumer: Any) -> Any:
    """Call ``producer``, then ``consumer`` with the values that it gave as arguments.

    Example: ``(call-with-values (lambda () (floor/ -7 2)) list)`` ⇒ ``(-4 1)``.
    """
    produced = callee(procedure_argument("call-with-values", producer))()
    consume = callee(procedure_argument("call-with-values", consumer))
    if produced.__class__ is MultipleValues:
        return consume(*produced)
    return consume(produced)


def take_values(value: Any, count: int, takes_rest: bool, who: str) -> tuple[Any, ...]:
    """What the forms that bind multiple values bind their variables to.

    Args:
        value: what their expression gave.
        count: of the variables that take one value each.
        takes_rest: whether another variable takes the list of the other values.
        who: the form.
    """
    items = value if value.__class__ is MultipleValues else (value,)
    if len(items) == count and not takes_rest:
        return items
    if takes_rest and len(items) >= count:
        return (*items[:count], scheme_list(list(items[count:])))
    expected = f"at least {count}" if takes_rest else str(count)
    raise ArityError(
        f"{who}: expected {expected} value{'s' * (count != 1)}, got {len(items)}",
        hint="an expression gives several values by (values value …)",
    )

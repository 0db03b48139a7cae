"""Settings for the extent of a body: what ``with-checks`` and ``with-precision`` do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.base.config import CONFIG, NARROW_PRODUCTS
from eshkol.base.errors import BadValue
from eshkol.datum.symbols import Symbol
from eshkol.datum.write import short_string
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load

Thunk = Callable[[], Any]

PRECISIONS = ("float32", "float64", *NARROW_PRODUCTS)


def with_settings(thunk: Thunk, **settings: Any) -> Any:
    """Call ``thunk`` with other settings (see ``Config.override``)."""
    entered = load("eshkol.xla.modes:entered")
    with CONFIG.override(**settings), entered():
        return callee(thunk)()


def with_checks(thunk: Thunk) -> Any:
    """What the form ``with-checks`` does."""
    return with_settings(thunk, checked=True)


def with_precision(precision: Any, thunk: Thunk) -> Any:
    """What the form ``with-precision`` does.

    Raises:
        BadValue: for another precision.
    """
    name = str(precision) if isinstance(precision, Symbol | str) else ""
    if name not in PRECISIONS:
        raise BadValue(
            f"with-precision: unknown precision {short_string(precision)}",
            hint=f"the precisions are {' '.join(PRECISIONS)}",
        )
    if name in NARROW_PRODUCTS:
        return with_settings(thunk, products=name)
    return with_settings(thunk, tensor_dtype=name, products="")

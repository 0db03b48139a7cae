"""Looking into programs from Python: ``debug_print``."""

from __future__ import annotations

from typing import Any

from eshkol.primitives.debugging import debug_print as _debug_print
from eshkol.runtime.boundary import bounded


@bounded
def debug_print(label: Any, /, *values: Any, **named: Any) -> Any:
    """Show a line with values, also from a function that is compiled, when the program runs.

    Args:
        label: a text. Its ``{}``, ``{0}``, ``{name}`` are filled with the values, numbers also by
            Python's format: ``{:.3f}``. A text without braces, or any other value, comes before
            the values.
        values: anything.
        named: values of ``{name}``.

    Returns:
        The last of the values, so that an expression can be wrapped where it stands.

    Raises:
        BadValue: if the braces and the values don't fit.

    Example:
        >>> import eshkol as ek
        >>> 1 + ek.debug_print("x is {:.2f}", 2.0)
        x is 2.00
        3.0
    """
    value = _debug_print(label, *values, **named)
    return value if values else None

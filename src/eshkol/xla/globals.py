"""Top-level variables in staged code.

A number or tensor in a top-level variable is an argument of the compiled program, so a new value
compiles nothing. :class:`Lifted` is the table of those arguments while a program is traced.
"""

from __future__ import annotations

import threading
from typing import Any

from eshkol.base.errors import StagingError


class Lifted(threading.local):
    """The lifted top-level variables of the program being traced: ``(namespace, name)`` → value."""

    def __init__(self) -> None:
        self.values: dict[tuple[int, str], Any] = {}


LIFTED = Lifted()


def read_global(namespace: Any, name: str, value: Any) -> Any:
    """The value of a top-level variable in staged code; ``value`` is what it holds now."""
    return LIFTED.values.get((id(namespace), name), value)


def set_top_level(namespace: Any, name: str, value: Any) -> Any:
    """Refuse to assign a top-level variable.

    Raises:
        StagingError: always; a compiled program runs often and is traced once.
    """
    raise StagingError(
        f"set!: the top-level variable {name} can't be assigned inside a compiled procedure",
        hint=f"return the new value, and assign it where the procedure is called: "
        f"(set! {name} (procedure …))",
    )

"""Top-level variables in staged code.

A number or tensor in a top-level variable is an argument of the compiled program, so a new value
compiles nothing. :class:`Lifted` is the table of those arguments while a program is traced.
"""

from __future__ import annotations

import threading
from typing import Any

from eshkol.base.errors import StagingError
from eshkol.datum.variables import TensorVariable
from eshkol.runtime.report import unbound

OF_VARIABLES = (
    "what compiled procedures themselves change is kept in a (variable value), see variable-set!"
)
"""What helps who assigns a variable of code outside."""


class Lifted(threading.local):
    """The top-level variables that the program being traced reads.

    Attributes:
        values: the lifted ones, ``(identity of the namespace, name)`` → value.
        baked: ``(namespace, name, value)`` of those that could not be foreseen, since a procedure
            that Python wraps reads them: their values are part of what is compiled. None while no
            program is being traced.
    """

    def __init__(self) -> None:
        self.values: dict[tuple[int, str], Any] = {}
        self.baked: list[tuple[Any, str, Any]] | None = None


LIFTED = Lifted()


def read_global(namespace: Any, name: str, value: Any) -> Any:
    """The value of a top-level variable in staged code; ``value`` is what it holds now."""
    lifted = LIFTED.values.get((id(namespace), name), LIFTED)
    if lifted is not LIFTED:
        return lifted
    if LIFTED.baked is not None:
        LIFTED.baked.append((namespace, name, value))
    return value


def set_top_level(namespace: Any, name: str, value: Any) -> Any:
    """Refuse to assign a top-level variable, unless it holds this very place for a tensor.

    Raises:
        StagingError: a compiled program runs often and is traced once.
        UnboundVariable: there is no such variable.
    """
    is_place = value.__class__ is TensorVariable
    if is_place and read_global(namespace, name, namespace.variables.get(name)) is value:
        return value
    known = (namespace.variables, namespace.links, namespace.builtins)
    if not any(name in names for names in known):
        raise unbound(name, namespace.variables, who="set!: ")
    raise StagingError(
        f"set!: the top-level variable {name} can't be assigned inside a compiled procedure",
        hint=f"return the new value, and assign it where the procedure is called: "
        f"(set! {name} (procedure …))\n{OF_VARIABLES}",
    )

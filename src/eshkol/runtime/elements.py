"""What compiled code calls for each element of a list, where it goes over the list itself."""

from __future__ import annotations

from collections.abc import Callable
from inspect import CO_VARARGS
from types import FunctionType
from typing import Any, NoReturn

from eshkol.primitives.arguments import procedure_argument


def procedure_of_elements(who: str, value: Any, given: int) -> Callable[..., Any]:
    """The procedure that compiled code calls with ``given`` arguments in place of ``who``.

    One that takes other numbers of them is at fault when it is called, as it is where ``who``
    calls it.
    """
    procedure = procedure_argument(who, value)
    if not isinstance(procedure, FunctionType) or _takes(procedure, given):
        return procedure

    def refuse(*arguments: Any) -> NoReturn:
        from eshkol.runtime.calls import unfit

        raise unfit(given, who, procedure)

    return refuse


def _takes(procedure: FunctionType, given: int) -> bool:
    code = procedure.__code__
    least = code.co_argcount - len(procedure.__defaults__ or ())
    has_room = bool(code.co_flags & CO_VARARGS) or given <= code.co_argcount
    return least <= given and has_room and not code.co_kwonlyargcount

"""How a primitive calls a procedure it was given: in the dialect that is running.

A procedure is a plain Python function with an eager body. While a program is being staged, the
runtime installs a resolver that answers with the staged body of the same procedure.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import StagingError


class Dialect(threading.local):
    """The dialect that runs in this thread: ``resolve`` is None while it is the eager one."""

    resolve: Callable[[Any], Any] | None = None


DIALECT = Dialect()


def transparent(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a Python closure that was made of procedures: what it captured is seen through it.

    Staging then finds the procedures in it, and the variables and tensors that they use; any
    other Python callable is taken as it is.
    """
    function.eshkol_transparent = True  # type: ignore[attr-defined]
    return function


def check_eager(who: str) -> None:
    """Raise an error while a program is being compiled: ``who`` would act then, not when it runs.

    Raises:
        StagingError: naming ``who``.
    """
    if DIALECT.resolve is not None:
        raise StagingError(
            f"{who}: can't be done in compiled code",
            hint="do it where the compiled procedure is called",
        )


def callee(procedure: Any) -> Any:
    """``procedure`` as it must be called now; any callable is allowed.

    Example:
        >>> callee(abs)(-1)
        1
    """
    resolve = DIALECT.resolve
    return procedure if resolve is None else resolve(procedure)

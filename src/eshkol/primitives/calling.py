"""How a primitive calls a procedure it was given: in the dialect that is running.

A procedure is a plain Python function with an eager body. While a program is being staged, the
runtime installs a resolver that answers with the staged body of the same procedure.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import StagingError


class Dialect(threading.local):
    """The dialect that runs in this thread.

    Attributes:
        resolve: what answers with the staged body of a procedure; None in the eager dialect.
        is_restarted: whether the eager code around is part of the program that is staged: JAX
            traces it, and met a condition in it.
    """

    resolve: Callable[[Any], Any] | None = None
    is_restarted = False


DIALECT = Dialect()


def is_traced() -> bool:
    """Whether JAX is tracing something, which only programs with tensors can be part of."""
    compat = sys.modules.get("eshkol.xla._compat")
    return compat is not None and compat.is_tracing()


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

"""How deep the recursions of compiled programs may go: ``with-max-depth``."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import BadValue
from eshkol.primitives.arguments import index_argument
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.points import check_procedure


@primitive("call-with-max-depth")
def call_with_max_depth(calls, thunk):
    """The value of ``thunk``, whose compiled recursions have room for ``calls`` calls.

    ``(with-max-depth calls body …)`` is the form for it. A recursion on traced values that is
    compiled keeps the calls that wait for others on a stack, whose size is fixed: as many as fit
    into 32 MiB, but from 64 to 10,000. Deeper than that it ends with an error. Calls in tail
    position take no room. The room counts where the program is compiled, inside of the procedure
    that is compiled or around its call; eager code has no such limit.

    Args:
        calls: a positive exact integer.
        thunk: a procedure without parameters.

    Returns:
        What ``thunk`` gives.

    Example:
        ``(with-max-depth 20000 (define (count n) (if (< n 1) 0.0 (+ 1 (count (- n 1)))))
        ((jit count) 15000.0))`` ⇒ ``15000.0``.
    """
    depth = depth_argument("with-max-depth", calls)
    check_procedure("with-max-depth", thunk)
    return load("eshkol.xla.recursion_depth:limited")(callee(thunk), depth)


def depth_argument(who: str, calls: Any) -> int:
    """For how many calls there is to be room.

    Raises:
        WrongType: if it is no exact integer.
        BadValue: if it is not positive.
    """
    depth = index_argument(who, calls)
    if depth < 1:
        raise BadValue(f"{who}: expected a positive number of calls, got {depth}")
    return depth

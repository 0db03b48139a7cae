"""Proper tail calls: any number of them in constant space, at the price of a tick each.

A tail call is a Python call like any other, so frames that have nothing left to do pile up. Every
``PERIOD`` tail calls :func:`deep` looks how many stand on top of the stack. If there are many, it
answers with a function that, called in place of the procedure, throws them away: it raises a
:class:`~eshkol.primitives.dynamic.TailCall`, which each of them passes on (that handler costs
nothing until then) down to the lowest, the one whose caller is waiting for a value. That one makes
the call.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Iterator
from itertools import cycle, pairwise
from typing import Any

from eshkol.primitives.continuations import call_with_current_continuation, make
from eshkol.primitives.control import apply
from eshkol.primitives.dynamic import TailCall, Target
from eshkol.primitives.evaluation import evaluate
from eshkol.primitives.multiple_values import call_with_values
from eshkol.runtime.procedures import procedure_of_code

PERIOD = 2_000
MOST_WAITING = 1_000
"""So many frames with nothing left to do may stand on the stack when it is looked at."""

tick = cycle([True] * (PERIOD - 1) + [False]).__next__
"""True, but false once in every PERIOD calls."""


def deep(procedure: Any) -> Callable[..., Any]:
    """What to call instead of ``procedure`` from the tail position of the calling frame."""
    distance = _waiting(sys._getframe(1))
    if distance < MOST_WAITING or not callable(procedure):
        return procedure

    def jump(*arguments: Any, **options: Any) -> Any:
        raise TailCall(distance - 1, Target(), procedure, arguments, options)

    return jump


MAKE = make.__code__
CALL_CC: types.CodeType = call_with_current_continuation.__code__
EVAL: types.CodeType = evaluate.__code__


def _waiting(frame: types.FrameType | None) -> int:
    """How many frames with a handler, ``frame`` the first, have nothing to do but return.

    The lowest frame may be that of ``make``.
    """
    count = 1
    caller = None if frame is None else frame.f_back
    while caller is not None:
        code = caller.f_code
        if code is MAKE:
            return count + 1
        if code is CALL_CC:
            count += 1
        elif id(code) in _SITES or _is_evaluated(caller):
            if caller.f_lasti not in (_SITES.get(id(code)) or _sites(code)):
                return count
        elif _is_at_tail_call(code, caller.f_lasti):
            count += 1
        else:
            return count
        caller = caller.f_back
    return count


def _is_evaluated(frame: types.FrameType) -> bool:
    """Whether a frame is that of an expression which ``eval`` runs."""
    return frame.f_back is not None and frame.f_back.f_code is EVAL


def _is_at_tail_call(code: types.CodeType, instruction: int) -> bool:
    """Whether a frame of a procedure, running this instruction, will return what it gives."""
    procedure = procedure_of_code(code)
    if procedure is None:
        return False
    sites = procedure.facts.get("tail sites")
    if sites is None:
        sites = procedure.facts["tail sites"] = _sites(code)
    return instruction in sites


def _sites(code: types.CodeType) -> frozenset[int]:
    """Where code makes tail calls."""
    return frozenset(_calls_before_returns(code))


def _calls_before_returns(code: types.CodeType) -> Iterator[int]:
    """The offsets of calls whose value is returned, and of the cache entries behind them."""
    instructions = list(dis.get_instructions(code))
    for before, after in pairwise(instructions):
        if before.opname.startswith("CALL") and after.opname == "RETURN_VALUE":
            yield from range(before.offset, after.offset, 2)


_SITES = {
    id(function.__code__): _sites(function.__code__)
    for function in (apply, call_with_values, evaluate)
}
"""Where primitives make tail calls that have no handler for those that were made too often."""

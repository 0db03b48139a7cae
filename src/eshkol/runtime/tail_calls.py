"""Proper tail calls: any number of them in constant space, at the price of a tick each.

A tail call is a Python call like any other, so frames that have nothing left to do pile up. Every
``PERIOD`` tail calls :func:`deep` looks how many stand on top of the stack. If there are many, it
answers with a function that, called in place of the procedure, throws them away: it raises
:class:`TailCall`, which each of them passes on (that handler costs nothing until then) down to the
lowest, the one whose caller is waiting for a value. That one makes the call.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle, pairwise
from typing import Any

from eshkol.primitives.control import apply
from eshkol.primitives.multiple_values import call_with_values
from eshkol.runtime.procedures import procedure_of_code

PERIOD = 2_000
MOST_WAITING = 1_000
"""So many frames with nothing left to do may stand on the stack when it is looked at."""

tick = cycle([True] * (PERIOD - 1) + [False]).__next__
"""True, but false once in every PERIOD calls."""


class TailCall(BaseException):
    """A call to be made further down the stack.

    Attributes:
        distance: how many frames with a handler are to be left before.
    """

    __slots__ = ("arguments", "distance", "options", "procedure")

    def __init__(self, distance: int, procedure: Any, arguments: Any, options: Any) -> None:
        self.distance = distance
        self.procedure = procedure
        self.arguments = arguments
        self.options = options


def deep(procedure: Any) -> Callable[..., Any]:
    """What to call instead of ``procedure`` from the tail position of the calling frame."""
    distance = _waiting(sys._getframe(1))
    if distance < MOST_WAITING or not callable(procedure):
        return procedure

    def jump(*arguments: Any, **options: Any) -> Any:
        raise TailCall(distance - 1, procedure, arguments, options)

    return jump


def make(call: TailCall) -> Any:
    """Make a call that arrived where it belongs, and those that arrive after it."""
    while True:
        try:
            return call.procedure(*call.arguments, **call.options)
        except TailCall as another:
            if another.distance:
                another.distance -= 1
                raise
            call = another


MAKE = make.__code__
APPLY: types.CodeType = apply.__code__
CALL_WITH_VALUES: types.CodeType = call_with_values.__code__


def _waiting(frame: types.FrameType | None) -> int:
    """How many frames with a handler, ``frame`` the first, have nothing to do but return.

    ``apply`` and ``call-with-values`` have no handler, and the lowest frame may be that of
    ``make``.
    """
    count = 1
    caller = None if frame is None else frame.f_back
    while caller is not None:
        code = caller.f_code
        if code is MAKE:
            return count + 1
        if not _is_at_tail_call(code, caller.f_lasti):
            return count
        count += code is not APPLY and code is not CALL_WITH_VALUES
        caller = caller.f_back
    return count


def _is_at_tail_call(code: types.CodeType, instruction: int) -> bool:
    """Whether a frame of a procedure, running this instruction, will return what it gives."""
    if code is APPLY:
        return True
    if code is CALL_WITH_VALUES:
        return instruction in _sites_of_call_with_values()
    procedure = procedure_of_code(code)
    if procedure is None:
        return False
    sites = procedure.facts.get("tail sites")
    if sites is None:
        sites = procedure.facts["tail sites"] = frozenset(_calls_before_returns(code))
    return instruction in sites


@cache
def _sites_of_call_with_values() -> frozenset[int]:
    """Where it calls the consumer; the producer is no tail call."""
    return frozenset(_calls_before_returns(CALL_WITH_VALUES))


def _calls_before_returns(code: types.CodeType) -> Iterator[int]:
    """The offsets of calls whose value is returned, and of the cache entries behind them."""
    instructions = list(dis.get_instructions(code))
    for before, after in pairwise(instructions):
        if before.opname.startswith("CALL") and after.opname == "RETURN_VALUE":
            yield from range(before.offset, after.offset, 2)

"""Procedures about procedures, the process and its time."""

from __future__ import annotations

import time
from typing import Any

from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import UNSPECIFIED, Unspecified
from eshkol.primitives.arguments import list_argument, procedure_argument
from eshkol.primitives.calling import callee, check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.lists import List

COMMAND_LINE: list[str] = []
"""The program's name and its arguments; whoever runs a program sets it."""


@primitive("procedure?")
def is_procedure(value: Any) -> bool:
    """Whether the value can be called. Example: ``(procedure? car)`` ⇒ ``#t``."""
    return callable(value)


@primitive("apply")
def apply(procedure: Any, *arguments: Any, **options: Any) -> Any:
    """Call a procedure with the arguments, the last of which is a list of further ones.

    Keyword arguments are passed on.

    Example: ``(apply + 1 2 '(3 4))`` ⇒ ``10``.
    """
    call = callee(procedure_argument("apply", procedure))
    if not arguments:
        return call(**options)
    return call(*arguments[:-1], *list_argument("apply", arguments[-1]), **options)


@primitive("void")
def void(*ignored: Any) -> Unspecified:
    """The unspecified value, whatever the arguments.

    Example: ``(list (void) (void 1 2))`` ⇒ ``(#<unspecified> #<unspecified>)``.
    """
    return UNSPECIFIED


@primitive("command-line")
def command_line() -> List:
    """The list of the program's name and the arguments that it was started with.

    Example: ``(list? (command-line))`` ⇒ ``#t``.
    """
    return scheme_list(list(COMMAND_LINE))


@primitive("current-second")
def current_second() -> float:
    """The seconds since 1970-01-01 00:00 UTC. Example: ``(> (current-second) 1.7e9)`` ⇒ ``#t``."""
    check_eager("current-second")
    return time.time()


@primitive("current-jiffy")
def current_jiffy() -> int:
    """The jiffies since some moment that stays the same while the program runs.

    Example: ``(let ((start (current-jiffy))) (<= start (current-jiffy)))`` ⇒ ``#t``.
    """
    check_eager("current-jiffy")
    return time.perf_counter_ns()


@primitive("jiffies-per-second")
def jiffies_per_second() -> int:
    """How many jiffies a second has: ``1000000000``.

    Example: ``(jiffies-per-second)`` ⇒ ``1000000000``.
    """
    return 1_000_000_000


@primitive("runtime")
def runtime() -> float:
    """The seconds that the processor has spent on this program.

    Example: ``(let ((start (runtime))) (<= start (runtime)))`` ⇒ ``#t``.
    """
    check_eager("runtime")
    return time.process_time()


@primitive("real-time", "current-time-ms")
def real_time() -> float:
    """The milliseconds since 1970-01-01 00:00 UTC. Example: ``(> (real-time) 1.7e12)`` ⇒ ``#t``."""
    check_eager("real-time")
    return time.time() * 1000.0

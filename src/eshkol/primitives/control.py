"""Procedures about procedures, errors, multiple values, the process and its time."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from eshkol.base.errors import SchemeError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import UNSPECIFIED, MultipleValues, Unspecified
from eshkol.datum.write import display_string, write_string
from eshkol.primitives.arguments import is_true, list_argument, procedure_argument, wrong_type
from eshkol.primitives.calling import callee
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


@primitive("values")
def values(*items: Any) -> Any:
    """Several values at once; one value is just itself. ``call-with-values`` takes them apart."""
    return items[0] if len(items) == 1 else MultipleValues(items)


@primitive("call-with-values")
def call_with_values(producer: Any, consumer: Any) -> Any:
    """Call ``producer``, then ``consumer`` with the values that it gave as arguments.

    Example: ``(call-with-values (lambda () (floor/ -7 2)) list)`` ⇒ ``(-4 1)``.
    """
    produced = callee(procedure_argument("call-with-values", producer))()
    consume = callee(procedure_argument("call-with-values", consumer))
    return consume(*produced) if produced.__class__ is MultipleValues else consume(produced)


@primitive("void")
def void(*ignored: Any) -> Unspecified:
    """The unspecified value, whatever the arguments."""
    return UNSPECIFIED


@primitive("error")
def error(message: Any, *irritants: Any) -> NoReturn:
    """Raise an error with a message and the values that it is about.

    Args:
        message: a string; or a symbol that names the complaining procedure, with the message as
            the first irritant.

    Raises:
        SchemeError: always; it shows the message as ``display`` and the irritants as ``write``.

    Example: ``(error "no such word:" 'xyzzy)`` shows ``error: no such word: xyzzy``.
    """
    shown = display_string(message)
    rest = irritants
    if isinstance(message, Symbol) and rest and isinstance(rest[0], str):
        shown, rest = f"{shown}: {rest[0]}", rest[1:]
    words = " ".join([shown, *map(write_string, rest)])
    text = message if isinstance(message, str) else display_string(message)
    raise SchemeError(text, irritants, shown=f"error: {words}")


@primitive("assert")
def assert_true(test: Any, message: Any = None, *irritants: Any) -> Unspecified:
    """Raise an error if the value is ``#f``.

    Raises:
        SchemeError: with the message, if one is given.

    Example: ``(assert (> n 0) "n must be positive, is" n)``.
    """
    if is_true(test):
        return UNSPECIFIED
    text = "assertion failed" if message is None else display_string(message)
    words = " ".join([text, *map(write_string, irritants)])
    raise SchemeError(text, irritants, shown=f"assert: {words}")


@primitive("exit")
def exit_program(code: Any = True) -> NoReturn:
    """End the program.

    Args:
        code: ``#t`` for success, ``#f`` for failure (status 1), or the status, an exact integer.
    """
    if code is True or code is False:
        raise SystemExit(0 if code else 1)
    if code.__class__ is int:
        raise SystemExit(code & 0xFF)
    raise wrong_type("exit", "a boolean or an exact integer", code)


@primitive("command-line")
def command_line() -> List:
    """The list of the program's name and the arguments that it was started with."""
    return scheme_list(list(COMMAND_LINE))


@primitive("current-second")
def current_second() -> float:
    """The seconds since 1970-01-01 00:00 UTC."""
    return time.time()


@primitive("current-jiffy")
def current_jiffy() -> int:
    """The jiffies since some moment that stays the same while the program runs."""
    return time.perf_counter_ns()


@primitive("jiffies-per-second")
def jiffies_per_second() -> int:
    """How many jiffies a second has: ``1000000000``."""
    return 1_000_000_000


@primitive("runtime")
def runtime() -> float:
    """The seconds that the processor has spent on this program."""
    return time.process_time()


@primitive("real-time", "current-time-ms")
def real_time() -> float:
    """The milliseconds since 1970-01-01 00:00 UTC."""
    return time.time() * 1000.0

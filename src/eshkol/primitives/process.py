"""The process: its environment, its end, and the time."""

from __future__ import annotations

import os
import time
from typing import Any, NoReturn

from eshkol.base.errors import BadValue
from eshkol.datum.pairs import cons, scheme_list
from eshkol.datum.values import UNSPECIFIED, Unspecified
from eshkol.primitives.arguments import string_argument, wrong_type
from eshkol.primitives.calling import check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.lists import List
from eshkol.primitives.numbers import real_argument


@primitive("get-environment-variable", "getenv")
def get_environment_variable(name: str) -> Any:
    """The value of an environment variable, else ``#f``.

    Example: ``(get-environment-variable "NO_SUCH_VARIABLE")`` ⇒ ``#f``.
    """
    return os.environ.get(string_argument("get-environment-variable", name), False)


@primitive("get-environment-variables")
def get_environment_variables() -> List:
    """The list of pairs of name and value of all environment variables.

    Example: ``(pair? (assoc "PATH" (get-environment-variables)))`` ⇒ ``#t``.
    """
    return scheme_list([cons(name, value) for name, value in os.environ.items()])


@primitive("setenv", "set-environment-variable!")
def set_environment_variable(name: str, value: Any) -> Unspecified:
    """Give an environment variable a value; ``#f`` removes it.

    Example: ``(setenv "ESHKOL_EXAMPLE" "on") (let ((value (getenv "ESHKOL_EXAMPLE")))
    (setenv "ESHKOL_EXAMPLE" #f) value)`` ⇒ ``"on"``.
    """
    check_eager("setenv")
    variable = string_argument("setenv", name)
    if not variable or "=" in variable or "\0" in variable:
        raise BadValue(f"setenv: {variable!r} is no name of an environment variable")
    if value is False:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = string_argument("setenv", value)
    return UNSPECIFIED


@primitive("emergency-exit")
def emergency_exit(code: Any = True) -> NoReturn:
    """End the process at once: nothing is run on the way out, and no port is flushed.

    Args:
        code: as for ``exit``.
    """
    check_eager("emergency-exit")
    if code is True or code is False:
        os._exit(0 if code else 1)
    if code.__class__ is int:
        os._exit(code & 0xFF)
    raise wrong_type("emergency-exit", "a boolean or an exact integer", code)


# ---- time


@primitive("current-seconds")
def current_seconds() -> int:
    """The whole seconds since 1970-01-01 00:00 UTC.

    Example: ``(exact? (current-seconds))`` ⇒ ``#t``.
    """
    check_eager("current-seconds")
    return int(time.time())


@primitive("current-milliseconds")
def current_milliseconds() -> int:
    """The whole milliseconds since 1970-01-01 00:00 UTC.

    Example: ``(> (current-milliseconds) 1000000000000)`` ⇒ ``#t``.
    """
    check_eager("current-milliseconds")
    return time.time_ns() // 1_000_000


@primitive("time-ns")
def time_ns() -> int:
    """A count of nanoseconds that only ever grows, for measuring how long something takes.

    Example: ``(let ((start (time-ns))) (<= start (time-ns)))`` ⇒ ``#t``.
    """
    check_eager("time-ns")
    return time.perf_counter_ns()


@primitive("sleep")
def sleep(seconds: Any) -> Unspecified:
    """Wait for a number of seconds.

    Example: ``(let ((start (time-ns))) (sleep 0.001) (>= (- (time-ns) start) 1000000))`` ⇒
    ``#t``.
    """
    check_eager("sleep")
    duration = float(real_argument("sleep", seconds))
    if not duration >= 0:
        raise BadValue(f"sleep: expected a number of seconds ≥ 0, got {duration}")
    time.sleep(duration)
    return UNSPECIFIED

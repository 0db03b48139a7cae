"""Entering the staged dialect.

:func:`staged` finds the staged body of a procedure; :func:`restart` starts the running procedure
again in it, when its eager body met a condition that is traced.
"""

from __future__ import annotations

import sys
import threading
import types
from itertools import cycle
from typing import Any

from eshkol.base import sources
from eshkol.base.errors import NotAProcedure
from eshkol.primitives.calling import is_traced
from eshkol.primitives.declare import PRIMITIVES, load
from eshkol.runtime.procedures import Procedure, procedure_of, procedure_of_code
from eshkol.runtime.python_calls import is_foreign, python_call

PERIOD = 1_000
"""After so many calls it is looked at how deep they nest."""

MOST_FRAMES = 20_000
"""So many frames may stand above the entry into the staged dialect.

A recursion is followed while a program is compiled, if it is known to go on: one that never ends
would trace for a minute before Python's own limit ends it.
"""

_has_time = cycle([False] * (PERIOD - 1) + [True]).__next__


class Numbering(threading.local):
    """Whether the loops of staged code number their trips: a program draws in some."""

    is_on = False


NUMBERING = Numbering()


class NeedsStaging(BaseException):
    """The running eager body met a traced condition; its procedure starts again, staged."""


def staged(function: Any) -> Any:
    """The staged function of a procedure; what calls another callable as programs have it.

    Raises:
        NotAProcedure: for something that can't be called.
        RecursionError: calls nest too deep.
    """
    procedure = procedure_of(function)
    if procedure is not None:
        if _has_time():
            _check_depth(sys._getframe(1))
        code = _staged_code(procedure, function.__globals__)
        body = types.FunctionType(
            code,
            function.__globals__,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        body.__kwdefaults__ = function.__kwdefaults__
        return body
    if not callable(function):
        raise not_a_procedure(function)
    if is_foreign(function):
        return python_call(function)
    if hasattr(function, "eshkol_staged"):
        return function.eshkol_staged
    known = PRIMITIVES.get(getattr(function, "__name__", ""))
    is_primitive = known is not None and known.function is function
    return load("eshkol.xla.unions:as_value")(function) if is_primitive else function


def _staged_code(procedure: Procedure, variables: dict[str, Any]) -> types.CodeType:
    """The staged body, whose constants are in ``variables`` even if no eager body has them."""
    known = procedure.numbering if NUMBERING.is_on else procedure.staged
    if known is not None:
        return known
    code: types.CodeType = load("eshkol.codegen.unit:staged_code")(procedure, NUMBERING.is_on)
    variables.update(procedure.unit.hidden_globals())
    return code


def _check_depth(frame: types.FrameType | None) -> None:
    entry = load("eshkol.xla.control:staging").__code__
    count = 0
    while frame is not None and frame.f_code is not entry:
        count += 1
        frame = frame.f_back
    if count > MOST_FRAMES and frame is not None:
        raise RecursionError


def not_a_procedure(value: Any) -> NotAProcedure:
    """The error for calling ``value``."""
    from eshkol.datum.write import short_string
    from eshkol.runtime.hints import called

    shown = short_string(value)
    return NotAProcedure(
        f"expected a procedure to call, got {shown}", hint=called(type(value).__name__, shown)
    )


def crossing(kind: type[BaseException]) -> type[BaseException]:
    """``kind``, which a handler of an eager body asks for; an error that passes is told its place.

    Where JAX traces a program, it puts tracebacks together anew, from the instructions at which
    frames ended: of a frame that has handlers that is where they let an error go on.
    """
    error = sys.exc_info()[1]
    if isinstance(error, Exception) and is_traced():
        load("eshkol.runtime.report:tell_place")(error)
    return kind


def restart() -> Any:
    """Start the calling procedure again in its staged dialect, with its arguments.

    Raises:
        NeedsStaging: a procedure has called it, which starts again in its place: what has happened
            since, assignments above all, happens again, and must be of things made since.
    """
    frame = sys._getframe(1)
    restart_caller(frame)
    code, variables = frame.f_code, frame.f_locals
    procedure = procedure_of_code(code)
    assert procedure is not None
    staged_code = _staged_code(procedure, frame.f_globals)
    lanes = load("eshkol.xla.control:settled_lanes")
    variables = {name: lanes(value) for name, value in variables.items()}
    closure = tuple(_cell(variables, name) for name in code.co_freevars)
    function = types.FunctionType(staged_code, frame.f_globals, code.co_name, None, closure)
    count, options = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames
    arguments = [variables[name] for name in names[:count]]
    if procedure.node.rest is not None:
        arguments += list(variables[names[count + options]])
    keywords = {name: variables[name] for name in names[count : count + options]}
    try:
        result = load("eshkol.xla.control:restaged")(function, *arguments, **keywords)
    except Exception as error:
        _forget_restart(error)
        raise
    if load("eshkol.xla.unions:is_undecided")(result):
        start_caller_again(frame, result)
    return result


def start_caller_again(frame: types.FrameType, result: Any) -> None:
    """Start the eager body that called ``frame`` again, which can't tell the kinds of its result.

    Raises:
        NeedsStaging: for the innermost such body that is prepared for it.
        StagingError: Python code has called, whose conditions can't tell them either.
    """
    restart_caller(frame)
    load("eshkol.xla.unions:refuse_for_python")(result)


def restart_caller(frame: types.FrameType) -> None:
    """Start the eager body that called ``frame`` again, if one has that is prepared for it.

    Raises:
        NeedsStaging: for the innermost such body.
    """
    entry = load("eshkol.xla.control:staging").__code__
    caller = frame.f_back
    while caller is not None and caller.f_code is not entry:
        file = caller.f_code.co_filename
        if " NeedsStaging" in caller.f_code.co_names:
            raise NeedsStaging
        if not (sources.is_source(file) or sources.is_library(file)):
            return
        caller = caller.f_back


def _forget_restart(error: BaseException) -> None:
    """That a procedure was started again does not belong to the story of an error in it."""
    earlier = error.__context__
    while earlier is not None and not isinstance(earlier, NeedsStaging):
        error, earlier = earlier, earlier.__context__
    error.__context__ = None


def _cell(variables: dict[str, Any], name: str) -> types.CellType:
    return types.CellType(variables[name]) if name in variables else types.CellType()

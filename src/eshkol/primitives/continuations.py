"""Leaving and entering parts of a program: escapes, ``dynamic-wind`` and ``exit`` (R7RS 6.10).

A continuation of eager code is an escape: calling it runs the ``after`` procedures of the
``dynamic-wind`` extents that it leaves, then unwinds Python's stack to its ``call/cc``. It can be
called while that call is running. The receiver is called in tail position.
"""

from __future__ import annotations

import sys
from threading import get_ident
from typing import Any, NoReturn

from eshkol.base.errors import BadValue
from eshkol.datum.values import MultipleValues
from eshkol.primitives.arguments import procedure_argument, wrong_type
from eshkol.primitives.calling import DIALECT, callee, check_eager
from eshkol.primitives.conditions import show
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.dynamic import (
    STATE,
    Context,
    Escape,
    Procedure,
    TailCall,
    Target,
    Wind,
    traced_depth,
    travel,
)


@primitive(
    "call-with-current-continuation",
    "call/cc",
    "call/ec",
    "call-with-escape-continuation",
    "within-continuation",
)
def call_with_current_continuation(receiver: Any) -> Any:
    """Call ``receiver`` with a procedure that, when called, ends this call with its arguments.

    Example:
        ``(call/cc (lambda (return) (for-each (lambda (x) (if (< x 0) (return x))) '(1 -2 3)) #f))``
        ⇒ ``-2``.
    """
    call = callee(procedure_argument("call/cc", receiver))
    if DIALECT.resolve is not None:
        return load("eshkol.xla.extents:call_with_escape")(receiver)
    target = Target()
    try:
        return call(continuation_to(target))
    except Escape as escape:
        return _landed(target, escape)
    except TailCall as another:
        if another.distance:
            pass_on(another, target)
        return make(another, target)
    except NeedsStaging as need:
        if need.target is not target:
            raise
    finally:
        target.thread = 0
    STATE.install(target.context)
    load("eshkol.runtime.dialects:restart_caller")(sys._getframe())
    staging = load("eshkol.xla.control:staging")
    return staging(load("eshkol.xla.extents:call_with_escape"), receiver)


class NeedsStaging(BaseException):
    """A traced part of a program escapes to ``target``, whose ``call/cc`` eager code has called.

    That call starts again, staged.
    """

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target


def make(call: TailCall, target: Target | None = None) -> Any:
    """Make a call that arrived where it belongs, and those that arrive after it.

    Args:
        call: the call.
        target: of the frame that makes it; a fresh one if left out.
    """
    target = target or Target()
    try:
        while True:
            call.place.successor = target
            try:
                return call.procedure(*call.arguments, **call.options)
            except TailCall as another:
                if another.distance:
                    pass_on(another, target)
                call = another
    except Escape as escape:
        return _landed(target, escape)
    finally:
        target.thread = 0


def pass_on(call: TailCall, target: Target) -> NoReturn:
    """Give a call, and what escapes to this frame, to a frame below."""
    call.distance -= 1
    target.successor = call.place
    raise call


def _landed(target: Target, escape: Escape) -> Any:
    """The value that an escape brings to the frame of ``target``.

    Raises:
        Escape: if another frame is there for what it is meant for.
    """
    place = escape.target
    if place is not target and not (place.__class__ is Target and place.current() is target):
        raise escape
    STATE.install(target.context)
    return escape.value


def continuation_to(target: Target) -> Procedure:
    """A procedure that escapes to the frame of ``target``."""

    def continuation(*values: Any) -> NoReturn:
        if target.current().thread != get_ident():
            raise _ended(target)
        if traced_depth() > target.depth:
            load("eshkol.xla.extents:check_exit")(target)
        travel(target.context)
        raise Escape(target, values[0] if len(values) == 1 else MultipleValues(values))

    return continuation


def _ended(target: Target) -> BadValue:
    if target.current().thread:
        return BadValue("a continuation can be called only in the thread that made it")
    return BadValue(
        "this continuation can't be called any more: its call/cc has ended",
        hint=_COMPILED if DIALECT.resolve is not None else _EAGER,
    )


_EAGER = (
    "programs that come back to a continuation run on another engine: eshkol run --engine cek, or "
    'Session(engine="cek")'
)
_COMPILED = (
    "compiled code can leave by a continuation, not come back to one: let it return a procedure\n"
    "that goes on, or do it where the compiled procedure is called"
)


@primitive("dynamic-wind")
def dynamic_wind(before: Any, thunk: Any, after: Any) -> Any:
    """Call three procedures of no arguments one after another; the value is that of ``thunk``.

    ``after`` is called however ``thunk`` is left: by returning, by an escape, by an error.

    Example:
        ``(let ((path '())) (call/cc (lambda (k) (dynamic-wind
        (lambda () (set! path (cons 'in path))) (lambda () (k 1))
        (lambda () (set! path (cons 'out path)))))) path)`` ⇒ ``(out in)``.
    """
    for procedure in (before, thunk, after):
        procedure_argument("dynamic-wind", procedure)
    context = STATE.context()
    callee(before)()
    wind = Wind(before, after, context)
    STATE.winds = wind
    try:
        value = _shown_errors(callee(thunk))
    except (Exception, KeyboardInterrupt, SystemExit):
        if STATE.winds is wind:
            STATE.install(context)
            callee(after)()
        raise
    finally:
        if STATE.winds is wind:
            STATE.install(context)
    callee(after)()
    return value


def _shown_errors(thunk: Procedure) -> Any:
    """Call ``thunk``, showing an error to the handlers before the dynamic state is left."""
    try:
        return thunk()
    except Exception as error:
        show(error)
        raise


# ---- the end of the program


@primitive("exit")
def exit_program(code: Any = True) -> NoReturn:
    """End the program, running the ``after`` procedures of all ``dynamic-wind`` extents.

    Args:
        code: ``#t`` for success, ``#f`` for failure (status 1), or the status, an exact integer.
    """
    check_eager("exit")
    if code is True or code is False:
        status = 0 if code else 1
    elif code.__class__ is int:
        status = code & 0xFF
    else:
        raise wrong_type("exit", "a boolean or an exact integer", code)
    travel(Context(None, None, {}))
    raise SystemExit(status)

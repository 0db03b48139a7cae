"""Raising and handling conditions on the machine.

It does what ``primitives.conditions`` does, with frames in place of Python's stack: the two share
the list of handlers, so that conditions cross between the machine and compiled code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from eshkol.cek.calls import call_python
from eshkol.cek.continuations import Arrive, Continuation, give, travel, within
from eshkol.cek.trail import locate
from eshkol.primitives import conditions
from eshkol.primitives.arguments import procedure_argument
from eshkol.primitives.conditions import condition_of, error_of, has_seen, is_condition
from eshkol.primitives.dynamic import STATE, Context, Handler

if TYPE_CHECKING:
    from eshkol.cek.frames import Frame
    from eshkol.cek.machine import Machine


class Guard(Handler):
    """The handler that a ``guard`` installs, with the continuation that its clauses have."""

    __slots__ = ("continuation",)

    def __init__(self, select: Any, context: Context, continuation: Continuation) -> None:
        super().__init__(select, context, is_guard=True)
        self.continuation = continuation


def arrival(machine: Machine, target: Any, value: Any) -> Arrive | None:
    """How an ``Escape`` to ``target`` goes on in ``machine``; None if it goes elsewhere."""
    if target is machine:
        return value
    if not isinstance(target, Guard) or target.continuation.target(machine) is not machine:
        return None
    return lambda machine: target.continuation(machine, [value], {})


# ---- raising


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A condition that is shown to the handlers.

    Attributes:
        condition: what they see.
        error: is raised if there is none.
        stack: what was left to do where it happened.
        site: and the form (see ``Machine``).
    """

    condition: Any
    error: Exception
    stack: Frame | None
    site: Any

    def uncaught(self, machine: Machine) -> NoReturn:
        """Raise the error where it happened: no handler has taken it."""
        machine.stack, machine.site = self.stack, self.site
        raise self.error


def signal_error(machine: Machine, error: Exception) -> Arrive:
    """How the machine goes on after an exception: the innermost handler sees it.

    Raises:
        Exception: the same one, if there is no handler for it.
    """
    entry = STATE.handlers
    if entry is None or has_seen(entry, error) or not is_condition(error):
        raise error
    locate(machine, error)
    condition = condition_of(error)
    return lambda machine: raise_to_handlers(machine, condition, error)


def raise_to_handlers(machine: Machine, condition: Any, error: Exception) -> None:
    """``raise``: a handler that returns is an error for the handlers around it."""
    entry, what = STATE.handlers, Signal(condition, error, machine.stack, machine.site)

    def complain(machine: Machine, ignored: Any) -> None:
        if entry is not None:
            STATE.handlers = entry.outer
        machine.site = what.site
        conditions.complain(condition, error)

    machine.then(complain)
    signal(machine, what)


def signal(machine: Machine, what: Signal) -> None:
    """Apply the innermost handler to a condition; its value is the value."""
    entry = STATE.handlers
    if entry is None:
        what.uncaught(machine)
    elif isinstance(entry, Guard):
        _consult_guard(machine, entry, what)
    elif entry.is_guard:
        machine.value = conditions.signal(what.condition, what.error)
    else:
        _under_handlers_around(machine, entry)
        machine.apply(entry.procedure, [what.condition])


def _under_handlers_around(machine: Machine, entry: Handler) -> None:
    """What comes next has the handlers around ``entry``."""
    within(machine, STATE.context())
    STATE.handlers = entry.outer


def _consult_guard(machine: Machine, entry: Guard, what: Signal) -> None:
    """Leave for the guard whose clause fits; else ask the handlers around it (R7RS 4.2.7)."""
    here = STATE.context()

    def select(machine: Machine) -> None:
        machine.then(decide)
        _under_handlers_around(machine, entry)
        machine.apply(entry.procedure, [what.condition])

    def decide(machine: Machine, clause: Any) -> None:
        if clause is False:
            travel(machine, here, ask_around)
        else:
            entry.continuation.enter(machine, partial(give, value=clause), what.error)

    def ask_around(machine: Machine) -> None:
        _under_handlers_around(machine, entry)
        signal(machine, what)

    travel(machine, entry.context._replace(handlers=here.handlers), select)


# ---- the primitives


def raise_object(machine: Machine, condition: Any) -> None:
    """``(raise condition)``."""
    raise_to_handlers(machine, condition, error_of(condition))


def raise_continuable(machine: Machine, condition: Any) -> None:
    """``(raise-continuable condition)``."""
    error = error_of(condition)
    signal(machine, Signal(condition, error, machine.stack, machine.site))


def raising(function: Any) -> Any:
    """The rule for a primitive that raises an error in the way of ``raise``, such as ``error``.

    Without handlers it lets the exception out, which the machine then shows to the handlers.
    """

    def rule(machine: Machine, arguments: list[Any], keywords: dict[str, Any]) -> None:
        handlers, STATE.handlers = STATE.handlers, None
        try:
            machine.value = call_python(machine, function, arguments, keywords)
        finally:
            STATE.handlers = handlers

    return rule


def with_exception_handler(machine: Machine, handler: Any, thunk: Any) -> None:
    """``(with-exception-handler handler thunk)``."""
    procedure_argument("with-exception-handler", handler)
    procedure_argument("with-exception-handler", thunk)
    context = STATE.context()
    within(machine, context)
    STATE.handlers = Handler(handler, context)
    machine.apply(thunk, [])


def guard(machine: Machine, body: Any, select: Any) -> None:
    """What the form ``guard`` does: give the procedure of the clause, or of the body's value."""
    context = STATE.context()
    continuation = Continuation(machine)

    def finish(machine: Machine, value: Any) -> None:
        STATE.install(context)
        machine.value = lambda: value

    machine.then(finish)
    STATE.handlers = Guard(select, context, continuation)
    machine.apply(body, [])

"""``call/cc`` and ``dynamic-wind``.

A continuation is the stack and the dynamic state at its ``call/cc``. Entering it goes to that
state, through the ``dynamic-wind`` extents on the way, and then puts the stack in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eshkol.base.errors import ArityError
from eshkol.cek.machine import RUNNING, Machine
from eshkol.cek.procedures import call_from_python
from eshkol.datum.values import MultipleValues
from eshkol.primitives.arguments import procedure_argument
from eshkol.primitives.declare import load
from eshkol.primitives.dynamic import STATE, Context, Escape, Wind, journey, traced_depth

if TYPE_CHECKING:
    from eshkol.cek.frames import Frame

Arrive = Callable[[Machine], None]
"""What is done where a continuation was captured, once its stack and state are in place."""


class Continuation:
    """What was left to do, and the dynamic state, when it was captured; a rule of the machine."""

    __slots__ = ("context", "machine", "owner", "stack")

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.owner = machine.owner
        self.stack: Frame | None = machine.stack
        self.context = STATE.context()

    def __call__(self, machine: Machine, arguments: list[Any], keywords: dict[str, Any]) -> None:
        """Go on there with the arguments as values."""
        if keywords:
            raise ArityError("a continuation takes no keyword arguments")
        value = arguments[0] if len(arguments) == 1 else MultipleValues(arguments)

        def arrive(machine: Machine) -> None:
            machine.value = value

        self.enter(machine, arrive)

    def enter(self, machine: Machine, arrive: Arrive, cause: BaseException | None = None) -> None:
        """Leave what ``machine`` does, because of ``cause``, and do ``arrive`` here."""
        target = self.target(machine)

        def put_in_place(machine: Machine) -> None:
            machine.node = None
            machine.owner = self.owner
            machine.stack = self.stack
            STATE.install(self.context)
            arrive(machine)

        def go(machine: Machine) -> None:
            if target is not machine:
                raise Escape(target, put_in_place) from cause
            put_in_place(machine)

        travel(machine, self.context, go)

    def target(self, machine: Machine) -> Machine:
        """The machine to go on in: the one it was captured in, while that runs.

        If that is over and was all there was to do, any other will do; the outermost leaves
        nothing behind. Where something was left to do in Python, this one must: a generator comes
        back before it gets there.
        """
        if self.machine is machine or self.machine in RUNNING.machines:
            return self.machine
        return RUNNING.machines[0] if self.owner.is_outermost else machine


def make_continuation(machine: Machine) -> Any:
    """The current continuation as a procedure."""
    rule = Continuation(machine)

    def continuation(*values: Any) -> Any:
        if traced_depth():
            load("eshkol.xla.extents:refuse_exit")()
        return call_from_python(rule, list(values), {})

    continuation.eshkol_cek = rule  # type: ignore[attr-defined]
    return continuation


def call_cc(machine: Machine, receiver: Any) -> None:
    """``(call/cc receiver)``: apply the receiver to the current continuation."""
    procedure_argument("call/cc", receiver)
    machine.apply(receiver, [make_continuation(machine)])


# ---- dynamic extents


def within(machine: Machine, context: Context) -> None:
    """Put ``context`` back when what comes next has a value."""

    def restore(machine: Machine, value: Any) -> None:
        STATE.install(context)
        machine.value = value

    machine.then(restore)


def dynamic_wind(machine: Machine, before: Any, thunk: Any, after: Any) -> None:
    """``(dynamic-wind before thunk after)``: the value of the thunk, between the other two."""
    for procedure in (before, thunk, after):
        procedure_argument("dynamic-wind", procedure)
    context = STATE.context()

    def enter(machine: Machine, ignored: Any) -> None:
        STATE.winds = Wind(before, after, context)
        machine.then(leave)
        machine.apply(thunk, [])

    def leave(machine: Machine, value: Any) -> None:
        STATE.install(context)
        machine.then(lambda machine, ignored: give(machine, value))
        machine.apply(after, [])

    machine.then(enter)
    machine.apply(before, [])


def give(machine: Machine, value: Any) -> None:
    """Give a value to the stack."""
    machine.value = value


def travel(machine: Machine, context: Context, go: Arrive) -> None:
    """Run what stands on the way to ``context`` (see ``primitives.dynamic``), then ``go``."""
    _travel(machine, tuple(journey(STATE.winds, context.winds)), 0, go)


def _travel(machine: Machine, way: tuple[tuple[Wind, bool], ...], index: int, go: Arrive) -> None:
    if index == len(way):
        go(machine)
        return
    wind, is_entered = way[index]
    STATE.install(wind.context)

    def arrived(machine: Machine, ignored: Any) -> None:
        if is_entered:
            STATE.winds = wind
        _travel(machine, way, index + 1, go)

    machine.then(arrived)
    machine.apply(wind.before if is_entered else wind.after, [])

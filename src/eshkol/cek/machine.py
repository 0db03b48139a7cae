"""The machine: its registers, and the loop that runs them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

from eshkol.autodiff import NeedsTensors
from eshkol.base.errors import BadValue, EshkolError
from eshkol.base.spans import NOWHERE
from eshkol.cek.environment import Activation, Environment
from eshkol.cek.frames import Frame, Then
from eshkol.core.nodes import Const, Node
from eshkol.primitives.dynamic import STATE, Escape, Wind, travel
from eshkol.runtime.dialects import NeedsStaging

Rule = Callable[["Machine", list[Any], dict[str, Any]], None]
"""How the machine applies a procedure itself: ``(machine, arguments, keyword arguments)``."""

PRIMITIVE_RULES: dict[int, Rule] = {}
"""The rules of the primitives that the machine runs itself, by the ``id`` of their functions."""


PERIOD = 200_000
"""After so many steps the depth of the stack is looked at."""

MOST_FRAMES = 1_000_000
"""So many frames may be left to do; they take about a GiB."""


class Running(threading.local):
    """The machines that run in this thread, each inside a primitive that the one before called."""

    def __init__(self) -> None:
        self.machines: list[Machine] = []


RUNNING = Running()


class Machine:
    """One run of the machine.

    Attributes:
        node: what to evaluate next (*control*); None if ``value`` is to be given to the stack.
        environment: the variables in scope of ``node``.
        stack: what is left to do (*kontinuation*).
        value: the value of what was evaluated last.
        site: the form that was begun last, and the call it stands in: where an error happens.
        operator: if that form is a call, what it calls.
        base: the dynamic state outside.
        is_outermost: whether no machine runs outside, so that the stack is all that is left to do.
        owner: the machine whose call ends where the stack ends: another one after it has gone on
            with a continuation of that.
    """

    __slots__ = (
        "base",
        "environment",
        "is_outermost",
        "node",
        "operator",
        "owner",
        "site",
        "stack",
        "value",
    )

    def __init__(self) -> None:
        self.node: Node | None = None
        self.environment: Any = None
        self.stack: Frame | None = None
        self.value: Any = None
        self.operator: Any = None
        self.site: tuple[Node, Activation | None] = (Const(NOWHERE, None), None)
        if RUNNING.machines:
            self.site = RUNNING.machines[-1].site
            self.operator = RUNNING.machines[-1].operator
        self.base = STATE.context()
        self.is_outermost = not RUNNING.machines
        self.owner = self

    # ---- what rules do

    def evaluate(self, node: Node, environment: Environment) -> None:
        """Evaluate ``node`` next."""
        self.node = node
        self.environment = environment

    def push(self, frame: Frame, node: Node, environment: Environment) -> None:
        """Evaluate ``node`` next, and give its value to ``frame``."""
        self.stack = frame
        self.node = node
        self.environment = environment

    def then(self, do: Callable[[Machine, Any], None]) -> None:
        """Give the value of what comes next to ``do``."""
        self.stack = Then(self.stack, do, self.site)

    def apply(
        self, procedure: Any, arguments: list[Any], keywords: dict[str, Any] | None = None
    ) -> None:
        """Apply a procedure: by a rule of the machine, else by calling the Python function."""
        rule = PRIMITIVE_RULES.get(id(procedure))
        if rule is None and procedure.__class__ is FunctionType:
            rule = getattr(procedure, "eshkol_cek", None)
        if rule is not None:
            rule(self, arguments, keywords or {})
        else:
            from eshkol.cek.calls import call_python

            self.value = call_python(self, procedure, arguments, keywords or {})

    def wrong(self, node: Node, environment: Environment, error: EshkolError) -> EshkolError:
        """``error``, which happens at ``node``."""
        self.site = node, environment.activation
        return error

    # ---- running

    def run(self, start: Callable[[Machine], None]) -> Any:
        """Do what ``start`` asks for; the value when nothing is left to do."""
        RUNNING.machines.append(self)
        try:
            return self._run(start)
        except BaseException as error:
            self._leave(error)
            raise
        finally:
            RUNNING.machines.pop()
            STATE.install(self.base)
            if self.base.handlers is None:
                STATE.uncaught = None

    def _run(self, start: Callable[[Machine], None]) -> Any:
        while True:
            try:
                start(self)
                return self._go()
            except Escape as escape:
                from eshkol.cek import conditions

                arrive = conditions.arrival(self, escape.target, escape.value)
                if arrive is None:
                    raise
                start = arrive
            except Exception as error:
                from eshkol.cek import conditions

                start = conditions.signal_error(self, error)

    def _go(self) -> Any:
        from eshkol.cek.evaluate import STEPS

        while True:
            for _ in range(PERIOD):
                node = self.node
                if node is not None:
                    self.node = None
                    STEPS[node.__class__](self, node, self.environment)
                    continue
                frame = self.stack
                if frame is None:
                    return self._end()
                self.stack = frame.outer
                frame.resume(self, self.value)
            self._check_depth()

    def _end(self) -> Any:
        """The value, if there is somebody who waits for it."""
        if self.owner is self or self.owner.is_outermost:
            return self.value
        self.owner = self
        raise BadValue(
            "this continuation leads into a call from Python that has returned",
            hint="it was captured in a procedure that a primitive or a compiled procedure called",
        )

    def _check_depth(self) -> None:
        """Refuse a recursion that never ends before it fills the memory."""
        frame, count = self.stack, 0
        while frame is not None:
            frame, count = frame.outer, count + 1
        if count > MOST_FRAMES:
            raise RecursionError

    def _leave(self, error: BaseException) -> None:
        """An error that nobody handled leaves the machine, and the extents it is in."""
        if isinstance(error, Escape | NeedsStaging | NeedsTensors):
            return
        from eshkol.cek.trail import add_trail

        add_trail(self, error)
        if self.base.handlers is not None and STATE.uncaught is not error:
            STATE.uncaught, STATE.unseen = error, 0
        if depth(STATE.winds) > depth(self.base.winds):
            travel(self.base)


def depth(wind: Wind | None) -> int:
    """How many ``dynamic-wind`` extents there are up to this one."""
    return 0 if wind is None else wind.depth


def run(start: Callable[[Machine], None]) -> Any:
    """The value of a fresh machine that begins by ``start``."""
    return Machine().run(start)

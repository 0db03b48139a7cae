"""The dynamic state of a running program as explicit data: what a continuation captures beside the
stack.

``STATE``, one per thread, holds three things; no other module keeps any:

* ``handlers``: the exception handlers, a linked list of :class:`Handler`, innermost first, None at
  its end. ``raise`` calls the innermost one with ``handlers`` set to its ``outer``.
* ``winds``: the ``dynamic-wind`` extents that the program is in, a linked list of :class:`Wind`,
  innermost first, None at its end. Going from one list to another (:func:`travel`) runs the
  ``after`` procedures of the extents that are left, innermost first, then the ``before`` procedures
  of those that are entered, outermost first, each in the dynamic state of its ``dynamic-wind``.
* ``parameters``: the bindings that ``parameterize`` has made, a dictionary from a parameter's key
  to its cell, a list of one value. A dictionary is never changed once it is here; ``parameterize``
  puts another in its place. A parameter that is not in it has the cell it was made with.

A :class:`Context` is a copy of the three. A continuation keeps the context of its ``call/cc``:
``travel(context)`` and installing the stack is all that resuming it takes, whatever the stack is.
Eager code runs on Python's stack, so there a continuation is an :class:`Escape`, an exception that
unwinds it. Who throws one has travelled to the target's context before, so that the constructs on
the way have nothing to do but to let it pass.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from eshkol.primitives.calling import DIALECT, callee
from eshkol.primitives.declare import load

Procedure = Callable[..., Any]


class Context(NamedTuple):
    """The dynamic state at one moment."""

    handlers: Handler | None
    winds: Wind | None
    parameters: dict[Any, list[Any]]


class Handler:
    """An exception handler in its place on the list.

    Attributes:
        procedure: takes the condition. Of a ``guard`` it only selects the clause: it gives a
            procedure of no arguments that runs the clause, or ``#f`` if none fits.
        context: the state around the form that installed it.
        is_guard: whether that form is a ``guard``, whose clauses are run in ``context``.
        level: how many handlers there are up to this one.
        is_eager: whether the form is run by eager code.
        depth: how many traced parts of a program the form stands in (see :func:`traced_depth`).
        leave: of a ``guard`` in a program that is staged, its continuation.
    """

    __slots__ = ("context", "depth", "is_eager", "is_guard", "leave", "level", "procedure")

    def __init__(self, procedure: Procedure, context: Context, is_guard: bool = False) -> None:
        self.procedure = procedure
        self.context = context
        self.is_guard = is_guard
        self.level: int = 1 if context.handlers is None else context.handlers.level + 1
        self.is_eager = DIALECT.resolve is None
        self.depth = traced_depth()
        self.leave: Procedure | None = None

    @property
    def outer(self) -> Handler | None:
        """The next handler outwards."""
        return self.context.handlers


class Wind:
    """The extent of one ``dynamic-wind``.

    Attributes:
        before: called whenever the extent is entered.
        after: called whenever it is left.
        context: the state around the form; ``context.winds`` is the extent around this one.
        depth: how many extents there are up to this one.
    """

    __slots__ = ("after", "before", "context", "depth")

    def __init__(self, before: Procedure, after: Procedure, context: Context) -> None:
        self.before = before
        self.after = after
        self.context = context
        self.depth: int = 1 if context.winds is None else context.winds.depth + 1


class State(threading.local):
    """The dynamic state of this thread.

    Attributes:
        uncaught: an exception on its way out that handlers have seen already: the constructs that
            it crosses must not show it to them again. None as soon as it has left them all.
        unseen: the handlers up to this level have not seen it.
    """

    handlers: Handler | None = None
    winds: Wind | None = None
    uncaught: BaseException | None = None
    unseen: int = 0

    def __init__(self) -> None:
        self.parameters: dict[Any, list[Any]] = {}

    def context(self) -> Context:
        """A copy of the state."""
        return Context(self.handlers, self.winds, self.parameters)

    def install(self, context: Context) -> None:
        """Make the state a copy again; nothing is run."""
        self.handlers, self.winds, self.parameters = context


STATE = State()


class Target:
    """A frame to which continuations escape.

    Attributes:
        context: the dynamic state around it.
        thread: the thread that it runs in; 0 once it has ended.
        depth: how many traced parts of a program it stands in.
        successor: the target of another frame, which has the same continuation and runs still
            where this one's frame was thrown away.
    """

    __slots__ = ("context", "depth", "successor", "thread")

    def __init__(self) -> None:
        self.context = STATE.context()
        self.thread = threading.get_ident()
        self.depth = traced_depth()
        self.successor: Target | None = None

    def current(self) -> Target:
        """The target of the frame that is there for this one now."""
        last = self
        while last.successor is not None:
            last = last.successor
        if last is not self:
            self.successor = last  # a chain would grow with every frame that is thrown away
        return last


class Escape(BaseException):
    """Unwinds Python's stack to the form that ``target`` stands for, which then gives ``value``.

    It is no ``Exception``: no handler sees it.
    """

    def __init__(self, target: Any, value: Any) -> None:
        self.target = target
        self.value = value


class TailCall(BaseException):
    """Throws away frames with nothing left to do, down to the lowest, which makes the call.

    Attributes:
        procedure: what is called.
        arguments: with these arguments,
        options: and these named ones.
        distance: how many frames with a handler are to be left before.
        place: a ``call/cc`` in tail position has the continuation of the lowest frame. Where its
            own frame is thrown away, the frame that makes the call is there for it.
    """

    __slots__ = ("arguments", "distance", "options", "place", "procedure")

    def __init__(
        self, distance: int, place: Target, procedure: Procedure, arguments: Any, options: Any
    ) -> None:
        self.distance = distance
        self.place = place
        self.procedure = procedure
        self.arguments = arguments
        self.options = options


# ---- travelling


def journey(start: Wind | None, end: Wind | None) -> Iterator[tuple[Wind, bool]]:
    """What to run on the way from one list of extents to another, in order.

    Yields:
        An extent, and whether it is entered (its ``before`` is run) or left (its ``after``).
    """
    entered = []
    while start is not end:
        if end is None or (start is not None and start.depth > end.depth):
            assert start is not None
            yield start, False
            start = start.context.winds
        else:
            entered.append(end)
            end = end.context.winds
    for wind in reversed(entered):
        yield wind, True


def travel(context: Context) -> None:
    """Go to the dynamic state ``context``, through the extents between here and there."""
    if STATE.winds is not context.winds:
        for wind, is_entered in journey(STATE.winds, context.winds):
            STATE.install(wind.context)
            callee(wind.before if is_entered else wind.after)()
            if is_entered:
                STATE.winds = wind
    STATE.install(context)


# ---- staging


def traced_depth() -> int:
    """How many traced branches and loop bodies there are around, which may run or not.

    Nothing of what happens to be there while such a part is traced may leave it by an escape.
    """
    return 0 if DIALECT.resolve is None else len(load("eshkol.xla.journal:FRAMES").stack)

"""Tracing apart what may be left before its end: escapes under traced conditions.

Whether a branch ends with its value or leaves it by an escape is an alternative like any other: a
part that may be left has *exits*, and an exit is whether it is taken and the value that it takes
along. The code after such a branch runs only where no exit was taken. That code is whatever
Python executes until the *extent* around ends (a branch, a trip of a loop, the ``call/ec``
itself), so it is recorded as a jaxpr of its own from the branch on, and becomes one branch of a
``lax.cond`` at the end of the extent: nothing of it is computed, written, displayed or raised
where the program has left, and no derivative passes through it.
"""

from __future__ import annotations

import itertools
import operator
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from jax import lax

from eshkol.base.errors import SchemeError, StagingError
from eshkol.primitives.calling import callee
from eshkol.primitives.continuations import NeedsStaging, continuation_to
from eshkol.primitives.dynamic import STATE, Escape, Target
from eshkol.xla import journal
from eshkol.xla._compat import ClosedJaxpr
from eshkol.xla._compat_traces import OpenTrace, current_trace, trace
from eshkol.xla.alternatives import (
    Exit,
    Outcome,
    Unreachable,
    any_taken,
    describe_part,
    exits_of,
    join,
)
from eshkol.xla.effects import PATH, fail
from eshkol.xla.merging import BOTTOM, Mismatch, Output
from eshkol.xla.parts import Part
from eshkol.xla.trees import unflatten

MOST_RESTS = 256
"""So many escapes under traced conditions may follow one another in one extent."""


class Rest:
    """The code from an escape on, which runs if none of ``exits`` is taken."""

    def __init__(self, exits: list[Exit]) -> None:
        self.exits = exits
        self.goes_on = lax.bitwise_not(any_taken(exits))
        self.conditions = PATH.conditions
        PATH.conditions = [*PATH.conditions, lambda: self.goes_on]
        self.frame = journal.Frame()
        self.frame.__enter__()
        self.trace = OpenTrace()

    def close(self, value: Any, exits: list[Exit]) -> Part:
        """The part that this code was."""
        self.frame.forget_own()
        arrays, part = describe_part(value, self.frame.written(), exits, [])
        self._leave()
        return part(self.trace.close(arrays))

    def abandon(self) -> None:
        """Forget this code."""
        self._leave()
        self.trace.abandon()

    def _leave(self) -> None:
        self.frame.__exit__()
        PATH.conditions = self.conditions


class Extent:
    """What is traced while this block runs: its end is where the code after an escape ends.

    Attributes:
        target: of the ``call/ec`` that this is the extent of.
        is_linked: whether nothing but extents stands between this one and the one around, so that
            an escape can lead through it; no transform such as ``gradient`` does.
        rests: the code after each escape so far, one inside the other.
    """

    def __init__(self, is_linked: bool, target: Target | None = None) -> None:
        self.is_linked = is_linked
        self.target = target
        self.rests: list[Rest] = []

    def __enter__(self) -> Extent:
        self._trace = current_trace()
        self._conditions = PATH.conditions
        self._context = STATE.context()
        EXTENTS.stack.append(self)
        return self

    def __exit__(self, *problem: object) -> None:
        EXTENTS.stack.pop()
        self.abandon(0)
        PATH.conditions = self._conditions
        STATE.install(self._context)

    def is_current(self) -> bool:
        """Whether what is computed now belongs to this extent itself."""
        trace = self.rests[-1].trace.trace if self.rests else self._trace
        return current_trace() is trace

    def abandon(self, count: int) -> None:
        """Forget all code after escapes but the first ``count`` pieces."""
        while len(self.rests) > count:
            self.rests.pop().abandon()

    def run(self, function: Callable[..., Any], *arguments: Any) -> Outcome:
        """Call ``function``; what it ends with."""
        exits: list[Exit] = []
        try:
            value = function(*arguments)
        except Escape as escape:
            if not self.rests and escape.target is self.target:
                return escape.value, []
            value, exits = BOTTOM, [Exit(escape.target, True, escape.value)]
        except SchemeError as error:
            if not self.rests:
                raise
            fail(error)
            value = BOTTOM
        except Unreachable:
            value = BOTTOM
        held = [value]
        del value
        while self.rests:
            exits = self._close(held, exits)
        return held[0], exits

    def _close(self, held: list[Any], exits: list[Exit]) -> list[Exit]:
        """The exits of all from the last escape on, given those of the code after it.

        Args:
            held: the value of that code, of which nothing else is to know; then that of all.
            exits: of that code.
        """
        rest = self.rests.pop()
        part = _without_own(rest.close(held.pop(), exits), 0)
        left = trace_part(lambda: BOTTOM, (), part.written)
        try:
            value, inner = join(rest.goes_on, part, left.with_targets(part.targets))
        except Mismatch as mismatch:
            raise StagingError(
                "a variable, vector or pair that is assigned after an escape holds "
                f"{mismatch.second} before it, and {mismatch.first} afterwards",
                hint="whether the escape happens is known only when the compiled program runs: "
                "give what is assigned one kind and shape",
            ) from None
        held.append(value)
        return _combined([*rest.exits, *inner])


class Extents(threading.local):
    """The extents that this thread is in, innermost last."""

    def __init__(self) -> None:
        self.stack: list[Extent] = []


EXTENTS = Extents()


def _is_current() -> bool:
    """Whether what is computed now belongs to the innermost extent itself."""
    return bool(EXTENTS.stack) and EXTENTS.stack[-1].is_current()


def check_exit(target: Target) -> None:
    """Refuse an escape to ``target`` that leads out of what the compiler can follow.

    Raises:
        StagingError: the ``call/ec`` stands outside of the compiled program, or outside of a
            transform such as ``gradient``.
        NeedsStaging: it was called by eager code.
    """
    if not any(extent.target is target for extent in EXTENTS.stack):
        raise NeedsStaging(target)
    for index in range(len(EXTENTS.stack) - 1, -1, -1):
        extent = EXTENTS.stack[index]
        if index == len(EXTENTS.stack) - 1 and not extent.is_current():
            break
        if extent.target is target:
            return
        if not extent.is_linked:
            break
    refuse_exit()


def refuse_exit() -> NoReturn:
    """Raise the error for a continuation of what is outside, called under a traced condition."""
    raise StagingError(
        "call/cc: whether this continuation is called is known only when the compiled program "
        "runs, and its call/cc is outside of it",
        hint="put the call/cc into the procedure that is compiled, differentiated or mapped, or "
        "give the value back through the branches of the if",
    )


def depart(exits: list[Exit]) -> None:
    """What follows in this extent runs only if none of ``exits`` is taken.

    Raises:
        Escape: one of them certainly is.
    """
    for way in exits:
        if way.is_taken is True:
            raise Escape(way.target, way.value)
    traced = [way for way in exits if way.is_taken is not False]
    if not traced:
        return
    extent = EXTENTS.stack[-1]
    if len(extent.rests) == MOST_RESTS:
        raise StagingError(
            f"more than {MOST_RESTS} escapes whose conditions are traced follow one another here",
            hint="write the loop they stand in so that it keeps the shapes of its variables, "
            "then it is compiled as a loop",
        )
    extent.rests.append(Rest(traced))


def rest_count() -> int:
    """How many pieces of code after escapes are being traced in this extent."""
    return len(EXTENTS.stack[-1].rests) if EXTENTS.stack else 0


def abandon_rests(count: int) -> None:
    """Forget all code after escapes in this extent but the first ``count`` pieces."""
    if EXTENTS.stack:
        EXTENTS.stack[-1].abandon(count)


def call_with_escape(
    receiver: Any,
    words: str = "call/cc: its value is {} where its continuation is called, and {} otherwise",
) -> Any:
    """``call/ec`` of staged code; ``words`` say that its values are of different kinds."""
    target = Target()
    with Extent(_is_current(), target) as extent:
        try:
            value, exits = extent.run(callee(receiver), continuation_to(target))
        finally:
            target.thread = 0
    others = []
    for way in exits:
        if way.target is target:
            value = _landed(way, value, words)
        else:
            others.append(way)
    depart(others)
    if value is BOTTOM:
        raise Unreachable
    return value


def _landed(way: Exit, value: Any, words: str) -> Any:
    """The value of a ``call/ec`` with this way out of it, and else ``value``."""
    try:
        return way.value if value is BOTTOM else either(way.is_taken, way.value, value)
    except Mismatch as mismatch:
        raise StagingError(
            words.format(mismatch.first, mismatch.second),
            hint="both must be of one kind and shape, since which it is is known only when the "
            "compiled program runs",
        ) from None


def _combined(exits: list[Exit]) -> list[Exit]:
    """One exit for each target."""
    found: dict[int, Exit] = {}
    for way in exits:
        known = found.get(id(way.target))
        if known is not None:
            value = either(known.is_taken, known.value, way.value)
            way = Exit(way.target, any_taken([known, way]), value)
        found[id(way.target)] = way
    return list(found.values())


# ---- parts


def trace_part(
    function: Callable[..., Any],
    shapes: Sequence[Any] = (),
    written: Sequence[Any] = (),
    targets: Sequence[Target] = (),
) -> Part:
    """Trace ``function`` apart; what it writes outside is undone and becomes its result.

    Args:
        function: takes tracers of ``shapes``.
        shapes: ``jax.ShapeDtypeStruct`` for each argument.
        written: places whose contents are results even if the part does not write them.
        targets: of exits that the part has in any case.
    """
    found: list[Callable[[ClosedJaxpr], Part]] = []
    is_linked = _is_current()

    def run(*tracers: Any) -> list[Any]:
        with journal.Frame() as frame, Extent(is_linked) as extent:
            value, exits = extent.run(function, *tracers)
            places = list(written)
            known = set(map(id, places))
            frame.forget_own()
            places += [place for place in frame.written() if id(place) not in known]
            arrays, part = describe_part(value, places, exits, targets)
        found.append(part)
        return arrays

    jaxpr = trace(run, shapes)
    return _without_own(found[-1](jaxpr), len(written))


def _without_own(part: Part, count: int) -> Part:
    """The part without what it writes of containers, after the first ``count``, that it has made.

    Nothing else refers to them now that the part has been traced.
    """
    places = part.written
    kept = [
        index < count or not journal.is_ours_alone(places, index) for index in range(len(places))
    ]
    if all(kept):
        return part
    for place in itertools.compress(places, map(operator.not_, kept)):
        journal.forget(place)
    del place
    return part.keeping(kept)


def finish(part: Part, results: Sequence[Any]) -> Any:
    """The value of a part that is run in any case; what it writes is written.

    Args:
        part: any.
        results: of its jaxpr.
    """
    leaves = [results[x.index] if isinstance(x, Output) else x for x in part.leaves]
    value, contents, ends = unflatten(part.structure, leaves)
    journal.write(part.written, contents)
    return deliver(value, part.targets, ends)


def deliver(value: Any, targets: Sequence[Target], ends: Any) -> Any:
    """The value of a part, if none of its exits is taken; else these lead out of what is around.

    Args:
        value: of the part.
        targets: where its exits lead.
        ends: for each whether it is taken, and the value that it takes along.
    """
    depart(exits_of(targets, ends))
    if value is BOTTOM:
        raise Unreachable
    return value


def either(test: Any, first: Any, second: Any) -> Any:
    """One of two values.

    Raises:
        Mismatch: no program can treat the two as one.
    """
    return join(test, trace_part(lambda: first), trace_part(lambda: second))[0]

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

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import jax
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr

from eshkol.base.errors import SchemeError, StagingError
from eshkol.primitives.calling import callee
from eshkol.primitives.continuations import NeedsStaging, continuation_to
from eshkol.primitives.dynamic import STATE, Escape, Target
from eshkol.xla import journal
from eshkol.xla._compat import OpenTrace, current_trace
from eshkol.xla.effects import PATH, fail
from eshkol.xla.notes import note
from eshkol.xla.parts import (
    ABSENT,
    BOTTOM,
    Joined,
    Mismatch,
    Output,
    Part,
    make_outputs,
    merge,
    put_together,
    with_witnesses,
)
from eshkol.xla.trees import flatten, unflatten
from eshkol.xla.witness import Witness, tracer_of

MOST_RESTS = 256
"""So many escapes under traced conditions may follow one another in one extent."""


class Unreachable(BaseException):
    """What is being traced goes on only to raise an error, or to leave, when the program runs."""


@dataclass(frozen=True)
class Exit:
    """A way out of a part of a program.

    Attributes:
        target: where it leads.
        is_taken: a boolean, known or traced.
        value: that it takes along.
    """

    target: Target
    is_taken: Any
    value: Any


Outcome = tuple[Any, list[Exit]]
"""What a part ends with: its value, ``BOTTOM`` if it never gets there, and the ways out of it."""


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
        arrays, part = _describe(value, self.frame.written(), exits, [])
        self._leave()
        return part(self.trace.close(arrays))

    def abandon(self) -> None:
        """Forget this code."""
        self._leave()
        self.trace.abandon()

    def _leave(self) -> None:
        self.frame.__exit__()
        PATH.conditions = self.conditions


def any_taken(exits: Sequence[Exit]) -> Any:
    """Whether one of ``exits`` is taken."""
    flags = [tracer_of(e.is_taken) for e in exits]
    result = flags[0]
    for flag in flags[1:]:
        result = lax.bitwise_or(_flag(result), _flag(flag))
    return _flag(result)


def _flag(truth: Any) -> Any:
    return np.bool_(truth) if truth.__class__ is bool else truth


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
        while self.rests:
            value, exits = self._close(value, exits)
        return value, exits

    def _close(self, value: Any, exits: list[Exit]) -> Outcome:
        """The outcome of all from the last escape on, given that of the code after it."""
        rest = self.rests.pop()
        part = rest.close(value, exits)
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
        return value, _combined([*rest.exits, *inner])


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


def call_with_escape(receiver: Any) -> Any:
    """``call/ec`` of staged code."""
    target = Target()
    with Extent(_is_current(), target) as extent:
        try:
            value, exits = extent.run(callee(receiver), continuation_to(target))
        finally:
            target.thread = 0
    others = []
    for way in exits:
        if way.target is target:
            value = _landed(way, value)
        else:
            others.append(way)
    depart(others)
    if value is BOTTOM:
        raise Unreachable
    return value


def _landed(way: Exit, value: Any) -> Any:
    """The value of a ``call/ec`` with this way out of it, and else ``value``."""
    try:
        return way.value if value is BOTTOM else either(way.is_taken, way.value, value)
    except Mismatch as mismatch:
        raise StagingError(
            f"call/cc: its value is {mismatch.first} where its continuation is called, and "
            f"{mismatch.second} otherwise",
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
            places += [p for p in frame.written() if not any(p is known for known in places)]
            arrays, part = _describe(value, places, exits, targets)
        found.append(part)
        return arrays

    jaxpr = jax.make_jaxpr(run)(*shapes)
    return found[-1](jaxpr)


def _describe(
    value: Any, places: list[Any], exits: list[Exit], targets: Sequence[Target]
) -> tuple[list[Any], Callable[[ClosedJaxpr], Part]]:
    """The arrays of what a part ends with, and what makes the part of the jaxpr of them."""
    ways = {id(way.target): way for way in exits}
    order = [*targets, *(way.target for way in exits if way.target not in targets)]
    taken = [ways.get(id(target)) for target in order]
    ends = tuple((w.is_taken, w.value) if w else (False, ABSENT) for w in taken)
    leaves, structure = flatten((value, journal.contents(places), ends))
    arrays: list[Any] = []
    described = [_describe_leaf(leaf, arrays) for leaf in leaves]
    return arrays, lambda jaxpr: Part(jaxpr, structure, described, places, order)


def _describe_leaf(leaf: Any, arrays: list[Any]) -> Any:
    witness = leaf if leaf.__class__ is Witness else None
    leaf = tracer_of(leaf)
    if not hasattr(leaf, "dtype"):
        return leaf
    arrays.append(leaf)
    return Output(len(arrays) - 1, tuple(leaf.shape), np.dtype(leaf.dtype), witness)


def or_bottom(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, giving ``BOTTOM`` where it raises an error of the program's own.

    The error is raised when the compiled program runs and gets there.
    """

    def attempt(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except SchemeError as error:
            fail(error)
        except Unreachable:
            pass
        return BOTTOM

    return attempt


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
    depart(_exits(targets, ends))
    if value is BOTTOM:
        raise Unreachable
    return value


def _exits(targets: Sequence[Target], ends: Any) -> list[Exit]:
    return [
        Exit(target, tracer_of(is_taken), value)
        for target, (is_taken, value) in zip(targets, ends, strict=True)
    ]


# ---- alternatives


def join(test: Any, first: Part, second: Part) -> Outcome:
    """What a conditional ends with: ``first`` where ``test`` holds, otherwise ``second``.

    Both write the same places; the exits of ``second`` begin with those of ``first``.

    Raises:
        Mismatch: no program can treat the two as one.
    """
    first = first.with_targets(second.targets)
    structure, leaves = merge((first.structure, first.leaves), (second.structure, second.leaves))
    outputs = _choose(tracer_of(test), first, second, leaves)
    if test.__class__ is Witness:
        outputs = with_witnesses(leaves, outputs, "first" if test.known else "second", test.sources)
    value, contents, ends = unflatten(structure, put_together(leaves, outputs))
    journal.write(first.written, contents)
    return value, _exits(second.targets, ends)


def either(test: Any, first: Any, second: Any) -> Any:
    """One of two values.

    Raises:
        Mismatch: no program can treat the two as one.
    """
    return join(test, trace_part(lambda: first), trace_part(lambda: second))[0]


def _choose(test: Any, then: Part, otherwise: Part, leaves: list[Any]) -> list[Any]:
    """The joined leaves by ``lax.cond``, or by a select where there is nothing to compute."""
    if not any(isinstance(leaf, Joined) for leaf in leaves) and not _has_effects(then, otherwise):
        note("agreed")
        return []
    if not then.jaxpr.eqns and not otherwise.jaxpr.eqns:
        note("select")
        first = make_outputs(leaves, "first", then.run())
        second = make_outputs(leaves, "second", otherwise.run())
        return [lax.select(_like(test, a), a, b) for a, b in zip(first, second, strict=True)]
    note("cond")
    return lax.cond(
        test,
        lambda: make_outputs(leaves, "first", then.run()),
        lambda: make_outputs(leaves, "second", otherwise.run()),
    )


def _like(test: Any, value: Any) -> Any:
    return test if value.shape == () else lax.broadcast(test, value.shape)


def _has_effects(*parts: Part) -> bool:
    return any(part.jaxpr.effects for part in parts)

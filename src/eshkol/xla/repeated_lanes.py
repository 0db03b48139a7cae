"""Calls of ``vmap`` in eager code, which compile the whole where a part would be compiled.

In lanes conditions are traced, so loops and recursions become programs, which XLA compiles where
they are met. JAX knows such a program again by its identity only, and every call of ``vmap`` traces
the procedure anew: every call would compile. So where the first such part is met the call is given
up, and made again with a procedure that ``jit`` compiles, and finds again by what it means. Where
nothing of that kind is in the lanes, or where something was already done that can be seen, calls go
on as they are; so do those under a trace that is compiled as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from eshkol.base.errors import EshkolError, StagingError
from eshkol.primitives.calling import DIALECT, transparent
from eshkol.xla._compat_traces import is_recording
from eshkol.xla.effects import PATH
from eshkol.xla.jit import jit
from eshkol.xla.notes import NOTES
from eshkol.xla.outlived import open_traces
from eshkol.xla.transforms import vmap
from eshkol.xla.trees import flatten

MOST_KNOWN = 4_096
"""Of so many procedures it is known whether their lanes are compiled."""


IS_COMPILED: dict[int, bool] = {}
"""Whether lanes with a loop in them are compiled, or that was refused.

By the hashes of the structures of the procedures: another one of the same hash takes a longer way,
no wrong one.
"""


def _learn(meaning: int, is_compiled: bool) -> None:
    if len(IS_COMPILED) >= MOST_KNOWN:
        IS_COMPILED.clear()
    IS_COMPILED[meaning] = is_compiled


class PartMet(BaseException):
    """A part of the lanes is about to be compiled. No program may catch this."""


def mapped(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    in_axes: Any,
    out_axes: Any,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """What :func:`transforms.vmap` gives; compiled if there is a loop in these lanes."""
    meaning = _meaning(function)
    if meaning is None:
        return vmap(function, arguments, in_axes, out_axes, options)
    if meaning not in IS_COMPILED:
        try:
            with _given_up():
                return vmap(function, arguments, in_axes, out_axes, options)
        except PartMet:
            _learn(meaning, True)
    if IS_COMPILED.get(meaning):
        try:
            return _program(function, in_axes, out_axes)(*arguments, **(options or {}))
        except StagingError:
            _learn(meaning, False)
    return vmap(function, arguments, in_axes, out_axes, options)


def _meaning(function: Callable[..., Any]) -> int | None:
    """By what a procedure is known again; None where its lanes are computed as they are."""
    if DIALECT.resolve is not None or NOTES.recorder is not None:
        return None
    if any(map(is_recording, open_traces())):
        return None
    try:
        structure = flatten(function)[1]
    except EshkolError:
        return None
    return hash(structure) if structure[0] == "closure" else None


@contextmanager
def _given_up() -> Iterator[None]:
    """This block ends by :class:`PartMet` where it meets a part that would be compiled.

    What the program does on its way out, in an ``after`` thunk, is left out. It goes on where
    it has done something before that can be seen.
    """
    saved = PATH.is_muted, PATH.seen
    PATH.seen = 0

    def meet() -> None:
        if not PATH.seen:
            PATH.is_muted = True
            raise PartMet

    NOTES.met = meet
    try:
        yield
    finally:
        NOTES.met = None
        PATH.is_muted, PATH.seen = saved


def _program(function: Callable[..., Any], in_axes: Any, out_axes: Any) -> Callable[..., Any]:
    """What computes the lanes, compiled."""

    def lanes(*arguments: Any, **options: Any) -> Any:
        return vmap(function, arguments, in_axes, out_axes, options)

    lanes.__name__ = lanes.__qualname__ = f"vmap of {getattr(function, '__name__', 'procedure')}"
    return jit(transparent(lanes))

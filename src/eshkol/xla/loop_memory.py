"""Loops that a program meets again and again, in a layer that it has many of, are traced once.

A loop is known by the code of its test and trip, and by all that these and the loop variables
hold: its *surroundings*. Where a loop with equal surroundings, the arrays in them being of the
same types, was traced twice already, what it computes is copied, with the arrays of now for those
of then. JAX does the same for a function that it was given before; here the function is a new one
each time, so what it captured is compared.

What a loop depends on beside its surroundings must be the same, and what it does beside giving
its values would be lost. So loops are remembered only within the trace of one program, in the
branches that they were met in, and where they write, display, raise, escape and draw nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Literal

import jax

from eshkol.primitives.dynamic import STATE
from eshkol.xla._compat import ClosedJaxpr, trace_context
from eshkol.xla._compat_traces import inline
from eshkol.xla.code_keys import Static
from eshkol.xla.conditions import CONDITIONS
from eshkol.xla.effects import PATH, is_reached, trip_condition
from eshkol.xla.extents import finish, trace_part
from eshkol.xla.notes import NOTES
from eshkol.xla.parts import Part
from eshkol.xla.trees import PART, Structure, flatten_with_containers
from eshkol.xla.witness import Witness


class Memory(threading.local):
    """The loops of the program that is being traced in this thread.

    Attributes:
        met: what each was when it was met before: known, not traced apart yet (None), or one that
            can't be remembered (False). None while no program is being traced.
        fixed: the identities of the program's own arguments, which are there wherever it is.
    """

    def __init__(self) -> None:
        self.met: dict[Any, Known | Literal[False] | None] | None = None
        self.fixed: frozenset[int] = frozenset()


MEMORY = Memory()

UNKNOWN = object()


@contextmanager
def own_memory(arguments: Sequence[Any]) -> Iterator[None]:
    """This block traces a program of its own, with these arguments."""
    saved = MEMORY.met, MEMORY.fixed
    MEMORY.met, MEMORY.fixed = {}, frozenset(map(id, arguments))
    try:
        yield
    finally:
        MEMORY.met, MEMORY.fixed = saved


@dataclass(frozen=True)
class Known:
    """A loop that was traced.

    Attributes:
        part: its value.
        places: for each constant of the part's jaxpr the number of the array of the surroundings
            that it is; None if it is the same whenever the loop is met.
    """

    part: Part
    places: list[int | None]

    def value(self, arrays: Sequence[Any]) -> Any:
        """The value of the loop where its surroundings have these arrays."""
        jaxpr = self.part.jaxpr
        constants = [
            constant if place is None else arrays[place]
            for constant, place in zip(jaxpr.consts, self.places, strict=True)
        ]
        return finish(self.part, inline(ClosedJaxpr(jaxpr.jaxpr, constants), ()))


class Loop:
    """A loop that is met.

    Attributes:
        key: equal for loops that compute the same of their arrays.
        arrays: in its surroundings.
        is_under: whether there are branches around that may not be taken.
    """

    def __init__(self, key: Any, arrays: list[Any], is_under: bool) -> None:
        self.key = key
        self.arrays = arrays
        self.is_under = is_under

    @staticmethod
    def met(*surroundings: Any) -> Loop | None:
        """The loop with these surroundings; None if it can't be remembered."""
        if not _is_ordinary():
            return None
        for value in surroundings:
            if value.__class__ is FunctionType:
                value.eshkol_transparent = PART
        leaves, structure, containers = flatten_with_containers(surroundings)
        if containers or any(leaf.__class__ is Witness for leaf in leaves):
            return None
        arrays = [leaf for leaf in leaves if isinstance(leaf, jax.core.Tracer)]
        numbers: dict[int, int] = {}
        same = tuple([numbers.setdefault(id(array), len(numbers)) for array in arrays])
        sites = frozenset([condition.site for condition in CONDITIONS.active])
        is_under = bool(PATH.conditions) and not hasattr(PATH.conditions[-1], "eshkol_trip")
        kinds = tuple(map(_kind, leaves))
        key = structure, kinds, same, is_under, sites, trace_context()
        return Loop(key, arrays, is_under)

    def known_value(self) -> Any:
        """The value, if the loop is known; else ``UNKNOWN``."""
        assert MEMORY.met is not None
        known = MEMORY.met.get(self.key)
        if not known:
            return UNKNOWN
        return known.value([*self.arrays, is_reached()] if self.is_under else self.arrays)

    def value(self, trace: Callable[[], Any]) -> Any:
        """The value that ``trace`` gives, which is remembered if the loop has been met before."""
        assert MEMORY.met is not None
        if self.key not in MEMORY.met:
            MEMORY.met[self.key] = None
            return trace()
        if MEMORY.met[self.key] is False:
            return trace()
        reached, returns, saved = is_reached(), CONDITIONS.returns, PATH.conditions
        if self.is_under:
            PATH.conditions = [*saved, trip_condition(lambda: reached), lambda: reached]
        try:
            part = trace_part(trace)
        finally:
            PATH.conditions = saved
        is_alone = CONDITIONS.returns == returns
        MEMORY.met[self.key] = (is_alone and self._known(part, reached)) or False
        return finish(part, part.run())

    def _known(self, part: Part, reached: Any) -> Known | None:
        """The loop that was traced to ``part``; None if it can't be remembered."""
        if part.written or part.targets or part.jaxpr.effects or not _is_plain(part.structure):
            return None
        numbers = {id(array): number for number, array in enumerate(self.arrays)}
        if id(reached) in numbers or self.is_under != isinstance(reached, jax.core.Tracer):
            return None
        numbers[id(reached)] = len(self.arrays)
        places = [numbers.get(id(constant)) for constant in part.jaxpr.consts]
        for constant, place in zip(part.jaxpr.consts, places, strict=True):
            is_traced = isinstance(constant, jax.core.Tracer)
            if place is None and is_traced and id(constant) not in MEMORY.fixed:
                return None
        return Known(part, places)


def _is_ordinary() -> bool:
    """Whether nothing around the loop is in force that its surroundings don't tell."""
    return (
        MEMORY.met is not None
        and NOTES.recorder is None
        and not PATH.is_muted
        and not CONDITIONS.constructions
        and not CONDITIONS.followed
        and not STATE.parameters
        and STATE.handlers is None
        and STATE.winds is None
    )


def _kind(leaf: Any) -> Any:
    """What has to be the same of a leaf: the type of what is traced, or itself."""
    if isinstance(leaf, jax.core.Tracer):
        return jax.typeof(leaf)
    return _This(leaf) if hasattr(leaf, "dtype") else Static(leaf)


class _This:
    """An array that is known, which is a part of what is compiled: equal only to itself."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def __hash__(self) -> int:
        return id(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and other.array is self.array


_PLAIN = frozenset(["tuple", "place", "list", "values", "static"])


def _is_plain(structure: Structure) -> bool:
    """Whether a value holds neither procedures nor what may be one of several."""
    if structure.__class__ is str:
        return True
    return structure[0] in _PLAIN and all(map(_is_plain, structure[2]))

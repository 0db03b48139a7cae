"""Exact integers and booleans that are traced and known at the same time.

What decides whether an exact integer is compile-time or traced is its use. A :class:`Witness`
carries both the value and the tracer. Arithmetic on witnesses gives witnesses, tensor operations
take the tracer, and any use of the value (a shape, an axis, an index of a list) tells the sources
of the witness that their values are now part of what is compiled.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np


class Source:
    """Where a witness comes from: an argument of a compiled call, or a loop's counter.

    Attributes:
        use: tells that the value decides what is compiled.
        use_for_trips: tells that it decides that, but only how often a loop goes round.
        trips: of the loop whose counter it is, which is unrolled if its value is used; else 0.
    """

    __slots__ = ("trips", "use", "use_for_trips")

    def __init__(
        self,
        use: Callable[[], None],
        use_for_trips: Callable[[], None] | None = None,
        trips: int = 0,
    ) -> None:
        self.use = use
        self.use_for_trips = use_for_trips or use
        self.trips = trips


class Witness:
    """An exact integer or boolean with its tracer; using the value tells its sources.

    Attributes:
        known: the value; of what depends on the counter of a loop, that in the first trip.
        sources: where it comes from.
        extent: the least and the greatest value that it has in any trip, as far as that is known.
    """

    __slots__ = ("__eshkol_traced__", "extent", "known", "sources")

    shape = ()

    def __init__(
        self,
        known: Any,
        tracer: Any,
        sources: frozenset[Source],
        extent: tuple[int, int] | None = None,
    ) -> None:
        self.known = known
        self.__eshkol_traced__ = tracer
        self.sources = sources
        self.extent = extent

    @property
    def dtype(self) -> Any:
        """The dtype of the tracer."""
        return self.__eshkol_traced__.dtype

    def item(self) -> Any:
        """The value; its sources become static."""
        for source in self.sources:
            source.use()
        return self.known

    __index__ = __int__ = item

    def for_trips(self) -> Any:
        """The value, which tells how often a loop goes round; its sources become static."""
        for source in self.sources:
            source.use_for_trips()
        return self.known

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __hash__(self) -> int:
        return hash(self.item())

    def __eq__(self, other: object) -> bool:
        return self is other or self.item() == other

    def __repr__(self) -> str:
        return f"#<traced {self.known!r}>"


def tracer_of(value: Any) -> Any:
    """The tracer of a witness; any other value as it is."""
    return value.__eshkol_traced__ if value.__class__ is Witness else value


def value_of(leaf: Any) -> Any:
    """The value of an exact leaf, which is used then."""
    return leaf.item() if leaf.__class__ is Witness else leaf


def is_exact(value: Any) -> bool:
    """Whether ``value`` is an exact integer or a witness of one."""
    return value.__class__ is int or (value.__class__ is Witness and value.known.__class__ is int)


def exact_result(
    operation: Callable[..., Any], rule: Callable[..., Any], *operands: Any
) -> Witness | None:
    """A witness of ``operation`` on exact operands; None if some operand is no exact integer.

    Args:
        operation: the operation on Python integers.
        rule: the same on arrays.
        operands: of which at least one is a witness.
    """
    if not all(map(is_exact, operands)):
        return None
    known = operation(*(o.known if o.__class__ is Witness else o for o in operands))
    if known.__class__ is int and not -(2**63) <= known < 2**63:
        from eshkol.base.errors import BadValue

        raise BadValue(
            "this exact integer does not fit into the 64 bits that a compiled program has",
            hint="compute it before the compiled part, or with inexact numbers",
        )
    if known.__class__ not in (int, bool):
        return None
    tracer = rule(
        *(o.__eshkol_traced__ if o.__class__ is Witness else np.int64(o) for o in operands)
    )
    sources = frozenset().union(*(o.sources for o in operands if o.__class__ is Witness))
    return Witness(known, tracer, sources, _extent_of(operation, operands))


_MONOTONE = (operator.add, operator.sub, operator.mul, operator.neg, min, max)
"""Operations that are extreme where each of their operands is."""


def _extent_of(operation: Callable[..., Any], operands: tuple[Any, ...]) -> tuple[int, int] | None:
    extents = [o.extent if o.__class__ is Witness else (o, o) for o in operands]
    if operation not in _MONOTONE or None in extents:
        return None
    values = [operation(*corner) for corner in itertools.product(*extents)]
    return min(values), max(values)

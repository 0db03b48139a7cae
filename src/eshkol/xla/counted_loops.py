"""Loops that count a known number of trips: how many, and as ``lax.scan``.

A counter whose value a trip needs (a shape, an index of a list) makes the loop unroll.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.xla import journal
from eshkol.xla.alternatives import or_bottom
from eshkol.xla.carries import Carry, ChangingVariable, Site, Values, enter, leave, settle
from eshkol.xla.dtypes import INT64
from eshkol.xla.extents import trace_part
from eshkol.xla.notes import note
from eshkol.xla.parts import Part, make_outputs
from eshkol.xla.recursion_loops import scan_trips
from eshkol.xla.trees import flatten
from eshkol.xla.witness import Source, Witness, is_exact


class Unroll(BaseException):
    """A trip needs the value of the counter of this loop."""

    def __init__(self, loop: object) -> None:
        super().__init__()
        self.loop = loop


class Leaving(Exception):
    """A trip of this loop may end it by an escape."""


# ---- how many trips


def number_of_trips(
    values: Values, count: tuple[int, str, Callable[[], Any], int], leaves_when: bool
) -> tuple[int | None, int | None]:
    """How many trips a counting loop makes, and how many at most; None where that isn't known.

    The most follow from counters of loops around it, whose extents are known.
    """
    index, comparison, bound, step = count
    first, last = values[index], bound()
    # The value of one is of no use, and had better stay unused, if the other is traced.
    if not (is_exact(first) and is_exact(last)):
        return None, None
    start, end = known_integer(first), known_integer(last)
    if start is not None and end is not None:
        trips = count_trips(start, end, step, comparison, leaves_when)
        return trips, trips
    starts, ends = _extent(first), _extent(last)
    if starts is None or ends is None:
        return None, None
    if comparison == "=":
        if not leaves_when:
            return None, 1
        comparison = ">=" if step > 0 else "<="
    start, end = (starts[0], ends[1]) if step > 0 else (starts[1], ends[0])
    return None, count_trips(start, end, step, comparison, leaves_when)


def _extent(value: Any) -> tuple[int, int] | None:
    known = known_integer(value)
    return value.extent if known is None else (known, known)


def known_integer(value: Any) -> int | None:
    """The start or end of a counter, known without making a loop unroll; else None."""
    if value.__class__ is int:
        return value
    if value.__class__ is not Witness or value.known.__class__ is not int:
        return None
    return None if any(source.trips for source in value.sources) else value.for_trips()


_NEGATED = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}


def count_trips(start: int, end: int, step: int, comparison: str, leaves_when: bool) -> int | None:
    """How often a counter from ``start`` by ``step`` goes round before the comparison leaves.

    None if the loop would never end.

    Example:
        >>> count_trips(0, 10, 3, ">=", True)
        4
    """
    distance = end - start
    if comparison == "=":
        if not leaves_when:
            return 0 if distance else 1
        trips, rest = divmod(distance, step)
        return trips if not rest and trips >= 0 else None
    leaves = comparison if leaves_when else _NEGATED[comparison]
    compare = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}[leaves]
    if compare(start, end):
        return 0
    if (step > 0) != (leaves in (">", ">=")):
        return None
    size, gap = abs(step), abs(distance)
    return gap // size + 1 if leaves in ("<", ">") else -(-gap // size)


# ---- trips as a scan


def scan(
    site: Site,
    values: Values,
    step: Callable[..., Values],
    count: tuple[int, str, Callable[[], Any], int],
    trips: int,
) -> Values | None:
    """A counting loop as ``lax.scan``; None where it must be unrolled instead.

    Raises:
        Leaving: a trip may leave the loop by an escape.
    """
    index, _, _, increment = count
    start = known_integer(values[index])
    assert start is not None
    others = values[:index] + values[index + 1 :]
    loop = object()

    def unroll() -> None:
        note("counter", trips=trips)
        raise Unroll(loop)

    source = frozenset([Source(unroll, trips=trips)])
    last = start + increment * (trips - 1)
    extent = min(start, last), max(start, last)

    def trip(carry: Carry, counter: Any, arrays: Sequence[Any]) -> Values:
        rest, contents = carry.value(arrays)
        enter(carry, contents)
        witness = Witness(start, counter, source, extent)
        result = step(*rest[:index], witness, *rest[index:])
        return result[:index] + result[index + 1 :]

    def trace(carry: Carry) -> Part:
        counter = jax.ShapeDtypeStruct((), INT64)
        return trace_part(
            lambda i, *arrays: or_bottom(trip)(carry, i, arrays),
            [counter, *carry.shapes],
            carry.places,
        )

    names = (site[0], *site[1 : index + 1], *site[index + 2 :])
    try:
        carry, part, leaves = settle(names, others, trace)
    except Unroll as request:
        if request.loop is not loop:
            raise
        return None
    except ChangingVariable:
        # What changes its shape from trip to trip can't be carried, but it can be unrolled.
        return None
    if part.targets:
        raise Leaving
    if _is_known_loop(part, values, carry.places):
        return None
    note("scan", site=names, trips=trips, carried=carry.shapes)
    counters = jnp.arange(trips, dtype=INT64) * increment + start
    final = scan_trips(
        lambda arrays, i: make_outputs(leaves, "second", part.run(i, *arrays)),
        carry.arrays,
        counters,
    )
    rest = leave(carry, final)
    return (*rest[:index], start + increment * trips, *rest[index:])


def _is_known_loop(part: Part, values: Values, places: list[Any]) -> bool:
    """Whether the loop computes with known numbers only, so that it can run while compiling.

    Args:
        part: a trip.
        values: the loop variables at the start.
        places: what trips write, which holds what it does at the start.
    """
    leaves, _ = flatten((values, journal.contents(places)))
    return not part.jaxpr.consts and not any(
        hasattr(leaf, "dtype") and leaf.__class__ is not Witness for leaf in leaves
    )

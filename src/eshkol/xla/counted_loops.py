"""Loops that count a known number of trips: how many, and as ``lax.scan``.

A counter whose value a trip needs (a shape, an index of a list) makes the loop unroll.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from eshkol.base.errors import EshkolError
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


Count = tuple[int, str, Callable[[], Any], Callable[[], Any]]
"""How a loop counts: the index of the counter, a comparison, its bound, and what a trip adds."""


class Counter(NamedTuple):
    """A counter of which it is known how often it goes round.

    Attributes:
        place: the index of the loop variable.
        start: its value in the first trip.
        step: what each trip adds.
        trips: how many there are.
        end: its value after them.
    """

    place: int
    start: Any
    step: Any
    trips: int
    end: Any

    @property
    def is_exact(self) -> bool:
        """Whether it is an exact integer in all trips."""
        return self.end.__class__ is int


class Trips(NamedTuple):
    """What is known of how often a loop goes round before it is compiled.

    Attributes:
        counter: what it counts with; None where the number of trips isn't known.
        most: how many trips there are at most, where that is known.
        are_many: whether there are more than are counted.
    """

    counter: Counter | None = None
    most: int | None = None
    are_many: bool = False


UNKNOWN_TRIPS = Trips()


def trips_of(values: Values, count: Count, leaves_when: bool) -> Trips:
    """How often a loop that counts goes round.

    The most trips follow from counters of loops around it, whose extents are known.
    """
    index, comparison, bound, get_step = count
    first, last = values[index], bound()
    # The value of one is of no use, and had better stay unused, if another is traced.
    if not (_may_be_known(first) and _may_be_known(last)):
        return UNKNOWN_TRIPS
    step = get_step()
    if not _may_be_known(step):
        return UNKNOWN_TRIPS
    if float in (first.__class__, last.__class__, step.__class__):
        start, end, step = map(_known_real, (first, last, step))
        return _real_trips(index, (start, end, step), comparison, leaves_when)
    start, end = known_integer(first), known_integer(last)
    starts, ends = _extent(first, start), _extent(last, end)
    if starts is None or ends is None:
        return UNKNOWN_TRIPS
    step = known_integer(step)
    if not step:
        return UNKNOWN_TRIPS
    if start is None or end is None:
        return Trips(None, _most_trips(starts, ends, step, comparison, leaves_when))
    trips = count_trips(start, end, step, comparison, leaves_when)
    if trips is None:
        return UNKNOWN_TRIPS
    return Trips(Counter(index, start, step, trips, start + step * trips), trips)


def _most_trips(
    starts: tuple[int, int], ends: tuple[int, int], step: int, comparison: str, leaves_when: bool
) -> int | None:
    """How many trips there are at most, of the extents of the start and the end."""
    if comparison == "=":
        if not leaves_when:
            return 1
        comparison = ">=" if step > 0 else "<="
    start, end = (starts[0], ends[1]) if step > 0 else (starts[1], ends[0])
    return count_trips(start, end, step, comparison, leaves_when)


def _real_trips(
    index: int, numbers: tuple[Any, Any, Any], comparison: str, leaves_when: bool
) -> Trips:
    """How often a loop goes round that counts with doubles, or up to one.

    Args:
        index: that of the loop variable.
        numbers: its start, the bound, and the step; None for one that is not known.
        comparison: of the counter with the bound.
        leaves_when: what this gives at the end.
    """
    start, bound, step = numbers
    if start is None or bound is None or not step:
        return UNKNOWN_TRIPS
    leaves = COMPARISONS[comparison if leaves_when else _NEGATED[comparison]]
    number, trips = start, 0
    while not leaves(number, bound):
        if trips == MOST_COUNTED:
            return Trips(are_many=True)
        following = number + step
        if following == number:
            return UNKNOWN_TRIPS
        number, trips = following, trips + 1
    return Trips(Counter(index, start, step, trips, number), trips)


def _may_be_known(value: Any) -> bool:
    return value.__class__ is float or is_exact(value)


def _known_real(value: Any) -> Any:
    return value if value.__class__ is float else known_integer(value)


MOST_COUNTED = 10_000_000
"""A counter that is a double is followed so far to see how often it goes round."""


def _extent(value: Any, known: int | None) -> tuple[int, int] | None:
    """The least and the greatest value of a start or end, whose value may be known."""
    return value.extent if known is None else (known, known)


def known_integer(value: Any) -> int | None:
    """The start or end of a counter, known without making a loop unroll; else None."""
    if value.__class__ is int:
        return value
    if value.__class__ is not Witness or value.known.__class__ is not int:
        return None
    return None if any(source.trips for source in value.sources) else value.for_trips()


_NEGATED = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "=": "not ="}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "not =": operator.ne,
}


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
    if COMPARISONS[leaves](start, end):
        return 0
    if (step > 0) != (leaves in (">", ">=")):
        return None
    size, gap = abs(step), abs(distance)
    return gap // size + 1 if leaves in ("<", ">") else -(-gap // size)


# ---- trips as a scan


def scan(
    site: Site, values: Values, step: Callable[..., Values], counter: Counter
) -> Values | None:
    """A counting loop as ``lax.scan``; None where it must be unrolled instead.

    Raises:
        Leaving: a trip may leave the loop by an escape.
    """
    index, start, increment, trips, end = counter
    # A double is a variable like any other, which each trip computes as the one before did.
    after = index + counter.is_exact
    others = values[:index] + values[after:]
    loop = object()

    def unroll() -> None:
        note("counter", trips=trips)
        raise Unroll(loop)

    source = frozenset([Source(unroll, trips=trips)])
    last = start + increment * (trips - 1)
    extent = min(start, last), max(start, last)

    def trip(carry: Carry, number: Any, arrays: Sequence[Any]) -> Values:
        rest, contents = carry.value(arrays)
        enter(carry, contents)
        given = (Witness(start, number, source, extent),) if counter.is_exact else ()
        result = step(*rest[:index], *given, *rest[index:])
        return result[:index] + result[after:]

    def trace(carry: Carry) -> Part:
        number = jax.ShapeDtypeStruct((), INT64)
        return trace_part(
            lambda i, *arrays: or_bottom(trip)(carry, i, arrays),
            [number, *carry.shapes],
            carry.places,
        )

    names = (site[0], *site[1 : index + 1], *site[after + 1 :])
    try:
        carry, part, leaves = settle(names, others, trace)
    except Unroll as request:
        if request.loop is not loop:
            raise
        return None
    except ChangingVariable:
        # What changes its shape from trip to trip can't be carried, but it can be unrolled.
        return None
    except EshkolError:
        # It may want to know what a double was in each trip.
        if counter.is_exact or trips > MOST_FOLLOWED:
            raise
        return None
    if part.targets:
        raise Leaving
    if _is_known_loop(part, values, carry.places):
        return None
    note("scan", site=names, trips=trips, carried=carry.shapes)
    numbers = jnp.arange(trips, dtype=INT64)
    final = scan_trips(
        lambda arrays, i: make_outputs(leaves, "second", part.run(i, *arrays)),
        carry.arrays,
        numbers * increment + start if counter.is_exact else numbers,
    )
    rest = leave(carry, final)
    return (*rest[:index], end, *rest[index + 1 - counter.is_exact :])


MOST_FOLLOWED = 1_000
"""A loop of more trips that counts with a double is not unrolled."""


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

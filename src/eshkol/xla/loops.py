"""The staging runtime: loops.

A loop is followed trip by trip while its test is known; a loop that counts a known number of trips
becomes ``lax.scan`` unless it is short; a loop with a traced test becomes ``loop``, a while loop
that has every derivative. Loop variables are widened until their types hold from trip to trip. A
counter whose value a trip needs (a shape, an index of a list) makes the loop unroll.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.base.errors import EshkolError, ShapeError, StagingError
from eshkol.xla import journal
from eshkol.xla.control import known_truth
from eshkol.xla.dtypes import BOOL, INT64
from eshkol.xla.effects import muted, under
from eshkol.xla.loop_states import run_loop
from eshkol.xla.parts import (
    ABSENT,
    Joined,
    Mismatch,
    Output,
    Part,
    as_leaf_array,
    leaf_type,
    make_outputs,
    merge,
    or_bottom,
    trace_part,
)
from eshkol.xla.trees import Structure, flatten, unflatten
from eshkol.xla.witness import Source, Witness, is_exact

UNROLLED_TRIPS = 8
"""A counting loop of at most so many trips is unrolled."""

UNROLLED_FOR_BOUNDS = 64
"""A loop of at most so many trips is unrolled where its counter bounds another loop."""

FOLLOWED_TRIPS = 1_000_000
"""A loop whose trips are all known ends with an error after so many."""

Site = tuple[str, ...]
"""The name of a loop and the names of its variables, for messages."""

Values = tuple[Any, ...]


class ChangingVariable(ShapeError):
    """A loop variable has another shape or structure after a trip."""


class Unroll(BaseException):
    """A trip needs the value of the counter of this loop."""

    def __init__(self, loop: object) -> None:
        super().__init__()
        self.loop = loop


# ---- loops of the shape of `while`


def staged_while(
    site: Site,
    values: Values,
    test: Callable[..., Any],
    step: Callable[..., Values],
    leaves_when: bool,
    count: tuple[int, str, Callable[[], Any], int] | None,
) -> Values:
    """Run ``values = step(*values)`` until the truth of ``test(*values)`` is ``leaves_when``.

    Args:
        site: names for messages.
        values: the loop variables at the start.
        test: the condition, of the loop variables.
        step: one trip.
        leaves_when: the truth of the test at which the loop is left.
        count: for a counting loop ``(index of the counter, comparison, bound, step)``.

    Returns:
        The loop variables at the end.
    """
    trips = None if count is None else _known_trips(values, count, leaves_when)
    if trips is not None and trips > UNROLLED_TRIPS and count is not None:
        scanned = _scan(site, values, step, count, trips)
        if scanned is not None:
            return scanned
    is_followed = trips is not None
    for _ in range(FOLLOWED_TRIPS):
        with muted() as path:
            holds = test(*values)
        known = known_truth(holds)
        if known is None and not (is_followed and holds.__class__ is Witness):
            try:
                return _traced_while(site, values, test, step, leaves_when)
            except EshkolError:
                if holds.__class__ is not Witness:
                    raise
                # What can't be a compiled loop can be followed, since its test is known.
                is_followed = True
        if path.left_out:
            holds = test(*values)
        if (holds.item() if known is None else known) is leaves_when:
            return values
        values = step(*values)
    raise _endless(site)


def _endless(site: Site) -> StagingError:
    return StagingError(
        f"{site[0]}: this loop has made {FOLLOWED_TRIPS} trips while the program was compiled",
        hint="does its test ever change? make it depend on a traced value to run it compiled",
    )


def _known_trips(
    values: Values, count: tuple[int, str, Callable[[], Any], int], leaves_when: bool
) -> int | None:
    """The number of trips of a counting loop, if its start and bound are known."""
    index, comparison, bound, step = count
    first, last = values[index], bound()
    # The value of one is of no use, and had better stay unused, if the other is traced.
    if not (is_exact(first) and is_exact(last)):
        return None
    start, end = _known_integer(first), _known_integer(last)
    if start is None or end is None:
        return None
    return count_trips(start, end, step, comparison, leaves_when)


def _known_integer(value: Any) -> int | None:
    if value.__class__ is int:
        return value
    if value.__class__ is not Witness or value.known.__class__ is not int:
        return None
    is_cheap = all(source.trips <= UNROLLED_FOR_BOUNDS for source in value.sources)
    return value.item() if is_cheap else None


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


# ---- carried state


@dataclass
class Carry:
    """What goes from trip to trip: loop variables and the places that trips write.

    Attributes:
        structure: of ``(values, contents of places)``.
        leaves: the start: arrays of the final dtypes, or numbers that never change.
        places: outside places that trips write.
    """

    structure: Structure
    leaves: list[Any]
    places: list[Any]

    @property
    def arrays(self) -> list[Any]:
        """The leaves that change from trip to trip."""
        return [leaf for leaf in self.leaves if hasattr(leaf, "dtype")]

    @property
    def shapes(self) -> list[Any]:
        """Shapes and dtypes of the arrays."""
        return [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in self.arrays]

    def value(self, arrays: Sequence[Any]) -> Any:
        """``(values, contents)`` with these arrays."""
        return unflatten(self.structure, self.filled(arrays))

    def filled(self, arrays: Sequence[Any]) -> list[Any]:
        """All leaves, with these arrays."""
        given = iter(arrays)
        return [next(given) if hasattr(leaf, "dtype") else leaf for leaf in self.leaves]


MAX_WIDENINGS = 8


State = tuple[Structure, list[Any]]
"""Structure and leaves of ``(loop variables, contents of places)`` after a trip."""


def _whole(part: Part) -> State:
    """The state that a part gives whose value is the next loop variables."""
    return part.structure, part.leaves


def _settle(
    site: Site,
    values: Values,
    trace: Callable[[Carry], Part],
    state: Callable[[Part], State] = _whole,
) -> tuple[Carry, Part, list[Any]]:
    """Trace a trip until what it gives fits what it takes.

    Args:
        site: names for messages.
        values: the loop variables at the start.
        trace: traces a trip.
        state: finds in the traced trip the state it gives.

    Returns:
        The carry, the part of the trip, and the joined leaves of its value.
    """
    places: list[Any] = []
    carry = _start(site, values, places)
    for _ in range(MAX_WIDENINGS):
        part = trace(carry)
        if len(part.written) > len(places):
            places = part.written
            carry = _start(site, values, places)
            continue
        structure, leaves = _merge_trip(site, carry, state(part))
        widened = _widened(carry, structure, leaves)
        if widened is None:
            return carry, part, leaves
        carry = widened
    raise StagingError(f"{site[0]}: the types of the loop variables never settle")


def _start(site: Site, values: Values, places: list[Any]) -> Carry:
    leaves, structure = flatten((values, journal.contents(places)))
    return Carry(structure, [as_leaf_array(leaf, site[0]) for leaf in leaves], places)


def _merge_trip(site: Site, carry: Carry, state: State) -> State:
    """Unify what a trip takes with what it gives."""
    start: list[Any] = []
    for index, leaf in enumerate(carry.leaves):
        start.append(Output(index, tuple(leaf.shape), leaf.dtype))
    try:
        return merge((carry.structure, start), state)
    except Mismatch as mismatch:
        name = _changed_variable(site, carry, state)
        raise ChangingVariable(
            f"{site[0]}: the variable {name} changes from {mismatch.first} to {mismatch.second} "
            "in one trip of this loop",
            hint="a loop over traced values keeps the shapes of its variables: start it with a "
            "value of the final shape",
        ) from None


def _changed_variable(site: Site, carry: Carry, state: State) -> str:
    """The name of the loop variable whose type does not hold."""
    before, after = carry.structure[2][0], state[0][2][0]
    start = iter([Output(i, tuple(x.shape), x.dtype) for i, x in enumerate(carry.leaves)])
    end = iter(state[1])
    for name, first, second in zip(site[1:], before[2], after[2], strict=False):
        first_leaves = [next(start) for _ in range(_count(first))]
        second_leaves = [next(end) for _ in range(_count(second))]
        try:
            merge((first, first_leaves), (second, second_leaves))
        except Mismatch:
            return name
    return "assigned in it"


def _count(structure: Structure) -> int:
    return 1 if structure.__class__ is str else sum(_count(child) for child in structure[2])


def _widened(carry: Carry, structure: Structure, leaves: list[Any]) -> Carry | None:
    """The carry with the dtypes of ``leaves``; None if it has them already."""
    if structure == carry.structure and all(
        leaf.dtype == start.dtype for leaf, start in zip(leaves, carry.leaves, strict=True)
    ):
        return None
    if len(leaves) != len(carry.leaves):
        raise ChangingVariable("a loop variable changes its structure from trip to trip")
    arrays = [
        start if start.dtype == leaf_type(leaf)[1] else start.astype(leaf_type(leaf)[1])
        for start, leaf in zip(carry.leaves, leaves, strict=True)
    ]
    return Carry(structure, arrays, carry.places)


def _leave(carry: Carry, arrays: Sequence[Any]) -> Values:
    """The loop variables after the loop; the places written get their last contents."""
    values, contents = carry.value(arrays)
    journal.write(carry.places, contents)
    return values


# ---- counting loops


def _scan(
    site: Site,
    values: Values,
    step: Callable[..., Values],
    count: tuple[int, str, Callable[[], Any], int],
    trips: int,
) -> Values | None:
    """A counting loop as ``lax.scan``; None where it must be unrolled instead."""
    index, _, _, increment = count
    start = _known_integer(values[index])
    assert start is not None
    others = values[:index] + values[index + 1 :]
    loop = object()

    def unroll() -> None:
        raise Unroll(loop)

    source = frozenset([Source(unroll, trips)])

    def trip(carry: Carry, counter: Any, arrays: Sequence[Any]) -> Values:
        rest, contents = carry.value(arrays)
        _enter(carry, contents)
        witness = Witness(start, counter, source)
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
        carry, part, leaves = _settle(names, others, trace)
    except Unroll as request:
        if request.loop is not loop:
            raise
        return None
    except ChangingVariable:
        # What changes its shape from trip to trip can't be carried, but it can be unrolled.
        return None
    if _is_known_loop(part, values):
        return None
    counters = jnp.arange(trips, dtype=INT64) * increment + start
    final, _ = lax.scan(
        lambda arrays, i: (make_outputs(leaves, "second", part.run(i, *arrays)), None),
        carry.arrays,
        counters,
    )
    rest = _leave(carry, final)
    return (*rest[:index], start + increment * trips, *rest[index:])


def _enter(carry: Carry, contents: tuple[Any, ...]) -> None:
    """At the start of a trip the places hold what the trip before left."""
    journal.write(carry.places, contents)


def _is_known_loop(part: Part, values: Values) -> bool:
    """Whether the loop computes with known numbers only, so that it can run while compiling."""
    leaves, _ = flatten(values)
    return not part.jaxpr.consts and not any(
        hasattr(leaf, "dtype") and leaf.__class__ is not Witness for leaf in leaves
    )


# ---- loops with a traced test


def _traced_while(
    site: Site,
    values: Values,
    test: Callable[..., Any],
    step: Callable[..., Values],
    leaves_when: bool,
) -> Values:
    guard = _Guard()

    def trace(carry: Carry) -> Part:
        def trip(runs: Any, *arrays: Any) -> Values:
            now, contents = carry.value(arrays)
            _enter(carry, contents)
            with guard.trip(runs):
                return or_bottom(step)(*now)

        return trace_part(trip, [_TRUTH, *carry.shapes], carry.places)

    carry, part, leaves = _settle(site, values, trace)

    def goes_on(arrays: Sequence[Any]) -> Any:
        now, contents = carry.value(arrays)
        with journal.Frame():
            _enter(carry, contents)
            result = test(*now)
        known = known_truth(result)
        if known is not None:
            return jnp.asarray(known is not leaves_when)
        traced = result.__eshkol_traced__ if result.__class__ is Witness else result
        return ~traced if leaves_when else traced

    def body(arrays: Sequence[Any]) -> list[Any]:
        runs = jnp.asarray(True)
        if guard.is_used:
            with muted():
                runs = goes_on(arrays)
        return make_outputs(leaves, "second", part.run(runs, *arrays))

    return _leave(carry, run_loop(goes_on, body, carry.arrays))


_TRUTH = jax.ShapeDtypeStruct((), BOOL)


class _Guard:
    """Tells the effects in a trip whether it is really made; notes whether any asked."""

    def __init__(self) -> None:
        self.is_used = False

    @contextmanager
    def trip(self, runs: Any) -> Iterator[None]:
        """Trace a trip that is made if ``runs`` holds."""

        def condition() -> Any:
            self.is_used = True
            return runs

        with under(condition):
            yield


# ---- loops with several exits


class Step:
    """What a trip of a loop ends with: the next values, or the loop's value."""

    __slots__ = ("goes_on", "value", "values")

    def __init__(self, goes_on: Any, values: Any, value: Any) -> None:
        self.goes_on = goes_on
        self.values = values
        self.value = value


jax.tree_util.register_pytree_node(
    Step,
    lambda step: ((step.goes_on, step.values, step.value), None),
    lambda _, parts: Step(*parts),
)


def again(values: Values) -> Step:
    """A trip that goes on with ``values``."""
    return Step(True, values, ABSENT)


def done(value: Any) -> Step:
    """A trip that ends the loop with ``value``."""
    return Step(False, ABSENT, value)


def staged_loop(site: Site, values: Values, step: Callable[..., Step]) -> Any:
    """Run trips until one ends the loop.

    Args:
        site: names for messages.
        values: the loop variables at the start.
        step: one trip, which ends with :func:`again` or :func:`done`.
    """
    is_followed = False
    for _ in range(FOLLOWED_TRIPS):
        with muted() as path:
            result, frame, contents = _try_trip(step, values)
        goes_on = result.goes_on
        known = known_truth(goes_on)
        if known is None and not (is_followed and goes_on.__class__ is Witness):
            try:
                return _traced_loop(site, values, step)
            except EshkolError:
                if goes_on.__class__ is not Witness:
                    raise
                # What can't be a compiled loop can be followed, since its end is known.
                is_followed = True
        if path.left_out:
            result, frame, contents = _try_trip(step, values)
        journal.write(frame.written(), contents)
        if not (goes_on.item() if known is None else known):
            return result.value
        values = result.values
    raise _endless(site)


def _try_trip(
    step: Callable[..., Step], values: Values
) -> tuple[Step, journal.Frame, tuple[Any, ...]]:
    """A trip, the frame of what it writes, and what it writes there; nothing is written yet."""
    with journal.Frame() as frame:
        result = step(*values)
        return result, frame, journal.contents(frame.written())


def _traced_loop(site: Site, values: Values, step: Callable[..., Step]) -> Any:
    """A loop whose end is traced: its state, whether it goes on, and its value so far."""

    guard = _Guard()

    def trace(carry: Carry) -> Part:
        def trip(runs: Any, *arrays: Any) -> Step:
            now, contents = carry.value(arrays)
            _enter(carry, contents)
            with guard.trip(runs):
                return step(*now)

        return trace_part(trip, [_TRUTH, *carry.shapes], carry.places)

    carry, part, leaves = _settle(site, values, trace, lambda part: _Ending(part).state)
    ending = _Ending(part)

    def body(state: Any) -> Any:
        outputs = part.run(*state[:1], *state[1])
        following = make_outputs(leaves, "second", outputs)
        return outputs[ending.flag.index], following, make_outputs(ending.value, "second", outputs)

    start = [jnp.zeros(leaf.shape, leaf.dtype) for leaf in ending.value]
    state = (jnp.asarray(True), carry.arrays, start)
    _, arrays, result = run_loop(lambda state: state[0], body, state)
    _leave(carry, arrays)
    return unflatten(ending.structure, result)


class _Ending:
    """The parts of a traced trip that gives a :class:`Step`.

    Attributes:
        flag: whether the loop goes on.
        state: the next loop variables and the contents of places.
        structure: of the loop's value.
        value: the leaves of the loop's value.
    """

    def __init__(self, part: Part) -> None:
        step, contents = part.structure[2]
        _, values, self.structure = step[2]
        leaves = iter(part.leaves)
        self.flag = next(leaves)
        next_values = [next(leaves) for _ in range(_count(values))]
        value = [next(leaves) for _ in range(_count(self.structure))]
        self.value = [Joined(leaf, leaf, *leaf_type(leaf)) for leaf in value]
        self.state = (("tuple", None, (values, contents)), [*next_values, *leaves])

"""What a loop carries from trip to trip: its variables and the places that trips write.

A trip is traced until what it gives fits what it takes: dtypes are widened, places written are
found on the way. A change of shape names the variable.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax

from eshkol.base.errors import EshkolError, ShapeError, StagingError
from eshkol.base.sources import source_and_line
from eshkol.base.spans import Span
from eshkol.datum.records import PromiseBox, Record
from eshkol.datum.values import HashTable, Vector
from eshkol.xla import journal
from eshkol.xla.held import HELD
from eshkol.xla.leaving import MADE, Kept, Made
from eshkol.xla.merging import FALSE_STRUCTURE, Mismatch, Output, merge, mismatched
from eshkol.xla.notes import forget, mark
from eshkol.xla.parts import Part, as_leaf_array, make_outputs, put_together
from eshkol.xla.trees import (
    TENSOR,
    Structure,
    flatten,
    flatten_with_containers,
    unflatten,
)
from eshkol.xla.trip_changes import forms_of_assignments, forms_of_next

Site = tuple[str, ...]
"""The name of a loop and the names of its variables, for messages."""

Values = tuple[Any, ...]


class ChangingVariable(StagingError, ShapeError):
    """A loop variable has another shape or structure after a trip."""

    __qualname__, __module__ = StagingError.__qualname__, StagingError.__module__  # as it is shown


class ChangedContainer(ChangingVariable):
    """A trip changes a container that a loop variable holds, and which is another one after it.

    Attributes:
        container: it, as the loop was given it.
    """

    def __init__(self, message: str, hint: str, container: Any) -> None:
        super().__init__(message, hint=hint)
        self.container = container

    def told(self) -> ChangingVariable:
        """What is said about it."""
        return ChangingVariable(self.message, hint=self.hint)


class Problem(NamedTuple):
    """What is said of a loop that can't be compiled.

    Attributes:
        message: about the variable that changes.
        hint: what helps.
        number: of that loop variable, or then place.
    """

    message: str
    hint: str
    number: int | None


@dataclass
class Carry:
    """What goes from trip to trip: loop variables and the places that trips write.

    Attributes:
        structure: of ``(values, contents of places)``.
        leaves: the start: arrays of the final dtypes, or numbers that never change.
        places: outside places that trips write.
        made: the containers that the values given last were made with.
        given: the loop variables that the last trip was given.
        unchanged: the containers that are loop variables and that no trip exchanges, by the
            numbers of these.
        originals: the containers of the start, in the order of ``made``, of a loop that exchanges
            some that something else holds as well; None for the others.
        problem: what is said of the loop if a list that was empty at first goes
            on growing. It is no error yet: that would hold on to what the trips have made.
    """

    structure: Structure
    leaves: list[Any]
    places: list[Any]
    made: list[Any] = field(default_factory=list)
    given: Values = ()
    unchanged: dict[int, Any] = field(default_factory=dict)
    originals: list[Any] = field(default_factory=list)
    problem: Problem | None = None

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
        self.made = []
        value = unflatten(self.structure, self.filled(arrays), self.made)
        self.given = value[0]
        return value

    def doubt(self, results: Sequence[Any], kept: Sequence[Any] = ()) -> None:
        """Note that containers among the results of the loop may be some that it began with.

        Args:
            results: that were made anew.
            kept: containers that the loop has not exchanged.
        """
        known = set(map(id, kept))
        for original in self.originals:
            if original is None or id(original) in known:
                continue
            for result in results:
                if result.__class__ is original.__class__:
                    journal.doubt(result, original)
                    journal.doubt(original, result)

    def filled(self, arrays: Sequence[Any]) -> list[Any]:
        """All leaves, with these arrays."""
        given = iter(arrays)
        return [next(given) if hasattr(leaf, "dtype") else leaf for leaf in self.leaves]


MAX_WIDENINGS = 8

_CHANGING = (
    "a loop over traced values keeps the shapes of its variables: start it with a value of the "
    "final shape"
)
_GROWING = (
    "a loop over traced values keeps the structure of its variables: to collect values, start it "
    "with a tensor\nof the final size and fill that: (tensor-set! t i value)"
)

_DEEPENING = (
    "a loop over traced values keeps the structure of its variables: a string, list or procedure "
    "that is made\nof the one of the trip before grows with each trip; let a number, a tensor or a "
    "record of them hold what is\nneeded"
)


State = tuple[Structure, list[Any]]
"""Structure and leaves of ``(loop variables, contents of places)`` after a trip."""


def settle(
    site: Site,
    values: Values,
    trace: Callable[[Carry], Part],
    state: Callable[[Part], State] = operator.attrgetter("result"),
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
    told = mark()
    try:
        return _settle_holding(site, values, trace, state)
    except EshkolError as problem:
        leaves, _ = flatten(values)
        if not (journal.FRAMES.replaced_false or any(leaf is False for leaf in leaves)):
            raise
        try:
            forget(told)
            originals = _originals(values)
            return _settle(site, values, trace, state, _start_with_nothing, originals)
        except EshkolError:
            raise problem from None


def _settle_holding(
    site: Site,
    values: Values,
    trace: Callable[[Carry], Part],
    state: Callable[[Part], State],
) -> tuple[Carry, Part, list[Any]]:
    """Trace a trip; a container that a variable holds stays the one it is, if trips let it.

    That matters where trips change it, or something else holds it too.
    """
    saved, told = HELD.containers, mark()
    problem: ChangedContainer | None = None
    originals = _originals(values)
    aliased = [container for container in originals if container is not None]
    try:
        if aliased:
            HELD.containers = saved | {id(container): container for container in aliased}
            try:
                return _settle(site, values, trace, state, _start, [])
            except EshkolError:
                HELD.containers = saved
                forget(told)
        while True:
            try:
                return _settle(site, values, trace, state, _start, originals)
            except ChangedContainer as change:
                problem = problem or change
                if id(change.container) in HELD.containers:
                    raise problem.told() from None
                HELD.containers = {**HELD.containers, id(change.container): change.container}
                originals = _originals(values)
                forget(told)
            except ChangingVariable:
                # It is another one after a trip.
                if problem is None:
                    raise
                raise problem.told() from None
    finally:
        HELD.containers = saved


def _settle(
    site: Site,
    values: Values,
    trace: Callable[[Carry], Part],
    state: Callable[[Part], State],
    start: Callable[..., Carry],
    originals: list[Any],
) -> tuple[Carry, Part, list[Any]]:
    """Trace a trip, at first of what ``start`` gives."""
    places: list[Any] = []
    try:
        return _settle_places(site, values, trace, state, start, originals, places)
    except EshkolError:
        journal.FRAMES.replaced_false |= any(
            value is False for held in journal.contents(places) for value in journal.values_in(held)
        )
        raise


def _settle_places(
    site: Site,
    values: Values,
    trace: Callable[[Carry], Part],
    state: Callable[[Part], State],
    start: Callable[..., Carry],
    originals: list[Any],
    places: list[Any],
) -> tuple[Carry, Part, list[Any]]:
    """The same; ``places`` becomes those that the trip writes."""
    before = carry = start(site, values, places)
    for _ in range(MAX_WIDENINGS):
        carry.originals = originals
        part = _traced(trace, carry)
        _refuse_changes_of_carried(site, values, carry, part)
        given = carry.given
        if len(part.written) > len(places):
            places[:] = part.written
            before = carry = start(site, values, places)
            continue
        structure, leaves = _merge_trip(site, carry, state(part))
        widened = _widened(carry, structure, leaves)
        if widened is None:
            carry.unchanged = _unchanged(values, given, state(part)[0])
            return carry, part, leaves
        before, carry = carry, widened
    raise _deepening(site, before, carry)


def _deepening(site: Site, before: Carry, after: Carry) -> EshkolError:
    """The error of a loop of which a variable, or a place, is another one after each trip."""
    number = _latest_change(before, after)
    name = "a variable" if number is None else _names(site, after)[number]
    spans = _forms_of_change(number, after)
    return StagingError(
        f"{site[0]}: {name} is of another kind after each trip of this loop",
        span=spans[0] if len(spans) == 1 else None,
        hint=_DEEPENING,
    )


def _latest_change(before: Carry, after: Carry) -> int | None:
    """The number of what a trip has changed last: a variable of the loop, or then a place."""
    rows = _row(before.structure), _row(after.structure)
    changed = (
        number for number, (one, other) in enumerate(zip(*rows, strict=True)) if one != other
    )
    return next(changed, None)


def _row(structure: Structure) -> tuple[Structure, ...]:
    """The structures of the loop variables, then of the contents of places."""
    values, contents = structure[2]
    return (*values[2], *contents[2])


def _names(site: Site, carry: Carry) -> list[str]:
    """How messages call the loop variables, then the places."""
    values, _ = carry.structure[2]
    names = [f"the variable {name}" for name in site[1 : 1 + len(values[2])]]
    return [*names, *map(journal.shown, carry.places)]


def _traced(trace: Callable[[Carry], Part], carry: Carry) -> Part:
    """A trip; if it can't take a list that was empty at first, that is the problem."""
    try:
        return trace(carry)
    except EshkolError:
        if carry.problem is None:
            raise
        raise _changing(carry.problem, carry) from None


def _originals(values: Values) -> list[Any]:
    """The containers of a start, in order; None for those that nothing else holds."""
    _, _, containers = flatten_with_containers(values)
    return [
        containers[index]
        if isinstance(containers[index], Vector | HashTable | Record)
        and not journal.is_ours_alone(containers, index, others=1)
        else None
        for index in range(len(containers))
    ]


def _unchanged(values: Values, given: Values, structure: Structure) -> dict[int, Any]:
    """The containers among loop variables that a trip gives back as it was given them."""
    after = structure[2][0][2]
    return {
        index: value
        for index, (value, start, end) in enumerate(zip(values, given, after, strict=False))
        if end[0] == "place" and end[1].present is start
    }


def _original(carry: Carry, values: Values, copy: Any) -> Any:
    """The container of the start that a trip was given as ``copy``."""
    _, _, containers = flatten_with_containers((values, journal.contents(carry.places)))
    pairs = zip(carry.made, containers, strict=False)
    return next((original for made, original in pairs if made is copy), None)


def _refuse_changes_of_carried(site: Site, values: Values, carry: Carry, part: Part) -> None:
    """Refuse a trip that changes a container which a loop variable holds.

    Raises:
        ChangedContainer: it does.
    """
    carried = {id(container) for container in carry.made}
    for place in part.written[len(carry.places) :]:
        if id(place) in carried:
            raise ChangedContainer(
                f"{site[0]}: a trip of this loop changes {journal.shown(place)}, which a variable "
                "of the loop holds",
                hint="let the variable hold the same one in each trip, or bind it outside of the "
                "loop: what a loop\nchanges there need not be carried",
                container=_original(carry, values, place),
            )


def _start(site: Site, values: Values, places: list[Any]) -> Carry:
    leaves, structure = flatten((values, journal.contents(places)), _at_start(places))
    return Carry(_of_arrays(structure), [as_leaf_array(leaf, site[0]) for leaf in leaves], places)


def _at_start(places: list[Any]) -> Callable[[Any], Kept | Made]:
    """What tells what becomes of a place that a loop begins with.

    It stays the one it is. Each trip has its own copy of a promise, but for those that trips force.
    """
    written = {id(place) for place in places}

    def details(place: Any) -> Kept | Made:
        is_copied = place.__class__ is PromiseBox and id(place) not in written
        return MADE if is_copied else Kept(place)

    return details


def _start_with_nothing(site: Site, values: Values, places: list[Any]) -> Carry:
    """The start of a loop in which ``#f`` stands for a value that isn't there yet."""
    leaves, structure = flatten((values, journal.contents(places)), _at_start(places))
    others = [leaf for leaf in leaves if leaf is not False]
    given = iter(leaves)
    known = _without_false(structure, given)
    return Carry(_of_arrays(known), [as_leaf_array(leaf, site[0]) for leaf in others], places)


def _without_false(structure: Structure, leaves: Iterator[Any]) -> Structure:
    """The structure in which leaves that are ``#f`` are none."""
    if structure.__class__ is str:
        return FALSE_STRUCTURE if next(leaves) is False else structure
    children = tuple([_without_false(child, leaves) for child in structure[2]])
    return (structure[0], structure[1], children)


def _of_arrays(structure: Structure) -> Structure:
    """The structure with arrays for numbers."""
    if structure.__class__ is str:
        return TENSOR
    return (structure[0], structure[1], tuple(map(_of_arrays, structure[2])))


def _merge_trip(site: Site, carry: Carry, state: State) -> State:
    """Unify what a trip takes with what it gives."""
    start: list[Any] = []
    for index, leaf in enumerate(carry.leaves):
        start.append(Output(index, tuple(leaf.shape), leaf.dtype))
    given = carry.structure, start
    try:
        return merge(given, state, is_growing=True)
    except Mismatch as mismatch:
        carry.problem = carry.problem or _problem(site, carry, state, mismatch)
    try:
        return merge(given, state, is_growing=True, begins_empty=True)
    except Mismatch:
        raise _changing(carry.problem, carry) from None


def _problem(site: Site, carry: Carry, state: State, mismatch: Mismatch) -> Problem:
    """What is said of a loop whose state is of another kind after a trip, and what helps."""
    number = _changed_variable(carry, state)
    name = "something" if number is None else _names(site, carry)[number]
    return Problem(
        f"{site[0]}: {name} changes from {mismatch.first} to {mismatch.second} in one trip of this "
        "loop",
        _GROWING if _is_of_list(mismatch.second) else _CHANGING,
        number,
    )


def _is_of_list(words: str) -> bool:
    return words.startswith(("a list", "()"))


def _changing(problem: Problem, carry: Carry) -> ChangingVariable:
    """The error at the form that makes the change; at the loop, if there is not one such form."""
    spans = _forms_of_change(problem.number, carry)
    if len(spans) == 1:
        return ChangingVariable(problem.message, span=spans[0], hint=problem.hint)
    forms = " or ".join(map(source_and_line, spans))
    becomes = f"it is changed at {forms}\n" if spans else ""
    return ChangingVariable(problem.message, hint=becomes + problem.hint)


def _forms_of_change(number: int | None, carry: Carry) -> list[Span]:
    """The forms that make a variable, or place, of this number what it is after a trip."""
    if number is None:
        return []
    variables = len(carry.structure[2][0][2])
    if number < variables:
        return forms_of_next(number)
    name = journal.name_of(carry.places[number - variables])
    return forms_of_assignments(name) if name else []


def _changed_variable(carry: Carry, state: State) -> int | None:
    """The number of the loop variable, or then place, whose type does not hold."""
    start = [Output(i, tuple(x.shape), x.dtype) for i, x in enumerate(carry.leaves)]
    rows = (_row(carry.structure), start), (_row(state[0]), state[1])
    return mismatched(*rows, is_growing=True)


def _widened(carry: Carry, structure: Structure, leaves: list[Any]) -> Carry | None:
    """The carry with the dtypes of ``leaves``; None if it has them already."""
    if structure == carry.structure and all(
        leaf.dtype == start.dtype for leaf, start in zip(leaves, carry.leaves, strict=True)
    ):
        return None
    start = put_together(leaves, make_outputs(leaves, "first", carry.leaves))
    arrays = [as_leaf_array(leaf, "a loop variable") for leaf in start]
    return Carry(structure, arrays, carry.places, problem=carry.problem)


def leave(carry: Carry, arrays: Sequence[Any]) -> Values:
    """The loop variables after the loop; the places written get their last contents."""
    values, contents = carry.value(arrays)
    journal.write(carry.places, contents)
    values = tuple([carry.unchanged.get(number, value) for number, value in enumerate(values)])
    carry.doubt(carry.made, list(carry.unchanged.values()))
    return values


def enter(carry: Carry, contents: tuple[Any, ...]) -> None:
    """At the start of a trip the places hold what the trip before left."""
    journal.FRAMES.stack[-1].carried.update(map(id, carry.made))
    for copy, original in zip(carry.made, carry.originals, strict=False):
        if original is not None:
            journal.doubt(original, copy)
    journal.write(carry.places, contents)

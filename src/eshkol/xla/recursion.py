"""Recursion on traced values: what comes back to itself becomes a program with calls.

An ``if`` that is met again inside of its own branches, with an environment of the same structure,
is a procedure that calls itself (:mod:`eshkol.xla.conditions`). Its body is traced once more, the
calls being equations (:mod:`eshkol.xla.recursion_calls`), until the types of its arguments and of
its result hold. What a call leaves as it was is no argument but a constant of the whole run, so
the weights of a model are not put onto the stack. What calls may write, variables and containers,
goes in and comes out with each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax

from eshkol.base.errors import EshkolError, SchemeError, StagingError
from eshkol.datum.values import UNSPECIFIED
from eshkol.primitives.dynamic import Target
from eshkol.runtime.draw_paths import Path
from eshkol.xla import journal, recursion_machine
from eshkol.xla._compat import ClosedJaxpr
from eshkol.xla.alternatives import Unreachable, or_bottom
from eshkol.xla.conditions import (
    CONDITIONS,
    MOST_LEVELS,
    MOST_VISITS,
    Condition,
    CountPlace,
    Following,
)
from eshkol.xla.draws import boxes_of_level
from eshkol.xla.dtypes import BOOL
from eshkol.xla.effects import trip_condition, under
from eshkol.xla.extents import deliver, trace_part
from eshkol.xla.keys import KEY_SOURCE, CalledSource
from eshkol.xla.leaving import with_boxes
from eshkol.xla.merging import BOTTOM_STRUCTURE, Joined, Mismatch, Output, merge
from eshkol.xla.notes import forget, mark, note
from eshkol.xla.parts import Part, make_outputs
from eshkol.xla.recursion_calls import Callee, call
from eshkol.xla.recursion_depth import DEPTH
from eshkol.xla.recursion_parameters import Parameters, type_of
from eshkol.xla.ties import write_all_tied
from eshkol.xla.trees import Structure, unflatten
from eshkol.xla.witness import Witness

Evaluate = Callable[[Condition], Any]
"""Traces both branches of a condition and joins their values."""

MOST_ROUNDS = 24
"""So often a body is traced until its types hold."""


class StackNeeded(BaseException):
    """A condition came back to itself: it is a recursion of the program."""

    def __init__(self, condition: Condition) -> None:
        super().__init__()
        self.condition = condition


class FollowedNeeded(BaseException):
    """A condition whose test is known was met again while its own branches were traced."""

    def __init__(self, site: int) -> None:
        super().__init__()
        self.site = site


class _Again(BaseException):
    """The arguments of a recursive part are of more general types than was thought."""

    def __init__(self, construction: _Construction) -> None:
        super().__init__()
        self.construction = construction


def decide(condition: Condition, evaluate: Evaluate) -> Any:
    """The value of an ``if`` with a traced test.

    Args:
        condition: the test and the branches.
        evaluate: what it means where it is no recursion.
    """
    try:
        return _decide(condition, evaluate)
    finally:
        condition.decided()


def _decide(condition: Condition, evaluate: Evaluate) -> Any:
    for construction in reversed(CONDITIONS.constructions):
        if construction.takes(condition):
            return construction.call(condition)
    if condition.test.__class__ is Witness:
        return _decide_known(condition, evaluate)
    _look_back(condition)
    told = mark()
    try:
        with _entered(condition):
            return evaluate(condition)
    except StackNeeded as need:
        if need.condition is not condition:
            raise
    except EshkolError as error:
        if not condition.is_followed or _earlier(condition):
            raise
        # It may have been followed beyond its end, which is traced: out of a tensor, say.
        forget(told)
        try:
            return _Construction(condition, evaluate).value()
        except EshkolError:
            raise error from None
    forget(told)
    return _Construction(condition, evaluate).value()


@contextmanager
def _entered(condition: Condition) -> Iterator[None]:
    """In this block the branches of a condition are traced."""
    active, site = CONDITIONS.active, condition.site
    active.append(condition)
    try:
        yield
    finally:
        active.pop()
        if all(other.site != site for other in active):
            CONDITIONS.visits.pop(site, None)


@contextmanager
def own_conditions(follows: bool = False) -> Iterator[None]:
    """This block traces a program of its own, which doesn't go back to the conditions outside.

    Args:
        follows: whether it follows every condition that is traced and known.
    """
    saved = dict(vars(CONDITIONS))
    CONDITIONS.__init__()  # type: ignore[misc]
    CONDITIONS.follows = follows
    try:
        yield
    finally:
        vars(CONDITIONS).update(saved)


# ---- recognizing a recursion


def _look_back(condition: Condition) -> None:
    """Raise ``StackNeeded`` if the condition comes back to one that is being traced."""
    earlier = _earlier(condition)
    if not earlier:
        return
    CONDITIONS.returns += 1
    CONDITIONS.visits[condition.site] += 1
    is_long = _is_long(len(earlier), condition.site)
    leaves, structure, _ = condition.environment([])
    # A recursion on exact integers as well was followed until now, from the outermost call on.
    for other in earlier if is_long else reversed(earlier):
        if not other.can_be_called_at(condition):
            continue
        parameters = Parameters.of(other, [])
        goes_on = not is_long and parameters.counts(leaves)
        if goes_on and other.is_followed:
            continue
        if parameters.widened(leaves, structure) is None:
            continue
        if not goes_on:
            raise StackNeeded((_first_followed() if is_long else None) or other)
        other.is_followed = True
    if is_long:
        raise StagingError(
            f"{condition.name}: this condition is traced, and its branches come back to it with "
            "values of ever other structure",
            hint="a recursion on traced values needs arguments that keep their shapes and "
            "structure, and parameters that keep their values; what decides the structure has to "
            "be known while compiling",
        )


def _earlier(condition: Condition) -> list[Condition]:
    """The conditions that are being traced and that this one may come back to, outermost first."""
    same = [other for other in CONDITIONS.active if other.site == condition.site]
    return [other for other in same if other.path == condition.path]


def _first_followed() -> Condition | None:
    """The first condition of the outermost recursion on exact integers that may be a long one."""
    for following in CONDITIONS.followed.values():
        if following.first is not None:
            return following.first
    return None


def _is_long(levels: int, site: int) -> bool:
    return levels > MOST_LEVELS or CONDITIONS.visits[site] > MOST_VISITS


def _decide_known(condition: Condition, evaluate: Evaluate) -> Any:
    """The value of a condition that is traced and known.

    It is followed where its branches can't be unified, and where it decides a recursion.
    """
    site = condition.site
    if CONDITIONS.follows:
        return condition.follow()
    if site in CONDITIONS.followed:
        return _follow_on(condition)
    active = [other for other in CONDITIONS.active if other.site == site]
    if any(other.test.__class__ is Witness for other in active):
        raise FollowedNeeded(site)
    if active:
        # What ends the recursion, or goes on with it, is known here and traced further out.
        return _decide_followed(condition, evaluate)
    told = mark()
    try:
        with _entered(condition):
            return evaluate(condition)
    except FollowedNeeded as needed:
        if needed.site != site:
            raise
    except EshkolError:
        # Branches that don't fit, or one that fails because it is not the one to be taken.
        forget(told)
        return condition.follow()
    forget(told)
    return _decide_followed(condition, evaluate)


def _decide_followed(condition: Condition, evaluate: Evaluate) -> Any:
    """The value of a condition that decides a recursion: followed, unless that gets too long."""
    told = mark()
    try:
        return _followed(condition, Following(condition))
    except StackNeeded as need:
        if need.condition is not condition:
            raise
    forget(told)
    try:
        return _Construction(condition, evaluate).value()
    except EshkolError:
        # What needs the values can't be compiled without them, but it can be followed.
        forget(told)
        return _followed(condition, Following(None))


def _follow_on(condition: Condition) -> Any:
    """Follow a recursion on exact integers one level further, if that is not too far."""
    following = CONDITIONS.followed[condition.site]
    CONDITIONS.visits[condition.site] += 1
    first = following.first
    if first is not None and _is_long(following.level, condition.site):
        parameters = Parameters.of(first, [])
        if (
            first.can_be_called_at(condition)
            and parameters.widened(*condition.environment([])[:2]) is not None
        ):
            raise StackNeeded(first)
        following.first = None
    following.tests.append(condition.test)
    following.level += 1
    try:
        return condition.follow_unused()
    finally:
        following.level -= 1


def _followed(condition: Condition, following: Following) -> Any:
    """Follow a condition; those of its site inside are followed as well."""
    site = condition.site
    CONDITIONS.followed[site] = following
    try:
        value = condition.follow_unused()
    except StackNeeded as need:
        if need.condition is not condition:
            _use(condition, following)
        raise
    except BaseException:
        _use(condition, following)
        raise
    finally:
        del CONDITIONS.followed[site]
        CONDITIONS.visits.pop(site, None)
    _use(condition, following)
    return value


def _use(condition: Condition, following: Following) -> None:
    """What the tests depend on that were followed is part of what is compiled."""
    for test in (condition.test, *following.tests):
        test.item()


# ---- the recursive part


class _Construction:
    """A recursive part of a program while its body is traced.

    Attributes:
        condition: the first call.
        parameters: what calls depend on.
        places: what calls write: the numbers of containers of the environment, and containers
            outside of it.
        with_key: whether calls take the key that ``with-rng`` gives.
        result: structure and leaves of the value, of the contents of ``places`` and of the exits;
            None before anything is known.
        targets: where calls may escape to.
        is_left: whether its body calls a part around it, so that it belongs to that one's program.
    """

    def __init__(self, condition: Condition, evaluate: Evaluate) -> None:
        self.condition = condition
        self.evaluate = evaluate
        self.callee = Callee(condition.name)
        self.parameters = Parameters.of(condition, [])
        self.places: list[Any] = []
        self.with_key = False
        self.result: tuple[Structure, list[Any]] | None = None
        self.targets: list[Target] = []
        self.is_left = False

    @property
    def outside(self) -> list[Any]:
        """The containers that calls write and that are not in the environment."""
        return [place for place in self.places if place.__class__ is not int]

    @property
    def _counts(self) -> list[CountPlace]:
        """The counts of draws that calls write."""
        return [place for place in self.places if place.__class__ is CountPlace]

    # ---- calls from inside

    def takes(self, condition: Condition) -> bool:
        """Whether a condition is a call of this part."""
        first = self.condition
        if first.site != condition.site or first.path != condition.path:
            return False
        if not first.can_be_called_at(condition):
            return False
        if not self.with_key and condition.source is not first.source:
            return self._with_key().widened(*condition.environment([], True)[:2]) is not None
        leaves, structure, _ = self._environment(condition)
        return self.parameters.widened(leaves, structure) is not None

    def _with_key(self) -> Parameters:
        return Parameters.of(self.condition, [], True)

    def _environment(self, condition: Condition) -> tuple[list[Any], Structure, list[Any]]:
        return condition.environment(self.outside, self.with_key)

    def call(self, condition: Condition) -> Any:
        """The value of a call while the body is traced."""
        inner = CONDITIONS.constructions[CONDITIONS.constructions.index(self) + 1 :]
        for construction in inner:
            construction.is_left = True
        if not self.with_key and condition.source is not self.condition.source:
            self.parameters, self.places, self.result = self._with_key(), [], None
            self.with_key = True
            raise _Again(self)
        leaves, structure, containers = self._environment(condition)
        wider = self.parameters.widened(leaves, structure)
        assert wider is not None
        if (wider.structure, wider.types) != (self.parameters.structure, self.parameters.types):
            self.parameters = wider
            raise _Again(self)
        if self.result is None:
            raise Unreachable
        operands = self.parameters.operands(leaves, self.callee.name)
        outputs = call(self.callee, operands, self._result_types())
        return self._delivered(outputs, containers, condition)

    def _result_types(self) -> list[Any]:
        assert self.result is not None
        return [type_of(leaf) for leaf in self.result[1] if isinstance(leaf, Output)]

    def _delivered(
        self, outputs: Sequence[Any], containers: list[Any], condition: Condition
    ) -> Any:
        """The value of a call at a condition; what it writes is written."""
        assert self.result is not None
        structure, described = self.result
        given = iter(outputs)
        leaves = [next(given) if isinstance(leaf, Output) else leaf for leaf in described]
        structure = with_boxes(structure, containers)
        before = journal.FRAMES.ties.copy()
        value, contents, ends = unflatten(structure, leaves)
        places = self._places_in(containers, condition)
        journal.write_checked(places, contents)
        # What it gives is told of its own places already.
        made, journal.FRAMES.ties = journal.FRAMES.ties, before
        write_all_tied(self.callee.name, places, containers)
        journal.FRAMES.ties = made
        return deliver(value, self.targets, ends)

    def _places_in(self, containers: list[Any], condition: Condition) -> list[Any]:
        """The places that a call at a condition writes, whose environment has these containers."""
        places = condition.present(self.places)
        found = [containers[p] if p.__class__ is int else p for p in places]
        written = set(map(id, found))
        if len(written) < len(found) or sum(id(c) in written for c in containers) > sum(
            p.__class__ is int for p in self.places
        ):
            raise StagingError(
                f"{self.callee.name}: a recursion on traced values changes something that it can "
                "reach in two ways",
                hint="pass what is changed once only, or return the new value",
            )
        return found

    # ---- the body

    def value(self) -> Any:
        """The value of the first call."""
        told = mark()
        for _ in range(MOST_ROUNDS):
            forget(told)
            part = self._trace()
            if part is not None and self._settles(part):
                return self._first_call()
        raise StagingError(f"{self.callee.name}: the types of this recursion never settle")

    def _trace(self) -> Part | None:
        """Trace the body; None if its arguments turned out to be more general."""
        self.is_left = False
        made: list[Any] = []
        counts: list[Any] = []
        written: list[Any] = []

        def body(active: Any, *arrays: Any) -> Any:
            self.callee.active = active
            test, then, otherwise, words, contents = unflatten(
                self.parameters.structure, self.parameters.filled(arrays), made, list
            )
            with self._keys_from(words):
                condition = Condition(test, then, otherwise, self.condition.path)
                outside = condition.present(self.outside)
                counts.extend(condition.present(self._counts))
                journal.note_given(made)
                journal.write(outside, contents)
                written.extend(
                    made[p] if p.__class__ is int else p for p in condition.present(self.places)
                )
                with under(trip_condition(lambda: active)), _entered(condition):
                    return or_bottom(self.evaluate)(condition)

        kinds = [jax.ShapeDtypeStruct((), BOOL), *self.parameters.varying]
        CONDITIONS.constructions.append(self)
        try:
            part = trace_part(body, kinds, written, self.targets)
        except _Again as again:
            if again.construction is not self:
                raise
            return None
        finally:
            CONDITIONS.constructions.pop()
        part = part.without_containers()
        numbers: dict[int, Any] = {id(place): number for number, place in enumerate(made)}
        numbers.update(zip(map(id, counts), self._counts, strict=True))
        part.written = [numbers.get(id(place), place) for place in part.written]
        return part

    @contextmanager
    def _keys_from(self, words: Any) -> Iterator[None]:
        """In this block draws take the keys that are made of a call's words, if it has any."""
        outer = KEY_SOURCE.draw
        if self.with_key:
            assert outer is not None
            boxes = [(place.path, place.number) for place in self._counts]
            KEY_SOURCE.draw = CalledSource(
                words, outer.key_kind, boxes, self._count, outer.is_numbering
            )
        try:
            yield
        finally:
            KEY_SOURCE.draw = outer

    def _count(self, path: Path | None, number: int) -> None:
        """Calls count draws with another variable as well."""
        numbers = (number,) if path is None or not number else boxes_of_level(number)
        more = [CountPlace(path, each) for each in numbers]
        self.places, self.result = [*self.places, *more], None
        self._depend_on_places()
        raise _Again(self)

    def _settles(self, part: Part) -> bool:
        """Whether the body gives what its calls were thought to give."""
        if len(part.written) > len(self.places):
            self.places, self.result = part.written, None
            self._depend_on_places()
            return False
        if len(part.targets) > len(self.targets):
            self.targets, self.result = part.targets, None
            return False
        given = part.structure, part.leaves
        try:
            structure, joined = merge(self.result or given, given)
        except Mismatch as mismatch:
            raise StagingError(
                f"{self.callee.name}: this recursion gives {mismatch.first}, and calls itself for "
                f"{mismatch.second}",
                hint="what depends on a traced condition has one kind and shape, whichever way "
                "the program goes",
            ) from None
        outputs = sum(isinstance(leaf, Joined) for leaf in joined)
        numbers = iter(range(outputs))
        leaves = [
            Output(next(numbers), leaf.shape, leaf.dtype) if isinstance(leaf, Joined) else leaf
            for leaf in joined
        ]
        if self.result is not None and _are_same(self.result, (structure, leaves)):
            self.callee.jaxpr = self._body(part, joined)
            return True
        self.result = structure, leaves
        return False

    def _depend_on_places(self) -> None:
        """The contents of the places that are written are arguments too."""
        first = Parameters.of(self.condition, self.outside, self.with_key)
        more = len(first.leaves) - len(self.parameters.leaves)
        self.parameters = Parameters(
            first.structure, first.leaves, (*self.parameters.types, *[None] * more)
        )

    def _body(self, part: Part, joined: list[Any]) -> ClosedJaxpr:
        kinds = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in part.jaxpr.in_avals]
        return jax.make_jaxpr(lambda *arrays: make_outputs(joined, "second", part.run(*arrays)))(
            *kinds
        )

    def _first_call(self) -> Any:
        leaves, _, containers = self._environment(self.condition)
        operands = self.parameters.operands(leaves, self.callee.name)
        assert self.result is not None
        if self.is_left:
            constants = self.callee.body.consts
            outputs = call(self.callee, [*operands, *constants], self._result_types(), True)
            return self._delivered(outputs, containers, self.condition)
        self._check_end()
        outcome = recursion_machine.run(self.callee, operands, DEPTH.value)
        note("stack", name=self.callee.name, depth=outcome.depth)
        if outcome.is_too_deep is not None:
            self._check_depth(outcome)
        return self._delivered(outcome.results, containers, self.condition)

    def _check_end(self) -> None:
        assert self.result is not None
        value = self.result[0][2][0]
        if value == BOTTOM_STRUCTURE and not self.targets and not self.callee.body.effects:
            raise StagingError(
                f"{self.callee.name}: no branch of this condition ends the recursion",
                hint="a recursion needs a case that gives a value without calling itself",
            )

    def _check_depth(self, outcome: recursion_machine.Outcome) -> None:
        def fail() -> None:
            error = SchemeError(
                f"{self.callee.name}: this recursion is deeper than the {outcome.depth} calls that "
                "the compiled program has room for"
            )
            error.hint = (
                "does it end? #:max-depth of jit, or (with-max-depth calls body …), gives it more "
                "room"
            )
            raise error

        self.evaluate(Condition(outcome.is_too_deep, fail, lambda: UNSPECIFIED))


def _are_same(first: tuple[Structure, list[Any]], second: tuple[Structure, list[Any]]) -> bool:
    """Whether two results have the same structure, shapes and dtypes, and share known numbers."""
    if first[0] != second[0] or len(first[1]) != len(second[1]):
        return False
    pairs = zip(first[1], second[1], strict=True)
    return all(
        (a.shape, a.dtype) == (b.shape, b.dtype)
        if isinstance(a, Output) and isinstance(b, Output)
        else a is b or (a.__class__ is b.__class__ and a == b)
        for a, b in pairs
    )

"""Where numbers that are not finite come from: a jaxpr run with a look at every result.

A value that is not finite has an *origin*: the equation that made it of finite numbers, or the
argument that brought it. Each level of a jaxpr is one compiled program that also tells which of
its values are finite; equations with jaxprs inside are entered only where they are to blame, loops
trip by trip, also those of derivatives backwards.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import eval_jaxpr

from eshkol.base import sources
from eshkol.base.spans import Span
from eshkol.xla._compat import (
    ClosedJaxpr,
    Jaxpr,
    Literal,
    detach_constants,
    jaxpr_as_fun,
    scan_counts,
    with_results,
)
from eshkol.xla.equations import Positions, is_backward, is_derived, is_of_rule
from eshkol.xla.loop_course import Course, Loop, doubled, fill, select, tangent_trip
from eshkol.xla.notes import TRIP

Values = list[Any]


@dataclass(frozen=True)
class Trip:
    """A trip of a loop on the way to a form.

    Attributes:
        span: of the loop, if it is known.
        number: counted from 1.
        total: how many the loop makes, if that is known.
    """

    span: Span | None
    number: int
    total: int | None = None


@dataclass
class Origin:
    """What made a number that is not finite.

    Attributes:
        order: smaller if it was earlier.
        span: the form, or the expression of a Python function; None if neither is known.
        operation: the name of the JAX primitive; empty for an argument.
        label: of the argument that brought it; empty for a form.
        phase: the pass: ``forward``, ``backward``, or ``derivative`` of one that goes forward.
        is_nan: whether it made a NaN, rather than an infinity.
        trips: of the loops around, the outermost first.
        nan_span: the form that made a NaN of an infinity, if one did.
        inner_span: the form of a library that the form led to, if it did.
        are_arguments: whether the operands are the arguments of the innermost form, as far as
            that is known, rather than what was made of them.
        values: gives the operands and the results.
    """

    order: int
    span: Span | None
    operation: str
    label: str = ""
    phase: str = "forward"
    is_nan: bool = False
    trips: tuple[Trip, ...] = ()
    nan_span: Span | None = None
    inner_span: Span | None = None
    are_arguments: bool = False
    values: Callable[[], tuple[Values, Values]] = field(default=lambda: ([], []), repr=False)


Origins = list[Origin | None]


@dataclass(frozen=True)
class Place:
    """The way to a level: the form whose equation was entered, the trips, and the pass.

    Attributes:
        span: of the form.
        trips: of the loops around.
        is_derived: whether the level belongs to a derivative.
        is_backward: whether it belongs to the backward pass of one.
        is_of_rule: whether it is a function with a rule of its own, which another rule has called.
        inner_span: of the form, which may be one of a library.
    """

    span: Span | None = None
    trips: tuple[Trip, ...] = ()
    is_derived: bool = False
    is_backward: bool = False
    is_of_rule: bool = False
    inner_span: Span | None = None


def is_bad(value: Any) -> tuple[bool, bool]:
    """Whether an array holds a number that is not finite, and whether one is a NaN."""
    if not jnp.issubdtype(getattr(value, "dtype", np.dtype(bool)), np.inexact):
        return False, False
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        array = array.astype(np.float32)
    return not np.isfinite(array).all(), bool(np.isnan(array).any())


# ---- levels

DROPPED = "_"
"""What a result is called that nothing uses."""


class Level:
    """The equations of a jaxpr as a compiled program that tells which values are finite."""

    def __init__(self, jaxpr: Jaxpr) -> None:
        self.jaxpr = jaxpr
        self.watched = [
            variable
            for equation in jaxpr.eqns
            for variable in equation.outvars
            if str(variable) != DROPPED
            and jnp.issubdtype(getattr(variable.aval, "dtype", np.dtype(bool)), np.inexact)
        ]
        self._observed = jax.jit(self._observe)

    def _values(self, variables: Sequence[Any], arguments: Sequence[Any]) -> Values:
        """The values of some variables, traced."""
        given = [each for each in variables if not isinstance(each, Literal)]
        found = iter(eval_jaxpr(with_results(self.jaxpr, given), (), *arguments))
        return [each.val if isinstance(each, Literal) else next(found) for each in variables]

    def _observe(self, *arguments: Any) -> tuple[Values, Any]:
        results = self.jaxpr.outvars
        values = self._values([*results, *self.watched], arguments)
        flags = [
            jnp.stack([~jnp.isfinite(value).all(), jnp.isnan(value).any()])
            for value in values[len(results) :]
        ]
        return values[: len(results)], jnp.stack(flags) if flags else jnp.zeros((0, 2), bool)

    def run(self, arguments: Sequence[Any]) -> tuple[Values, Any]:
        """The results, and for each watched variable whether it is bad, and whether a NaN."""
        results, flags = self._observed(*arguments)
        return results, np.asarray(flags)

    def fetch(self, arguments: Sequence[Any], variables: Sequence[Any]) -> Values:
        """The values of some variables."""
        found: Values = jax.jit(functools.partial(self._values, variables))(arguments)
        return found


# ---- the search


class Search:
    """Runs a program and finds the origins of its results.

    Args:
        positions: finds the forms of equations.
        unrolled: the loops that were unrolled, by their numbers.
        has_backward_pass: whether the program goes backwards anywhere.
    """

    def __init__(
        self,
        positions: Positions,
        unrolled: Sequence[Span | None] = (),
        has_backward_pass: bool = False,
    ) -> None:
        self.positions = positions
        self.all_positions = Positions(sources.is_source, positions.outermost)
        self.unrolled = unrolled
        self.has_backward_pass = has_backward_pass
        self.count = 0
        self._levels: dict[int, Level] = {}

    def level(self, jaxpr: Jaxpr) -> Level:
        """The level of a jaxpr, compiled once."""
        found = self._levels.get(id(jaxpr))
        if found is None:
            found = self._levels[id(jaxpr)] = Level(jaxpr)
        return found

    def run(
        self, jaxpr: Jaxpr, arguments: Values, origins: Origins, place: Place
    ) -> tuple[Values, Origins]:
        """The results of a jaxpr and the origins of those that are not finite."""
        level = self.level(jaxpr)
        results, flags = level.run(arguments)
        if not flags.any() and not any(origins):
            return results, [None] * len(results)
        return results, _Tracking(self, level, arguments, origins, flags, place).results()

    def closed(
        self, jaxpr: ClosedJaxpr, arguments: Values, origins: Origins, place: Place
    ) -> tuple[Values, Origins]:
        """The same of a closed jaxpr."""
        detached, constants = detach_constants(jaxpr)
        nothing: Origins = [None] * len(constants)
        return self.run(detached.jaxpr, [*constants, *arguments], [*nothing, *origins], place)

    def order(self) -> int:
        """The number of the next event."""
        self.count += 1
        return self.count


class _Tracking:
    """Goes through the equations of a level that was run, and finds origins by the flags."""

    def __init__(
        self,
        search: Search,
        level: Level,
        arguments: Values,
        origins: Origins,
        flags: Any,
        place: Place,
    ) -> None:
        self.search, self.level, self.arguments, self.place = search, level, arguments, place
        pairs = zip(level.jaxpr.invars, arguments, strict=True)
        self.bad = {variable: is_bad(value) for variable, value in pairs}
        self.bad.update(zip(level.watched, map(tuple, flags.tolist()), strict=True))
        self.origins = dict(zip(level.jaxpr.invars, origins, strict=True))

    def results(self) -> Origins:
        for equation in self.level.jaxpr.eqns:
            if any(self._bad(variable)[0] for variable in equation.outvars):
                found = self._origins(equation)
                self.origins.update(zip(equation.outvars, found, strict=True))
        variables = self.level.jaxpr.outvars
        return [
            self._origin(variable) if self._bad(variable)[0] else None for variable in variables
        ]

    def _bad(self, variable: Any) -> tuple[bool, bool]:
        if isinstance(variable, Literal):
            return is_bad(np.asarray(variable.val))
        return self.bad.get(variable, (False, False))

    def _origin(self, variable: Any) -> Origin | None:
        return None if isinstance(variable, Literal) else self.origins.get(variable)

    def _origins(self, equation: Any) -> Origins:
        """The origins of the results of an equation that gives something that is not finite."""
        given = [variable for variable in equation.invars if self._bad(variable)[0]]
        is_nan = any(self._bad(variable)[1] for variable in equation.outvars)
        makes_nan = is_nan and not any(self._bad(variable)[1] for variable in given)
        known = [origin for variable in given if (origin := self._origin(variable))]
        if known:
            origin = min(known, key=lambda origin: origin.order)
            if makes_nan and not origin.is_nan and origin.nan_span is None:
                origin.nan_span = self._shown(equation)
            return [origin] * len(equation.outvars)
        if given and not makes_nan:
            return [None] * len(equation.outvars)  # an infinity that the program wrote down
        enter = _ENTRANCES.get(equation.primitive.name, _entrance_of_call(equation))
        if enter is None:
            return [self._event(equation, is_nan)] * len(equation.outvars)
        operands = self.level.fetch(self.arguments, equation.invars)
        span = self._span(equation)
        inside = Place(
            span,
            self._trips(equation),
            self.place.is_derived or is_derived(equation),
            self.place.is_backward or is_backward(equation),
            equation.primitive.name == "custom_jvp_call" and is_of_rule(equation),
            self.search.all_positions.of_equation(equation),
        )
        found = enter(self.search, equation, operands, inside)
        return found if any(found) else [self._event(equation, is_nan)] * len(found)

    def _span(self, equation: Any) -> Span | None:
        return self.search.positions.of_equation(equation) or self.place.span

    def _shown(self, equation: Any) -> Span | None:
        """The form of an equation, or the expression of a Python function where there is none."""
        return self._span(equation) or self.search.positions.of_python(equation)

    def _trips(self, equation: Any) -> tuple[Trip, ...]:
        """The trips that an equation stands in."""
        names = str(equation.source_info.name_stack)
        unrolled = [
            Trip(self.search.unrolled[int(loop)], int(number) + 1)
            for number, loop in _TRIP.findall(names)
        ]
        return (*self.place.trips, *unrolled)

    def _phase(self, equation: Any) -> str:
        if self.place.is_backward or is_backward(equation):
            return "backward"
        if not (self.place.is_derived or is_derived(equation)):
            return "forward"
        if not (self.place.is_of_rule or is_of_rule(equation)):
            return "forward"
        return "backward" if self.search.has_backward_pass else "derivative"

    def _event(self, equation: Any, is_nan: bool) -> Origin:
        count = len(equation.invars)

        def values() -> tuple[Values, Values]:
            wanted = [*equation.invars, *equation.outvars]
            found = self.level.fetch(self.arguments, wanted)
            return found[:count], found[count:]

        span = self._shown(equation)
        inner = self.search.all_positions.of_equation(equation)
        return Origin(
            self.search.order(),
            span,
            equation.primitive.name,
            inner_span=None if inner == span else inner,
            are_arguments=inner != self.place.inner_span and self._from_outside(equation, inner),
            phase=self._phase(equation),
            is_nan=is_nan,
            trips=self._trips(equation),
            values=values,
        )

    def _from_outside(self, equation: Any, span: Span | None) -> bool:
        """Whether the operands of an equation come from outside of its form."""
        makers = {
            variable: maker
            for maker in self.level.jaxpr.eqns
            for variable in maker.outvars
            if self.search.all_positions.of_equation(maker) == span
        }
        for variable in equation.invars:
            while not isinstance(variable, Literal) and variable in makers:
                maker = makers[variable]
                if maker.primitive.name not in _PASSING:
                    return False
                variable = maker.invars[0]
        return True


_PASSING = frozenset(["convert_element_type", "broadcast_in_dim", "reshape", "squeeze"])
"""Equations that give the same numbers."""

_TRIP = re.compile(TRIP.format(r"(\d+)", r"(\d+)"))


# ---- equations with jaxprs inside

Entrance = Callable[[Search, Any, Values, Place], Origins]


def _nothing(values: Values) -> Origins:
    return [None] * len(values)


def _entrance_of_call(equation: Any) -> Entrance | None:
    """How an equation that only calls a jaxpr is entered."""
    inner = [equation.params[name] for name in _CALLED if name in equation.params]
    if len(inner) != 1 or not isinstance(inner[0], ClosedJaxpr | Jaxpr):
        return None
    jaxpr = inner[0].jaxpr if isinstance(inner[0], ClosedJaxpr) else inner[0]
    if len(jaxpr.invars) != len(equation.invars) or len(jaxpr.outvars) != len(equation.outvars):
        return None

    def enter(search: Search, equation: Any, operands: Values, place: Place) -> Origins:
        if isinstance(inner[0], ClosedJaxpr):
            return search.closed(inner[0], operands, _nothing(operands), place)[1]
        return search.run(jaxpr, operands, _nothing(operands), place)[1]

    return enter


_CALLED = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def _enter_cond(search: Search, equation: Any, operands: Values, place: Place) -> Origins:
    branches = equation.params["branches"]
    index = int(np.clip(int(operands[0]), 0, len(branches) - 1))
    return search.closed(branches[index], operands[1:], _nothing(operands[1:]), place)[1]


def _enter_scan(search: Search, equation: Any, operands: Values, place: Place) -> Origins:
    parameters = equation.params
    constants, carried = scan_counts(equation)
    carried += constants
    carry, origins = operands[constants:carried], _nothing(operands[constants:carried])
    length = parameters["length"]
    stacked: Origins = [None] * (len(equation.outvars) - len(carry))
    for step in range(length):
        index = length - 1 - step if parameters["reverse"] else step
        inside = _trip(place, index + 1, length)
        slices = [array[index] for array in operands[carried:]]
        results, found = search.closed(
            parameters["jaxpr"],
            [*operands[:constants], *carry, *slices],
            [*[None] * constants, *origins, *_nothing(slices)],
            inside,
        )
        carry, origins = results[: len(carry)], found[: len(carry)]
        pairs = zip(stacked, found[len(carry) :], strict=True)
        stacked = [known or origin for known, origin in pairs]
    return [*origins, *stacked]


def _trip(place: Place, number: int, total: int | None = None) -> Place:
    trips = (*place.trips, Trip(place.span, number, total))
    return replace(place, trips=trips)


def _enter_while(search: Search, equation: Any, operands: Values, place: Place) -> Origins:
    parameters = equation.params
    first = parameters["cond_nconsts"]
    second = first + parameters["body_nconsts"]
    return _follow_loop(
        search,
        (parameters["cond_jaxpr"], operands[:first]),
        (parameters["body_jaxpr"], operands[first:second]),
        operands[second:],
        place,
    )


def _enter_loop(search: Search, equation: Any, operands: Values, place: Place) -> Origins:
    run = Loop(**equation.params)
    for_cond, constants, state = run.take(operands)
    test, body = (run.cond_jaxpr, for_cond), (run.body_jaxpr, constants)
    origins = _follow_loop(search, test, body, state, place)
    record = origins if run.results == "record" else []
    return [*origins, *[None] * (run.results != "state"), *record]


def _follow_loop(
    search: Search,
    test: tuple[ClosedJaxpr, Values],
    body: tuple[ClosedJaxpr, Values],
    state: Values,
    place: Place,
) -> Origins:
    """The origins of the state at the end of a loop."""
    goes_on = jax.jit(jaxpr_as_fun(test[0]))
    origins, number = _nothing(state), 0
    while goes_on(*test[1], *state)[0]:
        number += 1
        inside = _trip(place, number)
        given = [*_nothing(body[1]), *origins]
        state, origins = search.closed(body[0], [*body[1], *state], given, inside)
    return origins


def _enter_tangent(search: Search, equation: Any, operands: Values, place: Place) -> Origins:
    course = Course(**equation.params)
    at, tangents = course.take(operands)
    of_constants, moved = course.tangents(tangents)
    state, count, push = at.state, len(at.state), tangent_trip(course)
    origins: Origins = [None] * (count + len(moved))
    total = int(at.trips)
    for number in range(1, total + 1):
        given = [*at.constants, *state, *of_constants, *moved]
        known = [*_nothing(at.constants), *origins[:count], *_nothing(of_constants)]
        inside = _trip(place, number, total)
        results, origins = search.closed(push, given, [*known, *origins[count:]], inside)
        state, moved = results[:count], results[count:]
    return origins[count:]


def _enter_adjoint(search: Search, equation: Any, operands: Values, place: Place) -> Origins:
    course = Course(**equation.params)
    at, cotangents = course.take(operands)
    return _go_back(search, course, at, cotangents, place)


def _go_back(search: Search, course: Course, at: Any, cotangents: Values, place: Place) -> Origins:
    """The origins of what the adjoint of a loop gives, its trips taken from the last one."""
    states = [at.state]
    forward = jax.jit(jaxpr_as_fun(course.body_jaxpr))
    for _ in range(int(at.trips) - 1):
        states.append(forward(*at.constants, *states[-1]))
    types = [jax.ShapeDtypeStruct(np.shape(x), jnp.asarray(x).dtype) for x in cotangents]
    pull = jax.make_jaxpr(_pullback(course))(
        list(course.avals[: course.body_nconsts]), list(course.avals[course.body_nconsts :]), types
    )
    width = sum(course.active_constants)
    sums: Origins = [None] * width
    origins = _nothing(cotangents)
    # A trip is computed once more on the way back: its own equations tell what goes backwards.
    back = replace(place, is_derived=True, is_backward=False)
    for number in range(int(at.trips), 0, -1):
        given = [*at.constants, *states[number - 1], *cotangents]
        known = [*_nothing(given[: len(given) - len(cotangents)]), *origins]
        inside = _trip(back, number, int(at.trips))
        results, found = search.closed(pull, given, known, inside)
        sums = [first or second for first, second in zip(sums, found[:width], strict=True)]
        cotangents, origins = results[width:], found[width:]
    return [*sums, *origins]


def _pullback(course: Course) -> Callable[[Values, Values, Values], Values]:
    """One trip backwards: cotangents of the active constants and of the active state before it."""
    body = jaxpr_as_fun(course.body_jaxpr)

    def pull(constants: Values, state: Values, cotangents: Values) -> Values:
        everything = [*constants, *state]

        def trip(*active: Any) -> Values:
            results = body(*fill(course.active, active, everything))
            return select(results, course.active_state)

        _, back = jax.vjp(trip, *select(everything, course.active))
        return list(back(list(cotangents)))

    return pull


def _enter_curvature(search: Search, equation: Any, operands: Values, place: Place) -> Origins:
    """The derivative of the adjoint is a part of the adjoint of the doubled loop."""
    course = Course(**equation.params)
    at, rest = course.take(operands)
    cotangents, of_constants, of_state, of_cotangents = course.curvature_operands(rest)
    both = type(at)(
        at.for_cond, [*at.constants, *of_constants], [*at.state, *of_state], at.trips, []
    )
    found = _go_back(search, doubled(course), both, [*of_cotangents, *cotangents], place)
    return found[: sum(course.active)]


_ENTRANCES: dict[str, Entrance] = {
    "cond": _enter_cond,
    "scan": _enter_scan,
    "while": _enter_while,
    "loop": _enter_loop,
    "loop_tangent": _enter_tangent,
    "loop_adjoint": _enter_adjoint,
    "loop_curvature": _enter_curvature,
}

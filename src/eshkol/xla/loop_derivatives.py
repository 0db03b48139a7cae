"""The derivatives of a loop, as primitives that are closed under differentiation and ``vmap``.

Let ``L`` be the map from constants ``c`` and state ``s`` to the state at the end of the loop, each
of whose trips is ``f``. Three linear maps are all that derivatives of any order need:

* *loop_tangent* ``T[f](c, s)``: the derivative ``DL`` applied to tangents. It runs the loop of
  ``(f, Df)``.
* *loop_adjoint* ``A[f](c, s)``: its transpose ``DL*`` applied to cotangents. It goes through the
  trips backwards (``loop_checkpoints``).
* *loop_curvature* ``S[f](c, s, λ)``: the derivative of ``A[f](c, s) λ`` in the directions
  ``(c', s', λ')``.

Write ``f2 = (f, Df)`` for the trip on the state and a tangent. A derivative of ``T[f]`` is a part
of ``T[f2]``, and ``S[f]`` is a part of ``A[f2]`` with the cotangents ``(λ', λ)``, so the derivative
of ``S[f]`` is a part of ``S[f2]``. Transposes stay within the three as well: ``T* = A``,
``A* = T``, and ``S* w = (S w, T w)``, since a second derivative is symmetric. So the schedule of
checkpoints is written once, never differentiated, and a derivative of order ``k`` keeps as many
states as one of order 1, each at most ``2**(k - 1)`` times as wide.

The operands of all three begin with those of the loop and the number of its trips. Their rules
are in ``loop_derivative_rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from jax import lax
from jax.interpreters import mlir

from eshkol.base.errors import StagingError
from eshkol.xla import loop_checkpoints, loop_shelves
from eshkol.xla._compat import Primitive, apply_primitive, jaxpr_as_fun, own_primitive
from eshkol.xla.dtypes import in_wide, wide
from eshkol.xla.loop_backward import Backward, Carry
from eshkol.xla.loop_course import (
    Course,
    Trajectory,
    Values,
    doubled,
    select,
    tangent_trip,
)

# ---- how they run


def _run_tangent(*operands: Any, **parameters: Any) -> Values:
    course = Course(**parameters)
    at, tangents = course.take(operands)
    of_constants, of_state = course.tangents(tangents)
    test, push = jaxpr_as_fun(course.cond_jaxpr), jaxpr_as_fun(tangent_trip(course))
    count = len(at.state)

    def trip(carry: Any) -> Any:
        state, tangents = carry
        after = push(*at.constants, *state, *of_constants, *tangents)
        return after[:count], after[count:]

    # The number of trips is of no use here, so that what counted them can be left out.
    return lax.while_loop(
        lambda carry: test(*at.for_cond, *carry[0])[0], trip, (at.state, of_state)
    )[1]


def _run_adjoint(*operands: Any, **parameters: Any) -> Values:
    """Go back through the trips as the loop asks for."""
    course = Course(**parameters)
    at, cotangents = course.take(operands)
    back = Backward(course, at)
    start = back.start(cotangents)

    def with_few(carry: Carry) -> Carry:
        is_free = not isinstance(course.checkpoint, int)
        slots = None if is_free else int(course.checkpoint)
        most = course.max_trips
        return loop_checkpoints.reverse_through(back, at.state, at.trips, carry, slots, most)

    def with_all(carry: Carry) -> Carry:
        if back.changes is not None and not at.record:
            room = _room(course)
            return loop_checkpoints.reverse_noted(back, at.state, at.trips, carry, room)
        record = at.record or _record(course, at, back)
        return loop_checkpoints.reverse_recorded(back, record, at.trips, carry)

    if course.checkpoint == "all":
        room = _room(course)
        of_constants, of_state = lax.cond(at.trips <= room, with_all, with_few, start)
    else:
        of_constants, of_state = with_few(start)
    return [*of_constants, *of_state]


def _room(course: Course) -> int:
    """For how many trips all states can be kept."""
    if course.max_trips is None:
        raise StagingError(
            "loop: to keep all states of a compiled loop takes a bound on its trips",
            hint="give the bound, as in #:max-trips 1000, or leave out #:checkpoint 'all",
        )
    return course.max_trips


def _record(course: Course, at: Trajectory, back: Backward) -> Values:
    """The states before all trips."""
    shelf = loop_shelves.new_shelf(at.state, _room(course))
    return list(loop_checkpoints.record_states(back.advance, shelf, at.state, at.trips))


def run_curvature(*operands: Any, **parameters: Any) -> Values:
    """The derivative of the adjoint, as a part of the adjoint of the doubled loop."""
    course = Course(**parameters)
    at, rest = course.take(operands)
    cotangents, of_constants, of_state, of_cotangents = course.curvature_operands(rest)
    larger = doubled(course)
    constants, state = [*at.constants, *of_constants], [*at.state, *of_state]
    both = replace(at, constants=constants, state=state)
    found = adjoint_p.bind(*both.operands, *of_cotangents, *cotangents, **larger.parameters)
    return found[: sum(course.active)]


# ---- declaring them


def _primitive(name: str, run: Callable[..., Values]) -> Primitive:
    primitive = own_primitive(name)

    def execute(*operands: Any, **parameters: Any) -> Values:
        course = Course(**parameters)
        if course.checkpoint == "all" and course.max_trips is None:
            # Outside of compiled code the number of trips is known by now.
            trips = int(course.take(operands)[0].trips)
            parameters["max_trips"] = 1 << max(trips - 1, 1).bit_length()
        return apply_primitive(primitive, *operands, **parameters)

    def lowered(*operands: Any, **parameters: Any) -> Values:
        with wide():
            return run(*operands, **parameters)

    primitive.def_impl(execute)
    mlir.register_lowering(primitive, in_wide(mlir.lower_fun(lowered, multiple_results=True)))
    return primitive


tangent_p = _primitive("loop_tangent", _run_tangent)
adjoint_p = _primitive("loop_adjoint", _run_adjoint)
curvature_p = _primitive("loop_curvature", run_curvature)


def _strong(avals: Sequence[Any]) -> Values:
    return [aval.update(weak_type=False) for aval in avals]


@tangent_p.def_abstract_eval
def _tangent_types(*_: Any, **parameters: Any) -> Values:
    course = Course(**parameters)
    return _strong(select(course.avals[course.body_nconsts :], course.active_state))


@adjoint_p.def_abstract_eval
@curvature_p.def_abstract_eval
def _adjoint_types(*_: Any, **parameters: Any) -> Values:
    course = Course(**parameters)
    return _strong(select(course.avals, course.active))

"""How the derivatives of a loop are differentiated, transposed, and run in lanes.

``loop_derivatives`` says why each of the rules holds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import ad, batching

from eshkol.xla import loop_checkpoints
from eshkol.xla._compat import Primitive
from eshkol.xla.dtypes import wide
from eshkol.xla.loop_course import (
    Course,
    Trajectory,
    Values,
    active_pattern,
    doubled,
    fill,
    select,
)
from eshkol.xla.loop_derivatives import adjoint_p, curvature_p, run_curvature, tangent_p
from eshkol.xla.loop_lanes import over_lanes, place_lanes

# ---- derivatives of derivatives


def is_nonzero(primal: Any, tangent: Any) -> bool:
    """Whether there is anything to differentiate by an operand with this tangent."""
    return not isinstance(tangent, ad.Zero) and jnp.issubdtype(
        jax.typeof(primal).dtype, jnp.inexact
    )


def _instantiate(tangents: Sequence[Any]) -> Values:
    return [ad.instantiate_zeros(tangent) for tangent in tangents]


def no_tangents(values: Sequence[Any]) -> Values:
    """Symbolic zeros, the tangents of what does not move."""
    return [ad.Zero(jax.typeof(value).to_tangent_aval()) for value in values]


def _moving(course: Course, primals: Sequence[Any], tangents: Sequence[Any]) -> list[bool]:
    """Which constants of the body and parts of the state have tangents."""
    point = slice(course.cond_nconsts, course.cond_nconsts + len(course.active))
    return list(map(is_nonzero, primals[point], tangents[point]))


def _linear_part(
    primitive: Primitive,
    results: Values,
    primals: Sequence[Any],
    tangents: Sequence[Any],
    start: int,
    **parameters: Any,
) -> Values:
    """The tangents of the results where only operands from ``start`` on have any."""
    moved = tangents[start:]
    if all(isinstance(tangent, ad.Zero) for tangent in moved):
        return no_tangents(results)
    return primitive.bind(*primals[:start], *_instantiate(moved), **parameters)


def _jvp_of_tangent(
    primals: Sequence[Any], tangents: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    with wide():
        course = Course(**parameters)
        results = tangent_p.bind(*primals, **parameters)
        moving = _moving(course, primals, tangents)
        if not any(moving):
            return results, _linear_part(
                tangent_p, results, primals, tangents, course.shared, **parameters
            )
        at, pushed = course.take(primals)
        moved, moved_tangents = course.take(tangents)
        of_constants, of_state = course.tangents(pushed)
        second_of_constants, second_of_state = course.tangents(moved_tangents)
        both = replace(
            at,
            constants=[*at.constants, *of_constants],
            state=[*at.state, *of_state],
            record=[],
        )
        directions = [*moved.constants, *second_of_constants, *moved.state, *second_of_state]
        larger = doubled(course)
        start = map(is_nonzero, [*both.constants, *both.state], directions)
        active = active_pattern(larger.body_jaxpr, larger.body_nconsts, list(start))
        larger = replace(larger, active=active)
        given = _instantiate(select(directions, active))
        found = tangent_p.bind(*both.operands, *given, **larger.parameters)
        everywhere = fill(larger.active_state, found, no_tangents(both.state))
        return results, everywhere[len(at.state) :]


def _jvp_of_adjoint(
    primals: Sequence[Any], tangents: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    with wide():
        course = Course(**parameters)
        results = adjoint_p.bind(*primals, **parameters)
        moving = _moving(course, primals, tangents)
        if not any(moving):
            return results, _linear_part(
                adjoint_p, results, primals, tangents, course.shared, **parameters
            )
        at, cotangents = course.take(primals)
        moved, of_cotangents = course.take(tangents)
        either = [a or b for a, b in zip(course.active, moving, strict=True)]
        active = active_pattern(course.body_jaxpr, course.body_nconsts, either)
        larger = replace(course.unrecorded(), active=active)
        directions = _instantiate(select([*moved.constants, *moved.state], active))
        none = no_tangents(at.state)
        filled = [
            _instantiate(select(fill(course.active_state, values, none), larger.active_state))
            for values in (cotangents, of_cotangents)
        ]
        found = curvature_p.bind(
            *at.unrecorded().operands, *filled[0], *directions, *filled[1], **larger.parameters
        )
        return results, select(found, select(course.active, active))


def _jvp_of_curvature(
    primals: Sequence[Any], tangents: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    with wide():
        course = Course(**parameters)
        results = curvature_p.bind(*primals, **parameters)
        fixed = course.shared + sum(course.active_state)
        moving = list(map(is_nonzero, primals, tangents))
        if not any(moving[:fixed]):
            return results, _linear_part(
                curvature_p, results, primals, tangents, fixed, **parameters
            )

        def run(*values: Any) -> Values:
            return run_curvature(*fill(moving, values, primals), **parameters)

        given, directions = select(primals, moving), select(tangents, moving)
        return results, jax.jvp(run, given, directions)[1]


ad.primitive_jvps[tangent_p] = _jvp_of_tangent
ad.primitive_jvps[adjoint_p] = _jvp_of_adjoint
ad.primitive_jvps[curvature_p] = _jvp_of_curvature


# ---- transposes


def _to_linear(operands: Sequence[Any], start: int, found: Sequence[Any]) -> Values:
    """Cotangents for all operands, of which those from ``start`` on may be linear."""
    linear = [
        cotangent if ad.is_undefined_primal(operand) else None
        for operand, cotangent in zip(operands[start:], found, strict=True)
    ]
    return [None] * start + linear


def _transpose_tangent(cotangents: Sequence[Any], *operands: Any, **parameters: Any) -> Values:
    with wide():
        start = Course(**parameters).shared
        found = adjoint_p.bind(*operands[:start], *_instantiate(cotangents), **parameters)
        return _to_linear(operands, start, found)


def _transpose_adjoint(cotangents: Sequence[Any], *operands: Any, **parameters: Any) -> Values:
    with wide():
        start = Course(**parameters).shared
        found = tangent_p.bind(*operands[:start], *_instantiate(cotangents), **parameters)
        return _to_linear(operands, start, found)


def _transpose_curvature(cotangents: Sequence[Any], *operands: Any, **parameters: Any) -> Values:
    with wide():
        course = Course(**parameters)
        start = course.shared + sum(course.active_state)
        given = _instantiate(cotangents)
        none = loop_checkpoints.zeros_like(operands[course.shared : start])
        to_point = curvature_p.bind(*operands[:start], *given, *none, **parameters)
        to_cotangents = tangent_p.bind(*operands[: course.shared], *given, **parameters)
        return _to_linear(operands, start, [*to_point, *to_cotangents])


ad.primitive_transposes[tangent_p] = _transpose_tangent
ad.primitive_transposes[adjoint_p] = _transpose_adjoint
ad.primitive_transposes[curvature_p] = _transpose_curvature


# ---- lanes


def _batch(
    primitive: Primitive, axis: Any, operands: Sequence[Any], dims: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    """A derivative in lanes is the derivative of the loop in lanes.

    Each lane has its own cotangents, so whatever these belong to differs between lanes; tangents
    that all lanes share stay shared.
    """
    if all(dim is None for dim in dims):
        results = primitive.bind(*operands, **parameters)
        return results, [None] * len(results)
    with wide():
        course = Course(**parameters)
        at, rest = course.take(operands)
        at_dims, rest_dims = course.take(dims)
        own = rest_dims if primitive is tangent_p else [0] * sum(course.active)
        point_dims = [*at_dims.constants, *at_dims.state]
        linear = fill(course.active, own, [None] * len(point_dims))
        differs = [a is not None or b is not None for a, b in zip(point_dims, linear, strict=True)]
        split_at = course.body_nconsts
        mapped = ([d is not None for d in at_dims.for_cond], differs[:split_at], differs[split_at:])
        lanes = over_lanes(
            course.cond_jaxpr, course.body_jaxpr, axis, mapped, guards=True, idles=course.idles
        )

        def place(values: Values, dims: Values, wanted: Sequence[bool], at: int = 0) -> Values:
            triples = zip(values, dims, wanted, strict=True)
            return [place_lanes(x, dim, flag, axis.size, at) for x, dim, flag in triples]

        for_cond = place(at.for_cond, at_dims.for_cond, mapped[0])
        constants = place(at.constants, at_dims.constants, mapped[1])
        trips = at.trips if at_dims.trips is None else jnp.max(at.trips)
        placed = Trajectory(
            for_cond,
            [*for_cond, *constants] if lanes.masks else constants,
            place(at.state, at_dims.state, lanes.state),
            trips,
            place(at.record, at_dims.record, lanes.state, at=1) if at.record else [],
        )
        masks = len(for_cond) if lanes.masks else 0
        larger = replace(
            course,
            cond_jaxpr=lanes.cond,
            body_jaxpr=lanes.body,
            body_nconsts=masks + course.body_nconsts,
            active=(False,) * masks + course.active,
        )
        state = select(lanes.state, course.active_state)
        point = [*select(mapped[1], course.active_constants), *state]
        wanted = {tangent_p: point, adjoint_p: state, curvature_p: [*state, *point, *state]}
        given = place(rest, rest_dims, wanted[primitive])
        results = primitive.bind(*placed.operands, *given, **larger.parameters)
        differing = state if primitive is tangent_p else point
        return results, [0 if flag else None for flag in differing]


for _derivative in (tangent_p, adjoint_p, curvature_p):
    batching.fancy_primitive_batchers[_derivative] = functools.partial(_batch, _derivative)

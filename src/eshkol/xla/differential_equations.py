"""``odeint`` on tensors and in compiled code.

The steps are found by a loop that is not differentiated. Derivatives are those of making the same
steps again: a loop of known steps, without those that were rejected, which could have computed
what is not a number. So every mode and order of differentiation works, and costs what the steps
cost.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero

from eshkol.base.errors import StagingError
from eshkol.datum.values import Vector
from eshkol.primitives import differential_equations as declared
from eshkol.primitives.runge_kutta import (
    CHECKS,
    FIRST_PART,
    INTEGRAL,
    LEAST_GROWTH,
    MOST_GROWTH,
    NODES,
    PROPORTIONAL,
    SAFETY,
    SMALLEST_ERROR,
    SMALLEST_STEP,
    STAGES,
    WEIGHTS,
)
from eshkol.runtime.dialects import staged
from eshkol.xla._compat import ClosedJaxpr, detach_constants, jaxpr_as_fun
from eshkol.xla.arguments import static_int
from eshkol.xla.checks import refuse
from eshkol.xla.control import staging
from eshkol.xla.directions import shown, split
from eshkol.xla.dtypes import FLOAT64, in_wide, wide
from eshkol.xla.effects import failures
from eshkol.xla.extents import refuse_exit, trace_part
from eshkol.xla.host_calls import HostFunction
from eshkol.xla.loop_primitive import loop
from eshkol.xla.minimization import join
from eshkol.xla.own_programs import in_program
from eshkol.xla.tensors import as_tensor, cast
from eshkol.xla.transforms import Point, inexact_array, rationals_as_leaves
from eshkol.xla.trees import flatten, unflatten
from eshkol.xla.witness import tracer_of

WHO = declared.WHO

Field = Callable[[Any, Any], Any]


def odeint(function: Any, start: Any, times: Any, tolerance: Any, most: int) -> Any:
    """The states at the times."""
    return in_program(_odeint, function, start, times, tolerance, most)


def _odeint(function: Any, start: Any, times: Any, tolerance: Any, most: Any) -> Any:
    with wide(), failures():
        point = Point(WHO, start)
        arrays = point.arrays()
        y = join(arrays)
        moments = _moments(times)
        jaxpr, constants = _field(function, point, arrays, y)
        limit = _limit(tolerance, y)
        count = max(1, static_int(most, WHO, "#:max-steps"))
        # One program also where JAX maps or differentiates eager code, operation by operation.
        solve = jax.jit(functools.partial(_solve, Problem(jaxpr, count)))
        found = Found(*solve(y, moments, limit, *constants))
        fixed = [lax.stop_gradient(x) for x in (moments[-1], found.tried, found.time)]
        refuse(jnp.logical_not(found.is_done), HostFunction("end not reached"), *fixed)
        return _shown(point, arrays, found.states)


def _moments(times: Any) -> Any:
    """The times as a tensor of doubles."""
    if hasattr(times, "dtype"):
        return cast(jnp.asarray(times), FLOAT64)
    return jnp.stack([cast(as_tensor(tracer_of(t), WHO), FLOAT64) for t in times])


def _limit(tolerance: Any, y: Any) -> Any:
    if tolerance is None:
        precision = float(jnp.finfo(y.dtype).eps)
        return jnp.asarray(declared.default_tolerance(precision), FLOAT64)
    return cast(as_tensor(tolerance, "tolerance"), FLOAT64)


def _field(function: Any, point: Point, arrays: list[Any], y: Any) -> tuple[ClosedJaxpr, list[Any]]:
    """The velocity as a jaxpr of what the procedure captured, the state and the time."""
    body = declared.with_time(function, staged(function))

    def velocity(y: Any, t: Any) -> Any:
        value = staging(body, point.rebuilt(split(y, arrays)), t)
        leaves, _ = rationals_as_leaves(*flatten(value))
        found = join([inexact_array(leaf) for leaf in leaves]) if leaves else jnp.zeros(0)
        if found.size != y.size:
            raise declared.velocity_count(found.size, y.size)
        return cast(found, y.dtype)

    shapes = [jax.ShapeDtypeStruct(y.shape, y.dtype), jax.ShapeDtypeStruct((), FLOAT64)]
    part = trace_part(velocity, shapes)
    if part.targets:
        refuse_exit()
    if part.written:
        raise StagingError(
            f"{WHO}: the procedure changes what was made outside of it, or draws random numbers",
            hint="how often it is called is not known: let it compute its value alone",
        )
    return detach_constants(part.jaxpr)


def _shown(point: Point, arrays: list[Any], states: Any) -> Any:
    """The states of a number or tensor as one tensor, others as a vector of structures."""
    kind = point.structure
    if kind.__class__ is str:
        return cast(states, arrays[0].dtype).reshape(len(states), *arrays[0].shape)
    found = []
    for state in states:
        leaves = list(point.leaves)
        for index, array in zip(point.indices, split(state, arrays), strict=True):
            leaves[index] = shown(array)
        found.append(unflatten(kind, leaves))
    return Vector(found)


# ---- the steps


class Problem(NamedTuple):
    """What is known while a program is compiled.

    Attributes:
        jaxpr: the velocity, of constants, state and time.
        most: so many steps are made at most.
    """

    jaxpr: ClosedJaxpr
    most: int

    def field(self, constants: Sequence[Any]) -> Field:
        """The velocity as a function of state and time."""
        return lambda y, t: jaxpr_as_fun(self.jaxpr)(*constants, y, t)[0]


class Found(NamedTuple):
    """What the search for steps gives.

    Attributes:
        states: at the times.
        sizes: the steps that were made, with their signs.
        ends: after how many steps each time but the first was reached.
        tried: how many steps were tried.
        time: how far it got.
        is_done: whether to the last time.
    """

    states: Any
    sizes: Any
    ends: Any
    tried: Any
    time: Any
    is_done: Any


class Walk(NamedTuple):
    """The state of the search."""

    y: Any
    t: Any
    velocity: Any
    size: Any
    before: Any
    sizes: Any
    made: Any
    tried: Any
    is_there: Any
    is_lost: Any


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _solve(problem: Problem, y: Any, times: Any, tolerance: Any, *constants: Any) -> Any:
    field = problem.field(constants)
    velocity = field(y, times[0])
    state, speed = _scaled(y, [y], tolerance), _scaled(velocity, [y], tolerance)
    is_known = (state > 1e-5) & (speed > 1e-5)
    size = jnp.where(is_known, FIRST_PART * state / jnp.where(is_known, speed, 1), 1e-6)
    no, zero = jnp.asarray(False), jnp.int32(0)
    sizes = jnp.zeros(problem.most, FLOAT64)
    first = Walk(y, times[0], velocity, size, jnp.ones((), FLOAT64), sizes, zero, zero, no, no)

    def to(walk: Walk, target: Any) -> tuple[Walk, tuple[Any, Any]]:
        walk = _searched(field, walk._replace(is_there=walk.is_lost), target, tolerance, problem)
        return walk, (walk.y, walk.made)

    last, (states, ends) = lax.scan(to, first, times[1:])
    states = jnp.concatenate([y[None], states])
    return tuple(Found(states, last.sizes, ends, last.tried, last.t, jnp.logical_not(last.is_lost)))


def _searched(field: Field, walk: Walk, target: Any, tolerance: Any, problem: Problem) -> Walk:
    """The walk to the next time; ``is_lost`` if it does not get there."""
    way = abs(target - walk.t)

    def trip(walk: Walk) -> Walk:
        rest = target - walk.t
        is_last = walk.size >= abs(rest)
        step = jnp.where(is_last, rest, jnp.copysign(walk.size, rest))
        moved, after, error = _tried(field, walk, step, tolerance)
        is_good = error <= 1
        grown = abs(step) * _growth(error, walk.before, is_good)
        size = jnp.where(is_last & is_good, jnp.maximum(walk.size, grown), grown)
        t = jnp.where(is_good, jnp.where(is_last, target, walk.t + step), walk.t)
        least = SMALLEST_STEP * jnp.maximum(abs(t), way)
        is_there, tried = is_good & is_last, walk.tried + 1
        is_stuck = (tried >= problem.most) | jnp.logical_not(size > least)
        return Walk(
            jnp.where(is_good, moved, walk.y),
            t,
            jnp.where(is_good, after, walk.velocity),
            size,
            jnp.where(is_good, jnp.maximum(error, SMALLEST_ERROR), walk.before),
            jnp.where(is_good, walk.sizes.at[walk.made].set(step), walk.sizes),
            walk.made + is_good,
            tried,
            is_there,
            walk.is_lost | (is_stuck & jnp.logical_not(is_there)),
        )

    return lax.while_loop(lambda walk: ~(walk.is_there | walk.is_lost), trip, walk)


def _tried(field: Field, walk: Walk, step: Any, tolerance: Any) -> tuple[Any, Any, Any]:
    """The state after a step, the velocity there, and the error as a part of the tolerance."""
    moved, slopes = _step(field, walk.y, walk.t, step, walk.velocity)
    after = field(moved, walk.t + step)
    errors = step.astype(moved.dtype) * _weighed(CHECKS, [*slopes, after])
    return moved, after, _scaled(errors, [walk.y, moved], tolerance)


def _step(field: Field, y: Any, t: Any, step: Any, velocity: Any) -> tuple[Any, list[Any]]:
    """The state after a step, and its stages."""
    slopes = [velocity]
    length = step.astype(y.dtype)
    for node, weights in zip(NODES[1:], STAGES[1:], strict=True):
        slopes.append(field(y + length * _weighed(weights, slopes), t + node * step))
    return y + length * _weighed(WEIGHTS, slopes), slopes


def _weighed(weights: Sequence[float], slopes: Sequence[Any]) -> Any:
    terms = [weight * slope for weight, slope in zip(weights, slopes, strict=True) if weight]
    return functools.reduce(jnp.add, terms)


def _growth(error: Any, before: Any, is_good: Any) -> Any:
    factor = SAFETY * jnp.maximum(error, SMALLEST_ERROR) ** -PROPORTIONAL * before**INTEGRAL
    factor = jnp.clip(factor, LEAST_GROWTH, jnp.where(is_good, MOST_GROWTH, 1.0))
    return jnp.where(error < jnp.inf, factor, LEAST_GROWTH)


def _scaled(row: Any, states: Sequence[Any], tolerance: Any) -> Any:
    """The root of the mean square of numbers, each measured by what is allowed for it."""
    size = functools.reduce(jnp.maximum, [abs(state) for state in states])
    part = abs(row).astype(FLOAT64) / (tolerance * (1 + size))
    mean = jnp.sqrt(jnp.sum(part * part) / max(part.size, 1))
    return jnp.where(jnp.isnan(mean), jnp.inf, mean)


# ---- derivatives


def _again(problem: Problem, found: Found, y: Any, times: Any, constants: Sequence[Any]) -> Any:
    """The states at the times, by the steps that were found; this is differentiated."""
    field = problem.field(constants)
    sizes = lax.stop_gradient(found.sizes)

    def to(carry: Any, ahead: Any) -> Any:
        target, begin, end = ahead

        def trip(walk: Any) -> Any:
            y, t, made = walk
            is_last = made == end - 1
            step = jnp.where(is_last, target - t, sizes[made])
            y, _ = _step(field, y, t, step, field(y, t))
            return y, jnp.where(is_last, target, t + step), made + 1

        y, t, _ = loop(lambda walk: walk[2] < end, trip, (*carry, begin))
        return (y, t), y

    begins = jnp.concatenate([jnp.zeros_like(found.ends[:1]), found.ends[:-1]])
    _, states = lax.scan(to, (y, times[0]), (times[1:], begins, found.ends))
    return jnp.concatenate([y[None], states])


@in_wide
def _solve_jvp(problem: Problem, primals: Any, tangents: Any) -> tuple[Any, Any]:
    found = Found(*_solve(problem, *primals))
    y, times, _, *constants = primals
    given = [tangents[0], tangents[1], *tangents[3:]]
    inputs = [y, times, *constants]
    moving = [
        not isinstance(tangent, SymbolicZero) and jnp.issubdtype(x.dtype, jnp.inexact)
        for x, tangent in zip(inputs, given, strict=True)
    ]

    def run(*moved: Any) -> Any:
        own = iter(moved)
        whole = [next(own) if flag else x for x, flag in zip(inputs, moving, strict=True)]
        return _again(problem, found, whole[0], whole[1], whole[2:])

    none = [_no_tangent(x) for x in found[1:]]
    if not any(moving):
        return tuple(found), (jnp.zeros_like(found.states), *none)
    at = [x for x, flag in zip(inputs, moving, strict=True) if flag]
    along = [x for x, flag in zip(given, moving, strict=True) if flag]
    _, moved = jax.jvp(run, tuple(at), tuple(along))
    return tuple(found), (moved, *none)


def _no_tangent(x: Any) -> Any:
    if jnp.issubdtype(x.dtype, jnp.inexact):
        return jnp.zeros_like(x)
    return np.zeros(x.shape, jax.dtypes.float0)


_solve.defjvp(_solve_jvp, symbolic_zeros=True)

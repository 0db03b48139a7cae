"""``integral``: adaptive quadrature that has every derivative, forwards and backwards.

Its tangent is the integral of a tangent, plus what the moving ends add (Leibniz), and is found by
quadrature of its own, adapted to it. That of a linear function can be transposed: it is the
integral of the transposed function, so the primitive is closed under differentiation and
transposition. Under ``vmap`` all lanes are cut alike, as long as one of them needs it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.interpreters import ad, batching, mlir

from eshkol.primitives.quadrature import CHECKS, NODES, SHARPNESS, WEIGHTS
from eshkol.xla._compat import (
    ClosedJaxpr,
    apply_primitive,
    control_flow_allowed_effects,
    jaxpr_as_fun,
    own_primitive,
)
from eshkol.xla.dtypes import wide
from eshkol.xla.loop_course import Values, fill, select
from eshkol.xla.loop_derivative_rules import is_nonzero, no_tangents
from eshkol.xla.watching import Report, watched

MOST_KEPT = 2**20
"""So many numbers are kept of the intervals; more are computed again for the sum."""


@dataclass(frozen=True)
class Integration:
    """The parameters of *integral*.

    Its operands are both ends, the tolerance, whether it is wanted, the constants of the function,
    and those in which it is linear. Its results are the integrals and their error if it is too
    large, else zero.

    Attributes:
        jaxpr: of constants, linear operands and a number; gives what is integrated.
        linear: how many operands it is linear in.
        most: into how many intervals it is cut.
        report: what tells that the error of a derivative is too large.
        lanes: the first axes of all results, whose elements have errors of their own.
    """

    jaxpr: ClosedJaxpr
    linear: int
    most: int
    report: Report
    lanes: tuple[int, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """What the primitive is bound with."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


integral_p = own_primitive("integral")


def integral(
    jaxpr: ClosedJaxpr,
    low: Any,
    high: Any,
    tolerance: Any,
    operands: Sequence[Any],
    most: int,
    wanted: Any,
    report: Report,
) -> tuple[Values, Any]:
    """The integrals of what a jaxpr gives, and their error if it is too large, else zero.

    Args:
        jaxpr: of the operands and a number.
        low, high: the ends, of the dtype of that number.
        tolerance: of the error, as a part of the integral of the absolute value.
        operands: what it captured.
        most: into how many intervals it may be cut.
        wanted: whether its value is; it may stand in a lane that leaves it out.
        report: is called, when the program runs, with the error of a derivative that is too large.
    """
    run = Integration(jaxpr, 0, most, report)
    given = (low, high, tolerance, wanted, *operands)
    *values, error = integral_p.bind(*given, **run.parameters)
    return values, error


@integral_p.def_effectful_abstract_eval
def _types(low: Any, *_: Any, **parameters: Any) -> tuple[Values, Any]:
    run = Integration(**parameters)
    jaxpr = run.jaxpr
    if unknown := control_flow_allowed_effects.filter_not_in(jaxpr.effects):
        raise NotImplementedError(f"integral: these effects can't happen here: {unknown}")
    types = [aval.update(weak_type=False) for aval in jaxpr.out_avals]
    return [*types, low.update(shape=run.lanes, weak_type=False)], frozenset(jaxpr.effects)


# ---- how it is computed


def _run(
    low: Any, high: Any, tolerance: Any, wanted: Any, *operands: Any, **parameters: Any
) -> Values:
    run = Integration(**parameters)
    with wide():
        function = jaxpr_as_fun(run.jaxpr)

        def measure(low: Any, high: Any) -> tuple[Values, Any, Any]:
            return _measured(lambda x: function(*operands, x), low, high, len(run.lanes))

        size = sum(aval.size for aval in run.jaxpr.out_avals)
        is_kept = size * run.most <= MOST_KEPT
        panels = _cut(measure, low, high, tolerance, run.most, is_kept)
        if is_kept:
            values = [kept.sum(0) for kept in panels.values]
        else:
            values = _measured_again(measure, panels, run.jaxpr.out_avals)
        allowed = tolerance * panels.whole.sum(0)
        error = panels.error.sum(0)
        is_known = jnp.isfinite(error) & jnp.isfinite(allowed)
        excess = jnp.where(is_known, jnp.where(error <= allowed, 0, error), jnp.inf)
        return [*values, excess.astype(low.dtype)]


@dataclass
class Panels:
    """The intervals: their ends, errors, integrals of the absolute value, and integrals."""

    low: Any
    high: Any
    error: Any
    whole: Any
    values: Values
    count: Any


jax.tree_util.register_dataclass(Panels, ["low", "high", "error", "whole", "values", "count"], [])


def _cut(measure: Any, low: Any, high: Any, tolerance: Any, most: int, is_kept: bool) -> Panels:
    def room(value: Any) -> Any:
        return jnp.zeros((most, *value.shape), value.dtype).at[0].set(value)

    def is_large(panels: Panels) -> Any:
        """In which lanes the error is; what is no number stays none."""
        error = panels.error.sum(0)
        return (error > tolerance * panels.whole.sum(0)) & jnp.isfinite(error)

    def is_open(panels: Panels) -> Any:
        return (panels.count < most) & is_large(panels).any()

    def halve(panels: Panels) -> Panels:
        # Not argmax, which JAX lowers where no 64-bit numbers exist.
        places = jnp.arange(most, dtype=jnp.int32)
        whole = panels.whole.sum(0)
        shares = panels.error / jnp.where(whole > 0, whole, 1)
        shares = jnp.where(is_large(panels), shares, 0).reshape(most, -1).max(1)
        worst = jnp.where(shares == shares.max(), places, most - 1).min()
        low, high = panels.low[worst], panels.high[worst]
        middle = low + 0.5 * (high - low)
        # Both halves are measured by one piece of code.
        starts, ends = jnp.stack([low, middle]), jnp.stack([middle, high])
        values, error, whole = lax.map(lambda pair: measure(*pair), (starts, ends))
        both = jnp.stack([worst, panels.count])

        def put(room: Any, new: Any) -> Any:
            return room.at[both].set(new)

        kept = list(map(put, panels.values, values)) if is_kept else []
        return Panels(
            put(panels.low, starts),
            put(panels.high, ends),
            put(panels.error, error),
            put(panels.whole, whole),
            kept,
            panels.count + 1,
        )

    values, error, whole = measure(low, high)
    kept = list(map(room, values)) if is_kept else []
    first = Panels(room(low), room(high), room(error), room(whole), kept, jnp.int32(1))
    return lax.while_loop(is_open, halve, first)


def _measured_again(measure: Any, panels: Panels, avals: Sequence[Any]) -> Values:
    def add(index: Any, totals: Values) -> Values:
        values, _, _ = measure(panels.low[index], panels.high[index])
        return [total + value for total, value in zip(totals, values, strict=True)]

    zeros = [jnp.zeros(aval.shape, aval.dtype) for aval in avals]
    return lax.fori_loop(0, panels.count, add, zeros)


def _measured(function: Any, low: Any, high: Any, lanes: int) -> tuple[Values, Any, Any]:
    """The integrals over an interval, their error and the integral of the absolute value.

    The latter two for each lane, of which the first axes of the values are.
    """
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    nodes = jnp.asarray(np.asarray(NODES), low.dtype)
    rows = jax.vmap(function)(middle + half * nodes)
    wholes = _sizes(rows, lanes)
    values, means, differences = [], [], []
    for row in rows:
        weights = jnp.asarray(np.asarray(WEIGHTS), row.dtype)
        sums = jnp.tensordot(weights, row, 1)
        values.append(half.astype(row.dtype) * sums)
        means.append(0.5 * sums)
        checks = jnp.tensordot(jnp.asarray(np.asarray(CHECKS), row.dtype), row, 1)
        differences.append(half.astype(row.dtype) * checks)
    difference = _sizes([x[None] for x in differences], lanes)[0]
    spread = _sizes([row - mean for row, mean in zip(rows, means, strict=True)], lanes)
    weights = jnp.asarray(np.asarray(WEIGHTS), wholes.dtype)
    width = abs(half).astype(wholes.dtype)
    variation = width * jnp.tensordot(weights, spread, 1)
    is_sound = (variation > 0) & (difference > 0)
    ratio = SHARPNESS * difference / jnp.where(is_sound, variation, 1)
    error = jnp.where(is_sound, variation * jnp.minimum(1, ratio**1.5), difference)
    return values, error, width * jnp.tensordot(weights, wholes, 1)


def _sizes(rows: Values, lanes: int) -> Any:
    """The length of all numbers at each node, in each lane, without squares that overflow."""
    sizes = [
        abs(row)
        .astype(_real(row))
        .reshape(*row.shape[: lanes + 1], math.prod(row.shape[lanes + 1 :]))
        for row in rows
    ]
    each = jnp.concatenate(sizes, -1)
    largest = each.max(-1, initial=0)
    unit = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)
    return unit * jnp.sqrt(jnp.square(each / unit[..., None]).sum(-1))


def _real(row: Any) -> Any:
    """The dtype in which lengths are computed."""
    return jnp.promote_types(jnp.finfo(row.dtype).dtype, "float32")


integral_p.def_impl(functools.partial(apply_primitive, integral_p))
mlir.register_lowering(integral_p, mlir.lower_fun(_run, multiple_results=True))


# ---- derivatives


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    with wide():
        run = Integration(**parameters)
        low, high, tolerance, wanted, *operands = primals
        results = integral_p.bind(*primals, **parameters)
        moved = no_tangents(results)
        for end, tangent, sign in ((low, tangents[0], -1.0), (high, tangents[1], 1.0)):
            if not isinstance(tangent, ad.Zero):
                there = jaxpr_as_fun(run.jaxpr)(*operands, end)
                added = [(sign * tangent).astype(y.dtype) * y for y in there]
                moved = [*map(ad.add_tangents, moved, added), moved[-1]]
        directions = tangents[4:]
        moving = list(map(is_nonzero, operands, directions))
        if any(moving):
            given = select(directions, moving)
            tangent_jaxpr = _pushed(run.jaxpr, moving)
            inner = replace(run, jaxpr=tangent_jaxpr, linear=len(given))
            ends = low, high, tolerance, wanted
            *found, error = integral_p.bind(*ends, *operands, *given, **inner.parameters)
            found = watched(run.report, wanted, error, found)
            moved = [*map(ad.add_tangents, moved, found), moved[-1]]
        return results, moved


def _pushed(jaxpr: ClosedJaxpr, moving: Sequence[bool]) -> ClosedJaxpr:
    """From the operands, the directions of the moving ones and a number to the tangents."""
    avals = jaxpr.in_avals[:-1]
    run = jaxpr_as_fun(jaxpr)

    def push(*inputs: Any) -> Values:
        operands, (*directions, x) = inputs[: len(avals)], inputs[len(avals) :]

        def along(*moved: Any) -> Values:
            return run(*fill(moving, list(moved), list(operands)), x)

        return jax.jvp(along, tuple(select(operands, moving)), tuple(directions))[1]

    shapes = [*avals, *select(avals, moving), jaxpr.in_avals[-1]]
    return jax.make_jaxpr(push)(*map(_shape, shapes))


def _shape(aval: Any) -> Any:
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)


ad.primitive_jvps[integral_p] = _jvp


def _transpose(cotangents: Sequence[Any], *operands: Any, **parameters: Any) -> Values:
    with wide():
        run = Integration(**parameters)
        count = len(operands) - run.linear
        factors = [ad.instantiate_zeros(cotangent) for cotangent in cotangents[:-1]]
        backwards = _pulled(run.jaxpr, run.linear)
        # Operands that differ from lane to lane have their errors apart; sums over lanes don't.
        shapes = [aval.shape[: len(run.lanes)] for aval in backwards.out_avals]
        lanes = run.lanes if all(shape == run.lanes for shape in shapes) else ()
        inner = Integration(backwards, len(factors), run.most, run.report, lanes)
        *found, error = integral_p.bind(*operands[:count], *factors, **inner.parameters)
        found = watched(run.report, operands[3], error, found)
        pairs = zip(operands[count:], found, strict=True)
        return [None] * count + [x if ad.is_undefined_primal(own) else None for own, x in pairs]


def _pulled(jaxpr: ClosedJaxpr, linear: int) -> ClosedJaxpr:
    """The transposed function: from constants, factors of results and a number."""
    *avals, number = jaxpr.in_avals
    constants, lines = avals[: len(avals) - linear], avals[len(avals) - linear :]
    run = jaxpr_as_fun(jaxpr)

    def pull(*inputs: Any) -> Values:
        known, (*factors, x) = inputs[: len(constants)], inputs[len(constants) :]
        transposed = jax.linear_transpose(lambda *own: run(*known, *own, x), *map(_shape, lines))
        return list(transposed(factors))

    return jax.make_jaxpr(pull)(*map(_shape, [*constants, *jaxpr.out_avals, number]))


ad.primitive_transposes[integral_p] = _transpose


# ---- lanes


def _batch(
    operands: Sequence[Any], dims: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    with wide():
        run = Integration(**parameters)
        placed = [
            x if dim is None else jnp.moveaxis(x, dim, 0)
            for x, dim in zip(operands, dims, strict=True)
        ]
        mapped = [dim is not None for dim in dims]
        if mapped[3]:
            placed[3] = jax.vmap(lambda wanted: jnp.broadcast_to(wanted, run.lanes))(placed[3])
        if any(mapped[:3]):
            return _one_after_another(placed, mapped, run)
        size = next(x.shape[0] for x, flag in zip(placed, mapped, strict=True) if flag)
        axes = tuple(0 if flag else None for flag in [*mapped[4:], False])
        shapes = [
            jax.ShapeDtypeStruct((size, *aval.shape) if flag else aval.shape, aval.dtype)
            for aval, flag in zip(run.jaxpr.in_avals, [*mapped[4:], False], strict=True)
        ]
        lanes = jax.make_jaxpr(jax.vmap(jaxpr_as_fun(run.jaxpr), axes, 0, axis_size=size))(*shapes)
        run = replace(run, jaxpr=lanes, lanes=(size, *run.lanes))
        results = integral_p.bind(*placed, **run.parameters)
        return results, [0] * len(results)


def _one_after_another(
    placed: Values, mapped: Sequence[bool], run: Integration
) -> tuple[Values, Values]:
    """Lanes whose ends differ are integrated one after another."""

    def one(lanes: Values) -> Values:
        return integral_p.bind(*fill(mapped, lanes, placed), **run.parameters)

    results = lax.map(one, select(placed, mapped))
    return results, [0] * len(results)


batching.primitive_batchers[integral_p] = _batch

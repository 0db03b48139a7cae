"""``loop``: a while loop that has every derivative, forwards and backwards, of any order.

``lax.while_loop`` keeps no states, so it has no reverse mode. The primitive ``loop`` runs in the
same way and costs the same; when it is differentiated it counts its trips as well, and its tangent
is another primitive, linear, which can be transposed (``loop_derivatives``). In lanes it is again
a loop (``loop_lanes``), and the way back keeps few states (``loop_checkpoints``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.interpreters import ad, batching, mlir
from jax.interpreters import partial_eval as pe

from eshkol.xla import loop_shelves
from eshkol.xla._compat import (
    ClosedJaxpr,
    JaxprInputEffect,
    apply_primitive,
    control_flow_allowed_effects,
    detach_constants,
    jaxpr_as_fun,
    own_primitive,
)
from eshkol.xla._compat_traces import trace
from eshkol.xla.dtypes import in_wide, wide
from eshkol.xla.loop_changes import changes_of
from eshkol.xla.loop_course import (
    RESULTS,
    Course,
    Loop,
    Trajectory,
    Values,
    active_pattern,
    fill,
    select,
)
from eshkol.xla.loop_dead_code import eliminate_dead_code, pruned
from eshkol.xla.loop_derivative_rules import is_nonzero, no_tangents
from eshkol.xla.loop_derivatives import tangent_p
from eshkol.xla.loop_lanes import over_lanes, place_lanes
from eshkol.xla.loop_lanes_apart import Apart, apart_over_lanes

Checkpoint = str | int
"""How many states the way back keeps: ``"log"``, ``"all"``, or a number."""


def loop(
    condition: Callable[[Any], Any],
    body: Callable[[Any], Any],
    start: Any,
    checkpoint: Checkpoint = "log",
    max_trips: int | None = None,
    idles: bool = False,
) -> Any:
    """Run ``state = body(state)`` while ``condition(state)`` holds.

    Like ``lax.while_loop``, and compiled to the same program, but every mode of differentiation
    works, nested in any order and under ``vmap`` and ``jit``.

    Args:
        condition: from the state to a boolean scalar.
        body: from the state to the next one, of the same shapes and dtypes.
        start: a pytree of arrays.
        checkpoint: what the way back keeps. ``"log"``: up to 32 states, or more if they are small;
            a million trips are run 7 times more at most. A number: so many states. ``"all"``:
            every state, which takes the least time, and ``max_trips`` where the loop is compiled.
        max_trips: for how many trips ``"all"`` has room; if there are more, few states are kept.
        idles: whether a trip where the condition does not hold changes nothing that is used of the
            state at the end. Lanes of ``vmap`` that have ended then make trips with the others, and
            none of the state is copied to keep theirs.

    Returns:
        The state at the end.

    Raises:
        TypeError: if a trip changes the structure, a shape or a dtype of the state.

    Example:
        >>> double = lambda x: loop(lambda y: y < 10.0, lambda y: y * x, x)
        >>> float(double(2.0)), float(jax.grad(double)(2.0))
        (16.0, 32.0)
    """
    _check(checkpoint)
    leaves: list[Any]
    structure: Any
    leaves, structure = jax.tree.flatten(start)
    values = [jnp.asarray(leaf) for leaf in leaves]
    types = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    unflatten = functools.partial(jax.tree.unflatten, structure)

    def test(values: Values) -> Any:
        return condition(unflatten(values))

    def trip(values: Values) -> Values:
        results, after = jax.tree.flatten(body(unflatten(values)))
        if after != structure:
            raise TypeError(f"loop: a trip changes the state from {structure} to {after}")
        return [_as_type(*pair) for pair in zip(results, types, strict=True)]

    results = _bind(test, trip, values, checkpoint, max_trips, idles)
    return unflatten(results)


def _as_type(value: Any, wanted: jax.ShapeDtypeStruct) -> Any:
    value = jnp.asarray(value)
    if value.shape != wanted.shape or value.dtype != wanted.dtype:
        before, after = (f"{x.dtype}{list(x.shape)}" for x in (wanted, value))
        raise TypeError(f"loop: a trip changes a part of the state from {before} to {after}")
    return lax.convert_element_type(value, wanted.dtype) if value.weak_type else value


def _check(checkpoint: Checkpoint) -> None:
    if checkpoint not in ("log", "all") and not (type(checkpoint) is int and checkpoint > 0):
        raise ValueError(
            f"loop: checkpoint is 'log', 'all' or a positive number, not {checkpoint!r}"
        )


def _bind(
    test: Callable[[Values], Any],
    trip: Callable[[Values], Values],
    values: Values,
    checkpoint: Checkpoint,
    max_trips: int | None,
    idles: bool,
) -> Values:
    """Trace the loop and bind the primitive; what no trip changes is a constant."""
    types = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    body = trace(lambda *values: trip(list(values)), types)
    variables = zip(body.jaxpr.invars, body.jaxpr.outvars, strict=True)
    changes = [before is not after for before, after in variables]
    if not all(changes):

        def whole(changing: Values) -> Values:
            return fill(changes, changing, values)

        return whole(
            _bind(
                lambda changing: test(whole(changing)),
                lambda changing: select(trip(whole(changing)), changes),
                select(values, changes),
                checkpoint,
                max_trips,
                idles,
            )
        )
    cond = trace(lambda *values: [test(list(values))], types)
    [truth] = cond.out_avals
    if truth.shape != () or truth.dtype != bool:
        raise TypeError(f"loop: the condition is {truth.dtype}{list(truth.shape)}, not one boolean")
    if _writes_references(cond) or _writes_references(body):
        return lax.while_loop(test, trip, values)
    cond, for_cond = detach_constants(cond)
    body, constants = detach_constants(body)
    counts = len(for_cond), len(constants)
    run = Loop(cond, body, None, *counts, checkpoint, max_trips, "state", idles)
    return loop_p.bind(*for_cond, *constants, *values, **run.parameters)


def _writes_references(jaxpr: ClosedJaxpr) -> bool:
    """Whether the jaxpr reads or writes a ``jax.Ref`` of its surroundings, which has no lanes."""
    return any(isinstance(effect, JaxprInputEffect) for effect in jaxpr.effects)


# ---- the primitive

loop_p = own_primitive("loop")
loop_p.def_impl(functools.partial(apply_primitive, loop_p))


@loop_p.def_effectful_abstract_eval
def _types(*_: Any, **parameters: Any) -> tuple[Values, Any]:
    run = Loop(**parameters)
    types = [aval.update(weak_type=False) for aval in run.body_jaxpr.out_avals]
    if run.results != "state":
        types.append(jax.core.ShapedArray((), np.dtype("int32")))
    if run.results == "record":
        types += [aval.update(shape=(run.max_trips, *aval.shape)) for aval in types[: run.width]]
    effects = frozenset(run.cond_jaxpr.effects) | frozenset(run.body_jaxpr.effects)
    if unknown := control_flow_allowed_effects.filter_not_in(effects):
        raise NotImplementedError(f"loop: these effects can't happen in a loop: {unknown}")
    return types, effects


def _run(*operands: Any, **parameters: Any) -> Values:
    run = Loop(**parameters)
    if run.apart is not None:
        return _run_apart(run, run.apart, operands)
    if run.results == "state":
        return lax.while_p.bind(
            *operands,
            cond_nconsts=run.cond_nconsts,
            cond_jaxpr=run.cond_jaxpr,
            body_nconsts=run.body_nconsts,
            body_jaxpr=run.body_jaxpr,
        )
    for_cond, constants, start = run.take(operands)
    test, body = jaxpr_as_fun(run.cond_jaxpr), jaxpr_as_fun(run.body_jaxpr)

    def goes_on(carry: Any) -> Any:
        return test(*for_cond, *carry[0])[0]

    def trip(carry: Any) -> Any:
        state, notes = carry
        return body(*constants, *state), _noted(notes, state)

    with wide():
        state, (trips, record) = lax.while_loop(goes_on, trip, (start, _blank_notes(run, start)))
        return [*state, *trips, *record]


def _run_apart(run: Loop, apart: Apart, operands: Sequence[Any]) -> Values:
    """Run a loop over lanes that end by themselves."""
    for_cond, constants, start = run.take(operands)

    def trip(carry: Any) -> Any:
        active, shared, state, notes = carry
        return *apart.trip(for_cond, constants, active, shared, state), _noted(notes, state)

    with wide():
        carry = (*apart.start(for_cond, start), start, _blank_notes(run, start))
        *_, state, (trips, record) = lax.while_loop(lambda carry: jnp.any(carry[0]), trip, carry)
        return [*state, *trips, *record]


Notes = tuple[Values, Values]
"""The number of trips so far, and the states before them, as far as they are wanted."""


def _blank_notes(run: Loop, start: Values) -> Notes:
    if run.results == "state":
        return [], []
    if run.results == "record" and run.max_trips is not None:
        return [jnp.int32(0)], loop_shelves.new_shelf(start, run.max_trips)
    return [jnp.int32(0)], []


def _noted(notes: Notes, state: Values) -> Notes:
    trips, record = notes
    record = loop_shelves.write(record, trips[0], state) if record else record
    return [count + 1 for count in trips], record


mlir.register_lowering(loop_p, in_wide(mlir.lower_fun(_run, multiple_results=True)))


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    with wide():
        run = Loop(**parameters)
        point = slice(run.cond_nconsts, None)
        moving = list(map(is_nonzero, primals[point], tangents[point]))
        of_point = active_pattern(run.differentiated, run.body_nconsts, moving)
        if not any(of_point[run.body_nconsts :]):
            results = loop_p.bind(*primals, **parameters)
            return results, no_tangents(results)
        changes = changes_of(run.differentiated, run.body_nconsts)
        is_recorded = run.checkpoint == "all" and run.max_trips is not None and changes is None
        wanted = max(run.results, "record" if is_recorded else "trips", key=RESULTS.index)
        found = loop_p.bind(*primals, **{**parameters, "results": wanted})
        # What the tangents don't depend on is left out of the trips that derivatives run again.
        alone = replace(run, body_jaxpr=run.differentiated, guarded_jaxpr=None, apart=None)
        smaller, reads = pruned(alone, list(of_point[run.body_nconsts :]))
        for_cond, constants, state = smaller.take(select(primals, reads))
        record = select(found[run.width + 1 :], reads[-run.width :]) if is_recorded else []
        at = Trajectory(for_cond, constants, state, found[run.width], record)
        active = [False] * run.cond_nconsts + list(of_point)
        course = _course(smaller, select(active, reads), is_recorded)
        taken = [a and b for a, b in zip(active, reads, strict=True)]
        given = [ad.instantiate_zeros(tangent) for tangent in select(tangents, taken)]
        moved = tangent_p.bind(*at.operands, *given, **course.parameters)
        results = found[: _count(run)]
        # Only derivatives read the record, and they know of it what they need to.
        none = no_tangents(results)
        of_state = fill(of_point[run.body_nconsts :], moved, none[: run.width])
        return results, of_state + none[run.width :]


def _course(run: Loop, active: Sequence[bool], is_recorded: bool) -> Course:
    return Course(
        run.cond_jaxpr,
        run.body_jaxpr,
        run.cond_nconsts,
        run.body_nconsts,
        tuple(active[run.cond_nconsts :]),
        run.checkpoint,
        run.max_trips,
        is_recorded,
        run.idles,
    )


ad.primitive_jvps[loop_p] = _jvp


def _count(run: Loop) -> int:
    """The number of results."""
    return {"state": run.width, "trips": run.width + 1, "record": 2 * run.width + 1}[run.results]


def _batch(
    axis: Any, operands: Sequence[Any], dims: Sequence[Any], **parameters: Any
) -> tuple[Values, Values]:
    run = Loop(**parameters)
    if all(dim is None for dim in dims):
        results = loop_p.bind(*operands, **parameters)
        return results, [None] * len(results)
    with wide():
        for_cond, constants, start = run.take(operands)
        dims_of = run.take(dims)
        of_cond, of_body, of_state = ([dim is not None for dim in part] for part in dims_of)
        mapped = (of_cond, of_body, of_state)
        lanes = over_lanes(run.cond_jaxpr, run.body_jaxpr, axis, mapped, False, run.idles)
        apart = apart_over_lanes(run.cond_jaxpr, run.body_jaxpr, run.apart, axis, mapped, lanes)
        guarded = run.guarded_jaxpr or run.body_jaxpr
        if lanes.masks or run.guarded_jaxpr:
            guarded = over_lanes(run.cond_jaxpr, guarded, axis, mapped, True, run.idles).body
        else:
            guarded = lanes.body

        def place(values: Values, dims: Values, wanted: Sequence[bool]) -> Values:
            triples = zip(values, dims, wanted, strict=True)
            return [place_lanes(x, dim, flag, axis.size) for x, dim, flag in triples]

        for_cond = place(for_cond, dims_of[0], of_cond)
        constants = place(constants, dims_of[1], of_body)
        constants = [*for_cond, *constants] if lanes.masks else constants
        run = replace(
            run,
            cond_jaxpr=lanes.cond,
            body_jaxpr=lanes.body,
            guarded_jaxpr=None if guarded is lanes.body else guarded,
            body_nconsts=len(constants),
            apart=apart,
        )
        state = place(start, dims_of[2], lanes.state)
        results = loop_p.bind(*for_cond, *constants, *state, **run.parameters)
        # All lanes count together; the record has its lanes behind the axis of the trips.
        places = [0 if flag else None for flag in lanes.state]
        recorded = [1 if flag else None for flag in lanes.state]
        return results, [*places, None, *recorded][: len(results)]


batching.fancy_primitive_batchers[loop_p] = _batch


pe.dce_rules[loop_p] = eliminate_dead_code

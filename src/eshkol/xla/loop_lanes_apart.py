"""How a loop over lanes that end by themselves is run: which of them go on is remembered.

The masked body of such a loop (``loop_lanes``) finds out from the state, in each place that it
masks, which lanes go on, and it takes all of the state apart by lanes. Derivatives are taken of
that body. What runs remembers from trip to trip which lanes go on; and what is the same in all
lanes that go on, such as a counter of trips, is computed for all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.xla._compat import ClosedJaxpr, batch_jaxpr, has_name, jaxpr_as_fun, weakref_lru_cache
from eshkol.xla.loop_lanes import Flags, Lanes, guarded, has_loops, settled

Values = list[Any]


@dataclass(frozen=True)
class Apart:
    """A loop over lanes without masks.

    Which axes of lanes something has is told by flags, that of the outermost ``vmap`` first.

    Attributes:
        cond: of its constants and the state: which lanes go on.
        body: of which lanes go on, the constants of the masked body, and the state.
        active: the axes of what lanes go on.
        whole: the axes of each part of the state.
        running: the axes of each part of the state in ``cond`` and ``body``; along the others it is
            the same in all lanes that go on.
    """

    cond: ClosedJaxpr
    body: ClosedJaxpr
    active: Flags
    whole: tuple[Flags, ...]
    running: tuple[Flags, ...]

    def __repr__(self) -> str:
        return "apart"

    def start(self, for_cond: Values, state: Values) -> tuple[Any, Values]:
        """What a run begins with: which lanes go on, and the shared parts of the state."""
        parts = zip(state, self.whole, self.running, strict=True)
        shared = [_first(value, *axes) for value, *axes in parts if axes[0] != axes[1]]
        return self._test(for_cond, shared, state), shared

    def trip(
        self, for_cond: Values, constants: Values, active: Any, shared: Values, state: Values
    ) -> tuple[Any, Values, Values]:
        """Which lanes go on after a trip, the shared parts of the state, and the state."""
        after = jaxpr_as_fun(self.body)(active, *constants, *self._running(shared, state))
        following = [
            lax.select(
                _spread(active, self.active, whole, old.shape),
                _spread(new, running, whole, old.shape),
                old,
            )
            for new, old, whole, running in zip(after, state, self.whole, self.running, strict=True)
        ]
        axes = zip(after, self.whole, self.running, strict=True)
        shared = [value for value, whole, running in axes if whole != running]
        active = lax.bitwise_and(active, self._test(for_cond, shared, following))
        return active, shared, following

    def _test(self, for_cond: Values, shared: Values, state: Values) -> Any:
        return jaxpr_as_fun(self.cond)(*for_cond, *self._running(shared, state))[0]

    def _running(self, shared: Values, state: Values) -> Values:
        given = iter(shared)
        parts = zip(state, self.whole, self.running, strict=True)
        return [value if whole == running else next(given) for value, whole, running in parts]


def _first(value: Any, whole: Flags, running: Flags) -> Any:
    """The value of the first lane along the axes that it is shared along."""
    present = [kept for flag, kept in zip(whole, running, strict=True) if flag]
    return value[tuple([slice(None) if kept else 0 for kept in present])]


def _spread(value: Any, axes: Flags, wanted: Flags, shape: tuple[int, ...]) -> Any:
    """The value along all ``wanted`` axes of lanes, which begin ``shape``."""
    if axes == wanted and value.shape == shape:
        return value
    places = [flag for flag, is_there in zip(axes, wanted, strict=True) if is_there]
    rest = range(value.ndim - sum(axes))
    own = [place for place, flag in enumerate(places) if flag]
    return lax.broadcast_in_dim(value, shape, [*own, *(len(places) + place for place in rest)])


# ---- making it


def apart_over_lanes(
    cond: ClosedJaxpr,
    body: ClosedJaxpr,
    earlier: Apart | None,
    axis: Any,
    mapped: tuple[Sequence[bool], Sequence[bool], Sequence[bool]],
    lanes: Lanes,
) -> Apart | None:
    """The loop over the lanes of one more axis without masks.

    Args:
        cond: of the loop without that axis.
        body: of the loop without that axis.
        earlier: that loop without masks, if it has lanes that end by themselves.
        axis: JAX's description of the axis.
        mapped: which of the constants of the condition, of the body, and of the state differ
            between lanes at the start.
        lanes: the masked loop.

    Returns:
        The loop; None if it is masked nowhere, or calls back.
    """
    if cond.effects or body.effects or not (earlier or lanes.masks):
        return None
    before = earlier or Apart(cond, _with_active(body), (), *[((),) * len(lanes.state)] * 2)
    of_cond, of_body, start = map(tuple, mapped)
    # What is computed with all lanes, as by psum, or for lanes that have ended is left as it is.
    shares = axis.size > 0 and not has_name(axis) and not has_loops(before.cond)
    constants = (lanes.masks, *of_body)
    differs = settled(before.body, axis, constants, start if shares else lanes.state)
    test, _ = batch_jaxpr(before.cond, axis, [*of_cond, *differs], [lanes.masks])
    trip, _ = batch_jaxpr(before.body, axis, [*constants, *differs], list(differs))
    if lanes.masks:
        has_lanes = (*of_body, *differs)
        trip = _with_constants_of(test, trip, len(of_cond), has_lanes, has_loops(body))
    return Apart(
        test,
        trip,
        (lanes.masks, *before.active),
        tuple([(flag, *axes) for flag, axes in zip(lanes.state, before.whole, strict=True)]),
        tuple([(flag, *axes) for flag, axes in zip(differs, before.running, strict=True)]),
    )


@weakref_lru_cache
def _with_active(body: ClosedJaxpr) -> ClosedJaxpr:
    """The body of a loop without lanes."""
    run = jaxpr_as_fun(body)
    active = jax.ShapeDtypeStruct((), bool)
    return jax.make_jaxpr(lambda _, *values: run(*values))(active, *body.in_avals)


@weakref_lru_cache
def _with_constants_of(
    cond: ClosedJaxpr, body: ClosedJaxpr, count: int, has_lanes: Flags, guards: bool
) -> ClosedJaxpr:
    """The body, which takes the ``count`` constants of the condition as the masked one does."""
    run = jaxpr_as_fun(body)

    def trip(active: Any, *values: Any) -> Values:
        given = list(values[count:])
        if guards:
            goes_on = jnp.any(active, tuple(range(1, active.ndim)))
            given = guarded(goes_on, given, has_lanes)
        return list(run(active, *given))

    active, *types = body.in_avals
    return jax.make_jaxpr(trip)(active, *cond.in_avals[:count], *types)

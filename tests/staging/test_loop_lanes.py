"""Loops over lanes that end by themselves: what is remembered from trip to trip, and shared."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import jaxpr_as_fun
from numpy.testing import assert_allclose

from eshkol.xla.loop_primitive import loop, loop_p

TARGETS = np.linspace(0.5, 9.0, 4, dtype="float32")
BOUNDS = np.array([1, 50, 0, 3], "int32")
WEIGHTS = np.array([0.5, 0.25], "float32")


def newton(target: Any, bound: Any) -> Any:
    """The counter and the third part are the same in all lanes that go on."""
    return loop(
        lambda s: (s[1] < bound) & (jnp.abs(s[0] * s[0] - target) > 1e-3),
        lambda s: (0.5 * (s[0] + target / s[0]), s[1] + 1, s[2] * 0.5),
        (target, jnp.int32(0), jnp.float32(1.0)),
    )


def rows(target: Any, weight: Any) -> Any:
    """The counter bounds a loop inside, which lanes that have ended must not hang."""

    def trip(state: Any) -> Any:
        x, count = state
        x, _ = loop(
            lambda s: s[1] < count, lambda s: (s[0] * 1.1 + weight, s[1] + 1), (x, jnp.int32(0))
        )
        return x + target, count + 1

    return loop(lambda s: s[0] < 20.0, trip, (target, jnp.int32(0)))


def counted(weight: Any, bound: Any) -> Any:
    """The end depends on one axis only."""
    return loop(
        lambda s: s[1] < bound,
        lambda s: (s[0] * weight + 1.0, s[1] + 1),
        (weight, jnp.int32(0)),
    )


@pytest.mark.parametrize(
    ("function", "outer", "inner"),
    [
        (newton, TARGETS, BOUNDS),
        (rows, TARGETS, WEIGHTS),
        (counted, WEIGHTS, BOUNDS),
        (lambda bound, weight: counted(weight, bound), BOUNDS, WEIGHTS),
    ],
    ids=["newton", "rows", "counted", "counted inside"],
)
def test_two_axes_of_lanes(function: Any, outer: Any, inner: Any) -> None:
    table = jax.jit(jax.vmap(jax.vmap(function, (None, 0)), (0, None)))(outer, inner)
    alone = jax.jit(function)
    for i, a in enumerate(outer):
        for k, b in enumerate(inner):
            for found, expected in zip(table, alone(a, b), strict=True):
                assert_allclose(found[i, k], expected, rtol=1e-5)


def test_what_lanes_share_has_no_lanes() -> None:
    jaxpr = jax.make_jaxpr(jax.vmap(newton))(TARGETS, BOUNDS)
    [equation] = [e for e in jaxpr.jaxpr.eqns if e.primitive is loop_p]
    apart = equation.params["apart"]
    assert apart.running == ((True,), (False,), (False,))
    assert [aval.shape for aval in apart.body.out_avals] == [(4,), (), ()]
    assert "select_n" not in {e.primitive.name for e in apart.body.jaxpr.eqns}
    _, trips, last = jaxpr_as_fun(jaxpr)(TARGETS, BOUNDS)
    assert_allclose(last, 0.5**trips)


def test_lanes_with_a_name_are_those_of_while_loop() -> None:
    """A sum over all lanes counts those that have ended as well."""

    def sums(loop: Any) -> Any:
        def lane(bound: Any) -> Any:
            return loop(
                lambda s: s[0] < bound,
                lambda s: (s[0] + 1, s[1] + lax.psum(s[0], "lane")),
                (jnp.int32(0), jnp.int32(0)),
            )

        return jax.jit(jax.vmap(lane, axis_name="lane"))(BOUNDS)[1]

    assert sums(loop).tolist() == sums(lax.while_loop).tolist()


def test_no_lanes() -> None:
    _, trips, _ = jax.jit(jax.vmap(newton))(TARGETS[:0], BOUNDS[:0])
    assert trips.shape == (0,)

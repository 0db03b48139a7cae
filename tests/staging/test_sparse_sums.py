"""Cotangents of arrays of which a trip reads some places."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from eshkol.xla.sparse_sums import with_sparse_sums

SIZE = 100
X = np.linspace(0.5, 2.0, SIZE, dtype="float32")


def at(x: Any, index: int) -> Any:
    return lax.dynamic_index_in_dim(x, jnp.int32(index), 0, keepdims=False)


def put(x: Any, index: int, value: Any) -> Any:
    return lax.dynamic_update_index_in_dim(x, value, jnp.int32(index), 0)


FUNCTIONS = {
    "one place": lambda x: put(x, 3, at(x, 7)),
    "two places, one twice": lambda x: put(x, 3, at(x, 7) * at(x, 3) + jnp.sin(at(x, 7))),
    "a place out of range": lambda x: put(x, 300, 2 * at(x, 200)),
    "places after a change": lambda x: put(put(x, 3, at(x, 7)), 4, at(put(x, 3, at(x, 9)), 3)),
    "all of it and a place": lambda x: jnp.cos(x) * at(x, 7),
    "lanes": lambda x: jax.vmap(lambda i: put(x, 3, at(x, i) ** 2))(jnp.arange(5)).sum(0),
    "an array of places": lambda x: put(x, 3, x[jnp.array([4, 4, 90])].prod()),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_cotangent_is_the_same(function: Any) -> None:
    def back(x: Any, cotangent: Any) -> Any:
        return lax.add(jax.vjp(function, x)[1](cotangent)[0], cotangent)

    cotangent = jnp.linspace(-1.0, 1.0, SIZE)
    expected = back(X, cotangent)
    np.testing.assert_allclose(with_sparse_sums(back, None, X, cotangent), expected, rtol=1e-6)
    np.testing.assert_allclose(
        jax.jit(lambda *x: with_sparse_sums(back, jnp.bool_(False), *x))(X, cotangent),
        expected,
        rtol=1e-6,
    )


def test_nothing_is_added_to_places_that_were_not_read() -> None:
    def function(x: Any) -> Any:
        return put(x, 3, at(x, 7) * at(x, 3))

    def back(x: Any, cotangent: Any) -> Any:
        return jax.vjp(function, x)[1](cotangent)[0]

    def added_in(function: Any) -> list[int]:
        """The sizes of what is added."""
        equations = jax.make_jaxpr(function)(X, X).eqns
        return [e.outvars[0].aval.size for e in equations if e.primitive.name.startswith("add")]

    sums = added_in(lambda *x: with_sparse_sums(back, jnp.bool_(False), *x))
    assert sums.count(1) >= 2
    assert SIZE not in sums
    assert SIZE in added_in(back)

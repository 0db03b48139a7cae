"""The programs of ``control_flow.esk`` by hand, as JAX's documentation writes loops."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax


def newton(a):
    def goes_on(state):
        x, trips = state
        return ~((trips == 60) | (jnp.max(jnp.abs(x * x - a)) < 1e-4))

    def trip(state):
        x, trips = state
        return 0.5 * (x + a / x), trips + 1

    return lax.while_loop(goes_on, trip, (a, 0))[0]


def power_iteration(m, v):
    def trip(_, v):
        after = m @ v
        return after / jnp.linalg.norm(after)

    return lax.fori_loop(0, 200, trip, v)


def lorenz(state, step):
    def slope(s):
        x, y, z = s[0], s[1], s[2]
        return jnp.stack([10 * (y - x), x * (28 - z) - y, x * y - (8.0 / 3) * z])

    def trip(_, s):
        a = slope(s)
        b = slope(s + 0.5 * step * a)
        c = slope(s + 0.5 * step * b)
        d = slope(s + step * c)
        return s + (step / 6) * (a + 2 * b + 2 * c + d)

    return lax.fori_loop(0, 10000, trip, state)


def collatz(n):
    def trip(state):
        n, trips = state
        return jnp.where(n % 2 == 0, n // 2, 3 * n + 1), trips + 1

    return lax.while_loop(lambda state: state[0] != 1, trip, (n, 0))[1]


def triangle(n, x):
    def row(i, s):
        return lax.fori_loop(0, i, lambda j, s: s + jnp.sin(x * (i + j)), s)

    return lax.fori_loop(0, n, row, jnp.zeros_like(x))


def first_above(xs, limit):
    def goes_on(state):
        i, s = state
        return (i != len(xs)) & (s <= limit)

    def trip(state):
        i, s = state
        return i + 1, s + xs[i]

    i, s = lax.while_loop(goes_on, trip, (0, jnp.zeros_like(limit)))
    return jnp.where((i == len(xs)) & (s <= limit), -1, i)


def escape(a, b):
    def goes_on(state):
        x, y, n = state
        return ~((n == 200) | (x * x + y * y > 4.0))

    def trip(state):
        x, y, n = state
        return a + x * x - y * y, b + 2.0 * x * y, n + 1

    return lax.while_loop(goes_on, trip, (0.0 * a, 0.0 * b, 0))[2]


def deep(x):
    def grown(x):
        state = lax.while_loop(
            lambda state: ~(state[0] * state[1] > 30.0),
            lambda state: (1.01 * state[0], state[1] + 1),
            (x, 0),
        )
        return state[0]

    def layer(x, k):
        return lax.cond(
            x > k,
            grown,
            lambda x: lax.cond(x < -k, lambda x: -x, lambda x: x * jnp.cos(k * x), x),
            x,
        )

    for k in range(8):
        x = layer(layer(x, 0.1 * k), 0.2 * (k + 1))
    return x


def jitted(name):
    """A peer, compiled."""
    return jax.jit(globals()[name])

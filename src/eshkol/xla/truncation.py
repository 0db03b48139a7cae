"""Normal numbers between two bounds, by inverting the distribution.

Where the bounds lie in a tail, its probabilities are all nearly 1 or all tiny. There the logarithm
of the share that lies beyond is inverted instead, as a function of the distance from the bound.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

TAIL = 2.0
"""A tail begins so many deviations from the mean."""

_FURTHEST = 40.0
"""So far into a tail no number is drawn."""

_STEPS = 4
"""So many of Newton's steps find the distance to the last digit of a double."""


def truncated_normal(
    key: Any, shape: Any, dtype: Any, low: Any, high: Any, mean: Any, scale: Any
) -> Any:
    """Normal numbers from low to high, which may be infinite."""
    lower, upper = (_standard(bound, mean, scale) for bound in (low, high))
    is_right, is_left = lower >= TAIL, upper <= -TAIL

    def near() -> Any:
        central = ~(is_right | is_left)
        bounds = jnp.where(central, lower, -1), jnp.where(central, upper, 1)
        return mean + scale * _of_middle(key, shape, dtype, *bounds)

    def far() -> Any:
        is_tail = is_right | is_left
        first = jnp.where(is_tail, jnp.where(is_right, lower, -upper), TAIL)
        last = jnp.where(is_tail, jnp.where(is_right, upper, -lower), TAIL + 1)
        distance = scale * _into_tail(jax.random.uniform(key, shape, dtype), first, last)
        # The bound that is far may be infinite, and has no part in the sum.
        bound = jnp.where(is_right, low, jnp.where(is_left, high, 0))
        drawn = jnp.clip(bound + jnp.where(is_right, distance, -distance), low, high)
        return jnp.where(is_tail, drawn, near())

    return lax.cond(jnp.any(is_right | is_left), far, near)


def _standard(bound: Any, mean: Any, scale: Any) -> Any:
    """How many deviations a bound lies from the mean; that of an infinite one has no slope."""
    is_finite = jnp.isfinite(bound)
    return jnp.where(is_finite, (jnp.where(is_finite, bound, 0) - mean) / scale, bound)


def _of_middle(key: Any, shape: Any, dtype: Any, lower: Any, upper: Any) -> Any:
    """Standard normal numbers between bounds that no tail holds; as JAX draws them."""
    root = np.array(np.sqrt(2), dtype)
    inside = np.nextafter(np.array(1, dtype), np.array(0, dtype))
    probabilities = lax.erf(lower / root), lax.erf(upper / root)
    uniform = jax.random.uniform(key, shape, dtype, *probabilities)
    # What is rounded to 1 would be infinitely far.
    drawn = root * lax.erf_inv(jnp.clip(uniform, -inside, inside))
    ends = lax.stop_gradient(lower), lax.stop_gradient(upper)
    infinity = np.array(np.inf, dtype)
    return jnp.clip(drawn, jnp.nextafter(ends[0], infinity), jnp.nextafter(ends[1], -infinity))


def _into_tail(uniform: Any, first: Any, last: Any) -> Any:
    """How far beyond ``first`` normal numbers lie that lie between it and ``last``.

    Args:
        uniform: from 0 on, below 1.
        first: at least ``TAIL``.
        last: greater; may be infinite.
    """
    width = jnp.minimum(last - first, _FURTHEST)
    wanted = jnp.log1p(uniform * jnp.expm1(_log_share(width, first)))
    # Without the change of Mills's ratio the equation is quadratic, and its root too large; the
    # function is concave, so each step comes nearer from above.
    start = -2 * wanted / (first + first * jnp.sqrt(1 - 2 * wanted / first / first))
    distance = lax.stop_gradient(start)
    for step in range(_STEPS):
        missing = _log_share(distance, first) - wanted
        slope = _mills(first + distance)
        is_last = step == _STEPS - 1
        # Only the last step tells how the root depends on the bounds.
        change = missing * lax.stop_gradient(slope)
        distance = distance + (change if is_last else lax.stop_gradient(change))
    return jnp.clip(distance, 0, width)


def _log_share(distance: Any, first: Any) -> Any:
    """The logarithm of how much of the tail beyond ``first`` lies beyond a distance from it."""
    ratio = _mills(first + distance) / _mills(first)
    return -distance * (first + distance / 2) + jnp.log(ratio)


def _mills(x: Any) -> Any:
    """Mills's ratio, the share beyond x by the density there, as Laplace's continued fraction."""
    depth = 50 if x.dtype == np.float64 else 14
    return 1 / functools.reduce(lambda rest, k: x + k / rest, range(depth, 0, -1), x)

"""Roots of gamma numbers, also where these are too small for floats."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

SAFE = 4.0
"""Up to this power the numbers themselves are floats."""


def root_of_gamma(key: Any, power: Any, shape: Any, dtype: Any) -> Any:
    """``g ** (1/power)`` of numbers of the gamma distribution with shape 1/power.

    For great powers it is made of a uniform number and one of the shape 1 + 1/power: their product
    ``u ** power * h`` has the distribution of g.
    """

    def direct() -> Any:
        exponent = 1 / jnp.minimum(power, SAFE)
        return jax.random.gamma(key, exponent, shape, dtype) ** exponent

    def apart() -> Any:
        uniform, rest = factors(key, power, shape, dtype)
        return jnp.where(power > SAFE, uniform * rest ** (1 / power), direct())

    return lax.cond(jnp.any(power > SAFE), apart, direct)


def factors(key: Any, power: Any, shape: Any, dtype: Any) -> tuple[Any, Any]:
    """A uniform number u, and h so that ``u ** power * h`` is one of gamma of shape 1/power."""
    of_uniform, of_gamma = jax.random.split(key)
    uniform = 1 - jax.random.uniform(of_uniform, shape, dtype)
    return uniform, jax.random.gamma(of_gamma, 1 + 1 / power, shape, dtype)


def ball(key: Any, power: Any, size: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """Points evenly from the unit ball of a norm whose power may be infinite."""

    def direct() -> Any:
        order: Any = jnp.minimum(power, SAFE).astype(dtype)
        return jax.random.ball(key, size, order, shape, dtype)

    def apart() -> Any:
        of_points, of_signs, of_rest = jax.random.split(key, 3)
        uniform, rest = factors(of_points, power, (*shape, size), power.dtype)
        signs = jax.random.rademacher(of_signs, (*shape, size), power.dtype)
        beyond = jax.random.exponential(of_rest, shape, power.dtype)
        total = (uniform**power * rest).sum(-1) + beyond
        points = signs * uniform * (rest / total[..., None]) ** (1 / power)
        return points.astype(dtype)

    return lax.cond(power > SAFE, apart, direct)

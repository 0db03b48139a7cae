"""Counts, also those whose mean is so great that a float32 cannot tell one from the next.

JAX accepts or rejects Poisson counts by logarithms in float32, and binomial ones in their dtype:
from a million on these are too coarse. There a count is the quantile of a normal number, which
three terms of its expansion (Cornish and Fisher 1938) give to a billionth.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.xla.dtypes import FLOAT64, INT64
from eshkol.xla.roundings import scaled

GREAT = 2.0**20
"""From this variance on counts are quantiles."""

OF_QUANTILES = 0x67726561
"""What a key is folded with for them."""


def poisson(key: Any, narrow_key: Any, rate: Any, shape: tuple[int, ...]) -> Any:
    """Counts of a Poisson distribution, in int64.

    Args:
        key: of the draw.
        narrow_key: the same for draws of 32 bits.
        rate: broadcast to the shape.
        shape: of the counts.
    """
    is_great = rate > GREAT
    small = jax.random.poisson(narrow_key, jnp.where(is_great, 1, rate), shape, INT64)

    def quantiles() -> Any:
        mean = jnp.where(is_great, rate, 1).astype(FLOAT64)
        deviation = jnp.sqrt(mean)
        return _quantiles(key, shape, mean, deviation, 1 / deviation, 1 / mean).astype(INT64)

    return _chosen(is_great, quantiles, small)


def binomial(key: Any, shape: tuple[int, ...], dtype: Any, trials: Any, probability: Any) -> Any:
    """Counts of a binomial distribution, in float64.

    Args:
        key: of the draw.
        shape: of the counts.
        dtype: in which small ones are computed.
        trials: broadcast to the shape.
        probability: of that dtype, too.
    """
    if dtype == FLOAT64:
        return jax.random.binomial(key, trials, probability, shape, dtype)
    is_great = trials * probability * (1 - probability) > GREAT
    few, even = jnp.where(is_great, 1, trials), jnp.where(is_great, 0.5, probability)
    small = jax.random.binomial(key, few, even.astype(dtype), shape, dtype).astype(FLOAT64)

    def quantiles() -> Any:
        n, p = trials.astype(FLOAT64), jnp.where(is_great, probability, 0.5).astype(FLOAT64)
        variance = jnp.where(is_great, n * p * (1 - p), 1)
        deviation = jnp.sqrt(variance)
        skewness, excess = (1 - 2 * p) / deviation, (1 - 6 * p * (1 - p)) / variance
        return _quantiles(key, shape, n * p, deviation, skewness, excess)

    return _chosen(is_great, quantiles, small)


def _chosen(is_great: Any, quantiles: Any, small: Any) -> Any:
    drawn = lax.cond(jnp.any(is_great), quantiles, lambda: jnp.zeros_like(small))
    return jnp.where(is_great, drawn, small)


def _quantiles(
    key: Any, shape: tuple[int, ...], mean: Any, deviation: Any, skewness: Any, excess: Any
) -> Any:
    """Whole numbers of a distribution with these moments, which is nearly normal."""
    own = jax.random.fold_in(key, OF_QUANTILES)
    z = jax.random.normal(own, shape, FLOAT64)
    square = z * z
    bent = z + skewness * (square - 1) / 6
    bent += z * (excess * (square - 3) / 24 - skewness * skewness * (2 * square - 5) / 36)
    return jnp.floor(scaled(own, bent, mean, deviation) + 0.5)

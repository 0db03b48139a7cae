"""Mixed precision: products of tensors computed in a narrow dtype, as ``with-precision`` says.

Parameters and everything else stay as wide as they are. The operands of a product are rounded to
the narrow dtype; its terms are added up in float32, as all machines do, and the sum, which may be
rounded once, is given as wide as the operands came. So are the products of its derivative.
"""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
from jax import lax

from eshkol.base.config import CONFIG
from eshkol.xla.dtypes import FLOAT32, FLOAT64


def is_narrowed(*operands: Any) -> bool:
    """Whether a product of these is computed in a narrower dtype."""
    return bool(CONFIG.products) and all(x.dtype in (FLOAT32, FLOAT64) for x in operands)


def product(operation: Any) -> Any:
    """An operation whose positional arguments are the factors of a product, narrowed if asked."""

    @functools.wraps(operation)
    def run(*factors: Any, **options: Any) -> Any:
        arrays = [x for x in factors if hasattr(x, "dtype")]
        if not is_narrowed(*arrays):
            return operation(*factors, **options)
        dtype = jnp.dtype(CONFIG.products)
        narrow = [lax.convert_element_type(x, dtype) if hasattr(x, "dtype") else x for x in factors]
        return lax.convert_element_type(operation(*narrow, **options), arrays[0].dtype)

    return run

"""Arrays of NumPy's as arrays of JAX's.

``jnp.asarray`` compiles a program for each shape that it has not met, which takes longer than all
that a small program computes.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import SingleDeviceSharding

from eshkol.xla._compat import default_device, put_on_device, trace_state_clean
from eshkol.xla.dtypes import wide


def on_device(array: np.ndarray) -> Any:
    """An array that nobody else changes, as one of JAX's of the same dtype.

    It is where JAX would put it: on the default device, from which what is computed with arrays of
    another device may take it.
    """
    if not (trace_state_clean() and jax.sharding.get_abstract_mesh().empty):
        with wide():
            return jnp.asarray(array)
    device: Any = default_device.value
    if not isinstance(device, jax.Device):
        device = jax.local_devices(backend=device)[0]
    return put_on_device(np.ascontiguousarray(array) if array.ndim else array, _sharding(device))


def copied(array: Any, dtype: np.dtype | None = None) -> Any:
    """A copy of an array that others may change, as one of JAX's; of ``dtype``, if it is given."""
    with np.errstate(over="ignore", invalid="ignore"):
        return on_device(np.array(array, dtype))


@functools.cache
def _sharding(device: jax.Device) -> SingleDeviceSharding:
    return SingleDeviceSharding(device)

"""Tensors of a model that are not trained, such as running means: ``buffer``.

A buffer is a tensor like any other, and is known by its identity. Where a value is taken apart it
gets a node of its own in the structure (``trees``), so that it stays one through compiled programs,
optimizers and files.
"""

from __future__ import annotations

import weakref
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.base.errors import WrongType
from eshkol.xla.dtypes import BOOL, default_dtype, is_scalar_born
from eshkol.xla.modes import FOLLOWERS
from eshkol.xla.tensors import as_tensor, cast, describe
from eshkol.xla.transforms import is_inexact
from eshkol.xla.trees import BUFFERS, BUILDERS


def buffer(value: Any) -> Any:
    """``value`` as a tensor that is a part of a model and is not trained."""
    return mark(jnp.array(_tensor("buffer", value), copy=True))


def parameter(value: Any) -> Any:
    """``value`` as an inexact tensor, which is trained wherever it stands in a model."""
    tensor = _tensor("parameter", value)
    if tensor.dtype == BOOL:
        raise WrongType(f"parameter: expected numbers, got {describe(value)}")
    if not is_inexact(tensor):
        return cast(tensor, default_dtype())
    return jnp.array(tensor, copy=True) if id(tensor) in BUFFERS else tensor


def _tensor(who: str, value: Any) -> Any:
    """A tensor; of a number, which is none, one of rank 0 with the dtype of tensors."""
    tensor = as_tensor(value, who)
    return cast(tensor, default_dtype()) if is_scalar_born(tensor) else tensor


def mark(tensor: Any) -> Any:
    """``tensor`` itself, which counts as a buffer from now on."""
    if not isinstance(tensor, jax.Array):
        tensor = jnp.asarray(tensor)
    if not BUFFERS:
        # Short ways into compiled programs looked at nothing but classes so far.
        FOLLOWERS.tell()
    key = id(tensor)
    # When the process ends, modules may have lost their names before the last tensors go.
    forget = BUFFERS.pop
    BUFFERS[key] = weakref.ref(tensor, lambda _: forget(key, None))
    return tensor


BUILDERS["buffer"] = lambda pass_, structure: mark(*pass_.children(structure))

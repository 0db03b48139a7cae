"""Elements and sub-tensors at tuples of indices, which lie along the last axis of a tensor."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from eshkol.base.errors import OutOfRange, ShapeError
from eshkol.xla._compat import ArrayImpl
from eshkol.xla.arguments import index_tensor
from eshkol.xla.indexing import scatter_mode
from eshkol.xla.scattering import scattered
from eshkol.xla.tensors import as_tensor, compiled, describe, fitted, known_numbers


def _tuples(who: str, x: Any, indices: Any) -> Any:
    """Tuples of indices into the first axes of ``x``; those that are known must lie there."""
    places = index_tensor(indices, who)
    if not places.shape or not 1 <= places.shape[-1] <= len(x.shape):
        raise ShapeError(
            f"{who}: expected tuples of 1 to {len(x.shape)} indices, got {describe(places)}",
            hint="the last axis of the indices holds an index for each of the first axes",
        )
    known = np.asarray(places) if places.__class__ is ArrayImpl else known_numbers(indices, who)
    if known is None:
        return places
    sizes = np.asarray(x.shape[: places.shape[-1]])
    outside = ((known < 0) | (known >= sizes)).any(-1)
    if outside.any():
        bad = [int(index) for index in known[outside][0]]
        ranges = ", ".join(f"0 to {size - 1}" if size else "none" for size in sizes)
        raise OutOfRange(
            f"{who}: there is nothing at {bad} in {describe(x)}", hint=f"the indices are {ranges}"
        )
    return places


def gather(tensor: Any, indices: Any) -> Any:
    """What stands at each tuple of indices."""
    x = as_tensor(tensor, "gather-nd")
    return _gather(x, _tuples("gather-nd", x, indices))


@compiled()
def _gather(x: Any, places: Any) -> Any:
    return x[tuple(jnp.moveaxis(places, -1, 0))]


def scatter(tensor: Any, indices: Any, values: Any, *, mode: Any = "set") -> Any:
    """The tensor with what stands at each tuple of indices replaced, or combined with a value."""
    who = "scatter-nd"
    x = as_tensor(tensor, who)
    name = scatter_mode(who, mode, x)
    places, new = _tuples(who, x, indices), fitted(values, who, x.dtype)
    target = (*places.shape[:-1], *x.shape[places.shape[-1] :])
    if new.shape and new.shape != target:
        raise ShapeError(
            f"{who}: expected values of shape {list(target)}, got {describe(new)}",
            hint=f"indices {describe(places)} into {describe(x)}",
        )
    return _scatter(x, places, new, name)


@compiled("how")
def _scatter(x: Any, places: Any, values: Any, how: str) -> Any:
    return scattered(x, tuple(jnp.moveaxis(places, -1, 0)), values, how)

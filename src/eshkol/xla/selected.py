"""Elements found by their values: unique ones, those that are not zero, those under a mask.

How many there are is known only when a program runs, so compiled code must say a size: the results
then have that size, filled up behind what was found.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, ShapeError, StagingError
from eshkol.datum.pairs import scheme_list
from eshkol.xla._compat import spelled_out
from eshkol.xla.arguments import static_axis, static_flag, static_int
from eshkol.xla.dtypes import BOOL, INT32, wide
from eshkol.xla.selection import truth_tensor
from eshkol.xla.tensors import Tracer, as_tensor, compiled, describe, dimensions, fitted


def _size(who: str, size: Any, *tensors: Any) -> int | None:
    """The size that was asked for; compiled code must ask for one."""
    if size is not None:
        count = static_int(size, who, "a size")
        if count < 0:
            raise BadValue(f"{who}: expected a size of at least 0, got {count}")
        return count
    if any(isinstance(tensor, Tracer) for tensor in tensors):
        raise StagingError(
            f"{who}: how many elements are found is not known while staging",
            hint="say a size that they are filled up to, with #:size",
        )
    return None


def unique(
    tensor: Any,
    *,
    size: Any = None,
    fill: Any = None,
    axis: Any = None,
    inverse: Any = False,
    counts: Any = False,
) -> Any:
    """The different elements, or slices along an axis, in rising order."""
    who = "unique"
    x = as_tensor(tensor, who)
    along = None if axis is None else static_axis(axis, len(x.shape), who, x)
    wanted = static_flag(inverse, who), static_flag(counts, who)
    count = _size(who, size, x)
    filler = None if fill is None else fitted(fill, who, x.dtype)
    with wide():
        found = spelled_out(
            partial(
                jnp.unique,
                return_inverse=wanted[0],
                return_counts=wanted[1],
                axis=along,
                size=count,
                fill_value=filler,
            ),
            x,
        )
        if not any(wanted):
            return found
        values, *rest = found
        return scheme_list([values, *(part.astype(INT32) for part in rest)])


def nonzero(tensor: Any, *, size: Any = None, fill: Any = -1) -> Any:
    """The list of the indices, one tensor per axis, of the elements that are true or not 0."""
    who = "nonzero"
    x = truth_tensor(tensor, who)
    if not x.shape:
        raise ShapeError(f"{who}: expected a tensor of rank 1 or more, got {describe(tensor)}")
    count, filler = _size(who, size, x), static_int(fill, who, "what fills up")
    if not x.size and count:
        # JAX fills with zeros where there is nothing at all.
        return scheme_list([jnp.full(count, filler, INT32) for _ in x.shape])
    with wide():
        found = spelled_out(partial(jnp.nonzero, size=count, fill_value=filler), x)
        return scheme_list([places.astype(INT32) for places in found])


def masked(tensor: Any, mask: Any, *, size: Any = None, fill: Any = 0) -> Any:
    """The elements, or slices, at which a mask is true, in row order."""
    who = "boolean-mask"
    x, which = as_tensor(tensor, who), as_tensor(mask, who)
    rank = len(which.shape)
    if which.dtype != BOOL:
        raise BadValue(
            f"{who}: expected a mask of booleans, got {describe(mask)}",
            hint="comparisons make such masks: (boolean-mask t (> t 0))",
        )
    if not rank or which.shape != x.shape[:rank]:
        raise ShapeError(
            f"{who}: the mask {describe(which)} does not fit {describe(x)}",
            hint=f"its shape must be that of the first axes: [{dimensions(x.shape)}] or shorter",
        )
    count = _size(who, size, x, which)
    if count is None:
        with wide():
            return x[np.asarray(which)]
    filler = fitted(fill, who, x.dtype)
    if not which.size:
        return lax.broadcast(filler, (count, *x.shape[rank:]))
    return _filled(x, which, filler, count)


@compiled("count")
def _filled(x: Any, which: Any, filler: Any, count: int) -> Any:
    places = spelled_out(partial(jnp.nonzero, size=count, fill_value=0), which)
    rows = x[places]
    found = jnp.arange(count) < jnp.sum(which)
    return jnp.where(found.reshape(-1, *(1,) * (rows.ndim - 1)), rows, filler)

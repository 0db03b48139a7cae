"""Reading places of an array before others are written into it, so that nothing is copied.

Who reads and writes places of one array in a trip of a loop reads the array as it was before. If
the compiler knows no order for the two, it copies the array on each trip. So the places that are
written are made to depend on what was read, by a zero that the compiler can't foresee.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from eshkol.xla._compat import JaxprEqn

SCATTERS = ("scatter", "scatter-add", "scatter-sub", "scatter-mul", "scatter-min", "scatter-max")

WRITING = ("dynamic_update_slice", *SCATTERS)
"""Primitives that give an array with other values in some places."""

READING = ("dynamic_slice", "gather")
"""Primitives that read places of an array."""


def read_first(reads: Sequence[Any], never: Any) -> list[Any]:
    """What was read, as it is for all who use it.

    The compiler may read again for each use; it does not repeat what chooses between programs.

    Args:
        reads: arrays.
        never: a boolean that is false, which the compiler does not know.
    """
    return lax.cond(never, lambda: [lax.full_like(x, 0) for x in reads], lambda: list(reads))


def written_after(
    equation: JaxprEqn, inputs: Sequence[Any], reads: Sequence[Any], never: Any
) -> list[Any]:
    """The inputs of an equation that writes, so that it does so after something was read.

    Args:
        equation: of one of the primitives ``WRITING``.
        inputs: its inputs.
        reads: what was read first, arrays.
        never: a boolean that is false, which the compiler does not know.
    """
    given = list(inputs)
    place = 1 if equation.primitive.name in SCATTERS else 2
    if place < len(given):
        aval: Any = equation.invars[place].aval
        for read in reads:
            zero = lax.broadcast(_zero_of(read, never, aval.dtype), aval.shape)
            given[place] = lax.add(jnp.asarray(given[place], aval.dtype), zero)
    return given


def _zero_of(read: Any, never: Any, dtype: Any) -> Any:
    """A zero that depends on ``read``."""
    if not read.size:
        return lax.full((), 0, dtype)
    first = lax.index_in_dim(lax.reshape(read, (read.size,)), 0, keepdims=False)
    if jnp.iscomplexobj(first):
        first = lax.real(first)
    number = lax.convert_element_type(first, dtype)
    return lax.select(never, number, lax.full_like(number, 0))

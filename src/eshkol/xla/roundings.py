"""What keeps a draw the same to the last digit, whatever else is compiled along with it.

XLA computes with known numbers beforehand, divides by multiplying with what it has inverted, and
rounds a product and a sum once where both are at hand. So the same arithmetic gives other last
digits in a kernel of its own, in a program where a parameter is known, and in one where it isn't.
What is chosen by a condition, which never holds but which no compiler can decide, is no known
number, and no product that could be rounded along with a sum.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def _never(key: Any, place: int) -> Any:
    """A condition that does not hold: no square ends with the bits 1xx0.

    Args:
        key: whose words are squared.
        place: of the word. Conditions of different words are two conditions to a compiler.
    """
    word = jax.random.key_data(key)[place]
    square = word * word
    return (square >> np.uint32(3)) & ~square & np.uint32(1) != 0


def hidden(key: Any, *values: Any) -> tuple[Any, ...]:
    """The same values, of which a compiler knows nothing.

    Args:
        key: of the draw that takes them; the condition must depend on something.
        values: arrays.
    """
    never = _never(key, 0)
    return tuple([jnp.where(never, jnp.zeros_like(value), value) for value in values])


def scaled(key: Any, values: Any, offset: Any, scale: Any) -> Any:
    """``offset + scale * values``, rounded twice.

    Args:
        key: of the draw that gave the values.
        values: of any shape.
        offset: of their dtype, broadcast to them.
        scale: as the offset.
    """
    offset, scale = hidden(key, offset, scale)
    # Neither factor stands beside the product: it would be made a product with a chosen factor.
    return offset + jnp.where(_never(key, 1), offset, scale * values)

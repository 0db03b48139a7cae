"""What the parameters of distributions have to be, as far as they are known.

What a program writes down is known also while it is traced. Traced parameters are looked at when
the program runs, under ``with-checks``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from eshkol.base.config import CONFIG
from eshkol.base.errors import BadValue, EshkolError
from eshkol.datum.write import short_string
from eshkol.primitives.declare import load
from eshkol.xla.dtypes import wide
from eshkol.xla.host_calls import HostFunction
from eshkol.xla.tensors import Tracer, describe, known_numbers

Holds = Callable[..., Any]


class Limit(NamedTuple):
    """What numbers have to be.

    Attributes:
        expected: the words for them.
        holds: where they are so; of NumPy or ``jax.numpy``, and an array for each parameter.
        hint: how to come by such numbers.
    """

    expected: str
    holds: Holds
    hint: str = ""


def _are_probabilities(xp: Any, x: Any) -> Any:
    return (x >= 0) & (x <= 1)


def _are_weights(xp: Any, x: Any) -> Any:
    return (x >= 0) & xp.isfinite(x) & (x.max(-1, keepdims=True) > 0)


FINITE_BOUNDS = Limit("finite bounds", lambda xp, x: abs(x) < math.inf)
DEVIATION = Limit("a deviation of at least 0", lambda xp, x: x >= 0)
PROBABILITY = Limit(
    "a probability from 0 to 1", _are_probabilities, "a percentage is divided by 100"
)
WEIGHTS = Limit(
    "weights of at least 0, not all 0", _are_weights, "logits become weights by softmax"
)
INTEGER_BOUNDS = Limit("low < high", lambda xp, low, high: low < high)


class Parameter(NamedTuple):
    """A parameter of a distribution: its name, what it must be, and its value if left out."""

    name: str
    kind: str = "real"
    default: float | None = None

    @property
    def limit(self) -> Limit:
        """What its numbers have to be."""
        words, holds = _KINDS[self.kind]
        article = "an" if self.name[0] in "aeio" else "a"
        return Limit(f"{article} {self.name}{words}", holds)


def _are_counts(xp: Any, x: Any) -> Any:
    return (x >= 0) & xp.isfinite(x) & (x == xp.trunc(x))


_KINDS: dict[str, tuple[str, Holds]] = {
    "real": (" that is finite", lambda xp, x: xp.isfinite(x)),
    "bound": (" that is a number", lambda xp, x: ~xp.isnan(x)),
    "positive": (" greater than 0", lambda xp, x: x > 0),
    "probability": (" from 0 to 1", _are_probabilities),
    "chance": (" greater than 0, at most 1", lambda xp, x: (x > 0) & (x <= 1)),
    "count": (" of at least 0", lambda xp, x: (x >= 0) & xp.isfinite(x)),
    "whole": (" that is an integer of at least 0", _are_counts),
}


def ascending(*names: str) -> Limit:
    """Bounds in order, of which the last is greater than the first."""
    return Limit((" < " if len(names) == 2 else " <= ").join(names), _ascend)


def _ascend(xp: Any, *bounds: Any) -> Any:
    holds = bounds[0] < bounds[-1]
    for first, second in itertools.pairwise(bounds):
        holds = holds & (first <= second)
    return holds


def hold(who: str, limit: Limit, *parameters: tuple[Any, Any]) -> None:
    """Refuse parameters that are not what they have to be.

    Args:
        who: the sampler.
        limit: what they have to be together; their arrays broadcast to one another.
        parameters: of each, what was given (a number, a tensor, a list), and its number or array.
    """
    known = [
        known_numbers(value, who) if isinstance(array, Tracer) else np.asarray(array)
        for value, array in parameters
    ]
    if all(each is not None for each in known):
        if not np.all(limit.holds(np, *known)):
            shown = [describe(value) for value, _ in parameters]
            raise _outside(who, limit.expected, limit.hint, *shown)
    elif CONFIG.checked:
        _hold_when_run(who, limit, *(array for _, array in parameters))


def _hold_when_run(who: str, limit: Limit, *arrays: Any) -> None:
    with wide():
        bad = ~limit.holds(jnp, *map(jnp.asarray, arrays))
        build = HostFunction("parameter outside", who, limit.expected, limit.hint)
        load("eshkol.xla.checks:refuse")(jnp.any(bad), build, *_first(bad, arrays))


def _first(bad: Any, arrays: Sequence[Any]) -> Sequence[Any]:
    """The elements of arrays at the first place where they are bad; all if none is worse."""
    if not bad.size or not bad.shape:
        return arrays
    place = jnp.argmax(jnp.ravel(bad))
    return [jnp.ravel(jnp.broadcast_to(array, bad.shape))[place] for array in arrays]


def outside_limit(who: str, expected: str, hint: str, *found: Any) -> EshkolError:
    """The error for parameters that are found while the program runs."""
    shown = [describe(x) if np.shape(x) else short_string(np.asarray(x).item()) for x in found]
    return _outside(who, expected, hint, *shown)


def _outside(who: str, expected: str, hint: str, *shown: str) -> EshkolError:
    return BadValue(f"{who}: expected {expected}, got {' and '.join(shown)}", hint=hint)

"""The stream of random keys, and where else keys may come from.

A draw takes its key from ``next_key``. In eager code that is the key of the seed folded with the
number of the draw; inside ``call-with-rng``, and while a program is being staged, a source
installed in ``KEY_SOURCE`` gives the keys.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, StagingError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import UNSPECIFIED
from eshkol.primitives.calling import callee
from eshkol.xla.arguments import static_int
from eshkol.xla.dtypes import FLOAT64, INT64, wide
from eshkol.xla.tensors import Tracer, cast

BLOCK = 1024
"""How many scalars are drawn at once."""

_MASK = 0xFFFFFFFF


class KeySource(threading.local):
    """Where this thread's keys come from: ``draw`` gives the next; None means the seed's stream."""

    draw: Callable[[], Any] | None = None


KEY_SOURCE = KeySource()


def key_of_seed(seed: int) -> Any:
    """The threefry key of an exact integer: ``jax.random.key(seed)``, without regard to x64."""
    words: Any = np.array([(seed >> 32) & _MASK, seed & _MASK], np.uint32)
    return jax.random.wrap_key_data(words, impl="threefry2x32")


_fold = jax.jit(jax.random.fold_in)


class Stream:
    """The stream of keys and scalars that a seed determines."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.RLock()
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Begin again at ``seed``."""
        with self._lock:
            self._seed = seed
            self._key: Any = None
            self._count = 0
            self._blocks: dict[str, list[float]] = {"uniform": [], "normal": []}

    def next_key(self) -> Any:
        """The key of the next draw."""
        with self._lock:
            if self._key is None:
                self._key = key_of_seed(self._seed)
            self._count += 1
            return _fold(self._key, np.uint32(self._count & _MASK))

    def scalar(self, kind: str) -> float:
        """The next ``uniform`` or ``normal`` double."""
        with self._lock:
            block = self._blocks[kind]
            if not block:
                draw = jax.random.uniform if kind == "uniform" else jax.random.normal
                with wide():
                    block += np.asarray(draw(self.next_key(), (BLOCK,), FLOAT64)).tolist()[::-1]
            return block.pop()


STREAM = Stream()


def next_key() -> Any:
    """The key of the next draw, from the installed source or the seed's stream."""
    draw = KEY_SOURCE.draw
    return STREAM.next_key() if draw is None else draw()


class Trip:
    """A trip of a loop being traced: draws in it fold its number into their keys."""

    __slots__ = ("is_used", "number")

    def __init__(self, number: Any) -> None:
        self.number = number
        self.is_used = False


class Trips(threading.local):
    """The trips around the code that is being traced, outermost first."""

    def __init__(self) -> None:
        self.stack: list[Trip] = []


TRIPS = Trips()


@contextmanager
def in_trip(number: Any) -> Iterator[Trip]:
    """Draws in this block belong to the trip with this (traced) number."""
    trip = Trip(number)
    TRIPS.stack.append(trip)
    try:
        yield trip
    finally:
        TRIPS.stack.pop()


@contextmanager
def staged_draws(key: Any) -> Iterator[None]:
    """Draws in this block of staged code take their keys from ``key``, an argument of the call.

    A key is folded with the number of the draw in the program and the numbers of the trips around
    it. Without a key a draw is an error: it would be the same in every call.
    """
    count = 0

    def draw() -> Any:
        nonlocal count
        if key is None:
            raise StagingError(
                "a random number is drawn where the compiler could not foresee it",
                hint="draw in a Scheme procedure, or pass a key: (call-with-rng key thunk)",
            )
        count += 1
        result = jax.random.fold_in(key, np.uint32(count))
        for trip in TRIPS.stack:
            trip.is_used = True
            result = jax.random.fold_in(result, lax.convert_element_type(trip.number, np.uint32))
        return result

    outer, KEY_SOURCE.draw = KEY_SOURCE.draw, draw
    try:
        yield
    finally:
        KEY_SOURCE.draw = outer


def rng_seed(seed: Any) -> Any:
    """Begin the stream of random numbers again at an exact integer."""
    STREAM.seed(static_int(seed, "rng-seed", "seed"))
    return UNSPECIFIED


def as_key(value: Any, who: str) -> Any:
    """A key: one, its two 32-bit words, or an exact integer seed."""
    value = getattr(value, "__eshkol_traced__", value)
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return value
    if getattr(value, "shape", None) == (2,) and value.dtype == np.uint32:
        return jax.random.wrap_key_data(value, impl="threefry2x32")
    if isinstance(value, Tracer) and value.shape == () and value.dtype.kind in "iu":
        return _key_of_traced(value)
    return key_of_seed(static_int(value, who, "seed"))


def _key_of_traced(seed: Any) -> Any:
    with wide():
        number = cast(seed, INT64)
        high = lax.shift_right_logical(number, np.int64(32))
        words = [lax.convert_element_type(part, np.uint32) for part in (high, number)]
        return jax.random.wrap_key_data(jnp.stack(words), impl="threefry2x32")


def call_with_rng(key: Any, thunk: Callable[[], Any]) -> Any:
    """``thunk`` called with its draws taken from ``key`` alone."""
    base = as_key(key, "call-with-rng")
    count = 0

    def draw() -> Any:
        nonlocal count
        count += 1
        return jax.random.fold_in(base, np.uint32(count))

    outer = KEY_SOURCE.draw
    KEY_SOURCE.draw = draw
    try:
        return callee(thunk)()
    finally:
        KEY_SOURCE.draw = outer


def split_rng(key: Any, count: Any = 2) -> Any:
    """A list of ``count`` keys that are independent of each other."""
    number = static_int(count, "split-rng", "count")
    if number < 1:
        raise BadValue(f"split-rng: expected at least 1 key, got {number}")
    keys = jax.random.split(as_key(key, "split-rng"), number)
    return scheme_list([keys[i] for i in range(number)])

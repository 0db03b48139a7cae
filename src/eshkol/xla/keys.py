"""The stream of random keys, and where else keys may come from.

A draw takes its key from ``next_key``: the key of the seed folded with the number of the draw.
A program being staged takes the key and the number of draws so far as arguments and counts on, so
it draws what eager code would draw. The count is a variable that branches and loops carry like any
other. ``call-with-rng`` and the lanes of ``vmap`` count apart, with keys of their own.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, StagingError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import UNSPECIFIED
from eshkol.primitives.calling import DIALECT, callee
from eshkol.xla import journal
from eshkol.xla.arguments import static_int
from eshkol.xla.dtypes import FLOAT64, INT64, wide
from eshkol.xla.kernels import call_kernel
from eshkol.xla.tensors import Tracer, cast
from eshkol.xla.witness import tracer_of

BLOCK = 1024
"""How many scalars are drawn at once."""

_MASK = 0xFFFFFFFF


class Source:
    """Keys that follow from one: each is it folded with the number of the draw.

    Attributes:
        key: the one, or None where no key could be foreseen; a draw is an error then.
        first: how many draws came before, known or traced.
        count: a variable that holds the number of draws since.
    """

    __slots__ = ("count", "first", "key")

    def __init__(self, key: Any, first: Any = 0) -> None:
        self.key = key
        self.first = first
        self.count = journal.make_box(0)

    @property
    def position(self) -> Any:
        """How many draws came before the next one, modulo 2**32."""
        return _sum(self.first, tracer_of(self.count[0]))

    def advance(self, draws: Any) -> None:
        """Leave out ``draws`` keys."""
        count, draws = tracer_of(self.count[0]), tracer_of(draws)
        known = count.__class__ is int and draws.__class__ is int
        with wide():
            both = count + draws if known else lax.add(_long(count), _long(draws))
        journal.set_box(self.count, both)

    def __call__(self) -> Any:
        """The next key."""
        self._check()
        self.advance(1)
        return _fold(self.key, self.position)

    def _check(self) -> None:
        if self.key is None:
            raise StagingError(
                "a random number is drawn where the compiler could not foresee it",
                hint="draw in a Scheme procedure, or pass a key: (call-with-rng key thunk)",
            )


class LaneSource(Source):
    """The keys of one lane of a ``vmap``: the key of the draw that the ``vmap`` is, folded with
    the number of the lane.
    """

    __slots__ = ("lane",)

    def __init__(self, outer: tuple[Any, Any], lane: Any) -> None:
        super().__init__(*outer)
        self.lane = lane

    def __call__(self) -> Any:
        self._check()
        self.advance(1)
        key = _fold(_fold(self.key, _sum(self.first, 1)), self.lane)
        return _fold(key, _word(tracer_of(self.count[0])))

    @property
    def has_drawn(self) -> bool:
        """Whether some lane may have drawn."""
        return self.count[0].__class__ is not int or self.count[0] != 0


class KeySource(threading.local):
    """Where this thread's keys come from: ``draw`` gives the next; None means the seed's stream."""

    draw: Source | None = None


KEY_SOURCE = KeySource()


def _sum(a: Any, b: Any) -> Any:
    """The sum of two counts modulo 2**32, a NumPy number if both are known."""
    if a.__class__ is int and b.__class__ is int:
        return np.uint32((a + b) & _MASK)
    return lax.add(_word(a), _word(b))


def _long(count: Any) -> Any:
    return cast(count, INT64) if hasattr(count, "dtype") else np.int64(count)


def _word(count: Any) -> Any:
    if hasattr(count, "dtype"):
        return lax.convert_element_type(count, np.uint32)
    return np.uint32(count & _MASK)


def key_of_seed(seed: int) -> Any:
    """The threefry key of an exact integer: ``jax.random.key(seed)``, without regard to x64."""
    words: Any = np.array([(seed >> 32) & _MASK, seed & _MASK], np.uint32)
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def _fold(key: Any, number: Any) -> Any:
    if isinstance(key, Tracer) or isinstance(number, Tracer):
        return jax.random.fold_in(key, number)
    return call_kernel("fold", _folding, (), key, number)


_fold_kernel = jax.jit(jax.random.fold_in)


def _folding() -> Any:
    return _fold_kernel


def _draw_block(kind: str, key: Any, first: Any) -> Any:
    """What the ``BLOCK`` draws from number ``first`` on would give each on its own."""
    draw = jax.random.uniform if kind == "uniform" else jax.random.normal
    numbers = first + lax.iota(np.uint32, BLOCK)
    return jax.vmap(lambda n: draw(jax.random.fold_in(key, n), (), FLOAT64))(numbers)


_block_kernel = jax.jit(_draw_block, static_argnums=0)


def _drawing_block(kind: str) -> Any:
    return functools.partial(_block_kernel, kind)


class Stream:
    """The stream of keys and scalars that a seed determines.

    Attributes:
        lock: held by the thread that draws.
    """

    def __init__(self, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Begin again at ``seed``."""
        with self.lock:
            self._seed = seed
            self._key: Any = None
            self._count: Any = 0
            self._blocks: dict[str, tuple[int, list[float]]] = {}

    @property
    def key(self) -> Any:
        """The key of the seed."""
        if self._key is None:
            with jax.ensure_compile_time_eval():
                self._key = key_of_seed(self._seed)
        return self._key

    @property
    def position(self) -> Any:
        """How many draws there were; an array where a compiled program has counted them."""
        return self._count

    def go_to(self, position: Any) -> None:
        """Go on as if there had been so many draws."""
        with self.lock:
            self._count = position

    def _next(self) -> int:
        """The number of the next draw, which counts as drawn."""
        self._count = (int(self._count) + 1) & _MASK
        return self._count

    def next_key(self) -> Any:
        """The key of the next draw."""
        if DIALECT.resolve is not None:
            raise _baked_in()
        with self.lock:
            before = self._count
            key = _fold(self.key, np.uint32(self._next()))
            if isinstance(key, Tracer):
                self._count = before
                raise _baked_in()
            return key

    def scalar(self, kind: str) -> float:
        """The next ``uniform`` or ``normal`` double."""
        if DIALECT.resolve is not None:
            raise _baked_in()
        with self.lock:
            number = self._next()
            first, block = self._blocks.get(kind, (0, ()))
            index = number - first
            if not 0 <= index < len(block):
                block = self._new_block(kind, number)
                self._blocks[kind] = (number, block)
                index = 0
            return block[index]

    def _new_block(self, kind: str, first: int) -> list[float]:
        with jax.ensure_compile_time_eval(), wide():
            return np.asarray(
                call_kernel(kind, _drawing_block, (kind,), self.key, np.uint32(first))
            ).tolist()


def _baked_in() -> StagingError:
    return StagingError(
        "a random number is drawn in a program that Python compiles, where it would be the same "
        "in every call",
        hint="compile the procedure with eshkol's jit, or pass a key: (call-with-rng key thunk)",
    )


STREAM = Stream()


def next_key() -> Any:
    """The key of the next draw, from the installed source or the seed's stream."""
    draw = KEY_SOURCE.draw
    return STREAM.next_key() if draw is None else draw()


def position() -> tuple[Any, Any]:
    """The key from which the next draws follow, and how many there were.

    The key is None where none could be foreseen.
    """
    source = KEY_SOURCE.draw
    if source is None:
        return STREAM.key, _word(STREAM.position)
    if source.__class__ is LaneSource and source.key is not None:
        return source(), np.uint32(0)
    return source.key, source.position


def counting() -> Any:
    """A context for a program that draws from :func:`position` on and then calls :func:`advance`.

    No other thread draws from the seed's stream meanwhile, or both would draw the same numbers.
    """
    return STREAM.lock if KEY_SOURCE.draw is None else nullcontext()


def advance(draws: Any) -> None:
    """Count ``draws`` that something else has made from :func:`position`."""
    source = KEY_SOURCE.draw
    if source is None:
        STREAM.go_to(_sum(STREAM.position, draws))
    else:
        source.advance(draws)


@contextmanager
def drawing_from(source: Source) -> Iterator[Source]:
    """Draws in this block take their keys from ``source``."""
    outer, KEY_SOURCE.draw = KEY_SOURCE.draw, source
    try:
        yield source
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
    with drawing_from(Source(as_key(key, "call-with-rng"))):
        return callee(thunk)()


def split_rng(key: Any, count: Any = 2) -> Any:
    """A list of ``count`` keys that are independent of each other."""
    number = static_int(count, "split-rng", "count")
    if number < 1:
        raise BadValue(f"split-rng: expected at least 1 key, got {number}")
    keys = jax.random.split(as_key(key, "split-rng"), number)
    return scheme_list([keys[i] for i in range(number)])

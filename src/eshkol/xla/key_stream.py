"""The stream of random numbers that a seed determines, from which eager code draws.

Each path has draws of its own. Compiled programs are given the keys and counts of theirs, and give
back how far they have counted.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from types import FrameType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.autodiff.attempts import ATTEMPTS, Drawing
from eshkol.base.errors import StagingError
from eshkol.datum.values import UNSPECIFIED
from eshkol.primitives.calling import DIALECT
from eshkol.runtime.draw_paths import Path, Site, calls_to, followed, names, path_of, path_to
from eshkol.xla.arguments import static_int
from eshkol.xla.dtypes import FLOAT64, wide
from eshkol.xla.kernels import call_kernel
from eshkol.xla.keys import (
    KEY_SOURCE,
    MASK,
    Draws,
    SitesCoincide,
    Source,
    fold,
    key_of_names,
    key_of_seed,
)
from eshkol.xla.keys import MoreSites as MoreSites
from eshkol.xla.tensors import Tracer

BLOCK = 1024
"""How many scalars are drawn at once."""

MOST_PATHS = 4096
"""So many paths, as calls that lead to a draw, are remembered."""


class Counted:
    """The draws with one path of the stream.

    Attributes:
        key: of the path.
        blocks: by kind, the number of the first of some scalars drawn in advance, and they.
    """

    __slots__ = ("_count", "_place", "_words", "blocks", "key")

    def __init__(self, key: Any) -> None:
        self.key = key
        self.blocks: dict[str, tuple[int, list[float]]] = {}
        self._words: Any = None
        self._count = 0
        self._place: tuple[Any, int] | None = None

    @property
    def words(self) -> Any:
        """The key as two NumPy numbers."""
        if self._words is None:
            self._words = np.asarray(jax.random.key_data(self.key))
        return self._words

    @property
    def count(self) -> int:
        """How many draws there were, modulo 2**32; waits for a program that counts them."""
        if self._place is not None:
            counts, number = self._place
            self._count, self._place = int(counts[number]), None
        return self._count

    def upcoming_key(self) -> Any:
        """The key of the next draw, which stays the next."""
        return fold(self.key, np.uint32((self.count + 1) & MASK))

    def advance(self, draws: int) -> None:
        """Leave out ``draws`` numbers."""
        if ATTEMPTS.undo is not None:
            ATTEMPTS.undo.append(self._back())
        self._count = (self.count + draws) & MASK

    def go_to(self, counts: Any, number: int) -> None:
        """Go on where a program has stopped, which gives ``counts``."""
        if ATTEMPTS.undo is not None:
            ATTEMPTS.undo.append(self._back())
        self._place = counts, number

    def _back(self) -> Callable[[], None]:
        """What goes back to where the draws are now."""
        count, place = self._count, self._place

        def back() -> None:
            self._count, self._place = count, place

        return back

    def is_at(self, counts: Any, number: int) -> bool:
        """Whether ``counts`` tell at ``number`` how many draws there were."""
        return self._place is not None and self._place[0] is counts and self._place[1] == number

    @property
    def counts(self) -> Any:
        """What a program that has not been waited for gave as its counts; None if there is none."""
        return None if self._place is None else self._place[0]

    def next(self) -> int:
        """The number of the next draw, which counts as drawn."""
        if ATTEMPTS.undo is not None:
            ATTEMPTS.undo.append(self._back())
        self._count = (self.count + 1) & MASK
        return self._count


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
            self._by_names: dict[tuple[str, ...], Counted] = {}
            self._by_path: dict[Path, Counted] = {}
            self._by_calls: dict[tuple[Site, ...], Counted] = {}
            self._words: dict[tuple[Counted, ...], Any] = {}

    def begin_again(self) -> None:
        """Number all draws from the first again."""
        self.seed(self._seed)

    @property
    def key(self) -> Any:
        """The key of the seed."""
        if self._key is None:
            with jax.ensure_compile_time_eval():
                self._key = key_of_seed(self._seed)
        return self._key

    def draws(self, path: Path) -> Counted:
        """The draws with a path."""
        counted = self._by_path.get(path)
        if counted is None:
            if len(self._by_path) == MOST_PATHS:
                self._by_path.clear()
            counted = self._by_path[path] = self._of_names(names(path))
        return counted

    def draws_after(self, calls: tuple[Site, ...]) -> Counted:
        """The draws that these calls lead to."""
        counted = self._by_calls.get(calls)
        if counted is None:
            if len(self._by_calls) == MOST_PATHS:
                self._by_calls.clear()
            counted = self._by_calls[calls] = self.draws(path_of(calls))
        return counted

    def _of_names(self, path: tuple[str, ...]) -> Counted:
        counted = self._by_names.get(path)
        if counted is None:
            with jax.ensure_compile_time_eval():
                counted = self._by_names[path] = Counted(key_of_names(self.key, path))
        return counted

    def next_key(self, calls: tuple[Site, ...]) -> Any:
        """The key of the next draw that these calls lead to."""
        if DIALECT.resolve is not None:
            raise _baked_in()
        with self.lock:
            counted = self.draws_after(calls)
            key = counted.upcoming_key()
            if isinstance(key, Tracer):
                raise _baked_in()
            counted.advance(1)
            return key

    def scalar(self, kind: str, calls: tuple[Site, ...]) -> float:
        """The next ``uniform`` or ``normal`` double."""
        if DIALECT.resolve is not None:
            raise _baked_in()
        with self.lock:
            counted = self.draws_after(calls)
            number = counted.next()
            first, block = counted.blocks.get(kind, (0, ()))
            index = number - first
            if not 0 <= index < len(block):
                block = _new_block(kind, counted.key, number)
                counted.blocks[kind] = (number, block)
                index = 0
            return block[index]

    def words(self, draws: tuple[Counted, ...], room: int) -> Any:
        """The words of the keys of some draws, of zeros up to ``room``."""
        words = self._words.get(draws)
        if words is None or len(words) != room:
            words = self._words[draws] = np.zeros((room, 2), np.uint32)
            for number, counted in enumerate(draws):
                words[number] = counted.words
        return words


def _new_block(kind: str, key: Any, first: int) -> list[float]:
    with jax.ensure_compile_time_eval(), wide():
        return np.asarray(
            call_kernel(kind, _drawing_block, (kind,), key, np.uint32(first))
        ).tolist()


def _draw_block(kind: str, key: Any, first: Any) -> Any:
    """What the ``BLOCK`` draws from number ``first`` on would give each on its own."""
    draw = jax.random.uniform if kind == "uniform" else jax.random.normal
    numbers = first + lax.iota(np.uint32, BLOCK)
    return jax.vmap(lambda n: draw(jax.random.fold_in(key, n), (), FLOAT64))(numbers)


_block_kernel = jax.jit(_draw_block, static_argnums=0)


def _drawing_block(kind: str) -> Any:
    return functools.partial(_block_kernel, kind)


def _baked_in() -> StagingError:
    return StagingError(
        "a random number is drawn in a program that Python compiles, where it would be the same "
        "in every call",
        hint="compile the procedure with eshkol's jit, or pass a key: (call-with-rng key thunk)",
    )


STREAM = Stream()
Drawing.undo_all = STREAM.begin_again


def next_key() -> Any:
    """The key of the next draw, from the installed source or the seed's stream."""
    source = KEY_SOURCE.draw
    calls = calls_to(sys._getframe(1))
    return STREAM.next_key(calls) if source is None else source.draws(path_of(calls)).next_key()


def next_scalar(kind: str) -> float:
    """The next ``uniform`` or ``normal`` double of the seed's stream."""
    return STREAM.scalar(kind, calls_to(sys._getframe(1)))


def rng_seed(seed: Any) -> Any:
    """Begin the stream of random numbers again at an exact integer."""
    if DIALECT.resolve is not None:
        raise StagingError(
            "rng-seed: a compiled program can't begin the stream of random numbers again",
            hint="(with-rng 7 body …) gives what is drawn in it a key of its own; or call rng-seed "
            "before the program",
        )
    STREAM.seed(static_int(seed, "rng-seed", "seed"))
    return UNSPECIFIED


# ---- several draws at once


class Upcoming:
    """The next draw of the caller's, which something else makes for it."""

    def __init__(self, caller: FrameType) -> None:
        self.source = KEY_SOURCE.draw
        self.path = path_to(caller)

    def key(self) -> Any:
        """Its key."""
        return _draws_of(self.source, self.path).upcoming_key()

    def count(self) -> None:
        """It was made."""
        _draws_of(self.source, self.path).advance(1)


def _draws_of(source: Source | None, path: Path) -> Any:
    return STREAM.draws(path) if source is None else source.draws(path)


def counting() -> Any:
    """A context for a program that takes counts and then gives them back.

    No other thread draws from the seed's stream meanwhile, or both would draw the same numbers.
    """
    return STREAM.lock if KEY_SOURCE.draw is None else nullcontext()


def start(caller: FrameType, sites: Iterable[Path], room: int) -> tuple[Any, Any]:
    """What a program is given that draws at ``sites``: the words of keys, and counts.

    Args:
        caller: the frame that calls it.
        sites: the paths to its draws from its call on.
        room: for so many sites.
    """
    draws = _draws_at(caller, sites)
    if KEY_SOURCE.draw is None:
        return STREAM.words(draws, room), _counts(draws, room)
    words = [jax.random.key_data(each.get_key()) for each in draws]
    return _padded(words, (2,), room), _padded([each.position for each in draws], (), room)


def _counts(draws: Sequence[Counted], room: int) -> Any:
    """How many draws there were of each path: an array that a program gave, if it tells them."""
    known = draws[0].counts if draws else None
    if (
        known is not None
        and len(known) == room
        and all(counted.is_at(known, number) for number, counted in enumerate(draws))
    ):
        return known
    counts = np.zeros(room, np.uint32)
    for number, counted in enumerate(draws):
        counts[number] = counted.count
    return counts


def _padded(parts: list[Any], shape: tuple[int, ...], room: int) -> Any:
    rest = jnp.zeros((room - len(parts), *shape), np.uint32)
    return jnp.concatenate([jnp.stack(parts), rest]) if parts else rest


def finish(caller: FrameType, sites: Iterable[Path], draws: Sequence[int] | Any) -> None:
    """Count what a program has drawn.

    Args:
        caller: the frame that has called it.
        sites: the paths to its draws from its call on.
        draws: how many there were at each of them; or an array, up to where they are counted now.
    """
    for number, each in enumerate(_draws_at(caller, sites)):
        if draws.__class__ is tuple:
            each.advance(draws[number])
        elif isinstance(each, Draws):
            each.advance(lax.sub(draws[number], each.position))
        else:
            each.go_to(draws, number)


def _draws_at(caller: FrameType, sites: Iterable[Path]) -> tuple[Any, ...]:
    """The draws at some sites of a program that is called.

    Raises:
        SitesCoincide: two of them are the same there.
    """
    source, path = KEY_SOURCE.draw, path_to(caller, is_draw=False)
    draws = tuple([_draws_of(source, followed(path, site)) for site in sites])
    if len(set(draws)) < len(draws):
        raise SitesCoincide(path if source is None else followed(source.prefix, path))
    return draws

"""The stream of random numbers that a seed determines, from which eager code draws.

Each path has draws of its own. Compiled programs are given the keys and counts of theirs, and give
back how far they have counted.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from types import FrameType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.autodiff.attempts import Drawing
from eshkol.base.errors import StagingError
from eshkol.datum.values import UNSPECIFIED
from eshkol.primitives.calling import DIALECT
from eshkol.runtime.draw_paths import (
    NO_CALLS,
    Calls,
    Path,
    Site,
    Trips,
    calls_to,
    followed,
    names,
    path_of,
)
from eshkol.xla.arguments import static_int
from eshkol.xla.counted_draws import Counted, CountedPath
from eshkol.xla.keys import KEY_SOURCE, SitesCoincide, Source
from eshkol.xla.scalar_draws import scalar
from eshkol.xla.seeds import key_of_names, key_of_seed
from eshkol.xla.tensors import Tracer

MOST_PATHS = 4096
"""So many paths, as calls that lead to a draw, are remembered."""


Started = tuple[int, tuple[Path, ...], tuple[Any, ...]]

NOTHING_STARTED: Started = 0, (), ()


class Stream:
    """The stream of keys and scalars that a seed determines.

    Attributes:
        lock: held by the thread that draws.
        started: the ``id`` of the frame that calls a program, its sites and the draws there.
        begun_in: by their ``id``, the runs of loops in which it has begun, and the trip.
    """

    def __init__(self, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self.seed(seed)

    def seed(self, seed: int, calls: Calls = NO_CALLS) -> None:
        """Begin again at ``seed``, where calls are going on."""
        with self.lock:
            trips = [trip for _, _, trips in calls.loops for trip in trips]
            self.begun_in = {id(own): (own, number) for own, number in trips}
            self._seed = seed
            self.started = NOTHING_STARTED
            self._key: Any = None
            self._by_names: dict[tuple[str, ...], CountedPath] = {}
            self._by_path: dict[Path, CountedPath] = {}
            self._by_calls: dict[tuple[Site, ...], CountedPath] = {}
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

    def draws(self, path: Path) -> CountedPath:
        """The draws with a path."""
        counted = self._by_path.get(path)
        if counted is None:
            if len(self._by_path) == MOST_PATHS:
                self._by_path.clear()
            counted = self._by_path[path] = self._of_names(names(path))
        return counted

    def draws_after(self, calls: Calls) -> Counted:
        """The draws that these calls lead to."""
        counted = self._by_calls.get(calls.sites)
        if counted is None:
            if len(self._by_calls) == MOST_PATHS:
                self._by_calls.clear()
            counted = self._by_calls[calls.sites] = self.draws(path_of(calls.sites))
        return counted.at(self.since_seed(calls.trips())) if calls.loops else counted

    def since_seed(self, trips: Trips) -> Trips:
        """Trips without those that were going on when the stream began, numbered from there."""
        if not self.begun_in:
            return trips
        found = []
        for own, number in trips:
            _, first = self.begun_in.get(id(own), (own, None))
            if number != first:
                found.append((own, number if first is None else number - first))
        return tuple(found)

    def _of_names(self, path: tuple[str, ...]) -> CountedPath:
        counted = self._by_names.get(path)
        if counted is None:
            with jax.ensure_compile_time_eval():
                counted = self._by_names[path] = CountedPath(key_of_names(self.key, path))
        return counted

    def next_key(self, calls: Calls) -> Any:
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

    def scalar(self, kind: str, calls: Calls) -> float:
        """The next ``uniform`` or ``normal`` double."""
        if DIALECT.resolve is not None:
            raise _baked_in()
        with self.lock:
            counted = self.draws_after(calls)
            return scalar(kind, counted)

    def words(self, draws: tuple[Counted, ...], room: int) -> Any:
        """The words of the keys of some draws, of zeros up to ``room``."""
        words = self._words.get(draws)
        if words is None or len(words) != room:
            words = np.zeros((room, 2), np.uint32)
            for number, counted in enumerate(draws):
                words[number] = counted.words
            if all(counted.__class__ is CountedPath for counted in draws):
                self._words[draws] = words
        return words


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
    if source is None:
        return STREAM.next_key(calls)
    return source.place(calls).next_key()


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
    STREAM.seed(static_int(seed, "rng-seed", "seed"), calls_to(sys._getframe(1)))
    return UNSPECIFIED


# ---- several draws at once


class Upcoming:
    """The next draw of the caller's, which something else makes for it."""

    def __init__(self, caller: FrameType) -> None:
        self.source = KEY_SOURCE.draw
        self.calls = calls_to(caller)

    def key(self) -> Any:
        """Its key."""
        return self._place().upcoming_key()

    def count(self) -> None:
        """It was made."""
        self._place().advance(1)

    def _place(self) -> Any:
        source, calls = self.source, self.calls
        return STREAM.draws_after(calls) if source is None else source.place(calls)


def counting() -> Any:
    """A context for a program that takes counts and then gives them back.

    No other thread draws from the seed's stream meanwhile, or both would draw the same numbers.
    """
    return STREAM.lock if KEY_SOURCE.draw is None else nullcontext()


def start(caller: FrameType, sites: Sequence[Path], room: int) -> tuple[Any, Any]:
    """What a program is given that draws at ``sites``: the words of keys, and counts.

    Args:
        caller: the frame that calls it.
        sites: the paths to its draws from its call on.
        room: for so many sites.
    """
    draws = _draws_at(caller, sites)
    if KEY_SOURCE.draw is None:
        STREAM.started = id(caller), tuple(sites), draws
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


def finish(caller: FrameType, sites: tuple[Path, ...], draws: Sequence[int] | Any) -> None:
    """Count what a program has drawn.

    Args:
        caller: the frame that has called it.
        sites: the paths to its draws from its call on.
        draws: how many there were at each of them; or an array, up to where they are counted now.
    """
    frame, known, places = STREAM.started
    STREAM.started = NOTHING_STARTED
    if frame != id(caller) or known != sites or KEY_SOURCE.draw is not None:
        places = _draws_at(caller, sites)
    for number, each in enumerate(places):
        if draws.__class__ is tuple:
            each.advance(draws[number])
        elif isinstance(each, Counted):
            each.go_to(draws, number)
        else:
            each.advance(lax.sub(draws[number], each.position))


def _draws_at(caller: FrameType, sites: Iterable[Path]) -> tuple[Any, ...]:
    """The draws at some sites of a program that is called.

    Raises:
        SitesCoincide: two of them are the same there.
    """
    source, calls = KEY_SOURCE.draw, calls_to(caller)
    path = path_of(calls.sites, is_draw=False)
    draws = [_draws_of(source, followed(path, site)) for site in sites]
    if len(set(draws)) < len(draws):
        raise SitesCoincide(path if source is None else followed(source.prefix, path))
    if source is not None and draws:
        source.check_numbers(calls)
    if source is None and not calls.loops:
        return tuple(draws)
    trips = [calls.trips([around.procedure for around in site], is_draw=False) for site in sites]
    numbered = map(STREAM.since_seed if source is None else source.numbered, trips)
    return tuple([each.at(trip) for each, trip in zip(draws, numbered, strict=True)])


def _draws_of(source: Source | None, path: Path) -> Any:
    return STREAM.draws(path) if source is None else source.draws(path)

"""Random keys: where a program takes them from.

The draws are numbered by their paths (``runtime/draw_paths.py``), so a draw that is added changes
no other. The key of a draw is one key, folded with the names on the path one by one, and then with
the number of the draw among those of the path; in a loop, with the number that the run has among
them, with that of the trip, and with that of the draw in the trip. The one key is that of the seed
(``key_stream``), of ``call-with-rng``, or of a lane of ``vmap``. A program being compiled takes the
keys of its paths, and how many draws each has had, as arguments and counts on, so it draws what
eager code would. The counts are variables that branches and loops carry like any other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, OutOfRange, StagingError
from eshkol.datum.pairs import scheme_list
from eshkol.primitives.calling import callee, is_traced
from eshkol.primitives.declare import load
from eshkol.primitives.points import check_procedure
from eshkol.runtime.dialects import NUMBERING
from eshkol.runtime.draw_paths import Calls, Path, Trips, followed, names, path_of
from eshkol.runtime.procedures import BORDER, SITES
from eshkol.xla import journal
from eshkol.xla._compat import is_wide_key, wide_key_kind
from eshkol.xla._compat_traces import is_usable
from eshkol.xla.arguments import static_int
from eshkol.xla.draws import Box, Draws, Place
from eshkol.xla.dtypes import INT64, wide
from eshkol.xla.seeds import MASK, THREEFRY, as_long, fold, key_of_names, key_of_seed
from eshkol.xla.tensors import Tracer, cast
from eshkol.xla.witness import tracer_of

MOST_RUNS = 64
"""The numbers of so many runs that objects tell are remembered, those that drew last."""


class Source:
    """Keys of a program's own: of each path, that of the names on it folded one by one into one
    key, folded with the number of the draw.

    Attributes:
        get_key: gives the one; None where no key could be foreseen: a draw is an error then.
        by_path: the draws with each path so far, in order of the first.
        frames: of the parts that were being traced at its beginning.
        prefix: the path that led to its beginning, if that matters.
        is_numbering: whether the loops of compiled code that draw from it number their trips.
    """

    __slots__ = ("_numbers", "_runs", "by_path", "frames", "get_key", "is_numbering", "prefix")

    def __init__(
        self,
        get_key: Callable[[], Any] | None,
        prefix: Path = (),
        is_numbering: bool = True,
    ) -> None:
        self.get_key = get_key
        self.prefix = prefix
        self.is_numbering = is_numbering
        self.by_path: dict[tuple[Any, ...], Draws] = {}
        self.frames = tuple(journal.FRAMES.stack)
        self._runs: Box | None = None
        self._numbers: dict[int, tuple[Any, Any]] = {}

    def draws(self, path: Path) -> Draws:
        """The draws with a path."""
        draws = self.by_path.get(path)
        if draws is None:
            known = names(followed(self.prefix, path))
            draws = self.by_path.get(known) or self._new_draws(path)
            self.by_path[path] = self.by_path[known] = draws
        return draws

    def runs(self) -> Box:
        """A variable that holds how many runs of loops there were."""
        if self._runs is None:
            self._runs = self._new_box(None, 0)
        return self._runs

    def box(self, path: Path | None, number: int) -> Box:
        """A variable: of the draws with a path (see ``Draws.box``), or of the runs."""
        return self.runs() if path is None else self.draws(path).box(number)

    def check_numbers(self, calls: Calls) -> None:
        """See that the trips of loops are known to a draw that calls lead to.

        Raises:
            LoopsDraw: they have no numbers.
        """
        if calls.lacks_trips and self.is_given and not self.is_numbering:
            raise LoopsDraw

    def place(self, calls: Calls) -> Place:
        """Where the draw is made that calls lead to."""
        self.check_numbers(calls)
        return self.draws(path_of(calls.sites)).at(self.numbered(calls.trips()))

    def numbered(self, trips: Trips) -> Trips:
        """Trips of runs that have numbers; an object that tells one gets a number of its own."""
        return tuple([(self._number_of(run), trip) for run, trip in trips])

    def _number_of(self, run: Any) -> Any:
        if run.__class__ is int or hasattr(run, "dtype") or hasattr(run, "__eshkol_traced__"):
            return run
        _, number = self._numbers.pop(id(run), (None, None))
        if number is None or not is_usable(tracer_of(number)):
            number = self.new_run()
        self._numbers[id(run)] = run, number  # which keeps the object alive
        if len(self._numbers) > MOST_RUNS:
            del self._numbers[next(iter(self._numbers))]
        return number

    def new_run(self) -> Any:
        """A number for a run that begins."""
        runs = self.runs()
        before = tracer_of(runs[0])
        with wide():
            number = before + 1 if before.__class__ is int else lax.add(before, np.int64(1))
        journal.set_box(runs, number)
        return number

    def _new_box(self, path: Path | None, number: int) -> Box:
        """A variable as old as the source, also where the first draw is in a loop."""
        return journal.note_made([0], self.frames)

    def _new_draws(self, path: Path) -> Draws:
        get_key = self.get_key
        if get_key is None:
            raise StagingError(
                "a random number is drawn where the compiler could not foresee it",
                hint="draw in a Scheme procedure, or pass a key: (call-with-rng key thunk)",
            )
        return Draws(
            lambda number: self._new_box(path, number),
            lambda: key_of_names(get_key(), names(path)),
            lambda: 0,
        )

    @property
    def is_given(self) -> bool:
        """Whether it has keys."""
        return self.get_key is not None

    @property
    def key_words(self) -> Any:
        """The words of its one key."""
        assert self.get_key is not None
        return jax.random.key_data(self.get_key())

    @property
    def key_kind(self) -> Any:
        """What tells how keys are made of its words; None if it doesn't have one key."""
        return None if self.get_key is None else jax.random.key_impl(self.get_key())

    @property
    def has_drawn(self) -> bool:
        """Whether there may have been a draw."""
        return any(draws.has_drawn for draws in self.by_path.values())


class CalledSource(Source):
    """The keys that ``with-rng`` gives, inside of a part that is traced once for several calls.

    Args:
        words: of the one key.
        kind: what tells how keys are made of them.
        boxes: the variables that are counted with, see ``Source.box``.
        need: called with another that is needed.
    """

    __slots__ = ("need",)

    def __init__(
        self,
        words: Any,
        kind: Any,
        boxes: Sequence[tuple[Path | None, int]],
        need: Callable[[Path | None, int], None],
        is_numbering: bool,
    ) -> None:
        get_key = partial(jax.random.wrap_key_data, words, impl=kind)
        super().__init__(get_key, is_numbering=is_numbering)
        self.need: Callable[[Path | None, int], None] | None = None
        for path, number in boxes:
            self.box(path, number)
        self.need = need

    def _new_box(self, path: Path | None, number: int) -> Box:
        if self.need is not None:
            self.need(path, number)
        return super()._new_box(path, number)


class ProgramSource(Source):
    """The keys of a program being compiled, which takes those of the paths to its draws, and how
    many draws each had, as arguments.

    Attributes:
        words: of the keys, ``uint32[n,2]``.
        counts: ``uint32[n]``.
        sites: the paths, each at its number; more are added as they are met.
        has_grown: whether there were more.
    """

    __slots__ = ("counts", "has_grown", "sites", "words")

    def __init__(
        self,
        words: Any,
        counts: Any,
        sites: list[Path],
        prefix: Path = (),
        is_numbering: bool = False,
    ) -> None:
        super().__init__(None, prefix, is_numbering)
        self.words = words
        self.counts = counts
        self.sites = sites
        self.has_grown = False

    @property
    def is_given(self) -> bool:
        """Whether it has keys."""
        return True

    def _new_draws(self, path: Path) -> Draws:
        prefix = self.prefix
        known = names(followed(prefix, path))
        same = (i for i, p in enumerate(self.sites) if names(followed(prefix, p)) == known)
        number = next(same, -1)
        if number < 0:
            number = len(self.sites)
            self.sites.append(path)
            self.has_grown = True
            if number == self.counts.shape[0]:
                raise MoreSites

        def get_key() -> Any:
            return jax.random.wrap_key_data(self.words[number], impl=THREEFRY)

        return Draws(lambda box: self._new_box(path, box), get_key, lambda: self.counts[number])

    def in_order(self) -> list[Draws]:
        """The draws at each site."""
        return [self.draws(path) for path in self.sites]


class MoreSites(Exception):
    """A program draws by more paths than it was given keys for."""


class LoopsDraw(MoreSites):
    """A program draws in loops, and does not number their trips."""


class SitesCoincide(MoreSites):
    """Some sites of a program have the same path where it is called.

    Attributes:
        prefix: the path to the call.
    """

    def __init__(self, prefix: Path) -> None:
        super().__init__()
        self.prefix = prefix


class KeySource(threading.local):
    """Where this thread's keys come from; None means the seed's stream."""

    draw: Source | None = None


KEY_SOURCE = KeySource()


def may_draw() -> bool:
    """Whether what is being traced may draw: there is something to draw from."""
    source = KEY_SOURCE.draw
    return source is not None and source.is_given


def drawing_from(source: Source, call: Callable[[], Any]) -> Any:
    """The value of ``call``, whose draws take their keys from ``source``; paths begin here.

    Which of its bodies a procedure is staged by depends on the source, so ``call`` finds it.
    """
    outer, KEY_SOURCE.draw = KEY_SOURCE.draw, source
    was_numbering, NUMBERING.is_on = NUMBERING.is_on, source.is_numbering
    try:
        return call()
    finally:
        KEY_SOURCE.draw, NUMBERING.is_on = outer, was_numbering


SITES[id(drawing_from.__code__)] = BORDER


def new_run() -> Any:
    """What tells a run of a compiled loop, which begins, from all others."""
    source = KEY_SOURCE.draw
    return next(_RUNS) if source is None else source.new_run()


_RUNS = count(1)


def next_trip(trip: Any) -> Any:
    """The number of the trip after one of a compiled loop."""
    known = tracer_of(trip)
    if known.__class__ is int:
        return known + 1
    with wide():
        return lax.add(as_long(known), np.int64(1))


def as_key(value: Any, who: str) -> Any:
    """A key: one, its two 32-bit words, or an exact integer seed."""
    value = getattr(value, "__eshkol_traced__", value)
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return value
    if getattr(value, "shape", None) == (2,) and value.dtype == np.uint32:
        return jax.random.wrap_key_data(value, impl=THREEFRY)
    if isinstance(value, Tracer) and value.shape == () and value.dtype.kind in "iu":
        return _key_of_traced(value)
    return key_of_seed(static_int(value, who, "seed"))


def _key_of_traced(seed: Any) -> Any:
    with wide():
        number = cast(seed, INT64)
        high = lax.shift_right_logical(number, np.int64(32))
        words = [lax.convert_element_type(part, np.uint32) for part in (high, number)]
        return jax.random.wrap_key_data(jnp.stack(words), impl=THREEFRY)


def _drawn_from(key: Any) -> Any:
    """A key as draws take it: of any width in a program of which only JAX knows."""
    if not is_traced() or load("eshkol.xla.traced_programs:is_drawing")():
        return key
    if jax.random.key_impl(key) != THREEFRY:
        return key
    return jax.random.wrap_key_data(jax.random.key_data(key), impl=wide_key_kind(key.dtype))


def narrow_key(key: Any) -> Any:
    """A key for draws of 32 bits, as those samplers of JAX want it that know no other kind."""
    if not is_wide_key(key):
        return key
    return jax.random.wrap_key_data(jax.random.key_data(key), impl=THREEFRY)


def call_with_rng(key: Any, thunk: Callable[[], Any]) -> Any:
    """``thunk`` called with its draws taken from ``key`` alone."""
    check_procedure("call-with-rng", thunk)
    own = _drawn_from(as_key(key, "call-with-rng"))
    return drawing_from(Source(lambda: own), lambda: callee(thunk)())


def split_rng(key: Any, count: Any = 2) -> Any:
    """A list of ``count`` keys that are independent of each other.

    They are their words, since a tensor can be what a key of JAX's can't: the variable of a loop,
    the value of a branch, a part of another tensor.
    """
    number = static_int(count, "split-rng", "count")
    if number < 1:
        raise BadValue(f"split-rng: expected at least 1 key, got {number}")
    keys = jax.random.key_data(jax.random.split(as_key(key, "split-rng"), number))
    return scheme_list([keys[i] for i in range(number)])


def fold_in(key: Any, number: Any) -> Any:
    """A key for each number, from a key: the words of what ``jax.random.fold_in`` gives."""
    return jax.random.key_data(fold(as_key(key, "fold-in"), _folded(number)))


def _folded(number: Any) -> Any:
    """A number as the 32 bits that are folded in."""
    value = tracer_of(number)
    if getattr(value, "shape", None) == () and value.dtype.kind in "iu":
        with wide():
            return lax.convert_element_type(value, np.uint32)
    known = static_int(value, "fold-in", "a number")
    if -(2**31) <= known <= MASK:
        return np.uint32(known & MASK)
    raise OutOfRange(
        f"fold-in: {known} does not fit in 32 bits",
        hint="fold in several numbers: (fold-in (fold-in key a) b)",
    )

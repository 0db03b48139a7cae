"""Scalars that eager code draws: many at once, for the draws and trips that are likely to follow.

Each has the key that it would have on its own, so nobody can tell.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import lax

from eshkol.xla.counted_draws import Counted, Trip, Words
from eshkol.xla.dtypes import FLOAT64, wide
from eshkol.xla.kernels import call_kernel
from eshkol.xla.seeds import MASK, THREEFRY, fold_all

DRAWS: dict[str, Callable[..., Any]] = {"uniform": jax.random.uniform, "normal": jax.random.normal}
"""The kinds of draws that are made of bits by JAX: of a key, a shape and a dtype."""

BLOCK = 1024
"""How many scalars are drawn at once, …"""

FIRST_BLOCK = 32
"""… and for how many of the first trips of a loop."""

MOST_IN_TRIP = 16
"""So many draws of a trip, or of runs of loops in it, are each drawn for many trips at once."""

ROW = 16
"""So many trips of a loop are drawn for many trips of the loop around."""


def scalar(kind: str, draws: Counted) -> float:
    """The next ``uniform`` or ``normal`` double of some draws."""
    number = draws.next()
    if isinstance(draws, Trip) and number <= MOST_IN_TRIP:
        around = draws.loop.around
        is_small = draws.number < ROW and draws.loop.number <= MOST_IN_TRIP
        if isinstance(around, Trip) and is_small:
            return _of_inner_trip(kind, around, draws, number)
        return _of_trip(kind, draws, number)
    first, block = draws.blocks.get(kind, (0, ()))
    index = number - first
    if not 0 <= index < len(block):
        block = _drawn(kind, (BLOCK,), draws.words, [number], [])
        draws.blocks[kind] = (number, block)
        index = 0
    return block[index]


def _of_trip(kind: str, trip: Trip, number: int) -> float:
    """The draw with a number in a trip; that of the trips that follow is drawn with it."""
    blocks, key = trip.loop.blocks, (kind, number)
    first, block = blocks.get(key, (0, ()))
    index = trip.number - first
    if not 0 <= index < len(block):
        shape = (BLOCK if block else FIRST_BLOCK,)
        block = _drawn(kind, shape, trip.loop.words, [trip.number], [number])
        blocks[key] = (trip.number, block)
        index = 0
    return block[index]


def _of_inner_trip(kind: str, around: Trip, trip: Trip, number: int) -> float:
    """The same in a loop in a loop, of the first trips of that in many trips of the outer one."""
    blocks, key = around.loop.blocks, (kind, trip.loop.number, number)
    first, block = blocks.get(key, (0, ()))
    index = around.number - first
    if not 0 <= index < len(block):
        shape = (BLOCK // ROW if block else FIRST_BLOCK // ROW, ROW)
        numbers = [around.number, trip.loop.number, 0]
        block = _drawn(kind, shape, around.loop.words, numbers, [number])
        blocks[key] = (around.number, block)
        index = 0
    return block[index][trip.number]


def _drawn(
    kind: str, shape: tuple[int, ...], words: Words, numbers: list[int], rest: list[int]
) -> list[Any]:
    """Draws whose keys are that of some words, folded with numbers.

    Args:
        kind: of the draws.
        shape: how many trips of each loop.
        words: of the key.
        numbers: those of the first draw; the numbers of trips among them, every second, go up.
        rest: the number in the trip.
    """
    given: Any = np.array([*words, *(number & MASK for number in (*numbers, *rest))], np.uint32)
    with jax.ensure_compile_time_eval(), wide():
        return np.asarray(call_kernel(kind, _drawing, (kind, shape), given)).tolist()


def _draw(kind: str, shape: tuple[int, ...], given: Any) -> Any:
    key = jax.random.wrap_key_data(given[:2], impl=THREEFRY)
    draw = DRAWS[kind]

    def one(*steps: Any) -> Any:
        numbers = list(given[2:])
        for place, step in enumerate(steps):
            numbers[2 * place] += step
        return draw(fold_all(key, numbers)[-1], (), FLOAT64)

    return _over(one, shape)


def _over(one: Any, shape: Sequence[int], *before: Any) -> Any:
    """``one`` of all indices of a shape."""
    if not shape:
        return one(*before)
    size, *inner = shape
    return jax.vmap(lambda step: _over(one, inner, *before, step))(lax.iota(np.uint32, size))


_kernel = jax.jit(_draw, static_argnums=(0, 1))


def _drawing(kind: str, shape: tuple[int, ...]) -> Any:
    return functools.partial(_kernel, kind, shape)

"""What loops keep for the way back, as the program around them says: ``#:checkpoint``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from eshkol.xla.loop_primitive import loop

Keep = tuple[str | int, int | None]
"""What a loop keeps, ``all``, ``log`` or how many states, and how many trips it makes at most."""

DEFAULT: Keep = ("log", None)

KEPT = jax.make_user_context(DEFAULT)
"""``(checkpoint, max_trips)`` of the loops that are being traced; part of the key of what is."""


def kept(
    function: Callable[..., Any],
    checkpoint: str,
    max_trips: str,
    *arguments: Any,
    **options: Any,
) -> Any:
    """Call ``function``; loops that are compiled in the call keep states as asked for.

    Args:
        function: any.
        checkpoint: ``all``, ``log`` or the digits of a number.
        max_trips: the digits of a number, or nothing.
        arguments: of the call.
        options: of the call.
    """
    what = int(checkpoint) if checkpoint.isdigit() else checkpoint
    with KEPT((what, int(max_trips) if max_trips else None)):
        return function(*arguments, **options)


def run_loop(
    goes_on: Callable[[Any], Any],
    body: Callable[[Any], Any],
    start: Any,
    keep: Keep | None = None,
    idles: bool = False,
) -> Any:
    """The state of a loop at its end.

    Args:
        goes_on: the condition, of the state.
        body: one trip.
        start: the state before the first trip.
        keep: what it keeps where the program does not say it.
        idles: whether trips behind the end change nothing that is used of the state.
    """
    checkpoint, max_trips = KEPT.value
    if keep is not None and KEPT.value == DEFAULT:
        checkpoint, max_trips = keep
    return loop(goes_on, body, start, checkpoint, max_trips, idles)

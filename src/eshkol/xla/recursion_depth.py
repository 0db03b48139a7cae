"""How deep recursions of compiled programs may go, as the program around them says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax

DEPTH = jax.make_user_context(None)
"""The most calls that may wait for others; part of the key of what is traced."""


def room_for(calls: int | None) -> AbstractContextManager[Any]:
    """In this block recursions that are compiled have room for so many calls; None: as before."""
    return nullcontext() if calls is None else DEPTH(calls)


def limited(thunk: Callable[[], Any], depth: int) -> Any:
    """Call ``thunk``; recursions that are compiled in the call have room for ``depth`` calls."""
    with room_for(depth):
        return thunk()

"""How deep recursions of compiled programs may go, as the program around them says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

DEPTH = jax.make_user_context(None)
"""The most calls that may wait for others; part of the key of what is traced."""


def limited(thunk: Callable[[], Any], depth: int) -> Any:
    """Call ``thunk``; recursions that are compiled in the call have room for ``depth`` calls."""
    with DEPTH(depth):
        return thunk()

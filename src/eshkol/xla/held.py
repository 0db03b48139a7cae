"""Containers that are known as the ones that they are, not by what they hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Held(threading.local):
    """The containers that loops hold.

    A loop holds those that its variables keep from trip to trip while trips change them: what
    they hold is then carried as the contents of places.
    """

    def __init__(self) -> None:
        self.containers: dict[int, Any] = {}


HELD = Held()


@contextmanager
def none_held() -> Iterator[None]:
    """In this block all containers are known by what they hold, whichever loop holds them."""
    saved, HELD.containers = HELD.containers, {}
    try:
        yield
    finally:
        HELD.containers = saved

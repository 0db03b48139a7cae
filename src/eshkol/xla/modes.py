"""Settings that compiled code depends on: the dtype of tensors and of products, and checks.

They are a part of JAX's tracing context, so that what is compiled under one mode is not used under
another, whoever compiled it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

from eshkol.base.config import CONFIG

MODE = jax.make_user_context(CONFIG.mode)
"""The mode of this thread, as JAX knows it."""


class Followers:
    """Those who keep short ways for calls, which hold for one mode.

    Attributes:
        extents: how many dynamic extents of another mode there are, in all threads.
    """

    def __init__(self) -> None:
        self.extents = 0
        self._members: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()

    def add(self, member: Any) -> None:
        """Tell ``member`` from now on, while it is there."""
        with self._lock:
            self._members.add(member)

    def tell(self, entered: int = 0) -> None:
        """The mode is another: short ways are forgotten.

        Args:
            entered: 1 where an extent begins, -1 where one ends.
        """
        with self._lock:
            self.extents += entered
            members = list(self._members)
        for member in members:
            member.forget()


FOLLOWERS = Followers()


@contextmanager
def entered() -> Iterator[None]:
    """In this block the mode of this thread is what ``CONFIG`` says it is now."""
    FOLLOWERS.tell(entered=1)
    try:
        with MODE(CONFIG.mode):
            yield
    finally:
        FOLLOWERS.tell(entered=-1)


def _follow() -> None:
    MODE.set_global(CONFIG.mode)
    FOLLOWERS.tell()


CONFIG.followers.append(_follow)

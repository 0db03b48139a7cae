"""Single operations in the store, where the whole process is ours.

Eager code compiles a program for every operation and shape. JAX has a cache of those, after tracing
and lowering, and lets it be in a directory that others fill without checks. Here its entries are in
the store, whole, checked and bounded like all others. A process of somebody else, who has imported
us, keeps JAX's settings as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

from eshkol.base.config import CONFIG
from eshkol.base.store import key_of, user_store
from eshkol.xla._compat import CacheInterface, install_cache


class Compiler(threading.local):
    """What XLA has done in this thread.

    Attributes:
        is_alone: whether only XLA itself may be asked.
        compiled: how often it was asked for a program.
        found: how often the program was in JAX's cache.
    """

    def __init__(self) -> None:
        self.is_alone = False
        self.compiled = 0
        self.found = 0

    @contextmanager
    def fresh(self) -> Iterator[list[bool]]:
        """Afterwards the list tells whether the program compiled in this block is XLA's own work.

        What comes out of a cache has lost what it takes to be stored again.
        """
        is_fresh: list[bool] = []
        saved, before = self.is_alone, (self.compiled, self.found)
        self.is_alone = True
        try:
            yield is_fresh
        finally:
            self.is_alone = saved
        is_fresh.append(self.compiled > before[0] and self.found == before[1])


COMPILER = Compiler()


def _on_event(event: str, **_: Any) -> None:
    if event == "/jax/compilation_cache/cache_hits":
        COMPILER.found += 1


def _on_duration(event: str, duration_secs: float, **_: Any) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        COMPILER.compiled += 1


jax.monitoring.register_event_listener(_on_event)
jax.monitoring.register_event_duration_secs_listener(_on_duration)


class OperationCache(CacheInterface):
    """What JAX asks for compiled programs."""

    def get(self, key: str) -> bytes | None:
        """What was put under a key, if it is there."""
        store = None if COMPILER.is_alone else user_store()
        return None if store is None else store.read(_key(key))

    def put(self, key: str, value: bytes) -> None:
        """Keep what was compiled."""
        store = None if COMPILER.is_alone else user_store()
        if store is not None:
            store.write(_key(key), value)


def _key(key: str) -> bytes:
    return key_of(b"xla", key.encode())


def install() -> None:
    """Let JAX keep its programs in the store, unless the user has told it another place."""
    if CONFIG.owns_process and CONFIG.store and not jax.config.values["jax_compilation_cache_dir"]:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        install_cache(OperationCache())

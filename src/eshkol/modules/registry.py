"""Each library is loaded once in a process, whoever imports it, Scheme or Python."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ImportCycle(Exception):
    """A library imports itself, through those in ``paths``."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(" → ".join(paths))
        self.paths = paths


class Registry(Generic[T]):
    """Loaded libraries by path.

    One library is loaded at a time, whatever thread asks: a library sees those it imports whole.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._loaded: dict[str, T] = {}
        self._loading: dict[str, str] = {}

    def get(self, path: str) -> T | None:
        """The library of this file, if it is loaded."""
        return self._loaded.get(os.path.realpath(path))

    def load(self, path: str, make: Callable[[], T], again: bool = False) -> T:
        """The library of a file, made by ``make`` if it isn't loaded, or if ``again``.

        Raises:
            ImportCycle: if it is being loaded.
        """
        key = os.path.realpath(path)
        found = None if again else self._loaded.get(key)
        if found is not None:
            return found
        with self._lock:
            found = None if again else self._loaded.get(key)
            if found is not None:
                return found
            if key in self._loading:
                keys = list(self._loading)
                cycle = [self._loading[other] for other in keys[keys.index(key) :]]
                raise ImportCycle([*cycle, cycle[0]])
            self._loading[key] = path
            try:
                library = self._loaded[key] = make()
            finally:
                del self._loading[key]
            return library


LIBRARIES: Registry[Any] = Registry()
"""The libraries of this process."""

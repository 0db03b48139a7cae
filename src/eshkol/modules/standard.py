"""The standard library: what every program sees without importing it.

It can be imported from all the same, as R7RS programs do: ``(import (scheme base))``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from eshkol.runtime.namespace import Namespace
from eshkol.runtime.support import builtins

_SCHEME = (
    "base case-lambda char complex cxr eval file inexact lazy load process-context read repl "
    "time write r5rs"
).split()

STANDARD_LIBRARIES = frozenset(
    [*(("scheme", word) for word in _SCHEME), ("eshkol", "base"), ("stdlib",)]
)
"""The names of the standard library."""


@cache
def shared_builtins() -> dict[str, Any]:
    """The builtins that all namespaces share."""
    return builtins()


class StandardLibrary:
    """The standard library, as something that can be imported."""

    title = "the standard library"
    content = b"standard"
    imports: tuple[()] = ()

    def __init__(self) -> None:
        self.namespace = Namespace(self.title, shared_builtins())
        self.exports = {name: name for name in self.namespace.names()}

    def syntax(self, name: str) -> None:
        """It exports primitives alone: core forms are known everywhere."""

    def reachable(self, route: tuple[int, ...]) -> tuple[()]:
        """It imports nothing."""
        return ()


@cache
def standard_library() -> StandardLibrary:
    """The standard library, made when it is first imported."""
    return StandardLibrary()

"""The libraries that come with the language: those of the report, and some SRFIs.

A program sees the primitives and core forms without importing anything. The libraries can be
imported from all the same, as R7RS programs do: ``(import (scheme base))``. Where a library gives a
name another meaning than the language does, as ``(srfi 1)`` does with ``fold``, an import brings
the library's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from eshkol.primitives.declare import load
from eshkol.runtime.namespace import Namespace
from eshkol.runtime.support import builtins

LibraryName = tuple[str, ...]

_REPORT = (
    "base case-lambda char complex cxr eval file inexact lazy load process-context read repl "
    "time write r5rs"
).split()

_SRFI = {
    "1": "eshkol.primitives.srfi_1_sets:EXPORTS",
    "8": ("receive",),
    "9": ("define-record-type",),
    "26": ("cut", "cute"),
    "28": ("format",),
    "69": "eshkol.primitives.srfi_69:EXPORTS",
    "87": ("case", "else", "=>"),
}
"""What each SRFI exports: names that mean what they mean in the language, or where to find a
table of procedures by name, in which None stands for the language's meaning."""

_EVERYTHING = frozenset([("eshkol", "base"), ("stdlib",)])
"""The names of the library that exports all primitives."""

STANDARD_LIBRARIES: frozenset[LibraryName] = _EVERYTHING.union(
    [("scheme", word) for word in _REPORT], [("srfi", number) for number in _SRFI]
)
"""The names of the libraries that come with the language."""


@cache
def shared_builtins() -> dict[str, Any]:
    """The builtins that all namespaces share."""
    return builtins()


class StandardLibrary:
    """One of these libraries, as something that can be imported.

    Args:
        title: what messages call it.
        names: what it exports; None stands for all primitives.
        procedures: its own procedures by name.
    """

    imports: tuple[()] = ()

    def __init__(self, title: str, names: Iterable[str] | None, procedures: dict[str, Any]) -> None:
        self.title = title
        self.content = title.encode()
        self.namespace = Namespace(title, shared_builtins(), dict(procedures))
        exported = self.namespace.names() if names is None else names
        self.exports = {name: name for name in exported}

    def syntax(self, name: str) -> Any:
        """The core form of this name; None for a procedure."""
        if name in self.namespace.builtins or self.namespace.is_defined(name):
            return None
        return load("eshkol.expand.exported_forms:form_named")(name)

    def reachable(self, route: tuple[int, ...]) -> tuple[()]:
        """It imports nothing."""
        return ()


@cache
def standard_library(name: LibraryName) -> StandardLibrary:
    """The library of this name, made when it is first imported."""
    if name in _EVERYTHING:
        return StandardLibrary("the standard library", None, {})
    title = f"({' '.join(name)})"
    family, word = name
    if family == "scheme":
        return StandardLibrary(title, load("eshkol.modules.report:EXPORTS")[name], {})
    exports = _SRFI[word]
    if isinstance(exports, tuple):
        return StandardLibrary(title, exports, {})
    table = load(exports)
    own = {name: procedure for name, procedure in table.items() if procedure is not None}
    return StandardLibrary(title, table, own)

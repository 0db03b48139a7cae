"""Compiled programs in ``__pycache__``, as Python keeps its own.

A file ``__pycache__/NAME.eshkol-VERSION-cpython-3xx.pyc`` is a header and marshalled data. The
header tells the compiler that wrote it and the text it was compiled from, and holds a checksum: an
entry that is damaged, old or from another compiler is as good as none, and is written again.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
from functools import cache
from typing import Any, NamedTuple

from eshkol.base.version import VERSION
from eshkol.modules.finding import PACKAGE

HASH_SIZE = 8
HEADER_SIZE = 3 * HASH_SIZE

COMPILER = "base datum syntax core reader expand codegen runtime primitives modules".split()
"""The rooms whose code decides what is compiled."""


class Entry(NamedTuple):
    """A compiled program, in values that ``marshal`` knows.

    Attributes:
        file: what the source file was called.
        documentation: the string that the program begins with, if any.
        code: of the function that runs it.
        key: of its unit.
        primitives: the global names in it that mean primitives.
        constants: its constants, pickled; empty if there are none.
        core: its Core, packed (see ``stored``).
        imports: the libraries it imports: ``(name, hash of all they were compiled from)``.
        links: ``(alias, route to the library, name)``.
        exports: exported names and what it calls them.
        syntaxes: those of its own names that are macros.
        included: the other files that its code has forms of.
        expansions: the macros it uses, with the files, lines and columns of the uses, for errors.
        facts: what it saw of libraries and other files while it was expanded.
    """

    file: str
    documentation: str | None
    code: Any
    key: str
    primitives: tuple[str, ...]
    constants: bytes
    core: bytes
    imports: tuple[tuple[Any, bytes], ...]
    links: tuple[tuple[str, tuple[int, ...], str], ...]
    exports: dict[str, str]
    syntaxes: tuple[str, ...]
    included: tuple[str, ...]
    expansions: tuple[tuple[str, tuple[Any, ...]], ...]
    facts: tuple[tuple[str, Any, str, Any], ...]


def source_hash(data: bytes) -> bytes:
    """The hash by which a text is known."""
    return importlib.util.source_hash(data)


@cache
def compiler_hash() -> bytes:
    """Tells this compiler, in this Python, from all others."""
    facts = [importlib.util.MAGIC_NUMBER.hex(), VERSION]
    for room in COMPILER:
        with os.scandir(os.path.join(PACKAGE, room)) as files:
            for file in sorted(files, key=lambda file: file.name):
                if file.name.endswith(".py"):
                    status = file.stat()
                    facts.append(f"{file.name} {status.st_size} {status.st_mtime_ns}")
    return source_hash("\n".join(facts).encode())


def cache_path(path: str) -> str | None:
    """Where the compiled form of a file is kept; None if Python keeps none at all."""
    try:
        beside = importlib.util.cache_from_source(os.path.abspath(path), optimization="")
    except NotImplementedError:
        return None
    stem = os.path.basename(path).rpartition(".")[0] or os.path.basename(path)
    name = f"{stem}.eshkol-{VERSION}-{sys.implementation.cache_tag}.pyc"
    return os.path.join(os.path.dirname(beside), name)


def read_entry(path: str, source: bytes) -> Entry | None:
    """The compiled form of the file ``path`` with this text; None if there is no good one."""
    place = cache_path(path)
    if place is None:
        return None
    try:
        with open(place, "rb") as file:
            data = file.read()
    except OSError:
        return None
    body = data[HEADER_SIZE:]
    if data[:HEADER_SIZE] != compiler_hash() + source_hash(source) + source_hash(body):
        return None
    return Entry(*marshal.loads(body))


def write_entry(path: str, source: bytes, entry: Entry) -> None:
    """Keep the compiled form of a file; a place that can't be written is no error."""
    place = cache_path(path)
    if place is None or sys.dont_write_bytecode:
        return
    body = marshal.dumps(tuple(entry))
    data = compiler_hash() + source_hash(source) + source_hash(body) + body
    try:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        _replace(place, data)
    except OSError:
        return


def _replace(place: str, data: bytes) -> None:
    """Write a file whole or not at all."""
    draft = f"{place}.{os.getpid()}.{id(data)}"
    descriptor = os.open(draft, os.O_EXCL | os.O_CREAT | os.O_WRONLY, 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(draft, place)
    except OSError:
        os.unlink(draft)
        raise

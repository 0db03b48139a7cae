"""Chars, vectors, mutable strings, hash tables, the unspecified value and eof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from eshkol.datum.equality import hash_key
from eshkol.datum.strings import MutableString as MutableString


class Char(NamedTuple):
    """A Scheme character: one Unicode code point, as a Python string of length 1."""

    value: str

    def __repr__(self) -> str:
        from eshkol.datum.write import write_string

        return write_string(self)


class Vector(list):
    """A Scheme vector: a Python list with a class of its own."""

    __slots__ = ()

    def __repr__(self) -> str:
        from eshkol.datum.write import write_string

        return write_string(self)


class Unspecified:
    """The value of expressions that have none: ``UNSPECIFIED`` is its only instance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "#<unspecified>"

    def __reduce__(self):
        return "UNSPECIFIED"


UNSPECIFIED = Unspecified()


class MultipleValues(tuple):
    """What ``(values …)`` gives unless it gives exactly one value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"#<{len(self)} values>"


class EndOfFile:
    """The end-of-file object: ``EOF`` is its only instance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "#<eof>"

    def __reduce__(self):
        return "EOF"


EOF = EndOfFile()


class HashTable:
    """A hash table whose keys are compared by ``equal?``; it keeps insertion order."""

    __slots__ = ("__weakref__", "entries")

    def __init__(self) -> None:
        self.entries: dict[Any, tuple[Any, Any]] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        """The value stored under ``key``, else ``default``."""
        entry = self.entries.get(hash_key(key))
        return default if entry is None else entry[1]

    def __getitem__(self, key: Any) -> Any:
        entry = self.entries.get(hash_key(key))
        if entry is None:
            raise KeyError(key)
        return entry[1]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries[hash_key(key)] = (key, value)

    def __delitem__(self, key: Any) -> None:
        del self.entries[hash_key(key)]

    def __contains__(self, key: Any) -> bool:
        return hash_key(key) in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self.entries.values())

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Pairs of key and value in insertion order."""
        return iter(self.entries.values())

    def empty(self) -> HashTable:
        """A new table that compares keys as this one does."""
        return HashTable()

    def __repr__(self) -> str:
        return f"#<hash-table of {len(self)}>"


class KeyedTable(HashTable):
    """A hash table whose keys are the same if something made of them is.

    Args:
        key_of: gives a hashable Python value for a key.
        equivalence: the Scheme procedure that compares keys so.
    """

    __slots__ = ("equivalence", "key_of")

    def __init__(self, key_of: Callable[[Any], Any], equivalence: Any) -> None:
        super().__init__()
        self.key_of = key_of
        self.equivalence = equivalence

    def get(self, key: Any, default: Any = None) -> Any:
        entry = self.entries.get(self.key_of(key))
        return default if entry is None else entry[1]

    def __getitem__(self, key: Any) -> Any:
        return self.entries[self.key_of(key)][1]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries[self.key_of(key)] = (key, value)

    def __delitem__(self, key: Any) -> None:
        del self.entries[self.key_of(key)]

    def __contains__(self, key: Any) -> bool:
        return self.key_of(key) in self.entries

    def empty(self) -> HashTable:
        return KeyedTable(self.key_of, self.equivalence)

"""Chars, vectors, mutable strings, hash tables, the unspecified value and eof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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

    __slots__ = ("__weakref__",)

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


class Absent:
    """A value that is not there yet, or not any more: ``ABSENT`` is its only instance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"

    def __reduce__(self):
        return "ABSENT"


ABSENT = Absent()


class Unassigned:
    """Fills the box of a ``letrec*`` variable until its value is there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "#<unassigned>"

    def __reduce__(self):
        return "UNASSIGNED"


UNASSIGNED = Unassigned()


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
    """A hash table whose keys are compared by ``equal?``; it keeps insertion order.

    Attributes:
        entries: the values, by what keys have in common that are the same. For strings, symbols
            and exact integers, nearly all keys there are, that is the key itself.
        originals: the keys of which it is something else.
    """

    __slots__ = ("__weakref__", "entries", "originals")

    key_of: Callable[[Any], Any] = staticmethod(hash_key)

    def __init__(self) -> None:
        self.entries: dict[Any, Any] = {}
        self.originals: dict[Any, Any] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        """The value stored under ``key``, else ``default``."""
        return self.entries.get(self.key_of(key), default)

    def __getitem__(self, key: Any) -> Any:
        found = self.key_of(key)
        if found not in self.entries:
            raise KeyError(key)
        return self.entries[found]

    def __setitem__(self, key: Any, value: Any) -> None:
        found = self.key_of(key)
        self.entries[found] = value
        if found is not key:
            self.originals[found] = key

    def __delitem__(self, key: Any) -> None:
        found = self.key_of(key)
        del self.entries[found]
        self.originals.pop(found, None)

    def __contains__(self, key: Any) -> bool:
        return self.key_of(key) in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Any]:
        if not self.originals:
            return iter(self.entries)
        return (self.originals.get(key, key) for key in self.entries)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Pairs of key and value in insertion order."""
        return zip(self, self.entries.values(), strict=True)

    def clear(self) -> None:
        """Remove all keys."""
        self.entries.clear()
        self.originals.clear()

    def restore(self, items: Iterable[tuple[Any, tuple[Any, Any]]]) -> None:
        """Hold nothing but these entries: what keys have in common, each with key and value."""
        self.clear()
        for found, (key, value) in items:
            self.entries[found] = value
            if found is not key:
                self.originals[found] = key

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

    def empty(self) -> HashTable:
        return KeyedTable(self.key_of, self.equivalence)

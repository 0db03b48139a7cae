"""Symbols."""

from __future__ import annotations

import itertools


class Symbol:
    """A Scheme symbol. ``intern`` gives the one symbol of a name; ``gensym`` a fresh one."""

    __slots__ = ("__weakref__", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self):
        if _table.get(self.name) is self:
            return intern, (self.name,)
        return Symbol, (self.name,)


_table: dict[str, Symbol] = {}
_counter = itertools.count(1)


def intern(name: str) -> Symbol:
    """The symbol named ``name``.

    Example:
        >>> intern("x") is intern("x")
        True
    """
    symbol = _table.get(name)
    if symbol is None:
        symbol = _table.setdefault(name, Symbol(name))
    return symbol


def gensym(prefix: str = "g") -> Symbol:
    """A fresh symbol that is not the interned symbol of its name."""
    return Symbol(f"{prefix}{next(_counter)}")

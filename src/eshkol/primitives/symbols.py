"""Symbols."""

from __future__ import annotations

import itertools
from typing import Any

from eshkol.datum import symbols
from eshkol.datum.symbols import Symbol, intern
from eshkol.primitives.arguments import string_argument, symbol_argument, wrong_type
from eshkol.primitives.declare import primitive


@primitive("symbol?")
def is_symbol(value: Any) -> bool:
    """Whether the value is a symbol. Example: ``(symbol? 'a)`` ⇒ ``#t``."""
    return value.__class__ is Symbol


@primitive("symbol->string")
def symbol_to_string(symbol: Symbol) -> str:
    """The name of a symbol. Example: ``(symbol->string 'a)`` ⇒ ``"a"``."""
    return symbol_argument("symbol->string", symbol).name


@primitive("string->symbol", "intern")
def string_to_symbol(name: str | Symbol) -> Symbol:
    """The symbol of a name; always the same one. Example: ``(string->symbol "a")`` ⇒ ``a``."""
    if isinstance(name, Symbol):
        raise wrong_type("string->symbol", "a string", name, "it is a symbol already")
    return intern(string_argument("string->symbol", name))


@primitive("symbol-append")
def symbol_append(*parts: Symbol) -> Symbol:
    """The symbol whose name is all names in one. Example: ``(symbol-append 'a 'b)`` ⇒ ``ab``."""
    return intern("".join(symbol_argument("symbol-append", part).name for part in parts))


@primitive("gensym", "generate-uninterned-symbol")
def generate_symbol(prefix: Any = "g") -> Symbol:
    """A new symbol that is not equal to any other, whatever its name.

    Args:
        prefix: a string or a symbol; what its name starts with.

    Example: ``(equal? (gensym) (gensym))`` ⇒ ``#f``.
    """
    if isinstance(prefix, str | Symbol):
        return symbols.gensym(prefix.name if isinstance(prefix, Symbol) else prefix)
    raise wrong_type("gensym", "a string or a symbol", prefix)


@primitive("string->uninterned-symbol")
def string_to_uninterned_symbol(name: str) -> Symbol:
    """A new symbol of a name that is not equal to any other of that name.

    Example: ``(eq? (string->uninterned-symbol "a") 'a)`` ⇒ ``#f``.
    """
    return Symbol(string_argument("string->uninterned-symbol", name))


@primitive("symbol=?")
def are_same_symbols(symbol: Symbol, *others: Symbol) -> bool:
    """Whether the symbols are all the same. Example: ``(symbol=? 'a 'a)`` ⇒ ``#t``."""
    for value in (symbol, *others):
        symbol_argument("symbol=?", value)
    return all(other is symbol for other in others)


@primitive("symbol<?")
def are_increasing_symbols(symbol: Symbol, *others: Symbol) -> bool:
    """Whether the names of the symbols increase. Example: ``(symbol<? 'a 'b)`` ⇒ ``#t``."""
    names = [symbol_argument("symbol<?", value).name for value in (symbol, *others)]
    return all(a < b for a, b in itertools.pairwise(names))

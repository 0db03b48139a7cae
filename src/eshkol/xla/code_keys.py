"""What parts of a structure are compared by: the meaning of code, and values that are no leaves."""

from __future__ import annotations

import types
import weakref
from fractions import Fraction
from typing import Any

from eshkol.core.free import free_variables
from eshkol.core.identity import identity
from eshkol.datum.equality import is_eqv
from eshkol.runtime.procedures import Procedure


class CodeKey:
    """What a closure's code means: equal for equal Core in one namespace.

    It keeps one function of that code, from which closures are rebuilt.
    """

    __slots__ = ("__weakref__", "captures", "digest", "hash", "prototype")

    def __init__(self, function: types.FunctionType, procedure: Procedure) -> None:
        self.prototype = function
        self.captures = capture_names(procedure)
        self.digest = identity(procedure.node, _capture_order(procedure))
        self.hash = hash((self.digest, id(function.__globals__)))

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, CodeKey)
            and self.digest == other.digest
            and self.prototype.__globals__ is other.prototype.__globals__
        )

    def __repr__(self) -> str:
        return self.prototype.__name__


class PythonCodeKey:
    """What the code of a transparent Python closure means: the place where it was written."""

    __slots__ = ("captures", "prototype")

    def __init__(self, function: types.FunctionType) -> None:
        self.prototype = function
        self.captures = function.__code__.co_freevars

    def __hash__(self) -> int:
        return hash(self.prototype.__code__)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PythonCodeKey) and self.prototype.__code__ is other.prototype.__code__
        )

    def __repr__(self) -> str:
        return self.prototype.__name__


class TableKeys:
    """The keys of a hash table, compared by their hashing keys."""

    __slots__ = ("hashed", "keys")

    def __init__(self, hashed: tuple[Any, ...], keys: list[Any]) -> None:
        self.hashed = hashed
        self.keys = keys

    def __hash__(self) -> int:
        return hash(self.hashed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TableKeys) and self.hashed == other.hashed


class Static:
    """A part of a structure that is compared by what it is and, where that matters, by class."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        try:
            return hash(self.value)
        except TypeError:
            return id(self.value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Static) or self.value.__class__ is not other.value.__class__:
            return False
        if self.value is other.value:
            return True
        if isinstance(self.value, float):
            return is_eqv(self.value, other.value)
        if isinstance(self.value, str | bytes | int | complex) or _is_atom(self.value):
            return bool(self.value == other.value)
        return False

    def __repr__(self) -> str:
        return repr(self.value)

    @property
    def is_exact(self) -> bool:
        """Whether this is an exact number that no array holds: a rational, or a long integer."""
        value = self.value
        return value.__class__ is Fraction or (value.__class__ is int and not is_short(value))


def is_short(integer: int) -> bool:
    """Whether an integer has at most 64 bits."""
    return -(1 << 63) <= integer < 1 << 63


def _is_atom(value: Any) -> bool:
    return value.__class__.__name__ in ("Fraction", "Char", "Keyword")


def _capture_order(procedure: Procedure) -> list[Any]:
    """The captured variables of a procedure in the order of its closure cells."""
    names = procedure.unit.names
    by_name = {names[variable]: variable for variable in free_variables(procedure.node)}
    return [by_name[name] for name in procedure.code.co_freevars]


def capture_names(procedure: Procedure) -> tuple[str, ...]:
    """The Scheme names of the captured variables in the order of the closure cells."""
    return tuple(variable.name for variable in _capture_order(procedure))


def code_key(function: types.FunctionType, procedure: Procedure) -> CodeKey:
    """The key of a closure's code, made once.

    What is known of code is kept as long as the code, which a key holds: so the key is kept by the
    function that it was made of, and by whatever is compared by it.
    """
    reference = procedure.facts.get("key")
    key: CodeKey | None = None if reference is None else reference()
    if key is None or key.prototype.__globals__ is not function.__globals__:
        key = CodeKey(function, procedure)
        procedure.facts["key"] = weakref.ref(key)
        function.__dict__["eshkol_key"] = key
    return key

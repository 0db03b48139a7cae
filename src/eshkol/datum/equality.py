"""``eq?``, ``eqv?``, ``equal?``, and keys for hashing by ``equal?``.

Structures are walked with a stack, so they may be deep; ``equal?`` ends on cycles as well.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.pairs import Pair
from eshkol.datum.strings import MutableString
from eshkol.datum.symbols import Symbol

_LARGE = 10_000
"""Structures with fewer parts are taken to be free of cycles until they have been walked."""


class StandIn:
    """What stands for a value that may not be known.

    Attributes:
        decided: gives the value where it is known, and raises an error where it isn't.
    """

    __slots__ = ()
    decided: Callable[[], Any]


class Undecided(StandIn):
    """One of several values; which one is known only when a compiled program runs.

    Attributes:
        tag: tells which one, traced.
    """

    __slots__ = ()
    tag: Any


def is_array(value: Any) -> bool:
    """Whether ``value`` is a NumPy or JAX array or tracer; imports neither."""
    has_both = hasattr(value, "shape") and hasattr(value, "dtype")
    return has_both and value.__class__ is not ModuleType  # the module NumPy has them too


def scalar(value: Any) -> Any:
    """A concrete rank-0 array as the number or boolean it holds; anything else as it is."""
    if is_array(value) and value.shape == () and hasattr(value, "item"):
        return value.item()
    return value


def is_eqv(a: Any, b: Any) -> bool:
    """``eqv?``: the same object, or numbers of the same exactness and value, or equal atoms."""
    if a is b:
        return True
    a, b = scalar(a), scalar(b)
    kind = a.__class__
    if kind is not b.__class__:
        is_stand_in = isinstance(a, StandIn) or isinstance(b, StandIn)
        return is_stand_in and is_eqv(_decided(a), _decided(b))
    if kind is int or kind is Fraction:
        return a == b
    if kind is float:
        return _same_float(a, b)
    if kind is complex:
        return _same_float(a.real, b.real) and _same_float(a.imag, b.imag)
    if kind is bool:
        return a is b
    if kind is str:
        return a == b == ""
    return kind.__name__ == "Char" and a == b


def _decided(value: Any) -> Any:
    return value.decided() if isinstance(value, StandIn) else value


def _same_float(a: float, b: float) -> bool:
    """Whether no computation can tell ``a`` from ``b``: NaN is itself, -0.0 is not 0.0."""
    if a == b:
        return a != 0.0 or str(a) == str(b)
    return a != a and b != b


Comparison = Callable[[Any, Any], "bool | None"]


def is_equal(a: Any, b: Any, special: Comparison | None = None) -> bool:
    """``equal?``: structurally the same; exact and inexact numbers are never equal.

    Args:
        a: a value.
        b: another one.
        special: is asked first about parts that are no pairs; None means that it doesn't know.

    Example:
        >>> from eshkol.datum.pairs import scheme_list
        >>> is_equal(scheme_list([1, "a"]), scheme_list([1, "a"])), is_equal(1, 1.0)
        (True, False)
    """
    pending = [(a, b)]
    compared: set[tuple[int, int]] = set()
    steps = 0
    while pending:
        a, b = pending.pop()
        parts = _parts_to_compare(a, b, special)
        if parts is None:
            return False
        if parts:
            steps += 1
            if steps > _LARGE:  # two cycles are equal if no difference is met on the way round
                key = (id(a), id(b))
                if key in compared:
                    continue
                compared.add(key)
            pending += parts
    return True


def _parts_to_compare(a: Any, b: Any, special: Comparison | None) -> list[tuple[Any, Any]] | None:
    """The parts that must be equal for ``a`` and ``b`` to be so; None if nothing can help."""
    kind = a.__class__
    if kind is Pair and b.__class__ is Pair:
        if a is b:
            return []
        rest = (a.cdr, b.cdr)
        return [rest] if a.car is b.car else [rest, (a.car, b.car)]
    if kind in PLAIN_KEYS and b.__class__ is kind:
        return [] if a == b else None
    told = None if special is None else special(a, b)
    if told is not None:
        return [] if told else None
    if is_eqv(a, b):
        return []
    if isinstance(a, StandIn) or isinstance(b, StandIn):
        return [(_decided(a), _decided(b))]
    if is_array(a) and is_array(b):
        return [] if _equal_arrays(a, b) else None
    if isinstance(a, bytes | bytearray):
        return [] if isinstance(b, bytes | bytearray) and a == b else None
    if isinstance(a, str | MutableString):
        return [] if isinstance(b, str | MutableString) and a == b else None
    if kind is b.__class__ and isinstance(a, list | tuple) and len(a) == len(b):
        return list(zip(a, b, strict=True))
    return None


def _equal_arrays(a: Any, b: Any) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and _array_key(a) == _array_key(b)


def _array_key(value: Any) -> tuple[Any, ...]:
    """Equal for arrays whose elements are all ``eqv?``."""
    import numpy as np

    array = np.asarray(value)
    return ("array", array.shape, str(array.dtype), array.tobytes())


PLAIN_KEYS = frozenset([str, int, Symbol])
"""Classes of which every value is its own hash key."""


def hash_key(value: Any) -> Any:
    """A hashable Python value that is equal for two values exactly when they are ``equal?``.

    Raises:
        BadValue: ``value`` contains itself, so that its key would have no end.
    """
    kind = value.__class__
    if kind in PLAIN_KEYS:
        return value
    if kind is Pair or isinstance(value, list | tuple):
        return _structure_key(value)
    return hash_key(value.decided()) if isinstance(value, StandIn) else _atom_key(value)


def identity_key(value: Any) -> Any:
    """A hashable Python value that is equal for two values exactly when they are ``eqv?``.

    It holds only as long as ``value`` lives.
    """
    value = scalar(value)
    kind = value.__class__
    if kind in (int, Symbol, float, complex, bool, Fraction) or kind.__name__ == "Char":
        return _atom_key(value)
    return "" if kind is str and not value else ("object", id(value))


def _structure_key(value: Any) -> Any:
    """The key of a structure: its parts in the order of writing, each behind its kind and size.

    It is flat, since Python hashes nested tuples by recursion.
    """
    key: list[Any] = []
    pending = [value]
    while pending:
        part = pending.pop()
        if part.__class__ is Pair:
            key.append(("pair",))
            pending += (part.cdr, part.car)
        elif isinstance(part, list | tuple):
            key.append((part.__class__.__name__, len(part)))
            pending += reversed(part)
        else:
            key.append(_atom_key(part))
        if len(key) == _LARGE:
            _require_end(value)
    return tuple(key)


def _require_end(value: Any) -> None:
    from eshkol.datum.write import is_cyclic, short_string

    if is_cyclic(value):
        shown = short_string(value)
        raise BadValue(f"hash-table: expected a key that does not contain itself, got {shown}")


def _atom_key(value: Any) -> Any:
    value = scalar(value)
    kind = value.__class__
    if kind is float or kind is complex:
        return (kind.__name__, repr(value))
    if kind is bool or kind is Fraction:
        return (kind.__name__, value)
    if is_array(value):
        return _array_key(value)
    if isinstance(value, bytearray):
        return bytes(value)
    if kind is MutableString:
        return str(value)
    try:
        hash(value)
    except TypeError:
        return ("object", id(value))
    return value

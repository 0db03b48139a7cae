"""``eq?``, ``eqv?``, ``equal?``, and keys for hashing by ``equal?``."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from eshkol.datum.pairs import Pair

_ATOMS = (int, float, complex, Fraction)


def is_array(value: Any) -> bool:
    """Whether ``value`` is a NumPy or JAX array or tracer; imports neither."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


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
        return False
    if kind is float:
        return a == b and (a != 0.0 or str(a) == str(b)) or (a != a and b != b)
    if kind in _ATOMS:
        return a == b
    if kind is bool:
        return a is b
    if kind is str:
        return a == b == ""
    return kind.__name__ == "Char" and a == b


def is_equal(a: Any, b: Any) -> bool:
    """``equal?``: structurally the same; exact and inexact numbers are never equal."""
    while a.__class__ is Pair and b.__class__ is Pair:
        if a is b:
            return True
        if not is_equal(a.car, b.car):
            return False
        a, b = a.cdr, b.cdr
    if is_eqv(a, b):
        return True
    if is_array(a) and is_array(b):
        return _equal_arrays(a, b)
    kind = a.__class__
    if kind is not b.__class__:
        return False
    if isinstance(a, str | bytes | bytearray):
        return a == b
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(is_equal(x, y) for x, y in zip(a, b, strict=True))
    return False


def _equal_arrays(a: Any, b: Any) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    import numpy as np

    return bool(np.array_equal(np.asarray(a), np.asarray(b)))


def hash_key(value: Any) -> Any:
    """A hashable Python value that is equal for two values exactly when they are ``equal?``."""
    value = scalar(value)
    kind = value.__class__
    if kind is str or kind is int:
        return value
    if kind is Pair:
        items = []
        while value.__class__ is Pair:
            items.append(hash_key(value.car))
            value = value.cdr
        return ("pair", tuple(items), hash_key(value))
    if kind is float:
        return ("float", repr(value))
    if kind in (bool, complex, Fraction):
        return (kind.__name__, value)
    if isinstance(value, list):
        return ("vector", tuple(hash_key(item) for item in value))
    if is_array(value):
        import numpy as np

        array = np.asarray(value)
        return ("array", array.shape, str(array.dtype), array.tobytes())
    try:
        hash(value)
    except TypeError:
        return ("object", id(value))
    return value

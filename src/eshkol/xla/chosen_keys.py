"""Hash tables, association lists and lists searched for what only the program knows.

That is an integer, or a list or vector with numbers in it. The keys that there are, are known: it
is one of them, or another. So it becomes one of several known values, as what a traced ``if``
between symbols gives, and what is found is chosen.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax

from eshkol.datum.equality import hash_key, is_array
from eshkol.datum.pairs import Pair, is_list
from eshkol.datum.values import HashTable, Vector
from eshkol.primitives.equality import alike
from eshkol.xla.dtypes import wide
from eshkol.xla.tensors import Tracer
from eshkol.xla.unions import Union
from eshkol.xla.witness import is_exact, tracer_of

MOST_KEYS = 64


class OtherKey:
    """Anything that is none of the keys."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<known when the program runs>"


OTHER = OtherKey()


def with_known_key(name: str, arguments: Sequence[Any]) -> Sequence[Any]:
    """The arguments of a search with a key that is one of those that there are, or another."""
    place = 1 if name.startswith("hash") else 0
    if len(arguments) < 2 or (len(arguments) > 2 and name in ("member", "assoc")):
        return arguments
    key, container = arguments[place], arguments[1 - place]
    if name in _BY_IDENTITY and not isinstance(key, Tracer):
        return arguments
    found = known_key(key, container, is_element=name == "member")
    return arguments if found is None else [*arguments[:place], found, *arguments[place + 1 :]]


_BY_IDENTITY = frozenset("memq memv assq assv".split())
"""Searches that don't look into lists and vectors."""


def known_key(key: Any, container: Any, is_element: bool = False) -> Union | None:
    """What is traced as one of the keys of a container; None if it or no key is such.

    Args:
        key: an integer, or a list or vector that holds traced numbers.
        container: a hash table, an association list or a list.
        is_element: whether pairs in a list are keys themselves.
    """
    if isinstance(key, Tracer):
        is_integer = key.shape == () and key.dtype.kind in "iu"
        keys: list[Any] | None = _integers(container) if is_integer else None
    else:
        keys = _structures(container, is_element) if _is_open(key) else None
    if not keys or len(keys) > MOST_KEYS:
        return None
    with wide():
        tag: Any = np.int64(len(keys))
        for index, known in enumerate(keys):
            truth = alike(key, known)
            if truth is not False:
                tag = lax.select(tracer_of(truth), np.int64(index), tag)
    return Union(tag, [*keys, OTHER])


def _integers(container: Any) -> list[int] | None:
    """The exact integers among the keys; None if there are traced ones."""
    known = _keys(container, is_element=False)
    if any(is_array(key) and not is_exact(key) for key in known):
        return None
    return list(dict.fromkeys(operator.index(key) for key in known if is_exact(key)))


def _structures(container: Any, is_element: bool) -> list[Any] | None:
    """The lists and vectors among the keys; None if there are traced ones."""
    known = [key for key in _keys(container, is_element) if isinstance(key, Pair | Vector)]
    if any(map(_is_open, known)):
        return None
    return list({hash_key(key): key for key in known}.values())


def _keys(container: Any, is_element: bool) -> list[Any]:
    if isinstance(container, HashTable):
        return list(container) if container.key_of is hash_key else []
    if not is_list(container):
        return []
    return [item.car if isinstance(item, Pair) and not is_element else item for item in container]


def _is_open(value: Any) -> bool:
    """Whether a list or vector holds a traced number, at any depth."""
    pending = [value]
    while pending:
        part = pending.pop()
        if part.__class__ is Pair:
            pending += (part.cdr, part.car)
        elif part.__class__ is Vector:
            pending += part
        elif isinstance(part, Tracer):
            return True
    return False

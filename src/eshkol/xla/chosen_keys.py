"""Hash tables, association lists and lists searched for an integer that only the program knows.

The keys that there are, are known: the integer is one of them, or another. So it becomes one of
several known values, as what a traced ``if`` between symbols gives, and what is found is chosen.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jax import lax

from eshkol.datum.equality import is_array
from eshkol.datum.pairs import Pair, is_list
from eshkol.datum.values import HashTable
from eshkol.xla.dtypes import INT64, wide
from eshkol.xla.tensors import Tracer
from eshkol.xla.unions import Union
from eshkol.xla.witness import is_exact

MOST_KEYS = 64


class OtherKey:
    """Any integer that is none of the keys."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "for that number"


OTHER = OtherKey()


def with_known_key(name: str, arguments: Sequence[Any]) -> Sequence[Any]:
    """The arguments of a search with a key that is one of those that there are, or another."""
    place = 1 if name.startswith("hash") else 0
    if len(arguments) < 2 or not isinstance(arguments[place], Tracer):
        return arguments
    found = known_key(arguments[place], arguments[1 - place])
    return arguments if found is None else [*arguments[:place], found, *arguments[place + 1 :]]


def known_key(key: Any, container: Any) -> Union | None:
    """A traced integer as one of the keys of a container; None if it or no key is such."""
    if key.shape != () or key.dtype.kind not in "iu":
        return None
    keys = _keys(container)
    if not keys or len(keys) > MOST_KEYS:
        return None
    with wide():
        number = lax.convert_element_type(key, INT64)
        tag: Any = np.int64(len(keys))
        for index, known in enumerate(keys):
            tag = lax.select(lax.eq(number, np.int64(known)), np.int64(index), tag)
    return Union(tag, [*keys, OTHER])


def _keys(container: Any) -> list[int] | None:
    """The exact integers among the keys; None if there are traced ones."""
    if isinstance(container, HashTable):
        candidates: Iterable[Any] = container
    elif is_list(container):
        candidates = [item.car if isinstance(item, Pair) else item for item in container]
    else:
        return None
    known = list(candidates)
    if any(is_array(key) and not is_exact(key) for key in known):
        return None
    return list(dict.fromkeys(operator.index(key) for key in known if is_exact(key)))

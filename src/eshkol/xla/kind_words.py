"""How messages show values that are unified: by their kind, shape and length."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from eshkol.datum.symbols import Symbol
from eshkol.datum.write import short_string
from eshkol.xla.graphs import UNION, Node
from eshkol.xla.tensors import describe


def leaf_words(leaf: Any) -> str:
    """How a message shows a leaf: a number that is known, or what has a shape and a dtype."""
    if hasattr(leaf, "dtype"):
        shape, dtype = leaf.shape, leaf.dtype
        return describe(jax.ShapeDtypeStruct(shape, dtype)) if shape else _scalar_words(dtype)
    return short_string(leaf)


def _scalar_words(dtype: np.dtype) -> str:
    return {"b": "a boolean", "i": "an exact integer", "u": "an exact integer"}.get(
        dtype.kind, "a number"
    )


def words_of(node: Node) -> str:
    """How a message shows a value."""
    if node.tag == "place":
        return words_of(node.children[0])
    if node.is_leaf:
        return leaf_words(node.details)
    names = {
        "list": f"a list of {len(node.children)}",
        "vector": f"a vector of {len(node.children)}",
        "dotted": "a pair",
        "table": "a hash table",
        "closure": "a procedure",
        "variable": "a variable",
        "values": f"{len(node.children)} values",
    }
    if node.tag == "record":
        return f"a record of type {node.details.__scheme_name__}"
    if node.tag == UNION:
        return _one_of(list(map(words_of, node.children[1:])))
    if node.tag == "static":
        return _static_words(node.details.value)
    if node.tag == "dict":
        keys = " ".join(map(short_string, node.details))
        return f"a hash table with the keys {keys}" if keys else "an empty hash table"
    return names.get(node.tag, f"a {node.tag}")


SHOWN_KINDS = 4
"""So many kinds that a value may be of are shown."""


def _one_of(words: list[str]) -> str:
    """How a message shows a value of one of several kinds."""
    count, words = len(words), list(dict.fromkeys(words))
    if len(words) == 1:
        return f"{words[0]} in one of {count} forms"
    if len(words) > SHOWN_KINDS:
        words = [*words[: SHOWN_KINDS - 1], f"{len(words) - SHOWN_KINDS + 1} others"]
    return " or ".join(words)


def _static_words(value: Any) -> str:
    return f"the symbol {value}" if value.__class__ is Symbol else short_string(value)

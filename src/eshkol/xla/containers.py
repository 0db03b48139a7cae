"""Scheme's containers as JAX pytrees, for Python programs that map, scan or differentiate them.

A proper list has its elements as children, another chain of pairs also its last tail; a record has
its fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax

from eshkol.datum.pairs import NIL, Pair, scheme_list, spine
from eshkol.datum.records import Record, field_values, make_record
from eshkol.datum.values import HashTable, MultipleValues, Vector


def _flatten_pair(pair: Pair) -> tuple[list[Any], bool]:
    items, tail = spine(pair)
    return (list(items), True) if tail is NIL else ([*items, tail], False)


def _build_pair(is_proper: bool, children: Iterable[Any]) -> Any:
    if is_proper:
        return scheme_list(list(children))
    *items, tail = children
    return scheme_list(items, tail)


def _flatten_table(table: HashTable) -> tuple[list[Any], tuple[Any, ...]]:
    return [value for _, value in table.items()], tuple(table)


def _build_table(keys: tuple[Any, ...], children: Iterable[Any]) -> HashTable:
    table = HashTable()
    for key, value in zip(keys, children, strict=True):
        table[key] = value
    return table


register = jax.tree_util.register_pytree_node
register(Pair, _flatten_pair, _build_pair)
register(type(NIL), lambda nil: ((), None), lambda _, children: NIL)
register(Vector, lambda vector: (list(vector), None), lambda _, children: Vector(children))
register(MultipleValues, lambda v: (tuple(v), None), lambda _, children: MultipleValues(children))
register(HashTable, _flatten_table, _build_table)


def register_record(kind: type[Record]) -> None:
    """Make a record type known to JAX."""
    register(kind, lambda r: (field_values(r), None), lambda _, fields: make_record(kind, fields))


for record_type in Record.__subclasses__():
    register_record(record_type)

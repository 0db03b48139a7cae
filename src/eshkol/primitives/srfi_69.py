"""SRFI 69, hash tables: what it has beyond the language's own hash tables."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import OutOfRange
from eshkol.datum.equality import hash_key, identity_key
from eshkol.datum.values import HashTable, KeyedTable
from eshkol.primitives.arguments import index_argument, string_argument, table_argument
from eshkol.primitives.declare import PRIMITIVES

_LARGEST = 2**29


def _bounded(who: str, key: Any, bound: Any) -> int:
    """The hash of a Python value, below ``bound``."""
    if bound is None:
        return hash(key) % _LARGEST
    limit = index_argument(who, bound)
    if limit > 0:
        return hash(key) % limit
    raise OutOfRange(f"{who}: expected a positive bound, got {limit}")


def hash_of(value: Any, bound: Any = None) -> int:
    """An exact integer ≥ 0, below ``bound``, that is the same for values that are ``equal?``."""
    return _bounded("hash", hash_key(value), bound)


def string_hash(string: str, bound: Any = None) -> int:
    """The hash of a string."""
    return _bounded("string-hash", string_argument("string-hash", string), bound)


def string_ci_hash(string: str, bound: Any = None) -> int:
    """The hash of a string, whatever its case."""
    text = string_argument("string-ci-hash", string).casefold()
    return _bounded("string-ci-hash", text, bound)


def hash_by_identity(value: Any, bound: Any = None) -> int:
    """An exact integer that is the same for values that are ``eq?``."""
    return _bounded("hash-by-identity", identity_key(value), bound)


def hash_table_equivalence_function(table: HashTable) -> Any:
    """The procedure that compares the keys of a table."""
    table_argument("hash-table-equivalence-function", table)
    return table.equivalence if isinstance(table, KeyedTable) else PRIMITIVES["equal?"].function


def hash_table_hash_function(table: HashTable) -> Any:
    """A hash function that fits the keys of a table."""
    if not isinstance(table, KeyedTable):
        return hash_of
    return hash_by_identity if table.key_of is identity_key else string_ci_hash


def hash_table_merge(table: HashTable, other: HashTable) -> HashTable:
    """Add the entries of the second table to the first, and return it."""
    target = table_argument("hash-table-merge!", table)
    for key, value in list(table_argument("hash-table-merge!", other).items()):
        if key not in target:
            target[key] = value
    return target


_OWN = {
    "hash": hash_of,
    "string-hash": string_hash,
    "string-ci-hash": string_ci_hash,
    "hash-by-identity": hash_by_identity,
    "hash-table-equivalence-function": hash_table_equivalence_function,
    "hash-table-hash-function": hash_table_hash_function,
    "hash-table-merge!": hash_table_merge,
}
for _name, _function in _OWN.items():
    _function.__name__ = _function.__qualname__ = _name

_SAME = """
make-hash-table hash-table? alist->hash-table hash-table-ref hash-table-ref/default hash-table-set!
hash-table-delete! hash-table-exists? hash-table-update! hash-table-update!/default hash-table-size
hash-table-keys hash-table-values hash-table-walk hash-table-fold hash-table->alist hash-table-copy
"""

EXPORTS: dict[str, Any] = {**dict.fromkeys(_SAME.split()), **_OWN}
"""The procedures by name; None for those that mean what they mean in the language."""

"""Hash tables, whose keys are compared by ``equal?`` and which keep the order of insertion.

Every procedure has a name starting with ``hash-`` as Eshkol's programs use it, or one starting
with ``hash-table-`` as SRFI 69 has it; where both exist they may treat a missing key differently.
"""

from __future__ import annotations

import operator
import sys
from typing import Any

from eshkol.base.errors import MissingKey, StagingError
from eshkol.datum.equality import PLAIN_KEYS, hash_key, identity_key
from eshkol.datum.pairs import Pair, cons, scheme_list
from eshkol.datum.values import UNSPECIFIED, HashTable, KeyedTable, MutableString, Unspecified
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import (
    KNOWN,
    is_tracer,
    is_witness,
    list_argument,
    procedure_argument,
    similar_key,
    table_argument,
    wrong_type,
)
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import PRIMITIVES, load, primitive
from eshkol.primitives.lists import List
from eshkol.primitives.numbers import PLAIN

_ABSENT = object()


def _key(who: str, key: Any) -> Any:
    """``key`` if its value is known; a witness becomes the static integer it is."""
    if key.__class__ in KNOWN:
        return key
    if is_tracer(key):
        raise _unknown_key(who, key)
    return operator.index(key) if is_witness(key) else key


def _unknown_key(who: str, key: Any) -> StagingError:
    """The error of a key that is traced, or holds what is.

    Raises:
        NeedsStaging: an eager body that has called can start again, staged.
    """
    load("eshkol.runtime.dialects:restart_caller")(sys._getframe())
    return StagingError(
        f"{who}: expected a key that is known while tracing, got {short_string(key)}",
        hint="keep the table outside of compiled code, or index a tensor instead",
    )


def _lookup(who: str, table: Any, key: Any) -> Any:
    """The value under ``key``, else ``_ABSENT``."""
    entries = table_argument(who, table)
    try:
        return entries.get(_key(who, key), _ABSENT)
    except TypeError:
        raise _unknown_key(who, key) from None


def _store(who: str, table: Any, key: Any, value: Any) -> Unspecified:
    entries = table_argument(who, table)
    try:
        entries[_key(who, key)] = value
    except TypeError:
        raise _unknown_key(who, key) from None
    return UNSPECIFIED


def _missing(who: str, table: HashTable, key: Any) -> MissingKey:
    similar = similar_key(key, table)
    return MissingKey(
        f"{who}: the table has no key {short_string(key)}",
        hint=f"{similar}\n{_DEFAULT}" if similar else _DEFAULT,
    )


_DEFAULT = "a default for keys that are not there: (hash-ref table key default)"


def _folded(key: Any) -> Any:
    """What strings that differ in case alone have in common."""
    text = str(key) if isinstance(key, str | MutableString) else None
    return hash_key(key) if text is None else ("folded", text.casefold())


_KEYS = {
    "eq?": identity_key,
    "eqv?": identity_key,
    "=": lambda key: key if key.__class__ in PLAIN else hash_key(key),
    "string-ci=?": _folded,
}
"""What keys have in common that these procedures take for the same."""


@primitive("make-hash-table", "make-equal-hash-table", "make-hash")
def make_hash_table(*settings: Any) -> HashTable:
    """A new, empty hash table.

    Args:
        settings: may begin with the procedure that compares keys: ``eq?``, ``eqv?``, ``=`` or
            ``string-ci=?``; ``equal?`` is used in place of any other, and if there is none.

    Example: ``(hash-count (make-hash-table))`` ⇒ ``0``.
    """
    for name, key_of in _KEYS.items() if settings else ():
        if settings[0] is PRIMITIVES[name].function:
            return KeyedTable(key_of, settings[0])
    return HashTable()


@primitive("make-eqv-hash-table", "make-eq-hash-table", "make-hasheqv", "make-hasheq")
def make_eqv_hash_table() -> HashTable:
    """A new, empty hash table whose keys are compared by ``eqv?``.

    Example: ``(let ((t (make-eqv-hash-table))) (hash-set! t "a" 1) (hash-ref t (string-copy "a")
    'none))`` ⇒ ``none``.
    """
    return make_hash_table(PRIMITIVES["eqv?"].function)


@primitive("hash-table?", "hash?")
def is_hash_table(value: Any) -> bool:
    """Whether the value is a hash table. Example: ``(hash-table? (make-hash-table))`` ⇒ ``#t``."""
    return isinstance(value, HashTable)


@primitive("hash-set!", "hash-table-set!")
def hash_set(table: HashTable, key: Any, value: Any) -> Unspecified:
    """Store a value under a key, in place of one that is there already.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'a 1) (hash-set! t 'a 2) (hash->list
    t))`` ⇒ ``((a . 2))``.
    """
    if table.__class__ is HashTable and key.__class__ in PLAIN_KEYS:
        table.entries[key] = value
        return UNSPECIFIED
    return _store("hash-set!", table, key, value)


@primitive("hash-ref", "hash-table-ref/default")
def hash_ref(table: HashTable, key: Any, default: Any = False) -> Any:
    """The value under a key, else the default.

    Example: ``(hash-ref (make-hash-table) 'a 'none)`` ⇒ ``none``.
    """
    if table.__class__ is HashTable and key.__class__ in PLAIN_KEYS:
        return table.entries.get(key, default)
    value = _lookup("hash-ref", table, key)
    return default if value is _ABSENT else value


@primitive("hash-table-ref")
def hash_table_ref(table: HashTable, key: Any, failure: Any = None, success: Any = None) -> Any:
    """The value under a key, else what ``failure`` gives when called.

    Args:
        failure: a procedure of no arguments.
        success: a procedure that is called with the value, and whose result is given instead.

    Raises:
        MissingKey: there is no such key and no ``failure``.

    Example: ``(hash-table-ref (make-hash-table) 'a (lambda () 'none))`` ⇒ ``none``.
    """
    value = _lookup("hash-table-ref", table, key)
    if value is not _ABSENT:
        return value if success is None else _call("hash-table-ref", success, value)
    if failure is None:
        raise _missing("hash-table-ref", table, key)
    return _call("hash-table-ref", failure)


def _call(who: str, procedure: Any, *arguments: Any) -> Any:
    return callee(procedure_argument(who, procedure))(*arguments)


@primitive("hash-has-key?", "hash-table-contains?", "hash-table-exists?")
def hash_has_key(table: HashTable, key: Any) -> bool:
    """Whether the table has a key. Example: ``(hash-has-key? (make-hash-table) 'a)`` ⇒ ``#f``."""
    return _lookup("hash-has-key?", table, key) is not _ABSENT


@primitive("hash-remove!", "hash-table-delete!")
def hash_remove(table: HashTable, key: Any) -> Unspecified:
    """Remove a key and its value, if the table has it.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'a 1) (hash-remove! t 'a) (hash-count
    t))`` ⇒ ``0``.
    """
    if _lookup("hash-remove!", table, key) is not _ABSENT:
        del table[_key("hash-remove!", key)]
    return UNSPECIFIED


@primitive("hash-clear!", "hash-table-clear!")
def hash_clear(table: HashTable) -> Unspecified:
    """Remove all keys.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'a 1) (hash-clear! t) (hash-count t))`` ⇒
    ``0``.
    """
    table_argument("hash-clear!", table).clear()
    return UNSPECIFIED


@primitive("hash-count", "hash-table-size", "hash-table-count")
def hash_count(table: HashTable) -> int:
    """The number of keys.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'a 1) (hash-count t))`` ⇒ ``1``.
    """
    return len(table_argument("hash-count", table))


@primitive("hash-empty?", "hash-table-empty?")
def is_hash_empty(table: HashTable) -> bool:
    """Whether the table has no keys. Example: ``(hash-empty? (make-hash-table))`` ⇒ ``#t``."""
    return not len(table_argument("hash-empty?", table))


@primitive("hash-keys", "hash-table-keys")
def hash_keys(table: HashTable) -> List:
    """The list of the keys, in the order of their insertion.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'b 1) (hash-set! t 'a 2) (hash-keys t))``
    ⇒ ``(b a)``.
    """
    return scheme_list(key_items(table))


def key_items(table: HashTable) -> list[Any]:
    """The elements of ``(hash-keys table)``."""
    return list(table_argument("hash-keys", table))


@primitive("hash-values", "hash-table-values")
def hash_values(table: HashTable) -> List:
    """The list of the values, in the order in which their keys were inserted.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'b 1) (hash-set! t 'a 2) (hash-values
    t))`` ⇒ ``(1 2)``.
    """
    return scheme_list(value_items(table))


def value_items(table: HashTable) -> list[Any]:
    """The elements of ``(hash-values table)``."""
    return list(table_argument("hash-values", table).entries.values())


@primitive("hash->list", "hash-table->alist")
def hash_to_list(table: HashTable) -> List:
    """The list of pairs of key and value, in the order of insertion.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'b 1) (hash-set! t 'a 2) (hash->list
    t))`` ⇒ ``((b . 1) (a . 2))``.
    """
    return scheme_list([cons(k, v) for k, v in table_argument("hash->list", table).items()])


@primitive("alist->hash-table", "make-hash-from-alist")
def association_list_to_hash_table(entries: List, *settings: Any) -> HashTable:
    """A new hash table of a list of pairs; of two with equal keys the first one counts.

    Example: ``(hash-ref (alist->hash-table '((a . 1))) 'a)`` ⇒ ``1``.
    """
    table = make_hash_table(*settings)
    for entry in list_argument("alist->hash-table", entries):
        if entry.__class__ is not Pair:
            raise wrong_type("alist->hash-table", "a list of pairs", entries)
        if _lookup("alist->hash-table", table, entry.car) is _ABSENT:
            _store("alist->hash-table", table, entry.car, entry.cdr)
    return table


@primitive("hash-copy", "hash-table-copy")
def hash_copy(table: HashTable, mutable: Any = True) -> HashTable:
    """A new table of the same keys and values.

    Example: ``(let* ((t (make-hash-table)) (u (hash-copy t))) (hash-set! u 'a 1) (list
    (hash-count t) (hash-count u)))`` ⇒ ``(0 1)``.
    """
    copy = table_argument("hash-copy", table).empty()
    copy.restore(zip(table.entries, table.items(), strict=True))
    return copy


@primitive("hash-for-each", "hash-table-walk", "hash-table-for-each")
def hash_for_each(table: HashTable, procedure: Any) -> Unspecified:
    """Call the procedure with each key and its value; it may change the table.

    Example: ``(let ((t (make-hash-table)) (sum 0)) (hash-set! t 'a 1) (hash-set! t 'b 2)
    (hash-for-each t (lambda (key value) (set! sum (+ sum value)))) sum)`` ⇒ ``3``.
    """
    if callable(table):
        table, procedure = procedure, table
    call = callee(procedure_argument("hash-for-each", procedure))
    for key, value in list(table_argument("hash-for-each", table).items()):
        call(key, value)
    return UNSPECIFIED


@primitive("hash-map")
def hash_map(table: HashTable, procedure: Any) -> List:
    """The list of what the procedure gives for each key and its value.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'a 1) (hash-map t (lambda (key value)
    (list key (* 10 value)))))`` ⇒ ``((a 10))``.
    """
    if callable(table):
        table, procedure = procedure, table
    call = callee(procedure_argument("hash-map", procedure))
    items = list(table_argument("hash-map", table).items())
    return scheme_list([call(key, value) for key, value in items])


@primitive("hash-update!", "hash-table-update!/default")
def hash_update(table: HashTable, key: Any, procedure: Any, default: Any = _ABSENT) -> Unspecified:
    """Replace the value under a key by what the procedure gives for it, or for the default.

    Raises:
        MissingKey: there is no such key and no default.

    Example: ``(let ((counts (make-hash-table))) (for-each (lambda (word) (hash-update! counts
    word 1+ 0)) '(a b a)) (hash->list counts))`` ⇒ ``((a . 2) (b . 1))``.
    """
    value = _lookup("hash-update!", table, key)
    if value is _ABSENT and default is _ABSENT:
        raise _missing("hash-update!", table, key)
    argument = default if value is _ABSENT else value
    return _store("hash-update!", table, key, _call("hash-update!", procedure, argument))


@primitive("hash-table-update!")
def hash_table_update(
    table: HashTable, key: Any, procedure: Any, failure: Any = None
) -> Unspecified:
    """Replace the value under a key by what the procedure gives for it.

    Args:
        failure: a procedure of no arguments that gives the value where there is none.

    Raises:
        MissingKey: there is no such key and no ``failure``.

    Example: ``(let ((t (make-hash-table))) (hash-table-update! t 'a 1+ (lambda () 0))
    (hash-table-update! t 'a 1+) (hash-ref t 'a))`` ⇒ ``2``.
    """
    value = hash_table_ref(table, key, failure)
    return _store("hash-table-update!", table, key, _call("hash-table-update!", procedure, value))


@primitive("hash-table-fold", "hash-fold")
def hash_fold(table: HashTable, procedure: Any, initial: Any) -> Any:
    """Combine all entries with ``(f key value accumulator)``, as SRFI 69 has it.

    Example: ``(let ((t (make-hash-table))) (hash-set! t 'a 1) (hash-set! t 'b 2) (hash-table-fold
    t (lambda (key value sum) (+ value sum)) 0))`` ⇒ ``3``.
    """
    call = callee(procedure_argument("hash-table-fold", procedure))
    for key, value in list(table_argument("hash-table-fold", table).items()):
        initial = call(key, value, initial)
    return initial

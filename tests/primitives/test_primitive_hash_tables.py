"""Hash tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheme_calls import call, rows, run, shown

from eshkol.datum.pairs import NIL

ROWS = """
(hash-count (make-hash-table)) ⇒ 0
(hash-table? (make-hash-table)) ⇒ #t
(hash-table? '()) ⇒ #f
(hash-ref (make-hash-table) 'zz) ⇒ #f
(hash-ref (make-hash-table) 'zz 'd) ⇒ d
(hash-ref (alist->hash-table '((a . 1) (a . 2))) 'a) ⇒ 1
(hash->list (alist->hash-table '((a . 1) (b . 2)))) ⇒ ((a . 1) (b . 2))
(hash-keys (alist->hash-table '((a . 1) (b . 2)))) ⇒ (a b)
(hash-values (alist->hash-table '((a . 1) (b . 2)))) ⇒ (1 2)
(hash-has-key? (alist->hash-table '((#(1) . 1))) #(1)) ⇒ #t
(hash-has-key? (alist->hash-table '((1 . 1))) 1.0) ⇒ #f
(hash-map (alist->hash-table '((a . 1))) list) ⇒ ((a 1))
(hash-table-fold (alist->hash-table '((a . 1) (b . 2))) (lambda (k v acc) (+ v acc)) 0) ⇒ 3
(hash-table-ref (make-hash-table) 'a (lambda () 'none)) ⇒ none
(hash-table-ref (alist->hash-table '((a . 1))) 'a (lambda () 'none) list) ⇒ (1)
(hash-empty? (make-hash-table)) ⇒ #t
"""


@pytest.mark.parametrize(("expression", "expected"), rows(ROWS))
def test_value(expression: str, expected: str) -> None:
    assert shown(expression) == expected


@given(st.lists(st.tuples(st.sampled_from([1, 1.0, "1", True, (), "a"]), st.integers())))
def test_hash_tables_against_a_model(entries: list[tuple[object, int]]) -> None:
    table = call("make-hash-table")
    model: dict[tuple[type, object], int] = {}
    for key, value in entries:
        key = NIL if key == () else key
        call("hash-set!", table, key, value)
        model[(key.__class__, key)] = value
    assert call("hash-count", table) == len(model)
    for (_, key), value in model.items():
        assert call("hash-ref", table, key) == value
        assert call("hash-has-key?", table, key)
    copy = call("hash-copy", table)
    for _, key in model:
        call("hash-remove!", table, key)
    assert call("hash-count", table) == 0 and call("hash-count", copy) == len(model)


def test_hash_table_updates() -> None:
    table = run("(make-hash-table)")
    add_one = run("1+")
    for word in ("a", "b", "a"):
        call("hash-update!", table, word, add_one, 0)
    call("hash-table-update!", table, "b", add_one)
    call("hash-table-update!", table, "c", add_one, lambda: 41)
    call("hash-table-update!/default", table, "d", add_one, 0)
    assert shown("(hash->list t)", t=table) == '(("a" . 2) ("b" . 2) ("c" . 42) ("d" . 1))'
    seen: list[object] = []
    call("hash-table-walk", table, lambda key, value: seen.append((key, value)))
    assert dict(seen) == {"a": 2, "b": 2, "c": 42, "d": 1}
    call("hash-clear!", table)
    assert call("hash-empty?", table)

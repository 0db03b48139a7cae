"""Pairs, symbols and hash tables; ``eqv?``, ``equal?`` and the keys of hash tables."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.equality import hash_key, is_array, is_equal, is_eqv, scalar
from eshkol.datum.pairs import NIL, cons, is_list, scheme_list, spine
from eshkol.datum.symbols import Symbol, gensym, intern
from eshkol.datum.values import EOF, UNSPECIFIED, Char, HashTable, Vector
from rows import one_in

RANDOM = settings(deadline=None)
NAN = float("nan")


def circular(*items):
    """The endless list that repeats ``items``."""
    last = cons(items[-1], NIL)
    first = scheme_list(items[:-1], last)
    last.cdr = first
    return first


def nested(depth: int, innermost=NIL):
    for _ in range(depth):
        innermost = cons(innermost, NIL)
    return innermost


# Pairs and symbols


def test_a_list_is_a_chain_of_pairs():
    three = scheme_list([1, 2, 3])
    assert (three.car, three.cdr.car, three.cdr.cdr.car, three.cdr.cdr.cdr) == (1, 2, 3, NIL)
    assert list(three) == [1, 2, 3]
    assert len(three) == 3
    assert spine(three) == ([1, 2, 3], NIL)


def test_a_list_may_end_in_anything():
    dotted = scheme_list(iter([1, 2]), 3)
    assert spine(dotted) == ([1, 2], 3)
    with pytest.raises(WrongType, match=r"expected a proper list, got \(1 2 \. 3\)\n.*tail is 3"):
        list(dotted)


def test_the_empty_list_is_its_own_kind():
    assert scheme_list([]) is NIL
    assert (list(NIL), len(NIL), repr(NIL)) == ([], 0, "()")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NIL, True),
        (scheme_list([1, 2, 3]), True),
        (scheme_list(range(100_000)), True),
        (scheme_list([1], 2), False),
        (circular(1), False),
        (circular(1, 2), False),
        (scheme_list([0, 0, 0], circular(1, 2, 3)), False),
        (Vector([1]), False),
        (1, False),
    ],
)
def test_proper_lists_are_finite_and_end_in_the_empty_list(value, expected):
    assert is_list(value) is expected


def test_symbols_of_one_name_are_one_object():
    assert intern("x") is intern("x")
    assert intern("x") is not intern("X")
    assert intern("x") is not Symbol("x")


def test_generated_symbols_are_fresh():
    first, second = gensym("v"), gensym("v")
    assert first is not second
    assert first.name != second.name
    assert first is not intern(first.name)


@pytest.mark.parametrize("value", [NIL, EOF, UNSPECIFIED, intern("quote")])
def test_unique_values_stay_unique_when_pickled(value):
    assert pickle.loads(pickle.dumps(value)) is value


def test_lists_are_pickled_whatever_their_length():
    value = scheme_list(range(50_000), intern("end"))
    assert pickle.loads(pickle.dumps(value)) == value


# eqv?

DISTINCT = [
    0,
    1,
    10**30,
    0.0,
    -0.0,
    1.0,
    math.inf,
    -math.inf,
    NAN,
    Fraction(1, 2),
    complex(1, 2),
    complex(0.0, 1),
    complex(-0.0, 1),
    complex(NAN, 1),
    True,
    False,
    "",
    Char("a"),
    Char("b"),
    intern("a"),
    intern("b"),
    NIL,
    EOF,
    UNSPECIFIED,
]
"""Values no two of which are the same to any equivalence."""


def same_again(value):
    """A value that is made anew, but can't be told from ``value`` by ``eqv?``."""
    kind = value.__class__
    if kind is complex:
        return complex(value.real, value.imag)
    if kind in (float, Fraction):
        return kind(str(value))
    if kind is Char:
        return Char(value.value)
    return int(str(value)) if kind is int else value


@pytest.mark.parametrize("row", range(len(DISTINCT)))
@pytest.mark.parametrize("column", range(len(DISTINCT)))
def test_atoms_are_equivalent_to_themselves_only(row, column):
    a, b = DISTINCT[row], same_again(DISTINCT[column])
    assert is_eqv(a, b) is (row == column)
    assert is_equal(a, b) is (row == column)
    assert (hash_key(a) == hash_key(b)) is (row == column)


@pytest.mark.parametrize(
    ("make", "equal"),
    [
        (lambda: "".join(["a", "b"]), True),
        (lambda: cons(1, 2), True),
        (lambda: Vector([1, 2]), True),
        (lambda: bytearray(b"ab"), True),
        (lambda: HashTable(), False),
        (lambda: lambda: 1, False),
        (lambda: object(), False),
    ],
)
def test_objects_are_eqv_by_identity(make, equal):
    a, b = make(), make()
    assert is_eqv(a, a)
    assert not is_eqv(a, b)
    assert is_equal(a, b) is equal
    assert (hash_key(a) == hash_key(b)) is equal


# equal?

A, B = intern("a"), intern("b")

UNEQUAL = [
    scheme_list([1, 2]),
    scheme_list([1, 2.0]),
    scheme_list([2, 1]),
    scheme_list([1, 2, 3]),
    scheme_list([1], 2),
    scheme_list([1, NIL]),
    scheme_list([scheme_list([1]), 2]),
    scheme_list([1, scheme_list([2])]),
    scheme_list([A, B]),
    scheme_list(["a", "b"]),
    scheme_list([Char("a"), Char("b")]),
    Vector([1, 2]),
    Vector([1, Vector([2])]),
    Vector([Vector([1]), 2]),
    Vector([]),
    Vector([scheme_list([1, 2])]),
    "a",
    "b",
    b"a",
    b"b",
    (1, 2),
]


@pytest.mark.parametrize("row", range(len(UNEQUAL)))
@pytest.mark.parametrize("column", range(len(UNEQUAL)))
def test_structures_are_equal_part_by_part(row, column):
    a, b = UNEQUAL[row], pickle.loads(pickle.dumps(UNEQUAL[column]))
    assert is_equal(a, b) is (row == column)
    assert (hash_key(a) == hash_key(b)) is (row == column)


def test_python_compares_pairs_like_equal():
    assert scheme_list([1, "a"]) == scheme_list([1, "a"])
    assert scheme_list([1]) != scheme_list([1.0])
    assert scheme_list([1]) != [1]


def test_a_bytevector_equals_its_constant():
    assert is_equal(b"ab", bytearray(b"ab"))
    assert hash_key(b"ab") == hash_key(bytearray(b"ab"))


@pytest.mark.parametrize("depth", one_in(2, [10_000, 100_000]))
def test_deep_structures_are_compared_and_hashed(depth):
    assert is_equal(nested(depth), nested(depth))
    assert not is_equal(nested(depth), nested(depth, 1))
    assert hash_key(nested(depth)) == hash_key(nested(depth))
    assert hash_key(nested(depth)) != hash_key(nested(depth, 1))


def test_long_lists_are_compared():
    assert is_equal(scheme_list(range(100_000)), scheme_list(range(100_000)))
    assert not is_equal(scheme_list(range(100_000)), scheme_list(range(100_000), 1))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (circular(1), circular(1), True),
        (circular(1), circular(1, 1, 1), True),
        (circular(1, 2), circular(1, 2, 1, 2), True),
        (circular(1, 2), circular(2, 1), False),
        (circular(1, 1, 2), circular(1, 1, 1, 2), False),
        (circular(circular(1)), circular(circular(1, 1)), True),
        (circular(1), scheme_list([1] * 10), False),
    ],
)
def test_endless_lists_are_equal_if_they_never_differ(a, b, expected):
    assert is_equal(a, b) is expected
    assert is_equal(b, a) is expected


def test_an_endless_vector_is_compared():
    a, b = Vector([1]), Vector([1])
    a.append(a)
    b.append(b)
    assert is_equal(a, b)
    b[0] = 2
    assert not is_equal(a, b)


# Arrays


@pytest.mark.parametrize("module", [np, jnp])
def test_rank_0_arrays_are_the_numbers_they_hold(module):
    assert scalar(module.asarray(2, "int32")) == 2
    assert is_eqv(module.asarray(2, "int32"), 2)
    assert not is_eqv(module.asarray(2, "float32"), 2)
    assert is_equal(scheme_list([module.asarray(0.5, "float32")]), scheme_list([0.5]))
    assert is_eqv(module.asarray(True), True)
    assert hash_key(module.asarray(0.5, "float32")) == hash_key(0.5)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.0, 2.0], [1.0, 3.0], False),
        ([1.0, NAN], [1.0, NAN], True),
        ([0.0], [-0.0], False),
        ([[1.0, 2.0]], [1.0, 2.0], False),
        ([1, 2], [1.0, 2.0], False),
        ([], [], True),
    ],
)
def test_tensors_are_equal_element_by_element(a, b, expected):
    x, y = np.asarray(a), np.asarray(b)
    assert is_equal(x, y) is expected
    assert (hash_key(x) == hash_key(y)) is expected
    assert is_equal(jnp.asarray(a), jnp.asarray(b)) is expected


def test_a_tensor_is_eqv_to_itself_only():
    x, y = np.ones(3), np.ones(3)
    assert is_eqv(x, x)
    assert not is_eqv(x, y)


@pytest.mark.parametrize("value", [1, 1.0, "shape", Vector([1]), NIL, None])
def test_other_values_are_no_arrays(value):
    assert not is_array(value)


# Hash tables


def test_keys_of_a_hash_table_are_compared_by_equal():
    table = HashTable()
    table[scheme_list([1, "a"])] = 1
    table[1] = 2
    table[1.0] = 3
    table[True] = 4
    table["1"] = 5
    assert len(table) == 5
    assert table[scheme_list([1, "a"])] == 1
    assert [table[key] for key in (1, 1.0, True, "1")] == [2, 3, 4, 5]
    assert 2 not in table
    assert table.get(2, "none") == "none"


def test_a_hash_table_keeps_the_order_of_insertion():
    table = HashTable()
    for key in "cab":
        table[key] = key.upper()
    table["a"] = 0
    del table["c"]
    assert list(table) == ["a", "b"]
    assert list(table.items()) == [("a", 0), ("b", "B")]


def test_a_missing_key_is_a_key_error():
    table = HashTable()
    with pytest.raises(KeyError, match="7"):
        table[7]
    with pytest.raises(KeyError):
        del table[7]


def test_a_key_that_contains_itself_is_rejected():
    with pytest.raises(BadValue, match=r"does not contain itself, got #0=\(1 \. #0#\)"):
        HashTable()[circular(1)] = 1


ATOMS = (
    st.integers()
    | st.floats()
    | st.fractions()
    | st.complex_numbers()
    | st.booleans()
    | st.text(max_size=3)
    | st.builds(Char, st.characters())
    | st.builds(intern, st.text(max_size=3))
    | st.just(NIL)
)
DATA = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds(Vector, st.lists(inner, max_size=4))
        | st.builds(scheme_list, st.lists(inner, max_size=4))
        | st.builds(cons, inner, inner)
    ),
    max_leaves=12,
)


@RANDOM
@given(DATA, DATA)
def test_keys_agree_with_equal(a, b):
    assert is_equal(a, a)
    assert is_equal(a, b) == is_equal(b, a) == (hash_key(a) == hash_key(b))


@RANDOM
@given(DATA)
def test_a_copy_is_equal(value):
    copy = pickle.loads(pickle.dumps(value))
    assert is_equal(value, copy)
    assert hash_key(value) == hash_key(copy)

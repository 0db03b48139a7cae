"""Values as trees: closures and data go through every boundary and come out what they were."""

from __future__ import annotations

import time
from typing import Any

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from hypothesis import given, settings
from staged_sessions import assert_at_rest, compiles, value

from eshkol.base.errors import StagingError
from eshkol.datum.equality import is_equal
from eshkol.datum.pairs import NIL, Pair, cons, scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import HashTable, Vector
from eshkol.session import Session
from eshkol.xla.leaf_names import leaf_names
from eshkol.xla.straight_line import taker
from eshkol.xla.trees import flatten, leaf_kinds, unflatten

SHARED = Session()
SHARED.evaluate("""
    (define (hold a) (lambda (x) (list a x)))
    (define (hold-two a b) (lambda (x) (list a b x)))
    (define (layer weight bias) (lambda (x) (+ (matmul x weight) bias)))
    (define (chain f g) (lambda (x) (g (f x))))""")


@pytest.fixture
def session() -> Session:
    return Session()


# ---- taking apart and putting together

NUMBERS = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False, width=32), st.booleans())
ATOMS = st.one_of(
    NUMBERS,
    st.fractions(max_denominator=9),
    st.text(max_size=3),
    st.sampled_from([intern("a"), intern("b"), NIL]),
    st.integers(1, 3).map(lambda n: jax.numpy.arange(float(n))),
)


def _table(entries: dict[str, Any]) -> HashTable:
    table = HashTable()
    for key, item in entries.items():
        table[intern(key)] = item
    return table


def _containers(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        st.lists(inner, max_size=3).map(scheme_list),
        st.lists(inner, max_size=3).map(Vector),
        st.tuples(inner, inner).map(lambda pair: cons(*pair)),
        st.dictionaries(st.sampled_from("uvw"), inner, max_size=2).map(_table),
        inner.map(SHARED.get("hold")),
        st.tuples(inner, inner).map(lambda pair: SHARED.get("hold-two")(*pair)),
        st.tuples(inner, inner),
    )


DATA = st.recursive(ATOMS, _containers, max_leaves=8)


def seen(item: Any) -> Any:
    """A value with closures replaced by what they give, so that ``equal?`` compares them."""
    if callable(item):
        return ("closure", seen(item(0)))
    if isinstance(item, Pair):
        return cons(seen(item.car), seen(item.cdr))
    if isinstance(item, Vector | tuple):
        return Vector(map(seen, item))
    if isinstance(item, HashTable):
        return Vector(cons(key, seen(part)) for key, part in item.items())
    return item


@settings(max_examples=150, deadline=None)
@given(DATA)
def test_what_is_taken_apart_comes_together_again(item: Any) -> None:
    leaves, structure = flatten(item)
    rebuilt = unflatten(structure, leaves)
    assert is_equal(seen(rebuilt), seen(item))
    again_leaves, again = flatten(rebuilt)
    assert (again, hash(again)) == (structure, hash(structure))
    assert all(a is b for a, b in zip(leaves, again_leaves, strict=True))
    assert len(list(leaf_kinds(structure))) == len(leaves)


@settings(max_examples=60, deadline=None)
@given(DATA)
def test_each_leaf_has_a_name_of_its_own(item: Any) -> None:
    names = leaf_names(item)
    assert len(names) == len(set(names)) == len(flatten(item)[0])


@settings(max_examples=60, deadline=None)
@given(DATA, st.integers(0, 100))
def test_leaves_that_are_replaced_arrive_in_their_places(item: Any, start: int) -> None:
    leaves, structure = flatten(item)
    numbers = [float(start + index) for index in range(len(leaves))]
    assert flatten(unflatten(structure, numbers))[0] == numbers


def test_names_lead_to_the_variables() -> None:
    model = SHARED.evaluate("""
        (chain (layer (ones 2 3) (zeros 3)) (chain (layer (ones 3 3) 0.5) (hold (list 1.0 2))))""")
    assert leaf_names(model) == [
        "f.bias", "f.weight", "g.f.bias", "g.f.weight", "g.g.a.0", "g.g.a.1",
    ]  # fmt: skip


def test_taking_apart_is_quick() -> None:
    parts = " ".join("(layer (ones 2 2) (ones 2))" for _ in range(25))
    model = SHARED.evaluate(f"(list {parts})")
    leaves, structure = flatten(model)
    assert len(leaves) == 50
    timings = {}
    take = taker(structure)
    assert take is not None
    runs = {
        "flatten": lambda: flatten(model),
        "unflatten": lambda: unflatten(structure, leaves),
        "straight-line code": lambda: take(model),
    }
    for name, run in runs.items():
        best = min(_seconds(run) for _ in range(5))
        timings[name] = best * 1e6
    print(", ".join(f"{name} of 50 leaves: {t:.1f} µs" for name, t in timings.items()))
    assert max(timings.values()) < 1000


def _seconds(run: Any, times: int = 200) -> float:
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times


# ---- closures through jit

THROUGH = [
    # program, its call, result
    ("(define (mul w) (lambda (x) (* w x))) (define j (jit (lambda (g x) (g x))))",
     ("(j (mul {v}) 3.0)", lambda v: 3 * v)),
    ("(define j (jit (lambda (w) (lambda (x) (* w x)))))", ("((j {v}) 3.0)", lambda v: 3 * v)),
    ("(define (mul w) (lambda (x) (* w x))) (define j (jit (lambda (f g) (lambda (x) (f (g x))))))",
     ("((j (mul {v}) (mul 2.0)) 3.0)", lambda v: 6 * v)),
    ("(define (power w) (define (f n x) (if (= n 0) x (f (- n 1) (* w x)))) f)",
     ("((jit (power {v})) 3 1.0)", lambda v: v**3)),
    ("""(define (parity w) (letrec ((even (lambda (n) (if (= n 0) w (odd (- n 1)))))
                                    (odd (lambda (n) (if (= n 0) (- w) (even (- n 1)))))) even))
        (define j (jit (lambda (f n) (f n))))""", ("(j (parity {v}) 3)", lambda v: -v)),
    ("(define (mul w) (lambda (x) (* w x))) (define j (jit (lambda (l) ((cadr l) ((car l) 1.0)))))",
     ("(j (list (mul {v}) (mul 2.0)))", lambda v: 2 * v)),
    ("(define (mul w) (lambda (x) (* w x))) (define (twice f) (lambda (x) (f (f x))))",
     ("((jit (twice (twice (mul {v})))) 1.0)", lambda v: v**4)),
    ("(define (mul w) (jit (lambda (x) (* w x))))", ("((jit (mul {v})) 3.0)", lambda v: 3 * v)),
    ("(define (mul w) (lambda (x) (* w x)))",
     ("((jit (jit (jit (mul {v})))) 3.0)", lambda v: 3 * v)),
    ("(define (mul w) (lambda (x) (* w x x)))",
     ("((jit (gradient (jit (mul {v})))) 3.0)", lambda v: 6 * v)),
    ("(define (mul w) (lambda (x) (* w x x x)))",
     ("((gradient (jit (gradient (jit (mul {v}))))) 3.0)", lambda v: 18 * v)),
    ("(define (mul w) (lambda (x) (* w x)))",
     ("(tensor-sum ((jit (vmap (jit (mul {v})))) (arange 3.0)))", lambda v: 3 * v)),
    ("(define (mul w) (lambda (x) (* w x x)))",
     ("(tensor-sum ((vmap (gradient (jit (mul {v})))) (arange 3.0)))", lambda v: 6 * v)),
    ("(define (mul w) (lambda (x) (* w x x)))",
     ("(tensor-sum ((gradient (lambda (t) (tensor-sum ((vmap (jit (mul {v}))) t)))) (arange 3.0)))",
      lambda v: 6 * v)),
    ("(define (mul w) (jit (lambda (x) (* w x)))) (define outer (jit (lambda (g x) (g (g x)))))",
     ("(outer (mul {v}) 3.0)", lambda v: 3 * v * v)),
]  # fmt: skip


@pytest.mark.parametrize(("program", "use"), THROUGH, ids=lambda v: str(v)[:30])
def test_closures_go_in_and_out_and_new_captures_compile_nothing(
    session: Session, program: str, use: Any
) -> None:
    call, expected = use
    session.evaluate(program)
    assert value(session, call.format(v=2.5)) == pytest.approx(expected(2.5))
    with compiles(0):
        for v in (0.5, -3.0):
            assert value(session, call.format(v=v)) == pytest.approx(expected(v))
    assert_at_rest()


def test_a_cycle_of_closures_is_tied_again(session: Session) -> None:
    session.evaluate("""
        (define (make w)
          (letrec ((ping (lambda (n) (if (= n 0) w (pong (- n 1)))))
                   (pong (lambda (n) (if (= n 0) (* 10 w) (ping (- n 1))))))
            (list ping pong)))""")
    both = session.evaluate("(make (ones 2))")
    leaves, structure = flatten(both)
    assert len(leaves) == 1
    ping, pong = unflatten(structure, [2 * leaves[0]])
    for procedure, n, expected in ((ping, 0, 2), (ping, 1, 20), (pong, 0, 20), (pong, 3, 2)):
        assert np.asarray(procedure(n)).tolist() == [expected] * 2
    cells = dict(zip(ping.__code__.co_freevars, ping.__closure__, strict=True))
    assert pong in [cell.cell_contents for cell in cells.values()]


# ---- one variable is one leaf

TIED = """
    (define (make w)
      (let ((encode (lambda (x) (* w x))) (decode (lambda (x) (+ w x))))
        (lambda (x) (decode (encode x)))))
    (define (loss m) (tensor-sum (m 3.0)))"""


@pytest.mark.parametrize(
    "gradient",
    [
        "gradient loss (make (ones 2))",
        "(jit (lambda (m) (gradient loss m))) (make (ones 2))",
        "(jit (gradient (jit loss))) (make (ones 2))",
        "gradient (jit loss) (make (ones 2))",
    ],
)
def test_a_variable_captured_twice_is_one_leaf(session: Session, gradient: str) -> None:
    session.evaluate(TIED)
    assert len(flatten(session.evaluate("(make (ones 2))"))[0]) == 1
    # d(w x + w)/dw = x + 1, and both procedures of the gradient hold that one tensor.
    assert value(session, f"(({gradient}) 0.0)") == [4.0, 4.0]


def test_equal_tensors_of_two_variables_stay_two(session: Session) -> None:
    two = session.evaluate("""
        (let ((t (ones 2)))
          (let ((a t) (b t)) (lambda (x) (+ (* a x) (* 2 (* b x))))))""")
    session.define("two", two)
    session.evaluate("(define g (gradient (lambda (m) (tensor-sum (m 3.0))) two))")
    a, b = flatten(session.get("g"))[0]
    assert sorted([np.asarray(a).tolist(), np.asarray(b).tolist()]) == [[3, 3], [6, 6]]


def test_an_assigned_variable_of_outside_is_read_but_not_set(session: Session) -> None:
    session.evaluate("""
        (define counter
          (let ((total 1.0)) (list (lambda (x) (set! total (+ total x)) total)
                                   (lambda (x) (* total x)))))""")
    assert value(session, "((jit (cadr counter)) 2.0)") == 2.0
    session.evaluate("((car counter) 4.0)")
    with compiles(0):
        assert value(session, "((jit (cadr counter)) 2.0)") == 10.0
    with pytest.raises(StagingError, match="set!: total belongs to code outside"):
        session.evaluate("((jit (car counter)) 2.0)")
    assert value(session, "((cadr counter) 1.0)") == 5.0
    assert_at_rest()


def test_an_inner_variable_is_set_freely(session: Session) -> None:
    session.evaluate("""
        (define (f x)
          (define total 0.0)
          (define (add! y) (set! total (+ total y)) total)
          (for-each add! (list x (* 2 x) (* 3 x)))
          (if (> x 0) (add! 1.0) (add! -1.0))
          total)""")
    assert value(session, "((jit f) 2.0)") == value(session, "(f 2.0)") == 13.0
    assert value(session, "((jit f) -2.0)") == value(session, "(f -2.0)") == -13.0

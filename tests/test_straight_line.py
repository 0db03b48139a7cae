"""Straight-line code for a structure does what the general passes do, or refuses."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import jax.numpy as jnp
import pytest

from eshkol.session import Session
from eshkol.xla.straight_line import MISS, Constant, entrance, maker, taker
from eshkol.xla.trees import flatten, unflatten

SESSION = Session()
Point = namedtuple("Point", "x y")
EMPTY = namedtuple("EMPTY", "")

SCHEME = {
    "a closure": "(let ((w (ones 2)) (b 1.5)) (lambda (x) (+ (* w x) b)))",
    "a closure of other code": "(let ((w (ones 2)) (b 1.5)) (lambda (x) (- (* w x) b)))",
    "a closure with more": "(let ((w (ones 2)) (b 1.5) (c 2)) (lambda (x) (+ (* w x) b c)))",
    "a closure of closures": """
        (let ((make (lambda (n) (let ((w (ones n))) (lambda (x) (* w x))))))
          (let ((f (make 2)) (g (make 3))) (lambda (x) (g (f x)))))""",
    "a tied variable": """
        (let* ((w (ones 2)) (f (lambda (x) (* w x))) (g (lambda (x) (+ w x))))
          (lambda (x) (g (f x))))""",
    "no captures": "(lambda (x) x)",
    "a closure with a name in it": "(let ((s 'relu) (w (ones 1))) (lambda (x) (if s w x)))",
    "a list": "(list (ones 2) 1.5 2 'a)",
    "a vector": "(vector (ones 2) (list 1.5))",
    "a vector of another length": "(vector (ones 2) (list 1.5) 2)",
}
PYTHON: dict[str, Any] = {
    "a tuple": (jnp.ones(2), 1.5, 2, True, None),
    "an empty tuple": (),
    "a Python list": [jnp.ones(2), [1.5]],
    "a dictionary": {"a": jnp.ones(2), "b": 1.5},
    "a dictionary of other keys": {"a": jnp.ones(2), "c": 1.5},
    "a named tuple": Point(jnp.ones(2), 3),
    "a named tuple of nothing": EMPTY(),
    "a tensor": jnp.ones(3),
}
VALUES = {name: SESSION.evaluate(text) for name, text in SCHEME.items()} | PYTHON

REFUSED = {
    "a variable that is assigned": "(let ((n 1.5)) (lambda (x) (set! n x) n))",
    "a hash table": "(let ((t (make-hash-table))) (hash-set! t 'a 1.5) t)",
    "a procedure that captures itself": "(letrec ((f (lambda (x) (if x (+ 1 (f (cdr x))) 1)))) f)",
    "a default value": "(let ((w (ones 1))) (lambda (x (y 2)) (* w x y)))",
}


@pytest.mark.parametrize("name", VALUES)
def test_taken_apart_as_by_the_general_pass(name: str) -> None:
    leaves, structure = flatten(VALUES[name])
    take = taker(structure)
    assert take is not None
    taken = take(VALUES[name])
    assert taken is not None
    assert [id(leaf) for leaf in taken] == [id(leaf) for leaf in leaves]


@pytest.mark.parametrize("name", VALUES)
def test_any_other_structure_is_refused(name: str) -> None:
    take = taker(flatten(VALUES[name])[1])
    assert take is not None
    for other in VALUES:
        assert (take(VALUES[other]) is None) == (other != name), other


@pytest.mark.parametrize("name", VALUES)
def test_put_together_as_by_the_general_pass(name: str) -> None:
    leaves, structure = flatten(VALUES[name])
    make = maker(structure, list(range(len(leaves))))
    assert make is not None
    again = flatten(make([], leaves))
    assert again[1] == flatten(unflatten(structure, leaves))[1] == structure
    assert [id(leaf) for leaf in again[0]] == [id(leaf) for leaf in leaves]


@pytest.mark.parametrize("name", REFUSED)
def test_what_goes_the_general_way(name: str) -> None:
    leaves, structure = flatten(SESSION.evaluate(REFUSED[name]))
    assert maker(structure, list(range(len(leaves)))) is None


def test_leaves_come_from_where_they_are_said_to() -> None:
    structure = flatten((1.0, 2.0, 3.0, 4.0))[1]
    make = maker(structure, [None, 1, Constant(7.0), None])
    assert make is not None
    assert make([10.0, 11.0], [20.0, 21.0]) == (10.0, 21.0, 7.0, 11.0)


def test_a_tied_variable_stays_tied_and_an_untied_one_is_refused() -> None:
    tied = VALUES["a tied variable"]
    untied = SESSION.evaluate("""
        (let* ((w (ones 2)) (v (ones 2)) (f (lambda (x) (* w x))) (g (lambda (x) (+ v x))))
          (lambda (x) (g (f x))))""")
    take = taker(flatten(tied)[1])
    assert take is not None
    taken = take(tied)
    assert taken is not None
    assert len(taken) == 1
    assert take(untied) is None
    untie = taker(flatten(untied)[1])
    assert untie is not None
    assert untie(tied) is None


@pytest.mark.parametrize("made", ["(let ((w (ones 2))) (lambda (x) (* w x)))", "(lambda (x) x)"])
def test_a_closure_that_stands_twice_is_not_two(made: str) -> None:
    once, twice = SESSION.evaluate(f"""
        (let* ((make (lambda () {made})) (pair (lambda (f g) (lambda (x) (g (f x))))) (f (make)))
          (list (pair f f) (pair f (make))))""")
    take_one, take_two = (taker(flatten(value)[1]) for value in (once, twice))
    assert take_one is not None
    assert take_two is not None
    assert (take_one(once) is None, take_one(twice) is None) == (False, True)
    assert (take_two(once) is None, take_two(twice) is None) == (True, False)


ARRAYS = jnp.ones(2), jnp.ones(3)


@pytest.mark.parametrize(
    ("arguments", "options", "way"),
    [
        (ARRAYS, {}, "fast"),
        (ARRAYS[:1], {}, "general"),
        ((*ARRAYS, ARRAYS[0]), {}, "general"),
        ((ARRAYS[0], 1.5), {}, "general"),
        ((ARRAYS[0], 2.5), {}, "way"),
        ((ARRAYS[0], 2.5), {"a0": 1}, "general"),
        (ARRAYS, {"a0": 1}, "general"),
    ],
)
def test_an_entrance_lets_only_its_arrays_through(arguments: Any, options: Any, way: str) -> None:
    fast = {2: lambda *arrays: ("fast", arrays, {})}
    ways = [lambda *_: MISS, lambda x, y: ("way", (x, y), {}) if y == 2.5 else MISS]

    def general(given: Any, options: Any) -> Any:
        return "general", given, options

    compiled = entrance(2, fast, ways, general)
    taken, given, passed = compiled(*arguments, **options)
    assert taken == way
    assert len(given) == len(arguments)
    assert all(a is b for a, b in zip(given, arguments, strict=True))
    assert passed == options

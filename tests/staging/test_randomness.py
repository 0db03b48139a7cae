"""Both dialects draw the same random numbers from the same seed, call by call."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from staged_sessions import assert_at_rest, compiles

from eshkol.base.errors import StagingError
from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import PRIMITIVES
from eshkol.session import Session
from eshkol.xla.reach import drawing_names
from rows import one_in


@pytest.fixture
def session() -> Session:
    return Session()


def numbers(value: object) -> list[float]:
    """All numbers in a structure, in order."""
    if isinstance(value, Pair | list | tuple):
        return [number for part in value for number in numbers(part)]
    return np.asarray(value, np.float64).reshape(-1).tolist()


DRAWS = {
    "random": "(random)",
    "scalars": "(list (random) (random-normal 2.0 3.0) (random-uniform 1.0 5.0) (random))",
    "tensors": "(list (rand 3) (randn 2 2) (random 4) (random-normal 0.0 1.0 5))",
    "integers": "(list (random-int 0 100) (random-int -5 5 3) (random-int 0 4000000000))",
    "coins": "(list (bernoulli 0.5) (bernoulli 0.25 6) (dropout-mask (ones 4) 0.5))",
    "orders": "(list (random-permutation 6) (shuffle (arange 5.0)))",
    "weights": "(list (he-normal '(3 2)) (xavier-uniform '(2 2)) (orthogonal-init '(2 2)))",
    "mixed": "(list (random) (randn 2) (random) (random-normal) (rand 1))",
    "map": "(map (lambda (i) (random)) '(1 2 3))",
    "a short loop": "(do ((i 0 (+ i 1)) (l '() (cons (random) l))) ((= i 4) l))",
    "a long loop": "(do ((i 0 (+ i 1)) (s 0.0 (+ s (* i (random))))) ((= i 30) s))",
    "after a loop": "(begin (do ((i 0 (+ i 1)) (s x (+ s (random)))) ((= i 30) s)) (random))",
    "a traced loop": "(let loop ((s x) (n 0)) (if (> s 9) (list s n)"
    " (loop (+ s (random)) (+ n 1))))",
    "after a traced loop": "(begin (let loop ((s x)) (if (> s 9) s"
    " (loop (+ s (random))))) (random))",
    "an early exit": "(let loop ((n 0) (r (random))) (cond ((> n 50) n) ((> r 0.95) (+ n r))"
    " (else (loop (+ n 1) (random)))))",
    "nested loops": "(do ((i 0 (+ i 1)) (s 0.0 (do ((j 0 (+ j 1)) (t s (+ t (* j (random)))))"
    " ((= j 9) t)))) ((= i 9) s))",
    "one branch": "(list (if (> x 0) (random) 0.5) (random))",
    "the other branch": "(list (if (> x 1e9) (list (random) (random)) (list 0.5 0.5)) (random))",
    "both branches": "(list (if (> x 1) (random) (+ (random) (random))) (random))",
    "a helper": "(let ((h (lambda () (random)))) (list (h) (h)))",
    "an inner jit": "(list (random) ((jit (lambda (y) (* y (random)))) x) (random))",
    "an inner jit with a loop": "(list ((jit (lambda (y) (let loop ((s y)) (if (> s 9) s"
    " (loop (+ s (random))))))) x) (random))",
    "a gradient": "(list (gradient (lambda (y) (* y y (random))) x) (random))",
    "a key of its own": "(list (call-with-rng 5 (lambda () (list (random) (rand 2)))) (random))",
    "a loop with a key": "(call-with-rng 5 (lambda () (do ((i 0 (+ i 1)) (s 0.0 (+ s (* i"
    " (random))))) ((= i 20) s))))",
    "lanes": "(list ((vmap (lambda (y) (list (+ y (random)) (randn 2)))) (zeros 3)) (random))",
}  # fmt: skip


@pytest.mark.parametrize("name", one_in(3, DRAWS))
def test_both_dialects_draw_the_same(session: Session, name: str) -> None:
    session.evaluate(f"(define (f x) {DRAWS[name]}) (define j (jit f))")
    for seed in (1, 2):
        eager = session.evaluate(f"(rng-seed {seed}) (list (f 2.0) (f 2.0) (random))")
        staged = session.evaluate(f"(rng-seed {seed}) (list (j 2.0) (j 2.0) (random))")
        np.testing.assert_allclose(numbers(staged), numbers(eager), rtol=1e-6, atol=1e-6)
        first, second = numbers(staged.car), numbers(staged.cdr.car)
        if name not in ("a loop with a key",):
            assert first != second
    with compiles(0):
        session.evaluate("(rng-seed 3) (j 2.0)")


def test_a_seed_reproduces_and_another_does_not(session: Session) -> None:
    session.evaluate("(define j (jit (lambda () (list (random) (randn 3)))))")
    runs = [numbers(session.evaluate(f"(rng-seed {s}) (list (j) (j))")) for s in (4, 4, 5)]
    assert runs[0] == runs[1]
    assert not set(runs[0]) & set(runs[2])
    assert len(set(runs[0])) == len(runs[0])


def test_each_trip_and_each_lane_draws_anew(session: Session) -> None:
    trips = session.evaluate("""((jit (lambda (x)
        (do ((i 0 (+ i 1)) (v x (+ v (* (random) (one-hot i 20))))) ((= i 20) v)))) (zeros 20))""")
    lanes = session.evaluate("((vmap (lambda (x) (+ x (random)))) (zeros 20))")
    for draws in (numbers(trips), numbers(lanes)):
        assert len(set(draws)) == 20
        assert all(0 <= draw < 1 for draw in draws)


WAYS = [
    "(define d random) ((jit (lambda (x) (+ x (d)))) 1.0)",
    "(let ((d random)) ((jit (lambda (x) (+ x (d)))) 1.0))",
    "((jit (lambda (d) (d))) random)",
    "(define (g) (random)) (define (f x) (+ x (g))) ((jit f) 1.0)",
    "(define (make d) (lambda (x) (+ x (d)))) ((jit (make random)) 1.0)",
    "((jit random))",
    "((jit (lambda (l) ((car l)))) (list random))",
]


@pytest.mark.parametrize("program", WAYS)
def test_draws_are_foreseen_however_the_primitive_comes(session: Session, program: str) -> None:
    assert numbers(session.evaluate(program)) != numbers(session.evaluate(program))


def test_every_primitive_that_draws_is_foreseen() -> None:
    names = {
        "random",
        "rand",
        "shuffle",
        "dropout-mask",
        "he-normal",
        "glorot-uniform",
        "bernoulli",
    }
    assert names <= drawing_names() <= PRIMITIVES.keys()


def test_a_program_that_python_compiles_refuses_to_bake_a_draw_in(session: Session) -> None:
    tensor = session.evaluate("(lambda (x) (+ x (randn 2)))")
    with pytest.raises(StagingError, match="the same in every call"):
        jax.jit(tensor)(np.zeros(2, np.float32))
    condition = session.evaluate("(lambda (x) (if (> x 0) (random) x))")
    with pytest.raises(StagingError, match="the same in every call"):
        jax.jit(condition)(1.0)
    assert_at_rest()
    assert len(numbers(session.evaluate("(list (random) (randn 2))"))) == 3


def test_an_error_in_a_program_that_draws_leaves_the_stream_usable(session: Session) -> None:
    expected = session.evaluate("(rng-seed 9) (random)")
    session.evaluate("(rng-seed 9)")
    with pytest.raises(TypeError):
        session.evaluate("((jit (lambda (x) (+ (random) (car x)))) 1.0)")
    assert session.evaluate("(random)") == expected
    assert_at_rest()

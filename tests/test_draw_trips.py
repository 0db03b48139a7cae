"""The keys of draws in loops: what one trip draws changes nothing for another: loops × draws."""

from __future__ import annotations

import hashlib
from typing import Any

import jax
import numpy as np
import pytest

from eshkol.session import Session
from rows import one_in

TRIPS = 10

LOOPS = {
    "a loop that counts": "(do ((i 0 (+ i 1))) ((= i 10)) (put! i (draw i t)))",
    "a short one": "(do ((i 0 (+ i 1))) ((= i 5)) (put! i (draw i t)))",
    "a loop with a traced end": """
        (let loop ((i 0) (x 0.5))
          (when (< x (* 10 one)) (put! i (draw i t)) (loop (+ i 1) (+ x 1))))""",
    "a loop with two exits": """
        (let loop ((i 0))
          (if (< i 10) (begin (put! i (draw i t)) (if (< (+ i one) 9.5) (loop (+ i 1))))))""",
    "a procedure that goes on with itself": """
        (define (walk i) (if (< i 10) (begin (put! i (draw i t)) (walk (+ i 1)))))
        (walk 0)""",
    "a loop whose trips make closures": """
        (do ((i 0 (+ i 1))) ((= i 10)) (let ((f (lambda () (draw i t)))) (put! i (f))))""",
    "an inner loop": """
        (do ((k 0 (+ k 1))) ((= k 5))
          (do ((j 0 (+ j 1))) ((= j 2)) (let ((i (+ (* 2 k) j))) (put! i (draw i t)))))""",
    "a loop in a procedure that is mapped": """
        (for-each
          (lambda (k) (do ((j 0 (+ j 1))) ((= j 5)) (put! (+ k j) (draw (+ k j) t))))
          '(0 5))""",
}  # fmt: skip

DRAWS = {
    "one": "(random)",
    "of two kinds": "(+ (random) (* 2 (random-normal)) (random))",
    "a tensor": "(tensor-ref (randn 3) 1)",
    "another loop": """
        (let inner ((j 0) (s 0.0)) (if (< j 3) (inner (+ j 1) (+ s (random))) s))""",
    "another loop, of as many trips": """
        (let inner ((j 0) (s 0.0)) (if (< j i) (inner (+ j 1) (+ s (random))) s))""",
    "of each of a list": "(apply + (map (lambda (k) (* k (random))) '(1 2 3)))",
    "of lanes": "(sum ((vmap (lambda (x) (+ x (random)))) (tensor 1.0 2.0)))",
    "with a key": "(with-rng i (random))",
    "in a compiled procedure": "(compiled 2.0)",
    "in a recursion": "(tree 2.0)",
}  # fmt: skip

PROGRAM = """
(define compiled (jit (lambda (x) (* x (+ (random) (random-normal))))))
(define (tree x) (if (< x 0.5) (random) (+ (tree (- x 1)) (* 2 (tree (- x 1))))))
(define (draw i t) (if (= i t) 0.0 {draw}))
(define (f t one)
  (let ((out (zeros 11)))
    (define (put! i x) (tensor-set! out i x))
    {loop}
    (put! 10 (random))
    out))
"""


def loaded(loop: str, draw: str, engine: str | None = None) -> Session:
    session = Session(engine=engine)
    session.evaluate(PROGRAM.format(loop=LOOPS[loop], draw=DRAWS[draw]))
    session.evaluate("(define j (jit f))")
    return session


def drawn(session: Session, procedure: str, without: float) -> np.ndarray:
    """What a program draws that draws nothing in one trip."""
    session.evaluate("(rng-seed 5)")
    return np.asarray(session.evaluate(f"({procedure} {without} 1.0)"))


CASES = [(loop, draw) for loop in LOOPS for draw in DRAWS]


@pytest.mark.parametrize(("loop", "draw"), one_in(3, CASES))
def test_a_trip_that_draws_nothing_changes_no_other(loop: str, draw: str) -> None:
    session, machine = loaded(loop, draw), loaded(loop, draw, "cek")
    whole = drawn(session, "f", -1.0)
    assert np.count_nonzero(whole[1:-1]) >= 4
    for without in (-1, 0, 3):
        expected = whole.copy()
        if without >= 0:
            expected[without] = 0
        ways = {
            "eager": drawn(session, "f", without),
            "compiled": drawn(session, "j", without),
            "evaluator": drawn(machine, "f", without),
        }
        for way, found in ways.items():
            np.testing.assert_allclose(found, expected, rtol=2e-6, err_msg=f"{way} {without}")


@pytest.mark.parametrize("loop", LOOPS)
def test_no_two_trips_draw_the_same(loop: str) -> None:
    session = loaded(loop, "one")
    found = drawn(session, "f", -1.0), np.asarray(session.evaluate("(f -1.0 1.0)"))
    numbers = [x for each in found for x in each.tolist() if x]
    assert len(set(numbers)) == len(numbers) >= 12


# ---- the rule, written out


def named_key(seed: int, *names: str) -> Any:
    key = jax.random.key(seed)
    for name in names:
        digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
        key = jax.random.fold_in(key, int.from_bytes(digest, "big"))
    return key


def folded(key: Any, *numbers: int) -> Any:
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key


def uniform(key: Any) -> float:
    with jax.enable_x64(True):
        return float(jax.random.uniform(key, (), np.float64))


RULE = """
(define (g n)
  (let ((first (random)) (out '()))
    (do ((i 0 (+ i 1))) ((= i n))
      (do ((j 0 (+ j 1))) ((= j 2)) (set! out (cons (random) out)))
      (set! out (cons (random) out)))
    (list first (reverse out) (random))))
"""


@pytest.mark.parametrize("engine", [None, "cek"])
@pytest.mark.parametrize("procedure", ["g", "(jit g)"])
def test_keys_are_those_of_the_rule(engine: str | None, procedure: str) -> None:
    session = Session(engine=engine)
    session.evaluate(RULE + "(rng-seed 11)")
    first, inside, last = session.evaluate(f"({procedure} 3)")
    own = named_key(11, "g")
    trips = []
    for i in range(3):
        trip = folded(own, 2, i)
        trips += [uniform(folded(trip, 1, j, 1)) for j in range(2)]
        trips.append(uniform(folded(trip, 2)))
    assert float(first) == uniform(folded(own, 1))
    np.testing.assert_allclose([float(x) for x in inside], trips)
    assert float(last) == uniform(folded(own, 3))

"""The keys of draws in loops: what one trip draws changes nothing for another: loops × draws."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import jax
import numpy as np
import pytest

from eshkol.base.errors import StagingError
from eshkol.codegen.numbering import QUIET
from eshkol.primitives.declare import PRIMITIVES
from eshkol.session import Session
from eshkol.xla.reach import drawing_names
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


@pytest.mark.parametrize(("loop", "draw"), one_in(20, CASES))
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
    return named_from(jax.random.key(seed), *names)


def named_from(key: Any, *names: str) -> Any:
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


def evaluated(program: str, engine: str | None = None) -> list[float]:
    session = Session(engine=engine)
    session.define("py", lambda procedure, *arguments: procedure(*arguments))
    return [float(x) for x in session.evaluate(f"(rng-seed 11) {program}")]


BORDERS = {
    "draws in a trip": """
        (let ((out '()))
          (do ((i 0 (+ i 1))) ((= i 3))
            (for-each (lambda (k) (set! out (cons (random) out))) (iota 20)))
          (reverse out))""",
    "trips": """
        (let ((out '()))
          (do ((i 0 (+ i 1))) ((= i 1100)) (set! out (cons (random) out)))
          (reverse out))""",
    "trips in trips": """
        (let ((out '()))
          (do ((i 0 (+ i 1))) ((= i 5))
            (do ((j 0 (+ j 1))) ((= j 20)) (set! out (cons (random) out))))
          (reverse out))""",
}  # fmt: skip


def numbers_of(name: str) -> list[tuple[int, ...]]:
    """What the key of each draw is folded with."""
    if name == "draws in a trip":
        return [(1, i, k + 1) for i in range(3) for k in range(20)]
    if name == "trips":
        return [(1, i, 1) for i in range(1100)]
    return [(1, i, 1, j, 1) for i in range(5) for j in range(20)]


@pytest.mark.parametrize("name", BORDERS)
def test_scalars_drawn_ahead_have_the_keys_of_the_rule(name: str) -> None:
    found = evaluated(f"(define (g) {BORDERS[name]}) (g)")
    numbers = numbers_of(name)
    assert len(found) == len(numbers)
    for place in [*range(0, len(found), 17), 15, 16, 31, 32, len(found) - 1]:
        assert found[place] == uniform(folded(named_key(11, "g"), *numbers[place]))


def test_other_draws_have_the_keys_of_the_rule() -> None:
    program = """
        (define one (jit (lambda (x) (+ x (random)))))
        (define (g n)
          (let ((out '()))
            (do ((i 0 (+ i 1))) ((= i n))
              (set! out (cons (tensor-ref (randn 2) 1) (cons (one 0.0) out)))
              (set! out (cons (tensor-ref ((vmap (lambda (x) (+ x (random)))) (zeros 2)) 1) out)))
            (reverse out)))
        (g 2)"""
    found = evaluated(program)
    own = named_key(11, "g")
    for i in range(2):
        compiled, normal, lane = found[3 * i : 3 * i + 3]
        trip = folded(own, 1, i)
        assert normal == float(jax.random.normal(folded(trip, 1), (2,), np.float32)[1])
        own_lane = named_from(folded(trip, 2, 1), "g")
        assert lane == pytest.approx(uniform(folded(own_lane, 1)))
        path = folded(named_key(11, "g", "out"), 1, i, 1)
        assert compiled == pytest.approx(uniform(path))


# ---- what was once wrong

MACRO = """
(define-syntax define-drawer
  (syntax-rules ()
    ((_ f)
     (define (f n)
       (let ((out '()))
         (do ((i 0 (+ i 1))) ((= i n))
           (for-each
             (lambda (k) (do ((j 0 (+ j 1))) ((= j 2)) (set! out (cons (random) out))))
             '(1 2))
           (set! out (cons (random) out)))
         out)))))
(define-drawer f)"""

TWO = """
(define-syntax define-two
  (syntax-rules ()
    ((_ a b)
     (begin
       (define (a i) (if (< i 3) (begin (list (random)) (a (+ i 1))) (list (random))))
       (define (b i) (list (random) (random)))))))
(define-two a b)
(define (f n) (append (a 0) (b 0) (a 0) (b 0)))"""

FOREIGN = """
(define (g x)
  (let l ((j 0) (s x)) (if (< j 3) (l (+ j 1) (+ (* 0.5 s) (random))) (+ s (random)))))
(define (f n)
  (let loop ((i 0.5) (o 0.1))
    (if (< i n) (loop (+ i 1) (+ (* 0.3 o) (py g n))) (list (+ o (random)) (random)))))"""

KEYWORD = """
(define (w i out)
  (if (< i 6)
      (if (= i 3)
          (w #:i (+ i 1) #:out (cons (random) out))
          (w (+ i 1) (cons (random) out)))
      out))
(define (f n) (w 0 '()))"""

PROGRAMS = {
    "a macro makes procedures and loops in one place": (MACRO, "(f 3)", "((jit f) 3)"),
    "a macro makes a procedure that loops, and one that does not": (TWO, "(f 0)", "((jit f) 0)"),
    "Python calls what draws in a loop": (FOREIGN, "(f 3.0)", "((jit f) 3.0)"),
    "a procedure goes on with itself by keywords": (KEYWORD, "(f 0)", "(f 0)"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_engines_draw_the_same(name: str) -> None:
    program, call, compiled_call = PROGRAMS[name]
    expected = evaluated(program + call)
    assert len(set(expected)) == len(expected)
    np.testing.assert_allclose(evaluated(program + call, "cek"), expected)
    np.testing.assert_allclose(evaluated(program + compiled_call), expected, rtol=1e-6)


@pytest.mark.parametrize("engine", [None, "cek"])
def test_a_seed_begins_again_inside_of_loops(engine: str | None) -> None:
    trial = "(define (trial) (rng-seed 1) (let ((x (random))) (+ x (random))))"
    loop = "(let loop ((i 0) (o '())) (if (< i 3) (loop (+ i 1) (cons (trial) o)) o))"
    first, *rest = evaluated(f"{trial} (define (f) {loop}) (f)", engine)
    assert rest == [first, first]


@pytest.mark.parametrize("engine", [None, "cek"])
def test_trips_after_a_seed_go_on_from_there(engine: str | None) -> None:
    program = """
        (define (f at)
          (let ((out '()))
            (do ((i 0 (+ i 1))) ((= i 5))
              (if (= i at) (rng-seed 1))
              (set! out (cons (random) out)))
            out))
        (append (f 1) (f 3))"""
    found = evaluated(program, engine)
    early, late = found[:5], found[5:]
    assert early[2:4] == late[:2]
    assert len({*early, *late}) == 8


def test_a_continuation_that_goes_back_draws_anew() -> None:
    program = """
        (define out '()) (define n 0)
        (define (f)
          (let ((k #f))
            (do ((i 0 (+ i 1))) ((= i 3))
              (call/cc (lambda (c) (if (and (= i 1) (not k)) (set! k c))))
              (set! out (cons (random) out)))
            (set! n (+ n 1))
            (if (< n 3) (k #f))
            out))
        (f)"""
    found = evaluated(program, "cek")
    assert len(set(found)) == len(found) == 7


def test_a_continuation_that_goes_back_past_a_seed_draws_anew() -> None:
    program = """
        (define out '()) (define n 0)
        (define (f)
          (let ((k #f))
            (do ((i 0 (+ i 1))) ((= i 4))
              (call/cc (lambda (c) (if (and (= i 1) (not k)) (set! k c))))
              (if (and (= i 3) (= n 0)) (rng-seed 2))
              (do ((j 0 (+ j 1))) ((= j 2)) (set! out (cons (random) out))))
            (set! n (+ n 1))
            (if (< n 3) (k #f))
            out))
        (f)"""
    found = evaluated(program, "cek")
    assert len(set(found)) == len(found) == 20


def test_a_program_that_can_not_draw_says_so() -> None:
    other, session = Session(), Session()
    draw = other.evaluate("(lambda () (random))")
    session.define("draw", lambda: draw())
    with pytest.raises(StagingError, match="could not foresee"):
        session.evaluate(
            "((jit (lambda (n) (let loop ((i 0) (o 0.0)) "
            "(if (< i 3) (loop (+ i 1) (+ o (draw))) o)))) 3.0)"
        )


def test_a_draw_of_a_debugger_leaves_the_variables() -> None:
    session = Session()
    session.evaluate("(define (draw) (random))")
    draw = session.evaluate("draw")

    def trace(frame: Any, event: str, argument: Any) -> Any:
        if event == "line" and frame.f_code.co_name == "f":
            draw()
        return trace

    session.evaluate("(define (f n) (do ((i 0 (+ i 1)) (o 0 (+ o (draw) i))) ((= i n) o)))")
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert float(session.evaluate("(f 3)")) > 3
    finally:
        sys.settrace(before)


def test_quiet_primitives_draw_nothing() -> None:
    assert PRIMITIVES.keys() >= QUIET
    assert QUIET.isdisjoint(drawing_names())
    calling = {"procedure", "function", "predicate", "thunk", "less", "test", "f"}
    parameters = {name: primitive.signature.parameters for name, primitive in PRIMITIVES.items()}
    assert calling & parameters["map"].keys()
    assert {name for name in QUIET if calling & parameters[name].keys()} == set()

"""Every engine draws the same random numbers, whatever calls what: programs × engines."""

from __future__ import annotations

import numpy as np
import pytest

from eshkol.session import Session
from eshkol.xla.key_stream import STREAM
from random_draws import HELPERS, Writer
from rows import one_in

Outcome = tuple[list[float], dict[tuple[str, ...], int]]
"""Values, and how many draws there were with each path."""


def outcome(session: Session, calls: list[str]) -> Outcome:
    session.evaluate("(rng-seed 5)")
    values = [float(session.evaluate(call)) for call in calls]
    return values, {names: c.count for names, c in STREAM._by_names.items() if c.count}


def loaded(program: str, compiled: str = "f", engine: str | None = None) -> Session:
    session = Session(engine=engine)
    session.evaluate(f"(define (compiled f) {compiled})")
    session.evaluate(program)
    return session


def hold_same(found: Outcome, expected: Outcome) -> None:
    assert found[1] == expected[1]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-9)


# ---- programs that once drew differently somewhere

ROWS = {
    "two procedures that call each other from values of different variables": """
        (define (f0 n) (if (< n 1) (random) (let ((p (f1 (- n 1)))) (+ p (random)))))
        (define (f1 n) (let ((q (f0 (- n 1)))) (+ q (* 2 (random)))))""",
    "one of two calls the other in tail position": """
        (define (f0 n) (if (< n 1) (draw) (f1 (- n 1))))
        (define (f1 n) (let ((q (f0 (- n 1)))) (+ (* 0.5 q) (draw))))""",
    "three, entered at two places": """
        (define (f0 n) (if (< n 1) (random) (let ((p (f1 (- n 1))) (s (f2 (- n 1)))) (+ p s))))
        (define (f1 n) (if (< n 1) (random) (let ((q (f2 (- n 1)))) (* q (random)))))
        (define (f2 n) (if (< n 1) (draw) (f0 (- n 1))))""",
    "a loop in a value calls the procedure around it": """
        (define (f0 n)
          (if (< n 1) (draw)
              (let ((s (let loop ((i 0) (a 0.5))
                         (if (< i 2) (loop (+ i 1) (+ (* 0.5 a) (f0 (- n 1)))) (+ a (draw))))))
                (+ s (random)))))""",
    "a loop in a value ends with a call": """
        (define (f0 n)
          (let ((s (let loop ((i 0)) (if (< i 2) (loop (+ i 1)) (if (< n 1) (draw) (f0 (- n 1)))))))
            (+ s (draw))))""",
    "an argument is a choice between the recursion and another call": """
        (define (f0 n) (+ (random) (if (< n 1) (draw) (f0 (- n 1)))))""",
    "a local procedure is called once": """
        (define (f0 n)
          (define (go) (if (< n 1) (draw) (f0 (- n 1))))
          (let ((u (* 0.5 (go)))) (+ u (draw))))""",
    "what map calls comes back": """
        (define (f0 n)
          (if (< n 1) (draw)
              (let ((w (map (lambda (i) (let ((v (f0 (- n 1)))) (+ (* i v) (draw)))) '(1 2))))
                (+ (apply + w) (draw)))))""",
    "a procedure is passed, and comes back to who passed it": """
        (define (f0 n) (if (< n 1) (draw) (+ (kept (lambda (m) (f0 m)) (- n 1)) (draw))))""",
    "a procedure is passed on in tail position": """
        (define (f0 n) (if (< n 1) (let ((e (draw))) e) (passed f1 (- n 1))))
        (define (f1 n) (+ (* 0.5 (kept f0 (- n 1))) (random)))""",
    "local procedures that call each other": """
        (define (f0 n)
          (define (odd n) (if (< n 1) (draw) (let ((x (even (- n 1)))) (+ x (draw)))))
          (define (even n) (if (< n 1) (let ((y (f0 (- n 1)))) (* 0.3 y)) (odd (- n 1))))
          (if (< n 0) (draw) (let ((z (odd n))) (+ z (even n)))))""",
    "a macro makes several calls in one place": """
        (define (f0 n)
          (if (< n 1) (draw) (let ((b (twice (f0 (- n 1))))) (+ b (twice (draw))))))""",
    "a key for some of the calls": """
        (define (f0 n)
          (if (< n 1) (draw)
              (+ (f0 (- n 1)) (with-rng 7 (+ (random) (f0 (- n 1)) (draw))) (random))))""",
    "the call itself has a key of its own": """
        (define (f0 n) (with-rng 7 (if (< n 1) (draw) (+ (random) (f0 (- n 1))))))""",
    "each call splits its key": """
        (define (tree key n)
          (if (< n 1) (random)
              (let* ((keys (split-rng key 2))
                     (left (with-rng (car keys) (tree (car keys) (- n 1))))
                     (right (with-rng (cadr keys) (tree (cadr keys) (- n 1)))))
                (+ (* 2 left) right (random)))))
        (define (f0 n) (tree 3 n))""",
    "depth is folded into a key, around two calls": """
        (define (walk n)
          (if (< n 1) (random)
              (with-rng (fold-in 5 (exact (floor n)))
                (+ (random) (walk (- n 1)) (* 2 (walk (- n 2))) (draw)))))
        (define (f0 n) (with-rng 3 (+ (draw) (walk n) (draw))))""",
    "a variable outside is changed around calls with keys": """
        (define (f0 n)
          (let ((total 0.0))
            (define (walk n)
              (if (< n 1) (set! total (+ total (random)))
                  (with-rng 5
                    (set! total (+ (random) total)) (walk (- n 1)) (walk (- n 2))
                    (set! total (* total (random))))))
            (walk n)
            total))""",
    "a macro's condition has the place of its use": """
        (define (f0 n) (let ((c (unless-small n (f0 (- n 1))))) (+ c (held))))""",
}  # fmt: skip

CALLS = [f"(g {x})" for x in ("3.5", "3.5", "0.5", "2.0")]


RECURSIONS = {
    "two procedures that call each other from values of different variables",
    "an argument is a choice between the recursion and another call",
    "a procedure is passed on in tail position",
    "a key for some of the calls",
    "each call splits its key",
    "a variable outside is changed around calls with keys",
}
"""Those in which a traced recursion is something else than in the others."""


@pytest.mark.parametrize("name", ROWS)
def test_eager_code_and_the_evaluator_draw_the_same(name: str) -> None:
    program = HELPERS + ROWS[name]
    eager = loaded(program)
    eager.evaluate("(define g f0)")
    expected = outcome(eager, CALLS)
    machine = loaded(program, engine="cek")
    machine.evaluate("(define g f0)")
    hold_same(outcome(machine, CALLS), expected)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in RECURSIONS else pytest.mark.slow) for n in ROWS],
)
def test_a_traced_recursion_draws_the_same(name: str) -> None:
    session = loaded(HELPERS + ROWS[name])
    expected = outcome(session, [call.replace("(g", "(f0") for call in CALLS])
    session.evaluate("(define g (jit f0))")
    hold_same(outcome(session, CALLS), expected)


def test_a_compiled_procedure_among_those_that_call_each_other() -> None:
    program = (
        HELPERS
        + """
        (define (f0 n) (if (< n 1) (random) (if (< n 2.5) (kept j0 (- n 1)) (draw))))
        (define j0 (compiled f0))"""
    )
    calls = ["(f0 2.0)", "(f0 1.5)", "(f0 0.5)", "(f0 3.5)"]
    expected = outcome(loaded(program), calls)
    assert ("kept", "r", "f0") in expected[1]
    for engine in (None, "cek"):
        hold_same(outcome(loaded(program, "(jit f)", engine), calls), expected)


@pytest.mark.parametrize("engine", [None, "cek"])
def test_groups_change_with_definitions(engine: str | None) -> None:
    first = """(define (f0 n) (if (< n 1) (random) (let ((p (f1 (- n 1)))) (+ p (draw)))))
               (define (f1 n) (let ((q (draw))) (+ q (random))))"""
    second = "(define (f1 n) (let ((q (f0 (- n 1)))) (+ q (draw))))"
    session = loaded(HELPERS + first, engine=engine)
    calls = ["(f0 3.5)", "(f0 2.0)"]
    before = outcome(session, calls)
    assert ("f0", "p", "f1", "q", "draw") in before[1]
    session.evaluate("(define count 0) (set! count (+ count 1))")
    assert outcome(session, calls) == before
    session.evaluate(second)
    changed = outcome(session, calls)
    assert changed == outcome(loaded(HELPERS + first + second, engine=engine), calls)
    assert ("f1", "draw") in changed[1]


def test_the_same_program_in_another_place_draws_the_same() -> None:
    program = HELPERS + ROWS["a procedure is passed, and comes back to who passed it"]
    expected = outcome(loaded(program), CALLS_OF_JIT[:2])
    for space in ("", "\n\n    "):
        assert outcome(loaded(space + program), CALLS_OF_JIT[:2])[1] == expected[1]


CALLS_OF_JIT = [call.replace("(g", "((jit f0)") for call in CALLS]


# ---- random programs


def evaluator_agrees(seed: int) -> None:
    program = Writer(seed).program()
    calls = [call.replace("(g", "(f0") for call in CALLS]
    expected = outcome(loaded(program), calls)
    hold_same(outcome(loaded(program, engine="cek"), calls), expected)


def compiled_agrees(seed: int, depth: int, traced: bool = True) -> None:
    program = Writer(seed, depth).program()
    eager = loaded(program)
    calls = [call.replace("(g", "(f0") for call in CALLS]
    expected = outcome(eager, calls)
    if traced:
        hold_same(outcome(eager, CALLS_OF_JIT), expected)
    else:
        static = [f"((jit (lambda () {call})))" for call in calls]
        hold_same(outcome(eager, static), expected)


def nested_agrees(seed: int) -> None:
    program = Writer(seed, 1, jits=True).program()
    calls = [call.replace("(g", "(f0") for call in CALLS]
    expected = outcome(loaded(program), calls)
    for engine in (None, "cek"):
        hold_same(outcome(loaded(program, "(jit f)", engine), calls), expected)
    hold_same(outcome(loaded(program, "(jit f)"), CALLS_OF_JIT), expected)


def test_the_evaluator_draws_what_compiled_code_draws() -> None:
    for seed in range(30):
        evaluator_agrees(seed)


@pytest.mark.parametrize("seed", [1003])
def test_staged_code_draws_what_eager_code_draws(seed: int) -> None:
    compiled_agrees(seed, 1)
    compiled_agrees(seed, 2, traced=False)


def test_compiled_procedures_in_random_programs() -> None:
    nested_agrees(4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000, 3000))
def test_the_evaluator_draws_the_same_long(seed: int) -> None:
    evaluator_agrees(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000, 2150))
def test_staged_code_draws_the_same_long(seed: int) -> None:
    compiled_agrees(seed, 1 + seed % 2)
    compiled_agrees(seed, 2, traced=False)
    nested_agrees(seed)


# ---- derivatives, which call a procedure again where numbers meet tensors

DERIVATIVES = {
    "of a sum of drawn tensors": "(define (h s) (sum (* s (randn 3))))",
    "of a draw before a tensor": "(define (h s) (* s (random) (sum (* s (rand 2)))))",
    "of a draw in a value": "(define (h s) (let ((w (random))) (* w (+ s (random)))))",
}


@pytest.mark.parametrize("operator", ["derivative", "gradient", "hessian"])
@pytest.mark.parametrize("name", one_in(3, DERIVATIVES))
def test_a_derivative_draws_once(name: str, operator: str) -> None:
    session = loaded(
        HELPERS
        + DERIVATIVES[name]
        + f"""(define (f0 t) (let ((d (({operator} h) t))) (+ d (* 0.1 (h 1.0)) (random))))
              (define (constant) (f0 2.0))"""
    )
    calls = ["(f0 2.0)", "((jit f0) 2.0)", "((jit constant))"]
    (first, *others) = [outcome(session, [call]) for call in calls]
    for other in others:
        assert other[1] == first[1]
        np.testing.assert_allclose(other[0], first[0], rtol=1e-6)

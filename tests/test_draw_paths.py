"""Draws are numbered by the names in whose computation they take place, on every engine."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from eshkol.datum.pairs import Pair
from eshkol.session import Session
from eshkol.xla.key_stream import STREAM

LINEAR = """
(define (linear n)
  (let* ((w (randn n)) (b (rand n))) (lambda (x) (+ b (* w x)))))
"""

PATHS = {
    "(random)": {""},
    "(define a (randn 2)) (define b (list (randn 2)))": {""},
    "(define (f) (let ((w (randn 2)) (b (rand 2))) (list w b (random)))) (f)": {"f"},
    "(define (f) (rand 2)) (define a (f)) (let ((b (list (f)))) b) (f)": {"a f", "b f", "f"},
    LINEAR + "(define m (list (linear 2) (linear 3))) (let ((n (linear 2))) n)": {
        "m linear", "n linear"},
    LINEAR + "(define (build) (let* ((a (linear 2)) (b (linear 2))) b)) (define m (build))": {
        "m build a linear", "m build b linear"},
    "(define (f) (random)) (define x 1) (set! x (f)) (let ((y 1)) (set! y (list (f))) y)": {
        "x f", "y f"},
    "(define (f) (define (g) (random)) (let ((y (g))) (list y (g)))) (f)": {"f"},
    "(define (f n) (if (= n 0) (random) (let ((w (f (- n 1)))) (+ w (random))))) (f 4)": {"f"},
    "(define (g) (random)) (define (f n) (if (= n 0) (g) (let ((w (f (- n 1)))) (+ w (g)))))"
    "(f 4)": {"g", "f g"},
    "(define (g) (random)) (define (f) (let ((w (let go ((n 3)) (if (= n 0) (g)"
    " (let ((v (+ 1 (go (- n 1))))) (+ v (g))))))) w)) (f)": {"f w g"},
    "(define (f l) (map (lambda (i) (random)) l)) (f '(1 2 3))": {"f"},
    "(define (g) (random)) (define (f l) (for-each (lambda (i) (let ((w (g))) w)) l)) (f '(1 2))": {
        "f w g"},
    "(define (f) (do ((i 0 (+ i 1)) (s 0 (+ s (random)))) ((= i 9) s))) (f)": {"f"},
    "(define (g) (random))"
    "(define c (let loop ((i 0) (l '())) (if (= i 4) l (loop (+ i 1) (cons (g) l)))))": {"c g"},
    "(define (od n) (if (= n 0) (random) (ev (- n 1))))"
    "(define (ev n) (if (= n 0) (random) (od (- n 1))))"
    "(list (od 5) (let ((q (od 4))) q))": {"ev", "q od"},
    "(define (go k) (k (random))) (define r (call/cc (lambda (k) (go k))))": {"r go"},
    "(define-syntax two (syntax-rules () ((_ e) (list e e)))) (define (g) (random))"
    "(define t (two (g)))": {"t g"},
    "(define (g) (random)) (define p (delay (g))) (define v (force p)) (force p)": {"v g"},
    "(define (f) (shuffle '(1 2 3))) (define v (vector-map (lambda (i) (f)) #(1 2)))": {"v f"},
    "(define (g) (randn 2)) (define-record-type r (make-r w) r? (w r-w))"
    "(define s (r-w (make-r (g))))": {"s g"},
    "(let ((w (with-rng 7 (let ((v (random))) v)))) w)": set(),
    "(define (g) (random)) (define h (guard (e (#t (g))) (raise 'no)))": {"h g"},
    "(define (f) (parameterize () (random))) (define g (lambda () (f))) (list (g))": {"f"},
}  # fmt: skip


@pytest.mark.parametrize("engine", [None, "cek"])
@pytest.mark.parametrize("program", PATHS)
def test_a_path_has_the_names_that_a_draw_is_for(program: str, engine: str | None) -> None:
    session = Session(engine=engine)
    session.evaluate("(rng-seed 3)")
    session.evaluate(program)
    assert {" ".join(names) for names in STREAM._by_names} == PATHS[program]


def flat(value: object) -> list[float]:
    if isinstance(value, Pair | list):
        return [number for part in value for number in flat(part)]
    return np.asarray(value, np.float64).reshape(-1).tolist()


@pytest.mark.parametrize("program", PATHS)
def test_both_engines_count_the_same(program: str) -> None:
    assert counts(program, None) == counts(program, "cek")


def counts(program: str, engine: str | None) -> dict[tuple[str, ...], int]:
    """How many draws there are with each path."""
    session = Session(engine=engine)
    session.evaluate("(rng-seed 3)")
    session.evaluate(program)
    return {names: counted.count for names, counted in STREAM._by_names.items()}


ADDED = [
    ("", "(define other (randn 4))"),
    ("", "(define other (linear 4)) (random)"),
    ("(c (linear 2))", "(random)"),
    ("(c (linear 2)) (d (random))", ""),
]
"""What is added between the values of a model, and in front of it."""


@pytest.mark.parametrize("way", ["(build)", "((jit build))"])
def test_what_is_added_changes_no_other_draw(way: str) -> None:
    def weights(between: str, before: str) -> list[float]:
        session = Session()
        session.evaluate(f"(rng-seed 5) {LINEAR} {before}")
        session.evaluate(
            f"(define (build) (let* ((a (linear 2)) {between} (b (linear 3))) (list a b)))"
        )
        return flat(session.evaluate(f"(map (lambda (layer) (layer 1.5)) {way})"))

    expected = weights("", "")
    assert len(set(expected)) == 5
    for between, before in ADDED:
        assert weights(between, before) == expected


def test_draws_beside_change_no_draw_of_a_loop() -> None:
    session = Session()
    loop = """(define (draw) (random))
              (define (f x) (do ((i 0 (+ i 1))
                                 (l '() (let ((kept (draw)) (added {})) (cons kept l))))
                                ((= i 4) l)))"""
    found = []
    for added in ("0", "(random)", "(draw)"):
        for way in ("f", "(jit f)"):
            session.evaluate(loop.format(added))
            found.append(flat(session.evaluate(f"(rng-seed 2) ({way} 1.0)")))
    assert len(set(found[0])) == 4
    for each in found[1:]:
        np.testing.assert_allclose(each, found[0], rtol=1e-12)


def test_compiled_and_eager_calls_count_on_together() -> None:
    session = Session()
    session.evaluate("(define (draw) (random))")
    session.evaluate("(define (f x) (let ((w (draw))) (+ x w)))  (define j (jit f))")
    runs = [
        flat(session.evaluate(f"(rng-seed 1) (list {calls})"))
        for calls in (
            "(f 0.0) (f 0.0) (f 0.0)",
            "(f 0.0) (j 0.0) (f 0.0)",
            "(j 0.0) (j 0.0) (j 0.0)",
        )
    ]
    assert runs[0] == runs[1] == runs[2]
    assert len(set(runs[0])) == 3


def test_procedures_that_differ_in_names_only_draw_apart() -> None:
    session = Session()
    session.evaluate("(define (draw) (random))")
    session.evaluate("(define f (jit (lambda (x) (let ((w (draw))) (+ x w)))))")
    session.evaluate("(define g (lambda (x) (let ((v (draw))) (+ x v)))) (define j (jit g))")
    staged = flat(session.evaluate("(rng-seed 1) (list (f 0.0) (j 0.0))"))
    assert staged == flat(session.evaluate("(rng-seed 1) (list (f 0.0) (g 0.0))"))
    assert staged[0] != staged[1]


def test_a_traced_recursion_draws_the_same() -> None:
    session = Session()
    session.evaluate("""
      (define (draw) (random))
      (define (walk x)
        (if (< x 0.1) (draw) (let ((y (walk (/ x 2)))) (+ y (* x (draw))))))""")
    eager = flat(session.evaluate("(rng-seed 1) (list (walk 3.0) (walk 0.05) (walk 3.0))"))
    session.evaluate("(define j (jit walk))")
    staged = flat(session.evaluate("(rng-seed 1) (list (j 3.0) (j 0.05) (j 3.0))"))
    np.testing.assert_allclose(staged, eager, rtol=1e-12)


@pytest.mark.slow
def test_more_draws_than_there_is_room_for_at_first() -> None:
    session = Session()
    session.evaluate("(define (draw) (random))")
    body = " ".join(f"(v{number} (draw))" for number in range(70))
    names = " ".join(f"v{number}" for number in range(70))
    session.evaluate(f"(define (f) (let ({body}) (list {names})))")
    eager = flat(session.evaluate("(rng-seed 1) (append (f) (f))"))
    staged = flat(session.evaluate("(rng-seed 1) (define j (jit f)) (append (j) (j))"))
    assert eager == staged
    assert len(set(eager)) == 140


def test_another_process_draws_the_same() -> None:
    program = LINEAR + "(define m (linear 2)) (display (m 1.0)) (display ((jit m) 1.0)) (random)"
    code = f"import eshkol; print(eshkol.eval({program!r}))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    }
    assert len(texts) == 1


def test_threads_never_draw_the_same() -> None:
    session = Session()
    session.evaluate("(define (f) (random)) (define j (jit (lambda () (let ((w (random))) w))))")
    drawn: list[float] = []

    def draw() -> None:
        for _ in range(40):
            drawn.append(session.get("f")())
            drawn.append(float(session.get("j")()))

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == len(set(drawn)) == 240

"""Forms that compile: define-jit, with-xla-jit, fuse-ops; and traces to look at."""

from __future__ import annotations

import jax
import pytest
from staged_sessions import assert_at_rest, compiles, value

import eshkol as ek
from eshkol.datum.write import display_string, short_string
from eshkol.session import Session
from programs import shown, table


@table(
    """
(define-jit (f x) (* 2 x)) (f 3.0) ⇒ 6.0

(define-jit (f x y) "Adds." (define z (* 2 y)) (+ x z)) (f 1.0 2.0) ⇒ 5.0

(define-jit (f x n) #:static n (* x (ones n))) (f 3.0 2) ⇒ #(3.0 3.0)

(define-jit (f x n) #:static 'n #:donate (x) (* x n)) (f (ones 2) 2.5) ⇒ #(2.5 2.5)

(define-jit (f x n) #:static 1 (* x (ones n))) (f 3.0 2) ⇒ #(3.0 3.0)

(define k 'n) (define-jit (f x n) #:static k (* x (ones n))) (f 3.0 2) ⇒ #(3.0 3.0)

(define-jit (f x (k 2.0) #:scale (s 1.0) . r) (* x k s)) (list (f 3.0) (f 3.0 5.0 #:scale 2.0))
⇒ (6.0 30.0)

(define-jit (f x) (if (> x 100) x (f (* 2 x)))) (f 3.0) ⇒ 192.0

(define-jit f (lambda (x n) (* x (ones n))) #:static 'n) (f 3.0 2) ⇒ #(3.0 3.0)

(define-jit f #:static 'n (lambda (x n) (* x (ones n)))) (f 3.0 2) ⇒ #(3.0 3.0)

(define-jit f sin) (f 0.0) ⇒ 0.0

(define (f y) (define-jit (g x) (* x y)) (g 3.0)) (list (f 2.0) (f 3.0)) ⇒ (6.0 9.0)

(let () (define-jit (f x) (* 2 x)) (define-jit (g x) (+ 1 (f x))) (g 3.0)) ⇒ 7.0

(define-syntax twice (syntax-rules () ((_ f) (define-jit (f x) (* 2 x))))) (twice g) (g 2.0) ⇒ 4.0

(with-xla-jit (define (f x) (* 2 x)) (f 3.0)) ⇒ 6.0

(define p (ones 3)) (with-xla-jit (define (f x) (tensor-sum (* x x))) (gradient f p))
⇒ #(2.0 2.0 2.0)

(with-xla-jit (define (p x) (* 2 x)) (define (q x) (+ (p x) 1))) (list (q 3.0) (p 2.0))
⇒ (7.0 4.0)

(define x 2.0) (with-xla-jit #:device 'cpu (set! x 5.0) x) ⇒ error

(let ((x 2.0)) (with-xla-jit (* 3 x))) ⇒ 6.0

(with-xla-jit 1 2 "three") ⇒ "three"

((jit-compile (lambda (x n) (* x (ones n))) #:static 'n) 3.0 2) ⇒ #(3.0 3.0)

((fuse-ops (list * (lambda (x) (+ x 1)) relu)) 2.0 3.0) ⇒ 7.0

((fuse-ops '(square tensor-sum)) #(1.0 2.0)) ⇒ 5.0

((fuse-ops sin) 0.0) ⇒ 0.0

((fuse-ops square (lambda (x) (+ x 1)) 'sqrt) 0.0) ⇒ 1.0

((fuse-ops (list (lambda (n x) (* x (ones n))) tensor-sum) #:static 0) 3 2.0) ⇒ 6.0

(trace (eye 3)) ⇒ 3.0

(define f (jit (lambda (x) (* 2 x)))) (trace-outputs (trace f (ones 3))) ⇒ ("f32[3]")

(trace-outputs (trace (lambda () (zeros 2)))) ⇒ ("f32[2]")

(define (f x #:k (k 2.0)) (* k x)) (trace-inputs (trace f 1.0 #:k 3.0))
⇒ (("x" "f64[]") ("k" "f64[]"))

(define w (ones 3)) (trace-inputs (trace (let ((b 1.0)) (lambda (x) (+ b (* x w)))) 2.0))
⇒ (("b" "f64[]") ("w" "f32[3]") ("x" "f64[]"))

(map car (trace-cost (trace sin 1.0)))
⇒ (flops transcendentals bytes arguments results temporary peak)

(define t (trace (lambda (x) (matmul x x)) (ones 8 8))) (cdr (assq 'flops (trace-cost t))) ⇒ 1024
"""
)
def test_values(program, expected):
    if expected == "error":
        with pytest.raises(ek.StagingError, match="can't be assigned"):
            shown(program)
    else:
        assert shown(program) == expected


def test_a_compiled_body_made_again_is_compiled_once() -> None:
    session = Session()
    session.evaluate("(define x 1.0)")
    with compiles(1):
        for number in range(50):
            session.evaluate(f"(set! x {number}.0)")
            body = "(with-xla-jit (define (f v) (* v 0.34375)) (f x))"
            assert value(session, body) == number * 0.34375


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_definitions_compile_once(count: int) -> None:
    session = Session()
    with compiles(1):
        for _ in range(count):
            session.evaluate("(define-jit (f x) (if (> x 0.15625) (* 2 x) x)) (f 3.0)")


def test_operations_fused_again_are_compiled_once() -> None:
    session = Session()
    with compiles(1):
        for _ in range(20):
            session.evaluate("((fuse-ops (list (lambda (x) (* x 0.71875)) relu)) 3.0)")


# ---- traces


def test_a_trace_tells_what_is_compiled() -> None:
    session = Session()
    traced = session.evaluate("""
        (define (f w x) (matmul w (sin x)))
        (trace f (ones 4 3) (ones 3))""")
    assert traced.name == "f"
    assert (traced.inputs, traced.outputs) == ([("w", "f32[4,3]"), ("x", "f32[3]")], ["f32[4]"])
    assert traced.equations == 2
    assert traced.jaxpr.in_avals[0].shape == (4, 3)
    assert "stablehlo.dot_general" in traced.stablehlo
    assert traced.hlo.startswith("HloModule")
    cost = traced.cost
    assert cost["arguments"] == 4 * 15
    assert cost["results"] == 16
    assert cost["peak"] >= cost["arguments"] + cost["results"]
    assert cost["flops"] >= 2 * 4 * 3
    text = "trace of f: w f32[4,3], x f32[3] → f32[4]; 2 equations"
    assert str(traced).splitlines()[0] == text
    assert display_string(traced) == str(traced) == repr(traced)
    assert short_string(traced) == "#<trace>"
    page = traced._repr_html_()
    assert "trace of f: w f32[4,3]" in page
    assert "<details><summary>StableHLO</summary>" in page
    assert "stablehlo.dot_general" in page


def test_equations_inside_of_loops_are_counted() -> None:
    traced = ek.trace("(lambda (x) (do ((i 0 (+ i 1)) (y x (sin y))) ((= i 20) y)))", 2.0)
    outer = len(traced.jaxpr.jaxpr.eqns)
    assert traced.equations > outer
    assert f"{outer} equations ({traced.equations} with those" in str(traced)


def test_a_long_trace_is_shown_in_part() -> None:
    steps = " ".join(f"(set! x (sin (+ x {number}.5)))" for number in range(40))
    traced = ek.trace(f"(lambda (x) {steps} x)", 1.0)
    lines = str(traced).splitlines()
    assert len(lines) == 26
    assert "more lines …" in lines[13]
    assert len(str(traced.jaxpr).splitlines()) > 80


def test_nothing_runs_and_nothing_is_left_when_a_program_is_traced(capsys) -> None:
    session = Session()
    session.evaluate("(define f (jit (lambda (x) (display x) (* 2 x) )))")
    session.evaluate("(trace f 1.0)")
    assert capsys.readouterr().out == ""
    with pytest.raises(ek.EshkolError):
        session.evaluate("(trace (lambda (x) (car x)) 1.0)")
    assert_at_rest()


def test_a_trace_from_python() -> None:
    compiled = ek.jit("(lambda (n x) (* x (ones n)))", static="n")
    traced = ek.trace(compiled, 3, 2.0)
    assert (traced.inputs, traced.outputs) == ([("x", "f64[]")], ["f32[3]"])
    traced = ek.trace(lambda x, *, k: x * k, 2.0, k=3.0)
    assert [name for name, _ in traced.inputs] == ["x", "k"]
    with pytest.raises(ek.WrongType, match="trace: expected a procedure"):
        ek.trace(5)


def test_a_trace_of_arrays_that_are_not_there() -> None:
    large = jax.ShapeDtypeStruct((100_000, 100_000), "float32")
    procedure = Session().evaluate(
        "(lambda (p x) (if (> (tensor-ref x 0) 0) (matmul (ref p 0) x) x))"
    )
    traced = ek.trace(procedure, [large, 2.0], jax.ShapeDtypeStruct((100_000,), "float32"))
    assert traced.outputs == ["f32[100000]"]
    assert traced.cost["arguments"] > 4e10

"""blame: the form, trip and pass that made the first number that is not finite."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from staged_sessions import assert_at_rest

import eshkol as ek
from eshkol.datum.write import display_string
from eshkol.session import Session
from eshkol.xla.notes import NOTES


@pytest.fixture
def session() -> Session:
    return Session()


FORWARD = [
    # body of (lambda (x) …), x, the form, NaN or Inf, the trips
    ("(* 2 (log (- x 1)))", "1.0", "(log (- x 1))", "Inf", []),
    ("(* 2 (log (- x 1)))", "0.5", "(log (- x 1))", "NaN", []),
    ("(tensor-sum (/ 1 x))", "(tensor 1.0 0.0)", "(/ 1 x)", "Inf", []),
    ("(tensor-sum (exp (* 100 x)))", "(ones 2)", "(exp (* 100 x))", "Inf", []),
    ("(if (> x 0) (sqrt (- x 2)) (sqrt x))", "1.0", "(sqrt (- x 2))", "NaN", []),
    ("(let loop ((i 0) (y x)) (if (= i 20) y (loop (+ i 1) (/ y (- i 7.0)))))", "1.0",
     "(/ y (- i 7.0))", "Inf", [(8, 20)]),
    ("(do ((i 0 (+ i 1)) (y x (log y))) ((= i 4) y))", "3.0", "(log y)", "NaN", [(4, None)]),
    ("(let loop ((y x)) (if (< y 9) (loop (+ y (sqrt (- 5 y)))) y))", "6.0",
     "(sqrt (- 5 y))", "NaN", [(1, None)]),
    ("(let loop ((n 0) (y x)) (cond ((> n 5) y) ((> y 99) 0.0)"
     " (else (loop (+ n 1) (+ y (sqrt (- 3.0 n)))))))", "1.0", "(sqrt (- 3.0 n))", "NaN",
     [(5, None)]),
    ("(do ((i 0 (+ i 1)) (y x (do ((k 0 (+ k 1)) (z y (/ z (- (+ (* 10.0 i) k) 25))))"
     " ((= k 12) z)))) ((= i 11) y))", "1.0",
     "(/ z (- (+ (* 10.0 i) k) 25))", "Inf", [(3, 11), (6, 12)]),
    ("(tensor-sum ((vmap (lambda (y) (if (> y 0) (log (- y 1)) y))) x))", "(tensor 2.0 1.0 -3.0)",
     "(log (- y 1))", "Inf", []),
    ("((jit (lambda (y) (sqrt (- y 5)))) x)", "1.0", "(sqrt (- y 5))", "NaN", []),
    ("(softmax (* x (/ 1 (tensor-sum x))))", "(tensor 1.0 -1.0)", "(/ 1 (tensor-sum x))", "Inf",
     []),
]  # fmt: skip


@pytest.mark.parametrize(("body", "x", "form", "kind", "trips"), FORWARD)
@pytest.mark.parametrize("way", ["f", "(jit f)"])
def test_the_first_form_on_the_way_forward(session, way, body, x, form, kind, trips):
    session.evaluate(f"(define (f x) {body})", "program.esk")
    found = session.evaluate(f"(blame {way} {x})")
    assert (found.found, found.source, found.kind, found.phase) == (True, form, kind, "forward")
    assert [(trip.number, trip.total) for trip in found.trips] == trips
    assert all(trip.span is not None for trip in found.trips)


RECURSIVE = (
    "(define (tree x d) (if (> d 2.5) (sqrt (- x {}))"
    " (+ (tree (* 0.5 x) (+ d 1)) (tree (* 2 x) (+ d 1)))))"
)


@pytest.mark.slow
def test_recursion_on_a_stack(session):
    session.evaluate(RECURSIVE.format(0.2), "program.esk")
    found = session.evaluate("(blame tree 1.0 0.0)")
    assert (found.source, found.kind, found.phase) == ("(sqrt (- x 0.2))", "NaN", "forward")
    found = session.evaluate("(blame (lambda (x) (gradient tree x 0.0)) 1.0)")
    assert (found.source, found.phase) == ("(sqrt (- x 0.2))", "forward")
    session.evaluate(RECURSIVE.format(0.125), "program.esk")
    assert not session.evaluate("(blame tree 1.0 0.0)").found
    found = session.evaluate("(blame (lambda (x) (gradient tree x 0.0)) 1.0)")
    assert (found.source, found.phase) == ("(sqrt (- x 0.125))", "backward")


BACKWARD = [
    # body, x, the form that is to blame in the gradient, the trips
    ("(sqrt (tensor-sum (* x x)))", "(zeros 3)", "(sqrt (tensor-sum (* x x)))", []),
    ("(tensor-sum (expt x 0.5))", "(tensor 1.0 0.0)", "(expt x 0.5)", []),
    ("(do ((i 0 (+ i 1)) (s 0.0 (+ s (sqrt (* x i))))) ((= i 20) s))", "3.0", "(sqrt (* x i))",
     [(1, 20)]),
    ("(do ((i 0 (+ i 1)) (s 0.0 (+ s (sqrt (* x (- i 2)))))) ((= i 3) s))", "-3.0",
     "(sqrt (* x (- i 2)))", [(3, None)]),
    ("(let loop ((y x) (n 0))"
     " (if (< n (+ 3 (* 0 x))) (loop (+ (* 2 y) (sqrt (* x (- 2 n)))) (+ n 1)) y))", "1.0",
     "(sqrt (* x (- 2 n)))", [(3, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "x", "form", "trips"), BACKWARD)
@pytest.mark.parametrize(
    "way", ["(gradient f)", "(lambda (x) (gradient f x))", "(jit (lambda (x) (gradient f x)))"]
)
def test_the_form_whose_backward_pass_it_is(session, way, body, x, form, trips):
    session.evaluate(f"(define (f x) {body})", "program.esk")
    assert not session.evaluate(f"(blame f {x})").found
    found = session.evaluate(f"(blame {way} {x})")
    assert (found.source, found.phase) == (form, "backward")
    assert [(trip.number, trip.total) for trip in found.trips] == trips
    assert "in the backward pass" in str(found)


def test_derivatives_that_go_forward(session):
    session.evaluate("(define (f x) (* 3 (sqrt x)))", "program.esk")
    found = session.evaluate("(blame (lambda (x) (derivative f x)) 0.0)")
    assert (found.source, found.phase) == ("(sqrt x)", "derivative")
    found = session.evaluate("(blame (lambda (x) (derivative f x)) -1.0)")
    assert found.source == "(sqrt x)" and found.kind == "NaN"
    session.evaluate(
        "(define (g x) (let loop ((y x)) (if (< y 9) (loop (+ y (sqrt (- y 1)) 1)) y)))"
    )
    found = session.evaluate("(blame (lambda (x) (derivative g x)) 1.0)")
    assert (found.source, found.trips[0].number) == ("(sqrt (- y 1))", 1)
    found = session.evaluate("(blame (lambda (x) (gradient (lambda (x) (derivative g x)) x)) 1.0)")
    assert found.source == "(sqrt (- y 1))"


NOTHING = [
    ("(* 2 x)", "1.0"),
    ("(where (> x 0) (log x) 0.0)", "(tensor 1.0 0.0)"),
    ("(tensor-sum (exp (where (> x 0) x -inf.0)))", "(tensor 1.0 0.0)"),
    ("(list x 'a 5)", "1.0"),
    ("(let ((y (/ 1 (- x 1)))) x)", "1.0"),
]


@pytest.mark.parametrize(("body", "x"), NOTHING)
def test_what_does_not_reach_the_value_is_no_fault(session, body, x):
    session.evaluate(f"(define (f x) {body})")
    found = session.evaluate(f"(blame f {x})")
    assert not found.found and found.source == ""
    assert str(found) == "f: no form made a NaN or an infinity that reaches the result"
    assert session.evaluate(f"(blamed-form (blame f {x}))") is False


def test_where_in_a_gradient_is_to_blame_only_if_it_gives_no_number(session):
    # 0/0 of a branch that `where` leaves out; the gradient tells whether it shows.
    session.evaluate("(define (f x) (tensor-sum (where (> x 0) (* x (log x)) 0.0)))", "program.esk")
    gradient = np.asarray(session.evaluate("(gradient f (tensor 1.0 0.0))"))
    found = session.evaluate("(blame (gradient f) (tensor 1.0 0.0))")
    assert found.found == (not np.isfinite(gradient).all())
    if found.found:
        assert (found.source, found.kind) == ("(log x)", "Inf")
        assert "which became a NaN in (* x (log x)) in line 1" in str(found)


def test_the_values_that_went_in_and_came_out(session):
    session.evaluate("(define (f x y) (tensor-sum (/ x (- y 1))))", "program.esk")
    found = session.evaluate("(blame f (tensor '((1 2) (3 4))) (tensor '((2 2) (1 3))))")
    first, second = found.operands
    assert (first.label, first.type, first.least, first.greatest) == ("x", "f32[2,2]", 1, 4)
    assert (second.label, second.least, second.greatest) == ("(- y 1)", 0, 2)
    (result,) = found.results
    assert (result.bad, result.size, result.first_bad) == (1, 4, (1, 0))
    assert str(found).splitlines() == [
        "program.esk:1:29: (/ x (- y 1)) made an infinity in the forward pass",
        "  1 | (define (f x y) (tensor-sum (/ x (- y 1))))",
        "    |                             ^^^^^^^^^^^^^",
        "  from x       f32[2,2], from 1 to 4",
        "  from (- y 1) f32[2,2], from 0 to 2",
        "  gave f32[2,2], from 1 to 2, 1 of 4 not finite, the first at (1, 0)",
    ]
    assert display_string(found) == str(found)


def test_operands_that_were_made_inside_of_the_form_have_no_label(session):
    found = session.evaluate("(blame (lambda (x) (log-softmax (* x x))) (tensor 1e30 1.0))")
    assert found.source == "(* x x)" and [each.label for each in found.operands] == ["x", "x"]
    found = session.evaluate("(blame (lambda (x) (tensor-variance (* 1e30 x))) (tensor 1.0 -1.0))")
    assert found.source == "(tensor-variance (* 1e30 x))"
    assert {each.label for each in found.operands} == {""}


def test_an_infinity_that_becomes_a_nan(session):
    session.evaluate("(define (f x) (let ((y (exp x)))\n (- y y)))", "program.esk")
    found = session.evaluate("(blame f 1000.0)")
    assert (found.source, found.kind) == ("(exp x)", "Inf")
    assert str(found).endswith("  which became a NaN in (- y y) in line 2")


def test_an_argument_or_a_variable_that_holds_it_already(session):
    session.evaluate("(define w (tensor 1.0 +nan.0)) (define (f x) (* w (sqrt x)))")
    found = session.evaluate("(blame f 4.0)")
    assert (found.label, found.span, found.kind) == ("top-level w", None, "NaN")
    assert str(found).startswith("f: top-level w holds a NaN already\n  it is f32[2], 1, 1 of 2")
    assert session.evaluate("(blame f +inf.0)").label in ("top-level w", "argument x")
    assert session.evaluate("(blame (lambda (x) (+ x 1)) +inf.0)").label == "argument x"


def test_output_and_errors_of_the_program_do_not_happen(session, capsys):
    session.evaluate(
        '(define (f x) (debug-print "x" x) (assert (> x 0)) (displayln x) (sqrt x))', "program.esk"
    )
    assert session.evaluate("(blamed-form (blame f -1.0))") == "(sqrt x)"
    jax.effects_barrier()
    assert capsys.readouterr().out == ""
    assert NOTES.recorder is None
    assert_at_rest()


def test_models_and_random_numbers(session):
    session.evaluate(
        "(import (eshkol nn)) (rng-seed 1)"
        "(define model (let ((w (randn 3 2)) (b (zeros 2)))"
        " (lambda (x) (softmax (+ b (matmul x w))))))"
        "(define (loss m x) (- (tensor-mean (log (- (m (dropout x 0.5)) 1)))))",
        "program.esk",
    )
    found = session.evaluate("(blame loss model (ones 4 3))")
    assert found.found and found.source == "(log (- (m (dropout x 0.5)) 1))"


def test_a_form_of_a_library_is_told_beside_the_form_that_leads_to_it(session):
    session.evaluate(
        "(import (eshkol nn)) (define layer (layer-normalization 3 -1.0))"
        "(define (f x) (tensor-sum (layer x)))",
        "program.esk",
    )
    found = session.evaluate("(blame f (ones 4 3))")
    assert found.source == "(layer x)" and found.line == 1
    lines = str(found).splitlines()
    assert lines[3].startswith("  by (rsqrt (+ variance epsilon)) at ")
    assert lines[4] == "  from (+ variance epsilon) f32[4,1], -1"
    assert found.inner_span.file.endswith("layers.esk")


def test_from_python():
    found = ek.blame("(lambda (x) (log x))", 0.0)
    assert (found.source, found.line) == ("(log x)", 1)
    found = ek.blame(lambda x: x / 0, 1.0)
    assert (found.source, found.kind, found.span.file) == ("x / 0", "Inf", __file__)
    slope = ek.blame(ek.grad(lambda x: jnp.sum(jnp.sqrt(x * x))), jnp.zeros(2))
    assert (slope.source, slope.phase) == ("jnp.sqrt(x * x)", "backward")
    assert not ek.blame(ek.jit("(lambda (x) (* x x))"), 2.0).found


def test_a_file_that_was_edited_and_evaluated_again_is_shown_as_it_is_now(session):
    program = "(define (g x) (log x))\n(define f (jit (lambda (x) (* 2 (g x)))))"
    session.evaluate(program, "program.esk")
    session.evaluate("(f 0.0)")
    session.evaluate(f";; a comment\n\n{program}", "program.esk")
    found = session.evaluate("(blame f 0.0)")
    assert (found.source, found.line) == ("(log x)", 3)
    told = session.evaluate("(explain f 0.0)")
    assert {form.source: form.span.line for form in told.forms}["(log x)"] == 3

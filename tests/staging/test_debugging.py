"""debug-print and breakpoint, in eager code and wherever compiled code runs."""

from __future__ import annotations

import io
import sys

import jax
import numpy as np
import pytest
from staged_sessions import assert_at_rest, compiles

import eshkol as ek
from eshkol.base.errors import BadValue, SchemeError
from eshkol.session import Session


@pytest.fixture
def session() -> Session:
    return Session()


LINES = [
    # body of (lambda (x) …), what is shown for x = 2.0, the value
    ('(debug-print "x" x)', "x 2.0\n", 2.0),
    ("(debug-print 'x x 5)", "x 2.0 5\n", 5),
    ('(* 3 (debug-print "x is {}!" x))', "x is 2.0!\n", 6.0),
    ('(debug-print "{:.3f} and {big-x:>6}" (* x x) #:big-x x) x', "4.000 and    2.0\n", 2.0),
    ('(debug-print "{1}{0}" x 7) x', "72.0\n", 2.0),
    ('(debug-print "t {:.1f}" (tensor x 1.0)) x', "t [2.0 1.0]\n", 2.0),
    ('(debug-print "{{}}") x', "{}\n", 2.0),
    ('(gradient (lambda (y) (debug-print "{:.2f}" y) (* y y)) x)', "2.00\n", 4.0),
    ('(debug-print "{:.2f} {:.1e} {:4d}" 1/3 (variable (ones 2)) 7) x',
     "0.33 [1.0e+00 1.0e+00]    7\n", 2.0),
    ('(let loop ((y x)) (if (< y 9) (loop (* 2 (debug-print "y" y))) y))',
     "y 2.0\ny 4.0\ny 8.0\n", 16.0),
    ('(do ((i 0 (+ i 1)) (s x (+ s i))) ((= i 12) s) (if (= i 10) (debug-print "s" s)))',
     "s 47.0\n", 68.0),
    ('(if (> x 3) (debug-print "big" x) (debug-print "small" x))', "small 2.0\n", 2.0),
]  # fmt: skip


@pytest.mark.parametrize(("body", "shown", "value"), LINES)
@pytest.mark.parametrize("way", ["f", "(jit f)", "(jit (lambda (x) (f x)))"])
def test_a_line_each_time_the_form_is_reached(session, capsys, way, body, shown, value):
    session.evaluate(f"(define (f x) {body}) (define g {way})")
    with compiles(0 if way == "f" else 1):
        for _ in range(2):
            assert float(session.evaluate("(g 2.0)")) == value
            jax.effects_barrier()
            assert capsys.readouterr().out == shown


@pytest.mark.parametrize("way", ["(vmap f)", "(jit (vmap f))", "(vmap (jit f))"])
def test_a_line_for_each_lane_that_gets_there(session, capsys, way):
    session.evaluate('(define (f x) (if (> x 1.5) (debug-print "x is {:.1f}" x) (* 2 x)))')
    result = session.evaluate(f"({way} (tensor 1.0 2.0 3.0))")
    jax.effects_barrier()
    assert sorted(capsys.readouterr().out.splitlines()) == ["x is 2.0", "x is 3.0"]
    assert np.asarray(result).tolist() == [2.0, 2.0, 3.0]


@pytest.mark.parametrize("point", ["3.0", "(tensor 3.0)"])
@pytest.mark.parametrize(
    "way", ["(gradient f x)", "((jit (lambda (x) (gradient f x))) x)", "(gradient (jit f) x)"]
)
def test_once_in_a_gradient_which_it_leaves_as_it_is(session, capsys, way, point):
    session.evaluate('(define (f x) (let ((y (debug-print "y" (* x x)))) (tensor-sum (* 2 y))))')
    result = session.evaluate(f"(let ((x {point})) {way})")
    jax.effects_barrier()
    assert np.asarray(result).ravel().tolist() == [12.0]
    assert capsys.readouterr().out in ("y 9.0\n", "y #(9.0)\n")


def test_from_python(capsys):
    assert ek.debug_print("x", 2) == 2
    assert ek.debug_print("done") is None
    assert capsys.readouterr().out == "x 2\ndone\n"
    double = jax.jit(lambda x: 2 * ek.debug_print("x is {x:.1f}", x, x=x))
    with pytest.raises(BadValue, match="0 places for 1 values"):
        double(3.0)
    double = jax.jit(lambda x: 2 * ek.debug_print("x is {:.1f}", x))
    assert [float(double(x)) for x in (3.0, 4.0)] == [6.0, 8.0]
    jax.effects_barrier()
    assert capsys.readouterr().out == "x is 3.0\nx is 4.0\n"


# ---- breakpoints


PROGRAM = """
(define offset 10)
(define (f x n)
  (let ((the-sum (* x 3)))
    (if (> the-sum 5)
        (begin (set! the-sum (+ the-sum 1)) (breakpoint 'here)))
    (+ the-sum offset n)))
"""


def answers(monkeypatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(line + "\n" for line in lines)))


@pytest.mark.parametrize("way", ["f", "(jit f)", "(jit (lambda (x n) (f x n)))"])
def test_a_breakpoint_shows_the_variables_and_evaluates(session, monkeypatch, capsys, way):
    session.evaluate(PROGRAM, "model.esk")
    session.evaluate(f"(define g {way})")
    answers(monkeypatch, "(* 2 the-sum)", "(+ offset n)", "(car the-sum)", ",where", ",c", "9")
    assert float(session.evaluate("(g 2.0 1)")) == 18.0
    out = capsys.readouterr().out
    head, source, carets, *rest = out.splitlines()
    assert head == "breakpoint here at model.esk:6:45, in f"
    assert source.strip().startswith("6 |") and carets.count("^") == len("(breakpoint 'here)")
    assert {"  x = 2.0", "  n = 1", "  the-sum = 7.0"} <= set(rest)
    assert "break> 14.0\n" in out and "break> 11\n" in out
    assert "car: expected a pair, got" in out
    assert "  model.esk:6:45 f\n" in out
    assert sys.stdin.read() == "9\n"


@pytest.mark.parametrize("way", ["f", "(jit f)"])
def test_quit_ends_the_program_at_the_form(session, monkeypatch, way):
    session.evaluate(PROGRAM, "model.esk")
    answers(monkeypatch, ",quit")
    with pytest.raises(SchemeError, match="ended at a breakpoint") as caught:
        session.evaluate(f"({way} 2.0 1)")
    assert (caught.value.span.line, caught.value.span.column) == (6, 44)
    assert_at_rest()


def test_where_it_is_not_reached_and_at_the_end_of_the_input_the_program_goes_on(
    session, monkeypatch, capsys
):
    session.evaluate(PROGRAM)
    answers(monkeypatch)
    assert float(session.evaluate("((jit f) 1.0 1)")) == 14.0
    assert capsys.readouterr().out == ""
    assert float(session.evaluate("((jit f) 2.0 1)")) == 18.0
    assert capsys.readouterr().out.startswith("breakpoint here")


def test_each_trip_and_each_lane_stops_with_its_own_values(session, monkeypatch, capsys):
    session.evaluate(
        "(define (f x) (let loop ((y x)) (if (< y 9) (begin (breakpoint) (loop (* 2 y))) y)))"
    )
    answers(monkeypatch, "y", ",c", "y", ",c", "y", ",c")
    assert float(session.evaluate("((jit f) 2.0)")) == 16.0
    out = capsys.readouterr().out
    assert [f"break> {y}\n" in out for y in ("2.0", "4.0", "8.0")] == [True] * 3
    answers(monkeypatch, "y", ",c", "y", ",c")
    session.evaluate("((vmap f) (tensor 8.0 20.0 7.0))")
    out = capsys.readouterr().out
    assert out.count("breakpoint at") == 2
    assert "break> 8.0\n" in out and "break> 7.0\n" in out


def test_python_takes_over_in_eager_code(session, monkeypatch, capsys):
    session.evaluate(PROGRAM, "model.esk")
    answers(monkeypatch, ",python", "p x + 40", "continue")
    assert session.evaluate("(f 2.0 1)") == 18.0
    assert "42.0" in capsys.readouterr().out

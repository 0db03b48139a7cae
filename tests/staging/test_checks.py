"""``with-checks``: what is out of range, overflows or becomes NaN is an error at the form."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import jax
import numpy as np
import pytest
from staged_sessions import assert_at_rest, compiles, value

import eshkol as ek
from eshkol.base.config import CONFIG
from eshkol.base.errors import BadValue, DivideByZero, EshkolError, OutOfRange, StagingError
from eshkol.runtime.report import report
from eshkol.session import Session
from eshkol.xla.effects import failures


@pytest.fixture
def session() -> Session:
    session = Session()
    session.evaluate(
        "(define t (tensor 1.0 2.0 3.0)) (define i32 (lambda (x) (tensor-cast x 'int32)))"
    )
    return session


FAULTS = [
    # a body of the number x that computes well at one value, and not at another; what is said
    ("(tensor-ref t (exact x))", 2.0, 3.0, OutOfRange,
     "tensor-ref: index 3 is out of range for axis 0 of f32[3]"),
    ("(tensor-ref t (exact x))", 0.0, -1.0, OutOfRange,
     "tensor-ref: index -1 is out of range for axis 0 of f32[3]"),
    ("(vector-ref t (exact x))", 1.0, 7.0, OutOfRange, "vector-ref: index 7 is out of range"),
    ("(tensor-ref (let ((u t)) (tensor-set! u (exact x) 9.0) u) 0)", 1.0, 7.0, OutOfRange,
     "index 7 is out of range for axis 0 of f32[3]"),
    ("(tensor-sum (gather t (i32 (tensor 0 x))))", 1.0, 5.0, OutOfRange,
     "gather: index 5 is out of range for an axis of size 3"),
    ("(tensor-sum (dynamic-slice t (list (exact x)) '(2)))", 1.0, 2.0, OutOfRange,
     "dynamic-slice: index 2 is out of range for a part of 2 along axis 0 of f32[3]"),
    ("(quotient 7 (exact x))", 2.0, 0.0, DivideByZero, "quotient: division by zero"),
    ("(modulo 7 (exact x))", 2.0, 0.0, DivideByZero, "modulo: division by zero"),
    ("(remainder 7 (exact x))", 2.0, 0.0, DivideByZero, "remainder: division by zero"),
    ("(* (exact x) (exact x))", 3e9, 4e9, OutOfRange, "*: the result does not fit in int64"),
    ("(+ (exact x) (exact x))", 4e18, 5e18, OutOfRange, "+: the result does not fit in int64"),
    ("(- (- (exact x)) (exact x))", 4e18, 5e18, OutOfRange, "-: the result does not fit in int64"),
    ("(expt (exact x) 5)", 6000.0, 7000.0, OutOfRange, "the result does not fit in int64"),
    ("(square (exact x))", 3e9, 4e9, OutOfRange, "the result does not fit in int64"),
    ("(exact x)", 2.0, 2.5, BadValue, "exact: 2.5 is no integer"),
    ("(tensor-ref t (exact (* 0.5 x)))", 2.0, 3.0, BadValue, "exact: 1.5 is no integer"),
    ("(exact x)", 2.0, float("inf"), BadValue, "exact: +inf.0 is no integer"),
    ("(log x)", 2.0, -1.0, BadValue, "log: the result is not a number (NaN)"),
    ("(sqrt x)", 2.0, -1.0, BadValue, "sqrt: the result is not a number (NaN)"),
    ("(/ x (* 2 x))", 2.0, 0.0, BadValue, "/: the result is not a number (NaN)"),
    ("(- x (* 1e300 x))", 2.0, float("inf"), BadValue, "-: the result is not a number (NaN)"),
    ("(tensor-sum (log (* x t)))", 1.0, -1.0, BadValue, "log: the result is not a number (NaN)"),
    ("(gradient (lambda (x) (sqrt (* 0 x))) x)", None, 1.0, BadValue,
     "gradient: the result is not a number (NaN)"),
    ("(expt 2 (exact x))", 2.0, -3.0, BadValue, "expt: 2 to a negative power is no integer"),
    ("(with-rng 7 (random-poisson (+ x 3)))", 2.0, -4.0, BadValue,
     "random-poisson: expected a rate of at least 0, got -1.0"),
    ("(with-rng 7 (random-triangular x 2 3))", 1.0, 2.5, BadValue,
     "random-triangular: expected low <= mode <= high, got 2.5 and 2 and 3"),
    ("(with-rng 7 (tensor-sum (random-normal 0 (* x t))))", 1.0, -1.0, BadValue,
     "random-normal: expected a deviation of at least 0, got -1.0"),
    ("(with-rng 7 (categorical (* x t)))", 1.0, -2.0, BadValue,
     "categorical: expected weights of at least 0, not all 0, got -2.0"),
    ("(with-rng 7 (random-int (exact x) 5))", 4.0, 5.0, BadValue,
     "random-int: expected low < high, got 5 and 5"),
]  # fmt: skip

WAYS = {
    "compiled": "((jit (lambda (x) (with-checks {}))) {})",
    "around": "(with-checks ((jit (lambda (x) {})) {}))",
    "in a branch": "(with-checks ((jit (lambda (x) (if (< x 1e20) {0} {0}))) {1}))",
    "in a loop":
        "(with-checks ((jit (lambda (x) (do ((i 0 (+ i 1)) (y 0.0 (+ 0.0 {}))) ((= i 9) y)))) {}))",
    "in a while loop":
        "(with-checks ((jit (lambda (x)"
        " (let go ((y x) (n x)) (if (<= y x) (go (+ y 1) {}) n)))) {}))",
    "in lanes": "(with-checks ((vmap (lambda (x) (+ 0.0 {}))) (let ((x {})) (tensor x x))))",
}  # fmt: skip


def text_of(x: float) -> str:
    return {"inf": "+inf.0"}.get(repr(x), repr(x))


@pytest.mark.parametrize("way", ["compiled", "around"])
@pytest.mark.parametrize(("body", "good", "bad", "kind", "words"), FAULTS)
def test_faults_are_told_at_the_form(
    session: Session, way: str, body: str, good: float | None, bad: float,
    kind: type[EshkolError], words: str,
) -> None:  # fmt: skip
    unchecked = f"((jit (lambda (x) {body})) {{}})"
    if good is not None:
        checked = value(session, WAYS[way].format(body, text_of(good)))
        assert checked == value(session, unchecked.format(text_of(good)))
    with pytest.raises(kind) as caught:
        session.evaluate(WAYS[way].format(body, text_of(bad)))
    assert words in str(caught.value)
    caret_line = str(caught.value).splitlines()[2]
    assert "^" in caret_line
    # Without checks it computes something.
    session.evaluate(unchecked.format(text_of(bad)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "fault",
    [0, 6, 14, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 9))],
    ids=lambda n: FAULTS[n][0],
)
def test_faults_are_told_wherever_they_are(session: Session, way: str, fault: int) -> None:
    body, good, bad, kind, words = FAULTS[fault]
    assert good is not None
    if way == "in lanes" and "e9" in repr(bad):
        bad = 4e9
    session.evaluate(WAYS[way].format(body, text_of(good)))
    with pytest.raises(kind) as caught:
        session.evaluate(WAYS[way].format(body, text_of(bad)))
    assert words.split(":")[1][:20] in str(caught.value)
    assert_at_rest()


def test_the_report_points_at_the_form(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (i)\n  (+ 1 (tensor-ref t i)))))", file="faults.esk")
    with pytest.raises(OutOfRange) as caught:
        session.evaluate("(with-checks (f 7))")
    assert report(caught.value).startswith(
        "faults.esk:2:8: tensor-ref: index 7 is out of range for axis 0 of f32[3]\n"
        "  2 |   (+ 1 (tensor-ref t i)))))\n"
        "    |        ^^^^^^^^^^^^^^^^\n"
        "  the indices are 0 to 2"
    )


def test_branches_that_are_not_taken_are_not_checked(session: Session) -> None:
    program = "(with-checks ((jit (lambda (x) (if (> x 0) (log x) 0.0))) {}))"
    assert value(session, program.format(-1.0)) == 0.0
    lanes = "(with-checks ((vmap (lambda (x) (if (> x 0) (log x) 0.0))) (tensor 1.0 -1.0)))"
    assert value(session, lanes) == [0.0, 0.0]


def test_eager_tensors_are_checked(session: Session) -> None:
    with pytest.raises(BadValue, match="/: the result is not a number"):
        session.evaluate("(with-checks (/ (zeros 2) (zeros 2)))")
    with pytest.raises(DivideByZero, match="quotient: division by zero"):
        session.evaluate("(with-checks (quotient (i32 t) (i32 (zeros 3))))")
    # What is NaN already is nobody's fault here.
    assert np.isnan(value(session, "(with-checks (* 2 (/ +nan.0 t)))")).all()


def test_checks_are_compiled_apart(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x) (log x))))")
    with compiles(2):
        for x in ("2.0", "3.0", "4.0"):
            session.evaluate(f"(f {x})")
            session.evaluate(f"(with-checks (f {x}))")
    assert np.isnan(float(session.evaluate("(f -1.0)")))
    with pytest.raises(BadValue):
        session.evaluate("(with-checks (f -1.0))")
    assert np.isnan(float(session.evaluate("(f -1.0)")))
    arrays = "(f (tensor -1.0))"
    for _ in range(3):
        assert np.isnan(value(session, arrays)).all()
        with pytest.raises(BadValue):
            session.evaluate(f"(with-checks {arrays})")


def test_another_thread_is_not_checked(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x) (log x))))")
    found: list[float] = []
    with CONFIG.override(checked=True):
        thread = threading.Thread(target=lambda: found.append(value(session, "(f -1.0)")))
        thread.start()
        thread.join()
    assert np.isnan(found[0])


def test_threads_of_both_modes_call_one_procedure(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x) (list (log x) x))))")
    problems: list[str] = []

    def unchecked() -> None:
        for _ in range(30):
            if not np.isnan(np.asarray(session.evaluate("(f (tensor -1.0))").car)).all():
                problems.append("not NaN")

    def checked() -> None:
        for _ in range(30):
            try:
                session.evaluate("(with-checks (f (tensor -1.0)))")
                problems.append("not checked")
            except BadValue:
                pass

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as problem:
            problems.append(repr(problem))

    threads = [threading.Thread(target=run, args=(work,)) for work in (unchecked, checked) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_the_setting_of_the_process(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x) (log x))))")
    assert np.isnan(value(session, "(f (tensor -1.0))")).all()
    ek.config.checked = True
    try:
        with pytest.raises(BadValue, match="log: the result is not a number"):
            session.evaluate("(f (tensor -1.0))")
    finally:
        ek.config.checked = False
    assert np.isnan(value(session, "(f (tensor -1.0))")).all()


@pytest.mark.parametrize("option", [["--checked"], []])
def test_the_option_of_the_command(option: list[str]) -> None:
    words = [sys.executable, "-m", "eshkol", "eval", *option, "((jit (lambda (x) (log x))) -1.0)"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if option:
        assert done.returncode == 1
        assert "log: the result is not a number (NaN), and no argument is" in done.stderr
    else:
        assert done.stdout.strip() == "+nan.0"


def test_a_device_without_doubles_is_told() -> None:
    with pytest.raises(StagingError, match="has no float64") as caught, failures():
        raise jax.errors.JaxRuntimeError("UNIMPLEMENTED: type f64 is not supported on this device")
    assert "(jit f #:device 'cpu)" in str(caught.value)
    with pytest.raises(jax.errors.JaxRuntimeError), failures():
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")

"""Derivatives of loops of programs in every mode, against those of the host.

On numbers, un-jitted derivatives are Taylor numbers and tapes of the host, which follow a loop trip
by trip and know nothing of the loop primitive. A compiled loop must have the same ones, whatever
it is compiled, mapped and differentiated by. At every point the loops make another number of trips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from staged_sessions import assert_at_rest, compiles

from eshkol.session import Session

PROGRAMS = {
    "a named let": "(let loop ((y x)) (if (> y 30) y (loop (* x y))))",
    "a do loop": "(do ((y x (+ (* y y) x)) (n 0 (+ n 1))) ((> y 50) (* y n)))",
    "newton to a tolerance": """(let loop ((y 1.0))
        (if (< (abs (- (* y y) x)) 1e-10) y (loop (/ (+ y (/ x y)) 2))))""",
    "several exits": """(let loop ((y x) (n 0))
        (cond ((> y 100) (* y y)) ((= n 3) (sin y)) (else (loop (+ y (* x n y)) (+ n 1)))))""",
    "assignment of an outer variable": """(let ((s 0) (p 1))
        (do ((y x (* 1.5 y))) ((> y 9) (* s p)) (set! s (+ s (* y x))) (set! p (* p (cos y)))))""",
    "a vector written": """(let ((v (vector 0.0 x)))
        (do ((i 0 (+ i 1))) ((> (vector-ref v 0) 9) (* (vector-ref v 0) (vector-ref v 1)))
        (vector-set! v 0 (+ (vector-ref v 0) (* x (vector-ref v 1))))
        (vector-set! v 1 (+ 1.5 (sin (vector-ref v 0))))))""",
    "a list of variables": """(let loop ((p (list x 1.0)))
        (if (> (car p) 25) (cadr p) (loop (list (* (car p) x) (+ (cadr p) (sin (car p)))))))""",
    "loops in a loop": """(let outer ((y x) (n 1)) (if (> y 40) y
        (outer (let inner ((z y) (k 0)) (if (or (> z 60) (= k n)) z
        (inner (+ z (* 0.3 x (sin z)) 3) (+ k 1)))) (+ n 1))))""",
    "a counted loop in a loop": """(let loop ((y x)) (if (> y 20) y
        (loop (do ((i 0 (+ i 1)) (z y (+ z (* x (sin (* i z)) 0.1)))) ((= i 12) (+ 1 z))))))""",
    "a loop in a counted loop": """(do ((i 0 (+ i 1)) (s 0.0
        (+ s (let loop ((y (+ x i))) (if (> y 30) (/ y 30) (loop (* y x))))))) ((= i 10) s))""",
    "loops in branches": """(if (> x 1.8) (let loop ((y x)) (if (> y 20) y (loop (* y y 0.9))))
        (let loop ((y x)) (if (< y 0.2) y (loop (* y (cos x))))))""",
    "a branch in a loop": """(let loop ((y x) (n 0)) (if (or (> y 60) (= n 9)) y
        (loop (if (> (sin y) 0) (* y x) (+ y (* x x) 1)) (+ n 1))))""",
    "a closure called in a loop": """(let ((f (lambda (y) (* y (+ x 0.1)))))
        (let loop ((y 1.0)) (if (> y 12) (* y x) (loop (f y)))))""",
    "no trip": "(let loop ((y x)) (if (> y 0) (* y y) (loop (log y))))",
    "some make no trip": "(let loop ((y x)) (if (< y 1.6) (* x y) (loop (sqrt (- y 1.55)))))",
}

MODES = {
    "jit": (0, "((jit f) x)"),
    "derivative of jit": (1, "(derivative (jit f) x)"),
    "jit of derivative": (1, "((jit (derivative f)) x)"),
    "gradient of jit": (1, "(gradient (jit f) x)"),
    "jit of gradient": (1, "((jit (gradient f)) x)"),
    "jit of gradient of jit": (1, "((jit (gradient (jit f))) x)"),
    "all states": (1, "((jit (gradient f #:max-trips 40)) x)"),
    "two states": (1, "((jit (gradient f #:checkpoint 2)) x)"),
    "derivative of derivative": (2, "((jit (derivative (derivative f))) x)"),
    "derivative of gradient": (2, "((jit (derivative (gradient f))) x)"),
    "gradient of derivative": (2, "((jit (gradient (derivative f))) x)"),
    "gradient of gradient": (2, "((jit (gradient (gradient f))) x)"),
    "vmap": (0, "((vmap f) v)"),
    "vmap of gradient": (1, "((vmap (gradient f)) v)"),
    "gradient of vmap": (1, "(gradient (lambda (v) (tensor-sum ((vmap f) v))) v)"),
    "jit of vmap of gradient": (1, "((jit (vmap (gradient f))) v)"),
    "jit of gradient of vmap": (1, "((jit (gradient (lambda (v) (tensor-sum ((vmap f) v))))) v)"),
    "vmap of gradient of gradient": (2, "((jit (vmap (gradient (gradient f)))) v)"),
    "gradient of vmap of gradient": (
        2,
        "((jit (gradient (lambda (v) (tensor-sum ((vmap (gradient f)) v))))) v)",
    ),
}

POINTS = (1.45, 2.1, 1.85)
REFERENCES = ("(f x)", "(derivative f x)", "(derivative (derivative f) x)")
QUICK = {0: "jit of gradient", 1: "vmap of gradient of gradient"}
"""What of each fourth program is tested every time, and of the next."""

FULLY = ("several exits",)


def cells() -> list[Any]:
    """The table; what takes long is for ``make test-all``."""
    return [
        pytest.param(
            program, mode, id=f"{program}-{mode}", marks=[] if is_quick else [pytest.mark.slow]
        )
        for number, program in enumerate(PROGRAMS)
        for mode in MODES
        for is_quick in [mode == QUICK.get(number % 4) or program in FULLY]
    ]


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def at_points(session: Session, text: str) -> list[float]:
    session.evaluate(f"(define (at x) {text})")
    return [float(session.evaluate(f"(at {point})")) for point in POINTS]


@pytest.mark.parametrize(("program", "mode"), cells())
def test_compiled_derivatives_are_those_of_the_host(
    session: Session, program: str, mode: str
) -> None:
    order, text = MODES[mode]
    session.evaluate(f"(define (f x) {PROGRAMS[program]})")
    expected = at_points(session, REFERENCES[order])
    if " v)" in text:
        session.evaluate(f"(define v (tensor {' '.join(map(str, POINTS))} #:dtype 'float64))")
        found = np.asarray(session.evaluate(text)).tolist()
    else:
        found = at_points(session, text)
    assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_host_agrees_with_differences(session: Session, program: str) -> None:
    session.evaluate(f"(define (f x) {PROGRAMS[program]})")
    step = 1e-5
    expected = [
        (session.evaluate(f"(f {x + step})") - session.evaluate(f"(f {x - step})")) / (2 * step)
        for x in POINTS
    ]
    assert_allclose(at_points(session, "(derivative f x)"), expected, rtol=1e-5, atol=1e-7)


# ---- tensors and models


TENSORS = {
    "a fixed point": """(let loop ((v x)) (if (> (tensor-sum (* v v)) 90) (tensor-sum (* v w))
        (loop (+ v (tanh (matmul w2 v))))))""",
    "a tensor written": """(let ((v (* x 1.0))) (let loop ((i 0)) (if (> (tensor-sum v) 40)
        (tensor-sum (* v w)) (begin (set! v (* v (+ 1.0 (/ x 3)))) (loop (+ i 1))))))""",
    "random draws": """(call-with-rng 7 (lambda () (let loop ((v x)) (if (> (tensor-sum v) 30)
        (tensor-sum (* v x)) (loop (+ v (* x (random-uniform 0.5 1.5 '(3)))))))))""",
    "until it changes little": """(let loop ((v x) (n 0)) (let ((next (/ (+ v (/ w v)) 2)))
        (if (< (tensor-max (abs (- next v))) 1e-12) (tensor-sum (* v x)) (loop next (+ n 1)))))""",
}


@pytest.mark.parametrize("text", ["((jit (gradient f)) x)", "(gradient (jit f) x #:max-trips 99)"])
@pytest.mark.parametrize("program", TENSORS)
def test_gradients_by_tensors(session: Session, program: str, text: str) -> None:
    session.evaluate(f"""
        (define w (tensor 1.0 2.0 0.5 #:dtype 'float64))
        (define w2 (tensor '((0.5 1 0) (0.2 0.1 1) (0.7 0.3 0.4)) #:dtype 'float64))
        (define (f x) {TENSORS[program]})
        (define x (tensor 1.2 1.7 0.9 #:dtype 'float64))""")
    found = np.asarray(session.evaluate(text))
    step = 1e-6
    for index in range(3):
        ends = []
        for sign in (1, -1):
            point = [1.2, 1.7, 0.9]
            point[index] += sign * step
            shown = " ".join(map(repr, point))
            ends.append(float(session.evaluate(f"((jit f) (tensor {shown} #:dtype 'float64))")))
        assert_allclose(found[index], (ends[0] - ends[1]) / (2 * step), rtol=1e-6)


def test_the_gradient_of_a_model_whose_layer_is_a_loop(session: Session) -> None:
    """An equilibrium model: the layer runs until its state settles."""
    session.evaluate("""
        (define (make-model weight)
          (lambda (x)
            (let loop ((z (* 0.0 x)))
              (let ((next (tanh (+ (matmul weight z) x))))
                (if (< (tensor-max (abs (- next z))) 1e-13) next (loop next))))))
        (define model
          (make-model (tensor '((0.3 -0.2) (0.1 0.4)) #:dtype 'float64)))
        (define (loss model x) (tensor-sum (square (model x))))
        (define x (tensor 0.5 -1.0 #:dtype 'float64))
        (define partials ((jit (lambda (model x) (gradient loss model x))) model x))""")
    w, x = np.array([[0.3, -0.2], [0.1, 0.4]]), np.array([0.5, -1.0])
    z = np.zeros(2)
    for _ in range(200):
        z = np.tanh(w @ z + x)
    slope = 1 - z**2
    adjoint = np.linalg.solve((np.eye(2) - slope[:, None] * w).T, 2 * z) * slope
    found = session.evaluate("(cdar (model-parameters partials))")
    assert_allclose(np.asarray(found), np.outer(adjoint, z), rtol=1e-8)


# ---- effects and caching


def test_what_a_loop_displays_is_displayed_once(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.evaluate("""(define (f x)
        (let loop ((y x)) (display y) (newline) (if (> y 9) y (loop (* x y)))))""")
    for text in ("((jit (gradient f)) 2.0)", "((jit (gradient (gradient f))) 2.0)"):
        session.evaluate(text)
        jax.effects_barrier()
        assert capsys.readouterr().out.split() == ["2.0", "4.0", "8.0", "16.0"]


def test_an_error_in_a_loop_is_raised_once_and_at_its_form(session: Session) -> None:
    session.evaluate("""(define (f x)
        (let loop ((y x)) (assert (< y 10) "too large" y) (if (> y 90) y (loop (* x y)))))""")
    with pytest.raises(Exception, match=r"too large 16\.0"):
        session.evaluate("((jit (gradient f)) 2.0)")
    assert_at_rest()


def test_the_gradient_of_a_loop_is_compiled_once(session: Session) -> None:
    session.evaluate("""
        (define (f x) (let loop ((y x)) (if (> y 9) y (loop (* x y)))))
        (define g (jit (gradient f)))""")
    with compiles(1):
        values = [float(session.evaluate(f"(g {x})")) for x in (2.0, 3.0, 1.5, 20.0)]
    assert values == [32.0, 27.0, pytest.approx(6 * 1.5**5), 1.0]


def test_what_is_kept_is_a_part_of_what_is_compiled(session: Session) -> None:
    session.evaluate("""
        (define f (jit (lambda (x) (let loop ((y x)) (if (> y 9) y (loop (* x y)))))))
        (define (bounded n) (gradient f 2.0 #:max-trips n))""")
    for options in ("", "#:max-trips 3", "#:max-trips 2", "#:checkpoint 2", "#:checkpoint 'log"):
        assert float(session.evaluate(f"(gradient f 2.0 {options})")) == 32.0
    shown = [
        str(jax.make_jaxpr(session.evaluate(f"(jit (gradient f {options}))"))(2.0))
        for options in ("", "#:max-trips 99", "#:checkpoint 7")
    ]
    assert ["max_trips=99" in text for text in shown] == [False, True, False]
    assert ["checkpoint=7" in text for text in shown] == [False, False, True]
    assert_at_rest()


TRIANGLES: dict[str, tuple[str, Callable[[int], int]]] = {
    "to the counter": ("(do ((j 0 (+ j 1))) ((= j i)) {work})", lambda n: n - 1),
    "from the counter": ("(do ((j i (+ j 1))) ((>= j {n})) {work})", lambda n: n),
    "down to the counter": ("(do ((j (* 2 i) (- j 1))) ((<= j i)) {work})", lambda n: 2 * n - 2),
    "of two counters": (
        "(do ((k 0 (+ k 1))) ((= k 12)) (do ((j k (+ j 2))) ((> j (max i k))) {work}))",
        lambda n: max(n - 1, 11) // 2 + 1,
    ),
}
"""Loops in a loop that counts ``i`` up to ``n``, and a bound on their trips."""


@pytest.mark.parametrize("name", TRIANGLES)
def test_a_counter_bounds_a_loop_inside(session: Session, name: str) -> None:
    """What is compiled does not grow with the outer loop, and has room for as many states."""
    inner, most_trips = TRIANGLES[name]
    sizes = set()
    for n in (10, 30):
        work = inner.format(n=n, work="(set! s (+ s (* x (sin s))))")
        session.evaluate(f"""
            (define (f x) (let ((s x)) (do ((i 0 (+ i 1))) ((= i {n}) s) {work})))""")
        slopes = [float(session.evaluate(f"({how} 0.01)")) for how in DERIVATIVES]
        assert_allclose(slopes[1:], slopes[0], rtol=1e-9)
        program = str(jax.make_jaxpr(session.evaluate("(jit (gradient f))"))(0.01))
        assert f"max_trips={most_trips(n)}\n" in program
        sizes.add(len(program.splitlines()))
    assert len(sizes) == 1


DERIVATIVES = ("(derivative f)", "(jit (derivative f))", "(jit (gradient f))")

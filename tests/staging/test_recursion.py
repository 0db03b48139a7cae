"""Recursion on traced values: each program against itself run eagerly, in every transformation."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from staged_sessions import assert_at_rest, compilations

from eshkol.base.errors import EshkolError
from eshkol.session import Session
from eshkol.xla.silence import inner_jaxprs

PROGRAMS = {
    "factorial": "(define (f x) (if (< x 1.0) 1.0 (* x (f (- x 1.0)))))",
    "fibonacci": "(define (f x) (if (< x 2) x (+ (f (- x 1)) (f (- x 2)))))",
    "two arguments": """
        (define (go depth x)
          (if (< depth 1.0)
              (sin x)
              (+ (go (- depth 1.0) (* x 0.5)) (* 2 (go (- depth 1.0) (+ x 1.0))))))
        (define (f x) (go x x))""",
    "mutual": """
        (define (f x) (if (< x 1.0) x (+ (g (- x 1.0)) (g (* x 0.5)))))
        (define (g x) (if (< x 1.0) (* 2 x) (* 3 (f (- x 2.0)))))""",
    "mutual and self": """
        (define (f x) (if (< x 1.0) x (+ (g (- x 1.0)) 1)))
        (define (g x)
          (cond ((< x 1.0) (* 2 x))
                ((> x 3.0) (* 0.5 (g (- x 1.5))))
                (else (* 3 (f (- x 0.5))))))""",
    "mutual tail calls": """
        (define (f x) (if (< x 1.0) x (g (- x 1.0))))
        (define (g x) (if (< x 1.0) (* -1 x) (f (- x 1.0))))""",
    "Ackermann": """
        (define (ackermann m n)
          (cond ((< m 0.5) (+ n 1))
                ((< n 0.5) (ackermann (- m 1) 1.0))
                (else (ackermann (- m 1) (ackermann m (- n 1))))))
        (define (f x) (* x (ackermann 2.0 (floor x))))""",
    "tensors": """
        (define (go x n) (if (< n 1.0) x (+ (go (* x 0.5) (- n 1.0)) (sin x))))
        (define (f x) (tensor-sum (go (* x (tensor 1.0 2.0 3.0)) x)))""",
    "a power of a matrix": """
        (define (power a n)
          (cond ((< n 1.5) a)
                ((< (- n (* 2 (floor (/ n 2)))) 0.5)
                 (let ((half (power a (/ n 2)))) (matmul half half)))
                (else (matmul a (power a (- n 1))))))
        (define (f x)
          (tensor-sum (power (* x (tensor 2 2 1.0 0.1 0.2 0.9)) (floor (* 3 x)))))""",
    "adaptive Simpson": """
        (define (simpson g a b) (* (/ (- b a) 6) (+ (g a) (* 4 (g (/ (+ a b) 2))) (g b))))
        (define (integral g a b eps)
          (let* ((m (/ (+ a b) 2))
                 (whole (simpson g a b)) (left (simpson g a m)) (right (simpson g m b))
                 (change (- (+ left right) whole)))
            (if (< (abs change) (* 15 eps))
                (+ left right (/ change 15))
                (+ (integral g a m (/ eps 2)) (integral g m b (/ eps 2))))))
        (define (f x) (integral (lambda (t) (sin (* x t))) 0.0 1.5 1e-5))""",
    "a counter": """
        (define (f x)
          (let ((count 0))
            (define (go y)
              (set! count (+ count 1))
              (if (< y 1.0) y (+ (go (- y 1)) (go (- y 2)))))
            (+ (go x) (* 0.5 count))))""",
    "a variable of each call": """
        (define (f x)
          (let ((sum 0.0))
            (if (> x 0.0) (begin (set! sum (f (- x 1))) (+ sum x)) sum)))""",
    "a vector": """
        (define (f x)
          (let ((seen (vector 0.0 0.0)))
            (define (go y)
              (if (< y 1.0)
                  (begin (vector-set! seen 0 (+ (vector-ref seen 0) y)) y)
                  (let ((a (go (- y 1))) (b (go (- y 2))))
                    (vector-set! seen 1 (+ a b (vector-ref seen 1)))
                    (+ a b))))
            (+ (go x) (vector-ref seen 0) (vector-ref seen 1))))""",
    "calls in a loop that counts": """
        (define (f x)
          (if (< x 1.0)
              x
              (do ((i 0 (+ i 1)) (s 0.0 (+ s (* 0.1 (f (- x 1.03 (* 0.1 i))))))) ((= i 12) s))))""",
    "calls in a loop with a test": """
        (define (f x)
          (if (< x 1.0)
              x
              (let loop ((y x) (s 0.0)) (if (< y 0.5) s (loop (- y 1) (+ s (f (- y 1))))))))""",
    "calls before and after": """
        (define (f x)
          (if (< x 1.0)
              x
              (let ((a (if (> x 3.0) (f (- x 1)) 2.0)) (b (f (- x 2))))
                (+ a (* b x)))))""",
    "a recursion inside": """
        (define (g x) (if (< x 1.0) x (* 0.5 (+ (g (- x 1)) (g (- x 2))))))
        (define (f x) (if (< x 1.0) x (+ (g x) (f (- x 1)))))""",
    "several values": """
        (define (go x)
          (if (< x 1.0)
              (values x 1.0)
              (call-with-values (lambda () (go (- x 1))) (lambda (a b) (values (+ a x) (* b x))))))
        (define (f x) (call-with-values (lambda () (go x)) +))""",
    "a list": """
        (define (go x)
          (if (< x 1.0)
              (list x 1.0)
              (let ((below (go (- x 1)))) (list (+ (car below) x) (* x (cadr below))))))
        (define (f x) (apply + (go x)))""",
    "weights": """
        (define (make weight)
          (define (go x) (if (< x 1.0) (tensor-sum (* weight x)) (* 0.5 (+ x (go (- x 1.0))))))
          go)
        (define f (make (tensor 1.0 2.0 3.0)))""",
    "of itself, compiled": "(define f (jit (lambda (x) (if (< x 1.0) x (* x (f (- x 1)))))))",
    "halving": """
        (define (go low high target)
          (let ((middle (/ (+ low high) 2)))
            (if (< (- high low) 1e-6)
                (* middle target)
                (if (> (* middle middle) target) (go low middle target) (go middle high target)))))
        (define (f x) (go 0.0 4.0 x))""",
}

AT = "0.35 1.45 2.45 4.55"


def sessions_values(name: str, procedure: str) -> tuple[np.ndarray, np.ndarray]:
    """What ``procedure``, of ``f``, gives at some points, eagerly and compiled."""
    session = Session()
    session.evaluate(PROGRAMS[name])
    session.evaluate(f"(define whole {procedure})")
    session.evaluate("(define compiled (jit whole))")
    eager = [float(session.evaluate(f"(whole {x})")) for x in AT.split()]
    return np.array(eager), np.array(
        [float(session.evaluate(f"(compiled {x})")) for x in AT.split()]
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled(name):
    eager, compiled = sessions_values(name, "f")
    np.testing.assert_allclose(compiled, eager, rtol=2e-6)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "factorial" else pytest.mark.slow) for n in PROGRAMS]
)
def test_gradient(name):
    eager, compiled = sessions_values(name, "(lambda (x) (gradient f x))")
    np.testing.assert_allclose(compiled, eager, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["factorial", pytest.param("tensors", marks=pytest.mark.slow)])
def test_in_lanes(name):
    """Under ``vmap``, lanes that are at different depths."""
    session = Session()
    session.evaluate(PROGRAMS[name])
    for procedure in ("f", "(lambda (x) (gradient f x))"):
        session.evaluate(f"(define whole {procedure})")
        alone = [float(session.evaluate(f"(whole {x})")) for x in AT.split()]
        together = session.evaluate(f"((jit (vmap whole)) (tensor {AT} #:dtype 'float64))")
        np.testing.assert_allclose(np.asarray(together), alone, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["factorial"])
def test_second_derivative(name):
    second = "(lambda (x) (derivative (lambda (y) (gradient f y)) x))"
    eager, compiled = sessions_values(name, second)
    np.testing.assert_allclose(compiled, eager, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("count", [5, 100])
def test_exact_integers(count):
    """A recursion on an exact integer is followed, a long one compiled for all integers."""
    session = Session()
    session.evaluate(f"""
        (define (f x n)
          (if (= n 0)
              (* {count} x)
              (+ 1 (* (f (sin x) (- n 1)) (if (> x 0.0) 0.9 1.1)))))
        (define compiled (jit f))""")
    eager, staged = session.evaluate(f"(list (f 0.7 {count}) (compiled 0.7 {count}))")
    assert float(staged) == pytest.approx(eager)
    before = compilations()
    session.evaluate(f"(compiled 0.7 {count + 1})")
    assert compilations() - before == (1 if count < 64 else 0)


def test_depth_of_tail_calls():
    """Calls in tail position take no room, through several procedures."""
    session = Session()
    session.evaluate("""
        (define (even n) (if (< n 1.0) 1.0 (odd (- n 1.0))))
        (define (odd n) (if (< n 1.0) 0.0 (even (- n 1.0))))""")
    assert float(session.evaluate("((jit even) 100001.0)")) == 0.0


DEEP = "(define (f n) (if (< n 1) 0.0 (+ 1 (f (- n 1)))))"


@pytest.mark.parametrize(
    ("program", "limit"),
    [
        ("((jit f) 11000.0)", 10000),
        ("((jit f #:max-depth 5) 6.0)", 5),
        ("(with-max-depth 5 ((jit f) 6.0))", 5),
        ("((jit (lambda (x) (with-max-depth 5 (f x)))) 6.0)", 5),
    ],
)
def test_too_deep(program, limit):
    session = Session()
    session.evaluate(DEEP)
    with pytest.raises(EshkolError, match=f"f: this recursion is deeper than the {limit} calls"):
        session.evaluate(program)
    assert_at_rest()
    assert float(session.evaluate("((jit f) 5.0)")) == 5.0


@pytest.mark.parametrize(
    "program",
    [
        "(with-max-depth 11000 ((jit f) 11000.0))",
        "(with-max-depth 6 ((jit f) 6.0))",
        "((jit f #:max-depth 6) 6.0)",
    ],
)
def test_room_enough(program):
    session = Session()
    session.evaluate(DEEP)
    assert float(session.evaluate(program)) == float(program.split()[-1].strip(")"))


def test_lanes_copy_no_stack():
    """What the largest array is that something is chosen for, lane by lane."""
    session = Session()
    session.evaluate("""
      (define (tree d x) (if (<= d 0) (sin x) (+ (tree (- d 1) x) (tree (- d 1) (+ x 1)))))
      (define j (jit (vmap (lambda (d x) (tree d x))) #:max-depth 500))""")
    depths = np.array([1, 4, 0, 3], "float32")
    x = np.linspace(0, 1, 4, dtype="float32")
    lanes = session.get("j")
    whole = jax.make_jaxpr(lambda d, x: lanes(d, x))(depths, x)
    sizes = [e.outvars[0].aval.size for e in equations_in(whole) if e.primitive.name == "select_n"]
    assert sizes and max(sizes) < 500


def equations_in(jaxpr):
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        yield equation
        for inner in inner_jaxprs(equation):
            yield from equations_in(inner)


def test_draws():
    """Random numbers drawn in a recursion are those that eager code draws."""
    session = Session()
    session.evaluate("(define (f x) (if (< x 1.0) (random) (+ (f (- x 1)) (* x (f (- x 2))))))")
    eager = session.evaluate("(rng-seed 5) (f 4.0)")
    assert float(session.evaluate("(rng-seed 5) ((jit f) 4.0)")) == pytest.approx(eager)


def test_output(capsys):
    """What a recursion prints comes in order, in each lane only what the lane prints."""
    session = Session()
    session.evaluate("""
        (define (f x)
          (if (< x 1.0)
              (begin (display "leaf ") x)
              (begin (display "node ") (* 2 (f (- x 1))))))""")
    session.evaluate("(f 2.5)")
    eager = capsys.readouterr().out
    session.evaluate("((jit f) 2.5)")
    assert capsys.readouterr().out == eager
    session.evaluate("((jit (vmap f)) (tensor 0.5 1.5))")
    assert sorted(capsys.readouterr().out.split()) == ["leaf", "leaf", "node"]

"""What happens, and what does not, where a compiled program leaves early."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eshkol.base.errors import SchemeError, ShapeError
from eshkol.session import Session
from eshkol.xla.extents import EXTENTS
from eshkol.xla.journal import FRAMES
from eshkol.xla.programs import PROGRAMS

LOUD = """
    (define (f x)
      (call/ec (lambda (k)
        (do ((i 0 (+ i 1))) ((= i 12) (display "end") x)
          (display "trip")
          (if (> (* i x) 5.0) (k (* 10.0 i)))
          (if (< x 0.0) (error "negative" x))))))"""


def output_of(session: Session, program: str) -> tuple[str, object]:
    out = io.StringIO()
    with redirect_stdout(out):
        value = session.evaluate(program)
        jax.effects_barrier()
    return out.getvalue(), value


@pytest.mark.parametrize("call", ["3.0", "0.1", "0.6"])
def test_what_is_shown_is_what_eager_code_shows(call: str) -> None:
    session = Session()
    session.evaluate(LOUD)
    eager, staged = (output_of(session, f"({f} {call})") for f in ("f", "(jit f)"))
    assert eager[0] == staged[0]
    assert float(eager[1]) == pytest.approx(float(staged[1]))  # type: ignore[arg-type]


def test_an_error_after_an_escape_is_raised_where_the_program_gets_there() -> None:
    session = Session()
    session.evaluate(LOUD)
    assert session.evaluate("((jit f) 9.0)") == pytest.approx(10.0)
    with pytest.raises(SchemeError, match=r"negative -1\.0"):
        session.evaluate("((jit f) -1.0)")


@pytest.fixture(scope="module")
def search() -> Session:
    session = Session()
    session.evaluate("""
        (define (f x)
          (call/ec (lambda (return)
            (let loop ((y x) (n 0))
              (if (> y 40.0) (return (* n y)))
              (if (> n 8) (- y) (loop (* y 1.5) (+ n 1)))))))""")
    return session


POINTS = np.array([0.5, 1.0, 3.0, 50.0])


def test_lanes_leave_at_trips_of_their_own(search: Session) -> None:
    f = search.get("f")
    with jax.enable_x64(True):
        lanes = jax.vmap(f)(jnp.asarray(POINTS))
    assert np.allclose(lanes, [float(f(x)) for x in POINTS.tolist()])


def test_the_gradient_in_lanes_is_that_of_each(search: Session) -> None:
    f, gradient = search.get("f"), search.get("gradient")
    with jax.enable_x64(True):
        lanes = jax.vmap(jax.grad(f))(jnp.asarray(POINTS))
    assert np.allclose(lanes, [float(gradient(f, x)) for x in POINTS.tolist()])


def test_python_jits_what_escapes(search: Session) -> None:
    f = search.get("f")
    assert float(jax.jit(f)(3.0)) == pytest.approx(float(f(3.0)))


def test_one_program_serves_those_that_leave_and_those_that_do_not(search: Session) -> None:
    search.evaluate("(define g (jit f))")
    search.evaluate("(g 3.0)")
    before = PROGRAMS.compilations
    for x in (0.1, 1.0, 50.0, -3.0):
        assert float(search.evaluate(f"(g {x})")) == pytest.approx(
            float(search.evaluate(f"(f {x})"))
        )
    assert PROGRAMS.compilations == before


def test_nothing_is_left_behind_where_compiling_fails(search: Session) -> None:
    with pytest.raises(ShapeError, match="matmul"):
        search.evaluate("""
            ((jit (lambda (x)
               (call/ec (lambda (k) (if (> x 0.0) (k x)) (matmul (ones 2 3) (ones 2 3))))))
             1.0)""")
    assert not EXTENTS.stack
    assert not FRAMES.stack
    assert float(search.evaluate("((jit f) 3.0)")) == pytest.approx(
        float(search.evaluate("(f 3.0)"))
    )

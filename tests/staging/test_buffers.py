"""Parameters and buffers: what of a model is trained, and what only goes along."""

from __future__ import annotations

import numpy as np
import pytest
from staged_sessions import compiles, value

import eshkol as ek
from eshkol.base.errors import WrongType
from eshkol.session import Session

MODEL = """
(define (make mean)
  (let ((w (tensor 2.0 3.0)) (k (parameter 1/2)) (mean (buffer mean)) (rate 0.1))
    (lambda (x) (* k w (+ x mean rate)))))
(define (loss m x) (tensor-sum (m x)))
(define (leaf name m) (cdr (assoc name (model-parameters m))))
(define (leaves m) (list->vector (map (lambda (name) (leaf name m)) '("k" "mean" "w"))))
(define optimizer (adam 0.1))
(define (train m trips)
  (let loop ((i 0) (m m) (state (optimizer-init optimizer m)))
    (if (= i trips)
        m
        (let ((next (optimizer-update optimizer m (gradient loss m 1.0) state)))
          (loop (+ i 1) (car next) (cadr next))))))
"""

GRADIENTS = [
    "(gradient loss model 1.0)",
    "((jit (gradient loss)) model 1.0)",
    "((jit (lambda (m x) (gradient loss m x))) model 1.0)",
    "((jit (lambda (mean) (gradient loss (make mean) 1.0))) (tensor 5.0 7.0))",
    '(gradient loss (if (> (leaf "k" model) 0.1) model model) 1.0)',
]


@pytest.fixture
def session() -> Session:
    made = Session()
    made.evaluate(MODEL)
    made.evaluate("(define model (make (tensor 5.0 7.0)))")
    return made


def plain(session: Session, program: str) -> list[float]:
    return [float(x[0]) for x in session.evaluate(program)]


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_a_gradient_is_of_parameters_and_leaves_buffers(session: Session, gradient: str) -> None:
    found = value(session, f"(leaves {gradient})")
    # The sum of k w (x + mean + rate): by k it is 2 * 6.1 + 3 * 8.1.
    np.testing.assert_allclose(found[0], 36.5, rtol=1e-6)
    np.testing.assert_array_equal(found[1], [5.0, 7.0])
    np.testing.assert_allclose(found[2], [3.05, 4.05], rtol=1e-6)


@pytest.mark.parametrize("trips", [2, 12])
def test_an_optimizer_updates_parameters_alone(session: Session, trips: int) -> None:
    eager = value(session, f"(leaves (train model {trips}))")
    staged = value(session, f"(leaves ((jit (lambda (m) (train m {trips}))) model))")
    for own, other in zip(eager, staged, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5)
    np.testing.assert_array_equal(eager[1], [5.0, 7.0])
    assert abs(eager[0] - 0.5) > 0.1


def test_a_model_with_a_new_buffer_compiles_nothing(session: Session) -> None:
    session.evaluate('(define slope (jit (lambda (m) (leaf "k" (gradient loss m 1.0)))))')
    session.evaluate("(slope model)")
    with compiles(0):
        found = value(session, "(slope (make (tensor 0.0 1.0)))")
    np.testing.assert_allclose(found, 2 * 1.1 + 3 * 2.1, rtol=1e-6)


def test_a_buffer_in_the_place_of_a_weight_is_another_program(session: Session) -> None:
    session.evaluate("""
        (define (product p) (tensor-sum (* (car p) (cadr p))))
        (define slope (jit (lambda (p) (gradient product p))))
        (define (weights) (list (tensor 1.0) (tensor 2.0)))""")
    for _ in range(4):
        assert plain(session, "(slope (weights))") == [2.0, 1.0]
    assert plain(session, "(slope (list (tensor 1.0) (buffer (tensor 2.0))))") == [2.0, 2.0]


def test_files_keep_buffers(session: Session, tmp_path) -> None:
    session.define("file", str(tmp_path / "weights.safetensors"))
    session.evaluate("(save-weights file model)")
    session.evaluate("(define loaded (load-weights file (make (zeros 2))))")
    assert value(session, '(leaf "mean" loaded)') == [5.0, 7.0]
    assert value(session, '(leaf "mean" (gradient loss loaded 1.0))') == [5.0, 7.0]


def test_python_sees_the_parameters(session: Session) -> None:
    assert sorted(ek.tree(session.get("model")).names) == ["k", "w"]


def test_what_is_computed_with_a_buffer_is_none() -> None:
    session = Session()
    session.evaluate("(define b (buffer (ones 2)))")
    with pytest.raises(WrongType):
        session.evaluate("(gradient tensor-sum b)")
    assert value(session, "(gradient tensor-sum (* 1.0 b))") == [1.0, 1.0]
    assert value(session, "(gradient tensor-sum (parameter b))") == [1.0, 1.0]

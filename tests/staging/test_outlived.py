"""What a derivative leaves behind in variables and containers counts as a plain value."""

from __future__ import annotations

import pytest

from eshkol.datum.equality import is_equal
from eshkol.session import Session

KEEP = """
(define w (tensor 1.0 2.0))
(define kept #f)
(define table (make-hash-table))
(define (loss z)
  (set! kept (tensor-sum (* z z)))
  (hash-set! table 'losses (cons kept (hash-ref table 'losses '())))
  (* 2 kept))
(gradient loss w)
"""

USES = [
    ("arithmetic", "(list (+ kept 1) (* w kept) (- kept))", "(list 6.0 (tensor 5.0 10.0) -5.0)"),
    ("comparison", "(list (> kept 4.0) (if (= kept 5.0) 'yes 'no))", "'(#t yes)"),
    ("tensors", "(reshape (vector kept kept) '(2 1))", "(tensor (list (list 5.0) (list 5.0)))"),
    ("an element", "(* 2 (car (hash-ref table 'losses)))", "10.0"),
    ("a compiled call", "((jit (lambda (x) (* x kept))) 2.0)", "10.0"),
    ("compiled arguments", "((jit (lambda (x y) (* x y))) 2.0 kept)", "10.0"),
    ("another derivative", "(gradient (lambda (z) (* kept (tensor-sum z))) w)", "(tensor 5.0 5.0)"),
    ("the value of one", "(gradient (lambda (z) (gradient loss z) kept) w)", "(tensor 2.0 4.0)"),
    ("of lanes", "((vmap (lambda (x) (* x kept))) w)", "(tensor 5.0 10.0)"),
    ("an update", "(let ((t (tensor 1.0 1.0))) (tensor-set! t 0 kept) t)", "(tensor 5.0 1.0)"),
]  # fmt: skip


@pytest.fixture(scope="module")
def session() -> Session:
    made = Session()
    made.evaluate(KEEP)
    return made


@pytest.mark.parametrize(("use", "program", "expected"), USES, ids=[row[0] for row in USES])
def test_a_value_kept_from_a_derivative_is_plain(
    session: Session, use: str, program: str, expected: str
) -> None:
    value = session.evaluate(program)
    assert is_equal(value, session.evaluate(expected)), use

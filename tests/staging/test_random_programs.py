"""Random programs are what they are eagerly: compiled, in lanes, and differentiated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from eshkol.session import Session
from random_staged import random, staged_procedures

POINTS = "-1.3 0.2 0.9 2.4"


def holds(program: str, transformed: bool) -> None:
    session = Session()
    session.evaluate(program)
    laws = {"f": "f"}
    if transformed:
        laws["derivative"] = "(lambda (x) (derivative f x))"
        laws["gradient"] = "(lambda (x) (gradient f x))"
    for name, procedure in laws.items():
        session.evaluate(f"(define whole {procedure})")
        eager = [float(session.evaluate(f"(whole {x})")) for x in POINTS.split()]
        session.evaluate("(define compiled (jit whole))")
        compiled = [float(session.evaluate(f"(compiled {x})")) for x in POINTS.split()]
        np.testing.assert_allclose(compiled, eager, rtol=1e-7, atol=1e-9, err_msg=name + program)
        if transformed:
            lanes = session.evaluate(f"((jit (vmap whole)) (tensor {POINTS} #:dtype 'float64))")
            np.testing.assert_allclose(
                np.asarray(lanes), eager, rtol=1e-7, atol=1e-9, err_msg=name + program
            )


@random(12)
@given(staged_procedures())
def test_compiled(program: str) -> None:
    holds(program, False)


@random(4)
@given(staged_procedures(depth=2))
def test_in_lanes_and_differentiated(program: str) -> None:
    holds(program, True)


@pytest.mark.slow
@random(150)
@given(staged_procedures())
def test_compiled_at_length(program: str) -> None:
    holds(program, False)


@pytest.mark.slow
@random(60)
@given(staged_procedures())
def test_in_lanes_and_differentiated_at_length(program: str) -> None:
    holds(program, True)

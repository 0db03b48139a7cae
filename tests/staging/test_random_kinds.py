"""Random programs on values of many kinds are what they are eagerly, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from eshkol.base.errors import EshkolError, StagingError
from eshkol.datum.write import write_string
from eshkol.session import Session
from random_kinds import procedures_of_kinds
from random_staged import random
from rows import same_text

POINTS = "-1.3 0.2 0.9 2.4".split()


def outcome(session: Session, call: str) -> str:
    """The value of a call as text, or that it is an error."""
    try:
        return write_string(session.evaluate(call))
    except StagingError:
        raise
    except EshkolError:
        return "an error"


def holds(program: str) -> None:
    """A program that is refused is refused at its first call, whatever is asked of it."""
    session = Session()
    session.evaluate(program)
    session.evaluate("(define compiled (jit f))")
    for place, point in enumerate(POINTS):
        eager = outcome(session, f"(f {point})")
        try:
            compiled = outcome(session, f"(compiled {point})")
        except StagingError:
            assert not place, program
            assume(False)
        assert same_text(compiled, eager, 1e-9), (point, eager, compiled, program)


@random(25)
@given(procedures_of_kinds(depth=3))
def test_compiled(program: str) -> None:
    holds(program)


@pytest.mark.slow
@random(300)
@given(procedures_of_kinds())
def test_compiled_at_length(program: str) -> None:
    holds(program)

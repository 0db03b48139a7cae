"""What the tests of staging share: compilations are counted, and nothing may be left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.monitoring
import numpy as np

from eshkol.primitives.calling import DIALECT
from eshkol.session import Session
from eshkol.xla.conditions import CONDITIONS
from eshkol.xla.effects import PATH
from eshkol.xla.globals import LIFTED
from eshkol.xla.journal import FRAMES, OUTSIDE
from eshkol.xla.keys import KEY_SOURCE
from eshkol.xla.programs import PROGRAMS, TRACING


def compilations() -> int:
    """How often some program has been traced in this process."""
    return PROGRAMS.compilations


@contextmanager
def compiles(count: int) -> Iterator[None]:
    """In this block exactly so many programs are traced."""
    before = compilations()
    yield
    assert compilations() - before == count


class XlaCompilations:
    """How often XLA has compiled something in this process, since the first was made."""

    count = 0

    def __call__(self, event: str, _: float, **facts: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            self.count += 1


XLA = XlaCompilations()
jax.monitoring.register_event_duration_secs_listener(XLA)


def value(session: Session, text: str) -> Any:
    """The value of a program as Python data."""
    result = session.evaluate(text)
    return np.asarray(result).tolist() if hasattr(result, "dtype") else result


def assert_at_rest() -> None:
    """Nothing that a thread notes while it traces is left, and compiled and eager code work."""
    assert DIALECT.resolve is None
    assert (LIFTED.values, LIFTED.baked) == ({}, None)
    assert (TRACING.leaves, TRACING.used) == (None, None)
    assert (FRAMES.stack, OUTSIDE.places, CONDITIONS.active) == ([], {}, [])
    assert (CONDITIONS.constructions, CONDITIONS.followed) == ([], {})
    assert (PATH.conditions, PATH.is_muted) == ([], False)
    assert KEY_SOURCE.draw is None
    assert not jax.config.jax_enable_x64
    session = Session()
    assert value(session, "((jit (lambda (x) (if (> x 0) (* 2 x) x))) 3.0)") == 6.0
    assert value(session, "((lambda (x) (if (> x 0) (* 2 x) x)) 3.0)") == 6.0
    assert value(session, "((jit (lambda (x) (* 2 x))) (ones 2))") == [2.0, 2.0]

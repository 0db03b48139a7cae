"""Leaving out of a loop what nothing reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jax.extend.core import ClosedJaxpr

from eshkol.xla._compat import eliminate
from eshkol.xla.loop_course import Loop, select


def eliminate_dead_code(used: Sequence[bool], *rest: Any) -> tuple[list[bool], Any]:
    """Leave out the parts of the state that nothing reads, and their constants."""
    equation = rest[-1]
    run = Loop(**equation.params)
    if not any(used) and not equation.effects:
        return [False] * len(equation.invars), None
    if any(used[run.width + 1 :]):
        return [True] * len(equation.invars), equation
    smaller, reads = pruned(run, list(used[: run.width]))
    counts = any(used[run.width :])
    smaller = replace(smaller, results="trips" if counts else "state")
    gives = [*reads[-run.width :], counts, *[False] * run.width][: len(used)]
    left = equation.replace(
        invars=select(equation.invars, reads),
        outvars=select(equation.outvars, gives),
        params=smaller.parameters,
    )
    return reads, left


def pruned(run: Loop, used: list[bool]) -> tuple[Loop, list[bool]]:
    """The loop that gives these parts of the state, and perhaps others; which operands it takes."""
    cond, of_cond, state = _settle_use(run, used)
    bodies = (run.body_jaxpr, run.guarded_jaxpr)
    read_by = [_read(body, run.body_nconsts, state) for body in bodies if body is not None]
    of_body = [any(flags) for flags in zip(*read_by, strict=True)][: run.body_nconsts]
    body, *guarded = (
        eliminate(body, state, [*of_body, *state])[0] for body in bodies if body is not None
    )
    smaller = replace(
        run,
        cond_jaxpr=cond,
        body_jaxpr=body,
        guarded_jaxpr=guarded[0] if guarded else None,
        cond_nconsts=sum(of_cond),
        body_nconsts=sum(of_body),
    )
    return smaller, [*of_cond, *of_body, *state]


def _read(body: ClosedJaxpr, constants: int, state: list[bool]) -> list[bool]:
    """Which constants and parts of the state the body reads to give these parts of the next."""
    return eliminate(body, state, [*[False] * constants, *state])[1]


def _settle_use(run: Loop, state: list[bool]) -> tuple[ClosedJaxpr, list[bool], list[bool]]:
    """The condition, which of its constants it reads, and which parts of the state are needed."""
    while True:
        keep = [False] * run.cond_nconsts + state
        cond, reads = eliminate(run.cond_jaxpr, [True], keep)
        needed = reads[run.cond_nconsts :]
        for body in (run.body_jaxpr, run.guarded_jaxpr):
            if body is not None:
                needed = _read(body, run.body_nconsts, needed)[run.body_nconsts :]
        if needed == state:
            return cond, reads[: run.cond_nconsts], state
        state = needed

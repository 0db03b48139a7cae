"""Leaving out of a loop what nothing reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eshkol.xla._compat import ClosedJaxpr, eliminate, weakref_lru_cache
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
    others = replace(run, body_jaxpr=None)  # type: ignore[arg-type]
    smaller, reads = _pruned(run.body_jaxpr, others, tuple(used))
    return smaller, list(reads)


@weakref_lru_cache
def _pruned(
    body: ClosedJaxpr, others: Loop, used: tuple[bool, ...]
) -> tuple[Loop, tuple[bool, ...]]:
    """The same, found once for each loop: what is lowered of equal loops is lowered once, too."""
    run = replace(others, body_jaxpr=body)
    state = _settle_use(run, list(used))
    of_cond = _read(run.conditions, [True], run.cond_nconsts, state)[: run.cond_nconsts]
    of_body = _read(run.bodies, state, run.body_nconsts, state)[: run.body_nconsts]

    def smaller(jaxpr: ClosedJaxpr | None, used: list[bool], constants: list[bool]) -> Any:
        if jaxpr is None:
            return None
        leading = len(jaxpr.in_avals) - len(constants) - len(state)
        return eliminate(jaxpr, used, [*[True] * leading, *constants, *state])[0]

    apart = run.apart and replace(
        run.apart,
        cond=smaller(run.apart.cond, [True], of_cond),
        body=smaller(run.apart.body, state, of_body),
        whole=tuple(select(run.apart.whole, state)),
        running=tuple(select(run.apart.running, state)),
    )
    less = replace(
        run,
        cond_jaxpr=smaller(run.cond_jaxpr, [True], of_cond),
        body_jaxpr=smaller(run.body_jaxpr, state, of_body),
        guarded_jaxpr=smaller(run.guarded_jaxpr, state, of_body),
        cond_nconsts=sum(of_cond),
        body_nconsts=sum(of_body),
        apart=apart,
    )
    return less, (*of_cond, *of_body, *state)


def _settle_use(run: Loop, state: list[bool]) -> list[bool]:
    """Which parts of the state are needed for these."""
    state = _read(run.conditions, [True], run.cond_nconsts, state)[run.cond_nconsts :]
    while True:
        needed = _read(run.bodies, state, run.body_nconsts, state)[run.body_nconsts :]
        if needed == state:
            return state
        state = needed


def _read(
    jaxprs: Sequence[ClosedJaxpr], used: list[bool], constants: int, state: list[bool]
) -> list[bool]:
    """Which constants, and parts of the state beside ``state``, one of the jaxprs reads.

    Args:
        jaxprs: of constants and the state, and perhaps of something before.
        used: which results are.
        constants: how many there are.
        state: what is kept in any case.
    """
    known = [*[False] * constants, *state]
    read_by = []
    for jaxpr in jaxprs:
        leading = len(jaxpr.in_avals) - len(known)
        read_by.append(eliminate(jaxpr, used, [*[False] * leading, *known])[1][leading:])
    return [any(flags) for flags in zip(*read_by, strict=True)]

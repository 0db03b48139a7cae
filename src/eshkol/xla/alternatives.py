"""Parts of a program that are alternatives: what they end with, and how one of them is chosen.

Beside its value a part has exits, ways out of it by an escape (``extents``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax import lax

from eshkol.base.errors import EshkolError, SchemeError, ShapeError, StagingError
from eshkol.primitives.conditions import show
from eshkol.primitives.dynamic import Target
from eshkol.xla import journal
from eshkol.xla._compat import ClosedJaxpr
from eshkol.xla._compat_traces import choose, inline, trace, with_operands
from eshkol.xla.cheap_branches import are_cheap, has_gradient, masked
from eshkol.xla.effects import AWAITED, fail, fail_alike
from eshkol.xla.leaving import flatten_leaving
from eshkol.xla.merging import ABSENT, BOTTOM, Joined, Output, merge
from eshkol.xla.notes import note
from eshkol.xla.parts import Part, make_outputs, put_together, with_witnesses
from eshkol.xla.steps import is_step
from eshkol.xla.trees import unflatten
from eshkol.xla.witness import Witness, tracer_of


class Unreachable(BaseException):
    """What is being traced goes on only to raise an error, or to leave, when the program runs."""


@dataclass(frozen=True)
class Exit:
    """A way out of a part of a program.

    Attributes:
        target: where it leads.
        is_taken: a boolean, known or traced.
        value: that it takes along.
    """

    target: Target
    is_taken: Any
    value: Any


Outcome = tuple[Any, list[Exit]]
"""What a part ends with: its value, ``BOTTOM`` if it never gets there, and the ways out of it."""


def any_taken(exits: Sequence[Exit]) -> Any:
    """Whether one of ``exits`` is taken."""
    flags = [tracer_of(e.is_taken) for e in exits]
    result = flags[0]
    for flag in flags[1:]:
        result = lax.bitwise_or(_flag(result), _flag(flag))
    return _flag(result)


def _flag(truth: Any) -> Any:
    return np.bool_(truth) if truth.__class__ is bool else truth


def exits_of(targets: Sequence[Target], ends: Any) -> list[Exit]:
    """The exits of a part to ``targets``; an end is whether it is taken, and its value."""
    return [
        Exit(target, tracer_of(is_taken), value)
        for target, (is_taken, value) in zip(targets, ends, strict=True)
    ]


# ---- what a part is


def describe_part(
    value: Any, places: list[Any], exits: list[Exit], targets: Sequence[Target]
) -> tuple[list[Any], Callable[[ClosedJaxpr], Part]]:
    """The arrays of what a part ends with, and what makes the part of the jaxpr of them."""
    ways = {id(way.target): way for way in exits}
    order = [*targets, *(way.target for way in exits if way.target not in targets)]
    taken = [ways.get(id(target)) for target in order]
    ends = tuple((w.is_taken, w.value) if w else (False, ABSENT) for w in taken)
    leaves, structure = flatten_leaving((value, journal.contents(places), ends))
    arrays: list[Any] = []
    described = [_describe_leaf(leaf, arrays) for leaf in leaves]
    return arrays, lambda jaxpr: Part(jaxpr, structure, described, places, order)


def _describe_leaf(leaf: Any, arrays: list[Any]) -> Any:
    witness = leaf if leaf.__class__ is Witness else None
    leaf = tracer_of(leaf)
    if not hasattr(leaf, "dtype"):
        return leaf
    arrays.append(leaf)
    return Output(len(arrays) - 1, tuple(leaf.shape), np.dtype(leaf.dtype), witness)


def or_bottom(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, giving ``BOTTOM`` where it raises an error of the program's own.

    The error is raised when the compiled program runs and gets there. A ``guard`` around, in the
    same program, sees it and what primitives complain of before.
    """

    def attempt(*arguments: Any) -> Any:
        try:
            return _shown(function, *arguments)
        except SchemeError as error:
            fail(error)
        except Unreachable:
            pass
        return BOTTOM

    return attempt


def or_failure(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, one of several alternatives; of a mistake in it that lies in known values
    nothing is said before the compiled program runs and gets there."""
    attempted = or_bottom(function)

    def attempt(*arguments: Any) -> Any:
        try:
            return attempted(*arguments)
        except AWAITED as error:
            fail_alike(error)
            return BOTTOM

    return attempt


def _shown(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (StagingError, ShapeError):
        raise
    except EshkolError as error:
        show(error)
        raise


# ---- choosing


def join(test: Any, first: Part, second: Part) -> Outcome:
    """What a conditional ends with: ``first`` where ``test`` holds, otherwise ``second``.

    Both write the same places; the exits of ``second`` begin with those of ``first``.

    Raises:
        Mismatch: no program can treat the two as one.
    """
    first = first.with_targets(second.targets)
    # What may be followed instead, or each with the rest of its loop, is better left apart.
    mixes = test.__class__ is not Witness and not (_ends_trip(first) or _ends_trip(second))
    values = (first.structure, first.leaves), (second.structure, second.leaves)
    structure, leaves = merge(*values, mixes=mixes)
    outputs = _choose(tracer_of(test), first, second, leaves)
    if test.__class__ is Witness:
        outputs = with_witnesses(leaves, outputs, "first" if test.known else "second", test.sources)
    value, contents, ends = unflatten(structure, put_together(leaves, outputs))
    journal.write(first.written, contents)
    return value, exits_of(second.targets, ends)


def _ends_trip(part: Part) -> bool:
    return is_step(part.structure[2][0])


def _choose(test: Any, then: Part, otherwise: Part, leaves: list[Any]) -> list[Any]:
    """The joined leaves by ``lax.cond``, or by a select where there is little to compute."""
    if not any(isinstance(leaf, Joined) for leaf in leaves) and not _has_effects(then, otherwise):
        note("agreed")
        return []
    if are_cheap([then, otherwise], leaves):
        note("select")
        return _computed_both(test, then, otherwise, leaves)
    note("cond")
    if not _has_effects(then, otherwise):
        return _choose_traced(test, then, otherwise, leaves)
    return lax.cond(
        test,
        lambda: make_outputs(leaves, "first", then.run()),
        lambda: make_outputs(leaves, "second", otherwise.run()),
    )


def _computed_both(test: Any, then: Part, otherwise: Part, leaves: list[Any]) -> list[Any]:
    """The joined leaves, of which both alternatives are computed."""
    if has_gradient(leaves):
        then, otherwise = masked(then, test), masked(otherwise, lax.bitwise_not(test))
    results = then.run(), otherwise.run()
    chosen = []
    for leaf in leaves:
        if isinstance(leaf, Joined):
            truth = _connected(test, leaf, *results)
            if truth is None:
                [first] = make_outputs([leaf], "first", results[0])
                [second] = make_outputs([leaf], "second", results[1])
                truth = lax.select(test, first, second)
            chosen.append(truth)
    return chosen


def _connected(test: Any, leaf: Joined, first: list[Any], second: list[Any]) -> Any:
    """A truth value of which one alternative is known, as ``and`` and ``or`` of others; or None."""
    if leaf.first is True and isinstance(leaf.second, Output):
        return lax.bitwise_or(test, second[leaf.second.index])
    if leaf.second is False and isinstance(leaf.first, Output):
        return lax.bitwise_and(test, first[leaf.first.index])
    if leaf.first is True and leaf.second is False:
        return test
    return lax.bitwise_not(test) if leaf.first is False and leaf.second is True else None


def _choose_traced(test: Any, then: Part, otherwise: Part, leaves: list[Any]) -> list[Any]:
    """The joined leaves by a ``cond`` of the branches as they have been traced."""
    operands = {id(x): x for part in (then, otherwise) for x in part.jaxpr.consts}
    first, second = _results_of(then, leaves, "first"), _results_of(otherwise, leaves, "second")
    if first is not None and second is not None:
        jaxprs = with_operands([otherwise.jaxpr, then.jaxpr], operands, [second, first])
        return choose(test, jaxprs, list(operands.values()))

    def branch(part: Part, side: str) -> ClosedJaxpr:
        def run(*values: Any) -> list[Any]:
            inside = dict(zip(operands, values, strict=True))
            constants = [inside[id(constant)] for constant in part.jaxpr.consts]
            jaxpr = ClosedJaxpr(part.jaxpr.jaxpr, constants)
            return make_outputs(leaves, side, inline(jaxpr, ()))

        return trace(run, [jax.typeof(operand) for operand in operands.values()])

    branches = branch(otherwise, "second"), branch(then, "first")
    return choose(test, branches, list(operands.values()))


def _results_of(part: Part, leaves: list[Any], side: str) -> list[int] | None:
    """Which results of a branch are the joined leaves; None if these are not given as they are."""
    indices = []
    for leaf in leaves:
        if isinstance(leaf, Joined):
            source = getattr(leaf, side)
            if not isinstance(source, Output) or source.dtype != leaf.dtype:
                return None
            indices.append(source.index)
    return indices


def _has_effects(*parts: Part) -> bool:
    return any(part.jaxpr.effects for part in parts)

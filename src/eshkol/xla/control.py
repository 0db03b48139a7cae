"""The staging runtime: conditions, and entering the staged dialect.

A condition that is known is followed. A traced one becomes ``lax.cond`` of both branches, whose
values are unified. Loops are in ``loops``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

import jax
import numpy as np
from jax import lax

from eshkol.base import sources
from eshkol.base.errors import MissingKey, SchemeError, StagingError
from eshkol.datum.pairs import Pair
from eshkol.datum.values import UNSPECIFIED, HashTable, Vector
from eshkol.datum.variables import TensorVariable, value_of
from eshkol.datum.write import short_string
from eshkol.primitives.calling import DIALECT
from eshkol.runtime.dialects import staged
from eshkol.runtime.tracebacks import Shortened
from eshkol.runtime.truth import check_condition, is_number_array
from eshkol.xla import journal
from eshkol.xla._compat import is_concrete
from eshkol.xla.alternatives import Unreachable, join, or_bottom, or_failure
from eshkol.xla.chosen_keys import OtherKey, known_key
from eshkol.xla.conditions import Condition
from eshkol.xla.dtypes import wide
from eshkol.xla.effects import fail, failures, install, output, under
from eshkol.xla.extents import depart, trace_part
from eshkol.xla.journal import make_box
from eshkol.xla.merging import BOTTOM, Mismatch, mismatched
from eshkol.xla.notes import note
from eshkol.xla.parts import Part
from eshkol.xla.recursion import decide
from eshkol.xla.steps import Parting, is_step
from eshkol.xla.tensors import Tracer
from eshkol.xla.ties import change_tied, set_box
from eshkol.xla.trees import Structure, flatten
from eshkol.xla.unions import Union, call_primitive, dispatch, narrowed, told, truth_of
from eshkol.xla.witness import Witness, tracer_of

__all__ = [
    "check",
    "condition",
    "formatted",
    "is_true",
    "make_box",
    "mutate",
    "output",
    "set_box",
    "staged_if",
    "staging",
]


def staging(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a staged function: procedures that primitives call are staged too."""
    saved = DIALECT.resolve, DIALECT.is_restarted
    DIALECT.resolve, DIALECT.is_restarted = staged, False
    try:
        with Shortened(), wide():
            return function(*arguments, **options)
    finally:
        DIALECT.resolve, DIALECT.is_restarted = saved


def attempt(procedure: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """The value of a staged procedure; nothing if it ends with an error of traced values."""
    try:
        return staging(procedure, *arguments, **options)
    except SchemeError as error:
        leaves, _ = flatten(tuple(error.irritants))
        if not any(isinstance(leaf, Witness | jax.core.Tracer) for leaf in leaves):
            raise
        fail(error)
    except Unreachable:
        pass
    return UNSPECIFIED


def restaged(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call the staged form of a procedure that eager code has called in a program that it is in."""

    def run() -> Any:
        DIALECT.is_restarted = True
        return function(*arguments, **options)

    with failures():  # where JAX traces only for a vmap, callbacks are called at once
        return staging(run)


def settled_lanes(value: Any) -> Any:
    """A tracer over a NumPy array or a Python number as one of the dtype that it tells.

    JAX leaves what ``vmap`` or a derivative was given as it is, and makes 32 bits of it later, or
    64 where those are enabled.
    """
    if not isinstance(value, jax.core.Tracer):
        return value
    inner: Any = value
    while isinstance(inner, jax.core.Tracer):
        inner = getattr(inner, "primal", getattr(inner, "val", None))
    if not isinstance(inner, np.ndarray | float | int) or value.dtype.kind not in "fiu":
        return value
    with jax.enable_x64(value.dtype.itemsize == 8):
        return lax.mul(value, value.dtype.type(1))


def known_truth(test: Any) -> bool | None:
    """Whether a condition holds; None if it is traced.

    Raises:
        WrongType: for a tensor that is not one boolean.
    """
    if test is True or test is False:
        return test
    if test.__class__ is Witness:
        return None if test.known.__class__ is bool else True
    if test.__class__ is Union:
        return known_truth(truth_of(test))
    if test.__class__ is TensorVariable:
        return known_truth(test.tensor)
    if not hasattr(test, "dtype") or not hasattr(test, "shape"):
        return True
    if is_number_array(test):
        return True
    check_condition(test)
    return bool(test) if is_concrete(test) else None


def condition(test: Any) -> Any:
    """The value of an ``if``'s test; an error if it can't be one is told there.

    Raises:
        WrongType: for a tensor that is not one boolean.
    """
    test = value_of(test)
    if hasattr(test, "dtype") and hasattr(test, "shape") and not is_number_array(test):
        check_condition(test)
    return truth_of(test) if test.__class__ is Union else test


def is_true(value: Any) -> Any:
    """Whether a value is true: a boolean, known or traced.

    Raises:
        WrongType: for a tensor that is not one boolean.
    """
    value = condition(value)
    known = known_truth(value)
    return value if known is None else known


# ---- conditionals


def staged_if(test: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """``(if test then otherwise)``, the branches being thunks."""
    if test.__class__ is Union:
        test = truth_of(test)
    test = value_of(test)
    known = known_truth(test)
    if known is not None:
        note("followed", taken=known)
        return then() if known else otherwise()
    return decide(Condition(test, then, otherwise), _evaluate)


def choose(test: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """The value of one of two thunks, where ``test`` is traced and no recursion comes back to."""
    return _branch(test, then, otherwise, *trace_branches(test, then, otherwise))


def choose_where(test: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """The value of one of two thunks, by a condition that may be known."""
    test = condition(test)
    known = known_truth(test)
    if known is None:
        return choose(test, then, otherwise)
    return then() if known else otherwise()


def _evaluate(condition: Condition) -> Any:
    return choose(condition.test, condition.then, condition.otherwise)


def _branch(
    test: Any,
    then: Callable[[], Any],
    otherwise: Callable[[], Any],
    first: Part,
    second: Part,
) -> Any:
    """The value of an ``if`` whose branches have been traced to ``first`` and ``second``."""
    try:
        value, exits = join(test, first, second)
    except Mismatch as mismatch:
        place = _misfit_place(first, second)
        differs = f"{mismatch.first} and {mismatch.second}"
        ends_trip = not place and (is_step(_values(first)) or is_step(_values(second)))
        raise (Parting if ends_trip else StagingError)(
            f"the condition is traced, and its branches {place or 'give'} {differs}",
            hint=f"both branches must {'leave' if place else 'give'} values of one kind and shape, "
            "since which one is taken is known only when the program runs"
            + (_KEYS if "hash table with" in differs else "")
            + _forms(then, otherwise),
        ) from None
    depart(exits)
    if value is BOTTOM:
        raise Unreachable
    return value


_KEYS = "\na key that one branch adds can have a value before it: (hash-set! table key #f)"


def _misfit_place(first: Part, second: Part) -> str:
    """How a message begins to say what branches leave in a place; empty if their values differ."""
    (structure, leaves), (other, others) = first.result, second.result
    rows = [_values(first), *structure[2][1][2]], [_values(second), *other[2][1][2]]
    index = mismatched((rows[0], leaves), (rows[1], others))
    return f"leave {journal.shown(first.written[index - 1])} as" if index else ""


def _values(part: Part) -> Structure:
    """The structure of the value of a part."""
    return part.result[0][2][0]


def _forms(then: Callable[[], Any], otherwise: Callable[[], Any]) -> str:
    """A line of a hint with the source of both branches; empty if a primitive has made them."""
    codes = [getattr(branch, "__code__", None) for branch in (then, otherwise)]
    if any(code is not None and not sources.is_source(code.co_filename) for code in codes):
        return ""
    first, second = map(_form_of, codes)
    return f"\nthe branches are {first} and {second}"


def _form_of(code: CodeType | None) -> str:
    """The source of a branch on one line, and where it is."""
    span = None if code is None else sources.span_of_code(code)
    if span is None:
        return "nothing"
    return sources.source_and_line(span)


def trace_branches(
    test: Any, then: Callable[[], Any], otherwise: Callable[[], Any]
) -> tuple[Part, Part]:
    """Both branches, each giving the contents of all places that either of them writes."""
    attempt = or_bottom if test.__class__ is Witness else or_failure
    test = tracer_of(test)
    with under(lambda: test), told(test, True):
        first = trace_part(attempt(_narrowed(then)))
    with under(lambda: lax.bitwise_not(test)), told(test, False):
        second = trace_part(attempt(_narrowed(otherwise)), (), first.written, first.targets)
    if len(second.written) > len(first.written):
        with under(lambda: test), told(test, True):
            first = trace_part(attempt(_narrowed(then)), (), second.written, second.targets)
    return first, second


def _narrowed(branch: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: narrowed(branch())


# ---- changes


def mutate(primitive: Callable[..., Any], place: Any, *arguments: Any) -> Any:
    """Call a primitive that changes ``place``, its first argument.

    A hash table that is changed under one of several keys is changed in each alternative.

    Raises:
        StagingError: for a container that the compiled program was given.
    """
    if place.__class__ is Union:
        return dispatch(place, lambda known: mutate(primitive, known, *arguments))
    key: Any = arguments[0] if arguments else None
    if isinstance(key, Tracer | Pair | Vector) and isinstance(place, HashTable):
        key = known_key(key, place) or key
    if key.__class__ is Union and isinstance(place, HashTable):
        keys = [key.alternatives[tag] for tag in key.possible]
        keys = [known for known in keys if not isinstance(known, OtherKey)]
        if absent := [known for known in keys if known not in place]:
            raise StagingError(
                f"{primitive.__name__}: which key this is, is known only when the program runs, "
                f"and {short_string(absent[0])} is not in the table yet",
                hint="store a value under each key first",
            )

        def change(known: Any) -> Any:
            if isinstance(known, OtherKey):
                raise MissingKey(
                    f"{primitive.__name__}: the table has no place for that key",
                    hint="store a value under each key first",
                )
            return mutate(primitive, place, known, *arguments[1:])

        return dispatch(key, change)
    return _change(primitive, place, *arguments)


def _change(primitive: Callable[..., Any], place: Any, *arguments: Any) -> Any:
    """Change a container, and those that it is tied to."""
    if not journal.FRAMES.ties:
        return journal.mutate(primitive, place, *arguments)
    places = journal.changed_by(primitive, place)
    before = journal.contents(places)
    result = journal.mutate(primitive, place, *arguments)
    change_tied(primitive.__name__, places, before)
    return result


# ---- text and assertions


def formatted(primitive: Callable[..., Any], *arguments: Any) -> Any:
    """What ``format`` does: a text, made now, or output to a port when the program runs."""
    if arguments and (arguments[0] is True or hasattr(arguments[0], "write")):
        return output(primitive, *arguments)
    return call_primitive("format", primitive, *arguments)


def check(primitive: Callable[..., Any], test: Any, *rest: Any) -> Any:
    """``(assert test message irritant …)``, which may fail when the compiled program runs."""
    return staged_if(test, lambda: UNSPECIFIED, lambda: primitive(False, *rest))


install({" mutate": mutate, " output": output, " formatted": formatted, " check": check})

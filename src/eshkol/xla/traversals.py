"""``map``, ``for-each``, folds, ``any`` and ``every`` in staged code, where tensors take part.

A tensor is the sequence of its rows, along its first axis. A procedure that is called for many of
them is traced once: ``map`` with one that has no effects is a ``vmap``, everything else a
``lax.scan``. What can't be one, such as a list that grows, is unrolled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.base.errors import BadValue, EshkolError, WrongType
from eshkol.datum.pairs import Pair
from eshkol.datum.values import Vector
from eshkol.primitives.arguments import elements_argument
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.primitives.list_procedures import LONG
from eshkol.xla.alternatives import or_bottom
from eshkol.xla.carries import Carry, ChangingVariable, State, Values, enter, leave, settle
from eshkol.xla.control import known_truth, staged_if
from eshkol.xla.counted_loops import Leaving
from eshkol.xla.dtypes import FLOAT64
from eshkol.xla.extents import trace_part
from eshkol.xla.graphs import Node, detach
from eshkol.xla.indexing import nearest_row
from eshkol.xla.loops import UNROLLED_TRIPS, staged_loop, staged_while
from eshkol.xla.merging import Joined, leaf_type
from eshkol.xla.notes import forget, mark, note
from eshkol.xla.parting_loops import again
from eshkol.xla.parts import Part, make_outputs
from eshkol.xla.steps import done
from eshkol.xla.tensors import as_tensor, describe
from eshkol.xla.trees import Structure, unflatten
from eshkol.xla.witness import tracer_of

Procedure = Callable[..., Any]

_PLUS, _AT_LEAST = (builtin_namespace()[name] for name in ("+", ">="))


def tensor_rows(who: str, tensor: Any) -> list[Any]:
    """The rows of a tensor, one by one."""
    tensor = _sequence(who, tensor)
    return [tensor[index] for index in range(tensor.shape[0])]


def _sequence(who: str, value: Any) -> Any:
    tensor = as_tensor(value, who)
    if not tensor.shape:
        raise WrongType(
            f"{who}: expected a list or a tensor with rows, got {describe(tensor)}",
            hint="a tensor of rank 0 is one number",
        )
    return tensor


def _tensors(who: str, sequences: Sequence[Any]) -> list[Any] | None:
    """The sequences if all of them are tensors of many rows, or like such, cut to the shortest."""
    tensors = [_stacked(who, items) for items in sequences]
    if any(tensor is None for tensor in tensors):
        return None
    count = min(tensor.shape[0] for tensor in tensors)
    return [tensor[:count] for tensor in tensors] if count > UNROLLED_TRIPS else None


def _stacked(who: str, items: Any) -> Any:
    """A tensor; for a long list or vector of doubles or of tensors of one type, that of its rows.

    None for any other sequence.
    """
    if hasattr(items, "dtype"):
        return _sequence(who, items)
    if items.__class__ not in (Pair, Vector) or len(items) <= LONG:
        return None
    rows = list(items)
    if all(row.__class__ is float for row in rows):
        return jnp.asarray(rows, FLOAT64)
    types = {(getattr(row, "shape", None), getattr(row, "dtype", None)) for row in rows}
    return jnp.stack(rows) if len(types) == 1 and (None, None) not in types else None


def _has_lists(sequences: Sequence[Any]) -> bool:
    return not all(hasattr(items, "dtype") for items in sequences)


def _fails_for_lists(attempt: Callable[[], Any], sequences: Sequence[Any]) -> tuple[Any, bool]:
    """What ``attempt`` gives, and whether it failed where lists stand for tensors.

    The elements of a list may be needed as what they are: then it is unrolled.
    """
    if not _has_lists(sequences):
        return attempt(), False
    told = mark()
    try:
        return attempt(), False
    except EshkolError:
        forget(told)
        return None, True


def map_rows(call: Procedure, sequences: Sequence[Any]) -> list[Any] | None:
    """What ``call`` gives for each row of ``sequences``; None where it is to be unrolled."""
    tensors = _tensors("map", sequences)
    if tensors is None:
        return None
    return _fails_for_lists(lambda: _mapped(call, tensors), sequences)[0]


def _mapped(call: Procedure, tensors: list[Any]) -> list[Any] | None:
    part = trace_part(or_bottom(call), _row_shapes(tensors))
    if part.targets:
        return None
    if not part.written and not part.jaxpr.effects:
        structure, leaves = part.result
        joined = [Joined(leaf, leaf, *leaf_type(leaf)) for leaf in leaves]
        note("vmap", lanes=tensors[0].shape[0])
        stacked = jax.vmap(lambda *rows: make_outputs(joined, "second", part.run(*rows)))(*tensors)
        return _unstacked(structure, stacked, tensors[0].shape[0])
    try:
        _, structure, stacked = _scan("map", (), lambda *row: ((), call(*row)), tensors)
    except ChangingVariable:
        return None
    return _unstacked(structure, stacked, tensors[0].shape[0])


def _unstacked(structure: Structure, stacked: list[Any], count: int) -> list[Any]:
    return [unflatten(structure, [leaf[i] for leaf in stacked])[0] for i in range(count)]


def fold_rows(call: Procedure, who: str, initial: Any, sequences: Sequence[Any]) -> Any:
    """``call(so far, *row)`` for each row of ``sequences``, one after another.

    Args:
        call: takes the value so far and a row.
        who: the name of the primitive.
        initial: the value before the first row.
        sequences: lists or tensors.
    """
    return _folded(who, call, initial, sequences)


def _folded(
    who: str, call: Procedure, initial: Any, sequences: Sequence[Any], is_reversed: bool = False
) -> Any:
    def step(so_far: Any, *row: Any) -> tuple[Values, Any]:
        return (call(so_far, *row),), ()

    tensors = _tensors(who, sequences)
    if tensors is not None:
        tensors = [lax.rev(tensor, (0,)) for tensor in tensors] if is_reversed else tensors

        def scan() -> Any:
            try:
                return _scan(who, (initial,), step, tensors)[0][0]
            except Leaving:
                return _counted(who, call, initial, tensors)

        try:
            value, has_failed = _fails_for_lists(scan, sequences)
            if not has_failed:
                return value
        except ChangingVariable:
            sequences = tensors
            is_reversed = False
    rows = list(zip(*(elements_argument(who, items) for items in sequences), strict=False))
    for row in reversed(rows) if is_reversed else rows:
        initial = call(initial, *row)
    return initial


def fold_rows_right(call: Procedure, initial: Any, sequences: Sequence[Any]) -> Any:
    """``call(*row, so far)`` for each row of ``sequences``, the last one first."""
    return _folded("fold-right", lambda so_far, *row: call(*row, so_far), initial, sequences, True)


def for_each_row(call: Procedure, sequences: Sequence[Any]) -> None:
    """``call(*row)`` for each row of ``sequences``."""

    def trip(ignored: Any, *row: Any) -> Any:
        call(*row)
        return 0

    _folded("for-each", trip, 0, sequences)


def reduce_rows(call: Procedure, sequence: Any, *initial: Any) -> Any:
    """The rows of a tensor combined from the left, starting with the first."""
    tensor = _sequence("reduce", sequence)
    if not tensor.shape[0]:
        if initial:
            return initial[0]
        raise BadValue("reduce: the tensor has no rows, and there is no initial value")
    return _folded("reduce", call, tensor[0], (tensor[1:],))


def _counted(who: str, call: Procedure, initial: Any, tensors: list[Any]) -> Any:
    """A fold as a counting loop, which a trip may leave."""
    count = tensors[0].shape[0]

    def step(index: Any, so_far: Any) -> Values:
        return _PLUS(index, 1), call(so_far, *_row(tensors, index))

    def test(index: Any, so_far: Any) -> Any:
        return _AT_LEAST(index, count)

    site = (who, "index", "value")
    counting = (0, ">=", lambda: count, lambda: 1)
    return staged_while(
        site, (0, initial), lambda index, _: _AT_LEAST(index, count), step, True, counting
    )[1]


def _row_shapes(tensors: Sequence[Any]) -> list[Any]:
    return [jax.ShapeDtypeStruct(tensor.shape[1:], tensor.dtype) for tensor in tensors]


def _scan(
    who: str, values: Values, step: Callable[..., tuple[Values, Any]], tensors: list[Any]
) -> tuple[Values, Structure, list[Any]]:
    """``values, result = step(*values, *row)`` for each row, as ``lax.scan``.

    Returns:
        The last values, the structure of ``(result,)``, and its leaves, stacked.

    Raises:
        Leaving: a trip may end the loop by an escape.
        ChangingVariable: the values change their structure.
    """
    count = len(tensors)

    def trace(carry: Carry) -> Part:
        def trip(*arrays: Any) -> tuple[Values, Any]:
            now, contents = carry.value(arrays[count:])
            enter(carry, contents)
            return step(*now, *arrays[:count])

        return trace_part(or_bottom(trip), [*_row_shapes(tensors), *carry.shapes], carry.places)

    carry, part, leaves = settle((who, "value"), values, trace, lambda part: _split(part)[0])
    if part.targets:
        raise Leaving
    _, (structure, results) = _split(part)
    joined = [Joined(leaf, leaf, *leaf_type(leaf)) for leaf in results]

    def body(arrays: list[Any], rows: list[Any]) -> tuple[list[Any], list[Any]]:
        outputs = part.run(*rows, *arrays)
        following = make_outputs(leaves, "second", outputs)
        return following, make_outputs(joined, "second", outputs)

    note("scan", site=(who, "value"), trips=tensors[0].shape[0], carried=carry.shapes)
    final, stacked = lax.scan(body, carry.arrays, tensors)
    return leave(carry, final), structure, stacked


def _split(part: Part) -> tuple[State, State]:
    """The state ``(values, contents)`` and ``(result,)`` that a trip gives."""
    outcome, contents, _ = part.graph.children
    values, result = outcome.children
    (state,), leaves = detach(Node("tuple", None, [values, contents]))
    (value,), results = detach(Node("tuple", None, [result]))
    return (state, leaves), (value, results)


# ---- any and every


Rows = Callable[[], Iterable[Sequence[Any]]]
"""Gives the corresponding elements of sequences."""


def any_of(call: Procedure, sequences: Sequence[Any], rows: Rows) -> Any:
    """The first true result of ``call`` on ``rows()``, else ``#f``; truth may be traced.

    Args:
        call: the predicate.
        sequences: what the rows come from.
        rows: gives them.
    """
    tensors = _tensors("any", sequences)
    if tensors is not None:
        return _search("any", call, tensors, True)
    found: Any = False
    for row in rows():
        found = staged_if(found, _given(found), _call_of(call, row))
        if known_truth(found):
            break
    return found


def every(call: Procedure, sequences: Sequence[Any], rows: Rows) -> Any:
    """``#f`` if a result of ``call`` on ``rows()`` is, else the last one; truth may be traced.

    Args:
        call: the predicate.
        sequences: what the rows come from.
        rows: gives them.
    """
    tensors = _tensors("every", sequences)
    if tensors is not None:
        return _search("every", call, tensors, False)
    result: Any = True
    for row in rows():
        result = staged_if(result, _call_of(call, row), lambda: False)
        if known_truth(result) is False:
            break
    return result


def count(call: Procedure, sequences: Sequence[Any], rows: Rows) -> Any:
    """How many results of ``call`` on ``rows()`` are true; truth may be traced."""

    def step(total: Any, *row: Any) -> Any:
        return _PLUS(total, staged_if(call(*row), lambda: 1, lambda: 0))

    if _tensors("count", sequences) is not None:
        return _folded("count", step, 0, sequences)
    return reduce(lambda total, row: step(total, *row), rows(), 0)


def first_of(call: Procedure, items: Sequence[Any], results: Sequence[Any]) -> Any:
    """The result for the first item of which ``call`` is true, else ``#f``; truth may be traced."""

    def found(index: int) -> Any:
        if index == len(items):
            return False
        return staged_if(call(items[index]), lambda: results[index], lambda: found(index + 1))

    return found(0)


def _call_of(call: Procedure, row: Sequence[Any]) -> Callable[[], Any]:
    return lambda: call(*row)


def _given(value: Any) -> Callable[[], Any]:
    return lambda: value


def _search(who: str, call: Procedure, tensors: list[Any], wanted: bool) -> Any:
    """The first result of ``call`` on the rows that is, or is not, true; else the last one."""
    count = tensors[0].shape[0]

    def trip(index: Any) -> Any:
        result = call(*_row(tensors, index))

        def further() -> Any:
            following = _PLUS(index, 1)
            return staged_if(
                _AT_LEAST(following, count), _end_with(result), lambda: again((following,))
            )

        branches = (_end_with(result), further) if wanted else (further, _end_with(result))
        return staged_if(result, *branches)

    return staged_loop((who, "index"), (0,), trip)


def _end_with(result: Any) -> Callable[[], Any]:
    return lambda: done(result)


def _row(tensors: list[Any], index: Any) -> list[Any]:
    """The rows at an index that may be traced."""
    place = tracer_of(index)
    return [nearest_row(tensor, place) for tensor in tensors]

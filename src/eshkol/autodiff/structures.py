"""Structures of numbers: vectors, lists, records … taken apart and put together again.

The points and the values of derivatives are such structures. What is no number (a symbol, a
string, a truth value) belongs to the structure and stays as it is.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from eshkol.autodiff.perturbations import TAGGED, NeedsTensors, settled
from eshkol.autodiff.plain import PLAIN
from eshkol.base.errors import WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair, scheme_list, spine
from eshkol.datum.records import Record, field_values, make_record
from eshkol.datum.values import HashTable, Vector
from eshkol.datum.variables import TensorVariable, value_of
from eshkol.datum.write import refuse_cycles, short_string


class Structure(NamedTuple):
    """How a value is put together of its parts.

    Attributes:
        build: makes a value of the parts.
        parts: the structures of the parts; None stands for a number.
    """

    build: Callable[[list[Any]], Any]
    parts: tuple[Structure | None, ...]


Shape = Structure | None
"""The structure of a value; None for a number."""


def flatten(value: Any) -> tuple[list[Any], Shape]:
    """The numbers in ``value``, in order, and its structure.

    Raises:
        NeedsTensors: it holds a tensor, or a procedure or pytree of JAX's, which may hold one.

    Example:
        >>> numbers, structure = flatten(Vector([1, scheme_list(["a", 2.5])]))
        >>> numbers
        [1, 2.5]
        >>> unflatten(structure, [x * 2 for x in numbers])
        #(2 ("a" 5.0))
    """
    if value.__class__ is Vector and all(item.__class__ in PLAIN for item in value):
        return list(value), _vector_of(len(value))
    return _flatten(value, _as_it_is)


@functools.cache
def _vector_of(count: int) -> Structure:
    """The structure of a vector of numbers."""
    return Structure(Vector, (None,) * count)


def flatten_result(who: str, value: Any) -> tuple[list[Any], Shape]:
    """As :func:`flatten`, of what a function gave, which holds nothing but numbers.

    Raises:
        WrongType: naming ``who``, for anything else. NeedsTensors: it holds a tensor.
    """

    def refuse(part: Any) -> Shape:
        raise no_numbers(who, value)

    return _flatten(value, refuse)


def no_numbers(who: str, result: Any) -> Exception:
    """The error for a function that gave something else than numbers."""
    shown = short_string(result)
    if is_array(value_of(result)):
        return NeedsTensors(f"{who}: the function gave {shown}")
    return WrongType(f"{who}: expected a function that gives a number, this one gave {shown}")


def _flatten(value: Any, other: Callable[[Any], Shape]) -> tuple[list[Any], Shape]:
    numbers: list[Any] = []
    try:
        return numbers, _visit(value, numbers, other)
    except RecursionError:
        refuse_cycles(value)
        raise


def _as_it_is(value: Any) -> Structure:
    if callable(value) and not isinstance(value, type):
        raise NeedsTensors("a structure of numbers holds a procedure")
    if _is_pytree(value):
        raise NeedsTensors("a structure of numbers holds a pytree of another library")
    return Structure(lambda parts: value, ())


def _is_pytree(value: Any) -> bool:
    """Whether JAX takes ``value``, which is no container of Scheme's, apart; loads nothing."""
    jax = sys.modules.get("jax")
    return jax is not None and value is not None and not jax.tree_util.all_leaves([value])


def unflatten(structure: Shape, numbers: Sequence[Any]) -> Any:
    """The value of this structure with these numbers; the reverse of :func:`flatten`."""
    return _build(structure, iter(numbers))


def _build(structure: Shape, numbers: Iterator[Any]) -> Any:
    if structure is None:
        return next(numbers)
    return structure.build([_build(part, numbers) for part in structure.parts])


def settled_parts(value: Any) -> Any:
    """``value`` without the derivatives of perturbations that are over; itself if it has none.

    Example:
        >>> settled_parts(Vector([1, scheme_list(["a", 2.5])]))
        #(1 ("a" 2.5))
    """
    kind = value.__class__
    if kind in TAGGED:
        return settled(value)
    apart = None if kind in PLAIN else _parts(value)
    if apart is None:
        return value
    parts, build = apart
    found = [settled_parts(part) for part in parts]
    if all(after is before for after, before in zip(found, parts, strict=True)):
        return value
    return build(found)


_EMPTY = Structure(scheme_list, ())


def _visit(value: Any, numbers: list[Any], other: Callable[[Any], Shape]) -> Shape:
    kind = value.__class__
    if kind in PLAIN or kind in TAGGED:
        numbers.append(settled(value))
        return None
    if is_array(value) or kind is TensorVariable:
        raise NeedsTensors("a structure of numbers holds a tensor")
    apart = _parts(value)
    if apart is None:
        return _EMPTY if value is NIL else other(value)
    parts, build = apart
    return Structure(build, tuple([_visit(part, numbers, other) for part in parts]))


def _parts(value: Any) -> tuple[Sequence[Any], Callable[[list[Any]], Any]] | None:
    """The parts of a container and what makes one of others; None for anything else."""
    kind = value.__class__
    if kind is Vector or kind is list:
        return value, kind
    if kind is Pair:
        items, tail = spine(value)
        if tail is NIL:
            return items, scheme_list
        return [*items, tail], lambda parts: scheme_list(parts[:-1], parts[-1])
    if isinstance(value, tuple):
        return value, kind._make if hasattr(kind, "_make") else kind
    if isinstance(value, Record):
        return field_values(value), lambda parts: make_record(kind, parts)
    if isinstance(value, HashTable):
        return _table_parts(value)
    if kind is dict:
        keys = list(value)
        return list(value.values()), lambda parts: dict(zip(keys, parts, strict=True))
    return None


def _table_parts(table: HashTable) -> tuple[Sequence[Any], Callable[[list[Any]], Any]]:
    keys = list(table)

    def build(parts: list[Any]) -> HashTable:
        made = table.empty()
        for key, part in zip(keys, parts, strict=True):
            made[key] = part
        return made

    return [item for _, item in table.items()], build

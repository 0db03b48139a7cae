"""The axes of a ``vmap``: one for all, one for each argument, or one for each part of a structure.

Axes may have the structure of what they are of, or of its upper part: one in place of a list, say,
is that of all tensors in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import jax.numpy as jnp

from eshkol.base.errors import BadValue, ShapeError
from eshkol.datum.pairs import NIL
from eshkol.datum.write import short_string
from eshkol.xla.arguments import is_sequence, static_int
from eshkol.xla.tensors import describe
from eshkol.xla.trees import Structure, flatten

Axis = int | None
"""An axis that is mapped; None for what is the same in every call."""


def argument_axes(arguments: Sequence[Any], in_axes: Any) -> list[Any]:
    """The axis of each argument, or the axes of its parts.

    Raises:
        BadValue: there are not as many as arguments.
    """
    if in_axes is None:
        return [0] * len(arguments)
    if not is_sequence(in_axes):
        return [static_int(in_axes, "vmap", "axis")] * len(arguments)
    axes = [axis if _is_structure(axis) else _axis(axis) for axis in in_axes]
    if len(axes) != len(arguments):
        raise BadValue(
            f"vmap: #:in-axes has {len(axes)} axes for {len(arguments)} arguments",
            hint="give one axis for each argument, or #f for one that is not mapped",
        )
    return axes


def _axis(axis: Any) -> Axis:
    return None if axis is False or axis is None else static_int(axis, "vmap", "axis")


def _is_structure(axes: Any) -> bool:
    """Whether ``axes`` are those of parts."""
    structure = flatten(axes)[1]
    return structure.__class__ is not str and structure[0] != "static"


def leaf_axes(axes: Any, structure: Structure) -> list[Axis]:
    """The axes of the leaves of a value with this structure.

    Raises:
        BadValue: the axes have another structure.
    """

    def refuse() -> NoReturn:
        raise BadValue(
            f"vmap: the axes {short_string(axes)} have not the structure of what they are of",
            hint="give one axis for each part, as in '((0 #f)) for a list of two, or one for all",
        )

    if not _is_structure(axes):
        return [_axis(axes)] * _count(structure)
    leaves, given = flatten(axes)
    return list(_spread(given, iter(leaves), structure, refuse))


def _spread(
    given: Structure, leaves: Iterator[Any], structure: Structure, refuse: Callable[[], NoReturn]
) -> Iterator[Axis]:
    is_leaf = given.__class__ is str
    if is_leaf or (given[0] == "static" and given[1].value is not NIL):
        axis = _axis(next(leaves) if is_leaf else given[1].value)
        yield from [axis] * _count(structure)
        return
    if structure.__class__ is str or not _is_alike(given, structure):
        refuse()
    for part, own in zip(given[2], structure[2], strict=True):
        yield from _spread(part, leaves, own, refuse)


_SEQUENCES = frozenset(["list", "vector", "tuple", "python-list"])


def _is_alike(given: Structure, structure: Structure) -> bool:
    """Whether two levels have the same parts; sequences of all kinds have."""
    if len(given[2]) != len(structure[2]):
        return False
    if given[0] in _SEQUENCES and structure[0] in _SEQUENCES:
        return True
    return bool(given[:2] == structure[:2])


def _count(structure: Structure) -> int:
    """How many leaves a value with this structure has."""
    return 1 if structure.__class__ is str else sum(map(_count, structure[2]))


def moved(results: Sequence[Any], structure: Structure, out_axes: Any) -> list[Any]:
    """Results whose first axis was mapped, with it where ``out_axes`` say."""
    axes = leaf_axes(out_axes, structure)
    return [_moved(result, axis) for result, axis in zip(results, axes, strict=True)]


def _moved(result: Any, axis: Axis) -> Any:
    if axis is None:
        raise BadValue("vmap: every result has an axis of calls; #:out-axes says where it goes")
    if not -result.ndim <= axis < result.ndim:
        raise ShapeError(
            f"vmap: the results {describe(result)} have no axis {axis}, as in #:out-axes"
        )
    return jnp.moveaxis(result, 0, axis) if axis else result

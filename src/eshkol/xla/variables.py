"""``variable``: places that hold a tensor and are shared; in compiled code they are state.

Room ``datum`` has their class. An update notes the variable in the journal, as the update of a
vector does, so branches, loops and recursions carry what it holds. A compiled program gives what
the variables hold that came into it and were updated, and that is written back (``results``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.base.config import CONFIG
from eshkol.base.errors import ShapeError, StagingError, WrongType
from eshkol.datum.variables import HOME, TensorVariable, value_of
from eshkol.datum.write import short_string
from eshkol.primitives.numbers import is_host_number
from eshkol.xla import journal
from eshkol.xla.arguments import is_sequence
from eshkol.xla.dtypes import default_dtype, is_scalar_born, parse_dtype
from eshkol.xla.tensors import Tracer, as_tensor, cast, describe, fitted
from eshkol.xla.ties import write_tied
from eshkol.xla.trees import (
    BUFFERS,
    flatten,
    flatten_with_variables,
)


def variable(value: Any, dtype: Any = None) -> TensorVariable:
    """A new variable."""
    who = "variable"
    kind = None if dtype is None else parse_dtype(dtype, who)
    held = value.tensor if value.__class__ is TensorVariable else value
    tensor = as_tensor(held, who, kind)
    if kind is None and is_scalar_born(tensor):
        tensor = cast(tensor, default_dtype())
    if not isinstance(tensor, Tracer):
        tensor = jnp.asarray(tensor)
    # From now on primitives look whether they are given variables.
    CONFIG.may_wrap = True
    is_buffer = id(held) in BUFFERS or getattr(value, "is_buffer", False)
    return journal.note_made(TensorVariable(tensor, is_buffer))


def value(tensor: Any) -> Any:
    """The tensor that a variable held, which was given in its place."""
    return as_tensor(tensor, "variable-value")


def set_variable(place: Any, tensor: Any) -> Any:
    """Let a variable hold another tensor."""
    assign("variable-set!", place, value_of(tensor))
    return place.tensor


def assign(who: str, place: Any, value: Any) -> None:
    """Let a variable hold another tensor of its shape.

    Raises:
        WrongType: it is no variable, or the new numbers are none of its dtype.
        ShapeError: the new tensor has another shape.
        StagingError: see :func:`store`.
    """
    if place.__class__ is not TensorVariable:
        raise WrongType(
            f"{who}: expected a variable, got {describe(place)}",
            hint="make one with (variable tensor); set! gives a name another value",
        )
    old = place.tensor
    is_known = old.dtype.kind in "iu" and (is_sequence(value) or is_host_number(value))
    is_plain = is_known and not hasattr(value, "dtype")
    new = as_tensor(value, who, old.dtype if is_plain else None)
    if new.shape != old.shape:
        raise ShapeError(
            f"{who}: the variable holds {describe(old)}, and {describe(new)} has another shape",
            hint="a variable keeps its shape and dtype",
        )
    is_real = is_scalar_born(new) and new.dtype.kind != "c" and old.dtype.kind in "fcV"
    if _KINDS.find(new.dtype.kind) > _KINDS.find(old.dtype.kind) and not is_real:
        raise WrongType(
            f"{who}: the variable holds {describe(old)}, which {describe(new)} does not fit in",
            hint="convert it: (tensor-cast value dtype)",
        )
    store(who, place, fitted(new, who, old.dtype))


_KINDS = "buiVfc"
"""The kinds of dtypes; numbers of a later one don't fit in an earlier one. ``V`` is bfloat16's."""


def store(who: str, place: TensorVariable, tensor: Any) -> None:
    """Let a variable hold ``tensor``, which fits, and tell what is being traced.

    Raises:
        StagingError: the update would be lost, since it is Python's function that is compiled,
            and not known to hold the variable.
    """
    is_foreign = HOME.token is None and not journal.FRAMES.stack and _is_staged(tensor)
    if is_foreign or place.home is not HOME.token:
        raise StagingError(
            f"{who}: {short_string(place)} is updated by a Python function that is compiled, "
            "which would lose the value",
            hint="compile with ek.jit, and pass the variable as an argument",
        )
    journal.note(place)
    place.tensor = tensor
    if journal.FRAMES.ties:
        write_tied(who, place)


def _is_staged(tensor: Any) -> bool:
    """Whether JAX traces the computation of a tensor, not for a derivative alone."""
    return isinstance(tensor, Tracer) and not hasattr(tensor, "primal")


def update(who: str, old: Any, new: Any) -> bool:
    """Let the variables in a structure hold the tensors of another one of the same structure.

    Returns:
        Whether all tensors of ``old`` are in variables, so that nothing of ``new`` is lost.
    """
    whole, _, variables = flatten_with_variables(old)
    if not variables:
        return False
    leaves, _ = flatten(new)
    for place, leaf in zip(whole, leaves, strict=True):
        if place.__class__ is TensorVariable:
            store(who, place, leaf)
    return not any(hasattr(place, "dtype") for place in whole)


def write_back(who: str, variables: Sequence[Any], copies: Sequence[Any], given: Any) -> None:
    """What a procedure has written into copies of variables is written into these.

    Args:
        who: the primitive, for messages.
        variables: the variables.
        copies: what the procedure was given for them.
        given: what those held.
    """
    for place, copy, tensor in zip(variables, copies, given, strict=True):
        if copy.tensor is not tensor:
            store(who, place, copy.tensor)


jax.tree_util.register_pytree_node(
    TensorVariable,
    lambda place: ((place.tensor,), place.is_buffer),
    lambda is_buffer, children: TensorVariable(*children, is_buffer),
)

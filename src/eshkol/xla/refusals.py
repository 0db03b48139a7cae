"""What JAX does not do with tensors of a dtype, in the words of the primitive that was called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from eshkol.base.errors import EshkolError, WrongType
from eshkol.xla.tensors import as_tensor, describe

_DTYPE = re.compile(r"does not accept dtype|does not support complex|[Cc]omplex.* not supported")


def refuse(who: str, error: Exception, values: Iterable[Any]) -> None:
    """Raise why ``who`` can't be done with ``values``, if JAX's error is about their dtypes.

    Args:
        who: the Scheme name of the primitive.
        error: what was raised while it was done.
        values: its arguments.
    """
    is_ours = isinstance(error, EshkolError) or not isinstance(error, TypeError | ValueError)
    if is_ours or not _DTYPE.search(str(error)):
        return
    tensors = [value for value in values if _kind(value)]
    for value in tensors:
        if _kind(value) == "c":
            raise not_real(who, value) from None
    shown = " and ".join(map(describe, tensors)) or "these"
    raise WrongType(
        f"{who}: expected a tensor of other numbers, got {shown}",
        hint="convert with (tensor-cast t 'float32)",
    ) from None


def not_real(who: str, value: Any) -> WrongType:
    """The error of a primitive for real numbers that was given complex ones."""
    return WrongType(
        f"{who}: expected real numbers, got {describe(value)}",
        hint="complex numbers have no order, and no place on the real line: take\n"
        "(real-part t), (imag-part t) or (magnitude t)",
    )


def is_complex(value: Any) -> bool:
    """Whether a value holds complex numbers."""
    return _kind(value) == "c"


def _kind(value: Any) -> str:
    """The kind of numbers that a value holds; empty if it is no tensor."""
    if hasattr(value, "dtype"):
        return value.dtype.kind
    if isinstance(value, complex):
        return "c"
    try:
        return as_tensor(value, "").dtype.kind
    except EshkolError:
        return ""

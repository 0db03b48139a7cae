"""Tensors as text. Arrays are known by their ``shape`` and ``dtype``; no engine is imported."""

from __future__ import annotations

from typing import Any

from eshkol.datum.number_text import number_text

SUMMARY_THRESHOLD = 1000
"""Tensors with more elements are shown by the ends of their axes only."""

EDGE_ITEMS = 3
"""How many items at either end of an axis a summary shows."""

_KINDS = {"float": "f", "bfloat": "bf", "int": "i", "uint": "u", "complex": "c"}


def dtype_text(dtype: Any) -> str:
    """The short name of a dtype.

    Example:
        >>> dtype_text("float32"), dtype_text("bool"), dtype_text("bfloat16")
        ('f32', 'bool', 'bf16')
    """
    name = str(getattr(dtype, "name", dtype))
    kind = name.rstrip("0123456789")
    return f"{_KINDS[kind]}{name[len(kind) :]}" if kind in _KINDS else name


def type_text(tensor: Any) -> str:
    """The dtype and shape of a tensor: ``f32[64,785]``."""
    return f"{dtype_text(tensor.dtype)}[{','.join(map(str, tensor.shape))}]"


def full_text(tensor: Any) -> str:
    """The elements of a tensor as nested vectors, ``#((1.0 2.0) (3.0 4.0))``; a rank-0 tensor as
    its number; an abstract one, which has no elements, as ``#<traced f32[3]>``; one that was given
    away to a compiled call as ``#<donated tensor f32[3]>``."""
    array = concrete(tensor)
    if array is None:
        return f"#<traced {type_text(tensor)}>"
    if array.dtype.kind == "O":
        is_gone = hasattr(tensor, "is_deleted") and tensor.is_deleted()
        return f"#<{'donated ' if is_gone else ''}tensor {type_text(tensor)}>"
    if not array.shape:
        return _element_text(array[()])
    return f"#{_rows(array, array.size > SUMMARY_THRESHOLD)}"


def short_text(tensor: Any) -> str:
    """A tensor in an error message: its dtype and shape, or the number it holds."""
    return type_text(tensor) if tensor.shape else _scalar_text(tensor)


def _scalar_text(tensor: Any) -> str:
    text = full_text(tensor)
    return type_text(tensor) if text.startswith("#<") else text


def concrete(tensor: Any) -> Any:
    """``tensor`` as a NumPy array; None if its elements are not known."""
    if hasattr(tensor, "to_concrete_value"):  # a tracer; some carry a value
        tensor = tensor.to_concrete_value()
    if not hasattr(tensor, "__array__"):
        return None
    import numpy as np

    try:
        return np.asarray(tensor)
    except (TypeError, RuntimeError):  # keys of random numbers; a buffer given away to a call
        return np.empty(tensor.shape, object)


def _rows(array: Any, summarised: bool) -> str:
    if not array.shape:
        return _element_text(array[()])
    length = len(array)
    if summarised and length > 2 * EDGE_ITEMS:
        first = [_rows(array[index, ...], True) for index in range(EDGE_ITEMS)]
        last = [_rows(array[index, ...], True) for index in range(length - EDGE_ITEMS, length)]
        items = [*first, "...", *last]
    else:
        items = [_rows(item, summarised) for item in array[:, ...]]
    return f"({' '.join(items)})"


def _element_text(element: Any) -> str:
    """An element in the digits of its own precision."""
    kind = element.dtype.kind
    if kind == "b":
        return "#t" if element else "#f"
    is_inexact = kind in "fc" or (kind == "V" and element.dtype.names is None)  # V: bfloat16
    return number_text(element) if is_inexact else str(element)

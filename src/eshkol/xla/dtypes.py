"""Dtypes: their names, the default one, and which dtype an operation on several values has.

Scalars are doubles and tensors are narrow, so 64-bit values turn up although the process-wide x64
flag is never set. Whatever computes with them does so inside ``wide()``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.base.config import CONFIG
from eshkol.base.errors import BadValue
from eshkol.datum.symbols import Symbol
from eshkol.datum.write import short_string

FLOAT32 = np.dtype("float32")
FLOAT64 = np.dtype("float64")
INT32 = np.dtype("int32")
UINT32 = np.dtype("uint32")
INT64 = np.dtype("int64")
BOOL = np.dtype("bool")
COMPLEX64 = np.dtype("complex64")
COMPLEX128 = np.dtype("complex128")
BFLOAT16 = jnp.dtype("bfloat16")
FLOAT16 = np.dtype("float16")

NARROW_FLOATS = frozenset({FLOAT32, BFLOAT16, FLOAT16})
"""Floating dtypes that need no x64: the operands of every fast path."""

HALF_FLOATS = frozenset({BFLOAT16, FLOAT16})
"""Those that mostly compute in float32, of which results are rounded."""

WIDE = frozenset({FLOAT64, INT64, np.dtype("uint64"), COMPLEX128})
"""Dtypes that exist only inside ``wide()``."""

_SHORT = {
    "float64": "f64",
    "float32": "f32",
    "float16": "f16",
    "bfloat16": "bf16",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "complex64": "c64",
    "complex128": "c128",
    "bool": "bool",
}
_BY_NAME = {
    **{long: jnp.dtype(long) for long in _SHORT},
    **{short: jnp.dtype(long) for long, short in _SHORT.items()},
    "double": FLOAT64,
    "float": FLOAT32,
    "half": FLOAT16,
    "boolean": BOOL,
}


def wide() -> Any:
    """A context in which 64-bit dtypes exist, whatever the process-wide flag says.

    Example:
        >>> with wide():
        ...     jnp.zeros(3, "float64").dtype
        dtype('float64')
    """
    return jax.enable_x64(True)


def in_wide(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule, which JAX may call where no 64-bit numbers exist."""

    @functools.wraps(rule)
    def apply(*arguments: Any, **options: Any) -> Any:
        with wide():
            return rule(*arguments, **options)

    return apply


def default_dtype() -> np.dtype:
    """The dtype of tensors that do not ask for one: float32 unless configured otherwise."""
    return _BY_NAME[CONFIG.tensor_dtype]


def short_name(dtype: np.dtype) -> str:
    """``f32`` for float32, and so on."""
    return _SHORT.get(dtype.name, dtype.name)


def parse_dtype(option: Any, who: str) -> np.dtype | None:
    """The dtype that the option ``#:dtype`` names; None where it is left out.

    Symbols, strings (``float32`` or ``f32``) and NumPy dtypes are accepted.
    """
    if option is None:
        return None
    name = option.name if isinstance(option, Symbol) else option
    if isinstance(name, str) and name in _BY_NAME:
        return _BY_NAME[name]
    if isinstance(name, type | np.dtype):
        try:
            kind = jnp.dtype(name)
        except TypeError:
            kind = None
        if kind is not None and jnp.issubdtype(kind, np.number) | (kind == BOOL):
            return kind
    known = f"the dtypes are: {' '.join(_SHORT)}"
    raise BadValue(f"{who}: unknown dtype {short_string(name)}", hint=known)


def is_dtype_name(name: str) -> bool:
    """Whether the option ``#:dtype`` may have this name."""
    return name in _BY_NAME


def is_scalar_born(value: Any) -> bool:
    """Whether an array is a Scheme number: rank 0, and float64 or int64."""
    return value.dtype in WIDE and value.shape == ()


@functools.cache
def join(a: np.dtype, b: np.dtype) -> np.dtype:
    """The dtype that holds two tensors' elements; a float and an integer make that float."""
    with wide():
        return np.dtype(jnp.promote_types(a, b))


def result_dtype(values: Sequence[Any]) -> np.dtype:
    """The dtype of an arithmetic result of ``values``: arrays and Python numbers.

    Scalars (Python numbers and scalar-born arrays) never widen a tensor; they only lift integers
    to floats. Booleans count as int32. Scalars alone make float64 or int64.
    """
    tensors: np.dtype | None = None
    scalars: np.dtype = BOOL
    rank = 0
    for value in values:
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            scalars = join(scalars, _scalar_dtype(value))
        elif dtype in WIDE and value.shape == ():
            scalars = join(scalars, dtype)
        else:
            tensors = dtype if tensors is None else join(tensors, dtype)
            rank = max(rank, len(value.shape))
    if tensors is None:
        return INT64 if scalars is BOOL else scalars
    if tensors == BOOL:
        tensors = INT32
    return _absorb(tensors, scalars, rank)


def _scalar_dtype(value: Any) -> np.dtype:
    if isinstance(value, complex):
        return COMPLEX128
    return FLOAT64 if isinstance(value, float | Fraction) else INT64


def _absorb(tensor: np.dtype, scalar: np.dtype, rank: int) -> np.dtype:
    """The dtype of a tensor dtype combined with a scalar of dtype ``scalar``."""
    if tensor.kind == "c" or scalar.kind not in "fc":
        return tensor
    if tensor.kind in "iu":
        tensor = inexact_dtype(tensor, rank)
    if scalar.kind == "c":
        return COMPLEX128 if tensor == FLOAT64 else COMPLEX64
    return tensor


def inexact_dtype(dtype: np.dtype, rank: int) -> np.dtype:
    """The dtype in which ``sqrt`` and the like compute: integers go to the default float dtype.

    An integer of rank 0 is a Scheme number and goes to float64.
    """
    if dtype.kind not in "iub":
        return dtype
    return default_dtype() if rank else FLOAT64

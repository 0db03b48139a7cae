"""What counts as true: everything but ``#f`` and a rank-0 false.

A number counts as true. In compiled code, and as a result of it, a number is a rank-0 array of 64
bits. Any other tensor of numbers as a condition is a mistake, and an error.
"""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.variables import TensorVariable
from eshkol.primitives.arguments import is_number_array as is_number_array
from eshkol.primitives.declare import ARRAYS
from eshkol.runtime.dialects import NeedsStaging


def truth(value: Any) -> bool:
    """Whether a condition holds.

    Raises:
        WrongType: for a tensor that is not one boolean.
        NeedsStaging: for a traced boolean that has no value yet.
    """
    if value is True or value is False:
        return value
    if value.__class__ in ARRAYS and value.shape == () and value.dtype.kind == "b":
        # JAX reads an element many times faster than it asks an array for its truth.
        return value.item()
    if hasattr(value, "__eshkol_traced__"):
        raise NeedsStaging
    if not is_array(value):
        return truth(value.tensor) if value.__class__ is TensorVariable else True
    if is_number_array(value):
        return True
    check_condition(value)
    try:
        return bool(value)
    except Exception as error:
        if type(error).__name__ == "TracerBoolConversionError":
            raise NeedsStaging from None
        raise


def decided(value: Any) -> Any:
    """``value``, which a primitive asks whether it is true.

    Raises:
        NeedsStaging: for a traced boolean that has no value yet.
    """
    if is_array(value) and value.shape == () and value.dtype == bool:
        truth(value)
    return value


def check_condition(value: Any) -> None:
    """Refuse a tensor as a condition unless it is one boolean."""
    if value.shape == () and value.dtype == bool:
        return
    from eshkol.datum.write import short_string

    raise WrongType(
        f"a condition must be one boolean, got the tensor {short_string(value)}",
        hint="to choose element by element: (where condition then else)\n"
        "to ask about a number: compare it, as in (> x 0)",
    )

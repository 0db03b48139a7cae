"""Validated numerics from Python: intervals and Taylor models.

They are values with operators; Scheme procedures (``ek.eval("sin")``) take them as well.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives import intervals as _intervals
from eshkol.primitives import taylor_models as _models
from eshkol.runtime.boundary import bounded


@bounded
def interval(low: Any, high: Any = None, /) -> Any:
    """The interval from one bound to the other; of one number, the smallest one around it.

    Args:
        low: a real number.
        high: a real number that is not less; ``low`` if left out.

    Raises:
        BadValue: the bounds are in the wrong order, or not numbers.

    Example:
        >>> import eshkol as ek
        >>> x = ek.interval(1, 2)
        >>> x * x - 1
        #<interval [0.0, 3.0]>
        >>> ek.eval("sqrt")(ek.interval(1, 4)).sup
        2.0
    """
    return _intervals.interval(low, high)


@bounded
def taylor_model(function: Any, center: Any, radius: Any, order: int, /) -> Any:
    """A polynomial and an interval in whose sum all values of a function lie on a domain.

    Args:
        function: a Scheme procedure of one number, Scheme text that gives one, or a Python
            function that uses arithmetic and Scheme procedures only.
        center: the middle of the domain.
        radius: how far it reaches on both sides.
        order: the degree of the polynomial.

    Returns:
        A value with ``coefficients``, ``remainder`` and operators.

    Example:
        >>> import eshkol as ek
        >>> ek.taylor_model("(lambda (x) (/ (- 1 x)))", 0, 0.25, 3).coefficients
        [1.0, 1.0, 1.0, 1.0]
    """
    if isinstance(function, str):
        from eshkol.api.programs import procedure_of_text
        from eshkol.session import default_session

        function = procedure_of_text(default_session(), function, {})
    return _models.taylor_model(function, center, radius, order)

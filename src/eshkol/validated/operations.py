"""The operations on enclosures by name, as ``autodiff`` has them for other numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.validated import functions, intervals, taylor_models
from eshkol.validated.intervals import Interval, interval_of
from eshkol.validated.taylor_models import TaylorModel

UNARY: dict[str, Callable[[Interval], Interval]] = {
    "negate": intervals.negate,
    "square": intervals.square,
    "reciprocal": lambda x: intervals.divide(intervals.ONE, x),
    "abs": functions.absolute,
    "floor": functions.stepwise(math.floor),
    "ceiling": functions.stepwise(math.ceil),
    "truncate": functions.stepwise(math.trunc),
    "round": functions.stepwise(round),
    "rsqrt": lambda x: intervals.divide(intervals.ONE, functions.sqrt(x)),
    "relu": lambda x: functions.maximum(x, intervals.ZERO),
    **{
        name: getattr(functions, name)
        for name in "sqrt exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh "
        "acosh atanh sigmoid erf sign".split()
    },
}

BINARY: dict[str, Callable[[Interval, Interval], Interval]] = {
    "add": intervals.add,
    "subtract": intervals.subtract,
    "multiply": intervals.multiply,
    "divide": intervals.divide,
    "max": functions.maximum,
    "min": functions.minimum,
}


def apply(who: str, rule: str, *arguments: Any) -> Any:
    """The operation ``rule`` on intervals, Taylor models and numbers in any mix.

    Args:
        who: its name in errors.
        rule: its name among the operations of ``autodiff``.

    Raises:
        BadValue: no enclosure of it is known, or it has no real values there.
        WrongType: an argument is neither a real number nor an enclosure.
    """
    if any(argument.__class__ is TaylorModel for argument in arguments):
        return taylor_models.apply(who, rule, arguments)
    if rule == "power":
        return functions.power(who, *arguments)
    values = [interval_of(who, argument) for argument in arguments]
    if rule == "atan2":
        return functions.angle(who, *values)
    operation: Any = UNARY.get(rule) if len(values) == 1 else BINARY.get(rule)
    if operation is None:
        raise BadValue(f"{who}: no enclosure of it is known")
    return operation(*values)


def compare(who: str, rule: str, a: Any, b: Any) -> bool:
    """Whether a comparison holds for all numbers that are meant.

    Raises:
        BadValue: it holds for some and not for others.
    """
    x, y = (_range(who, value) for value in (a, b))
    always, never = _CERTAIN[rule](x, y), _IMPOSSIBLE[rule](x, y)
    if always == never:
        raise BadValue(
            f"{who}: can't tell, it holds for some numbers in {x.text} and {y.text} only",
            hint="ask for what is certain, such as (< (interval-sup x) 0), or split the interval",
        )
    return always


def _range(who: str, value: Any) -> Interval:
    return value.range() if value.__class__ is TaylorModel else interval_of(who, value)


_CERTAIN: dict[str, Callable[[Interval, Interval], bool]] = {
    "less": lambda x, y: x.sup < y.inf,
    "less_equal": lambda x, y: x.sup <= y.inf,
    "greater": lambda x, y: x.inf > y.sup,
    "greater_equal": lambda x, y: x.inf >= y.sup,
    "equal": lambda x, y: x.is_point and x == y,
}
_IMPOSSIBLE: dict[str, Callable[[Interval, Interval], bool]] = {
    "less": _CERTAIN["greater_equal"],
    "less_equal": _CERTAIN["greater"],
    "greater": _CERTAIN["less_equal"],
    "greater_equal": _CERTAIN["less"],
    "equal": lambda x, y: x.sup < y.inf or x.inf > y.sup,
}

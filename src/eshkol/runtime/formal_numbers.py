"""Numbers that are expressions: what a program computes with them is the expression it computes.

A procedure that is called with them does all that does not depend on their values: loops of known
length, recursion, lists, vectors, assignments. What asks for a value is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from eshkol.autodiff.plain import PLAIN
from eshkol.base.errors import BadValue
from eshkol.datum.equality import StandIn
from eshkol.datum.symbols import Symbol
from eshkol.datum.write import display_string
from eshkol.primitives.expression_data import Expression, datum_of
from eshkol.validated.enclosures import Enclosure

MOST_PARTS = 250
"""How many numbers, variables and operations an expression may be made of; its derivative may have
as many squared."""


class _Execution:
    """One call with formal numbers.

    Attributes:
        problem: what was asked of a number that has no value, also if the program went on.
    """

    def __init__(self) -> None:
        self.problem: BadValue | None = None


class Formal(Enclosure, StandIn):
    """A number that stands for an expression.

    Attributes:
        expression: the expression.
        size: how many parts it has.
        execution: the call that it takes part in.
    """

    __slots__ = ("execution", "expression", "size")

    def __init__(self, expression: Expression, size: int, execution: _Execution) -> None:
        self.expression = expression
        self.size = size
        self.execution = execution

    def __repr__(self) -> str:
        return display_string(datum_of(self.expression))

    def apply(self, who: str, rule: str, *arguments: Any) -> Formal:
        """The expression of an operation on numbers, some of which are formal."""
        parts, size = [], 1
        for argument in arguments:
            is_formal = argument.__class__ is Formal
            if not is_formal and argument.__class__ not in PLAIN:
                self.refuse(f"{who}: {argument!r} is no part of an expression")
            parts.append(argument.expression if is_formal else argument)
            size += argument.size if is_formal else 1
        if size > MOST_PARTS:
            self.refuse(f"{who}: the expression has more than {MOST_PARTS} parts")
        return Formal((_HEADS.get(rule, who), *parts), size, self.execution)

    def compare(self, who: str, rule: str, a: Any, b: Any) -> NoReturn:
        """Refused: the value is not known."""
        self.refuse(f"{who}: the value of {self!r} is not known")

    def decided(self) -> NoReturn:
        """Refused: the value is not known."""
        self.refuse(f"the value of {self!r} is not known")

    def is_number(self) -> NoReturn:
        """Refused: which kind of number it is is not known."""
        self.decided()

    def refuse(self, message: str) -> NoReturn:
        """Give up, even if the program catches the error."""
        self.execution.problem = BadValue(message)
        raise self.execution.problem


_HEADS = {"power": "expt", "atan2": "atan"}
"""The operators of rules whose callers have several names."""


def executed(function: Callable[..., Any], names: Sequence[Symbol]) -> Expression | None:
    """What a procedure gives for variables of these names; None if it asks for their values."""
    execution = _Execution()
    try:
        value = function(*(Formal(name, 1, execution) for name in names))
    except Exception:  # a procedure that is not made for symbols may fail in any way
        return None
    if execution.problem is not None:
        return None
    if value.__class__ is Formal:
        return value.expression
    return value if value.__class__ in PLAIN else None

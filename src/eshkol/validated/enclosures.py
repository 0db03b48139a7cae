"""What intervals and Taylor models share: they stand for a number that is not known exactly."""

from __future__ import annotations

from typing import Any


class Enclosure:
    """A number of which it is only known where it lies.

    Python's operators go to the operations by name, as those of Scheme programs do.
    """

    __slots__ = ()
    __array_ufunc__ = None
    """NumPy's arrays leave mixed operations to us."""

    def __add__(self, other: Any) -> Any:
        return enclosed("+", "add", self, other)

    def __radd__(self, other: Any) -> Any:
        return enclosed("+", "add", other, self)

    def __sub__(self, other: Any) -> Any:
        return enclosed("-", "subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return enclosed("-", "subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return enclosed("*", "multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return enclosed("*", "multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return enclosed("/", "divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return enclosed("/", "divide", other, self)

    def __pow__(self, other: Any) -> Any:
        return enclosed("expt", "power", self, other)

    def __neg__(self) -> Any:
        return enclosed("-", "negate", self)

    def __abs__(self) -> Any:
        return enclosed("abs", "abs", self)


def enclosed(who: str, rule: str, *arguments: Any) -> Any:
    """The operation ``rule`` on enclosures and numbers in any mix; ``who`` is named in errors."""
    from eshkol.validated.operations import apply

    return apply(who, rule, *arguments)

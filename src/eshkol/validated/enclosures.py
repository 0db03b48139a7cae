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

    def apply(self, who: str, rule: str, *arguments: Any) -> Any:
        """The operation ``rule`` on numbers of which this is one."""
        from eshkol.validated.operations import apply

        return apply(who, rule, *arguments)

    def compare(self, who: str, rule: str, a: Any, b: Any) -> bool:
        """Whether a comparison holds for two numbers of which this is one."""
        from eshkol.validated.operations import compare

        return compare(who, rule, a, b)

    def is_number(self) -> bool:
        """Whether ``number?`` counts it as a number."""
        return False

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
    return _first(arguments).apply(who, rule, *arguments)


def compared(who: str, rule: str, a: Any, b: Any) -> bool:
    """Whether a comparison holds for two numbers, one of them an enclosure."""
    return _first((a, b)).compare(who, rule, a, b)


def _first(arguments: tuple[Any, ...]) -> Enclosure:
    return next(argument for argument in arguments if isinstance(argument, Enclosure))

"""Numbers that carry derivatives: what their two kinds share."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, ClassVar

from eshkol.autodiff import rules
from eshkol.autodiff.operations import OPERATIONS, absolute, real_primals
from eshkol.autodiff.perturbations import TAGGED, primal, settled
from eshkol.autodiff.plain import PLAIN
from eshkol.base.errors import WrongType


def _methods(operation: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The methods of a binary operator for the left operand and for the right one."""

    def right(self: Any, other: Any) -> Any:
        return operation(other, self)

    return operation, right


def _of_primal(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method that works on the plain value: for what has no slope, or is only shown."""

    def method(self: Any, *arguments: Any) -> Any:
        return function(primal(self), *arguments)

    return method


def _comparison(name: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def method(self: Any, other: Any) -> bool:
        return compare(*real_primals(name, self, other))

    return method


def _would_lose(conversion: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A conversion that keeps the value and drops the derivative: an error while it matters."""

    def method(self: Any) -> Any:
        value = settled(self)
        if value.__class__ in TAGGED:
            raise WrongType(
                f"{conversion.__name__}: expected a plain number, got {value!r} under "
                "differentiation",
                hint="its derivative would be lost; where that is meant: (stop-gradient x)",
            )
        return conversion(value)

    return method


class Differentiable:
    """A number that carries derivatives; has Python's operators, with Scheme's arithmetic.

    Comparisons look at the plain value, so control flow follows it. Hashing is by identity.

    Attributes:
        tag: the perturbation it belongs to.
        value: the number itself, as the perturbations of lesser tags see it.
    """

    __slots__ = ()
    __array_ufunc__: ClassVar[None] = None  # NumPy leaves mixed operations to us

    tag: int
    value: Any

    def __init_subclass__(cls) -> None:
        TAGGED.add(cls)

    __add__, __radd__ = _methods(rules.ADD.operation)
    __sub__, __rsub__ = _methods(rules.SUBTRACT.operation)
    __mul__, __rmul__ = _methods(rules.MULTIPLY.operation)
    __truediv__, __rtruediv__ = _methods(rules.DIVIDE.operation)
    __pow__, __rpow__ = _methods(rules.power)
    __mod__, __rmod__ = _methods(OPERATIONS["modulo"])
    __floordiv__, __rfloordiv__ = _methods(OPERATIONS["floor-quotient"])
    __neg__ = rules.NEGATE.operation
    __abs__ = absolute
    __lt__ = _comparison("<", operator.lt)
    __le__ = _comparison("<=", operator.le)
    __gt__ = _comparison(">", operator.gt)
    __ge__ = _comparison(">=", operator.ge)
    __hash__ = object.__hash__

    def __pos__(self) -> Differentiable:
        return self

    def __eq__(self, other: object) -> Any:
        other = primal(other)
        return primal(self) == other if other.__class__ in PLAIN else NotImplemented

    __float__ = _would_lose(float)
    __int__ = _would_lose(int)
    __complex__ = _would_lose(complex)
    __index__ = _would_lose(operator.index)
    __bool__ = _would_lose(bool)
    __floor__ = _of_primal(math.floor)
    __ceil__ = _of_primal(math.ceil)
    __trunc__ = _of_primal(math.trunc)
    __round__ = _of_primal(round)
    __format__ = _of_primal(format)

    def __repr__(self) -> str:
        from eshkol.datum.write import write_string

        return write_string(primal(self))

    def __scheme_parts__(self) -> tuple[Any]:
        return (primal(self),)

"""Truncated Taylor numbers: forward mode to any order.

A :class:`Taylor` number holds the coefficients of ``f(x + t)`` in powers of ``t``, up to an order
that is the same for all numbers of a perturbation; coefficients it does not list are zero. First
order has a short way through the partials of a rule, higher orders go through its recurrence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.autodiff.numbers import Differentiable
from eshkol.autodiff.perturbations import OPEN
from eshkol.autodiff.plain import add, multiply
from eshkol.autodiff.rules import Rule
from eshkol.autodiff.series import Series, chain_term


class Taylor(Differentiable):
    """A power series, truncated after ``order``, in the perturbation ``tag``."""

    __slots__ = ("coefficients", "order", "tag")

    def __init__(self, tag: int, order: int, coefficients: Series) -> None:
        self.tag = tag
        self.order = order
        self.coefficients = coefficients

    @property
    def value(self) -> Any:
        """The constant coefficient."""
        return self.coefficients[0]

    def part(self, take: Callable[[Any], Any]) -> Any:
        """The real or the imaginary part: that of each coefficient."""
        return Taylor(self.tag, self.order, [take(c) for c in self.coefficients])

    def through(self, rule: Rule) -> Any:
        """``rule`` of this number."""
        a = self.coefficients
        value = rule.operation(a[0])
        if self.tag not in OPEN:
            return value
        if self.order == 1:
            return Taylor(self.tag, 1, (value, multiply(rule.partials[0](a[0], value), a[1])))
        return self._series(rule, value, a)

    def before(self, rule: Rule, y: Any) -> Any:
        """``rule`` of this number and a constant."""
        a = self.coefficients
        x = a[0]
        value = rule.operation(x, y)
        if self.tag not in OPEN:
            return value
        if self.order == 1:
            return Taylor(self.tag, 1, (value, multiply(rule.partials[0](x, y, value), a[1])))
        return self._series(rule, value, a, (y,))

    def after(self, rule: Rule, x: Any) -> Any:
        """``rule`` of a constant and this number."""
        b = self.coefficients
        y = b[0]
        value = rule.operation(x, y)
        if self.tag not in OPEN:
            return value
        if self.order == 1:
            return Taylor(self.tag, 1, (value, multiply(rule.partials[1](x, y, value), b[1])))
        return self._series(rule, value, (x,), b)

    def with_peer(self, rule: Rule, other: Taylor) -> Any:
        """``rule`` of this number and another of the same perturbation."""
        a, b = self.coefficients, other.coefficients
        x, y = a[0], b[0]
        value = rule.operation(x, y)
        if self.tag not in OPEN:
            return value
        if self.order == 1:
            of_x, of_y = rule.partials
            slope = add(multiply(of_x(x, y, value), a[1]), multiply(of_y(x, y, value), b[1]))
            return Taylor(self.tag, 1, (value, slope))
        return self._series(rule, value, a, b)

    def _series(self, rule: Rule, value: Any, *arguments: Series) -> Any:
        if rule.series is None:
            coefficients = self._integrate(rule, value, arguments)
        else:
            coefficients = rule.series(rule.partials[0], self.order, value, *arguments)
        return Taylor(self.tag, self.order, coefficients)

    def _integrate(self, rule: Rule, value: Any, arguments: tuple[Series, ...]) -> list[Any]:
        """The series whose derivative is the sum of partials times derivatives of arguments."""
        points = [self._truncated(argument) for argument in arguments]
        rest: list[Any] = [0] * self.order
        for argument, partial in zip(arguments, rule.partials, strict=True):
            if len(argument) > 1:
                slope = self._coefficients_of(partial(*points, None))
                for k in range(1, self.order + 1):
                    rest[k - 1] = add(rest[k - 1], chain_term(argument, slope, k))
        return [value, *rest]

    def _truncated(self, argument: Series) -> Any:
        """The number of the series ``argument``, of one order less."""
        if len(argument) == 1:
            return argument[0]
        return Taylor(self.tag, self.order - 1, argument[: self.order])

    def _coefficients_of(self, number: Any) -> Series:
        if number.__class__ is Taylor and number.tag == self.tag:
            return number.coefficients
        return (number,)

"""Tapes: reverse mode over Python numbers.

A :class:`Tape` lists, in the order of their creation, the steps of one evaluation: for each node,
the places of the nodes it came from and its partial derivatives with respect to them. Partials are
numbers of any kind but this tape's, so that they can be differentiated in turn. Going through the
list backwards once gives the derivatives of one node with respect to all others; the list is
freed then. Source: Wengert, "A simple automatic derivative evaluation program", 1964.
"""

from __future__ import annotations

from typing import Any

from eshkol.autodiff.numbers import Differentiable
from eshkol.autodiff.plain import add, multiply
from eshkol.autodiff.rules import Rule


class Tape:
    """The steps of one evaluation; ``steps`` is None when it is over."""

    __slots__ = ("steps", "tag")

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self.steps: list[tuple[Any, ...]] | None = []

    def variable(self, value: Any) -> TapeNode:
        """A node that came from no other."""
        return self.record(value, ())

    def record(self, value: Any, step: tuple[Any, ...]) -> Any:
        """The node of ``value``, whose origins and partials are ``step``, in turn."""
        steps = self.steps
        if steps is None:
            return value
        steps.append(step)
        return TapeNode(self, len(steps) - 1, value)

    def close(self) -> None:
        """Free the steps; nodes that are still held count as plain values from now on."""
        self.steps = None

    def gradient(self, result: int, count: int) -> list[Any]:
        """The partials of node ``result`` with respect to the first ``count`` nodes.

        None stands for one that ``result`` does not depend on.
        """
        adjoints: list[Any] = [None] * max(result + 1, count)
        adjoints[result] = 1
        steps = self.steps or []
        for place in range(result, count - 1, -1):
            adjoint = adjoints[place]
            if adjoint is None:
                continue
            step = steps[place]
            _accumulate(adjoints, step[0], multiply(adjoint, step[1]))
            if len(step) == 4:
                _accumulate(adjoints, step[2], multiply(adjoint, step[3]))
        return adjoints[:count]


def _accumulate(adjoints: list[Any], place: int, contribution: Any) -> None:
    present = adjoints[place]
    adjoints[place] = contribution if present is None else add(present, contribution)


class TapeNode(Differentiable):
    """A number whose origin is written on a tape."""

    __slots__ = ("place", "tag", "tape", "value")

    def __init__(self, tape: Tape, place: int, value: Any) -> None:
        self.tape = tape
        self.tag = tape.tag
        self.place = place
        self.value = value

    def through(self, rule: Rule) -> Any:
        """``rule`` of this number."""
        x = self.value
        value = rule.operation(x)
        return self.tape.record(value, (self.place, rule.partials[0](x, value)))

    def before(self, rule: Rule, y: Any) -> Any:
        """``rule`` of this number and a constant."""
        x = self.value
        value = rule.operation(x, y)
        return self.tape.record(value, (self.place, rule.partials[0](x, y, value)))

    def after(self, rule: Rule, x: Any) -> Any:
        """``rule`` of a constant and this number."""
        y = self.value
        value = rule.operation(x, y)
        return self.tape.record(value, (self.place, rule.partials[1](x, y, value)))

    def with_peer(self, rule: Rule, other: TapeNode) -> Any:
        """``rule`` of this number and another of the same tape."""
        x, y = self.value, other.value
        value = rule.operation(x, y)
        of_x, of_y = rule.partials
        step = (self.place, of_x(x, y, value), other.place, of_y(x, y, value))
        return self.tape.record(value, step)

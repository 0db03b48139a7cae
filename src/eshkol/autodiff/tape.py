"""Tapes: reverse mode over Python numbers.

A :class:`Tape` lists, in the order of their creation, the steps of one evaluation: for each node,
the places of the nodes it came from and its partial derivatives with respect to them. Partials are
numbers of any kind but this tape's, so that they can be differentiated in turn. Going through the
list backwards once gives the derivatives of one node with respect to all others, going through it
forwards those of all nodes along one direction; the list is freed then. Source: Wengert, "A simple
automatic derivative evaluation program", 1964.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.autodiff.numbers import Differentiable
from eshkol.autodiff.perturbations import NeedsForward
from eshkol.autodiff.plain import add, multiply
from eshkol.autodiff.rules import Rule


class Tape:
    """The steps of one evaluation; ``steps`` is None when it is over."""

    __slots__ = ("calls", "steps", "tag")

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self.steps: list[Any] | None = []
        self.calls = 0

    def variable(self, value: Any) -> TapeNode:
        """A node that came from no other."""
        return self.record(value, ())

    def record(self, value: Any, step: Any) -> Any:
        """The node of ``value``, whose origins and partials are ``step``, in turn."""
        steps = self.steps
        if steps is None:
            return value
        steps.append(step)
        return TapeNode(self, len(steps) - 1, value)

    def record_call(
        self, pull: Callable[[list[Any]], list[Any]], origins: list[int | None], count: int
    ) -> list[Any]:
        """Nodes of value zero that carry the derivatives of a call with a rule of its own.

        Args:
            pull: gives, for factors of the ``count`` results, those of the arguments.
            origins: the places of the arguments; None for one that is no node of this tape.
            count: how many results the call has.
        """
        steps = self.steps
        if steps is None:
            return [0] * count
        self.calls += 1
        call = PulledBack(len(steps), pull, origins, count)
        steps.append(call)
        return [self.record(0, call) for _ in range(count)]

    def close(self) -> None:
        """Free the steps; nodes that are still held count as plain values from now on."""
        self.steps = None


class PulledBack:
    """The steps of a call with a rule of its own: one for the call, then one for each result.

    Going backwards through a result marks the step of the call as wanted; the call is come to
    when the factors of all results are known.
    """

    __slots__ = ("count", "origins", "place", "pull")

    def __init__(
        self,
        place: int,
        pull: Callable[[list[Any]], list[Any]],
        origins: list[int | None],
        count: int,
    ) -> None:
        self.place = place
        self.pull = pull
        self.origins = origins
        self.count = count

    def go_back(self, place: int, found: list[Any]) -> None:
        """Go backwards through this step, at ``place``."""
        if place != self.place:
            found[self.place] = 1
            return
        known = found[place + 1 : place + 1 + self.count]
        known += [None] * (self.count - len(known))
        factors = [0 if factor is None else factor for factor in known]
        for origin, part in zip(self.origins, self.pull(factors), strict=True):
            if origin is not None:
                _accumulate(found, origin, part)


Steps = list[Any]
"""Of tuples of origins and partials in turn, and of :class:`PulledBack`."""


def adjoints(steps: Steps, seeds: dict[int, Any], count: int) -> list[Any]:
    """Going backwards: the derivatives, with respect to the first ``count`` nodes, of a sum.

    Args:
        steps: of a tape, which may be over.
        seeds: the nodes of the sum by their places, with their factors.
        count: how many nodes came from no other.

    Returns:
        For each of those nodes a number, or None if the sum does not depend on it.
    """
    last = max(seeds, default=-1)
    found: list[Any] = [None] * max(last + 1, count)
    for place, factor in seeds.items():
        found[place] = factor
    for place in range(last, count - 1, -1):
        adjoint = found[place]
        if adjoint is None:
            continue
        step = steps[place]
        if step.__class__ is PulledBack:
            step.go_back(place, found)
            continue
        _accumulate(found, step[0], multiply(adjoint, step[1]))
        if len(step) == 4:
            _accumulate(found, step[2], multiply(adjoint, step[3]))
    return found[:count]


def tangents(steps: Steps, seeds: dict[int, Any]) -> list[Any]:
    """Going forwards: the derivatives of all nodes along a direction of the first ones.

    Args:
        steps: of a tape, which may be over.
        seeds: the direction: factors of nodes that came from no other, by their places.

    Returns:
        For each node a number, or None if it does not depend on those.
    """
    found: list[Any] = [None] * len(steps)
    for place, step in enumerate(steps):
        if place in seeds:
            found[place] = seeds[place]
        for origin in range(0, len(step), 2):
            tangent = found[step[origin]]
            if tangent is not None:
                _accumulate(found, place, multiply(tangent, step[origin + 1]))
    return found


def _accumulate(found: list[Any], place: int, contribution: Any) -> None:
    present = found[place]
    found[place] = contribution if present is None else add(present, contribution)


class TapeNode(Differentiable):
    """A number whose origin is written on a tape."""

    __slots__ = ("place", "tag", "tape", "value")

    def __init__(self, tape: Tape, place: int, value: Any) -> None:
        self.tape = tape
        self.tag = tape.tag
        self.place = place
        self.value = value

    def part(self, take: Callable[[Any], Any]) -> Any:
        """The real or the imaginary part, of which there is no complex slope."""
        raise NeedsForward(self.tag)

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

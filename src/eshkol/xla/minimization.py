"""Minimizers on tensors: the algorithms of ``primitives.minimizers`` in compiled loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.primitives.minimizers import SMALLEST_CURVATURE
from eshkol.runtime.dialects import staged
from eshkol.xla.control import staging
from eshkol.xla.directions import Traced, gradient_of, shown, split
from eshkol.xla.dtypes import wide
from eshkol.xla.effects import failures
from eshkol.xla.loop_primitive import loop
from eshkol.xla.tensors import cast
from eshkol.xla.transforms import check_has_forward_mode
from eshkol.xla.witness import tracer_of


class TensorArithmetic:
    """Arithmetic on all numbers of a point as one tensor of rank 1."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced
        self.start = join(traced.arrays)

    def number(self, value: Any) -> Any:
        """A setting in the dtype of the point."""
        value = tracer_of(value)
        return jnp.asarray(value, self.start.dtype) if value.__class__ is not int else value

    def value(self, x: Any) -> Any:
        return cast(self.traced.scalar(split(x, self.traced.arrays)), x.dtype)

    def gradient(self, x: Any) -> Any:
        return cast(join(gradient_of(self.traced)(split(x, self.traced.arrays))), x.dtype)

    def value_and_gradient(self, x: Any) -> tuple[Any, Any]:
        arrays = split(x, self.traced.arrays)
        try:
            value, partials = jax.value_and_grad(self.traced.scalar)(arrays)
        except ValueError as error:
            check_has_forward_mode(self.traced.who, error, arrays)
            return self.value(x), self.gradient(x)
        return cast(value, x.dtype), cast(join(partials), x.dtype)

    def each(self, function: Callable[..., Any], *points: Any) -> Any:
        return function(*points)

    def sqrt(self, x: Any) -> Any:
        return jnp.sqrt(x)

    def dot(self, x: Any, y: Any) -> Any:
        return jnp.dot(x, y)

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        return jnp.where(condition, x, y)

    def repeat(
        self,
        test: Callable[..., Any],
        step: Callable[..., tuple[Any, ...]],
        state: tuple[Any, ...],
    ) -> tuple[Any, ...]:
        first = tuple(self._in_state(part) for part in state)
        return loop(lambda s: test(*s), lambda s: step(*s), first)

    def _in_state(self, part: Any) -> Any:
        if part.__class__ is int:
            return jnp.asarray(part, "int32")
        return self.number(part) if part.__class__ is float else part

    def no_pairs(self, count: int, x: Any) -> Any:
        zeros = jnp.zeros((count, *x.shape), x.dtype)
        return zeros, zeros, jnp.zeros(count, x.dtype)

    def remember(self, history: Any, s: Any, y: Any, curvature: Any) -> Any:
        is_positive = curvature > SMALLEST_CURVATURE
        reciprocal = 1.0 / jnp.where(is_positive, curvature, 1.0)
        return tuple(
            jnp.where(is_positive, jnp.concatenate([new[None], old[:-1]]), old)
            for new, old in zip((s, y, reciprocal), history, strict=True)
        )

    def pairs(self, history: Any) -> Sequence[tuple[Any, Any, Any]]:
        # Pairs that are not there yet are zeros, which change nothing.
        return list(zip(*history, strict=True))


def join(arrays: Sequence[Any]) -> Any:
    """All numbers of a point as one tensor of rank 1."""
    return jnp.concatenate([array.reshape(-1) for array in arrays])


def minimum(
    who: str, algorithm: Callable[..., Any], function: Any, value: Any, settings: Sequence[Any]
) -> Any:
    """Where an algorithm gets to, in the structure of the point ``value``."""
    with wide(), failures():
        traced = Traced(who, _in_loops(function), value, is_called_once=False)
        arithmetic = TensorArithmetic(traced)
        numbers = [arithmetic.number(setting) for setting in settings]
        found = algorithm(arithmetic, arithmetic.start, *numbers)
        return traced.point.gradient(split(found, traced.arrays))


def line_search(
    function: Any, value: Any, direction: Any, gradient: Any, settings: Sequence[Any]
) -> Any:
    """How far to go along a direction."""
    from eshkol.primitives import minimizers

    with wide(), failures():
        traced = Traced("line-search", _in_loops(function), value, is_called_once=False)
        arithmetic = TensorArithmetic(traced)
        others = [join(traced.direction(part)) for part in (direction, gradient)]
        numbers = [arithmetic.number(setting) for setting in settings]
        return shown(minimizers.line_search(arithmetic, arithmetic.start, *others, *numbers))


def _in_loops(function: Any) -> Any:
    """A procedure as the body of a compiled loop calls it."""
    body = staged(function)
    return lambda *arguments: staging(body, *arguments)

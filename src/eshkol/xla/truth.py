"""Conditions that are traced or known, joined."""

from __future__ import annotations

from typing import Any

from jax import lax

from eshkol.xla.witness import tracer_of


def conjunction(first: Any, second: Any) -> Any:
    """The conjunction of two conditions, traced or True."""
    first, second = tracer_of(first), tracer_of(second)
    if first is True or second is True:
        return second if first is True else first
    return first if first is second else lax.bitwise_and(first, second)


def disjunction(first: Any, second: Any) -> Any:
    """The disjunction of two conditions, traced or known."""
    first, second = tracer_of(first), tracer_of(second)
    if first is True or second is True:
        return True
    return second if first is False or first is second else lax.bitwise_or(first, second)

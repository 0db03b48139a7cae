"""Jaxprs without their callbacks: what may run once more than the program says.

The derivative of a loop runs its trips again. What the trips print, and the errors they raise,
belong to the first run alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax

from eshkol.xla._compat import ClosedJaxpr, Jaxpr, JaxprEqn, weakref_lru_cache

CALLBACKS = ("debug_callback", "debug_print")
"""Primitives that only tell; those whose results the program uses have to stay."""


@weakref_lru_cache
def silenced(jaxpr: ClosedJaxpr) -> ClosedJaxpr:
    """The jaxpr without what it prints."""
    return _silence(jaxpr) if jaxpr.effects else jaxpr


def _silence(jaxpr: Any) -> Any:
    inner = getattr(jaxpr, "jaxpr", jaxpr)
    equations = [_silence_equation(e) for e in inner.eqns if e.primitive.name not in CALLBACKS]
    effects = frozenset().union(*(equation.effects for equation in equations))
    quiet = inner.replace(eqns=equations, effects=effects)
    return ClosedJaxpr(quiet, jaxpr.consts) if isinstance(jaxpr, ClosedJaxpr) else quiet


def _silence_equation(equation: JaxprEqn) -> JaxprEqn:
    """The equation with the jaxprs in its parameters silenced."""
    if not equation.effects or not any(True for _ in inner_jaxprs(equation)):
        return equation
    parameters = {
        name: jax.tree.map(
            lambda leaf: _silence(leaf) if _is_jaxpr(leaf) else leaf, value, is_leaf=_is_jaxpr
        )
        for name, value in equation.params.items()
    }
    quiet = equation.replace(params=parameters)
    heard = frozenset().union(*(jaxpr.effects for jaxpr in inner_jaxprs(quiet)))
    return quiet.replace(effects=frozenset(equation.effects) & heard)


def inner_jaxprs(equation: JaxprEqn) -> Iterator[Any]:
    """The jaxprs among the parameters of an equation: branches, bodies."""
    leaves = jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr)
    return (leaf for leaf in leaves if _is_jaxpr(leaf))


def _is_jaxpr(value: Any) -> bool:
    return isinstance(value, ClosedJaxpr | Jaxpr)

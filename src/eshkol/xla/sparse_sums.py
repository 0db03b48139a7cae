"""Sums with arrays that are zero but in the places that were read.

What reads an element of an array is, backwards, an array of zeros with one number in it, which is
added to what there is so far: all of the array is touched for the sake of one number. Here the
number is added where it belongs. So a loop that goes through an array takes as long backwards as
forwards, up to a factor, however long the array is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax import lax

from eshkol.xla._compat import ClosedJaxpr, JaxprEqn, Literal, evaluate

Values = list[Any]

READING = ("dynamic_slice", "gather")
"""Primitives that read places of an array which may differ from trip to trip, …"""

ADDING = ("dynamic_update_slice", "scatter-add")
"""… and what they are backwards."""

ENTERED = ("jit", "pjit")
"""Calls of which the parts count."""


@dataclass(frozen=True)
class Sparse:
    """An array of zeros to which something was added in some places.

    Attributes:
        aval: its type.
        additions: each adds to places of an array, in order.
    """

    aval: Any
    additions: tuple[Callable[[Any], Any], ...] = ()

    def added_to(self, array: Any) -> Any:
        for add in self.additions:
            array = add(array)
        return array

    def dense(self) -> Any:
        return self.added_to(lax.full(self.aval.shape, 0, self.aval.dtype))


def reads_places(jaxpr: ClosedJaxpr) -> bool:
    """Whether a program reads places of arrays."""
    return _has(READING, jaxpr)


def _has(names: Sequence[str], jaxpr: ClosedJaxpr) -> bool:
    return any(
        equation.primitive.name in names
        or (equation.primitive.name in ENTERED and _has(names, equation.params["jaxpr"]))
        for equation in jaxpr.jaxpr.eqns
    )


def with_sparse_sums(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of arrays gives, which is traced and computed with sparse sums."""
    jaxpr, result = jax.make_jaxpr(function, return_shape=True)(*arguments)
    values = _evaluated(jaxpr, jax.tree.leaves(arguments))
    return jax.tree.unflatten(jax.tree.structure(result), list(map(_dense, values)))


def _evaluated(jaxpr: ClosedJaxpr, arguments: Values) -> Values:
    known: dict[Any, Any] = dict(zip(jaxpr.jaxpr.constvars, jaxpr.consts, strict=True))
    known |= zip(jaxpr.jaxpr.invars, arguments, strict=True)

    def value(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.jaxpr.eqns:
        results = _results(equation, [value(atom) for atom in equation.invars])
        known |= zip(equation.outvars, results, strict=True)
    return [value(atom) for atom in jaxpr.jaxpr.outvars]


def _results(equation: JaxprEqn, inputs: Values) -> Values:
    match equation.primitive.name:
        case "broadcast_in_dim" if isinstance(equation.invars[0], Literal) and inputs[0] == 0:
            return [Sparse(equation.outvars[0].aval)]
        case "dynamic_update_slice" if _is_zero(inputs[0]):
            return [_with(inputs[0], lambda x: _add_slice(x, *map(_dense, inputs[1:])))]
        case "scatter-add" if isinstance(inputs[0], Sparse):
            rest = list(map(_dense, inputs[1:]))
            return [_with(inputs[0], lambda x: evaluate(equation, [x, *rest])[0])]
        case name if name in ENTERED and _has(ADDING, equation.params["jaxpr"]):
            return _evaluated(equation.params["jaxpr"], inputs)
        case "add" | "add_any" if isinstance(inputs[0], Sparse) or isinstance(inputs[1], Sparse):
            return [_sum(*inputs)]
    return evaluate(equation, list(map(_dense, inputs)))


def _is_zero(value: Any) -> bool:
    return isinstance(value, Sparse) and not value.additions


def _with(array: Sparse, add: Callable[[Any], Any]) -> Sparse:
    return Sparse(array.aval, (*array.additions, add))


def _add_slice(array: Any, update: Any, *starts: Any) -> Any:
    before = lax.dynamic_slice(array, starts, update.shape)
    return lax.dynamic_update_slice(array, lax.add(before, update), starts)


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, Sparse) and isinstance(other, Sparse):
        return Sparse(one.aval, one.additions + other.additions)
    return other.added_to(one) if isinstance(other, Sparse) else one.added_to(other)


def _dense(value: Any) -> Any:
    return value.dense() if isinstance(value, Sparse) else value

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
import numpy as np
from jax import lax

from eshkol.xla._compat import ClosedJaxpr, JaxprEqn, Literal, evaluate
from eshkol.xla.place_order import READING, WRITING, read_first, written_after

Values = list[Any]

ADDING = ("dynamic_update_slice", "scatter-add", "scatter")
"""What reads and writes places of an array is one of these backwards."""

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


def has_places(jaxpr: ClosedJaxpr) -> bool:
    """Whether a program reads or writes places of arrays."""
    return has_primitives((*READING, *WRITING), jaxpr)


def has_primitives(names: Sequence[str], jaxpr: ClosedJaxpr) -> bool:
    """Whether one of these primitives is in a program."""
    return any(
        equation.primitive.name in names
        or (equation.primitive.name in ENTERED and has_primitives(names, equation.params["jaxpr"]))
        for equation in jaxpr.jaxpr.eqns
    )


def with_sparse_sums(function: Callable[..., Any], never: Any, *arguments: Any) -> Any:
    """What a function of arrays gives, which is traced and computed with sparse sums.

    Args:
        function: any.
        never: a boolean that is false, which the compiler does not know: places of an array are
            read before others are written. None: in any order.
        arguments: of the function, pytrees.
    """
    jaxpr, result = jax.make_jaxpr(function, return_shape=True)(*arguments)
    values = _evaluated(jaxpr, jax.tree.leaves(arguments), never)
    return jax.tree.unflatten(jax.tree.structure(result), list(map(_dense, values)))


def _evaluated(jaxpr: ClosedJaxpr, arguments: Values, never: Any) -> Values:
    known: dict[Any, Any] = dict(zip(jaxpr.jaxpr.constvars, jaxpr.consts, strict=True))
    known |= zip(jaxpr.jaxpr.invars, arguments, strict=True)

    def value(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else known[atom]

    for number, equation in enumerate(jaxpr.jaxpr.eqns):
        if equation.outvars and all(variable in known for variable in equation.outvars):
            continue
        inputs = [value(atom) for atom in equation.invars]
        if never is not None and _writes_numbers(equation, inputs):
            reads = _reads_of_the_same(equation, jaxpr.jaxpr.eqns[number + 1 :], known)
            if reads:
                arguments = [[_dense(value(atom)) for atom in read.invars] for read in reads]
                found = [evaluate(*pair)[0] for pair in zip(reads, arguments, strict=True)]
                found = read_first(found, never)
                known |= zip([read.outvars[0] for read in reads], found, strict=True)
                inputs = written_after(equation, list(map(_dense, inputs)), found, never)
        known |= zip(equation.outvars, _results(equation, inputs, never), strict=True)
    return [value(atom) for atom in jaxpr.jaxpr.outvars]


def _writes_numbers(equation: JaxprEqn, inputs: Values) -> bool:
    """Whether an equation writes places of an array that is there."""
    if equation.primitive.name not in WRITING or isinstance(inputs[0], Sparse):
        return False
    array: Any = equation.invars[0].aval
    return isinstance(array.dtype, np.dtype)


def _reads_of_the_same(
    write: JaxprEqn, later: Sequence[JaxprEqn], known: dict[Any, Any]
) -> list[JaxprEqn]:
    """The equations that read places of the array which ``write`` changes, if they can already."""
    return [
        equation
        for equation in later
        if equation.primitive.name in READING
        and equation.invars[0] is write.invars[0]
        and all(isinstance(atom, Literal) or atom in known for atom in equation.invars)
    ]


def _results(equation: JaxprEqn, inputs: Values, never: Any) -> Values:
    match equation.primitive.name:
        case "broadcast_in_dim" if isinstance(equation.invars[0], Literal) and inputs[0] == 0:
            return [Sparse(equation.outvars[0].aval)]
        case "dynamic_update_slice" if _is_zero(inputs[0]):
            return [_with(inputs[0], lambda x: _add_slice(x, *map(_dense, inputs[1:])))]
        case "scatter-add" if isinstance(inputs[0], Sparse):
            rest = list(map(_dense, inputs[1:]))
            return [_with(inputs[0], lambda x: evaluate(equation, [x, *rest])[0])]
        case name if name in ENTERED and has_primitives(ADDING, equation.params["jaxpr"]):
            return _evaluated(equation.params["jaxpr"], inputs, never)
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

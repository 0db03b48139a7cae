"""Branches that cost less than choosing between them.

A conditional in the compiled program ends what XLA fuses and takes about a microsecond; in a loop
whose trips do little that is most of the time. Where both branches are short and have no effects,
both are computed and their values selected.

A value that a branch takes from outside keeps its gradient only where the branch is taken: zero
times the infinite slope of, say, a square root at zero is no zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.xla._compat import ClosedJaxpr, Literal
from eshkol.xla.merging import Joined
from eshkol.xla.parts import Part
from eshkol.xla.silence import inner_jaxprs

MOST_EQUATIONS = 24
"""So many operations a cheap branch has at most, …"""

MOST_NUMBERS = 256
"""… which give so many numbers in all; …"""

MOST_NUMBERS_OF_TESTS = 2**15
"""… so many if what they give is a test or an index, which has no gradient."""

CHEAP = frozenset(
    """
    abs add and argmax argmin atan2 broadcast_in_dim ceil clamp concatenate convert_element_type
    copy cos div dynamic_slice dynamic_update_slice eq exp exp2 expand_dims expm1 floor gather ge
    gt integer_pow iota is_finite le log log1p logistic lt max min mul ne neg nextafter not or pow
    real imag reduce_and reduce_max reduce_min reduce_or reduce_sum rem reshape rev round rsqrt
    select_n shift_left shift_right_arithmetic shift_right_logical sign sin slice sqrt square
    squeeze stop_gradient sub tan tanh transpose xor
    """.split()
)
"""Operations of which each number costs little."""

LINEAR = frozenset(
    """
    add add_any broadcast_in_dim concatenate convert_element_type copy dynamic_slice eq expand_dims
    ge gt iota le lt ne neg reduce_sum reshape rev select_n slice squeeze sub transpose
    """.split()
)
"""Operations whose slopes are finite whatever they are given."""

_CONTAINERS = frozenset(["jit", "pjit", "closed_call", "custom_jvp_call"])


def are_cheap(parts: list[Part], leaves: list[Any]) -> bool:
    """Whether both branches had better be computed.

    Args:
        parts: the branches.
        leaves: of what they give together.
    """
    most = MOST_NUMBERS if has_gradient(leaves) else MOST_NUMBERS_OF_TESTS
    for part in parts:
        cost = None if part.jaxpr.effects else _cost(part.jaxpr)
        if cost is None or cost[0] > MOST_EQUATIONS or cost[1] > most:
            return False
    return True


def has_gradient(leaves: list[Any]) -> bool:
    """Whether what is chosen may have one: some of it is no truth value and no integer."""
    chosen = [leaf for leaf in leaves if isinstance(leaf, Joined)]
    return any(jnp.issubdtype(leaf.dtype, jnp.inexact) for leaf in chosen)


def _cost(jaxpr: Any) -> tuple[int, int] | None:
    """How many operations, and how many numbers they give; None if some may cost much."""
    operations = numbers = 0
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        name = equation.primitive.name
        if name in CHEAP:
            operations += 1
            numbers += sum(variable.aval.size for variable in equation.outvars)
            continue
        inner = [_cost(part) for part in inner_jaxprs(equation)] if name in _CONTAINERS else [None]
        for cost in inner:
            if cost is None:
                return None
            operations, numbers = operations + cost[0], numbers + cost[1]
    return operations, numbers


def masked(part: Part, taken: Any) -> Part:
    """A branch through which gradients go only where it is ``taken``."""
    if all(map(_is_linear, part.jaxpr.eqns)):
        return part
    constants = [_masked(constant, taken) for constant in part.jaxpr.consts]
    return replace(part, jaxpr=ClosedJaxpr(part.jaxpr.jaxpr, constants))


def _is_linear(equation: Any) -> bool:
    """Whether zero times a slope of this operation is zero."""
    if equation.primitive.name == "mul":
        return any(isinstance(x, Literal) and np.isfinite(x.val) for x in equation.invars)
    return equation.primitive.name in LINEAR


def _masked(constant: Any, taken: Any) -> Any:
    if not jnp.issubdtype(jnp.result_type(constant), jnp.inexact):
        return constant
    return lax.select(taken, constant, lax.stop_gradient(constant))

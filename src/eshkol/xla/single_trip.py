"""Doubles where JAX has none: what is computed with them is a loop of one trip.

Eshkol's numbers are doubles also where JAX's 64-bit flag is off, since each of our rules switches
it on. Where Python hands a procedure to ``jax.grad`` itself, though, JAX differentiates and
transposes by its own rules after we have returned, with the flag off, and the zeros and constants
that those make have 32 bits. The rules of :mod:`eshkol.xla.loop_primitive` switch it on for all
that is inside of a loop. So programs and operations are loops there, of one trip, which XLA takes
for what they are: no loop is left in what it compiles.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.xla._compat import Jaxpr, enable_x64, jaxpr_as_fun
from eshkol.xla.dtypes import COMPLEX128, FLOAT64, wide
from eshkol.xla.equations import inner_jaxprs
from eshkol.xla.loop_primitive import loop

_DOUBLES = frozenset({FLOAT64, COMPLEX128})

_SAFE = frozenset(
    """add sub mul div neg exp log sin cos reduce_sum broadcast_in_dim reshape transpose
    squeeze convert_element_type eq ne lt le gt ge and or not iota copy select_n""".split()
)
"""Primitives whose rules make neither zeros nor constants."""


@functools.cache
def kernel_apart(function: Callable[..., Any], static: tuple[str, ...]) -> Callable[..., Any]:
    """A function of arrays and of static parameters as a kernel that JAX's own rules may meet."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        leaves, structure = jax.tree.flatten((arguments, options))
        places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)]

        def inside(*arrays: Any) -> Any:
            given = dict(zip(places, arrays, strict=True))
            filled = [given.get(place, leaf) for place, leaf in enumerate(leaves)]
            positional, named = jax.tree.unflatten(structure, filled)
            return function(*positional, **named)

        return in_one_trip(inside)(*[leaves[place] for place in places])

    return jax.jit(run, static_argnames=static)


def may_be_needed(leaves: Sequence[Any]) -> bool:
    """Whether JAX may transform by its own rules, without doubles, what is computed of these."""
    return not enable_x64.value and any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)


def in_one_trip(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, from arrays to a pytree of them, as a loop where JAX's rules might fail."""

    def run(*arrays: Any) -> Any:
        with wide():
            traced, shapes = jax.make_jaxpr(function, return_shape=True)(*arrays)
            inside = jaxpr_as_fun(traced)
            types, structure = jax.tree.flatten(shapes)
            if not _is_at_risk(traced.jaxpr) or any(map(_is_of_keys, types)):
                return jax.tree.unflatten(structure, inside(*arrays))
            start = [jnp.zeros(kind.shape, kind.dtype) for kind in types]
            _, results = loop(
                lambda state: state[0] < 1,
                lambda state: (state[0] + 1, inside(*arrays)),
                (jnp.int32(0), start),
                checkpoint="all",
                max_trips=1,
            )
            return jax.tree.unflatten(structure, results)

    return run


def _is_at_risk(jaxpr: Jaxpr) -> bool:
    """Whether it does more to arrays of doubles than what is safe. Single ones are scalars of
    Python's to the rules, which take them as they are."""
    return any(
        any(_is_at_risk(inner) for _, inner in inner_jaxprs(equation))
        or (
            equation.primitive.name not in _SAFE
            and any(_is_of_doubles(v.aval) for v in (*equation.invars, *equation.outvars))
        )
        for equation in jaxpr.eqns
    )


def _is_of_doubles(type_: Any) -> bool:
    return bool(getattr(type_, "shape", ())) and type_.dtype in _DOUBLES


def _is_of_keys(kind: jax.ShapeDtypeStruct) -> bool:
    return bool(jnp.issubdtype(kind.dtype, jax.dtypes.extended))

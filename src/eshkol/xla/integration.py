"""``integrate`` of procedures on tensors, or in compiled code (see ``integral_primitive``)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.base.errors import StagingError
from eshkol.primitives.implicit import default_tolerance
from eshkol.primitives.quadrature import substituted, substitution
from eshkol.runtime.dialects import staged
from eshkol.xla._compat import detach_constants, jaxpr_as_fun
from eshkol.xla.arguments import static_int
from eshkol.xla.checks import refuse
from eshkol.xla.control import staging
from eshkol.xla.directions import Traced
from eshkol.xla.dtypes import FLOAT64, inexact_dtype, result_dtype, wide
from eshkol.xla.effects import failing, failures, is_taken
from eshkol.xla.extents import refuse_exit, trace_part
from eshkol.xla.host_calls import HostFunction
from eshkol.xla.integral_primitive import integral
from eshkol.xla.own_programs import in_program
from eshkol.xla.tensors import Tracer, as_tensor, cast
from eshkol.xla.witness import tracer_of

WHO = "integrate"


def integrate(function: Any, low: Any, high: Any, tolerance: Any, most: int) -> Any:
    """The integral; infinite ends are known when it is compiled."""
    infinite = substitution(_known(low), _known(high))
    direction = "down" if _known(low) == math.inf or _known(high) == -math.inf else "up"
    return in_program(_integrate, function, low, high, f"{direction} {infinite}", tolerance, most)


def _known(end: Any) -> float:
    """An end, of which matters whether it is infinite; a traced one is not."""
    end = tracer_of(end)
    return 0.0 if isinstance(end, Tracer) else float(end)


def _integrate(function: Any, low: Any, high: Any, kind: str, tolerance: Any, most: Any) -> Any:
    with wide(), failures():
        direction, _, infinite = kind.partition(" ")
        sign = -1.0 if direction == "down" else 1.0
        first, last = _ends(low, high) if sign > 0 else _ends(high, low)
        traced = _traced(function, first)
        jaxpr, operands, precision = _integrand(traced, first.dtype)
        limit = _limit(tolerance, precision)
        count = max(1, static_int(most, WHO, "#:max-intervals"))
        wanted = jnp.asarray(is_taken())
        report = failing(HostFunction("derivative not found", count))

        def part(substitute: Any, low: Any, high: Any) -> tuple[list[Any], Any]:
            own, constants = jaxpr, operands
            if substitute is not None:
                own, constants = _substituted(jaxpr, operands, substitute)
            return integral(own, low, high, limit, constants, count, wanted, report)

        values, error = _whole(part, infinite, first, last)
        values = [(sign * value).astype(value.dtype) for value in values]
        _check(traced, most, error, values)
        return traced.result(values)


def _ends(low: Any, high: Any) -> tuple[Any, Any]:
    dtype = result_dtype([tracer_of(low), tracer_of(high)])
    dtype = inexact_dtype(dtype, 0)
    return cast(as_tensor(low, WHO), dtype), cast(as_tensor(high, WHO), dtype)


def _traced(function: Any, x: Any) -> Traced:
    body = staged(function)
    return Traced(WHO, lambda *arguments: staging(body, *arguments), lax.stop_gradient(x))


def _integrand(traced: Traced, dtype: Any) -> tuple[Any, list[Any], float]:
    """The procedure as a jaxpr of what it captured and a number; how precise its numbers are."""
    part = trace_part(lambda x: tuple(traced([x])), [jax.ShapeDtypeStruct((), dtype)])
    if part.targets:
        refuse_exit()
    if part.written:
        raise StagingError(
            f"{WHO}: the procedure changes what was made outside of it, or draws random numbers",
            hint="how often it is called is not known: let it compute its value alone",
        )
    jaxpr, constants = detach_constants(part.jaxpr)
    dtypes = [dtype, *(aval.dtype for aval in jaxpr.out_avals)]
    return jaxpr, constants, max(float(jnp.finfo(kind).eps) for kind in dtypes)


def _limit(tolerance: Any, precision: float) -> Any:
    if tolerance is None:
        return jnp.asarray(default_tolerance(precision), FLOAT64)
    return cast(as_tensor(tolerance, "tolerance"), FLOAT64)


def _whole(part: Callable[..., Any], infinite: str, low: Any, high: Any) -> tuple[list[Any], Any]:
    """The integral from ``low`` to ``high``, of which ``infinite`` tells which are infinite.

    A finite end is fixed for the half-line; how it moves is the integral from it to itself.
    """
    if not infinite:
        return part(None, low, high)
    zero, one = jnp.zeros_like(low), jnp.ones_like(low)
    still = lax.stop_gradient(low), lax.stop_gradient(high)

    def substitute(t: Any) -> tuple[Any, Any]:
        return substituted(infinite, t, *still)

    values, error = part(substitute, zero, one)
    if infinite == "to":
        moved, _ = part(None, low, still[0])
    elif infinite == "from":
        moved, _ = part(None, still[1], high)
    else:
        return values, error
    return [x + y for x, y in zip(values, moved, strict=True)], error


def _substituted(jaxpr: Any, operands: list[Any], substitute: Any) -> tuple[Any, list[Any]]:
    """The jaxpr of what is integrated from 0 to 1 instead."""
    run = jaxpr_as_fun(jaxpr)

    def function(*inputs: Any) -> list[Any]:
        *own, t = inputs
        x, slope = substitute(t)
        return [slope.astype(y.dtype) * y for y in run(*own, x)]

    shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in jaxpr.in_avals]
    changed, constants = detach_constants(jax.make_jaxpr(function)(*shapes))
    return changed, [*constants, *operands]


def _check(traced: Traced, most: Any, error: Any, values: list[Any]) -> None:
    fixed = [lax.stop_gradient(value) for value in values]
    error = lax.stop_gradient(error)
    build = HostFunction("integral not found")
    refuse(error > 0, build, tracer_of(most), error, traced.result(fixed))

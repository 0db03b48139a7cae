"""Special functions, element by element: gamma, beta, error and Bessel functions and their like.

The 16-bit floats compute in float32, whose digits they round.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from eshkol.base.errors import StagingError
from eshkol.xla.dtypes import inexact_dtype
from eshkol.xla.rules import (
    Rule,
    binary_rule,
    broadcast_shape,
    inexact_result,
    of_reals,
    precise,
    unary_rule,
)
from eshkol.xla.tensors import as_tensors, at_dtype, compiled


def _of_reals(operation: Rule) -> Rule:
    """An operation that refuses complex numbers, of which JAX makes something else."""

    @functools.wraps(operation)
    def run(x: Any) -> Any:
        if x.dtype.kind == "c":
            raise TypeError(f"{operation.__name__} does not accept dtype {x.dtype}")
        return operation(x)

    return run


def _unary(who: str, operation: Rule) -> Rule:
    return unary_rule(who, precise(operation), inexact_dtype, is_apart=True)


def _spread(operation: Rule) -> Rule:
    """An operation on arrays of one shape, on arrays that are broadcast to one another."""

    @functools.wraps(operation)
    def run(*operands: Any) -> Any:
        return operation(*jnp.broadcast_arrays(*operands))

    return run


def _binary(who: str, operation: Rule) -> Rule:
    dtype = of_reals(who, inexact_result)
    return binary_rule(who, precise(_spread(operation)), dtype, is_apart=True)


def _by_last(who: str, operation: Rule) -> Rule:
    """An operation that has a derivative by its last operand only."""
    apply = jax.custom_jvp(operation)

    @functools.partial(apply.defjvp, symbolic_zeros=True)
    def differentiate(operands: Any, slopes: Any) -> Any:
        *parameters, x = operands
        if not all(isinstance(slope, SymbolicZero) for slope in slopes[:-1]):
            raise StagingError(
                f"{who}: there is a derivative by its last argument only",
                hint="that by its parameters is not known in closed form: keep them the same",
            )
        slope = slopes[-1]
        if isinstance(slope, SymbolicZero):
            slope = jnp.zeros(slope.shape, slope.dtype)
        return jax.jvp(functools.partial(operation, *parameters), (x,), (slope,))

    return apply


@jax.custom_jvp
def _hypotenuse(x: Any, y: Any) -> Any:
    """``√(x² + y²)`` without overflow; at zero its slopes are 0."""
    return jnp.hypot(x, y)


@_hypotenuse.defjvp
def _slope_of_hypotenuse(operands: Any, slopes: Any) -> Any:
    (x, y), (dx, dy) = operands, slopes
    length = _hypotenuse(x, y)
    divisor = jnp.where(length == 0, 1, length)
    return length, x / divisor * dx + y / divisor * dy


erfc = _unary("erfc", lax.erfc)
erfinv = _unary("erfinv", lax.erf_inv)
gamma = _unary("gamma", _of_reals(jsp.gamma))
log_gamma = _unary("log-gamma", lax.lgamma)
digamma = _unary("digamma", lax.digamma)
ndtr = _unary("ndtr", jsp.ndtr)
log_ndtr = _unary("log-ndtr", jsp.log_ndtr)
ndtri = _unary("ndtri", jsp.ndtri)
logit = _unary("logit", _of_reals(jsp.logit))
sinc = _unary("sinc", jnp.sinc)
cbrt = _unary("cbrt", lax.cbrt)
exp2 = _unary("exp2", lax.exp2)
log2 = _unary("log2", jnp.log2)
log10 = _unary("log10", jnp.log10)
bessel_i0 = _unary("bessel-i0", _of_reals(jsp.i0))
bessel_i0e = _unary("bessel-i0e", _of_reals(jsp.i0e))
bessel_i1 = _unary("bessel-i1", _of_reals(jsp.i1))
bessel_i1e = _unary("bessel-i1e", _of_reals(jsp.i1e))

hypot = _binary("hypot", _hypotenuse)
logaddexp = _binary("logaddexp", jnp.logaddexp)
xlogy = _binary("xlogy", jsp.xlogy)
xlog1py = _binary("xlog1py", jsp.xlog1py)
log_beta = _binary("log-beta", jsp.betaln)
gammainc = _binary("gammainc", jsp.gammainc)
gammaincc = _binary("gammaincc", jsp.gammaincc)
polygamma = _binary("polygamma", _by_last("polygamma", lax.polygamma))


_ratio = precise(_spread(_by_last("betainc", jsp.betainc)))


@compiled()
def _beta_ratio(a: Any, b: Any, x: Any) -> Any:
    return _ratio(a, b, x)


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The regularized incomplete beta function."""
    who = "betainc"
    operands = as_tensors(who, a, b, x)
    broadcast_shape(who, *operands)
    dtype = of_reals(who, inexact_result)(operands)
    return _beta_ratio(*at_dtype(who, dtype, operands))

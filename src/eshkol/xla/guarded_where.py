"""``where`` whose branches are written in it: no NaN comes into gradients from what is not chosen.

An element that is not chosen adds zero to the gradient, but zero times the infinite slope of a
logarithm at zero is NaN. So where a branch computes element by element, what goes into it is
guarded: elements that are not chosen let no gradient through. Each branch is traced apart for
that; the part of it that computes element by element, counted from its result, is computed with
guarded values, which are the values, and everything before as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.runtime.dialects import staged
from eshkol.xla._compat import ClosedJaxpr, Literal
from eshkol.xla.control import staging
from eshkol.xla.dtypes import wide
from eshkol.xla.extents import finish, trace_part
from eshkol.xla.merging import Output
from eshkol.xla.selection import truth_tensor, where
from eshkol.xla.transforms import is_inexact
from eshkol.xla.trees import TENSOR

ELEMENTWISE = frozenset(
    """
    abs acos acosh add add_any and asin asinh atan atan2 atanh cbrt ceil convert_element_type copy
    cos cosh digamma div eq erf erf_inv erfc exp exp2 expm1 floor ge gt imag integer_pow is_finite
    le lgamma log log1p logistic lt max min mul ne neg nextafter not or pow real rem round rsqrt
    select_n sign sin sinh sqrt square stop_gradient sub tan tanh xor
    """.split()
)
"""The names of JAX's operations that compute element by element."""

CALLS = frozenset({"jit", "pjit", "closed_call", "custom_jvp_call"})
"""The names of those that call a jaxpr."""


def guarded_where(
    condition: Any, chosen: Any, other: Any, is_computed: bool, is_other_computed: bool
) -> Any:
    """``where``, whose branches are values or procedures that compute them."""
    truth = truth_tensor(condition, "where")
    with wide():
        first = _branch(truth, chosen) if is_computed else chosen
        second = _branch(lax.bitwise_not(truth), other) if is_other_computed else other
    return where(truth, first, second)


def _branch(condition: Any, thunk: Callable[[], Any]) -> Any:
    """The value of a branch, guarded where ``condition`` does not hold."""
    part = trace_part(lambda: staging(staged(thunk)))
    is_tensor = part.structure[2][0] is TENSOR and isinstance(part.leaves[0], Output)
    results: list[Any]
    if not is_tensor or part.jaxpr.effects or not _is_guardable(condition, part.jaxpr.out_avals):
        results = part.run()
    else:
        results = [_Guarded(part.jaxpr, condition).result()]
    return finish(part, results)


def _is_guardable(condition: Any, results: Any) -> bool:
    """Whether there is one result, of a shape that goes with that of the condition."""
    if len(results) != 1:
        return False
    try:
        jnp.broadcast_shapes(condition.shape, results[0].shape)
    except ValueError:
        # ``where`` tells it of all its arguments.
        return False
    return True


class _Guarded:
    """One evaluation of a jaxpr of one result, with guards.

    Attributes:
        plain: the values found so far by their variables.
        safe: the same, computed with guarded values.
    """

    def __init__(self, jaxpr: ClosedJaxpr, condition: Any) -> None:
        inner: Any = jaxpr.jaxpr
        self.inner = inner
        self.output = inner.outvars[0]
        self.shape = self.output.aval.shape
        self.condition = _as_shape(condition, self.shape)
        self.makers = {variable: eqn for eqn in inner.eqns for variable in eqn.outvars}
        self.plain = dict(zip(inner.constvars, jaxpr.consts, strict=True))
        self.safe: dict[Any, Any] = {}

    def result(self) -> Any:
        """The value of the branch."""
        return self._value(self.output, is_safe=True)

    def _value(self, variable: Any, is_safe: bool) -> Any:
        if isinstance(variable, Literal):
            return variable.val
        known = self.safe if is_safe else self.plain
        if variable not in known:
            maker = self.makers.get(variable)
            if maker is not None and (not is_safe or _is_elementwise(maker, self.shape)):
                self._compute(maker, is_safe)
            else:
                known[variable] = self._guard(self._value(variable, is_safe=False))
        return known[variable]

    def _compute(self, equation: Any, is_safe: bool) -> None:
        variables = [v for v in equation.invars if not isinstance(v, Literal)]
        inputs = [self._operand(equation, variable, is_safe) for variable in variables]
        results = jax.core.eval_jaxpr(self._alone(equation, variables), (), *inputs)
        (self.safe if is_safe else self.plain).update(zip(equation.outvars, results, strict=True))

    def _operand(self, equation: Any, variable: Any, is_safe: bool) -> Any:
        if not is_safe or variable.aval.shape == self.shape:
            return self._value(variable, is_safe)
        # A number that all elements share is guarded for each of them.
        number = self._value(variable, is_safe=False)
        if _inner(equation) is not None or not is_inexact(number):
            return number
        return self._guard(jnp.broadcast_to(number, self.shape))

    def _alone(self, equation: Any, variables: list[Any]) -> Any:
        """A jaxpr of this equation alone."""
        return self.inner.replace(
            constvars=[],
            invars=variables,
            outvars=list(equation.outvars),
            eqns=[equation],
        )

    def _guard(self, value: Any) -> Any:
        if not is_inexact(value) or value.shape != self.shape:
            return value
        return lax.select(self.condition, value, lax.stop_gradient(value))


def _as_shape(condition: Any, shape: tuple[int, ...]) -> Any:
    """Which elements of a branch of this shape are chosen at all."""
    whole = jnp.broadcast_shapes(condition.shape, shape)
    condition = jnp.broadcast_to(condition, whole)
    extra = len(whole) - len(shape)
    spread = [extra + i for i, size in enumerate(shape) if size != whole[extra + i]]
    chosen = jnp.any(condition, (*range(extra), *spread), keepdims=True)
    return chosen.reshape(shape)


def _is_elementwise(equation: Any, shape: tuple[int, ...]) -> bool:
    """Whether each element of the results depends on those of the arguments at its place alone."""
    given = [v.aval.shape for v in equation.invars if not isinstance(v, Literal)]
    if any(own not in (shape, ()) for own in given):
        return False
    if any(variable.aval.shape != shape for variable in equation.outvars):
        return False
    inner = _inner(equation)
    if inner is not None:
        return all(_is_elementwise(eqn, shape) for eqn in inner.eqns)
    return equation.primitive.name in ELEMENTWISE


def _inner(equation: Any) -> Any:
    """What an equation calls, if it is a call."""
    if equation.primitive.name not in CALLS:
        return None
    inner = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    return getattr(inner, "jaxpr", inner)

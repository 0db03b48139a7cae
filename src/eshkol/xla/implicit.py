"""Roots, fixed points and minima of procedures on tensors, with their implicit derivatives.

The algorithms are those of ``primitives.root_finding``, in compiled loops. How a solution moves
with what the equations captured tells their Jacobian at the solution: it is solved for the
direction, directly for few unknowns, by GMRES for many. (``lax.custom_root`` does the same, but
the newest JAX can't lower it inside of a loop that was traced in parts.)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jax.scipy.sparse.linalg import gmres

from eshkol.base.errors import StagingError
from eshkol.primitives import implicit, root_finding
from eshkol.primitives.points import point_of
from eshkol.runtime.dialects import staged
from eshkol.xla._compat import ClosedJaxpr, detach_constants, jaxpr_as_fun
from eshkol.xla.checks import refuse
from eshkol.xla.control import staging
from eshkol.xla.directions import Traced, gradient_of, split
from eshkol.xla.dtypes import in_wide, wide
from eshkol.xla.effects import failures
from eshkol.xla.extents import refuse_exit, trace_part
from eshkol.xla.host_calls import HostFunction
from eshkol.xla.loop_course import fill, select
from eshkol.xla.minimization import TensorArithmetic, join
from eshkol.xla.own_programs import in_program
from eshkol.xla.tensors import as_tensor, cast
from eshkol.xla.witness import tracer_of

MOST_DIRECT = 512
"""Linear equations of more unknowns are solved by iteration, without their matrix."""

Function = Callable[[Any], Any]


class TensorEquations:
    """Equations on tensors of rank 1 (see ``root_finding``)."""

    def __init__(self, residuals: Function, start: Any) -> None:
        self.residuals = residuals
        self.start = start

    def residual(self, x: Any) -> Any:
        return self.residuals(x)

    def newton_step(self, x: Any, residual: Any) -> Any:
        _, push = jax.linearize(self.residuals, x)
        return -solve_linear(push, residual)

    def inverse_jacobian(self, x: Any) -> Any:
        return jnp.linalg.inv(matrix_of(jax.linearize(self.residuals, x)[1], x))

    def apply(self, matrix: Any, x: Any) -> Any:
        return matrix @ x

    def updated(self, inverse: Any, move: Any, change: Any) -> Any:
        left = move @ inverse
        scale = left @ change
        is_sound = abs(scale) > 0
        factor = jnp.where(is_sound, 1 / jnp.where(is_sound, scale, 1), 0)
        return inverse + factor * jnp.outer(move - inverse @ change, left)

    def no_history(self, count: int, x: Any) -> Any:
        zeros = jnp.zeros((count, *x.shape), x.dtype)
        return zeros, zeros

    def remember(self, history: Any, move: Any, difference: Any) -> Any:
        pairs = zip((move, difference), history, strict=True)
        return tuple(jnp.concatenate([new[None], old[:-1]]) for new, old in pairs)

    def mixed(self, history: Any, change: Any) -> Any:
        moves, differences = history
        gram = differences @ differences.T.conj()
        ridge = 10 * jnp.finfo(change.dtype).eps * jnp.trace(gram).real
        # Pairs that are not there yet are zeros, and count nothing.
        ridge = jnp.where(ridge > 0, ridge, 1)
        gram = gram + ridge * jnp.eye(len(gram), dtype=change.dtype)
        factors = jnp.linalg.solve(gram.T, differences.conj() @ change)
        factors = jnp.where(jnp.isfinite(factors), factors, 0)
        return factors @ (moves + differences)

    def each(self, function: Callable[..., Any], *points: Any) -> Any:
        return function(*points)

    def norm(self, x: Any) -> Any:
        return jnp.linalg.norm(x)

    def sign(self, x: Any) -> Any:
        return jnp.sign(x[0])

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        return jnp.where(condition, x, y)

    def repeat(
        self,
        test: Callable[..., Any],
        step: Callable[..., tuple[Any, ...]],
        state: tuple[Any, ...],
    ) -> tuple[Any, ...]:
        first = jax.tree.map(self._in_state, state)
        return lax.while_loop(lambda s: test(*s), lambda s: step(*s), first)

    def _in_state(self, part: Any) -> Any:
        if part.__class__ is int:
            return jnp.asarray(part, "int32")
        if part.__class__ is float:
            return jnp.asarray(part, jnp.finfo(self.start.dtype).dtype)
        return jnp.asarray(part)


def matrix_of(push: Function, like: Any) -> Any:
    """The matrix of a linear function of tensors of rank 1."""
    return jax.vmap(push, out_axes=1)(jnp.eye(len(like), dtype=like.dtype))


def solve_linear(push: Function, right: Any) -> Any:
    """Where a linear function gives ``right``."""
    if len(right) == 1:
        return right / push(jnp.ones_like(right))
    if len(right) <= MOST_DIRECT:
        return jnp.linalg.solve(matrix_of(push, right), right)

    def iterate(matrix: Function, right: Any) -> Any:
        precision = float(jnp.finfo(right.dtype).eps)
        return gmres(matrix, right, tol=10 * precision, restart=40, maxiter=25)[0]

    return lax.custom_linear_solve(push, right, iterate, iterate)


# ---- the rules


def root(function: Any, start: Any, method: str, tolerance: Any, steps: int) -> Any:
    """A root; the start of a method with a bracket is its two ends."""
    return in_program(_root, function, start, method, tolerance, steps)


def fixed_point(function: Any, start: Any, method: str, tolerance: Any, steps: int) -> Any:
    """A fixed point."""
    return in_program(_fixed_point, function, start, method, tolerance, steps)


def argmin(function: Any, start: Any, method: str, tolerance: Any, steps: int) -> Any:
    """The place of a minimum."""
    return in_program(_argmin, function, start, method, tolerance, steps)


def _root(function: Any, start: Any, method: str, tolerance: Any, steps: Any) -> Any:
    method, _, named = method.rpartition(" ")
    if method:
        return _between("root", function, start, named, tolerance, steps)
    return _solution("root", function, start, named, tolerance, steps)


def _fixed_point(function: Any, start: Any, method: str, tolerance: Any, steps: Any) -> Any:
    return _solution("fixed-point", function, start, method, tolerance, steps)


def _solution(who: str, function: Any, start: Any, method: str, tolerance: Any, steps: Any) -> Any:
    with wide(), failures():
        traced = _traced(who, function, start)
        x = join(traced.arrays)
        residuals, precision = _residuals(traced, x)
        limit = _limit(tolerance, precision, x)

        def search(f: Function, first: Any) -> root_finding.Found:
            return implicit.algorithm(method)(
                TensorEquations(f, first), first, limit, tracer_of(steps)
            )

        found = _moving(residuals, x, search)
        _check(who, found, traced, steps, method, precision)
        return _like_start(traced, found.x)


def _between(who: str, function: Any, ends: Any, method: str, tolerance: Any, steps: Any) -> Any:
    with wide(), failures():
        low, high = ends
        dtype = jnp.result_type(as_tensor(low, who), as_tensor(high, who))
        traced = _traced(who, function, low)
        x = join(traced.arrays)
        x = cast(x, jnp.promote_types(x.dtype, dtype))
        last = cast(as_tensor(high, who), x.dtype).reshape(1)
        residuals, precision = _residuals(traced, x)
        limit = _limit(tolerance, precision, x)
        low, high = lax.stop_gradient(x), lax.stop_gradient(last)
        signs = residuals(low)[0], residuals(high)[0]
        same = jnp.logical_not(lax.stop_gradient(signs[0] * signs[1]) <= 0)
        values = (low[0], high[0], *signs)
        refuse(same, HostFunction("no sign change", who), *values)

        def search(f: Function, first: Any) -> root_finding.Found:
            equations = TensorEquations(f, first)
            count = tracer_of(steps)
            return root_finding.bracketed(
                equations, first, high, limit, count, method == "bisection"
            )

        found = _moving(residuals, low, search)
        found = found._replace(is_found=found.is_found | same)
        _check(who, found, traced, steps, method, precision)
        return _like_start(traced, found.x)


def _argmin(function: Any, start: Any, method: str, tolerance: Any, steps: Any) -> Any:
    who = "argmin"
    with wide(), failures():
        traced = _traced(who, function, start)
        x = join(traced.arrays)

        def slopes(x: Any) -> Any:
            return cast(join(gradient_of(traced)(split(x, traced.arrays))), x.dtype)

        dtypes = [x.dtype]

        def value(x: Any) -> Any:
            found = traced.scalar(split(x, traced.arrays))
            dtypes.append(found.dtype)
            return cast(found, x.dtype)

        residuals = _traced_apart(who, slopes, x)
        minimand = _traced_apart(who, value, x)
        precision = _coarsest(dtypes)
        limit = _limit(tolerance, precision, x)

        def search(f: Function, first: Any) -> root_finding.Found:
            arithmetic = _Minimand(traced, minimand, f)
            equations = TensorEquations(f, first)
            count = tracer_of(steps)
            return implicit.minimum(arithmetic, equations, first, method, limit, count)

        found = _moving(residuals, x, search)
        _check(who, found, traced, steps, method, precision)
        return _like_start(traced, found.x)


class _Minimand(TensorArithmetic):
    """A function that is traced already, and its gradient."""

    def __init__(self, traced: Traced, function: Function, gradient: Function) -> None:
        super().__init__(traced)
        self.function = function
        self.slopes = gradient

    def value(self, x: Any) -> Any:
        return self.function(x)

    def gradient(self, x: Any) -> Any:
        return self.slopes(x)

    def value_and_gradient(self, x: Any) -> tuple[Any, Any]:
        return self.function(x), self.slopes(x)


# ---- what they share


def _traced(who: str, function: Any, start: Any) -> Traced:
    """The procedure at the start, as the body of a compiled loop calls it."""
    point = point_of(who, function, [start])
    body = staged(point.function)
    return Traced(who, lambda *arguments: staging(body, *arguments), point.value)


def _residuals(traced: Traced, x: Any) -> tuple[Function, float]:
    """The residuals of the equations of ``traced`` and how precise numbers there are."""
    count = x.size
    dtypes = [x.dtype]

    def residuals(x: Any) -> Any:
        arrays = traced(split(x, traced.arrays))
        size = sum(array.size for array in arrays)
        if size != count:
            raise implicit.equation_count(traced.who, size, count)
        dtypes.extend(array.dtype for array in arrays)
        found = cast(join(arrays), x.dtype)
        return x - found if traced.who == "fixed-point" else found

    apart = _traced_apart(traced.who, residuals, x)
    return apart, _coarsest(dtypes)


def _coarsest(dtypes: list[np.dtype]) -> float:
    """How precise the least precise of numbers of these dtypes are."""
    return max(float(jnp.finfo(dtype).eps) for dtype in dtypes)


def _traced_apart(who: str, function: Function, x: Any) -> Function:
    """A function of a tensor like ``x`` that was traced once."""
    part = trace_part(function, [jax.ShapeDtypeStruct(x.shape, x.dtype)])
    if part.targets:
        refuse_exit()
    if part.written:
        raise StagingError(
            f"{who}: the procedure changes what was made outside of it, or draws random numbers",
            hint="how often it is called is not known: let it compute its value alone",
        )
    return lambda x: part.run(x)[0]


def _limit(tolerance: Any, precision: float, x: Any) -> Any:
    dtype = jnp.finfo(x.dtype).dtype
    if tolerance is None:
        return jnp.asarray(implicit.default_tolerance(precision), dtype)
    return cast(as_tensor(tolerance, "tolerance"), dtype)


def _moving(
    residuals: Function, x: Any, search: Callable[[Function, Any], root_finding.Found]
) -> root_finding.Found:
    """What a search finds, which has the derivatives of a root."""
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    found, of_search = detach_constants(jax.make_jaxpr(lambda x: search(residuals, x))(shape))
    equations, of_equations = detach_constants(jax.make_jaxpr(residuals)(shape))
    # One program also where JAX maps or differentiates eager code, operation by operation.
    solve = jax.jit(functools.partial(_solve, Search(found, equations, len(of_search))))
    return root_finding.Found(*solve(lax.stop_gradient(x), *of_search, *of_equations))


class Search(NamedTuple):
    """A search and its equations, as jaxprs of constants and a point.

    Attributes:
        found: gives the root, the length of the residual and whether it converged.
        equations: gives the residuals.
        captured: how many constants the search has; those of the equations follow.
    """

    found: ClosedJaxpr
    equations: ClosedJaxpr
    captured: int


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _solve(problem: Search, x: Any, *constants: Any) -> Any:
    return tuple(jaxpr_as_fun(problem.found)(*constants[: problem.captured], x))


@in_wide
def _solve_jvp(problem: Search, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The implicit function theorem, at the root itself, so that it can be differentiated again."""
    x, residual, is_found = _solve(problem, *primals)
    inputs, given = primals[1 + problem.captured :], tangents[1 + problem.captured :]
    moving = [
        not isinstance(tangent, SymbolicZero) and jnp.issubdtype(value.dtype, jnp.inexact)
        for value, tangent in zip(inputs, given, strict=True)
    ]
    run = jaxpr_as_fun(problem.equations)

    def at_root(*moved: Any) -> Any:
        return run(*fill(moving, moved, inputs), x)[0]

    moved = jnp.zeros_like(x)
    if any(moving):
        at, along = select(inputs, moving), select(given, moving)
        _, right = jax.jvp(at_root, tuple(at), tuple(along))
        _, push = jax.linearize(lambda x: run(*inputs, x)[0], x)
        moved = -solve_linear(push, right)
    no_truth = np.zeros(is_found.shape, jax.dtypes.float0)
    return (x, residual, is_found), (moved, jnp.zeros_like(residual), no_truth)


_solve.defjvp(_solve_jvp, symbolic_zeros=True)


def _check(
    who: str,
    found: root_finding.Found,
    traced: Traced,
    steps: Any,
    method: str,
    precision: float,
) -> None:
    """The error for a search that has failed, now or when the program runs.

    It shows the residual, and a point of one number, in the digits of numbers that are so precise.
    """
    where = _like_start(traced, lax.stop_gradient(found.x))
    kinds = (np.dtype(name) for name in ("float32", "float16"))
    kind = next((kind for kind in kinds if jnp.finfo(kind).eps == precision), None)
    residual = lax.stop_gradient(found.residual)
    if kind is not None:
        residual = cast(residual, kind)
        if traced.point.structure.__class__ is str and not traced.arrays[0].shape:
            where = cast(lax.stop_gradient(found.x)[0], kind)
    build = HostFunction("search not ended", who, method)
    refuse(jnp.logical_not(found.is_found), build, tracer_of(steps), residual, where)


def _like_start(traced: Traced, x: Any) -> Any:
    return traced.point.gradient(split(x, traced.arrays))

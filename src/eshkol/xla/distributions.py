"""Random numbers from distributions other than the uniform and the normal one.

A sampler takes its parameters, numbers or tensors that broadcast together, and then the sizes of
the result; without sizes the result has the shape of the parameters, and of numbers is a number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector
from eshkol.xla.arguments import is_sequence, static_int, static_shape
from eshkol.xla.creation import full
from eshkol.xla.dtypes import (
    BOOL,
    FLOAT64,
    INT32,
    INT64,
    default_dtype,
    inexact_dtype,
    parse_dtype,
    wide,
)
from eshkol.xla.key_stream import next_key
from eshkol.xla.keys import narrow_key
from eshkol.xla.random import bernoulli, check_fits, random_int, random_normal, random_uniform
from eshkol.xla.reductions import static_flag
from eshkol.xla.roundings import hidden
from eshkol.xla.rules import broadcast_shape
from eshkol.xla.tensors import Tracer, as_tensor, cast, describe

Draw = Callable[..., Any]


class Parameter(NamedTuple):
    """A parameter of a distribution: its name, what it must be, and its value if left out."""

    name: str
    kind: str = "real"
    default: float | None = None


def _are_counts(x: Any) -> Any:
    return (x >= 0) & np.isfinite(x) & (x == np.trunc(x))


_LIMITS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "real": ("", np.isfinite),
    "positive": (" greater than 0", lambda x: x > 0),
    "probability": (" from 0 to 1", lambda x: (x >= 0) & (x <= 1)),
    "chance": (" greater than 0, at most 1", lambda x: (x > 0) & (x <= 1)),
    "count": (" of at least 0", lambda x: (x >= 0) & np.isfinite(x)),
    "whole": (" that is an integer of at least 0", _are_counts),
}


def _sampler(
    who: str, draw: Draw, *parameters: Parameter, whole: bool = False, ascending: int = 0
) -> Draw:
    """A sampler as users call it.

    Args:
        who: its Scheme name.
        draw: it of a key, a shape, a dtype and the parameters, which broadcast to the shape.
        parameters: what is known of each.
        whole: whether it gives integers (int32), not floats.
        ascending: so many parameters, the first ones, ascend; the last of them is greater than
            the first.
    """

    def drawn(key: Any, shape: Any, dtype: Any, *values: Any) -> Any:
        return draw(key, shape, dtype, *hidden(key, *values))

    kernel = jax.jit(drawn, static_argnums=(1, 2))

    def rule(*arguments: Any, dtype: Any = None) -> Any:
        given = arguments[: len(parameters)]
        values = [*given, *(p.default for p in parameters[len(given) :])]
        arrays = [_checked(who, p, v) for p, v in zip(parameters, values, strict=True)]
        shape = broadcast_shape(who, *arrays)
        _check_ascending(who, parameters[:ascending], arrays, values)
        sizes = arguments[len(parameters) :]
        wanted = static_shape(sizes, who) if sizes else shape
        check_fits(who, "parameters", shape, wanted)
        kind = parse_dtype(dtype, who) or _dtype(arrays, wanted)
        if kind.kind not in "fV" and not whole:
            raise BadValue(f"{who}: expected a floating dtype, got {kind.name}")
        if kind.kind in "bc":
            raise BadValue(f"{who}: expected a dtype of real numbers, got {kind.name}")
        # Few samplers of narrow floats are exact in their tails, so these are rounded in the end.
        computed = kind if kind == FLOAT64 else np.dtype("float32")
        with wide():
            result = kernel(next_key(), wanted, computed, *(cast(x, computed) for x in arrays))
        return _result(result, wanted, whole, dtype, kind)

    rule.__name__ = rule.__qualname__ = who
    return rule


def _check_ascending(
    who: str, parameters: Sequence[Parameter], arrays: Sequence[Any], values: Sequence[Any]
) -> None:
    """Refuse bounds that don't ascend, as far as they are known."""
    if not parameters or any(isinstance(array, Tracer) for array in arrays):
        return
    known = [np.asarray(array) for array in arrays[: len(parameters)]]
    ascend = all(np.all(first <= second) for first, second in itertools.pairwise(known))
    if not ascend or not np.all(known[0] < known[-1]):
        names = " < ".join(parameter.name for parameter in parameters)
        shown = " and ".join(describe(value) for value in values[: len(parameters)])
        words = names if len(parameters) == 2 else names.replace(" < ", " <= ")
        raise BadValue(f"{who}: expected {words}, got {shown}")


def _float_kind(who: str, dtype: Any, array: Any) -> np.dtype:
    """The floating dtype that is asked for, else that of a parameter."""
    kind = parse_dtype(dtype, who) or inexact_dtype(array.dtype, 1)
    if kind.kind not in "fV":
        raise BadValue(f"{who}: expected a floating dtype, got {kind.name}")
    return kind


def _checked(who: str, parameter: Parameter, value: Any) -> Any:
    if value is None or value.__class__ is bool:
        got = "none" if value is None else describe(value)
        raise WrongType(f"{who}: expected a number as {parameter.name}, got {got}")
    array = as_tensor(value, who)
    if array.dtype == BOOL or array.dtype.kind == "c":
        raise WrongType(f"{who}: expected real numbers as {parameter.name}, got {describe(value)}")
    words, holds = _LIMITS[parameter.kind]
    if not isinstance(array, Tracer) and not np.all(holds(np.asarray(array))):
        raise BadValue(f"{who}: expected a {parameter.name}{words}, got {describe(value)}")
    return array


def _dtype(arrays: list[Any], shape: tuple[int, ...]) -> np.dtype:
    """Doubles for a number; for a tensor the dtype of its parameters that are tensors."""
    if not shape:
        return FLOAT64
    tensors = [array.dtype for array in arrays if array.shape]
    if not tensors:
        return default_dtype()
    return inexact_dtype(np.result_type(*tensors) if len(tensors) > 1 else tensors[0], 1)


def _result(result: Any, shape: tuple[int, ...], whole: bool, dtype: Any, kind: np.dtype) -> Any:
    if whole:
        kind = kind if dtype is not None else INT32 if shape else INT64
    result = cast(result, kind)
    if shape or dtype is not None or isinstance(result, Tracer):
        return result
    return int(result) if whole else result.item()


def _with_scale(draw: Draw) -> Draw:
    """A sampler of a location and a scale from one of the standard distribution."""

    def scaled(key: Any, shape: Any, dtype: Any, location: Any, scale: Any) -> Any:
        return location + scale * draw(key, shape, dtype)

    return scaled


_LOCATION, _SCALE = Parameter("location", default=0.0), Parameter("scale", "positive", 1.0)
_PLACE = (_LOCATION, _SCALE)
_SHAPE = Parameter("shape parameter", "positive")
_FREEDOM = Parameter("number of degrees of freedom", "positive")
_RANDOM = jax.random

exponential = _sampler(
    "random-exponential",
    lambda key, shape, dtype, rate: _RANDOM.exponential(key, shape, dtype) / rate,
    Parameter("rate", "positive", 1.0),
)
gamma = _sampler(
    "random-gamma",
    lambda key, shape, dtype, a, scale: scale * _RANDOM.gamma(key, a, shape, dtype),
    _SHAPE,
    _SCALE,
)
beta = _sampler(
    "beta", lambda key, shape, dtype, a, b: _RANDOM.beta(key, a, b, shape, dtype), _SHAPE, _SHAPE
)
laplace = _sampler("random-laplace", _with_scale(_RANDOM.laplace), _LOCATION, _SCALE)
cauchy = _sampler("random-cauchy", _with_scale(_RANDOM.cauchy), _LOCATION, _SCALE)
gumbel = _sampler("random-gumbel", _with_scale(_RANDOM.gumbel), _LOCATION, _SCALE)
logistic = _sampler("random-logistic", _with_scale(_RANDOM.logistic), _LOCATION, _SCALE)
student_t = _sampler(
    "random-student-t", lambda key, shape, dtype, v: _RANDOM.t(key, v, shape, dtype), _FREEDOM
)
chi_square = _sampler(
    "random-chi-square",
    lambda key, shape, dtype, v: _RANDOM.chisquare(key, v, shape, dtype),
    _FREEDOM,
)
f_ratio = _sampler(
    "random-f",
    lambda key, shape, dtype, m, n: _RANDOM.f(
        key, jnp.broadcast_to(m, shape), jnp.broadcast_to(n, shape), shape, dtype
    ),
    *[_FREEDOM] * 2,
)
lognormal = _sampler(
    "random-lognormal",
    lambda key, shape, dtype, mean, scale: jnp.exp(
        mean + scale * _RANDOM.normal(key, shape, dtype)
    ),
    _LOCATION,
    _SCALE,
)
weibull = _sampler(
    "random-weibull",
    lambda key, shape, dtype, k, scale: _RANDOM.weibull_min(key, scale, k, shape, dtype),
    _SHAPE,
    _SCALE,
)
pareto = _sampler(
    "random-pareto",
    lambda key, shape, dtype, b, scale: scale * _RANDOM.pareto(key, b, shape, dtype),
    _SHAPE,
    _SCALE,
)
rayleigh = _sampler(
    "random-rayleigh",
    lambda key, shape, dtype, scale: _RANDOM.rayleigh(key, scale, shape, dtype),
    _SCALE,
)
maxwell = _sampler(
    "random-maxwell",
    lambda key, shape, dtype, scale: scale * _RANDOM.maxwell(key, shape, dtype),
    _SCALE,
)
double_sided_maxwell = _sampler(
    "random-double-sided-maxwell",
    lambda key, shape, dtype, location, scale: (
        location + scale * _RANDOM.double_sided_maxwell(key, 0.0, 1.0, shape, dtype)
    ),
    _LOCATION,
    _SCALE,
)


def _generalized_normal(
    key: Any, shape: Any, dtype: Any, power: Any, location: Any, scale: Any
) -> Any:
    of_gamma, of_sign = _RANDOM.split(key)
    magnitude = _RANDOM.gamma(of_gamma, 1 / power, shape, dtype) ** (1 / power)
    return location + scale * magnitude * _RANDOM.rademacher(of_sign, shape, dtype)


generalized_normal = _sampler(
    "random-generalized-normal", _generalized_normal, Parameter("power", "positive"), *_PLACE
)
log_gamma = _sampler(
    "random-log-gamma",
    lambda key, shape, dtype, a: _RANDOM.loggamma(key, a, shape, dtype),
    _SHAPE,
)
wald = _sampler(
    "random-wald",
    lambda key, shape, dtype, mean: _RANDOM.wald(key, mean, shape, dtype),
    Parameter("mean", "positive", 1.0),
)


def _truncated(key: Any, shape: Any, dtype: Any, low: Any, high: Any, mean: Any, scale: Any) -> Any:
    bounds = (low - mean) / scale, (high - mean) / scale
    return mean + scale * _RANDOM.truncated_normal(key, *bounds, shape, dtype)


truncated_normal = _sampler(
    "random-truncated-normal",
    _truncated,
    Parameter("low"),
    Parameter("high"),
    _LOCATION,
    _SCALE,
    ascending=2,
)
triangular = _sampler(
    "random-triangular",
    lambda key, shape, dtype, low, mode, high: _RANDOM.triangular(
        key, low, mode, high, shape, dtype
    ),
    Parameter("low"),
    Parameter("mode"),
    Parameter("high"),
    ascending=3,
)
poisson = _sampler(
    "random-poisson",
    lambda key, shape, dtype, rate: _RANDOM.poisson(narrow_key(key), rate, shape, INT32),
    Parameter("rate", "count"),
    whole=True,
)
geometric = _sampler(
    "random-geometric",
    lambda key, shape, dtype, p: _RANDOM.geometric(key, p, shape, INT32),
    Parameter("probability", "chance"),
    whole=True,
)
binomial = _sampler(
    "random-binomial",
    lambda key, shape, dtype, n, p: _RANDOM.binomial(key, n, p, shape, dtype),
    Parameter("number of trials", "whole"),
    Parameter("probability", "probability"),
    whole=True,
)
rademacher = _sampler(
    "random-rademacher",
    lambda key, shape, dtype: _RANDOM.rademacher(key, shape, INT32),
    whole=True,
)


# ---- over classes and vectors


def _weights(who: str, value: Any) -> Any:
    """Weights of classes along the last axis, not negative and not all 0."""
    weights = as_tensor(value, who)
    weights = cast(weights, inexact_dtype(weights.dtype, 1))
    if not weights.shape or not weights.shape[-1]:
        raise ShapeError(f"{who}: expected weights of at least one class, got {describe(value)}")
    if not isinstance(weights, Tracer):
        known = np.asarray(weights)
        if not ((known >= 0) & np.isfinite(known)).all() or not (known.sum(-1) > 0).all():
            raise BadValue(
                f"{who}: expected weights of at least 0, not all 0, got {describe(value)}",
                hint="logits become weights by softmax",
            )
    return weights


def categorical(weights: Any, *sizes: Any) -> Any:
    """The number of a class, chosen by the weights along the last axis."""
    who = "categorical"
    w = _weights(who, weights)
    batch = w.shape[:-1]
    shape = static_shape(sizes, who) if sizes else batch
    check_fits(who, "rows of weights", batch, shape)
    with wide():
        chosen = _categorical(next_key(), w, shape)
    if shape or isinstance(chosen, Tracer):
        return chosen
    return int(chosen)


def _draw_class(key: Any, weights: Any, shape: tuple[int, ...]) -> Any:
    """As ``jax.random.categorical``, whose indices have 64 bits where there are such numbers."""
    noise = _RANDOM.gumbel(key, (*shape, weights.shape[-1]), weights.dtype)
    # The logarithm of 0 is -inf, which is never chosen.
    return lax.argmax(noise + jnp.log(*hidden(key, weights)), len(shape), INT32)


_categorical = jax.jit(_draw_class, static_argnums=2)


def choice(values: Any, *sizes: Any, weights: Any = None, replace: Any = True) -> Any:
    """Elements of a list, vector or tensor at random."""
    who = "random-choice"
    rows = values if is_sequence(values) else np.arange(static_int(values, who, "a count"))
    count = len(list(rows)) if isinstance(rows, Pair) else len(rows)
    shape = static_shape(sizes, who)
    if hasattr(replace, "dtype"):
        replace = static_flag(replace, who, "replace")
    if replace.__class__ is not bool:
        raise WrongType(f"{who}: expected #t or #f as replace, got {describe(replace)}")
    if not count or (not replace and math.prod(shape) > count):
        raise BadValue(f"{who}: {math.prod(shape)} of {count} elements can't be chosen")
    p = None if weights is None else _weights(who, weights)
    if p is not None and p.shape != (count,):
        raise ShapeError(f"{who}: {count} elements and weights {describe(p)}")
    if p is not None and not replace and not isinstance(p, Tracer):
        possible = int((np.asarray(p) > 0).sum())
        if math.prod(shape) > possible:
            raise BadValue(
                f"{who}: {math.prod(shape)} of {possible} elements with a weight can't be chosen"
            )
    with wide():
        if p is None:
            # Of whole numbers alone, which need no program of their own for each count.
            places = _RANDOM.choice(next_key(), count, shape, replace)
        else:
            places = _places(next_key(), p, count, shape, replace)
        if not isinstance(rows, Pair | list) or isinstance(places, Tracer):
            return jnp.asarray(as_tensor(rows, who))[places.astype(INT32)]
    return _at(list(rows), np.asarray(places).tolist())


def _draw_places(key: Any, weights: Any, count: int, shape: tuple[int, ...], replace: bool) -> Any:
    (w,) = hidden(key, weights)
    return _RANDOM.choice(key, count, shape, replace, w / w.sum())


_places = jax.jit(_draw_places, static_argnums=(2, 3, 4))


def _at(items: list[Any], places: Any) -> Any:
    """The items at places, which stand in lists of lists."""
    if places.__class__ is int:
        return items[places]
    return Vector(_at(items, place) for place in places)


def dirichlet(concentration: Any, *sizes: Any, dtype: Any = None) -> Any:
    """Probabilities of classes along the last axis."""
    who = "random-dirichlet"
    alpha = _checked(who, Parameter("concentration", "positive"), concentration)
    if not alpha.shape:
        raise ShapeError(f"{who}: expected a tensor of rank 1 or more, got {describe(alpha)}")
    if not alpha.shape[-1]:
        raise ShapeError(f"{who}: expected at least one class, got {describe(alpha)}")
    kind = _float_kind(who, dtype, alpha)
    shape = (*static_shape(sizes, who), *alpha.shape[:-1])
    with wide():
        return _dirichlet(next_key(), cast(alpha, kind), shape, kind)


def _draw_probabilities(key: Any, alpha: Any, shape: tuple[int, ...], kind: Any) -> Any:
    (a,) = hidden(key, alpha)
    return _RANDOM.dirichlet(key, a, shape, kind)


_dirichlet = jax.jit(_draw_probabilities, static_argnums=(2, 3))


def multivariate_normal(mean: Any, covariance: Any, *sizes: Any, dtype: Any = None) -> Any:
    """Vectors of a normal distribution with a matrix of covariances."""
    who = "random-multivariate-normal"
    m, c = as_tensor(mean, who), as_tensor(covariance, who)
    if len(m.shape) != 1 or c.shape != m.shape * 2:
        raise ShapeError(
            f"{who}: expected a mean [n] and covariances [n, n], got {describe(m)}, {describe(c)}"
        )
    kind = _float_kind(who, dtype, m)
    shape = static_shape(sizes, who)
    # Narrow floats have no decomposition.
    computed = kind if kind == FLOAT64 else np.dtype("float32")
    _check_covariances(who, c)
    with wide():
        m, c = cast(m, computed), cast(c, computed)
        return cast(_multivariate_normal(next_key(), m, c, shape, computed), kind)


def _draw_vectors(key: Any, mean: Any, matrix: Any, shape: tuple[int, ...], kind: Any) -> Any:
    m, c = hidden(key, mean, matrix)
    return _RANDOM.multivariate_normal(key, m, c, shape, kind)


_multivariate_normal = jax.jit(_draw_vectors, static_argnums=(3, 4))


def _check_covariances(who: str, matrix: Any) -> None:
    """Refuse what is no matrix of covariances, if it is known."""
    if isinstance(matrix, Tracer):
        return
    known = np.asarray(matrix, np.float64)
    try:
        np.linalg.cholesky(known)
        is_fit = np.allclose(known, known.T)
    except np.linalg.LinAlgError:
        is_fit = False
    if not is_fit:
        raise BadValue(
            f"{who}: expected covariances, a symmetric matrix that is positive definite, "
            f"got {describe(matrix)}"
        )


def multinomial(trials: Any, weights: Any, *sizes: Any) -> Any:
    """How many of the trials give each class, along the last axis; int32."""
    who = "random-multinomial"
    count = _checked(who, Parameter("number of trials", "whole"), trials)
    if count.shape:
        raise ShapeError(f"{who}: expected one number of trials, got {describe(count)}")
    w = _weights(who, weights)
    shape = static_shape(sizes, who) if sizes else w.shape[:-1]
    check_fits(who, "rows of weights", w.shape[:-1], shape)
    with wide():
        p = cast(w / w.sum(-1, keepdims=True), np.dtype("float32"))
        p = jnp.broadcast_to(p, (*shape, w.shape[-1]))
        return _multinomial(next_key(), cast(count, p.dtype), p)


@jax.jit
def _multinomial(key: Any, trials: Any, p: Any) -> Any:
    # The sizes are those of p: what JAX means by a shape has changed.
    return _RANDOM.multinomial(key, *hidden(key, trials, p)).astype(INT32)


def ball(dimension: Any, *sizes: Any, order: Any = 2, dtype: Any = None) -> Any:
    """Points evenly from the unit ball of a p-norm, along the last axis."""
    who = "random-ball"
    size = static_int(dimension, who, "a dimension")
    norm = _checked(who, Parameter("order", "positive"), order)
    kind = parse_dtype(dtype, who) or default_dtype()
    if size < 1 or norm.shape or kind.kind not in "fV":
        raise BadValue(
            f"{who}: expected a dimension of at least 1, one order and a floating dtype, "
            f"got {size}, {describe(order)} and {kind.name}"
        )
    with wide():
        return _ball(next_key(), cast(norm, kind), size, static_shape(sizes, who), kind)


def _draw_points(key: Any, order: Any, size: int, shape: tuple[int, ...], kind: Any) -> Any:
    (p,) = hidden(key, order)
    return _RANDOM.ball(key, size, p, shape, kind)


_ball = jax.jit(_draw_points, static_argnums=(2, 3, 4))


def orthogonal(size: Any, *sizes: Any, dtype: Any = None) -> Any:
    """Orthogonal matrices, evenly from all."""
    who = "random-orthogonal"
    count = static_int(size, who, "a size")
    kind = parse_dtype(dtype, who) or default_dtype()
    if count < 1 or kind.kind not in "fV":
        raise BadValue(
            f"{who}: expected a size of at least 1 and a floating dtype, got {count}, {kind.name}"
        )
    computed = kind if kind == FLOAT64 else np.dtype("float32")
    with wide():
        drawn = _RANDOM.orthogonal(next_key(), count, static_shape(sizes, who), computed)
        return cast(drawn, kind)


def bits(*sizes: Any) -> Any:
    """Random bits, 32 in each element."""
    with wide():
        return _RANDOM.bits(next_key(), static_shape(sizes, "random-bits"), "uint32")


_BY_NAME: dict[str, Draw] = {
    "exponential": exponential,
    "gamma": gamma,
    "beta": beta,
    "laplace": laplace,
    "cauchy": cauchy,
    "gumbel": gumbel,
    "logistic": logistic,
    "lognormal": lognormal,
    "log-gamma": log_gamma,
    "student-t": student_t,
    "chi-square": chi_square,
    "f": f_ratio,
    "weibull": weibull,
    "pareto": pareto,
    "rayleigh": rayleigh,
    "maxwell": maxwell,
    "double-sided-maxwell": double_sided_maxwell,
    "generalized-normal": generalized_normal,
    "wald": wald,
    "truncated-normal": truncated_normal,
    "triangular": triangular,
    "geometric": geometric,
    "rademacher": rademacher,
    "poisson": poisson,
    "binomial": binomial,
    "bernoulli": bernoulli,
    "int": random_int,
}


def random_tensor(*arguments: Any, dtype: Any = None) -> Any:
    """``(random-tensor shape distribution parameters)``, or ``(random-tensor size …)``."""
    who = "random-tensor"
    if len(arguments) < 2 or not isinstance(arguments[1], Symbol | str):
        return random_uniform(list(static_shape(arguments, who)), dtype=dtype)
    shape, named, *rest = arguments
    name = str(getattr(named, "name", named))
    given = list(rest[0]) if len(rest) == 1 and is_sequence(rest[0]) else rest
    sizes = list(static_shape((shape,), who))
    if name in ("uniform", "normal"):
        draw = random_uniform if name == "uniform" else random_normal
        return draw(sizes, *given, dtype=dtype)
    if name == "constant":
        return full(sizes, *given, dtype=dtype)
    if name == "categorical":
        return categorical(given, sizes)
    if name not in _BY_NAME:
        known = " ".join(["uniform", "normal", "categorical", *_BY_NAME])
        raise BadValue(f"{who}: unknown distribution {name}", hint=f"there are: {known}")
    return _BY_NAME[name](*given, sizes, dtype=dtype)

"""Random numbers from distributions other than the uniform and the normal one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eshkol.base.errors import ArityError, BadValue
from eshkol.datum.symbols import Symbol
from eshkol.xla import great_counts, powers, truncation
from eshkol.xla.arguments import is_sequence, static_shape
from eshkol.xla.class_draws import categorical
from eshkol.xla.creation import full
from eshkol.xla.draw_limits import Parameter
from eshkol.xla.dtypes import INT32, INT64, wide
from eshkol.xla.key_stream import next_key
from eshkol.xla.keys import narrow_key
from eshkol.xla.random import bernoulli, random_int, random_normal, random_uniform
from eshkol.xla.samplers import SAMPLERS, Draw, sampler


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

exponential = sampler(
    "random-exponential",
    lambda key, shape, dtype, rate: _RANDOM.exponential(key, shape, dtype) / rate,
    Parameter("rate", "positive", 1.0),
)
gamma = sampler(
    "random-gamma",
    lambda key, shape, dtype, a, scale: scale * _RANDOM.gamma(key, a, shape, dtype),
    _SHAPE,
    _SCALE,
)
beta = sampler(
    "beta", lambda key, shape, dtype, a, b: _RANDOM.beta(key, a, b, shape, dtype), _SHAPE, _SHAPE
)
laplace = sampler("random-laplace", _with_scale(_RANDOM.laplace), _LOCATION, _SCALE)
cauchy = sampler("random-cauchy", _with_scale(_RANDOM.cauchy), _LOCATION, _SCALE)
gumbel = sampler("random-gumbel", _with_scale(_RANDOM.gumbel), _LOCATION, _SCALE)
logistic = sampler("random-logistic", _with_scale(_RANDOM.logistic), _LOCATION, _SCALE)
student_t = sampler(
    "random-student-t", lambda key, shape, dtype, v: _RANDOM.t(key, v, shape, dtype), _FREEDOM
)
chi_square = sampler(
    "random-chi-square",
    lambda key, shape, dtype, v: _RANDOM.chisquare(key, v, shape, dtype),
    _FREEDOM,
)
f_ratio = sampler(
    "random-f",
    lambda key, shape, dtype, m, n: _RANDOM.f(
        key, jnp.broadcast_to(m, shape), jnp.broadcast_to(n, shape), shape, dtype
    ),
    *[_FREEDOM] * 2,
)
lognormal = sampler(
    "random-lognormal",
    lambda key, shape, dtype, mean, scale: jnp.exp(
        mean + scale * _RANDOM.normal(key, shape, dtype)
    ),
    _LOCATION,
    _SCALE,
)
weibull = sampler(
    "random-weibull",
    lambda key, shape, dtype, k, scale: _RANDOM.weibull_min(key, scale, k, shape, dtype),
    _SHAPE,
    _SCALE,
)
pareto = sampler(
    "random-pareto",
    lambda key, shape, dtype, b, scale: scale * _RANDOM.pareto(key, b, shape, dtype),
    _SHAPE,
    _SCALE,
)
rayleigh = sampler(
    "random-rayleigh",
    lambda key, shape, dtype, scale: _RANDOM.rayleigh(key, scale, shape, dtype),
    _SCALE,
)
maxwell = sampler(
    "random-maxwell",
    lambda key, shape, dtype, scale: scale * _RANDOM.maxwell(key, shape, dtype),
    _SCALE,
)
double_sided_maxwell = sampler(
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
    magnitude = powers.root_of_gamma(of_gamma, power, shape, dtype)
    return location + scale * magnitude * _RANDOM.rademacher(of_sign, shape, dtype)


generalized_normal = sampler(
    "random-generalized-normal", _generalized_normal, Parameter("power", "positive"), *_PLACE
)
log_gamma = sampler(
    "random-log-gamma",
    lambda key, shape, dtype, a: _RANDOM.loggamma(key, a, shape, dtype),
    _SHAPE,
)
wald = sampler(
    "random-wald",
    lambda key, shape, dtype, mean: _RANDOM.wald(key, mean, shape, dtype),
    Parameter("mean", "positive", 1.0),
)


truncated_normal = sampler(
    "random-truncated-normal",
    truncation.truncated_normal,
    Parameter("low", "bound"),
    Parameter("high", "bound"),
    _LOCATION,
    _SCALE,
    ascends=2,
)
triangular = sampler(
    "random-triangular",
    lambda key, shape, dtype, low, mode, high: _RANDOM.triangular(
        key, low, mode, high, shape, dtype
    ),
    Parameter("low"),
    Parameter("mode"),
    Parameter("high"),
    ascends=3,
)
poisson = sampler(
    "random-poisson",
    lambda key, shape, dtype, rate: great_counts.poisson(key, narrow_key(key), rate, shape),
    Parameter("rate", "count"),
    whole=True,
    mean=lambda rate: rate,
)
geometric = sampler(
    "random-geometric",
    lambda key, shape, dtype, p: _RANDOM.geometric(key, p, shape, INT64),
    Parameter("probability", "chance"),
    whole=True,
    mean=lambda p: 1 / p,
)
binomial = sampler(
    "random-binomial",
    great_counts.binomial,
    Parameter("number of trials", "whole"),
    Parameter("probability", "probability"),
    whole=True,
    mean=lambda n, p: n * p,
)
rademacher = sampler(
    "random-rademacher",
    lambda key, shape, dtype: _RANDOM.rademacher(key, shape, INT32),
    whole=True,
)


def bits(*sizes: Any) -> Any:
    """Random bits, 32 in each element."""
    with wide():
        return _RANDOM.bits(next_key(), static_shape(sizes, "random-bits"), "uint32")


_BOUNDS = Parameter("low", default=0.0), Parameter("high", default=1.0)
_OF_NORMAL = Parameter("mean", default=0.0), Parameter("deviation", default=1.0)
_BY_NAME: dict[str, tuple[Draw, tuple[Parameter, ...]]] = {
    **{who.removeprefix("random-"): known for who, known in SAMPLERS.items()},
    "bernoulli": (bernoulli, (Parameter("probability"),)),
    "int": (random_int, (Parameter("low"), Parameter("high"))),
    "categorical": (categorical, (Parameter("list of weights"),)),
}
_BY_SHAPE: dict[str, tuple[Draw, tuple[Parameter, ...]]] = {
    "uniform": (random_uniform, _BOUNDS),
    "normal": (random_normal, _OF_NORMAL),
    "constant": (full, (Parameter("number", default=0.0),)),
}
"""Those that take a shape before their parameters."""


def random_tensor(*arguments: Any, dtype: Any = None) -> Any:
    """``(random-tensor shape distribution parameters)``, or ``(random-tensor size …)``."""
    who = "random-tensor"
    if len(arguments) < 2 or not isinstance(arguments[1], Symbol | str):
        return random_uniform(list(static_shape(arguments, who)), dtype=dtype)
    shape, named, *rest = arguments
    name = str(getattr(named, "name", named))
    draw, parameters = _BY_SHAPE.get(name) or _BY_NAME.get(name) or (None, ())
    if draw is None:
        known = " ".join([*_BY_SHAPE, *_BY_NAME])
        raise BadValue(f"{who}: unknown distribution {name}", hint=f"there are: {known}")
    sizes = list(static_shape((shape,), who))
    if name == "categorical":
        # One list has the weights, not the parameters.
        given = _completed(name, parameters, [rest] if len(rest) > 1 else rest)
        return categorical(*given, sizes)
    if len(rest) == 1 and is_sequence(rest[0]):
        rest = list(rest[0])
    given = _completed(name, parameters, rest)
    arguments = (sizes, *given) if name in _BY_SHAPE else (*given, sizes)
    return draw(*arguments, dtype=dtype)


def _completed(name: str, parameters: Sequence[Parameter], given: Sequence[Any]) -> list[Any]:
    """The parameters of a distribution, those that are left out too.

    Raises:
        ArityError: there are too few or too many.
    """
    defaults = [parameter.default for parameter in parameters[len(given) :]]
    if len(given) > len(parameters) or None in defaults:
        names = ", ".join(_with_default(parameter) for parameter in parameters) or "nothing"
        raise ArityError(
            f"random-tensor: the distribution {name} takes {names}; got {len(given)}",
            hint=f"the parameters follow the name: (random-tensor shape '{name} parameter ...)",
        )
    return [*given, *defaults]


def _with_default(parameter: Parameter) -> str:
    """A parameter, and what it is if it is left out."""
    known = "" if parameter.default is None else f" (else {parameter.default})"
    return f"a {parameter.name}{known}"

"""Optimizers as pure transforms over models: ``init`` and ``update``, with optax's arithmetic.

An optimizer's learning rate is an argument of a compiled step, like any real: a new one compiles
nothing. It may be a procedure of the number of steps done, a schedule.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.write import short_string
from eshkol.primitives.calling import callee
from eshkol.xla.tensors import needs_wide
from eshkol.xla.transforms import Point
from eshkol.xla.trees import register
from eshkol.xla.witness import tracer_of


class OptimizerState(NamedTuple):
    """What an optimizer remembers between steps.

    Attributes:
        count: the number of steps done, int32.
        inner: optax's state over the list of the model's differentiated tensors.
    """

    count: Any
    inner: Any


class Optimizer:
    """A gradient transformation and a learning rate.

    Args:
        name: the name of the transformation in :data:`TRANSFORMATIONS`.
        settings: its hyper-parameters, hashable.
        learning_rate: a real, or a procedure of the number of steps done.
    """

    __slots__ = ("learning_rate", "name", "settings")

    def __init__(
        self, name: str, settings: tuple[tuple[str, Any], ...], learning_rate: Any
    ) -> None:
        self.name = name
        self.settings = settings
        self.learning_rate = learning_rate

    def __repr__(self) -> str:
        return f"#<optimizer {self.name} {short_string(self.learning_rate)}>"

    def transformation(self) -> optax.GradientTransformation:
        """optax's transformation, without the learning rate."""
        return TRANSFORMATIONS[self.name](**dict(self.settings))

    def init(self, model: Any) -> OptimizerState:
        """The state before the first step of training ``model``."""
        parameters = Point("optimizer-init", model).arrays()
        return OptimizerState(np.zeros((), np.int32), self.transformation().init(parameters))

    def update(self, model: Any, gradients: Any, state: OptimizerState) -> tuple[Any, Any]:
        """One step: the new model and the new state."""
        point = Point("optimizer-update", model)
        parameters = point.arrays()
        slopes = Point("optimizer-update", gradients).arrays()
        if [p.shape for p in parameters] != [g.shape for g in slopes]:
            raise BadValue(
                "optimizer-update: the gradients are not those of this model",
                hint="use: (optimizer-update optimizer model gradients state)",
            )
        expected = _structure(self.name, self.settings, len(parameters))
        if jax.tree.structure(state.inner) != expected:
            raise BadValue(
                f"optimizer-update: the state is none of {self!r} for this model",
                hint="the first is (optimizer-init optimizer model), then each step gives the next",
            )
        # The x64 flag types the Python numbers in optax's rules: on, it would make doubles of what
        # has no other dtype, such as bias corrections, and a conversion for each parameter.
        with jax.enable_x64(needs_wide(*parameters, *slopes)):
            updates, inner = self.transformation().update(slopes, state.inner, parameters)
        changed = _stepped(parameters, updates, self._rate(state.count))
        return point.updated(changed), OptimizerState(state.count + 1, inner)

    def _rate(self, count: Any) -> Any:
        rate = self.learning_rate
        return tracer_of(callee(rate)(count) if callable(rate) else rate)


@functools.cache
def _structure(name: str, settings: tuple[tuple[str, Any], ...], count: int) -> Any:
    """The structure of optax's state for so many tensors."""
    state = TRANSFORMATIONS[name](**dict(settings)).init([np.zeros(())] * count)
    return jax.tree.structure(state)


def _stepped(parameters: list[Any], updates: list[Any], rate: Any) -> list[Any]:
    """``parameter - rate * update`` for each, in the dtypes of the parameters."""
    rates = {dtype: _at_dtype(rate, dtype) for dtype in {p.dtype: None for p in parameters}}
    return [p - rates[p.dtype] * u for p, u in zip(parameters, updates, strict=True)]


def _at_dtype(rate: Any, dtype: np.dtype) -> Any:
    return rate.astype(dtype) if hasattr(rate, "dtype") else dtype.type(rate)


register(
    Optimizer,
    lambda optimizer: ((optimizer.name, optimizer.settings), (optimizer.learning_rate,)),
    lambda details, children: Optimizer(*details, *children),
)


def _sgd(momentum: float, nesterov: bool) -> optax.GradientTransformation:
    return optax.trace(momentum, nesterov) if momentum else optax.identity()


def _adamw(b1: float, b2: float, eps: float, weight_decay: float) -> optax.GradientTransformation:
    return optax.chain(
        optax.scale_by_adam(b1=b1, b2=b2, eps=eps), optax.add_decayed_weights(weight_decay)
    )


def _rmsprop(decay: float, eps: float) -> optax.GradientTransformation:
    return optax.scale_by_rms(decay=decay, eps=eps)


TRANSFORMATIONS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "sgd": _sgd,
    "adam": optax.scale_by_adam,
    "adamw": _adamw,
    "rmsprop": _rmsprop,
}
"""The gradient transformations by the names of their optimizers."""


def _make(name: str, learning_rate: Any, **settings: Any) -> Optimizer:
    is_number = isinstance(tracer_of(learning_rate), int | float) or hasattr(learning_rate, "dtype")
    if learning_rate.__class__ is bool or not (is_number or callable(learning_rate)):
        raise WrongType(
            f"{name}: expected a learning rate, got {short_string(learning_rate)}",
            hint=f"use: ({name} 0.001), or a procedure of the number of steps done",
        )
    rate = float(learning_rate) if learning_rate.__class__ is int else learning_rate
    plain = {
        key: value if value.__class__ is bool else float(value) for key, value in settings.items()
    }
    return Optimizer(name, tuple(sorted(plain.items())), rate)


def sgd(learning_rate: Any, momentum: Any = 0.0, *, nesterov: Any = False) -> Optimizer:
    """Stochastic gradient descent."""
    return _make("sgd", learning_rate, momentum=momentum, nesterov=nesterov is not False)


def adam(
    learning_rate: Any, beta1: Any = None, beta2: Any = None, epsilon: Any = None
) -> Optimizer:
    """Adam."""
    b1, b2, eps = (
        default if given is None else given
        for given, default in zip((beta1, beta2, epsilon), (0.9, 0.999, 1e-8), strict=True)
    )
    return _make("adam", learning_rate, b1=b1, b2=b2, eps=eps)


def adamw(
    learning_rate: Any,
    beta1: Any = 0.9,
    beta2: Any = 0.999,
    epsilon: Any = 1e-8,
    weight_decay: Any = 0.01,
) -> Optimizer:
    """Adam with decoupled weight decay."""
    return _make("adamw", learning_rate, b1=beta1, b2=beta2, eps=epsilon, weight_decay=weight_decay)


def rmsprop(learning_rate: Any, decay: Any = 0.9, epsilon: Any = 1e-8) -> Optimizer:
    """RMSProp."""
    return _make("rmsprop", learning_rate, decay=decay, eps=epsilon)


def _check(who: str, optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise WrongType(
            f"{who}: expected an optimizer, got {short_string(optimizer)}",
            hint="make one with (adam 0.001), (sgd 0.1), …",
        )


def optimizer_init(optimizer: Any, model: Any) -> Any:
    """The state of ``optimizer`` before the first step."""
    _check("optimizer-init", optimizer)
    return optimizer.init(model)


def optimizer_update(optimizer: Any, model: Any, gradients: Any, state: Any) -> Any:
    """The list of the new model and the new state."""
    _check("optimizer-update", optimizer)
    if not isinstance(state, OptimizerState):
        raise WrongType(
            f"optimizer-update: expected an optimizer's state, got {short_string(state)}",
            hint="use: (optimizer-update optimizer model gradients state)",
        )
    return scheme_list(optimizer.update(model, gradients, state))

"""Single steps of optimizers on a tensor or vector, which update it and the state in place.

``(adam-step p g 0.001 m v t)`` gives the variables p, m and v their new values, and gives p; what
updating in place means is told in ``primitives/in_place.py``. Whole models are trained by
``optimizer-update``.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.in_place import update_in_place
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.optimizer_steps:"


@update_in_place("sgd-step", "sgd-step!", at=_AT + "sgd", gives=True)
def sgd_step(
    parameters: Tensor, gradients: Tensor, rate: Any, momentum: Any = None, velocity: Any = None
) -> Any:
    """``p = p - rate g``; with momentum ``v = momentum v + g`` and ``p = p - rate v``.

    Args:
        parameters: updated.
        gradients: of the same shape.
        velocity: of the same shape, zeros before the first step; updated.

    Example: ``(let ((p #(1.0 2.0))) (sgd-step p #(1.0 1.0) 0.1) p)`` ⇒ ``#(0.9 1.9)``.
    """


@update_in_place("adam-step", "adam-step!", at=_AT + "adam", gives=True)
def adam_step(
    parameters: Tensor,
    gradients: Tensor,
    rate: Any,
    mean: Tensor,
    square: Tensor,
    step: Any,
    beta1: Any = 0.9,
    beta2: Any = 0.999,
    epsilon: Any = 1e-8,
) -> Any:
    """A step of Adam (Kingma and Ba 2015).

    Args:
        parameters: updated.
        gradients: of the same shape.
        mean, square: decaying means of the gradients and their squares, zeros before the first
            step; updated.
        step: its number, from 1 on.

    Raises:
        ShapeError: the shapes differ. BadValue: the number of the step is less than 1.

    Example: ``(adam-step #(1.0) #(0.5) 0.1 #(0.0) #(0.0) 1)`` ⇒ ``#(0.900000002)``.
    """


@update_in_place("adamw-step", "adamw-step!", at=_AT + "adamw", gives=True)
def adamw_step(
    parameters: Tensor,
    gradients: Tensor,
    rate: Any,
    mean: Tensor,
    square: Tensor,
    step: Any,
    beta1: Any = 0.9,
    beta2: Any = 0.999,
    epsilon: Any = 1e-8,
    weight_decay: Any = 0.01,
) -> Any:
    """A step of Adam that first takes ``rate · weight-decay`` off (Loshchilov and Hutter 2019).

    Example: ``(adamw-step #(1.0) #(0.5) 0.1 #(0.0) #(0.0) 1)`` ⇒ ``#(0.899000002)``.
    """


@update_in_place("rmsprop-step", "rmsprop-step!", at=_AT + "rmsprop", gives=True)
def rmsprop_step(
    parameters: Tensor,
    gradients: Tensor,
    rate: Any,
    square: Tensor,
    alpha: Any = 0.99,
    epsilon: Any = 1e-8,
) -> Any:
    """``v = alpha v + (1 - alpha) g²`` and ``p = p - rate g / (√v + epsilon)`` (Hinton 2012).

    Example: ``(rmsprop-step #(1.0) #(0.5) 0.01 #(0.0))`` ⇒ ``#(0.900…)``.
    """


@update_in_place("adagrad-step", "adagrad-step!", at=_AT + "adagrad", gives=True)
def adagrad_step(
    parameters: Tensor, gradients: Tensor, rate: Any, total: Tensor, epsilon: Any = 1e-8
) -> Any:
    """``a = a + g²`` and ``p = p - rate g / (√a + epsilon)`` (Duchi et al. 2011).

    Example: ``(adagrad-step #(1.0) #(0.5) 0.1 #(0.0))`` ⇒ ``#(0.9…)``.
    """


@tensor_primitive("check-grad-health", at="eshkol.xla.in_place:gradient_health")
def check_grad_health(gradients: Any) -> Any:
    """How many elements of gradients are infinite or not-a-number.

    Args:
        gradients: a tensor or vector, or a list or other structure of tensors.

    Example: ``(check-grad-health #(1.0 +inf.0 +nan.0))`` ⇒ ``2``.
    """

"""Activation functions, of a number or of each element of a tensor, each with its derivatives.

Where a function has a kink, its slope there is that of the left side: ``relu`` has slope 0 at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eshkol.autodiff import apply, primal
from eshkol.primitives.declare import primitive
from eshkol.primitives.numbers import REAL, is_host_number
from eshkol.primitives.operations import Number
from eshkol.validated.enclosures import Enclosure, enclosed

_AT = "eshkol.xla.activations:"

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def is_real(value: Any) -> bool:
    """Whether ``value`` is a real number of the host, with or without a derivative."""
    if value.__class__ in REAL:
        return True
    return is_host_number(value) and primal(value).__class__ is not complex


def _is_positive(x: Number) -> bool:
    return primal(x) > 0


def _zero(x: Number) -> Number:
    """Zero, exact if ``x`` is."""
    return 0.0 if isinstance(primal(x), float) else 0


def _between(low: int, x: Number, high: int) -> Number:
    value = primal(x)
    if value <= low:
        return _zero(x) + low
    return _zero(x) + high if value >= high else x


def softplus_of(x: Number) -> Number:
    """``log(1 + exp(x))``; the exponential is taken of a number that is not positive."""
    if _is_positive(x):
        return x + apply("log1p", apply("exp", -x))
    return apply("log1p", apply("exp", x))


def _declare(
    names: str, rule: str, of_number: Callable[[Any], Any], documentation: str
) -> Callable[..., Any]:
    """Declare an activation of one argument by its function on real numbers."""

    def activation(x: Number) -> Number:
        if isinstance(x, Enclosure):
            return enclosed(names.split()[0], rule, x)
        return of_number(x) if is_real(x) else NotImplemented

    activation.__doc__ = documentation
    return primitive(*names.split(), tensor=_AT + rule)(activation)


def _relu(x: Number) -> Number:
    return _zero(x) if primal(x) <= 0 else x


def _sigmoid(x: Number) -> Number:
    return apply("sigmoid", x)


def _gelu(x: Number) -> Number:
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1 + apply("tanh", inner))


def _silu(x: Number) -> Number:
    return x * apply("sigmoid", x)


def _mish(x: Number) -> Number:
    return x * apply("tanh", softplus_of(x))


def _hard_sigmoid(x: Number) -> Number:
    return apply("divide", _between(0, x + 3, 6), 6)


def _hard_swish(x: Number) -> Number:
    return x * _hard_sigmoid(x)


def _log_sigmoid(x: Number) -> Number:
    return -softplus_of(-x)


def _selu(x: Number) -> Number:
    return SELU_SCALE * _elu(x, SELU_ALPHA)


def _elu(x: Number, alpha: Number) -> Number:
    return x if _is_positive(x) else alpha * apply("expm1", x)


_declare(
    "relu",
    "relu",
    _relu,
    "``max(0, x)``. Example: ``(relu #(-1.0 2.0))`` ⇒ ``#(0.0 2.0)``; ``(relu -1.5)`` ⇒ ``0.0``.",
)
_declare(
    "relu6",
    "relu6",
    lambda x: _between(0, x, 6),
    "``min(max(0, x), 6)`` (Howard et al. 2017). "
    "Example: ``(relu6 #(-1 3 9))`` ⇒ ``#(0.0 3.0 6.0)``.",
)
_declare(
    "sigmoid logistic",
    "sigmoid",
    _sigmoid,
    "``1 / (1 + exp(-x))``. Example: ``(sigmoid 0.0)`` ⇒ ``0.5``.",
)
_declare(
    "gelu",
    "gelu",
    _gelu,
    "``x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))``, the tanh form of the Gaussian error linear "
    "unit (Hendrycks and Gimpel 2016). "
    "Example: ``(gelu #(-1.0 2.0))`` ⇒ ``#(-0.158808 1.954598)``.",
)
_declare(
    "silu",
    "silu",
    _silu,
    "``x · sigmoid(x)`` (Elfwing et al. 2018; Ramachandran et al. 2017). "
    "Example: ``(silu #(-1.0 2.0))`` ⇒ ``#(-0.268941 1.761594)``.",
)
_declare(
    "mish",
    "mish",
    _mish,
    "``x · tanh(softplus(x))`` (Misra 2019). "
    "Example: ``(mish #(-1.0 2.0))`` ⇒ ``#(-0.303401 1.943959)``.",
)
_declare(
    "hard-sigmoid",
    "hard_sigmoid",
    _hard_sigmoid,
    "``min(max(0, x + 3), 6) / 6``, a cheap sigmoid. "
    "Example: ``(hard-sigmoid #(-4 0 1.5))`` ⇒ ``#(0.0 0.5 0.75)``.",
)
_declare(
    "hard-swish",
    "hard_swish",
    _hard_swish,
    "``x · hard-sigmoid(x)`` (Howard et al. 2019). "
    "Example: ``(hard-swish #(0 1.5 4))`` ⇒ ``#(0.0 1.125 4.0)``.",
)
_declare(
    "log-sigmoid",
    "log_sigmoid",
    _log_sigmoid,
    "``log(sigmoid(x))``, without underflow. "
    "Example: ``(log-sigmoid #(-100.0 0.0))`` ⇒ ``#(-100.0 -0.693147)``.",
)
_declare(
    "selu",
    "selu",
    _selu,
    "The elu that keeps mean 0 and variance 1 through layers (Klambauer et al. 2017). "
    "Example: ``(selu #(-1.0 1.0))`` ⇒ ``#(-1.111331 1.050701)``.",
)
_declare(
    "tanh-activation",
    "tanh",
    lambda x: apply("tanh", x),
    "The hyperbolic tangent, of a number or of each element. "
    "Example: ``(tanh-activation 0.0)`` ⇒ ``0.0``.",
)


@primitive("leaky-relu", tensor=_AT + "leaky_relu")
def leaky_relu(x: Number, alpha: Number = 0.01) -> Number:
    """``x`` where it is positive, else ``alpha · x`` (Maas et al. 2013).

    Example: ``(leaky-relu #(-2 3) 0.1)`` ⇒ ``#(-0.2 3.0)``.
    """
    if not (is_real(x) and is_real(alpha)):
        return NotImplemented
    return x if _is_positive(x) else alpha * x


@primitive("elu", tensor=_AT + "elu")
def elu(x: Number, alpha: Number = 1.0) -> Number:
    """``x`` where it is positive, else ``alpha (exp(x) - 1)`` (Clevert et al. 2015).

    Example: ``(elu 2.0)`` ⇒ ``2.0``.
    """
    return _elu(x, alpha) if is_real(x) and is_real(alpha) else NotImplemented


@primitive("celu", tensor=_AT + "celu")
def celu(x: Number, alpha: Number = 1.0) -> Number:
    """``x`` where it is positive, else ``alpha (exp(x/alpha) - 1)`` (Barron 2017).

    Example: ``(celu #(-1.0 2.0))`` ⇒ ``#(-0.63212055 2.0)``.
    """
    if not (is_real(x) and is_real(alpha)):
        return NotImplemented
    return x if _is_positive(x) else alpha * apply("expm1", apply("divide", x, alpha))


@primitive("softplus", tensor=_AT + "softplus")
def softplus(x: Number, beta: Number = 1.0) -> Number:
    """``log(1 + exp(beta x)) / beta``, without overflow.

    Example: ``(softplus 0.0)`` ⇒ ``0.6931471805599453``.
    """
    if not (is_real(x) and is_real(beta)):
        return NotImplemented
    return apply("divide", softplus_of(beta * x), beta)


@primitive("swish", tensor=_AT + "swish")
def swish(x: Number, beta: Number = 1.0) -> Number:
    """``x · sigmoid(beta x)`` (Ramachandran et al. 2017); ``silu`` for ``beta`` 1.

    Example: ``(swish #(-1.0 2.0) 2.0)`` ⇒ ``#(-0.11920292 1.9640275)``.
    """
    if not (is_real(x) and is_real(beta)):
        return NotImplemented
    return x * apply("sigmoid", beta * x)

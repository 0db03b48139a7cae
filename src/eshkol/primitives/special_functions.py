"""Special functions of real numbers: gamma, beta, error and Bessel functions, and logarithms.

Numbers are computed by SciPy and NumPy, tensors, and whatever has a derivative, by XLA. The names
are those of SciPy, JAX and PyTorch; the definitions those of the NIST Digital Library of
Mathematical Functions.
"""

from __future__ import annotations

from typing import Any

from eshkol.autodiff.plain import to_float
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.numbers import REAL
from eshkol.primitives.operations import Number

_RULES = "eshkol.xla.special_functions:"
_SCIPY = "scipy.special:"


def _host(path: str, numbers: tuple[Any, ...]) -> Any:
    """The value of a function at ``"module:attribute"``, if these are plain real numbers."""
    if not all(number.__class__ in REAL for number in numbers):
        return NotImplemented
    with load("numpy:errstate")(all="ignore"):
        return load(path)(*map(to_float, numbers)).item()


def _unary(names: str, path: str, documentation: str) -> None:
    """Declare a function of one number, which is at ``"module:attribute"`` for plain ones."""

    def function(x: Number) -> Number:
        return _host(path, (x,))

    _declare(function, names, documentation)


def _binary(names: str, path: str, documentation: str) -> None:
    """Declare a function of two numbers."""

    def function(x: Number, y: Number) -> Number:
        return _host(path, (x, y))

    _declare(function, names, documentation)


def _of_parameter(names: str, path: str, documentation: str) -> None:
    """Declare a function of a parameter and a number."""

    def function(a: Number, x: Number) -> Number:
        return _host(path, (a, x))

    _declare(function, names, documentation)


def _declare(function: Any, names: str, documentation: str) -> None:
    function.__doc__ = documentation
    rule = names.split()[0].replace("-", "_")
    primitive(*names.split(), tensor=_RULES + rule)(function)


_unary(
    "gamma",
    _SCIPY + "gamma",
    """The gamma function Γ, of which ``Γ(n + 1) = n!``.

    At its poles, the integers below 0, it is not a number. Large values overflow: see
    ``log-gamma``.

    Example: ``(gamma 5)`` ⇒ ``24.0``.
    """,
)
_unary(
    "log-gamma lgamma gammaln",
    _SCIPY + "gammaln",
    "The logarithm of ``|Γ(x)|``. Example: ``(log-gamma 100)`` ⇒ ``359.1342…``.",
)
_unary(
    "digamma",
    _SCIPY + "digamma",
    "The derivative of ``log Γ``. Example: ``(digamma 1)`` ⇒ ``-0.57721…``.",
)
_unary(
    "erfc",
    _SCIPY + "erfc",
    "``1 - erf(x)``, exact where that is small. Example: ``(erfc 10)`` ⇒ ``2.088…e-45``.",
)
_unary(
    "erfinv",
    _SCIPY + "erfinv",
    "The x whose ``erf`` is the argument, from -1 to 1. Example: ``(erfinv 0.5)`` ⇒ ``0.4769…``.",
)
_unary(
    "ndtr",
    _SCIPY + "ndtr",
    "The normal distribution function: the share of a standard normal distribution below x. "
    "Example: ``(ndtr 1.96)`` ⇒ ``0.975…``.",
)
_unary(
    "log-ndtr",
    _SCIPY + "log_ndtr",
    "The logarithm of ``ndtr``, exact in the far tail. "
    "Example: ``(log-ndtr -40)`` ⇒ ``-804.6084…``.",
)
_unary(
    "ndtri",
    _SCIPY + "ndtri",
    "The quantile of the standard normal distribution: the x whose ``ndtr`` is the argument. "
    "Example: ``(ndtri 0.975)`` ⇒ ``1.959…``.",
)
_unary(
    "logit",
    _SCIPY + "logit",
    "``log(p / (1 - p))``, of which ``sigmoid`` is the inverse. "
    "Example: ``(logit 0.5)`` ⇒ ``0.0``.",
)
_unary(
    "bessel-i0",
    _SCIPY + "i0",
    "The modified Bessel function of the first kind and order 0. "
    "Example: ``(bessel-i0 1)`` ⇒ ``1.266…``.",
)
_unary(
    "bessel-i0e",
    _SCIPY + "i0e",
    "``bessel-i0`` times ``exp(-|x|)``, which does not overflow. "
    "Example: ``(bessel-i0e 1000)`` ⇒ ``0.01261…``.",
)
_unary(
    "bessel-i1",
    _SCIPY + "i1",
    "The modified Bessel function of the first kind and order 1. "
    "Example: ``(bessel-i1 1)`` ⇒ ``0.565…``.",
)
_unary(
    "bessel-i1e",
    _SCIPY + "i1e",
    "``bessel-i1`` times ``exp(-|x|)``, which does not overflow. "
    "Example: ``(bessel-i1e 1000)`` ⇒ ``0.01261…``.",
)
_unary("cbrt", "numpy:cbrt", "The real cube root. Example: ``(cbrt -27)`` ⇒ ``-3.0``.")
_unary("exp2", "numpy:exp2", "2 to the power of a number. Example: ``(exp2 10)`` ⇒ ``1024.0``.")
_unary(
    "log2",
    "numpy.lib.scimath:log2",
    "The logarithm to the base 2; of a negative number, not of a tensor, complex. "
    "Example: ``(log2 1024)`` ⇒ ``10.0``.",
)
_unary(
    "log10",
    "numpy.lib.scimath:log10",
    "The logarithm to the base 10; of a negative number, not of a tensor, complex. "
    "Example: ``(log10 1000)`` ⇒ ``3.0``.",
)
_unary("sinc", "numpy:sinc", "``sin(πx) / (πx)``, 1 at 0. Example: ``(sinc 0)`` ⇒ ``1.0``.")
_binary(
    "hypot",
    "numpy:hypot",
    "``√(x² + y²)`` without overflow; its slopes at zero are 0. "
    "Example: ``(hypot 3 4)`` ⇒ ``5.0``.",
)
_binary(
    "logaddexp",
    "numpy:logaddexp",
    "``log(exp(x) + exp(y))`` without overflow. "
    "Example: ``(logaddexp 1000 1000)`` ⇒ ``1000.6931…``.",
)
_binary(
    "xlogy",
    _SCIPY + "xlogy",
    "``x log(y)``, 0 where x is 0, as entropies have it. Example: ``(xlogy 0 0)`` ⇒ ``0.0``.",
)
_binary(
    "xlog1py",
    _SCIPY + "xlog1py",
    "``x log(1 + y)``, 0 where x is 0. Example: ``(xlog1py 2 0.5)`` ⇒ ``0.81093…``.",
)
_binary(
    "log-beta betaln",
    _SCIPY + "betaln",
    "The logarithm of the beta function, ``Γ(x) Γ(y) / Γ(x + y)``. "
    "Example: ``(log-beta 2 3)`` ⇒ ``-2.4849…``.",
)
_of_parameter(
    "gammainc",
    _SCIPY + "gammainc",
    """The regularized lower incomplete gamma function, ``1/Γ(a) ∫₀ˣ tᵃ⁻¹ exp(-t) dt``.

    It is the distribution function of a gamma distribution with the shape parameter ``a``.

    Example: ``(gammainc 2 3)`` ⇒ ``0.80085…``.
    """,
)
_of_parameter(
    "gammaincc",
    _SCIPY + "gammaincc",
    "``1 - gammainc``, exact where that is small. Example: ``(gammaincc 2 30)`` ⇒ ``2.900…e-12``.",
)
_of_parameter(
    "polygamma",
    _SCIPY + "polygamma",
    """The ``a``-th derivative of ``digamma``, where ``a`` is 0, 1, 2 …; by ``a`` there is none.

    Raises:
        StagingError: a derivative by ``a`` is asked for.

    Example: ``(polygamma 1 1)`` ⇒ ``1.6449…``.
    """,
)


@primitive("betainc", tensor=_RULES + "betainc")
def betainc(a: Number, b: Number, x: Number) -> Number:
    """The regularized incomplete beta function, ``1/B(a, b) ∫₀ˣ tᵃ⁻¹ (1 - t)ᵇ⁻¹ dt``.

    It is the distribution function of a beta distribution.

    Raises:
        StagingError: a derivative by ``a`` or ``b`` is asked for.

    Example: ``(betainc 2 3 0.5)`` ⇒ ``0.6875``.
    """
    return _host(_SCIPY + "betainc", (a, b, x))

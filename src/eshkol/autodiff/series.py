"""Recurrences for the coefficients of truncated power series.

A series is a sequence of Taylor coefficients; those it does not list are zero, so a constant is a
series of one coefficient. Each rule takes ``(slope, order, value, *arguments)``: the derivative
of the function at a scalar (a function of the arguments and the value), the order to stop at, the
value at the constant coefficients, and the series of the arguments. It returns the series of the
function. Source: Griewank and Walther, "Evaluating Derivatives", 2nd edition, section 13.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eshkol.autodiff.perturbations import primal
from eshkol.autodiff.plain import (
    EXACT,
    PLAIN,
    add,
    divide,
    multiply,
    negate,
    subtract,
    to_float,
)

Series = Sequence[Any]
Slope = Callable[..., Any]


def finite_or_infinite(x: Any, y: Any) -> Any:
    """``x / y``, infinite where exact division by zero would be an error: a vertical slope."""
    if x.__class__ in EXACT and primal(y) == 0:
        x = to_float(x)
    return divide(x, y)


def is_zero(x: Any) -> bool:
    """Whether ``x`` is zero and no derivative of it is being taken."""
    return x.__class__ in PLAIN and x == 0


def product_term(a: Series, b: Series, k: int, first: int = 0, last: int | None = None) -> Any:
    """The sum of a[j] b[k-j] for j from ``first`` to ``last`` (``k``)."""
    start = max(first, k - len(b) + 1)
    stop = min(k if last is None else last, len(a) - 1)
    total: Any = 0
    for j in range(start, stop + 1):
        total = add(total, multiply(a[j], b[k - j]))
    return total


def chain_term(a: Series, w: Series, k: int) -> Any:
    """Coefficient ``k`` of the integral of a' w."""
    start = max(1, k - len(w) + 1)
    stop = min(k, len(a) - 1)
    total: Any = 0
    for j in range(start, stop + 1):
        total = add(total, multiply(multiply(j, a[j]), w[k - j]))
    return divide(total, k)


def coefficient(a: Series, k: int) -> Any:
    """Coefficient ``k`` of a series, listed or not."""
    return a[k] if k < len(a) else 0


def sum_of(slope: Slope, order: int, value: Any, a: Series, b: Series) -> list[Any]:
    """a + b."""
    longest = max(len(a), len(b))
    return [value, *(add(coefficient(a, k), coefficient(b, k)) for k in range(1, longest))]


def difference(slope: Slope, order: int, value: Any, a: Series, b: Series) -> list[Any]:
    """a - b."""
    longest = max(len(a), len(b))
    return [value, *(subtract(coefficient(a, k), coefficient(b, k)) for k in range(1, longest))]


def linear(slope: Slope, order: int, value: Any, a: Series) -> list[Any]:
    """A function that is linear: each coefficient times its slope."""
    factor = slope(a[0], value)
    return [value, *(multiply(factor, c) for c in a[1:])]


def product(slope: Slope, order: int, value: Any, a: Series, b: Series) -> list[Any]:
    """a b."""
    last = min(order, len(a) + len(b) - 2)
    return [value, *(product_term(a, b, k) for k in range(1, last + 1))]


def ratio(slope: Slope, order: int, value: Any, a: Series, b: Series) -> list[Any]:
    """a / b."""
    last = len(a) - 1 if len(b) == 1 else order
    r = [value]
    for k in range(1, last + 1):
        rest = subtract(coefficient(a, k), product_term(b, r, k, first=1))
        r.append(finite_or_infinite(rest, b[0]))
    return r


def square_root(slope: Slope, order: int, value: Any, a: Series) -> list[Any]:
    """√a."""
    r = [value]
    for k in range(1, order + 1):
        rest = subtract(coefficient(a, k), product_term(r, r, k, first=1, last=k - 1))
        r.append(finite_or_infinite(rest, multiply(2, value)))
    return r


def riccati(p: int, q: int, s: int) -> Callable[..., list[Any]]:
    """The rule of a function f with f' = p + q f + s f²: exponentials, tangents, logistic."""

    def rule(slope: Slope, order: int, value: Any, a: Series) -> list[Any]:
        r, w = [value], [slope(a[0], value)]
        for k in range(1, order + 1):
            r.append(chain_term(a, w, k))
            w.append(multiply(q, r[k]))
            if s:
                w[k] = add(w[k], multiply(s, product_term(r, r, k)))
        return r

    return rule


def oscillation(sign: int) -> Callable[..., list[Any]]:
    """The rule of a function f with f″ = ``sign`` f: -1 for sin and cos, 1 for sinh and cosh."""

    def rule(slope: Slope, order: int, value: Any, a: Series) -> list[Any]:
        r, w = [value], [slope(a[0], value)]
        for k in range(1, order + 1):
            r.append(chain_term(a, w, k))
            w.append(multiply(sign, chain_term(a, r, k)))
        return r

    return rule


def integer_power(order: int, a: Series, n: int) -> list[Any]:
    """a to the power of the integer ``n`` ≥ 0, by repeated squaring; exact, and good at zero."""
    result: list[Any] = [1]
    square: Series = a
    while n:
        if n & 1:
            result = _product(order, result, square)
        n >>= 1
        if n:
            square = _product(order, square, square)
    return result


def _product(order: int, a: Series, b: Series) -> list[Any]:
    return product(_no_slope, order, multiply(a[0], b[0]), a, b)


def _no_slope(*arguments: Any) -> int:
    return 0


def fixed_power(order: int, value: Any, a: Series, p: Any) -> list[Any]:
    """a to the constant power ``p``, where a[0] is not zero."""
    r = [value]
    for k in range(1, order + 1):
        total: Any = 0
        for j in range(1, min(k, len(a) - 1) + 1):
            weight = subtract(multiply(j, p), k - j)
            total = add(total, multiply(multiply(weight, a[j]), r[k - j]))
        r.append(divide(total, multiply(k, a[0])))
    return r


def composed(order: int, derivatives: Series, a: Series) -> list[Any]:
    """The function of Taylor coefficients ``derivatives`` at a[0], at the series a."""
    result: list[Any] = [derivatives[0], *[0] * order]
    power: list[Any] = [1]
    for k in range(1, order + 1):
        # The power k of a - a[0] has no term below degree k. (No term is not a zero term: some
        # derivative may be infinite.)
        last = min(order, len(power) + len(a) - 2)
        terms = [product_term(power, a, d, k - 1, d - 1) for d in range(k, last + 1)]
        power = [0] * k + terms
        for d, term in enumerate(terms, start=k):
            if not is_zero(term):
                result[d] = add(result[d], multiply(derivatives[k], term))
    return result


def exponential_of(order: int, value: Any, exponent: Series) -> list[Any]:
    """The series r with r' = exponent' r that starts with ``value``."""
    r = [value]
    for k in range(1, order + 1):
        r.append(chain_term(exponent, r, k))
    return r


def negated(slope: Slope, order: int, value: Any, a: Series) -> list[Any]:
    """-a."""
    return [value, *map(negate, a[1:])]

"""Derivatives inside derivatives: no perturbation is taken for another.

Source of the classics: Siskind and Pearlmutter, "Perturbation confusion and referential
transparency" (2005) and "Nesting forward-mode AD in a functional framework" (2008).
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath
import pytest

from eshkol.autodiff import apply, derivative, derivatives, gradient, taylor_coefficients


def forward(function):
    return lambda x: derivative(function, x)


def reverse(function):
    return lambda x: gradient(function, [x])[0]


def through_series(function):
    return lambda x: derivatives(function, x, 2)[1]


def through_square(function):
    """f'(x) as the coefficient of t^2 in f(x + t^2)."""
    return lambda x: taylor_coefficients(lambda t: function(x + t * t), 0, 2)[2]


MODES = [forward, reverse, through_series, through_square]
PAIRS = list(itertools.product(MODES, repeat=2))
TRIPLES = list(itertools.product(MODES, repeat=3))


def names(modes):
    return "-".join(mode.__name__ for mode in modes)


pairs = pytest.mark.parametrize("modes", PAIRS, ids=names)
triples = pytest.mark.parametrize("modes", TRIPLES, ids=names)


@pairs
def test_an_inner_derivative_sees_the_outer_variable_as_a_constant(modes):
    outer, inner = modes
    assert outer(lambda x: x * inner(lambda y: x + y)(1))(1) == 1


@pairs
def test_the_inner_variable_at_the_outer_one(modes):
    outer, inner = modes
    assert outer(lambda x: inner(lambda y: x * y * y * x)(x))(3) == 54
    assert outer(lambda x: x * inner(lambda y: y * y)(x))(5) == 20


@pairs
def test_a_constant_inner_function(modes):
    outer, inner = modes
    assert outer(lambda x: x * x * inner(lambda y: x)(2) + x)(7) == 1


@pairs
def test_both_perturbations_in_both_places(modes):
    """d/dx (x d/dy (x y + y^3) at y = x^2) = d/dx (x^2 + 3 x^5)."""
    outer, inner = modes
    assert outer(lambda x: x * inner(lambda y: x * y + y**3)(x * x))(2) == 4 + 15 * 16


@pairs
def test_mixed_partials_commute(modes):
    outer, inner = modes

    def f(x, y):
        return apply("sin", x * y) / (x + y * y)

    one = outer(lambda x: inner(lambda y: f(x, y))(0.7))(0.4)
    other = outer(lambda y: inner(lambda x: f(x, y))(0.4))(0.7)
    expected = mpmath.diff(lambda x, y: mpmath.sin(x * y) / (x + y * y), (0.4, 0.7), (1, 1))
    assert one == pytest.approx(other)
    assert one == pytest.approx(float(expected))


@triples
def test_three_levels(modes):
    first, second, third = modes
    assert first(second(third(lambda x: x**5)))(Fraction(1, 2)) == 15

    def f(x):
        return x * second(lambda y: y * third(lambda z: x * y * z * z)(x + y))(x)

    # third = 2 x y (x + y); second: d/dy 2 x y^2 (x + y) at y = x is 10 x^3; first of 10 x^4.
    assert first(f)(3) == 40 * 27


@triples
def test_three_levels_of_transcendental_functions(modes):
    first, second, third = modes
    f = first(second(third(lambda x: apply("exp", apply("sin", x)))))
    expected = mpmath.diff(lambda x: mpmath.exp(mpmath.sin(x)), mpmath.mpf("0.5"), 3)
    assert f(0.5) == pytest.approx(float(expected))


@pairs
def test_a_variable_that_a_closure_carries_inwards(modes):
    outer, inner = modes

    def f(x):
        stored = []
        inner(lambda y: stored.append(y * x) or y)(2)
        # What is kept from the inner derivative counts as its value; the outer one still sees it.
        return stored[0] * x

    assert outer(f)(3) == 12


@pairs
def test_control_flow_on_inner_and_outer_variables(modes):
    outer, inner = modes

    def f(x):
        return inner(lambda y: x * y if y < x else y)(1)

    assert outer(f)(2) == 1
    assert outer(f)(0) == 0


def test_saddle_point_of_descent_within_descent():
    """The program of the papers: min over x of max over y, by nested gradient descent."""

    def descend(f, x):
        for _ in range(60):
            x = x - 0.2 * forward(f)(x)
        return x

    def f(x, y):
        return (x - 1) * (x - 1) - (y - x) * (y - x)

    x = descend(lambda x: f(x, descend(lambda y: -f(x, y), 0.0)), 5.0)
    assert x == pytest.approx(1.0, abs=1e-6)


def test_hessian_by_reverse_over_reverse():
    def f(x, y, z):
        return x * x * y + apply("exp", y * z)

    point = [1.0, 2.0, 0.5]
    e = float(mpmath.e)
    rows = [gradient(lambda *v, i=i: gradient(f, list(v))[i], point) for i in range(3)]
    expected = [[4, 2, 0], [2, 0.25 * e, e + e], [0, e + e, 4 * e]]
    for row, values in zip(rows, expected, strict=True):
        assert row == pytest.approx(values)


def test_newton_steps_on_a_derivative():
    def minimum(f, x):
        for _ in range(30):
            _, slope, curvature = derivatives(f, x, 2)
            x = x - slope / curvature
        return x

    # Where the minimum of y^2 - x y + x^3 over y lies is x / 2: its derivative is 1/2.
    assert derivative(lambda x: minimum(lambda y: y * y - x * y + x**3, 1), 3) == Fraction(1, 2)

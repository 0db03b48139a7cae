"""Laws of differentiation on random programs, and random programs against mpmath."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eshkol.autodiff import apply, derivative, derivatives, gradient, taylor_coefficients

# Functions that are smooth everywhere, so that any composition of them can be differentiated.
SMOOTH = {
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tanh": mpmath.tanh,
    "atan": mpmath.atan,
    "asinh": mpmath.asinh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "erf": mpmath.erf,
    "negate": lambda x: -x,
}
ARITHMETIC = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (y * y + 2),
}


def host(name, *arguments):
    if name == "divide":
        x, y = arguments
        return apply("divide", x, y * y + 2)
    return apply(name, *arguments)


def reference(name, *arguments):
    return (SMOOTH.get(name) or ARITHMETIC[name])(*arguments)


def evaluate(program, operation, *variables):
    """The value of a program: a number, a variable's place, or an operation on programs."""
    if program[0] == "constant":
        return program[1]
    if program[0] == "variable":
        return variables[program[1] % len(variables)]
    return operation(program[0], *(evaluate(part, operation, *variables) for part in program[1:]))


constants = st.integers(-3, 3) | st.floats(-2, 2, allow_subnormal=False).map(lambda x: round(x, 3))
leaves = st.tuples(st.just("constant"), constants) | st.tuples(
    st.just("variable"), st.integers(0, 1)
)
programs = st.recursive(
    leaves,
    lambda parts: st.tuples(st.sampled_from(sorted(SMOOTH)), parts)
    | st.tuples(st.sampled_from(sorted(ARITHMETIC)), parts, parts),
    max_leaves=12,
)
points = st.floats(-2, 2).map(lambda x: round(x, 3))
rationals = st.fractions(-5, 5, max_denominator=9)


def close(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(programs, points)
def test_forward_agrees_with_reverse_and_with_finite_differences(program, x):
    def ours(t):
        return evaluate(program, host, t)

    with mpmath.workdps(50):
        x_exactly = mpmath.mpf(x)
        h = mpmath.mpf(10) ** -15
        up, down = (evaluate(program, reference, x_exactly + s) for s in (h, -h))
        expected = float((up - down) / (2 * h))
    assert derivative(ours, x) == close(expected)
    assert gradient(ours, [x]) == [close(expected)]


@given(programs, points, points)
def test_partials_agree_with_finite_differences(program, x, y):
    with mpmath.workdps(50):
        a, b, h = mpmath.mpf(x), mpmath.mpf(y), mpmath.mpf(10) ** -15

        def f(s, t):
            return evaluate(program, reference, s, t)

        expected = [
            float((f(a + h, b) - f(a - h, b)) / (2 * h)),
            float((f(a, b + h) - f(a, b - h)) / (2 * h)),
        ]
    assert gradient(lambda s, t: evaluate(program, host, s, t), [x, y]) == close(expected)


@settings(max_examples=60)
@given(programs, points)
def test_taylor_coefficients_agree_with_nested_derivatives(program, x):
    def f(t):
        return evaluate(program, host, t)

    first, second = derivatives(f, x, 2)[1:]
    assert derivatives(f, x, 5)[1:3] == [close(first), close(second)]
    assert derivative(f, x) == close(first)
    assert derivative(lambda t: derivative(f, t), x) == close(second)
    assert gradient(lambda t: derivative(f, t), [x]) == [close(second)]
    assert derivative(lambda t: gradient(f, [t])[0], x) == close(second)
    assert gradient(lambda t: gradient(f, [t])[0], [x]) == [close(second)]


@settings(max_examples=40)
@given(programs, points)
def test_a_taylor_polynomial_approaches_the_function(program, x):
    step = 1e-3
    polynomial = taylor_coefficients(lambda t: evaluate(program, host, t), x, 6)
    value = evaluate(program, host, x + step)
    assert sum(c * step**k for k, c in enumerate(polynomial)) == pytest.approx(
        value, rel=1e-9, abs=1e-9
    )


@given(programs, programs, points, points, points)
def test_linearity(p, q, a, b, x):
    f, g = (lambda t, program=program: evaluate(program, host, t) for program in (p, q))
    expected = a * derivative(f, x) + b * derivative(g, x)
    assert derivative(lambda t: a * f(t) + b * g(t), x) == close(expected)
    assert gradient(lambda t: a * f(t) + b * g(t), [x]) == [close(expected)]


@given(programs, programs, points)
def test_product_rule(p, q, x):
    f, g = (lambda t, program=program: evaluate(program, host, t) for program in (p, q))
    expected = derivative(f, x) * g(x) + f(x) * derivative(g, x)
    assert derivative(lambda t: f(t) * g(t), x) == close(expected)
    assert gradient(lambda t: f(t) * g(t), [x]) == [close(expected)]


@given(programs, programs, points)
def test_chain_rule(p, q, x):
    f, g = (lambda t, program=program: evaluate(program, host, t) for program in (p, q))
    expected = derivative(f, g(x)) * derivative(g, x)
    assert derivative(lambda t: f(g(t)), x) == close(expected)
    assert gradient(lambda t: f(g(t)), [x]) == [close(expected)]


exact_programs = st.recursive(
    st.tuples(st.just("constant"), st.integers(-4, 4))
    | st.tuples(st.just("constant"), rationals)
    | st.tuples(st.just("variable"), st.just(0)),
    lambda parts: st.tuples(st.sampled_from(sorted(ARITHMETIC)), parts, parts),
    max_leaves=8,
)


@given(exact_programs, rationals)
def test_exact_programs_have_exact_derivatives(program, x):
    """All modes give the same rational, with whole ones as integers; no rounding anywhere."""

    def f(t):
        return evaluate(program, host, t)

    first, second = derivatives(f, x, 2)[1:]
    for d in (first, second):
        assert d.__class__ is int or (d.__class__ is Fraction and d.denominator > 1)
    results = [derivative(f, x), gradient(f, [x])[0], derivatives(f, x, 4)[1]]
    assert [(d, d.__class__) for d in results] == [(first, first.__class__)] * 3
    assert derivative(lambda t: derivative(f, t), x) == second
    assert gradient(lambda t: gradient(f, [t])[0], [x]) == [second]


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8), rationals)
def test_polynomials_have_the_coefficients_of_their_shift(coefficients, x):
    def polynomial(t):
        total = 0
        for c in reversed(coefficients):
            total = total * t + c
        return total

    shifted = taylor_coefficients(polynomial, x, len(coefficients) + 1)
    assert shifted[-2:] == [0, 0]
    for t in (Fraction(1, 3), -2):
        assert sum(c * t**k for k, c in enumerate(shifted)) == polynomial(x + t)

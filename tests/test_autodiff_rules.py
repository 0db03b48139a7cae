"""Each operation of the host's derivatives against mpmath's differentiation in 60 digits."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest

from eshkol.autodiff import apply, derivative, derivatives, gradient, taylor_coefficients
from eshkol.autodiff.operations import OPERATIONS

UNARY = {
    "negate": (lambda x: -x, (0.3, -2.0)),
    "reciprocal": (lambda x: 1 / x, (0.7, -3.0)),
    "square": (lambda x: x * x, (0.0, -1.5)),
    "sqrt": (mpmath.sqrt, (0.04, 2.0)),
    "exp": (mpmath.exp, (-3.0, 0.0, 1.2)),
    "expm1": (mpmath.expm1, (-1.0, 1e-9, 0.5)),
    "log": (mpmath.log, (0.2, 1.0, 30.0)),
    "log1p": (mpmath.log1p, (-0.5, 1e-9, 2.0)),
    "sin": (mpmath.sin, (0.0, 0.5, -4.0)),
    "cos": (mpmath.cos, (0.0, 0.5, -4.0)),
    "tan": (mpmath.tan, (0.0, 0.7, 2.5)),
    "asin": (mpmath.asin, (0.0, 0.3, -0.8)),
    "acos": (mpmath.acos, (0.0, 0.3, -0.8)),
    "atan": (mpmath.atan, (0.0, 0.6, -5.0)),
    "sinh": (mpmath.sinh, (0.0, 0.5, -2.0)),
    "cosh": (mpmath.cosh, (0.0, 0.5, -2.0)),
    "tanh": (mpmath.tanh, (0.0, 0.5, -2.0)),
    "asinh": (mpmath.asinh, (0.0, 0.5, -4.0)),
    "acosh": (mpmath.acosh, (1.2, 3.0)),
    "atanh": (mpmath.atanh, (0.0, 0.3, -0.7)),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), (-3.0, 0.0, 2.0)),
    "erf": (mpmath.erf, (0.0, 0.4, -1.5)),
    "abs": (abs, (2.0, -2.0)),
    "exact->inexact": (lambda x: x, (2.0,)),
    "inexact->exact": (lambda x: x, (2.0,)),
}

BINARY = {
    "add": (lambda x, y: x + y, ((1.5, -2.0),)),
    "subtract": (lambda x, y: x - y, ((1.5, -2.0),)),
    "multiply": (lambda x, y: x * y, ((1.5, -2.0), (0.0, 3.0))),
    "divide": (lambda x, y: x / y, ((1.5, -2.0), (0.0, 3.0))),
    "power": (lambda x, y: x**y, ((1.5, -2.5), (0.3, 4.0), (7.0, 0.5))),
    "atan2": (mpmath.atan2, ((1.0, 2.0), (-1.0, -2.0), (3.0, -0.5))),
    "log": (lambda x, b: mpmath.log(x) / mpmath.log(b), ((8.0, 3.0), (0.5, 10.0))),
    "max": (max, ((1.0, 2.0), (2.0, 1.0))),
    "min": (min, ((1.0, 2.0), (2.0, 1.0))),
    "modulo": (lambda x, y: x - y * mpmath.floor(x / y), ((7.3, 2.0), (-7.3, 2.0), (7.3, -2.0))),
    "remainder": (
        lambda x, y: x - y * (mpmath.floor(x / y) if x * y > 0 else mpmath.ceil(x / y)),
        ((7.3, 2.0), (-7.3, 2.0)),
    ),
}

STEPS = {
    "floor": (2.5, 2.0),
    "ceiling": (2.5, 3.0),
    "round": (2.5, 2.0),
    "truncate": (-2.5, -2.0),
    "sign": (-2.5, -1.0),
}

UNARY_CASES = [(name, f, x) for name, (f, points) in UNARY.items() for x in points]
BINARY_CASES = [(name, f, *xy) for name, (f, points) in BINARY.items() for xy in points]


@pytest.fixture(autouse=True)
def many_digits():
    with mpmath.workdps(60):
        yield


def reference(function, x, order):
    """The derivatives of ``function`` at ``x``, from 0 to ``order``."""
    return [float(mpmath.diff(function, mpmath.mpf(x), k)) for k in range(order + 1)]


def close(expected, scale=1.0):
    return pytest.approx(expected, rel=1e-11, abs=1e-11 * scale)


@pytest.mark.parametrize(("name", "function", "x"), UNARY_CASES)
def test_forward_and_reverse_first_derivatives_of_one_argument(name, function, x):
    expected = reference(function, x, 1)[1]
    assert derivative(lambda t: apply(name, t), x) == close(expected)
    assert gradient(lambda t: apply(name, t), [x]) == [close(expected)]


@pytest.mark.parametrize(("name", "function", "x"), UNARY_CASES)
def test_ten_derivatives_of_one_argument(name, function, x):
    ours = taylor_coefficients(lambda t: apply(name, t), x, 10)
    expected = [d / math.factorial(k) for k, d in enumerate(reference(function, x, 10))]
    assert ours == close(expected, max(map(abs, expected)))


@pytest.mark.parametrize(("name", "function", "x"), UNARY_CASES)
def test_series_of_a_function_of_a_function(name, function, x):
    """The inner function has no coefficient that is zero."""

    def inner(t, exp):
        return x + (exp(t) - 1) / 7

    ours = taylor_coefficients(lambda t: apply(name, inner(t, lambda u: apply("exp", u))), 0.0, 6)
    expected = [float(c) for c in mpmath.taylor(lambda t: function(inner(t, mpmath.exp)), 0, 6)]
    assert ours == close(expected, max(map(abs, expected)))


@pytest.mark.parametrize(("name", "function", "x"), UNARY_CASES)
def test_nested_modes_give_the_third_derivative(name, function, x):
    expected = reference(function, x, 3)[3]

    def forward(f):
        return lambda t: derivative(f, t)

    def reverse(f):
        return lambda t: gradient(f, [t])[0]

    def f(t):
        return apply(name, t)

    for first, second, third in [
        (forward, forward, forward),
        (reverse, forward, reverse),
        (forward, reverse, forward),
        (reverse, reverse, reverse),
    ]:
        assert first(second(third(f)))(x) == close(expected)


@pytest.mark.parametrize(("name", "function", "x", "y"), BINARY_CASES)
def test_partials_of_two_arguments(name, function, x, y):
    by_x = reference(lambda t: function(t, mpmath.mpf(y)), x, 1)[1]
    by_y = reference(lambda t: function(mpmath.mpf(x), t), y, 1)[1]
    assert derivative(lambda t: apply(name, t, y), x) == close(by_x)
    assert derivative(lambda t: apply(name, x, t), y) == close(by_y)
    assert gradient(lambda s, t: apply(name, s, t), [x, y]) == [close(by_x), close(by_y)]


@pytest.mark.parametrize(("name", "function", "x", "y"), BINARY_CASES)
@pytest.mark.parametrize("path", [(1, 0), (0, 1), (1, 2), (2, -3)])
def test_series_of_two_arguments_along_a_line(name, function, x, y, path):
    u, v = path

    def along(t):
        return function(mpmath.mpf(x) + u * t, mpmath.mpf(y) + v * t)

    ours = taylor_coefficients(lambda t: apply(name, x + u * t, y + v * t), 0.0, 6)
    expected = [
        float(c)
        for c in mpmath.taylor(
            lambda t: function(mpmath.mpf(x) + u * t, mpmath.mpf(y) + v * t), 0, 6
        )
    ]
    assert ours == close(expected, max(map(abs, expected)))


@pytest.mark.parametrize(("name", "function", "x", "y"), BINARY_CASES)
def test_mixed_second_derivative_of_two_arguments(name, function, x, y):
    expected = float(mpmath.diff(function, (mpmath.mpf(x), mpmath.mpf(y)), (1, 1)))

    def f(s, t):
        return apply(name, s, t)

    assert derivative(lambda s: derivative(lambda t: f(s, t), y), x) == close(expected)
    assert derivative(lambda t: derivative(lambda s: f(s, t), x), y) == close(expected)
    assert gradient(lambda s: derivative(lambda t: f(s, t), y), [x])[0] == close(expected)
    assert derivative(lambda t: gradient(f, [x, t])[0], y) == close(expected)
    assert gradient(lambda s: gradient(f, [s, y])[1], [x])[0] == close(expected)


@pytest.mark.parametrize(("name", "x", "value"), [(n, *row) for n, row in STEPS.items()])
def test_between_jumps_the_derivative_is_zero(name, x, value):
    assert derivatives(lambda t: apply(name, t), x, 2) == [value, 0, 0]
    assert gradient(lambda t: apply(name, t) * t, [x]) == [value]


@pytest.mark.parametrize("name", ["quotient", "floor-quotient"])
def test_integer_quotients_are_constant_between_jumps(name):
    value = {"quotient": -3, "floor-quotient": -4}[name]
    assert derivative(lambda t: t * apply(name, t, 2), -7) == value


@pytest.mark.parametrize(
    ("function", "x", "slope"),
    [
        (lambda x: apply("abs", x), 0.0, 0.0),
        (lambda x: apply("max", x, 0), 0.0, 1.0),
        (lambda x: apply("max", 0, x), 0.0, 0.0),
        (lambda x: apply("min", x, 0), 0.0, 1.0),
        (lambda x: apply("max", 0, x, -1), 3.0, 1.0),
        (lambda x: apply("floor", x), 2.0, 0.0),
        (lambda x: apply("sqrt", x), 0.0, math.inf),
        (lambda x: apply("sqrt", x), 0, math.inf),
        (lambda x: apply("asin", x), 1, math.inf),
        (lambda x: apply("acos", x), 1.0, -math.inf),
        (lambda x: apply("log", x), 0.0, math.inf),
        (lambda x: apply("expt", x, Fraction(1, 2)), 0, math.inf),
        (lambda x: apply("expt", x, 1.5), 0, 0.0),
        (lambda x: apply("expt", x, 0.5), 0.0, math.inf),
        (lambda x: apply("expt", x, 0), 0, 0),
        (lambda x: apply("expt", x, 0.0), 0.0, 0.0),
        (lambda x: apply("expt", x, 1), 0, 1),
        (lambda x: apply("expt", 0.0, x), 2.0, 0.0),
        (lambda x: apply("exp", x), 1000.0, math.inf),
        (lambda x: 1 / x, 0.0, -math.inf),
    ],
)
def test_kinks_and_poles(function, x, slope):
    assert derivative(function, x) == slope
    assert gradient(function, [x]) == [slope]


@pytest.mark.parametrize(
    ("name", "x", "second"),
    [
        ("asin", 1.0, math.inf),
        ("asin", -1.0, -math.inf),
        ("acos", 1.0, -math.inf),
        ("acosh", 1.0, -math.inf),
        ("atanh", 1.0, math.inf),
        ("atanh", -1.0, -math.inf),
        ("sqrt", 0.0, -math.inf),
        ("log", 0.0, -math.inf),
    ],
)
def test_second_slopes_at_poles(name, x, second):
    def function(x):
        return apply(name, x)

    assert derivative(lambda x: derivative(function, x), x) == second
    assert gradient(lambda x: gradient(function, [x])[0], [x]) == [second]


def test_a_broken_power_at_zero_has_infinite_derivatives_beyond_its_exponent():
    assert derivatives(lambda x: x**1.5, 0.0, 3) == [0.0, 0.0, math.inf, -math.inf]
    assert derivatives(lambda x: x**2.0, 0.0, 4) == [0.0, 0.0, 2.0, 0.0, 0.0]
    assert derivatives(lambda x: (x * x) ** 2.5, 0.0, 4) == [0.0] * 5
    assert derivatives(lambda x: apply("sqrt", x), 0.0, 2) == [0.0, math.inf, -math.inf]


def test_a_variable_power_of_a_variable_zero_has_no_series():
    value, *rest = taylor_coefficients(lambda x: x ** (x + 2), 0.0, 2)
    assert value == 0.0
    assert all(map(math.isnan, rest))
    assert taylor_coefficients(lambda x: 0.0 ** (x + 2), 0.0, 2) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("exponent", range(-4, 9))
@pytest.mark.parametrize("x", [Fraction(2, 3), -3])
def test_integer_powers_are_exact_to_any_order(exponent, x):
    falling = 1
    for k, d in enumerate(derivatives(lambda t: t**exponent, x, 9)):
        assert d == falling * Fraction(x) ** (exponent - k)
        assert d.__class__ in (int, Fraction)
        falling *= exponent - k


def test_complex_numbers_pass_through():
    z = 0.3 + 0.4j
    assert derivative(lambda t: apply("exp", t * t), z) == pytest.approx(2 * z * mpmath.exp(z * z))
    assert derivative(lambda x: apply("sqrt", x), -4.0) == pytest.approx(-0.25j)


COMPLEX = """sin cos tan exp log sqrt asin acos atan sinh cosh tanh asinh acosh atanh square
expm1 log1p""".split()


@pytest.mark.parametrize("name", COMPLEX)
@pytest.mark.parametrize("point", [1.5 + 0.7j, -1.5 + 0.7j, -1.9 - 0.4j, 0.6 - 2.1j, 0.3j, -0.3j])
def test_holomorphic_functions_at_complex_points(name, point):
    function = getattr(mpmath, name, None) or (lambda z: z * z)
    first, third = (complex(mpmath.diff(function, point, k)) for k in (1, 3))
    slopes = derivatives(lambda z: apply(name, z), point, 3)
    assert slopes[1] == pytest.approx(first)
    assert slopes[3] == pytest.approx(third)
    assert gradient(lambda z: apply(name, z), [point]) == [pytest.approx(first)]


@pytest.mark.parametrize("name", ["asin", "acos", "acosh", "sqrt", "log", "atanh"])
@pytest.mark.parametrize("x", [2.5, -2.5])
def test_beyond_the_reals_a_slope_goes_with_the_value(name, x):
    ahead, behind = (apply(name, x + step) for step in (1e-5, -1e-5))
    assert derivative(lambda t: apply(name, t), x) == pytest.approx((ahead - behind) / 2e-5)


PARTS = {
    "real-part": lambda t: t * t - 4,
    "imag-part": lambda t: 4 * t,
    "magnitude": lambda t: t * t + 4,
    "angle": lambda t: 2 * mpmath.atan(2 / t),
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_parts_of_complex_numbers(name, order):
    def function(t):
        z = apply("make-rectangular", t, 2.0)
        return apply(name, apply("multiply", z, z))

    expected = float(mpmath.diff(PARTS[name], 1.5, order))
    assert derivatives(function, 1.5, order)[order] == pytest.approx(expected, abs=1e-9)


def test_every_operation_has_a_row_here():
    alias = {
        "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "expt": "power",
        "pow": "power", "inexact": "exact->inexact", "exact": "inexact->exact",
        "floor-remainder": "modulo", "truncate-remainder": "remainder",
        "truncate-quotient": "quotient",
    }  # fmt: skip
    tested = {
        *UNARY,
        *BINARY,
        *STEPS,
        *PARTS,
        "make-rectangular",
        "quotient",
        "floor-quotient",
        "stop-gradient",
    }
    assert {alias.get(name, name) for name in OPERATIONS} == tested
    for other, name in alias.items():
        assert OPERATIONS[other] is OPERATIONS[name]

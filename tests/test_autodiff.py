"""Derivatives of programs on Python numbers: exactness, containers, errors, costs."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import time
import weakref
from fractions import Fraction

import numpy as np
import pytest

from eshkol.autodiff import (
    NeedsTensors,
    apply,
    derivative,
    derivatives,
    gradient,
    primal,
    taylor_coefficients,
    value_and_gradient,
)
from eshkol.base.errors import OutOfRange, WrongType
from eshkol.datum.equality import is_equal
from eshkol.datum.pairs import NIL, cons, scheme_list
from eshkol.datum.values import UNSPECIFIED, Char, Vector


def exactly(result, expected):
    """The same numbers of the same kinds, in the same containers."""
    return result.__class__ is expected.__class__ and is_equal(result, expected)


THIRD = Fraction(1, 3)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: x * x, 3, 6),
        (lambda x: x * x, THIRD, Fraction(2, 3)),
        (lambda x: x * x, 3.0, 6.0),
        (lambda x: x / 3, 5, THIRD),
        (lambda x: 1 / x, 2, Fraction(-1, 4)),
        (lambda x: x, 2, 1),
        (lambda x: x, 2.0, 1.0),
        (lambda x: x + 1, 2.0, 1.0),
        (lambda x: 1.5 + x, 3, 1.0),
        (lambda x: 2.5 * x, 3, 2.5),
        (lambda x: 5, 2, 0),
        (lambda x: 5, 2.0, 0.0),
        (lambda x: 5.0, 2, 0.0),
        (lambda x: x - x, 2, 0),
        (lambda x: x**3 - 2 * x + 7, 10, 298),
        (lambda x: (x + THIRD) * 3, 1, 3),
        (lambda x: apply("sqrt", x), 4, Fraction(1, 4)),
        (lambda x: apply("log", x), 2, 0.5),
        (lambda x: apply("exact->inexact", x), 2, 1.0),
        (lambda x: apply("sin", x), 1.0, 0.5403023058681398),
        (lambda x: x * 10**400, 3, 10**400),
        (lambda x: apply("stop-gradient", x) * x, 3, 3),
        (lambda x: -x, 3, -1),
        (lambda x: +x, 3, 1),
        (lambda x: abs(x), -3, -1),
        (lambda x: x % 3, 7, 1),
        (lambda x: 7 % x, 3, -2),
        (lambda x: x // 2 * x, 7, 3),
        (lambda x: 2 - x, 7, -1),
        (lambda x: 2**x, 3.0, 8 * math.log(2)),
    ],
)
def test_first_derivatives_are_as_exact_as_the_point_and_the_value(function, x, expected):
    assert exactly(derivative(function, x), expected)
    assert exactly(gradient(function, [x])[0], expected)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: x**3, 2, [8, 12, 12, 6, 0]),
        (lambda x: x, 2.0, [2.0, 1.0, 0.0, 0.0, 0.0]),
        (lambda x: 7, 2, [7, 0, 0, 0, 0]),
        (lambda x: 7, 2.0, [7, 0.0, 0.0, 0.0, 0.0]),
        (lambda x: 1 / (1 - x), 0, [1, 1, 2, 6, 24]),
        (lambda x: x / 2, 1, [Fraction(1, 2), Fraction(1, 2), 0, 0, 0]),
        (
            lambda x: Vector([x, x * x]),
            3,
            [Vector(row) for row in ([3, 9], [1, 6], [0, 2], [0, 0], [0, 0])],
        ),
    ],
)
def test_derivatives_up_to_the_fourth(function, x, expected):
    result = derivatives(function, x, 4)
    assert len(result) == 5
    assert all(map(exactly, result, expected))


def test_order_zero_is_the_value_alone():
    assert derivatives(lambda x: x * x, 3, 0) == [9]
    assert taylor_coefficients(lambda x: x * x, 3, 0) == [9]


def test_thirtieth_coefficients_are_exact():
    fibonacci = taylor_coefficients(lambda x: x / (1 - x - x * x), 0, 30)
    assert fibonacci[30] == 832040
    catalan = taylor_coefficients(lambda x: (1 - apply("sqrt", 1 - 4 * x)) / 2, 0, 30)
    assert catalan[30] == math.comb(58, 29) // 30
    assert all(c.__class__ is int for c in fibonacci + catalan)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: Vector([x * x, x, 1]), Vector([6, 1, 0])),
        (lambda x: [x * x, [x]], [6, [1]]),
        (lambda x: (x, x), (1, 1)),
        (lambda x: scheme_list([x * x, 2]), scheme_list([6, 0])),
        (lambda x: Vector(), Vector()),
        (lambda x: NIL, NIL),
    ],
)
def test_derivatives_of_containers_go_by_element(function, expected):
    assert exactly(derivative(function, 3), expected)
    assert exactly(derivatives(function, 3, 1)[1], expected)


def test_partials_and_value():
    value, partials = value_and_gradient(lambda x, y, z: x * x * y, [3, 4.0, 5])
    assert exactly(value, 36.0)
    assert all(map(exactly, partials, [24.0, 9.0, 0.0]))
    assert value_and_gradient(lambda x, y: 7, [1, 2]) == (7, [0, 0])
    assert value_and_gradient(lambda x, y: x, [1, 2]) == (1, [1, 0])
    assert gradient(lambda: 3, []) == []


def test_an_argument_used_many_times_gets_the_sum():
    assert gradient(lambda x: x + x + x * x * x, [2]) == [14]


def test_control_flow_follows_the_value():
    def collatz(x):
        steps = 0
        while x > 1:
            x = x / 2 if primal(x) % 2 == 0 else 3 * x + 1
            steps += 1
        return x * steps

    slope = derivative(collatz, 6)
    assert slope == Fraction(9, 64) * 8
    assert gradient(collatz, [6]) == [slope]


def test_a_tensor_that_does_not_depend_on_the_point():
    one = np.ones((), np.float32)
    assert exactly(derivative(lambda x: one, 2.0), 0.0)
    assert value_and_gradient(lambda x: one, [2.0]) == (one, [0.0])
    with pytest.raises(NeedsTensors):
        derivative(lambda x: np.ones(3), 2.0)


NO_POINT = "expected a number as the point, got "
NO_NUMBER = "expected a function that gives a number, this one gave"
NO_SCALAR = "gradient is defined for procedures that give one number, got"


@pytest.mark.parametrize(
    ("point", "shown"), [("a", '"a"'), (True, "#t"), (None, ""), (Vector([1]), r"#\(1\)")]
)
def test_a_point_must_be_a_number(point, shown):
    with pytest.raises(WrongType, match=f"^derivative: {NO_POINT}{shown}"):
        derivative(abs, point)
    with pytest.raises(WrongType, match=f"^gradient: {NO_POINT}{shown}"):
        gradient(max, [1, point])


def test_a_tensor_as_a_point_asks_for_tensors():
    with pytest.raises(NeedsTensors, match="derivative: the point is"):
        derivative(abs, np.ones(2))


@pytest.mark.parametrize("result", ["a", None, True, abs, UNSPECIFIED, cons(1, 2), Char("a")])
def test_a_function_must_give_numbers(result):
    with pytest.raises(WrongType, match=f"^derivative: {NO_NUMBER}"):
        derivative(lambda x: result, 1)
    with pytest.raises(WrongType, match=f"^derivatives: {NO_NUMBER}"):
        derivatives(lambda x: Vector([x, result]), 1, 2)
    with pytest.raises(WrongType, match=f"^{NO_SCALAR}"):
        gradient(lambda x: result, [1])


@pytest.mark.parametrize("result", [Vector([1]), NIL, np.ones(2), np.ones((), bool)])
def test_a_gradient_of_several_results_asks_for_one(result):
    with pytest.raises(WrongType, match=NO_SCALAR) as caught:
        gradient(lambda x: result, [1])
    assert "reduce several results to one number" in str(caught.value)


@pytest.mark.parametrize(
    ("order", "error"), [(-1, OutOfRange), (1.0, WrongType), (True, WrongType)]
)
def test_an_order_must_be_a_natural_number(order, error):
    with pytest.raises(error, match="derivatives: expected an order of 0 or more"):
        derivatives(abs, 1, order)
    with pytest.raises(error, match="taylor: expected an order of 0 or more"):
        taylor_coefficients(abs, 1, order)


def test_a_hundred_thousand_steps():
    def loop(x):
        for _ in range(100_000):
            x = x * 1.00001
        return x

    expected = 1.00001**100_000
    assert gradient(loop, [2.0]) == [pytest.approx(expected)]
    assert derivative(loop, 2.0) == pytest.approx(expected)


def test_a_tape_is_freed_after_use():
    class Witness(float):
        """A float that can be watched."""

    kept, watched = [], []

    def function(x):
        constant = Witness(3.0)
        watched.append(weakref.ref(constant))
        node = x.tape.record(x.value, (x.place, constant))
        kept.append(node)
        return node * 2.0

    assert gradient(function, [1.0]) == [6.0]
    gc.collect()
    assert watched[0]() is None


def test_a_step_of_gradient_descent_costs_microseconds_per_operation():
    points = [(0.1 * i, 0.2 * i + 1.0) for i in range(100)]

    def loss(w, b):
        total = 0.0
        for x, y in points:
            error = w * x + b - y
            total = total + error * error
        return total

    def seconds(task):
        best = math.inf
        for _ in range(5):
            start = time.perf_counter()
            task()
            best = min(best, time.perf_counter() - start)
        return best

    operations = 5 * len(points)
    # About 1 µs on a current machine; the bound allows for slow and busy ones.
    assert seconds(lambda: gradient(loss, [0.5, 0.1])) < operations * 20e-6
    assert seconds(lambda: derivative(lambda w: loss(w, 0.1), 0.5)) < operations * 20e-6


def test_gradient_descent_fits_a_line():
    points = [(x, 2.0 * x + 1.0) for x in (-1.0, 0.0, 1.0, 2.0)]
    w, b = 0.0, 0.0
    for _ in range(500):
        dw, db = gradient(lambda w, b: sum((w * x + b - y) ** 2 for x, y in points), [w, b])
        w, b = w - 0.05 * dw, b - 0.05 * db
    assert (w, b) == (pytest.approx(2.0), pytest.approx(1.0))


def test_importing_loads_neither_jax_nor_numpy():
    code = "import eshkol.autodiff, sys; print({'jax', 'numpy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "set()", result.stderr

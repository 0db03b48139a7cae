"""Numbers under differentiation as Python values: comparing, converting, showing, keeping them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from eshkol.autodiff import (
    Differentiable,
    NeedsTensors,
    apply,
    contains_differentiable,
    derivative,
    derivatives,
    gradient,
    settled,
)
from eshkol.base.errors import WrongType
from eshkol.datum.equality import is_equal
from eshkol.datum.pairs import NIL, cons, scheme_list
from eshkol.datum.values import Char, Vector

THIRD = Fraction(1, 3)

both_modes = pytest.mark.parametrize(
    "differentiate", [derivative, lambda f, x: gradient(f, [x])[0]], ids=["forward", "reverse"]
)


def exactly(result, expected):
    """The same number, as exact."""
    return result.__class__ is expected.__class__ and is_equal(result, expected)


@both_modes
def test_comparisons_go_by_value(differentiate):
    seen = []

    def function(x):
        seen.append([x == 2, x != 2, x == x * 1, x < 3, x <= 2, x > 2, x >= 3, x < 3, x == 2])
        seen.append([x == "a", x != "a", x == THIRD])
        return x

    differentiate(function, 2)
    assert seen[0] == [True, False, True, True, True, False, False, True, True]
    assert seen[1] == [False, True, False]


@both_modes
@pytest.mark.parametrize(
    ("use", "message"),
    [
        (float, "float: expected a plain number, got 2 under differentiation"),
        (int, "int: expected a plain number"),
        (complex, "complex: expected a plain number"),
        (bool, "bool: expected a plain number"),
        (lambda x: [1, 2, 3][x], "index: expected a plain number"),
        (math.sin, "float: expected a plain number"),
        (lambda x: x + "a", r'\+: expected a number, got "a"'),
        (lambda x: "a" - x, r'-: expected a number, got "a"'),
        (lambda x: x * True, r"\*: expected a number, got #t"),
        (lambda x: x < "a", '<: expected a real number, got "a"'),
        (lambda x: x < 2j, "<: expected a real number"),
        (lambda x: x**None, "expt: expected a number"),
        (lambda x: x + Char("a"), r"\+: expected a number, got #\\a"),
    ],
)
def test_what_would_lose_a_derivative_or_is_no_number_is_an_error(differentiate, use, message):
    with pytest.raises(WrongType, match=message):
        differentiate(use, 2)


@both_modes
def test_rounding_and_showing_look_at_the_value(differentiate):
    shown = []

    def function(x):
        shown.append((repr(x), f"{x:.2f}", math.floor(x), math.ceil(x), math.trunc(x), round(x)))
        return x

    differentiate(function, 2.5)
    assert shown == [("2.5", "2.50", 2, 3, 2, 2)]


@both_modes
@pytest.mark.parametrize(
    "tensor",
    [np.ones(3, np.float32), np.float64(2.0), Vector([1.0]), [1, 2], (1, 2), cons(1, NIL)],
    ids=repr,
)
def test_meeting_a_tensor_asks_for_tensors(differentiate, tensor):
    with pytest.raises(NeedsTensors):
        differentiate(lambda x: x * tensor, 2.0)
    with pytest.raises(NeedsTensors):
        differentiate(lambda x: apply("multiply", tensor, x), 2.0)


def test_jax_arrays_leave_mixed_operations_to_us():
    import jax.numpy as jnp

    for operation in (lambda x: x + jnp.ones(3), lambda x: jnp.ones(3) / x):
        with pytest.raises(NeedsTensors):
            derivative(operation, 2.0)


def carried():
    """Numbers that a program kept from derivatives that are over."""
    kept = []

    def keep(*numbers):
        kept.extend(numbers)
        return numbers[0]

    derivative(keep, 2.0)
    derivatives(keep, 2.0, 3)
    gradient(keep, [2.0])
    derivative(lambda x: gradient(lambda y: keep(x * y), [1.0])[0], 2.0)
    return kept


def test_numbers_kept_beyond_their_derivative_count_as_their_values():
    for kept in carried():
        assert isinstance(kept, Differentiable)
        assert exactly(settled(kept), 2.0)
        for result in (kept * 3.0, 3.0 * kept, kept + kept * 2, apply("square", kept) + 2):
            assert exactly(result, 6.0)
        assert (float(kept), int(kept), bool(kept), complex(kept)) == (2.0, 2, True, 2 + 0j)
        assert derivative(lambda x, kept=kept: kept * x, 5.0) == 2.0
        assert derivative(lambda x, kept=kept: kept, 5.0) == 0.0
        assert gradient(lambda x, kept=kept: kept * x, [5.0]) == [2.0]
        assert gradient(lambda x, kept=kept: kept, [5.0]) == [0.0]
        assert derivative(lambda x: x * x, kept) == 4.0
        assert gradient(lambda x: x * x, [kept]) == [4.0]


def test_a_derivative_that_fails_is_over_too():
    kept = []

    def fail(x):
        kept.append(x)
        raise KeyError

    for differentiate in (derivative, lambda f, x: gradient(f, [x])):
        with pytest.raises(KeyError):
            differentiate(fail, 2.0)
        assert exactly(kept.pop() + 1, 3.0)


def test_hashing_is_by_identity():
    sizes = []

    def function(x):
        sizes.extend([len({x, x}), len({x, x + 0})])
        return x

    derivative(function, 2)
    gradient(function, [2])
    assert sizes == [1, 2, 1, 2]


def test_finding_differentiables():
    def function(x):
        for value in (x, Vector([1, [x]]), (x,), scheme_list([1, 2, x]), cons(1, Vector([x]))):
            assert contains_differentiable(value)
        return x

    derivative(function, 1.0)
    gradient(function, [1.0])
    loop = cons(1, NIL)
    loop.cdr = loop
    for value in (1, "a", Vector([1, [2]]), scheme_list([1, 2]), NIL, None, loop):
        assert not contains_differentiable(value)


def test_long_and_deep_structures_are_searched_without_recursion():
    deep = Vector()
    for _ in range(10_000):
        deep = Vector([deep])
    assert not contains_differentiable(scheme_list([deep] * 10_000))

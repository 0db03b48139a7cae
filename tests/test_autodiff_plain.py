"""Operations on plain numbers: exactness, infinities, what leaves the reals, errors."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from eshkol.autodiff import apply
from eshkol.base.errors import ArityError, BadValue, DivideByZero, InternalError, WrongType

PLAIN_VALUES = [
    ("divide", (1, 3), Fraction(1, 3)),
    ("divide", (6, 3), 2),
    ("divide", (Fraction(1, 2), Fraction(1, 4)), 2),
    ("divide", (1.0, 0.0), math.inf),
    ("divide", (1.0, -0.0), -math.inf),
    ("divide", (-1.0, 0), -math.inf),
    ("divide", (4,), Fraction(1, 4)),
    ("multiply", (Fraction(1, 2), 2), 1),
    ("multiply", (10**400, 1.0), math.inf),
    ("add", (10**400, 1.0), math.inf),
    ("subtract", (1.0, 10**400), -math.inf),
    ("subtract", (4,), -4),
    ("add", (1, 2, 3.5), 6.5),
    ("divide", (10**400, 2.0), math.inf),
    ("sqrt", (16,), 4),
    ("sqrt", (Fraction(4, 9),), Fraction(2, 3)),
    ("sqrt", (2,), math.sqrt(2)),
    ("sqrt", (10**800,), 10**400),
    ("sqrt", (10**801,), math.inf),
    ("sqrt", (-4.0,), 2j),
    ("exp", (1000,), math.inf),
    ("exp", (-(10**400),), 0.0),
    ("expm1", (1e4,), math.inf),
    ("cosh", (-1e4,), math.inf),
    ("sinh", (-1e4,), -math.inf),
    ("tanh", (10**400,), 1.0),
    ("atan", (10**400,), math.pi / 2),
    ("log", (0,), -math.inf),
    ("log", (-1.0,), complex(0, math.pi)),
    ("log1p", (-1.0,), -math.inf),
    ("log", (8, 2), 3.0),
    ("atanh", (1.0,), math.inf),
    ("atanh", (-1,), -math.inf),
    ("sigmoid", (-1000.0,), 0.0),
    ("sigmoid", (1000.0,), 1.0),
    ("expt", (2, 10), 1024),
    ("expt", (2, -2), Fraction(1, 4)),
    ("expt", (Fraction(2, 3), -2), Fraction(9, 4)),
    ("expt", (4, Fraction(1, 2)), 2),
    ("expt", (10.0, 400), math.inf),
    ("expt", (-10.0, 401), -math.inf),
    ("expt", (0.5, -(10**6)), math.inf),
    ("expt", (10.0, -400.5), 0.0),
    ("expt", (0.0, -1), math.inf),
    ("expt", (-0.0, -1), -math.inf),
    ("expt", (0.0, -2), math.inf),
    ("expt", (0, 0), 1),
    ("round", (2.5,), 2.0),
    ("round", (Fraction(7, 2),), 4),
    ("floor", (-math.inf,), -math.inf),
    ("max", (3, 2.0), 3.0),
    ("min", (1, Fraction(1, 2)), Fraction(1, 2)),
    ("modulo", (-7, 2), 1),
    ("remainder", (-7, 2), -1),
    ("remainder", (-7.5, 2), -1.5),
    ("sign", (-7,), -1),
    ("sign", (3 + 4j,), 0.6 + 0.8j),
    ("sign", (1e308 + 1e308j,), complex(0.5**0.5, 0.5**0.5)),
    ("sign", (0j,), 0j),
    ("abs", (Fraction(-1, 2),), Fraction(1, 2)),
    ("exact->inexact", (Fraction(1, 4),), 0.25),
    ("inexact->exact", (0.25,), Fraction(1, 4)),
    ("inexact->exact", (2.0,), 2),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), PLAIN_VALUES)
def test_values_on_plain_numbers(name, arguments, expected):
    result = apply(name, *arguments)
    assert result == pytest.approx(expected, rel=1e-15)
    assert result.__class__ is expected.__class__


@pytest.mark.parametrize(
    ("name", "argument"),
    [("sin", math.inf), ("cos", -math.inf), ("tan", 10**400), ("sign", math.nan)],
)
def test_no_limit_is_not_a_number(name, argument):
    assert math.isnan(apply(name, argument))


def test_not_a_number_wins_max_and_min_from_either_side():
    for name in ("max", "min"):
        assert math.isnan(apply(name, math.nan, 1.0))
        assert math.isnan(apply(name, 1.0, math.nan))


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("sin", ("a",), WrongType, 'sin: expected a number, got "a"'),
        ("+", (True, 1), WrongType, r"\+: expected a number, got #t"),
        ("max", (1, 2j), WrongType, r"max: expected a real number, got \+2(\.0)?i"),
        ("atan", (1, "a"), WrongType, 'atan: expected a real number, got "a"'),
        ("divide", (1, 0), DivideByZero, "/: exact 1 divided by exact zero"),
        ("modulo", (1, 0), DivideByZero, "modulo: division of 1 by zero"),
        ("expt", (0, -1), DivideByZero, "exact zero to the negative power"),
        ("sin", (1, 2), ArityError, "sin: cannot take 2 arguments"),
        ("exact", (math.inf,), BadValue, "exact: expected a finite real number, got inf"),
        ("frobnicate", (1,), InternalError, "frobnicate"),
    ],
)
def test_errors(name, arguments, error, message):
    with pytest.raises(error, match=message):
        apply(name, *arguments)

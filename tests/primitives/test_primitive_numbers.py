"""Numbers: rows of expected values, laws, and independent references."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheme_calls import call, rows, shown

from eshkol.datum.values import MultipleValues

INTEGERS = st.integers(-(10**30), 10**30)
DIVISORS = INTEGERS.filter(bool)
RATIONALS = st.fractions(max_denominator=10**9)
FLOATS = st.floats(allow_nan=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)

FUNCTIONS = ["exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan"]
FUNCTIONS += ["sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]

ROWS = """
(+) ⇒ 0
(+ 5) ⇒ 5
(+ 1 2 3) ⇒ 6
(+ 1 1/2 0.5) ⇒ 2.0
(+ 1/2 1/2) ⇒ 1
(*) ⇒ 1
(* 2 1/2) ⇒ 1
(* 1.5 2) ⇒ 3.0
(- 5) ⇒ -5
(- 10 1 2) ⇒ 7
(- 0.0) ⇒ -0.0
(/ 1 2) ⇒ 1/2
(/ 6 3) ⇒ 2
(/ 7 2.0) ⇒ 3.5
(/ 4) ⇒ 1/4
(/ 1 2 3) ⇒ 1/6
(/ 1.0 0.0) ⇒ +inf.0
(/ 1 0.0) ⇒ +inf.0
(/ -1.0 0.0) ⇒ -inf.0
(/ 1.0 -0.0) ⇒ -inf.0
(/ 0.0 0.0) ⇒ +nan.0
(/ 1.0 0) ⇒ +inf.0
(+ 1e308 1e308) ⇒ +inf.0
(1+ 4) ⇒ 5
(-1+ 4) ⇒ 3
(add1 1/2) ⇒ 3/2
(sub1 1) ⇒ 0
(square 1/2) ⇒ 1/4
(cube -3) ⇒ -27
(quotient -7 2) ⇒ -3
(quotient 7 -2) ⇒ -3
(quotient 7.0 2) ⇒ 3.0
(remainder -7 2) ⇒ -1
(remainder 7 -2) ⇒ 1
(modulo -7 2) ⇒ 1
(modulo 7 -2) ⇒ -1
(modulo 5.5 2) ⇒ 1.5
(floor-quotient -7 2) ⇒ -4
(floor-remainder -7 2) ⇒ 1
(truncate-quotient -7 2) ⇒ -3
(truncate-remainder -7 2) ⇒ -1
(call-with-values (lambda () (floor/ -7 2)) list) ⇒ (-4 1)
(call-with-values (lambda () (truncate/ -7 2)) list) ⇒ (-3 -1)
(call-with-values (lambda () (exact-integer-sqrt 17)) list) ⇒ (4 1)
(gcd) ⇒ 0
(gcd 32 -36) ⇒ 4
(gcd 32.0 -36) ⇒ 4.0
(lcm) ⇒ 1
(lcm 32 -36) ⇒ 288
(abs -7) ⇒ 7
(abs -1/2) ⇒ 1/2
(abs -0.0) ⇒ 0.0
(magnitude 3+4i) ⇒ 5.0
(magnitude -5) ⇒ 5
(max 1 2.0) ⇒ 2.0
(max 3 1/2) ⇒ 3
(max 3.0 1/2) ⇒ 3.0
(max 1.0 +nan.0) ⇒ +nan.0
(min 1 2.0) ⇒ 1.0
(min 3 1/2 2) ⇒ 1/2
(min +nan.0 1.0) ⇒ +nan.0
(numerator 6/4) ⇒ 3
(denominator 6/4) ⇒ 2
(denominator 0.5) ⇒ 2.0
(numerator 0.5) ⇒ 1.0
(floor -4.3) ⇒ -5.0
(ceiling -4.3) ⇒ -4.0
(truncate -4.3) ⇒ -4.0
(round -4.3) ⇒ -4.0
(floor 3.5) ⇒ 3.0
(ceiling 3.5) ⇒ 4.0
(round 3.5) ⇒ 4.0
(round 2.5) ⇒ 2.0
(round -2.5) ⇒ -2.0
(round -0.4) ⇒ -0.0
(round 7/2) ⇒ 4
(round 5/2) ⇒ 2
(floor -7/2) ⇒ -4
(ceiling -7/2) ⇒ -3
(truncate -7/2) ⇒ -3
(round 7) ⇒ 7
(round +inf.0) ⇒ +inf.0
(exact 2.5) ⇒ 5/2
(exact 2.0) ⇒ 2
(exact 1/2) ⇒ 1/2
(inexact->exact 0.1) ⇒ 3602879701896397/36028797018963968
(inexact 1/3) ⇒ 0.3333333333333333
(exact->inexact 1) ⇒ 1.0
(expt 2 100) ⇒ 1267650600228229401496703205376
(expt 2 -1) ⇒ 1/2
(expt 2/3 2) ⇒ 4/9
(expt 2.0 3) ⇒ 8.0
(expt 4 1/2) ⇒ 2
(expt 0 0) ⇒ 1
(expt 0.0 0) ⇒ 1.0
(expt 2 0.5) ⇒ 1.4142135623730951
(expt 10.0 400) ⇒ +inf.0
(expt -10.0 401) ⇒ -inf.0
(expt 0.0 -1) ⇒ +inf.0
(exp 0) ⇒ 1
(exp 1000.0) ⇒ +inf.0
(exp -1000.0) ⇒ 0.0
(log 1) ⇒ 0
(log 0) ⇒ -inf.0
(log 0.0) ⇒ -inf.0
(log -1.0) ⇒ +3.141592653589793i
(log 8 2) ⇒ 3.0
(log 100 10) ⇒ 2.0
(log 1000 10) ⇒ 3.0
(log 243 3) ⇒ 5.0
(log 1/8 1/2) ⇒ 3.0
(sqrt 16) ⇒ 4
(sqrt 1/4) ⇒ 1/2
(sqrt 2) ⇒ 1.4142135623730951
(sqrt 16.0) ⇒ 4.0
(sqrt -4.0) ⇒ +2i
(sin 0) ⇒ 0
(cos 0) ⇒ 1
(tan 0) ⇒ 0
(asin 0) ⇒ 0
(acos 1) ⇒ 0
(atan 0) ⇒ 0
(sinh 0) ⇒ 0
(cosh 0) ⇒ 1
(tanh 0) ⇒ 0
(tanh 1000.0) ⇒ 1.0
(sinh -1000.0) ⇒ -inf.0
(sin +inf.0) ⇒ +nan.0
(atan 1 0) ⇒ 1.5707963267948966
(atan 1 -1) ⇒ 2.356194490192345
(atan 0 1) ⇒ 0
(atan -0.0 -1.0) ⇒ -3.141592653589793
(make-rectangular 1 2) ⇒ 1+2i
(make-rectangular 1 0) ⇒ 1
(make-polar 2 0) ⇒ 2
(real-part 1+2i) ⇒ 1.0
(imag-part 1+2i) ⇒ 2.0
(imag-part 5) ⇒ 0
(angle -1.0) ⇒ 3.141592653589793
(angle 3) ⇒ 0
(= 2 2.0 4/2) ⇒ #t
(= 1 2) ⇒ #f
(= 1 1 2) ⇒ #f
(= 9007199254740993 9007199254740992.0) ⇒ #f
(= 1+2i 1+2i) ⇒ #t
(< 1 3/2 2.0) ⇒ #t
(< 1 3 2) ⇒ #f
(> 3 2 2) ⇒ #f
(<= 1 1 2) ⇒ #t
(>= 2 2 1) ⇒ #t
(< 1 +nan.0) ⇒ #f
(< 5) ⇒ #t
(number? 1/2) ⇒ #t
(number? #t) ⇒ #f
(number? "1") ⇒ #f
(complex? 1+2i) ⇒ #t
(real? 1.5) ⇒ #t
(real? 1+2i) ⇒ #f
(rational? 0.5) ⇒ #t
(rational? +inf.0) ⇒ #f
(rational? +nan.0) ⇒ #f
(integer? 3.0) ⇒ #t
(integer? 3.5) ⇒ #f
(integer? 7/2) ⇒ #f
(integer? 'a) ⇒ #f
(exact? 1/2) ⇒ #t
(exact? 0.5) ⇒ #f
(inexact? 0.5) ⇒ #t
(exact-integer? 2) ⇒ #t
(exact-integer? 2.0) ⇒ #f
(exact-integer? 1/2) ⇒ #f
(exact-rational? 1/2) ⇒ #t
(exact-rational? 0.5) ⇒ #f
(index? 0) ⇒ #t
(index? -1) ⇒ #f
(index? 1/2) ⇒ #f
(nan? +nan.0) ⇒ #t
(nan? 1) ⇒ #f
(infinite? -inf.0) ⇒ #t
(infinite? 1e308) ⇒ #f
(finite? 1/2) ⇒ #t
(finite? +inf.0) ⇒ #f
(finite? +nan.0) ⇒ #f
(zero? 0) ⇒ #t
(zero? -0.0) ⇒ #t
(zero? 1/2) ⇒ #f
(positive? 1/2) ⇒ #t
(positive? 0) ⇒ #f
(negative? -1.5) ⇒ #t
(negative? 0) ⇒ #f
(even? -2) ⇒ #t
(even? 3.0) ⇒ #f
(odd? -3) ⇒ #t
(odd? 2) ⇒ #f
(+ #(1 2) #(3 4)) ⇒ #(4 6)
(+ 1 #(1 2)) ⇒ #(2 3)
(- #(1 2)) ⇒ #(-1 -2)
(* 2 #(1 2 3)) ⇒ #(2 4 6)
(/ #(1 2) 2) ⇒ #(1/2 1)
(* #(#(1 2) #(3 4)) #(10 20)) ⇒ #(#(10 40) #(30 80))
(abs #(-1 2)) ⇒ #(1 2)
(expt #(1 2 3) 2) ⇒ #(1 4 9)
(max #(1 5) 3) ⇒ #(3 5)
(round #(1/2 3/2)) ⇒ #(0 2)
(quotient #(7 -7) 2) ⇒ #(3 -3)
(number->string 255 16) ⇒ "ff"
(number->string 1/3 2) ⇒ "1/11"
(number->string 0.1) ⇒ "0.1"
(number->string 3.14159 10) ⇒ "3.14159"
(number->string 1e21) ⇒ "1e21"
(string->number "1e3") ⇒ 1000.0
(string->number "ff" 16) ⇒ 255
(string->number "#xff") ⇒ 255
(string->number "1/2") ⇒ 1/2
(string->number "-1.5e2") ⇒ -150.0
(string->number "abc") ⇒ #f
(string->number "") ⇒ #f
"""


@pytest.mark.parametrize(("expression", "expected"), rows(ROWS))
def test_value(expression: str, expected: str) -> None:
    assert shown(expression) == expected


@given(INTEGERS, DIVISORS)
def test_divisions_satisfy_their_definitions(a: int, b: int) -> None:
    quotient, remainder = call("quotient", a, b), call("remainder", a, b)
    assert a == b * quotient + remainder
    assert abs(remainder) < abs(b) and remainder * a >= 0
    assert quotient == math.trunc(Fraction(a, b))
    floored, modulo = call("floor/", a, b)
    assert a == b * floored + modulo
    assert abs(modulo) < abs(b) and modulo * b >= 0


@given(RATIONALS, RATIONALS)
def test_exact_arithmetic_is_a_field(a: Fraction, b: Fraction) -> None:
    assert call("-", call("+", a, b), b) == a
    if b:
        assert call("*", call("/", a, b), b) == a
    whole = call("*", a, a.denominator)
    assert whole.__class__ is int


@given(INTEGERS, FINITE)
def test_mixed_comparison_is_exact(a: int, b: float) -> None:
    assert call("<", a, b) == (Fraction(a) < Fraction(b))
    assert call("=", a, b) == (Fraction(a) == Fraction(b))


@given(RATIONALS)
def test_rounding_of_rationals(x: Fraction) -> None:
    floor, ceiling, nearest = call("floor", x), call("ceiling", x), call("round", x)
    assert floor <= x < floor + 1 and ceiling - 1 < x <= ceiling
    assert abs(nearest - x) <= Fraction(1, 2)
    assert nearest.__class__ is int
    if abs(nearest - x) == Fraction(1, 2):
        assert nearest % 2 == 0


@given(FINITE)
def test_exact_and_inexact_are_inverse(x: float) -> None:
    assert call("inexact", call("exact", x)) == x


@given(st.integers(0, 10**40), st.integers(1, 10**40))
def test_square_roots_of_exact_squares_are_exact(p: int, q: int) -> None:
    root = call("sqrt", call("/", p * p, q * q))
    assert root == Fraction(p, q) and root.__class__ in (int, Fraction)


@given(st.integers(0, 10**60))
def test_exact_integer_sqrt(n: int) -> None:
    root, rest = call("exact-integer-sqrt", n)
    assert root * root + rest == n and n < (root + 1) ** 2


@given(st.integers(2, 50), st.integers(2, 40))
def test_logarithms_of_powers_are_whole(base: int, exponent: int) -> None:
    assert call("log", base**exponent, base) == exponent


@pytest.mark.parametrize(
    "name",
    "exp sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt log".split(),
)
@pytest.mark.parametrize("x", [-0.9, -0.25, 1e-9, 0.1, 0.5, 0.99])
def test_elementary_functions_against_mpmath(name: str, x: float) -> None:
    with mpmath.workdps(40):
        expected = complex(getattr(mpmath, name)(mpmath.mpf(x)))
    result = call(name, x)
    assert abs(complex(result) - expected) <= 4e-16 * abs(expected)
    assert (result.__class__ is complex) == (expected.imag != 0)


@given(st.lists(FLOATS, min_size=1, max_size=6))
def test_extremes_of_floats(xs: list[float]) -> None:
    assert call("max", *xs) == max(xs)
    assert call("min", *xs) == min(xs)


@given(st.lists(RATIONALS, min_size=2, max_size=5))
def test_chains_compare_neighbours(xs: list[Fraction]) -> None:
    pairs = list(itertools.pairwise(xs))
    assert call("<", *xs) == all(a < b for a, b in pairs)
    assert call(">=", *xs) == all(a >= b for a, b in pairs)
    assert call("=", *xs) == all(a == b for a, b in pairs)


@given(INTEGERS, st.integers(2, 36))
def test_numerals_read_back(n: int, radix: int) -> None:
    assert call("string->number", call("number->string", n, radix), radix) == n
    assert int(call("number->string", n, radix), radix) == n


def test_two_values_are_multiple_values() -> None:
    assert call("floor/", 7, 2) == MultipleValues((3, 1))


def test_too_large_integers_become_infinite_where_they_meet_floats() -> None:
    huge = 10**400
    assert call("+", huge, 1.0) == math.inf
    assert call("*", -huge, 1.0) == -math.inf
    assert call("inexact", huge) == math.inf
    assert call("/", 1.0, huge) == 0.0
    assert call("<", 1e308, huge) is True
    assert call("exact->inexact", Fraction(huge, 3)) == math.inf

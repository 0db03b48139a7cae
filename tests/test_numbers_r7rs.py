"""Numbers and booleans by the sections of R7RS (6.2, 6.3, 7.1.1), with rows of other references."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eshkol.base.errors import EshkolError
from eshkol.primitives.catalogue import builtin_namespace
from programs import shown, table, value


def call(name, *arguments):
    return builtin_namespace()[name](*arguments)


@table(r"""
(map complex? '(3+4i 3 #t)) ⇒ (#t #t #f)

(map real? '(3 -2.5+0i -2.5+0.0i #e1e10 +inf.0 +nan.0)) ⇒ (#t #t #f #t #t #t)

(map rational? '(-inf.0 +nan.0 3.5 6/10 6/3)) ⇒ (#f #f #t #t #t)

(map integer? '(3+0i 3.0 8/4 3.5 1/2 +inf.0)) ⇒ (#t #t #t #f #f #f)

(list (exact? 3.0) (exact? #e3.0) (inexact? 3.) (exact? 1/2)) ⇒ (#f #t #t #t)

(map exact-integer? '(32 32.0 32/5)) ⇒ (#t #f #f)

(map finite? '(3 +inf.0 3.0+inf.0i)) ⇒ (#t #f #f)

(map infinite? '(3 +inf.0 +nan.0 3.0+inf.0i)) ⇒ (#f #t #f #t)

(map nan? '(+nan.0 32 1+2i)) ⇒ (#t #f #f)

(= 1 1.0 1.0+0.0i) ⇒ #t

(= 1.0 1.0+1.0i) ⇒ #f

(< 1 2 3) ⇒ #t

(> -3.0 2.0 1.0) ⇒ #f

(let ((a (- (expt 2 1000) 1)) (b (inexact (expt 2 1000))) (c (+ (expt 2 1000) 1))) (list (= a b)
  (= b c) (< a b c)))
⇒ (#f #f #t)

(map zero? '(0 0.0 0/5 -0.0 0.0+0.0i 1)) ⇒ (#t #t #t #t #t #f)

(list (max 3 4) (max 3.9 4) (max 5 3.9 4) (max 100 +inf.0) (min 3 3.1)) ⇒ (4 4.0 5.0 +inf.0 3.0)

(list (+) (+ 3) (*) (* 4) (- 3) (/ 3) (/ 3 4 5) (- 3 4 5)) ⇒ (0 3 1 4 -3 1/3 3/20 -6)

(list (floor-quotient 5 -2) (floor-remainder 5 -2) (truncate-quotient -5 2)
  (truncate-remainder -5 2))
⇒ (-3 -1 -2 -1)

(call-with-values (lambda () (floor/ -5 2)) list) ⇒ (-3 1)

(call-with-values (lambda () (truncate/ -5.0 2)) list) ⇒ (-2.0 -1.0)

(list (modulo -13 4) (remainder -13 4) (modulo 13 -4) (remainder 13 -4) (remainder -13 -4.0))
⇒ (3 -1 -3 1 -1.0)

(list (gcd 32 -36) (gcd) (lcm 32 -36) (lcm 32.0 -36) (lcm)) ⇒ (4 0 288 288.0 1)

(list (numerator (/ 6 4)) (denominator (/ 6 4)) (denominator 0) (denominator (inexact (/ 6 4)))
  (numerator 5.5) (numerator 5.0))
⇒ (3 2 1 2.0 11.0 5.0)

(map floor '(-4.3 3.5 7/2 -7/2)) ⇒ (-5.0 3.0 3 -4)

(map ceiling '(-4.3 3.5 7/2)) ⇒ (-4.0 4.0 4)

(map truncate '(-4.3 3.5 -7/2)) ⇒ (-4.0 3.0 -3)

(map round '(-4.3 3.5 2.5 7/2 7 -2.5)) ⇒ (-4.0 4.0 2.0 4 7 -2.0)

(list (rationalize (exact .3) 1/10) (rationalize .3 1/10)) ⇒ (1/3 0.3333333333333333)

(list (exp 0) (log 1) (log 100 10) (log 4096 2) (sin 0) (cos 0) (acos 1)) ⇒ (1 0 2.0 12.0 0 1 0)

(list (atan 0.0 1.0) (atan -0.0 1.0) (atan 1.0 0.0) (atan 0.0 -1.0) (atan -0.0 -1.0))
⇒ (0.0 -0.0 1.5707963267948966 3.141592653589793 -3.141592653589793)

(list (square 42) (square 2.0)) ⇒ (1764 4.0)

(list (sqrt 9) (sqrt 2) (sqrt -1) (sqrt 1/4) (sqrt 16.0)) ⇒ (3 1.4142135623730951 +i 1/2 4.0)

(call-with-values (lambda () (exact-integer-sqrt 17)) list) ⇒ (4 1)

(call-with-values (lambda () (exact-integer-sqrt (expt 2 119))) list)
⇒ (815238614083298888 443242361398135744)

(list (expt 3 3) (expt 0 0) (expt 0 1) (expt 0.0 0) (expt 0 1.0) (expt 2 -2) (expt 2.0 0.5))
⇒ (27 1 0 1.0 0.0 1/4 1.4142135623730951)

(list (make-rectangular 1 2) (real-part 1+2i) (imag-part 1+2i) (magnitude 3+4i) (imag-part 5))
⇒ (1+2i 1.0 2.0 5.0 0)

(list (exact 1.0) (exact 2.5) (inexact 1/3) (exact 1e18))
⇒ (1 5/2 0.3333333333333333 1000000000000000000)

(map string->number
  '("100" "1e2" "1/2" "abc" "-" "+" "." "1.5e3" "#xff" "#b101" "#e1.5" "#i1/2" "+inf.0" "1@0" ""))
⇒ (100 100.0 1/2 #f #f #f #f 1500.0 255 5 3/2 0.5 +inf.0 1 #f)

(list (string->number "100" 16) (string->number "FF" 16) (string->number "12" 2)
  (string->number "#x10" 2) (string->number "zz" 36))
⇒ (256 255 #f 16 1295)

(map number->string '(10 1/2 1.5 -0.0 1e21 1e-7 100.0 +inf.0 -inf.0 +nan.0 1+2i 1.5-2.5i +i))
⇒ ("10" "1/2" "1.5" "-0.0" "1e21" "1e-7" "100.0" "+inf.0" "-inf.0" "+nan.0" "1+2i" "1.5-2.5i" "+i")

(list (number->string 255 16) (number->string -10 2) (number->string 1/3 3) (number->string 35 36))
⇒ ("ff" "-1010" "1/10" "z")

'(1 +1 -1 1. .1 -.1 -.0 -0. #i1 #e1.0 #e-.0 1e2 1E2 #i3/2 #e1/2 10/2 0/10)
⇒ (1 1 -1 1.0 0.1 -0.1 -0.0 -0.0 1.0 1 0 100.0 100.0 1.5 1/2 5 0)

'(#x11 #X11 #o11 #b11 #xA #x-10 #e#x10 #i#x10 #x#e10 #d1. #x1e2 #d1e2 #x10/2 #b11/10 #i-0)
⇒ (17 17 9 3 10 -16 16 16.0 16 1.0 482 100.0 8 3/2 -0.0)

'(+nan.0 +NAN.0 +InF.0 -iNF.0 #i+inf.0) ⇒ (+nan.0 +nan.0 +inf.0 -inf.0 +inf.0)

'(1+2i 1+2I 1-2i -1+2i +i -i 0+i 0-1i +2i 1.0+2i 1e2+1.0i 1/2+3/4i +inf.0+inf.0i #d10+11i 1@0)
⇒ (1+2i 1+2i 1-2i -1+2i +i -i +i -i +2i 1+2i 100+i 0.5+0.75i +inf.0+inf.0i 10+11i 1)

(boolean=? #t #t #t) ⇒ #t

(boolean=? #t #f) ⇒ #f

(symbol=? 'a 'a 'a) ⇒ #t

(symbol=? 'a 'b 'a) ⇒ #f

(map exact->inexact '(1 1/3)) ⇒ (1.0 0.3333333333333333)

(/ 0 5) ⇒ 0

(/ 5 0.0) ⇒ +inf.0

(eqv? 0.0 -0.0) ⇒ #f

(= 0.0 -0.0) ⇒ #t

(eqv? +nan.0 +nan.0) ⇒ #t

(eqv? 100000000000000000000 100000000000000000000) ⇒ #t

(eqv? 1/2 0.5) ⇒ #f

(equal? 1/2 2/4) ⇒ #t

(abs -7/2) ⇒ 7/2

(abs -0.0) ⇒ 0.0

(exact (floor 2.5)) ⇒ 2

(truncate -2.5) ⇒ -2.0

(exact-rational? 1/2) ⇒ #t

(number->string 3.0) ⇒ "3.0"

(number->string .000001) ⇒ "1e-6"

(list 1e10 1e15 1e16 123456789.123 1e100)
⇒ (10000000000.0 1000000000000000.0 1e16 123456789.123 1e100)

(exp 1+i) ⇒ 1.4686939399158851+2.2873552871788423i

(sqrt -4) ⇒ +2i

(expt -8 1/3) ⇒ 1.0000000000000002+1.7320508075688772i

(expt +i 2) ⇒ -1.0+0.0i

(magnitude -5) ⇒ 5

(angle -1) ⇒ 3.141592653589793

(list (char->integer #\A) (exact->inexact 12345678901234567890)) ⇒ (65 1.2345678901234567e19)

(exact (expt 10 20)) ⇒ 100000000000000000000

(exact 1e20) ⇒ 100000000000000000000

(* 1.0 0) ⇒ 0.0

(+ 1/2 1/2) ⇒ 1

(+ 1/2 0.5) ⇒ 1.0

(quotient 7 -2) ⇒ -3

(modulo 5.5 2) ⇒ 1.5

(exact-integer-sqrt 16) ⇒ #<2 values>
""")
def test_numbers(program, expected):
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(exact 1e400)", "exact"),
        ("(exact +nan.0)", "exact"),
        ("(exact-integer-sqrt -1)", "expected a non-negative integer, got -1"),
        ("(exact-integer-sqrt 4.0)", "expected an exact integer, got 4.0"),
        ("(/ 5 0)", "/"),
        ("(quotient 5 0)", "quotient"),
        ("(modulo 5 0)", "modulo"),
        ("(even? 1.5)", "expected an integer, got 1.5"),
        ("(number->string 5 1)", "expected a radix from 2 to 36, got 1"),
        ("(number->string 'a)", "expected a number, got a"),
        ("(string->number 5)", "expected a string, got 5"),
        ("(rationalize 'a 1)", "rationalize: expected a real number, got a"),
        ("(rationalize 1+i 1)", "rationalize: expected a real number"),
        ("(numerator +inf.0)", "expected a rational number"),
        ("(boolean=? 1 #t)", "boolean"),
        ("(symbol=? 'a 1)", "symbol"),
        ("(< 1+i 2)", "real"),
        ("(max 1 'a)", "max"),
        ('(exact->inexact "1")', "number"),
    ],
)
def test_errors(program, message):
    with pytest.raises(EshkolError) as caught:
        value(program)
    assert message in caught.value.message


fractions = st.fractions(max_denominator=50)


@given(fractions, fractions)
def test_rationalize_gives_the_simplest(x, y):
    """No fraction of a smaller denominator lies in the interval (Stern-Brocot)."""
    found = Fraction(call("rationalize", x, y))
    low, high = x - abs(y), x + abs(y)
    assert low <= found <= high
    for denominator in range(1, found.denominator):
        assert math.ceil(low * denominator) > math.floor(high * denominator)
    if found.denominator == 1:
        nearest = 0 if low <= 0 <= high else min((math.ceil(low), math.floor(high)), key=abs)
        assert found == nearest


@given(st.integers(), st.integers().filter(bool))
def test_division_of_integers(n, d):
    quotient, remainder = call("floor/", n, d)
    assert (quotient, remainder) == divmod(n, d)
    quotient, remainder = call("truncate/", n, d)
    assert quotient * d + remainder == n
    assert abs(remainder) < abs(d) and (remainder == 0 or (remainder < 0) == (n < 0))
    assert quotient == call("quotient", n, d) == int(Fraction(n, d))


@given(st.integers(0, 10**60))
def test_exact_integer_sqrt(n):
    root, rest = call("exact-integer-sqrt", n)
    assert root * root + rest == n and rest <= 2 * root


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_and_back(x):
    exact = call("exact", x)
    assert Fraction(exact) == Fraction(x)
    assert call("inexact", exact) == x


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_round_goes_to_even(x):
    assert call("round", x) == round(x)
    assert call("floor", x) == math.floor(x)
    assert call("ceiling", x) == math.ceil(x)
    assert call("truncate", x) == math.trunc(x)

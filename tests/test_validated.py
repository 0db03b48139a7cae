"""Intervals and Taylor models hold what they say, against exact arithmetic and mpmath."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import Symbol
from eshkol.datum.write import write_string
from eshkol.reader.parser import read_all
from eshkol.session import Session
from eshkol.syntax.objects import to_datum
from eshkol.validated import rounding
from eshkol.validated.intervals import Interval
from eshkol.validated.operations import UNARY, apply
from eshkol.validated.series import SMOOTH, coefficients

SHOWN = """
(interval 1 2) ⇒ [1.0, 2.0]
(interval 1/10) ⇒ [0.09999999999999999, 0.1]
(interval 0.1) ⇒ [0.1, 0.1]
(interval -inf.0 0) ⇒ [-inf.0, 0.0]
(+ (interval 1 2) 1/3) ⇒ [1.3333333333333333, 2.3333333333333335]
(+ (interval 1 2)) ⇒ [1.0, 2.0]
(- (interval 1 2)) ⇒ [-2.0, -1.0]
(- 1 (interval 1 2) 1) ⇒ [-2.0, -1.0]
(* (interval -1 2) (interval -1 2)) ⇒ [-2.0, 4.0]
(let ((x (interval -1 2))) (* x x)) ⇒ [-2.0, 4.0]
(square (interval -1 2)) ⇒ [0.0, 4.0]
(expt (interval -1 2) 2) ⇒ [0.0, 4.0]
(expt (interval -1 2) 3) ⇒ [-1.0, 8.0]
(cube (interval -1 2)) ⇒ [-1.0, 8.0]
(expt (interval -2 -1) -2) ⇒ [0.25, 1.0]
(expt (interval -2 2) 2.0) ⇒ [0.0, 4.0]
(expt (interval 0 2) 0) ⇒ [1.0, 1.0]
(expt (interval 0 1) -1.5) ⇒ [1.0, +inf.0]
(* (interval 1e-200) (interval 1e-200)) ⇒ [0.0, 5e-324]
(* (interval -1e-200) (interval 1e-200)) ⇒ [-5e-324, 0.0]
(/ (interval 1e-200) 1e200) ⇒ [0.0, 5e-324]
(interval-inf (sqrt (expt (interval 0.1) 1000))) ⇒ 0.0
(/ 1 (interval 2 4)) ⇒ [0.25, 0.5]
(/ (interval 2 4)) ⇒ [0.25, 0.5]
(/ 1 (interval -1 4)) ⇒ [-inf.0, +inf.0]
(/ (interval 1 2) (interval 0 4)) ⇒ [0.25, +inf.0]
(/ (interval 1 2) (interval -4 0)) ⇒ [-inf.0, -0.25]
(/ (interval -1 2) (interval 0 4)) ⇒ [-inf.0, +inf.0]
(/ 0 (interval -1 1)) ⇒ [0.0, 0.0]
(sqrt (interval 1/4 9)) ⇒ [0.5, 3.0]
(abs (interval -3 2)) ⇒ [0.0, 3.0]
(max (interval 0 2) 1) ⇒ [1.0, 2.0]
(min (interval 0 2) 1) ⇒ [0.0, 1.0]
(floor (interval 0.5 2.5)) ⇒ [0.0, 2.0]
(round (interval -1.5 2.5)) ⇒ [-2.0, 2.0]
(sign (interval -1.5 0)) ⇒ [-1.0, 0.0]
(relu (interval -1.5 1)) ⇒ [0.0, 1.0]
(sigmoid (interval -inf.0 0)) ⇒ [0.0, 0.5]
(exp (interval -inf.0 0)) ⇒ [0.0, 1.0]
(log (interval 0 1)) ⇒ [-inf.0, 0.0]
(sin (interval -inf.0 0)) ⇒ [-1.0, 1.0]
(sin (interval 0 10)) ⇒ [-1.0, 1.0]
(tan (interval 1 2)) ⇒ [-inf.0, +inf.0]
(acos 1) ⇒ 0
(interval-add 0.1 0.2) ⇒ [0.3, 0.30000000000000004]
(interval-div 1 3) ⇒ [0.3333333333333333, 0.33333333333333337]
(interval-pow (interval 2 3) 3) ⇒ [8.0, 27.0]
(interval-cos 0) ⇒ [1.0, 1.0]
(* 2 (vector (interval 1 2) 3)) ⇒ #([2.0, 4.0] 6)
(map sqrt (list (interval 1 4) 4.0)) ⇒ ([1.0, 2.0] 2.0)
((jit (lambda (x) (* x 2))) (interval 1 2)) ⇒ [2.0, 4.0]
(let ((x (interval 0 1))) (list (< x 2) (> x 2) (<= x 1) (zero? (+ x 1)))) ⇒ (#t #f #t #f)
(= (interval 1) 1) ⇒ #t
(derivative (lambda (x) (if (interval-member? x (interval 1 3)) (* x x) 0)) 2) ⇒ 4
(map interval? (list 1 (interval 1))) ⇒ (#f #t)
(interval-hull (interval 1 2) 5) ⇒ [1.0, 5.0]
(interval-intersection (interval 1 3) (interval 2 4)) ⇒ [2.0, 3.0]
(interval-intersection (interval 1 2) (interval 3 4)) ⇒ #f
(interval-bisect (interval 0 2)) ⇒ ([0.0, 1.0] [1.0, 2.0])
(interval-mid (interval -inf.0 +inf.0)) ⇒ 0.0
(interval-member? 1/3 (interval 1/3)) ⇒ #t
(interval-member? 1/3 (interval 0.3333333333333333)) ⇒ #f
(interval-subset? (interval 1 2) (interval 1 3)) ⇒ #t
(interval-interior? (interval 1 2) (interval 1 3)) ⇒ #f
(interval-interior? (interval 1 2) (interval -inf.0 3)) ⇒ #t
(interval-disjoint? (interval 1 2) (interval 2 3)) ⇒ #f
(interval-equal? (interval 1 2) (+ (interval 0 1) 1)) ⇒ #t
(taylor-model? (taylor-model exp 0 1 2)) ⇒ #t
(taylor-model-coefficients (taylor-model (lambda (x) (/ (- 1 x))) 0 1/4 3)) ⇒ (1.0 1.0 1.0 1.0)
(taylor-model-coefficients (taylor-model (lambda (x) 5) 0 1 2)) ⇒ (5.0 0.0 0.0)
(taylor-model-coefficients (taylor-model (lambda (x) (/ 1 x)) -2 1/2 2)) ⇒ (-0.5 -0.25 -0.125)
(taylor-model-coefficients (taylor-model (lambda (x) (expt x -3)) -1 1/4 2)) ⇒ (-1.0 -3.0 -6.0)
(interval-wid (taylor-model-range (taylor-model (lambda (x) (atan x 0)) 2 1 3)))
 ⇒ 2.220446049250313e-16
(taylor-model-remainder (taylor-model square 1 1/2 2)) ⇒ [0.0, 0.0]
(taylor-model-evaluate (taylor-model square 1 1/2 2) 1.25) ⇒ [1.5625, 1.5625]
(taylor-model-evaluate (taylor-model (lambda (x) (if (> x 0) x (- x))) 1 1/2 1) 0.75) ⇒ [0.75, 0.75]
(taylor-model-coefficients (taylor-model abs -1 1/2 1)) ⇒ (1.0 -1.0)
(taylor-model-remainder (taylor-model abs 0 1 1)) ⇒ [-0.5, 0.5]
(taylor-model-domain (taylor-model exp 1 1/2 2)) ⇒ [0.5, 1.5]
(taylor-model-integral (taylor-model (lambda (x) (* 3 x x)) 1 1 2) 0 2) ⇒ [8.0, 8.0]
(define (f x) (let loop ((i 0) (x (exp x))) (if (< i 2) (loop (+ i 1) (* x x)) x)))
 (taylor-model-coefficients (taylor-model f 0 1 2))
 ⇒ (1.0 4.0 8.0)
"""
ROWS = [row.rpartition(" ⇒ ")[::2] for row in SHOWN.replace("\n ", " ").strip().splitlines()]


@pytest.mark.parametrize("program, expected", ROWS, ids=[program for program, _ in ROWS])
def test_what_they_give(program, expected):
    shown = write_string(Session().evaluate(program))
    assert shown.replace("#<interval ", "").replace("]>", "]") == expected


# ---- rounding

DOUBLES = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-100, 100)
BINARY = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}


def exactly(number):
    return Fraction(number) if math.isfinite(number) else number


@pytest.mark.parametrize("name", BINARY)
@given(DOUBLES, DOUBLES)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_rounding_is_outwards_and_tight(name, a, b):
    assume(name != "divide" or b != 0)
    low = getattr(rounding, f"{name}_down")(a, b)
    high = getattr(rounding, f"{name}_up")(a, b)
    exact = BINARY[name](Fraction(a), Fraction(b))
    assert exactly(low) <= exact <= exactly(high)
    if exact == 0 or all(1e-250 < abs(value) < 1e290 for value in (a, b, exact)):
        assert low == high or math.nextafter(low, math.inf) == high


@given(st.floats(0, 1e300))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_square_roots_are_rounded_outwards(a):
    low, high = rounding.sqrt_down(a), rounding.sqrt_up(a)
    assert Fraction(low) ** 2 <= a <= Fraction(high) ** 2
    assert high <= math.nextafter(math.nextafter(low, math.inf), math.inf)


# ---- elementary functions

REFERENCES = {
    **{
        name: getattr(mpmath, name)
        for name in "sqrt exp log sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf "
        "expm1 log1p floor sign".split()
    },
    "negate": lambda x: -x,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "abs": abs,
    "ceiling": mpmath.ceil,
    "truncate": lambda x: mpmath.mpf(int(x)),
    "round": lambda x: mpmath.mpf(round(Fraction(float(x)))),
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
}
DOMAINS = {
    **dict.fromkeys("asin acos atanh".split(), (-1.0, 1.0)),
    **dict.fromkeys("sqrt log".split(), (0.0, 1e300)),
    **dict.fromkeys("sin cos tan floor ceiling truncate round".split(), (-1e18, 1e18)),
    "log1p": (-1.0, 1e300),
    "acosh": (1.0, 1e300),
    **dict.fromkeys("reciprocal rsqrt".split(), (1e-9, 1e300)),
}


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_intervals_hold_their_values(name):
    draw = random.Random(name)
    low, high = DOMAINS.get(name, (-700.0, 700.0))
    for _ in range(60):
        scale = 10.0 ** draw.randint(-4, 4)
        near = [draw.choice([0.0, 1.0, -1.0, math.pi, 1e10 if high > 1e17 else 0.5])] * 2
        ends = sorted(max(low, min(high, n + draw.uniform(-1, 1) * scale)) for n in near)
        if draw.random() < 0.1:
            ends = [ends[0]] * 2
        x = Interval(*ends)
        found = apply(name, name, x)
        points = [*ends, *(min(max(draw.uniform(*ends), ends[0]), ends[1]) for _ in range(4))]
        with mpmath.workdps(60):
            for point in points:
                if name in ("log", "log1p", "atanh") and point in (0, -1, 1):
                    continue
                assert found.inf <= REFERENCES[name](mpmath.mpf(point)) <= found.sup


SHARP = ["exp", "log", "sqrt", "sin", "cos"]


@pytest.mark.parametrize("name", SHARP)
def test_functions_of_intervals_are_as_sharp_as_mpmaths(name):
    draw = random.Random(name)
    for _ in range(50):
        a = draw.uniform(0.01, 20)
        b = a + draw.choice([1e-9, 0.1, 1.0, 3.0])
        found = apply(name, name, Interval(a, b))
        mpmath.iv.dps = 60
        exact = getattr(mpmath.iv, name)(mpmath.iv.mpf([a, b]))
        low, high = float(mpmath.mpf(exact.a)), float(mpmath.mpf(exact.b))
        assert math.nextafter(found.inf, -1e9) <= low and high <= math.nextafter(found.sup, 1e9)
        assert low - found.inf <= 16 * math.ulp(max(abs(low), 1e-9))
        assert found.sup - high <= 16 * math.ulp(max(abs(high), 1e-9))


@given(st.floats(0.01, 50), st.floats(0, 10), st.floats(-8, 8), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_powers_of_intervals(low, width, exponent, s, t):
    x = Interval(low, low + width)
    point = min(max(low + s * width, x.inf), x.sup)
    y = Interval(exponent, exponent + 1)
    other = min(max(exponent + t, y.inf), y.sup)
    with mpmath.workdps(60):
        value = mpmath.power(mpmath.mpf(point), mpmath.mpf(other))
        assert value in Numbers(apply("expt", "power", x, y))
        for n in (-3, 2, 5, 70):
            for base in (Interval(-x.sup, -x.inf), Interval(-x.inf, x.sup), x):
                inside = base.inf if s < 0.3 else min(max(point, base.inf), base.sup)
                assert mpmath.mpf(inside) ** n in Numbers(apply("expt", "power", base, n))


class Numbers:
    """What lies in an interval, for numbers of mpmath."""

    def __init__(self, interval):
        self.interval = interval

    def __contains__(self, number):
        return bool(self.interval.inf <= number <= self.interval.sup)


def test_angles_far_out_and_near_multiples_of_a_quarter_turn():
    with mpmath.workdps(400):
        for k in (1, 2, 3, 5, 10**6, 10**15, 2**60):
            near = float(k * mpmath.pi / 2)
            for x in (
                near,
                math.nextafter(near, 0),
                math.nextafter(near, math.inf),
                1e300,
                2.0**1000,
            ):
                for name in ("sin", "cos", "tan"):
                    exact = getattr(mpmath, name)(mpmath.mpf(x))
                    assert exact in Numbers(apply(name, name, Interval(x, x)))
            around = Interval(math.nextafter(near, 0), math.nextafter(near, math.inf))
            assert (
                apply("sin" if k % 2 else "cos", "sin" if k % 2 else "cos", around).magnitude() == 1
            )


# ---- programs

SMOOTH_TEXTS = [
    "(* {} {})", "(+ {} {})", "(- {} {})", "(/ {} (+ 3 (square {})))", "(sin {})", "(cos {})",
    "(exp (sin {}))", "(sqrt (+ 2 (square {})))", "(log (+ 2 (square {})))", "(atan {})",
    "(tanh {})", "(expt {} 3)", "(expt (+ 3 (sin {})) 1/3)", "(expt (+ 2 (cos {})) -1.5)",
    "(sigmoid {})", "(erf {})", "(asinh {})", "(- {})",
    "(tan (/ (sin {}) 2))", "(asin (/ (cos {}) 3))",
    "(acosh (+ 3 (cos {})))", "(atanh (/ (sin {}) 2))", "(acos (/ (sin {}) 3))", "(sinh (sin {}))",
    "(/ -1 (- -2 (square {})))", "(expt (- (sin {}) 2) -3)", "(expt 2 (sin {}))",
    "(expt (+ 2 (sin {})) (cos {}))", "(atan (sin {}) (+ 2 (cos {})))", "(atan 2 {})",
    "(atan -2 {})", "(cosh (sin {}))", "(rsqrt (+ 2 (cos {})))",
    "(log1p (square {}))", "(expm1 (cos {}))",
]  # fmt: skip
TEXTS = st.recursive(
    # Constants stand beside x: on their own they are computed in doubles, as in any program.
    st.sampled_from(["x", "x", "(+ x 1/3)", "(* 0.1 x)", "(- 2 x)"]),
    lambda inner: st.sampled_from(SMOOTH_TEXTS).flatmap(
        lambda text: st.tuples(*[inner] * text.count("{}")).map(lambda parts: text.format(*parts))
    ),
    max_leaves=4,
)
ARITHMETIC = {
    "+": lambda a, b: a + b,
    "*": lambda a, b: a * b,
    "-": lambda a, b=None: -a if b is None else a - b,
    "/": lambda a, b: a / b,
    "expt": lambda a, b: a**b,
    "atan": lambda y, x=None: mpmath.atan(y) if x is None else mpmath.atan2(y, x),
}


def value_of(datum, x):
    """An expression at a number of mpmath."""
    if isinstance(datum, Pair):
        name, *arguments = datum
        function = ARITHMETIC.get(name.name) or REFERENCES[name.name]
        return function(*(value_of(argument, x) for argument in arguments))
    if isinstance(datum, Symbol):
        return x
    if isinstance(datum, Fraction):
        return mpmath.mpf(datum.numerator) / datum.denominator
    return mpmath.mpf(datum)


@given(TEXTS, st.floats(-3, 3), st.floats(0, 0.5), st.integers(0, 7), st.randoms())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_programs_hold_their_values(text, center, radius, order, draw):
    session, datum = Session(), to_datum(read_all(text, "<test>")[0])
    function = session.evaluate(f"(lambda (x) {text})")
    get = session.get
    low, high = rounding.add_down(center, -radius), rounding.add_up(center, radius)
    values = function(Interval(low, high))
    model = get("taylor-model")(function, center, radius, order)
    assert model.domain.interval == Interval(low, high)
    whole = get("taylor-model-range")(model)
    for _ in range(6):
        x = min(max(draw.uniform(low, high), low), high)
        with mpmath.workdps(50):
            exact = value_of(datum, mpmath.mpf(x))
            offset = mpmath.mpf(x) - mpmath.mpf(center)
            missed = exact - mpmath.polyval(model.coefficients[::-1], offset)
            if isinstance(values, Interval):
                assert exact in Numbers(values)
            assert missed in Numbers(model.remainder)
            assert exact in Numbers(whole)
            assert exact in Numbers(get("taylor-model-evaluate")(model, x))
            part = Interval(x, high)
            assert exact in Numbers(get("taylor-model-evaluate")(model, part))


INTEGRANDS = {
    "(exp (sin x))": (0.5, 0.5),
    "(/ 1 (+ 1 (square x)))": (0, 0.5),
    "(sqrt (+ 2 x))": (1, 1),
}


@pytest.mark.parametrize("text", INTEGRANDS)
@pytest.mark.parametrize("order", [0, 3, 10])
def test_integrals_hold_their_values(text, order):
    center, radius = INTEGRANDS[text]
    session, datum = Session(), to_datum(read_all(text, "<test>")[0])
    session.evaluate(f"(define m (taylor-model (lambda (x) {text}) {center} {radius} {order}))")
    low, high = center - radius, center + radius / 2
    found = session.evaluate(f"(taylor-model-integral m {low} {high})")
    between = session.evaluate(f"(taylor-model-evaluate (taylor-model-antiderivative m) {high})")
    with mpmath.workdps(30):
        exact = mpmath.quad(lambda x: value_of(datum, x), [low, high])
        from_center = mpmath.quad(lambda x: value_of(datum, x), [center, high])
    assert exact in Numbers(found) and from_center in Numbers(between)
    if order == 10:
        assert found.sup - found.inf < 2e-3


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_taylor_coefficients_against_mpmath(name):
    at = {"acosh": 1.75, "atanh": 0.25, "asin": 0.25, "acos": 0.25}.get(name, 0.75)
    found = coefficients(name, Interval(at, at), 6)
    with mpmath.workdps(60):
        exact = mpmath.taylor(REFERENCES[name], mpmath.mpf(at), 6)
    for interval, value in zip(found, exact, strict=True):
        assert interval.inf - 1e-30 <= value <= interval.sup + 1e-30
        assert interval.sup - interval.inf < 1e-12 * max(1, abs(value))


def test_remainders_shrink_with_the_order_and_the_radius():
    session = Session()
    session.evaluate("(define (f x) (/ (exp x) (+ 2 (cos x))))")

    def width(radius, order):
        remainder = session.evaluate(
            f"(taylor-model-remainder (taylor-model f 1 {radius} {order}))"
        )
        return remainder.sup - remainder.inf

    assert width(0.25, 4) < width(0.25, 2) / 20 and width(0.25, 12) < 1e-7
    # Of order n + 1 in the radius.
    assert width(0.05, 4) < width(0.1, 4) / 2**4.5


def test_python_operators():
    x = Interval(1.0, 2.0)
    assert (-x, abs(-x), x - 1, 3 - x, x**2, 2 * x, 4 / x) == (
        Interval(-2.0, -1.0),
        Interval(1.0, 2.0),
        Interval(0.0, 1.0),
        Interval(1.0, 2.0),
        Interval(1.0, 4.0),
        Interval(2.0, 4.0),
        Interval(2.0, 4.0),
    )
    assert x._repr_latex_() == r"$\displaystyle \left[1.0, 2.0\right]$"
    model = Session().evaluate("(taylor-model (lambda (x) (* x x x)) 2 1 3)")
    assert model._repr_latex_().startswith(r"$\displaystyle 8.0 + 12.0 \left(x - 2.0\right)")

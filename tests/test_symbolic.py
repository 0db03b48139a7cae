"""Symbolic derivatives: what they print, and that they are the derivatives, against SymPy."""

from __future__ import annotations

import math
import random

import pytest
import sympy

from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.write import write_string
from eshkol.primitives.expansions import simplest
from eshkol.primitives.expression_data import datum_of, expression_of, key_of, size_of
from eshkol.primitives.simplification import simplified
from eshkol.primitives.symbolic import UNARY
from eshkol.reader.parser import read_all
from eshkol.session import Session
from eshkol.syntax.objects import to_datum

SHOWN = """
(diff (* x x) x) ⇒ (* 2 x)
(diff (+ (* x x) (* 3 x) 5) x) ⇒ (+ (* 2 x) 3)
(diff (sin (* 2 x)) x) ⇒ (* (cos (* 2 x)) 2)
(diff (* x x x) x) ⇒ (* 3 (expt x 2))
(diff (expt x 3) x) ⇒ (* 3 (expt x 2))
(diff (pow x 3) x) ⇒ (* 3 (expt x 2))
(differentiate (* x x) x) ⇒ (* 2 x)
(diff '(* x x) 'x) ⇒ (* 2 x)
(diff '(* x x) x) ⇒ (* 2 x)
(diff `(* ,(+ 1 2) x) x) ⇒ 3
(diff (* x x) 'x) ⇒ (* 2 x)
(diff (lambda (x) (* x x)) 'x) ⇒ (* 2 x)
(diff (lambda (x) (* x x)) x) ⇒ (* 2 x)
(diff (lambda (t) (* t t))) ⇒ (* 2 t)
(diff '(* t t)) ⇒ (* 2 t)
(define e '(exp x)) (diff e x) ⇒ (exp x)
(define (f x) (* 3 (sin x))) (diff f x) ⇒ (* 3 (cos x))
(define (f x) (* 3 (sin x))) (diff f 'x) ⇒ (* 3 (cos x))
(define f (jit (lambda (x) (* x x)))) (diff f x) ⇒ (* 2 x)
(define (g y) (* y y)) (define (f x) (g (+ x 1))) (diff f) ⇒ (+ (* 2 x) 2)
(let ((a 5)) (diff (lambda (x) (* a x x)))) ⇒ (* 10 x)
(define a 5) (diff (lambda (x) (* a x x)) x) ⇒ (* 2 a x)
(define a 5) (diff (* a x x) x) ⇒ (* 2 a x)
(define a 5) (diff a x) ⇒ 0
(diff x x) ⇒ 1
(diff y x) ⇒ 0
(diff 5 x) ⇒ 0
(define-syntax sq (syntax-rules () ((_ e) (* e e)))) (diff (lambda (x) (sq x))) ⇒ (* 2 x)
(diff (expt x 5) x 3) ⇒ (* 60 (expt x 2))
(diff (* x x y) x y) ⇒ (* 2 x)
(diff (if (> x 0) (* x x) (- x)) x) ⇒ (if (> x 0) (* 2 x) -1)
(diff (cond ((> x 0) (* x x)) (else 0)) x) ⇒ (if (> x 0) (* 2 x) 0)
(diff (let ((y (* x x))) (* y y)) x) ⇒ (* 4 (expt x 3))
(diff (let* ((y (* x x)) (z (* y y))) (+ z y)) x) ⇒ (+ (* 4 (expt x 3)) (* 2 x))
(diff (max x 3) x) ⇒ (if (>= x 3) 1 0)
(diff (floor x) x) ⇒ 0
(diff (f x) x) ⇒ ((derivative f) x)
(diff (f (* 2 x)) x) ⇒ (* ((derivative f) (* 2 x)) 2)
(diff (log x 2) x) ⇒ (/ 1 (* x (log 2)))
(diff (/ 1 x) x) ⇒ (- (/ 1 (expt x 2)))
(diff (/ x) x) ⇒ (- (/ 1 (expt x 2)))
(diff (sqrt x) x) ⇒ (/ 1 (* 2 (sqrt x)))
(diff (expt x y) x) ⇒ (* y (expt x (- y 1)))
(diff (expt 2 x) x) ⇒ (* (expt 2 x) (log 2))
(diff (- x) x) ⇒ -1
(diff sin) ⇒ (cos x)
(let ((diff 3)) diff) ⇒ 3
(define (diff a b) (- a b)) (diff 5 3) ⇒ 2
(symbolic-derivative '(* 1.5 x) 'x) ⇒ 1.5
(simplify '(+ x x)) ⇒ (* 2 x)
(simplify '(- x x)) ⇒ 0
(simplify '(* x 0)) ⇒ 0
(simplify '(+ x (* -1 y))) ⇒ (- x y)
(simplify '(- (- x))) ⇒ x
(simplify '(+ 1/2 1/3)) ⇒ 5/6
(simplify '(* (sqrt 2) (sqrt 2) x)) ⇒ (* 2 x)
(simplify '(/ (* 2 x y) (* 4 x))) ⇒ (* 1/2 y)
(simplify '(expt (expt x 2) 3)) ⇒ (expt x 6)
(simplify '(* x (expt x y))) ⇒ (expt x (+ 1 y))
(simplify '(exp (log x))) ⇒ x
(simplify '(sin 0)) ⇒ 0
(simplify '(cos 0.0)) ⇒ 1.0
(simplify '(+ (* 3 (expt (sin t) 2)) (* 3 (expt (cos t) 2)))) ⇒ 3
(simplify '(- (* (+ x 1) (+ x 1)) (* x x))) ⇒ (+ (* 2 x) 1)
(simplify '(- (* (+ x y) (- x y)) (* x x))) ⇒ (- (expt y 2))
(simplify '(sqrt 9/4)) ⇒ 3/2
(simplify '(/ 1 0)) ⇒ (/ 1 0)
(simplify '(f x (+ y y))) ⇒ (f x (* 2 y))
((symbolic->procedure '(* x (+ x y)) '(x y)) 2 3) ⇒ 10
(define a 7) ((symbolic->procedure '(* a x) '(x)) 3) ⇒ 21
((symbolic->procedure (diff (* x x x) x) '(x)) 1/2) ⇒ 3/4
((jit (symbolic->procedure (diff (* x x) x) '(x))) 1.5) ⇒ 3.0
(let ((df (symbolic->procedure (diff (* x x x) x) '(x)))) (derivative df 2)) ⇒ 12
"""

ROWS = [line.rpartition(" ⇒ ")[::2] for line in SHOWN.strip().splitlines()]


@pytest.mark.parametrize("program, expected", ROWS, ids=[program for program, _ in ROWS])
@pytest.mark.parametrize("engine", [None, "cek"], ids=["compiled", "cek"])
def test_what_it_prints(engine, program, expected):
    assert write_string(Session(engine=engine).evaluate(program)) == expected


# ---- against SymPy

X, Y = sympy.symbols("x y", positive=True)
NAMES = {"x": X, "y": Y}
FUNCTIONS = {
    "expt": sympy.Pow,
    "abs": sympy.Abs,
    "expm1": lambda u: sympy.exp(u) - 1,
    "log1p": lambda u: sympy.log(1 + u),
    "square": lambda u: u**2,
    "cube": lambda u: u**3,
    "sigmoid": lambda u: 1 / (1 + sympy.exp(-u)),
    "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
    "reciprocal": lambda u: 1 / u,
    "sign": sympy.sign,
    "+": lambda *parts: sympy.Add(*parts),
    "*": lambda *parts: sympy.Mul(*parts),
    "-": lambda u, *rest: u - sympy.Add(*rest) if rest else -u,
    "/": lambda u, *rest: u / sympy.Mul(*rest) if rest else 1 / u,
}


def to_sympy(datum):
    """An expression as SymPy's."""
    if isinstance(datum, Symbol):
        return NAMES[datum.name]
    if isinstance(datum, Pair):
        name, *arguments = datum
        function = FUNCTIONS.get(name.name) or getattr(sympy, name.name)
        return function(*map(to_sympy, arguments))
    return sympy.Float(datum, 30) if isinstance(datum, float) else sympy.Rational(str(datum))


def value_at(expression, x, y):
    return float(expression.evalf(30, subs={X: sympy.Rational(str(x)), Y: sympy.Rational(str(y))}))


def datum(text):
    return to_datum(read_all(text, "<test>")[0])


def derivative(expression, name="x"):
    return Session().get("symbolic-derivative")(expression, intern(name))


SMOOTH = sorted(
    set(UNARY)
    - set("1+ add1 -1+ sub1 1- exact->inexact inexact exact inexact->exact identity".split())
    - set("magnitude relu".split())
)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("inner", ["x", "(* 2 x)", "(* x x)"])
def test_each_function(name, inner):
    x = 1.25 if name == "acosh" else 0.4375
    expression = datum(f"({name} {inner})")
    expected = sympy.diff(to_sympy(expression), X)
    found = to_sympy(derivative(expression))
    assert math.isclose(value_at(found, x, 1), value_at(expected, x, 1), rel_tol=1e-12)


def random_expression(draw, depth):
    """The text of an expression of x and y that has a value near 1."""
    if depth == 0 or draw.random() < 0.1:
        return draw.choice(["x", "y", "2", "1/3", "x", "3"])
    kind = draw.randrange(6)
    parts = [random_expression(draw, depth - 1) for _ in range(draw.choice([2, 2, 3]))]
    if kind == 0:
        return f"(+ {' '.join(parts)})"
    if kind == 1:
        return f"(* {' '.join(parts)})"
    if kind == 2:
        return f"(- {' '.join(parts[:2])})"
    if kind == 3:
        return f"(/ {parts[0]} (+ 4 (expt {parts[1]} 2)))"
    if kind == 4:
        return f"(expt {parts[0]} {draw.choice([2, 3])})"
    return f"({draw.choice('sin cos exp tanh atan'.split())} {parts[0]})"


@pytest.mark.parametrize("seed", range(120))
def test_random_expressions(seed):
    draw = random.Random(seed)
    expression = datum(random_expression(draw, 3))
    point = (0.75, 0.5)
    for name, variable in NAMES.items():
        expected = value_at(sympy.diff(to_sympy(expression), variable), *point)
        found = derivative(expression, name)
        assert math.isclose(
            value_at(to_sympy(found), *point), expected, rel_tol=1e-9, abs_tol=1e-12
        )


@pytest.mark.parametrize("seed", range(120))
def test_simplification_keeps_the_value_and_settles(seed):
    draw = random.Random(seed)
    original = expression_of("simplify", datum(random_expression(draw, 3)))
    short = simplified(original)
    assert key_of(simplified(short)) == key_of(short)
    best = simplest(original)
    assert size_of(best) <= size_of(short)
    expected = value_at(to_sympy(datum_of(original)), 0.75, 0.5)
    for expression in (short, best):
        found = value_at(to_sympy(datum_of(expression)), 0.75, 0.5)
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_symbolic_and_numeric_derivatives_agree(seed):
    draw = random.Random(1000 + seed)
    text = random_expression(draw, 3)
    session = Session()
    symbolic = session.evaluate(f"((symbolic->procedure (diff '{text} x) '(x y)) 0.75 0.5)")
    numeric = session.evaluate(f"(derivative (lambda (x) (let ((y 0.5)) {text})) 0.75)")
    assert math.isclose(symbolic, numeric, rel_tol=1e-9, abs_tol=1e-12)

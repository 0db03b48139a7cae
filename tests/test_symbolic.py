"""Symbolic derivatives: what they print, and that they are the derivatives, against SymPy."""

from __future__ import annotations

import math
import random
import re
import sys

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter

import eshkol as ek
from eshkol.base.errors import BadValue, FileProblem
from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.write import write_string
from eshkol.primitives.expansions import simplest
from eshkol.primitives.expression_data import datum_of, expression_of, key_of, size_of
from eshkol.primitives.simplification import simplified
from eshkol.primitives.symbolic_rules import UNARY
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
(diff (* x x) x 0) ⇒ (expt x 2)
(define (make k) (lambda (x) (* k x x))) (diff (make 3) x) ⇒ (* 6 x)
(define (make k) (lambda (x) (* k x x))) (diff (make 3) 'x 2) ⇒ 6
(define y 3) (diff (sin y) x) ⇒ 0
(diff (f y) x) ⇒ 0
(diff (jit (lambda (x) (* x x))) x) ⇒ (* 2 x)
(diff (simplify '(+ x x)) x) ⇒ 2
(diff (list '* 'x 'x) x) ⇒ (* 2 x)
(diff (let ((t (* 2 x))) (cond ((> t 1) (* t t)) (else t))) x) ⇒ (if (> (* 2 x) 1) (* 8 x) 2)
(diff (let ((p x)) (cond (p (* x x)) (else 0))) x) ⇒ (if x (* 2 x) 0)
(diff (cond ((> x 0) 1 (* x x)) (else 2)) x) ⇒ (if (> x 0) (* 2 x) 0)
(diff ((lambda (y z) (* y x z)) x 3) x) ⇒ (* 6 x)
(diff (let ((g sin)) (g x)) x) ⇒ (cos x)
(diff (lambda (x) (let loop ((i 0) (acc 1)) (if (= i 3) acc (loop (+ i 1) (* acc x))))))
 ⇒ (* 3 (expt x 2))
(diff (lambda (x) (do ((i 0 (+ i 1)) (s 0 (+ s x))) ((= i 3) s)))) ⇒ 3
(diff (lambda (x) (vector-ref (vector x (* x x)) 1))) ⇒ (* 2 x)
(diff (lambda (x) (apply + (map (lambda (k) (* k x x)) '(1 2 3))))) ⇒ (* 12 x)
(diff (lambda (x) (set! x (* x x)) (* 3 x))) ⇒ (* 6 x)
(diff (lambda (x . rest) (* x x))) ⇒ (* 2 x)
(define (fact n) (if (= n 0) 1 (* n (fact (- n 1))))) (diff (lambda (x) (* (fact 5) x))) ⇒ 120
(define (poly c x) (if (null? c) 0 (+ (car c) (* x (poly (cdr c) x)))))
 (diff (lambda (x) (poly '(1 2 3) x)))
 ⇒ (+ 2 (* 6 x))
(define (poly c x) (if (null? c) 0 (+ (car c) (* x (poly (cdr c) x)))))
 (simplify (lambda (t) (poly '(1 2) (+ t))))
 ⇒ (+ 1 (* t 2))
(diff (lambda (x) (let-values (((a b) (values x (* x x)))) (* a b)))) ⇒ (* 3 (expt x 2))
(diff (lambda (x) (call/cc (lambda (k) (+ 1 (k (* x x))))))) ⇒ (* 2 x)
(define p (make-parameter 2)) (diff (lambda (x) (parameterize ((p x)) (* (p) (p))))) ⇒ (* 2 x)
(diff (lambda (x y) (let ((s 0)) (for-each (lambda (k) (set! s (+ s (* k x y)))) '(1 2)) s)) y)
 ⇒ (* 3 x)
(diff (lambda (x) (do ((i 0 (+ i 1))) ((= i 2) (atan (expt x 2) (exact->inexact 4))))))
 ⇒ (/ (* 8.0 x) (+ 16.0 (expt x 4)))
(diff (compose square sin) t) ⇒ (* 2 (sin t) (cos t))
(diff sin t) ⇒ (cos t)
(diff (lambda (x) (case 3 ((1) x) ((3) (* x x)) (else 0))))
 ⇒ (if (eqv? 3 1) 1 (if (eqv? 3 3) (* 2 x) 0))
(diff (let ((f (lambda (t) (* t t)))) (f (f x))) x) ⇒ (* 4 (expt x 3))
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
(simplify '(/ 0 0)) ⇒ (/ 0 0)
(simplify '(+ 1 (* 0 (/ 1 0)))) ⇒ (+ 1 (/ 0 0))
(simplify '(cond ((> x 0) (+ x x)) (else 0))) ⇒ (if (> x 0) (* 2 x) 0)
(simplify '(f x (+ y y))) ⇒ (f x (* 2 y))
((symbolic->procedure '(* x (+ x y)) '(x y)) 2 3) ⇒ 10
(define a 7) ((symbolic->procedure '(* a x) '(x)) 3) ⇒ 21
((symbolic->procedure (diff (* x x x) x) '(x)) 1/2) ⇒ 3/4
((jit (symbolic->procedure (diff (* x x) x) '(x))) 1.5) ⇒ 3.0
(let ((df (symbolic->procedure (diff (* x x x) x) '(x)))) (derivative df 2)) ⇒ 12
(diff (let ((y x)) (let ((x 2)) (* x y))) x) ⇒ 2
(diff (let* ((y (* x x)) (x 3)) (* x y)) x) ⇒ (* 6 x)
(diff (where (> x 0) (* x x) 0) x) ⇒ (if (> x 0) (* 2 x) 0)
(diff (maximum x y 3) x) ⇒ (if (>= (max x y) 3) (if (>= x y) 1 0) 0)
(diff (clip x 0 1) x) ⇒ (if (<= (max x 0) 1) (if (>= x 0) 1 0) 0)
(diff (clip x #f 1) x) ⇒ (if (<= x 1) 1 0)
(diff (leaky-relu x 0.1) x) ⇒ (if (> x 0) 1 0.1)
(diff (softplus x 2) x) ⇒ (sigmoid (* 2 x))
(diff (tensor-mul x x) x) ⇒ (* 2 x)
(diff (swish x) x) ⇒ (+ (sigmoid x) (* x (sigmoid x) (- 1 (sigmoid x))))
(simplify (lambda (x) (+ x x))) ⇒ (* 2 x)
(simplify '(+ x x) #:engine 'eshkol) ⇒ (* 2 x)
"""

COMPUTED = """
(simplify '(/ (- (expt x 2) 1) (- x 1)) #:engine 'sympy) ⇒ (+ x 1)
(simplify '(sqrt (* x x)) #:engine 'sympy) ⇒ (abs x)
(symbolic-expand '(* (+ x 1) (- x 2))) ⇒ (- (expt x 2) x 2)
(symbolic-factor '(- (expt x 2) 1)) ⇒ (* (- x 1) (+ x 1))
(symbolic-factor (lambda (x) (+ (* x x) (* 2 x) 1))) ⇒ (expt (+ x 1) 2)
(symbolic-integral '(* 3 x x) 'x) ⇒ (expt x 3)
(symbolic-integral '(sin x) 'x 0 'pi) ⇒ 2
(symbolic-integral '(exp (- (* x x))) 'x -inf.0 +inf.0) ⇒ (sqrt pi)
(symbolic-integral '(abs x) 'x) ⇒ (if (<= x 0) (* -1/2 (expt x 2)) (* (expt x 2) 1/2))
(symbolic-integral '(let ((y x)) (* 2 y)) 'x) ⇒ (expt x 2)
(simplify '(cond ((> x 0) x) (else (+ y y))) #:engine 'sympy) ⇒ (if (> x 0) x (* 2 y))
(symbolic-integral '(expt x n) 'x)
 ⇒ (if (not (= n -1)) (/ (expt x (+ n 1)) (+ n 1)) (log x))
(symbolic-solve '(- (* x x) 4) 'x) ⇒ (-2 2)
(symbolic-solve '(- (* x x) 2) 'x) ⇒ ((- (sqrt 2)) (sqrt 2))
(symbolic-solve '(= (+ (* a x) b) 0) 'x) ⇒ ((- (/ b a)))
(symbolic-solve '(+ (* x x) 1) 'x) ⇒ ()
(symbolic-solve '(+ (* x x) 1) 'x #:domain 'complex) ⇒ ((- (sqrt -1)) (sqrt -1))
(symbolic-expand '(+ (gelu x) (f x 1.5) +2i)) ⇒ *
"""

FORMULAS = r"""
(/ x 2) ⇒ \frac{x}{2}
(- (* (+ x 1) (- x 1)) (expt (sin theta) 2))
 ⇒ \left(x + 1\right) \left(x - 1\right) - \sin^{2}\left(\theta\right)
(expt (+ a b) (/ 1 n)) ⇒ \left(a + b\right)^{\frac{1}{n}}
(if (> x 0) (* 2 x) (if (< x -1) 0 1))
 ⇒ \begin{cases} 2 x & \text{if } x > 0 \\ 0 & \text{if } x < -1 \\ 1 & \text{otherwise} \end{cases}
((derivative (derivative f)) x) ⇒ f''\left(x\right)
((derivative sin) x) ⇒ \sin'\left(x\right)
((compose f g) x) ⇒ \left(\mathrm{compose}\left(f, g\right)\right)\left(x\right)
(* 3 4 x_1 learning-rate) ⇒ 3 \cdot 4 x_{1} \mathrm{learning-rate}
(* -2 (- x)) ⇒ -2 \left(-x\right)
(* -1 x) ⇒ -x
(* x -3) ⇒ -3 x
(* 2 (expt 3 x)) ⇒ 2 \cdot 3^{x}
(- (+ a b)) ⇒ -\left(a + b\right)
(/ (- x) y) ⇒ -\frac{x}{y}
(/ x) ⇒ \frac{1}{x}
(/ x y z) ⇒ \frac{x}{y z}
(- a (- b c) (- d)) ⇒ a - \left(b - c\right) - \left(-d\right)
(+ a -2 (* -3 b)) ⇒ a - 2 - 3 b
(+ 1e-10 2.5 -1/2) ⇒ 1 \cdot 10^{-10} + 2.5 - \frac{1}{2}
(expt -2 x) ⇒ \left(-2\right)^{x}
(expt 1/2 x) ⇒ \left(\frac{1}{2}\right)^{x}
(expt (expt x 2) 3) ⇒ \left(x^{2}\right)^{3}
(expt x 1/2) ⇒ \sqrt{x}
(exp (- (expt x 2))) ⇒ e^{-x^{2}}
(log x 2) ⇒ \log_{2}\left(x\right)
(abs (- x)) ⇒ \left|-x\right|
(floor alpha_12) ⇒ \left\lfloor \alpha_{12}\right\rfloor
(and (<= x 0) (not y)) ⇒ x \le 0 \land \lnot y
(and (or a b) c) ⇒ \left(a \lor b\right) \land c
(or (and a b) c) ⇒ a \land b \lor c
(+ (< x 1) 2) ⇒ \left(x < 1\right) + 2
(= (< x 1) y) ⇒ \left(x < 1\right) = y
(let* ((y (+ x 1)) (z (* 2 y))) (* y z))
 ⇒ \left(x + 1\right) \cdot 2 \left(x + 1\right)
(cond ((> x 0) x) (else 0))
 ⇒ \begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}
(square (1+ x)) ⇒ \left(x + 1\right)^{2}
(asinh (rsqrt x1)) ⇒ \operatorname{arsinh}\left(\frac{1}{\sqrt{x_{1}}}\right)
1+2i ⇒ 1.0 + 2.0 i
(* x +inf.0) ⇒ \infty x
#t ⇒ \mathrm{true}
"""


def rows(text):
    return [line.rpartition(" ⇒ ")[::2] for line in text.replace("\n ", " ").strip().splitlines()]


ROWS = rows(SHOWN)


@pytest.mark.parametrize("program, expected", ROWS, ids=[program for program, _ in ROWS])
@pytest.mark.parametrize("engine", [None, "cek"], ids=["compiled", "cek"])
def test_what_it_prints(engine, program, expected):
    assert write_string(Session(engine=engine).evaluate(program)) == expected


@pytest.mark.parametrize("program, expected", rows(COMPUTED))
def test_computer_algebra(program, expected):
    found = write_string(Session().evaluate(program))
    assert found == expected or expected == "*"


@pytest.mark.parametrize("expression, expected", rows(FORMULAS))
def test_latex(expression, expected):
    found = Session().evaluate(f"(latex '{expression})")
    assert found == expected.replace("  ", " ")
    assert Session().evaluate('(lambda (e) (string-append (latex e) "!"))')(datum(expression)) == (
        found + "!"
    )


def test_a_procedure_that_fails_is_run_once(capsys):
    program = """(define (f x) (display "run ") (vector-ref (vector x) 1))
                 (symbolic-derivative f)"""
    with pytest.raises(BadValue):
        Session().evaluate(program)
    assert capsys.readouterr().out == "run "


def test_notebooks_show_results_as_formulas():
    session = Session()
    show = DisplayFormatter().format
    assert show(session.evaluate("(diff (* x x x) x)"))[0] == {
        "text/plain": "(* 3 (expt x 2))",
        "text/latex": r"$\displaystyle 3 x^{2}$",
    }
    assert show(session.evaluate("(latex 'x)"))[0]["text/latex"] == r"$\displaystyle x$"
    assert set(show(session.evaluate("'(* 3 x)"))[0]) == {"text/plain"}
    assert set(show(ek.simplify("(+ x x)"))[0]) == {"text/plain", "text/latex"}


def test_without_sympy(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    session = Session()
    for call in ("(symbolic-expand 'x)", "(simplify 'x #:engine 'sympy)"):
        with pytest.raises(FileProblem, match="SymPy is not installed") as caught:
            session.evaluate(call)
        assert "eshkol[symbolic]" in caught.value.hint
    assert write_string(session.evaluate("(simplify '(+ x x))")) == "(* 2 x)"


# ---- against SymPy

X, Y = sympy.symbols("x y", positive=True)
NAMES = {"x": X, "y": Y, "pi": sympy.pi}
FUNCTIONS = {
    "expt": sympy.Pow,
    "abs": sympy.Abs,
    "expm1": lambda u: sympy.exp(u) - 1,
    "log1p": lambda u: sympy.log(1 + u),
    "square": lambda u: u**2,
    "cube": lambda u: u**3,
    "sigmoid": lambda u: 1 / (1 + sympy.exp(-u)),
    "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
    "log-gamma": sympy.loggamma,
    "ndtr": lambda u: (1 + sympy.erf(u / sympy.sqrt(2))) / 2,
    "exp2": lambda u: 2**u,
    "log2": lambda u: sympy.log(u) / sympy.log(2),
    "log10": lambda u: sympy.log(u) / sympy.log(10),
    "logit": lambda u: sympy.log(u) - sympy.log(1 - u),
    "reciprocal": lambda u: 1 / u,
    "sign": sympy.sign,
    "rsqrt": lambda u: 1 / sympy.sqrt(u),
    "log-sigmoid": lambda u: -sympy.log(1 + sympy.exp(-u)),
    "gelu": lambda u: u * (1 + sympy.tanh(sympy.sqrt(2 / sympy.pi) * (u + 0.044715 * u**3))) / 2,
    "mish": lambda u: u * sympy.tanh(sympy.log(1 + sympy.exp(u))),
    "silu": lambda u: u / (1 + sympy.exp(-u)),
    "atan": lambda v, u=None: sympy.atan(v) if u is None else sympy.atan2(v, u),
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
    expression = sympy.sympify(expression)
    return float(expression.evalf(30, subs={X: sympy.Rational(str(x)), Y: sympy.Rational(str(y))}))


def datum(text):
    return to_datum(read_all(text, "<test>")[0])


def derivative(expression, name="x"):
    return Session().get("symbolic-derivative")(expression, intern(name))


SMOOTH = sorted(
    set(UNARY)
    - set("1+ add1 -1+ sub1 1- exact->inexact inexact exact inexact->exact identity".split())
    - set("magnitude relu relu6".split())
    | set("gelu mish silu".split())
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
    for name, variable in (("x", X), ("y", Y)):
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


LEAVES = st.sampled_from(["x", "x", "y", "2", "1/3", "0.5", "pi"])
SAFE = """(sin {}) (cos {}) (exp (sin {})) (tanh {}) (atan {}) (sqrt (+ 4 (square {}))) (sigmoid {})
(log (+ 3 (square {}))) (expt (+ 3 (cos {})) 1/3) (softplus {}) (asinh {}) (erf {}) (- {}) (cube {})
(erfc {}) (ndtr {}) (log-gamma (+ 4 (square {}))) (exp2 (sin {})) (log2 (+ 3 (square {})))
(cbrt (+ 3 (cos {}))) (/ (+ 2 (sin {}))) (expt 2 (sin {})) (log1p (square {}))
(expm1 (cos {}))""".replace("\n", " ")
SAFE = re.findall(r"\([^()]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)[^()]*)*\)", SAFE)


def test_from_python_expressions_are_text():
    assert str(ek.symbolic_derivative("(* x x)", "x")) == "(* 2 x)"
    assert str(ek.symbolic_solve("(- (* x x) 4)", "x")) == "(-2 2)"
    assert str(ek.symbolic_factor("(- (expt x 2) 1)")) == "(* (- x 1) (+ x 1))"
    assert str(ek.symbolic_expand("(* (+ x 1) (- x 2))")) == "(- (expt x 2) x 2)"
    assert ek.symbolic_to_procedure("(* x (+ x y))", ["x", "y"])(2, 3) == 10
    area = ek.symbolic_integral("(* 2 x)", "x")
    assert ek.symbolic_to_procedure(area, ["x"])(3) == 9
    with pytest.raises(BadValue, match="the text of one expression, got 2"):
        ek.symbolic_solve("x y", "x")


SEVERAL = [
    "(+ {} {} {})",
    "(* {} {} {})",
    "(- {} {})",
    "(/ {} (+ 4 (square {})))",
    "(atan {} (+ 9 (sin {})))",
]


def grown(inner):
    templates = st.sampled_from([*SAFE, *SEVERAL])
    return templates.flatmap(
        lambda template: st.tuples(*[inner] * template.count("{}")).map(
            lambda parts: template.format(*parts)
        )
    )


@given(st.recursive(LEAVES, grown, max_leaves=5), st.sampled_from("xy"))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_symbolic_numeric_and_sympys_derivatives_agree(text, name):
    session = Session()
    symbolic = session.evaluate(f"((symbolic->procedure (diff '{text} {name}) '(x y)) 0.75 0.5)")
    other, value, point = ("y", 0.5, 0.75) if name == "x" else ("x", 0.75, 0.5)
    numeric = session.evaluate(
        f"(derivative (lambda ({name}) (let (({other} {value})) {text})) {point})"
    )
    assert math.isclose(symbolic, numeric, rel_tol=1e-9, abs_tol=1e-12)
    exact = sympy.diff(to_sympy(datum(text)), NAMES[name])
    assert math.isclose(symbolic, value_at(exact, 0.75, 0.5), rel_tol=1e-9, abs_tol=1e-12)

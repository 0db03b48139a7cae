"""Derivatives against SymPy (exact), mpmath (high orders) and what one would write with JAX."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import sympy

from eshkol.base.errors import DivideByZero
from eshkol.datum.pairs import scheme_list
from eshkol.session import Session
from eshkol.xla.dtypes import wide
from rows import one_in

SESSION = Session()

# ---- exact, against SymPy

X, Y = sympy.symbols("x y")


def random_rational(draw, depth):
    """A random rational function of x and y: its text, and SymPy's."""
    if depth == 0:
        return draw.choice(
            [("x", X), ("y", Y), ("x", X), ("2/3", sympy.Rational(2, 3)), ("-5", sympy.Integer(-5))]
        )
    if draw.random() < 0.2:
        power = draw.choice([-2, -1, 2, 3, 4])
        text, value = random_rational(draw, depth - 1)
        return f"(expt {text} {power})", value**power
    parts = [random_rational(draw, depth - 1) for _ in range(draw.choice([2, 2, 3]))]
    name = draw.choice("+-*/+*")
    values = [value for _, value in parts]
    combined = {
        "+": lambda: sympy.Add(*values),
        "*": lambda: sympy.Mul(*values),
        "-": lambda: values[0] - sympy.Add(*values[1:]),
        "/": lambda: values[0] / sympy.Mul(*values[1:]),
    }[name]()
    return f"({name} {' '.join(text for text, _ in parts)})", combined


def at(expression, x, y):
    value = expression.subs({X: sympy.Rational(x), Y: sympy.Rational(y)})
    return Fraction(int(value.p), int(value.q))


def rational_functions():
    """Seeds of two hundred random rational functions that have values at their points."""
    seed = 0
    for _ in range(200):
        while True:
            seed += 1
            draw = random.Random(seed)
            _, value = random_rational(draw, 3)
            x, y = Fraction(draw.randint(1, 9), 7), Fraction(draw.randint(-9, -1), 5)
            if value.has(sympy.zoo, sympy.nan):
                continue
            if sympy.denom(sympy.together(value)).subs({X: x, Y: y}) != 0:
                yield seed
                break


def as_fractions(value):
    return [as_fractions(part) for part in value] if hasattr(value, "__iter__") else value


@pytest.mark.parametrize("seed", rational_functions())
def test_exact_derivatives_of_rational_functions(seed):
    draw = random.Random(seed)
    text, value = random_rational(draw, 3)
    x, y = Fraction(draw.randint(1, 9), 7), Fraction(draw.randint(-9, -1), 5)
    SESSION.evaluate(f"(define (f x y) {text})")
    SESSION.define("p", scheme_list([x, y]))
    try:
        found = SESSION.evaluate(
            """(list (gradient f p) (hessian f p) (laplacian f p)
                     (derivative-n (lambda (x) (f x (cadr p))) (car p) 3))"""
        )
    except DivideByZero:
        # It has a value there only in lowest terms.
        with pytest.raises(DivideByZero):
            SESSION.evaluate("(apply f p)")
        return
    partials = [sympy.diff(value, variable) for variable in (X, Y)]
    second = [[sympy.diff(part, variable) for variable in (X, Y)] for part in partials]
    third = sympy.diff(value, X, 3)
    expected = [
        [at(part, x, y) for part in partials],
        [[at(part, x, y) for part in row] for row in second],
        at(second[0][0] + second[1][1], x, y),
        at(third, x, y),
    ]
    assert as_fractions(found) == expected


# ---- high orders, against mpmath

SMOOTH = {
    "(* (sin x) (exp x))": lambda x: mpmath.sin(x) * mpmath.exp(x),
    "(tanh x)": mpmath.tanh,
    "(log (+ 1 (* x x)))": lambda x: mpmath.log(1 + x * x),
    "(sqrt (+ 1 x))": lambda x: mpmath.sqrt(1 + x),
    "(expt x 2.5)": lambda x: x ** mpmath.mpf("2.5"),
    "(atan x)": mpmath.atan,
    "(expt x x)": lambda x: x**x,
    "(/ (cos x) (+ 2 (sin (* 2 x))))": lambda x: mpmath.cos(x) / (2 + mpmath.sin(2 * x)),
    "(erf x)": mpmath.erf,
    "(asin (/ x 2))": lambda x: mpmath.asin(x / 2),
}
POINT = 0.7


def reference(body, order):
    with mpmath.workdps(60):
        return float(mpmath.diff(SMOOTH[body], mpmath.mpf(POINT), order, h=mpmath.mpf("1e-6")))


def close(found, expected):
    return math.isclose(float(found), expected, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("order", range(1, 9))
@pytest.mark.parametrize("body", SMOOTH)
def test_high_orders_on_the_host(body, order):
    nested = "f"
    for depth in range(order):
        nested = f"({('derivative', 'gradient')[depth % 2 if order < 5 else 0]} {nested})"
    SESSION.evaluate(f"(define (f x) {body})")
    expected = reference(body, order)
    assert close(SESSION.evaluate(f"({nested} {POINT})"), expected)
    assert close(SESSION.evaluate(f"(derivative-n f {POINT} {order})"), expected)
    halves = f"(derivative-n (lambda (x) (derivative-n f x {order // 2})) {POINT} {-(-order // 2)})"
    assert close(SESSION.evaluate(halves), expected)
    taylor = list(SESSION.evaluate(f"(taylor f {POINT} {order})"))
    assert close(taylor[order] * math.factorial(order), expected)


@pytest.mark.parametrize("body", one_in(2, SMOOTH))
def test_high_orders_in_compiled_code(body):
    SESSION.evaluate(f"(define (f x) {body})")
    found = list(SESSION.evaluate(f"((jit (lambda (x) (taylor f x 8))) {POINT})"))
    for order, coefficient in enumerate(found):
        assert close(float(coefficient) * math.factorial(order), reference(body, order))


@pytest.mark.parametrize("body", list(SMOOTH)[:4])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_nested_in_compiled_code(body, order):
    SESSION.evaluate(f"(define (f x) {body})")
    nested = "f"
    for depth in range(order):
        nested = f"({('derivative', 'gradient')[depth % 2]} {nested})"
    assert close(SESSION.evaluate(f"((jit {nested}) {POINT})"), reference(body, order))


def test_high_orders_where_taylor_mode_has_no_rule():
    body = "(let loop ((i 0) (y x)) (if (< y 50) (loop (+ i 1) (* y y)) y))"
    SESSION.evaluate(f"(define (f x) {body})")
    eager = SESSION.evaluate("(taylor f 2.0 4)")
    jitted = SESSION.evaluate("((jit (lambda (x) (taylor f x 4))) 2.0)")
    assert np.allclose([float(c) for c in jitted], list(eager), rtol=1e-12)


# ---- nested and mixed, host and tensors

MIXED = {
    "(derivative (lambda (t) (derivative (lambda (x) (tensor-sum (* x x t (ones 2)))) t)) 2.0)": 16,
    "(gradient (lambda (p) (derivative (lambda (x) (* (tensor-ref p 0) (* x x))) 2.0)) (ones 1))": [
        4
    ],
    "(derivative (lambda (t) (vref (gradient (lambda (v) (tensor-sum (* t v v v))) (ones 2)) 0))"
    " 2.0)": 3,
    "(gradient (lambda (v) (laplacian (lambda (w) (tensor-sum (* w w w))) v)) (tensor 2.0 3.0))": [
        6,
        6,
    ],
    "(derivative (lambda (x) (divergence (lambda (v) (* x v v)) (tensor 2.0 3.0))) 1.0)": 10,
    "(hessian (lambda (v) (derivative-n (lambda (t) (tensor-sum (* v v t t))) 1.0 2)) (ones 1))": [
        [4]
    ],
    "(derivative (lambda (a) (derivative (lambda (b) (derivative (lambda (c) (* a a b b c c)) b))"
    " a)) 2)": 24 * 8,
    "((vmap (lambda (x) (derivative (lambda (y) (* y y y)) x))) (tensor 1.0 2.0))": [3, 12],
    "((vmap (lambda (r) (laplacian (lambda (v) (tensor-sum (* v v v))) r))) (ones 3 2))": [12] * 3,
    "((vmap (lambda (x) (derivative-n sin x 4))) (zeros 2))": [0, 0],
    "(gradient (lambda (v) (tensor-sum ((vmap (lambda (x) (derivative (lambda (y) (* y y y)) x)))"
    " v))) (tensor 1.0 2.0))": [6, 12],
    "((jit (vmap (lambda (r) (hessian (lambda (v) (tensor-sum (* v v v))) r)))) (ones 1 2))": [
        [[6, 0], [0, 6]]
    ],
}


@pytest.mark.parametrize("program", MIXED)
def test_mixed(program):
    found = SESSION.evaluate(program)
    assert np.allclose(np.asarray(found, float), MIXED[program], rtol=1e-6)


# ---- the programs that are compiled

V = np.linspace(0.1, 1.0, 6)


def by_hand(v):
    return jnp.sum(jnp.sin(v) * v)


BY_HAND = {
    "(lambda (v) (gradient f v))": jax.grad(by_hand),
    "(lambda (v) (hessian f v))": jax.hessian(by_hand),
    "(lambda (v) (hvp f v (ones 6 #:dtype 'float64)))": lambda v: jax.jvp(
        jax.grad(by_hand), (v,), (jnp.ones(6),)
    )[1],
    "(lambda (v) (jacobian (lambda (v) (* (sin v) v)) v))": jax.jacfwd(lambda v: jnp.sin(v) * v),
    "(lambda (v) (jacobian (lambda (v) (vector (f v) (tensor-sum v))) v))": jax.jacrev(
        lambda v: jnp.stack([by_hand(v), jnp.sum(v)])
    ),
}


def flops(compiled):
    return compiled.cost_analysis()["flops"] + compiled.cost_analysis().get("transcendentals", 0)


@pytest.mark.parametrize("program", BY_HAND)
def test_compiled_programs_do_no_more_work_than_those_by_hand(program):
    SESSION.evaluate("(define (f v) (tensor-sum (* (sin v) v)))")
    with wide():
        v = jnp.asarray(V)
        ours = SESSION.evaluate(f"(jit {program})")
        assert np.allclose(ours(v), BY_HAND[program](v))
        theirs = jax.jit(BY_HAND[program]).lower(v).compile()
        compiled = ours.eshkol_jit.lower((v,), {}).compile()
    assert flops(compiled) <= 1.1 * flops(theirs) + 8

"""Differential operators: every one at every kind of point, however it and the procedure are given.

The references are closed forms; what is exact must come out exact.
"""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from eshkol.datum.write import write_string
from eshkol.session import Session

BODY = "(+ (* x x y) (* y y y))"
FIELD = "(* x x y)", "(* x y y)"
# At x = 2, y = 3, along (1, 10):
GRADIENT = 12, 31
HESSIAN = (6, 4), (4, 18)
JACOBIAN = (12, 4), (9, 12)
VALUE = 39

FORMS = {
    "list": ("(list 2 3)", "'(2 3)", "(list 1 10)", "(car p)", "(cadr p)"),
    "vector": ("(vector 2 3)", "#(2 3)", "#(1 10)", "(vector-ref p 0)", "(vector-ref p 1)"),
    "nested": (
        "(list 2 (vector 3))",
        "'(2 #(3))",
        "'(1 #(10))",
        "(car p)",
        "(vector-ref (cadr p) 0)",
    ),
    "tensor": ("(tensor 2.0 3.0)", "(tensor 2.0 3.0)", "#(1 10)", "(vref p 0)", "(vref p 1)"),
}


def text(form, pair):
    """How the structure of a point prints with two parts, which may be numbers or structures."""
    if form == "tensor":
        rows = [
            f"({' '.join(map(repr, map(float, part)))})" for part in pair if part.__class__ is tuple
        ]
        return f"#({' '.join(rows or [repr(float(part)) for part in pair])})"
    a, b = (text(form, part) if part.__class__ is tuple else part for part in pair)
    return {"list": f"({a} {b})", "vector": f"#({a} {b})", "nested": f"({a} #({b}))"}[form]


def number(form, value):
    return repr(float(value)) if form == "tensor" else repr(value)


OPERATORS = {
    "(gradient f p)": lambda form: text(form, GRADIENT),
    "((gradient f) p)": lambda form: text(form, GRADIENT),
    "(cadr (value-and-gradient f p))": lambda form: text(form, GRADIENT),
    "(car (value-and-gradient f p))": lambda form: number(form, VALUE),
    "(jacobian f p)": lambda form: text(form, GRADIENT),
    "(hessian f p)": lambda form: text(form, HESSIAN),
    "((hessian f) p)": lambda form: text(form, HESSIAN),
    "(jacobian (gradient whole) p)": lambda form: text(form, HESSIAN),
    "(laplacian f p)": lambda form: number(form, 24),
    "(jvp f p d)": lambda form: f"({number(form, VALUE)} {number(form, 322)})",
    "(directional-derivative f p d)": lambda form: number(form, 322),
    "(cadr (vjp f p 2))": lambda form: text(form, (24, 62)),
    "((cadr (vjp f p)) 2)": lambda form: text(form, (24, 62)),
    "(hvp f p d)": lambda form: text(form, (46, 184)),
    "(mixed-partial f p '(0 1))": lambda form: number(form, 4),
    "(mixed-partial f p '(1 1 1))": lambda form: number(form, 6),
    "(divergence field p)": lambda form: number(form, 24),
    "(jacobian field p)": lambda form: text(form, JACOBIAN),
    "(cadr (vjp field p d))": lambda form: text(form, (102, 124)),
    "(gradient-n f p 2)": lambda form: (
        "("
        + " ".join(
            f"({beta} . {number(form, value)})"
            for beta, value in [("(0 2)", 18), ("(1 1)", 4), ("(2 0)", 6)]
        )
        + ")"
    ),
}

BINDINGS = {
    "literal": "(define (run) {call})",
    "variable": "(define p {point}) (define (run) {call})",
    "captured": "(define run (let ((p {point})) (lambda () {call})))",
    "parameter": "(define (go p) {call}) (define (run) (go {point}))",
}

PROCEDURES = {
    "lambda": "(define f (lambda (p) (let ((x {x}) (y {y})) {body})))",
    "named": "(define (f p) (define x {x}) (define y {y}) {body})",
    "curried": "(define (make k) (lambda (p) (let ((x {x}) (y {y})) (+ k {body}))))"
    "(define f (make 0))",
    "optional": "(define (f p [k 0]) (let ((x {x}) (y {y})) (+ k {body})))",
    "spread": "(define (f x y) {body})",
    "variadic": "(define (f . p) (let ((x (car p)) (y (cadr p))) {body}))",
}


def program(operator, form, binding, procedure):
    point, literal, direction, x, y = FORMS[form]
    field = {
        "list": "(list {} {})",
        "nested": "(list {} (vector {}))",
    }.get(form, "(vector {} {})").format(*FIELD)
    accessors = {"x": x, "y": y}
    defined = PROCEDURES[procedure].format(body=BODY, **accessors)
    fields = PROCEDURES[procedure if procedure in ("spread", "variadic") else "lambda"]
    others = fields.replace("define f ", "define field ").replace("(f ", "(field ")
    others = others.format(body=field, **accessors)
    whole = f"(define (whole p) (let ((x {x}) (y {y})) {BODY}))"
    call = operator.replace(" d)", f" {direction})")
    if binding == "literal":
        call = call.replace(" p", f" {literal}")
    return "\n".join(
        [defined, others, whole, BINDINGS[binding].format(call=call, point=point), "(run)"]
    )


CASES = [
    (operator, form, binding, procedure)
    for operator in OPERATORS
    for form in FORMS
    for binding in BINDINGS
    for procedure in PROCEDURES
    # Only a flat list or vector of numbers is spread.
    if form in ("list", "vector") or procedure not in ("spread", "variadic")
    # For tensors, whose derivatives take longer, each binding and each procedure once.
    if form != "tensor" or (binding == "literal" or procedure == "lambda")
]


@pytest.mark.parametrize("operator, form, binding, procedure", CASES)
def test_operators_at_points(operator, form, binding, procedure):
    result = Session().evaluate(program(operator, form, binding, procedure))
    assert write_string(result) == OPERATORS[operator](form)


@pytest.mark.parametrize("operator", OPERATORS)
def test_jitted_is_eager(operator):
    whole = program(operator, "tensor", "parameter", "lambda")
    session = Session()
    expected = write_string(session.evaluate(whole))
    assert write_string(session.evaluate("((jit go) (tensor 2.0 3.0))")) == expected


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("form", ["list", "vector", "nested"])
def test_jitted_is_eager_on_numbers(operator, form):
    session = Session()
    source = program(operator, form, "parameter", "lambda")
    session.evaluate(source)
    inexact = FORMS[form][0].replace("2", "2.0").replace("3", "3.0")
    eager = write_string(session.evaluate(f"(go {inexact})"))
    assert write_string(session.evaluate(f"((jit go) {inexact})")) == eager


SEVERAL = """
(gradient (lambda (x y) (* x x y)) 2 3) ⇒ #(12 4)
((gradient (lambda (x y) (* x x y))) 2 3) ⇒ #(12 4)
(gradient (lambda xs (apply * xs)) 2 3 4) ⇒ #(12 8 6)
(gradient * 2 3) ⇒ #(3 2)
(gradient * 2 3 #:wrt 0) ⇒ 3
(gradient * 2 3 #:wrt 1) ⇒ 2
((gradient * #:wrt 1) 2 3) ⇒ 2
(value-and-gradient * 2 3 #:wrt 0) ⇒ (6 3)
(gradient * 2 3 #:wrt '(0)) ⇒ (3)
(gradient * #(2 3 4)) ⇒ #(12 8 6)
(jacobian (lambda (x y) (vector (* x y) x 1)) 2 3) ⇒ #(#(3 2) #(1 0) #(0 0))
(jacobian (lambda (x) (list x (* x x))) 3) ⇒ (1 6)
(jacobian (lambda (v) (matmul #(#(1 2) #(3 4)) v)) #(5.0 6.0)) ⇒ #((1.0 2.0) (3.0 4.0))
(jacobian (lambda (t) (* t t)) (tensor '((1.0 2.0)))) ⇒ #((((2.0 0.0)) ((0.0 4.0))))
(jacobian (lambda (p) (* (car p) (cadr p))) (list 2.0 (tensor 3.0 4.0))) ⇒ (#(3.0 4.0) #((2.0 0.0) (0.0 2.0)))
(hessian (lambda (x y) (* x x y)) 2 3) ⇒ #(#(6 4) #(4 0))
(hessian (lambda (x) (expt x 4)) 1/2) ⇒ 3
(derivative (lambda (x) (expt x 1/2)) 4) ⇒ 1/4
(gradient (lambda (x y) (* y (expt x -3/2))) 4 3) ⇒ #(-9/64 1/8)
(laplacian (lambda (x y z) (+ (* x x) (* y y z))) 1 2 3) ⇒ 8
(divergence (lambda (x y) (list (* x x) (* x y))) 2 3) ⇒ 6
(curl (lambda (x y z) (vector (* y z) (* x x) (* x y))) 1 2 3) ⇒ #(1 0 -1)
(curl (lambda (v) (vector (* (vref v 1) (vref v 2)) (* (vref v 0) (vref v 0)) (* (vref v 0) (vref v 1)))) '(1 2 3)) ⇒ (1 0 -1)
(curl (lambda (v) (vector (* (vref v 1) (vref v 2)) (* (vref v 0) (vref v 0)) (* (vref v 0) (vref v 1)))) (tensor 1.0 2.0 3.0)) ⇒ #(1.0 0.0 -1.0)
((curl (lambda (x y z) (vector (- y) x 0))) 1 2 3) ⇒ #(0 0 2)
((jvp (lambda (x) (* x x))) 3 10) ⇒ (9 60)
(jvp (lambda (v) (* v v)) (tensor 2.0 3.0) (tensor 1.0 0.5)) ⇒ (#(4.0 9.0) #(4.0 3.0))
(vjp (lambda (v) (* v v)) (tensor 2.0 3.0) #(1 10)) ⇒ (#(4.0 9.0) #(4.0 60.0))
(let ((pull (cadr (vjp (lambda (x y) (vector (* x y) (+ x y))) #(2 3))))) (list (pull #(1 0)) (pull #(0 1)))) ⇒ (#(3 2) #(1 1))
((hvp (lambda (x y) (* x x y))) #(2 3) #(1 1)) ⇒ #(10 4)
(derivative-n (lambda (x) (expt x 5)) 2 3) ⇒ 240
((derivative-n (lambda (x) (expt x 5))) 2 3) ⇒ 240
(derivative-n (lambda (x) (list x (* x x))) 2 1) ⇒ (1 4)
(derivative-n (lambda (x) (expt x 5)) 2 0) ⇒ 32
(derivative-n (lambda (x) (tensor-sum (* x (ones 2)))) 2.0 1) ⇒ 2.0
(taylor (lambda (x) (expt x 3)) 2 4) ⇒ (8 12 6 1 0)
(taylor (lambda (x) (/ 1 (- 1 x))) 1/2 3) ⇒ (2 4 8 16)
((taylor-series (lambda (x) (expt x 3)) 2 3) 5) ⇒ 125
((derivative (taylor-series (lambda (x) (expt x 3)) 2 3)) 5) ⇒ 75
(derivative (lambda (x) (expt x 30)) 7) ⇒ 96597172674395391805128210
(derivative (lambda (z) (* z z)) 1+2i) ⇒ 2+4i
(derivative exp 0) ⇒ 1.0
(gradient (lambda (z) (* z z)) 1+2i) ⇒ 2+4i
(gradient (lambda (p) (* (cdr (assq 'a p)) (cdr (assq 'b p)))) '((a . 2) (b . 3))) ⇒ ((a . 3) (b . 2))
(define-record-type point (make-point x y) point? (x px) (y py)) (gradient (lambda (p) (* (px p) (py p))) (make-point 2 3)) ⇒ #(point 3 2)
(let ((h (make-hash-table))) (hash-set! h 'a 2) (hash-ref (gradient (lambda (t) (square (hash-ref t 'a))) h) 'a)) ⇒ 4
(gradient (lambda (p) (* (car p) (string-length (cadr p)))) '(2 "abc")) ⇒ (3 "abc")
(gradient (lambda (v) 5) #(1 2)) ⇒ #(0 0)
(gradient (lambda (v) 1/3) (tensor 1.0 2.0)) ⇒ #(0.0 0.0)
((jit (lambda (x) (list (gradient (lambda (x) 1/3) x) (derivative (lambda (x) (list (tensor-sum x) 1/3)) x)))) 2.0) ⇒ (0.0 (1.0 0.0))
(jacobian (lambda (v) (list 1/3 (tensor-sum v))) (tensor 1.0 2.0)) ⇒ #((0.0 0.0) (1.0 1.0))
(odeint (lambda (t y) 1/4) (tensor 1.0) '(0 1)) ⇒ #((1.0) (1.25))
(hessian (lambda (v) 5.0) #(1 2)) ⇒ #(#(0.0 0.0) #(0.0 0.0))
(vref (gradient (lambda (v) (vref (jacobian (lambda (w) (* w w)) v) 0 0)) (tensor 2.0 3.0)) 0) ⇒ 2.0
"""  # noqa: E501
SHOWN = [line.rpartition(" ⇒ ")[::2] for line in SEVERAL.strip().splitlines()]


@pytest.mark.parametrize("source, expected", SHOWN, ids=[source for source, _ in SHOWN])
def test_what_they_give(source, expected):
    assert write_string(Session().evaluate(source)) == expected


LOOP = "(let loop ((y v)) (if (< (tensor-sum y) 100) (loop (* y y)) y))"
THROUGH_LOOPS = {
    f"(jacobian (lambda (v) {LOOP}) v)": "#((17496.0 0.0) (0.0 1024.0))",
    f"(gradient (lambda (v) (tensor-sum {LOOP})) v)": "#(17496.0 1024.0)",
    f"(hessian (lambda (v) (tensor-sum {LOOP})) v)": "#((40824.0 0.0) (0.0 3584.0))",
    f"(cadr (vjp (lambda (v) {LOOP}) v #(1 2)))": "#(17496.0 2048.0)",
}


@pytest.mark.parametrize("call", THROUGH_LOOPS)
def test_compiled_loops_whose_end_is_traced(call):
    session = Session()
    for program in (f"((lambda (v) {call}) p)", f"((jit (lambda (v) {call})) p)"):
        result = session.evaluate(f"(define p (tensor 3.0 2.0)) {program}")
        assert write_string(result) == THROUGH_LOOPS[call]


COMPLEX = {
    "(derivative (lambda (x) (real-part (* x +i))) 2.0)": 0,
    "(derivative (lambda (x) (imag-part (* x x +i))) 3.0)": 6,
    "(derivative (lambda (x) (magnitude (make-rectangular x 4.0))) 3.0)": 0.6,
    "(derivative (lambda (x) (imag-part x)) 3)": 0,
    "(derivative (lambda (x) (magnitude x)) -3)": -1,
    "(gradient (lambda (x y) (magnitude (make-rectangular x y))) 3.0 4.0)": [0.6, 0.8],
    "(gradient (lambda (x y) (angle (make-rectangular x y))) 3.0 4.0)": [-0.16, 0.12],
    "(gradient (lambda (r t) (real-part (make-polar r t))) 2.0 0.5)": [
        math.cos(0.5),
        -2 * math.sin(0.5),
    ],
    "(gradient magnitude 3+4i)": 0.6 - 0.8j,
    "((jit (lambda (z) (gradient magnitude z))) 3+4i)": 0.6 - 0.8j,
    "((jit (lambda (z) (gradient square z))) 3+4i)": 6 + 8j,
    "((jit (lambda (x) (gradient (lambda (x) (* x x +i)) x))) 3.0)": 6j,
    "((jit (lambda (z) (hessian (lambda (z) (* z z z)) z))) 3+4i)": 18 + 24j,
    "(gradient (lambda (v) (tensor-sum (* v v))) (tensor 3+4i 1))": [6 + 8j, 2],
    "(gradient (lambda (v) (tensor-sum (* v v +i))) (tensor 3.0 1.0))": [6j, 2j],
    "(hessian (lambda (v) (tensor-sum (* v v v))) (tensor 3+4i 1))": [[18 + 24j, 0], [0, 6]],
    "((vmap (lambda (x) 1+2i)) (tensor 3.0 1.0))": [1 + 2j, 1 + 2j],
    "(gradient (lambda (x) (* x x (tensor-sum (ones 2)))) 1/2)": 2,
    "(cadr (gradient (lambda (p) (* (car p) (cadr p) (tensor-sum (ones 2)))) '(3 1/2)))": 6,
    "((vmap (lambda (x) (derivative (lambda (y) (/ y 2)) x))) (tensor 3.0 1.0))": [0.5, 0.5],
    "(jacobian (lambda (x y) (let ((z (square (make-rectangular x y))))"
    " (vector (real-part z) (imag-part z)))) 3.0 4.0)": [[6, -8], [8, 6]],
    "(hessian (lambda (x y) (real-part (square (make-rectangular x y)))) 3.0 4.0)": [
        [2, 0],
        [0, -2],
    ],
    "(cadr (vjp (lambda (x y) (magnitude (make-rectangular x y))) #(3.0 4.0) 2.0))": [1.2, 1.6],
    "(derivative (lambda (t) (gradient (lambda (x) (magnitude (make-rectangular x t))) 3)) 4.0)": (
        -12 / 125
    ),
}


@pytest.mark.parametrize("source", COMPLEX)
def test_complex_numbers_on_the_way(source):
    assert np.allclose(np.asarray(Session().evaluate(source), complex), COMPLEX[source])


# ---- kinks

KINKS = {
    "(abs x)": 0.0,
    "(max x 0.0)": 1.0,
    "(max 0.0 x)": 0.0,
    "(min x 0.0)": 1.0,
    "(floor (+ x 0.5))": 0.0,
    "(round x)": 0.0,
    "(sqrt x)": float("inf"),
    "(if (> x 0) x (* 2 x))": 2.0,
}


@pytest.mark.parametrize("body", KINKS)
@pytest.mark.parametrize(
    "call",
    [
        "(derivative f 0.0)",
        "(gradient f 0.0)",
        "(jacobian f 0.0)",
        "(directional-derivative f 0.0 1.0)",
        "(cadr (vjp f 0.0 1.0))",
        "((jit (lambda (x) (derivative f x))) 0.0)",
        "((jit (lambda (x) (gradient f x))) 0.0)",
    ],
)
def test_kinks(call, body):
    assert float(Session().evaluate(f"(define (f x) {body}) {call}")) == KINKS[body]


THREE_SLOPES = {
    ("(expt x 3.0)", -1.0): [3.0, -6.0, 6.0],
    ("(expt x 2.0)", 0.0): [0.0, 2.0, 0.0],
    ("(expt x 1.0)", 0.0): [1.0, 0.0, 0.0],
    ("(expt x x)", 1.0): [1.0, 2.0, 3.0],
    ("(* x (abs x))", 0.0): [0.0, 0.0, 0.0],
    ("(* x (max x 0.0))", 0.0): [0.0, 2.0, 0.0],
    ("(atan2 2.0 x)", 0.0): [-0.5, 0.0, 0.25],
    ("(atan2 x 0.0)", 2.0): [0.0, 0.0, 0.0],
    ("(angle (make-rectangular x 2.0))", 0.0): [-0.5, 0.0, 0.25],
}


@pytest.mark.parametrize("body, x", THREE_SLOPES)
@pytest.mark.parametrize(
    "call",
    [
        "(map (lambda (n) (derivative-n f x n)) '(1 2 3))",
        "((jit (lambda (x) (map (lambda (n) (derivative-n f x n)) '(1 2 3)))) x)",
        "((jit (lambda (x) (let ((d (derivative f)))"
        " (list (d x) (derivative d x) ((derivative (derivative d)) x))))) x)",
        "(let ((g (lambda (x) (f (tensor-ref (* x (ones 1)) 0)))))"
        " (list (derivative g x) (hessian g x) ((derivative (derivative (gradient g))) x)))",
    ],
)
def test_slopes_of_all_orders_where_jax_has_others(call, body, x):
    source = f"(define x {x}) (define (f x) {body}) {call}"
    assert [float(number) for number in Session().evaluate(source)] == THREE_SLOPES[body, x]


POLES = {
    "(jacobian (lambda (a b) (list (* a (sqrt b)) (/ a b))) x 0.0)": (
        "(#(0.0 +inf.0) #(+inf.0 -inf.0))"
    ),
    "(hessian (lambda (a b) (/ a b)) x 0.0)": "#(#(0.0 -inf.0) #(-inf.0 +inf.0))",
    "(hessian (lambda (a b) (* a (log b))) x 0.0)": "#(#(0.0 +inf.0) #(+inf.0 -inf.0))",
    "(laplacian (lambda (a b) (* a (sqrt b))) x 0.0)": "-inf.0",
    "(mixed-partial (lambda (a b) (* a (sqrt b))) (list x 0.0) '(0 1))": "+inf.0",
    "(divergence (lambda (a b) (list (/ a b) (sqrt b))) x 0.0)": "+inf.0",
}


@pytest.mark.parametrize("call", POLES)
def test_numbers_that_do_not_vary_add_nothing_at_poles(call):
    for program in (f"(let ((x 1.0)) {call})", f"((jit (lambda (x) {call})) 1.0)"):
        assert write_string(Session().evaluate(program)) == POLES[call]


EMPTY = {
    "(jacobian (lambda (v) (* v 2)) p)": "(0 0)",
    "(jacobian (lambda (v) (zeros 0 3)) (ones 2))": "(0 3 2)",
    "(hessian (lambda (v) (tensor-sum (* v v))) p)": "(0 0)",
    "(gradient (lambda (v) (tensor-sum (* v v))) p)": "(0)",
    "(cadr (jvp square p p))": "(0)",
    "(divergence square p)": "()",
    "(laplacian (lambda (v) (tensor-sum (* v v))) p)": "()",
}


@pytest.mark.parametrize("call", EMPTY)
def test_points_and_values_without_numbers(call):
    for program in (f"(let ((p (zeros 0))) {call})", f"((jit (lambda (p) {call})) (zeros 0))"):
        assert write_string(Session().evaluate(f"(tensor-shape {program})")) == EMPTY[call]
    assert Session().evaluate("(null? (jacobian (lambda (v) '()) (ones 2)))")


# ---- what it costs


def test_on_numbers_no_tensor_library_is_loaded():
    lines = [
        source
        for source, _ in SHOWN
        if not any(word in source for word in ("tensor", "matmul", "ones"))
    ]
    code = (
        "import sys; from eshkol.session import Session\n"
        f"for source in {lines!r}: Session().evaluate(source)\n"
        "print(sorted({'jax', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
    assert len(lines) > 30


def test_the_procedure_is_called_once():
    for call in ["(jacobian f #(1 2 3))", "(hessian f #(1 2 3))", "(vjp f #(1 2 3))"]:
        session = Session()
        session.evaluate("(define n 0) (define (f x y z) (set! n (+ n 1)) (* x y z))")
        session.evaluate(call)
        assert session.evaluate("n") == 1

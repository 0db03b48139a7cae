"""Every operator at a scalar point and curl, however point and procedure are written."""

from __future__ import annotations

import pytest

from eshkol.datum.write import write_string
from eshkol.session import Session

# Of x³ at 3, along 10.
OPERATORS = {
    "(derivative f p)": "27",
    "((derivative f) p)": "27",
    "((D f) p)": "27",
    "(derivative (derivative f) p)": "18",
    "((derivative (derivative (derivative f))) p)": "6",
    "(gradient f p)": "27",
    "((gradient f) p)": "27",
    "(gradient (derivative f) p)": "18",
    "(value-and-gradient f p)": "(27 27)",
    "(jacobian f p)": "27",
    "((jacobian f) p)": "27",
    "(hessian f p)": "18",
    "((hessian f) p)": "18",
    "(laplacian f p)": "18",
    "(divergence f p)": "27",
    "(jvp f p 10)": "(27 270)",
    "((jvp f) p 10)": "(27 270)",
    "(directional-derivative f p 10)": "270",
    "(cadr (vjp f p 2))": "54",
    "((cadr (vjp f p)) 2)": "54",
    "(hvp f p 10)": "180",
    "(derivative-n f p 2)": "18",
    "((derivative-n f) p 3)": "6",
    "(taylor f p 4)": "(27 27 9 1 0)",
    "((taylor-series f p 3) 5)": "125",
    "(mixed-partial f p '(0 0))": "18",
    "(gradient-n f p 2)": "(((2) . 18))",
}
POINTS = {"exact": "3", "inexact": "3.0", "rank 0": "(tensor-sum (tensor 3.0))"}
BINDINGS = {
    "literal": "(define (run) {literal})",
    "variable": "(define p {point}) (define (run) {call})",
    "captured": "(define run (let ((p {point})) (lambda () {call})))",
    "parameter": "(define (go p) {call}) (define (run) (go {point}))",
}
PROCEDURES = {
    "lambda": "(define f (lambda (x) (* x x x)))",
    "named": "(define (f x) (define y (* x x)) (* x y))",
    "curried": "(define (make k) (lambda (x) (* k x x x))) (define f (make 1))",
    "optional": "(define (f x [k 1]) (* k x x x))",
    "variadic": "(define (f . xs) (apply * (append xs xs xs)))",
    "primitive": "(define f cube)",
}
CASES = [
    pytest.param(point, binding, procedure, marks=[pytest.mark.slow] if point == "rank 0" else [])
    for point in POINTS
    for binding in BINDINGS
    for procedure in PROCEDURES
    # For tensors, whose derivatives take longer, one way to write it.
    if point != "rank 0" or (binding, procedure) == ("variable", "named")
]


@pytest.mark.parametrize("point, binding, procedure", CASES)
def test_operators_at_a_scalar(point, binding, procedure):
    session = Session()
    session.evaluate(PROCEDURES[procedure])
    for call, expected in OPERATORS.items():
        words = {"point": POINTS[point], "call": call}
        literal = call.replace(" p", f" {POINTS[point]}")
        session.evaluate(BINDINGS[binding].format(**words, literal=literal))
        found = session.evaluate("(run)")
        shown = write_string(found)
        if point != "exact":
            assert "." in shown, call
            shown = shown.replace(".0", "").replace("#(", "(")
        assert shown == expected, call


FIELD = "(* y z)", "(* x x)", "(* x y)"
TRIPLES = {
    "list": ("(list 1 2 3)", "(1 0 -1)"),
    "vector": ("(vector 1 2 3)", "#(1 0 -1)"),
    "tensor": ("(tensor 1.0 2.0 3.0)", "#(1.0 0.0 -1.0)"),
    "nested": ("(list 1 (vector 2 3))", "(1 #(0 -1))"),
}
FIELDS = {
    "lambda": "(define f (lambda (p) (let ((x {x}) (y {y}) (z {z})) (vector {field}))))",
    "named": "(define (f p) (define x {x}) (define y {y}) (define z {z}) (vector {field}))",
    "curried": "(define (make k) (lambda (p) (let ((x {x}) (y {y}) (z {z})) (vector {field}))))"
    "(define f (make 1))",
    "spread": "(define (f x y z) (vector {field}))",
    "variadic": "(define (f . p) (let ((x (car p)) (y (cadr p)) (z (caddr p))) (vector {field})))",
}
ACCESS = {
    "list": ("(car p)", "(cadr p)", "(caddr p)"),
    "nested": ("(car p)", "(vref (cadr p) 0)", "(vref (cadr p) 1)"),
}


# Only a flat list or vector of numbers is spread.
FLAT = [
    (form, procedure)
    for form in TRIPLES
    for procedure in FIELDS
    if form in ("list", "vector") or procedure not in ("spread", "variadic")
]


@pytest.mark.parametrize("form, procedure", FLAT)
def test_curl_at_points(form, procedure):
    point, expected = TRIPLES[form]
    x, y, z = ACCESS.get(form, ("(vref p 0)", "(vref p 1)", "(vref p 2)"))
    session = Session()
    session.evaluate(FIELDS[procedure].format(x=x, y=y, z=z, field=" ".join(FIELD)))
    for binding in BINDINGS.values():
        literal = f"(curl f {point})"
        session.evaluate(binding.format(point=point, call="((curl f) p)", literal=literal))
        assert write_string(session.evaluate("(run)")) == expected

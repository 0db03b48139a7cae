"""Updates in place: what variables and vectors hold then, and what optimizer steps compute."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tensor_laws import SCHEME

from eshkol.base.errors import EshkolError
from eshkol.datum.values import Vector
from eshkol.datum.write import write_string
from eshkol.expand.in_place import PLACES
from eshkol.primitives.declare import PRIMITIVES
from eshkol.primitives.in_place import update_variables
from eshkol.session import Session

UPDATES = [
    ("(let ((t (zeros 2 2))) (tensor-set! t 0 1 9.5) t)", "#((0.0 9.5) (0.0 0.0))"),
    ("(let ((t (zeros 2 2))) (tensor-set! t '(0 1) 9.5) t)", "#((0.0 9.5) (0.0 0.0))"),
    ("(let ((t (zeros 2 2))) (tensor-set! t 3 9.5) t)", "#((0.0 0.0) (0.0 9.5))"),
    ("(let ((t (zeros 2 2))) (tensor-set! t 1 #(7 8)) t)", "#((0.0 0.0) (7.0 8.0))"),
    ("(let ((t (zeros 2 2))) (tensor-set! t '(: 0) #(7 8)) t)", "#((7.0 0.0) (8.0 0.0))"),
    ("(let ((t (zeros 2 2))) (tensor-set! t '(-1) 5) t)", "#((0.0 0.0) (5.0 5.0))"),
    ("(let ((t (zeros 2))) (tensor-set! t #(7 8)) t)", "#(7.0 8.0)"),
    ("(let* ((t (zeros 2)) (u t)) (tensor-set! t 0 1) (list t u))", "(#(1.0 0.0) #(0.0 0.0))"),
    ("(let* ((t (vector 0 0)) (u t)) (tensor-set! t 0 'a) (list t u))", "(#(a 0) #(a 0))"),
    ("(let ((m (vector (vector 1 2) (vector 3 4)))) (tensor-set! m 1 0 7) m)", "#(#(1 2) #(7 4))"),
    ("(let ((m (vector (vector 1 2) (vector 3 4)))) (tensor-set! m 2 7) m)", "#(#(1 2) #(7 4))"),
    ("(let ((m (vector (vector 1 2) (vector 3 4)))) (tensor-set! m 1 '(7 8)) m)",
     "#(#(1 2) #(7 8))"),
    ("(let ((m (vector 1 2))) (tensor-set! m #(7 8)) m)", "#(7.0 8.0)"),
    ("(define w (zeros 2)) (define (f) (tensor-set! w 0 5)) (f) w", "#(5.0 0.0)"),
    ("(let ((t (zeros 2))) (define (f) (add! t 1)) (f) (f) t)", "#(2.0 2.0)"),
    ("(define (f v) (tensor-set! v 0 1.0)) (define v (vector 0 0)) (f v) v", "#(1.0 0)"),
    ("(let loop ((t (zeros 3)) (i 0)) (if (= i 3) t (begin (tensor-set! t i i) (loop t (+ i 1)))))",
     "#(0.0 1.0 2.0)"),
    ("(do ((i 0 (+ i 1)) (t (zeros 3))) ((= i 3) t) (tensor-set! t i i))", "#(0.0 1.0 2.0)"),
    ("(let ((v (vector (vector 1.0) (vector 2.0)))) (for-each zero-grad! (vector->list v)) v)",
     "#(#(0.0) #(0.0))"),
    ("(let ((t (ones 2))) (tensor-add! t #(1 2)) (tensor-sub! t 1) (tensor-mul! t 3) (div! t 2) t)",
     "#(1.5 3.0)"),
    ("(let ((v (vector 1 2))) (scale! v 0.1) v)", "#(0.1 0.2)"),
    ("(let ((g (list (ones 2) (ones 3)))) (tensor-scale! g 0.5) g)", "(#(0.5 0.5) #(0.5 0.5 0.5))"),
    ("(let ((g (list (ones 2) (ones 2)))) (tensor-div! g 2))", "(#(0.5 0.5) #(0.5 0.5))"),
    ("((jit (lambda (x) (let ((g (list x (cons x 2)))) (tensor-scale! g 3) g))) (ones 1))",
     "(#(3.0) (#(3.0) . 2))"),
    ("(let ((w (variable (ones 2)))) (tensor-scale! (list w (variable (ones 1))) 4) w)",
     "#<variable #(4.0 4.0)>"),
    ("(let ((x 1/2)) (add! x 2) x)", "5/2"),
    ("(let ((x 3)) (add! x 0.5) x)", "3.5"),
    ("((jit (lambda (n) (let ((x n)) (add! x 0.5) x))) 3)", "3.5"),
    ("(let ((t (arange 3))) (tensor-add! t #(1 2 3)) (tensor-axpy! t 2 '(1 1 1)) t)", "#(3 5 7)"),
    ("(let ((t (arange 3))) (tensor-set! t 0 7.0) (tensor-set! t '(1:) #(8 9)) t)", "#(7 8 9)"),
    ("(let ((v (variable (arange 2)))) (variable-set! v #(5 6)) v)", "#<variable #(5 6)>"),
    ("(let ((y (ones 2))) (tensor-axpy! y 2 y) y)", "#(3.0 3.0)"),
    ("(let ((t (zeros 3))) (tensor-scatter! t '(2 0) #(7 8) 0) t)", "#(8.0 0.0 7.0)"),
    ("(let ((t (zeros 2)) (u 0)) (set! u (tensor-set! t 0 1)) u)", "#(1.0 0.0)"),
    ("(define (tensor-set! a b) (list a b)) (define w (zeros 1)) (list (tensor-set! w 2) w)",
     "((#(0.0) 2) #(0.0))"),
    ("(let ((tensor-set! list) (x 1)) (tensor-set! x 2) x)", "1"),
    ("(define w (zeros 1)) (define (f) (add! w 2)) (define (add! a b) (list a b)) (list (f) w)",
     "((#(0.0) 2) #(0.0))"),
    ("(let ((p (vector 1.0 2.0))) (list (eq? p (sgd-step p #(1.0 1.0) 0.1)) p))",
     "(#t #(0.9 1.9))"),
    ("(let ((p (ones 2)) (v (zeros 2))) (sgd-step! p (ones 2) 0.5 0.5 v) (list p v))",
     "(#(0.5 0.5) #(1.0 1.0))"),
    ("(sgd-step (ones 2) (ones 2) 0.5)", "#(0.5 0.5)"),
    ("(map (lambda (p g) (sgd-step p g 0.5)) (list (ones 1)) (list (ones 1)))", "(#(0.5))"),
    ("(let ((g (list (tensor 3.0) (tensor 4.0)))) (list (clip-grad-norm! g 2.5) g))",
     "(5.0 (#(1.5) #(2.0)))"),
    ("(let ((g (tensor 3.0 4.0))) (list (clip-grad-norm! g 9) g))", "(5.0 #(3.0 4.0))"),
    ("(let ((g (zeros 2))) (list (clip-grad-norm! g 1) g))", "(0.0 #(0.0 0.0))"),
    ("(let ((g (list (ones 2) 'a))) (zero-grad! g) g)", "(#(0.0 0.0) a)"),
    ("(check-grad-health (list (tensor 1.0 +inf.0) (tensor -inf.0 +nan.0)))", "3"),
    ("(check-grad-health #(1 2.5))", "0"),
]  # fmt: skip


@pytest.mark.parametrize("engine", [None, "cek"], ids=["compiled", "cek"])
@pytest.mark.parametrize(("program", "expected"), UPDATES, ids=range(len(UPDATES)))
def test_updates(program, expected, engine):
    assert write_string(Session(engine=engine).evaluate(program)) == expected


STAGED = [
    ("(let ((y x)) (tensor-set! y 0 5.0) y)", "#(5.0 2.0)"),
    ("(let ((y x)) (if (> (tensor-sum x) 0.0) (tensor-set! y 0 5.0)) y)", "#(5.0 2.0)"),
    ("(let ((v (vector 1 2))) (tensor-set! v 0 (tensor-sum x)) (tensor-add! v 1) v)", "#(4.0 3.0)"),
    ("(let ((v (vector 0.0 0.0))) (if (> (tensor-sum x) 0.0) (tensor-set! v 0 5.0)) v)",
     "#(5.0 0.0)"),
    ("(do ((i 0 (+ i 1)) (t (zeros 40))) ((= i 40) (slice t 37 40)) (tensor-set! t i (* 2.0 i)))",
     "#(74.0 76.0 78.0)"),
    ("(let ((p x) (m (zeros 2)) (v (zeros 2))) (adam-step p (ones 2) 0.5 m v 1) p)", "#(0.5 1.5)"),
    ("(let ((g x)) (zero-grad! g) g)", "#(0.0 0.0)"),
    ("(check-grad-health x)", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), STAGED, ids=range(len(STAGED)))
def test_updates_in_compiled_code(body, expected):
    program = f"((jit (lambda (x) {body})) (tensor 1.0 2.0))"
    assert write_string(Session().evaluate(program)) == expected


def test_slopes_go_through_updates():
    session = Session()
    program = "(let ((y (* 1.0 x))) (tensor-set! y 0 (* 3 (vref y 1))) (tensor-sum (* y y)))"
    for procedure in (f"(lambda (x) {program})", f"(jit (lambda (x) {program}))"):
        slopes = session.evaluate(f"(gradient {procedure} (tensor 1.0 2.0))")
        np.testing.assert_allclose(slopes, [0, 40])


def test_every_place_of_the_table_is_a_parameter():
    for name, places in PLACES.items():
        parameters = list(PRIMITIVES[name].signature.parameters)
        assert max(places) < len(parameters)


# ---- what the steps compute


def descend(name, rate, *rest, steps=5):
    """Parameters after steps on the slopes of x³, and the state."""
    p, state = jnp.asarray([1.0, -2.0, 0.5]), [jnp.zeros(3) for _ in rest[0]]
    for step in range(1, steps + 1):
        fill = dict(zip(rest[0], state, strict=True)) | {"t": step}
        arguments = [fill.get(x, x) if isinstance(x, str) else x for x in rest[1]]
        mask = sum(1 << place for place in PLACES[name])
        _, p, *state = update_variables(SCHEME[name], mask, p, 3 * p * p, rate, *arguments)
    return np.asarray(p)


OPTIMIZERS = [
    ("sgd-step", ((), ()), optax.sgd(0.01)),
    ("sgd-step", (("v",), (0.9, "v")), optax.sgd(0.01, momentum=0.9)),
    ("adam-step", (("m", "v"), ("m", "v", "t")), optax.adam(0.01)),
    ("adam-step", (("m", "v"), ("m", "v", "t", 0.8, 0.9, 1e-3)), optax.adam(0.01, 0.8, 0.9, 1e-3)),
    ("adamw-step", (("m", "v"), ("m", "v", "t")), optax.adamw(0.01, weight_decay=0.01)),
    (
        "adamw-step",
        (("m", "v"), ("m", "v", "t", 0.9, 0.99, 1e-6, 0.2)),
        optax.adamw(0.01, 0.9, 0.99, 1e-6, weight_decay=0.2),
    ),
    ("rmsprop-step", (("v",), ("v",)), optax.rmsprop(0.01, 0.99, 1e-8, eps_in_sqrt=False)),
    ("rmsprop-step", (("v",), ("v", 0.9, 1e-4)), optax.rmsprop(0.01, 0.9, 1e-4, eps_in_sqrt=False)),
]


@pytest.mark.parametrize(("name", "arguments", "reference"), OPTIMIZERS, ids=range(len(OPTIMIZERS)))
def test_steps_are_those_of_optax(name, arguments, reference):
    p = jnp.asarray([1.0, -2.0, 0.5])
    state = reference.init(p)
    for _ in range(5):
        updates, state = reference.update(3 * p * p, state, p)
        p = optax.apply_updates(p, updates)
    np.testing.assert_allclose(descend(name, 0.01, *arguments), p, rtol=1e-5)


def test_adagrad():
    p, total = np.array([1.0, -2.0, 0.5]), np.zeros(3)
    for _ in range(5):
        g = 3 * p * p
        total += g * g
        p = p - 0.01 * g / (np.sqrt(total) + 1e-8)
    np.testing.assert_allclose(descend("adagrad-step", 0.01, ("a",), ("a",)), p, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_steps_keep_the_dtype(dtype):
    with jax.enable_x64(True):
        p, g = jnp.ones(2, dtype), jnp.ones(2, dtype)
    assert SCHEME["sgd-step"](p, g, 0.1).dtype == dtype


# ---- initial weights


@pytest.mark.parametrize(
    ("name", "fans", "variance", "limit"),
    [
        ("xavier-uniform!", (300, 100), 2 / 400, math.sqrt(6 / 400)),
        ("xavier-normal!", (300, 100), 2 / 400, math.inf),
        ("kaiming-uniform!", (300,), 2 / 300, math.sqrt(6 / 300)),
        ("kaiming-normal!", (300,), 2 / 300, math.inf),
        ("lecun-normal!", (300,), 1 / 300, math.inf),
    ],
)
def test_initial_weights(name, fans, variance, limit):
    program = f"(rng-seed 1) (define w (zeros 300 100)) ({name} w {' '.join(map(str, fans))}) w"
    weights = np.asarray(Session().evaluate(program))
    assert (weights.shape, weights.dtype) == ((300, 100), "float32")
    assert abs(weights).max() <= limit
    assert weights.mean() == pytest.approx(0, abs=4 * math.sqrt(variance / weights.size))
    assert weights.var() == pytest.approx(variance, rel=0.05)
    vector = Vector([0.0, 0.0])
    assert SCHEME[name](vector, *fans) is vector
    assert all(isinstance(x, float) and x for x in vector)


LOST = "is no variable or vector, so its update would be lost"
BAD = [
    ("(define (f t) (tensor-set! t 0 1.0)) (f (zeros 2))", f"tensor-set!: f32[2] {LOST}"),
    ("(tensor-set! (car (list (zeros 2))) 0 1.0)", f"tensor-set!: f32[2] {LOST}"),
    ("(for-each zero-grad! (list (zeros 2)))", f"zero-grad!: f32[2] {LOST}"),
    ("(let ((p (ones 2))) (adam-step p p 0.1 (zeros 2) (zeros 2) 1))", f"adam-step: f32[2] {LOST}"),
    ("(let ((t (zeros 2 3))) (tensor-set! t 9 9 1.0))", "tensor-set!: index 9 is out of range"),
    ("(let ((t (vector 1))) (tensor-set! t 9 1.0))",
     "tensor-set!: index 9 is out of range for #(1)"),
    ("(let ((t (vector 1))) (tensor-set! t -1 1.0))", "tensor-set!: index -1 is out of range"),
    ("(let ((t (vector 1))) (tensor-set! t 0 0 1.0))", "tensor-set!: more indices than axes"),
    ("(let ((t (vector 1))) (tensor-set! t #(1 2)))", "expected a value of shape [1]"),
    ("(let ((m (vector (vector 1 2)))) (tensor-set! m 0 #(7 8 9)))",
     "#(7 8 9) does not fit into #(1 2)"),
    ("(let ((t (zeros 2))) (tensor-set! t))",
     "tensor-set!: expected indices and a value, got none"),
    ("(tensor-set!)", "tensor-set! takes at least 1 argument, got 0"),
    ("(let ((t (zeros 2))) (tensor-add! t (ones 3 2)))",
     "tensor-add!: the result f32[3,2] would not"),
    ("(let ((t (zeros 2))) (tensor-add! t 'a))", "expected a tensor or a number, got a"),
    ("(let ((p (ones 2))) (sgd-step p (ones 3) 0.1))", "the gradients f32[3]"),
    ("(let ((p (ones 2))) (sgd-step p p 0.1 0.9))", "sgd-step: momentum needs a velocity to keep"),
    ("(let ((p (ones 2))) (sgd-step p p #(1 2)))",
     "sgd-step: expected a number as rate, got #(1 2)"),
    ("(adam-step #(1.0) #(1.0) 0.1 #(0.0) #(0.0) 0)", "from 1 on, got 0"),
    ("(adam-step #(1.0) #(1.0) 0.1)", "adam-step takes 6 to 9 arguments, got 3"),
    ("(let ((g (ones 2))) (clip-grad-norm! g 0))", "expected a limit greater than 0, got 0"),
    ("(check-grad-health '(a b))", "check-grad-health: expected tensors, got (a b)"),
    ("(let ((w (zeros 2))) (xavier-uniform! w 'a 2))", "xavier-uniform!: expected a number as fan"),
    ("(let ((w (zeros 2))) (lecun-normal! w 0))", "lecun-normal!: expected a fan greater than 0"),
    ("(define w (zeros 2)) ((jit (lambda (x) (add! w x))) 1.0)",
     "the top-level variable w can't be"),
    ("((jit (lambda (v) (tensor-set! v 0 1.0))) (vector 1.0))",
     "was given to the compiled procedure"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "message"), BAD, ids=range(len(BAD)))
def test_bad_updates(program, message):
    with pytest.raises(EshkolError) as caught:
        Session().evaluate(program)
    assert message in str(caught.value)

"""``ek.grad`` and its kin, ``ek.vmap``, ``ek.tree``, and Scheme procedures in the hands of JAX."""

from __future__ import annotations

import inspect
import math
import traceback
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eshkol as ek
from eshkol.datum.write import write_string
from programs import our_frames
from programs import value as scheme

# ---- derivatives

GRADIENTS = {
    "text": ("(lambda (x) (* x x x))", (2.0,), 0, 12.0),
    "exact": ("(lambda (x) (* x x x))", (2,), 0, 12),
    "a fraction": ("(lambda (x) (* x x))", (Fraction(1, 3),), 0, Fraction(2, 3)),
    "the second argument": ("(lambda (x y) (* x x y))", (3.0, 2.0), 1, 9.0),
    "the last argument": ("(lambda (x y) (* x x y))", (3.0, 2.0), -1, 9.0),
    "two arguments": ("(lambda (x y) (* x x y))", (3.0, 2.0), (0, 1), (12.0, 9.0)),
    "one argument of a list": ("(lambda (x y) (* x x y))", (3.0, 2.0), [1], (9.0,)),
    "through a loop": (
        "(lambda (x n) (do ((i 0 (+ i 1)) (p 1 (* p x))) ((= i n) p)))",
        (2.0, 3),
        0,
        12.0,
    ),
    "through a branch": ("(lambda (x) (if (> x 0) (* x x) 0))", (3.0,), 0, 6.0),
    "a tensor": (
        "(lambda (x) (tensor-sum (* x x)))",
        (np.array([1, 2], np.float32),),
        0,
        np.array([2, 4], np.float32),
    ),
    "a vector": (
        "(lambda (v) (* (vector-ref v 0) (vector-ref v 1)))",
        (scheme("(vector 2.0 3.0)"),),
        0,
        [3.0, 2.0],
    ),
    "a list": ("(lambda (p) (* (car p) (cadr p)))", (scheme("(list 2.0 3.0)"),), 0, "(3.0 2.0)"),
    "a Python function": (lambda x: jnp.sum(x**3), (np.array([1.0, 2.0]),), 0, np.array([3, 12.0])),
    "a dictionary": (lambda p: p["a"] * p["b"], ({"a": 2.0, "b": 3.0},), 0, {"a": 3.0, "b": 2.0}),
    "a jitted procedure": (ek.jit("(lambda (x) (* x x x))"), (2.0,), 0, 12.0),
    "a gradient": (ek.grad("(lambda (x) (* x x x))"), (2.0,), 0, 12.0),
    "a primitive": (scheme("sin"), (0.5,), 0, math.cos(0.5)),
}


def same(result, value):
    if isinstance(value, str):
        return write_string(result) == value
    if isinstance(value, np.ndarray):
        return np.allclose(result, value, rtol=1e-6)
    if isinstance(value, dict):
        return result.keys() == value.keys() and all(same(result[k], value[k]) for k in value)
    if isinstance(value, tuple):
        return isinstance(result, tuple) and all(map(same, result, value))
    return result == pytest.approx(value)


@pytest.mark.parametrize("title", GRADIENTS)
def test_grad(title):
    function, arguments, argnums, value = GRADIENTS[title]
    assert same(ek.grad(function, argnums)(*arguments), value)
    run = ek.value_and_grad(function, argnums)
    procedure = scheme(function) if isinstance(function, str) else function
    result, gradient = run(*arguments)
    assert same(gradient, value)
    assert float(result) == pytest.approx(float(procedure(*arguments)))


@pytest.mark.parametrize(
    "title", [t for t, row in GRADIENTS.items() if row[1][0].__class__ is float]
)
def test_jit_of_grad_is_grad(title):
    function, arguments, argnums, value = GRADIENTS[title]
    jitted = ek.jit(ek.grad(function, argnums))
    assert np.allclose(np.asarray(jitted(*arguments)), value)


def test_exact_gradients_are_exact():
    assert ek.grad("(lambda (x) (* x x x))")(2).__class__ is int
    assert ek.grad("(lambda (x) (/ x 3))")(Fraction(1, 2)) == Fraction(1, 3)


def test_grad_of_keyword_arguments():
    assert ek.grad("(define (f x (y 5.0)) (* x x y))")(3.0) == 30.0
    assert ek.grad("(define (f x (y 5.0)) (* x x y))")(3.0, y=2.0) == 12.0


def test_grad_with_more_results():
    gradient, more = ek.grad("(lambda (x) (list (* x x) 'more))", has_aux=True)(3.0)
    assert (gradient, str(more)) == (6.0, "more")
    exact = "(lambda (x) (list (expt x 30) (list x 'more)))"
    (value, more), gradient = ek.value_and_grad(exact, has_aux=True)(7)
    assert (value, more.car, gradient) == (7**30, 7, 30 * 7**29)
    (value, more), gradient = ek.value_and_grad(lambda x: (x * x, {"x": x}), has_aux=True)(3.0)
    assert (float(value), float(more["x"]), float(gradient)) == (9.0, 3.0, 6.0)


def test_grad_of_a_model():
    make = scheme("(define (make w b) (lambda (x) (+ (* w x) b))) make")
    model = make(np.ones(2, np.float32), np.zeros(2, np.float32))
    gradient = ek.grad("(lambda (model x) (tensor-sum (model x)))")(model, 3.0)
    assert callable(gradient)
    assert np.allclose(gradient(1.0), [4, 4])  # 3 for each weight, 1 for each bias
    assert np.allclose(jax.tree.leaves(ek.tree(gradient)), [[1, 1], [3, 3]])  # b and w


def test_names_of_derivatives():
    f = scheme('(define (area r) "Of a circle." (* pi r r)) area')
    assert ek.grad(f).__name__ == ek.value_and_grad(f).__name__ == ek.vmap(f).__name__ == "area"
    assert ek.grad(f).__doc__ == "The gradient of area."
    assert str(inspect.signature(ek.grad(f))) == "(r)"


GRAD_ERRORS = {
    "an index too many": (lambda f: ek.grad(f, 2)(1.0, 2.0), "argnums has 2, there are 2 arg"),
    "an index too few": (lambda f: ek.grad(f, -3)(1.0, 2.0), "argnums has -3, there are 2 arg"),
    "a word": (lambda f: ek.grad(f, "x"), "expected an index or several as argnums, got 'x'"),
    "nothing": (lambda f: ek.grad(f, ()), r"expected an index or several as argnums, got \(\)"),
    "a truth value": (lambda f: ek.grad(f, True), "expected an index or several"),
    "no procedure": (lambda f: ek.grad(1), "grad: expected a procedure or Scheme text, got 1"),
    "no number": (lambda f: ek.grad(f)("a", 1.0), 'grad: nothing to differentiate in "a"'),
    "no second number": (
        lambda f: ek.grad(f, (0, 1))(1.0, "a"),
        'grad: nothing to differentiate in "a"',
    ),
    "a tensor as result": (
        lambda f: ek.grad(f)(np.ones(3, np.float32), 1.0),
        r"grad is defined for procedures that give one number, got f32\[3\]",
    ),
    "too few arguments": (lambda f: ek.grad(f)(1.0), "f takes 2 arguments, got 1"),
    "too many arguments": (lambda f: ek.grad(f)(1.0, 2.0, 3.0), "f takes 2 arguments, got 3"),
    "too many for tensors": (
        lambda f: ek.value_and_grad(f)(np.ones(3, np.float32), 2.0, 3.0),
        "f takes 2 arguments, got 3",
    ),
    "an unknown keyword": (lambda f: ek.grad(f)(1.0, z=2.0), "f has no keyword argument #:z"),
}


@pytest.mark.parametrize("title", GRAD_ERRORS)
def test_grad_errors(title):
    run, message = GRAD_ERRORS[title]
    with pytest.raises(ek.EshkolError, match=message) as caught:
        run(scheme("(define (f x y) (* x y)) f"))
    assert not our_frames(caught.value)


# ---- vmap

X = np.arange(6, dtype=np.float32).reshape(2, 3)

MAPPED = {
    "rows": ("(lambda (x) (tensor-sum x))", (X,), {}, X.sum(1)),
    "columns": ("(lambda (x) (tensor-sum x))", (X,), {"in_axes": 1}, X.sum(0)),
    "from behind": ("(lambda (x) (tensor-sum x))", (X,), {"in_axes": -1}, X.sum(0)),
    "one axis for each": ("(lambda (x y) (* x y))", (X, X.T), {"in_axes": (0, 1)}, X * X),
    "not all": ("(lambda (x y) (* x y))", (X, X[0]), {"in_axes": (0, None)}, X * X[0]),
    "axes of the parts of a dictionary": (
        lambda p: p["x"] * p["y"],
        ({"x": X, "y": X[0]},),
        {"in_axes": ({"x": 0, "y": None},)},
        X * X[0],
    ),
    "numbers are the same": ("(lambda (x y) (* x y))", (X, 2.0), {}, X * 2),
    "where the result goes": ("(lambda (x) (* 2 x))", (X,), {"out_axes": 1}, 2 * X.T),
    "a traced condition": (
        "(lambda (x) (if (> x 1) x (- x)))",
        (X[0],),
        {},
        np.array([0, -1, 2], np.float32),
    ),
    "a loop that ends when it will": (
        "(lambda (x) (let loop ((x x)) (if (< x 10) (loop (+ x 4)) x)))",
        (X[1],),
        {},
        np.array([11, 12, 13], np.float32),
    ),
    "a Python function": (lambda x: jnp.cumsum(x), (X,), {}, X.cumsum(1)),
    "a gradient": (ek.grad("(lambda (x) (* x x x))"), (X[0],), {}, 3 * X[0] ** 2),
    "a jitted procedure": (ek.jit("(lambda (x) (tensor-sum x))"), (X,), {}, X.sum(1)),
    "twice": (ek.vmap("(lambda (x) (* x x))"), (X,), {}, X * X),
}


@pytest.mark.parametrize("title", MAPPED)
def test_vmap(title):
    function, arguments, options, value = MAPPED[title]
    mapped = ek.vmap(function, **options)
    assert np.allclose(mapped(*arguments), value)
    assert np.allclose(ek.jit(mapped)(*arguments), value)


def test_vmap_of_keyword_arguments():
    mapped = ek.vmap("(lambda (x y) (tensor-sum (* x y)))")
    assert np.allclose(mapped(X, y=X), (X * X).sum(1))


VMAP_ERRORS = {
    "no axis": (lambda f: ek.vmap(f)(1.0), "vmap: no argument has an axis to map over"),
    "an axis too many": (lambda f: ek.vmap(f, 5)(X), r"vmap: f32\[2,3\] has no axis 5 to map over"),
    "sizes": (
        lambda f: ek.vmap("(lambda (x y) x)")(X, X.T),
        "vmap: the mapped axes have different sizes: 2, 3",
    ),
    "a number of axes": (lambda f: ek.vmap(f, (0, 0))(X), "axes for 1 arguments"),
    "no such axes": (lambda f: ek.vmap(f, "a"), "as in_axes, got 'a'"),
    "nothing mapped": (lambda f: ek.vmap(f, None), "as in_axes, got None"),
    "axes of parts": (
        lambda f: ek.vmap(f, ((0, 0),))(X),
        "have not the structure of what they are",
    ),
    "a strange result axis": (lambda f: ek.vmap(f, 0, "a")(X), "an exact integer as axis, got"),
    "a result axis too many": (lambda f: ek.vmap(f, 0, 5)(X), r"f32\[2,3\] have no axis 5"),
    "no result axis": (lambda f: ek.vmap(f, 0, None)(X), "every result has an axis of calls"),
    "no procedure": (lambda f: ek.vmap(None), "vmap: expected a procedure or Scheme text, got"),
    "too many arguments": (lambda f: ek.vmap(f)(X, X), "f takes 1 argument, got 2"),
}


@pytest.mark.parametrize("title", VMAP_ERRORS)
def test_vmap_errors(title):
    run, message = VMAP_ERRORS[title]
    with pytest.raises(ek.EshkolError, match=message) as caught:
        run(scheme("(define (f x) x) f"))
    assert not our_frames(caught.value)


# ---- closures as pytrees


@pytest.fixture
def model():
    make = scheme("(define (make w b rate) (lambda (x) (+ (* rate w x) b))) make")
    return make(np.array([1, 2], np.float32), np.array([3, 4], np.float32), 0.5)


def test_tree(model):
    tree = ek.tree(model)
    paths, _ = jax.tree_util.tree_flatten_with_path(tree)
    assert {jax.tree_util.keystr(path): leaf.tolist() for path, leaf in paths} == {
        ".b": [3, 4],
        ".w": [1, 2],
    }
    assert np.allclose(tree(2.0), model(2.0))
    assert np.allclose(tree.value(2.0), [4, 6])


def test_tree_map_makes_a_closure_again(model):
    doubled = jax.tree.map(lambda leaf: 2 * leaf, ek.tree(model))
    assert np.allclose(doubled(2.0), [8, 12])
    assert np.allclose(doubled.value(2.0), [8, 12])
    assert np.allclose(model(2.0), [4, 6])


def test_tree_through_transformations_of_jax(model):
    tree = ek.tree(model)

    def loss(tree, x):
        return jnp.sum(tree(x) ** 2)

    expected = float(jnp.sum(model(3.0) ** 2))
    assert float(jax.jit(loss)(tree, 3.0)) == pytest.approx(expected)
    gradient = jax.grad(loss)(tree, 3.0)
    assert np.allclose(jax.tree.leaves(gradient)[0], 2 * model(3.0))
    twice = jax.jit(jax.grad(loss))(tree, 3.0)
    assert np.allclose(jax.tree.leaves(twice)[0], jax.tree.leaves(gradient)[0])
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), tree)
    assert jax.vmap(lambda t: t(3.0))(stacked).shape == (2, 2)


def test_tree_is_trained_by_optax(model):
    tree = ek.tree(model)
    optimizer = optax.adam(0.1)
    state = optimizer.init(tree)

    traces = []

    @jax.jit
    def step(tree, state):
        traces.append(tree)
        loss, gradient = jax.value_and_grad(lambda t: jnp.sum(t(1.0) ** 2))(tree)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(tree, updates), state, loss

    losses = []
    for _ in range(60):
        tree, state, loss = step(tree, state)
        losses.append(float(loss))
    assert losses[-1] < losses[0] / 20
    assert len(traces) == 1


# ---- procedures in the hands of JAX

HANDED = {
    "arithmetic": ("(lambda (x) (+ (* x x) 1))", lambda x: x * x + 1),
    "a branch": ("(lambda (x) (if (> x 1) (* x x) (- x)))", lambda x: x * x if x > 1 else -x),
    "several branches": (
        "(lambda (x) (cond ((< x 0) 0.0) ((< x 2) (sin x)) (else (exp x))))",
        lambda x: 0.0 if x < 0 else math.sin(x) if x < 2 else math.exp(x),
    ),
    "and, or": ("(lambda (x) (if (and (> x 0) (< x 2)) x 9.0))", lambda x: x if 0 < x < 2 else 9),
    "a loop of known length": (
        "(lambda (x) (do ((i 0 (+ i 1)) (s 0 (+ s (* x i)))) ((= i 5) s)))",
        lambda x: 10 * x,
    ),
    "a procedure that calls another": (
        "(define (g y) (if (> y 2) y 2.0)) (define (f x) (* 3 (g x))) f",
        lambda x: 3 * max(x, 2),
    ),
    "a branch in a called procedure": (
        "(define (clip y) (if (> y 1) 1.0 y)) (lambda (x) (+ (clip x) (clip (- x))))",
        lambda x: min(x, 1) + min(-x, 1),
    ),
    "a closure that assigns": (
        "(let ((k 2.0)) (lambda (x) (let ((y 1.0)) (when (> x 1) (set! y k)) (* y x))))",
        lambda x: 2 * x if x > 1 else x,
    ),
    "higher-order": (
        "(lambda (x) (fold-left + 0 (map (lambda (k) (if (> x k) x k)) '(1.0 2.0))))",
        lambda x: max(x, 1) + max(x, 2),
    ),
    "an argument with a default": ("(lambda (x (y 3.0)) (if (> x y) x y))", lambda x: max(x, 3)),
}
POINTS = np.array([-1.5, 0.5, 1.5, 2.5], np.float32)


@pytest.mark.parametrize("title", HANDED)
def test_jax_jit(title):
    text, reference = HANDED[title]
    jitted = jax.jit(scheme(text))
    for x in POINTS:
        assert float(jitted(x)) == pytest.approx(reference(float(x)), rel=1e-6)


@pytest.mark.parametrize("title", HANDED)
def test_jax_vmap(title):
    text, reference = HANDED[title]
    expected = [reference(float(x)) for x in POINTS]
    f = scheme(text)
    assert np.allclose(jax.vmap(f)(POINTS), expected, rtol=1e-6)
    assert np.allclose(jax.jit(jax.vmap(f))(POINTS), expected, rtol=1e-6)
    assert np.allclose(jax.vmap(ek.jit(f))(POINTS), expected, rtol=1e-6)


@pytest.mark.parametrize("title", HANDED)
def test_jax_grad(title):
    text, reference = HANDED[title]
    f = scheme(text)
    for x in map(float, POINTS):
        step = 1e-5
        slope = (reference(x + step) - reference(x - step)) / (2 * step)
        for gradient in (jax.grad(f), jax.jit(jax.grad(f)), jax.grad(ek.jit(f)), ek.grad(f)):
            assert float(gradient(x)) == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_jax_takes_procedures_for_its_own_control_flow():
    bigger = scheme("(lambda (x) (* 2 x))")
    smaller = scheme("(lambda (x) (if (> x 10) x (/ x 2)))")
    test = scheme("(lambda (x) (< x 100.0))")
    assert float(jax.jit(lambda x: jax.lax.cond(x > 0, bigger, smaller, x))(3.0)) == 6.0
    assert float(jax.lax.while_loop(test, bigger, 1.0)) == 128.0
    assert float(jax.lax.fori_loop(0, 3, lambda i, x: bigger(x), 1.0)) == 8.0
    assert np.allclose(jax.lax.map(smaller, POINTS), POINTS / 2)


def test_jax_makes_static_what_python_says():
    f = scheme("(define (power x n) (if (= n 0) 1 (* x (power x (- n 1))))) power")
    assert float(jax.jit(f, static_argnums=1)(2.0, 10)) == 1024.0


def test_an_error_in_the_hands_of_jax():
    f = scheme("(define (f x w)\n  (if (> (tensor-sum x) 0)\n      (matmul x w)\n      x)) f")
    with pytest.raises(ek.ShapeError) as caught:
        jax.jit(f)(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32))
    assert ":3:7: matmul: inner sizes differ" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "NeedsStaging" not in shown
    assert "During handling" not in shown

"""Variables that hold tensors: shared, updated in every dialect, state of compiled programs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from staged_sessions import compiles, value

import eshkol as ek
from eshkol.base.errors import ShapeError, StagingError
from eshkol.datum.variables import TensorVariable
from eshkol.datum.write import write_string
from eshkol.session import Session

SHOWN = [
    # A tensor is wanted: what the variable holds is taken.
    ("(list (+ w 1) (- w) (* 2 w) (sin w))", "(list (+ t 1) (- t) (* 2 t) (sin t))"),
    ("(list (tensor-sum w) (tensor-ref w 1) (matmul w w))",
     "(list (tensor-sum t) (tensor-ref t 1) (matmul t t))"),
    ("(concatenate (list w t) 0)", "(concatenate (list t t) 0)"),
    ("(where (> w 1) w 0)", "(where (> t 1) t 0)"),
    ("(list (tensor? w) (tensor-shape w) (tensor->list w))",
     "(list (tensor? t) (tensor-shape t) (tensor->list t))"),
    ("(tensor-mean w #:axis 0)", "(tensor-mean t #:axis 0)"),
    ("((vmap (lambda (x) (* x 2))) w)", "((vmap (lambda (x) (* x 2))) t)"),
    ("((vmap (lambda (x) (* x w))) #(1 2))", "((vmap (lambda (x) (* x t))) #(1 2))"),
    ("(variable-value w)", "t"),
    ("(variable-value t)", "t"),
    # Derivatives at it, and at what holds it.
    ("(gradient (lambda (x) (tensor-sum (* x x))) w)",
     "(gradient (lambda (x) (tensor-sum (* x x))) t)"),
    ("(gradient (lambda (l) (tensor-sum (* (car l) (cadr l)))) (list w t))",
     "(gradient (lambda (l) (tensor-sum (* (car l) (cadr l)))) (list t t))"),
    ("(jacobian (lambda (x) (* x x)) w)", "(jacobian (lambda (x) (* x x)) t)"),
    ("(hessian (lambda (l) (tensor-sum (expt (car l) 3))) (list w))",
     "(hessian (lambda (l) (tensor-sum (expt (car l) 3))) (list t))"),
    ("(jvp (lambda (x) (* x x)) w t)", "(jvp (lambda (x) (* x x)) t t)"),
    ("(derivative (lambda (x) (* x x)) (variable 3.0))",
     "(derivative (lambda (x) (* x x)) (tensor-ref (tensor 3.0) 0))"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "plain"), SHOWN)
def test_a_variable_is_taken_where_a_tensor_is(program: str, plain: str) -> None:
    session = Session()
    session.evaluate("(define t (tensor 1 2 3)) (define w (variable t))")
    assert write_string(session.evaluate(program)) == write_string(session.evaluate(plain))


UPDATES = [
    # (what is defined, the call, what the variables hold after each of two calls)
    ("(define w (variable #(1 2)))", "(lambda (x) (tensor-add! w x))", [[2, 3], [3, 4]]),
    ("(define w (variable #(1 2))) (define (add! v x) (tensor-add! v x) 0)",
     "(lambda (x) (add! w x))", [[2, 3], [3, 4]]),
    ("(define w (variable #(1 2)))",
     "(lambda (x) (if (> x 0) (tensor-mul! w 2) (tensor-sub! w 1)) x)", [[2, 4], [4, 8]]),
    ("(define w (variable #(1 2)))",
     "(lambda (x) (do ((i 0.0 (+ i x))) ((> i 2.0) w) (tensor-axpy! w i #(1 1))))",
     [[4, 5], [7, 8]]),
    ("(define w (variable #(0 0)))",
     """(lambda (x) (let walk ((n (* 3 x)))
          (if (> n 0) (begin (variable-set! w (+ w n)) (+ 1 (walk (- n 1)))) 0)))""",
     [[6, 6], [12, 12]]),
    ("(define w (variable #(1 2)))",
     "(lambda (x) (gradient (lambda (y) (tensor-add! w y) (* y y)) x))", [[2, 3], [3, 4]]),
    ("(define w (variable #(1 2)))",
     "(lambda (x) (let ((f (lambda (l) (tensor-set! (car l) (* x #(5 6))))))"
     " (f (list w)) (f (list w w))))", [[5, 6], [5, 6]]),
    ("(define w (variable #(1 2)))",
     "(lambda (x) (call/ec (lambda (k) (if (> x 2.0) (k 0)) (tensor-add! w 1) 0)) x)",
     [[2, 3], [3, 4]]),
    ("(define w (variable #(1 1)))", "(lambda (x) (sgd-step w #(1 2) 0.5))",
     [[0.5, 0], [0, -1]]),
    ("(define w (variable #(3 4)))", "(lambda (x) (clip-grad-norm! (list w) x))",
     [[0.6, 0.8], [0.6, 0.8]]),
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["{}", "(jit {})"])
@pytest.mark.parametrize(("definitions", "procedure", "expected"), UPDATES)
def test_an_update_is_there_after_the_call(
    dialect: str, definitions: str, procedure: str, expected: list[list[float]]
) -> None:
    session = Session()
    session.evaluate(f"{definitions} (define f {dialect.format(procedure)})")
    for held in expected:
        session.evaluate("(f 1.0)")
        np.testing.assert_allclose(value(session, "(variable-value w)"), held, rtol=1e-6)


def test_another_value_compiles_nothing_and_the_variable_stays_the_same() -> None:
    session = Session()
    session.evaluate("(define w (variable #(1 2))) (define (f x) (tensor-add! w x) w)")
    session.evaluate("(define staged (jit f)) (define same (eq? w (staged 1.0)))")
    with compiles(0):
        session.evaluate("(variable-set! w #(5 6)) (staged 2.0)")
    assert session.evaluate("same") is True
    assert value(session, "(variable-value w)") == [7.0, 8.0]


def test_one_variable_that_comes_in_two_ways_is_one() -> None:
    session = Session()
    session.evaluate("(define a (variable 1.0)) (define b (variable 1.0))")
    session.evaluate("(define f (jit (lambda (v l) (tensor-add! v 1) (tensor-mul! a 3)"
                     " (tensor-add! (car l) 10))))")  # fmt: skip
    session.evaluate("(f a (list a))")
    assert value(session, "(list a b)").car.value == 16.0
    session.evaluate("(f b (list a))")
    assert [v.value for v in session.evaluate("(list a b)")] == [58.0, 2.0]


MODEL = """
(define (make)
  (let ((w (variable #(2.0 3.0))) (trips (variable (buffer 0))))
    (lambda (x) (tensor-add! trips 1) (* w x))))
(define model (make))
(define (loss m x) (tensor-sum (m x)))
(define optimizer (sgd 0.5))
(define (step m state x) (optimizer-update optimizer m (gradient loss m x) state))
"""


@pytest.mark.parametrize("step", ["step", "(jit step)"])
def test_a_model_is_trained_in_its_variables(step: str) -> None:
    session = Session()
    session.evaluate(MODEL)
    for _ in range(2):
        session.evaluate(f"(define new ({step} model (optimizer-init optimizer model) 2.0))")
    found = value(session, "(model-parameters model)")
    assert {pair.car: np.asarray(pair.cdr).tolist() for pair in found} == {
        "w": [0.0, 1.0],
        "trips": 2.0,
    }
    assert value(session, "((car new) 1.0)") == [0.0, 1.0]
    assert value(session, "(begin ((car new) 1.0) (cdr (assoc \"trips\" (model-parameters model))))"
                 ) == 4.0  # fmt: skip


def test_a_model_is_saved_by_the_names_of_its_variables(tmp_path) -> None:
    session = Session()
    session.evaluate(MODEL)
    path = str(tmp_path / "m.safetensors")
    session.evaluate(f'(model 1.0) (save-weights "{path}" model)')
    session.evaluate(f'(define other (load-weights "{path}" (make))) (other 1.0)')
    found = session.evaluate("(model-parameters other)")
    assert [(pair.car, float(np.ravel(pair.cdr)[0])) for pair in found] == [
        ("trips", 2.0),
        ("w", 2.0),
    ]


def test_python_makes_reads_and_assigns_variables() -> None:
    w = ek.variable([1, 2])
    assert isinstance(w, TensorVariable)
    assert ek.is_variable(w)
    assert repr(w) == "#<variable #(1.0 2.0)>"
    w.value = [3, 4]
    np.testing.assert_array_equal(np.asarray(w), [3, 4])
    np.testing.assert_array_equal(jnp.asarray(w) + 1, [4, 5])
    assert [leaf.tolist() for leaf in jax.tree.leaves({"w": w})] == [[3, 4]]
    assert ek.jit("(lambda (v x) (tensor-add! v x) v)")(w, 1.0) is w
    np.testing.assert_array_equal(w.value, [4, 5])
    np.testing.assert_array_equal(ek.grad(lambda v: jnp.sum(jnp.asarray(v) ** 2))(w), [8, 10])
    with pytest.raises(ShapeError, match="the variable holds f32"):
        w.value = [1, 2, 3]
    assert ek.variable(2, dtype="int32").value.dtype == "int32"


@pytest.mark.parametrize("compile_", [jax.jit, ek.jit])
def test_a_compiled_python_function_updates_no_variable_it_is_not_given(compile_) -> None:
    w = ek.variable([1.0, 2.0])
    add = ek.eval("(lambda (x) (tensor-add! w x))", w=w)
    with pytest.raises(StagingError, match="by a Python function that is compiled"):
        compile_(lambda x: add(x))(1.0)
    np.testing.assert_array_equal(w.value, [1, 2])


def test_a_stored_program_writes_its_variables(tmp_path, monkeypatch) -> None:
    from eshkol.xla.programs import PROGRAMS, ProgramTable

    monkeypatch.setattr(ek.config, "store", True)
    monkeypatch.setattr(ek.config, "store_directory", str(tmp_path))
    loads = []
    for _ in range(2):
        monkeypatch.setattr("eshkol.xla.jit.PROGRAMS", ProgramTable())
        before = PROGRAMS.loads
        session = Session()
        session.evaluate("(define w (variable #(1 2))) (define f (jit (lambda (x)"
                         " (if (> x 0) (tensor-add! w x)) (* w 0.125))))")  # fmt: skip
        assert value(session, "(f 3.0)") == [0.5, 0.625]
        assert value(session, "(variable-value w)") == [4.0, 5.0]
        loads.append(PROGRAMS.loads - before)
    assert loads == [0, 1]

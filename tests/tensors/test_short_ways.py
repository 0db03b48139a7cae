"""Eager operations on arrays take short ways: they give what the long ones give, and its errors."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from eshkol.base.errors import EshkolError
from eshkol.session import Session
from rows import one_in

DTYPES = ("float32", "float16", "bfloat16", "float64", "int32", "int64", "bool", "complex64")
PROGRAMS = (
    "(+ x y)",
    "(- x)",
    "(* 2 x)",
    "(/ x 3)",
    "(- 1.5 x)",
    "(max x 1)",
    "(> x 1)",
    "(= x y)",
    "(expt x 2)",
    "(clip x 0.25 0.75)",
    "(where (> x 1) x y)",
    "(where (> x 1) x 0.5)",
    "(exp x)",
    "(tensor-sum x)",
    "(tensor-mean x)",
    "(tensor-any x)",
    "(tensor-max x 0 #:keepdims #t)",
    "(cumsum x)",
    "(norm x)",
    "(matmul x y)",
    "(outer x y)",
    "(pad x 1)",
    "(flatten x)",
    "(softmax x)",
    "(gather x #(1 0))",
)
COMPLEX = {
    program for program in PROGRAMS if program.split()[0] in ("(max", "(>", "(clip", "(where")
}
COMPLEX |= {"(tensor-max x 0 #:keepdims #t)", "(softmax x)"}


def numbers(dtype):
    """Two matrices of a dtype."""
    values = np.array([[0.0, 1.0], [2.0, 0.5]]), np.array([[1.0, 1.0], [0.0, 3.0]])
    with jax.enable_x64(True):
        return [jnp.asarray(value, dtype) for value in values]


@pytest.fixture(scope="module")
def procedures():
    session = Session()
    return {program: session.evaluate(f"(lambda (x y) {program})") for program in PROGRAMS}


@pytest.mark.parametrize("dtype", one_in(3, DTYPES))
def test_the_dtype_and_value_are_those_under_a_trace(procedures, dtype):
    for program, procedure in procedures.items():
        if dtype == "complex64" and program in COMPLEX:
            continue
        arguments = numbers(dtype)
        eager = procedure(*arguments)
        assert eager.dtype == jax.eval_shape(procedure, *arguments).dtype, program
        with jax.enable_x64(True):
            traced = jax.jit(procedure)(*arguments)
        assert (eager.shape, eager.dtype) == (traced.shape, traced.dtype), program
        kind = ml_dtypes.finfo(eager.dtype).eps if eager.dtype.kind not in "biuc" else 1e-6
        np.testing.assert_allclose(
            np.asarray(eager, "complex128"),
            np.asarray(traced, "complex128"),
            rtol=2 * float(kind),
            err_msg=program,
        )


def test_numbers_beyond_float32_are_infinite_without_a_warning():
    scaled = Session().evaluate("(lambda (x) (list (* x 1e300) (+ 10000000000000000000000 x)))")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        large, huge = scaled(jnp.ones(2))
    assert np.isinf(large).all() and huge.dtype == np.float32


@pytest.mark.parametrize(
    "program, message",
    [
        ("(+ x (ones 3))", r"\+: shapes don't fit together, a is f32\[2,2\] and b is f32\[3\]"),
        ("(where (> x 0) x (ones 3))", r"where: shapes don't fit together"),
        ("(tensor-max (zeros 0))", r"tensor-max: expected at least one element"),
        ("(tensor-sum x 2)", r"tensor-sum: axis 2 is out of range"),
        ("(where x)", r"where takes 3 arguments, got 1"),
        ("(exp x x)", r"exp takes 1 argument, got 2"),
        ("(gather x (tensor-cast #(0 5) 'int32))", r"gather: index 5 is out of range"),
        ("(tensor-inverse (ones 2 2))", r"tensor-inverse: expected a matrix that has an inverse"),
        ("(tensor-cholesky (- (eye 2)))", r"tensor-cholesky: expected a positive-definite"),
        ("(tensor-solve (ones 2 2) #(1 2))", r"tensor-solve: expected equations that have one"),
    ],
)
def test_errors(program, message):
    with pytest.raises(EshkolError, match=message):
        Session().evaluate(f"(define x (ones 2 2)) {program}")


def test_settings_hold_for_what_was_compiled_before():
    session = Session()
    session.evaluate("(define (f) (tensor-dtype (tensor-mean (zeros 2) 0)))")
    found = session.evaluate("(list (f) (with-precision 'float64 (f)) (f))")
    assert list(map(str, found)) == ["float32", "float64", "float32"]
    with pytest.raises(EshkolError, match=r"log: .*NaN|not a number"):
        session.evaluate("(define x (- (ones 2))) (log x) (with-checks (log x))")


def test_known_arrays_in_traced_code_are_part_of_it():
    session = Session()
    session.evaluate("(define w (ones 2)) (define f (jit (lambda (x) (+ x (* w 2) (norm w)))))")
    assert np.allclose(session.evaluate("(f (ones 2))"), 3 + np.sqrt(2))
    session.evaluate("(set! w (zeros 2))")
    assert np.allclose(session.evaluate("(f (ones 2))"), 1)

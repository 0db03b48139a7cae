"""``with-precision``: the dtype of tensors, and products in a narrow one."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from staged_sessions import compiles, value

import eshkol as ek
from eshkol.base.errors import BadValue
from eshkol.session import Session


@pytest.fixture
def session() -> Session:
    return Session()


def test_tensors_have_the_dtype_of_the_extent(session: Session) -> None:
    session.evaluate("(define z (jit (lambda () (zeros 3))))")
    for program in ("(zeros 3)", "(z)", "((jit (lambda (x) (* x (ones 2)))) 2.0)"):
        for precision in ("float64", "float32"):
            inside = f"(tensor-dtype (with-precision '{precision} {program}))"
            assert str(session.evaluate(inside)) == precision
        assert str(session.evaluate(f"(tensor-dtype {program})")) == "float32"
    inner = "(tensor-dtype ((jit (lambda () (with-precision 'float64 (zeros 3))))))"
    assert str(session.evaluate(inner)) == "float64"


def test_the_default_of_the_process_holds_for_what_is_compiled(session: Session) -> None:
    session.evaluate("(define z (jit (lambda () (zeros 3))))")
    assert str(session.evaluate("(tensor-dtype (z))")) == "float32"
    ek.config.tensor_dtype = "float64"
    try:
        assert str(session.evaluate("(tensor-dtype (z))")) == "float64"
    finally:
        ek.config.tensor_dtype = "float32"
    assert str(session.evaluate("(tensor-dtype (z))")) == "float32"


def test_each_precision_compiles_once(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (a) (matmul a a))))")
    with compiles(2):
        for _ in range(3):
            session.evaluate("(f (ones 2 2))")
            session.evaluate("(with-precision 'bfloat16 (f (ones 2 2)))")


def narrow(array: np.ndarray, dtype: str) -> np.ndarray:
    return np.asarray(jax.numpy.asarray(array).astype(dtype).astype("float32"))


A = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
B = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
IMAGE = np.random.default_rng(2).normal(size=(1, 2, 5, 5)).astype(np.float32)
FILTER = np.random.default_rng(3).normal(size=(3, 2, 2, 2)).astype(np.float32)

PRODUCTS = {
    "matmul": ("(matmul a b)", A, B),
    "batched": ("(matmul (unsqueeze a 0) b)", A, B),
    "dot": ("(tensor-dot a b)", A, B),
    "einsum": ("(einsum \"ij,jk->ki\" a b)", A, B),
    "tensordot": ("(tensordot a b 1)", A, B),
    "convolution": ("(conv2d a b)", IMAGE, FILTER),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_those_of_rounded_factors(session: Session, name: str, dtype: str) -> None:
    program, a, b = PRODUCTS[name]
    f = session.evaluate(f"(lambda (a b) {program})")
    wide = np.asarray(f(narrow(a, dtype), narrow(b, dtype)))
    mixed = session.evaluate(f"(lambda (a b) (with-precision '{dtype} {program}))")
    found = mixed(a, b)
    assert found.dtype == np.float32
    # The sum is rounded once: its error is half a unit in the last place.
    unit = {"bfloat16": 2.0**-8, "float16": 2.0**-11}[dtype]
    np.testing.assert_allclose(found, wide, rtol=unit * 1.01, atol=1e-6)
    # Compiled, the sum need not be rounded.
    np.testing.assert_allclose(jax.jit(mixed)(a, b), wide, rtol=unit * 1.01, atol=1e-6)


def test_terms_are_added_up_in_float32(session: Session) -> None:
    """In bfloat16 a sum of ones would stay at 256."""
    program = "(with-precision 'bfloat16 (matmul (ones 1 4096) (ones 4096 1)))"
    assert value(session, program) == [[4096.0]]


def test_everything_else_stays_as_it_is(session: Session) -> None:
    program = "(with-precision 'bfloat16 (+ 1 (* 0.001 (ones 2))))"
    assert value(session, program) == pytest.approx([1.001, 1.001], rel=1e-7)
    assert str(session.evaluate("(tensor-dtype (with-precision 'bfloat16 (zeros 2)))")) == "float32"
    session.evaluate("(define (i32 x) (tensor-cast x 'int32))")
    integers = "(with-precision 'bfloat16 (matmul (i32 (tensor 257 1)) (i32 (tensor 1 0))))"
    assert value(session, integers) == 257


LAYERS = """
(define (loss w1 w2 x y)
  (let* ((h (relu (matmul x w1))) (z (matmul h w2)))
    (tensor-mean (square (- z y)))))
(define (slopes w1 w2 x y)
  (gradient (lambda (ws) (loss (car ws) (cadr ws) x y)) (list w1 w2)))"""


def test_gradients_are_those_of_automatic_mixed_precision(session: Session) -> None:
    """The reference is PyTorch's autocast, which rounds the same products."""
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(4)
    arrays = [
        generator.normal(size=shape).astype(np.float32)
        for shape in ((8, 16), (16, 2), (5, 8), (5, 2))
    ]
    w1, w2, x, y = (torch.tensor(array) for array in arrays)
    w1.requires_grad_()
    w2.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z = torch.relu(x @ w1) @ w2
    ((z.float() - y) ** 2).mean().backward()
    session.evaluate(LAYERS)
    mixed = session.evaluate(
        "(jit (lambda (w1 w2 x y) (with-precision 'bfloat16 (slopes w1 w2 x y))))"
    )
    exact = session.evaluate("(jit slopes)")(*arrays)
    for found, expected, plain in zip(mixed(*arrays), (w1.grad, w2.grad), exact, strict=True):
        assert found.dtype == np.float32
        size = float(np.abs(plain).max())
        np.testing.assert_allclose(found, expected.numpy(), rtol=0.02, atol=0.01 * size)
        assert np.abs(np.asarray(found) - np.asarray(plain)).max() > 1e-5 * size


def test_products_of_the_gradient_are_narrow_too(session: Session) -> None:
    session.evaluate(LAYERS)
    mixed = session.evaluate("(lambda (w1 w2 x y) (with-precision 'bfloat16 (slopes w1 w2 x y)))")
    shapes = [(8, 16), (16, 2), (5, 8), (5, 2)]
    jaxpr = str(jax.make_jaxpr(jax.jit(mixed))(*[np.ones(shape, np.float32) for shape in shapes]))
    products = [line for line in jaxpr.splitlines() if "dot_general" in line]
    assert len(products) >= 5
    assert all("bf16[" in line.split("=")[0] for line in products)


def test_a_model_is_trained_in_mixed_precision(session: Session) -> None:
    program = """
(define x (reshape (tensor 0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0) 8 1))
(define (loss w) (tensor-mean (square (- (matmul x w) (* 3 x)))))
(define (step w) (- w (* 0.01 (gradient loss w))))
(with-precision 'bfloat16 (do ((i 0 (+ i 1)) (w (zeros 1 1) (step w))) ((= i 60) w)))"""
    assert value(session, program)[0][0] == pytest.approx(3.0, rel=1e-2)


def test_an_unknown_precision_is_told(session: Session) -> None:
    with pytest.raises(BadValue, match="with-precision: unknown precision int8"):
        session.evaluate("(with-precision 'int8 1)")

"""Losses on embeddings, softened targets, and schedules of learning rates."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest
from tensor_laws import SCHEME, Case, check_batched, check_slopes, check_staged, check_value, ids

from eshkol.base.errors import BadValue, EshkolError, OutOfRange, ShapeError, WrongType
from eshkol.session import Session

RANDOM = np.random.default_rng(2)


def random(*shape):
    return RANDOM.normal(size=shape)


A, P, N = random(5, 3), random(5, 3), random(5, 3)
ONE, OTHER = random(4), random(4)
SAME = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
SIGNS = 2 * SAME - 1
LOGITS, CLASSES = random(5, 4), np.int32([0, 3, 1, 1, 2])


def reduced(terms, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](terms)


def triplet(a, p, n, margin, reduction):
    near, far = np.linalg.norm(a - p, axis=-1), np.linalg.norm(a - n, axis=-1)
    return reduced(np.maximum(near - far + margin, 0), reduction)


def contrastive(a, b, y, margin, reduction):
    d = np.linalg.norm(a - b, axis=-1)
    return reduced(y * d**2 + (1 - y) * np.maximum(margin - d, 0) ** 2, reduction)


def cosine(a, b, y, margin, reduction):
    cos = np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return reduced(np.where(np.asarray(y) > 0, 1 - cos, np.maximum(cos - margin, 0)), reduction)


def smoothed(x, t, amount, reduction):
    logs = x - np.log(np.exp(x).sum(-1, keepdims=True))
    soft = (1 - amount) * t + amount / x.shape[-1]
    return reduced(-(soft * logs).sum(-1), reduction)


CASES = [
    case
    for reduction in ("mean", "sum", "none")
    for case in (
        Case("triplet-loss", (A, P, N), triplet(A, P, N, 1, reduction), {"reduction": reduction}),
        Case(
            "contrastive-loss",
            (A, P, SAME),
            contrastive(A, P, SAME, 1, reduction),
            {"reduction": reduction},
        ),
        Case(
            "cosine-embedding-loss",
            (A, P, SIGNS),
            cosine(A, P, SIGNS, 0, reduction),
            {"reduction": reduction},
        ),
        Case(
            "label-smoothing-loss",
            (LOGITS, CLASSES),
            smoothed(LOGITS, np.eye(4)[CLASSES], 0.1, reduction),
            {"reduction": reduction},
        ),
    )
] + [
    Case("triplet-loss", (ONE, OTHER, 2 * ONE, 0.3), triplet(ONE, OTHER, 2 * ONE, 0.3, "mean")),
    Case("contrastive-loss", (ONE, OTHER, 0, 5.0), contrastive(ONE, OTHER, 0, 5, "mean")),
    Case("cosine-embedding-loss", (A, P, -1, 0.2), cosine(A, P, -1, 0.2, "mean")),
    Case("label-smoothing-loss", (LOGITS, np.eye(4)[CLASSES], 4, 0.3),
         smoothed(LOGITS, np.eye(4)[CLASSES], 0.3, "mean")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values(case):
    check_value(case, "float32")


LAWS = CASES[:4]


@pytest.mark.parametrize("case", LAWS, ids=ids(LAWS))
def test_laws(case):
    check_value(case, "float64")
    check_staged(case)
    check_batched(case)
    check_slopes(case)


@pytest.mark.parametrize(
    "call",
    [
        "(triplet-loss a a a)",
        "(contrastive-loss a a 0)",
        "(cosine-embedding-loss a (zeros 2) 1)",
        "(cosine-embedding-loss (* 0 a) a -1)",
    ],
)
def test_slopes_are_finite_where_embeddings_meet(call):
    slopes = Session().evaluate(f"(gradient (lambda (a) {call}) (tensor 1.0 2.0))")
    assert np.isfinite(slopes).all()


def test_labels_of_booleans_and_integers():
    with_floats = SCHEME["contrastive-loss"](A, P, SAME)
    assert SCHEME["contrastive-loss"](A, P, SAME.astype(bool)) == with_floats
    assert SCHEME["contrastive-loss"](A, P, SAME.astype("int32")) == with_floats


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("triplet-loss", (A, P, ONE), ShapeError, "triplet-loss: shapes differ"),
        ("triplet-loss", (1.0, 2.0, 3.0), ShapeError, "triplet-loss: shapes differ"),
        ("triplet-loss", (A, "p", N), WrongType, 'expected a tensor or a number, got "p"'),
        ("triplet-loss", (A, P, N, ONE), ShapeError, "triplet-loss: expected a number as margin"),
        ("contrastive-loss", (A, P, ONE), ShapeError, r"expected labels of shape \[5\], got"),
        ("cosine-embedding-loss", (A, P, P), ShapeError, r"expected labels of shape \[5\], got"),
        ("label-smoothing-loss", (LOGITS, CLASSES, 5), BadValue, "expected 5 classes, got logits"),
        ("label-smoothing-loss", (LOGITS, CLASSES + 1), OutOfRange, "index 4 is out of range"),
        ("label-smoothing-loss", (LOGITS, CLASSES[:2]), ShapeError, "label-smoothing-loss: shapes"),
        ("label-smoothing-loss", (1.0, 0), ShapeError, "expected logits of rank 1 or more"),
    ],
)
def test_bad_losses(name, arguments, error, message):
    with pytest.raises(EshkolError, match=message) as caught:
        SCHEME[name](*arguments)
    assert type(caught.value) is error


# ---- schedules

SCHEDULES = [
    ("cosine-annealing-lr", (0.1, 0.02, 0, 10), 0.1),
    ("cosine-annealing-lr", (0.1, 0.02, 3, 10), 0.02 + 0.04 * (1 + math.cos(0.3 * math.pi))),
    ("cosine-annealing-lr", (0.1, 0.02, 10, 10), 0.02),
    ("cosine-annealing-lr", (0.1, 0.02, 99, 10), 0.02),
    ("step-decay-lr", (0.1, 0.5, 9, 10), 0.1),
    ("step-decay-lr", (0.1, 0.5, 30, 10), 0.0125),
    ("exponential-decay-lr", (0.1, 0.9, 0), 0.1),
    ("exponential-decay-lr", (0.1, 0.9, 7), 0.1 * 0.9**7),
    ("linear-warmup-lr", (0.1, 0, 5), 0.0),
    ("linear-warmup-lr", (0.1, 2, 5), 0.04),
    ("linear-warmup-lr", (0.1, 50, 5), 0.1),
]


@pytest.mark.parametrize(("name", "arguments", "rate"), SCHEDULES, ids=range(len(SCHEDULES)))
def test_schedules(name, arguments, rate):
    assert SCHEME[name](*arguments) == pytest.approx(rate, rel=1e-12)
    numbers = " ".join(map(str, arguments))
    session = Session()
    compiled = session.evaluate(f"((jit (lambda numbers (apply {name} numbers))) {numbers})")
    assert float(compiled) == pytest.approx(rate, rel=1e-12)
    tensors = SCHEME[name](*(jnp.asarray(float(x)) for x in arguments))
    assert float(tensors) == pytest.approx(rate, rel=1e-5)


def test_a_compiled_step_takes_its_own_rate():
    program = """
        (define step
          (jit (lambda (p t)
                 (let ((q p)) (sgd-step q (* 2 q) (cosine-annealing-lr 0.1 0.0 t 3)) q))))
        (fold (lambda (p t) (step p t)) (tensor 1.0 -2.0) '(0 1 2))
    """
    p = np.array([1.0, -2.0])
    for t in range(3):
        p = p - 2 * p * 0.05 * (1 + math.cos(math.pi * t / 3))
    np.testing.assert_allclose(Session().evaluate(program), p, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("cosine-annealing-lr", (0.1, 0, "a", 9), WrongType, 'expected a number, got "a"'),
        ("cosine-annealing-lr", (0.1, 0, 1, 0), BadValue, "number of steps greater than 0, got 0"),
        ("step-decay-lr", (0.1, 0.5, 1, 0), BadValue, "number of epochs greater than 0, got 0"),
        ("exponential-decay-lr", (0.1, True, 1), WrongType, "expected a number, got #t"),
        ("linear-warmup-lr", (0.1, 1, -1), BadValue, "number of steps greater than 0, got -1"),
    ],
)
def test_bad_schedules(name, arguments, error, message):
    with pytest.raises(EshkolError, match=message) as caught:
        SCHEME[name](*arguments)
    assert type(caught.value) is error

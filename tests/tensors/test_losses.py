"""Losses, against PyTorch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from eshkol.base.errors import BadValue, OutOfRange, ShapeError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla.dtypes import wide

SCHEME = builtin_namespace()
RNG = np.random.default_rng(0)
REAL, OTHER = RNG.normal(size=(5, 4), scale=2), RNG.normal(size=(5, 4))
PROBABLE, BINARY = RNG.uniform(0.05, 0.95, (5, 4)), RNG.integers(0, 2, (5, 4)).astype(float)
SIGNS = BINARY * 2 - 1
IDS = np.array([0, 3, 1, 1, 2], "int32")
ROWS = PROBABLE / PROBABLE.sum(1, keepdims=True)
OTHER_ROWS = np.exp(OTHER) / np.exp(OTHER).sum(1, keepdims=True)


def focal(p, t, gamma, alpha, reduction):
    """The focal loss of Lin et al., written down from the paper."""
    true_class = p * t + (1 - p) * (1 - t)
    weight = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    terms = -weight * (1 - true_class) ** gamma * torch.log(true_class)
    return reduced(terms, reduction)


def reduced(terms, reduction):
    return {"mean": terms.mean(), "sum": terms.sum(), "none": terms}[reduction]


def hinge(p, t, reduction):
    return reduced(torch.clamp(1 - p * t, min=0), reduction)


def divergence(p, q, reduction):
    return reduced((p * torch.log(p / q)).sum(-1), reduction)


def categorical(p, t, reduction):
    return reduced(-(t * torch.log(p)).sum(-1), reduction)


LOSSES = [
    ("mse-loss", REAL, OTHER, (), functional.mse_loss),
    ("mae-loss", REAL, OTHER, (), functional.l1_loss),
    ("huber-loss", REAL, OTHER, (), functional.huber_loss),
    (
        "huber-loss",
        REAL,
        OTHER,
        (0.4,),
        lambda p, t, reduction: functional.huber_loss(p, t, reduction=reduction, delta=0.4),
    ),
    ("smooth-l1-loss", REAL, OTHER, (), functional.smooth_l1_loss),
    (
        "smooth-l1-loss",
        REAL,
        OTHER,
        (0.4,),
        lambda p, t, reduction: functional.smooth_l1_loss(p, t, reduction=reduction, beta=0.4),
    ),
    ("hinge-loss", REAL, SIGNS, (), hinge),
    ("binary-cross-entropy", PROBABLE, BINARY, (), functional.binary_cross_entropy),
    ("bce-with-logits-loss", REAL, BINARY, (), functional.binary_cross_entropy_with_logits),
    ("focal-loss", PROBABLE, BINARY, (), lambda p, t, reduction: focal(p, t, 2, None, reduction)),
    (
        "focal-loss",
        PROBABLE,
        BINARY,
        (1.5, 0.25),
        lambda p, t, reduction: focal(p, t, 1.5, 0.25, reduction),
    ),
    ("cross-entropy", REAL, ROWS, (), functional.cross_entropy),
    ("cross-entropy", REAL, IDS, (), functional.cross_entropy),
    ("nll-loss", np.log(ROWS), IDS, (), functional.nll_loss),
    ("categorical-cross-entropy", OTHER_ROWS, ROWS, (), categorical),
    ("kl-div-loss", ROWS, OTHER_ROWS, (), divergence),
]


def torch_tensor(values):
    return torch.tensor(values.astype("int64") if values.dtype == np.int32 else values)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "p", "t", "parameters", "reference"), LOSSES)
def test_losses(name, p, t, parameters, reference, reduction):
    x = torch.tensor(p, requires_grad=True)
    wanted = reference(x, torch_tensor(t), reduction=reduction)
    with wide():
        predictions, targets = jnp.asarray(p), jnp.asarray(t)

        def program(v):
            return SCHEME[name](v, targets, *parameters, reduction=intern(reduction))

        result = program(predictions)
        np.testing.assert_allclose(result, wanted.detach(), rtol=1e-9, atol=1e-12)
        gradient = jax.grad(lambda v: jnp.sum(program(v)))(predictions)
    wanted.sum().backward()
    np.testing.assert_allclose(gradient, x.grad, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("name", "p", "t", "parameters", "reference"), LOSSES)
def test_losses_are_float32_by_default(name, p, t, parameters, reference):
    result = SCHEME[name](p, t, *parameters)
    assert result.dtype == np.float32
    assert result.shape == ()
    wanted = reference(torch.tensor(p), torch_tensor(t), reduction="mean")
    np.testing.assert_allclose(result, wanted, rtol=2e-5)


def test_classes_by_number_and_by_row_agree():
    hot = np.eye(4)[IDS]
    for name, scores in (
        ("cross-entropy", REAL),
        ("nll-loss", np.log(ROWS)),
        ("categorical-cross-entropy", ROWS),
    ):
        by_number = SCHEME[name](scores, IDS, reduction="none")
        np.testing.assert_allclose(by_number, SCHEME[name](scores, hot, reduction="none"), 1e-5)
        as_list = SCHEME[name](scores, scheme_list(IDS.tolist()), reduction="none")
        np.testing.assert_array_equal(as_list, by_number)


def test_one_row():
    logits = Vector([2.0, 1.0, 0.1])
    assert SCHEME["cross-entropy-loss"](logits, Vector([1, 0, 0])).item() == pytest.approx(
        0.41703001627783376, rel=1e-6
    )
    assert SCHEME["cross-entropy"](logits, 0).item() == pytest.approx(0.417030016, rel=1e-6)


def test_leading_axes():
    scores, ids = RNG.normal(size=(2, 3, 4)).astype("float32"), RNG.integers(0, 4, (2, 3))
    wanted = functional.cross_entropy(
        torch.tensor(scores).reshape(6, 4), torch.tensor(ids).reshape(6), reduction="none"
    )
    result = SCHEME["cross-entropy"](scores, ids, reduction="none")
    np.testing.assert_allclose(result, wanted.reshape(2, 3), rtol=1e-5)


def test_numbers_as_targets():
    np.testing.assert_allclose(SCHEME["mse"](Vector([1, 2]), 1.0), 0.5)
    assert SCHEME["mse"](2.0, 3.5).item() == 2.25


def test_certain_and_wrong_predictions_have_a_finite_loss():
    for name in ("binary-cross-entropy", "focal-loss"):
        loss, slope = jax.value_and_grad(SCHEME[name])(jnp.asarray([0.0, 1.0]), Vector([1, 0]))
        assert np.isfinite(loss)
        assert np.isfinite(slope).all()
    logits = jnp.asarray([1e4, -1e4])
    loss, slope = jax.value_and_grad(SCHEME["bce-with-logits-loss"])(logits, Vector([0, 1]))
    assert loss == 1e4
    assert np.isfinite(slope).all()
    absent = jnp.asarray([0.0, 1.0])
    loss, slope = jax.value_and_grad(SCHEME["kl-div-loss"])(absent, Vector([0.5, 0.5]))
    assert loss == pytest.approx(np.log(2))
    assert np.isfinite(slope).all()


@pytest.mark.parametrize(
    ("name", "arguments", "options", "error", "message"),
    [
        (
            "mse-loss",
            (jnp.ones((4, 1)), jnp.ones(4)),
            {},
            ShapeError,
            r"mse-loss: shapes differ, the predictions are f32\[4,1\] and the targets f32\[4\]",
        ),
        ("cross-entropy", (REAL, np.ones((5, 3))), {}, ShapeError, "cross-entropy: shapes differ"),
        ("cross-entropy", (REAL, np.ones(5, "float32")), {}, WrongType, "integer indices"),
        ("cross-entropy", (REAL, scheme_list([0, 1, 2, 3, 4])), {}, OutOfRange, "index 4 is out"),
        ("cross-entropy", (1.0, 0), {}, ShapeError, "expected predictions of rank 1 or more"),
        ("kl-div-loss", (ROWS, ROWS[0]), {}, ShapeError, "kl-div-loss: shapes differ"),
        ("mse-loss", (REAL, OTHER), {"reduction": "max"}, BadValue, "expected the reduction 'mean"),
        (
            "mse-loss",
            ("a", OTHER),
            {},
            WrongType,
            'mse-loss: expected a tensor or a number, got "a"',
        ),
        (
            "huber-loss",
            (REAL, OTHER, "a"),
            {},
            WrongType,
            "huber-loss: expected a tensor or a number",
        ),
    ],
)
def test_bad_arguments(name, arguments, options, error, message):
    with pytest.raises(error, match=message):
        SCHEME[name](*arguments, **options)

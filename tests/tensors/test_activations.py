"""Activations of numbers and of tensors, against PyTorch, with their derivatives."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from eshkol.autodiff import derivative
from eshkol.base.errors import OutOfRange, WrongType
from eshkol.datum.symbols import intern
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla.dtypes import wide

SCHEME = builtin_namespace()

ACTIVATIONS = [
    ("relu", (), functional.relu),
    ("relu6", (), functional.relu6),
    ("leaky-relu", (), functional.leaky_relu),
    ("leaky-relu", (0.3,), lambda x: functional.leaky_relu(x, 0.3)),
    ("elu", (), functional.elu),
    ("elu", (2.0,), lambda x: functional.elu(x, 2.0)),
    ("celu", (2.0,), lambda x: functional.celu(x, 2.0)),
    ("selu", (), functional.selu),
    ("gelu", (), lambda x: functional.gelu(x, approximate="tanh")),
    ("silu", (), functional.silu),
    ("swish", (), functional.silu),
    ("swish", (1.5,), lambda x: x * torch.sigmoid(1.5 * x)),
    ("mish", (), functional.mish),
    ("softplus", (), functional.softplus),
    ("softplus", (2.0,), lambda x: functional.softplus(x, 2.0)),
    ("sigmoid", (), torch.sigmoid),
    ("log-sigmoid", (), functional.logsigmoid),
    ("hard-sigmoid", (), functional.hardsigmoid),
    ("hard-swish", (), functional.hardswish),
    ("tanh-activation", (), torch.tanh),
]

POINTS = [-50.0, -4.0, -1.3, -0.2, 0.0, 0.4, 1.7, 5.0, 50.0]


@pytest.mark.parametrize(("name", "parameters", "reference"), ACTIVATIONS)
def test_tensors(name, parameters, reference):
    with wide():
        tensor = jnp.asarray(POINTS)
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    wanted = reference(x)
    result = SCHEME[name](tensor, *parameters)
    np.testing.assert_allclose(result, wanted.detach(), rtol=1e-9, atol=1e-12)
    assert SCHEME[name](jnp.ones(2, "bfloat16"), *parameters).dtype == jnp.bfloat16

    wanted.sum().backward()
    with wide():
        gradient = jax.grad(lambda v: jnp.sum(SCHEME[name](v, *parameters)))(tensor)
    # At a kink PyTorch's choice varies from function to function; its 1/6 is a float32.
    smooth = np.array(POINTS) != 0
    np.testing.assert_allclose(gradient[smooth], x.grad[smooth], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(("name", "parameters", "reference"), ACTIVATIONS)
@pytest.mark.parametrize("point", [*POINTS, 0, 2, -1])
def test_numbers_agree_with_tensors(name, parameters, reference, point):
    activation = SCHEME[name]
    with wide():
        tensor = jnp.asarray(float(point))
        slope, curvature = (
            g(lambda v: activation(v, *parameters))(tensor)
            for g in (jax.grad, lambda f: jax.grad(jax.grad(f)))
        )
    value = activation(point, *parameters)
    assert not hasattr(value, "dtype")
    assert float(value) == pytest.approx(activation(tensor, *parameters).item(), rel=1e-9)

    def scalar(x):
        return activation(x, *parameters)

    assert derivative(scalar, float(point)) == pytest.approx(slope.item(), rel=1e-8, abs=1e-15)
    twice = derivative(lambda x: derivative(scalar, x), float(point))
    assert twice == pytest.approx(curvature.item(), rel=1e-7, abs=1e-15)


def test_exact_numbers_stay_exact_where_they_can():
    assert SCHEME["relu"](3) == 3
    assert SCHEME["relu"](-3) == 0
    assert SCHEME["relu"](-3).__class__ is int
    assert SCHEME["relu"](-3.0).__class__ is float


def test_the_slope_of_relu_at_zero_is_zero():
    assert jax.grad(SCHEME["relu"])(0.0) == 0.0
    assert derivative(SCHEME["relu"], 0.0) == 0.0


def test_not_a_number_stays():
    for name in ("relu", "relu6", "leaky-relu", "elu", "gelu", "softplus", "hard-swish"):
        assert math.isnan(SCHEME[name](jnp.asarray([jnp.nan]))[0])
        assert math.isnan(SCHEME[name](math.nan))


def test_values_of_the_tanh_form_of_gelu():
    result = [SCHEME["gelu"](-1.0), SCHEME["gelu"](2.0)]
    np.testing.assert_allclose(result, [-0.15880800939172324, 1.954597694087775], rtol=1e-14)


def test_a_traced_parameter():
    with wide():
        result = jax.jit(SCHEME["leaky-relu"])(jnp.asarray([-2.0, 3.0], "float32"), 0.1)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [-0.2, 3], rtol=1e-6)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize(
    ("name", "reference"), [("softmax", torch.softmax), ("log-softmax", torch.log_softmax)]
)
def test_softmax(name, reference, axis):
    x = np.random.default_rng(0).normal(size=(3, 4), scale=30)
    with wide():
        result = SCHEME[name](jnp.asarray(x), axis)
    np.testing.assert_allclose(result, reference(torch.tensor(x), axis), rtol=1e-9)


def test_softmax_of_large_numbers():
    np.testing.assert_allclose(SCHEME["softmax"](Vector([1e4, 1e4])), [0.5, 0.5])
    np.testing.assert_allclose(SCHEME["softmax"](jnp.asarray([-jnp.inf, 0.0])), [0, 1])
    assert SCHEME["softmax"](jnp.ones((2, 0))).shape == (2, 0)


def test_the_gradient_of_a_softmax():
    x = np.random.default_rng(0).normal(size=5)
    with wide():
        jacobian = jax.jacobian(SCHEME["softmax"])(jnp.asarray(x))
        p = SCHEME["softmax"](jnp.asarray(x))
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("relu", ("a",), WrongType, 'relu: expected a tensor or a number, got "a"'),
        ("gelu", (intern("x"),), WrongType, "gelu: expected a tensor or a number, got x"),
        ("sigmoid", (True,), WrongType, "sigmoid: expected a number or a tensor, got #t"),
        ("elu", (1.0, "a"), WrongType, 'elu: expected a tensor or a number, got "a"'),
        ("elu", (jnp.ones(2), jnp.ones(2)), WrongType, "elu: expected a number as parameter"),
        ("softmax", (1.0,), OutOfRange, "softmax: axis -1 is out of range"),
        ("softmax", (jnp.ones(2), 1), OutOfRange, r"softmax: axis 1 is out of range of f32\[2\]"),
    ],
)
def test_bad_arguments(name, arguments, error, message):
    with pytest.raises(error, match=message):
        SCHEME[name](*arguments)

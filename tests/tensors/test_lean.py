"""Under a trace an operation is what one would write by hand with JAX: no equation more."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla.dtypes import wide

SCHEME = builtin_namespace()
L = scheme_list
X, ROW, W = (jnp.ones(shape, "float32") for shape in ((64, 10), (10,), (10, 5)))
IMAGE, KERNEL = jnp.ones((8, 12, 12, 3), "float32"), jnp.ones((3, 3, 3, 16), "float32")
IDS = jnp.zeros(64, "int32")
NHWC = intern("NHWC")


def s(name, *fixed, **options):
    """The Scheme procedure ``name`` with some last arguments given."""
    return lambda *tensors: SCHEME[name](*tensors, *fixed, **options)


def conv(x, w):
    return lax.conv_general_dilated(
        x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


SAME_AS_BY_HAND = [
    (s("+"), lambda x, b: x + b, (X, ROW)),
    (s("+"), lambda x, y: x + y, (X, X)),
    (s("-"), lambda x, b: x - b, (X, ROW)),
    (s("*", 0.5), lambda x: x * 0.5, (X,)),
    (s("*", 2), lambda x: x * 2.0, (X,)),
    (s("/"), lambda x, y: x / y, (X, X)),
    (s("expt", 2), lambda x: x**2, (X,)),
    (s(">", 0), lambda x: x > 0.0, (X,)),
    (s("max", 0.0), lambda x: jnp.maximum(x, 0.0), (X,)),
    (s("exp"), jnp.exp, (X,)),
    (s("tanh"), jnp.tanh, (X,)),
    (s("sqrt"), jnp.sqrt, (X,)),
    (s("sigmoid"), lax.logistic, (X,)),
    (s("abs"), jnp.abs, (X,)),
    (s("matmul"), lambda x, w: x @ w, (X, W)),
    (s("matmul"), lambda x, v: x @ v, (X, ROW)),
    (s("matmul"), lambda x, w: x @ w, (jnp.ones((4, 3, 10)), jnp.ones((4, 10, 2)))),
    (s("tensor-sum"), jnp.sum, (X,)),
    (s("tensor-sum", 0), lambda x: jnp.sum(x, 0), (X,)),
    (s("tensor-mean"), jnp.mean, (X,)),
    (s("tensor-mean", -1), lambda x: jnp.mean(x, -1), (X,)),
    (s("tensor-max", 1), lambda x: jnp.max(x, 1), (X,)),
    (s("argmax", 1), lambda x: jnp.argmax(x, 1), (X,)),
    (s("reshape", 10, 64), lambda x: x.reshape(10, 64), (X,)),
    (s("transpose"), lambda x: x.T, (X,)),
    (s("unsqueeze", 0), lambda x: x[None], (X,)),
    (s("tensor-get", 3), lambda x: x[3], (X,)),
    (s("slice", 1, 3), lambda x: x[1:3], (X,)),
    (lambda x: SCHEME["concatenate"](L([x, x]), 1), lambda x: jnp.concatenate([x, x], 1), (X,)),
    (lambda x: SCHEME["stack"](L([x, x]), 0), lambda x: jnp.stack([x, x]), (X,)),
    (s("convolution", 1, "same", layout=NHWC), conv, (IMAGE, KERNEL)),
    (s("log-softmax"), jax.nn.log_softmax, (X,)),
    (s("gather", 0), lambda x, i: jnp.take(x, i, 0), (X, IDS)),
]


def equations(jaxpr):
    """The equations of a jaxpr by primitive and result, those of inner functions included."""
    found = []
    for equation in jaxpr.eqns:
        inner = [v for v in equation.params.values() if hasattr(v, "jaxpr")]
        if inner and equation.primitive.name in ("jit", "pjit", "custom_jvp_call"):
            found += equations(inner[0].jaxpr)
        else:
            found.append((equation.primitive.name, [str(v.aval) for v in equation.outvars]))
    return found


def by_hand(program, tensors):
    """The equations without those that only a general library needs (``max -inf``)."""
    found = equations(jax.make_jaxpr(program)(*tensors).jaxpr)
    text = str(jax.make_jaxpr(program)(*tensors))
    if re.search(r"max -inf", text):
        found = [row for row in found if row[0] != "max"]
    return found


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("number", range(len(SAME_AS_BY_HAND)))
def test_the_same_equations_as_by_hand(number, x64):
    ours, theirs, tensors = SAME_AS_BY_HAND[number]
    wanted = by_hand(theirs, tensors)
    with jax.enable_x64(x64):
        found = equations(jax.make_jaxpr(ours)(*tensors).jaxpr)
    assert sorted(name for name, _ in found) == sorted(name for name, _ in wanted)
    assert found[-1] == wanted[-1]


AT_MOST = [
    (s("relu"), 3, (X,)),
    (s("softmax"), 8, (X,)),
    (s("where"), 1, (X > 0, X, X)),
    (s("where", 0.0), 2, (X > 0, X)),
    (s("max-pool", 2, layout=NHWC), 16, (IMAGE,)),
    (s("mse"), 4, (X, X)),
    (s("one-hot", 10), 4, (IDS,)),
]


@pytest.mark.parametrize("number", range(len(AT_MOST)))
def test_few_equations(number):
    ours, most, tensors = AT_MOST[number]
    with wide():
        assert len(equations(jax.make_jaxpr(ours)(*tensors).jaxpr)) <= most


def test_a_cross_entropy_takes_no_more_than_optax():
    def optax_loss(x, ids):
        return optax.softmax_cross_entropy_with_integer_labels(x, ids).mean()

    ours = equations(jax.make_jaxpr(s("cross-entropy"))(X, IDS).jaxpr)
    assert len(ours) <= len(equations(jax.make_jaxpr(optax_loss)(X, IDS).jaxpr))


def test_a_double_is_cast_once():
    with wide():
        program = jax.make_jaxpr(s("*"))(jnp.asarray(0.5), X)
    assert [name for name, _ in equations(program.jaxpr)] == ["convert_element_type", "mul"]


def test_a_whole_network_has_no_casts():
    def network(x, w, b, kernel):
        x = SCHEME["max-pool"](
            SCHEME["relu"](SCHEME["convolution"](x, kernel, 1, "same", layout=NHWC)), 2, layout=NHWC
        )
        x = SCHEME["reshape"](x, 8, -1)
        x = SCHEME["+"](SCHEME["matmul"](x, w), b)
        return SCHEME["cross-entropy"](SCHEME["*"](x, 0.5), IDS[:8])

    with wide():
        gradient = jax.make_jaxpr(jax.grad(network, (1, 2, 3)))(
            IMAGE, jnp.ones((576, 5), "float32"), jnp.ones(5, "float32"), KERNEL
        )
    text = str(gradient)
    assert "f64" not in text
    assert "convert_element_type" not in text


def test_values_that_change_nothing_cost_nothing():
    assert SCHEME["reshape"](X, 64, 10) is X
    assert SCHEME["tensor-cast"](X, "float32") is X
    assert SCHEME["transpose"](X, L([0, 1])) is X
    assert SCHEME["squeeze"](X) is X
    np.testing.assert_array_equal(SCHEME["slice"](X, 0, 64), X)
    assert equations(jax.make_jaxpr(s("slice", 0, 64))(X).jaxpr) == []

"""``ek.jit`` of what Python programs have: defaults, keywords, modules, methods, partial calls."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import equinox
import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from staged_sessions import compiles

import eshkol as ek


def scaled(x: Any, y: Any = 2.0, *rest: Any, k: Any = 3.0, **named: Any) -> Any:
    """A function with every kind of parameter."""
    return x * y * k + sum(rest) + sum(named.values())


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1.5,), {}),
    ((1.5, 4.0), {}),
    ((1.5,), {"y": 4.0}),
    ((), {"x": 1.5, "k": 2.0}),
    ((1.5, 4.0, 5.0, 6.0), {}),
    ((1.5,), {"more": 7.0, "k": 0.5}),
]


@pytest.mark.parametrize(("arguments", "named"), CALLS)
def test_defaults_and_keywords_of_python_functions(arguments: Any, named: Any) -> None:
    compiled = ek.jit(scaled)
    for factor in (1, 2, 3):
        given = [factor * argument for argument in arguments]
        assert float(compiled(*given, **named)) == scaled(*given, **named)
    with compiles(0):
        compiled(*arguments, **named)


SCHEME_CALLS = [
    ((2.0,), {}, 2.0),
    ((2.0, 3.0), {}, 6.0),
    ((2.0,), {"scale": 5.0}, 10.0),
    ((2.0, 3.0), {"scale": 5.0}, 30.0),
]


@pytest.mark.parametrize(("arguments", "named", "expected"), SCHEME_CALLS)
def test_defaults_and_keywords_of_scheme_procedures(
    arguments: Any, named: Any, expected: float
) -> None:
    compiled = ek.jit("(lambda (x (y 1.0) #:scale (s 1.0)) (* x y s))")
    assert float(compiled(*arguments, **named)) == expected
    with compiles(0):
        assert float(compiled(*arguments, **named)) == expected


def test_defaults_and_keywords_of_docstring_bodies() -> None:
    @ek.jit
    def weighted(x, learning_rate=0.5):  # type: ignore[no-untyped-def]
        """(* x learning-rate)"""

    assert float(weighted(2.0)) == 1.0
    assert float(weighted(2.0, 3.0)) == float(weighted(2.0, learning_rate=3.0)) == 6.0
    assert float(weighted(x=2.0)) == 1.0


# ---- what holds arrays


class Layer(equinox.Module):
    """A layer as equinox has them."""

    weight: jax.Array
    activation: Callable[..., Any] = equinox.field(static=True)

    def __call__(self, x: Any) -> Any:
        return self.activation(self.weight * x)

    def scaled(self, x: Any, factor: float = 1.0) -> Any:
        """A method beside."""
        return factor * self.weight * x

    @ek.jit
    def compiled(self, x: Any) -> Any:
        """A compiled method."""
        return self.weight * x


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["weight", "rate"], meta_fields=["name"]
)
@dataclasses.dataclass
class Parameters:
    """A dataclass that JAX knows."""

    weight: Any
    rate: float
    name: str


class Plain:
    """An object of a class that nobody knows."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def times(self, x: Any) -> Any:
        """The product."""
        return self.factor * x


def layer(number: int) -> Layer:
    return Layer(jnp.full(2, float(number)), jax.nn.relu)


def dense(number: int) -> Any:
    return nnx.Linear(2, 3, rngs=nnx.Rngs(number))


def mlp(number: int) -> Any:
    return equinox.nn.MLP(2, 3, 4, 1, key=jax.random.key(number))


APPLY = ek.jit("(lambda (m x) (if (> (tensor-sum x) 0) (m x) (m (- x))))")
POSITIVE = jnp.array([1.0, 2.0])
MEMBER = ek.jit("(lambda (p x) (* p.rate p.weight x))")
SLOPE = ek.eval("(gradient (lambda (p) (* p.rate (tensor-sum (square p.weight)))))")
PLAIN = Plain(3.0)
LINEN = flax.linen.Dense(3)
VARIABLES = [LINEN.init(jax.random.key(number), POSITIVE) for number in range(3)]
ADAM = optax.adam(1e-3)


def update(number: int) -> Any:
    parameters = {"w": jnp.full(2, float(number))}
    return ek.jit(ADAM.update)(parameters, ADAM.init(parameters))[0]["w"]


HOLDERS: dict[str, tuple[Callable[[int], Any], Callable[[int], Any]]] = {
    "an equinox module as argument": (
        lambda i: APPLY(layer(i), POSITIVE),
        lambda i: layer(i)(POSITIVE),
    ),
    "an equinox network as argument": (
        lambda i: APPLY(mlp(i), POSITIVE),
        lambda i: mlp(i)(POSITIVE),
    ),
    "an equinox module captured": (
        lambda i: ek.jit("(lambda (x) (m x))", m=layer(i))(POSITIVE),
        lambda i: layer(i)(POSITIVE),
    ),
    "an equinox module itself": (
        lambda i: ek.jit(layer(i))(POSITIVE),
        lambda i: layer(i)(POSITIVE),
    ),
    "a method of an equinox module": (
        lambda i: ek.jit(layer(i).scaled)(POSITIVE, factor=2.0),
        lambda i: layer(i).scaled(POSITIVE, 2.0),
    ),
    "a compiled method": (lambda i: layer(i).compiled(2.0), lambda i: layer(i).weight * 2.0),
    "a flax module as argument": (
        lambda i: APPLY(dense(i), POSITIVE),
        lambda i: dense(i)(POSITIVE),
    ),
    "a flax module captured": (
        lambda i: ek.jit("(lambda (x) (m x))", m=dense(i))(POSITIVE),
        lambda i: dense(i)(POSITIVE),
    ),
    "variables of flax.linen": (
        lambda i: ek.jit("(lambda (v x) (.apply m v x))", m=LINEN)(VARIABLES[i], POSITIVE),
        lambda i: LINEN.apply(VARIABLES[i], POSITIVE),
    ),
    "a method of flax.linen": (
        lambda i: ek.jit(LINEN.apply)(VARIABLES[i], POSITIVE),
        lambda i: LINEN.apply(VARIABLES[i], POSITIVE),
    ),
    "a registered dataclass": (
        lambda i: MEMBER(Parameters(jnp.full(2, float(i)), 0.5, "p"), 2.0),
        lambda i: np.full(2, float(i)),
    ),
    "the gradient at a registered dataclass": (
        lambda i: SLOPE(Parameters(jnp.full(2, float(i)), 0.5, "p")).weight,
        lambda i: np.full(2, float(i)),
    ),
    "a partial call with an array": (
        lambda i: ek.jit(functools.partial(scaled, y=jnp.full(2, float(i))))(1.5),
        lambda i: scaled(1.5, np.full(2, float(i))),
    ),
    "a partial call with a module": (
        lambda i: ek.jit(functools.partial(Layer.scaled, layer(i)))(POSITIVE),
        lambda i: layer(i).scaled(POSITIVE),
    ),
    "a partial call with settings": (
        lambda i: ek.jit(functools.partial(jnp.sum, axis=0, keepdims=True))(i * POSITIVE),
        lambda i: jnp.sum(i * POSITIVE, 0, keepdims=True),
    ),
    "a partial call of a procedure": (
        lambda i: ek.jit(functools.partial(SQUARES, i * POSITIVE))(2.0),
        lambda i: i * POSITIVE * 4.0,
    ),
    "a method of an object": (lambda i: ek.jit(PLAIN.times)(float(i)), lambda i: 3.0 * i),
    "an optimizer": (update, lambda i: ADAM.update(*_first(i))[0]["w"]),
}

SQUARES = ek.eval("(lambda (w x) (if (> x 0) (* w x x) w))")


def _first(number: int) -> tuple[Any, Any]:
    parameters = {"w": jnp.full(2, float(number))}
    return parameters, ADAM.init(parameters)


@pytest.mark.parametrize("case", HOLDERS)
def test_new_weights_compile_nothing(case: str) -> None:
    run, reference = HOLDERS[case]
    np.testing.assert_allclose(run(0), reference(0), rtol=1e-5)
    with compiles(0):
        for number in (1, 2):
            np.testing.assert_allclose(run(number), reference(number), rtol=1e-5)


def test_modules_come_out_as_they_are() -> None:
    doubled = ek.jit("(lambda (m) m)")(layer(3))
    assert isinstance(doubled, Layer)
    assert doubled.weight.tolist() == [3.0, 3.0]
    found = ek.jit("(lambda (p) (list p p.rate))")(Parameters(jnp.ones(2), 0.5, "p"))
    assert isinstance(found.car, Parameters)
    assert (found.car.weight.tolist(), found.car.rate, found.car.name) == ([1.0, 1.0], 0.5, "p")


def test_gradients_of_modules_are_modules() -> None:
    loss = "(lambda (m x) (tensor-sum (square (m x))))"
    network = mlp(0)
    gradient = ek.jit(ek.grad(loss))(network, POSITIVE)
    expected = equinox.filter_grad(lambda m, x: jnp.sum(m(x) ** 2))(network, POSITIVE)
    for ours, theirs in zip(
        jax.tree.leaves(equinox.filter(gradient, equinox.is_array)),
        jax.tree.leaves(equinox.filter(expected, equinox.is_array)),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    linear = dense(1)
    partials = ek.grad(loss)(linear, POSITIVE)
    assert isinstance(partials, nnx.Linear)
    expected = jax.grad(lambda m: jnp.sum(m(POSITIVE) ** 2))(linear)
    np.testing.assert_allclose(partials.kernel[...], expected.kernel[...], rtol=1e-5)


def test_modules_are_donated() -> None:
    step = ek.jit("(lambda (m) m)", donate=0)
    module = layer(2)
    kept = step(module)
    assert module.weight.is_deleted()
    assert kept.weight.tolist() == [2.0, 2.0]

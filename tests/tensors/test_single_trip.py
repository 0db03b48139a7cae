"""JAX differentiates what computes with doubles by its own rules, though it has none itself."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from forms_of_matrices import FORMS_OF_MATRICES
from tensor_laws import SCHEME
from test_form_laws import FORMS_OF_ELEMENTS, together

import eshkol as ek
from eshkol.session import Session
from eshkol.xla.dtypes import wide
from rows import one_in

pytestmark = pytest.mark.filterwarnings("ignore:.*complex.*", "error:Explicitly requested")

SMOOTH = [form for form in [*FORMS_OF_ELEMENTS, *FORMS_OF_MATRICES] if form.smooth]

CALLED: dict[str, Callable[[Callable], Callable]] = {
    "eager": lambda f: f,
    "in a program of JAX": jax.jit,
    "compiled": ek.jit,
}


def total(parts: list[Any]) -> Any:
    """A weighted sum of results, computed by Eshkol, since JAX has no doubles here."""
    result: Any = 0.0
    for part in parts:
        with wide():
            weights = jnp.cos(jnp.arange(part.size, dtype="float64")).reshape(part.shape)
        if part.dtype.kind == "c":
            part = SCHEME["+"](SCHEME["real-part"](part), SCHEME["imag-part"](part))
        result = SCHEME["+"](result, SCHEME["tensor-sum"](SCHEME["*"](part, weights)))
    return result


@pytest.mark.parametrize("way", CALLED)
@pytest.mark.parametrize("form", one_in(40, SMOOTH, [form.name for form in SMOOTH]))
def test_the_gradient_is_that_with_doubles(form: Any, way: str) -> None:
    run, tensors = together([(form, 0)], "float64", lambda x: x.dtype.kind in "fc")
    if not tensors:
        pytest.skip("nothing to differentiate by")

    def scalar(*arrays: Any) -> Any:
        return total(run(list(arrays))[0])

    places = tuple(range(len(tensors)))
    with wide():
        expected = jax.grad(scalar, places)(*tensors)
    found = jax.grad(CALLED[way](scalar), places)(*tensors)
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=1e-7, atol=1e-9)


PROGRAMS = {
    "list-ref": "(list-ref (list x (* x x) (sin x)) (if (> x 0) 1 2))",
    "maximum": "(tensor-max (tensor x (* 2 x) (* x x) #:dtype 'float64))",
    "softmax": "(tensor-ref (softmax (tensor x (* 2 x) (* x x) #:dtype 'float64)) 2)",
    "sort": "(tensor-ref (tensor-sort (tensor x (* 2 x) (* x x) #:dtype 'float64)) 1)",
    "draws": "(tensor-sum (tensor-sort (* x (random-normal 0 1 '(3) #:dtype 'float64))))",
}

TRANSFORMS: dict[str, Callable[[Callable], Callable]] = {
    "grad": jax.grad,
    "jit of grad": lambda f: jax.jit(jax.grad(f)),
    "grad of jit": lambda f: jax.grad(jax.jit(f)),
    "vmap of grad": lambda f: lambda x: jax.vmap(jax.grad(f))(jnp.stack([x, 2 * x])),
    "grad of grad": lambda f: jax.grad(jax.grad(f)),
    "hessian": lambda f: jax.hessian(lambda x: f(x).astype("float32")),
    "grad of checkpoint": lambda f: jax.grad(jax.checkpoint(f)),
    "grad of scan": lambda f: jax.grad(
        lambda x: jax.lax.scan(lambda c, _: (f(c).astype("float32"), None), x, None, 2)[0]
    ),
}


@pytest.mark.parametrize(
    ("program", "transform"), one_in(6, itertools.product(PROGRAMS, TRANSFORMS))
)
def test_transformations_of_jax(program: str, transform: str) -> None:
    f = Session().evaluate(f"(jit (lambda (x) (with-rng 5 {PROGRAMS[program]})))")
    x = jnp.float32(1.3)
    with wide():
        expected = TRANSFORMS[transform](f)(x)
    found = TRANSFORMS[transform](f)(x)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_second_call_compiles_nothing() -> None:
    f = Session().evaluate(f"(jit (lambda (x) {PROGRAMS['sort']}))")
    jax.grad(f)(jnp.float32(1.3))
    compiled = []
    with jax.log_compiles(False):
        jax.monitoring.register_event_duration_secs_listener(
            listener := lambda name, *_, **__: compiled.append(name)
        )
        try:
            jax.grad(f)(jnp.float32(1.4))
        finally:
            jax.monitoring.unregister_event_duration_listener(listener)
    assert not [name for name in compiled if "backend_compile" in name]


def test_xla_takes_it_for_what_it_is() -> None:
    f = Session().evaluate(f"(jit (lambda (x) {PROGRAMS['sort']}))")
    for transformed in (f, jax.grad(f), jax.grad(jax.grad(f))):
        program = jax.jit(transformed).lower(jnp.float32(1.3)).compile().as_text()
        assert " while(" not in program


def test_concrete_calls_and_derivatives_take_turns() -> None:
    f = Session().evaluate("(jit (lambda (v) (tensor-max v)))")
    with wide():
        v = jnp.asarray([1.0, 3.0, 2.0], "float64")
    slope = functools.partial(np.testing.assert_array_equal, [0.0, 1.0, 0.0])
    for _ in range(40):
        assert float(f(v)) == 3.0
    slope(jax.grad(f)(v))
    assert float(f(v)) == 3.0
    slope(jax.grad(f)(v))

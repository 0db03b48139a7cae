"""The way back through the trips of a loop: what it keeps, what it computes at once, and that its
derivatives are those of a loop of JAX's whose trips are known."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from numpy.testing import assert_allclose

from eshkol.xla.loop_checkpoints import split
from eshkol.xla.loop_primitive import loop
from rows import one_in

pytestmark = pytest.mark.usefixtures("doubles")


def long_loop(checkpoint: Any, max_trips: int | None = None) -> Any:
    def f(x: Any, trips: Any) -> Any:
        def body(s: Any) -> Any:
            i, y = s
            return i + 1, jnp.sin(y) * x + 0.1 * y

        end = loop(lambda s: s[0] < trips, body, (0, x), checkpoint=checkpoint, max_trips=max_trips)
        return end[1]

    return f


def scanned(x: Any, trips: int) -> Any:
    return lax.fori_loop(0, trips, lambda _, y: jnp.sin(y) * x + 0.1 * y, x)


@pytest.mark.parametrize("checkpoint", one_in(3, ["log", 1, 2, 3, 4, 5, 8]))
def test_any_number_of_trips_with_few_states(checkpoint: Any) -> None:
    gradient = jax.jit(jax.grad(long_loop(checkpoint)))
    expected = jax.jit(jax.grad(scanned), static_argnums=1)
    for trips in [0, 1, 2, 3, 5, 16, 17, 33, 150, *[5000] * (checkpoint == "log")]:
        assert_allclose(gradient(1.3, trips), expected(1.3, trips), rtol=1e-10)


@pytest.mark.parametrize(
    ("bound", "order"), [(40, 1), (64, 1), pytest.param(40, 2, marks=pytest.mark.slow)]
)
def test_all_states_are_kept_up_to_a_bound(bound: int, order: int) -> None:
    f, expected = long_loop("all", bound), scanned
    for _ in range(order):
        f, expected = jax.grad(f), jax.grad(expected)
    run, expected = jax.jit(f), jax.jit(expected, static_argnums=1)
    for trips in [0, 1, 7, 40]:
        assert_allclose(run(1.3, trips), expected(1.3, trips), rtol=1e-10)
    lanes = jax.jit(jax.vmap(f))(jnp.full(4, 1.3), jnp.array([0, 40, 1, 7]))
    assert_allclose(lanes, [expected(1.3, n) for n in (0, 40, 1, 7)], rtol=1e-10)


@pytest.mark.parametrize(("checkpoint", "order"), [("log", 1), (5, 1), ("all", 2)])
def test_large_constants_get_the_cotangents_of_many_trips_at_once(
    checkpoint: Any, order: int
) -> None:
    w = jnp.asarray(np.random.default_rng(0).normal(size=(24, 24)) / 9)
    bound = 300 if checkpoint == "all" else None

    def unknown(w: Any, x: Any, trips: Any) -> Any:
        def body(s: Any) -> Any:
            return s[0] + 1, jnp.tanh(w @ s[1] * x.sum()) + x

        options = {"checkpoint": checkpoint, "max_trips": bound}
        return (loop(lambda s: s[0] < trips, body, (0, x), **options)[1] ** 2).sum()

    def known(w: Any, x: Any, trips: int) -> Any:
        return (lax.fori_loop(0, trips, lambda _, y: jnp.tanh(w @ y * x.sum()) + x, x) ** 2).sum()

    def mode(f: Any) -> Any:
        if order == 1:
            return jax.grad(f, (0, 1))
        return jax.grad(lambda w, x, n: (jax.grad(f)(w, x, n) ** 2).sum(), (0, 1))

    x = jnp.linspace(0.1, 0.3, 24)
    found, expected = jax.jit(mode(unknown)), jax.jit(mode(known), static_argnums=2)
    for trips in (0, 1, 130, 300)[order - 1 :: order]:
        for a, b in zip(found(w, x, trips), expected(w, x, trips), strict=True):
            assert_allclose(a, b, rtol=1e-8, atol=1e-12)


LAYERS = {
    "a matrix turned": lambda w, b, x: jnp.tanh(w.T @ x + b[0]),
    "a function of the matrix": lambda w, b, x: jnp.tanh(jnp.sin(w) @ x) * b[1],
    "two products": lambda w, b, x: jnp.sin(w @ jnp.cos(w @ x)) + b.sum() * x,
    "a vector, large as well": lambda w, b, x: jnp.tanh(w @ x) * jnp.repeat(w[0], 24)[:24] + x,
    "a quadratic form": lambda w, b, x: x / (1.0 + x @ w @ x * b[0]),
    "a convolution": lambda w, b, x: jnp.tanh(jnp.convolve(w.reshape(-1)[:575], x, "same")[:24]),
    "rows that are looked up": lambda w, b, x: jnp.tanh(w @ x + w[jnp.int32(abs(x[0]) * 9) % 24]),
    "a part that stands still": lambda w, b, x: jnp.tanh(w @ lax.stop_gradient(x)) + b[0] * x,
}


@pytest.mark.parametrize("name", one_in(4, LAYERS))
def test_layers_go_back_through_many_trips_at_once(name: str) -> None:
    layer = LAYERS[name]
    numbers = np.random.default_rng(1)
    w, b = jnp.asarray(numbers.normal(size=(24, 24)) / 9), jnp.asarray([0.3, 0.7])
    x = jnp.linspace(0.1, 0.3, 24)

    def unknown(w: Any, b: Any, x: Any, trips: Any) -> Any:
        body = lambda s: (s[0] + 1, layer(w, b, s[1]))  # noqa: E731
        return (loop(lambda s: s[0] < trips, body, (0, x), max_trips=150)[1] ** 2).sum()

    def known(w: Any, b: Any, x: Any, trips: int) -> Any:
        return (lax.fori_loop(0, trips, lambda _, y: layer(w, b, y), x) ** 2).sum()

    found = jax.jit(jax.grad(unknown, (0, 1, 2)))
    expected = jax.jit(jax.grad(known, (0, 1, 2)), static_argnums=3)
    for trips in (0, 1, 140):
        for a, e in zip(found(w, b, x, trips), expected(w, b, x, trips), strict=True):
            assert_allclose(a, e, rtol=1e-8, atol=1e-12)


def test_without_a_bound_all_states_are_kept_outside_of_compiled_code() -> None:
    assert_allclose(jax.grad(long_loop("all"))(1.3, 21), jax.grad(scanned)(1.3, 21), rtol=1e-12)
    hessian = jax.grad(jax.grad(long_loop("all")))(1.3, 21)
    assert_allclose(hessian, jax.grad(jax.grad(scanned))(1.3, 21), rtol=1e-12)


def test_in_compiled_code_all_states_need_a_bound() -> None:
    with pytest.raises(Exception, match="takes a bound on its trips"):
        jax.jit(jax.grad(long_loop("all")))(1.3, 21)


def test_more_trips_than_there_is_room_for() -> None:
    for f, expected in [
        (long_loop("all", 8), scanned),
        (jax.grad(long_loop("all", 8)), jax.grad(scanned)),
    ]:
        gradient, expected = jax.jit(jax.grad(f)), jax.grad(expected)
        for trips in (7, 8, 9, 40):
            assert_allclose(gradient(1.3, trips), expected(1.3, trips), rtol=1e-9)


@pytest.mark.parametrize("checkpoint", [0, -1, "some", 2.5, True])
def test_nonsense_checkpoints(checkpoint: Any) -> None:
    with pytest.raises(ValueError, match="checkpoint is 'log', 'all' or a positive number"):
        loop(lambda y: y < 1, lambda y: y + 1, 0.0, checkpoint=checkpoint)


@functools.cache
def fewest_runs(length: int, places: int) -> int:
    """The least number of trips run forwards to go back through so many (Griewank, eq. 4)."""
    if length == 1:
        return 0
    if places == 1:
        return length * (length - 1) // 2
    return min(
        m + fewest_runs(m, places) + fewest_runs(length - m, places - 1) for m in range(1, length)
    )


@functools.cache
def scheduled_runs(length: int, places: int) -> int:
    if length == 1:
        return 0
    if places == 1:
        return length * (length - 1) // 2
    m = int(split(length, places))
    assert 1 <= m < length
    return m + scheduled_runs(m, places) + scheduled_runs(length - m, places - 1)


@pytest.mark.parametrize("places", [1, 2, 3, 5, 16])
@pytest.mark.parametrize("length", [2, 3, 7, 20, 36])
def test_the_schedule_is_optimal(length: int, places: int) -> None:
    assert scheduled_runs(length, places) == fewest_runs(length, places)


def test_the_way_back_keeps_as_many_states_as_it_says() -> None:
    """The memory of the compiled gradient does not grow with the number of trips."""

    def temporary_bytes(checkpoint: Any, bound: int | None) -> int:
        def f(x: Any, trips: Any) -> Any:
            end = loop(
                lambda s: s[0] < trips,
                lambda s: (s[0] + 1, jnp.sin(s[1]) * x),
                (0, x),
                checkpoint=checkpoint,
                max_trips=bound,
            )
            return end[1].sum()

        compiled = jax.jit(jax.grad(f)).lower(jnp.ones(10_000), 5).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    # Beside the states there is what a chunk of trips needs.
    state, chunk = 80_000, 4 << 20
    assert temporary_bytes("log", None) < 45 * state + chunk
    assert temporary_bytes(4, None) < 16 * state + chunk
    assert 1000 * state < temporary_bytes("all", 1000) < 1020 * state + chunk


def test_what_is_computed_of_many_states_at_once_is_small() -> None:
    """A trip's own matrices are not kept for a chunk of trips."""

    def f(w: Any, x: Any, trips: Any) -> Any:
        def body(s: Any) -> Any:
            return s[0] + 1, jax.nn.softmax(w * s[1][:, None] * s[1], axis=1) @ s[1]

        return (loop(lambda s: s[0] < trips, body, (0, x))[1] ** 2).sum()

    w, x = jnp.ones((256, 256)), jnp.ones(256)
    compiled = jax.jit(jax.grad(f)).lower(w, x, 64).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 20 * w.nbytes

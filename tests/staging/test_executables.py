"""Executables without the bodies of their compiled loops: they load, and compute the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eshkol.xla import executables
from eshkol.xla._compat import Loaded
from eshkol.xla.executables import STANDS_FOR, Unknown, without_bodies

DEVICE = jax.devices("cpu")[0]
X = jnp.linspace(0.1, 2.0, 64).reshape(8, 8)


def _residual(x: Any) -> Any:
    for _ in range(6):
        x = x + jnp.tanh(x * 1.01) @ x
    return jnp.sum(x**2)


def _scan(x: Any) -> Any:
    return jax.lax.scan(lambda s, r: (jnp.sin(s + r), s * r), x[0], x)


PROGRAMS: dict[str, Callable[..., Any]] = {
    "one loop": lambda x: jnp.sin(x) * 2 + x**3,
    "several results": lambda x: (jnp.exp(x) + 1, jnp.exp(x) - x, x * 2, x),
    "the gradient of a deep model": jax.grad(_residual),
    "a product": lambda x: jax.nn.softmax(x @ x.T + 1) @ x,
    "a reduction": lambda x: (jnp.max(x * 2, axis=0), jnp.mean(x - 1)),
    "a part that is written": lambda x: jax.lax.dynamic_update_slice(x * 2, x[:2] + 1, (3, 0)),
    "scattered numbers": lambda x: (x + 1).at[jnp.array([1, 1, 5])].add(x[:3] * 2),
    "gathered numbers": lambda x: (x * 2)[jnp.array([3, 1])] + 1,
    "a scan": _scan,
    "the gradient of a scan": jax.grad(lambda x: jnp.sum(_scan(x)[1])),
    "a loop of unknown length": lambda x: jax.lax.while_loop(
        lambda s: jnp.sum(s) < 1e4, lambda s: s * 1.5 + jnp.sin(s), x
    ),
    "a branch": lambda x: jax.lax.cond(x[0, 0] > 0, lambda y: y * 2 + 1, jnp.cos, x + 1),
    "a sort": lambda x: jnp.sort(jnp.sin(9 * x), axis=0) * 2,
    "a convolution": lambda x: jnp.convolve(x[0] * 2, x[1] + 1),
    "random numbers": lambda x: jax.random.normal(jax.random.key(3), x.shape) * x,
    "lapack": lambda x: jnp.linalg.solve(x + 20 * jnp.eye(8), x * 2),
    "a Fourier transform": lambda x: jnp.abs(jnp.fft.fft(x * 2)) + 1,
}


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    return jax.jit(function, **options).lower(X).compile()


def _results(compiled: Any, data: bytes, argument: Any) -> Any:
    """What the program computes when it was read from these bytes."""
    parts = Loaded(compiled._executable, compiled.out_tree).parts
    kept = sorted(parts.kept_var_idx)
    avals = [jax.api_util.shaped_abstractify(X)]
    outs = parts.output_avals
    loaded = Loaded.from_bytes(
        data, DEVICE, "f", avals, outs, kept, parts.committed, compiled.out_tree
    )
    return loaded.call([argument])[0]


def _bytes_of(compiled: Any) -> bytes:
    return Loaded(compiled._executable, compiled.out_tree).to_bytes()


@pytest.mark.parametrize("function", PROGRAMS.values(), ids=PROGRAMS)
def test_results_are_the_same_to_the_bit(function: Callable[..., Any]) -> None:
    compiled = _compiled(function)
    smaller = without_bodies(_bytes_of(compiled))
    expected = jax.tree_util.tree_leaves(compiled(X))
    found = jax.tree_util.tree_leaves(_results(compiled, smaller, X))
    assert [np.asarray(a).tobytes() for a in found] == [np.asarray(a).tobytes() for a in expected]


def test_a_donated_argument_is_used_again() -> None:
    compiled = _compiled(lambda x: jnp.sin(x) + 1, donate_argnums=0)
    smaller = without_bodies(_bytes_of(compiled))
    given = X + 0
    result = _results(compiled, smaller, given)
    np.testing.assert_allclose(result, np.sin(X) + 1, rtol=1e-6)
    assert given.is_deleted()


def test_what_a_deep_model_repeats_is_left_out() -> None:
    whole = _bytes_of(_compiled(PROGRAMS["the gradient of a deep model"]))
    smaller = without_bodies(whole)
    assert STANDS_FOR in smaller and len(smaller) < 0.8 * len(whole)
    assert len(without_bodies(smaller)) <= len(smaller)


@pytest.mark.parametrize("path", [(9,), (1, 9), (1, 1, 9)], ids=str)
def test_another_form_is_not_touched(path: tuple[int, ...], monkeypatch) -> None:
    whole = _bytes_of(_compiled(PROGRAMS["one loop"]))
    monkeypatch.setattr(executables, "MODULE", path)
    with pytest.raises(Unknown):
        without_bodies(whole)


def test_what_was_cut_off_is_not_touched() -> None:
    whole = _bytes_of(_compiled(PROGRAMS["one loop"]))
    for length in range(0, len(whole) - 1, 997):
        with pytest.raises(Unknown):
            without_bodies(whole[:length])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_of_any_bytes_nothing_else_is_said(data: bytes) -> None:
    with suppress(Unknown):
        assert without_bodies(data) is not None

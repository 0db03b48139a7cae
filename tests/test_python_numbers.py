"""Numbers that cross from Python into compiled programs, and into Python functions there."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eshkol as ek

X = np.arange(6, dtype=np.float32).reshape(2, 3)


# ---- what NumPy has


FROM_NUMPY = {
    "a double": ("(lambda (x) (+ x 1))", np.float64(1 / 3)),
    "a single": ("(lambda (x) (+ x 1))", np.float32(1.5)),
    "a long integer": ("(lambda (n) (+ n 1))", np.int64(2**40)),
    "a byte": ("(lambda (n) (+ n 10))", np.uint8(250)),
    "a size": ("(lambda (n) (zeros n))", np.int32(3)),
    "a boolean": ("(lambda (b) (if b 1 2))", np.bool_(False)),
    "a number in a dictionary": ('(lambda (d) (* 2 (ref d "n")))', {"n": np.int64(2**40)}),
    "an array of doubles": ("(lambda (x) (+ x x))", np.arange(3) / 3),
    "an array of doubles of rank 0": ("(lambda (x) (+ x 1))", np.array(1 / 3)),
    "an array of long integers": ("(lambda (x) (+ x x))", np.array([2**40])),
    "an array of bytes": ("(lambda (x) (+ x x))", np.arange(3, dtype=np.uint8)),
    "a point": ("(lambda (x) (gradient (lambda (x) (* x x x)) x))", np.float64(1 / 3)),
    "an array as a point": ("(lambda (x) (gradient tensor-sum x))", np.ones(3)),
}


@pytest.mark.parametrize("title", FROM_NUMPY)
def test_jit_takes_from_numpy_what_eager_code_takes(title):
    text, value = FROM_NUMPY[title]
    expected = np.asarray(ek.eval(text)(value))
    jitted = ek.jit(text)
    for _ in range(3):
        result = jitted(value)
        assert np.array_equal(result, expected)
        assert result.dtype == expected.dtype


# ---- what Python functions are given


PYTHON_NUMBERS = {
    "an integer times a tensor": (lambda x, n: (x * n, n * x), X, 3),
    "a real times a tensor": (lambda x, r: x - r * x, X, 0.1),
    "reals": (lambda r: (r * r, 1 / r, -r, r**2), 1 / 3),
    "integers": (lambda n: (n + 1, 2 * n, n - 7, 7 - n, -n, abs(n), n**2, n // 2, n % 2), -3),
    "large integers": (lambda n: (n + 1, n * 1e-9), 2**40),
    "a quotient": (lambda n: (n / 2, 2 / n, 1 - 0.9**n), 3),
    "a dictionary of numbers": (
        lambda s: {"x": s["x"] - s["rate"] * s["x"], "step": s["step"] + 1},
        {"x": X, "rate": 0.5, "step": 2},
    ),
    "a list": (lambda s: [s[0] + 1, s[1] + 1], [1, 1.5]),
    "numbers that come back": (lambda n, b, r: (n, b, r), 3, True, 0.5),
    "a test of an integer": (lambda x, n: x if n > 2 else 2 * x, X, 3),
    "a test of a boolean": (lambda x, flag: x if flag else 2 * x, X, False),
    "equal to an integer": (lambda x, n: x if n == 3 and n != 4 else 2 * x, X, 3),
    "a member": (lambda n: {3: 1.5}[n] if n in (1, 3) else 2.5, 3),
    "a name": (lambda d, n: d[f"w{n}"] * 2, {"w3": X}, 3),
    "what remains traced": (lambda x, n, b: jnp.where((n > 2) & b, x, 0), X, 3, True),
    "the bits": (lambda n: (~n, n & 6, n | 8, n ^ 1, n << 2, n >> 1, divmod(n, 2)), 5),
    "a shape": (lambda n: jnp.zeros((n, n + 1, 2 * n, n // 2)), 4),
    "a range": (lambda x, n: sum(x * i for i in range(n)), X, 3),
    "a part of a tensor": (lambda x, n: x[:, : n + 1], X, 1),
    "an index": (lambda x, n: (x[n], x[:, n - 1], x[n, n]), X, 1),
    "an element that changes": (lambda x, n: x.at[n].set(5.0).at[0, n].add(n), X, 1),
    "a dynamic slice": (lambda x, n: jax.lax.dynamic_slice(x, (n, 0), (1, 2)), X, 1),
    "a loop of JAX's": (lambda x, n: jax.lax.fori_loop(0, n, lambda i, y: y + i * n, x), X, 3),
    "a scan": (lambda x, r: jax.lax.scan(lambda c, y: (c + r * y, y * r), x[0], x), X, 0.5),
    "a map": (lambda x, n: jax.vmap(lambda y: y[n] * n)(x), X, 2),
    "a gradient": (lambda x, n: jax.grad(lambda y: (y * n).sum() + y[n, n])(x), X, 1),
    "dtypes that are not named": (lambda x: (x + jnp.ones(3), jnp.arange(3), jnp.zeros(2)), X),
    "random numbers": (lambda n: jax.random.normal(jax.random.key(n), (3,)), 5),
    "one hot": (lambda n: jax.nn.one_hot(n, 3), 2),
    "a number of classes": (lambda x, n: jax.nn.one_hot(x[0].astype(int), n), X, 3),
    "an axis": (lambda x, n: (jnp.sum(x, n), x.mean(n), jnp.stack([x, x], n)), X, 1),
    "numbers in a row": (lambda n: (jnp.arange(n), jnp.split(jnp.arange(2 * n), n)), 3),
    "the slope of a power": (lambda x, r: x * jax.grad(lambda r: r**3)(r), X, 0.5),
    "a method": (lambda x, n: (x.reshape(n + 2, -1), x.astype(float)), X, 1),
}


@pytest.mark.parametrize("title", PYTHON_NUMBERS)
def test_numbers_in_compiled_python_functions(title):
    function, *arguments = PYTHON_NUMBERS[title]
    expected = function(*jax.tree.map(lambda x: jnp.asarray(x) if x is X else x, arguments))
    apply_inside = ek.Session().evaluate("(lambda (f . a) (apply (jit (lambda a (apply f a))) a))")
    for result in (ek.jit(function)(*arguments), apply_inside(function, *arguments)):
        leaves, structure = jax.tree.flatten(result)
        wanted, same = jax.tree.flatten(expected)
        assert structure == same
        for leaf, other in zip(leaves, wanted, strict=True):
            assert np.asarray(leaf).dtype == np.asarray(other).dtype
            assert np.allclose(leaf, other, rtol=1e-6)


def test_new_integers_in_python_functions_compile_nothing():
    traces = []

    def corrected(x, step):
        traces.append(step)
        return x / (1 - 0.9**step)

    compiled = ek.jit(corrected)
    for step in (1, 2, 3):
        assert np.allclose(compiled(X, step), X / (1 - 0.9**step))
    assert len(traces) == 1

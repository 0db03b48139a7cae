"""Tensor operations in eager code, and a chain of them compiled, against ``jax.numpy``.

Every operation is called many times on matrices so small that the way to XLA and back is what is
measured: from a compiled Scheme procedure, and from a Python function. Then a chain of operations
(``tensors.esk``), eager on small matrices and compiled on larger ones.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.session import Session
from measure import Measured, Sample, comparison, interleaved, print_machine, table
from peers import tensors as peers

HERE = Path(__file__).parent
CALLS = 100
"""Calls in a turn."""

GOAL = 1.20
"""The largest ratio aimed at, of an eager operation."""

OPERATIONS = """
arithmetic
  (+ x y)                                | x + y
  (* x y)                                | x * y
  (/ x y)                                | x / y
  (+ x 1.5)                              | x + 1.5
  (* 2 x)                                | 2 * x
  (- x)                                  | -x
  (expt x 2)                             | x**2
  (abs x)                                | jnp.abs(x)
  (max x y)                              | jnp.maximum(x, y)
choice
  (> x y)                                | x > y
  (where (> x y) x y)                    | jnp.where(x > y, x, y)
  (clip x 0.25 0.75)                     | jnp.clip(x, 0.25, 0.75)
functions
  (exp x)                                | jnp.exp(x)
  (log x)                                | jnp.log(x)
  (sqrt x)                               | jnp.sqrt(x)
  (tanh x)                               | jnp.tanh(x)
  (relu x)                               | jax.nn.relu(x)
  (sigmoid x)                            | jax.nn.sigmoid(x)
  (gelu x)                               | jax.nn.gelu(x)
  (softmax x)                            | jax.nn.softmax(x)
  (log-softmax x)                        | jax.nn.log_softmax(x)
products
  (matmul x y)                           | x @ y
  (einsum "ij,jk->ik" x y)               | jnp.einsum("ij,jk->ik", x, y)
  (tensordot x y 1)                      | jnp.tensordot(x, y, 1)
  (outer v v)                            | jnp.outer(v, v)
reductions
  (tensor-sum x)                         | jnp.sum(x)
  (tensor-sum x 0)                       | jnp.sum(x, axis=0)
  (tensor-mean x -1 #:keepdims #t)       | jnp.mean(x, axis=-1, keepdims=True)
  (tensor-std x 0)                       | jnp.std(x, axis=0)
  (tensor-max x 1)                       | jnp.max(x, axis=1)
  (tensor-argmax x 1)                    | jnp.argmax(x, axis=1)
  (cumsum x 0)                           | jnp.cumsum(x, axis=0)
  (norm v)                               | jnp.linalg.norm(v)
shapes
  (reshape x 2 32)                       | jnp.reshape(x, (2, 32))
  (transpose x)                          | x.T
  (transpose c '(2 0 1))                 | jnp.transpose(c, (2, 0, 1))
  (flatten x)                            | jnp.ravel(x)
  (unsqueeze x 0)                        | jnp.expand_dims(x, 0)
  (squeeze (unsqueeze x 0) 0)            | jnp.squeeze(jnp.expand_dims(x, 0), 0)
  (broadcast-to x '(4 8 8))              | jnp.broadcast_to(x, (4, 8, 8))
  (concatenate (list x y) 0)             | jnp.concatenate([x, y], axis=0)
  (stack (list x y) 0)                   | jnp.stack([x, y], axis=0)
  (tensor-split x 2 0)                   | jnp.split(x, 2, axis=0)
  (pad x 1)                              | jnp.pad(x, 1)
  (tile v 3)                             | jnp.tile(v, 3)
  (roll x 1 0)                           | jnp.roll(x, 1, axis=0)
  (tensor-flip x 0)                           | jnp.flip(x, axis=0)
elements
  (tensor-slice x 2 6)                   | x[2:6]
  (tensor-slice x '(2:6 ::2))            | x[2:6, ::2]
  (tensor-get x 3)                       | x[3]
  (tensor-ref x 2 3)                     | x[2, 3]
  (tensor-sort x 0)                      | jnp.sort(x, axis=0)
  (argsort x 0)                          | jnp.argsort(x, axis=0)
creation
  (zeros 8 8)                            | jnp.zeros((8, 8))
  (arange 8)                             | jnp.arange(8.0)
  (zeros-like x)                         | jnp.zeros_like(x)
  (one-hot indices 8)                    | jax.nn.one_hot(indices, 8)
  (tensor-cast x 'float16)               | x.astype(jnp.float16)
linear algebra
  (tensor-det m)                         | jnp.linalg.det(m)
  (tensor-qr m)                          | jnp.linalg.qr(m)
checked
  (gather x indices 0)                   | jnp.take(x, indices, axis=0)
  (tensor-inverse m)                     | jnp.linalg.inv(m)
  (tensor-solve m v)                     | jnp.linalg.solve(m, v)
  (tensor-cholesky m)                    | jnp.linalg.cholesky(m)
"""
"""What is called, in Scheme and in Python, by group.

Those in the last group look at values, and raise an error where there is no such element or no
answer. ``jax.numpy`` does not wait to see it, and gives something else there; so they are also
compared with Python that looks, in the quickest way there is.
"""

LOOKING = {
    "(gather x indices 0)": "jnp.take(x, below(indices, 8), axis=0)",
    "(tensor-inverse m)": "finite(jnp.linalg.inv(m))",
    "(tensor-solve m v)": "finite(jnp.linalg.solve(m, v))",
    "(tensor-cholesky m)": "finite(jnp.linalg.cholesky(m))",
}
"""Those of the last group in Python that looks at values too."""


def finite(result: jax.Array) -> jax.Array:
    """A result without infinities; NumPy looks at it where it is, sooner than a second kernel."""
    if not np.isfinite(np.asarray(result)).all():
        raise ValueError("there is no answer")
    return result


def below(indices: jax.Array, size: int) -> jax.Array:
    """Indices of an axis of a size."""
    known = np.asarray(indices)
    if known.min() < 0 or known.max() >= size:
        raise IndexError(f"there are {size} elements")
    return indices


def operands() -> dict[str, jax.Array]:
    """What the operations are given: matrices, a vector, a cube, indices, a definite matrix."""
    numbers = np.random.default_rng(0)
    x, y, c = (
        jnp.asarray(numbers.random(shape), jnp.float32) for shape in ((8, 8),) * 2 + ((4, 4, 4),)
    )
    return {
        "x": x,
        "y": y,
        "v": x[0],
        "c": c,
        "m": x @ x.T + jnp.eye(8),
        "indices": jnp.asarray([0, 2, 5]),
    }


def operations() -> list[tuple[str, str, str]]:
    """Group, expression in Scheme and in Python of each operation."""
    rows, group = [], ""
    for line in OPERATIONS.strip().splitlines():
        ours, found, theirs = line.strip().partition(" | ")
        if found:
            rows.append((group, ours.strip(), theirs.strip()))
        else:
            group = ours
    return rows


Repeated = Callable[..., Any]
Line = tuple[str, str, Measured]


def in_scheme(session: Session, expression: str) -> Repeated:
    """The procedure that computes an expression ``n`` times and gives the last value."""
    return session.evaluate(
        f"(lambda (n x y v c m indices) (let loop ((i 1)) (let ((value {expression}))"
        " (if (= i n) value (loop (+ i 1))))))"
    )


def in_python(expression: str) -> Repeated:
    """The same in Python."""
    names: dict[str, Any] = {"jax": jax, "jnp": jnp, "finite": finite, "below": below}
    lines = (
        "def repeated(n, x, y, v, c, m, indices):",
        "    for _ in range(n):",
        f"        value = {expression}",
        "    return value",
    )
    exec("\n".join(lines), names)
    return names["repeated"]


def arrays(value: Any) -> list[Any]:
    """The arrays of a result: of a list of them each."""
    return list(value) if not isinstance(value, jax.Array | np.ndarray) else [value]


def check(title: str, own: Any, other: Any) -> None:
    """Both must have computed the same.

    Raises:
        SystemExit: if they haven't.
    """
    for a, b in zip(arrays(own), arrays(other), strict=True):
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-3, atol=1e-5):
            raise SystemExit(f"{title}: {a} by Eshkol and {b} by jax.numpy")


def work(function: Repeated, values: dict[str, jax.Array]) -> Sample:
    """Many calls, and waiting for the last."""
    return lambda: jax.block_until_ready(arrays(function(CALLS, **values)))


def measure_operations(session: Session, rounds: int, wanted: str) -> None:
    """Print the time of each operation, and the ratio to the same in ``jax.numpy``."""
    values = operands()
    alike: list[Line] = []
    checked: list[Line] = []
    for group, expression, peer in operations():
        if wanted and wanted not in (group, expression):
            continue
        own, theirs = in_scheme(session, expression), in_python(peer)
        check(expression, own(1, **values), theirs(1, **values))
        works = {"eshkol": work(own, values), "jax.numpy": work(theirs, values)}
        if expression in LOOKING:
            works["looking"] = work(in_python(LOOKING[expression]), values)
        measured = interleaved(works, rounds, scale=CALLS)
        (checked if group == "checked" else alike).append((expression, peer, measured))
    header = ("", "jax.numpy", "µs", "its µs", "ratio", f"goal ≤ {GOAL:.2f}")
    if alike:
        table("one eager operation on small tensors", header, [_row(*line) for line in alike])
        ratios = [measured.ratio("jax.numpy").middle for *_, measured in alike]
        missed = sum(ratio > GOAL for ratio in ratios)
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"  geometric mean {mean:.3f}; above the goal: {missed} of {len(ratios)}")
    if checked:
        title = "operations that look at values, and wait for them"
        rows = [(*_row(*line)[:-1], str(line[2].ratio("looking"))) for line in checked]
        table(title, (*header[:-1], "to Python that looks"), rows)


def _row(ours: str, theirs: str, measured: Measured) -> tuple[str, ...]:
    ratio = measured.ratio("jax.numpy")
    medians = [f"{measured.median(name) * 1e6:.1f}" for name in ("eshkol", "jax.numpy")]
    return ours, theirs, *medians, str(ratio), "met" if ratio.middle <= GOAL else "MISSED"


def chain_operands(rows: int, width: int) -> list[jax.Array]:
    """The rows and the weights of the chain."""
    numbers = np.random.default_rng(1)
    sizes = [(rows, width), *[(width, width)] * 3, (width, 256), (256, width)]
    return [jnp.asarray(numbers.normal(size=size) / 8, jnp.float32) for size in sizes]


def measure_chains(session: Session, rounds: int) -> None:
    """Print the time of the chain: eager and small, compiled and larger."""
    session.load(HERE / "tensors.esk")
    own, theirs = session.get("chain"), peers.chain
    for title, given, functions, goal in (
        ("the chain, eager, 8 rows", chain_operands(8, 16), (own, theirs), GOAL),
        (
            "the chain, compiled, 512 rows",
            chain_operands(512, 64),
            (session.evaluate("(jit chain)"), jax.jit(theirs)),
            1.02,
        ),
    ):
        check(title, *(function(*given) for function in functions))
        works = {
            name: (lambda f=function, given=given: f(*given).block_until_ready())
            for name, function in zip(("eshkol", "jax.numpy"), functions, strict=True)
        }
        comparison(title, interleaved(works, rounds), {"jax.numpy": goal}, "ms")


def main() -> None:
    """Measure the operations, then the chains."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs")
    parser.add_argument("--only", default="", help="a group, or an expression in Scheme")
    chosen = parser.parse_args()
    print_machine("jax", "jaxlib")
    session = Session()
    measure_operations(session, 5 if chosen.quick else 40, chosen.only)
    if not chosen.only:
        measure_chains(session, 10 if chosen.quick else 200)


if __name__ == "__main__":
    main()

"""Loops whose trips change a few places of an array, as recursions do with their stacks."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from numpy.testing import assert_allclose

from eshkol.base.errors import EshkolError
from eshkol.session import Session
from eshkol.xla import loop_checkpoints
from eshkol.xla._compat import jaxpr_as_fun
from eshkol.xla.dtypes import wide
from eshkol.xla.loop_changes import changes_of
from eshkol.xla.loop_primitive import loop


@pytest.fixture(autouse=True)
def doubles() -> Iterator[None]:
    with wide():
        yield


# ---- loops of arrays, against scans

ROWS = 40
Trip = Callable[[Any, Any], Any]
"""From the parameter and the state, whose first part counts the trips, to the next state."""


def row(rows: Any, index: Any) -> Any:
    return lax.dynamic_index_in_dim(rows, index, 0, keepdims=False)


def put(rows: Any, value: Any, index: Any) -> Any:
    return lax.dynamic_update_index_in_dim(rows, value, index, 0)


def a_table(x: Any, state: Any) -> Any:
    i, table, y = state
    above = row(table, i - 1) * x + jnp.sin(y)
    return i + 1, put(table, above, i % ROWS), y + 0.1 * above[0]


def two_writes(x: Any, state: Any) -> Any:
    i, table, y = state
    table = put(table, row(table, (3 * i) % ROWS) * x + y, (7 * i) % ROWS)
    return i + 1, put(table, jnp.cos(row(table, i % 5)), i % 5), y + x * row(table, i % ROWS)[1]


def counting_into(x: Any, state: Any) -> Any:
    i, table, y = state
    places = jnp.array([i % ROWS, (i * i) % 7, i % ROWS])
    return i + 1, table.at[places].add(0.1 * x * y), 0.9 * y + table[places[1], 0]


def multiplying_into(x: Any, state: Any) -> Any:
    i, table, y = state
    return i + 1, table.at[(i * i) % ROWS, 1].multiply(x), y + 0.1 * row(table, i % ROWS)[1]


def beyond_the_end(x: Any, state: Any) -> Any:
    i, table, y = state
    return i + 1, table.at[ROWS - 2 + i % 4].set(x * y), y + 0.1 * row(table, ROWS + 3)[0]


TRIPS = [a_table, two_writes, counting_into, multiplying_into, beyond_the_end]


def unknown(trip: Trip, checkpoint: Any, x: Any, trips: Any) -> Any:
    """The result of a loop of so many trips, which are counted when it runs."""
    start = (jnp.int32(0), jnp.ones((ROWS, 2)) * x, x)
    bound = 200 if checkpoint == "all" else None
    body = functools.partial(trip, x)
    end = loop(lambda s: s[0] < trips, body, start, checkpoint=checkpoint, max_trips=bound)
    return end[2] + (end[1] * jnp.arange(2 * ROWS).reshape(ROWS, 2)).sum()


def known(trip: Trip, x: Any, trips: int) -> Any:
    start = (jnp.int32(0), jnp.ones((ROWS, 2)) * x, x)
    end = lax.fori_loop(0, trips, lambda _, s: trip(x, s), start)
    return end[2] + (end[1] * jnp.arange(2 * ROWS).reshape(ROWS, 2)).sum()


@pytest.mark.parametrize(
    ("trip", "checkpoint", "order"),
    [
        pytest.param(counting_into, "log", 1, marks=pytest.mark.slow),
        pytest.param(multiplying_into, "log", 1, marks=pytest.mark.slow),
        pytest.param(beyond_the_end, "log", 1, marks=pytest.mark.slow),
        (two_writes, 6, 1),
        (a_table, "all", 1),
        pytest.param(a_table, 5, 2, marks=pytest.mark.slow),
    ],
)
def test_derivatives(trip: Trip, checkpoint: Any, order: int) -> None:
    f, expected = functools.partial(unknown, trip, checkpoint), functools.partial(known, trip)
    for _ in range(order):
        f, expected = jax.grad(f), jax.grad(expected)
    run, expected = jax.jit(f), jax.jit(expected, static_argnums=1)
    for trips in (0, 1, 130):
        assert_allclose(run(0.9, trips), expected(0.9, trips), rtol=1e-9)


def test_room_for_few_states_of_which_much_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks of trips; the shelf is full when all rows of one state are on it."""
    for name, value in {"ROOM": 1, "SMALL": 1, "FEWEST_SLOTS": 14, "MOST_SLOTS": 4}.items():
        monkeypatch.setattr(loop_checkpoints, name, value)
    gradient = jax.jit(jax.grad(functools.partial(unknown, a_table, "log")))
    expected = jax.jit(jax.grad(functools.partial(known, a_table)), static_argnums=1)
    for trips in (1, 30, 150):
        assert_allclose(gradient(0.9, trips), expected(0.9, trips), rtol=1e-9)


@pytest.mark.parametrize("trip", [two_writes, pytest.param(counting_into, marks=pytest.mark.slow)])
def test_lanes(trip: Trip) -> None:
    """Lanes with the same number of trips, which write in the same and in other places."""

    def gradient(x: Any, shift: Any, trips: Any) -> Any:
        return jax.grad(lambda x: unknown(functools.partial(_shifted, trip, shift), 3, x, trips))(x)

    points, shifts = jnp.array([0.5, 0.9, 1.1]), jnp.array([0, 2, 5], "int32")
    found = jax.jit(jax.vmap(gradient, (0, 0, None)))(points, shifts, 50)
    single = jax.grad(lambda x, shift: known(functools.partial(_shifted, trip, shift), x, 50))
    assert_allclose(found, jax.vmap(single)(points, shifts), rtol=1e-9)


def _shifted(trip: Trip, shift: Any, x: Any, state: Any) -> Any:
    i, *rest = state
    return i + 1, *trip(x, (i + shift, *rest))[1:]


@pytest.mark.parametrize("trip", TRIPS)
def test_a_trip_is_taken_back(trip: Trip) -> None:
    state = (jnp.int32(37), jnp.arange(2.0 * ROWS).reshape(ROWS, 2), 1.3)
    body = jax.make_jaxpr(lambda x, *s: list(trip(x, s)))(0.7, *state)
    changes = changes_of(body, 1)
    assert changes is not None and changes.has_places == [False, True, False]
    after, entry = changes.advance([0.7], state, jnp.bool_(False))
    for found, expected in zip(after, jaxpr_as_fun(body)(0.7, *state), strict=True):
        assert_allclose(found, expected)
    assert float(abs(after[1] - state[1]).max()) > 0
    assert_allclose(changes.undone([after[1]], entry)[0], state[1])


def test_how_far_trips_write() -> None:
    def reach(trip: Trip, i: int) -> int:
        state = (jnp.int32(i), jnp.ones((ROWS, 2)), 1.3)
        changes = changes_of(jax.make_jaxpr(lambda x, *s: list(trip(x, s)))(0.7, *state), 1)
        assert changes is not None and changes.part_sizes == [(0, 1)]
        _, entry = changes.advance([0.7], state, jnp.bool_(False))
        found = int(changes.reach(entry))
        assert int(changes.advance_reaching([0.7], state)[1]) == found
        return found

    assert [reach(a_table, i) for i in (0, 3, 39, 40)] == [1, 4, 40, 1]
    assert [reach(two_writes, i) for i in (0, 3, 4)] == [1, 22, 29]
    assert [reach(counting_into, i) for i in (0, 5)] == [1, 6]
    assert [reach(beyond_the_end, i) for i in (0, 1, 3)] == [39, 40, 40]


def test_what_is_changed_as_a_whole_is_kept() -> None:
    body = jax.make_jaxpr(lambda s: [lax.rev(put(s, 1.0, 3), (0,))])(jnp.ones(ROWS))
    assert changes_of(body, 0) is None


# ---- recursions: no room for calls costs anything but itself

TREE = (
    "(define (tree d x) (if (< d 1) (sin x) (+ (tree (- d 1) x) (* 0.7 (tree (- d 1) (+ x d))))))"
)
LINE = "(define (line n x) (if (< n 1) x (* 0.99 (sin (+ x (line (- n 1) x))))))"
DEPTHS = [2.0, 150.0, 0.0, 7.0]


@pytest.fixture(scope="module")
def session() -> Session:
    session = Session()
    session.evaluate(TREE + LINE)
    return session


def compiled(session: Session, body: str, options: str = "") -> Any:
    return session.evaluate(f"(jit (lambda (n x) {body}){options})")


@pytest.mark.parametrize(
    ("name", "depth"), [("tree", 5.0), pytest.param("line", 150.0, marks=pytest.mark.slow)]
)
def test_gradients_do_not_depend_on_the_room(session: Session, name: str, depth: float) -> None:
    body = f"(gradient (lambda (x) ({name} n x)) x)"
    session.evaluate(f"(define (value x) ({name} {depth} x))")
    step = 1e-5
    high, low = (session.evaluate(f"(value {0.4 + h})") for h in (step, -step))
    for options in ("", " #:max-depth 200"):
        found = compiled(session, body, options)(depth, 0.4)
        assert_allclose(float(found), (high - low) / (2 * step), rtol=1e-6)


def test_lanes_of_which_one_is_deep(session: Session) -> None:
    session.evaluate("(define (slope n x) (gradient (lambda (x) (line n x)) x))")
    lanes = session.evaluate("(jit (vmap slope))")
    x = np.linspace(0.2, 0.9, len(DEPTHS))
    found = lanes(jnp.asarray(DEPTHS), jnp.asarray(x))
    expected = [float(session.evaluate(f"(slope {n} {y})")) for n, y in zip(DEPTHS, x, strict=True)]
    assert_allclose(found, expected, rtol=1e-9)


def test_few_states_are_enough(session: Session) -> None:
    """The way back through many blocks of trips."""
    body = "(gradient (lambda (x) (tree n x)) x #:checkpoint 2)"
    found = compiled(session, body, " #:max-depth 12")(7.0, 0.4)
    expected = float(session.evaluate("(gradient (lambda (x) (tree 7.0 x)) 0.4)"))
    assert_allclose(float(found), expected, rtol=1e-9)


def test_a_derivative_of_what_is_too_deep(session: Session) -> None:
    body = "(gradient (lambda (x) (line n x)) x)"
    with pytest.raises(EshkolError, match="line: this recursion is deeper than the 10000 calls"):
        compiled(session, body)(12000.0, 0.4)


@pytest.mark.parametrize("lanes", [False, True])
def test_no_trip_copies_the_stack(session: Session, lanes: bool) -> None:
    """Compiled, no loop has a copy of an array with a row for every call."""
    slope = "(lambda (n x) (gradient (lambda (x) (line n x)) x))"
    f = session.evaluate(f"(jit (vmap {slope}))" if lanes else f"(jit {slope})")
    shape = (4,) if lanes else ()
    given = [jnp.full(shape, 3.0), jnp.full(shape, 0.5)]
    text = jax.jit(lambda *x: f(*x)).lower(*given).compile().as_text()
    copies = [
        computation.split()[0]
        for computation in text.split("\n\n")
        if not computation.startswith("ENTRY")
        and re.search(r"= \w+\[(4,)?10002[\],].* copy\(", computation)
    ]
    assert "10002" in text
    assert not copies

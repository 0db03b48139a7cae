"""The programs of the corpus in lanes, and their derivatives forwards and backwards."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest

from corpus import Row, all_rows
from eshkol.datum.pairs import Pair, cons, scheme_list
from eshkol.datum.values import HashTable
from eshkol.datum.write import write_string
from eshkol.session import Session, default_session
from rows import one_in
from test_corpus import STEP, agree, arguments, doubles, is_array

ROWS = all_rows()


def session_of(row: Row) -> Session:
    session = Session()
    session.evaluate(row.program)
    return session


# ---- lanes


def is_exact(value: Any) -> bool:
    return value.__class__ is int


def in_lanes(values: list[Any]) -> Any:
    """A tensor with a lane for each of the numbers or tensors; None if they make none."""
    tensor = default_session().get("tensor")
    if all(map(is_exact, values)):
        return None if len(set(values)) == 1 else tensor(values, dtype="int64")
    if all(value.__class__ is float for value in values):
        return doubles(np.array(values))
    if all(is_array(value) and value.shape == values[0].shape for value in values):
        return default_session().get("stack")(values)
    return None


def lane(value: Any, index: int) -> Any:
    """What a result in lanes holds for one of them."""
    if is_array(value):
        return value[index]
    if isinstance(value, Pair):
        return cons(lane(value.car, index), lane(value.cdr, index))
    if isinstance(value, HashTable):
        table = HashTable()
        for key, item in value.items():
            table[key] = lane(item, index)
        return table
    return type(value)(lane(item, index) for item in value) if isinstance(value, list) else value


TENSORS = {"tensor", "ones", "zeros", "arange", "reshape", "eye"}


def has_lanes(row: Row) -> bool:
    """Whether calls differ, in nothing but numbers and tensors."""
    calls = [list(default_session().evaluate(f"'({call})")) for call in row.calls]
    given = list(zip(*calls, strict=True))

    def differs(column: tuple[Any, ...]) -> bool:
        return any(write_string(item) != write_string(column[0]) for item in column)

    def can_be_stacked(item: Any) -> bool:
        return item.__class__ in (int, float) or (
            isinstance(item, Pair) and getattr(item.car, "name", None) in TENSORS
        )

    different = [column for column in given if differs(column)]
    return bool(different) and row.lanes and all(map(can_be_stacked, chain(*different)))


def columns(session: Session, row: Row) -> list[list[Any]]:
    """What the calls of a row give for each argument."""
    calls = [arguments(session, call) for call in row.calls]
    return [list(column) for column in zip(*calls, strict=True)]


def in_turn(rows: list[Row]) -> list[Any]:
    """The rows as parameters; most are tested only with the slow tests."""
    return one_in(17, rows, [row.name for row in rows])


@pytest.mark.parametrize("row", in_turn([r for r in ROWS if has_lanes(r)]))
def test_lanes_are_calls(row: Row) -> None:
    """``vmap`` of the procedure, compiled, gives in each lane what a call gives."""
    session = session_of(row)
    given = columns(session, row)
    session.define("fixed", scheme_list([column[0] for column in given]))
    lanes = {f"p{index}": in_lanes(column) for index, column in enumerate(given)}
    slots = [
        f"(list-ref fixed {index})" if values is None else name
        for index, (name, values) in enumerate(lanes.items())
    ]
    names = " ".join(name for name, values in lanes.items() if values is not None)
    program = f"(jit (vmap (lambda ({names}) (f {' '.join(slots)}))))"
    stacked = [values for values in lanes.values() if values is not None]
    together = session.evaluate(program)(*stacked)
    for index, call in enumerate(row.calls):
        alone = session.evaluate(f"(f {call})")
        shown = f"{call}: {write_string(alone)} and lane {index} of {write_string(together)}"
        assert agree(alone, lane(together, index), False), shown


# ---- products with the Jacobian


def moved(point: list[Any], direction: list[Any], step: float) -> list[Any]:
    """A point that is a step further in a direction."""
    places = [
        np.asarray(p, float) + step * np.asarray(d, float)
        for p, d in zip(point, direction, strict=True)
    ]
    return [doubles(place) if place.shape else float(place) for place in places]


def along(count: int) -> str:
    """``f`` as a procedure of one point: a number or tensor, else the list of all arguments."""
    if count == 1:
        return "f"
    return f"(lambda (p) (f {' '.join(f'(list-ref p {index})' for index in range(count))}))"


PRODUCTS = {
    "eager": "(products point direction)",
    "compiled": "((jit products) point direction)",
}


@pytest.mark.parametrize("row", in_turn([r for r in ROWS if r.differentiable]))
def test_products_with_the_jacobian(row: Row) -> None:
    """Forwards it is the difference quotient along a direction, and backwards its transpose."""
    session = session_of(row)
    random = np.random.default_rng(len(row.program))
    for call in row.calls:
        point = arguments(session, call)
        ways = [random.uniform(-1, 1, np.shape(value)) for value in point]
        direction = moved([np.zeros_like(way) for way in ways], ways, 1.0)
        ends = [float(session.get("f")(*moved(point, direction, s))) for s in (STEP, -STEP)]
        quotient = (ends[0] - ends[1]) / (2 * STEP)
        is_list = len(point) > 1
        session.define("point", scheme_list(point) if is_list else point[0])
        session.define("direction", scheme_list(direction) if is_list else direction[0])
        f = along(len(point))
        session.evaluate(f"(define (products p d) (list (jvp {f} p d) (vjp {f} p 1.0)))")
        for name, program in PRODUCTS.items():
            (_, forwards), (_, back) = map(list, session.evaluate(program))
            pulled = list(back) if is_list else [back]
            pairs = zip(pulled, ways, strict=True)
            backwards = sum(float(np.sum(np.asarray(b, float) * way)) for b, way in pairs)
            shown = f"{name} at {call}: {forwards} forwards, {backwards} backwards, {quotient}"
            assert np.isclose(float(forwards), quotient, rtol=1e-5, atol=1e-6), shown
            assert np.isclose(backwards, float(forwards), rtol=1e-8, atol=1e-9), shown

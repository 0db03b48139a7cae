"""The laws of the corpus: what every program keeps in whichever dialect it runs."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np
import pytest

from corpus import Row, all_rows
from eshkol.datum.pairs import NIL, Pair, scheme_list, spine
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import HashTable
from eshkol.datum.write import write_string
from eshkol.session import Session, default_session
from eshkol.xla.programs import PROGRAMS
from rows import one_in

ROWS = all_rows()


def is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape")


def plain(value: Any) -> Any:
    """A Scheme value as Python data: lists, dictionaries, strings, numbers, NumPy arrays."""
    if is_array(value):
        array = np.asarray(value)
        return array.item() if array.shape == () else array
    if value is NIL:
        return []
    if isinstance(value, Pair):
        items, tail = spine(value)
        return [plain(item) for item in items] + ([] if tail is NIL else [plain(tail)])
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, HashTable):
        return {plain(key): plain(item) for key, item in value.items()}
    return value.name if isinstance(value, Symbol) else value


def tolerance(*values: Any) -> float:
    """Relative: single precision where a tensor of it takes part."""
    return 2e-5 if any(getattr(value, "dtype", None) == np.float32 for value in values) else 1e-10


def agree(a: Any, b: Any, is_exact: bool) -> bool:
    """``equal?`` with a tolerance for inexact numbers; a rank-0 array counts as its number."""
    if is_array(a) and is_array(b) and a.shape and b.shape:
        close = np.allclose(a, b, rtol=tolerance(a, b), atol=1e-6, equal_nan=True)
        return a.shape == b.shape and a.dtype == b.dtype and close
    slack = tolerance(a, b)
    if (is_array(a) and a.shape == ()) or (is_array(b) and b.shape == ()):
        a, b = plain(a), plain(b)
    if isinstance(a, Pair) and isinstance(b, Pair):
        return agree(a.car, b.car, is_exact) and agree(a.cdr, b.cdr, is_exact)
    if isinstance(a, HashTable) and isinstance(b, HashTable):
        return plain(a).keys() == plain(b).keys() and all(
            agree(item, b[key], is_exact) for key, item in a.items()
        )
    if isinstance(a, list) and type(a) is type(b) and len(a) == len(b):
        return all(agree(x, y, is_exact) for x, y in zip(a, b, strict=True))
    if isinstance(a, float | complex) or isinstance(b, float | complex):
        same_kind = type(a) is type(b) or not is_exact
        return same_kind and cmath.isclose(a, b, rel_tol=slack, abs_tol=1e-9)
    return type(a) is type(b) and a == b


def matches(result: Any, expected: Any) -> bool:
    """Whether Python data of a result is what a reference computed."""
    if isinstance(expected, np.ndarray) or isinstance(result, np.ndarray):
        expected = np.asarray(expected)
        return np.shape(result) == expected.shape and np.allclose(
            result, expected, rtol=2e-5, atol=1e-5
        )
    if isinstance(expected, dict):
        return result.keys() == expected.keys() and all(
            matches(result[key], expected[key]) for key in expected
        )
    if isinstance(expected, list | tuple):
        return len(result) == len(expected) and all(map(matches, result, expected))
    if isinstance(expected, bool | np.bool_) or isinstance(result, bool):
        return bool(expected) == result and isinstance(result, bool)
    if isinstance(expected, str):
        return result == expected
    return cmath.isclose(result, expected, rel_tol=2e-5, abs_tol=1e-7)


def compilations() -> int:
    return PROGRAMS.compilations


@pytest.fixture(scope="module")
def sessions() -> dict[str, Session]:
    return {}


@pytest.fixture
def session(row: Row, sessions: dict[str, Session]) -> Session:
    """A session that has evaluated the row's program, kept for the row's other laws."""
    if row.name not in sessions:
        sessions[row.name] = Session()
        sessions[row.name].evaluate(row.program)
        sessions[row.name].evaluate("(define staged (jit f))")
    return sessions[row.name]


def arguments(session: Session, call: str) -> list[Any]:
    return list(session.evaluate(f"(vector {call})"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
class TestLaws:
    def test_staged_is_eager(self, row: Row, session: Session) -> None:
        for call in row.calls:
            eager = session.evaluate(f"(f {call})")
            staged = session.evaluate(f"(staged {call})")
            shown = f"{call}: {write_string(eager)} and {write_string(staged)}"
            assert agree(eager, staged, not row.loses_exactness), shown

    def test_other_values_compile_nothing(self, row: Row, session: Session) -> None:
        session.evaluate(f"(staged {row.calls[0]})")
        before = compilations()
        for call in row.calls[1:]:
            session.evaluate(f"(staged {call})")
        assert compilations() == before

    def test_an_equal_definition_compiles_nothing(self, row: Row, session: Session) -> None:
        session.evaluate(f"((jit f) {row.calls[0]})")
        before = compilations()
        session.evaluate(row.program)
        session.evaluate(f"((jit f) {row.calls[0]})")
        assert compilations() == before


@pytest.mark.parametrize("row", [r for r in ROWS if r.reference], ids=lambda row: row.name)
@pytest.mark.parametrize("procedure", ["f", "staged"])
def test_the_result_is_the_reference(procedure: str, row: Row, session: Session) -> None:
    assert row.reference is not None
    for call in row.calls:
        result = plain(session.evaluate(f"({procedure} {call})"))
        expected = row.reference(*map(plain, arguments(session, call)))
        assert matches(result, expected), f"{call}: {result} and {expected}"


# ---- derivatives

STEP = 1e-6


def doubles(array: np.ndarray) -> Any:
    """A tensor of doubles."""
    return default_session().get("tensor")(array.tolist(), dtype="float64")


def finite_difference(function: Any, point: list[Any], index: int) -> Any:
    """The central difference quotient of a function of doubles and arrays of them."""
    value = np.asarray(point[index], float)
    partials = np.zeros_like(value)
    for place in np.ndindex(value.shape):
        sides = []
        for sign in (1, -1):
            moved = value.copy()
            moved[place] += sign * STEP
            arguments = list(point)
            arguments[index] = doubles(moved) if value.shape else float(moved)
            sides.append(float(function(*arguments)))
        partials[place] = (sides[0] - sides[1]) / (2 * STEP)
    return partials


SMOOTH = [row for row in ROWS if row.differentiable]


@pytest.mark.parametrize("row", one_in(20, SMOOTH, [row.name for row in SMOOTH]))
def test_gradient_is_the_finite_difference(row: Row, session: Session) -> None:
    for call in row.calls:
        point = arguments(session, call)
        session.define("point", scheme_list(point))
        for index in range(len(point)):
            expected = finite_difference(session.get("f"), point, index)
            for name, partials in gradients(session, point, index).items():
                close = np.allclose(np.asarray(partials), expected, rtol=1e-5, atol=1e-6)
                assert close, f"{name} of argument {index} of {call}: {partials} and {expected}"


def gradients(session: Session, point: list[Any], index: int) -> dict[str, Any]:
    """The gradient with respect to one argument: eager, of the staged procedure, and staged."""
    slots = ["p" if i == index else f"(list-ref point {i})" for i in range(len(point))]
    call = " ".join(slots)
    at = f"(list-ref point {index})"
    programs = {
        "gradient": f"(gradient (lambda (p) (f {call})) {at})",
        "gradient of jit": f"(gradient (lambda (p) (staged {call})) {at})",
        "jit of gradient": f"((jit (lambda (p) (gradient (lambda (p) (f {call})) p))) {at})",
    }
    return {name: session.evaluate(program) for name, program in programs.items()}

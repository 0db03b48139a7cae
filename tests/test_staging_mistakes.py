"""Mistakes in programs that are staged: each reads the same, however the procedure is staged.

The programs stand in ``bad_programs_staging.txt``; ``test_bad_programs`` runs them as they are.
Here the procedure that a program gives to ``jit`` is staged in other ways, from Python, where the
same is to be said of the same place.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eshkol as ek
from eshkol.base.errors import EshkolError
from eshkol.runtime.report import explain, report
from eshkol.session import Session
from test_bad_programs import PACKAGE, ROWS, Row, check_language, check_usable

MISTAKES = {name: row for name, row in ROWS.items() if name.startswith("staged: ")}


def test_there_are_many_mistakes_and_each_is_told_with_a_suggestion() -> None:
    assert len(MISTAKES) >= 90
    for name, row in MISTAKES.items():
        assert row.remarks or row.kind == "SchemeError", name


# ---- ways to stage a procedure


def _lanes(value: Any) -> Any:
    """Two of a number or tensor, along a first axis."""
    if hasattr(value, "dtype"):
        return jnp.stack([value, value])
    return np.array([value, value]) if value.__class__ in (int, float) else value


def _mapped(stage: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda f: lambda *arguments: stage(f)(*map(_lanes, arguments))


def _total(value: Any) -> Any:
    leaves = [leaf for leaf in jax.tree.leaves(value) if hasattr(leaf, "dtype")]
    return sum((jnp.sum(leaf) for leaf in leaves), 0.0)


def _slope(gradient: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The gradient of the sum of all that a procedure gives."""
    return lambda f: gradient(lambda *arguments: _total(f(*arguments)))


WAYS: dict[str, Callable[[Any], Any]] = {
    "ek.jit": ek.jit,
    "ek.vmap of ek.jit": _mapped(lambda f: ek.vmap(ek.jit(f))),
    "ek.jit of ek.vmap": _mapped(lambda f: ek.jit(ek.vmap(f))),
    "ek.grad of ek.jit": lambda f: _slope(ek.grad)(ek.jit(f)),
    "ek.jit of ek.grad": lambda f: ek.jit(_slope(ek.grad)(f)),
    "jax.jit": jax.jit,
    "jax.vmap": _mapped(jax.vmap),
    "jax.jit of jax.grad": lambda f: jax.jit(_slope(jax.grad)(f)),
}


def _procedure(row: Row) -> tuple[Any, tuple[Any, ...]]:
    """The procedure that a program gives to ``jit``, and the arguments of the call."""
    found: list[Any] = []

    def jit(procedure: Any) -> Any:
        def call(*arguments: Any) -> Any:
            found[:] = [procedure, arguments]
            return arguments[0]

        return call

    session = Session()
    session.define("jit", jit)
    session.evaluate(row.program, "bad.esk")
    return found[0], found[1]


def _without_types(message: str) -> str:
    """A message without numbers, and without the dtypes of numbers, which differ in plain JAX."""
    return re.sub(r"\b[iuf]\d+\[\]|-?\d+\.\d+", "a number", message)


IS_CALL = re.compile(r"^\(\(jit\b", re.MULTILINE)
STAGED = [n for n, row in MISTAKES.items() if IS_CALL.search(row.program) and "kept" not in n]
ASSIGNED = {
    "staged: a top-level variable assigned",
    "staged: a vector of the caller changed",
    "staged: a hash table of the caller changed",
}
"""What Python's own way to trace can't notice: the value is kept, and using it is an error."""

FAILS = "staged: an assertion that fails when the program runs"
TAKEN = {n for n in STAGED if n.endswith("in the branch that is taken")}
WHEN_RUN = {FAILS} | TAKEN | {n for n in STAGED if n.startswith("staged: three weights")}
REFUSED = {"staged: a range of Python"}
ENDLESS = {"staged: recursion without a base case"}  # followed as far as Python's own limit
EAGER = {
    "staged: a file opened",
    "staged: a handler around an error under a traced condition",
    "staged: sort of many things by a traced order",
    "staged: the stream of random numbers begins again in a compiled program",
}
"""What eager code does at once while Python traces it, or can't do with what is traced."""

GIVEN = {"staged: a vector that was given or another one is changed"}
"""Whose vector has an axis of lanes, or is traced."""

KEYED = {
    f"staged: a hash table {how} by a traced integer that is no key" for how in ("read", "written")
}
"""Which fail when they run, and so as JAX has it where JAX runs them."""

INNER = {"staged: a variable assigned in each step of a minimizer"}
"""Which a gradient that Python takes tells of itself: it is around what assigns."""

PLAIN = ASSIGNED | WHEN_RUN | REFUSED | ENDLESS | EAGER | GIVEN | KEYED
ELSEWHERE: dict[str, set[str]] = {
    "ek.jit": set(),
    "ek.vmap of ek.jit": WHEN_RUN | GIVEN,
    "ek.jit of ek.vmap": WHEN_RUN | GIVEN | ASSIGNED - {"staged: a top-level variable assigned"},
    "ek.grad of ek.jit": ASSIGNED,
    "ek.jit of ek.grad": ASSIGNED | ENDLESS | GIVEN | INNER,
    "jax.jit": PLAIN,
    "jax.vmap": PLAIN,
    "jax.jit of jax.grad": PLAIN,
}
"""The mistakes of which something else is said, or nothing, by the way to stage."""


def _pairs() -> list[Any]:
    """Each mistake in each way; three ways of each, in turn, are tried with the fast tests."""
    pairs = []
    for number, name in enumerate(STAGED):
        for place, way in enumerate(WAYS):
            is_fast = (number + place) % len(WAYS) < 3
            marks = () if is_fast else pytest.mark.slow
            pairs.append(pytest.param(name, way, marks=marks, id=f"{name}-{way}"))
    return pairs


@pytest.mark.parametrize(("name", "way"), _pairs())
def test_a_mistake_reads_the_same_however_it_is_staged(name: str, way: str) -> None:
    if name in ELSEWHERE[way]:
        return
    row = MISTAKES[name]
    procedure, arguments = _procedure(row)
    with pytest.raises(EshkolError if way.startswith("ek.") else Exception) as caught:
        WAYS[way](procedure)(*arguments)
    head, source, *_ = report(caught.value).split("\n")
    assert isinstance(explain(caught.value), EshkolError)
    line, column = row.place
    expected = f"bad.esk:{line}:{column + 1}: {row.message}"
    assert _without_types(head) == _without_types(expected)
    assert source == f"  {line} | {row.program.splitlines()[line - 1]}"
    check_language(head)
    if way.startswith("ek."):
        shown = "".join(traceback.format_exception(caught.value))
        assert f'File "{PACKAGE}' not in shown
        assert "site-packages/jax" not in shown


def test_a_value_kept_where_python_traces_is_refused_when_it_is_used() -> None:
    for name in sorted(ASSIGNED):
        session = Session()
        row = MISTAKES[name]
        session.define("jit", jax.jit)
        session.evaluate(row.program, "bad.esk")
        kept = {"n": "n", "v": "(vector-ref v 0)", "h": "(hash-ref h 'x)"}
        variable = row.program.split("(define ")[1][0]
        with pytest.raises(EshkolError) as caught:
            session.evaluate(f"(+ 1.0 {kept[variable]})", "later.esk")
        assert report(caught.value).startswith(
            "later.esk:1:1: +: the traced value f32[3] is used after the compiled procedure"
        )


def test_an_error_that_a_run_of_plain_jax_ends_with_tells_its_place() -> None:
    procedure, arguments = _procedure(MISTAKES[FAILS])
    with pytest.raises(Exception, match=r"bad\.esk:1:19: assert: expected a positive x, got -1"):
        jax.block_until_ready(jax.jit(procedure)(*arguments))
    with pytest.raises(EshkolError, match=r"^bad\.esk:1:19: assert: expected a positive x, got -1"):
        jax.vmap(procedure)(np.array([1.0, -1.0], np.float32))


def test_mistakes_leave_nothing_behind() -> None:
    for name in STAGED[::20]:
        procedure, arguments = _procedure(MISTAKES[name])
        for way in ("ek.jit", "jax.jit", "jax.vmap"):
            if name not in ELSEWHERE[way]:
                with pytest.raises(Exception):  # noqa: B017 - what it is, is tested above
                    WAYS[way](procedure)(*arguments)
    check_usable(Session(), staged=True)


def test_arrays_of_numpys_own_dtypes_are_mapped_by_plain_jax() -> None:
    procedure = Session().evaluate("(lambda (x) (if (> x 1.0) (* x 2) x))")
    assert jax.vmap(procedure)(np.array([1.0, 2.0])).tolist() == [1.0, 4.0]
    assert jax.vmap(procedure)(np.array([1, 2])).tolist() == [1, 4]


def test_a_predicate_on_traced_values_starts_its_procedure_again_staged() -> None:
    text = "(lambda (x) (length (filter (lambda (y) (> y x)) (list 1.0 2.0))))"
    assert int(jax.jit(Session().evaluate(text))(1.5)) == 1


def test_what_is_refused_counts_for_no_other_program() -> None:
    session = Session()
    with pytest.raises(EshkolError, match="more than 1000 combinations"):
        session.evaluate(MISTAKES["staged: four lists of many lengths"].program)
    above = "(apply + (filter (lambda (y) (> y x)) (iota 5)))"
    assert session.evaluate(f"((jit (lambda (x) (if (> x 0) {above} x))) 1.5)") == 9.0


def test_the_kinds_of_staging_errors_are_shown_by_the_name_that_users_know() -> None:
    program = """((jit (lambda (x)
      (do ((acc (zeros 1) (concatenate (list acc (reshape x 1)))))
          ((> (tensor-sum acc) 10.0) acc)))) 1.0)"""
    with pytest.raises(EshkolError) as caught:
        Session().evaluate(program, "bad.esk")
    last = "".join(traceback.format_exception_only(caught.value))
    assert last.startswith("eshkol.base.errors.StagingError: bad.esk:2:27: do: ")

"""The corpus: programs that must mean the same in every dialect.

Each row defines a procedure ``f`` and calls it. What holds of every row is said once, in
``test_corpus``: the staged result is the eager one, other values of the same types compile
nothing, and where a row has a reference in Python or NumPy, both results are its result. In
``test_corpus_transformed`` the calls are lanes of one program, and derivatives of both directions
agree. ``test_cek_corpus`` runs the rows on the plain evaluator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Row:
    """A program of the corpus.

    Attributes:
        name: what the row is about.
        program: defines the procedure ``f``.
        calls: the arguments of each call as Scheme text; all calls have arguments of the same
            types, so that one compilation serves them.
        reference: computes the result from the arguments as Python values (see ``plain``).
        differentiable: whether ``f`` gives a number that depends smoothly on all its arguments,
            which are doubles and tensors of them.
        loses_exactness: whether the compiled program gives an inexact number where the eager one
            gives an exact one, because the alternatives of a traced condition differ in it.
        lanes: whether the calls, where they differ in numbers and tensors only, can be lanes of
            one ``vmap``. They can't if an exact integer decides a size or what is computed.
    """

    name: str
    program: str
    calls: tuple[str, ...]
    reference: Callable[..., Any] | None = None
    differentiable: bool = False
    loses_exactness: bool = False
    lanes: bool = True


def row(
    name: str,
    program: str,
    *calls: str,
    to: Callable[..., Any] | None = None,
    differentiable: bool = False,
    loses_exactness: bool = False,
    lanes: bool = True,
) -> Row:
    """A row; ``to`` is its reference."""
    return Row(name, program, calls, to, differentiable, loses_exactness, lanes)


FAMILIES = """
    bindings conditions choices kinds kinds_in_loops chosen_lists loops nesting escapes recursion
    procedures closures control mutation data draws tensors traversals transforms derivatives textbook
""".split()


def all_rows() -> list[Row]:
    """The rows of all families, whose names tell them apart."""
    rows = [row for name in FAMILIES for row in import_module(f"corpus.{name}").ROWS]
    assert len({row.name for row in rows}) == len(rows)
    return rows

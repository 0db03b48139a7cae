"""Calls of primitives written as Scheme text, without the compiler.

Enough of an evaluator for rows of tables: literals, quotation, calls, ``lambda`` and ``if``.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import Symbol
from eshkol.datum.write import write_string
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.reader import read_all
from eshkol.syntax.objects import to_datum


def call(name: str, *arguments: Any) -> Any:
    """What the primitive ``name`` gives for Python values."""
    return builtin_namespace()[name](*arguments)


def run(text: str, **variables: Any) -> Any:
    """The value of the last expression of ``text``."""
    scope = {**builtin_namespace(), **variables}
    return [_value(to_datum(form), scope) for form in read_all(text)][-1]


def shown(text: str, **variables: Any) -> str:
    """The value of the last expression of ``text`` as ``write`` shows it."""
    return write_string(run(text, **variables))


def rows(table: str) -> list[tuple[str, str]]:
    """The rows of a table, ``expression ⇒ value``."""
    parts = [line.partition(" ⇒ ") for line in table.strip().splitlines()]
    return [(expression, value) for expression, _, value in parts]


def _value(form: Any, scope: dict[str, Any]) -> Any:
    if isinstance(form, Symbol):
        return scope[form.name]
    if form.__class__ is not Pair:
        return form
    head = form.car.name if isinstance(form.car, Symbol) else ""
    if head == "quote":
        return form.cdr.car
    if head == "if":
        _, test, then, otherwise = form
        return _value(otherwise if _value(test, scope) is False else then, scope)
    if head == "lambda":
        return _procedure(form.cdr.car, form.cdr.cdr.car, scope)
    procedure, *arguments = [_value(part, scope) for part in form]
    return procedure(*arguments)


def _procedure(parameters: Any, body: Any, scope: dict[str, Any]) -> Any:
    names = [parameter.name for parameter in parameters]

    def procedure(*arguments: Any) -> Any:
        return _value(body, {**scope, **dict(zip(names, arguments, strict=True))})

    return procedure

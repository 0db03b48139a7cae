"""Building Python syntax trees that carry the spans of Scheme forms.

Global and hidden names may be any string: Python's compiler takes them as they are. Names that
start with a space belong to the runtime and cannot clash with a program's.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, TypeVar

from eshkol.base.sources import byte_column
from eshkol.base.spans import Span

PythonNode = TypeVar("PythonNode", bound=ast.AST)

LOAD = ast.Load()
STORE = ast.Store()


def at(span: Span, node: PythonNode) -> PythonNode:
    """``node`` with the position of ``span``; its file is kept for code of several files."""
    node.file = span.file  # type: ignore[attr-defined]
    node.lineno, node.end_lineno = span.line, span.end_line  # type: ignore[attr-defined]
    node.col_offset = byte_column(span.file, span.line, span.column)  # type: ignore[attr-defined]
    node.end_col_offset = byte_column(  # type: ignore[attr-defined]
        span.file, span.end_line, span.end_column
    )
    return node


def load(span: Span, name: str) -> ast.expr:
    """Read a variable."""
    return at(span, ast.Name(name, LOAD))


def store(span: Span, name: str) -> ast.Name:
    """A variable as the target of an assignment."""
    return at(span, ast.Name(name, STORE))


def constant(span: Span, value: Any) -> ast.expr:
    """A Python constant."""
    return at(span, ast.Constant(value))


def call(span: Span, function: str | ast.expr, *arguments: ast.expr) -> ast.expr:
    """A call; a name as ``function`` is read as a variable."""
    callee = load(span, function) if isinstance(function, str) else function
    return at(span, ast.Call(callee, list(arguments), []))


def assign(span: Span, name: str, value: ast.expr) -> ast.stmt:
    """``name = value``."""
    return at(span, ast.Assign([store(span, name)], value))


def assign_all(span: Span, names: list[str], value: ast.expr) -> ast.stmt:
    """``a, b, … = value``."""
    target = at(span, ast.Tuple([store(span, name) for name in names], STORE))
    return at(span, ast.Assign([target], value))


def tuple_of(span: Span, items: list[ast.expr]) -> ast.expr:
    """``(a, b, …)``."""
    return at(span, ast.Tuple(items, LOAD))


def returns(span: Span, value: ast.expr) -> ast.stmt:
    """``return value``."""
    return at(span, ast.Return(value))


def is_identical(span: Span, left: ast.expr, right: ast.expr) -> ast.expr:
    """``left is right``."""
    return at(span, ast.Compare(left, [ast.Is()], [right]))


def class_of(span: Span, value: ast.expr) -> ast.expr:
    """``value.__class__``."""
    return at(span, ast.Attribute(value, "__class__", LOAD))


def item(span: Span, value: ast.expr, index: int, context: ast.expr_context = LOAD) -> ast.expr:
    """``value[index]``."""
    return at(span, ast.Subscript(value, constant(span, index), context))


def define(
    span: Span, name: str, arguments: ast.arguments, body: list[ast.stmt]
) -> ast.FunctionDef:
    """``def name(arguments): body``."""
    node = ast.FunctionDef(name, arguments, body or [at(span, ast.Pass())], [], None, None)
    node.type_params = []  # type: ignore[attr-defined]  # a field since Python 3.12
    return at(span, node)


def arguments(
    span: Span,
    names: list[str],
    defaults: list[ast.expr] | None = None,
    rest: str | None = None,
    keywords: Sequence[tuple[str, ast.expr | None]] = (),
) -> ast.arguments:
    """A parameter list; ``keywords`` are names that callers must write, with their defaults."""
    return ast.arguments(
        posonlyargs=[],
        args=[at(span, ast.arg(name)) for name in names],
        vararg=None if rest is None else at(span, ast.arg(rest)),
        kwonlyargs=[at(span, ast.arg(name)) for name, _ in keywords],
        kw_defaults=[default for _, default in keywords],
        kwarg=None,
        defaults=defaults or [],
    )


def thunk(span: Span, value: ast.expr) -> ast.expr:
    """``lambda: value``."""
    return at(span, ast.Lambda(arguments(span, []), value))

"""Python functions whose body is Scheme, written as their docstring.

The positions of such a text are those in the Python file, so that errors point into it. Lines
before the first that begins with a parenthesis are for people: no form in them could do anything.
"""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from types import FunctionType
from typing import Any, NamedTuple

from eshkol.base import sources
from eshkol.base.errors import BadValue
from eshkol.reader.parser import read_all
from eshkol.syntax.objects import Syntax

_QUOTES = re.compile(r'[rRuU]?("""|\'\'\'|"|\')')

_FIRST_FORM = re.compile(r"^[ \t]*\(", re.MULTILINE)

_IDLE = frozenset("RESUME NOP LOAD_CONST RETURN_VALUE RETURN_CONST COPY_FREE_VARS".split())
"""The instructions of a function that does nothing."""


class Parameters(NamedTuple):
    """What a Python function takes.

    Attributes:
        names: of its parameters, in order.
        rest: of the parameter that takes all further arguments, or None.
        defaults: of the last parameters.
    """

    names: list[str]
    rest: str | None
    defaults: tuple[Any, ...]


def has_scheme_body(function: Any) -> bool:
    """Whether a function does nothing and has a docstring.

    Example:
        >>> def double(x):
        ...     '''(* 2 x)'''
        >>> has_scheme_body(double), has_scheme_body(has_scheme_body)
        (True, False)
    """
    return isinstance(function, FunctionType) and bool(function.__doc__) and does_nothing(function)


def does_nothing(function: FunctionType) -> bool:
    """Whether the body of a function is empty, docstrings aside; that of a lambda never is."""
    code = function.__code__
    if code.co_name == "<lambda>":
        return False
    returned = [i.argval for i in dis.get_instructions(code) if "CONST" in i.opname]
    return returned == [None] and all(i.opname in _IDLE for i in dis.get_instructions(code))


def parameters_of(function: FunctionType) -> Parameters:
    """What a Python function takes.

    Raises:
        BadValue: for parameters that a Scheme procedure can't have.
    """
    names: list[str] = []
    defaults: list[Any] = []
    rest = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            raise BadValue(f"jit: a Scheme body can't take **{parameter.name}")
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = parameter.name
            continue
        names.append(parameter.name)
        if parameter.default is not parameter.empty:
            defaults.append(parameter.default)
        elif defaults:
            raise BadValue(
                f"jit: the parameter {parameter.name} of a Scheme body needs a default, "
                "since a parameter before it has one"
            )
        if parameter.kind is parameter.KEYWORD_ONLY and rest is not None:
            raise BadValue(f"jit: a Scheme body can't take {parameter.name} after *{rest}")
    return Parameters(names, rest, tuple(defaults))


# ---- reading


def read_docstring(function: FunctionType) -> list[Syntax]:
    """The forms in a function's docstring, with their positions in the Python file.

    Raises:
        ReadError: if it is not well-formed.
    """
    file = function.__code__.co_filename
    text = "".join(linecache.getlines(file))
    label = f"{_shown(file)}[{function.__qualname__.rpartition('.')[2]}]"
    found = _docstring_node(text, function) if text else None
    if found is None:
        return read_all(_without_prose(function.__doc__ or ""), label)
    try:
        return read_all(_blanked(text, found), label)
    finally:
        sources.register(label, text)


def _shown(file: str) -> str:
    """A file as people call it: from here, if it is below."""
    if not os.path.isabs(file):
        return file
    relative = os.path.relpath(file)
    return file if relative.startswith(os.pardir) else relative


def _docstring_node(text: str, function: FunctionType) -> ast.Constant | None:
    """Where the docstring stands in the file; None if it isn't found."""
    for node in _functions(text):
        first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
        if node.name == function.__name__ and first == function.__code__.co_firstlineno:
            statement = node.body[0]
            value = statement.value if isinstance(statement, ast.Expr) else None
            return value if isinstance(value, ast.Constant) else None
    return None


@lru_cache(maxsize=8)
def _functions(text: str) -> tuple[ast.FunctionDef, ...]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ()
    return tuple(_walk(tree))


def _walk(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _blanked(text: str, node: ast.Constant) -> str:
    """The docstring, preceded by white space that puts it where it is in the file.

    Where the literal has escapes, only the line of its beginning is right.
    """
    written = ast.get_source_segment(text, node) or ""
    opening = _QUOTES.match(written)
    inside = written[opening.end() : -len(opening.group(1))] if opening else ""
    before = "\n" * (node.lineno - 1)
    if opening is None or inside != node.value:
        return before + _without_prose(str(node.value))
    line = text.splitlines()[node.lineno - 1]
    column = len(line.encode()[: node.col_offset].decode())
    return before + " " * (column + opening.end()) + _without_prose(inside)


def _without_prose(text: str) -> str:
    """A docstring with white space for what stands before its first form.

    Example:
        >>> _without_prose("Twice:\\n(* 2 x)")
        '      \\n(* 2 x)'
    """
    found = _FIRST_FORM.search(text)
    start = found.start() if found else 0
    return re.sub(r"[^\n]", " ", text[:start]) + text[start:]

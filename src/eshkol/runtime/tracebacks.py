"""Entries of tracebacks for calls that no frame of Python shows as they are.

Python shows of a frame the file and the line that its code object tells. Where that isn't the place
of the call, the entry is that of a frame made for it.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from types import CodeType, FunctionType, TracebackType
from typing import Any

from eshkol.base.errors import InternalError
from eshkol.base.sources import byte_column
from eshkol.base.spans import Span


def entry_at(
    name: str, span: Span, variables: dict[str, Any], inner: TracebackType | None
) -> TracebackType:
    """The entry of a traceback for a call that is at ``span``.

    Args:
        name: of the procedure in which the call stands.
        span: the call.
        variables: the global variables of the procedure.
        inner: the entries of what was called.
    """
    try:
        FunctionType(_code(name, span), variables)()
    except TypeError as here:  # None can't be raised
        own = None if here.__traceback__ is None else here.__traceback__.tb_next
        if own is not None:
            return TracebackType(inner, own.tb_frame, own.tb_lasti, own.tb_lineno)
    raise InternalError(f"{span}: no frame for {name}")


SHOWN = 100
"""So many entries at each end of a long traceback are kept."""


def ends(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback with the first and last of its entries, where there are many.

    JAX asks the file system about each entry of an error that crosses it, many times.
    """
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    if len(entries) > 2 * SHOWN:
        del entries[SHOWN:-SHOWN]
    result = None
    for entry in reversed(entries):
        result = TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result


@lru_cache(maxsize=1024)
def _code(name: str, span: Span) -> CodeType:
    """The code of a function ``name`` that raises at ``span``."""
    tree = ast.parse("def here():\n raise None")
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr):
            node.lineno, node.end_lineno = span.line, span.end_line
            node.col_offset = byte_column(span.file, span.line, span.column)
            node.end_col_offset = byte_column(span.file, span.end_line, span.end_column)
    module = compile(tree, span.file, "exec", dont_inherit=True)
    code = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    return code.replace(co_name=name, co_qualname=name)

"""Forms of other files that ``include`` brings into a program: their lines in its code objects.

A Python code object has one file. A procedure that is written in an included file has that file;
other code has the lines of several files, told apart by their numbers (see ``base.sources``).
"""

from __future__ import annotations

import ast
import types

from eshkol.base import sources


def set_apart(module: ast.Module, file: str) -> None:
    """Give lines of other files than ``file`` numbers of their own."""
    for node in ast.walk(module):
        own = getattr(node, "file", file)
        if own != file:
            added = sources.note_inclusion(file, own)
            node.lineno += added  # type: ignore[attr-defined]
            node.end_lineno += added  # type: ignore[attr-defined]


def settled(code: types.CodeType) -> types.CodeType:
    """``code`` with procedures that are written in one included file compiled from that file."""
    constants = tuple(
        _in_its_file(settled(constant)) if isinstance(constant, types.CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_consts=constants)


def _in_its_file(code: types.CodeType) -> types.CodeType:
    numbers = {line // sources.LINES for _, _, line in code.co_lines() if line is not None}
    if len(numbers) != 1 or 0 in numbers:
        return code
    file, first = sources.place_of(code, code.co_firstlineno)
    return code.replace(co_filename=file, co_firstlineno=first)

"""Expanded Core as the text of a program."""

from __future__ import annotations

from eshkol.core.nodes import Call, Const, GlobalRef, Node
from eshkol.core.printer import print_core
from eshkol.core.walk import rebuild
from eshkol.datum.values import UNSPECIFIED
from eshkol.formatter.layout import format_text


def program_text(node: Node) -> str:
    """An expanded form as a program that means the same and can be read again.

    Example:
        >>> from eshkol.base.spans import NOWHERE
        >>> program_text(Const(NOWHERE, UNSPECIFIED))
        '(if #f #f)'
    """
    return format_text(print_core(_writable(node))).rstrip("\n")


def _writable(node: Node) -> Node:
    """``node`` with the unspecified value, which can't be written, as an expression."""
    if isinstance(node, Const) and node.value is UNSPECIFIED:
        no = Const(node.span, False)
        return Call(node.span, GlobalRef(node.span, "if"), (no, no))
    return rebuild(node, _writable)

"""How forms are indented.

A form with a body has a *header*: so many parts stand behind its name, and what follows is indented
by two columns. The parts of any other form that begins with a name are aligned below its first
argument; the parts of data below the first of them.
"""

from __future__ import annotations

from functools import cache

from eshkol.expand.expander import CORE_SCOPE
from eshkol.expand.grammar import parse_grammar

_HEADERS = {
    **dict.fromkeys(("begin", "case-lambda", "delay", "delay-force", "make-promise"), 0),
    **dict.fromkeys(
        (
            "and-let* case define-library fluid-let guard lambda let let* let*-values let-match "
            "let-syntax let-values letrec letrec* letrec-syntax library match match-lambda "
            "named-lambda parameterize rec syntax-rules unless when while until"
        ).split(),
        1,
    ),
    **dict.fromkeys(("do", "receive", "syntax-case"), 2),
    "dynamic-wind": 3,
}
_CALLS = {"cond", "if", "and", "or", "->", "->>", "set!"}


@cache
def header_length(name: str) -> int | None:
    """How many parts of the form ``name`` come before its body; None if it has no body.

    Forms of the language that are not listed here tell it by their grammar, others by their name:
    those that define something, and those called ``with-…`` or ``call-with-…``.

    Example:
        >>> header_length("lambda"), header_length("define-thing"), header_length("list")
        (1, 1, None)
    """
    if name in _HEADERS:
        return _HEADERS[name]
    if name in _CALLS:
        return None
    if name.startswith(("define", "defmacro", "with-", "call-with-")):
        return 1
    return _by_grammar(name)


def _by_grammar(name: str) -> int | None:
    for _, entry in CORE_SCOPE.bindings.get(name, ()):
        grammar = parse_grammar(getattr(entry, "usage", "") or "()")
        if "body" in grammar:
            return grammar.index("body") - 1
    return None


def header_of(name: str, first_is_atom: bool) -> int | None:
    """:func:`header_length`, as the first argument has it: a named ``let`` has a longer header."""
    if name == "let" and first_is_atom:
        return 2
    if name == "with-region":
        return int(first_is_atom)
    return header_length(name)

"""Grammars of forms, as data that also makes their error messages.

A grammar is written as people would write it, ``"(let ((name value) ...) body ...+)"``:

* a word matches any syntax and names it; ``name:id`` wants an identifier;
* ``word?`` is optional (only at the end of a list);
* ``word ...`` matches any number, ``word ...+`` at least one;
* the first word of the whole form is its keyword and is not captured.
"""

from __future__ import annotations

import functools
from typing import Any

from eshkol.base.errors import ExpandError
from eshkol.datum.write import short_string
from eshkol.syntax.objects import Dotted, Syntax, to_datum

Captures = dict[str, Any]


@functools.cache
def parse_grammar(text: str) -> tuple[Any, ...]:
    """The grammar as nested tuples of words."""
    stack: list[list[Any]] = [[]]
    for word in text.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            stack.append([])
        elif word == ")":
            done = tuple(stack.pop())
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    return stack[0][0]


def match_form(grammar: str, form: Syntax, usage: str = "") -> Captures:
    """Match a whole form against its grammar.

    Args:
        grammar: as described above.
        form: the form, its keyword first.
        usage: what messages quote instead of the grammar.

    Returns:
        The captured syntax objects by word; lists of them for repeated words.

    Raises:
        ExpandError: pointing at the part that does not fit, and quoting the grammar.
    """
    captures: Captures = {}
    pattern = parse_grammar(grammar)
    try:
        if not form.is_list:
            raise misfit(grammar, form, "a dotted tail does not belong here", form)
        _match_sequence(pattern[1:], form.parts[1:], captures, grammar, form, form)
    except ExpandError as error:
        if usage:
            error.hint = f"use: {usage}"
        raise
    return captures


def misfit(grammar: str, form: Syntax, problem: str, at: Syntax) -> ExpandError:
    """The error that the part ``at`` of ``form`` does not fit a grammar, which it quotes."""
    keyword = parse_grammar(grammar)[0]
    usage = grammar.replace(":id", "")
    return ExpandError(
        f"{keyword}: {problem}", span=at.span, hint=f"use: {usage}", trail=form.trail
    )


def shown(part: Syntax) -> str:
    """The text of a part of a form for a message."""
    return short_string(to_datum(part))


def _match(pattern: Any, part: Syntax, captures: Captures, grammar: str, form: Syntax) -> None:
    if isinstance(pattern, str):
        name, _, kind = pattern.partition(":")
        if kind == "id" and not part.is_identifier:
            role = "" if name == "name" else f" as {name}"
            raise misfit(grammar, form, f"expected a name{role}, got {shown(part)}", part)
        captures[name] = part
    elif not part.is_list:
        raise misfit(
            grammar, form, f"expected a list like {_show(pattern)}, got {shown(part)}", part
        )
    else:
        _match_sequence(pattern, part.parts, captures, grammar, form, part)


def _match_sequence(
    pattern: tuple[Any, ...],
    parts: tuple[Syntax, ...],
    captures: Captures,
    grammar: str,
    form: Syntax,
    whole: Syntax,
) -> None:
    index = position = 0
    while index < len(pattern):
        item = pattern[index]
        following = pattern[index + 1] if index + 1 < len(pattern) else ""
        if following in ("...", "...+"):
            after = len(pattern) - index - 2
            taken = parts[position : max(position, len(parts) - after)]
            if following == "...+" and not taken:
                raise misfit(grammar, form, f"{_show(item)} is missing", whole)
            _capture_repeated(item, taken, captures, grammar, form)
            position += len(taken)
            index += 2
            continue
        if isinstance(item, str) and item.endswith("?"):
            captures[item[:-1]] = parts[position] if position < len(parts) else None
            position += 1
        elif position >= len(parts):
            raise misfit(grammar, form, f"{_show(item)} is missing", whole)
        else:
            _match(item, parts[position], captures, grammar, form)
            position += 1
        index += 1
    if position < len(parts):
        raise misfit(grammar, form, "this part is too many", parts[position])


def _capture_repeated(
    item: Any, taken: tuple[Syntax, ...], captures: Captures, grammar: str, form: Syntax
) -> None:
    """Capture every word of ``item`` as a list, one entry for each of ``taken``."""
    for word in _words(item):
        captures[word] = []
    for part in taken:
        inner: Captures = {}
        _match(item, part, inner, grammar, form)
        for word, value in inner.items():
            captures[word].append(value)


def _words(pattern: Any) -> list[str]:
    if isinstance(pattern, str):
        return [] if pattern.startswith("...") else [pattern.partition(":")[0].rstrip("?")]
    return [word for item in pattern for word in _words(item)]


def _show(pattern: Any) -> str:
    if isinstance(pattern, str):
        return pattern.partition(":")[0]
    return f"({' '.join(map(_show, pattern))})"


def parts_with_tail(syntax: Syntax) -> tuple[tuple[Syntax, ...], Syntax | None]:
    """The items of a list form and its dotted tail; an identifier alone is a tail."""
    content = syntax.content
    if isinstance(content, Dotted):
        return content.items, content.tail
    if syntax.is_list:
        return syntax.parts, None
    return (), syntax

"""Docstrings as Markdown: sections become lists, examples blocks of Scheme."""

from __future__ import annotations

import re
import textwrap

from eshkol.formatter import format_text

EXAMPLE = re.compile(r"``((?:(?!``).)+)``\s+⇒\s+``(.+?)``(?!`)", re.DOTALL)
"""An example in a docstring: an expression and its value."""

SECTIONS = {"Args": "", "Attributes": "", "Returns": "Gives", "Raises": "Errors"}
"""The sections of a docstring, and what the reference calls them."""

_ITEM = re.compile(r"([\w *,.-]+): (.*)", re.DOTALL)
_WIDTH = 88


def markdown(documentation: str) -> str:
    """A docstring as Markdown, its examples last.

    Example:
        >>> print(markdown("The sum. Example: ``(+ 1 2)`` ⇒ ``3``."))
        The sum.
        <BLANKLINE>
        ```scheme
        (+ 1 2)  ; ⇒ 3
        ```
    """
    parts, code = [], []
    for paragraph in re.split(r"\n\s*\n", documentation.strip()):
        text, found = _without_examples(paragraph)
        code += found
        if text:
            parts.append(_paragraph(text))
    if code:
        parts.append("```scheme\n" + "\n".join(code) + "\n```")
    return "\n\n".join(parts)


def summary(documentation: str) -> str:
    """The first sentence of a docstring, for a table."""
    text, _ = _without_examples(documentation.strip().split("\n\n")[0])
    sentence = re.match(r".*?(?<!al)[.](?=\s+[A-Z`(]|\s*$)", text, re.DOTALL)
    return _inline(" ".join((sentence[0] if sentence else text).split())).replace("|", "\\|")


def _without_examples(paragraph: str) -> tuple[str, list[str]]:
    """The prose of a paragraph, and the lines of its examples."""
    mark = re.search(r"Examples?:\s", paragraph)
    if not mark:
        return paragraph, []
    before, after = paragraph[: mark.start()], paragraph[mark.end() :]
    lines = [line for match in EXAMPLE.finditer(after) for line in _example(*match.groups())]
    rest = EXAMPLE.sub("", after).strip(" ;.\n")
    told = f"{rest[0].upper()}{rest[1:]}." if re.search(r"\w", rest) else ""
    return f"{before.rstrip()}\n{told}".strip(), lines


def _example(expression: str, value: str) -> list[str]:
    """An example laid out as programs are, with its value behind it or below."""
    program = " ".join(expression.split()) if '"' not in expression else expression
    lines = format_text(re.sub(r"\n\s*", " ", program)).rstrip().split("\n")
    value = " ".join(value.split()) if "\n" in value else value
    if len(lines[-1]) + len(value) + 6 <= _WIDTH and len(lines) == 1:
        return [f"{lines[0]}  ; ⇒ {value}"]
    return [*lines, f"; ⇒ {value}"]


def _paragraph(text: str) -> str:
    head, colon, body = text.partition(":\n")
    if colon and head.strip() in SECTIONS:
        return _section(SECTIONS[head.strip()], textwrap.dedent(body))
    if re.match(r"\s*\* ", text):
        return _inline(textwrap.dedent(text))
    return _inline(" ".join(text.split()))


def _section(title: str, body: str) -> str:
    """The items of a section as a list; without items, as a sentence."""
    items: list[str] = []
    for line in body.split("\n"):
        if line.startswith((" ", "\t")) and items:
            items[-1] += " " + line.strip()
        elif line.strip():
            items.append(line.strip())
    matches = [_ITEM.fullmatch(item) for item in items]
    if not all(matches):
        return f"{title}: {_inline(' '.join(items))}" if title else _inline(" ".join(items))
    listed = [_item(match, is_parameter=not title) for match in matches if match]
    return "\n".join([*([f"{title}:", ""] if title else []), *listed])


def _item(match: re.Match[str], is_parameter: bool) -> str:
    name = match[1].lstrip("*").replace("_", "-") if is_parameter else match[1]
    return f"- `{name}`: {_inline(match[2])}"


def _inline(text: str) -> str:
    """Code between two backticks as Markdown has it."""
    return re.sub(r"``(.+?)``", _code, text, flags=re.DOTALL)


def _code(match: re.Match[str]) -> str:
    code = match[1]
    return f"`` {code} ``" if "`" in code else f"`{code}`"

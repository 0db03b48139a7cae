"""The texts of all pages of the reference."""

from __future__ import annotations

import importlib
import inspect
import re

from eshkol.primitives.catalogue import FAMILIES
from eshkol.reference.entries import Entry, forms, layers, primitives
from eshkol.reference.markdown import markdown, summary
from eshkol.reference.pages import PAGES

_MADE = "<!-- Made of the docstrings by `make reference`: change those. -->"

_FORMS = ("forms", "Forms", "definitions, conditionals, loops, macros, libraries, modes")
_LAYERS = ("layers", "Layers and models", "the library `(eshkol nn)`")

_OF_FORMS = (
    "What the language itself knows: forms that are no procedures. In a grammar, `...` stands for "
    "any number of what stands before it, `...+` for at least one, and `?` for one or none."
)
_OF_LAYERS = (
    "After `(import (eshkol nn))`, or as `ek.nn` in Python. A layer is a procedure from a batch to "
    "a batch that captures its weights; whatever is made of layers is a model."
)


def texts() -> dict[str, str]:
    """The text of each file of the reference, by its name."""
    unassigned = set(FAMILIES) - {family for page in PAGES for family in page.families}
    if unassigned:
        raise SystemExit(f"add to a page in eshkol/reference/pages.py: {', '.join(unassigned)}")
    pages = [(*_FORMS, [("", _OF_FORMS, forms())]), *map(_of_primitives, PAGES)]
    pages.append((*_LAYERS, [("", _OF_LAYERS, layers())]))
    made = {f"{file}.md": _page(title, groups) for file, title, _, groups in pages}
    return {"README.md": _index(pages), **made}


Groups = list[tuple[str, str, list[Entry]]]
"""Title, introduction and entries of each part of a page."""

PageParts = tuple[str, str, str, Groups]


def _of_primitives(page: tuple[str, str, str, tuple[str, ...]]) -> PageParts:
    file, title, about, families = page
    groups = []
    for family in families:
        module = importlib.import_module(f"eshkol.primitives.{family}")
        heading, _, rest = (inspect.getdoc(module) or "").partition("\n\n")
        name = family.replace("_", " ").capitalize() if len(families) > 1 else ""
        groups.append((name, f"{heading}\n\n{rest}", primitives(family)))
    return file, title, about, groups


def _page(title: str, groups: Groups) -> str:
    lines = [_MADE, f"# {title}", ""]
    for heading, introduction, entries in groups:
        if heading:
            lines += [f"## {heading}", ""]
        lines += [markdown(introduction), ""]
        if len(entries) > 3:
            lines += [*_table(entries, groups), ""]
        for entry in entries:
            lines += [*_entry(entry, "###" if heading else "##"), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(entries: list[Entry], groups: Groups) -> list[str]:
    anchors = _anchors(groups)
    rows = [
        f"| [`{_in_table(entry.name)}`](#{anchors[entry.name]}) | {summary(entry.documentation)} |"
        for entry in entries
    ]
    return ["| | |", "| --- | --- |", *rows]


def _in_table(text: str) -> str:
    return text.replace("|", "\\|")


def _entry(entry: Entry, level: str) -> list[str]:
    facts = [f"Python: `{entry.python}`"] if entry.python else []
    if entry.aliases:
        facts.append("also called " + ", ".join(f"`{name}`" for name in entry.aliases))
    told = ["; ".join(facts), ""] if facts else []
    usage = ["```scheme", entry.usage, "```", ""]
    return [f"{level} `{entry.name}`", "", *usage, *told, markdown(entry.documentation)]


def _anchors(groups: Groups) -> dict[str, str]:
    """The anchor of each entry of a page, made of its heading as GitHub makes it."""
    found: dict[str, str] = {}
    used: dict[str, int] = {}
    for heading, _, entries in groups:
        for name in [heading] * bool(heading) + [entry.name for entry in entries]:
            anchor = re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-")
            times = used.get(anchor, -1) + 1
            used[anchor] = times
            found[name] = f"{anchor}-{times}" if times else anchor
    return found


def _index(pages: list[PageParts]) -> str:
    lines = [
        _MADE,
        "# Reference",
        "",
        "Every name of the language. In Python, procedures are attributes of the package "
        "(`import eshkol as ek`): `train-epoch` is `ek.train_epoch`, `tensor?` is `ek.is_tensor`, "
        "`set-x!` is `ek.set_x`. The tests execute every example.",
        "",
        *(f"- [{title}]({file}.md): {about}" for file, title, about, _ in pages),
        "",
        "## All names",
        "",
    ]
    links = {}
    for file, _, _, groups in pages:
        anchors = _anchors(groups)
        for _, _, entries in groups:
            for entry in entries:
                for name in (entry.name, *entry.aliases):
                    links[name] = f"[`{name}`]({file}.md#{anchors[entry.name]})"
    letters: dict[str, list[str]] = {}
    for name in sorted(links, key=lambda name: (name.lstrip("-+*<>=/:1").lower(), name)):
        first = name.lstrip("-+*<>=/:1")[:1].upper()
        letters.setdefault(first if first.isalpha() else "Signs", []).append(links[name])
    for letter, found in letters.items():
        lines += [f"**{letter}** {' · '.join(found)}", ""]
    return "\n".join(lines).rstrip() + "\n"

"""``import``, ``require`` and ``provide``: what modules take from each other (R7RS 5.2).

A file is a library; ``library_definitions`` makes one of a part of a text.
"""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

from eshkol.base.errors import ExpandError
from eshkol.expand.expander import Expander, top_level_form
from eshkol.expand.grammar import match_form
from eshkol.expand.modules import Library
from eshkol.syntax.objects import Syntax

IMPORT = "(import set ...+)"
REQUIRE = "(require library ...+)"
PROVIDE = "(provide name ...)"

SET_USAGE = (
    "(import (library name)), (import (only set name …)), (import (except set name …)),\n"
    '(import (prefix set prefix)), (import (rename set (old new) …)) or (import "file.esk")'
)
PYTHON = "python"
"""The first word of what names a Python module."""

PYTHON_USAGE = """(import (python module)), (import (python module as name)) or
(import (only (python module) name …))"""
PROVIDE_USAGE = "(provide name …), (provide (rename own exported)) or (provide (all-from library))"


class Imported(NamedTuple):
    """Something that an import set holds: what its library calls it."""

    library: Library
    name: str


Imports = dict[str, Imported]
"""What an import set holds, by the name it gets."""


@top_level_form(IMPORT)
def expand_import(expander: Expander, form: Syntax) -> None:
    for part in match_form(IMPORT, form, SET_USAGE)["set"]:
        _take(expander, import_set(expander, part))


@top_level_form(REQUIRE)
def expand_require(expander: Expander, form: Syntax) -> None:
    for part in match_form(REQUIRE, form)["library"]:
        if part.is_identifier:
            words = tuple(part.name.split("."))
            _take(expander, _everything(expander.find_library(words, part)))
        else:
            _take(expander, import_set(expander, part))


def _take(expander: Expander, imports: Imports) -> None:
    for alias, imported in imports.items():
        expander.take(alias, imported.library, imported.name)


def _everything(library: Library) -> Imports:
    return {exported: Imported(library, name) for exported, name in library.exports.items()}


# ---- import sets


def import_set(expander: Expander, form: Syntax, is_part: bool = False) -> Imports:
    """What an import set holds.

    Args:
        form: the set.
        is_part: whether another set is made of what it holds.

    Raises:
        ExpandError: if the set is malformed, or a library or a name in it isn't there.
    """
    if isinstance(form.datum, str):
        return _everything(expander.find_library(form.datum, form))
    parts = form.parts if form.is_list else ()
    if len(parts) > 1 and parts[0].is_identifier and not parts[1].is_identifier:
        modifier = _MODIFIERS.get(parts[0].name)
        if modifier is not None and (parts[1].is_list or isinstance(parts[1].datum, str)):
            return modifier(import_set(expander, parts[1], is_part=True), form)
    name = library_name(form)
    if name[0] == PYTHON:
        return _python_module(expander, form, name, is_part)
    return _everything(expander.find_library(name, form))


def _python_module(
    expander: Expander, form: Syntax, name: tuple[str, ...], is_part: bool
) -> Imports:
    """A Python module under its name; its attributes, if a set that holds some is made of it."""
    words, alias = name[1:], ""
    if words[-2:-1] == ("as",):
        words, alias = words[:-2], words[-1]
    holds_attributes = is_part or words[-1:] == ("*",)
    words = words[:-1] if words[-1:] == ("*",) else words
    if not words:
        problem = "expected the name of a Python module"
        raise _malformed(problem, form, usage=PYTHON_USAGE)
    module = (PYTHON, ".".join(words))
    if not holds_attributes:
        return _everything(expander.find_library((*module, "as", alias) if alias else module, form))
    if alias:
        problem = f"as {alias} names the module, but its attributes are imported here"
        raise _malformed(problem, form, usage=PYTHON_USAGE)
    return PythonImports(expander.find_library((*module, "*"), form))


class PythonImports(Imports):
    """The attributes of a Python module, which also go by the Scheme spelling of their names."""

    def __init__(self, library: Any) -> None:
        super().__init__(_everything(library))
        self.library = library

    def __missing__(self, name: str) -> Imported:
        own_name = self.library.own_name(name)
        if own_name is None:
            raise KeyError(name)
        return Imported(self.library, own_name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or self.library.own_name(name) is not None


def library_name(form: Syntax, who: str = "import", usage: str = "") -> tuple[str, ...]:
    """The words of a library's name.

    Raises:
        ExpandError: in the words of the form ``who``, quoting its ``usage``, if it is malformed.
    """
    words = []
    for part in form.parts if form.is_list else ():
        if part.is_identifier:
            words.append(part.name)
        elif part.datum.__class__ is int and part.datum >= 0:
            words.append(str(part.datum))
        else:
            raise _malformed("a library's name is made of words", part, who, usage)
    if not words:
        or_file = ", or of a file" if who == "import" else ""
        problem = f"expected the name of a library, in parentheses{or_file}"
        raise _malformed(problem, form, who, usage)
    return tuple(words)


def _malformed(problem: str, at: Syntax, who: str = "import", usage: str = "") -> ExpandError:
    hint = f"use: {usage or SET_USAGE}"
    return ExpandError(f"{who}: {problem}", span=at.span, hint=hint, trail=at.trail)


def _chosen(imports: Imports, name: Syntax) -> Imported:
    """What an import set holds under the name that a syntax object spells."""
    if not name.is_identifier:
        raise _malformed("expected a name", name)
    if name.name not in imports:
        close = difflib.get_close_matches(name.name, imports, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it exports: {_listed(imports)}"
        titles = {imported.library.title for imported in imports.values()}
        whose = " ".join(sorted(titles)) or "the library"
        raise ExpandError(f"import: {whose} exports no {name.name}", span=name.span, hint=hint)
    return imports[name.name]


def _listed(names: Imports, most: int = 8) -> str:
    shown = sorted(names)[:most]
    return ", ".join([*shown, "…"] if len(names) > most else shown) or "nothing"


def _only(imports: Imports, form: Syntax) -> Imports:
    chosen = [(_chosen(imports, name), name.name) for name in form.parts[2:]]
    return {name: imported for imported, name in chosen}


def _except(imports: Imports, form: Syntax) -> Imports:
    for name in form.parts[2:]:
        _chosen(imports, name)
    left_out = {name.name for name in form.parts[2:]}
    return {name: imported for name, imported in imports.items() if name not in left_out}


def _prefix(imports: Imports, form: Syntax) -> Imports:
    if len(form.parts) != 3 or not form.parts[2].is_identifier:
        raise _malformed("prefix takes a set and a prefix", form)
    prefix = form.parts[2].name
    return {f"{prefix}{name}": imported for name, imported in imports.items()}


def _rename(imports: Imports, form: Syntax) -> Imports:
    renamed: Imports = {}
    left = dict(imports)
    for pair in form.parts[2:]:
        names = pair.parts if pair.is_list else ()
        if len(names) != 2 or not names[1].is_identifier:
            raise _malformed("rename takes a set and pairs (old new)", pair)
        renamed[names[1].name] = _chosen(imports, names[0])
        left.pop(names[0].name, None)
    return {**left, **renamed}


_MODIFIERS = {"only": _only, "except": _except, "prefix": _prefix, "rename": _rename}


# ---- exports


@top_level_form(PROVIDE)
def expand_provide(expander: Expander, form: Syntax) -> None:
    provided = [] if expander.provided is None else expander.provided
    for part in match_form(PROVIDE, form, PROVIDE_USAGE)["name"]:
        provided += _provided(expander, part)
    expander.provided = provided


def _provided(expander: Expander, part: Syntax) -> list[tuple[Syntax, str, str]]:
    if part.is_identifier:
        return [(part, part.name, part.name)]
    parts = part.parts if part.is_list else ()
    words = [word.name for word in parts if word.is_identifier]
    if words[:1] == ["rename"] and len(words) == len(parts) == 3:
        return [(part, words[2], words[1])]
    if words[:1] == ["all-from"] and len(parts) == 2:
        return [(part, name, name) for name in import_set(expander, parts[1])]
    raise ExpandError(
        "provide: expected a name", span=part.span, hint=f"use: {PROVIDE_USAGE}", trail=part.trail
    )

"""What the reference tells of each name: how it is used, what it does, its Python name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass

from eshkol.api.names import builtin_spellings
from eshkol.datum.signatures import usage_text
from eshkol.datum.spelling import python_name
from eshkol.expand.form_texts import FORM_TEXTS
from eshkol.expand.forms import CORE_FORMS
from eshkol.primitives.declare import PRIMITIVES
from eshkol.session import Session


@dataclass(frozen=True)
class Entry:
    """A name of the reference.

    Attributes:
        name: in Scheme.
        usage: a call, or the grammar of a form.
        documentation: a docstring.
        python: how Python programs reach it; empty if they don't.
        aliases: other names of it.
    """

    name: str
    usage: str
    documentation: str
    python: str = ""
    aliases: tuple[str, ...] = ()


def primitives(family: str) -> list[Entry]:
    """The primitives that a family declares, in its order, each with all its names."""
    importlib.import_module(f"eshkol.primitives.{family}")
    spelling = {name: python for python, name in builtin_spellings().items()}
    names: dict[int, list[str]] = {}
    for name, primitive in PRIMITIVES.items():
        if _family_of(name) == family:
            names.setdefault(id(primitive.function), []).append(name)
    return [
        Entry(
            name,
            usage_text(name, PRIMITIVES[name].signature),
            PRIMITIVES[name].documentation,
            "ek." + next(spelling[each] for each in (name, *aliases) if each in spelling),
            tuple(aliases),
        )
        for name, *aliases in names.values()
    ]


def _family_of(name: str) -> str:
    """The module that declares a primitive. What makes others of its kind may stand elsewhere."""
    module = PRIMITIVES[name].function.__module__.rpartition(".")[2]
    return "strings" if module == "chars" and name.startswith("string") else module


def forms() -> list[Entry]:
    """The forms of the language."""
    expander = Session().expander
    shown = (name for name in CORE_FORMS if name in FORM_TEXTS)
    return [
        Entry(name, _grammar(expander.syntax(name).usage), FORM_TEXTS[name])  # type: ignore[union-attr]
        for name in shown
    ]


def _grammar(usage: str) -> str:
    return usage.replace(":id", "")


def layers() -> list[Entry]:
    """The procedures of ``(eshkol nn)``, in the order of their definition."""
    nn = importlib.import_module("eshkol.nn")
    names: dict[int, list[str]] = {}
    for name in _exports():
        names.setdefault(id(vars(nn)[name]), []).append(name)
    return [
        Entry(
            name,
            usage_text(name, inspect.signature(vars(nn)[name])),
            inspect.cleandoc(vars(nn)[name].__doc__ or ""),
            f"ek.nn.{python_name(name)}",
            tuple(aliases),
        )
        for name, *aliases in names.values()
    ]


def _exports() -> Iterable[str]:
    nn = importlib.import_module("eshkol.nn")
    return [name for name in vars(nn) if callable(vars(nn)[name]) and python_name(name) in dir(nn)]

"""What the names of the language are, from the tables that give them their meaning."""

from __future__ import annotations

from functools import cache

from eshkol.expand.forms import CORE_FORMS
from eshkol.runtime.support import builtins


@cache
def forms() -> frozenset[str]:
    """The names of the forms of the language."""
    return frozenset(CORE_FORMS)


@cache
def primitives() -> frozenset[str]:
    """The names of the primitives."""
    return frozenset(name for name in builtins() if not name.startswith(" ")) - forms()

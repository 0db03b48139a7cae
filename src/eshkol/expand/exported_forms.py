"""The syntax that libraries of the language export: its forms by name."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import Node
from eshkol.expand import forms
from eshkol.expand.expander import CORE_SCOPE
from eshkol.expand.scopes import CoreForm
from eshkol.syntax.objects import Syntax

assert forms.CORE_FORMS


def _misplaced(expander: Any, form: Syntax, usage: str) -> Node:
    name = form.parts[0].name if form.is_list else form.name
    raise ExpandError(f"{name} stands only in patterns and templates", span=form.span)


PLACEHOLDERS = {name: CoreForm(name, name, _misplaced) for name in ("_", "...")}
"""Syntax that means something only inside other forms, and that no scope binds."""


def form_named(name: str) -> Any:
    """The form of this name; None if there is none."""
    for _, binding in CORE_SCOPE.bindings.get(name, ()):
        return binding
    return PLACEHOLDERS.get(name)

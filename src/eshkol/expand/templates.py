"""Templates: forms of the language that are made of other forms, written as Scheme text.

A template is instantiated as those of ``syntax-rules`` are: ``word`` stands for what the form's
grammar captured under that name, ``word ...`` for all that it captured.
"""

from __future__ import annotations

import functools
from typing import Any

from eshkol.expand.expander import CORE_SCOPE, CORE_SCOPES, derived_form
from eshkol.expand.grammar import Captures, match_form
from eshkol.expand.syntax_rules import Repeated, Rules, instantiate
from eshkol.syntax.objects import Syntax


@functools.cache
def _parsed(text: str) -> Syntax:
    """The template that ``text`` writes, its identifiers in the scope of the language."""
    from eshkol.reader.parser import Reader

    form = Reader(text, "<template>").read()
    assert isinstance(form, Syntax)
    return form.add_scope(CORE_SCOPE)


def fill(text: str, form: Syntax, captures: Captures) -> Syntax:
    """The template ``text`` with its words replaced by what they stand for.

    Args:
        text: a form; unbound names in it mean primitives, whatever the program defines.
        form: the use, whose place the result takes.
        captures: syntax objects by word, or lists of them.

    Returns:
        The form, to be marked as introduced by whoever expands it.
    """
    scopes = CORE_SCOPES
    variables: dict[Any, int] = {}
    matches: dict[Any, Any] = {}
    for word, value in captures.items():
        key = (word, scopes)
        variables[key] = _depth(value)
        matches[key] = Repeated(list(value)) if _depth(value) else value
    rules = Rules(form.parts[0].name, None, ())
    return instantiate(rules, variables, form, _parsed(text), matches)


def _depth(value: Any) -> int:
    return 1 if isinstance(value, list | tuple) else 0


def template_form(grammar: str, template: str) -> None:
    """Declare the form with this grammar to be short for a template of its words."""

    def rewrite(expander: Any, form: Syntax, usage: str) -> Syntax:
        return fill(template, form, match_form(usage, form))

    derived_form(grammar)(rewrite)

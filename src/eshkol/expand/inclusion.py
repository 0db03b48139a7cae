"""``cond-expand``, ``include`` and ``include-ci`` (R7RS 4.2.1, 4.1.7) in programs and libraries."""

from __future__ import annotations

from collections.abc import Sequence

from eshkol.base.errors import ExpandError
from eshkol.base.features import FEATURES
from eshkol.expand.expander import Expander, derived_form
from eshkol.expand.grammar import match_form, shown
from eshkol.expand.modules import Surroundings
from eshkol.syntax.objects import Syntax

REQUIREMENT = (
    "a requirement is a feature, (library (name …)), (and requirement …), (or requirement …),\n"
    "(not requirement) or else"
)


@derived_form("(cond-expand (requirement form ...) ...)")
def rewrite_cond_expand(expander: Expander, form: Syntax, usage: str) -> Syntax:
    chosen = chosen_forms(form, expander.surroundings)
    return Syntax((_begin(form), *chosen), form.span, trail=form.trail)


@derived_form("(include file ...+)")
def rewrite_include(expander: Expander, form: Syntax, usage: str) -> Syntax:
    return _included(expander, form, usage, fold_case=False)


@derived_form("(include-ci file ...+)")
def rewrite_include_ci(expander: Expander, form: Syntax, usage: str) -> Syntax:
    return _included(expander, form, usage, fold_case=True)


def _included(expander: Expander, form: Syntax, usage: str, fold_case: bool) -> Syntax:
    """The forms of the files, as if they stood in place of the form."""
    forms = included_forms(form, expander.surroundings, usage, fold_case)
    for scope in reversed([*form.parts[0].scopes]):
        forms = [part.add_scope(scope) for part in forms]
    return Syntax((_begin(form), *forms), form.span, trail=form.trail)


def _begin(form: Syntax) -> Syntax:
    from eshkol.expand.templates import fill

    return fill("(begin)", form, {}).parts[0]


# ---- what the forms of programs and the declarations of libraries share


def included_forms(
    form: Syntax, surroundings: Surroundings, usage: str, fold_case: bool
) -> list[Syntax]:
    """All that the files named by an ``include`` form hold.

    Raises:
        ExpandError: if a name is no string, or a file can't be read.
    """
    forms: list[Syntax] = []
    for name in match_form(usage, form)["file"]:
        if not isinstance(name.datum, str):
            raise ExpandError(
                f"{form.parts[0].name}: expected the name of a file, got {shown(name)}",
                span=name.span,
                hint=f'use: ({form.parts[0].name} "file" …)',
                trail=form.trail,
            )
        forms += surroundings.read_included(name, fold_case)
    return forms


def chosen_forms(form: Syntax, surroundings: Surroundings) -> Sequence[Syntax]:
    """The forms of the first clause of a ``cond-expand`` whose requirement is met; else none."""
    for clause in form.parts[1:] if form.is_list else ():
        parts = clause.parts if clause.is_list else ()
        if not parts:
            raise ExpandError(
                f"cond-expand: expected a clause (requirement form …), got {shown(clause)}",
                span=clause.span,
                hint=REQUIREMENT,
                trail=form.trail,
            )
        if _is_met(parts[0], surroundings):
            return parts[1:]
    return ()


def _is_met(requirement: Syntax, surroundings: Surroundings) -> bool:
    if requirement.is_identifier:
        return requirement.name == "else" or requirement.name in FEATURES
    head, *rest = requirement.parts if requirement.is_list and requirement.parts else (requirement,)
    keyword = head.name if head.is_identifier else ""
    if keyword == "and":
        return all(_is_met(part, surroundings) for part in rest)
    if keyword == "or":
        return any(_is_met(part, surroundings) for part in rest)
    if keyword == "not" and len(rest) == 1:
        return not _is_met(rest[0], surroundings)
    if keyword == "library" and len(rest) == 1:
        from eshkol.expand.libraries import library_name

        return surroundings.has_library(library_name(rest[0], "cond-expand"), rest[0])
    raise ExpandError(
        f"cond-expand: expected a requirement, got {shown(requirement)}",
        span=requirement.span,
        hint=REQUIREMENT,
        trail=requirement.trail,
    )

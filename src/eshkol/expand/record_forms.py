"""``define-record-type`` (R7RS 5.5)."""

from __future__ import annotations

from typing import NamedTuple

from eshkol.base.errors import ExpandError
from eshkol.expand.expander import Expander, derived_form
from eshkol.expand.grammar import match_form, shown
from eshkol.expand.parameters import check_distinct
from eshkol.expand.templates import fill
from eshkol.syntax.objects import Syntax

USAGE = "(define-record-type name (constructor field …) predicate (field accessor modifier?) …)"
OWN_NAMES = "the type and each of its procedures need a name of their own"


class Field(NamedTuple):
    """A field as it is written."""

    name: Syntax
    accessor: Syntax | None
    modifier: Syntax | None


@derived_form(USAGE)
def rewrite_define_record_type(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """A new type and its procedures; ``#f`` stands for a constructor or predicate to leave out.

    A constructor without parentheses takes all fields; ``#t`` makes one called ``make-name``.
    """
    grammar = "(define-record-type name constructor predicate field ...)"
    captures = match_form(grammar, form, USAGE)
    name = captures["name"]
    if not name.is_identifier:
        raise _misfit(form, f"expected a name for the type, got {shown(name)}", name)
    fields = [_field(form, part) for part in captures["field"]]
    check_distinct([field.name for field in fields], form)
    definitions = [
        *_constructor(form, name, captures["constructor"], fields),
        *_predicate(form, name, captures["predicate"]),
    ]
    for index, field in enumerate(fields):
        definitions += _procedures(form, name, field, index)
    check_distinct([name, *[definition.parts[1] for definition in definitions]], form, OWN_NAMES)
    home = "| namespace|" if expander.body is expander.scope else "#f"
    return fill(
        f"(begin (define name (| record_type| {home} 'name 'field ...)) definition ...)",
        form,
        {"name": name, "field": [f.name for f in fields], "definition": definitions},
    )


def _misfit(form: Syntax, problem: str, at: Syntax) -> ExpandError:
    return ExpandError(
        f"define-record-type: {problem}", span=at.span, hint=f"use: {USAGE}", trail=form.trail
    )


def _field(form: Syntax, part: Syntax) -> Field:
    if part.is_identifier:
        return Field(part, None, None)
    parts = part.parts if part.is_list else ()
    if not 1 <= len(parts) <= 3 or not all(item.is_identifier for item in parts):
        raise _misfit(form, f"expected (field accessor modifier), got {shown(part)}", part)
    return Field(parts[0], *(*parts[1:], None, None)[:2])


def _is_boolean(part: Syntax, value: bool) -> bool:
    return part.datum is value


def _constructor(form: Syntax, kind: Syntax, part: Syntax, fields: list[Field]) -> list[Syntax]:
    if _is_boolean(part, False):
        return []
    if part.is_identifier or _is_boolean(part, True):
        name, given = part, [field.name for field in fields]
    elif part.is_list and part.parts and part.parts[0].is_identifier:
        name, *given = part.parts
    else:
        raise _misfit(form, f"expected (constructor field …), got {shown(part)}", part)
    check_distinct(given, form)
    if not name.is_identifier:
        name = _default_name(kind)
    captures = {
        "kind": kind,
        "name": name,
        "index": [Syntax(_position(form, item, fields), item.span) for item in given],
    }
    return [fill("(define name (| record_constructor| kind 'name index ...))", form, captures)]


def _default_name(kind: Syntax) -> Syntax:
    from eshkol.datum.symbols import intern

    name = intern(f"make-{kind.name.strip('<>')}")
    return Syntax(name, kind.span, kind.scopes, kind.trail)


def _position(form: Syntax, item: Syntax, fields: list[Field]) -> int:
    """The position of the field that a constructor's argument is for."""
    for index, field in enumerate(fields):
        if item.is_identifier and (field.name.name, field.name.scopes) == (item.name, item.scopes):
            return index
    raise _misfit(form, f"{shown(item)} is not a field of {form.parts[1].name}", item)


def _predicate(form: Syntax, kind: Syntax, part: Syntax) -> list[Syntax]:
    if _is_boolean(part, False):
        return []
    if not part.is_identifier:
        raise _misfit(form, f"expected a name for the predicate, got {shown(part)}", part)
    captures = {"kind": kind, "name": part}
    return [fill("(define name (| record_predicate| kind 'name))", form, captures)]


def _procedures(form: Syntax, kind: Syntax, field: Field, index: int) -> list[Syntax]:
    """The definitions of the procedures that read and change a field."""
    made = []
    for name, maker in (
        (field.accessor, "| record_accessor|"),
        (field.modifier, "| record_modifier|"),
    ):
        if name is not None:
            captures = {"kind": kind, "name": name, "index": Syntax(index, field.name.span)}
            made.append(fill(f"(define name ({maker} kind 'name index))", form, captures))
    return made

"""Parameter lists: required, optional, by keyword, typed, and the rest.

A parameter is ``name``, ``(name default)``, ``(name : type)`` or ``(name : type default)``; after
``#:keyword`` it is given by that name only. Types are not checked yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import Formal as FormalVariable
from eshkol.core.nodes import Parameter, Variable
from eshkol.datum.spelling import python_name
from eshkol.expand.grammar import shown
from eshkol.expand.scopes import LocalBinding, bind
from eshkol.syntax.objects import Keyword, Syntax


class Formal(NamedTuple):
    """A parameter as it is written; ``keyword`` is empty for one that is given by its place."""

    name: Syntax
    default: Syntax | None
    keyword: str = ""


def bind_variable(identifier: Syntax, name: str = "", kind: type[Variable] = Variable) -> Variable:
    """Bind ``identifier`` to a new local variable, which people see under ``name`` if given."""
    variable = kind(name or identifier.name)
    bind(identifier, LocalBinding(variable))
    return variable


def bind_parameters(
    expander: Any, items: Sequence[Syntax], tail: Syntax | None, form: Syntax
) -> tuple[tuple[Parameter, ...], Variable | None]:
    """Bind the parameters of a procedure; a default sees the parameters before its own.

    Args:
        expander: expands the defaults.
        items: what stands in the list, with the scope of the procedure.
        tail: what stands behind a dot, or instead of the list.
        form: the procedure.

    Returns:
        The parameters, those with a keyword last, and the variable of the rest.

    Raises:
        ExpandError: if they are malformed, or a name is bound twice.
    """
    formals = _formals(items, form)
    if tail is not None and not tail.is_identifier:
        raise ExpandError(
            f"expected a name for the rest of the arguments, got {shown(tail)}",
            span=tail.span,
            trail=form.trail,
        )
    check_distinct([formal.name for formal in formals] + ([tail] if tail else []), form)
    _check_keywords(formals, form)
    positional = [formal for formal in formals if not formal.keyword]
    _check_defaults(positional, form)
    ordered = positional + [formal for formal in formals if formal.keyword]
    parameters = [_bind(expander, formal) for formal in ordered]
    return tuple(parameters), None if tail is None else bind_variable(tail)


def _bind(expander: Any, formal: Formal) -> Parameter:
    default = None if formal.default is None else expander.expand(formal.default)
    variable = bind_variable(formal.name, formal.keyword, kind=FormalVariable)
    return Parameter(variable, default, formal.keyword)


def _formals(items: Iterable[Syntax], form: Syntax) -> list[Formal]:
    formals = []
    rest = iter(items)
    for item in rest:
        keyword = ""
        if isinstance(item.datum, Keyword):
            keyword, at = item.datum.name, item
            following = next(rest, None)
            if following is None:
                raise ExpandError(
                    f"expected a parameter after {at.datum!r}",
                    span=at.span,
                    hint=f"use: {at.datum!r} name, or {at.datum!r} (name default)",
                    trail=form.trail,
                )
            item = following
        formals.append(_formal(item, keyword, form))
    return formals


def _formal(item: Syntax, keyword: str, form: Syntax) -> Formal:
    if item.is_identifier:
        return Formal(item, None, keyword)
    parts = item.parts if item.is_list else ()
    is_typed = is_colon_second(parts)
    name, default = parts[:1], parts[3:] if is_typed else parts[1:]
    if not name or not name[0].is_identifier or len(default) > 1 or not (default or is_typed):
        raise ExpandError(
            f"expected a parameter: a name or (name default), got {shown(item)}",
            span=item.span,
            trail=form.trail,
        )
    return Formal(name[0], default[0] if default else None, keyword)


def is_colon_second(parts: Sequence[Syntax]) -> bool:
    """Whether ``parts`` begin as ``name : type`` does."""
    return len(parts) > 2 and parts[1].is_identifier and parts[1].name == ":"


def without_type(body: list[Syntax]) -> list[Syntax]:
    """A procedure's body without the type of its value, ``: type``, before it."""
    has_type = len(body) > 2 and body[0].is_identifier and body[0].name == ":"
    return body[2:] if has_type else body


def check_distinct(names: Iterable[Syntax], form: Syntax, hint: str = "") -> None:
    """Raise an error if a form binds one name twice."""
    seen: set[tuple] = set()
    for name in names:
        key = (name.name, name.scopes)
        if key in seen:
            raise ExpandError(
                f"the name {name.name} is bound twice",
                span=name.span,
                hint=hint,
                trail=form.trail,
            )
        seen.add(key)


def _check_keywords(formals: Iterable[Formal], form: Syntax) -> None:
    seen: dict[str, str] = {}
    for formal in formals:
        spelling = python_name(formal.keyword)
        if formal.keyword and spelling in seen:
            raise ExpandError(
                f"two parameters have the keyword #:{formal.keyword}"
                + _same_in_python(formal.keyword, seen[spelling]),
                span=formal.name.span,
                trail=form.trail,
            )
        seen[spelling] = formal.keyword


def check_not_given(keyword: Syntax, given: Iterable[str]) -> None:
    """Raise an error if a call gives an argument by name that it has given before."""
    name = keyword.datum.name
    for other in given:
        if python_name(other) == python_name(name):
            raise ExpandError(
                f"{keyword.datum!r} is given twice" + _same_in_python(name, other),
                span=keyword.span,
            )


def _same_in_python(keyword: str, other: str) -> str:
    """What to add to a complaint that two keywords are one, if they are written differently."""
    if keyword == other:
        return ""
    return f": it is #:{other} too, since both are {python_name(keyword)} in Python"


def _check_defaults(positional: Iterable[Formal], form: Syntax) -> None:
    is_optional = False
    for name, default, _ in positional:
        if is_optional and default is None:
            raise ExpandError(
                f"{name.name} needs a default, since a parameter before it has one",
                span=name.span,
                hint=f"write ({name.name} default), or put it before the optional ones",
                trail=form.trail,
            )
        is_optional = default is not None

"""Scheme programs that Python passes values to, and procedures made of texts and docstrings."""

from __future__ import annotations

import itertools
from types import FunctionType
from typing import Any

from eshkol.api.docstrings import does_nothing, has_scheme_body, parameters_of, read_docstring
from eshkol.base.errors import BadValue, WrongType
from eshkol.base.spans import Span
from eshkol.core.nodes import Lambda, Letrec, LocalRef, Node, Parameter, Variable
from eshkol.datum.symbols import intern
from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import short_string
from eshkol.expand.grammar import parts_with_tail
from eshkol.expand.scopes import LocalBinding, Scope, bind
from eshkol.reader.parser import read_all
from eshkol.session import Session
from eshkol.syntax.objects import Syntax
from eshkol.syntax.scopes import ScopeSet

_numbers = itertools.count(1)

IMPORTS = ("import", "require")


def evaluate_with(session: Session, text: str, names: dict[str, Any]) -> Any:
    """The value of the last form of a program that sees Python values under ``names``."""
    forms = read_all(text, f"<text {next(_numbers)}>")
    return _evaluate_local(session, forms, names)


def procedure_of_text(session: Session, text: str, names: dict[str, Any]) -> Any:
    """The procedure that a text gives: its value, or that of its last definition.

    Raises:
        WrongType: if it gives none.
    """
    file = f"<text {next(_numbers)}>"
    forms = read_all(text, file)
    if names:
        value = _evaluate_local(session, forms, names)
    else:
        value = session.evaluate_forms(forms, file)
        if not callable(value):
            value = _last_defined(session, forms, value)
    if not callable(value):
        raise WrongType(
            f"expected Scheme text that gives a procedure, this gives {short_string(value)}",
            hint='for example "(lambda (x) (* x x))" or "(define (f x) (* x x))"',
        )
    return value


def _last_defined(session: Session, forms: list[Syntax], default: Any) -> Any:
    """The value of the last variable that a program defines."""
    names = filter(None, map(_defined_name, reversed(forms)))
    name = next(names, None)
    return default if name is None else session.get(name)


def procedure_of_docstring(session: Session, function: Any, names: dict[str, Any]) -> Any:
    """The procedure whose body is the docstring of a Python function.

    Returns:
        The procedure, which can call itself by its name; None if ``function`` has a Python body.

    Raises:
        BadValue: if the function has neither.
    """
    if not has_scheme_body(function):
        if isinstance(function, FunctionType) and does_nothing(function):
            raise BadValue(
                f"{function.__name__} has neither a body nor a docstring",
                hint="python -OO strips docstrings",
            )
        return None
    parameters = parameters_of(function)
    forms = read_docstring(function)
    if not forms:
        raise BadValue(f"the docstring of {function.__name__} holds no form")
    own = [Variable(name) for name in parameters.names]
    rest = None if parameters.rest is None else Variable(parameters.rest)
    itself = Variable(function.__name__)

    def make(forms: list[Syntax], scopes: ScopeSet) -> Node:
        span, scope = _span(forms), Scope()
        scopes = scopes.changed(scope)
        _bind_all([itself], scopes)
        inside = [form.add_scope(scope) for form in forms]
        body = _body(session, own if rest is None else [*own, rest], inside, scopes)
        signature = tuple(Parameter(variable) for variable in own)
        procedure = Lambda(span, itself.name, signature, rest, body)
        return Letrec(span, (itself,), (procedure,), LocalRef(span, itself))

    procedure = _call_with(session, forms, names, make)
    procedure.__defaults__ = parameters.defaults or None
    procedure.__module__ = function.__module__
    return procedure


# ---- evaluating with names


def _evaluate_local(session: Session, forms: list[Syntax], names: dict[str, Any]) -> Any:
    """The value of the last form, or of the last definition, of a program with names of its own."""
    if not forms:
        return UNSPECIFIED
    defined = _defined_name(forms[-1])
    if defined is not None:
        forms = [*forms, Syntax(intern(defined), forms[-1].span)]

    def make(forms: list[Syntax], scopes: ScopeSet) -> Node:
        return _body(session, [], forms, scopes)

    return _call_with(session, forms, names, make)


def _call_with(session: Session, forms: list[Syntax], names: dict[str, Any], make: Any) -> Any:
    """The value of what ``make`` makes of ``forms``, in the scope of Python values.

    Imports at the beginning of the forms are the session's.
    """
    expander = session.expander
    span = _span(forms)
    forms = [expander.scoped(form) for form in forms]
    while len(forms) > 1 and _head(forms[0]) in IMPORTS:
        expander.expand_top(forms.pop(0), [])
    scope = Scope()
    scopes = expander.scopes.changed(scope)
    variables = [Variable(name) for name in names]
    _bind_all(variables, scopes)
    inner = make([form.add_scope(scope) for form in forms], scopes)
    signature = tuple(Parameter(variable) for variable in variables)
    outer = Lambda(span, "with names", signature, None, inner)
    code, unit = session.compile_nodes(expander.return_borrowed([outer]), span)
    return session.run(code, unit)(*names.values())


def _body(
    session: Session, variables: list[Variable], forms: list[Syntax], scopes: ScopeSet
) -> Node:
    """The Core of a body in which these variables are bound; ``scopes`` are those around."""
    scope = Scope()
    _bind_all(variables, scopes.changed(scope))
    owner = Syntax(intern("body"), _span(forms))
    return session.expander.expand_body([form.add_scope(scope) for form in forms], owner)


def _bind_all(variables: list[Variable], scopes: ScopeSet) -> None:
    """Bind each variable under its Python name and under its Scheme name."""
    for variable in variables:
        for name in {variable.name, variable.name.replace("_", "-")}:
            bind(Syntax(intern(name), scopes=scopes), LocalBinding(variable))


# ---- looking at forms


def _span(forms: list[Syntax]) -> Span:
    return forms[0].span.to(forms[-1].span)


def _head(form: Syntax) -> str:
    """The word that a form begins with."""
    parts = form.parts if form.is_list else ()
    return parts[0].name if parts and parts[0].is_identifier else ""


def _defined_name(form: Syntax) -> str | None:
    """The variable that a ``define`` form defines."""
    if _head(form) != "define" or len(form.parts) < 3:
        return None
    target = form.parts[1]
    while not target.is_identifier:
        items, _ = parts_with_tail(target)
        if not items:
            return None
        target = items[0]
    return target.name

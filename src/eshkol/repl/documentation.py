"""What is known about names."""

from __future__ import annotations

import inspect
from typing import Any

from eshkol.base.errors import UnboundVariable
from eshkol.datum.signatures import usage_text
from eshkol.datum.write import short_string, write_string
from eshkol.expand.form_texts import FORM_TEXTS
from eshkol.expand.forms import CORE_FORMS
from eshkol.expand.scopes import CoreForm, Macro
from eshkol.primitives.declare import PRIMITIVES
from eshkol.runtime.report import unbound
from eshkol.session import Session


def documentation(session: Session, name: str) -> str:
    """All that is known about a name: how to use it, and its docstring or value.

    Raises:
        UnboundVariable: if it means nothing.
    """
    syntax = session.expander.syntax(name)
    if isinstance(syntax, CoreForm | Macro):
        return _of_form(name, syntax)
    if _is_primitive(session, name):
        primitive = PRIMITIVES[name]
        return f"{usage_text(name, primitive.signature)}\n{primitive.documentation}".rstrip()
    return _of_value(name, _value(session, name))


def _value(session: Session, name: str) -> Any:
    try:
        return session.get(name)
    except UnboundVariable:
        namespace = session.namespace
        known = {**dict.fromkeys(CORE_FORMS), **namespace.variables}
        error = unbound(name, {**known, "__builtins__": namespace.builtins})
        if error.hint.startswith("to define"):
            error.hint = f"to look for names that contain it: ,apropos {name}"
        raise error from None


def _is_primitive(session: Session, name: str) -> bool:
    return name in PRIMITIVES and not session.namespace.is_defined(name)


def _of_form(name: str, syntax: CoreForm | Macro) -> str:
    usage = syntax.usage.replace(":id", "")
    if not usage:
        return f"{name} is a macro."
    text = FORM_TEXTS.get(name, "A form of the language.")
    return f"{usage}\n{text}"


def _of_value(name: str, value: Any) -> str:
    if not callable(value):
        return f"{name} is {write_string(value)}"
    usage = _usage(name, value)
    text = _docstring(value)
    if not text:
        return "\n".join([*usage, f"{name} is a procedure without a docstring."])
    return "\n".join([*usage, text])


def _usage(name: str, procedure: Any) -> list[str]:
    try:
        return [usage_text(name, inspect.signature(procedure))]
    except (TypeError, ValueError):
        return []


def _docstring(thing: Any) -> str:
    text = getattr(thing, "__doc__", None)
    return inspect.cleandoc(text) if isinstance(text, str) else ""


def matching_names(session: Session, text: str) -> list[str]:
    """The names that contain ``text``, those that begin with it first."""
    wanted = text.lower()
    names = {*session.namespace.names(), *CORE_FORMS, *session.expander.defined}
    found = [name for name in names if wanted in name.lower()]
    return sorted(found, key=lambda name: (not name.lower().startswith(wanted), name))


def summary(session: Session, name: str) -> str:
    """The first line of what is known about a name."""
    syntax = session.expander.syntax(name)
    if isinstance(syntax, CoreForm | Macro):
        return syntax.usage.replace(":id", "") or "a macro"
    value = session.namespace.get(name)
    if not callable(value):
        return short_string(value)
    return _docstring(value).partition("\n")[0]

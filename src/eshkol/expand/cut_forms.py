"""SRFI 26: ``cut`` and ``cute``, procedures made of calls that lack some arguments."""

from __future__ import annotations

from eshkol.base.errors import ExpandError
from eshkol.expand.derived_forms import introduced
from eshkol.expand.expander import Expander, derived_form
from eshkol.expand.grammar import match_form
from eshkol.syntax.objects import Dotted, Syntax

SLOT, REST = "<>", "<...>"


@derived_form("(cut procedure argument ...)")
def rewrite_cut(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """``(cut f a <> b)`` is ``(lambda (x) (f a x b))``; ``<...>`` at the end takes the rest."""
    match_form(usage, form)
    return _procedure(form, list(form.parts[1:]))


@derived_form("(cute procedure argument ...)")
def rewrite_cute(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """As ``cut``; what is given is evaluated once, when the procedure is made."""
    match_form(usage, form)
    parts: list[Syntax] = []
    bindings: list[Syntax] = []
    for number, part in enumerate(form.parts[1:]):
        if _is_slot(part, SLOT) or _is_slot(part, REST):
            parts.append(part)
            continue
        name = introduced(f"given {number}", form)
        parts.append(name)
        bindings.append(_list(form, name, part))
    return _list(form, introduced("let", form), _list(form, *bindings), _procedure(form, parts))


def _procedure(form: Syntax, parts: list[Syntax]) -> Syntax:
    """The ``lambda`` whose parameters are the slots among ``parts``."""
    parameters: list[Syntax] = []
    rest = None
    for number, part in enumerate(parts):
        if _is_slot(part, REST):
            if number < len(parts) - 1 or number == 0:
                name = form.parts[0].name
                raise ExpandError(
                    f"{name}: <...> stands only at the end", span=part.span, trail=form.trail
                )
            rest = parts[number] = introduced("rest", form)
        elif _is_slot(part, SLOT):
            parts[number] = introduced(f"slot {number}", form)
            parameters.append(parts[number])
    call = _list(form, *parts)
    shape = _list(form, *parameters)
    if rest is not None:
        call = _list(form, introduced("apply", form), *parts)
        shape = Syntax(Dotted(tuple(parameters), rest), form.span) if parameters else rest
    return _list(form, introduced("lambda", form), shape, call)


def _is_slot(part: Syntax, name: str) -> bool:
    return part.is_identifier and part.name == name


def _list(form: Syntax, *parts: Syntax) -> Syntax:
    return Syntax(parts, form.span, trail=form.trail)

"""The core forms that bind nothing or make procedures: ``lambda``, ``if``, ``set!``, ``begin`` …

Importing this module (or its siblings) declares the forms.
"""

from __future__ import annotations

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import If, Lambda, LocalRef, Node, SetGlobal, SetLocal, Variable
from eshkol.expand.dotted import attribute_assignment
from eshkol.expand.expander import Expander, core_form, sequence, unspecified
from eshkol.expand.grammar import match_form, parts_with_tail
from eshkol.expand.parameters import bind_parameters, without_type
from eshkol.expand.scopes import CoreForm, LocalBinding, Macro, Scope, resolve
from eshkol.syntax.objects import Syntax


@core_form("(if test then else?)")
def expand_if(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    test = expander.expand(captures["test"])
    then = expander.expand(captures["then"])
    otherwise = captures["else"]
    last = unspecified(form) if otherwise is None else expander.expand(otherwise)
    return If(form.span, test, then, last)


@core_form("(set! name:id value)")
def expand_set(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    name = captures["name"]
    binding = resolve(name)
    if isinstance(binding, CoreForm | Macro):
        raise ExpandError(
            f"set!: {name.name} is syntax, not a variable", span=name.span, trail=form.trail
        )
    value = expander.expand(captures["value"])
    if isinstance(binding, LocalBinding):
        return SetLocal(form.span, binding.variable, value)
    assignment = attribute_assignment(expander, name, binding, value, form.span)
    if assignment is not None:
        return assignment
    return SetGlobal(form.span, expander.name_to_set(name, binding), value)


@core_form("(begin expression ...)")
def expand_begin(expander: Expander, form: Syntax, usage: str) -> Node:
    steps = match_form(usage, form)["expression"]
    if not steps:
        return unspecified(form)
    return sequence([expander.expand(step) for step in steps], form)


@core_form("(define name value)")
def expand_misplaced_define(expander: Expander, form: Syntax, usage: str) -> Node:
    raise _misplaced("define", form)


@core_form("(define-syntax name transformer)")
def expand_misplaced_define_syntax(expander: Expander, form: Syntax, usage: str) -> Node:
    raise _misplaced("define-syntax", form)


@core_form("(syntax-rules (literal ...) (pattern template) ...)")
def expand_misplaced_syntax_rules(expander: Expander, form: Syntax, usage: str) -> Node:
    raise ExpandError(
        "syntax-rules stands only as the transformer of a define-syntax",
        span=form.span,
        trail=form.trail,
    )


def _misplaced(keyword: str, form: Syntax) -> ExpandError:
    return ExpandError(
        f"{keyword} stands only at top level or at the start of a body",
        span=form.span,
        hint="to name a value inside an expression: (let ((name value)) …)",
        trail=form.trail,
    )


@core_form("(lambda parameters body ...+)")
def expand_lambda(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    scope = Scope()
    shape = captures["parameters"].add_scope(scope)
    body = [part.add_scope(scope) for part in captures["body"]]
    items, tail = parts_with_tail(shape)
    parameters, rest = bind_parameters(expander, items, tail, form)
    body = without_type(body)
    documentation = ""
    if len(body) > 1 and isinstance(body[0].datum, str):
        documentation, body = body[0].datum, body[1:]
    node = expander.expand_body(body, form)
    return Lambda(form.span, "", parameters, rest, node, documentation)


def reference(variable: Variable, form: Syntax) -> Node:
    """A reference to ``variable`` with the span of ``form``."""
    return LocalRef(form.span, variable)

"""The core forms that bind nothing or make procedures: ``lambda``, ``if``, ``set!``, ``begin`` …

Importing this module (or its siblings) declares the forms.
"""

from __future__ import annotations

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import If, Lambda, LocalRef, Node, Parameter, SetGlobal, SetLocal, Variable
from eshkol.expand.expander import Expander, core_form, sequence, unspecified
from eshkol.expand.grammar import match_form, parts_with_tail, shown
from eshkol.expand.scopes import CoreForm, LocalBinding, Macro, Scope, bind, resolve
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
    if tail is not None and not tail.is_identifier:
        raise ExpandError(
            f"expected a name for the rest of the arguments, got {shown(tail)}",
            span=tail.span,
            trail=form.trail,
        )
    names = [_parameter_name(item, form) for item in items] + ([tail] if tail else [])
    _check_distinct(names, form)
    parameters = _bind_parameters(expander, items, form)
    rest = None if tail is None else bind_variable(tail)
    documentation = ""
    if len(body) > 1 and isinstance(body[0].datum, str):
        documentation, body = body[0].datum, body[1:]
    node = expander.expand_body(body, form)
    return Lambda(form.span, "", tuple(parameters), rest, node, documentation)


def _parameter_name(item: Syntax, form: Syntax) -> Syntax:
    if item.is_list and len(item.parts) == 2:
        item = item.parts[0]
    if not item.is_identifier:
        raise ExpandError(
            f"expected a parameter: a name or (name default), got {shown(item)}",
            span=item.span,
            trail=form.trail,
        )
    return item


def _check_distinct(names: list[Syntax], form: Syntax) -> None:
    seen: set[tuple] = set()
    for name in names:
        key = (name.name, name.scopes)
        if key in seen:
            raise ExpandError(
                f"the name {name.name} is bound twice", span=name.span, trail=form.trail
            )
        seen.add(key)


def _bind_parameters(
    expander: Expander, items: tuple[Syntax, ...], form: Syntax
) -> list[Parameter]:
    """Bind the parameters; a default sees the parameters before its own."""
    parameters: list[Parameter] = []
    for item in items:
        if item.is_identifier:
            if parameters and parameters[-1].default is not None:
                raise ExpandError(
                    f"{item.name} needs a default, since a parameter before it has one",
                    span=item.span,
                    hint=f"write ({item.name} default), or put it before the optional ones",
                    trail=form.trail,
                )
            parameters.append(Parameter(bind_variable(item)))
        else:
            name, default = item.parts
            node = expander.expand(default)
            parameters.append(Parameter(bind_variable(name), node))
    return parameters


def bind_variable(identifier: Syntax) -> Variable:
    """Bind ``identifier`` to a new local variable."""
    variable = Variable(identifier.name)
    bind(identifier, LocalBinding(variable))
    return variable


def reference(variable: Variable, form: Syntax) -> Node:
    """A reference to ``variable`` with the span of ``form``."""
    return LocalRef(form.span, variable)

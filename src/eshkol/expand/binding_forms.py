"""The forms that bind locally: the ``let`` family, named ``let``, ``let-syntax`` and ``do``."""

from __future__ import annotations

from collections.abc import Sequence as Items

from eshkol.core.nodes import Call, If, Lambda, Let, Letrec, LocalRef, Node, Parameter, Variable
from eshkol.expand.expander import Expander, core_form, named, sequence, unspecified
from eshkol.expand.grammar import match_form, misfit, shown
from eshkol.expand.parameters import bind_variable, check_distinct
from eshkol.expand.scopes import Scope, bind
from eshkol.syntax.objects import Syntax

LET = "(let ((name:id value) ...) body ...+)"
NAMED_LET = "(let loop:id ((name:id value) ...) body ...+)"


@core_form(LET)
def expand_let(expander: Expander, form: Syntax, usage: str) -> Node:
    if len(form.parts) > 1 and form.parts[1].is_identifier:
        return _expand_named_let(expander, form)
    captures = match_form(usage, form)
    names, inits = captures["name"], captures["value"]
    check_distinct(names, form)
    values = _named_values(expander, names, inits)
    variables, body = _scoped_body(expander, names, captures["body"], form)
    return Let(form.span, variables, values, body) if variables else body


def _named_values(
    expander: Expander, names: Items[Syntax], inits: Items[Syntax]
) -> tuple[Node, ...]:
    values = [
        named(expander.expand(init), name.name) for name, init in zip(names, inits, strict=True)
    ]
    return tuple(values)


def _scoped_body(
    expander: Expander, names: Items[Syntax], body: Items[Syntax], form: Syntax
) -> tuple[tuple[Variable, ...], Node]:
    scope = Scope()
    variables = tuple(bind_variable(name.add_scope(scope)) for name in names)
    return variables, expander.expand_body([part.add_scope(scope) for part in body], form)


def _expand_named_let(expander: Expander, form: Syntax) -> Node:
    captures = match_form(NAMED_LET, form)
    check_distinct(captures["name"], form)
    values = _named_values(expander, captures["name"], captures["value"])
    outer = Scope()
    label = captures["loop"].add_scope(outer)
    procedure = bind_variable(label)
    names = [name.add_scope(outer) for name in captures["name"]]
    body = [part.add_scope(outer) for part in captures["body"]]
    variables, node = _scoped_body(expander, names, body, form)
    return _recursive_call(form, procedure, variables, node, values)


def _recursive_call(
    form: Syntax,
    procedure: Variable,
    variables: tuple[Variable, ...],
    body: Node,
    values: tuple[Node, ...],
) -> Node:
    """``((letrec ((procedure (lambda variables body))) procedure) values …)``, values outside."""
    parameters = tuple(Parameter(variable) for variable in variables)
    function = Lambda(form.span, procedure.name, parameters, None, body)
    temporaries = tuple(Variable(variable.name) for variable in variables)
    arguments = tuple(
        LocalRef(value.span, temporary)
        for value, temporary in zip(values, temporaries, strict=True)
    )
    call = Call(form.span, LocalRef(form.span, procedure), arguments)
    loop = Letrec(form.span, (procedure,), (function,), call)
    return Let(form.span, temporaries, values, loop) if temporaries else loop


@core_form("(let* ((name:id value) ...) body ...+)")
def expand_let_star(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    names, inits, body = captures["name"], captures["value"], captures["body"]
    bound: list[tuple[Variable, Node]] = []
    for index, name in enumerate(names):
        value = named(expander.expand(inits[index]), name.name)
        scope = Scope()
        bound.append((bind_variable(name.add_scope(scope)), value))
        names[index + 1 :] = [later.add_scope(scope) for later in names[index + 1 :]]
        inits[index + 1 :] = [later.add_scope(scope) for later in inits[index + 1 :]]
        body = [part.add_scope(scope) for part in body]
    node = expander.expand_body(body, form)
    for variable, value in reversed(bound):
        node = Let(form.span, (variable,), (value,), node)
    return node


@core_form("(letrec ((name:id value) ...) body ...+)")
def expand_letrec(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    check_distinct(captures["name"], form)
    scope = Scope()
    names = [name.add_scope(scope) for name in captures["name"]]
    variables = tuple(bind_variable(name) for name in names)
    inits = [init.add_scope(scope) for init in captures["value"]]
    values = _named_values(expander, names, inits)
    body = expander.expand_body([part.add_scope(scope) for part in captures["body"]], form)
    return Letrec(form.span, variables, values, body) if variables else body


@core_form("(letrec* ((name:id value) ...) body ...+)")
def expand_letrec_star(expander: Expander, form: Syntax, usage: str) -> Node:
    return expand_letrec(expander, form, usage)


@core_form("(let-syntax ((name:id transformer) ...) body ...+)")
def expand_let_syntax(expander: Expander, form: Syntax, usage: str) -> Node:
    return _expand_syntax_bindings(expander, form, usage, is_recursive=False)


@core_form("(letrec-syntax ((name:id transformer) ...) body ...+)")
def expand_letrec_syntax(expander: Expander, form: Syntax, usage: str) -> Node:
    return _expand_syntax_bindings(expander, form, usage, is_recursive=True)


def _expand_syntax_bindings(
    expander: Expander, form: Syntax, usage: str, is_recursive: bool
) -> Node:
    """Macros for a body; those of ``letrec-syntax`` know each other."""
    captures = match_form(usage, form)
    check_distinct(captures["name"], form)
    scope = Scope()
    for name, part in zip(captures["name"], captures["transformer"], strict=True):
        macro = expander.transformer(part.add_scope(scope) if is_recursive else part, name.name)
        bind(name.add_scope(scope), macro)
    return expander.expand_body([part.add_scope(scope) for part in captures["body"]], form)


@core_form("(do ((name value step?) ...) (test result ...) body ...)")
def expand_do(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    names = captures["name"]
    for name in names:
        if not name.is_identifier:
            raise misfit(usage, form, f"expected a name, got {shown(name)}", name)
    check_distinct(names, form)
    values = _named_values(expander, names, captures["value"])
    scope = Scope()
    procedure = Variable("do")
    variables = tuple(bind_variable(name.add_scope(scope)) for name in names)

    def inner(part: Syntax) -> Node:
        return expander.expand(part.add_scope(scope))

    steps = [
        LocalRef(name.span, variable) if step is None else inner(step)
        for name, variable, step in zip(names, variables, captures["step"], strict=True)
    ]
    again = Call(form.span, LocalRef(form.span, procedure), tuple(steps))
    trip = sequence([*[inner(part) for part in captures["body"]], again], form)
    results = [inner(part) for part in captures["result"]]
    done = sequence(results, form) if results else unspecified(form)
    body = If(form.span, inner(captures["test"]), done, trip)
    return _recursive_call(form, procedure, variables, body, values)

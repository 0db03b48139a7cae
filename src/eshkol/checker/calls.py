"""Calls with the wrong number of arguments, as far as it is known what is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from eshkol.base.errors import EshkolError
from eshkol.checker.expansion import CheckedProgram
from eshkol.checker.problems import ERROR, Problem, of_error
from eshkol.core.free import assigned_variables
from eshkol.core.nodes import (
    Call,
    Const,
    Define,
    GlobalRef,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Node,
    SetGlobal,
    Variable,
)
from eshkol.core.walk import everything
from eshkol.datum.write import short_string
from eshkol.primitives.declare import PRIMITIVES, argument_count, arity_error
from eshkol.runtime import hints


def wrong_calls(program: CheckedProgram) -> Iterator[Problem]:
    """The calls in a program that can't work."""
    nodes = [part for node in program.nodes for part in everything(node)]
    checker = _Calls(program, nodes)
    for node in nodes:
        if isinstance(node, Call):
            problem = checker.problem(node)
            if problem is not None:
                yield problem


class _Calls:
    """Knows the procedures of a program: those that are never anything else."""

    def __init__(self, program: CheckedProgram, nodes: list[Node]) -> None:
        self.program = program
        self._changed = {node.name for node in nodes if isinstance(node, Define | SetGlobal)}
        self._global: dict[str, Lambda | None] = {}
        self._set = {node.name for node in nodes if isinstance(node, SetGlobal)}
        self._local = _local_procedures(program.nodes, nodes)

    def problem(self, call: Call) -> Problem | None:
        """What is wrong with a call; None if nothing is known to be."""
        called = call.procedure
        if isinstance(called, Const):
            message = f"expected a procedure to call, got {short_string(called.value)}"
            notes = tuple(hints.called(type(called.value).__name__, "").splitlines())
            return Problem(called.span, ERROR, "call", message, notes)
        if isinstance(called, GlobalRef):
            if self._is_primitive(called.name):
                return _primitive_problem(called.name, call)
            return _problem(called.name, self._global_procedure(called.name), call)
        if isinstance(called, LocalRef):
            return _problem(called.variable.name, self._local.get(called.variable), call)
        if isinstance(called, Lambda):
            return _problem(called.name or "this procedure", called, call)
        return None

    def _is_primitive(self, name: str) -> bool:
        variables = self.program.namespace
        return name in PRIMITIVES and name not in self._changed and not variables.is_defined(name)

    def _global_procedure(self, name: str) -> Lambda | None:
        if name in self._set:
            return None
        if name not in self._global:
            self._global[name] = self.program.procedure(name)
        return self._global[name]


def _local_procedures(tops: list[Node], nodes: list[Node]) -> dict[Variable, Lambda]:
    """The local variables that hold one procedure for ever."""
    assigned = {variable for node in tops for variable in assigned_variables(node)}
    return {
        variable: value
        for node in nodes
        if isinstance(node, Let | Letrec)
        for variable, value in zip(node.variables, node.values, strict=True)
        if isinstance(value, Lambda) and variable not in assigned
    }


def _primitive_problem(name: str, call: Call) -> Problem | None:
    """What is wrong with a call of a primitive."""
    function = PRIMITIVES[name].function
    arguments = (None,) * len(call.arguments)
    options = {keyword.replace("-", "_"): None for keyword, _ in call.keywords}
    try:
        inspect.signature(function).bind(*arguments, **options)
    except TypeError:
        error: EshkolError = arity_error(name, function, arguments, options)
        return of_error(error, "arity", call.span)
    return None


def _problem(name: str, procedure: Lambda | None, call: Call) -> Problem | None:
    """What is wrong with a call of a procedure whose Core is known."""
    complaint = "" if procedure is None else _complaint(procedure, call)
    if procedure is None or not complaint:
        return None
    shown = name.split(" of ")[0]
    return Problem(
        call.span, ERROR, "arity", f"{shown} {complaint}", (f"use: {_usage(shown, procedure)}",)
    )


def _complaint(procedure: Lambda, call: Call) -> str:
    """What does not fit between a procedure and a call of it, in words; empty if all does."""
    positional = [p for p in procedure.parameters if not p.keyword]
    named = {p.keyword: p for p in procedure.parameters if p.keyword}
    given = {keyword for keyword, _ in call.keywords}
    by_name = {p.variable.name for p in positional} & given
    for keyword in sorted(given - by_name - named.keys()):
        return f"has no keyword argument #:{keyword}"
    for keyword, parameter in named.items():
        if parameter.default is None and keyword not in given:
            return f"needs the argument #:{keyword}"
    least = sum(p.default is None for p in positional)
    most = None if procedure.rest is not None else len(positional)
    count = len(call.arguments)
    needed = sum(p.default is None and p.variable.name not in by_name for p in positional)
    if count < needed or (most is not None and count > most):
        return f"takes {argument_count(least, most)}, got {count}"
    return ""


def _usage(name: str, procedure: Lambda) -> str:
    """A call of a procedure as text."""
    words = [name]
    for parameter in procedure.parameters:
        shown = parameter.variable.name
        if parameter.default is not None:
            default = parameter.default
            value = short_string(default.value) if isinstance(default, Const) else "…"
            shown = f"({shown} {value})"
        words += [f"#:{parameter.keyword}", shown] if parameter.keyword else [shown]
    if procedure.rest is not None:
        words.append(f"{procedure.rest.name} …")
    return f"({' '.join(words)})"

"""The source of a procedure as an expression, from its Core."""

from __future__ import annotations

import types
from typing import Any

from eshkol.autodiff.plain import PLAIN
from eshkol.base.errors import BadValue
from eshkol.core import nodes
from eshkol.core.free import free_variables
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import short_string
from eshkol.primitives.declare import PRIMITIVES
from eshkol.primitives.expression_data import Expression, Source
from eshkol.runtime.formal_numbers import executed
from eshkol.runtime.procedures import Procedure, procedure_of

_AT_A_POINT = "derivative and gradient differentiate any procedure at a point"

MOST_NESTED = 100
"""Calls of procedures are written out so deep."""


def expression_of_procedure(who: str, function: Any, name: Symbol | None) -> Source:
    """What a procedure computes, as an expression of its parameters; calls are written out.

    What can't be read off its source (loops, recursion, assignments, lists) is found by calling it.

    Raises:
        BadValue: naming ``who``, where that depends on values of the parameters.
    """
    try:
        return _read(who, function, name)
    except BadValue:
        found = executed_expression(function, name)
        if found is None:
            raise
        return found


def executed_expression(function: Any, name: Symbol | None) -> Source | None:
    """What a procedure gives for symbols; None if it asks for their values."""
    procedure = procedure_of(_plain(function))
    if procedure is None:
        names = [name or intern("x")]
    else:
        names = _names(procedure)
    found = executed(_plain(function), names)
    return None if found is None else (found, names)


def _read(who: str, function: Any, name: Symbol | None) -> Source:
    procedure = procedure_of(_plain(function))
    if procedure is None:
        return _of_primitive(who, function, name or intern("x"))
    names = _names(procedure)
    return _Reading(who, 0).body(_plain(function), procedure, names), names


def _names(procedure: Procedure) -> list[Symbol]:
    required = [part for part in procedure.node.parameters if part.default is None]
    return [intern(parameter.variable.name) for parameter in required]


def _plain(function: Any) -> Any:
    """The procedure behind a compiled one, or behind one that runs on the evaluator."""
    function = getattr(function, "__wrapped__", function)
    compiled = getattr(getattr(function, "eshkol_cek", None), "compiled", None)
    return function if compiled is None else compiled() or function


def _of_primitive(who: str, function: Any, x: Symbol) -> Source:
    name = getattr(function, "__name__", "")
    known = PRIMITIVES.get(name)
    if known is None or known.function is not function:
        raise BadValue(
            f"{who}: the source of {short_string(function)} is not known",
            hint=_AT_A_POINT if who == "diff" else "",
        )
    return (name, x), [x]


class _Reading:
    """Going over the Core of a procedure.

    Attributes:
        values: what local variables stand for: expressions, or procedures.
        globals: the top-level variables that it sees.
    """

    def __init__(self, who: str, depth: int) -> None:
        self.who = who
        self.depth = depth
        self.values: dict[nodes.Variable, Any] = {}
        self.globals: dict[str, Any] = {}

    def body(self, function: Any, procedure: Procedure, arguments: list[Any]) -> Expression:
        """The body of a procedure with these arguments."""
        node = procedure.node
        if self.depth > MOST_NESTED:
            raise self._refused("a procedure that calls itself", node)
        if node.rest is not None or len(arguments) != len(node.parameters):
            raise self._refused("optional parameters", node)
        self.globals = function.__globals__
        names = procedure.unit.names
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for variable in free_variables(node):
            self.values[variable] = cells[names[variable]].cell_contents
        for parameter, argument in zip(node.parameters, arguments, strict=True):
            self.values[parameter.variable] = argument
        return self.visit(node.body)

    def visit(self, node: nodes.Node) -> Expression:
        """What a node computes."""
        if isinstance(node, nodes.Const):
            return self._number(node, node.value)
        if isinstance(node, nodes.LocalRef):
            return self._number(node, self.values[node.variable])
        if isinstance(node, nodes.GlobalRef):
            return intern(node.name)
        if isinstance(node, nodes.If):
            return self._conditional(node)
        if isinstance(node, nodes.Let | nodes.Letrec):
            for variable, value in zip(node.variables, node.values, strict=True):
                is_procedure = isinstance(value, nodes.Lambda)
                self.values[variable] = value if is_procedure else self.visit(value)
            return self.visit(node.body)
        if isinstance(node, nodes.Call) and not node.keywords:
            return self._call(node)
        raise self._refused(_WORDS.get(type(node), "this form"), node)

    def _conditional(self, node: nodes.If) -> Expression:
        test = self.visit(node.test)
        if _is_unspecified(node.otherwise):
            return ("if", test, self.visit(node.then))
        if _is_unspecified(node.then):
            return ("if", ("not", test), self.visit(node.otherwise))
        return ("if", test, self.visit(node.then), self.visit(node.otherwise))

    def _number(self, node: nodes.Node, value: Any) -> Expression:
        if value.__class__ in PLAIN or isinstance(value, bool | Symbol | tuple):
            return value
        raise self._refused(f"the value {short_string(value)}", node)

    def _call(self, node: nodes.Call) -> Expression:
        arguments = [self.visit(argument) for argument in node.arguments]
        target = node.procedure
        if isinstance(target, nodes.Lambda):
            return self._local(target, arguments)
        if isinstance(target, nodes.LocalRef):
            value = self.values[target.variable]
            if isinstance(value, nodes.Lambda):
                return self._local(value, arguments)
            return self._named(node, getattr(value, "__name__", ""), value, arguments)
        if isinstance(target, nodes.GlobalRef):
            return self._named(node, target.name, self.globals.get(target.name), arguments)
        raise self._refused("this call", node)

    def _named(self, node: nodes.Node, name: str, value: Any, arguments: list[Any]) -> Expression:
        """A call of a procedure: written out, unless it is a primitive or not known yet."""
        function = _plain(value)
        procedure = procedure_of(function) if isinstance(function, types.FunctionType) else None
        if procedure is None:
            return (name.lstrip(), *arguments)
        return _Reading(self.who, self.depth + 1).body(function, procedure, arguments)

    def _local(self, node: nodes.Lambda, arguments: list[Any]) -> Expression:
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise self._refused("a procedure that calls itself", node)
        for parameter, argument in zip(node.parameters, arguments, strict=True):
            self.values[parameter.variable] = argument
        found = self.visit(node.body)
        self.depth -= 1
        return found

    def _refused(self, what: str, node: nodes.Node) -> BadValue:
        if self.who != "diff":
            return BadValue(f"{self.who}: {what} can't be written as an expression")
        return BadValue(
            f"{self.who}: {what} can't be differentiated as an expression", hint=_AT_A_POINT
        )


def _is_unspecified(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and node.value is UNSPECIFIED


_WORDS: dict[type, str] = {
    nodes.Loop: "a loop",
    nodes.Continue: "a loop",
    nodes.Sequence: "a sequence of steps",
    nodes.MakeBox: "an assigned variable",
    nodes.BoxRef: "an assigned variable",
    nodes.BoxSet: "an assignment",
    nodes.SetGlobal: "an assignment",
    nodes.Lambda: "a procedure as a value",
}

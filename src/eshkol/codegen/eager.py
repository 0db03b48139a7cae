"""The eager dialect: ``if`` is a Python ``if``, a loop a Python loop.

A body that meets a traced condition starts again in the staged dialect: its function
ends in a handler for that, which costs nothing until it is used.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, TypeGuard

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.eager_loops import LoopEmitter
from eshkol.codegen.emitter import RETURN, Destination, Emitter, Return, Unit, function_name
from eshkol.codegen.held_lists import is_only_taken
from eshkol.codegen.inlining import inline_call, inline_test
from eshkol.codegen.kinds import INT
from eshkol.codegen.traversals import gives_sequence, inline_sequence, scheme_list, sequence
from eshkol.core.free import free_variables
from eshkol.core.nodes import (
    Call,
    Const,
    GlobalRef,
    If,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    Node,
)
from eshkol.core.surroundings import owner_of
from eshkol.core.walk import children, everything

PASSING_ON = (
    "apply",
    "call-with-values",
    "eval",
    "call/cc",
    "call-with-current-continuation",
    "call/ec",
    "call-with-escape-continuation",
    "within-continuation",
    " call/cc",
)
"""Primitives whose tail call is that of a procedure which they were given."""

DECIDING = frozenset(
    "alist-ref alist-ref-or any assoc assoc-ref assq assv count count-if delete delete-duplicates "
    "drop-while every filter filter-map find find-tail hash-has-key? hash-ref hash-remove! "
    "hash-set! hash-table-contains? hash-table-delete! hash-table-exists? hash-table-ref "
    "hash-table-ref/default hash-table-set! hash-table-update! hash-table-update!/default "
    "hash-update! list-index list-sort member member? memp memq memv partition remove "
    "remove-duplicates sort sort! sorted? take-while vector-sort vector-sort!".split()
)
"""Primitives that decide by elements or keys, or by what a procedure gives for them."""


class EagerEmitter(LoopEmitter):
    """Emits the eager function of a procedure or of a top-level form."""

    def __init__(self, unit: Unit, counter: list[int] | None = None) -> None:
        super().__init__(unit, counter)
        self.has_tail_calls = False
        self.may_restart = False

    def function(self, node: Lambda, name: str) -> ast.FunctionDef:
        """The Python function of a procedure."""
        self.owner = owner_of(node)
        self.prologue(node)
        self.is_procedure = True
        hidden = self._name_on_ints(node)
        if hidden is None:
            self.tail_by_kinds(node.body, RETURN)
        else:
            self._hand_over(node, hidden)
            self.tail(node.body, RETURN)
        body = self.block
        handlers = []
        if self._may_start_again(node.body):
            handlers.append(_restarting(node.span))
        if self.has_tail_calls:
            handlers.append(_passing_on(node.span))
        if handlers:
            kind = handlers[0].type
            assert kind is not None
            handlers[0].type = py.call(node.span, " crossing", kind)
            body = [py.at(node.span, ast.Try(body, handlers, [], []))]
        if node.documentation:
            body = [py.at(node.span, ast.Expr(py.constant(node.span, node.documentation))), *body]
        return py.define(node.span, name, self.parameter_list(node), body)

    def _may_start_again(self, body: Node) -> bool:
        """Whether the procedure may have to start again, staged.

        It or what it calls may meet a traced condition, after it has made what that changes.
        """
        return (
            self.may_restart
            or _may_meet_traced_condition(body)
            or any(
                isinstance(part, Lambda)
                or (isinstance(part, Call) and not self.is_primitive(part.procedure))
                for part in everything(body)
            )
        )

    def procedure(self, node: Lambda, variable: str) -> ast.expr:
        hidden = self._name_on_ints(node)
        if hidden is not None:
            inner = EagerEmitter(self.unit)
            definition = inner._function_on_ints(node, function_name(self.unit, node))
            self.add(py.at(node.span, ast.Global([hidden])))
            self.add(definition)
            self.add(py.assign(node.span, hidden, py.load(node.span, definition.name)))
        return super().procedure(node, variable)

    def _name_on_ints(self, node: Lambda) -> str | None:
        """The hidden name of the function that does for ints what ``node`` does."""
        own, hidden = self.unit.on_ints.get(node.name or "", (None, None))
        return hidden if own is node else None

    def _hand_over(self, node: Lambda, hidden: str) -> None:
        """Let the function for ints do it if all arguments are ints."""
        span = node.span
        variables = [p.variable for p in node.parameters]
        test = self.are_of(span, dict.fromkeys(variables, INT))
        arguments = [py.load(span, self.name(variable)) for variable in variables]
        result = py.returns(span, py.call(span, hidden, *arguments))
        self.add(py.at(span, ast.If(test, [result], [])))

    def _function_on_ints(self, node: Lambda, name: str) -> ast.FunctionDef:
        """The function that needs no tests, since it is called with ints."""
        self.prologue(node)
        self.is_procedure = self.is_on_ints = True
        self.kinds.known = {p.variable: INT for p in node.parameters}
        self.kinds.results = self.unit.results
        self.tail(node.body, RETURN)
        body = self.block
        if self.has_tail_calls:
            body = [py.at(node.span, ast.Try(body, [_passing_on(node.span)], [], []))]
        return py.define(node.span, name, self.parameter_list(node), body)

    def tail_by_kinds(self, body: Node, destination: Destination) -> None:
        """``body``, twice if it pays: where variables hold what is expected, and where not."""
        asked = self.kinds.worth_asking(body)
        if not asked:
            self.tail(body, destination)
            return
        known = dict(self.kinds.known)
        self.kinds.known.update(asked)
        fast, _ = self.in_block(lambda: self.tail(body, destination))
        self.kinds.known = known
        generic, _ = self.in_block(lambda: self.tail(body, destination))
        self.add(py.at(body.span, ast.If(self.are_of(body.span, asked), fast, generic)))

    def bind(self, node: Let | Letrec) -> None:
        if isinstance(node, Letrec):
            self._forget_read_early(node)
        for variable, value in zip(node.variables, node.values, strict=True):
            self.kinds.bind(variable, value)
        for index, (variable, value) in enumerate(zip(node.variables, node.values, strict=True)):
            rest = (*node.values[index + 1 :], node.body)
            if gives_sequence(self, value) and all(
                is_only_taken(self, variable, part) for part in rest
            ):
                self.add(py.assign(value.span, self.name(variable), sequence(self, value)))
                self.sequences.add(variable)
            else:
                self.bind_variable(variable, value)
            self.kinds.learn(value)

    def _forget_read_early(self, node: Letrec) -> None:
        """Take away what the trip before of a loop left in variables that are read too early.

        Lambdas need no look: a loop in which they capture such a variable is a function.
        """
        early = {
            variable: None
            for index, value in enumerate(node.values)
            if not isinstance(value, Lambda)
            for variable in free_variables(value)
            if variable in node.variables[index:]
        }
        for name in map(self.name, early):
            gone = py.at(node.span, ast.Name(name, ast.Del()))
            self.add(py.assign(node.span, name, py.constant(node.span, None)))
            self.add(py.at(node.span, ast.Delete([gone])))

    def expression(self, node: Node) -> ast.expr:
        if isinstance(node, LocalRef) and node.variable in self.accumulators:
            return scheme_list(node.span, sequence(self, node))
        return super().expression(node)

    def inner_emitter(self) -> Emitter:
        inner = EagerEmitter(self.unit)
        inner.kinds.known = dict(self.kinds.known)
        return inner

    # ---- references and calls

    def global_reference(self, node: GlobalRef) -> ast.expr:
        if self.is_on_ints and node.name in self.unit.on_ints:
            return py.load(node.span, self.unit.on_ints[node.name][1])
        return self.load_global(node)

    def call(self, node: Call) -> ast.expr:
        inlined = inline_call(self, node)
        if inlined is None:
            inlined = inline_sequence(self, node)
        if inlined is not None:
            return inlined
        called = super().call(node)
        if _is_assertion(node) and isinstance(called, ast.Call) and called.args:
            called.args[0] = py.call(node.span, " decided", called.args[0])
        return called

    def note_inlined(self, body: Node) -> None:
        """Note that the body of a procedure stands in this function."""
        self.may_restart = self.may_restart or _may_meet_traced_condition(body)

    # ---- conditionals

    def condition(self, node: Node) -> ast.expr:
        """``node`` as a Python condition: only ``#f`` (or a rank-0 false) is false."""
        if isinstance(node, Const):
            return py.constant(node.span, node.value is not False)
        if self._is_negation(node):
            operand = self.condition(node.arguments[0])
            return py.at(node.span, ast.UnaryOp(ast.Not(), operand))
        if isinstance(node, If) and _is_boolean_form(node):
            return self._boolean_form(node)
        direct = inline_test(self, node)
        if direct is not None:
            return direct
        return self._truth(node.span, self.expression(node))

    def _is_negation(self, node: Node) -> TypeGuard[Call]:
        """``(not x)``, ``not`` being the primitive."""
        if not isinstance(node, Call) or len(node.arguments) != 1 or node.keywords:
            return False
        return self.is_primitive(node.procedure, "not")

    def _truth(self, span: Span, value: ast.expr) -> ast.expr:
        """``v is True or (v is not False and truth(v))``."""
        name = self.temporary()
        kept = py.at(span, ast.NamedExpr(py.store(span, name), value))
        again = py.load(span, name)
        is_true = py.is_identical(span, kept, py.constant(span, True))
        not_false = py.at(span, ast.Compare(again, [ast.IsNot()], [py.constant(span, False)]))
        rest = py.at(span, ast.BoolOp(ast.And(), [not_false, py.call(span, " truth", again)]))
        return py.at(span, ast.BoolOp(ast.Or(), [is_true, rest]))

    def _boolean_form(self, node: If) -> ast.expr:
        """``and`` as a condition: Python's ``and``, if its parts need no statements."""
        block, test = self.in_block(lambda: self.condition(node.test))
        self.block += block
        inner, then = self._where(node.test, lambda: self.condition(node.then))
        if not inner:
            return py.at(node.span, ast.BoolOp(ast.And(), [test, then]))
        name = self.temporary()
        inner.append(py.assign(node.span, name, then))
        otherwise = [py.assign(node.span, name, py.constant(node.span, False))]
        self.add(py.at(node.span, ast.If(test, inner, otherwise)))
        return py.load(node.span, name)

    def in_block(self, emit: Callable[[], Any]) -> tuple[list[ast.stmt], Any]:
        """Run ``emit`` with a fresh block; what becomes known in it is known there only."""
        known = self.kinds.known
        self.kinds.known = dict(known)
        try:
            return super().in_block(emit)
        finally:
            self.kinds.known = known

    def _where(self, test: Node, emit: Callable[[], Any]) -> tuple[list[ast.stmt], Any]:
        """Run ``emit`` with a fresh block, knowing that ``test`` holds."""

        def knowing() -> Any:
            self.kinds.known.update(self.kinds.tested(test))
            return emit()

        return self.in_block(knowing)

    def conditional(self, node: If) -> ast.expr:
        test = self.condition(node.test)
        then_block, then = self._where(node.test, lambda: self.expression(node.then))
        else_block, otherwise = self.in_block(lambda: self.expression(node.otherwise))
        if not then_block and not else_block:
            return py.at(node.span, ast.IfExp(test, then, otherwise))
        name = self.temporary()
        then_block.append(py.assign(node.span, name, then))
        else_block.append(py.assign(node.span, name, otherwise))
        self.add(py.at(node.span, ast.If(test, then_block, else_block)))
        return py.load(node.span, name)

    def conditional_tail(self, node: If, destination: Destination) -> None:
        test = self.condition(node.test)
        then, _ = self._where(node.test, lambda: self.tail(node.then, destination))
        otherwise, _ = self.in_block(lambda: self.tail(node.otherwise, destination))
        if not then:
            then = [py.at(node.span, ast.Pass())]
        self.add(py.at(node.span, ast.If(test, then, otherwise)))

    # ---- tail calls

    def deliver(self, node: Node, destination: Destination) -> None:
        if isinstance(destination, Return) and isinstance(node, Call) and self.is_procedure:
            self.add(py.returns(node.span, self._tail_call(node)))
            return
        super().deliver(node, destination)

    def _tail_call(self, node: Call) -> ast.expr:
        """A call in tail position of a procedure: proper, unless it is one of a primitive."""
        passes_on = any(self.is_primitive(node.procedure, name) for name in PASSING_ON)
        if self.is_primitive(node.procedure) and not passes_on:
            return self.expression(node)
        self.has_tail_calls = True
        return self.plain_call(node, self._tail_callee)

    def _tail_callee(self, node: Call, procedure: ast.expr) -> ast.expr:
        """The procedure or, seldom, what keeps the stack from growing."""
        span = node.procedure.span
        if not isinstance(procedure, ast.Name):
            procedure = self.keep(span, procedure)
        instead = py.call(span, " deep", procedure)
        return py.at(span, ast.IfExp(py.call(span, " tick"), procedure, instead))


def _is_boolean_form(node: If) -> bool:
    """``(and a b)``: the alternative is the constant false."""
    return isinstance(node.otherwise, Const) and node.otherwise.value is False


def _may_meet_traced_condition(node: Node) -> bool:
    """Whether ``node`` itself (not a procedure in it) branches."""
    if isinstance(node, If | Loop) or _is_assertion(node) or _looks_like_deciding(node):
        return True
    return any(
        _may_meet_traced_condition(child)
        for child in children(node)
        if not isinstance(child, Lambda)
    )


def _is_assertion(node: Node) -> bool:
    """Whether ``node`` looks like ``(assert test …)``."""
    if not isinstance(node, Call) or not isinstance(node.procedure, GlobalRef):
        return False
    return node.procedure.name == "assert" and bool(node.arguments)


def _looks_like_deciding(node: Node) -> bool:
    """Whether ``node`` looks like a call of a primitive that decides."""
    procedure = node.procedure if isinstance(node, Call) else None
    return isinstance(procedure, GlobalRef) and procedure.name in DECIDING


def _restarting(span: Span) -> ast.ExceptHandler:
    """Start again in the staged dialect on meeting a traced condition."""
    again = py.returns(span, py.call(span, " restart"))
    return py.at(span, ast.ExceptHandler(py.load(span, " NeedsStaging"), None, [again]))


def _passing_on(span: Span) -> ast.ExceptHandler:
    """Pass on a tail call that belongs further down the stack; make one that belongs here."""
    name = " call"
    distance = ast.Attribute(py.load(span, name), "distance", py.LOAD)
    less = ast.Attribute(py.load(span, name), "distance", py.STORE)
    one_less = ast.AugAssign(py.at(span, less), ast.Sub(), py.constant(span, 1))
    pass_on = [py.at(span, one_less), py.at(span, ast.Raise())]
    body = [
        py.at(span, ast.If(py.at(span, distance), pass_on, [])),
        py.returns(span, py.call(span, " make", py.load(span, name))),
    ]
    return py.at(span, ast.ExceptHandler(py.load(span, " TailCall"), name, body))

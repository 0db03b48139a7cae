"""The eager dialect: ``if`` is a Python ``if``, a loop a Python ``while``.

A loop whose trips make closures over its variables runs its body as a Python function, so that
each trip has bindings of its own. A body that meets a traced condition starts again in the staged
dialect: its function ends in a handler for that, which costs nothing until it is used.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TypeGuard

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.emitter import RETURN, Assign, Destination, Effect, Emitter, Return, Unit
from eshkol.codegen.inlining import inline_call, inline_test
from eshkol.codegen.kinds import Kinds
from eshkol.codegen.traversals import inline_traversal
from eshkol.core.free import free_variables
from eshkol.core.nodes import (
    Call,
    Const,
    Continue,
    GlobalRef,
    If,
    Label,
    Lambda,
    Let,
    Letrec,
    Loop,
    Node,
    Sequence,
    Variable,
)
from eshkol.core.walk import bound_variables, children, everything

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


@dataclass
class Running:
    """A loop being emitted.

    ``depth`` counts the Python ``while`` statements around, in this Python function, or is None
    if the body is a function of its own. ``jumps`` are outer loops that its trips go on with.
    """

    node: Loop
    depth: int
    is_function: bool = False
    jumps: set[Label] = field(default_factory=set)
    is_flagged: bool = False


@dataclass(frozen=True)
class Leave(Destination):
    """The value goes to another destination, and the innermost ``while`` is left."""

    inner: Destination


@dataclass(frozen=True)
class Exit(Destination):
    """The value leaves a loop body that is a Python function: ``return (0, value)``."""


class EagerEmitter(Emitter):
    """Emits the eager function of a procedure or of a top-level form."""

    def __init__(self, unit: Unit, counter: list[int] | None = None) -> None:
        super().__init__(unit, counter)
        self.running: list[Running] = []
        self.depth = 0
        self.is_procedure = False
        self.has_tail_calls = False
        self.may_restart = False
        self.kinds = Kinds(self.is_primitive)

    def function(self, node: Lambda, name: str) -> ast.FunctionDef:
        """The Python function of a procedure."""
        self.prologue(node)
        self.is_procedure = True
        self._tail_by_kinds(node.body, RETURN)
        body = self.block
        handlers = []
        if self.may_restart or _may_meet_traced_condition(node.body):
            handlers.append(_restarting(node.span))
        if self.has_tail_calls:
            handlers.append(_passing_on(node.span))
        if handlers:
            body = [py.at(node.span, ast.Try(body, handlers, [], []))]
        if node.documentation:
            body = [py.at(node.span, ast.Expr(py.constant(node.span, node.documentation))), *body]
        return py.define(node.span, name, self.parameter_list(node), body)

    def _tail_by_kinds(self, body: Node, destination: Destination) -> None:
        """``body``, twice if it pays: where variables hold what is expected, and where not."""
        asked = self.kinds.worth_asking(body)
        if not asked:
            self.tail(body, destination)
            return
        span = body.span
        tests = [
            py.is_identical(
                span, py.class_of(span, py.load(span, self.name(v))), py.load(span, kind)
            )
            for v, kind in asked.items()
        ]
        test = tests[0] if len(tests) == 1 else py.at(span, ast.BoolOp(ast.And(), tests))
        known = dict(self.kinds.known)
        self.kinds.known.update(asked)
        fast, _ = self.in_block(lambda: self.tail(body, destination))
        self.kinds.known = known
        generic, _ = self.in_block(lambda: self.tail(body, destination))
        self.add(py.at(span, ast.If(test, fast, generic)))

    def bind(self, node: Let | Letrec) -> None:
        for variable, value in zip(node.variables, node.values, strict=True):
            self.kinds.bind(variable, value)
        super().bind(node)

    def inner_emitter(self) -> Emitter:
        inner = EagerEmitter(self.unit)
        inner.kinds.known = dict(self.kinds.known)
        return inner

    # ---- references and calls

    def global_reference(self, node: GlobalRef) -> ast.expr:
        return self.load_global(node)

    def call(self, node: Call) -> ast.expr:
        inlined = inline_call(self, node)
        if inlined is None:
            inlined = inline_traversal(self, node)
        return super().call(node) if inlined is None else inlined

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
        inner, then = self.in_block(lambda: self.condition(node.then))
        if not inner:
            return py.at(node.span, ast.BoolOp(ast.And(), [test, then]))
        name = self.temporary()
        inner.append(py.assign(node.span, name, then))
        otherwise = [py.assign(node.span, name, py.constant(node.span, False))]
        self.add(py.at(node.span, ast.If(test, inner, otherwise)))
        return py.load(node.span, name)

    def conditional(self, node: If) -> ast.expr:
        test = self.condition(node.test)
        then_block, then = self.in_block(lambda: self.expression(node.then))
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
        then, _ = self.in_block(lambda: self.tail(node.then, destination))
        otherwise, _ = self.in_block(lambda: self.tail(node.otherwise, destination))
        if not then:
            then = [py.at(node.span, ast.Pass())]
        self.add(py.at(node.span, ast.If(test, then, otherwise)))

    # ---- loops

    def deliver(self, node: Node, destination: Destination) -> None:
        if isinstance(destination, Exit):
            value = py.tuple_of(node.span, [py.constant(node.span, 0), self.expression(node)])
            self.add(py.returns(node.span, value))
            return
        if isinstance(destination, Leave):
            super().deliver(node, destination.inner)
            self.add(py.at(node.span, ast.Break()))
            return
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

    def loop(self, node: Loop, destination: Destination) -> None:
        if _makes_closures_over_its_trips(node):
            self._loop_with_function(node, destination)
            return
        if isinstance(destination, Return | Exit) or not _has_tail_loop(node.body):
            self._while(node, destination)
            return
        self._loop_in_function(node, destination)

    def _while(self, node: Loop, destination: Destination) -> None:
        self._assign_variables(node, list(node.values), fresh=True)
        self.kinds.enter(node)
        state = Running(node, self.depth + 1)
        inner = destination if isinstance(destination, Return | Exit) else Leave(destination)
        self.running.append(state)
        saved, self.depth = self.depth, self.depth + 1
        body, _ = self.in_block(lambda: self._tail_by_kinds(node.body, inner))
        self.depth = saved
        self.running.pop()
        if state.is_flagged:
            off = py.constant(node.span, False)
            body.insert(0, py.assign(node.span, self._flag(node.label), off))
        true = py.constant(node.span, True)
        self.add(py.at(node.span, ast.While(true, body, [])))
        self._after_loop(node.span, state)

    def _after_loop(self, span: Span, state: Running) -> None:
        """Pass on jumps to loops further out than the one this loop stands in."""
        for label in sorted(state.jumps, key=lambda label: label.name):
            outer = self._find(label)
            if outer.depth < self.depth:
                flag = py.load(span, self._flag(label))
                self.add(py.at(span, ast.If(flag, [py.at(span, ast.Break())], [])))
                self.running[-1].jumps.add(label)

    def _find(self, label: Label) -> Running:
        return next(state for state in reversed(self.running) if state.node.label is label)

    def _flag(self, label: Label) -> str:
        return f" jump to {label.name}"

    def _assign_variables(self, node: Loop, values: list[Node], fresh: bool = False) -> None:
        """Assign the loop's variables, all values being computed first."""
        pairs = [
            (self.name(variable), value)
            for variable, value in zip(node.variables, values, strict=True)
            if fresh or not _is_same_variable(value, variable)
        ]
        expressions = self.expressions([value for _, value in pairs])
        span = node.span
        names = [name for name, _ in pairs]
        if len(names) == 1:
            self.add(py.assign(span, names[0], expressions[0]))
        elif names:
            self.add(py.assign_all(span, names, py.tuple_of(span, expressions)))

    def go_on(self, node: Continue) -> None:
        state = self._find(node.label)
        inside = self.running[self.running.index(state) + 1 :]
        if state.is_function or any(other.is_function for other in inside):
            self._return_arguments(node)
            return
        self._assign_variables(state.node, list(node.arguments))
        if state.depth == self.depth:
            self.add(py.at(node.span, ast.Continue()))
            return
        if state.depth < self.depth - 1:
            self.running[-1].jumps.add(node.label)
            self._raise_flag(node.span, state)
        self.add(py.at(node.span, ast.Break()))

    def _raise_flag(self, span: Span, state: Running) -> None:
        """Remember that the next trip of an outer loop is to come."""
        state.is_flagged = True
        flag = self._flag(state.node.label)
        self.add(py.assign(span, flag, py.constant(span, True)))

    def _return_arguments(self, node: Continue) -> None:
        """From a loop body that is a function: ``return (which loop, values)``."""
        number = self._number(node.label)
        values = py.tuple_of(node.span, self.expressions(node.arguments))
        pair = py.tuple_of(node.span, [py.constant(node.span, number), values])
        self.add(py.returns(node.span, pair))

    def _number(self, label: Label) -> int:
        """Loops around, numbered from 1, the outermost first."""
        return 1 + self.running.index(self._find(label))

    def _loop_in_function(self, node: Loop, destination: Destination) -> None:
        """A loop with loops in its tail, inside an expression: they return its value."""
        name = self.temporary()
        saved = self.running, self.depth, self.is_procedure
        self.running, self.depth, self.is_procedure = [], 0, False
        body, _ = self.in_block(lambda: self._while(node, RETURN))
        self.running, self.depth, self.is_procedure = saved
        self.add(py.define(node.span, name, py.arguments(node.span, []), body))
        self._give(node.span, py.call(node.span, name), destination)

    def _give(self, span: Span, value: ast.expr, destination: Destination) -> None:
        """Give a Python value to ``destination``, leaving an enclosing ``while``."""
        if isinstance(destination, Return):
            self.add(py.returns(span, value))
        elif isinstance(destination, Exit):
            self.add(py.returns(span, py.tuple_of(span, [py.constant(span, 0), value])))
        elif isinstance(destination, Leave):
            self._give(span, value, destination.inner)
            self.add(py.at(span, ast.Break()))
        elif isinstance(destination, Assign):
            self.add(py.assign(span, destination.name, value))
        else:
            assert isinstance(destination, Effect)
            self.add(py.at(span, ast.Expr(value)))

    def _loop_with_function(self, node: Loop, destination: Destination) -> None:
        """A loop whose body is a Python function that says how to go on."""
        span = node.span
        function, which, values = self.temporary(), self.temporary(), self.temporary()
        names = [self.name(variable) for variable in node.variables]
        state = Running(node, self.depth + 1, is_function=True)
        self.running.append(state)
        number = self._number(node.label)
        saved, self.depth = self.depth, 0
        body, _ = self.in_block(lambda: self.tail(node.body, Exit()))
        self.depth = saved
        self.add(py.define(span, function, py.arguments(span, names), body))
        self.running.pop()
        start = py.tuple_of(span, self.expressions(node.values))
        self.add(py.assign(span, values, start))
        starred = py.at(span, ast.Starred(py.load(span, values), py.LOAD))
        trip = py.assign_all(span, [which, values], py.call(span, function, starred))
        driver = Running(node, self.depth + 1)
        leave, _ = self.in_block(lambda: self._leave(driver, destination, which, values))
        compare = ast.Compare(py.load(span, which), [ast.NotEq()], [py.constant(span, number)])
        again = py.at(span, ast.If(py.at(span, compare), leave, []))
        self.add(py.at(span, ast.While(py.constant(span, True), [trip, again], [])))
        self._after_loop(span, driver)

    def _leave(self, driver: Running, destination: Destination, which: str, values: str) -> None:
        """After a trip that doesn't go on: with an outer loop, or with the value."""
        node = driver.node
        span = node.span
        outer_labels = {
            part.label
            for part in everything(node.body)
            if isinstance(part, Continue) and part.label is not node.label
        }
        for state in self.running:
            if state.node.label in outer_labels:
                self._jump_out(driver, state, which, values)
        is_return = isinstance(destination, Return | Exit)
        self._give(span, py.load(span, values), destination if is_return else Leave(destination))

    def _jump_out(self, driver: Running, state: Running, which: str, values: str) -> None:
        span = driver.node.span
        number = self._number(state.node.label)
        compare = ast.Compare(py.load(span, which), [ast.Eq()], [py.constant(span, number)])

        def jump() -> None:
            inside = self.running[self.running.index(state) :]
            if any(other.is_function for other in inside):
                pair = [py.load(span, which), py.load(span, values)]
                self.add(py.returns(span, py.tuple_of(span, pair)))
                return
            names = [self.name(variable) for variable in state.node.variables]
            if names:
                self.add(py.assign_all(span, names, py.load(span, values)))
            if state.depth < self.depth:
                driver.jumps.add(state.node.label)
                self._raise_flag(span, state)
            self.add(py.at(span, ast.Break()))

        block, _ = self.in_block(jump)
        self.add(py.at(span, ast.If(py.at(span, compare), block, [])))


def _is_same_variable(value: Node, variable: Variable) -> bool:
    return getattr(value, "variable", None) is variable and type(value).__name__ == "LocalRef"


def _is_boolean_form(node: If) -> bool:
    """``(and a b)``: the alternative is the constant false."""
    return isinstance(node.otherwise, Const) and node.otherwise.value is False


def _has_tail_loop(node: Node) -> bool:
    """Whether a loop stands in tail position of ``node``."""
    match node:
        case Loop():
            return True
        case If():
            return _has_tail_loop(node.then) or _has_tail_loop(node.otherwise)
        case Let() | Letrec():
            return _has_tail_loop(node.body)
        case Sequence():
            return _has_tail_loop(node.steps[-1])
    return False


def _makes_closures_over_its_trips(node: Loop) -> bool:
    """Whether some procedure made in the loop captures a variable bound in the loop."""
    bound = set(node.variables)
    procedures = []
    stack: list[Node] = [node.body]
    while stack:
        part = stack.pop()
        if isinstance(part, Lambda):
            procedures.append(part)
            continue
        bound.update(bound_variables(part))
        stack.extend(children(part))
    return any(bound.intersection(free_variables(procedure)) for procedure in procedures)


def _may_meet_traced_condition(node: Node) -> bool:
    """Whether ``node`` itself (not a procedure in it) branches."""
    if isinstance(node, If | Loop):
        return True
    return any(
        _may_meet_traced_condition(child)
        for child in children(node)
        if not isinstance(child, Lambda)
    )


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
